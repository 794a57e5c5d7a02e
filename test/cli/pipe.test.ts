import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { demoNight, firstNights, strictConfig } from '../support/demo-night.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);

it('says where its output has no room', async () => {
  const folder = await temporaryFolder();
  const args = ['dist/src/cli/main.js', 'controls', 'schema', '--of', 'report'];
  const command = `"${process.execPath}" ${args.join(' ')} 2>&1 > /dev/full; echo $?`;
  const { stdout } = await promisify(execFile)('bash', ['-c', command], { env: { HOME: folder } });
  expect(stdout).toBe(
    'tickmark: the output cannot be written (ENOSPC); what was sealed is kept\n3\n',
  );
});

it('keeps its exit code where nobody reads its output: deviations stay 1', async () => {
  const folder = await temporaryFolder();
  const args = demoNight(await strictConfig(folder), join(folder, 'evidence'), firstNights[0]);
  const words = [process.execPath, 'dist/src/cli/main.js', 'run', ...args];
  const run = words.map((word) => `"${word}"`).join(' ');
  const { stdout } = await promisify(execFile)('bash', [
    '-c',
    `${run} 2>&- | true; echo "\${PIPESTATUS[0]}"`,
  ]);
  expect(stdout).toBe('1\n');
});
