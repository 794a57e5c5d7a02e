import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { judgeSlices, readSlices } from '../../src/evaluate/judge.ts';
import { canonicalJson } from '../../src/evidence/json.ts';
import { type Judged, noCounts, type Result, type StatusLine } from '../../src/evidence/result.ts';
import type { EvidenceRecord, Slice } from '../../src/evidence/slice.ts';
import {
  type Bundle,
  formatManifest,
  type Manifest,
  manifestKey,
} from '../../src/seal/manifest.ts';
import { readChunks, readList, type StoredList, writeList } from '../../src/store/lists.ts';
import { objectKey, writeObject } from '../../src/store/objects.ts';
import { readResults, statusKey, writeResults } from '../../src/store/results.ts';
import { Store, unsealed } from '../../src/store/store.ts';
import { type Reperformed, reperform, reperformAll } from '../../src/verify/reperform.ts';
import { type KnownDataset, openControls } from '../../src/verify/sealed-controls.ts';
import { draft, slice } from '../support/bundles.ts';
import { memoryBackend } from '../support/memory-backend.ts';

const dataset = (name: string, fields: z.ZodObject, kind: 'snapshot' | 'events' = 'snapshot') => ({
  name,
  fields,
  kind,
  version: 1,
});
const boxes = dataset(
  'depot.boxes',
  z.object({
    shelf: z.string().describe('Where it stands'),
    opened_at: z.iso.datetime().describe('When it was opened last'),
  }),
);
const shelves = dataset('depot.shelves', z.object({ safe: z.boolean().describe('Safe') }));
const moves = dataset(
  'depot.moves',
  z.object({ signed: z.boolean().describe('Signed') }),
  'events',
);
const labels = dataset('press.labels', z.object({ legible: z.boolean().describe('Legible') }));

const known = (...datasets: KnownDataset[]) => new Map(datasets.map((each) => [each.name, each]));
const all = known(boxes, shelves, moves, labels);

const control = (id: string, tests: string) => `id: "${id}"
title: Control ${id}
statement: It is so.
criteria: { soc2: ["CC6.1"] }
category: security
owner: Nobody
frequency: daily
tests:
${tests}`;
const test = (id: string, over: string, expression: string, more = '') => `
  - id: ${id}
    title: It holds
    over: ${over}
    as: it
    expect: ${expression}
    message: "{{ ${expression} ? 'holds' : 'does not hold' }}"
    remediation: Mend it.
${more}`;

const files = {
  'BX-01': control(
    'BX-01',
    test(
      'box-age',
      'depot.boxes',
      "now - it.opened_at < duration(string(params.days * 24) + 'h')",
      '    parameters: { days: { default: 30, description: Days. } }\n',
    ) +
      test(
        'box-shelf',
        'depot.boxes',
        'shelf.exists(each, each.safe)',
        '    lookups: { shelf: { in: depot.shelves, key: uid, equals: it.shelf } }\n',
      ),
  ),
  'LB-01': control('LB-01', test('label-legible', 'press.labels', 'it.legible')),
  'MN-01': control('MN-01', '  []').replace('tests:\n  []', 'tests: []'),
  'MV-01': control('MV-01', test('move-signed', 'depot.moves', 'it.signed')),
};

const record = (uid: string, fields: EvidenceRecord['fields']): EvidenceRecord => ({
  uid,
  name: `name of ${uid}`,
  fields,
  original: { uid },
  calls: [],
});
const numbered = (prefix: string, count: number, fields: (n: number) => EvidenceRecord['fields']) =>
  Array.from({ length: count }, (_, n) =>
    record(`${prefix}-${String(n).padStart(3, '0')}`, fields(n)),
  );
const sliceOf = ({ name, kind }: KnownDataset, over: Partial<Slice>): Slice =>
  slice({
    dataset: name,
    kind,
    source: name.startsWith('depot') ? 'main' : 'other',
    scope: 'north',
    ...(kind === 'events'
      ? {
          interval: {
            start: '2026-01-01T00:00:00Z',
            end: '2026-01-08T00:00:00Z',
            covered_since: '2026-01-01T00:00:00Z',
          },
        }
      : {}),
    ...over,
  });
