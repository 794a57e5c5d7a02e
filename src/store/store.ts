import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { canonicalJson, compareText, sha256 } from '../evidence/json.ts';
import type { Call, EvidenceRecord, Slice } from '../evidence/slice.ts';
import {
  type Bundle,
  formatManifest,
  type Manifest,
  manifestKey,
  parseManifest,
  type SealedSlice,
  sequenceOf,
  signatureKey,
  tokenKey,
} from '../seal/manifest.ts';
import { isSignatureOf, type PublicKey, publicKeyFrom, type Signer } from '../seal/signature.ts';
import type { Backend } from './backend.ts';
import { readList, type StoredList, writeList } from './lists.ts';
import { readObject, writeObject } from './objects.ts';
import { readTrace, type StoredTrace, writeTrace } from './trace.ts';

/** As many as eight digits can count: nights for a quarter of a million years. */
const lastSequence = 99_999_999;

/** So many bundles back an earlier list is looked for: jobs of other accounts lie in between. */
const bundlesLookedThrough = 64;

/** So many of the newest bundles are held against one another before the next is sealed. */
const bundlesHeldTogether = 16;

/** So many parsed manifests are held. */
const mostHeld = 8;

/** A manifest before it has its place in the chain. */
export type Draft = Omit<Manifest, 'sequence' | 'previous' | 'signature' | 'timestamps'>;

/** What a manifest is sealed with. */
export interface Sealing {
  /** Undefined: the manifest is not signed. */
  signer?: Signer | undefined;
  /** RFC 3161 authorities that will be asked to stamp it. */
  authorities: readonly string[];
  /** For a bundle of kind `keys`: a key that may sign from now on, or one that may no more. */
  introduce?: PublicKey;
  retire?: string;
  /** The keys of before are lost: the signer begins anew, which every verification will say. */
  anew?: boolean;
}

/** Nobody signs, nobody stamps. */
export const unsealed: Sealing = { authorities: [] };

/** What the bundles before hold of the same things: a night keeps what differs from it. */
interface Before {
  lists: Map<string, StoredList>;
  /** Index of known answers, by source. */
  answers: Map<string, string>;
}

/** Bundles on a backend: append only, each chained to the one before. */
export class Store {
  readonly backend: Backend;
  #before: Promise<Before> | undefined;
  /** Digests of what `writeBytes` has made durable. */
  readonly #written = new Set<string>();
  /** The manifests that were read last, by the SHA-256 of their bytes: each night looks at the same. */
  readonly #parsed = new Map<string, Bundle>();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** Writes a slice's records and calls; the manifest will name them. */
  async writeSlice(slice: Slice): Promise<SealedSlice> {
    const { records, calls, kept, ...header } = slice;
    // State comes again every night; what happened is told once.
    const cut = slice.kind === 'snapshot' ? 'fine' : 'coarse';
    const { lists } = await this.#lookBack();
    const [recordsKey, callsKey] = keysOf(slice);
    const base = (key: string) => (cut === 'fine' ? lists.get(key) : undefined);
    return {
      ...header,
      ...(kept === undefined
        ? {}
        : { kept: await this.writeBytes(Buffer.from(canonicalJson(kept), 'utf8')) }),
      records: await writeList(this.backend, records, ({ uid }) => uid, {
        cut,
        base: base(recordsKey),
      }),
      calls: await writeTrace(this.backend, calls, { cut, base: base(callsKey) }),
    };
  }

