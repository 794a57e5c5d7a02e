/**
 * Results as a bundle keeps them: without what changes every night although nothing happened
 * (the run, the time of observation), which the manifest says once for all.
 */
import type { Result } from '../evidence/result.ts';
import type { Bundle, Manifest, SealedSlice } from '../seal/manifest.ts';
import { readList, type StoredList } from './lists.ts';
import type { Store } from './store.ts';

interface StoredResult extends Omit<Result, 'run' | 'observed_at'> {
  /** The dataset that the test is over; with the scope it names the slice. */
  dataset: string;
  /** Only where it is not the slice's. */
  observed_at?: string | null;
}

/** Writes results in the order that they come in. */
export async function writeResults(
  store: Store,
  slices: readonly SealedSlice[],
  results: Iterable<Result & { dataset: string }>,
  kind: Manifest['kind'],
): Promise<StoredList> {
  const times = observationTimes(slices);
  function* stored(): Generator<StoredResult> {
    for (const { run: _run, observed_at, ...rest } of results) {
      const known = times.get(`${rest.dataset} ${rest.resource.scope}`);
      yield observed_at === known ? rest : { ...rest, observed_at };
    }
  }
  return store.writeResultLines(
    stored(),
    ({ test, resource }) => `${test} ${resource.uid}`,
    slices,
    kind,
  );
}

/**
 * The results of a bundle, sorted by control, test, scope and uid.
 * @param linesOf for who reads many bundles, and holds the chunks that they share.
 */
export async function* readResults(
  store: Store,
  { manifest }: Bundle,
  linesOf: (list: StoredList) => AsyncIterable<readonly unknown[]> = (list) =>
    readList(store.backend, list),
): AsyncGenerator<Result> {
  if (manifest.results === null) return;
  const times = observationTimes(manifest.slices);
  for await (const lines of linesOf(manifest.results.list)) {
    for (const { dataset, observed_at, ...rest } of lines as readonly StoredResult[]) {
      yield {
        run: manifest.run,
        control: rest.control,
        test: rest.test,
        resource: rest.resource,
        status: rest.status,
        reason: rest.reason,
        observed: rest.observed,
        observed_at:
          observed_at === undefined
            ? (times.get(`${dataset} ${rest.resource.scope}`) ?? null)
            : observed_at,
      };
    }
  }
}

/** Times by dataset and scope, where one slice alone has them. */
function observationTimes(slices: readonly SealedSlice[]): Map<string, string> {
  const times = new Map<string, string>();
  const twice = new Set<string>();
  for (const { dataset, scope, observed_at } of slices) {
    const key = `${dataset} ${scope}`;
    if (times.has(key)) twice.add(key);
    times.set(key, observed_at);
  }
  for (const key of twice) times.delete(key);
  return times;
}
