/**
 * A report as OSCAL 1.2.1 assessment results (NIST), in JSON. What stands where, and why, is in
 * docs/formats/report.md.
 */
import { createHash } from 'node:crypto';
import { addDays, startOfDay } from '../evidence/days.ts';
import type { ControlReport, Deviation, PeriodReport, TestReport } from '../period/report.ts';
import { wholeText as markup } from './markdown.ts';
import type { Report, ReportControl, ReportNight, ReportSource } from './model.ts';
import {
  gapWords,
  interimWords,
  legible,
  marksOf,
  periodWords,
  standingOf,
  storyOf,
  waiversOf,
  whatItIs,
} from './words.ts';

interface Prop {
  name: string;
  ns: string;
  value: string;
}

/** Of the properties that are Tickmark's own words. */
const ns = 'urn:tickmark:oscal';

/** What all names are hashed with; drawn once at random. */
const namespace = '6f1a3c5e-0d0b-4f0c-9d55-3b1f7a1c2e84';

/** A control with what its files and its tests say of it. */
interface Known {
  control: ControlReport;
  definition: ReportControl;
}

/** In pieces, each made when its turn comes: a deviation is told at length, and there may be thousands. */
export function* oscal(report: Report): Generator<string> {
  const { period, head, tool } = report;
  const known = period.controls.map((control, index): Known => {
    return { control, definition: report.controls[index] as ReportControl };
  });
  // The same store up to the same head, looked at for the same days and time: the same document.
  const own = [head?.digest ?? null, period.period, period.as_of, period.now];
  const whose = period.organizations.join(', ');
  const remarks = [interimWords(report) ?? [], marksOf(report)].flat();
  yield* indented({
    'assessment-results': {
      uuid: uuid('document', own),
      metadata: {
        title: `${markup(whose)}: ${periodWords(report)}`,
        'last-modified': period.now,
        version: head === null ? '0' : String(head.sequence),
        'oscal-version': '1.2.1',
        props: [prop('tickmark-version', tool.version)],
        parties: period.organizations.map((name) => ({
          uuid: uuid('organization', name),
          type: 'organization',
          name: value(name),
        })),
        remarks: `${whatItIs} The words satisfied and not-satisfied are OSCAL's; what Tickmark concluded stands in the remarks of each status.`,
      },
      'import-ap': {
        href: `#${uuid('plan', own)}`,
        remarks: 'There is no OSCAL plan: the sealed control files say what is tested, and how.',
      },
      'local-definitions': {
        ...some('objectives-and-methods', known.flatMap(objectiveOf)),
        ...some('activities', known.flatMap(activitiesOf)),
      },
      results: [
        {
          uuid: uuid('result', own),
          title: periodWords(report),
          description: [whatItIs, ...remarks, ...period.problems.map(markup)].join(' '),
          start: startOfDay(period.period.start, period.period.timezone).toISOString(),
          end: period.through,
          props: [
            prop('interim', String(period.interim)),
            ...Object.entries(report.marks).map(([name, count]) => prop(name, String(count))),
          ],
          'local-definitions': localDefinitionsOf(report),
          'reviewed-controls': reviewedOf(report.controls),
          ...(report.nights.length === 0
            ? {}
            : { 'assessment-log': { entries: report.nights.map(entryOf) } }),
          ...some(
            'observations',
            known.flatMap(({ control }) =>
              control.tests.flatMap((test) => [
                () => testObservation(test, period),
                ...test.deviations.map((one) => () => deviationObservation(one)),
              ]),
            ),
          ),
          ...some(
            'risks',
            known.flatMap((each) =>
              each.control.tests.flatMap((test) =>
                test.deviations.filter(isRisk).map((one) => () => riskOf(one, each, period)),
              ),
            ),
          ),
          ...some(
            'findings',
            known.map((each) => () => findingOf(each, period)),
          ),
        },
      ],
      'back-matter': { resources: resourcesOf(report, own) },
    },
  });
  yield '\n';
}

/** As `JSON.stringify(value, null, 2)` writes it. What a function tells is one piece. */
function* indented(told: unknown, indent = ''): Generator<string> {
  const isPiece = typeof told === 'function';
  const value: unknown = isPiece ? told() : told;
  const isList = Array.isArray(value);
  const entries =
    isPiece || typeof value !== 'object' || value === null
      ? []
      : Object.entries(value).filter(([, each]) => each !== undefined);
  if (entries.length === 0) {
    yield JSON.stringify(value, null, 2).replaceAll('\n', `\n${indent}`);
    return;
  }
  let separator = isList ? '[' : '{';
  for (const [key, each] of entries) {
    yield `${separator}\n${indent}  ${isList ? '' : `${JSON.stringify(key)}: `}`;
    yield* indented(each, `${indent}  `);
    separator = ',';
  }
  yield `\n${indent}${isList ? ']' : '}'}`;
}

