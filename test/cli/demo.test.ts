import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bucketsNotInDemo } from '../../scripts/demo-world.ts';
import type { Result, Status } from '../../src/evidence/result.ts';
import type { NightSummary } from '../../src/report/summary.ts';
import { type AcmeTest, acmeExpected } from '../support/acme-expected.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

/** The tests of each control, as the catalogue of controls names them. */
const testsOf: Record<string, AcmeTest[]> = {
  'AC-01': ['aws-root-mfa', 'aws-root-hw', 'aws-root-key'],
  'AC-02': ['aws-iam-mfa'],
  'AC-03': ['aws-iam-fed'],
  'AC-04': ['aws-pwpol'],
  'AC-05': ['aws-key-age', 'aws-cred-idle'],
  'AC-06': ['aws-iam-admin', 'aws-iam-grp'],
  'AC-07': ['aws-role-trust'],
  'DP-01': ['s3-pub'],
  'DP-02': ['pi-store'],
  'EN-01': ['s3-sse'],
  'EN-02': ['s3-tls'],
  'EN-03': ['kms-rot', 'kms-pol'],
};

/**
 * What Acme's world says of a test, without the buckets that the demo leaves out. Without them it
 * is known of every bucket which key it uses, so that nobody uses `gone` for certain.
 */
function expectedOf(test: AcmeTest): [name: string, status: Status][] {
  const statuses: Record<string, Status> = {
    ...acmeExpected[test],
    ...(test === 'kms-pol' ? { gone: 'pass' } : {}),
  };
  return Object.entries(statuses).filter(([name]) => !bucketsNotInDemo.includes(name));
}

function countsOf(statuses: Status[]): Record<Status, number> {
  const counts = { pass: 0, fail: 0, not_applicable: 0, not_tested: 0, waived: 0, error: 0 };
  for (const status of statuses) counts[status] += 1;
  return counts;
}

/** Port 9 discards: whoever asks anything there gets no answer. */
const nowhere = 'http://127.0.0.1:9';
const noCredentials = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };

describe('tickmark demo', () => {
  let cwd: string;
  let first: CliResult;
  let second: CliResult;

  const rows = async (run: string): Promise<Result[]> => {
    const store = ['--config', 'fixtures/demo/tickmark.yaml', '--store'];
    const root = new URL('../..', import.meta.url).pathname;
    const args = ['results', '--json', '--run', run, ...store, `${cwd}/tickmark-demo/evidence`];
    const { stdout, code } = await tickmark(args, nowhere, { cwd: root, env: noCredentials });
    expect(code).toBe(0);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  };

  beforeAll(async () => {
    cwd = await temporaryFolder();
    first = await tickmark(['demo', '--json'], nowhere, { cwd, env: noCredentials });
    second = await tickmark(['demo'], nowhere, { cwd, env: noCredentials });
  }, 60_000);
  afterAll(removeTemporary);

  it('ends with 0 and all evidence complete, without network or credentials', () => {
    const summary: NightSummary = JSON.parse(first.stdout);
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(summary).toMatchObject({ not_collected: [], unjudged: [] });
    expect(summary.sources).toMatchObject([{ id: 'production', endpoints: [] }]);
    expect(summary).toMatchObject({ clock: 'simulated', answers: 'replayed' });
  });

  it('counts for each control what Acme’s world holds', () => {
    const summary: NightSummary = JSON.parse(first.stdout);
    const found = Object.fromEntries(summary.controls.map(({ id, counts }) => [id, counts]));
    const expected = Object.fromEntries(
      Object.entries(testsOf).map(([control, tests]) => [
        control,
        countsOf(tests.flatMap((test) => expectedOf(test).map(([, status]) => status))),
      ]),
    );
    expect(found).toEqual(expected);
  });

  it('says on paper that its clock is simulated and its answers are recorded', () => {
    expect(second.stdout).toContain('Simulated clock');
    expect(second.stdout).toContain('recorded exchanges');
  });

  it('seals another bundle each time, with the same results', async () => {
    expect(second.stdout).toContain('Bundle 2 sealed');
    expect(second.stderr).not.toContain('Warning');
    const { run }: NightSummary = JSON.parse(first.stdout);
    const again = /run (\d{8}T\d{6}Z-[0-9a-f]{6})/.exec(second.stdout)?.[1] ?? '';
    const [before, after] = [await rows(run), await rows(again)];
    // The simulated clock runs on, so that the moment of asking differs by milliseconds.
    const bare = (list: Result[]) => list.map(({ run: _, observed_at: _at, ...row }) => row);
    expect(bare(after)).toEqual(bare(before));
    for (const test of Object.values(testsOf).flat()) {
      const statuses = before.filter((row) => row.test === test).map(({ status }) => status);
      const expected = expectedOf(test).map(([, status]) => status);
      expect(countsOf(statuses), test).toEqual(countsOf(expected));
    }
  });
});
