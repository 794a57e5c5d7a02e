/** `tickmark store`: what a killed run left goes, and nothing that a manifest names. */
import { readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Project } from '../../src/cli/project.ts';
import type { Judged } from '../../src/evidence/result.ts';
import type { Call } from '../../src/evidence/slice.ts';
import { manifestKey, signatureKey } from '../../src/seal/manifest.ts';
import { generateKeyPair } from '../../src/seal/signature.ts';
import type { Backend } from '../../src/store/backend.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { leftovers, removeLeftovers, takeInventory } from '../../src/store/inventory.ts';
import { readList, writeList } from '../../src/store/lists.ts';
import { objectKey, writeObject } from '../../src/store/objects.ts';
import { readResults, writeResults } from '../../src/store/results.ts';
import { Store, unsealed } from '../../src/store/store.ts';
import {
  breaksOf,
  bundlesOf,
  type Door,
  newDoorProject,
  nightOn,
  openDoorProject,
  signedBy,
  startDoor,
} from '../night/door-project.ts';
import { draft, slice } from '../support/bundles.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { faultyBackend } from '../support/faulty-backend.ts';
import { memoryBackend } from '../support/memory-backend.ts';
import { removeTemporary } from '../support/temporary.ts';

const clocks = ['2026-01-02T02:00:00Z', '2026-01-03T02:00:00Z', '2026-01-04T02:00:00Z'] as const;
const sealing = signedBy(generateKeyPair().privateKey);

let door: Door;
let cwd: string;
let project: Project;
let evidence: string;
let backend: Backend;

const store = (...args: string[]): Promise<CliResult> =>
  tickmark(['store', ...args, '--store', evidence], '', { cwd });
const json = async (...args: string[]) => JSON.parse((await store(...args, '--json')).stdout);

/** Every file of the store by its key, with its size. */
async function files(): Promise<Map<string, number>> {
  const found = await readdir(evidence, { recursive: true, withFileTypes: true });
  const paths = found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return new Map(
    await Promise.all(
      paths.map(
        async (path): Promise<[string, number]> => [
          relative(evidence, path),
          (await stat(path)).size,
        ],
      ),
    ),
  );
}

const total = (sizes: Iterable<number>) => [...sizes].reduce((sum, each) => sum + each, 0);

