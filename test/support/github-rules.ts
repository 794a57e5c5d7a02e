/** Which rules hold for a branch, and how REST and GraphQL write them. */

import { nodeId, numberOf } from './github-ids.ts';
import { accountIn } from './github-rights.ts';
import type {
  ActorReference,
  GitHubWorld,
  WorldBypass,
  WorldProtection,
  WorldRepository,
  WorldRuleset,
} from './github-world.ts';

/**
 * The one classic rule that holds: the branch's own name before a pattern, of several patterns the
 * one that was made first.
 */
export function protectionOf(
  world: GitHubWorld,
  repo: WorldRepository,
  branch: string,
): WorldProtection | undefined {
  if (lacksRules(world, repo)) return undefined;
  return (
    repo.protections.find(({ pattern }) => pattern === branch) ??
    repo.protections.find(({ pattern }) => fits(pattern, branch))
  );
}

/** Private repositories of the free plan have no rules at all. */
export function lacksRules(world: GitHubWorld, repo: WorldRepository): boolean {
  return world.organization.plan === 'free' && repo.visibility !== 'public';
}

/** A ruleset and whose it is. */
export interface PlacedRuleset {
  ruleset: WorldRuleset;
  /** Null: the organisation's. */
  repo: WorldRepository | null;
}

/** Every ruleset of a repository, whatever its enforcement; the organisation's too. */
export function rulesetsOf(
  world: GitHubWorld,
  repo: WorldRepository,
  parents = true,
): PlacedRuleset[] {
  if (lacksRules(world, repo)) return [];
  const above = parents ? world.organization.rulesets : [];
  return [
    ...repo.rulesets.map((ruleset) => ({ ruleset, repo })),
    ...above
      .filter(({ repositories }) => among(repositories, repo.name))
      .map((ruleset) => ({ ruleset, repo: null })),
  ];
}

/** The rulesets in force for a branch. */
export function rulesFor(
  world: GitHubWorld,
  repo: WorldRepository,
  branch: string,
): PlacedRuleset[] {
  return rulesetsOf(world, repo).filter(
    ({ ruleset }) =>
      ruleset.enforcement === 'active' &&
      ruleset.target === 'branch' &&
      among(ruleset, `refs/heads/${branch}`, `refs/heads/${repo.defaultBranch}`),
  );
}

function among(
  { include, exclude }: { include: string[]; exclude: string[] },
  name: string,
  defaultRef?: string,
): boolean {
  const fit = (pattern: string) =>
    pattern === '~ALL' ||
    (pattern === '~DEFAULT_BRANCH' && name === defaultRef) ||
    fits(pattern, name);
  return include.some(fit) && !exclude.some(fit);
}

/** Ruby's File.fnmatch with FNM_PATHNAME, by which GitHub reads these: `*` does not cross `/`. */
function fits(pattern: string, name: string): boolean {
  const expression = pattern
    .replace(/[.+^$()|{}\\]/g, '\\$&')
    .replace(/\*\*\/|\*|\?/g, (sign) =>
      sign === '**/' ? '(?:[^/]+/)*' : sign === '*' ? '[^/]*' : '[^/]',
    );
  return new RegExp(`^${expression}$`).test(name);
}

/** Numbers by which REST calls the roles that every repository has. */
export const roleIds: Record<string, number> = {
  read: 1,
  triage: 3,
  write: 4,
  maintain: 2,
  admin: 5,
};

/** Who may go around a ruleset, as REST writes it. */
export function bypassActor(world: GitHubWorld, { actor, mode }: WorldBypass) {
  const [kind = '', name = ''] = actor.split(':');
  const typed: Record<string, [number | null, string]> = {
    team: [teamNumber(world, name), 'Team'],
    app: [appNumber(world, name), 'Integration'],
    role: [roleIds[name] ?? null, 'RepositoryRole'],
    organization_admin: [1, 'OrganizationAdmin'],
    deploy_key: [null, 'DeployKey'],
    enterprise_owner: [null, 'EnterpriseOwner'],
  };
  const [actor_id, actor_type] = typed[kind] ?? [null, 'RepositoryRole'];
  return { actor_id, actor_type, bypass_mode: mode };
}

export function teamNumber(world: GitHubWorld, slug: string): number {
  const team = world.organization.teams.find((one) => one.slug === slug);
  return team?.databaseId ?? numberOf(`team ${slug}`);
}

export function appNumber(world: GitHubWorld, slug: string): number {
  const app = world.organization.installations.find((one) => one.slug === slug);
  return app?.appId ?? numberOf(`app ${slug}`);
}

/** Who is meant, as a source of the GraphQL types `User`, `Team` and `App`. */
export function actorNode(world: GitHubWorld, reference: ActorReference) {
  const [kind, name = ''] = reference.split(':');
  if (kind === 'team') {
    const team = world.organization.teams.find(({ slug }) => slug === name);
    if (team === undefined) throw new Error(`the world has no team '${name}'`);
    return { __typename: 'Team', team };
  }
  if (kind === 'app') return { __typename: 'App', slug: name, number: appNumber(world, name) };
  return { __typename: 'User', handle: name, account: accountIn(world, name) };
}

/** Node id of a ruleset. */
export function rulesetNodeId({ ruleset }: PlacedRuleset): string {
  return nodeId('RRS', ruleset.id);
}

/** The parameters of a rule as GraphQL has them, a source of one type of `RuleParameters`. */
export function ruleParameters(type: string, parameters: Record<string, unknown> | undefined) {
  if (parameters === undefined) return null;
  const pascal = type.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return { __typename: `${pascal.join('')}Parameters`, ...(camel(parameters) as object) };
}

function camel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camel);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      camel(inner),
    ]),
  );
}
