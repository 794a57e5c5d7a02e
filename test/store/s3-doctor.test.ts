import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { S3Place } from '../../src/store/s3.ts';
import { examineBucket } from '../../src/store/s3-doctor.ts';
import { type StandIn, startStandIn } from '../support/aws-stand-in.ts';
import { clientSettings } from '../support/aws-world.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';
import { type S3Proxy, s3Environment, s3ErrorAnswer, startS3Proxy } from '../support/s3-proxy.ts';

const allBlocked = {
  ...{ BlockPublicAcls: true, IgnorePublicAcls: true },
  ...{ BlockPublicPolicy: true, RestrictPublicBuckets: true },
};

describe.skipIf(!motoAvailable)(`examineBucket${motoMissing}`, () => {
  let moto: Moto;
  let proxy: S3Proxy;
  let standIn: StandIn;
  let admin: S3Client;
  let made = 0;

  beforeAll(async () => {
    moto = await startMoto();
    proxy = await startS3Proxy(moto.endpoint);
    standIn = await startStandIn(proxy.endpoint);
    admin = new S3Client({ ...clientSettings(moto.endpoint), forcePathStyle: true });
  }, 60_000);
  afterAll(async () => {
    admin?.destroy();
    await standIn?.close();
    await proxy?.close();
    await moto?.stop();
  });

  beforeEach(() => {
    for (const [name, value] of Object.entries(s3Environment)) vi.stubEnv(name, value);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    standIn.mend();
  });

  async function freshPlace(lock: boolean): Promise<S3Place> {
    made += 1;
    const bucket = `kept-${made}`;
    await admin.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: lock }));
    return { bucket, prefix: 'soc2', endpoint: standIn.endpoint };
  }

  /** The checks by what they look at: whether it is enough, and what it is. */
  async function told(place: S3Place): Promise<Record<string, [boolean | null, string]>> {
    const checks = await examineBucket(place);
    for (const { message } of checks) {
      // One sentence: what it is; what evidence needs, since …
      expect(message).toMatch(/^[^;]+; evidence needs [^;]+, since [^;]+$/);
    }
    return Object.fromEntries(
      checks.map(({ what, ok, message }) => [what, [ok, message.split(';')[0] ?? '']]),
    );
  }

  it('finds nothing in a bucket as moto makes it', async () => {
    expect(await told(await freshPlace(false))).toEqual({
      'Object Lock': [false, 'Object Lock is off'],
      retention: [false, 'there is no retention without Object Lock'],
      versioning: [false, 'versioning is off'],
      'default encryption': [false, 'there is no default encryption'],
      'public access block': [
        false,
        'the public access block lacks BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets',
      ],
    });
  });

  it('finds everything in a bucket that is made for evidence', async () => {
    const place = await freshPlace(true);
    const Bucket = place.bucket;
    const DefaultRetention = { Mode: 'COMPLIANCE', Days: 400 } as const;
    await admin.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } },
      }),
    );
    const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms' } as const;
    await admin.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault }] },
      }),
    );
    await admin.send(
      new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: allBlocked }),
    );
    expect(await told(place)).toEqual({
      'Object Lock': [true, 'Object Lock is on'],
      retention: [true, "the bucket's default retention is 400 days (compliance)"],
      versioning: [true, 'versioning is enabled'],
      'default encryption': [true, 'objects are encrypted with aws:kms by default'],
      'public access block': [true, 'the public access block is whole'],
    });
  });

  it('tells apart what is half done', async () => {
    const place = await freshPlace(true);
    const Bucket = place.bucket;
    const DefaultRetention = { Mode: 'GOVERNANCE', Years: 2 } as const;
    expect(await told(place)).toMatchObject({
      retention: [false, 'there is no retention, neither configured nor by default'],
    });
    await admin.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } },
      }),
    );
    await admin.send(
      new PutPublicAccessBlockCommand({
        Bucket,
        PublicAccessBlockConfiguration: { ...allBlocked, BlockPublicPolicy: false },
      }),
    );
    const governance = '(governance: s3:BypassGovernanceRetention passes it by)';
    expect(await told(place)).toMatchObject({
      retention: [true, `the bucket's default retention is 2 years ${governance}`],
      'public access block': [false, 'the public access block lacks BlockPublicPolicy'],
    });
    const retention = { mode: 'compliance', days: 30 } as const;
    expect(await told({ ...place, retention })).toMatchObject({
      retention: [
        true,
        'a retention of 30 days is put on each object as it is written (compliance)',
      ],
    });
  });

  it('says that versions are suspended', async () => {
    const place = await freshPlace(false);
    for (const Status of ['Enabled', 'Suspended'] as const) {
      const VersioningConfiguration = { Status };
      await admin.send(
        new PutBucketVersioningCommand({ Bucket: place.bucket, VersioningConfiguration }),
      );
    }
    expect(await told(place)).toMatchObject({ versioning: [false, 'versioning is suspended'] });
  });

  it('names the permission for what it may not see', async () => {
    const place = await freshPlace(true);
    standIn.fault({ kind: 'deny' });
    const untold = (what: string, permission: string) => [
      null,
      `${what} could not be told (add ${permission} to the policy of the role)`,
    ];
    expect(await told(place)).toEqual({
      'Object Lock': untold('Object Lock', 's3:GetBucketObjectLockConfiguration'),
      retention: untold('retention', 's3:GetBucketObjectLockConfiguration'),
      versioning: untold('versioning', 's3:GetBucketVersioning'),
      'default encryption': untold('default encryption', 's3:GetEncryptionConfiguration'),
      'public access block': untold('public access block', 's3:GetBucketPublicAccessBlock'),
    });
  });

  it('leaves open what a service does not implement', async () => {
    const place = await freshPlace(true);
    const answer = s3ErrorAnswer(501, 'NotImplemented', 'not implemented');
    proxy.meet('GET', async () => answer, 5);
    const checks = await examineBucket(place);
    expect(checks.map(({ ok }) => ok)).toEqual([null, null, null, null, null]);
    expect(checks[0]?.message).toContain('the service does not implement it');
  });

  it('does not speak of a bucket that is not there', async () => {
    const place = { ...(await freshPlace(false)), bucket: 'nobodys' };
    await expect(examineBucket(place)).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringMatching(/cannot look at the bucket s3:\/\/nobodys.*no such bucket/),
    });
  });
});
