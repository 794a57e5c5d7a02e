/**
 * What holds for a branch: classic protection and active rulesets together, the strictest of each
 * setting. Pure.
 */
import { CollectError, z } from '../../../src/plugin.ts';
import type { ActorNode, AllowanceNode, ClassicNode, RuleNode } from './queries.ts';

/** What one rule, or several together, ask for. */
export interface Settings {
  pullRequest: boolean;
  approvals: number;
  staleDismissed: boolean;
  lastPushApproval: boolean;
  codeOwners: boolean;
  checks: string[];
  strict: boolean;
  forcePushBlocked: boolean;
  deletionBlocked: boolean;
}

/** A branch for which nothing holds. */
export const nothing: Settings = {
  pullRequest: false,
  approvals: 0,
  staleDismissed: false,
  lastPushApproval: false,
  codeOwners: false,
  checks: [],
  strict: false,
  forcePushBlocked: false,
  deletionBlocked: false,
};

/** GitHub enforces all that applies, so that the strictest of each setting is what holds. */
export function strictest(all: readonly Settings[]): Settings {
  const some = (has: (settings: Settings) => boolean) => all.some(has);
  return {
    pullRequest: some(({ pullRequest }) => pullRequest),
    approvals: Math.max(0, ...all.map(({ approvals }) => approvals)),
    staleDismissed: some(({ staleDismissed }) => staleDismissed),
    lastPushApproval: some(({ lastPushApproval }) => lastPushApproval),
    codeOwners: some(({ codeOwners }) => codeOwners),
    checks: [...new Set(all.flatMap(({ checks }) => checks))].sort(),
    strict: some(({ strict }) => strict),
    forcePushBlocked: some(({ forcePushBlocked }) => forcePushBlocked),
    deletionBlocked: some(({ deletionBlocked }) => deletionBlocked),
  };
}

/** What reviews are asked for; nothing counts where no pull request is needed. */
interface Reviews {
  approvals: number;
  staleDismissed: boolean;
  lastPushApproval: boolean;
  codeOwners: boolean;
}

const withReviews = (reviews: Reviews | undefined): Partial<Settings> =>
  reviews === undefined ? {} : { pullRequest: true, ...reviews };

/** GitHub does not hold a branch to be up to date for the sake of no check. */
const withChecks = (checks: readonly string[], strict: boolean): Partial<Settings> => ({
  checks: [...checks],
  strict: strict && checks.length > 0,
});

/** What a rule of classic protection asks for. */
export function classicSettings(rule: ClassicNode): Settings {
  return {
    ...nothing,
    ...withReviews(
      rule.requiresApprovingReviews
        ? {
            approvals: rule.requiredApprovingReviewCount ?? 0,
            staleDismissed: rule.dismissesStaleReviews,
            lastPushApproval: rule.requireLastPushApproval,
            codeOwners: rule.requiresCodeOwnerReviews,
          }
        : undefined,
    ),
    ...(rule.requiresStatusChecks
      ? withChecks(rule.requiredStatusCheckContexts ?? [], rule.requiresStrictStatusChecks)
      : {}),
    forcePushBlocked: !rule.allowsForcePushes,
    deletionBlocked: !rule.allowsDeletions,
  };
}

const enabled = z.object({ enabled: z.boolean() });

/** Classic protection as REST tells it. */
export const protectionShape = z.object({
  required_pull_request_reviews: z
    .object({
      required_approving_review_count: z.int().optional(),
      dismiss_stale_reviews: z.boolean(),
      require_last_push_approval: z.boolean().optional(),
      require_code_owner_reviews: z.boolean(),
    })
    .optional(),
  required_status_checks: z
    .object({ strict: z.boolean().optional(), contexts: z.array(z.string()) })
    .optional(),
  enforce_admins: enabled.optional(),
  allow_force_pushes: enabled.optional(),
  allow_deletions: enabled.optional(),
});

/** The same as `classicSettings`, of what REST tells. */
export function protectionSettings(protection: z.output<typeof protectionShape>): Settings {
  const reviews = protection.required_pull_request_reviews;
  const checks = protection.required_status_checks;
  return {
    ...nothing,
    ...withReviews(
      reviews && {
        approvals: reviews.required_approving_review_count ?? 0,
        staleDismissed: reviews.dismiss_stale_reviews,
        lastPushApproval: reviews.require_last_push_approval ?? false,
        codeOwners: reviews.require_code_owner_reviews,
      },
    ),
    ...(checks === undefined ? {} : withChecks(checks.contexts, checks.strict ?? false)),
    forcePushBlocked: protection.allow_force_pushes?.enabled !== true,
    deletionBlocked: protection.allow_deletions?.enabled !== true,
  };
}

