/** Events of a period: what came out for each, and for which stretches of time they are all known. Pure. */
import { holes, type Interval, union } from '../evidence/intervals.ts';
import type { StatusLine } from '../evidence/result.ts';
import type { SealedSlice } from '../seal/manifest.ts';
import { differenceOf, type StatusGroup } from './history.ts';
import { type Night, streamKey } from './nights.ts';

/** A stretch of time, half-open, in milliseconds since 1970 UTC. */
export interface Stretch {
  start: number;
  end: number;
}

/** An event under the tests that judged it. */
export interface PeriodEvent {
  line: StatusLine;
  /** When it happened; null where that is not told. */
  at: number | null;
  /** Its own time; where that is not told, what was asked for when it was found. */
  within: Stretch[];
  /** Places in the list of nights: the first that held it, and the newest, whose word stands. */
  first: number;
  last: number;
}

/**
 * Every event that happened in a period. A later record of the same uid stands for the earlier one.
 * One without a time of its own, or whose time could not be told, counts by what was asked for when
 * it was found.
 */
export function eventsIn(
  nights: readonly Night[],
  events: ReadonlySet<string>,
  period: Stretch,
): PeriodEvent[] {
  const found = new Map<string, Omit<PeriodEvent, 'within'>>();
  const inOrder = nights
    .map((night, place) => ({ night, place }))
    .sort((a, b) => sequenceOf(a.night) - sequenceOf(b.night));
  if (events.size === 0) return [];
  let before: readonly StatusGroup[] = [];
  for (const { night, place } of inOrder) {
    for (const { lines } of differenceOf(before, night.chunks).added) {
      for (const line of lines) {
        if (line.about !== undefined || !events.has(line.dataset)) continue;
        const key = JSON.stringify([streamKey(line), line.uid]);
        const known = found.get(key);
        // A test that is not there any more keeps its last word.
        const statuses = { ...known?.line.statuses, ...line.statuses };
        const at = typeof line.event_at === 'string' ? Date.parse(line.event_at) : null;
        found.set(key, {
          line: { ...line, statuses },
          at,
          first: known?.first ?? place,
          last: place,
        });
      }
    }
    before = night.chunks;
  }
  return [...found.values()].flatMap((event) => {
    const { line, at, first } = event;
    const within = at === null ? foundIn(nights[first], line) : [{ start: at, end: at + 1 }];
    if (within.length === 0) within.push(period);
    return within.some((stretch) => meets(stretch, period)) ? [{ ...event, within }] : [];
  });
}

/** What a night asked for: any of its slices may have held the event, but one that failed. */
function foundIn(night: Night | undefined, line: StatusLine): Stretch[] {
  return (night?.slices.get(streamKey(line)) ?? []).flatMap(({ interval, outcome }) =>
    interval === undefined || outcome === 'failed' ? [] : [stretchOf(interval)],
  );
}

function stretchOf({ start, end }: { start: string; end: string }): Stretch {
  return { start: Date.parse(start), end: Date.parse(end) };
}

function meets(one: Stretch, other: Stretch): boolean {
  return one.end > other.start && one.start < other.end;
}

/** Whether a slice tells of events of a stretch of time. */
export function tellsOf({ interval }: Pick<SealedSlice, 'interval'>, stretch: Stretch): boolean {
  return interval !== undefined && meets(stretchOf(interval), stretch);
}

/** A stretch of time of which not all events are known, or not judged. */
export interface Hole extends Interval {
  /** Slices that spoke of it, and did not give all: their nights. */
  nights: Night[];
}

/**
 * Stretches of `wanted` that no complete slice of a stream answers for, by nights that judged it by
 * this test.
 */
export function holesOf(
  nights: readonly Night[],
  stream: string,
  test: string,
  wanted: Interval,
): Hole[] {
  const covered: Interval[] = [];
  const others: { night: Night; interval: Interval }[] = [];
  for (const night of nights) {
    for (const slice of night.slices.get(stream) ?? []) {
      if (slice.interval === undefined) continue;
      const interval = {
        start: new Date(slice.interval.start),
        end: new Date(slice.interval.end),
      };
      if (slice.outcome === 'complete' && night.tests.has(test)) covered.push(interval);
      else others.push({ night, interval });
    }
  }
  return holes(union(covered), wanted).map(({ start, end }) => ({
    start,
    end,
    nights: others
      .filter(({ interval }) => interval.start < end && interval.end > start)
      .map(({ night }) => night),
  }));
}

function sequenceOf({ bundle }: Night): number {
  return bundle.manifest.sequence;
}
