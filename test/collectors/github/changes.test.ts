/** Merged pull requests, from a stand-in for GitHub through the real provider. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Slice } from '../../../src/evidence/slice.ts';
import {
  type GitHubStandIn,
  type StandInOptions,
  startGitHub,
} from '../../support/github-stand-in.ts';
import type { GitHubWorld } from '../../support/github-world.ts';
import { asApp, githubWorld, protection, repository } from '../../support/github-world-builders.ts';
import {
  addCheck,
  cutBranch,
  directPush,
  later,
  mergedChange,
  review,
} from '../../support/github-world-events.ts';
import { between, collectEvents, type EventsRun, only, problemsOf } from './events.ts';

const dataset = 'github.changes';
const now = '2026-11-20T02:00:00Z';
const night = between('2026-11-19T02:00:00Z', now);
/** A time in that night. */
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

async function changesOf(
  world: GitHubWorld,
  run: Partial<EventsRun> = {},
  options: StandInOptions = {},
): Promise<Slice> {
  const github = run.github ?? (await stand(world, options));
  const slices = await collectEvents({
    github,
    datasets: [dataset],
    now,
    pieces: [night],
    ...run,
  });
  return only(slices, dataset);
}

const namesOf = ({ records }: Slice) => records.map(({ name }) => name).sort();
const fieldsOf = ({ records }: Slice) =>
  Object.fromEntries(records.map(({ name, fields }) => [name, fields]));

describe('the population', () => {
  it('is what was merged in the interval, whenever it was opened (trap 34)', async () => {
    const api = repository({ name: 'api' });
    mergedChange(api, { number: 1, mergedAt: '2026-11-19T01:59:59Z' });
    mergedChange(api, {
      number: 2,
      mergedAt: '2026-11-19T02:00:00Z',
      openedAt: '2026-03-01T09:00:00Z',
    });
    mergedChange(api, { number: 3, mergedAt: '2026-11-20T01:59:59Z' });
    mergedChange(api, { number: 4, mergedAt: '2026-11-20T02:00:00Z' });
    const slice = await changesOf(githubWorld({ repositories: [api] }));
    expect(problemsOf(slice)).toEqual([]);
    expect(namesOf(slice)).toEqual(['acme/api#2', 'acme/api#3']);
  });

  it('holds one that was updated long after its merge', async () => {
    const api = repository({ name: 'api' });
    const old = mergedChange(api, { mergedAt: '2026-05-02T10:00:00Z' });
    old.updatedAt = at('23:00');
    const week = between('2026-05-01T00:00:00Z', '2026-05-08T00:00:00Z');
    const slice = await changesOf(githubWorld({ repositories: [api] }), { pieces: [week] });
    expect(namesOf(slice)).toEqual(['acme/api#1']);
  });

  it('is of branches that ship; the others are counted and named (trap 42)', async () => {
    const api = repository({ name: 'api' });
    for (const base of ['develop', 'release/1.0', 'release/1.1']) {
      cutBranch(api, base, 'main', '2026-11-01T09:00:00Z');
    }
    const bases = ['main', 'develop', 'release/1.0', 'develop', 'release/1.1'];
    for (const [index, base] of bases.entries()) {
      mergedChange(api, { number: index + 1, base, mergedAt: at(`1${index}:00`) });
    }
    // It shipped, and is gone.
    delete api.branches['release/1.0'];
    const world = githubWorld({ repositories: [api] });
    const config = { production_refs: ['~DEFAULT_BRANCH', 'release/*'] };
    const slice = await changesOf(world, { config });
    expect(namesOf(slice)).toEqual(['acme/api#1', 'acme/api#3', 'acme/api#5']);
    expect(problemsOf(slice)).toEqual([
      'note LeftOut: 2 pull requests were merged into branches that do not ship: develop 2',
    ]);
    const gone = slice.records.find(({ name }) => name === 'acme/api#3');
    expect(gone?.fields).not.toHaveProperty('required_checks');
    expect(gone?.untold?.required_checks).toMatch(/the branch is gone/);
  });

  it('is not asked of repositories that nobody touched since', async () => {
    const quiet = repository({ name: 'quiet' });
    mergedChange(quiet, { mergedAt: '2026-11-01T10:00:00Z' });
    const github = await stand(githubWorld({ repositories: [quiet] }));
    expect(namesOf(await changesOf(github.world, { github }))).toEqual([]);
    expect(github.count({ route: 'graphql:MergedPulls' })).toBe(0);
  });
});