const shelfSlice = sliceOf(shelves, { records: numbered('shelf', 3, (n) => ({ safe: n > 0 })) });
const moveSlice = sliceOf(moves, { records: numbered('move', 40, (n) => ({ signed: n !== 7 })) });
const labelSlice = sliceOf(labels, { records: numbered('label', 5, (n) => ({ legible: n > 1 })) });
const boxRecords = numbered('box', 40, (n) => ({
  shelf: `shelf-00${n % 4}`,
  opened_at: `2025-12-${String(1 + (n % 28)).padStart(2, '0')}T00:00:00Z`,
}));
const boxSlice = sliceOf(boxes, { records: boxRecords });
const snapshots = [boxSlice, shelfSlice, labelSlice];

let keys: Map<string, Buffer>;
let store: Store;

beforeEach(() => {
  const memory = memoryBackend();
  keys = memory.keys;
  store = new Store(memory.backend);
});

const source = (id: string, use: string): Manifest['sources'][number] => ({
  id,
  use,
  identities: [],
  left_out: [],
  calls: {
    count: 0,
    digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    chunks: null,
    receipts: null,
  },
  requests: 0,
  endpoints: [],
});

interface Night {
  kind?: Manifest['kind'];
  slices?: Slice[];
  controls?: Partial<typeof files>;
  over?: Partial<Manifest>;
  /** How it is judged; as its kind says where it is left out. */
  onlyCollected?: boolean;
  datasets?: Map<string, KnownDataset>;
}

/** Seals a bundle with the results that its evidence gives. */
async function seal({
  kind = 'run',
  slices = snapshots,
  controls = files,
  over = {},
  onlyCollected = kind === 'backfill',
  datasets = all,
}: Night = {}): Promise<Bundle> {
  const sealed = [];
  for (const each of slices) sealed.push(await store.writeSlice(each));
  const named = [];
  for (const [id, text] of Object.entries(controls)) {
    named.push({ id, file: `${id}.yaml`, digest: await store.writeBytes(Buffer.from(text)) });
  }
  const sequence = ((await store.last())?.manifest.sequence ?? 0) + 1;
  const bundle = draft({
    kind,
    run: `20260101T0200${String(sequence).padStart(2, '0')}Z-0a1b2c`,
    controls: named,
    sources: [source('main', 'depot'), source('other', 'press')],
    slices: sealed,
    ...over,
  });
  const asOf = '2026-01-01T02:00:09.000Z';
  const { compiled, not_done } = await openControls(store, bundle as Manifest, datasets);
  expect(not_done).toEqual([]);
  const counts = noCounts();
  const inputs = await readSlices(sealed, new Set(datasets.keys()), (each) => store.records(each));
  const judged = judgeSlices({
    controls: compiled,
    slices: inputs,
    given: [boxes, shelves, moves].map((each) => ({ source: 'main', dataset: each })),
    onlyCollected,
    run: bundle.run,
    waivers: [],
    timezone: bundle.timezone,
    asOf: new Date(asOf),
  });
  const rows = [...judged];
  for (const { status } of rows) counts[status] += 1;
  const written = await writeResults(store, sealed, rows, kind);
  return store.seal({ ...bundle, results: { as_of: asOf, counts, ...written } }, unsealed);
}

/** Puts another manifest in the place of a bundle's, as one who can write to the store does. */
function forge({ manifest }: Bundle, over: Partial<Manifest>): Bundle {
  const forged = { ...manifest, ...over };
  const { bytes, digest } = formatManifest(forged);
  keys.set(manifestKey(manifest.sequence), bytes);
  return { manifest: forged, digest };
}

