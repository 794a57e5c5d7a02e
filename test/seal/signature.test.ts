import { execFileSync } from 'node:child_process';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import {
  generateKeyPair,
  isSignatureOf,
  pemSigner,
  publicKeyFrom,
  readPublicKey,
  type Signer,
} from '../../src/seal/signature.ts';
import { opensslAvailable, opensslMissing } from '../support/authority.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);

/** What openssl prints, given this on its standard input. */
function openssl(args: string[], input: string | Uint8Array = ''): Buffer {
  return execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'pipe'] });
}

const pair = generateKeyPair();
const signer = pemSigner(pair.privateKey, 'here');
const publicKey = readPublicKey(Buffer.from(pair.publicKey), 'here');
const manifest = Buffer.from('{"format":"tickmark-bundle/1"}');
const signature = await signer.sign(manifest);

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const pkcs8 = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const p256 = ec('P-256');
const p384 = ec('P-384');
const k256 = ec('secp256k1');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed25519 = generateKeyPairSync('ed25519');

/** The key of `p256` in SEC 1, which ends with its public point: here that of another key. */
function withForeignPoint(): string {
  const own = p256.privateKey.export({ type: 'sec1', format: 'der' });
  const foreign = ec('P-256').publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  const der = Buffer.concat([own.subarray(0, -65), foreign]);
  return pkcs8(createPrivateKey({ key: der, format: 'der', type: 'sec1' }));
}

/** The key of `p256` in SEC 1, with another private number. */
function withNumber(number: Buffer): string {
  const der = p256.privateKey.export({ type: 'sec1', format: 'der' });
  return pem('EC PRIVATE KEY', Buffer.concat([der.subarray(0, 7), number, der.subarray(39)]));
}

function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
}

/** The same key with half of its point: another form of the same key. */
function compressed(der: Buffer): Buffer {
  const [x, last] = [der.subarray(27, 59), der.at(-1) ?? 0];
  const sign = last % 2 === 0 ? 2 : 3;
  const head = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');
  return Buffer.concat([head, Buffer.from([sign]), x]);
}

