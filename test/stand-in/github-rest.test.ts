import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GitHubStandIn, startGitHub } from '../support/github-stand-in.ts';
import {
  auditEntry,
  codeScanningAlert,
  dependabotAlert,
  deployKey,
  directPush,
  externalIdentity,
  forcePush,
  type GitHubWorld,
  githubWorld,
  installation,
  invitation,
  later,
  mergedChange,
  protectedReviews,
  protection,
  pullRequestRule,
  repository,
  requiredChecksRule,
  ruleSuite,
  ruleset,
  secretScanningAlert,
  team,
} from '../support/github-world.ts';
import { get, getAll, withGitHub } from './github-asking.ts';

const now = '2026-11-20T02:00:00Z';
const ago = (days: number) => later(now, { days: -days });
const clock = { now: () => new Date(now) };

/** Something of everything that REST tells of. */
function fullWorld(): GitHubWorld {
  const by = { at: ago(2), by: 'bob' };
  const api = repository({
    name: 'api',
    createdAt: ago(300),
    protections: [
      protection({
        pullRequest: protectedReviews({
          bypass: ['user:bob', 'team:core', 'app:renovate'],
          dismissal: ['user:alice'],
        }),
        pushRestrictions: ['app:renovate', 'team:core'],
        checks: {
          strict: true,
          contexts: [{ context: 'build', app: 'github-actions' }, { context: 'x' }],
        },
      }),
    ],
    rulesets: [
      ruleset({
        name: 'main',
        rules: [pullRequestRule(), requiredChecksRule(['build']), { type: 'non_fast_forward' }],
        bypass: [
          { actor: 'team:core', mode: 'always' },
          { actor: 'app:renovate', mode: 'exempt' },
          { actor: 'role:maintain', mode: 'pull_request' },
          { actor: 'organization_admin', mode: 'always' },
          { actor: 'deploy_key', mode: 'always' },
        ],
      }),
    ],
    deployKeys: [
      deployKey({ title: 'ci' }),
      deployKey({ title: 'robot', readOnly: false, addedBy: null }),
    ],
    dependabotAlerts: [
      dependabotAlert({ patched: null }),
      dependabotAlert({ number: 2, state: 'dismissed', closed: { ...by, reason: 'no_bandwidth' } }),
      dependabotAlert({ number: 3, state: 'fixed', closed: { ...by, by: null, reason: null } }),
      dependabotAlert({
        number: 4,
        state: 'auto_dismissed',
        closed: { ...by, by: null, reason: null },
      }),
    ],
    codeScanningAlerts: [
      codeScanningAlert({ severity: null }),
      codeScanningAlert({ number: 2, state: 'fixed', closed: { ...by, by: null, reason: null } }),
      codeScanningAlert({
        number: 3,
        state: 'dismissed',
        closed: { ...by, reason: 'false positive' },
      }),
    ],
    secretScanningAlerts: [
      secretScanningAlert({ pushProtectionBypassed: { by: 'bob', at: ago(3) } }),
      secretScanningAlert({ number: 2, state: 'resolved', closed: { ...by, reason: 'revoked' } }),
    ],
  });
  mergedChange(api, {
    mergedAt: ago(2),
    commits: [{}, { author: { name: 'X', email: 'x@example.net' } }],
  });
  ruleSuite(api, {
    at: ago(1 / 24),
    rules: [{ ruleset: 1, type: 'pull_request', result: 'fail', enforcement: 'active' }],
  });
  ruleSuite(api, { at: ago(20), actor: null });
  ruleSuite(api, { at: ago(40) });
  return githubWorld({
    organization: {
      saml: {
        ssoUrl: 'https://idp.example.com/sso',
        issuer: 'https://idp.example.com',
        identities: [externalIdentity({ handle: 'alice' })],
      },
      outsideCollaborators: [
        { handle: 'dave', twoFactor: 'disabled' },
        { handle: 'erin', twoFactor: 'insecure' },
      ],
      invitations: [invitation({ email: 'frank@example.com' }), invitation({ handle: 'grace' })],
      teams: [team({ slug: 'core', members: ['bob'] }), team({ slug: 'sub', parent: 'core' })],
      installations: [
        installation({ slug: 'renovate', permissions: { contents: 'write' } }),
        installation({ slug: 'old', suspendedAt: ago(9), suspendedBy: 'alice' }),
      ],
      rulesets: [ruleset({ name: 'organization' })],
      auditLog: [
        auditEntry({
          action: 'protected_branch.destroy',
          at: ago(3),
          repository: 'api',
          fields: { name: 'main' },
        }),
        auditEntry({ action: 'org.disable_two_factor_requirement', at: ago(100), actor: null }),
        auditEntry({ action: 'protected_branch.create', at: ago(200) }),
        auditEntry({ action: 'git.push', at: ago(1) }),
      ],
    },
    repositories: [
      api,
      repository({
        name: 'web',
        visibility: 'public',
        empty: true,
        codeScanning: 'not-configured',
      }),
      repository({ name: 'old', codeScanning: 'unavailable' }),
    ],
  });
}

