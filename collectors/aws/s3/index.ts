import {
  type AwsContext,
  type AwsInput,
  type AwsOperation,
  type AwsOutput,
  type Collector,
  type Dataset,
  defineDataset,
  type z,
} from '../../../src/plugin.ts';
import { parsePolicyDocument } from '../policy-document.ts';
import { readEach } from '../read-each.ts';
import { readPublicAccessBlock } from '../s3control/schema.ts';
import { s3 } from '../services.ts';
import { tagMap, time, told } from '../values.ts';
import { bucketCalls, listBuckets, regionOf } from './buckets.ts';
import * as schema from './schema.ts';

type S3 = typeof import('@aws-sdk/client-s3');

/** S3's error for a bucket that does not exist. */
const noBucket = 'NoSuchBucket';

// What is asked of each bucket may fail for one: then its record is without it.
const bucketFields = schema.bucketIdentity.extend(schema.bucket.partial().shape);

const common = { version: 1, kind: 'snapshot', level: 'account' } as const;

/** One sub-resource of a bucket: how it is asked and read. */
interface SubResource<Operation extends AwsOperation<S3>, Shape extends z.ZodRawShape> {
  name: string;
  title: string;
  operation: Operation;
  /** S3 names operations and permissions differently. */
  permission: string;
  /** Errors by which S3 says that the bucket has none. */
  absent?: string[];
  fields: z.ZodObject<Shape>;
  /** @param output undefined where the bucket has none. */
  read(
    output: AwsOutput<S3, Operation> | undefined,
    bucket: { region: string; account: string; partition: string },
  ): z.input<z.ZodObject<Shape>>;
}

/** A dataset with one record for each bucket. */
function perBucket<Operation extends AwsOperation<S3>, Shape extends z.ZodRawShape>(
  sub: SubResource<Operation, Shape>,
): Dataset<AwsContext> {
  return defineDataset<AwsContext, z.ZodObject>({
    ...common,
    name: sub.name,
    title: sub.title,
    fields: schema.bucketIdentity.extend(sub.fields.partial().shape),
    calls: { ...bucketCalls, [`s3:${sub.operation}`]: sub.permission },
    async collect(aws) {
      const { account, partition } = aws;
      await readEach(aws, await listBuckets(aws), noBucket, async (bucket, known) => {
        const region = await regionOf(aws, bucket);
        const answer = await aws.find(
          s3,
          sub.operation,
          // Every operation of the table takes the bucket's name and nothing else.
          { Bucket: bucket.name } as unknown as AwsInput<S3, Operation>,
          { absent: sub.absent ?? [], region },
        );
        const read = sub.read(answer.output, { region, account, partition });
        return { fields: { ...known, ...read }, original: answer.output ?? null, from: [answer] };
      });
    },
  });
}

const buckets = defineDataset<AwsContext, typeof bucketFields>({
  ...common,
  name: 'aws.s3.buckets',
  title: 'Buckets and where they are',
  fields: bucketFields,
  calls: bucketCalls,
  async collect(aws) {
    await readEach(aws, await listBuckets(aws), noBucket, async (bucket, known) => ({
      fields: {
        ...known,
        created: time(told(bucket.detail.CreationDate, 'CreationDate')),
        region: await regionOf(aws, bucket),
      },
      original: bucket.detail,
      from: [],
    }));
  },
});

