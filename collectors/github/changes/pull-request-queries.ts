/** What GitHub is asked of a pull request: each shape beside its GraphQL text. */
import { timestamp, z } from '../../../src/plugin.ts';
import { pageInfoText } from '../values.ts';
import { authors, authorsText, gitActor, gitActorText } from './git-actors.ts';
import { listOf, listText, moreOf, nextPage } from './nested.ts';

const account = z.object({ __typename: z.string(), login: z.string() });
const commit = z.object({
  id: z.string(),
  oid: z.string(),
  authors,
  committer: gitActor.nullable(),
});
const commitText = (most: string) =>
  `id oid authors(first: ${most}) ${authorsText} committer { ${gitActorText} }`;
const commitsText = (most: string) => listText(`commit { ${commitText(most)} }`);
const commits = listOf(z.object({ commit }));
export type CommitNode = z.output<typeof commit>;

const review = z.object({
  id: z.string(),
  state: z.enum(['APPROVED', 'CHANGES_REQUESTED', 'COMMENTED', 'DISMISSED', 'PENDING']),
  submittedAt: timestamp().nullable(),
  author: account.extend({ name: z.string().nullish() }).nullable(),
  commit: z.object({ oid: z.string() }).nullable(),
  authorCanPushToRepository: z.boolean(),
});
const reviewsText = listText(
  'id state submittedAt author { __typename login ... on User { name } } commit { oid } authorCanPushToRepository',
);
const reviews = listOf(review);
export type Review = z.output<typeof review>;

const event = z.discriminatedUnion('__typename', [
  z.object({
    __typename: z.literal('HeadRefForcePushedEvent'),
    createdAt: timestamp(),
    actor: account.nullable(),
  }),
  z.object({
    __typename: z.literal('ReviewDismissedEvent'),
    createdAt: timestamp(),
    previousReviewState: review.shape.state,
    review: z.object({ id: z.string() }).nullable(),
  }),
]);
// GitHub does not say whether its count of a timeline is of the asked kinds only: not asked for.
const eventsText = `{ ${pageInfoText} nodes { __typename ... on HeadRefForcePushedEvent { createdAt actor { __typename login } } ... on ReviewDismissedEvent { createdAt previousReviewState review { id } } } }`;
const events = listOf(event).omit({ totalCount: true });
export type PullEvent = z.output<typeof event>;
const eventTypes = 'itemTypes: [HEAD_REF_FORCE_PUSHED_EVENT, REVIEW_DISMISSED_EVENT]';

const labelsText = listText('name');
const labels = listOf(z.object({ name: z.string() }));

const issuesText = listText('number repository { nameWithOwner }');
const issues = listOf(
  z.object({ number: z.int(), repository: z.object({ nameWithOwner: z.string() }) }),
);

const filesText = listText('path');
const files = listOf(z.object({ path: z.string() }));

const context = z.discriminatedUnion('__typename', [
  z.object({
    __typename: z.literal('CheckRun'),
    name: z.string(),
    status: z.string(),
    conclusion: z.string().nullable(),
    startedAt: timestamp().nullable(),
    completedAt: timestamp().nullable(),
    checkSuite: z.object({ app: z.object({ slug: z.string() }).nullable() }),
  }),
  z.object({
    __typename: z.literal('StatusContext'),
    context: z.string(),
    state: z.string(),
    createdAt: timestamp(),
  }),
]);
const checksText = listText(
  '__typename ... on CheckRun { name status conclusion startedAt completedAt checkSuite { app { slug } } } ... on StatusContext { context state createdAt }',
);
const checks = listOf(context);
export type CheckContext = z.output<typeof context>;
const rollup = z.object({ contexts: checks }).nullable();
export type Rollup = z.output<typeof rollup>;
const rollupText = (page: string) => `statusCheckRollup { contexts(${page}) ${checksText} }`;

const pull = z.object({
  id: z.string(),
  number: z.int(),
  title: z.string(),
  body: z.string(),
  headRefName: z.string(),
  headRefOid: z.string(),
  baseRefName: z.string(),
  mergedAt: timestamp(),
  author: account.nullable(),
  mergedBy: account.nullable(),
  mergeCommit: z.object({ oid: z.string() }).nullable(),
  changedFiles: z.int(),
  baseRefOid: z.string(),
  repository: z.object({ id: z.string(), nameWithOwner: z.string() }),
  commits: commits.nullish(),
  head: listOf(
    z.object({ commit: z.object({ oid: z.string(), statusCheckRollup: rollup }) }),
  ).nullish(),
  reviews: reviews.nullish(),
  events: events.nullish(),
  labels: labels.nullish(),
  issues: issues.nullish(),
  files: files.nullish(),
});
export type PullNode = z.output<typeof pull>;

export const pullRequestsQuery = {
  name: 'PullRequests',
  text: `query PullRequests($people: [ID!]!, $bots: [ID!]!, $commits: Int!, $authors: Int!, $checks: Int!, $most: Int!) {
  people: nodes(ids: $people) { ...Told }
  bots: nodes(ids: $bots) { ...Told ... on PullRequest { files(first: 100) ${filesText} } }
}
fragment Told on PullRequest {
  id number title body headRefName headRefOid baseRefName baseRefOid mergedAt changedFiles
  author { __typename login }
  mergedBy { __typename login }
  mergeCommit { oid }
  repository { id nameWithOwner }
  commits(first: $commits) ${commitsText('$authors')}
  head: commits(last: 1) ${listText(`commit { oid ${rollupText('first: $checks')} }`)}
  reviews(first: $most) ${reviewsText}
  events: timelineItems(${eventTypes}, first: $most) ${eventsText}
  labels(first: $most) ${labelsText}
  issues: closingIssuesReferences(first: $most) ${issuesText}
}`,
  answer: z.object({ people: z.array(pull.nullable()), bots: z.array(pull.nullable()) }),
};

const onPull = 'PullRequest';
export const moreCommitsQuery = moreOf(
  'MoreCommits',
  onPull,
  `commits(${nextPage}) ${commitsText('25')}`,
  commits,
);
/** Commits that the list of a pull request does not reach. */
export const pullCommitsQuery = {
  name: 'PullCommits',
  text: `query PullCommits($ids: [ID!]!) { nodes(ids: $ids) { ... on Commit { ${commitText('25')} } } }`,
  answer: z.object({ nodes: z.array(commit) }),
};
export const moreReviewsQuery = moreOf(
  'MoreReviews',
  onPull,
  `reviews(${nextPage}) ${reviewsText}`,
  reviews,
);
export const moreEventsQuery = moreOf(
  'MoreEvents',
  onPull,
  `timelineItems(${eventTypes}, ${nextPage}) ${eventsText}`,
  events,
);
export const moreLabelsQuery = moreOf(
  'MoreLabels',
  onPull,
  `labels(${nextPage}) ${labelsText}`,
  labels,
);
export const moreIssuesQuery = moreOf(
  'MoreIssues',
  onPull,
  `closingIssuesReferences(${nextPage}) ${issuesText}`,
  issues,
);
export const moreFilesQuery = moreOf('MoreFiles', onPull, `files(${nextPage}) ${filesText}`, files);
export const headChecksQuery = {
  name: 'HeadChecks',
  text: `query HeadChecks($repository: ID!, $oid: GitObjectID!, $after: String) {
  node(id: $repository) { ... on Repository { object(oid: $oid) { ... on Commit { ${rollupText('first: 100, after: $after')} } } } }
}`,
  answer: z.object({
    node: z.object({ object: z.object({ statusCheckRollup: rollup }).nullable() }),
  }),
};
