import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);

it('keeps its exit code where nobody reads its output: deviations stay 1', async () => {
  const { recorded_at } = JSON.parse(await readFile('fixtures/demo/recording.json', 'utf8'));
  const store = join(await temporaryFolder(), 'evidence');
  const run = `"${process.execPath}" dist/src/cli/main.js run --config fixtures/demo/tickmark.yaml --replay fixtures/demo/exchanges --clock ${recorded_at} --store "${store}"`;
  const { stdout } = await promisify(execFile)('bash', [
    '-c',
    `${run} 2>&- | true; echo "\${PIPESTATUS[0]}"`,
  ]);
  expect(stdout).toBe('1\n');
});
