/** One control over a period, in full: its tests, gaps and deviations, and what judged them. */
import { addDays } from '../evidence/days.ts';
import { isOpen } from '../period/deviations.ts';
import type {
  Change,
  ControlReport,
  Deviation,
  Gap,
  PeriodReport,
  TestReport,
} from '../period/report.ts';
import { byUrgency, minute, versionName } from '../report/words.ts';
import { conclusionOf, dueWords, legend } from './print-status.ts';
import { marks } from './strip.ts';
import { plural, printable, type Terminal, wrap } from './terminal.ts';

/** Deviations of one test that are printed; the rest is counted. */
const mostDeviations = 20;

/** Those that are printed: the open ones by urgency, then the newest of the others. */
export function printedDeviations({ deviations }: TestReport): Deviation[] {
  const open = deviations.filter(isOpen).sort(byUrgency);
  const others = deviations.filter((each) => !isOpen(each)).reverse();
  return [...open, ...others].slice(0, mostDeviations);
}

/** @param reasonOf the fact that decided on the first night that saw it, where it can be had. */
export function printControl(
  terminal: Terminal,
  report: PeriodReport,
  control: ControlReport,
  statement: string,
  reasonOf: ReadonlyMap<Deviation, string>,
): void {
  const { out, style, width } = terminal;
  const say = (text: string, indent = '') => {
    for (const line of wrap(text, width, indent)) out(line);
  };
  out(style('bold', `${control.id} ${control.title}`));
  say(statement.trim(), '  ');
  const { expected, complete } = control.coverage;
  say(
    `${control.frequency}: ${conclusionOf(control)}; ${complete} of ${expected} occurrences covered`,
  );
  for (const each of control.because) say(each, '  ');
  out();
  printMonths(terminal, control, report.period.start);
  const now = report.interim ? report.now : null;
  for (const test of control.tests) printTest(terminal, test, now, reasonOf);
  printVersions(terminal, report, control);
}

/** A line a month, a character a day. */
function printMonths(terminal: Terminal, { days }: ControlReport, start: string): void {
  const { out, style } = terminal;
  let month = '';
  let line = '';
  const flush = () => {
    if (line !== '') out(`  ${month}  ${line}`);
  };
  days.forEach((state, index) => {
    const day = addDays(start, index);
    if (day.slice(0, 7) !== month) {
      flush();
      month = day.slice(0, 7);
      // The days stand below one another, whatever day the period begins on.
      line = ' '.repeat(Number(day.slice(8)) - 1);
    }
    line += style(marks[state].style, marks[state].character);
  });
  flush();
  for (const each of legend(terminal, 'day')) out(each);
  out();
}

function printTest(
  { out, style, width }: Terminal,
  test: TestReport,
  now: string | null,
  reasonOf: ReadonlyMap<Deviation, string>,
): void {
  const say = (text: string, indent: string) => {
    for (const line of wrap(text, width, indent)) out(line);
  };
  const { id, title, dataset, severity, coverage, untold, dropped, gaps, deviations } = test;
  out(style('bold', printable(id)));
  say(`${title} (${dataset}, ${severity})`, '  ');
  const things = test.kind === 'event' ? 'events' : 'resources';
  say(
    `${conclusionOf(test)}; ${coverage.complete} of ${coverage.expected} occurrences covered, ${plural(test.population, things.slice(0, -1), things)} in the population`,
    '  ',
  );
  if (untold > 0) say(`${plural(untold, 'event')} could not be judged yet`, '  ');
  if (dropped !== null) say(`tested for the last time on ${dropped}`, '  ');
  for (const gap of gaps) {
    wrap(`gap: ${gapWords(gap)}`, width, '  ').forEach((line, index) => {
      out(index === 0 ? style('yellow', line) : `  ${line}`);
    });
  }
  const printed = printedDeviations(test);
  for (const each of printed) {
    const colour = isOpen(each) ? 'red' : 'bold';
    for (const line of wrap(`${each.name} in ${each.scope}`, width, '  ')) out(style(colour, line));
    for (const text of deviationWords(each, now)) say(text, '    ');
    const reason = reasonOf.get(each);
    say(`run ${each.first_run}${reason === undefined ? '' : `: ${reason}`}`, '    ');
  }
  const more = deviations.length - printed.length;
  if (more > 0) out(`  … and ${more} more; --json has all`);
  out();
}

