/** Commits, checks and pull requests in GraphQL. */
import { historyOf, pullRequestIn, pullRequestsOf } from './github-commits.ts';
import {
  type Asked,
  actor,
  appNode,
  type CheckSource,
  type CommitSource,
  commitId,
  commitNode,
  connect,
  type Fields,
  GraphqlRefusal,
  need,
  ordered,
  type PullRequestSource,
  pullRequestId,
  pullRequestNode,
  type ReviewSource,
  refNode,
  repositoryNode,
  same,
  stateOf,
  user,
  web,
} from './github-graphql-sources.ts';
import { nodeId, numberOf } from './github-ids.ts';
import { atLeast, handleOf, permissionOf } from './github-rights.ts';
import { protectionOf } from './github-rules.ts';
import {
  repository as newRepository,
  type WorldCommit,
  type WorldForcePush,
  type WorldPullRequest,
  type WorldRepository,
  type WorldReview,
  type WorldSignature,
} from './github-world.ts';

export const signature: Fields<WorldSignature> = {
  name: ({ name }) => name,
  email: ({ email }) => email,
  date: ({ date }) => date,
  user: ({ handle }, _args, asked) => (handle === null ? null : user(asked, handle)),
};

/** The address by which GitHub hides a person's own, with or without the account's number. */
const hiddenAddress = /^(?:\d+\+)?(.+)@users\.noreply\.github\.com$/;

const trailer = /^Co-authored-by:\s*(.*?)\s*<([^<>]*)>\s*$/gim;

/** The author, and whom trailers of the message name. */
function authorsOf({ world }: Asked, { author, message }: WorldCommit): WorldSignature[] {
  const authors = new Map([[author.email, author]]);
  for (const [, name = '', email = ''] of message.matchAll(trailer)) {
    if (authors.has(email)) continue;
    const handle =
      hiddenAddress.exec(email)?.[1] ?? handleOf(world, ({ emails }) => emails.includes(email));
    authors.set(email, { name, email, handle, date: author.date });
  }
  return [...authors.values()];
}

export const commit: Fields<CommitSource> = {
  id: ({ repo, commit: { oid } }) => commitId(repo, oid),
  oid: ({ commit: { oid } }) => oid,
  abbreviatedOid: ({ commit: { oid } }) => oid.slice(0, 7),
  repository: ({ repo }) => repositoryNode(repo),
  url: ({ repo, commit: { oid } }, _args, { world }) =>
    `${web}/${world.organization.login}/${repo.name}/commit/${oid}`,
  message: ({ commit: { message } }) => message,
  messageHeadline: ({ commit: { message } }) => message.split('\n')[0],
  messageBody: ({ commit: { message } }) => message.split('\n').slice(1).join('\n').trim(),
  authoredDate: ({ commit: { author } }) => author.date,
  committedDate: ({ commit: { committer } }) => committer.date,
  committedViaWeb: ({ commit: { committer } }) => committer.handle === 'web-flow',
  author: ({ commit: { author } }) => author,
  committer: ({ commit: { committer } }) => committer,
  authors: ({ commit: one }, args, asked) => connect(asked, authorsOf(asked, one), args),
  parents: ({ repo, commit: { parents } }, args, asked) =>
    connect(asked, parents, args, { node: (oid) => commitNode(repo, oid) }),
  history: ({ repo, commit: { oid } }, args, asked) => {
    const between = {
      ...(args.since == null ? {} : { since: args.since }),
      ...(args.until == null ? {} : { until: args.until }),
    };
    return connect(asked, historyOf(repo, oid, between, asked), args, {
      node: (each) => commitNode(repo, each),
    });
  },
  associatedPullRequests: ({ repo, commit: { oid } }, args, asked) => {
    need(asked, 'pull_requests');
    const all = pullRequestsOf(repo, oid, asked);
    const keys = { CREATED_AT: (pr: WorldPullRequest) => pr.createdAt, ...pullRequestUpdate };
    return connect(asked, ordered(all, args.orderBy, keys), args, {
      node: (pr) => pullRequestNode(repo, pr),
    });
  },
  statusCheckRollup: (source, _args, asked) => {
    need(asked, 'checks', 'statuses');
    const { repo, commit: one } = source;
    return (repo.checks.get(one.oid) ?? []).length === 0
      ? null
      : { __typename: 'StatusCheckRollup', repo, commit: one };
  },
};

