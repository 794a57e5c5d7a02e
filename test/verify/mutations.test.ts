/** Nothing can be changed unseen: every byte, every file, every place in the chain. */
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { manifestKey, signatureKey } from '../../src/seal/manifest.ts';
import { readChunks } from '../../src/store/lists.ts';
import { objectKey } from '../../src/store/objects.ts';
import type { FindingCode } from '../../src/verify/finding.ts';
import {
  copyOf,
  fileOf,
  newSigner,
  type SealedNights,
  sealedNights,
} from '../support/sealed-nights.ts';
import { findingsOf, findingsWhile, firstBreak } from './findings.ts';

const signer = newSigner();
const sealing = () => ({ signer, authorities: [] });
const sixty = Array.from({ length: 60 }, (_, index) => index + 1);

let nights: SealedNights;
let few: SealedNights;
beforeAll(async () => {
  nights = await sealedNights({ sealing });
  few = await sealedNights({ bundles: 8, sample: 5, sealing });
});

const held = ({ bundles }: SealedNights) => ({
  heads: [{ sequence: bundles.length, digest: bundles.at(-1)?.digest ?? '' }],
  keys: [signer.publicKey],
});
const ofChain: FindingCode[] = ['MissingBundle', 'ChainBroken', 'HeadMismatch'];

/** The same file with one byte changed. */
function changed(bytes: Buffer, at: number, mask: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}

/** For what goes through every byte, on a machine that has other things to do. */
const longMs = 120_000;

describe('a byte of a manifest', () => {
  let lean: SealedNights;
  // Little in each, since each byte costs a pass over all of them.
  beforeAll(async () => {
    lean = await sealedNights({
      sealing,
      alter: (draft) => ({
        ...draft,
        kind: 'collect',
        evidence_of: null,
        controls: draft.controls.slice(0, 1),
        sources: [],
        slices: draft.slices.slice(-1),
        results: null,
      }),
    });
  });

  // Every second one at once: none may hide another, and its neighbours are as they were.
  it.each([0, 1])(
    'is pinned by the chain and its head, at every place (%i)',
    async (parity) => {
      const meant = sixty.filter((sequence) => sequence % 2 === parity);
      const longest = Math.max(...meant.map((each) => fileOf(lean.keys, manifestKey(each)).length));
      const { backend, keys } = copyOf(lean);
      for (let at = 0; at < longest; at += 1) {
        const touched: number[] = [];
        for (const sequence of meant) {
          const file = fileOf(lean.keys, manifestKey(sequence));
          if (at < file.length) touched.push(sequence);
          const mask = 1 << ((at + sequence) % 8);
          keys.set(manifestKey(sequence), at < file.length ? changed(file, at, mask) : file);
        }
        const findings = await findingsWhile(backend, held(lean), ofChain);
        const told = new Set(findings.flatMap(({ bundles }) => bundles));
        const unseen = touched.filter((sequence) => !told.has(sequence));
        if (unseen.length > 0) expect({ at, unseen }).toBeUndefined();
      }
    },
    longMs,
  );
});

describe('a byte of a signature', () => {
  it(
    'is seen at every place',
    async () => {
      const { backend, keys } = copyOf(nights);
      const files = nights.bundles.map(({ digest }) => signatureKey(digest));
      for (let at = 0; at < 72; at += 1) {
        const touched = files.filter((key) => at < fileOf(nights.keys, key).length);
        for (const key of files) {
          const file = fileOf(nights.keys, key);
          keys.set(key, at < file.length ? changed(file, at, 1 << (at % 8)) : file);
        }
        const findings = await findingsWhile(backend, { heads: held(nights).heads }, [
          'BadSignature',
        ]);
        expect(findings.map(({ where }) => where)).toEqual(touched);
      }
    },
    longMs,
  );

  it('behind its end is seen', async () => {
    const { backend, keys } = copyOf(few);
    const key = signatureKey(few.bundles[2]?.digest ?? '');
    keys.set(key, Buffer.concat([fileOf(keys, key), Buffer.from([0])]));
    expect(await firstBreak(backend)).toMatchObject({ code: 'BadSignature', where: key });
  });
});

