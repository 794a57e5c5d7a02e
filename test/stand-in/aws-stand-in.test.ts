import {
  GenerateCredentialReportCommand,
  GetAccountAuthorizationDetailsCommand,
  type GetAccountAuthorizationDetailsCommandOutput,
  GetAccountSummaryCommand,
  GetCredentialReportCommand,
  IAMClient,
  ListUsersCommand,
  ListVirtualMFADevicesCommand,
} from '@aws-sdk/client-iam';
import { DescribeKeyCommand, KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import { DescribeOrganizationCommand, OrganizationsClient } from '@aws-sdk/client-organizations';
import {
  GetBucketEncryptionCommand,
  GetBucketPolicyStatusCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetPublicAccessBlockCommand, S3ControlClient } from '@aws-sdk/client-s3-control';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { acme } from '../support/acme-world.ts';
import { type StandIn, startStandIn } from '../support/aws-stand-in.ts';
import { clientSettings, factsOf, type Seeded, seed } from '../support/aws-world.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';

const account = '123456789012';
const now = new Date();

describe.skipIf(!motoAvailable)(`the stand-in for AWS${motoMissing}`, () => {
  let moto: Moto;
  let standIn: StandIn;
  let seeded: Seeded;
  let iam: IAMClient;
  let s3: S3Client;
  let kms: KMSClient;
  let s3Control: S3ControlClient;
  let organizations: OrganizationsClient;

  beforeAll(async () => {
    moto = await startMoto();
    standIn = await startStandIn(moto.endpoint, {
      likeAws: true,
      facts: factsOf(acme),
      now: () => now,
    });
    seeded = await seed(acme, standIn.endpoint);
    // Faults are counted: one request is one attempt.
    const settings = { ...clientSettings(standIn.endpoint), maxAttempts: 1 };
    iam = new IAMClient(settings);
    s3 = new S3Client({ ...settings, forcePathStyle: true });
    kms = new KMSClient(settings);
    s3Control = new S3ControlClient(settings);
    organizations = new OrganizationsClient(settings);
    standIn.forget();
  });

  afterEach(() => {
    standIn.mend();
    standIn.forget();
  });

  afterAll(async () => {
    for (const client of [iam, s3, kms, s3Control, organizations]) client?.destroy();
    await standIn?.close();
    await moto?.stop();
  });

  describe('writes down', () => {
    it('service, operation, account, region, parameters and status of every request', async () => {
      await iam.send(new ListUsersCommand({ MaxItems: 5 }));
      await s3.send(new GetBucketEncryptionCommand({ Bucket: 'acme-records' }));
      await s3Control.send(new GetPublicAccessBlockCommand({ AccountId: account }));
      await kms.send(new ListKeysCommand({ Limit: 7 }));
      await s3.send(new GetBucketPolicyStatusCommand({ Bucket: 'acme-tmp' })).catch(() => 'none');
      expect(
        standIn.requests.map((seen) => [seen.service, seen.operation, seen.account, seen.status]),
      ).toEqual([
        ['iam', 'ListUsers', account, 200],
        ['s3', 'GetBucketEncryption', account, 200],
        ['s3control', 'GetPublicAccessBlock', account, 200],
        ['kms', 'ListKeys', account, 200],
        ['s3', 'GetBucketPolicyStatus', account, 404],
      ]);
      expect(standIn.requests[0]?.parameters.MaxItems).toBe('5');
      expect(standIn.requests[3]).toMatchObject({
        region: 'us-east-1',
        parameters: { Limit: '7' },
      });
      expect(standIn.count()).toBe(5);
      expect(standIn.count({ service: 's3', status: 200 })).toBe(1);
      expect(standIn.count({ path: '/acme-tmp/?' })).toBe(1);
    });

    it('the account that assumed credentials are in', async () => {
      const sts = new STSClient(clientSettings(standIn.endpoint));
      const { Credentials } = await sts.send(
        new AssumeRoleCommand({
          RoleArn: 'arn:aws:iam::111111111111:role/Evidence',
          RoleSessionName: 'tickmark',
        }),
      );
      const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
      const assumed = new STSClient(
        clientSettings(standIn.endpoint, 'us-east-1', {
          accessKeyId: AccessKeyId,
          secretAccessKey: SecretAccessKey,
          sessionToken: SessionToken,
        }),
      );
      const { Account } = await assumed.send(new GetCallerIdentityCommand({}));
      for (const client of [sts, assumed]) client.destroy();
      expect(Account).toBe('111111111111');
      expect(standIn.requests.map((seen) => seen.account)).toEqual([account, '111111111111']);
    });
  });

  it('hands objects through byte for byte', async () => {
    const Body = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 251));
    await s3.send(new PutObjectCommand({ Bucket: 'acme-tmp', Key: 'a b/ü', Body }));
    const { Body: back } = await s3.send(
      new GetObjectCommand({ Bucket: 'acme-tmp', Key: 'a b/ü' }),
    );
    expect(Buffer.compare(Buffer.from((await back?.transformToByteArray()) ?? []), Body)).toBe(0);
  });

  describe('pages', () => {
    let whole: GetAccountAuthorizationDetailsCommandOutput;

    beforeAll(async () => {
      const direct = new IAMClient(clientSettings(moto.endpoint));
      whole = await direct.send(new GetAccountAuthorizationDetailsCommand({}));
      direct.destroy();
    });

    it.each([1, 3, 1000])('all that IAM holds, each once, %i at a time', async (MaxItems) => {
      const pages: GetAccountAuthorizationDetailsCommandOutput[] = [];
      for (let Marker: string | undefined; ; ) {
        const page = await iam.send(
          new GetAccountAuthorizationDetailsCommand({ MaxItems, ...(Marker && { Marker }) }),
        );
        pages.push(page);
        expect(page.IsTruncated).toBe(page.Marker !== undefined);
        expect(arnsOf([page]).length).toBeLessThanOrEqual(MaxItems);
        Marker = page.Marker;
        if (Marker === undefined) break;
      }
      const got = arnsOf(pages);
      expect(pages.length).toBe(Math.ceil(got.length / MaxItems));
      // moto lists every policy of AWS's own, AWS those that somebody has.
      const used = usedPolicies(whole);
      const expected = arnsOf([whole]).filter(
        (arn) => !arn.startsWith('arn:aws:iam::aws:') || used.has(arn),
      );
      expect(got.sort()).toEqual(expected.sort());
      expect(attachmentsOf(pages)).toEqual(attachmentsOf([whole], used));
      expect(new Set(got).size).toBe(got.length);
    });

    it('users, keys and buckets, each once', async () => {
      const users: string[] = [];
      for (let Marker: string | undefined; ; ) {
        const page = await iam.send(
          new ListUsersCommand({ MaxItems: 4, ...(Marker && { Marker }) }),
        );
        users.push(...(page.Users ?? []).map((user) => user.UserName ?? ''));
        Marker = page.Marker;
        if (Marker === undefined) break;
      }
      expect(users.sort()).toEqual(acme.users?.map((user) => user.name).sort());
      expect(standIn.count({ operation: 'ListUsers' })).toBe(3);

      const keys: string[] = [];
      for (let Marker: string | undefined; ; ) {
        const page = await kms.send(new ListKeysCommand({ Limit: 3, ...(Marker && { Marker }) }));
        keys.push(...(page.Keys ?? []).map((key) => key.KeyId ?? ''));
        Marker = page.NextMarker;
        expect(page.Truncated).toBe(Marker !== undefined);
        if (Marker === undefined) break;
      }
      const { backups, ...inRegion } = seeded.keyIds;
      expect(keys.sort()).toEqual(Object.values(inRegion).sort());
      expect(keys).not.toContain(backups);

      const buckets: [string | undefined, string | undefined][] = [];
      for (let ContinuationToken: string | undefined; ; ) {
        const page = await s3.send(
          new ListBucketsCommand({
            MaxBuckets: 5,
            ...(ContinuationToken && { ContinuationToken }),
          }),
        );
        buckets.push(
          ...(page.Buckets ?? []).map((bucket): [string | undefined, string | undefined] => [
            bucket.Name,
            bucket.BucketRegion,
          ]),
        );
        ContinuationToken = page.ContinuationToken;
        if (ContinuationToken === undefined) break;
      }
      expect(buckets).toEqual(
        acme.buckets?.map(({ name, region = 'us-east-1' }) => [name, region]).sort(),
      );
    });

    it('refuses a marker that it never gave', async () => {
      await expect(iam.send(new ListUsersCommand({ Marker: 'bm9uc2Vuc2U' }))).rejects.toMatchObject(
        { name: 'ValidationError' },
      );
    });
  });

  describe('mends what moto answers otherwise', () => {
    it('root in report, summary and devices, and a report of now', async () => {
      await iam.send(new GenerateCredentialReportCommand({}));
      const report = await iam.send(new GetCredentialReportCommand({}));
      const rows = Buffer.from(report.Content ?? [])
        .toString()
        .split('\n');
      expect(rows[1]).toMatch(/^<root_account>,arn:aws:iam::123456789012:root,/);
      expect(rows.length).toBe(2 + (acme.users ?? []).length);
      expect(report.GeneratedTime?.getTime()).toBe(Math.floor(now.getTime() / 1000) * 1000);

      const { SummaryMap } = await iam.send(new GetAccountSummaryCommand({}));
      expect(SummaryMap).toMatchObject({
        ...{ AccountMFAEnabled: 1, AccountAccessKeysPresent: 0, AccountPasswordPresent: 1 },
        Users: acme.users?.length,
      });

      const devices = await iam.send(new ListVirtualMFADevicesCommand({}));
      expect(devices.VirtualMFADevices?.map((device) => device.User?.Arn)).toEqual([
        'arn:aws:iam::123456789012:root',
        'arn:aws:iam::123456789012:user/alice',
      ]);
      expect(devices.VirtualMFADevices?.some((device) => device.Base32StringSeed)).toBe(false);
    });

    it('names of managed policies and the encoding of trust policies', async () => {
      const details = await iam.send(new GetAccountAuthorizationDetailsCommand({ MaxItems: 1000 }));
      expect(details.Policies?.map((policy) => policy.PolicyName).sort()).toEqual(
        [...Object.keys(acme.policies ?? {}), 'AdministratorAccess', 'ReadOnlyAccess'].sort(),
      );
      const trusts = (acme.roles ?? []).map(({ name, trust }) => {
        const role = details.RoleDetailList?.find((detail) => detail.RoleName === name);
        const document = role?.AssumeRolePolicyDocument ?? '';
        expect(document).toMatch(/^%7B/);
        return [JSON.parse(decodeURIComponent(document)), trust];
      });
      for (const [read, seededTrust] of trusts) expect(read).toEqual(seededTrust);
    });

    it('encryption by default, policy status, who manages a key', async () => {
      const encryption = await s3.send(new GetBucketEncryptionCommand({ Bucket: 'acme-tmp' }));
      expect(
        encryption.ServerSideEncryptionConfiguration?.Rules?.[0]
          ?.ApplyServerSideEncryptionByDefault,
      ).toEqual({ SSEAlgorithm: 'AES256' });
      const isPublic = async (Bucket: string) =>
        (await s3.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus?.IsPublic;
      expect(await isPublic('acme-site')).toBe(true);
      expect(await isPublic('acme-logs')).toBe(false);
      const manager = async (KeyId = '') =>
        (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyManager;
      expect(await manager(seeded.keyIds['aws/s3'])).toBe('AWS');
      expect(await manager(seeded.keyIds.orders)).toBe('CUSTOMER');
    });

    it('nothing unless asked to', async () => {
      const plain = await startStandIn(moto.endpoint);
      const client = new IAMClient(clientSettings(plain.endpoint));
      const page = await client.send(new ListUsersCommand({ MaxItems: 1 }));
      client.destroy();
      await plain.close();
      expect(page.Users?.length).toBe(acme.users?.length);
    });
  });

  describe('has the fault', () => {
    it.each([
      ['deny', 'AccessDenied', 403, 'Throttling', 400, () => iam.send(new ListUsersCommand({}))],
      ['deny', 'AccessDenied', 403, 'SlowDown', 503, () => s3.send(new ListBucketsCommand({}))],
      [
        ...['deny', 'AccessDenied', 403, 'SlowDown', 503],
        () => s3Control.send(new GetPublicAccessBlockCommand({ AccountId: account })),
      ],
      [
        ...['deny', 'AccessDeniedException', 400, 'ThrottlingException', 400],
        () => kms.send(new ListKeysCommand({})),
      ],
      [
        ...['deny', 'AccessDeniedException', 400, 'TooManyRequestsException', 400],
        () => organizations.send(new DescribeOrganizationCommand({})),
      ],
    ] as [string, string, number, string, number, () => Promise<unknown>][])(
      '%s as %s (%i) and throttle as %s (%i)',
      async (_kind, deniedAs, deniedStatus, throttledAs, throttledStatus, ask) => {
        standIn.fault({ kind: 'deny' });
        await expect(ask()).rejects.toMatchObject({
          name: deniedAs,
          $metadata: { httpStatusCode: deniedStatus, requestId: expect.any(String) },
        });
        standIn.mend();
        standIn.fault({ kind: 'throttle' });
        await expect(ask()).rejects.toMatchObject({
          name: throttledAs,
          $metadata: { httpStatusCode: throttledStatus },
        });
        expect(standIn.requests.map((seen) => seen.fault)).toEqual(['deny', 'throttle']);
        standIn.mend();
        await ask();
      },
    );

    it('throttle once for each request: the first retry gets through', async () => {
      const patient = new S3Client({
        ...clientSettings(standIn.endpoint),
        ...{ forcePathStyle: true, maxAttempts: 2 },
      });
      standIn.fault({ kind: 'throttle', match: { service: 's3' }, timesEach: 1 });
      const names = acme.buckets?.map((bucket) => bucket.name) ?? [];
      await Promise.all(
        names.map((Bucket) => patient.send(new GetBucketEncryptionCommand({ Bucket }))),
      );
      patient.destroy();
      expect(standIn.count({ status: 503, fault: 'throttle' })).toBe(names.length);
      expect(standIn.count({ status: 200 })).toBe(names.length);
    });

    it('only where it should be', async () => {
      standIn.fault({ kind: 'deny', match: { path: '/acme-records/?encryption' } });
      await expect(
        s3.send(new GetBucketEncryptionCommand({ Bucket: 'acme-records' })),
      ).rejects.toMatchObject({ name: 'AccessDenied' });
      await s3.send(new GetBucketEncryptionCommand({ Bucket: 'acme-logs' }));
    });

    it.each(['break', 'garbage', 'html500'] as const)(
      '%s: no answer is taken from it',
      async (kind) => {
        standIn.fault({ kind });
        await expect(iam.send(new ListUsersCommand({}))).rejects.toThrow();
        await expect(kms.send(new ListKeysCommand({}))).rejects.toThrow();
        expect(standIn.count({ fault: kind })).toBe(2);
        expect(standIn.requests[0]?.status).toBe(kind === 'html500' ? 500 : 200);
      },
    );

    it('hang: no answer comes until the caller gives up', async () => {
      standIn.fault({ kind: 'hang', times: 1 });
      await expect(
        iam.send(new ListUsersCommand({}), { abortSignal: AbortSignal.timeout(100) }),
      ).rejects.toMatchObject({ name: 'AbortError' });
      expect(standIn.requests[0]).toMatchObject({ fault: 'hang', status: undefined });
      await iam.send(new ListUsersCommand({}));
    });

    it('repeatMarker: the same page and the same marker for ever', async () => {
      standIn.fault({ kind: 'repeatMarker' });
      const first = await iam.send(new ListUsersCommand({ MaxItems: 2 }));
      expect(first.IsTruncated).toBe(true);
      const second = await iam.send(
        new ListUsersCommand({ MaxItems: 2, ...(first.Marker && { Marker: first.Marker }) }),
      );
      expect([second.Users, second.Marker]).toEqual([first.Users, first.Marker]);

      const keys = await kms.send(new ListKeysCommand({ Limit: 1 }));
      expect(keys).toMatchObject({ Truncated: true, NextMarker: first.Marker });
      const buckets = await s3.send(new ListBucketsCommand({ MaxBuckets: 2 }));
      expect(buckets.ContinuationToken).toBe(first.Marker);
    });

    it('truncatedWithoutMarker: more follows, and nobody says where', async () => {
      standIn.fault({ kind: 'truncatedWithoutMarker' });
      const users = await iam.send(new ListUsersCommand({ MaxItems: 2 }));
      expect([users.IsTruncated, users.Marker, users.Users?.length]).toEqual([true, undefined, 2]);
      const keys = await kms.send(new ListKeysCommand({ Limit: 1 }));
      expect([keys.Truncated, keys.NextMarker]).toEqual([true, undefined]);
      const buckets = await s3.send(new ListBucketsCommand({ MaxBuckets: 2 }));
      expect([buckets.Buckets?.length, buckets.ContinuationToken]).toEqual([2, undefined]);
    });
  });
});

function arnsOf(pages: GetAccountAuthorizationDetailsCommandOutput[]): string[] {
  return pages
    .flatMap((page) => [
      ...(page.UserDetailList ?? []),
      ...(page.GroupDetailList ?? []),
      ...(page.RoleDetailList ?? []),
      ...(page.Policies ?? []),
    ])
    .map((entity) => entity.Arn ?? '');
}

function usedPolicies(whole: GetAccountAuthorizationDetailsCommandOutput): Set<string | undefined> {
  const { UserDetailList = [], GroupDetailList = [], RoleDetailList = [] } = whole;
  return new Set([
    ...[...UserDetailList, ...GroupDetailList, ...RoleDetailList].flatMap(
      (principal) => principal.AttachedManagedPolicies?.map((policy) => policy.PolicyArn) ?? [],
    ),
    ...RoleDetailList.map((role) => role.PermissionsBoundary?.PermissionsBoundaryArn),
    ...(acme.users ?? []).map((user) => user.boundary),
  ]);
}

/** How often AWS's policies are attached. */
function attachmentsOf(
  pages: GetAccountAuthorizationDetailsCommandOutput[],
  among?: Set<string | undefined>,
) {
  return pages
    .flatMap((page) => page.Policies ?? [])
    .filter(({ Arn }) => Arn?.startsWith('arn:aws:iam::aws:') && (among?.has(Arn) ?? true))
    .map(({ Arn, AttachmentCount }) => `${Arn} ${AttachmentCount}`)
    .sort();
}