const subResources = [
  perBucket({
    name: 'aws.s3.bucket_encryption',
    title: 'Default encryption of each bucket',
    operation: 'GetBucketEncryption',
    permission: 's3:GetEncryptionConfiguration',
    absent: ['ServerSideEncryptionConfigurationNotFoundError'],
    fields: schema.encryption,
    read(output, bucket) {
      const rule = output?.ServerSideEncryptionConfiguration?.Rules?.[0];
      const { SSEAlgorithm = null, KMSMasterKeyID } =
        rule?.ApplyServerSideEncryptionByDefault ?? {};
      const key = KMSMasterKeyID || null;
      const arn = keyArn(key, bucket);
      return {
        algorithm: SSEAlgorithm,
        kms_key_id: key,
        ...(arn === undefined ? {} : { kms_key_arn: arn }),
        bucket_key: rule?.BucketKeyEnabled ?? false,
      };
    },
  }),
  perBucket({
    name: 'aws.s3.bucket_public_access_block',
    title: 'Block Public Access of each bucket',
    operation: 'GetPublicAccessBlock',
    permission: 's3:GetBucketPublicAccessBlock',
    absent: ['NoSuchPublicAccessBlockConfiguration'],
    fields: schema.blockPublicAccess,
    read: (output) =>
      readPublicAccessBlock(
        output && told(output.PublicAccessBlockConfiguration, 'PublicAccessBlockConfiguration'),
      ),
  }),
  perBucket({
    name: 'aws.s3.bucket_policies',
    title: 'Policy of each bucket',
    operation: 'GetBucketPolicy',
    permission: 's3:GetBucketPolicy',
    absent: ['NoSuchBucketPolicy'],
    fields: schema.policy,
    read: (output) => ({
      exists: output !== undefined,
      statements: output === undefined ? [] : parsePolicyDocument(told(output.Policy, 'Policy')),
    }),
  }),
  perBucket({
    name: 'aws.s3.bucket_policy_status',
    title: 'Whether AWS calls the policy of each bucket public',
    operation: 'GetBucketPolicyStatus',
    permission: 's3:GetBucketPolicyStatus',
    absent: ['NoSuchBucketPolicy'],
    fields: schema.policyStatus,
    read: (output) => ({
      is_public:
        output !== undefined && told(output.PolicyStatus?.IsPublic, 'PolicyStatus.IsPublic'),
    }),
  }),
  perBucket({
    name: 'aws.s3.bucket_versioning',
    title: 'Versioning of each bucket',
    operation: 'GetBucketVersioning',
    permission: 's3:GetBucketVersioning',
    fields: schema.versioning,
    read: (output) => ({
      status: output?.Status ?? ('Never' as const),
      mfa_delete: output?.MFADelete === 'Enabled',
    }),
  }),
  perBucket({
    name: 'aws.s3.bucket_logging',
    title: 'Where the access log of each bucket goes',
    operation: 'GetBucketLogging',
    permission: 's3:GetBucketLogging',
    fields: schema.logging,
    read: (output) => ({
      target_bucket: output?.LoggingEnabled?.TargetBucket ?? null,
      target_prefix: output?.LoggingEnabled?.TargetPrefix ?? null,
    }),
  }),
  perBucket({
    name: 'aws.s3.bucket_lifecycle',
    title: 'Lifecycle rules of each bucket',
    operation: 'GetBucketLifecycleConfiguration',
    permission: 's3:GetLifecycleConfiguration',
    absent: ['NoSuchLifecycleConfiguration'],
    fields: schema.lifecycle,
    read: (output) => ({
      rules: (output?.Rules ?? []).map((rule) => ({
        id: rule.ID ?? '',
        enabled: rule.Status === 'Enabled',
        everything: !rule.Prefix && isOpenFilter(rule.Filter ?? {}),
        expiration_days: rule.Expiration?.Days ?? null,
        noncurrent_days: rule.NoncurrentVersionExpiration?.NoncurrentDays ?? null,
      })),
    }),
  }),
  perBucket({
    name: 'aws.s3.bucket_object_lock',
    title: 'Object Lock of each bucket',
    operation: 'GetObjectLockConfiguration',
    permission: 's3:GetBucketObjectLockConfiguration',
    absent: ['ObjectLockConfigurationNotFoundError'],
    fields: schema.objectLock,
    read(output) {
      const retention = output?.ObjectLockConfiguration?.Rule?.DefaultRetention;
      return {
        enabled: output?.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled',
        mode: retention?.Mode ?? null,
        retention_days: retention?.Days ?? null,
        retention_years: retention?.Years ?? null,
      };
    },
  }),
  perBucket({
    name: 'aws.s3.bucket_ownership',
    title: 'Whether ACLs have an effect in each bucket',
    operation: 'GetBucketOwnershipControls',
    permission: 's3:GetBucketOwnershipControls',
    absent: ['OwnershipControlsNotFoundError'],
    fields: schema.ownership,
    read: (output) => ({
      object_ownership: output?.OwnershipControls?.Rules?.[0]?.ObjectOwnership ?? null,
    }),
  }),
  perBucket({
    name: 'aws.s3.bucket_tags',
    title: 'Tags of each bucket',
    operation: 'GetBucketTagging',
    permission: 's3:GetBucketTagging',
    absent: ['NoSuchTagSet'],
    fields: schema.tags,
    read: (output) => ({ tags: tagMap(output?.TagSet) }),
  }),
];

/** A key's ARN; undefined for an alias. A bare id is of the bucket's own account and region. */
function keyArn(
  key: string | null,
  { region, account, partition }: { region: string; account: string; partition: string },
): string | null | undefined {
  if (key === null) return null;
  if (/^arn:[^:]+:kms:[^:]+:[^:]+:key\//.test(key)) return key;
  if (key.startsWith('alias/') || key.startsWith('arn:')) return undefined;
  return `arn:${partition}:kms:${region}:${account}:key/${key}`;
}

/** A filter that is there and names nothing is about every object. */
function isOpenFilter(filter: object): boolean {
  return Object.values(filter).every((value) => value === undefined || value === '');
}

const collector: Collector<AwsContext> = {
  id: 'aws.s3',
  title: 'Amazon S3',
  datasets: [buckets, ...subResources],
};

export default collector;
