/** Asks a stand-in for GitHub by the real source, provider and slices; no command line between. */
import { generateKeyPairSync } from 'node:crypto';
import source from '../../../collectors/github/index.ts';
import type { GitHubScope } from '../../../collectors/github/scope.ts';
import { collectSlice, Trace, tracerFor } from '../../../src/collect/slice.ts';
import { type Clock, simulatedClock } from '../../../src/evidence/clock.ts';
import type { Call, EvidenceRecord, Slice } from '../../../src/evidence/slice.ts';
import type { Collector, Connected, Dataset } from '../../../src/plugin.ts';
import { CallDesk } from '../../../src/providers/calls.ts';
import { createGitHubProvider } from '../../../src/providers/github.ts';
import { liveWire } from '../../../src/providers/wire.ts';
import {
  type GitHubStandIn,
  type StandInOptions,
  startGitHub,
} from '../../support/github-stand-in.ts';
import type { GitHubWorld, WorldApp } from '../../support/github-world.ts';

const deadlineSeconds = 60;

const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** The App that asks, where the world has one and its viewer is it. */
export const ourApp: WorldApp = {
  id: 4711,
  slug: 'tickmark',
  installation: 123,
  publicKey: keys.publicKey,
};

export interface Asked {
  connected: Connected<GitHubScope>;
  /** Calls made while connecting. */
  connecting: Call[];
  /** By the dataset's name. */
  slices: Record<string, Slice>;
}

/** One run: connects, and collects the datasets of the collectors side by side. */
export async function askGitHub(
  standIn: GitHubStandIn,
  collectors: Collector<GitHubScope>[],
  wanted: string[],
  options: { with?: object; clock?: Clock } = {},
): Promise<Asked> {
  const clock = options.clock ?? simulatedClock(new Date('2026-11-21T03:00:00Z'));
  const { signal } = new AbortController();
  const desk = new CallDesk(liveWire, clock, { signal, deadlineSeconds });
  const { viewer, app, organization } = standIn.world;
  const asApp = viewer.kind === 'app' && app !== null;
  const env = {
    GITHUB_API_URL: standIn.endpoint,
    GITHUB_TOKEN: viewer.token,
    GITHUB_APP_PRIVATE_KEY: keys.privateKey,
  };
  const provider = createGitHubProvider(desk, env, import.meta.dirname);
  const config = source.config.parse({
    organization: organization.login,
    ...(asApp ? { app: { id: app.id, installation_id: app.installation } } : {}),
    ...options.with,
  });
  const trace = new Trace();
  const tracer = tracerFor(source.calls, 'the source', signal, trace);
  const connected = await source.connect(provider, config, tracer);
  const slices: Record<string, Slice> = {};
  const datasets = collectors
    .flatMap((collector): Dataset<GitHubScope>[] => collector.datasets)
    .filter(({ name }) => wanted.includes(name));
  if (datasets.length !== wanted.length) throw new Error(`no such dataset among ${wanted}`);
  await Promise.all(
    datasets.map(async (dataset) => {
      const scope = connected.scopes.find(({ level }) => level === dataset.level);
      if (scope === undefined) throw new Error(`no scope of level ${dataset.level}`);
      const [slice] = await collectSlice({
        source: 'code',
        dataset: dataset as Dataset<object>,
        scope,
        clock,
        signal,
        deadlineSeconds,
        onRecord: () => {},
        onWaiting: () => {},
      });
      if (slice !== undefined) slices[dataset.name] = slice;
    }),
  );
  return { connected, connecting: trace.calls(), slices };
}

/** The same over a stand-in of its own. Answers how often each route was asked, too. */
export async function askWorld(
  world: GitHubWorld,
  collectors: Collector<GitHubScope>[],
  wanted: string[],
  options: {
    with?: object;
    standIn?: StandInOptions;
    before?: (standIn: GitHubStandIn) => void;
  } = {},
): Promise<Asked & { asked: Record<string, number> }> {
  const standIn = await startGitHub(world, options.standIn);
  try {
    options.before?.(standIn);
    const told = await askGitHub(standIn, collectors, wanted, options);
    const asked: Record<string, number> = {};
    for (const { route } of standIn.requests) asked[route] = (asked[route] ?? 0) + 1;
    return { ...told, asked };
  } finally {
    await standIn.close();
  }
}

/** Records by name. */
export function named(slice: Slice | undefined): Record<string, EvidenceRecord> {
  return Object.fromEntries((slice?.records ?? []).map((record) => [record.name, record]));
}

/** Codes of what made the slice incomplete, and of what was only disclosed. */
export function problemsOf(slice: Slice | undefined): string[] {
  return (slice?.problems ?? []).map(({ severity, code }) => `${severity} ${code}`);
}
