/** Commits on production branches, from a stand-in for GitHub through the real provider. */
import { afterEach, describe, expect, it } from 'vitest';
import { type CommitPull, mergedInto } from '../../../collectors/github/changes/commits.ts';
import type { GitHubScope } from '../../../collectors/github/scope.ts';
import type { Slice } from '../../../src/evidence/slice.ts';
import {
  type GitHubStandIn,
  type StandInOptions,
  startGitHub,
} from '../../support/github-stand-in.ts';
import type { GitHubWorld, WorldRepository } from '../../support/github-world.ts';
import { asApp, githubWorld, repository } from '../../support/github-world-builders.ts';
import {
  cutBranch,
  directPush,
  forcePush,
  mergedChange,
  openPullRequest,
} from '../../support/github-world-events.ts';
import { between, collectEvents, type EventsRun, only, problemsOf } from './events.ts';

const dataset = 'github.production_commits';
const compareRoute = 'GET /repos/{owner}/{repo}/compare/{basehead}';
const now = '2026-11-20T02:00:00Z';
const yesterday = '2026-11-19T02:00:00Z';
const night = between(yesterday, now);
const before = between('2026-11-18T02:00:00Z', yesterday);
/** A time in the night. */
const at = (time: string) => `2026-11-19T${time}:00Z`;

const running: GitHubStandIn[] = [];
afterEach(async () => {
  for (const github of running.splice(0)) await github.close();
});

async function stand(world: GitHubWorld, options: StandInOptions = {}): Promise<GitHubStandIn> {
  const github = await startGitHub(world, { now: () => new Date(now), ...options });
  running.push(github);
  return github;
}

async function commitsOf(
  world: GitHubWorld,
  run: Partial<EventsRun> = {},
  options: StandInOptions = {},
): Promise<Slice> {
  const github = run.github ?? (await stand(world, options));
  const datasets = [dataset];
  const slices = await collectEvents({ github, datasets, now, pieces: [night], ...run });
  return only(slices, dataset);
}

/** The night before, and what it leaves to the next. */
async function nightBefore(world: GitHubWorld, config: object = {}): Promise<Partial<EventsRun>> {
  const slice = await commitsOf(world, { now: yesterday, pieces: [before], config });
  expect(problemsOf(slice)).toEqual([]);
  return { kept: { [dataset]: slice.kept }, held: slice.records, config };
}

/** By branch and commit, with the numbers of pull requests that brought it, and others. */
const landedOf = ({ records }: Slice) =>
  Object.fromEntries(
    records.map(({ fields }) => [
      `${fields.branch} ${fields.sha}`,
      [fields.merged_by_pull_requests, fields.other_pull_requests],
    ]),
  );
const headOf = (repo: WorldRepository, branch = 'main') => repo.branches[branch] ?? '';
const quiet = (name: string) => repository({ name, createdAt: '2026-01-05T09:00:00Z' });

