import { timestamp, z } from '../../../src/plugin.ts';
import { login } from '../account.ts';
import { review } from '../changes/schema.ts';

const push = z.object({
  repository: z.string().describe('`acme/api`'),
  branch: z.string().describe('Branch that was pushed to'),
  actor: login().nullable().describe('Login of who pushed; null where it is gone'),
  pushed_at: timestamp().describe('When'),
  before: z.string().describe('Head before'),
  after: z.string().describe('Head after'),
  rules: z
    .array(z.string())
    .optional()
    .describe('Rules that were not kept, sorted; where they are told'),
});

const reviewed = z.object({
  pull_request: z
    .int()
    .nullable()
    .describe('Pull request by which the commit was merged into the branch; null if none'),
  reviews: z
    .array(review)
    .describe('Reviews of that pull request, each beside the time of the merge'),
});

/** A push that went around a rule, by somebody who may. */
export const ruleBypass = push.extend(reviewed.partial().shape);

/** A change of who may change what: protection, rulesets, members, settings. */
export const settingsChange = z.object({
  action: z
    .string()
    .describe('GitHub’s name: `protected_branch.destroy`, `repository_ruleset.update`'),
  actor: login().nullable().describe('Login of who did it; null where GitHub does not say'),
  at: timestamp().describe('When'),
  repository: z.string().nullable().describe('`acme/api`; null for the organisation'),
  subject: z.string().nullable().describe('What it was about: a branch, a ruleset; null if unsaid'),
});
