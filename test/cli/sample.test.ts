/** `tickmark sample` over nights of which it is written down what happened on them. */
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import type { PopulationItem } from '../../src/period/population.ts';
import { draw, itemKey, lineOf } from '../../src/period/sample.ts';
import { type Manifest, parseManifest } from '../../src/seal/manifest.ts';
import { pemSigner } from '../../src/seal/signature.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { readList } from '../../src/store/lists.ts';
import { Store } from '../../src/store/store.ts';
import { badges, hostile, sealPeriod } from '../night/door-period.ts';
import { newDoorProject } from '../night/door-project.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

let sealed: string;
let cwd: string;
beforeAll(async () => {
  sealed = await sealPeriod();
});
// Each draw is sealed: each test has the nights for itself.
beforeEach(async () => {
  cwd = join(await temporaryFolder(), 'project');
  await cp(sealed, cwd, { recursive: true });
});
afterEach(() => rm(cwd, { recursive: true }));
afterAll(removeTemporary);

const sample = (...args: string[]): Promise<CliResult> =>
  tickmark(['sample', ...args], '', { cwd });
const drawn = ['badge-open', '--size', '2', '--seed', '4711'] as const;

const read = async (...path: string[]) => readFile(join(cwd, ...path), 'utf8');
const readJson = async (...path: string[]) => JSON.parse(await read(...path));
const rowsOf = (text: string) =>
  text
    .split('\r\n')
    .slice(1, -1)
    .map((line) => line.split(','));

/** The manifests that lie in the store. */
async function manifests() {
  const names = (await readdir(join(cwd, 'evidence', 'bundles'))).sort();
  const each = names.map(async (name) =>
    parseManifest(Buffer.from(await read('evidence', 'bundles', name)), name),
  );
  return Promise.all(each);
}

const nights = Object.keys(badges).length;

