/** Asks every configured source for every dataset that is needed, all slices side by side. */
import { z } from 'zod';
import type { Clock } from '../evidence/clock.ts';
import type { Call, Slice } from '../evidence/slice.ts';
import type { Collector, Connected, Dataset, Identity, Source } from '../plugin.ts';
import { deadline, rejectionOf } from '../providers/deadline.ts';
import { collectSlice, problemOf, Trace, tracerFor } from './slice.ts';

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

export interface CollectRequest {
  sources: ConfiguredSource[];
  /** Names of the datasets that are wanted. */
  wanted: ReadonlySet<string>;
  clock: Clock;
  signal: AbortSignal;
  deadlineSeconds: number;
  /** Called as soon as a slice is closed; the slice may be let go of afterwards. */
  onSlice: (slice: Slice) => Promise<void>;
  onProgress: (progress: Progress) => void;
}

/** How far one source is. */
export interface Progress {
  source: string;
  slices: { done: number; all: number };
  records: number;
}

/** Collects. Failures are slices; only the store's (`onSlice`) are thrown. */
export async function collect(request: CollectRequest): Promise<SourceReport[]> {
  return Promise.all(request.sources.map((source) => collectSource(source, request)));
}

async function collectSource(
  configured: ConfiguredSource,
  request: CollectRequest,
): Promise<SourceReport> {
  const { clock, signal, deadlineSeconds, onSlice, onProgress } = request;
  const datasets = datasetsOf(configured).filter((dataset) => request.wanted.has(dataset.name));
  const trace = new Trace();
  const { scopes, identities, leftOut } = await connect(
    configured,
    datasets,
    trace,
    signal,
    deadlineSeconds,
  );
  const slices = datasets.flatMap((dataset) =>
    scopes.filter((scope) => scope.level === dataset.level).map((scope) => ({ dataset, scope })),
  );
  const progress = { source: configured.id, slices: { done: 0, all: slices.length }, records: 0 };
  onProgress(progress);
  await Promise.all(
    slices.map(async ({ dataset, scope }) => {
      const slice = await collectSlice({
        source: configured.id,
        dataset,
        scope,
        clock,
        signal,
        deadlineSeconds,
        onRecord: () => {
          progress.records += 1;
          onProgress(progress);
        },
      });
      if (signal.aborted) return;
      await onSlice(slice);
      progress.slices.done += 1;
      onProgress(progress);
    }),
  );
  return {
    id: configured.id,
    use: configured.source.id,
    identities,
    left_out: leftOut,
    calls: trace.calls(),
  };
}

export function datasetsOf(configured: ConfiguredSource): Dataset<object>[] {
  return configured.collectors.flatMap((collector) => collector.datasets);
}

/** A plugin's own words: what of them stands in the manifest must be of its form. */
const text = z.string().transform((value) => value.toWellFormed());
const connectedSchema = z.object({
  identities: z.array(z.object({ subject: text, account: text })),
  leftOut: z.array(z.object({ scope: text, reason: text })),
  scopes: z.array(z.looseObject({ level: z.string(), name: z.string().min(1) })),
});

/**
 * Connects. Where even that fails, each wanted dataset gets one scope of its level that says so.
 * A level without any scope would leave a dataset out in silence: it gets such a scope too.
 */
async function connect(
  { id, source, config, provider }: ConfiguredSource,
  datasets: Dataset<object>[],
  trace: Trace,
  signal: AbortSignal,
  deadlineSeconds: number,
): Promise<Connected<object>> {
  const levels = [...new Set(datasets.map((dataset) => dataset.level))];
  const limit = deadline(signal, deadlineSeconds, `connecting to source ${id}`);
  try {
    const tracer = tracerFor(source.calls, `source ${source.id}`, limit.signal, trace);
    const told = await Promise.race([
      source.connect(provider, config, tracer),
      rejectionOf(limit.signal),
    ]);
    const connected = { ...told, ...connectedSchema.parse(told), scopes: told.scopes };
    const bare = levels.filter((level) => !connected.scopes.some((scope) => scope.level === level));
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
