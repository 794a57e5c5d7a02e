/** `tickmark diff` between nights of which it is known what differs. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateKeyPair } from '../../src/seal/signature.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { readChunks } from '../../src/store/lists.ts';
import { objectKey } from '../../src/store/objects.ts';
import {
  bundlesOf,
  type Door,
  newDoorProject,
  nightOn,
  openDoorProject,
  signedBy,
  startDoor,
} from '../night/door-project.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { removeTemporary } from '../support/temporary.ts';

let door: Door;
let cwd: string;
const runs: string[] = [];

const crowd = Array.from({ length: 60 }, (_, index) => ({
  id: `badge-${String(index).padStart(2, '0')}`,
  blocked: false,
}));

const sealing = signedBy(generateKeyPair().privateKey);
async function night(clock: string): Promise<void> {
  const project = await openDoorProject(cwd);
  const { bundles } = await nightOn(project, project.store.backend, clock, sealing);
  runs.push(bundles.at(-1)?.manifest.run ?? '');
}

beforeAll(async () => {
  door = await startDoor();
  cwd = await newDoorProject(door);
  door.badges = [...crowd, { id: 'ada', blocked: false }, { id: 'bob', blocked: true }];
  await night('2026-01-02T02:00:00Z');
  // Ada is blocked, Bob is gone, Carol comes.
  door.badges = [...crowd, { id: 'ada', blocked: true }, { id: 'carol', blocked: true }];
  await night('2026-01-03T02:00:00Z');
  // The same badges, and other words.
  const file = join(cwd, 'DR-01.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace("? 'blocked' : 'open'", "? 'blocked' : 'not blocked'"));
  const config = JSON.parse(await readFile(join(cwd, 'tickmark.yaml'), 'utf8'));
  config.sources.push({ ...config.sources[0], id: 'yard' });
  await writeFile(join(cwd, 'tickmark.yaml'), JSON.stringify(config));
  await night('2026-01-04T02:00:00Z');
});
afterAll(async () => {
  await door.close();
  await removeTemporary();
});

const diff = (...args: string[]): Promise<CliResult> =>
  tickmark(['diff', '--store', join(cwd, 'evidence'), ...args], '', { cwd });
const json = async (...args: string[]) =>
  (await diff('--json', ...args)).stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('tickmark diff', () => {
  it('says what came, went and changed its status', async () => {
    const { stdout, code } = await diff(runs[0] ?? '', runs[1] ?? '');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^from run ${runs[0]}, 2026-01-02 02:00:00 UTC \\(bundle `));
    const rows = stdout.split('\n').filter((line) => line.includes(' DR-01 '));
    expect(rows.map((line) => line.split(/ {2,}/))).toEqual([
      ['pass → fail', 'DR-01', 'badge-open', 'ada', 'main', 'open → blocked'],
      ['went: fail', 'DR-01', 'badge-open', 'bob', 'main', 'blocked'],
      ['came: fail', 'DR-01', 'badge-open', 'carol', 'main', 'blocked'],
    ]);
    expect(stdout).toContain('1 result came, 1 went, 1 changed their status.\n');
    expect(stdout).not.toContain('Differs beside the results');
  });

  it('takes days, and is the other way round the other way round', async () => {
    const there = await json('2026-01-02', '2026-01-03');
    expect(there.map(({ what, resource }) => [what, resource.uid])).toEqual([
      ['status', 'ada'],
      ['went', 'bob'],
      ['came', 'carol'],
    ]);
    expect(there[0]).toEqual({
      what: 'status',
      kind: 'state',
      control: 'DR-01',
      test: 'badge-open',
      resource: { uid: 'ada', name: 'ada', scope: 'main' },
      before: { status: 'pass', reason: 'open' },
      after: { status: 'fail', reason: 'blocked' },
    });
    const back = await json('2026-01-03', '2026-01-02');
    expect(back.map(({ what, resource }) => [what, resource.uid])).toEqual([
      ['status', 'ada'],
      ['came', 'bob'],
      ['went', 'carol'],
    ]);
  });

  it('counts what is of events and what differs in its reason only, and prints it with --all', async () => {
    const { stdout } = await diff('2026-01-02', '2026-01-03');
    // Each night tells of one entry of its own.
    expect(stdout).toContain(
      '2 results are of events that one of the runs told of (--all prints them).\n',
    );
    const all = await json('2026-01-02', '2026-01-03', '--all');
    expect(
      all.filter(({ kind }) => kind === 'event').map(({ what, resource }) => [what, resource.uid]),
    ).toEqual([
      ['went', 'entry-01'],
      ['came', 'entry-02'],
    ]);
    // The second source tells of the same badges: they come; of those there, the words changed.
    const words = await json('2026-01-03', '2026-01-04', '--all', '--test', 'badge-open');
    const reasons = words.filter(({ what }) => what === 'reason');
    expect(reasons).toHaveLength(60);
    expect(reasons[0]).toMatchObject({
      before: { status: 'pass', reason: 'open' },
      after: { status: 'pass', reason: 'not blocked' },
    });
    expect(words.filter(({ what }) => what === 'came')).toHaveLength(62);
  });

  it('says what else differs', async () => {
    const others = (await json('2026-01-03', '2026-01-04')).filter(
      ({ control }) => control === undefined,
    );
    expect(others.map(({ what, id }) => `${what} ${id}`)).toEqual([
      'control DR-01',
      'configuration ',
      'source yard',
    ]);
    expect(others[0].before).toMatch(/^[0-9a-f]{64}$/);
    expect(others[2]).toMatchObject({ before: null, after: { use: 'door' } });
    const { stdout } = await diff('2026-01-03', '2026-01-04');
    expect(stdout).toMatch(/^ {2}control DR-01: [0-9a-f]{12} → [0-9a-f]{12}$/m);
    expect(stdout).toMatch(/^ {2}source yard: none → \{.*"use":"door"\}$/m);
  });

  it('keeps to a control and to a test, and knows which there are', async () => {
    expect(await json('2026-01-02', '2026-01-03', '--test', 'entry-known')).toEqual([]);
    expect(await json('2026-01-02', '2026-01-03', '--control', 'DR-01')).toHaveLength(3);
    const test = await diff('2026-01-02', '2026-01-03', '--test', 'badge-opn');
    expect(test.stderr).toContain(
      'neither run was judged by a test badge-opn; did you mean "badge-open"?',
    );
    expect(test.code).toBe(2);
    expect((await diff('2026-01-02', '2026-01-03', '--control', 'DR-02')).code).toBe(2);
  });

  it('says so where nothing differs', async () => {
    const { stdout, code } = await diff('2026-01-02', '2026-01-02');
    expect(stdout).toContain('\nNo result came, went or changed its status.\n');
    expect(code).toBe(0);
    expect(await json('2026-01-02', '2026-01-02', '--all')).toEqual([]);
  });

  it('refuses runs and days that there are not', async () => {
    expect((await diff('2026-01-09', '2026-01-02')).code).toBe(2);
    expect((await diff('1999', '2026-01-02')).code).toBe(2);
    expect((await diff('2026-13-01', '2026-01-02')).code).toBe(2);
    expect((await diff('2026-01-02')).code).toBe(2);
  });

  // Last: what it takes away is gone.
  it('reads no pack of which it needs only chunks that both nights have', async () => {
    const store = join(cwd, 'evidence');
    const backend = folderBackend(store);
    // With two sources of one scope each result would have its own time, new every night.
    const config = JSON.parse(await readFile(join(cwd, 'tickmark.yaml'), 'utf8'));
    config.sources.pop();
    await writeFile(join(cwd, 'tickmark.yaml'), JSON.stringify(config));
    for (const [day, blocked] of [
      ['05', true],
      ['06', false],
      ['07', true],
    ] as const) {
      door.badges = [...crowd, { id: 'ada', blocked }, { id: 'carol', blocked: true }];
      await night(`2026-01-${day}T02:00:00Z`);
    }
    const [one, two] = (await bundlesOf(backend)).slice(-2);
    const chunksOf = async (bundle: typeof one) => {
      if (bundle === undefined || bundle.manifest.results === null) throw new Error('no results');
      return readChunks(backend, bundle.manifest.results.list);
    };
    const chunks = [...(await chunksOf(one)), ...(await chunksOf(two))];
    const times = (digest: string) => chunks.filter((chunk) => chunk.digest === digest).length;
    const needed = new Set(chunks.flatMap(({ digest, pack }) => (times(digest) > 1 ? [] : [pack])));
    const shared = new Set(chunks.flatMap(({ pack }) => (needed.has(pack) ? [] : [pack])));
    expect([needed.size, shared.size]).toEqual([2, 1]);
    for (const pack of shared) await rm(join(store, objectKey(pack)));
    expect(await json(runs[4] ?? '', runs[5] ?? '')).toHaveLength(1);
    const whole = await tickmark(['results', '--store', store, '--run', runs[4] ?? ''], '', {
      cwd,
    });
    expect(whole.code).toBe(4);
  });
});
