/** What lies in a store, and what of it some manifest names. */
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';
import {
  type Bundle,
  type Manifest,
  manifestKey,
  signatureKey,
  tokenKey,
} from '../seal/manifest.ts';
import type { Backend, Entry } from './backend.ts';
import { readAnswerIndex } from './known-answers.ts';
import { indexesOf, readChunks, type StoredList } from './lists.ts';
import { objectKey } from './objects.ts';
import type { Store } from './store.ts';
import type { StoredTrace } from './trace.ts';

/** What a stored file is for. */
export const parts = [
  'manifests',
  'seals',
  'keys',
  'controls',
  'waivers',
  'records',
  'calls',
  'receipts',
  'results',
  'statuses',
  'samples',
  'indexes',
  'answers',
  'kept',
] as const;
export type Part = (typeof parts)[number];

export interface Inventory {
  /** Everything that lies in the store. */
  entries: Map<string, Entry>;
  /** What manifests name, with what it is for; a part that is named for two keeps the first. */
  named: Map<string, Part>;
  bundles: BundleSize[];
}

/** What one bundle takes. */
export interface BundleSize {
  sequence: number;
  /** Bytes of everything that it names. */
  whole: number;
  /** Bytes of what no bundle before it named. */
  added: number;
}

/**
 * Reads every manifest, and every index that it names. What is named and missing has no size.
 * @throws TickmarkError IntegrityBroken where a manifest or an index cannot be read: then nobody
 * knows what is named.
 */
export async function takeInventory(store: Store): Promise<Inventory> {
  const { backend } = store;
  const entries = new Map<string, Entry>();
  for (const prefix of ['bundles', 'seals', 'objects']) {
    for await (const entry of backend.entries(prefix)) entries.set(entry.key, entry);
  }
  const named = new Map<string, Part>();
  const sizes: BundleSize[] = [];
  // A list that comes again night after night is gone through once.
  const known = new Map<string, number>();
  const bundles = await oldestFirst(store);
  const hole = bundles.findIndex(({ manifest }, index) => manifest.sequence !== index + 1);
  if (hole >= 0) throw unknown(store, `bundle ${hole + 1} is missing`);
  for (const { manifest, digest } of bundles) {
    const size: BundleSize = { sequence: manifest.sequence, whole: 0, added: 0 };
    sizes.push(size);
    const file = (key: string, part: Part) => {
      const bytes = entries.get(key)?.bytes ?? 0;
      size.whole += bytes;
      if (named.has(key)) return bytes;
      named.set(key, part);
      size.added += bytes;
      return bytes;
    };
    const object = (of: string, part: Part) => file(objectKey(of), part);
    file(manifestKey(manifest.sequence), 'manifests');
    for (const key of [signatureKey(digest), tokenKey(digest)]) file(key, 'seals');
    for (const key of keysOf(manifest)) object(key, 'keys');
    for (const control of manifest.controls) object(control.digest, 'controls');
    if (manifest.waivers !== null) object(manifest.waivers.digest, 'waivers');
    for (const { kept } of manifest.slices) if (kept !== undefined) object(kept, 'kept');
    for (const { list, part } of listsOf(manifest)) {
      if ('receipts' in list && list.receipts !== null) object(list.receipts, 'receipts');
      if (list.chunks === null) continue;
      const before = known.get(list.chunks);
      size.whole += before ?? 0;
      if (before !== undefined) continue;
      let sum = 0;
      for (const index of await indexesOf(backend, list)) sum += object(index, 'indexes');
      const chunks = await readChunks(backend, list);
      for (const pack of new Set(chunks.map((each) => each.pack))) sum += object(pack, part);
      known.set(list.chunks, sum);
    }
    for (const { answers } of manifest.sources) {
      if (answers === undefined) continue;
      object(answers, 'answers');
      const index = await readAnswerIndex(store, answers);
      for (const { body } of Object.values(index)) object(body, 'answers');
    }
  }
  // A token comes after its manifest: one without was a bundle's that is not here any more.
  const stray = [...entries.keys()].find((key) => /^seals\/.*\.tst$/.test(key) && !named.has(key));
  if (stray !== undefined) throw unknown(store, `the bundle that ${stray} stamps is missing`);
  const lost = [...named].find(([key, part]) => part !== 'seals' && !entries.has(key));
  if (lost !== undefined) throw unknown(store, `${lost[0]} is missing`);
  return { entries, named, bundles: sizes };
}

