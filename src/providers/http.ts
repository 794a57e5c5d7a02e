/** A JSON API over HTTP for foreign collectors: GET only, below one base address. */
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
import { addressOf, ask as askServer, followable, nextLink, parseBase, pause } from './rest.ts';
import type { WireAnswer } from './wire.ts';

const mostAttempts = 8;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

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
                askServer(url, headers, tracer.signal),
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
