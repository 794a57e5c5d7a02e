/**
 * The demo's organisation on GitHub: twelve people, eight repositories and three weeks of changes,
 * with a handful of deviations that a reader understands at once. Times count back from the
 * recording's own.
 */
import {
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
  type GitHubWorld,
  githubWorld,
  installation,
  later,
  member,
  mergedChange,
  protectedReviews,
  protection,
  pullRequestRule,
  repository,
  requiredChecksRule,
  ruleSuite,
  ruleset,
  secretScanningAlert,
  team,
  type WorldMerge,
  type WorldPullRequest,
  type WorldRepository,
} from '../test/support/github-world.ts';

/** Days before the recording on which the demo's period begins. */
export const demoDays = 20;

const teams = {
  platform: ['frank', 'grace'],
  backend: ['bob', 'carol', 'dave'],
  frontend: ['erin', 'heidi'],
  mobile: ['ivan', 'judy'],
};

/** A time of that day, so many days before the recording. */
type Ago = (days: number, time: string) => string;

/** What a team wrote in the ordinary way: each with a ticket, reviewed by the next of the team. */
interface Ordinary {
  ticket: string;
  firstTicket: number;
  people: string[];
  checks: string[];
  titles: string[];
}

/** @param now the recording's own time */
export function demoGitHubWorld(now: Date): GitHubWorld {
  const today = now.toISOString().slice(0, 10);
  const ago: Ago = (days, time) => later(`${today}T${time}:00Z`, { days: -days });
  const people = Object.values(teams).flat();
  return githubWorld({
    organization: {
      plan: 'enterprise',
      // Members come in through the identity provider; others have to see to it themselves.
      twoFactorRequired: false,
      saml: {
        ssoUrl: 'https://id.example.com/sso',
        issuer: 'https://id.example.com',
        identities: ['alice', ...people].map((handle) => externalIdentity({ handle })),
      },
      members: [
        member('alice', 'admin'),
        member('frank', 'admin'),
        ...people.filter((handle) => handle !== 'frank').map((handle) => member(handle)),
      ],
      outsideCollaborators: [
        { handle: 'oscar', twoFactor: 'secure' },
        { handle: 'peggy', twoFactor: 'disabled' },
      ],
      teams: [
        team({
          slug: 'platform',
          members: teams.platform,
          repositories: { api: 'admin', infra: 'admin', mobile: 'admin', web: 'admin' },
        }),
        team({
          slug: 'backend',
          members: teams.backend,
          repositories: { api: 'write', infra: 'write', reports: 'write' },
        }),
        team({
          slug: 'frontend',
          members: teams.frontend,
          repositories: { web: 'write', website: 'write' },
        }),
        team({ slug: 'mobile', members: teams.mobile, repositories: { mobile: 'write' } }),
        team({
          slug: 'on-call',
          members: ['carol', 'grace'],
          repositories: { api: 'write', infra: 'write' },
        }),
      ],
      installations: [
        installation({
          slug: 'chat-notices',
          permissions: { metadata: 'read', pull_requests: 'read' },
        }),
        installation({ slug: 'coverage', permissions: { checks: 'write', metadata: 'read' } }),
        installation({
          slug: 'code-assistant',
          createdAt: ago(4, '15:30'),
          permissions: { contents: 'write', metadata: 'read', pull_requests: 'write' },
        }),
      ],
      rulesets: [
        ruleset({
          name: 'production',
          include: shipping,
          repositories: { include: ['api', 'infra', 'mobile'], exclude: [] },
          rules: [
            pullRequestRule({ require_code_owner_review: true }),
            { type: 'non_fast_forward' },
            { type: 'deletion' },
          ],
          bypass: [{ actor: 'team:on-call', mode: 'pull_request' }],
        }),
      ],
      auditLog: [
        auditEntry({
          action: 'repository_ruleset.update',
          at: ago(15, '09:12'),
          actor: 'frank',
          fields: { ruleset_name: 'production' },
        }),
        auditEntry({
          action: 'org.update_default_repository_permission',
          at: ago(5, '10:05'),
          actor: 'alice',
        }),
        auditEntry({
          action: 'protected_branch.destroy',
          at: ago(3, '16:40'),
          actor: 'dave',
          repository: 'reports',
          fields: { name: 'main' },
        }),
      ],
    },
    repositories: [
      apiRepository(ago),
      webRepository(ago),
      mobileRepository(ago),
      infraRepository(ago),
      reportsRepository(ago),
      websiteRepository(ago),
      repository({ name: 'billing-2019', archived: true }),
      repository({ name: 'grpc-gateway', fork: true, visibility: 'public' }),
    ],
  });
}

