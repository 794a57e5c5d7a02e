/** When each manifest existed at the latest, as RFC 3161 authorities say it. */
import { TickmarkError } from '../evidence/errors.ts';
import { sha256 } from '../evidence/json.ts';
import { manifestKey, tokenKey } from '../seal/manifest.ts';
import { checkToken, type Stamp, TimestampError } from '../seal/timestamp.ts';
import { isSound, type Link, nameOf, type SoundLink } from './chain.ts';
import { breakOf, bundlesNamed, type Finding, noteOf } from './finding.ts';
import type { ObjectReader } from './objects.ts';

export interface TimestampOptions {
  /** Certificates (PEM) that tokens have to end at; none: a token's own word is taken. */
  roots: readonly string[];
  /** Whether a bundle without a token is a break. */
  requireTimestamp?: boolean;
}

/** The good tokens. */
export interface StampCount {
  bundles: number;
  /** RFC 3339; null where there is none. */
  first: string | null;
  last: string | null;
  authorities: string[];
}

/** A token that comes later than this after its bundle was sealed is told of. */
const lateMs = 60 * 60_000;

/** Clocks of two machines may differ by this much. */
const toleranceMs = 5 * 60_000;

interface Stamped {
  link: SoundLink;
  stamp: Stamp;
}

export async function* verifyTimestamps(
  links: readonly Link[],
  objects: ObjectReader,
  { roots, requireTimestamp = false }: TimestampOptions,
): AsyncGenerator<Finding, StampCount> {
  const sound = links.filter(isSound);
  yield* verifyTokenLists(links);
  const due = sound.filter(({ manifest }) => manifest.timestamps.authorities.length > 0);
  const told = tokensTold(sound);
  const files = await Promise.all(due.map((link) => readToken(link, objects)));
  const stamped: Stamped[] = [];
  const unstamped: SoundLink[] = [];
  for (const [index, link] of due.entries()) {
    const file = files[index];
    if (file !== undefined && 'code' in file) {
      yield file;
      continue;
    }
    const pinned = told.get(link.sequence);
    if (pinned !== undefined) yield* verifyPinned(link, file?.token, pinned);
    if (file === undefined) {
      if (pinned === undefined) unstamped.push(link);
      continue;
    }
    const stamp = await stampOf(link, file.token, roots);
    if ('code' in stamp) yield stamp;
    else stamped.push({ link, stamp });
  }
  yield* noteMissing(sound, unstamped, requireTimestamp);
  yield* noteTimes(sound, stamped);
  if (stamped.length > 0 && roots.length === 0) {
    const bundles = stamped.map(({ link }) => link.sequence);
    yield noteOf(
      'AuthorityNotHeld',
      tokenKey(stamped[0]?.link.digest ?? ''),
      bundles,
      `the timestamps of ${bundlesNamed(bundles)} are by ${authoritiesOf(stamped).join(', ')} as their own certificates say; nobody has vouched for these: give the authority's root certificate with --tsa-ca`,
    );
  }
  const times = stamped.map(({ stamp }) => stamp.time.getTime()).sort((a, b) => a - b);
  const [first, last] = [times[0], times.at(-1)].map((time) =>
    time === undefined ? null : new Date(time).toISOString(),
  );
  return {
    bundles: stamped.length,
    first: first ?? null,
    last: last ?? null,
    authorities: authoritiesOf(stamped),
  };
}

/** Each manifest takes up what was open before it: no token is told of twice, none is forgotten. */
function* verifyTokenLists(links: readonly Link[]): Generator<Finding> {
  for (const [index, link] of links.entries()) {
    const before = links[index - 1];
    const isNext = before?.sequence === link.sequence - 1;
    if (!isSound(link) || (link.sequence > 1 && !(isNext && isSound(before)))) continue;
    const { tokens, missing } = link.manifest.timestamps;
    const found = [...tokens.map(({ sequence }) => sequence), ...missing].sort((a, b) => a - b);
    const open = openBehind(before?.manifest).sort((a, b) => a - b);
    if (found.join() === open.join()) continue;
    yield breakOf(
      'WrongTokenList',
      link.key,
      [link.sequence],
      `${nameOf(link)} tells of timestamps of bundles ${found.join(', ') || 'none'}, and those that were open before it are ${open.join(', ') || 'none'}: Tickmark does not write that; find out who did`,
    );
  }
}

function openBehind(manifest: SoundLink['manifest'] | undefined): number[] {
  if (manifest === undefined) return [];
  const { sequence, timestamps } = manifest;
  return [...timestamps.missing, ...(timestamps.authorities.length > 0 ? [sequence] : [])];
}

/** The digests of tokens as later manifests tell of them. */
function tokensTold(links: readonly SoundLink[]): Map<number, { digest: string; by: SoundLink }> {
  const told = new Map<number, { digest: string; by: SoundLink }>();
  for (const by of links) {
    for (const { sequence, digest } of by.manifest.timestamps.tokens) {
      if (!told.has(sequence)) told.set(sequence, { digest, by });
    }
  }
  return told;
}

