/** Repositories with their branches, rules, environments and deployments in GraphQL. */
import { compare, pullRequestIn, resolve } from './github-commits.ts';
import {
  type AllowanceSource,
  type Arguments,
  type Asked,
  actor,
  administered,
  appNode,
  commitNode,
  connect,
  type Fields,
  GraphqlRefusal,
  ghost,
  inOrder,
  nameAfter,
  need,
  notFound,
  ordered,
  organizationNode,
  type ProtectionSource,
  protectionNode,
  pullRequestNode,
  pullRequestsOn,
  type RefSource,
  type RepositorySource,
  type RuleSource,
  refNode,
  repositoryId,
  repositoryNode,
  ruleNode,
  rulesetNode,
  seesBypass,
  targeted,
  teamNode,
  user,
  web,
} from './github-graphql-sources.ts';
import { nodeId, numberOf } from './github-ids.ts';
import { atLeast, grantOf, permissionOf } from './github-rights.ts';
import {
  actorNode,
  type PlacedRuleset,
  protectionOf,
  roleIds,
  ruleParameters,
  rulesetNodeId,
  rulesetsOf,
  rulesFor,
} from './github-rules.ts';
import type {
  ActorReference,
  GitHubWorld,
  Handle,
  Permission,
  WorldBypass,
  WorldDeployKey,
  WorldDeployment,
  WorldEnvironment,
  WorldRepository,
} from './github-world.ts';

