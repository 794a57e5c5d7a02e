/** The manifests: are all there, is each the one that the next names, is each a manifest? */
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { sha256 } from '../evidence/json.ts';
import { type Manifest, manifestKey, parseManifest, sequenceOf } from '../seal/manifest.ts';
import type { Backend } from '../store/backend.ts';
import { breakOf, bundlesNamed, type Finding, noteOf } from './finding.ts';

/** A head that somebody kept where the store's writers cannot change it. */
export interface Head {
  /** Left out: any bundle of that digest. */
  sequence?: number;
  digest: string;
}

/** A manifest's file as it was found. */
export interface Link {
  sequence: number;
  key: string;
  bytes: Uint8Array;
  digest: string;
  /** What it says, or undefined where it says nothing that can be read. */
  manifest: Manifest | undefined;
  /** The day when its run began, for messages; empty where it cannot be told. */
  day: string;
  /** The digest of the manifest before, as it says itself, whatever else it says. */
  previous: unknown;
}

/** A link whose manifest can be read. */
export type SoundLink = Link & { manifest: Manifest };

export function isSound(link: Link | undefined): link is SoundLink {
  return link?.manifest !== undefined;
}

/** `bundle 7 (2026-01-07)`. */
export function nameOf({ sequence, day }: Pick<Link, 'sequence' | 'day'>): string {
  return day === '' ? `bundle ${sequence}` : `bundle ${sequence} (${day})`;
}

/** So many manifests are read at once. */
const readsAtOnce = 32;

/** Of a longer hole only the first and the last missing bundle are listed. */
const mostMissingListed = 10_000;

/**
 * The cheap checks: no hole, every manifest's bytes are those that the next one names, and the heads
 * given by hand. @returns what was found, in order.
 */
export async function* verifyLinks(
  backend: Pick<Backend, 'location' | 'read' | 'list'>,
  heads: readonly Head[],
): AsyncGenerator<Finding, Link[]> {
  const listed = (await backend.list('bundles')).map(sequenceOf);
  const sequences = listed.filter((each) => each !== undefined);
  if (sequences.length === 0) {
    yield breakOf(
      'NothingToVerify',
      'bundles',
      [],
      `${backend.location} holds no bundle: there is nothing to verify; check the place, or restore bundles/ from a copy`,
    );
    return [];
  }
  const links: Link[] = [];
  let expected = 1;
  for (let from = 0; from < sequences.length; from += readsAtOnce) {
    const batch = sequences.slice(from, from + readsAtOnce);
    const files = await Promise.all(batch.map((sequence) => readManifest(backend, sequence)));
    for (const [index, file] of files.entries()) {
      const sequence = batch[index] as number;
      if (sequence > expected) yield missing(expected, sequence - 1);
      expected = sequence + 1;
      if (file === undefined) yield missing(sequence, sequence);
      else if ('fault' in file) yield file.fault;
      else {
        const before = links.at(-1);
        yield* verifyLink(file, before?.sequence === sequence - 1 ? before : undefined);
        links.push(file);
      }
    }
  }
  yield* verifyHeads(links, heads);
  return links;
}

async function readManifest(
  backend: Pick<Backend, 'read'>,
  sequence: number,
): Promise<Link | { fault: Finding } | undefined> {
  const key = manifestKey(sequence);
  let bytes: Uint8Array | undefined;
  try {
    bytes = await backend.read(key);
  } catch (error) {
    if (!(error instanceof TickmarkError) || error.code !== 'IntegrityBroken') throw error;
    return { fault: breakOf('DamagedManifest', key, [sequence], error.message) };
  }
  if (bytes === undefined) return undefined;
  const said = readLoosely(bytes);
  const day = typeof said?.started_at === 'string' ? said.started_at.slice(0, 10) : '';
  const known = /^\d{4}-\d\d-\d\d$/.test(day) ? day : '';
  const link = { sequence, key, bytes, digest: sha256(bytes), manifest: undefined, day: known };
  return { ...link, previous: said?.previous };
}

