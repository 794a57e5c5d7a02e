import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, sha256 } from '../../src/evidence/json.ts';
import type { Backend } from '../../src/store/backend.ts';
import {
  difference,
  readChunks,
  readList,
  type StoredList,
  writeList,
} from '../../src/store/lists.ts';
import { objectKey, readObject, writeObject } from '../../src/store/objects.ts';
import { faultyBackend } from '../support/faulty-backend.ts';
import { memoryBackend } from '../support/memory-backend.ts';

interface Line {
  uid: string;
  value: number;
}
const lines = (count: number): Line[] =>
  Array.from({ length: count }, (_line, index) => ({
    uid: `arn:aws:s3:::bucket-${String(index).padStart(6, '0')}`,
    value: index,
  }));
const keyOf = (line: Line) => line.uid;
const write = (backend: Backend, of: Line[], base?: StoredList) =>
  writeList(backend, of, keyOf, { cut: 'fine', base });

async function all(list: AsyncIterable<unknown[]>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const part of list) found.push(...part);
  return found;
}

/** The same keys for a backend that has read nothing yet. */
function afresh(keys: Map<string, Buffer>): Backend {
  const { backend, keys: own } = memoryBackend();
  for (const [key, bytes] of keys) own.set(key, bytes);
  return backend;
}

