/**
 * The world of Acme: users, groups, roles, buckets and keys of every kind that a test of this
 * project tells apart. What each test must say about each of them stands in acme-expected.ts.
 */
import type { AwsWorld, PolicyDocument, PublicAccessBlock } from './aws-world.ts';

const account = '123456789012';
/** Another account of Acme's own, approved in `acmeParameters`. */
const partner = '111111111111';
/** An account that nobody approved. */
const stranger = '222222222222';

const aws = (name: string) => `arn:aws:iam::aws:policy/${name}`;
const github = 'token.actions.githubusercontent.com';

function policy(...statements: object[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements };
}

function allow(Action: string | string[], Resource: string | string[]) {
  return { Effect: 'Allow', Action, Resource };
}

/** Who may assume a role, on which conditions. */
function trust(Principal: object | '*', Action = 'sts:AssumeRole', Condition?: object) {
  return policy({
    Effect: 'Allow',
    Principal,
    Action,
    ...(Condition === undefined ? {} : { Condition }),
  });
}

/** Denies what comes without TLS; `change` replaces parts of the statement. */
function denyPlain(bucket: string, change: object = {}) {
  return {
    Sid: 'DenyPlain',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    ...change,
  };
}

/** The statement that a key's default policy consists of. */
const keyAdministration = {
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${account}:root` },
  Action: 'kms:*',
  Resource: '*',
};

const blockAll: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};
const blockAcls = { ...blockAll, BlockPublicPolicy: false, RestrictPublicBuckets: false };
const blockPolicies = { ...blockAll, BlockPublicAcls: false, IgnorePublicAcls: false };

const classified = (name: string) => ({ 'data-classification': name });

export const acme: AwsWorld = {
  account,
  organization: true,
  root: { mfa: 'virtual', passwordLastUsedDaysAgo: 3, createdDaysAgo: 2000 },
  passwordPolicy: {
    MinimumPasswordLength: 14,
    RequireSymbols: true,
    RequireNumbers: true,
    RequireUppercaseCharacters: true,
    RequireLowercaseCharacters: true,
    AllowUsersToChangePassword: true,
    MaxPasswordAge: 90,
    PasswordReusePrevention: 24,
  },
  policies: {
    ReadRecords: policy(allow(['s3:GetObject', 's3:ListBucket'], 'arn:aws:s3:::acme-records/*')),
    AllButIdentity: policy({ Effect: 'Allow', NotAction: ['iam:*', 'sts:*'], Resource: '*' }),
    AllButQueues: policy({ Effect: 'Allow', NotAction: 'sqs:*', Resource: '*' }),
    Frozen: policy({ Effect: 'Deny', Action: '*', Resource: '*' }),
  },
  samlProviders: ['AcmeIdP'],
  oidcProviders: [github],
  groups: [
    { name: 'engineers', policies: [aws('ReadOnlyAccess')] },
    { name: 'administrators', policies: [aws('AdministratorAccess')] },
    { name: 'legacy', inline: { everything: policy(allow('*:*', '*')) } },
    { name: 'frozen', policies: [`arn:aws:iam::${account}:policy/Frozen`] },
  ],
  users: [
    {
      name: 'alice',
      createdDaysAgo: 300,
      password: { changedDaysAgo: 80, lastUsedDaysAgo: 1 },
      mfa: 'virtual',
      keys: [{ createdDaysAgo: 30, lastUsedDaysAgo: 1 }],
      groups: ['engineers'],
    },
    {
      // A password without a second factor.
      name: 'bob',
      createdDaysAgo: 300,
      password: { changedDaysAgo: 80, lastUsedDaysAgo: 2 },
      groups: ['engineers'],
    },
    {
      // No console; an old key that is in use; a policy of her own.
      name: 'carol',
      createdDaysAgo: 300,
      keys: [{ createdDaysAgo: 120, lastUsedDaysAgo: 1 }],
      inline: { records: policy(allow('s3:GetObject', 'arn:aws:s3:::acme-records/*')) },
    },
    {
      // The old key is switched off, the one in use is young; a policy attached to the user.
      name: 'ci-deploy',
      path: '/machines/',
      createdDaysAgo: 500,
      keys: [
        { active: false, createdDaysAgo: 400, lastUsedDaysAgo: 60 },
        { createdDaysAgo: 10, lastUsedDaysAgo: 0 },
      ],
      policies: [`arn:aws:iam::${account}:policy/ReadRecords`],
    },
    {
      // A password that was never used.
      name: 'dave',
      createdDaysAgo: 200,
      password: { changedDaysAgo: 200 },
      mfa: 'hardware',
      groups: ['engineers'],
    },
    {
      // A key that was never used: idle since it was made.
      name: 'erin',
      createdDaysAgo: 60,
      keys: [{ createdDaysAgo: 60 }],
      groups: ['engineers'],
      boundary: aws('ReadOnlyAccess'),
    },
    {
      name: 'break-glass',
      createdDaysAgo: 400,
      password: { changedDaysAgo: 40, lastUsedDaysAgo: 20 },
      mfa: 'hardware',
      groups: ['administrators'],
    },
    {
      // No credentials at all, and every right through the group's inline policy.
      name: 'frank',
      createdDaysAgo: 700,
      groups: ['legacy'],
    },
    {
      // An administrator whom another group denies everything.
      name: 'heidi',
      createdDaysAgo: 700,
      groups: ['administrators', 'frozen'],
    },
  ],
  roles: [
    {
      name: 'AppServer',
      trust: trust({ Service: 'ec2.amazonaws.com' }),
      policies: [`arn:aws:iam::${account}:policy/ReadRecords`],
    },
    {
      name: 'PlatformAdmin',
      trust: trust(
        { Federated: `arn:aws:iam::${account}:saml-provider/AcmeIdP` },
        'sts:AssumeRoleWithSAML',
        { StringEquals: { 'SAML:aud': 'https://signin.aws.amazon.com/saml' } },
      ),
      policies: [aws('AdministratorAccess')],
    },
    {
      name: 'Partner',
      trust: trust({ AWS: `arn:aws:iam::${partner}:root` }, 'sts:AssumeRole', {
        StringEquals: { 'sts:ExternalId': 'acme' },
      }),
      policies: [aws('ReadOnlyAccess')],
    },
    {
      name: 'Vendor',
      trust: trust({ AWS: `arn:aws:iam::${stranger}:root` }),
      policies: [aws('ReadOnlyAccess')],
    },
    {
      // All but identity: not an administrator.
      name: 'GithubDeploy',
      trust: trust(
        { Federated: `arn:aws:iam::${account}:oidc-provider/${github}` },
        'sts:AssumeRoleWithWebIdentity',
        {
          StringEquals: { [`${github}:aud`]: 'sts.amazonaws.com' },
          StringLike: { [`${github}:sub`]: 'repo:acme/api:*' },
        },
      ),
      policies: [`arn:aws:iam::${account}:policy/AllButIdentity`],
    },
    {
      // Every repository of everybody; all but queues, identity among it.
      name: 'GithubAny',
      trust: trust(
        { Federated: `arn:aws:iam::${account}:oidc-provider/${github}` },
        'sts:AssumeRoleWithWebIdentity',
        { StringEquals: { [`${github}:aud`]: 'sts.amazonaws.com' } },
      ),
      policies: [`arn:aws:iam::${account}:policy/AllButQueues`],
    },
    {
      // Everybody; the boundary narrows what the attached policy gives.
      name: 'Open',
      trust: trust('*'),
      policies: [aws('AdministratorAccess')],
      boundary: aws('ReadOnlyAccess'),
    },
    {
      // The denial begins in 2099: it does not undo the right.
      name: 'DayAdmin',
      trust: trust({ AWS: `arn:aws:iam::${account}:root` }),
      policies: [aws('AdministratorAccess')],
      inline: {
        later: policy({
          Effect: 'Deny',
          Action: '*',
          Resource: '*',
          Condition: { DateGreaterThan: { 'aws:CurrentTime': '2099-01-01T00:00:00Z' } },
        }),
      },
    },
  ],
  serviceLinkedRoles: ['autoscaling.amazonaws.com'],
  awsManagedKeys: ['us-east-1'],
  keys: [
    { name: 'orders', rotation: true },
    { name: 'backups', region: 'eu-west-1' },
    { name: 'signing', create: { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' } },
    { name: 'imported', create: { Origin: 'EXTERNAL' } },
    {
      name: 'wide',
      rotation: true,
      policy: policy(keyAdministration, {
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: 'kms:Decrypt',
        Resource: '*',
      }),
    },
    {
      name: 'organisation',
      rotation: true,
      policy: policy(keyAdministration, {
        Effect: 'Allow',
        Principal: '*',
        Action: 'kms:Decrypt',
        Resource: '*',
        Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-exampleorgid' } },
      }),
    },
    { name: 'retired', rotation: true, deletionInDays: 30 },
    { name: 'gone', deletionInDays: 7 },
  ],
  // The account covers access lists for every bucket, policies for none.
  publicAccessBlock: blockAcls,
  buckets: [
    {
      name: 'acme-logs',
      policy: policy(denyPlain('acme-logs')),
      publicAccessBlock: blockAll,
      versioning: 'Enabled',
    },
    {
      name: 'acme-records',
      encryption: { algorithm: 'aws:kms', key: 'orders' },
      policy: policy(denyPlain('acme-records')),
      publicAccessBlock: blockAll,
      objectLockDays: 1,
      tags: classified('confidential'),
    },
    {
      // The class asks for a key of Acme's own; account and bucket together block everything.
      name: 'acme-customers',
      region: 'eu-west-1',
      encryption: { algorithm: 'AES256' },
      policy: policy(denyPlain('acme-customers', { Principal: { AWS: '*' } })),
      publicAccessBlock: blockPolicies,
      versioning: 'Suspended',
      tags: classified('restricted'),
    },
    {
      // KMS, but with S3's own key; the denial covers the objects only.
      name: 'acme-payroll',
      encryption: { algorithm: 'aws:kms' },
      policy: policy(denyPlain('acme-payroll', { Resource: 'arn:aws:s3:::acme-payroll/*' })),
      tags: classified('confidential'),
    },
    {
      name: 'acme-site',
      policy: policy({ ...allow('s3:GetObject', 'arn:aws:s3:::acme-site/*'), Principal: '*' }),
      tags: classified('public'),
    },
    {
      // The denial names one principal.
      name: 'acme-analytics',
      encryption: { algorithm: 'aws:kms', key: 'orders' },
      policy: policy(
        denyPlain('acme-analytics', { Principal: { AWS: `arn:aws:iam::${partner}:root` } }),
      ),
      publicAccessBlock: blockAll,
      versioning: 'Enabled',
      tags: classified('internal'),
    },
    {
      name: 'acme-dsse',
      encryption: { algorithm: 'aws:kms:dsse', key: 'orders' },
      policy: policy(denyPlain('acme-dsse', { Action: '*' })),
      publicAccessBlock: blockAll,
      versioning: 'Enabled',
      tags: classified('confidential'),
    },
    {
      // The denial leaves somebody out.
      name: 'acme-backups',
      region: 'eu-west-1',
      encryption: { algorithm: 'aws:kms', key: 'backups' },
      policy: policy(
        denyPlain('acme-backups', {
          Condition: {
            Bool: { 'aws:SecureTransport': 'false' },
            ArnNotEquals: { 'aws:PrincipalArn': `arn:aws:iam::${account}:role/AppServer` },
          },
        }),
      ),
      publicAccessBlock: blockAll,
      versioning: 'Enabled',
      tags: classified('restricted'),
    },
    {
      // Nothing of its own.
      name: 'acme-tmp',
    },
    {
      // A key by its alias: which one that is cannot be told from the bucket.
      name: 'acme-alias',
      encryption: { algorithm: 'aws:kms', key: `arn:aws:kms:us-east-1:${account}:alias/orders` },
      policy: policy(denyPlain('acme-alias')),
      publicAccessBlock: blockAll,
      versioning: 'Enabled',
      tags: classified('confidential'),
    },
    {
      // A key of an account that is not asked.
      name: 'acme-foreign',
      encryption: {
        algorithm: 'aws:kms',
        key: `arn:aws:kms:us-east-1:${partner}:key/11111111-2222-4333-8444-555555555555`,
      },
      policy: policy(denyPlain('acme-foreign')),
      publicAccessBlock: blockAll,
      versioning: 'Enabled',
      tags: classified('confidential'),
    },
    {
      // The denial covers reading only; one of the four flags is missing on account and bucket.
      name: 'acme-shared',
      policy: policy(denyPlain('acme-shared', { Action: 's3:GetObject' })),
      publicAccessBlock: { ...blockAll, RestrictPublicBuckets: false },
      versioning: 'Enabled',
      tags: classified('internal'),
    },
    {
      // Encrypted with a key that will be deleted.
      name: 'acme-exports',
      encryption: { algorithm: 'aws:kms', key: 'retired' },
      policy: policy(denyPlain('acme-exports')),
      publicAccessBlock: blockAll,
      versioning: 'Enabled',
    },
  ],
};