describe('a change', () => {
  it('is told with everything that tests read', async () => {
    const api = repository({
      name: 'api',
      protections: [protection({ checks: { strict: true, contexts: [{ context: 'build' }] } })],
    });
    mergedChange(api, {
      title: 'OPS-12: mend',
      branch: 'mend',
      mergedAt: at('10:30'),
      mergedBy: 'carol',
      commits: [{}, { author: 'dave', coAuthors: ['erin'] }],
      labels: ['urgent', 'bug'],
      closes: ['acme/api#7'],
    });
    const slice = await changesOf(githubWorld({ repositories: [api], accounts: { erin: {} } }));
    const [pr] = api.pullRequests;
    expect(fieldsOf(slice)).toEqual({
      'acme/api#1': {
        repository: 'acme/api',
        repository_id: expect.stringMatching(/^R_/),
        number: 1,
        title: 'OPS-12: mend',
        base: 'main',
        branch: 'mend',
        author: 'alice',
        author_kind: 'User',
        contributors: ['alice', 'dave', 'erin'],
        merged_at: at('10:30'),
        merged_by: 'carol',
        head: pr?.head,
        merge_commit: pr?.merge?.commit,
        commits: 2,
        reviews: [
          {
            reviewer: 'bob',
            kind: 'User',
            state: 'approved',
            dismissed_at: null,
            submitted_at: at('10:20'),
            commit: pr?.head,
            on_head: true,
            before_merge: true,
            hours_after_merge: null,
            superseded: false,
            by_contributor: false,
            could_push: false,
            commits_after: 0,
            authors_after: [],
          },
        ],
        checks: [
          {
            check: 'build',
            app: 'github-actions',
            conclusion: 'success',
            completed_at: at('10:25'),
            before_merge: true,
          },
        ],
        required_checks: ['build'],
        labels: ['bug', 'urgent'],
        issues: ['acme/api#7'],
        ticket_keys: ['OPS-12'],
        files: [],
      },
    });
  });

  it('of a bot is told with its files, whatever else one query asks for (trap 43)', async () => {
    const api = repository({ name: 'api' });
    mergedChange(api, { mergedAt: at('10:00') });
    const files = Array.from({ length: 130 }, (_, index) => `vendor/${index}.json`);
    mergedChange(api, { mergedAt: at('11:00'), author: 'dependabot[bot]', files });
    const github = await stand(githubWorld({ repositories: [api] }));
    const fields = fieldsOf(await changesOf(github.world, { github }));
    expect(fields['acme/api#1']).toMatchObject({ author_kind: 'User', files: [] });
    expect(fields['acme/api#2']).toMatchObject({ author_kind: 'Bot', files: files.sort() });
    expect(github.count({ route: 'graphql:PullRequests' })).toBe(2);
  });

  /** More of everything than any page holds. */
  function largeWorld(): GitHubWorld {
    const api = repository({ name: 'api' });
    const pr = mergedChange(api, {
      mergedAt: at('20:00'),
      openedAt: '2026-11-18T09:00:00Z',
      commits: Array.from({ length: 254 }, (_, index) =>
        index === 252 ? { author: 'bob' } : { coAuthors: ['erin'] },
      ),
      labels: Array.from({ length: 30 }, (_, index) => `label-${index}`),
      closes: Array.from({ length: 12 }, (_, index) => `acme/api#${index + 900}`),
      checks: Array.from({ length: 140 }, (_, index) => ({ name: `check-${index}` })),
      reviews: Array.from({ length: 120 }, (_, index) => ({
        by: `reviewer-${index % 7}`,
        at: later(at('15:00'), { minutes: index }),
      })),
    });
    const last = pr.reviews.at(-1);
    if (last !== undefined) {
      last.dismissed = { at: at('18:00'), by: 'alice', previous: last.state };
      last.state = 'DISMISSED';
    }
    for (let index = 0; index < 15; index += 1) {
      pr.forcePushes.push({
        databaseId: index,
        at: at('08:00'),
        actor: `pusher-${index}`,
        before: null,
        after: null,
      });
    }
    return githubWorld({ repositories: [api], accounts: { erin: {} } });
  }

  it('is read to the end of every list (trap 48)', async () => {
    const slice = await changesOf(largeWorld());
    expect(problemsOf(slice)).toEqual([]);
    const [change] = Object.values(fieldsOf(slice));
    const { reviews, contributors, ...fields } = change as {
      reviews: { by_contributor: boolean; state: string }[];
      contributors: string[];
    };
    expect(fields).toMatchObject({ commits: 254 });
    expect(reviews).toHaveLength(120);
    expect(reviews.at(-1)).toMatchObject({ state: 'dismissed' });
    expect(contributors).toEqual(expect.arrayContaining(['bob', 'erin', 'pusher-14']));
    expect(Object.values(fields).map((list) => (Array.isArray(list) ? list.length : 0))).toEqual(
      expect.arrayContaining([30, 12, 140]),
    );
  });

  it.each([1, 3, 7])('is the same with pages of %i', async (mostPerPage) => {
    const api = repository({ name: 'api' });
    for (let number = 1; number <= 8; number += 1) {
      const pr = mergedChange(api, {
        number,
        mergedAt: at(`1${number}:00`),
        author: number === 4 ? 'dependabot[bot]' : 'alice',
        commits: Array.from({ length: number }, () => ({ coAuthors: ['dave', 'erin'] })),
        labels: ['a', 'b', 'c', 'd'].slice(0, number),
        files: ['a', 'b', 'c', 'd'].slice(0, number),
        reviews: [{ by: 'bob' }, { by: 'carol' }],
      });
      addCheck(api, pr.head, { name: 'scan', completedAt: at('09:00') });
    }
    const world = githubWorld({ repositories: [api, repository({ name: 'web' })] });
    const slice = await changesOf(world, {}, { mostPerPage });
    expect(problemsOf(slice)).toEqual([]);
    expect(fieldsOf(slice)).toEqual(fieldsOf(await changesOf(world)));
  });
});

