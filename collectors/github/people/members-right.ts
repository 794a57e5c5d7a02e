/** Whether who asks may see everybody, and the invitations that show it. */
import { type Answer, type Json, timestamp, z } from '../../../src/plugin.ts';
import type { GitHubScope } from '../scope.ts';
import { read, refusal } from '../values.ts';

const route = 'GET /orgs/{org}/invitations';

/** Calls of every dataset that needs to see everybody. */
export const membersRightCalls = { [route]: 'members:read' };

const invitationShape = z.object({
  id: z.int(),
  node_id: z.string(),
  login: z.string().nullable(),
  email: z.string().nullable(),
  role: z.string(),
  created_at: timestamp(),
});

export interface Invitation {
  invitation: z.output<typeof invitationShape>;
  item: Json;
  page: Answer;
}

/** Open invitations to the organisation. */
export function openInvitations(github: GitHubScope): Promise<Invitation[]> {
  const org = github.organization;
  return github.once('invitations', async (shared) => {
    const invitations: Invitation[] = [];
    for await (const page of shared.pages(route, { org })) {
      for (const item of page.items) {
        invitations.push({ invitation: read(invitationShape, item, 'an invitation'), item, page });
      }
    }
    return invitations;
  });
}

/**
 * Why secret teams and the identity provider may be hidden; undefined where they are not: owners
 * see them, and Apps with the right `members`. An App has that right if it is told of
 * invitations, which nobody else is.
 */
export async function hiddenFrom(github: GitHubScope): Promise<string | undefined> {
  if (!github.isApp) {
    if (github.canAdminister) return undefined;
    return "GitHub shows it to owners of the organisation and to Apps only; use an owner's token, or an App with members:read";
  }
  try {
    await openInvitations(github);
    return undefined;
  } catch (thrown) {
    return refusal(thrown);
  }
}
