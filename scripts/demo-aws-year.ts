/**
 * What happened in the demo's AWS account, step by step: what was there before the year, and the
 * year itself. Each step is a change by the real APIs; what must be reported of it stands in
 * test/support/demo-year-expected.ts.
 */
import {
  AttachRolePolicyCommand,
  CreateAccessKeyCommand,
  CreateVirtualMFADeviceCommand,
  DeactivateMFADeviceCommand,
  DeleteAccessKeyCommand,
  DeleteLoginProfileCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  DeleteVirtualMFADeviceCommand,
  DetachRolePolicyCommand,
  EnableMFADeviceCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListGroupsForUserCommand,
  ListMFADevicesCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  UpdateAccountPasswordPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  DeleteBucketCommand,
  DeletePublicAccessBlockCommand,
  GetBucketEncryptionCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { AccountFacts, KeyFacts, UserFacts } from '../test/support/aws-facts.ts';
import { defaultAccount } from '../test/support/aws-stand-in.ts';
import {
  type AwsWorld,
  clientSettings,
  type PolicyDocument,
  type PublicAccessBlock,
  seed,
  type WorldBucket,
} from '../test/support/aws-world.ts';

/** A change, and when it was made. */
export interface AwsStep {
  /** RFC 3339, in whole seconds. */
  at: string;
  make(aws: DemoAccount): Promise<unknown>;
}

const account = defaultAccount;
const github = 'token.actions.githubusercontent.com';

/** The demo's account, to be changed. */
export class DemoAccount {
  readonly iam: IAMClient;
  readonly s3: S3Client;
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
    this.iam = new IAMClient(clientSettings(endpoint));
    this.s3 = new S3Client({ ...clientSettings(endpoint), forcePathStyle: true });
  }

  /** Adds a part of a world. */
  async add(part: Omit<AwsWorld, 'account'>): Promise<void> {
    await seed({ account, ...part }, this.#endpoint);
  }

  close(): void {
    this.iam.destroy();
    this.s3.destroy();
  }
}

function policy(...statements: object[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements };
}

function allow(Action: string | string[], Resource: string | string[]) {
  return { Effect: 'Allow', Action, Resource };
}

function trust(Principal: object, Action = 'sts:AssumeRole', Condition?: object): PolicyDocument {
  return policy({ Effect: 'Allow', Principal, Action, ...(Condition && { Condition }) });
}

const onlyTls = (bucket: string) => ({
  Sid: 'OnlyTLS',
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:*',
  Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
});

const blockAll: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

/** A bucket as Acme's rules want it. */
function bucket(name: string, parts: Partial<WorldBucket> = {}): WorldBucket {
  return {
    name,
    policy: policy(onlyTls(name)),
    publicAccessBlock: blockAll,
    versioning: 'Enabled',
    tags: { 'data-classification': 'internal' },
    ...parts,
  };
}

const passwords = {
  MinimumPasswordLength: 14,
  RequireSymbols: true,
  RequireNumbers: true,
  RequireUppercaseCharacters: true,
  RequireLowercaseCharacters: true,
  AllowUsersToChangePassword: true,
  PasswordReusePrevention: 24,
};

// --- single changes ------------------------------------------------------------------------

/** A new key first, then the old one goes. */
const rotate = (UserName: string) => async (aws: DemoAccount) => {
  const { AccessKeyMetadata = [] } = await aws.iam.send(new ListAccessKeysCommand({ UserName }));
  await aws.iam.send(new CreateAccessKeyCommand({ UserName }));
  for (const { AccessKeyId } of AccessKeyMetadata) {
    await aws.iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
  }
};

const giveMfa = (UserName: string) => async (aws: DemoAccount) => {
  await aws.iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: UserName }));
  await aws.iam.send(
    new EnableMFADeviceCommand({
      UserName,
      SerialNumber: `arn:aws:iam::${account}:mfa/${UserName}`,
      AuthenticationCode1: '123456',
      AuthenticationCode2: '654321',
    }),
  );
};

/** Everything of a user has to go before the user can. */
const removeUser = (UserName: string) => async (aws: DemoAccount) => {
  const { iam } = aws;
  const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName }));
  for (const { AccessKeyId } of AccessKeyMetadata) {
    await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
  }
  const { MFADevices = [] } = await iam.send(new ListMFADevicesCommand({ UserName }));
  for (const { SerialNumber } of MFADevices) {
    await iam.send(new DeactivateMFADeviceCommand({ UserName, SerialNumber }));
    await iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber }));
  }
  const { Groups = [] } = await iam.send(new ListGroupsForUserCommand({ UserName }));
  for (const { GroupName } of Groups) {
    await iam.send(new RemoveUserFromGroupCommand({ UserName, GroupName }));
  }
  // Those with keys alone have no password.
  await iam.send(new DeleteLoginProfileCommand({ UserName })).catch((error: Error) => {
    if (error.name !== 'NoSuchEntityException') throw error;
  });
  await iam.send(new DeleteUserCommand({ UserName }));
};

