/** A JSON API over HTTP for foreign collectors: GET only, below one base address. */
import { TickmarkError } from '../evidence/errors.ts';
import type { Json } from '../evidence/json.ts';
import type { ProblemCode } from '../evidence/slice.ts';
import {
  CallError,
  CollectError,
  type HttpAnswer,
  type HttpContext,
  type HttpProvider,
  type Tracer,
} from '../plugin.ts';
import type { CallDesk } from './calls.ts';
import type { WireAnswer } from './wire.ts';

const mostAttempts = 8;
const firstPauseMs = 100;
const longestPauseMs = 5_000;
const answerTimeoutMs = 30_000;
/** A page may not be larger than this; APIs answer with far less. */
const mostBytes = 64 * 1024 * 1024;

export function createHttpProvider(desk: CallDesk): HttpProvider {
  return {
    open(baseUrl, headers) {
      const base = parseBase(baseUrl);
      const onces = new Map<string, Promise<unknown>>();
      const attach = (tracer: Tracer): HttpContext => {
        const ask = async (route: string, url: URL, page?: number): Promise<HttpAnswer> => {
          const permission = tracer.permissionFor(route);
          const parameters = Object.fromEntries(url.searchParams);
          const key = {
            service: base.host,
            operation: route,
            connection: base.origin,
            region: '',
            input: { path: url.pathname, ...parameters },
          };
          // The route is the operation; a page is known by its number, its address changes.
          const call = desk.begin(
            {
              service: base.host,
              operation: route,
              parameters: page === undefined || page === 1 ? key.input : {},
            },
            page === undefined ? undefined : { page, token: undefined },
          );
          try {
            const answer = await retried(tracer.signal, desk.wire.replaying, () =>
              desk.attempt(call, key, base.host, url.origin, () =>
                get(url, headers, tracer.signal),
              ),
            );
            return desk.record(tracer, read(answer, route, permission), desk.finish(call));
          } catch (thrown) {
            const error = callError(thrown, route, tracer.signal);
            throw desk.record(tracer, error, desk.finish(call, error.error));
          }
        };
        return {
          get: async (route, values = {}, query = {}) =>
            ask(route, addressOf(base, route, values, query)),
          async *pages(route, values = {}, query = {}) {
            const seen = new Set<string>();
            let url = addressOf(base, route, values, query);
            for (let page = 1; ; page += 1) {
              seen.add(url.href);
              const answer = await ask(route, url, page);
              yield answer;
              const next = nextLink(answer.headers.link);
              if (next === undefined) return;
              url = followable(next, url, base, seen, route, page);
            }
          },
          once: (name, work) => desk.once(onces, name, tracer, (shared) => work(attach(shared))),
        };
      };
      return attach;
    },
  };
}

function parseBase(baseUrl: string): URL {
  const base = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    throw new TickmarkError('InvalidConfiguration', `${baseUrl} is not an http(s) address`);
  }
  if (base.username !== '' || base.password !== '') {
    throw new TickmarkError(
      'InvalidConfiguration',
      `the address of ${base.host} holds credentials, which would stand in traces; give them as headers`,
    );
  }
  return base;
}