describe('a commit', () => {
  it('is told with its pull request, however it was merged (trap 41)', async () => {
    const api = quiet('api');
    const merged = (['squash', 'merge', 'rebase'] as const).map((method, index) =>
      mergedChange(api, {
        mergedAt: at(`1${index}:00`),
        openedAt: at('09:00'),
        method,
        commits: [{}, {}],
      }),
    );
    merged.push(mergedChange(api, { mergedAt: at('13:00'), openedAt: at('09:00'), queue: true }));
    const slice = await commitsOf(githubWorld({ repositories: [api] }));
    expect(problemsOf(slice)).toEqual([]);
    const expected = merged.flatMap(({ number, merge }) =>
      (merge?.landed ?? []).map((oid) => [`main ${oid}`, [[number], []]]),
    );
    expect(expected).toHaveLength(1 + 3 + 2 + 1);
    expect(landedOf(slice)).toEqual(Object.fromEntries(expected));
  });

  it('that was pushed past pull requests is told without one (trap 40)', async () => {
    const api = quiet('api');
    const [pushed] = directPush(api, 'main', {
      at: at('10:00'),
      by: 'dave',
      message: 'Quick fix\n\nIn a hurry.',
      coAuthors: ['Erin <erin@example.net>'],
    });
    const slice = await commitsOf(githubWorld({ repositories: [api] }));
    expect(slice.records).toMatchObject([
      {
        name: `acme/api@${pushed?.oid}`,
        fields: {
          repository: 'acme/api',
          repository_id: expect.stringMatching(/^R_/),
          branch: 'main',
          sha: pushed?.oid,
          title: 'Quick fix',
          authors: ['dave', 'erin@example.net'],
          committer: 'dave',
          committed_at: at('10:00'),
          merged_by_pull_requests: [],
          other_pull_requests: [],
          parents: 1,
        },
      },
    ]);
  });

  it('of a pull request into a branch that does not ship came by none (trap 42)', async () => {
    const api = quiet('api');
    cutBranch(api, 'develop', 'main', '2026-11-01T09:00:00Z');
    const pr = mergedChange(api, { base: 'develop', mergedAt: at('10:00') });
    api.branches.main = headOf(api, 'develop');
    const open = openPullRequest(api, { at: at('11:00') });
    api.branches['release/1'] = open.head;
    const config = { production_refs: ['main', 'release/*'] };
    const slice = await commitsOf(githubWorld({ repositories: [api] }), { config });
    expect(landedOf(slice)).toEqual({
      [`main ${pr.merge?.commit}`]: [[], [pr.number]],
      [`release/1 ${pr.merge?.commit}`]: [[], [pr.number]],
      [`release/1 ${open.head}`]: [[], [open.number]],
    });
  });

  it('on two production branches is one record on each, with its pull request', async () => {
    const api = quiet('api');
    const pr = mergedChange(api, { mergedAt: at('10:00') });
    cutBranch(api, 'release/1', 'main', at('11:00'));
    const config = { production_refs: ['~DEFAULT_BRANCH', 'release/*'] };
    const slice = await commitsOf(githubWorld({ repositories: [api] }), { config });
    expect(landedOf(slice)).toEqual({
      [`main ${pr.merge?.commit}`]: [[pr.number], []],
      [`release/1 ${pr.merge?.commit}`]: [[pr.number], []],
    });
  });

  it.each([1, 3])('is the same with pages of %i', async (mostPerPage) => {
    const api = quiet('api');
    const world = githubWorld({ repositories: [api] });
    const run = await nightBefore(world);
    for (let number = 1; number <= 6; number += 1) {
      mergedChange(api, { mergedAt: at(`1${number}:00`), method: 'merge', commits: [{}, {}] });
    }
    directPush(api, 'main', {
      at: '2026-01-06T09:00:00Z',
      coAuthors: ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `${name} <${name}@example.net>`),
    });
    const whole = await commitsOf(world, run);
    const cut = await commitsOf(world, run, { mostPerPage });
    expect(problemsOf(cut)).toEqual([]);
    expect(cut.records.map(({ fields }) => fields)).toEqual(
      whole.records.map(({ fields }) => fields),
    );
    expect(whole.records).toHaveLength(19);
  });
});

