/**
 * A plain description of what AWS accounts hold, and the seeding that makes it so through the
 * real APIs. What no API can make (root, ages) goes to the stand-in: `factsOf`.
 */
import { lookup } from 'node:dns';
import { Agent } from 'node:http';
import {
  AddUserToGroupCommand,
  AttachGroupPolicyCommand,
  AttachRolePolicyCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  CreateOpenIDConnectProviderCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateSAMLProviderCommand,
  CreateServiceLinkedRoleCommand,
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  IAMClient,
  PutGroupPolicyCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
  UpdateAccessKeyCommand,
  UpdateAccountPasswordPolicyCommand,
  type UpdateAccountPasswordPolicyCommandInput,
} from '@aws-sdk/client-iam';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyRotationCommand,
  KMSClient,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { CreateOrganizationCommand, OrganizationsClient } from '@aws-sdk/client-organizations';
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  PutPublicAccessBlockCommand,
  S3Client,
  type ServerSideEncryption,
} from '@aws-sdk/client-s3';
import {
  PutPublicAccessBlockCommand as PutAccountPublicAccessBlockCommand,
  S3ControlClient,
} from '@aws-sdk/client-s3-control';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { AccountFacts, KeyFacts, RootFacts, UserFacts } from './aws-facts.ts';
import { defaultAccount } from './aws-stand-in.ts';

/** A policy document as JSON. */
export type PolicyDocument = { Version: string; Statement: object[] };

/** What a principal may do: managed policies by ARN, inline ones by name. */
export interface Permissions {
  policies?: string[];
  inline?: Record<string, PolicyDocument>;
}

export interface WorldUser extends Permissions {
  name: string;
  path?: string;
  tags?: Record<string, string>;
  createdDaysAgo?: number;
  /** Has a console password. */
  password?: { changedDaysAgo?: number; lastUsedDaysAgo?: number };
  mfa?: 'virtual' | 'hardware';
  /** Two at most. */
  keys?: KeyFacts[];
  groups?: string[];
  /** ARN of a managed policy; only a stand-in shows it, moto has no boundaries for users. */
  boundary?: string;
}

export interface WorldGroup extends Permissions {
  name: string;
}

export interface WorldRole extends Permissions {
  name: string;
  trust: PolicyDocument;
  /** ARN of a managed policy. */
  boundary?: string;
}

export interface PublicAccessBlock {
  BlockPublicAcls: boolean;
  IgnorePublicAcls: boolean;
  BlockPublicPolicy: boolean;
  RestrictPublicBuckets: boolean;
}

export interface WorldBucket {
  name: string;
  /** Default us-east-1. */
  region?: string;
  /**
   * Left out: none of its own. `key` is a key of the world by its name, an ARN as it stands, or
   * left out for S3's own KMS key.
   */
  encryption?: { algorithm: ServerSideEncryption; key?: string };
  policy?: PolicyDocument;
  publicAccessBlock?: PublicAccessBlock;
  versioning?: 'Enabled' | 'Suspended';
  /** Days of COMPLIANCE retention; turns versioning on. */
  objectLockDays?: number;
  tags?: Record<string, string>;
}

export interface WorldKey {
  /** Becomes the alias `alias/NAME`; AWS chooses the id. */
  name: string;
  /** Default us-east-1. */
  region?: string;
  create?: Pick<CreateKeyCommandInput, 'KeySpec' | 'KeyUsage' | 'Origin' | 'MultiRegion'>;
  policy?: PolicyDocument;
  rotation?: boolean;
  disabled?: boolean;
  deletionInDays?: number;
}

export interface AwsWorld {
  account: string;
  root?: RootFacts;
  /** Makes the account the management account of an organisation. */
  organization?: boolean;
  passwordPolicy?: UpdateAccountPasswordPolicyCommandInput;
  /** Customer-managed policies by name. */
  policies?: Record<string, PolicyDocument>;
  samlProviders?: string[];
  oidcProviders?: string[];
  users?: WorldUser[];
  groups?: WorldGroup[];
  roles?: WorldRole[];
  /** Services that get their service-linked role (`autoscaling.amazonaws.com`). */
  serviceLinkedRoles?: string[];
  /** Regions in which S3's own key exists; `aws/s3` in `Seeded` is the last one. */
  awsManagedKeys?: string[];
  keys?: WorldKey[];
  publicAccessBlock?: PublicAccessBlock;
  buckets?: WorldBucket[];
}

/** What AWS chose while the world was made. */
export interface Seeded {
  /** Key ids by the world's key names. */
  keyIds: Record<string, string>;
}