describe('REST', () => {
  let world: GitHubWorld;
  let github: GitHubStandIn;
  beforeAll(async () => {
    world = fullWorld();
    github = await startGitHub(world, clock);
  });
  // Fails if any answer was not as GitHub describes it.
  afterAll(() => github.close());

  it('answers every route as GitHub describes it', async () => {
    const [api] = world.repositories;
    const paths = [
      '/orgs/acme',
      '/orgs/acme/members',
      '/orgs/acme/outside_collaborators',
      '/orgs/acme/invitations',
      '/orgs/acme/installations',
      '/orgs/acme/repos',
      '/orgs/acme/teams',
      '/orgs/acme/rulesets',
      `/orgs/acme/rulesets/${world.organization.rulesets[0]?.id}`,
      '/orgs/acme/rulesets/rule-suites?time_period=month',
      `/orgs/acme/rulesets/rule-suites/${api?.ruleSuites[0]?.id}`,
      '/orgs/acme/audit-log',
      '/orgs/acme/dependabot/alerts',
      '/orgs/acme/code-scanning/alerts',
      '/orgs/acme/secret-scanning/alerts',
      '/repos/acme/api/branches/main/protection',
      '/repos/acme/api/rules/branches/main',
      `/repos/acme/api/rulesets/${api?.rulesets[0]?.id}`,
      '/repos/acme/api/keys',
      '/repos/acme/api/compare/main...main',
      '/repos/acme/api/code-scanning/default-setup',
      '/repos/acme/web/code-scanning/default-setup',
    ];
    for (const path of paths) {
      const { status, body } = await get(github, path);
      expect([path, status, Array.isArray(body) ? body.length > 0 : true]).toEqual([
        path,
        200,
        true,
      ]);
    }
  });

  it('filters people by their second factor, in two lists', async () => {
    const logins = async (filter: string) => {
      const { items } = await getAll(github, `/orgs/acme/outside_collaborators?filter=${filter}`);
      return items.map(({ login }) => login);
    };
    expect(await logins('2fa_disabled')).toEqual(['dave']);
    expect(await logins('2fa_insecure')).toEqual(['erin']);
    expect(await logins('all')).toEqual(['dave', 'erin']);
  });

  it('tells branches without protection from what may not be seen', async () => {
    const protectionOf = async (path: string) => {
      const { status, body } = await get(github, `/repos/acme/${path}/protection`);
      return [status, body.message];
    };
    const [, , old] = world.repositories;
    if (old === undefined) throw new Error('no repository');
    expect(await protectionOf('old/branches/main')).toEqual([404, 'Branch not protected']);
    expect(await protectionOf('old/branches/none')).toEqual([404, 'Branch not found']);
    expect(await protectionOf('none/branches/main')).toEqual([404, 'Not Found']);
    old.branches['release/1'] = old.branches.main ?? '';
    expect(await protectionOf('old/branches/release%2F1')).toEqual([404, 'Branch not protected']);
  });

  it('names who may do without reviews, and leaves the list out where nobody may', async () => {
    const { body } = await get(github, '/repos/acme/api/branches/main/protection');
    const reviews = body.required_pull_request_reviews;
    expect(reviews.bypass_pull_request_allowances.users).toMatchObject([{ login: 'bob' }]);
    expect(reviews.bypass_pull_request_allowances.teams).toMatchObject([{ slug: 'core' }]);
    const [api] = world.repositories;
    const [rule] = api?.protections ?? [];
    if (rule?.pullRequest == null) throw new Error('no rule');
    const { bypass } = rule.pullRequest;
    rule.pullRequest.bypass = [];
    const again = await get(github, '/repos/acme/api/branches/main/protection');
    rule.pullRequest.bypass = bypass;
    expect(again.body.required_pull_request_reviews).not.toHaveProperty(
      'bypass_pull_request_allowances',
    );
  });

  it('keeps rule suites for a month, and shows a day of them unasked', async () => {
    const suites = async (query: string) =>
      (await get(github, `/orgs/acme/rulesets/rule-suites${query}`)).body.length;
    expect(await suites('')).toBe(1);
    expect(await suites('?time_period=month')).toBe(2);
    expect(await suites('?time_period=month&rule_suite_result=fail')).toBe(0);
  });

  it('searches the audit log by phrase, in 180 days', async () => {
    const actions = async (query: string) => {
      const { items } = await getAll(github, `/orgs/acme/audit-log?per_page=1&${query}`);
      return items.map(({ action }) => action);
    };
    const [destroyed, factor, pushed] = [
      'protected_branch.destroy',
      'org.disable_two_factor_requirement',
      'git.push',
    ];
    expect(await actions('')).toEqual([destroyed]);
    expect(await actions('include=all')).toEqual([pushed, destroyed]);
    const all = `phrase=created:>=${ago(365)}`;
    expect(await actions(all)).toEqual([destroyed, factor]);
    expect(await actions(`${all}&order=asc`)).toEqual([factor, destroyed]);
    expect(await actions(`${all} action:protected_branch`)).toEqual([destroyed]);
    expect(await actions(`${all} action:protected_branch action:org`)).toEqual([destroyed, factor]);
    expect(await actions(`${all} -action:org`)).toEqual([destroyed]);
    expect(await actions(`phrase=created:${ago(101)}..${ago(99)}`)).toEqual([factor]);
  });

  it('never says a hidden secret', async () => {
    const shown = await get(github, '/orgs/acme/secret-scanning/alerts');
    const hidden = await get(github, '/orgs/acme/secret-scanning/alerts?hide_secret=true');
    expect(JSON.stringify(shown.body)).toContain('example-secret');
    expect(JSON.stringify(hidden.body)).not.toContain('example-secret');
  });

  it('filters alerts by state, and leaves out repositories without the feature', async () => {
    const numbers = async (path: string) =>
      (await get(github, `/orgs/acme/${path}`)).body.map(
        ({ number }: { number: number }) => number,
      );
    expect(await numbers('dependabot/alerts?state=open')).toEqual([1]);
    expect(await numbers('dependabot/alerts?state=fixed,auto_dismissed&sort=updated')).toEqual([
      3, 4,
    ]);
    expect(await numbers('code-scanning/alerts?state=closed')).toEqual([2, 3]);
    const [api] = world.repositories;
    if (api === undefined) throw new Error('no repository');
    api.vulnerabilityAlerts = false;
    expect(await numbers('dependabot/alerts')).toEqual([]);
    api.vulnerabilityAlerts = true;
  });

  it('says that code scanning is not there without Advanced Security', async () => {
    const { status, body } = await get(github, '/repos/acme/old/code-scanning/default-setup');
    expect([status, body.message]).toEqual([
      403,
      'Advanced Security must be enabled for this repository to use code scanning.',
    ]);
  });

  it('does not say that public repositories have Advanced Security', async () => {
    const { body } = await get(github, '/orgs/acme/repos');
    const [api, web] = body;
    expect(api.security_and_analysis).toHaveProperty('advanced_security');
    expect(web.security_and_analysis).not.toHaveProperty('advanced_security');
  });
});

