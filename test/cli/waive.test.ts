/** Waivers as their users meet them: a night under them, and the command that writes one. */
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Result } from '../../src/evidence/result.ts';
import { type Door, newDoorProject, startDoor } from '../night/door-project.ts';
import type { PrintedSummary } from '../night/project.ts';
import { storeOf } from '../night/project.ts';
import { tickmark } from '../support/cli.ts';
import { removeTemporary } from '../support/temporary.ts';

// Each test starts the program, several times; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

let door: Door;
beforeAll(async () => {
  door = await startDoor();
});
afterAll(async () => {
  await door.close();
  await removeTemporary();
});

const cli = (cwd: string, ...args: string[]) => tickmark(args, '', { cwd });

/** The only resource of state that fails: bob's badge. */
const bob = {
  test: 'badge-open',
  resource: 'bob',
  reason: 'On leave until the twelfth',
  approver: 'Grace Hopper',
  from: '2026-01-10',
  until: '2026-01-12',
  ticket: 'SEC-123',
};
/** The one event that fails, of the third. */
const stranger = { ...bob, test: 'entry-known', resource: 'entry-*', reason: 'A courier' };

async function project(waivers?: object[], settings: object = {}): Promise<string> {
  const named = waivers === undefined ? {} : { waivers: './waivers.yaml' };
  const folder = await newDoorProject(door, { ...named, ...settings });
  if (waivers !== undefined) await writeWaivers(folder, waivers);
  return folder;
}

async function writeWaivers(folder: string, waivers: object[]): Promise<void> {
  await writeFile(join(folder, 'waivers.yaml'), JSON.stringify({ waivers }));
}

async function night(
  folder: string,
  ...args: string[]
): Promise<{ code: number | null; summary: PrintedSummary }> {
  const { stdout, stderr, code } = await cli(folder, ...args, '--json');
  if (stdout === '') throw new Error(`it ended with ${code}: ${stderr}`);
  return { code, summary: JSON.parse(stdout) as PrintedSummary };
}

async function rows(folder: string, ...args: string[]): Promise<Result[]> {
  const { stdout } = await cli(folder, 'results', '--json', ...args);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Result);
}

