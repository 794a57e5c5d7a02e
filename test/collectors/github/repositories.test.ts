import { describe, expect, it } from 'vitest';
import { heldBranches } from '../../../collectors/github/repositories/branches.ts';
import { codeScanning } from '../../../collectors/github/repositories/features.ts';
import collector from '../../../collectors/github/repositories/index.ts';
import { listRepositories, repositoryCalls } from '../../../collectors/github/repositories/list.ts';
import {
  repositoriesWithBranches,
  repositoryListing,
} from '../../../collectors/github/repositories/listing.ts';
import { configSchema, type GitHubScope } from '../../../collectors/github/scope.ts';
import type { TieOut } from '../../../src/evidence/slice.ts';
import {
  type Answer,
  CallError,
  type Collector,
  defineDataset,
  type GitHubContext,
  z,
} from '../../../src/plugin.ts';
import {
  asApp,
  asUser,
  cutBranch,
  deployKey,
  githubWorld,
  member,
  protection,
  repository,
  requiredChecksRule,
  ruleset,
  type Viewer,
  type WorldOrganization,
  type WorldRepository,
} from '../../support/github-world.ts';
import { askWorld, named, ourApp, problemsOf } from './asking.ts';

const at = '2026-05-01T09:00:00Z';
const members = [member('alice', 'admin'), member('bob'), member('carol')];

function worldOf(repositories: WorldRepository[], viewer?: Viewer) {
  const who = viewer === undefined ? {} : { viewer };
  return githubWorld({ organization: { members }, repositories, app: ourApp, ...who });
}
const many = (count: number) =>
  Array.from({ length: count }, (_, place) => repository({ name: `r${place}` }));

/** What `listRepositories` tells other collectors, each repository a record. */
const listed: Collector<GitHubScope> = {
  id: 'github.listed',
  title: 'What other collectors are given',
  datasets: [
    defineDataset<GitHubScope, z.ZodObject<{ told: z.ZodAny }>>({
      name: 'github.listed',
      version: 1,
      title: 'Listed repositories',
      kind: 'snapshot',
      level: 'organization',
      fields: z.object({ told: z.any().describe('As it was given') }),
      calls: repositoryCalls,
      async collect(github) {
        for (const { id, name, answer, requiredChecks, ...told } of await listRepositories(
          github,
        )) {
          const checks = told.productionBranches.map((one) => requiredChecks(one.name) ?? null);
          const fields = { told: { ...told, checks } };
          github.emit({ uid: id, name, fields, original: null, from: [answer] });
        }
      },
    }),
  ],
};

interface Told {
  canAdminister: boolean;
  productionBranches: { id: string; name: string; head: string }[];
  checks: (string[] | null)[];
}

async function listOf(
  repositories: WorldRepository[],
  options: Parameters<typeof askWorld>[3] & { viewer?: Viewer } = {},
) {
  const world = worldOf(repositories, options.viewer);
  const told = await askWorld(world, [listed], ['github.listed'], options);
  const slice = told.slices['github.listed'];
  const toldOf = (name: string) => named(slice)[`acme/${name}`]?.fields.told as unknown as Told;
  return {
    ...told,
    slice,
    toldOf,
    branchesOf: (name: string) => toldOf(name)?.productionBranches.map((one) => one.name),
  };
}

