import { type Stamping, summarise } from '../../report/summary.ts';
import { type Bundle, manifestKey } from '../../seal/manifest.ts';
import { readResults } from '../../store/results.ts';
import { writeCiSummary } from '../ci-summary.ts';
import type { CollectOptions, CommandIo } from '../command.ts';
import { type ExitCode, exitCodeOfNights, exitCodes } from '../exit.ts';
import type { NightReport } from '../formats.ts';
import { openLog } from '../log.ts';
import { runNight } from '../night.ts';
import { assertWritable, writeNightReports } from '../night-reports.ts';
import { printNight } from '../print-night.ts';
import { openProject, type Project } from '../project.ts';
import { openSealing, type ProjectSealing, stamp } from '../sealing.ts';

export interface RunOptions extends CollectOptions {
  /** Files to write behind the night. */
  report?: NightReport[];
}

/** `tickmark run`: collect, evaluate, seal. */
export async function run(io: CommandIo, options: RunOptions): Promise<ExitCode> {
  const { report: reports = [], ...collecting } = options;
  await assertWritable(reports);
  return sealedNight(io, collecting, true, reports);
}

/** `tickmark collect`: the same without judging. */
export async function collectOnly(io: CommandIo, options: CollectOptions): Promise<ExitCode> {
  return sealedNight(io, options, false);
}

async function sealedNight(
  io: CommandIo,
  options: CollectOptions,
  judged: boolean,
  reports: readonly NightReport[] = [],
): Promise<ExitCode> {
  const project = await openProject(options);
  return night(io, project, options, judged, await openSealing(project, io), reports);
}

export async function night(
  io: CommandIo,
  project: Project,
  options: CollectOptions,
  judged: boolean,
  sealing: ProjectSealing,
  reports: readonly NightReport[] = [],
): Promise<ExitCode> {
  const begun = performance.now();
  const log = await openLog(io.terminal);
  log.info({ sources: project.sources.length, datasets: project.wanted.size }, 'run started');
  const bundles = await runNight(project, options, io, log, judged, sealing);
  const stamping = await stamp(project.store, bundles.at(-1) as Bundle, sealing, io.signal);
  const seconds = (performance.now() - begun) / 1_000;
  const json = options.json ?? false;
  const exitCode = await report(io, project, bundles, { seconds, stamping, json });
  if (reports.length === 0) return exitCode;
  const areWritten = await writeNightReports(io, project, bundles.at(-1) as Bundle, reports);
  return areWritten || exitCode !== exitCodes.complete ? exitCode : exitCodes.usage;
}

/**
 * Prints what bundles hold, the night's last, and gives the exit code that they mean together.
 */
export async function report(
  io: CommandIo,
  project: Project,
  bundles: readonly Bundle[],
  { seconds, stamping, json }: { seconds: number; stamping: Stamping | null; json: boolean },
): Promise<ExitCode> {
  const { terminal } = io;
  const { store, controls: all } = project;
  const backfill = bundles.slice(0, -1);
  const bundle = bundles.at(-1) as Bundle;
  const path = `${store.backend.location}/${manifestKey(bundle.manifest.sequence)}`;
  const tested = bundle.manifest.results === null ? [] : all;
  const summary = await summarise(
    bundle,
    { path, timestamp: stamping },
    tested,
    readResults(store, bundle),
    project.waivers?.waivers ?? [],
    backfill,
  );
  const exitCode = exitCodeOfNights([summary, ...summary.backfill]);
  if (json) terminal.out(JSON.stringify({ ...summary, seconds, exit_code: exitCode }));
  else printNight(terminal, summary, seconds);
  await writeCiSummary(io, summary);
  return exitCode;
}
