import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  KMSClient,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { kmsSigner } from '../../src/seal/kms.ts';
import { isSignatureOf } from '../../src/seal/signature.ts';
import { makeError } from '../support/aws-call.ts';
import { type StandIn, startStandIn } from '../support/aws-stand-in.ts';
import { clientSettings } from '../support/aws-world.ts';
import { exampleKey } from '../support/cli.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';

const someArn = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const manifest = Buffer.from('{"format":"tickmark-bundle/1"}');

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const servers: Server[] = [];
async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', exampleKey.id);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', exampleKey.secret);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  for (const name of ['AWS_PROFILE', 'AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_SESSION_TOKEN']) {
    vi.stubEnv(name, undefined);
  }
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

describe('kmsSigner without a KMS', () => {
  it.each([
    '',
    'alias/evidence',
    '1234abcd-12ab-34cd-56ef-1234567890ab',
    'arn:aws:kms:eu-central-1:123456789012:alias/',
    'arn:aws:kms:eu-central-1::key/1234abcd-12ab-34cd-56ef-1234567890ab',
    'arn:aws:iam::123456789012:role/Evidence',
    `${someArn}\nx`,
    ` ${someArn}`,
  ])('refuses "%s", which is no ARN of a key', async (arn) => {
    await expect(kmsSigner(arn)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('kms:arn:aws:kms:<region>:<account>:key/<id>'),
    });
  });

  it('says so where nothing listens', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
    await expect(kmsSigner(someArn)).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringMatching(/kms:GetPublicKey has no answer.*network.*nothing was sealed/),
    });
  });

  it('says so where there are no credentials', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    await expect(kmsSigner(someArn)).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringMatching(/AWS_PROFILE.*nothing was sealed/),
    });
  });

  it.each([
    ['AccessDeniedException', 'StoreUnavailable', /allow kms:GetPublicKey on this key/],
    ['NotFoundException', 'InvalidConfiguration', /name a key of spec ECC_NIST_P256/],
    ['InvalidArnException', 'InvalidConfiguration', /name a key of spec ECC_NIST_P256/],
    ['UnsupportedOperationException', 'InvalidConfiguration', /name a key of spec ECC_NIST_P256/],
    ['DisabledException', 'StoreUnavailable', /is not in use.*enable it/],
    ['KMSInvalidStateException', 'StoreUnavailable', /is not in use.*enable it/],
    ['UnrecognizedClientException', 'StoreUnavailable', /credentials for kms:GetPublicKey/],
    ['KMSInternalException', 'StoreUnavailable', /has no answer \(KMSInternalException/],
  ])('tells %s as %s', async (error, code, message) => {
    const endpoint = await answering(400, makeError('kms', 400, error, 'Said\nby KMS').body);
    vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
    await expect(kmsSigner(someArn)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^kms:arn:aws:kms:eu-central-1:.*Said by KMS/),
    });
    await expect(kmsSigner(someArn)).rejects.toThrow(message);
  });

  it.each([
    ['a web page', '<html>hello</html>'],
    ['a key that is not what it says', keyAnswer(rsa.publicKey)],
    ['no key', JSON.stringify({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })],
  ])('believes no answer that is %s', async (_what, body) => {
    vi.stubEnv('AWS_ENDPOINT_URL', await answering(200, body));
    await expect(kmsSigner(someArn)).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringMatching(/AWS_ENDPOINT_URL.*nothing was sealed/),
    });
  });

  it('refuses a key that agrees on secrets and does not sign', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', await answering(200, keyAnswer(p256.publicKey)));
    expect(await kmsSigner(someArn)).toMatchObject({ name: `kms:${someArn}` });
    const agrees = keyAnswer(p256.publicKey, 'KEY_AGREEMENT');
    vi.stubEnv('AWS_ENDPOINT_URL', await answering(200, agrees));
    await expect(kmsSigner(someArn)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('ECC_NIST_P256 for KEY_AGREEMENT; name a key'),
    });
  });

  it('does not wait for ever, for an answer or for its end', async () => {
    const silent = await listen(createServer(() => {}));
    const trickling = await listen(
      createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
        const timer = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(timer));
      }),
    );
    for (const endpoint of [silent, trickling]) {
      vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
      const begun = performance.now();
      await expect(kmsSigner(someArn, { timeoutMs: 300 })).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringContaining('kms:GetPublicKey has no answer (TimeoutError'),
      });
      expect(performance.now() - begun).toBeLessThan(5_000);
    }
  });
});

