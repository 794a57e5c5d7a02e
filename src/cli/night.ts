/** One execution: collect, judge, seal. */
import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { type ConfiguredSource, collect, type SourceReport } from '../collect/collect.ts';
import { evaluateControls, type SliceInput, sliceInput } from '../evaluate/evaluate.ts';
import { type Clock, simulatedClock, systemClock } from '../evidence/clock.ts';
import { TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';
import { noCounts, type Result } from '../evidence/result.ts';
import type { EvidenceRecord, Slice } from '../evidence/slice.ts';
import { createAwsProvider } from '../providers/aws.ts';
import { CallDesk } from '../providers/calls.ts';
import { createHttpProvider } from '../providers/http.ts';
import { liveWire, recordingWire, replayWire, type Wire } from '../providers/wire.ts';
import type { Bundle, Manifest, SealedSlice } from '../seal/manifest.ts';
import { writeResults } from '../store/results.ts';
import type { Draft, Store } from '../store/store.ts';
import type { CollectOptions, CommandIo } from './command.ts';
import type { Log } from './log.ts';
import { packageCommit, packageVersion } from './package.ts';
import { ProgressLines } from './progress.ts';
import type { Project } from './project.ts';

/** What asking the sources told, apart from the slices. */
export interface Asked {
  sources: SourceReport[];
  requests: number;
  endpoints: string[];
  replayed: boolean;
  clock: Clock;
  startedAt: Date;
  finishedAt: Date;
}

/** What was collected, before it is judged and sealed. */
export interface Collected extends Asked {
  slices: SealedSlice[];
}

/**
 * Asks every source for every dataset that the project's tests read.
 * @throws TickmarkError Interrupted, and what `onSlice` throws
 */
export async function askSources(
  project: Project,
  options: CollectOptions,
  io: CommandIo,
  onSlice: (slice: Slice) => Promise<void>,
): Promise<Asked> {
  const clock = options.clock === undefined ? systemClock : simulatedClock(new Date(options.clock));
  const wire = await openWire(options);
  const desk = new CallDesk(wire, clock, { signal: io.signal, deadlineSeconds: options.deadline });
  const providers = { aws: createAwsProvider(desk, io.env), http: createHttpProvider(desk) };
  const startedAt = clock.now();
  const progress = new ProgressLines(io.terminal);
  try {
    const sources = await collect({
      sources: project.sources.map(
        (entry): ConfiguredSource => ({ ...entry, provider: providers[entry.source.provider] }),
      ),
      wanted: project.wanted,
      clock,
      signal: io.signal,
      deadlineSeconds: options.deadline,
      onProgress: (each) => progress.update(each),
      onSlice,
    });
    if (io.signal.aborted) {
      throw new TickmarkError('Interrupted', 'interrupted; nothing of this run is kept');
    }
    return {
      sources,
      requests: desk.requests,
      endpoints: [...desk.endpoints].sort(compareText),
      replayed: wire.replaying,
      clock,
      startedAt,
      finishedAt: clock.now(),
    };
  } finally {
    progress.clear();
  }
}

/** Asks the sources and writes each slice to the store as soon as it is closed. */
export async function collectNight(
  project: Project,
  options: CollectOptions,
  io: CommandIo,
  log: Log,
): Promise<Collected> {
  const slices: SealedSlice[] = [];
  const asked = await askSources(project, options, io, async (slice) => {
    const sealed = await project.store.writeSlice(slice);
    slices.push(sealed);
    const { dataset, source, scope, outcome, problems } = slice;
    const fields = { source, scope, dataset, outcome, records: sealed.records.count };
    if (outcome === 'complete') log.info(fields, 'slice collected');
    else log.warn({ ...fields, problems }, 'slice not completely collected');
  });
  return { ...asked, slices: slices.sort((a, b) => compareText(keyOf(a), keyOf(b))) };
}

async function openWire({ record, replay }: CollectOptions): Promise<Wire> {
  if (replay !== undefined) return replayWire(replay);
  return record === undefined ? liveWire : recordingWire(record);
}

function keyOf({ dataset, source, scope }: SealedSlice): string {
  return `${dataset} ${source} ${scope}`;
}

/** Judges slices as they stand in the store: what is judged is what is sealed. */
export async function judge(
  project: Project,
  slices: readonly SealedSlice[],
  run: string,
  asOf: Date,
): Promise<NonNullable<Manifest['results']>> {
  const inputs = await loadSlices(project.store, slices, project.wanted);
  const datasetOf = new Map(
    project.controls.flatMap(({ tests }) => tests.map((test) => [test.id, test.types.name])),
  );
  const counts = noCounts();
  const results = evaluateControls(project.controls, (name) => inputs.get(name) ?? [], {
    run,
    now: asOf,
  });
  function* counted(): Generator<Result & { dataset: string }> {
    for (const result of results) {
      counts[result.status] += 1;
      yield { ...result, dataset: datasetOf.get(result.test) ?? '' };
    }
  }
  const list = await writeResults(project.store, slices, counted());
  return { as_of: asOf.toISOString(), counts, list };
}

/** Reads slices back; the API's own objects are left in the store, tests do not read them. */
async function loadSlices(
  store: Store,
  slices: readonly SealedSlice[],
  wanted: ReadonlySet<string>,
): Promise<Map<string, SliceInput[]>> {
  const inputs = new Map<string, SliceInput[]>();
  for (const slice of slices) {
    if (!wanted.has(slice.dataset)) continue;
    const records: EvidenceRecord[] = [];
    for await (const part of store.records(slice)) {
      for (const record of part) records.push({ ...record, original: null });
    }
    inputs.set(slice.dataset, [...(inputs.get(slice.dataset) ?? []), sliceInput(slice, records)]);
  }
  return inputs;
}

/** Seals what was collected, judged or not. */
export async function sealNight(
  project: Project,
  io: CommandIo,
  night: Collected,
  run: string,
  results: Manifest['results'],
): Promise<Bundle> {
  return project.store.seal({
    ...(await commonDraft(project, io)),
    run,
    kind: results === null ? 'collect' : 'run',
    evidence_of: null,
    started_at: night.startedAt.toISOString(),
    finished_at: night.finishedAt.toISOString(),
    clock: night.clock.simulated ? 'simulated' : 'system',
    answers: night.replayed ? 'replayed' : 'live',
    sources: night.sources,
    endpoints: night.endpoints,
    requests: night.requests,
    slices: night.slices,
    results,
  });
}

/** What every manifest of this project says, whatever was done. */
export async function commonDraft(
  { loaded, files, store }: Project,
  { env }: CommandIo,
): Promise<
  Pick<
    Draft,
    'format' | 'tool' | 'operator' | 'organization' | 'configuration' | 'parameters' | 'controls'
  >
> {
  const controls = [];
  for (const { control, file, bytes } of files) {
    controls.push({ id: control.id, file, digest: await store.writeBytes(bytes) });
  }
  return {
    format: 'tickmark-bundle/1',
    tool: { name: 'tickmark', version: packageVersion(), commit: packageCommit() },
    operator: operator(env),
    organization: loaded.config.organization,
    configuration: loaded.digest,
    parameters: loaded.config.parameters,
    controls,
  };
}

/** When it started, and six random digits so that two runs of one second differ. */
export function newRunId(startedAt: Date): string {
  const time = startedAt.toISOString().replace(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}

/** Addresses of the run that CI services give to their jobs, by the services' documentation. */
function operator(env: NodeJS.ProcessEnv): Manifest['operator'] {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID } = env;
  if (GITHUB_SERVER_URL && GITHUB_REPOSITORY && GITHUB_RUN_ID) {
    return { ci: `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}` };
  }
  // GitLab, CircleCI, Jenkins, Buildkite.
  const ci = env.CI_JOB_URL ?? env.CIRCLE_BUILD_URL ?? env.BUILD_URL ?? env.BUILDKITE_BUILD_URL;
  return ci ? { ci } : { user: userName(), host: hostname() };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user without a name.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
