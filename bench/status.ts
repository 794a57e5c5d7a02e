/**
 * How long `tickmark status` takes over a year of nights, and whether what it reads grows with
 * nights and resources or with what changed; and what `tickmark export` takes with so many tests.
 *
 * The nights are made here and sealed as a run seals them. A period is read from manifests and
 * statuses alone: these are each night's own. There are no records, calls and results.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { builtin } from '../collectors/index.ts';
import { readHistory } from '../src/cli/history.ts';
import { packageRoot } from '../src/cli/package.ts';
import { type LoadedControl, loadControls } from '../src/controls/load.ts';
import { compareText } from '../src/evidence/json.ts';
import { noCounts, type StatusLine } from '../src/evidence/result.ts';
import type { Slice } from '../src/evidence/slice.ts';
import type { Manifest, SealedSlice } from '../src/seal/manifest.ts';
import type { Backend } from '../src/store/backend.ts';
import { statusKey } from '../src/store/results.ts';
import { Store, unsealed } from '../src/store/store.ts';
import { draft } from '../test/support/bundles.ts';
import { memoryBackend } from '../test/support/memory-backend.ts';
import { exportFigures } from './export.ts';
import type { Figure } from './figures.ts';
import { below, oneOf, type Random, randomFrom } from './random.ts';
import { measure } from './tickmark.ts';

/** From the week before the period to the day behind it: 365 nights, and a week without runs. */
const days = 372;
const resources = 10_000;
const tests = 60;
const firstDay = Date.UTC(2024, 11, 26);
const dayMs = 86_400_000;

/**
 * Of a hundred resources that change in a night, some of which come or go, most keep every status:
 * only what changes a line of statuses is made here.
 */
const changes = { statuses: 10, comings: 3 };
/** Events of each night, over all datasets of events. */
const eventsANight = 20;
/** Days without a run, and one on which a slice failed, from 0. */
const isWithoutRun = (day: number) => day >= 220 && day < 227;
const dayOfFailure = 100;

const mostSeconds = 2;
const mostMegabytes = 300;
/** It would be as many times as there are resources if what is read grew with them. */
const mostGrowth = 1.5;

/** The two small stores that are held against one another. */
const small = { nights: 20, resources: 2_000, times: 10 };

