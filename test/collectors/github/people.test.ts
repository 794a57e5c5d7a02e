import { describe, expect, it } from 'vitest';
import collector from '../../../collectors/github/people/index.ts';
import {
  asApp,
  asUser,
  externalIdentity,
  githubWorld,
  invitation,
  member,
  type Viewer,
  type WorldInvitation,
  type WorldOrganization,
} from '../../support/github-world.ts';
import { askWorld, named, ourApp, problemsOf } from './asking.ts';

const members = [
  member('alice', 'admin'),
  member('bob', 'member', 'insecure'),
  member('carol', 'member', 'disabled'),
];
const outsideCollaborators = [
  { handle: 'dave', twoFactor: 'secure' as const },
  { handle: 'erin', twoFactor: 'disabled' as const },
];
const invitations = [
  invitation({ handle: 'frank', role: 'admin' }),
  invitation({ email: 'grace@example.com' }),
];

async function people(
  viewer?: Viewer,
  organization: Partial<WorldOrganization> = {},
  options: Parameters<typeof askWorld>[3] = {},
) {
  const who = viewer === undefined ? {} : { viewer };
  const world = githubWorld({
    organization: { members, outsideCollaborators, invitations, ...organization },
    app: ourApp,
    ...who,
  });
  const { slices } = await askWorld(world, [collector], ['github.people'], options);
  return slices['github.people'];
}

describe('github.people', () => {
  it('holds members, outside collaborators and open invitations (trap 21)', async () => {
    const slice = await people();
    expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
    const told = Object.values(named(slice)).map(({ name, fields }) => [
      name,
      fields.affiliation,
      fields.role,
    ]);
    expect(told).toHaveLength(7);
    expect(told).toEqual(
      expect.arrayContaining([
        ['alice', 'member', 'owner'],
        ['bob', 'member', 'member'],
        ['carol', 'member', 'member'],
        ['dave', 'outside_collaborator', 'outside_collaborator'],
        ['erin', 'outside_collaborator', 'outside_collaborator'],
        ['frank', 'invitation', 'owner'],
        ['grace@example.com', 'invitation', 'member'],
      ]),
    );
  });

  it('tells no two-factor authentication from one by text message (trap 22)', async () => {
    const told = Object.values(named(await people())).map(({ name, fields }) => [
      name,
      fields.two_factor,
    ]);
    expect(Object.fromEntries(told)).toEqual({
      alice: 'secure',
      bob: 'insecure',
      carol: 'disabled',
      dave: 'secure',
      erin: 'disabled',
      frank: null,
      'grace@example.com': null,
    });
  });

  it('knows an invitation by its login or its address, and since when', async () => {
    const { frank, 'grace@example.com': grace } = named(await people());
    expect(frank?.fields).toMatchObject({ login: 'frank', invited_at: '2026-11-01T09:00:00Z' });
    expect(grace?.fields).toMatchObject({ login: null });
    expect(named(await people()).alice?.fields).toMatchObject({ invited_at: null });
  });

  it.each<[WorldInvitation['role'], string | undefined]>([
    ['direct_member', 'member'],
    ['admin', 'owner'],
    ['billing_manager', 'billing_manager'],
    ['reinstate', undefined],
    ['hiring_manager', undefined],
  ])('reads an invitation for %s as %s', async (role, expected) => {
    const slice = await people(undefined, { invitations: [invitation({ handle: 'frank', role })] });
    const { frank } = named(slice);
    expect(frank?.fields.role).toBe(expected);
    expect(frank?.untold?.role === undefined).toBe(expected !== undefined);
    expect(slice?.outcome).toBe('complete');
  });

  it('is whole over pages of any size', async () => {
    const whole = await people();
    for (const mostPerPage of [1, 2, 3]) {
      const slice = await people(undefined, {}, { standIn: { mostPerPage } });
      expect(slice?.outcome).toBe('complete');
      expect(slice?.records.map(({ uid, fields }) => [uid, fields])).toEqual(
        whole?.records.map(({ uid, fields }) => [uid, fields]),
      );
    }
  });

  it.each([
    ['a member', asUser('bob')],
    ['an App', asApp({ members: 'read' })],
  ])(
    'leaves two-factor authentication out for %s, and does not call it secure (trap 20)',
    async (_, viewer) => {
      const slice = await people(viewer);
      const { alice } = named(slice);
      expect(alice?.fields).toMatchObject({ role: 'owner' });
      expect(alice?.fields).not.toHaveProperty('two_factor');
      expect(alice?.untold?.two_factor).toMatch(
        /owners.*422.*Only owners can use this filter.*members:read/,
      );
      expect(problemsOf(slice)).toContain('note AccessDenied');
    },
  );

  it('is complete for an App with the right, but for two-factor authentication', async () => {
    const slice = await people(asApp({ members: 'read' }));
    expect(slice?.outcome).toBe('complete');
    expect(slice?.records).toHaveLength(7);
  });

  it.each([
    ['a member', asUser('bob')],
    ['an App without the right', asApp({ metadata: 'read' })],
  ])('is not complete for %s, who is not told of everybody', async (_, viewer) => {
    const slice = await people(viewer);
    expect(slice?.outcome).not.toBe('complete');
    expect(problemsOf(slice)).toContain('error AccessDenied');
  });

  it('calls nobody secure where one of the two lists is refused', async () => {
    const slice = await people(
      undefined,
      {},
      {
        before: (standIn) => standIn.fault({ kind: 'denied', match: { path: '2fa_insecure' } }),
      },
    );
    const { alice, bob, carol } = named(slice);
    expect(alice?.fields).not.toHaveProperty('two_factor');
    expect(bob?.fields).not.toHaveProperty('two_factor');
    // GraphQL tells an owner so much beside.
    expect(carol?.fields).toMatchObject({ two_factor: 'disabled' });
    expect(slice?.outcome).toBe('complete');
  });

  it('is not complete where somebody without two-factor authentication is not listed', async () => {
    const world = githubWorld({ organization: { outsideCollaborators } });
    const answers = [outsideCollaborators, outsideCollaborators, outsideCollaborators.slice(0, 1)];
    Object.defineProperty(world.organization, 'outsideCollaborators', {
      get: () => answers.shift() ?? [],
    });
    const { slices } = await askWorld(world, [collector], ['github.people']);
    expect(problemsOf(slices['github.people'])).toEqual(['error TieOutMismatch']);
  });

  it('is not complete where invitations are refused', async () => {
    const match = { route: 'GET /orgs/{org}/invitations' };
    const slice = await people(
      undefined,
      {},
      { before: (standIn) => standIn.fault({ kind: 'denied', match }) },
    );
    expect(slice).toMatchObject({ outcome: 'partial' });
    expect(problemsOf(slice)).toEqual(['error AccessDenied']);
  });
});