describe('a night', () => {
  it('finds what was pushed since, whatever its dates', async () => {
    const api = quiet('api');
    const world = githubWorld({ repositories: [api] });
    const run = await nightBefore(world);
    const [old] = directPush(api, 'main', { at: '2026-02-01T09:00:00Z' });
    const [young] = directPush(api, 'main', { at: '2031-02-01T09:00:00Z' });
    api.pushedAt = at('10:00');
    expect(landedOf(await commitsOf(world))).toEqual({ [`main ${young?.oid}`]: [[], []] });
    const slice = await commitsOf(world, run);
    expect(problemsOf(slice)).toEqual([]);
    expect(landedOf(slice)).toEqual({
      [`main ${old?.oid}`]: [[], []],
      [`main ${young?.oid}`]: [[], []],
    });
    expect(slice.tie_outs).toContainEqual({
      by: `total_commits of ${compareRoute}`,
      expected: 2,
      found: 2,
    });
  });

  it('asks nothing more of branches where nothing happened', async () => {
    const world = githubWorld({ repositories: [quiet('api'), quiet('web')] });
    const run = await nightBefore(world);
    const github = await stand(world);
    expect(landedOf(await commitsOf(world, { ...run, github }))).toEqual({});
    expect(github.count({ route: compareRoute })).toBe(0);
    expect(github.count({ route: 'graphql:Commits' })).toBe(0);
  });

  it('says that history was rewritten, and tells what stands there now', async () => {
    const api = quiet('api');
    directPush(api, 'main', { at: '2026-11-10T09:00:00Z' });
    const world = githubWorld({ repositories: [api] });
    const run = await nightBefore(world);
    const was = headOf(api);
    forcePush(api, 'main', { at: at('10:00') });
    const slice = await commitsOf(world, run);
    expect(problemsOf(slice)).toEqual([
      `note HistoryRewritten: acme/api@main: history was rewritten; ${was}, where the branch was, is not on it any more`,
    ]);
    expect(landedOf(slice)).toEqual({ [`main ${headOf(api)}`]: [[], []] });
  });

  it('says that history was cut off', async () => {
    const api = quiet('api');
    const start = headOf(api);
    directPush(api, 'main', { at: '2026-11-10T09:00:00Z' });
    const world = githubWorld({ repositories: [api] });
    const run = await nightBefore(world);
    api.branches.main = start;
    api.pushedAt = at('10:00');
    const slice = await commitsOf(world, run);
    expect(problemsOf(slice).join()).toMatch(/^note HistoryRewritten: [^,]*history was rewritten/);
    expect(slice.outcome).toBe('complete');
  });

  it('goes by dates where the head of before is gone, and says so', async () => {
    const api = quiet('api');
    directPush(api, 'main', { at: '2026-11-10T09:00:00Z' });
    const world = githubWorld({ repositories: [api] });
    const run = await nightBefore(world);
    const was = headOf(api);
    forcePush(api, 'main', { at: at('10:00'), gone: true });
    const slice = await commitsOf(world, run);
    expect(problemsOf(slice)).toEqual([
      expect.stringContaining(`note HistoryRewritten: acme/api@main: GitHub does not know ${was}`),
    ]);
    expect(landedOf(slice)).toEqual({ [`main ${headOf(api)}`]: [[], []] });
  });

  it('takes of a new production branch what was on no other before', async () => {
    const config = { production_refs: ['main', 'release/*'] };
    const api = quiet('api');
    const shared = mergedChange(api, { mergedAt: '2026-11-18T10:00:00Z' });
    const world = githubWorld({ repositories: [api] });
    const run = await nightBefore(world, config);
    cutBranch(api, 'release/1', 'main', at('09:00'));
    const [pushed] = directPush(api, 'release/1', { at: '2026-03-01T09:00:00Z' });
    const slice = await commitsOf(world, run);
    expect(problemsOf(slice)).toEqual([]);
    expect(landedOf(slice)).toEqual({ [`release/1 ${pushed?.oid}`]: [[], []] });
    expect(shared.merge).not.toBeNull();
  });

  it('says that a production branch is gone, with what it may have missed', async () => {
    const config = { production_refs: ['main', 'release/*'] };
    const api = quiet('api');
    cutBranch(api, 'release/1', 'main', '2026-11-01T09:00:00Z');
    const world = githubWorld({ repositories: [api] });
    const run = await nightBefore(world, config);
    delete api.branches['release/1'];
    expect(problemsOf(await commitsOf(world, run))).toEqual([
      expect.stringContaining(
        'note HistoryRewritten: acme/api: the production branch release/1 is gone',
      ),
    ]);
  });

  it('gives a commit of the overlap once, and again only if its pull request showed late', async () => {
    const api = quiet('api');
    directPush(api, 'main', { at: '2026-11-18T10:00:00Z' });
    const world = githubWorld({ repositories: [api] });
    const run = { ...(await nightBefore(world)), askFrom: before.start };
    expect(landedOf(await commitsOf(world, run))).toEqual({});
    const pr = openPullRequest(api, { at: at('03:00') });
    pr.commits.unshift(headOf(api));
    pr.merge = {
      at: at('04:00'),
      by: 'bob',
      method: 'merge',
      queue: false,
      commit: headOf(api),
      landed: [headOf(api)],
    };
    expect(landedOf(await commitsOf(world, run))).toEqual({ [`main ${headOf(api)}`]: [[1], []] });
  });
});

