/** The world's things as GitHub's REST API writes them. */

import { accountId, commitId, organizationId, repositoryId } from './github-graphql-sources.ts';
import { nodeId, oidOf } from './github-ids.ts';
import { accountIn, atLeast, type Rights } from './github-rights.ts';
import { appNumber, bypassActor, type PlacedRuleset, rulesetNodeId } from './github-rules.ts';
import type {
  ActorReference,
  GitHubWorld,
  Handle,
  Permission,
  WorldAccount,
  WorldAuditEntry,
  WorldCodeScanningAlert,
  WorldCommit,
  WorldDependabotAlert,
  WorldInstallation,
  WorldInvitation,
  WorldProtection,
  WorldRepository,
  WorldRuleSuite,
  WorldSecretScanningAlert,
  WorldTeam,
} from './github-world.ts';

/** What every shape needs to know. */
export interface Shaped {
  world: GitHubWorld;
  rights: Rights;
  /** Address of the API, without a slash at the end. */
  api: string;
}

const web = 'https://github.com';

/** `simple-user`. */
export function account({ api }: Shaped, one: WorldAccount) {
  const url = `${api}/users/${encodeURIComponent(one.login)}`;
  return {
    login: one.login,
    id: one.databaseId,
    node_id: accountId(one),
    avatar_url: `https://avatars.githubusercontent.com/u/${one.databaseId}?v=4`,
    gravatar_id: '',
    url,
    html_url: `${web}/${encodeURIComponent(one.login)}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: one.kind,
    site_admin: false,
  };
}

/** Somebody by handle; the ghost for an account that was deleted. */
export function person(shaped: Shaped, handle: Handle) {
  return account(shaped, accountIn(shaped.world, handle));
}

function owner(shaped: Shaped) {
  const { login, databaseId } = shaped.world.organization;
  const plain = { kind: 'Organization' as const, name: login, emails: [] };
  return account(shaped, { login, databaseId, ...plain });
}

/** `organization-full`; what only owners are told is null or left out for others. */
export function organization(shaped: Shaped) {
  const { world, rights, api } = shaped;
  const { organization: org, repositories } = world;
  const url = `${api}/orgs/${org.login}`;
  const told = rights.asOwner('organization_administration') && rights.scoped('admin:org');
  const plan =
    rights.kind === 'app'
      ? rights.may('organization_plan')
      : rights.owner && rights.scoped('admin:org');
  const hidden = repositories.filter(({ visibility }) => visibility !== 'public').length;
  const counts = told || (rights.member && org.countsToldToMembers);
  const can = org.membersCan;
  const creates = can.createPrivateRepositories || can.createPublicRepositories;
  return {
    login: org.login,
    id: org.databaseId,
    node_id: organizationId(world),
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `https://avatars.githubusercontent.com/u/${org.databaseId}?v=4`,
    description: null,
    html_url: `${web}/${org.login}`,
    has_organization_projects: true,
    has_repository_projects: true,
    public_repos: repositories.length - hidden,
    public_gists: 0,
    followers: 0,
    following: 0,
    type: 'Organization',
    created_at: org.createdAt,
    updated_at: org.createdAt,
    archived_at: null,
    two_factor_requirement_enabled: told ? org.twoFactorRequired : null,
    default_repository_permission: told ? org.basePermission : null,
    members_can_create_repositories: told ? creates : null,
    ...(counts ? { total_private_repos: hidden, owned_private_repos: hidden } : {}),
    ...(told
      ? {
          members_can_create_public_repositories: can.createPublicRepositories,
          members_can_create_private_repositories: can.createPrivateRepositories,
          members_can_create_internal_repositories: can.createInternalRepositories,
          members_can_delete_repositories: can.deleteRepositories,
          members_can_change_repo_visibility: can.changeVisibility,
          members_can_fork_private_repositories: can.forkPrivateRepositories,
          members_can_invite_outside_collaborators: can.inviteOutsideCollaborators,
        }
      : {}),
    ...(plan
      ? {
          plan: {
            name: org.plan,
            space: 976562499,
            private_repos: 999999,
            filled_seats: org.members.length,
            seats: org.members.length + 10,
          },
        }
      : {}),
  };
}