const identities = [
  externalIdentity({ handle: 'bob', scim: 'bob' }),
  externalIdentity({ handle: null, nameId: 'new@example.com' }),
  externalIdentity({ handle: 'alice' }),
];
const saml = { ssoUrl: 'https://idp.example.com', issuer: 'idp', identities };

async function external(
  viewer: Viewer | undefined,
  organization: Partial<WorldOrganization>,
  mostPerPage = 100,
) {
  const who = viewer === undefined ? {} : { viewer };
  const world = githubWorld({ organization, app: ourApp, ...who });
  const wanted = ['github.external_identities'];
  const { slices } = await askWorld(world, [collector], wanted, { standIn: { mostPerPage } });
  return slices['github.external_identities'];
}

describe('github.external_identities', () => {
  it.each([1, 100])('holds each identity and its account, %i a page', async (mostPerPage) => {
    const slice = await external(undefined, { saml }, mostPerPage);
    expect(slice).toMatchObject({
      outcome: 'complete',
      tie_outs: [{ expected: 3, found: 3 }],
    });
    const { bob, alice, 'new@example.com': nobody } = named(slice);
    expect(bob?.fields).toEqual({
      organization_id: expect.stringMatching(/^O_/),
      user_id: expect.stringMatching(/^U_/),
      login: 'bob',
      name_id: 'bob@example.com',
      scim: true,
    });
    expect(alice?.fields).toMatchObject({ scim: false });
    expect(nobody?.fields).toEqual({
      organization_id: expect.stringMatching(/^O_/),
      user_id: null,
      login: null,
      name_id: 'new@example.com',
      scim: false,
    });
  });

  it.each([
    ['an owner', undefined],
    ['an App with the right', asApp({ members: 'read' })],
  ])('are none, and that is known, where %s sees no provider', async (_, viewer) => {
    expect(await external(viewer, {})).toMatchObject({
      outcome: 'complete',
      records: [],
      problems: [],
    });
  });

  it.each([
    ['a member', asUser('bob')],
    ['an App without the right', asApp({ metadata: 'read' })],
  ])('are not known where %s sees no provider', async (_, viewer) => {
    const slice = await external(viewer, { saml });
    expect(slice).toMatchObject({ outcome: 'failed', records: [] });
    expect(problemsOf(slice)).toEqual(['error AccessDenied']);
    expect(slice?.problems[0]?.message).toMatch(/members:read/);
  });
});
