import { describe, expect, it } from 'vitest';
import source from '../../../collectors/github/index.ts';
import {
  asApp,
  asUser,
  type GitHubWorld,
  githubWorld,
  repository,
} from '../../support/github-world.ts';
import { askWorld, ourApp } from './asking.ts';

const connect = async (world: GitHubWorld, options: Parameters<typeof askWorld>[3] = {}) =>
  (await askWorld(world, [], [], options)).connected;

describe('with:', () => {
  it.each([
    [{}],
    [{ organization: '' }],
    [{ organization: 'acme/api' }],
    [{ organization: 'acme', repos: {} }],
    [{ organization: 'acme', repositories: { include: [] } }],
    [{ organization: 'acme', repositories: { include: [''] } }],
    [{ organization: 'acme', production_refs: [] }],
    [{ organization: 'acme', production_refs: ['refs/heads/main'] }],
    [{ organization: 'acme', production_refs: ['~ALL'] }],
    [{ organization: 'acme', app: { id: 1 } }],
    [{ organization: 'acme', app: { id: '1', installation_id: 2 } }],
  ])('refuses %j', (config) => {
    expect(source.config.safeParse(config).success).toBe(false);
  });

  it('needs nothing but the organisation', () => {
    expect(source.config.parse({ organization: 'acme' })).toEqual({
      organization: 'acme',
      repositories: { include: ['*'], exclude: [], archived: false, forks: false },
      production_refs: ['~DEFAULT_BRANCH'],
      production_environments: ['production', 'prod'],
    });
  });
});

describe('connecting', () => {
  it('proves who asks, and which organisation by its immutable id', async () => {
    const { identities, scopes } = await connect(githubWorld());
    expect(identities).toEqual([
      { subject: 'alice', account: expect.stringMatching(/^acme \(O_\w+\)$/) },
    ]);
    expect(scopes.map(({ level, name }) => [level, name])).toEqual([
      ['organization', 'acme'],
      ['audit_log', 'acme'],
    ]);
  });

  it('names the installation that an App asks by', async () => {
    const world = githubWorld({ app: ourApp, viewer: asApp({ metadata: 'read' }) });
    const { identities } = await connect(world);
    expect(identities[0]?.subject).toMatch(/^tickmark.* \(GitHub App installation 123\)$/);
  });

  it('fails where the organisation is not there', async () => {
    const world = githubWorld();
    await expect(connect(world, { with: { organization: 'other' } })).rejects.toMatchObject({
      code: 'AccessDenied',
    });
  });

  it.each([
    ['free', false],
    ['team', false],
    ['enterprise', true],
  ] as const)('has an audit log under the plan %s: %j', async (plan, has) => {
    const { scopes, leftOut } = await connect(githubWorld({ organization: { plan } }));
    expect(scopes.some(({ level }) => level === 'audit_log')).toBe(has);
    const reasons = leftOut
      .filter(({ level }) => level === 'audit_log')
      .map(({ reason }) => reason);
    expect(reasons).toEqual(
      has ? [] : [`the audit log needs GitHub Enterprise; the plan is ${plan}`],
    );
  });

  it('asks for an audit log where the plan is not told', async () => {
    const world = githubWorld({ organization: { plan: 'free' }, viewer: asUser('bob') });
    const { scopes } = await connect(world);
    expect(scopes.some(({ level }) => level === 'audit_log')).toBe(true);
  });

  it('names each repository that is not asked, with the reason (trap 42)', async () => {
    const repositories = [
      repository({ name: 'api' }),
      repository({ name: 'sandbox-1' }),
      repository({ name: 'old', archived: true }),
      repository({ name: 'copy', fork: true }),
      repository({ name: 'blocked', disabled: true }),
      repository({ name: 'other' }),
    ];
    const include = ['api', 'sandbox-*', 'old', 'copy', 'blocked'];
    const world = githubWorld({ repositories });
    const { leftOut } = await connect(world, {
      with: { repositories: { include, exclude: ['sandbox-?'] } },
    });
    expect(leftOut).toEqual([
      { scope: 'acme/blocked', reason: 'disabled by GitHub, so that nothing in it can be read' },
      { scope: 'acme/copy', reason: 'a fork' },
      { scope: 'acme/old', reason: 'archived' },
      { scope: 'acme/other', reason: 'not among repositories.include' },
      { scope: 'acme/sandbox-1', reason: 'excluded by repositories.exclude' },
    ]);
  });

  it('asks archived repositories and forks where it is told to', async () => {
    const repositories = [
      repository({ name: 'old', archived: true }),
      repository({ name: 'copy', fork: true }),
    ];
    const { leftOut } = await connect(githubWorld({ repositories }), {
      with: { repositories: { archived: true, forks: true } },
    });
    expect(leftOut).toEqual([]);
  });

  it.each([
    ['a member', asUser('bob')],
    ['an App on some', asApp({ organization_administration: 'write' }, ['api'])],
  ])('says that there may be others, where %s asks', async (_, viewer) => {
    const repositories = [repository({ name: 'api' })];
    const { leftOut } = await connect(githubWorld({ repositories, viewer }));
    expect(leftOut).toEqual([
      {
        scope: 'further repositories of acme',
        reason: expect.stringMatching(/given are seen \(1\); use an owner's token/),
      },
    ]);
  });

  it('says nothing of others where an App is installed on all', async () => {
    const { leftOut } = await connect(githubWorld({ viewer: asApp({ metadata: 'read' }) }));
    expect(leftOut).toEqual([]);
  });

  it('has its scopes where the repositories cannot be read', async () => {
    const { scopes } = await connect(githubWorld(), {
      before: (standIn) =>
        standIn.fault({ kind: 'denied', match: { route: 'graphql:Repositories' } }),
    });
    expect(scopes).toHaveLength(2);
  });

  it('works against an Enterprise Server', async () => {
    const repositories = [repository({ name: 'old', archived: true })];
    const { leftOut } = await connect(githubWorld({ repositories }), {
      standIn: { basePath: '/api/v3' },
    });
    expect(leftOut).toHaveLength(1);
  });
});
