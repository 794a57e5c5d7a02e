/** Events of a stand-in for GitHub, collected through the real provider and engine. */

import audit from '../../../collectors/github/audit/index.ts';
import changes from '../../../collectors/github/changes/index.ts';
import deployments from '../../../collectors/github/deployments/index.ts';
import source from '../../../collectors/github/index.ts';
import { collect, connectSources } from '../../../src/collect/collect.ts';
import { contentDigest } from '../../../src/collect/slice.ts';
import { simulatedClock } from '../../../src/evidence/clock.ts';
import type { Json } from '../../../src/evidence/json.ts';
import type { EvidenceRecord, Slice } from '../../../src/evidence/slice.ts';
import type { Interval } from '../../../src/plugin.ts';
import { CallDesk } from '../../../src/providers/calls.ts';
import { createGitHubProvider } from '../../../src/providers/github.ts';
import { liveWire } from '../../../src/providers/wire.ts';
import type { GitHubStandIn } from '../../support/github-stand-in.ts';
import type { AppViewer, UserViewer } from '../../support/github-world.ts';

/** One run: pieces of one dataset, in their order, by one connection. */
export interface EventsRun {
  github: GitHubStandIn;
  datasets: string[];
  /** `2026-11-20T02:00:00Z`: when the run begins. */
  now: string;
  /** What each piece answers for; the last usually ends now. */
  pieces: Interval[];
  /** `with:`, beside the organisation. */
  config?: object;
  /** What the slice before left, by dataset. */
  kept?: Record<string, Json | undefined>;
  /** What is held already. */
  held?: readonly EvidenceRecord[];
  /** From where the first piece is asked, if earlier than its own start. */
  askFrom?: Date;
  /** Since when the slices before answer; none: since the piece begins. */
  coveredSince?: Date;
}

/** The slices of a run, by dataset, in the order of the pieces. */
export async function collectEvents(run: EventsRun): Promise<Record<string, Slice[]>> {
  const {
    github,
    datasets,
    now,
    pieces,
    config = {},
    kept = {},
    held = [],
    askFrom,
    coveredSince,
  } = run;
  const { viewer } = github.world;
  const clock = simulatedClock(new Date(now));
  const ended = new AbortController();
  const deadlineSeconds = 60;
  const desk = new CallDesk(liveWire, clock, { signal: ended.signal, deadlineSeconds });
  const env = { GITHUB_API_URL: github.endpoint, GITHUB_TOKEN: tokenOf(viewer) };
  const request = { clock, signal: ended.signal, deadlineSeconds, onProgress: () => {} };
  const [connected] = await connectSources(
    [
      {
        id: 'code',
        source,
        config: source.config.parse({ organization: 'acme', ...config }),
        provider: createGitHubProvider(desk, env, '.'),
        collectors: [changes, deployments, audit],
      },
    ],
    new Set(datasets),
    request,
  );
  const digests = new Map(held.map((record) => [record.uid, contentDigest(record)]));
  const slices: Record<string, Slice[]> = Object.fromEntries(datasets.map((name) => [name, []]));
  const left = new Map(Object.entries(kept));
  try {
    for (const own of pieces) {
      const jobs = (connected?.askable ?? []).map((askable) => ({
        ...askable,
        events: {
          own,
          ask: { start: own === pieces[0] ? (askFrom ?? own.start) : own.start, end: own.end },
          coveredSince: coveredSince ?? own.start,
          held: digests,
          kept: left.get(askable.dataset.name),
        },
      }));
      await collect(jobs, request, async (slice) => {
        slices[slice.dataset]?.push(slice);
        left.set(slice.dataset, slice.outcome === 'complete' ? slice.kept : undefined);
      });
    }
  } finally {
    ended.abort();
  }
  return slices;
}

function tokenOf(viewer: UserViewer | AppViewer): string {
  return viewer.token ?? '';
}

/** The only slice of a dataset. */
export function only(slices: Record<string, Slice[]>, dataset: string): Slice {
  const [slice, ...more] = slices[dataset] ?? [];
  if (slice === undefined || more.length > 0) throw new Error(`not one slice of ${dataset}`);
  return slice;
}

/** A stretch of time. */
export function between(start: string, end: string): Interval {
  return { start: new Date(start), end: new Date(end) };
}

/** Codes and messages of a slice's problems, a line each. */
export function problemsOf({ problems }: Slice): string[] {
  return problems.map(({ severity, code, message }) => `${severity} ${code}: ${message}`);
}