describe('the list of repositories', () => {
  it('takes one call for fifty repositories, and none beside for an owner', async () => {
    const wanted = ['github.branch_rules', 'github.deploy_keys', 'github.codeowners'];
    const { slices, asked } = await askWorld(worldOf(many(120)), [collector], wanted);
    for (const name of wanted) expect(slices[name]).toMatchObject({ outcome: 'complete' });
    expect(slices['github.branch_rules']?.records).toHaveLength(120);
    expect(asked).toEqual({
      'graphql:Identity': 1,
      'GET /orgs/{org}': 1,
      'graphql:Repositories': 3,
    });
  });

  it('asks for half as many where GitHub takes too long, and goes on from there', async () => {
    const { slice, asked } = await listOf(many(60), {
      before: (standIn) =>
        standIn.fault({ kind: 'tooHeavy', match: { route: 'graphql:Repositories' }, nodes: 9_000 }),
    });
    expect(slice).toMatchObject({ outcome: 'complete' });
    expect(slice?.records).toHaveLength(60);
    expect(asked['graphql:Repositories']).toBeGreaterThan(5);
  });

  it('gives up where GitHub cannot tell of a single one', async () => {
    // So many patterns that no query asks for more than one repository.
    const production_refs = Array.from({ length: 250 }, (_, place) => `release-${place}/*`);
    const { slice } = await listOf(many(2), {
      with: { production_refs },
      before: (standIn) =>
        standIn.fault({ kind: 'tooHeavy', match: { route: 'graphql:Repositories' }, nodes: 0 }),
    });
    expect(slice?.outcome).toBe('failed');
    expect(problemsOf(slice)).toEqual(['error ServiceError']);
  });

  it('is held against GitHub’s own count', async () => {
    const { slice } = await listOf(many(3));
    expect(slice?.tie_outs).toEqual([
      { by: 'totalCount of graphql:Repositories', expected: 3, found: 3 },
    ]);
  });

  it('is the same over pages of any size', async () => {
    const repositories = many(5);
    const whole = await listOf(repositories);
    const { slice } = await listOf(repositories, { standIn: { mostPerPage: 2 } });
    expect(slice?.outcome).toBe('complete');
    expect(slice?.records.map(({ fields }) => fields)).toEqual(
      whole.slice?.records.map(({ fields }) => fields),
    );
  });

  it('holds no repository that is left out, whose records are not asked for', async () => {
    const { slice } = await listOf([
      repository({ name: 'api' }),
      repository({ name: 'old', archived: true }),
    ]);
    expect(Object.keys(named(slice))).toEqual(['acme/api']);
    expect(slice?.outcome).toBe('complete');
  });
});

describe('whether the list is whole', () => {
  const three = () => [
    repository({ name: 'api' }),
    repository({ name: 'site', visibility: 'public' }),
    repository({ name: 'wiki', visibility: 'internal' }),
  ];
  const { scopes: _, ...alice } = asUser('alice');
  const fineGrained: Viewer = {
    ...alice,
    permissions: { contents: 'read', administration: 'read', organization_administration: 'read' },
  };
  const rights = { contents: 'read', organization_administration: 'write' } as const;
  type Organization = Partial<WorldOrganization>;
  const told = { countsToldToMembers: true };
  const asked = async (viewer: Viewer, organization: Organization = {}) => {
    const world = worldOf(three(), viewer);
    Object.assign(world.organization, organization);
    return askWorld(world, [collector, listed], ['github.listed', 'github.codeowners']);
  };

  it.each<[string, Viewer, Organization?]>([
    ['an owner', asUser('alice')],
    ['an owner whose token is not told the count', asUser('alice', ['repo'])],
    ['an owner’s fine-grained token for all', fineGrained],
    ['an App on all', asApp({ contents: 'read' })],
    ['a member whose list is as long as the count', asUser('bob'), told],
  ])('is known to %s', async (_, viewer, organization) => {
    const { slices } = await asked(viewer, organization);
    for (const slice of Object.values(slices)) {
      expect(problemsOf(slice).filter((problem) => problem.startsWith('error'))).toEqual([]);
      expect(slice.records).toHaveLength(3);
    }
  });

  it.each<[string, string, Viewer, Organization?]>([
    ['a member who is told no count', '3', asUser('bob')],
    [
      'a member whose list is shorter than the count',
      '2; GitHub counts 3',
      asUser('bob'),
      { ...told, basePermission: 'none' },
    ],
    ['an App on some, that administers the organisation', '2', asApp(rights, ['api'])],
    [
      'an owner’s fine-grained token for some',
      '2; GitHub counts 3',
      { ...fineGrained, repositories: ['api'] },
    ],
    [
      'an owner’s token without the scope repo',
      '1; GitHub counts 3',
      asUser('alice', ['admin:org']),
    ],
  ])('is not known to %s, whose records stay', async (_, seen, viewer, organization) => {
    const { slices } = await asked(viewer, organization);
    const message = `only the repositories that the token was given are seen (${seen}); use an owner's token that is for all repositories, or a GitHub App that is installed on all of them`;
    for (const slice of Object.values(slices)) {
      expect(slice.outcome).toBe('partial');
      expect(slice.records).toHaveLength(Number.parseInt(seen, 10));
      expect(slice.problems).toContainEqual({ code: 'AccessDenied', message, severity: 'error' });
    }
  });

  it.each([
    [asApp({ contents: 'read' }), { 'GET /installation/repositories': 1, 'GET /orgs/{org}': 1 }],
    [asUser('bob'), { 'GET /orgs/{org}': 1 }],
  ])('is asked once a run', async (viewer, calls) => {
    const run = await asked(viewer);
    const routes = ['GET /installation/repositories', 'GET /orgs/{org}'];
    expect(
      Object.fromEntries(Object.entries(run.asked).filter(([at]) => routes.includes(at))),
    ).toEqual(calls);
  });

  it('is not known to an App that is refused an answer', async () => {
    const { slice } = await listOf(three(), {
      viewer: asApp({ contents: 'read' }),
      before: (standIn) =>
        standIn.fault({ kind: 'denied', match: { route: 'GET /installation/repositories' } }),
    });
    expect(problemsOf(slice)).toEqual(['error AccessDenied']);
    expect(slice?.records).toHaveLength(3);
  });

  it('makes the slices fail where nobody answers', async () => {
    const { slice } = await listOf(three(), {
      viewer: asApp({ contents: 'read' }),
      before: (standIn) =>
        standIn.fault({ kind: 'garbage', match: { route: 'GET /installation/repositories' } }),
    });
    expect(slice).toMatchObject({ outcome: 'failed', records: [] });
  });
});

