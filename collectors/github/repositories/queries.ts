/** What is asked of GraphQL about repositories, and the shapes of the answers. */
import { timestamp, z } from '../../../src/plugin.ts';
import { defaultBranch } from '../scope.ts';
import { connection, pageInfoText } from '../values.ts';

// --- branches ----------------------------------------------------------------------------

const allowance = z.object({
  actor: z
    .object({
      __typename: z.string(),
      slug: z.string().optional(),
      login: z.string().optional(),
    })
    .nullable(),
});
export type AllowanceNode = z.output<typeof allowance>;
const allowanceText =
  'actor { __typename ... on Team { slug } ... on App { slug } ... on User { login } }';

/** A rule of classic branch protection. */
export const classicShape = z.object({
  id: z.string(),
  pattern: z.string(),
  isAdminEnforced: z.boolean(),
  requiresApprovingReviews: z.boolean(),
  requiredApprovingReviewCount: z.int().nullable(),
  dismissesStaleReviews: z.boolean(),
  requireLastPushApproval: z.boolean(),
  requiresCodeOwnerReviews: z.boolean(),
  requiresStatusChecks: z.boolean(),
  requiredStatusCheckContexts: z.array(z.string()).nullable(),
  requiresStrictStatusChecks: z.boolean(),
  allowsForcePushes: z.boolean(),
  allowsDeletions: z.boolean(),
  bypassPullRequestAllowances: connection({ nodes: z.array(allowance) }),
  bypassForcePushAllowances: connection({ nodes: z.array(allowance) }),
});
export type ClassicNode = z.output<typeof classicShape>;

const rule = z.object({
  type: z.string(),
  parameters: z
    .object({
      requiredApprovingReviewCount: z.int().optional(),
      dismissStaleReviewsOnPush: z.boolean().optional(),
      requireLastPushApproval: z.boolean().optional(),
      requireCodeOwnerReview: z.boolean().optional(),
      strictRequiredStatusChecksPolicy: z.boolean().optional(),
      requiredStatusChecks: z.array(z.object({ context: z.string() })).optional(),
    })
    .nullable(),
  repositoryRuleset: z
    .object({
      id: z.string(),
      databaseId: z.int(),
      enforcement: z.string(),
      source: z.object({ __typename: z.string() }),
    })
    .nullable(),
});
export type RuleNode = z.output<typeof rule>;
const ruleText = `type
  parameters {
    ... on PullRequestParameters {
      requiredApprovingReviewCount dismissStaleReviewsOnPush requireLastPushApproval requireCodeOwnerReview
    }
    ... on RequiredStatusChecksParameters {
      strictRequiredStatusChecksPolicy requiredStatusChecks { context }
    }
  }
  repositoryRuleset { id databaseId enforcement source { __typename } }`;

/** A branch, and all that GraphQL tells of what holds for it. */
export const branchShape = z.object({
  id: z.string(),
  prefix: z.string(),
  name: z.string(),
  target: z.object({ oid: z.string() }).nullable(),
  branchProtectionRule: classicShape.nullable(),
  rules: connection({ nodes: z.array(rule) }).nullable(),
});
export type BranchNode = z.output<typeof branchShape>;

const mostRules = 50;
const mostAllowances = 20;
const branchText = `fragment Branch on Ref {
  id prefix name target { oid }
  branchProtectionRule {
    id pattern isAdminEnforced
    requiresApprovingReviews requiredApprovingReviewCount dismissesStaleReviews
    requireLastPushApproval requiresCodeOwnerReviews
    requiresStatusChecks requiredStatusCheckContexts requiresStrictStatusChecks
    allowsForcePushes allowsDeletions
    bypassPullRequestAllowances(first: ${mostAllowances}) { totalCount ${pageInfoText} nodes { ${allowanceText} } }
    bypassForcePushAllowances(first: ${mostAllowances}) { totalCount ${pageInfoText} nodes { ${allowanceText} } }
  }
  rules(first: ${mostRules}) { totalCount ${pageInfoText} nodes { ${ruleText} } }
}`;

/** Branches whose names hold a text. */
export const branchesShape = connection({ nodes: z.array(branchShape) });

// --- rulesets and keys -------------------------------------------------------------------

