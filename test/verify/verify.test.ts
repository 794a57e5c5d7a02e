import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import { type Manifest, manifestKey, signatureKey, tokenKey } from '../../src/seal/manifest.ts';
import type { Backend } from '../../src/store/backend.ts';
import { objectKey } from '../../src/store/objects.ts';
import { Store } from '../../src/store/store.ts';
import {
  type Authority,
  opensslAvailable,
  opensslMissing,
  startAuthority,
} from '../support/authority.ts';
import {
  copyOf,
  fileOf,
  newSigner,
  rewrite,
  type SealedNights,
  sealedNights,
  tokenAt,
} from '../support/sealed-nights.ts';
import { findingsOf } from './findings.ts';

const signer = newSigner();
const attacker = newSigner('attacker');

let plain: SealedNights;
let signed: SealedNights;
beforeAll(async () => {
  plain = await sealedNights();
  signed = await sealedNights({ sealing: () => ({ signer, authorities: [] }) });
});

const headOf = ({ bundles }: SealedNights, sequence = bundles.length) => ({
  sequence,
  digest: bundles[sequence - 1]?.digest ?? '',
});
const codesOf = (findings: { code: string }[]) => findings.map(({ code }) => code);

describe('a clean store', () => {
  it('that nobody signed or stamped gives the notes that say so, and nothing else', async () => {
    const { breaks, notes, verified } = await findingsOf(plain.backend);
    expect(breaks).toEqual([]);
    expect(codesOf(notes)).toEqual(['HeadNotGiven', 'Unsigned', 'NoTimestamp']);
    expect(verified).toMatchObject({
      bundles: 60,
      from: '2026-01-01T02:00:00.000Z',
      to: '2026-03-01T02:00:00.000Z',
      head: headOf(plain),
      keys: [],
      stamped: { bundles: 0, first: null, last: null },
    });
    const objects = [...plain.keys.keys()].filter((key) => key.startsWith('objects/'));
    expect(verified.objects).toBe(objects.length);
    const rows = plain.bundles.map(({ manifest }) => manifest.results?.list.count ?? 0);
    expect(verified.results).toBe(rows.reduce((sum, each) => sum + each, 0));
  });

  it('that is signed gives nothing but that nobody stamped it', async () => {
    const { breaks, notes, verified } = await findingsOf(signed.backend, {
      heads: [headOf(signed), headOf(signed, 7), { digest: headOf(signed, 9).digest }],
      keys: [signer.publicKey],
      requireSignature: true,
    });
    expect(breaks).toEqual([]);
    expect(codesOf(notes)).toEqual(['NoTimestamp']);
    expect(verified.keys).toEqual([{ fingerprint: signer.publicKey.fingerprint, bundles: 60 }]);
  });

  it('that was signed from some night on notes what came before', async () => {
    const { backend } = await sealedNights({
      bundles: 8,
      sealing: (sequence) => ({ signer: sequence < 5 ? undefined : signer, authorities: [] }),
    });
    const { breaks, notes } = await findingsOf(backend, { keys: [signer.publicKey] });
    expect(breaks).toEqual([]);
    expect(notes.find(({ code }) => code === 'Unsigned')?.bundles).toEqual([1, 2, 3, 4]);
    const required = await findingsOf(backend, { requireSignature: true });
    expect(required.breaks).toMatchObject([{ code: 'Unsigned', bundles: [1, 2, 3, 4] }]);
  });

  it('is not believed for a key that signed nothing', async () => {
    const { breaks } = await findingsOf(plain.backend, { keys: [signer.publicKey] });
    expect(codesOf(breaks)).toEqual(['Unsigned']);
  });

  it('reads each object once', async () => {
    const read = new Map<string, number>();
    const backend: Backend = {
      ...signed.backend,
      read: (key) => {
        read.set(key, (read.get(key) ?? 0) + 1);
        return signed.backend.read(key);
      },
    };
    await findingsOf(backend);
    const often = [...read].filter(([key, times]) => key.startsWith('objects/') && times > 1);
    expect(often.map(([key]) => key)).toEqual([]);
    expect(read.size).toBeGreaterThan(500);
  });

  it('writes nothing', async () => {
    const refuse = async (): Promise<never> => {
      throw new Error('a verification writes');
    };
    const { backend } = signed;
    const { breaks } = await findingsOf({
      ...backend,
      create: refuse,
      renew: refuse,
      remove: refuse,
    });
    expect(breaks).toEqual([]);
  });

  it('ends where it is asked to', async () => {
    const stop = new AbortController();
    const onProgress = ({ objects }: { objects: number }) => void (objects > 50 && stop.abort());
    const verification = findingsOf(signed.backend, { signal: stop.signal, onProgress });
    await expect(verification).rejects.toMatchObject({ code: 'Interrupted' });
  });

  it('that cannot be read proves nothing', async () => {
    const backend: Backend = {
      ...signed.backend,
      read: async (key) => {
        if (key.startsWith('objects/')) throw new Error('the disk is gone');
        return signed.backend.read(key);
      },
    };
    await expect(findingsOf(backend)).rejects.toThrow('the disk is gone');
  });
});

