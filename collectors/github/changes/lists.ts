/**
 * A list that hangs on each of many nodes (the pull requests of repositories, the commits of
 * branches): the first page of many in one query, then further pages of several in one query.
 */
import {
  type Answer,
  CollectError,
  type GitHubContext,
  type GraphqlError,
  type GraphqlQuery,
  type JsonObject,
  z,
} from '../../../src/plugin.ts';
import { connection, pageInfoText } from '../values.ts';
import { errorAt, inBatches, mostIds, notTold } from './batches.ts';

/** Nodes whose next page one query asks for. */
const slots = 10;
const mostOnPage = 100;
/** Entries that a query may give, so that GitHub has it in time. */
const mostEntries = 5_000;

const connectionOf = <Entry extends z.ZodType>(entry: Entry) =>
  connection({ nodes: z.array(entry.nullable()) });

/** A list is the node's own, or that of what a branch points to. */
const nodeOf = <Entry extends z.ZodType>(entry: Entry) => {
  const list = connectionOf(entry).nullish();
  return z.object({ id: z.string(), list, target: z.object({ list }).nullish() }).nullable();
};

type Node<Entry extends z.ZodType> = z.output<ReturnType<typeof nodeOf<Entry>>>;

/** The two queries of a list, and what to say when it is not told. */
export interface ListsOf<Entry extends z.ZodType> {
  first: GraphqlQuery<z.ZodType<{ nodes: Node<Entry>[] }>>;
  more: GraphqlQuery<z.ZodType<Record<string, Node<Entry>>>>;
  what: string;
  permission: string;
}

export function listsOf<Entry extends z.ZodType>(of: {
  /** Of the first query; that of the other begins with `More`. */
  name: string;
  what: string;
  permission: string;
  /** Type of the nodes. */
  on: string;
  /** Further variables: `, $since: GitTimestamp!`. */
  variables?: string;
  /** The list under the name `list`, given the arguments of its page and what each page tells. */
  text: (page: string, selection: string) => string;
  /** What each entry tells. */
  entryText: string;
  entry: Entry;
}): ListsOf<Entry> {
  const { name, what, permission, on, variables = '', text, entryText, entry } = of;
  const selection = `totalCount ${pageInfoText} nodes { ${entryText} }`;
  const numbers = Array.from({ length: slots }, (_, number) => number);
  const declared = numbers.map((n) => `$id${n}: ID!, $ask${n}: Boolean!, $after${n}: String`);
  const asked = numbers.map(
    (n) => `  list${n}: node(id: $id${n}) @include(if: $ask${n}) {
    ... on ${on} { id ${text(`first: ${mostOnPage}, after: $after${n}`, selection)} }
  }`,
  );
  const node = nodeOf(entry);
  return {
    what,
    permission,
    first: {
      name,
      text: `query ${name}($ids: [ID!]!, $first: Int!${variables}) {
  nodes(ids: $ids) { ... on ${on} { id ${text('first: $first', selection)} } }
}`,
      answer: z.object({ nodes: z.array(node) }),
    },
    more: {
      name: `More${name}`,
      text: `query More${name}(${declared.join(', ')}${variables}) {
${asked.join('\n')}
}`,
      answer: z.record(z.string(), node),
    },
  };
}

/** What was read of one node's list. */
export interface ReadList<Entry> {
  entries: Entry[];
  /** GitHub's own count of the list. */
  totalCount: number;
  /** Every page was read, to the list's end. */
  whole: boolean;
  pages: number;
  from: Answer[];
}

interface Page<Entry> {
  entries: Entry[];
  totalCount: number;
  next: string | null;
  answer: Answer;
}

/**
 * Reads each node's list until `enough` says so of a page, or to its end. A list that GitHub does
 * not tell stands in `failed`, by the node's id.
 */
