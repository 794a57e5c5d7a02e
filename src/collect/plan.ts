/**
 * Which intervals of an events dataset are still to be asked: what is wanted, without what sealed
 * slices answer for. Pure.
 */
import { holes, type Interval, union } from '../evidence/intervals.ts';

/**
 * How long before a night's end an event may still change or show up: a night asks for that
 * stretch again and keeps what is new or has changed. Longer than an emergency change may wait
 * for its approval.
 */
const overlapMs = 72 * 3_600_000;

/** A longer stretch is cut into pieces of this length, each sealed when it is done. */
const pieceMs = 7 * 86_400_000;

/** What one sealed slice says of its interval. */
export interface Answered {
  /**
   * `gap`: the source cannot tell any more; it is named, and not asked again. `partial` answers
   * for nothing.
   */
  outcome: 'complete' | 'gap' | 'partial';
  interval: Interval;
  /** Since when there was no hole before it. */
  coveredSince: Date;
  observedAt: Date;
}

/** One slice to collect. */
export interface Piece<Slice extends Answered = Answered> {
  /** What the slice will answer for. */
  own: Interval;
  /** What is asked: it may begin before `own`. */
  ask: Interval;
  coveredSince: Date;
  /** The last complete slice before this one. */
  after: Slice | undefined;
  /** Slices that hold events of the overlap, complete or partial. */
  overlapped: Slice[];
}

/**
 * The pieces that are missing in `wanted`, in the order of time. Where nothing is missing (the
 * clock went back, or stood still), one of no length, so that a night says that it had nothing to
 * ask.
 * @param anchor where pieces begin, so that those of all datasets meet; undefined leaves them whole.
 */
export function planPieces<Slice extends Answered>(
  answered: readonly Slice[],
  wanted: Interval,
  anchor: Date | undefined,
): Piece<Slice>[] {
  const complete = answered
    .filter(({ outcome }) => outcome === 'complete')
    .sort((a, b) => b.interval.end.getTime() - a.interval.end.getTime());
  const covered = coveredBy(answered);
  const missing = holes(covered, wanted);
  const last = covered.at(-1);
  if (missing.length === 0 && last !== undefined) missing.push({ start: last.end, end: last.end });
  return missing
    .flatMap((hole) => (anchor === undefined ? [hole] : cut(hole, anchor)))
    .map((own) => {
      const after = complete.find(({ interval }) => interval.end <= own.start);
      const touches = after !== undefined && same(after.interval.end, own.start);
      const start = touches && !isEmpty(own) ? askedFrom(own, after) : own.start;
      const before = covered.find(({ end }) => same(end, own.start));
      // Not counting the pieces before this one: they may yet fail.
      const coveredSince = before?.start ?? own.start;
      return {
        own,
        ask: { start, end: own.end },
        coveredSince,
        after,
        overlapped: answered.filter(
          ({ outcome, interval }) =>
            outcome !== 'gap' && interval.end > start && interval.start < own.end,
        ),
      };
    });
}

/** Everything that the slices answer for, those before them too. */
function coveredBy(answered: readonly Answered[]): Interval[] {
  return union(
    answered
      .filter(({ outcome }) => outcome !== 'partial')
      .map(({ coveredSince, interval }) => ({ start: coveredSince, end: interval.end })),
  );
}

/** Where to ask from: before the piece, as far as events could have changed since. */
function askedFrom(own: Interval, after: Answered): Date {
  return later(after.coveredSince, earlier(unsettledSince(after), own.start));
}

/** Whether an interval holds no time at all. */
export function isEmpty({ start, end }: Interval): boolean {
  return start >= end;
}

/** Whether older slices could change what `planPieces` says. */
export function isEnough(answered: readonly Answered[], wanted: Interval): boolean {
  const [first, ...others] = answered.filter(({ outcome }) => outcome !== 'partial');
  if (first === undefined) return false;
  const last = others.reduce((a, b) => (b.interval.end > a.interval.end ? b : a), first);
  const end = last.interval.end;
  if (holes(coveredBy(answered), { start: wanted.start, end }).length > 0) return false;
  // What is held of the overlap has to be read from the slices themselves.
  const read = union([first, ...others].map(({ interval }) => ({ ...interval })));
  const start = later(unsettledSince(last), last.coveredSince);
  return start >= end || holes(read, { start, end }).length === 0;
}

/** Events from here on could have changed after the slice was observed. */
function unsettledSince({ observedAt }: Answered): Date {
  return new Date(observedAt.getTime() - overlapMs);
}

/** Cuts what is longer than a piece at whole pieces from `anchor`. */
export function cut({ start, end }: Interval, anchor: Date): Interval[] {
  if (end.getTime() - start.getTime() <= pieceMs) return [{ start, end }];
  const found: Interval[] = [];
  for (let from = start; from < end; ) {
    const done = Math.floor((from.getTime() - anchor.getTime()) / pieceMs) + 1;
    const to = earlier(new Date(anchor.getTime() + done * pieceMs), end);
    found.push({ start: from, end: to });
    from = to;
  }
  return found;
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}

function same(a: Date, b: Date): boolean {
  return a.getTime() === b.getTime();
}