describe('production branches', () => {
  const released = () => {
    const repo = repository({ name: 'api', defaultBranch: 'trunk' });
    for (const name of ['main', 'release/1', 'release/2', 'release/2/fix', 'prerelease/1', 'v1']) {
      cutBranch(repo, name, 'trunk', at);
    }
    return repo;
  };

  it.each([
    [['~DEFAULT_BRANCH'], ['trunk']],
    [['main'], ['main']],
    [['release/*'], ['release/1', 'release/2']],
    [['release/**'], ['release/1', 'release/2', 'release/2/fix']],
    [['*/1'], ['prerelease/1', 'release/1']],
    [
      ['v?', 'main', '~DEFAULT_BRANCH', 'trunk'],
      ['main', 'trunk', 'v1'],
    ],
    [['*'], ['main', 'trunk', 'v1']],
  ])('by %j are %j', async (production_refs, expected) => {
    const { branchesOf, slice } = await listOf([released()], { with: { production_refs } });
    expect(branchesOf('api')).toEqual(expected);
    expect(slice?.outcome).toBe('complete');
  });

  it('that are nowhere make the slice incomplete: nothing of what ships would be asked', async () => {
    const { slice } = await listOf([released()], {
      with: { production_refs: ['absent', 'absent/*'] },
    });
    expect(slice?.outcome).toBe('partial');
    expect(slice?.problems).toMatchObject([
      { code: 'LeftOut', message: expect.stringContaining('production_refs (absent, absent/*)') },
    ]);
    const unused = await listOf([repository({ name: 'new', empty: true })]);
    expect(unused.slice?.outcome).toBe('complete');
  });

  it('have the id of their ref and the commit that they point to', async () => {
    const repo = released();
    const { toldOf } = await listOf([repo]);
    const [branch] = toldOf('api').productionBranches;
    expect(branch?.id).toMatch(/^REF_/);
    expect(branch?.head).toBe(repo.branches.trunk);
  });

  it('are all there where more fit than come with the list', async () => {
    const repo = repository({ name: 'api' });
    const names = Array.from({ length: 45 }, (_, place) => `release/${100 + place}`);
    for (const name of names) cutBranch(repo, name, 'main', at);
    const { branchesOf, asked, slice } = await listOf([repo], {
      with: { production_refs: ['release/*'] },
    });
    expect(branchesOf('api')).toEqual(names);
    expect(asked['graphql:Branches']).toBe(1);
    expect(slice?.outcome).toBe('complete');
  });

  it('are none in some repositories, which is noted and makes nothing incomplete (trap 42)', async () => {
    const { slice, branchesOf } = await listOf(
      [released(), repository({ name: 'docs' }), repository({ name: 'new', empty: true })],
      { with: { production_refs: ['release/*'] } },
    );
    expect(branchesOf('docs')).toEqual([]);
    expect(slice?.outcome).toBe('complete');
    expect(slice?.problems).toEqual([
      {
        code: 'LeftOut',
        message: 'no branch matches production_refs (release/*) in acme/docs, acme/new',
        severity: 'note',
      },
    ]);
  });

  it('that may not be told make the slice incomplete', async () => {
    const viewer = asApp({ administration: 'read' });
    const { slice } = await listOf([released()], { viewer });
    expect(slice).toMatchObject({ outcome: 'failed', records: [] });
    expect(slice?.problems.map(({ message }) => message).join('\n')).toMatch(/contents:read/);
  });
});