describe('another night', () => {
  const before = between('2026-11-18T02:00:00Z', night.start.toISOString());
  const first = { now: night.start.toISOString(), pieces: [before] };
  const second = (slice: Slice): Partial<EventsRun> => ({
    kept: { [dataset]: slice.kept },
    held: slice.records,
    askFrom: before.start,
  });

  function twoNights() {
    const api = repository({ name: 'api', collaborators: { bob: 'write' } });
    const pr = mergedChange(api, { mergedAt: '2026-11-18T10:00:00Z' });
    return { api, pr, world: githubWorld({ repositories: [api] }) };
  }

  it('keeps nothing of what has not changed', async () => {
    const { world } = twoNights();
    const slice = await changesOf(world, first);
    expect(namesOf(slice)).toEqual(['acme/api#1']);
    const again = await changesOf(world, second(slice));
    expect(problemsOf(again)).toEqual([]);
    expect(namesOf(again)).toEqual([]);
  });

  it('asks again only of what was updated since, or was not done', async () => {
    const { api, world } = twoNights();
    const open = mergedChange(api, { mergedAt: '2026-11-18T11:00:00Z' });
    const check = addCheck(api, open.head, { name: 'slow', completedAt: null });
    const slice = await changesOf(world, first);
    expect(namesOf(slice)).toEqual(['acme/api#1', 'acme/api#2']);
    Object.assign(check, { conclusion: 'success', completedAt: at('05:00') });
    const github = await stand(world);
    const again = await changesOf(world, { github, ...second(slice) });
    expect(namesOf(again)).toEqual(['acme/api#2']);
    const asked = github.requests.filter(({ route }) => route === 'graphql:PullRequests');
    expect(asked.map(({ variables }) => JSON.parse(variables).people)).toEqual([
      [again.records[0]?.uid],
    ]);
    const third = await changesOf(world, {
      github,
      ...second(again),
      held: [...slice.records, ...again.records],
    });
    expect(problemsOf(third)).toEqual([]);
    expect(namesOf(third)).toEqual([]);
    expect(github.count({ route: 'graphql:PullRequests' })).toBe(1);
  });

  it('reads again what is unchanged and not held', async () => {
    const { world } = twoNights();
    const slice = await changesOf(world, first);
    const again = await changesOf(world, { ...second(slice), held: [] });
    expect(namesOf(again)).toEqual(['acme/api#1']);
  });

  it('sees a late review, with rights and rules as they were told first (trap 47)', async () => {
    const { api, pr, world } = twoNights();
    const slice = await changesOf(world, first);
    delete api.collaborators.bob;
    api.protections.push(protection({ checks: { strict: true, contexts: [{ context: 'new' }] } }));
    review(api, pr, { by: 'carol', at: at('12:00') });
    const [change] = Object.values(fieldsOf(await changesOf(world, second(slice))));
    expect(change).toMatchObject({
      required_checks: [],
      reviews: [
        { reviewer: 'bob', could_push: true },
        { reviewer: 'carol', could_push: false, hours_after_merge: 26, before_merge: false },
      ],
    });
  });

  it('knows what was told first in an earlier piece of a backfill', async () => {
    const { api, world } = twoNights();
    const github = await stand(world);
    const slices = await collectEvents({
      github,
      datasets: [dataset],
      ...first,
      pieces: [
        between('2026-11-12T02:00:00Z', '2026-11-18T12:00:00Z'),
        between('2026-11-18T12:00:00Z', night.start.toISOString()),
      ],
    });
    const [earlier, last] = slices[dataset] ?? [];
    delete api.collaborators.bob;
    const again = await changesOf(world, {
      now: '2026-11-21T02:00:00Z',
      kept: { [dataset]: last?.kept },
      held: earlier?.records ?? [],
      askFrom: before.start,
    });
    expect(earlier?.records).toHaveLength(1);
    expect(again.records).toEqual([]);
  });

  it('asks in proportion to what is new', async () => {
    const { api, world } = twoNights();
    const others = Array.from({ length: 60 }, (_, index) => repository({ name: `other-${index}` }));
    for (const other of others) mergedChange(other, { mergedAt: '2026-06-01T10:00:00Z' });
    world.repositories.push(...others);
    mergedChange(api, { mergedAt: at('10:00') });
    const github = await stand(world);
    expect(namesOf(await changesOf(world, { github }))).toEqual(['acme/api#2']);
    const asked = github.requests.map(({ route }) => route);
    expect(
      asked.filter(
        (route) =>
          !route.includes('Repositories') &&
          !route.includes('Identity') &&
          !route.includes('/orgs/'),
      ),
    ).toEqual([
      'graphql:MergedPulls',
      'graphql:PullRequests',
      'graphql:History',
      'graphql:CommitPulls',
    ]);
  });
});

