/**
 * Lists of lines: the right chunks, so many lines as they say, sorted, each line of its form. A list
 * that another bundle names again is not gone through again, and of a chunk only what lists are
 * checked by is kept: nights share nearly all of both.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { TickmarkError } from '../evidence/errors.ts';
import { canonicalJson, sha256 } from '../evidence/json.ts';
import { type StatusLine, statuses } from '../evidence/result.ts';
import { byPack, type Chunk, overlapIn, parseLines, placesIn, textIn } from '../store/chunks.ts';
import { readChunks, type StoredList } from '../store/lists.ts';
import { objectKey } from '../store/objects.ts';
import { statusKey } from '../store/results.ts';
import { statusLine } from '../store/status-line.ts';
import { parseReceipts, type StoredTrace } from '../store/trace.ts';
import { breakOf, type Finding } from './finding.ts';
import { BrokenObject, type ObjectReader } from './objects.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const object = z.record(z.string(), z.unknown());

const recordLine = z.strictObject({
  uid: z.string(),
  name: z.string(),
  fields: object,
  original: z.unknown(),
  calls: z.array(z.string()),
  untold: z.record(z.string(), z.string()).exactOptional(),
});

/** A call without its receipt. */
const callLine = z.strictObject({
  id: z.string(),
  service: z.string(),
  operation: z.string(),
  region: z.string().exactOptional(),
  parameters: object,
  page: z.int().exactOptional(),
  status: z.int().nullable(),
  attempts: z.int(),
  endpoint: z.string().nullable(),
  error: z.string().exactOptional(),
  absent: z.string().exactOptional(),
  confirmed: digest.exactOptional(),
});

const resultLine = z.strictObject({
  control: z.string(),
  test: z.string(),
  dataset: z.string(),
  resource: z.strictObject({ uid: z.string(), name: z.string(), scope: z.string() }),
  status: z.enum(statuses),
  reason: z.string(),
  observed: object,
  observed_at: z.string().nullable().exactOptional(),
});

/** `plain`: lines of any form, as they come. */
type LineKind = 'records' | 'calls' | 'results' | 'statuses' | 'plain';

/** Rows of results that are checked against the manifest alike. */
export interface ResultGroup
  extends Pick<z.infer<typeof resultLine>, 'control' | 'test' | 'dataset' | 'status'> {
  scope: string;
}

/** What is kept of a chunk: where in its pack it lies, as was seen, and what it holds. */
interface Facts extends Pick<Chunk, 'offset' | 'bytes' | 'count'> {
  /** Keys of its first and last line; results have none. */
  first: string;
  last: string;
  /** What is wrong with it, if anything is. */
  fault?: string;
  /** Objects that its lines name. */
  names?: string[];
  /** Rows by group. */
  groups?: Map<ResultGroup, number>;
  /** What the results of its lines come to, in whatever order they stand. */
  sum?: bigint;
  /** Of a plain list: the lines themselves. */
  lines?: readonly unknown[];
}

/** What was found of a list, for every bundle that names it. */
interface CheckedList {
  /** Rows by group, where it is a list of results in which nothing is broken. */
  groups: Map<ResultGroup, number> | undefined;
  /** Of a list of results or statuses in which nothing is broken: what they come to. */
  sum: bigint | undefined;
  /** Of a plain list in which nothing is broken: its lines. */
  lines: readonly unknown[] | undefined;
  /** Objects that it needs and that cannot be had. */
  broken: Set<string>;
  fault: string | undefined;
}

/** What is kept of a pack. */
interface PackFacts {
  bytes: number;
  /** The first bundle that names it. */
  sequence: number;
  /** By digest. Only of those that are where an index says. */
  chunks: Map<string, Facts>;
}

