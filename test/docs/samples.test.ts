/** A sample, drawn again by hand as docs/samples.md and docs/auditors.md say. */
import { execFile, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PopulationItem } from '../../src/period/population.ts';
import { algorithm, draw, lotOf, strata } from '../../src/period/sample.ts';
import { sealPeriod } from '../night/door-period.ts';
import { tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { codes, fence, firstCodes, read, section } from './pages.ts';
import { auditorShell } from './shell.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const page = 'docs/samples.md';
const execute = promisify(execFile);
const pythonAvailable = spawnSync('python3', ['--version']).status === 0;

afterAll(removeTemporary);

/** What the page's script prints, line by line. */
async function redrawn(population: string, seed: string, size: number): Promise<string[]> {
  const folder = await temporaryFolder();
  const script = join(folder, 'redraw.py');
  await writeFile(script, fence(page, 'python', 'redraw').text);
  const { stdout } = await execute('python3', [script, population, seed, String(size)], {
    env: { ...process.env, PYTHONUTF8: '1' },
  });
  return stdout.split('\n').filter((line) => line !== '');
}

describe(page, () => {
  const population = fence(page, 'json', 'population').text;
  const items: PopulationItem[] = JSON.parse(population).items;
  const shown = fence(page, 'text', 'redraw').text.trimEnd().split('\n');

  it('shows what the program draws', () => {
    const { drawn } = draw(items, { seed: '2026-4711', size: 3, by: null, timezone: 'UTC' });
    expect(shown).toEqual(drawn.map(({ lot, item }) => `${lot} ${item.name}`));
    expect(read(page)).toContain(`\`${algorithm}\``);
  });

  it.skipIf(!pythonAvailable)('shows what its script draws', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'population.json'), population);
    expect(await redrawn(join(folder, 'population.json'), '2026-4711', 3)).toEqual(shown);
  });

  it.skipIf(!pythonAvailable)('has a script that agrees on names of any letters', async () => {
    const folder = await temporaryFolder();
    const hostile = ['\u2028', '\u007f', '\u0000\b\f\n\r\t\u001b', '"\\/', '𝒜é\ufeff', '</script>'];
    const all = hostile.map((uid) => ({ source: 'a', scope: 'b', uid, name: 'x' }));
    await writeFile(join(folder, 'population.json'), JSON.stringify({ items: all }));
    const lots = all.map((item) => lotOf("$'`", null, item)).sort();
    const found = await redrawn(join(folder, 'population.json'), "$'`", 100);
    expect(found).toEqual(lots.map((lot) => `${lot} x`));
  });

  it('shows how one lot is worked out', () => {
    const text = /printf '(.*)' \| sha256sum/.exec(read(page))?.[1] ?? '';
    const [seed, stratum, source, scope, uid] = JSON.parse(text);
    expect(shown).toContain(`${lotOf(seed, stratum, { source, scope, uid })} ada`);
  });

  it('names each way to divide a population and no other', () => {
    expect(firstCodes(section(page, 'By strata'))).toEqual([...strata]);
  });
});

describe('the keys in docs/samples.md', () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await sealPeriod();
    const args = ['--size', '2', '--seed', '4711', '--out', 'drawn'];
    const { code } = await tickmark(['sample', 'badge-open', ...args], '', { cwd });
    expect(code).toBe(0);
  });

  const keysIn = (heading: string, after: string) => {
    const table = section(page, heading).split(after)[1] ?? '';
    const first = table.split('\n').filter((line) => line.startsWith('| `'));
    return first.flatMap((line) => codes(line.split('|')[1] ?? ''));
  };

  it('are those of the JSON of a population, and of its columns', async () => {
    const { stdout } = await tickmark(['population', 'badge-open', '--json'], '', { cwd });
    expect(keysIn('Is it complete?', 'prints one object').sort()).toEqual(
      Object.keys(JSON.parse(stdout)).sort(),
    );
    const [head = ''] = (await tickmark(['population', 'badge-open'], '', { cwd })).stdout.split(
      '\r\n',
    );
    const columns = keysIn('The population', '--force');
    expect(head.split(',').filter((column) => !columns.includes(column))).toEqual([
      'nights_waived',
      'nights_error',
      'nights_not_applicable',
    ]);
  });

  it('are those of sample.json', async () => {
    const told = JSON.parse(await readFile(join(cwd, 'drawn', 'sample.json'), 'utf8'));
    const keys = keysIn('What is written', '`--json` prints too');
    // From `test` to `through`: as those of the population.
    const range = ['title', 'control', 'dataset', 'kind', 'period'];
    expect([...keys, ...range].sort()).toEqual(Object.keys(told).sort());
  });

  it.skipIf(!pythonAvailable)('lead an auditor from the store to the same draw', async () => {
    const lines = await auditorShell('samples', join(cwd, 'evidence'));
    expect(lines[0]).toBe('11\tbadge-open\t2026-01-01\t2026-01-10\t4711\t2\t-\t5\t2');
    const drawn = lines.slice(1).map((line) => line.split('\t'));
    expect(drawn).toHaveLength(2);
    const again = await redrawn(join(cwd, 'population.json'), '4711', 2);
    expect(drawn.map(([lot, , name]) => `${lot} ${name}`)).toEqual(again);
  });
});
