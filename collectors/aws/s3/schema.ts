import { timestamp, z } from '../../../src/plugin.ts';
import { resourceStatement } from '../policy-document.ts';
import { publicAccessBlock } from '../s3control/schema.ts';

/** What every record about a bucket says. */
export const bucketIdentity = z.object({
  account_id: z.string().describe('The account that owns the bucket'),
  arn: z.string().describe('ARN of the bucket'),
});

export const bucket = z.object({
  region: z.string().describe('Region the bucket is in'),
  created: timestamp().describe('When it was made, or when its policy was last changed'),
});

export const encryption = z.object({
  algorithm: z
    .string()
    .nullable()
    .describe('Default encryption: `AES256`, `aws:kms`, `aws:kms:dsse`; null where there is none'),
  kms_key_id: z
    .string()
    .nullable()
    .describe('The KMS key as written: an ARN, an id, an alias; null where none is named'),
  kms_key_arn: z
    .string()
    .nullable()
    .optional()
    .describe(
      'ARN of the KMS key; null where none is named (`aws:kms` then uses AWS’s own key); left out for an alias, which may point to another key tomorrow',
    ),
  bucket_key: z.boolean().describe('S3 asks KMS once for many objects'),
});

export const blockPublicAccess = publicAccessBlock;

export const policy = z.object({
  exists: z.boolean().describe('The bucket has a policy; without one there are no statements'),
  statements: z.array(resourceStatement).describe('Statements of the bucket’s policy'),
});

export const policyStatus = z.object({
  is_public: z.boolean().describe('AWS calls the bucket’s policy public; false without a policy'),
});

export const versioning = z.object({
  status: z
    .enum(['Enabled', 'Suspended', 'Never'])
    .describe('Versioning; `Never`: it was never switched on'),
  mfa_delete: z.boolean().describe('Deleting a version asks for MFA'),
});

export const logging = z.object({
  target_bucket: z
    .string()
    .nullable()
    .describe('Bucket that gets the access log; null where none is kept'),
  target_prefix: z.string().nullable().describe('Prefix of the log’s objects'),
});

export const lifecycle = z.object({
  rules: z
    .array(
      z.object({
        id: z.string().describe('Empty where there is none'),
        enabled: z.boolean().describe('The rule is in force'),
        everything: z.boolean().describe('No filter: the rule is about every object'),
        expiration_days: z.int().nullable().describe('Days after which objects expire'),
        noncurrent_days: z
          .int()
          .nullable()
          .describe('Days after which versions that were replaced expire'),
      }),
    )
    .describe('Lifecycle rules; none where there is no configuration'),
});

export const objectLock = z.object({
  enabled: z.boolean().describe('Object Lock is on'),
  mode: z
    .enum(['GOVERNANCE', 'COMPLIANCE'])
    .nullable()
    .describe('Default retention of new objects; null where there is none'),
  retention_days: z.int().nullable().describe('Default retention, where it is given in days'),
  retention_years: z.int().nullable().describe('Default retention, where it is given in years'),
});

export const ownership = z.object({
  object_ownership: z
    .string()
    .nullable()
    .describe(
      '`BucketOwnerEnforced` (ACLs have no effect), `BucketOwnerPreferred`, `ObjectWriter`; null where nothing is set, which means `ObjectWriter`',
    ),
});

export const tags = z.object({
  tags: z.record(z.string(), z.string()).describe('Tags by key'),
});