describe('what comes into scope', () => {
  const coveredSince = new Date('2026-11-10T02:00:00Z');
  const before = {
    now: night.start.toISOString(),
    pieces: [between('2026-11-10T02:00:00Z', night.start.toISOString())],
  };
  const next = (slice: Slice, held = slice.records): Partial<EventsRun> => ({
    kept: { [dataset]: slice.kept },
    held,
    coveredSince,
  });
  const past = '2026-11-12T10:00:00Z';

  it('is asked from the past: a branch that matches by now, or is gone', async () => {
    const api = repository({ name: 'api' });
    cutBranch(api, 'release/1', 'main', '2026-11-11T09:00:00Z');
    cutBranch(api, 'release/2', 'main', '2026-11-11T09:00:00Z');
    mergedChange(api, { base: 'release/1', mergedAt: past });
    mergedChange(api, { base: 'release/2', mergedAt: past });
    mergedChange(api, { base: 'release/1', mergedAt: '2026-11-10T01:00:00Z' });
    delete api.branches['release/2'];
    const world = githubWorld({ repositories: [api] });
    const slice = await changesOf(world, before);
    expect(slice.records).toEqual([]);
    const config = { production_refs: ['~DEFAULT_BRANCH', 'release/*'] };
    const wider = await changesOf(world, { ...next(slice), config });
    expect(problemsOf(wider)).toEqual([]);
    expect(namesOf(wider)).toEqual(['acme/api#1', 'acme/api#2']);
    const github = await stand(world);
    const third = await changesOf(world, { ...next(wider), config, github });
    expect(third.records).toEqual([]);
    expect(github.count({ route: 'graphql:MergedPulls' })).toBe(0);
  });

  it('is asked from the past: a repository that was excluded', async () => {
    const api = repository({ name: 'api' });
    const other = repository({ name: 'other' });
    mergedChange(other, { mergedAt: past });
    const world = githubWorld({ repositories: [api, other] });
    const config = { repositories: { exclude: ['other'] } };
    const slice = await changesOf(world, { ...before, config });
    expect(slice.records).toEqual([]);
    expect(namesOf(await changesOf(world, next(slice)))).toEqual(['acme/other#1']);
  });

  it('is asked from where it was last seen, after it was archived: nothing is kept twice', async () => {
    const api = repository({ name: 'api' });
    mergedChange(api, { mergedAt: past });
    const world = githubWorld({ repositories: [api, repository({ name: 'web' })] });
    const first = await changesOf(world, before);
    expect(namesOf(first)).toEqual(['acme/api#1']);
    mergedChange(api, { mergedAt: at('10:00') });
    api.archived = true;
    const away = await changesOf(world, next(first, []));
    expect(away.records).toEqual([]);
    api.archived = false;
    const later = {
      now: '2026-11-27T02:00:00Z',
      pieces: [between('2026-11-26T02:00:00Z', '2026-11-27T02:00:00Z')],
    };
    const back = await changesOf(world, { ...next(away, []), ...later });
    expect(namesOf(back)).toEqual(['acme/api#2']);
  });

  it('leaves alone what was covered before a pattern was added', async () => {
    const api = repository({ name: 'api' });
    cutBranch(api, 'release/1', 'main', '2026-11-11T09:00:00Z');
    mergedChange(api, { mergedAt: past });
    mergedChange(api, { base: 'release/1', mergedAt: past });
    const world = githubWorld({ repositories: [api] });
    const slice = await changesOf(world, before);
    expect(namesOf(slice)).toEqual(['acme/api#1']);
    const config = { production_refs: ['~DEFAULT_BRANCH', 'release/*'] };
    const wider = await changesOf(world, { ...next(slice, []), config });
    expect(namesOf(wider)).toEqual(['acme/api#2']);
  });

  it('is no branch that has another name now: what was merged into it before counts', async () => {
    const api = repository({ name: 'api' });
    const world = githubWorld({ repositories: [api] });
    const slice = await changesOf(world, before);
    mergedChange(api, { mergedAt: at('10:00'), reviews: [] });
    api.branches.trunk = api.branches.main ?? '';
    delete api.branches.main;
    api.defaultBranch = 'trunk';
    const renamed = await changesOf(world, next(slice));
    expect(problemsOf(renamed)).toEqual([]);
    expect(namesOf(renamed)).toEqual(['acme/api#1']);
    const third = await changesOf(world, next(renamed, []));
    expect(namesOf(third)).toEqual(['acme/api#1']);
  });

  it('costs no call where nothing came', async () => {
    const api = repository({ name: 'api' });
    mergedChange(api, { mergedAt: past });
    const world = githubWorld({ repositories: [api] });
    const slice = await changesOf(world, before);
    mergedChange(api, { mergedAt: at('10:00') });
    const github = await stand(world);
    expect(namesOf(await changesOf(world, { ...next(slice), github }))).toEqual(['acme/api#2']);
    expect(github.count({ route: 'graphql:MergedPulls' })).toBe(1);
    expect(github.count({ route: 'graphql:PullRequests' })).toBe(1);
  });

  it('is asked where a branch is not where it was, whatever the times of the repository', async () => {
    const api = repository({ name: 'api' });
    const world = githubWorld({ repositories: [api] });
    const slice = await changesOf(world, before);
    mergedChange(api, { mergedAt: at('10:00') });
    api.pushedAt = '2026-01-05T09:00:00Z';
    api.updatedAt = '2026-01-05T09:00:00Z';
    expect(namesOf(await changesOf(world, next(slice)))).toEqual(['acme/api#1']);
  });
});

