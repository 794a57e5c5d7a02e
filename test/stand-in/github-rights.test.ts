import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { permissionOf } from '../support/github-rights.ts';
import type { GitHubStandIn } from '../support/github-stand-in.ts';
import {
  type AppPermissions,
  asApp,
  asUser,
  dependabotAlert,
  deploy,
  deployKey,
  externalIdentity,
  type GitHubWorld,
  githubWorld,
  installation,
  member,
  mergedChange,
  protection,
  repository,
  ruleset,
  team,
  type Viewer,
} from '../support/github-world.ts';
import { ask, get, withGitHub } from './github-asking.ts';

const start = '2026-11-10T09:00:00Z';

function worldFor(viewer: Viewer): GitHubWorld {
  const api = repository({
    name: 'api',
    protections: [protection()],
    rulesets: [ruleset({ name: 'own', bypass: [{ actor: 'organization_admin', mode: 'always' }] })],
    deployKeys: [deployKey({ title: 'ci' })],
    dependabotAlerts: [dependabotAlert()],
    collaborators: { dave: 'admin' },
  });
  mergedChange(api, { mergedAt: start, closes: ['acme/api#1'] });
  deploy(api, { at: start });
  return githubWorld({
    organization: {
      saml: {
        ssoUrl: 'https://idp.example.com/sso',
        issuer: 'https://idp.example.com',
        identities: [externalIdentity({ handle: 'alice' })],
      },
      teams: [
        team({ slug: 'core', members: ['carol'] }),
        team({ slug: 'hidden', privacy: 'secret', members: ['carol'] }),
      ],
      outsideCollaborators: [{ handle: 'dave', twoFactor: 'disabled' }],
      rulesets: [ruleset({ name: 'all' })],
      basePermission: 'none',
    },
    repositories: [api, repository({ name: 'site', visibility: 'public' })],
    viewer,
  });
}

/** Status and GitHub's sentence, or the number of entries. */
async function rest(github: GitHubStandIn, path: string) {
  const { status, body } = await get(github, path);
  return status === 200 ? (Array.isArray(body) ? body.length : 200) : `${status} ${body.message}`;
}

const fromApp = '403 Resource not accessible by integration';
const noInstallation =
  '403 You must authenticate with an installation access token in order to list repositories for an installation.';
const hidden = '404 Not Found';
const owners = '422 Only owners can use this filter.';

const everything: AppPermissions = {
  ...{ metadata: 'read', contents: 'read', members: 'read', administration: 'read' },
  ...{ organization_administration: 'read', pull_requests: 'read', issues: 'read' },
  ...{ checks: 'read', statuses: 'read', deployments: 'read', actions: 'read' },
  vulnerability_alerts: 'read',
};

const without = (...names: string[]) =>
  asApp(Object.fromEntries(Object.entries(everything).filter(([name]) => !names.includes(name))));

