/** Who may see and do what, as GitHub documents it. */
import {
  type AppPermissions,
  accountOf,
  type GitHubWorld,
  type Handle,
  type Permission,
  type WorldAccount,
  type WorldRepository,
  type WorldTeam,
} from './github-world.ts';

const order: Permission[] = ['read', 'triage', 'write', 'maintain', 'admin'];

/** Whether a permission is that much or more. */
export function atLeast(has: Permission | null, needed: Permission): boolean {
  return has !== null && order.indexOf(has) >= order.indexOf(needed);
}

/** The account behind a handle. */
export function accountIn(world: GitHubWorld, handle: Handle): WorldAccount {
  return world.accounts[handle] ?? accountOf(handle);
}

/** The handle behind a mail address or a login, if anybody of the world has it. */
export function handleOf(
  world: GitHubWorld,
  has: (account: WorldAccount) => boolean,
): Handle | null {
  const { members, outsideCollaborators } = world.organization;
  const handles = [
    ...Object.keys(world.accounts),
    ...members.map(({ handle }) => handle),
    ...outsideCollaborators.map(({ handle }) => handle),
  ];
  return handles.find((handle) => has(accountIn(world, handle))) ?? null;
}

/** A team and those above it. */
export function lineOf(world: GitHubWorld, team: WorldTeam): WorldTeam[] {
  const parent = world.organization.teams.find(({ slug }) => slug === team.parent);
  return parent === undefined ? [team] : [team, ...lineOf(world, parent)];
}

/** What a team may do in a repository, by its own grant or one from above. */
export function grantOf(
  world: GitHubWorld,
  team: WorldTeam,
  repo: WorldRepository,
): Permission | undefined {
  const grants = lineOf(world, team).map(({ repositories }) => repositories[repo.name]);
  return strongest(grants) ?? undefined;
}

function strongest(permissions: (Permission | undefined | false)[]): Permission | null {
  let best: Permission | null = null;
  for (const one of permissions) if (one && !atLeast(best, one)) best = one;
  return best;
}

/** What somebody may do in a repository today, by whatever way; null: not even see it. */
export function permissionOf(
  world: GitHubWorld,
  handle: Handle,
  repo: WorldRepository,
): Permission | null {
  const { members, teams, basePermission, installations } = world.organization;
  const member = members.find((one) => one.handle === handle);
  if (member?.role === 'admin') return 'admin';
  const app = installations.find(({ slug }) => `${slug}[bot]` === handle);
  const ways: (Permission | undefined | false)[] = [
    repo.collaborators[handle],
    member !== undefined && basePermission !== 'none' && basePermission,
    ...teams
      .filter((team) => team.members.some((one) => one.handle === handle))
      .map((team) => grantOf(world, team, repo)),
    app?.permissions.contents === 'write' && app.suspendedAt === null && 'write',
    (repo.visibility === 'public' || (repo.visibility === 'internal' && member !== undefined)) &&
      'read',
  ];
  return strongest(ways);
}

const levels = ['read', 'write', 'admin'];

function holds(permissions: AppPermissions, name: string, level: 'read' | 'write'): boolean {
  // Metadata comes with every App that may see a repository at all.
  const held = permissions[name] ?? (name === 'metadata' ? 'read' : undefined);
  return held !== undefined && levels.indexOf(held) >= levels.indexOf(level);
}

/** What one scope of a classic token holds beside itself. */
const wider: Record<string, string[]> = {
  'admin:org': ['write:org', 'read:org'],
  'write:org': ['read:org'],
  repo: ['repo:status', 'repo_deployment', 'public_repo', 'security_events'],
  'read:audit_log': [],
};

/** What whoever asks may see. */
export interface Rights {
  kind: 'classic' | 'fine-grained' | 'app';
  /** Handle of the person; `SLUG[bot]` of an App. */
  handle: Handle;
  /** Belongs to the organisation. */
  member: boolean;
  /** Owns the organisation; never an App. */
  owner: boolean;
  scopes: string[];
  /** A classic token has one of these scopes; other tokens have no scopes to lack. */
  scoped(...anyOf: string[]): boolean;
  /** An App's or fine-grained token's permission; a classic token has none to lack. */
  may(permission: string, level?: 'read' | 'write'): boolean;
  /** What an owner may; an App with that permission may it too. */
  asOwner(permission: string, level?: 'read' | 'write'): boolean;
  /** The person's permission in a repository; of an App that reaches it, read. */
  permission(repo: WorldRepository): Permission | null;
  sees(repo: WorldRepository): boolean;
  /** Settings of a repository, which take an administrator. */
  administers(repo: WorldRepository, level?: 'read' | 'write'): boolean;
  /** GitHub's sentence for an App or token that lacks a permission. */
  refusal: string;
}

/** The rights of the world's viewer. */
export function rightsOf(world: GitHubWorld): Rights {
  const { viewer, organization } = world;
  if (viewer.kind === 'app') {
    const { permissions, repositories } = viewer;
    const may: Rights['may'] = (name, level = 'read') => holds(permissions, name, level);
    const sees: Rights['sees'] = (repo) =>
      repositories === 'all' || repositories.includes(repo.name) || repo.visibility === 'public';
    return {
      kind: 'app',
      handle: `${world.app?.slug ?? 'tickmark'}[bot]`,
      member: false,
      owner: false,
      scopes: [],
      scoped: () => true,
      may,
      asOwner: may,
      permission: (repo) => (sees(repo) ? 'read' : null),
      sees,
      administers: (repo, level) => sees(repo) && may('administration', level),
      refusal: 'Resource not accessible by integration',
    };
  }
  const { handle, permissions, repositories } = viewer;
  const kind = permissions === undefined ? 'classic' : 'fine-grained';
  const scopes = kind === 'classic' ? (viewer.scopes ?? []) : [];
  const all = new Set(scopes.flatMap((scope) => [scope, ...(wider[scope] ?? [])]));
  const membership = organization.members.find((one) => one.handle === handle);
  const member = membership !== undefined;
  const owner = membership?.role === 'admin';
  const scoped: Rights['scoped'] = (...anyOf) =>
    kind === 'fine-grained' || anyOf.some((scope) => all.has(scope));
  const may: Rights['may'] = (name, level = 'read') =>
    permissions === undefined || holds(permissions, name, level);
  const given = ({ name }: WorldRepository) => repositories?.includes(name) ?? true;
  const permission: Rights['permission'] = (repo) => {
    if (repo.visibility === 'public')
      return given(repo) ? permissionOf(world, handle, repo) : 'read';
    return scoped('repo') && given(repo) ? permissionOf(world, handle, repo) : null;
  };
  return {
    kind,
    handle,
    member,
    owner,
    scopes,
    scoped,
    may,
    asOwner: (name, level) => owner && may(name, level),
    permission,
    sees: (repo) => permission(repo) !== null,
    administers: (repo, level) => permission(repo) === 'admin' && may('administration', level),
    refusal: 'Resource not accessible by personal access token',
  };
}
