import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { tracerFor } from '../../src/collect/slice.ts';
import { simulatedClock } from '../../src/evidence/clock.ts';
import type { HttpAnswer, HttpContext } from '../../src/plugin.ts';
import { CallDesk } from '../../src/providers/calls.ts';
import { createHttpProvider } from '../../src/providers/http.ts';
import { nextLink } from '../../src/providers/rest.ts';
import { liveWire } from '../../src/providers/wire.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server on loopback that answers by `handler`, and an API client for it. */
async function serve(
  handler: Handler,
  calls: Record<string, string> = { 'GET /users': 'users.read', 'GET /users/{id}': 'users.read' },
): Promise<{ api: HttpContext; origin: string; paths: string[]; stop: AbortController }> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    handler(request, response);
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
  const stop = new AbortController();
  const desk = new CallDesk(liveWire, simulatedClock(new Date('2026-01-01T00:00:00Z')), {
    signal: stop.signal,
    deadlineSeconds: 10,
  });
  const provider = createHttpProvider(desk);
  const api = provider.open(`${origin}/api`, { authorization: 'SSWS secret' })(
    tracerFor(calls, 'test', stop.signal),
  );
  return { api, origin, paths, stop };
}

const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}) => {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
};

async function all(pages: AsyncIterable<HttpAnswer>): Promise<unknown[]> {
  const bodies: unknown[] = [];
  for await (const page of pages) bodies.push(page.body);
  return bodies;
}

describe('the HTTP provider', () => {
  it('asks below the base address with its headers, and escapes values', async () => {
    let authorization: string | undefined;
    const { api, paths } = await serve((request, response) => {
      authorization = request.headers.authorization;
      json(response, { ok: true });
    });
    expect((await api.get('GET /users/{id}', { id: 'a/../b?x=1' }, { q: 'y z' })).body).toEqual({
      ok: true,
    });
    expect(paths).toEqual(['/api/users/a%2F..%2Fb%3Fx%3D1?q=y+z']);
    expect(authorization).toBe('SSWS secret');
  });

  it('makes no call that is not declared, none that writes, and none out of its place', async () => {
    const { api, paths } = await serve((_request, response) => json(response, {}), {
      'GET /users/{id}': 'r',
      'POST /users': 'w',
    });
    await expect(api.get('GET /groups')).rejects.toMatchObject({ code: 'CallNotDeclared' });
    await expect(api.get('POST /users')).rejects.toMatchObject({ code: 'CallNotDeclared' });
    await expect(api.get('GET /users/{id}', { id: '..' })).rejects.toMatchObject({
      code: 'CollectorFailed',
    });
    expect(paths).toEqual([]);
  });

  it('follows every page', async () => {
    const { api } = await serve((request, response) => {
      const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page') ?? '1');
      const link = page < 3 ? { link: `</api/users?page=${page + 1}>; rel="next"` } : {};
      json(response, page, link as Record<string, string>);
    });
    expect(await all(api.pages('GET /users'))).toEqual([1, 2, 3]);
  });

  it.each([
    ['another host', () => '<http://192.0.2.1/api/users?page=2>; rel="next"'],
    ['another port', () => '<http://127.0.0.1:1/api/users?page=2>; rel="next"'],
    ['a place outside the API', (origin: string) => `<${origin}/apix?page=2>; rel="next"`],
    ['itself', (origin: string) => `<${origin}/api/users>; rel="next"`],
  ])('refuses a next page on %s', async (_where, linkOf) => {
    let origin = '';
    const served = await serve((_request, response) =>
      json(response, [], { link: linkOf(origin) }),
    );
    origin = served.origin;
    await expect(all(served.api.pages('GET /users'))).rejects.toMatchObject({
      code: 'RefusedPage',
    });
    expect(served.paths).toEqual(['/api/users']);
  });

  it('tries again after throttling, a broken connection and a server error', async () => {
    let attempt = 0;
    const { api, paths } = await serve((request, response) => {
      attempt += 1;
      if (attempt === 1) response.writeHead(429, { 'retry-after': '0' }).end();
      else if (attempt === 2) request.socket.destroy();
      else if (attempt === 3) {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"half":');
        setTimeout(() => request.socket.destroy(), 10);
      } else if (attempt === 4) response.writeHead(502).end('<html>');
      else json(response, 'whole');
    });
    expect((await api.get('GET /users')).body).toBe('whole');
    expect(paths).toHaveLength(5);
  });

  it.each([
    ['AccessDenied', 403, ''],
    ['NoCredentials', 401, ''],
    ['ServiceError', 404, ''],
    ['ServiceError', 302, ''],
    ['UnreadableResponse', 200, '<html>'],
  ])('gives %s for status %i', async (code, status, body) => {
    const { api, paths } = await serve((_request, response) => {
      response.writeHead(status, { location: 'http://192.0.2.1/' }).end(body);
    });
    await expect(api.get('GET /users')).rejects.toMatchObject({ code });
    expect(paths).toHaveLength(1);
  });

  it('stops asking when it is told to', async () => {
    const { api, stop } = await serve(() => {});
    const pending = api.get('GET /users');
    setTimeout(() => stop.abort(), 50);
    await expect(pending).rejects.toMatchObject({ name: 'CallError' });
  });
});

describe('nextLink (RFC 8288)', () => {
  it.each([
    ['<https://a/?page=2>; rel="next", <https://a/?page=9>; rel="last"', 'https://a/?page=2'],
    ['<https://a/1>; rel="prev", <https://a/3>; title="x"; rel="next"', 'https://a/3'],
    ['<https://a/3>; rel=next', 'https://a/3'],
    ['<https://a/3>; rel="last next"', 'https://a/3'],
    ['<https://a/3>; rel="nextish"', undefined],
    ['<https://a/1>; rel="prev"', undefined],
    ['<https://a/3>; title="a<b, rel=next"; rel="next"', 'https://a/3'],
    ['<https://a/3>; title="; rel=next"', undefined],
    ["<https://a/3>; rel='next'", 'https://a/3'],
    ['', undefined],
    [undefined, undefined],
  ])('%s', (header, next) => {
    expect(nextLink(header)).toBe(next);
  });

  it.each(['https://a/3; rel=next', '<https://a/3; rel="next"', '<a>; rel="next', 'next'])(
    'is not guessed from %s',
    (header) => {
      expect(() => nextLink(header)).toThrowError(expect.objectContaining({ code: 'RefusedPage' }));
    },
  );
});
