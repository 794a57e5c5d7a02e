import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tickmark } from '../support/cli.ts';
import { acmeGitHubParameters } from '../support/github-acme-expected.ts';
import { acmeNow, acmeOnGitHub } from '../support/github-acme-world.ts';
import type { FaultRule } from '../support/github-faults.ts';
import {
  type GitHubStandIn,
  type StandInOptions,
  startGitHub,
} from '../support/github-stand-in.ts';
import {
  type AppPermissions,
  type AppViewer,
  asApp,
  asUser,
  type GitHubWorld,
  type Viewer,
} from '../support/github-world.ts';
import { removeTemporary } from '../support/temporary.ts';
import {
  type GitHubNight,
  gitHubNight,
  isError,
  isPass,
  newGitHubProject,
} from './github-project.ts';
import type { Row } from './project.ts';

const patience = 120_000;
const standIns: GitHubStandIn[] = [];

afterAll(async () => {
  // Throws where a stand-in could not do as GitHub does.
  await Promise.all(standIns.map((standIn) => standIn.close()));
  await removeTemporary();
});

interface Setting {
  viewer?: Viewer;
  /** What is otherwise in Acme's world. */
  arrange?: (world: GitHubWorld) => void;
  standIn?: StandInOptions;
  faults?: FaultRule[];
}

/** The key of Acme's App. */
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** A night at Acme, by somebody else or before a GitHub that behaves otherwise. */
async function nightOf({ viewer, arrange, standIn: options, faults = [] }: Setting = {}) {
  const { world } = acmeOnGitHub();
  arrange?.(world);
  world.viewer = viewer ?? world.viewer;
  world.app = { id: 7, slug: 'acme-evidence', installation: 42, publicKey };
  // Its clock runs, so that limits are reset.
  const begun = Date.now();
  const now = () => new Date(Date.parse(acmeNow) + Date.now() - begun);
  const standIn = await startGitHub(world, { now, ...options });
  standIns.push(standIn);
  for (const rule of faults) standIn.fault(rule);
  // An App without a token gets one for its key.
  const cwd = await newProject(world.viewer.token === undefined);
  return { ...(await gitHubNight(cwd, standIn)), standIn };
}

/** Without the keys that are approved by id: GitHub tells an App other ids of keys than an owner. */
async function newProject(isApp = false): Promise<string> {
  const { 'gh-keys': _, ...parameters } = acmeGitHubParameters;
  const app = { id: 7, installation_id: 42, private_key: 'app.pem' };
  const cwd = await newGitHubProject({ source: isApp ? { app } : {}, parameters });
  if (isApp) await writeFile(join(cwd, 'app.pem'), privateKey);
  return cwd;
}

const anApp = (
  permissions: AppPermissions,
  repositories: AppViewer['repositories'] = 'all',
): Viewer => ({ kind: 'app', permissions, repositories });

/** What `tickmark permissions` prints. */
async function printedPermissions(): Promise<AppPermissions> {
  const { stdout } = await tickmark(['permissions'], '', { cwd: await newProject() });
  return JSON.parse(stdout).permissions;
}

/** The same test on the same thing, whatever id the token makes GitHub tell. */
const keyOf = ({ test, resource }: Row) => `${test} ${resource.name}`;

/** Doubt may take a verdict away, and never gives another one. */
function expectOnlyDoubt(rows: Row[], fine: GitHubNight) {
  const known = new Map(fine.rows.map((row) => [keyOf(row), row.status]));
  for (const row of rows) {
    expect([known.get(keyOf(row)) ?? 'error', 'error'], keyOf(row)).toContain(row.status);
  }
  const kept = new Set(rows.map(keyOf));
  const inDoubt = new Set(rows.filter(isError).map(({ test }) => test));
  const lost = fine.rows.filter((row) => !kept.has(keyOf(row)) && !inDoubt.has(row.test));
  expect(lost.map(keyOf)).toEqual([]);
}

const verdictOf = ({ test, resource, status, reason }: Row) => [
  test,
  resource.name,
  status,
  reason,
];
const ofTest = (rows: Row[], test: string) => rows.filter((row) => row.test === test);
const reasonsOf = (rows: Row[]) => rows.map(({ reason }) => reason).join('\n');

let fine: Awaited<ReturnType<typeof nightOf>>;

beforeAll(async () => {
  fine = await nightOf();
}, patience);

