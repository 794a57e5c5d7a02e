import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measure } from '../support/github-graphql.ts';
import { nodeId } from '../support/github-ids.ts';
import { type GitHubStandIn, startGitHub } from '../support/github-stand-in.ts';
import {
  accountOf,
  asUser,
  bigGitHubWorld,
  deploy,
  directPush,
  environment,
  forcePush,
  type GitHubWorld,
  githubWorld,
  later,
  member,
  merge,
  mergedChange,
  openPullRequest,
  protectedReviews,
  protection,
  repository,
  requiredChecksRule,
  ruleset,
  team,
} from '../support/github-world.ts';
import { ask, post, withGitHub } from './github-asking.ts';

const start = '2026-03-01T09:00:00Z';
const size = { repositories: 12, changes: 240, start, end: '2026-11-01T00:00:00Z' };

describe('over a large world', () => {
  let world: GitHubWorld;
  let github: GitHubStandIn;
  beforeAll(async () => {
    world = bigGitHubWorld(size);
    github = await startGitHub(world);
  });
  afterAll(() => github.close());

  it('gives every node once, in pages of any size', async () => {
    const query = `query ($first: Int!, $after: String) {
      organization(login: "acme") { repositories(first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } nodes { id }
      } }
    }`;
    const ids = world.repositories.map(({ databaseId }) => nodeId('R', databaseId));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 100 }), async (first) => {
        const seen: string[] = [];
        let after: string | null = null;
        do {
          const { data } = await ask(github, query, { first, after });
          const { totalCount, pageInfo, nodes } = data.organization.repositories;
          expect(totalCount).toBe(ids.length);
          expect(nodes.length).toBeLessThanOrEqual(first);
          seen.push(...nodes.map(({ id }: { id: string }) => id));
          after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
        } while (after !== null);
        expect(seen).toEqual(ids);
      }),
      { numRuns: 15 },
    );
  });

  it('gives the last entries, and those before a cursor', async () => {
    const { data } = await ask(
      github,
      `{ organization(login: "acme") { membersWithRole(last: 2) {
        nodes { login } pageInfo { startCursor hasPreviousPage hasNextPage }
      } } }`,
    );
    const { nodes, pageInfo } = data.organization.membersWithRole;
    expect(nodes).toEqual([{ login: 'user-058' }, { login: 'user-059' }]);
    expect(pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: false });
    const before = await ask(
      github,
      `query ($before: String) { organization(login: "acme") {
        membersWithRole(last: 1, before: $before) { nodes { login } }
      } }`,
      { before: pageInfo.startCursor },
    );
    expect(before.data.organization.membersWithRole.nodes).toEqual([{ login: 'user-057' }]);
  });

  it('may give fewer than asked for, and says that there is more', async () => {
    const small = await startGitHub(world, { mostPerPage: 3 });
    const { data } = await ask(
      small,
      '{ organization(login: "acme") { repositories(first: 10) { nodes { id } pageInfo { hasNextPage } } } }',
    );
    await small.close();
    expect(data.organization.repositories.nodes).toHaveLength(3);
    expect(data.organization.repositories.pageInfo.hasNextPage).toBe(true);
  });

  it('orders pull requests by their last update, and notices a new one', async () => {
    const [repo] = world.repositories;
    const query = `{ repository(owner: "acme", name: "repo-000") {
      pullRequests(states: MERGED, first: 100, orderBy: { field: UPDATED_AT, direction: DESC }) {
        nodes { number updatedAt }
      }
    } }`;
    const numbers = async () => {
      const { data } = await ask(github, query);
      const nodes: { number: number; updatedAt: string }[] = data.repository.pullRequests.nodes;
      const times = nodes.map(({ updatedAt }) => updatedAt);
      expect(times).toEqual(times.toSorted().reverse());
      return nodes.map(({ number }) => number);
    };
    expect(await numbers()).toHaveLength(20);
    const oldest = repo?.pullRequests[0];
    if (oldest === undefined) throw new Error('no pull request');
    oldest.updatedAt = '2026-12-01T00:00:00Z';
    expect((await numbers())[0]).toBe(oldest.number);
    oldest.updatedAt = oldest.merge?.at ?? '';
  });

  it('finds the pull request of every commit that landed, and all commits by their history', async () => {
    const query = `query ($after: String, $id: ID!) { node(id: $id) { ... on Ref { target { ... on Commit {
      history(first: 100, after: $after, since: "2026-03-01T00:00:00Z") {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { oid associatedPullRequests(first: 5) { nodes { number merged } } }
      }
    } } } } }`;
    for (const repo of world.repositories) {
      const id = nodeId('REF', repo.databaseId, 'refs/heads/main');
      const { data } = await ask(github, query, { id });
      const { totalCount, nodes } = data.node.target.history;
      const landed = new Map(
        repo.pullRequests.flatMap(({ merge: how, number }) =>
          (how?.landed ?? []).map((oid) => [oid, number] as const),
        ),
      );
      expect(totalCount).toBe(landed.size);
      for (const { oid, associatedPullRequests } of nodes) {
        expect(associatedPullRequests.nodes).toEqual([{ number: landed.get(oid), merged: true }]);
      }
    }
  });
});

