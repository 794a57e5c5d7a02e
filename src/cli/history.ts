/** Reads all of a store that a period is worked out from: never records, results or calls. */
import { builtinControl, parseControl } from '../controls/parse.ts';
import type { Control } from '../controls/schema.ts';
import { readWaivers, type Waiver } from '../controls/waivers.ts';
import { TickmarkError } from '../evidence/errors.ts';
import type { StatusLine } from '../evidence/result.ts';
import type { History, StatusChunk, StatusGroup } from '../period/history.ts';
import type { Bundle } from '../seal/manifest.ts';
import { type Chunk, parseLine, readTexts, textLines } from '../store/chunks.ts';
import { indexedChunks, type StoredList } from '../store/lists.ts';
import { objectKey } from '../store/objects.ts';
import { statusLine } from '../store/status-line.ts';
import type { Store } from '../store/store.ts';
import type { Fault } from '../yaml/fault.ts';

/** So many objects are read at once: each waits for a disk or a network. */
const readsAtOnce = 32;

/**
 * Every bundle of a store with its statuses, and the control files that they name. Nights share
 * objects: each is read and held once, so that it costs what changed between nights.
 * @param reachDays days for which a source tells of an event, by dataset.
 * @throws TickmarkError IntegrityBroken for whatever is there and is not what it should be. A
 * bundle that is missing is no reason: who reads the history sees the hole.
 */
export async function readHistory(
  store: Store,
  { reachDays }: Pick<History, 'reachDays'>,
): Promise<History> {
  const newestFirst: Bundle[] = [];
  for await (const bundle of store.bundles()) newestFirst.push(bundle);
  const reader = new StatusReader(store);
  const bundles = [];
  for (const { manifest, digest } of newestFirst.reverse()) {
    const { results } = manifest;
    const statuses = results === null ? null : await reader.read(results.statuses);
    bundles.push({ manifest, digest, statuses });
  }
  const controls = await readControls(store, bundles);
  return { bundles, controls, waivers: await readWaiverFiles(store, bundles), reachDays };
}

/** One digest in 64. */
const endsGroup = /[048c]0$/;

/**
 * Reads lists of statuses. The same list is the same array, the same chunk the same object, and the
 * same line too: a chunk that is new has mostly lines that were there the night before.
 */
class StatusReader {
  readonly #store: Store;
  readonly #lists = new Map<string, readonly StatusGroup[]>();
  /** By the digest of their first chunk. */
  readonly #groups = new Map<string, StatusGroup[]>();
  readonly #chunks = new Map<string, StatusChunk>();
  /** By their text. */
  readonly #lines = new Map<string, StatusLine>();

  constructor(store: Store) {
    this.#store = store;
  }

  async read(list: StoredList): Promise<readonly StatusGroup[]> {
    // By its index, which says what it is; its digest is not looked at here.
    const name = `${list.count} ${list.chunks}`;
    const known = this.#lists.get(name);
    if (known !== undefined) return known;
    const chunks = await indexedChunks(this.#store.backend, list);
    const missing = chunks.filter(({ digest }) => !this.#chunks.has(digest));
    await readTexts(this.#store.backend, missing, (chunk, text) => this.#take(chunk, text));
    const read = this.#grouped(chunks.map(({ digest }) => this.#chunks.get(digest) as StatusChunk));
    this.#lists.set(name, read);
    return read;
  }

  /** Cut where the chunks' own digests say, so that what changes in one group leaves the others alone. */
  #grouped(chunks: readonly StatusChunk[]): StatusGroup[] {
    const groups: StatusGroup[] = [];
    let start = 0;
    for (const [index, { digest }] of chunks.entries()) {
      if (index + 1 < chunks.length && !endsGroup.test(digest)) continue;
      groups.push(this.#known(chunks.slice(start, index + 1)));
      start = index + 1;
    }
    return groups;
  }

  /** The same group as another night has it, if any has. */
  #known(group: StatusGroup): StatusGroup {
    const key = group[0]?.digest ?? '';
    const alike = this.#groups.get(key) ?? [];
    const isIt = (each: StatusGroup) =>
      each.length === group.length && each.every((chunk, place) => chunk === group[place]);
    const known = alike.find(isIt);
    if (known === undefined) this.#groups.set(key, [...alike, group]);
    return known ?? group;
  }

  #take(chunk: Chunk, bytes: Buffer): void {
    const lines = textLines(bytes, chunk, this.#store.backend).map((text, index) => {
      const known = this.#lines.get(text);
      if (known !== undefined) return known;
      const line = this.#parse(text, index, chunk);
      this.#lines.set(text, line);
      return line;
    });
    this.#chunks.set(chunk.digest, { digest: chunk.digest, lines });
  }

  #parse(text: string, index: number, chunk: Chunk): StatusLine {
    const { backend } = this.#store;
    const { success, data, error } = statusLine.safeParse(parseLine(text, chunk, backend));
    if (success) return data;
    const [issue] = error.issues;
    throw new TickmarkError(
      'IntegrityBroken',
      `line ${index + 1} of chunk ${chunk.digest} (${objectKey(chunk.pack)}) in ${backend.location} tells no statuses (${issue?.path.join('.')}: ${issue?.message}): it was changed or forged; tickmark verify says more, then restore it from a copy`,
    );
  }
}

async function readControls(
  store: Store,
  bundles: readonly Bundle[],
): Promise<Map<string, Control>> {
  const files = new Map(
    bundles.flatMap(({ manifest }) =>
      manifest.controls.map((each) => [each.digest, each] as const),
    ),
  );
  const controls = new Map<string, Control>();
  await inGroups([...files.values()], async ({ digest, file }) => {
    controls.set(digest, readControl(file, digest, await store.readBytes(digest), store));
  });
  return controls;
}

function readControl(file: string, digest: string, bytes: Buffer, store: Store): Control {
  const known = builtinControl(digest);
  if (known !== undefined) return known;
  const parsed = parseControl(file, bytes);
  if (parsed.ok) return parsed.value.control;
  throw notSealedAs('control file', { file, digest }, parsed.faults, store);
}

async function readWaiverFiles(
  store: Store,
  bundles: readonly Bundle[],
): Promise<Map<string, readonly Waiver[]>> {
  const found = new Map<string, readonly Waiver[]>();
  for (const { manifest } of bundles) {
    const { waivers } = manifest;
    if (waivers === null || found.has(waivers.digest)) continue;
    const read = readWaivers(waivers.file, await store.readBytes(waivers.digest));
    if (!read.ok) throw notSealedAs('file of waivers', waivers, read.faults, store);
    found.set(waivers.digest, read.value);
  }
  return found;
}

function notSealedAs(
  what: string,
  { file, digest }: { file: string; digest: string },
  [fault]: readonly Fault[],
  { backend }: Store,
): TickmarkError {
  return new TickmarkError(
    'IntegrityBroken',
    `${objectKey(digest)} in ${backend.location} was sealed as ${file} and is no ${what} (line ${fault?.line}: ${fault?.message}); tickmark verify says more`,
  );
}

/** Does `work` for each, not all of them at once. */
async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let next = 0; next < items.length; next += readsAtOnce) {
    await Promise.all(items.slice(next, next + readsAtOnce).map(work));
  }
}
