/** Packs: what lies in them, what is read of them, and what a forged index cannot make of them. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, sha256 } from '../../src/evidence/json.ts';
import type { Backend } from '../../src/store/backend.ts';
import { type Chunk, readLines } from '../../src/store/chunks.ts';
import { readChunks, readList, type StoredList, writeList } from '../../src/store/lists.ts';
import { objectKey, readObject, writeObject } from '../../src/store/objects.ts';
import { ChunkReader, findLines } from '../../src/store/search.ts';
import { memoryBackend } from '../support/memory-backend.ts';

const mebibyte = 1024 * 1024;
const cut = fc.constantFrom('fine' as const, 'coarse' as const);

/** A backend that notes which objects were read, in order. */
function noting() {
  const { backend, keys, written } = memoryBackend();
  const read: string[] = [];
  const noted: Backend = {
    ...backend,
    read: (key) => {
      read.push(key);
      return backend.read(key);
    },
  };
  return { backend: noted, keys, written, read };
}

async function all<T>(parts: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const part of parts) found.push(...part);
  return found;
}

const texts = (count: number, length: number) =>
  Array.from({ length: count }, (_, index) => String(index).padStart(length, '0'));
const write = (backend: Backend, lines: readonly string[], base?: StoredList) =>
  writeList(backend, lines, (line) => line, { cut: 'fine', base });
const packsOf = (chunks: readonly Chunk[]) => [...new Set(chunks.map(({ pack }) => pack))];

describe('packs', () => {
  it('are one for the few new chunks of a night, and hold nothing else', async () => {
    const { backend, keys } = memoryBackend();
    const before = await write(backend, texts(5_000, 20));
    const held = new Set(keys.keys());
    const changed = texts(5_000, 20).map((line, at) => (at % 500 === 7 ? `${line}!` : line));
    const after = await write(backend, changed, before);
    const added = [...keys.keys()].filter((key) => !held.has(key));
    const old = new Set((await readChunks(backend, before)).map(({ digest }) => digest));
    const chunks = (await readChunks(backend, after)).filter(({ digest }) => !old.has(digest));
    const [pack = '', ...more] = packsOf(chunks);
    expect(more).toEqual([]);
    expect(added.sort()).toEqual([objectKey(pack), objectKey(after.chunks ?? '')].sort());
    const size = chunks.reduce((sum, { bytes }) => sum + bytes, 0);
    expect((await readObject(backend, pack)).length).toBe(size);
  });

  it('have no more than a mebibyte, unless one chunk alone has', async () => {
    const { backend } = memoryBackend();
    const lines = [...texts(400, 9_000), ...texts(3, 700_000), ...texts(400, 9_001)];
    const list = await write(backend, lines);
    const chunks = await readChunks(backend, list);
    const packs = packsOf(chunks);
    expect(packs.length).toBeLessThan(12);
    let larger = 0;
    for (const pack of packs) {
      const { length } = await readObject(backend, pack);
      const own = chunks.filter((each) => each.pack === pack);
      expect(own.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(length);
      if (length <= mebibyte) continue;
      larger += 1;
      expect(own).toHaveLength(1);
    }
    expect(larger).toBeGreaterThan(0);
    expect(await all(readList(backend, list))).toEqual(lines);
  });

  it('are named again where an index says everything anew, and not written again', async () => {
    const { backend, keys } = memoryBackend();
    const lines = texts(2_000, 100);
    const night = (at: number) =>
      lines.map((line, place) => (place === (at * 37) % 2_000 ? `${line} ${at}` : line));
    let list = await write(backend, lines);
    const wholes = new Set<string>();
    for (let at = 1; at <= 150; at += 1) {
      const held = keys.size;
      list = await write(backend, night(at), list);
      // A pack and an index, or fewer: what one night changed, the next changes back.
      expect(keys.size - held).toBeLessThanOrEqual(2);
      const { base } = JSON.parse((await readObject(backend, list.chunks ?? '')).toString());
      if (base === null) wholes.add(list.chunks ?? '');
      const chunks = await readChunks(backend, list);
      for (const pack of packsOf(chunks)) expect(keys.has(objectKey(pack))).toBe(true);
    }
    expect(wholes.size).toBeGreaterThan(1);
    const copy = memoryBackend();
    for (const [key, bytes] of keys) copy.keys.set(key, bytes);
    expect(await all(readList(copy.backend, list))).toEqual(night(150));
  });

  it('hold a text that a list has twice once', async () => {
    const line = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 5 }), cut, async (nights, cut) => {
        const { backend, keys } = memoryBackend();
        let base: StoredList | undefined;
        for (const lines of nights) {
          base = await writeList(backend, lines, (each) => each, { cut, base });
          const copy = memoryBackend();
          for (const [key, bytes] of keys) copy.keys.set(key, bytes);
          expect(await all(readList(copy.backend, base))).toEqual(lines);
          const held = keys.size;
          expect(await writeList(backend, lines, (each) => each, { cut, base })).toEqual(base);
          expect(keys.size).toBe(held);
        }
      }),
    );
  });

  it('are each read once by who reads a list, however many nights it is made of', async () => {
    const { backend, read } = noting();
    let lines = texts(3_000, 50);
    let list = await write(backend, lines);
    for (let at = 1; at <= 60; at += 1) {
      lines = lines.map((line, place) => ((place * 7 + at) % 300 === 0 ? `${line}.` : line));
      list = await write(backend, lines, list);
    }
    const packs = packsOf(await readChunks(backend, list)).map(objectKey);
    expect(packs.length).toBeGreaterThan(50);
    read.length = 0;
    expect(await all(readList(backend, list))).toEqual(lines);
    expect(read.filter((key) => packs.includes(key)).sort()).toEqual(packs.sort());
  });

  it('are held by who looks lines up, but not more of them than fit', async () => {
    const { backend, keys, read } = noting();
    // Each line is a chunk and a pack, of 20 mebibytes together.
    const lines = texts(20, mebibyte);
    const chunks = lines.map((line): Chunk => {
      const text = Buffer.from(`"${line}"\n`);
      const digest = sha256(text);
      keys.set(objectKey(digest), gzipSync(text, { level: 1 }));
      return { digest, count: 1, bytes: text.length, pack: digest, offset: 0 };
    });
    const reader = new ChunkReader(backend);
    const look = (line: string | undefined) =>
      findLines<string>(chunks, reader, (each) => Number(each) - Number(line));
    read.length = 0;
    for (const line of [...lines.slice(0, 2), ...lines.slice(0, 2)]) await look(line);
    expect(new Set(read).size).toBe(read.length);
    for (const line of lines) await look(line);
    read.length = 0;
    await look(lines[0]);
    expect(read.length).toBeGreaterThan(0);
  });
});

