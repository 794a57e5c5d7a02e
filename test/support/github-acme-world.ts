/**
 * Acme's organisation on GitHub, with each way in which evidence of access and changes goes wrong.
 * Comments name the traps; `github-acme-expected.ts` says what each test must make of them.
 *
 * Merges lie within two days before the night, unless their time is what they are about: so the
 * rights of reviewers are still told.
 */
import {
  addCheck,
  auditEntry,
  type ChangeOptions,
  codeScanningAlert,
  cutBranch,
  dependabotAlert,
  deploy,
  deployKey,
  directPush,
  environment,
  externalIdentity,
  forcePush,
  type GitHubWorld,
  githubWorld,
  installation,
  invitation,
  later,
  member,
  merge,
  mergedChange,
  openPullRequest,
  protection,
  pullRequestRule,
  pushTo,
  repository,
  requiredChecksRule,
  review,
  ruleSuite,
  ruleset,
  secretScanningAlert,
  team,
  type WorldCommit,
  type WorldOrganization,
  type WorldPullRequest,
  type WorldRepository,
} from './github-world.ts';

/** When the night begins. */
export const acmeNow = '2026-11-20T02:00:00Z';

/** `with:` of the source. */
export const acmeSource = {
  organization: 'acme',
  repositories: { exclude: ['sandbox-*'] },
  production_refs: ['~DEFAULT_BRANCH', 'release/*'],
};

export interface Acme {
  world: GitHubWorld;
  /** Commits that came by no pull request, or have another way of their own. */
  commits: {
    pushed: string;
    edited: string;
    released: string;
    early: string;
    hotfixed: string;
    promoted: string;
    played: string;
  };
}

/** A new one each time: tests change it. */
export function acmeOnGitHub(): Acme {
  const api = apiRepository();
  const web = webRepository();
  const playground = playgroundRepository();
  const legacy = repository({
    name: 'legacy',
    archived: true,
    visibility: 'public',
    dependabotAlerts: [
      dependabotAlert({ severity: 'critical', createdAt: '2026-01-10T09:00:00Z' }),
    ],
  });
  const world = githubWorld({
    organization: acmeOrganization(),
    repositories: [
      api.repo,
      web.repo,
      playground.repo,
      // Rules on trial bind nobody (trap 44).
      repository({
        name: 'infra',
        rulesets: [ruleset({ name: 'on trial', enforcement: 'evaluate' })],
      }),
      repository({
        name: 'site',
        visibility: 'public',
        protections: [protection({ enforceAdmins: false })],
      }),
      repository({
        name: 'status',
        visibility: 'public',
        rulesets: [
          ruleset({ name: 'open door', bypass: [{ actor: 'role:admin', mode: 'always' }] }),
        ],
      }),
      repository({ name: 'new', empty: true }),
      legacy,
      repository({ name: 'linux', fork: true }),
      repository({ name: 'sandbox-1' }),
    ],
  });
  return { world, commits: { ...api.commits, ...web.commits, ...playground.commits } };
}