describe('required checks', () => {
  const guarded = () =>
    repository({
      name: 'api',
      protections: [protection({ checks: { strict: true, contexts: [{ context: 'test' }] } })],
      rulesets: [ruleset({ name: 'checks', rules: [requiredChecksRule(['lint', 'test'])] })],
    });

  it('are those of classic protection and of rulesets', async () => {
    const { toldOf } = await listOf([guarded(), repository({ name: 'web' })]);
    expect(toldOf('api').checks).toEqual([['lint', 'test']]);
    expect(toldOf('web').checks).toEqual([[]]);
  });

  it('are known to an App that may read the protection, and to nobody else', async () => {
    const rights = { contents: 'read', administration: 'read' } as const;
    const app = await listOf([guarded()], { viewer: asApp(rights) });
    expect(app.toldOf('api')).toMatchObject({ canAdminister: false, checks: [['lint', 'test']] });
    for (const viewer of [asApp({ contents: 'read' }), asUser('bob')]) {
      const { toldOf } = await listOf([guarded()], { viewer });
      expect(toldOf('api').checks).toEqual([null]);
    }
  });
});

// --- what a stand-in by the schema cannot answer -------------------------------------------

const page = (nodes: unknown[], errors: object[] = []) => ({
  data: {
    organization: {
      repositories: {
        totalCount: nodes.length,
        pageInfo: { hasNextPage: false, endCursor: null },
        nodes,
      },
    },
  },
  errors,
});

/** A scope over a list of answers to the one query. */
function scopeOver(answer: (variables: Record<string, unknown>) => unknown): GitHubScope {
  const settings = { login: 'acme', node_id: 'O_1' };
  const context: GitHubContext = {
    get: async () => ({ status: 200, headers: {}, body: settings }),
    find: () => Promise.reject(new Error('not asked')),
    pages: () => {
      throw new Error('not asked');
    },
    query: async (_query: unknown, variables: Record<string, unknown>) =>
      answer(variables) as never,
    once: (_key, work) => work(context),
  };
  return {
    ...context,
    organization: 'acme',
    organizationId: 'O_1',
    canAdminister: true,
    isApp: false,
    config: configSchema.parse({ organization: 'acme', production_refs: ['main'] }),
  };
}

const node = {
  id: 'R_1',
  databaseId: 1,
  nameWithOwner: 'acme/api',
  name: 'api',
  visibility: 'PRIVATE',
  isArchived: false,
  isFork: false,
  isDisabled: false,
  isEmpty: true,
  isTemplate: false,
  createdAt: at,
  pushedAt: null,
  updatedAt: at,
  viewerCanAdminister: true,
  hasVulnerabilityAlertsEnabled: true,
  defaultBranchRef: null,
  rulesets: null,
  codeowners: null,
  ref0: null,
};
const refusal = {
  type: 'FORBIDDEN',
  path: ['organization', 'repositories', 'nodes', 0],
  message: 'no',
};