/** What the stand-in must be told about the world: `startStandIn(…, { facts: factsOf(world) })`. */
export function factsOf(...worlds: AwsWorld[]): Record<string, AccountFacts> {
  return Object.fromEntries(
    worlds.map((world) => [
      world.account,
      {
        ...(world.root === undefined ? {} : { root: world.root }),
        users: Object.fromEntries((world.users ?? []).map((user) => [user.name, userFacts(user)])),
      },
    ]),
  );
}

function userFacts(user: WorldUser): UserFacts {
  const { createdDaysAgo, password, keys, boundary } = user;
  const facts = {
    createdDaysAgo,
    passwordChangedDaysAgo: password?.changedDaysAgo,
    passwordLastUsedDaysAgo: password?.lastUsedDaysAgo,
    keys,
    boundary,
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

/** The settings that let an AWS SDK client talk to a stand-in. */
export function clientSettings(
  endpoint: string,
  region = 'us-east-1',
  credentials: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' },
) {
  return {
    endpoint,
    region,
    credentials,
    requestHandler: new NodeHttpHandler({ httpAgent: loopbackAgent }),
  };
}

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** Requests of one seeding or test that run side by side. */
const concurrency = 16;

/** S3 Control puts the account before the host's name; whatever the name is, it is here. */
const loopbackAgent = new Agent({
  keepAlive: true,
  maxSockets: concurrency,
  lookup: (_host, options, found) => lookup('127.0.0.1', options, found),
});

interface Clients {
  iam: IAMClient;
  organizations: OrganizationsClient;
  s3Control: S3ControlClient;
  s3(region: string): S3Client;
  kms(region: string): KMSClient;
  destroy(): void;
}

/**
 * Makes the world in an account that holds nothing yet (`Moto.reset`). What depends on nothing
 * else runs side by side; what others point at comes before them.
 */
export async function seed(world: AwsWorld, endpoint: string): Promise<Seeded> {
  const clients = connect(endpoint, await credentialsOf(world.account, endpoint));
  try {
    await seedFoundations(world, clients);
    await inParallel(world.groups ?? [], (group) => seedGroup(group, clients));
    await inParallel(world.users ?? [], (user) => seedUser(user, world, clients));
    await inParallel(world.roles ?? [], (role) => seedRole(role, clients));
    const keyIds: Record<string, string> = {};
    for (const region of world.awsManagedKeys ?? []) {
      // Asking for it makes it.
      const ask = new DescribeKeyCommand({ KeyId: 'alias/aws/s3' });
      const { KeyMetadata } = await clients.kms(region).send(ask);
      keyIds['aws/s3'] = KeyMetadata?.KeyId ?? '';
    }
    await inParallel(world.keys ?? [], async (key) => {
      keyIds[key.name] = await seedKey(key, clients.kms(key.region ?? 'us-east-1'));
    });
    await inParallel(world.buckets ?? [], (bucket) =>
      seedBucket(bucket, world, keyIds, clients.s3(bucket.region ?? 'us-east-1')),
    );
    return { keyIds };
  } finally {
    clients.destroy();
  }
}

/** Credentials in an account: moto lets anybody assume any role. */
async function credentialsOf(account: string, endpoint: string): Promise<Credentials | undefined> {
  if (account === defaultAccount) return undefined;
  const sts = new STSClient(clientSettings(endpoint));
  const { Credentials: given } = await sts.send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${account}:role/Seeder`,
      RoleSessionName: 'seeder',
    }),
  );
  sts.destroy();
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = given ?? {};
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  };
}

function connect(endpoint: string, credentials: Credentials | undefined): Clients {
  const made: { destroy(): void }[] = [];
  const keep = <Client extends { destroy(): void }>(client: Client): Client => {
    made.push(client);
    return client;
  };
  const byRegion = <Client extends { destroy(): void }>(make: (region: string) => Client) => {
    const clients = new Map<string, Client>();
    return (region: string) => {
      const client = clients.get(region) ?? keep(make(region));
      clients.set(region, client);
      return client;
    };
  };
  const settings = (region?: string) => clientSettings(endpoint, region, credentials);
  return {
    iam: keep(new IAMClient(settings())),
    organizations: keep(new OrganizationsClient(settings())),
    s3Control: keep(new S3ControlClient(settings())),
    s3: byRegion((region) => new S3Client({ ...settings(region), forcePathStyle: true })),
    kms: byRegion((region) => new KMSClient(settings(region))),
    destroy: () => {
      for (const client of made) client.destroy();
    },
  };
}

/** What principals, keys and buckets may point at. */
async function seedFoundations(world: AwsWorld, clients: Clients): Promise<void> {
  const { iam, organizations, s3Control } = clients;
  if (world.organization) {
    await organizations.send(new CreateOrganizationCommand({ FeatureSet: 'ALL' }));
  }
  if (world.passwordPolicy !== undefined) {
    await iam.send(new UpdateAccountPasswordPolicyCommand(world.passwordPolicy));
  }
  if (world.publicAccessBlock !== undefined) {
    await s3Control.send(
      new PutAccountPublicAccessBlockCommand({
        AccountId: world.account,
        PublicAccessBlockConfiguration: world.publicAccessBlock,
      }),
    );
  }
  await inParallel(Object.entries(world.policies ?? {}), ([PolicyName, document]) =>
    iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument: JSON.stringify(document) })),
  );
  await inParallel(world.samlProviders ?? [], (Name) =>
    // AWS asks for a thousand characters at least.
    iam.send(
      new CreateSAMLProviderCommand({
        Name,
        SAMLMetadataDocument: `<EntityDescriptor/>${' '.repeat(1000)}`,
      }),
    ),
  );
  await inParallel(world.oidcProviders ?? [], (host) =>
    iam.send(
      new CreateOpenIDConnectProviderCommand({
        Url: `https://${host}`,
        ThumbprintList: ['0'.repeat(40)],
        ClientIDList: ['sts.amazonaws.com'],
      }),
    ),
  );
  await inParallel(world.serviceLinkedRoles ?? [], (AWSServiceName) =>
    iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName })),
  );
}