function apiRepository(ago: Ago): WorldRepository {
  const repo = repository({
    name: 'api',
    rulesets: [checksRuleset('api', ['build', 'test'])],
    codeowners: owners('backend'),
    deployKeys: [deployKey({ title: 'argo' })],
    environments: [environment({ name: 'production', reviewers: ['team:platform'] })],
    dependabotAlerts: [
      dependabotAlert({ number: 31, createdAt: ago(47, '06:10') }),
      dependabotAlert({
        number: 34,
        severity: 'critical',
        package: 'minimist',
        advisory: 'GHSA-xvch-5gv4-984h',
        summary: 'Prototype pollution in minimist',
        patched: '1.2.6',
        createdAt: ago(3, '06:10'),
      }),
      dependabotAlert({
        number: 29,
        state: 'fixed',
        createdAt: ago(21, '06:10'),
        closed: { at: ago(9, '13:40'), by: null, reason: null },
      }),
    ],
    codeScanningAlerts: [codeScanningAlert({ number: 8, createdAt: ago(12, '11:00') })],
  });
  const emergency = {
    ...byTicket('PAY-288', 'Stop refunds that run twice'),
    labels: ['emergency'],
    author: 'carol',
    mergedBy: 'carol',
    mergedAt: ago(5, '22:14'),
    openedAt: ago(5, '21:50'),
    reviews: [{ by: 'bob', at: ago(4, '08:40') }],
    checks: succeeded(['build', 'test']),
  };
  const changes = write(repo, 411, [
    ...ordinary(ago, {
      ticket: 'PAY',
      firstTicket: 251,
      people: teams.backend,
      checks: ['build', 'test'],
      titles: [
        'Retry payments that time out',
        'Log the id of each request',
        'Round totals in cents',
        'Answer 409 for an order that is there already',
        'Read the currency from the account',
        'Index orders by customer',
        'Bound the size of uploads',
        'Return dates in UTC',
        'Move webhooks to the queue',
        'Close idle connections',
        'Describe errors in the schema',
        'Validate VAT numbers',
        'Limit searches to a year',
        'Cache exchange rates',
        'Export orders as CSV',
        'Sort invoices by date',
      ],
    }),
    emergency,
    ...updates(['build', 'test'], [ago(17, '05:20'), ago(10, '05:20'), ago(2, '05:20')]),
  ]);
  release(repo, changes, 3);
  const forced = changes.find(({ labels }) => labels.includes('emergency'))?.merge;
  if (forced) {
    bypassed(repo, forced, 'carol');
    deploy(repo, { at: later(forced.at, { minutes: 10 }), sha: forced.commit });
  }
  return repo;
}

function webRepository(ago: Ago): WorldRepository {
  const checks = ['build', 'e2e'];
  const repo = repository({
    name: 'web',
    protections: [
      protection({
        pullRequest: protectedReviews({ codeOwners: true }),
        checks: { strict: true, contexts: checks.map((context) => ({ context })) },
      }),
    ],
    codeowners: owners('frontend'),
    environments: [environment({ name: 'production', reviewers: ['team:platform'] })],
    dependabotAlerts: [
      dependabotAlert({
        number: 12,
        package: 'qs',
        advisory: 'GHSA-hrpp-h998-j3pp',
        summary: 'Denial of service in qs',
        patched: '6.9.7',
        createdAt: ago(12, '06:10'),
      }),
    ],
    secretScanningAlerts: [
      secretScanningAlert({
        number: 2,
        state: 'resolved',
        createdAt: ago(6, '10:00'),
        closed: { at: ago(5, '09:15'), by: 'erin', reason: 'revoked' },
      }),
    ],
  });
  const changes = write(repo, 880, [
    ...ordinary(ago, {
      ticket: 'WEB',
      firstTicket: 530,
      people: teams.frontend,
      checks,
      titles: [
        'Show the state of an order',
        'Remember the language',
        'Label form fields for screen readers',
        'Load images late',
        'Ask before an order is cancelled',
        'Show prices with tax',
        'Mend the back button in the checkout',
        'Split the settings page',
        'Reset passwords by mail',
        'Keep the basket for a week',
        'Print invoices',
        'Search by order number',
      ],
    }),
    {
      ...byTicket('WEB-547', 'Move the sign-in form'),
      author: 'heidi',
      mergedBy: 'heidi',
      mergedAt: ago(3, '14:25'),
      reviews: [{ by: 'erin' }],
      // A path filter left them out, and GitHub takes that for a success.
      checks: [{ name: 'build' }, { name: 'e2e', conclusion: 'skipped' }],
    },
    ...updates(checks, [ago(9, '05:30'), ago(4, '05:30')]),
  ]);
  release(repo, changes, 4);
  return repo;
}

