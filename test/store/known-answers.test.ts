import { describe, expect, it } from 'vitest';
import { StoredAnswers } from '../../src/store/known-answers.ts';
import { Store } from '../../src/store/store.ts';
import { memoryBackend } from '../support/memory-backend.ts';

const body = Buffer.from('{"id":1}');

describe('StoredAnswers', () => {
  it('are found by the next night, body and link with them', async () => {
    const store = new Store(memoryBackend().backend);
    const first = await StoredAnswers.open(store, undefined);
    expect(await first.find('GET /a')).toBeUndefined();
    await first.keep('GET /a', { etag: '"1"', link: '</b>; rel="next"', body });
    const second = await StoredAnswers.open(store, await first.write());
    expect(await second.find('GET /a')).toMatchObject({
      etag: '"1"',
      link: '</b>; rel="next"',
      body,
    });
    expect(await second.find('constructor')).toBeUndefined();
  });

  it('are handed on while they are asked for, and let go of when they are not', async () => {
    const store = new Store(memoryBackend().backend);
    const first = await StoredAnswers.open(store, undefined);
    await first.keep('GET /a', { etag: '"1"', body });
    await first.keep('GET /b', { etag: '"1"', body });
    const second = await StoredAnswers.open(store, await first.write());
    await second.find('GET /a');
    const third = await StoredAnswers.open(store, await second.write());
    expect(await third.find('GET /a')).toMatchObject({ etag: '"1"' });
    expect(await third.find('GET /b')).toBeUndefined();
  });

  it('need no index where there is nothing to confirm', async () => {
    const store = new Store(memoryBackend().backend);
    expect(await (await StoredAnswers.open(store, undefined)).write()).toBeUndefined();
  });

  it('refuse an index that is none', async () => {
    const store = new Store(memoryBackend().backend);
    const digest = await store.writeBytes(Buffer.from('{"GET /a":{"etag":1}}'));
    await expect(StoredAnswers.open(store, digest)).rejects.toMatchObject({
      code: 'IntegrityBroken',
    });
  });
});