function objectiveOf({ control, definition }: Known) {
  const [first] = criteriaOf([definition]);
  return first === undefined
    ? []
    : [
        {
          'control-id': first.criterion,
          props: criteriaOf([definition]).map(({ framework, number }) =>
            prop('criterion', `${framework} ${number}`),
          ),
          parts: [
            {
              id: token(control.id),
              name: 'objective',
              title: markup(control.title),
              prose: markup(definition.statement),
            },
          ],
        },
      ];
}

function activitiesOf({ control, definition }: Known) {
  return control.tests.map((test) => {
    const detail = definition.tests.find(({ id }) => id === test.id);
    const criteria = criteriaOf([definition]);
    return {
      uuid: uuid('activity', test.id),
      title: markup(test.title),
      description: markup(definition.statement),
      props: [
        { name: 'method', value: 'TEST' },
        prop('test', test.id),
        prop('control', control.id),
        prop('dataset', test.dataset),
        prop('severity', test.severity),
        prop('where', detail?.where ?? 'true'),
        prop('expect', detail?.expect ?? ''),
        prop('parameters', JSON.stringify(detail?.parameters ?? {})),
      ],
      ...(criteria.length === 0 ? {} : { 'related-controls': reviewedOf([definition]) }),
    };
  });
}

function localDefinitionsOf({ period, sources, tool }: Report) {
  const software = uuid('software', 'tickmark');
  const subjects = new Map<string, Deviation>();
  for (const each of deviationsOf(period)) subjects.set(subjectOf(each), each);
  const asked = new Set(sources.map(({ id }) => id));
  return {
    ...some('components', sources.map(componentOf)),
    ...some(
      'inventory-items',
      [...subjects].map(([id, { source, dataset, scope, uid, name }]) => () => ({
        uuid: id,
        description: markup(name),
        props: [
          prop('uid', uid),
          prop('dataset', dataset),
          prop('source', source),
          prop('scope', scope),
        ],
        ...(asked.has(source)
          ? { 'implemented-components': [{ 'component-uuid': uuid('source', source) }] }
          : {}),
      })),
    ),
    'assessment-assets': {
      components: [
        {
          uuid: software,
          type: 'software',
          title: 'Tickmark',
          description: 'Collects evidence, tests it and seals it.',
          props: [prop('version', tool.version), prop('commit', tool.commit ?? 'unknown')],
          status: { state: 'operational' },
        },
      ],
      'assessment-platforms': [
        {
          uuid: uuid('platform', 'tickmark'),
          title: 'Tickmark',
          'uses-components': [{ 'component-uuid': software }],
        },
      ],
    },
  };
}

function componentOf({ id, use, identities, endpoints, left_out }: ReportSource) {
  return {
    uuid: uuid('source', id),
    type: 'service',
    title: markup(id),
    description: `A source of the kind ${markup(use)}`,
    props: [
      prop('use', use),
      ...identities.map(({ subject, account }) => prop('identity', `${subject} in ${account}`)),
      ...endpoints.map((endpoint) => prop('endpoint', endpoint)),
      ...left_out.map(({ scope, reason }) => prop('left-out', `${scope}: ${reason}`)),
    ],
    status: { state: 'operational' },
  };
}

/** By framework: which criteria were looked at, and by which controls of the organisation. */
function reviewedOf(controls: readonly ReportControl[]) {
  const criteria = criteriaOf(controls);
  const frameworks = [...new Set(criteria.map(({ framework }) => framework))];
  const selections = frameworks.map((framework) => ({
    props: [prop('framework', framework)],
    'include-controls': [
      ...new Set(
        criteria.filter((each) => each.framework === framework).map(({ criterion }) => criterion),
      ),
    ].map((id) => ({ 'control-id': id })),
  }));
  const objectives = controls
    .filter((each) => criteriaOf([each]).length > 0)
    .map(({ id }) => ({ 'objective-id': token(id) }));
  return {
    // OSCAL wants one; nothing was reviewed where there is none.
    'control-selections':
      selections.length === 0
        ? [{ description: 'No criterion.', 'include-controls': [{ 'control-id': 'none' }] }]
        : selections,
    ...(objectives.length === 0
      ? {}
      : { 'control-objective-selections': [{ 'include-objectives': objectives }] }),
  };
}

