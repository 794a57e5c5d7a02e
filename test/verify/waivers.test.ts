/** Sealed waivers, damaged and exchanged: what reperforming and verifying say of them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { demoSealing } from '../../src/cli/sealing.ts';
import { formatManifest, type Manifest, manifestKey } from '../../src/seal/manifest.ts';
import { objectKey } from '../../src/store/objects.ts';
import { Store } from '../../src/store/store.ts';
import { type Reperformed, reperformAll } from '../../src/verify/reperform.ts';
import {
  type Door,
  newDoorProject,
  nightOn,
  openDoorProject,
  startDoor,
} from '../night/door-project.ts';
import { memoryBackend } from '../support/memory-backend.ts';
import { removeTemporary } from '../support/temporary.ts';
import { findingsOf } from './findings.ts';

const waiver = {
  test: 'badge-open',
  resource: 'bob',
  reason: 'On leave',
  approver: 'Grace Hopper',
  from: '2026-01-01',
  until: '2026-01-31',
};

let door: Door;
/** A backfill and a night in which the one waiver waived bob's badge. */
let sealed: Map<string, Buffer>;
let datasets: Awaited<ReturnType<typeof openDoorProject>>['registry']['datasets'];

beforeAll(async () => {
  door = await startDoor();
  const folder = await newDoorProject(door, { waivers: './waivers.yaml' });
  await writeFile(join(folder, 'waivers.yaml'), JSON.stringify({ waivers: [waiver] }));
  const project = await openDoorProject(folder);
  datasets = project.registry.datasets;
  const { backend, keys } = memoryBackend();
  const { bundles } = await nightOn(project, backend, '2026-01-11T02:00:00Z', demoSealing);
  expect(bundles.at(-1)?.manifest.results?.counts).toMatchObject({ pass: 4, waived: 1 });
  sealed = keys;
});
afterAll(async () => {
  await door.close();
  await removeTemporary();
});

let keys: Map<string, Buffer>;
let store: Store;
beforeEach(() => {
  const copy = memoryBackend();
  keys = copy.keys;
  for (const [key, bytes] of sealed) keys.set(key, bytes);
  store = new Store(copy.backend);
});

/** The night's own bundle; the first is its backfill. */
async function lastNight(): Promise<Reperformed | undefined> {
  let last: Reperformed | undefined;
  for await (const each of reperformAll(store, datasets)) last = each;
  return last;
}

/** Writes the night's manifest anew, as whoever can write the store can. */
function forge(over: Partial<Manifest>): void {
  const key = manifestKey(2);
  const manifest = JSON.parse(keys.get(key)?.toString() ?? '') as Manifest;
  keys.set(key, formatManifest({ ...manifest, ...over }).bytes);
}

async function naming(text: string): Promise<Manifest['waivers']> {
  return { file: './waivers.yaml', digest: await store.writeBytes(Buffer.from(text)) };
}

async function digestOfWaivers(): Promise<string> {
  return (await store.last())?.manifest.waivers?.digest ?? '';
}

async function codes(): Promise<string[]> {
  const { breaks } = await findingsOf(store.backend);
  return breaks.map(({ code, bundles }) => `${code} ${bundles.join()}`);
}

const undecided = (reason: unknown) => [{ control: 'DR-01', test: 'badge-open', reason }];

it('are read, and applied again', async () => {
  expect(await lastNight()).toMatchObject({
    compared: 5,
    left_out: 0,
    differences: [],
    broken: [],
    not_done: [],
  });
  expect(await codes()).toEqual([]);
});

describe('a file that is gone or damaged', () => {
  it.each([
    ['gone', () => undefined, 'ObjectMissing 1,2'],
    ['damaged', (bytes: Buffer) => bytes.subarray(0, -4), 'ObjectDamaged 1,2'],
  ])('%s: what it waived is not evaluated again, all else is', async (_what, damage, code) => {
    const key = objectKey(await digestOfWaivers());
    const damaged = damage(keys.get(key) ?? Buffer.alloc(0));
    if (damaged === undefined) keys.delete(key);
    else keys.set(key, damaged);
    const reason = expect.stringMatching(/^the waivers \(\.\/waivers\.yaml\) cannot be read: /);
    expect(await lastNight()).toMatchObject({
      compared: 4,
      left_out: 1,
      differences: [],
      broken: [reason],
      not_done: undecided(reason),
    });
    expect(await codes()).toEqual([code]);
  });

  it('hides no result that was changed', async () => {
    // Ada's badge was blocked too, and the sealed results say that it passes.
    const { results, slices } = (await store.last())?.manifest ?? {};
    const badges = slices?.find(({ dataset }) => dataset === 'door.badges');
    if (!results || !slices || badges === undefined) throw new Error('the night has results');
    const ada = { blocked: true };
    const records = [];
    for await (const part of store.records(badges)) records.push(...part);
    const written = await store.writeSlice({
      ...badges,
      records: records.map((each) => (each.uid === 'ada' ? { ...each, fields: ada } : each)),
      calls: [],
      kept: undefined as never,
    });
    forge({
      slices: slices.map((each) =>
        each === badges ? { ...each, records: written.records } : each,
      ),
    });
    keys.delete(objectKey(await digestOfWaivers()));
    const { differences } = (await lastNight()) ?? {};
    expect(differences).toMatchObject([
      { test: 'badge-open', resource: { uid: 'ada' }, sealed: { status: 'pass' }, again: null },
    ]);
  });
});

it('a file that is none of waivers is not applied, and is a break', async () => {
  forge({ waivers: await naming('waivers: all\n') });
  expect(await lastNight()).toMatchObject({
    compared: 4,
    left_out: 1,
    broken: [],
    not_done: undecided(
      expect.stringMatching(
        /cannot read \.\/waivers\.yaml:1:\d+ waivers: expected a list, found "all"; reperform with the version that sealed it/,
      ),
    ),
  });
  expect(await codes()).toContain('WrongWaivers 2');
});

it('a time zone that nobody knows is no crash', async () => {
  forge({ timezone: 'Europe/Atlantis' });
  expect(await lastNight()).toMatchObject({
    compared: 4,
    not_done: undecided(expect.stringContaining('Europe/Atlantis')),
  });
  forge({ waivers: await naming('waivers: []\n') });
  // Without a waiver nobody asks for the day.
  expect(await lastNight()).toMatchObject({ compared: 5, not_done: [] });
});

it.each([
  ['another resource', { resource: 'carol' }],
  ['other days', { until: '2026-01-10' }],
  ['another reason', { reason: 'Forgotten' }],
])('a file with %s than was applied gives other results', async (_what, change) => {
  forge({ waivers: await naming(JSON.stringify({ waivers: [{ ...waiver, ...change }] })) });
  expect(await lastNight()).toMatchObject({
    broken: [],
    not_done: [],
    differences: [{ test: 'badge-open', resource: { uid: 'bob' }, sealed: { status: 'waived' } }],
  });
  // Verification asks whether it is a file of waivers; whether results follow is asked here.
  expect(await codes()).not.toContain('WrongWaivers 2');
});

it('waived results in a bundle without waivers are a break, and differ', async () => {
  forge({ waivers: null });
  expect(await codes()).toContain('WrongWaivers 2');
  expect(await lastNight()).toMatchObject({
    differences: [{ sealed: { status: 'waived' }, again: { status: 'fail' } }],
  });
});