export const repository: Fields<RepositorySource> = {
  id: ({ repo }) => repositoryId(repo),
  databaseId: ({ repo }) => repo.databaseId,
  name: ({ repo }) => repo.name,
  nameWithOwner: ({ repo, owner }, _args, { world }) =>
    `${owner ?? world.organization.login}/${repo.name}`,
  owner: () => organizationNode,
  url: ({ repo }, _args, { world }) => `${web}/${world.organization.login}/${repo.name}`,
  visibility: ({ repo }) => repo.visibility.toUpperCase(),
  isPrivate: ({ repo }) => repo.visibility !== 'public',
  isArchived: ({ repo }) => repo.archived,
  isFork: ({ repo }) => repo.fork,
  isDisabled: ({ repo }) => repo.disabled,
  isTemplate: ({ repo }) => repo.template,
  isEmpty: ({ repo }) => Object.keys(repo.branches).length === 0,
  isLocked: () => false,
  isMirror: () => false,
  createdAt: ({ repo }) => repo.createdAt,
  pushedAt: ({ repo }) => repo.pushedAt,
  updatedAt: ({ repo }) => repo.updatedAt,
  // Without the right GitHub documents no answer: false.
  hasVulnerabilityAlertsEnabled: ({ repo }, _args, { rights }) =>
    repo.vulnerabilityAlerts &&
    (rights.kind === 'app' ? rights.may('vulnerability_alerts') : rights.administers(repo)),
  viewerCanAdminister: ({ repo }, _args, { rights }) => rights.administers(repo, 'write'),
  viewerPermission: ({ repo }, _args, { rights }) => rights.permission(repo)?.toUpperCase() ?? null,
  defaultBranchRef: ({ repo }, _args, asked) => {
    need(asked, 'contents');
    return refNode(repo, repo.defaultBranch);
  },
  ref: ({ repo }, { qualifiedName = '' }, asked) => {
    need(asked, 'contents');
    return refNode(repo, qualifiedName.replace(/^refs\/heads\//, ''));
  },
  refs: ({ repo }, args, asked) => {
    need(asked, 'contents');
    const { refPrefix = '', query: part } = args;
    const branches = Object.keys(repo.branches)
      .filter((name) => `refs/heads/${name}`.startsWith(refPrefix))
      .filter((name) => part == null || nameAfter(name, refPrefix).includes(part))
      .sort();
    if (args.orderBy?.direction === 'DESC') branches.reverse();
    return connect(asked, branches, args, { node: (name) => refNode(repo, name, refPrefix) });
  },
  object: ({ repo }, { oid, expression }, asked) => {
    need(asked, 'contents');
    const commit = resolve(repo, oid ?? expression ?? '');
    return commit === undefined ? null : commitNode(repo, commit.oid);
  },
  codeowners: ({ repo }, { refName }, asked) => {
    need(asked, 'contents');
    const { codeowners } = repo;
    const branch = refName ?? repo.defaultBranch;
    if (codeowners === null || repo.branches[branch] === undefined) return null;
    const { path, errors } = codeowners;
    return { errors: errors.map((each) => ({ ...each, path, suggestion: null })) };
  },
  // Without the right GitHub documents no answer: an empty list.
  deployKeys: ({ repo }, args, asked) =>
    connect(asked, asked.rights.administers(repo) ? repo.deployKeys : [], args, {
      node: (key) => ({ __typename: 'DeployKey', repo, key }),
    }),
  collaborators: ({ repo }, args, asked) => {
    const { rights, world } = asked;
    need(asked, 'members');
    const pushes = rights.kind === 'app' || atLeast(rights.permission(repo), 'write');
    if (!pushes || repo.archived) {
      const message = 'Must have push access to view repository collaborators.';
      throw new GraphqlRefusal('FORBIDDEN', message);
    }
    const handles = collaboratorsOf(world, repo, args.affiliation ?? 'ALL');
    return connect(asked, handles, args, {
      node: (handle) => user(asked, handle),
      edge: (handle) => ({
        // The highest by any way, even where only direct collaborators are asked for.
        permission: permissionOf(world, handle, repo)?.toUpperCase() ?? 'READ',
        permissionSources: () => sourcesOf(world, repo, handle),
      }),
    });
  },
  branchProtectionRules: ({ repo }, args, asked) => {
    // Without the right GitHub documents no answer: an empty list.
    const rules = asked.rights.administers(repo) ? repo.protections : [];
    return connect(asked, rules, args, { node: (rule) => protectionNode(repo, rule) });
  },
  rulesets: ({ repo }, args, asked) => {
    const placed = rulesetsOf(asked.world, repo, args.includeParents);
    return connect(asked, targeted(placed, args), args, { node: rulesetNode });
  },
  ruleset: ({ repo }, args, { world }) => {
    const placed = rulesetsOf(world, repo, args.includeParents);
    const found = placed.find(({ ruleset }) => ruleset.id === args.databaseId);
    return found === undefined ? null : rulesetNode(found);
  },
  environments: ({ repo }, args, asked) => {
    need(asked, 'environments', 'actions');
    const environments = repo.environments
      .filter(({ name }) => !args.names?.length || args.names.includes(name))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1));
    return connect(asked, environments, args, {
      node: (environment) => ({ __typename: 'Environment', repo, environment }),
    });
  },
  environment: ({ repo }, { name }, asked) => {
    need(asked, 'environments', 'actions');
    const environment = repo.environments.find((one) => one.name === name);
    return environment === undefined ? null : { __typename: 'Environment', repo, environment };
  },
  deployments: ({ repo }, args, asked) => {
    need(asked, 'deployments');
    const deployments = repo.deployments.filter(
      ({ environment }) => !args.environments?.length || args.environments.includes(environment),
    );
    const keys = { CREATED_AT: ({ createdAt }: WorldDeployment) => createdAt };
    return connect(asked, ordered(deployments, args.orderBy, keys), args, {
      node: (deployment) => ({ __typename: 'Deployment', repo, deployment }),
    });
  },
  pullRequests: ({ repo }, args, asked) => {
    need(asked, 'pull_requests');
    return pullRequestsOn(asked, repo, inOrder(repo, args.orderBy), args);
  },
  pullRequest: ({ repo }, { number = 0 }, asked) => {
    need(asked, 'pull_requests');
    const pr = pullRequestIn(repo, number);
    if (pr === undefined) throw notFound(`a PullRequest with the number of ${number}`);
    return pullRequestNode(repo, pr);
  },
};

