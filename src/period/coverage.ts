/**
 * Coverage: the occurrences that were to be, against those with complete evidence. An occurrence is
 * complete when, for each scope that counts then, some night in it saw everything and could tell all
 * of it. Pure.
 */

import { dayIn } from '../evidence/days.ts';
import type { SealedSlice } from '../seal/manifest.ts';
import type { Occurrence } from './calendar.ts';
import { type Hole, holesOf } from './events.ts';
import { type Night, streamKey } from './nights.ts';
import type { Coverage, Gap, GapCause } from './report.ts';
import { isUnreached, type Scope } from './scopes.ts';
import type { States } from './states.ts';

/** What coverage of a test is worked out from. */
export interface CoverageRequest {
  nights: readonly Night[];
  /** The test's id, and the dataset that it is over. */
  test: string;
  dataset: string;
  /** Scopes in which the dataset was ever seen. */
  scopes: readonly Scope[];
  occurrences: readonly Occurrence[];
  /** The evidence is judged up to here, in milliseconds. */
  through: number;
  timezone: string;
  /** Days of nights that are left out for their clocks. */
  doubtful: ReadonlySet<string>;
  /** Whether today's controls have the test: then what was collected can still be judged. */
  isCurrent: boolean;
}

export interface Covered extends Coverage {
  gaps: Gap[];
  /** The occurrence under way, where its evidence is still to come. */
  pending: Occurrence | undefined;
  /** Occurrences that were to be, in order. */
  done: { occurrence: Occurrence; isComplete: boolean }[];
}

/** Why one scope has no complete evidence in one occurrence. */
interface Miss {
  scope: string;
  cause: GapCause;
  why: string;
  closable: Gap['closable'];
}

export function coverState(request: CoverageRequest, complete: States['complete']): Covered {
  const { nights, test, dataset, scopes, occurrences, through } = request;
  const places = nightsByOccurrence(nights, occurrences);
  const covered: Covered = { expected: 0, complete: 0, gaps: [], pending: undefined, done: [] };
  const missed: { occurrence: Occurrence; misses: Miss[] }[] = [];
  const seen = scopes.map((scope) => ({
    scope,
    done: complete.get(streamKey({ ...scope, dataset }))?.get(test),
  }));
  occurrences.forEach((occurrence, index) => {
    if (occurrence.start >= through) return;
    const here = places[index] ?? [];
    const expected = seen.filter(({ scope }) => isExpected(scope, nights, occurrence));
    const misses = expected.flatMap(({ scope: { source, scope }, done }) => {
      if (here.some((place) => done?.has(place))) return [];
      return [missOf(request, source, scope, here)];
    });
    if (expected.length === 0) misses.push(...missAll(request, scopes, here, occurrence));
    const day = [...request.doubtful].find(
      (each) => occurrence.from <= each && each <= occurrence.to,
    );
    if (day !== undefined && misses.length === 0) misses.push(doubtOf(day));
    // Before its first scope came there was nothing to look at.
    if (expected.length === 0 && misses.length === 0) return;
    const isComplete = misses.length === 0;
    if (!isComplete && occurrence.end > through) {
      covered.pending = occurrence;
      return;
    }
    covered.expected += 1;
    if (isComplete) covered.complete += 1;
    else missed.push({ occurrence, misses });
    covered.done.push({ occurrence, isComplete });
  });
  covered.gaps = gapsOf(missed, scopes.length);
  return covered;
}

/** Whether a scope has to be seen in an occurrence. */
function isExpected(
  { first, last, isAdded, isDropped }: Scope,
  nights: readonly Night[],
  { from, to }: Occurrence,
): boolean {
  const begins = isAdded ? (nights[first]?.day ?? '') : '';
  const ends = isDropped ? (nights[last]?.day ?? '9') : '9';
  return begins <= to && from <= ends;
}

