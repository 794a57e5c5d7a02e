/**
 * The command line, killed at every call that changes a file of the store, and on disks that are
 * full or read-only. The night is signed, and the second of its store.
 */
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Project } from '../../src/cli/project.ts';
import type { ProjectSealing } from '../../src/cli/sealing.ts';
import { generateKeyPair } from '../../src/seal/signature.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import type { FileFault, FileFaultVariable } from '../support/faulty-files.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import {
  breaksOf,
  bundlesOf,
  type Door,
  newDoorProject,
  nightOn,
  openDoorProject,
  rowsOf,
  signedBy,
  startDoor,
} from './door-project.ts';
import type { Row } from './project.ts';

/** Between the first two nobody enters; a badge is new. */
const clocks = ['2026-01-02T02:00:00Z', '2026-01-02T08:00:00Z', '2026-01-04T02:00:00Z'] as const;
const variable: FileFaultVariable = 'TICKMARK_TEST_FILE_FAULT';
const preload = new URL('../../dist/test/support/faulty-files.js', import.meta.url).href;
const pair = generateKeyPair();
const sealing: ProjectSealing = signedBy(pair.privateKey);

let door: Door;
let cwd: string;
let project: Project;
/** A store with one night. */
let one: string;
/** What the next night finds behind none, behind one and behind two. */
let expected: Row[][];
/** The calls of a second night that nothing happens to. */
let calls: string[];

interface Failed extends CliResult {
  store: string;
  /** Calls that changed a file of the store, the chosen one among them. */
  calls: string[];
}

/** The second night on a copy of the store, or a first one, with a fault at one of its calls. */
async function second(how: FileFault['how'], at: number, first?: 'of its store'): Promise<Failed> {
  const folder = await temporaryFolder();
  const store = join(folder, 'evidence');
  const journal = join(folder, 'journal');
  if (first === undefined) await cp(one, store, { recursive: true });
  const fault: FileFault = { below: store, at, how, journal };
  const result = await run(clocks[1], store, {
    NODE_OPTIONS: `--import=${preload}`,
    [variable]: JSON.stringify(fault),
  });
  const lines = (await readFile(journal, 'utf8')).split('\n').slice(0, -1);
  return { ...result, store, calls: lines };
}

function run(clock: string, store: string, env: Record<string, string> = {}): Promise<CliResult> {
  return tickmark(['run', '--json', '--clock', clock, '--store', store], '', {
    cwd,
    env: { TICKMARK_SIGNING_KEY: pair.privateKey, ...env },
  });
}

/**
 * What has to hold of a store however its last night ended: it is whole, and the next night goes on
 * from there. @returns how many nights were sealed before.
 */
async function expectNextNight(store: string, about: string, byCommand: boolean): Promise<number> {
  const backend = folderBackend(store);
  const before = await bundlesOf(backend);
  if (before.length > 0) expect(await breaksOf(backend, sealing), about).toEqual([]);
  if (byCommand) {
    const { code, stderr } = await run(clocks[2], store);
    expect(code, `${about}: ${stderr}`).toBe(1);
  } else await nightOn(project, backend, clocks[2], sealing);
  const after = await bundlesOf(backend);
  expect(after.slice(0, -1), about).toEqual(before);
  const [rows] = await rowsOf(backend, after.slice(-1));
  expect(rows, about).toEqual(expected[before.length]);
  expect(await breaksOf(backend, sealing), about).toEqual([]);
  return before.length;
}

