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
  type Dated,
  datedCalls,
  datedCommits,
  datedSince,
  mergedInto,
  readCommits,
} from './commits.ts';
import { compare, compareRoute } from './compare.ts';
import { countWholes } from './lists.ts';
import { refuseFailed } from './merged.ts';
import { productionCommit } from './schema.ts';
import { type BranchNames, branchNames, type Heads, headKey, headsOf } from './seen.ts';

/** What a slice leaves for the next: where each branch was. */
const keptSchema = z.object({ heads: z.record(z.string(), z.string()) });

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
    const names = branchNames(github, repositories);
    const dated = await datedCommits(github, repositories, before ?? {});
    const failed = new Map(dated.failed);
    // A clock that is ahead is no reason to miss a commit; what a night before took is held.
    addDated(github, dated, github.interval.start, isNight, found);
    if (isNight && before !== undefined) {
      for (const read of [landedInNew, landedSince]) {
        for (const each of await read(github, repositories, before, found)) failed.set(...each);
      }
    }
    await emitCommits(github, found, names);
    refuseFailed(failed);
    // A backfill hands on where the branches were when it began: what was pushed meanwhile, with
    // whatever dates, is found by the night at its end.
    const heads =
      before === undefined ? now : isNight ? { ...unseen(before, now), ...now } : before;
    github.keep({ heads, names });
  },
});

/** Where the branches were: by the repository's id, and by name. */
function byRepository(before: Heads): Map<string, Map<string, string>> {
  const heads = new Map<string, Map<string, string>>();
  for (const [key, head] of Object.entries(before)) {
    const id = repositoryOf(key);
    const branches = heads.get(id) ?? new Map<string, string>();
    heads.set(id, branches.set(key.slice(id.length + 1), head));
  }
  return heads;
}

/** Heads of repositories whose branches are not seen now: on their return they are compared. */
function unseen(before: Heads, now: Heads): Heads {
  const there = new Set(Object.keys(now).map(repositoryOf));
  return Object.fromEntries(
    Object.entries(before).filter(([key]) => !there.has(repositoryOf(key))),
  );
}

/** Node ids hold no blank. */
const repositoryOf = (key: string) => key.slice(0, key.indexOf(' '));

function uidOf({ id, branch }: Pick<Landed, 'id' | 'branch'>): string {
  return `${id} ${branch}`;
}

function add(found: Found, landed: Landed): void {
  const uid = uidOf(landed);
  const known = found.get(uid);
  if (known === undefined) found.set(uid, landed);
  else known.from.push(...landed.from);
}

/** Commits with a time since `since`, before the interval's end or, of a night, after it too. */
function addDated(
  github: Context,
  { branches }: Dated,
  since: Date,
  isNight: boolean,
  found: Found,
): void {
  const end = github.interval.end.getTime();
  for (const { repository, branch, list } of branches) {
    for (const { id, oid, committedDate } of list.entries) {
      const at = Date.parse(committedDate);
      const isOfLater = at >= end && (!isNight || github.isHeld(uidOf({ id, branch })));
      if (at < since.getTime() || isOfLater) continue;
      add(found, { id, oid, repository, branch, from: [...list.from] });
    }
  }
  const counted = countWholes(branches.map(({ list }) => list));
  github.tieOut({ by: 'totalCount of the history of each branch', ...counted });
}

/**
 * What is on the branches of repositories of which no branch is known from before: everything
 * where the repository is younger than what is covered, since it all landed since; else by date.
 */
async function landedInNew(
  github: Context,
  repositories: ListedRepository[],
  before: Heads,
  found: Found,
): Promise<Map<string, CollectError>> {
  const { coveredSince } = github;
  const failed = new Map<string, CollectError>();
  const known = byRepository(before);
  const fresh = repositories.filter(({ id }) => !known.has(id));
  const isYoung = ({ createdAt }: ListedRepository) =>
    Date.parse(createdAt) >= coveredSince.getTime();
  const [young, old] = [fresh.filter(isYoung), fresh.filter((each) => !isYoung(each))];
  for (const [some, since] of [
    [young, everSince],
    [old, coveredSince],
  ] as const) {
    if (!some.some(({ productionBranches }) => productionBranches.length > 0)) continue;
    const dated = await datedSince(github, some, since, github.now());
    addDated(github, dated, since, true, found);
    for (const each of dated.failed) failed.set(...each);
  }
  return failed;
}
/** The earliest time there is: commits may be dated before 1970. */
const everSince = new Date(-8.64e15);

/** What is on each branch now and was not there before, whatever its times. */
async function landedSince(
  github: Context,
  repositories: ListedRepository[],
  before: Heads,
  found: Found,
): Promise<Map<string, CollectError>> {
  const failed = new Map<string, CollectError>();
  const known = byRepository(before);
  const moved = repositories.flatMap((repository) => {
    const { productionBranches } = repository;
    const heads = known.get(repository.id) ?? new Map<string, string>();
    const there = new Set(productionBranches.map(({ name }) => name));
    // A branch that is new holds what is on it and was on no other before. One that is gone may
    // have been renamed to it.
    const gone = [...heads].filter(([name]) => !there.has(name)).map(([, head]) => head);
    const others = [...gone, ...heads.values()];
    return productionBranches.flatMap(({ name, head }) => {
      const old = heads.get(name) ?? (others.includes(head) ? head : others[0]);
      return old === undefined || old === head ? [] : [{ repository, branch: name, old, head }];
    });
  });
  for (const repository of repositories) {
    const there = new Set(repository.productionBranches.map(({ name }) => name));
    for (const [branch, head] of known.get(repository.id) ?? []) {
      if (there.has(branch)) continue;
      github.note(
        'HistoryRewritten',
        `${repository.name}: the production branch ${branch} is gone; what landed on it after ${head} was not seen`,
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

async function emitCommits(github: Context, found: Found, names: BranchNames): Promise<void> {
  const places = new Map<string, Landed[]>();
  for (const landed of found.values()) {
    places.set(landed.id, [...(places.get(landed.id) ?? []), landed]);
  }
  await readCommits(github, commitsQuery, [...places.keys()], async (id, commit) => {
    for (const { oid, repository, branch, from } of places.get(id) ?? []) {
      const known = {
        uid: uidOf({ id, branch }),
        name: `${repository.name}@${oid}`,
        fields: { repository: repository.name, repository_id: repository.id, branch, sha: oid },
        from,
      };
      await github.item(known, async () => {
        if (commit instanceof CollectError) throw commit;
        const { node, pulls, authors, from: told } = commit;
        const merged = mergedInto(github, repository, branch, pulls, names[repository.id]);
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