describe('what comes into scope', () => {
  const coveredSince = new Date('2026-11-10T02:00:00Z');
  /** Long before anything that is covered. */
  const old = '2025-02-02T02:02:02Z';

  it('is what landed on a branch under its new name', async () => {
    const api = quiet('api');
    const world = githubWorld({ repositories: [api] });
    const run = await nightBefore(world);
    const pr = mergedChange(api, { mergedAt: at('09:00') });
    api.branches.trunk = headOf(api);
    delete api.branches.main;
    api.defaultBranch = 'trunk';
    const [pushed] = directPush(api, 'trunk', { at: old });
    const slice = await commitsOf(world, run);
    expect(landedOf(slice)).toEqual({
      [`trunk ${pr.merge?.commit}`]: [[pr.number], []],
      [`trunk ${pushed?.oid}`]: [[], []],
    });
    // Its name from before is known in the nights to come, too.
    const third = await commitsOf(world, {
      kept: { [dataset]: slice.kept },
      held: slice.records,
    });
    expect(third.records).toEqual([]);
  });

  it('is what landed on a repository while it was archived, from where it was', async () => {
    const api = quiet('api');
    const world = githubWorld({ repositories: [api, quiet('web')] });
    const run = await nightBefore(world);
    const [pushed] = directPush(api, 'main', { at: old });
    api.archived = true;
    const away = await commitsOf(world, run);
    expect(landedOf(away)).toEqual({});
    api.archived = false;
    const back = await commitsOf(world, { kept: { [dataset]: away.kept }, coveredSince });
    expect(landedOf(back)).toEqual({ [`main ${pushed?.oid}`]: [[], []] });
  });

  it('is all of a repository that is younger than what is covered', async () => {
    const world = githubWorld({ repositories: [quiet('api')] });
    const run = await nightBefore(world);
    const made = repository({ name: 'new', createdAt: at('09:00') });
    const [pushed] = directPush(made, 'main', { at: old });
    const [behind] = directPush(made, 'main', { at: '1969-02-02T02:02:02Z' });
    made.pushedAt = at('10:00');
    world.repositories.push(made);
    expect(Object.keys(landedOf(await commitsOf(world, { ...run, coveredSince })))).toEqual(
      expect.arrayContaining([`main ${pushed?.oid}`, `main ${behind?.oid}`]),
    );
  });

  it('is of an older repository what is dated since that began', async () => {
    const api = quiet('api');
    const other = quiet('other');
    directPush(other, 'main', { at: old });
    const [pushed] = directPush(other, 'main', { at: '2026-11-12T10:00:00Z' });
    const world = githubWorld({ repositories: [api, other] });
    const run = await nightBefore(world, { repositories: { exclude: ['other'] } });
    const slice = await commitsOf(world, { ...run, config: {}, coveredSince });
    expect(landedOf(slice)).toEqual({ [`main ${pushed?.oid}`]: [[], []] });
  });
});

describe('a branch', () => {
  it('whose head is not among its commits makes the slice incomplete', async () => {
    const api = quiet('api');
    directPush(api, 'main', { at: at('10:00') });
    const world = githubWorld({ repositories: [api] });
    const plain = await stand(world);
    expect((await commitsOf(world, { github: plain })).outcome).toBe('complete');
    const turn = plain.requests.findIndex(({ route }) => route === 'graphql:History');
    let github: GitHubStandIn | undefined;
    let rewritten = false;
    github = await stand(world, {
      now: () => {
        if (!rewritten && github?.requests.length === turn) {
          rewritten = true;
          forcePush(api, 'main', { at: at('11:00') });
        }
        return new Date(now);
      },
    });
    const slice = await commitsOf(github.world, { github });
    expect(rewritten).toBe(true);
    expect(slice.outcome).toBe('partial');
    expect(problemsOf(slice).join()).toMatch(/TieOutMismatch: .* told without .*acme\/api@main/);
  });

  it('of a repository without a time of its last push is asked', async () => {
    const api = quiet('api');
    const [pushed] = directPush(api, 'main', { at: at('10:00') });
    api.pushedAt = null;
    api.updatedAt = '2026-01-05T09:00:00Z';
    const slice = await commitsOf(githubWorld({ repositories: [api] }));
    expect(Object.keys(landedOf(slice))).toEqual([`main ${pushed?.oid}`]);
  });
});