export class ListChecker {
  readonly #objects: ObjectReader;
  readonly #lists = new Map<string, Promise<CheckedList>>();
  readonly #receipts = new Map<string, Promise<CheckedList>>();
  readonly #packs = {
    records: new Map<string, PackFacts>(),
    calls: new Map<string, PackFacts>(),
    results: new Map<string, PackFacts>(),
    statuses: new Map<string, PackFacts>(),
    plain: new Map<string, PackFacts>(),
  };
  readonly #groups = new Map<string, ResultGroup>();
  readonly #faulty = new Map<CheckedList, { finding: Finding; bundles: Set<number> }>();

  constructor(objects: ObjectReader) {
    this.#objects = objects;
  }

  /** @param what how messages call the list. */
  async check(
    kind: LineKind,
    list: StoredList,
    { sequence, key, what }: { sequence: number; key: string; what: string },
  ): Promise<CheckedList> {
    const checked = await once(
      this.#lists,
      `${kind} ${list.count} ${list.digest} ${list.chunks}`,
      () => this.#check(kind, list, sequence),
    );
    this.#tell(checked, sequence, key, what);
    return checked;
  }

  /** The list of a trace, and its receipts. */
  async checkTrace(
    trace: StoredTrace,
    place: { sequence: number; key: string; what: string },
  ): Promise<void> {
    await this.check('calls', trace, place);
    const checked = await once(this.#receipts, `${trace.count} ${trace.receipts}`, () =>
      this.#checkReceipts(trace),
    );
    this.#tell(checked, place.sequence, place.key, `the receipts of ${place.what}`);
  }

  /** Lists that are not what they should be, each once. */
  *findings(): Generator<Finding> {
    for (const { finding, bundles } of this.#faulty.values()) {
      yield { ...finding, bundles: [...bundles].sort((a, b) => a - b) };
    }
  }

  /**
   * Packs with text that no index names, or that several say to be of different chunks. It takes
   * every index there is: where another finding is a break, these may be its consequence.
   */
  *unnamedText(): Generator<Finding> {
    for (const packs of Object.values(this.#packs)) {
      for (const [digest, { bytes, sequence, chunks }] of packs) {
        let end = 0;
        const inOrder = [...chunks.values()].sort((a, b) => a.offset - b.offset);
        const isNamed = inOrder.every(({ offset, bytes: size }) => {
          const follows = offset === end;
          end += size;
          return follows;
        });
        if (isNamed && end === bytes) continue;
        const message = `object ${digest} is not made of the chunks that indexes say to lie in it: it has other text too, or some of them overlap; find out who wrote it, and restore the store from a copy`;
        yield breakOf('ListBroken', objectKey(digest), [sequence], message);
      }
    }
  }

  #tell(checked: CheckedList, sequence: number, key: string, what: string): void {
    for (const each of checked.broken) this.#objects.blame(each, sequence);
    if (checked.fault === undefined) return;
    const known = this.#faulty.get(checked);
    if (known !== undefined) known.bundles.add(sequence);
    else {
      const message = `${what} are not what was sealed: ${checked.fault}; restore the store from a copy`;
      const finding = breakOf('ListBroken', key, [], message);
      this.#faulty.set(checked, { finding, bundles: new Set([sequence]) });
    }
  }

  async #check(kind: LineKind, list: StoredList, sequence: number): Promise<CheckedList> {
    const checked = nothingKnown();
    let chunks: readonly Chunk[];
    try {
      chunks = await readChunks(this.#objects.backend, list);
    } catch (error) {
      if (error instanceof BrokenObject) checked.broken.add(error.digest);
      else if (error instanceof TickmarkError && error.code === 'IntegrityBroken') {
        checked.fault = 'the index of their chunks does not fit count and digest';
      } else throw error;
      return checked;
    }
    const packs = this.#packs[kind];
    const unknown = byPack(
      chunks.filter(({ pack, digest }) => !packs.get(pack)?.chunks.has(digest)),
    );
    const looks = [...unknown].map(async ([pack, wanted]) => {
      try {
        const fault = await this.#lookInto(kind, pack, wanted, sequence);
        if (fault !== undefined) checked.fault ??= fault;
      } catch (error) {
        if (!(error instanceof BrokenObject)) throw error;
        checked.broken.add(pack);
      }
    });
    await Promise.all(looks);
    this.#walk(kind, chunks, checked);
    return checked;
  }

  /** Reads a pack. @returns what is wrong with what is said of it. @throws BrokenObject */
  async #lookInto(
    kind: LineKind,
    digest: string,
    chunks: readonly Chunk[],
    sequence: number,
  ): Promise<string | undefined> {
    const content = await this.#objects.read(digest);
    const packs = this.#packs[kind];
    const pack = packs.get(digest) ?? { bytes: content.length, sequence, chunks: new Map() };
    packs.set(this.#objects.shared(digest), pack);
    const places = placesIn(chunks, content.length);
    if (places === undefined) return overlapIn(digest);
    let fault: string | undefined;
    for (const chunk of places) {
      const facts = await this.#look(kind, chunk, content);
      if (facts === undefined) fault ??= `object ${digest} does not hold ${nameOf(chunk)}`;
      else pack.chunks.set(chunk.digest, facts);
    }
    return fault;
  }

  /** Undefined where the index says wrongly where the chunk is, or what it is. */
  async #look(kind: LineKind, chunk: Chunk, pack: Buffer): Promise<Facts | undefined> {
    const { backend } = this.#objects;
    const { offset, bytes, count } = chunk;
    const facts: Facts = { offset, bytes, count, first: '', last: '' };
    let lines: unknown[];
    try {
      lines = parseLines(textIn(pack, chunk, backend), chunk, backend);
    } catch (error) {
      if (!(error instanceof TickmarkError)) throw error;
      return undefined;
    }
    if (kind === 'plain') return { ...facts, lines };
    const fault =
      kind === 'records'
        ? takeKeys(facts, lines, recordLine, ({ uid }) => uid)
        : kind === 'calls'
          ? takeKeys(facts, lines, callLine, ({ id }) => id)
          : kind === 'results'
            ? this.#takeGroups(facts, lines)
            : kind === 'statuses'
              ? takeStatuses(facts, lines)
              : undefined;
    if (fault !== undefined) return { ...facts, fault: `chunk ${chunk.digest} ${fault}` };
    if (kind === 'calls') await this.#takeNames(facts, lines as z.infer<typeof callLine>[]);
    return facts;
  }

  /** Answers of before that a service confirmed: objects. */
  async #takeNames(facts: Facts, lines: readonly z.infer<typeof callLine>[]): Promise<void> {
    const names = lines.flatMap(({ confirmed }) => confirmed ?? []);
    if (names.length === 0) return;
    facts.names = await this.#objects.checkAll(names);
  }

  #takeGroups(facts: Facts, lines: readonly unknown[]): string | undefined {
    const groups = new Map<ResultGroup, number>();
    let sum = 0n;
    for (const line of lines) {
      const parsed = resultLine.safeParse(line);
      if (!parsed.success) return formOf(parsed.error);
      const group = this.#groupOf(parsed.data);
      groups.set(group, (groups.get(group) ?? 0) + 1);
      sum += partOf(parsed.data);
    }
    facts.sum = sum;
    facts.groups = groups;
    return undefined;
  }

  #groupOf({ control, test, dataset, resource, status }: z.infer<typeof resultLine>): ResultGroup {
    const { scope } = resource;
    const key = JSON.stringify([control, test, dataset, scope, status]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { control, test, dataset, scope, status };
      this.#groups.set(key, group);
    }
    return group;
  }

  /** Puts together what is known of the chunks. */
  #walk(kind: LineKind, chunks: readonly Chunk[], checked: CheckedList): void {
    const packs = this.#packs[kind];
    const groups = new Map<ResultGroup, number>();
    const lines: unknown[] = [];
    let sum = 0n;
    let last = '';
    for (const chunk of chunks) {
      const known = packs.get(chunk.pack)?.chunks.get(chunk.digest);
      if (known === undefined) continue;
      for (const name of known.names ?? []) {
        if (this.#objects.isBroken(name)) checked.broken.add(name);
      }
      if (known.fault !== undefined) checked.fault ??= known.fault;
      else if (known.count !== chunk.count || known.offset !== chunk.offset) {
        checked.fault ??= `object ${chunk.pack} does not hold ${nameOf(chunk)}`;
      } else if (known.lines !== undefined) {
        for (const line of known.lines) lines.push(line);
      } else if (known.groups !== undefined) {
        sum += known.sum ?? 0n;
        for (const [group, count] of known.groups) {
          groups.set(group, (groups.get(group) ?? 0) + count);
        }
      } else {
        if (last >= known.first) {
          checked.fault ??= `they are not sorted, each once (chunk ${chunk.digest})`;
        }
        last = known.last;
        sum += known.sum ?? 0n;
      }
    }
    if (checked.fault !== undefined || checked.broken.size > 0) return;
    checked.groups = groups;
    checked.sum = sum;
    if (kind === 'plain') checked.lines = lines;
  }

  async #checkReceipts({ receipts, count }: StoredTrace): Promise<CheckedList> {
    const checked = nothingKnown();
    if (receipts === null) {
      if (count > 0) checked.fault = `there are none, of ${count} calls`;
      return checked;
    }
    try {
      if (parseReceipts(await this.#objects.read(receipts), count) === undefined || count === 0) {
        checked.fault = `object ${receipts} holds no receipts of ${count} calls`;
      }
    } catch (error) {
      if (!(error instanceof BrokenObject)) throw error;
      checked.broken.add(receipts);
    }
    return checked;
  }
}