describe('REST', () => {
  const viewers: Record<string, Viewer> = {
    owner: asUser('alice'),
    member: asUser('bob'),
    app: asApp(everything),
    bare: asApp({ metadata: 'read' }),
  };
  // What each of them is told.
  const told: [string, Record<string, number | string>][] = [
    ['/orgs/acme/members', { owner: 3, member: 3, app: 3, bare: 0 }],
    [
      '/orgs/acme/members?filter=2fa_disabled',
      { owner: 0, member: owners, app: owners, bare: owners },
    ],
    ['/orgs/acme/outside_collaborators', { owner: 1, member: hidden, app: 1, bare: fromApp }],
    [
      '/orgs/acme/outside_collaborators?filter=2fa_disabled',
      { owner: 1, member: owners, app: owners, bare: owners },
    ],
    ['/orgs/acme/invitations', { owner: 0, member: hidden, app: 0, bare: fromApp }],
    ['/orgs/acme/installations', { owner: 200, member: hidden, app: 200, bare: fromApp }],
    ['/orgs/acme/repos', { owner: 2, member: 1, app: 2, bare: 2 }],
    [
      '/installation/repositories',
      { owner: noInstallation, member: noInstallation, app: 200, bare: 200 },
    ],
    ['/orgs/acme/teams', { owner: 2, member: 1, app: 2, bare: fromApp }],
    // Reading them takes the right to write them.
    ['/orgs/acme/rulesets', { owner: 1, member: hidden, app: fromApp, bare: fromApp }],
    ['/orgs/acme/audit-log', { owner: 0, member: hidden, app: 0, bare: fromApp }],
    [
      '/orgs/acme/dependabot/alerts',
      {
        owner: 1,
        member: '403 You are not authorized to perform this operation.',
        app: 1,
        bare: fromApp,
      },
    ],
    [
      '/orgs/acme/secret-scanning/alerts',
      { owner: 0, member: hidden, app: fromApp, bare: fromApp },
    ],
    [
      '/repos/acme/api/branches/main/protection',
      { owner: 200, member: hidden, app: 200, bare: fromApp },
    ],
    [
      '/repos/acme/site/branches/main/protection',
      {
        owner: '404 Branch not protected',
        member: hidden,
        app: '404 Branch not protected',
        bare: fromApp,
      },
    ],
    ['/repos/acme/site/rules/branches/main', { owner: 3, member: 3, app: 3, bare: 3 }],
    ['/repos/acme/api/keys', { owner: 1, member: hidden, app: 1, bare: fromApp }],
    [
      '/repos/acme/api/compare/main...main',
      { owner: 200, member: hidden, app: 200, bare: fromApp },
    ],
    [
      '/repos/acme/site/code-scanning/default-setup',
      { owner: 200, member: hidden, app: 200, bare: fromApp },
    ],
  ];
  it.each(Object.keys(viewers))('tells the %s what GitHub would', async (name) => {
    await withGitHub(worldFor(viewers[name] ?? asUser('alice')), async (github) => {
      const found = [];
      for (const [path] of told) found.push([path, await rest(github, path)]);
      expect(found).toEqual(told.map(([path, answers]) => [path, answers[name]]));
    });
  });

  it('leaves out of the organisation what only owners are told', async () => {
    const world = worldFor(asUser('alice'));
    await withGitHub(world, async (github) => {
      const owner = (await get(github, '/orgs/acme')).body;
      expect(owner).toMatchObject({
        two_factor_requirement_enabled: true,
        plan: { name: 'enterprise' },
      });
      world.viewer = asUser('bob');
      const other = (await get(github, '/orgs/acme')).body;
      expect(other).toMatchObject({
        two_factor_requirement_enabled: null,
        default_repository_permission: null,
      });
      expect(other).not.toHaveProperty('plan');
      expect(other).not.toHaveProperty('members_can_delete_repositories');
      world.viewer = asApp({ organization_administration: 'read' });
      const app = (await get(github, '/orgs/acme')).body;
      expect(app.two_factor_requirement_enabled).toBe(true);
      expect(app).not.toHaveProperty('plan');
    });
  });

  it('shows who may bypass a ruleset only to who may change it', async () => {
    const world = worldFor(asUser('alice'));
    const [api] = world.repositories;
    await withGitHub(world, async (github) => {
      const path = `/repos/acme/api/rulesets/${api?.rulesets[0]?.id}`;
      expect((await get(github, path)).body.bypass_actors).toMatchObject([
        { actor_type: 'OrganizationAdmin' },
      ]);
      world.viewer = asApp({ administration: 'read' });
      expect((await get(github, path)).body).not.toHaveProperty('bypass_actors');
      world.viewer = asApp({ administration: 'write' });
      expect((await get(github, path)).body).toHaveProperty('bypass_actors');
    });
  });

  it('has no audit log below the enterprise plan, and no rules for private repositories for free', async () => {
    const world = worldFor(asUser('alice'));
    world.organization.plan = 'free';
    await withGitHub(world, async (github) => {
      const upgrade =
        '403 Upgrade to GitHub Pro or make this repository public to enable this feature.';
      expect(await rest(github, '/orgs/acme/audit-log')).toBe(hidden);
      expect(await rest(github, '/repos/acme/api/branches/main/protection')).toBe(upgrade);
      expect(await rest(github, '/repos/acme/api/rules/branches/main')).toBe(upgrade);
      expect(await rest(github, '/repos/acme/site/rules/branches/main')).toBe(3);
    });
  });

  it('hides private repositories from a token without the scope', async () => {
    await withGitHub(worldFor(asUser('alice', ['admin:org'])), async (github) => {
      expect(await rest(github, '/orgs/acme/repos')).toBe(1);
    });
  });

  it('refuses a repository that GitHub switched off', async () => {
    const world = worldFor(asUser('alice'));
    for (const repo of world.repositories) repo.disabled = true;
    await withGitHub(world, async (github) => {
      expect(await rest(github, '/repos/acme/api/keys')).toBe('403 Repository access blocked');
    });
  });

  it('knows a fine-grained token by both the person and the permissions', async () => {
    const token = (handle: string, permissions: AppPermissions): Viewer => ({
      ...{ kind: 'user', handle, token: 'github_pat_1', permissions },
    });
    const world = worldFor(token('alice', { members: 'read' }));
    await withGitHub(world, async (github) => {
      expect(await rest(github, '/orgs/acme/members?filter=2fa_disabled')).toBe(0);
      const refused = '403 Resource not accessible by personal access token';
      expect(await rest(github, '/repos/acme/api/keys')).toBe(refused);
      world.viewer = token('bob', { members: 'read', administration: 'read' });
      expect(await rest(github, '/orgs/acme/members?filter=2fa_disabled')).toBe(owners);
      expect(await rest(github, '/repos/acme/api/keys')).toBe(hidden);
    });
  });

  it('does not know another token', async () => {
    const world = worldFor(asUser('alice'));
    await withGitHub(world, async (github) => {
      const headers = { authorization: 'Bearer ghp_wrong' };
      const wrong = await fetch(`${github.endpoint}/orgs/acme`, { headers });
      expect([wrong.status, await wrong.json()]).toMatchObject([
        401,
        { message: 'Bad credentials' },
      ]);
      const none = await fetch(`${github.endpoint}/orgs/acme`);
      expect(none.status).toBe(401);
    });
  });
});

