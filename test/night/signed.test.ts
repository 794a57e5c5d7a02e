/** Signed nights of the command line: side by side, from several machines, by clocks that go back. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateKeyPair } from '../../src/seal/signature.ts';
import type { Backend } from '../../src/store/backend.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { tickmark } from '../support/cli.ts';
import { removeTemporary } from '../support/temporary.ts';
import {
  breaksOf,
  bundlesOf,
  type Door,
  findingsOf,
  newDoorProject,
  signedBy,
  startDoor,
} from './door-project.ts';
import { readRows } from './project.ts';

const pair = generateKeyPair();
const another = generateKeyPair();
const sealing = signedBy(pair.privateKey);

let door: Door;
let cwd: string;
let backend: Backend;

const call = (args: string[], key?: string, more: Record<string, string> = {}) =>
  tickmark(args, '', { cwd, env: { TICKMARK_SIGNING_KEY: key, ...more } });

async function night(clock: string, key = pair.privateKey): Promise<void> {
  const { code, stderr } = await call(['run', '--json', '--clock', clock], key);
  expect(code, stderr).toBe(1);
}

/** A night on a machine whose clock says so, which nothing tells Tickmark. */
async function nightAt(time: string): Promise<void> {
  const shifted = `const Real = Date;
const shift = Real.parse(${JSON.stringify(time)}) - Real.now();
globalThis.Date = class extends Real {
  static now() { return Real.now() + shift; }
  constructor(...parts) { parts.length > 0 ? super(...parts) : super(Real.now() + shift); }
};`;
  const preload = `data:text/javascript,${encodeURIComponent(shifted)}`;
  const { code, stderr } = await call(['run', '--json'], pair.privateKey, {
    NODE_OPTIONS: `--import=${preload}`,
  });
  expect(code, stderr).toBe(1);
}

/** Every file of the store. */
const files = async () =>
  (await readdir(join(cwd, 'evidence'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

beforeAll(async () => {
  door = await startDoor();
});

beforeEach(async () => {
  cwd = await newDoorProject(door);
  backend = folderBackend(join(cwd, 'evidence'));
});

afterAll(async () => {
  await door.close();
  await removeTemporary();
});

describe('signed nights', () => {
  it('at once are all sealed, one behind the other', { timeout: 60_000 }, async () => {
    let open = () => {};
    door.asked = [];
    door.opened = new Promise((resolve) => {
      open = resolve;
    });
    const started = [1, 2, 3].map(() =>
      call(['run', '--json', '--clock', '2026-01-02T02:00:00Z'], pair.privateKey),
    );
    while (door.asked.filter((path) => path === '/badges').length < 3) await pause(10);
    open();
    const runs = await Promise.all(started);
    expect(runs.map(({ code }) => code)).toEqual([1, 1, 1]);
    const sequences = runs.map(({ stdout }) => JSON.parse(stdout).bundle.sequence);
    expect(sequences.sort()).toEqual([1, 2, 3]);
    const bundles = await bundlesOf(backend);
    expect(new Set(bundles.map(({ manifest }) => manifest.run)).size).toBe(3);
    expect(bundles.map(({ manifest }) => manifest.previous)).toEqual([
      null,
      ...bundles.slice(0, -1).map(({ digest }) => digest),
    ]);
    expect(await breaksOf(backend, sealing)).toEqual([]);
    for (const { manifest } of bundles) {
      const rows = await readRows(cwd, '--run', manifest.run);
      expect(rows.map(({ resource }) => resource.uid)).toEqual(['ada', 'bob', 'entry-01']);
    }
  });

  it('by a clock that went back are sealed, and noted', { timeout: 60_000 }, async () => {
    for (const day of ['05', '03', '06']) await nightAt(`2026-01-${day}T02:00:00Z`);
    const findings = await findingsOf(backend, sealing);
    expect(findings.filter(({ severity }) => severity === 'break')).toEqual([]);
    expect(findings.filter(({ code }) => code === 'ClockWentBack')).toMatchObject([
      { severity: 'note', bundles: [2] },
    ]);
    const bundles = await bundlesOf(backend);
    expect(bundles.map(({ manifest }) => manifest.clock)).toEqual(['system', 'system', 'system']);
    const intervals = bundles.flatMap(({ manifest }) =>
      manifest.slices.flatMap(({ interval }) => interval ?? []),
    );
    // What a clock that was ahead claims to hold is no answer: that time is asked for again.
    expect(intervals.map(({ start, end }) => [start.slice(8, 10), end.slice(8, 10)])).toEqual([
      ['01', '05'],
      ['01', '03'],
      ['03', '06'],
    ]);
    expect(intervals.map((each) => each.covered_since.slice(8, 10))).toEqual(['01', '01', '01']);
  });

  it('from two machines are both trusted where one introduced the other', {
    timeout: 60_000,
  }, async () => {
    await night('2026-01-02T02:00:00Z');
    await writeFile(join(cwd, 'another.pub.pem'), another.publicKey);
    const introduced = await call(['keygen', '--introduce', 'another.pub.pem'], pair.privateKey);
    expect(introduced.code, introduced.stderr).toBe(0);
    await night('2026-01-03T02:00:00Z', another.privateKey);
    await night('2026-01-04T02:00:00Z', pair.privateKey);
    await night('2026-01-05T02:00:00Z', another.privateKey);
    const signatures = (await bundlesOf(backend)).map(({ manifest }) => manifest.signature);
    const [a, b] = [pair.fingerprint, another.fingerprint];
    expect(signatures.map((signature) => signature?.key)).toEqual([a, a, b, a, b]);
    expect(signatures.map((signature) => signature?.previous_key)).toEqual([null, a, a, b, a]);
    // Trust in the first key is enough: it signed who else may.
    const findings = await findingsOf(backend, sealing);
    expect(findings.filter(({ severity }) => severity === 'break')).toEqual([]);
    expect(findings.map(({ code }) => code)).toContain('KeyIntroduced');
  });
});

describe('a night in a signed store', () => {
  beforeEach(async () => {
    await night('2026-01-02T02:00:00Z');
  });

  it.each([
    ['without a key', undefined, /are signed, and this one would not be.*TICKMARK_SIGNING_KEY/],
    [
      'with a key that nobody introduced',
      another.privateKey,
      new RegExp(`key ${another.fingerprint} .* may not sign .* tickmark keygen --introduce`),
    ],
  ])('%s ends with 2 before anything is asked', async (_what, key, message) => {
    const before = await files();
    for (const command of ['run', 'collect', 'evaluate']) {
      const asked = door.asked.length;
      const { code, stdout, stderr } = await call([command, '--json'], key);
      expect({ code, stdout }, command).toEqual({ code: 2, stdout: '' });
      expect(stderr, command).toMatch(message);
      expect(door.asked, command).toHaveLength(asked);
    }
    expect(await files()).toEqual(before);
  });
});