describe('limits of a query', () => {
  // The example of docs.github.com/graphql/overview/resource-limitations.
  const documented = `query { viewer { login } organization(login: "acme") {
    repositories(first: 50) { edges { repository: node { name
      pullRequests(first: 20) { edges { pullRequest: node { title reviews(first: 10) { edges { node { body } } } } } }
      deployments(first: 20) { totalCount edges { node { statuses(first: 10) { edges { node { state } } } } } }
    } } }
    membersWithRole(first: 10) { edges { follower: node { login } } }
  } }`;

  it('counts nodes and points as documented', () => {
    // 50 + 50 x 20 + 50 x 20 x 10 + 50 x 20 + 50 x 20 x 10 + 10 nodes;
    // 1 + 50 + 50 x 20 + 50 + 50 x 20 + 1 requests.
    expect(measure(documented, {})).toEqual({ nodes: 22_060, cost: 21 });
  });

  it('counts the ids given to nodes', () => {
    const query = `query ($ids: [ID!]!) { nodes(ids: $ids) {
      ... on PullRequest { reviews(first: 100) { nodes { state } } }
    } }`;
    const ids = Array.from({ length: 100 }, (_, index) => String(index));
    expect(measure(query, { ids })).toEqual({ nodes: 10_100, cost: 1 });
  });

  it('counts nothing for what a directive leaves out, nor for a count alone', () => {
    const query = `query ($with: Boolean!) { organization(login: "acme") {
      repositories { totalCount }
      teams(first: 100) @include(if: $with) { nodes { slug } }
    } }`;
    expect(measure(query, { with: false })).toMatchObject({ nodes: 0 });
    expect(measure(query, { with: true })).toMatchObject({ nodes: 100 });
  });

  const refused: [string, string, RegExp, string][] = [
    [
      'more than 500,000 nodes at one connection',
      'repositories(first: 100) { nodes { pullRequests(first: 100) { nodes { reviews(first: 51) { nodes { state } } } } } }',
      /traverses to the reviews connection, it is requesting up to 510,000 possible nodes which exceeds the maximum limit of 500,000/,
      'MAX_NODE_LIMIT_EXCEEDED',
    ],
    [
      'more than 500,000 nodes in all',
      'repositories(first: 50) { nodes { pullRequests(first: 100) { nodes { reviews(first: 100) { nodes { state } } } } } }',
      /This query requests up to 505,050 possible nodes/,
      'MAX_NODE_LIMIT_EXCEEDED',
    ],
    [
      'more than 100 entries',
      'repositories(first: 101) { nodes { id } }',
      /Requesting 101 records on the `repositories` connection exceeds the `first` limit of 100 records/,
      'EXCESSIVE_PAGINATION',
    ],
    [
      'a page of no size',
      'repositories { nodes { id } }',
      /You must provide a `first` or `last` value to properly paginate the `repositories` connection/,
      'MISSING_PAGINATION_BOUNDARIES',
    ],
  ];
  it.each(refused)('refuses %s', async (_, fields, message, type) => {
    await withGitHub(githubWorld(), async (github) => {
      const answer = await post(github, `{ organization(login: "acme") { ${fields} } }`);
      expect(answer.status).toBe(200);
      expect(answer.body.data).toBeUndefined();
      expect(answer.body.errors).toMatchObject([{ type, message: expect.stringMatching(message) }]);
    });
  });

  it('refuses more than 100 ids', async () => {
    await withGitHub(githubWorld(), async (github) => {
      const ids = Array.from({ length: 101 }, (_, index) => String(index));
      const { errors } = await ask(github, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
        ids,
      });
      expect(errors).toMatchObject([
        {
          type: 'ARGUMENT_LIMIT',
          message: 'You may not provide more than 100 node ids; you provided 101.',
        },
      ]);
    });
  });

  it('refuses a cursor that it did not give', async () => {
    await withGitHub(githubWorld(), async (github) => {
      const { errors } = await ask(
        github,
        '{ organization(login: "acme") { repositories(first: 1, after: "x") { nodes { id } } } }',
      );
      expect(errors).toMatchObject([
        { type: 'INVALID_CURSOR_ARGUMENTS', path: ['organization', 'repositories'] },
      ]);
    });
  });

  it('refuses a classic token without the scope, before anything is read', async () => {
    const world = githubWorld({ viewer: asUser('alice', ['repo']) });
    await withGitHub(world, async (github) => {
      const query = '{ organization(login: "acme") { login teams(first: 1) { nodes { slug } } } }';
      const { data, errors } = await ask(github, query);
      expect(data).toBeUndefined();
      expect(errors).toMatchObject([{ type: 'INSUFFICIENT_SCOPES' }]);
      expect(errors?.[0]?.message).toContain("requires one of the following scopes: ['read:org']");
    });
  });

  it('answers a text that does not fit the schema with an error', async () => {
    await withGitHub(githubWorld(), async (github) => {
      const unknown = await ask(github, '{ organization(login: "acme") { nonsense } }');
      expect(unknown.errors?.[0]?.message).toContain('nonsense');
      expect((await ask(github, '{ organization(')).errors).toHaveLength(1);
    });
  });
});

