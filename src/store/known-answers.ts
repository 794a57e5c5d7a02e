/**
 * The answers that services may confirm (HTTP 304) instead of sending them again: bodies are
 * objects, and an index of them is an object that the manifest names for each source.
 */
import { z } from 'zod';
import { TickmarkError } from '../evidence/errors.ts';
import { canonicalJson } from '../evidence/json.ts';
import type { Store } from './store.ts';

const indexSchema = z.record(
  z.string(),
  z.strictObject({
    etag: z.string(),
    link: z.string().exactOptional(),
    body: z.string().regex(/^[0-9a-f]{64}$/),
  }),
);
type Index = z.infer<typeof indexSchema>;

/** Which answers an index names, by question. @throws TickmarkError IntegrityBroken */
export async function readAnswerIndex(store: Store, digest: string): Promise<Index> {
  const bytes = await store.readBytes(digest);
  try {
    return indexSchema.parse(JSON.parse(bytes.toString()));
  } catch (cause) {
    throw new TickmarkError(
      'IntegrityBroken',
      `object ${digest} in ${store.backend.location} is no index of answers; restore it from a copy`,
      { cause },
    );
  }
}

/** One source's answers: read from the night before, written for the next. */
export class StoredAnswers {
  readonly #store: Store;
  readonly #before: Index;
  readonly #now: Index = {};

  private constructor(store: Store, before: Index) {
    this.#store = store;
    this.#before = before;
  }

  /** @param digest the index that an earlier manifest names; undefined where there is none. */
  static async open(store: Store, digest: string | undefined): Promise<StoredAnswers> {
    if (digest === undefined) return new StoredAnswers(store, {});
    return new StoredAnswers(store, await readAnswerIndex(store, digest));
  }

  async find(question: string) {
    const known = Object.hasOwn(this.#before, question) ? this.#before[question] : undefined;
    if (known === undefined) return undefined;
    // Held for the next night too, whether it is confirmed or replaced.
    this.#now[question] = known;
    const { etag, link, body } = known;
    return { etag, link, body: await this.#store.readBytes(body), digest: body };
  }

  async keep(
    question: string,
    { etag, link, body }: { etag: string; link?: string | undefined; body: Uint8Array },
  ): Promise<void> {
    const digest = await this.#store.writeBytes(body);
    this.#now[question] = { etag, ...(link === undefined ? {} : { link }), body: digest };
  }

  /** Writes the index. @returns its digest; undefined where there is nothing to confirm. */
  async write(): Promise<string | undefined> {
    if (Object.keys(this.#now).length === 0) return undefined;
    return this.#store.writeBytes(Buffer.from(canonicalJson(this.#now), 'utf8'));
  }
}
