/**
 * Evaluates sealed bundles again, from the evidence, control files and parameters that they name,
 * and holds the results against the sealed ones. Whether these are what was once sealed is asked
 * by verification; here it is asked whether they follow.
 */
import type { CompiledControl } from '../controls/compile.ts';
import {
  datasetsOf,
  datasetsOfTest,
  type Given,
  holdsEventsOnly,
  judgeSlices,
  readSlices,
  withoutOriginal,
} from '../evaluate/judge.ts';
import type { SliceInput } from '../evaluate/slices.ts';
import { TickmarkError } from '../evidence/errors.ts';
import { canonicalJson } from '../evidence/json.ts';
import { type Judged, type Result, type StatusLine, statuses } from '../evidence/result.ts';
import type { EvidenceRecord } from '../evidence/slice.ts';
import type { History } from '../period/history.ts';
import {
  type Bundle,
  type Manifest,
  manifestKey,
  parseManifest,
  type SealedSlice,
  sequenceOf,
} from '../seal/manifest.ts';
import { readResults, StatusLines } from '../store/results.ts';
import type { Store } from '../store/store.ts';
import { compareResults, type Difference } from './differences.ts';
import { HeldLines } from './held-lines.ts';
import { comparePopulation } from './populations.ts';
import {
  brokenMessage,
  type KnownDatasets,
  type NotDone,
  openControls,
  type SealedControls,
} from './sealed-controls.ts';
import { openWaivers, type SealedWaivers } from './sealed-waivers.ts';

/** What came of one bundle. */
export interface Reperformed {
  sequence: number;
  /** Null where the manifest could not be read, as everything else that it says. */
  run: string | null;
  kind: Manifest['kind'] | null;
  started_at: string | null;
  /** The version of Tickmark that sealed it. */
  tool_version: string | null;
  /** Sealed results that were held against new ones; null for a bundle that holds none. */
  compared: number | null;
  /** Of a sample: items of its population that were; null for all other bundles. */
  population: number | null;
  /** Sealed results of tests in `not_done`. */
  left_out: number;
  differences: Difference[];
  /** What is missing from the store, damaged, or contradicts itself. */
  broken: string[];
  not_done: NotDone[];
}

/** What is kept from one bundle for the next: most of it is the same. */
export class Held {
  readonly records = new HeldLines(parseRecord);
  readonly results = new HeldLines(parseResult);
  readonly statuses = new HeldLines(parseLine);
  /** The controls of the bundle before, by everything that decides what becomes of them. */
  controls: { key: string; controls: SealedControls } | undefined;
  /** The waivers of the bundle before, by their file. */
  waivers: { key: string; waivers: SealedWaivers } | undefined;
  /** The configuration's digest of each bundle that was read, by the bundle's own. */
  readonly configurations = new Map<string, string>();
  /** Reads what populations are worked out from; undefined: they are not. */
  readonly readHistory: (() => Promise<History>) | undefined;
  #history: Promise<History> | undefined;

  constructor(readHistory?: () => Promise<History>) {
    this.readHistory =
      readHistory &&
      (() => {
        this.#history ??= readHistory();
        return this.#history;
      });
  }
}

/**
 * Evaluates every bundle of a store again, oldest first. What is wrong with one does not keep the
 * others from their turn.
 * @param datasets all that any collector here gives, by name.
 * @param onBundle told of each bundle before its turn.
 */
export async function* reperformAll(
  store: Store,
  datasets: KnownDatasets,
  onBundle: (done: number, all: number) => void = () => {},
  held = new Held(),
): AsyncGenerator<Reperformed> {
  const { backend } = store;
  const sequences = (await backend.list('bundles'))
    .map(sequenceOf)
    .filter((sequence) => sequence !== undefined);
  let next = 1;
  for (const [done, sequence] of sequences.entries()) {
    onBundle(done, sequences.length);
    const key = manifestKey(sequence);
    if (sequence > next) {
      const last = sequence - 1;
      const which =
        last > next ? `${manifestKey(next)} to ${manifestKey(last)}` : manifestKey(next);
      yield unread(next, `${which} missing from ${backend.location}; restore it from a copy`);
    }
    next = sequence + 1;
    try {
      const bytes = (await backend.read(key)) ?? new Uint8Array();
      const bundle = parseManifest(bytes, `${backend.location}/${key}`);
      if (bundle.manifest.sequence !== sequence) {
        const holds = `${key} holds bundle ${bundle.manifest.sequence}: files were exchanged`;
        throw new TickmarkError('IntegrityBroken', `${holds}; restore them from a copy`);
      }
      yield await reperform(store, bundle, datasets, held);
    } catch (error) {
      yield unread(sequence, brokenMessage(error));
    }
  }
}

