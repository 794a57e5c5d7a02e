/** What GitHub tells of pull requests: many in one query, and every list of each to its end. */
import {
  type Answer,
  CollectError,
  type GitHubContext,
  type GraphqlError,
} from '../../../src/plugin.ts';
import { errorAt, inBatches, mostIds, notTold } from './batches.ts';
import { compare, compareRoute } from './compare.ts';
import { authorsOfCommit, type GitActor, moreAuthorsQuery } from './git-actors.ts';
import { counted, type ListNode, ListReader, miscounted, toItsEnd, withheld } from './nested.ts';
import {
  type CheckContext,
  type CommitNode,
  headChecksQuery,
  moreCommitsQuery,
  moreEventsQuery,
  moreFilesQuery,
  moreIssuesQuery,
  moreLabelsQuery,
  moreReviewsQuery,
  type PullEvent,
  type PullNode,
  pullCommitsQuery,
  pullRequestsQuery,
  type Review,
  type Rollup,
} from './pull-request-queries.ts';

/** Everything that `readPulls` calls. */
export const pullCalls = {
  'graphql:PullRequests':
    'pull_requests:read contents:read issues:read checks:read statuses:read metadata:read',
  'graphql:MoreCommits': 'pull_requests:read contents:read',
  'graphql:PullCommits': 'contents:read',
  [compareRoute]: 'contents:read',
  'graphql:MoreAuthors': 'contents:read',
  'graphql:MoreReviews': 'pull_requests:read',
  'graphql:MoreEvents': 'pull_requests:read',
  'graphql:MoreLabels': 'pull_requests:read',
  'graphql:MoreIssues': 'issues:read pull_requests:read',
  'graphql:MoreFiles': 'pull_requests:read',
  'graphql:HeadChecks': 'contents:read checks:read statuses:read',
};

/** A commit of a pull request. */
export interface PullCommit {
  oid: string;
  authors: GitActor[];
  committer: GitActor | null;
}

/** A pull request with its lists, each whole; undefined where GitHub did not tell all of one. */
export interface PullRequest {
  node: Omit<PullNode, 'commits' | 'head' | 'reviews' | 'events' | 'labels' | 'issues' | 'files'>;
  commits: PullCommit[] | undefined;
  reviews: Review[] | undefined;
  events: PullEvent[] | undefined;
  labels: string[] | undefined;
  /** `acme/api#7`. */
  issues: string[] | undefined;
  /** Of the head that was merged. */
  checks: CheckContext[] | undefined;
  /** Paths; none unless a bot opened it. */
  files: string[] | undefined;
  /** Why something is undefined: the first reason. */
  lacking: CollectError | undefined;
  from: Answer[];
}

/** How much of each list one query asks for. */
interface Sizes {
  atOnce: number;
  commits: number;
  authors: number;
  checks: number;
  most: number;
}
/** Enough for nearly every pull request, and little enough for GitHub's limits on queries. */
const usual: Sizes = { atOnce: 75, commits: 10, authors: 3, checks: 30, most: 10 };
/** For those that have more; what has still more is read page by page. */
const large: Sizes = { atOnce: 25, commits: 100, authors: 10, checks: 100, most: 100 };

/**
 * Reads pull requests by their node ids, many in one query, and hands over each as soon as it is
 * read. One that GitHub does not tell is handed over as the reason.
 */
export async function readPulls<Wanted extends { id: string; byBot: boolean }>(
  github: GitHubContext,
  wanted: readonly Wanted[],
  take: (wanted: Wanted, pull: PullRequest | CollectError) => void | Promise<void>,
): Promise<void> {
  const longer: Wanted[] = [];
  await ask(github, wanted, usual, async (each, told) => {
    if (!(told instanceof CollectError) && hasMore(told.node)) longer.push(each);
    else await take(each, told instanceof CollectError ? told : await complete(github, told));
  });
  await ask(github, longer, large, async (each, told) => {
    await take(each, told instanceof CollectError ? told : await complete(github, told));
  });
}