/** What is said of the list, by an answer. */
async function saidOf(answer: ReturnType<typeof page>) {
  const said: unknown[] = [];
  const scope = {
    ...scopeOver(() => answer),
    tieOut: ({ expected, found }: TieOut) => void said.push(`${found} of ${expected}`),
    note: (code: string, message: string) => void said.push(`${code} ${message}`),
    incomplete: (code: string, message: string) => void said.push(`${code} ${message}`),
  };
  const repositories = await repositoriesWithBranches(scope);
  return { said, repositories, held: await heldBranches(scope) };
}

describe('a repository that is but a place in the list', () => {
  it('makes the list incomplete', async () => {
    const { said, repositories } = await saidOf(page([null, node], [refusal]));
    expect(said).toEqual([
      'AccessDenied a repository could not be read: no',
      '1 of 2',
      'LeftOut no branch matches production_refs (main) in acme/api',
    ]);
    expect(repositories.map(({ name }) => name)).toEqual(['acme/api']);
  });

  it('is asked for without what could not be told, which may be all that was refused', async () => {
    const asked: unknown[] = [];
    const listing = await repositoryListing(
      scopeOver(({ keys }) => {
        asked.push(keys);
        return keys ? page([null], [refusal]) : page([node]);
      }),
    );
    expect(asked).toEqual([true, false]);
    expect(listing).toMatchObject({ unread: [], totalCount: 1 });
    expect(listing.inScope).toHaveLength(1);
  });
});

const branch = {
  id: 'REF_1',
  prefix: 'refs/heads/',
  name: 'main',
  target: { oid: 'a'.repeat(40) },
  branchProtectionRule: null,
  rules: { totalCount: 0, pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] },
};
const full = { ...node, isEmpty: false, defaultBranchRef: branch, ref0: branch };

describe('a branch', () => {
  it('is told with its head', async () => {
    const { said, repositories } = await saidOf(page([full]));
    expect(said).toEqual(['1 of 1']);
    expect(repositories[0]?.branches.map(({ name, head }) => [name, head])).toEqual([
      ['main', 'a'.repeat(40)],
    ]);
  });

  it.each([
    ['without a head', { ...full, ref0: { ...branch, target: null } }, []],
    [
      'that GitHub refuses',
      { ...full, ref0: null },
      [{ ...refusal, path: [...refusal.path, 'ref0'] }],
    ],
    ['of no default', { ...full, defaultBranchRef: null }, []],
  ])('%s makes the list incomplete', async (_, told, errors) => {
    const { said, repositories } = await saidOf(page([told], errors));
    expect(said).toEqual([
      '1 of 1',
      expect.stringMatching(/^AccessDenied acme\/api: its branches were not told .*contents:read$/),
      '0 of 1',
    ]);
    expect(repositories).toEqual([]);
  });

  it.each([
    ['refuses the rules', null, /rules of main were not told \(no\).*metadata:read/],
    [
      'hides the ruleset of one of its rules',
      {
        ...branch.rules,
        totalCount: 1,
        nodes: [{ type: 'DELETION', parameters: null, repositoryRuleset: null }],
      },
      /DELETION.*ruleset that the token may not see/,
    ],
  ])('of which GitHub %s has none that are known', async (_, rules, why) => {
    const errors = [{ ...refusal, path: [...refusal.path, 'ref0', 'rules'] }];
    const ref0 = { ...branch, rules };
    const { held } = await saidOf(page([{ ...full, ref0 }], rules === null ? errors : []));
    expect(held.get('REF_1')).toEqual({ untold: expect.stringMatching(why) });
  });
});

// --- features ------------------------------------------------------------------------------

async function features(repo: Partial<WorldRepository> & { name: string }, viewer?: Viewer) {
  const world = worldOf([repository(repo)], viewer);
  const { slices } = await askWorld(world, [collector], ['github.repositories']);
  return {
    slice: slices['github.repositories'],
    record: named(slices['github.repositories'])[`acme/${repo.name}`],
  };
}

