/** The organisation's repositories as one GraphQL query lists them, asked once a run. */
import {
  type Answer,
  CallError,
  type GraphqlError,
  type ProblemCode,
} from '../../../src/plugin.ts';
import type { GitHubConfig, GitHubScope, Sayings } from '../scope.ts';
import { fits, fitsOne, graphqlPages, read, wholeList } from '../values.ts';
import {
  type BranchNode,
  beginning,
  branchesShape,
  branchFields,
  branchShape,
  branchVariables,
  moreBranches,
  type RepositoryNode,
  repositoriesAtOnce,
  repositoriesQuery,
} from './queries.ts';
import { unseenCalls, whyUnseen } from './unseen.ts';

const permissions = 'metadata:read contents:read administration:read';

/** Calls of every dataset that goes over the repositories. */
export const listCalls = {
  'graphql:Repositories': permissions,
  'graphql:Branches': permissions,
  ...unseenCalls,
};

/** A repository in scope, as the list tells it. */
export interface Repository {
  id: string;
  /** `acme/api` */
  name: string;
  /** Who asks administers it: what GraphQL leaves out of it is not there. */
  canAdminister: boolean;
  node: RepositoryNode;
  /** What GitHub refused to tell of it. */
  errors: GraphqlError[];
  /** Production branches by name, or why they could not be told. */
  branches: { known: ProductionBranch[] } | { untold: { code: ProblemCode; message: string } };
  /** The page of the list that named it. */
  answer: Answer;
  /** That page, and what was asked beside to know its branches. */
  from: Answer[];
}

export interface ProductionBranch {
  /** Node id of the ref. */
  id: string;
  /** `main` */
  name: string;
  /** The commit that it points to. */
  head: string;
  node: BranchNode;
}

export interface Listing {
  inScope: Repository[];
  /** The others by id, each with the reason. */
  leftOut: Map<string, { name: string; reason: string }>;
  /** Why there is nothing but a place in the list of some. */
  unread: string[];
  totalCount: number;
  /** Why there may be others that are not seen; undefined where there are none. */
  unseen: string | undefined;
}

/** Every repository that the credentials may see. */
export function repositoryListing(github: GitHubScope): Promise<Listing> {
  return github.once('repositories', (shared) => list({ ...github, ...shared }));
}

/**
 * The repositories in scope. Ties the list out: one that could not be read makes the slice
 * incomplete, and so does a list that may not be whole.
 */
export async function repositoriesInScope(github: GitHubScope & Sayings): Promise<Repository[]> {
  const { inScope, leftOut, unread, totalCount, unseen } = await repositoryListing(github);
  if (unseen !== undefined) github.incomplete('AccessDenied', unseen);
  for (const why of new Set(unread)) {
    github.note('AccessDenied', `a repository could not be read: ${why}`);
  }
  github.tieOut({
    by: 'totalCount of graphql:Repositories',
    expected: totalCount,
    found: inScope.length + leftOut.size,
  });
  if (inScope.length === 0 && leftOut.size > 0) {
    github.incomplete(
      'LeftOut',
      `none of the ${leftOut.size} repositories of ${github.organization} is in scope; check repositories: in tickmark.yaml`,
    );
  }
  return inScope;
}

/** A repository whose branches are known. */
export type BranchedRepository = Omit<Repository, 'branches'> & { branches: ProductionBranch[] };

/**
 * The repositories in scope whose branches could be told; another one makes the slice incomplete.
 * Those that have no production branch are there, and noted.
 */
export async function repositoriesWithBranches(
  github: GitHubScope & Sayings,
): Promise<BranchedRepository[]> {
  const repositories = await repositoriesInScope(github);
  const reasons = new Set<string>();
  const told = repositories.flatMap(({ branches, ...repository }) => {
    if ('known' in branches) return [{ ...repository, branches: branches.known }];
    reasons.add(branches.untold.message);
    github.note(branches.untold.code, `${repository.name}: ${branches.untold.message}`);
    return [];
  });
  if (told.length < repositories.length) {
    github.tieOut({
      by: `the list of repositories, whose branches should all be told (but ${[...reasons].join('; ')}),`,
      expected: repositories.length,
      found: told.length,
    });
  }
  const without = told.filter(({ branches }) => branches.length === 0).map(({ name }) => name);
  const inUse = told.some(({ node }) => !node.isEmpty);
  if (inUse && without.length === told.length) {
    github.incomplete(
      'LeftOut',
      `no branch of any repository matches production_refs (${github.config.production_refs.join(', ')}); name the branches that ship`,
    );
  } else if (without.length > 0) {
    github.note(
      'LeftOut',
      `no branch matches production_refs (${github.config.production_refs.join(', ')}) in ${without.join(', ')}`,
    );
  }
  return told;
}

/** Why a repository is not asked; undefined where it is. */
export function reasonToLeaveOut(
  node: Pick<RepositoryNode, 'name' | 'isArchived' | 'isFork' | 'isDisabled'>,
  { include, exclude, archived, forks }: GitHubConfig['repositories'],
): string | undefined {
  if (!fitsOne(node.name, include)) return 'not among repositories.include';
  if (fitsOne(node.name, exclude)) return 'excluded by repositories.exclude';
  if (node.isArchived && !archived) return 'archived';
  if (node.isFork && !forks) return 'a fork';
  if (node.isDisabled) return 'disabled by GitHub, so that nothing in it can be read';
  return undefined;
}