function unknown({ backend }: Store, what: string): TickmarkError {
  return new TickmarkError(
    'IntegrityBroken',
    `${what} in ${backend.location}: what belongs to the store cannot be told; tickmark store check says more, then restore it from a copy`,
  );
}

/** The names that Tickmark gives; what is called otherwise is somebody else's. */
const ownNames = /^objects\/([0-9a-f]{2})\/\1[0-9a-f]{62}\.gz$/;
const ownTemporary = /\/\.tmp-[0-9a-f]{16}$/;

/**
 * What no manifest names. Files below `bundles/` are never among them: a manifest is removed by
 * nobody. Nor is a seal of a bundle that is not here: it may have been cut off, and come back.
 * @throws TickmarkError NotFound where there is no bundle: then it is no store, or not all of it.
 */
export function leftovers(
  { entries, named, bundles }: Inventory,
  olderThan: Date,
): { key: string; bytes: number }[] {
  if (bundles.length === 0) {
    throw new TickmarkError(
      'NotFound',
      'there is no bundle: this is no store, or not all of it, and nothing is removed; name the folder that tickmark run writes to',
    );
  }
  return [...entries.values()]
    .filter(({ key, modified, temporary }) => {
      if (modified >= olderThan) return false;
      return temporary ? ownTemporary.test(key) : !named.has(key) && ownNames.test(key);
    })
    .map(({ key, bytes }) => ({ key, bytes }))
    .sort((a, b) => compareText(a.key, b.key));
}

/**
 * Removes what `leftovers` found, folder by folder, but not what was written again meanwhile: a run
 * that is under way needs it, and has renewed it.
 * @returns how many were removed, and why others could not be.
 */
export async function removeLeftovers(
  backend: Backend,
  found: readonly { key: string }[],
  olderThan: Date,
): Promise<{ removed: number; refused: { key: string; reason: string }[] }> {
  const refused: { key: string; reason: string }[] = [];
  let removed = 0;
  let folder: string | undefined;
  let old = new Set<string>();
  for (const { key } of found) {
    const own = key.slice(0, key.lastIndexOf('/'));
    if (own !== folder) {
      folder = own;
      old = new Set();
      for await (const entry of backend.entries(own)) {
        if (entry.modified < olderThan) old.add(entry.key);
      }
    }
    if (!old.has(key)) continue;
    try {
      await backend.remove(key);
      removed += 1;
    } catch (error) {
      refused.push({ key, reason: messageOf(error) });
    }
  }
  return { removed, refused };
}

async function oldestFirst(store: Store): Promise<Bundle[]> {
  const bundles: Bundle[] = [];
  for await (const bundle of store.bundles()) bundles.push(bundle);
  return bundles.reverse();
}

function keysOf({ signature }: Manifest): string[] {
  return signature === null ? [] : [...new Set([signature.key, ...signature.signers])];
}

function listsOf({ slices, sources, results, sample }: Manifest): {
  list: StoredList | StoredTrace;
  part: Part;
}[] {
  return [
    ...slices.flatMap(({ records, calls }) => [
      { list: records, part: 'records' as const },
      { list: calls, part: 'calls' as const },
    ]),
    ...sources.map(({ calls }) => ({ list: calls, part: 'calls' as const })),
    ...(results === null
      ? []
      : [
          { list: results.list, part: 'results' as const },
          { list: results.statuses, part: 'statuses' as const },
        ]),
    ...(sample === undefined
      ? []
      : [
          { list: sample.population, part: 'samples' as const },
          { list: sample.items, part: 'samples' as const },
        ]),
  ];
}