const filesOf = async (store: string) =>
  (await readdir(store, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

beforeAll(async () => {
  door = await startDoor();
  cwd = await newDoorProject(door);
  project = await openDoorProject(cwd);
  one = join(await temporaryFolder(), 'evidence');
  await nightOn(project, folderBackend(one), clocks[0], sealing);
  // As in a store of many nights: no folder is new, and every run makes the same number of calls.
  for (let folder = 0; folder < 256; folder += 1) {
    const name = folder.toString(16).padStart(2, '0');
    await mkdir(join(one, 'objects', name), { recursive: true });
  }
  door.badges.push({ id: 'cyd', blocked: false });
  const whole = await second('killed', 0);
  expect(whole.code, whole.stderr).toBe(1);
  calls = whole.calls;
  const next = async (store: string) => {
    const { bundles } = await nightOn(project, folderBackend(store), clocks[2], sealing);
    return (await rowsOf(folderBackend(store), bundles)).flat();
  };
  const copy = join(await temporaryFolder(), 'evidence');
  await cp(one, copy, { recursive: true });
  const none = join(await temporaryFolder(), 'evidence');
  expected = [await next(none), await next(copy), await next(whole.store)];
});

afterAll(async () => {
  await door.close();
  await removeTemporary();
});

describe('a night that is killed', () => {
  it('at any write and any name that is given is sealed whole or not at all', {
    timeout: 600_000,
  }, async () => {
    // A half of the bytes is written at each call that writes; here none, in each folder.
    const faults = ['objects', 'seals', 'bundles'].map((folder) => ({
      how: 'killed' as const,
      at: 1 + calls.findIndex((call) => call.startsWith(`write ${folder}`)),
    }));
    // Every write, every name that is given, all around the sealing, and the first of each other
    // kind: three, since each may have another number in the next run.
    const chosen = calls.flatMap((call, index) => {
      const [kind = ''] = call.split(' ');
      const before = calls.slice(0, index).filter((each) => each.startsWith(`${kind} `));
      const isChosen = before.length < 3 || /^(write|link) |^\w+ (bundles|seals)/.test(call);
      return isChosen ? [index + 1] : [];
    });
    // Objects that fall into one folder sync it once: a run has a few calls more or less.
    const beyond = Array.from({ length: 8 }, (_call, index) => calls.length + 1 + index);
    const left = [...chosen, ...beyond];
    let survived: Failed | undefined;
    const ends: { at: number; call: string; nights: number; named: boolean }[] = [];
    const next = (): { how: FileFault['how']; at: number } | undefined => {
      const at = left.shift();
      return at === undefined ? faults.pop() : { how: 'killed half-way', at };
    };
    const work = async () => {
      for (let fault = next(); fault !== undefined; fault = next()) {
        const failed = await second(fault.how, fault.at);
        const call = failed.calls.at(-1) ?? 'no call';
        const about = `${fault.how} at call ${fault.at}, ${call}`;
        if (failed.code !== null) {
          expect(failed.calls.length, about).toBeLessThan(fault.at);
          survived ??= failed;
          continue;
        }
        expect(failed.calls, about).toHaveLength(fault.at);
        expect(failed.stdout, about).toBe('');
        // By the command line itself around the moment of sealing.
        const byCommand = /^\w+ (bundles|seals)/.test(call);
        const nights = await expectNextNight(failed.store, about, byCommand);
        const named = failed.calls.slice(0, -1).some((each) => each.startsWith('link bundles/'));
        ends.push({ at: fault.at, call, nights, named });
      }
    };
    await Promise.all([work(), work()]);

    expect(survived).toMatchObject({ code: 1, calls: expect.any(Array) });
    const numbers = new Set(ends.map((end) => end.at));
    expect(numbers.size).toBeGreaterThan(chosen.length - beyond.length);
    for (const kind of ['mkdir', 'open', 'write', 'sync', 'link', 'unlink', 'lutimes']) {
      const killed = ends.filter(({ call }) => call.startsWith(`${kind} `));
      expect(killed.length, kind).toBeGreaterThan(0);
    }
    // Sealed is what has its name: from the call behind that link on.
    for (const { at, call, nights, named } of ends) {
      expect(nights, `killed at call ${at}, ${call}`).toBe(named ? 2 : 1);
    }
    expect(ends.filter(({ named }) => named).length).toBeGreaterThan(0);
  });

  it('as the first of its store leaves folders that the next goes on with', {
    timeout: 120_000,
  }, async () => {
    const whole = await second('killed', 0, 'of its store');
    const made = ['objects', 'seals', 'bundles'].map((folder) =>
      whole.calls.findIndex((call) => call.startsWith(`mkdir ${folder}`)),
    );
    for (const index of made) {
      // At the call behind it: the folder is there, and nothing is in it.
      const failed = await second('killed', index + 2, 'of its store');
      const about = `killed at call ${index + 2}, ${failed.calls.at(-1)}`;
      expect(failed.code, about).toBeNull();
      expect(await expectNextNight(failed.store, about, true), about).toBe(0);
    }
  });
});

describe('a disk', () => {
  it('that is full ends the night with 3 and in a sentence, wherever it becomes so', {
    timeout: 300_000,
  }, async () => {
    // The first call of each kind in each folder of the store.
    const kinds = new Map<string, number>();
    for (const [index, call] of calls.entries()) {
      const kind = /^(write|link) bundles|^\w+/.exec(call)?.[0] ?? '';
      if (!kinds.has(kind) && kind !== 'unlink') kinds.set(kind, index + 1);
    }
    expect(kinds.size).toBe(8);
    const all = [...kinds];
    const work = async () => {
      for (let each = all.pop(); each !== undefined; each = all.pop()) {
        const [kind, at] = each;
        const { code, stderr, store } = await second('ENOSPC', at);
        const about = `${kind}, call ${at}: ${stderr}`;
        expect(code, about).toBe(3);
        expect(stderr, about).toMatch(
          /^tickmark: cannot .*: the disk is full: make room and run again$/m,
        );
        expect(stderr, about).not.toMatch(/^\s+at /m);
        expect(await filesOf(store), about).not.toContainEqual(expect.stringContaining('.tmp-'));
        expect(await expectNextNight(store, about, false), about).toBe(1);
      }
    };
    await Promise.all([work(), work()]);
  });

  it('that is read-only ends it with 3, changes nothing and hinders no reading', {
    timeout: 60_000,
  }, async () => {
    const { code, stdout, stderr, store } = await second('EROFS', 1);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/: the file system is read-only: name another place with --store$/m);
    expect((await filesOf(store)).length).toBe((await filesOf(one)).length);
    const results = await tickmark(['results', '--json', '--store', store], '', { cwd });
    expect(results.code).toBe(0);
    expect(results.stdout.trim().split('\n')).toHaveLength(3);
    expect(await expectNextNight(store, 'read-only', true)).toBe(1);
  });
});