/** What a night saw that is left out for its clock, nobody knows: it may have seen a deviation. */
function doubtOf(day: string): Miss {
  const why = `a night of ${day} is left out: its clock contradicts those of others`;
  return { scope: '', cause: 'clock in doubt', why, closable: null };
}

/** Where no scope counts: nothing gives the dataset, or not any more, or not yet. */
function missAll(
  { nights, test, dataset }: CoverageRequest,
  scopes: readonly Scope[],
  here: readonly number[],
  { to }: Occurrence,
): Miss[] {
  const all = { scope: '', closable: null };
  if (here.length === 0) return [{ ...all, cause: 'no run', why: 'no run' }];
  if (scopes.length > 0) {
    const dropped = scopes.every(
      ({ isDropped, last }) => isDropped && (nights[last]?.day ?? '') < to,
    );
    if (!dropped) return [];
    const names = scopes.map(({ source, scope }) => nameOf(source, scope)).join(', ');
    return [{ ...all, cause: 'no source', why: `${names} is not asked any more` }];
  }
  const isJudged = here.some((place) => nights[place]?.tests.has(test));
  return isJudged
    ? [{ ...all, cause: 'no source', why: `no configured source gives ${dataset}` }]
    : [{ ...all, cause: 'not judged', why: 'the test was not among the controls' }];
}

function missOf(
  request: CoverageRequest,
  source: string,
  scope: string,
  here: readonly number[],
): Miss {
  const { nights, test, dataset } = request;
  const at = here.flatMap((place) => nights[place] ?? []);
  const asked = at.filter((night) => night.sources.has(source));
  const miss = (cause: GapCause, why: string, closable: Gap['closable'] = null): Miss => ({
    scope: nameOf(source, scope),
    cause,
    why,
    closable,
  });
  if (asked.length === 0) {
    return miss('no run', at.length === 0 ? 'no run' : `no run asked ${source}`);
  }
  const seen = asked.flatMap((night) => {
    const slices = night.slices.get(streamKey({ source, scope, dataset })) ?? [];
    return slices.length === 0 ? [] : [{ night, slices }];
  });
  const whole = seen.filter(({ slices }) => slices.every(({ outcome }) => outcome === 'complete'));
  const unjudged = whole.find(({ night }) => !night.tests.has(test));
  if (
    whole.length > 0 &&
    unjudged !== undefined &&
    whole.every(({ night }) => !night.tests.has(test))
  ) {
    return miss(
      'not judged',
      'collected, and not judged by this test',
      judgeable(request, unjudged.night),
    );
  }
  if (whole.length > 0) return miss('not told', 'collected, and some of it could not be told');
  const slices =
    seen.length > 0 ? seen.flatMap((each) => each.slices) : unreached(asked, source, dataset);
  return miss('not collected', problemOf(slices) ?? `${dataset} was not collected`);
}

/** Slices that say that a source could not be reached. */
function unreached(asked: readonly Night[], source: string, dataset: string): SealedSlice[] {
  return asked.flatMap((night) =>
    (night.slices.get(streamKey({ source, scope: source, dataset })) ?? []).filter(isUnreached),
  );
}

function problemOf(slices: readonly SealedSlice[]): string | undefined {
  const problem = slices
    .flatMap(({ problems }) => problems)
    .find(({ severity }) => severity === 'error');
  return problem === undefined ? undefined : `${problem.code}: ${problem.message}`;
}

function judgeable({ isCurrent }: CoverageRequest, { bundle }: Night): Gap['closable'] {
  if (!isCurrent) return null;
  return { how: `tickmark evaluate --run ${bundle.manifest.run}`, until: null };
}

function nameOf(source: string, scope: string): string {
  return `${source} ${scope}`;
}

/** Nights (places) of state in each occurrence. */
function nightsByOccurrence(
  nights: readonly Night[],
  occurrences: readonly Occurrence[],
): number[][] {
  const found: number[][] = occurrences.map(() => []);
  let index = 0;
  nights.forEach(({ day, isState }, place) => {
    if (!isState) return;
    while (index < occurrences.length && (occurrences[index] as Occurrence).to < day) index += 1;
    const occurrence = occurrences[index];
    if (occurrence !== undefined && occurrence.from <= day) found[index]?.push(place);
  });
  return found;
}

