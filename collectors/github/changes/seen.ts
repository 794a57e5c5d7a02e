/** What came into scope since the slice before: it is asked from its past. */
import { type EventsContext, z } from '../../../src/plugin.ts';
import type { ListedRepository } from '../repositories/list.ts';
import type { GitHubScope } from '../scope.ts';

const byRepository = z.record(z.string(), z.array(z.string()));
const keptNames = z.object({ names: byRepository });
const keptSeen = z.object({
  refs: z.array(z.string()),
  seen: z.array(z.string()),
  heads: z.record(z.string(), z.string()),
});

/** Where branches are or were, by `headKey`. */
export type Heads = Record<string, string>;

export function headKey({ id }: Pick<ListedRepository, 'id'>, branch: string): string {
  return `${id} ${branch}`;
}

export function headsOf(repositories: readonly ListedRepository[]): Heads {
  return Object.fromEntries(
    repositories.flatMap((repository) =>
      repository.productionBranches.map(({ name, head }) => [headKey(repository, name), head]),
    ),
  );
}

/**
 * Every name that a production branch ever had, by the repository's id: GitHub keeps the base of a
 * pull request as it was when its branch was renamed or removed.
 */
export type BranchNames = Record<string, string[]>;

export function branchNames(
  { kept }: Pick<EventsContext, 'kept'>,
  repositories: readonly ListedRepository[],
): BranchNames {
  const before = keptNames.safeParse(kept);
  const names: BranchNames = before.success ? { ...before.data.names } : {};
  for (const { id, productionBranches } of repositories) {
    const known = new Set(names[id]);
    for (const { name } of productionBranches) known.add(name);
    names[id] = [...known].sort();
  }
  return names;
}

/** What the slices before covered of pull requests, and from where to ask what they did not. */
export class Seen {
  /** From where what came into scope is asked. */
  readonly past: Date;
  /** Where the branches were. */
  readonly heads: Heads;
  readonly #start: Date;
  readonly #refs: readonly string[];
  readonly #seen: ReadonlySet<string>;
  readonly #names: BranchNames;

  constructor({ interval, coveredSince, kept, config }: GitHubScope & EventsContext) {
    const before = keptSeen.safeParse(kept);
    const names = keptNames.safeParse(kept);
    this.#start = interval.start;
    this.past = coveredSince < interval.start ? coveredSince : interval.start;
    this.heads = before.success ? before.data.heads : {};
    this.#names = names.success ? names.data.names : {};
    // A pattern that is new may fit branches that are gone by now.
    const sameRefs =
      before.success && config.production_refs.every((ref) => before.data.refs.includes(ref));
    this.#seen = new Set(sameRefs ? before.data.seen : []);
    this.#refs = config.production_refs;
  }

  /** Whether anything of it was not covered: it has to be asked from the past. */
  isNew(repository: ListedRepository): boolean {
    const { id, productionBranches } = repository;
    const isCovered =
      this.#seen.has(id) && productionBranches.every(({ name }) => this.#covers(repository, name));
    return this.past < this.#start && !isCovered;
  }

  /** From when on what was merged into a branch belongs to this slice. */
  since(repository: ListedRepository, branch: string): Date {
    return this.#covers(repository, branch) ? this.#start : this.past;
  }

  #covers({ id }: ListedRepository, branch: string): boolean {
    return this.#seen.has(id) && (this.#names[id]?.includes(branch) ?? false);
  }

  /** For the next slice. A repository that is away until then is new when it is back. */
  kept(
    repositories: readonly ListedRepository[],
    names: BranchNames,
  ): { refs: string[]; seen: string[]; heads: Heads; names: BranchNames } {
    return {
      refs: [...this.#refs],
      seen: repositories.map(({ id }) => id).sort(),
      heads: headsOf(repositories),
      names,
    };
  }
}
