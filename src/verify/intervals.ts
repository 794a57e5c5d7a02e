/**
 * Events: whether what a slice says to be covered since (`covered_since`) is what the slices before
 * it cover, and what no slice covers.
 */
import type { SealedSlice } from '../seal/manifest.ts';
import { answerOf, keyOf } from '../store/answered.ts';
import { isSound, type Link, nameOf, type SoundLink } from './chain.ts';
import { breakOf, type Finding, noteOf } from './finding.ts';

/** Half-open, in milliseconds. */
interface Stretch {
  start: number;
  end: number;
}

interface Told extends Stretch {
  link: SoundLink;
  slice: SealedSlice;
  /** Complete, or a gap with a name: the next slice goes on behind it. */
  answers: boolean;
}

const kinds = ['run', 'collect', 'backfill'];

export function* verifyIntervals(links: readonly Link[]): Generator<Finding> {
  const lines = new Map<string, Told[]>();
  const faults = new Map<string, Finding>();
  // What stood in a bundle that is missing or damaged may be what later ones build on.
  const firstUnknown = links.findIndex(
    (link, index) => !isSound(link) || link.sequence !== index + 1,
  );
  const known = firstUnknown < 0 ? links.length : firstUnknown;
  for (const [index, link] of links.entries()) {
    if (!isSound(link) || !kinds.includes(link.manifest.kind)) continue;
    for (const slice of link.manifest.slices) {
      if (slice.interval === undefined) continue;
      const key = keyOf(slice);
      const told = lines.get(key) ?? [];
      lines.set(key, told);
      const fault = index < known ? faultOf(link, slice.interval, told) : undefined;
      if (fault !== undefined) {
        // The nights behind a false claim repeat it.
        const same = faults.get(`${key} ${fault}`);
        if (same === undefined) faults.set(`${key} ${fault}`, falseCoverage(link, slice, fault));
        else same.bundles.push(link.sequence);
      }
      const answer = answerOf(slice);
      told.push({
        start: Date.parse(slice.interval.start),
        end: Date.parse(slice.interval.end),
        link,
        slice,
        answers: answer !== undefined && answer.outcome !== 'partial',
      });
    }
  }
  yield* faults.values();
  const isWhole = known === links.length;
  for (const told of lines.values()) yield* noteHoles(told, isWhole);
}

/** Undefined where the slices before hold what the interval claims of them. */
function faultOf(
  link: SoundLink,
  { start, end, covered_since: since }: NonNullable<SealedSlice['interval']>,
  told: readonly Told[],
): string | undefined {
  const claimed = { start: Date.parse(since), end: Date.parse(start) };
  if (claimed.start > claimed.end || Date.parse(end) < claimed.end) {
    return `has an interval that is none (${start} to ${end}, covered since ${since})`;
  }
  const isReal = isRealNight(link);
  const covered = told.filter((each) => each.answers && (!isReal || isRealNight(each.link)));
  const [hole] = holesIn(covered, claimed);
  return (
    hole &&
    `says that all is covered since ${since}, and no slice before it covers ${timesOf(hole)}`
  );
}

function falseCoverage(link: SoundLink, slice: SealedSlice, fault: string): Finding {
  return breakOf(
    'FalseCoverage',
    link.key,
    [link.sequence],
    `${nameOf(link)}: the slice of ${placeOf(slice)} ${fault}; restore the store from a copy, or find out who wrote the manifest`,
  );
}

/** A simulated clock and recorded answers answer for no night that has neither. */
function isRealNight({ manifest }: SoundLink): boolean {
  return manifest.clock === 'system' && manifest.answers === 'live';
}

/** Stretches between the first slice and the last of which no complete one tells. */
function* noteHoles(told: readonly Told[], isWhole: boolean): Generator<Finding> {
  const complete = told.filter(({ slice }) => slice.outcome === 'complete');
  const whole = {
    start: told.reduce((first, each) => Math.min(first, each.start), Number.POSITIVE_INFINITY),
    end: told.reduce((last, each) => Math.max(last, each.end), Number.NEGATIVE_INFINITY),
  };
  for (const hole of holesIn(complete, whole)) {
    const failed = told.filter(
      ({ start, end, slice }) =>
        start < hole.end && end > hole.start && slice.outcome !== 'complete',
    );
    const { link, slice } = failed[0] ?? (told[0] as Told);
    const reasons = failed.flatMap((each) =>
      each.slice.problems
        .filter(({ severity }) => severity === 'error')
        .map(({ code, message }) => `${code}: ${message}`),
    );
    if (reasons.length === 0) {
      reasons.push(
        isWhole ? 'no slice was asked for it' : 'it may stand in a bundle that cannot be read',
      );
    }
    const why = [...new Set(reasons)].join('; ');
    yield noteOf(
      'Uncovered',
      link.key,
      [...new Set(failed.map((each) => each.link.sequence))],
      `${placeOf(slice)}: no complete slice tells of ${timesOf(hole)} (${why}); ask for other evidence of that time`,
    );
  }
}

function placeOf({ dataset, source, scope }: SealedSlice): string {
  return `${dataset} in ${source} ${scope}`;
}

function timesOf({ start, end }: Stretch): string {
  return `${new Date(start).toISOString()} to ${new Date(end).toISOString()}`;
}

/** What of `whole` none of the stretches holds, in order. */
function holesIn(stretches: readonly Stretch[], whole: Stretch): Stretch[] {
  const holes: Stretch[] = [];
  let from = whole.start;
  for (const { start, end } of [...stretches].sort((a, b) => a.start - b.start)) {
    if (end <= from) continue;
    if (start >= whole.end) break;
    if (start > from) holes.push({ start: from, end: start });
    from = end;
  }
  if (from < whole.end) holes.push({ start: from, end: whole.end });
  return holes;
}
