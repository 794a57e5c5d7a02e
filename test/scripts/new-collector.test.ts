import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/cli/package.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

interface Ended {
  code: number;
  output: string;
}

/** Runs a program in a folder to its end. */
function run(program: string, args: string[], cwd: string): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({
        code: error === null ? 0 : Number(error.code ?? 1),
        output: `${stdout}${stderr}`,
      });
    });
  });
}

const script = join(packageRoot, 'dist', 'scripts', 'new-collector.js');

describe('new:collector', () => {
  let copy: string;
  const scaffold = (...args: string[]) => run(process.execPath, [script, ...args], copy);
  const tool = (name: string, ...args: string[]) =>
    run(join(packageRoot, 'node_modules', '.bin', name), args, copy);

  beforeAll(async () => {
    copy = await temporaryFolder();
    const parts = ['package.json', 'tsconfig.json', 'biome.json', 'src', 'collectors'];
    const tests = ['collectors/contract.test.ts', 'collectors/replay.ts'];
    const fixtures = ['fixtures/aws', 'fixtures/github'];
    for (const path of [...parts, ...fixtures, ...tests.map((name) => `test/${name}`)]) {
      await cp(join(packageRoot, path), join(copy, path), { recursive: true });
    }
    await symlink(join(packageRoot, 'node_modules'), join(copy, 'node_modules'));
    // A busy machine takes its time.
    const config = 'export default { test: { testTimeout: 30_000 } };\n';
    await writeFile(join(copy, 'vitest.config.ts'), config);
  });
  afterAll(removeTemporary);

  it.each([
    [['aws'], 'npm run new:collector -- <source> <api>'],
    [['aws', 'sns', 'sqs'], 'npm run new:collector -- <source> <api>'],
    [['azure', 'sql'], 'there is no template for the source "azure"'],
    [['constructor', 'sns'], 'there is no template for the source "constructor"'],
    [['aws', '../sns'], '"../sns" is no name for an API'],
    [['aws', 'SNS'], '"SNS" is no name for an API'],
    [['aws', 'event-bridge'], '"event-bridge" is no name for an API'],
    [['aws', 'connect'], '"connect" is no name for an API'],
    [['aws', 'iam'], 'is there already; nothing was written'],
  ])('refuses %j with a sentence', async (args, sentence) => {
    const { code, output } = await scaffold(...args);
    expect(code).toBe(2);
    expect(output).toContain(sentence);
  });

  it('refuses to write anywhere but in the root of the repository', async () => {
    const elsewhere = join(copy, 'elsewhere');
    await mkdir(elsewhere);
    const { code, output } = await run(process.execPath, [script, 'aws', 'sns'], elsewhere);
    expect(code).toBe(2);
    expect(output).toContain('run this in the root of the repository');
  });

  it('writes collectors that type-check, are well formatted and meet the contract at once', async () => {
    // The second name makes a line of the registry too long for one line.
    for (const api of ['sns', 'anapiwithanameofthirtyletters']) {
      expect(await scaffold('aws', api)).toMatchObject({ code: 0 });
    }
    expect(await readFile(join(copy, 'collectors/index.ts'), 'utf8')).toContain('awsSns');
    const [types, format, tests] = await Promise.all([
      tool('tsc', '--noEmit'),
      tool('biome', 'check', 'collectors', 'test'),
      tool('vitest', 'run', '--reporter=verbose'),
    ]);
    expect(types).toEqual({ code: 0, output: expect.any(String) });
    expect(format, format.output).toMatchObject({ code: 0 });
    expect(tests, tests.output).toMatchObject({ code: 0 });
    // The contract ran over the new collector, and its own test did.
    expect(tests.output).toMatch(/✓ .*aws\.sns.*pages.* > ends as it says/);
    expect(tests.output).toMatch(/✓ .*aws\/sns\.replay\.test\.ts/);
    expect(await scaffold('aws', 'sns')).toMatchObject({ code: 2 });
  }, 60_000);
});
