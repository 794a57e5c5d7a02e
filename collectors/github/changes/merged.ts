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
 * Every pull request that may have been merged since the interval began, whatever its branch. A
 * merge is an update: the lists go by the time of the last update, and back until it is too old.
 */
export async function mergedPulls(
  github: GitHubScope & EventsContext,
  repositories: ListedRepository[],
): Promise<Merged> {
  return sinceEarliest(github, 'merged pull requests', github.interval.start, (shared, since) =>
    listMerged(
      shared,
      touchedSince(repositories, since),
      since,
      firstPage(since, github.now(), entriesOfNight),
    ),
  );
}

/** Nothing can have been merged where nothing was pushed and nothing changed. */
export function touchedSince(repositories: ListedRepository[], since: Date): ListedRepository[] {
  return repositories.filter(({ pushedAt, updatedAt }) =>
    [pushedAt, updatedAt].some((at) => at !== null && Date.parse(at) >= since.getTime()),
  );
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
 */
export function shipsIn(
  { config }: GitHubScope,
  { productionBranches }: Pick<ListedRepository, 'productionBranches'>,
): (branch: string) => boolean {
  const patterns = config.production_refs.filter((pattern) => pattern !== defaultBranch);
  const names = new Set(productionBranches.map(({ name }) => name));
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
