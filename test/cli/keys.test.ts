import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { openSigner } from '../../src/cli/keys.ts';
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import { generateKeyPair, isSignatureOf, readPublicKey } from '../../src/seal/signature.ts';
import { exampleKey } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);
afterEach(() => vi.unstubAllEnvs());

const pair = generateKeyPair();
const another = generateKeyPair();
const inOneLine = (pem: string, feed: string) => pem.trimEnd().replaceAll('\n', feed);
const kmsArn = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

/** A configuration in a folder of its own, with `signing: { key }`, and the file that it names. */
async function configured(key?: string, pem = pair.privateKey, mode = 0o600) {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'keys'));
  const file = join(folder, 'keys', 'signing-key.pem');
  await writeFile(file, pem);
  await chmod(file, mode);
  const config = join(folder, 'tickmark.yaml');
  const signing = key === undefined ? '' : `signing: { key: ${JSON.stringify(key)} }\n`;
  await writeFile(config, `organization: Acme\nsources: [{ id: aws, use: aws }]\n${signing}`);
  return { loaded: loadConfig(config), file, folder };
}

async function refusalOf(loaded: LoadedConfig | undefined, value?: string): Promise<Error> {
  const env = value === undefined ? {} : { TICKMARK_SIGNING_KEY: value };
  return openSigner(loaded, env).then(
    () => {
      throw new Error('a signer was opened');
    },
    (error: Error) => error,
  );
}

