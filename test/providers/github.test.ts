import { generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { Trace, tracerFor } from '../../src/collect/slice.ts';
import { systemClock } from '../../src/evidence/clock.ts';
import { type GitHubContext, type GitHubCredentialsChoice, z } from '../../src/plugin.ts';
import { CallDesk } from '../../src/providers/calls.ts';
import { createGitHubProvider } from '../../src/providers/github.ts';
import type { KnownAnswers } from '../../src/providers/known-answers.ts';
import { liveWire, recordingWire, replayWire, type Wire } from '../../src/providers/wire.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}
type Handler = (seen: Seen, response: ServerResponse, count: number) => void;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await removeTemporary();
});

const calls = {
  'GET /orgs/{org}': 'organization_administration:read',
  'GET /orgs/{org}/members': 'members:read',
  'GET /orgs/{org}/installations': 'organization_administration:read',
  'GET /repos/{owner}/{repo}/branches/{branch}/protection': 'administration:read',
  'graphql:Viewer': 'metadata:read',
};
const viewer = {
  name: 'Viewer',
  text: 'query Viewer($n: Int) { viewer { login } }',
  answer: z.object({ viewer: z.object({ login: z.string() }).nullable() }),
};

/** A server on loopback that answers by `handler`, and a client for it. */
async function serve(
  handler: Handler,
  {
    prefix = '',
    env = { GITHUB_TOKEN: 'a-token' },
    choice = {},
    known,
    wire = liveWire,
  }: {
    prefix?: string;
    env?: Record<string, string>;
    choice?: GitHubCredentialsChoice;
    known?: KnownAnswers;
    wire?: Wire;
  } = {},
) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    const one = { method, path, headers, body: await text(request) };
    seen.push(one);
    response.setHeader('x-github-request-id', `R${seen.length}`);
    handler(one, response, seen.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { signal } = new AbortController();
  const desk = new CallDesk(wire, systemClock, {
    signal,
    deadlineSeconds: 10,
    ...(known === undefined ? {} : { known }),
  });
  const trace = new Trace();
  const waits: string[] = [];
  const provider = createGitHubProvider(
    desk,
    { GITHUB_API_URL: `${origin}${prefix}`, ...env },
    '.',
  );
  const github: GitHubContext = provider.open(choice)(
    tracerFor(calls, 'test', signal, trace, (_milliseconds, why) => void waits.push(why)),
  );
  return { github, origin, seen, trace, waits };
}

const answer = (
  response: ServerResponse,
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
};
const resetIn = (seconds: number) => String(Math.floor(Date.now() / 1_000) + seconds);

