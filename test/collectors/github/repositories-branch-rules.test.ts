import { describe, expect, it } from 'vitest';
import type { Source } from '../../../collectors/github/repositories/branches.ts';
import { bypassReader } from '../../../collectors/github/repositories/bypass.ts';
import collector from '../../../collectors/github/repositories/index.ts';
import type { BranchedRepository } from '../../../collectors/github/repositories/listing.ts';
import { strictest } from '../../../collectors/github/repositories/rules.ts';
import type { GitHubScope } from '../../../collectors/github/scope.ts';
import type { Json } from '../../../src/plugin.ts';
import {
  asApp,
  asUser,
  cutBranch,
  githubWorld,
  protectedReviews,
  protection,
  pullRequestRule,
  repository,
  requiredChecksRule,
  ruleset,
  team,
  type Viewer,
  type WorldOrganization,
  type WorldRepository,
} from '../../support/github-world.ts';
import { askWorld, named, ourApp, problemsOf } from './asking.ts';

const at = '2026-05-01T09:00:00Z';
const wanted = 'github.branch_rules';
const rights = { contents: 'read', administration: 'read' } as const;

type Options = Parameters<typeof askWorld>[3] & {
  viewer?: Viewer;
  organization?: Partial<WorldOrganization>;
};

async function rulesOf(repositories: WorldRepository[], options: Options = {}) {
  const world = githubWorld({
    organization: { teams: [team({ slug: 'release', members: ['bob'] })], ...options.organization },
    repositories,
    app: ourApp,
    ...(options.viewer === undefined ? {} : { viewer: options.viewer }),
  });
  const { slices, asked } = await askWorld(world, [collector], [wanted], options);
  const slice = slices[wanted];
  const [first] = slice?.records ?? [];
  return { slice, asked, fields: first?.fields ?? {}, untold: first?.untold ?? {}, record: first };
}

/** All fields of a branch for which nothing holds. */
const nothing = {
  protected: false,
  sources: [],
  pull_request_required: false,
  approvals: 0,
  stale_dismissed: false,
  last_push_approval: false,
  code_owners_required: false,
  required_checks: [],
  strict_checks: false,
  force_push_blocked: false,
  deletion_blocked: false,
  admins_bound: false,
  bypass: [],
};
const ruleFields = Object.keys(nothing);

