import { TickmarkError } from '../evidence/errors.ts';
import type { Backend } from '../store/backend.ts';
import { type Chunk, readLines } from '../store/chunks.ts';
import { readChunks, type StoredList } from '../store/lists.ts';

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
    // The count is the manifest's word, and another list may say another.
    const unread = chunks.filter(
      ({ digest, count }) => this.#chunks.get(digest)?.lines.length !== count,
    );
    let at = 0;
    for await (const lines of readLines(backend, unread)) {
      const chunk = unread[at] as Chunk;
      at += 1;
      const parsed = lines.map((line) => this.#parsed(line, chunk, backend));
      this.#chunks.set(chunk.digest, { lines: parsed, bundle: this.#bundle });
    }
    for (const { digest } of chunks) {
      const held = this.#chunks.get(digest) as { lines: readonly T[]; bundle: number };
      held.bundle = this.#bundle;
      yield held.lines;
    }
  }

  /** Goes on to the next bundle. */
  turn(): void {
    this.#bundle += 1;
    for (const [digest, { bundle }] of this.#chunks) {
      if (bundle <= this.#bundle - bundlesHeld) this.#chunks.delete(digest);
    }
  }

  #parsed(line: unknown, { digest }: Chunk, backend: Backend): T {
    const parsed = this.#parse(line);
    if (parsed !== undefined) return parsed;
    throw new TickmarkError(
      'IntegrityBroken',
      `${backend.location}: chunk ${digest} holds a line that Tickmark never writes there; restore it from a copy`,
    );
  }
}
