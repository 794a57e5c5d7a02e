/**
 * The certificates of a timestamp authority (RFC 5280, RFC 3161 2.3): may this one sign
 * timestamps, and do its issuers lead to a root that is trusted? OpenSSL, by way of
 * X509Certificate, decides what a certificate is and who can have issued it; what it does not tell
 * is read from the same bytes.
 */
import { X509Certificate } from 'node:crypto';
import { type Algorithm, isSigned, readAlgorithm, schemeOf } from './algorithms.ts';
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

export interface Certificate {
  der: Buffer;
  x509: X509Certificate;
  /** Encoded `INTEGER`. */
  serial: Buffer;
  /** Encoded `Name`. */
  issuer: Buffer;
  /** Encoded `Name`. */
  subject: Buffer;
  /** The part that the issuer signed. */
  signed: Buffer;
  signatureAlgorithm: Algorithm;
  signature: Buffer;
  extensions: ReadonlyMap<string, { critical: boolean; value: Buffer }>;
  /** Milliseconds since 1970. */
  validFrom: number;
  validTo: number;
}

const keyUsage = '2.5.29.15';
const subjectAltName = '2.5.29.17';
const basicConstraints = '2.5.29.19';
const nameConstraints = '2.5.29.30';
const extendedKeyUsage = '2.5.29.37';
const timeStamping = '1.3.6.1.5.5.7.3.8';
const anyUsage = '2.5.29.37.0';

/** Critical extensions that are obeyed, or that say nothing about who may issue timestamps. */
const known = new Set([
  keyUsage,
  subjectAltName,
  basicConstraints,
  extendedKeyUsage,
  // CRL distribution points, certificate policies.
  '2.5.29.31',
  '2.5.29.32',
]);

const mostNameCharacters = 500;

/** Signing takes digitalSignature or nonRepudiation; a timestamp authority has nothing else. */
const signingBits = 0xc0;

/** @throws Error when it is not one X.509 certificate, byte for byte. */
export function readCertificate(element: Element): Certificate {
  const der = element.encoding;
  const x509 = new X509Certificate(der);
  // OpenSSL would rather find a PEM text within these bytes than read them.
  if (!x509.raw.equals(der)) throw new Error('a certificate is not in its one DER form');
  return within(element, tags.sequence, (fields) => {
    const toBeSigned = fields.next(tags.sequence);
    return {
      der,
      x509,
      ...within(toBeSigned, tags.sequence, readToBeSigned),
      signed: toBeSigned.encoding,
      signatureAlgorithm: readAlgorithm(fields.next(tags.sequence)),
      signature: wholeBits(fields.next(tags.bitString)),
      validFrom: timeOf(x509.validFrom),
      validTo: timeOf(x509.validTo),
    };
  });
}

/** `TBSCertificate` (RFC 5280, 4.1). */
function readToBeSigned(fields: Fields) {
  fields.optional(context(0));
  const serial = fields.next(tags.integer).encoding;
  fields.next(tags.sequence);
  const issuer = fields.next(tags.sequence).encoding;
  fields.next(tags.sequence);
  const subject = fields.next(tags.sequence).encoding;
  fields.next(tags.sequence);
  // One with the unique ids of X.509 version 2, which nobody uses, is refused.
  const extensions = fields.optional(context(3));
  return { serial, issuer, subject, extensions: readExtensions(extensions) };
}

function readExtensions(element: Element | undefined): Certificate['extensions'] {
  const extensions = new Map<string, { critical: boolean; value: Buffer }>();
  if (element === undefined) return extensions;
  for (const extension of elementsOf(only(element, context(3), tags.sequence), tags.sequence)) {
    within(extension, tags.sequence, (fields) => {
      const id = oidOf(fields.next(tags.oid));
      const critical = fields.optional(tags.boolean);
      if (extensions.has(id)) throw new Error('a certificate has an extension twice');
      extensions.set(id, {
        critical: critical !== undefined && contentOf(critical, tags.boolean)[0] !== 0,
        value: contentOf(fields.next(tags.octetString), tags.octetString),
      });
    });
  }
  return extensions;
}

/** A bit string of whole bytes. */
function wholeBits(element: Element): Buffer {
  const content = contentOf(element, tags.bitString);
  if (content[0] !== 0) throw new Error('a signature is not a number of bytes');
  return content.subarray(1);
}

/** A time as OpenSSL prints it; one that is not UTC is not allowed (RFC 5280, 4.1.2.5). */
function timeOf(printed: string): number {
  const time = printed.endsWith(' GMT') ? Date.parse(printed) : Number.NaN;
  if (Number.isNaN(time)) throw new Error('a certificate has no readable validity');
  return time;
}

/** The certificates in PEM texts, which may hold other things besides. */
export function readPemCertificates(pem: string): Certificate[] {
  const blocks = pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g);
  return [...blocks].map(([, base64 = '']) =>
    readCertificate(readDer(Buffer.from(base64, 'base64'))),
  );
}