describe('a night', () => {
  it('waives what a waiver in force covers, and does not end with 1 for it', async () => {
    const folder = await project([bob, stranger]);
    const { code, summary } = await night(folder, 'run', '--clock', '2026-01-11T02:00:00Z');
    expect(code).toBe(0);
    expect(summary).toMatchObject({ exit_code: 0, deviations: [], idle_waivers: [] });
    expect(summary.counts).toMatchObject({ fail: 0, waived: 1 });
    const reason =
      'waived until 2026-01-12 by Grace Hopper (SEC-123): On leave until the twelfth; blocked';
    const resource = { uid: 'bob', name: 'bob', scope: 'main' };
    expect(summary.waived).toEqual([
      { control: 'DR-01', test: 'badge-open', title: 'The badge is not blocked', resource, reason },
    ]);
    expect(summary.controls).toMatchObject([{ outcome: 'no deviations', counts: { waived: 1 } }]);
    // The entry of the third came with the backfill, which is judged on the same day.
    expect(summary.backfill.map(({ counts }) => counts)).toMatchObject([{ fail: 0, waived: 1 }]);

    expect(await rows(folder, '--status', 'waived')).toMatchObject([
      { test: 'badge-open', resource, status: 'waived', reason, observed: { blocked: true } },
    ]);
    const verified = await cli(folder, 'verify', './evidence');
    expect(verified).toMatchObject({ code: 0 });
    const again = await cli(folder, 'reperform');
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('no difference') });
  });

  it('seals the file with each bundle, as it was', async () => {
    const folder = await project([bob]);
    await night(folder, 'run', '--clock', '2026-01-11T02:00:00Z');
    const bytes = await readFile(join(folder, 'waivers.yaml'));
    await writeWaivers(folder, []);
    const store = storeOf(folder);
    const bundles = [];
    for await (const { manifest } of store.bundles()) bundles.push(manifest.waivers);
    expect(bundles.length).toBe(2);
    for (const sealed of bundles) {
      expect(sealed?.file).toBe('./waivers.yaml');
      expect(await store.readBytes(sealed?.digest ?? '')).toEqual(bytes);
    }
  });

  it('prints what is waived beside what is not, and each waiver that did nothing', async () => {
    const folder = await project([
      bob,
      { ...bob, from: '2026-01-01', until: '2026-01-09' },
      { ...bob, from: '2026-01-13', until: '2026-02-28' },
      { ...bob, resource: 'carol', scope: 'main' },
      // Of events it cannot be said: what happened is judged once.
      { ...stranger, resource: 'entry-99' },
    ]);
    const { code, summary } = await night(folder, 'run', '--clock', '2026-01-11T02:00:00Z');
    const common = { test: 'badge-open', approver: 'Grace Hopper', untold: 0 };
    expect(summary.idle_waivers).toEqual([
      { ...common, state: 'expired', resource: 'bob', from: '2026-01-01', until: '2026-01-09' },
      {
        ...common,
        state: 'not yet in force',
        resource: 'bob',
        from: '2026-01-13',
        until: '2026-02-28',
      },
      {
        ...common,
        state: 'unmatched',
        resource: 'carol',
        scope: 'main',
        from: '2026-01-10',
        until: '2026-01-12',
      },
    ]);
    // The entry of the third is no one's.
    expect(code).toBe(1);

    const { stdout } = await cli(folder, 'evaluate');
    expect(stdout).toMatch(/CONTROL .* WAIVED\n/);
    expect(stdout).toMatch(
      /1 deviation waived\n {2}badge-open \(DR-01\) The badge is not blocked\n {4}bob in main: waived until 2026-01-12 by Grace Hopper/,
    );
    expect(stdout).toMatch(/3 waivers without effect\n/);
    expect(stdout).toMatch(/badge-open bob: expired on 2026-01-09/);
    expect(stdout).toMatch(/badge-open bob: not yet in force: from 2026-01-13 on/);
    expect(stdout).toMatch(/badge-open carol in main: unmatched/);
    expect(stdout).toMatch(/Results: .* 1 waived/);
  });

  it('says with an unmatched waiver that its test could not be told', async () => {
    const folder = await project([{ ...bob, resource: 'carol' }]);
    door.badges = [...door.badges, { id: 'broken' } as Door['badges'][number]];
    try {
      const { code, summary } = await night(folder, 'run', '--clock', '2026-01-11T02:00:00Z');
      expect(code).toBe(3);
      expect(summary.idle_waivers).toMatchObject([{ state: 'unmatched', untold: 2 }]);
    } finally {
      door.badges.pop();
    }
  });

  it('never waives what could not be told', async () => {
    const folder = await project([{ ...bob, resource: '*' }]);
    door.badges = [...door.badges, { id: 'broken' } as Door['badges'][number]];
    try {
      const { code, summary } = await night(folder, 'run', '--clock', '2026-01-11T02:00:00Z');
      expect(code).toBe(3);
      expect(summary.counts.error).toBeGreaterThan(0);
      expect(summary.waived.map(({ resource }) => resource.name)).toEqual(['bob']);
    } finally {
      door.badges.pop();
    }
  });

  it('counts days where the organisation is', async () => {
    const once = [{ ...bob, from: '2026-01-12', until: '2026-01-12' }];
    const folder = await project(once, { timezone: 'Pacific/Kiritimati' });
    const waived = async (clock: string) =>
      (await night(folder, 'run', '--clock', clock)).summary.counts.waived;
    expect(await waived('2026-01-11T09:00:00Z')).toBe(0);
    expect(await waived('2026-01-11T11:00:00Z')).toBe(1);
    expect(await waived('2026-01-12T11:00:00Z')).toBe(0);
  });

  it.each([
    [
      'a file that is not there',
      undefined,
      /tickmark\.yaml:1:\d+ waivers: \.\/waivers\.yaml does not exist; tickmark waive/,
    ],
    [
      'a file that is wrong',
      '{ "waivers": [{ "test": "badge-opn" }] }',
      /\.\/waivers\.yaml:1:\d+ waivers\[0\]\.resource: missing/,
    ],
    [
      'a test that there is not',
      JSON.stringify({ waivers: [{ ...bob, test: 'badge-opn' }] }),
      /waivers\[0\]\.test: there is no test "badge-opn"; did you mean "badge-open"\?/,
    ],
  ])('does not begin with %s', async (_what, text, message) => {
    const folder = await project(undefined, { waivers: './waivers.yaml' });
    if (text !== undefined) await writeFile(join(folder, 'waivers.yaml'), text);
    const { code, stderr } = await cli(folder, 'run');
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(await readdir(folder)).not.toContain('evidence');
  });
});

