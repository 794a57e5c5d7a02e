import {
  type Answer,
  type CollectContext,
  CollectError,
  type Collector,
  defineDataset,
  type z,
} from '../../../src/plugin.ts';
import { listMembers, memberCalls } from '../people/members.ts';
import { hiddenFrom, membersRightCalls } from '../people/members-right.ts';
import {
  listCalls,
  type Repository,
  repositoriesInScope,
  repositoryListing,
} from '../repositories/listing.ts';
import type { GitHubScope } from '../scope.ts';
import { graphqlPages, type Told, toldFields, wholeList } from '../values.ts';
import {
  type CollaboratorEdge,
  collaboratorsQuery,
  type MemberEdge,
  moreCollaborators,
  moreMembers,
  moreTeamRepositories,
  repositoriesAtOnce,
  type TeamNode,
  type TeamRepositoryEdge,
  teamsQuery,
} from './queries.ts';
import * as schema from './schema.ts';

const common = { version: 1, kind: 'snapshot', level: 'organization' } as const;

interface Team {
  node: TeamNode;
  members: MemberEdge[];
  repositories: TeamRepositoryEdge[];
  from: Answer[];
}

const teamCalls = {
  'graphql:Teams': 'members:read metadata:read',
  'graphql:TeamMembers': 'members:read',
  'graphql:TeamRepositories': 'members:read metadata:read',
  ...membersRightCalls,
};

/** Every team that who asks may see. */
function listTeams(github: GitHubScope): Promise<{ teams: Team[]; totalCount: number }> {
  const { organization } = github;
  return github.once('teams', async (shared) => {
    const teams: Team[] = [];
    let totalCount = 0;
    const pages = graphqlPages(
      (after) => shared.query(teamsQuery, { organization, after }),
      ({ data }) => data.organization.teams.pageInfo,
    );
    for await (const page of pages) {
      const { nodes, ...list } = page.data.organization.teams;
      totalCount = list.totalCount;
      for (const node of nodes) {
        const of = { id: node.id };
        const members = await wholeList<MemberEdge>(
          shared,
          `members of the team ${node.slug}`,
          node.members,
          moreMembers,
          of,
        );
        const repositories = await wholeList<TeamRepositoryEdge>(
          shared,
          `repositories of the team ${node.slug}`,
          node.repositories,
          moreTeamRepositories,
          of,
        );
        teams.push({
          node,
          members: members.items,
          repositories: repositories.items,
          from: [page, ...members.from, ...repositories.from],
        });
      }
    }
    return { teams, totalCount };
  });
}

/** Ties the list of teams out. @throws CollectError where secret ones may be hidden. */
function tieOutTeams(
  github: CollectContext,
  { teams, totalCount }: { teams: Team[]; totalCount: number },
  hidden: string | undefined,
): void {
  github.tieOut({
    by: 'totalCount of graphql:Teams',
    expected: totalCount,
    found: teams.length,
  });
  if (hidden !== undefined) {
    throw new CollectError('AccessDenied', `secret teams may be missing: ${hidden}`);
  }
}

const teams = defineDataset<GitHubScope, typeof schema.team>({
  ...common,
  name: 'github.teams',
  title: 'Teams and their members',
  fields: schema.team,
  calls: teamCalls,
  async collect(github) {
    const listed = await listTeams(github);
    for (const { node, members, from } of listed.teams) {
      const logins = (all: readonly MemberEdge[]) => all.map((edge) => edge.node.login).sort();
      const { repositories: _grants, ...own } = node;
      github.emit({
        uid: node.id,
        name: node.slug,
        fields: {
          slug: node.slug,
          privacy: node.privacy.toLowerCase(),
          members: logins(members),
          maintainers: logins(members.filter(({ role }) => role === 'MAINTAINER')),
        },
        original: own,
        from,
      });
    }
    tieOutTeams(github, listed, await hiddenFrom(github));
  },
});

type GrantsContext = GitHubScope & CollectContext<z.input<typeof schema.grant>>;

