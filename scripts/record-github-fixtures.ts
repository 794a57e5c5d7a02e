/**
 * Records the exchanges that the GitHub collectors' contract test replays, each case from a small
 * world behind the stand-in for GitHub. What must come out of a case is written here by hand and
 * goes into its case.json. Run it as `node dist/scripts/record-github-fixtures.js [api…]`.
 */
import { simulatedClock } from '../src/evidence/clock.ts';
import type { FaultRule } from '../test/support/github-faults.ts';
import { startGitHub } from '../test/support/github-stand-in.ts';
import {
  asApp,
  asUser,
  auditEntry,
  codeScanningAlert,
  dependabotAlert,
  deploy,
  deployKey,
  directPush,
  environment,
  externalIdentity,
  type GitHubWorld,
  githubWorld,
  installation,
  invitation,
  member,
  mergedChange,
  protection,
  pullRequestRule,
  repository,
  requiredChecksRule,
  ruleSuite,
  ruleset,
  secretScanningAlert,
  team,
  type WorldRepository,
} from '../test/support/github-world.ts';
import { each, type Recipe, readdress, recordCase } from './record-case.ts';

interface GitHubRecipe extends Recipe {
  world: () => GitHubWorld;
  /** GitHub may hand out fewer entries a page than were asked for. */
  mostPerPage?: number;
  fault?: FaultRule;
}

/** Events are asked of the day before. */
const now = '2026-11-20T02:00:00Z';
const at = (time: string) => `2026-11-19T${time}:00Z`;
const lastWeek = '2026-11-12T09:00:00Z';

const github = (names: string[]) => names.map((name) => `github.${name}`);
const alerts = github(['dependabot_alerts', 'code_scanning_alerts', 'secret_scanning_alerts']);
const allAlerts = [...alerts, 'github.closed_alerts'];
const allAudit = github(['rule_bypasses', 'settings_changes']);
const allChanges = github(['changes', 'production_commits']);
const allDeployments = github(['deployments']);
const allOrganization = github(['organization', 'installed_apps']);
const allPeople = github(['people', 'external_identities']);
const allRepositories = github(['repositories', 'branch_rules', 'deploy_keys', 'codeowners']);
const allTeams = github(['teams', 'grants']);

const alone = { members: [member('alice', 'admin')] };

/** Acme with one repository in which nothing ever happened. */
const quiet = () =>
  githubWorld({ organization: alone, repositories: [repository({ name: 'api' })] });

/** A world as bob sees it, who is a member and owns nothing. */
function askedByBob(world: GitHubWorld): GitHubWorld {
  return { ...world, viewer: asUser('bob') };
}

/** A world as an App sees it, whose installation token has everything but these rights. */
function askedByApp(world: GitHubWorld, ...lacks: string[]): GitHubWorld {
  const rights = [
    'actions',
    'administration',
    'checks',
    'contents',
    'deployments',
    'issues',
    'members',
    'metadata',
    'organization_administration',
    'pull_requests',
    'statuses',
  ].filter((right) => !lacks.includes(right));
  return { ...world, viewer: asApp(each(rights, 'read')) };
}

const saml = (identities: string[]) => ({
  ssoUrl: 'https://id.example.com/sso',
  issuer: 'https://id.example.com',
  identities: identities.map((handle) => externalIdentity({ handle })),
});

function peopleWorld(): GitHubWorld {
  return githubWorld({
    organization: {
      saml: saml(['alice', 'bob', 'carol']),
      members: [
        member('alice', 'admin'),
        member('bob', 'member', 'insecure'),
        member('carol', 'member', 'disabled'),
      ],
      outsideCollaborators: [
        { handle: 'grace', twoFactor: 'disabled' },
        { handle: 'heidi', twoFactor: 'secure' },
        { handle: 'ivan', twoFactor: 'disabled' },
      ],
      invitations: [
        invitation({ handle: 'judy' }),
        invitation({ email: 'kim@example.com', role: 'admin' }),
        invitation({ handle: 'leo' }),
      ],
    },
    repositories: [repository({ name: 'api' })],
  });
}