/**
 * The subject, last part first, as RFC 4514 writes it. What cannot be printed is escaped, and what
 * is longer than any name is cut.
 */
export function subjectOf({ x509 }: Certificate): string {
  // One part on each line, escaped by OpenSSL; undefined where there is none.
  const parts = ((x509.subject as string | undefined) ?? '').split('\n').reverse();
  return parts
    .join(',')
    .slice(0, mostNameCharacters)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
      Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '\\$&'),
    );
}

export function isValidAt({ validFrom, validTo }: Certificate, at: Date): boolean {
  return validFrom <= at.getTime() && at.getTime() <= validTo;
}

/**
 * Why a certificate may not sign timestamps; undefined when it may: its extended key usage is
 * critical and timeStamping only (RFC 3161, 2.3), and its key usage allows nothing but signing.
 */
export function whyNoAuthority(certificate: Certificate): string | undefined {
  const { x509, extensions } = certificate;
  const usages = x509.keyUsage as string[] | undefined;
  if (usages?.length !== 1 || usages[0] !== timeStamping)
    return 'its extended key usage is not timeStamping alone';
  if (!extensions.get(extendedKeyUsage)?.critical) return 'its extended key usage is not critical';
  const usage = extensions.get(keyUsage);
  if (usage) {
    const [, first = 0, ...rest] = contentOf(readDer(usage.value), tags.bitString);
    if ((first & signingBits) === 0 || (first & ~signingBits) !== 0 || rest.some((bits) => bits))
      return 'its key usage is not signing alone';
  }
  return whyNotUnderstood(certificate);
}

function whyNotUnderstood({ extensions }: Certificate): string | undefined {
  const unknown = [...extensions].find(([id, { critical }]) => critical && !known.has(id));
  return unknown && `its critical extension ${unknown[0]} is not understood`;
}

/** The certificate's subject alternative names, each one encoded. */
export function alternativeNames({ extensions }: Certificate): Buffer[] {
  const names = extensions.get(subjectAltName);
  return names
    ? elementsOf(readDer(names.value), tags.sequence).map(({ encoding }) => encoding)
    : [];
}

/**
 * The shortest way from a certificate over others to a root: each one is valid at that time, and
 * its issuer is a CA that may have issued it.
 * @returns the certificates from the first to the root; undefined when there is no way.
 */
export function pathToRoot(
  first: Certificate,
  others: readonly Certificate[],
  roots: readonly Certificate[],
  at: Date,
): Certificate[] | undefined {
  const paths: Certificate[][] = [[first]];
  const left = new Set(others);
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    const way = path;
    const root = roots.find((issuer) => canFollow(issuer, way, at));
    if (root !== undefined) return [...way, root];
    // Each certificate is tried once, by the shortest way to it: limits on length only grow.
    for (const issuer of left) {
      if (!mayIssueTimestamps(issuer) || !canFollow(issuer, way, at)) continue;
      left.delete(issuer);
      paths.push([...way, issuer]);
    }
  }
  return undefined;
}

/** Whether a certificate is the issuer of a path's last one. */
function canFollow(issuer: Certificate, path: readonly Certificate[], at: Date): boolean {
  const subject = path.at(-1);
  const between = path.length - 1;
  return (
    subject !== undefined &&
    isValidAt(issuer, at) &&
    issuer.x509.ca &&
    between <= mostBetween(issuer) &&
    whyNotUnderstood(issuer) === undefined &&
    // Nothing here obeys them, be they critical or not.
    !issuer.extensions.has(nameConstraints) &&
    // Names, key identifiers, and that its key may sign certificates.
    subject.x509.checkIssued(issuer.x509) &&
    isSignedBy(subject, issuer)
  );
}

/** The path length constraint: how many certificates may lie between it and the first. */
function mostBetween({ extensions }: Certificate): number {
  const constraints = extensions.get(basicConstraints);
  if (constraints === undefined) return Number.POSITIVE_INFINITY;
  return within(readDer(constraints.value), tags.sequence, (fields) => {
    fields.optional(tags.boolean);
    const most = fields.optional(tags.integer);
    return most ? smallNumberOf(most) : Number.POSITIVE_INFINITY;
  });
}

/** A CA whose extended key usage names others only has no say in timestamps. */
function mayIssueTimestamps({ x509 }: Certificate): boolean {
  const usages = x509.keyUsage as string[] | undefined;
  return usages === undefined || usages.includes(timeStamping) || usages.includes(anyUsage);
}

function isSignedBy(subject: Certificate, issuer: Certificate): boolean {
  const scheme = schemeOf(subject.signatureAlgorithm);
  return (
    scheme !== undefined &&
    isSigned(scheme, issuer.x509.publicKey, subject.signed, subject.signature)
  );
}

/** Whether an encoded `GeneralName` is a directory name, and which. */
export function directoryNameOf(name: Element): Element | undefined {
  return name.tag === context(4) ? only(name, context(4), tags.sequence) : undefined;
}
