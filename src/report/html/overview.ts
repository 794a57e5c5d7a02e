/** The first view: what is asked first of every report. And the matrix. */
import { isOpen } from '../../period/deviations.ts';
import type { ControlReport, Deviation, PeriodReport } from '../../period/report.ts';
import type { Report } from '../model.ts';
import { byUrgency, fromNow, plural } from '../words.ts';
import { type Markup, markup, type Part } from './markup.ts';
import {
  addressOf,
  conclusionClass,
  conclusionOf,
  controlLink,
  days,
  details,
  lines,
  list,
  nothing,
  paragraph,
  resource,
  sharedGaps,
  sign,
  table,
  testLink,
  time,
  view,
} from './parts.ts';
import { axis, legend, strip, stripWords } from './strip.ts';
import {
  byNumber,
  conclusions,
  counted,
  daysOf,
  frameworkName,
  shareOf,
  wordsOf,
} from './words.ts';

/** Open deviations that the first view names. */
const mostOpen = 10;

export function summary(report: Report): Markup {
  const { period } = report;
  return view(
    '/summary',
    'Summary',
    warnings(report),
    markup`<div class="answers">
${periodAnswer(report)}${scopeAnswer(report)}${completeAnswer(period)}${conclusionsAnswer(period)}${deviationsAnswer(period)}${missingAnswer(report)}</div>
`,
    controlsTable(period),
    due(period),
    open(period),
    marked(report),
    markup`<p class="small">Made by Tickmark ${report.tool.version}${report.tool.commit === null ? '' : ` (${report.tool.commit.slice(0, 12)})`} for ${time(period.now)} UTC from ${plural(report.nights.length, 'bundle')}. ${head(report)} It is management’s own monitoring: whether a deviation matters, and what an opinion comes to, is for people.</p>`,
  );
}

function head({ head: newest }: Report): Part {
  if (newest === null) return 'The store has no bundle.';
  return markup`The newest bundle of the store is ${newest.sequence}, <code class="digest">${newest.digest}</code>.`;
}

/** What has to be known before a line of the rest is believed. */
function warnings({ period, nights }: Report): Markup {
  const said: Part[] = [
    ...period.problems.map(
      (problem) => markup`<strong>Nothing can be concluded:</strong> ${problem}.`,
    ),
    ...(period.interim
      ? [
          markup`<strong>Interim.</strong> The period has not ended: this is what would be reported if it ended at ${time(period.now)} UTC.`,
        ]
      : []),
    ...(period.as_of === null
      ? []
      : [markup`<strong>One date only.</strong> All of this is said of ${period.as_of}.`]),
    ...(nights.length === 0
      ? [markup`<strong>No night counts.</strong> There is no evidence.`]
      : []),
  ];
  if (said.length === 0) return markup``;
  return markup`<div class="warnings">${list(said)}</div>\n`;
}

/** What the marks of the banner mean. */
function marked({ marks, nights, redaction }: Report): Markup {
  const of = counted(nights.length);
  const said: Part[] = [
    ...(marks.simulated > 0
      ? [
          markup`<strong>Simulated clock</strong> on ${counted(marks.simulated)} of ${of} nights: their times prove nothing.`,
        ]
      : []),
    ...(marks.replayed > 0
      ? [
          markup`<strong>Replayed.</strong> ${counted(marks.replayed)} of ${of} nights were answered from recorded exchanges, not by the services themselves.`,
        ]
      : []),
    ...(marks.unsigned > 0
      ? [
          markup`<strong>Unsigned.</strong> ${counted(marks.unsigned)} of ${of} nights have no signature: nothing shows who sealed them.`,
        ]
      : []),
    ...(marks.unstamped > 0
      ? [
          markup`<strong>Unstamped.</strong> ${counted(marks.unstamped)} of ${of} nights have no timestamp: no authority confirms when they were sealed.`,
        ]
      : []),
    ...(redaction === null
      ? []
      : [
          markup`<strong>Redacted.</strong> People have pseudonyms (${counted(redaction.identifiers)} identifiers, by the key ${redaction.key}), the same wherever the same name stood. The systems’ own objects are left out, and what is sealed of the records cannot be held against this page.`,
        ]),
  ];
  if (said.length === 0) return markup``;
  return markup`<section><h3>What the nights do not prove</h3>${list(said)}</section>\n`;
}

