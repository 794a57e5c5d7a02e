import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import {
  objectKey,
  readList,
  readObject,
  writeList,
  writeObject,
} from '../../src/store/objects.ts';
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

async function all(list: AsyncIterable<unknown[]>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const part of list) found.push(...part);
  return found;
}

describe('writeObject', () => {
  it('names an object by the SHA-256 of what is inside', async () => {
    const { backend, keys } = memoryBackend();
    const digest = await writeObject(backend, Buffer.from('abc'));
    expect(digest).toBe(sha256('abc'));
    expect(gunzipSync(keys.get(objectKey(digest)) ?? '').toString()).toBe('abc');
  });
});

describe('readObject', () => {
  it.each([
    [
      'other content',
      (whole: Buffer) => gzipSync(Buffer.concat([gunzipSync(whole), Buffer.from('x')])),
    ],
    ['bytes that are not gzip', () => Buffer.from('abc')],
    ['a cut file', (whole: Buffer) => whole.subarray(0, whole.length - 5)],
    ['an empty file', () => Buffer.alloc(0)],
  ])('refuses %s', async (_name, change) => {
    const { backend, keys } = memoryBackend();
    const digest = await writeObject(backend, Buffer.from('abc'));
    keys.set(objectKey(digest), change(keys.get(objectKey(digest)) as Buffer));
    await expect(readObject(backend, digest)).rejects.toMatchObject({ code: 'IntegrityBroken' });
  });

  it('says that a missing object is missing', async () => {
    const { backend } = memoryBackend();
    await expect(readObject(backend, sha256('abc'))).rejects.toMatchObject({
      code: 'IntegrityBroken',
      message: expect.stringContaining('missing'),
    });
  });
});

describe('lists', () => {
  it('read back as written, whatever their length', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 700 }), async (count) => {
        const { backend } = memoryBackend();
        const list = await writeList(backend, lines(count), keyOf);
        expect(list.count).toBe(count);
        expect(await all(readList(backend, list))).toEqual(lines(count));
      }),
      { numRuns: 20 },
    );
  });

  it('change one chunk where one line changes, and at most two where one goes', async () => {
    const { backend } = memoryBackend();
    const before = await writeList(backend, lines(5_000), keyOf);
    const digests = new Set(before.chunks.map((chunk) => chunk.digest));
    const fresh = async (changed: Line[]) =>
      (await writeList(backend, changed, keyOf)).chunks.filter(
        (chunk) => !digests.has(chunk.digest),
      );
    const changed = lines(5_000).map((line) =>
      line.value === 2_500 ? { ...line, value: -1 } : line,
    );
    expect(await fresh(changed)).toHaveLength(1);
    const gone = lines(5_000).filter((line) => line.value !== 2_500);
    expect((await fresh(gone)).length).toBeLessThanOrEqual(2);
    expect(before.chunks.length).toBeGreaterThan(20);
  });

  it('are refused when a chunk is left out or the count is not theirs', async () => {
    const { backend } = memoryBackend();
    const list = await writeList(backend, lines(1_000), keyOf);
    const cut = { ...list, chunks: list.chunks.slice(1) };
    const counted = { ...list, count: list.count - 1 };
    const swapped = { ...list, chunks: list.chunks.toReversed() };
    for (const wrong of [cut, counted, swapped]) {
      await expect(all(readList(backend, wrong))).rejects.toMatchObject({
        code: 'IntegrityBroken',
      });
    }
  });

  it('are refused before a chunk of more lines than it should have is read', async () => {
    const { backend } = memoryBackend();
    const bytes = Buffer.from('{}\n'.repeat(1_000));
    const digest = await writeObject(backend, bytes);
    const list = { count: 10, digest: sha256(bytes), chunks: [{ digest, count: 10 }] };
    await expect(all(readList(backend, list))).rejects.toMatchObject({ code: 'IntegrityBroken' });
  });
});
