import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { safeName } from '../../archive/safe-name.ts';
import { messageOf, TickmarkError } from '../../evidence/errors.ts';
import { versionsOf } from '../../period/changes.ts';
import { isWithin } from '../../period/examined.ts';
import {
  algorithm,
  type Drawn,
  type DrawnStratum,
  type DrawRequest,
  draw,
  itemKey,
  lineOf,
  type Stratum,
} from '../../period/sample.ts';
import { csv } from '../../report/csv.ts';
import { headOf, populationTable } from '../../report/tables.ts';
import type { Bundle, Manifest } from '../../seal/manifest.ts';
import type { Draft } from '../../store/store.ts';
import type { CommandIo } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { commonDraft, interrupted, newRunId } from '../night.ts';
import { type OpenPeriod, type PeriodOptions, readPeriod } from '../period.ts';
import { type OpenPopulation, openPopulation } from '../population.ts';
import { evidenceOf } from '../population-evidence.ts';
import { headLine } from '../print-night.ts';
import { openProject, type Project } from '../project.ts';
import { reachDaysIn } from '../registry.ts';
import { evidenceOfItems, type ItemEvidence } from '../sample-evidence.ts';
import { openSealing, type ProjectSealing, stamp } from '../sealing.ts';
import { plural, type Terminal } from '../terminal.ts';
import { populationJson, printIncomplete } from './population.ts';

export interface SampleOptions extends PeriodOptions {
  size?: number | 'auto';
  seed?: string;
  by?: Stratum;
  /** A new folder for the evidence. */
  out?: string;
  json?: boolean;
}

/** A population with what was drawn from it. */
interface Sampled extends OpenPopulation {
  asked: DrawRequest;
  drawn: Drawn[];
  strata: DrawnStratum[];
}

/**
 * `tickmark sample TEST`: draws from the population of a test. The draw is sealed before anybody
 * sees what it drew; then the evidence of each item is written into a new folder.
 */
export async function sample(
  io: CommandIo,
  test: string,
  options: SampleOptions,
): Promise<ExitCode> {
  const { seed, size } = options;
  if (seed === undefined || size === undefined) throw whatIsMissing(test, options);
  const project = await openProject(options);
  const { store } = project;
  const read = { ...project, reachDays: reachDaysIn(project.registry) };
  const sealing = await openSealing(project, io);
  const startedAt = new Date();
  let period = await readPeriod(read, options, startedAt);
  // A night that was sealed meanwhile belongs to the population too.
  while (!holds(period, await store.last())) {
    period = await readPeriod(read, options, startedAt);
  }
  const sampled = drawFrom(period, test, { ...options, seed, size });
  const run = newRunId(startedAt);
  const folder = options.out ?? `sample-${test}-${run}`;
  await makeFolder(folder);
  let bundle: Bundle;
  try {
    if (io.signal.aborted) throw interrupted();
    bundle = await sealDraw(project, io, sampled, { run, startedAt }, sealing);
  } catch (error) {
    await rmdir(folder);
    throw error;
  }
  const stamping = await stamp(store, bundle, sealing, io.signal);
  for (const failure of stamping?.failures ?? []) io.terminal.err(`tickmark: ${failure}`);
  const told = await writeEvidence(folder, sampled, period, bundle, options);
  if (options.json) io.terminal.out(JSON.stringify(told));
  else print(io.terminal, sampled, bundle, folder);
  return exitCodes.complete;
}

function holds({ history }: OpenPeriod, last: Bundle | undefined): boolean {
  return last === undefined || history.bundles.some(({ digest }) => digest === last.digest);
}

