/** A repository's commits as Git and GitHub walk them, with what is found kept between requests. */
import {
  later,
  type Time,
  type WorldCommit,
  type WorldPullRequest,
  type WorldRepository,
} from './github-world.ts';

interface Found {
  /** What it was made from; a test may have changed the world since. */
  mark: number;
  /** The request in which the mark was last looked at. */
  request: object | undefined;
  /** Pull requests that hold a commit, or by which it landed. */
  byCommit: Map<string, WorldPullRequest[]>;
  /** Everything that can be reached, by head. Commits never change, so these stay true. */
  ancestors: Map<string, Set<string>>;
  walks: Map<string, string[]>;
}

const found = new WeakMap<WorldRepository, Found>();

/** What is kept of a repository; made anew when its pull requests have changed since. */
function foundIn(repo: WorldRepository, request: object): Found {
  const before = found.get(repo);
  if (before?.request === request) return before;
  const mark = markOf(repo);
  if (before?.mark === mark) {
    before.request = request;
    return before;
  }
  const byCommit = new Map<string, WorldPullRequest[]>();
  for (const pr of repo.pullRequests) {
    for (const oid of new Set([...pr.commits, ...(pr.merge?.landed ?? [])])) {
      const others = byCommit.get(oid);
      if (others === undefined) byCommit.set(oid, [pr]);
      else others.push(pr);
    }
  }
  const { ancestors = new Map(), walks = new Map() } = before ?? {};
  const made = { mark, request, byCommit, ancestors, walks };
  found.set(repo, made);
  return made;
}

/** Changes with whatever can change which pull request holds which commit. */
function markOf(repo: WorldRepository): number {
  let mark = repo.commits.size;
  for (const { number, head, commits, merge } of repo.pullRequests) {
    const landed = merge === null ? 0 : letters(merge.commit);
    mark = (Math.imul(mark, 31) + number + letters(head) + commits.length + landed) | 0;
  }
  return mark;
}

function letters(oid: string): number {
  return (oid.charCodeAt(0) << 16) ^ (oid.charCodeAt(1) << 8) ^ oid.charCodeAt(2);
}

/** A pull request by its number. */
export function pullRequestIn(repo: WorldRepository, number: number): WorldPullRequest | undefined {
  const likely = repo.pullRequests[number - 1];
  return likely?.number === number ? likely : repo.pullRequests.find((pr) => pr.number === number);
}

/**
 * Pull requests of a commit: merged ones that brought it; and open ones too, unless the default
 * branch holds it (`Commit.associatedPullRequests` in GitHub's GraphQL reference).
 */
export function pullRequestsOf(
  repo: WorldRepository,
  oid: string,
  request: object,
): WorldPullRequest[] {
  const { byCommit } = foundIn(repo, request);
  const all = byCommit.get(oid) ?? [];
  const head = repo.branches[repo.defaultBranch];
  const onDefault = head !== undefined && ancestorsOf(repo, head, request).has(oid);
  return all.filter(({ merge, closedAt }) => merge !== null || (!onDefault && closedAt === null));
}

/** A commit and everything before it. */
export function ancestorsOf(repo: WorldRepository, head: string, request: object): Set<string> {
  const { ancestors } = foundIn(repo, request);
  return remember(ancestors, head, () => {
    const seen = new Set([head]);
    for (const oid of seen) for (const parent of parentsOf(repo, oid)) seen.add(parent);
    return seen;
  });
}

/**
 * As `git log --since --until` has it, newest first by the committer's date. An older commit ends
 * the walk: what lies behind it is not shown, whatever its date.
 */
export function historyOf(
  repo: WorldRepository,
  head: string,
  between: { since?: string; until?: string },
  request: object,
): string[] {
  const since = between.since === undefined ? '' : later(between.since, {});
  const until = between.until === undefined ? '9' : later(between.until, {});
  const { walks } = foundIn(repo, request);
  return remember(walks, `${head} ${since} ${until}`, () => {
    const walked = walk(repo, head, (oid) => dateOf(repo, oid) >= since);
    return walked.filter((oid) => dateOf(repo, oid) <= until);
  });
}

export interface Comparison {
  status: 'identical' | 'ahead' | 'behind' | 'diverged';
  mergeBase: string;
  /** Reached from the head and not from the base, oldest first. */
  ahead: string[];
  behind: number;
}

/** `base...head`; undefined where they have nothing in common. */
export function compare(
  repo: WorldRepository,
  base: string,
  head: string,
  request: object,
): Comparison | undefined {
  const before = ancestorsOf(repo, base, request);
  const after = ancestorsOf(repo, head, request);
  const mergeBase = walk(repo, head).find((oid) => before.has(oid));
  if (mergeBase === undefined) return undefined;
  const ahead = walk(repo, head, (oid) => !before.has(oid)).reverse();
  const behind = [...before].filter((oid) => !after.has(oid)).length;
  const status =
    ahead.length > 0 ? (behind > 0 ? 'diverged' : 'ahead') : behind > 0 ? 'behind' : 'identical';
  return { status, mergeBase, ahead, behind };
}

/** What a commit is called: a branch, a tag's or commit's id, or the beginning of one. */
export function resolve(repo: WorldRepository, name: string): WorldCommit | undefined {
  const branch = repo.branches[name.replace(/^refs\/heads\//, '')];
  const oid = branch ?? (name === 'HEAD' ? repo.branches[repo.defaultBranch] : name);
  return oid === undefined ? undefined : repo.commits.get(oid);
}

function parentsOf(repo: WorldRepository, oid: string): string[] {
  const parents = repo.commits.get(oid)?.parents ?? [];
  return parents.filter((parent) => repo.commits.has(parent));
}

function dateOf(repo: WorldRepository, oid: string): Time {
  return repo.commits.get(oid)?.committer.date ?? '';
}

/** Commits from a head on, newest first as Git has it. `goes`: whether to go to a commit at all. */
function walk(
  repo: WorldRepository,
  head: string,
  goes: (oid: string) => boolean = () => true,
): string[] {
  const waiting = goes(head) ? [{ oid: head, date: dateOf(repo, head) }] : [];
  const seen = new Set(waiting.map(({ oid }) => oid));
  const walked: string[] = [];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    walked.push(next.oid);
    for (const oid of parentsOf(repo, next.oid)) {
      if (seen.has(oid) || !goes(oid)) continue;
      seen.add(oid);
      const date = dateOf(repo, oid);
      const older = waiting.findIndex((one) => one.date < date);
      waiting.splice(older === -1 ? waiting.length : older, 0, { oid, date });
    }
  }
  return walked;
}

/** Keeps the last few, so that a long run over moving heads does not fill the memory. */
function remember<Value>(kept: Map<string, Value>, key: string, make: () => Value): Value {
  const before = kept.get(key);
  if (before !== undefined) return before;
  const made = make();
  const oldest = kept.size >= 12 ? kept.keys().next().value : undefined;
  if (oldest !== undefined) kept.delete(oldest);
  kept.set(key, made);
  return made;
}