const actor = z.object({
  actor: z
    .object({ __typename: z.string(), slug: z.string(), databaseId: z.int().nullable() })
    .nullable(),
  bypassMode: z.string().nullable(),
  deployKey: z.boolean(),
  enterpriseOwner: z.boolean(),
  organizationAdmin: z.boolean(),
  repositoryRoleDatabaseId: z.int().nullable(),
  repositoryRoleName: z.string().nullable(),
});
export type ActorNode = z.output<typeof actor>;
const actorText = `actor { __typename ... on Team { slug databaseId } ... on App { slug databaseId } }
  bypassMode deployKey enterpriseOwner organizationAdmin repositoryRoleDatabaseId repositoryRoleName`;

const ruleset = z.object({
  id: z.string(),
  databaseId: z.int(),
  bypassActors: connection({ nodes: z.array(actor) }).nullable(),
});
export type RulesetNode = z.output<typeof ruleset>;
const mostRulesets = 20;
const mostActors = 20;
const rulesetText = `id databaseId bypassActors(first: ${mostActors}) { totalCount ${pageInfoText} nodes { ${actorText} } }`;

const deployKey = z.object({
  id: z.string(),
  title: z.string(),
  readOnly: z.boolean(),
  enabled: z.boolean(),
  createdAt: timestamp(),
});
export type DeployKeyNode = z.output<typeof deployKey>;
const mostKeys = 20;
const deployKeyText = 'id title readOnly enabled createdAt';

// --- repositories ------------------------------------------------------------------------

/** A repository; what was asked of its branches beside is read by `branchShape`. */
export const repositoryShape = z.looseObject({
  id: z.string(),
  databaseId: z.int().nullable(),
  nameWithOwner: z.string(),
  name: z.string(),
  visibility: z.string(),
  isArchived: z.boolean(),
  isFork: z.boolean(),
  isDisabled: z.boolean(),
  isEmpty: z.boolean(),
  isTemplate: z.boolean(),
  createdAt: timestamp(),
  pushedAt: timestamp().nullable(),
  updatedAt: timestamp(),
  viewerCanAdminister: z.boolean(),
  hasVulnerabilityAlertsEnabled: z.boolean(),
  defaultBranchRef: branchShape.nullable(),
  rulesets: connection({ nodes: z.array(ruleset) }).nullable(),
  deployKeys: connection({ nodes: z.array(deployKey) }).optional(),
  codeowners: z
    .object({
      errors: z.array(
        z.object({ path: z.string(), line: z.int(), kind: z.string(), message: z.string() }),
      ),
    })
    .nullable(),
});
export type RepositoryNode = z.output<typeof repositoryShape>;

const isPattern = (ref: string) => /[*?]/.test(ref);

/** The fields that hold the answers about `production_refs`, in their order. */
export function branchFields(refs: readonly string[]): { ref: string; field: string }[] {
  return refs.map((ref, index) => {
    if (ref === defaultBranch) return { ref, field: 'defaultBranchRef' };
    return { ref, field: `${isPattern(ref) ? 'refs' : 'ref'}${index}` };
  });
}

/** What GraphQL is asked to look for: a name in full, or what stands before the first wildcard. */
export function branchVariables(refs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    branchFields(refs)
      .filter(({ ref }) => ref !== defaultBranch)
      .map(({ ref, field }) => [field, isPattern(ref) ? beginning(ref) : `refs/heads/${ref}`]),
  );
}

/** What every branch that fits the pattern begins with. */
export function beginning(pattern: string): string {
  return pattern.slice(0, pattern.search(/[*?]/));
}

const mostMatches = 20;