function mobileRepository(ago: Ago): WorldRepository {
  const repo = repository({
    name: 'mobile',
    rulesets: [checksRuleset('mobile', ['build'])],
    codeowners: owners('mobile'),
    collaborators: { oscar: 'write' },
  });
  const own = { checks: succeeded(['build']) };
  const [ivan, judy] = [
    { ...own, author: 'ivan', mergedBy: 'ivan', reviews: [{ by: 'judy' }] },
    { ...own, author: 'judy', mergedBy: 'judy', reviews: [{ by: 'ivan' }] },
  ];
  const plan: ChangeOptions[] = ordinary(ago, {
    ticket: 'APP',
    firstTicket: 77,
    people: teams.mobile,
    checks: ['build'],
    titles: [
      'Ask for notices later',
      'Scan cards with the camera',
      'Follow the dark mode of the system',
      'Shrink the start screen',
      'Open links in the app',
      'Cache the basket',
      'Report the version with a crash',
      'Write dates as the language does',
      'Keep the keyboard out of the way',
    ],
  });
  plan.push(
    { ...judy, title: 'Raise the build number', mergedAt: ago(11, '17:48') },
    { ...ivan, title: 'Raise the build number again', mergedAt: ago(1, '17:52') },
  );
  const cutAt = ago(13, '12:00');
  const isLater = ({ mergedAt }: ChangeOptions) => mergedAt > cutAt;
  write(
    repo,
    202,
    plan.filter((each) => !isLater(each)),
  );
  cutBranch(repo, 'release/4.2', 'main', cutAt);
  cutBranch(repo, 'feature/offline', 'main', cutAt);
  write(repo, 202, [
    ...plan.filter(isLater),
    {
      ...ivan,
      ...byTicket('APP-91', 'Mend the crash at the start'),
      base: 'release/4.2',
      mergedAt: ago(6, '11:35'),
    },
    { ...judy, title: 'Store orders', base: 'feature/offline', mergedAt: ago(8, '15:05') },
    { ...ivan, title: 'Send what was stored', base: 'feature/offline', mergedAt: ago(4, '16:20') },
  ]);
  return repo;
}

function infraRepository(ago: Ago): WorldRepository {
  const repo = repository({
    name: 'infra',
    rulesets: [checksRuleset('infra', ['plan'])],
    codeowners: owners('platform'),
  });
  const changes = write(repo, 127, [
    ...ordinary(ago, {
      ticket: 'OPS',
      firstTicket: 340,
      people: teams.platform,
      checks: ['plan'],
      titles: [
        'Raise the storage of the database',
        'Keep logs for a year',
        'Pin the base image',
        'Alert on the length of the queue',
        'Keep backups in another region',
        'Tag resources with their owner',
        'Let workers reach the queue only',
      ],
    }),
    {
      ...byTicket('OPS-362', 'Raise the limit of connections'),
      labels: ['emergency'],
      author: 'grace',
      mergedBy: 'grace',
      openedAt: ago(4, '02:55'),
      mergedAt: ago(4, '03:20'),
      // Seven hours too late.
      reviews: [{ by: 'frank', at: ago(3, '10:40') }],
      checks: succeeded(['plan']),
    },
  ]);
  const forced = changes.find(({ labels }) => labels.includes('emergency'))?.merge;
  if (forced) bypassed(repo, forced, 'grace');
  return repo;
}

/** One engineer's own, who took its protection away. */
function reportsRepository(ago: Ago): WorldRepository {
  const repo = repository({ name: 'reports', collaborators: { dave: 'admin' } });
  directPush(repo, 'main', { at: ago(3, '16:48'), by: 'dave', message: 'Correct the totals' });
  return repo;
}

