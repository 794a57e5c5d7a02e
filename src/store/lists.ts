/**
 * Lists of JSON lines, cut into chunks at boundaries that depend on the lines' keys alone, so that
 * one changed line changes one chunk. What the chunks of a list are, and where their texts lie, stands
 * in an object of its own, which may say only what differs from an earlier one
 * (docs/formats/store.md).
 */
import { TickmarkError } from '../evidence/errors.ts';
import { canonicalJson, sha256 } from '../evidence/json.ts';
import type { Backend } from './backend.ts';
import {
  broken,
  byPack,
  type Chunk,
  mostPackBytes,
  PackWriter,
  placesIn,
  readLines,
} from './chunks.ts';
import { mostBytes, readObject, writeObject } from './objects.ts';

/** A list as it stands in a manifest. */
export interface StoredList {
  /** Number of lines. */
  count: number;
  /** SHA-256 of the chunks' digests (hex), each with a line feed, one after the other. */
  digest: string;
  /** The object that says which chunks there are; null for an empty list. */
  chunks: string | null;
}

/**
 * How a list is cut. `fine`: what comes again every night nearly unchanged; a night then costs
 * what changed. `coarse`: what is told once (events); many lines fold better together.
 */
export type Cut = 'fine' | 'coarse';

/** Long lines end a chunk early, so that it can always be read back. */
const mostChunkCharacters = 4 * 1024 * 1024;

/** No chunk that Tickmark cuts has more lines. */
const mostChunkLines = 100_000;

/** An index builds on another, which builds on another … so often at most. */
const mostDepth = 64;

/**
 * Whether a chunk ends behind its `lines`-th line, which has this key: decided by the keys alone.
 * Fine chunks have three to six lines, four on average: a changed line rewrites its chunk and its
 * place in the index, and four is where the two together are least. Coarse ones have 128 on average.
 */
function endsChunk(cut: Cut, lines: number, key: string): boolean {
  if (cut === 'fine') {
    if (lines < 3) return false;
    if (lines >= 6) return true;
  }
  return Number.parseInt(sha256(key).slice(0, 8), 16) % (cut === 'fine' ? 2 : 128) === 0;
}

/**
 * Writes a list whose lines come in order.
 * @param keyOf the part of a line that decides where to cut
 * @param base the same list of an earlier bundle: its chunks are in the store and not written again
 */
export async function writeList<T>(
  backend: Backend,
  lines: Iterable<T>,
  keyOf: (line: T) => string,
  { cut, base }: { cut: Cut; base?: StoredList | undefined },
): Promise<StoredList> {
  const before = await readBase(backend, base);
  const known = new Map(before?.chunks.map((chunk) => [chunk.digest, chunk]));
  const packs = new PackWriter(backend);
  const chunks: Chunk[] = [];
  let pending: string[] = [];
  let size = 0;
  const flush = async () => {
    const text = Buffer.from(pending.join(''), 'utf8');
    const digest = sha256(text);
    const chunk = known.get(digest) ?? (await packs.add(text, digest, pending.length));
    known.set(digest, chunk);
    chunks.push(chunk);
    pending = [];
    size = 0;
  };
  try {
    for (const line of lines) {
      const text = `${canonicalJson(line)}\n`;
      pending.push(text);
      size += text.length;
      if (endsChunk(cut, pending.length, keyOf(line)) || size > mostChunkCharacters) await flush();
    }
    if (pending.length > 0) await flush();
    await packs.end();
  } finally {
    // Nothing is left under way behind it.
    await packs.settle();
  }
  const { count, digest } = summaryOf(chunks);
  if (chunks.length === 0) return { count, digest, chunks: null };
  // The same chunks as before: said by the same object.
  if (before !== undefined && base?.digest === digest) return base;
  return { count, digest, chunks: await writeIndex(backend, chunks, before) };
}

/** The lines of a list, chunk by chunk, each held against its digest. */
export async function* readList(backend: Backend, list: StoredList): AsyncGenerator<unknown[]> {
  yield* readLines(backend, await readChunks(backend, list));
}

/** Which chunks a list has, held against its digest. @throws TickmarkError IntegrityBroken */
export async function readChunks(
  backend: Backend,
  { chunks: index, count, digest }: StoredList,
): Promise<readonly Chunk[]> {
  const chunks = index === null ? [] : (await readIndex(backend, index)).chunks;
  const found = summaryOf(chunks);
  if (found.count === count && found.digest === digest) return chunks;
  throw broken(
    backend,
    `a list of ${count} lines does not match its digest; the manifest or its chunks were changed`,
  );
}

