/**
 * Reads a timestamp token (RFC 3161, RFC 5652): strictly, and without believing anything of it.
 * What it is worth is decided in timestamp.ts. Everything here throws a plain Error.
 */
import { type Algorithm, type Hash, hashOf, readAlgorithm } from './algorithms.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import {
  contentOf,
  context,
  type Element,
  elementsOf,
  type Fields,
  oidOf,
  only,
  readDer,
  smallNumberOf,
  tags,
  within,
} from './der.ts';

/** More certificates than any chain has: each may have to be held against each. */
const mostCertificates = 32;

/** Serial numbers have up to twenty bytes (RFC 3161, 2.4.2). */
const mostSerialBytes = 32;

const oids = {
  signedData: '1.2.840.113549.1.7.2',
  timestampInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

/** A token's parts. */
export interface Token {
  info: TimestampInfo;
  /** The encoded TSTInfo, which the signature is over by way of its digest. */
  content: Buffer;
  certificates: Certificate[];
  /** The signer's certificate, by its encoded issuer and serial number. */
  signer: { issuer: Buffer; serial: Buffer };
  digestAlgorithm: Algorithm;
  /** The encoding that is signed. */
  signedAttributes: Buffer;
  /** The digest of the content, as it was signed. */
  contentDigest: Buffer;
  /**
   * The certificates that the signature is said to be of, in each of the two attributes that can say
   * it (RFC 2634 5.4 with SHA-1, RFC 5035 with any hash): the signer's first, then others of its
   * chain.
   */
  listed: ListedCertificate[][];
  signatureAlgorithm: Algorithm;
  signature: Buffer;
}

/** What the authority signed. */
export interface TimestampInfo {
  /** Undefined when it is not a SHA-256 digest. */
  digest: Buffer | undefined;
  /** Content of an `INTEGER`. */
  serial: Buffer;
  time: Date;
  /** Content of an `INTEGER`. */
  nonce: Buffer | undefined;
  /** The name that the authority gives itself, a `GeneralName`. */
  authority: Element | undefined;
}

/** How a signed attribute names a certificate. */
export interface ListedCertificate {
  /** Undefined where it is one that is not accepted. */
  hash: Hash | 'sha1' | undefined;
  digest: Buffer;
  issuerSerial: { issuer: readonly Element[]; serial: Buffer } | undefined;
}

/**
 * ContentInfo and SignedData (RFC 5652, 3 and 5.1) around TSTInfo, with one signer.
 * @throws Error when it is not that, in DER.
 */
export function readToken(bytes: Uint8Array): Token {
  const signedData = within(readDer(bytes), tags.sequence, (fields) => {
    assertOid(fields.next(tags.oid), oids.signedData);
    return only(fields.next(context(0)), context(0), tags.sequence);
  });
  return within(signedData, tags.sequence, (fields) => {
    assertVersion(fields.next(tags.integer), 3);
    const hashes = elementsOf(fields.next(tags.set), tags.set).map(readAlgorithm).map(hashOf);
    const content = within(fields.next(tags.sequence), tags.sequence, (encapsulated) => {
      assertOid(encapsulated.next(tags.oid), oids.timestampInfo);
      const octets = only(encapsulated.next(context(0)), context(0), tags.octetString);
      return contentOf(octets, tags.octetString);
    });
    const certificates = fields.optional(context(0));
    // Revocation lists: whoever wants one asks for the newest.
    fields.optional(context(1));
    const signer = readSigner(only(fields.next(tags.set), tags.set, tags.sequence));
    if (!hashes.includes(hashOf(signer.digestAlgorithm)))
      throw new Error('it does not announce its digest');
    const info = readTimestampInfo(readDer(content));
    return { info, content, certificates: readCertificates(certificates), ...signer };
  });
}

function readCertificates(set: Element | undefined): Certificate[] {
  const elements = set ? elementsOf(set, context(0)) : [];
  if (elements.length > mostCertificates)
    throw new Error(`it has more than ${mostCertificates} certificates`);
  return elements.map(readCertificate);
}

/** SignerInfo (RFC 5652, 5.3), which names its certificate by issuer and serial number. */
function readSigner(element: Element) {
  return within(element, tags.sequence, (fields) => {
    assertVersion(fields.next(tags.integer), 1);
    const signer = within(fields.next(tags.sequence), tags.sequence, (name) => ({
      issuer: name.next(tags.sequence).encoding,
      serial: name.next(tags.integer).encoding,
    }));
    const digestAlgorithm = readAlgorithm(fields.next(tags.sequence));
    const encoded = fields.next(context(0));
    const signatureAlgorithm = readAlgorithm(fields.next(tags.sequence));
    const signature = contentOf(fields.next(tags.octetString), tags.octetString);
    // Unsigned attributes prove nothing.
    fields.optional(context(1));
    // The signature is over a SET OF, which is written here with another tag (RFC 5652, 5.4).
    const signedAttributes = Buffer.from(encoded.encoding);
    signedAttributes[0] = tags.set;
    const attributes = readAttributes(encoded);
    const [type, digest] = [oids.contentType, oids.messageDigest].map((oid) => attributes.get(oid));
    if (!type || !digest) throw new Error('its signature does not say what it is over');
    assertOid(type, oids.timestampInfo);
    return {
      signer,
      digestAlgorithm,
      signedAttributes,
      contentDigest: contentOf(digest, tags.octetString),
      listed: readListedCertificates(attributes),
      signatureAlgorithm,
      signature,
    };
  });
}

/** Attributes by type; what has another number of values than one is none that is read here. */
function readAttributes(element: Element): Map<string, Element> {
  const attributes = new Map<string, Element>();
  const seen = new Set<string>();
  for (const attribute of elementsOf(element, context(0))) {
    within(attribute, tags.sequence, (fields) => {
      const type = oidOf(fields.next(tags.oid));
      const [value, ...more] = elementsOf(fields.next(tags.set), tags.set);
      if (seen.has(type)) throw new Error('it has a signed attribute twice');
      seen.add(type);
      if (value !== undefined && more.length === 0) attributes.set(type, value);
    });
  }
  return attributes;
}

/** TSTInfo (RFC 3161, 2.4.2). */
function readTimestampInfo(element: Element): TimestampInfo {
  return within(element, tags.sequence, (fields) => {
    assertVersion(fields.next(tags.integer), 1);
    fields.next(tags.oid);
    const digest = within(fields.next(tags.sequence), tags.sequence, readImprint);
    const serial = contentOf(fields.next(tags.integer), tags.integer);
    if (serial.length > mostSerialBytes) throw new Error('its serial number is too long');
    const time = timeOf(contentOf(fields.next(tags.generalizedTime), tags.generalizedTime));
    // Accuracy, and whether its timestamps can be ordered.
    fields.optional(tags.sequence);
    fields.optional(tags.boolean);
    const nonce = fields.optional(tags.integer);
    const authority = fields.optional(context(0));
    fields.optional(context(1));
    return {
      digest,
      serial,
      time,
      nonce: nonce && contentOf(nonce, tags.integer),
      authority: authority && within(authority, context(0), (name) => name.optional()),
    };
  });
}

function readImprint(fields: Fields): Buffer | undefined {
  const hash = hashOf(readAlgorithm(fields.next(tags.sequence)));
  const digest = contentOf(fields.next(tags.octetString), tags.octetString);
  return hash === 'sha256' ? digest : undefined;
}

/** GeneralizedTime with its seconds, in UTC, with any number of decimals (RFC 3161, 2.4.2). */
function timeOf(content: Buffer): Date {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,20}))?Z$/.exec(
    content.toString('latin1'),
  );
  const [, year, month, day, hour, minute, second, decimals = ''] = match ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${decimals.padEnd(3, '0').slice(0, 3)}Z`;
  const time = new Date(iso);
  // A day that does not exist is counted on into the next month.
  if (Number.isNaN(time.getTime()) || time.toISOString() !== iso)
    throw new Error('its time is none');
  return time;
}

function readListedCertificates(attributes: ReadonlyMap<string, Element>): ListedCertificate[][] {
  const first = attributes.get(oids.signingCertificate);
  const second = attributes.get(oids.signingCertificateV2);
  return [
    ...(first ? [readListed(first, () => 'sha1')] : []),
    ...(second ? [readListed(second, readListedHash)] : []),
  ];
}

function readListed(
  attribute: Element,
  readHash: (fields: Fields) => ListedCertificate['hash'],
): ListedCertificate[] {
  return within(attribute, tags.sequence, (fields) => {
    const list = elementsOf(fields.next(tags.sequence), tags.sequence);
    // Policies, which nobody asked for.
    fields.optional(tags.sequence);
    return list.map((certificate) =>
      within(certificate, tags.sequence, (id) => {
        const hash = readHash(id);
        const digest = contentOf(id.next(tags.octetString), tags.octetString);
        const name = id.optional(tags.sequence);
        return { hash, digest, issuerSerial: name && readIssuerSerial(name) };
      }),
    );
  });
}

/** SHA-256 where none is named (RFC 5035, 4). */
function readListedHash(fields: Fields): Hash | undefined {
  const algorithm = fields.optional(tags.sequence);
  return algorithm ? hashOf(readAlgorithm(algorithm)) : 'sha256';
}

function readIssuerSerial(element: Element) {
  return within(element, tags.sequence, (fields) => ({
    issuer: elementsOf(fields.next(tags.sequence), tags.sequence),
    serial: fields.next(tags.integer).encoding,
  }));
}

function assertOid(element: Element, expected: string): void {
  if (oidOf(element) !== expected) throw new Error('it is of another type');
}

function assertVersion(element: Element, expected: number): void {
  if (smallNumberOf(element) !== expected) throw new Error('it is of another version');
}
