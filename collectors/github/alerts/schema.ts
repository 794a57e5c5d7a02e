import { timestamp, z } from '../../../src/plugin.ts';
import { login } from '../account.ts';

const alert = {
  repository: z.string().describe('`acme/api`'),
  number: z.int().describe('Number of the alert in its repository'),
  severity: z
    .string()
    .nullable()
    .describe('`critical`, `high`, `medium`, `low`; null where GitHub gives none'),
  summary: z.string().describe('What it is about'),
  opened_at: timestamp().describe('When it was opened'),
};

/** Open alerts. */
export const dependabotAlert = z.object({
  ...alert,
  dependency: z.string().describe('The package: `npm lodash`'),
  advisory: z.string().describe('Id of the advisory: `GHSA-…`'),
  fix_available: z.boolean().describe('There is a version without the fault'),
});

export const codeScanningAlert = z.object({
  ...alert,
  rule: z.string().describe('Id of the rule'),
  tool: z.string().describe('What found it'),
});

export const secretScanningAlert = z.object({
  ...alert,
  secret_type: z.string().describe('Kind of secret; the secret itself is never kept'),
  push_protection_bypassed: z.boolean().describe('Somebody pushed it in spite of the refusal'),
});

/** An alert of any kind that was closed in the interval. */
export const closedAlert = z.object({
  ...alert,
  kind: z.enum(['dependabot', 'code_scanning', 'secret_scanning']).describe('Which kind of alert'),
  closed_at: timestamp().describe('When it was closed'),
  how: z.string().describe('`fixed`, `dismissed`, `auto_dismissed`, `resolved`'),
  reason: z
    .string()
    .nullable()
    .describe('Reason for dismissing it, in GitHub’s words; null if fixed'),
  closed_by: login().nullable().describe('Login of who closed it; null if nobody did'),
});