describe('nodes by their ids', () => {
  it('are null with an error where there is none, and the others are there', async () => {
    const repo = repository({ name: 'api' });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const { data, errors } = await ask(
        github,
        'query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }',
        { ids: [nodeId('R', repo.databaseId), 'R_nothing', nodeId('R', 7)] },
      );
      expect(data.nodes).toEqual([
        { id: nodeId('R', repo.databaseId), __typename: 'Repository' },
        null,
        null,
      ]);
      expect(errors).toMatchObject([
        {
          type: 'NOT_FOUND',
          path: ['nodes', 1],
          message: "Could not resolve to a node with the global id of 'R_nothing'.",
        },
        { type: 'NOT_FOUND', path: ['nodes', 2] },
      ]);
    });
  });

  it('lead back to what they are the id of', async () => {
    const repo = repository({
      ...{ name: 'api', protections: [protection()] },
      rulesets: [ruleset({ name: 'main' })],
    });
    mergedChange(repo, { mergedAt: start });
    deploy(repo, { at: later(start, { hours: 1 }) });
    const world = githubWorld({
      organization: { teams: [team({ slug: 'core', repositories: { api: 'write' } })] },
      repositories: [repo],
    });
    await withGitHub(world, async (github) => {
      const { data } = await ask(
        github,
        `{ viewer { id } organization(login: "acme") { id
          teams(first: 1) { nodes { id } }
          repositories(first: 1) { nodes { id
            defaultBranchRef { id target { id } branchProtectionRule { id } }
            rulesets(first: 1) { nodes { id } }
            pullRequests(first: 1) { nodes { id } }
            deployments(first: 1) { nodes { id } }
          } }
        } }`,
      );
      const ids = [...JSON.stringify(data).matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id);
      expect(ids).toHaveLength(10);
      const again = await ask(github, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids });
      expect(again.errors).toBeUndefined();
      expect(again.data.nodes).toEqual(ids.map((id) => ({ id })));
    });
  });
});

