/** What is sealed, as an archive holds it: a store that can be verified like any other. */
import { TickmarkError } from '../evidence/errors.ts';
import { compareText, sha256 } from '../evidence/json.ts';
import { manifestKey, sequenceOf, signatureKey, tokenKey } from '../seal/manifest.ts';
import type { Backend } from '../store/backend.ts';
import { objectKey } from '../store/objects.ts';
import type { Store } from '../store/store.ts';

/** The names that a store gives; what is called otherwise is somebody else's. */
const ownNames =
  /^(?:bundles\/\d{8}\.json|seals\/[0-9a-f]{64}\.(?:sig|tst)|objects\/[0-9a-f]{2}\/[0-9a-f]{64}\.gz)$/;

/** So many files are read at once: each waits for a disk or a network. */
const readsAtOnce = 16;

/**
 * Every file of a store up to a bundle, byte for byte.
 * @param head the newest bundle: what was sealed since is left out.
 * @param objects keys of the only objects that are wanted; left out: all.
 */
export async function* sealedFiles(
  { backend }: Store,
  head: number,
  objects?: ReadonlySet<string>,
): AsyncGenerator<{ key: string; bytes: Uint8Array }> {
  const keys: string[] = [];
  for (const prefix of ['bundles', 'seals', 'objects']) {
    for await (const { key, temporary } of backend.entries(prefix)) {
      if (!temporary && ownNames.test(key)) keys.push(key);
    }
  }
  const newer = await newerThan(head, keys, backend);
  const isWanted = (key: string) =>
    !newer.has(key) && (objects === undefined || !key.startsWith('objects/') || objects.has(key));
  const wanted = keys.filter(isWanted).sort(compareText);
  for (let next = 0; next < wanted.length; next += readsAtOnce) {
    const group = wanted.slice(next, next + readsAtOnce);
    yield* await Promise.all(
      group.map(async (key) => ({ key, bytes: await readFile(backend, key) })),
    );
  }
}

/** Manifests behind a bundle, and their seals. */
async function newerThan(
  head: number,
  keys: readonly string[],
  backend: Backend,
): Promise<Set<string>> {
  const newer = new Set<string>();
  for (const sequence of keys.map(sequenceOf)) {
    if (sequence === undefined || sequence <= head) continue;
    const key = manifestKey(sequence);
    const digest = sha256(await readFile(backend, key));
    for (const each of [key, signatureKey(digest), tokenKey(digest)]) newer.add(each);
  }
  return newer;
}

async function readFile(backend: Backend, key: string): Promise<Uint8Array> {
  const bytes = await backend.read(key);
  if (bytes !== undefined) return bytes;
  throw new TickmarkError(
    'StoreUnavailable',
    `${key} was there and is gone from ${backend.location}: something cleans up meanwhile; export again when it has ended`,
  );
}

/** The objects that hold nothing of what was collected, by their keys: public keys, control files. */
export async function objectsWithoutEvidence(store: Store, head: number): Promise<Set<string>> {
  const digests = new Set((await publicKeys(store, head)).keys());
  for await (const { manifest } of store.bundles()) {
    if (manifest.sequence > head) continue;
    for (const { digest } of manifest.controls) digests.add(digest);
  }
  return new Set([...digests].map(objectKey));
}

/** The public keys that any manifest names, by their fingerprints, in PEM form. */
export async function publicKeys(store: Store, head: number): Promise<Map<string, string>> {
  const fingerprints = new Set<string>();
  for await (const { manifest } of store.bundles()) {
    const { sequence, signature } = manifest;
    if (signature === null || sequence > head) continue;
    for (const each of [signature.key, ...signature.signers]) fingerprints.add(each);
  }
  const keys = new Map<string, string>();
  for (const fingerprint of [...fingerprints].sort(compareText)) {
    const lines = (await store.readBytes(fingerprint)).toString('base64').match(/.{1,64}/g) ?? [];
    const text = ['-----BEGIN PUBLIC KEY-----', ...lines, '-----END PUBLIC KEY-----', ''];
    keys.set(fingerprint, text.join('\n'));
  }
  return keys;
}
