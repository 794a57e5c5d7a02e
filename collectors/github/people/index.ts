import {
  type Answer,
  type CollectContext,
  CollectError,
  type Collector,
  defineDataset,
  z,
} from '../../../src/plugin.ts';
import { identityProvider, identityProviderCalls } from '../organization/identity-provider.ts';
import type { GitHubScope } from '../scope.ts';
import {
  connection,
  graphqlPages,
  pageInfoText,
  read,
  refusal,
  type Told,
  toldFields,
} from '../values.ts';
import { listMembers, memberCalls } from './members.ts';
import { membersRightCalls, openInvitations } from './members-right.ts';
import * as schema from './schema.ts';

const common = { version: 1, kind: 'snapshot', level: 'organization' } as const;

type Person = z.input<typeof schema.person>;
type TwoFactor = 'secure' | 'insecure' | 'disabled';

// --- two-factor authentication -------------------------------------------------------------

const membersRoute = 'GET /orgs/{org}/members';
const outsideRoute = 'GET /orgs/{org}/outside_collaborators';

const account = z.object({ login: z.string(), node_id: z.string(), type: z.string() });

/** Who has no two-factor authentication, and who has one by text message, by node id. */
interface TwoFactorLists {
  disabled: Set<string>;
  insecure: Set<string>;
  from: Answer[];
}

/** GitHub tells both lists to owners only: to others it refuses, and that is not "nobody". */
async function twoFactorLists(
  github: GitHubScope & CollectContext,
  route: string,
): Promise<TwoFactorLists | { untold: string }> {
  const from: Answer[] = [];
  const filtered = async (filter: string): Promise<Set<string>> => {
    const ids = new Set<string>();
    for await (const page of github.pages(route, { org: github.organization }, { filter })) {
      from.push(page);
      for (const item of page.items) ids.add(read(account, item, 'a person').node_id);
    }
    return ids;
  };
  try {
    const disabled = await filtered('2fa_disabled');
    return { disabled, insecure: await filtered('2fa_insecure'), from };
  } catch (thrown) {
    const untold = `GitHub tells two-factor authentication to owners of the organisation only: ${refusal(thrown)}, and it must be an owner's`;
    github.note('AccessDenied', untold);
    return { untold };
  }
}

/** Secure is who stands in neither list, provided that both could be read. */
function twoFactorOf(
  id: string,
  lists: TwoFactorLists | { untold: string },
  enabled: boolean | null,
): Told<TwoFactor> {
  if (enabled === false) return { told: 'disabled' };
  if ('untold' in lists) return lists;
  if (lists.disabled.has(id)) return { told: 'disabled' };
  return { told: lists.insecure.has(id) ? 'insecure' : 'secure' };
}

/** Everybody in the two lists must be in the list of people too. */
function tieOut(
  github: CollectContext,
  route: string,
  lists: TwoFactorLists | { untold: string },
  listed: ReadonlySet<string>,
): void {
  if ('untold' in lists) return;
  const ids = [...new Set([...lists.disabled, ...lists.insecure])];
  github.tieOut({
    by: `people without secure two-factor authentication in ${route}, each of whom must be listed,`,
    expected: ids.length,
    found: ids.filter((id) => listed.has(id)).length,
  });
}

// --- people ------------------------------------------------------------------------------

type PeopleContext = GitHubScope & CollectContext<Person>;

const people = defineDataset<GitHubScope, typeof schema.person>({
  ...common,
  name: 'github.people',
  title: 'Members, outside collaborators and open invitations, with role and two-factor state',
  fields: schema.person,
  personal: ['uid', 'name'],
  calls: {
    ...memberCalls,
    [membersRoute]: 'members:read',
    [outsideRoute]: 'members:read',
    ...membersRightCalls,
  },
  async collect(github) {
    await collectMembers(github);
    await collectOutsideCollaborators(github);
    await collectInvitations(github);
  },
});

async function collectMembers(github: PeopleContext): Promise<void> {
  const lists = await twoFactorLists(github, membersRoute);
  const { members, totalCount } = await listMembers(github);
  const listed = new Set(members.map(({ edge }) => edge.node.id));
  for (const { edge, page } of members) {
    const { id, login, __typename: kind } = edge.node;
    const { fields, why } = toldFields({
      role: memberRole(edge.role),
      two_factor: twoFactorOf(id, lists, edge.hasTwoFactorEnabled),
    });
    github.emit({
      uid: id,
      name: login,
      fields: {
        organization_id: github.organizationId,
        login,
        affiliation: 'member',
        kind,
        invited_at: null,
        ...fields,
      },
      original: edge,
      from: 'from' in lists ? [page, ...lists.from] : [page],
      ...why,
    });
  }
  github.tieOut({
    by: 'totalCount of graphql:Members',
    expected: totalCount,
    found: listed.size,
  });
  tieOut(github, membersRoute, lists, listed);
}

