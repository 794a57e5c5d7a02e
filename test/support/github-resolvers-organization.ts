/** Organisation, people and teams in GraphQL. */
import {
  type AccountSource,
  accountId,
  connect,
  type Fields,
  GraphqlRefusal,
  need,
  notFound,
  ordered,
  organizationId,
  organizationNode,
  repositoryNamed,
  repositoryNode,
  rulesetNode,
  same,
  seesMembers,
  seesProvider,
  targeted,
  teamNode,
  user,
  visible,
  visibleTeams,
  web,
} from './github-graphql-sources.ts';
import { nodeId, numberOf } from './github-ids.ts';
import { grantOf } from './github-rights.ts';
import type {
  GitHubWorld,
  Handle,
  WorldExternalIdentity,
  WorldRepository,
  WorldTeam,
} from './github-world.ts';

export const organization: Fields<unknown> = {
  id: (_, _args, { world }) => organizationId(world),
  databaseId: (_, _args, { world }) => world.organization.databaseId,
  login: (_, _args, { world }) => world.organization.login,
  name: (_, _args, { world }) => world.organization.login,
  createdAt: (_, _args, { world }) => world.organization.createdAt,
  url: (_, _args, { world }) => `${web}/${world.organization.login}`,
  viewerCanAdminister: (_, _args, { rights }) =>
    rights.kind === 'app' ? rights.may('organization_administration', 'write') : rights.owner,
  viewerIsAMember: (_, _args, { rights }) => rights.member,
  requiresTwoFactorAuthentication: (_, _args, { world, rights }) =>
    rights.asOwner('organization_administration') ? world.organization.twoFactorRequired : null,
  membersCanForkPrivateRepositories: (_, _args, { world }) =>
    world.organization.membersCan.forkPrivateRepositories,
  membersWithRole: (_, args, asked) => {
    const { world, rights } = asked;
    // Whoever is no member, and an App without the permission, is told public members only; here
    // nobody is one. So the list is empty, without an error.
    const members = seesMembers(asked) ? world.organization.members : [];
    return connect(asked, members, args, {
      node: ({ handle }) => user(asked, handle),
      edge: ({ role, twoFactor }) => ({
        role: role.toUpperCase(),
        hasTwoFactorEnabled: rights.owner ? twoFactor !== 'disabled' : null,
      }),
    });
  },
  pendingMembers: (_, args, asked) => {
    const { invitations } = asked.world.organization;
    const handles = invitations.flatMap(({ handle }) => handle ?? []);
    // Without the right GitHub documents no answer: empty.
    const told = asked.rights.asOwner('members') ? handles : [];
    return connect(asked, told, args, { node: (handle) => user(asked, handle) });
  },
  teams: (_, args, asked) => {
    need(asked, 'members');
    const teams = visibleTeams(asked).filter(
      ({ privacy }) =>
        args.privacy == null || (privacy === 'secret') === (args.privacy === 'SECRET'),
    );
    return connect(asked, teams, args, { node: teamNode });
  },
  team: (_, { slug = '' }, asked) => {
    need(asked, 'members');
    const team = visibleTeams(asked).find((one) => same(one.slug, slug));
    return team === undefined ? null : teamNode(team);
  },
  repositories: (_, args, asked) => {
    const repos = visible(asked).filter(
      (repo) =>
        (args.isArchived == null || repo.archived === args.isArchived) &&
        (args.isFork == null || repo.fork === args.isFork) &&
        (args.visibility == null || repo.visibility.toUpperCase() === args.visibility) &&
        (args.privacy == null || (repo.visibility === 'public') === (args.privacy === 'PUBLIC')),
    );
    return connect(asked, ordered(repos, args.orderBy, repositoryOrder), args, {
      node: repositoryNode,
    });
  },
  repository: (_, { name = '' }, asked) => {
    const repo = repositoryNamed(asked, name);
    if (repo !== undefined) return repositoryNode(repo);
    const { login } = asked.world.organization;
    throw notFound(`a Repository with the name '${login}/${name}'`);
  },
  samlIdentityProvider: (_, _args, asked) => {
    const { rights, world } = asked;
    if (seesProvider(asked)) return world.organization.saml === null ? null : provider;
    if (rights.kind === 'classic') return null;
    throw new GraphqlRefusal('FORBIDDEN', rights.refusal);
  },
  rulesets: (_, args, asked) => {
    if (!asked.rights.asOwner('organization_administration', 'write')) return null;
    const placed = asked.world.organization.rulesets.map((ruleset) => ({ ruleset, repo: null }));
    return connect(asked, targeted(placed, args), args, { node: rulesetNode });
  },
};

