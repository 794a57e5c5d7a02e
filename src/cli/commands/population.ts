import { csv } from '../../report/csv.ts';
import { headOf, populationTable } from '../../report/tables.ts';
import type { CommandIo } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { exists, isThere, writeOutput } from '../output.ts';
import { openPeriod, type PeriodOptions } from '../period.ts';
import { type OpenPopulation, openPopulation } from '../population.ts';
import { evidenceOf, type PopulationEvidence } from '../population-evidence.ts';
import { humanTime, plural, type Terminal, wrap } from '../terminal.ts';

export interface PopulationOptions extends PeriodOptions {
  /** File of the table; what shows that it is complete is written beside it. */
  out?: string;
  force?: boolean;
  json?: boolean;
}

/** Reasons that are printed one by one. */
const mostReasons = 10;

/**
 * `tickmark population TEST`: everything that a test was to judge in a period. It only reads: 0, and
 * 4 where bundles are missing or damaged.
 */
export async function population(
  { terminal }: CommandIo,
  test: string,
  options: PopulationOptions,
): Promise<ExitCode> {
  const { out: file, force = false } = options;
  const beside = `${file}.json`;
  if (file !== undefined && !force) await assertNoneOf([file, beside]);
  const period = await openPeriod(options);
  const opened = openPopulation(period, test);
  const evidence = await evidenceOf(opened.population, opened.examined, period.store);
  const exitCode = opened.examined.problems.length > 0 ? exitCodes.integrity : exitCodes.complete;
  if (options.json) {
    terminal.out(JSON.stringify(populationJson(opened, evidence)));
    return exitCode;
  }
  const items = populationTable(opened.population.items);
  const table = csv(headOf(items), items.rows);
  const say = file === undefined ? terminal.err : terminal.out;
  printSummary(opened, evidence, terminal, say);
  if (file === undefined) {
    terminal.data(table);
    return exitCode;
  }
  await writeOutput(file, [table], force);
  const whole = `${JSON.stringify(populationJson(opened, evidence), null, 2)}\n`;
  await writeOutput(beside, [whole], force);
  say(`Wrote ${file}, and beside it ${beside}: tie-outs, queries, nights, gaps.`);
  return exitCode;
}

/** The population with what shows that it is complete (docs/samples.md). */
export function populationJson(
  { population: { items, gaps, ...head }, incomplete, examined }: OpenPopulation,
  { tie_outs, queries, nights }: PopulationEvidence,
): object {
  return {
    complete: incomplete.length === 0,
    incomplete,
    simulated: examined.simulated,
    ...head,
    count: items.length,
    gaps,
    tie_outs,
    queries,
    nights,
    nights_left_out: examined.left_out,
    items,
  };
}

/** What is missing first, then what there is. */
function printSummary(
  { population: { test, title, period, through, items }, incomplete, examined }: OpenPopulation,
  { tie_outs, queries, nights }: PopulationEvidence,
  { style, width }: Terminal,
  say: (line?: string) => void,
): void {
  printIncomplete(incomplete, { style, width }, say);
  if (examined.simulated) say('Simulated: a person set the clock, or recordings answered.');
  const { start, end, timezone } = period;
  say(`${test}: ${title}`);
  say(
    `${plural(items.length, 'item')} from ${start} to ${end} (${timezone}), as seen up to ${humanTime(through)}`,
  );
  const first = nights[0]?.started_at.slice(0, 10);
  const last = nights.at(-1)?.started_at.slice(0, 10);
  const when = first === undefined ? '' : `, ${first} to ${last}`;
  const whole = nights.filter(({ complete }) => complete).length;
  say(`Put together from ${plural(nights.length, 'bundle')}${when}; ${whole} of them complete`);
  const sum = (of: 'slices' | 'counted' | 'matched') =>
    tie_outs.reduce((all, each) => all + each[of], 0);
  const by = new Set(tie_outs.flatMap((each) => each.by.map((count) => count.by)));
  say(
    by.size === 0
      ? 'Counted a second time: never; the source gives no second count'
      : `Counted a second time: ${sum('counted')} of ${plural(sum('slices'), 'slice')}, ${sum('matched')} with the same number (${[...by].join('; ')})`,
  );
  const calls = new Set(queries.map(({ service, operation }) => `${service}:${operation}`));
  say(`Asked: ${plural(queries.length, 'query', 'queries')} (${[...calls].join(', ')})`);
  if (examined.left_out.length > 0) {
    say(`Left out: ${plural(examined.left_out.length, 'bundle')}, each with the reason in --json`);
  }
}

/** A population that is not complete is said to be, before anything is said of it. */
export function printIncomplete(
  incomplete: readonly string[],
  { style, width }: Pick<Terminal, 'style' | 'width'>,
  say: (line?: string) => void,
): void {
  if (incomplete.length === 0) return;
  say(style('bold', 'NOT COMPLETE: this population may lack items.'));
  for (const reason of incomplete.slice(0, mostReasons)) {
    for (const line of wrap(reason, width, '  ')) say(line);
  }
  const more = incomplete.length - mostReasons;
  if (more > 0) say(`  and ${plural(more, 'more reason')}: --json lists them`);
}

/** Neither is written where one of them is there. */
async function assertNoneOf(files: readonly string[]): Promise<void> {
  for (const file of files) if (await isThere(file)) throw exists(file);
}