describe('what an App was given', () => {
  it.each([
    ['all', 'all', 2],
    ['selected', ['api'], 1],
    ['selected', [], 0],
  ] as const)('is %s of %j', async (selection, repositories, total_count) => {
    const world = worldFor(asApp(everything, repositories === 'all' ? 'all' : [...repositories]));
    await withGitHub(world, async (github) => {
      const { body } = await get(github, '/installation/repositories?per_page=1');
      expect(body).toMatchObject({ total_count, repository_selection: selection });
      expect(body.repositories).toHaveLength(Math.min(total_count, 1));
    });
  });

  it('hides from an owner’s fine-grained token what it is not for, and nothing public', async () => {
    const { scopes: _, ...owner } = asUser('alice');
    const world = worldFor({ ...owner, permissions: everything, repositories: [] });
    await withGitHub(world, async (github) => {
      const { body } = await get(github, '/orgs/acme/repos');
      expect(body).toMatchObject([{ name: 'site' }]);
      const { body: organization } = await get(github, '/orgs/acme');
      expect(organization).toMatchObject({ public_repos: 1, total_private_repos: 1 });
    });
  });

  it('leaves a member without the count of private repositories, unless GitHub tells it', async () => {
    const world = worldFor(asUser('bob'));
    await withGitHub(world, async (github) => {
      expect((await get(github, '/orgs/acme')).body).not.toHaveProperty('total_private_repos');
      world.organization.countsToldToMembers = true;
      expect((await get(github, '/orgs/acme')).body).toMatchObject({ total_private_repos: 1 });
    });
  });
});

