/** What a manifest names beside its evidence and results: statuses, waivers, what was drawn. */
import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson, sha256 } from '../../src/evidence/json.ts';
import type { StatusLine } from '../../src/evidence/result.ts';
import type { Manifest } from '../../src/seal/manifest.ts';
import { type Chunk, readTexts } from '../../src/store/chunks.ts';
import { readChunks, readList, type StoredList, writeList } from '../../src/store/lists.ts';
import { objectKey, readObject, writeObject } from '../../src/store/objects.ts';
import { statusKey } from '../../src/store/results.ts';
import { copyOf, rewrite, type SealedNights, sealedNights } from '../support/sealed-nights.ts';
import { findingsOf } from './findings.ts';

const sample = 4;

let nights: SealedNights;
beforeAll(async () => {
  nights = await sealedNights({ bundles: 6, sample });
});

const manifestOf = (sequence: number): Manifest => {
  const bundle = nights.bundles[sequence - 1];
  if (bundle === undefined) throw new Error(`there is no bundle ${sequence}`);
  return bundle.manifest;
};

const resultsOf = ({ results }: Manifest) => {
  if (results === null) throw new Error('there are no results');
  return results;
};

describe('the statuses of a bundle', () => {
  /** The breaks once the newest night has other statuses, in a manifest that fits them. */
  async function breaksWith(change: (lines: StatusLine[]) => StatusLine[]) {
    const { backend, keys } = copyOf(nights);
    const lines: StatusLine[] = [];
    for await (const part of readList(backend, resultsOf(manifestOf(6)).statuses)) {
      lines.push(...(part as StatusLine[]));
    }
    const statuses = await writeList(backend, change(lines), statusKey, { cut: 'fine' });
    await rewrite(keys, 6, (manifest) => ({
      ...manifest,
      results: { ...resultsOf(manifest), statuses },
    }));
    const { breaks } = await findingsOf(backend);
    return breaks.map(({ code, bundles }) => ({ code, bundles }));
  }

  const failing = ({ statuses }: StatusLine) => Object.values(statuses).includes('fail');
  const passed = (line: StatusLine): StatusLine => ({ ...line, statuses: { 'users-mfa': 'pass' } });

  it('are clean where nothing is changed', async () => {
    expect(await breaksWith((lines) => lines)).toEqual([]);
  });

  it.each<[string, (lines: StatusLine[]) => StatusLine[]]>([
    [
      'a fail that reads pass',
      (lines) => lines.map((each) => (failing(each) ? passed(each) : each)),
    ],
    ['a resource less', (lines) => lines.slice(1)],
    ['none at all', () => []],
    ['a resource more', (lines) => [...lines, { ...(lines.at(-1) as StatusLine), uid: 'z' }]],
    ['another name', (lines) => lines.map((each) => ({ ...each, name: 'somebody' }))],
    [
      'a test more',
      (lines) =>
        lines.map((each) => ({ ...each, statuses: { ...each.statuses, 'other-test': 'pass' } })),
    ],
    [
      'two resources that changed places',
      ([first, second, ...more]) =>
        first === undefined || second === undefined
          ? more
          : [
              { ...first, statuses: second.statuses },
              { ...second, statuses: first.statuses },
              ...more,
            ],
    ],
  ])('with %s are not those of the results', async (_what, change) => {
    expect(await breaksWith(change)).toEqual([{ code: 'StatusesDisagree', bundles: [6] }]);
  });

  it.each<[string, (lines: StatusLine[]) => object[]]>([
    ['in another order', (lines) => lines.reverse()],
    ['with a line twice', (lines) => lines.flatMap((each) => [each, each])],
    ['with a line without any', (lines) => [...lines, { ...lines.at(-1), uid: 'z', statuses: {} }]],
    ['of no test', (lines) => [...lines, { ...lines.at(-1), uid: 'z', statuses: { '': 'pass' } }]],
    ['with a key more', (lines) => lines.map((each) => ({ ...each, reason: 'so' }))],
    [
      'with a status that there is not',
      (lines) => lines.map((each) => ({ ...each, statuses: { 'users-mfa': 'fine' } })),
    ],
  ])('%s are a broken list', async (_what, change) => {
    expect(await breaksWith((lines) => change(lines) as StatusLine[])).toEqual([
      { code: 'ListBroken', bundles: [6] },
    ]);
  });
});

