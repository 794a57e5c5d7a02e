/** A period on the terminal: what would be reported, what is due, what deviates. */
import { dayIn } from '../evidence/days.ts';
import { isOpen } from '../period/deviations.ts';
import type {
  Change,
  ControlReport,
  Deviation,
  Due,
  PeriodReport,
  ScopeSpan,
  WaiverReport,
} from '../period/report.ts';
import { byUrgency, fromNow, versionName } from '../report/words.ts';
import { type Grain, grainFor, marks, stripOf } from './strip.ts';
import {
  cut,
  humanTime,
  plural,
  printable,
  type Style,
  type Terminal,
  textWidth,
  wrap,
} from './terminal.ts';

/** Lines of each kind that are printed one by one; the rest is counted. */
const mostLines = 10;
/** Controls that are named behind one line. */
const mostNamed = 4;

/** What the nights were that everything is taken from. */
export interface NightsKind {
  simulatedClock: boolean;
  replayed: boolean;
}

export function printStatus(terminal: Terminal, report: PeriodReport, kind: NightsKind): void {
  printHead(terminal, report, kind);
  printControls(terminal, report);
  const { controls, due, scopes, waivers, changes, now, interim } = report;
  printList(
    terminal,
    'Due, so that nothing more is lost',
    due.map((each) => dueLine(each, now)),
  );
  printOpen(terminal, controls, interim ? now : null);
  printList(terminal, 'Sources and scopes that do not span the period', scopes.map(scopeLine));
  const idle = waivers.filter(({ state }) => state !== 'in force');
  printList(terminal, 'Waivers that do nothing now', idle.map(waiverLine));
  printList(terminal, 'Changed within the period', changes.map(changeLine));
}

/** What a reader must know before believing a line of the rest. */
export function printHead(
  { out, style, width }: Terminal,
  {
    organizations,
    period,
    as_of,
    now,
    through,
    interim,
    nights,
    problems,
    simulated,
  }: PeriodReport,
  { simulatedClock, replayed }: NightsKind,
): void {
  const whose = printable(organizations.join(', '));
  const when = as_of === null ? `period ${period.start} to ${period.end}` : `on ${as_of}`;
  out(`${style('bold', whose)} · ${when} (${period.timezone})`);
  const say = (colour: Style, text: string) => {
    for (const line of wrap(text, width)) out(style(colour, line));
  };
  if (simulated && simulatedClock) say('yellow', 'Simulated clock: these times prove nothing.');
  if (simulated && replayed) {
    say('yellow', 'Answered from recorded exchanges, not by the services themselves.');
  }
  for (const problem of problems) {
    say('red', `${problem}: nothing can be concluded; restore it from a copy.`);
  }
  const day = (time: string) => dayIn(new Date(time), period.timezone);
  if (day(through) < period.start) {
    say('yellow', 'The period has not begun: nothing is expected yet.');
  } else if (interim) {
    say('yellow', `Interim: what would be reported if the period ended at ${humanTime(now)}.`);
  } else out(`The ${as_of === null ? 'period' : 'day'} has ended: all of it is looked at.`);
  out(
    nights.first === null || nights.last === null
      ? 'No night counts.'
      : `${plural(nights.counted, 'bundle')} with evidence, ${day(nights.first)} to ${day(nights.last)}`,
  );
  for (const { run, sequence, reason } of nights.left_out.slice(0, mostLines)) {
    say('yellow', `Left out: bundle ${sequence} (run ${run}): ${reason}`);
  }
  const more = nights.left_out.length - mostLines;
  if (more > 0) say('yellow', `… and ${more} more left out; --json has all`);
  out();
}

const styleOf: Record<ControlReport['conclusion'], Style> = {
  operated: 'green',
  'operated with deviations': 'red',
  'insufficient evidence': 'yellow',
  'did not operate': 'dim',
};

