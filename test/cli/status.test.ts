/** `tickmark status` over nights of which it is written down here what happened on them. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PeriodReport } from '../../src/period/report.ts';
import { manifestKey } from '../../src/seal/manifest.ts';
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
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

let door: Door;
let cwd: string;

/** The badges of each night, by whether they are blocked, which is a deviation. No run on the 4th. */
const nights: Record<string, Record<string, boolean>> = {
  '2026-01-01': { ada: false, bob: true },
  '2026-01-02': { ada: true, bob: true },
  '2026-01-03': { ada: true, bob: true },
  '2026-01-05': { ada: false, bob: true, carol: true },
  '2026-01-06': { ada: false, bob: false },
  '2026-01-07': { ada: true, bob: false, dan: true },
  '2026-01-08': { ada: true, bob: false, dan: true },
};

/** From the 8th on. */
const waivers = `waivers:
  - test: badge-open
    resource: ada
    reason: On leave
    approver: Grace Hopper
    from: 2026-01-08
    until: 2026-01-31
  - test: badge-open
    resource: nobody
    reason: Gone
    approver: Grace Hopper
    from: 2026-01-01
    until: 2026-01-31
`;

beforeAll(async () => {
  door = await startDoor();
  cwd = await newDoorProject(door, {
    period: { start: '2026-01-01', end: '2026-01-10' },
    waivers: './waivers.yaml',
  });
  await writeFile(join(cwd, 'waivers.yaml'), 'waivers: []\n');
  const sealing = signedBy(generateKeyPair().privateKey);
  for (const [day, badges] of Object.entries(nights)) {
    door.badges = Object.entries(badges).map(([id, blocked]) => ({ id, blocked }));
    if (day === '2026-01-07') await edit('DR-01.yaml', 'title: The door', 'title: The main door');
    if (day === '2026-01-08') await writeFile(join(cwd, 'waivers.yaml'), waivers);
    const project = await openDoorProject(cwd);
    await nightOn(project, project.store.backend, `${day}T02:00:00Z`, sealing);
  }
});
afterAll(async () => {
  await door.close();
  await removeTemporary();
});

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(join(cwd, file), 'utf8');
  await writeFile(join(cwd, file), text.replace(from, to));
}

const status = (...args: string[]): Promise<CliResult> =>
  tickmark(['status', ...args], '', { cwd });
const json = async (...args: string[]): Promise<PeriodReport> =>
  JSON.parse((await status('--json', ...args)).stdout);
