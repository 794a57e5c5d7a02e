/** One control: what it says, its days, tests, deviations and gaps. */
import type { ControlReport, PeriodReport, TestReport, WaiverReport } from '../../period/report.ts';
import type { Report, ReportControl, ReportTest } from '../model.ts';
import { plural } from '../words.ts';
import { type Markup, markup, type Part } from './markup.ts';
import {
  addressOf,
  code,
  conclusionOf,
  days,
  details,
  facts,
  gapsTable,
  json,
  lines,
  list,
  nothing,
  paragraph,
  resource,
  sharedGaps,
  table,
  testLink,
  view,
} from './parts.ts';
import { axis, legend, runsOf, strip, stripWords } from './strip.ts';
import { counted, dayStates, frameworkName, wordsOf } from './words.ts';

/** Deviations that a control shows at once; the view of all of them has the others. */
const mostDeviations = 200;

export function controlView(report: Report, control: ControlReport): Markup {
  const { period } = report;
  const known = report.controls.find(({ id }) => id === control.id);
  const waivers = period.waivers.filter(({ test }) => control.tests.some(({ id }) => id === test));
  return view(
    addressOf.control(control.id),
    markup`<span class="id">${control.id}</span> ${control.title}`,
    markup`<p class="verdict">${conclusionOf(control)}</p>`,
    control.because.length === 0 ? '' : list(control.because),
    known === undefined ? '' : markup`<p class="statement">${known.statement}</p>`,
    facts([
      ...(known === undefined ? [] : criteriaFacts(known)),
      ['Frequency', control.frequency],
      [
        'Complete',
        `${counted(control.coverage.complete)} of ${plural(control.coverage.expected, 'occurrence')}`,
      ],
      [
        'Deviating',
        `${counted(control.deviating)} of ${counted(control.population)}${control.waived > 0 ? `, ${counted(control.waived)} waived all the time` : ''}`,
      ],
      ['Open', counted(control.open)],
      ...(known === undefined ? [] : ownFacts(known)),
    ]),
    daysOf(control, period),
    tests(control, known),
    deviations(control, period),
    gaps(control, period),
    waivers.length === 0
      ? ''
      : markup`<h3>Waivers</h3>${waiversTable(`Waivers of ${control.id}`, waivers)}`,
    known === undefined ? '' : files(known),
  );
}

function criteriaFacts({ criteria }: ReportControl): [string, Part][] {
  return Object.entries(criteria).map(([framework, numbers]) => [
    frameworkName(framework),
    numbers.join(', '),
  ]);
}

function ownFacts({ category, owner, remediation_days: days }: ReportControl): [string, Part][] {
  return [
    ['Category', category],
    ['Owner', owner],
    [
      'Days to mend',
      `critical ${days.critical}, high ${days.high}, medium ${days.medium}, low ${days.low}`,
    ],
  ];
}

function daysOf({ id, days: all }: ControlReport, { period }: PeriodReport): Markup {
  const runs = runsOf(all, period.start);
  const odd = runs.filter(({ state }) => state !== 'complete');
  return markup`<h3>Days</h3><div class="wide-strip">${strip(all, period.start)}${axis(all.length, period.start)}</div>
<p class="small">${stripWords(all)}.</p>${legend()}${
    odd.length === 0
      ? ''
      : details(
          `Days that were not complete: ${plural(odd.length, 'stretch', 'stretches')}`,
          table(
            `Days of ${id} that were not complete`,
            [
              { head: 'Days', kind: 'key' },
              { head: 'What they were' },
              { head: 'How many', kind: 'number' },
            ],
            odd.map(({ state, from, to, days: length }) => [
              days(from, to),
              dayStates[state],
              counted(length),
            ]),
          ),
        )
  }`;
}

/** Whether all of its tests belong to other controls now. */
function isEmptied({ tests: all, moved }: ControlReport): boolean {
  return all.length === 0 && moved.length > 0;
}

const elsewhere = 'They stand with the control that has its tests now.';

function tests(control: ControlReport, known: ReportControl | undefined): Markup {
  const { id, tests: all, moved } = control;
  if (all.length === 0) {
    return markup`<h3>Tests</h3>${nothing(
      isEmptied(control)
        ? 'This control has no test any more.'
        : 'This control has no test: only people can show that it operated.',
    )}`;
  }
  const come = moved.filter(({ to }) => to === id);
  const rows = all.map((test): Part[] => [
    markup`${testLink(test.id)} <span class="title">${test.title}</span>`,
    test.severity,
    `${counted(test.coverage.complete)}/${counted(test.coverage.expected)}`,
    counted(test.population),
    counted(test.deviating),
    counted(test.waived),
    counted(test.open),
    counted(test.untold),
    conclusionOf(test),
  ]);
  const defined = all.flatMap((test) => {
    const definition = known?.tests.find((each) => each.id === test.id);
    return definition === undefined ? [] : [definitionOf(test, definition)];
  });
  return markup`<h3>Tests</h3>${table(
    `Tests of ${id}`,
    [
      { head: 'Test', kind: 'key' },
      { head: 'Severity' },
      { head: 'Complete', kind: 'number' },
      { head: 'Population', kind: 'number' },
      { head: 'Deviating', kind: 'number' },
      { head: 'Waived', kind: 'number' },
      { head: 'Open', kind: 'number' },
      { head: 'Not judged', kind: 'number' },
      { head: 'Conclusion' },
    ],
    rows,
  )}${defined}${
    come.length === 0
      ? ''
      : list(
          come.map(
            ({ test, from, since }) =>
              `${test} belonged to control ${from} before, and belongs to this one since ${since}`,
          ),
        )
  }`;
}

