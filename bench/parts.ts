/** What a store's bytes are made of. */
import type { Manifest } from '../src/seal/manifest.ts';
import type { Backend } from '../src/store/backend.ts';
import { readChunks, type StoredList } from '../src/store/lists.ts';
import { objectKey } from '../src/store/objects.ts';

export const parts = [
  'records',
  'results',
  'statuses',
  'questions',
  'receipts',
  'indexes',
  'manifests and signatures',
  'others',
] as const;

/** `questions` and `receipts` are the two halves of call traces; `others`: control files, keys. */
export type Part = (typeof parts)[number];

/** Tells of any key that this manifest, or another before it, names which part it is of. */
export async function partsOf(
  backend: Backend,
  manifests: readonly Manifest[],
): Promise<(key: string) => Part> {
  const partOf = new Map<string, Part>();
  for (const manifest of manifests) {
    for (const [part, list] of listsOf(manifest)) {
      for (const { pack } of await readChunks(backend, list)) partOf.set(objectKey(pack), part);
      if (list.chunks !== null) partOf.set(objectKey(list.chunks), 'indexes');
    }
    for (const digest of receiptsOf(manifest)) partOf.set(objectKey(digest), 'receipts');
  }
  return (key) =>
    /^(bundles|seals)\//.test(key) ? 'manifests and signatures' : (partOf.get(key) ?? 'others');
}

/** Bytes of each part. */
export function bytesByPart(
  sizes: ReadonlyMap<string, number>,
  partOf: (key: string) => Part,
): Record<Part, number> {
  const bytes = Object.fromEntries(parts.map((part) => [part, 0])) as Record<Part, number>;
  for (const [key, size] of sizes) bytes[partOf(key)] += size;
  return bytes;
}

/** Every list that a manifest names, with what it holds. */
export function listsOf({ slices, sources, results }: Manifest): [Part, StoredList][] {
  return [
    ...slices.map(({ records }): [Part, StoredList] => ['records', records]),
    ...[...slices, ...sources].map(({ calls }): [Part, StoredList] => ['questions', calls]),
    ...(results === null
      ? []
      : [
          ['results', results.list] as [Part, StoredList],
          ['statuses', results.statuses] as [Part, StoredList],
        ]),
  ];
}

/** Digests of the objects that hold receipts of calls. */
export function receiptsOf({ slices, sources }: Manifest): string[] {
  return [...slices, ...sources]
    .map(({ calls }) => calls.receipts)
    .filter((receipts) => receipts !== null);
}