/** Everything about 50 repositories at once, made for the configured `production_refs`. */
export function repositoriesQuery(refs: readonly string[]) {
  const fields = branchFields(refs).filter(({ ref }) => ref !== defaultBranch);
  const variables = fields.map(({ field }) => `, $${field}: String!`).join('');
  const branches = fields.map(({ ref, field }) =>
    isPattern(ref)
      ? `${field}: refs(refPrefix: "refs/heads/", query: $${field}, first: ${mostMatches}) { totalCount ${pageInfoText} nodes { ...Branch } }`
      : `${field}: ref(qualifiedName: $${field}) { ...Branch }`,
  );
  return {
    name: 'Repositories',
    text: `query Repositories($organization: String!, $first: Int!, $after: String, $keys: Boolean!${variables}) {
  organization(login: $organization) {
    repositories(first: $first, after: $after, ownerAffiliations: [OWNER], orderBy: { field: CREATED_AT, direction: ASC }) {
      totalCount ${pageInfoText}
      nodes { ...Repository ${branches.join(' ')} }
    }
  }
}
fragment Repository on Repository {
  id databaseId nameWithOwner name visibility isArchived isFork isDisabled isEmpty isTemplate
  createdAt pushedAt updatedAt viewerCanAdminister hasVulnerabilityAlertsEnabled
  defaultBranchRef { ...Branch }
  rulesets(first: ${mostRulesets}, includeParents: true, targets: [BRANCH]) { totalCount ${pageInfoText} nodes { ${rulesetText} } }
  deployKeys(first: ${mostKeys}) @include(if: $keys) { totalCount ${pageInfoText} nodes { ${deployKeyText} } }
  codeowners { errors { path line kind message } }
}
${branchText}`,
    answer: z.object({
      organization: z.object({
        repositories: connection({ nodes: z.array(repositoryShape.nullable()) }),
      }),
    }),
  };
}

/** GitHub refuses a query that could answer with more nodes than half a million. */
const mostNodes = 400_000;
const mostRepositories = 50;

/** How many repositories one query may ask for: fewer where there are many patterns. */
export function repositoriesAtOnce(refs: readonly string[]): number {
  const branches = 1 + refs.reduce((sum, ref) => sum + (isPattern(ref) ? mostMatches : 1), 0);
  const nodes =
    1 +
    branches * (2 + 2 * mostAllowances + mostRules) +
    mostRulesets * (1 + mostActors) +
    mostKeys;
  return Math.max(1, Math.min(mostRepositories, Math.floor(mostNodes / nodes)));
}

// --- further pages of lists within ------------------------------------------------------

/** Branches of one repository whose names hold a text. */
export const moreBranches = {
  name: 'Branches',
  text: `query Branches($id: ID!, $query: String!, $after: String) {
  node(id: $id) {
    ... on Repository {
      list: refs(refPrefix: "refs/heads/", query: $query, first: 100, after: $after) {
        totalCount ${pageInfoText} nodes { ...Branch }
      }
    }
  }
}
${branchText}`,
  answer: z.object({ node: z.object({ list: branchesShape }) }),
};

/** A query for further pages of a list that one object has. */
function furtherPages<Item extends z.ZodType>(
  name: string,
  { of, list, nodes }: { of: string; list: string; nodes: string },
  item: Item,
) {
  return {
    name,
    text: `query ${name}($id: ID!, $after: String) {
  node(id: $id) {
    ... on ${of} {
      list: ${list}first: 100, after: $after) { totalCount ${pageInfoText} nodes { ${nodes} } }
    }
  }
}`,
    answer: z.object({ node: z.object({ list: connection({ nodes: z.array(item) }) }) }),
  };
}

export const moreRules = furtherPages(
  'BranchRules',
  { of: 'Ref', list: 'rules(', nodes: ruleText },
  rule,
);

export const moreRulesets = furtherPages(
  'Rulesets',
  {
    of: 'Repository',
    list: 'rulesets(includeParents: true, targets: [BRANCH], ',
    nodes: rulesetText,
  },
  ruleset,
);

export const moreActors = furtherPages(
  'BypassActors',
  { of: 'RepositoryRuleset', list: 'bypassActors(', nodes: actorText },
  actor,
);

export const morePullRequestBypasses = furtherPages(
  'PullRequestBypasses',
  { of: 'BranchProtectionRule', list: 'bypassPullRequestAllowances(', nodes: allowanceText },
  allowance,
);

export const moreForcePushBypasses = furtherPages(
  'ForcePushBypasses',
  { of: 'BranchProtectionRule', list: 'bypassForcePushAllowances(', nodes: allowanceText },
  allowance,
);

export const moreKeys = furtherPages(
  'DeployKeys',
  { of: 'Repository', list: 'deployKeys(', nodes: deployKeyText },
  deployKey,
);