describe('tickmark sample', () => {
  it('draws by the least lots, as anybody can work out by hand', async () => {
    const { code } = await sample(...drawn, '--out', 'drawn');
    expect(code).toBe(0);
    const { items, algorithm, strata, size, seed } = await readJson('drawn', 'sample.json');
    const { items: population } = await readJson('drawn', 'population.json');
    const lots = population
      .map(({ source, scope, uid }: Record<string, string>) => ({
        uid,
        lot: sha256(JSON.stringify(['4711', null, source, scope, uid])),
      }))
      .sort((a: { lot: string }, b: { lot: string }) => (a.lot < b.lot ? -1 : 1));
    expect(items.map(({ uid, lot }: Record<string, string>) => ({ uid, lot }))).toEqual(
      lots.slice(0, 2),
    );
    expect([algorithm, size, seed]).toEqual(['sha256-lots/1', 2, '4711']);
    expect(strata).toEqual([{ stratum: null, population: 5, drawn: 2 }]);
  });

  it('seals the draw, signed, with the population that it was drawn from', async () => {
    const { stdout } = await sample(...drawn, '--out', 'drawn');
    const all = await manifests();
    const bundle = all.at(-1);
    expect(all).toHaveLength(nights + 1);
    expect(bundle?.manifest).toMatchObject({
      kind: 'sample',
      clock: 'system',
      controls: [],
      slices: [],
      results: null,
      signature: expect.objectContaining({ key: expect.any(String) }),
      sample: {
        test: 'badge-open',
        period: { start: '2026-01-01', end: '2026-01-10' },
        seed: '4711',
        size: 2,
        by: null,
        population: { count: 5 },
        items: { count: 2 },
      },
    });
    expect(stdout).toContain(`Head of the chain: ${nights + 1} sha256:${bundle?.digest}`);
    const told = await readJson('drawn', 'sample.json');
    expect(told.bundle).toEqual({
      sequence: nights + 1,
      run: bundle?.manifest.run,
      digest: bundle?.digest,
    });
    expect(told.population.digest).toBe(bundle?.manifest.sample?.population.digest);
    expect((await tickmark(['verify', 'evidence'], '', { cwd })).code).toBe(0);
    expect(
      (await tickmark(['store', 'gc', '--dry-run', '--older-than', '0'], '', { cwd })).stdout,
    ).toMatch(/^(0|Nothing|no)/i);
  });

  it('draws the same again, whoever asks and whenever', async () => {
    await sample(...drawn, '--out', 'one');
    const { redraw, ...one } = await readJson('one', 'sample.json');
    expect(redraw).toBe(
      'tickmark sample badge-open --size 2 --seed 4711 --from 2026-01-01 --until 2026-01-10',
    );
    const again = await sample(...redraw.split(' ').slice(2), '--out', 'two');
    expect(again.code).toBe(0);
    const two = await readJson('two', 'sample.json');
    expect(two.items).toEqual(one.items);
    expect([two.population, two.drawn]).toEqual([one.population, one.drawn]);
    const other = await sample('badge-open', '--size', '2', '--seed', '4712', '--out', 'three');
    expect(other.code).toBe(0);
    expect((await readJson('three', 'sample.json')).items).not.toEqual(one.items);
  });

  it('takes the size of the table by the frequency of the control, and all where there are fewer', async () => {
    const { stdout } = await sample(
      'badge-open',
      '--size',
      'auto',
      '--seed',
      'x',
      '--out',
      'drawn',
    );
    const { size, auto, items } = await readJson('drawn', 'sample.json');
    expect([size, auto, items.length]).toEqual([25, true, 5]);
    expect(stdout).toContain('the population has fewer than 25: all of it was drawn');
  });

  it('says first that the population is not complete', async () => {
    const { stdout } = await sample(...drawn);
    expect(stdout.split('\n')[0]).toBe('NOT COMPLETE: this population may lack items.');
  });

  it('prints sample.json where data is asked for', async () => {
    const { stdout, stderr } = await sample(...drawn, '--json', '--out', 'drawn');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(await readJson('drawn', 'sample.json'));
  });

  it('draws so many of each stratum', async () => {
    await sample('badge-open', '--size', '1', '--seed', 'x', '--by', 'status', '--out', 'drawn');
    const { strata, items, by } = await readJson('drawn', 'sample.json');
    expect(by).toBe('status');
    expect(strata).toEqual([
      { stratum: 'failed', population: 2, drawn: 1 },
      { stratum: 'never failed', population: 3, drawn: 1 },
    ]);
    expect(items.map(({ stratum }: { stratum: string }) => stratum)).toEqual([
      'failed',
      'never failed',
    ]);
    expect((await tickmark(['verify', 'evidence'], '', { cwd })).code).toBe(0);
  });

  it('tells of what the items were judged by, and that it did not change', async () => {
    await sample(...drawn, '--out', 'drawn');
    const { judged_by } = await readJson('drawn', 'sample.json');
    const told = judged_by.map(
      ({ what, id, versions }: { what: string; id: string; versions: { nights: number }[] }) => [
        what,
        id,
        versions.map((version) => version.nights),
      ],
    );
    expect(told).toEqual(
      expect.arrayContaining([
        ['control', 'DR-01', [9]],
        ['configuration', '', [9]],
      ]),
    );
  });
});

