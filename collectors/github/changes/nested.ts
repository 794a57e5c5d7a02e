/** A list that stands within another answer, and is read on to its end. */
import {
  type Answer,
  CollectError,
  type GitHubContext,
  type GraphqlQuery,
  z,
} from '../../../src/plugin.ts';
import { connection, graphqlPages, pageInfoText } from '../values.ts';
import { notTold } from './batches.ts';

/** The shape of a list whose entries may be withheld. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  connection({ nodes: z.array(item.nullable()) });

/** The same in a GraphQL text. */
export const listText = (nodes: string) => `{ totalCount ${pageInfoText} nodes { ${nodes} } }`;

/** Further pages of one list of one node. */
export type MoreOf<List> = GraphqlQuery<z.ZodType<{ node: { list: List } }>>;

/** The arguments of a further page. */
export const nextPage = 'first: 100, after: $after';

export function moreOf<List extends z.ZodType>(name: string, on: string, text: string, list: List) {
  return {
    name,
    text: `query ${name}($id: ID!, $after: String) { node(id: $id) { ... on ${on} { list: ${text} } } }`,
    answer: z.object({ node: z.object({ list }) }),
  };
}

/** A list as an answer holds it. */
export interface ListNode<Item> {
  totalCount?: number;
  nodes: (Item | null)[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Reads lists on from where an answer ends, and notes the further answers in `from`. */
export class ListReader {
  readonly github: GitHubContext;
  readonly from: Answer[];

  constructor(github: GitHubContext, from: Answer[]) {
    this.github = github;
    this.from = from;
  }

  /** @throws CollectError where it is not as many as GitHub counts */
  async whole<Item>(
    what: string,
    first: ListNode<Item>,
    more: MoreOf<ListNode<Item>>,
    id: string,
  ): Promise<Item[]> {
    return counted(what, first, await this.uncounted(what, first, more, id));
  }

  /** A list that has no count to hold it against. */
  async uncounted<Item>(
    what: string,
    first: ListNode<Item>,
    more: MoreOf<ListNode<Item>>,
    id: string,
  ): Promise<Item[]> {
    return toItsEnd(what, first, async (after) => {
      const answer = await this.github.query(more, { id, after });
      this.from.push(answer);
      return answer.data.node.list;
    });
  }
}

/** @throws CollectError where an item is not told */
export async function toItsEnd<Item>(
  what: string,
  first: ListNode<Item>,
  more: (after: string | null) => Promise<ListNode<Item>>,
): Promise<Item[]> {
  const items = [...first.nodes];
  const { hasNextPage, endCursor } = first.pageInfo;
  if (hasNextPage) {
    for await (const { nodes } of graphqlPages(more, ({ pageInfo }) => pageInfo, endCursor)) {
      items.push(...nodes);
    }
  }
  return items.filter((item) => item !== null || withheld(what)) as Item[];
}

/** @throws CollectError where it is not as many as GitHub counts */
export function counted<Item>(what: string, { totalCount }: ListNode<Item>, items: Item[]): Item[] {
  if (items.length === totalCount) return items;
  throw miscounted(what, totalCount, items.length);
}

export function miscounted(what: string, count: number | undefined, listed: number): CollectError {
  return new CollectError(
    'TieOutMismatch',
    `GitHub counts ${count} ${what} and lists ${listed}; run again in case it changed meanwhile`,
  );
}

/** @throws CollectError */
export function withheld(what: string): never {
  throw notTold(undefined, `all ${what}`, 'the rights that see them');
}
