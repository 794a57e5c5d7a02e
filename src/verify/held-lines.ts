import { TickmarkError } from '../evidence/errors.ts';
import type { Backend } from '../store/backend.ts';
import { type Chunk, parseLines, readChunks, type StoredList } from '../store/lists.ts';
import { readObject } from '../store/objects.ts';

/** So many chunks are read at once: each waits for a disk or a network. */
const readsAtOnce = 32;

/** A chunk that so many bundles in a row did not name is let go of. */
const bundlesHeld = 3;

/**
 * Lines of chunks that were read: what did not change since the bundle before is neither read nor
 * parsed again. Jobs of several accounts may take turns in a store, so that a chunk is held for
 * more than one bundle; memory stays that of a few nights.
 */
export class HeldLines<T> {
  readonly #parse: (line: unknown) => T | undefined;
  readonly #chunks = new Map<string, { lines: readonly T[]; bundle: number }>();
  #bundle = 0;

  /** @param parse a line as it is held; undefined where it is not of the form. */
  constructor(parse: (line: unknown) => T | undefined) {
    this.#parse = parse;
  }

  /** The lines of a list, chunk by chunk. @throws TickmarkError IntegrityBroken */
  async *of(backend: Backend, list: StoredList): AsyncGenerator<readonly T[]> {
    const chunks = await readChunks(backend, list);
    for (let from = 0; from < chunks.length; from += readsAtOnce) {
      const next = chunks.slice(from, from + readsAtOnce);
      yield* await Promise.all(next.map((chunk) => this.#lines(backend, chunk)));
    }
  }

  /** Goes on to the next bundle. */
  turn(): void {
    this.#bundle += 1;
    for (const [digest, { bundle }] of this.#chunks) {
      if (bundle <= this.#bundle - bundlesHeld) this.#chunks.delete(digest);
    }
  }

  async #lines(backend: Backend, chunk: Chunk): Promise<readonly T[]> {
    const held = this.#chunks.get(chunk.digest);
    // The count is the manifest's word, and another list may say another.
    if (held !== undefined && held.lines.length === chunk.count) {
      held.bundle = this.#bundle;
      return held.lines;
    }
    const bytes = await readObject(backend, chunk.digest);
    const lines = parseLines(bytes, chunk, backend).map((line) => {
      const parsed = this.#parse(line);
      if (parsed !== undefined) return parsed;
      throw new TickmarkError(
        'IntegrityBroken',
        `${backend.location}: object ${chunk.digest} holds a line that Tickmark never writes there; restore it from a copy`,
      );
    });
    this.#chunks.set(chunk.digest, { lines, bundle: this.#bundle });
    return lines;
  }
}