const pullRequestUpdate = { UPDATED_AT: (pr: WorldPullRequest) => pr.updatedAt };

export const rollup: Fields<CommitSource> = {
  id: ({ repo, commit: { oid } }) => nodeId('SCR', repo.databaseId, oid),
  commit: ({ repo, commit: { oid } }) => commitNode(repo, oid),
  state: ({ repo, commit: { oid } }) => {
    const checks = repo.checks.get(oid) ?? [];
    if (checks.some(({ conclusion }) => conclusion === null)) return 'PENDING';
    const good = ['success', 'skipped', 'neutral'];
    return checks.every((one) => good.includes(one.conclusion ?? '')) ? 'SUCCESS' : 'FAILURE';
  },
  contexts: ({ repo, commit: one }, args, asked) =>
    connect(asked, repo.checks.get(one.oid) ?? [], args, {
      node: (check, index) => {
        const run = check.kind === 'run';
        if (!asked.rights.may(run ? 'checks' : 'statuses')) {
          return new GraphqlRefusal('FORBIDDEN', asked.rights.refusal);
        }
        const source = { repo, commit: one, check, index };
        return { __typename: run ? 'CheckRun' : 'StatusContext', ...source };
      },
    }),
};

export const checkRun: Fields<CheckSource> = {
  id: ({ repo, commit: { oid }, index }) => nodeId('CR', repo.databaseId, oid, index),
  databaseId: ({ commit: { oid }, index }) => numberOf(`${oid} ${index}`),
  name: ({ check }) => check.name,
  status: ({ check }) => (check.conclusion === null ? 'IN_PROGRESS' : 'COMPLETED'),
  conclusion: ({ check }) => check.conclusion?.toUpperCase() ?? null,
  startedAt: ({ check }) => check.startedAt,
  completedAt: ({ check }) => check.completedAt,
  repository: ({ repo }) => repositoryNode(repo),
  checkSuite: (source) => ({ __typename: 'CheckSuite', ...source }),
  isRequired: ({ repo, check }, { number = 0 }, asked) => {
    const pr = pullRequestIn(repo, number);
    const rule = pr === undefined ? undefined : protectionOf(asked.world, repo, pr.base);
    return rule?.checks?.contexts.some(({ context }) => context === check.name) ?? false;
  },
};

export const checkSuite: Fields<CheckSource> = {
  id: ({ repo, commit: { oid }, index }) => nodeId('CS', repo.databaseId, oid, index),
  app: ({ check }, _args, { world }) => (check.app === null ? null : appNode(world, check.app)),
};

export const statusContext: Fields<CheckSource> = {
  id: ({ repo, commit: { oid }, index }) => nodeId('SC', repo.databaseId, oid, index),
  context: ({ check }) => check.name,
  state: ({ check }) => check.conclusion?.toUpperCase() ?? 'PENDING',
  createdAt: ({ check }) => check.completedAt ?? check.startedAt,
  creator: () => null,
  isRequired: (source, args, asked) => checkRun.isRequired?.(source, args, asked),
};

/** GitHub lists no more commits of a pull request; the count is the real one. */
const mostCommits = 250;