/** Rewrites the results with everything that depends on them. */
async function forgeResults(bundle: Bundle, change: (rows: Result[]) => Result[]): Promise<Bundle> {
  const { results, slices, kind } = bundle.manifest;
  if (results === null) throw new Error('there are no results');
  const rows: Result[] = [];
  for await (const row of readResults(store, bundle)) rows.push(row);
  const changed = change(rows).map(
    (row): Judged => ({ ...row, dataset: 'depot.boxes', source: 'main', about: 'resource' }),
  );
  const counts = noCounts();
  for (const { status } of changed) counts[status] += 1;
  const written = await writeResults(store, slices, changed, kind);
  return forge(bundle, { results: { ...results, counts, list: written.list } });
}

/** Rewrites the statuses with everything that depends on them. */
async function forgeStatuses(
  bundle: Bundle,
  change: (lines: StatusLine[]) => StatusLine[],
): Promise<Bundle> {
  const { results } = bundle.manifest;
  if (results === null) throw new Error('there are no results');
  const lines: StatusLine[] = [];
  for await (const part of readList(store.backend, results.statuses)) {
    lines.push(...(part as StatusLine[]));
  }
  const statuses = await writeList(store.backend, change(lines), statusKey, { cut: 'fine' });
  return forge(bundle, { results: { ...results, statuses } });
}

async function everyBundle(datasets = all): Promise<Reperformed[]> {
  const outcomes = [];
  for await (const each of reperformAll(store, datasets)) outcomes.push(each);
  return outcomes;
}

const clean = { differences: [], broken: [], not_done: [], left_out: 0 };
const chunksOf = (list: StoredList) => readChunks(store.backend, list);

describe('reperform', () => {
  it('comes to the same results of a night, with every kind of status in it', async () => {
    const bundle = await seal();
    const { results } = bundle.manifest;
    expect(results?.counts).toMatchObject({ pass: 59, fail: 26 });
    // No moves were collected, and nobody tests MN-01.
    expect(results?.counts).toMatchObject({ error: 1, not_tested: 1 });
    expect(await reperform(store, bundle, all)).toMatchObject({ ...clean, compared: 87 });
  });

  it('goes by the rules of each kind of bundle', async () => {
    const night = await seal({ slices: [...snapshots, moveSlice] });
    await seal({ kind: 'backfill', slices: [moveSlice] });
    const of = { evidence_of: { run: night.manifest.run, digest: night.digest } };
    await seal({ kind: 'evaluate', over: of, slices: [...snapshots, moveSlice] });
    await seal({ kind: 'evaluate', over: of, slices: [moveSlice], onlyCollected: true });
    const outcomes = await everyBundle();
    expect(outcomes).toMatchObject([clean, clean, clean, clean]);
    expect(outcomes.map(({ compared }) => compared)).toEqual([126, 40, 126, 40]);
  });

  it('says which bundles hold no results, and which should and do not', async () => {
    await store.seal(draft({ kind: 'collect' }), unsealed);
    await store.seal(draft({ kind: 'backfill' }), unsealed);
    await store.seal(draft({ kind: 'run' }), unsealed);
    const outcomes = await everyBundle();
    expect(outcomes.map(({ compared }) => compared)).toEqual([null, null, null]);
    expect(outcomes.map(({ broken }) => broken)).toEqual([
      [],
      [],
      ['a bundle of kind run has results, and this one has none'],
    ]);
  });

  it('does not hang on the order in which a configuration has the parts of a parameter', async () => {
    const words = '    parameters: { words: { default: { z: last }, description: Words. } }\n';
    const text = control('LB-01', test('label-words', 'press.labels', 'it.legible', words));
    await seal({
      controls: {
        'LB-01': text.replace(/message: .*/, 'message: "{{ params.words.map(each, each) }}"'),
      },
      over: { parameters: { 'label-words': { words: { b: 'two', c: 'three', a: 'one' } } } },
    });
    expect(await everyBundle()).toMatchObject([{ ...clean, compared: 5 }]);
  });

  it('reads once what many nights share', async () => {
    for (let night = 0; night < 5; night += 1) await seal();
    const read: string[] = [];
    const counting = new Store({
      ...store.backend,
      read: (key) => {
        read.push(key);
        return store.backend.read(key);
      },
    });
    for await (const each of reperformAll(counting, all)) expect(each).toMatchObject(clean);
    const objects = read.filter((key) => key.startsWith('objects/'));
    expect(objects.length).toBe(new Set(objects).size);
  });
});

