import { describe, expect, it } from 'vitest';
import { formatManifest, manifestKey } from '../../src/seal/manifest.ts';
import { Store, unsealed } from '../../src/store/store.ts';
import { draft, slice } from '../support/bundles.ts';
import { memoryBackend } from '../support/memory-backend.ts';

describe('Store', () => {
  it('chains each bundle to the one before', async () => {
    const store = new Store(memoryBackend().backend);
    const first = await store.seal(draft(), unsealed);
    const second = await store.seal(draft(), unsealed);
    expect(first.manifest).toMatchObject({ sequence: 1, previous: null });
    expect(second.manifest).toMatchObject({ sequence: 2, previous: first.digest });
    expect(await store.last()).toEqual(second);
  });

  it('gives every one of many runs at once a place of its own', async () => {
    const { backend } = memoryBackend();
    const bundles = await Promise.all(
      Array.from({ length: 10 }, () => new Store(backend).seal(draft(), unsealed)),
    );
    bundles.sort((a, b) => a.manifest.sequence - b.manifest.sequence);
    expect(bundles.map((bundle) => bundle.manifest.sequence)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    expect(bundles.map((bundle) => bundle.manifest.previous)).toEqual([
      null,
      ...bundles.slice(0, -1).map((bundle) => bundle.digest),
    ]);
  });

  it("gives back a slice's records", async () => {
    const store = new Store(memoryBackend().backend);
    const whole = slice();
    const sealed = await store.writeSlice(whole);
    const records = [];
    for await (const part of store.records(sealed)) records.push(...part);
    expect(records).toEqual(whole.records);
  });

  it('costs nothing to keep an unchanged slice for another night', async () => {
    const { backend, keys } = memoryBackend();
    const store = new Store(backend);
    const first = await store.writeSlice(slice());
    const before = keys.size;
    const second = await store.writeSlice({ ...slice(), observed_at: '2026-01-02T00:00:00.000Z' });
    expect(keys.size).toBe(before);
    expect(second.records).toEqual(first.records);
  });

  it('finds a run by the beginning of its id, if that is enough', async () => {
    const store = new Store(memoryBackend().backend);
    await store.seal(draft({ run: '20260101T020000Z-aaaaaa' }), unsealed);
    await store.seal(draft({ run: '20260102T020000Z-bbbbbb' }), unsealed);
    expect((await store.bundleOf('20260102')).manifest.sequence).toBe(2);
    await expect(store.bundleOf('202601')).rejects.toMatchObject({ code: 'NotFound' });
    await expect(store.bundleOf('2027')).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('reads a manifest anew that was changed since it was sealed or read', async () => {
    const { backend, keys } = memoryBackend();
    const store = new Store(backend);
    const { manifest } = await store.seal(draft(), unsealed);
    expect((await store.last())?.manifest.organization).toBe(manifest.organization);
    const { bytes, digest } = formatManifest({ ...manifest, organization: 'Another' });
    keys.set(manifestKey(1), bytes);
    expect(await store.last()).toMatchObject({ digest, manifest: { organization: 'Another' } });
    keys.set(manifestKey(1), Buffer.from('nothing'));
    await expect(store.last()).rejects.toMatchObject({ code: 'IntegrityBroken' });
  });

  it('refuses a manifest that stands in the place of another', async () => {
    const { backend, keys } = memoryBackend();
    const store = new Store(backend);
    await store.seal(draft(), unsealed);
    const { manifest } = await store.seal(draft(), unsealed);
    keys.set(manifestKey(3), formatManifest(manifest).bytes);
    await expect(store.last()).rejects.toMatchObject({ code: 'IntegrityBroken' });
  });

  it('does not turn for ever where a manifest was put at the end of all places', async () => {
    const { backend, keys } = memoryBackend();
    const store = new Store(backend);
    const { manifest } = await store.seal(draft(), unsealed);
    const forged = { ...manifest, sequence: 99_999_999 };
    keys.set(manifestKey(99_999_999), formatManifest(forged).bytes);
    await expect(store.seal(draft(), unsealed)).rejects.toMatchObject({ code: 'IntegrityBroken' });
  });

  it('does not turn for ever on a backend that does not list what it holds', async () => {
    const { backend } = memoryBackend();
    const store = new Store({ ...backend, list: async () => [] });
    await store.seal(draft(), unsealed);
    await expect(store.seal(draft(), unsealed)).rejects.toMatchObject({ code: 'IntegrityBroken' });
  });

  it('seals nothing that it could not read back', async () => {
    const { backend, keys } = memoryBackend();
    const broken = draft({ started_at: '+010000-01-01T00:00:00.000Z' });
    await expect(new Store(backend).seal(broken, unsealed)).rejects.toMatchObject({
      code: 'StoreUnavailable',
    });
    expect([...keys.keys()].filter((key) => key.startsWith('bundles/'))).toEqual([]);
  });
});
