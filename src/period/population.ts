/** The full population of a test over a period: every resource that was there, every event. */
import { TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';
import { type Status, statuses } from '../evidence/result.ts';
import { observedAt } from './deviations.ts';
import { eventsIn, type PeriodEvent } from './events.ts';
import { type Examined, isWithin, type PeriodRequest, prepare } from './examined.ts';
import type { History } from './history.ts';
import { type Night, streamKey } from './nights.ts';
import type { Bracket, Coverage, Gap } from './report.ts';
import { type States, walkStates } from './states.ts';
import { examineTest } from './tests.ts';

export interface Population {
  control: string;
  test: string;
  title: string;
  dataset: string;
  kind: 'state' | 'event';
  period: { start: string; end: string; timezone: string };
  /** The evidence reaches up to here. */
  through: string;
  coverage: Coverage;
  /** What is not known to be complete. */
  gaps: Gap[];
  /** Each once, sorted by source, scope and uid. */
  items: PopulationItem[];
}

/** Something that belonged to the population at some time of the period. */
export interface PopulationItem {
  source: string;
  scope: string;
  uid: string;
  name: string;
  /** When it was seen first and last: a state up to the period's end, from before it on. */
  first_seen: string;
  last_seen: string;
  /** Between which observations it came; null: it was there when its scope was first looked at. */
  created: Bracket | null;
  /** Between which observations it went; null: it was there at the end. */
  deleted: Bracket | null;
  /** Of an event: when it happened; null where that could not be told, and for a state. */
  event_at: string | null;
  /** Nights of the period by what came out. */
  nights: Record<Exclude<Status, 'not_tested'>, number>;
  /** Runs of the period that saw it first and last. */
  first_run: string;
  last_run: string;
}

/** Nights one after the other on which a test came out the same: places in the list of nights. */
export interface NightStretch {
  status: Status;
  first: number;
  last: number;
  nights: number;
}

/** An item with what came out for it in the period, in the order of time. */
export interface FollowedItem {
  item: PopulationItem;
  stretches: NightStretch[];
}

/**
 * The population of a test: what was judged by it on some night of the period, error or not. What
 * was outside on every night is not among it.
 * @throws TickmarkError NotFound where no night of the store has the test.
 */
export function populationOf(history: History, request: PeriodRequest, test: string): Population {
  const { population, items } = followItems(prepare(history, request), test);
  return { ...population, items: items.map(({ item }) => item) };
}

/** The same, with what came out for each item. @throws TickmarkError NotFound */
export function followItems(
  examined: Examined,
  test: string,
): { population: Omit<Population, 'items'>; items: FollowedItem[] } {
  const known = examined.tests.get(test);
  if (known === undefined) {
    throw new TickmarkError('NotFound', `no night of the store was judged by a test ${test}`);
  }
  const { nights, upToEnd, events: kinds, start, through, period } = examined;
  const inPeriod = (place: number) => isWithin(nights[place] as Night, examined);
  const isEvents = kinds.has(known.test.over);
  const states = walkStates(upToEnd, kinds, inPeriod, test);
  const events = isEvents ? eventsIn(nights, kinds, { start, end: through }) : [];
  const { coverage, gaps } = examineTest(examined, test, states, events).report;
  const items = isEvents
    ? events.flatMap((event) => eventItem(nights, event, test) ?? [])
    : states.resources.flatMap((resource) => stateItem(examined, resource) ?? []);
  return {
    population: {
      control: known.control.id,
      test,
      title: known.test.title,
      dataset: known.test.over,
      kind: isEvents ? 'event' : 'state',
      period: { start: period.start, end: period.end, timezone: period.timezone },
      through: new Date(through).toISOString(),
      coverage,
      gaps,
    },
    items: items.sort((a, b) => bySourceScopeUid(a.item, b.item)),
  };
}

type Place = Pick<PopulationItem, 'source' | 'scope' | 'uid'>;

/** The order of everything that has these three. */
export function bySourceScopeUid(a: Place, b: Place): number {
  return (
    compareText(a.source, b.source) || compareText(a.scope, b.scope) || compareText(a.uid, b.uid)
  );
}

function noNights(): PopulationItem['nights'] {
  return { pass: 0, fail: 0, not_applicable: 0, waived: 0, error: 0 };
}

/** Undefined for what was never in the population in the period. */
function stateItem(
  examined: Examined,
  { source, scope, dataset, uid, name, lives }: States['resources'][number],
): FollowedItem | undefined {
  const { nights } = examined;
  const counts = noNights();
  const stretches: NightStretch[] = [];
  const stream = streamKey({ source, scope, dataset });
  let first: number | undefined;
  let last: number | undefined;
  for (const { status, from, to } of lives.flatMap(({ runs }) => runs)) {
    const stretch = { status, first: from, last: to, nights: 0 };
    for (let place = from; place <= to; place += 1) {
      const night = nights[place] as Night;
      // Nights of other jobs, and those that saw nothing of it, lie in between.
      if (!isWithin(night, examined) || !night.slices.has(stream) || status === 'not_tested')
        continue;
      counts[status] += 1;
      if (stretch.nights === 0) stretch.first = place;
      stretch.last = place;
      stretch.nights += 1;
      first ??= place;
      last = place;
    }
    if (stretch.nights > 0) stretches.push(stretch);
  }
  const judged = statuses.some(
    (status) => status !== 'not_applicable' && status !== 'not_tested' && counts[status] > 0,
  );
  if (first === undefined || last === undefined || !judged) return undefined;
  const [begun] = lives;
  const ended = lives.at(-1);
  const seen = (place: number) => observedAt(nights[place] as Night, stream);
  const bracket = (between: { after: number; by: number } | null | undefined): Bracket | null =>
    between == null ? null : { after: seen(between.after), by: seen(between.by) };
  const item: PopulationItem = {
    ...{ source, scope, uid, name },
    first_seen: seen(begun?.first ?? first),
    last_seen: seen(ended?.last ?? last),
    created: bracket(begun?.created),
    deleted: bracket(ended?.deleted),
    event_at: null,
    nights: counts,
    first_run: runOf(nights[first]),
    last_run: runOf(nights[last]),
  };
  return { item, stretches };
}

/** Undefined for one outside the population. */
function eventItem(
  nights: readonly Night[],
  { line, first, last }: PeriodEvent,
  test: string,
): FollowedItem | undefined {
  const status: Status | undefined = line.statuses[test];
  if (status === undefined || status === 'not_applicable' || status === 'not_tested')
    return undefined;
  const seen = (place: number) => observedAt(nights[place] as Night, streamKey(line));
  const item: PopulationItem = {
    source: line.source,
    scope: line.scope,
    uid: line.uid,
    name: line.name,
    first_seen: seen(first),
    last_seen: seen(last),
    created: null,
    deleted: null,
    event_at: line.event_at ?? null,
    nights: { ...noNights(), [status]: 1 },
    first_run: runOf(nights[first]),
    last_run: runOf(nights[last]),
  };
  // Its newest record's word stands, for one occurrence.
  return { item, stretches: [{ status, first: last, last, nights: 1 }] };
}

function runOf(night: Night | undefined): string {
  return night?.bundle.manifest.run ?? '';
}
