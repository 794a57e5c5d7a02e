/**
 * Trusted timestamps (RFC 3161): the request, and what a token proves. A token is a CMS SignedData
 * (RFC 5652) in which an authority signed a digest and a time. Nothing here asks a network or a
 * clock: a token is held against what it says itself, and against roots that are trusted.
 */
import { createHash } from 'node:crypto';
import { Integer, Null, OctetString } from 'asn1js';
import {
  AlgorithmIdentifier,
  MessageImprint,
  PKIStatus,
  RelativeDistinguishedNames,
  TimeStampReq,
} from 'pkijs';
import { messageOf } from '../evidence/errors.ts';
import { type Algorithm, hashOf, isSigned, schemeOf } from './algorithms.ts';
import {
  alternativeNames,
  type Certificate,
  directoryNameOf,
  isValidAt,
  pathToRoot,
  readPemCertificates,
  subjectOf,
  whyNoAuthority,
} from './certificate.ts';
import {
  contentOf,
  type Element,
  type Fields,
  readDer,
  smallNumberOf,
  tags,
  within,
} from './der.ts';
import { type ListedCertificate, readToken, type TimestampInfo, type Token } from './token.ts';

export type TimestampErrorCode =
  /** The authority cannot be asked. */
  | 'Unreachable'
  /** It answered with something that is no reply to a timestamp request. */
  | 'BadAnswer'
  /** It refused to make a timestamp. */
  | 'Rejected'
  /** These bytes are not a reply, or not a token, in DER. */
  | 'Malformed'
  /** The token is for something else. */
  | 'WrongDigest'
  /** The token answers another request. */
  | 'WrongNonce'
  /** The token was not signed by the certificate that it names, or in a way that proves nothing. */
  | 'BadSignature'
  /** The signing certificate is not a timestamp authority's, or was not valid at that time. */
  | 'BadCertificate'
  /** The signing certificate leads to none of the roots. */
  | 'Untrusted'
  /** A root is no certificate. */
  | 'BadRoots';

/** Why there is no timestamp, or why it proves nothing; the message says what to do. */
export class TimestampError extends Error {
  readonly code: TimestampErrorCode;

  constructor(code: TimestampErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TimestampError';
    this.code = code;
  }
}

/** What a token says. */
export interface Stamp {
  /** When the authority saw the digest: genTime, cut to milliseconds. */
  time: Date;
  /** The subject of the certificate that signed, as RFC 4514 writes it; printable. */
  authority: string;
  /** The number that the authority gave the token, in hexadecimal. */
  serial: string;
  /** Whether the certificate leads to one of the roots; false when none were given. */
  trusted: boolean;
}

/** A reply or token is a few kilobytes. */
export const mostReplyBytes = 1024 * 1024;

/** Of an encoded name; what pkijs compares should be small. */
const mostNameBytes = 4096;

const sha256 = '2.16.840.1.101.3.4.2.1';

/** PKIFailureInfo (RFC 3161, 2.4.2): the bits that are set, and what they mean. */
const failures: Record<number, string> = {
  0: 'badAlg',
  2: 'badRequest',
  5: 'badDataFormat',
  14: 'timeNotAvailable',
  15: 'unacceptedPolicy',
  16: 'unacceptedExtension',
  17: 'addInfoNotAvailable',
  25: 'systemFailure',
};

/**
 * A TimeStampReq (RFC 3161, 2.4.1) in DER, which asks for the certificates too.
 * @param digest SHA-256.
 * @param nonce a positive number, most significant byte first.
 */
export function timestampRequest(digest: Uint8Array, nonce: Uint8Array): Buffer {
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({
        algorithmId: sha256,
        algorithmParams: new Null(),
      }),
      hashedMessage: new OctetString({ valueHex: digest }),
    }),
    nonce: new Integer({ valueHex: positiveInteger(nonce) }),
    certReq: true,
  });
  return Buffer.from(request.toSchema().toBER());
}

/** The content of a DER `INTEGER`: no needless zero, and none missing before a set sign bit. */
function positiveInteger(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Buffer.alloc(1) : Buffer.from(bytes.subarray(start));
  return (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), digits]) : digits;
}

/**
 * The token in an authority's reply (RFC 3161, 2.4.2) to `timestampRequest`, checked.
 * @throws TimestampError when there is none, or it is not good, or not the answer to this request.
 */
export async function tokenOf(
  reply: Uint8Array,
  expected: { digest: Uint8Array; nonce: Uint8Array; roots?: readonly string[] },
): Promise<{ token: Buffer; stamp: Stamp }> {
  const { status, element } = reading('the reply', () => readReply(reply));
  if (element === undefined) throw new TimestampError('Rejected', rejectionOf(status));
  const token = Buffer.from(element.encoding);
  const { info, stamp } = examine(token, expected.digest, expected.roots);
  if (!info.nonce?.equals(positiveInteger(expected.nonce))) {
    throw new TimestampError(
      'WrongNonce',
      'the timestamp token answers another request: it may have been kept and sent again; ask again, or ask another authority',
    );
  }
  return { token, stamp };
}

