import { existsSync } from 'node:fs';
import { loadConfig } from '../../config/load.ts';
import { TickmarkError } from '../../evidence/errors.ts';
import type { Result } from '../../evidence/result.ts';
import { Store } from '../../store/store.ts';
import type { Difference } from '../../verify/differences.ts';
import { bundlesNamed } from '../../verify/finding.ts';
import {
  Held,
  type Reperformed,
  reperformAll,
  reperform as reperformBundle,
} from '../../verify/reperform.ts';
import type { KnownDatasets } from '../../verify/sealed-controls.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { readHistory } from '../history.ts';
import { packageVersion } from '../package.ts';
import { LiveLine } from '../progress.ts';
import { openRegistry } from '../registry.ts';
import { openPlace, placeOf } from '../store.ts';
import { plural, printable, type Terminal, wrap } from '../terminal.ts';

export interface ReperformOptions extends ProjectOptions {
  run?: string;
  json?: boolean;
}

const defaultConfig = 'tickmark.yaml';
/** Differences of one bundle that are printed one by one. */
const mostPrinted = 10;

/** What it all came to. */
interface Totals {
  /** Bundles whose results were evaluated again. */
  reperformed: number;
  /** Samples whose population was worked out again. */
  samples: number;
  /** Bundles that hold neither. */
  without_results: number;
  /** Results that were compared. */
  results: number;
  /** Sealed results of what could not be evaluated again. */
  left_out: number;
  differences: number;
  broken: number;
  /** Controls and tests that could not be evaluated again, counted in each bundle. */
  not_done: number;
}

/**
 * `tickmark reperform`: evaluates each sealed bundle again from its archived evidence. Exit 0: every
 * result is the same; 4: one differs, or something of the store is broken; 3: something could not
 * be evaluated again.
 * @param place a folder or `s3://bucket/prefix`; without one the configured store.
 * @throws TickmarkError NotFound where there are no results to evaluate again.
 */
export async function reperform(
  io: CommandIo,
  place: string | undefined,
  options: ReperformOptions,
): Promise<ExitCode> {
  const { terminal } = io;
  // An auditor has a store and no configuration: then there are the built-in collectors.
  const isThere = options.config !== defaultConfig || existsSync(options.config);
  const loaded = isThere ? loadConfig(options.config) : undefined;
  const { datasets } = await openRegistry(loaded);
  const { backend, redacted } = await openPlace(
    place ?? options.store ?? placeOf(loaded),
    loaded?.config.s3,
  );
  if (redacted) {
    throw new TickmarkError(
      'NotFound',
      `${backend.location} was redacted: the evidence that results followed from is not in it; reperform the store, or an archive that is not redacted`,
    );
  }
  const store = new Store(backend);
  const totals: Totals = {
    reperformed: 0,
    samples: 0,
    without_results: 0,
    results: 0,
    left_out: 0,
    differences: 0,
    broken: 0,
    not_done: 0,
  };
  /** Where what could not be done is said once for all bundles. */
  const reasons = new Map<string, { tests: Set<string>; bundles: number[] }>();
  const progress = new LiveLine(terminal);
  for await (const night of outcomes(store, datasets, options.run, (done, all) =>
    progress.show(`bundle ${done + 1} of ${all}`),
  )) {
    if (io.signal.aborted) break;
    count(totals, night);
    progress.clear();
    if (options.json) terminal.out(JSON.stringify(night));
    else printOutcome(terminal, night);
    for (const { control, test, reason } of night.not_done) {
      const known = reasons.get(reason) ?? { tests: new Set(), bundles: [] };
      reasons.set(reason, known);
      known.tests.add(test === null ? control : `${control} ${test}`);
      if (known.bundles.at(-1) !== night.sequence) known.bundles.push(night.sequence);
    }
  }
  progress.clear();
  if (io.signal.aborted) {
    throw new TickmarkError('Interrupted', 'not every bundle was evaluated again');
  }
  if (totals.reperformed === 0 && totals.samples === 0 && totals.broken === 0) {
    throw nothingThere(store, options, totals);
  }
  const exitCode = exitCodeOf(totals);
  if (options.json) {
    terminal.out(JSON.stringify({ store: store.backend.location, ...totals, exit_code: exitCode }));
  } else {
    printReasons(terminal, reasons);
    terminal.out(terminal.style('bold', inWords(totals)));
  }
  return exitCode;
}

async function* outcomes(
  store: Store,
  datasets: KnownDatasets,
  run: string | undefined,
  onBundle: (done: number, all: number) => void,
): AsyncGenerator<Reperformed> {
  const held = new Held(() => readHistory(store, { reachDays: new Map() }));
  if (run === undefined) yield* reperformAll(store, datasets, onBundle, held);
  else yield reperformBundle(store, await store.bundleOf(run), datasets, held);
}