describe('the packs of a list', () => {
  /** The breaks once the newest night's statuses lie where an index of its own says. */
  async function breaksWhere(
    forge: (
      chunks: readonly Chunk[],
      texts: readonly Buffer[],
    ) => { chunks: unknown; pack: Buffer },
  ) {
    const { backend, keys } = copyOf(nights);
    const list = resultsOf(manifestOf(6)).statuses;
    const known = await readChunks(backend, list);
    const texts = new Map<string, Buffer>();
    await readTexts(backend, known, ({ digest }, text) => texts.set(digest, text));
    const all = known.map(({ digest }) => texts.get(digest) as Buffer);
    const { chunks, pack } = forge(known, all);
    const packs = [await writeObject(backend, pack)];
    const index = Buffer.from(canonicalJson({ base: null, chunks, packs }));
    const statuses = { ...list, chunks: await writeObject(backend, index) };
    await rewrite(keys, 6, (manifest) => ({
      ...manifest,
      results: { ...resultsOf(manifest), statuses },
    }));
    const { breaks } = await findingsOf(backend);
    return breaks.map(({ code, bundles, where }) => ({
      ...{ code, bundles },
      isPack: where === objectKey(packs[0] ?? ''),
    }));
  }
  const entriesOf = (chunks: readonly Chunk[]) =>
    chunks.map(({ digest, count, bytes }) => [digest, count, bytes]);
  const secret = Buffer.from('"told to nobody"\n');

  it('are clean where they hold what the index says, wherever that is', async () => {
    const whole = await breaksWhere((chunks, texts) => ({
      chunks: entriesOf(chunks),
      pack: Buffer.concat(texts),
    }));
    expect(whole).toEqual([]);
    const turned = await breaksWhere((chunks, texts) => {
      let end = texts.reduce((sum, { length }) => sum + length, 0);
      return {
        chunks: chunks.map(({ digest, count, bytes }) => {
          end -= bytes;
          return [digest, count, bytes, 0, end];
        }),
        pack: Buffer.concat(texts.toReversed()),
      };
    });
    expect(turned).toEqual([]);
  });

  it.each<[string, (texts: readonly Buffer[]) => Buffer[], number]>([
    ['behind', (texts) => [...texts, secret], 0],
    ['before', (texts) => [secret, ...texts], secret.length],
  ])('have no text %s the chunks that no index names', async (_where, made, offset) => {
    const breaks = await breaksWhere((chunks, texts) => {
      const [first = [], ...rest] = entriesOf(chunks);
      return { chunks: [[...first, 0, offset], ...rest], pack: Buffer.concat(made(texts)) };
    });
    expect(breaks).toEqual([{ code: 'ListBroken', bundles: [6], isPack: true }]);
  });

  it('are not what an index says of a wrong place, size or number of lines', async () => {
    const place = (digest = '', count = 0, bytes = 0, at = 0) => [digest, count, bytes, 0, at];
    for (const wrong of [
      ({ digest, count, bytes }: Chunk) => place(digest, count, bytes, 1),
      ({ digest, count, bytes }: Chunk) => place(digest, count, bytes, 1_000_000),
      ({ digest, count, bytes }: Chunk) => place(digest, count, bytes - 1),
      ({ digest, count, bytes }: Chunk) => place(digest, count, bytes + 1),
    ]) {
      const breaks = await breaksWhere((chunks, texts) => ({
        chunks: [
          wrong(chunks[0] as Chunk),
          ...chunks.slice(1).map(({ digest, count, bytes }, index) => {
            const before = texts.slice(0, index + 1);
            return place(
              digest,
              count,
              bytes,
              before.reduce((sum, { length }) => sum + length, 0),
            );
          }),
        ],
        pack: Buffer.concat(texts),
      }));
      expect(breaks).toEqual([{ code: 'ListBroken', bundles: [6], isPack: false }]);
    }
    const counts = await breaksWhere((chunks, texts) => {
      const [first, second, ...rest] = entriesOf(chunks);
      const [a, b] = [first?.[1] as number, second?.[1] as number];
      return {
        chunks: [[first?.[0], a + 1, first?.[2]], [second?.[0], b - 1, second?.[2]], ...rest],
        pack: Buffer.concat(texts),
      };
    });
    expect(counts).toEqual([{ code: 'ListBroken', bundles: [6], isPack: false }]);
  });

  it('are not cut otherwise by a later night', async () => {
    const { backend, keys } = copyOf(nights);
    // What nights 5 and 6 share, each line a chunk of its own.
    const chunks: [digest: string, ...unknown[]][] = [];
    const packs: string[] = [];
    const statuses = resultsOf(manifestOf(6)).statuses;
    for (const { pack, offset, bytes } of await readChunks(backend, statuses)) {
      if (!packs.includes(pack)) packs.push(pack);
      const text = (await readObject(backend, pack)).subarray(offset, offset + bytes).toString();
      let at = offset;
      for (const line of text.split(/(?<=\n)/)) {
        chunks.push([sha256(line), 1, line.length, packs.indexOf(pack), at]);
        at += line.length;
      }
    }
    const index = Buffer.from(canonicalJson({ base: null, chunks, packs }));
    const list = {
      count: chunks.length,
      digest: sha256(chunks.map(([digest]) => `${digest}\n`).join('')),
      chunks: await writeObject(backend, index),
    };
    await rewrite(keys, 6, (manifest) => ({
      ...manifest,
      results: { ...resultsOf(manifest), statuses: list },
    }));
    const { breaks } = await findingsOf(backend);
    expect(new Set(breaks.map(({ code }) => code))).toEqual(new Set(['ListBroken']));
    expect(breaks.every(({ message }) => message.includes('overlap'))).toBe(true);
  });
});

