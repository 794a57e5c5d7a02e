import { timestamp, z } from '../../../src/plugin.ts';

const feature = (what: string) =>
  z.boolean().optional().describe(`${what}; told to who administers`);

export const repository = z.object({
  visibility: z.enum(['public', 'internal', 'private']).describe('Who can read it'),
  default_branch: z
    .string()
    .nullable()
    .optional()
    .describe('Default branch; null while it is empty; told to who may read its contents'),
  production_branches: z
    .array(z.string())
    .optional()
    .describe(
      'Branches that match the configured production_refs, sorted; told to who may read its contents',
    ),
  created: timestamp().describe('When it was made'),
  pushed: timestamp().nullable().describe('When something was last pushed to it'),
  dependabot_alerts: feature('Dependabot alerts are on'),
  dependabot_updates: feature('Dependabot security updates are on'),
  code_scanning: feature('Code scanning has an analysis, or its default setup is on'),
  secret_scanning: feature('Secret scanning is on'),
  push_protection: feature('Pushes that hold a secret are refused'),
});

export const bypassActor = z.object({
  actor: z
    .string()
    .describe('`team release`, `app renovate`, `role admin`, `deploy keys`, `owners`'),
  mode: z.string().describe('`always` or `pull_request`'),
  by: z.string().describe('The ruleset or protection that allows it'),
});

/** What holds for one production branch: classic protection and active rulesets together. */
export const branchRules = z.object({
  repository: z.string().describe('`acme/api`'),
  repository_id: z.string().describe('Node id of the repository'),
  branch: z.string().describe('`main`'),
  protected: z.boolean().optional().describe('Classic protection or an active ruleset applies'),
  sources: z
    .array(z.string())
    .optional()
    .describe(
      'What applies, sorted: `classic main`, `repository ruleset 12`, `organization ruleset 34`',
    ),
  pull_request_required: z.boolean().optional().describe('Changes come by pull request only'),
  approvals: z.int().optional().describe('Approvals that a pull request needs'),
  stale_dismissed: z.boolean().optional().describe('A push takes earlier approvals away'),
  last_push_approval: z
    .boolean()
    .optional()
    .describe('Somebody else than the last to push must approve'),
  code_owners_required: z.boolean().optional().describe('A code owner must approve'),
  required_checks: z.array(z.string()).optional().describe('Checks that must succeed, sorted'),
  strict_checks: z
    .boolean()
    .optional()
    .describe('The branch must be up to date before merging, or merges by a queue'),
  force_push_blocked: z.boolean().optional().describe('History cannot be rewritten'),
  deletion_blocked: z.boolean().optional().describe('The branch cannot be deleted'),
  admins_bound: z
    .boolean()
    .optional()
    .describe('No administrator stands outside all of what applies by being one'),
  bypass: z
    .array(bypassActor)
    .optional()
    .describe('Who may go around it; left out where the token may not see that'),
});

export const deployKey = z.object({
  repository: z.string().describe('`acme/api`'),
  repository_id: z.string().describe('Node id of the repository'),
  title: z.string().describe('Title that it was given'),
  read_only: z.boolean().describe('It cannot push'),
  enabled: z.boolean().optional().describe('It works; an organisation can switch deploy keys off'),
  created: timestamp().describe('When it was added'),
});

export const codeowners = z.object({
  repository: z.string().describe('`acme/api`'),
  branch: z
    .string()
    .nullable()
    .optional()
    .describe('The default branch; null while the repository is empty'),
  exists: z
    .boolean()
    .optional()
    .describe('There is a CODEOWNERS file; told to who may read the contents'),
  errors: z
    .array(
      z.object({
        path: z.string().describe('The file'),
        line: z.int().describe('Line of the fault'),
        kind: z.string().describe('Kind of fault, in GitHub’s words'),
        message: z.string().describe('What is wrong'),
      }),
    )
    .optional()
    .describe('Faults in it, in the order of their lines; told with `exists`'),
  enforced: z
    .boolean()
    .optional()
    .describe('On each production branch a code owner must approve; unsaid where there is none'),
});