async function readToken(
  link: SoundLink,
  objects: ObjectReader,
): Promise<{ token: Uint8Array } | Finding | undefined> {
  const key = tokenKey(link.digest);
  try {
    const token = await objects.file(key);
    return token && { token };
  } catch (error) {
    if (!(error instanceof TickmarkError) || error.code !== 'IntegrityBroken') throw error;
    return breakOf('BadToken', key, [link.sequence], error.message);
  }
}

function* verifyPinned(
  link: SoundLink,
  token: Uint8Array | undefined,
  { digest, by }: { digest: string; by: SoundLink },
): Generator<Finding> {
  if (token === undefined) {
    yield breakOf(
      'TokenMissing',
      tokenKey(link.digest),
      [link.sequence],
      `the timestamp of ${nameOf(link)} is missing, and ${nameOf(by)} has seen it: it was removed, or the manifest was changed; restore it from a copy`,
    );
  } else if (sha256(token) !== digest) {
    yield breakOf(
      'TokenChanged',
      tokenKey(link.digest),
      [link.sequence],
      `the timestamp of ${nameOf(link)} is not the one that ${nameOf(by)} has seen: it was changed or exchanged; restore it from a copy`,
    );
  }
}

async function stampOf(
  link: SoundLink,
  token: Uint8Array,
  roots: readonly string[],
): Promise<Stamp | Finding> {
  const digest = Buffer.from(link.digest, 'hex');
  try {
    return roots.length === 0
      ? await checkToken(token, digest)
      : await checkToken(token, digest, roots);
  } catch (error) {
    if (!(error instanceof TimestampError)) throw error;
    if (error.code === 'BadRoots') {
      throw new TickmarkError('Usage', `--tsa-ca: ${error.message}`, { cause: error });
    }
    return breakOf(
      'BadToken',
      tokenKey(link.digest),
      [link.sequence],
      `the timestamp of ${nameOf(link)} does not hold: ${error.message}`,
    );
  }
}

/** Bundles that nobody stamped, and those that nobody was to stamp. */
function* noteMissing(
  links: readonly SoundLink[],
  unstamped: readonly SoundLink[],
  isRequired: boolean,
): Generator<Finding> {
  const told = (code: 'Unstamped' | 'NoTimestamp', without: readonly SoundLink[], what: string) => {
    const bundles = without.map(({ sequence }) => sequence);
    const message = `${bundlesNamed(bundles)}: ${what}`;
    return (isRequired ? breakOf : noteOf)(code, without[0]?.key ?? '', bundles, message);
  };
  if (unstamped.length > 0) {
    yield told(
      'Unstamped',
      unstamped,
      `to be stamped, and no timestamp came; the next tickmark run asks the authority again. Until then only the timestamp of a later bundle says when they were there`,
    );
  }
  const authoritiesOfAll = links.map(({ manifest }) => manifest.timestamps.authorities.length);
  const lastDue = links[authoritiesOfAll.findLastIndex((count) => count > 0)]?.sequence ?? 0;
  // The token of the night covers the backfill before it.
  const without = links.filter(
    ({ sequence, manifest }, index) =>
      authoritiesOfAll[index] === 0 && !(manifest.kind === 'backfill' && sequence < lastDue),
  );
  if (without.length > 0) {
    yield told(
      'NoTimestamp',
      without,
      'no timestamp authority was configured: nobody else says when they were there; name one with timestamps: in tickmark.yaml',
    );
  }
}

/** Tokens whose time and the bundle's own do not go together. */
function* noteTimes(links: readonly SoundLink[], stamped: readonly Stamped[]): Generator<Finding> {
  // A clock that a person set says so itself.
  const real = stamped.filter(({ link }) => link.manifest.clock === 'system');
  const missed = new Set(links.flatMap(({ manifest }) => manifest.timestamps.missing));
  const afterMs = ({ link, stamp }: Stamped) =>
    stamp.time.getTime() - Date.parse(link.manifest.finished_at);
  const late = real.filter((each) => afterMs(each) > lateMs || missed.has(each.link.sequence));
  if (late.length > 0) {
    const bundles = late.map(({ link }) => link.sequence);
    yield noteOf(
      'LateStamp',
      manifestKey(bundles[0] ?? 0),
      bundles,
      `${bundlesNamed(bundles)}: stamped later than the run (${timesOf(late)}); that they were there before nobody else says`,
    );
  }
  const ahead = real.filter((each) => afterMs(each) < -toleranceMs);
  if (ahead.length > 0) {
    const bundles = ahead.map(({ link }) => link.sequence);
    yield noteOf(
      'ClockAhead',
      manifestKey(bundles[0] ?? 0),
      bundles,
      `${bundlesNamed(bundles)}: stamped before they say that they ended (${timesOf(ahead)}): the clock of the machine was ahead, or was set; go by the timestamp`,
    );
  }
}

/** The first of them stand for all. */
const mostTimes = 3;

function timesOf(stamped: readonly Stamped[]): string {
  const named = stamped
    .slice(0, mostTimes)
    .map(
      ({ link, stamp }) =>
        `${link.sequence} ended ${link.manifest.finished_at}, stamped ${stamp.time.toISOString()}`,
    );
  return stamped.length > mostTimes ? `${named.join('; ')}; …` : named.join('; ');
}

function authoritiesOf(stamped: readonly Stamped[]): string[] {
  return [...new Set(stamped.map(({ stamp }) => stamp.authority))];
}