describe('a backfill', () => {
  const pieces = [
    between('2026-11-05T02:00:00Z', '2026-11-12T02:00:00Z'),
    between('2026-11-12T02:00:00Z', yesterday),
  ];

  it('goes by dates, each commit in its piece', async () => {
    const api = quiet('api');
    const oids = ['06', '13', '18'].map((day) => {
      const [made] = directPush(api, 'main', { at: `2026-11-${day}T10:00:00Z` });
      return `main ${made?.oid}`;
    });
    const github = await stand(githubWorld({ repositories: [api] }));
    const slices = await collectEvents({ github, datasets: [dataset], now: yesterday, pieces });
    expect((slices[dataset] ?? []).map((slice) => Object.keys(landedOf(slice)))).toEqual([
      [oids[0]],
      expect.arrayContaining([oids[1], oids[2]]),
    ]);
    expect(github.count({ route: 'graphql:History' })).toBe(1);
  });

  it('that was interrupted finds at its end what was pushed meanwhile under old dates', async () => {
    const api = quiet('api');
    directPush(api, 'main', { at: '2026-11-06T10:00:00Z' });
    const world = githubWorld({ repositories: [api] });
    const interrupted = await commitsOf(world, { now: yesterday, pieces: pieces.slice(0, 1) });
    const [old] = directPush(api, 'main', { at: '2026-03-01T09:00:00Z' });
    api.pushedAt = at('10:00');
    const github = await stand(world);
    const slices = await collectEvents({
      github,
      datasets: [dataset],
      now,
      pieces: [...pieces.slice(1), night],
      kept: { [dataset]: interrupted.kept },
    });
    expect((slices[dataset] ?? []).map((slice) => Object.keys(landedOf(slice)))).toEqual([
      [],
      [`main ${old?.oid}`],
    ]);
    expect(slices[dataset]?.at(-1)?.kept).toEqual({
      heads: { [`${keyOf(slices[dataset]?.at(-1))} main`]: headOf(api) },
      names: { [keyOf(slices[dataset]?.at(-1))]: ['main'] },
    });
  });

  const keyOf = (slice: Slice | undefined) => String(slice?.records[0]?.fields.repository_id);

  it('takes in its last piece what is dated after its end', async () => {
    const api = quiet('api');
    const [ahead] = directPush(api, 'main', { at: '2099-02-02T02:02:02Z' });
    api.pushedAt = '2026-11-18T12:00:00Z';
    const github = await stand(githubWorld({ repositories: [api] }));
    const slices = await collectEvents({ github, datasets: [dataset], now: yesterday, pieces });
    expect((slices[dataset] ?? []).map((slice) => Object.keys(landedOf(slice)))).toEqual([
      [],
      [`main ${ahead?.oid}`],
    ]);
    const last = slices[dataset]?.at(-1);
    const next = { held: last?.records ?? [], kept: { [dataset]: last?.kept } };
    const asked = await stand(github.world);
    expect(landedOf(await commitsOf(github.world, { ...next, github: asked }))).toEqual({});
    expect(asked.count({ route: 'graphql:Commits' })).toBe(0);
  });

  it('shows what lies behind a commit with a wrong clock', async () => {
    const api = quiet('api');
    const [behind] = directPush(api, 'main', { at: '2026-11-18T10:00:00Z' });
    directPush(api, 'main', { at: '1970-01-01T00:00:00Z' });
    const [after] = directPush(api, 'main', { at: '2026-11-18T12:00:00Z' });
    const slice = await commitsOf(githubWorld({ repositories: [api] }), { pieces: [before] });
    expect(Object.keys(landedOf(slice)).sort()).toEqual(
      [`main ${behind?.oid}`, `main ${after?.oid}`].sort(),
    );
  });
});

