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

/** A source's report, with what its requests came to. */
export interface AskedSource extends SourceReport {
  /** Requests sent, attempts included. */
  requests: number;
  /** Scheme, host and port of everything that was asked. */
  endpoints: string[];
}

/** What asking the sources told, apart from the slices. */
export interface Asked {
  sources: AskedSource[];
  replayed: boolean;
  clock: Clock;
  startedAt: Date;
  finishedAt: Date;
}

/** What was collected, before it is judged and sealed. */
export interface Collected extends Omit<Asked, 'sources'> {
  sources: Manifest['sources'];
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
  // Whatever ends the asking, a full disk too, ends every request that is still under way.
  const ended = new AbortController();
  const signal = AbortSignal.any([io.signal, ended.signal]);
  const desks = new Map<string, CallDesk>();
  const sources = project.sources.map((entry): ConfiguredSource => {
    const desk = new CallDesk(wire, clock, { signal, deadlineSeconds: options.deadline });
    desks.set(entry.id, desk);
    const provider =
      entry.source.provider === 'aws' ? createAwsProvider(desk, io.env) : createHttpProvider(desk);
    return { ...entry, provider };
  });
  const startedAt = clock.now();
  const progress = new ProgressLines(io.terminal);
  try {
    const reports = await collect({
      sources,
      wanted: project.wanted,
      clock,
      signal,
      deadlineSeconds: options.deadline,
      onProgress: (each) => progress.update(each),
      onSlice,
    });
    if (io.signal.aborted) {
      throw interrupted();
    }
    return {
      sources: reports.map((report) => ({
        ...report,
        requests: desks.get(report.id)?.requests ?? 0,
        endpoints: [...(desks.get(report.id)?.endpoints ?? [])].sort(compareText),
      })),
      replayed: wire.replaying,
      clock,
      startedAt,
      finishedAt: clock.now(),
    };
  } finally {
    ended.abort();
    progress.clear();
  }
}

export function interrupted(): TickmarkError {
  return new TickmarkError('Interrupted', 'interrupted; nothing of this run is kept');
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
  const sources = [];
  for (const { calls, ...report } of asked.sources) {
    sources.push({ ...report, calls: await project.store.writeCalls(calls) });
  }
  return { ...asked, sources, slices: slices.sort((a, b) => compareText(keyOf(a), keyOf(b))) };
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
  for (const missing of notCollected(project, new Set(inputs.keys()), asOf)) {
    inputs.set(missing.header.dataset, [missing]);
  }
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

/**
 * Datasets that a test reads today, that a source gives, and that these slices lack: evidence of
 * before the test was written. Nothing can be said, which is not the same as nothing to judge.
 */
function notCollected(
  { sources, wanted }: Project,
  collected: ReadonlySet<string>,
  asOf: Date,
): SliceInput[] {
  return sources.flatMap(({ id, collectors }) =>
    collectors
      .flatMap(({ datasets }) => datasets)
      .filter(({ name }) => wanted.has(name) && !collected.has(name))
      .map(({ name, version, kind }) => {
        const message = `${name} was not collected in this run; tickmark run collects what today's tests read`;
        return sliceInput(
          {
            dataset: name,
            version,
            source: id,
            scope: id,
            kind,
            observed_at: asOf.toISOString(),
            outcome: 'failed',
            problems: [{ code: 'NotCollected', message, severity: 'error' }],
            tie_outs: [],
          },
          [],
        );
      }),
  );
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