describe('what was changed together with every digest', () => {
  it('is found where a status was', async () => {
    const sealed = await seal();
    const forged = await forgeResults(sealed, (rows) =>
      rows.map((row) =>
        row.test === 'box-shelf' && row.resource.uid === 'box-003'
          ? { ...row, status: 'pass', reason: 'holds' }
          : row,
      ),
    );
    const { differences, broken } = await reperform(store, forged, all);
    expect(broken).toEqual([]);
    expect(differences).toMatchObject([
      {
        control: 'BX-01',
        test: 'box-shelf',
        resource: { uid: 'box-003', scope: 'north' },
        fields: ['status', 'reason'],
        sealed: { status: 'pass' },
        again: { status: 'fail', reason: 'does not hold' },
      },
    ]);
  });

  it('is found where the statuses tell otherwise than the results', async () => {
    const sealed = await seal();
    const moved = await forgeStatuses(sealed, ([first, ...lines]) => [
      { ...(first as StatusLine), event_at: '2026-03-01T00:00:00Z' },
      ...lines,
    ]);
    const fewer = await forgeStatuses(sealed, (lines) => lines.slice(0, -1));
    expect((await reperform(store, sealed, all)).broken).toEqual([]);
    expect((await reperform(store, moved, all)).broken).toEqual([
      'line 1 of its statuses is not what its evidence comes to',
    ]);
    expect((await reperform(store, fewer, all)).broken).toEqual([
      expect.stringMatching(/^it has \d+ lines of statuses, and its evidence comes to \d+$/),
    ]);
  });

  it.each([
    ['observed', { observed: { shelf: 'shelf-002' } }],
    ['observed_at', { observed_at: '2026-01-01T01:00:00.000Z' }],
    ['reason', { reason: 'holds well' }],
  ] as const)('is found where %s was', async (field, change) => {
    const forged = await forgeResults(await seal(), ([first, ...rows]) => [
      { ...(first as Result), ...change },
      ...rows,
    ]);
    expect((await reperform(store, forged, all)).differences).toMatchObject([{ fields: [field] }]);
  });

  it('is found where rows were left out or added', async () => {
    const forged = await forgeResults(await seal(), (rows) => [
      ...rows.slice(0, 3),
      { ...(rows[3] as Result), resource: { uid: 'box-x', name: 'x', scope: 'north' } },
      ...rows.slice(4),
    ]);
    const { differences } = await reperform(store, forged, all);
    expect(differences).toMatchObject([
      { resource: { uid: 'box-003' }, sealed: null, again: { test: 'box-age' }, fields: [] },
      { resource: { uid: 'box-x' }, sealed: { test: 'box-age' }, again: null, fields: [] },
    ]);
  });

  it('is found where a control file was exchanged', async () => {
    const { 'BX-01': file } = files;
    const sealed = await seal();
    const lenient = file.replace('each.safe', 'each.uid != ""');
    const digest = await store.writeBytes(Buffer.from(lenient));
    const controls = sealed.manifest.controls.map((each) =>
      each.id === 'BX-01' ? { ...each, digest } : each,
    );
    const { differences } = await reperform(store, forge(sealed, { controls }), all);
    // The boxes of the shelf that is not safe.
    expect(differences.map(({ resource }) => resource.uid)).toEqual(
      boxRecords.filter(({ fields }) => fields.shelf === 'shelf-000').map(({ uid }) => uid),
    );
  });

  it('is found where a control took the place of another', async () => {
    const sealed = await seal();
    const [first, second, ...rest] = sealed.manifest.controls;
    const controls = [{ ...first, digest: second?.digest }, second, ...rest];
    const forged = forge(sealed, { controls: controls as Manifest['controls'] });
    const { broken, not_done } = await reperform(store, forged, all);
    expect(broken).toEqual([
      'the manifest names BX-01.yaml as control BX-01, and it is control LB-01',
    ]);
    expect(not_done).toMatchObject([{ control: 'BX-01', test: null }]);
  });

  it.each([
    ['a parameter', { parameters: { 'box-age': { days: 20 } } }],
    ['the time that ages count to', undefined],
  ])('is found where %s was', async (_what, over) => {
    const sealed = await seal();
    const { results } = sealed.manifest;
    const later = { results: { ...results, as_of: '2026-01-11T02:00:09.000Z' } };
    const forged = forge(sealed, over ?? (later as Partial<Manifest>));
    const { differences } = await reperform(store, forged, all);
    expect(differences.length).toBeGreaterThan(5);
    expect(new Set(differences.map((each) => each.test))).toEqual(
      new Set(over ? ['box-age'] : ['box-age', 'move-signed']),
    );
  });

  it('is found where a record was', async () => {
    const sealed = await seal();
    const records = boxRecords.map((each) =>
      each.uid === 'box-000' ? { ...each, fields: { ...each.fields, shelf: 'shelf-001' } } : each,
    );
    const changed = await store.writeSlice({ ...boxSlice, records });
    const slices = sealed.manifest.slices.map((each) =>
      each.dataset === boxes.name ? changed : each,
    );
    const { differences } = await reperform(store, forge(sealed, { slices }), all);
    expect(differences).toMatchObject([{ test: 'box-shelf', resource: { uid: 'box-000' } }]);
  });

  it('is found where a slice was made complete', async () => {
    const problems = [{ code: 'AccessDenied', message: 'denied', severity: 'error' }] as const;
    const sealed = await seal({
      slices: [{ ...labelSlice, outcome: 'partial', problems: [...problems] }],
    });
    const slices = sealed.manifest.slices.map((each) => ({
      ...each,
      outcome: 'complete' as const,
      problems: [],
    }));
    const { differences } = await reperform(store, forge(sealed, { slices }), all);
    expect(differences.some(({ sealed: row }) => row?.status === 'error')).toBe(true);
  });

  it('is found where only the counts were', async () => {
    const sealed = await seal();
    const { results } = sealed.manifest;
    const counts = { ...noCounts(), ...results?.counts, pass: 85, fail: 0 };
    const forged = forge(sealed, { results: { ...results, counts } as Manifest['results'] });
    expect((await reperform(store, forged, all)).broken).toEqual([
      'its manifest counts 85 pass, 0 fail, and its results are 59 pass, 26 fail',
    ]);
  });
});