describe('a backfill', () => {
  const pieces = ['2026-10-30', '2026-11-06', '2026-11-13'].map((day, index) =>
    between(
      `${day}T02:00:00Z`,
      ['2026-11-06T02:00:00Z', '2026-11-13T02:00:00Z', now][index] ?? now,
    ),
  );

  it('lists once for all of its pieces, and gives each change to one of them', async () => {
    const api = repository({ name: 'api' });
    for (let number = 1; number <= 240; number += 1) {
      mergedChange(api, { number, mergedAt: later('2026-10-31T00:00:00Z', { hours: 2 * number }) });
    }
    const github = await stand(githubWorld({ repositories: [api] }));
    const slices = await collectEvents({ github, datasets: [dataset], now, pieces });
    const found = slices[dataset] ?? [];
    expect(found.map(problemsOf)).toEqual([[], [], []]);
    expect(found.map(({ outcome }) => outcome)).toEqual(['complete', 'complete', 'complete']);
    const names = found.flatMap(namesOf);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(240);
    expect(github.count({ route: 'graphql:MergedPulls' })).toBe(2);
    expect(github.count({ route: 'graphql:MoreMergedPulls' })).toBe(2);
    expect(github.count({ route: 'graphql:PullRequests' })).toBe(5);
  });
});