/** Occurrences one after the other that miss the same, for the same reason, together. */
function gapsOf(
  missed: readonly { occurrence: Occurrence; misses: readonly Miss[] }[],
  scopes: number,
): Gap[] {
  const gaps: Gap[] = [];
  let last = new Map<string, Gap>();
  let lastEnd = Number.NaN;
  for (const { occurrence, misses } of missed) {
    const next = new Map<string, Gap>();
    for (const [key, same] of byReason(misses)) {
      const [miss] = same;
      if (miss === undefined) continue;
      const names = same.map(({ scope }) => scope).filter((scope) => scope !== '');
      const before = lastEnd === occurrence.start ? last.get(key) : undefined;
      if (before !== undefined) {
        before.to = occurrence.to;
        before.end = new Date(occurrence.end).toISOString();
        before.occurrences += 1;
        next.set(key, before);
        continue;
      }
      const gap: Gap = {
        from: occurrence.from,
        to: occurrence.to,
        start: new Date(occurrence.start).toISOString(),
        end: new Date(occurrence.end).toISOString(),
        occurrences: 1,
        cause: miss.cause,
        why: miss.why,
        scopes: names.length === scopes ? [] : names,
        closable: miss.closable,
      };
      gaps.push(gap);
      next.set(key, gap);
    }
    last = next;
    lastEnd = occurrence.end;
  }
  return gaps;
}

function byReason(misses: readonly Miss[]): Map<string, Miss[]> {
  const reasons = new Map<string, Miss[]>();
  for (const miss of misses) {
    const key = JSON.stringify([miss.cause, miss.why, miss.closable]);
    reasons.set(key, [...(reasons.get(key) ?? []), miss]);
  }
  // With the scopes: what began for one is not what goes on for another.
  return new Map(
    [...reasons].map(([key, same]) => [`${key} ${same.map(({ scope }) => scope).join()}`, same]),
  );
}

/** What coverage of a test over events is worked out from. */
export interface EventCoverageRequest extends CoverageRequest {
  /** Days for which the source tells of an event; undefined: always. */
  reachDays: number | undefined;
  now: number;
}

/**
 * Of events every stretch of time has to be answered for; counted in days. The day before the last
 * may still be under way: its night asks for it.
 */
export function coverEvents(request: EventCoverageRequest): Covered & { open: Hole[] } {
  const { nights, test, dataset, scopes, occurrences, through } = request;
  const first = occurrences[0];
  const covered: Covered & { open: Hole[] } = {
    expected: 0,
    complete: 0,
    gaps: [],
    pending: undefined,
    done: [],
    open: [],
  };
  if (first === undefined) return covered;
  const days = occurrences.filter(({ start }) => start < through);
  const missing: { start: number; end: number }[] = [];
  if (scopes.length === 0) {
    const misses = days.filter(({ end }) => end <= through);
    const here = nightsByOccurrence(nights, misses);
    const missed = misses.map((occurrence, index) => ({
      occurrence,
      misses: missAll(request, scopes, here[index] ?? [], occurrence),
    }));
    covered.gaps = gapsOf(missed, 0);
    missing.push(...misses);
  }
  for (const { source, scope, first: begun, isAdded, last, isDropped } of scopes) {
    const start = isAdded
      ? Math.max(first.start, startOf(nights[begun], occurrences))
      : first.start;
    const end = isDropped ? Math.min(through, nights[last]?.startedAt ?? through) : through;
    if (start >= end) continue;
    const wanted = { start: new Date(start), end: new Date(end) };
    const stream = streamKey({ source, scope, dataset });
    for (const hole of holesOf(nights, stream, test, wanted)) {
      const isFrontier = hole.end.getTime() === request.now && hole.nights.length === 0;
      // Tonight's run will ask for it: nothing is lost yet.
      if (isFrontier && hole.end.getTime() - hole.start.getTime() <= frontierMs) {
        covered.open.push(hole);
        continue;
      }
      missing.push({ start: hole.start.getTime(), end: hole.end.getTime() });
      covered.gaps.push(gapOfHole(request, hole, source, scope));
    }
  }
  const frontier = Math.min(through, ...covered.open.map(({ start }) => start.getTime()));
  for (const day of days) {
    const isComplete = !missing.some(({ start, end }) => start < day.end && end > day.start);
    if (isComplete && day.end > frontier) {
      covered.pending ??= day;
      continue;
    }
    covered.expected += 1;
    if (isComplete) covered.complete += 1;
    covered.done.push({ occurrence: day, isComplete });
  }
  covered.gaps = joined(covered.gaps, scopes.length);
  return covered;
}

