/** `tickmark population` over nights of which it is written down what happened on them. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestKey } from '../../src/seal/manifest.ts';
import { hostile, sealPeriod } from '../night/door-period.ts';
import { newDoorProject } from '../night/door-project.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

let cwd: string;
beforeAll(async () => {
  cwd = await sealPeriod();
});
afterAll(removeTemporary);

const population = (...args: string[]): Promise<CliResult> =>
  tickmark(['population', ...args], '', { cwd });
const json = async (...args: string[]) => JSON.parse((await population(...args, '--json')).stdout);

/** Day of a time, with the fraction of a second that a night took left out. */
const day = (time: string | null) => time?.slice(0, 10) ?? null;

describe('tickmark population --json', () => {
  it('names every resource that was there at any time, once, with its coming and going', async () => {
    const { items, count, kind, dataset } = await json('badge-open');
    expect([count, kind, dataset]).toEqual([5, 'state', 'door.badges']);
    const told = items.map((item: Record<string, never>) => {
      const { uid, created, deleted, first_seen, last_seen, nights } = item as never as {
        uid: string;
        created: { after: string; by: string } | null;
        deleted: { after: string; by: string } | null;
        first_seen: string;
        last_seen: string;
        nights: Record<string, number>;
      };
      const bracket = (of: typeof created) => of && [day(of.after), day(of.by)];
      const { pass, fail, error } = nights;
      return [
        uid,
        day(first_seen),
        day(last_seen),
        bracket(created),
        bracket(deleted),
        [pass, fail, error],
      ];
    });
    // The night after the period's end saw them too, and says nothing of the period.
    expect(told).toEqual([
      [hostile.path, '2026-01-07', '2026-01-10', ['2026-01-06', '2026-01-07'], null, [3, 0, 1]],
      [hostile.formula, '2026-01-01', '2026-01-06', null, ['2026-01-06', '2026-01-07'], [5, 0, 0]],
      ['ada', '2026-01-01', '2026-01-10', null, null, [8, 0, 1]],
      ['bob', '2026-01-01', '2026-01-10', null, null, [1, 8, 0]],
      [
        'carol',
        '2026-01-03',
        '2026-01-05',
        ['2026-01-02', '2026-01-03'],
        ['2026-01-05', '2026-01-06'],
        [0, 2, 0],
      ],
    ]);
  });

  it('says that it is not complete, and why', async () => {
    const { complete, incomplete, gaps, coverage } = await json('badge-open');
    expect(complete).toBe(false);
    expect(coverage).toEqual({ expected: 10, complete: 8 });
    expect(incomplete).toEqual([
      '8 of 10 occurrences have complete evidence',
      '2026-01-04: no run',
      expect.stringMatching(/^2026-01-08: TieOutMismatch: GET \/count counts 4, the list holds 3/),
    ]);
    expect(gaps.map((gap: { from: string; cause: string }) => [gap.from, gap.cause])).toEqual([
      ['2026-01-04', 'no run'],
      ['2026-01-08', 'not collected'],
    ]);
  });

  it('holds it against the second counts, and names what was asked', async () => {
    const { tie_outs, queries, nights } = await json('badge-open');
    expect(tie_outs).toEqual([
      {
        source: 'entrance',
        scope: 'main',
        slices: 9,
        counted: 9,
        matched: 8,
        by: [{ by: 'GET /count', slices: 9, matched: 8 }],
      },
    ]);
    // The same question each night: one query.
    expect(queries).toEqual([
      expect.objectContaining({
        operation: 'GET /badges',
        parameters: { path: '/badges' },
        pages: 1,
        nights: 9,
        from: '2026-01-01T02:00:00.000Z',
        to: '2026-01-10T02:00:00.000Z',
      }),
    ]);
    const told = nights.map((night: { started_at: string; records: number; complete: boolean }) => [
      day(night.started_at),
      night.records,
      night.complete,
    ]);
    expect(told).toEqual([
      ['2026-01-01', 3, true],
      ['2026-01-02', 3, true],
      ['2026-01-03', 4, true],
      ['2026-01-05', 4, true],
      ['2026-01-06', 3, true],
      ['2026-01-07', 3, true],
      ['2026-01-08', 3, false],
      ['2026-01-09', 3, true],
      ['2026-01-10', 3, true],
    ]);
  });

  it('takes every event of the period, and none beside', async () => {
    const { complete, items, kind, queries } = await json('entry-known');
    expect([complete, kind]).toEqual([true, 'event']);
    expect(items.map(({ uid }: { uid: string }) => uid)).toEqual(
      Array.from({ length: 10 }, (_, index) => `entry-${String(index + 1).padStart(2, '0')}`),
    );
    expect(items[2]).toMatchObject({
      event_at: '2026-01-03T12:00:00.000Z',
      nights: { pass: 0, fail: 1 },
    });
    // Each night asked for another stretch of time, the last one for the period's last day.
    expect(queries.length).toBeGreaterThan(5);
    expect(
      queries.every((query: { operation: string }) => query.operation === 'GET /entries'),
    ).toBe(true);
  });

  it('looks at other days where they are asked for', async () => {
    const { period, items, nights } = await json(
      'badge-open',
      '--from',
      '2026-01-02',
      '--until',
      '2026-01-03',
    );
    expect(period).toEqual({ start: '2026-01-02', end: '2026-01-03', timezone: 'UTC' });
    expect(items.map(({ name }: { name: string }) => name)).toEqual([
      hostile.formula,
      'ada',
      'bob',
      'carol',
    ]);
    expect(nights).toHaveLength(2);
  });

  it('says of a period that has not ended how far it reaches', async () => {
    const { complete, incomplete } = await json('entry-known', '--until', '2026-01-31');
    expect(complete).toBe(false);
    expect(incomplete.at(-1)).toMatch(
      /^the period lasts until 2026-01-31, and this reaches up to 2026-01-11T02:00/,
    );
  });
});