function definitionOf(test: TestReport, definition: ReportTest): Markup {
  return details(
    markup`What ${test.id} tests`,
    facts([
      ['What holds', definition.title],
      [
        'Dataset',
        markup`${code(test.dataset)}, ${test.kind === 'event' ? 'events: each is judged once' : 'state: looked at again and again'}`,
      ],
      ['Population', definition.where === null ? 'all records' : code(definition.where)],
      ['Expected of each', code(definition.expect)],
      ['How to mend', definition.remediation],
      [
        'Parameters',
        Object.keys(definition.parameters).length === 0 ? 'none' : json(definition.parameters),
      ],
      [
        'Dropped',
        test.dropped === null ? null : `since ${test.dropped} the control file does not have it`,
      ],
    ]),
  );
}

function deviations(control: ControlReport, { interim, now }: PeriodReport): Markup {
  const { id, tests: all } = control;
  const found = all.flatMap((test) => test.deviations);
  if (found.length === 0)
    return markup`<h3>Deviations</h3>${nothing(isEmptied(control) ? elsewhere : 'No test failed on what was seen.')}`;
  const more = found.length - mostDeviations;
  return markup`<h3>Deviations</h3>${table(
    `Deviations of ${id}`,
    [
      { head: 'Resource', kind: 'key' },
      { head: 'Test' },
      { head: 'Opened (UTC)' },
      { head: 'How' },
      { head: 'Closed (UTC)' },
      { head: 'Open for' },
      { head: 'Nights' },
      { head: 'Time allowed' },
    ],
    found.slice(0, mostDeviations).map((each) => {
      const words = wordsOf(each, interim ? now : null);
      return [
        resource(each.test, each),
        testLink(each.test),
        lines(words.opened),
        words.how,
        lines(words.closed),
        words.open_for,
        words.nights,
        words.remediation,
      ];
    }),
  )}${more > 0 ? paragraph(markup`<strong>${counted(more)} more stand not here</strong>, but in <a href="#/deviations?q=${encodeURIComponent(id)}">all deviations</a>, which opens with scripts on.`) : ''}`;
}

function gaps(control: ControlReport, { now }: PeriodReport): Markup {
  const shared = sharedGaps([control]);
  return markup`<h3>Gaps</h3>${
    shared.length === 0
      ? nothing(
          isEmptied(control)
            ? elsewhere
            : control.tests.length === 0
              ? 'Nothing was to be collected.'
              : 'Every occurrence has complete evidence.',
        )
      : gapsTable(`Gaps of ${control.id}`, shared, now)
  }`;
}

export function waiversTable(caption: string, waivers: readonly WaiverReport[]): Markup {
  return table(
    caption,
    [
      { head: 'Resource', kind: 'key' },
      { head: 'Test' },
      { head: 'State' },
      { head: 'Days' },
      { head: 'Deviations', kind: 'number' },
      { head: 'Why it is accepted', kind: 'wide' },
      { head: 'Approved by' },
      { head: 'What lessens the risk', kind: 'wide' },
      { head: 'Ticket' },
    ],
    waivers.map((each) => [
      markup`${each.resource}<span class="uid">${each.scope === null ? 'every scope' : `in ${each.scope}`}</span>`,
      testLink(each.test),
      each.state,
      days(each.from, each.until),
      counted(each.deviations),
      each.reason,
      each.approver,
      each.compensating_control ?? 'nothing named',
      each.ticket ?? 'none',
    ]),
  );
}

function files({ id, files: all }: ReportControl): Markup {
  return markup`<h3>Files</h3>${table(
    `Files that ${id} was judged by`,
    [
      { head: 'File', kind: 'key' },
      { head: 'Days' },
      { head: 'Nights', kind: 'number' },
      { head: 'SHA-256' },
    ],
    all.map(({ control, file, digest, from, to, nights }) => [
      control === id ? file : markup`${file} <span class="uid">of control ${control}</span>`,
      days(from.slice(0, 10), to.slice(0, 10)),
      counted(nights),
      markup`<code class="digest">${digest}</code>`,
    ]),
  )}`;
}
