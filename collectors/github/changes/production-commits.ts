import {
  type Answer,
  CallError,
  CollectError,
  defineEvents,
  type EventsContext,
  z,
} from '../../../src/plugin.ts';
import { type ListedRepository, listRepositories, repositoryCalls } from '../repositories/list.ts';
import type { GitHubScope } from '../scope.ts';
import { each } from '../values.ts';
import { nameOfActor } from './change.ts';
import {
  type CommitPull,
  commitCalls,
  commitsQuery,
  datedCalls,
  datedCommits,
  mergedInto,
  readCommits,
} from './commits.ts';
import { compare, compareRoute } from './compare.ts';
import { countWholes } from './lists.ts';
import { refuseFailed } from './merged.ts';
import { productionCommit } from './schema.ts';

/** What a slice leaves for the next: where each branch was. */
const keptSchema = z.object({ heads: z.record(z.string(), z.string()) });
type Heads = z.output<typeof keptSchema>['heads'];

/** A night's own slice ends when the run began; it may take a while until this one's turn. */
const nightMs = 12 * 3_600_000;

/** A commit on a branch. */
interface Landed {
  id: string;
  oid: string;
  repository: ListedRepository;
  branch: string;
  from: Answer[];
}

/** What landed, each once. */
type Found = Map<string, Landed>;

type Context = GitHubScope & EventsContext<z.input<typeof productionCommit>>;

/**
 * When a commit landed GitHub does not tell, and the times in commits are whatever somebody's
 * machine said. So a night goes by what is on each branch now and was not the night before; only
 * what came before the first night is taken by its times.
 */
export const productionCommits = defineEvents<GitHubScope, typeof productionCommit>({
  name: 'github.production_commits',
  version: 1,
  kind: 'events',
  level: 'organization',
  title: 'Commits that landed on production branches, and the pull requests that they came by',
  fields: productionCommit,
  calls: {
    ...repositoryCalls,
    ...datedCalls,
    [compareRoute]: 'contents:read',
    ...commitCalls,
    'graphql:Commits': 'contents:read pull_requests:read',
  },
  async collect(github) {
    const repositories = await listRepositories(github);
    const now = headsOf(repositories);
    const kept = keptSchema.safeParse(github.kept);
    const before = kept.success ? kept.data.heads : undefined;
    const isNight = github.interval.end.getTime() >= github.now().getTime() - nightMs;
    const found: Found = new Map();
    const failed = await landedByDate(github, repositories, found);
    if (isNight && before !== undefined) {
      for (const each of await landedSince(github, repositories, before, found))
        failed.set(...each);
    }
    await emitCommits(github, found);
    refuseFailed(failed);
    // A backfill hands on where the branches were when it began: what was pushed meanwhile, with
    // whatever dates, is found by the night at its end.
    github.keep({ heads: isNight || before === undefined ? now : before });
  },
});

const headKey = (repository: ListedRepository, branch: string) => `${repository.id} ${branch}`;

function headsOf(repositories: ListedRepository[]): Heads {
  return Object.fromEntries(
    repositories.flatMap((repository) =>
      repository.productionBranches.map(({ name, head }) => [headKey(repository, name), head]),
    ),
  );
}

function add(found: Found, landed: Landed): void {
  const uid = `${landed.id} ${landed.branch}`;
  const known = found.get(uid);
  if (known === undefined) found.set(uid, landed);
  else known.from.push(...landed.from);
}

/** Commits with a time in the interval. */
async function landedByDate(
  github: Context,
  repositories: ListedRepository[],
  found: Found,
): Promise<Map<string, CollectError>> {
  const { interval } = github;
  const { branches, failed } = await datedCommits(github, repositories);
  for (const { repository, branch, list } of branches) {
    for (const { id, oid, committedDate } of list.entries) {
      const at = Date.parse(committedDate);
      if (at < interval.start.getTime() || at >= interval.end.getTime()) continue;
      add(found, { id, oid, repository, branch, from: [...list.from] });
    }
  }
  const counted = countWholes(branches.map(({ list }) => list));
  github.tieOut({ by: 'totalCount of the history of each branch', ...counted });
  return new Map(failed);
}

