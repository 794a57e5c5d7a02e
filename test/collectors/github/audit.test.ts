/** Who went around rules and who changed them, from a stand-in for GitHub through the real provider. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Slice } from '../../../src/evidence/slice.ts';
import {
  type GitHubStandIn,
  type StandInOptions,
  startGitHub,
} from '../../support/github-stand-in.ts';
import type { GitHubWorld } from '../../support/github-world.ts';
import {
  asUser,
  auditEntry,
  githubWorld,
  member,
  repository,
  ruleSuite,
} from '../../support/github-world-builders.ts';
import {
  cutBranch,
  directPush,
  later,
  mergedChange,
  review,
} from '../../support/github-world-events.ts';
import { between, collectEvents, type EventsRun, only, problemsOf } from './events.ts';

const bypasses = 'github.rule_bypasses';
const settings = 'github.settings_changes';
const listRoute = 'GET /orgs/{org}/rulesets/rule-suites';
const logRoute = 'GET /orgs/{org}/audit-log';
const now = '2026-11-20T02:00:00Z';
const night = between('2026-11-19T02:00:00Z', now);
const at = (time: string) => `2026-11-19T${time}:00Z`;

const running: GitHubStandIn[] = [];
afterEach(async () => {
  for (const github of running.splice(0)) await github.close();
});

async function stand(world: GitHubWorld, options: StandInOptions = {}): Promise<GitHubStandIn> {
  const github = await startGitHub(world, { now: () => new Date(now), ...options });
  running.push(github);
  return github;
}

async function slicesOf(
  dataset: string,
  world: GitHubWorld,
  run: Partial<EventsRun> = {},
  options: StandInOptions = {},
): Promise<Slice[]> {
  const github = run.github ?? (await stand(world, options));
  const datasets = [dataset];
  return (await collectEvents({ github, datasets, now, pieces: [night], ...run }))[dataset] ?? [];
}

async function oneSlice(...asked: Parameters<typeof slicesOf>): Promise<Slice> {
  const [dataset] = asked;
  return only({ [dataset]: await slicesOf(...asked) }, dataset);
}

const outcomesOf = (slices: Slice[]) =>
  slices.map(({ outcome, interval, problems, records }) => [
    outcome,
    interval?.start,
    interval?.end,
    problems.map(({ code }) => code).join(),
    records.length,
  ]);

describe('a push past a rule', () => {
  it('is told with what it broke, and the reviews of its pull request', async () => {
    const api = repository({ name: 'api' });
    const pr = mergedChange(api, { mergedAt: at('10:00'), reviews: [] });
    review(api, pr, { by: 'bob', at: at('12:00') });
    const suite = ruleSuite(api, {
      at: at('10:00'),
      rules: [
        { ruleset: 1, type: 'required_status_checks', result: 'fail', enforcement: 'active' },
        { ruleset: 1, type: 'pull_request', result: 'fail', enforcement: 'active' },
        { ruleset: 1, type: 'non_fast_forward', result: 'pass', enforcement: 'active' },
        { ruleset: 2, type: 'required_signatures', result: 'fail', enforcement: 'evaluate' },
      ],
    });
    const slice = await oneSlice(bypasses, githubWorld({ repositories: [api] }));
    expect(problemsOf(slice)).toEqual([]);
    expect(slice.records).toMatchObject([
      {
        uid: `rule-suite ${suite.id}`,
        name: `acme/api@${suite.after}`,
        fields: {
          repository: 'acme/api',
          branch: 'main',
          actor: 'alice',
          pushed_at: at('10:00'),
          before: suite.before,
          after: suite.after,
          rules: ['pull_request', 'required_status_checks'],
          pull_request: 1,
          reviews: [{ reviewer: 'bob', before_merge: false, hours_after_merge: 2 }],
        },
      },
    ]);
  });

  it('without a pull request, or of a branch that it deleted, has no reviews', async () => {
    const api = repository({ name: 'api' });
    directPush(api, 'main', { at: at('10:00') });
    ruleSuite(api, { at: at('10:00'), actor: null });
    ruleSuite(api, { at: at('11:00'), after: '0'.repeat(40) });
    const slice = await oneSlice(bypasses, githubWorld({ repositories: [api] }));
    expect(problemsOf(slice)).toEqual([]);
    expect(slice.records).toHaveLength(2);
    for (const { fields } of slice.records) {
      expect(fields).toMatchObject({ pull_request: null, reviews: [] });
    }
    expect(slice.records.map(({ fields }) => fields.actor).sort()).toEqual(['alice', null]);
  });

  it('counts on branches that ship, in repositories that are asked; the others are disclosed', async () => {
    const api = repository({ name: 'api' });
    cutBranch(api, 'develop', 'main', '2026-11-01T09:00:00Z');
    const sandbox = repository({ name: 'sandbox' });
    ruleSuite(api, { at: at('10:00') });
    ruleSuite(api, { at: at('11:00'), ref: 'refs/heads/develop' });
    ruleSuite(api, { at: at('12:00'), ref: 'refs/tags/v1' });
    ruleSuite(api, { at: at('12:30'), result: 'fail' });
    ruleSuite(sandbox, { at: at('13:00') });
    ruleSuite(api, { at: '2026-11-19T01:59:59Z' });
    const world = githubWorld({ repositories: [api, sandbox] });
    const config = { repositories: { exclude: ['sandbox'] } };
    for (const mostPerPage of [100, 1]) {
      const slice = await oneSlice(bypasses, world, { config }, { mostPerPage });
      expect(slice.records.map(({ fields }) => fields.pushed_at)).toEqual([at('10:00')]);
      expect(problemsOf(slice)).toEqual([
        'note LeftOut: 3 pushes went around a rule of a branch that does not ship, of a tag, or in a repository that is not asked',
      ]);
    }
  });

  it('is told for four weeks only: what lies further back is a gap', async () => {
    const api = repository({ name: 'api' });
    ruleSuite(api, { at: '2026-10-20T10:00:00Z' });
    ruleSuite(api, { at: '2026-10-24T10:00:00Z' });
    const world = githubWorld({ repositories: [api] });
    const pieces = [
      between('2026-10-09T02:00:00Z', '2026-10-16T02:00:00Z'),
      between('2026-10-16T02:00:00Z', '2026-10-30T02:00:00Z'),
    ];
    const github = await stand(world);
    expect(
      outcomesOf(await slicesOf(bypasses, world, { github, pieces: [pieces[0] ?? night] })),
    ).toEqual([
      ['failed', '2026-10-09T02:00:00.000Z', '2026-10-24T00:00:00.000Z', 'OutOfReach', 0],
    ]);
    expect(github.count({ route: listRoute })).toBe(0);
    const [gap, rest] = await slicesOf(bypasses, world, { github, pieces: [pieces[1] ?? night] });
    expect(outcomesOf(gap === undefined ? [] : [gap])).toEqual([
      ['failed', '2026-10-16T02:00:00.000Z', '2026-10-24T00:00:00.000Z', 'OutOfReach', 0],
    ]);
    expect(rest).toMatchObject({ outcome: 'complete', records: [expect.anything()] });
  });

  it('whose rules are not told says why', async () => {
    const api = repository({ name: 'api' });
    ruleSuite(api, { at: at('10:00') });
    const github = await stand(githubWorld({ repositories: [api] }));
    github.fault({ kind: 'denied', match: { route: `${listRoute}/{rule_suite_id}` } });
    const slice = await oneSlice(bypasses, github.world, { github });
    expect(slice.outcome).toBe('complete');
    expect(slice.records[0]?.fields).not.toHaveProperty('rules');
    expect(slice.records[0]?.untold?.rules).toMatch(/organization_administration:write/);
  });

  it('whose commit is gone is kept, and the slice is not complete', async () => {
    const api = repository({ name: 'api' });
    ruleSuite(api, { at: at('10:00'), after: 'a'.repeat(40) });
    const slice = await oneSlice(bypasses, githubWorld({ repositories: [api] }));
    expect(slice.outcome).toBe('partial');
    expect(slice.records[0]?.fields).toMatchObject({ after: 'a'.repeat(40) });
    expect(slice.records[0]?.fields).not.toHaveProperty('reviews');
  });

  it('is told to owners: for anybody else the slice failed', async () => {
    const api = repository({ name: 'api' });
    ruleSuite(api, { at: at('10:00') });
    const slice = await oneSlice(
      bypasses,
      githubWorld({ repositories: [api], viewer: asUser('bob') }),
    );
    expect(slice.outcome).toBe('failed');
    expect(problemsOf(slice).join()).toMatch(/AccessDenied.*organization_administration:write/);
  });
});

describe('a change of settings', () => {
  const world = () =>
    githubWorld({
      organization: {
        auditLog: [
          auditEntry({
            action: 'protected_branch.destroy',
            at: at('10:00'),
            repository: 'api',
            fields: { name: 'main' },
          }),
          auditEntry({
            action: 'repository_ruleset.update',
            at: at('11:00'),
            actor: null,
            fields: { ruleset_name: 'Main' },
          }),
          auditEntry({ action: 'org.disable_two_factor_requirement', at: at('12:00') }),
          auditEntry({
            action: 'environment.update_protection_rule',
            at: at('13:00'),
            repository: 'sandbox',
            fields: { environment_name: 'production' },
          }),
          auditEntry({ action: 'environment.create_actions_secret', at: at('13:10') }),
          auditEntry({
            action: 'protected_branch.policy_override',
            at: at('13:20'),
            repository: 'api',
          }),
          auditEntry({ action: 'org.add_member', at: at('13:30') }),
          auditEntry({ action: 'protected_branch.create', at: '2026-11-19T01:59:59Z' }),
          auditEntry({ action: 'protected_branch.create', at: now }),
        ],
        members: [member('alice', 'admin'), member('bob')],
      },
      repositories: [repository({ name: 'api' })],
    });

  it('is what touches protection, rulesets and sign-in, in the interval', async () => {
    const slice = await oneSlice(settings, world());
    expect(problemsOf(slice)).toEqual([]);
    const sorted = slice.records
      .toSorted((a, b) => (String(a.fields.at) < String(b.fields.at) ? -1 : 1))
      .map(({ name, fields }) => ({ name, ...fields }));
    expect(sorted).toEqual([
      {
        name: 'acme/api protected_branch.destroy',
        action: 'protected_branch.destroy',
        actor: 'alice',
        at: '2026-11-19T10:00:00.000Z',
        repository: 'acme/api',
        subject: 'main',
      },
      {
        name: 'acme repository_ruleset.update',
        action: 'repository_ruleset.update',
        actor: null,
        at: '2026-11-19T11:00:00.000Z',
        repository: null,
        subject: 'Main',
      },
      {
        name: 'acme org.disable_two_factor_requirement',
        action: 'org.disable_two_factor_requirement',
        actor: 'alice',
        at: '2026-11-19T12:00:00.000Z',
        repository: null,
        subject: null,
      },
      {
        name: 'acme/sandbox environment.update_protection_rule',
        action: 'environment.update_protection_rule',
        actor: 'alice',
        at: '2026-11-19T13:00:00.000Z',
        repository: 'acme/sandbox',
        subject: 'production',
      },
    ]);
  });

  it('in a repository that is not asked is left out, and counted', async () => {
    const config = { repositories: { exclude: ['sand*'] } };
    const slice = await oneSlice(settings, world(), { config });
    expect(slice.records).toHaveLength(3);
    expect(problemsOf(slice)).toEqual([
      'note LeftOut: 1 change of settings in repositories that are not asked',
    ]);
  });

  it('is found on every page, whatever their size', async () => {
    const told = world();
    for (let minute = 0; minute < 30; minute += 1) {
      told.organization.auditLog.push(
        auditEntry({
          action: 'repository_ruleset.update',
          at: later(at('14:00'), { minutes: minute }),
        }),
      );
    }
    for (const mostPerPage of [100, 7]) {
      const slice = await oneSlice(settings, told, {}, { mostPerPage });
      expect(slice.records).toHaveLength(34);
    }
  });

  it('is asked once for all pieces, and only as far back as the log is kept', async () => {
    const told = world();
    const github = await stand(told);
    const pieces = [
      between('2026-05-15T00:00:00Z', '2026-06-15T00:00:00Z'),
      between('2026-06-15T00:00:00Z', now),
    ];
    const slices = await slicesOf(settings, told, { github, pieces });
    expect(outcomesOf(slices)).toEqual([
      ['failed', '2026-05-15T00:00:00.000Z', '2026-05-26T00:00:00.000Z', 'OutOfReach', 0],
      ['complete', '2026-05-26T00:00:00.000Z', '2026-06-15T00:00:00.000Z', '', 0],
      ['complete', '2026-06-15T00:00:00.000Z', '2026-11-20T02:00:00.000Z', '', 5],
    ]);
    const asked = github.requests.filter(({ route }) => route === logRoute);
    expect(new Set(asked.map(({ path }) => path)).size).toBe(asked.length);
  });

  it('is told to owners: for anybody else the slice failed', async () => {
    const told = world();
    told.viewer = asUser('bob');
    const slice = await oneSlice(settings, told);
    expect(slice.outcome).toBe('failed');
    expect(problemsOf(slice).join()).toMatch(/AccessDenied.*organization_administration:read/);
  });

  it('is not taken to have not happened where an answer is none', async () => {
    const told = world();
    for (const kind of ['signIn', 'garbage', 'nextElsewhere', 'nextRepeats'] as const) {
      const github = await stand(told, { mostPerPage: 1 });
      github.fault({ kind, match: { route: logRoute, path: 'protected_branch' } });
      expect((await oneSlice(settings, told, { github })).outcome, kind).toBe('failed');
    }
  });
});
