/**
 * A plain description of what a GitHub organisation holds, and helpers that keep one terse.
 *
 * Everything here is data: a test changes a field or calls a helper, and the next request sees it.
 * People, bots and teams are named by handle: an account's handle is its login until it is renamed
 * (`world.accounts.bob.login = 'robert'`); whoever has no entry in `accounts` is a plain user.
 * A handle that ends with `[bot]` is a bot. Null stands for an account that was deleted.
 * Times are RFC 3339 in whole seconds.
 */

/** A login as it was when it first came; null for a deleted account. */
export type Handle = string;
/** `2026-11-20T10:00:00Z`. */
export type Time = string;
/** What somebody may do in a repository, from little to much. */
export type Permission = 'read' | 'triage' | 'write' | 'maintain' | 'admin';
/** `user:bob`, `team:release`, `app:renovate`. */
export type ActorReference = `user:${string}` | `team:${string}` | `app:${string}`;

// --- Who is asking -----------------------------------------------------------------------

/** A person's token. What it may see depends on the person's rights in the world. */
export interface UserViewer {
  kind: 'user';
  handle: Handle;
  token: string;
  /** Of a classic token; undefined for a fine-grained one. */
  scopes?: string[];
  /** Of a fine-grained token (`{ members: 'read' }`): the person's right and this one count. */
  permissions?: AppPermissions;
  /** Names of the repositories that a fine-grained token is for; undefined: all. */
  repositories?: string[];
}

/** An installation token of `world.app`. What it may see depends on its permissions alone. */
export interface AppViewer {
  kind: 'app';
  /** `{ metadata: 'read', members: 'read', administration: 'read', … }`. */
  permissions: AppPermissions;
  /** Names of the repositories that it reaches. */
  repositories: 'all' | string[];
  /** A token that is accepted without asking for one by the App's key. */
  token?: string;
}

export type AppPermissions = Record<string, 'read' | 'write' | 'admin'>;
export type Viewer = UserViewer | AppViewer;

/** The GitHub App that may ask. */
export interface WorldApp {
  id: number;
  slug: string;
  installation: number;
  /** PEM; the JWT's signature is checked against it. */
  publicKey: string;
}

// --- The organisation --------------------------------------------------------------------

export interface WorldAccount {
  login: string;
  databaseId: number;
  kind: 'User' | 'Bot' | 'Mannequin' | 'Organization' | 'EnterpriseUserAccount';
  name: string | null;
  /** Commits with one of these mail addresses are theirs. */
  emails: string[];
}

export type TwoFactor = 'secure' | 'insecure' | 'disabled';

export interface WorldMember {
  handle: Handle;
  role: 'admin' | 'member';
  twoFactor: TwoFactor;
}

export interface WorldOutsideCollaborator {
  handle: Handle;
  twoFactor: TwoFactor;
}

export interface WorldInvitation {
  id: number;
  /** Null for an invitation by mail. */
  handle: Handle | null;
  email: string | null;
  role: 'direct_member' | 'admin' | 'billing_manager' | 'hiring_manager' | 'reinstate';
  createdAt: Time;
  inviter: Handle;
  teams: number;
}

export interface WorldExternalIdentity {
  guid: string;
  /** Null where nobody has linked an account yet. */
  handle: Handle | null;
  nameId: string | null;
  /** User name that SCIM gave; null for one that SCIM did not make. */
  scim: string | null;
}

export interface WorldTeam {
  databaseId: number;
  slug: string;
  name: string;
  privacy: 'closed' | 'secret';
  /** Slug of the team above; its repositories are this one's too. */
  parent: string | null;
  members: { handle: Handle; role: 'member' | 'maintainer' }[];
  /** Permission by the repository's name. */
  repositories: Record<string, Permission>;
}

export interface WorldInstallation {
  id: number;
  appId: number;
  slug: string;
  repositorySelection: 'all' | 'selected';
  permissions: AppPermissions;
  events: string[];
  createdAt: Time;
  updatedAt: Time;
  suspendedAt: Time | null;
  suspendedBy: Handle | null;
}

export interface WorldOrganization {
  login: string;
  databaseId: number;
  createdAt: Time;
  plan: 'free' | 'team' | 'business' | 'enterprise';
  twoFactorRequired: boolean;
  basePermission: 'none' | 'read' | 'write' | 'admin';
  /**
   * Members are told how many private repositories there are. GitHub's documentation gives the
   * full details of an organisation to its owners only.
   */
  countsToldToMembers: boolean;
  /** What members may do beside. */
  membersCan: {
    createPublicRepositories: boolean;
    createPrivateRepositories: boolean;
    createInternalRepositories: boolean;
    deleteRepositories: boolean;
    changeVisibility: boolean;
    forkPrivateRepositories: boolean;
    inviteOutsideCollaborators: boolean;
  };
  saml: { ssoUrl: string; issuer: string; identities: WorldExternalIdentity[] } | null;
  members: WorldMember[];
  outsideCollaborators: WorldOutsideCollaborator[];
  invitations: WorldInvitation[];
  teams: WorldTeam[];
  installations: WorldInstallation[];
  rulesets: WorldRuleset[];
  auditLog: WorldAuditEntry[];
}