const repositoryOrder: Record<string, (repo: WorldRepository) => string | number> = {
  CREATED_AT: ({ createdAt }) => createdAt,
  UPDATED_AT: ({ updatedAt }) => updatedAt,
  PUSHED_AT: ({ pushedAt }) => pushedAt ?? '',
  NAME: ({ name }) => name,
};

const provider = { __typename: 'OrganizationIdentityProvider' };

export const identityProvider: Fields<unknown> = {
  id: (_, _args, { world }) => nodeId('OIP', world.organization.databaseId),
  ssoUrl: (_, _args, { world }) => world.organization.saml?.ssoUrl ?? null,
  issuer: (_, _args, { world }) => world.organization.saml?.issuer ?? null,
  organization: () => organizationNode,
  externalIdentities: (_, args, asked) => {
    const { saml, members } = asked.world.organization;
    const identities = (saml?.identities ?? []).filter(
      ({ handle }) =>
        (args.membersOnly !== true || members.some((one) => one.handle === handle)) &&
        (args.login == null || handle === args.login),
    );
    return connect(asked, identities, args, {
      node: (identity) => ({ __typename: 'ExternalIdentity', identity }),
    });
  },
};

export const externalIdentity: Fields<{ identity: WorldExternalIdentity }> = {
  id: ({ identity }) => nodeId('EI', numberOf(identity.guid)),
  guid: ({ identity }) => identity.guid,
  user: ({ identity }, _args, asked) =>
    identity.handle === null ? null : user(asked, identity.handle),
  samlIdentity: ({ identity: { nameId } }) =>
    nameId === null ? null : { nameId, username: nameId },
  scimIdentity: ({ identity: { scim } }) => (scim === null ? null : { username: scim }),
};

export const anyActor: Fields<AccountSource> = {
  id: ({ account }) => accountId(account),
  databaseId: ({ account }) => account.databaseId,
  login: ({ account }) => account.login,
  url: ({ account }) => `${web}/${account.login}`,
  resourcePath: ({ account }) => `/${account.login}`,
};

export const userFields: Fields<AccountSource> = {
  ...anyActor,
  name: ({ account }) => account.name,
  email: () => '',
};

/** GraphQL leaves the ending away that REST, and GraphQL's own commits, write. */
export const bot: Fields<AccountSource> = {
  ...anyActor,
  login: ({ account }) => account.login.replace(/\[bot\]$/, ''),
};

/** The schema knows them by one id only. */
export const { databaseId: _none, ...enterpriseUser } = anyActor;

export const team: Fields<{ team: WorldTeam }> = {
  id: ({ team: one }) => nodeId('T', one.databaseId),
  databaseId: ({ team: one }) => one.databaseId,
  slug: ({ team: one }) => one.slug,
  combinedSlug: ({ team: one }, _args, { world }) => `${world.organization.login}/${one.slug}`,
  name: ({ team: one }) => one.name,
  privacy: ({ team: one }) => (one.privacy === 'closed' ? 'VISIBLE' : 'SECRET'),
  organization: () => organizationNode,
  parentTeam: ({ team: one }, _args, { world }) => {
    const above = world.organization.teams.find(({ slug }) => slug === one.parent);
    return above === undefined ? null : teamNode(above);
  },
  members: ({ team: one }, args, asked) => {
    const own = args.membership === 'CHILD_TEAM' ? [] : one.members;
    const below = args.membership === 'IMMEDIATE' ? [] : membersBelow(asked.world, one);
    const handles = new Set(own.map(({ handle }) => handle));
    const others = below.filter((handle) => !handles.has(handle));
    const members = [
      ...own,
      ...[...new Set(others)].map((handle) => ({ handle, role: 'member' })),
    ].filter(({ role }) => args.role == null || role.toUpperCase() === args.role);
    return connect(asked, members, args, {
      node: ({ handle }) => user(asked, handle),
      edge: ({ role }) => ({ role: role.toUpperCase() }),
    });
  },
  repositories: ({ team: one }, args, asked) => {
    const grant = (repo: WorldRepository) => grantOf(asked.world, one, repo);
    const repos = visible(asked).filter((repo) => grant(repo) !== undefined);
    return connect(asked, repos, args, {
      node: repositoryNode,
      edge: (repo) => ({ permission: grant(repo)?.toUpperCase() }),
    });
  },
};

function membersBelow(world: GitHubWorld, above: WorldTeam): Handle[] {
  return world.organization.teams
    .filter(({ parent }) => parent === above.slug)
    .flatMap((one) => [...one.members.map(({ handle }) => handle), ...membersBelow(world, one)]);
}