export function invitation(shaped: Shaped, one: WorldInvitation) {
  const { world, api } = shaped;
  return {
    id: one.id,
    node_id: nodeId('OI', one.id),
    login: one.handle === null ? null : accountIn(world, one.handle).login,
    email: one.email,
    role: one.role,
    created_at: one.createdAt,
    failed_at: null,
    failed_reason: null,
    inviter: person(shaped, one.inviter),
    team_count: one.teams,
    invitation_source: 'member',
    invitation_teams_url: `${api}/organizations/${world.organization.databaseId}/invitations/${one.id}/teams`,
  };
}

export function installation(shaped: Shaped, one: WorldInstallation) {
  const { world, api } = shaped;
  return {
    id: one.id,
    account: owner(shaped),
    repository_selection: one.repositorySelection,
    access_tokens_url: `${api}/app/installations/${one.id}/access_tokens`,
    repositories_url: `${api}/installation/repositories`,
    html_url: `${web}/organizations/${world.organization.login}/settings/installations/${one.id}`,
    app_id: one.appId,
    app_slug: one.slug,
    target_id: world.organization.databaseId,
    target_type: 'Organization',
    permissions: one.permissions,
    events: one.events,
    created_at: one.createdAt,
    updated_at: one.updatedAt,
    single_file_name: null,
    suspended_at: one.suspendedAt,
    suspended_by: one.suspendedBy === null ? null : person(shaped, one.suspendedBy),
  };
}

/** Addresses that every repository has, by the key's name without `_url`. */
const addresses: Record<string, string> = {
  archive: '/{archive_format}{/ref}',
  assignees: '/assignees{/user}',
  blobs: '/git/blobs{/sha}',
  branches: '/branches{/branch}',
  collaborators: '/collaborators{/collaborator}',
  comments: '/comments{/number}',
  commits: '/commits{/sha}',
  compare: '/compare/{base}...{head}',
  contents: '/contents/{+path}',
  contributors: '/contributors',
  deployments: '/deployments',
  downloads: '/downloads',
  events: '/events',
  forks: '/forks',
  git_commits: '/git/commits{/sha}',
  git_refs: '/git/refs{/sha}',
  git_tags: '/git/tags{/sha}',
  hooks: '/hooks',
  issue_comment: '/issues/comments{/number}',
  issue_events: '/issues/events{/number}',
  issues: '/issues{/number}',
  keys: '/keys{/key_id}',
  labels: '/labels{/name}',
  languages: '/languages',
  merges: '/merges',
  milestones: '/milestones{/number}',
  notifications: '/notifications{?since,all,participating}',
  pulls: '/pulls{/number}',
  releases: '/releases{/id}',
  stargazers: '/stargazers',
  statuses: '/statuses/{sha}',
  subscribers: '/subscribers',
  subscription: '/subscription',
  tags: '/tags',
  teams: '/teams',
  trees: '/git/trees{/sha}',
};

/** `simple-repository`. */
export function repository(shaped: Shaped, repo: WorldRepository) {
  const { world, api } = shaped;
  const fullName = `${world.organization.login}/${repo.name}`;
  const url = `${api}/repos/${fullName}`;
  return {
    id: repo.databaseId,
    node_id: repositoryId(repo),
    name: repo.name,
    full_name: fullName,
    owner: owner(shaped),
    private: repo.visibility !== 'public',
    html_url: `${web}/${fullName}`,
    description: null,
    fork: repo.fork,
    url,
    ...Object.fromEntries(
      Object.entries(addresses).map(([key, path]) => [`${key}_url`, `${url}${path}`]),
    ),
  };
}

const permissionKeys: [string, Permission][] = [
  ['admin', 'admin'],
  ['maintain', 'maintain'],
  ['push', 'write'],
  ['triage', 'triage'],
  ['pull', 'read'],
];

function permissions(held: Permission | null) {
  return Object.fromEntries(permissionKeys.map(([key, needed]) => [key, atLeast(held, needed)]));
}