describe('github.repositories', () => {
  it('tells an owner everything', async () => {
    const { slice, record } = await features({
      name: 'api',
      visibility: 'internal',
      vulnerabilityAlerts: false,
      security: {
        advanced_security: 'enabled',
        dependabot_security_updates: 'disabled',
        secret_scanning: 'enabled',
        secret_scanning_push_protection: 'disabled',
      },
    });
    expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
    expect(slice?.tie_outs).toContainEqual({ by: 'GET /orgs/{org}/repos', expected: 1, found: 1 });
    expect(record?.uid).toMatch(/^R_/);
    expect(record?.fields).toEqual({
      visibility: 'internal',
      default_branch: 'main',
      production_branches: ['main'],
      created: '2026-01-05T09:00:00Z',
      pushed: '2026-01-05T09:00:00Z',
      dependabot_alerts: false,
      dependabot_updates: false,
      code_scanning: true,
      secret_scanning: true,
      push_protection: false,
    });
    expect(record).not.toHaveProperty('untold');
  });

  it('holds an empty repository', async () => {
    const world = worldOf([repository({ name: 'new', empty: true })]);
    const { slices } = await askWorld(world, [collector], ['github.repositories']);
    expect(named(slices['github.repositories'])['acme/new']?.fields).toMatchObject({
      default_branch: null,
      production_branches: [],
      pushed: null,
    });
    expect(slices['github.repositories']?.outcome).toBe('complete');
  });

  it('leaves out for a member what GitHub does not tell, and does not call it off', async () => {
    const { record } = await features({ name: 'api' }, asUser('bob'));
    for (const field of [
      'dependabot_alerts',
      'dependabot_updates',
      'code_scanning',
      'secret_scanning',
      'push_protection',
    ]) {
      expect(record?.fields).not.toHaveProperty(field);
      expect(record?.untold?.[field]).toMatch(/administration:read/);
    }
    expect(record?.fields).toMatchObject({ visibility: 'private', production_branches: ['main'] });
  });

  it('takes alerts for off from an App only if it was told of settings and of alerts', async () => {
    const rights = { contents: 'read', administration: 'read' } as const;
    const on = { name: 'api', vulnerabilityAlerts: true };
    const off = { name: 'api', vulnerabilityAlerts: false };
    const both = asApp({ ...rights, vulnerability_alerts: 'read' });
    expect((await features(on, both)).record?.fields.dependabot_alerts).toBe(true);
    expect((await features(off, both)).record?.fields.dependabot_alerts).toBe(false);
    for (const viewer of [
      asApp(rights),
      asApp({ contents: 'read', vulnerability_alerts: 'read' }),
    ]) {
      const { record } = await features(off, viewer);
      expect(record?.fields).not.toHaveProperty('dependabot_alerts');
      expect(record?.untold?.dependabot_alerts).toMatch(/:read/);
    }
  });

  it('keeps a repository whose branches may not be told', async () => {
    const { slice, record } = await features({ name: 'api' }, asApp({ administration: 'read' }));
    expect(slice?.outcome).toBe('complete');
    expect(record?.fields).toMatchObject({ visibility: 'private' });
    expect(record?.fields).not.toHaveProperty('production_branches');
    expect(record?.untold).toMatchObject({
      default_branch: expect.stringMatching(/contents:read/),
      production_branches: expect.stringMatching(/contents:read/),
    });
  });

  it('is not complete where REST refuses its list', async () => {
    const world = worldOf(many(3));
    const { slices } = await askWorld(world, [collector], ['github.repositories'], {
      before: (standIn) => {
        standIn.fault({ kind: 'denied', match: { route: 'GET /orgs/{org}/repos' } });
      },
    });
    expect(slices['github.repositories']?.outcome).not.toBe('complete');
  });
});