describe('who did something', () => {
  it('is null for a deleted account, and a bot’s name has no ending except at commits', async () => {
    const repo = repository({ name: 'api' });
    mergedChange(repo, { mergedAt: start, author: 'dependabot[bot]', mergedBy: null });
    const later1 = later(start, { days: 2 });
    mergedChange(repo, { mergedAt: later1, author: null, reviews: [{ by: null }] });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const { data } = await ask(
        github,
        `{ repository(owner: "acme", name: "api") { pullRequests(first: 2) { nodes {
          author { __typename login } mergedBy { login }
          reviews(first: 1) { nodes { author { login } authorCanPushToRepository } }
          commits(first: 1) { nodes { commit { author { user { login } } } } }
        } } } }`,
      );
      const [bot, ghost] = data.repository.pullRequests.nodes;
      expect(bot.author).toEqual({ __typename: 'Bot', login: 'dependabot' });
      expect(bot.commits.nodes[0].commit.author.user.login).toBe('dependabot[bot]');
      expect(bot.mergedBy).toBeNull();
      expect(ghost.author).toBeNull();
      expect(ghost.reviews.nodes).toEqual([{ author: null, authorCanPushToRepository: false }]);
    });
  });

  it('keeps the id when the login changes', async () => {
    const world = githubWorld();
    await withGitHub(world, async (github) => {
      const query =
        '{ organization(login: "acme") { membersWithRole(first: 9) { nodes { id login } } } }';
      const people = async () => (await ask(github, query)).data.organization.membersWithRole.nodes;
      const [, before] = await people();
      world.accounts.bob = { ...accountOf('bob'), login: 'robert' };
      const [, after] = await people();
      expect(after).toEqual({ id: before.id, login: 'robert' });
    });
  });

  it('is found behind co-author trailers by the mail address', async () => {
    const repo = repository({ name: 'api' });
    directPush(repo, 'main', {
      ...{ at: start, by: 'alice' },
      coAuthors: ['bob', 'Nobody <nobody@example.net>', 'X <7+carol@users.noreply.github.com>'],
    });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const { data } = await ask(
        github,
        `{ repository(owner: "acme", name: "api") { object(expression: "main") { ... on Commit {
          authors(first: 9) { nodes { email user { login } } }
        } } } }`,
      );
      expect(data.repository.object.authors.nodes).toEqual([
        { email: 'alice@example.com', user: { login: 'alice' } },
        { email: 'bob@example.com', user: { login: 'bob' } },
        { email: 'nobody@example.net', user: null },
        { email: '7+carol@users.noreply.github.com', user: { login: 'carol' } },
      ]);
    });
  });
});

describe('a pull request', () => {
  it('lists 250 commits and counts them all', async () => {
    const repo = repository({ name: 'api' });
    mergedChange(repo, { mergedAt: start, commits: Array.from({ length: 260 }, () => ({})) });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const page = async (after: string | null) => {
        const { data } = await ask(
          github,
          `query ($after: String) { repository(owner: "acme", name: "api") { pullRequest(number: 1) {
            commits(first: 100, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { commit { oid } } }
          } } }`,
          { after },
        );
        return data.repository.pullRequest.commits;
      };
      let listed = 0;
      let after: string | null = null;
      do {
        const { totalCount, pageInfo, nodes } = await page(after);
        expect(totalCount).toBe(260);
        listed += nodes.length;
        after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
      } while (after !== null);
      expect(listed).toBe(250);
    });
  });

  it('tells force-pushes and dismissals in the order of time', async () => {
    const repo = repository({ name: 'api' });
    const pr = openPullRequest(repo, { at: start, commits: [{}, {}] });
    const before = pr.head;
    forcePush(repo, pr, { at: later(start, { hours: 2 }), by: 'carol' });
    merge(repo, pr, { at: later(start, { hours: 5 }) });
    pr.reviews.push({
      databaseId: 1,
      ...{ author: 'bob', state: 'DISMISSED', submittedAt: later(start, { hours: 1 }) },
      ...{ commit: before, body: '' },
      dismissed: { at: later(start, { hours: 3 }), by: 'alice', previous: 'APPROVED' },
    });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const { data } = await ask(
        github,
        `{ repository(owner: "acme", name: "api") { pullRequest(number: 1) { timelineItems(
          first: 9, itemTypes: [HEAD_REF_FORCE_PUSHED_EVENT, REVIEW_DISMISSED_EVENT]
        ) { totalCount nodes { __typename
          ... on HeadRefForcePushedEvent { actor { login } beforeCommit { oid } }
          ... on ReviewDismissedEvent { previousReviewState review { state author { login } } }
        } } } } }`,
      );
      expect(data.repository.pullRequest.timelineItems).toEqual({
        totalCount: 2,
        nodes: [
          {
            __typename: 'HeadRefForcePushedEvent',
            actor: { login: 'carol' },
            beforeCommit: { oid: before },
          },
          {
            __typename: 'ReviewDismissedEvent',
            previousReviewState: 'APPROVED',
            review: { state: 'DISMISSED', author: { login: 'bob' } },
          },
        ],
      });
    });
  });

  it('is found for a commit of its branch until the default branch holds it', async () => {
    const repo = repository({ name: 'api' });
    const pr = openPullRequest(repo, { at: start });
    const other = openPullRequest(repo, { at: later(start, { hours: 1 }) });
    other.commits.unshift(...pr.commits);
    const [oid] = pr.commits;
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const found = async () => {
        const { data } = await ask(
          github,
          `query ($oid: GitObjectID) { repository(owner: "acme", name: "api") { object(oid: $oid) {
            ... on Commit { associatedPullRequests(first: 9) { nodes { number state } } }
          } } }`,
          { oid },
        );
        return data.repository.object.associatedPullRequests.nodes;
      };
      expect(await found()).toEqual([
        { number: 1, state: 'OPEN' },
        { number: 2, state: 'OPEN' },
      ]);
      merge(repo, pr, { at: later(start, { hours: 2 }), method: 'merge' });
      expect(await found()).toEqual([{ number: 1, state: 'MERGED' }]);
    });
  });
});