/**
 * Evaluates a bundle again.
 * @param datasets all that any collector here gives, by name.
 */
export async function reperform(
  store: Store,
  bundle: Bundle,
  datasets: KnownDatasets,
  held = new Held(),
): Promise<Reperformed> {
  const { manifest, digest } = bundle;
  held.configurations.set(digest, manifest.configuration);
  const outcome: Reperformed = {
    sequence: manifest.sequence,
    run: manifest.run,
    kind: manifest.kind,
    started_at: manifest.started_at,
    tool_version: manifest.tool.version,
    compared: null,
    population: null,
    left_out: 0,
    differences: [],
    broken: [],
    not_done: [],
  };
  if (manifest.results === null) {
    if (manifest.kind === 'run' || manifest.kind === 'evaluate') {
      outcome.broken.push(`a bundle of kind ${manifest.kind} has results, and this one has none`);
    }
    if (manifest.sample !== undefined && held.readHistory !== undefined) {
      const { compared, broken } = await comparePopulation(store, manifest, held.readHistory);
      outcome.population = compared;
      outcome.broken.push(...broken);
    }
    return outcome;
  }
  const onlyCollected = isOfBackfill(manifest);
  const collected = new Set(manifest.slices.map(({ dataset }) => dataset));
  const isJudged = (over: string) => !onlyCollected || collected.has(over);

  const controls = await heldControls(store, manifest, datasets, held);
  outcome.broken.push(...controls.broken);
  const leftOut = new Set<string>();
  for (const { over, ...each } of controls.not_done) {
    leftOut.add(each.control);
    if (over?.some(isJudged) ?? true) outcome.not_done.push(each);
  }
  const sealedWaivers = await heldWaivers(store, manifest, held);
  outcome.broken.push(...sealedWaivers.broken);
  const { waivers, reason: unwaivable } = sealedWaivers;
  /** Tests with results that depend on waivers which cannot be applied. */
  const undecided = new Map<string, { control: string; test: string }>();
  const isUndecided = ({ control, test, status }: Result) => {
    if (unwaivable === undefined || (status !== 'fail' && status !== 'waived')) return false;
    undecided.set(testKey(control, test), { control, test });
    return true;
  };
  const withheld = await withheldDatasets(store, manifest, datasets, controls.compiled, held);
  const { slices, broken } = await readable(store, manifest, controls.compiled, withheld, held);
  outcome.broken.push(...broken);

  const evaluated = controls.compiled.flatMap((control) => {
    const tests = control.tests.filter((test) => {
      const reasons = datasetsOfTest(test).flatMap((name) => withheld.get(name) ?? []);
      if (reasons.length === 0) return true;
      leftOut.add(testKey(control.control.id, test.id));
      if (isJudged(test.types.name)) {
        const reason = [...new Set(reasons)].join('; ');
        outcome.not_done.push({ control: control.control.id, test: test.id, reason });
      }
      return false;
    });
    // Without any test a control would count as one that only people can show.
    return tests.length === 0 && control.tests.length > 0 ? [] : [{ ...control, tests }];
  });
  const lines = new StatusLines();
  try {
    const { differences, compared, left_out, counts } = await compareResults(
      readResults(store, bundle, (list) => held.results.of(store.backend, list)),
      without(
        noting(
          lines,
          judgeSlices({
            controls: evaluated,
            slices,
            given: givenBy(manifest.sources, datasets),
            onlyCollected,
            run: manifest.run,
            asOf: new Date(manifest.results.as_of),
            waivers,
            timezone: manifest.timezone,
          }),
        ),
        isUndecided,
      ),
      (row) =>
        leftOut.has(row.control) || leftOut.has(testKey(row.control, row.test)) || isUndecided(row),
    );
    for (const each of undecided.values()) {
      outcome.not_done.push({ ...each, reason: unwaivable ?? '' });
    }
    outcome.compared = compared;
    outcome.left_out = left_out;
    outcome.differences = differences;
    // Where results are not compared, or differ, so do the lines that they are part of.
    if (differences.length === 0 && leftOut.size === 0 && undecided.size === 0) {
      const sealed = held.statuses.of(store.backend, manifest.results.statuses);
      outcome.broken.push(...(await otherStatuses(sealed, lines.sorted())));
    }
    const lying = statuses.filter((status) => counts[status] !== manifest.results?.counts[status]);
    if (lying.length > 0) {
      outcome.broken.push(
        `its manifest counts ${lying.map((status) => `${manifest.results?.counts[status]} ${status}`).join(', ')}, and its results are ${lying.map((status) => `${counts[status]} ${status}`).join(', ')}`,
      );
    }
  } catch (error) {
    outcome.compared = 0;
    outcome.broken.push(brokenMessage(error));
  }
  held.records.turn();
  held.results.turn();
  held.statuses.turn();
  return outcome;
}