describe('a forged index', () => {
  /** A list of chunks as an index says that they lie in a pack of these bytes. */
  async function forged(bytes: Buffer, chunks: (pack: string) => unknown[]) {
    const { backend } = memoryBackend();
    const pack = await writeObject(backend, bytes);
    const entries = chunks(pack) as [string, number][];
    const index = { base: null, chunks: entries, packs: [pack] };
    const list = {
      count: entries.reduce((sum, [, count]) => sum + count, 0),
      digest: sha256(entries.map(([digest]) => `${digest}\n`).join('')),
      chunks: await writeObject(backend, Buffer.from(canonicalJson(index))),
    };
    return { backend, list };
  }
  const refused = (read: Promise<unknown>) =>
    expect(read).rejects.toMatchObject({ code: 'IntegrityBroken' });
  /** What each part of a text is as a chunk of one line. */
  const partOf = (bytes: Buffer, from: number, to: number) => {
    const text = bytes.subarray(from, to);
    return [sha256(text), 1, text.length, 0, from];
  };

  it('that names a hundred thousand chunks in one pack is read in no time', async () => {
    const bytes = Buffer.from('12345678\n'.repeat(100_000));
    const { backend, list } = await forged(bytes, () =>
      Array.from({ length: 100_000 }, () => [sha256('12345678\n'), 1, 9]),
    );
    expect(await all(readList(backend, list))).toHaveLength(100_000);
  });

  it('that names the same text as ever other chunks is refused before it is read', async () => {
    const bytes = Buffer.from(`${'7'.repeat(900_000)}\n`);
    // Taken for what they say, a hundred gigabytes would have to be looked through.
    const { backend, list } = await forged(bytes, () =>
      Array.from({ length: 100_000 }, (_, at) => [sha256(String(at)), 1, 900_000 - at, 0, at]),
    );
    await refused(readChunks(backend, list));
  });

  it.each([
    ['overlap', [0, 6, 3, 9]],
    ['begin at one place', [0, 3, 0, 6]],
  ])('whose chunks %s is refused', async (_what, [a = 0, b = 0, c = 0, d = 0]) => {
    const bytes = Buffer.from('11\n22\n33\n');
    const count = (chunk: unknown[], lines: number) => [chunk[0], lines, ...chunk.slice(2)];
    const { backend, list } = await forged(bytes, () => [
      count(partOf(bytes, a, b), (b - a) / 3),
      count(partOf(bytes, c, d), (d - c) / 3),
    ]);
    await refused(all(readList(backend, list)));
  });

  it('whose pack is no text is refused', async () => {
    const noise = Buffer.from(randomBytes(5_000).filter((byte) => byte !== 10));
    for (const bytes of [noise, Buffer.concat([noise, Buffer.from('\n')]), Buffer.from([10])]) {
      const { backend, list } = await forged(bytes, () => [partOf(bytes, 0, bytes.length)]);
      await refused(all(readList(backend, list)));
    }
  });

  it('whose pack is not there, or was changed, is refused', async () => {
    const { backend, keys } = memoryBackend();
    const list = await write(backend, texts(100, 10));
    const chunks = await readChunks(backend, list);
    const key = objectKey(chunks[0]?.pack ?? '');
    keys.set(key, Buffer.from('another'));
    await refused(all(readLines(backend, chunks)));
    keys.delete(key);
    await refused(all(readLines(backend, chunks)));
  });
});