describe('pages', () => {
  it('give every entry once, whatever their size, and name the organisation by its number', async () => {
    const world = fullWorld();
    await withGitHub(
      world,
      async (github) => {
        await fc.assert(
          fc.asyncProperty(fc.integer({ min: 1, max: 12 }), async (size) => {
            const { items, pages } = await getAll(github, `/orgs/acme/members?per_page=${size}`);
            expect(items.map(({ login }) => login)).toEqual(['alice', 'bob', 'carol']);
            expect(pages).toBe(Math.ceil(3 / size));
            const alerts = await getAll(github, `/orgs/acme/dependabot/alerts?per_page=${size}`);
            expect(alerts.items.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
          }),
          { numRuns: 12 },
        );
        const { headers } = await get(github, '/orgs/acme/members?per_page=1');
        const { databaseId } = world.organization;
        expect(headers.get('link')).toBe(
          `<${github.endpoint}/organizations/${databaseId}/members?per_page=1&page=2>; rel="next", ` +
            `<${github.endpoint}/organizations/${databaseId}/members?per_page=1&page=3>; rel="last"`,
        );
      },
      clock,
    );
  });

  it('can be shorter than was asked for', async () => {
    await withGitHub(
      fullWorld(),
      async (github) => {
        const { items, pages } = await getAll(
          github,
          '/orgs/acme/installations?per_page=100',
          'installations',
        );
        expect(items).toHaveLength(2);
        expect(pages).toBe(2);
      },
      { ...clock, mostPerPage: 1 },
    );
  });

  it('go back by a cursor too', async () => {
    await withGitHub(
      fullWorld(),
      async (github) => {
        const rel = (headers: Headers, name: string) =>
          new RegExp(`<([^>]+)>; rel="${name}"`).exec(headers.get('link') ?? '')?.[1] ?? '';
        const first = await get(github, '/orgs/acme/dependabot/alerts?per_page=2');
        const second = await get(github, rel(first.headers, 'next'));
        const back = await get(github, rel(second.headers, 'prev'));
        expect(back.body).toEqual(first.body);
      },
      clock,
    );
  });

  it('are known again by their ETag, which costs nothing', async () => {
    const world = fullWorld();
    await withGitHub(world, async (github) => {
      const first = await get(github, '/orgs/acme/members');
      const etag = first.headers.get('etag') ?? '';
      const left = Number(first.headers.get('x-ratelimit-remaining'));
      const again = await get(github, '/orgs/acme/members', { 'if-none-match': etag });
      expect([again.status, again.body]).toEqual([304, '']);
      expect(Number(again.headers.get('x-ratelimit-remaining'))).toBe(left);
      world.organization.members.pop();
      const changed = await get(github, '/orgs/acme/members', { 'if-none-match': etag });
      expect([changed.status, changed.body.length]).toEqual([200, 2]);
      expect(Number(changed.headers.get('x-ratelimit-remaining'))).toBe(left - 1);
    });
  });
});

describe('comparing', () => {
  const start = '2026-03-01T09:00:00Z';

  it('lists what was pushed since, oldest first, page by page', async () => {
    const repo = repository({ name: 'api', createdAt: start });
    const before = repo.branches.main;
    directPush(repo, 'main', { at: later(start, { days: 1 }), commits: [{}, {}, {}] });
    const pr = mergedChange(repo, { mergedAt: later(start, { days: 3 }), method: 'merge' });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const path = `/repos/acme/api/compare/${before}...main?per_page=2`;
      const { items, pages } = await getAll(github, path, 'commits');
      const { body } = await get(github, path);
      expect(body).toMatchObject({ status: 'ahead', ahead_by: 5, behind_by: 0, total_commits: 5 });
      expect(body.merge_base_commit.sha).toBe(before);
      expect([items.length, pages]).toEqual([5, 3]);
      expect(items.at(-1).sha).toBe(pr.merge?.commit);
      const dates = items.map(({ commit }) => commit.committer.date);
      expect(dates).toEqual(dates.toSorted());
    });
  });

  it('knows a branch that is the same, behind, or rewritten, and a commit that is gone', async () => {
    const repo = repository({ name: 'api', createdAt: start });
    const first = repo.branches.main;
    directPush(repo, 'main', { at: later(start, { days: 1 }) });
    const second = repo.branches.main;
    forcePush(repo, 'main', { at: later(start, { days: 2 }), commits: [{}, {}] });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const compare = async (range: string) => {
        const { status, body } = await get(github, `/repos/acme/api/compare/${range}`);
        return status === 200
          ? [body.status, body.ahead_by, body.behind_by]
          : [status, body.message];
      };
      expect(await compare('main...main')).toEqual(['identical', 0, 0]);
      expect(await compare(`main...${first}`)).toEqual(['behind', 0, 2]);
      expect(await compare(`${second}...main`)).toEqual(['diverged', 2, 1]);
      expect(await compare(`${'0'.repeat(40)}...main`)).toEqual([404, 'Not Found']);
      directPush(repo, 'elsewhere', { at: later(start, { days: 4 }) });
      expect(await compare('main...elsewhere')).toEqual([
        404,
        'No common ancestor between main and elsewhere.',
      ]);
    });
  });
});

it('answers 404 to a route that it does not have, and calls it a mistake', async () => {
  const github = await startGitHub(githubWorld());
  expect((await get(github, '/orgs/acme/hooks')).status).toBe(404);
  await expect(github.close()).rejects.toThrow('there is no route for GET /orgs/acme/hooks');
});

it('answers 500 where its answer is not what GitHub describes', async () => {
  const world = githubWorld();
  world.organization.invitations.push({ ...invitation({ email: 'x@example.com' }), teams: 0.5 });
  const github = await startGitHub(world);
  expect((await get(github, '/orgs/acme/invitations')).status).toBe(500);
  await expect(github.close()).rejects.toThrow('invitations: /0/team_count must be integer');
});

it('answers 500 where it says something that GitHub does not describe', async () => {
  const misspelt = ruleset({ name: 'main', rules: [pullRequestRule({ aprovals: 1 })] });
  const github = await startGitHub(
    githubWorld({ repositories: [repository({ name: 'api', rulesets: [misspelt] })] }),
  );
  expect((await get(github, `/repos/acme/api/rulesets/${misspelt.id}`)).status).toBe(500);
  await expect(github.close()).rejects.toThrow('must NOT have additional properties');
});
