/** Connects to the configured sources, and asks them for slices, all side by side. */
import { z } from 'zod';
import type { Clock } from '../evidence/clock.ts';
import type { Call, Slice } from '../evidence/slice.ts';
import type { Collector, Connected, Dataset, Identity, Scope, Source } from '../plugin.ts';
import { deadline, rejectionOf } from '../providers/deadline.ts';
import { collectSlice, type EventsRequest, problemOf, Trace, tracerFor } from './slice.ts';

/** One entry of `sources:` with the code that serves it. */
export interface ConfiguredSource {
  id: string;
  source: Source<unknown, object>;
  /** `with:`, checked by the source's own schema. */
  config: unknown;
  /** The client that the source asks for. */
  provider: unknown;
  collectors: Collector<object>[];
}

/** What connecting to a source told, as the manifest keeps it. */
export interface SourceReport {
  id: string;
  use: string;
  identities: Identity[];
  left_out: { scope: string; reason: string }[];
  /** Made while connecting: who am I, which scopes are there. */
  calls: Call[];
}

/** What every part of one run shares. */
export interface RunRequest {
  clock: Clock;
  signal: AbortSignal;
  deadlineSeconds: number;
  onProgress: (progress: Progress) => void;
}

/** How far one source is. */
export interface Progress {
  source: string;
  slices: { done: number; all: number };
  records: number;
  /** The source asks for a pause: for how long, and why. */
  waiting?: { milliseconds: number; why: string };
}

/** A source that was connected to, with everything that can be asked of it. */
export interface ConnectedSource {
  id: string;
  report: SourceReport;
  /** Each wanted dataset in each scope of its level. */
  askable: Askable[];
}

export interface Askable {
  source: string;
  dataset: Dataset<object>;
  scope: Scope<object>;
}

/** One slice to collect; `events` for events datasets. */
export interface Job extends Askable {
  events?: EventsRequest;
}

/** Connects to every source. Where that fails, each dataset gets a scope that says so. */
export async function connectSources(
  sources: readonly ConfiguredSource[],
  wanted: ReadonlySet<string>,
  request: RunRequest,
): Promise<ConnectedSource[]> {
  return Promise.all(
    sources.map(async (configured) => {
      const datasets = datasetsOf(configured).filter((dataset) => wanted.has(dataset.name));
      const trace = new Trace();
      const { scopes, identities, leftOut } = await connect(configured, datasets, trace, request);
      return {
        id: configured.id,
        report: {
          id: configured.id,
          use: configured.source.id,
          identities,
          left_out: leftOut.map(({ scope, reason }) => ({ scope, reason })),
          calls: trace.calls(),
        },
        askable: datasets.flatMap((dataset) =>
          scopes
            .filter((scope) => scope.level === dataset.level)
            .map((scope) => ({ source: configured.id, dataset, scope })),
        ),
      };
    }),
  );
}

/**
 * Collects, all slices side by side. Failures are slices; only the store's (`onSlice`) are thrown.
 * @param onSlice called as soon as a slice is closed; the slice may be let go of afterwards.
 */
export async function collect(
  jobs: readonly Job[],
  { clock, signal, deadlineSeconds, onProgress }: RunRequest,
  onSlice: (slice: Slice) => Promise<void>,
): Promise<void> {
  const bySource = new Map<string, Progress>();
  for (const { source } of jobs) {
    const progress = bySource.get(source) ?? { source, slices: { done: 0, all: 0 }, records: 0 };
    progress.slices.all += 1;
    bySource.set(source, progress);
  }
  for (const progress of bySource.values()) onProgress(progress);
  await Promise.all(
    jobs.map(async (job) => {
      const progress = bySource.get(job.source) as Progress;
      const slices = await collectSlice({
        ...job,
        clock,
        signal,
        deadlineSeconds,
        onRecord: () => {
          progress.records += 1;
          delete progress.waiting;
          onProgress(progress);
        },
        onWaiting: (milliseconds, why) => {
          progress.waiting = { milliseconds, why };
          onProgress(progress);
        },
      });
      if (signal.aborted) return;
      for (const slice of slices) await onSlice(slice);
      progress.slices.done += 1;
      onProgress(progress);
    }),
  );
}

export function datasetsOf(configured: Pick<ConfiguredSource, 'collectors'>): Dataset<object>[] {
  return configured.collectors.flatMap((collector) => collector.datasets);
}

/** A plugin's own words: what of them stands in the manifest must be of its form. */
const text = z.string().transform((value) => value.toWellFormed());
const connectedSchema = z.object({
  identities: z.array(z.object({ subject: text, account: text })),
  leftOut: z.array(z.object({ scope: text, reason: text, level: z.string().optional() })),
  scopes: z.array(z.looseObject({ level: z.string(), name: z.string().min(1) })),
});

type LeftOut = z.output<typeof connectedSchema>['leftOut'][number];

/**
 * Connects. Where even that fails, each wanted dataset gets one scope of its level that says so.
 * A level without any scope would leave a dataset out in silence: it gets such a scope too.
 */
async function connect(
  { id, source, config, provider }: ConfiguredSource,
  datasets: Dataset<object>[],
  trace: Trace,
  { signal, deadlineSeconds, onProgress }: RunRequest,
): Promise<Pick<Connected<object>, 'identities' | 'scopes'> & { leftOut: LeftOut[] }> {
  const levels = [...new Set(datasets.map((dataset) => dataset.level))];
  const limit = deadline(signal, deadlineSeconds, `connecting to source ${id}`);
  try {
    const waiting = (milliseconds: number, why: string) => {
      limit.extend(milliseconds);
      onProgress({
        source: id,
        slices: { done: 0, all: 0 },
        records: 0,
        waiting: { milliseconds, why },
      });
    };
    const tracer = tracerFor(source.calls, `source ${source.id}`, limit.signal, trace, waiting);
    const told = await Promise.race([
      source.connect(provider, config, tracer),
      rejectionOf(limit.signal),
    ]);
    const connected = { ...told, ...connectedSchema.parse(told), scopes: told.scopes };
    const bare = levels.filter(
      (level) =>
        !connected.scopes.some((scope) => scope.level === level) &&
        !connected.leftOut.some((part) => part.level === level),
    );
    const missing = bare.map((level) => ({
      level,
      name: id,
      problem: {
        code: 'CollectorFailed' as const,
        message: `source ${id} (${source.id}) named no ${level} to ask; check its with: in tickmark.yaml`,
      },
    }));
    return { ...connected, scopes: [...connected.scopes, ...missing] };
  } catch (thrown) {
    const { code, message } = problemOf(thrown);
    return {
      identities: [],
      leftOut: [],
      scopes: levels.map((level) => ({ level, name: id, problem: { code, message } })),
    };
  } finally {
    limit.clear();
  }
}