function collaboratorsOf(
  world: GitHubWorld,
  repo: WorldRepository,
  affiliation: 'ALL' | 'DIRECT' | 'OUTSIDE',
): Handle[] {
  const { members } = world.organization;
  const direct = Object.keys(repo.collaborators);
  const belongs = (handle: Handle) => members.some((one) => one.handle === handle);
  if (affiliation === 'DIRECT') return direct;
  if (affiliation === 'OUTSIDE') return direct.filter((handle) => !belongs(handle));
  const others = members
    .map(({ handle }) => handle)
    .filter((handle) => !direct.includes(handle) && permissionOf(world, handle, repo) !== null);
  return [...direct, ...others];
}

/** GraphQL knows four permissions here; the role's own name stands beside. */
const basic: Record<Permission, string> = {
  read: 'READ',
  triage: 'READ',
  write: 'WRITE',
  maintain: 'WRITE',
  admin: 'ADMIN',
};

/** Each way by which somebody has a permission. */
function sourcesOf(world: GitHubWorld, repo: WorldRepository, handle: Handle) {
  const { members, teams, basePermission } = world.organization;
  const source = (permission: Permission, from: object) => ({
    organization: organizationNode,
    permission: basic[permission],
    roleName: permission,
    source: from,
  });
  const direct = repo.collaborators[handle];
  const membership = members.find((one) => one.handle === handle);
  const base = membership?.role === 'admin' ? 'admin' : basePermission;
  return [
    ...(direct === undefined ? [] : [source(direct, repositoryNode(repo))]),
    ...teams
      .filter((one) => one.members.some((person) => person.handle === handle))
      .flatMap((one) => {
        const permission = grantOf(world, one, repo);
        return permission === undefined ? [] : [source(permission, teamNode(one))];
      }),
    ...(membership === undefined || base === 'none' ? [] : [source(base, organizationNode)]),
  ];
}

export const deployKey: Fields<{ repo: WorldRepository; key: WorldDeployKey }> = {
  id: ({ key }) => nodeId('DK', key.id),
  title: ({ key }) => key.title,
  readOnly: ({ key }) => key.readOnly,
  enabled: ({ key }) => key.enabled,
  verified: () => true,
  createdAt: ({ key }) => key.createdAt,
  key: ({ key }) => `ssh-ed25519 AAAA${key.id}`,
};

export const ref: Fields<RefSource> = {
  id: ({ repo, branch }) => nodeId('REF', repo.databaseId, `refs/heads/${branch}`),
  name: ({ branch, prefix }) => nameAfter(branch, prefix),
  prefix: ({ prefix }) => prefix,
  repository: ({ repo }) => repositoryNode(repo),
  target: ({ repo, branch }) => commitNode(repo, repo.branches[branch]),
  branchProtectionRule: ({ repo, branch }, _args, asked) => {
    if (!administered(asked, repo)) return null;
    const rule = protectionOf(asked.world, repo, branch);
    return rule === undefined ? null : protectionNode(repo, rule);
  },
  refUpdateRule: ({ repo, branch }, _args, asked) => {
    const rule = protectionOf(asked.world, repo, branch);
    if (rule === undefined) return null;
    return {
      pattern: rule.pattern,
      allowsDeletions: rule.allowDeletions,
      allowsForcePushes: rule.allowForcePushes,
      blocksCreations: rule.blockCreations,
      requiredApprovingReviewCount: rule.pullRequest?.approvals ?? null,
      requiredStatusCheckContexts: rule.checks?.contexts.map(({ context }) => context) ?? [],
      requiresCodeOwnerReviews: rule.pullRequest?.codeOwners ?? false,
      requiresConversationResolution: rule.conversationResolution,
      requiresLinearHistory: rule.linearHistory,
      requiresSignatures: rule.signatures,
      viewerAllowedToDismissReviews: false,
      viewerCanPush: false,
    };
  },
  rules: ({ repo, branch }, args, asked) => {
    const rules = rulesFor(asked.world, repo, branch).flatMap((placed) =>
      placed.ruleset.rules.map((rule, index) => ({ ...placed, rule, index })),
    );
    return connect(asked, rules, args, { node: ruleNode });
  },
  associatedPullRequests: ({ repo, branch }, args, asked) => {
    need(asked, 'pull_requests');
    const own = inOrder(repo, args.orderBy).filter((pr) => pr.branch === branch && !pr.fromFork);
    return pullRequestsOn(asked, repo, own, args);
  },
  compare: ({ repo, branch }, { headRef = '' }, asked) => {
    const base = resolve(repo, branch);
    const head = resolve(repo, headRef);
    if (base === undefined || head === undefined) return null;
    const compared = compare(repo, base.oid, head.oid, asked);
    if (compared === undefined) return null;
    return {
      aheadBy: compared.ahead.length,
      behindBy: compared.behind,
      status: compared.status.toUpperCase(),
      commits: (args: Arguments) =>
        connect(asked, compared.ahead, args, { node: (oid) => commitNode(repo, oid) }),
    };
  },
};