describe('code scanning', () => {
  type Answers = Record<string, () => Promise<Answer>>;
  const scan = (answers: Answers) => {
    const ask = (route: string) => answers[route.split('/').at(-1) ?? '']?.();
    const github = { get: ask, find: ask } as unknown as GitHubScope;
    return codeScanning(github, { name: 'acme/api' }, []);
  };
  const setup = (state: string) => ({ 'default-setup': async () => ({ body: { state } }) });
  const denied = (message: string) => async () => {
    const sentence = `refused (${message}); give the token security_events:read`;
    throw new CallError('AccessDenied', sentence, message, 403);
  };

  it('is on with its default setup', async () => {
    expect(await scan(setup('configured'))).toEqual({ told: true });
  });

  it('is on with an analysis, by whatever made it', async () => {
    const analyses = async () => ({ body: [{ created_at: at }] });
    expect(await scan({ ...setup('not-configured'), analyses })).toEqual({ told: true });
  });

  it.each([
    ['GitHub finds no analysis', async () => ({})],
    ['there is none', async () => ({ body: [] })],
  ])('is off where %s', async (_, analyses) => {
    expect(await scan({ ...setup('not-configured'), analyses })).toEqual({ told: false });
  });

  it('is off where Advanced Security must be enabled first', async () => {
    const unavailable = denied(
      'Advanced Security must be enabled for this repository to use code scanning.',
    );
    expect(await scan({ 'default-setup': unavailable })).toEqual({ told: false });
  });

  it.each([
    ['the setup', { 'default-setup': denied('Not Found') }],
    ['the analyses', { ...setup('not-configured'), analyses: denied('Not Found') }],
  ])('is not known where %s may not be read', async (_, answers) => {
    expect(await scan(answers)).toEqual({ untold: expect.stringMatching(/security_events:read/) });
  });

  it('breaks nothing off that is no refusal', async () => {
    const broken = async () => {
      throw new CallError('ServiceError', 'broken', '500', 500);
    };
    await expect(scan({ 'default-setup': broken })).rejects.toMatchObject({ code: 'ServiceError' });
  });
});

// --- deploy keys ---------------------------------------------------------------------------

describe('github.deploy_keys', () => {
  const keys = async (
    repositories: WorldRepository[],
    options: Parameters<typeof askWorld>[3] & { viewer?: Viewer } = {},
  ) => {
    const world = worldOf(repositories, options.viewer);
    const told = await askWorld(world, [collector], ['github.deploy_keys'], options);
    return { ...told, slice: told.slices['github.deploy_keys'] };
  };
  const withKeys = (name: string, count: number) =>
    repository({
      name,
      deployKeys: Array.from({ length: count }, (_, place) =>
        deployKey({ title: `${name} key ${place}`, readOnly: place % 2 === 0, enabled: place > 0 }),
      ),
    });

  it('holds each key of each repository', async () => {
    const { slice } = await keys([withKeys('api', 2), withKeys('web', 0)]);
    expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
    expect(named(slice)).toMatchObject({
      'acme/api api key 0': { fields: { title: 'api key 0', read_only: true, enabled: false } },
      'acme/api api key 1': { fields: { read_only: false, enabled: true } },
    });
  });

  it('follows the pages of a long list', async () => {
    const { slice, asked } = await keys([withKeys('api', 130)]);
    expect(slice?.records).toHaveLength(130);
    expect(asked['graphql:DeployKeys']).toBe(2);
  });

  it('asks REST where the token does not administer, and reads the same there', async () => {
    const repositories = [withKeys('api', 2)];
    const owner = await keys(repositories);
    const viewer = asApp({ administration: 'read' });
    const app = await keys(repositories, { viewer });
    expect(app.slice?.outcome).toBe('complete');
    const fields = ({ slice }: typeof app) => slice?.records.map((record) => record.fields);
    expect(new Set(fields(app)?.map((one) => JSON.stringify(one)))).toEqual(
      new Set(fields(owner)?.map((one) => JSON.stringify(one))),
    );
  });

  it('takes no list that may not be seen for an empty one', async () => {
    const { slice } = await keys([withKeys('api', 2), withKeys('web', 1)], {
      viewer: asUser('bob'),
    });
    expect(slice).toMatchObject({ outcome: 'failed', records: [] });
    const said = slice?.problems.map(({ message }) => message).join('\n');
    expect(said).toMatch(/acme\/api, acme\/web.*administration:read/);
  });
});

