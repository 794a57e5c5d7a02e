/** From what GitHub tells of a pull request to what tests read: pure. */
import type { z } from '../../../src/plugin.ts';
import type { GitActor } from './git-actors.ts';
import type { PullCommit, PullRequest } from './pull-request.ts';
import type { CheckContext, PullEvent, Review } from './pull-request-queries.ts';
import type { change, check, review } from './schema.ts';

type Change = z.input<typeof change>;
type ToldReview = z.input<typeof review>;
type ToldCheck = z.input<typeof check>;

/** What GitHub calls a deleted account. One ghost need not be the same person as another. */
export const ghost = 'ghost';
/** GitHub itself, as committer of what is made in its web pages. */
const webFlow = 'web-flow';
const webFlowMail = 'noreply@github.com';

/** Rights are told as they are when they are asked for: later than this they prove nothing. */
const rightsHoldMs = 48 * 3_600_000;
const hourMs = 3_600_000;
/** GitHub throws checks away after a time: that there are none then says nothing. */
const checksKeptMs = 90 * 24 * hourMs;

/** What stands beside a pull request, and is not of it. */
export interface ChangeFacts {
  /** `acme/api`. */
  repository: string;
  /** When GitHub was asked. */
  askedAt: Date;
  /** What was told of it when it was first asked for; see `firstTold`. */
  before: FirstTold | undefined;
  /** What the base branch's rules ask for now; undefined where that is not told. */
  requiredChecks: string[] | undefined;
}

/** What GitHub tells as of now only, as it was when the pull request was first asked for. */
export type FirstTold = {
  requiredChecks?: string[] | undefined;
  /** By the review's id. */
  couldPush: Record<string, boolean>;
};

/** The fields of a change; those that GitHub did not tell all about are left out. */
export function changeOf(pull: PullRequest, facts: ChangeFacts): Partial<Change> {
  const { node, commits, reviews, events, labels, issues, checks, files } = pull;
  const { repository } = facts;
  const told = firstTold(pull, facts);
  const author = node.author?.login ?? ghost;
  const requiredChecks = told.requiredChecks;
  return {
    repository,
    repository_id: node.repository.id,
    number: node.number,
    title: node.title,
    base: node.baseRefName,
    branch: node.headRefName,
    author,
    author_kind: node.author?.__typename ?? 'User',
    merged_at: node.mergedAt,
    merged_by: node.mergedBy?.login ?? null,
    head: node.headRefOid,
    merge_commit: node.mergeCommit?.oid ?? null,
    ticket_keys: ticketKeys([node.title, node.headRefName, node.body]),
    ...(requiredChecks === undefined ? {} : { required_checks: requiredChecks }),
    ...(commits === undefined ? {} : { commits: commits.length }),
    ...(commits === undefined || events === undefined
      ? {}
      : { contributors: contributorsOf(author, commits, events) }),
    ...(commits === undefined || events === undefined || reviews === undefined
      ? {}
      : { reviews: reviewsOf({ node, commits, events, reviews }, told) }),
    ...(checks === undefined || areForgotten(pull, facts)
      ? {}
      : { checks: checksOf(checks, node.mergedAt) }),
    ...(labels === undefined ? {} : { labels: sorted(labels) }),
    ...(issues === undefined ? {} : { issues: sorted(issues) }),
    ...(files === undefined ? {} : { files: sorted(files) }),
  };
}

/**
 * What GitHub tells as of now, held against the time of the merge. It is taken once, from the first
 * answer: what comes later says less of the time of the merge.
 */
export function firstTold(
  { node, reviews }: Pick<PullRequest, 'node' | 'reviews'>,
  { askedAt, before, requiredChecks }: ChangeFacts,
): FirstTold {
  const inTime = askedAt.getTime() - Date.parse(node.mergedAt) <= rightsHoldMs;
  const now = (reviews ?? []).map(({ id, authorCanPushToRepository }) => [
    id,
    authorCanPushToRepository,
  ]);
  return {
    requiredChecks: before?.requiredChecks ?? requiredChecks,
    couldPush: { ...(inTime ? Object.fromEntries(now) : {}), ...before?.couldPush },
  };
}

// --- people ------------------------------------------------------------------------------

const isWebFlow = ({ user, email }: GitActor) =>
  user === null ? email === webFlowMail : user.login === webFlow;