function allowances(
  { repo, rule }: ProtectionSource,
  references: ActorReference[] | null | undefined,
  args: Arguments,
  asked: Asked,
) {
  return connect(asked, references ?? [], args, {
    node: (reference) => ({ repo, rule, reference }),
  });
}

export const branchProtectionRule: Fields<ProtectionSource> = {
  id: ({ repo, rule }) => nodeId('BPR', repo.databaseId, rule.databaseId),
  databaseId: ({ rule }) => rule.databaseId,
  pattern: ({ rule }) => rule.pattern,
  repository: ({ repo }) => repositoryNode(repo),
  creator: () => null,
  isAdminEnforced: ({ rule }) => rule.enforceAdmins,
  allowsForcePushes: ({ rule }) => rule.allowForcePushes,
  allowsDeletions: ({ rule }) => rule.allowDeletions,
  blocksCreations: ({ rule }) => rule.blockCreations,
  lockBranch: ({ rule }) => rule.lockBranch,
  lockAllowsFetchAndMerge: ({ rule }) => rule.allowForkSyncing,
  requiresApprovingReviews: ({ rule }) => rule.pullRequest !== null,
  requiredApprovingReviewCount: ({ rule }) => rule.pullRequest?.approvals ?? null,
  dismissesStaleReviews: ({ rule }) => rule.pullRequest?.dismissStale ?? false,
  requiresCodeOwnerReviews: ({ rule }) => rule.pullRequest?.codeOwners ?? false,
  requireLastPushApproval: ({ rule }) => rule.pullRequest?.lastPushApproval ?? false,
  restrictsReviewDismissals: ({ rule }) => (rule.pullRequest?.dismissal ?? null) !== null,
  requiresStatusChecks: ({ rule }) => rule.checks !== null,
  requiresStrictStatusChecks: ({ rule }) => rule.checks?.strict ?? false,
  requiredStatusCheckContexts: ({ rule }) =>
    rule.checks?.contexts.map(({ context }) => context) ?? [],
  requiredStatusChecks: ({ rule }, _args, { world }) =>
    (rule.checks?.contexts ?? []).map(({ context, app: slug }) => ({
      context,
      app: slug === undefined ? null : appNode(world, slug),
    })),
  requiresCommitSignatures: ({ rule }) => rule.signatures,
  requiresConversationResolution: ({ rule }) => rule.conversationResolution,
  requiresLinearHistory: ({ rule }) => rule.linearHistory,
  requiresDeployments: ({ rule }) => rule.deployments.length > 0,
  requiredDeploymentEnvironments: ({ rule }) => rule.deployments,
  restrictsPushes: ({ rule }) => rule.pushRestrictions !== null,
  pushAllowances: (source, args, asked) =>
    allowances(source, source.rule.pushRestrictions, args, asked),
  reviewDismissalAllowances: (source, args, asked) =>
    allowances(source, source.rule.pullRequest?.dismissal, args, asked),
  bypassPullRequestAllowances: (source, args, asked) =>
    allowances(source, source.rule.pullRequest?.bypass, args, asked),
  bypassForcePushAllowances: (source, args, asked) =>
    allowances(source, source.rule.forcePushBypass, args, asked),
  matchingRefs: ({ repo, rule }, args, asked) => {
    const names = Object.keys(repo.branches).filter(
      (name) => protectionOf(asked.world, repo, name) === rule,
    );
    return connect(asked, names, args, { node: (name) => refNode(repo, name) });
  },
};