describe('the evidence of an item', () => {
  /** Folders of all items, by uid. */
  async function foldersOfAll(test = 'badge-open'): Promise<Map<string, string>> {
    await sample(test, '--size', '100', '--seed', 'x', '--out', 'all');
    const { items } = await readJson('all', 'sample.json');
    return new Map(items.map(({ uid, folder }: { uid: string; folder: string }) => [uid, folder]));
  }

  it('is what came out for it on each night of the period', async () => {
    const folders = await foldersOfAll();
    const results = async (uid: string) =>
      rowsOf(await read('all', folders.get(uid) ?? '', 'results.csv')).map(
        ([run, at, status, reason]) => [
          `${run?.slice(6, 8)} ${at?.slice(8, 10)}`,
          status,
          reason?.slice(0, 40),
        ],
      );
    expect(await results('bob')).toEqual([
      ['01 01', 'fail', 'blocked'],
      ['02 02', 'fail', 'blocked'],
      ['03 03', 'fail', 'blocked'],
      ['05 05', 'pass', 'open'],
      ['06 06', 'fail', 'blocked'],
      ['07 07', 'fail', 'blocked'],
      ['08 08', 'fail', 'blocked'],
      ['09 09', 'fail', 'blocked'],
      ['10 10', 'fail', 'blocked'],
    ]);
    expect(await results('carol')).toEqual([
      ['01 01', '', 'it was not there'],
      ['02 02', '', 'it was not there'],
      ['03 03', 'fail', 'blocked'],
      ['05 05', 'fail', 'blocked'],
      ['06 06', '', 'it was not there'],
      ['07 07', '', 'it was not there'],
      // Nobody knows: the night did not get everything.
      ['08 08', 'error', '"not completely collected: GET /count co'],
      ['09 09', '', 'it was not there'],
      ['10 10', '', 'it was not there'],
    ]);
  });

  it('is every version of its record, with the calls that it was made from', async () => {
    const folders = await foldersOfAll();
    const { versions, uid, lot } = await readJson('all', folders.get('bob') ?? '', 'evidence.json');
    expect([uid, lot.length]).toEqual(['bob', 64]);
    const told = versions.map((version: Record<string, never>) => {
      const { from, to, nights, record, calls } = version as never as {
        from: { observed_at: string };
        to: { observed_at: string };
        nights: number;
        record: { fields: object; original: object };
        calls: { operation: string; server_date: string | null; started_at: string }[];
      };
      expect(record.original).toEqual({ id: 'bob', ...record.fields });
      expect(calls.map(({ operation }) => operation)).toEqual(['GET /badges']);
      expect(calls[0]?.server_date).toMatch(/GMT$/);
      // Those of the first night that saw it so.
      expect(calls[0]?.started_at.slice(0, 10)).toBe(from.observed_at.slice(0, 10));
      return [from.observed_at.slice(8, 10), to.observed_at.slice(8, 10), nights, record.fields];
    });
    expect(told).toEqual([
      ['01', '03', 3, { blocked: true }],
      ['05', '05', 1, { blocked: false }],
      ['06', '10', 5, { blocked: true }],
    ]);
  });

  it('of an event is of the nights that held it', async () => {
    const folders = await foldersOfAll('entry-known');
    const folder = folders.get('entry-03') ?? '';
    const rows = rowsOf(await read('all', folder, 'results.csv'));
    expect(rows.map(([, , status, reason]) => [status, reason])).toEqual([['fail', 'not known']]);
    const { versions } = await readJson('all', folder, 'evidence.json');
    expect(versions).toHaveLength(1);
    expect(versions[0].record.fields).toEqual({ at: '2026-01-03T12:00:00.000Z', known: false });
    expect(folders.size).toBe(10);
  });

  it('stays in its folder, whatever an item is called', async () => {
    const folders = await foldersOfAll();
    const beside = await readdir(join(cwd, 'all'));
    expect(beside.sort()).toEqual(
      [...folders.values(), 'population.json', 'sample.csv', 'sample.json'].sort(),
    );
    expect(folders.get(hostile.path)).toMatch(/^\d\d-etc-passwd$/);
    expect(folders.get(hostile.formula)).toMatch(/^\d\d-HYPERLINK-http-a\.example-b$/);
    expect(await read('all', 'sample.csv')).toContain(`"'=HYPERLINK(""http://a.example"",""b"")"`);
  });
});

