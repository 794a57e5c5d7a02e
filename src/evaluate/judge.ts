/**
 * What of a bundle is judged, and on what. Pure, and shared by all who judge: the night itself,
 * `tickmark evaluate`, and `tickmark reperform`, which has to come to the same results.
 */
import type { CompiledControl, CompiledTest } from '../controls/compile.ts';
import type { Judged } from '../evidence/result.ts';
import type { EvidenceRecord, SliceHeader } from '../evidence/slice.ts';
import { evaluateControls } from './evaluate.ts';
import { type SliceInput, sliceInput } from './slices.ts';
import { applyWaivers, type Waiving } from './waivers.ts';

/** A dataset that a configured source gives. */
export interface Given {
  /** The source's id in the configuration. */
  source: string;
  dataset: Pick<SliceHeader, 'version' | 'kind'> & { name: string };
}

export interface Judging extends Waiving {
  controls: readonly CompiledControl[];
  /** The slices that there are, by dataset; those that no test reads may be left out. */
  slices: ReadonlyMap<string, readonly SliceInput[]>;
  given: readonly Given[];
  /** Of a backfill only the tests over what it collected: it says nothing of the others. */
  onlyCollected: boolean;
  /** The run's id. */
  run: string;
  /** The time that ages are counted to, and whose day decides which waivers are in force. */
  asOf: Date;
}

/** Whether evidence is judged as that of a backfill: it holds events, and nothing of any state. */
export function holdsEventsOnly(slices: readonly Pick<SliceHeader, 'kind'>[]): boolean {
  return slices.length > 0 && slices.every(({ kind }) => kind === 'events');
}

/** The datasets that any test of these controls reads, looked-up ones too. */
export function datasetsOf(controls: readonly CompiledControl[]): Set<string> {
  return new Set(controls.flatMap(({ tests }) => tests.flatMap(datasetsOfTest)));
}

export function datasetsOfTest({ types, lookups }: CompiledTest): string[] {
  return [types.name, ...lookups.map((lookup) => lookup.types.name)];
}

/**
 * Slices by dataset, those that are wanted.
 * @param recordsOf reads a slice's records, part by part. The API's own objects are let go of:
 * tests do not read them.
 */
export async function readSlices<T extends SliceHeader>(
  slices: readonly T[],
  wanted: ReadonlySet<string>,
  recordsOf: (slice: T) => AsyncIterable<readonly EvidenceRecord[]>,
): Promise<Map<string, SliceInput[]>> {
  const inputs = new Map<string, SliceInput[]>();
  for (const slice of slices) {
    if (!wanted.has(slice.dataset)) continue;
    const records: EvidenceRecord[] = [];
    for await (const part of recordsOf(slice)) {
      for (const record of part) records.push(withoutOriginal(record));
    }
    inputs.set(slice.dataset, [...(inputs.get(slice.dataset) ?? []), sliceInput(slice, records)]);
  }
  return inputs;
}

/** The record itself where it has none: what was decoded of it is found again by the object. */
export function withoutOriginal(record: EvidenceRecord): EvidenceRecord {
  return record.original === null ? record : { ...record, original: null };
}

/** The results, sorted as `evaluateControls` does. */
export function* judgeSlices({
  controls,
  slices,
  given,
  onlyCollected,
  run,
  asOf,
  waivers,
  timezone,
}: Judging): Generator<Judged> {
  const judged = onlyCollected ? controlsOver(controls, slices) : controls;
  const missing = notCollected(given, datasetsOf(controls), slices, asOf);
  const slicesOf = (name: string) => slices.get(name) ?? missing.get(name) ?? [];
  const results = evaluateControls(judged, slicesOf, { run, now: asOf });
  yield* applyWaivers(results, { waivers, timezone }, asOf);
}

/** The controls with those of their tests that are over one of these datasets. */
function controlsOver(
  controls: readonly CompiledControl[],
  datasets: ReadonlyMap<string, unknown>,
): CompiledControl[] {
  return controls.flatMap((each) => {
    const tests = each.tests.filter(({ types }) => datasets.has(types.name));
    return tests.length === 0 ? [] : [{ ...each, tests }];
  });
}

/**
 * Datasets that a test reads today, that a source gives, and that the slices lack: evidence of
 * before the test was written. Nothing can be said, which is not the same as nothing to judge.
 */
function notCollected(
  given: readonly Given[],
  wanted: ReadonlySet<string>,
  collected: ReadonlyMap<string, unknown>,
  asOf: Date,
): Map<string, SliceInput[]> {
  const missing = new Map<string, SliceInput[]>();
  for (const { source, dataset } of given) {
    const { name, version, kind } = dataset;
    if (!wanted.has(name) || collected.has(name)) continue;
    const message = `${name} was not collected in this run; tickmark run collects what today's tests read`;
    const header: SliceHeader = {
      dataset: name,
      version,
      source,
      scope: source,
      kind,
      observed_at: asOf.toISOString(),
      outcome: 'failed',
      problems: [{ code: 'NotCollected', message, severity: 'error' }],
      tie_outs: [],
    };
    missing.set(name, [sliceInput(header, [])]);
  }
  return missing;
}
