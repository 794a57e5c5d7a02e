/** `tickmark report`, and `run --report`, over nights of which it is written down what happened. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { report as reportCommand } from '../../src/cli/commands/report.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import type { JsonReport } from '../../src/report/json.ts';
import type { ReportItem } from '../../src/report/model.ts';
import { manifestKey } from '../../src/seal/manifest.ts';
import { sealPeriod } from '../night/door-period.ts';
import { type Door, newDoorProject, startDoor } from '../night/door-project.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

let cwd: string;
beforeAll(async () => {
  cwd = await sealPeriod();
});
afterAll(removeTemporary);

const report = (...args: string[]): Promise<CliResult> =>
  tickmark(['report', ...args], '', { cwd });

const json = async (...args: string[]): Promise<JsonReport> =>
  JSON.parse((await report('--json', ...args)).stdout);

/** The same project in a folder of its own. */
async function copied(): Promise<string> {
  const folder = await temporaryFolder();
  await cp(cwd, folder, { recursive: true });
  return folder;
}

describe('tickmark report', () => {
  it('writes one page into the current folder, and leaves one that is there as it is', async () => {
    const own = await copied();
    const run = (...args: string[]) => tickmark(['report', ...args], '', { cwd: own });
    expect(await run()).toMatchObject({ code: 0, stdout: 'Wrote tickmark-report.html\n' });
    const page = await readFile(join(own, 'tickmark-report.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>/i);
    const again = await run();
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('tickmark-report.html exists and was left as it is; --force');
    expect(await run('--force')).toMatchObject({ code: 0 });
    expect(await readFile(join(own, 'tickmark-report.html'), 'utf8')).toBe(page);
  });

  it.each([
    ['period.md', /^## Acme, Inc\./],
    ['period.xml', /^<\?xml/],
    ['period.sarif', /"version": ?"2\.1\.0"/],
    ['period.csv', /^control,/],
    ['period.oscal.json', /assessment-results/],
    ['period.json', /"tickmark-report\/1"/],
    ['period.xlsx', /^PK/],
  ])('takes the format from the ending: %s', async (file, begins) => {
    const folder = await temporaryFolder();
    expect(await report('--out', join(folder, file))).toMatchObject({ code: 0 });
    expect(await readdir(folder)).toEqual([file]);
    expect((await readFile(join(folder, file))).toString('latin1')).toMatch(begins);
  });

  it('goes to stdout in a format that is named, and says why not where it cannot', async () => {
    expect((await report('--format', 'markdown')).stdout).toMatch(/^## Acme, Inc\./);
    const binary = await report('--format', 'xlsx');
    expect(binary).toMatchObject({ code: 2, stdout: '' });
    expect(binary.stderr).toContain('name a file with --out report.xlsx');
    const unknown = await report('--out', 'period.doc');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('no format goes by that ending');
  });

  it('says of the period what status says, and of a population what population says', async () => {
    const whole = await json();
    const status = JSON.parse((await tickmark(['status', '--json'], '', { cwd })).stdout);
    expect(whole.period).toEqual(status);
    const named = await tickmark(['population', 'badge-open', '--json'], '', { cwd });
    const { items, tie_outs, queries, incomplete } = JSON.parse(named.stdout);
    const own = whole.populations.find(({ test }) => test === 'badge-open');
    expect(own?.items.map(({ stretches: _stretches, ...item }) => item)).toEqual(items);
    expect(own).toMatchObject({ tie_outs, queries, incomplete });
  });

  it('tells each change of what came out, with the reason of its first night', async () => {
    const { populations } = await json('--control', 'DR-01');
    const items = populations.find(({ test }) => test === 'badge-open')?.items ?? [];
    const told = ({ stretches }: ReportItem) =>
      stretches.map(({ status, from, to, nights, reason }) => {
        return [status, from.observed_at.slice(8, 10), to.observed_at.slice(8, 10), nights, reason];
      });
    const bob = items.find(({ uid }) => uid === 'bob');
    expect(bob && told(bob)).toEqual([
      ['fail', '01', '03', 3, 'blocked'],
      ['pass', '05', '05', 1, 'open'],
      ['fail', '06', '10', 5, 'blocked'],
    ]);
  });

  it('marks what weakens it', async () => {
    const { marks, nights, head } = await json();
    const simulated = nights.length;
    expect(marks).toEqual({ unsigned: 0, unstamped: simulated, simulated, replayed: 0 });
    expect(head?.sequence).toBeGreaterThanOrEqual(simulated);
    expect(nights.every(({ signed, operator }) => signed && operator !== '')).toBe(true);
  });

  it('is there where a bundle is missing, concludes nothing, and ends with 4', async () => {
    const own = await copied();
    await rm(join(own, 'evidence', manifestKey(3)));
    const { code } = await tickmark(['report', '--out', 'r.md'], '', { cwd: own });
    expect(code).toBe(4);
    expect(await readFile(join(own, 'r.md'), 'utf8')).toContain('bundle 3 is missing');
  });

  it('is none where it was interrupted', async () => {
    const terminal = createTerminal({});
    const aborted = new AbortController();
    aborted.abort();
    const file = join(await temporaryFolder(), 'report.html');
    const options = { config: join(cwd, 'tickmark.yaml'), out: file };
    const io = { terminal, env: {}, signal: aborted.signal };
    await expect(reportCommand(io, options)).rejects.toMatchObject({ code: 'Interrupted' });
    expect(await readdir(dirname(file))).toEqual([]);
  });

  it('of no bundle, or of a control that is not there, is none', async () => {
    const empty = await temporaryFolder();
    await cp(join(cwd, 'tickmark.yaml'), join(empty, 'tickmark.yaml'));
    await cp(join(cwd, 'door.js'), join(empty, 'door.js'));
    const none = await tickmark(['report'], '', { cwd: empty });
    expect(none).toMatchObject({ code: 2 });
    expect(none.stderr).toContain('holds no bundle yet');
    expect((await report('--control', 'DR-1')).stderr).toContain('did you mean "DR-01"?');
  });
});

describe('tickmark run --report', () => {
  let door: Door;
  beforeAll(async () => {
    door = await startDoor();
  });
  afterAll(async () => {
    await door.close();
  });
  const night = (own: string, list: string) =>
    tickmark(['run', '--clock', '2026-01-10T02:00:00Z', '--report', list], '', { cwd: own });

  it('leaves reports of the period behind the night, in place of those of the night before', async () => {
    const own = await newDoorProject(door);
    await mkdir(join(own, 'out'));
    await writeFile(join(own, 'out', 'results.xml'), 'of yesterday');
    const { code } = await night(own, 'junit=out/results.xml,markdown=out/summary.md');
    expect(code).toBe(1);
    expect(await readFile(join(own, 'out', 'results.xml'), 'utf8')).toContain('<testsuite');
    expect(await readFile(join(own, 'out', 'summary.md'), 'utf8')).toContain('`DR-01`');
  });

  it('is of the night where no period is configured', async () => {
    const own = await newDoorProject(door, { period: undefined });
    expect((await night(own, 'json=report.json')).code).toBe(1);
    const { period } = JSON.parse(await readFile(join(own, 'report.json'), 'utf8'));
    expect(period.period).toMatchObject({ start: '2026-01-10', end: '2026-01-10' });
  });

  it.each([
    ['pdf=night.pdf', 'formats are html, markdown'],
    ['junit', 'Expected formats with files'],
    ['junit=none/results.xml', 'none is no folder'],
  ])('asks nothing before it knows where to write: %s', async (list, says) => {
    const own = await newDoorProject(door);
    const asked = door.asked.length;
    const { code, stderr } = await night(own, list);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(door.asked).toHaveLength(asked);
  });
});
