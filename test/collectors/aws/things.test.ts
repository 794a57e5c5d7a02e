import { describe, expect, it } from 'vitest';
import kms from '../../../collectors/aws/kms/index.ts';
import s3 from '../../../collectors/aws/s3/index.ts';
import { type Answers, fakeAws, refusal } from './fake-aws.ts';

const collect = async (name: string, answers: Answers) => {
  const dataset = [...s3.datasets, ...kms.datasets].find((candidate) => candidate.name === name);
  if (dataset === undefined) throw new Error(name);
  const slice = fakeAws(answers);
  await dataset.collect(slice.aws);
  const fields = Object.fromEntries(slice.records.map((record) => [record.name, record.fields]));
  // Whatever is collected is declared, and of the dataset's shape.
  expect(Object.keys(dataset.calls)).toEqual(expect.arrayContaining([...new Set(slice.calls)]));
  for (const record of slice.records) dataset.fields.strict().parse(record.fields);
  return { ...slice, fields };
};
const CreationDate = new Date('2025-01-01T00:00:00Z');
const listed = (...names: string[]) => ({
  's3:ListBuckets': () => ({
    Buckets: names.map((Name) => ({ Name, CreationDate, BucketRegion: 'eu-west-1' })),
  }),
});

describe('buckets', () => {
  it('are listed page by page', async () => {
    const { fields, tieOuts } = await collect('aws.s3.buckets', {
      's3:ListBuckets': ({ ContinuationToken }) =>
        ContinuationToken === undefined
          ? {
              Buckets: [{ Name: 'a', CreationDate, BucketRegion: 'eu-west-1' }],
              ContinuationToken: 'more',
            }
          : { Buckets: [{ Name: 'b', CreationDate, BucketRegion: 'us-east-1' }] },
    });
    expect(Object.keys(fields)).toEqual(['a', 'b']);
    expect(tieOuts).toEqual([]);
  });

  it.each([
    [1000, 1000],
    [1000, 1200],
  ])('of a full last page are counted again: %i listed, %i there', async (found, there) => {
    const all = Array.from({ length: there }, (_, i) => ({
      Name: `bucket-${i}`,
      CreationDate,
      BucketRegion: 'eu-west-1',
    }));
    const { tieOuts } = await collect('aws.s3.buckets', {
      's3:ListBuckets': ({ MaxBuckets }) => ({
        Buckets: MaxBuckets === undefined ? all : all.slice(0, found),
      }),
    });
    expect(tieOuts).toMatchObject([{ expected: there, found }]);
  });

  it.each([
    [undefined, 'us-east-1'],
    ['', 'us-east-1'],
    ['EU', 'eu-west-1'],
    ['ap-south-1', 'ap-south-1'],
  ])('whose region the list does not name say it themselves: %s', async (said, region) => {
    const { fields } = await collect('aws.s3.buckets', {
      's3:ListBuckets': () => ({ Buckets: [{ Name: 'a', CreationDate }] }),
      's3:GetBucketLocation': () => ({ LocationConstraint: said }),
    });
    expect(fields.a).toMatchObject({ region });
  });

  it('are each asked in their own region', async () => {
    const regions: unknown[] = [];
    await collect('aws.s3.bucket_versioning', {
      ...listed('a'),
      's3:GetBucketVersioning': (_input, region) => {
        regions.push(region);
        return {};
      },
    });
    expect(regions).toEqual(['eu-west-1']);
  });

  it('that cannot be read are kept, those deleted meanwhile are not', async () => {
    const { fields, unread, notes } = await collect('aws.s3.bucket_versioning', {
      ...listed('denied', 'fine', 'gone'),
      's3:GetBucketVersioning': ({ Bucket }) => {
        if (Bucket === 'denied') throw refusal('AccessDenied');
        if (Bucket === 'gone') throw refusal('NoSuchBucket');
        return { Status: 'Enabled' };
      },
    });
    expect(fields).toEqual({
      denied: { account_id: '123456789012', arn: 'arn:aws:s3:::denied' },
      fine: {
        account_id: '123456789012',
        arn: 'arn:aws:s3:::fine',
        status: 'Enabled',
        mfa_delete: false,
      },
    });
    expect(unread).toEqual(['denied']);
    expect(notes).toHaveLength(1);
  });

  it('of an empty account are none', async () => {
    expect((await collect('aws.s3.bucket_tags', listed())).records).toEqual([]);
  });
});

