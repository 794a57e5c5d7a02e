import { personal, timestamp, z } from '../../../src/plugin.ts';
import { identityStatement, resourceStatement } from '../policy-document.ts';

const accountId = z.string().describe('The account');
const path = z.string().describe('Path below which it was made: `/`, `/service/`');
const created = timestamp().describe('When it was made');
const tags = z.record(z.string(), z.string()).describe('Tags by key');
/** The user's name in its ARN, behind the path; the root user and roles are nobody in particular. */
const userName = { part: /:user\/(?:.*\/)?([^/]+)$/ };
const attached = z.array(z.string()).describe('ARNs of the managed policies attached to it');
const inline = z.array(z.string()).describe('Names of the policies written into it');
const boundary = z
  .string()
  .nullable()
  .describe('ARN of the policy that bounds its permissions; null where there is none');

export const accountSummary = z.object({
  account_id: accountId,
  arn: z.string().describe('ARN of the root user'),
  mfa_active: z.boolean().describe('The root user has an MFA device'),
  access_keys_present: z.boolean().describe('The root user has an access key'),
  signing_certificates_present: z.boolean().describe('The root user has a signing certificate'),
  password_present: z
    .boolean()
    .optional()
    .describe('The root user has a password; left out where AWS does not say'),
  users: z.int().describe('Number of IAM users'),
  groups: z.int().describe('Number of groups'),
  roles: z.int().describe('Number of roles'),
  policies: z.int().describe('Number of customer managed policies'),
});

export const passwordPolicy = z.object({
  account_id: accountId,
  exists: z
    .boolean()
    .describe(
      'The account has a policy of its own. Without one AWS’s default is in force (8 characters, three of four kinds, no expiry, no reuse rule) and the other fields are null',
    ),
  min_length: z.int().nullable().describe('Fewest characters'),
  require_symbols: z.boolean().nullable().describe('At least one symbol'),
  require_numbers: z.boolean().nullable().describe('At least one digit'),
  require_uppercase: z.boolean().nullable().describe('At least one upper-case letter'),
  require_lowercase: z.boolean().nullable().describe('At least one lower-case letter'),
  users_may_change: z.boolean().nullable().describe('Users may change their own password'),
  max_age_days: z.int().nullable().describe('Days after which a password expires; 0: never'),
  reuse_prevention: z
    .int()
    .nullable()
    .describe('How many earlier passwords may not be used again; 0: any may'),
  hard_expiry: z
    .boolean()
    .nullable()
    .describe('An expired password can only be reset by an administrator'),
});

export const accessKey = z.object({
  slot: z.int().describe('1 or 2: its place in the report'),
  active: z.boolean().describe('The key works'),
  last_rotated: timestamp()
    .nullable()
    .describe('When the key was made; null where AWS does not say'),
  last_used: personal(
    timestamp().nullable().describe('Null: never, or not since AWS keeps record (April 2015)'),
  ),
  idle_since: personal(
    timestamp().describe('Last used, else last rotated, else when the user was made'),
  ),
});

export const credentialReport = z.object({
  account_id: accountId,
  arn: personal(z.string().describe('ARN of the user, or of the root user'), userName),
  created: timestamp()
    .optional()
    .describe('When the user was made; left out where AWS does not say'),
  password_enabled: z
    .boolean()
    .nullable()
    .optional()
    .describe('The user has a console password; null where the report says `not_supported` (root)'),
  password_last_used: personal(
    timestamp()
      .nullable()
      .optional()
      .describe('Null: never, no password, or not since AWS keeps record (October 2014)'),
  ),
  password_last_changed: timestamp()
    .nullable()
    .optional()
    .describe('Null: no password, or `not_supported` (root)'),
  password_idle_since: personal(
    timestamp()
      .nullable()
      .optional()
      .describe(
        'Last used, else last changed, else when the user was made; null without a password',
      ),
  ),
  mfa_active: z.boolean().optional().describe('The user has an MFA device'),
  keys: z
    .array(accessKey)
    .optional()
    .describe('The user’s access keys, inactive ones too; an empty slot is not among them'),
});

export const user = z.object({
  account_id: accountId,
  arn: personal(z.string().describe('ARN'), userName),
  user_id: personal(z.string()).describe('Unique id; a new user of the same name has another'),
  path,
  created,
  groups: z.array(z.string()).describe('Names of the groups the user is in'),
  attached_policies: attached,
  inline_policies: inline,
  permissions_boundary: boundary,
  tags: personal(tags),
});

export const group = z.object({
  account_id: accountId,
  arn: z.string().describe('ARN'),
  group_id: z.string().describe('Unique id'),
  path,
  created,
  attached_policies: attached,
  inline_policies: inline,
});

export const role = z.object({
  account_id: accountId,
  arn: z.string().describe('ARN'),
  role_id: z.string().describe('Unique id'),
  path,
  created,
  service_linked: z.boolean().describe('Made by an AWS service for itself'),
  trust: z
    .array(resourceStatement)
    .optional()
    .describe('Statements of the policy that says who may assume the role'),
  attached_policies: attached,
  inline_policies: inline,
  permissions_boundary: boundary,
  last_used: timestamp()
    .nullable()
    .describe('Last use that AWS still keeps (400 days); null where there is none'),
  tags,
});

export const policy = z.object({
  account_id: accountId,
  arn: z.string().describe('ARN'),
  aws_managed: z.boolean().describe('Kept by AWS, not by the account'),
  path,
  created,
  updated: timestamp().describe('When its newest version was made'),
  attachments: z.int().describe('Users, groups and roles it is attached to'),
  boundary_uses: z.int().describe('Users and roles whose permissions it bounds'),
  statements: z.array(identityStatement).optional().describe('Statements of the version in force'),
});

export const principal = z.object({
  account_id: accountId,
  arn: personal(z.string().describe('ARN'), userName),
  kind: z.enum(['user', 'role']).describe('What it is'),
  path,
  service_linked: z.boolean().describe('A role made by an AWS service for itself'),
  permissions_boundary: boundary,
  statements: z
    .array(
      identityStatement.omit({ actions: true, resources: true }).extend({
        policy: z.string().describe('ARN of a managed policy, name of an inline one'),
        via: z
          .string()
          .describe('How it reached the principal: `attached`, `inline`, `group admins`'),
      }),
    )
    .optional()
    .describe(
      'Every statement of every policy on it, those of its groups included, without the lists of actions and resources, which `aws.iam.policies` has once; left out where one of the policies could not be read',
    ),
});

export const virtualMfaDevice = z.object({
  account_id: accountId,
  serial: z.string().describe('Serial number: an ARN'),
  user_arn: personal(
    z.string().nullable().describe('ARN of the user it is bound to; null where it is not bound'),
    userName,
  ),
  root: z.boolean().describe('Bound to the root user'),
  enabled_at: timestamp().nullable().describe('When it was bound'),
});
