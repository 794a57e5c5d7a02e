import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoGitHubWorld } from '../../scripts/demo-github-world.ts';
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
const root = new URL('../..', import.meta.url).pathname;
const nothing = {
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  GITHUB_API_URL: nowhere,
};

const { recorded_at } = JSON.parse(readFileSync(`${root}/fixtures/demo/recording.json`, 'utf8'));
const github = demoGitHubWorld(new Date(recorded_at));

/** What went to a branch that ships, in a repository that is asked. */
const shipped = github.repositories
  .filter(({ archived, fork }) => !archived && !fork)
  .flatMap(({ name, pullRequests }) =>
    pullRequests.flatMap(({ number, title, base, merge }) =>
      merge !== null && (base === 'main' || base.startsWith('release/'))
        ? [{ name: `acme/${name}#${number}`, title }]
        : [],
    ),
  );

/** A change by a part of its title that no other has. */
function changed(title: string): string {
  const found = shipped.filter((change) => change.title.endsWith(title));
  if (found.length !== 1) throw new Error(`${found.length} changes end with ${title}`);
  return found[0]?.name ?? '';
}

/** What Acme did wrong on GitHub, by test; commits without their ids. */
const wrong = {
  'chg-approve': [
    // Commits came after the approval; an emergency was approved too late.
    changed('Name the new office'),
    changed('Show the new prices'),
    changed('Raise the limit of connections'),
  ],
  'chg-bypass': ['acme/infra'],
  'chg-conf': ['acme/reports protected_branch.destroy'],
  'chg-direct': ['acme/reports'],
  'chg-test': [changed('Move the sign-in form')],
  'chg-ticket': [changed('Raise the build number'), changed('Raise the build number again')],
  'gh-2fa-user': ['peggy'],
  'gh-apps': ['code-assistant'],
  'gh-checks': ['acme/reports@main'],
  'gh-depend': ['acme/api#dependabot-31'],
  'gh-ownersfile': ['acme/reports'],
  'gh-prot': ['acme/reports@main', 'acme/website@main'],
  'gh-repoacc': ['acme/reports dave'],
};
/** Of these, what lies too far back for the night itself. */
const backfilled = [changed('Name the new office'), changed('Raise the build number')];

const withoutCommit = (name: string) => name.replace(/@[0-9a-f]{40}$/, '');
const isOnGitHub = ({ test }: Result) => /^(chg|gh)-/.test(test);