describe('what cannot be evaluated again', () => {
  it('is named where a plugin is not there, and everything else is compared', async () => {
    const bundle = await seal();
    expect(await reperform(store, bundle, known(boxes, shelves, moves))).toMatchObject({
      differences: [],
      broken: [],
      compared: 82,
      left_out: 5,
      not_done: [{ control: 'LB-01', test: null, reason: expect.stringContaining('press.labels') }],
    });
  });

  it('is not held against a backfill that has nothing of it', async () => {
    const bundle = await seal({ kind: 'backfill', slices: [moveSlice] });
    const outcome = await reperform(store, bundle, known(boxes, shelves, moves));
    expect(outcome).toMatchObject({ ...clean, compared: 40 });
  });

  it('is named where a dataset has another version now', async () => {
    const bundle = await seal();
    const newer = known(boxes, { ...shelves, version: 2 }, moves, labels);
    expect(await reperform(store, bundle, newer)).toMatchObject({
      differences: [],
      compared: 47,
      left_out: 40,
      not_done: [
        { control: 'BX-01', test: 'box-shelf', reason: expect.stringContaining('version 1') },
      ],
    });
  });

  it('is named where this version does not compile a control file', async () => {
    const bundle = await seal();
    const older = known(
      boxes,
      { ...shelves, fields: z.object({ sure: z.boolean().describe('Sure') }) },
      moves,
      labels,
    );
    const { not_done, differences, compared } = await reperform(store, bundle, older);
    expect(differences).toEqual([]);
    expect(compared).toBe(7);
    expect(not_done).toMatchObject([{ control: 'BX-01', test: null }]);
    expect(not_done[0]?.reason).toMatch(/cannot compile BX-01\.yaml:\d+:\d+ tests\[1\]/);
  });

  it.each([
    ['no YAML', 'id: [', 'LB-01.yaml:'],
    ['no control', 'id: "LB-01"', 'LB-01.yaml:'],
  ])('is named where a control file is %s', async (_what, text, said) => {
    const sealed = await seal();
    const digest = await store.writeBytes(Buffer.from(text));
    const controls = sealed.manifest.controls.map((each) =>
      each.id === 'LB-01' ? { ...each, digest } : each,
    );
    const { not_done } = await reperform(store, forge(sealed, { controls }), all);
    expect(not_done).toMatchObject([{ control: 'LB-01', reason: expect.stringContaining(said) }]);
  });

  it('is named where a parameter is of no type that the test takes', async () => {
    const forged = forge(await seal(), { parameters: { 'box-age': { days: 'many' } } });
    const { not_done } = await reperform(store, forged, all);
    expect(not_done).toMatchObject([{ control: 'BX-01' }]);
    expect(not_done[0]?.reason).toContain('parameters.box-age.days: expected a whole number');
  });

  it('leaves parameters of controls that were not in scope alone', async () => {
    const bundle = await seal({ over: { parameters: { 'other-test': { days: 1 } } } });
    expect(await reperform(store, bundle, all)).toMatchObject(clean);
  });

  it('is named where the configured sources of an `evaluate` are not known', async () => {
    const night = await seal();
    const over = { evidence_of: { run: night.manifest.run, digest: night.digest } };
    await seal({ kind: 'evaluate', over });
    await seal({ kind: 'evaluate', over: { ...over, configuration: '1'.repeat(64) } });
    const [, same, other] = await everyBundle();
    expect(same).toMatchObject(clean);
    expect(other).toMatchObject({
      differences: [],
      left_out: 1,
      not_done: [{ control: 'MV-01', test: 'move-signed' }],
    });
    // Alone, without the bundles before.
    expect(await reperform(store, (await store.last()) as Bundle, all)).toEqual(other);
  });
});