function* noting(lines: StatusLines, results: Iterable<Judged>): Generator<Judged> {
  for (const result of results) {
    lines.add(result);
    yield result;
  }
}

/**
 * Holds the sealed statuses against those that the evidence comes to: of an event they say when it
 * happened, which the results do not.
 */
async function otherStatuses(
  sealed: AsyncIterable<readonly object[]>,
  lines: readonly StatusLine[],
): Promise<string[]> {
  let next = 0;
  for await (const chunk of sealed) {
    for (const line of chunk) {
      const expected = lines[next];
      next += 1;
      if (expected !== undefined && canonicalJson(line) === canonicalJson(expected)) continue;
      return [`line ${next} of its statuses is not what its evidence comes to`];
    }
  }
  if (next === lines.length) return [];
  return [`it has ${next} lines of statuses, and its evidence comes to ${lines.length}`];
}

/** Whether the bundle was judged as a backfill is; an `evaluate` goes by the evidence it judged. */
function isOfBackfill({ kind, slices }: Manifest): boolean {
  return kind === 'evaluate' ? holdsEventsOnly(slices) : kind === 'backfill';
}

function* without(
  results: Iterable<Judged>,
  isLeftOut: (result: Result) => boolean,
): Generator<Judged> {
  for (const result of results) if (!isLeftOut(result)) yield result;
}

/** What the sources of a bundle could give: a dataset's name begins with the id of its source. */
function givenBy(sources: Manifest['sources'], datasets: KnownDatasets): Given[] {
  return sources.flatMap(({ id, use }) =>
    [...datasets.values()]
      .filter(({ name }) => name.startsWith(`${use}.`))
      .map((dataset) => ({ source: id, dataset })),
  );
}

function testKey(control: string, test: string): string {
  return `${control} ${test}`;
}

/** The controls of a bundle; those of the bundle before where nothing of them changed. */
async function heldControls(
  store: Store,
  manifest: Manifest,
  datasets: KnownDatasets,
  held: Held,
): Promise<SealedControls> {
  const key = canonicalJson([manifest.controls, manifest.parameters]);
  if (held.controls?.key !== key) {
    held.controls = { key, controls: await openControls(store, manifest, datasets) };
  }
  return held.controls.controls;
}

/** The waivers of a bundle; those of the bundle before where they are the same. */
async function heldWaivers(store: Store, manifest: Manifest, held: Held): Promise<SealedWaivers> {
  const key = canonicalJson([manifest.waivers, manifest.timezone]);
  if (held.waivers?.key !== key) {
    held.waivers = { key, waivers: await openWaivers(store, manifest) };
  }
  return held.waivers.waivers;
}

/** Datasets that nothing can be said of again, with the reason. */
async function withheldDatasets(
  store: Store,
  manifest: Manifest,
  datasets: KnownDatasets,
  controls: readonly CompiledControl[],
  held: Held,
): Promise<Map<string, string>> {
  const wanted = datasetsOf(controls);
  const withheld = new Map<string, string>();
  for (const { dataset, version } of manifest.slices) {
    const here = datasets.get(dataset)?.version;
    if (!wanted.has(dataset) || here === version) continue;
    withheld.set(
      dataset,
      `${dataset} was sealed in version ${version}, and the collector here gives version ${here}; reperform with the version of Tickmark (or of the plugin) that sealed it`,
    );
  }
  const collected = new Set(manifest.slices.map(({ dataset }) => dataset));
  const absent = [...wanted].filter((name) => !collected.has(name));
  if (absent.length === 0 || (await areSourcesKnown(store, manifest, held))) return withheld;
  for (const dataset of absent) {
    withheld.set(
      dataset,
      `the judged evidence has no ${dataset}, and which sources were configured when it was judged the bundle does not say: tickmark.yaml had changed since`,
    );
  }
  return withheld;
}