/** The repository that a change or commit is in, by the name that results have. */
export function repositoryOf({ world }: Acme, name: string): WorldRepository {
  const found = world.repositories.find((each) => `acme/${each.name}` === name.split(/[#@]/)[0]);
  if (found === undefined) throw new Error(`there is no repository of ${name}`);
  return found;
}

/** A pull request by the name that results have: `acme/api#12`. */
export function pullRequestOf(acme: Acme, name: string): WorldPullRequest {
  const pr = repositoryOf(acme, name).pullRequests.find(({ number }) =>
    name.endsWith(`#${number}`),
  );
  if (pr === undefined) throw new Error(`there is no ${name}`);
  return pr;
}

/** A time in November. */
const at = (day: number, time: string) => `2026-11-${String(day).padStart(2, '0')}T${time}:00Z`;

const issue = ['acme/api#900'];

/** A change for which there is an issue; with one approval and one check unless told otherwise. */
function change(repo: WorldRepository, options: ChangeOptions): WorldPullRequest {
  return mergedChange(repo, { closes: issue, ...options });
}

/** The same, where what happens before the merge is more than options can say. */
function changeBy(
  repo: WorldRepository,
  options: { number: number; openedAt: string; mergedAt: string },
  happens: (pr: WorldPullRequest) => void,
): void {
  const { number, openedAt, mergedAt } = options;
  const pr = openPullRequest(repo, { number, at: openedAt, closes: issue });
  happens(pr);
  addCheck(repo, pr.head, { name: 'build', completedAt: later(mergedAt, { minutes: -5 }) });
  merge(repo, pr, { at: mergedAt });
}

function oidOf(commits: WorldCommit[]): string {
  const last = commits.at(-1);
  if (last === undefined) throw new Error('nothing was pushed');
  return last.oid;
}

function acmeOrganization(): Partial<WorldOrganization> {
  return {
    twoFactorRequired: false,
    saml: {
      ssoUrl: 'https://id.example.com/sso',
      issuer: 'https://id.example.com',
      identities: [
        ...['alice', 'bob', 'carol', 'erin', 'eve'].map((handle) => externalIdentity({ handle })),
        // Made by the identity provider; nobody has signed in with it.
        externalIdentity({ handle: null, nameId: 'judy@example.com', scim: 'judy' }),
      ],
    },
    members: [
      member('alice', 'admin'),
      member('bob'),
      member('carol', 'admin'),
      // By text message, and none at all: two lists (trap 22).
      member('dave', 'member', 'insecure'),
      member('erin', 'member', 'disabled'),
      member('eve'),
      member('release-team'),
    ],
    // No members, and they reach code too (trap 21).
    outsideCollaborators: [
      { handle: 'grace', twoFactor: 'disabled' },
      { handle: 'heidi', twoFactor: 'secure' },
    ],
    invitations: [
      invitation({ handle: 'ivan' }),
      invitation({ email: 'kim@example.com', role: 'admin' }),
    ],
    teams: [
      team({
        slug: 'core',
        maintainers: ['alice'],
        members: ['bob', 'carol', 'dave', 'release-team'],
        repositories: { api: 'write', playground: 'maintain', web: 'write' },
      }),
      team({ slug: 'operations', members: ['carol'], repositories: { infra: 'admin' } }),
      team({ slug: 'release', members: ['carol'], repositories: { web: 'maintain' } }),
    ],
    installations: [
      installation({
        slug: 'code-review',
        permissions: { contents: 'read', metadata: 'read', pull_requests: 'write' },
      }),
      installation({ slug: 'deployer', permissions: { contents: 'write', metadata: 'read' } }),
      installation({ slug: 'free-badges', permissions: { metadata: 'read' } }),
      installation({
        slug: 'old-ci',
        permissions: { contents: 'write', metadata: 'read' },
        suspendedAt: '2026-03-01T09:00:00Z',
        suspendedBy: 'alice',
      }),
    ],
    auditLog: [
      // Before the period.
      auditEntry({
        action: 'protected_branch.create',
        at: at(10, '09:00'),
        repository: 'web',
        fields: { name: 'main' },
      }),
      auditEntry({
        action: 'protected_branch.update_required_approving_review_count',
        at: at(18, '13:00'),
        repository: 'web',
        fields: { name: 'main' },
      }),
      auditEntry({
        action: 'repository_ruleset.destroy',
        at: at(18, '14:00'),
        actor: 'mallory',
        repository: 'infra',
        fields: { ruleset_name: 'main' },
      }),
      auditEntry({
        action: 'org.disable_two_factor_requirement',
        at: at(19, '15:00'),
        actor: null,
      }),
      // No settings of who may change what.
      auditEntry({ action: 'repo.create', at: at(19, '16:00'), repository: 'new' }),
    ],
  };
}

/** Where nearly everything happens. Its last pull requests are of the night's own day. */
function apiRepository() {
  const repo = repository({
    name: 'api',
    createdAt: '2026-01-05T09:00:00Z',
    collaborators: { eve: 'read' },
    rulesets: [
      ruleset({
        name: 'main',
        rules: [
          pullRequestRule({ require_code_owner_review: true }),
          requiredChecksRule(['build']),
          { type: 'non_fast_forward' },
          { type: 'deletion' },
        ],
        bypass: [{ actor: 'team:release', mode: 'pull_request' }],
      }),
    ],
    codeowners: { path: '.github/CODEOWNERS', text: '* @acme/core\n', errors: [] },
    deployKeys: [
      deployKey({ title: 'mirror' }),
      deployKey({ title: 'backup', readOnly: false }),
      deployKey({ title: 'old-ci', readOnly: false, enabled: false }),
    ],
    environments: [
      environment({ name: 'production', reviewers: ['user:carol'] }),
      environment({ name: 'staging' }),
    ],
    dependabotAlerts: [
      dependabotAlert({ number: 1, severity: 'high', createdAt: '2026-08-01T09:00:00Z' }),
      dependabotAlert({ number: 2, severity: 'critical', createdAt: at(18, '09:00') }),
      dependabotAlert({
        number: 3,
        state: 'fixed',
        severity: 'high',
        createdAt: at(10, '09:00'),
        closed: { at: at(18, '09:00'), by: null, reason: null },
      }),
      dependabotAlert({
        number: 4,
        state: 'dismissed',
        severity: 'critical',
        createdAt: '2026-06-01T09:00:00Z',
        closed: { at: at(18, '09:30'), by: 'dave', reason: 'tolerable_risk' },
      }),
      dependabotAlert({ number: 5, severity: 'medium', createdAt: '2026-08-01T09:00:00Z' }),
      dependabotAlert({
        number: 6,
        state: 'fixed',
        severity: 'low',
        createdAt: '2026-01-01T09:00:00Z',
        closed: { at: at(18, '09:40'), by: null, reason: null },
      }),
    ],
    codeScanningAlerts: [
      codeScanningAlert({ number: 1, severity: 'high', createdAt: '2026-08-01T09:00:00Z' }),
      codeScanningAlert({ number: 2, severity: 'high', createdAt: at(17, '09:00') }),
      codeScanningAlert({
        number: 3,
        state: 'fixed',
        severity: 'high',
        createdAt: at(12, '09:00'),
        closed: { at: at(18, '10:00'), by: null, reason: null },
      }),
      codeScanningAlert({ number: 4, severity: null, createdAt: '2026-08-01T09:00:00Z' }),
    ],
    secretScanningAlerts: [
      secretScanningAlert({ number: 1, createdAt: '2026-08-01T09:00:00Z' }),
      secretScanningAlert({
        number: 2,
        createdAt: at(19, '20:00'),
        pushProtectionBypassed: { by: 'dave', at: at(19, '20:00') },
      }),
      secretScanningAlert({
        number: 3,
        state: 'resolved',
        createdAt: at(18, '09:00'),
        closed: { at: at(18, '11:00'), by: 'carol', reason: 'revoked' },
      }),
    ],
  });

  // Asked five days later: whether bob might push then is not told any more (trap 47).
  change(repo, { number: 1, mergedAt: at(15, '09:00') });
  // An emergency, approved thirty hours later (trap 39).
  change(repo, {
    number: 2,
    mergedAt: at(17, '10:00'),
    labels: ['emergency'],
    reviews: [{ by: 'bob', at: at(18, '16:00') }],
  });
  const reviewed = change(repo, {
    number: 3,
    mergedAt: at(18, '10:30'),
    title: 'OPS-7 Say hello',
    closes: [],
    reviews: [{ by: 'bob', at: at(18, '10:02') }],
  });
  // Opened long before the period, merged in it (trap 34).
  change(repo, { number: 4, openedAt: '2026-06-01T09:00:00Z', mergedAt: at(18, '10:40') });

  // Who wrote with her, who wrote for her, who committed and who pushed: none is independent
  // (trap 35).
  change(repo, { number: 5, mergedAt: at(18, '10:50'), commits: [{ coAuthors: ['bob'] }] });
  change(repo, { number: 6, mergedAt: at(18, '11:00'), commits: [{}, { author: 'bob' }, {}] });
  change(repo, { number: 7, mergedAt: at(18, '11:10'), commits: [{ committer: 'bob' }] });
  changeBy(repo, { number: 8, openedAt: at(18, '08:00'), mergedAt: at(18, '11:20') }, (pr) => {
    forcePush(repo, pr, { at: at(18, '09:00'), by: 'bob', commits: [{ author: 'alice' }] });
    review(repo, pr, { by: 'bob', at: at(18, '11:10') });
  });
  change(repo, {
    number: 9,
    mergedAt: at(18, '11:30'),
    commits: [{ coAuthors: ['bob'] }],
    reviews: [{ by: 'bob' }, { by: 'carol' }],
    title: 'Read files as UTF-8',
    closes: [],
  });
  // Neither a bot nor an account that several use is a person (trap 36).
  change(repo, { number: 10, mergedAt: at(18, '11:40'), reviews: [{ by: 'review-bot[bot]' }] });
  change(repo, { number: 11, mergedAt: at(18, '11:50'), reviews: [{ by: 'release-team' }] });

  // Commits came after the approval (trap 37).
  change(repo, {
    number: 12,
    openedAt: at(18, '10:00'),
    mergedAt: at(18, '12:00'),
    commits: [{}, { at: at(18, '11:00') }, { at: at(18, '11:05') }],
    reviews: [{ by: 'bob', at: at(18, '10:02'), commit: 0 }],
  });
  changeBy(repo, { number: 13, openedAt: at(18, '08:00'), mergedAt: at(18, '12:10') }, (pr) => {
    review(repo, pr, { by: 'bob', at: at(18, '09:00') });
    forcePush(repo, pr, { at: at(18, '10:00'), gone: true });
  });
  changeBy(repo, { number: 14, openedAt: at(18, '08:00'), mergedAt: at(18, '12:20') }, (pr) => {
    review(repo, pr, { by: 'bob', at: at(18, '09:00') });
    pushTo(repo, pr, [{ at: at(18, '10:00') }]);
    review(repo, pr, { by: 'bob', at: at(18, '11:00') });
  });

  // The last decisive word of each reviewer counts (trap 38).
  change(repo, {
    number: 15,
    mergedAt: at(18, '12:30'),
    reviews: [{ by: 'bob', at: at(18, '12:00'), dismissed: { at: at(18, '12:10') } }],
  });
  change(repo, {
    number: 16,
    mergedAt: at(18, '12:40'),
    reviews: [
      { by: 'bob', at: at(18, '12:00') },
      { by: 'bob', at: at(18, '12:10'), state: 'CHANGES_REQUESTED' },
    ],
  });
  change(repo, {
    number: 17,
    mergedAt: at(18, '12:50'),
    reviews: [
      { by: 'bob', state: 'COMMENTED' },
      { by: 'carol', state: 'COMMENTED' },
    ],
  });
  change(repo, {
    number: 18,
    mergedAt: at(18, '13:00'),
    reviews: [
      { by: 'bob', at: at(18, '12:00'), state: 'CHANGES_REQUESTED' },
      { by: 'bob', at: at(18, '12:10') },
      { by: 'bob', at: at(18, '12:20'), state: 'COMMENTED' },
    ],
    branch: 'OPS-31-mend-it',
    closes: [],
  });
  // Dismissed the day after: at the merge it stood.
  change(repo, {
    number: 19,
    mergedAt: at(18, '13:10'),
    reviews: [{ by: 'bob', at: at(18, '13:00'), dismissed: { at: at(19, '09:00') } }],
  });

  // Approved after the merge, which counts in an emergency only (trap 39).
  change(repo, {
    number: 20,
    mergedAt: at(18, '13:20'),
    reviews: [{ by: 'bob', at: at(18, '14:00') }],
  });
  const emergency = change(repo, {
    number: 21,
    mergedAt: at(18, '13:30'),
    labels: ['bug', 'emergency'],
    reviews: [{ by: 'bob', at: at(18, '15:30') }],
  });
  ruleSuite(repo, {
    at: at(18, '13:30'),
    actor: 'carol',
    after: emergency.merge?.commit ?? '',
  });

  // A bot's changes are a stratum of their own (trap 43).
  const bot = { author: 'dependabot[bot]', reviews: [], closes: [] };
  const lock = ['package-lock.json', 'package.json'];
  change(repo, { ...bot, number: 22, mergedAt: at(18, '13:40'), files: lock });
  change(repo, {
    ...bot,
    number: 23,
    mergedAt: at(18, '13:50'),
    files: ['.github/workflows/build.yaml', ...lock],
  });
  change(repo, {
    ...bot,
    number: 24,
    mergedAt: at(18, '14:00'),
    files: lock,
    commits: [{}, { author: 'alice' }],
  });
  change(repo, {
    ...bot,
    number: 25,
    author: 'renovate[bot]',
    mergedAt: at(18, '14:10'),
    files: lock,
  });

  // What is no successful check of what was merged (trap 46).
  change(repo, {
    number: 26,
    mergedAt: at(18, '14:20'),
    checks: [{ name: 'build', conclusion: 'skipped' }],
  });
  change(repo, {
    number: 27,
    mergedAt: at(18, '14:30'),
    checks: [{ name: 'build', conclusion: 'neutral' }],
  });
  change(repo, {
    number: 28,
    mergedAt: at(18, '14:40'),
    commits: [{}, {}],
    checks: [{ name: 'build', commit: 0 }, { name: 'lint' }],
  });
  change(repo, {
    number: 29,
    mergedAt: at(18, '14:50'),
    checks: [{ name: 'build', completedAt: at(18, '14:55') }],
  });
  change(repo, {
    number: 30,
    mergedAt: at(18, '15:00'),
    checks: [
      { name: 'build', conclusion: 'failure', completedAt: at(18, '14:00') },
      { name: 'build', completedAt: at(18, '14:30') },
      { name: 'lint', conclusion: 'failure' },
    ],
  });

  // She may read, no more (trap 47).
  change(repo, { number: 31, mergedAt: at(18, '15:10'), reviews: [{ by: 'eve' }] });
  // GitHub's list of a pull request's commits ends before the one that bob wrote (trap 48).
  change(repo, {
    number: 32,
    mergedAt: at(18, '15:20'),
    commits: Array.from({ length: 260 }, (_, index) => (index === 254 ? { author: 'bob' } : {})),
  });
  // Accounts that were deleted since.
  change(repo, { number: 33, mergedAt: at(18, '15:30'), author: null });
  change(repo, { number: 34, mergedAt: at(18, '15:40'), reviews: [{ by: null }] });

  // Nobody looked, and an owner merged it past the rules.
  const forced = change(repo, {
    number: 35,
    mergedAt: at(18, '15:50'),
    mergedBy: 'alice',
    reviews: [],
    closes: [],
  });
  ruleSuite(repo, { at: at(18, '15:50'), after: forced.merge?.commit ?? '' });

  // Nothing but the commits themselves tells of these (trap 40).
  const pushed = oidOf(directPush(repo, 'main', { at: at(18, '20:00'), by: 'dave' }));
  ruleSuite(repo, { at: at(18, '20:00'), actor: 'dave' });
  const edited = oidOf(
    directPush(repo, 'main', { at: at(18, '20:10'), by: 'alice', committer: 'web-flow' }),
  );
  const released = oidOf(directPush(repo, 'main', { at: at(18, '20:20'), by: 'release-bot' }));

  deploy(repo, { at: at(18, '10:45'), sha: reviewed.merge?.commit ?? '' });
  deploy(repo, { at: at(18, '16:00'), sha: forced.merge?.commit ?? '', creator: 'alice' });
  deploy(repo, { at: at(18, '20:05'), sha: pushed, creator: 'dave', state: 'failure' });
  deploy(repo, { at: at(18, '20:15'), sha: edited, environment: 'staging' });

  // An emergency that can still be approved (trap 39).
  change(repo, {
    number: 36,
    mergedAt: at(19, '22:00'),
    labels: ['emergency'],
    reviews: [],
  });
  // Still open.
  openPullRequest(repo, { number: 37, at: at(19, '23:00') });
  return { repo, commits: { pushed, edited, released } };
}

/** Several branches, and each way to merge. */
function webRepository() {
  const repo = repository({
    name: 'web',
    deployKeys: [deployKey({ title: 'release', readOnly: false })],
    collaborators: { heidi: 'write' },
    protections: [protection({ checks: { strict: true, contexts: [{ context: 'build' }] } })],
    rulesets: [
      ruleset({
        name: 'release',
        include: ['refs/heads/release/*'],
        rules: [
          pullRequestRule(),
          requiredChecksRule(['build'], false),
          { type: 'non_fast_forward' },
          { type: 'deletion' },
        ],
      }),
    ],
    codeowners: {
      path: 'CODEOWNERS',
      text: '* @acme/nobody\n',
      errors: [
        {
          line: 1,
          column: 3,
          kind: 'Unknown owner',
          message: 'Unknown owner on line 1: make sure the team @acme/nobody exists',
          source: '* @acme/nobody',
        },
      ],
    },
  });
  // Merged before the period, and written to in it.
  change(repo, {
    number: 1,
    mergedAt: '2026-10-30T09:00:00Z',
    reviews: [{ by: 'bob' }, { by: 'carol', state: 'COMMENTED', at: at(18, '09:00') }],
  });
  cutBranch(repo, 'release/2.1', 'main', at(2, '09:00'));
  cutBranch(repo, 'develop', 'main', at(2, '09:00'));
  // Before the night's own period, for who begins earlier.
  change(repo, { number: 2, mergedAt: at(5, '09:00') });
  const early = oidOf(directPush(repo, 'main', { at: at(12, '09:00'), by: 'dave' }));
  // New ids on the branch: rebased one by one, merged, squashed by a queue (trap 41).
  change(repo, {
    number: 3,
    mergedAt: at(18, '09:00'),
    method: 'rebase',
    commits: [{}, { author: 'dave' }],
  });
  change(repo, { number: 4, mergedAt: at(18, '09:30'), method: 'merge', commits: [{}, {}] });
  change(repo, { number: 5, mergedAt: at(18, '10:00'), queue: true });
  // A release branch ships; develop does not (trap 42).
  change(repo, { number: 6, mergedAt: at(18, '10:30'), base: 'release/2.1' });
  change(repo, { number: 7, mergedAt: at(18, '11:00'), base: 'release/2.1', reviews: [] });
  const hotfixed = oidOf(directPush(repo, 'release/2.1', { at: at(18, '11:30'), by: 'carol' }));
  // Merged into develop without a look, then pushed on.
  repo.branches.develop = repo.branches.main ?? '';
  const { merge: merged } = change(repo, {
    number: 8,
    mergedAt: at(18, '12:00'),
    base: 'develop',
    reviews: [],
  });
  const promoted = merged?.commit ?? '';
  repo.branches.main = promoted;
  return { repo, commits: { early, hotfixed, promoted } };
}

/** What nobody set up. */
function playgroundRepository() {
  const repo = repository({
    name: 'playground',
    codeScanning: 'not-configured',
    vulnerabilityAlerts: false,
    security: {
      dependabot_security_updates: 'disabled',
      secret_scanning: 'disabled',
      secret_scanning_push_protection: 'disabled',
    },
    collaborators: { bob: 'admin' },
  });
  // A check ran, and none was required (trap 46).
  change(repo, { number: 1, mergedAt: at(18, '09:00'), reviews: [{ by: 'carol' }] });
  const played = oidOf(directPush(repo, 'main', { at: at(18, '09:30'), by: 'dave' }));
  return { repo, commits: { played } };
}
