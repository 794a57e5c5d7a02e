/**
 * A first night over an organisation with a year of changes, a backfill that is killed and goes on,
 * and a second night after a few changes more: calls, memory, and what is kept.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NightSummary } from '../src/report/summary.ts';
import { folderBackend } from '../src/store/folder.ts';
import { Store } from '../src/store/store.ts';
import { type GitHubStandIn, startGitHub } from '../test/support/github-stand-in.ts';
import { bigGitHubWorld } from '../test/support/github-world-big.ts';
import { mergedChange } from '../test/support/github-world-events.ts';
import type { Figure } from './figures.ts';
import { environment, type Measured, measure, program } from './tickmark.ts';

const size = { repositories: 300, changes: 20_000 };
/** Changes between the two nights. */
const more = 40;
const period = { start: '2026-01-01', end: '2026-12-31' };
const firstNight = '2026-11-21T02:00:00Z';
const secondNight = '2026-11-22T02:00:00Z';
/** The killed backfill has sealed so many bundles. */
const killedAfter = 20;

/** What a night may need at most, as the design promises. */
const mostCalls = {
  repositories: Math.ceil(size.repositories / 50),
  changes: (changes: number) => Math.ceil(changes / 50),
};
const mostMegabytes = 300;
/**
 * What the heap is held to for the run whose memory counts: with memory to spare the runtime
 * collects late, and the peak says more about the machine than about what is needed.
 */
const heapMegabytes = 128;

/** Queries that make the changes, their enumeration included. */
const ofChanges =
  /^graphql:(MergedPulls|MoreMergedPulls|PullRequests|HeadChecks|More(Commits|Reviews|Events|Labels|Issues|Files|Checks|Authors))$/;
const ofRepositories = /^graphql:(Repositories|Branches|BranchRules|Rulesets|BypassActors)$/;
const ofCommits =
  /^graphql:(History|MoreHistory|Commits|CommitPulls)$|^GET \/repos\/\{owner\}\/\{repo\}\/compare/;

export async function githubFigures(): Promise<Figure[]> {
  let now = firstNight;
  const world = bigGitHubWorld({
    ...size,
    start: `${period.start}T00:00:00Z`,
    end: firstNight,
  });
  const github = await startGitHub(world, {
    now: () => new Date(now),
    limit: { core: 1_000_000, graphql: 1_000_000, windowSeconds: 3600 },
  });
  const folders: string[] = [];
  const newFolder = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tickmark-bench-'));
    folders.push(folder);
    await writeFile(
      join(folder, 'tickmark.yaml'),
      JSON.stringify({
        organization: 'Acme, Inc.',
        period,
        store: './evidence',
        sources: [{ id: 'code', use: 'github', with: { organization: world.organization.login } }],
      }),
    );
    return folder;
  };
  try {
    const folder = await newFolder();
    const first = await night(folder, github, firstNight);
    const figures = firstFigures(github, first, await changesIn(folder));
    github.forget();

    const killed = await newFolder();
    await killBackfill(killed, github);
    const goingOn = await night(killed, github, firstNight, heapMegabytes);
    const resumed = await changesIn(killed);
    figures.push(
      {
        name: `GitHub: peak memory, the heap held to ${heapMegabytes} MB`,
        found: goingOn.peakMegabytes,
        unit: 'MB',
        budget: mostMegabytes,
      },
      {
        name: 'killed and resumed: changes sealed',
        found: resumed.uids.size,
        unit: '',
        ...exactly,
      },
      {
        name: 'killed and resumed: changes sealed twice',
        found: resumed.twice,
        unit: '',
        budget: 0,
      },
    );

    now = secondNight;
    for (const [index, repository] of world.repositories.slice(0, more).entries()) {
      mergedChange(repository, {
        author: world.organization.members[index % 5]?.handle ?? 'alice',
        mergedAt: `2026-11-21T${String(8 + (index % 10)).padStart(2, '0')}:00:00Z`,
      });
    }
    github.forget();
    const second = await night(folder, github, secondNight);
    figures.push(...secondFigures(github, second, await changesIn(folder)));
    return figures;
  } finally {
    await github.close();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
}

const exactly = { budget: size.changes, least: true };

function settings({ endpoint, world }: GitHubStandIn) {
  return { GITHUB_API_URL: endpoint, GITHUB_TOKEN: world.viewer.token ?? '' };
}