describe('github.branch_rules', () => {
  it('tells an owner of classic protection', async () => {
    const { slice, record } = await rulesOf([
      repository({
        name: 'api',
        protections: [
          protection({
            pullRequest: protectedReviews({ approvals: 2, lastPushApproval: true }),
            checks: { strict: true, contexts: [{ context: 'test' }, { context: 'lint' }] },
          }),
        ],
      }),
    ]);
    expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
    expect(record).toMatchObject({ name: 'acme/api@main', uid: expect.stringMatching(/^REF_/) });
    expect(record).not.toHaveProperty('untold');
    expect(record?.fields).toEqual({
      ...nothing,
      repository: 'acme/api',
      repository_id: expect.stringMatching(/^R_/),
      branch: 'main',
      protected: true,
      sources: ['classic main'],
      pull_request_required: true,
      approvals: 2,
      stale_dismissed: true,
      last_push_approval: true,
      required_checks: ['lint', 'test'],
      strict_checks: true,
      force_push_blocked: true,
      deletion_blocked: true,
      admins_bound: true,
    });
  });

  it('takes the strictest of classic protection and of rulesets, own and the organisation’s', async () => {
    const own = ruleset({
      id: 12,
      name: 'own',
      rules: [requiredChecksRule(['scan'], false), { type: 'deletion' }],
    });
    const above = ruleset({
      id: 34,
      name: 'above',
      rules: [
        pullRequestRule({ required_approving_review_count: 3 }),
        { type: 'merge_queue', parameters: queue },
      ],
    });
    const weak = protection({
      pullRequest: protectedReviews({ approvals: 1, dismissStale: false, codeOwners: true }),
      allowForcePushes: true,
      allowDeletions: true,
    });
    const { fields, slice } = await rulesOf(
      [repository({ name: 'api', protections: [weak], rulesets: [own] })],
      { organization: { rulesets: [above] } },
    );
    expect(slice?.outcome).toBe('complete');
    expect(fields).toMatchObject({
      sources: ['classic main', 'organization ruleset 34', 'repository ruleset 12'],
      approvals: 3,
      stale_dismissed: true,
      code_owners_required: true,
      required_checks: ['scan'],
      strict_checks: true,
      force_push_blocked: false,
      deletion_blocked: true,
    });
  });

  it('does not count rulesets that only evaluate, are disabled, or are about tags (trap 44)', async () => {
    const rulesets = [
      ruleset({ name: 'a', enforcement: 'evaluate' }),
      ruleset({ name: 'b', enforcement: 'disabled' }),
      ruleset({ name: 'c', target: 'tag', include: ['~ALL'] }),
    ];
    const { fields } = await rulesOf([repository({ name: 'api', rulesets })], {
      organization: { rulesets: [ruleset({ name: 'd', enforcement: 'evaluate' })] },
    });
    expect(fields).toMatchObject(nothing);
  });

  it('holds each production branch with what holds for it', async () => {
    const repo = repository({
      name: 'api',
      protections: [protection(), protection({ pattern: 'release/*', pullRequest: null })],
    });
    cutBranch(repo, 'release/1', 'main', at);
    cutBranch(repo, 'feature', 'main', at);
    const { slice } = await rulesOf([repo], { with: { production_refs: ['main', 'release/*'] } });
    expect(named(slice)).toMatchObject({
      'acme/api@main': { fields: { sources: ['classic main'], pull_request_required: true } },
      'acme/api@release/1': {
        fields: { sources: ['classic release/*'], pull_request_required: false },
      },
    });
    expect(slice?.records).toHaveLength(2);
  });

  it('does not change while only commits are pushed', async () => {
    const repo = repository({ name: 'api' });
    const before = await rulesOf([repo]);
    repo.branches.main = repository({ name: 'web' }).branches.main ?? '';
    repo.commits = repository({ name: 'web' }).commits;
    const after = await rulesOf([repo]);
    expect(after.record).toEqual(before.record);
  });

  it('is the same over pages of any size', async () => {
    const rulesets = Array.from({ length: 4 }, (_, place) =>
      ruleset({
        id: place + 1,
        name: `r${place}`,
        bypass: [
          { actor: 'team:release', mode: 'always' },
          { actor: 'deploy_key', mode: 'always' },
          { actor: 'role:maintain', mode: 'pull_request' },
        ],
      }),
    );
    const pullRequest = protectedReviews({ bypass: ['user:bob', 'app:renovate', 'team:release'] });
    const protections = [protection({ pullRequest, forcePushBypass: ['user:carol', 'user:bob'] })];
    const repositories = [repository({ name: 'api', protections, rulesets })];
    const whole = await rulesOf(repositories);
    expect(whole.fields.bypass).toHaveLength(4 * 3 + 4);
    for (const mostPerPage of [1, 2]) {
      const { slice, fields } = await rulesOf(repositories, { standIn: { mostPerPage } });
      expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
      expect(fields).toEqual(whole.fields);
    }
  });
});

const queue = {
  check_response_timeout_minutes: 60,
  grouping_strategy: 'ALLGREEN',
  max_entries_to_build: 5,
  max_entries_to_merge: 5,
  merge_method: 'SQUASH',
  min_entries_to_merge: 1,
  min_entries_to_merge_wait_minutes: 5,
};

