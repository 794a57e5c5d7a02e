/**
 * What each field of GitHub's GraphQL schema is in the world, and who may read it. A field that
 * nobody wrote down here is a mistake of the stand-in, never a null.
 *
 * Where GitHub documents no answer for somebody without the right, the more treacherous one is
 * given: an empty list, or false, without an error. Such places say so.
 */
import { pullRequestIn } from './github-commits.ts';
import {
  type Asked,
  actor,
  commitNode,
  type Fields,
  GraphqlRefusal,
  need,
  notFound,
  organizationNode,
  protectionNode,
  pullRequestNode,
  refNode,
  repositoryNamed,
  repositoryNode,
  rulesetNode,
  same,
  teamNode,
  user,
  visible,
  visibleTeams,
} from './github-graphql-sources.ts';
import { readNodeId } from './github-ids.ts';
import {
  checkRun,
  checkSuite,
  commit,
  forcePushed,
  issue,
  pullRequest,
  pullRequestCommit,
  review,
  reviewDismissed,
  rollup,
  signature,
  statusContext,
} from './github-resolvers-changes.ts';
import {
  anyActor,
  bot,
  enterpriseUser,
  externalIdentity,
  identityProvider,
  organization,
  team,
  userFields,
} from './github-resolvers-organization.ts';
import {
  allowance,
  app,
  branchProtectionRule,
  bypassActor,
  deployKey,
  deployment,
  deploymentStatus,
  environment,
  ref,
  repository,
  repositoryRule,
  repositoryRuleset,
} from './github-resolvers-repository.ts';
import { handleOf } from './github-rights.ts';
import { type PlacedRuleset, rulesetsOf } from './github-rules.ts';

/** What a node id stands for. @throws GraphqlRefusal where there is none, or it may not be seen */
function nodeOf(asked: Asked, id: string): unknown {
  const { world } = asked;
  const { prefix, parts } = readNodeId(id) ?? { prefix: '', parts: [] };
  const [first, second] = parts;
  const node = () => {
    const known = world.repositories.find(({ databaseId }) => databaseId === first);
    const repo = known !== undefined && asked.rights.sees(known) ? known : undefined;
    switch (prefix) {
      case 'O':
        return first === world.organization.databaseId ? organizationNode : null;
      case 'T': {
        const team = visibleTeams(asked).find(({ databaseId }) => databaseId === first);
        return team === undefined ? null : teamNode(team);
      }
      case 'RRS': {
        const placed = placedRulesets(asked).find(({ ruleset }) => ruleset.id === first);
        return placed === undefined ? null : rulesetNode(placed);
      }
      case 'U':
      case 'BOT': {
        const handle = handleOf(world, ({ databaseId }) => databaseId === first);
        return handle === null ? null : actor(asked, handle);
      }
    }
    if (repo === undefined) return null;
    switch (prefix) {
      case 'R':
        return repositoryNode(repo);
      case 'REF':
        need(asked, 'contents');
        return refNode(repo, String(second).replace(/^refs\/heads\//, ''));
      case 'C':
        need(asked, 'contents');
        return commitNode(repo, String(second));
      case 'PR': {
        need(asked, 'pull_requests');
        const pr = pullRequestIn(repo, Number(second));
        return pr === undefined ? null : pullRequestNode(repo, pr);
      }
      case 'BPR': {
        const rule = asked.rights.administers(repo)
          ? repo.protections.find(({ databaseId }) => databaseId === second)
          : undefined;
        return rule === undefined ? null : protectionNode(repo, rule);
      }
      case 'DE': {
        need(asked, 'deployments');
        const deployment = repo.deployments.find(({ databaseId }) => databaseId === second);
        return deployment === undefined ? null : { __typename: 'Deployment', repo, deployment };
      }
    }
    return null;
  };
  const found = node();
  if (found === null) throw notFound(`a node with the global id of '${id}'`);
  return found;
}

/** Every ruleset that may be seen, wherever it is. */
function placedRulesets(asked: Asked): PlacedRuleset[] {
  const own = visible(asked).flatMap((repo) => rulesetsOf(asked.world, repo, false));
  const above = asked.world.organization.rulesets.map((ruleset) => ({ ruleset, repo: null }));
  return [...own, ...above];
}

const query: Fields<unknown> = {
  viewer: (_, _args, asked) => user(asked, asked.rights.handle),
  rateLimit: (_, _args, { rateLimit }) => rateLimit,
  node: (_, { id = '' }, asked) => nodeOf(asked, id),
  nodes: (_, { ids = [] }, asked) => {
    if (ids.length > 100) {
      const message = `You may not provide more than 100 node ids; you provided ${ids.length}.`;
      throw new GraphqlRefusal('ARGUMENT_LIMIT', message);
    }
    return ids.map((id, index) => {
      if (index === asked.forbidden) return new GraphqlRefusal('FORBIDDEN', asked.rights.refusal);
      try {
        return nodeOf(asked, id);
      } catch (error) {
        if (error instanceof GraphqlRefusal) return error;
        throw error;
      }
    });
  },
  organization: (_, { login }, { world }) => {
    if (same(login ?? '', world.organization.login)) return organizationNode;
    throw notFound(`an Organization with the login of '${login}'`);
  },
  repository: (_, { owner = '', name = '' }, asked) => {
    const repo = same(owner, asked.world.organization.login)
      ? repositoryNamed(asked, name)
      : undefined;
    if (repo === undefined) throw notFound(`a Repository with the name '${owner}/${name}'`);
    return repositoryNode(repo);
  },
};

/** Resolvers by type. Connections, edges and other plain objects hold their own fields. */
export const resolvers = {
  Query: query,
  Organization: organization,
  OrganizationIdentityProvider: identityProvider,
  ExternalIdentity: externalIdentity,
  User: userFields,
  Bot: bot,
  Mannequin: anyActor,
  EnterpriseUserAccount: enterpriseUser,
  Team: team,
  App: app,
  Repository: repository,
  DeployKey: deployKey,
  Ref: ref,
  BranchProtectionRule: branchProtectionRule,
  PushAllowance: allowance,
  ReviewDismissalAllowance: allowance,
  BypassPullRequestAllowance: allowance,
  BypassForcePushAllowance: allowance,
  RepositoryRuleset: repositoryRuleset,
  RepositoryRule: repositoryRule,
  RepositoryRulesetBypassActor: bypassActor,
  GitActor: signature,
  Commit: commit,
  StatusCheckRollup: rollup,
  CheckRun: checkRun,
  CheckSuite: checkSuite,
  StatusContext: statusContext,
  PullRequest: pullRequest,
  PullRequestCommit: pullRequestCommit,
  PullRequestReview: review,
  HeadRefForcePushedEvent: forcePushed,
  ReviewDismissedEvent: reviewDismissed,
  Issue: issue,
  Environment: environment,
  Deployment: deployment,
  DeploymentStatus: deploymentStatus,
} as unknown as Record<string, Fields<unknown>>;