export async function statusFigures(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tickmark-bench-'));
  try {
    process.stderr.write(
      `bench: sealing a year of nights over ${resources} resources for status\n`,
    );
    const { keys, backend } = memoryBackend();
    const year = new World(resources, randomFrom(7));
    await year.seal(new Store(backend), days);
    await writeFiles(join(folder, 'evidence'), keys);
    await writeFile(join(folder, 'tickmark.yaml'), JSON.stringify(configuration));
    await measured(folder, ['status']);
    const { seconds, peakMegabytes } = await measured(folder, ['status']);
    const exported = await exportFigures(folder);
    const { reads, nights } = await readsOf(backend);
    const [few, many] = [await laterReads(1), await laterReads(small.times)];
    const of = `${nights} nights, ${tests} tests, ${resources.toLocaleString('en-US')} resources`;
    return [
      { name: `status over ${of}`, found: seconds, unit: 's', budget: mostSeconds },
      { name: '  peak memory', found: peakMegabytes, unit: 'MB', budget: mostMegabytes },
      {
        name: '  files read',
        found: reads,
        unit: 'files',
        beside: `${keys.size.toLocaleString('en-US')} in the store`,
      },
      {
        name: `  read of later nights, with ${small.times} times the resources unchanged`,
        found: many / few,
        unit: 'times',
        budget: mostGrowth,
        beside: `${few} files of ${small.nights - 1} nights, and ${many}`,
      },
      ...exported,
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const configuration = {
  organization: 'Acme, Inc.',
  period: { start: '2025-01-01', end: '2025-12-31' },
  timezone: 'Europe/Berlin',
  sources: [
    { id: 'production', use: 'aws' },
    { id: 'code', use: 'github', with: { organization: 'acme' } },
  ],
};

/** @throws Error where the command did not do what is measured. */
async function measured(folder: string, args: string[]) {
  const found = await measure(args, folder, {});
  if (found.code === 0) return found;
  throw new Error(`tickmark ${args.join(' ')} ended with ${found.code}\n${found.stderr}`);
}

/** Plain files: how a folder makes them durable is no part of what is measured. */
async function writeFiles(folder: string, keys: ReadonlyMap<string, Buffer>): Promise<void> {
  const folders = new Set([...keys.keys()].map((key) => dirname(join(folder, key))));
  for (const each of folders) await mkdir(each, { recursive: true });
  for (const [key, bytes] of keys) await writeFile(join(folder, key), bytes);
}

// --- What is read --------------------------------------------------------------------------

/** How many files are read to work a period out. */
async function readsOf(backend: Backend): Promise<{ reads: number; nights: number }> {
  let reads = 0;
  const counting: Backend = {
    ...backend,
    read(key) {
      reads += 1;
      return backend.read(key);
    },
  };
  const { bundles } = await readHistory(new Store(counting), { reachDays: new Map() });
  return { reads, nights: bundles.length };
}

/** What a store of some nights reads beyond a store of the first of them alone. */
async function laterReads(times: number): Promise<number> {
  const reads = async (nights: number) => {
    const { backend } = memoryBackend();
    const world = new World(small.resources * times, randomFrom(11));
    await world.seal(new Store(backend), nights);
    return (await readsOf(backend)).reads;
  };
  return (await reads(small.nights)) - (await reads(1));
}

// --- The world -----------------------------------------------------------------------------

/** A dataset that tests are over, with those tests. */
interface Tested {
  name: string;
  source: string;
  scopes: string[];
  isEvents: boolean;
  /** Their ids. */
  tests: string[];
}

/** A resource with its line of statuses, and the key that lines are sorted by. */
interface Resource {
  dataset: Tested;
  key: string;
  line: StatusLine;
}

/** What is there, and what comes out for it; changes a little from night to night. */
class World {
  readonly #controls: LoadedControl[];
  readonly #datasets: Tested[];
  /** Of state, in the order of their lines. */
  readonly #resources: Resource[] = [];
  readonly #random: Random;
  #made = 0;

  constructor(count: number, random: Random) {
    this.#random = random;
    this.#controls = manyControls();
    this.#datasets = testedDatasets(this.#controls);
    const states = this.#states();
    for (let at = 0; at < count; at += 1) this.#resources.push(this.#newOf(states, at));
    this.#resources.sort(byKey);
  }

  /** Seals a night for each of so many days, but for those without a run. */
  async seal(store: Store, count: number): Promise<void> {
    const controls = [];
    for (const { control, file, bytes } of this.#controls) {
      controls.push({ id: control.id, file, digest: await store.writeBytes(bytes) });
    }
    const first = await this.#slices(store);
    let since = firstDay - dayMs;
    for (let day = 0; day < count; day += 1) {
      if (isWithoutRun(day)) continue;
      if (day > 0) this.#change();
      const began = firstDay + day * dayMs + 2 * 3_600_000 + below(60_000, this.#random);
      const broken = day === dayOfFailure ? this.#states()[3] : undefined;
      await this.#sealNight(store, controls, slicesOf(first, since, began, broken), since, began);
      since = began;
    }
  }

  async #sealNight(
    store: Store,
    controls: Manifest['controls'],
    slices: readonly SealedSlice[],
    since: number,
    began: number,
  ): Promise<void> {
    const failed = new Set(
      slices.flatMap(({ outcome, dataset }) => (outcome === 'failed' ? [dataset] : [])),
    );
    const lines = [
      ...this.#resources.map(({ line }) => line).filter(({ dataset }) => !failed.has(dataset)),
      ...this.#events(since, began),
      ...this.#datasets
        .filter(({ name }) => failed.has(name))
        .flatMap((dataset) => dataset.scopes.map((scope) => failedLine(dataset, scope))),
    ];
    const counts = noCounts();
    for (const { statuses } of lines) {
      for (const status of Object.values(statuses)) counts[status] += 1;
    }
    const sorted = lines
      .map((line) => ({ line, key: statusKey(line) }))
      .sort(byKey)
      .map(({ line }) => line);
    const finished_at = new Date(began + 60_000).toISOString();
    const calls = await store.writeCalls('production', []);
    await store.seal(
      draft({
        kind: 'run',
        run: `${new Date(began).toISOString().replace(/[-:]|\.\d+/g, '')}-${String(below(1e6, this.#random)).padStart(6, '0')}`,
        started_at: new Date(began).toISOString(),
        finished_at,
        timezone: configuration.timezone,
        controls,
        sources: configuration.sources.map(({ id, use }) => ({
          id,
          use,
          identities: [{ subject: `${use}:tickmark`, account: '111111111111' }],
          left_out: [],
          calls,
          requests: 400,
          endpoints: [`https://${use}.example:443`],
        })),
        slices: [...slices],
        results: {
          as_of: finished_at,
          counts,
          list: await store.writeResultLines('results', [], () => '', slices, 'run'),
          statuses: await store.writeResultLines('statuses', sorted, statusKey, slices, 'run'),
        },
      }),
      unsealed,
    );
  }

  async #slices(store: Store): Promise<SealedSlice[]> {
    const slices = [];
    for (const { name, source, scopes, isEvents } of this.#datasets) {
      for (const scope of scopes) {
        const slice: Slice = {
          dataset: name,
          version: 1,
          source,
          scope,
          kind: isEvents ? 'events' : 'snapshot',
          observed_at: new Date(firstDay).toISOString(),
          outcome: 'complete',
          problems: [],
          tie_outs: [],
          records: [],
          calls: [],
        };
        slices.push(await store.writeSlice(slice));
      }
    }
    return slices;
  }

  #states(): Tested[] {
    return this.#datasets.filter(({ isEvents }) => !isEvents);
  }

  /** One in a hundred fails a test when it comes. */
  #newOf(datasets: readonly Tested[], at: number): Resource {
    const dataset = datasets[at % datasets.length] as Tested;
    this.#made += 1;
    // Spread evenly: what comes stands anywhere among what is there.
    const spread = (Math.imul(this.#made, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
    const line: StatusLine = {
      source: dataset.source,
      dataset: dataset.name,
      scope: oneOf(dataset.scopes, this.#random),
      uid: `arn:${dataset.name}:${spread}`,
      name: `resource-${spread}`,
      statuses: this.#statusesOf(dataset, 0.01),
    };
    return { dataset, key: statusKey(line), line };
  }

  #statusesOf({ tests: own }: Tested, failing: number): StatusLine['statuses'] {
    const fails = this.#random() < failing ? oneOf(own, this.#random) : undefined;
    return Object.fromEntries(own.map((test) => [test, test === fails ? 'fail' : 'pass']));
  }

  /** As many deviations close as open. */
  #change(): void {
    for (let at = 0; at < changes.statuses / 2; at += 1) {
      const { dataset, line } = oneOf(this.#resources, this.#random);
      line.statuses = { ...line.statuses, [oneOf(dataset.tests, this.#random)]: 'fail' };
      const failing = this.#resources.filter((each) =>
        Object.values(each.line.statuses).includes('fail'),
      );
      const mended = oneOf(failing, this.#random);
      mended.line.statuses = this.#statusesOf(mended.dataset, 0);
    }
    for (let at = 0; at < changes.comings; at += 1) {
      this.#resources.splice(below(this.#resources.length, this.#random), 1);
      this.#resources.push(this.#newOf(this.#states(), below(1_000, this.#random)));
    }
    this.#resources.sort(byKey);
  }

  #events(since: number, until: number): StatusLine[] {
    const kinds = this.#datasets.filter(({ isEvents }) => isEvents);
    return Array.from({ length: eventsANight }, () => {
      const dataset = oneOf(kinds, this.#random);
      this.#made += 1;
      return {
        source: dataset.source,
        dataset: dataset.name,
        scope: dataset.scopes[0] ?? '',
        uid: `event-${String(this.#made).padStart(8, '0')}`,
        name: `event ${this.#made}`,
        event_at: new Date(since + below(until - since, this.#random)).toISOString(),
        statuses: this.#statusesOf(dataset, 0.02),
      };
    });
  }
}

function byKey(a: { key: string }, b: { key: string }): number {
  return compareText(a.key, b.key);
}

/** What a failed slice leaves behind. */
function failedLine({ name, source, tests: own }: Tested, scope: string): StatusLine {
  return {
    source,
    dataset: name,
    scope,
    uid: `${source}/${scope}/${name}`,
    name: scope,
    about: 'slice',
    statuses: Object.fromEntries(own.map((test) => [test, 'error'])),
  };
}

/** The slices of a night; those of one dataset may have failed. */
function slicesOf(
  first: readonly SealedSlice[],
  since: number,
  began: number,
  broken: Tested | undefined,
): SealedSlice[] {
  const interval = {
    start: new Date(since).toISOString(),
    end: new Date(began).toISOString(),
    covered_since: new Date(firstDay - dayMs).toISOString(),
  };
  const failure: Pick<SealedSlice, 'outcome' | 'problems'> = {
    outcome: 'failed',
    problems: [{ code: 'Throttled', message: 'all attempts were throttled', severity: 'error' }],
  };
  return first.map((slice) => ({
    ...slice,
    observed_at: new Date(began + 30_000).toISOString(),
    ...(slice.kind === 'events' ? { interval } : {}),
    ...(slice.dataset === broken?.name ? failure : {}),
  }));
}

/** The built-in controls, and some of them again under other names until there are enough tests. */
function manyControls(): LoadedControl[] {
  const own = loadControls(['builtin:soc2'], packageRoot, packageRoot);
  const controls = [...own];
  const count = () => controls.reduce((sum, { control }) => sum + control.tests.length, 0);
  for (const each of own) {
    const missing = tests - count();
    if (missing <= 0) break;
    if (each.control.tests.length > missing) continue;
    const text = Buffer.from(each.bytes)
      .toString('utf8')
      .replace(/^id: "/m, 'id: "MY-')
      .replace(/^ {2}- id: /gm, '  - id: my-');
    const control = {
      ...each.control,
      id: `MY-${each.control.id}`,
      tests: each.control.tests.map((test) => ({ ...test, id: `my-${test.id}` })),
    };
    controls.push({ ...each, control, file: `./${control.id}.yaml`, bytes: Buffer.from(text) });
  }
  return controls;
}

function testedDatasets(controls: readonly LoadedControl[]): Tested[] {
  const kinds = new Map(
    (builtin.collectors ?? []).flatMap(({ datasets }) =>
      datasets.map(({ name, kind }) => [name, kind] as const),
    ),
  );
  const datasets = new Map<string, Tested>();
  for (const { control } of controls) {
    for (const { id, over } of control.tests) {
      const isAws = over.startsWith('aws.');
      const dataset = datasets.get(over) ?? {
        name: over,
        source: isAws ? 'production' : 'code',
        scopes: isAws ? ['111111111111', '222222222222'] : ['acme'],
        isEvents: kinds.get(over) === 'events',
        tests: [],
      };
      datasets.set(over, dataset);
      dataset.tests.push(id);
    }
  }
  return [...datasets.values()].sort((a, b) => compareText(a.name, b.name));
}