describe('no protection (trap 44)', () => {
  it('is known to who administers the repository', async () => {
    const { fields, asked } = await rulesOf([repository({ name: 'api' })]);
    expect(fields).toMatchObject(nothing);
    expect(asked).not.toHaveProperty([protectionRoute]);
  });

  it('is known to an App that REST answers `Branch not protected`', async () => {
    const viewer = asApp(rights);
    const { fields, slice, asked } = await rulesOf([repository({ name: 'api' })], { viewer });
    expect(slice?.outcome).toBe('complete');
    expect(fields).toMatchObject(nothing);
    expect(asked[protectionRoute]).toBe(1);
  });

  it.each([
    ['a member', asUser('bob')],
    ['an App without the right', asApp({ contents: 'read' })],
  ])('is not known to %s, for whom REST finds nothing or refuses', async (_, viewer) => {
    const repositories = [repository({ name: 'api', protections: [protection()] })];
    const { fields, untold } = await rulesOf(repositories, { viewer });
    expect(Object.keys(fields).sort()).toEqual(['branch', 'repository', 'repository_id']);
    expect(Object.keys(untold).sort()).toEqual([...ruleFields].sort());
    for (const field of ruleFields) expect(untold[field]).toMatch(/administration:read/);
  });

  it('is asked of REST by the branch’s whole name', async () => {
    const repo = repository({ name: 'api', protections: [protection({ pattern: 'release/*' })] });
    cutBranch(repo, 'release/1', 'main', at);
    const { fields } = await rulesOf([repo], {
      viewer: asApp(rights),
      with: { production_refs: ['release/*'] },
    });
    expect(fields).toMatchObject({ sources: ['classic release/*'], approvals: 1, bypass: [] });
  });

  it('is known where the plan has none', async () => {
    const repositories = [repository({ name: 'api', protections: [protection()] })];
    const organization = { plan: 'free' } as const;
    const { fields } = await rulesOf(repositories, { organization, viewer: asApp(rights) });
    expect(fields).toMatchObject(nothing);
  });
});

const protectionRoute = 'GET /repos/{owner}/{repo}/branches/{branch}/protection';
const rulesetRoute = 'GET /repos/{owner}/{repo}/rulesets/{ruleset_id}';

describe('who may go around (trap 45)', () => {
  const guarded = (bypass: Parameters<typeof ruleset>[0]['bypass'] = []) =>
    repository({ name: 'api', rulesets: [ruleset({ id: 12, name: 'own', bypass })] });
  const by = 'repository ruleset 12';

  it('is nobody, and that is known, to who administers', async () => {
    const { fields, asked } = await rulesOf([guarded()]);
    expect(fields).toMatchObject({ bypass: [], admins_bound: true });
    expect(asked).not.toHaveProperty([rulesetRoute]);
  });

  it('is named to who administers', async () => {
    const { fields } = await rulesOf([
      guarded([
        { actor: 'team:release', mode: 'pull_request' },
        { actor: 'app:renovate', mode: 'always' },
        { actor: 'role:admin', mode: 'always' },
        { actor: 'organization_admin', mode: 'always' },
        { actor: 'deploy_key', mode: 'always' },
      ]),
    ]);
    expect(fields.bypass).toEqual([
      { actor: 'app renovate', mode: 'always', by },
      { actor: 'deploy keys', mode: 'always', by },
      { actor: 'owners', mode: 'always', by },
      { actor: 'role admin', mode: 'always', by },
      { actor: 'team release', mode: 'pull_request', by },
    ]);
    expect(fields.admins_bound).toBe(false);
  });

  it('is named in classic protection, with administrators that it does not bind', async () => {
    const pullRequest = protectedReviews({ bypass: ['user:bob', 'team:release'] });
    const protections = [
      protection({
        pullRequest,
        forcePushBypass: ['user:bob', 'app:renovate'],
        enforceAdmins: false,
      }),
    ];
    const { fields } = await rulesOf([repository({ name: 'api', protections })]);
    expect(fields).toMatchObject({
      admins_bound: false,
      bypass: ['app renovate', 'owners and administrators', 'team release', 'user bob'].map(
        (actor) => ({ actor, mode: 'always', by: 'classic main' }),
      ),
    });
  });

  it('is left out where the token may not see it, with the right that is missing', async () => {
    const bypass = [{ actor: 'team:release', mode: 'always' }] as const;
    const { fields, untold, slice, asked } = await rulesOf([guarded([...bypass])], {
      viewer: asApp(rights),
    });
    expect(slice?.outcome).toBe('complete');
    expect(fields).toMatchObject({ protected: true, approvals: 1, force_push_blocked: true });
    expect(fields).not.toHaveProperty('bypass');
    expect(untold.bypass).toMatch(/repository ruleset 12.*administration:write/);
    expect(asked[rulesetRoute]).toBe(1);
  });

  it('is told by REST to who may change the ruleset, by number', async () => {
    const above = ruleset({
      id: 34,
      name: 'above',
      bypass: [
        { actor: 'organization_admin', mode: 'always' },
        { actor: 'role:maintain', mode: 'pull_request' },
      ],
    });
    const viewer = asApp({ ...rights, organization_administration: 'write' });
    const repositories = [repository({ name: 'api' }), repository({ name: 'web' })];
    const { slice, asked } = await rulesOf(repositories, {
      viewer,
      organization: { rulesets: [above] },
    });
    for (const { fields } of slice?.records ?? []) {
      expect(fields.bypass).toEqual([
        { actor: 'owners', mode: 'always', by: 'organization ruleset 34' },
        { actor: 'role maintain', mode: 'pull_request', by: 'organization ruleset 34' },
      ]);
    }
    expect(asked[rulesetRoute] ?? 0).toBeLessThan(2);
  });

  it('of the organisation’s ruleset is asked for once, and hidden from who is no owner', async () => {
    const above = ruleset({
      id: 34,
      name: 'above',
      bypass: [{ actor: 'organization_admin', mode: 'always' }],
    });
    const repositories = [repository({ name: 'api' }), repository({ name: 'web' })];
    const { slice, asked } = await rulesOf(repositories, {
      viewer: asApp(rights),
      organization: { rulesets: [above] },
    });
    expect(asked[rulesetRoute]).toBe(1);
    for (const { fields, untold } of slice?.records ?? []) {
      expect(fields).not.toHaveProperty('bypass');
      expect(untold?.bypass).toMatch(/organization ruleset 34/);
    }
  });
});