describe.skipIf(!motoAvailable)(`kmsSigner before moto${motoMissing}`, () => {
  let moto: Moto;
  let likeAws: { endpoint: string; signed: Buffer[] };
  let standIn: StandIn;
  const kms = (region = 'eu-central-1') => new KMSClient(clientSettings(moto.endpoint, region));

  beforeAll(async () => {
    moto = await startMoto();
    likeAws = await startLikeAws(moto.endpoint);
    standIn = await startStandIn(likeAws.endpoint);
  });
  beforeEach(() => {
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', standIn.endpoint);
    likeAws.signed = [manifest];
    standIn.mend();
    standIn.forget();
  });
  afterAll(async () => {
    await standIn?.close();
    await moto?.stop();
  });

  async function newKey(input: CreateKeyCommandInput = {}, region?: string): Promise<string> {
    const client = kms(region);
    const { KeyMetadata } = await client.send(
      new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', ...input }),
    );
    client.destroy();
    return KeyMetadata?.Arn ?? '';
  }

  it('signs with a key, which is asked for once and gets digests only', async () => {
    const arn = await newKey({}, 'ap-south-1');
    const signer = await kmsSigner(arn);
    expect(signer.name).toBe(`kms:${arn}`);
    const messages = [manifest, Buffer.from('1'), randomBytes(1_000_000)];
    likeAws.signed = messages;
    for (const bytes of messages) {
      const signature = await signer.sign(bytes);
      expect(isSignatureOf(signer.publicKey, bytes, signature)).toBe(true);
    }
    expect(standIn.requests.map(({ operation }) => operation)).toEqual([
      'GetPublicKey',
      ...messages.map(() => 'Sign'),
    ]);
    for (const { region, parameters } of standIn.requests) {
      expect([region, parameters.KeyId]).toEqual(['ap-south-1', arn]);
    }
    expect(standIn.requests.at(-1)?.parameters).toEqual({
      KeyId: arn,
      Message: digestOf(messages[2] ?? manifest).toString('base64'),
      MessageType: 'DIGEST',
      SigningAlgorithm: 'ECDSA_SHA_256',
    });
  });

  it('signs with an alias, and notices that it was moved to another key', async () => {
    const [first, second] = [await newKey(), await newKey()];
    const client = kms();
    const AliasName = 'alias/tickmark/evidence_1';
    await client.send(new CreateAliasCommand({ AliasName, TargetKeyId: first }));
    const signer = await kmsSigner(`arn:aws:kms:eu-central-1:123456789012:${AliasName}`);
    expect(signer.publicKey).toEqual((await kmsSigner(first)).publicKey);
    const signature = await signer.sign(manifest);
    expect(isSignatureOf(signer.publicKey, manifest, signature)).toBe(true);
    await client.send(new UpdateAliasCommand({ AliasName, TargetKeyId: second }));
    client.destroy();
    await expect(signer.sign(manifest)).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringMatching(/alias was moved.*nothing was sealed/),
    });
  });

  it.each<[string, CreateKeyCommandInput]>([
    ['RSA_2048 for SIGN_VERIFY', { KeySpec: 'RSA_2048' }],
    ['RSA_2048 for ENCRYPT_DECRYPT', { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }],
    ['ECC_NIST_P384 for SIGN_VERIFY', { KeySpec: 'ECC_NIST_P384' }],
    ['ECC_SECG_P256K1 for SIGN_VERIFY', { KeySpec: 'ECC_SECG_P256K1' }],
  ])('refuses a key of spec %s', async (kind, input) => {
    await expect(kmsSigner(await newKey(input))).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(
        `is a key of spec ${kind}; name a key of spec ECC_NIST_P256`,
      ),
    });
  });

  it.each(['key/1234abcd-12ab-34cd-56ef-1234567890ab', 'alias/none'])(
    'refuses %s, which does not exist',
    async (resource) => {
      const arn = `arn:aws:kms:eu-central-1:123456789012:${resource}`;
      await expect(kmsSigner(arn)).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    },
  );

  it('asks again what was throttled', async () => {
    standIn.fault({ kind: 'throttle', times: 2 });
    const signer = await kmsSigner(await newKey());
    standIn.fault({ kind: 'throttle', match: { operation: 'Sign' }, times: 2 });
    const signature = await signer.sign(manifest);
    expect(isSignatureOf(signer.publicKey, manifest, signature)).toBe(true);
  });

  it.each([
    ['deny', /allow kms:Sign on this key to the role.*nothing was sealed/],
    ['throttle', /kms:Sign has no answer \((Throttling|Timeout).*nothing was sealed/],
    ['break', /kms:Sign has no answer.*nothing was sealed/],
    ['hang', /kms:Sign has no answer \(TimeoutError.*nothing was sealed/],
  ] as const)('gives no signature where signing meets: %s', async (kind, message) => {
    const signer = await kmsSigner(await newKey(), { timeoutMs: 2_000 });
    standIn.fault({ kind, match: { operation: 'Sign' } });
    const refused = await signer.sign(manifest).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: 'StoreUnavailable' });
    expect((refused as Error).message).toMatch(message);
  });

  it('gives no signature of anything but the digest', async () => {
    const signer = await kmsSigner(await newKey());
    // moto as it is: it takes a digest for a message, and hashes it again.
    likeAws.signed = [];
    await expect(signer.sign(manifest)).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringMatching(/does not verify.*nothing was sealed/),
    });
  });
});