/** A night that is late, or early, by less than a day. */
const frontierMs = 2 * 86_400_000;
const dayMs = 86_400_000;

/** An added scope counts from the day that it was first seen on. */
function startOf(night: Night | undefined, occurrences: readonly Occurrence[]): number {
  const own = occurrences.find(
    ({ from, to }) => night !== undefined && from <= night.day && night.day <= to,
  );
  return own?.start ?? night?.startedAt ?? 0;
}

function gapOfHole(request: EventCoverageRequest, hole: Hole, source: string, scope: string): Gap {
  const { test, dataset, timezone, reachDays, now, isCurrent } = request;
  const { start, end, nights } = hole;
  const gap = (cause: GapCause, why: string, closable: Gap['closable']): Gap => ({
    from: dayIn(start, timezone),
    to: dayIn(new Date(end.getTime() - 1), timezone),
    start: start.toISOString(),
    end: end.toISOString(),
    occurrences: Math.max(1, Math.round((end.getTime() - start.getTime()) / dayMs)),
    cause,
    why,
    scopes: [nameOf(source, scope)],
    closable,
  });
  const slices = nights.flatMap((night) =>
    (night.slices.get(streamKey({ source, scope, dataset })) ?? []).filter(
      ({ interval }) =>
        interval !== undefined &&
        Date.parse(interval.start) < end.getTime() &&
        Date.parse(interval.end) > start.getTime(),
    ),
  );
  const outOfReach = slices.find(({ problems }) =>
    problems.some(({ code, severity }) => code === 'OutOfReach' && severity === 'error'),
  );
  if (outOfReach !== undefined) {
    return gap(
      'out of reach',
      problemOf([outOfReach]) ?? 'the source does not tell any more',
      null,
    );
  }
  const unjudged = nights.find(
    (night) => !night.tests.has(test) && slices.some((slice) => slice.outcome === 'complete'),
  );
  if (unjudged !== undefined) {
    return gap(
      'not judged',
      'collected, and not judged by this test',
      judgeable(request, unjudged),
    );
  }
  const until = reachDays === undefined ? null : start.getTime() + reachDays * dayMs;
  const isTold = isCurrent && (until === null || until > now);
  const closable = isTold
    ? {
        how: 'the next tickmark run asks for it',
        until: until === null ? null : new Date(until).toISOString(),
      }
    : null;
  if (slices.length === 0) return gap('no run', 'no run asked for it', closable);
  return gap('not collected', problemOf(slices) ?? `${dataset} was not collected`, closable);
}

/** The same hole in several scopes is one gap. */
function joined(gaps: readonly Gap[], scopes: number): Gap[] {
  const known = new Map<string, Gap>();
  for (const gap of gaps) {
    const { scopes: own, ...rest } = gap;
    const key = JSON.stringify(rest);
    const same = known.get(key);
    if (same === undefined) known.set(key, { ...gap, scopes: [...own] });
    else same.scopes.push(...own);
  }
  return [...known.values()]
    .map((gap) => (gap.scopes.length === scopes ? { ...gap, scopes: [] } : gap))
    .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
}
