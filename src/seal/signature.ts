/**
 * Keys and signatures: ECDSA on P-256 over SHA-256 (FIPS 186-5), written in DER as RFC 3279, 2.2.3
 * says. There is this one kind only, so that no name of an algorithm has to be believed.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { TickmarkError } from '../evidence/errors.ts';
import { sha256 } from '../evidence/json.ts';

/** A key that signatures are checked with. */
export interface PublicKey {
  /** SHA-256 of `der`, hex: also the digest under which the store keeps these bytes. */
  fingerprint: string;
  /** DER SubjectPublicKeyInfo (RFC 5480). */
  der: Buffer;
}

/** A private key that signs, wherever it is kept. */
export interface Signer {
  publicKey: PublicKey;
  /** How messages name it: a file, a variable, `kms:<arn>`. */
  name: string;
  /**
   * The signature of SHA-256 of the bytes, in DER.
   * @throws TickmarkError StoreUnavailable where the key is not at hand: nothing can be sealed.
   */
  sign(bytes: Uint8Array): Promise<Buffer>;
}

/**
 * What stands before the 64 bytes of the coordinates (RFC 5480, 2): id-ecPublicKey on the named curve
 * secp256r1, an uncompressed point. BER, a compressed point or a curve that is spelled out would
 * give the same key other bytes, and so a second fingerprint.
 */
const head = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const derLength = head.length + 64;

/** The key that these bytes are; undefined where they are not a P-256 key in its one exact form. */
export function publicKeyFrom(der: Uint8Array): PublicKey | undefined {
  return keyFrom(der) && { fingerprint: sha256(der), der: Buffer.from(der) };
}

function keyFrom(der: Uint8Array): KeyObject | undefined {
  const bytes = Buffer.from(der);
  if (bytes.length !== derLength || !bytes.subarray(0, head.length).equals(head)) return undefined;
  try {
    return createPublicKey({ key: bytes, format: 'der', type: 'spki' });
  } catch {
    // The point does not lie on the curve.
    return undefined;
  }
}

/**
 * Reads a public key that somebody names: PEM, or DER.
 * @param name how messages call it.
 * @throws TickmarkError Usage for what is not exactly one public key on P-256.
 */
export function readPublicKey(bytes: Uint8Array, name: string): PublicKey {
  const text = Buffer.from(bytes).toString('utf8').trim();
  const body = /^-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/.exec(
    text,
  )?.[1];
  const der = body === undefined ? Buffer.from(bytes) : Buffer.from(body, 'base64');
  const publicKey = publicKeyFrom(der);
  if (publicKey !== undefined) return publicKey;
  if (labelsOf(text).some(isPrivate) || isPrivateDer(der)) {
    throw new TickmarkError(
      'Usage',
      `${name} is a private key, and whoever has it can sign: share it with nobody, and name its public key (\`tickmark keygen\` wrote it beside it, as *.pub.pem)`,
    );
  }
  throw new TickmarkError(
    'Usage',
    `${name} is ${describeDer(der)}; name a public key on P-256 in PEM or DER form, as \`tickmark keygen\` writes it (*.pub.pem)`,
  );
}

/**
 * A signer of a private key in PEM: PKCS #8 (RFC 5958), or SEC 1 (RFC 5915).
 * @param name how messages call it; of the key itself they show nothing.
 * @throws TickmarkError InvalidConfiguration for what is not exactly one plain private key on P-256.
 */
export function pemSigner(pem: string, name: string): Signer {
  const refused = (what: string, cause?: unknown) =>
    new TickmarkError(
      'InvalidConfiguration',
      `${name} ${what}; wanted is an unencrypted private key on P-256 in PEM form (PKCS #8 or SEC 1), and \`tickmark keygen\` makes one`,
      { cause },
    );
  const text = pem.trim();
  const labels = labelsOf(text);
  const [label, another] = labels.filter(isPrivate);
  if (label === undefined) {
    throw refused(labels[0] === undefined ? 'holds no key in PEM form' : `holds a ${labels[0]}`);
  }
  if (another !== undefined) throw refused('holds several private keys');
  if (label.startsWith('ENCRYPTED') || /^Proc-Type:.*ENCRYPTED/m.test(text)) {
    throw refused('is encrypted, and at night nobody types a passphrase');
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (cause) {
    throw refused(
      'cannot be decoded: it is cut, has lost its line feeds, or is of another format',
      cause,
    );
  }
  const publicKey = publicKeyFrom(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  if (publicKey === undefined) throw refused(`is ${describe(key)}`);
  const signed = (bytes: Uint8Array) => sign('sha256', bytes, { key, dsaEncoding: 'der' });
  // The file holds the public key as well, and nobody has compared the two.
  if (!isSignatureOf(publicKey, publicKey.der, signed(publicKey.der))) {
    throw refused('is damaged: its public key is not that of its private key');
  }
  return { publicKey, name, sign: async (bytes) => signed(bytes) };
}

/** A new pair from the system's source of random numbers, in PEM: PKCS #8, and SubjectPublicKeyInfo. */
export function generateKeyPair(): { privateKey: string; publicKey: string; fingerprint: string } {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    fingerprint: sha256(pair.publicKey.export({ type: 'spki', format: 'der' })),
  };
}

/**
 * Whether that key signed these bytes. Never throws: key and signature may come from a store that
 * others can write to. OpenSSL takes DER only, no other BER, and nothing behind it.
 */
export function isSignatureOf(
  publicKey: PublicKey,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = keyFrom(publicKey.der);
  if (key === undefined) return false;
  try {
    return verify('sha256', bytes, { key, dsaEncoding: 'der' }, signature);
  } catch {
    return false;
  }
}

/** What the PEM blocks of a text (RFC 7468) say that they are. */
function labelsOf(text: string): string[] {
  return [...text.matchAll(/^-----BEGIN ([A-Z0-9 ]+)-----/gm)].map(([, label = '']) => label);
}

/** `PRIVATE KEY`, `EC PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`, `OPENSSH PRIVATE KEY`, … */
function isPrivate(label: string): boolean {
  return label.endsWith('PRIVATE KEY');
}

function isPrivateDer(der: Buffer): boolean {
  return (['pkcs8', 'sec1', 'pkcs1'] as const).some((type) => {
    try {
      return createPrivateKey({ key: der, format: 'der', type }).type === 'private';
    } catch {
      return false;
    }
  });
}

function describeDer(der: Buffer): string {
  try {
    return describe(createPublicKey({ key: der, format: 'der', type: 'spki' }));
  } catch {
    return 'no public key';
  }
}

/** For a key that is not what is wanted. */
function describe({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const curve = asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1') {
    return 'a P-256 key in an unusual form (its curve spelled out, its point compressed, or bytes behind it)';
  }
  return curve === undefined ? `a key of type ${asymmetricKeyType}` : `a key on ${curve}`;
}