describe('a member who is no owner, and whom GitHub’s count tells that she sees all', () => {
  let night: GitHubNight;

  beforeAll(async () => {
    night = await nightOf({
      viewer: asUser('eve'),
      arrange: ({ organization }) => {
        organization.countsToldToMembers = true;
      },
    });
  }, patience);

  /** What nothing but more rights can tell. */
  const hidden = [
    'chg-bypass',
    'chg-conf',
    'chg-test',
    'gh-2fa-org',
    'gh-2fa-user',
    'gh-alerts-closed',
    'gh-apps',
    'gh-base',
    'gh-checks',
    'gh-code',
    'gh-code-on',
    'gh-depend',
    'gh-depend-on',
    'gh-keys',
    'gh-owner',
    'gh-ownersfile',
    'gh-prot',
    'gh-repoacc',
    'gh-secret',
    'gh-secret-on',
    'gh-sso',
  ];

  it('has no verdict that the owner has not, and ends with 3', () => {
    expectOnlyDoubt(night.rows, fine);
    expect(night.code).toBe(3);
  });

  it.each(hidden)('%s passes nothing, and says which right to add', (test) => {
    const rows = ofTest(night.rows, test);
    expect(rows.filter(isPass)).toEqual([]);
    const errors = rows.filter(isError);
    expect(errors.length).toBeGreaterThan(0);
    expect(reasonsOf(errors)).toMatch(/[a-z_]+:(read|write)|owner's token/);
  });

  it('sees as much as an owner of what every member sees', () => {
    const others = [...new Set(fine.rows.map(({ test }) => test))].filter(
      (test) => !hidden.includes(test),
    );
    for (const test of others) {
      expect(ofTest(night.rows, test), test).toEqual(ofTest(fine.rows, test));
    }
  });

  it('discloses what is left out, and no more', () => {
    expect(night.summary.left_out).toEqual(fine.summary.left_out);
  });
});

describe.concurrent('who does not see all repositories, or does not know it', () => {
  /** Nothing else tells of repositories, and of what happens in them. */
  const overRepositories = [
    'chg-approve',
    'chg-bypass',
    'chg-deploy',
    'chg-direct',
    'chg-test',
    'chg-ticket',
    'gh-alerts-closed',
    'gh-checks',
    'gh-code',
    'gh-code-on',
    'gh-depend',
    'gh-depend-on',
    'gh-keys',
    'gh-ownersfile',
    'gh-prot',
    'gh-repoacc',
    'gh-secret',
    'gh-secret-on',
    'gh-vis',
  ];
  const whatToDo =
    /use an owner's token that is for all repositories, or a GitHub App that is installed on all/;

  /** Whoever may not ask for the rules that were gone around needs no list of repositories. */
  const whatToDoAboutBypasses = new RegExp(
    `${whatToDo.source}|give the token organization_administration:write`,
  );

  /** Nobody is given a repository but by name, and eve one. */
  function onlyByName({ organization, repositories }: GitHubWorld): void {
    organization.basePermission = 'none';
    for (const repo of repositories) if (repo.name === 'api') repo.collaborators.eve = 'read';
  }

  const settings: Record<string, (printed: AppPermissions) => Setting> = {
    'a member to whom one is given, and a count of all': () => ({
      viewer: asUser('eve'),
      arrange: (world) => {
        onlyByName(world);
        world.organization.countsToldToMembers = true;
      },
    }),
    'a member to whom one is given, and no count': () => ({
      viewer: asUser('eve'),
      arrange: onlyByName,
    }),
    'a member who sees all without knowing it': () => ({ viewer: asUser('eve') }),
    'a member who sees nothing but what is public': () => ({
      viewer: asUser('eve', ['read:org']),
    }),
    'an App that is installed on one': (printed) => ({ viewer: anApp(printed, ['api']) }),
    'an App that is installed on none': (printed) => ({ viewer: anApp(printed, []) }),
    'an owner’s token for one': (permissions) => {
      const { scopes: _, ...owner } = asUser('alice');
      return { viewer: { ...owner, permissions, repositories: ['api'] } };
    },
  };

  it.for(Object.keys(settings))(
    '%s: nothing about repositories passes, or did not operate',
    { timeout: patience },
    async (name) => {
      const setting = settings[name]?.(await printedPermissions()) ?? {};
      const { rows, code, summary } = await nightOf(setting);
      expect(code).toBe(3);
      expectOnlyDoubt(rows, fine);
      for (const test of overRepositories) {
        const own = ofTest(rows, test);
        const statuses = new Set(own.map(({ status }) => status));
        expect(statuses, test).toContain('error');
        for (const status of statuses) {
          expect(['error', 'fail', 'not_applicable'], test).toContain(status);
        }
        expect(reasonsOf(own.filter(isError)), test).toMatch(
          test === 'chg-bypass' ? whatToDoAboutBypasses : whatToDo,
        );
      }
      expect(JSON.stringify(summary.left_out)).toMatch(whatToDo);
    },
  );
});

describe('a GitHub App', () => {
  let printed: AppPermissions;
  let night: GitHubNight;

  beforeAll(async () => {
    printed = await printedPermissions();
    night = await nightOf({ viewer: anApp(printed) });
  }, patience);

  it('with what tickmark permissions prints lacks only what GitHub tells no App', () => {
    expectOnlyDoubt(night.rows, fine);
    expect(night.summary.not_collected).toEqual([]);
    const inDoubt = new Set(night.rows.filter(isError).map(({ test }) => test));
    // Two-factor authentication, and who may go around rulesets: owners and who may change them.
    expect([...inDoubt].sort()).toEqual(['gh-2fa-user', 'gh-prot']);
    expect(night.code).toBe(3);
  });

  it('proves itself by its key, and is named', () => {
    const [source] = night.summary.sources;
    expect(source?.identities.map(({ subject }) => subject).join()).toMatch(/installation 42/);
  });

  it('is told by doctor what every night would be without', { timeout: patience }, async () => {
    const { world } = acmeOnGitHub();
    world.viewer = asApp(await printedPermissions());
    const standIn = await startGitHub(world, { now: () => new Date(acmeNow) });
    standIns.push(standIn);
    const { code, stdout } = await tickmark(['doctor', '--json', '--clock', acmeNow], '', {
      cwd: await newProject(),
      env: { GITHUB_API_URL: standIn.endpoint, GITHUB_TOKEN: world.viewer.token },
    });
    const { healthy, problems } = JSON.parse(stdout);
    expect({ code, healthy }).toEqual({ code: 3, healthy: false });
    expect(problems).toContainEqual(
      expect.objectContaining({
        dataset: 'github.people',
        problem: expect.objectContaining({
          message: expect.stringMatching(/^two_factor could not be told: /),
          severity: 'error',
        }),
      }),
    );
  });

  it('sees the same with a token that it was given', { timeout: patience }, async () => {
    expect((await nightOf({ viewer: asApp(printed) })).rows).toEqual(night.rows);
  });

  describe.concurrent('without one of its permissions', () => {
    const needed = [
      'administration',
      'checks',
      'contents',
      'deployments',
      'issues',
      'members',
      'organization_administration',
      'pull_requests',
      'secret_scanning_alerts',
      'security_events',
      'vulnerability_alerts',
    ];
    /** Nothing that these tests ask for in this world is refused without them. */
    const spare = ['actions', 'metadata', 'organization_plan', 'statuses'];

    it('knows of each that is printed what it is for', () => {
      expect(Object.keys(printed).sort()).toEqual([...spare, ...needed].sort());
    });

    const without = (...names: string[]) => {
      const rest = Object.entries(printed).filter(([name]) => !names.includes(name));
      return nightOf({ viewer: anApp(Object.fromEntries(rest)) });
    };

    it.for(needed)(
      '%s: something cannot be told, and the reason names it',
      { timeout: patience },
      async (permission) => {
        const { rows, code } = await without(permission);
        expectOnlyDoubt(rows, night);
        const doubted = new Set(night.rows.filter(isError).map(keyOf));
        const errors = rows.filter((row) => isError(row) && !doubted.has(keyOf(row)));
        expect(errors.length).toBeGreaterThan(0);
        for (const test of new Set(errors.map((row) => row.test))) {
          expect(reasonsOf(ofTest(errors, test)), test).toContain(`${permission}:`);
        }
        expect(code).toBe(3);
      },
    );

    it('changes no verdict without those that nothing here needs', {
      timeout: patience,
    }, async () => {
      const { rows } = await without(...spare);
      expect(rows.map(verdictOf)).toEqual(night.rows.map(verdictOf));
    });
  });
});

describe.concurrent('what GitHub may do, and no result shows', () => {
  const settings: Record<string, Setting> = {
    'an Enterprise Server, below a path of its own': { standIn: { basePath: '/api/v3' } },
    'pages of three': { standIn: { mostPerPage: 3 } },
    'a budget that is used up, again and again': {
      standIn: { limit: { core: 20, graphql: 60, windowSeconds: 1 } },
    },
    'primary and secondary limits, of REST and GraphQL': {
      faults: [
        { kind: 'rateLimit', match: { route: /^GET/ }, nth: 3 },
        { kind: 'rateLimit', match: { route: /^graphql/ }, nth: 3 },
        { kind: 'secondaryLimit', match: { route: /^GET/ }, nth: 9 },
        { kind: 'secondaryLimit', match: { route: /^graphql/ }, nth: 6, status: 429 },
      ],
    },
    'gateways that fail, and connections that break, once for each request': {
      faults: [
        { kind: 'html', match: { route: /^graphql/ }, timesEach: 1 },
        { kind: 'html', match: { route: /^GET .repos/ }, timesEach: 1, status: 504 },
        { kind: 'cut', match: { route: /^GET .orgs/ }, timesEach: 1 },
      ],
    },
    'queries that are too heavy until they ask for less': {
      faults: [{ kind: 'tooHeavy', nodes: 20_000 }],
    },
  };

  it.for(Object.keys(settings))('%s', { timeout: patience }, async (name) => {
    const setting = settings[name] ?? {};
    const { rows, code, standIn } = await nightOf(setting);
    expect(rows).toEqual(fine.rows);
    expect(code).toBe(1);
    for (const { kind } of setting.faults ?? []) {
      expect(standIn.count({ fault: kind }), kind).toBeGreaterThan(0);
    }
    const limit = setting.standIn?.limit;
    if (limit !== undefined) {
      const used = standIn.requests.filter(({ route }) => !route.startsWith('graphql:'));
      expect(used.length).toBeGreaterThan(2 * limit.core);
    }
  });
});

describe.concurrent('what stays is an error, and never a pass', () => {
  /** A fault, where it stays, and a test that lives on what is asked there. */
  type Staying = [FaultRule['kind'], string, string];

  it.for<{ name: string; faults: Staying[] }>([
    {
      name: 'answers that are none',
      faults: [
        ['garbage', 'graphql:PullRequests', 'chg-approve'],
        ['nullData', 'graphql:Teams', 'gh-repoacc'],
        ['signIn', 'GET /orgs/{org}/installations', 'gh-apps'],
        ['garbage', 'GET /orgs/{org}/audit-log', 'chg-conf'],
        ['nullData', 'graphql:Members', 'gh-2fa-user'],
      ],
    },
    {
      name: 'lists without an end, or that go on elsewhere',
      faults: [
        ['nextRepeats', 'GET /orgs/{org}/dependabot/alerts', 'gh-depend'],
        ['nextElsewhere', 'GET /orgs/{org}/code-scanning/alerts', 'gh-code'],
        ['nextElsewhere', 'GET /orgs/{org}/members', 'gh-2fa-user'],
        ['nextRepeats', 'GET /orgs/{org}/rulesets/rule-suites', 'chg-bypass'],
      ],
    },
    {
      name: 'single things that are kept back',
      faults: [
        ['forbiddenNode', 'graphql:PullRequests', 'chg-approve'],
        ['forbiddenNode', 'graphql:Commits', 'chg-direct'],
        ['forbiddenNode', 'graphql:Deployments', 'chg-deploy'],
        ['forbiddenNode', 'graphql:MergedPulls', 'chg-ticket'],
      ],
    },
  ])('$name', { timeout: patience }, async ({ faults }) => {
    const { rows, code, standIn } = await nightOf({
      faults: faults.map(([kind, route]) => ({ kind, match: { route } })),
    });
    expectOnlyDoubt(rows, fine);
    expect(code).toBe(3);
    for (const [kind, route, test] of faults) {
      expect(standIn.count({ route, fault: kind }), route).toBeGreaterThan(0);
      const own = ofTest(rows, test);
      expect(own.filter(isPass), test).toEqual([]);
      expect(own.filter(isError).length, test).toBeGreaterThan(0);
    }
  });

  it('a token that is revoked midway', { timeout: patience }, async () => {
    const { rows, code } = await nightOf({
      faults: Array.from({ length: 300 }, (_, n) => ({ kind: 'revoked' as const, nth: n + 20 })),
    });
    expectOnlyDoubt(rows, fine);
    expect(rows.filter(isError).length).toBeGreaterThan(0);
    expect(code).toBe(3);
  });
});
