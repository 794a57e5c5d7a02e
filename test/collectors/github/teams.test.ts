import { describe, expect, it } from 'vitest';
import collector, { directPermission } from '../../../collectors/github/teams/index.ts';
import {
  asApp,
  asUser,
  githubWorld,
  repository,
  team,
  type Viewer,
  type WorldOrganization,
  type WorldRepository,
} from '../../support/github-world.ts';
import { askWorld, named, ourApp, problemsOf } from './asking.ts';

const teams = [
  team({
    slug: 'platform',
    maintainers: ['alice'],
    members: ['bob'],
    repositories: { api: 'maintain', old: 'admin' },
  }),
  team({ slug: 'hidden', privacy: 'secret', members: ['carol'], repositories: { web: 'admin' } }),
  team({ slug: 'below', parent: 'platform', members: ['carol'] }),
];
const repositories = () => [
  repository({ name: 'api', collaborators: { alice: 'triage', dave: 'write' } }),
  repository({ name: 'web' }),
  repository({ name: 'old', archived: true, collaborators: { dave: 'admin' } }),
];
const outsideCollaborators = [{ handle: 'dave', twoFactor: 'secure' as const }];

async function ask(
  viewer?: Viewer,
  organization: Partial<WorldOrganization> = {},
  options: Parameters<typeof askWorld>[3] & { repositories?: WorldRepository[] } = {},
) {
  const who = viewer === undefined ? {} : { viewer };
  const world = githubWorld({
    organization: { teams, outsideCollaborators, ...organization },
    repositories: options.repositories ?? repositories(),
    app: ourApp,
    ...who,
  });
  return askWorld(world, [collector], ['github.teams', 'github.grants'], options);
}
const fieldsOf = (slice: Parameters<typeof named>[0]) =>
  Object.fromEntries(Object.values(named(slice)).map(({ name, fields }) => [name, fields]));

describe('github.teams', () => {
  it('holds each team with its members, secret ones too', async () => {
    const slice = (await ask()).slices['github.teams'];
    expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
    expect(fieldsOf(slice)).toEqual({
      platform: {
        slug: 'platform',
        privacy: 'visible',
        // Whoever is in the team below has what the team has.
        members: ['alice', 'bob', 'carol'],
        maintainers: ['alice'],
      },
      hidden: { slug: 'hidden', privacy: 'secret', members: ['carol'], maintainers: [] },
      below: { slug: 'below', privacy: 'visible', members: ['carol'], maintainers: [] },
    });
  });

  it('follows the pages of teams, and of lists within', async () => {
    const whole = (await ask()).slices['github.teams'];
    const { slices, asked } = await ask(undefined, {}, { standIn: { mostPerPage: 1 } });
    expect(fieldsOf(slices['github.teams'])).toEqual(fieldsOf(whole));
    expect(slices['github.teams']?.outcome).toBe('complete');
    expect(asked['graphql:Teams']).toBe(3);
    expect(asked['graphql:TeamMembers']).toBe(2);
  });

  it('is not complete for a member, from whom secret teams are hidden', async () => {
    const slice = (await ask(asUser('bob'))).slices['github.teams'];
    expect(Object.keys(named(slice)).sort()).toEqual(['below', 'platform']);
    expect(slice?.outcome).toBe('partial');
    expect(problemsOf(slice)).toEqual(['error AccessDenied']);
    expect(slice?.problems[0]?.message).toMatch(/secret teams.*members:read/);
  });

  it('is complete for an App with the right, and not known without', async () => {
    const told = async (viewer: Viewer) => (await ask(viewer)).slices['github.teams']?.outcome;
    expect(await told(asApp({ members: 'read', contents: 'read' }))).toBe('complete');
    expect(await told(asApp({ contents: 'read' }))).toBe('failed');
  });

  it('is complete for an App that asks by a token that it was given', async () => {
    const world = githubWorld({
      organization: { teams },
      repositories: repositories(),
      viewer: asApp({ members: 'read' }),
    });
    const { slices } = await askWorld(world, [collector], ['github.teams']);
    expect(slices['github.teams']?.outcome).toBe('complete');
  });
});

