/** The evidence of the items of a sample: what each was like, and what came out, night by night. */
import { canonicalJson, compareText } from '../evidence/json.ts';
import type { Result, Status } from '../evidence/result.ts';
import type { Call, EvidenceRecord } from '../evidence/slice.ts';
import { type Examined, isWithin } from '../period/examined.ts';
import { type Night, streamKey } from '../period/nights.ts';
import type { Population, PopulationItem } from '../period/population.ts';
import type { RecordVersion } from '../report/model.ts';
import type { SealedSlice } from '../seal/manifest.ts';
import { findRecord } from '../store/records.ts';
import { findResult } from '../store/results.ts';
import { ChunkReader } from '../store/search.ts';
import type { Store } from '../store/store.ts';
import { findCalls } from '../store/trace.ts';

/** What one night said of an item. */
export interface NightRow {
  run: string;
  /** When the item was observed, or should have been; null where it was not asked for. */
  observed_at: string | null;
  /** Null where nothing came out for it. */
  status: Status | null;
  reason: string;
}

export interface ItemEvidence {
  rows: NightRow[];
  versions: RecordVersion[];
}

/** A version under way: its calls are read when all are known. */
interface Version extends Omit<RecordVersion, 'calls'> {
  content: string;
  trace: SealedSlice['calls'];
  calls: string[];
}

/** An item under way. */
interface Gathering {
  item: PopulationItem;
  dataset: string;
  stream: string;
  rows: NightRow[];
  versions: Version[];
  /** A complete night has looked since and did not see it: what comes next is a version of its own. */
  isGone: boolean;
}

/**
 * @returns the evidence of each item, in their order.
 * @throws TickmarkError IntegrityBroken
 */
export async function evidenceOfItems(
  items: readonly PopulationItem[],
  { test, dataset, kind }: Population,
  examined: Examined,
  { backend }: Store,
): Promise<ItemEvidence[]> {
  const reader = new ChunkReader(backend);
  const gathered = items.map((item): Gathering => {
    const { source, scope } = item;
    const stream = streamKey({ source, scope, dataset });
    return { item, dataset, stream, rows: [], versions: [], isGone: false };
  });
  // Those of one stream one after the other: they look into the same lists.
  const inOrder = [...gathered].sort((a, b) => compareText(a.stream, b.stream));
  const spans = new Map(gathered.map((each) => [each, spanOf(each.item, examined)]));
  for (const [place, night] of examined.nights.entries()) {
    for (const each of inOrder) {
      const span = spans.get(each);
      const isIn = span !== undefined && place >= span.first && place <= span.last;
      const isAsked =
        kind === 'event'
          ? isIn
          : isWithin(night, examined) && night.isState && isAskedIn(night, each);
      if (!isAsked) continue;
      const slices = night.slices.get(each.stream) ?? [];
      const found = isIn ? await sightOf(each, night, slices, reader) : undefined;
      if (kind === 'event' && found === undefined) continue;
      each.rows.push(await rowOf(each, night, slices, test, reader));
    }
  }
  const calls = await callsOf(
    gathered.flatMap(({ versions }) => versions),
    reader,
  );
  return gathered.map(({ rows, versions }) => ({
    rows,
    versions: versions.map((version) => {
      const { from, to, nights, record } = version;
      return { from, to, nights, record, calls: calls.get(version) ?? [] };
    }),
  }));
}

/** The calls of each version. Those of one trace are read together. */
async function callsOf(
  versions: readonly Version[],
  reader: ChunkReader,
): Promise<Map<Version, Call[]>> {
  const byTrace = new Map<string, Version[]>();
  for (const version of versions) {
    const { digest, receipts } = version.trace;
    const key = `${digest} ${receipts}`;
    byTrace.set(key, [...(byTrace.get(key) ?? []), version]);
  }
  const found = new Map<Version, Call[]>();
  for (const group of byTrace.values()) {
    const ids = group.flatMap((version) => version.calls);
    const calls = await findCalls(reader, (group[0] as Version).trace, ids);
    for (const version of group) {
      found.set(
        version,
        calls.filter(({ id }) => version.calls.includes(id)),
      );
    }
  }
  return found;
}

function isAskedIn({ sources }: Night, { item }: Gathering): boolean {
  return sources.has(item.source);
}

/** Places of the nights that saw an item first and last. */
function spanOf(
  { first_run, last_run }: PopulationItem,
  { nights }: Examined,
): { first: number; last: number } {
  const placeOf = (run: string) => nights.findIndex(({ bundle }) => bundle.manifest.run === run);
  return { first: placeOf(first_run), last: placeOf(last_run) };
}

/** Takes in what a night saw of an item. @returns its record. */
async function sightOf(
  gathering: Gathering,
  { bundle }: Night,
  slices: readonly SealedSlice[],
  reader: ChunkReader,
): Promise<EvidenceRecord | undefined> {
  const { item, versions } = gathering;
  let seen: EvidenceRecord | undefined;
  for (const slice of slices) {
    const record = await findRecord(reader, slice, item.uid);
    if (record === undefined) continue;
    seen = record;
    const sight = { run: bundle.manifest.run, observed_at: slice.observed_at };
    const { uid, name, fields, original, untold, calls } = record;
    const kept = { uid, name, fields, original, ...(untold === undefined ? {} : { untold }) };
    const content = canonicalJson(kept);
    const last = versions.at(-1);
    if (last !== undefined && !gathering.isGone && last.content === content) {
      last.nights += Number(last.to.run !== sight.run);
      last.to = sight;
    } else {
      versions.push({
        from: sight,
        to: sight,
        nights: 1,
        record: kept,
        content,
        trace: slice.calls,
        calls,
      });
    }
    gathering.isGone = false;
  }
  const isWhole = slices.length > 0 && slices.every(({ outcome }) => outcome === 'complete');
  if (seen === undefined && isWhole) gathering.isGone = true;
  return seen;
}

/** What came out for an item, or for all of its scope where that could not be told apart. */
export async function resultOf(
  reader: ChunkReader,
  { tests, judgements }: Night,
  test: string,
  dataset: string,
  { source, scope, uid }: Pick<PopulationItem, 'source' | 'scope' | 'uid'>,
): Promise<Result | undefined> {
  const control = tests.get(test)?.control.id;
  const judgement = judgements.find((each) => each.tests.has(test))?.bundle;
  if (control === undefined || judgement === undefined) return undefined;
  const find = (of: { source: string; scope: string; uid: string }) =>
    findResult(reader, judgement, { control, test, dataset, ...of });
  // Nothing of a source that was not reached is known: it stands under its own name then.
  return (
    (await find({ source, scope, uid })) ??
    (await find({ source, scope, uid: `${source}/${scope}/${dataset}` })) ??
    (await find({ source, scope: source, uid: `${source}/${source}/${dataset}` }))
  );
}

async function rowOf(
  { item, dataset }: Gathering,
  night: Night,
  slices: readonly SealedSlice[],
  test: string,
  reader: ChunkReader,
): Promise<NightRow> {
  const observed_at = slices[0]?.observed_at ?? null;
  const nothing = (reason: string): NightRow => ({
    run: night.bundle.manifest.run,
    observed_at,
    status: null,
    reason,
  });
  if (!night.tests.has(test)) {
    return nothing('the evidence of this night was not judged by this test');
  }
  const result = await resultOf(reader, night, test, dataset, item);
  if (result === undefined) {
    return nothing(slices.length === 0 ? 'its scope was not asked' : 'it was not there');
  }
  const { status, reason } = result;
  return { run: night.bundle.manifest.run, observed_at: result.observed_at, status, reason };
}
