/**
 * Content-addressed objects: gzip, named by the SHA-256 of what is inside, written once.
 * Lists are JSON lines cut into chunks at boundaries that depend on the lines' keys alone, so
 * that one changed line changes one chunk (docs/formats/store.md).
 */

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { TickmarkError } from '../evidence/errors.ts';
import { canonicalJson, sha256 } from '../evidence/json.ts';
import type { Backend } from './backend.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** An object may not unfold to more than this; a chunk is far smaller. */
const mostBytes = 64 * 1024 * 1024;

/** Long lines end a chunk early, so that it can always be read back. */
const mostChunkCharacters = 4 * 1024 * 1024;

/** On average one line in so many ends a chunk. */
const linesPerChunk = 128;

/** A list as it stands in a manifest. */
export interface StoredList {
  /** Number of lines. */
  count: number;
  /** SHA-256 of all lines, each with its line feed, one after the other. */
  digest: string;
  chunks: { digest: string; count: number }[];
}

export function objectKey(digest: string): string {
  return `objects/${digest.slice(0, 2)}/${digest}.gz`;
}

/** Writes an object if it is not there yet. @returns its digest. */
export async function writeObject(backend: Backend, bytes: Uint8Array): Promise<string> {
  const digest = sha256(bytes);
  await backend.create(objectKey(digest), await compress(bytes, { level: 9 }));
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
  let bytes: Buffer;
  try {
    bytes = await decompress(stored, { maxOutputLength: mostBytes });
  } catch (cause) {
    throw changed(backend, key, cause);
  }
  if (sha256(bytes) !== digest) throw changed(backend, key);
  return bytes;
}

function changed(backend: Backend, key: string, cause?: unknown): TickmarkError {
  return new TickmarkError(
    'IntegrityBroken',
    `${key} in ${backend.location} is not what its name says: it was changed or damaged; restore it from a copy`,
    { cause },
  );
}

/** Writes a list whose lines come in order; `keyOf` names the part that decides where to cut. */
export async function writeList<T>(
  backend: Backend,
  lines: Iterable<T>,
  keyOf: (line: T) => string,
): Promise<StoredList> {
  const whole = createHash('sha256');
  const chunks: { digest: string; count: number }[] = [];
  let count = 0;
  let pending: string[] = [];
  let size = 0;
  const flush = async () => {
    const bytes = Buffer.from(pending.join(''), 'utf8');
    whole.update(bytes);
    chunks.push({ digest: await writeObject(backend, bytes), count: pending.length });
    count += pending.length;
    pending = [];
    size = 0;
  };
  for (const line of lines) {
    const text = `${canonicalJson(line)}\n`;
    pending.push(text);
    size += text.length;
    if (endsChunk(keyOf(line)) || size > mostChunkCharacters) await flush();
  }
  if (pending.length > 0) await flush();
  return { count, digest: whole.digest('hex'), chunks };
}

/** Whether a chunk ends behind the line with this key: decided by the key alone. */
function endsChunk(key: string): boolean {
  return Number.parseInt(sha256(key).slice(0, 8), 16) % linesPerChunk === 0;
}

/** The lines of a list, chunk by chunk, each held against its digest. */
export async function* readList(backend: Backend, list: StoredList): AsyncGenerator<unknown[]> {
  const whole = createHash('sha256');
  let count = 0;
  for (const chunk of list.chunks) {
    const bytes = await readObject(backend, chunk.digest);
    whole.update(bytes);
    // Counted before anything is made of them: a small file may unfold to millions of lines.
    if (countLines(bytes) !== chunk.count) throw listBroken(backend, list);
    const lines = bytes.toString('utf8').split('\n').slice(0, -1);
    count += lines.length;
    yield lines.map((line) => JSON.parse(line) as unknown);
  }
  if (count !== list.count || whole.digest('hex') !== list.digest) {
    throw listBroken(backend, list);
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}

function listBroken(backend: Backend, list: StoredList): TickmarkError {
  return new TickmarkError(
    'IntegrityBroken',
    `a list of ${list.count} lines in ${backend.location} does not match its digest; the manifest or its chunks were changed`,
  );
}