/** One pull request as one answer told it. */
interface Told {
  node: PullNode;
  withFiles: boolean;
  errors: GraphqlError[];
  answer: Answer;
}

async function ask<Wanted extends { id: string; byBot: boolean }>(
  github: GitHubContext,
  wanted: readonly Wanted[],
  { atOnce, ...sizes }: Sizes,
  take: (wanted: Wanted, told: Told | CollectError) => Promise<void>,
): Promise<void> {
  await inBatches(
    github,
    `${pullRequestsQuery.name} ${atOnce}`,
    wanted,
    atOnce,
    async (batch) => {
      const people = batch.filter(({ byBot }) => !byBot).map(({ id }) => id);
      const bots = batch.filter(({ byBot }) => byBot).map(({ id }) => id);
      const variables = { people, bots, ...sizes };
      const answer = await github.query(pullRequestsQuery, variables, { partial: true });
      return batch.map(({ id, byBot }) => {
        const list = byBot ? 'bots' : 'people';
        const at = (byBot ? bots : people).indexOf(id);
        const node = answer.data[list][at];
        if (node === undefined || node === null || node.id !== id) {
          return notTold(errorAt(answer.errors, list, at), 'a pull request', 'pull_requests:read');
        }
        const errors = answer.errors
          .filter(({ path }) => path[0] === list && path[1] === at)
          .map((error) => ({ ...error, path: error.path.slice(2) }));
        return { node, withFiles: byBot, errors, answer };
      });
    },
    take,
  );
}

function hasMore({ commits, head, reviews, events, labels, issues, files }: PullNode): boolean {
  const authors = commits?.nodes.map((each) => each?.commit.authors) ?? [];
  const checks = head?.nodes.map((each) => each?.commit.statusCheckRollup?.contexts) ?? [];
  return [commits, reviews, events, labels, issues, files, ...authors, ...checks].some(
    (list) => list?.pageInfo.hasNextPage,
  );
}

/** Every list to its end; what cannot be completed is left out, with the reason. */
async function complete(github: GitHubContext, told: Told): Promise<PullRequest> {
  const { node, errors, answer } = told;
  const { commits, head, reviews, events, labels, issues, files, ...scalars } = node;
  const from = [answer];
  const reading = new ListReader(github, from);
  let lacking: CollectError | undefined;
  const lists = new Set<string | number>();
  /** What is read from a list; undefined where GitHub does not tell it, or not all of it. */
  const attempt = async <List, Read>(
    field: string,
    what: string,
    permission: string,
    list: List | null | undefined,
    read: (list: List) => Promise<Read>,
  ): Promise<Read | undefined> => {
    lists.add(field);
    const error = errorAt(errors, field);
    try {
      if (error !== undefined || list === undefined || list === null) {
        throw notTold(error, what, permission);
      }
      return await read(list);
    } catch (thrown) {
      if (!(thrown instanceof CollectError)) throw thrown;
      lacking ??= thrown;
      return undefined;
    }
  };
  const { id } = node;
  const pulls = 'pull_requests:read';
  const read = {
    commits: await attempt(
      'commits',
      'the commits of a pull request',
      `${pulls} contents:read`,
      commits,
      async (list) => {
        const read: PullCommit[] = [];
        for (const commit of await commitsOf(reading, list, node)) {
          const authors = await reading.whole(
            authorsOfCommit,
            commit.authors,
            moreAuthorsQuery,
            commit.id,
          );
          read.push({ oid: commit.oid, authors, committer: commit.committer });
        }
        return read;
      },
    ),
    reviews: await attempt('reviews', 'the reviews of a pull request', pulls, reviews, (list) =>
      reading.whole('reviews', list, moreReviewsQuery, id),
    ),
    events: await attempt('events', 'the history of a pull request', pulls, events, (list) =>
      reading.uncounted('events', list, moreEventsQuery, id),
    ),
    labels: await attempt('labels', 'the labels of a pull request', pulls, labels, async (list) =>
      (await reading.whole('labels', list, moreLabelsQuery, id)).map(({ name }) => name),
    ),
    issues: await attempt(
      'issues',
      'the issues that a pull request closes',
      `issues:read ${pulls}`,
      issues,
      async (list) =>
        (await reading.whole('issues', list, moreIssuesQuery, id)).map(
          ({ number, repository }) => `${repository.nameWithOwner}#${number}`,
        ),
    ),
    checks: await attempt(
      'head',
      'the checks of a pull request',
      'checks:read statuses:read',
      head,
      (list) => checksOf(reading, list.nodes[0]?.commit, node),
    ),
    files: told.withFiles
      ? await attempt('files', 'the files of a pull request', pulls, files, async (list) => {
          const listed = await reading.whole('files', list, moreFilesQuery, id);
          if (listed.length !== node.changedFiles) {
            throw new CollectError(
              'TieOutMismatch',
              `GitHub counts ${node.changedFiles} changed files and lists ${listed.length}; it lists 3,000 at most`,
            );
          }
          return listed.map(({ path }) => path);
        })
      : [],
  };
  const other = errors.find(({ path: [field = ''] }) => !lists.has(field));
  if (other !== undefined) lacking ??= notTold(other, 'all of a pull request', pulls);
  return { node: scalars, ...read, lacking, from };
}