describe('the GitHub provider, over REST', () => {
  it('asks with the token, and leaves the request id in the trace', async () => {
    const { github, seen, trace } = await serve((_seen, response) => answer(response, { id: 1 }));
    expect(await github.get('GET /orgs/{org}', { org: 'acme' })).toMatchObject({ body: { id: 1 } });
    expect(seen[0]).toMatchObject({
      path: '/orgs/acme',
      headers: { authorization: 'Bearer a-token', accept: 'application/vnd.github+json' },
    });
    expect(trace.calls()).toMatchObject([{ request_id: 'R1', status: 200, attempts: 1 }]);
  });

  it('reads a page at a time below an Enterprise Server’s base path', async () => {
    const { github, seen } = await serve(
      ({ path }, response) =>
        path.includes('page=2')
          ? answer(response, [3])
          : answer(response, [1, 2], 200, {
              link: `<http://${'127.0.0.1'}:${response.req.socket.localPort}/api/v3/orgs/acme/members?page=2>; rel="next"`,
            }),
      { prefix: '/api/v3' },
    );
    const items = [];
    for await (const page of github.pages('GET /orgs/{org}/members', { org: 'acme' })) {
      items.push(...page.items);
    }
    expect(items).toEqual([1, 2, 3]);
    expect(seen[0]?.path).toBe('/api/v3/orgs/acme/members?per_page=100');
  });

  it('answers from a recording of another address, page by page', async () => {
    const folder = await temporaryFolder();
    const wire = await recordingWire(folder);
    const asked = async (prefix: string, over: Wire) => {
      const { github, seen } = await serve(
        ({ path }, response) =>
          path.includes('page=2')
            ? answer(response, [3])
            : answer(response, [1, 2], 200, {
                link: `<http://127.0.0.1:${response.req.socket.localPort}${prefix}/organizations/1/members?page=2>; rel="next"`,
              }),
        { prefix, wire: over },
      );
      const items = [];
      for await (const page of github.pages('GET /orgs/{org}/members', { org: 'acme' })) {
        items.push(...page.items);
      }
      return { items, requests: seen.length };
    };
    expect(await asked('/api/v3', wire)).toEqual({ items: [1, 2, 3], requests: 2 });
    const elsewhere = await asked('', await replayWire(folder));
    expect(elsewhere).toEqual({ items: [1, 2, 3], requests: 0 });
  });

  it.each([
    ['an object', { message: 'sign in' }, undefined],
    ['a list under another name', { apps: [] }, 'installations'],
    ['a list where a named one was asked for', [], 'installations'],
  ])('takes %s for no page of a list', async (_what, body, list) => {
    const { github } = await serve((_seen, response) => answer(response, body));
    const read = async () => {
      for await (const _page of github.pages(
        'GET /orgs/{org}/installations',
        { org: 'acme' },
        {},
        list,
      ));
    };
    await expect(read()).rejects.toMatchObject({ code: 'UnreadableResponse' });
  });

  it.each([
    [401, 'Bad credentials', 'NoCredentials', 'renew'],
    [403, 'Must have admin rights', 'AccessDenied', 'organization_administration:read'],
    [404, 'Not Found', 'AccessDenied', 'organization_administration:read'],
    [422, 'Only owners can use this filter.', 'AccessDenied', 'organization_administration:read'],
    [422, 'Validation Failed', 'ServiceError', '422'],
    [410, 'Gone', 'ServiceError', '410'],
    [301, 'Moved Permanently', 'ServiceError', 'renamed'],
  ])('says of %i %s what to do', async (status, message, code, words) => {
    const { github } = await serve((_seen, response) => answer(response, { message }, status));
    const refused = github.get('GET /orgs/{org}', { org: 'acme' });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it('tells what does not exist from what may not be seen', async () => {
    let message = 'Branch not protected';
    const { github } = await serve((_seen, response) => answer(response, { message }, 404));
    const values = { owner: 'acme', repo: 'api', branch: 'main' };
    const ask = () =>
      github.find('GET /repos/{owner}/{repo}/branches/{branch}/protection', values, [
        'Branch not protected',
      ]);
    expect(await ask()).not.toHaveProperty('body');
    message = 'Not Found';
    await expect(ask()).rejects.toMatchObject({ code: 'AccessDenied' });
  });

  it('refuses a call that is not declared', async () => {
    const { github, seen } = await serve((_seen, response) => answer(response, {}));
    await expect(github.get('GET /user')).rejects.toMatchObject({ code: 'CallNotDeclared' });
    expect(seen).toEqual([]);
  });

  it('says that there is no token', async () => {
    const { github, seen } = await serve((_seen, response) => answer(response, {}), { env: {} });
    await expect(github.get('GET /orgs/{org}', { org: 'acme' })).rejects.toMatchObject({
      code: 'NoCredentials',
      message: expect.stringContaining('GITHUB_TOKEN'),
    });
    expect(seen).toEqual([]);
  });

  it('takes a web page for no answer', async () => {
    const { github } = await serve((_seen, response) => response.end('<html>Sign in</html>'));
    await expect(github.get('GET /orgs/{org}', { org: 'acme' })).rejects.toMatchObject({
      code: 'UnreadableResponse',
    });
  });
});

describe('limits', () => {
  it('are waited out until the reset that GitHub names, by GitHub’s own clock', async () => {
    const { github, seen, waits } = await serve((_seen, response, count) =>
      count === 1
        ? answer(response, { message: 'API rate limit exceeded' }, 403, {
            'x-ratelimit-remaining': '0',
            'x-ratelimit-reset': resetIn(0),
          })
        : answer(response, { id: 1 }),
    );
    expect((await github.get('GET /orgs/{org}', { org: 'acme' })).body).toEqual({ id: 1 });
    expect(seen).toHaveLength(2);
    expect(waits).toEqual(["GitHub's rate limit is used up"]);
  });

  it('that are secondary are waited out as long as GitHub asks', async () => {
    const begun = performance.now();
    const { github, waits } = await serve((_seen, response, count) =>
      count === 1
        ? answer(response, { message: 'You have exceeded a secondary rate limit' }, 403, {
            'retry-after': '1',
          })
        : answer(response, { id: 1 }),
    );
    await github.get('GET /orgs/{org}', { org: 'acme' });
    expect(performance.now() - begun).toBeGreaterThan(900);
    expect(waits).toEqual(['GitHub asks for a pause']);
  });

  it('hold back everything of their kind, and not what is of another', async () => {
    const { github, waits } = await serve(({ path }, response, count) =>
      path === '/graphql'
        ? answer(response, { data: { viewer: { login: 'ada' } } })
        : answer(response, { id: count }, 200, {
            'x-ratelimit-remaining': count === 1 ? '0' : '10',
            'x-ratelimit-reset': resetIn(0),
          }),
    );
    await github.get('GET /orgs/{org}', { org: 'acme' });
    await github.query(viewer, {});
    expect(waits).toEqual([]);
    await github.get('GET /orgs/{org}', { org: 'acme' });
    expect(waits).toHaveLength(1);
  });

  it('come with status 200 in GraphQL', async () => {
    const { github, seen } = await serve((_seen, response, count) =>
      count === 1
        ? answer(response, { errors: [{ type: 'RATE_LIMITED', message: 'limit' }] }, 200, {
            'x-ratelimit-remaining': '0',
            'x-ratelimit-reset': resetIn(0),
          })
        : answer(response, { data: { viewer: { login: 'ada' } } }),
    );
    expect((await github.query(viewer, {})).data.viewer?.login).toBe('ada');
    expect(seen).toHaveLength(2);
  });

  it.each(['9999999999', 'soon'])(
    'that a good answer names without sense (%s) are not waited for',
    async (reset) => {
      const { github, seen, waits } = await serve((_seen, response) =>
        answer(response, { id: 1 }, 200, {
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': reset,
        }),
      );
      for (const _time of [1, 2, 3]) await github.get('GET /orgs/{org}', { org: 'acme' });
      expect(seen).toHaveLength(3);
      expect(waits).toEqual([]);
    },
  );

  it('beyond any that GitHub has end the call, with a reason', async () => {
    const { github, seen } = await serve((_seen, response) =>
      answer(response, { message: 'slow down' }, 429, { 'retry-after': '86400' }),
    );
    await expect(github.get('GET /orgs/{org}', { org: 'acme' })).rejects.toMatchObject({
      code: 'Throttled',
      message: expect.stringContaining('1440 minutes'),
    });
    expect(seen).toHaveLength(1);
  });

  it('are no matter for broken answers, which are asked for again', async () => {
    const { github, seen, trace } = await serve((_seen, response, count) => {
      if (count === 1) answer(response, 'bad gateway', 502);
      else if (count === 2) response.socket?.destroy();
      else answer(response, { id: 1 });
    });
    await github.get('GET /orgs/{org}', { org: 'acme' });
    expect(seen).toHaveLength(3);
    expect(trace.calls()).toMatchObject([{ attempts: 3, status: 200 }]);
  });
});

describe('GraphQL', () => {
  const asked = (body: unknown, status = 200) =>
    serve((_seen, response) => answer(response, body, status));

  it('is at /graphql, and at /api/graphql of an Enterprise Server', async () => {
    for (const [prefix, path] of [
      ['', '/graphql'],
      ['/api/v3', '/api/graphql'],
    ] as const) {
      const { github, seen } = await serve(
        (_seen, response) => answer(response, { data: { viewer: { login: 'ada' } } }),
        { prefix },
      );
      await github.query(viewer, { n: 1 });
      expect(seen[0]).toMatchObject({ method: 'POST', path });
      expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
        query: viewer.text,
        operationName: 'Viewer',
        variables: { n: 1 },
      });
    }
  });

  it.each([
    ['an error beside the data', { type: 'FORBIDDEN', path: ['viewer'] }, 'AccessDenied'],
    ['an error without a path', { type: 'SOMETHING' }, 'ServiceError'],
  ])('takes %s for a failure', async (_what, error, code) => {
    const { github } = await asked({
      data: { viewer: null },
      errors: [{ ...error, message: 'no' }],
    });
    await expect(github.query(viewer, {})).rejects.toMatchObject({ code });
  });

  it('gives errors with a path back to who asks for them, and throws the others', async () => {
    const error = { type: 'FORBIDDEN', path: ['viewer'], message: 'no' };
    const some = await asked({ data: { viewer: null }, errors: [error] });
    expect(await some.github.query(viewer, {}, { partial: true })).toMatchObject({
      data: { viewer: null },
      errors: [error],
    });
    const all = await asked({ data: { viewer: null }, errors: [error, { message: 'broken' }] });
    await expect(all.github.query(viewer, {}, { partial: true })).rejects.toMatchObject({
      code: 'ServiceError',
    });
    const none = await asked({ data: null, errors: [error] });
    await expect(none.github.query(viewer, {}, { partial: true })).rejects.toMatchObject({
      code: 'AccessDenied',
    });
  });

  it.each([
    ['nothing', {}],
    ['null', { data: null }],
    ['another shape', { data: { viewer: { login: 7 } } }],
    ['a list', []],
  ])('takes %s for no answer', async (_what, body) => {
    const { github } = await asked(body);
    await expect(github.query(viewer, {})).rejects.toMatchObject({ code: 'UnreadableResponse' });
  });

  it('gives a heavy query up after three answers of 502, so that less can be asked', async () => {
    const { github, seen } = await asked({ message: 'timeout' }, 502);
    await expect(github.query(viewer, {})).rejects.toMatchObject({ status: 502 });
    expect(seen).toHaveLength(3);
  });

  it.each([
    ['a mutation', 'mutation Viewer { deleteRef }'],
    ['a query of another name', 'query Other { viewer { login } }'],
    ['two operations', 'query Viewer { viewer { login } }\nmutation M { deleteRef }'],
  ])('sends nothing for %s', async (_what, text) => {
    const { github, seen } = await asked({});
    await expect(github.query({ ...viewer, text }, {})).rejects.toMatchObject({
      code: 'CallNotDeclared',
    });
    expect(seen).toEqual([]);
  });

  it('names a call with long variables by their digest: records carry the names of calls', async () => {
    const { github, trace } = await asked({ data: { viewer: { login: 'ada' } } });
    await github.query(viewer, { ids: Array.from({ length: 75 }, (_, at) => `PR_${at}`) });
    expect(trace.calls()[0]?.id).toMatch(/^github:graphql:Viewer [0-9a-f]{16}$/);
    expect(trace.calls()[0]?.parameters.ids).toHaveLength(75);
  });
});