/** The words of a conclusion, and never more than that. */
export function conclusionOf({
  conclusion,
  deviating,
  population,
}: Pick<ControlReport, 'conclusion' | 'deviating' | 'population'>): string {
  const share = `${counted(deviating)} of ${counted(population)}`;
  if (conclusion === 'operated with deviations') return `${conclusion} (${share})`;
  // What is not known must not hide what is.
  if (conclusion === 'insufficient evidence' && deviating > 0)
    return `${conclusion} (${share} deviate)`;
  return conclusion === 'did not operate' ? `${conclusion} (no occurrence)` : conclusion;
}

/** A title keeps so many columns, or gives up all of them. */
const leastTitle = 8;
/** It has so many before the strip gets finer. */
const goodTitle = 24;

/** One line a control: the title gives way first, then the strip gets coarser. */
function printControls(terminal: Terminal, { controls, period }: PeriodReport): void {
  if (controls.length === 0) return;
  const { out, style, width, tableWidth } = terminal;
  const cells = controls.map((control) => ({
    control,
    id: control.id,
    title: printable(control.title),
    coverage: `${control.coverage.complete}/${control.coverage.expected}`,
    open: counted(control.open),
    conclusion: conclusionOf(control),
  }));
  const widest = (head: string, of: (cell: (typeof cells)[number]) => string) =>
    Math.max(textWidth(head), ...cells.map((cell) => textWidth(of(cell))));
  const idWidth = widest('ID', ({ id }) => id);
  const coverageWidth = widest('COVERED', ({ coverage }) => coverage);
  const openWidth = widest('OPEN', ({ open }) => open);
  const conclusionWidth = widest('CONCLUSION', ({ conclusion }) => conclusion);
  const titleWidth = widest('TITLE', ({ title }) => title);
  const longest = controls.reduce<ControlReport['days']>(
    (days, each) => (each.days.length > days.length ? each.days : days),
    [],
  );
  const others = idWidth + coverageWidth + openWidth + conclusionWidth;
  // Two spaces between columns where there is room, else one.
  const roomy = width - others - 5 * 2;
  const grain = grainFor(longest, period.start, roomy - Math.min(titleWidth, goodTitle));
  const strips = controls.map(({ days }) => stripOf(days, period.start, grain));
  const stripWidth = Math.max('PERIOD'.length, ...strips.map(({ length }) => length));
  const gap = roomy - stripWidth >= Math.min(titleWidth, goodTitle) ? '  ' : ' ';
  const left = tableWidth - others - stripWidth - 5 * gap.length;
  const titled = left < leastTitle ? 0 : Math.min(titleWidth, left);
  const line = (
    ...[id = '', title = '', strip = '', coverage = '', open = '', end = '']: string[]
  ) =>
    [
      id.padEnd(idWidth),
      ...(titled === 0 ? [] : [cut(title, titled).padEnd(titled)]),
      strip,
      coverage.padStart(coverageWidth),
      open.padStart(openWidth),
      end,
    ].join(gap);
  out(
    style(
      'bold',
      line('ID', 'TITLE', 'PERIOD'.padEnd(stripWidth), 'COVERED', 'OPEN', 'CONCLUSION'),
    ),
  );
  cells.forEach(({ control, id, title, coverage, open, conclusion }, index) => {
    const strip = strips[index] ?? [];
    const drawn = strip.map(({ state }) => style(marks[state].style, marks[state].character));
    const padded = drawn.join('') + ' '.repeat(stripWidth - strip.length);
    out(line(id, title, padded, coverage, open, style(styleOf[control.conclusion], conclusion)));
  });
  for (const each of legend(terminal, grain)) out(each);
  out();
}

/** What the characters mean that may stand in a strip. */
export function legend({ style, width }: Terminal, grain: Grain): string[] {
  const meanings = Object.values(marks).map(({ character, meaning }) => `${character} ${meaning}`);
  const unit =
    grain === 'day' ? 'a character is a day' : `a character is a ${grain}, the worst of its days`;
  return wrap(`${meanings.join(', ')}; ${unit}`, width).map((line) => style('dim', line));
}

