import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import alerts from '../../../collectors/github/alerts/index.ts';
import source from '../../../collectors/github/index.ts';
import type { GitHubScope } from '../../../collectors/github/scope.ts';
import { collectSlice, tracerFor } from '../../../src/collect/slice.ts';
import { simulatedClock } from '../../../src/evidence/clock.ts';
import type { Slice } from '../../../src/evidence/slice.ts';
import {
  CallError,
  type GitHubContext,
  type Interval,
  type Json,
  type Scope,
} from '../../../src/plugin.ts';
import { CallDesk } from '../../../src/providers/calls.ts';
import { createGitHubProvider } from '../../../src/providers/github.ts';
import { liveWire } from '../../../src/providers/wire.ts';
import { startGitHub } from '../../support/github-stand-in.ts';
import {
  asApp,
  asUser,
  codeScanningAlert,
  dependabotAlert,
  type GitHubWorld,
  githubWorld,
  repository,
  secretScanningAlert,
  type WorldRepository,
} from '../../support/github-world.ts';

const now = new Date('2026-11-21T04:00:00Z');
const { signal } = new AbortController();

const github = await startGitHub(githubWorld(), {});
afterAll(() => github.close());

/** Becomes the world that is asked. */
let world: GitHubWorld;
let api: WorldRepository;
beforeEach(() => {
  api = repository({ name: 'api' });
  world = github.world;
  world.repositories = [api];
  world.viewer = asUser('alice');
  github.mend();
  github.forget();
});

type Pages = GitHubContext['pages'];

/** A GitHub whose lists are others, alone and shared. */
function withPages<Context extends GitHubContext>(
  github: Context,
  change: (pages: Pages) => Pages,
) {
  const { once } = github;
  return {
    ...github,
    pages: change(github.pages),
    once: <T>(key: string, work: (shared: GitHubContext) => Promise<T>): Promise<T> =>
      once(key, (shared) => work(withPages(shared, change))),
  };
}

/** Lists in which each alert is another. */
const changed =
  (change: (alert: object) => object) =>
  (pages: Pages): Pages =>
    async function* (...asked) {
      for await (const page of pages(...asked)) {
        const items = page.items.map((item) => change(Object(item)) as Json);
        // The same answer, since a record is tied to its call by it.
        yield Object.assign(page, { items });
      }
    };

/** Lists of which one is refused with GitHub's words. */
const refusing =
  (refused: string, status: number, said: string) =>
  (pages: Pages): Pages =>
    async function* (route, ...asked) {
      if (route === refused) {
        throw new CallError('AccessDenied', `${route} was refused; give the token x`, said, status);
      }
      yield* pages(route, ...asked);
    };

/** One run's way to ask: its slices share what they may share. */
async function night(
  with_: object = {},
  change: (pages: Pages) => Pages = (pages) => pages,
  standIn = github,
) {
  const clock = simulatedClock(now);
  const desk = new CallDesk(liveWire, clock, { signal, deadlineSeconds: 30 });
  const env = { GITHUB_API_URL: standIn.endpoint, GITHUB_TOKEN: world.viewer.token };
  const config = source.config.parse({ organization: 'acme', ...with_ });
  const tracer = tracerFor(source.calls, 'test', signal);
  const { scopes } = await source.connect(createGitHubProvider(desk, env, '.'), config, tracer);
  const told = scopes.find(({ level }) => level === 'organization');
  if (told === undefined || 'problem' in told) throw new Error('there is no organisation');
  const scope: Scope<GitHubScope> = {
    ...told,
    attach: (own) => withPages(told.attach(own), change),
  };
  return async (name: string, ask?: Interval): Promise<Slice> => {
    const dataset = alerts.datasets.find((one) => one.name === name);
    if (dataset === undefined) throw new Error(`there is no ${name}`);
    const slices = await collectSlice({
      source: 'code',
      // The registry pairs datasets and scopes by the source's id.
      dataset: dataset as never,
      scope: scope as never,
      clock,
      signal,
      deadlineSeconds: 30,
      ...(ask && {
        events: { own: ask, ask, coveredSince: ask.start, held: new Map(), kept: undefined },
      }),
      onRecord: () => {},
      onWaiting: () => {},
    });
    const [slice] = slices;
    if (slice === undefined || slices.length > 1) throw new Error('expected one slice');
    return slice;
  };
}

