import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseS3Place, type S3Place, s3Backend } from '../../src/store/s3.ts';
import type { FaultKind } from '../support/aws-faults.ts';
import { type StandIn, startStandIn } from '../support/aws-stand-in.ts';
import { clientSettings } from '../support/aws-world.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';
import {
  type Meeting,
  type S3Proxy,
  s3Environment,
  s3ErrorAnswer,
  startS3Proxy,
} from '../support/s3-proxy.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { allEntries, backendSuite } from './backend-suite.ts';

const bytes = (text: string) => Buffer.from(text);
const dayMs = 24 * 60 * 60 * 1_000;
const secret = `${s3Environment.AWS_SECRET_ACCESS_KEY}`;

let moto: Moto;
let proxy: S3Proxy;
let standIn: StandIn;
let admin: S3Client;
let made = 0;

beforeAll(async () => {
  if (!motoAvailable) return;
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
  await removeTemporary();
});

beforeEach(() => {
  for (const [name, value] of Object.entries(s3Environment)) vi.stubEnv(name, value);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  standIn?.mend();
  proxy?.forget();
});

/** A bucket that nobody wrote to yet. */
async function freshPlace(over: Partial<S3Place> & { lock?: boolean } = {}): Promise<S3Place> {
  const { lock = false, ...place } = over;
  made += 1;
  const bucket = `evidence-${made}`;
  await admin.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: lock }));
  return { bucket, prefix: 'acme/soc2', endpoint: proxy.endpoint, ...place };
}

/** Every version of every key in a bucket, delete markers too. */
async function versionsIn(Bucket: string): Promise<string[]> {
  const { Versions = [], DeleteMarkers = [] } = await admin.send(
    new ListObjectVersionsCommand({ Bucket }),
  );
  return [
    ...Versions.map(({ Key }) => `${Key}`),
    ...DeleteMarkers.map(({ Key }) => `${Key} (delete marker)`),
  ];
}

/** The answer as it was given, of an object that was written some days ago. */
const writtenDaysAgo =
  (days: number): Meeting =>
  async (_request, pass) => {
    const answer = await pass();
    const written = new Date(Date.now() - days * dayMs).toUTCString();
    return { ...answer, headers: { ...answer.headers, 'last-modified': written } };
  };

const withoutPauses = () => vi.spyOn(Math, 'random').mockReturnValue(0);

describe('parseS3Place', () => {
  it.each([
    ['s3://acme-evidence', 'acme-evidence', ''],
    ['s3://acme-evidence/', 'acme-evidence', ''],
    ['s3://acme.evidence/soc2', 'acme.evidence', 'soc2'],
    ['s3://acme-evidence/soc2/2026/', 'acme-evidence', 'soc2/2026'],
  ])('reads %s', (address, bucket, prefix) => {
    expect(parseS3Place(address)).toEqual({ bucket, prefix });
  });

  it.each([
    ['gs://acme', 'does not begin with s3://'],
    ['s3:/acme', 'does not begin with s3://'],
    ['s3://', 'has no bucket'],
    ['s3:///soc2', 'has no bucket'],
    ['s3://acme/soc2?versionId=1', 'query'],
    ['s3://acme/soc2#top', 'fragment'],
    ['s3://acme/../other', "'..'"],
    ['s3://acme/soc2/./x', "'..'"],
    ['s3://acme/soc2//x', 'empty'],
    ['s3://acme/soc2//', 'empty'],
    ['s3://acme/soc\n2', 'control character'],
    ['s3://acme/soc\\2', 'backslash'],
    ['s3://Acme', 'lower-case'],
    ['s3://ac', '3 to 63'],
    ['s3://a..b', 'lower-case'],
    ['s3://arn:aws:s3:::acme', 'lower-case'],
  ])('refuses %j', (address, reason) => {
    expect(() => parseS3Place(address)).toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        message: expect.stringContaining(reason),
      }),
    );
  });

  it('does not repeat a password that somebody put there', () => {
    expect(() => parseS3Place(`s3://AKIATEST:${secret.replaceAll('/', '')}@acme/soc2`)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('wJalrXUtnFEMI') }),
    );
  });
});

