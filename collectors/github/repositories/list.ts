/** The repositories in scope, for every dataset that goes over them and their branches. */
import type { Answer } from '../../../src/plugin.ts';
import type { GitHubScope, Sayings } from '../scope.ts';
import { branchCalls, heldBranches, settingsOf } from './branches.ts';
import { listCalls, repositoriesWithBranches } from './listing.ts';

/** Calls of every dataset that asks `listRepositories`; spread them into its `calls`. */
export const repositoryCalls = { ...listCalls, ...branchCalls };

/** A repository in scope, and its production branches. */
export interface ListedRepository {
  /** Node id. */
  id: string;
  /** `acme/api` */
  name: string;
  createdAt: string;
  pushedAt: string | null;
  updatedAt: string;
  /** Who asks administers it: what GraphQL leaves out of it is not there. */
  canAdminister: boolean;
  /** Branches that match `production_refs`, by name; `head` is the commit each points to. */
  productionBranches: { id: string; name: string; head: string }[];
  /** Checks that must succeed on that branch, sorted; undefined where that could not be told. */
  requiredChecks(branch: string): string[] | undefined;
  /** The page of the list that named it. */
  answer: Answer;
}

/**
 * The repositories in scope whose branches could be told; another one makes the slice incomplete.
 * Those that have no production branch are there, and noted.
 */
export async function listRepositories(github: GitHubScope & Sayings): Promise<ListedRepository[]> {
  const repositories = await repositoriesWithBranches(github);
  const held = await heldBranches(github);
  return repositories.map(({ id, name, node, canAdminister, branches, answer }) => ({
    id,
    name,
    createdAt: node.createdAt,
    pushedAt: node.pushedAt,
    updatedAt: node.updatedAt,
    canAdminister,
    productionBranches: branches.map((branch) => ({
      id: branch.id,
      name: branch.name,
      head: branch.head,
    })),
    requiredChecks(wanted) {
      const branch = branches.find((one) => one.name === wanted);
      const rules = branch && held.get(branch.id);
      return rules === undefined || 'untold' in rules
        ? undefined
        : settingsOf(rules.sources).checks;
    },
    answer,
  }));
}