const testOf = (report: PeriodReport, id: string) => {
  const found = report.controls.flatMap(({ tests }) => tests).find((test) => test.id === id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return found;
};

describe('tickmark status --json', () => {
  it('says the coverage, the gap and the deviations that were put in', async () => {
    const report = await json();
    expect(report.interim).toBe(true);
    expect(report.simulated).toBe(true);
    // The clock of the last night, not of this machine.
    expect(report.now.slice(0, 10)).toBe('2026-01-08');
    const badges = testOf(report, 'badge-open');
    expect(badges.coverage).toEqual({ expected: 8, complete: 7 });
    expect(badges.gaps).toMatchObject([
      { from: '2026-01-04', to: '2026-01-04', occurrences: 1, cause: 'no run', closable: null },
    ]);
    expect(
      badges.deviations.map(({ name, opened, closed, waived, recurrence, spans }) => ({
        name,
        opened: [opened.how, opened.after?.slice(0, 10) ?? null, opened.by.slice(0, 10)],
        closed: closed && [closed.how, closed.after.slice(0, 10), closed.by.slice(0, 10)],
        waived,
        recurrence,
        spans,
      })),
    ).toEqual([
      {
        name: 'bob',
        opened: ['first seen', null, '2026-01-01'],
        closed: ['mended', '2026-01-05', '2026-01-06'],
        waived: 'no',
        recurrence: 0,
        spans: [{ status: 'fail', from: '2026-01-01', to: '2026-01-05' }],
      },
      {
        name: 'ada',
        opened: ['failed', '2026-01-01', '2026-01-02'],
        closed: ['mended', '2026-01-03', '2026-01-05'],
        waived: 'no',
        recurrence: 0,
        spans: [{ status: 'fail', from: '2026-01-02', to: '2026-01-03' }],
      },
      {
        name: 'carol',
        opened: ['created', '2026-01-03', '2026-01-05'],
        closed: ['deleted', '2026-01-05', '2026-01-06'],
        waived: 'no',
        recurrence: 0,
        spans: [{ status: 'fail', from: '2026-01-05', to: '2026-01-05' }],
      },
      {
        name: 'ada',
        opened: ['failed', '2026-01-06', '2026-01-07'],
        closed: null,
        waived: 'partly',
        recurrence: 1,
        spans: [
          { status: 'fail', from: '2026-01-07', to: '2026-01-07' },
          { status: 'waived', from: '2026-01-08', to: '2026-01-08' },
        ],
      },
      {
        name: 'dan',
        opened: ['created', '2026-01-06', '2026-01-07'],
        closed: null,
        waived: 'no',
        recurrence: 0,
        spans: [{ status: 'fail', from: '2026-01-07', to: '2026-01-08' }],
      },
    ]);
    expect(badges.open).toBe(1);
    const entries = testOf(report, 'entry-known');
    expect(entries.deviations).toMatchObject([
      { uid: 'entry-03', kind: 'event', opened: { by: '2026-01-03T12:00:00.000Z' }, closed: null },
    ]);
  });

  it('keeps one control with --control, and the days with --from and --until', async () => {
    const one = await json('--control', 'DR-01');
    expect(one.controls.map(({ id }) => id)).toEqual(['DR-01']);
    const three = await json('--from', '2026-01-05', '--until', '2026-01-07');
    expect(three.period).toMatchObject({ start: '2026-01-05', end: '2026-01-07' });
    expect(testOf(three, 'badge-open').coverage).toEqual({ expected: 3, complete: 3 });
    expect(three.interim).toBe(false);
  });

  it('says of days that are over what the nights up to their end saw of states', async () => {
    const { deviations, open } = testOf(await json('--until', '2026-01-02'), 'badge-open');
    expect(open).toBe(2);
    expect(
      deviations.map(({ name, closed, nights, spans, last_run }) => [
        ...[name, closed, nights.failing, spans.at(-1)?.to, last_run.slice(0, 8)],
      ]),
    ).toEqual([
      ['bob', null, 2, '2026-01-02', '20260102'],
      ['ada', null, 1, '2026-01-02', '20260102'],
    ]);
  });

  it('says the same of one day with --as-of', async () => {
    const missing = await json('--as-of', '2026-01-04');
    expect(missing.as_of).toBe('2026-01-04');
    expect(testOf(missing, 'badge-open')).toMatchObject({
      conclusion: 'insufficient evidence',
      coverage: { expected: 1, complete: 0 },
    });
    const there = await json('--as-of', '2026-01-06');
    expect(testOf(there, 'badge-open')).toMatchObject({
      conclusion: 'operated',
      coverage: { expected: 1, complete: 1 },
    });
  });
});

describe('tickmark status', () => {
  it('prints a line a control, with a strip of the days', async () => {
    const { stdout, code } = await status();
    expect(code).toBe(0);
    expect(stdout).toContain('Acme, Inc. · period 2026-01-01 to 2026-01-10 (UTC)\n');
    expect(stdout).toContain('Simulated clock: these times prove nothing.\n');
    expect(stdout).toMatch(/Interim: what would be reported if the period ended at 2026-01-08 /);
    // On the 4th nobody looked, and Bob's badge failed before and after it; 9th and 10th are to come.
    expect(stdout).toMatch(
      /^DR-01 {2}The main door {2}xxx\?x=xx\.\. +7\/8 +1 +insufficient evidence \(5 of 11 deviate\)$/m,
    );
    expect(stdout).toContain('; a character is a day\n');
    const text = stdout.replace(/\n {4}/g, ' ');
    expect(text).toContain(
      '  dan in main: badge-open (DR-01, medium), open since between 2026-01-06 and 2026-01-07; due 2026-03-08 (in 60 days)\n',
    );
    expect(text).not.toMatch(/^ {2}(ada|bob|carol) in main/m);
    expect(text).toContain('  badge-open nobody: unmatched, no deviation came under it\n');
    expect(text).toMatch(
      /^ {2}control DR-01: [0-9a-f]{12} from 2026-01-01 to 2026-01-06 \(5 nights\); [0-9a-f]{12} from 2026-01-07 to 2026-01-08 \(2 nights\)$/m,
    );
    expect(stdout).not.toContain('\u001b');
  });

  it('prints one control in full, with the reason of the first failing night', async () => {
    const { stdout, code } = await status('--control', 'DR-01');
    expect(code).toBe(0);
    const text = stdout.replace(/\n +/g, ' ');
    expect(text).toContain('Badges are blocked in time, and only known ones enter.');
    expect(text).toContain('2026-01  xxx?x=xx..');
    expect(text).toContain('gap: 2026-01-04, 1 occurrence; no run; it can never be closed');
    expect(text).toMatch(
      /ada in main opened between 2026-01-01 02:00 and 2026-01-02 02:00 UTC, closed between 2026-01-03 02:00 and 2026-01-05 02:00 UTC, open (0\.9|1\.0) to 4\.[01] days, limit 60 days \(medium\): in time/,
    );
    expect(text).toMatch(
      /carol in main created between [^,]+, deleted between 2026-01-05 02:00 and 2026-01-06 02:00 UTC/,
    );
    expect(text).toContain('bob in main open when first seen at 2026-01-01 02:00 UTC, closed');
    expect(text).toContain('waived 2026-01-08 recurring: 1 deviation of it before');
    expect(text).toContain('entry-03 in main happened at 2026-01-03 12:00 UTC');
    const first = (await bundlesOf(folderBackend(join(cwd, 'evidence')))).find(({ manifest }) =>
      manifest.started_at.startsWith('2026-01-02'),
    );
    expect(text).toContain(`run ${first?.manifest.run}: blocked`);
    expect(text).toMatch(/control file: [0-9a-f]{12} from 2026-01-01 to 2026-01-06 \(5 nights\);/);
    expect(text).toMatch(/program: one version on all 7 nights \(0\.1\.0/);
  });
});

describe('tickmark status refuses', () => {
  it('a control that there is not, and names the nearest', async () => {
    const { stderr, code } = await status('--control', 'DR-02');
    expect(stderr).toContain('no night was judged by a control DR-02; did you mean "DR-01"?');
    expect(code).toBe(2);
    const test = await status('--control', 'badge-open');
    expect(test.stderr).toContain('it is a test of control DR-01');
  });

  it('days that are none, and a day beside a period', async () => {
    expect((await status('--as-of', '2026-02-30')).code).toBe(2);
    const both = await status('--as-of', '2026-01-05', '--from', '2026-01-01');
    expect(both.stderr).toContain("'--as-of <day>' cannot be used with option '--from <day>'");
    expect(both.code).toBe(2);
    const ended = await status('--from', '2026-01-09', '--until', '2026-01-01');
    expect(ended.stderr).toContain('ends (2026-01-01) before it starts (2026-01-09)');
    expect(ended.code).toBe(2);
  });

  it('a configuration without a period, and says how to name one', async () => {
    const folder = await temporaryFolder();
    await cp(cwd, folder, { recursive: true });
    const config = JSON.parse(await readFile(join(folder, 'tickmark.yaml'), 'utf8'));
    delete config.period;
    await writeFile(join(folder, 'tickmark.yaml'), JSON.stringify(config));
    const none = await tickmark(['status'], '', { cwd: folder });
    expect(none.stderr).toContain('names none');
    expect(none.stderr).toContain('--from and --until');
    expect(none.code).toBe(2);
    const named = ['status', '--from', '2026-01-01', '--until', '2026-01-08'];
    expect((await tickmark(named, '', { cwd: folder })).code).toBe(0);
  });

  it('an empty store', async () => {
    const { stderr, code } = await status('--store', await temporaryFolder());
    expect(stderr).toContain('holds no bundle yet; tickmark run seals the first');
    expect(code).toBe(2);
  });
});

describe('tickmark status of a damaged store', () => {
  const damaged = async (): Promise<string> => {
    const folder = join(await temporaryFolder(), 'evidence');
    await cp(join(cwd, 'evidence'), folder, { recursive: true });
    return folder;
  };

  it('concludes nothing where a bundle is missing, and ends with 4', async () => {
    const store = await damaged();
    await rm(join(store, manifestKey(3)));
    const { stdout, code } = await status('--store', store);
    expect(stdout).toContain('bundle 3 is missing from the store: nothing can be concluded');
    expect(stdout).toMatch(/^DR-01 .* insufficient evidence \(5 of 10 deviate\)$/m);
    expect(code).toBe(4);
  });

  it('reads on nothing where statuses are gone', async () => {
    const store = await damaged();
    const backend = folderBackend(store);
    const [bundle] = await bundlesOf(backend);
    const list = bundle?.manifest.results?.statuses;
    if (list === undefined) throw new Error('nothing was judged');
    const [chunk] = await readChunks(backend, list);
    await rm(join(store, objectKey(chunk?.pack ?? '')));
    const { stderr, code } = await status('--store', store);
    expect(stderr).toContain(`${chunk?.pack}.gz is missing`);
    expect(code).toBe(4);
  });
});
