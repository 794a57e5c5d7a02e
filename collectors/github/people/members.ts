/** The organisation's members, asked once a run for all datasets. */
import { type Answer, z } from '../../../src/plugin.ts';
import type { GitHubScope } from '../scope.ts';
import { connection, graphqlPages, pageInfoText } from '../values.ts';

/** Calls of every dataset that asks for members. */
export const memberCalls = { 'graphql:Members': 'members:read' };

export const membersQuery = {
  name: 'Members',
  text: `query Members($organization: String!, $after: String) {
  organization(login: $organization) {
    membersWithRole(first: 100, after: $after) {
      totalCount ${pageInfoText}
      edges { role hasTwoFactorEnabled node { __typename id login } }
    }
  }
}`,
  answer: z.object({
    organization: z.object({
      membersWithRole: connection({
        edges: z.array(
          z.object({
            role: z.string().nullable(),
            hasTwoFactorEnabled: z.boolean().nullable(),
            node: z.object({ __typename: z.string(), id: z.string(), login: z.string() }),
          }),
        ),
      }),
    }),
  }),
};

type MemberEdge = z.output<
  typeof membersQuery.answer
>['organization']['membersWithRole']['edges'][number];

/** Members as far as who asks may see them, and how many GitHub counts. */
export function listMembers(
  github: GitHubScope,
): Promise<{ members: { edge: MemberEdge; page: Answer }[]; totalCount: number }> {
  const { organization } = github;
  return github.once('members', async (shared) => {
    const members: { edge: MemberEdge; page: Answer }[] = [];
    let totalCount = 0;
    const pages = graphqlPages(
      (after) => shared.query(membersQuery, { organization, after }),
      ({ data }) => data.organization.membersWithRole.pageInfo,
    );
    for await (const page of pages) {
      const { edges, ...list } = page.data.organization.membersWithRole;
      totalCount = list.totalCount;
      members.push(...edges.map((edge) => ({ edge, page })));
    }
    return { members, totalCount };
  });
}
