/**
 * What all resolvers of GitHub's GraphQL share: pages of connections, rights, and the sources that
 * stand for the world's things.
 */
import { nodeId } from './github-ids.ts';
import { accountIn, type Rights } from './github-rights.ts';
import { appNumber, type PlacedRuleset } from './github-rules.ts';
import type {
  ActorReference,
  GitHubWorld,
  Handle,
  WorldAccount,
  WorldCheck,
  WorldCommit,
  WorldProtection,
  WorldPullRequest,
  WorldRepository,
  WorldReview,
  WorldRule,
  WorldTeam,
} from './github-world.ts';

/** What every resolver is given beside its source: one object a request. */
export interface Asked {
  world: GitHubWorld;
  rights: Rights;
  now: Date;
  /** A page may be shorter than was asked for. */
  mostPerPage: number;
  /** Place among the ids of `nodes` that is refused. */
  forbidden: number | undefined;
  /** What this query costs, and what is left after it; null where there is no limit. */
  rateLimit: object | null;
}

/** An error that GitHub answers in `errors`. */
export class GraphqlRefusal extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Arguments as far as any resolver reads them. */
export interface Arguments {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
  affiliation?: 'ALL' | 'DIRECT' | 'OUTSIDE' | null;
  author?: string | null;
  baseRefName?: string | null;
  databaseId?: number;
  environments?: string[] | null;
  expression?: string | null;
  headRef?: string;
  headRefName?: string | null;
  id?: string;
  ids?: string[];
  includeParents?: boolean;
  isArchived?: boolean | null;
  isFork?: boolean | null;
  itemTypes?: string[] | null;
  login?: string | null;
  membership?: 'ALL' | 'IMMEDIATE' | 'CHILD_TEAM';
  membersOnly?: boolean | null;
  name?: string;
  names?: string[];
  number?: number;
  oid?: string | null;
  orderBy?: { field: string; direction: 'ASC' | 'DESC' } | null;
  owner?: string;
  privacy?: string | null;
  qualifiedName?: string;
  query?: string | null;
  refName?: string | null;
  refPrefix?: string;
  role?: string | null;
  since?: string | null;
  slug?: string;
  states?: string[] | null;
  targets?: string[] | null;
  type?: string | null;
  until?: string | null;
  visibility?: string | null;
}

export type Fields<Source> = Record<
  string,
  (source: Source, args: Arguments, asked: Asked) => unknown
>;

interface Shape<Item> {
  /** Source of a node. */
  node?: (item: Item, index: number) => unknown;
  /** What an edge has beside. */
  edge?: (item: Item) => object;
  /** Where the connection is cut and its count is not. */
  total?: number;
}

const cursorOf = (place: number) => Buffer.from(`cursor:v2:${place}`).toString('base64');

function placeOf(cursor: string): number {
  const place = /^cursor:v2:(\d+)$/.exec(Buffer.from(cursor, 'base64').toString())?.[1];
  if (place === undefined) {
    const message = `\`${cursor}\` does not appear to be a valid cursor.`;
    throw new GraphqlRefusal('INVALID_CURSOR_ARGUMENTS', message);
  }
  return Number(place);
}

/** One page of a list. */
export function connect<Item>(
  asked: Asked,
  items: Item[],
  args: Arguments,
  shape: Shape<Item> = {},
) {
  const { node = (item: Item) => item, edge = () => ({}), total = items.length } = shape;
  let start = args.after == null ? 0 : placeOf(args.after);
  let end = args.before == null ? items.length : placeOf(args.before) - 1;
  if (args.first != null) end = Math.min(end, start + Math.min(args.first, asked.mostPerPage));
  else if (args.last != null) start = Math.max(start, end - Math.min(args.last, asked.mostPerPage));
  const page = items.slice(start, end);
  return {
    totalCount: total,
    nodes: () => page.map((item, index) => node(item, start + index)),
    edges: () =>
      page.map((item, index) => ({
        cursor: cursorOf(start + index + 1),
        node: () => node(item, start + index),
        ...edge(item),
      })),
    pageInfo: {
      startCursor: page.length === 0 ? null : cursorOf(start + 1),
      endCursor: page.length === 0 ? null : cursorOf(start + page.length),
      hasNextPage: end < items.length,
      hasPreviousPage: start > 0,
    },
  };
}

/** An App or fine-grained token without that permission is refused, as GitHub does it. */
export function need({ rights }: Asked, ...anyOf: string[]): void {
  if (!anyOf.some((permission) => rights.may(permission))) {
    throw new GraphqlRefusal('FORBIDDEN', rights.refusal);
  }
}

