/** What happens in a world: changes, pushes, reviews, each leaving it consistent. */

import { accountOf } from './github-accounts.ts';
import { numberOf, oidOf } from './github-ids.ts';
import type {
  Handle,
  MergeMethod,
  ReviewState,
  Time,
  WorldCheck,
  WorldCommit,
  WorldPullRequest,
  WorldRepository,
  WorldReview,
  WorldSignature,
} from './github-world.ts';

/** That much later, or earlier where the number is negative. */
export function later(
  time: Time,
  by: { days?: number; hours?: number; minutes?: number; seconds?: number },
): Time {
  const { days = 0, hours = 0, minutes = 0, seconds = 0 } = by;
  const shift = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  return new Date(Date.parse(time) + shift).toISOString().replace(/\.\d+Z$/, 'Z');
}

export interface CommitOptions {
  /** A handle, or a name and address that no account belongs to. */
  author?: Handle | { name: string; email: string };
  committer?: Handle | { name: string; email: string };
  /** When it was written and committed, as the machine said. */
  at?: Time;
  committedAt?: Time;
  message?: string;
  /** Handles, or whole trailers' values (`Dave <dave@example.net>`). */
  coAuthors?: string[];
}

export interface CheckOptions extends Partial<WorldCheck> {
  name: string;
  /** Which of the pull request's commits it ran on: its place, from 0; default the last. */
  commit?: number;
}

export interface ReviewOptions {
  by: Handle | null;
  /** Default `APPROVED`. */
  state?: ReviewState;
  at?: Time;
  /** Which of the pull request's commits was reviewed: its place, from 0; null: it is gone. */
  commit?: number | null;
  body?: string;
  /** It was dismissed later; `state` is what it said before. */
  dismissed?: { at: Time; by?: Handle | null };
}

export interface PullRequestOptions {
  number?: number;
  title?: string;
  body?: string;
  author?: Handle | null;
  base?: string;
  branch?: string;
  fromFork?: boolean;
  at?: Time;
  /** Default one, by the author; each a minute after the one before. */
  commits?: CommitOptions[];
  labels?: string[];
  closes?: string[];
  files?: string[];
}

export interface MergeOptions {
  at: Time;
  by?: Handle | null;
  /** Default `squash`. */
  method?: MergeMethod;
  queue?: boolean;
}

export interface ChangeOptions extends Omit<PullRequestOptions, 'at'> {
  mergedAt: Time;
  /** Default a day before. */
  openedAt?: Time;
  mergedBy?: Handle | null;
  method?: MergeMethod;
  queue?: boolean;
  /** Default: bob approves the last commit ten minutes before the merge. */
  reviews?: ReviewOptions[];
  /** Default: `build` succeeds on the last commit before the merge. */
  checks?: CheckOptions[];
}

/** Where no time is told. */
const someTime = '2026-10-01T09:00:00Z';

/** A pull request that was opened, reviewed, checked and merged; the base branch holds it. */
export function mergedChange(repo: WorldRepository, options: ChangeOptions): WorldPullRequest {
  const { mergedAt, mergedBy, method, queue, reviews, checks, ...rest } = options;
  const at = options.openedAt ?? later(mergedAt, { days: -1 });
  const pr = openPullRequest(repo, { ...rest, at });
  const before = later(mergedAt, { minutes: -10 });
  const isLate = (each: ReviewOptions) => (each.at ?? before) > mergedAt;
  const all = reviews ?? [{ by: 'bob' }];
  for (const each of all.filter((one) => !isLate(one))) {
    review(repo, pr, { at: defaultReviewTime(repo, pr, each, before), ...each });
  }
  for (const each of checks ?? [{ name: 'build' }]) {
    const oid = pr.commits.at(each.commit ?? -1) ?? pr.head;
    addCheck(repo, oid, { completedAt: later(mergedAt, { minutes: -5 }), ...each });
  }
  merge(repo, pr, {
    at: mergedAt,
    ...(mergedBy === undefined ? {} : { by: mergedBy }),
    ...(method === undefined ? {} : { method }),
    ...(queue === undefined ? {} : { queue }),
  });
  for (const each of all.filter(isLate)) review(repo, pr, each);
  return pr;
}

