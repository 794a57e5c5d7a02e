import { describe, expect, it } from 'vitest';
import collector from '../../../collectors/github/organization/index.ts';
import {
  asApp,
  asUser,
  externalIdentity,
  githubWorld,
  installation,
  type Viewer,
  type WorldOrganization,
} from '../../support/github-world.ts';
import { askWorld, named, ourApp, problemsOf } from './asking.ts';

const saml = {
  ssoUrl: 'https://idp.example.com',
  issuer: 'idp',
  identities: [externalIdentity({ handle: 'bob' })],
};
const everything = {
  members: 'read',
  organization_administration: 'read',
  organization_plan: 'read',
} as const;

async function ask(viewer?: Viewer, organization: Partial<WorldOrganization> = {}) {
  const wanted = ['github.organization', 'github.installed_apps'];
  const who = viewer === undefined ? {} : { viewer };
  const world = githubWorld({ organization, app: ourApp, ...who });
  return (await askWorld(world, [collector], wanted)).slices;
}
const record = (slices: Awaited<ReturnType<typeof ask>>) =>
  named(slices['github.organization']).acme;

describe('github.organization', () => {
  it('tells an owner everything', async () => {
    const slices = await ask(undefined, {
      twoFactorRequired: false,
      basePermission: 'write',
      membersCan: {
        createPublicRepositories: true,
        createPrivateRepositories: true,
        createInternalRepositories: false,
        deleteRepositories: true,
        changeVisibility: false,
        forkPrivateRepositories: true,
        inviteOutsideCollaborators: false,
      },
    });
    expect(slices['github.organization']).toMatchObject({ outcome: 'complete', problems: [] });
    expect(record(slices)?.fields).toEqual({
      login: 'acme',
      plan: 'enterprise',
      two_factor_required: false,
      saml: false,
      base_permission: 'write',
      members_can_create_public_repositories: true,
      members_can_create_private_repositories: true,
      members_can_delete_repositories: true,
      members_can_change_visibility: false,
      members_can_fork_private_repositories: true,
    });
    expect(record(slices)).not.toHaveProperty('untold');
    expect(record(slices)?.uid).toMatch(/^O_/);
    expect(record(slices)?.calls).toHaveLength(2);
  });

  it.each([
    ['an owner', undefined],
    ['an App with the right', asApp(everything)],
  ])('tells %s of an identity provider, and that there is none', async (_, viewer) => {
    expect(record(await ask(viewer, { saml }))?.fields).toMatchObject({ saml: true });
    expect(record(await ask(viewer))?.fields).toMatchObject({ saml: false });
  });

  it('leaves out what is told to owners only, with the right that is missing (trap 20)', async () => {
    const { fields, untold } = record(await ask(asUser('bob'), { twoFactorRequired: false })) ?? {};
    expect(fields).not.toHaveProperty('two_factor_required');
    expect(untold?.two_factor_required).toMatch(/owner.*organization_administration:read/);
    expect(fields).not.toHaveProperty('plan');
    expect(untold?.plan).toMatch(/organization_plan:read/);
  });

  it.each([
    ['a member', asUser('bob')],
    ['an App without the right', asApp({ organization_administration: 'read' })],
  ])('takes no provider that is hidden from %s for none', async (_, viewer) => {
    const { fields, untold } = record(await ask(viewer, { saml })) ?? {};
    expect(fields).not.toHaveProperty('saml');
    expect(untold?.saml).toMatch(/members:read/);
  });
});

describe('github.installed_apps', () => {
  it('lists every App, over pages, against GitHub’s count', async () => {
    const installations = ['one', 'two', 'three'].map((slug) => installation({ slug }));
    const world = githubWorld({ organization: { installations } });
    const { slices } = await askWorld(world, [collector], ['github.installed_apps'], {
      standIn: { mostPerPage: 2 },
    });
    expect(slices['github.installed_apps']).toMatchObject({
      outcome: 'complete',
      tie_outs: [{ expected: 3, found: 3 }],
    });
  });

  it('tells what each may do', async () => {
    const renovate = installation({
      slug: 'renovate',
      repositorySelection: 'selected',
      permissions: { pull_requests: 'write', contents: 'write', metadata: 'read' },
      events: ['push', 'issues'],
      suspendedAt: '2026-07-01T09:00:00Z',
      suspendedBy: 'alice',
    });
    const slices = await ask(undefined, { installations: [renovate] });
    expect(named(slices['github.installed_apps']).renovate?.fields).toEqual({
      slug: 'renovate',
      app_id: renovate.appId,
      repositories: 'selected',
      permissions: ['contents:write', 'metadata:read', 'pull_requests:write'],
      events: ['issues', 'push'],
      installed_at: renovate.createdAt,
      suspended: true,
    });
  });

  it('is not known without the right, rather than empty', async () => {
    const slices = await ask(asUser('bob'), {
      installations: [installation({ slug: 'renovate' })],
    });
    const slice = slices['github.installed_apps'];
    expect(slice?.outcome).toBe('failed');
    expect(problemsOf(slice)).toEqual(['error AccessDenied']);
    expect(slice?.problems[0]?.message).toMatch(/organization_administration:read/);
  });

  it('is known to an App with the rights', async () => {
    const slices = await ask(asApp(everything), { installations: [installation({ slug: 'one' })] });
    expect(slices['github.installed_apps']?.outcome).toBe('complete');
  });
});
