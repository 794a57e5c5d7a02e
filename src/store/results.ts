/**
 * Results as a bundle keeps them: without what changes every night although nothing happened
 * (the run, the time of observation), which the manifest says once for all.
 */

import { compareText } from '../evidence/json.ts';
import type { Judged, Result, StatusLine } from '../evidence/result.ts';
import type { Bundle, Manifest, SealedSlice } from '../seal/manifest.ts';
import { readChunks, readList, type StoredList } from './lists.ts';
import { type ChunkReader, findLines } from './search.ts';
import type { Store } from './store.ts';

interface StoredResult extends Omit<Result, 'run' | 'observed_at'> {
  /** The dataset that the test is over; with the scope it names the slice. */
  dataset: string;
  /** Only where it is not the slice's. */
  observed_at?: string | null;
}

/** Writes results in the order that they come in, and what they come to for each resource. */
export async function writeResults(
  store: Store,
  slices: readonly SealedSlice[],
  results: Iterable<Judged>,
  kind: Manifest['kind'],
): Promise<{ list: StoredList; statuses: StoredList }> {
  const times = observationTimes(slices);
  const lines = new StatusLines();
  function* stored(): Generator<StoredResult> {
    for (const result of results) {
      lines.add(result);
      const {
        run: _run,
        observed_at,
        source: _source,
        about: _about,
        event_at: _at,
        ...rest
      } = result;
      const known = times.get(`${rest.dataset} ${rest.resource.scope}`);
      yield observed_at === known ? rest : { ...rest, observed_at };
    }
  }
  const list = await store.writeResultLines(
    'results',
    stored(),
    ({ test, resource }) => `${test} ${resource.uid}`,
    slices,
    kind,
  );
  const sorted = lines.sorted();
  const statuses = await store.writeResultLines('statuses', sorted, statusKey, slices, kind);
  return { list, statuses };
}

/**
 * Lines of statuses are sorted by this, each once. What a line is about is in it: a resource may
 * have a uid that reads like a slice's.
 */
export function statusKey({ source, dataset, scope, uid, about }: StatusLine): string {
  return JSON.stringify([source, dataset, scope, uid, ...(about === undefined ? [] : [about])]);
}

/** Gathers results by resource, in whatever order they come. */
export class StatusLines {
  readonly #lines = new Map<string, StatusLine>();

  add({ test, dataset, source, resource, about, event_at, status }: Judged): void {
    // What only people can show is no test.
    if (test === '') return;
    const { scope, uid, name } = resource;
    const line: StatusLine = {
      source,
      dataset,
      scope,
      uid,
      name,
      ...(about === 'resource' ? {} : { about }),
      ...(event_at === undefined ? {} : { event_at }),
      statuses: {},
    };
    const key = statusKey(line);
    const known = this.#lines.get(key) ?? line;
    if (known === line) this.#lines.set(key, line);
    known.statuses[test] = status;
  }

  sorted(): StatusLine[] {
    return [...this.#lines].sort(([a], [b]) => compareText(a, b)).map(([, line]) => line);
  }
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
    for (const line of lines as readonly StoredResult[]) yield resultOf(line, manifest.run, times);
  }
}

/** Which result is looked for: of one test on one resource. */
export interface Sought {
  control: string;
  test: string;
  dataset: string;
  source: string;
  scope: string;
  uid: string;
}

/**
 * One result of a bundle, without reading all the others: they are sorted. Undefined where there is
 * none. @throws TickmarkError IntegrityBroken
 */
export async function findResult(
  reader: ChunkReader,
  { manifest }: Bundle,
  sought: Sought,
): Promise<Result | undefined> {
  if (manifest.results === null) return undefined;
  const slices = manifest.slices.filter(
    ({ dataset, scope }) => dataset === sought.dataset && scope === sought.scope,
  );
  // Where several slices tell of one scope, uids begin anew with each of them.
  const lines =
    slices.length > 1
      ? await linesIn(reader, manifest.results.list, sought)
      : [await lineOf(reader, manifest.results.list, sought)];
  const datasets = new Set(lines.map((line) => line?.dataset));
  const times = observationTimes(
    manifest.slices.filter(({ dataset, scope }) => scope === sought.scope && datasets.has(dataset)),
  );
  const results = lines.flatMap((line) =>
    line?.resource.uid === sought.uid ? [resultOf(line, manifest.run, times)] : [],
  );
  // A line does not name its source; the time of its slice tells of which it is.
  const seen = slices.find(({ source }) => source === sought.source)?.observed_at;
  return results.find(({ observed_at }) => observed_at === seen) ?? results[0];
}

/** The lines of one test in one scope. */
async function linesIn(
  reader: ChunkReader,
  list: StoredList,
  sought: Sought,
): Promise<StoredResult[]> {
  const chunks = await readChunks(reader.backend, list);
  const found = await findLines<StoredResult>(chunks, reader, (line) => placeOf(line, sought));
  return found.map(({ line }) => line);
}

function lineOf(
  reader: ChunkReader,
  list: StoredList,
  sought: Sought,
): Promise<StoredResult | undefined> {
  const { control, test, dataset, scope, uid } = sought;
  const name = JSON.stringify(['result', control, test, dataset, scope, uid]);
  return reader.find<StoredResult>(
    list,
    name,
    (line) => placeOf(line, sought) || compareText(line.resource.uid, uid),
  );
}

/** Whether a line stands before (below 0), in or behind the part of the results that is looked for. */
function placeOf({ control, test, dataset, resource }: StoredResult, sought: Sought): number {
  return (
    compareText(control, sought.control) ||
    compareText(test, sought.test) ||
    // A row about the whole test comes last.
    Number(isWholeTest(resource, dataset)) - Number(isWholeTest(sought, sought.dataset)) ||
    compareText(resource.scope, sought.scope)
  );
}

function isWholeTest({ scope, uid }: { scope: string; uid: string }, dataset: string): boolean {
  return scope === '' && uid === dataset;
}

function resultOf(
  { dataset, observed_at, ...rest }: StoredResult,
  run: string,
  times: ReadonlyMap<string, string>,
): Result {
  return {
    run,
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
