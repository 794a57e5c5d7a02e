/**
 * What each record was like, night after night. Nights share most of their chunks, so that what is
 * read and held grows with what changed.
 */
import { canonicalJson, compareText, sha256 } from '../evidence/json.ts';
import type { Call, EvidenceRecord } from '../evidence/slice.ts';
import type { SealedSlice } from '../seal/manifest.ts';
import type { Chunk } from './chunks.ts';
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
  first: number;
  last: number;
  slices: number;
  /** Where it was seen again after a stretch without it; null: it is not seen now. */
  since: number | null;
}

/**
 * The versions of each record of one dataset in one scope of one source, sorted by uid.
 * @param seen the slices of that scope, in the order of time.
 * @throws TickmarkError IntegrityBroken
 */
export async function* recordHistories(
  reader: ChunkReader,
  seen: readonly SeenSlice[],
): AsyncGenerator<{ uid: string; versions: SeenVersion[] }> {
  const histories = await versionsOf(reader, seen);
  const calls = await callsOf(reader, seen, [...histories.values()].flat());
  for (const uid of [...histories.keys()].sort(compareText)) {
    const versions: SeenVersion[] = [];
    for (const version of histories.get(uid) ?? []) {
      versions.push({
        first: seen[version.first] as SeenSlice,
        last: seen[version.last] as SeenSlice,
        slices: version.slices,
        record: await recordOf(reader, version),
        calls: calls.get(version) ?? [],
      });
    }
    yield { uid, versions };
  }
}

async function versionsOf(
  reader: ChunkReader,
  seen: readonly SeenSlice[],
): Promise<Map<string, Version[]>> {
  const histories = new Map<string, Version[]>();
  /** The version of each record that the last slices told of. */
  const current = new Map<string, Version>();
  let before: ReadonlyMap<string, Chunk> = new Map();
  for (const [place, { slice }] of seen.entries()) {
    const chunks = await readChunks(reader.backend, slice.records);
    const now = new Map(chunks.map((chunk) => [chunk.digest, chunk]));
    const added = await contentsOf(reader, now, before);
    const removed = await contentsOf(reader, before, now);
    for (const uid of removed.keys()) {
      const version = current.get(uid);
      if (version !== undefined && added.get(uid)?.content !== version.content) {
        pause(version, place);
      }
    }
    for (const [uid, { content, chunk }] of added) {
      const version = current.get(uid);
      if (version?.content === content) version.since ??= place;
      else {
        const next = { uid, content, chunk, first: place, last: place, slices: 0, since: place };
        current.set(uid, next);
        histories.set(uid, [...(histories.get(uid) ?? []), next]);
      }
    }
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

/** The records of the chunks that others do not have, by uid: what they say, but for their calls. */
async function contentsOf(
  reader: ChunkReader,
  chunks: ReadonlyMap<string, Chunk>,
  others: ReadonlyMap<string, Chunk>,
): Promise<Map<string, { content: string; chunk: Chunk }>> {
  const contents = new Map<string, { content: string; chunk: Chunk }>();
  for (const [digest, chunk] of chunks) {
    if (others.has(digest)) continue;
    for (const record of (await reader.lines(chunk)) as readonly EvidenceRecord[]) {
      const { calls: _calls, ...content } = record;
      contents.set(record.uid, { content: sha256(canonicalJson(content)), chunk });
    }
  }
  return contents;
}

async function recordOf(reader: ChunkReader, { uid, chunk }: Version): Promise<EvidenceRecord> {
  const records = (await reader.lines(chunk)) as readonly EvidenceRecord[];
  return records.find((record) => record.uid === uid) as EvidenceRecord;
}

/** The calls of each version. Those of one trace are read together. */
async function callsOf(
  reader: ChunkReader,
  seen: readonly SeenSlice[],
  versions: readonly Version[],
): Promise<Map<Version, Call[]>> {
  const byPlace = new Map<number, Version[]>();
  for (const version of versions) {
    const known = byPlace.get(version.first);
    if (known === undefined) byPlace.set(version.first, [version]);
    else known.push(version);
  }
  const found = new Map<Version, Call[]>();
  for (const [place, group] of byPlace) {
    const names = new Map<Version, readonly string[]>();
    for (const version of group) names.set(version, (await recordOf(reader, version)).calls);
    const trace = (seen[place] as SeenSlice).slice.calls;
    const calls = await findCalls(reader, trace, [...names.values()].flat());
    const byId = new Map(calls.map((call) => [call.id, call]));
    for (const version of group) {
      found.set(
        version,
        (names.get(version) ?? []).flatMap((id) => byId.get(id) ?? []),
      );
    }
  }
  return found;
}