async function list(github: GitHubScope): Promise<Listing> {
  const leftOut: Listing['leftOut'] = new Map();
  const unread: string[] = [];
  const asked: { node: RepositoryNode; errors: GraphqlError[]; answer: Answer }[] = [];
  let totalCount = 0;
  for await (const { list, errors, answer } of graphqlPages(
    pageReader(github),
    ({ list }) => list.pageInfo,
  )) {
    totalCount = list.totalCount;
    list.nodes.forEach((node, place) => {
      // organization, repositories, nodes, place, …
      const own = errors.filter(({ path }) => path[3] === place);
      if (node === null) {
        unread.push(own[0]?.message ?? 'GitHub gives no reason');
        return;
      }
      const reason = reasonToLeaveOut(node, github.config.repositories);
      if (reason === undefined) asked.push({ node, errors: own, answer });
      else leftOut.set(node.id, { name: node.nameWithOwner, reason });
    });
  }
  const inScope = await Promise.all(
    asked.map(({ node, errors: own, answer }) => readRepository(github, node, own, answer)),
  );
  const unseen = await whyUnseen(github, totalCount);
  return { inScope, leftOut, unread, totalCount, unseen };
}

/** What GitHub ends because it takes too long. */
const isTooHeavy = (thrown: unknown) =>
  thrown instanceof CallError && (thrown.status === 502 || thrown.status === 504);

/** Asks page after page; for fewer repositories at once where GitHub cannot bear more. */
function pageReader(github: GitHubScope) {
  const refs = github.config.production_refs;
  const query = repositoriesQuery(refs);
  const fixed = { organization: github.organization, ...branchVariables(refs) };
  let first = repositoriesAtOnce(refs);
  let keys = true;
  const ask = async (after: string | null, withKeys: boolean) => {
    for (;;) {
      try {
        const answer = await github.query(
          query,
          { ...fixed, after, first, keys: withKeys },
          { partial: true },
        );
        const { repositories } = answer.data.organization;
        return { list: repositories, errors: answer.errors, answer };
      } catch (thrown) {
        if (!isTooHeavy(thrown) || first === 1) throw thrown;
        first = Math.ceil(first / 2);
      }
    }
  };
  return async (after: string | null) => {
    const page = await ask(after, keys);
    if (!keys || !page.list.nodes.includes(null)) return page;
    // A list that may not be null (of deploy keys) takes its repository with it when refused.
    const without = await ask(after, false);
    keys = without.list.nodes.includes(null);
    return without;
  };
}

async function readRepository(
  github: GitHubScope,
  node: RepositoryNode,
  errors: GraphqlError[],
  answer: Answer,
): Promise<Repository> {
  const from = [answer];
  return {
    id: node.id,
    name: node.nameWithOwner,
    canAdminister: node.viewerCanAdminister,
    node,
    errors,
    branches: await branchesOf(github, node, errors, from),
    answer,
    from,
  };
}

/** What GitHub says about a field that it did not tell. */
export function refusedField(errors: readonly GraphqlError[], field: string): string | undefined {
  return errors.find(({ path }) => path.includes(field))?.message;
}

async function branchesOf(
  github: GitHubScope,
  node: RepositoryNode,
  errors: GraphqlError[],
  from: Answer[],
): Promise<Repository['branches']> {
  const refs = github.config.production_refs;
  const what = `branches of ${node.nameWithOwner}`;
  const untold = (why: string): Repository['branches'] => ({
    untold: {
      code: 'AccessDenied',
      message: `its branches were not told (${why}); give the token contents:read`,
    },
  });
  if (node.defaultBranchRef === null && !node.isEmpty) {
    return untold(refusedField(errors, 'defaultBranchRef') ?? 'it has no default branch');
  }
  const found = new Map<string, BranchNode>();
  for (const { ref, field } of branchFields(refs)) {
    const refused = node[field] === null ? refusedField(errors, field) : undefined;
    if (refused !== undefined) return untold(refused);
    if (!field.startsWith('refs')) {
      const branch = read(branchShape.nullable(), node[field], what);
      if (branch !== null) found.set(branch.id, branch);
      continue;
    }
    const first = read(branchesShape, node[field], what);
    const query = { id: node.id, query: beginning(ref) };
    const whole = await wholeList(github, what, first, moreBranches, query);
    from.push(...whole.from);
    for (const branch of whole.items) if (fits(nameOf(branch), ref)) found.set(branch.id, branch);
  }
  const known: ProductionBranch[] = [];
  for (const branch of found.values()) {
    const name = nameOf(branch);
    if (branch.target === null) return untold(`${name} has no head`);
    known.push({ id: branch.id, name, head: branch.target.oid, node: branch });
  }
  return { known: known.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** Without `refs/heads/`, wherever GitHub cuts between prefix and name. */
const nameOf = ({ prefix, name }: BranchNode) => `${prefix}${name}`.replace(/^refs\/heads\//, '');