describe.skipIf(!opensslAvailable)(`openssl agrees${opensslMissing}`, () => {
  it('that a signature of ours is good, and that one of other bytes is not', async () => {
    const folder = await temporaryFolder();
    const [key, file] = [join(folder, 'key.pub.pem'), join(folder, 'signature')];
    await writeFile(key, pair.publicKey);
    await writeFile(file, signature);
    const args = ['dgst', '-sha256', '-verify', key, '-signature', file];
    expect(openssl(args, manifest).toString()).toBe('Verified OK\n');
    expect(() => openssl(args, `${manifest} `)).toThrow();
  });

  it.each([
    ['PKCS #8', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['SEC 1 behind its parameters', ['ecparam', '-name', 'prime256v1', '-genkey']],
    ['SEC 1 alone', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout']],
  ])('on what a key of its own is, and signs with: %s', async (_form, generate) => {
    const key = openssl(generate).toString();
    const file = join(await temporaryFolder(), 'key.pem');
    await writeFile(file, key);
    const made = openssl(['dgst', '-sha256', '-sign', file], manifest);
    const der = openssl(['pkey', '-pubout', '-outform', 'DER'], key);
    const ours = pemSigner(key, file);
    expect(ours.publicKey).toEqual({ fingerprint: sha256(der), der });
    expect(readPublicKey(openssl(['pkey', '-pubout'], key), file)).toEqual(ours.publicKey);
    expect(isSignatureOf(ours.publicKey, manifest, made)).toBe(true);
    expect(isSignatureOf(ours.publicKey, manifest, await ours.sign(manifest))).toBe(true);
    expect(isSignatureOf(publicKey, manifest, made)).toBe(false);
  });

  it('on the fingerprint of a new pair', () => {
    const der = openssl(['pkey', '-pubin', '-outform', 'DER'], pair.publicKey);
    expect(pair.fingerprint).toBe(sha256(der));
    expect(openssl(['pkey', '-pubout'], pair.privateKey).toString()).toBe(pair.publicKey);
    expect(openssl(['pkey', '-check', '-noout'], pair.privateKey).toString()).toContain('is valid');
  });

  it.each([
    ['compressed', ['-conv_form', 'compressed']],
    ['its curve spelled out', ['-param_enc', 'explicit']],
  ])('that a key is the same in another form, which is refused: %s', (_form, options) => {
    const odd = openssl(['ec', ...options], pair.privateKey).toString();
    const oddPublic = openssl(['ec', '-pubout', ...options], pair.privateKey);
    const unusual = expect.objectContaining({ message: expect.stringContaining('unusual form') });
    expect(() => pemSigner(odd, 'odd.pem')).toThrowError(unusual);
    expect(() => readPublicKey(oddPublic, 'odd.pub.pem')).toThrowError(unusual);
  });

  it('that an encrypted key in the old form is one', () => {
    const old = openssl(['ec', '-aes256', '-passout', 'pass:example'], pair.privateKey).toString();
    expect(old).toContain('BEGIN EC PRIVATE KEY');
    expect(() => pemSigner(old, 'old.pem')).toThrowError(/is encrypted/);
  });
});

describe('isSignatureOf', () => {
  it('knows its own, of nothing and of much too', async () => {
    for (const bytes of [manifest, Buffer.alloc(0), randomBytes(1_000_000)]) {
      expect(isSignatureOf(publicKey, bytes, await signer.sign(bytes))).toBe(true);
    }
  });

  it('notices each byte of a signature that is changed, added or lost', () => {
    for (const mask of [0x01, 0x80, 0xff]) {
      for (const index of signature.keys()) {
        expect(isSignatureOf(publicKey, manifest, flipped(signature, index, mask))).toBe(false);
      }
    }
    for (let length = 0; length < signature.length; length += 1) {
      expect(isSignatureOf(publicKey, manifest, signature.subarray(0, length))).toBe(false);
    }
    const longer = Buffer.concat([signature, Buffer.alloc(1)]);
    expect(isSignatureOf(publicKey, manifest, longer)).toBe(false);
  });

  it('notices each byte of what was signed, and of the key', () => {
    for (const mask of [0x01, 0x80, 0xff]) {
      for (const index of manifest.keys()) {
        expect(isSignatureOf(publicKey, flipped(manifest, index, mask), signature)).toBe(false);
      }
      for (const index of publicKey.der.keys()) {
        const der = flipped(publicKey.der, index, mask);
        expect(isSignatureOf({ ...publicKey, der }, manifest, signature)).toBe(false);
      }
    }
  });

  it('refuses what another key signed, with another hash, or of another kind', () => {
    const other = pemSigner(pkcs8(p256.privateKey), 'other').publicKey;
    expect(isSignatureOf(other, manifest, signature)).toBe(false);
    const der = rsa.publicKey.export({ type: 'spki', format: 'der' });
    expect(isSignatureOf({ fingerprint: sha256(der), der }, manifest, signature)).toBe(false);
  });

  it('takes the one DER form of its two numbers, and no other BER', () => {
    const { r, s } = numbersOf(signature);
    const zero = Buffer.alloc(1);
    const sequence = (...parts: Buffer[]) => tlv(0x30, Buffer.concat(parts));
    const exact = sequence(tlv(2, r), tlv(2, s));
    expect(exact).toEqual(signature);
    const forms = {
      'a longer length': Buffer.concat([Buffer.from([0x30, 0x81]), exact.subarray(1)]),
      'a length without end': Buffer.concat([
        Buffer.from([0x30, 0x80]),
        exact.subarray(2),
        Buffer.alloc(2),
      ]),
      'a zero before r': sequence(tlv(2, Buffer.concat([zero, r])), tlv(2, s)),
      'a zero before s': sequence(tlv(2, r), tlv(2, Buffer.concat([zero, s]))),
      'a third number': sequence(tlv(2, r), tlv(2, s), tlv(2, zero)),
      'the bare numbers': Buffer.concat([r, s].map((part) => Buffer.from(part).subarray(-32))),
      'zero and zero': sequence(tlv(2, zero), tlv(2, zero)),
    };
    for (const [form, bytes] of Object.entries(forms)) {
      expect(isSignatureOf(publicKey, manifest, bytes), form).toBe(false);
    }
  });

  it('says no to any other bytes, and never throws', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, bytes, bytes, (key, message, made) => {
        const der = Buffer.from(key);
        expect(isSignatureOf(publicKey, message, made)).toBe(false);
        expect(isSignatureOf({ fingerprint: sha256(der), der }, message, signature)).toBe(false);
      }),
    );
  });
});

