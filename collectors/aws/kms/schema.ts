import { timestamp, z } from '../../../src/plugin.ts';
import { resourceStatement } from '../policy-document.ts';

/** What every record about a key says. */
export const keyIdentity = z.object({
  account_id: z.string().describe('The account that owns the key'),
  arn: z.string().describe('ARN of the key'),
});

const state = z
  .string()
  .describe('`Enabled`, `Disabled`, `PendingDeletion`, `PendingImport`, `Unavailable` …');
const manager = z
  .enum(['AWS', 'CUSTOMER'])
  .describe('Who keeps the key: an AWS service, or the account');
const deletion = timestamp()
  .nullable()
  .describe('When the key is deleted; null where it is not to be');

export const key = z.object({
  manager,
  origin: z
    .string()
    .describe('Where its material is from: `AWS_KMS`, `EXTERNAL` (imported), `AWS_CLOUDHSM`, …'),
  spec: z.string().describe('`SYMMETRIC_DEFAULT`, `RSA_2048`, `HMAC_256` …'),
  usage: z.string().describe('`ENCRYPT_DECRYPT`, `SIGN_VERIFY` …'),
  state,
  enabled: z.boolean().describe('The key can be used'),
  multi_region: z.boolean().describe('A primary or replica of a multi-region key'),
  rotation_enabled: z
    .boolean()
    .nullable()
    .describe('It rotates by itself; null where it cannot, and is not asked'),
  rotation_period_days: z
    .int()
    .nullable()
    .describe('Days between rotations; null where it does not rotate or AWS does not say'),
  deletion_date: deletion,
});

export const keyPolicy = z.object({
  manager,
  state,
  deletion_date: deletion,
  statements: z
    .array(resourceStatement)
    .describe('Statements of the key’s policy; not asked for a key that an AWS service keeps'),
});