function criteriaOf(controls: readonly ReportControl[]) {
  return controls.flatMap(({ criteria }) =>
    Object.entries(criteria).flatMap(([framework, numbers]) =>
      numbers.map((number) => ({ framework, number, criterion: token(number) })),
    ),
  );
}

function entryOf({ run, sequence, digest, started_at, finished_at, ...night }: ReportNight) {
  return {
    uuid: uuid('night', digest),
    title: `Bundle ${sequence}`,
    start: started_at,
    end: finished_at,
    props: [
      prop('run', run),
      prop('sequence', String(sequence)),
      prop('digest', digest),
      prop('kind', night.kind),
      prop('operator', night.operator),
      ...(['signed', 'stamped', 'simulated', 'replayed'] as const).map((mark) =>
        prop(mark, String(night[mark])),
      ),
      ...Object.entries(night.slices).map(([outcome, count]) =>
        prop(`slices-${outcome}`, String(count)),
      ),
    ],
  };
}

function testObservation(test: TestReport, period: PeriodReport) {
  const { coverage: covered, population, deviating, waived, untold } = test;
  return {
    uuid: uuidOfTest(test, period),
    title: markup(test.title),
    description: `${covered.complete} of ${covered.expected} occurrences have complete evidence; ${deviating} of ${population} deviate.`,
    props: [
      prop('test', test.id),
      prop('conclusion', test.conclusion),
      prop('expected', String(covered.expected)),
      prop('complete', String(covered.complete)),
      prop('population', String(population)),
      prop('deviating', String(deviating)),
      prop('waived', String(waived)),
      prop('untold', String(untold)),
      ...test.gaps.map((gap) => prop('gap', gapWords(gap, legible))),
    ],
    methods: ['TEST'],
    types: ['control-objective'],
    origins: [origin],
    collected: period.through,
  };
}

const origin = { actors: [{ type: 'tool', 'actor-uuid': uuid('software', 'tickmark') }] };

function deviationObservation(deviation: Deviation) {
  const { test, opened, closed, name, kind, first_run, last_run, waived } = deviation;
  const props = [
    prop('test', test),
    prop('kind', kind),
    prop('standing', standingOf(deviation)),
    prop('severity', deviation.remediation.severity),
    prop('opened', opened.how),
    ...(opened.after === null ? [] : [prop('opened-after', opened.after)]),
    prop('opened-by', opened.by),
    ...(closed === null
      ? []
      : [
          prop('closed', closed.how),
          prop('closed-after', closed.after),
          prop('closed-by', closed.by),
        ]),
    prop('waived', waived),
    prop('recurrence', String(deviation.recurrence)),
    prop('first-run', first_run),
    prop('last-run', last_run),
  ];
  return {
    uuid: uuid('deviation', keyOf(deviation)),
    title: `${markup(test)}: ${markup(name)}`,
    description: `${storyOf(deviation)}.`,
    props,
    methods: ['TEST'],
    types: ['finding'],
    origins: [origin],
    subjects: [
      { 'subject-uuid': subjectOf(deviation), type: 'inventory-item', title: markup(name) },
    ],
    collected: opened.by,
  };
}

/** What can still be mended, or is accepted. */
function isRisk(deviation: Deviation): boolean {
  return deviation.kind === 'state' && deviation.closed === null;
}

function riskOf(deviation: Deviation, { definition }: Known, { waivers, period }: PeriodReport) {
  const { test, name, remediation } = deviation;
  const detail = definition.tests.find(({ id }) => id === test);
  const accepted = standingOf(deviation) === 'waived';
  const mitigating = waiversOf(deviation, waivers).filter(
    (waiver) => accepted && waiver.compensating_control !== null,
  );
  return {
    uuid: uuid('risk', keyOf(deviation)),
    title: `${markup(test)}: ${markup(name)}`,
    description: `${storyOf(deviation)}.`,
    statement: markup(detail?.title ?? test),
    props: [prop('severity', remediation.severity), prop('remediation', remediation.state)],
    status: accepted ? 'deviation-approved' : 'open',
    origins: [origin],
    ...some(
      'mitigating-factors',
      mitigating.map((waiver) => ({
        uuid: uuid('mitigation', [keyOf(deviation), waiver]),
        description: markup(waiver.compensating_control ?? ''),
      })),
    ),
    // The day on which it has to be closed is over with its end.
    ...(remediation.due === null || accepted
      ? {}
      : { deadline: startOfDay(addDays(remediation.due, 1), period.timezone).toISOString() }),
    remediations: [
      {
        uuid: uuid('remediation', keyOf(deviation)),
        lifecycle: 'recommendation',
        title: markup(detail?.title ?? test),
        description: markup(detail?.remediation ?? ''),
      },
    ],
    'related-observations': [{ 'observation-uuid': uuid('deviation', keyOf(deviation)) }],
  };
}

