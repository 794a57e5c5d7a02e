import { describe, expect, it } from 'vitest';
import { githubWorld, member, repository } from '../support/github-world.ts';
import { ask, get, post, withGitHub } from './github-asking.ts';

const members = '/orgs/acme/members';
const viewer = 'query Viewer { viewer { login } }';

/** A clock that a test moves. */
function clock() {
  let time = Date.parse('2026-11-20T02:00:00Z');
  return { now: () => new Date(time), pass: (seconds: number) => (time += seconds * 1000) };
}

describe('the rate limit', () => {
  const limit = { core: 2, graphql: 3, windowSeconds: 60 };

  it('is counted, told, used up, and given anew', async () => {
    const { now, pass } = clock();
    await withGitHub(
      githubWorld(),
      async (github) => {
        const first = await get(github, members);
        expect(first.headers.get('x-ratelimit-remaining')).toBe('1');
        expect(first.headers.get('x-ratelimit-used')).toBe('1');
        await get(github, members);
        const third = await get(github, members);
        expect(third.status).toBe(403);
        expect(third.body.message).toMatch(/^API rate limit exceeded for user ID \d+\.$/);
        expect(third.headers.get('x-ratelimit-remaining')).toBe('0');
        expect(third.headers.get('x-ratelimit-resource')).toBe('core');
        const reset = Number(third.headers.get('x-ratelimit-reset'));
        expect(reset - now().getTime() / 1000).toBe(60);
        expect(third.headers.get('date')).toBe('Fri, 20 Nov 2026 02:00:00 GMT');
        pass(60);
        expect((await get(github, members)).status).toBe(200);
      },
      { limit, now },
    );
  });

  it('is another one for GraphQL, in points, and refused with status 200', async () => {
    await withGitHub(
      githubWorld(),
      async (github) => {
        await get(github, members);
        const { data } = await ask(github, '{ rateLimit { cost limit remaining used nodeCount } }');
        expect(data.rateLimit).toEqual({ cost: 1, limit: 3, remaining: 2, used: 1, nodeCount: 0 });
        const dear = `{ organization(login: "acme") { repositories(first: 100) { nodes {
          pullRequests(first: 1) { nodes { number } } deployments(first: 1) { nodes { state } }
          environments(first: 1) { nodes { name } }
        } } } }`;
        const refused = await post(github, dear);
        expect(refused.status).toBe(200);
        expect(refused.body).toEqual({
          errors: [{ type: 'RATE_LIMITED', message: expect.any(String) }],
        });
        expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
        expect(github.requests.at(-1)).toMatchObject({ route: 'graphql:anonymous', cost: 0 });
        expect((await ask(github, viewer)).errors).toBeUndefined();
      },
      { limit },
    );
  });

  it('does not exist on an Enterprise Server, which answers below its own path', async () => {
    await withGitHub(
      githubWorld(),
      async (github) => {
        expect(github.endpoint).toMatch(/\/api\/v3$/);
        const { status, headers } = await get(github, `${members}?per_page=1`);
        expect([status, headers.get('x-ratelimit-limit')]).toEqual([200, null]);
        expect(headers.get('link')).toContain(`<${github.endpoint}/organizations/`);
        const next = /<([^>]+)>/.exec(headers.get('link') ?? '')?.[1] ?? '';
        expect((await get(github, next)).body).toMatchObject([{ login: 'bob' }]);
        const { data } = await ask(github, '{ rateLimit { cost } viewer { login } }');
        expect(data).toEqual({ rateLimit: null, viewer: { login: 'alice' } });
      },
      { basePath: '/api/v3' },
    );
  });
});