/** A review of an earlier commit came before the next one. */
function defaultReviewTime(
  repo: WorldRepository,
  pr: WorldPullRequest,
  options: ReviewOptions,
  before: Time,
): Time {
  const { commit } = options;
  if (typeof commit !== 'number' || commit === pr.commits.length - 1) return before;
  const reviewed = repo.commits.get(pr.commits.at(commit) ?? '');
  return reviewed === undefined ? before : later(reviewed.committer.date, { seconds: 30 });
}

/** Opens a pull request with its commits. */
export function openPullRequest(
  repo: WorldRepository,
  options: PullRequestOptions & { at: Time },
): WorldPullRequest {
  const number = options.number ?? (repo.pullRequests.at(-1)?.number ?? 0) + 1;
  const author = options.author === undefined ? 'alice' : options.author;
  const base = options.base ?? repo.defaultBranch;
  const pr: WorldPullRequest = {
    number,
    title: options.title ?? `Change ${number}`,
    body: options.body ?? '',
    author,
    base,
    branch: options.branch ?? `change-${number}`,
    fromFork: options.fromFork ?? false,
    draft: false,
    createdAt: options.at,
    updatedAt: options.at,
    closedAt: null,
    commits: [],
    head: headAt(repo, base, options.at),
    merge: null,
    labels: options.labels ?? [],
    closes: options.closes ?? [],
    files: options.files ?? ['src/index.ts'],
    reviews: [],
    forcePushes: [],
  };
  repo.pullRequests.push(pr);
  const commits = options.commits ?? [{}];
  pushTo(
    repo,
    pr,
    commits.map((commit, index) => ({ at: later(options.at, { minutes: index }), ...commit })),
  );
  return pr;
}

/** Pushes further commits to a pull request's branch. */
export function pushTo(
  repo: WorldRepository,
  pr: WorldPullRequest,
  commits: (CommitOptions & { at: Time })[],
): void {
  for (const options of commits) {
    const made = addCommit(repo, [pr.head], {
      author: pr.author ?? 'ghost',
      message: `${pr.title}, part ${pr.commits.length + 1}`,
      ...options,
    });
    pr.commits.push(made.oid);
    pr.head = made.oid;
    touchPullRequest(pr, made.committer.date);
    if (!pr.fromFork) {
      repo.branches[pr.branch] = made.oid;
      touchRepository(repo, made.committer.date);
    }
  }
}

/** Adds a review; without a commit it is of the head at that time. */
export function review(
  repo: WorldRepository,
  pr: WorldPullRequest,
  options: ReviewOptions & { at?: Time },
): WorldReview {
  const at = options.at ?? later(pr.updatedAt, { minutes: 1 });
  const seen = pr.commits.filter((oid) => (repo.commits.get(oid)?.committer.date ?? '') <= at);
  const { by, state = 'APPROVED', commit, body = '', dismissed } = options;
  const made: WorldReview = {
    databaseId: numberOf(`review ${repo.databaseId} ${pr.number} ${pr.reviews.length}`),
    author: by,
    state: dismissed === undefined ? state : 'DISMISSED',
    submittedAt: state === 'PENDING' ? null : at,
    commit: commit === null ? null : (pr.commits.at(commit ?? seen.length - 1) ?? pr.head),
    body,
    dismissed:
      dismissed === undefined
        ? null
        : { at: dismissed.at, by: dismissed.by ?? 'alice', previous: state },
  };
  pr.reviews.push(made);
  touchPullRequest(pr, dismissed?.at ?? at);
  return made;
}

/** Dismisses a review that stands. */
export function dismiss(pr: WorldPullRequest, of: WorldReview, at: Time, by: Handle = 'alice') {
  of.dismissed = { at, by, previous: of.state };
  of.state = 'DISMISSED';
  touchPullRequest(pr, at);
}