function answer(question: string, figure: Part, ...rest: readonly Part[]): Markup {
  return markup`<section class="answer"><h3>${question}</h3><p class="figure">${figure}</p>${rest}</section>
`;
}

function periodAnswer({ period: { period, through, as_of, nights, interim } }: Report): Markup {
  const seen =
    nights.first === null || nights.last === null
      ? 'no bundle with evidence'
      : markup`${plural(nights.counted, 'bundle')} with evidence, ${days(nights.first.slice(0, 10), nights.last.slice(0, 10))}`;
  const left =
    nights.left_out.length === 0
      ? []
      : [markup`<a href="#/nights">${plural(nights.left_out.length, 'bundle')} left out</a>`];
  return answer(
    'Which period',
    as_of ??
      markup`<span class="line">${period.start}</span> <span class="to">to</span> <span class="line">${period.end}</span>`,
    list([
      as_of === null
        ? `${plural(daysOf(period), 'day')}, ${period.timezone}`
        : markup`within ${days(period.start, period.end)}, ${period.timezone}`,
      markup`${interim ? 'interim: ' : ''}judged up to ${time(through)} UTC`,
      seen,
      ...left,
    ]),
  );
}

function scopeAnswer({ sources, period }: Report): Markup {
  const leftOut = sources.flatMap(({ left_out }) => left_out).length;
  const shown = sources.slice(0, 4).map(({ id, use, identities }) => {
    const accounts = [...new Set(identities.map(({ account }) => account))];
    const of = accounts.length > 2 ? plural(accounts.length, 'account') : accounts.join(', ');
    return markup`${id} (${use})${of === '' ? '' : `: ${of}`}`;
  });
  return answer(
    'Which scope',
    plural(sources.length, 'source'),
    list([
      period.organizations.join(', '),
      ...shown,
      ...(sources.length > 4
        ? [markup`<a href="#/sources">and ${sources.length - 4} more</a>`]
        : []),
      ...(period.scopes.length > 0
        ? [
            markup`<a href="#/sources">${plural(period.scopes.length, 'scope')} added or dropped within the period</a>`,
          ]
        : []),
      ...(leftOut > 0
        ? [markup`<a href="#/sources">${plural(leftOut, 'scope')} not asked</a>`]
        : []),
    ]),
  );
}

function completeAnswer({ controls }: PeriodReport): Markup {
  const sum = (of: (control: ControlReport) => number) =>
    controls.reduce((total, control) => total + of(control), 0);
  const complete = sum(({ coverage }) => coverage.complete);
  const expected = sum(({ coverage }) => coverage.expected);
  const whole = controls.filter(
    ({ coverage, tests }) => tests.length > 0 && coverage.complete === coverage.expected,
  ).length;
  return answer(
    'How complete',
    markup`${counted(complete)} <span class="to">of</span> ${counted(expected)}`,
    list([
      'occurrences with complete evidence',
      `${whole} of ${plural(controls.length, 'control')} without a gap`,
    ]),
  );
}

function conclusionsAnswer({ controls }: PeriodReport): Markup {
  const of = (wanted: ControlReport['conclusion']) =>
    controls.filter(({ conclusion }) => conclusion === wanted);
  const each = (
    ['operated', 'operated with deviations', 'insufficient evidence', 'did not operate'] as const
  )
    .filter((each) => of(each).length > 0)
    .map((each) => markup`${sign(each)} <b>${of(each).length}</b> ${each}`);
  return answer(
    'Which controls operated',
    markup`${of('operated').length} <span class="to">of</span> ${controls.length}`,
    list(each),
  );
}