describe('a list that changes while it is read', () => {
  it('loses nothing that an update moves to where it was read already', async () => {
    const api = repository({ name: 'api' });
    for (let number = 1; number <= 250; number += 1) {
      mergedChange(api, { mergedAt: later('2026-11-01T00:00:00Z', { hours: number }) });
    }
    const world = githubWorld({ repositories: [api] });
    const [oldest] = api.pullRequests;
    let github: GitHubStandIn | undefined;
    github = await stand(world, {
      now: () => {
        const reading = github?.count({ route: 'graphql:MoreMergedPulls' }) === 1;
        if (reading && oldest !== undefined) oldest.updatedAt = at('23:59');
        return new Date(now);
      },
    });
    const slice = await changesOf(world, {
      github,
      pieces: [between('2026-11-01T00:00:00Z', '2026-11-01T02:00:00Z')],
    });
    expect(oldest?.updatedAt).toBe(at('23:59'));
    expect(slice.outcome).toBe('complete');
    expect(namesOf(slice)).toEqual(['acme/api#1']);
  });
});

describe('what goes wrong', () => {
  function busyWorld(changes = 40): GitHubWorld {
    const api = repository({ name: 'api' });
    for (let number = 1; number <= changes; number += 1) {
      mergedChange(api, { number, mergedAt: later(at('03:00'), { minutes: number }) });
    }
    return githubWorld({ repositories: [api] });
  }

  it('a query that takes too long is asked in halves', async () => {
    const github = await stand(busyWorld());
    github.fault({ kind: 'tooHeavy', match: { route: 'graphql:PullRequests' }, nodes: 1_500 });
    const slice = await changesOf(github.world, { github });
    expect(problemsOf(slice)).toEqual([]);
    expect(slice.records).toHaveLength(40);
    expect(fieldsOf(slice)).toEqual(fieldsOf(await changesOf(busyWorld())));
  });

  it('a pull request that takes too long alone is named, and kept as far as it is known', async () => {
    const github = await stand(busyWorld(2));
    github.fault({ kind: 'tooHeavy', match: { route: 'graphql:PullRequests' } });
    const slice = await changesOf(github.world, { github });
    expect(slice.outcome).toBe('partial');
    expect(slice.problems).toMatchObject([
      { code: 'ServiceError', resources: ['acme/api#1', 'acme/api#2'] },
    ]);
    expect(fieldsOf(slice)['acme/api#1']).toEqual({
      repository: 'acme/api',
      repository_id: expect.any(String),
      number: 1,
      base: 'main',
      merged_at: at('03:01'),
    });
  });

  it('a pull request that is withheld is named, and the others are read', async () => {
    const github = await stand(busyWorld(3));
    const match = { route: 'graphql:PullRequests' };
    github.fault({ kind: 'forbiddenNode', match, index: 1, times: 1 });
    const slice = await changesOf(github.world, { github });
    expect(slice.outcome).toBe('partial');
    expect(slice.problems).toMatchObject([
      { code: 'AccessDenied', resources: [expect.any(String)] },
    ]);
    expect(slice.records.filter(({ fields }) => 'reviews' in fields)).toHaveLength(2);
    expect(slice.records).toHaveLength(3);
  });

  it('a repository that is withheld makes the slice incomplete, and the others are read', async () => {
    const world = busyWorld(3);
    const web = repository({ name: 'web' });
    mergedChange(web, { mergedAt: at('10:00') });
    world.repositories.push(web);
    const github = await stand(world);
    github.fault({ kind: 'forbiddenNode', match: { route: 'graphql:MergedPulls' }, index: 1 });
    const slice = await changesOf(world, { github });
    expect(slice.outcome).toBe('partial');
    expect(problemsOf(slice).join()).toMatch(/AccessDenied.*merged pull requests.*acme\/web/);
    expect(namesOf(slice)).toEqual(['acme/api#1', 'acme/api#2', 'acme/api#3']);
  });

  it('a change that the list keeps back is found from the commits', async () => {
    const api = repository({ name: 'api' });
    // Enough old ones for the list to end before it.
    for (let number = 1; number <= 20; number += 1) {
      mergedChange(api, { mergedAt: later('2026-09-01T10:00:00Z', { hours: number }) });
    }
    const hidden = mergedChange(api, { mergedAt: at('10:00') });
    hidden.updatedAt = '2026-01-01T00:00:00Z';
    mergedChange(api, { mergedAt: at('11:00') });
    const world = githubWorld({ repositories: [api] });
    const slice = await changesOf(world);
    expect(slice.outcome).toBe('partial');
    expect(problemsOf(slice).join()).toMatch(
      /TieOutMismatch: pull requests of the commits on production branches counts 2, the list holds 1/,
    );
  });

  it.each([
    ['pull_requests', /pull_requests:read/],
    ['checks', /the checks of a pull request .*checks:read statuses:read/],
    ['issues', /the issues that a pull request closes .*issues:read/],
  ])(
    'without the right %s an App is told to add it, and the slice is not complete',
    async (right, message) => {
      const permissions = {
        metadata: 'read',
        contents: 'read',
        administration: 'read',
        pull_requests: 'read',
        checks: 'read',
        statuses: 'read',
        issues: 'read',
      } as const;
      const api = repository({ name: 'api' });
      const pr = mergedChange(api, { mergedAt: at('10:00'), closes: ['acme/api#7'] });
      addCheck(api, pr.head, { name: 'legal', kind: 'status', completedAt: at('09:00') });
      const world = githubWorld({ repositories: [api], viewer: asApp(permissions) });
      expect((await changesOf(world)).outcome).toBe('complete');
      world.viewer = asApp({ ...permissions, [right]: undefined });
      const slice = await changesOf(world);
      expect(slice.outcome).not.toBe('complete');
      expect(problemsOf(slice).join()).toMatch(/error AccessDenied/);
      expect(problemsOf(slice).join()).toMatch(message);
    },
  );

  it.each(['nullData', 'garbage', 'signIn'] as const)(
    '%s instead of an answer is no empty list',
    async (kind) => {
      const github = await stand(busyWorld(2));
      github.fault({ kind, match: { route: 'graphql:MergedPulls' } });
      const slice = await changesOf(github.world, { github });
      expect(slice.outcome).toBe('failed');
    },
  );

  it('a direct push is no change', async () => {
    const api = repository({ name: 'api' });
    directPush(api, 'main', { at: at('10:00') });
    const slice = await changesOf(githubWorld({ repositories: [api] }));
    expect(slice.outcome).toBe('complete');
    expect(slice.records).toEqual([]);
  });
});
