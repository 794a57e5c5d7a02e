/**
 * What an auditor asks of a period, from the sealed bundles alone: coverage, deviations, conclusions.
 * Pure, and the same in whatever order the bundles come. The rules stand in docs/period.md.
 */
import type { Control } from '../controls/schema.ts';
import { dayIn } from '../evidence/days.ts';
import { compareText } from '../evidence/json.ts';
import {
  type Frequency,
  firstDayOf,
  type Occurrence,
  occurrencesOf,
  type Period,
  spanOf,
} from './calendar.ts';
import { isChanged, versionsOf } from './changes.ts';
import type { Covered } from './coverage.ts';
import { eventsIn } from './events.ts';
import { type Examined, isWithin, type PeriodRequest, prepare } from './examined.ts';
import type { History } from './history.ts';
import type { Night } from './nights.ts';
import type {
  Conclusion,
  ControlReport,
  DayState,
  Due,
  Move,
  PeriodReport,
  TestReport,
} from './report.ts';
import { scopeSpans } from './scopes.ts';
import { walkStates } from './states.ts';
import { examineTest, type Tested } from './tests.ts';
import { reportWaivers } from './waivers.ts';

export function examine(history: History, request: PeriodRequest): PeriodReport {
  return reportOn(prepare(history, request));
}

export function reportOn(examined: Examined): PeriodReport {
  const { nights, upToEnd, period, start, through, now, controls, problems } = examined;
  const inPeriod = (place: number) => isWithin(nights[place] as Night, examined);
  const states = walkStates(upToEnd, examined.events, inPeriod);
  const events = eventsIn(nights, examined.events, { start, end: through });
  const tested = new Map<string, Tested>();
  for (const id of examined.tests.keys()) {
    tested.set(id, examineTest(examined, id, states, events));
  }
  const judged = nights.filter((night, place) => night.tests.size > 0 && inPeriod(place));
  const versions = versionsOf(judged);
  const reports = [...controls.values()]
    .sort((a, b) => compareText(a.id, b.id))
    .map((control) => reportControl(examined, control, tested, problems));
  return {
    organizations: organizationsOf(upToEnd.length > 0 ? upToEnd : nights.slice(0, 1)),
    period,
    as_of: examined.asOf,
    now: new Date(now).toISOString(),
    through: new Date(through).toISOString(),
    interim: now < spanOf(period).end,
    simulated: examined.simulated,
    nights: {
      counted: nights.length,
      first: nights[0]?.bundle.manifest.started_at ?? null,
      last: nights.at(-1)?.bundle.manifest.started_at ?? null,
      left_out: examined.left_out,
    },
    problems,
    scopes: scopeSpans(examined.scopes, nights, period),
    controls: reports,
    versions,
    changes: versions.filter(isChanged),
    due: dueOf(examined, tested),
    waivers: reportWaivers(
      nights.filter((_night, place) => inPeriod(place)),
      examined.history.waivers,
      reports.flatMap(({ tests }) => tests.flatMap(({ deviations }) => deviations)),
      new Date(through),
      period.timezone,
    ),
  };
}

function organizationsOf(nights: readonly Night[]): string[] {
  return [...new Set(nights.map(({ bundle }) => bundle.manifest.organization))].sort(compareText);
}

function reportControl(
  examined: Examined,
  control: Control,
  tested: ReadonlyMap<string, Tested>,
  problems: readonly string[],
): ControlReport {
  const own = [...tested.values()].filter(
    ({ report }) => examined.tests.get(report.id)?.control.id === control.id,
  );
  const reports = own.map(({ report }) => report).sort((a, b) => compareText(a.id, b.id));
  const sum = (of: (report: TestReport) => number) =>
    reports.reduce((all, report) => all + of(report), 0);
  const moved = movesOf(examined, control.id);
  const away = moved.filter(({ from }) => from === control.id);
  // What it asked for by them in the period, nothing shows of it from then on.
  const lost = away.filter(({ test, from }) => {
    const last = examined.holders.get(test)?.before.get(from) as number;
    return (examined.nights[last] as Night).startedAt >= examined.start;
  });
  return {
    id: control.id,
    title: control.title,
    frequency: control.frequency,
    conclusion: lost.length > 0 ? 'insufficient evidence' : concludeControl(reports),
    because: becauseOf(reports, problems, reports.length === 0 ? away : lost),
    coverage: coverageOf(own.map(({ covered }) => covered)),
    population: sum(({ population }) => population),
    deviating: sum(({ deviating }) => deviating),
    waived: sum(({ waived }) => waived),
    open: sum(({ open }) => open),
    days: daysOf(examined, own),
    tests: reports,
    moved,
  };
}

/** The tests that moved between this control and another. */
function movesOf({ nights, holders }: Examined, id: string): Move[] {
  const moved: Move[] = [];
  for (const [test, { control: to, since, before }] of holders) {
    for (const from of before.keys()) {
      if (from !== id && to !== id) continue;
      moved.push({ test, from, to, since: (nights[since] as Night).day });
    }
  }
  return moved.sort((a, b) => compareText(a.test, b.test) || compareText(a.from, b.from));
}

/** A control is as good as the worst of its tests. */
function concludeControl(tests: readonly TestReport[]): Conclusion {
  const all = new Set(tests.map(({ conclusion }) => conclusion));
  if (tests.length === 0 || all.has('insufficient evidence')) return 'insufficient evidence';
  if (all.has('operated with deviations')) return 'operated with deviations';
  return all.has('operated') ? 'operated' : 'did not operate';
}