export async function readLists<Entry extends z.ZodType>(
  github: GitHubContext,
  lists: ListsOf<Entry>,
  ids: readonly string[],
  options: {
    /** Entries of the first page, 100 at most. */
    first: number;
    variables?: JsonObject;
    enough: (id: string, page: readonly z.output<Entry>[]) => boolean;
  },
): Promise<{ read: Map<string, ReadList<z.output<Entry>>>; failed: Map<string, CollectError> }> {
  const { first, variables = {}, enough } = options;
  const read = new Map<string, ReadList<z.output<Entry>>>();
  const failed = new Map<string, CollectError>();
  const cursors = new Map<string, string>();
  const seen = new Set<string>();
  const pageOf = (
    id: string,
    node: Node<Entry> | undefined,
    error: GraphqlError | undefined,
    answer: Answer,
  ): Page<z.output<Entry>> | CollectError => {
    const list = node?.list ?? node?.target?.list;
    const told = node?.id === id && error === undefined && !list?.nodes.includes(null);
    if (list === undefined || list === null || !told) {
      return notTold(error, lists.what, lists.permission);
    }
    const { hasNextPage, endCursor } = list.pageInfo;
    if (hasNextPage && endCursor === null) return goesOnNowhere();
    // Nulls are ruled out above.
    const entries = list.nodes as z.output<Entry>[];
    return { entries, totalCount: list.totalCount, next: hasNextPage ? endCursor : null, answer };
  };
  const take = (id: string, page: Page<z.output<Entry>> | CollectError): void => {
    cursors.delete(id);
    if (page instanceof CollectError) {
      failed.set(id, page);
      return;
    }
    const list = read.get(id) ?? { entries: [], totalCount: 0, whole: false, pages: 0, from: [] };
    list.entries.push(...page.entries);
    list.totalCount = page.totalCount;
    list.whole = page.next === null;
    list.pages += 1;
    list.from.push(page.answer);
    read.set(id, list);
    if (page.next === null || enough(id, page.entries)) return;
    const place = `${id} ${page.next}`;
    if (seen.has(place)) failed.set(id, goesOnNowhere());
    else cursors.set(id, page.next);
    seen.add(place);
  };
  const atOnce = Math.min(mostIds, Math.floor(mostEntries / first));
  await inBatches(
    github,
    lists.first.name,
    ids,
    atOnce,
    async (batch) => {
      const answer = await github.query(
        lists.first,
        { ids: batch, first, ...variables },
        { partial: true },
      );
      return batch.map((id, at) =>
        pageOf(id, answer.data.nodes[at], errorAt(answer.errors, 'nodes', at), answer),
      );
    },
    take,
  );
  while (cursors.size > 0) {
    await inBatches(
      github,
      lists.more.name,
      [...cursors.keys()],
      slots,
      async (batch) => {
        const asked = Array.from({ length: slots }, (_, n): [string, JsonObject[string]][] => [
          [`id${n}`, batch[n] ?? ''],
          [`ask${n}`, batch[n] !== undefined],
          [`after${n}`, cursors.get(batch[n] ?? '') ?? null],
        ]);
        const answer = await github.query(
          lists.more,
          { ...Object.fromEntries(asked.flat()), ...variables },
          { partial: true },
        );
        return batch.map((id, n) =>
          pageOf(id, answer.data[`list${n}`], errorAt(answer.errors, `list${n}`), answer),
        );
      },
      take,
    );
  }
  return { read, failed };
}

function goesOnNowhere(): CollectError {
  return new CollectError(
    'RefusedPage',
    'GitHub says that a list goes on and not where; the list is not complete: run again',
  );
}

/** Whether a page in descending order ends before a time, so that nothing behind it is later. */
export function endsBefore(page: readonly string[], time: Date): boolean {
  const times = page.map((at) => Date.parse(at));
  const inOrder = times.every((at, index) => at <= (times[index - 1] ?? at));
  const last = times.at(-1);
  return inOrder && last !== undefined && last < time.getTime();
}

/** GitHub's own count of the lists that were read to their end, and what they hold. */
export function countWholes<Entry extends { id: string }>(
  lists: Iterable<ReadList<Entry>>,
): { expected: number; found: number } {
  let expected = 0;
  let found = 0;
  for (const { whole, totalCount, entries } of lists) {
    if (!whole) continue;
    expected += totalCount;
    found += new Set(entries.map(({ id }) => id)).size;
  }
  return { expected, found };
}

/** Entries of a first page: a night's lists are short, a backfill's are full. */
export function firstPage(since: Date, now: Date, ofNight: number): number {
  return now.getTime() - since.getTime() > longNightMs ? mostOnPage : ofNight;
}
const longNightMs = 8 * 86_400_000;
const hourMs = 3_600_000;

/**
 * Work that reaches back to a time, done once a run: the first piece of a backfill is the earliest,
 * and what it reads serves those that follow. The datasets of one night ask from times that differ
 * by moments: from the beginning of the hour they share it, whichever comes first.
 */
export async function sinceEarliest<T>(
  github: GitHubContext,
  key: string,
  exactly: Date,
  work: (shared: GitHubContext, since: Date) => Promise<T>,
): Promise<T> {
  const since = new Date(Math.floor(exactly.getTime() / hourMs) * hourMs);
  const reading = (name: string) =>
    github.once(name, async (shared) => ({ since, value: await work(shared, since) }));
  const known = await reading(key);
  if (known.since <= since) return known.value;
  return (await reading(`${key} since ${since.toISOString()}`)).value;
}