function nothingKnown(): CheckedList {
  return {
    groups: undefined,
    sum: undefined,
    lines: undefined,
    broken: new Set(),
    fault: undefined,
  };
}

function nameOf({ digest, count, bytes, offset }: Chunk): string {
  return `chunk ${digest} of ${count} lines in bytes ${offset} to ${offset + bytes}`;
}

function takeStatuses(facts: Facts, lines: readonly unknown[]): string | undefined {
  const fault = takeKeys(facts, lines, statusLine, statusKey);
  if (fault !== undefined) return fault;
  let sum = 0n;
  for (const { statuses: each, ...line } of lines as readonly StatusLine[]) {
    for (const [test, status] of Object.entries(each)) {
      sum += partOf({ test, status, dataset: line.dataset, resource: line });
    }
  }
  facts.sum = sum;
  return undefined;
}

/** New in each process: nobody can search beforehand for other results that come to the same sum. */
const secret = randomBytes(32).toString('hex');

/** What one result adds to the sum of a list. Lists that come to the same hold the same results. */
function partOf({
  test,
  dataset,
  resource: { scope, uid, name },
  status,
}: Pick<z.infer<typeof resultLine>, 'test' | 'dataset' | 'status'> & {
  resource: { scope: string; uid: string; name: string };
}): bigint {
  if (test === '') return 0n;
  return BigInt(`0x${sha256(canonicalJson([secret, test, dataset, scope, uid, name, status]))}`);
}

/** Checks the lines' form and that their keys ascend. @returns what is wrong, if anything is. */
function takeKeys<T>(
  facts: Facts,
  lines: readonly unknown[],
  form: z.ZodType<T>,
  keyOf: (line: T) => string,
): string | undefined {
  let last: string | undefined;
  for (const line of lines) {
    const parsed = form.safeParse(line);
    if (!parsed.success) return formOf(parsed.error);
    const key = keyOf(parsed.data);
    if (last === undefined) facts.first = key;
    else if (last >= key) return `holds lines that are not sorted, each once (at ${key})`;
    last = key;
  }
  facts.last = last ?? '';
  return undefined;
}

function formOf({ issues: [issue] }: z.ZodError): string {
  return `holds a line of another form (${issue?.path.join('.')}: ${issue?.message})`;
}

/** What the promise of this name gives; it is made once. */
function once<T>(known: Map<string, Promise<T>>, name: string, make: () => Promise<T>): Promise<T> {
  const made = known.get(name) ?? make();
  known.set(name, made);
  return made;
}