describe('what is set on a bucket', () => {
  const one = async (name: string, call: string, answer: () => object) => {
    const { fields, unread } = await collect(name, { ...listed('a'), [call]: answer });
    expect(unread).toEqual([]);
    return fields.a;
  };
  const none = (error: string) => () => {
    throw refusal(error);
  };

  // Each error is S3's own word for "there is none" (Amazon S3 API reference, Error responses).
  it.each([
    [
      'aws.s3.bucket_encryption',
      's3:GetBucketEncryption',
      'ServerSideEncryptionConfigurationNotFoundError',
      { algorithm: null, kms_key_id: null, kms_key_arn: null },
    ],
    [
      'aws.s3.bucket_public_access_block',
      's3:GetPublicAccessBlock',
      'NoSuchPublicAccessBlockConfiguration',
      { configured: false, block_public_acls: false, restrict_public_buckets: false },
    ],
    [
      'aws.s3.bucket_policies',
      's3:GetBucketPolicy',
      'NoSuchBucketPolicy',
      { exists: false, statements: [] },
    ],
    [
      'aws.s3.bucket_policy_status',
      's3:GetBucketPolicyStatus',
      'NoSuchBucketPolicy',
      { is_public: false },
    ],
    [
      'aws.s3.bucket_lifecycle',
      's3:GetBucketLifecycleConfiguration',
      'NoSuchLifecycleConfiguration',
      { rules: [] },
    ],
    [
      'aws.s3.bucket_object_lock',
      's3:GetObjectLockConfiguration',
      'ObjectLockConfigurationNotFoundError',
      { enabled: false, mode: null },
    ],
    [
      'aws.s3.bucket_ownership',
      's3:GetBucketOwnershipControls',
      'OwnershipControlsNotFoundError',
      { object_ownership: null },
    ],
    ['aws.s3.bucket_tags', 's3:GetBucketTagging', 'NoSuchTagSet', { tags: {} }],
  ])('may be nothing: %s', async (name, call, error, expected) => {
    expect(await one(name, call, none(error))).toMatchObject(expected);
    const { unread } = await collect(name, { ...listed('a'), [call]: none('AccessDenied') });
    expect(unread).toEqual(['a']);
  });

  const key = '11111111-2222-3333-4444-555555555555';
  it.each([
    ['a key by its id', key, `arn:aws:kms:eu-west-1:123456789012:key/${key}`],
    [
      'a key by its ARN',
      `arn:aws:kms:us-east-1:210987654321:key/${key}`,
      `arn:aws:kms:us-east-1:210987654321:key/${key}`,
    ],
    ['no key', undefined, null],
    ['an alias', 'alias/orders', undefined],
    ['an alias by its ARN', 'arn:aws:kms:eu-west-1:123456789012:alias/orders', undefined],
  ])('may be encryption with %s', async (_what, KMSMasterKeyID, arn) => {
    const found = await one('aws.s3.bucket_encryption', 's3:GetBucketEncryption', () => ({
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID },
            BucketKeyEnabled: true,
          },
        ],
      },
    }));
    expect(found).toMatchObject({ algorithm: 'aws:kms', bucket_key: true });
    expect(found?.kms_key_arn).toBe(arn);
  });

  it('may be a lifecycle for all objects or for some', async () => {
    const found = await one(
      'aws.s3.bucket_lifecycle',
      's3:GetBucketLifecycleConfiguration',
      () => ({
        Rules: [
          { ID: 'all', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 30 } },
          {
            Status: 'Disabled',
            Filter: { Prefix: 'logs/' },
            NoncurrentVersionExpiration: { NoncurrentDays: 7 },
          },
        ],
      }),
    );
    expect(found?.rules).toEqual([
      { id: 'all', enabled: true, everything: true, expiration_days: 30, noncurrent_days: null },
      { id: '', enabled: false, everything: false, expiration_days: null, noncurrent_days: 7 },
    ]);
  });

  it('is not guessed where the policy is unreadable', async () => {
    const { unread, fields } = await collect('aws.s3.bucket_policies', {
      ...listed('a'),
      's3:GetBucketPolicy': () => ({ Policy: '<html>' }),
    });
    expect(unread).toEqual(['a']);
    expect(fields.a).not.toHaveProperty('statements');
  });
});