async function seedGroup(group: WorldGroup, { iam }: Clients): Promise<void> {
  const GroupName = group.name;
  await iam.send(new CreateGroupCommand({ GroupName }));
  for (const PolicyArn of group.policies ?? []) {
    await iam.send(new AttachGroupPolicyCommand({ GroupName, PolicyArn }));
  }
  for (const [PolicyName, document] of Object.entries(group.inline ?? {})) {
    const PolicyDocument = JSON.stringify(document);
    await iam.send(new PutGroupPolicyCommand({ GroupName, PolicyName, PolicyDocument }));
  }
}

async function seedUser(user: WorldUser, world: AwsWorld, { iam }: Clients): Promise<void> {
  const UserName = user.name;
  await iam.send(
    new CreateUserCommand({
      UserName,
      ...(user.path === undefined ? {} : { Path: user.path }),
      ...(user.tags === undefined ? {} : { Tags: tagList(user.tags) }),
    }),
  );
  if (user.password !== undefined) {
    const Password = 'Correct-horse-battery-staple-1';
    await iam.send(new CreateLoginProfileCommand({ UserName, Password }));
  }
  if (user.mfa !== undefined) {
    if (user.mfa === 'virtual') {
      await iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: UserName }));
    }
    const SerialNumber =
      user.mfa === 'virtual' ? `arn:aws:iam::${world.account}:mfa/${UserName}` : `GAHT-${UserName}`;
    await iam.send(
      new EnableMFADeviceCommand({
        UserName,
        SerialNumber,
        AuthenticationCode1: '123456',
        AuthenticationCode2: '654321',
      }),
    );
  }
  // One after the other: the report's first key is the one that was made first.
  for (const key of user.keys ?? []) {
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    if (key.active === false) {
      const AccessKeyId = AccessKey?.AccessKeyId ?? '';
      await iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' }));
    }
  }
  for (const GroupName of user.groups ?? []) {
    await iam.send(new AddUserToGroupCommand({ UserName, GroupName }));
  }
  for (const PolicyArn of user.policies ?? []) {
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }));
  }
  for (const [PolicyName, document] of Object.entries(user.inline ?? {})) {
    const PolicyDocument = JSON.stringify(document);
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument }));
  }
}

async function seedRole(role: WorldRole, { iam }: Clients): Promise<void> {
  const RoleName = role.name;
  await iam.send(
    new CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: JSON.stringify(role.trust),
      ...(role.boundary === undefined ? {} : { PermissionsBoundary: role.boundary }),
    }),
  );
  for (const PolicyArn of role.policies ?? []) {
    await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
  }
  for (const [PolicyName, document] of Object.entries(role.inline ?? {})) {
    const PolicyDocument = JSON.stringify(document);
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
  }
}

