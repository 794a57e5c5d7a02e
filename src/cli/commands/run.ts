import { summarise } from '../../report/summary.ts';
import type { Bundle } from '../../seal/manifest.ts';
import { readResults } from '../../store/results.ts';
import { manifestKey } from '../../store/store.ts';
import type { CollectOptions, CommandIo } from '../command.ts';
import { type ExitCode, exitCodeOfNights } from '../exit.ts';
import { openLog } from '../log.ts';
import { runNight } from '../night.ts';
import { printNight } from '../print-night.ts';
import { openProject, type Project } from '../project.ts';

/** `tickmark run`: collect, evaluate, seal. */
export async function run(io: CommandIo, options: CollectOptions): Promise<ExitCode> {
  return night(io, await openProject(options, io), options, true);
}

/** `tickmark collect`: the same without judging. */
export async function collectOnly(io: CommandIo, options: CollectOptions): Promise<ExitCode> {
  return night(io, await openProject(options, io), options, false);
}

export async function night(
  io: CommandIo,
  project: Project,
  options: CollectOptions,
  judged: boolean,
): Promise<ExitCode> {
  const begun = performance.now();
  const log = await openLog(io.terminal);
  log.info({ sources: project.sources.length, datasets: project.wanted.size }, 'run started');
  const bundles = await runNight(project, options, io, log, judged);
  const seconds = (performance.now() - begun) / 1_000;
  return report(io, project, bundles, seconds, options.json);
}

/**
 * Prints what bundles hold, the night's last, and gives the exit code that they mean together.
 */
export async function report(
  { terminal }: CommandIo,
  project: Project,
  bundles: readonly Bundle[],
  seconds: number,
  json = false,
): Promise<ExitCode> {
  const { store, controls: all } = project;
  const backfill = bundles.slice(0, -1);
  const bundle = bundles.at(-1) as Bundle;
  const path = `${store.backend.location}/${manifestKey(bundle.manifest.sequence)}`;
  const tested = bundle.manifest.results === null ? [] : all;
  const summary = await summarise(bundle, path, tested, readResults(store, bundle), backfill);
  const exitCode = exitCodeOfNights([summary, ...summary.backfill]);
  if (json) terminal.out(JSON.stringify({ ...summary, seconds, exit_code: exitCode }));
  else printNight(terminal, summary, seconds);
  return exitCode;
}