export const pullRequest: Fields<PullRequestSource> = {
  id: ({ repo, pr }) => pullRequestId(repo, pr),
  databaseId: ({ repo, pr }) => numberOf(pullRequestId(repo, pr)),
  fullDatabaseId: ({ repo, pr }) => String(numberOf(pullRequestId(repo, pr))),
  number: ({ pr }) => pr.number,
  title: ({ pr }) => pr.title,
  body: ({ pr }) => pr.body,
  bodyText: ({ pr }) => pr.body,
  url: ({ repo, pr }, _args, { world }) =>
    `${web}/${world.organization.login}/${repo.name}/pull/${pr.number}`,
  state: ({ pr }) => stateOf(pr),
  isDraft: ({ pr }) => pr.draft,
  isCrossRepository: ({ pr }) => pr.fromFork,
  repository: ({ repo }) => repositoryNode(repo),
  author: ({ pr }, _args, asked) => actor(asked, pr.author),
  baseRefName: ({ pr }) => pr.base,
  baseRef: ({ repo, pr }) => refNode(repo, pr.base),
  baseRefOid: ({ repo, pr }) =>
    repo.commits.get(pr.commits[0] ?? '')?.parents[0] ?? repo.branches[pr.base] ?? pr.head,
  headRefName: ({ pr }) => pr.branch,
  headRef: ({ repo, pr }) => (pr.fromFork ? null : refNode(repo, pr.branch)),
  headRefOid: ({ pr }) => pr.head,
  createdAt: ({ pr }) => pr.createdAt,
  updatedAt: ({ pr }) => pr.updatedAt,
  closed: ({ pr }) => pr.closedAt !== null,
  closedAt: ({ pr }) => pr.closedAt,
  merged: ({ pr }) => pr.merge !== null,
  mergedAt: ({ pr }) => pr.merge?.at ?? null,
  mergedBy: ({ pr }, _args, asked) => actor(asked, pr.merge?.by ?? null),
  mergeCommit: ({ repo, pr }) => commitNode(repo, pr.merge?.commit),
  changedFiles: ({ pr }) => pr.files.length,
  commits: ({ repo, pr }, args, asked) =>
    connect(asked, pr.commits.slice(0, mostCommits), args, {
      node: (oid) => ({ repo, pr, oid }),
      total: pr.commits.length,
    }),
  files: ({ pr }, args, asked) => {
    need(asked, 'pull_requests');
    return connect(asked, pr.files, args, {
      node: (path) => ({ path, additions: 1, deletions: 0, changeType: 'MODIFIED' }),
    });
  },
  labels: ({ pr }, args, asked) =>
    connect(asked, pr.labels, args, {
      node: (name) => ({ name, id: nodeId('LA', numberOf(name)) }),
    }),
  closingIssuesReferences: ({ pr }, args, asked) => {
    need(asked, 'issues');
    const issues = pr.closes.map((reference) => issueOf(asked, reference));
    // What may not be seen is left out, without a word.
    return connect(
      asked,
      issues.filter((one) => asked.rights.sees(one.repo)),
      args,
      {
        node: (one) => ({ __typename: 'Issue', ...one }),
      },
    );
  },
  reviews: ({ repo, pr }, args, asked) => {
    const reviews = pr.reviews.filter(
      ({ state, author }) =>
        (state !== 'PENDING' || author === asked.rights.handle) &&
        (args.states == null || args.states.includes(state)) &&
        (args.author == null || author === args.author),
    );
    return connect(asked, reviews, args, { node: (review) => reviewNode(repo, pr, review) });
  },
  timelineItems: ({ repo, pr }, args, asked) => {
    const events = timelineOf(repo, pr).filter(
      ({ type, at }) =>
        (args.itemTypes == null || args.itemTypes.includes(type)) &&
        (args.since == null || at >= args.since),
    );
    const known = ['HEAD_REF_FORCE_PUSHED_EVENT', 'REVIEW_DISMISSED_EVENT'];
    const unknown = args.itemTypes?.find((type) => !known.includes(type));
    if (unknown !== undefined) throw new Error(`the stand-in has no timeline item ${unknown}`);
    return {
      ...connect(asked, events, args, { node: ({ source }) => source }),
      filteredCount: events.length,
    };
  },
};

function issueOf({ world }: Asked, reference: string) {
  const [, owner = '', name = '', number = '0'] = /^(.*)\/(.*)#(\d+)$/.exec(reference) ?? [];
  const ours = same(owner, world.organization.login);
  const repo = ours ? world.repositories.find((one) => same(one.name, name)) : undefined;
  return {
    // Elsewhere on GitHub, and public.
    repo: repo ?? newRepository({ name, visibility: 'public', empty: true }),
    owner,
    number: Number(number),
  };
}