  /** Writes the calls that were made while connecting to a source, sorted by their ids. */
  async writeCalls(source: string, calls: readonly Call[]): Promise<StoredTrace> {
    const base = (await this.#lookBack()).lists.get(connectKey(source));
    return writeTrace(this.backend, calls, { cut: 'fine', base });
  }

  /** Writes lines made of results; `keyOf` names the part of a line that decides where to cut. */
  async writeResultLines<T>(
    what: 'results' | 'statuses',
    lines: Iterable<T>,
    keyOf: (line: T) => string,
    slices: readonly SealedSlice[],
    kind: Manifest['kind'],
  ): Promise<StoredList> {
    const cut = kind === 'backfill' ? 'coarse' : 'fine';
    const { lists } = await this.#lookBack();
    const base = cut === 'fine' ? lists.get(resultsKey(what, slices)) : undefined;
    return writeList(this.backend, lines, keyOf, { cut, base });
  }

  /** Writes lines that are told once, in the order that they come in; `keyOf` decides where to cut. */
  writePlainLines<T>(lines: Iterable<T>, keyOf: (line: T) => string): Promise<StoredList> {
    return writeList(this.backend, lines, keyOf, { cut: 'coarse' });
  }

  async writeBytes(bytes: Uint8Array): Promise<string> {
    const digest = sha256(bytes);
    // Control files: each night of a backfill names the same ones.
    if (!this.#written.has(digest)) await writeObject(this.backend, bytes);
    this.#written.add(digest);
    return digest;
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

  /** A trace's calls, chunk by chunk, sorted by id. */
  calls(trace: StoredTrace): AsyncGenerator<Call[]> {
    return readTrace(this.backend, trace);
  }

  /** The index of answers that the newest bundle with this source names. */
  async answersOf(source: string): Promise<string | undefined> {
    return (await this.#lookBack()).answers.get(source);
  }

  /**
   * Gives the manifest the next place in the chain and writes it: from then on the night is
   * sealed. Whoever loses the race for a place takes the next one. The signature is written first,
   * under the manifest's digest: a manifest is never without the signature that it names.
   * @throws TickmarkError InvalidConfiguration where the signer may not sign in this store.
   */
  async seal(draft: Draft, sealing: Sealing): Promise<Bundle> {
    const { signer } = sealing;
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
      assertMaySign(sealing, last?.manifest, this.backend.location);
      const manifest: Manifest = {
        ...draft,
        sequence,
        previous: last?.digest ?? null,
        signature: signatureOf(sealing, last?.manifest),
        timestamps: {
          authorities: [...sealing.authorities],
          ...(await this.#stampsBefore(last)),
        },
      };
      const { bytes, digest } = formatManifest(manifest);
      const readBack = readAsBundle(bytes);
      if (signer !== undefined) {
        // Under its fingerprint, which is the digest of its bytes.
        await this.writeBytes(signer.publicKey.der);
        if (sealing.introduce !== undefined) await this.writeBytes(sealing.introduce.der);
        await this.backend.create(signatureKey(digest), await signer.sign(bytes));
      }
      if (await this.backend.create(manifestKey(sequence), bytes)) {
        this.#hold(readBack);
        if (this.#before !== undefined) take(await this.#before, manifest);
        return { manifest, digest };
      }
    }
  }

  /**
   * Keeps the RFC 3161 token over a manifest. The first one stays.
   * @param token checked by whoever asked for it.
   */
  async keepToken(digest: string, token: Uint8Array): Promise<void> {
    await this.backend.create(tokenKey(digest), token);
  }

  /** Bundles that were to be stamped and are not, newest first. */
  async unstamped(): Promise<{ sequence: number; digest: string }[]> {
    const last = await this.last();
    if (last === undefined) return [];
    const { missing } = await this.#stampsBefore(last);
    const bundles = await Promise.all(missing.reverse().map((sequence) => this.#bundle(sequence)));
    return bundles.map(({ manifest, digest }) => ({ sequence: manifest.sequence, digest }));
  }

  /**
   * Holds the newest bundles against one another, before anything is built on them: on a bundle that
   * somebody forged no night may be sealed, since it could not be taken out again.
   * @throws TickmarkError IntegrityBroken
   */
  async assertSound(): Promise<void> {
    const sequences = await this.#sequences();
    const hole = sequences.findIndex((sequence, index) => sequence !== index + 1);
    if (hole >= 0) throw this.#unsound(`bundle ${hole + 1} is missing`);
    let after: Bundle | undefined;
    let looked = 0;
    for await (const bundle of this.bundles()) {
      await this.#assertFollows(bundle, after);
      looked += 1;
      // Unsigned ones say nothing of those before them: one that is signed must not be among them.
      if (looked >= bundlesHeldTogether && bundle.manifest.signature !== null) break;
      after = bundle;
    }
  }

  async #assertFollows({ manifest, digest }: Bundle, after: Bundle | undefined): Promise<void> {
    const { sequence, signature } = manifest;
    const next = after?.manifest;
    if (next !== undefined && next.previous !== digest) {
      throw this.#unsound(`bundle ${sequence} is not the one that bundle ${next.sequence} names`);
    }
    if (signature === null) return;
    if (next !== undefined) {
      if (next.signature === null) throw this.#unsound(`bundle ${next.sequence} is not signed`);
      const isAllowed = signature.signers.includes(next.signature.key) || next.kind === 'keys';
      const isKept =
        canonicalJson(next.signature.signers) === canonicalJson(signature.signers) ||
        next.kind === 'keys';
      if (!isAllowed || !isKept) {
        throw this.#unsound(`bundle ${next.sequence} is signed by a key that may not sign it`);
      }
    }
    const { bytes } = formatManifest(manifest);
    const publicKey = publicKeyFrom(await this.readBytes(signature.key));
    const file = await this.backend.read(signatureKey(digest));
    if (publicKey === undefined || file === undefined || !isSignatureOf(publicKey, bytes, file)) {
      throw this.#unsound(`bundle ${sequence} has no signature by its key`);
    }
  }

  #unsound(what: string): TickmarkError {
    return new TickmarkError(
      'IntegrityBroken',
      `${what} in ${this.backend.location}: it was changed, removed or forged, and nothing is built on it; tickmark verify says more, then restore it from a copy`,
    );
  }

  /** The tokens that the next manifest will pin, each with the digest of its manifest. */
  async newTokens(): Promise<{ sequence: number; digest: string; token: Uint8Array }[]> {
    const { tokens } = await this.#stampsBefore(await this.last());
    return Promise.all(
      tokens.map(async ({ sequence }) => {
        const { digest } = await this.#bundle(sequence);
        const token = (await this.backend.read(tokenKey(digest))) ?? new Uint8Array();
        return { sequence, digest, token };
      }),
    );
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

  /** Which of the bundles up to `last` were to be stamped, and what became of it since. */
  async #stampsBefore(
    last: Bundle | undefined,
  ): Promise<Omit<Manifest['timestamps'], 'authorities'>> {
    const tokens: Manifest['timestamps']['tokens'] = [];
    const missing: number[] = [];
    if (last === undefined) return { tokens, missing };
    const { sequence, timestamps } = last.manifest;
    const open = [...timestamps.missing, ...(timestamps.authorities.length > 0 ? [sequence] : [])];
    for (const each of open) {
      const { digest } = each === sequence ? last : await this.#bundle(each);
      const token = await this.backend.read(tokenKey(digest));
      if (token === undefined) missing.push(each);
      else tokens.push({ sequence: each, digest: sha256(token) });
    }
    return { tokens, missing };
  }

  /** The newest list of each kind, read once; what this store seals is taken in as it comes. */
  #lookBack(): Promise<Before> {
    this.#before ??= this.#readBack();
    return this.#before;
  }

  async #readBack(): Promise<Before> {
    const newestFirst: Manifest[] = [];
    for await (const { manifest } of this.bundles()) {
      newestFirst.push(manifest);
      if (newestFirst.length === bundlesLookedThrough) break;
    }
    const before: Before = { lists: new Map(), answers: new Map() };
    for (const manifest of newestFirst.reverse()) take(before, manifest);
    return before;
  }

  async #sequences(): Promise<number[]> {
    const keys = await this.backend.list('bundles');
    return keys.map(sequenceOf).filter((sequence) => sequence !== undefined);
  }

  #hold(bundle: Bundle): void {
    this.#parsed.delete(bundle.digest);
    this.#parsed.set(bundle.digest, bundle);
    const [oldest = ''] = this.#parsed.keys();
    if (this.#parsed.size > mostHeld) this.#parsed.delete(oldest);
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
    const bundle =
      this.#parsed.get(sha256(bytes)) ?? parseManifest(bytes, `${this.backend.location}/${key}`);
    this.#hold(bundle);
    if (bundle.manifest.sequence !== sequence) {
      throw new TickmarkError(
        'IntegrityBroken',
        `${key} in ${this.backend.location} holds bundle ${bundle.manifest.sequence}: files were exchanged; restore them from a copy`,
      );
    }
    return bundle;
  }
}

/** Jobs for different accounts may write to one store, each with results of its own. */
function resultsKey(what: 'results' | 'statuses', slices: readonly SealedSlice[]): string {
  const sources = new Set(slices.map(({ source }) => source));
  return `${what} ${[...sources].sort(compareText).join(' ')}`;
}

function connectKey(source: string): string {
  return `connect ${source}`;
}

function keysOf({ dataset, source, scope }: Pick<Slice, 'dataset' | 'source' | 'scope'>) {
  const of = `${dataset} ${source} ${scope}`;
  return [`records ${of}`, `calls ${of}`] as const;
}

function take({ lists, answers }: Before, manifest: Manifest): void {
  // A night that saw nothing is no measure for the next.
  const set = (key: string, list: StoredList) => {
    if (list.count > 0) lists.set(key, list);
  };
  for (const slice of manifest.slices) {
    if (slice.kind !== 'snapshot') continue;
    const [recordsKey, callsKey] = keysOf(slice);
    set(recordsKey, slice.records);
    set(callsKey, slice.calls);
  }
  for (const source of manifest.sources) {
    set(connectKey(source.id), source.calls);
    if (source.answers !== undefined) answers.set(source.id, source.answers);
  }
  if (manifest.results !== null && manifest.kind !== 'backfill') {
    set(resultsKey('results', manifest.slices), manifest.results.list);
    set(resultsKey('statuses', manifest.slices), manifest.results.statuses);
  }
}

/**
 * Once signed, always signed; and by a key that those before have introduced.
 * @throws TickmarkError InvalidConfiguration: nothing may be sealed so behind `last`.
 */
export function assertMaySign(
  { signer, anew = false }: Sealing,
  last: Manifest | undefined,
  location: string,
): void {
  const before = last?.signature ?? null;
  if (before === null) return;
  if (signer === undefined) {
    throw new TickmarkError(
      'InvalidConfiguration',
      `the bundles in ${location} are signed, and this one would not be: name the key with signing: in tickmark.yaml or TICKMARK_SIGNING_KEY`,
    );
  }
  const key = signer.publicKey.fingerprint;
  if (!before.signers.includes(key) && !anew) {
    throw new TickmarkError(
      'InvalidConfiguration',
      `key ${key} (${signer.name}) may not sign in ${location}: none of its keys has introduced it. With one that may (${before.signers.join(', ')}), run tickmark keygen --introduce <the new key>`,
    );
  }
}

function signatureOf(sealing: Sealing, last: Manifest | undefined): Manifest['signature'] {
  const { signer, introduce, retire, anew = false } = sealing;
  if (signer === undefined) return null;
  const before = last?.signature ?? null;
  const key = signer.publicKey.fingerprint;
  const signers = new Set(anew ? [key] : (before?.signers ?? [key]));
  if (introduce !== undefined) signers.add(introduce.fingerprint);
  if (retire !== undefined) signers.delete(retire);
  return { key, previous_key: before?.key ?? null, signers: [...signers] };
}

/** What cannot be read back must not be sealed: it would stop every later night. */
function readAsBundle(bytes: Uint8Array): Bundle {
  try {
    return parseManifest(bytes, 'the new manifest');
  } catch (cause) {
    throw new TickmarkError(
      'StoreUnavailable',
      `nothing was sealed, since ${messageOf(cause)}; a collector handed over what no manifest can say: report it with --record`,
      { cause },
    );
  }
}