/** `GET /users/{id}` with its braces filled; a value cannot leave its segment. */
function addressOf(
  base: URL,
  route: string,
  values: Record<string, string>,
  query: Record<string, string>,
): URL {
  const [method, template] = route.split(' ');
  if (method !== 'GET' || template === undefined) {
    throw new CollectError(
      'CallNotDeclared',
      `${route}: only GET calls are made; write it as "GET /path"`,
    );
  }
  const path = template.replace(/\{(\w+)\}/g, (_brace, name: string) => {
    const value = values[name];
    if (value === undefined || value === '.' || value === '..') {
      throw new CollectError('CollectorFailed', `${route} was called without a usable ${name}`);
    }
    return encodeURIComponent(value);
  });
  const url = new URL(base.href.replace(/\/$/, '') + path);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/**
 * The target of `rel="next"` in a Link header (RFC 8288).
 * @throws CollectError RefusedPage for a header that cannot be read: there may be a next page.
 */
export function nextLink(header: string | undefined): string | undefined {
  const text = (header ?? '').trim();
  // A target in angle brackets, then parameters whose values are tokens or quoted strings.
  const link =
    /\s*<([^>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s";,]+))?)*)\s*(?:,|$)/y;
  let next: string | undefined;
  while (link.lastIndex < text.length) {
    const match = link.exec(text);
    if (match === null) {
      throw new CollectError(
        'RefusedPage',
        `a Link header cannot be read, so it is not known whether there is another page: ${text.slice(0, 200)}`,
      );
    }
    const [, target, parameters = ''] = match;
    const unquoted = parameters.replace(/;\s*(?!rel\b)[\w*-]+\s*=\s*"(?:[^"\\]|\\.)*"/gi, '');
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(unquoted);
    const relations = (rel?.[1] ?? rel?.[2] ?? '').replaceAll("'", '').toLowerCase().split(/\s+/);
    if (relations.includes('next')) next ??= target;
  }
  return next;
}

/** The next page's address, if it may be followed: same origin, below the base, not seen before. */
function followable(
  next: string,
  from: URL,
  base: URL,
  seen: ReadonlySet<string>,
  route: string,
  page: number,
): URL {
  const url = URL.canParse(next, from.href) ? new URL(next, from.href) : undefined;
  const refuse = (why: string) =>
    new CollectError(
      'RefusedPage',
      `${route}, after page ${page}: ${why}; the list is not complete`,
    );
  if (url === undefined) throw refuse('the next page has no readable address');
  if (url.origin !== base.origin) {
    throw refuse(
      `the next page is said to be on ${url.origin}, not on ${base.origin}, and was not asked`,
    );
  }
  if (!url.pathname.startsWith(`${base.pathname.replace(/\/$/, '')}/`))
    throw refuse(`the next page lies outside ${base.href}`);
  if (seen.has(url.href)) throw refuse('the next page is one that was read before');
  return url;
}

async function get(
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<WireAnswer> {
  const response = await fetch(url, {
    headers: { accept: 'application/json', ...headers },
    // A redirect would carry the credentials wherever it points.
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]),
  });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > mostBytes) {
      throw new CollectError(
        'UnreadableResponse',
        `${url.origin} answered with more than ${mostBytes} bytes`,
      );
    }
    parts.push(part);
  }
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.concat(parts),
  };
}

/** Retries throttling, server errors and broken connections, with a random, growing pause. */
async function retried(
  signal: AbortSignal,
  replaying: boolean,
  attempt: () => Promise<WireAnswer>,
): Promise<WireAnswer> {
  for (let count = 1; ; count += 1) {
    const outcome = await attempt().catch((error: unknown) => ({ error }));
    const last = count >= mostAttempts || signal.aborted;
    if ('error' in outcome) {
      if (last || outcome.error instanceof CollectError) throw outcome.error;
    } else if (last || (outcome.status !== 429 && outcome.status < 500)) {
      return outcome;
    }
    if (replaying) continue;
    const asked = 'error' in outcome ? 0 : Number(outcome.headers['retry-after'] ?? 0) * 1_000 || 0;
    const limit = Math.min(longestPauseMs, firstPauseMs * 2 ** count);
    await pause(Math.max(Math.random() * limit, asked), signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

function read(answer: WireAnswer, route: string, permission: string): HttpAnswer {
  const { status, headers } = answer;
  const fail = (code: ProblemCode, message: string) =>
    new CallError(code, message, String(status), status);
  if (status === 401)
    throw fail('NoCredentials', `${route}: the credentials were not accepted; renew the token`);
  if (status === 403)
    throw fail('AccessDenied', `${route} was refused; give the token ${permission}`);
  if (status === 429)
    throw fail(
      'Throttled',
      `${route} was throttled ${mostAttempts} times; run again at a quieter time`,
    );
  if (status < 200 || status > 299) throw fail('ServiceError', `${route} answered ${status}`);
  try {
    return { status, headers, body: JSON.parse(Buffer.from(answer.body).toString('utf8')) as Json };
  } catch {
    throw fail(
      'UnreadableResponse',
      `${route} answered with something that is not JSON; check the address and any proxy between`,
    );
  }
}

function callError(thrown: unknown, route: string, signal: AbortSignal): CallError {
  if (thrown instanceof CallError) return thrown;
  const cause = signal.aborted && signal.reason instanceof CollectError ? signal.reason : thrown;
  if (cause instanceof CollectError)
    return new CallError(cause.code, cause.message, cause.code, null);
  const detail = thrown instanceof Error ? String(thrown.cause ?? thrown.message) : String(thrown);
  return new CallError(
    'ConnectionFailed',
    `${route}: no whole answer (${detail.replace(/\s+/g, ' ').slice(0, 200)}); check the network and the address, then run again`,
    'ConnectionFailed',
    null,
  );
}