async function collect(name: string, ask?: Interval, with_?: object): Promise<Slice> {
  return (await night(with_))(name, ask);
}

const names = ({ records }: Slice) => records.map(({ name }) => name).sort();
const week: Interval = { start: new Date('2026-11-14T00:00:00Z'), end: now };

describe('open alerts', () => {
  it('of Dependabot say what is vulnerable, how badly, and whether there is a fix', async () => {
    api.dependabotAlerts.push(
      dependabotAlert({
        number: 12,
        severity: 'critical',
        createdAt: '2026-11-01T00:00:00Z',
        patched: null,
      }),
    );
    const slice = await collect('github.dependabot_alerts');
    expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
    const [record] = slice.records;
    expect(record).toMatchObject({
      name: 'acme/api#dependabot-12',
      fields: {
        repository: 'acme/api',
        number: 12,
        severity: 'critical',
        summary: 'Command injection in lodash',
        opened_at: '2026-11-01T00:00:00Z',
        dependency: 'npm lodash',
        advisory: 'GHSA-35jh-r3h4-6jhm',
        fix_available: false,
      },
      original: { number: 12, state: 'open' },
    });
    expect(record?.uid).toMatch(/^R_\w+#dependabot-12$/);
    expect(record?.calls.join()).toContain('GET /orgs/{org}/dependabot/alerts');
  });

  it('of code scanning have no severity where the finding is about quality', async () => {
    api.codeScanningAlerts.push(
      codeScanningAlert({ number: 3 }),
      codeScanningAlert({ number: 4, severity: null }),
    );
    const { records } = await collect('github.code_scanning_alerts');
    expect(records.map(({ fields }) => fields)).toMatchObject([
      {
        number: 3,
        severity: 'high',
        rule: 'js/sql-injection',
        tool: 'CodeQL',
        summary: 'Database query built from user-controlled sources',
      },
      { number: 4, severity: null },
    ]);
  });

  it('are open ones only', async () => {
    const closed = { at: '2026-11-02T00:00:00Z', by: 'bob', reason: 'tolerable_risk' };
    api.dependabotAlerts.push(
      dependabotAlert({ number: 1 }),
      dependabotAlert({ number: 2, state: 'dismissed', closed }),
    );
    expect(names(await collect('github.dependabot_alerts'))).toEqual(['acme/api#dependabot-1']);
  });

  it('are the same however small the pages are', async () => {
    for (let number = 1; number <= 7; number += 1) {
      api.dependabotAlerts.push(dependabotAlert({ number }));
      api.codeScanningAlerts.push(codeScanningAlert({ number }));
      api.secretScanningAlerts.push(secretScanningAlert({ number }));
    }
    const small = await startGitHub(world, { mostPerPage: 2 });
    try {
      const ask = await night({}, undefined, small);
      for (const kind of ['dependabot', 'code_scanning', 'secret_scanning']) {
        const slice = await ask(`github.${kind}_alerts`);
        expect(slice).toMatchObject({ outcome: 'complete' });
        const numbers = slice.records.map(({ fields }) => fields.number);
        expect(numbers.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
      }
    } finally {
      await small.close();
    }
  });

  it('of repositories that are out of scope are left out, and counted', async () => {
    const docs = repository({ name: 'docs' });
    const legacy = repository({ name: 'legacy', archived: true });
    world.repositories.push(docs, legacy);
    for (const repo of world.repositories) repo.dependabotAlerts.push(dependabotAlert());
    legacy.dependabotAlerts.push(dependabotAlert({ number: 2 }));
    const slice = await collect('github.dependabot_alerts', undefined, {
      repositories: { exclude: ['doc*'] },
    });
    expect(names(slice)).toEqual(['acme/api#dependabot-1']);
    expect(slice.outcome).toBe('complete');
    expect(slice.problems).toContainEqual({
      code: 'LeftOut',
      severity: 'note',
      message:
        'alerts of repositories that are out of scope are left out: acme/docs 1, acme/legacy 2',
    });
  });

  it('of a repository that the list of repositories does not have make the slice incomplete', async () => {
    api.dependabotAlerts.push(dependabotAlert());
    const other = { node_id: 'R_other', full_name: 'acme/other' };
    const ask = await night(
      {},
      changed((alert) => ({ ...alert, repository: other })),
    );
    expect(await ask('github.dependabot_alerts')).toMatchObject({
      outcome: 'failed',
      problems: expect.arrayContaining([expect.objectContaining({ code: 'TieOutMismatch' })]),
    });
  });

  it('are tied to their repository where REST writes its node id in the old form', async () => {
    api.dependabotAlerts.push(dependabotAlert());
    const repositoryOf = { node_id: 'MDEwOlJlcG9zaXRvcnkx', full_name: 'acme/api' };
    const ask = await night(
      {},
      changed((alert) => ({ ...alert, repository: repositoryOf })),
    );
    const slice = await ask('github.dependabot_alerts');
    expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
    expect(slice.records[0]?.uid).toMatch(/^R_\w+#dependabot-1$/);
  });

  it('that are not of GitHub’s form make the slice incomplete', async () => {
    api.dependabotAlerts.push(dependabotAlert());
    const ask = await night(
      {},
      changed((alert) => ({ ...alert, created_at: 'yesterday' })),
    );
    expect(await ask('github.dependabot_alerts')).toMatchObject({
      outcome: 'failed',
      problems: [{ code: 'UnreadableResponse', message: expect.stringContaining('created_at') }],
    });
  });
});

describe('secrets', () => {
  it('are asked to be hidden, and kept nowhere', async () => {
    api.secretScanningAlerts.push(
      secretScanningAlert({
        number: 5,
        pushProtectionBypassed: { by: 'bob', at: '2026-11-01T00:00:00Z' },
      }),
    );
    const slice = await collect('github.secret_scanning_alerts');
    expect(slice.records).toMatchObject([
      {
        name: 'acme/api#secret-scanning-5',
        fields: { severity: null, push_protection_bypassed: true },
      },
    ]);
    expect(JSON.stringify(slice)).not.toContain('must-never-be-kept');
    const asked = github.requests.filter(({ path }) => path.includes('/secret-scanning/'));
    expect(asked.length).toBeGreaterThan(0);
    for (const { path } of asked) expect(path).toContain('hide_secret=true');
  });

  it('are dropped where an older server gives them all the same', async () => {
    api.secretScanningAlerts.push(secretScanningAlert());
    let given = '';
    const older = (pages: Pages): Pages =>
      async function* (route, values, { hide_secret: _hidden, ...query } = {}, list) {
        for await (const page of pages(route, values, query, list)) {
          given += JSON.stringify(page.items);
          yield page;
        }
      };
    const ask = await night({}, older);
    const slice = await ask('github.secret_scanning_alerts');
    expect(given).toContain('must-never-be-kept');
    expect(slice.records).toHaveLength(1);
    expect(JSON.stringify(slice)).not.toContain('must-never-be-kept');
  });

  it('that GitHub lists only by name are asked for by name', async () => {
    const generic = new Set<string>();
    api.secretScanningAlerts.push(
      secretScanningAlert({ number: 1, type: 'password' }),
      secretScanningAlert({ number: 2, type: 'stripe_api_key' }),
      secretScanningAlert({ number: 3, type: 'rsa_private_key' }),
    );
    // As GitHub does it: without `secret_type` no generic one is listed.
    const asGitHub = (pages: Pages): Pages =>
      async function* (route, values, query = {}, list) {
        const wanted = query.secret_type?.split(',') ?? ['stripe_api_key'];
        for (const type of query.secret_type?.split(',') ?? []) generic.add(type);
        for await (const page of pages(route, values, query, list)) {
          const items = page.items.filter((item) => wanted.includes(Object(item).secret_type));
          yield Object.assign(page, { items });
        }
      };
    const ask = await night({}, asGitHub);
    expect(names(await ask('github.secret_scanning_alerts'))).toEqual([
      'acme/api#secret-scanning-1',
      'acme/api#secret-scanning-2',
      'acme/api#secret-scanning-3',
    ]);
    expect(generic).not.toContain('stripe_api_key');
  });
});

const codeScanningRoute = 'GET /orgs/{org}/code-scanning/alerts';

describe('rights and features', () => {
  const datasets = {
    'github.dependabot_alerts': 'vulnerability_alerts:read',
    'github.code_scanning_alerts': 'security_events:read',
    'github.secret_scanning_alerts': 'secret_scanning_alerts:read',
  };

  it.each(Object.entries(datasets))(
    '%s of a member who owns nothing is refused, and names what to add',
    async (name, permission) => {
      world.viewer = asUser('bob');
      expect(await collect(name)).toMatchObject({
        outcome: 'failed',
        problems: expect.arrayContaining([
          expect.objectContaining({
            code: 'AccessDenied',
            message: expect.stringContaining(permission),
          }),
        ]),
      });
    },
  );

  it('closed alerts of the other kinds are kept where an App lacks one permission', async () => {
    const closed = { at: '2026-11-20T00:00:00Z', by: 'bob', reason: 'revoked' };
    api.secretScanningAlerts.push(secretScanningAlert({ state: 'resolved', closed }));
    world.viewer = asApp({
      metadata: 'read',
      contents: 'read',
      administration: 'read',
      vulnerability_alerts: 'read',
      secret_scanning_alerts: 'read',
    });
    const slice = await collect('github.closed_alerts', week);
    expect(slice.outcome).toBe('partial');
    expect(names(slice)).toEqual(['acme/api#secret-scanning-1']);
    expect(slice.problems.filter(({ severity }) => severity === 'error')).toMatchObject([
      { code: 'AccessDenied', message: expect.stringContaining('security_events:read') },
    ]);
  });

  it('each reason is named where several kinds are refused', async () => {
    world.viewer = asUser('bob');
    const { problems } = await collect('github.closed_alerts', week);
    const said = problems.map(({ message }) => message).join('\n');
    for (const permission of Object.values(datasets)) expect(said).toContain(permission);
  });

  it('a fault of the program’s own is no refusal, even among some', async () => {
    world.viewer = asUser('bob');
    const broken = (pages: Pages): Pages =>
      async function* (route, ...asked) {
        if (route === codeScanningRoute) throw new TypeError('x is not a function');
        yield* pages(route, ...asked);
      };
    const ask = await night({}, broken);
    const { problems } = await ask('github.closed_alerts', week);
    expect(problems.map(({ code }) => code)).toContain('CollectorFailed');
  });

  it.each([
    [403, 'Advanced Security must be enabled for this organization to use code scanning.'],
    [403, 'Code scanning is not enabled for this organization.'],
    [404, 'no analysis found'],
  ])('a feature that is not there (%i, "%s") is not "no alerts"', async (status, message) => {
    const ask = await night({}, refusing(codeScanningRoute, status, message));
    const slice = await ask('github.code_scanning_alerts');
    expect(slice).toMatchObject({ outcome: 'failed', problems: [{ code: 'ServiceError' }] });
    expect(slice.problems[0]?.message).toContain(message);
    expect(slice.problems[0]?.message).not.toContain('security_events:read');
  });

  it('closed alerts go on without a kind that is not there, and say so', async () => {
    const message = 'Advanced Security must be enabled for this organization to use code scanning.';
    const ask = await night({}, refusing(codeScanningRoute, 403, message));
    api.dependabotAlerts.push(
      dependabotAlert({
        state: 'fixed',
        closed: { at: '2026-11-20T00:00:00Z', by: null, reason: null },
      }),
    );
    const slice = await ask('github.closed_alerts', week);
    expect(slice.outcome).toBe('complete');
    expect(names(slice)).toEqual(['acme/api#dependabot-1']);
    expect(slice.problems).toMatchObject([
      { code: 'LeftOut', severity: 'note', message: expect.stringContaining(message) },
    ]);
  });
});

describe('closed alerts', () => {
  it('say how, when, why and by whom', async () => {
    const at = '2026-11-20T10:00:00Z';
    const opened = { createdAt: '2026-11-10T00:00:00Z' };
    api.dependabotAlerts.push(
      dependabotAlert({
        ...opened,
        number: 1,
        state: 'fixed',
        closed: { at, by: null, reason: null },
      }),
      dependabotAlert({
        ...opened,
        number: 2,
        state: 'dismissed',
        closed: { at, by: 'bob', reason: 'tolerable_risk' },
      }),
      dependabotAlert({
        ...opened,
        number: 3,
        state: 'auto_dismissed',
        closed: { at, by: null, reason: null },
      }),
    );
    api.codeScanningAlerts.push(
      codeScanningAlert({ state: 'dismissed', closed: { at, by: 'bob', reason: "won't fix" } }),
      codeScanningAlert({ number: 2, state: 'fixed', closed: { at, by: null, reason: null } }),
    );
    api.secretScanningAlerts.push(
      secretScanningAlert({ state: 'resolved', closed: { at, by: 'carol', reason: 'revoked' } }),
    );
    const slice = await collect('github.closed_alerts', week);
    expect(slice).toMatchObject({ outcome: 'complete', problems: [] });
    const told = Object.fromEntries(
      slice.records.map(({ name, fields }) => [
        name,
        [fields.kind, fields.how, fields.reason, fields.closed_by, fields.closed_at],
      ]),
    );
    expect(told).toEqual({
      'acme/api#dependabot-1': ['dependabot', 'fixed', null, null, at],
      'acme/api#dependabot-2': ['dependabot', 'dismissed', 'tolerable_risk', 'bob', at],
      'acme/api#dependabot-3': ['dependabot', 'auto_dismissed', null, null, at],
      'acme/api#code-scanning-1': ['code_scanning', 'dismissed', "won't fix", 'bob', at],
      'acme/api#code-scanning-2': ['code_scanning', 'fixed', null, null, at],
      'acme/api#secret-scanning-1': ['secret_scanning', 'resolved', 'revoked', 'carol', at],
    });
    expect(slice.records[0]?.fields).toMatchObject({ repository: 'acme/api', severity: 'high' });
  });

  it('are those of the half-open interval, whenever they changed last', async () => {
    const times = {
      1: '2026-11-13T23:59:59Z',
      2: '2026-11-14T00:00:00Z',
      3: '2026-11-21T03:59:59Z',
      4: '2026-11-21T04:00:00Z',
    };
    for (const [number, at] of Object.entries(times)) {
      const alert = dependabotAlert({
        number: Number(number),
        state: 'fixed',
        closed: { at, by: null, reason: null },
      });
      alert.updatedAt = '2026-11-21T04:00:00Z';
      api.dependabotAlerts.push(alert);
    }
    expect(names(await collect('github.closed_alerts', week))).toEqual([
      'acme/api#dependabot-2',
      'acme/api#dependabot-3',
    ]);
  });

  it('are found whichever was opened first', async () => {
    const long = {
      number: 1,
      createdAt: '2026-10-02T00:00:00Z',
      closed: { at: '2026-10-03T00:00:00Z', by: 'bob', reason: null },
    };
    const late = {
      number: 2,
      createdAt: '2026-10-01T00:00:00Z',
      closed: { at: '2026-11-20T00:00:00Z', by: 'bob', reason: null },
    };
    for (const parts of [long, late]) {
      api.dependabotAlerts.push(dependabotAlert({ ...parts, state: 'fixed' }));
      api.codeScanningAlerts.push(codeScanningAlert({ ...parts, state: 'fixed' }));
      api.secretScanningAlerts.push(secretScanningAlert({ ...parts, state: 'resolved' }));
    }
    expect(names(await collect('github.closed_alerts', week))).toEqual([
      'acme/api#code-scanning-2',
      'acme/api#dependabot-2',
      'acme/api#secret-scanning-2',
    ]);
  });

  it('cost nothing for what was closed long ago', async () => {
    for (let number = 1; number <= 500; number += 1) {
      const at = new Date(Date.UTC(2026, 0, 1) + number * 3_600_000).toISOString();
      api.dependabotAlerts.push(
        dependabotAlert({
          number,
          createdAt: '2026-01-01T00:00:00Z',
          state: 'fixed',
          closed: { at: at.replace('.000', ''), by: null, reason: null },
        }),
      );
    }
    const slice = await collect('github.closed_alerts', week);
    expect(slice).toMatchObject({ outcome: 'complete', records: [] });
    expect(github.requests.filter(({ path }) => path.includes('/dependabot/'))).toHaveLength(1);
  });

  it('whose time GitHub does not give make the slice incomplete', async () => {
    const closed = { at: '2026-11-20T00:00:00Z', by: null, reason: null };
    api.dependabotAlerts.push(dependabotAlert({ number: 9, state: 'fixed', closed }));
    const ask = await night(
      {},
      changed((alert) => ({ ...alert, fixed_at: null })),
    );
    expect(await ask('github.closed_alerts', week)).toMatchObject({
      outcome: 'failed',
      problems: [{ code: 'UnreadableResponse', message: expect.stringContaining('number 9') }],
    });
  });

  it('are read once for all pieces of a run, and anew for a piece that ends later', async () => {
    const ask = await night();
    const at = (time: string) => new Date(time);
    const lists = () => github.requests.filter(({ path }) => path.includes('/alerts')).length;
    await ask('github.closed_alerts', {
      start: at('2026-11-07T00:00:00Z'),
      end: at('2026-11-14T00:00:00Z'),
    });
    const first = lists();
    await ask('github.closed_alerts', week);
    expect(lists()).toBe(first);
    await ask('github.closed_alerts', { start: week.start, end: at('2026-11-21T04:00:01Z') });
    expect(lists()).toBe(2 * first);
    await ask('github.closed_alerts', { start: at('2026-11-01T00:00:00Z'), end: week.end });
    expect(lists()).toBe(3 * first);
  });

  it('stand in exactly one piece each, wherever a run is cut', async () => {
    const start = Date.UTC(2026, 9, 1);
    const hour = 3_600_000;
    const hours = fc.integer({ min: 0, max: 7 * 24 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(hours, fc.nat({ max: 200 }), fc.constantFrom(0, 1, 2)), {
          maxLength: 12,
        }),
        fc.uniqueArray(fc.integer({ min: 25, max: 7 * 24 - 1 }), { maxLength: 4 }),
        async (closings, cuts) => {
          api.dependabotAlerts = [];
          api.codeScanningAlerts = [];
          api.secretScanningAlerts = [];
          const time = (after: number) =>
            new Date(start + after * hour).toISOString().replace('.000', '');
          const expected = closings
            .map(([after, changedAfter, kind], index) => {
              const number = index + 1;
              const parts = {
                number,
                createdAt: '2026-09-01T00:00:00Z',
                closed: { at: time(after), by: null, reason: null },
                updatedAt: time(after + changedAfter),
              };
              if (kind === 0) {
                api.dependabotAlerts.push(dependabotAlert({ ...parts, state: 'fixed' }));
                return [after, `acme/api#dependabot-${number}`] as const;
              }
              if (kind === 1) {
                api.codeScanningAlerts.push(codeScanningAlert({ ...parts, state: 'fixed' }));
                return [after, `acme/api#code-scanning-${number}`] as const;
              }
              api.secretScanningAlerts.push(secretScanningAlert({ ...parts, state: 'resolved' }));
              return [after, `acme/api#secret-scanning-${number}`] as const;
            })
            .filter(([after]) => after >= 24 && after < 7 * 24)
            .map(([, name]) => name)
            .sort();
          const edges = [24, ...cuts.sort((a, b) => a - b), 7 * 24].map((h) => start + h * hour);
          const ask = await night();
          const found: string[] = [];
          for (const [index, edge] of edges.entries()) {
            const end = edges[index + 1];
            if (end === undefined) break;
            const piece = { start: new Date(edge), end: new Date(end) };
            const slice = await ask('github.closed_alerts', piece);
            expect(slice.outcome).toBe('complete');
            found.push(...names(slice));
          }
          expect(found.sort()).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });
});