describe('keys', () => {
  const arnOf = (id: string) => `arn:aws:kms:us-east-1:123456789012:key/${id}`;
  const metadata = (over: object) => ({
    KeyManager: 'CUSTOMER',
    KeySpec: 'SYMMETRIC_DEFAULT',
    Origin: 'AWS_KMS',
    KeyState: 'Enabled',
    KeyUsage: 'ENCRYPT_DECRYPT',
    Enabled: true,
    ...over,
  });
  const answers = (keys: Record<string, object>, over: Answers = {}): Answers => ({
    'kms:ListKeys': () => ({
      Keys: Object.keys(keys).map((KeyId) => ({ KeyId, KeyArn: arnOf(KeyId) })),
    }),
    'kms:DescribeKey': ({ KeyId }) => ({ KeyMetadata: metadata(keys[`${KeyId}`] ?? {}) }),
    'kms:GetKeyRotationStatus': () => ({ KeyRotationEnabled: true, RotationPeriodInDays: 365 }),
    'kms:GetKeyPolicy': () => ({
      Policy: '{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}',
    }),
    ...over,
  });

  it.each([
    ['enabled', {}, true],
    ['disabled', { KeyState: 'Disabled', Enabled: false }, true],
    ['pending deletion', { KeyState: 'PendingDeletion' }, false],
    ['AWS’s', { KeyManager: 'AWS' }, false],
    ['imported', { Origin: 'EXTERNAL' }, false],
    ['asymmetric', { KeySpec: 'RSA_2048' }, false],
    ['HMAC', { KeySpec: 'HMAC_256' }, false],
  ])('are asked whether they rotate only if they can: %s', async (_what, over, asked) => {
    const { fields, calls } = await collect('aws.kms.keys', answers({ k: over }));
    expect(calls.includes('kms:GetKeyRotationStatus')).toBe(asked);
    expect(fields.k).toMatchObject({
      rotation_enabled: asked ? true : null,
      rotation_period_days: asked ? 365 : null,
    });
  });

  it('that AWS keeps are not asked for their policy', async () => {
    const { fields, calls } = await collect(
      'aws.kms.key_policies',
      answers({ own: {}, theirs: { KeyManager: 'AWS' } }),
    );
    expect(calls.filter((call) => call === 'kms:GetKeyPolicy')).toHaveLength(1);
    expect(fields.own).toMatchObject({ statements: [{ principals: { everyone: true } }] });
    expect(fields.theirs).toMatchObject({ manager: 'AWS' });
    expect(fields.theirs).not.toHaveProperty('statements');
  });

  it('are described once for both datasets', async () => {
    const slice = fakeAws(answers({ a: {}, b: {} }));
    for (const dataset of kms.datasets) await dataset.collect(slice.aws);
    expect(slice.calls.filter((call) => call === 'kms:DescribeKey')).toHaveLength(2);
    expect(slice.calls.filter((call) => call === 'kms:ListKeys')).toHaveLength(1);
  });

  it('that cannot be read are kept, those deleted meanwhile are not', async () => {
    const { fields, unread } = await collect(
      'aws.kms.keys',
      answers(
        { denied: {}, gone: {}, fine: {} },
        {
          'kms:DescribeKey': ({ KeyId }) => {
            if (KeyId === 'denied') throw refusal('AccessDeniedException');
            if (KeyId === 'gone') throw refusal('NotFoundException');
            return { KeyMetadata: metadata({}) };
          },
        },
      ),
    );
    expect(unread).toEqual(['denied']);
    expect(fields.denied).toEqual({ account_id: '123456789012', arn: arnOf('denied') });
    expect(Object.keys(fields).sort()).toEqual(['denied', 'fine']);
  });
});