describe('GraphQL', () => {
  const query = `{ viewer { login } organization(login: "acme") {
    viewerCanAdminister viewerIsAMember requiresTwoFactorAuthentication
    membersWithRole(first: 9) { totalCount edges { hasTwoFactorEnabled } }
    samlIdentityProvider { ssoUrl }
    repositories(first: 9) { nodes { name viewerCanAdminister hasVulnerabilityAlertsEnabled
      defaultBranchRef { branchProtectionRule { pattern } rules(first: 9) { nodes {
        repositoryRuleset { name bypassActors(first: 9) { totalCount } }
      } } }
      deployKeys(first: 9) { totalCount }
      branchProtectionRules(first: 9) { totalCount }
    } }
  } }`;

  it('tells an owner everything', async () => {
    await withGitHub(worldFor(asUser('alice')), async (github) => {
      const { data, errors } = await ask(github, query);
      expect(errors).toBeUndefined();
      expect(data.organization).toMatchObject({
        ...{
          viewerCanAdminister: true,
          viewerIsAMember: true,
          requiresTwoFactorAuthentication: true,
        },
        membersWithRole: { totalCount: 3, edges: [{ hasTwoFactorEnabled: true }, {}, {}] },
        samlIdentityProvider: { ssoUrl: 'https://idp.example.com/sso' },
      });
      expect(data.organization.repositories.nodes[0]).toMatchObject({
        ...{ name: 'api', viewerCanAdminister: true, hasVulnerabilityAlertsEnabled: true },
        defaultBranchRef: { branchProtectionRule: { pattern: 'main' } },
        ...{ deployKeys: { totalCount: 1 }, branchProtectionRules: { totalCount: 1 } },
      });
    });
  });

  it('gives a member nulls and empty lists, without an error', async () => {
    const world = worldFor(asUser('bob'));
    world.organization.basePermission = 'write';
    await withGitHub(world, async (github) => {
      const { data, errors } = await ask(github, query);
      expect(errors).toBeUndefined();
      expect(data.organization).toMatchObject({
        ...{
          viewerCanAdminister: false,
          viewerIsAMember: true,
          requiresTwoFactorAuthentication: null,
        },
        membersWithRole: { totalCount: 3, edges: [{ hasTwoFactorEnabled: null }, {}, {}] },
        samlIdentityProvider: null,
      });
      expect(data.organization.repositories.nodes[0]).toEqual({
        ...{ name: 'api', viewerCanAdminister: false, hasVulnerabilityAlertsEnabled: false },
        defaultBranchRef: {
          branchProtectionRule: null,
          rules: {
            nodes: [...Array(3).fill('own'), ...Array(3).fill('all')].map((name) => ({
              repositoryRuleset: { name, bypassActors: null },
            })),
          },
        },
        ...{ deployKeys: { totalCount: 0 }, branchProtectionRules: { totalCount: 0 } },
      });
    });
  });

  it('tells an App without members nobody, and refuses the identity provider', async () => {
    await withGitHub(worldFor(without('members', 'administration')), async (github) => {
      const { data, errors } = await ask(github, query);
      expect(data.viewer.login).toBe('tickmark[bot]');
      expect(data.organization.membersWithRole).toEqual({ totalCount: 0, edges: [] });
      const paths = errors?.map(({ type, path }) => [type, path?.join('.')]);
      expect(paths).toEqual([
        ['FORBIDDEN', 'organization.samlIdentityProvider'],
        ['FORBIDDEN', 'organization.repositories.nodes.0.defaultBranchRef.branchProtectionRule'],
        ['FORBIDDEN', 'organization.repositories.nodes.1.defaultBranchRef.branchProtectionRule'],
      ]);
    });
  });

  // Each permission, and the field that is null without it.
  const fields: [string[], string, string][] = [
    [['contents'], 'defaultBranchRef { name }', 'repository.defaultBranchRef'],
    [['pull_requests'], 'pullRequests(first: 1) { nodes { number } }', 'repository.pullRequests'],
    [['deployments'], 'deployments(first: 1) { nodes { state } }', 'repository.deployments'],
    [['actions'], 'environments(first: 1) { nodes { name } }', 'repository.environments'],
    [['members'], 'collaborators(first: 1) { nodes { login } }', 'repository.collaborators'],
    [
      ['issues'],
      'pullRequest(number: 1) { closingIssuesReferences(first: 1) { nodes { number } } }',
      'repository.pullRequest.closingIssuesReferences',
    ],
    [
      ['checks', 'statuses'],
      'pullRequest(number: 1) { commits(first: 1) { nodes { commit { statusCheckRollup { state } } } } }',
      'repository.pullRequest.commits.nodes.0.commit.statusCheckRollup',
    ],
    [
      ['checks'],
      'pullRequest(number: 1) { commits(first: 1) { nodes { commit { statusCheckRollup { contexts(first: 1) { nodes { __typename } } } } } } }',
      'repository.pullRequest.commits.nodes.0.commit.statusCheckRollup.contexts.nodes.0',
    ],
  ];
  it.each(fields)('refuses an App without %s', async (permissions, field, path) => {
    const asked = `{ repository(owner: "acme", name: "api") { ${field} } }`;
    const world = worldFor(without(...permissions));
    await withGitHub(world, async (github) => {
      const refused = await ask(github, asked);
      expect(refused.errors).toMatchObject([
        {
          type: 'FORBIDDEN',
          message: 'Resource not accessible by integration',
          path: path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
        },
      ]);
      world.viewer = asApp(everything);
      expect((await ask(github, asked)).errors).toBeUndefined();
    });
  });

  it('shows secret teams to owners and their members', async () => {
    const world = worldFor(asUser('bob'));
    await withGitHub(world, async (github) => {
      const slugs = async () => {
        const { data } = await ask(
          github,
          '{ organization(login: "acme") { teams(first: 9) { nodes { slug } } } }',
        );
        return data.organization.teams.nodes.map(({ slug }: { slug: string }) => slug);
      };
      expect(await slugs()).toEqual(['core']);
      world.viewer = asUser('carol');
      expect(await slugs()).toEqual(['core', 'hidden']);
    });
  });

  it('lists collaborators only to who may push, and never of an archived repository', async () => {
    const world = worldFor(asUser('bob'));
    await withGitHub(world, async (github) => {
      const collaborators = (name: string) =>
        ask(
          github,
          `{ repository(owner: "acme", name: "${name}") { collaborators(first: 9) { totalCount } } }`,
        );
      const message = 'Must have push access to view repository collaborators.';
      const refused = {
        data: { repository: { collaborators: null } },
        errors: [{ type: 'FORBIDDEN', message }],
      };
      expect(await collaborators('site')).toMatchObject(refused);
      world.viewer = asUser('alice');
      expect((await collaborators('api')).data.repository.collaborators.totalCount).toBe(2);
      for (const repo of world.repositories) repo.archived = true;
      expect(await collaborators('api')).toMatchObject(refused);
    });
  });

  it('reaches only the repositories of the installation, and public ones', async () => {
    const world = worldFor(asApp(everything, []));
    await withGitHub(world, async (github) => {
      const { data } = await ask(
        github,
        '{ organization(login: "acme") { repositories(first: 9) { totalCount } } }',
      );
      expect(data.organization.repositories.totalCount).toBe(1);
      const { errors } = await ask(github, '{ repository(owner: "acme", name: "api") { id } }');
      expect(errors).toMatchObject([{ type: 'NOT_FOUND' }]);
    });
  });
});

