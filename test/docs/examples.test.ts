import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openProject } from '../../src/cli/project.ts';
import { openRegistry } from '../../src/cli/registry.ts';
import { loadConfig } from '../../src/config/load.ts';
import { compileControls } from '../../src/controls/compile.ts';
import { loadCrosswalks } from '../../src/controls/crosswalks.ts';
import { lintControls } from '../../src/controls/lint.ts';
import { loadControls } from '../../src/controls/load.ts';
import { readWaivers } from '../../src/controls/waivers.ts';
import { runCases } from '../../src/evaluate/cases.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { type Fence, fence, fencesOf, pages, root } from './pages.ts';

afterAll(removeTemporary);

/** A folder with everything that the examples name beside them. */
async function folderWith(config: string): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'controls'));
  await writeFile(join(folder, 'tickmark.yaml'), config);
  await writeFile(
    join(folder, 'directory.js'),
    fence('docs/collectors.md', 'js', 'plugin', 'directory.js').text,
  );
  for (const { info, text } of fencesOf('yaml', 'control')) {
    await writeFile(join(folder, 'controls', info[2] ?? ''), text);
  }
  return folder;
}

const named = (all: Fence[]) =>
  all.map((each, index): [string, Fence] => [`${each.page}, ${index + 1}`, each]);

describe('configurations', () => {
  it.each(named(fencesOf('yaml', 'config')))('%s', async (_name, { text }) => {
    const folder = await folderWith(text);
    const project = await openProject({ config: join(folder, 'tickmark.yaml') });
    expect(project.sources.length).toBeGreaterThan(0);
    expect(project.controls.length).toBeGreaterThan(0);
  });
});

describe('controls', () => {
  const config = fence('docs/collectors.md', 'yaml', 'config').text;
  const crosswalks = loadCrosswalks(join(root, 'controls', 'crosswalks'));

  it.each(named(fencesOf('yaml', 'control')))('%s', async (_name, { info }) => {
    const folder = await folderWith(config);
    const registry = await openRegistry(loadConfig(join(folder, 'tickmark.yaml')));
    const files = loadControls([`controls/${info[2]}`], folder, root);
    const reports = compileControls(files, registry.datasets).flatMap(({ tests }) =>
      tests.map(runCases),
    );
    const outcomes = reports.flatMap((report) => report.outcomes);
    expect(lintControls(files, crosswalks)).toEqual([]);
    expect(reports.flatMap((report) => report.faults)).toEqual([]);
    expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(2);
  });
});

it.each(named(fencesOf('yaml', 'waivers')))('waivers: %s', (_name, { text }) => {
  const controls = loadControls(['builtin:soc2'], '.', root);
  const tests = new Set(controls.flatMap(({ control }) => control.tests.map(({ id }) => id)));
  expect(readWaivers('waivers.yaml', text, tests)).toMatchObject({ ok: true });
});

it('every block of YAML that looks like a file is marked as one', () => {
  const unmarked = pages
    .flatMap((page) => fencesOf('yaml').filter((each) => each.page === page))
    .filter(
      ({ info, text }) => info.length === 1 && /^(organization|statement|waivers):/m.test(text),
    );
  expect(unmarked).toEqual([]);
});

it('the README names the two commands that everybody needs', () => {
  const blocks = fencesOf('sh').filter(({ page }) => page === 'README.md');
  const lines = blocks.map(({ text }) => text.trim());
  expect(lines).toContain('npm ci && npm run demo');
  expect(lines).toContain('npm ci && npm test');
});
