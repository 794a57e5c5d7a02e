import { timestamp, z } from '../../../src/plugin.ts';
import { login, logins } from '../account.ts';

export const review = z.object({
  reviewer: login().describe('Login of the reviewer; `ghost` for a deleted account'),
  kind: z.string().describe('GitHub’s kind of account: `User`, `Bot`, `Mannequin`'),
  state: z
    .enum(['approved', 'changes_requested', 'dismissed', 'commented'])
    .describe(
      'What it says, for a review before the merge as it stood at the merge; pending ones are not told',
    ),
  dismissed_at: timestamp()
    .nullable()
    .describe('When it was dismissed; null if it was not, or GitHub does not say when'),
  submitted_at: timestamp().describe('When it was submitted'),
  commit: z.string().nullable().describe('The head that was reviewed; null where it is gone'),
  on_head: z.boolean().describe('That head is the one that was merged'),
  before_merge: z.boolean().describe('It was submitted before the merge'),
  hours_after_merge: z
    .number()
    .nullable()
    .describe('Hours from the merge to the review; null where it came before'),
  superseded: z
    .boolean()
    .describe(
      'The same person said something decisive later (approved, changes requested, dismissed)',
    ),
  by_contributor: z
    .boolean()
    .describe(
      'The reviewer opened the pull request, or wrote or pushed one of its commits; or that cannot be ruled out: a deleted account, a commit of no account under the reviewer’s name',
    ),
  could_push: z
    .boolean()
    .nullable()
    .describe(
      'The reviewer may push to the repository, as first told; null where this was asked more than two days after the merge, since rights change',
    ),
  commits_after: z.int().describe('Commits of the pull request that came after the reviewed head'),
  authors_after: logins().describe('Who wrote those, sorted'),
});

export const check = z.object({
  check: z.string().describe('Name of the check run, or context of the commit status'),
  app: z.string().nullable().describe('App that ran it; null for a commit status'),
  conclusion: z
    .string()
    .nullable()
    .describe('`success`, `failure`, `skipped`, `neutral`, …, in lower case; null while it runs'),
  completed_at: timestamp().nullable().describe('When it was completed; null while it runs'),
  before_merge: z.boolean().describe('It was completed before the merge'),
});

/** What the list tells of a merged pull request. */
const listed = z.object({
  repository: z.string().describe('`acme/api`'),
  repository_id: z.string().describe('Node id of the repository'),
  number: z.int().describe('Number of the pull request'),
  base: z.string().describe('Branch that it was merged into'),
  merged_at: timestamp().describe('When it was merged'),
});

const pullRequest = z.object({
  title: z.string().describe('Its title, as somebody wrote it'),
  branch: z.string().describe('Branch that it came from'),
  author: login().describe('Login of who opened it; `ghost` for a deleted account'),
  author_kind: z.string().describe('GitHub’s kind of account: `User`, `Bot`, `Mannequin`'),
  contributors: logins().describe(
    'Everybody who opened it, wrote, co-wrote or committed one of its commits, or force-pushed its branch: logins, or mail addresses where there is no account; sorted',
  ),
  merged_by: login().nullable().describe('Login of who merged it; null for a deleted account'),
  head: z.string().describe('The head that was merged'),
  merge_commit: z
    .string()
    .nullable()
    .describe('The commit that it became on its base branch; null where GitHub does not say'),
  commits: z.int().describe('How many commits it has'),
  reviews: z.array(review).describe('Every submitted review, in the order of time'),
  checks: z.array(check).describe('Checks on the head that was merged, by name'),
  required_checks: z
    .array(z.string())
    .describe(
      'Checks that the rules of the base branch asked for when this was first collected, sorted',
    ),
  labels: z.array(z.string()).describe('Labels, sorted'),
  issues: z.array(z.string()).describe('Issues that it closes: `acme/api#7`, sorted'),
  ticket_keys: z
    .array(z.string())
    .describe('What looks like the key of a ticket (`OPS-123`) in title, branch and text, sorted'),
  files: z
    .array(z.string())
    .describe('Paths of what was changed, for pull requests of bots; else none'),
});

/** A merged pull request; what could not be read of one is left out. */
export const change = listed.extend(pullRequest.partial().shape);

const landed = z.object({
  repository: z.string().describe('`acme/api`'),
  repository_id: z.string().describe('Node id of the repository'),
  branch: z.string().describe('Production branch that it landed on'),
  sha: z.string().describe('Id of the commit'),
});

const commit = z.object({
  title: z.string().describe('First line of its message, as somebody wrote it'),
  authors: logins().describe('Author and co-authors: logins, or mail addresses'),
  committer: login().describe('Committer: login, mail address, or `web-flow`'),
  committed_at: timestamp().describe(
    'Time that the committer’s machine gave; anything can stand here',
  ),
  merged_by_pull_requests: z
    .array(z.int())
    .describe(
      'Numbers of the pull requests by which it was merged into a production branch, sorted',
    ),
  other_pull_requests: z
    .array(z.int())
    .describe('Numbers of other pull requests that hold it: open ones, or into other branches'),
  parents: z.int().describe('How many parents it has; two or more for a merge'),
});

/** A commit on a production branch; one that could not be read is left with what it is called. */
export const productionCommit = landed.extend(commit.partial().shape);