describe('a byte of an object', () => {
  const objectsOf = (keys: Map<string, Buffer>) =>
    [...keys.keys()].filter((key) => key.startsWith('objects/'));
  /** What names other objects: damaged, it hides them. */
  const isIndex = (key: string) =>
    /^\{"base"|"etag"/.test(gunzipSync(fileOf(few.keys, key)).toString());

  /** Waivers, and packs of statuses and of a draw. */
  async function besideEvidence(): Promise<string[]> {
    const [, night] = few.bundles;
    const { sample } = few.bundles[4]?.manifest ?? {};
    const { results, waivers } = night?.manifest ?? {};
    if (!results || !waivers || !sample) throw new Error('night 2 is judged, 5 is a draw');
    const lists = [results.statuses, sample.population, sample.items];
    const chunks = await Promise.all(lists.map((list) => readChunks(few.backend, list)));
    return [waivers.digest, ...chunks.flat().map(({ pack }) => pack)];
  }

  const head = Array.from({ length: 10 }, (_, at) => ({ what: `head ${at}`, of: () => at }));
  const tail = Array.from({ length: 8 }, (_, back) => ({
    what: `tail ${back}`,
    of: (length: number) => length - 1 - back,
  }));
  const body = Array.from({ length: 12 }, (_, part) => ({
    what: `body ${part}`,
    of: (length: number) => 10 + Math.floor(((length - 18) * part) / 12),
  }));

  it.each([
    ['index', true],
    ['other object', false],
  ])(
    'is seen in each %s, at its head, its tail and within',
    async (_what, index) => {
      const objects = objectsOf(few.keys).filter((key) => isIndex(key) === index);
      expect(objects.length).toBeGreaterThan(10);
      for (const digest of index ? [] : await besideEvidence()) {
        expect(objects).toContain(objectKey(digest));
      }
      for (const { of } of [...head, ...tail, ...body]) {
        const { backend, keys } = copyOf(few);
        for (const key of objects) {
          const file = fileOf(few.keys, key);
          keys.set(key, changed(file, of(file.length), 0x55));
        }
        const { breaks } = await findingsOf(backend);
        const told = new Set(breaks.map(({ where }) => where));
        expect(objects.filter((key) => !told.has(key))).toEqual([]);
      }
    },
    longMs,
  );

  it('is seen before, behind and between, as a second member and as another header', async () => {
    const [key = ''] = objectsOf(few.keys).filter((each) => !isIndex(each));
    const file = fileOf(few.keys, key);
    const named = Buffer.concat([
      Buffer.from('1f8b08080000000002036100', 'hex'),
      file.subarray(10),
    ]);
    const empty = Buffer.from('1f8b080000000000020303000000000000000000', 'hex');
    const forms = {
      behind: Buffer.concat([file, Buffer.from([0])]),
      before: Buffer.concat([Buffer.from([0]), file]),
      between: Buffer.concat([file.subarray(0, -8), Buffer.from([0]), file.subarray(-8)]),
      second: Buffer.concat([file, empty]),
      named,
      time: changed(file, 4, 0x01),
      system: changed(file, 9, 0x02),
    };
    expect(gunzipSync(forms.second)).toEqual(gunzipSync(file));
    expect(gunzipSync(forms.named)).toEqual(gunzipSync(file));
    for (const [form, bytes] of Object.entries(forms)) {
      const { backend, keys } = copyOf(few);
      keys.set(key, bytes);
      const { breaks } = await findingsOf(backend);
      expect({ form, breaks }).toMatchObject({ form, breaks: [{ code: 'ObjectDamaged' }] });
    }
  });
});

describe('a file', () => {
  it(
    'that is removed is missed, whichever it is',
    async () => {
      for (const key of few.keys.keys()) {
        const { backend, keys } = copyOf(few);
        keys.delete(key);
        const found = await firstBreak(backend, held(few));
        if (found === undefined) expect(key).toBeUndefined();
      }
    },
    longMs,
  );

  it('that is a night is missed, also where those behind it take its place', async () => {
    for (const sequence of sixty) {
      const { backend, keys } = copyOf(nights);
      keys.delete(manifestKey(sequence));
      const gone = await firstBreak(backend, held(nights));
      expect(gone?.code).toBe(sequence === 60 ? 'HeadMismatch' : 'MissingBundle');
      for (let next = sequence + 1; next <= 60; next += 1) {
        keys.set(manifestKey(next - 1), fileOf(nights.keys, manifestKey(next)));
        keys.delete(manifestKey(next));
      }
      expect(await firstBreak(backend, held(nights))).toBeDefined();
      // Without a head the chain alone tells, but for the newest.
      expect((await firstBreak(backend)) === undefined).toBe(sequence === 60);
    }
  });

  it('that is exchanged for a night elsewhere is seen', async () => {
    for (const [one, two] of [
      [1, 2],
      [7, 8],
      [20, 50],
      [59, 60],
    ] as const) {
      const { backend, keys } = copyOf(nights);
      keys.set(manifestKey(one), fileOf(nights.keys, manifestKey(two)));
      keys.set(manifestKey(two), fileOf(nights.keys, manifestKey(one)));
      expect(await firstBreak(backend), `${one} and ${two}`).toBeDefined();
    }
  });
});

/** A change of one or two files. */
type Change =
  | { kind: 'byte'; file: number; at: number; mask: number }
  | { kind: 'cut'; file: number; at: number }
  | { kind: 'removal'; file: number }
  | { kind: 'exchange'; file: number; other: number }
  | { kind: 'bundle'; file: number; sequence: number };

const natural = fc.nat(1_000_000);
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant('byte' as const),
    file: natural,
    at: natural,
    mask: fc.integer({ min: 1, max: 255 }),
  }),
  fc.record({ kind: fc.constant('cut' as const), file: natural, at: natural }),
  fc.record({ kind: fc.constant('removal' as const), file: natural }),
  fc.record({ kind: fc.constant('exchange' as const), file: natural, other: natural }),
  fc.record({
    kind: fc.constant('bundle' as const),
    file: natural,
    sequence: fc.integer({ min: 1, max: 99_999_999 }),
  }),
);