/** @throws TickmarkError Usage, NotFound where there is nothing to draw from. */
function drawFrom(
  period: OpenPeriod,
  test: string,
  { seed, size, by }: Pick<SampleOptions, 'by'> & { seed: string; size: number | 'auto' },
): Sampled {
  const opened = openPopulation(period, test);
  const { population, examined, incomplete } = opened;
  const { start, end, timezone } = population.period;
  if (by === 'month' && population.kind === 'state') {
    throw new TickmarkError(
      'Usage',
      `--by month: ${test} is over ${population.dataset}, a state, which has no month; take scope, source or status`,
    );
  }
  if (population.items.length === 0) {
    const lacks = incomplete.length === 0 ? '' : ', as far as is known: it is not complete';
    throw new TickmarkError(
      'NotFound',
      `the population of ${test} from ${start} to ${end} is empty${lacks}; nothing was drawn, and nothing sealed. tickmark status --control ${population.control} says more`,
    );
  }
  const frequency = examined.tests.get(test)?.control.frequency ?? 'per-event';
  const asked: DrawRequest = {
    seed,
    size: size === 'auto' ? period.loaded.config.samples[frequency] : size,
    by: by ?? null,
    timezone,
  };
  return { ...opened, asked, ...draw(population.items, asked) };
}

async function sealDraw(
  project: Project,
  io: CommandIo,
  { population, asked, drawn }: Sampled,
  { run, startedAt }: { run: string; startedAt: Date },
  sealing: ProjectSealing,
): Promise<Bundle> {
  const { store } = project;
  const { start, end } = population.period;
  const { seed, size, by } = asked;
  const sample: NonNullable<Manifest['sample']> = {
    test: population.test,
    period: { start, end },
    seed,
    size,
    by,
    population: await store.writePlainLines(population.items, itemKey),
    items: await store.writePlainLines(drawn.map(lineOf), itemKey),
  };
  const draft: Draft = {
    ...(await commonDraft(project, io)),
    // Nothing was tested: the bundle says what was drawn, and nothing else.
    controls: [],
    run,
    kind: 'sample',
    evidence_of: null,
    started_at: startedAt.toISOString(),
    finished_at: new Date().toISOString(),
    clock: 'system',
    answers: 'live',
    sources: [],
    slices: [],
    results: null,
    sample,
  };
  return store.seal(draft, sealing);
}

/**
 * Writes what an auditor asks of each item, and of the draw. @returns sample.json.
 * @throws TickmarkError Usage where the folder cannot be written to: the draw stays sealed.
 */
async function writeEvidence(
  folder: string,
  sampled: Sampled,
  { store }: OpenPeriod,
  bundle: Bundle,
  options: SampleOptions,
): Promise<object> {
  const { population, examined, drawn } = sampled;
  const digits = Math.max(2, String(drawn.length).length);
  const folders = drawn.map(
    ({ item }, index) => `${String(index + 1).padStart(digits, '0')}-${safeName(item.name)}`,
  );
  const items = drawn.map(({ item }) => item);
  const evidence = await evidenceOfItems(items, population, examined, store);
  const told = sampleJson(sampled, bundle, folders, options);
  const whole = populationJson(sampled, await evidenceOf(population, examined, store));
  try {
    for (const [index, name] of folders.entries()) {
      const own = join(folder, name);
      await mkdir(own);
      const { rows, versions } = evidence[index] as ItemEvidence;
      await writeFile(join(own, 'results.csv'), csv(resultColumns, rows.map(resultCells)));
      await writeFile(
        join(own, 'evidence.json'),
        json({ ...lineOf(drawn[index] as Drawn), versions }),
      );
    }
    const table = populationTable(items);
    const columns = ['number', 'folder', 'stratum', 'lot', ...headOf(table)];
    const rows = [...table.rows].map((cells, index) => {
      const { stratum, lot } = drawn[index] as Drawn;
      return [index + 1, folders[index] ?? '', stratum, lot, ...cells];
    });
    await writeFile(join(folder, 'sample.csv'), csv(columns, rows));
    await writeFile(join(folder, 'population.json'), json(whole));
    await writeFile(join(folder, 'sample.json'), json(told));
  } catch (cause) {
    throw new TickmarkError(
      'Usage',
      `${folder} cannot be written: ${messageOf(cause)}. The draw is sealed as bundle ${bundle.manifest.sequence}; the same command with another --out draws the same items again`,
      { cause },
    );
  }
  return told;
}

const resultColumns = ['run', 'observed_at', 'status', 'reason'];

function resultCells({ run, observed_at, status, reason }: ItemEvidence['rows'][number]) {
  return [run, observed_at, status, reason];
}