/** Its protection keeps an approval when something is pushed after it. */
function websiteRepository(ago: Ago): WorldRepository {
  const repo = repository({
    name: 'website',
    visibility: 'public',
    protections: [
      protection({
        pullRequest: protectedReviews({ codeOwners: true, dismissStale: false }),
        checks: { strict: true, contexts: [{ context: 'build' }] },
      }),
    ],
    codeowners: owners('frontend'),
    collaborators: { peggy: 'write' },
    deployKeys: [deployKey({ title: 'pages' })],
  });
  const afterApproval = (days: number) => ({
    author: 'erin',
    mergedBy: 'erin',
    openedAt: ago(days, '09:30'),
    mergedAt: ago(days, '15:10'),
    commits: [{}, { at: ago(days, '14:31') }, { at: ago(days, '14:52') }],
    reviews: [{ by: 'heidi', at: ago(days, '10:02'), commit: 0 }],
    checks: succeeded(['build']),
  });
  write(repo, 60, [
    ...ordinary(ago, {
      ticket: 'WEB',
      firstTicket: 560,
      people: teams.frontend,
      checks: ['build'],
      titles: [
        'Add a page about careers',
        'Correct the imprint',
        'Compress the large picture',
        'Announce the new release',
        'Correct the table of prices',
      ],
    }),
    { ...byTicket('WEB-571', 'Name the new office'), ...afterApproval(16) },
    { ...byTicket('WEB-574', 'Show the new prices'), ...afterApproval(1) },
  ]);
  return repo;
}

/** Merges changes in the order of time; the repository had so many pull requests before. */
function write(
  repo: WorldRepository,
  before: number,
  changes: ChangeOptions[],
): WorldPullRequest[] {
  return changes
    .toSorted((a, b) => (a.mergedAt < b.mergedAt ? -1 : 1))
    .map((change) => {
      const number = (repo.pullRequests.at(-1)?.number ?? before) + 1;
      return mergedChange(repo, { number, ...change });
    });
}

/** Deploys after every so many changes that somebody wrote and approved before. */
function release(repo: WorldRepository, changes: WorldPullRequest[], every: number): void {
  const reviewed = changes.filter(
    ({ author, labels }) => author !== dependabot && !labels.includes('emergency'),
  );
  for (const { merge } of reviewed.filter((_, index) => index % every === every - 1)) {
    if (merge !== null) deploy(repo, { at: later(merge.at, { minutes: 20 }), sha: merge.commit });
  }
}

/** Spread over the period, up to the day before the recording. */
function ordinary(ago: Ago, of: Ordinary): ChangeOptions[] {
  const { ticket, firstTicket, people, checks, titles } = of;
  return titles.map((title, index) => {
    const author = people[index % people.length] ?? '';
    const day = demoDays - 1 - Math.floor((index * (demoDays - 1)) / titles.length);
    return {
      ...byTicket(`${ticket}-${firstTicket + index}`, title),
      author,
      mergedBy: author,
      mergedAt: later(ago(day, '09:10'), { minutes: (index * 97) % 480 }),
      commits: Array.from({ length: 1 + (index % 3) }, () => ({})),
      reviews: [{ by: people[(index + 1) % people.length] ?? '' }],
      checks: succeeded(checks),
    };
  });
}

function byTicket(ticket: string, title: string): { title: string } {
  return { title: `${ticket} ${title}` };
}

function succeeded(checks: string[]): { name: string }[] {
  return checks.map((name) => ({ name }));
}

const dependabot = 'dependabot[bot]';

/** What a bot does by itself: it approves its own kind, which is nobody's approval. */
function updates(checks: string[], times: string[]): ChangeOptions[] {
  return times.map((mergedAt, index) => ({
    title: `Bump ${['express', 'zod', 'undici'][index]}`,
    author: dependabot,
    mergedBy: dependabot,
    openedAt: later(mergedAt, { minutes: -40 }),
    mergedAt,
    reviews: [{ by: 'github-actions[bot]' }],
    checks: succeeded(checks),
    files: ['package-lock.json', 'package.json'],
  }));
}

const shipping = ['~DEFAULT_BRANCH', 'refs/heads/release/*'];

function checksRuleset(of: string, checks: string[]) {
  return ruleset({
    name: `checks of ${of}`,
    include: shipping,
    rules: [requiredChecksRule(checks)],
  });
}

function owners(of: string) {
  return { path: '.github/CODEOWNERS', text: `* @acme/${of}\n`, errors: [] };
}

/** On call, somebody merged before anybody approved. */
function bypassed(repo: WorldRepository, { at, commit }: WorldMerge, actor: string): void {
  const { id } = ruleset({ name: 'production' });
  ruleSuite(repo, {
    at,
    actor,
    after: commit,
    rules: [{ ruleset: id, type: 'pull_request', result: 'fail', enforcement: 'active' }],
  });
}