function organizationWorld(): GitHubWorld {
  return githubWorld({
    organization: {
      saml: saml(['alice']),
      installations: ['code-review', 'deployer', 'renovate'].map((slug) => installation({ slug })),
    },
    repositories: [repository({ name: 'api' })],
  });
}

function teamsWorld(): GitHubWorld {
  const engineers = ['carol', 'dave', 'erin'];
  return githubWorld({
    organization: {
      members: [member('alice', 'admin'), ...['bob', ...engineers].map((name) => member(name))],
      outsideCollaborators: [{ handle: 'grace', twoFactor: 'secure' }],
      teams: [
        team({
          slug: 'core',
          maintainers: ['alice'],
          members: engineers,
          repositories: { api: 'write', web: 'write', site: 'maintain' },
        }),
        team({ slug: 'operations', members: ['carol'], repositories: { api: 'admin' } }),
        team({ slug: 'hidden', members: ['dave'], privacy: 'secret' }),
      ],
    },
    repositories: [
      repository({ name: 'api', collaborators: { bob: 'read', dave: 'admin', grace: 'write' } }),
      repository({ name: 'web' }),
      repository({ name: 'site' }),
    ],
  });
}

function repositoriesWorld(): GitHubWorld {
  return githubWorld({
    organization: {
      rulesets: [ruleset({ name: 'everywhere', rules: [{ type: 'deletion' }] })],
      teams: [team({ slug: 'release', members: ['carol'] })],
    },
    repositories: [
      repository({
        name: 'api',
        collaborators: { bob: 'write' },
        rulesets: [
          ruleset({
            name: 'main',
            rules: [
              pullRequestRule({ require_code_owner_review: true }),
              requiredChecksRule(['build']),
              { type: 'non_fast_forward' },
            ],
            bypass: [{ actor: 'team:release', mode: 'pull_request' }],
          }),
        ],
        codeowners: { path: '.github/CODEOWNERS', text: '* @acme/release\n', errors: [] },
        deployKeys: [
          deployKey({ title: 'mirror' }),
          deployKey({ title: 'backup', readOnly: false }),
          deployKey({ title: 'old-ci', enabled: false }),
        ],
      }),
      repository({
        name: 'web',
        protections: [protection({ checks: { strict: true, contexts: [{ context: 'build' }] } })],
      }),
      repository({ name: 'site', visibility: 'public', codeScanning: 'not-configured' }),
      repository({ name: 'legacy', archived: true }),
    ],
  });
}

const closed = { createdAt: lastWeek, closed: { at: at('10:00'), by: 'bob', reason: null } };

function alertsWorld(): GitHubWorld {
  const two = [1, 2];
  return githubWorld({
    repositories: [
      repository({
        name: 'api',
        dependabotAlerts: [
          ...two.map((number) => dependabotAlert({ number })),
          dependabotAlert({ number: 3, state: 'fixed', ...closed }),
        ],
        codeScanningAlerts: [
          ...two.map((number) => codeScanningAlert({ number })),
          codeScanningAlert({ number: 3, state: 'fixed', ...closed }),
        ],
        secretScanningAlerts: [
          ...two.map((number) => secretScanningAlert({ number })),
          secretScanningAlert({
            number: 3,
            state: 'resolved',
            createdAt: lastWeek,
            closed: { at: at('11:00'), by: 'bob', reason: 'revoked' },
          }),
        ],
      }),
      repository({ name: 'legacy', archived: true, dependabotAlerts: [dependabotAlert()] }),
    ],
  });
}

