/** Builders of a world’s things: what is left out gets a plain default. */
import { accountOf } from './github-accounts.ts';
import { numberOf, oidOf } from './github-ids.ts';
import type {
  AppPermissions,
  AppViewer,
  GitHubWorld,
  Handle,
  Time,
  TwoFactor,
  UserViewer,
  Viewer,
  WorldAccount,
  WorldAlert,
  WorldApp,
  WorldAuditEntry,
  WorldCodeScanningAlert,
  WorldDependabotAlert,
  WorldDeployKey,
  WorldDeployment,
  WorldEnvironment,
  WorldExternalIdentity,
  WorldInstallation,
  WorldInvitation,
  WorldMember,
  WorldOrganization,
  WorldProtection,
  WorldRepository,
  WorldRule,
  WorldRuleSuite,
  WorldRuleset,
  WorldSecretScanningAlert,
  WorldTeam,
} from './github-world.ts';
import { directPush, headOf, later } from './github-world-events.ts';

/** A world of one organisation, asked by its owner with a classic token that may see all. */
export function githubWorld(
  parts: {
    organization?: Partial<WorldOrganization>;
    accounts?: Record<Handle, Partial<WorldAccount>>;
    repositories?: WorldRepository[];
    app?: WorldApp;
    viewer?: Viewer;
  } = {},
): GitHubWorld {
  const organization = anOrganization(parts.organization);
  const owner = organization.members.find(({ role }) => role === 'admin')?.handle ?? 'alice';
  return {
    organization,
    accounts: Object.fromEntries(
      Object.entries(parts.accounts ?? {}).map(([handle, account]) => [
        handle,
        { ...accountOf(handle), ...account },
      ]),
    ),
    repositories: parts.repositories ?? [],
    app: parts.app ?? null,
    viewer: parts.viewer ?? asUser(owner),
  };
}

function anOrganization(parts: Partial<WorldOrganization> = {}): WorldOrganization {
  const login = parts.login ?? 'acme';
  return {
    login,
    databaseId: numberOf(`organization ${login}`),
    createdAt: '2020-03-02T08:00:00Z',
    plan: 'enterprise',
    twoFactorRequired: true,
    basePermission: 'read',
    countsToldToMembers: false,
    saml: null,
    members: [member('alice', 'admin'), member('bob'), member('carol')],
    outsideCollaborators: [],
    invitations: [],
    teams: [],
    installations: [],
    rulesets: [],
    auditLog: [],
    ...parts,
    membersCan: {
      createPublicRepositories: false,
      createPrivateRepositories: false,
      createInternalRepositories: false,
      deleteRepositories: false,
      changeVisibility: false,
      forkPrivateRepositories: false,
      inviteOutsideCollaborators: false,
      ...parts.membersCan,
    },
  };
}

/** The scopes of a classic token that may see all that this program reads. */
export const ownerScopes = ['admin:org', 'read:audit_log', 'repo', 'security_events'];

/** Somebody's own classic token; rights are theirs in the world. */
export function asUser(handle: Handle, scopes: string[] = ownerScopes): UserViewer {
  return { kind: 'user', handle, token: `ghp_${oidOf(`token ${handle}`).slice(0, 36)}`, scopes };
}