function deviationsAnswer({ controls }: PeriodReport): Markup {
  const all = deviationsOf(controls);
  const count = (is: (each: Deviation) => boolean) => all.filter(is).length;
  const counts: [number, string][] = [
    [count(isOpen), 'open when last seen'],
    [count(({ kind, closed }) => kind === 'state' && closed !== null), 'closed'],
    [count(({ kind }) => kind === 'event'), 'of events'],
    [count(({ waived }) => waived !== 'no'), 'waived, in part or wholly'],
    [count(({ remediation: { state } }) => state === 'late'), 'late'],
    [count(({ remediation: { state } }) => state === 'perhaps late'), 'perhaps late'],
  ];
  return answer(
    'With which deviations',
    markup`<a href="#/deviations">${counted(all.length)}</a>`,
    all.length === 0
      ? paragraph('No test failed on what was seen.')
      : list(
          counts
            .filter(([number]) => number > 0)
            .map(([number, words]) => markup`<b>${counted(number)}</b> ${words}`),
        ),
  );
}

function missingAnswer({ period, sources }: Report): Markup {
  const { controls } = period;
  const gaps = sharedGaps(controls);
  const untold = controls
    .flatMap(({ tests }) => tests)
    .reduce((total, test) => total + test.untold, 0);
  const untested = controls.filter(({ tests }) => tests.length === 0);
  const leftOut = sources.flatMap(({ left_out }) => left_out).length;
  const closable = gaps.filter(({ gap }) => gap.closable !== null).length;
  const lines: Part[] = [
    ...(period.problems.length > 0
      ? [`${plural(period.problems.length, 'hole')} in the chain of bundles`]
      : []),
    ...gaps
      .slice(0, 3)
      .map(
        ({ gap, tests }) =>
          markup`${days(gap.from, gap.to)}: ${gap.cause}, ${plural(tests.length, 'test')}`,
      ),
    ...(gaps.length > 3
      ? [markup`<a href="#/gaps">and ${plural(gaps.length - 3, 'gap')} more</a>`]
      : []),
    ...(closable > 0 ? [`${plural(closable, 'gap')} can still be closed`] : []),
    ...(untold > 0 ? [`${plural(untold, 'event')} not judged`] : []),
    ...(untested.length > 0
      ? [
          markup`without a test: ${untested.slice(0, 6).map(({ id }) => markup`${controlLink(id)} `)}${untested.length > 6 ? `and ${untested.length - 6} more` : ''}`,
        ]
      : []),
    ...(leftOut > 0 ? [`${plural(leftOut, 'scope')} not asked`] : []),
  ];
  return answer(
    'What is missing',
    gaps.length === 0 && lines.length === 0
      ? 'nothing known'
      : markup`<a href="#/gaps">${plural(gaps.length, 'gap')}</a>`,
    list(lines),
  );
}

export function deviationsOf(controls: readonly ControlReport[]): Deviation[] {
  return controls.flatMap(({ tests }) => tests.flatMap(({ deviations }) => deviations));
}

function controlsTable({ controls, period }: PeriodReport): Markup {
  const [first] = controls;
  if (first === undefined) return nothing('No night of the store was judged by a control.');
  const rows = controls.map((control) => {
    const { id, title, days: all, coverage, deviating, open: still, conclusion } = control;
    return markup`<tr data-conclusion="${conclusion}"><th scope="row">${controlLink(id)} <span class="title">${title}</span></th><td class="days">${strip(all, period.start)}</td><td class="number">${counted(coverage.complete)}/${counted(coverage.expected)}</td><td class="number">${counted(deviating)}</td><td class="number">${counted(still)}</td><td>${conclusionOf(control)}</td></tr>
`;
  });
  return markup`<section><h3>Controls</h3>
<div class="filters" data-filters="controls"></div>
<div class="scroll" role="region" aria-label="Controls" tabindex="0"><table class="controls"><caption class="hidden">Controls, a strip for the days of the period</caption>
<thead><tr><th scope="col">Control</th><th scope="col" class="days">Days${axis(first.days.length, period.start)}</th><th scope="col" class="number">Complete</th><th scope="col" class="number">Deviating</th><th scope="col" class="number">Open</th><th scope="col">Conclusion</th></tr></thead>
<tbody>
${rows}</tbody></table></div>
${legend()}</section>
`;
}