describe('github.grants', () => {
  it('holds what teams have, and what people have by themselves, in repositories in scope', async () => {
    const slice = (await ask()).slices['github.grants'];
    expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
    const told = Object.entries(fieldsOf(slice)).map(([name, { to, permission, member }]) => [
      name,
      to,
      permission,
      member,
    ]);
    expect(told.sort()).toEqual([
      ['acme/api alice', 'person', 'triage', true],
      ['acme/api dave', 'person', 'write', false],
      ['acme/api team below', 'team', 'maintain', null],
      ['acme/api team platform', 'team', 'maintain', null],
      ['acme/web team hidden', 'team', 'admin', null],
    ]);
  });

  it('is known by who has it and where, which do not change with names', async () => {
    const slice = (await ask()).slices['github.grants'];
    for (const { uid, fields } of slice?.records ?? []) {
      expect(uid).toBe(`${fields.grantee_id}:${fields.repository_id}`);
    }
  });

  it('follows the pages of lists within', async () => {
    const whole = (await ask()).slices['github.grants'];
    const { slices, asked } = await ask(undefined, {}, { standIn: { mostPerPage: 1 } });
    expect(slices['github.grants']?.outcome).toBe('complete');
    expect(fieldsOf(slices['github.grants'])).toEqual(fieldsOf(whole));
    expect(asked['graphql:RepositoryCollaborators']).toBe(1);
  });

  it('names the repositories of which GitHub does not say who has access', async () => {
    const { slices } = await ask(
      undefined,
      {},
      {
        before: (standIn) =>
          standIn.fault({
            kind: 'forbiddenNode',
            match: { route: 'graphql:Collaborators' },
            index: 1,
          }),
      },
    );
    const slice = slices['github.grants'];
    expect(slice?.outcome).toBe('partial');
    expect(slice?.problems[0]?.message).toMatch(/access to acme\/web is not known/);
    expect(named(slice)).toHaveProperty(['acme/api dave']);
  });

  it('is not complete for a member, and does not say who is one', async () => {
    const slice = (await ask(asUser('bob'))).slices['github.grants'];
    expect(slice?.outcome).toBe('partial');
    expect(problemsOf(slice)).toContain('error AccessDenied');
    const { 'acme/api dave': dave } = named(slice);
    expect(dave?.fields).not.toHaveProperty('member');
  });

  it('asks for fifty repositories at once', async () => {
    const many = Array.from({ length: 120 }, (_, place) => repository({ name: `r${place}` }));
    const { slices, asked } = await ask(undefined, { teams: [] }, { repositories: many });
    expect(slices['github.grants']?.outcome).toBe('complete');
    expect(asked['graphql:Collaborators']).toBe(3);
    expect(asked['graphql:Repositories']).toBe(3);
  });
});

describe('the permission of a grant', () => {
  const source = (typename: string, permission: string, roleName: string | null) => ({
    permission,
    roleName,
    source: { __typename: typename },
  });

  it('is the grant’s own, not the highest by any way', () => {
    const permissionSources = [
      source('Organization', 'ADMIN', 'admin'),
      source('Repository', 'READ', 'triage'),
    ];
    expect(directPermission({ permission: 'ADMIN', permissionSources })).toBe('triage');
  });

  it('of a custom role is its base', () => {
    const permissionSources = [source('Repository', 'WRITE', 'Deployer')];
    expect(directPermission({ permission: 'WRITE', permissionSources })).toBe('write');
  });

  it('is the highest where GitHub does not say from where', () => {
    expect(directPermission({ permission: 'MAINTAIN', permissionSources: null })).toBe('maintain');
    expect(directPermission({ permission: 'ADMIN', permissionSources: [] })).toBe('admin');
  });
});