/** `repository`, as an App is told of those that it was given. */
export function givenRepository(shaped: Shaped, repo: WorldRepository) {
  const name = `${shaped.world.organization.login}/${repo.name}`;
  return {
    ...listedRepository(shaped, repo),
    clone_url: `${web}/${name}.git`,
    git_url: `git://github.com/${name}.git`,
    ssh_url: `git@github.com:${name}.git`,
    svn_url: `${web}/${name}`,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    size: 0,
    forks: 0,
    forks_count: 0,
    stargazers_count: 0,
    watchers: 0,
    watchers_count: 0,
    open_issues: 0,
    open_issues_count: 0,
    has_downloads: true,
    has_issues: true,
    has_projects: true,
    has_wiki: true,
    has_pages: false,
  };
}

/** `minimal-repository`, as lists of an organisation's repositories have it. */
export function listedRepository(shaped: Shaped, repo: WorldRepository) {
  const { rights } = shaped;
  const security = Object.entries(repo.security)
    // Public repositories have Advanced Security anyway, and GitHub does not say so.
    .filter(([name]) => name !== 'advanced_security' || repo.visibility !== 'public')
    .map(([name, status]) => [name, { status }]);
  return {
    ...repository(shaped, repo),
    visibility: repo.visibility,
    archived: repo.archived,
    disabled: repo.disabled,
    is_template: repo.template,
    default_branch: repo.defaultBranch,
    created_at: repo.createdAt,
    updated_at: repo.updatedAt,
    pushed_at: repo.pushedAt,
    permissions: permissions(rights.permission(repo)),
    ...(rights.administers(repo) ? { security_and_analysis: Object.fromEntries(security) } : {}),
  };
}

export function team(shaped: Shaped, one: WorldTeam): object {
  const { world } = shaped;
  const above = world.organization.teams.find(({ slug }) => slug === one.parent);
  return {
    ...simpleTeam(shaped, one),
    parent: above === undefined ? null : simpleTeam(shaped, above),
  };
}

function simpleTeam({ world, api }: Shaped, one: WorldTeam) {
  const url = `${api}/organizations/${world.organization.databaseId}/team/${one.databaseId}`;
  return {
    id: one.databaseId,
    node_id: nodeId('T', one.databaseId),
    name: one.name,
    slug: one.slug,
    description: null,
    privacy: one.privacy,
    permission: 'pull',
    url,
    html_url: `${web}/orgs/${world.organization.login}/teams/${one.slug}`,
    members_url: `${url}/members{/member}`,
    repositories_url: `${url}/repos`,
    type: 'organization',
    organization_id: world.organization.databaseId,
  };
}

/** A ruleset in a list: without its rules, conditions and bypass actors. */
export function listedRuleset({ world, api }: Shaped, placed: PlacedRuleset) {
  const { ruleset, repo } = placed;
  const org = world.organization.login;
  const path = repo === null ? `/orgs/${org}` : `/repos/${org}/${repo.name}`;
  return {
    id: ruleset.id,
    name: ruleset.name,
    target: ruleset.target,
    source_type: repo === null ? 'Organization' : 'Repository',
    source: repo === null ? org : `${org}/${repo.name}`,
    enforcement: ruleset.enforcement,
    node_id: rulesetNodeId(placed),
    _links: {
      self: { href: `${api}${path}/rulesets/${ruleset.id}` },
      html: { href: `${web}/${org}/rules/${ruleset.id}` },
    },
    created_at: ruleset.createdAt,
    updated_at: ruleset.updatedAt,
  };
}

/** A whole ruleset. `bypass_actors` is there only for who may change it. */
export function ruleset(shaped: Shaped, placed: PlacedRuleset, writes: boolean) {
  const { include, exclude, repositories, rules, bypass } = placed.ruleset;
  return {
    ...listedRuleset(shaped, placed),
    conditions: {
      ref_name: { include, exclude },
      ...(placed.repo === null ? { repository_name: { ...repositories, protected: false } } : {}),
    },
    rules,
    ...(writes ? { bypass_actors: bypass.map((one) => bypassActor(shaped.world, one)) } : {}),
    current_user_can_bypass: 'never',
  };
}

export function branchRules({ world }: Shaped, { ruleset: one, repo }: PlacedRuleset) {
  const org = world.organization.login;
  return one.rules.map((rule) => ({
    ...rule,
    ruleset_source_type: repo === null ? 'Organization' : 'Repository',
    ruleset_source: repo === null ? org : `${org}/${repo.name}`,
    ruleset_id: one.id,
  }));
}