describe('whoever can write the store, and has no key', () => {
  /** Says that the failures of night 20 were passes, and makes everything behind it anew. */
  const lie = (manifest: Manifest): Manifest => {
    const { results } = manifest;
    if (manifest.sequence !== 20 || results === null) return manifest;
    return { ...manifest, organization: 'Acme, Ltd.' };
  };

  it('is not seen in an unsigned store without a head, and is with any later one', async () => {
    const { backend, keys } = copyOf(plain);
    await rewrite(keys, 20, lie);
    expect((await findingsOf(backend)).breaks).toEqual([]);
    for (const sequence of [20, 33, 60]) {
      const { breaks } = await findingsOf(backend, { heads: [headOf(plain, sequence)] });
      expect(breaks).toMatchObject([{ code: 'HeadMismatch', bundles: [sequence] }]);
    }
    expect((await findingsOf(backend, { heads: [headOf(plain, 19)] })).breaks).toEqual([]);
  });

  it('has no signature over what it wrote', async () => {
    const { backend, keys } = copyOf(signed);
    await rewrite(keys, 20, lie);
    const { breaks } = await findingsOf(backend);
    expect(breaks).toHaveLength(41);
    expect(new Set(codesOf(breaks))).toEqual(new Set(['SignatureMissing']));
  });

  it('is seen by the key where it signs everything with another', async () => {
    const { backend, keys } = copyOf(signed);
    const { fingerprint, der } = attacker.publicKey;
    await new Store(backend).writeBytes(der);
    await rewrite(
      keys,
      1,
      (manifest) => ({
        ...lie(manifest),
        signature: {
          key: fingerprint,
          previous_key: manifest.sequence === 1 ? null : fingerprint,
          signers: [fingerprint],
        },
      }),
      attacker,
    );
    expect((await findingsOf(backend)).breaks).toEqual([]);
    const { breaks } = await findingsOf(backend, { keys: [signer.publicKey.fingerprint] });
    expect(breaks).toMatchObject([{ code: 'KeyNotTrusted' }]);
    expect(breaks[0]?.bundles).toHaveLength(60);
  });

  it('is seen by the key where it takes all signatures away', async () => {
    const { backend, keys } = copyOf(signed);
    await rewrite(keys, 1, (manifest) => ({ ...lie(manifest), signature: null }));
    for (const options of [{ keys: [signer.publicKey] }, { requireSignature: true }]) {
      const { breaks } = await findingsOf(backend, options);
      expect(codesOf(breaks)).toEqual(['Unsigned']);
    }
  });

  it('cannot take signatures away behind signed nights', async () => {
    const { backend, keys } = copyOf(signed);
    await rewrite(keys, 20, (manifest) => ({ ...lie(manifest), signature: null }));
    const { breaks } = await findingsOf(backend);
    expect(codesOf(breaks)).toEqual(['Unsigned']);
    expect(breaks[0]?.bundles[0]).toBe(20);
  });

  it('cuts the newest nights off unseen without a head, and not with one', async () => {
    const { backend, keys } = copyOf(signed);
    for (let sequence = 55; sequence <= 60; sequence += 1) {
      keys.delete(manifestKey(sequence));
      keys.delete(signatureKey(headOf(signed, sequence).digest));
    }
    expect((await findingsOf(backend, { keys: [signer.publicKey] })).breaks).toEqual([]);
    const { breaks } = await findingsOf(backend, { heads: [headOf(signed)] });
    expect(breaks).toMatchObject([{ code: 'HeadMismatch', bundles: [60] }]);
    expect(breaks[0]?.message).toContain('ends with bundle 54');
  });

  it('leaves a trace where it forgets the seals of what it cut off', async () => {
    const { backend, keys } = copyOf(signed);
    keys.delete(manifestKey(60));
    const { notes } = await findingsOf(backend, { keys: [signer.publicKey] });
    const seal = signatureKey(headOf(signed).digest);
    expect(notes.filter(({ code }) => code === 'Leftover')).toContainEqual(
      expect.objectContaining({ where: seal }),
    );
  });

  it('cannot hide one damage behind another', async () => {
    const { backend, keys } = copyOf(signed);
    keys.set(manifestKey(10), Buffer.from('{'));
    keys.set(manifestKey(12), Buffer.from('[]'));
    keys.set(manifestKey(14), Buffer.from('{"previous":'.repeat(50_000)));
    const kept = signed.bundles[29]?.manifest.slices[1]?.kept ?? '';
    keys.delete(objectKey(kept));
    keys.delete(signatureKey(headOf(signed, 40).digest));
    const { breaks } = await findingsOf(backend, { heads: [headOf(signed)] });
    expect(breaks.map(({ code, bundles }) => `${code} ${bundles.join()}`)).toEqual([
      'ChainBroken 10',
      'ChainBroken 12',
      'ChainBroken 14',
      'DamagedManifest 10',
      'DamagedManifest 12',
      'DamagedManifest 14',
      'SignatureMissing 40',
      'ObjectMissing 30',
    ]);
  });

  it('cannot make it count a hole of a hundred million bundles', async () => {
    const { backend, keys } = copyOf(plain);
    keys.set(manifestKey(99_999_999), fileOf(keys, manifestKey(60)));
    const { breaks } = await findingsOf(backend);
    expect(breaks[0]).toMatchObject({ code: 'MissingBundle', bundles: [61, 99_999_998] });
  });
});