describe('what is missing or damaged', () => {
  it.each([
    ['a control file', ({ manifest }: Bundle) => manifest.controls[1]?.digest],
    [
      'records',
      async ({ manifest }: Bundle) =>
        (await chunksOf((manifest.slices[2] as Manifest['slices'][number]).records))[0]?.pack,
    ],
    ['the index of records', ({ manifest }: Bundle) => manifest.slices[2]?.records.chunks],
    [
      'results',
      async ({ manifest }: Bundle) =>
        (await chunksOf(manifest.results?.list as StoredList))[0]?.pack,
    ],
  ])('is broken and keeps no other night from its turn: %s', async (_what, digestOf) => {
    await seal();
    const bundle = await seal({
      controls: { ...files, 'LB-01': `${files['LB-01']}# another\n` },
      slices: [boxSlice, shelfSlice, { ...labelSlice, records: labelSlice.records.slice(1) }],
      over: { parameters: { 'box-age': { days: 10 } } },
    });
    await seal();
    const fresh = new Store({ ...store.backend });
    keys.delete(objectKey((await digestOf(bundle)) ?? ''));
    store = fresh;
    const [first, second, third] = await everyBundle();
    expect([first, third]).toMatchObject([clean, clean]);
    expect(second?.broken).toMatchObject([expect.stringContaining('missing from memory')]);
    expect(second?.differences).toEqual([]);
  });

  it('is broken where a manifest is gone, damaged or in another place', async () => {
    const bundles = [];
    for (let night = 0; night < 6; night += 1) bundles.push(await seal({ slices: [labelSlice] }));
    keys.delete(manifestKey(2));
    keys.set(manifestKey(4), Buffer.from('{}'));
    keys.set(manifestKey(5), keys.get(manifestKey(6)) as Buffer);
    const outcomes = await everyBundle();
    const damaged = outcomes.filter(({ broken }) => broken.length > 0);
    expect(damaged.map(({ sequence }) => sequence)).toEqual([2, 4, 5]);
    expect(outcomes.filter((each) => !damaged.includes(each))).toMatchObject([clean, clean, clean]);
  });

  it.each([
    ['null', null],
    ['a record without fields', { uid: 'a', name: 'a' }],
    ['a record with a list for fields', { uid: 'a', name: 'a', fields: [] }],
  ])('is broken where a line of records is %s', async (_what, line) => {
    const sealed = await seal();
    const records = await writeList(store.backend, [line], () => 'a', { cut: 'fine' });
    const slices = sealed.manifest.slices.map((each) =>
      each.dataset === labels.name ? { ...each, records } : each,
    );
    const { broken, not_done } = await reperform(store, forge(sealed, { slices }), all);
    expect(broken).toMatchObject([expect.stringContaining('press.labels cannot be read')]);
    expect(not_done).toMatchObject([{ control: 'LB-01', test: 'label-legible' }]);
  });

  it('is broken where a record stands twice', async () => {
    const sealed = await seal();
    const [first] = labelSlice.records;
    const records = await writeList(store.backend, [first, first], () => 'a', { cut: 'fine' });
    const slices = sealed.manifest.slices.map((each) =>
      each.dataset === labels.name ? { ...each, records } : each,
    );
    const { broken } = await reperform(store, forge(sealed, { slices }), all);
    expect(broken).toMatchObject([expect.stringContaining('not sorted by uid')]);
  });

  it.each([['null'], ['{}'], ['{"control":"BX-01","test":"box-age","resource":null}']])(
    'is broken where a line of results is %s',
    async (line) => {
      const sealed = await seal();
      const { results } = sealed.manifest;
      const lines = [JSON.parse(line)];
      const list = await writeList(store.backend, lines, () => 'a', { cut: 'fine' });
      const forged = forge(sealed, { results: { ...results, list } as Manifest['results'] });
      const { broken, differences } = await reperform(store, forged, all);
      expect(broken).toMatchObject([expect.stringContaining('a line that Tickmark never writes')]);
      expect(differences).toEqual([]);
    },
  );

  it('is broken where a chunk holds other than its count says', async () => {
    const sealed = await seal();
    const list = sealed.manifest.slices[2]?.records as StoredList;
    const named = await chunksOf(list);
    const chunks = named.map(({ digest, count, bytes }) => [digest, count + 1, bytes]);
    const packs = [...new Set(named.map(({ pack }) => pack))];
    expect(packs).toHaveLength(1);
    const index = Buffer.from(canonicalJson({ base: null, chunks, packs }));
    const records = {
      ...list,
      count: list.count + chunks.length,
      chunks: await writeObject(store.backend, index),
    };
    const slices = sealed.manifest.slices.map((each) =>
      each.dataset === labels.name ? { ...each, records } : each,
    );
    const night = forge(sealed, { slices });
    const [outcome] = await everyBundle();
    expect(night.manifest.slices).toEqual(slices);
    expect(outcome?.broken).toMatchObject([
      expect.stringMatching(/chunk \w+ in object \w+ does not have \d+ lines/),
    ]);
  });
});

describe('two sources that give the same resource', () => {
  const twice = [
    labelSlice,
    {
      ...labelSlice,
      source: 'third',
      records: labelSlice.records.map((each) => ({ ...each, fields: { legible: false } })),
    },
  ];

  it('are no difference in whatever order their rows stand', async () => {
    const forged = await forgeResults(await seal({ slices: twice }), (rows) => rows.toReversed());
    expect(await reperform(store, forged, all)).toMatchObject(clean);
  });

  it('hide no change of one of them', async () => {
    const forged = await forgeResults(await seal({ slices: twice }), (rows) => {
      const at = rows.findIndex(
        ({ test, status }) => test === 'label-legible' && status === 'fail',
      );
      return rows.with(at, { ...(rows[at] as Result), status: 'pass' });
    });
    expect((await reperform(store, forged, all)).differences).toMatchObject([
      { test: 'label-legible', fields: ['status'] },
    ]);
  });
});
