/** The reviews of the pull requests by which commits came, for events that are about commits. */
import { type Answer, CollectError, type EventsContext, type z } from '../../../src/plugin.ts';
import type { ListedRepository } from '../repositories/list.ts';
import type { GitHubScope } from '../scope.ts';
import { changeOf, firstTold } from './change.ts';
import {
  type CommitPull,
  commitCalls,
  commitPullsQuery,
  mergedInto,
  readCommits,
} from './commits.ts';
import { FirstTolds } from './first-told.ts';
import { pullCalls, readPulls } from './pull-request.ts';
import type { review } from './schema.ts';

/** Everything that `reviewsOfCommits` calls. */
export const reviewCalls = {
  ...pullCalls,
  ...commitCalls,
  'graphql:CommitPulls': 'contents:read pull_requests:read',
};

/** A commit whose reviews are wanted. */
export interface WantedCommit {
  /** Node id. */
  id: string;
  repository: ListedRepository;
  /** Production branch that it is on; undefined for whichever. */
  branch?: string | undefined;
  /** When the event was that is about it. */
  at: string;
}

/** How a commit came to a production branch. */
export interface CommitReviews {
  /** Number of the pull request; null where there is none. */
  pull_request: number | null;
  reviews: z.input<typeof review>[];
  original: unknown;
  from: Answer[];
}

/**
 * The reviews of the pull request by which each commit was merged into a production branch; of
 * several the first, by which it came. What GitHub does not tell stands there as the reason.
 */
export async function reviewsOfCommits(
  github: GitHubScope & EventsContext,
  wanted: readonly WantedCommit[],
): Promise<Map<string, CommitReviews | CollectError>> {
  const byId = new Map(wanted.map((each) => [each.id, each]));
  const found = new Map<string, CommitReviews | CollectError>();
  const pulls = new Map<string, WantedCommit & { number: number; from: Answer[] }>();
  const pullOf = new Map<string, string>();
  await readCommits(github, commitPullsQuery, [...byId.keys()], async (id, commit) => {
    const each = byId.get(id);
    if (each === undefined) return;
    if (commit instanceof CollectError) {
      found.set(id, commit);
      return;
    }
    const merged = mergedInto(github, each.repository, each.branch, commit.pulls);
    const [first] = merged.sort((a, b) => timeOf(a) - timeOf(b) || a.number - b.number);
    if (first === undefined) {
      const none = { pull_request: null, reviews: [], original: null, from: commit.from };
      found.set(id, none);
    } else {
      pulls.set(first.id, { ...each, id: first.id, number: first.number, from: commit.from });
      pullOf.set(id, first.id);
    }
  });
  const told = new FirstTolds(github);
  const reviews = new Map<string, CommitReviews | CollectError>();
  const people = [...pulls.values()].map((each) => ({ ...each, byBot: false }));
  await readPulls(github, people, async ({ id, number, repository, at, from }, pull) => {
    if (pull instanceof CollectError) {
      reviews.set(id, pull);
      return;
    }
    const facts = {
      repository: repository.name,
      askedAt: github.now(),
      before: told.of(id),
      requiredChecks: undefined,
    };
    told.add(id, firstTold(pull, facts), at);
    const change = changeOf(pull, facts);
    if (change.reviews === undefined) reviews.set(id, pull.lacking ?? untold());
    else {
      const { reviews: original } = pull;
      reviews.set(id, {
        pull_request: number,
        reviews: change.reviews,
        original,
        from: [...from, ...pull.from],
      });
    }
  });
  told.keep();
  for (const [commit, pull] of pullOf) found.set(commit, reviews.get(pull) ?? untold());
  return found;
}

function timeOf({ mergedAt }: CommitPull): number {
  return mergedAt === null ? Number.POSITIVE_INFINITY : Date.parse(mergedAt);
}

function untold(): CollectError {
  return new CollectError('UnreadableResponse', 'the reviews of a pull request were not told');
}