/** The token of an installed App. */
export function asApp(
  permissions: AppPermissions,
  repositories: AppViewer['repositories'] = 'all',
): AppViewer {
  return { kind: 'app', permissions, repositories, token: `ghs_${oidOf('app').slice(0, 36)}` };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function member(
  handle: Handle,
  role: WorldMember['role'] = 'member',
  twoFactor: TwoFactor = 'secure',
): WorldMember {
  return { handle, role, twoFactor };
}

export function invitation(
  parts: Partial<WorldInvitation> & ({ handle: Handle } | { email: string }),
): WorldInvitation {
  return {
    id: numberOf(`invitation ${parts.handle} ${parts.email}`),
    handle: null,
    email: null,
    role: 'direct_member',
    createdAt: '2026-11-01T09:00:00Z',
    inviter: 'alice',
    teams: 0,
    ...parts,
  };
}

export function externalIdentity(
  parts: Partial<WorldExternalIdentity> & { handle: Handle | null },
): WorldExternalIdentity {
  const nameId = parts.nameId ?? (parts.handle === null ? null : `${parts.handle}@example.com`);
  return {
    guid: oidOf(`identity ${parts.handle} ${nameId}`).slice(0, 36),
    scim: null,
    ...parts,
    nameId,
  };
}

export function team(
  parts: Partial<Omit<WorldTeam, 'members'>> & {
    slug: string;
    /** Handles; maintainers stand in `maintainers`. */
    members?: Handle[];
    maintainers?: Handle[];
  },
): WorldTeam {
  const { members = [], maintainers = [], ...rest } = parts;
  return {
    databaseId: numberOf(`team ${parts.slug}`),
    name: capital(parts.slug),
    privacy: 'closed',
    parent: null,
    repositories: {},
    ...rest,
    members: [
      ...maintainers.map((handle) => ({ handle, role: 'maintainer' as const })),
      ...members.map((handle) => ({ handle, role: 'member' as const })),
    ],
  };
}

export function installation(
  parts: Partial<WorldInstallation> & { slug: string },
): WorldInstallation {
  const createdAt = parts.createdAt ?? '2025-06-10T09:00:00Z';
  return {
    id: numberOf(`installation ${parts.slug}`),
    appId: numberOf(`app ${parts.slug}`),
    repositorySelection: 'all',
    permissions: { metadata: 'read' },
    events: [],
    createdAt,
    updatedAt: createdAt,
    suspendedAt: null,
    suspendedBy: null,
    ...parts,
  };
}

/** Classic protection of a pattern: one approval, stale ones dismissed, nothing bypassed. */
export function protection(parts: Partial<WorldProtection> = {}): WorldProtection {
  const pattern = parts.pattern ?? 'main';
  return {
    databaseId: numberOf(`protection ${pattern}`),
    pattern,
    pullRequest: protectedReviews(),
    checks: null,
    enforceAdmins: true,
    allowForcePushes: false,
    forcePushBypass: [],
    allowDeletions: false,
    linearHistory: false,
    signatures: false,
    conversationResolution: false,
    blockCreations: false,
    lockBranch: false,
    allowForkSyncing: false,
    pushRestrictions: null,
    deployments: [],
    ...parts,
  };
}

/** The part of classic protection that asks for a pull request. */
export function protectedReviews(
  parts: Partial<NonNullable<WorldProtection['pullRequest']>> = {},
): NonNullable<WorldProtection['pullRequest']> {
  return {
    approvals: 1,
    dismissStale: true,
    codeOwners: false,
    lastPushApproval: false,
    bypass: [],
    dismissal: null,
    ...parts,
  };
}

/** An active ruleset for the default branch. */
export function ruleset(parts: Partial<WorldRuleset> & { name: string }): WorldRuleset {
  const createdAt = parts.createdAt ?? '2026-01-05T09:00:00Z';
  return {
    id: numberOf(`ruleset ${parts.name}`),
    target: 'branch',
    enforcement: 'active',
    include: ['~DEFAULT_BRANCH'],
    exclude: [],
    repositories: { include: ['~ALL'], exclude: [] },
    rules: [pullRequestRule(), { type: 'non_fast_forward' }, { type: 'deletion' }],
    bypass: [],
    createdAt,
    updatedAt: createdAt,
    ...parts,
  };
}

/** The rule that changes come by pull request. */
export function pullRequestRule(parameters: Record<string, unknown> = {}): WorldRule {
  return {
    type: 'pull_request',
    parameters: {
      required_approving_review_count: 1,
      dismiss_stale_reviews_on_push: true,
      require_code_owner_review: false,
      require_last_push_approval: false,
      required_review_thread_resolution: false,
      allowed_merge_methods: ['merge', 'squash', 'rebase'],
      ...parameters,
    },
  };
}

/** The rule that checks succeed. */
export function requiredChecksRule(contexts: string[], strict = true): WorldRule {
  return {
    type: 'required_status_checks',
    parameters: {
      required_status_checks: contexts.map((context) => ({ context })),
      strict_required_status_checks_policy: strict,
      do_not_enforce_on_create: false,
    },
  };
}

/** A private repository with one commit on `main`; `empty: true` for one without any. */
export function repository(
  parts: Partial<Omit<WorldRepository, 'security'>> & {
    name: string;
    empty?: boolean;
    security?: Partial<WorldRepository['security']>;
  },
): WorldRepository {
  const { empty = false, security, ...rest } = parts;
  const createdAt = parts.createdAt ?? '2026-01-05T09:00:00Z';
  const defaultBranch = parts.defaultBranch ?? 'main';
  const made: WorldRepository = {
    databaseId: numberOf(`repository ${parts.name}`),
    visibility: 'private',
    archived: false,
    fork: false,
    disabled: false,
    template: false,
    defaultBranch,
    createdAt,
    pushedAt: null,
    updatedAt: createdAt,
    vulnerabilityAlerts: true,
    codeScanning: 'configured',
    collaborators: {},
    deployKeys: [],
    codeowners: null,
    protections: [],
    rulesets: [],
    ruleSuites: [],
    branches: {},
    commits: new Map(),
    checks: new Map(),
    pullRequests: [],
    environments: [],
    deployments: [],
    dependabotAlerts: [],
    codeScanningAlerts: [],
    secretScanningAlerts: [],
    ...rest,
    security: {
      advanced_security: 'enabled',
      dependabot_security_updates: 'enabled',
      secret_scanning: 'enabled',
      secret_scanning_push_protection: 'enabled',
      ...security,
    },
  };
  if (!empty && made.branches[defaultBranch] === undefined) {
    directPush(made, defaultBranch, { at: createdAt, by: 'alice', message: 'Initial commit' });
  }
  return made;
}

export function deployKey(parts: Partial<WorldDeployKey> & { title: string }): WorldDeployKey {
  return {
    id: numberOf(`deploy key ${parts.title}`),
    readOnly: true,
    enabled: true,
    createdAt: '2026-02-03T09:00:00Z',
    addedBy: 'alice',
    ...parts,
  };
}

export function environment(parts: Partial<WorldEnvironment> = {}): WorldEnvironment {
  const name = parts.name ?? 'production';
  return {
    databaseId: numberOf(`environment ${name}`),
    name,
    reviewers: [],
    preventSelfReview: false,
    waitTimer: 0,
    branchPolicy: false,
    ...parts,
  };
}

/** Adds a deployment that succeeded. */
export function deploy(
  repo: WorldRepository,
  parts: Partial<WorldDeployment> & { at: Time; state?: string },
): WorldDeployment {
  const { at, state = 'success', ...rest } = parts;
  const sha = parts.sha ?? headOf(repo, repo.defaultBranch);
  const creator = parts.creator === undefined ? 'github-actions[bot]' : parts.creator;
  const made: WorldDeployment = {
    databaseId: numberOf(`deployment ${repo.databaseId} ${repo.deployments.length}`),
    environment: 'production',
    ref: repo.defaultBranch,
    sha,
    createdAt: at,
    statuses: [{ state, createdAt: later(at, { minutes: 3 }), creator }],
    ...rest,
    creator,
  };
  repo.deployments.push(made);
  return made;
}

const opened = '2026-10-01T09:00:00Z';

const alertOf = (parts: Partial<WorldAlert>) => {
  const createdAt = parts.createdAt ?? opened;
  return { number: 1, createdAt, updatedAt: parts.closed?.at ?? createdAt, closed: null };
};

export function dependabotAlert(parts: Partial<WorldDependabotAlert> = {}): WorldDependabotAlert {
  return {
    ...alertOf(parts),
    state: 'open',
    package: 'lodash',
    ecosystem: 'npm',
    severity: 'high',
    advisory: 'GHSA-35jh-r3h4-6jhm',
    summary: 'Command injection in lodash',
    patched: '4.17.21',
    ...parts,
  };
}

export function codeScanningAlert(
  parts: Partial<WorldCodeScanningAlert> = {},
): WorldCodeScanningAlert {
  return {
    ...alertOf(parts),
    state: 'open',
    rule: 'js/sql-injection',
    description: 'Database query built from user-controlled sources',
    severity: 'high',
    tool: 'CodeQL',
    ...parts,
  };
}

export function secretScanningAlert(
  parts: Partial<WorldSecretScanningAlert> = {},
): WorldSecretScanningAlert {
  return {
    ...alertOf(parts),
    state: 'open',
    type: 'example_service_token',
    secret: 'example-secret-that-must-never-be-kept',
    pushProtectionBypassed: null,
    ...parts,
  };
}

export function auditEntry(
  parts: Partial<WorldAuditEntry> & { action: string; at: Time },
): WorldAuditEntry {
  return {
    id: oidOf(JSON.stringify(parts)).slice(0, 22),
    actor: 'alice',
    repository: null,
    fields: {},
    ...parts,
  };
}

/** Adds what the rules said to a push; the last push of the default branch where not told. */
export function ruleSuite(
  repo: WorldRepository,
  parts: Partial<WorldRuleSuite> & { at: Time },
): WorldRuleSuite {
  const { at, ...rest } = parts;
  const after = parts.after ?? headOf(repo, repo.defaultBranch);
  const made: WorldRuleSuite = {
    id: numberOf(`rule suite ${repo.databaseId} ${repo.ruleSuites.length}`),
    ref: `refs/heads/${repo.defaultBranch}`,
    before: repo.commits.get(after)?.parents[0] ?? '0'.repeat(40),
    after,
    actor: 'alice',
    pushedAt: at,
    result: 'bypass',
    rules: [],
    ...rest,
  };
  repo.ruleSuites.push(made);
  return made;
}