describe.skipIf(!motoAvailable)(`s3Backend${motoMissing}`, () => {
  backendSuite('a folder of a bucket', async () => s3Backend(await freshPlace()));

  backendSuite('a whole bucket with versions and Object Lock', async () =>
    s3Backend(await freshPlace({ prefix: '', lock: true })),
  );

  describe('that throttles every second request', () => {
    beforeEach(() => standIn.fault({ kind: 'throttle', share: 0.5, seed: 7 }));
    afterAll(() => expect(standIn.count({ fault: 'throttle' })).toBeGreaterThan(20));

    backendSuite('a bucket', async () =>
      s3Backend(await freshPlace({ endpoint: standIn.endpoint })),
    );
  });

  it('says where it is before anything is asked', async () => {
    expect(s3Backend({ bucket: 'acme', prefix: '' }).location).toBe('s3://acme');
    expect(s3Backend({ bucket: 'acme', prefix: 'a/b' }).location).toBe('s3://acme/a/b');
  });

  describe('create', () => {
    it('is one request, which S3 refuses when the key is taken', async () => {
      const place = await freshPlace();
      const before = proxy.requests.length;
      await s3Backend(place).create('bundles/00000001.json', bytes('{}'));
      expect(proxy.requests.slice(before)).toMatchObject([
        {
          method: 'PUT',
          path: expect.stringMatching(
            new RegExp(`^/${place.bucket}/acme/soc2/bundles/00000001\\.json(\\?|$)`),
          ),
          headers: { 'if-none-match': '*', 'x-amz-checksum-sha256': expect.any(String) },
        },
      ]);
    });

    it('writes nothing as nothing', async () => {
      const backend = s3Backend(await freshPlace());
      expect(await backend.create('bundles/1.json', bytes(''))).toBe(true);
      expect(await backend.read('bundles/1.json')).toEqual(bytes(''));
    });

    it.each([
      ['bundles/1.json', 'application/json'],
      ['objects/ab/abc.gz', 'application/gzip'],
      ['bundles/1.sig', 'application/octet-stream'],
    ])('says what %s is', async (key, type) => {
      const place = await freshPlace();
      await s3Backend(place).create(key, bytes('x'));
      const found = await admin.send(
        new HeadObjectCommand({ Bucket: place.bucket, Key: `acme/soc2/${key}` }),
      );
      expect(found.ContentType).toBe(type);
    });

    it('knows its own bytes when the answer was lost', async () => {
      const place = await freshPlace({ lock: true });
      const backend = s3Backend(place);
      proxy.meet('PUT', async (_request, pass) => {
        await pass();
        return undefined;
      });
      expect(await backend.create('bundles/1.json', bytes('mine'))).toBe(true);
      expect(await backend.read('bundles/1.json')).toEqual(bytes('mine'));
      expect(await versionsIn(place.bucket)).toEqual(['acme/soc2/bundles/1.json']);
      expect(await backend.create('bundles/1.json', bytes('mine'))).toBe(false);
    });

    it("does not take another's bytes for its own after a connection broke", async () => {
      const place = await freshPlace();
      const backend = s3Backend(place);
      proxy.meet('PUT', async () => {
        const Key = 'acme/soc2/bundles/1.json';
        await admin.send(
          new PutObjectCommand({ Bucket: place.bucket, Key, Body: bytes('theirs') }),
        );
        return undefined;
      });
      expect(await backend.create('bundles/1.json', bytes('mine'))).toBe(false);
      expect(await backend.read('bundles/1.json')).toEqual(bytes('theirs'));
    });

    it('tries again when another writes the key at the same moment', async () => {
      const backend = s3Backend(await freshPlace());
      const conflict = s3ErrorAnswer(409, 'ConditionalRequestConflict', 'Conflict');
      proxy.meet('PUT', async () => conflict, 2);
      expect(await backend.create('bundles/1.json', bytes('mine'))).toBe(true);
      expect(await backend.read('bundles/1.json')).toEqual(bytes('mine'));
    });

    it('does not try for ever', async () => {
      const backend = s3Backend(await freshPlace());
      withoutPauses();
      const before = proxy.requests.length;
      const conflict = s3ErrorAnswer(409, 'ConditionalRequestConflict', 'Conflict');
      proxy.meet('PUT', async () => conflict, 15);
      await expect(backend.create('bundles/1.json', bytes('mine'))).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringMatching(/cannot write .*bundles\/1\.json.*same moment.*run again/),
      });
      expect(proxy.requests.length - before).toBe(15);
    });
  });

  it('lists more than a thousand keys over pages, and takes fifty writers at once', async () => {
    const backend = s3Backend(await freshPlace());
    const keys = Array.from({ length: 1_001 }, (_key, index) => `bundles/${10_000 + index}.json`);
    const left = [...keys].reverse();
    const write = async () => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        await backend.create(key, bytes(key));
      }
    };
    await Promise.all(Array.from({ length: 50 }, write));
    const before = proxy.requests.length;
    expect(await backend.list('bundles')).toEqual(keys);
    expect(proxy.requests.length - before).toBe(2);
    expect((await allEntries(backend, 'bundles')).map(({ key }) => key)).toEqual(keys);
  }, 60_000);

  describe('list', () => {
    it('gives keys in order of code units, which is not that of S3', async () => {
      const backend = s3Backend(await freshPlace());
      // U+FF5E comes before U+1F600 in UTF-8 and behind it in UTF-16.
      for (const name of ['\u{ff5e}', '\u{1f600}', 'b', 'B', 'a b&c+d%20'])
        await backend.create(`bundles/${name}`, bytes('x'));
      const keys = ['B', 'a b&c+d%20', 'b', '\u{1f600}', '\u{ff5e}'].map(
        (name) => `bundles/${name}`,
      );
      expect(await backend.list('bundles')).toEqual(keys);
      expect(await backend.read('bundles/a b&c+d%20')).toEqual(bytes('x'));
    });

    it("passes over a console's empty folders", async () => {
      const place = await freshPlace();
      const backend = s3Backend(place);
      for (const Key of ['acme/soc2/bundles/', 'acme/soc2/bundles/old/'])
        await admin.send(
          new PutObjectCommand({ Bucket: place.bucket, Key, Body: '', ContentLength: 0 }),
        );
      await backend.create('bundles/1.json', bytes('x'));
      expect(await backend.list('bundles')).toEqual(['bundles/1.json']);
      expect(await allEntries(backend, 'bundles')).toHaveLength(1);
    });

    const list = (content: string) => async () => ({
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: bytes(`<ListBucketResult>${content}</ListBucketResult>`),
    });
    it.each<[string, Meeting]>([
      ['is cut', list('<IsTruncated>true</IsTruncated>')],
      ['says nothing', list('')],
      [
        'is a web page',
        async () => ({
          status: 200,
          headers: { 'content-type': 'text/html' },
          body: bytes('<!doctype html><html><body>Sign in<br></body></html>'),
        }),
      ],
    ])('believes no list that %s', async (_what, meeting) => {
      const backend = s3Backend(await freshPlace());
      proxy.meet('GET', meeting);
      await expect(backend.list('bundles')).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringMatching(/cannot list .*not how S3 answers.*endpoint/),
      });
    });

    it('believes no list that names the same next page for ever', async () => {
      const backend = s3Backend(await freshPlace());
      const more =
        '<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>';
      proxy.meet('GET', list(more), 2);
      await expect(backend.list('bundles')).rejects.toMatchObject({
        message: expect.stringContaining('more follows and not where'),
      });
    });
  });

  describe('read', () => {
    it('asks again for an answer that broke off', async () => {
      const backend = s3Backend(await freshPlace({ endpoint: standIn.endpoint }));
      const large = Buffer.alloc(3 * 1024 * 1024, 'evidence');
      await backend.create('objects/ab/abc.gz', large);
      standIn.fault({ kind: 'break', match: { operation: 'GetObject' }, times: 1 });
      const found = await backend.read('objects/ab/abc.gz');
      expect(found !== undefined && large.equals(found)).toBe(true);
      expect(standIn.count({ fault: 'break' })).toBe(1);
    });

    it('takes no word but that of S3 for it that a key is missing', async () => {
      const backend = s3Backend(await freshPlace());
      const page = bytes('<html><body>Not found</body></html>');
      proxy.meet('GET', async () => ({ status: 404, headers: {}, body: page }));
      await expect(backend.read('objects/ab/abc.gz')).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringContaining('not how S3 answers'),
      });
    });

    it('refuses what is larger than anything that was written', async () => {
      const backend = s3Backend(await freshPlace());
      const body = Buffer.alloc(64 * 1024 * 1024 + 1);
      proxy.meet('GET', async () => ({ status: 200, headers: {}, body }));
      await expect(backend.read('objects/ab/abc.gz')).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringContaining('more than 67108864 bytes'),
      });
    });

    it('refuses bytes that are not those of the checksum', async () => {
      const backend = s3Backend(await freshPlace());
      await backend.create('objects/ab/abc.gz', bytes('evidence'));
      proxy.meet('GET', async (_request, pass) => ({ ...(await pass()), body: bytes('forgery!') }));
      await expect(backend.read('objects/ab/abc.gz')).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringContaining('hecksum'),
      });
    });
  });

  describe('retention', () => {
    it.each([
      ['compliance', 'COMPLIANCE'],
      ['governance', 'GOVERNANCE'],
    ] as const)(
      'of mode %s locks what is written, and shows when it is removed',
      async (mode, lockMode) => {
        const place = await freshPlace({ lock: true, retention: { mode, days: 400 } });
        const backend = s3Backend(place);
        await backend.create('objects/ab/abc.gz', bytes('evidence'));
        const Key = 'acme/soc2/objects/ab/abc.gz';
        const found = await admin.send(new HeadObjectCommand({ Bucket: place.bucket, Key }));
        expect(found.ObjectLockMode).toBe(lockMode);
        const until = found.ObjectLockRetainUntilDate?.getTime() ?? 0;
        expect(Math.abs(until - Date.now() - 400 * dayMs)).toBeLessThan(60_000);

        await expect(backend.remove('objects/ab/abc.gz')).rejects.toMatchObject({
          code: 'StoreUnavailable',
          message: expect.stringMatching(
            new RegExp(
              `cannot remove .*abc\\.gz: Object Lock holds it until 20.* \\(${lockMode}\\)`,
            ),
          ),
        });
        expect(await backend.read('objects/ab/abc.gz')).toEqual(bytes('evidence'));
        expect(await versionsIn(place.bucket)).toEqual([Key]);
      },
    );

    it('needs a bucket with Object Lock', async () => {
      const place = await freshPlace({ retention: { mode: 'compliance', days: 1 } });
      await expect(s3Backend(place).create('bundles/1.json', bytes('x'))).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringMatching(/Object Lock.*leave the retention out/),
      });
    });
  });

  describe('renew', () => {
    it('is patient with throttling that comes without a code', async () => {
      const place = await freshPlace();
      withoutPauses();
      proxy.meet('HEAD', async () => ({ status: 503, headers: {}, body: bytes('') }), 14);
      await s3Backend(place).renew('objects/ab/abc.gz', bytes('evidence'));
      expect(await versionsIn(place.bucket)).toHaveLength(1);
    });

    it('leaves alone what was written today', async () => {
      const place = await freshPlace({ lock: true });
      const backend = s3Backend(place);
      await backend.create('objects/ab/abc.gz', bytes('evidence'));
      proxy.meet('HEAD', writtenDaysAgo(0.9));
      await backend.renew('objects/ab/abc.gz', bytes('evidence'));
      expect(await versionsIn(place.bucket)).toHaveLength(1);
    });

    it('writes again what is older, with its retention', async () => {
      const place = await freshPlace({ lock: true, retention: { mode: 'governance', days: 30 } });
      const backend = s3Backend(place);
      await backend.create('objects/ab/abc.gz', bytes('evidence'));
      proxy.meet('HEAD', writtenDaysAgo(1.1));
      await backend.renew('objects/ab/abc.gz', bytes('evidence'));
      expect(await versionsIn(place.bucket)).toHaveLength(2);
      expect(proxy.requests.at(-1)).toMatchObject({
        method: 'PUT',
        headers: {
          'content-type': 'application/gzip',
          'x-amz-object-lock-mode': 'GOVERNANCE',
          'x-amz-object-lock-retain-until-date': expect.any(String),
        },
      });
      expect(proxy.requests.at(-1)?.headers).not.toHaveProperty('if-none-match');
    });
  });

  describe('remove', () => {
    it('takes every version, and hides nothing behind a delete marker', async () => {
      const place = await freshPlace({ lock: true });
      const backend = s3Backend(place);
      await backend.create('objects/ab/abc.gz', bytes('evidence'));
      for (let renewals = 0; renewals < 2; renewals += 1) {
        proxy.meet('HEAD', writtenDaysAgo(2));
        await backend.renew('objects/ab/abc.gz', bytes('evidence'));
      }
      await backend.create('objects/ab/abd.gz', bytes('other'));
      expect(await versionsIn(place.bucket)).toHaveLength(4);
      await backend.remove('objects/ab/abc.gz');
      expect(await versionsIn(place.bucket)).toEqual(['acme/soc2/objects/ab/abd.gz']);
    });

    it('takes what was written while versions were suspended', async () => {
      const place = await freshPlace();
      for (const Status of ['Enabled', 'Suspended'] as const) {
        await admin.send(
          new PutBucketVersioningCommand({
            Bucket: place.bucket,
            VersioningConfiguration: { Status },
          }),
        );
      }
      const backend = s3Backend(place);
      await backend.create('objects/ab/abc.gz', bytes('evidence'));
      await backend.remove('objects/ab/abc.gz');
      expect(await backend.read('objects/ab/abc.gz')).toBeUndefined();
    });

    it('leaves what another wrote since it looked', async () => {
      const place = await freshPlace({ lock: true });
      const backend = s3Backend(place);
      await backend.create('objects/ab/abc.gz', bytes('leftover'));
      proxy.meet('HEAD', writtenDaysAgo(9));
      proxy.meet('DELETE', async (_request, pass) => {
        const answer = await pass();
        await s3Backend(place).create('objects/ab/abc.gz', bytes('evidence'));
        return answer;
      });
      await backend.remove('objects/ab/abc.gz');
      expect(await backend.read('objects/ab/abc.gz')).toEqual(bytes('evidence'));
    });

    it('does not believe that a version was deleted which is still there', async () => {
      const backend = s3Backend(await freshPlace({ lock: true }));
      await backend.create('objects/ab/abc.gz', bytes('evidence'));
      proxy.meet('DELETE', async () => ({ status: 204, headers: {}, body: bytes('') }));
      await expect(backend.remove('objects/ab/abc.gz')).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringMatching(/cannot remove .*still there/),
      });
    });
  });

  describe('who asks', () => {
    const scopeOf = () =>
      /Credential=([^/]+)\/\d+\/([^/]+)\/s3/
        .exec(proxy.requests.at(-1)?.headers.authorization ?? '')
        ?.slice(1);

    it.each([
      ['us-east-1 without any', {}, {}, 'us-east-1'],
      ['AWS_DEFAULT_REGION', { AWS_DEFAULT_REGION: 'eu-west-2' }, {}, 'eu-west-2'],
      ['AWS_REGION', { AWS_REGION: 'eu-west-3', AWS_DEFAULT_REGION: 'x' }, {}, 'eu-west-3'],
      ['the configured one', { AWS_REGION: 'x' }, { region: 'eu-north-1' }, 'eu-north-1'],
    ])('uses the region: %s', async (_what, env, options, region) => {
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
      await s3Backend(await freshPlace(options)).list('bundles');
      expect(scopeOf()).toEqual(['AKIATEST', region]);
    });

    it('uses the credentials and the region of a profile', async () => {
      const file = join(await temporaryFolder(), 'config');
      await writeFile(
        file,
        `[profile keeper]\nregion = ap-south-1\naws_access_key_id = AKIAKEEPER\naws_secret_access_key = ${secret}\n`,
      );
      vi.stubEnv('AWS_CONFIG_FILE', file);
      vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
      await s3Backend(await freshPlace({ profile: 'keeper' })).list('bundles');
      expect(scopeOf()).toEqual(['AKIAKEEPER', 'ap-south-1']);
    });

    it.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'])(
      'finds the service by %s',
      async (name) => {
        const { endpoint, ...place } = await freshPlace();
        // By a name: before an address of numbers the SDK never puts a bucket.
        vi.stubEnv(name, endpoint?.replace('127.0.0.1', 'localhost'));
        await s3Backend(place).create('bundles/1.json', bytes('x'));
        expect(proxy.requests.at(-1)?.path).toMatch(`/${place.bucket}/acme/soc2/bundles/1.json`);
      },
    );
  });

  describe('says what to do', () => {
    const failure = (advice: RegExp) => ({
      code: 'StoreUnavailable',
      message: expect.stringMatching(advice),
    });

    it('about a bucket that is not there', async () => {
      const backend = s3Backend({ ...(await freshPlace()), bucket: 'nobodys' });
      const advice = (verb: string) =>
        failure(
          new RegExp(`^cannot ${verb} s3://nobodys/acme/soc2/bundles.*no such bucket: create`),
        );
      await expect(backend.create('bundles/1', bytes('x'))).rejects.toMatchObject(advice('write'));
      await expect(backend.read('bundles/1')).rejects.toMatchObject(advice('read'));
      await expect(backend.list('bundles')).rejects.toMatchObject(advice('list'));
      await expect(backend.renew('bundles/1', bytes('x'))).rejects.toMatchObject(advice('renew'));
      await expect(allEntries(backend, 'bundles')).rejects.toMatchObject(advice('list'));
    });

    it('about rights that are missing', async () => {
      const place = await freshPlace({ endpoint: standIn.endpoint });
      const backend = s3Backend(place);
      await backend.create('bundles/1', bytes('x'));
      standIn.fault({ kind: 'deny' });
      const at = `arn:aws:s3:::${place.bucket}`;
      const add = (verb: string, rights: string) =>
        failure(new RegExp(`^cannot ${verb} s3://.*: S3 refused it: add ${rights}`));
      await expect(backend.create('bundles/2', bytes('x'))).rejects.toMatchObject(
        add('write', `s3:PutObject on ${at}/acme/soc2/\\*`),
      );
      await expect(backend.read('bundles/1')).rejects.toMatchObject(
        add('read', `s3:GetObject on ${at}/acme/soc2/\\* and s3:ListBucket on ${at} .*is missing`),
      );
      await expect(backend.list('bundles')).rejects.toMatchObject(
        add('list', `s3:ListBucket on ${at} `),
      );
      await expect(backend.renew('bundles/1', bytes('x'))).rejects.toMatchObject(
        add('renew', 's3:PutObject .*s3:GetObject'),
      );
      await expect(backend.remove('bundles/1')).rejects.toMatchObject(
        add('remove', 's3:DeleteObject and s3:DeleteObjectVersion'),
      );
      await expect(
        s3Backend({ ...place, retention: { mode: 'compliance', days: 1 } }).create('a', bytes('x')),
      ).rejects.toMatchObject(add('write', 's3:PutObject and s3:PutObjectRetention on'));
    });

    it('about a deletion that is refused without a lock that it may see', async () => {
      const backend = s3Backend(await freshPlace({ endpoint: standIn.endpoint }));
      await backend.create('bundles/1', bytes('x'));
      standIn.fault({ kind: 'deny', match: { operation: 'DeleteObject' } });
      await expect(backend.remove('bundles/1')).rejects.toMatchObject(
        failure(/add s3:DeleteObject.*s3:GetObjectRetention.*whether a lock holds it/),
      );
    });

    it('about credentials that are not there', async () => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
      await expect(s3Backend(await freshPlace()).list('bundles')).rejects.toMatchObject(
        failure(/cannot list .*no AWS credentials were found: set AWS_PROFILE/),
      );
    });

    it('about nobody listening', async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      server.close();
      await once(server, 'close');
      withoutPauses();
      const place = { bucket: 'acme', prefix: '', endpoint: `http://127.0.0.1:${port}` };
      await expect(s3Backend(place).read('bundles/1')).rejects.toMatchObject(
        failure(/cannot read s3:\/\/acme\/bundles\/1: there was no whole answer.*ECONNREFUSED/),
      );
    });

    it.each<[string, number, string, RegExp]>([
      ['no end of throttling', 503, 'SlowDown', /asked 15 times for fewer requests/],
      ['failures of S3', 500, 'InternalError', /failed 6 times on its own side/],
      ['expired credentials', 400, 'ExpiredToken', /have expired: sign in again/],
      ['unknown credentials', 403, 'InvalidAccessKeyId', /were not accepted: check AWS_PROFILE/],
      ['a wrong secret', 403, 'SignatureDoesNotMatch', /were not accepted: check AWS_PROFILE/],
      ['another region', 400, 'IllegalLocationConstraintException', /name its region/],
      ['no conditional writes', 501, 'NotImplemented', /does not implement.*If-None-Match/],
      ['a reason of its own', 400, 'EntityTooLarge', /did not accept the request.*EntityTooLarge/],
      ['anything else', 418, 'Teapot', /mend what S3 or its client says.*Teapot/],
    ])('about %s, without a secret', async (_what, status, code, advice) => {
      const backend = s3Backend(await freshPlace());
      withoutPauses();
      const words = `for AWSSecretAccessKey=${secret} no`;
      proxy.meet('PUT', async () => s3ErrorAnswer(status, code, words), 15);
      const error = await backend.create('bundles/1', bytes('x')).catch((thrown) => thrown);
      expect(error).toMatchObject(failure(advice));
      expect(error.message).toMatch(/^cannot write s3:\/\//);
      expect(error.message).not.toContain(secret);
      expect(error.message).toContain('[masked: AWS secret access key]');
    });

    it('about an archive', async () => {
      const backend = s3Backend(await freshPlace());
      proxy.meet('GET', async () => s3ErrorAnswer(403, 'InvalidObjectState', 'archived'));
      await expect(backend.read('bundles/1')).rejects.toMatchObject(failure(/restore it/));
    });

    it('about something that says yes to every write', async () => {
      const backend = s3Backend(await freshPlace());
      proxy.meet('PUT', async () => ({ status: 200, headers: {}, body: bytes('') }));
      await expect(backend.create('bundles/1', bytes('x'))).rejects.toMatchObject(
        failure(/not how S3 answers: check the endpoint/),
      );
    });

    it.each<FaultKind>(['html500', 'garbage'])('about answers that are %s', async (kind) => {
      const backend = s3Backend(await freshPlace({ endpoint: standIn.endpoint }));
      withoutPauses();
      standIn.fault({ kind, match: { operation: 'ListObjectsV2' } });
      await expect(backend.list('bundles')).rejects.toMatchObject(failure(/^cannot list s3:/));
    });
  });
});