const openBucket = (Bucket: string) => async (aws: DemoAccount) => {
  const reading = { ...allow('s3:GetObject', `arn:aws:s3:::${Bucket}/*`), Principal: '*' };
  const Policy = JSON.stringify(policy(onlyTls(Bucket), reading));
  await aws.s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
  await aws.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
};

const closeBucket = (Bucket: string) => async (aws: DemoAccount) => {
  const Policy = JSON.stringify(policy(onlyTls(Bucket)));
  await aws.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  await aws.s3.send(
    new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: blockAll }),
  );
};

const classify = (Bucket: string, Value: string) => (aws: DemoAccount) =>
  aws.s3.send(
    new PutBucketTaggingCommand({
      Bucket,
      Tagging: { TagSet: [{ Key: 'data-classification', Value }] },
    }),
  );

/** @param as the bucket whose key it gets */
const encryptAs = (Bucket: string, as: string) => async (aws: DemoAccount) => {
  const { ServerSideEncryptionConfiguration } = await aws.s3.send(
    new GetBucketEncryptionCommand({ Bucket: as }),
  );
  await aws.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }));
};

const administrator = 'arn:aws:iam::aws:policy/AdministratorAccess';

// --- before the year -----------------------------------------------------------------------

const before: AwsStep[] = [
  {
    at: '2023-03-06T09:00:00Z',
    make: (aws) =>
      aws.add({
        organization: true,
        passwordPolicy: passwords,
        // Access lists for the whole account; policies are each bucket's own.
        publicAccessBlock: { ...blockAll, BlockPublicPolicy: false, RestrictPublicBuckets: false },
        policies: {
          ReadRecords: policy(
            allow(
              ['s3:GetObject', 's3:ListBucket'],
              ['arn:aws:s3:::acme-records', 'arn:aws:s3:::acme-records/*'],
            ),
          ),
          Deploy: policy(allow(['ecs:UpdateService', 'ecr:*'], '*')),
        },
        samlProviders: ['AcmeIdP'],
        oidcProviders: [github],
        serviceLinkedRoles: ['autoscaling.amazonaws.com'],
      }),
  },
  {
    at: '2023-03-07T10:00:00Z',
    make: (aws) =>
      aws.add({
        groups: [
          { name: 'administrators', policies: [administrator] },
          { name: 'finance', inline: { invoices: policy(allow('s3:GetObject', invoices)) } },
          { name: 'engineers', policies: [`arn:aws:iam::${account}:policy/ReadRecords`] },
          { name: 'machines', policies: [`arn:aws:iam::${account}:policy/Deploy`] },
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
            policies: [administrator],
          },
          {
            name: 'GithubDeploy',
            trust: trust(
              { Federated: `arn:aws:iam::${account}:oidc-provider/${github}` },
              'sts:AssumeRoleWithWebIdentity',
              {
                StringEquals: { [`${github}:aud`]: 'sts.amazonaws.com' },
                StringLike: { [`${github}:sub`]: 'repo:acme/api:*' },
              },
            ),
            policies: [`arn:aws:iam::${account}:policy/Deploy`],
          },
          { name: 'Support', trust: trust({ AWS: `arn:aws:iam::${account}:root` }) },
        ],
      }),
  },
  {
    at: '2023-05-15T09:30:00Z',
    make: (aws) =>
      aws.add({
        users: [
          { name: 'break-glass', password: {}, mfa: 'hardware', groups: ['administrators'] },
          { name: 'finance-nora', password: {}, mfa: 'virtual', groups: ['finance'] },
          { name: 'finance-omar', password: {}, mfa: 'virtual', groups: ['finance'] },
          { name: 'ci-deploy', path: '/machines/', groups: ['machines'] },
          { name: 'backup-agent', path: '/machines/', groups: ['machines'] },
          { name: 'metrics-exporter', path: '/machines/', groups: ['machines'] },
        ],
      }),
  },
  {
    at: '2023-09-04T13:00:00Z',
    make: (aws) =>
      aws.add({
        keys: [
          { name: 'records', rotation: true },
          { name: 'invoices', rotation: true },
        ],
        buckets: [
          bucket('acme-logs'),
          bucket('acme-records', {
            encryption: { algorithm: 'aws:kms', key: 'records' },
            tags: { 'data-classification': 'confidential' },
          }),
          bucket('acme-invoices', {
            encryption: { algorithm: 'aws:kms', key: 'invoices' },
            tags: { 'data-classification': 'restricted' },
          }),
        ],
      }),
  },
  {
    at: '2024-02-12T11:00:00Z',
    make: (aws) =>
      aws.add({
        users: [
          { name: 'data-lee', groups: ['engineers'] },
          { name: 'ops-kim', groups: ['engineers'] },
        ],
        buckets: [
          bucket('acme-assets', { tags: { 'data-classification': 'public' } }),
          bucket('acme-exports'),
        ],
      }),
  },
  { at: '2024-11-20T10:00:00Z', make: rotate('ci-deploy') },
  { at: '2024-12-02T14:00:00Z', make: rotate('data-lee') },
  { at: '2024-12-02T14:30:00Z', make: rotate('ops-kim') },
  { at: '2024-12-16T10:20:00Z', make: rotate('backup-agent') },
  { at: '2024-12-19T09:40:00Z', make: rotate('metrics-exporter') },
];

