import { personal, timestamp, z } from '../../../src/plugin.ts';
import { login } from '../account.ts';

/** Members, outside collaborators and open invitations: everybody who has or can take access. */
export const person = z.object({
  organization_id: z.string().describe('Node id of the organisation'),
  login: login().nullable().describe('Login, which can change; null for an invitation by mail'),
  affiliation: z
    .enum(['member', 'outside_collaborator', 'invitation'])
    .describe('How the person belongs to the organisation'),
  kind: z.string().describe('GitHub’s kind of account: `User`, `Bot`'),
  role: z
    .enum(['owner', 'member', 'outside_collaborator', 'billing_manager'])
    .optional()
    .describe(
      'Role in the organisation; of an invitation the one that it gives; unsaid where GitHub does not say',
    ),
  two_factor: z
    .enum(['secure', 'insecure', 'disabled'])
    .nullable()
    .optional()
    .describe(
      'Two-factor authentication: `insecure` is by text message; null for an invitation; told to owners only',
    ),
  invited_at: timestamp()
    .nullable()
    .describe('When an open invitation was sent; null for people who have accepted'),
});

export const externalIdentity = z.object({
  organization_id: z.string().describe('Node id of the organisation'),
  user_id: personal(z.string())
    .nullable()
    .describe('Node id of the GitHub account; null where nobody has linked one yet'),
  login: login().nullable().describe('Login of the account; null where there is none'),
  name_id: personal(z.string())
    .nullable()
    .describe('The identity provider’s own name for the person (SAML NameID)'),
  scim: z.boolean().describe('The identity provider created it by SCIM'),
});