describe('a fault', () => {
  it('of the primary limit names its end', async () => {
    const { now } = clock();
    await withGitHub(
      githubWorld(),
      async (github) => {
        github.fault({ kind: 'rateLimit', seconds: 5, times: 2 });
        const refused = await get(github, members);
        expect([refused.status, refused.headers.get('x-ratelimit-remaining')]).toEqual([403, '0']);
        expect(Number(refused.headers.get('x-ratelimit-reset')) - now().getTime() / 1000).toBe(5);
        const graphql = await post(github, viewer);
        expect([graphql.status, graphql.body.errors[0].type]).toEqual([200, 'RATE_LIMITED']);
        expect((await get(github, members)).status).toBe(200);
      },
      { now },
    );
  });

  it.each([403, 429])('of the secondary limit is a %i with a time to wait', async (status) => {
    await withGitHub(githubWorld(), async (github) => {
      github.fault({ kind: 'secondaryLimit', status, seconds: 3 });
      const refused = await get(github, members);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([status, '3']);
      expect(refused.body.message).toMatch(/^You have exceeded a secondary rate limit/);
      expect(refused.headers.get('x-ratelimit-remaining')).not.toBe('0');
    });
  });

  it('strikes the nth request of a route, or each request once', async () => {
    await withGitHub(githubWorld(), async (github) => {
      const statuses = async (...paths: string[]) => {
        const found = [];
        for (const path of paths) found.push((await get(github, path)).status);
        return found;
      };
      github.fault({ kind: 'html', match: { route: 'GET /orgs/{org}/members' }, nth: 2 });
      expect(await statuses(members, '/orgs/acme', members, members)).toEqual([200, 200, 502, 200]);
      github.mend();
      github.fault({ kind: 'html', status: 504, timesEach: 1 });
      expect(await statuses(members, members, '/orgs/acme', members)).toEqual([504, 200, 504, 200]);
      expect(github.count({ fault: 'html' })).toBe(3);
      expect(github.count({ route: /members$/, status: 200 })).toBe(4);
      github.forget();
      expect(github.count()).toBe(0);
    });
  });

  it('of heavy queries lets lighter ones through', async () => {
    await withGitHub(githubWorld(), async (github) => {
      github.fault({ kind: 'tooHeavy', nodes: 10 });
      const query = (first: number) =>
        `{ organization(login: "acme") { repositories(first: ${first}) { totalCount } } }`;
      const heavy = await post(github, query(11));
      expect([heavy.status, heavy.body.data]).toEqual([502, null]);
      expect(heavy.body.errors[0].message).toMatch(
        /^Something went wrong while executing your query/,
      );
      expect((await post(github, query(10))).status).toBe(200);
      expect((await get(github, members)).status).toBe(200);
    });
  });

  it('cuts the answer, or spoils it, or says nothing', async () => {
    await withGitHub(githubWorld(), async (github) => {
      github.fault({ kind: 'cut', times: 1 });
      await expect(get(github, members)).rejects.toThrow();
      github.fault({ kind: 'garbage', times: 1 });
      await expect(get(github, members)).rejects.toThrow(SyntaxError);
      github.fault({ kind: 'hang', times: 1 });
      const signal = AbortSignal.timeout(200);
      await expect(fetch(github.endpoint + members, { signal })).rejects.toThrow();
      expect(github.requests.map(({ status }) => status)).toEqual([200, 200, undefined]);
    });
  });

  it('shows web pages', async () => {
    await withGitHub(githubWorld(), async (github) => {
      github.fault({ kind: 'signIn', times: 1 });
      const page = await get(github, members);
      expect([page.status, page.headers.get('content-type')]).toEqual([
        200,
        'text/html; charset=utf-8',
      ]);
      expect(page.body).toContain('Sign in to GitHub');
    });
  });

  it('forgets the token, or takes the right away', async () => {
    await withGitHub(githubWorld(), async (github) => {
      github.fault({ kind: 'revoked', times: 1 });
      expect(await get(github, members)).toMatchObject({
        status: 401,
        body: { message: 'Bad credentials' },
      });
      github.fault({ kind: 'denied', times: 2 });
      expect((await get(github, members)).status).toBe(403);
      expect((await ask(github, viewer)).errors).toMatchObject([{ type: 'FORBIDDEN' }]);
    });
  });

  it('forges the next page', async () => {
    await withGitHub(githubWorld(), async (github) => {
      const link = async () =>
        (await get(github, `${members}?per_page=1`)).headers.get('link') ?? '';
      github.fault({ kind: 'nextElsewhere', times: 1 });
      expect(await link()).toContain(
        '<https://elsewhere.example.com/orgs/acme/members?page=2>; rel="next"',
      );
      github.fault({ kind: 'nextRepeats', times: 1 });
      const repeated = await link();
      expect(repeated).toContain(`<${github.endpoint}${members}?per_page=1>; rel="next"`);
      expect(repeated.match(/rel="next"/g)).toHaveLength(1);
    });
  });

  it('refuses one of several nodes', async () => {
    const repo = repository({ name: 'api' });
    await withGitHub(githubWorld({ repositories: [repo] }), async (github) => {
      const { data } = await ask(github, '{ repository(owner: "acme", name: "api") { id } }');
      const { id } = data.repository;
      github.fault({ kind: 'forbiddenNode', index: 1 });
      const query = 'query Some($ids: [ID!]!) { nodes(ids: $ids) { id } }';
      const answer = await ask(github, query, { ids: [id, id, id] });
      expect(answer.data.nodes).toEqual([{ id }, null, { id }]);
      expect(answer.errors).toMatchObject([{ type: 'FORBIDDEN', path: ['nodes', 1] }]);
    });
  });

  it('gives null and no error', async () => {
    await withGitHub(githubWorld(), async (github) => {
      github.fault({ kind: 'nullData', match: { route: 'graphql:Viewer' } });
      expect(await ask(github, viewer)).toEqual({ data: null });
      github.fault({ kind: 'denied', match: { variables: '"x":1' } });
      expect((await ask(github, 'query Other { viewer { login } }', { x: 2 })).data).not.toBeNull();
    });
  });
});

describe('requests', () => {
  it('are written down with their route, and the world may change between them', async () => {
    const world = githubWorld();
    await withGitHub(world, async (github) => {
      expect((await get(github, members)).body).toHaveLength(3);
      world.organization.members.push(member('dave'));
      expect((await get(github, `${members}?page=1`)).body).toHaveLength(4);
      await ask(github, viewer, { unused: true });
      expect(github.requests).toMatchObject([
        { method: 'GET', path: members, route: 'GET /orgs/{org}/members', cost: 1, status: 200 },
        { method: 'GET', path: `${members}?page=1`, route: 'GET /orgs/{org}/members' },
        { method: 'POST', path: '/graphql', route: 'graphql:Viewer', variables: '{"unused":true}' },
      ]);
      expect(github.world).toBe(world);
    });
  });

  it('each have an id of their own', async () => {
    await withGitHub(githubWorld(), async (github) => {
      const id = async () => (await get(github, members)).headers.get('x-github-request-id');
      expect(await id()).not.toBe(await id());
    });
  });

  it('name the scopes of a classic token', async () => {
    await withGitHub(githubWorld(), async (github) => {
      const { headers } = await get(github, members);
      expect(headers.get('x-oauth-scopes')).toBe(
        'admin:org, read:audit_log, repo, security_events',
      );
    });
  });
});
