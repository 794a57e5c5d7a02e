/**
 * The demo's organisation on GitHub as it stood at any time of its year: what happened up to then,
 * and nothing of later. What must be reported of it stands in test/support/demo-year-expected.ts.
 */
import {
  auditEntry,
  type ChangeOptions,
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

const dayMs = 86_400_000;

/** Whether a time has come: only what has stands in the world. */
type Past = (time: string) => boolean;

/** Somebody of the organisation: from joining to leaving. */
interface Person {
  handle: string;
  team: 'platform' | 'backend' | 'frontend' | 'mobile';
  joined: string;
  left?: string;
  /** When the identity provider knew them; as they joined where not told. */
  known?: string;
}

const founded = '2023-02-06T09:00:00Z';

const people: Person[] = [
  { handle: 'frank', team: 'platform', joined: founded },
  { handle: 'grace', team: 'platform', joined: '2024-04-02T09:00:00Z' },
  { handle: 'bob', team: 'backend', joined: founded },
  { handle: 'carol', team: 'backend', joined: founded },
  { handle: 'dave', team: 'backend', joined: founded, left: '2025-11-28T17:00:00Z' },
  { handle: 'erin', team: 'frontend', joined: founded },
  { handle: 'heidi', team: 'frontend', joined: founded },
  { handle: 'ivan', team: 'mobile', joined: founded, left: '2025-06-30T17:00:00Z' },
  // Two nights without an identity.
  {
    handle: 'judy',
    team: 'mobile',
    joined: '2025-02-17T10:00:00Z',
    known: '2025-02-19T09:00:00Z',
  },
  { handle: 'ken', team: 'mobile', joined: '2025-06-23T09:00:00Z' },
  { handle: 'liam', team: 'backend', joined: '2025-09-01T09:00:00Z' },
];

/** @param now only what happened before it is there */
export function githubAt(now: Date): GitHubWorld {
  const text = now.toISOString();
  const past: Past = (time) => time < text;
  const here = people.filter(({ joined, left }) => past(joined) && !(left && past(left)));
  const membersOf = (name: Person['team']) =>
    here.filter((person) => person.team === name).map(({ handle }) => handle);
  const known = here.filter((person) => past(person.known ?? person.joined));
  return githubWorld({
    organization: {
      createdAt: '2021-01-18T10:00:00Z',
      plan: 'enterprise',
      // Members come in through the identity provider; others have to see to it themselves.
      twoFactorRequired: false,
      saml: {
        ssoUrl: 'https://id.example.com/sso',
        issuer: 'https://id.example.com',
        identities: ['alice', ...known.map(({ handle }) => handle)].map((handle) =>
          externalIdentity({ handle }),
        ),
      },
      members: [
        member('alice', 'admin'),
        ...here.map(({ handle }) => member(handle, handle === 'frank' ? 'admin' : 'member')),
      ],
      outsideCollaborators: outside(past),
      teams: [
        team({
          slug: 'platform',
          members: membersOf('platform'),
          repositories: { api: 'admin', infra: 'admin', web: 'admin' },
        }),
        team({
          slug: 'backend',
          members: membersOf('backend'),
          repositories: { api: 'write', infra: 'write' },
        }),
        team({ slug: 'frontend', members: membersOf('frontend'), repositories: { web: 'write' } }),
        team({
          slug: 'mobile',
          members: membersOf('mobile'),
          repositories: { mobile: 'admin' },
        }),
        team({
          slug: 'on-call',
          members: ['carol', 'grace'],
          repositories: { api: 'write', infra: 'write' },
        }),
      ],
      installations: [
        installation({
          slug: 'chat-notices',
          createdAt: '2023-05-10T09:00:00Z',
          permissions: { metadata: 'read', pull_requests: 'read' },
        }),
        installation({
          slug: 'coverage',
          createdAt: '2023-06-21T13:00:00Z',
          permissions: { checks: 'write', metadata: 'read' },
        }),
        // Somebody tried it for two nights, without asking.
        ...(past('2025-10-21T15:30:00Z') && !past('2025-10-23T11:00:00Z')
          ? [
              installation({
                slug: 'code-assistant',
                createdAt: '2025-10-21T15:30:00Z',
                permissions: { contents: 'write', metadata: 'read', pull_requests: 'write' },
              }),
            ]
          : []),
      ],
      rulesets: [
        ruleset({
          name: 'production',
          repositories: { include: ['api', 'infra'], exclude: [] },
          rules: [
            pullRequestRule({ require_code_owner_review: true }),
            { type: 'non_fast_forward' },
            { type: 'deletion' },
          ],
          bypass: [{ actor: 'team:on-call', mode: 'pull_request' }],
          createdAt: '2023-11-20T10:00:00Z',
          updatedAt: past(rulesetUpdate) ? rulesetUpdate : '2023-11-20T10:00:00Z',
        }),
      ],
      auditLog: [
        auditEntry({
          action: 'org.update_default_repository_permission',
          at: '2025-01-20T10:05:00Z',
          actor: 'alice',
        }),
        auditEntry({
          action: 'repository_ruleset.update',
          at: rulesetUpdate,
          actor: 'frank',
          fields: { ruleset_name: 'production' },
        }),
        auditEntry({
          action: 'protected_branch.destroy',
          at: unprotected.from,
          actor: 'judy',
          repository: 'mobile',
          fields: { name: 'main' },
        }),
        auditEntry({
          action: 'protected_branch.create',
          at: unprotected.until,
          actor: 'frank',
          repository: 'mobile',
          fields: { name: 'main' },
        }),
      ].filter(({ at }) => past(at)),
    },
    repositories: [
      apiRepository(past),
      webRepository(past),
      mobileRepository(past),
      infraRepository(past),
    ],
  });
}

const rulesetUpdate = '2025-06-11T09:12:00Z';

/** While main of mobile was not protected. */
const unprotected = { from: '2025-07-16T09:40:00Z', until: '2025-07-18T10:00:00Z' };

/** A tester from outside, for half a year; the second factor came two nights late. */
function outside(past: Past) {
  if (!past('2025-07-07T09:00:00Z') || past('2025-12-19T17:00:00Z')) return [];
  const twoFactor = past('2025-07-09T11:00:00Z') ? 'secure' : 'disabled';
  return [{ handle: 'oscar', twoFactor } as const];
}

// --- repositories --------------------------------------------------------------------------

function apiRepository(past: Past): WorldRepository {
  const checks = ['build', 'test'];
  const repo = repository({
    name: 'api',
    createdAt: '2023-02-07T10:00:00Z',
    rulesets: [checksRuleset('api', checks)],
    codeowners: owners('backend'),
    deployKeys: [deployKey({ title: 'argo', createdAt: '2023-08-14T09:00:00Z' })],
    environments: [environment({ name: 'production', reviewers: ['team:platform'] })],
    dependabotAlerts: alertsUntil(past, [
      // Six weeks: a fortnight too long.
      dependabotAlert({
        number: 12,
        state: 'fixed',
        createdAt: '2025-05-05T06:10:00Z',
        closed: { at: '2025-06-17T13:40:00Z', by: null, reason: null },
      }),
    ]),
    codeScanningAlerts: alertsUntil(past, [
      codeScanningAlert({
        number: 3,
        state: 'fixed',
        createdAt: '2025-04-14T11:00:00Z',
        closed: { at: '2025-04-29T15:20:00Z', by: null, reason: null },
      }),
    ]),
  });
  const changes = write(repo, past, 411, [
    ...ordinary('api', checks),
    ...updates(checks),
    {
      title: 'PAY-402 Stop refunds that run twice',
      labels: ['emergency'],
      author: 'carol',
      mergedBy: 'carol',
      openedAt: '2025-05-22T21:50:00Z',
      mergedAt: '2025-05-22T22:14:00Z',
      reviews: [{ by: 'bob', at: '2025-05-23T08:40:00Z' }],
      checks: succeeded(checks),
    },
  ]);
  bypassed(repo, changes, 'carol', 'PAY-402');
  release(repo, past, changes, 5);
  return repo;
}

function webRepository(past: Past): WorldRepository {
  const checks = ['build', 'e2e'];
  const repo = repository({
    name: 'web',
    createdAt: '2023-02-07T11:00:00Z',
    protections: [
      protection({
        pullRequest: protectedReviews({ codeOwners: true }),
        checks: { strict: true, contexts: checks.map((context) => ({ context })) },
      }),
    ],
    codeowners: owners('frontend'),
    environments: [environment({ name: 'production', reviewers: ['team:platform'] })],
    dependabotAlerts: alertsUntil(past, [
      dependabotAlert({
        number: 7,
        state: 'fixed',
        package: 'qs',
        advisory: 'GHSA-hrpp-h998-j3pp',
        summary: 'Denial of service in qs',
        patched: '6.9.7',
        createdAt: '2025-02-03T06:10:00Z',
        closed: { at: '2025-02-12T10:30:00Z', by: null, reason: null },
      }),
    ]),
    secretScanningAlerts: alertsUntil(past, [
      secretScanningAlert({
        number: 1,
        state: 'resolved',
        createdAt: '2025-09-30T10:00:00Z',
        closed: { at: '2025-10-01T09:15:00Z', by: 'erin', reason: 'revoked' },
      }),
    ]),
  });
  const changes = write(repo, past, 880, [
    ...ordinary('web', checks),
    {
      // In the week without runs, and without a ticket.
      title: 'Move the sign-in form',
      author: 'heidi',
      mergedBy: 'heidi',
      mergedAt: '2025-08-13T14:20:00Z',
      reviews: [{ by: 'erin' }],
      checks: succeeded(checks),
    },
    {
      title: 'WEB-691 Show gift cards in the basket',
      author: 'erin',
      mergedBy: 'erin',
      mergedAt: '2025-12-09T15:10:00Z',
      reviews: [{ by: 'heidi' }],
      // A path filter left it out, and GitHub takes that for a success.
      checks: [{ name: 'build' }, { name: 'e2e', conclusion: 'skipped' }],
    },
  ]);
  release(repo, past, changes, 6);
  return repo;
}

function mobileRepository(past: Past): WorldRepository {
  const checks = ['build'];
  const isProtected = !past(unprotected.from) || past(unprotected.until);
  const repo = repository({
    name: 'mobile',
    createdAt: '2023-02-07T12:00:00Z',
    protections: isProtected
      ? [
          protection({
            pullRequest: protectedReviews({ codeOwners: true }),
            checks: { strict: true, contexts: [{ context: 'build' }] },
          }),
        ]
      : [],
    codeowners: owners('mobile'),
    collaborators: Object.fromEntries(outside(past).map(({ handle }) => [handle, 'write'])),
  });
  const pushedAt = '2025-07-16T09:52:00Z';
  const changes = ordinary('mobile', checks);
  write(
    repo,
    past,
    202,
    changes.filter(({ mergedAt }) => mergedAt < pushedAt),
  );
  if (past(pushedAt)) {
    directPush(repo, 'main', {
      at: pushedAt,
      by: 'judy',
      message: 'Correct the version for the store',
    });
  }
  write(
    repo,
    past,
    202,
    changes.filter(({ mergedAt }) => mergedAt > pushedAt),
  );
  return repo;
}

function infraRepository(past: Past): WorldRepository {
  const checks = ['plan'];
  const repo = repository({
    name: 'infra',
    createdAt: '2023-02-08T09:00:00Z',
    rulesets: [checksRuleset('infra', checks)],
    codeowners: owners('platform'),
  });
  const changes = write(repo, past, 127, [
    ...ordinary('infra', checks),
    {
      // Nobody approved it, then or later.
      title: 'OPS-451 Raise the limit of connections',
      author: 'grace',
      mergedBy: 'grace',
      openedAt: '2025-03-20T17:55:00Z',
      mergedAt: '2025-03-20T18:10:00Z',
      reviews: [],
      checks: succeeded(checks),
    },
  ]);
  bypassed(repo, changes, 'grace', 'OPS-451');
  return repo;
}

// --- changes -------------------------------------------------------------------------------

/** What the teams wrote in the ordinary way: with a ticket, reviewed by another of the team. */
const work = {
  api: {
    ticket: 'PAY',
    first: 251,
    team: 'backend',
    parts: ['refunds', 'invoices', 'webhooks', 'the order search', 'exchange rates', 'VAT numbers'],
  },
  web: {
    ticket: 'WEB',
    first: 530,
    team: 'frontend',
    parts: ['the checkout', 'the basket', 'the order list', 'sign-in', 'the settings page'],
  },
  mobile: {
    ticket: 'APP',
    first: 77,
    team: 'mobile',
    parts: ['notices', 'the camera', 'the start screen', 'offline orders', 'the dark mode'],
  },
  infra: {
    ticket: 'OPS',
    first: 340,
    team: 'platform',
    parts: ['the queue', 'backups', 'log storage', 'the database', 'alerts', 'the base image'],
  },
} as const;

const doings = ['Speed up', 'Test', 'Simplify', 'Log', 'Document', 'Bound', 'Split up', 'Tidy'];

/** Which repositories get a change in a week, by turns: two to four, twelve in four weeks. */
const weeks: (keyof typeof work)[][] = [
  ['api', 'web', 'infra'],
  ['api', 'mobile'],
  ['web', 'api', 'mobile'],
  ['infra', 'web', 'api', 'web'],
];

/** The first Monday of the year. */
const firstMonday = Date.parse('2025-01-06T00:00:00Z');

function ordinary(name: keyof typeof work, checks: string[]): ChangeOptions[] {
  const { ticket, first, parts, team: of } = work[name];
  const changes: ChangeOptions[] = [];
  for (let week = 0; week < 51; week += 1) {
    const places = weeks[week % weeks.length] ?? [];
    for (const [place, repo] of places.entries()) {
      if (repo !== name) continue;
      const count = changes.length;
      // One a day from Monday on, at some time between nine and five.
      const day = new Date(firstMonday + (week * 7 + place) * dayMs).toISOString().slice(0, 10);
      const mergedAt = later(`${day}T09:10:00Z`, { minutes: (count * 97) % 470 });
      // Both at work when the change was opened, a day before.
      const pair = people.filter(
        ({ team, joined, left }) =>
          team === of && later(joined, { days: 2 }) < mergedAt && !(left && left < mergedAt),
      );
      const author = pair[count % pair.length]?.handle ?? 'alice';
      const other = pair[(count + 1) % pair.length]?.handle ?? 'alice';
      changes.push({
        title: `${ticket}-${first + count} ${doings[(count * 3) % doings.length]} ${parts[count % parts.length]}`,
        author,
        mergedBy: author,
        mergedAt,
        commits: Array.from({ length: 1 + (count % 3) }, () => ({})),
        // A team of one, for a while, is reviewed by an owner.
        reviews: [{ by: other === author ? 'frank' : other }],
        checks: succeeded(checks),
      });
    }
  }
  return changes;
}

const dependabot = 'dependabot[bot]';

/** What a bot does by itself, every other month: its own files only. */
function updates(checks: string[]): ChangeOptions[] {
  return ['express', 'zod', 'undici', 'pino', 'express', 'zod'].map((name, index) => {
    const mergedAt = `2025-${String(2 * index + 1).padStart(2, '0')}-11T05:20:00Z`;
    return {
      title: `Bump ${name}`,
      author: dependabot,
      mergedBy: dependabot,
      openedAt: later(mergedAt, { minutes: -40 }),
      mergedAt,
      reviews: [{ by: 'github-actions[bot]' }],
      checks: succeeded(checks),
      files: ['package-lock.json', 'package.json'],
    };
  });
}

/** Merges what was merged by then, in the order of time; there were so many pull requests before. */
function write(
  repo: WorldRepository,
  past: Past,
  before: number,
  changes: ChangeOptions[],
): WorldPullRequest[] {
  return changes
    .filter(({ mergedAt }) => past(mergedAt))
    .toSorted((a, b) => (a.mergedAt < b.mergedAt ? -1 : 1))
    .map(({ reviews = [], ...change }) => {
      const number = (repo.pullRequests.at(-1)?.number ?? before) + 1;
      const submitted = reviews.filter(({ at }) => at === undefined || past(at));
      return mergedChange(repo, { number, ...change, reviews: submitted });
    });
}

/** Deploys after every so many changes that people wrote, and what could not wait. */
function release(
  repo: WorldRepository,
  past: Past,
  changes: WorldPullRequest[],
  every: number,
): void {
  let written = 0;
  for (const { author, labels, merge } of changes) {
    if (merge === null || author === dependabot) continue;
    const urgent = labels.includes('emergency');
    if (!urgent) written += 1;
    const at = later(merge.at, { minutes: urgent ? 10 : 20 });
    if ((urgent || written % every === 0) && past(at)) deploy(repo, { at, sha: merge.commit });
  }
}

/** On call, somebody merged before anybody approved. */
function bypassed(
  repo: WorldRepository,
  changes: WorldPullRequest[],
  actor: string,
  ticket: string,
): void {
  const { id } = ruleset({ name: 'production' });
  for (const merge of changes
    .filter(({ title }) => title.startsWith(ticket))
    .map((change) => change.merge)
    .filter((merge): merge is WorldMerge => merge !== null)) {
    ruleSuite(repo, {
      at: merge.at,
      actor,
      after: merge.commit,
      rules: [{ ruleset: id, type: 'pull_request', result: 'fail', enforcement: 'active' }],
    });
  }
}

function succeeded(checks: string[]): { name: string }[] {
  return checks.map((name) => ({ name }));
}

/** Alerts as they stood: not there before they were opened, open before they were closed. */
function alertsUntil<Alert extends { createdAt: string; state: string; closed: object | null }>(
  past: Past,
  alerts: (Alert & { closed: { at: string } | null })[],
): Alert[] {
  return alerts
    .filter(({ createdAt }) => past(createdAt))
    .map((alert) =>
      alert.closed === null || past(alert.closed.at)
        ? alert
        : { ...alert, state: 'open', closed: null, updatedAt: alert.createdAt },
    );
}

function checksRuleset(of: string, checks: string[]) {
  return ruleset({
    name: `checks of ${of}`,
    rules: [requiredChecksRule(checks)],
    createdAt: '2023-11-20T10:30:00Z',
  });
}

function owners(of: string) {
  return { path: '.github/CODEOWNERS', text: `* @acme/${of}\n`, errors: [] };
}