function memberRole(role: string | null): Told<'owner' | 'member'> {
  if (role === null) {
    return { untold: 'GitHub tells roles to members and owners of the organisation only' };
  }
  return { told: role === 'ADMIN' ? 'owner' : 'member' };
}

async function collectOutsideCollaborators(github: PeopleContext): Promise<void> {
  const lists = await twoFactorLists(github, outsideRoute);
  const listed = new Set<string>();
  for await (const page of github.pages(outsideRoute, { org: github.organization })) {
    for (const item of page.items) {
      const { login, node_id, type } = read(account, item, 'an outside collaborator');
      listed.add(node_id);
      const { fields, why } = toldFields({ two_factor: twoFactorOf(node_id, lists, null) });
      github.emit({
        uid: node_id,
        name: login,
        fields: {
          organization_id: github.organizationId,
          login,
          affiliation: 'outside_collaborator',
          kind: type,
          role: 'outside_collaborator',
          invited_at: null,
          ...fields,
        },
        original: item,
        from: 'from' in lists ? [page, ...lists.from] : [page],
        ...why,
      });
    }
  }
  tieOut(github, outsideRoute, lists, listed);
}

async function collectInvitations(github: PeopleContext): Promise<void> {
  for (const { invitation, item, page } of await openInvitations(github)) {
    const { id, node_id, login, email, role, created_at } = invitation;
    const { fields, why } = toldFields({ role: invitedRole(role) });
    github.emit({
      uid: node_id,
      name: login ?? email ?? `invitation ${id}`,
      fields: {
        organization_id: github.organizationId,
        login,
        affiliation: 'invitation',
        kind: 'User',
        two_factor: null,
        invited_at: created_at,
        ...fields,
      },
      original: item,
      from: [page],
      ...why,
    });
  }
}

/** The role that an invitation gives. */
export function invitedRole(role: string): Told<'owner' | 'member' | 'billing_manager'> {
  if (role === 'admin') return { told: 'owner' };
  if (role === 'billing_manager') return { told: 'billing_manager' };
  if (role === 'direct_member') return { told: 'member' };
  return {
    untold: `the invitation is for the role ${role}, of which GitHub does not say what it gives; look it up among the pending invitations`,
  };
}

// --- external identities -----------------------------------------------------------------

export const externalIdentitiesQuery = {
  name: 'ExternalIdentities',
  text: `query ExternalIdentities($organization: String!, $after: String) {
  organization(login: $organization) {
    samlIdentityProvider {
      externalIdentities(first: 100, after: $after) {
        totalCount ${pageInfoText}
        nodes { id guid user { id login } samlIdentity { nameId } scimIdentity { username } }
      }
    }
  }
}`,
  answer: z.object({
    organization: z.object({
      samlIdentityProvider: z.object({
        externalIdentities: connection({
          nodes: z.array(
            z.object({
              id: z.string(),
              guid: z.string(),
              user: z.object({ id: z.string(), login: z.string() }).nullable(),
              samlIdentity: z.object({ nameId: z.string().nullable() }).nullable(),
              scimIdentity: z.object({ username: z.string().nullable() }).nullable(),
            }),
          ),
        }),
      }),
    }),
  }),
};

const externalIdentities = defineDataset<GitHubScope, typeof schema.externalIdentity>({
  ...common,
  name: 'github.external_identities',
  title: 'Identities at the organisation’s identity provider, and the accounts they are linked to',
  fields: schema.externalIdentity,
  personal: ['uid', 'name'],
  calls: { ...identityProviderCalls, 'graphql:ExternalIdentities': 'members:read' },
  async collect(github) {
    const saml = await identityProvider(github);
    if ('untold' in saml) {
      throw new CollectError(
        'AccessDenied',
        `whether there is an identity provider is not known: ${saml.untold}`,
      );
    }
    if (saml.provider === null) return;
    const { organization } = github;
    const pages = graphqlPages(
      (after) => github.query(externalIdentitiesQuery, { organization, after }),
      ({ data }) => data.organization.samlIdentityProvider.externalIdentities.pageInfo,
    );
    let listed = 0;
    let counted = 0;
    for await (const page of pages) {
      const { nodes, totalCount } = page.data.organization.samlIdentityProvider.externalIdentities;
      counted = totalCount;
      for (const node of nodes) {
        listed += 1;
        github.emit({
          uid: node.id,
          name: node.user?.login ?? node.samlIdentity?.nameId ?? node.guid,
          fields: {
            organization_id: github.organizationId,
            user_id: node.user?.id ?? null,
            login: node.user?.login ?? null,
            name_id: node.samlIdentity?.nameId ?? null,
            scim: node.scimIdentity !== null,
          },
          original: node,
          from: [page],
        });
      }
    }
    github.tieOut({
      by: 'totalCount of graphql:ExternalIdentities',
      expected: counted,
      found: listed,
    });
  },
});

const collector: Collector<GitHubScope> = {
  id: 'github.people',
  title: 'People of the GitHub organisation',
  datasets: [people, externalIdentities],
};

export default collector;