function printOpen(
  terminal: Terminal,
  controls: readonly ControlReport[],
  now: string | null,
): void {
  const open = controls
    .flatMap(({ tests }) => tests.flatMap(({ deviations }) => deviations))
    .filter(isOpen)
    .sort(byUrgency);
  if (open.length === 0) return;
  const { out, style, width } = terminal;
  out(style('bold', plural(open.length, 'open deviation')));
  for (const each of open.slice(0, mostLines)) {
    const { name, scope, test, control, remediation } = each;
    const text = `${name} in ${scope}: ${test} (${control}, ${remediation.severity}), ${sinceWhen(each)}; ${dueWords(remediation, now)}`;
    const colour = remediation.state === 'late' ? 'red' : 'yellow';
    wrap(text, width, '  ').forEach((line, index) => {
      out(index === 0 ? style(colour, line) : `  ${line}`);
    });
  }
  const more = open.length - mostLines;
  if (more > 0) out(`  … and ${counted(more)} more: tickmark status --control <id>`);
  out();
}

/** In days: to the minute it stands with the control. */
function sinceWhen({ opened }: Deviation): string {
  const [after, by] = [opened.after?.slice(0, 10), opened.by.slice(0, 10)];
  if (after === undefined) return `open when first seen on ${by}`;
  return after === by ? `open since ${by}` : `open since between ${after} and ${by}`;
}

/**
 * When an open deviation has to be closed.
 * @param now null: the period is over, and nobody knows what became of it.
 */
export function dueWords({ state, due }: Deviation['remediation'], now: string | null): string {
  if (due === null) return state;
  const when = now === null ? `due ${due}` : `due ${due} (${fromNow(due, now)})`;
  if (state === 'late') return `late, ${when}`;
  return state === 'perhaps late' ? `${when}, perhaps late already` : when;
}

function dueLine({ what, by, controls }: Due, now: string): string {
  const when = by === '' ? 'at any time' : `by ${humanTime(by)} (${fromNow(by, now)})`;
  return `${when}: ${what} (${named(controls)})`;
}

function scopeLine({ source, scope, added, dropped }: ScopeSpan): string {
  const words = [
    ...(added === null ? [] : [`counted from ${added}, when it was first seen`]),
    ...(dropped === null ? [] : [`seen for the last time on ${dropped}, and not asked any more`]),
  ];
  return `${source} ${scope}: ${words.join('; ')}`;
}

function waiverLine({
  test,
  resource,
  scope,
  from,
  until,
  state,
  deviations,
}: WaiverReport): string {
  const of = `${test} ${resource}${scope === null ? '' : ` in ${scope}`}`;
  const covered =
    deviations === 0 ? 'it covered nothing' : `it covered ${plural(deviations, 'deviation')}`;
  if (state === 'expired') return `${of}: expired on ${until}; ${covered}`;
  if (state === 'not yet in force') return `${of}: not yet in force, from ${from} on`;
  return `${of}: unmatched, no deviation came under it`;
}

/** What was judged by changed: each version with its nights. */
export function changeLine({ what, id, versions }: Change): string {
  const each = versions.map(
    ({ value, from, to, nights }) =>
      `${versionName(what, value)} from ${from} to ${to} (${plural(nights, 'night')})`,
  );
  return `${[what, id].join(' ').trim()}: ${each.join('; ')}`;
}

function printList({ out, style, width }: Terminal, title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  out(style('bold', title));
  for (const line of lines.slice(0, mostLines)) {
    wrap(line, width - 2, '  ').forEach((each, index) => {
      out(index === 0 ? each : `  ${each}`);
    });
  }
  if (lines.length > mostLines) {
    out(`  … and ${counted(lines.length - mostLines)} more; --json has all`);
  }
  out();
}

function named(controls: readonly string[]): string {
  return controls.length > mostNamed ? plural(controls.length, 'control') : controls.join(', ');
}

function counted(count: number): string {
  return count.toLocaleString('en-US');
}