/** A server that answers everything so. */
function answering(status: number, body: string | Buffer): Promise<string> {
  return listen(
    createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(body);
    }),
  );
}

/** What GetPublicKey answers for a P-256 key. */
function keyAnswer(key: KeyObject, usage = 'SIGN_VERIFY'): string {
  return JSON.stringify({
    KeySpec: 'ECC_NIST_P256',
    KeyUsage: usage,
    PublicKey: key.export({ type: 'spki', format: 'der' }).toString('base64'),
  });
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/**
 * moto, mended as the API describes KMS: GetPublicKey tells KeySpec beside its older name, and Sign
 * with MessageType DIGEST signs the digest. moto keeps its private keys to itself and hashes what
 * it is given: it gets the message itself, as long as it is one of `signed`.
 */
async function startLikeAws(motoEndpoint: string) {
  const mended = { endpoint: '', signed: [] as Buffer[] };
  const server = createServer(async (incoming, outgoing) => {
    const { authorization = '', 'x-amz-target': target = '' } = incoming.headers;
    const input = JSON.parse(Buffer.concat(await incoming.toArray()).toString());
    if (input.MessageType === 'DIGEST') {
      const message = mended.signed.find(
        (bytes) => digestOf(bytes).toString('base64') === input.Message,
      );
      if (message !== undefined) input.Message = message.toString('base64');
    }
    const answer = await fetch(motoEndpoint, {
      method: 'POST',
      headers: { authorization, 'x-amz-target': String(target) },
      body: JSON.stringify(input),
    });
    const output = (await answer.json()) as Record<string, unknown>;
    if (output.CustomerMasterKeySpec) output.KeySpec = output.CustomerMasterKeySpec;
    outgoing.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
    outgoing.end(JSON.stringify(output));
  });
  mended.endpoint = await listen(server);
  return mended;
}
