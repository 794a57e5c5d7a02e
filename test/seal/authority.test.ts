/** Timestamp authorities as they are met: good ones, bad ones, and none. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { requestToken, stampDigest } from '../../src/seal/authority.ts';
import { checkToken, TimestampError } from '../../src/seal/timestamp.ts';
import {
  type Authority,
  type AuthorityMode,
  opensslAvailable,
  opensslMissing,
  startAuthority,
} from '../support/authority.ts';

const digest = createHash('sha256').update('the manifest of a bundle').digest();
const { signal } = new AbortController();

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function start(mode: AuthorityMode = 'good'): Promise<Authority> {
  const authority = await startAuthority();
  closing.push(() => authority.close());
  authority.mode = mode;
  return authority;
}

/** A server that is no authority. @returns its address, and the requests that it had. */
async function serve(
  handler: (response: ServerResponse, body: Promise<Buffer>) => void,
): Promise<{ url: string; seen: IncomingMessage[]; bodies: Promise<Buffer>[] }> {
  const seen: IncomingMessage[] = [];
  const bodies: Promise<Buffer>[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    const body = buffer(request);
    bodies.push(body);
    // A client that gives up takes its request with it.
    body.catch(() => undefined);
    handler(response, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    return closed;
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, bodies };
}

const timestampReply = { 'content-type': 'application/timestamp-reply' };

async function failureOf(asking: Promise<unknown>): Promise<TimestampError> {
  const error = await asking.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof TimestampError) return error;
  throw new Error('there is no TimestampError', { cause: error });
}