describe('history', () => {
  it('ends at a commit older than since, whatever lies behind it', async () => {
    const repo = repository({ name: 'api', createdAt: start });
    const day = (days: number) => later(start, { days });
    directPush(repo, 'main', { at: day(10), message: 'hidden' });
    directPush(repo, 'main', { at: day(1), message: 'old clock' });
    directPush(repo, 'main', { at: day(11), message: 'shown' });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const { data } = await ask(
        github,
        `query ($since: GitTimestamp, $until: GitTimestamp) { repository(owner: "acme", name: "api") {
          defaultBranchRef { target { ... on Commit {
            all: history(first: 9) { totalCount }
            history(first: 9, since: $since, until: $until) { totalCount nodes { message } }
          } } }
        } }`,
        { since: day(5), until: day(20) },
      );
      expect(data.repository.defaultBranchRef.target.all.totalCount).toBe(4);
      expect(data.repository.defaultBranchRef.target.history.nodes).toEqual([{ message: 'shown' }]);
    });
  });

  it('holds both ends of its time', async () => {
    const repo = repository({ name: 'api', createdAt: start });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const { data } = await ask(
        github,
        `query ($at: GitTimestamp) { repository(owner: "acme", name: "api") { defaultBranchRef { target {
          ... on Commit { history(first: 9, since: $at, until: $at) { totalCount } }
        } } } }`,
        { at: start.replace('Z', '.000Z') },
      );
      expect(data.repository.defaultBranchRef.target.history.totalCount).toBe(1);
    });
  });
});