/**
 * Checks a token as `openssl ts -verify` does, but for the certificate's validity: what counts is
 * the time of the stamp, since a token outlives the certificate that signed it.
 * @param roots PEM, read once for each array; without them it is not asked whether the authority can
 * be trusted, and with none in the array no one is.
 * @throws TimestampError when it is not a good token for this SHA-256 digest.
 */
export async function checkToken(
  token: Uint8Array,
  digest: Uint8Array,
  roots?: readonly string[],
): Promise<Stamp> {
  return examine(token, digest, roots).stamp;
}

function examine(
  bytes: Uint8Array,
  digest: Uint8Array,
  roots: readonly string[] | undefined,
): { info: TimestampInfo; stamp: Stamp } {
  const trusted = roots && readRoots(roots);
  return reading('the timestamp token', () => {
    assertSize(bytes);
    const token = readToken(bytes);
    const { info } = token;
    if (!info.digest?.equals(digest)) {
      throw new TimestampError(
        'WrongDigest',
        'the timestamp token is for other bytes than these: one of the two was changed or exchanged; restore both from a copy, or ask for a new one',
      );
    }
    const signer = signerOf(token);
    assertSigned(token, signer);
    assertAuthority(info, signer);
    if (trusted) assertTrusted(token, signer, trusted);
    return {
      info,
      stamp: {
        time: info.time,
        authority: subjectOf(signer),
        serial: info.serial.toString('hex'),
        trusted: trusted !== undefined,
      },
    };
  });
}

/** Whatever goes wrong while foreign bytes are read is the fault of these bytes. */
function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TimestampError) throw error;
    throw new TimestampError(
      'Malformed',
      `${what} cannot be read (${messageOf(error)}): it was changed or damaged; restore it from a copy, or ask for a new one`,
      { cause: error },
    );
  }
}

/** The same roots are for every token of a store, and may be hundreds. */
const rootsRead = new WeakMap<readonly string[], Certificate[]>();

function readRoots(pems: readonly string[]): Certificate[] {
  const roots = rootsRead.get(pems) ?? pems.flatMap(readRoot);
  rootsRead.set(pems, roots);
  return roots;
}

function readRoot(pem: string): Certificate[] {
  const unreadable = (cause?: unknown) =>
    new TimestampError(
      'BadRoots',
      'a root of the timestamp authorities is not a certificate in PEM; give the file that the authority publishes',
      { cause },
    );
  let certificates: Certificate[];
  try {
    certificates = readPemCertificates(pem);
  } catch (error) {
    throw unreadable(error);
  }
  if (certificates.length === 0) throw unreadable();
  return certificates;
}

function readReply(reply: Uint8Array): { status: StatusInfo; element: Element | undefined } {
  assertSize(reply);
  return within(readDer(reply), tags.sequence, (fields) => {
    const status = within(fields.next(tags.sequence), tags.sequence, readStatus);
    const granted = status.code === PKIStatus.granted || status.code === PKIStatus.grantedWithMods;
    const element = fields.optional(tags.sequence);
    if (granted && element === undefined) throw new Error('it was granted, but there is no token');
    return { status, element: granted ? element : undefined };
  });
}

/** PKIStatusInfo (RFC 3161, 2.4.2). */
interface StatusInfo {
  code: number;
  texts: string[];
  /** Bits of PKIFailureInfo, the first one in the highest bit of the first byte. */
  failure: Buffer;
}

function readStatus(fields: Fields): StatusInfo {
  const code = smallNumberOf(fields.next(tags.integer));
  const texts = fields.optional(tags.sequence);
  const failure = fields.optional(tags.bitString);
  return {
    code,
    texts: (texts?.elements ?? []).map((text) => contentOf(text, tags.utf8String).toString()),
    failure: failure?.content.subarray(1) ?? Buffer.alloc(0),
  };
}

function assertSize(bytes: Uint8Array): void {
  if (bytes.length > mostReplyBytes) throw new Error(`it has more than ${mostReplyBytes} bytes`);
}

function rejectionOf({ code, texts, failure }: StatusInfo): string {
  const reasons = Object.entries(failures)
    .filter(([bit]) => (failure[Number(bit) >> 3] ?? 0) & (0x80 >> (Number(bit) & 7)))
    .map(([, name]) => name);
  const why = [PKIStatus[code] ?? `status ${code}`, printable(texts.join(' ')), ...reasons];
  return `the authority refused the timestamp (${why.filter((part) => part !== '').join(', ')}); ask another authority, or this one what it accepts`;
}

