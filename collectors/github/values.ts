/** What the GitHub collectors share in reading answers. */
import {
  type Answer,
  CallError,
  CollectError,
  type GitHubContext,
  type GraphqlQuery,
  type JsonObject,
  z,
} from '../../src/plugin.ts';

const pageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });
type PageInfo = z.output<typeof pageInfo>;

/** The same in a GraphQL text. */
export const pageInfoText = 'pageInfo { hasNextPage endCursor }';

/** The shape of a GraphQL list; `items` is its `nodes` or `edges`. */
export const connection = <Items extends z.ZodRawShape>(items: Items) =>
  z.object({ totalCount: z.int(), pageInfo, ...items });

/**
 * Every page of a GraphQL list, from the cursor `after` on.
 * @throws CollectError RefusedPage where there is more and the answer does not say where.
 */
export async function* graphqlPages<Page>(
  ask: (after: string | null) => Promise<Page>,
  infoOf: (page: Page) => PageInfo,
  after: string | null = null,
): AsyncGenerator<Page> {
  const seen = new Set<string>();
  for (let cursor = after; ; ) {
    const page = await ask(cursor);
    yield page;
    const { hasNextPage, endCursor } = infoOf(page);
    if (!hasNextPage) return;
    if (endCursor === null || endCursor === cursor || seen.has(endCursor)) {
      throw new CollectError(
        'RefusedPage',
        'GitHub says that a list goes on and not where; the list is not complete: run again',
      );
    }
    seen.add(endCursor);
    cursor = endCursor;
  }
}

/** A list that stands within an answer. */
type ListPart<Item> = { totalCount: number; pageInfo: PageInfo } & (
  | { nodes: Item[] }
  | { edges: Item[] }
);

const itemsOf = <Item>(list: ListPart<Item>) => ('nodes' in list ? list.nodes : list.edges);

/** A query for further pages of a list that one object, `$id`, has. */
type FurtherPages<Item> = GraphqlQuery<z.ZodType<{ node: { list: ListPart<Item> } }>>;

/**
 * The whole of a list within an answer, and the answers that gave its further pages.
 * @throws CollectError TieOutMismatch where GitHub's own count differs.
 */
export async function wholeList<Item>(
  github: GitHubContext,
  what: string,
  first: ListPart<Item>,
  further: FurtherPages<Item>,
  variables: JsonObject,
): Promise<{ items: Item[]; from: Answer[] }> {
  const items = [...itemsOf(first)];
  const from: Answer[] = [];
  if (first.pageInfo.hasNextPage) {
    const pages = graphqlPages(
      (after) => github.query(further, { ...variables, after }),
      ({ data }) => data.node.list.pageInfo,
      first.pageInfo.endCursor,
    );
    for await (const page of pages) {
      items.push(...itemsOf(page.data.node.list));
      from.push(page);
    }
  }
  if (items.length !== first.totalCount) {
    throw new CollectError(
      'TieOutMismatch',
      `GitHub counts ${first.totalCount} ${what} and lists ${items.length}; run again in case it changed meanwhile`,
    );
  }
  return { items, from };
}

/**
 * A value as it must be.
 * @throws CollectError UnreadableResponse
 */
export function read<Shape extends z.ZodType>(
  shape: Shape,
  value: unknown,
  what: string,
): z.output<Shape> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CollectError(
    'UnreadableResponse',
    `${what} is not of GitHub's form (${issue?.path.join('.')}: ${issue?.message}); check GITHUB_API_URL and any proxy between`,
  );
}

/**
 * What a missing right took away, in GitHub's words and ours.
 * @throws everything that is no refusal.
 */
export function refusal(thrown: unknown): string {
  if (thrown instanceof CallError && thrown.code === 'AccessDenied') return thrown.message;
  throw thrown;
}

/** Something that was told, or a sentence that says why it was not. */
export type Told<Value> = { told: Value } | { untold: string };

/** Fields that were told, and why the others were not: to be spread into the record. */
export function toldFields<Fields extends object>(
  all: { [Field in keyof Fields]: Told<Fields[Field]> },
): { fields: Partial<Fields>; why: { untold?: Record<string, string> } } {
  const fields: Partial<Fields> = {};
  const untold: Record<string, string> = {};
  for (const field in all) {
    const value = all[field];
    if ('told' in value) fields[field] = value.told;
    else untold[field] = value.untold;
  }
  return { fields, why: Object.keys(untold).length === 0 ? {} : { untold } };
}

/** `acme/api` in two, as REST's routes want it. */
export function ownerAndName(repository: string): { owner: string; repo: string } {
  const [owner = '', repo = ''] = repository.split('/');
  return { owner, repo };
}

/** Done side by side; the provider keeps to what GitHub allows. */
const mostAtOnce = 16;

/** Works on each, many side by side, in the order in which they come. */
export async function each<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  // All at once, each of thousands would hold its place long before its turn.
  const waiting = items.values();
  const workSome = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: mostAtOnce }, workSome));
}

/**
 * Whether the whole text fits a pattern: `?` one character and `*` any run of them, none of which
 * is a `/`; `**` any run at all. Goes through the text once, with every place in the pattern that
 * it can be at, so that no pattern takes longer than the product of both lengths.
 */
export function fits(text: string, pattern: string): boolean {
  const steps = pattern.match(/\*+|[^*]/gu) ?? [];
  const isRun = (at: number) => steps[at]?.startsWith('*') === true;
  /** A run may be of nothing, so that whoever is at it is behind it too. */
  const reach = (at: number, places: Set<number>): void => {
    places.add(at);
    if (isRun(at)) places.add(at + 1);
  };
  let places = new Set<number>();
  reach(0, places);
  for (const character of text) {
    const next = new Set<number>();
    for (const at of places) {
      const step = steps[at];
      if (isRun(at)) {
        if (character !== '/' || step !== '*') reach(at, next);
      } else if (step === character || (step === '?' && character !== '/')) reach(at + 1, next);
    }
    places = next;
  }
  return places.has(steps.length);
}

/** Whether a text fits one of some patterns. */
export function fitsOne(text: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => fits(text, pattern));
}