/** Three changes, one of them by two, and a push without any. */
function changedRepository(): WorldRepository {
  const repo = repository({ name: 'api', rulesets: [ruleset({ name: 'main' })] });
  mergedChange(repo, {
    mergedAt: at('09:00'),
    commits: [{}, { author: 'carol' }, {}],
    reviews: [{ by: 'bob', state: 'COMMENTED' }, { by: 'bob' }, { by: 'carol' }],
    checks: [{ name: 'build' }, { name: 'lint' }, { name: 'test' }],
    labels: ['bug'],
    closes: ['acme/api#7'],
  });
  mergedChange(repo, { openedAt: at('09:30'), mergedAt: at('10:00'), method: 'merge' });
  mergedChange(repo, {
    mergedAt: at('11:00'),
    author: 'dependabot[bot]',
    reviews: [],
    files: ['package.json', 'package-lock.json', 'README.md'],
  });
  directPush(repo, 'main', { at: at('12:00'), by: 'bob' });
  return repo;
}

const changesWorld = () => githubWorld({ repositories: [changedRepository()] });

function deploymentsWorld(): GitHubWorld {
  const repo = changedRepository();
  repo.environments.push(
    environment({ name: 'production', reviewers: ['user:carol'] }),
    environment({ name: 'staging' }),
    environment({ name: 'test' }),
  );
  const [first, second] = repo.pullRequests;
  deploy(repo, { at: at('09:30'), sha: first?.merge?.commit ?? '' });
  deploy(repo, { at: at('10:30'), sha: second?.merge?.commit ?? '' });
  deploy(repo, { at: at('12:30'), creator: 'bob', state: 'failure' });
  deploy(repo, { at: at('12:40'), environment: 'staging' });
  return githubWorld({ repositories: [repo] });
}

function auditWorld(): GitHubWorld {
  const repo = changedRepository();
  ruleSuite(repo, { at: at('12:00'), actor: 'bob' });
  ruleSuite(repo, { at: at('09:00'), after: repo.pullRequests[0]?.merge?.commit ?? '' });
  ruleSuite(repo, { at: at('10:00'), after: repo.pullRequests[1]?.merge?.commit ?? '' });
  const protectionEntry = (action: string, time: string) =>
    auditEntry({
      action: `protected_branch.${action}`,
      at: at(time),
      repository: 'api',
      fields: { name: 'main' },
    });
  return githubWorld({
    organization: {
      auditLog: [
        protectionEntry('create', '07:00'),
        protectionEntry('update_admin_enforced', '08:00'),
        protectionEntry('destroy', '08:30'),
        auditEntry({ action: 'org.disable_two_factor_requirement', at: at('08:45') }),
        // No setting of who may change what.
        protectionEntry('policy_override', '12:00'),
      ],
    },
    repositories: [repo],
  });
}