export const allowance: Fields<AllowanceSource> = {
  id: ({ repo, rule, reference }) =>
    nodeId('BPA', repo.databaseId, rule.databaseId, numberOf(reference)),
  actor: ({ reference }, _args, { world }) => actorNode(world, reference),
  branchProtectionRule: ({ repo, rule }) => protectionNode(repo, rule),
};

export const repositoryRuleset: Fields<PlacedRuleset> = {
  id: (placed) => rulesetNodeId(placed),
  databaseId: ({ ruleset }) => ruleset.id,
  name: ({ ruleset }) => ruleset.name,
  enforcement: ({ ruleset }) => ruleset.enforcement.toUpperCase(),
  target: ({ ruleset }) => ruleset.target.toUpperCase(),
  source: ({ repo }) => (repo === null ? organizationNode : repositoryNode(repo)),
  createdAt: ({ ruleset }) => ruleset.createdAt,
  updatedAt: ({ ruleset }) => ruleset.updatedAt,
  conditions: ({ ruleset: { include, exclude, repositories }, repo }) => ({
    refName: { include, exclude },
    repositoryName: repo === null ? { ...repositories, protected: false } : null,
    repositoryId: null,
    repositoryProperty: null,
  }),
  rules: (placed, args, asked) => {
    const rules = placed.ruleset.rules
      .map((rule, index) => ({ ...placed, rule, index }))
      .filter(({ rule }) => args.type == null || rule.type.toUpperCase() === args.type);
    return connect(asked, rules, args, { node: ruleNode });
  },
  bypassActors: (placed, args, asked) => {
    if (!seesBypass(asked, placed)) return null;
    return connect(asked, placed.ruleset.bypass, args, {
      node: (bypass, index) => ({ placed, bypass, index }),
    });
  },
};

export const repositoryRule: Fields<RuleSource> = {
  id: ({ ruleset, index }) => nodeId('RU', ruleset.id, index),
  type: ({ rule }) => rule.type.toUpperCase(),
  parameters: ({ rule }) => ruleParameters(rule.type, rule.parameters),
  repositoryRuleset: ({ ruleset, repo }) => rulesetNode({ ruleset, repo }),
};

export const bypassActor: Fields<{ placed: PlacedRuleset; bypass: WorldBypass; index: number }> = {
  id: ({ placed, index }) => nodeId('RRB', placed.ruleset.id, index),
  actor: ({ bypass }, _args, { world }) =>
    /^(team|app):/.test(bypass.actor) ? actorNode(world, bypass.actor as ActorReference) : null,
  // The schema has no word for `exempt`, and the field may be null.
  bypassMode: ({ bypass: { mode } }) => (mode === 'exempt' ? null : mode.toUpperCase()),
  deployKey: ({ bypass }) => bypass.actor === 'deploy_key',
  enterpriseOwner: ({ bypass }) => bypass.actor === 'enterprise_owner',
  organizationAdmin: ({ bypass }) => bypass.actor === 'organization_admin',
  repositoryRoleDatabaseId: ({ bypass }) => roleIds[roleOf(bypass) ?? ''] ?? null,
  repositoryRoleName: ({ bypass }) => roleOf(bypass),
  repositoryRuleset: ({ placed }) => rulesetNode(placed),
};

function roleOf({ actor: who }: WorldBypass): string | null {
  return who.startsWith('role:') ? who.slice('role:'.length) : null;
}

export const app: Fields<{ slug: string; number: number }> = {
  id: ({ number }) => nodeId('A', number),
  databaseId: ({ number }) => number,
  slug: ({ slug }) => slug,
  name: ({ slug }) => slug,
};