describe('what somebody may do', () => {
  it('is the most of all ways', () => {
    const repo = repository({ name: 'api', collaborators: { dave: 'triage', bob: 'read' } });
    const world = githubWorld({
      organization: {
        members: [member('alice', 'admin'), member('bob'), member('carol')],
        teams: [
          team({ slug: 'top', repositories: { api: 'maintain' } }),
          team({ slug: 'below', parent: 'top', members: ['bob'] }),
        ],
        installations: [installation({ slug: 'renovate', permissions: { contents: 'write' } })],
        basePermission: 'read',
      },
      repositories: [repo],
    });
    const people = ['alice', 'bob', 'carol', 'dave', 'erin', 'renovate[bot]'];
    const found = people.map((handle) => permissionOf(world, handle, repo));
    expect(found).toEqual(['admin', 'maintain', 'read', 'triage', null, 'write']);
    world.organization.basePermission = 'none';
    expect(permissionOf(world, 'carol', repo)).toBeNull();
    repo.visibility = 'internal';
    expect(permissionOf(world, 'carol', repo)).toBe('read');
  });

  it('is today’s, whatever it was at the merge', async () => {
    const repo = repository({ name: 'api', collaborators: { bob: 'write' } });
    mergedChange(repo, { mergedAt: start, reviews: [{ by: 'bob' }] });
    const world = githubWorld({ repositories: [repo] });
    await withGitHub(world, async (github) => {
      const could = async () => {
        const { data } = await ask(
          github,
          '{ repository(owner: "acme", name: "api") { pullRequest(number: 1) { reviews(first: 1) { nodes { authorCanPushToRepository } } } } }',
        );
        return data.repository.pullRequest.reviews.nodes[0].authorCanPushToRepository;
      };
      expect(await could()).toBe(true);
      repo.collaborators = {};
      expect(await could()).toBe(false);
    });
  });
});