/** GitHub's list of a pull request's commits may stop at 250; a comparison does not. */
async function commitsOf(
  reading: ListReader,
  first: ListNode<{ commit: CommitNode }>,
  { id, baseRefOid, headRefOid, repository }: PullNode,
): Promise<CommitNode[]> {
  const { github, from } = reading;
  const items = await reading.uncounted('commits', first, moreCommitsQuery, id);
  const listed = new Map(items.map(({ commit }) => [commit.oid, commit]));
  const { totalCount = 0 } = first;
  if (listed.size === totalCount) return [...listed.values()];
  const { commits } = await compare(github, repository.nameWithOwner, baseRefOid, headRefOid);
  const oids = new Set(commits.map(({ oid }) => oid));
  const all = commits.length === totalCount && [...listed.keys()].every((oid) => oids.has(oid));
  if (!all) throw miscounted('commits of a pull request', totalCount, listed.size);
  const others = commits.filter(({ oid }) => !listed.has(oid));
  from.push(...new Set(others.flatMap((each) => each.from)));
  for (let at = 0; at < others.length; at += mostIds) {
    const ids = others.slice(at, at + mostIds).map((each) => each.id);
    const answer = await github.query(pullCommitsQuery, { ids });
    from.push(answer);
    for (const commit of answer.data.nodes) listed.set(commit.oid, commit);
  }
  return commits.map(({ oid }) => listed.get(oid) ?? withheld('commits of a pull request'));
}

/** The checks of the head that was merged, whichever commit GitHub lists last. */
async function checksOf(
  { github, from }: ListReader,
  last: { oid: string; statusCheckRollup: Rollup } | undefined,
  { headRefOid, repository }: PullNode,
): Promise<CheckContext[]> {
  const page = async (after: string | null): Promise<NonNullable<Rollup>['contexts']> => {
    const variables = { repository: repository.id, oid: headRefOid, after };
    const answer = await github.query(headChecksQuery, variables);
    from.push(answer);
    const { object } = answer.data.node;
    if (object === null) throw notTold(undefined, 'the head of a pull request', 'contents:read');
    return object.statusCheckRollup?.contexts ?? none;
  };
  const told = last?.oid === headRefOid ? (last.statusCheckRollup?.contexts ?? none) : undefined;
  const first = told ?? (await page(null));
  return counted('checks', first, await toItsEnd('checks', first, page));
}

const none = { totalCount: 0, nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
