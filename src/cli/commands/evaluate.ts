import { holdsEventsOnly } from '../../evaluate/judge.ts';
import { TickmarkError } from '../../evidence/errors.ts';
import type { Bundle } from '../../seal/manifest.ts';
import type { Draft, Store } from '../../store/store.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import type { ExitCode } from '../exit.ts';
import { commonDraft, interrupted, judge, newRunId } from '../night.ts';
import { openProject } from '../project.ts';
import { openSealing, stamp } from '../sealing.ts';
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
  const project = await openProject(options);
  const { store } = project;
  const sealing = await openSealing(project, io);
  const evidence =
    options.run === undefined ? await newestEvidence(store) : await store.bundleOf(options.run);
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
  const kind = holdsEventsOnly(manifest.slices) ? 'backfill' : 'evaluate';
  const results = await judge(project, manifest.slices, id, asOf, kind);
  if (io.signal.aborted) throw interrupted();
  const draft: Draft = {
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
  };
  const bundle = await store.seal(draft, sealing);
  const stamping = await stamp(store, bundle, sealing, io.signal);
  const seconds = (performance.now() - begun) / 1_000;
  return report(io, project, [bundle], { seconds, stamping, json: options.json ?? false });
}

/** The newest bundle that has evidence: one that changes keys has none. */
async function newestEvidence(store: Store): Promise<Bundle | undefined> {
  for await (const bundle of store.bundles()) {
    if (bundle.manifest.kind !== 'keys') return bundle;
  }
  return undefined;
}