describe('openSigner', () => {
  it('has none where none is named', async () => {
    const none = { signer: undefined, notes: [] };
    expect(await openSigner(undefined, {})).toEqual(none);
    const { loaded } = await configured();
    expect(await openSigner(loaded, {})).toEqual(none);
  });

  it('opens the file of the configuration, from wherever it is called', async () => {
    const { loaded, file } = await configured('keys/signing-key.pem');
    const { signer, notes } = await openSigner(loaded, {});
    expect(signer).toMatchObject({ name: file, publicKey: { fingerprint: pair.fingerprint } });
    expect(notes).toEqual([]);
  });

  it.each([
    [0o600, []],
    [0o400, []],
    [0o640, ['0640']],
    [0o604, ['0604']],
    [0o660, ['0660']],
  ])('uses a file of mode %o, and says who else may', async (mode, said) => {
    const { loaded, file } = await configured('keys/signing-key.pem', pair.privateKey, mode);
    for (const opened of [
      await openSigner(loaded, {}),
      await openSigner(undefined, { TICKMARK_SIGNING_KEY: file }),
    ]) {
      expect(opened.signer?.publicKey.fingerprint).toBe(pair.fingerprint);
      expect(opened.notes).toEqual(
        said.map(
          (octal) =>
            `${file} is a private key that others may read (mode ${octal}): chmod 600 ${file}`,
        ),
      );
    }
  });

  it.each([
    ['as it is', pair.privateKey],
    ['with \\n for line feeds', inOneLine(pair.privateKey, '\\n')],
    ['with \\r\\n for line feeds', inOneLine(pair.privateKey, '\\r\\n')],
  ])('prefers the PEM text in the variable, %s', async (_form, value) => {
    const { loaded } = await configured('keys/signing-key.pem', another.privateKey);
    const { signer, notes } = await openSigner(loaded, { TICKMARK_SIGNING_KEY: value });
    expect(notes).toEqual([]);
    expect(signer?.name).toBe('TICKMARK_SIGNING_KEY');
    const publicKey = readPublicKey(Buffer.from(pair.publicKey), 'here');
    const signature = await signer?.sign(Buffer.from('manifest'));
    expect(isSignatureOf(publicKey, Buffer.from('manifest'), signature ?? Buffer.alloc(0))).toBe(
      true,
    );
  });

  it('prefers the file that the variable names', async () => {
    const { loaded } = await configured('keys/signing-key.pem', another.privateKey);
    const { file } = await configured();
    const { signer } = await openSigner(loaded, { TICKMARK_SIGNING_KEY: file });
    expect(signer).toMatchObject({ name: file, publicKey: { fingerprint: pair.fingerprint } });
  });

  it('asks KMS for a key that is there, by the variable or the configuration', async () => {
    const { der, fingerprint } = readPublicKey(Buffer.from(pair.publicKey), 'here');
    const server = createServer((_request, response) => {
      const key = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' };
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ ...key, PublicKey: der.toString('base64') }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
      vi.stubEnv('AWS_ACCESS_KEY_ID', exampleKey.id);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', exampleKey.secret);
      vi.stubEnv('AWS_PROFILE', undefined);
      const { loaded } = await configured(`kms:${kmsArn}`);
      for (const opened of [
        await openSigner(loaded, {}),
        await openSigner(undefined, { TICKMARK_SIGNING_KEY: `kms:${kmsArn}` }),
      ]) {
        expect(opened).toMatchObject({
          signer: { name: `kms:${kmsArn}`, publicKey: { fingerprint } },
          notes: [],
        });
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it.each<[string, string, RegExp]>([
    ['a file that there is not', 'keys/none.pem', /none\.pem: there is no such file; .*keygen/],
    ['a folder', 'keys', /keys: it is a folder/],
    ['a file below a file', 'tickmark.yaml/key.pem', /there is no such file/],
    ['a file that is no key', 'tickmark.yaml', /tickmark\.yaml holds no key in PEM form/],
    ['no ARN', 'kms:evidence', /kms:evidence is not the ARN of a KMS key/],
  ])('refuses a configuration that names %s', async (_what, key, message) => {
    const { loaded } = await configured(key);
    const refused = await refusalOf(loaded);
    expect(refused).toMatchObject({ code: 'InvalidConfiguration' });
    expect(refused.message).toMatch(message);
  });

  it('points at the place in the configuration', async () => {
    const { loaded } = await configured('none.pem');
    expect((await refusalOf(loaded)).message).toMatch(/tickmark\.yaml:3:\d+ signing\.key: /);
  });

  it.each<[string, string, RegExp]>([
    ['nothing', '', /is empty/],
    ['white space', ' \n', /is empty/],
    ['a file that there is not', '/none/signing-key.pem', /there is no such file/],
    ['no ARN', 'kms:evidence', /kms:evidence is not the ARN of a KMS key/],
    ['a public key', pair.publicKey, /TICKMARK_SIGNING_KEY holds a PUBLIC KEY/],
    ['a key between quotes', `"${inOneLine(pair.privateKey, '\\n')}"`, /holds no key/],
  ])('refuses a variable that holds %s, whatever is configured', async (_what, value, message) => {
    const { loaded } = await configured('keys/signing-key.pem');
    const refused = await refusalOf(loaded, value);
    expect(refused).toMatchObject({ code: 'InvalidConfiguration' });
    expect(refused.message).toMatch(message);
  });

  const bare = createPrivateKey(pair.privateKey)
    .export({ type: 'pkcs8', format: 'der' })
    .toString('base64');

  it.each([
    ['without its first and last line', bare],
    ['in lines of its own', bare.replaceAll(/.{64}/g, '$&\n')],
    ['with a NUL', `${bare}\0`],
    ['a thousand times', bare.repeat(1_000)],
    ['with another label', pair.privateKey.replaceAll('PRIVATE', 'SECRET')],
    ['with spaces for line feeds', inOneLine(pair.privateKey, ' ')],
    ['encrypted', pair.privateKey.replaceAll('PRIVATE KEY', 'ENCRYPTED PRIVATE KEY')],
  ])('shows nothing of a key in the variable that cannot be used: %s', async (_what, value) => {
    const refused = await refusalOf(undefined, value);
    expect(refused).toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('TICKMARK_SIGNING_KEY'),
    });
    expect(inspect(refused, { depth: 9 })).not.toContain(bare.slice(20, 40));
  });

  it('shows nothing of a key that stands in the configuration, and uses it for nothing', async () => {
    const { loaded } = await configured(pair.privateKey);
    const refused = await refusalOf(loaded);
    expect(refused).toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringMatching(/signing\.key: this is the key itself.*tickmark keygen/),
    });
    expect(inspect(refused, { depth: 9 })).not.toContain(bare.slice(20, 40));
  });
});