/** A night that dies before its manifest has a name, so that all of it is left over. */
async function killedNight(clock: string): Promise<void> {
  const faulty = faultyBackend(backend, 'dies before', 'bundles/');
  const ended = new AbortController();
  const run = nightOn(project, faulty.backend, clock, sealing, ended.signal);
  await Promise.race([run, faulty.died]);
  ended.abort();
  expect(faulty.steps.at(-1)?.key).toMatch(/^bundles\//);
}

beforeAll(async () => {
  door = await startDoor();
});

beforeEach(async () => {
  cwd = await newDoorProject(door);
  project = await openDoorProject(cwd);
  evidence = join(cwd, 'evidence');
  backend = folderBackend(evidence);
});

afterAll(async () => {
  await door.close();
  await removeTemporary();
});

describe('tickmark store gc', () => {
  it('names exactly what a killed run left, and removes that', { timeout: 60_000 }, async () => {
    await nightOn(project, backend, clocks[0], sealing);
    const whole = await files();
    await killedNight(clocks[1]);
    await writeFile(join(evidence, 'bundles', '.tmp-0123456789abcdef'), '{"half":');
    const left = [...(await files())].filter(([key]) => !whole.has(key));
    // Objects, the signature of a manifest that there is not, and a temporary file.
    expect(left.length).toBeGreaterThan(4);
    expect(left.map(([key]) => key.split('/')[0])).toEqual(
      expect.arrayContaining(['bundles', 'objects', 'seals']),
    );
    // Whether its manifest was never written, or was taken away, a signature does not say.
    const gone = left.filter(([key]) => !key.startsWith('seals/'));
    const found = gone.map(([key, bytes]) => ({ key, bytes }));
    const bytes = total(found.map((each) => each.bytes));

    expect(await json('gc')).toMatchObject({ found: [], removed: 0 });
    const dry = await json('gc', '--dry-run', '--older-than', '0');
    expect(dry).toEqual({ store: evidence, found, bytes, removed: 0, refused: [] });
    expect([...(await files()).keys()]).toHaveLength(whole.size + left.length);

    const said = await store('gc', '--dry-run', '--older-than', '0');
    for (const [key] of gone) expect(said.stdout).toContain(key);
    expect(said.stdout).toContain(`Would remove ${gone.length} files (`);

    const done = await json('gc', '--older-than', '0');
    expect(done).toEqual({ store: evidence, found, bytes, removed: gone.length, refused: [] });
    expect([...(await files()).keys()].filter((key) => !whole.has(key))).toEqual([
      expect.stringMatching(/^seals\/\w{64}\.sig$/),
    ]);
    expect(await breaksOf(backend, sealing)).toEqual([]);
    expect((await store('gc', '--older-than', '0')).stdout).toBe(
      'Nothing to remove: no file older than 0 days is unnamed.\n',
    );

    await nightOn(project, backend, clocks[2], sealing);
    expect(await bundlesOf(backend)).toHaveLength(2);
    expect(await breaksOf(backend, sealing)).toEqual([]);
  });

  it('takes nothing from a whole store, whatever its bundles share', async () => {
    for (const clock of clocks) await nightOn(project, backend, clock, sealing);
    const before = await files();
    // As old as a file can be.
    for (const key of before.keys()) await utimes(join(evidence, key), 0, 0);
    expect(await json('gc', '--older-than', '0')).toMatchObject({ found: [], removed: 0 });
    expect(await files()).toEqual(before);
    expect(await breaksOf(backend, sealing)).toEqual([]);
  });

  it('removes nothing where it cannot be told what is named', async () => {
    await nightOn(project, backend, clocks[0], sealing);
    await killedNight(clocks[1]);
    const [bundle] = await bundlesOf(backend);
    const index = bundle?.manifest.slices[0]?.records.chunks ?? '';
    await rm(join(evidence, objectKey(index)));
    const before = await files();
    const { code, stderr } = await store('gc', '--older-than', '0');
    expect(code).toBe(4);
    expect(stderr).toContain(`${index}.gz is missing`);
    expect(await files()).toEqual(before);
  });

  it('leaves what a run has written again since it was found', async () => {
    const { backend: memory, keys, written } = memoryBackend();
    await new Store(memory).seal(draft(), unsealed);
    const digests: string[] = [];
    for (const text of ['needed again', 'not needed']) {
      digests.push(await writeObject(memory, Buffer.from(text)));
    }
    for (const key of keys.keys()) written.set(key, new Date(0));
    const weekAgo = new Date(Date.now() - 7 * 86_400_000);
    const found = leftovers(await takeInventory(new Store(memory)), weekAgo);
    expect(found).toHaveLength(2);
    await writeObject(memory, Buffer.from('needed again'));
    expect(await removeLeftovers(memory, found, weekAgo)).toEqual({ removed: 1, refused: [] });
    expect([...keys.keys()]).toEqual([manifestKey(1), objectKey(digests[0] ?? '')]);
  });

  it('leaves the packs of nights long ago while a list still has a chunk in them', async () => {
    const { backend: memory, keys, written } = memoryBackend();
    const recordsOf = (night: number) =>
      Array.from({ length: 400 }, (_, index) => ({
        ...{ uid: `thing-${String(index).padStart(3, '0')}`, name: 'thing', original: {} },
        ...{ fields: { seen: index % 100 === night % 100 ? night : 0 }, calls: [] },
      }));
    for (let night = 1; night <= 70; night += 1) {
      const kept = new Store(memory);
      const sealed = await kept.writeSlice(slice({ records: recordsOf(night) }));
      await kept.seal(draft({ slices: [sealed] }), unsealed);
    }
    const whole = new Set(keys.keys());
    await new Store(memory).writeSlice(slice({ records: recordsOf(77) }));
    const left = [...keys.keys()].filter((key) => !whole.has(key));
    for (const key of keys.keys()) written.set(key, new Date(0));
    const found = leftovers(await takeInventory(new Store(memory)), new Date());
    expect(found.map(({ key }) => key).sort()).toEqual(left.sort());
    await removeLeftovers(memory, found, new Date());
    const store = new Store(memory);
    for (const { manifest } of await bundlesOf(memory)) {
      const [sealed] = manifest.slices;
      if (sealed === undefined) throw new Error('there is a slice in each');
      const read: unknown[] = [];
      for await (const part of store.records(sealed)) read.push(...part);
      expect(read).toEqual(recordsOf(manifest.sequence));
    }
  });

  it('goes on where one cannot be removed, and says why', async () => {
    const { backend: memory, keys } = memoryBackend();
    for (const text of ['a', 'b', 'c']) await writeObject(memory, Buffer.from(text));
    const { backend: held } = faultyBackend(memory, 'fails once', 2);
    const found = [...keys.keys()].sort().map((key) => ({ key }));
    expect(await removeLeftovers(held, found, new Date(Date.now() + 1))).toEqual({
      removed: 2,
      refused: [{ key: found[1]?.key, reason: expect.stringContaining('the disk is full') }],
    });
  });
});

/** Some of a few things: nights that draw from these share much of what they keep. */
const some = fc.subarray(Array.from({ length: 12 }, (_, index) => index));

const step = fc.record({
  /** Sealed, or killed before that. */
  sealed: fc.boolean(),
  records: some,
  /** What a record says; another value is another line. */
  value: fc.integer({ min: 0, max: 2 }),
  calls: some,
  connecting: some,
  results: some,
  waivers: fc.option(fc.constantFrom('one', 'two')),
  /** What was drawn, of which all are the population. */
  drawn: fc.option(some),
  kept: fc.option(fc.integer({ min: 0, max: 2 })),
  controls: fc.subarray(['a', 'b', 'c']),
  answers: fc.option(some),
  token: fc.boolean(),
});

describe('whatever lies in a store', () => {
  it('gc leaves every byte that reading all of it needs, and no other file', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 6 }),
        fc.array(fc.string(), { maxLength: 3 }),
        async (steps, strangers) => {
          const { backend: memory, keys, written } = memoryBackend();
          await new Store(memory).seal(draft(), unsealed);
          for (const each of steps) await keep(memory, each);
          for (const stranger of strangers) {
            await writeObject(memory, Buffer.from(stranger));
            keys.set(`seals/${stranger.length}.sig`, Buffer.from(stranger));
          }
          for (const key of keys.keys()) written.set(key, new Date(0));
          const needed = await readAll(memory);
          const before = new Map(keys);

          const now = new Date();
          const found = leftovers(await takeInventory(new Store(memory)), now);
          await removeLeftovers(memory, found, now);
          // A signature of no bundle is not needed, and not taken.
          const stays = (key: string) => needed.has(key) || key.startsWith('seals/');
          expect([...keys.keys()].sort()).toEqual([...before.keys()].filter(stays).sort());
          for (const key of needed) expect(keys.get(key)).toBe(before.get(key));
          expect(await readAll(memory)).toEqual(needed);
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** Writes what a night would, and seals it unless it is killed before. */
async function keep(
  memory: Backend,
  night: typeof step extends fc.Arbitrary<infer Night> ? Night : never,
) {
  const kept = new Store(memory);
  const named = (index: number) => `thing-${String(index).padStart(2, '0')}`;
  const text = (value: unknown) => Buffer.from(JSON.stringify(value));
  const sealed = await kept.writeSlice(
    slice({
      records: night.records.map((index) => ({
        ...{ uid: named(index), name: named(index), fields: { value: night.value } },
        ...{ original: {}, calls: [] },
      })),
      calls: night.calls.map(callOf),
      ...(night.kept === null ? {} : { kept: night.kept }),
    }),
  );
  const controls = [];
  for (const id of night.controls) {
    controls.push({ id, file: `${id}.yaml`, digest: await kept.writeBytes(Buffer.from(id)) });
  }
  const answers: Record<string, object> = {};
  for (const index of night.answers ?? []) {
    answers[named(index)] = { etag: 'x', body: await kept.writeBytes(text([index, night.value])) };
  }
  const source = {
    ...{ id: 'production', use: 'aws', identities: [], left_out: [], requests: 0, endpoints: [] },
    calls: await kept.writeCalls('production', night.connecting.map(callOf)),
    ...(night.answers === null ? {} : { answers: await kept.writeBytes(text(answers)) }),
  };
  const lines = night.results.map(
    (index): Judged => ({
      ...{ run: '', dataset: 'aws.iam.users', control: 'CC6.1', test: 'some-test', reason: 'so' },
      ...{
        status: 'pass',
        observed: {},
        observed_at: null,
        source: 'production',
        about: 'resource',
      },
      resource: { uid: named(index), name: named(index), scope: '123456789012' },
    }),
  );
  const lists = await writeResults(kept, [sealed], lines, 'run');
  const counts = {
    pass: lines.length,
    fail: 0,
    error: 0,
    not_applicable: 0,
    not_tested: 0,
    waived: 0,
  };
  const results = { as_of: '2026-01-01T02:00:09.000Z', counts, ...lists };
  const waivers = night.waivers && {
    file: 'waivers.yaml',
    digest: await kept.writeBytes(Buffer.from(night.waivers)),
  };
  const plain = (indexes: number[]) =>
    writeList(memory, indexes.map(named), (name) => name, { cut: 'coarse' });
  const sample = night.drawn && {
    ...{ test: 'some-test', period: { start: '2026-01-01', end: '2026-01-31' }, seed: '1' },
    ...{ size: night.drawn.length, by: null },
    population: await plain(night.records),
    items: await plain(night.drawn),
  };
  if (!night.sealed) return;
  const { digest } = await kept.seal(
    draft({
      ...{ kind: 'run', slices: [sealed], sources: [source], controls, waivers, results },
      ...(sample === null ? {} : { sample }),
    }),
    { ...sealing, authorities: ['http://127.0.0.1/'] },
  );
  if (night.token) await kept.keepToken(digest, text(digest));
}

/** A question that is the same every night, with a receipt that is not. */
function callOf(index: number): Call {
  const at = new Date(Date.UTC(2026, 0, 1) + Math.floor(Math.random() * 1e9)).toISOString();
  return {
    id: `call-${String(index).padStart(2, '0')}`,
    ...{ service: 'iam', operation: 'ListUsers', parameters: {}, status: 200, attempts: 1 },
    ...{ started_at: at, finished_at: at, request_id: null, server_date: null, endpoint: null },
  };
}

/** Reads everything that every bundle says, by the store's own readers. @returns the keys read. */
async function readAll(memory: Backend): Promise<Set<string>> {
  const read = new Set<string>();
  // A backend of its own: nothing that was read before is known.
  const watched: Backend = {
    ...memory,
    async read(key) {
      const bytes = await memory.read(key);
      if (bytes !== undefined) read.add(key);
      return bytes;
    },
  };
  const whole = new Store(watched);
  const drain = async (all: AsyncIterable<unknown>) => {
    for await (const _each of all);
  };
  for await (const bundle of whole.bundles()) {
    const { manifest, digest } = bundle;
    await watched.read(manifestKey(manifest.sequence));
    await watched.read(signatureKey(digest));
    await watched.read(`seals/${digest}.tst`);
    for (const signer of manifest.signature?.signers ?? []) await whole.readBytes(signer);
    for (const control of manifest.controls) await whole.readBytes(control.digest);
    for (const sealed of manifest.slices) {
      await drain(whole.records(sealed));
      await drain(whole.calls(sealed.calls));
      if (sealed.kept !== undefined) await whole.readBytes(sealed.kept);
    }
    for (const { calls, answers } of manifest.sources) {
      await drain(whole.calls(calls));
      if (answers === undefined) continue;
      const index = JSON.parse((await whole.readBytes(answers)).toString());
      for (const { body } of Object.values<{ body: string }>(index)) await whole.readBytes(body);
    }
    await drain(readResults(whole, bundle));
    if (manifest.waivers !== null) await whole.readBytes(manifest.waivers.digest);
    const { results, sample } = manifest;
    if (results !== null) await drain(readList(watched, results.statuses));
    if (sample === undefined) continue;
    for (const list of [sample.population, sample.items]) await drain(readList(watched, list));
  }
  return read;
}

describe('tickmark store stats', () => {
  it('counts every file once, and what a night adds', { timeout: 60_000 }, async () => {
    await nightOn(project, backend, clocks[0], sealing);
    const first = await files();
    await nightOn(project, backend, clocks[1], sealing);
    const second = await files();
    await killedNight(clocks[2]);
    await writeFile(join(evidence, 'objects', '.tmp-0123456789abcdef'), 'half');
    const all = await files();

    const figures = await json('stats');
    expect(figures).toMatchObject({
      store: evidence,
      bundles: 2,
      files: all.size,
      bytes: total(all.values()),
      last_added: total(second.values()) - total(first.values()),
      leftovers: {
        files: all.size - second.size,
        bytes: total(all.values()) - total(second.values()),
      },
      parts: {
        manifests: { files: 2 },
        seals: { files: 2 },
        keys: { files: 1, bytes: all.get(objectKey(sealing.signer?.publicKey.fingerprint ?? '')) },
        controls: { files: 1 },
        results: { files: 2 },
        statuses: { files: 2 },
        waivers: { files: 0 },
        samples: { files: 0 },
      },
    });
    const parts = [
      ...Object.values<{ files: number; bytes: number }>(figures.parts),
      figures.leftovers,
    ];
    expect(total(parts.map((part) => part.files))).toBe(all.size);
    expect(total(parts.map((part) => part.bytes))).toBe(total(all.values()));
    // What the bundles share is counted for each of them here.
    expect(figures.whole).toBeGreaterThan(total(second.values()));
    expect(figures.whole).toBeLessThan(2 * total(second.values()));

    const { code, stdout } = await store('stats');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^manifests +2 +\d/m);
    expect(stdout).toContain(`In all ${all.size} files, `);
    expect(stdout).toContain(`${all.size - second.size} files (`);
  });

  it('says of an empty store that there is nothing', async () => {
    expect(await json('stats')).toMatchObject({ bundles: 0, files: 0, bytes: 0, whole: 0 });
    const { code, stdout } = await store('stats');
    expect(code).toBe(0);
    expect(stdout).toContain('In all 0 files, 0 B.');
  });
});
