/**
 * Records the exchanges that the AWS collectors' contract test replays, each case from a small world
 * behind the stand-in for AWS. What must come out of a case is written here by hand and goes into
 * its case.json. Run it as `node dist/scripts/record-fixtures.js [api…]`.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../src/evidence/clock.ts';
import { recordingWire } from '../src/providers/wire.ts';
import { askSource, connectFolder } from '../test/collectors/replay.ts';
import type { FaultRule } from '../test/support/aws-faults.ts';
import { defaultAccount, type StandIn, startStandIn } from '../test/support/aws-stand-in.ts';
import { type AwsWorld, factsOf, type PolicyDocument, seed } from '../test/support/aws-world.ts';
import { type Moto, motoAvailable, startMoto } from '../test/support/moto.ts';
import { each, type Recipe, recordCase } from './record-case.ts';

interface AwsRecipe extends Recipe {
  world?: Omit<AwsWorld, 'account'>;
  /** AWS may hand out fewer entries a page than were asked for. */
  mostPerPage?: number;
  fault?: FaultRule;
}

const allow: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::acme-records/*' }],
};
const trust: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ],
};
const denyPlain: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: ['arn:aws:s3:::acme-records', 'arn:aws:s3:::acme-records/*'],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ],
};
const blockAll = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

const iam = (names: string[]) => names.map((name) => `aws.iam.${name}`);
const allIam = iam([
  'account_summary',
  'password_policy',
  'credential_report',
  'users',
  'groups',
  'roles',
  'policies',
  'principals',
  'virtual_mfa_devices',
]);
const allKms = ['aws.kms.keys', 'aws.kms.key_policies'];
const allS3 = [
  'buckets',
  'bucket_encryption',
  'bucket_public_access_block',
  'bucket_policies',
  'bucket_policy_status',
  'bucket_versioning',
  'bucket_logging',
  'bucket_lifecycle',
  'bucket_object_lock',
  'bucket_ownership',
  'bucket_tags',
].map((name) => `aws.s3.${name}`);
const blockOfAccount = ['aws.s3control.account_public_access_block'];
const organization = ['aws.organizations.organization'];

const twoBuckets: Omit<AwsWorld, 'account'> = {
  buckets: [
    {
      name: 'acme-records',
      encryption: { algorithm: 'aws:kms' },
      policy: denyPlain,
      publicAccessBlock: blockAll,
      objectLockDays: 1,
      tags: { 'data-classification': 'confidential' },
    },
    { name: 'acme-tmp' },
  ],
};

const recipes: AwsRecipe[] = [
  {
    api: 'iam',
    name: 'pages',
    title: 'A small account of every kind of entity, three to a page',
    world: {
      root: { mfa: 'virtual', passwordLastUsedDaysAgo: 3, createdDaysAgo: 2000 },
      passwordPolicy: { MinimumPasswordLength: 14, PasswordReusePrevention: 24 },
      policies: { ReadRecords: allow },
      groups: [{ name: 'engineers', policies: ['arn:aws:iam::aws:policy/AdministratorAccess'] }],
      users: [
        {
          name: 'alice',
          createdDaysAgo: 300,
          password: { changedDaysAgo: 80, lastUsedDaysAgo: 1 },
          mfa: 'virtual',
          groups: ['engineers'],
        },
        {
          name: 'ci-deploy',
          path: '/machines/',
          createdDaysAgo: 200,
          keys: [{ createdDaysAgo: 30, lastUsedDaysAgo: 1 }],
          policies: [`arn:aws:iam::${defaultAccount}:policy/ReadRecords`],
        },
      ],
      roles: [{ name: 'AppServer', trust, inline: { records: allow } }],
    },
    mostPerPage: 3,
    outcomes: each(allIam, 'complete'),
    records: {
      'aws.iam.account_summary': 1,
      'aws.iam.password_policy': 1,
      // Root has a row of its own.
      'aws.iam.credential_report': 3,
      'aws.iam.users': 2,
      'aws.iam.groups': 1,
      'aws.iam.roles': 1,
      // Its own, and AdministratorAccess, which is in use.
      'aws.iam.policies': 2,
      'aws.iam.principals': 3,
      // alice's and root's.
      'aws.iam.virtual_mfa_devices': 2,
    },
  },
  {
    api: 'iam',
    name: 'empty',
    title: 'An account with nothing in it: root alone, no password policy',
    outcomes: each(allIam, 'complete'),
    records: {
      ...each(allIam, 0),
      'aws.iam.account_summary': 1,
      'aws.iam.password_policy': 1,
      'aws.iam.credential_report': 1,
    },
  },
  {
    api: 'iam',
    name: 'denied',
    title: 'Every call to IAM is refused',
    fault: { kind: 'deny', match: { service: 'iam' } },
    outcomes: each(allIam, 'failed'),
    problems: each(allIam, ['AccessDenied']),
    records: each(allIam, 0),
  },
  {
    api: 'iam',
    name: 'report-denied',
    title: 'The credential report alone is refused; users stand',
    world: { users: [{ name: 'alice' }] },
    fault: { kind: 'deny', match: { operation: 'GetCredentialReport' } },
    outcomes: { 'aws.iam.credential_report': 'failed', 'aws.iam.users': 'complete' },
    problems: { 'aws.iam.credential_report': ['AccessDenied'] },
    records: { 'aws.iam.credential_report': 0, 'aws.iam.users': 1 },
  },
  {
    api: 'kms',
    name: 'pages',
    title: 'A rotating key, one that signs and one that AWS keeps, two to a page',
    world: {
      keys: [
        { name: 'orders', rotation: true },
        { name: 'signing', create: { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' } },
      ],
      awsManagedKeys: ['us-east-1'],
    },
    mostPerPage: 2,
    outcomes: each(allKms, 'complete'),
    records: each(allKms, 3),
  },
  {
    api: 'kms',
    name: 'empty',
    title: 'A region without keys',
    outcomes: each(allKms, 'complete'),
    records: each(allKms, 0),
  },
  {
    api: 'kms',
    name: 'denied',
    title: 'Every call to KMS is refused',
    fault: { kind: 'deny', match: { service: 'kms' } },
    outcomes: each(allKms, 'failed'),
    problems: each(allKms, ['AccessDenied']),
    records: each(allKms, 0),
  },
  {
    api: 'kms',
    name: 'one-policy-denied',
    title: 'A key’s policy may refuse the administrator: that key is kept, without its policy',
    world: { keys: [{ name: 'orders' }, { name: 'sealed' }] },
    fault: { kind: 'deny', match: { operation: 'GetKeyPolicy' }, times: 1 },
    outcomes: { 'aws.kms.key_policies': 'partial' },
    problems: { 'aws.kms.key_policies': ['AccessDenied'] },
    records: { 'aws.kms.key_policies': 2 },
  },
  {
    api: 's3',
    name: 'pages',
    title: 'A bucket with everything set and one with nothing, each on a page of its own',
    world: twoBuckets,
    mostPerPage: 1,
    outcomes: each(allS3, 'complete'),
    records: each(allS3, 2),
  },
  {
    api: 's3',
    name: 'empty',
    title: 'An account without buckets',
    outcomes: each(allS3, 'complete'),
    records: each(allS3, 0),
  },
  {
    api: 's3',
    name: 'denied',
    title: 'Every call to S3 is refused',
    fault: { kind: 'deny', match: { service: 's3' } },
    outcomes: each(allS3, 'failed'),
    problems: each(allS3, ['AccessDenied']),
    records: each(allS3, 0),
  },
  {
    api: 's3',
    name: 'one-bucket-denied',
    title: 'A bucket’s own policy refuses: it is kept, without what could not be read',
    world: twoBuckets,
    fault: { kind: 'deny', match: { path: '/acme-records' } },
    outcomes: { 'aws.s3.bucket_versioning': 'partial' },
    problems: { 'aws.s3.bucket_versioning': ['AccessDenied'] },
    records: { 'aws.s3.bucket_versioning': 2 },
  },
  {
    api: 's3control',
    name: 'blocked',
    title: 'The account blocks public access',
    world: { publicAccessBlock: blockAll },
    outcomes: each(blockOfAccount, 'complete'),
    records: each(blockOfAccount, 1),
  },
  {
    api: 's3control',
    name: 'empty',
    title: 'The account never set it, which is an answer',
    outcomes: each(blockOfAccount, 'complete'),
    records: each(blockOfAccount, 1),
  },
  {
    api: 's3control',
    name: 'denied',
    title: 'The setting may not be read',
    fault: { kind: 'deny', match: { service: 's3control' } },
    outcomes: each(blockOfAccount, 'failed'),
    problems: each(blockOfAccount, ['AccessDenied']),
    records: each(blockOfAccount, 0),
  },
  {
    api: 'organizations',
    name: 'management',
    title: 'The account that the organisation is managed from',
    world: { organization: true },
    outcomes: each(organization, 'complete'),
    records: each(organization, 1),
  },
  {
    api: 'organizations',
    name: 'empty',
    title: 'An account in no organisation, which is an answer',
    outcomes: each(organization, 'complete'),
    records: each(organization, 1),
  },
  {
    api: 'organizations',
    name: 'denied',
    title: 'The account’s place may not be read',
    fault: { kind: 'deny', match: { operation: 'DescribeOrganization' } },
    outcomes: each(organization, 'failed'),
    problems: each(organization, ['AccessDenied']),
    records: each(organization, 0),
  },
  {
    api: 'sts',
    name: 'identity',
    title: 'Who asks',
    outcomes: { 'aws.sts.caller_identity': 'complete' },
    records: { 'aws.sts.caller_identity': 1 },
  },
];

if (!motoAvailable) {
  process.stderr.write(
    'record-fixtures needs moto_server on the PATH (pip install "moto[server]")\n',
  );
  process.exitCode = 2;
} else {
  const asked = process.argv.slice(2);
  const moto = await startMoto();
  try {
    if (asked.length === 0) await recordConnecting(moto);
    for (const recipe of recipes) {
      if (asked.length === 0 || asked.includes(recipe.api)) await recordFrom(recipe, moto);
    }
  } finally {
    await moto.stop();
  }
}

/** What the AWS source asks before any dataset is read. */
async function recordConnecting(moto: Moto): Promise<void> {
  await moto.reset();
  const standIn = await startStandIn(moto.endpoint, { likeAws: true });
  try {
    turnTo(standIn);
    const exchanges = join(connectFolder('aws'), 'exchanges');
    await rm(exchanges, { recursive: true, force: true });
    await askSource('aws', [], await recordingWire(exchanges), systemClock);
  } finally {
    await standIn.close();
  }
}

async function recordFrom(recipe: AwsRecipe, moto: Moto): Promise<void> {
  const { fault, mostPerPage = Infinity } = recipe;
  const world: AwsWorld = { account: defaultAccount, ...recipe.world };
  await moto.reset();
  const facts = factsOf(world);
  const standIn = await startStandIn(moto.endpoint, { likeAws: true, facts, mostPerPage });
  try {
    await seed(world, standIn.endpoint);
    turnTo(standIn);
    if (fault !== undefined) standIn.fault(fault);
    await recordCase('aws', recipe, systemClock);
    process.stdout.write(`${recipe.api}/${recipe.name}: ${standIn.requests.length} requests\n`);
  } finally {
    await standIn.close();
  }
}

/** Lets every AWS client of this process ask the stand-in, with credentials that open nothing. */
function turnTo({ endpoint }: StandIn): void {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
}