const recipes: GitHubRecipe[] = [
  {
    api: 'alerts',
    name: 'pages',
    title: 'Alerts of each kind, open and closed, each on a page of its own',
    world: alertsWorld,
    mostPerPage: 1,
    outcomes: each(allAlerts, 'complete'),
    // One of a repository that is archived.
    problems: { 'github.dependabot_alerts': ['LeftOut'] },
    records: { ...each(alerts, 2), 'github.closed_alerts': 3 },
  },
  {
    api: 'alerts',
    name: 'empty',
    title: 'Nothing was found, and nothing closed',
    world: quiet,
    outcomes: each(allAlerts, 'complete'),
    records: each(allAlerts, 0),
  },
  {
    api: 'alerts',
    name: 'denied',
    title: 'A member’s token: GitHub tells alerts to owners and security managers',
    world: () => askedByBob(alertsWorld()),
    outcomes: each(allAlerts, 'failed'),
    // The alerts, and whether the repositories are all.
    problems: each(allAlerts, ['AccessDenied', 'AccessDenied']),
    records: each(allAlerts, 0),
  },
  {
    api: 'audit',
    name: 'pages',
    title: 'Three pushes past a rule and four changes of settings, two to a page',
    world: auditWorld,
    mostPerPage: 2,
    outcomes: each(allAudit, 'complete'),
    records: { 'github.rule_bypasses': 3, 'github.settings_changes': 4 },
  },
  {
    api: 'audit',
    name: 'empty',
    title: 'A day on which nobody went past a rule or changed one',
    world: quiet,
    outcomes: each(allAudit, 'complete'),
    records: each(allAudit, 0),
  },
  {
    api: 'audit',
    name: 'denied',
    title: 'A member’s token: both are for owners',
    world: () => askedByBob(auditWorld()),
    outcomes: each(allAudit, 'failed'),
    problems: each(allAudit, ['AccessDenied']),
    records: each(allAudit, 0),
  },
  {
    api: 'changes',
    name: 'pages',
    title: 'Three changes and a direct push, everything two to a page',
    world: changesWorld,
    mostPerPage: 2,
    outcomes: each(allChanges, 'complete'),
    // Squashed, merged (the commit and the merge), squashed, pushed.
    records: { 'github.changes': 3, 'github.production_commits': 5 },
  },
  {
    api: 'changes',
    name: 'empty',
    title: 'A day without a change',
    world: quiet,
    outcomes: each(allChanges, 'complete'),
    records: each(allChanges, 0),
  },
  {
    api: 'changes',
    name: 'denied',
    title: 'An App’s token without the right to read pull requests',
    world: () => askedByApp(changesWorld(), 'pull_requests'),
    outcomes: { 'github.changes': 'failed', 'github.production_commits': 'partial' },
    problems: each(allChanges, ['AccessDenied']),
    records: { 'github.changes': 0, 'github.production_commits': 5 },
  },
  {
    api: 'changes',
    name: 'one-denied',
    title: 'One change cannot be read: it is kept with what the list tells',
    world: changesWorld,
    fault: { kind: 'forbiddenNode', match: { route: 'graphql:PullRequests' } },
    outcomes: { 'github.changes': 'partial' },
    problems: { 'github.changes': ['AccessDenied'] },
    records: { 'github.changes': 3 },
  },
  {
    api: 'deployments',
    name: 'pages',
    title: 'Three deployments to production and one elsewhere, two to a page',
    world: deploymentsWorld,
    mostPerPage: 2,
    outcomes: each(allDeployments, 'complete'),
    records: each(allDeployments, 3),
  },
  {
    api: 'deployments',
    name: 'empty',
    title: 'A day without a deployment',
    world: quiet,
    outcomes: each(allDeployments, 'complete'),
    records: each(allDeployments, 0),
  },
  {
    api: 'deployments',
    name: 'denied',
    title: 'An App’s token without the right to read deployments',
    world: () => askedByApp(deploymentsWorld(), 'deployments'),
    outcomes: each(allDeployments, 'failed'),
    problems: each(allDeployments, ['AccessDenied']),
    records: each(allDeployments, 0),
  },
  {
    api: 'organization',
    name: 'pages',
    title: 'An identity provider and three Apps, two to a page',
    world: organizationWorld,
    mostPerPage: 2,
    outcomes: each(allOrganization, 'complete'),
    records: { 'github.organization': 1, 'github.installed_apps': 3 },
  },
  {
    api: 'organization',
    name: 'empty',
    title: 'No Apps, and no identity provider',
    world: quiet,
    outcomes: each(allOrganization, 'complete'),
    records: { 'github.organization': 1, 'github.installed_apps': 0 },
  },
  {
    api: 'organization',
    name: 'denied',
    title: 'A member’s token: settings are left out, and Apps refused',
    world: () => askedByBob(organizationWorld()),
    outcomes: { 'github.organization': 'complete', 'github.installed_apps': 'failed' },
    problems: { 'github.installed_apps': ['AccessDenied'] },
    records: { 'github.organization': 1, 'github.installed_apps': 0 },
  },
  {
    api: 'people',
    name: 'pages',
    title: 'Three of everybody: members, outside collaborators, invited; two to a page',
    world: peopleWorld,
    mostPerPage: 2,
    outcomes: each(allPeople, 'complete'),
    records: { 'github.people': 9, 'github.external_identities': 3 },
  },
  {
    api: 'people',
    name: 'empty',
    title: 'The owner alone, and no identity provider',
    world: quiet,
    outcomes: each(allPeople, 'complete'),
    // Whoever asks is somebody.
    records: { 'github.people': 1, 'github.external_identities': 0 },
  },
  {
    api: 'people',
    name: 'denied',
    title: 'A member’s token: it sees the members, without their two-factor authentication',
    world: () => askedByBob(peopleWorld()),
    outcomes: { 'github.people': 'partial', 'github.external_identities': 'failed' },
    problems: {
      // Two-factor authentication of members and of others, and who the others are.
      'github.people': ['AccessDenied', 'AccessDenied', 'AccessDenied'],
      'github.external_identities': ['AccessDenied'],
    },
    records: { 'github.people': 3, 'github.external_identities': 0 },
  },
  {
    api: 'repositories',
    name: 'pages',
    title: 'Repositories by ruleset, by classic protection and by none, two to a page',
    world: repositoriesWorld,
    mostPerPage: 2,
    outcomes: each(allRepositories, 'complete'),
    records: each(allRepositories, 3),
  },
  {
    api: 'repositories',
    name: 'empty',
    title: 'An organisation without repositories',
    world: () => githubWorld({ organization: alone }),
    outcomes: each(allRepositories, 'complete'),
    records: each(allRepositories, 0),
  },
  {
    api: 'repositories',
    name: 'denied',
    title: 'A member’s token: who may go past the rules is left out, and keys are refused',
    world: () => askedByBob(repositoriesWorld()),
    outcomes: { ...each(allRepositories, 'partial'), 'github.deploy_keys': 'failed' },
    // Whether the repositories are all, and the keys.
    problems: {
      ...each(allRepositories, ['AccessDenied']),
      'github.deploy_keys': ['AccessDenied', 'AccessDenied'],
    },
    records: { ...each(allRepositories, 3), 'github.deploy_keys': 0 },
  },
  {
    api: 'teams',
    name: 'pages',
    title: 'Three teams, and people with access of their own, two to a page',
    world: teamsWorld,
    mostPerPage: 2,
    outcomes: each(allTeams, 'complete'),
    // Of teams four, of people three.
    records: { 'github.teams': 3, 'github.grants': 7 },
  },
  {
    api: 'teams',
    name: 'empty',
    title: 'No team, and nobody with access but by owning all',
    world: quiet,
    outcomes: each(allTeams, 'complete'),
    records: each(allTeams, 0),
  },
  {
    api: 'teams',
    name: 'denied',
    title: 'A member’s token: secret teams and other people’s access are hidden',
    world: () => askedByBob(teamsWorld()),
    outcomes: each(allTeams, 'partial'),
    problems: {
      'github.teams': ['AccessDenied'],
      // Whether the repositories are all, too.
      'github.grants': ['AccessDenied', 'AccessDenied'],
    },
    // What is visible of teams.
    records: { 'github.teams': 2, 'github.grants': 4 },
  },
];

const asked = process.argv.slice(2);
for (const recipe of recipes) {
  if (asked.length === 0 || asked.includes(recipe.api)) await recordFrom(recipe);
}

async function recordFrom(recipe: GitHubRecipe): Promise<void> {
  const { mostPerPage = Infinity, fault } = recipe;
  const world = recipe.world();
  const standIn = await startGitHub(world, { mostPerPage, now: () => new Date(now) });
  try {
    Object.assign(process.env, {
      GITHUB_API_URL: standIn.endpoint,
      GITHUB_TOKEN: world.viewer.token,
    });
    if (fault !== undefined) standIn.fault(fault);
    const exchanges = await recordCase('github', recipe, simulatedClock(new Date(now)));
    await readdress(exchanges, standIn.endpoint, 'https://api.github.com');
    process.stdout.write(`${recipe.api}/${recipe.name}: ${standIn.requests.length} requests\n`);
  } finally {
    await standIn.close();
  }
}
