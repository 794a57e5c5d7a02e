/** Which pull requests were merged, and into which branches: a little of each, for a whole run. */
import {
  type Answer,
  CollectError,
  type EventsContext,
  type GitHubContext,
  timestamp,
  z,
} from '../../../src/plugin.ts';
import type { ListedRepository } from '../repositories/list.ts';
import { defaultBranch, type GitHubScope } from '../scope.ts';
import { fitsOne } from '../values.ts';
import { endsBefore, firstPage, listsOf, readLists, sinceEarliest } from './lists.ts';
import { type Heads, headKey, type Seen } from './seen.ts';

/** Everything that `mergedPulls` calls. */
export const mergedCalls = {
  'graphql:MergedPulls': 'pull_requests:read',
  'graphql:MoreMergedPulls': 'pull_requests:read',
};

const entry = z.object({
  id: z.string(),
  number: z.int(),
  updatedAt: timestamp(),
  mergedAt: timestamp(),
  baseRefName: z.string(),
  author: z.object({ __typename: z.string() }).nullable(),
});
type Entry = z.output<typeof entry>;

const mergedList = listsOf({
  name: 'MergedPulls',
  what: 'the merged pull requests of a repository',
  permission: 'pull_requests:read',
  on: 'Repository',
  text: (page, selection) =>
    `list: pullRequests(states: MERGED, orderBy: { field: UPDATED_AT, direction: DESC }, ${page}) { ${selection} }`,
  entryText: 'id number updatedAt mergedAt baseRefName author { __typename }',
  entry,
});
export const { first: mergedPullsQuery, more: moreMergedPullsQuery } = mergedList;

/** A merged pull request, as far as the list tells. */
export interface MergedPull {
  id: string;
  number: number;
  updatedAt: string;
  mergedAt: string;
  base: string;
  /** A bot opened it. */
  byBot: boolean;
  repository: ListedRepository;
  from: Answer[];
}

interface Merged {
  pulls: MergedPull[];
  /** By the repository's name. */
  failed: Map<string, CollectError>;
  /** Of the lists that were read to their end: GitHub's own count, and what they hold. */
  counted: { expected: number; found: number };
}

const entriesOfNight = 10;
const mostEntries = 100;

/**
 * Every pull request that may have been merged since the interval began, whatever its branch; of
 * repositories with something new in scope, since what the slices before cover began. A merge is
 * an update: the lists go by the time of the last update, and back until it is too old.
 */
export async function mergedPulls(
  github: GitHubScope & EventsContext,
  repositories: ListedRepository[],
  seen: Seen,
): Promise<Merged> {
  const read = (key: string, of: ListedRepository[], start: Date) =>
    sinceEarliest(github, key, start, (shared, since) =>
      listMerged(
        shared,
        touchedSince(of, since, seen.heads),
        since,
        firstPage(since, github.now(), entriesOfNight),
      ),
    );
  const recent = await read('merged pull requests', repositories, github.interval.start);
  const fresh = repositories.filter((repository) => seen.isNew(repository));
  if (fresh.length === 0) return recent;
  const past = await read('merged pull requests of what is new in scope', fresh, seen.past);
  const pulls = [...recent.pulls, ...past.pulls];
  return {
    pulls: [...new Map(pulls.map((pull) => [pull.id, pull])).values()],
    failed: new Map([...recent.failed, ...past.failed]),
    counted: {
      expected: recent.counted.expected + past.counted.expected,
      found: recent.counted.found + past.counted.found,
    },
  };
}

/**
 * Nothing can have been merged where nothing was pushed and nothing changed. Where GitHub gives no
 * time of a push though there are branches, or a branch is not where it was, something was.
 */
export function touchedSince(
  repositories: ListedRepository[],
  since: Date,
  heads: Heads,
): ListedRepository[] {
  return repositories.filter((repository) => {
    const { pushedAt, updatedAt, productionBranches } = repository;
    return (
      [pushedAt, updatedAt].some((at) => at !== null && Date.parse(at) >= since.getTime()) ||
      (pushedAt === null && productionBranches.length > 0) ||
      productionBranches.some(({ name, head }) => {
        const before = heads[headKey(repository, name)];
        return before !== undefined && before !== head;
      })
    );
  });
}

async function listMerged(
  github: GitHubContext,
  repositories: ListedRepository[],
  since: Date,
  first: number,
): Promise<Merged> {
  const byId = new Map(repositories.map((each) => [each.id, each]));
  const failed = new Map<string, CollectError>();
  const pulls = new Map<string, MergedPull>();
  const wholes = new Set<string>();
  const counts = new Map<string, { expected: number; seen: Set<string> }>();
  // While one page after another is read, an update moves a pull request to the top, where it was
  // passed already. So a list of several pages is read again from its top down to where it began,
  // until that brings nothing that is not known.
  let open = new Map(repositories.map(({ id }) => [id, since]));
  for (let entries = first; open.size > 0; entries = mostEntries) {
    const reading = open;
    const lists = await readLists(github, mergedList, [...reading.keys()], {
      first: entries,
      enough: (id, page) =>
        endsBefore(
          page.map(({ updatedAt }) => updatedAt),
          reading.get(id) ?? since,
        ),
    });
    open = new Map();
    for (const [id, error] of lists.failed) failed.set(byId.get(id)?.name ?? id, error);
    for (const [id, list] of lists.read) {
      const repository = byId.get(id);
      if (repository === undefined || lists.failed.has(id)) continue;
      const count = counts.get(id) ?? { expected: 0, seen: new Set() };
      counts.set(id, count);
      count.expected = list.totalCount;
      if (list.whole) wholes.add(id);
      const known = count.seen.size;
      for (const each of list.entries) {
        count.seen.add(each.id);
        pulls.set(each.id, pullOf(each, repository, list.from));
      }
      const [top] = list.entries;
      const more = list.pages > 1 && count.seen.size > known;
      if (top !== undefined && more) open.set(id, new Date(top.updatedAt));
    }
  }
  const counted = { expected: 0, found: 0 };
  for (const id of wholes) {
    counted.expected += counts.get(id)?.expected ?? 0;
    counted.found += counts.get(id)?.seen.size ?? 0;
  }
  return { pulls: [...pulls.values()], failed, counted };
}

function pullOf(
  { id, number, updatedAt, mergedAt, baseRefName, author }: Entry,
  repository: ListedRepository,
  from: Answer[],
): MergedPull {
  const byBot = author?.__typename === 'Bot';
  return { id, number, updatedAt, mergedAt, base: baseRefName, byBot, repository, from };
}

/**
 * Whether a branch ships: a production branch of today, or one of a name that is configured, which
 * may be gone by now.
 * @param before names of its production branches in the slices before
 */
export function shipsIn(
  { config }: GitHubScope,
  { productionBranches }: Pick<ListedRepository, 'productionBranches'>,
  before: readonly string[] = [],
): (branch: string) => boolean {
  const patterns = config.production_refs.filter((pattern) => pattern !== defaultBranch);
  const names = new Set([...before, ...productionBranches.map(({ name }) => name)]);
  return (branch) => names.has(branch) || fitsOne(branch, patterns);
}

/**
 * Ends a slice with what could not be read of some repositories; the others are handed over.
 * @throws CollectError where there is any
 */
export function refuseFailed(failed: ReadonlyMap<string, CollectError>): void {
  const [first] = failed.values();
  if (first === undefined) return;
  const names = [...failed.keys()].sort();
  const others = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  throw new CollectError(
    first.code,
    `${first.message} (${names.slice(0, mostNamed).join(', ')}${others})`,
    { cause: first },
  );
}
const mostNamed = 20;