/** A login, or what Git says where GitHub knows no account. */
export function nameOfActor(actor: GitActor | null): string {
  if (actor === null) return ghost;
  if (isWebFlow(actor)) return webFlow;
  return actor.user?.login ?? (actor.email || actor.name || ghost);
}

/** Who wrote and committed a commit, without GitHub itself. */
function actorsOf({ authors, committer }: PullCommit): GitActor[] {
  return [...authors, ...(committer === null ? [] : [committer])].filter(
    (actor) => !isWebFlow(actor),
  );
}

/** Who rewrote the branch; null for a deleted account. */
function forcePushersOf(events: PullEvent[]): (string | null)[] {
  return events.flatMap((event) =>
    event.__typename === 'HeadRefForcePushedEvent' ? [event.actor?.login ?? null] : [],
  );
}

function contributorsOf(author: string, commits: PullCommit[], events: PullEvent[]): string[] {
  const committed = commits.flatMap((commit) => actorsOf(commit).map(nameOfActor));
  const pushed = forcePushersOf(events).map((login) => login ?? ghost);
  return sorted([author, ...committed, ...pushed]);
}

/**
 * Whether the reviewer may have had a part in it. Where that cannot be ruled out it counts as so:
 * for a deleted account, and for a commit that GitHub ties to no account but that bears the
 * reviewer's name.
 */
function mayBeContributor(
  reviewer: Review['author'],
  author: string,
  commits: PullCommit[],
  events: PullEvent[],
): boolean {
  if (reviewer === null || reviewer.login === ghost) return true;
  return (
    reviewer.login === author ||
    forcePushersOf(events).includes(reviewer.login) ||
    commits.some((commit) => actorsOf(commit).some((actor) => mayBe(reviewer, actor)))
  );
}

function mayBe(reviewer: NonNullable<Review['author']>, { user, name, email }: GitActor): boolean {
  if (user !== null) return user.login === reviewer.login;
  // The part of a mail address before the @, without the number that GitHub puts before a login.
  const mailbox = (email ?? '').replace(/@.*$/s, '').replace(/^\d+\+/, '');
  const own = [reviewer.login, reviewer.name ?? ''].map(plain).filter((text) => text !== '');
  const given = [name ?? '', mailbox].map(plain).filter((text) => text !== '');
  return given.length === 0 || given.some((text) => own.includes(text));
}

function plain(text: string): string {
  return text.trim().toLowerCase();
}

// --- reviews -----------------------------------------------------------------------------

const states = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'changes_requested',
  COMMENTED: 'commented',
  DISMISSED: 'dismissed',
} as const;

function reviewsOf(
  {
    node,
    commits,
    events,
    reviews,
  }: Required<
    Pick<PullRequest, 'node'> & {
      [List in 'commits' | 'events' | 'reviews']: NonNullable<PullRequest[List]>;
    }
  >,
  { couldPush }: FirstTold,
): ToldReview[] {
  const mergedAt = Date.parse(node.mergedAt);
  const author = node.author?.login ?? ghost;
  const dismissals = dismissalsOf(events);
  const said = reviews
    .flatMap((each) => {
      const { state, submittedAt } = each;
      // A pending review is told to its own author only, and says nothing yet.
      if (state === 'PENDING' || submittedAt === null) return [];
      const at = Date.parse(submittedAt);
      const dismissal = dismissals.get(each.id);
      const dismissedAt = dismissal?.createdAt ?? null;
      const beforeMerge = at <= mergedAt;
      // What was dismissed after the merge stood at the merge.
      const stood =
        state === 'DISMISSED' &&
        dismissal !== undefined &&
        beforeMerge &&
        Date.parse(dismissal.createdAt) > mergedAt;
      const was = stood ? dismissal.previousReviewState : state;
      return was === 'PENDING'
        ? []
        : [{ each, submittedAt, at, dismissedAt, beforeMerge, state: states[was] }];
    })
    .sort((a, b) => a.at - b.at);
  return said.map(({ each, submittedAt, at, dismissedAt, beforeMerge, state }, index) => {
    const commit = each.commit?.oid ?? null;
    const onHead = commit === node.headRefOid;
    const seen = commits.findIndex(({ oid }) => oid === commit);
    // Of a head that is gone nobody can say what came after: everything may have.
    const after = onHead ? [] : commits.slice(seen + 1);
    const login = each.author?.login ?? ghost;
    return {
      reviewer: login,
      kind: each.author?.__typename ?? 'User',
      state,
      dismissed_at: dismissedAt,
      submitted_at: submittedAt,
      commit,
      on_head: onHead,
      before_merge: beforeMerge,
      hours_after_merge: beforeMerge ? null : (at - mergedAt) / hourMs,
      superseded: said
        .slice(index + 1)
        .some(
          (later) =>
            later.each.author !== null &&
            later.each.author.login === each.author?.login &&
            login !== ghost &&
            later.state !== 'commented' &&
            (later.beforeMerge || !beforeMerge),
        ),
      by_contributor: mayBeContributor(each.author, author, commits, events),
      could_push: couldPush[each.id] ?? null,
      commits_after: after.length,
      authors_after: sorted(after.flatMap(({ authors }) => authors.map(nameOfActor))),
    };
  });
}