const invoices = ['arn:aws:s3:::acme-invoices', 'arn:aws:s3:::acme-invoices/*'];

// --- the year ------------------------------------------------------------------------------

const year: AwsStep[] = [
  { at: '2025-02-10T10:10:00Z', make: rotate('ci-deploy') },
  { at: '2025-02-20T15:00:00Z', make: rotate('ops-kim') },
  { at: '2025-02-24T09:30:00Z', make: rotate('data-lee') },
  {
    // Joins; the second factor comes six nights later.
    at: '2025-03-04T09:30:00Z',
    make: (aws) => aws.add({ users: [{ name: 'finance-pia', password: {}, groups: ['finance'] }] }),
  },
  { at: '2025-03-05T10:30:00Z', make: rotate('backup-agent') },
  { at: '2025-03-10T08:50:00Z', make: giveMfa('finance-pia') },
  { at: '2025-03-10T09:40:00Z', make: rotate('metrics-exporter') },
  { at: '2025-04-07T11:20:00Z', make: openBucket('acme-assets') },
  { at: '2025-04-08T10:10:00Z', make: rotate('ci-deploy') },
  { at: '2025-04-10T15:05:00Z', make: closeBucket('acme-assets') },
  // Has left in the middle of March; the key stayed.
  { at: '2025-05-12T11:00:00Z', make: removeUser('ops-kim') },
  { at: '2025-05-16T17:00:00Z', make: removeUser('finance-omar') },
  { at: '2025-05-19T09:30:00Z', make: rotate('data-lee') },
  { at: '2025-05-20T10:30:00Z', make: rotate('backup-agent') },
  { at: '2025-05-28T09:40:00Z', make: rotate('metrics-exporter') },
  {
    // For a month, and never with a policy of its own.
    at: '2025-06-02T13:00:00Z',
    make: (aws) => {
      const { policy: _none, ...open } = bucket('acme-migration');
      return aws.add({ buckets: [open] });
    },
  },
  { at: '2025-06-18T10:00:00Z', make: rotate('ci-deploy') },
  {
    at: '2025-07-04T17:30:00Z',
    make: (aws) => aws.s3.send(new DeleteBucketCommand({ Bucket: 'acme-migration' })),
  },
  { at: '2025-07-14T09:30:00Z', make: rotate('data-lee') },
  { at: '2025-07-15T09:10:00Z', make: rotate('backup-agent') },
  {
    at: '2025-07-21T15:40:00Z',
    make: (aws) =>
      aws.iam.send(
        new PutUserPolicyCommand({
          UserName: 'metrics-exporter',
          PolicyName: 'metrics',
          PolicyDocument: JSON.stringify(policy(allow('cloudwatch:PutMetricData', '*'))),
        }),
      ),
  },
  { at: '2025-07-22T09:40:00Z', make: rotate('metrics-exporter') },
  {
    at: '2025-08-05T16:20:00Z',
    make: (aws) =>
      aws.iam.send(new AttachRolePolicyCommand({ RoleName: 'Support', PolicyArn: administrator })),
  },
  // Begins and ends in the week without runs: nobody saw it.
  { at: '2025-08-12T10:00:00Z', make: openBucket('acme-exports') },
  { at: '2025-08-13T10:00:00Z', make: rotate('ci-deploy') },
  { at: '2025-08-14T10:00:00Z', make: closeBucket('acme-exports') },
  {
    at: '2025-08-20T09:15:00Z',
    make: (aws) =>
      aws.iam.send(new DetachRolePolicyCommand({ RoleName: 'Support', PolicyArn: administrator })),
  },
  {
    at: '2025-09-08T09:00:00Z',
    make: async (aws) => {
      await aws.add({ users: [{ name: 'data-ravi', groups: ['engineers'] }] });
      await rotate('data-ravi')(aws);
    },
  },
  { at: '2025-09-08T09:30:00Z', make: rotate('data-lee') },
  { at: '2025-09-16T09:40:00Z', make: rotate('metrics-exporter') },
  // Four nights late, and in November once more.
  { at: '2025-09-17T09:00:00Z', make: rotate('backup-agent') },
  { at: '2025-10-08T10:00:00Z', make: rotate('ci-deploy') },
  {
    at: '2025-10-14T10:00:00Z',
    make: (aws) =>
      aws.iam.send(
        new DeleteUserPolicyCommand({ UserName: 'metrics-exporter', PolicyName: 'metrics' }),
      ),
  },
  { at: '2025-10-31T16:00:00Z', make: removeUser('data-lee') },
  { at: '2025-11-03T09:00:00Z', make: rotate('data-ravi') },
  { at: '2025-11-10T09:40:00Z', make: rotate('metrics-exporter') },
  {
    // Never mended.
    at: '2025-11-12T16:00:00Z',
    make: (aws) =>
      aws.iam.send(
        new UpdateAccountPasswordPolicyCommand({ ...passwords, MinimumPasswordLength: 8 }),
      ),
  },
  { at: '2025-11-21T14:00:00Z', make: rotate('backup-agent') },
  { at: '2025-12-02T12:00:00Z', make: classify('acme-exports', 'confidential') },
  { at: '2025-12-03T10:00:00Z', make: rotate('ci-deploy') },
  { at: '2025-12-05T15:30:00Z', make: encryptAs('acme-exports', 'acme-records') },
  { at: '2025-12-30T09:00:00Z', make: rotate('data-ravi') },
];