describe('readPublicKey', () => {
  const { der } = publicKey;
  const body = pair.publicKey;

  it.each<[string, string | Buffer]>([
    ['PEM', body],
    ['DER', der],
    ['PEM with a line feed too many', `\n${body}\n`],
    ['PEM from Windows', `\ufeff${body.replaceAll('\n', '\r\n')}`],
    ['PEM in one line', pem('PUBLIC KEY', der)],
  ])('reads %s', (_form, bytes) => {
    expect(readPublicKey(Buffer.from(bytes), 'here')).toEqual({
      fingerprint: pair.fingerprint,
      der,
    });
  });

  it.each<[string, string | Buffer]>([
    ['PKCS #8', pair.privateKey],
    ['SEC 1', p256.privateKey.export({ type: 'sec1', format: 'pem' })],
    ['PKCS #8 in DER', p256.privateKey.export({ type: 'pkcs8', format: 'der' })],
    ['SEC 1 in DER', p256.privateKey.export({ type: 'sec1', format: 'der' })],
    ['RSA in DER', rsa.privateKey.export({ type: 'pkcs1', format: 'der' })],
    ['encrypted', encrypted(p256.privateKey)],
    ['a private key behind the public one', `${pair.publicKey}${pair.privateKey}`],
  ])('warns of a private key: %s', (_form, bytes) => {
    expect(() => readPublicKey(Buffer.from(bytes), 'given.pem')).toThrowError(
      expect.objectContaining({
        code: 'Usage',
        message: expect.stringMatching(/^given\.pem is a private key.*share it with nobody/),
      }),
    );
  });

  it.each<[string, string | Buffer, RegExp]>([
    ['nothing', '', /is no public key/],
    ['garbage', randomBytes(91), /is no public key/],
    ['a key on another curve', spki(p384.publicKey), /is a key on secp384r1/],
    ['a key on a curve of the same size', spki(k256.publicKey), /is a key on secp256k1/],
    ['an RSA key', spki(rsa.publicKey), /is a key of type rsa/],
    ['an RSA key in DER', rsa.publicKey.export({ type: 'spki', format: 'der' }), /type rsa/],
    ['two keys', `${body}${body}`, /is no public key/],
    ['a key behind text', `Our key:\n${body}`, /is no public key/],
    ['another label', pem('CERTIFICATE', der), /is no public key/],
    ['a byte behind the key', Buffer.concat([der, Buffer.alloc(1)]), /unusual form/],
    ['a byte behind the key in PEM', pem('PUBLIC KEY', Buffer.concat([der, der])), /unusual form/],
    ['a compressed point', compressed(der), /unusual form/],
    ['a point beside the curve', flipped(der, 90, 1), /is no public key/],
    ['a key cut short', der.subarray(0, 90), /is no public key/],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => readPublicKey(Buffer.from(bytes), 'given.pem')).toThrowError(
      expect.objectContaining({
        code: 'Usage',
        message: expect.stringMatching(/^given\.pem .*tickmark keygen/),
      }),
    );
    expect(() => readPublicKey(Buffer.from(bytes), 'given.pem')).toThrowError(message);
  });

  it('takes for a key only what is written again in the same bytes', () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      fc.tuple(fc.nat(90), fc.nat(255)).map(([index, mask]) => flipped(der, index, mask)),
      fc.constant(null).map(() => ec('P-256').publicKey.export({ type: 'spki', format: 'der' })),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        const key = publicKeyFrom(bytes);
        if (key === undefined) return;
        const read = createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' });
        expect(read.export({ type: 'spki', format: 'der' })).toEqual(Buffer.from(bytes));
        expect(read.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
        expect(key).toEqual({ fingerprint: sha256(bytes), der: Buffer.from(bytes) });
      }),
      { examples: [[der]] },
    );
  });
});

