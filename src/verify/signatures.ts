/** Who signed, and whether they were allowed to (docs/formats/bundle.md). */
import { TickmarkError } from '../evidence/errors.ts';
import { signatureKey } from '../seal/manifest.ts';
import { isSignatureOf, type PublicKey, publicKeyFrom } from '../seal/signature.ts';
import { isSound, type Link, nameOf, type SoundLink } from './chain.ts';
import { breakOf, bundlesNamed, type Finding, noteOf } from './finding.ts';
import type { ObjectReader } from './objects.ts';

export interface SignatureOptions {
  /** Keys that somebody was given by another way than the store: whole, or by their fingerprint. */
  keys: readonly (PublicKey | string)[];
  requireSignature: boolean;
}

/** How many signatures of a key are right. */
export interface KeyCount {
  fingerprint: string;
  bundles: number;
}

type SignedLink = SoundLink & { signature: NonNullable<SoundLink['manifest']['signature']> };

/** @returns the keys whose signatures fit, in the order that they came into use. */
export async function* verifySignatures(
  links: readonly Link[],
  objects: ObjectReader,
  { keys, requireSignature }: SignatureOptions,
): AsyncGenerator<Finding, KeyCount[]> {
  const given = new Set(keys.map((key) => (typeof key === 'string' ? key : key.fingerprint)));
  const known = new Map(
    keys.flatMap((key) => (typeof key === 'string' ? [] : [[key.fingerprint, key] as const])),
  );
  const signed = links.flatMap((link): SignedLink[] => {
    const signature = link.manifest?.signature ?? null;
    return isSound(link) && signature !== null ? [{ ...link, signature }] : [];
  });
  const files = await Promise.all(signed.map((link) => readSignature(link, objects)));
  const right: SignedLink[] = [];
  for (const [index, link] of signed.entries()) {
    const file = files[index];
    if (file === undefined || 'code' in file) {
      if (file !== undefined) yield file;
      continue;
    }
    const publicKey = await publicKeyOf(link, known, objects);
    // That there is no such object is said with all other objects.
    if (publicKey === 'missing') continue;
    if (publicKey !== undefined && isSignatureOf(publicKey, link.bytes, file.signature)) {
      right.push(link);
      continue;
    }
    yield breakOf(
      'BadSignature',
      signatureKey(link.digest),
      [link.sequence],
      publicKey === undefined
        ? `${nameOf(link)} names as its key object ${link.signature.key}, which is no key: the signature cannot be checked; restore the store from a copy`
        : `the signature of ${nameOf(link)} is not one of key ${link.signature.key} over this manifest: one of the two was changed; restore them from a copy`,
    );
  }
  yield* verifySigners(links, given);
  yield* verifyTrust(links, right, given, requireSignature);
  return countsOf(right);
}

async function readSignature(
  link: SignedLink,
  objects: ObjectReader,
): Promise<{ signature: Uint8Array } | Finding> {
  const key = signatureKey(link.digest);
  let signature: Uint8Array | undefined;
  try {
    signature = await objects.file(key);
  } catch (error) {
    if (!(error instanceof TickmarkError) || error.code !== 'IntegrityBroken') throw error;
    return breakOf('BadSignature', key, [link.sequence], error.message);
  }
  if (signature !== undefined) return { signature };
  return breakOf(
    'SignatureMissing',
    key,
    [link.sequence],
    `${nameOf(link)} says that key ${link.signature.key} signed it, and there is no signature over it: it was removed, or the manifest was changed; restore both from a copy`,
  );
}

/** Undefined where the object of the key's name is no key. */
async function publicKeyOf(
  { signature, sequence }: SignedLink,
  known: Map<string, PublicKey>,
  objects: ObjectReader,
): Promise<PublicKey | 'missing' | undefined> {
  const held = known.get(signature.key);
  if (held !== undefined) return held;
  const der = await objects.needed(sequence, () => objects.read(signature.key));
  if (der === undefined) return 'missing';
  const publicKey = publicKeyFrom(der);
  if (publicKey !== undefined) known.set(signature.key, publicKey);
  return publicKey;
}

/** What each manifest says of its key and of those before: once signed, always signed. */
function* verifySigners(links: readonly Link[], given: ReadonlySet<string>): Generator<Finding> {
  for (const [index, link] of links.entries()) {
    if (!isSound(link)) continue;
    const neighbour = links[index - 1];
    const isNext = neighbour?.sequence === link.sequence - 1;
    // Nothing is known of what stood where a manifest is missing or damaged.
    if (link.sequence > 1 && !(isNext && isSound(neighbour))) continue;
    const before = neighbour?.manifest?.signature ?? null;
    const { signature, kind } = link.manifest;
    if (signature === null) continue;
    const { key, previous_key: previousKey, signers } = signature;
    const wrong = (what: string) =>
      breakOf(
        'WrongSigners',
        link.key,
        [link.sequence],
        `${nameOf(link)} ${what}: Tickmark does not write that; find out who did`,
      );
    if (previousKey !== (before?.key ?? null)) {
      yield wrong(
        `says that key ${previousKey ?? 'none'} signed the bundle before, and that names ${before?.key ?? 'none'}`,
      );
    }
    const allowed = before?.signers ?? [key];
    if (!allowed.includes(key)) yield foreignKey(link, key, allowed, given.has(key));
    else if (kind !== 'keys' && !isSame(signers, allowed)) {
      yield wrong('changes the keys that may sign, and is not of kind keys');
    }
    if (kind === 'keys') yield* keyChanges(link, allowed, signers);
  }
}