/** Reads what only an administrator may: an App is refused, for a person it is not there. */
export function administered({ rights }: Asked, repo: WorldRepository): boolean {
  if (rights.administers(repo)) return true;
  if (rights.kind === 'classic') return false;
  throw new GraphqlRefusal('FORBIDDEN', rights.refusal);
}

/** GitHub gives who may bypass only to who may change the ruleset. */
export function seesBypass({ rights }: Asked, { repo }: PlacedRuleset): boolean {
  return repo === null
    ? rights.asOwner('organization_administration', 'write')
    : rights.administers(repo, 'write');
}

/** Members of the organisation are told to members and to Apps with the permission. */
export function seesMembers({ rights }: Asked): boolean {
  return rights.kind === 'app' ? rights.may('members') : rights.member && rights.may('members');
}

export function seesProvider({ rights }: Asked): boolean {
  return rights.asOwner('members') && rights.scoped('read:org', 'admin:org');
}

export const web = 'https://github.com';

export interface AccountSource {
  handle: Handle;
  account: WorldAccount;
}
export interface RepositorySource {
  repo: WorldRepository;
  /** Of a repository outside the organisation. */
  owner?: string;
}
export interface RefSource extends RepositorySource {
  branch: string;
  /** Its name is what comes after. */
  prefix: string;
}
export interface CommitSource extends RepositorySource {
  commit: WorldCommit;
}
export interface PullRequestSource extends RepositorySource {
  pr: WorldPullRequest;
}
export interface ReviewSource extends PullRequestSource {
  review: WorldReview;
}
export interface CheckSource extends CommitSource {
  check: WorldCheck;
  index: number;
}
export interface RuleSource extends PlacedRuleset {
  rule: WorldRule;
  index: number;
}
export interface AllowanceSource extends RepositorySource {
  rule: WorldProtection;
  reference: ActorReference;
}

const accountPrefix: Record<WorldAccount['kind'], string> = {
  User: 'U',
  Bot: 'BOT',
  Mannequin: 'M',
  Organization: 'O',
  EnterpriseUserAccount: 'EUA',
};

/** Node id of an account. */
export const accountId = ({ kind, databaseId }: WorldAccount) =>
  nodeId(accountPrefix[kind], databaseId);
export const repositoryId = (repo: WorldRepository) => nodeId('R', repo.databaseId);
export const organizationId = ({ organization }: GitHubWorld) =>
  nodeId('O', organization.databaseId);
export const commitId = (repo: WorldRepository, oid: string) => nodeId('C', repo.databaseId, oid);
export const pullRequestId = (repo: WorldRepository, { number }: WorldPullRequest) =>
  nodeId('PR', repo.databaseId, number);

/** Who did something; null for an account that was deleted. */
export function actor({ world }: Asked, handle: Handle | null) {
  if (handle === null) return null;
  const account = accountIn(world, handle);
  return { __typename: account.kind, handle, account };
}

/** A member, collaborator or the account behind a commit, which GraphQL calls a user always. */
export function user({ world }: Asked, handle: Handle) {
  return { __typename: 'User', handle, account: accountIn(world, handle) };
}

/** Stands where GraphQL must name somebody and the account was deleted. */
export const ghost = { __typename: 'User', handle: 'ghost', account: accountOfGhost() };

function accountOfGhost(): WorldAccount {
  return { login: 'ghost', databaseId: 10137, kind: 'User', name: 'Deleted user', emails: [] };
}

export const organizationNode = { __typename: 'Organization' };
export const repositoryNode = (repo: WorldRepository) => ({ __typename: 'Repository', repo });
export const teamNode = (team: WorldTeam) => ({ __typename: 'Team', team });
export const pullRequestNode = (repo: WorldRepository, pr: WorldPullRequest) => ({
  __typename: 'PullRequest',
  ...{ repo, pr },
});

export function commitNode(repo: WorldRepository, oid: string | null | undefined) {
  const commit = oid == null ? undefined : repo.commits.get(oid);
  return commit === undefined ? null : { __typename: 'Commit', repo, commit };
}

export function refNode(repo: WorldRepository, branch: string, prefix = 'refs/heads/') {
  return repo.branches[branch] === undefined ? null : { __typename: 'Ref', repo, branch, prefix };
}

export const visible = (asked: Asked) => asked.world.repositories.filter(asked.rights.sees);

