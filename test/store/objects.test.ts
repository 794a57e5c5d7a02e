import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import { objectKey, readObject, writeObject } from '../../src/store/objects.ts';
import { memoryBackend } from '../support/memory-backend.ts';

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
