/** Nights of the command line into a bucket, and everything that looks after it there. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { generateKeyPair } from '../../src/seal/signature.ts';
import { s3Backend } from '../../src/store/s3.ts';
import { clientSettings } from '../support/aws-world.ts';
import { type CliResult, exampleKey, tickmark } from '../support/cli.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { type Door, newDoorProject, startDoor } from './door-project.ts';

const patience = 120_000;
const place = 's3://acme-evidence/nights';
const { privateKey, fingerprint } = generateKeyPair();

describe.skipIf(!motoAvailable)(`a store in a bucket${motoMissing}`, () => {
  let moto: Moto;
  let proxy: S3Proxy;
  let door: Door;
  let cwd: string;

  const call = (...args: string[]): Promise<CliResult> =>
    tickmark(args, proxy.endpoint, {
      cwd,
      env: { TICKMARK_SIGNING_KEY: privateKey },
      timeout: patience,
    });
  const night = (day: number) =>
    call('run', '--json', '--clock', `2026-01-0${day}T02:00:00Z`).then(
      ({ code, stderr, stdout }) => {
        expect(code, stderr).toBe(1);
        return JSON.parse(stdout).bundle as { sequence: number; digest: string };
      },
    );
  const backend = () =>
    s3Backend({ bucket: 'acme-evidence', prefix: 'nights', endpoint: proxy.endpoint });

  beforeAll(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', exampleKey.id);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', exampleKey.secret);
    [moto, door] = await Promise.all([startMoto(), startDoor()]);
    proxy = await startS3Proxy(moto.endpoint);
    const Bucket = 'acme-evidence';
    const client = new S3Client({ ...clientSettings(moto.endpoint), forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' as const } };
    await client.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: { Rules: [rule] },
      }),
    );
    const all = { BlockPublicAcls: true, IgnorePublicAcls: true };
    await client.send(
      new PutPublicAccessBlockCommand({
        Bucket,
        PublicAccessBlockConfiguration: {
          ...all,
          BlockPublicPolicy: true,
          RestrictPublicBuckets: true,
        },
      }),
    );
    client.destroy();
    cwd = await newDoorProject(door, {
      store: place,
      s3: { region: 'us-east-1', retention: { mode: 'compliance', days: 400 } },
    });
  }, patience);

  afterAll(async () => {
    vi.unstubAllEnvs();
    await proxy?.close();
    await moto?.stop();
    await door?.close();
    await removeTemporary();
  });

  it('takes nights one after the other, two at once, and under throttling', {
    timeout: patience,
  }, async () => {
    expect((await night(1)).sequence).toBe(1);
    const both = await Promise.all([night(2), night(2)]);
    expect(both.map(({ sequence }) => sequence).sort()).toEqual([2, 3]);
    // Every second write is asked to slow down.
    let asked = 0;
    proxy.meet(
      'PUT',
      async (_request, pass) => {
        asked += 1;
        if (asked % 2 === 0) return pass();
        const body = Buffer.from('<Error><Code>SlowDown</Code><Message>slow</Message></Error>');
        return { status: 503, headers: { 'content-type': 'application/xml' }, body };
      },
      1_000,
    );
    const head = await night(4);
    proxy.forget();
    expect(asked).toBeGreaterThan(10);
    const { code, stdout, stderr } = await call(
      'verify',
      place,
      '--json',
      '--require-signature',
      ...['--key', fingerprint, '--head', `${head.sequence}:sha256:${head.digest}`],
    );
    expect(code, stdout + stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ verified: true, bundles: 4, breaks: [] });
  });

  it('writes everything under the configured retention, which refuses to be removed', {
    timeout: patience,
  }, async () => {
    const puts = proxy.requests.filter(({ method }) => method === 'PUT');
    expect(puts.length).toBeGreaterThan(20);
    for (const { path, headers } of puts) {
      expect(headers['x-amz-object-lock-mode'], path).toBe('COMPLIANCE');
      expect(headers['if-none-match'], path).toBe('*');
    }
    const key = `objects/00/${'0'.repeat(64)}.gz`;
    const locked = s3Backend({
      ...{ bucket: 'acme-evidence', prefix: 'nights', endpoint: proxy.endpoint },
      retention: { mode: 'compliance', days: 400 },
    });
    await locked.create(key, Buffer.from('left by a killed run'));
    const { code, stdout } = await call('store', 'gc', '--older-than', '0', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      found: [{ key }],
      removed: 0,
      refused: [{ key, reason: expect.stringContaining('COMPLIANCE') }],
    });
    expect(await backend().read(key)).toBeDefined();
  });

  it('is verified just the same as a copy in a folder, and evaluated again', {
    timeout: patience,
  }, async () => {
    const folder = await temporaryFolder();
    const from = backend();
    for (const prefix of ['bundles', 'seals', 'objects']) {
      for await (const { key } of from.entries(prefix)) {
        await mkdir(dirname(join(folder, key)), { recursive: true });
        await writeFile(join(folder, key), (await from.read(key)) as Uint8Array);
      }
    }
    const findings = async (where: string) => {
      const { stdout } = await call('verify', where, '--json', '--key', fingerprint);
      const { store: _store, ...told } = JSON.parse(stdout);
      return told;
    };
    expect(await findings(folder)).toEqual(await findings(place));
    const again = await call('reperform', place);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toContain('no difference');
  });

  it('is examined by doctor, and counted by stats', { timeout: patience }, async () => {
    const { stdout, stderr } = await call('doctor', '--json');
    const { seal } = JSON.parse(stdout) as { seal: { what: string; ok: boolean | null }[] };
    expect(
      seal.map(({ what, ok }) => [what, ok]),
      stderr,
    ).toEqual([
      ['Object Lock', true],
      ['retention', true],
      ['versioning', true],
      ['default encryption', true],
      ['public access block', true],
      ['signing', true],
      ['timestamps', false],
    ]);
    const stats = JSON.parse((await call('store', 'stats', '--json')).stdout);
    expect(stats).toMatchObject({ store: place, bundles: 4, leftovers: { files: 1 } });
  });
});