/**
 * The same, held against the count alone: for who reads the lists of hundreds of nights, to each of
 * which the digest of thousands of chunks is a large part of the work. The manifest names the index
 * by its own digest; whether what it says of the list agrees with that is for `verify` to say.
 */
export async function indexedChunks(
  backend: Backend,
  { chunks: index, count }: StoredList,
): Promise<readonly Chunk[]> {
  const chunks = index === null ? [] : (await readIndex(backend, index)).chunks;
  let found = 0;
  for (const chunk of chunks) found += chunk.count;
  if (found === count) return chunks;
  throw broken(
    backend,
    `a list of ${count} lines does not match its count; the manifest or its chunks were changed`,
  );
}

/** The index objects that say what a list's chunks are: its own, and those it builds on. */
export async function indexesOf(backend: Backend, { chunks }: StoredList): Promise<string[]> {
  const indexes: string[] = [];
  for (let next = chunks; next !== null; next = (await readIndex(backend, next)).base) {
    indexes.push(next);
  }
  return indexes;
}

function summaryOf(chunks: readonly Chunk[]): { count: number; digest: string } {
  // In one piece: a list may have thousands of chunks, and a year of nights as many lists.
  let digests = '';
  let count = 0;
  for (const chunk of chunks) {
    digests += `${chunk.digest}\n`;
    count += chunk.count;
  }
  return { count, digest: sha256(digests) };
}

/**
 * How an index says what the chunks are, in their order: a chunk of its own, so many of the base's
 * chunks as they are (above 0), so many of them left out (below 0).
 */
type Step = number | Chunk;

/**
 * How a chunk of its own is written: where it does not lie behind the one written before it, or is
 * the first and does not begin the first pack, with its pack's place among `packs` and its offset.
 */
type Entry =
  | [digest: string, count: number, bytes: number]
  | [digest: string, count: number, bytes: number, pack: number, offset: number];

/** The chunks that an index names, the index it builds on, and how many there are below. */
interface Index {
  chunks: readonly Chunk[];
  base: string | null;
  depth: number;
}

/**
 * Indexes that were read, for each backend: those of one night build on those of the night before.
 * Bounded by the chunks that they hold together.
 */
const known = new WeakMap<Backend, { indexes: Map<string, Index>; chunks: number }>();
const mostKnownChunks = 300_000;

/** Chunks that an earlier list names. One that cannot be read is no reason to lose a night. */
async function readBase(
  backend: Backend,
  base: StoredList | undefined,
): Promise<(Index & { digest: string }) | undefined> {
  if (base === undefined || base.chunks === null) return undefined;
  try {
    return { ...(await readIndex(backend, base.chunks)), digest: base.chunks };
  } catch (error) {
    if (error instanceof TickmarkError && error.code === 'IntegrityBroken') return undefined;
    throw error;
  }
}

async function writeIndex(
  backend: Backend,
  chunks: readonly Chunk[],
  base: (Index & { digest: string }) | undefined,
): Promise<string> {
  const full = formatIndex(null, chunks);
  let text = full;
  const index: Index = { chunks, base: null, depth: 0 };
  if (base !== undefined && base.depth < mostDepth) {
    const changes = formatIndex(base.digest, difference(base.chunks, chunks));
    // What was said since the last whole one must not come to more than saying it whole again.
    if (changes.length * (base.depth + 1) < full.length) {
      text = changes;
      index.base = base.digest;
      index.depth = base.depth + 1;
    }
  }
  const digest = await writeObject(backend, Buffer.from(text, 'utf8'));
  remember(backend, digest, index);
  return digest;
}

/** The steps that make `chunks` of `base`. Both are in the order of their lines. */
export function difference(base: readonly Chunk[], chunks: readonly Chunk[]): Step[] {
  const places = new Map(base.map(({ digest }, place) => [digest, place]));
  const steps: Step[] = [];
  let next = 0;
  for (const chunk of chunks) {
    const place = places.get(chunk.digest);
    if (place === undefined || place < next) {
      steps.push(chunk);
      continue;
    }
    if (place > next) steps.push(next - place);
    const last = steps.at(-1);
    if (typeof last === 'number' && last > 0) steps[steps.length - 1] = last + 1;
    else steps.push(1);
    next = place + 1;
  }
  return steps;
}

function formatIndex(base: string | null, steps: readonly Step[]): string {
  const packs = new Map<string, number>();
  let next = { pack: '', offset: 0 };
  const chunks = steps.map((step): number | Entry => {
    if (typeof step === 'number') return step;
    const { digest, count, bytes, pack, offset } = step;
    const place = packs.get(pack) ?? packs.size;
    const follows = packs.size === 0 ? offset === 0 : pack === next.pack && offset === next.offset;
    packs.set(pack, place);
    next = { pack, offset: offset + bytes };
    return follows ? [digest, count, bytes] : [digest, count, bytes, place, offset];
  });
  return canonicalJson({ base, chunks, packs: [...packs.keys()] });
}

