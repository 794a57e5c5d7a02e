import { TickmarkError } from '../../evidence/errors.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import type { ExitCode } from '../exit.ts';
import { commonDraft, interrupted, judge, newRunId } from '../night.ts';
import { openProject } from '../project.ts';
import { report } from './run.ts';

/**
 * `tickmark evaluate`: judges sealed evidence by today's controls. The bundle it seals names the
 * evidence's own; ages are counted to the time when that was collected.
 */
export async function evaluate(
  io: CommandIo,
  options: ProjectOptions & { run?: string; json?: boolean },
): Promise<ExitCode> {
  const begun = performance.now();
  const project = await openProject(options, io);
  const { store } = project;
  const evidence =
    options.run === undefined ? await store.last() : await store.bundleOf(options.run);
  if (evidence === undefined) {
    throw new TickmarkError(
      'NotFound',
      `${store.backend.location} holds no bundle yet; tickmark run or tickmark collect makes one`,
    );
  }
  const { manifest, digest } = evidence;
  const startedAt = new Date();
  const id = newRunId(startedAt);
  const asOf = new Date(manifest.results?.as_of ?? manifest.finished_at);
  const isBackfill =
    manifest.slices.length > 0 && manifest.slices.every(({ kind }) => kind === 'events');
  const results = await judge(project, manifest.slices, id, asOf, isBackfill);
  if (io.signal.aborted) throw interrupted();
  const bundle = await store.seal({
    ...(await commonDraft(project, io)),
    run: id,
    kind: 'evaluate',
    evidence_of: manifest.evidence_of ?? { run: manifest.run, digest },
    started_at: startedAt.toISOString(),
    finished_at: new Date().toISOString(),
    clock: manifest.clock,
    answers: manifest.answers,
    sources: manifest.sources,
    slices: manifest.slices,
    results,
  });
  return report(io, project, [bundle], (performance.now() - begun) / 1_000, options.json);
}
