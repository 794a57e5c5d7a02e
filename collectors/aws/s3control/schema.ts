import { z } from '../../../src/plugin.ts';

/** The four switches of S3 Block Public Access, of a bucket or of the whole account. */
export const publicAccessBlock = z.object({
  configured: z.boolean().describe('There is such a setting; without one all four are false'),
  block_public_acls: z.boolean().describe('New public ACLs are refused'),
  ignore_public_acls: z.boolean().describe('Public ACLs have no effect'),
  block_public_policy: z.boolean().describe('New public bucket policies are refused'),
  restrict_public_buckets: z
    .boolean()
    .describe('A public bucket policy admits only the account itself and AWS services'),
});

export const accountPublicAccessBlock = publicAccessBlock.extend({
  account_id: z.string().describe('The account'),
});

/** The setting as both APIs give it. */
interface Configuration {
  BlockPublicAcls?: boolean | undefined;
  IgnorePublicAcls?: boolean | undefined;
  BlockPublicPolicy?: boolean | undefined;
  RestrictPublicBuckets?: boolean | undefined;
}

/** The setting's fields; a switch that is not named is off (S3 API reference). */
export function readPublicAccessBlock(
  configuration: Configuration | undefined,
): z.input<typeof publicAccessBlock> {
  return {
    configured: configuration !== undefined,
    block_public_acls: configuration?.BlockPublicAcls ?? false,
    ignore_public_acls: configuration?.IgnorePublicAcls ?? false,
    block_public_policy: configuration?.BlockPublicPolicy ?? false,
    restrict_public_buckets: configuration?.RestrictPublicBuckets ?? false,
  };
}