describe('a missing object', () => {
  async function breaksWithout(digest: string) {
    const { backend, keys } = copyOf(nights);
    expect(keys.delete(objectKey(digest))).toBe(true);
    const { breaks } = await findingsOf(backend);
    return breaks.map(({ code, where, bundles }) => ({ code, where, bundles }));
  }
  const missing = (digest: string, bundles: number[]) => [
    { code: 'ObjectMissing', where: objectKey(digest), bundles },
  ];

  it('that holds the waivers is missed in every bundle that names them', async () => {
    const digest = manifestOf(1).waivers?.digest ?? '';
    expect(await breaksWithout(digest)).toEqual(missing(digest, [1, 2, 3, 4, 5, 6]));
  });

  it.each(['population', 'items'] as const)('of the %s of a sample is missed', async (name) => {
    const list = manifestOf(sample).sample?.[name] as StoredList;
    expect(await breaksWithout(list.chunks ?? '')).toEqual(missing(list.chunks ?? '', [sample]));
    const [chunk] = await readChunks(nights.backend, list);
    expect(await breaksWithout(chunk?.pack ?? '')).toEqual(missing(chunk?.pack ?? '', [sample]));
  });

  it('of the statuses is missed in every night that shares it', async () => {
    const chunks = await readChunks(nights.backend, manifestOf(6).results?.statuses as StoredList);
    const pack = (which: number) => chunks.at(which)?.pack ?? '';
    // The event stands first and is the night's own; the users are as they were.
    expect(await breaksWithout(pack(0))).toEqual(missing(pack(0), [6]));
    expect(await breaksWithout(pack(-1))).toEqual(missing(pack(-1), [2, 3, 5, 6]));
  });
});

it('counts the lists of statuses and of a draw', async () => {
  const { verified } = await findingsOf(nights.backend);
  // Of the backfill two connections, a slice with its calls, results and statuses; of each of four
  // nights a slice more; two of the draw.
  expect(verified.lists).toBe(6 + 4 * 8 + 2);
});
