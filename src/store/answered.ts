/** What sealed slices of events datasets answer for. */
import type { SealedSlice } from '../seal/manifest.ts';
import type { Store } from './store.ts';

/** One dataset of events in one scope of one source. */
export interface EventsOf {
  source: string;
  dataset: string;
  scope: string;
}

/** A sealed slice that answers for its interval. */
export interface AnsweredSlice {
  /** `gap`: the source could not tell any more, which is named and final. */
  outcome: 'complete' | 'gap';
  interval: { start: Date; end: Date };
  coveredSince: Date;
  observedAt: Date;
  sealed: SealedSlice;
}

/**
 * The answering slices of each, newest bundle first. Reads back as far as `isEnough` asks for: a
 * night needs the last few bundles only.
 */
export async function answeredSlices(
  store: Store,
  wanted: readonly EventsOf[],
  isEnough: (answered: readonly AnsweredSlice[]) => boolean,
): Promise<Map<string, AnsweredSlice[]>> {
  const found = new Map<string, AnsweredSlice[]>(wanted.map((each) => [keyOf(each), []]));
  const open = new Set(found.keys());
  if (open.size === 0) return found;
  for await (const { manifest } of store.bundles()) {
    // An evaluation holds the slices of the run that it judges.
    if (manifest.kind === 'evaluate') continue;
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

/** Undefined for a slice that answers for nothing: it is asked for again. */
export function answerOf(sealed: SealedSlice): AnsweredSlice | undefined {
  const { interval, outcome, problems, observed_at } = sealed;
  if (interval === undefined) return undefined;
  const isGap = problems.some(
    ({ code, severity }) => code === 'OutOfReach' && severity === 'error',
  );
  if (outcome !== 'complete' && !isGap) return undefined;
  return {
    outcome: outcome === 'complete' ? 'complete' : 'gap',
    interval: { start: new Date(interval.start), end: new Date(interval.end) },
    coveredSince: new Date(interval.covered_since),
    observedAt: new Date(observed_at),
    sealed,
  };
}

export function keyOf({ source, dataset, scope }: EventsOf): string {
  return `${dataset} ${source} ${scope}`;
}
