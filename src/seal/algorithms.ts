/**
 * The signature algorithms that a timestamp may be made with, and its certificates: RSA and ECDSA
 * over SHA-256 and longer (RFC 5754, RFC 5758, RFC 4055).
 */
import { constants, type KeyObject, verify } from 'node:crypto';
import {
  contentOf,
  context,
  type Element,
  oidOf,
  only,
  smallNumberOf,
  tags,
  within,
} from './der.ts';

/** An `AlgorithmIdentifier` (RFC 5280, 4.1.1.2). */
export interface Algorithm {
  oid: string;
  parameters: Element | undefined;
}

export type Hash = 'sha256' | 'sha384' | 'sha512';

/** How a signature was made. */
export interface Scheme {
  hash: Hash;
  key: 'rsa' | 'rsa-pss' | 'ec';
  /** Of PSS, in bytes. */
  saltLength?: number;
}

const hashes: Record<string, Hash> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

const rsaEncryption = '1.2.840.113549.1.1.1';
const rsaPss = '1.2.840.113549.1.1.10';
const maskGeneration1 = '1.2.840.113549.1.1.8';

const rsaSchemes: Record<string, Hash> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};

const ecdsaSchemes: Record<string, Hash> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/** Names of OpenSSL. Parameters spelled out instead of a name are not accepted. */
const curves = ['prime256v1', 'secp384r1', 'secp521r1'];

/** A shorter RSA key can be broken (NIST SP 800-131A). */
const leastRsaBits = 2048;

/** @throws Error when it is none. */
export function readAlgorithm(element: Element): Algorithm {
  return within(element, tags.sequence, (fields) => ({
    oid: oidOf(fields.next(tags.oid)),
    parameters: fields.optional(),
  }));
}

/** The hash that it names; undefined for one that is not accepted, SHA-1 for instance. */
export function hashOf({ oid, parameters }: Algorithm): Hash | undefined {
  return isPlain(parameters) ? hashes[oid] : undefined;
}

/**
 * What the algorithm of a signature means; undefined where it is not accepted.
 * @param digest of what was signed: `rsaEncryption` does not name it (RFC 3370, 3.2).
 * @throws Error when its parameters cannot be read.
 */
export function schemeOf(algorithm: Algorithm, digest?: Hash): Scheme | undefined {
  const { oid, parameters } = algorithm;
  if (oid === rsaPss) return pssScheme(parameters);
  const ecdsa = ecdsaSchemes[oid];
  // ECDSA has no parameters at all (RFC 5758, 3.2).
  if (ecdsa !== undefined) return parameters ? undefined : { hash: ecdsa, key: 'ec' };
  const rsa = oid === rsaEncryption ? digest : rsaSchemes[oid];
  return rsa && isPlain(parameters) ? { hash: rsa, key: 'rsa' } : undefined;
}

/** Both hashes are named and the same: what they default to is SHA-1 (RFC 4055, 3.1). */
function pssScheme(parameters: Element | undefined): Scheme | undefined {
  if (parameters === undefined) return undefined;
  return within(parameters, tags.sequence, (fields) => {
    const [hash, mask] = [0, 1].map((number) => {
      const field = fields.optional(context(number));
      return field && readAlgorithm(only(field, context(number), tags.sequence));
    });
    const salt = fields.optional(context(2));
    const saltLength = salt ? smallNumberOf(only(salt, context(2), tags.integer)) : 20;
    const named = hash && hashOf(hash);
    const masked =
      mask?.oid === maskGeneration1 && mask.parameters && hashOf(readAlgorithm(mask.parameters));
    return named && named === masked ? { hash: named, key: 'rsa-pss', saltLength } : undefined;
  });
}

/** Whether the signature is the key's, over these bytes. Never throws. */
export function isSigned(
  { hash, key: kind, saltLength }: Scheme,
  key: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!fits(key, kind)) return false;
  const options =
    kind === 'rsa-pss' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } : {};
  try {
    return verify(hash, bytes, { key, ...options }, signature);
  } catch {
    return false;
  }
}

function fits(key: KeyObject, kind: Scheme['key']): boolean {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (kind === 'ec') return key.asymmetricKeyType === 'ec' && curves.includes(namedCurve);
  // A plain RSA key may sign with PSS; one that is for PSS may do nothing else.
  const types: (string | undefined)[] = kind === 'rsa' ? ['rsa'] : ['rsa', 'rsa-pss'];
  return types.includes(key.asymmetricKeyType) && modulusLength >= leastRsaBits;
}

/** No parameters, or NULL: both are in use (RFC 5754, 2). */
function isPlain(parameters: Element | undefined): boolean {
  return parameters === undefined || contentOf(parameters, tags.null).length === 0;
}