/** What stands in a manifest that may be damaged; undefined where it is not even a JSON object. */
function readLoosely(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return value !== null && typeof value === 'object' ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function missing(first: number, last: number): Finding {
  const count = last - first + 1;
  const bundles =
    count > mostMissingListed ? [first, last] : Array.from({ length: count }, (_, i) => first + i);
  return breakOf(
    'MissingBundle',
    manifestKey(first),
    bundles,
    `${count === 1 ? `bundle ${first} is` : `bundles ${first}–${last} are`} missing: evidence was lost or removed; restore from a copy`,
  );
}

function* verifyLink({ previous, ...link }: Link, before: Link | undefined): Generator<Finding> {
  // That it cannot be read at all is said where its form is looked at.
  if (previous === undefined) return;
  if (link.sequence === 1 && previous !== null) {
    yield breakOf(
      'ChainBroken',
      link.key,
      [1],
      `${nameOf(link)} names a bundle before it, and there can be none: it was changed, or bundles before it were removed; restore from a copy`,
    );
  }
  if (before !== undefined && previous !== before.digest) {
    yield breakOf(
      'ChainBroken',
      before.key,
      [before.sequence],
      `${nameOf(before)} is not the one that ${nameOf(link)} names: its SHA-256 is ${before.digest}, and it should be ${previous}; one of the two was changed or exchanged: compare both with a copy, or with the head that each night printed`,
    );
  }
}

function* verifyHeads(links: readonly Link[], heads: readonly Head[]): Generator<Finding> {
  const last = links.at(-1)?.sequence ?? 0;
  let pinned = 0;
  for (const { sequence, digest } of heads) {
    if (sequence === undefined) {
      const link = links.find((each) => each.digest === digest);
      pinned = Math.max(pinned, link?.sequence ?? 0);
      if (link !== undefined) continue;
      yield breakOf(
        'HeadMismatch',
        'bundles',
        [],
        `no bundle has the head sha256:${digest}: that night was changed or removed, or the head is another store's; restore from a copy`,
      );
      continue;
    }
    const link = links.find((each) => each.sequence === sequence);
    if (link?.digest === digest) {
      pinned = Math.max(pinned, sequence);
      continue;
    }
    yield breakOf(
      'HeadMismatch',
      manifestKey(sequence),
      [sequence],
      link !== undefined
        ? `${nameOf(link)} is not the one of the head: its SHA-256 is ${link.digest}, and the head says ${digest}; it was changed, or the head is another store's: restore from a copy`
        : sequence > last
          ? `the store ends with bundle ${last}, and the head is of bundle ${sequence}: the newest bundles were cut off; restore them from a copy`
          : `bundle ${sequence} of the head is missing; restore it from a copy`,
    );
  }
  const open = links.map(({ sequence }) => sequence).filter((sequence) => sequence > pinned);
  if (open.length === 0) return;
  yield noteOf(
    'HeadNotGiven',
    manifestKey(last),
    open,
    heads.length === 0
      ? 'no head of the chain was given: that the newest bundles were cut off cannot be seen; compare the head with what that night printed, or give it with --head'
      : `no head was given for ${bundlesNamed(open)}: that bundles behind the newest head were changed or cut off cannot be seen by it; give the newest`,
  );
}

/** The form of each manifest; those that have it are set in `links`. */
export function* verifyForm(links: readonly Link[]): Generator<Finding> {
  const runs = new Map<string, Link>();
  for (const link of links) {
    try {
      link.manifest = parseManifest(link.bytes, link.key).manifest;
    } catch (error) {
      yield breakOf('DamagedManifest', link.key, [link.sequence], messageOf(error));
      continue;
    }
    const { sequence, run } = link.manifest;
    if (sequence !== link.sequence) {
      yield breakOf(
        'WrongPlace',
        link.key,
        [link.sequence],
        `${link.key} holds bundle ${sequence}: files were exchanged or added; restore them from a copy`,
      );
      // It says nothing of the place where it stands.
      link.manifest = undefined;
      continue;
    }
    const other = runs.get(run);
    if (other !== undefined) {
      yield breakOf(
        'DuplicateRun',
        link.key,
        [other.sequence, sequence],
        `${nameOf(other)} and ${nameOf(link)} say that they are the same run ${run}: one of them was made by hand; find out who wrote it`,
      );
    }
    runs.set(run, other ?? link);
  }
}

/** Times and modes that every bundle states of itself. */
export function* noteClocks(links: readonly SoundLink[]): Generator<Finding> {
  const of = (isMeant: (link: SoundLink) => boolean) =>
    links.filter(isMeant).map(({ sequence }) => sequence);
  const simulated = of(({ manifest }) => manifest.clock === 'simulated');
  if (simulated.length > 0) {
    yield noteOf(
      'SimulatedClock',
      manifestKey(simulated[0] ?? 0),
      simulated,
      `a person set the clock of ${bundlesNamed(simulated)}: their times prove nothing`,
    );
  }
  const replayed = of(({ manifest }) => manifest.answers === 'replayed');
  if (replayed.length > 0) {
    yield noteOf(
      'Replayed',
      manifestKey(replayed[0] ?? 0),
      replayed,
      `recorded exchanges answered in ${bundlesNamed(replayed)}, not the services: they show nothing of that time`,
    );
  }
  const real = links.filter(({ manifest }) => manifest.clock === 'system');
  const back = real.filter((link, index) => {
    const before = real[index - 1];
    return before !== undefined && endOf(link) < endOf(before);
  });
  if (back.length > 0) {
    yield noteOf(
      'ClockWentBack',
      back[0]?.key ?? '',
      back.map(({ sequence }) => sequence),
      `the clock went back before ${back.map(nameOf).join(', ')}: each says that it ended before the bundle that it follows; find out which machine's clock was wrong`,
    );
  }
}

function endOf({ manifest }: SoundLink): number {
  return Date.parse(manifest.finished_at);
}
