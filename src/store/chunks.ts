/**
 * Chunks: a few lines of a list each. The chunks that are written together lie one behind the other
 * in packs, so that a night needs few objects (docs/formats/store.md).
 */
import { TickmarkError } from '../evidence/errors.ts';
import { sha256 } from '../evidence/json.ts';
import type { Backend } from './backend.ts';
import { readObject, writeObject } from './objects.ts';

export interface Chunk {
  /** SHA-256 of its text. */
  digest: string;
  /** Number of lines. */
  count: number;
  /** Size of its text. */
  bytes: number;
  /** The object that its text lies in. */
  pack: string;
  /** Where in the pack it begins, in bytes. */
  offset: number;
}

/** A pack gets no larger, but for one of a single chunk: whoever reads a chunk unfolds its pack. */
export const mostPackBytes = 1024 * 1024;

/** So many packs are written at once: each waits for a disk or a network. */
const writesAtOnce = 8;

/** So many packs are read at once, each of which waits for a disk or a network, and so much of them. */
const mostRead = { packs: 32, bytes: 4 * 1024 * 1024 };

/** Writes the chunks of one list into packs, in the order that they come in. */
export class PackWriter {
  readonly #backend: Backend;
  readonly #writes = new Set<Promise<unknown>>();
  readonly #failures: unknown[] = [];
  #texts: Buffer[] = [];
  #chunks: Chunk[] = [];
  #bytes = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** @returns the chunk; it names its pack as soon as `end` is through. */
  async add(text: Buffer, digest: string, count: number): Promise<Chunk> {
    if (this.#bytes > 0 && this.#bytes + text.length > mostPackBytes) await this.#write();
    const chunk = { digest, count, bytes: text.length, pack: '', offset: this.#bytes };
    this.#texts.push(text);
    this.#chunks.push(chunk);
    this.#bytes += text.length;
    return chunk;
  }

  /** Writes what is left. @throws whatever a write failed with */
  async end(): Promise<void> {
    if (this.#bytes > 0) await this.#write();
    await this.settle();
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  /** Waits until nothing is under way any more. */
  async settle(): Promise<void> {
    await Promise.all(this.#writes);
  }

  async #write(): Promise<void> {
    const chunks = this.#chunks;
    // Kept until it is thrown: a write may fail long before anybody waits for it.
    const write = writeObject(this.#backend, Buffer.concat(this.#texts))
      .then((pack) => {
        for (const chunk of chunks) chunk.pack = pack;
      })
      .catch((error: unknown) => this.#failures.push(error))
      .finally(() => this.#writes.delete(write));
    this.#writes.add(write);
    this.#texts = [];
    this.#chunks = [];
    this.#bytes = 0;
    if (this.#writes.size >= writesAtOnce) await Promise.race(this.#writes);
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}

/**
 * Reads the texts of chunks, each pack once and in no order.
 * @param take called once for each place. The text is part of its pack: who keeps it copies it.
 * @throws TickmarkError IntegrityBroken
 */
export async function readTexts(
  backend: Backend,
  chunks: Iterable<Chunk>,
  take: (chunk: Chunk, text: Buffer) => void,
): Promise<void> {
  const read = async ([pack, wanted]: [string, Chunk[]]) => {
    const bytes = await readObject(backend, pack);
    const places = placesIn(wanted, bytes.length);
    if (places === undefined) throw broken(backend, overlapIn(pack));
    for (const chunk of places) take(chunk, textIn(bytes, chunk, backend));
  };
  let next: [string, Chunk[]][] = [];
  let bytes = 0;
  for (const pack of byPack(chunks)) {
    // As far as the last that is wanted: a pack has at least that much.
    const [, wanted] = pack;
    bytes += wanted.reduce((end, chunk) => Math.max(end, chunk.offset + chunk.bytes), 0);
    next.push(pack);
    if (next.length < mostRead.packs && bytes < mostRead.bytes) continue;
    await Promise.all(next.map(read));
    next = [];
    bytes = 0;
  }
  await Promise.all(next.map(read));
}

/** So much text is held at once by who reads the lines of many chunks, unless one alone has more. */
const mostHeldBytes = 4 * 1024 * 1024;

/**
 * The lines of chunks, in their order. The next of them are read together, since neighbours lie in
 * packs of many nights. @throws TickmarkError IntegrityBroken
 */
export async function* readLines(
  backend: Backend,
  chunks: Iterable<Chunk>,
): AsyncGenerator<unknown[]> {
  let next: Chunk[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    if (next.length > 0 && bytes + chunk.bytes > mostHeldBytes) {
      yield* linesOf(backend, next);
      next = [];
      bytes = 0;
    }
    next.push(chunk);
    bytes += chunk.bytes;
  }
  yield* linesOf(backend, next);
}

async function* linesOf(backend: Backend, chunks: readonly Chunk[]): AsyncGenerator<unknown[]> {
  const texts = new Map<string, Buffer>();
  await readTexts(backend, chunks, ({ digest }, text) => texts.set(digest, Buffer.from(text)));
  for (const chunk of chunks) {
    yield parseLines(texts.get(chunk.digest) as Buffer, chunk, backend);
  }
}

export function byPack(chunks: Iterable<Chunk>): Map<string, Chunk[]> {
  const packs = new Map<string, Chunk[]>();
  for (const chunk of chunks) {
    const known = packs.get(chunk.pack);
    if (known === undefined) packs.set(chunk.pack, [chunk]);
    else known.push(chunk);
  }
  return packs;
}

/**
 * Chunks of one pack, each place once: a list may hold the same text twice. Undefined where they
 * have more text than there is room, in bytes: then they overlap, and reading them all could cost
 * far more than the pack is long.
 */
export function placesIn(chunks: Iterable<Chunk>, room: number): Iterable<Chunk> | undefined {
  const places = new Map<number, Chunk>();
  let left = room;
  for (const chunk of chunks) {
    const { digest, count, bytes, offset } = chunk;
    const known = places.get(offset);
    if (known?.digest === digest && known.count === count && known.bytes === bytes) continue;
    left -= bytes;
    if (known !== undefined || left < 0) return undefined;
    places.set(offset, chunk);
  }
  return places.values();
}

/** The text of a chunk. @throws TickmarkError IntegrityBroken */
export function textIn(pack: Buffer, chunk: Chunk, backend: Backend): Buffer {
  const text = pack.subarray(chunk.offset, chunk.offset + chunk.bytes);
  if (text.length === chunk.bytes && sha256(text) === chunk.digest) return text;
  throw broken(
    backend,
    `object ${chunk.pack} does not hold chunk ${chunk.digest} where an index says`,
  );
}

/** The lines of a chunk. @throws TickmarkError IntegrityBroken */
export function parseLines(text: Buffer, chunk: Chunk, backend: Backend): unknown[] {
  return textLines(text, chunk, backend).map((line) => parseLine(line, chunk, backend));
}

/** The lines of a chunk as text, not parsed yet. @throws TickmarkError IntegrityBroken */
export function textLines(text: Buffer, chunk: Chunk, backend: Backend): string[] {
  // Counted before anything is made of them: a small file may unfold to millions of lines.
  if (countLines(text) !== chunk.count || text.at(-1) !== 10) throw noChunk(chunk, backend);
  return text.toString('utf8').split('\n').slice(0, -1);
}

/** One of them. @throws TickmarkError IntegrityBroken */
export function parseLine(line: string, chunk: Chunk, backend: Backend): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw noChunk(chunk, backend);
  }
}

function noChunk({ digest, count, pack }: Chunk, backend: Backend): TickmarkError {
  return broken(backend, `chunk ${digest} in object ${pack} does not have ${count} lines`);
}

function countLines(text: Buffer): number {
  let lines = 0;
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) lines += 1;
  return lines;
}

export function overlapIn(pack: string): string {
  return `the chunks that are said to lie in object ${pack} overlap`;
}

export function broken(backend: Backend, what: string): TickmarkError {
  return new TickmarkError(
    'IntegrityBroken',
    `${backend.location}: ${what}; restore it from a copy`,
  );
}