const reasons: Record<ControlReport['conclusion'], string> = {
  operated: 'pass',
  'operated with deviations': 'fail',
  'insufficient evidence': 'other',
  'did not operate': 'other',
};

function findingOf({ control, definition }: Known, period: PeriodReport) {
  const { tests, conclusion, because } = control;
  const deviations = tests.flatMap((test) => test.deviations);
  return {
    uuid: uuid('finding', [control.id, period.period, period.through]),
    title: `${markup(control.id)} ${markup(control.title)}`,
    description: markup(definition.statement),
    props: [
      prop('control', control.id),
      prop('conclusion', conclusion),
      prop('owner', definition.owner),
      prop('category', definition.category),
      prop('frequency', control.frequency),
      prop('expected', String(control.coverage.expected)),
      prop('complete', String(control.coverage.complete)),
      prop('population', String(control.population)),
      prop('deviating', String(control.deviating)),
      prop('waived', String(control.waived)),
      prop('open', String(control.open)),
    ],
    origins: [origin],
    target: {
      type: 'objective-id',
      'target-id': token(control.id),
      status: {
        state: conclusion === 'operated' ? 'satisfied' : 'not-satisfied',
        reason: reasons[conclusion],
        remarks: [conclusion, ...because.map(markup)].join('; '),
      },
    },
    ...some('related-observations', [
      ...tests.map((test) => ({ 'observation-uuid': uuidOfTest(test, period) })),
      ...deviations.map((each) => ({ 'observation-uuid': uuid('deviation', keyOf(each)) })),
    ]),
    ...some(
      'related-risks',
      deviations.filter(isRisk).map((each) => ({ 'risk-uuid': uuid('risk', keyOf(each)) })),
    ),
  };
}

function uuidOfTest({ id }: TestReport, { period, through }: PeriodReport): string {
  return uuid('test', [id, period, through]);
}

function resourcesOf(report: Report, own: unknown) {
  const { head, controls } = report;
  return [
    {
      uuid: uuid('plan', own),
      title: 'The controls as they were tested',
      description: 'Control files as they were sealed, the newest last, each by its SHA-256.',
      ...some(
        'props',
        controls.flatMap(({ id, files }) =>
          files.map(({ digest }) => ({ ...prop('control-file', digest), class: token(id) })),
        ),
      ),
    },
    ...(head === null
      ? []
      : [
          {
            uuid: uuid('head', head.digest),
            title: 'The head of the chain',
            description: 'The newest manifest of the store. Its digest pins all before it.',
            props: [prop('sequence', String(head.sequence)), prop('digest', head.digest)],
            rlinks: [
              {
                href: `bundles/${String(head.sequence).padStart(8, '0')}.json`,
                'media-type': 'application/json',
                hashes: [{ algorithm: 'SHA-256', value: head.digest }],
              },
            ],
          },
        ]),
  ];
}

function deviationsOf({ controls }: PeriodReport): Deviation[] {
  return controls.flatMap(({ tests }) => tests.flatMap(({ deviations }) => deviations));
}

function keyOf({ test, source, dataset, scope, uid, opened }: Deviation): string[] {
  return [test, source, dataset, scope, uid, opened.by];
}

function subjectOf({ source, dataset, scope, uid }: Deviation): string {
  return uuid('resource', [source, dataset, scope, uid]);
}

/** A list under its key; OSCAL has no empty lists. */
function some<Item>(key: string, items: readonly Item[]): Record<string, readonly Item[]> {
  return items.length === 0 ? {} : { [key]: items };
}

function prop(name: string, text: string): Prop {
  return { name, ns, value: value(text) };
}

/** OSCAL's string: one line, not empty, with nothing but signs at its ends. */
function value(outside: string): string {
  return legible(outside).trim() || '-';
}

/** OSCAL's names begin with a letter, and have few other signs. */
function token(outside: string): string {
  const plain = legible(outside).replace(/[^\p{L}\p{N}._-]/gu, '_');
  return /^[\p{L}_]/u.test(plain) ? plain : `_${plain}`;
}

/** RFC 9562, 5.5: the same name, the same UUID. */
function uuid(kind: string, name: unknown): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(JSON.stringify([kind, name]))
    .digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex', 0, 16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}
