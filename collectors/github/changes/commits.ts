/** Commits of production branches, and the pull requests that each came by. */
import {
  type Answer,
  CollectError,
  type EventsContext,
  type GitHubContext,
  type GraphqlError,
  timestamp,
  z,
} from '../../../src/plugin.ts';
import type { ListedRepository } from '../repositories/list.ts';
import type { GitHubScope } from '../scope.ts';
import { errorAt, inBatches, mostIds, notTold } from './batches.ts';
import {
  authors,
  authorsOfCommit,
  authorsText,
  type GitActor,
  gitActor,
  gitActorText,
  moreAuthorsQuery,
} from './git-actors.ts';
import { firstPage, listsOf, type ReadList, readLists, sinceEarliest } from './lists.ts';
import { shipsIn, touchedSince } from './merged.ts';
import { ListReader, listOf, listText, moreOf, nextPage } from './nested.ts';
import type { Heads } from './seen.ts';

/** Everything that `datedCommits` calls. */
export const datedCalls = {
  'graphql:History': 'contents:read',
  'graphql:MoreHistory': 'contents:read',
};

const dated = z.object({ id: z.string(), oid: z.string(), committedDate: timestamp() });
export type DatedCommit = z.output<typeof dated>;

const historyList = listsOf({
  name: 'History',
  what: 'the commits of a branch',
  permission: 'contents:read',
  on: 'Ref',
  // Not by `since`: Git shows nothing of what lies behind a commit with an older date.
  text: (page, selection) => `target { ... on Commit { list: history(${page}) { ${selection} } } }`,
  entryText: 'id oid committedDate',
  entry: dated,
});
export const { first: historyQuery, more: moreHistoryQuery } = historyList;

/** A production branch and its commits since the earliest time asked for, and some before. */
export interface DatedBranch {
  repository: ListedRepository;
  branch: string;
  list: ReadList<DatedCommit>;
}

/** Merge queues make the commit before they merge it. */
export const queueMs = 86_400_000;
const entriesOfNight = 20;
/** A wrong clock made one commit, or a few: so many old ones in a row are where the past begins. */
const oldInRow = 10;

export interface Dated {
  branches: DatedBranch[];
  /** By repository and branch. */
  failed: Map<string, CollectError>;
}

/**
 * The commits of each production branch by the times that their committers' machines gave, since a
 * day before the interval began.
 * @param heads where the branches were in the slice before
 */
export async function datedCommits(
  github: GitHubScope & EventsContext,
  repositories: ListedRepository[],
  heads: Heads,
): Promise<Dated> {
  const start = new Date(github.interval.start.getTime() - queueMs);
  return sinceEarliest(github, 'commits by date', start, (shared, since) =>
    datedSince(shared, touchedSince(repositories, since, heads), since, github.now()),
  );
}

/** The same of repositories since a time, and some before. */
export async function datedSince(
  github: GitHubContext,
  repositories: readonly ListedRepository[],
  since: Date,
  now: Date,
): Promise<Dated> {
  const branches = new Map(
    repositories.flatMap((repository) =>
      repository.productionBranches.map(({ id, name, head }) => [
        id,
        { repository, branch: name, head },
      ]),
    ),
  );
  const { read, failed: refused } = await readLists(github, historyList, [...branches.keys()], {
    first: firstPage(since, now, entriesOfNight),
    enough: (_, page) => isSettled(page, since),
  });
  const told: DatedBranch[] = [];
  const failed = new Map<string, CollectError>();
  for (const [id, { head, ...branch }] of branches) {
    const list = read.get(id);
    const name = `${branch.repository.name}@${branch.branch}`;
    const error = refused.get(id);
    if (error !== undefined) failed.set(name, error);
    else if (list !== undefined) {
      told.push({ ...branch, list });
      // Read from the newest on, it cannot have ended before it.
      if (!list.entries.some(({ oid }) => oid === head)) failed.set(name, withoutHead(head));
    }
  }
  return { branches: told, failed };
}

function withoutHead(head: string): CollectError {
  return new CollectError(
    'TieOutMismatch',
    `the commits of a branch are told without ${head}, to which it pointed: it was rewritten meanwhile, or GitHub keeps some back; run again`,
  );
}

function isSettled(page: readonly DatedCommit[], since: Date): boolean {
  const last = page.slice(-oldInRow);
  return (
    last.length === oldInRow &&
    last.every(({ committedDate }) => Date.parse(committedDate) < since.getTime())
  );
}

// --- the pull requests of a commit ---------------------------------------------------------

const pull = z.object({
  id: z.string(),
  number: z.int(),
  merged: z.boolean(),
  mergedAt: timestamp().nullable(),
  baseRefName: z.string(),
  headRefName: z.string(),
  isCrossRepository: z.boolean(),
  repository: z.object({ id: z.string() }),
});
export type CommitPull = z.output<typeof pull>;
const pullText =
  'id number merged mergedAt baseRefName headRefName isCrossRepository repository { id }';

const pulls = listOf(pull);
const pullsText = listText(pullText);

/** One query has several lists of ids. */
const idLists = ['a', 'b', 'c', 'd', 'e'];
/** A commit has one pull request, rarely two. */
const usual = 5;

