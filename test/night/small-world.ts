import type { AwsWorld, PolicyDocument } from '../support/aws-world.ts';

function policy(...statements: object[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements };
}

const blockAll = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

/**
 * As few things as give each test a pass to lose, and each lookup a row that needs it: `site` is
 * covered by the account and has no versions, `old` waits for its deletion.
 */
export const smallWorld: AwsWorld = {
  account: '123456789012',
  root: { mfa: 'hardware', createdDaysAgo: 900 },
  passwordPolicy: {
    MinimumPasswordLength: 14,
    RequireSymbols: true,
    RequireNumbers: true,
    RequireUppercaseCharacters: true,
    RequireLowercaseCharacters: true,
    MaxPasswordAge: 90,
    PasswordReusePrevention: 24,
  },
  groups: [
    {
      name: 'readers',
      inline: {
        read: policy({ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::site/*' }),
      },
    },
  ],
  users: [
    {
      name: 'alice',
      createdDaysAgo: 300,
      password: { changedDaysAgo: 80, lastUsedDaysAgo: 1 },
      mfa: 'virtual',
      groups: ['readers'],
    },
    {
      name: 'bob',
      createdDaysAgo: 300,
      password: { changedDaysAgo: 80, lastUsedDaysAgo: 2 },
      groups: ['readers'],
    },
    { name: 'carol', createdDaysAgo: 300, keys: [{ createdDaysAgo: 20, lastUsedDaysAgo: 1 }] },
  ],
  roles: [
    {
      name: 'App',
      trust: policy({
        Effect: 'Allow',
        Principal: { Service: 'ec2.amazonaws.com' },
        Action: 'sts:AssumeRole',
      }),
    },
  ],
  keys: [
    { name: 'orders', rotation: true },
    { name: 'old', deletionInDays: 7 },
  ],
  publicAccessBlock: blockAll,
  buckets: [
    {
      name: 'records',
      encryption: { algorithm: 'aws:kms', key: 'orders' },
      policy: policy({
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: ['arn:aws:s3:::records', 'arn:aws:s3:::records/*'],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
      publicAccessBlock: blockAll,
      versioning: 'Enabled',
      tags: { 'data-classification': 'restricted' },
    },
    { name: 'site' },
  ],
};

/** alice may have a console password; every other parameter has its default. */
export const smallParameters = { 'aws-iam-fed': { break_glass: ['alice'] } };
