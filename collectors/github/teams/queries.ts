/** What is asked of GraphQL about teams and grants, and the shapes of the answers. */
import { z } from '../../../src/plugin.ts';
import { connection, pageInfoText } from '../values.ts';

const member = z.object({
  role: z.string(),
  node: z.object({ id: z.string(), login: z.string() }),
});
export type MemberEdge = z.output<typeof member>;
const memberText = 'role node { id login }';

const teamRepository = z.object({
  permission: z.string(),
  node: z.object({ id: z.string(), nameWithOwner: z.string() }),
});
export type TeamRepositoryEdge = z.output<typeof teamRepository>;
const teamRepositoryText = 'permission node { id nameWithOwner }';

const team = z.object({
  id: z.string(),
  slug: z.string(),
  privacy: z.string(),
  members: connection({ edges: z.array(member) }),
  repositories: connection({ edges: z.array(teamRepository) }),
});
export type TeamNode = z.output<typeof team>;

/** Members of the teams below it are members of a team too, since they have what it has. */
export const teamsQuery = {
  name: 'Teams',
  text: `query Teams($organization: String!, $after: String) {
  organization(login: $organization) {
    teams(first: 50, after: $after) {
      totalCount ${pageInfoText}
      nodes {
        id slug privacy
        members(first: 100) { totalCount ${pageInfoText} edges { ${memberText} } }
        repositories(first: 100) { totalCount ${pageInfoText} edges { ${teamRepositoryText} } }
      }
    }
  }
}`,
  answer: z.object({
    organization: z.object({ teams: connection({ nodes: z.array(team) }) }),
  }),
};

/** A query for further pages of a list that a team has. */
const furtherPages = <Item extends z.ZodType>(
  name: string,
  list: string,
  edges: string,
  item: Item,
) => ({
  name,
  text: `query ${name}($id: ID!, $after: String) {
  node(id: $id) {
    ... on Team { list: ${list}(first: 100, after: $after) { totalCount ${pageInfoText} edges { ${edges} } } }
  }
}`,
  answer: z.object({ node: z.object({ list: connection({ edges: z.array(item) }) }) }),
});

export const moreMembers = furtherPages('TeamMembers', 'members', memberText, member);
export const moreTeamRepositories = furtherPages(
  'TeamRepositories',
  'repositories',
  teamRepositoryText,
  teamRepository,
);

const collaborator = z.object({
  permission: z.string(),
  permissionSources: z
    .array(
      z.object({
        permission: z.string(),
        roleName: z.string().nullable(),
        source: z.object({ __typename: z.string() }),
      }),
    )
    .nullable(),
  node: z.object({ id: z.string(), login: z.string() }),
});
export type CollaboratorEdge = z.output<typeof collaborator>;
const collaboratorText =
  'permission permissionSources { permission roleName source { __typename } } node { id login }';

/** Repositories that one query may ask for. */
export const repositoriesAtOnce = 50;

export const collaboratorsQuery = {
  name: 'Collaborators',
  text: `query Collaborators($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on Repository {
      id
      collaborators(affiliation: DIRECT, first: 100) { totalCount ${pageInfoText} edges { ${collaboratorText} } }
    }
  }
}`,
  answer: z.object({
    nodes: z.array(
      z
        .object({
          id: z.string(),
          collaborators: connection({ edges: z.array(collaborator) }).nullable(),
        })
        .nullable(),
    ),
  }),
};

export const moreCollaborators = {
  name: 'RepositoryCollaborators',
  text: `query RepositoryCollaborators($id: ID!, $after: String) {
  node(id: $id) {
    ... on Repository {
      list: collaborators(affiliation: DIRECT, first: 100, after: $after) {
        totalCount ${pageInfoText} edges { ${collaboratorText} }
      }
    }
  }
}`,
  answer: z.object({ node: z.object({ list: connection({ edges: z.array(collaborator) }) }) }),
};
