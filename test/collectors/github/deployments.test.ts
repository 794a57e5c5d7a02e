/** Deployments, from a stand-in for GitHub through the real provider. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Slice } from '../../../src/evidence/slice.ts';
import {
  type GitHubStandIn,
  type StandInOptions,
  startGitHub,
} from '../../support/github-stand-in.ts';
import type { GitHubWorld } from '../../support/github-world.ts';
import {
  asApp,
  deploy,
  environment,
  githubWorld,
  repository,
} from '../../support/github-world-builders.ts';
import { directPush, later, mergedChange } from '../../support/github-world-events.ts';
import { between, collectEvents, type EventsRun, only, problemsOf } from './events.ts';

const dataset = 'github.deployments';
const now = '2026-11-20T02:00:00Z';
const night = between('2026-11-19T02:00:00Z', now);
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

async function deploymentsOf(
  world: GitHubWorld,
  run: Partial<EventsRun> = {},
  options: StandInOptions = {},
): Promise<Slice> {
  const github = run.github ?? (await stand(world, options));
  const datasets = [dataset];
  return only(await collectEvents({ github, datasets, now, pieces: [night], ...run }), dataset);
}

const namesOf = ({ records }: Slice) => records.map(({ name }) => name).sort();

describe('a deployment', () => {
  it('is told with the reviews of the pull request by which its commit came', async () => {
    const api = repository({
      name: 'api',
      environments: [environment({ reviewers: ['user:carol'] })],
    });
    const pr = mergedChange(api, { mergedAt: at('10:00') });
    deploy(api, { at: at('10:30') });
    const slice = await deploymentsOf(githubWorld({ repositories: [api] }));
    expect(problemsOf(slice)).toEqual([]);
    expect(slice.records).toMatchObject([
      {
        name: `acme/api@${pr.merge?.commit}`,
        fields: {
          repository: 'acme/api',
          repository_id: expect.stringMatching(/^R_/),
          environment: 'production',
          ref: 'main',
          sha: pr.merge?.commit,
          state: 'active',
          created: at('10:30'),
          creator: 'github-actions',
          required_reviewers: true,
          pull_request: 1,
          pull_request_reviews: [
            { reviewer: 'bob', state: 'approved', on_head: true, submitted_at: at('09:50') },
          ],
        },
      },
    ]);
  });

  it('of a commit without a pull request has none, and no reviews', async () => {
    const api = repository({ name: 'api', environments: [environment()] });
    directPush(api, 'main', { at: at('10:00') });
    deploy(api, { at: at('10:30'), creator: null, state: 'failure' });
    const slice = await deploymentsOf(githubWorld({ repositories: [api] }));
    expect(problemsOf(slice)).toEqual([]);
    expect(slice.records).toMatchObject([
      {
        fields: {
          creator: 'ghost',
          state: 'failure',
          required_reviewers: false,
          pull_request: null,
          pull_request_reviews: [],
        },
      },
    ]);
  });

  it('to an environment that is gone does not say what that asked for', async () => {
    const api = repository({ name: 'api' });
    deploy(api, { at: at('10:30') });
    const [record] = (await deploymentsOf(githubWorld({ repositories: [api] }))).records;
    expect(record?.fields).not.toHaveProperty('required_reviewers');
    expect(record?.untold?.required_reviewers).toMatch(/is gone/);
  });
});

describe('the population', () => {
  function manyDeployments() {
    const api = repository({ name: 'api', environments: [environment()] });
    const web = repository({ name: 'web', environments: [environment({ name: 'prod-eu' })] });
    for (let hour = 0; hour < 26; hour += 1) {
      mergedChange(api, { mergedAt: later('2026-11-19T01:30:00Z', { hours: hour }) });
      deploy(api, { at: later('2026-11-19T01:59:59Z', { hours: hour }) });
      deploy(api, { at: later('2026-11-19T01:40:00Z', { hours: hour }), environment: 'preview' });
    }
    deploy(web, { at: at('12:00'), environment: 'prod-eu' });
    return githubWorld({ repositories: [api, web] });
  }

  it('is what was made in the interval, in environments that are production', async () => {
    const world = manyDeployments();
    const slice = await deploymentsOf(world);
    expect(problemsOf(slice)).toEqual([]);
    expect(slice.records).toHaveLength(24);
    expect(new Set(slice.records.map(({ fields }) => fields.environment))).toEqual(
      new Set(['production']),
    );
    const config = { production_environments: ['prod*'] };
    const more = await deploymentsOf(world, { config });
    expect(more.records).toHaveLength(25);
  });

  it.each([1, 4])('is the same with pages of %i', async (mostPerPage) => {
    const world = manyDeployments();
    const slice = await deploymentsOf(world, {}, { mostPerPage });
    expect(problemsOf(slice)).toEqual([]);
    expect(slice.records.map(({ fields }) => fields)).toEqual(
      (await deploymentsOf(world)).records.map(({ fields }) => fields),
    );
  });

  it('is listed once for all pieces of a backfill', async () => {
    const github = await stand(manyDeployments());
    const noon = at('12:00');
    const slices = await collectEvents({
      github,
      datasets: [dataset],
      now,
      pieces: [between(night.start.toISOString(), noon), between(noon, now)],
    });
    const [first, second] = slices[dataset] ?? [];
    expect([first?.records.length, second?.records.length]).toEqual([10, 14]);
    expect(github.count({ route: 'graphql:Deployments' })).toBe(1);
    expect(github.count({ route: 'graphql:Environments' })).toBe(1);
  });
});

describe('what goes wrong', () => {
  const permissions = {
    metadata: 'read',
    contents: 'read',
    administration: 'read',
    pull_requests: 'read',
    deployments: 'read',
    actions: 'read',
    checks: 'read',
    statuses: 'read',
    issues: 'read',
  } as const;

  const world = () => {
    const api = repository({ name: 'api', environments: [environment()] });
    mergedChange(api, { mergedAt: at('10:00') });
    deploy(api, { at: at('10:30') });
    return githubWorld({ repositories: [api], viewer: asApp(permissions) });
  };

  it.each(['deployments', 'pull_requests'])(
    'without the right %s the slice is not complete, and says what to add',
    async (right) => {
      const told = world();
      expect((await deploymentsOf(told)).outcome).toBe('complete');
      told.viewer = asApp({ ...permissions, [right]: undefined });
      const slice = await deploymentsOf(told);
      expect(slice.outcome).not.toBe('complete');
      expect(problemsOf(slice).join()).toMatch(`AccessDenied`);
      expect(problemsOf(slice).join()).toMatch(`${right}:read`);
      for (const { fields } of slice.records) expect(fields).not.toHaveProperty('pull_request');
    },
  );

  it('a repository that is withheld makes the slice incomplete, and the others are read', async () => {
    const told = world();
    told.repositories.push(repository({ name: 'web' }));
    const github = await stand(told);
    github.fault({ kind: 'forbiddenNode', match: { route: 'graphql:Deployments' }, index: 1 });
    const slice = await deploymentsOf(told, { github });
    expect(slice.outcome).toBe('partial');
    expect(problemsOf(slice).join()).toMatch(/deployments of a repository.*acme\/web/);
    expect(namesOf(slice)).toHaveLength(1);
  });
});
