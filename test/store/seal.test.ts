/** Who may sign in a store, and what is told of tokens. */
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import { formatManifest, signatureKey, tokenKey } from '../../src/seal/manifest.ts';
import { generateKeyPair, isSignatureOf, pemSigner } from '../../src/seal/signature.ts';
import { objectKey, readObject } from '../../src/store/objects.ts';
import { Store, unsealed } from '../../src/store/store.ts';
import { draft } from '../support/bundles.ts';
import { memoryBackend } from '../support/memory-backend.ts';

const newSigner = (name: string) => pemSigner(generateKeyPair().privateKey, name);
const signedBy = (name: string) => ({ signer: newSigner(name), authorities: [] });

describe('signing', () => {
  it('signs the bytes of the manifest, and keeps the public key under its fingerprint', async () => {
    const { backend, keys } = memoryBackend();
    const { signer, authorities } = signedBy('it');
    const { manifest, digest } = await new Store(backend).seal(draft(), { signer, authorities });
    const { bytes } = formatManifest(manifest);
    const signature = keys.get(signatureKey(digest)) as Buffer;
    expect(isSignatureOf(signer.publicKey, bytes, signature)).toBe(true);
    expect(await readObject(backend, signer.publicKey.fingerprint)).toEqual(signer.publicKey.der);
    expect(manifest.signature).toEqual({
      key: signer.publicKey.fingerprint,
      previous_key: null,
      signers: [signer.publicKey.fingerprint],
    });
  });

  it('is never taken back, and refuses keys that nobody introduced', async () => {
    const { backend, keys } = memoryBackend();
    const store = new Store(backend);
    await store.seal(draft(), unsealed);
    const first = signedBy('first');
    await store.seal(draft(), first);
    const held = keys.size;
    for (const sealing of [unsealed, signedBy('stranger')]) {
      await expect(store.seal(draft(), sealing)).rejects.toMatchObject({
        code: 'InvalidConfiguration',
      });
    }
    expect(keys.size).toBe(held);
    const { manifest } = await store.seal(draft(), first);
    expect(manifest.signature?.previous_key).toBe(first.signer.publicKey.fingerprint);
  });

  it('lets a key in that one before introduced, and none that was retired', async () => {
    const { backend, keys } = memoryBackend();
    const store = new Store(backend);
    const [old, next] = [signedBy('old'), signedBy('next')];
    const fingerprints = [old, next].map(({ signer }) => signer.publicKey.fingerprint);
    await store.seal(draft(), old);
    const introduced = await store.seal(draft({ kind: 'keys' }), {
      ...old,
      introduce: next.signer.publicKey,
    });
    expect(introduced.manifest.signature?.signers).toEqual(fingerprints);
    expect(keys.has(objectKey(next.signer.publicKey.fingerprint))).toBe(true);
    // Both may sign until one is retired: several jobs change over one by one.
    await store.seal(draft(), next);
    await store.seal(draft(), old);
    await store.seal(draft({ kind: 'keys' }), { ...next, retire: fingerprints[0] as string });
    await expect(store.seal(draft(), old)).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    expect((await store.seal(draft(), next)).manifest.signature?.signers).toEqual([
      fingerprints[1],
    ]);
  });

  it('begins anew where every key is lost, and says so in the bundle', async () => {
    const store = new Store(memoryBackend().backend);
    const [lost, found] = [signedBy('lost'), signedBy('found')];
    await store.seal(draft(), lost);
    const { manifest } = await store.seal(draft({ kind: 'keys' }), { ...found, anew: true });
    expect(manifest.signature).toEqual({
      key: found.signer.publicKey.fingerprint,
      previous_key: lost.signer.publicKey.fingerprint,
      signers: [found.signer.publicKey.fingerprint],
    });
  });

  it('leaves no manifest without its signature, whoever loses a race', async () => {
    const { backend, keys } = memoryBackend();
    const sealing = signedBy('all');
    await Promise.all(Array.from({ length: 8 }, () => new Store(backend).seal(draft(), sealing)));
    for await (const { manifest, digest } of new Store(backend).bundles()) {
      const signature = keys.get(signatureKey(digest)) as Buffer;
      const { bytes } = formatManifest(manifest);
      expect(isSignatureOf(sealing.signer.publicKey, bytes, signature)).toBe(true);
    }
  });
});

describe('tokens', () => {
  const stamped = { authorities: ['https://tsa.example/'] };
  const token = Buffer.from('a token');

  it('are told of once, by the next bundle after they came', async () => {
    const store = new Store(memoryBackend().backend);
    const first = await store.seal(draft(), stamped);
    await store.keepToken(first.digest, token);
    const second = await store.seal(draft(), stamped);
    expect(second.manifest.timestamps).toEqual({
      ...stamped,
      tokens: [{ sequence: 1, digest: sha256(token) }],
      missing: [],
    });
    await store.keepToken(second.digest, token);
    const third = await store.seal(draft(), stamped);
    expect(third.manifest.timestamps.tokens.map(({ sequence }) => sequence)).toEqual([2]);
  });

  it('that are missing are told of until they come, however late', async () => {
    const store = new Store(memoryBackend().backend);
    const first = await store.seal(draft(), stamped);
    await store.seal(draft(), unsealed);
    const third = await store.seal(draft(), stamped);
    expect(third.manifest.timestamps.missing).toEqual([1]);
    expect((await store.unstamped()).map(({ sequence }) => sequence)).toEqual([3, 1]);
    await store.keepToken(first.digest, token);
    expect((await store.unstamped()).map(({ sequence }) => sequence)).toEqual([3]);
    const { manifest } = await store.seal(draft(), stamped);
    expect(manifest.timestamps).toMatchObject({ missing: [3], tokens: [{ sequence: 1 }] });
  });

  it('are kept as they came first', async () => {
    const { backend, keys } = memoryBackend();
    const store = new Store(backend);
    const { digest } = await store.seal(draft(), stamped);
    await store.keepToken(digest, token);
    await store.keepToken(digest, Buffer.from('another'));
    expect(keys.get(tokenKey(digest))).toEqual(token);
  });
});
