/**
 * Content-addressed objects: gzip, named by the SHA-256 of what is inside, written once
 * (docs/formats/store.md).
 */
import { promisify } from 'node:util';
import { gunzip, gunzipSync, gzip, gzipSync } from 'node:zlib';
import { TickmarkError } from '../evidence/errors.ts';
import { sha256 } from '../evidence/json.ts';
import type { Backend } from './backend.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** An object may not unfold to more than this; a pack is far smaller. */
export const mostBytes = 64 * 1024 * 1024;

/** What is smaller is (un)folded at once: handing it to another thread costs more. */
const smallBytes = 64 * 1024;

/** Bytes that an object is unfolded into at a time; a pack fits into the most. */
const leastRoom = 1024;
const mostRoom = 2 * 1024 * 1024;

export function objectKey(digest: string): string {
  return `objects/${digest.slice(0, 2)}/${digest}.gz`;
}

/** Writes an object if it is not there yet. @returns its digest. */
export async function writeObject(backend: Backend, bytes: Uint8Array): Promise<string> {
  const digest = sha256(bytes);
  const stored =
    bytes.length > smallBytes ? await compress(bytes, { level: 9 }) : gzipSync(bytes, { level: 9 });
  const key = objectKey(digest);
  // One that is there already may be a leftover that is about to be cleaned away.
  if (!(await backend.create(key, stored))) await backend.renew(key, stored);
  return digest;
}

/** Reads an object and holds it against its name. @throws TickmarkError IntegrityBroken */
export async function readObject(backend: Backend, digest: string): Promise<Buffer> {
  const key = objectKey(digest);
  const stored = await backend.read(key);
  if (stored === undefined) {
    throw new TickmarkError(
      'IntegrityBroken',
      `${key} is missing from ${backend.location}: evidence was lost or removed; restore it from a copy`,
    );
  }
  const bytes = await unfold(stored);
  if (bytes !== undefined && sha256(bytes) === digest) return bytes;
  throw new TickmarkError(
    'IntegrityBroken',
    `${key} in ${backend.location} is not what its name says: it was changed or damaged; restore it from a copy`,
  );
}

/** What an object holds; undefined where it is no gzip, or unfolds to more than any object has. */
export async function unfold(stored: Uint8Array): Promise<Buffer | undefined> {
  const options = { maxOutputLength: mostBytes, chunkSize: roomFor(stored) };
  try {
    return stored.length > smallBytes
      ? await decompress(stored, options)
      : gunzipSync(stored, options);
  } catch {
    return undefined;
  }
}

/**
 * As many bytes as a gzip says that it holds (RFC 1952, 2.3.1), and one to see its end by: it is then
 * unfolded in one piece, and no pieces are left behind. It may say anything, so within limits.
 */
function roomFor(stored: Uint8Array): number {
  const end = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  const said = stored.length < 4 ? 0 : end.getUint32(stored.length - 4, true);
  return Math.min(Math.max(said + 1, leastRoom), mostRoom);
}