async function readIndex(backend: Backend, digest: string): Promise<Index> {
  // From the whole one at the bottom upwards.
  const steps: { digest: string; base: string | null; steps: Step[] }[] = [];
  let index: Index | undefined;
  for (let next: string | null = digest; next !== null; ) {
    index = known.get(backend)?.indexes.get(next);
    if (index !== undefined) break;
    if (steps.length > mostDepth)
      throw broken(backend, `index ${digest} builds on too many others`);
    const parsed = parseIndex(await readObject(backend, next));
    if (parsed === undefined) throw broken(backend, `object ${next} is no index of chunks`);
    steps.push({ digest: next, base: parsed.base, steps: parsed.steps });
    next = parsed.base;
  }
  for (const step of steps.reverse()) {
    const chunks = applySteps(index?.chunks ?? [], step.steps);
    if (chunks === undefined) throw broken(backend, `index ${step.digest} does not fit its base`);
    index = { chunks, base: step.base, depth: index === undefined ? 0 : index.depth + 1 };
    remember(backend, step.digest, index);
  }
  return index as Index;
}

/** Read strictly: it comes from a store that others can write to. */
function parseIndex(bytes: Buffer): { base: string | null; steps: Step[] } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== 'object') return undefined;
  const { base, chunks, packs, ...more } = value as Record<string, unknown>;
  const isIndex =
    Object.keys(more).length === 0 &&
    (base === null || isDigest(base)) &&
    Array.isArray(chunks) &&
    Array.isArray(packs) &&
    packs.every(isDigest);
  const steps = isIndex ? parseSteps(chunks, packs as string[]) : undefined;
  return steps === undefined ? undefined : { base: base as string | null, steps };
}

/**
 * Undefined where they are no steps, where a pack has no chunk of theirs or is named twice, and
 * where it has more than a pack holds.
 */
function parseSteps(steps: readonly unknown[], packs: readonly string[]): Step[] | undefined {
  const parsed: Step[] = [];
  const own: Chunk[] = [];
  let [place, offset] = [0, 0];
  for (const step of steps) {
    if (isLength(step)) {
      parsed.push(step);
      continue;
    }
    if (!isEntry(step)) return undefined;
    const [digest, count, bytes] = step;
    if (step.length === 5) [, , , place, offset] = step;
    const pack = packs[place];
    if (pack === undefined) return undefined;
    own.push({ digest, count, bytes, pack, offset });
    parsed.push(own.at(-1) as Chunk);
    offset += bytes;
  }
  const named = byPack(own);
  const fit = [...named.values()].every((chunks) => {
    const longest = chunks.reduce((most, { bytes }) => Math.max(most, bytes), 0);
    return placesIn(chunks, Math.max(mostPackBytes, longest)) !== undefined;
  });
  return fit && named.size === packs.length ? parsed : undefined;
}

function isDigest(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isLength(value: unknown): value is number {
  return Number.isInteger(value) && value !== 0;
}

function isEntry(value: unknown): value is Entry {
  if (!Array.isArray(value) || (value.length !== 3 && value.length !== 5)) return false;
  const [digest, count, bytes, ...place] = value;
  return (
    isDigest(digest) &&
    isFromTo(count, 1, mostChunkLines) &&
    isFromTo(bytes, 1, mostBytes) &&
    place.every((each) => isFromTo(each, 0, mostBytes))
  );
}

function isFromTo(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** Undefined where the steps reach beyond the base. */
function applySteps(base: readonly Chunk[], steps: readonly Step[]): Chunk[] | undefined {
  const chunks: Chunk[] = [];
  let next = 0;
  for (const step of steps) {
    if (typeof step !== 'number') {
      chunks.push(step);
      continue;
    }
    const end = next + Math.abs(step);
    if (end > base.length) return undefined;
    if (step > 0) for (; next < end; next += 1) chunks.push(base[next] as Chunk);
    next = end;
  }
  return chunks;
}

function remember(backend: Backend, digest: string, index: Index): void {
  const held = known.get(backend) ?? { indexes: new Map<string, Index>(), chunks: 0 };
  known.set(backend, held);
  if (held.indexes.has(digest)) return;
  held.indexes.set(digest, index);
  held.chunks += index.chunks.length;
  for (const [oldest, { chunks }] of held.indexes) {
    if (held.chunks <= mostKnownChunks) break;
    held.indexes.delete(oldest);
    held.chunks -= chunks.length;
  }
}