const grants = defineDataset<GitHubScope, typeof schema.grant>({
  ...common,
  name: 'github.grants',
  title: 'Who has which permission in each repository: teams, and people by themselves',
  fields: schema.grant,
  calls: {
    ...listCalls,
    ...teamCalls,
    ...memberCalls,
    'graphql:Collaborators': 'metadata:read members:read administration:read',
    'graphql:RepositoryCollaborators': 'metadata:read members:read administration:read',
  },
  async collect(github) {
    const repositories = await repositoriesInScope(github);
    const { leftOut } = await repositoryListing(github);
    const hidden = await hiddenFrom(github);
    const listed = await listTeams(github);
    for (const { node: team, repositories: grantedTo, from } of listed.teams) {
      for (const edge of grantedTo) {
        const { id: repository_id, nameWithOwner: repository } = edge.node;
        if (leftOut.has(repository_id)) continue;
        github.emit({
          uid: `${team.id}:${repository_id}`,
          name: `${repository} team ${team.slug}`,
          fields: {
            repository,
            repository_id,
            to: 'team',
            grantee: team.slug,
            grantee_id: team.id,
            member: null,
            permission: edge.permission.toLowerCase(),
          },
          original: { team: team.slug, ...edge },
          from,
        });
      }
    }
    const refused = await collectPeople(github, repositories, hidden);
    const [why] = refused.values();
    if (why !== undefined) {
      const names = [...refused.keys()].sort().join(', ');
      throw new CollectError('AccessDenied', `who has access to ${names} is not known: ${why}`);
    }
    tieOutTeams(github, listed, hidden);
  },
});

/** Grants to people. Answers why, by repository, where they were refused. */
async function collectPeople(
  github: GrantsContext,
  repositories: readonly Repository[],
  hidden: string | undefined,
): Promise<Map<string, string>> {
  const { members } = await listMembers(github);
  const memberIds = new Set(members.map(({ edge }) => edge.node.id));
  const memberPages = members.map(({ page }) => page);
  const refused = new Map<string, string>();
  for (let start = 0; start < repositories.length; start += repositoriesAtOnce) {
    const some = repositories.slice(start, start + repositoriesAtOnce);
    const ids = some.map(({ id }) => id);
    const answer = await github.query(collaboratorsQuery, { ids }, { partial: true });
    for (const [index, { id: repository_id, name: repository }] of some.entries()) {
      const first = answer.data.nodes[index]?.collaborators;
      if (!first) {
        const error = answer.errors.find(({ path }) => path[1] === index);
        const said = error?.message ?? 'GitHub gives no reason';
        refused.set(repository, `${said}; give the token administration:read and members:read`);
        continue;
      }
      const whole = await wholeList<CollaboratorEdge>(
        github,
        `people with access to ${repository}`,
        first,
        moreCollaborators,
        { id: repository_id },
      );
      for (const edge of whole.items) {
        const { id, login } = edge.node;
        const member: Told<boolean> =
          hidden === undefined ? { told: memberIds.has(id) } : { untold: hidden };
        const { fields, why } = toldFields({ member });
        github.emit({
          uid: `${id}:${repository_id}`,
          name: `${repository} ${login}`,
          fields: {
            repository,
            repository_id,
            to: 'person',
            grantee: login,
            grantee_id: id,
            permission: directPermission(edge),
            ...fields,
          },
          original: edge,
          from: [answer, ...whole.from, ...memberPages],
          ...why,
        });
      }
    }
  }
  return refused;
}

const permissions = ['read', 'triage', 'write', 'maintain', 'admin'];

/**
 * What the grant itself gives. The permission that GitHub writes beside a person is the highest by
 * any way: an owner has all of them without any grant.
 */
export function directPermission({
  permission,
  permissionSources,
}: Pick<CollaboratorEdge, 'permission' | 'permissionSources'>): string {
  const direct = permissionSources?.find(({ source }) => source.__typename === 'Repository');
  if (direct === undefined) return permission.toLowerCase();
  const role = direct.roleName?.toLowerCase() ?? '';
  return permissions.includes(role) ? role : direct.permission.toLowerCase();
}

const collector: Collector<GitHubScope> = {
  id: 'github.teams',
  title: 'Teams and grants of the GitHub organisation',
  datasets: [teams, grants],
};

export default collector;