export function ruleSuite({ world }: Shaped, repo: WorldRepository, suite: WorldRuleSuite) {
  const who = suite.actor === null ? null : accountIn(world, suite.actor);
  return {
    id: suite.id,
    ...(who === null ? {} : { actor_id: who.databaseId, actor_name: who.login }),
    before_sha: suite.before,
    after_sha: suite.after,
    ref: suite.ref,
    repository_id: repo.databaseId,
    repository_name: repo.name,
    pushed_at: suite.pushedAt,
    result: suite.result,
    evaluation_result: suite.result,
  };
}

export function wholeRuleSuite(shaped: Shaped, repo: WorldRepository, suite: WorldRuleSuite) {
  const sets = [...repo.rulesets, ...shaped.world.organization.rulesets];
  return {
    ...ruleSuite(shaped, repo, suite),
    rule_evaluations: suite.rules.map(({ ruleset: id, type, result, enforcement }) => ({
      rule_source: {
        type: 'ruleset',
        id,
        name: sets.find((one) => one.id === id)?.name ?? null,
      },
      enforcement,
      result,
      rule_type: type,
      details: null,
    })),
  };
}

export function auditEntry({ world }: Shaped, entry: WorldAuditEntry) {
  const time = Date.parse(entry.at);
  const { login, databaseId } = world.organization;
  const who = entry.actor === null ? null : accountIn(world, entry.actor);
  return {
    '@timestamp': time,
    created_at: time,
    _document_id: entry.id,
    action: entry.action,
    org: login,
    org_id: databaseId,
    ...(who === null ? {} : { actor: who.login, actor_id: who.databaseId }),
    ...(entry.repository === null ? {} : { repo: `${login}/${entry.repository}` }),
    ...entry.fields,
  };
}

// --- Classic protection ------------------------------------------------------------------

function allowed(shaped: Shaped, references: ActorReference[]) {
  const { world } = shaped;
  const of = (kind: string) =>
    references.flatMap((one) => (one.startsWith(`${kind}:`) ? [one.slice(kind.length + 1)] : []));
  return {
    users: of('user').map((handle) => person(shaped, handle)),
    teams: of('team').flatMap((slug) => {
      const found = world.organization.teams.find((one) => one.slug === slug);
      return found === undefined ? [] : [team(shaped, found)];
    }),
    apps: of('app').map((slug) => ({
      id: appNumber(world, slug),
      slug,
      node_id: nodeId('A', appNumber(world, slug)),
      owner: owner(shaped),
      name: slug,
      description: '',
      external_url: 'https://example.com',
      html_url: `${web}/apps/${slug}`,
      created_at: world.organization.createdAt,
      updated_at: world.organization.createdAt,
      permissions: {},
      events: [],
    })),
  };
}