/** @param away tests of it that belong to another control now. */
function becauseOf(
  tests: readonly TestReport[],
  problems: readonly string[],
  away: readonly Move[],
): string[] {
  if (tests.length === 0 && away.length === 0) {
    return ['no test: a control that only people can show'];
  }
  return [
    ...problems,
    ...away.map(
      ({ test, to, since }) => `its test ${test} belongs to control ${to} since ${since}`,
    ),
    ...tests.flatMap(({ id, coverage, untold, deviating, waived, population, dropped }) => {
      const { expected, complete } = coverage;
      const because: string[] = [];
      if (expected === 0) because.push(`${id}: nothing was to be collected yet`);
      if (complete < expected) {
        because.push(`${id}: ${complete} of ${expected} occurrences have complete evidence`);
      }
      if (untold > 0) because.push(`${id}: ${untold} of ${population} could not be judged`);
      if (dropped !== null) because.push(`${id}: tested for the last time on ${dropped}`);
      if (deviating > 0) {
        const ofThem = waived > 0 ? `, ${waived} of them waived` : '';
        because.push(`${id}: ${deviating} of ${population} with deviations${ofThem}`);
      }
      return because;
    }),
  ];
}

/** An occurrence of a control is complete when it is for each of its tests. */
function coverageOf(covered: readonly Covered[]): { expected: number; complete: number } {
  const occurrences = new Map<string, boolean>();
  for (const { occurrence, isComplete } of covered.flatMap(({ done }) => done)) {
    const { from } = occurrence;
    occurrences.set(from, (occurrences.get(from) ?? true) && isComplete);
  }
  const complete = [...occurrences.values()].filter((isComplete) => isComplete).length;
  return { expected: occurrences.size, complete };
}

const worse: readonly DayState[] = ['none', 'later', 'complete', 'waived', 'gap', 'deviation'];

/** What each day of the period was, at its worst. */
function daysOf({ period, through, occurrences }: Examined, tested: readonly Tested[]): DayState[] {
  const days = occurrences('daily');
  const states: DayState[] = days.map((day) => (day.start >= through ? 'later' : 'none'));
  const indexOf = new Map(days.map(({ from }, index) => [from, index]));
  const mark = (from: string, to: string, state: DayState, isAsked = (_day: string) => true) => {
    const first = from < period.start ? 0 : (indexOf.get(from) ?? days.length);
    for (let index = first; index < days.length; index += 1) {
      const day = days[index] as Occurrence;
      if (day.from > to) return;
      const known = states[index] as DayState;
      const isWorse = worse.indexOf(state) > worse.indexOf(known);
      if (day.start < through && isWorse && isAsked(day.from)) states[index] = state;
    }
  };
  for (const { report, covered } of tested) {
    const { gaps, deviations } = report;
    for (const { occurrence, isComplete } of covered.done) {
      if (isComplete) mark(occurrence.from, occurrence.to, 'complete');
    }
    for (const { from, to } of gaps) mark(from, to, 'gap');
    if (covered.pending !== undefined) mark(covered.pending.from, covered.pending.to, 'later');
    const isGap = (day: string) => gaps.some((gap) => gap.from <= day && day <= gap.to);
    for (const { from, to, status } of deviations.flatMap(({ spans }) => spans)) {
      // A state that failed before a gap and behind it was not seen to fail within.
      const isSeen = (day: string) => day === from || day === to || !isGap(day);
      mark(from, to, status === 'waived' ? 'waived' : 'deviation', isSeen);
    }
  }
  return states;
}

/** What has to happen, by when, so that nothing more is lost. */
function dueOf(examined: Examined, tested: ReadonlyMap<string, Tested>): Due[] {
  const { period, now, through, history } = examined;
  const due = new Map<string, Due>();
  const add = (what: string, by: string, control: string) => {
    const key = `${by} ${what}`;
    const known = due.get(key) ?? { what, by, controls: [] };
    if (!known.controls.includes(control)) known.controls.push(control);
    due.set(key, known);
  };
  for (const { report, covered } of tested.values()) {
    const { control } = examined.tests.get(report.id) as { control: Control };
    if (report.dropped !== null) continue;
    for (const gap of report.gaps) {
      if (gap.closable === null) continue;
      const what = `${gap.closable.how}: ${report.dataset} of ${gap.from} to ${gap.to}`;
      add(what, gap.closable.until ?? '', control.id);
    }
    if (spanOf(period).end <= now) continue;
    if (report.kind === 'state') {
      const next = covered.pending ?? nextOccurrence(control.frequency, period, through);
      if (next !== undefined) add('a complete run', new Date(next.end).toISOString(), control.id);
    } else {
      const reach = history.reachDays.get(report.dataset);
      const start = covered.open?.[0]?.start.getTime() ?? now;
      if (reach === undefined) continue;
      add(
        `a run that collects ${report.dataset}`,
        new Date(start + reach * 86_400_000).toISOString(),
        control.id,
      );
    }
  }
  return [...due.values()].sort((a, b) => compareText(a.by || '~', b.by || '~'));
}

/** The occurrence after the one that is under way, which is complete. */
function nextOccurrence(
  frequency: Frequency,
  period: Period,
  through: number,
): Occurrence | undefined {
  const today = dayIn(new Date(through), period.timezone);
  if (today > period.end) return undefined;
  const coming = occurrencesOf(frequency, { ...period, start: firstDayOf(frequency, today) });
  return coming.find(({ start }) => start > through);
}