describe('a sample, worked out again', () => {
  it('is of the population that the nights before it come to', async () => {
    await sample(...drawn, '--out', 'one');
    await sample('entry-known', '--size', '3', '--seed', 'x', '--by', 'month', '--out', 'two');
    const { code, stdout } = await tickmark(['reperform'], '', { cwd });
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/worked out the population of 2 samples again: no difference\.\n$/),
    ]);
    const { run } = (await manifests()).at(-1)?.manifest ?? {};
    const alone = await tickmark(['reperform', '--run', run ?? '', '--json'], '', { cwd });
    expect(alone.code).toBe(0);
    expect(JSON.parse(alone.stdout.split('\n')[0] ?? '')).toMatchObject({
      kind: 'sample',
      compared: null,
      population: 10,
      broken: [],
    });
  });

  it('is found out where its population lacks somebody, though its draw is as it has to be', async () => {
    await sample(...drawn, '--out', 'drawn');
    const store = new Store(folderBackend(join(cwd, 'evidence')));
    const last = (await store.last())?.manifest as Manifest;
    const { sequence: _s, previous: _p, signature: _k, timestamps: _t, ...draft } = last;
    const own = draft.sample as NonNullable<Manifest['sample']>;
    const population: PopulationItem[] = [];
    for await (const lines of readList(store.backend, own.population)) {
      population.push(...(lines as PopulationItem[]));
    }
    const without = population.filter(({ uid }) => uid !== 'bob');
    const { seed, size } = own;
    const again = draw(without, { seed, size, by: null, timezone: 'UTC' }).drawn;
    const forged = {
      ...own,
      population: await store.writePlainLines(without, itemKey),
      items: await store.writePlainLines(again.map(lineOf), itemKey),
    };
    const run = `${draft.run.slice(0, -6)}ffffff`;
    const signer = pemSigner(await read('key.pem'), 'the test');
    await store.seal({ ...draft, run, sample: forged }, { signer, authorities: [] });

    expect((await tickmark(['verify', 'evidence'], '', { cwd })).code).toBe(0);
    const { code, stdout } = await tickmark(['reperform', '--run', run], '', { cwd });
    expect(code).toBe(4);
    expect(stdout).toMatch(
      /its population is not what the bundles before it come to \(4 items are sealed, and the bundles before it come to 5; item 4 has to be bob/,
    );
  });
});

describe('a sample that cannot be drawn', () => {
  it.each([
    [['badge-open', '--size', '2'], /--seed is missing: .*the auditor gives it/],
    [['badge-open', '--seed', 'x'], /--size is missing: the auditor says how many/],
    [['badge-open', '--seed', 'x', '--size', '0'], /Expected a whole number above 0, or auto/],
    [['badge-open', '--seed', 'two words', '--size', '1'], /without blanks/],
    [['badge-open', '--seed', 'é', '--size', '1'], /ASCII/],
    [['badge-open', '--seed', 'x', '--size', '1', '--by', 'month'], /a state, which has no month/],
    [['badge-opn', '--seed', 'x', '--size', '1'], /did you mean "badge-open"/],
    [
      [
        'entry-known',
        '--seed',
        'x',
        '--size',
        '1',
        '--from',
        '2025-01-01',
        '--until',
        '2025-01-31',
      ],
      /is empty.*nothing was drawn, and nothing sealed/,
    ],
  ])('%j: nothing is sealed, no folder is made', async (args, words) => {
    const before = await readdir(cwd);
    const { code, stdout, stderr } = await sample(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(words);
    expect(await readdir(cwd)).toEqual(before);
    expect(await manifests()).toHaveLength(nights);
  });

  it('is not mixed with what lies in a folder', async () => {
    await mkdir(join(cwd, 'drawn'));
    const { code, stderr } = await sample(...drawn, '--out', 'drawn');
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('drawn exists, and a sample is not mixed'),
    ]);
    expect(await manifests()).toHaveLength(nights);
  });

  it('leaves no folder where nothing could be sealed', async () => {
    // The nights are signed, and there is no key any more.
    await rm(join(cwd, 'key.pem'));
    const { code } = await sample(...drawn, '--out', 'drawn');
    expect(code).toBe(2);
    expect(await readdir(cwd)).not.toContain('drawn');
  });

  it('needs a night', async () => {
    const folder = await newDoorProject({ address: 'http://127.0.0.1:1' });
    const { code, stderr } = await tickmark(['sample', ...drawn], '', { cwd: folder });
    expect([code, stderr]).toEqual([2, expect.stringContaining('holds no night yet')]);
  });
});