/** In the order of time. */
export const awsSteps: readonly AwsStep[] = [...before, ...year];

// --- who signs in when ---------------------------------------------------------------------

/** What no API can make: the root user, and when credentials were used last. */
export function awsFactsAt(now: Date): AccountFacts {
  const ago = (at: Date | string) => (now.getTime() - new Date(at).getTime()) / dayMs;
  const password = (lastUsed: Date | undefined): UserFacts =>
    lastUsed === undefined ? {} : { passwordLastUsedDaysAgo: ago(lastUsed) };
  const key = (lastUsed: Date | undefined): UserFacts => {
    const used: KeyFacts = lastUsed === undefined ? {} : { lastUsedDaysAgo: ago(lastUsed) };
    return { keys: [used] };
  };
  const weekly = (weekday: number, time: string, since?: string, until?: string) =>
    lastOf(now, (day) => day.getUTCDay() === weekday, time, since, until);
  const daily = (time: string) => lastOf(now, () => true, time);
  return {
    root: {
      mfa: 'hardware',
      createdDaysAgo: ago('2021-02-01T08:00:00Z'),
      passwordLastUsedDaysAgo: ago('2024-11-05T09:12:00Z'),
    },
    // AWS makes a report at most every four hours.
    reportAgeHours: 0.25,
    users: {
      // Tried on the fifth of each month.
      'break-glass': password(lastOf(now, (day) => day.getUTCDate() === 5, '10:00:00')),
      'finance-nora': password(weekly(1, '08:41:00')),
      'finance-omar': password(weekly(4, '13:05:00')),
      'finance-pia': password(weekly(2, '09:48:00', '2025-03-04')),
      'ci-deploy': key(daily('01:10:00')),
      'backup-agent': key(daily('00:30:00')),
      'metrics-exporter': key(daily('01:35:00')),
      'data-lee': key(weekly(3, '10:22:00')),
      'ops-kim': key(weekly(5, '16:20:00', undefined, '2025-03-14')),
      'data-ravi': key(weekly(4, '11:02:00', '2025-09-08')),
    },
  };
}

const dayMs = 86_400_000;

/** The last day that fits, at that time; undefined where there was none since. */
function lastOf(
  now: Date,
  fits: (day: Date) => boolean,
  time: string,
  since = '2024-10-01',
  until = '9999-12-31',
): Date | undefined {
  for (let at = now.getTime(); ; at -= dayMs) {
    const day = new Date(at).toISOString().slice(0, 10);
    if (day < since) return undefined;
    const then = new Date(`${day}T${time}Z`);
    if (day <= until && then < now && fits(then)) return then;
  }
}
