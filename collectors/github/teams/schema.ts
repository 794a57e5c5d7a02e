import { personal, z } from '../../../src/plugin.ts';
import { logins } from '../account.ts';

/** A team is nobody in particular. */
const aPerson = { when: { to: 'person' } };

export const team = z.object({
  slug: z.string().describe('The team’s name in addresses'),
  privacy: z.string().describe('`visible` or `secret`'),
  members: logins().describe('Logins of the members, sorted'),
  maintainers: logins().describe('Logins of those who may add members, sorted'),
});

/** One way to one repository: a team’s, or a person’s own. */
export const grant = z.object({
  repository: z.string().describe('`acme/api`'),
  repository_id: z.string().describe('Node id of the repository'),
  to: z.enum(['team', 'person']).describe('Who has it'),
  grantee: personal(z.string(), aPerson).describe('Slug of the team, login of the person'),
  grantee_id: personal(z.string(), aPerson).describe('Node id of the team or person'),
  member: z
    .boolean()
    .nullable()
    .optional()
    .describe(
      'The person is a member of the organisation; null for a team; told to who sees all members',
    ),
  permission: z
    .string()
    .describe(
      '`read`, `triage`, `write`, `maintain`, `admin`, in lower case; a custom role by its base',
    ),
});
