import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Judged, Result } from '../../src/evidence/result.ts';
import { formatManifest, manifestKey } from '../../src/seal/manifest.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { readResults, writeResults } from '../../src/store/results.ts';
import { Store } from '../../src/store/store.ts';
import type { Reperformed } from '../../src/verify/reperform.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { demoNight, firstNights, strictConfig } from '../support/demo-night.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

/** Port 9 discards: nothing is asked there. */
const nowhere = 'http://127.0.0.1:9';

describe('tickmark reperform', () => {
  let evidence: string;
  /** Where there is no tickmark.yaml: an auditor's folder. */
  let elsewhere: string;

  const reperform = (...args: string[]): Promise<CliResult> =>
    tickmark(['reperform', ...args], nowhere, { cwd: elsewhere });
  const json = async (...args: string[]) => {
    const { stdout, code } = await reperform('--json', ...args);
    const lines = stdout.trimEnd().split('\n');
    const totals = JSON.parse(lines.pop() ?? '{}');
    return { nights: lines.map((line): Reperformed => JSON.parse(line)), totals, code };
  };
  /** A copy of the store that a test may change. */
  const copied = async () => {
    const folder = join(await temporaryFolder(), 'evidence');
    await cp(evidence, folder, { recursive: true });
    return { folder, store: new Store(folderBackend(folder)) };
  };

  beforeAll(async () => {
    elsewhere = await temporaryFolder();
    const cwd = await temporaryFolder();
    evidence = join(cwd, 'evidence');
    const config = await strictConfig(cwd);
    for (const night of firstNights) {
      const run = ['run', ...demoNight(config, evidence, night)];
      expect((await tickmark(run, nowhere, { cwd })).code).toBe(1);
    }
    const judge = ['evaluate', '--config', config, '--store', evidence];
    expect((await tickmark(judge, nowhere, { cwd })).stderr).not.toContain('tickmark:');
  }, 90_000);
  afterAll(removeTemporary);

  it('comes to the results of every bundle again', async () => {
    const { stdout, code } = await reperform(evidence);
    expect(stdout).toMatch(
      /^Evaluated 4 bundles again, [\d,]+ results compared: no difference\.\n$/,
    );
    expect(code).toBe(0);
    const { nights, totals } = await json(evidence);
    expect(nights.map(({ kind }) => kind)).toEqual(['run', 'run', 'run', 'evaluate']);
    expect(totals).toMatchObject({ reperformed: 4, differences: 0, exit_code: 0 });
    expect(totals.results).toBe(nights.reduce((sum, { compared }) => sum + (compared ?? 0), 0));
  });

  it('says what differs, where, and ends with 4', async () => {
    const { folder, store } = await copied();
    const bundle = await store.bundleOf(
      (await json(evidence)).nights.find(({ kind }) => kind === 'run')?.run ?? '',
    );
    const { manifest } = bundle;
    if (manifest.results === null) throw new Error('there are no results');
    const rows: Result[] = [];
    for await (const row of readResults(store, bundle)) rows.push(row);
    const at = rows.findIndex(({ status }) => status === 'fail');
    const row = rows[at] as Result;
    const forged = rows.with(at, { ...row, status: 'pass', reason: 'all is \u001b[2Jwell' });
    const { counts } = manifest.results;
    const written = await writeResults(
      store,
      manifest.slices,
      forged.map((each): Judged => ({ ...each, dataset: '', source: '', about: 'resource' })),
      manifest.kind,
    );
    const results = {
      ...manifest.results,
      ...written,
      counts: { ...counts, pass: counts.pass + 1, fail: counts.fail - 1 },
    };
    const key = manifestKey(manifest.sequence);
    await writeFile(join(folder, key), formatManifest({ ...manifest, results }).bytes);

    const { stdout, code } = await reperform(folder);
    expect(stdout).toContain(`Bundle ${manifest.sequence} (`);
    expect(stdout).toContain(
      `differs: ${row.control} ${row.test} ${row.resource.name} (${row.resource.scope}, ${row.resource.uid}): status is sealed as "pass", and is "fail"`,
    );
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/\nEvaluated 4 bundles again, .* compared: 1 difference\.\n$/);
    expect(code).toBe(4);

    const one = await json(folder, '--run', manifest.run);
    expect(one.nights).toMatchObject([{ run: manifest.run, differences: [{ test: row.test }] }]);
    expect([one.code, one.totals.exit_code]).toEqual([4, 4]);
  });

  it('goes on behind a damaged manifest', async () => {
    const { folder } = await copied();
    await writeFile(join(folder, manifestKey(2)), 'nothing');
    const { stdout, code } = await reperform(folder);
    expect(stdout).toMatch(/^Bundle 2: 1 broken\n {2}.*00000002\.json is not JSON/);
    expect(stdout).toContain('Evaluated 3 bundles again');
    expect(code).toBe(4);
  });

  it('ends with 2 where there is nothing to evaluate again', async () => {
    const empty = await reperform('nowhere');
    expect(empty.stderr).toContain('nowhere holds no bundle');
    expect(empty.code).toBe(2);
    const unnamed = await reperform();
    expect(unnamed.stderr).toContain('./evidence holds no bundle');
    const config = await reperform(evidence, '--config', 'none.yaml');
    expect(config.stderr).toContain('none.yaml does not exist');
    expect([unnamed.code, config.code]).toEqual([2, 2]);
    expect((await reperform(evidence, '--run', '1999')).code).toBe(2);
  });
});