/** Writes down a check of a commit. */
export function addCheck(repo: WorldRepository, oid: string, options: CheckOptions): WorldCheck {
  const { commit: _commit, ...rest } = options;
  const kind = options.kind ?? 'run';
  const completedAt = options.completedAt === undefined ? someTime : options.completedAt;
  const made: WorldCheck = {
    kind,
    app: kind === 'run' ? 'github-actions' : null,
    conclusion: completedAt === null ? null : 'success',
    startedAt: later(completedAt ?? someTime, { minutes: -4 }),
    ...rest,
    completedAt,
  };
  const checks = repo.checks.get(oid);
  if (checks === undefined) repo.checks.set(oid, [made]);
  else checks.push(made);
  return made;
}

const github = { name: 'GitHub', email: 'noreply@github.com' };

/** Merges a pull request as it is; the base branch gets what that method makes. */
export function merge(repo: WorldRepository, pr: WorldPullRequest, options: MergeOptions): void {
  const { at, method = 'squash', queue = false } = options;
  const by = options.by === undefined ? (queue ? mergeQueue : 'bob') : options.by;
  const landed = land(repo, pr, method, by ?? 'ghost', at);
  const commit = landed.at(-1) ?? pr.head;
  pr.merge = { at, by, method, queue, commit, landed };
  pr.closedAt = at;
  repo.branches[pr.base] = commit;
  delete repo.branches[pr.branch];
  touchPullRequest(pr, at);
  touchRepository(repo, at);
}

const mergeQueue = 'github-merge-queue[bot]';

function land(
  repo: WorldRepository,
  pr: WorldPullRequest,
  method: MergeMethod,
  by: Handle,
  at: Time,
): string[] {
  const base = headOf(repo, pr.base);
  const own = pr.commits.map((oid) => known(repo, oid));
  if (method === 'merge') {
    const message = `Merge pull request #${pr.number} from acme/${pr.branch}\n\n${pr.title}`;
    const made = addCommit(repo, [base, pr.head], { author: by, committer: github, at, message });
    return [...pr.commits, made.oid];
  }
  if (method === 'rebase') {
    const landed: string[] = [];
    for (const { author, message } of own) {
      const parents = [landed.at(-1) ?? base];
      const committer = signatureOf(by, at);
      landed.push(keepCommit(repo, { parents, author, committer, message }).oid);
    }
    return landed;
  }
  const others = new Map<string, WorldSignature>();
  for (const { author } of own) {
    if (author.handle !== (pr.author ?? 'ghost')) others.set(author.email, author);
  }
  const made = addCommit(repo, [base], {
    author: pr.author ?? 'ghost',
    committer: github,
    at,
    message: [
      `${pr.title} (#${pr.number})`,
      ...(own.length > 1 ? ['', ...own.map(({ message }) => `* ${message.split('\n')[0]}`)] : []),
    ].join('\n'),
    coAuthors: [...others.values()].map(({ name, email }) => `${name} <${email}>`),
  });
  return [made.oid];
}

/** Commits pushed to a branch without a pull request. A branch that is not there yet is made. */
export function directPush(
  repo: WorldRepository,
  branch: string,
  options: CommitOptions & { at: Time; by?: Handle; commits?: CommitOptions[]; from?: string },
): WorldCommit[] {
  const { commits = [{}], by = 'alice', from, ...shared } = options;
  const landed = commits.map((each, index) => {
    const head = repo.branches[branch] ?? (from === undefined ? undefined : headOf(repo, from));
    const made = addCommit(repo, head === undefined ? [] : [head], {
      author: by,
      message: `Direct change ${repo.commits.size + 1}`,
      ...shared,
      at: later(shared.at, { seconds: index }),
      ...each,
    });
    repo.branches[branch] = made.oid;
    return made;
  });
  touchRepository(repo, later(options.at, { seconds: commits.length - 1 }));
  return landed;
}

/** A new branch at the head of another. */
export function cutBranch(repo: WorldRepository, branch: string, from: string, at: Time): void {
  repo.branches[branch] = headOf(repo, from);
  touchRepository(repo, at);
}

/**
 * Rewrites history: of a branch, its last `drop` commits are replaced; of a pull request, all of
 * its own (or its last `drop`).
 */