function count(totals: Totals, night: Reperformed) {
  const { compared, population, left_out, differences, broken, not_done } = night;
  if (compared !== null) totals.reperformed += 1;
  else if (population !== null) totals.samples += 1;
  else if (broken.length === 0) totals.without_results += 1;
  totals.results += compared ?? 0;
  totals.left_out += left_out;
  totals.differences += differences.length;
  totals.broken += broken.length;
  totals.not_done += not_done.length;
}

/** A difference outranks what could not be done: it is certain. */
function exitCodeOf({ differences, broken, not_done }: Totals): ExitCode {
  if (differences > 0 || broken > 0) return exitCodes.integrity;
  return not_done > 0 ? exitCodes.incomplete : exitCodes.complete;
}

function nothingThere(store: Store, { run }: ReperformOptions, totals: Totals): TickmarkError {
  const { location } = store.backend;
  if (totals.without_results === 0) {
    return new TickmarkError(
      'NotFound',
      `${location} holds no bundle; name the folder that has bundles/ in it, or s3://bucket/prefix`,
    );
  }
  return new TickmarkError(
    'NotFound',
    run === undefined
      ? `no bundle in ${location} holds results; tickmark evaluate judges what was collected`
      : `run ${run} in ${location} holds no results; tickmark evaluate --run ${run} judges it`,
  );
}

/** Nothing for a bundle whose results are all the same: the last line counts them. */
function printOutcome({ out, style }: Terminal, night: Reperformed): void {
  const { differences, broken, not_done, compared } = night;
  if (differences.length === 0 && broken.length === 0 && not_done.length === 0) return;
  const said = [
    ...(differences.length > 0 ? [style('red', plural(differences.length, 'difference'))] : []),
    ...(broken.length > 0 ? [style('red', `${broken.length} broken`)] : []),
    ...(not_done.length > 0 ? [style('yellow', `${not_done.length} not evaluated again`)] : []),
    ...(compared === null ? [] : [`${plural(compared, 'result')} compared`]),
  ];
  const version = packageVersion();
  if (differences.length > 0 && night.tool_version !== version) {
    said.push(printable(`sealed by tickmark ${night.tool_version}, this is ${version}`));
  }
  const name = night.run === null ? '' : ` (${night.started_at?.slice(0, 10)}, run ${night.run})`;
  out(`Bundle ${night.sequence}${name}: ${said.join(', ')}`);
  for (const message of broken) out(`  ${printable(message)}`);
  for (const each of differences.slice(0, mostPrinted)) out(`  ${printable(inOneLine(each))}`);
  const more = differences.length - mostPrinted;
  if (more > 0) out(`  … and ${more} more: --run ${night.run} --json prints all`);
}

function inOneLine({ control, test, resource, sealed, again, fields }: Difference): string {
  const what = `${control} ${test} ${resource.name} (${resource.scope}, ${resource.uid})`;
  if (sealed === null) return `not sealed: ${what}: ${again?.status} (${again?.reason})`;
  if (again === null) return `only sealed: ${what}: ${sealed.status} (${sealed.reason})`;
  const value = (row: Result, field: Difference['fields'][number]) =>
    JSON.stringify(field === 'name' ? row.resource.name : row[field]);
  const changes = fields.map(
    (field) => `${field} is sealed as ${value(sealed, field)}, and is ${value(again, field)}`,
  );
  return `differs: ${what}: ${changes.join('; ')}`;
}

function printReasons(
  { out, style, width }: Terminal,
  reasons: ReadonlyMap<string, { tests: Set<string>; bundles: number[] }>,
): void {
  if (reasons.size === 0) return;
  out(style('bold', 'Could not be evaluated again:'));
  for (const [reason, { tests, bundles }] of reasons) {
    const text = `${[...tests].join(', ')} (${bundlesNamed(bundles)}): ${reason}`;
    for (const line of wrap(text, width, '  ')) out(line);
  }
  out();
}

function inWords(totals: Totals): string {
  const { reperformed, samples, without_results, results, differences, broken, not_done } = totals;
  const found = [
    differences > 0 ? plural(differences, 'difference') : 'no difference',
    ...(broken > 0 ? [`${broken} broken`] : []),
    ...(not_done > 0 ? [`${plural(totals.left_out, 'result')} not evaluated again`] : []),
  ];
  const none =
    without_results > 0 ? ` (${plural(without_results, 'bundle')} more without results)` : '';
  const drawn =
    samples > 0 ? `; worked out the population of ${plural(samples, 'sample')} again` : '';
  if (results === 0 && not_done > 0) {
    return `Evaluated nothing again${drawn}: ${plural(totals.left_out, 'result')} could not be, in ${plural(reperformed, 'bundle')}${none}.`;
  }
  return `Evaluated ${plural(reperformed, 'bundle')} again${none}, ${plural(results, 'result')} compared${drawn}: ${found.join(', ')}.`;
}