export const environment: Fields<RepositorySource & { environment: WorldEnvironment }> = {
  id: ({ environment: one, repo }) => nodeId('EN', repo.databaseId, one.databaseId),
  databaseId: ({ environment: one }) => one.databaseId,
  name: ({ environment: one }) => one.name,
  protectionRules: ({ environment: one }, args, asked) => {
    const { reviewers, waitTimer, branchPolicy, preventSelfReview } = one;
    const rule = (type: string, timeout = 0) => ({
      databaseId: numberOf(`${one.databaseId} ${type}`),
      ...{ type, timeout },
      preventSelfReview: type === 'REQUIRED_REVIEWERS' ? preventSelfReview : null,
      reviewers: (page: Arguments) =>
        connect(asked, type === 'REQUIRED_REVIEWERS' ? reviewers : [], page, {
          node: (reference) => actorNode(asked.world, reference),
        }),
    });
    const rules = [
      ...(reviewers.length > 0 ? [rule('REQUIRED_REVIEWERS')] : []),
      ...(waitTimer > 0 ? [rule('WAIT_TIMER', waitTimer)] : []),
      ...(branchPolicy ? [rule('BRANCH_POLICY')] : []),
    ];
    return connect(asked, rules, args);
  },
};

interface DeploymentSource extends RepositorySource {
  deployment: WorldDeployment;
}

export const deployment: Fields<DeploymentSource> = {
  id: ({ repo, deployment: one }) => nodeId('DE', repo.databaseId, one.databaseId),
  databaseId: ({ deployment: one }) => one.databaseId,
  environment: ({ deployment: one }) => one.environment,
  latestEnvironment: ({ deployment: one }) => one.environment,
  originalEnvironment: ({ deployment: one }) => one.environment,
  repository: ({ repo }) => repositoryNode(repo),
  commit: ({ repo, deployment: one }) => commitNode(repo, one.sha),
  commitOid: ({ deployment: one }) => one.sha,
  ref: ({ repo, deployment: one }) => (one.ref === null ? null : refNode(repo, one.ref)),
  createdAt: ({ deployment: one }) => one.createdAt,
  updatedAt: ({ deployment: one }) => one.statuses.at(-1)?.createdAt ?? one.createdAt,
  creator: ({ deployment: one }, _args, asked) => actor(asked, one.creator) ?? ghost,
  task: () => 'deploy',
  state: ({ repo, deployment: one }) => deploymentState(repo, one),
  latestStatus: (source) => {
    const status = source.deployment.statuses.at(-1);
    return status === undefined ? null : { ...source, status };
  },
  statuses: (source, args, asked) =>
    connect(asked, source.deployment.statuses.toReversed(), args, {
      node: (status) => ({ ...source, status }),
    }),
};

/** A deployment that succeeded is active until the next one of its environment does. */
function deploymentState(repo: WorldRepository, one: WorldDeployment): string {
  const state = one.statuses.at(-1)?.state ?? 'pending';
  if (state !== 'success') return state.toUpperCase();
  const later = repo.deployments.some(
    (other) =>
      other.environment === one.environment &&
      other.createdAt > one.createdAt &&
      other.statuses.at(-1)?.state === 'success',
  );
  return later ? 'INACTIVE' : 'ACTIVE';
}

export const deploymentStatus: Fields<
  DeploymentSource & { status: WorldDeployment['statuses'][number] }
> = {
  id: ({ repo, deployment: one, status }) =>
    nodeId('DES', repo.databaseId, one.databaseId, numberOf(status.createdAt + status.state)),
  state: ({ status }) => status.state.toUpperCase(),
  createdAt: ({ status }) => status.createdAt,
  updatedAt: ({ status }) => status.createdAt,
  creator: ({ status }, _args, asked) => actor(asked, status.creator) ?? ghost,
  environment: ({ deployment: one }) => one.environment,
  deployment: ({ repo, deployment: one }) => ({
    __typename: 'Deployment',
    repo,
    deployment: one,
  }),
};