/** Carries a change out. @returns whether any file holds something else than before. */
function carryOut(keys: Map<string, Buffer>, change: Change): boolean {
  const names = [...keys.keys()];
  const nameOf = (file: number) => names[file % names.length] ?? '';
  const key = nameOf(change.file);
  const bytes = fileOf(keys, key);
  const set = (name: string, file: Buffer) => {
    const before = keys.get(name);
    keys.set(name, file);
    return before === undefined || !before.equals(file);
  };
  switch (change.kind) {
    case 'byte': {
      const damaged = changed(bytes, change.at % bytes.length, change.mask);
      set(key, damaged);
      // What DEFLATE leaves open and a name of an operating system change no content.
      return !(key.startsWith('objects/') && contentOf(damaged)?.equals(gunzipSync(bytes)));
    }
    case 'cut':
      return set(key, bytes.subarray(0, change.at % bytes.length));
    case 'removal':
      return keys.delete(key);
    case 'exchange': {
      const other = nameOf(change.other);
      const there = fileOf(keys, other);
      keys.set(other, bytes);
      return set(key, there);
    }
    case 'bundle':
      return set(manifestKey(change.sequence), bytes);
  }
}

function contentOf(file: Buffer): Buffer | undefined {
  try {
    return gunzipSync(file);
  } catch {
    return undefined;
  }
}

describe('any single change', () => {
  it(
    'is found, unless it changes nothing that is sealed',
    async () => {
      await fc.assert(
        fc.asyncProperty(anyChange, async (change) => {
          const { backend, keys } = copyOf(few);
          if (!carryOut(keys, change)) return;
          expect(await firstBreak(backend, held(few))).toBeDefined();
        }),
        { numRuns: 300 },
      );
    },
    longMs,
  );

  it('leaves the store clean where it only adds what no manifest names', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('bundles', 'seals', 'objects/ab'),
        fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/),
        fc.uint8Array({ maxLength: 40 }),
        async (folder, name, bytes) => {
          const { backend, keys } = copyOf(few);
          keys.set(`${folder}/${name}`, Buffer.from(bytes));
          const { breaks, notes } = await findingsOf(backend, held(few));
          expect(breaks).toEqual([]);
          expect(notes.map(({ code }) => code)).toContain('UnknownFile');
        },
      ),
      { numRuns: 20 },
    );
  });
});
