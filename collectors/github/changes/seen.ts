/** What came into scope since the slice before: it is asked from its past. */
import { type EventsContext, type Interval, timestamp, z } from '../../../src/plugin.ts';
import type { ListedRepository } from '../repositories/list.ts';
import type { GitHubScope } from '../scope.ts';

const byRepository = z.record(z.string(), z.array(z.string()));
const keptNames = z.object({ names: byRepository });
const keptSeen = z.object({
  refs: z.array(z.string()),
  /** When what was last seen of a repository ends, by its id. */
  seen: z.record(z.string(), timestamp()),
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
  readonly #interval: Interval;
  readonly #refs: readonly string[];
  readonly #sameRefs: boolean;
  readonly #seen: Readonly<Record<string, string>>;
  readonly #names: BranchNames;

  constructor({ interval, coveredSince, kept, config }: GitHubScope & EventsContext) {
    const before = keptSeen.safeParse(kept);
    const names = keptNames.safeParse(kept);
    this.#interval = interval;
    this.past = earlier(coveredSince, interval.start);
    this.heads = before.success ? before.data.heads : {};
    this.#names = names.success ? names.data.names : {};
    this.#seen = before.success ? before.data.seen : {};
    this.#refs = config.production_refs;
    // A pattern that is new may fit branches that are gone by now.
    this.#sameRefs =
      before.success && config.production_refs.every((ref) => before.data.refs.includes(ref));
  }

  /** Whether anything of it was not covered: it has to be asked from the past. */
  isNew(repository: ListedRepository): boolean {
    const { start } = this.#interval;
    return (
      this.past < start &&
      (!this.#sameRefs ||
        this.#seen[repository.id] === undefined ||
        repository.productionBranches.some(({ name }) => this.since(repository, name) < start))
    );
  }

  /**
   * From when on what was merged into a branch belongs to this slice: of a repository that was
   * away, from where it was last seen; of a branch that did not ship before, from the past.
   */
  since({ id }: Pick<ListedRepository, 'id'>, branch: string): Date {
    const last = this.#seen[id];
    return last !== undefined && this.#names[id]?.includes(branch)
      ? earlier(new Date(last), this.#interval.start)
      : this.past;
  }

  /** For the next slice. Of a repository that is away tonight it stays known until when it was. */
  kept(
    repositories: readonly ListedRepository[],
    names: BranchNames,
  ): { refs: string[]; seen: Record<string, string>; heads: Heads; names: BranchNames } {
    const end = this.#interval.end.toISOString();
    return {
      refs: [...this.#refs],
      seen: { ...this.#seen, ...Object.fromEntries(repositories.map(({ id }) => [id, end])) },
      heads: headsOf(repositories),
      names,
    };
  }
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}