/** The dates of a gap, what happened, and whether it can still be closed. */
function gapWords({ from, to, occurrences, cause, why, scopes, closable }: Gap): string {
  const days = from === to ? from : `${from} to ${to}`;
  const where = scopes.length === 0 ? '' : ` (${scopes.join(', ')})`;
  const what = why === cause ? cause : `${cause}: ${why}`;
  const until = closable?.until ?? null;
  const how =
    closable === null
      ? 'it can never be closed'
      : `it can still be closed${until === null ? '' : ` until ${minute(until)} UTC`}: ${closable.how}`;
  return `${days}, ${plural(occurrences, 'occurrence')}${where}; ${what}; ${how}`;
}

/** What is known of a deviation: nobody saw the moments, only what was before and after. */
function* deviationWords(deviation: Deviation, now: string | null): Generator<string> {
  const { kind, opened, days, remediation, nights, spans, recurrence } = deviation;
  if (opened.how === 'happened') yield `happened at ${minute(opened.by)} UTC`;
  else if (kind === 'event') yield openedWords(deviation);
  else {
    const limit = `limit ${plural(remediation.days, 'day')} (${remediation.severity})`;
    const outcome = isOpen(deviation)
      ? dueWords(remediation, now)
      : remediation.state === 'not applicable'
        ? ''
        : remediation.state;
    const open =
      days === null
        ? ''
        : days.most === null
          ? `, open at least ${days.least.toFixed(1)} days`
          : `, open ${days.least.toFixed(1)} to ${days.most.toFixed(1)} days`;
    yield `${openedWords(deviation)}, ${closedWords(deviation)}${open}, ${limit}${outcome === '' ? '' : `: ${outcome}`}`;
    const unseen = nights.unseen > 0 ? `, ${nights.unseen} between them without evidence` : '';
    yield `seen on ${plural(nights.failing, 'night')}${unseen}`;
  }
  const waived = spans.filter(({ status }) => status === 'waived');
  if (waived.length > 0) {
    const each = waived.map(({ from, to }) => (from === to ? from : `${from} to ${to}`));
    yield `waived ${each.join(', ')}`;
  }
  if (recurrence > 0) yield `recurring: ${plural(recurrence, 'deviation')} of it before`;
}

const openedHow: Record<Deviation['opened']['how'], string> = {
  failed: 'opened',
  created: 'created',
  'entered the population': 'entered the population',
  'first seen': 'open when first seen',
  happened: 'happened',
  found: 'found',
};

function openedWords({ opened: { after, by, how } }: Deviation): string {
  if (after === null) return `${openedHow['first seen']} at ${minute(by)} UTC`;
  return `${openedHow[how]} between ${minute(after)} and ${minute(by)} UTC`;
}

const closedHow: Record<NonNullable<Deviation['closed']>['how'], string> = {
  mended: 'closed',
  deleted: 'deleted',
  'left the population': 'left the population',
};

function closedWords({ closed }: Deviation): string {
  if (closed === null) return 'not closed';
  return `${closedHow[closed.how]} between ${minute(closed.after)} and ${minute(closed.by)} UTC`;
}

/** What judged the control: the proof that it was the same on every night, or the list of versions. */
function printVersions(
  { out, style, width }: Terminal,
  { versions }: PeriodReport,
  { id, tests, moved }: ControlReport,
): void {
  const files = new Set([id, ...moved.flatMap(({ from, to }) => (to === id ? [from] : []))]);
  const own = new Set(tests.map((test) => test.id));
  const nightsOf = (change: Change) => change.versions.reduce((sum, each) => sum + each.nights, 0);
  const all = Math.max(0, ...versions.map(nightsOf));
  if (all === 0) return;
  out(style('bold', 'Judged by'));
  const concerns = ({ what, id: of }: Change) =>
    what === 'control' ? files.has(of) : what === 'parameters' ? own.has(of) : true;
  for (const change of versions.filter(concerns)) {
    const { what, id: of } = change;
    const name = what === 'control' && of === id ? 'control file' : [what, of].join(' ').trim();
    const [only, another] = change.versions;
    const text =
      only !== undefined && another === undefined && only.nights === all
        ? `${name}: one version on ${all === 1 ? 'the one night' : `all ${plural(all, 'night')}`} (${versionName(what, only.value)})`
        : `${name}: ${change.versions
            .map(
              ({ value, from, to, nights }) =>
                `${versionName(what, value)} from ${from} to ${to} (${plural(nights, 'night')})`,
            )
            .join('; ')}`;
    for (const line of wrap(text, width, '  ')) out(line);
  }
  out();
}