function foreignKey(
  link: SoundLink,
  key: string,
  allowed: readonly string[],
  isGiven: boolean,
): Finding {
  if (link.manifest.kind !== 'keys') {
    return breakOf(
      'KeyNotIntroduced',
      link.key,
      [link.sequence],
      `${nameOf(link)} is signed by key ${key}, which those before it do not allow (${allowed.join(', ')}): whoever has no key of this store wrote it; restore the bundles from here on from a copy`,
    );
  }
  const message = `${nameOf(link)} begins anew with key ${key}, which none of the keys before has introduced`;
  return isGiven
    ? noteOf('KeyBegunAnew', link.key, [link.sequence], `${message}; it was given with --key`)
    : breakOf(
        'KeyBegunAnew',
        link.key,
        [link.sequence],
        `${message}: it shows nothing unless its owner hands it over by another way than the store; then give it with --key`,
      );
}

function* keyChanges(
  link: SoundLink,
  before: readonly string[],
  after: readonly string[],
): Generator<Finding> {
  const changes = [
    ['KeyIntroduced', 'may sign from then on', after.filter((key) => !before.includes(key))],
    ['KeyRetired', 'may no longer sign', before.filter((key) => !after.includes(key))],
  ] as const;
  for (const [code, what, keys] of changes) {
    if (keys.length === 0) continue;
    const message = `${nameOf(link)} changes the keys: ${keys.join(', ')} ${what}`;
    yield noteOf(code, link.key, [link.sequence], message);
  }
}

/** Whether signatures lead back to a key that was given, and what of the store is unsigned. */
function* verifyTrust(
  links: readonly Link[],
  right: readonly SignedLink[],
  given: ReadonlySet<string>,
  requireSignature: boolean,
): Generator<Finding> {
  let allowed = new Set<string>();
  const trusted: SignedLink[] = [];
  const others: SignedLink[] = [];
  for (const link of right) {
    const { key, signers } = link.signature;
    if (given.has(key) || allowed.has(key)) {
      trusted.push(link);
      allowed = new Set(signers);
    } else others.push(link);
  }
  const firstTrusted = trusted[0]?.sequence ?? Number.POSITIVE_INFINITY;
  if (given.size === 0) yield* notHeld(others, 'none was given');
  else {
    yield* notHeld(
      others.filter(({ sequence }) => sequence < firstTrusted),
      `bundle ${firstTrusted}, by a key that you hold, pins them`,
    );
    yield* notTrusted(others.filter(({ sequence }) => sequence > firstTrusted || !trusted[0]));
  }
  const isSigned = (link: Link) => link.manifest !== undefined && link.manifest.signature !== null;
  const firstSigned = links.find(isSigned)?.sequence ?? Number.POSITIVE_INFINITY;
  const lastTrusted = trusted.at(-1)?.sequence ?? 0;
  const unsigned = links.filter(({ manifest }) => manifest?.signature === null);
  const isBreak = ({ sequence }: Link) =>
    requireSignature || sequence > firstSigned || (given.size > 0 && sequence > lastTrusted);
  yield* unsignedBundles(unsigned.filter(isBreak), 'break', firstSigned);
  yield* unsignedBundles(
    unsigned.filter((link) => !isBreak(link)),
    'note',
    firstSigned,
  );
}

function* notHeld(links: readonly SignedLink[], why: string): Generator<Finding> {
  if (links.length === 0) return;
  const keys = [...new Set(links.map(({ signature }) => signature.key))];
  const bundles = links.map(({ sequence }) => sequence);
  yield noteOf(
    'KeyNotHeld',
    links[0]?.key ?? '',
    bundles,
    `the signatures of ${bundlesNamed(bundles)} fit keys that lie beside the evidence (${keys.join(', ')}); ${why}. Whoever can write the store could have put them there: ask their owner for the fingerprint, and give it with --key`,
  );
}

function* notTrusted(links: readonly SignedLink[]): Generator<Finding> {
  if (links.length === 0) return;
  const keys = [...new Set(links.map(({ signature }) => signature.key))];
  const bundles = links.map(({ sequence }) => sequence);
  yield breakOf(
    'KeyNotTrusted',
    links[0]?.key ?? '',
    bundles,
    `${bundlesNamed(bundles)}: signed by ${keys.join(', ')}, which you did not give with --key and which no key that you gave has introduced; ask their owner, or restore the bundles from a copy`,
  );
}

function* unsignedBundles(
  links: readonly Link[],
  severity: Finding['severity'],
  firstSigned: number,
): Generator<Finding> {
  const [first] = links;
  if (first === undefined) return;
  const bundles = links.map(({ sequence }) => sequence);
  const { key: where } = first;
  const message =
    severity === 'break'
      ? `${bundlesNamed(bundles)}: nobody signed, and a signature was to be expected: whoever has no key may have written them; restore them from a copy`
      : Number.isFinite(firstSigned)
        ? `${bundlesNamed(bundles)}: nobody signed; they are pinned since bundle ${firstSigned} by its signature`
        : `${bundlesNamed(bundles)}: nobody signed; whoever can write the store could have written them`;
  yield { severity, code: 'Unsigned', message, where, bundles };
}

function countsOf(right: readonly SignedLink[]): KeyCount[] {
  const counts = new Map<string, number>();
  for (const { signature } of right) {
    counts.set(signature.key, (counts.get(signature.key) ?? 0) + 1);
  }
  return [...counts].map(([fingerprint, bundles]) => ({ fingerprint, bundles }));
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}
