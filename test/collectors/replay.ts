/**
 * Recorded cases of the collectors: `fixtures/<source>/<api>/<case>/` holds `case.json`, which says
 * by hand what must come out, and the exchanges that the API's own datasets need. What connecting
 * to the source asks stands once in `fixtures/<source>/connect/` where it is the same for every case,
 * else in each of them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { builtin } from '../../collectors/index.ts';
import { packageRoot } from '../../src/cli/package.ts';
import { collect, connectSources } from '../../src/collect/collect.ts';
import { createRegistry, sourceOf } from '../../src/collect/registry.ts';
import { type Clock, simulatedClock } from '../../src/evidence/clock.ts';
import type { Slice } from '../../src/evidence/slice.ts';
import { problemCodes } from '../../src/evidence/slice.ts';
import { CollectError } from '../../src/plugin.ts';
import { createAwsProvider } from '../../src/providers/aws.ts';
import { CallDesk } from '../../src/providers/calls.ts';
import { createGitHubProvider } from '../../src/providers/github.ts';
import { createHttpProvider } from '../../src/providers/http.ts';
import { replayWire, type Wire } from '../../src/providers/wire.ts';

export const registry = createRegistry([{ from: 'built in', plugin: builtin }]);

const fixtures = join(packageRoot, 'fixtures');

const caseSchema = z.strictObject({
  /** What the case shows. */
  title: z.string(),
  /** The clock of the replay starts here. */
  recorded_at: z.iso.datetime(),
  /** The datasets that are collected, and how each ends. */
  outcomes: z.record(z.string(), z.enum(['complete', 'partial', 'failed'])),
  /** Problems and notes, by dataset; none where it is left out. */
  problems: z.record(z.string(), z.array(z.enum(problemCodes))),
  /** How many records each dataset gives. */
  records: z.record(z.string(), z.int()),
});

/** What a case says must come out. */
export type ExpectedCase = z.infer<typeof caseSchema>;

export interface RecordedCase {
  source: string;
  api: string;
  name: string;
  folder: string;
  expected: ExpectedCase;
}

/** `with:` of a source under which its cases are recorded. */
export function connectConfig(source: string): unknown {
  return JSON.parse(readFileSync(join(connectFolder(source), 'source.json'), 'utf8')).with;
}

export function connectFolder(source: string): string {
  return join(fixtures, source, 'connect');
}

export function caseFolder(source: string, api: string, name: string): string {
  return join(fixtures, source, api, name);
}

/** Every recorded case of a collector (`aws.iam`). */
export function casesOf(collector: string): RecordedCase[] {
  const [source = '', api = ''] = collector.split('.');
  const folder = join(fixtures, source, api);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => readCase(source, api, name));
}

export function readCase(source: string, api: string, name: string): RecordedCase {
  const folder = caseFolder(source, api, name);
  const text = readFileSync(join(folder, 'case.json'), 'utf8');
  return { source, api, name, folder, expected: caseSchema.parse(JSON.parse(text)) };
}

/** What replaying a case gave. */
export interface Replayed {
  slices: Slice[];
  /** Files of exchanges that no call asked for. */
  unused: number;
}

/** Collects what a case is about from its recorded exchanges. */
export async function replayCase({ source, folder, expected }: RecordedCase): Promise<Replayed> {
  const exchanges = join(folder, 'exchanges');
  const own = await replayWire(exchanges);
  const files = readdirSync(exchanges, { recursive: true, encoding: 'utf8' });
  let unused = files.filter((name) => basename(name).endsWith('.json')).length;
  const wire: Wire = {
    replaying: true,
    async send(key, live) {
      const answer = await own.send(key, live);
      unused -= 1;
      return answer;
    },
  };
  const slices = await askSource(
    source,
    Object.keys(expected.outcomes),
    await afterConnecting(source, wire),
    simulatedClock(new Date(expected.recorded_at)),
  );
  return { slices, unused };
}

/** Answers from what connecting recorded, once each; then from `wire`. */
export async function afterConnecting(source: string, wire: Wire): Promise<Wire> {
  const exchanges = join(connectFolder(source), 'exchanges');
  if (!existsSync(exchanges)) return wire;
  const connecting = await replayWire(exchanges);
  return {
    replaying: wire.replaying,
    async send(key, live) {
      try {
        return await connecting.send(key, live);
      } catch (thrown) {
        if (thrown instanceof CollectError && thrown.code === 'ReplayMissing') {
          return wire.send(key, live);
        }
        throw thrown;
      }
    },
  };
}

/** Collects datasets of a built-in source over a wire, as a night does. */
export async function askSource(
  id: string,
  datasets: string[],
  wire: Wire,
  clock: Clock,
): Promise<Slice[]> {
  const source = registry.sources.get(id);
  if (source === undefined) throw new Error(`there is no source ${id}`);
  // Whole seconds, as a night's: a replay by the same clock asks for the same day.
  const end = new Date(Math.floor(clock.now().getTime() / 1000) * 1000);
  const { signal } = new AbortController();
  const deadlineSeconds = 30;
  const desk = new CallDesk(wire, clock, { signal, deadlineSeconds });
  const providers = {
    aws: createAwsProvider(desk, process.env),
    github: createGitHubProvider(desk, process.env, '.'),
    http: createHttpProvider(desk),
  };
  const configured = {
    id: 'fixture',
    source,
    config: source.config.parse(connectConfig(id)),
    provider: providers[source.provider],
    collectors: registry.collectors.filter((each) => sourceOf(each) === id),
  };
  const request = { clock, signal, deadlineSeconds, onProgress: () => {} };
  const connected = await connectSources([configured], new Set(datasets), request);
  const day = { start: new Date(end.getTime() - 86_400_000), end };
  const events = { own: day, ask: day, coveredSince: day.start, held: new Map(), kept: undefined };
  const jobs = connected
    .flatMap(({ askable }) => askable)
    .map((each) => (each.dataset.kind === 'events' ? { ...each, events } : each));
  const slices: Slice[] = [];
  await collect(jobs, request, async (slice) => void slices.push(slice));
  return slices.sort((a, b) => (a.dataset < b.dataset ? -1 : 1));
}