/** One entry of the audit log. */
export interface WorldAuditEntry {
  /** `_document_id`. */
  id: string;
  /** `protected_branch.destroy`. */
  action: string;
  at: Time;
  /** Null where GitHub does not say. */
  actor: Handle | null;
  /** Name of the repository; null for the organisation. */
  repository: string | null;
  /** Further keys as GitHub writes them (`name`, `ruleset_name`, `operation_type`). */
  fields: Record<string, unknown>;
}

// --- Rules -------------------------------------------------------------------------------

/** Classic branch protection. */
export interface WorldProtection {
  databaseId: number;
  /** Name of a branch or pattern (`release/*`); as GitHub has it, `*` does not cross `/`. */
  pattern: string;
  /** Null: a pull request is not needed. */
  pullRequest: {
    approvals: number;
    dismissStale: boolean;
    codeOwners: boolean;
    lastPushApproval: boolean;
    /** Who may do without. */
    bypass: ActorReference[];
    /** Who may dismiss reviews; null: no restriction. */
    dismissal: ActorReference[] | null;
  } | null;
  /** Null: none needed. `app` is the slug of the App that must run it. */
  checks: { strict: boolean; contexts: { context: string; app?: string }[] } | null;
  enforceAdmins: boolean;
  allowForcePushes: boolean;
  /** Who may force-push where it is not allowed to all. */
  forcePushBypass: ActorReference[];
  allowDeletions: boolean;
  linearHistory: boolean;
  signatures: boolean;
  conversationResolution: boolean;
  blockCreations: boolean;
  lockBranch: boolean;
  allowForkSyncing: boolean;
  /** Who may push; null: no restriction. */
  pushRestrictions: ActorReference[] | null;
  /** Environments that must have been deployed to; empty: none. */
  deployments: string[];
}

/** A ruleset of the organisation or of a repository. */
export interface WorldRuleset {
  id: number;
  name: string;
  target: 'branch' | 'tag' | 'push' | 'repository';
  enforcement: 'active' | 'evaluate' | 'disabled';
  /** `refs/heads/main`, `refs/heads/release/*` (as fnmatch with pathname), `~DEFAULT_BRANCH`, `~ALL`. */
  include: string[];
  exclude: string[];
  /** Of the organisation's: names or patterns of repositories, `~ALL`. */
  repositories: { include: string[]; exclude: string[] };
  rules: WorldRule[];
  bypass: WorldBypass[];
  createdAt: Time;
  updatedAt: Time;
}

/** A rule as REST writes it: `{ type: 'pull_request', parameters: { … } }`. */
export interface WorldRule {
  type: string;
  parameters?: Record<string, unknown>;
}

export interface WorldBypass {
  actor:
    | `team:${string}`
    | `app:${string}`
    | `role:${Permission}`
    | 'organization_admin'
    | 'deploy_key'
    | 'enterprise_owner';
  mode: 'always' | 'pull_request' | 'exempt';
}

/** What the rules said to one push. */
export interface WorldRuleSuite {
  id: number;
  ref: string;
  before: string;
  after: string;
  actor: Handle | null;
  pushedAt: Time;
  result: 'pass' | 'fail' | 'bypass';
  rules: {
    ruleset: number;
    type: string;
    result: 'pass' | 'fail';
    enforcement: 'active' | 'evaluate';
  }[];
}

// --- Repositories ------------------------------------------------------------------------

export type Switch = 'enabled' | 'disabled';

export interface WorldRepository {
  databaseId: number;
  name: string;
  visibility: 'public' | 'private' | 'internal';
  archived: boolean;
  fork: boolean;
  /** Switched off by GitHub (billing, abuse): nothing in it can be read. */
  disabled: boolean;
  template: boolean;
  defaultBranch: string;
  createdAt: Time;
  /** Null: nothing was ever pushed. */
  pushedAt: Time | null;
  updatedAt: Time;
  /** As `security_and_analysis` names them. */
  security: {
    advanced_security: Switch;
    dependabot_security_updates: Switch;
    secret_scanning: Switch;
    secret_scanning_push_protection: Switch;
  };
  vulnerabilityAlerts: boolean;
  /** Default setup; `unavailable`: without Advanced Security. */
  codeScanning: 'configured' | 'not-configured' | 'unavailable';
  /** Direct ones, by handle. */
  collaborators: Record<Handle, Permission>;
  deployKeys: WorldDeployKey[];
  codeowners: WorldCodeowners | null;
  protections: WorldProtection[];
  rulesets: WorldRuleset[];
  ruleSuites: WorldRuleSuite[];
  /** Heads by the branch's name. */
  branches: Record<string, string>;
  /** Everything that was ever pushed and is still known, by oid. */
  commits: Map<string, WorldCommit>;
  checks: Map<string, WorldCheck[]>;
  pullRequests: WorldPullRequest[];
  environments: WorldEnvironment[];
  deployments: WorldDeployment[];
  dependabotAlerts: WorldDependabotAlert[];
  codeScanningAlerts: WorldCodeScanningAlert[];
  secretScanningAlerts: WorldSecretScanningAlert[];
}