describe('tickmark demo', () => {
  let cwd: string;
  let first: CliResult;
  let second: CliResult;
  let summary: NightSummary;
  /** Of the night itself, of what was backfilled before it, and of the second demo. */
  let night: Result[];
  let before: Result[];
  let again: Result[];

  const rows = async (run: string): Promise<Result[]> => {
    const store = ['--config', 'fixtures/demo/tickmark.yaml', '--store'];
    const args = ['results', '--json', '--run', run, ...store, `${cwd}/tickmark-demo/evidence`];
    const { stdout, code } = await tickmark(args, nowhere, { cwd: root, env: nothing });
    expect(code).toBe(0);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  };

  beforeAll(async () => {
    cwd = await temporaryFolder();
    first = await tickmark(['demo', '--json'], nowhere, { cwd, env: nothing });
    second = await tickmark(['demo'], nowhere, { cwd, env: nothing });
    summary = JSON.parse(first.stdout);
    night = await rows(summary.run);
    before = (await Promise.all(summary.backfill.map(({ run }) => rows(run)))).flat();
    again = await rows(/run (\d{8}T\d{6}Z-[0-9a-f]{6})/.exec(second.stdout)?.[1] ?? '');
  }, 60_000);
  afterAll(removeTemporary);

  it('ends with 0 and all evidence complete, without network or credentials', () => {
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(summary).toMatchObject({ not_collected: [], unjudged: [] });
    expect(summary.backfill.flatMap(({ not_collected }) => not_collected)).toEqual([]);
    expect(summary.sources).toMatchObject([
      { id: 'production', endpoints: [] },
      { id: 'code', endpoints: [] },
    ]);
    expect(summary).toMatchObject({ clock: 'simulated', answers: 'replayed' });
    expect([...night, ...before, ...again].filter(({ status }) => status === 'error')).toEqual([]);
  });

  it('counts for each control what Acme’s account holds', () => {
    const found = new Map(summary.controls.map(({ id, counts }) => [id, counts]));
    for (const [control, tests] of Object.entries(testsOf)) {
      const statuses = tests.flatMap((test) => expectedOf(test).map(([, status]) => status));
      expect(found.get(control), control).toEqual(countsOf(statuses));
    }
  });

  it('finds on GitHub what Acme did wrong there, and nothing else', () => {
    const failed: Record<string, string[]> = {};
    for (const { test, resource, status } of [...before, ...night].filter(isOnGitHub)) {
      if (status !== 'fail') continue;
      failed[test] = [...(failed[test] ?? []), withoutCommit(resource.name)].sort();
    }
    expect(failed).toEqual(
      Object.fromEntries(Object.entries(wrong).map(([test, names]) => [test, names.sort()])),
    );
    const early = before.filter(({ status }) => status === 'fail');
    expect(early.map(({ resource }) => resource.name).sort()).toEqual(backfilled.sort());
  });

  it('judges each change that was merged since the period began, once', () => {
    const judged = [...before, ...night].filter(({ test }) => test === 'chg-approve');
    expect(judged.map(({ resource }) => resource.name).sort()).toEqual(
      shipped.map(({ name }) => name).sort(),
    );
  });

  it('lets a bot pass by its own rule, and an emergency that was approved in time', () => {
    const passed = [...before, ...night].filter(
      ({ test, status }) => test === 'chg-approve' && status === 'pass',
    );
    const reasonOf = (name: string) =>
      passed.find(({ resource }) => resource.name === name)?.reason;
    expect(passed.filter(({ reason }) => /^by the bot dependabot/.test(reason))).toHaveLength(5);
    expect(reasonOf(changed('Stop refunds that run twice'))).toContain('after the merge at 22:14');
  });

  it('says what of GitHub it left out', () => {
    const leftOut = summary.left_out.filter(({ source }) => source === 'code');
    expect(leftOut.map(({ scope, reason }) => `${scope}: ${reason}`)).toEqual([
      'acme/billing-2019: archived',
      'acme/grpc-gateway: a fork',
    ]);
    expect(summary.notes.map(({ message }) => message).join()).toContain('feature/offline 1');
  });

  it('says on paper that its clock is simulated and its answers are recorded', () => {
    expect(second.stdout).toContain('Simulated clock');
    expect(second.stdout).toContain('recorded exchanges');
  });

  it('seals another bundle each time, with the same results of what is there', () => {
    expect(second.stdout).toContain('Bundle 4 sealed');
    expect(second.stderr).not.toContain('Warning');
    const events = new Set(before.map(({ test }) => test));
    // The simulated clock runs on, so that the moment of asking differs by milliseconds.
    const bare = (list: Result[]) =>
      list
        .filter(({ test }) => !events.has(test))
        .map(({ run: _, observed_at: _at, ...row }) => row);
    expect(bare(again)).toEqual(bare(night));
    for (const test of Object.values(testsOf).flat()) {
      const statuses = night.filter((row) => row.test === test).map(({ status }) => status);
      const expected = expectedOf(test).map(([, status]) => status);
      expect(countsOf(statuses), test).toEqual(countsOf(expected));
    }
  });

  it('judges what happened only once: a second night at the same time has nothing new', () => {
    const events = new Set(before.map(({ test }) => test));
    expect(events.size).toBe(8);
    const statuses = again.filter(({ test }) => events.has(test)).map(({ status }) => status);
    expect(statuses).toEqual(Array(8).fill('not_tested'));
  });
});