it('evaluate judges an old night by the waivers that are in force on its day', async () => {
  const folder = await project([bob]);
  const runs: string[] = [];
  const seen: number[] = [];
  for (const day of ['09', '11', '13']) {
    const { summary } = await night(folder, 'run', '--clock', `2026-01-${day}T02:00:00Z`);
    runs.push(summary.run);
    seen.push(summary.counts.waived);
  }
  expect(seen).toEqual([0, 1, 0]);
  const again = async () => {
    const waived: number[] = [];
    for (const run of runs) {
      const { summary } = await night(folder, 'evaluate', '--run', run);
      waived.push(summary.counts.waived);
    }
    return waived;
  };
  expect(await again()).toEqual([0, 1, 0]);
  // A waiver that is written afterwards is that of its dates, not of the day it was written.
  await writeWaivers(folder, [{ ...bob, from: '2026-01-09', until: '2026-01-09' }]);
  expect(await again()).toEqual([1, 0, 0]);
  // Every bundle was judged with the file that it names.
  expect(await cli(folder, 'reperform')).toMatchObject({ code: 0 });
  expect(await cli(folder, 'verify', './evidence')).toMatchObject({ code: 0 });
});

describe('tickmark waive', () => {
  const given = ['--reason', 'On leave', '--approver', 'Grace Hopper', '--until', '2099-12-31'];
  const waive = (folder: string, ...args: string[]) => cli(folder, 'waive', ...args);

  it('makes the file, and says what the configuration lacks', async () => {
    const folder = await project();
    const before = await readFile(join(folder, 'tickmark.yaml'));
    const { code, stdout, stderr } = await waive(folder, 'badge-open', 'bob', ...given);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining('Wrote to ./waivers.yaml'),
    });
    expect(stderr).toContain('add the line   waivers: ./waivers.yaml');
    expect(stderr).toContain('there is no night yet');
    const written = await readFile(join(folder, 'waivers.yaml'), 'utf8');
    expect(written).toMatch(
      /^# .*\nwaivers:\n {2}- test: badge-open\n {4}resource: bob\n {4}reason: On leave\n {4}approver: Grace Hopper\n {4}from: \d{4}-\d\d-\d\d\n {4}until: 2099-12-31\n$/,
    );
    expect(await readFile(join(folder, 'tickmark.yaml'))).toEqual(before);
    expect((await readdir(folder)).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('begins today in the configured time zone', async () => {
    // Between the two it is never the same day.
    const days = [];
    for (const timezone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
      const today = () => new Date().toLocaleDateString('sv-SE', { timeZone: timezone });
      const folder = await project(undefined, { timezone });
      const before = today();
      const { stdout } = await waive(folder, 'badge-open', 'bob', ...given, '--json');
      const { waiver } = JSON.parse(stdout) as { waiver: { from: string } };
      expect([before, today()]).toContain(waiver.from);
      days.push(waiver.from);
    }
    expect(days[0]).not.toBe(days[1]);
  });

  it('adds to the configured file and keeps all of it, and the next night acts on it', async () => {
    const folder = await project(undefined, { waivers: './risk/waivers.yaml' });
    const file = join(folder, 'risk', 'waivers.yaml');
    await mkdir(join(folder, 'risk'));
    const before = `# Approved by the risk committee.
waivers:

- test:     badge-open   # ask Ada
  resource: 'carol'
  reason: >-
    Kept
    in a safe
  approver: Ada
  from: 2026-01-01
  until: 2026-01-31
`;
    await writeFile(file, before);
    const options = ['--from', '2026-01-10', '--scope', 'main', '--ticket', 'SEC-1'];
    const control = ['--compensating-control', 'The door is watched'];
    const { code } = await waive(folder, 'badge-open', 'b*', ...given, ...options, ...control);
    expect(code).toBe(0);
    expect(await readFile(file, 'utf8')).toBe(`${before}- test: badge-open
  resource: b*
  scope: main
  reason: On leave
  approver: Grace Hopper
  from: 2026-01-10
  until: 2099-12-31
  compensating_control: The door is watched
  ticket: SEC-1
`);
    const { summary } = await night(folder, 'run', '--clock', '2026-01-11T02:00:00Z');
    expect(summary.waived.map(({ reason }) => reason)).toEqual([
      'waived until 2099-12-31 by Grace Hopper (SEC-1): On leave; blocked',
    ]);
  });

  it('says what of the latest night it would cover, and warns where that is nothing', async () => {
    const folder = await project([]);
    const { summary } = await night(folder, 'run', '--clock', '2026-01-11T02:00:00Z');
    const tried = async (...args: string[]) => {
      const { code, stdout, stderr } = await waive(folder, ...args, ...given, '--dry-run');
      expect(code).toBe(0);
      return { stdout, stderr };
    };
    const bobs = await tried('badge-open', 'b*');
    expect(bobs.stdout).toMatch(
      new RegExp(
        `latest night \\(2026-01-11, run ${summary.run}\\) .* 1 result:\\n {2}bob in main: blocked\\n$`,
      ),
    );
    expect(bobs.stderr).toBe('');
    expect((await tried('badge-open', 'bobb')).stderr).toMatch(
      /would cover nothing of the latest night .*: it has no result of badge-open for "bobb"/,
    );
    expect((await tried('badge-open', 'ada')).stderr).toMatch(
      /of the 1 result of badge-open for "ada" none is a fail/,
    );
    expect((await tried('badge-open', 'bob', '--scope', 'side')).stderr).toMatch(
      /no result of badge-open for "bob" in "side"/,
    );
    expect(await readFile(join(folder, 'waivers.yaml'), 'utf8')).toBe('{"waivers":[]}');

    const { stdout } = await waive(folder, 'badge-open', 'bob', ...given, '--dry-run', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      file: './waivers.yaml',
      written: false,
      waiver: { test: 'badge-open', resource: 'bob', until: '2099-12-31' },
      latest: {
        run: summary.run,
        covers: [{ resource: { name: 'bob' }, status: 'fail', reason: 'blocked' }],
      },
      notes: [],
    });
  });

  it('writes although the store cannot be read, and says what it could not tell', async () => {
    const folder = await project([], { store: './tickmark.yaml' });
    const { code, stderr } = await waive(folder, 'badge-open', 'bob', ...given);
    expect(code).toBe(0);
    expect(stderr).toContain('what it would cover could not be told');
    expect(await readFile(join(folder, 'waivers.yaml'), 'utf8')).toContain('badge-open');
  });

  it('says of days in the past what they do not change', async () => {
    const folder = await project([]);
    const past = ['--from', '2026-01-01', '--until', '2026-01-31'];
    const { code, stderr } = await waive(folder, 'badge-open', 'bob', ...given, ...past);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /begins on 2026-01-01, in the past: nights that are sealed already stay/,
    );
    expect(stderr).toMatch(/it ended on 2026-01-31: no coming night is under it/);
  });

  it.each([
    [
      'no option',
      [],
      /give --reason .*, --approver .*, --until .*\n {2}tickmark waive badge-open "bob" --reason/,
    ],
    ['no end', given.slice(0, 4), /give --until \(its last day: no waiver is for ever\), as in/],
    [
      'a day that is none',
      [...given, '--until', '31.12.2099'],
      /--until: expected a day as YYYY-MM-DD, found "31\.12\.2099"/,
    ],
    [
      'an end before its beginning',
      [...given, '--from', '2026-02-01', '--until', '2026-01-31'],
      /--until: the waiver ends before it begins/,
    ],
    ['an empty reason', [...given, '--reason', ' '], /--reason: expected words/],
    [
      'an empty control',
      [...given, '--compensating-control', ''],
      /--compensating-control: expected words/,
    ],
  ])('refuses %s and writes nothing', async (_what, options, message) => {
    const folder = await project([]);
    const { code, stdout, stderr } = await waive(folder, 'badge-open', 'bob', ...options);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(await readFile(join(folder, 'waivers.yaml'), 'utf8')).toBe('{"waivers":[]}');
  });

  it('refuses a test that there is not, and what is accepted already', async () => {
    const folder = await project([bob]);
    expect(await waive(folder, 'badge-opn', 'bob', ...given)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'TEST: there is no test "badge-opn"; did you mean "badge-open"?',
      ),
    });
    const twice = [...given, '--from', '2026-01-12'];
    expect(await waive(folder, 'badge-open', 'bob', ...twice)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('waivers[0] accepts the same from 2026-01-10 to 2026-01-12'),
    });
  });

  it('adds nothing to a file that is wrong already', async () => {
    const folder = await project([{ ...bob, until: 'for ever' }]);
    const before = await readFile(join(folder, 'waivers.yaml'), 'utf8');
    expect(await waive(folder, 'badge-open', 'carol', ...given)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/\.\/waivers\.yaml:1:\d+ waivers\[0\]\.until: expected a day/),
    });
    expect(await readFile(join(folder, 'waivers.yaml'), 'utf8')).toBe(before);
  });

  it('keeps the mode of the file, and a link to it', async () => {
    const folder = await project(undefined, { waivers: './waivers.yaml' });
    await writeFile(join(folder, 'real.yaml'), 'waivers: []\n');
    await chmod(join(folder, 'real.yaml'), 0o660);
    await symlink('real.yaml', join(folder, 'waivers.yaml'));
    expect(await waive(folder, 'badge-open', 'bob', ...given)).toMatchObject({ code: 0 });
    expect(await readFile(join(folder, 'real.yaml'), 'utf8')).toContain('resource: bob');
    expect((await stat(join(folder, 'real.yaml'))).mode & 0o777).toBe(0o660);
  });

  it('leaves the file and nothing else where it cannot write', async () => {
    const folder = await project(undefined, { waivers: './none/waivers.yaml' });
    expect(await waive(folder, 'badge-open', 'bob', ...given)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot be written'),
    });
  });
});