/**
 * Whether the manifest names the sources that were configured when its evidence was judged. One of
 * `evaluate` names those of its evidence: they are the same while the configuration is.
 */
async function areSourcesKnown(store: Store, manifest: Manifest, held: Held): Promise<boolean> {
  if (manifest.evidence_of === null) return true;
  const { digest } = manifest.evidence_of;
  if (!held.configurations.has(digest)) await findConfiguration(store, digest, held);
  return held.configurations.get(digest) === manifest.configuration;
}

async function findConfiguration(store: Store, digest: string, held: Held): Promise<void> {
  try {
    for await (const bundle of store.bundles()) {
      held.configurations.set(bundle.digest, bundle.manifest.configuration);
      if (bundle.digest === digest) return;
    }
  } catch (error) {
    // A damaged manifest is another bundle's; here it is only not known.
    brokenMessage(error);
  }
}

/** The slices of every dataset that can be read; the others are withheld from then on. */
async function readable(
  store: Store,
  manifest: Manifest,
  controls: readonly CompiledControl[],
  withheld: Map<string, string>,
  held: Held,
): Promise<{ slices: Map<string, SliceInput[]>; broken: string[] }> {
  const slices = new Map<string, SliceInput[]>();
  const broken: string[] = [];
  for (const dataset of datasetsOf(controls)) {
    if (withheld.has(dataset)) continue;
    try {
      const read = await readSlices(manifest.slices, new Set([dataset]), (slice) =>
        recordsInOrder(store, slice, held),
      );
      for (const [name, inputs] of read) slices.set(name, inputs);
    } catch (error) {
      const reason = `${dataset} cannot be read: ${brokenMessage(error)}`;
      withheld.set(dataset, reason);
      broken.push(reason);
    }
  }
  return { slices, broken };
}

/** A slice's records. @throws TickmarkError IntegrityBroken when not sorted by uid, each once. */
async function* recordsInOrder(
  store: Store,
  { records, source, scope, dataset }: SealedSlice,
  held: Held,
): AsyncGenerator<readonly EvidenceRecord[]> {
  let last: string | undefined;
  for await (const part of held.records.of(store.backend, records)) {
    for (const { uid } of part) {
      if (last !== undefined && last >= uid) {
        throw new TickmarkError(
          'IntegrityBroken',
          `${source}/${scope}/${dataset}: the records are not sorted by uid, each once (at ${uid}); restore the store from a copy`,
        );
      }
      last = uid;
    }
    yield part;
  }
}

function unread(sequence: number, message: string): Reperformed {
  return {
    sequence,
    run: null,
    kind: null,
    started_at: null,
    tool_version: null,
    compared: null,
    population: null,
    left_out: 0,
    differences: [],
    broken: [message],
    not_done: [],
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A line of statuses is only held against what it has to be. */
function parseLine(line: unknown): object | undefined {
  return isObject(line) ? line : undefined;
}

/** A record without the API's own object, which tests do not read. */
function parseRecord(line: unknown): EvidenceRecord | undefined {
  if (!isObject(line)) return undefined;
  const { uid, name, fields, untold = {} } = line;
  const isRecord =
    typeof uid === 'string' && typeof name === 'string' && isObject(fields) && isObject(untold);
  return isRecord ? withoutOriginal(line as unknown as EvidenceRecord) : undefined;
}

/** A line of results as it is stored; `readResults` makes results of them. */
function parseResult(line: unknown): object | undefined {
  if (!isObject(line) || !isObject(line.resource)) return undefined;
  const { control, test, status, reason, observed, dataset, resource } = line;
  const texts = [control, test, reason, dataset, resource.uid, resource.name, resource.scope];
  const isResult =
    texts.every((text) => typeof text === 'string') &&
    (statuses as readonly unknown[]).includes(status) &&
    isObject(observed);
  return isResult ? line : undefined;
}