async function night(
  folder: string,
  github: GitHubStandIn,
  clock: string,
  heap?: number,
): Promise<Measured> {
  const held = heap === undefined ? {} : { NODE_OPTIONS: `--max-old-space-size=${heap}` };
  const env = { ...settings(github), ...held };
  const measured = await measure(['run', '--json', '--clock', clock], folder, env);
  // 3: what GitHub tells for some weeks only is a gap with a name in a year's backfill.
  if (measured.code !== 1 && measured.code !== 3) {
    throw new Error(`the night ended with ${measured.code}\n${measured.stderr.slice(-2000)}`);
  }
  return measured;
}

/** Runs until some bundles are sealed, and kills without a warning. */
async function killBackfill(folder: string, github: GitHubStandIn): Promise<void> {
  const child = spawn(process.execPath, [program, 'run', '--clock', firstNight], {
    cwd: folder,
    env: environment(folder, settings(github)),
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for (let sealed = 0; sealed < killedAfter; ) {
    await pause(50);
    if (child.exitCode !== null) throw new Error('the backfill ended before it was killed');
    sealed = (await readdir(join(folder, 'evidence', 'bundles')).catch(() => [])).length;
  }
  child.kill('SIGKILL');
  await ended;
}

/** Node ids of the changes of every bundle, and how many were kept more than once. */
async function changesIn(folder: string): Promise<{ uids: Set<string>; twice: number }> {
  const store = new Store(folderBackend(join(folder, 'evidence')));
  const uids = new Set<string>();
  let twice = 0;
  for await (const { manifest } of store.bundles()) {
    for (const slice of manifest.slices) {
      if (slice.dataset !== 'github.changes') continue;
      for await (const records of store.records(slice)) {
        for (const { uid } of records) {
          if (uids.has(uid)) twice += 1;
          uids.add(uid);
        }
      }
    }
  }
  return { uids, twice };
}

function callsOf({ requests }: GitHubStandIn, which: RegExp): number {
  return requests.filter(({ route }) => which.test(route)).length;
}

function firstFigures(
  github: GitHubStandIn,
  { stdout, seconds, peakMegabytes }: Measured,
  { uids, twice }: { uids: Set<string>; twice: number },
): Figure[] {
  const summary: NightSummary = JSON.parse(stdout);
  const { repositories, changes } = size;
  const points = github.requests.reduce((sum, { cost }) => sum + cost, 0);
  return [
    {
      name: `GitHub: calls for ${repositories} repositories with their rules`,
      found: callsOf(github, ofRepositories),
      unit: '',
      budget: mostCalls.repositories,
    },
    {
      name: `GitHub: calls for ${changes.toLocaleString('en-US')} changes`,
      found: callsOf(github, ofChanges),
      unit: '',
      budget: mostCalls.changes(changes),
      beside: `${(4 * changes).toLocaleString('en-US')} one by one, four a change`,
    },
    { name: 'GitHub: calls for production commits', found: callsOf(github, ofCommits), unit: '' },
    {
      name: 'GitHub: all calls of the first night',
      found: github.requests.length,
      unit: '',
      beside: `${points.toLocaleString('en-US')} points of the rate limit; ${summary.backfill.length} bundles backfilled`,
    },
    { name: 'GitHub: changes sealed', found: uids.size, unit: '', ...exactly },
    { name: 'GitHub: changes sealed twice', found: twice, unit: '', budget: 0 },
    {
      name: 'GitHub: peak memory of the first night, with memory to spare',
      found: peakMegabytes,
      unit: 'MB',
    },
    { name: 'GitHub: wall time of the first night', found: seconds, unit: 's' },
  ];
}

function secondFigures(
  github: GitHubStandIn,
  { seconds }: Measured,
  { uids }: { uids: Set<string> },
): Figure[] {
  const all = github.requests.length;
  const confirmed = github.requests.filter(({ status }) => status === 304).length;
  return [
    {
      name: `GitHub: calls for ${more} changes more`,
      found: callsOf(github, ofChanges),
      unit: '',
      // One for a hundred repositories to see what was merged, and one for what is new of it.
      budget: Math.ceil(size.repositories / 100) + mostCalls.changes(more),
    },
    {
      name: `GitHub: calls for their commits`,
      found: callsOf(github, ofCommits),
      unit: '',
      budget: 2 * more,
    },
    {
      name: 'GitHub: all calls of the second night',
      found: all,
      unit: '',
      beside: `${confirmed} of them confirmed unchanged, which costs no rate limit`,
    },
    {
      name: 'GitHub: changes sealed after the second night',
      found: uids.size,
      unit: '',
      budget: size.changes + more,
      least: true,
    },
    { name: 'GitHub: wall time of the second night', found: seconds, unit: 's' },
  ];
}
