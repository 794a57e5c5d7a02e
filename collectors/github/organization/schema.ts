import { timestamp, z } from '../../../src/plugin.ts';

export const organization = z.object({
  login: z.string().describe('The organisation’s login, which can change; its uid cannot'),
  plan: z.string().optional().describe('Plan, as GitHub calls it: `free`, `team`, `enterprise`'),
  two_factor_required: z
    .boolean()
    .optional()
    .describe('Everybody must have two-factor authentication; told to owners only'),
  saml: z
    .boolean()
    .optional()
    .describe('Members sign in through an identity provider (SAML); told to owners only'),
  base_permission: z
    .string()
    .optional()
    .describe('What every member may do in every repository: `none`, `read`, `write`, `admin`'),
  members_can_create_public_repositories: z
    .boolean()
    .optional()
    .describe('Members may create public repositories'),
  members_can_create_private_repositories: z
    .boolean()
    .optional()
    .describe('Members may create private repositories'),
  members_can_delete_repositories: z
    .boolean()
    .optional()
    .describe('Members with admin rights in a repository may delete or transfer it'),
  members_can_change_visibility: z
    .boolean()
    .optional()
    .describe('Members with admin rights in a repository may change its visibility'),
  members_can_fork_private_repositories: z
    .boolean()
    .optional()
    .describe('Members may fork private repositories'),
});

export const installedApp = z.object({
  slug: z.string().describe('The App’s name in addresses'),
  app_id: z.int().describe('Number of the App'),
  repositories: z.enum(['all', 'selected']).describe('Which repositories it reaches'),
  permissions: z
    .array(z.string())
    .describe('What it may do, sorted: `contents:write`, `metadata:read`'),
  events: z.array(z.string()).describe('Events that are sent to it'),
  installed_at: timestamp().describe('When it was installed'),
  suspended: z.boolean().describe('The installation is suspended, so that the App can do nothing'),
});