describe('lists', () => {
  it('are not written where one of their packs is not, however early it fails', async () => {
    const long = lines(100).map((line) => ({ ...line, text: 'x'.repeat(200_000) }));
    const counted = faultyBackend(memoryBackend().backend, 'fails', 0);
    await write(counted.backend, long);
    expect(counted.steps.length).toBeGreaterThan(20);
    for (let at = 1; at <= counted.steps.length; at += 5) {
      const { backend } = faultyBackend(memoryBackend().backend, 'fails once', at);
      await expect(write(backend, long), `write ${at}`).rejects.toMatchObject({
        code: 'StoreUnavailable',
      });
    }
  });

  it('read back as written, whatever their length and cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 700 }),
        fc.constantFrom('fine' as const, 'coarse' as const),
        async (count, cut) => {
          const { backend, keys } = memoryBackend();
          const list = await writeList(backend, lines(count), keyOf, { cut });
          expect(list.count).toBe(count);
          expect(await all(readList(afresh(keys), list))).toEqual(lines(count));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('change one chunk where one line changes, and few where one comes or goes', async () => {
    const { backend } = memoryBackend();
    const before = await write(backend, lines(5_000));
    const digests = new Set((await readChunks(backend, before)).map(({ digest }) => digest));
    const fresh = async (changed: Line[]) =>
      (await readChunks(backend, await write(backend, changed))).filter(
        ({ digest }) => !digests.has(digest),
      );
    const changed = lines(5_000).map((line) =>
      line.value === 2_500 ? { ...line, value: -1 } : line,
    );
    expect(await fresh(changed)).toHaveLength(1);
    for (let gone = 2_480; gone < 2_500; gone += 1) {
      const without = lines(5_000).filter((line) => line.value !== gone);
      expect((await fresh(without)).length).toBeLessThanOrEqual(12);
    }
    expect(digests.size).toBeGreaterThan(1_000);
    expect(digests.size).toBeLessThan(1_700);
  });

  it('read the same, whatever they build on, night after night', async () => {
    const change = fc.record({
      changed: fc.array(fc.nat(299), { maxLength: 8 }),
      gone: fc.array(fc.nat(299), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 40 }), async (nights) => {
        const { backend, keys } = memoryBackend();
        let now = lines(300);
        let base = await write(backend, now);
        const sealed: { list: StoredList; now: Line[] }[] = [];
        for (const [night, { changed, gone }] of nights.entries()) {
          now = lines(300)
            .filter(({ value }) => !gone.includes(value))
            .map((line) => (changed.includes(line.value) ? { ...line, value: -1 - night } : line));
          base = await write(backend, now, base);
          sealed.push({ list: base, now });
        }
        for (const { list, now: then } of sealed) {
          expect(await all(readList(afresh(keys), list))).toEqual(then);
          const alone = await write(memoryBackend().backend, then);
          expect(list.digest).toBe(alone.digest);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('cost a changed chunk and a few bytes of index, not the whole index again', async () => {
    const { backend, keys } = memoryBackend();
    let base = await write(backend, lines(5_000));
    const size = () => [...keys.values()].reduce((sum, bytes) => sum + bytes.length, 0);
    const first = size();
    for (let night = 1; night <= 100; night += 1) {
      const now = lines(5_000);
      const at = (night * 37) % 5_000;
      now[at] = { ...(now[at] as Line), value: -night };
      base = await write(backend, now, base);
    }
    // A small pack and a place in the index each night, and the whole index once in 64 nights: more
    // than half of the first night, since lines as alike as these fold to little. Said whole each
    // night, the index alone would come to fifty times the first night.
    expect((size() - first) / first).toBeLessThan(1.3);
  });

  it('are said by the same object where nothing changed', async () => {
    const { backend, keys } = memoryBackend();
    const before = await write(backend, lines(500));
    const held = keys.size;
    expect(await write(backend, lines(500), before)).toEqual(before);
    expect(keys.size).toBe(held);
  });

  it('are written whole where what they build on is lost or damaged', async () => {
    for (const damage of [undefined, Buffer.from('x')]) {
      const { backend, keys } = memoryBackend();
      const before = await write(backend, lines(100));
      const key = objectKey(before.chunks ?? '');
      if (damage === undefined) keys.delete(key);
      else keys.set(key, damage);
      const other = afresh(keys);
      const changed = lines(101);
      const list = await write(other, changed, before);
      expect(await all(readList(other, list))).toEqual(changed);
    }
  });

  it('are refused when the index leaves out, repeats or exchanges chunks, or counts otherwise', async () => {
    const { backend } = memoryBackend();
    const list = await write(backend, lines(1_000));
    const chunks = await readChunks(backend, list);
    const entries = chunks.map(({ digest, count, bytes }) => [digest, count, bytes]);
    const own = [chunks[0]?.pack];
    const index = async (chunks: unknown, base: unknown = null, packs: unknown = own) =>
      writeObject(backend, Buffer.from(canonicalJson({ base, chunks, packs })));
    const text = (await readObject(backend, own[0] as string)).toString();
    const elsewhere = await writeObject(backend, Buffer.from(`${text}"more"\n`));
    const [first = [], second = [], ...rest] = entries;
    expect(await all(readList(backend, { ...list, chunks: await index(entries) }))).toEqual(
      lines(1_000),
    );
    const wrong = [
      { ...list, chunks: await index(entries.slice(1)) },
      { ...list, chunks: await index([...entries, entries.at(-1)]) },
      { ...list, chunks: await index(entries.toReversed()) },
      { ...list, chunks: await index([5], list.chunks, []) },
      { ...list, chunks: await index([100_000], list.chunks, []) },
      { ...list, chunks: await index([0], list.chunks, []) },
      { ...list, chunks: await index([1.5], list.chunks, []) },
      { ...list, chunks: await index([[first[0], 0, first[2]], ...entries.slice(1)]) },
      { ...list, chunks: await index([['../../etc/passwd', 1, 9]]) },
      { ...list, chunks: await index('none') },
      { ...list, chunks: await index(entries, 'none') },
      // Where chunks lie.
      { ...list, chunks: await index(entries, null, []) },
      { ...list, chunks: await index(entries, null, 'none') },
      { ...list, chunks: await index(entries, null, ['../../etc/passwd']) },
      { ...list, chunks: await index(entries, null, [...own, ...own]) },
      { ...list, chunks: await index(entries, null, [...own, elsewhere]) },
      { ...list, chunks: await index(entries.map((each) => each.slice(0, 2))) },
      { ...list, chunks: await index([[...first, 0], second, ...rest]) },
      { ...list, chunks: await index([[...first, 1, 0], second, ...rest]) },
      { ...list, chunks: await index([[...first, -1, 0], second, ...rest]) },
      { ...list, chunks: await index([[...first, 0, 1], second, ...rest]) },
      { ...list, chunks: await index([[...first, 0, -1], second, ...rest]) },
      { ...list, chunks: await index([[...first, 0, 2 ** 40], second, ...rest]) },
      { ...list, chunks: await index([[...first, 0, text.length], second, ...rest]) },
      { ...list, chunks: await index([[first[0], first[1], 2 ** 40], second, ...rest]) },
      { ...list, chunks: await index([first, [...second, 0, 0], ...rest]) },
      // The sum of both counts is right.
      {
        ...list,
        chunks: await index([
          [first[0], Number(first[1]) - 1, first[2]],
          [second[0], Number(second[1]) + 1, second[2]],
          ...rest,
        ]),
      },
      { ...list, chunks: await writeObject(backend, Buffer.from('no JSON')) },
      { ...list, chunks: null },
      { ...list, count: list.count - 1 },
      { ...list, digest: sha256('') },
    ];
    for (const each of wrong) {
      await expect(all(readList(backend, each))).rejects.toMatchObject({ code: 'IntegrityBroken' });
    }
  });

  it('are refused when indexes build on one another without end', async () => {
    const { backend } = memoryBackend();
    let list = await write(backend, lines(100));
    for (let depth = 0; depth < 70; depth += 1) {
      const chunks = (await readChunks(backend, list)).length;
      const index = { base: list.chunks, chunks: [chunks], packs: [] };
      const digest = await writeObject(backend, Buffer.from(canonicalJson(index)));
      list = { ...list, chunks: digest };
    }
    const keys = new Map<string, Buffer>();
    for await (const { key } of backend.entries('objects')) {
      keys.set(key, (await backend.read(key)) as Buffer);
    }
    await expect(all(readList(afresh(keys), list))).rejects.toMatchObject({
      code: 'IntegrityBroken',
    });
  });

  it('are refused where a chunk has more lines than it should, or a text that is none', async () => {
    const { backend, keys } = memoryBackend();
    for (const [text, count] of [
      ['{}\n'.repeat(3), 3],
      ['{}\n'.repeat(1_000), 3],
      ['{}\n{}\n{}\n{}', 3],
      ['{}\n{}\nno JSON\n', 3],
    ] as const) {
      const digest = await writeObject(backend, Buffer.from(text));
      const index = canonicalJson({
        base: null,
        chunks: [[digest, count, text.length]],
        packs: [digest],
      });
      const forged = { count, digest: sha256(`${digest}\n`), chunks: sha256(index) };
      keys.set(objectKey(sha256(index)), gzipSync(index));
      const read = all(readList(backend, forged));
      if (text.length === 9) expect(await read).toEqual([{}, {}, {}]);
      else await expect(read).rejects.toMatchObject({ code: 'IntegrityBroken' });
    }
  });
});

describe('difference', () => {
  it('is the lengths to take and to leave out, and what is new', () => {
    const chunk = (name: string) => ({ digest: name, count: 4, bytes: 9, pack: 'p', offset: 0 });
    const base = ['a', 'b', 'c', 'd', 'e'].map(chunk);
    expect(difference(base, ['a', 'b', 'x', 'd', 'e'].map(chunk))).toEqual([2, chunk('x'), -1, 2]);
    expect(difference(base, ['b', 'c'].map(chunk))).toEqual([-1, 2]);
    expect(difference(base, base)).toEqual([5]);
    expect(difference([], base.slice(0, 1))).toEqual([chunk('a')]);
  });
});
