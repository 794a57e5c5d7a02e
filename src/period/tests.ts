/** One test over a period: its coverage, its population, its deviations, and what they come to. Pure. */
import { compareText } from '../evidence/json.ts';
import { type Covered, coverEvents, coverState } from './coverage.ts';
import { eventDeviation, isOpen, stateDeviation } from './deviations.ts';
import type { Hole, PeriodEvent } from './events.ts';
import type { Examined } from './examined.ts';
import type { Night } from './nights.ts';
import type { Conclusion, Deviation, TestReport } from './report.ts';
import type { States } from './states.ts';

export interface Tested {
  report: TestReport;
  covered: Covered & { open?: Hole[] };
}

/** What the period says of one test. */
export function examineTest(
  examined: Examined,
  id: string,
  states: States,
  events: readonly PeriodEvent[],
): Tested {
  const { nights, upToEnd, tests, through, now, history, period } = examined;
  const { control, test } = tests.get(id) as NonNullable<ReturnType<typeof tests.get>>;
  const isEvents = examined.events.has(test.over);
  const dropped = lastBeforeDropped(upToEnd, id);
  const asked = {
    nights: isEvents ? nights : upToEnd,
    test: id,
    dataset: test.over,
    scopes: examined.scopesOf.get(test.over) ?? [],
    occurrences: examined.occurrences(isEvents ? 'daily' : control.frequency),
    through,
    timezone: period.timezone,
    doubtful: examined.doubtful,
    isCurrent: lastBeforeDropped(nights, id) === undefined,
    reachDays: history.reachDays.get(test.over),
    now,
  };
  const covered = isEvents ? coverEvents(asked) : coverState(asked, states.complete);
  const mine = isEvents ? events.filter(({ line }) => Object.hasOwn(line.statuses, id)) : [];
  const judged = mine.filter(({ line }) => line.statuses[id] !== 'not_applicable');
  const deviations = isEvents
    ? judged.flatMap((event) => eventDeviation(examined, event, id) ?? [])
    : (states.deviations.get(id) ?? []).flatMap((each) => stateDeviation(examined, each) ?? []);
  deviations.sort((a, b) => compareText(a.opened.by, b.opened.by) || compareText(a.uid, b.uid));
  const untold = judged.filter(({ line }) => line.statuses[id] === 'error').length;
  const population = isEvents ? judged.length : (states.population.get(id) ?? 0);
  const items = new Map<string, Deviation[]>();
  for (const each of deviations) {
    const key = JSON.stringify([each.source, each.scope, each.uid]);
    items.set(key, [...(items.get(key) ?? []), each]);
  }
  const waived = [...items.values()].filter((all) => all.every((each) => each.waived === 'wholly'));
  const report: TestReport = {
    id,
    title: test.title,
    dataset: test.over,
    kind: isEvents ? 'event' : 'state',
    severity: test.severity,
    conclusion: 'operated',
    coverage: { expected: covered.expected, complete: covered.complete },
    gaps: covered.gaps,
    population,
    deviating: items.size,
    waived: waived.length,
    open: deviations.filter(isOpen).length,
    untold,
    deviations,
    dropped: dropped?.day ?? null,
  };
  report.conclusion = concludeTest(report, examined.problems);
  return { report, covered };
}

/** The last night that a test judged, where a later one did without. */
function lastBeforeDropped(nights: readonly Night[], test: string): Night | undefined {
  const place = nights.findLastIndex(({ tests }) => tests.has(test));
  const last = nights[place];
  if (last === undefined) return undefined;
  return nights.slice(place + 1).some((later) => replaces(later, last)) ? last : undefined;
}

/** Whether a later night asked and judged at least as much: what it does not have was dropped. */
function replaces(later: Night, night: Night): boolean {
  if (later.tests.size === 0 || later.isState !== night.isState) return false;
  return [...night.sources].every((source) => later.sources.has(source));
}

function concludeTest(
  { coverage, population, deviating, untold }: TestReport,
  problems: readonly string[],
): Conclusion {
  if (problems.length > 0 || untold > 0) return 'insufficient evidence';
  if (coverage.expected === 0 || coverage.complete < coverage.expected)
    return 'insufficient evidence';
  if (deviating > 0) return 'operated with deviations';
  return population === 0 ? 'did not operate' : 'operated';
}