export function branchProtection(
  shaped: Shaped,
  repo: WorldRepository,
  branch: string,
  rule: WorldProtection,
) {
  const { world, api } = shaped;
  const path = `/repos/${world.organization.login}/${repo.name}/branches/${branch}/protection`;
  const url = `${api}${path}`;
  const { checks, pullRequest: reviews, pushRestrictions } = rule;
  const enabled = (value: boolean) => ({ enabled: value });
  return {
    url,
    required_signatures: { url: `${url}/required_signatures`, enabled: rule.signatures },
    enforce_admins: { url: `${url}/enforce_admins`, enabled: rule.enforceAdmins },
    required_linear_history: enabled(rule.linearHistory),
    allow_force_pushes: enabled(rule.allowForcePushes),
    allow_deletions: enabled(rule.allowDeletions),
    block_creations: enabled(rule.blockCreations),
    required_conversation_resolution: enabled(rule.conversationResolution),
    lock_branch: enabled(rule.lockBranch),
    allow_fork_syncing: enabled(rule.allowForkSyncing),
    ...(checks === null
      ? {}
      : {
          required_status_checks: {
            url: `${url}/required_status_checks`,
            strict: checks.strict,
            contexts: checks.contexts.map(({ context }) => context),
            contexts_url: `${url}/required_status_checks/contexts`,
            checks: checks.contexts.map(({ context, app }) => ({
              context,
              app_id: app === undefined ? null : appNumber(world, app),
            })),
          },
        }),
    ...(reviews === null
      ? {}
      : {
          required_pull_request_reviews: {
            url: `${url}/required_pull_request_reviews`,
            dismiss_stale_reviews: reviews.dismissStale,
            require_code_owner_reviews: reviews.codeOwners,
            require_last_push_approval: reviews.lastPushApproval,
            required_approving_review_count: reviews.approvals,
            ...(reviews.bypass.length === 0
              ? {}
              : { bypass_pull_request_allowances: allowed(shaped, reviews.bypass) }),
            ...(reviews.dismissal === null
              ? {}
              : {
                  dismissal_restrictions: {
                    url: `${url}/dismissal_restrictions`,
                    users_url: `${url}/dismissal_restrictions/users`,
                    teams_url: `${url}/dismissal_restrictions/teams`,
                    ...allowed(shaped, reviews.dismissal),
                  },
                }),
          },
        }),
    ...(pushRestrictions === null
      ? {}
      : {
          restrictions: {
            url: `${url}/restrictions`,
            users_url: `${url}/restrictions/users`,
            teams_url: `${url}/restrictions/teams`,
            apps_url: `${url}/restrictions/apps`,
            ...allowed(shaped, pushRestrictions),
          },
        }),
  };
}

// --- Commits -----------------------------------------------------------------------------

export function commit(shaped: Shaped, repo: WorldRepository, one: WorldCommit) {
  const { world, api } = shaped;
  const path = `${world.organization.login}/${repo.name}`;
  const url = `${api}/repos/${path}/commits/${one.oid}`;
  const git = `${api}/repos/${path}/git`;
  const signed = ({ name, email, date }: WorldCommit['author']) => ({ name, email, date });
  const whose = ({ handle }: WorldCommit['author']) =>
    handle === null ? null : person(shaped, handle);
  const tree = oidOf(`tree ${one.oid}`);
  return {
    url,
    sha: one.oid,
    node_id: commitId(repo, one.oid),
    html_url: `${web}/${path}/commit/${one.oid}`,
    comments_url: `${url}/comments`,
    commit: {
      url: `${git}/commits/${one.oid}`,
      author: signed(one.author),
      committer: signed(one.committer),
      message: one.message,
      tree: { sha: tree, url: `${git}/trees/${tree}` },
      comment_count: 0,
      verification: {
        verified: false,
        reason: 'unsigned',
        payload: null,
        signature: null,
        verified_at: null,
      },
    },
    author: whose(one.author),
    committer: whose(one.committer),
    parents: one.parents.map((sha) => ({
      sha,
      url: `${api}/repos/${path}/commits/${sha}`,
      html_url: `${web}/${path}/commit/${sha}`,
    })),
  };
}

// --- Alerts ------------------------------------------------------------------------------

function closer(shaped: Shaped, handle: Handle | null | undefined) {
  return handle == null ? null : person(shaped, handle);
}

export function dependabotAlert(
  shaped: Shaped,
  repo: WorldRepository,
  alert: WorldDependabotAlert,
) {
  const path = `${shaped.world.organization.login}/${repo.name}`;
  const { closed, state } = alert;
  const at = (wanted: typeof state) => (state === wanted ? (closed?.at ?? null) : null);
  const vulnerability = {
    package: { ecosystem: alert.ecosystem, name: alert.package },
    severity: alert.severity,
    vulnerable_version_range: alert.patched === null ? '>= 0' : `< ${alert.patched}`,
    first_patched_version: alert.patched === null ? null : { identifier: alert.patched },
  };
  return {
    number: alert.number,
    state,
    dependency: {
      package: vulnerability.package,
      manifest_path: 'package-lock.json',
      scope: 'runtime',
    },
    security_advisory: {
      ghsa_id: alert.advisory,
      cve_id: null,
      summary: alert.summary,
      description: alert.summary,
      severity: alert.severity,
      identifiers: [{ type: 'GHSA', value: alert.advisory }],
      references: [],
      vulnerabilities: [vulnerability],
      cvss: { score: 0, vector_string: null },
      cwes: [],
      published_at: alert.createdAt,
      updated_at: alert.createdAt,
      withdrawn_at: null,
    },
    security_vulnerability: vulnerability,
    url: `${shaped.api}/repos/${path}/dependabot/alerts/${alert.number}`,
    html_url: `${web}/${path}/security/dependabot/${alert.number}`,
    created_at: alert.createdAt,
    updated_at: alert.updatedAt,
    dismissed_at: at('dismissed'),
    dismissed_by: state === 'dismissed' ? closer(shaped, closed?.by) : null,
    dismissed_reason: state === 'dismissed' ? (closed?.reason ?? null) : null,
    dismissed_comment: null,
    fixed_at: at('fixed'),
    auto_dismissed_at: at('auto_dismissed'),
    repository: repository(shaped, repo),
  };
}