describe('a GitHub App', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const choice = { app: { id: 12, installation: 34 } };
  const env = { GITHUB_APP_PRIVATE_KEY: pem };

  /** Gives tokens that live so many seconds, each with its number. */
  const app =
    (seconds: number): Handler =>
    ({ method, headers }, response, count) =>
      method === 'POST'
        ? answer(
            response,
            {
              token: `installation-${count}`,
              expires_at: new Date(Date.now() + seconds * 1_000).toISOString(),
            },
            201,
          )
        : answer(response, { id: 1, as: headers.authorization });

  it('proves itself by a signed token, and asks by the one of its installation', async () => {
    const { github, seen, trace } = await serve(app(3600), { env, choice });
    const first = await github.get('GET /orgs/{org}', { org: 'acme' });
    await github.get('GET /orgs/{org}', { org: 'acme' });
    expect(first.body).toEqual({ id: 1, as: 'Bearer installation-1' });
    expect(seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
    expect(seen[0]?.path).toBe('/app/installations/34/access_tokens');
    const [head = '', claims = '', signature = ''] = (seen[0]?.headers.authorization ?? '')
      .replace('Bearer ', '')
      .split('.');
    const signed = Buffer.from(`${head}.${claims}`);
    expect(verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
    const { iss, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
    expect(iss).toBe('12');
    // GitHub takes none that lives longer than ten minutes.
    expect(exp - iat).toBeLessThanOrEqual(600);
    expect(JSON.stringify(trace.calls())).not.toContain('installation-1');
  });

  it('gets one token for all that ask at once, and another try after a failure', async () => {
    const { github, seen } = await serve(
      (one, response, count) =>
        count === 1 ? answer(response, { message: 'no' }, 403) : app(3600)(one, response, count),
      { env, choice },
    );
    const ask = () => github.get('GET /orgs/{org}', { org: 'acme' });
    const refused = await Promise.allSettled([ask(), ask()]);
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await Promise.all([ask(), ask(), ask()]);
    expect(seen.map(({ method }) => method)).toEqual(['POST', 'POST', 'GET', 'GET', 'GET']);
  });

  it('renews a token before it ends', async () => {
    const { github, seen } = await serve(app(60), { env, choice });
    await github.get('GET /orgs/{org}', { org: 'acme' });
    await github.get('GET /orgs/{org}', { org: 'acme' });
    expect(seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST', 'GET']);
  });

  it.each([
    ['no key', {}, 'GITHUB_APP_PRIVATE_KEY'],
    ['a key that is none', { GITHUB_APP_PRIVATE_KEY: 'x' }, 'PEM'],
  ])('says that there is %s', async (_what, without, words) => {
    const { github } = await serve(app(3600), { env: without, choice });
    await expect(github.get('GET /orgs/{org}', { org: 'acme' })).rejects.toMatchObject({
      code: 'NoCredentials',
      message: expect.stringContaining(words),
    });
  });
});

describe('what is known already', () => {
  it('is confirmed instead of sent again, and the trace says so', async () => {
    const body = Buffer.from('{"id":1}');
    const kept: string[] = [];
    const known: KnownAnswers = {
      find: async (question) =>
        question.startsWith('GET /orgs/{org} ')
          ? { etag: '"a"', body, digest: 'd'.repeat(64) }
          : undefined,
      keep: async (question, { etag }) => void kept.push(`${question.split(' ')[1]} ${etag}`),
    };
    const { github, seen, trace } = await serve(
      ({ headers }, response) =>
        headers['if-none-match'] === '"a"'
          ? response.writeHead(304).end()
          : answer(response, [], 200, { etag: '"b"' }),
      { known },
    );
    expect((await github.get('GET /orgs/{org}', { org: 'acme' })).body).toEqual({ id: 1 });
    for await (const _page of github.pages('GET /orgs/{org}/members', { org: 'acme' }));
    expect(seen.map(({ headers }) => headers['if-none-match'])).toEqual(['"a"', undefined]);
    expect(trace.calls()).toMatchObject([
      { status: 304, confirmed: 'd'.repeat(64) },
      { status: 200 },
    ]);
    expect(kept).toEqual(['/orgs/{org}/members "b"']);
  });

  it('is nothing that holds what looks like a secret: it would stand in the store as it came', async () => {
    const kept: string[] = [];
    const known: KnownAnswers = {
      find: async () => undefined,
      keep: async (question) => void kept.push(question),
    };
    const { github } = await serve(
      (_seen, response) =>
        answer(response, { description: `ghp_${'a'.repeat(36)}` }, 200, { etag: '"a"' }),
      { known },
    );
    await github.get('GET /orgs/{org}', { org: 'acme' });
    expect(kept).toEqual([]);
  });
});