function sampleJson(
  { population, incomplete, examined, asked, drawn, strata }: Sampled,
  { manifest, digest }: Bundle,
  folders: readonly string[],
  options: SampleOptions,
): object {
  const { control, test, title, dataset, kind, period, through } = population;
  const { seed, size, by } = asked;
  const nights = examined.nights.filter(
    (night) => isWithin(night, examined) && night.tests.has(test),
  );
  // What decides a result: of other controls and tests it is no matter.
  const having = new Set(nights.map(({ tests }) => tests.get(test)?.control.id));
  const isOwn = ({ what, id }: { what: string; id: string }) =>
    what === 'control' ? having.has(id) : what !== 'parameters' || id === test;
  const { population: all, items } = manifest.sample as NonNullable<Manifest['sample']>;
  return {
    ...{ test, title, control, dataset, kind, period, through },
    complete: incomplete.length === 0,
    incomplete,
    simulated: examined.simulated,
    ...{ seed, size, by, algorithm },
    auto: options.size === 'auto',
    strata,
    population: { count: all.count, digest: all.digest },
    drawn: { count: items.count, digest: items.digest },
    bundle: { sequence: manifest.sequence, run: manifest.run, digest },
    redraw: redrawing(population.test, asked, period),
    judged_by: versionsOf(nights).filter(isOwn),
    items: drawn.map((each, index) => ({
      number: index + 1,
      folder: folders[index],
      ...lineOf(each),
    })),
  };
}

/** The command that draws the same again. */
function redrawing(
  test: string,
  { seed, size, by }: DrawRequest,
  { start, end }: { start: string; end: string },
): string {
  const word = /^[\w.:@%+,/-]+$/.test(seed) ? seed : `'${seed.replaceAll("'", "'\\''")}'`;
  const divided = by === null ? '' : ` --by ${by}`;
  return `tickmark sample ${test} --size ${size} --seed ${word}${divided} --from ${start} --until ${end}`;
}

function print(
  { out, style, width }: Terminal,
  { population, incomplete, examined, asked, drawn, strata }: Sampled,
  { manifest, digest }: Bundle,
  folder: string,
): void {
  printIncomplete(incomplete, { style, width }, out);
  if (examined.simulated) out('Simulated: a person set the clock, or recordings answered.');
  const { test, title, items, period } = population;
  out(`${test}: ${title}`);
  out(
    `Drew ${drawn.length} of ${plural(items.length, 'item')}, ${period.start} to ${period.end}, with seed ${asked.seed}`,
  );
  for (const { stratum, population: count, drawn: own } of strata) {
    if (stratum !== null) out(`  ${stratum}: ${own} of ${count}`);
    if (count < asked.size) {
      const whole = stratum === null ? 'the population' : 'the stratum';
      out(`    ${whole} has fewer than ${asked.size}: all of it was drawn`);
    }
  }
  out(`Sealed as bundle ${manifest.sequence}; the evidence of each is in ${folder}`);
  out(headLine({ sequence: manifest.sequence, digest }));
}

/** @throws TickmarkError Usage: a sample is never mixed with another. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(dirname(folder), { recursive: true });
    await mkdir(folder);
  } catch (cause) {
    const isThere = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    const message = isThere
      ? `${folder} exists, and a sample is not mixed with anything; name a new folder with --out`
      : `${folder} cannot be made: ${messageOf(cause)}; name another folder with --out`;
    throw new TickmarkError('Usage', `${message}. Nothing was drawn`, { cause });
  }
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function whatIsMissing(test: string, { seed, size }: SampleOptions): TickmarkError {
  if (seed === undefined) {
    return new TickmarkError(
      'Usage',
      `--seed is missing: it decides what is drawn, so the auditor gives it, not whoever is audited, and there is no default. Ask the auditor for any text that nobody here could foresee (the digits of a banknote, a headline of today); then: tickmark sample ${test} --size ${size ?? 'auto'} --seed <text>`,
    );
  }
  return new TickmarkError(
    'Usage',
    `--size is missing: the auditor says how many items to draw; auto takes the number that samples: in the configuration gives for the control's frequency: tickmark sample ${test} --size auto --seed ${seed}`,
  );
}