async function seedKey(key: WorldKey, kms: KMSClient): Promise<string> {
  const { KeyMetadata } = await kms.send(
    new CreateKeyCommand({
      ...key.create,
      ...(key.policy === undefined ? {} : { Policy: JSON.stringify(key.policy) }),
    }),
  );
  const KeyId = KeyMetadata?.KeyId ?? '';
  await kms.send(new CreateAliasCommand({ AliasName: `alias/${key.name}`, TargetKeyId: KeyId }));
  if (key.rotation) await kms.send(new EnableKeyRotationCommand({ KeyId }));
  if (key.disabled) await kms.send(new DisableKeyCommand({ KeyId }));
  if (key.deletionInDays !== undefined) {
    const PendingWindowInDays = key.deletionInDays;
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays }));
  }
  return KeyId;
}

async function seedBucket(
  bucket: WorldBucket,
  world: AwsWorld,
  keyIds: Record<string, string>,
  s3: S3Client,
): Promise<void> {
  const { name: Bucket, region = 'us-east-1', encryption } = bucket;
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      ObjectLockEnabledForBucket: bucket.objectLockDays !== undefined,
      ...(region === 'us-east-1'
        ? {}
        : {
            CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint },
          }),
    }),
  );
  if (encryption !== undefined) {
    const { algorithm, key } = encryption;
    const keyArn =
      key === undefined || key.startsWith('arn:')
        ? key
        : `arn:aws:kms:${region}:${world.account}:key/${known(keyIds, key)}`;
    const rule = {
      SSEAlgorithm: algorithm,
      ...(keyArn === undefined ? {} : { KMSMasterKeyID: keyArn }),
    };
    await s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: rule }],
        },
      }),
    );
  }
  if (bucket.policy !== undefined) {
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(bucket.policy) }));
  }
  if (bucket.publicAccessBlock !== undefined) {
    const PublicAccessBlockConfiguration = bucket.publicAccessBlock;
    await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  }
  if (bucket.versioning !== undefined) {
    const VersioningConfiguration = { Status: bucket.versioning };
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  }
  if (bucket.objectLockDays !== undefined) {
    const DefaultRetention = { Mode: 'COMPLIANCE', Days: bucket.objectLockDays } as const;
    await s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } },
      }),
    );
  }
  if (bucket.tags !== undefined) {
    const Tagging = { TagSet: tagList(bucket.tags) };
    await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging }));
  }
}

function known(keyIds: Record<string, string>, name: string): string {
  const id = keyIds[name];
  if (id === undefined) throw new Error(`the world has no key '${name}'`);
  return id;
}

function tagList(tags: Record<string, string>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

async function inParallel<Item>(items: Item[], work: (item: Item) => Promise<unknown>) {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** A world of a given size for measuring: plain, and every kind of thing in it. */
export function bigWorld(size: {
  users: number;
  roles: number;
  groups: number;
  buckets: number;
}): AwsWorld {
  const some = <Thing>(count: number, make: (index: number) => Thing) =>
    Array.from({ length: count }, (_, index) => make(index));
  const numbered = (kind: string, index: number) => `${kind}-${String(index).padStart(5, '0')}`;
  const reading = (bucket: string): PolicyDocument => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` }],
  });
  return {
    account: defaultAccount,
    root: { mfa: 'hardware' },
    passwordPolicy: { MinimumPasswordLength: 14, PasswordReusePrevention: 24 },
    groups: some(size.groups, (index) => ({
      name: numbered('group', index),
      inline: { read: reading(numbered('bucket', index)) },
    })),
    users: some(size.users, (index) => ({
      name: numbered('user', index),
      createdDaysAgo: 400,
      ...(size.groups > 0 ? { groups: [numbered('group', index % size.groups)] } : {}),
      ...(index % 10 === 0 ? { password: { lastUsedDaysAgo: index % 90 } } : {}),
      ...(index % 5 === 0 ? { keys: [{ createdDaysAgo: index % 200, lastUsedDaysAgo: 1 }] } : {}),
    })),
    roles: some(size.roles, (index) => ({
      name: numbered('role', index),
      trust: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'ec2.amazonaws.com' },
            Action: 'sts:AssumeRole',
          },
        ],
      },
      ...(index % 5 === 0 ? { inline: { read: reading(numbered('bucket', index)) } } : {}),
    })),
    buckets: some(size.buckets, (index) => ({
      name: numbered('bucket', index),
      ...(index % 4 === 0 ? { versioning: 'Enabled' as const } : {}),
      ...(index % 2 === 0 ? { tags: { 'data-classification': 'internal' } } : {}),
    })),
  };
}
