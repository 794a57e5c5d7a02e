import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { canonicalJson } from '../evidence/json.ts';
import type { Call, EvidenceRecord, Slice } from '../evidence/slice.ts';
import {
  type Bundle,
  formatManifest,
  type Manifest,
  parseManifest,
  type SealedSlice,
} from '../seal/manifest.ts';
import type { Backend } from './backend.ts';
import { readList, readObject, type StoredList, writeList, writeObject } from './objects.ts';

/** As many as eight digits can count: nights for a quarter of a million years. */
const lastSequence = 99_999_999;

/** A manifest before it has its place in the chain. */
export type Draft = Omit<Manifest, 'sequence' | 'previous'>;

/** Bundles on a backend: append only, each chained to the one before. */
export class Store {
  readonly backend: Backend;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** Writes a slice's records and calls; the manifest will name them. */
  async writeSlice(slice: Slice): Promise<SealedSlice> {
    const { records, calls, kept, ...header } = slice;
    return {
      ...header,
      ...(kept === undefined
        ? {}
        : { kept: await this.writeBytes(Buffer.from(canonicalJson(kept), 'utf8')) }),
      records: await writeList(this.backend, records, (record) => record.uid),
      calls: await this.writeCalls(calls),
    };
  }

  /** Writes a trace, sorted by the calls' ids. */
  async writeCalls(calls: readonly Call[]): Promise<StoredList> {
    return writeList(this.backend, calls, (call) => call.id);
  }

  async writeBytes(bytes: Uint8Array): Promise<string> {
    return writeObject(this.backend, bytes);
  }

  async readBytes(digest: string): Promise<Buffer> {
    return readObject(this.backend, digest);
  }

  /** A slice's records, chunk by chunk, sorted by uid. */
  async *records(slice: SealedSlice): AsyncGenerator<EvidenceRecord[]> {
    // The digests tie the lines to what `writeSlice` wrote under the same format.
    for await (const lines of readList(this.backend, slice.records))
      yield lines as EvidenceRecord[];
  }

  /**
   * Gives the manifest the next place in the chain and writes it: from then on the night is
   * sealed. Whoever loses the race for a place takes the next one.
   */
  async seal(draft: Draft): Promise<Bundle> {
    for (let tried = 0; ; ) {
      const last = await this.last();
      const sequence = (last?.manifest.sequence ?? 0) + 1;
      // A place that was lost is listed at the next look; a store that lists otherwise is broken.
      if (sequence <= tried || sequence > lastSequence) {
        throw new TickmarkError(
          'IntegrityBroken',
          `${this.backend.location} has no next place after bundle ${sequence - 1}: a manifest was put there by hand, or the folder does not list what was written; restore it from a copy`,
        );
      }
      tried = sequence;
      const manifest: Manifest = { ...draft, sequence, previous: last?.digest ?? null };
      const { bytes, digest } = formatManifest(manifest);
      assertReadable(bytes);
      if (await this.backend.create(manifestKey(manifest.sequence), bytes)) {
        return { manifest, digest };
      }
    }
  }

  /** The newest bundle, or undefined in an empty store. */
  async last(): Promise<Bundle | undefined> {
    const newest = (await this.#sequences()).at(-1);
    return newest === undefined ? undefined : this.#bundle(newest);
  }

  /** Newest first. */
  async *bundles(): AsyncGenerator<Bundle> {
    for (const sequence of (await this.#sequences()).reverse()) yield this.#bundle(sequence);
  }

  /** The bundle of a run, by its id or the beginning of it. @throws TickmarkError NotFound */
  async bundleOf(run: string): Promise<Bundle> {
    const found: Bundle[] = [];
    for await (const bundle of this.bundles()) {
      if (bundle.manifest.run.startsWith(run)) found.push(bundle);
    }
    const [only, another] = found;
    if (only !== undefined && another === undefined) return only;
    const which = only === undefined ? 'no run' : 'more than one run';
    throw new TickmarkError(
      'NotFound',
      `${which} in ${this.backend.location} begins with ${run}; give the whole id as the run printed it`,
    );
  }

  async #sequences(): Promise<number[]> {
    const keys = await this.backend.list('bundles');
    return keys
      .map((key) => /^bundles\/(\d{8})\.json$/.exec(key)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number);
  }

  async #bundle(sequence: number): Promise<Bundle> {
    const key = manifestKey(sequence);
    const bytes = await this.backend.read(key);
    if (bytes === undefined) {
      throw new TickmarkError(
        'IntegrityBroken',
        `${key} is gone from ${this.backend.location}; restore it from a copy`,
      );
    }
    const bundle = parseManifest(bytes, `${this.backend.location}/${key}`);
    if (bundle.manifest.sequence !== sequence) {
      throw new TickmarkError(
        'IntegrityBroken',
        `${key} in ${this.backend.location} holds bundle ${bundle.manifest.sequence}: files were exchanged; restore them from a copy`,
      );
    }
    return bundle;
  }
}

/** What cannot be read back must not be sealed: it would stop every later night. */
function assertReadable(bytes: Uint8Array): void {
  try {
    parseManifest(bytes, 'the new manifest');
  } catch (cause) {
    throw new TickmarkError(
      'StoreUnavailable',
      `nothing was sealed, since ${messageOf(cause)}; a collector handed over what no manifest can say: report it with --record`,
      { cause },
    );
  }
}

export function manifestKey(sequence: number): string {
  return `bundles/${String(sequence).padStart(8, '0')}.json`;
}