describe('a list of bypass actors by GraphQL', () => {
  const empty = { totalCount: 0, pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] };
  const around = (
    of: string,
    rights: { repository: boolean; organization: boolean },
    rest: Json = { id: 12 },
  ) => {
    const get = async () => ({ status: 200, headers: {}, body: rest });
    const github = { get, canAdminister: rights.organization } as unknown as GitHubScope;
    const list = {
      ...empty,
      totalCount: 1,
      nodes: [{ id: 'RRS_1', databaseId: 12, bypassActors: empty }],
    };
    const repository = {
      name: 'acme/api',
      canAdminister: rights.repository,
      node: { rulesets: list },
    } as unknown as BranchedRepository;
    const settings = strictest([]);
    const source: Source = {
      kind: 'ruleset',
      name: 'x',
      settings,
      id: 'RRS_1',
      databaseId: 12,
      of,
    };
    return bypassReader(github)(repository, source);
  };

  it.each([
    ['Repository', { repository: true, organization: false }, true],
    ['Repository', { repository: false, organization: true }, false],
    ['Organization', { repository: false, organization: true }, true],
    ['Organization', { repository: true, organization: false }, false],
    ['Enterprise', { repository: true, organization: true }, false],
  ])(
    'that is empty, of a ruleset of the %s, by one with rights %j, proves that there is nobody: %j',
    async (of, rights, proves) => {
      const told = await around(of, rights);
      if (proves) expect(told).toMatchObject({ actors: [] });
      else expect(told).toEqual({ untold: expect.stringMatching(/administration:write/) });
    },
  );

  it('gives way to what REST tells', async () => {
    const rest = { bypass_actors: [{ actor_id: 1, actor_type: 'OrganizationAdmin' }] };
    const rights = { repository: false, organization: false };
    expect(await around('Repository', rights, rest)).toMatchObject({
      actors: [{ actor: 'owners', mode: 'always' }],
    });
  });
});

describe('a slice of branch rules', () => {
  it('is not complete where the branches of a repository may not be told', async () => {
    const viewer = asApp({ administration: 'read' });
    const { slice } = await rulesOf([repository({ name: 'api' })], { viewer });
    expect(slice?.outcome).toBe('failed');
    expect(problemsOf(slice)).toContain('error TieOutMismatch');
  });

  it('has records that name the calls they were made from', async () => {
    const { slice, record } = await rulesOf([repository({ name: 'api' })], {
      viewer: asApp(rights),
    });
    const operations = slice?.calls
      .filter(({ id }) => record?.calls.includes(id))
      .map(({ operation }) => operation);
    expect(operations?.sort()).toEqual([protectionRoute, 'graphql:Repositories']);
  });
});