export interface WorldDeployKey {
  id: number;
  title: string;
  readOnly: boolean;
  enabled: boolean;
  createdAt: Time;
  addedBy: Handle | null;
}

export interface WorldCodeowners {
  /** `.github/CODEOWNERS`. */
  path: string;
  text: string;
  errors: { line: number; column: number; kind: string; message: string; source: string }[];
}

/** Name and address as Git has them; `handle` is the account that GitHub found for them. */
export interface WorldSignature {
  name: string;
  email: string;
  handle: Handle | null;
  date: Time;
}

export interface WorldCommit {
  oid: string;
  parents: string[];
  author: WorldSignature;
  committer: WorldSignature;
  /** Co-authors stand in it as trailers. */
  message: string;
}

/** A check run, or the status of a commit. */
export interface WorldCheck {
  kind: 'run' | 'status';
  name: string;
  /** Slug of the App; null for a status. */
  app: string | null;
  /**
   * `success`, `failure`, `skipped`, `neutral`, `cancelled`, `timed_out`, `action_required`,
   * `stale`, `startup_failure`; of a status `success`, `failure`, `error`; null while it runs.
   */
  conclusion: string | null;
  startedAt: Time;
  completedAt: Time | null;
}

export interface WorldPullRequest {
  number: number;
  title: string;
  body: string;
  author: Handle | null;
  base: string;
  branch: string;
  /** The branch is in a fork. */
  fromFork: boolean;
  draft: boolean;
  createdAt: Time;
  updatedAt: Time;
  closedAt: Time | null;
  /** The pull request's own commits, oldest first. */
  commits: string[];
  /** Its last head. */
  head: string;
  merge: WorldMerge | null;
  labels: string[];
  /** Issues that it closes: `acme/api#7`. */
  closes: string[];
  files: string[];
  reviews: WorldReview[];
  forcePushes: WorldForcePush[];
}

export type MergeMethod = 'merge' | 'squash' | 'rebase';

export interface WorldMerge {
  at: Time;
  by: Handle | null;
  method: MergeMethod;
  /** It came through a merge queue. */
  queue: boolean;
  /** The merge commit, squashed commit, or last rebased one. */
  commit: string;
  /** What it put on the base branch, oldest first. */
  landed: string[];
}

export type ReviewState = 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED' | 'PENDING';

export interface WorldReview {
  databaseId: number;
  author: Handle | null;
  state: ReviewState;
  submittedAt: Time | null;
  /** The head that was reviewed; null where that commit is gone. */
  commit: string | null;
  body: string;
  dismissed: { at: Time; by: Handle | null; previous: ReviewState } | null;
}

export interface WorldForcePush {
  databaseId: number;
  at: Time;
  actor: Handle | null;
  /** Null where the commit is gone. */
  before: string | null;
  after: string | null;
}

export interface WorldEnvironment {
  databaseId: number;
  name: string;
  /** People and teams who must approve; empty: none. */
  reviewers: (`user:${string}` | `team:${string}`)[];
  preventSelfReview: boolean;
  /** Minutes. */
  waitTimer: number;
  /** Only some branches may deploy. */
  branchPolicy: boolean;
}

export interface WorldDeployment {
  databaseId: number;
  environment: string;
  /** Branch or tag; null where it is gone. */
  ref: string | null;
  sha: string;
  creator: Handle | null;
  createdAt: Time;
  /** Oldest first: `in_progress`, `success`, `failure`, … */
  statuses: { state: string; createdAt: Time; creator: Handle | null }[];
}

export type Severity = 'low' | 'medium' | 'high' | 'critical';

export interface WorldAlert {
  number: number;
  createdAt: Time;
  updatedAt: Time;
  /** Handle and reason of who dismissed or resolved it. */
  closed: { at: Time; by: Handle | null; reason: string | null } | null;
}

export interface WorldDependabotAlert extends WorldAlert {
  state: 'open' | 'fixed' | 'dismissed' | 'auto_dismissed';
  package: string;
  ecosystem: string;
  severity: Severity;
  advisory: string;
  summary: string;
  /** First version without the fault. */
  patched: string | null;
}

export interface WorldCodeScanningAlert extends WorldAlert {
  state: 'open' | 'fixed' | 'dismissed';
  rule: string;
  description: string;
  /** Null where the tool gives none. */
  severity: Severity | null;
  tool: string;
}

export interface WorldSecretScanningAlert extends WorldAlert {
  state: 'open' | 'resolved';
  type: string;
  secret: string;
  pushProtectionBypassed: { by: Handle; at: Time } | null;
}

// --- The world ---------------------------------------------------------------------------

export interface GitHubWorld {
  organization: WorldOrganization;
  /** By handle. Whoever is not here is a plain user with mail `HANDLE@example.com`. */
  accounts: Record<Handle, WorldAccount>;
  repositories: WorldRepository[];
  app: WorldApp | null;
  /** Who asks; change it and the next request is somebody else's. */
  viewer: Viewer;
}

export * from './github-accounts.ts';
export * from './github-world-big.ts';
export * from './github-world-builders.ts';
export * from './github-world-events.ts';
