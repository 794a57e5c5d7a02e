/**
 * Looks single lines up in sorted lists, by halves: one resource of thousands costs a few reads.
 * Nights share nearly all of their chunks, so that a year of them costs little more than one.
 */
import type { Backend } from './backend.ts';
import { type Chunk, parseLines, textIn } from './chunks.ts';
import { readChunks, type StoredList } from './lists.ts';
import { readObject } from './objects.ts';

/** So much of what was read is held, in bytes of text: packs as they are, lines that take ten times as much. */
const mostHeldBytes = { packs: 8 * 1024 * 1024, lines: 2 * 1024 * 1024 };

/** So many lists are held by what their chunks are: somebody looks several lines up in each. */
const mostHeldLists = 8;

/** Holds what was asked for last, up to so many bytes. */
class Held<T> {
  readonly #most: number;
  readonly #held = new Map<string, { value: T; bytes: number }>();
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get(name: string): T | undefined {
    const known = this.#held.get(name);
    if (known === undefined) return undefined;
    this.#held.delete(name);
    this.#held.set(name, known);
    return known.value;
  }

  set(name: string, value: T, bytes: number): void {
    this.#bytes += bytes - (this.#held.get(name)?.bytes ?? 0);
    this.#held.set(name, { value, bytes });
    for (const [oldest, { bytes: size }] of this.#held) {
      if (this.#bytes <= this.#most) break;
      this.#held.delete(oldest);
      this.#bytes -= size;
    }
  }
}

/** Reads chunks, and holds those that were asked for last, with the packs that they lie in. */
export class ChunkReader {
  readonly backend: Backend;
  readonly #lines = new Held<readonly unknown[]>(mostHeldBytes.lines);
  readonly #packs = new Held<Buffer>(mostHeldBytes.packs);
  readonly #lists = new Map<string, { chunks: readonly Chunk[]; digests: ReadonlySet<string> }>();
  /** Where each name was found last, and in which list that was; no chunk: it was not there. */
  readonly #last = new Map<string, { list: string; chunk: string | null; line: unknown }>();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** The lines of a chunk. @throws TickmarkError IntegrityBroken */
  async lines(chunk: Chunk): Promise<readonly unknown[]> {
    const known = this.#lines.get(chunk.digest);
    // The count is an index's word, and another index may say another.
    if (known !== undefined && known.length === chunk.count) return known;
    const text = textIn(await this.#pack(chunk.pack), chunk, this.backend);
    const lines = parseLines(text, chunk, this.backend);
    this.#lines.set(chunk.digest, lines, text.length);
    return lines;
  }

  /**
   * The one line of a list that is looked for, night after night: while the chunk that had it is
   * there, it is not looked for again.
   * @param name what is looked for; no other place may go by it.
   * @throws TickmarkError IntegrityBroken
   */
  async find<T>(
    list: StoredList,
    name: string,
    place: (line: T) => number,
  ): Promise<T | undefined> {
    const last = this.#last.get(name);
    if (last?.list === list.digest) return last.line as T | undefined;
    const { chunks, digests } = await this.#chunksOf(list);
    const isThere = last !== undefined && last.chunk !== null && digests.has(last.chunk);
    const [found] = isThere ? [] : await findLines<T>(chunks, this, place);
    const now = isThere ? last : { chunk: found?.chunk.digest ?? null, line: found?.line };
    this.#last.set(name, { ...now, list: list.digest });
    return now.line as T | undefined;
  }

  async #chunksOf(
    list: StoredList,
  ): Promise<{ chunks: readonly Chunk[]; digests: ReadonlySet<string> }> {
    const key = `${list.digest} ${list.chunks}`;
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const chunks = await readChunks(this.backend, list);
    const read = { chunks, digests: new Set(chunks.map(({ digest }) => digest)) };
    this.#lists.set(key, read);
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= mostHeldLists) break;
      this.#lists.delete(oldest);
    }
    return read;
  }

  async #pack(digest: string): Promise<Buffer> {
    const known = this.#packs.get(digest);
    if (known !== undefined) return known;
    const bytes = await readObject(this.backend, digest);
    this.#packs.set(digest, bytes, bytes.length);
    return bytes;
  }
}

/** A line that was looked for. */
export interface Found<T> {
  line: T;
  /** Where it stands: while a list has this chunk, it has the line. */
  chunk: Chunk;
  /** Its number in the list, from 0. */
  row: number;
}

/**
 * The lines of a list that are looked for; they stand together.
 * @param place whether a line stands before (below 0), among (0) or behind those looked for.
 */
export async function findLines<T>(
  chunks: readonly Chunk[],
  reader: ChunkReader,
  place: (line: T) => number,
): Promise<Found<T>[]> {
  // The digests tie the lines to what was written under the same format.
  const linesOf = async (index: number) =>
    (await reader.lines(chunks[index] as Chunk)) as readonly T[];
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const last = (await linesOf(middle)).at(-1);
    if (last !== undefined && place(last) < 0) low = middle + 1;
    else high = middle;
  }
  const found: Found<T>[] = [];
  let row = chunks.slice(0, low).reduce((sum, { count }) => sum + count, 0);
  for (let index = low; index < chunks.length; index += 1) {
    for (const line of await linesOf(index)) {
      const at = place(line);
      if (at > 0) return found;
      if (at === 0) found.push({ line, chunk: chunks[index] as Chunk, row });
      row += 1;
    }
  }
  return found;
}