describe('what goes wrong', () => {
  const permissions = {
    metadata: 'read',
    contents: 'read',
    administration: 'read',
    pull_requests: 'read',
  } as const;

  it.each([
    ['pull_requests', /pull_requests:read/],
    ['contents', /contents:read/],
  ])(
    'without the right %s nothing is said to have come by no pull request',
    async (right, message) => {
      const api = quiet('api');
      mergedChange(api, { mergedAt: at('10:00') });
      const world = githubWorld({ repositories: [api], viewer: asApp(permissions) });
      expect((await commitsOf(world)).outcome).toBe('complete');
      world.viewer = asApp({ ...permissions, [right]: undefined });
      const slice = await commitsOf(world);
      expect(slice.outcome).not.toBe('complete');
      expect(problemsOf(slice).join()).toMatch(message);
      for (const { fields } of slice.records) {
        expect(fields).not.toHaveProperty('merged_by_pull_requests');
      }
    },
  );

  it('a comparison that cannot be made makes the slice incomplete', async () => {
    const api = quiet('api');
    const world = githubWorld({ repositories: [api] });
    const run = await nightBefore(world);
    const [pushed] = directPush(api, 'main', { at: at('10:00') });
    const github = await stand(world);
    github.fault({ kind: 'denied', match: { route: compareRoute } });
    const slice = await commitsOf(world, { ...run, github });
    expect(slice.outcome).toBe('partial');
    expect(slice.kept).toBeUndefined();
    expect(problemsOf(slice).join()).toMatch(/AccessDenied.*acme\/api@main/);
    expect(landedOf(slice)).toEqual({ [`main ${pushed?.oid}`]: [[], []] });
  });

  it.each(['nextElsewhere', 'nextRepeats'] as const)(
    '%s is no end of a comparison',
    async (kind) => {
      const api = quiet('api');
      const world = githubWorld({ repositories: [api] });
      const run = await nightBefore(world);
      for (let n = 0; n < 5; n += 1) directPush(api, 'main', { at: at(`1${n}:00`) });
      const github = await stand(world, { mostPerPage: 2 });
      github.fault({ kind, match: { route: compareRoute } });
      const slice = await commitsOf(world, { ...run, github });
      expect(slice.outcome).toBe('partial');
      expect(problemsOf(slice).join()).toMatch(/RefusedPage/);
    },
  );

  it('a commit that is withheld is named, and the others are told', async () => {
    const api = quiet('api');
    const landed = directPush(api, 'main', { at: at('10:00'), commits: [{}, {}, {}] });
    const github = await stand(githubWorld({ repositories: [api] }));
    github.fault({ kind: 'forbiddenNode', match: { route: 'graphql:Commits' }, index: 1 });
    const slice = await commitsOf(github.world, { github });
    expect(slice.outcome).toBe('partial');
    expect(slice.records.map(({ fields }) => fields.sha).sort()).toEqual(
      landed.map(({ oid }) => oid).sort(),
    );
    expect(slice.problems[0]?.resources).toHaveLength(1);
  });
});

describe('which pull requests brought a commit', () => {
  const github = { config: { production_refs: ['~DEFAULT_BRANCH', 'release/*'] } } as GitHubScope;
  const api = {
    id: 'R_1',
    productionBranches: [{ id: 'REF_1', name: 'main', head: '' }],
  } as unknown as Parameters<typeof mergedInto>[1];
  const pull = (parts: Partial<CommitPull> = {}): CommitPull => ({
    id: 'PR_1',
    number: 1,
    merged: true,
    mergedAt: at('10:00'),
    baseRefName: 'main',
    headRefName: 'feature',
    isCrossRepository: false,
    repository: { id: 'R_1' },
    ...parts,
  });
  const brought = (parts: Partial<CommitPull>, branch: string | undefined = 'main') =>
    mergedInto(github, api, branch, [pull(parts)]).length === 1;

  it('a merged one into a branch that ships does, whichever that is', () => {
    expect(brought({})).toBe(true);
    expect(brought({ baseRefName: 'release/1' })).toBe(true);
    expect(brought({}, 'release/1')).toBe(true);
  });

  it('an open one, or one into another branch, does not', () => {
    expect(brought({ merged: false, mergedAt: null })).toBe(false);
    expect(brought({ baseRefName: 'develop' })).toBe(false);
  });

  it('one of a fork does not, whatever the names of its branches', () => {
    expect(brought({ repository: { id: 'R_2' } })).toBe(false);
  });

  it('one from a fork does', () => {
    expect(
      brought({ isCrossRepository: true, headRefName: 'main', baseRefName: 'release/1' }),
    ).toBe(true);
  });

  it('one from the branch itself into another came too late for it', () => {
    expect(brought({ baseRefName: 'release/1', headRefName: 'main' })).toBe(false);
    expect(brought({ baseRefName: 'release/1', headRefName: 'main' }, 'release/1')).toBe(true);
    expect(
      mergedInto(github, api, undefined, [pull({ headRefName: 'main', baseRefName: 'release/1' })]),
    ).toHaveLength(1);
  });
});