describe('tickmark population', () => {
  it('prints a table to stdout and says everything else on stderr, what is missing first', async () => {
    const { stdout, stderr, code } = await population('badge-open');
    expect(code).toBe(0);
    expect(stderr.split('\n')[0]).toBe('NOT COMPLETE: this population may lack items.');
    expect(stderr).toContain('5 items from 2026-01-01 to 2026-01-10 (UTC)');
    expect(stderr).toContain(
      'Counted a second time: 9 of 9 slices, 8 with the same number (GET /count)',
    );
    const lines = stdout.split('\r\n');
    expect(lines).toHaveLength(7);
    expect(lines.at(-1)).toBe('');
    expect(lines[0]).toBe(
      'source,scope,uid,name,event_at,first_seen,last_seen,created_after,created_by,deleted_after,deleted_by,nights_pass,nights_fail,nights_waived,nights_error,nights_not_applicable,first_run,last_run',
    );
    expect(lines[4]).toMatch(/^entrance,main,bob,bob,,2026-01-01T02:00:00\.\d{3}Z,.*,1,8,0,0,0,/);
  });

  it('leaves a spreadsheet no name to run', async () => {
    const { stdout } = await population('badge-open');
    expect(stdout).toContain(`"'=HYPERLINK(""http://a.example"",""b"")"`);
    expect(stdout).not.toMatch(/(^|,)"?=/m);
  });

  it('says nothing of being incomplete where it is complete', async () => {
    const { stderr } = await population('entry-known');
    expect(stderr).not.toContain('NOT COMPLETE');
    expect(stderr.split('\n')[0]).toMatch(/^Simulated: /);
  });

  it('writes both files beside one another, and never over others unasked', async () => {
    const out = join(cwd, 'badges.csv');
    const first = await population('badge-open', '--out', 'badges.csv');
    expect([first.code, first.stderr]).toEqual([0, '']);
    const table = await readFile(out, 'utf8');
    expect(table).toBe((await population('badge-open')).stdout);
    expect(JSON.parse(await readFile(`${out}.json`, 'utf8'))).toEqual(await json('badge-open'));

    await writeFile(out, 'mine');
    const second = await population('badge-open', '--out', 'badges.csv');
    expect([second.code, second.stderr]).toEqual([
      2,
      expect.stringContaining('--force replaces it'),
    ]);
    expect(await readFile(out, 'utf8')).toBe('mine');
    expect((await population('badge-open', '--out', 'badges.csv', '--force')).code).toBe(0);
    expect(await readFile(out, 'utf8')).toBe(table);
  });

  it('writes neither file where one of them is there', async () => {
    await writeFile(join(cwd, 'half.csv.json'), 'mine');
    const { code, stderr } = await population('badge-open', '--out', 'half.csv');
    expect([code, stderr]).toEqual([2, expect.stringContaining('half.csv.json exists')]);
    await expect(readFile(join(cwd, 'half.csv'))).rejects.toThrow(/ENOENT/);
  });

  it.each([
    [['badge-opn'], /no night in .* was judged by a test badge-opn; did you mean "badge-open"\?/],
    [['badge-open', '--from', '2026-02-30'], /Expected a day such as/],
    [
      ['badge-open', '--from', '2026-01-09', '--until', '2026-01-08'],
      /ends \(2026-01-08\) before it starts/,
    ],
    [['badge-open', '--json', '--out', 'x.csv'], /cannot be used with option/],
  ])('refuses %j with a word on what to do', async (args, words) => {
    const { code, stdout, stderr } = await population(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(words);
  });

  it('ends with 4 where a bundle is missing, and says so first', async () => {
    const folder = join(await temporaryFolder(), 'project');
    await cp(cwd, folder, { recursive: true });
    await rm(join(folder, 'evidence', manifestKey(3)));
    const { code, stdout, stderr } = await tickmark(['population', 'badge-open'], '', {
      cwd: folder,
    });
    expect(code).toBe(4);
    expect(stderr.split('\n').slice(0, 2)).toEqual([
      'NOT COMPLETE: this population may lack items.',
      '  bundle 3 is missing from the store',
    ]);
    expect(stdout.split('\r\n').length).toBeGreaterThan(2);
  });

  it('needs to know the period', async () => {
    const folder = await newDoorProject({ address: 'http://127.0.0.1:1' }, { period: undefined });
    const { code, stderr } = await tickmark(['population', 'badge-open'], '', { cwd: folder });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/which period\?.*--from and --until/),
    ]);
  });

  it('has nothing to say of a store without a night', async () => {
    const folder = await newDoorProject({ address: 'http://127.0.0.1:1' });
    const { code, stderr } = await tickmark(['population', 'badge-open'], '', { cwd: folder });
    expect([code, stderr]).toEqual([2, expect.stringContaining('holds no night yet')]);
  });
});
