/** One execution: collect, judge, seal. */
import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import {
  type ConfiguredSource,
  type ConnectedSource,
  collect,
  connectSources,
  type Job,
  type RunRequest,
  type SourceReport,
} from '../collect/collect.ts';
import { judgeSlices, readSlices } from '../evaluate/judge.ts';
import { type Clock, simulatedClock, systemClock } from '../evidence/clock.ts';
import { TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';
import { type Judged, noCounts } from '../evidence/result.ts';
import type { Slice } from '../evidence/slice.ts';
import type { ProviderName } from '../plugin.ts';
import { createAwsProvider } from '../providers/aws.ts';
import { CallDesk } from '../providers/calls.ts';
import { createGitHubProvider } from '../providers/github.ts';
import { createHttpProvider } from '../providers/http.ts';
import { openRecording } from '../providers/recordings.ts';
import { liveWire, recordingWire, type Wire } from '../providers/wire.ts';
import type { Bundle, Manifest, SealedSlice } from '../seal/manifest.ts';
import { StoredAnswers } from '../store/known-answers.ts';
import { writeResults } from '../store/results.ts';
import type { Draft, Sealing } from '../store/store.ts';
import type { CollectOptions, CommandIo } from './command.ts';
import { EventsPlan, eventsSince, hasNotBegun } from './events.ts';
import type { Log } from './log.ts';
import { packageCommit, packageVersion } from './package.ts';
import { ProgressLines, Waits } from './progress.ts';
import type { Project } from './project.ts';
import { plural } from './terminal.ts';

/** Sources that were connected to, and all that asking them needs. */
export interface OpenSources {
  connected: ConnectedSource[];
  clock: Clock;
  /** When the run began; what is asked as events ends here. */
  startedAt: Date;
  replayed: boolean;
  /** Asks for slices. @throws TickmarkError Interrupted, and what `onSlice` throws */
  collect(jobs: readonly Job[], onSlice: (slice: Slice) => Promise<void>): Promise<void>;
  /** What sources may confirm instead of sending it again, by source. */
  known: ReadonlyMap<string, StoredAnswers>;
  /** Each source's report, with what its requests came to since this was last asked. */
  reports(): AskedSource[];
  progress: ProgressLines;
}

/** A source's report, with what its requests came to. */
export interface AskedSource extends SourceReport {
  /** Requests sent, attempts included. */
  requests: number;
  /** Scheme, host and port of everything that was asked. */
  endpoints: string[];
}

/** Connects to every source and lets `work` ask them; whatever ends it ends every request. */
export async function withSources<T>(
  project: Project,
  options: CollectOptions,
  io: CommandIo,
  work: (sources: OpenSources) => Promise<T>,
  log?: Log,
): Promise<T> {
  const clock = options.clock === undefined ? systemClock : simulatedClock(new Date(options.clock));
  const startedAt = clock.now();
  const wire = await openWire(options, clock);
  // Whatever ends the asking, a full disk too, ends every request that is still under way.
  const ended = new AbortController();
  const signal = AbortSignal.any([io.signal, ended.signal]);
  const desks = new Map<string, CallDesk>();
  const known = await openAnswers(project, options);
  const sources = project.sources.map((entry): ConfiguredSource => {
    const answers = known.get(entry.id);
    const desk = new CallDesk(wire, clock, {
      signal,
      deadlineSeconds: options.deadline,
      ...(answers === undefined ? {} : { known: answers }),
    });
    desks.set(entry.id, desk);
    return { ...entry, provider: providerOf(entry.source.provider, desk, project, io.env) };
  });
  const progress = new ProgressLines(io.terminal);
  const waits = new Waits();
  const request: RunRequest = {
    clock,
    signal,
    deadlineSeconds: options.deadline,
    onProgress: (each) => {
      progress.update(each);
      if (log !== undefined) waits.tell(each, log);
    },
  };
  const counted = new Map<string, number>();
  try {
    const connected = await connectSources(sources, project.wanted, request);
    if (io.signal.aborted) throw interrupted();
    return await work({
      connected,
      clock,
      startedAt,
      replayed: wire.replaying,
      known,
      progress,
      async collect(jobs, onSlice) {
        await collect(jobs, request, onSlice);
        if (io.signal.aborted) throw interrupted();
      },
      reports: () =>
        connected.map(({ id, report }) => {
          const { requests = 0, endpoints = [] } = desks.get(id) ?? {};
          const before = counted.get(id) ?? 0;
          counted.set(id, requests);
          return {
            ...report,
            requests: requests - before,
            endpoints: [...endpoints].sort(compareText),
          };
        }),
    });
  } finally {
    ended.abort();
    progress.clear();
  }
}

/** What each source answered the last time. A recording has to stand alone, and needs none. */
async function openAnswers(
  { store, sources }: Project,
  { record, replay }: CollectOptions,
): Promise<Map<string, StoredAnswers>> {
  if (record !== undefined || replay !== undefined) return new Map();
  return new Map(
    await Promise.all(
      sources.map(
        async ({ id }): Promise<[string, StoredAnswers]> => [
          id,
          await StoredAnswers.open(store, await store.answersOf(id)),
        ],
      ),
    ),
  );
}

function providerOf(
  name: ProviderName,
  desk: CallDesk,
  { loaded }: Project,
  env: NodeJS.ProcessEnv,
): unknown {
  if (name === 'aws') return createAwsProvider(desk, env);
  if (name === 'github') return createGitHubProvider(desk, env, loaded.directory);
  return createHttpProvider(desk);
}

/** Bundles of before that are sealed stay, and the next run goes on behind them. */
export function interrupted(sealed = 0): TickmarkError {
  return new TickmarkError(
    'Interrupted',
    sealed === 0
      ? 'nothing of this run is kept'
      : `${plural(sealed, 'backfilled bundle')} ${sealed === 1 ? 'is' : 'are'} sealed, and the next run goes on from there`,
  );
}

/**
 * One night: what events lack of before is collected and sealed step by step (`backfill`), then
 * the night itself. @returns the sealed bundles, the night's last.
 */
export async function runNight(
  project: Project,
  options: CollectOptions,
  io: CommandIo,
  log: Log,
  judged: boolean,
  sealing: Sealing,
): Promise<Bundle[]> {
  return withSources(
    project,
    options,
    io,
    async (sources) => {
      const { clock, startedAt, connected, progress } = sources;
      const bundles: Bundle[] = [];
      const askable = connected.flatMap((source) => source.askable);
      // Whole seconds: sources know no less, and a replay by the same clock asks the same.
      const end = new Date(Math.floor(startedAt.getTime() / 1_000) * 1_000);
      const start = eventsSince(project.loaded.config, end);
      if (hasNotBegun(project.loaded.config, end)) {
        io.terminal.err(
          `tickmark: the period has not begun; until then a first night takes the events of the 30 days before`,
        );
      }
      const real = !clock.simulated && !sources.replayed;
      const plan = await EventsPlan.open(project.store, askable, { start, end }, real);
      const sealStep = async (kind: 'backfill' | 'night', jobs: readonly Job[], begun: Date) => {
        const slices = await collectStep(project, sources, jobs, log);
        for (const slice of slices) plan.done(slice);
        const finishedAt = clock.now();
        const run = newRunId(begun);
        const results = judged
          ? await judge(project, slices, run, finishedAt, kind === 'backfill' ? kind : 'run')
          : null;
        if (io.signal.aborted) throw interrupted();
        const draft: Draft = {
          ...(await commonDraft(project, io)),
          run,
          kind: kind === 'backfill' ? 'backfill' : judged ? 'run' : 'collect',
          evidence_of: null,
          started_at: begun.toISOString(),
          finished_at: finishedAt.toISOString(),
          clock: clock.simulated ? 'simulated' : 'system',
          answers: sources.replayed ? 'replayed' : 'live',
          sources: await sealedReports(project, sources),
          slices,
          results,
        };
        // The night's own token covers the chain before it.
        const authorities = kind === 'backfill' ? [] : sealing.authorities;
        const bundle = await project.store.seal(draft, { ...sealing, authorities });
        const { sequence } = bundle.manifest;
        log.info({ run, sequence, digest: bundle.digest, kind }, 'bundle sealed');
        bundles.push(bundle);
      };
      try {
        for (let step = await plan.backfill(); step !== undefined; step = await plan.backfill()) {
          const { start, end } = step.interval;
          const left = plan.remaining();
          progress.say(
            `backfill ${bundles.length + 1} of ${bundles.length + left}: ${start.toISOString().slice(0, 10)} to ${end.toISOString().slice(0, 10)}`,
          );
          await sealStep('backfill', step.jobs, bundles.length === 0 ? startedAt : clock.now());
        }
        progress.say('');
        const snapshots = askable.filter(({ dataset }) => dataset.kind === 'snapshot');
        const jobs = [...snapshots, ...(await plan.night())];
        await sealStep('night', jobs, bundles.length === 0 ? startedAt : clock.now());
      } catch (error) {
        if (error instanceof TickmarkError && error.code === 'Interrupted') {
          throw interrupted(bundles.length);
        }
        throw error;
      }
      return bundles;
    },
    log,
  );
}

/** Asks for slices and writes each to the store as soon as it is closed. */
async function collectStep(
  { store }: Project,
  sources: OpenSources,
  jobs: readonly Job[],
  log: Log,
): Promise<SealedSlice[]> {
  const slices: SealedSlice[] = [];
  await sources.collect(jobs, async (slice) => {
    const sealed = await store.writeSlice(slice);
    slices.push(sealed);
    const { dataset, source, scope, outcome, problems, interval } = slice;
    const fields = { source, scope, dataset, interval, outcome, records: sealed.records.count };
    if (outcome === 'complete') log.info(fields, 'slice collected');
    else log.warn({ ...fields, problems }, 'slice not completely collected');
  });
  return slices.sort((a, b) => compareText(orderOf(a), orderOf(b)));
}

async function sealedReports(
  { store }: Project,
  sources: OpenSources,
): Promise<Manifest['sources']> {
  const sealed = [];
  for (const { calls, ...report } of sources.reports()) {
    const answers = await sources.known.get(report.id)?.write();
    sealed.push({
      ...report,
      calls: await store.writeCalls(report.id, calls),
      ...(answers === undefined ? {} : { answers }),
    });
  }
  return sealed;
}

function orderOf({ dataset, source, scope, interval }: SealedSlice): string {
  return `${dataset} ${source} ${scope} ${interval?.start ?? ''}`;
}

async function openWire({ record, replay }: CollectOptions, clock: Clock): Promise<Wire> {
  if (typeof replay === 'string') return (await openRecording(replay)).at(clock);
  if (replay !== undefined) return replay.at(clock);
  return record === undefined ? liveWire : recordingWire(record);
}

/**
 * Judges slices as they stand in the store: what is judged is what is sealed.
 * @param kind of a `backfill` only the tests over datasets that are among the slices: it says nothing
 * of the others.
 */
export async function judge(
  project: Project,
  slices: readonly SealedSlice[],
  run: string,
  asOf: Date,
  kind: Manifest['kind'],
): Promise<NonNullable<Manifest['results']>> {
  const { controls, wanted, store } = project;
  const judged = judgeSlices({
    controls,
    slices: await readSlices(slices, wanted, (slice) => store.records(slice)),
    given: project.sources.flatMap(({ id, collectors }) =>
      collectors.flatMap(({ datasets }) => datasets.map((dataset) => ({ source: id, dataset }))),
    ),
    onlyCollected: kind === 'backfill',
    run,
    asOf,
    waivers: project.waivers?.waivers ?? [],
    timezone: project.loaded.config.timezone,
  });
  const counts = noCounts();
  function* counted(): Generator<Judged> {
    for (const result of judged) {
      counts[result.status] += 1;
      yield result;
    }
  }
  const written = await writeResults(store, slices, counted(), kind);
  return { as_of: asOf.toISOString(), counts, ...written };
}

/** What every manifest of this project says, whatever was done. */
export async function commonDraft(
  { loaded, files, waivers, store }: Project,
  { env }: CommandIo,
): Promise<
  Pick<
    Draft,
    | 'format'
    | 'tool'
    | 'operator'
    | 'organization'
    | 'timezone'
    | 'configuration'
    | 'parameters'
    | 'controls'
    | 'waivers'
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
    timezone: loaded.config.timezone,
    configuration: loaded.digest,
    parameters: loaded.config.parameters,
    controls,
    waivers:
      waivers === null
        ? null
        : { file: waivers.file, digest: await store.writeBytes(waivers.bytes) },
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