/** When each review was dismissed, and what it said before, by its id. */
function dismissalsOf(
  events: PullEvent[],
): Map<string, Extract<PullEvent, { __typename: 'ReviewDismissedEvent' }>> {
  const first = new Map<string, Extract<PullEvent, { __typename: 'ReviewDismissedEvent' }>>();
  for (const event of events) {
    if (event.__typename !== 'ReviewDismissedEvent' || event.review === null) continue;
    const known = first.get(event.review.id);
    if (known === undefined || Date.parse(event.createdAt) < Date.parse(known.createdAt)) {
      first.set(event.review.id, event);
    }
  }
  return first;
}

// --- checks ------------------------------------------------------------------------------

/** Whether checks may have been there that GitHub has thrown away since. */
export function areForgotten(
  { node, checks }: Pick<PullRequest, 'node' | 'checks'>,
  { askedAt }: Pick<ChangeFacts, 'askedAt'>,
): boolean {
  return checks?.length === 0 && askedAt.getTime() - Date.parse(node.mergedAt) > checksKeptMs;
}

/** States of a commit status in which nothing has come out yet. */
const undecided = ['PENDING', 'EXPECTED'];

/**
 * One check for each name and whoever gives it: GitHub asks for all that go by a required name. Of
 * several runs the last that began before the merge, since only those can have decided about it.
 */
function checksOf(contexts: CheckContext[], mergedAt: string): ToldCheck[] {
  const merged = Date.parse(mergedAt);
  const bySource = new Map<string, (ToldCheck & { begun: number })[]>();
  for (const context of contexts) {
    const run = runOf(context, merged);
    const source = JSON.stringify([run.check, run.app]);
    bySource.set(source, [...(bySource.get(source) ?? []), run]);
  }
  return [...bySource.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, runs]) => {
      const early = runs.filter(({ begun }) => begun <= merged);
      const { begun: _, ...last } = (early.length > 0 ? early : runs).reduce((latest, run) =>
        run.begun >= latest.begun ? run : latest,
      );
      return last;
    });
}

function runOf(context: CheckContext, merged: number): ToldCheck & { begun: number } {
  const isRun = context.__typename === 'CheckRun';
  const conclusion = isRun
    ? context.conclusion
    : undecided.includes(context.state)
      ? null
      : context.state;
  const completedAt = isRun ? context.completedAt : conclusion === null ? null : context.createdAt;
  const begun = isRun ? (context.startedAt ?? context.completedAt) : context.createdAt;
  return {
    check: isRun ? context.name : context.context,
    app: isRun ? (context.checkSuite.app?.slug ?? null) : null,
    conclusion: conclusion?.toLowerCase() ?? null,
    completed_at: completedAt,
    before_merge: completedAt !== null && Date.parse(completedAt) <= merged,
    begun: begun === null ? Number.POSITIVE_INFINITY : Date.parse(begun),
  };
}

// --- texts -------------------------------------------------------------------------------

/** Bounded on all sides, so that it takes no longer than the text is long. */
const ticketKey = /(?<![A-Za-z0-9_-])[A-Z][A-Z0-9]{1,9}-[1-9]\d{0,8}(?![A-Za-z0-9]|-\d)/g;

function ticketKeys(texts: string[]): string[] {
  return sorted(texts.flatMap((text) => text.match(ticketKey) ?? []));
}

/** Each once, in an order that is the same on every machine. */
export function sorted(texts: string[]): string[] {
  return [...new Set(texts)].sort();
}