const withPulls = z.object({
  id: z.string(),
  pulls: pulls.nullish(),
  authors: authors.optional(),
});
const details = withPulls.extend({
  oid: z.string(),
  messageHeadline: z.string(),
  committedDate: timestamp(),
  parents: z.object({ totalCount: z.int() }),
  authors,
  committer: gitActor.nullable(),
});

const declaredLists = idLists.map((list) => `$${list}: [ID!]!`).join(', ');
const askedLists = idLists.map((list) => `  ${list}: nodes(ids: $${list}) { ...Asked }`).join('\n');
const inLists = <Shape extends z.ZodType>(shape: Shape) =>
  z.record(z.string(), z.array(shape.nullable()));

/** Which pull requests brought commits. */
export const commitPullsQuery = {
  name: 'CommitPulls',
  text: `query CommitPulls(${declaredLists}) {
${askedLists}
}
fragment Asked on Commit { id pulls: associatedPullRequests(first: ${usual}) ${pullsText} }`,
  answer: inLists(withPulls),
};

/** The same, and what the commits are. */
export const commitsQuery = {
  name: 'Commits',
  text: `query Commits(${declaredLists}) {
${askedLists}
}
fragment Asked on Commit {
  id oid messageHeadline committedDate
  parents(first: 1) { totalCount }
  authors(first: ${usual}) ${authorsText}
  committer { ${gitActorText} }
  pulls: associatedPullRequests(first: ${usual}) ${pullsText}
}`,
  answer: inLists(details),
};

export const moreCommitPullsQuery = moreOf(
  'MoreCommitPulls',
  'Commit',
  `associatedPullRequests(${nextPage}) ${pullsText}`,
  pulls,
);

/** Everything that `readCommits` calls, beside the query itself. */
export const commitCalls = {
  'graphql:MoreCommitPulls': 'contents:read pull_requests:read',
  'graphql:MoreAuthors': 'contents:read',
};

/** A commit as GitHub tells it, with every pull request that holds it. */
export interface ReadCommit<Node> {
  node: Node;
  pulls: CommitPull[];
  /** Author and co-authors, where they were asked for. */
  authors: GitActor[];
  from: Answer[];
}

/** Reads commits by their node ids, many in one query; hands over each, or why it is not told. */
export async function readCommits<Node extends z.output<typeof withPulls>>(
  github: GitHubContext,
  query: { name: string; text: string; answer: ReturnType<typeof inLists<z.ZodType<Node>>> },
  ids: readonly string[],
  take: (id: string, commit: ReadCommit<Node> | CollectError) => Promise<void>,
): Promise<void> {
  await inBatches<string, { node: Node; answer: Answer }>(
    github,
    query.name,
    ids,
    idLists.length * mostIds,
    async (batch) => {
      const lists = idLists.map((list, n): [string, string[]] => [
        list,
        batch.slice(n * mostIds, (n + 1) * mostIds),
      ]);
      const answer = await github.query(query, Object.fromEntries(lists), { partial: true });
      return batch.map((id, n) => {
        const list = idLists[Math.floor(n / mostIds)] ?? '';
        const at = n % mostIds;
        const node = answer.data[list]?.[at];
        const error = errorAt(answer.errors, list, at);
        return node?.id === id && error === undefined ? { node, answer } : notToldOf(error);
      });
    },
    async (id, told) => {
      const commit = told instanceof CollectError ? told : await complete(github, told);
      await take(id, commit);
    },
  );
}

async function complete<Node extends z.output<typeof withPulls>>(
  github: GitHubContext,
  { node, answer }: { node: Node; answer: Answer },
): Promise<ReadCommit<Node> | CollectError> {
  const from = [answer];
  const reading = new ListReader(github, from);
  const { id, pulls, authors } = node;
  if (pulls === undefined || pulls === null) return notToldOf(undefined);
  try {
    return {
      node,
      pulls: await reading.whole('pull requests of a commit', pulls, moreCommitPullsQuery, id),
      authors:
        authors === undefined
          ? []
          : await reading.whole(authorsOfCommit, authors, moreAuthorsQuery, id),
      from,
    };
  } catch (thrown) {
    if (thrown instanceof CollectError) return thrown;
    throw thrown;
  }
}

function notToldOf(error: GraphqlError | undefined): CollectError {
  return notTold(error, 'a commit', 'contents:read pull_requests:read');
}

/**
 * Which of a commit's pull requests brought it to a branch of a repository by a merge into a branch
 * that ships. One from one production branch into another is no review for the first.
 * @param branch undefined for whichever production branch
 * @param before names of its production branches in the slices before
 */
export function mergedInto(
  github: GitHubScope,
  repository: ListedRepository,
  branch: string | undefined,
  pulls: readonly CommitPull[],
  before: readonly string[] = [],
): CommitPull[] {
  const ships = shipsIn(github, repository, before);
  return pulls.filter(
    ({ merged, repository: { id }, baseRefName, headRefName, isCrossRepository }) =>
      // A fork has pull requests of its own, into branches of the same names.
      merged &&
      id === repository.id &&
      ships(baseRefName) &&
      (branch === undefined || baseRefName === branch || isCrossRepository || !ships(headRefName)),
  );
}