export function repositoryNamed(asked: Asked, name: string): WorldRepository | undefined {
  return visible(asked).find((repo) => same(repo.name, name));
}

/** Logins and names of repositories are the same in small and capital letters. */
export const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

export function notFound(what: string): GraphqlRefusal {
  return new GraphqlRefusal('NOT_FOUND', `Could not resolve to ${what}.`);
}

/** Secret teams are told to their members and to owners only. */
export function visibleTeams(asked: Asked): WorldTeam[] {
  const { world, rights } = asked;
  return world.organization.teams.filter(
    ({ privacy, members }) =>
      privacy === 'closed' ||
      rights.owner ||
      rights.kind === 'app' ||
      members.some(({ handle }) => handle === rights.handle),
  );
}

export function ordered<Item>(
  items: Item[],
  order: Arguments['orderBy'],
  keys: Record<string, (item: Item) => string | number>,
): Item[] {
  if (order == null) return items;
  const key = keys[order.field];
  if (key === undefined) throw new Error(`the stand-in has no order by ${order.field}`);
  const sign = order.direction === 'DESC' ? -1 : 1;
  return items.toSorted((one, other) => {
    const [left, right] = [key(one), key(other)];
    return left === right ? 0 : left < right ? -sign : sign;
  });
}

/** The part of a ref's name that comes after a prefix. */
export function nameAfter(branch: string, prefix: string): string {
  return `refs/heads/${branch}`.slice(prefix.length);
}

export const stateOf = ({ merge, closedAt }: WorldPullRequest) =>
  merge !== null ? 'MERGED' : closedAt !== null ? 'CLOSED' : 'OPEN';

const sorted = new WeakMap<WorldRepository, Map<string, WorldPullRequest[]>>();

/** Pull requests in an order; kept as long as it is one. */
export function inOrder(repo: WorldRepository, orderBy: Arguments['orderBy']): WorldPullRequest[] {
  const { field = 'CREATED_AT', direction = 'ASC' } = orderBy ?? {};
  const keys: Record<string, (pr: WorldPullRequest) => string> = {
    CREATED_AT: ({ createdAt }) => createdAt,
    UPDATED_AT: ({ updatedAt }) => updatedAt,
  };
  const key = keys[field];
  if (key === undefined) throw new Error(`the stand-in has no order by ${field}`);
  const kept = sorted.get(repo) ?? new Map<string, WorldPullRequest[]>();
  sorted.set(repo, kept);
  let list = kept.get(field);
  const holds =
    list !== undefined &&
    list.length === repo.pullRequests.length &&
    list.every((pr, index, all) => {
      const before = all[index - 1];
      return before === undefined || key(before) <= key(pr);
    });
  if (list === undefined || !holds) {
    list = repo.pullRequests.toSorted((one, other) => {
      const [left, right] = [key(one), key(other)];
      return left === right ? one.number - other.number : left < right ? -1 : 1;
    });
    kept.set(field, list);
  }
  return direction === 'DESC' ? list.toReversed() : list;
}

export function pullRequestsOn(
  asked: Asked,
  repo: WorldRepository,
  pullRequests: WorldPullRequest[],
  args: Arguments,
) {
  const wanted = pullRequests.filter(
    (pr) =>
      (args.states == null || args.states.includes(stateOf(pr))) &&
      (args.baseRefName == null || pr.base === args.baseRefName) &&
      (args.headRefName == null || pr.branch === args.headRefName),
  );
  return connect(asked, wanted, args, { node: (pr) => pullRequestNode(repo, pr) });
}

export const protectionNode = (repo: WorldRepository, rule: WorldProtection) => ({
  __typename: 'BranchProtectionRule',
  ...{ repo, rule },
});

export interface ProtectionSource extends RepositorySource {
  rule: WorldProtection;
}

export const rulesetNode = (placed: PlacedRuleset) => ({
  __typename: 'RepositoryRuleset',
  ...placed,
});
export const ruleNode = (placed: Omit<RuleSource, '__typename'>) => ({
  __typename: 'RepositoryRule',
  ...placed,
});
export const appNode = (world: GitHubWorld, slug: string) => ({
  __typename: 'App',
  slug,
  number: appNumber(world, slug),
});

export function targeted(placed: PlacedRuleset[], { targets }: Arguments): PlacedRuleset[] {
  return placed.filter(
    ({ ruleset }) => targets == null || targets.includes(ruleset.target.toUpperCase()),
  );
}