/** What one rule of a ruleset asks for; types that no field speaks of ask for nothing. */
export function ruleSettings({ type, parameters }: RuleNode): Settings {
  const told = <Value>(value: Value | undefined): Value => {
    if (value !== undefined) return value;
    throw new CollectError(
      'UnreadableResponse',
      `GitHub names a rule ${type} and not all of what it asks for; run again`,
    );
  };
  switch (type) {
    case 'PULL_REQUEST':
      return {
        ...nothing,
        ...withReviews({
          approvals: told(parameters?.requiredApprovingReviewCount),
          staleDismissed: told(parameters?.dismissStaleReviewsOnPush),
          lastPushApproval: told(parameters?.requireLastPushApproval),
          codeOwners: told(parameters?.requireCodeOwnerReview),
        }),
      };
    case 'REQUIRED_STATUS_CHECKS':
      return {
        ...nothing,
        ...withChecks(
          told(parameters?.requiredStatusChecks).map(({ context }) => context),
          told(parameters?.strictRequiredStatusChecksPolicy),
        ),
      };
    case 'MERGE_QUEUE':
      // A queue tests each change on top of what is merged before it.
      return { ...nothing, strict: true };
    case 'NON_FAST_FORWARD':
      return { ...nothing, forcePushBlocked: true };
    case 'DELETION':
      return { ...nothing, deletionBlocked: true };
    default:
      return nothing;
  }
}

// --- who may go around --------------------------------------------------------------------

/** Who may go around a rule, and how. */
export interface Bypass {
  actor: string;
  mode: string;
  by: string;
}

/** Administrators, where classic protection does not bind them. */
export const administrators = 'owners and administrators';

/** Who may go around classic protection: what it allows by name, and whom it does not bind. */
export function classicBypass(
  by: string,
  adminsBound: boolean,
  allowances: readonly AllowanceNode[],
): Bypass[] {
  const named = allowances.map(({ actor }) => {
    if (actor?.__typename === 'User') return `user ${actor.login ?? 'unknown'}`;
    if (actor?.__typename === 'Team') return `team ${actor.slug ?? 'unknown'}`;
    if (actor?.__typename === 'App') return `app ${actor.slug ?? 'unknown'}`;
    return 'unknown';
  });
  const all = adminsBound ? named : [administrators, ...named];
  return [...new Set(all)].map((actor) => ({ actor, mode: 'always', by }));
}

/** GitHub's word for how an actor may go around; unsaid, it is the most. */
const modeOf = (mode: string | null | undefined) => (mode ?? 'always').toLowerCase();

/** Who may go around a ruleset, as GraphQL names them. */
export function rulesetBypass(by: string, actors: readonly ActorNode[]): Bypass[] {
  return actors.map((node) => ({ actor: nameOf(node), mode: modeOf(node.bypassMode), by }));
}

function nameOf(node: ActorNode): string {
  if (node.organizationAdmin) return 'owners';
  if (node.enterpriseOwner) return 'enterprise owners';
  if (node.deployKey) return 'deploy keys';
  if (node.repositoryRoleName !== null) return `role ${node.repositoryRoleName}`;
  if (node.repositoryRoleDatabaseId !== null) return roleOf(node.repositoryRoleDatabaseId);
  if (node.actor === null) return 'unknown';
  return `${node.actor.__typename.toLowerCase()} ${node.actor.slug}`;
}

/** Roles that every repository has; others are an organisation's own. */
const roles: Record<number, string> = { 2: 'maintain', 4: 'write', 5: 'admin' };
const roleOf = (id: number) => `role ${roles[id] ?? id}`;

/** A ruleset as REST tells it; the key is there for whoever may see it only. */
export const rulesetShape = z.object({
  bypass_actors: z
    .array(
      z.object({
        actor_id: z.int().nullish(),
        actor_type: z.string(),
        bypass_mode: z.string().optional(),
      }),
    )
    .optional(),
});

/**
 * The same as `rulesetBypass`, of what REST tells. REST knows teams and Apps by number only;
 * GraphQL may have named some of them.
 */
export function restBypass(
  by: string,
  actors: NonNullable<z.output<typeof rulesetShape>['bypass_actors']>,
  named: readonly ActorNode[],
): Bypass[] {
  const slugOf = (kind: string, id: number) =>
    named.find(({ actor }) => actor?.__typename === kind && actor.databaseId === id)?.actor?.slug;
  return actors.map(({ actor_type: type, actor_id, bypass_mode }) => {
    const id = actor_id ?? 0;
    const actor = {
      OrganizationAdmin: 'owners',
      EnterpriseOwner: 'enterprise owners',
      DeployKey: 'deploy keys',
      RepositoryRole: roleOf(id),
      Team: `team ${slugOf('Team', id) ?? id}`,
      Integration: `app ${slugOf('App', id) ?? id}`,
      User: `user ${id}`,
    }[type];
    return { actor: actor ?? `${type} ${id}`, mode: modeOf(bypass_mode), by };
  });
}

/** Whether being an administrator is enough to go around, by one of these. */
export function exemptsAdministrators(bypass: readonly Bypass[]): boolean {
  return bypass.some(({ actor }) =>
    [administrators, 'owners', 'enterprise owners', 'role admin'].includes(actor),
  );
}