/** What is on each branch now and was not there before, whatever its times. */
async function landedSince(
  github: Context,
  repositories: ListedRepository[],
  before: Heads,
  found: Found,
): Promise<Map<string, CollectError>> {
  const failed = new Map<string, CollectError>();
  const moved = repositories.flatMap((repository) => {
    const { productionBranches } = repository;
    // A branch that is new holds what is on it and was on no other before.
    const other = productionBranches
      .map(({ name }) => before[headKey(repository, name)])
      .find((head) => head !== undefined);
    return productionBranches.flatMap(({ name, head }) => {
      const old = before[headKey(repository, name)] ?? other;
      return old === undefined || old === head ? [] : [{ repository, branch: name, old, head }];
    });
  });
  for (const { id, name, productionBranches } of repositories) {
    const there = new Set(productionBranches.map((branch) => `${id} ${branch.name}`));
    for (const [key, head] of Object.entries(before)) {
      if (!key.startsWith(`${id} `) || there.has(key)) continue;
      github.note(
        'HistoryRewritten',
        `${name}: the production branch ${key.slice(id.length + 1)} is gone; what landed on it after ${head} was not seen`,
      );
    }
  }
  let expected = 0;
  let listed = 0;
  await each(moved, async ({ repository, branch, old, head }) => {
    const name = `${repository.name}@${branch}`;
    try {
      const compared = await compare(github, repository.name, old, head);
      expected += compared.expected;
      listed += compared.commits.length;
      for (const commit of compared.commits) add(found, { ...commit, repository, branch });
      if (compared.rewritten && before[headKey(repository, branch)] !== undefined) {
        github.note(
          'HistoryRewritten',
          `${name}: history was rewritten; ${old}, where the branch was, is not on it any more`,
        );
      }
    } catch (thrown) {
      if (thrown instanceof CallError && thrown.status === 404) {
        github.note(
          'HistoryRewritten',
          `${name}: GitHub does not know ${old} any more, where the branch was; what landed since is taken by the times in the commits`,
        );
      } else if (thrown instanceof CollectError) failed.set(name, thrown);
      else throw thrown;
    }
  });
  github.tieOut({ by: `total_commits of ${compareRoute}`, expected, found: listed });
  return failed;
}

async function emitCommits(github: Context, found: Found): Promise<void> {
  const places = new Map<string, Landed[]>();
  for (const landed of found.values()) {
    places.set(landed.id, [...(places.get(landed.id) ?? []), landed]);
  }
  await readCommits(github, commitsQuery, [...places.keys()], async (id, commit) => {
    for (const { oid, repository, branch, from } of places.get(id) ?? []) {
      const known = {
        uid: `${id} ${branch}`,
        name: `${repository.name}@${oid}`,
        fields: { repository: repository.name, repository_id: repository.id, branch, sha: oid },
        from,
      };
      await github.item(known, async () => {
        if (commit instanceof CollectError) throw commit;
        const { node, pulls, authors, from: told } = commit;
        const merged = mergedInto(github, repository, branch, pulls);
        return {
          fields: {
            ...known.fields,
            title: node.messageHeadline,
            authors: [...new Set(authors.map(nameOfActor))],
            committer: nameOfActor(node.committer),
            committed_at: node.committedDate,
            merged_by_pull_requests: numbersOf(merged),
            other_pull_requests: numbersOf(pulls.filter((pull) => !merged.includes(pull))),
            parents: node.parents.totalCount,
          },
          original: { ...node, pulls, authors },
          from: [...from, ...told],
        };
      });
    }
  });
}

function numbersOf(pulls: CommitPull[]): number[] {
  return [...new Set(pulls.map(({ number }) => number))].sort((a, b) => a - b);
}