describe('rules', () => {
  it('take the branch’s own name before a pattern, and only what is active', async () => {
    const repo = repository({
      name: 'api',
      protections: [
        protection({ pattern: 'release/*', pullRequest: protectedReviews({ approvals: 2 }) }),
        protection({ pattern: 'release/1' }),
      ],
      rulesets: [
        ruleset({ name: 'watched', enforcement: 'evaluate' }),
        ruleset({
          name: 'releases',
          include: ['refs/heads/release/*'],
          rules: [requiredChecksRule(['build'])],
        }),
      ],
    });
    for (const name of ['release/1', 'release/2', 'release/a/b']) {
      repo.branches[name] = repo.branches.main ?? '';
    }
    const organization = {
      rulesets: [
        ruleset({ name: 'everywhere' }),
        ruleset({ name: 'other', repositories: { include: ['web-*'], exclude: [] } }),
      ],
    };
    await withGitHub(githubWorld({ organization, repositories: [repo] }), async (github) => {
      const { data } = await ask(
        github,
        `{ repository(owner: "acme", name: "api") {
          rulesets(first: 9) { nodes { name enforcement source { __typename } } }
          refs(refPrefix: "refs/heads/", first: 9) { nodes { name
            branchProtectionRule { pattern requiredApprovingReviewCount }
            rules(first: 9) { nodes { type repositoryRuleset { name } } }
          } }
        } }`,
      );
      const { refs, rulesets } = data.repository;
      expect(rulesets.nodes.map(({ name }: { name: string }) => name)).toEqual([
        'watched',
        'releases',
        'everywhere',
      ]);
      const read = refs.nodes.map(
        (one: {
          name: string;
          branchProtectionRule: { pattern: string } | null;
          rules: { nodes: { repositoryRuleset: { name: string } }[] };
        }) => [
          one.name,
          one.branchProtectionRule?.pattern,
          [...new Set(one.rules.nodes.map(({ repositoryRuleset }) => repositoryRuleset.name))],
        ],
      );
      expect(read).toEqual([
        ['main', undefined, ['everywhere']],
        ['release/1', 'release/1', ['releases']],
        ['release/2', 'release/*', ['releases']],
        ['release/a/b', undefined, []],
      ]);
    });
  });

  it('name refs by what comes after the prefix', async () => {
    const repo = repository({ name: 'api' });
    repo.branches['release/1'] = repo.branches.main ?? '';
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const { data } = await ask(
        github,
        '{ repository(owner: "acme", name: "api") { refs(refPrefix: "refs/heads/release/", first: 9) { nodes { name prefix } } } }',
      );
      expect(data.repository.refs.nodes).toEqual([{ name: '1', prefix: 'refs/heads/release/' }]);
    });
  });
});

describe('deployments', () => {
  it('are active until the next one of their environment succeeds', async () => {
    const repo = repository({
      name: 'api',
      environments: [environment({ reviewers: ['user:bob'] })],
    });
    deploy(repo, { at: start });
    deploy(repo, { at: later(start, { days: 1 }) });
    deploy(repo, { at: later(start, { days: 2 }), state: 'failure' });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const { data } = await ask(
        github,
        `{ repository(owner: "acme", name: "api") {
          deployments(first: 9, orderBy: { field: CREATED_AT, direction: DESC }) { nodes { state } }
          environments(first: 9) { nodes { protectionRules(first: 9) { nodes { type } } } }
        } }`,
      );
      expect(data.repository.deployments.nodes).toEqual([
        { state: 'FAILURE' },
        { state: 'ACTIVE' },
        { state: 'INACTIVE' },
      ]);
      expect(data.repository.environments.nodes[0].protectionRules.nodes).toEqual([
        { type: 'REQUIRED_REVIEWERS' },
      ]);
    });
  });
});

describe('a collaborator', () => {
  it('is listed with the highest permission by any way, and each way beside', async () => {
    const repo = repository({ name: 'api', collaborators: { bob: 'read' } });
    const world = githubWorld({
      organization: {
        members: [member('alice', 'admin'), member('bob')],
        teams: [
          team({ slug: 'core', repositories: { api: 'maintain' } }),
          team({ slug: 'sub', parent: 'core', members: ['bob'] }),
        ],
      },
      repositories: [repo],
    });
    await withGitHub(world, async (github) => {
      const { data } = await ask(
        github,
        `{ repository(owner: "acme", name: "api") { collaborators(affiliation: DIRECT, first: 9) { edges {
          permission node { login } permissionSources { roleName source { __typename } }
        } } } }`,
      );
      expect(data.repository.collaborators.edges).toEqual([
        {
          permission: 'MAINTAIN',
          node: { login: 'bob' },
          permissionSources: [
            { roleName: 'read', source: { __typename: 'Repository' } },
            { roleName: 'maintain', source: { __typename: 'Team' } },
            { roleName: 'read', source: { __typename: 'Organization' } },
          ],
        },
      ]);
    });
  });
});

describe('a field that nobody wrote down', () => {
  it('is a mistake, and never null', async () => {
    const github = await startGitHub(githubWorld());
    const answer = await post(github, '{ organization(login: "acme") { location } }');
    expect(answer.status).toBe(500);
    await expect(github.close()).rejects.toThrow('the stand-in has no Organization.location');
  });
});