describe('pemSigner', () => {
  it.each<[string, string]>([
    ['PKCS #8', pkcs8(p256.privateKey)],
    ['SEC 1', p256.privateKey.export({ type: 'sec1', format: 'pem' }).toString()],
    ['from Windows', `\ufeff${pkcs8(p256.privateKey).replaceAll('\n', '\r\n')}`],
    ['indented', `  ${pkcs8(p256.privateKey)}`],
    ['with its public key', `${spki(p256.publicKey)}${pkcs8(p256.privateKey)}`],
  ])('signs with a key: %s', async (_form, text) => {
    const made: Signer = pemSigner(text, 'key.pem');
    expect(made.name).toBe('key.pem');
    expect(made.publicKey.der).toEqual(p256.publicKey.export({ type: 'spki', format: 'der' }));
    expect(isSignatureOf(made.publicKey, manifest, await made.sign(manifest))).toBe(true);
  });

  it.each<[string, string, RegExp]>([
    ['nothing', '', /holds no key in PEM form/],
    ['garbage', 'hunter2', /holds no key in PEM form/],
    [
      'bare base64',
      p256.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
      /holds no key in PEM form/,
    ],
    ['a public key', spki(p256.publicKey), /holds a PUBLIC KEY/],
    ['an encrypted key', encrypted(p256.privateKey), /is encrypted/],
    ['two keys', `${pkcs8(p256.privateKey)}${pkcs8(p256.privateKey)}`, /several private keys/],
    ['an RSA key', pkcs8(rsa.privateKey), /is a key of type rsa/],
    ['an Ed25519 key', pkcs8(ed25519.privateKey), /is a key of type ed25519/],
    ['a key on another curve', pkcs8(p384.privateKey), /is a key on secp384r1/],
    ['a key on a curve of the same size', pkcs8(k256.privateKey), /is a key on secp256k1/],
    ['a key that is cut', pkcs8(p256.privateKey).replace(/.{8}\n-----END/, '\n-----END'), /is cut/],
    ['spaces for line feeds', pkcs8(p256.privateKey).replaceAll('\n', ' '), /line feeds/],
    ['a key of ssh-keygen', pem('OPENSSH PRIVATE KEY', randomBytes(100)), /another format/],
    ['a private number of zero', withNumber(Buffer.alloc(32)), /decoded|damaged/],
    ['a private number above the order', withNumber(Buffer.alloc(32, 0xff)), /decoded|damaged/],
    ['the public key of another', withForeignPoint(), /is not that of its private key/],
  ])('refuses %s, and shows nothing of it', (_what, text, message) => {
    const refused = thrownBy(() => pemSigner(text, 'key.pem'));
    expect(refused).toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringMatching(/^key\.pem .*P-256 in PEM form.*tickmark keygen/),
    });
    expect(refused.message).toMatch(message);
    for (const [secret] of text.matchAll(/[A-Za-z0-9+/]{12,}/g)) {
      expect(refused.message).not.toContain(secret);
    }
  });
});

function thrownBy(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

function encrypted(key: KeyObject): string {
  const options = { cipher: 'aes-256-cbc', passphrase: 'example' };
  return key.export({ type: 'pkcs8', format: 'pem', ...options }).toString();
}

function flipped(bytes: Uint8Array, index: number, mask: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[index] = (changed[index] ?? 0) ^ mask;
  return changed;
}

/** A DER value of less than 128 bytes. */
function tlv(tag: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, value.length]), value]);
}

/** The two INTEGERs of a signature, as they are encoded. */
function numbersOf(der: Buffer): { r: Buffer; s: Buffer } {
  const length = der[3] ?? 0;
  return { r: der.subarray(4, 4 + length), s: der.subarray(4 + length + 2) };
}
