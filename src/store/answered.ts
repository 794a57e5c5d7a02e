/** What sealed slices of events datasets answer for. */
import type { SealedSlice } from '../seal/manifest.ts';
import type { Store } from './store.ts';

/** One dataset of events in one scope of one source. */
export interface EventsOf {
  source: string;
  dataset: string;
  scope: string;
}

/** A sealed slice of an interval. */
export interface AnsweredSlice {
  /**
   * `gap`: the source could not tell any more, which is named and final. A partial one answers for
   * nothing; what it holds was judged all the same, and has to be judged again.
   */
  outcome: 'complete' | 'gap' | 'partial';
  interval: { start: Date; end: Date };
  coveredSince: Date;
  observedAt: Date;
  sealed: SealedSlice;
}

/** Clocks of two machines may differ by this much. */
const toleranceMs = 5 * 60_000;

/**
 * The slices of each, newest bundle first. Reads back as far as `isEnough` asks for: a night needs
 * the last few bundles only. A bundle from a clock that was ahead answers for nothing: its
 * interval had not happened; nor does a simulated or replayed one for a night that is neither.
 */
export async function answeredSlices(
  store: Store,
  wanted: readonly EventsOf[],
  { now, real }: { now: Date; real: boolean },
  isEnough: (answered: readonly AnsweredSlice[]) => boolean,
): Promise<Map<string, AnsweredSlice[]>> {
  const found = new Map<string, AnsweredSlice[]>(wanted.map((each) => [keyOf(each), []]));
  const open = new Set(found.keys());
  if (open.size === 0) return found;
  let latest = now.getTime();
  for await (const { manifest } of store.bundles()) {
    // An evaluation holds the slices of the run that it judges.
    if (manifest.kind === 'evaluate') continue;
    if (real && (manifest.clock === 'simulated' || manifest.answers === 'replayed')) continue;
    const finished = Date.parse(manifest.finished_at);
    // Whoever was sealed before and says that it was later has a clock that was ahead.
    if (finished > latest + toleranceMs) continue;
    latest = Math.min(latest, finished);
    for (const sealed of manifest.slices) {
      const key = keyOf(sealed);
      const answered = answerOf(sealed);
      if (open.has(key) && answered !== undefined) found.get(key)?.push(answered);
    }
    for (const key of open) if (isEnough(found.get(key) ?? [])) open.delete(key);
    if (open.size === 0) break;
  }
  return found;
}

/** Undefined for a slice that holds nothing and answers for nothing. */
export function answerOf(sealed: SealedSlice): AnsweredSlice | undefined {
  const { interval, outcome, problems, observed_at } = sealed;
  if (interval === undefined) return undefined;
  const isGap = problems.some(
    ({ code, severity }) => code === 'OutOfReach' && severity === 'error',
  );
  if (outcome === 'failed' && !isGap) return undefined;
  return {
    outcome: outcome === 'failed' ? 'gap' : outcome,
    interval: { start: new Date(interval.start), end: new Date(interval.end) },
    coveredSince: new Date(interval.covered_since),
    observedAt: new Date(observed_at),
    sealed,
  };
}

export function keyOf({ source, dataset, scope }: EventsOf): string {
  return `${dataset} ${source} ${scope}`;
}
