import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareText } from '../../src/evidence/json.ts';
import type { Call, EvidenceRecord } from '../../src/evidence/slice.ts';
import type { Backend } from '../../src/store/backend.ts';
import { readChunks, type StoredList, writeList } from '../../src/store/lists.ts';
import { findRecord } from '../../src/store/records.ts';
import { ChunkReader, findLines } from '../../src/store/search.ts';
import { findCalls, readTrace, writeTrace } from '../../src/store/trace.ts';
import { memoryBackend } from '../support/memory-backend.ts';

/** Objects that were read; an index once for each list. */
function countingBackend() {
  const { backend, keys } = memoryBackend();
  const counted = { reads: 0 };
  const read = (key: string) => {
    counted.reads += 1;
    return backend.read(key);
  };
  return { backend: { ...backend, read }, counted, keys };
}

const record = (uid: string, over: Partial<EvidenceRecord> = {}): EvidenceRecord => ({
  uid,
  name: uid,
  fields: {},
  original: null,
  calls: [],
  ...over,
});

const sliceOf = (records: StoredList) => ({
  source: 'production',
  scope: '123456789012',
  dataset: 'aws.s3.buckets',
  records,
});

const write = (
  backend: Backend,
  records: readonly EvidenceRecord[],
  cut: 'fine' | 'coarse' = 'fine',
) => writeList(backend, records, ({ uid }) => uid, { cut });

const uids = fc
  .uniqueArray(fc.string({ unit: 'grapheme-ascii', maxLength: 5 }), { maxLength: 60 })
  .map((all) => all.sort(compareText));
const cut = fc.constantFrom('fine' as const, 'coarse' as const);

describe('a line that is looked for', () => {
  it('is found wherever it stands, with its number, and nothing else is', async () => {
    await fc.assert(
      fc.asyncProperty(uids, cut, fc.string({ maxLength: 5 }), async (all, cut, other) => {
        const { backend } = memoryBackend();
        const records = await write(
          backend,
          all.map((uid) => record(uid)),
          cut,
        );
        const chunks = await readChunks(backend, records);
        const reader = new ChunkReader(backend);
        const find = (uid: string) =>
          findLines<EvidenceRecord>(chunks, reader, (each) => compareText(each.uid, uid));
        for (const [index, uid] of all.entries()) {
          const found = await find(uid);
          expect(found.map(({ line, row }) => [line.uid, row])).toEqual([[uid, index]]);
          expect(chunks).toContainEqual(found[0]?.chunk);
        }
        if (!all.includes(other)) expect(await find(other)).toEqual([]);
      }),
    );
  });

  it('stands among others of its kind, which are found with it', async () => {
    const lines = fc
      .array(fc.tuple(fc.nat(4), fc.nat(100)), { maxLength: 60 })
      .map((all) => all.sort(([a], [b]) => a - b));
    await fc.assert(
      fc.asyncProperty(lines, cut, async (all, cut) => {
        const { backend } = memoryBackend();
        const list = await writeList(backend, all, ([group]) => String(group), { cut });
        const chunks = await readChunks(backend, list);
        for (const group of [0, 1, 2, 3, 4]) {
          const found = await findLines<[number, number]>(
            chunks,
            new ChunkReader(backend),
            ([own]) => own - group,
          );
          expect(found.map(({ line }) => line)).toEqual(all.filter(([own]) => own === group));
        }
      }),
    );
  });
});

describe('a record by its uid', () => {
  /** What a bucket is like on some night. */
  const night = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), fc.nat(2));

  it('is that of each night, whatever the nights before were like', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(night, { maxLength: 8 }), async (nights) => {
        const { backend } = memoryBackend();
        const reader = new ChunkReader(backend);
        for (const buckets of nights) {
          const records = Object.entries(buckets)
            .sort(([a], [b]) => compareText(a, b))
            .map(([uid, state]) => record(uid, { fields: { state } }));
          const slice = sliceOf(await write(backend, records));
          for (const uid of 'abcdefgh') {
            const expected = records.find((each) => each.uid === uid);
            expect(await findRecord(reader, slice, uid)).toEqual(expected);
          }
        }
      }),
    );
  });

  it('costs a few reads of thousands of chunks, and none while its chunk stays', async () => {
    const { backend, counted } = countingBackend();
    const all = Array.from({ length: 20_000 }, (_, index) =>
      record(`arn:${String(index).padStart(5, '0')}`),
    );
    const first = sliceOf(await write(backend, all));
    const changed = all.map((each) => (each.uid < 'arn:00100' ? { ...each, name: 'new' } : each));
    const next = sliceOf(await write(backend, changed));
    expect((await readChunks(backend, first.records)).length).toBeGreaterThan(4_000);
    const reader = new ChunkReader(backend);
    counted.reads = 0;
    await findRecord(reader, first, 'arn:12345');
    expect(counted.reads).toBeLessThanOrEqual(16);
    counted.reads = 0;
    expect(await findRecord(reader, next, 'arn:12345')).toEqual(record('arn:12345'));
    expect(counted.reads).toBe(0);
  });

  it('is not believed out of a chunk that was changed', async () => {
    const { backend, keys } = countingBackend();
    const list = await write(backend, [record('a')]);
    const [chunk] = await readChunks(backend, list);
    for (const key of keys.keys()) {
      if (key.includes(chunk?.digest ?? '')) keys.set(key, Buffer.from('another'));
    }
    await expect(findRecord(new ChunkReader(backend), sliceOf(list), 'a')).rejects.toThrow(
      /is not what its name says/,
    );
  });
});

describe('calls by their ids', () => {
  const call = (id: string, index: number): Call => ({
    id,
    service: 's3',
    operation: 'ListBuckets',
    parameters: {},
    request_id: `request ${index}`,
    server_date: null,
    status: 200,
    attempts: 1,
    started_at: new Date(Date.UTC(2026, 0, 31, 2, 0, index)).toISOString(),
    finished_at: new Date(Date.UTC(2026, 0, 31, 2, 0, index + 1)).toISOString(),
    endpoint: null,
  });

  it('come with what they left behind, as the whole trace has them', async () => {
    await fc.assert(
      fc.asyncProperty(uids, cut, fc.array(fc.nat(60)), async (ids, cut, picks) => {
        const { backend } = memoryBackend();
        const trace = await writeTrace(backend, ids.map(call), { cut });
        const whole: Call[] = [];
        for await (const part of readTrace(backend, trace)) whole.push(...part);
        const asked = [...picks.flatMap((pick) => ids[pick] ?? []), 'not there'];
        expect(await findCalls(new ChunkReader(backend), trace, asked)).toEqual(
          whole.filter(({ id }) => asked.includes(id)),
        );
      }),
    );
  });
});