export function codeScanningAlert(
  shaped: Shaped,
  repo: WorldRepository,
  alert: WorldCodeScanningAlert,
) {
  const path = `${shaped.world.organization.login}/${repo.name}`;
  const url = `${shaped.api}/repos/${path}/code-scanning/alerts/${alert.number}`;
  const { closed, state } = alert;
  const dismissed = state === 'dismissed' ? closed : null;
  return {
    number: alert.number,
    created_at: alert.createdAt,
    updated_at: alert.updatedAt,
    url,
    html_url: `${web}/${path}/security/code-scanning/${alert.number}`,
    state,
    fixed_at: state === 'fixed' ? (closed?.at ?? null) : null,
    dismissed_by: closer(shaped, dismissed?.by),
    dismissed_at: dismissed?.at ?? null,
    dismissed_reason: dismissed?.reason ?? null,
    dismissed_comment: null,
    rule: {
      id: alert.rule,
      name: alert.rule,
      severity: alert.severity === null ? 'note' : 'error',
      description: alert.description,
      tags: [],
      security_severity_level: alert.severity,
    },
    tool: { name: alert.tool, guid: null, version: null },
    most_recent_instance: {
      ref: `refs/heads/${repo.defaultBranch}`,
      analysis_key: 'dynamic/github-code-scanning/codeql:analyze',
      environment: '{}',
      category: '/language:javascript-typescript',
      state,
      commit_sha: repo.branches[repo.defaultBranch] ?? oidOf(path),
      message: { text: alert.description },
      location: {
        path: 'src/index.ts',
        start_line: 1,
        end_line: 1,
        start_column: 1,
        end_column: 2,
      },
      classifications: [],
    },
    instances_url: `${url}/instances`,
    repository: repository(shaped, repo),
  };
}

export function secretScanningAlert(
  shaped: Shaped,
  repo: WorldRepository,
  alert: WorldSecretScanningAlert,
  hidden: boolean,
) {
  const path = `${shaped.world.organization.login}/${repo.name}`;
  const url = `${shaped.api}/repos/${path}/secret-scanning/alerts/${alert.number}`;
  const { closed, pushProtectionBypassed: bypassed } = alert;
  return {
    number: alert.number,
    created_at: alert.createdAt,
    updated_at: alert.updatedAt,
    url,
    html_url: `${web}/${path}/security/secret-scanning/${alert.number}`,
    locations_url: `${url}/locations`,
    state: alert.state,
    resolution: closed?.reason ?? null,
    resolved_at: closed?.at ?? null,
    resolved_by: closer(shaped, closed?.by),
    resolution_comment: null,
    secret_type: alert.type,
    secret_type_display_name: alert.type.replaceAll('_', ' '),
    ...(hidden ? {} : { secret: alert.secret }),
    validity: 'unknown',
    publicly_leaked: false,
    multi_repo: false,
    push_protection_bypassed: bypassed !== null,
    push_protection_bypassed_by: closer(shaped, bypassed?.by),
    push_protection_bypassed_at: bypassed?.at ?? null,
    push_protection_bypass_request_reviewer: null,
    push_protection_bypass_request_reviewer_comment: null,
    push_protection_bypass_request_comment: null,
    push_protection_bypass_request_html_url: null,
    repository: repository(shaped, repo),
  };
}