function due({ due: all, now }: PeriodReport): Markup {
  if (all.length === 0) return markup``;
  return markup`<section><h3>Due, so that nothing more is lost</h3>${table(
    'What has to happen, and by when',
    [{ head: 'By (UTC)', kind: 'key' }, { head: 'What', kind: 'wide' }, { head: 'Controls' }],
    all.map(({ what, by, controls }) => [
      by === '' ? 'at any time' : markup`${time(by)} (${fromNow(by, now)})`,
      what,
      controls.length > 6
        ? details(plural(controls.length, 'control'), list(controls.map(controlLink)))
        : controls.map((id) => markup`${controlLink(id)} `),
    ]),
  )}</section>
`;
}

function open({ controls, interim, now }: PeriodReport): Markup {
  const all = deviationsOf(controls).filter(isOpen).sort(byUrgency);
  if (all.length === 0) return markup``;
  const more = all.length - mostOpen;
  return markup`<section><h3>${plural(all.length, 'deviation')} open when last seen</h3>${table(
    'Open deviations, those first that have to be closed first',
    [
      { head: 'Resource', kind: 'key' },
      { head: 'Test' },
      { head: 'Control' },
      { head: 'Opened (UTC)' },
      { head: 'Time allowed' },
    ],
    all.slice(0, mostOpen).map((each) => {
      const words = wordsOf(each, interim ? now : null);
      return [
        resource(each.test, each),
        testLink(each.test),
        controlLink(each.control),
        lines(words.opened),
        words.remediation,
      ];
    }),
  )}${more > 0 ? markup`<p><a href="#/deviations?state=open">and ${counted(more)} more</a></p>` : ''}</section>
`;
}

export function matrix(report: Report): Markup {
  const byId = new Map(report.period.controls.map((control) => [control.id, control]));
  const controls = report.controls.flatMap(({ id, criteria }) => {
    const known = byId.get(id);
    return known === undefined ? [] : [{ known, criteria }];
  });
  const frameworks = [...new Set(controls.flatMap(({ criteria }) => Object.keys(criteria)))].sort(
    (a, b) => (a === 'soc2' ? -1 : b === 'soc2' ? 1 : a < b ? -1 : 1),
  );
  const tables = frameworks.map((framework) => {
    const of = controls.filter(({ criteria }) => Object.hasOwn(criteria, framework));
    const numbers = [...new Set(of.flatMap(({ criteria }) => criteria[framework] ?? []))].sort(
      byNumber,
    );
    const rows = numbers.map((number) => {
      const named = of.filter(({ criteria }) => criteria[framework]?.includes(number));
      const cells = conclusions.map(
        (conclusion) => named.filter(({ known }) => known.conclusion === conclusion).length,
      );
      return [
        number,
        markup`<ul class="chips">${named.map(({ known }) => chip(known))}</ul>`,
        cells.flatMap((count, index) => {
          const conclusion = conclusions[index];
          return count === 0 || conclusion === undefined
            ? []
            : [markup`<span class="tally">${sign(conclusion)} ${count} ${conclusion}</span> `];
        }),
      ];
    });
    const name = frameworkName(framework);
    const body = table(
      `${name}: criteria by number, and the controls that name them`,
      [{ head: name, kind: 'key' }, { head: 'Controls', kind: 'wide' }, { head: 'Conclusions' }],
      rows,
    );
    return framework === 'soc2' || frameworks.length === 1
      ? markup`<h3>${name}</h3>${body}`
      : details(markup`${name}: ${plural(numbers.length, 'number')}`, body);
  });
  const none = controls.filter(({ criteria }) => Object.keys(criteria).length === 0);
  return view(
    '/matrix',
    'Criteria and controls',
    paragraph(
      'Criteria stand here by number. One that no control of this report names is not in the list.',
    ),
    tables.length === 0 ? nothing('No control names a criterion.') : tables,
    none.length === 0
      ? ''
      : paragraph(
          markup`Without a criterion: ${none.map(({ known }) => markup`${controlLink(known.id)} `)}`,
        ),
  );
}

function chip(control: ControlReport): Markup {
  const { id, title, conclusion, days: all } = control;
  const share = shareOf(control);
  return markup`<li><a class="chip ${conclusionClass(conclusion)}" href="#${addressOf.control(id)}" title="${title}: ${stripWords(all)}">${sign(conclusion)} ${id}<span class="hidden">: ${conclusion}${share === '' ? '' : `, ${share}`}</span></a></li>`;
}