describe('requestToken', () => {
  it('asks as RFC 3161 says, with a nonce that is new and positive each time', async () => {
    const { url, seen, bodies } = await serve((response) => response.end());
    for (let count = 0; count < 20; count += 1) {
      await failureOf(requestToken(url, digest, { signal }));
    }
    expect(seen[0]?.method).toBe('POST');
    expect(seen[0]?.headers['content-type']).toBe('application/timestamp-query');
    const queries = await Promise.all(bodies);
    expect(new Set(queries.map((query) => query.toString('hex'))).size).toBe(20);
    for (const query of queries) {
      expect(query.includes(digest)).toBe(true);
      // The nonce comes before certReq: up to eight bytes, the first one below 0x80.
      const nonce = query.subarray(query.indexOf(digest) + digest.length, -3);
      expect([nonce[0], nonce[1]]).toEqual([2, nonce.length - 2]);
      expect(nonce.length).toBeLessThanOrEqual(10);
      expect(nonce[2]).toBeLessThan(0x80);
    }
  });

  it.each<[string, string, (response: ServerResponse) => void]>([
    ['status 500', 'BadAnswer', (response) => response.writeHead(500, timestampReply).end()],
    ['status 204', 'BadAnswer', (response) => response.writeHead(204, timestampReply).end()],
    [
      'another content type',
      'BadAnswer',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    ],
    ['no content type', 'BadAnswer', (response) => response.writeHead(200).end('0')],
    [
      'a type that begins alike',
      'BadAnswer',
      (response) =>
        response.writeHead(200, { 'content-type': 'application/timestamp-replying' }).end('0'),
    ],
    ['nothing', 'Malformed', (response) => response.writeHead(200, timestampReply).end()],
    [
      'more than is read',
      'BadAnswer',
      (response) => response.writeHead(200, timestampReply).end(Buffer.alloc(1024 * 1024 + 1)),
    ],
    ['a cut connection', 'Unreachable', (response) => response.destroy()],
    [
      'a cut answer',
      'Unreachable',
      (response) => {
        response.writeHead(200, { ...timestampReply, 'content-length': '100' });
        response.write('0', () => response.destroy());
      },
    ],
  ])('refuses %s: %s', async (_name, code, handler) => {
    const { url } = await serve(handler);
    const error = await failureOf(requestToken(`${url}/tsr`, digest, { signal }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(`${url}/tsr: `);
  });

  it('follows no redirect', async () => {
    const other = await serve((response) => response.end());
    const { url } = await serve((response) =>
      response.writeHead(307, { location: other.url }).end(),
    );
    const error = await failureOf(requestToken(url, digest, { signal }));
    expect(error.code).toBe('BadAnswer');
    expect(other.seen).toEqual([]);
  });

  it('sends a password, and shows none', async () => {
    const { url, seen } = await serve((response) => response.writeHead(403).end());
    const secret = url.replace('//', '//us%65r:s3cret@');
    const error = await failureOf(requestToken(`${secret}/tsr?token=t0ken`, digest, { signal }));
    expect(seen[0]?.url).toBe('/tsr?token=t0ken');
    expect(seen[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('user:s3cret').toString('base64')}`,
    );
    expect(error.message).toContain(`${url}/tsr: `);
    expect(error.message).not.toMatch(/s3cret|t0ken|us%65r|user/);
  });

  it.each(['', 'tsa.example.com', 'file:///etc/passwd', 'ftp://user:s3cret@127.0.0.1/'])(
    'refuses the address "%s"',
    async (url) => {
      const error = await failureOf(requestToken(url, digest, { signal }));
      expect(error.code).toBe('Unreachable');
      expect(error.message).not.toContain('s3cret');
    },
  );

  it('says when nothing listens', async () => {
    const { url } = await serve(() => undefined);
    await Promise.all(closing.splice(0).map((close) => close()));
    const error = await failureOf(requestToken(url, digest, { signal }));
    expect(error.code).toBe('Unreachable');
    expect(error.message).toContain('ECONNREFUSED');
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['never answers', () => undefined],
    ['never ends', (response) => response.writeHead(200, timestampReply).write('0')],
  ])('waits no longer than it may for one that %s', async (_name, handler) => {
    const { url } = await serve(handler);
    const started = performance.now();
    const error = await failureOf(requestToken(url, digest, { signal, timeoutMs: 300 }));
    expect(error.code).toBe('Unreachable');
    expect(error.message).toContain('within 0.3 s');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  describe.skipIf(!opensslAvailable)(`of an authority${opensslMissing}`, () => {
    it('gives a token that can be checked later', async () => {
      const authority = await start();
      const roots = [authority.caPem];
      const { token, stamp } = await requestToken(authority.url, digest, { roots, signal });
      expect(stamp.trusted).toBe(true);
      expect(Math.abs(stamp.time.getTime() - Date.now())).toBeLessThan(60_000);
      expect(await checkToken(token, digest, roots)).toEqual(stamp);
      expect((await requestToken(authority.url, digest, { signal })).stamp.trusted).toBe(false);
      expect(authority.requests).toBe(2);
    });

    it('takes a content type with parameters, in any case', async () => {
      const authority = await start();
      const headers = { 'content-type': 'Application/Timestamp-Reply; charset=binary' };
      const { url } = await serve(async (response, body) => {
        response.writeHead(200, headers).end(await authority.reply(await body));
      });
      const { stamp } = await requestToken(url, digest, { roots: [authority.caPem], signal });
      expect(stamp.trusted).toBe(true);
    });
  });
});

describe('stampDigest', () => {
  it('has no failure where nobody is asked', async () => {
    expect(await stampDigest([], digest, { signal })).toEqual({ failures: [] });
  });

  it('gives the reason when it is aborted, and asks nobody else', async () => {
    const stop = new AbortController();
    const first = await serve(() => stop.abort(new Error('interrupted')));
    const second = await serve((response) => response.end());
    await expect(
      stampDigest([first.url, second.url], digest, { signal: stop.signal }),
    ).rejects.toThrow('interrupted');
    await expect(stampDigest([second.url], digest, { signal: stop.signal })).rejects.toThrow(
      'interrupted',
    );
    expect(first.seen.length).toBe(1);
    expect(second.seen).toEqual([]);
  });

  describe.skipIf(!opensslAvailable)(`of authorities${opensslMissing}`, () => {
    let roots: string[];
    let good: Authority;
    beforeAll(async () => {
      good = await startAuthority();
      roots = [good.caPem];
      return () => good.close();
    });

    it('asks the second one only when it must', async () => {
      const second = await start();
      const answer = await stampDigest([good.url, second.url], digest, { roots, signal });
      expect(answer).toMatchObject({ authority: good.url, stamp: { trusted: true } });
      expect(second.requests).toBe(0);
    });

    it.each<[AuthorityMode]>([
      ['refuse'],
      ['error'],
      ['html'],
      ['garbage'],
      ['reject'],
      ['other digest'],
      ['other nonce'],
      ['replay'],
      ['unfit'],
      ['expired'],
      ['hang'],
    ])('asks the second one when the first is in mode %s', async (mode) => {
      const bad = await start();
      // What it replays: a good answer to an earlier request.
      await requestToken(bad.url, digest, { signal });
      bad.mode = mode;
      const trusted = { roots: [...roots, bad.caPem], signal };
      // Long enough for a good one on a busy machine; only the hanging one needs it.
      const timeoutMs = mode === 'hang' ? 3_000 : 15_000;
      const answer = await stampDigest([bad.url, good.url], digest, { ...trusted, timeoutMs });
      expect(bad.requests).toBe(2);
      expect(answer).toMatchObject({ authority: good.url, stamp: { trusted: true } });
      const { failures } = (await stampDigest([bad.url, bad.url], digest, {
        ...trusted,
        timeoutMs,
      })) as { failures: string[] };
      expect(failures.length).toBe(2);
      for (const failure of failures) expect(failure).toContain(`no timestamp from ${bad.url}: `);
    });

    it('asks the second one when the first leads to no root', async () => {
      const unknown = await start();
      const answer = await stampDigest([unknown.url, good.url], digest, { roots, signal });
      expect(answer).toMatchObject({ authority: good.url });
    });

    it('names every failure in its order', async () => {
      const [first, second] = await Promise.all([start('reject'), start('html')]);
      const answer = await stampDigest([first.url, second.url], digest, { roots, signal });
      expect(answer).toEqual({
        failures: [
          expect.stringMatching(`^no timestamp from ${first.url}: .*badAlg`),
          expect.stringMatching(`^no timestamp from ${second.url}: .*something else`),
        ],
      });
    });
  });
});