// --- code owners ---------------------------------------------------------------------------

describe('github.codeowners', () => {
  const fault = { line: 3, column: 1, kind: 'Unknown owner', message: 'no such team', source: '*' };
  const owners = async (
    repo: Parameters<typeof repository>[0],
    options: object = {},
    viewer?: Viewer,
  ) => {
    const world = worldOf([repository(repo)], viewer);
    const { slices } = await askWorld(world, [collector], ['github.codeowners'], options);
    const slice = slices['github.codeowners'];
    return { slice, record: named(slice)[`acme/${repo.name}`] };
  };
  const guarded = protection({
    pullRequest: {
      approvals: 1,
      dismissStale: true,
      codeOwners: true,
      lastPushApproval: false,
      bypass: [],
      dismissal: null,
    },
  });

  it('tells faults in the order of their lines, and that the file is enforced', async () => {
    const codeowners = { path: 'CODEOWNERS', text: '*', errors: [fault, { ...fault, line: 1 }] };
    const { slice, record } = await owners({ name: 'api', codeowners, protections: [guarded] });
    expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
    expect(record?.fields).toEqual({
      repository: 'acme/api',
      branch: 'main',
      exists: true,
      errors: [1, 3].map((line) => ({
        path: 'CODEOWNERS',
        line,
        kind: 'Unknown owner',
        message: 'no such team',
      })),
      enforced: true,
    });
  });

  it('tells that there is no file, and that none is enforced', async () => {
    const { record } = await owners({ name: 'api' });
    expect(record?.fields).toMatchObject({ exists: false, errors: [], enforced: false });
  });

  it('is enforced only if it is on every production branch', async () => {
    const repo = repository({ name: 'api', protections: [guarded] });
    cutBranch(repo, 'release/1', 'main', at);
    const { record } = await owners(repo, { with: { production_refs: ['main', 'release/*'] } });
    expect(record?.fields.enforced).toBe(false);
  });

  it('says nothing of enforcing where there is no production branch, or rules are hidden', async () => {
    const none = await owners({ name: 'api' }, { with: { production_refs: ['release/*'] } });
    expect(none.record?.fields).not.toHaveProperty('enforced');
    expect(none.record?.untold?.enforced).toMatch(/production_refs/);
    const hidden = await owners({ name: 'api' }, {}, asUser('bob'));
    expect(hidden.record?.fields).not.toHaveProperty('enforced');
    expect(hidden.record?.untold?.enforced).toMatch(/administration:read/);
  });

  it('keeps a repository whose contents may not be read, and is not complete', async () => {
    const viewer = asApp({ administration: 'read' });
    const { slice, record } = await owners({ name: 'api' }, {}, viewer);
    expect(slice?.outcome).toBe('partial');
    expect(record?.fields).toEqual({ repository: 'acme/api' });
    expect(slice?.problems[0]).toMatchObject({ code: 'AccessDenied', resources: ['acme/api'] });
  });

  it('knows an empty repository to have none', async () => {
    const { slice, record } = await owners({ name: 'new', empty: true });
    expect(slice?.outcome).toBe('complete');
    expect(record?.fields).toMatchObject({ branch: null, exists: false, errors: [] });
  });
});

describe('patterns of repositories', () => {
  it('that fit none make the slice incomplete', async () => {
    const { slice } = await listOf([repository({ name: 'api' })], {
      with: { repositories: { include: ['web-*'] } },
    });
    expect(slice).toMatchObject({
      outcome: 'failed',
      problems: [{ code: 'LeftOut', message: expect.stringContaining('none of the 1') }],
    });
  });

  it('are of names without the owner', () => {
    const parsed = configSchema.safeParse({
      organization: 'acme',
      repositories: { include: ['acme/api'] },
    });
    expect(parsed.error?.issues[0]?.message).toMatch(/without its owner/);
  });
});
