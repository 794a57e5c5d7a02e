import { summarise } from '../../report/summary.ts';
import type { Bundle } from '../../seal/manifest.ts';
import { readResults } from '../../store/results.ts';
import { manifestKey } from '../../store/store.ts';
import type { CollectOptions, CommandIo } from '../command.ts';
import { type ExitCode, exitCodeOfNight } from '../exit.ts';
import { openLog } from '../log.ts';
import { collectNight, interrupted, judge, newRunId, sealNight } from '../night.ts';
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
  const collected = await collectNight(project, options, io, log);
  const id = newRunId(collected.startedAt);
  const results = judged ? await judge(project, collected.slices, id, collected.finishedAt) : null;
  if (io.signal.aborted) throw interrupted();
  const bundle = await sealNight(project, io, collected, id, results);
  log.info({ run: id, sequence: bundle.manifest.sequence, digest: bundle.digest }, 'run sealed');
  return report(io, project, bundle, (performance.now() - begun) / 1_000, options.json);
}

/** Prints what a bundle holds and gives the exit code that it means. */
export async function report(
  { terminal }: CommandIo,
  project: Project,
  bundle: Bundle,
  seconds: number,
  json = false,
): Promise<ExitCode> {
  const { store, controls } = project;
  const path = `${store.backend.location}/${manifestKey(bundle.manifest.sequence)}`;
  const tested = bundle.manifest.results === null ? [] : controls;
  const summary = await summarise(bundle, path, tested, readResults(store, bundle));
  const exitCode = exitCodeOfNight(summary.counts, summary.not_collected.length);
  if (json) terminal.out(JSON.stringify({ ...summary, seconds, exit_code: exitCode }));
  else printNight(terminal, summary, seconds);
  return exitCode;
}
