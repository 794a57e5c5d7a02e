/**
 * What each record was like, night after night. Nights share most of their chunks, so that what is
 * read and held grows with what changed.
 */
import { canonicalJson, compareText, sha256 } from '../evidence/json.ts';
import type { Call, EvidenceRecord, ShownOf } from '../evidence/slice.ts';
import type { SealedSlice } from '../seal/manifest.ts';
import { type Chunk, readLines } from './chunks.ts';
import { readChunks } from './lists.ts';
import type { ChunkReader } from './search.ts';
import { findCalls } from './trace.ts';

/** A slice, and the run that saw it. */
export interface SeenSlice {
  run: string;
  slice: SealedSlice;
}

/** A record as it was in slices one after the other. */
export interface SeenVersion {
  first: SeenSlice;
  last: SeenSlice;
  /** Slices that have it so. */
  slices: number;
  record: EvidenceRecord;
  /** The calls that it was made from in the first of them. */
  calls: Call[];
}

/** A version under way. What it says is read again when it is asked for. */
interface Version {
  uid: string;
  content: string;
  chunk: Chunk;
  /** Each as JSON, the same text for all versions that were made from it: objects take twice as much. */
  calls: readonly string[];
  first: number;
  last: number;
  slices: number;
  /** Where it was seen again after a stretch without it; null: it is not seen now. */
  since: number | null;
}

/**
 * The versions of each record of one dataset in one scope of one source, sorted by uid.
 * @param seen the slices of that scope, in the order of time.
 * @param shown what of a record is looked at: where only the rest differs, it is one version.
 * @throws TickmarkError IntegrityBroken
 */
export async function* recordHistories(
  reader: ChunkReader,
  seen: readonly SeenSlice[],
  shown: ShownOf = (record) => record,
): AsyncGenerator<{ uid: string; versions: SeenVersion[] }> {
  const histories = await versionsOf(reader, seen, shown);
  const uids = [...histories.keys()].sort(compareText);
  const inOrder = uids.flatMap((uid) => histories.get(uid) ?? []);
  const chunks = inOrder.map(({ chunk }) => chunk);
  let versions: SeenVersion[] = [];
  let at = 0;
  // Many together: those of one record lie in the packs of as many nights.
  for await (const lines of readLines(reader.backend, chunks)) {
    const { uid, first, last, slices, calls } = inOrder[at] as Version;
    const records = lines as EvidenceRecord[];
    versions.push({
      first: seen[first] as SeenSlice,
      last: seen[last] as SeenSlice,
      slices,
      record: records.find((record) => record.uid === uid) as EvidenceRecord,
      calls: calls.map((call) => JSON.parse(call) as Call),
    });
    at += 1;
    if (inOrder[at]?.uid === uid) continue;
    yield { uid, versions };
    versions = [];
  }
}

async function versionsOf(
  reader: ChunkReader,
  seen: readonly SeenSlice[],
  shown: ShownOf,
): Promise<Map<string, Version[]>> {
  const histories = new Map<string, Version[]>();
  /** The version of each record that the last slices told of. */
  const current = new Map<string, Version>();
  /** The uids in each chunk of the slice before: nobody has to read it again to see what is gone. */
  let before = new Map<string, string[]>();
  for (const [place, { slice }] of seen.entries()) {
    const chunks = await readChunks(reader.backend, slice.records);
    const now = new Map(chunks.map(({ digest }) => [digest, before.get(digest) ?? []]));
    const news = chunks.filter(({ digest }) => !before.has(digest));
    const added = await contentsOf(reader, news, shown);
    for (const [uid, { chunk }] of added) now.get(chunk.digest)?.push(uid);
    for (const [digest, uids] of before) {
      if (now.has(digest)) continue;
      for (const uid of uids) {
        const version = current.get(uid);
        if (version !== undefined && added.get(uid)?.content !== version.content) {
          pause(version, place);
        }
      }
    }
    const fresh: [Version, readonly string[]][] = [];
    for (const [uid, { content, chunk, calls }] of added) {
      const version = current.get(uid);
      if (version?.content === content) version.since ??= place;
      else {
        const span = { first: place, last: place, slices: 0, since: place };
        const next: Version = { uid, content, chunk, calls: [], ...span };
        current.set(uid, next);
        histories.set(uid, [...(histories.get(uid) ?? []), next]);
        fresh.push([next, calls]);
      }
    }
    await addCalls(reader, slice, fresh);
    // What a whole state does not show any more is gone: should it come back, that is a new version.
    if (slice.kind === 'snapshot' && slice.outcome === 'complete') {
      for (const [uid, { since }] of current) if (since === null) current.delete(uid);
    }
    before = now;
  }
  for (const version of current.values()) pause(version, seen.length);
  return histories;
}

/** It was not seen in the slice at this place. */
function pause(version: Version, place: number): void {
  if (version.since === null) return;
  version.slices += place - version.since;
  version.last = place - 1;
  version.since = null;
}

/** What is shown of records, but for their calls, by uid; beside it the names of these. */
async function contentsOf(
  reader: ChunkReader,
  chunks: readonly Chunk[],
  shown: ShownOf,
): Promise<Map<string, { content: string; chunk: Chunk; calls: readonly string[] }>> {
  const contents = new Map<string, { content: string; chunk: Chunk; calls: readonly string[] }>();
  let at = 0;
  for await (const lines of readLines(reader.backend, chunks)) {
    const chunk = chunks[at] as Chunk;
    at += 1;
    for (const { calls, ...record } of lines as EvidenceRecord[]) {
      contents.set(record.uid, { content: sha256(canonicalJson(shown(record))), chunk, calls });
    }
  }
  return contents;
}

/** Gives versions their calls, of which these are the names. Those of one trace are read together. */
async function addCalls(
  reader: ChunkReader,
  { calls: trace }: SealedSlice,
  versions: readonly [Version, readonly string[]][],
): Promise<void> {
  const ids = versions.flatMap(([, names]) => names);
  const calls = await findCalls(reader, trace, ids);
  const byId = new Map(calls.map((call) => [call.id, JSON.stringify(call)]));
  for (const [version, names] of versions) {
    version.calls = names.filter((id) => byId.has(id)).map((id) => byId.get(id) as string);
  }
}