describe('an App', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const path = '/app/installations/77/access_tokens';
  const now = () => Math.floor(Date.now() / 1000);

  function appWorld(): GitHubWorld {
    const world = worldFor({ kind: 'app', permissions: everything, repositories: 'all' });
    world.app = { id: 5, slug: 'evidence', installation: 77, publicKey: pem };
    return world;
  }

  function jwt(claims: object, key = privateKey, alg = 'RS256'): string {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const text = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  }

  async function issue(github: GitHubStandIn, token: string, at = path) {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(github.endpoint + at, { method: 'POST', headers });
    const body = (await response.json()) as { token: string; expires_at: string; message: string };
    return { status: response.status, body };
  }

  it('gets a token for an hour, and nobody without it is let in', async () => {
    let time = Date.now();
    const world = appWorld();
    await withGitHub(
      world,
      async (github) => {
        const { status, body } = await issue(
          github,
          jwt({ iss: '5', iat: now() - 60, exp: now() + 540 }),
        );
        expect(status).toBe(201);
        expect(Date.parse(body.expires_at) - time).toBeGreaterThan(3_598_000);
        const members = async (token: string) => {
          const headers = { authorization: `Bearer ${token}` };
          return (await fetch(`${github.endpoint}/orgs/acme/members`, { headers })).status;
        };
        expect(await members('ghs_wrong')).toBe(401);
        expect(await members(body.token)).toBe(200);
        time += 3_601_000;
        expect(await members(body.token)).toBe(401);
      },
      { now: () => new Date(time) },
    );
  });

  const wrong: [string, () => string, number, RegExp][] = [
    [
      'another key',
      () =>
        jwt(
          { iss: 5, iat: now(), exp: now() + 60 },
          generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
        ),
      401,
      /could not be decoded/,
    ],
    [
      'another algorithm',
      () => jwt({ iss: 5, iat: now(), exp: now() + 60 }, privateKey, 'none'),
      401,
      /could not be decoded/,
    ],
    ['no token at all', () => 'abc', 401, /could not be decoded/],
    [
      'another App',
      () => jwt({ iss: 6, iat: now(), exp: now() + 60 }),
      404,
      /Integration not found/,
    ],
    ['a time to come', () => jwt({ iss: 5, iat: now() + 100, exp: now() + 200 }), 401, /'iat'/],
    ['its time over', () => jwt({ iss: 5, iat: now() - 100, exp: now() - 1 }), 401, /'exp'/],
    [
      'too long a time',
      () => jwt({ iss: 5, iat: now(), exp: now() + 700 }),
      401,
      /too far in the future/,
    ],
  ];
  it.each(wrong)('is refused with %s', async (_, token, status, message) => {
    await withGitHub(appWorld(), async (github) => {
      const answer = await issue(github, token());
      expect([answer.status, answer.body.message]).toEqual([
        status,
        expect.stringMatching(message),
      ]);
    });
  });

  it('has one installation', async () => {
    await withGitHub(appWorld(), async (github) => {
      const token = jwt({ iss: 5, iat: now(), exp: now() + 60 });
      expect((await issue(github, token, '/app/installations/78/access_tokens')).status).toBe(404);
    });
  });

  it('is called by its own slug', async () => {
    const world = appWorld();
    world.viewer = asApp(everything);
    await withGitHub(world, async (github) => {
      expect((await ask(github, '{ viewer { login } }')).data.viewer.login).toBe('evidence[bot]');
    });
  });
});