export function forcePush(
  repo: WorldRepository,
  target: string | WorldPullRequest,
  options: {
    at: Time;
    by?: Handle | null;
    drop?: number;
    commits?: CommitOptions[];
    gone?: boolean;
  },
): void {
  const { at, by = 'alice', commits = [{}], gone = false } = options;
  if (typeof target === 'string') {
    const before = headOf(repo, target);
    let head: string | undefined = before;
    for (let left = options.drop ?? 1; left > 0 && head !== undefined; left -= 1) {
      head = known(repo, head).parents[0];
    }
    if (head === undefined) delete repo.branches[target];
    else repo.branches[target] = head;
    directPush(repo, target, { at, by: by ?? 'ghost', commits });
    if (gone) repo.commits.delete(before);
    return;
  }
  const before = target.head;
  const kept = target.commits.slice(
    0,
    target.commits.length - (options.drop ?? target.commits.length),
  );
  const first = known(repo, target.commits[kept.length] ?? before);
  target.commits = kept;
  target.head = first.parents[0] ?? before;
  pushTo(
    repo,
    target,
    commits.map((each) => ({ at, author: by ?? 'ghost', ...each })),
  );
  target.forcePushes.push({
    databaseId: numberOf(`force push ${repo.databaseId} ${target.number} ${at}`),
    at,
    actor: by,
    before: gone ? null : before,
    after: target.head,
  });
  if (gone) repo.commits.delete(before);
  touchPullRequest(target, at);
}

/** A commit of its own, on no branch yet. */
export function addCommit(
  repo: WorldRepository,
  parents: string[],
  options: CommitOptions,
): WorldCommit {
  const { author = 'alice', at = someTime, coAuthors = [] } = options;
  const trailers = coAuthors.map((one) => {
    const { name, email } = signatureOf(one, at);
    return `Co-authored-by: ${one.includes('<') ? one : `${name} <${email}>`}`;
  });
  const message = options.message ?? 'Change';
  return keepCommit(repo, {
    parents,
    author: signatureOf(author, at),
    committer: signatureOf(options.committer ?? author, options.committedAt ?? at),
    message: trailers.length === 0 ? message : [message, '', ...trailers].join('\n'),
  });
}

function keepCommit(repo: WorldRepository, parts: Omit<WorldCommit, 'oid'>): WorldCommit {
  const { parents, author, committer, message } = parts;
  const oid = oidOf(
    [repo.databaseId, repo.commits.size, ...parents, author.email, committer.date, message].join(
      ' ',
    ),
  );
  const made = { oid, parents, author, committer, message };
  repo.commits.set(oid, made);
  return made;
}

function signatureOf(who: Handle | { name: string; email: string }, date: Time): WorldSignature {
  if (typeof who === 'object') {
    return { ...who, handle: who === github ? 'web-flow' : null, date };
  }
  const { name, emails } = accountOf(who);
  return { name: name ?? who, email: emails[0] ?? '', handle: who, date };
}

/** The head of a branch. @throws Error where there is none */
export function headOf(repo: WorldRepository, branch: string): string {
  const head = repo.branches[branch];
  if (head === undefined) throw new Error(`${repo.name} has no branch '${branch}'`);
  return head;
}

/** Where a branch was at that time, by what its own commits say; its first one if it was not yet. */
function headAt(repo: WorldRepository, branch: string, at: Time): string {
  let head = known(repo, headOf(repo, branch));
  for (;;) {
    const [parent] = head.parents;
    if (head.committer.date <= at || parent === undefined) return head.oid;
    head = known(repo, parent);
  }
}

function known(repo: WorldRepository, oid: string): WorldCommit {
  const commit = repo.commits.get(oid);
  if (commit === undefined) throw new Error(`${repo.name} has no commit ${oid}`);
  return commit;
}

function touchPullRequest(pr: WorldPullRequest, at: Time): void {
  if (at > pr.updatedAt) pr.updatedAt = at;
}

function touchRepository(repo: WorldRepository, at: Time): void {
  if (repo.pushedAt === null || at > repo.pushedAt) repo.pushedAt = at;
  if (at > repo.updatedAt) repo.updatedAt = at;
}