/** A stranger's text on one line of a terminal. */
function printable(text: string): string {
  return text
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, 200);
}

function signerOf({ certificates, signer }: Token): Certificate {
  const certificate = certificates.find(
    ({ issuer, serial }) => issuer.equals(signer.issuer) && serial.equals(signer.serial),
  );
  if (certificate !== undefined) return certificate;
  throw new TimestampError(
    'BadCertificate',
    'the timestamp token does not bring the certificate that it names as its signer; ask another authority',
  );
}

function isListed({ hash, digest, issuerSerial }: ListedCertificate, by: Certificate): boolean {
  const isSame = hash && createHash(hash).update(by.der).digest().equals(digest);
  if (!isSame) return false;
  if (issuerSerial === undefined) return true;
  const [issuer, ...more] = issuerSerial.issuer;
  const name = issuer && directoryNameOf(issuer);
  return (
    more.length === 0 &&
    name !== undefined &&
    name.encoding.equals(by.issuer) &&
    issuerSerial.serial.equals(by.serial)
  );
}

/** That the signer's key signed the attributes, and that these are of this content and signer. */
function assertSigned(token: Token, signer: Certificate): void {
  const { content, contentDigest, digestAlgorithm, listed, signatureAlgorithm } = token;
  const hash = hashOf(digestAlgorithm);
  if (hash === undefined) throw weakSignature(digestAlgorithm);
  if (!createHash(hash).update(content).digest().equals(contentDigest))
    throw badSignature('is over another content');
  if (listed.length === 0) throw badSignature('does not say of which certificate it is');
  if (!listed.every(([first]) => first && isListed(first, signer)))
    throw badSignature('is of another certificate');
  const scheme = schemeOf(signatureAlgorithm, hash);
  if (scheme?.hash !== hash) throw weakSignature(signatureAlgorithm);
  if (!isSigned(scheme, signer.x509.publicKey, token.signedAttributes, token.signature))
    throw badSignature('is not that of its certificate');
}

function badSignature(why: string): TimestampError {
  return new TimestampError(
    'BadSignature',
    `the timestamp token's signature ${why}: it was changed or forged; restore it from a copy, or ask for a new one`,
  );
}

function weakSignature({ oid }: Algorithm): TimestampError {
  return new TimestampError(
    'BadSignature',
    `the timestamp token is signed by an algorithm that is not accepted (${oid}): RSA or ECDSA with SHA-256 or longer is; ask another authority`,
  );
}

/** That the signer is a timestamp authority, was one at that time, and calls itself so. */
function assertAuthority({ time, authority }: TimestampInfo, signer: Certificate): void {
  const why =
    whyNoAuthority(signer) ??
    (isValidAt(signer, time) ? undefined : 'it was not valid at the time of the timestamp') ??
    (isNameOf(authority, signer) ? undefined : 'it is not that of the authority in the token');
  if (why === undefined) return;
  throw new TimestampError(
    'BadCertificate',
    `the timestamp token's certificate (${subjectOf(signer)}) cannot be relied on: ${why}; ask another authority`,
  );
}

/** An authority need not name itself; if it does, its certificate has this name. */
function isNameOf(name: Element | undefined, signer: Certificate): boolean {
  if (name === undefined) return true;
  const directoryName = directoryNameOf(name);
  return (
    (directoryName !== undefined && isSameName(directoryName.encoding, signer.subject)) ||
    alternativeNames(signer).some((other) => other.equals(name.encoding))
  );
}

/** The same name may be written in another type of string, or in other cases. */
function isSameName(one: Buffer, other: Buffer): boolean {
  if (one.equals(other)) return true;
  if (Math.max(one.length, other.length) > mostNameBytes) return false;
  return RelativeDistinguishedNames.fromBER(one).isEqual(RelativeDistinguishedNames.fromBER(other));
}

function assertTrusted(
  { certificates, info, listed }: Token,
  signer: Certificate,
  roots: readonly Certificate[],
): void {
  const others = certificates.filter((certificate) => certificate !== signer);
  const path = pathToRoot(signer, others, roots, info.time);
  if (path === undefined) {
    throw new TimestampError(
      'Untrusted',
      `the timestamp token's certificate (${subjectOf(signer)}) leads to none of the roots given, each valid at the time of the timestamp; give the authority's root if you trust it`,
    );
  }
  if (listed.flat().every((one) => path.some((certificate) => isListed(one, certificate)))) return;
  throw new TimestampError(
    'Untrusted',
    `the timestamp token lists certificates that are not between its signer (${subjectOf(signer)}) and a root given; give the authority's own root`,
  );
}
