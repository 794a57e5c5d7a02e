/** What is printed and written of a control that got another id within the period. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoSealing } from '../../src/cli/sealing.ts';
import { sha256 } from '../../src/evidence/json.ts';
import type { Report } from '../../src/report/model.ts';

import { newDoorProject, nightOn, openDoorProject, startDoor } from '../night/door-project.ts';
import { tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

let cwd: string;
let archive: string;
/** The control file as it was, and as it is. */
let older: string;
let newer: string;

beforeAll(async () => {
  const door = await startDoor();
  cwd = await newDoorProject(door, { period: { start: '2026-01-01', end: '2026-01-04' } });
  const file = join(cwd, 'DR-01.yaml');
  older = await readFile(file, 'utf8');
  newer = older.replace('id: "DR-01"', 'id: "DR-02"');
  for (const day of ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04']) {
    if (day === '2026-01-03') await writeFile(file, newer);
    const project = await openDoorProject(cwd);
    await nightOn(project, project.store.backend, `${day}T02:00:00Z`, demoSealing);
  }
  await door.close();
  archive = join(await temporaryFolder(), 'archive');
  await run('export', '--out', archive);
});
afterAll(removeTemporary);

async function run(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await tickmark(args, '', { cwd });
  expect(code, stderr).toBe(0);
  return stdout.replace(/\n +/g, ' ');
}

const moved = 'its test badge-open belongs to control DR-02 since 2026-01-03';
const short = (text: string) => sha256(text).slice(0, 12);

describe('a control that was renamed', () => {
  it('is a change in tickmark status: one control went, one came', async () => {
    const text = await run('status');
    expect(text).toContain(
      `control DR-01: ${short(older)} from 2026-01-01 to 2026-01-02 (2 nights); not among the controls from 2026-01-03 to 2026-01-04 (2 nights)`,
    );
    expect(text).toContain(
      `control DR-02: not among the controls from 2026-01-01 to 2026-01-02 (2 nights); ${short(newer)} from 2026-01-03 to 2026-01-04 (2 nights)`,
    );
  });

  it('says so under its old id, and has the files of both under its new one', async () => {
    expect(await run('status', '--control', 'DR-01')).toContain(moved);
    const text = await run('status', '--control', 'DR-02');
    expect(text).toContain(`control DR-01: ${short(older)} from 2026-01-01`);
    expect(text).toContain(`control file: not among the controls from 2026-01-01`);
  });

  it('has every file that judged its tests in a report', async () => {
    const { controls }: Report = JSON.parse(await run('report', '--format', 'json'));
    const files = controls.map((each) =>
      each.files.map(({ control, digest, from, nights }) => [control, digest, from, nights]),
    );
    const first = ['DR-01', sha256(older), '2026-01-01', 2];
    expect(files).toEqual([[first], [first, ['DR-02', sha256(newer), '2026-01-03', 2]]]);
  });

  it('has them in its folder of an archive, where the rows name its new id', async () => {
    const folders = (await readdir(archive)).filter((name) => name.startsWith('DR-'));
    expect(folders).toEqual(['DR-01-the-door', 'DR-02-the-door']);
    const [old = '', own = ''] = folders.map((name) => join(archive, name));
    expect(await readFile(join(old, 'control.yaml'), 'utf8')).toBe(older);
    expect(await readFile(join(own, 'control.yaml'), 'utf8')).toBe(newer);
    const kept = (await readdir(join(own, 'control'))).sort();
    const texts = await Promise.all(
      kept.map((name) => readFile(join(own, 'control', name), 'utf8')),
    );
    expect(texts).toEqual([older, newer]);
    expect(kept[0]).toBe(`2026-01-01-${sha256(older).slice(0, 8)}.yaml`);
    const rows = (await readFile(join(own, 'results-badge-open.csv'), 'utf8')).split('\r\n');
    expect(rows.slice(1, -1).map((row) => row.split(',')[0])).toEqual(['DR-02', 'DR-02']);
    expect(await readdir(old)).not.toContain('control');
  });

  it('is told on the page of each control', async () => {
    const page = await readFile(join(archive, 'index.html'), 'utf8');
    expect(page).toContain(moved);
    expect(page).toContain('This control has no test any more.');
    expect(page.split('They stand with the control that has its tests now.')).toHaveLength(3);
    expect(page).not.toContain('only people can show');
    expect(page).toContain(
      'badge-open belonged to control DR-01 before, and belongs to this one since 2026-01-03',
    );
    expect(page).toContain('of control DR-01</span>');
    expect(page).toContain('not among the controls');
  });

  it('has what judged its items, by both ids, in a sample', async () => {
    const drawn = JSON.parse(
      await run('sample', 'badge-open', '--size', '1', '--seed', 'a', '--json'),
    );
    const controls = drawn.judged_by.filter(({ what }: { what: string }) => what === 'control');
    expect(controls.map(({ id }: { id: string }) => id)).toEqual(['DR-01', 'DR-02']);
  });
});