export const issue: Fields<{ repo: WorldRepository; owner: string; number: number }> = {
  id: ({ repo, number }) => nodeId('I', repo.databaseId, number),
  number: ({ number }) => number,
  title: ({ number }) => `Issue ${number}`,
  url: ({ repo, owner, number }) => `${web}/${owner}/${repo.name}/issues/${number}`,
  repository: ({ repo, owner }) => ({ ...repositoryNode(repo), owner }),
};

export const pullRequestCommit: Fields<PullRequestSource & { oid: string }> = {
  id: ({ repo, pr, oid }) => nodeId('PURC', repo.databaseId, pr.number, oid),
  commit: ({ repo, oid }) => commitNode(repo, oid),
  pullRequest: ({ repo, pr }) => pullRequestNode(repo, pr),
};

const reviewNode = (repo: WorldRepository, pr: WorldPullRequest, review: WorldReview) => ({
  __typename: 'PullRequestReview',
  ...{ repo, pr, review },
});

function timelineOf(repo: WorldRepository, pr: WorldPullRequest) {
  const pushes = pr.forcePushes.map((event) => ({
    type: 'HEAD_REF_FORCE_PUSHED_EVENT',
    at: event.at,
    source: { __typename: 'HeadRefForcePushedEvent', repo, pr, event },
  }));
  const dismissals = pr.reviews.flatMap((review) =>
    review.dismissed === null
      ? []
      : [
          {
            type: 'REVIEW_DISMISSED_EVENT',
            at: review.dismissed.at,
            source: { __typename: 'ReviewDismissedEvent', repo, pr, review },
          },
        ],
  );
  return [...pushes, ...dismissals].sort((one, other) => (one.at < other.at ? -1 : 1));
}

export const review: Fields<ReviewSource> = {
  id: ({ repo, review: one }) => nodeId('PRR', repo.databaseId, one.databaseId),
  databaseId: ({ review: one }) => one.databaseId,
  fullDatabaseId: ({ review: one }) => String(one.databaseId),
  state: ({ review: one }) => one.state,
  body: ({ review: one }) => one.body,
  submittedAt: ({ review: one }) => one.submittedAt,
  createdAt: ({ review: one, pr }) => one.submittedAt ?? pr.updatedAt,
  updatedAt: ({ review: one, pr }) => one.dismissed?.at ?? one.submittedAt ?? pr.updatedAt,
  author: ({ review: one }, _args, asked) => actor(asked, one.author),
  commit: ({ repo, review: one }) => commitNode(repo, one.commit),
  authorCanPushToRepository: ({ repo, review: one }, _args, { world }) =>
    one.author !== null && atLeast(permissionOf(world, one.author, repo), 'write'),
  pullRequest: ({ repo, pr }) => pullRequestNode(repo, pr),
  repository: ({ repo }) => repositoryNode(repo),
};

export const forcePushed: Fields<PullRequestSource & { event: WorldForcePush }> = {
  id: ({ event }) => nodeId('HRFPE', event.databaseId),
  createdAt: ({ event }) => event.at,
  actor: ({ event }, _args, asked) => actor(asked, event.actor),
  beforeCommit: ({ repo, event }) => commitNode(repo, event.before),
  afterCommit: ({ repo, event }) => commitNode(repo, event.after),
  pullRequest: ({ repo, pr }) => pullRequestNode(repo, pr),
  ref: ({ repo, pr }) => refNode(repo, pr.branch),
};

export const reviewDismissed: Fields<ReviewSource> = {
  id: ({ review: one }) => nodeId('RDE', one.databaseId),
  databaseId: ({ review: one }) => one.databaseId,
  createdAt: ({ review: one }) => one.dismissed?.at,
  actor: ({ review: one }, _args, asked) => actor(asked, one.dismissed?.by ?? null),
  previousReviewState: ({ review: one }) => one.dismissed?.previous,
  dismissalMessage: () => null,
  review: ({ repo, pr, review: one }) => reviewNode(repo, pr, one),
  pullRequest: ({ repo, pr }) => pullRequestNode(repo, pr),
};