describe.skipIf(!opensslAvailable)(`a stamped store${opensslMissing}`, () => {
  let authority: Authority;
  let stamped: SealedNights;
  beforeAll(async () => {
    authority = await startAuthority();
    stamped = await sealedNights({
      bundles: 14,
      sealing: (sequence) => ({
        signer,
        // The token of the night covers its backfill.
        authorities: sequence === 1 ? [] : [authority.url],
      }),
      sealed: async ({ manifest, digest }, store) => {
        if (manifest.sequence === 1) return;
        const time = new Date(Date.parse(manifest.finished_at) + 3_000);
        await store.keepToken(digest, await tokenAt(authority, digest, time));
      },
    });
  });
  afterAll(() => authority.close());

  const held = () => ({
    heads: [headOf(stamped)],
    keys: [signer.publicKey],
    roots: [authority.caPem],
    requireSignature: true,
    requireTimestamp: true,
  });

  it('of which all is held gives no finding at all', async () => {
    const { breaks, notes, verified } = await findingsOf(stamped.backend, held());
    expect([...breaks, ...notes]).toEqual([]);
    expect(verified.stamped).toMatchObject({
      bundles: 13,
      first: '2026-01-02T02:00:12.000Z',
      last: '2026-01-14T02:00:12.000Z',
    });
    expect(verified.stamped.authorities).toHaveLength(1);
  });

  it('is not believed with the root of another authority', async () => {
    const other = await startAuthority();
    try {
      const { breaks } = await findingsOf(stamped.backend, { roots: [other.caPem] });
      expect(new Set(codesOf(breaks))).toEqual(new Set(['BadToken']));
      expect(breaks).toHaveLength(13);
    } finally {
      await other.close();
    }
  });

  it('says so where roots are no certificates', async () => {
    const verification = findingsOf(stamped.backend, { roots: ['no certificate'] });
    await expect(verification).rejects.toMatchObject({ code: 'Usage' });
  });

  it('tells by the tokens that it was made anew, whoever signed', async () => {
    const { backend, keys } = copyOf(stamped);
    const forge = (manifest: Manifest): Manifest =>
      manifest.sequence < 6 ? manifest : { ...manifest, organization: 'Acme, Ltd.' };
    await rewrite(keys, 6, forge, signer);
    // The tokens of before are for other bytes, and what told of them still does.
    const { breaks } = await findingsOf(backend, { roots: [authority.caPem] });
    expect(new Set(codesOf(breaks))).toEqual(new Set(['TokenMissing']));
    // Put under the new names they do not fit.
    for (let sequence = 6; sequence <= 14; sequence += 1) {
      const digest = sha256(fileOf(keys, manifestKey(sequence)));
      keys.set(tokenKey(digest), fileOf(keys, tokenKey(headOf(stamped, sequence).digest)));
    }
    const moved = await findingsOf(backend, { roots: [authority.caPem] });
    expect(codesOf(moved.breaks)).toEqual(Array.from({ length: 9 }, () => 'BadToken'));
  });

  it('dates what was made anew and stamped again', async () => {
    const { backend, keys } = copyOf(stamped);
    const now = new Date('2026-06-01T00:00:00.000Z');
    const tokens = new Map<number, string>();
    for (let sequence = 6; sequence <= 14; sequence += 1) {
      await rewrite(
        keys,
        sequence,
        (manifest) => ({
          ...manifest,
          ...(manifest.sequence === 6 ? { organization: 'Acme, Ltd.' } : {}),
          timestamps: {
            ...manifest.timestamps,
            tokens: manifest.timestamps.tokens.map((each) => ({
              ...each,
              digest: tokens.get(each.sequence) ?? each.digest,
            })),
          },
        }),
        signer,
      );
      const digest = sha256(fileOf(keys, manifestKey(sequence)));
      const token = await tokenAt(authority, digest, now);
      keys.set(tokenKey(digest), token);
      tokens.set(sequence, sha256(token));
    }
    const { breaks, notes } = await findingsOf(backend, { ...held(), heads: [] });
    expect(breaks).toEqual([]);
    expect(notes.find(({ code }) => code === 'LateStamp')?.bundles).toEqual([
      6, 7, 8, 9, 10, 11, 12, 13, 14,
    ]);
  });

  it('lacks the newest token as a note, and as a break where each is required', async () => {
    const { backend, keys } = copyOf(stamped);
    keys.delete(tokenKey(headOf(stamped).digest));
    const { breaks } = await findingsOf(backend, held());
    expect(breaks).toMatchObject([{ code: 'Unstamped', bundles: [14] }]);
    const { breaks: none, notes } = await findingsOf(backend, {
      ...held(),
      requireTimestamp: false,
    });
    expect(none).toEqual([]);
    expect(codesOf(notes)).toEqual(['Unstamped']);
  });

  it('takes a token that came a night late as a note', async () => {
    const late = await sealedNights({
      bundles: 5,
      sealing: () => ({ signer, authorities: [authority.url] }),
      sealed: async (bundle, store) => {
        const { sequence, finished_at } = bundle.manifest;
        // Nothing came for the third; the run behind it asks again.
        for (const { digest, sequence: each } of await store.unstamped()) {
          if (sequence === 3 && each === 3) continue;
          const time = new Date(Date.parse(finished_at) + 3_000);
          await store.keepToken(digest, await tokenAt(authority, digest, time));
        }
      },
    });
    const { breaks, notes } = await findingsOf(late.backend, {
      heads: [headOf(late)],
      keys: [signer.publicKey],
      roots: [authority.caPem],
    });
    expect(breaks).toEqual([]);
    expect(notes).toMatchObject([{ code: 'LateStamp', bundles: [3] }]);
  });
});
