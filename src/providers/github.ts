/**
 * GitHub over REST and GraphQL, read only. Rate limits are waited out as GitHub's documentation
 * asks (docs.github.com, "Best practices for using the REST API", "Rate limits for the GraphQL
 * API"): everything of one kind waits together until the time that GitHub names.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../evidence/errors.ts';
import { type Json, type JsonObject, sha256 } from '../evidence/json.ts';
import { maskText } from '../evidence/mask.ts';
import type { Call, ProblemCode } from '../evidence/slice.ts';
import {
  CallError,
  CollectError,
  type GitHubContext,
  type GitHubCredentialsChoice,
  type GitHubProvider,
  type GraphqlError,
  type GraphqlQuery,
  type HttpAnswer,
  type Tracer,
} from '../plugin.ts';
import type { CallDesk } from './calls.ts';
import type { KnownAnswer } from './known-answers.ts';
import { addressOf, ask, followable, nextLink, parseBase, pause } from './rest.ts';
import type { ExchangeKey, WireAnswer } from './wire.ts';

/** Server errors and broken connections in a row before a call is given up. */
const mostFailures = 6;
/** GitHub ends heavy queries with 502: asking the same again and again is no use. */
const mostGraphqlFailures = 3;
/** Pauses for one call before it is given up: GitHub lets everybody in once a limit is reset. */
const mostPauses = 10;
/** Limits are reset every hour; whoever asks for more is no GitHub. */
const longestPauseMs = 65 * 60_000;
/** What GitHub's documentation says to wait where a secondary limit names no time. */
const secondaryPauseMs = 60_000;
const firstBackoffMs = 250;
const longestBackoffMs = 10_000;
/** GraphQL queries are heavy: GitHub counts their processor time. */
const mostQueriesUnderWay = 4;
const mostRequestsUnderWay = 10;
/** An installation's token lives for an hour; it is renewed this long before its end. */
const renewBeforeMs = 5 * 60_000;

const headers = {
  accept: 'application/vnd.github+json',
  'x-github-api-version': '2022-11-28',
  'user-agent': 'tickmark',
};

/** Larger answers (lists of everything) change every night, and would be kept in vain. */
const mostBytesKept = 32 * 1024;

/** Everything that a limit stops: each kind of call has its own. */
type LimitedBy = 'rest' | 'graphql';

interface Request {
  route: string;
  url: URL;
  post?: string;
  /** The answer is known, if it still is this. */
  etag?: string | undefined;
  key: ExchangeKey;
  limitedBy: LimitedBy;
}

/** @param directory the configuration's: a private key's file is relative to it. */
export function createGitHubProvider(
  desk: CallDesk,
  env: NodeJS.ProcessEnv,
  directory: string,
): GitHubProvider {
  return {
    open(choice) {
      const base = parseBase(env.GITHUB_API_URL || 'https://api.github.com');
      const gates: Record<LimitedBy, Gate> = { rest: new Gate(), graphql: new Gate() };
      const onces = new Map<string, Promise<unknown>>();
      const root = base.href.replace(/\/$/, '');
      const connection = connectionOf(choice);

      /** Sends until there is an answer that is not about limits, failures or waiting. */
      const send = async (
        { route, url, post, etag, key, limitedBy }: Request,
        call: Call,
        authorization: string,
        tracer: Tracer,
      ): Promise<WireAnswer> => {
        const conditional = etag === undefined ? {} : { 'if-none-match': etag };
        const most = limitedBy === 'graphql' ? mostQueriesUnderWay : mostRequestsUnderWay;
        const mostTries = limitedBy === 'graphql' ? mostGraphqlFailures : mostFailures;
        let failures = 0;
        let pauses = 0;
        for (;;) {
          if (!desk.wire.replaying) await gates[limitedBy].pass(tracer);
          const outcome = await desk
            .attempt(
              call,
              key,
              `${base.host} ${limitedBy}`,
              url.origin,
              async () => {
                const sent = { ...headers, ...conditional, authorization };
                return belowBase(await ask(url, sent, tracer.signal, post), root);
              },
              most,
            )
            .catch((error: unknown) => ({ error }));
          if ('error' in outcome) {
            failures += 1;
            if (
              failures >= mostTries ||
              tracer.signal.aborted ||
              outcome.error instanceof CollectError
            )
              throw outcome.error;
          } else {
            const limit = limitOf(outcome);
            gates[limitedBy].hear(limit);
            if (limit?.refused) {
              pauses += 1;
              if (pauses > mostPauses || limit.ms > longestPauseMs) throw throttled(route, limit);
              continue;
            }
            if (!isServerFault(outcome)) return outcome;
            failures += 1;
            if (failures >= mostTries) return outcome;
          }
          if (desk.wire.replaying) continue;
          const limit = Math.min(longestBackoffMs, firstBackoffMs * 2 ** failures);
          await pause(Math.random() * limit, tracer.signal);
        }
      };

      const credentials = desk.wire.replaying
        ? async () => 'replayed'
        : openCredentials(choice, env, directory, desk, base, send);

      const attach = (tracer: Tracer): GitHubContext => {
        /** One call in the trace, whatever number of attempts. */
        const traced = async <T extends object>(
          request: Request,
          call: Call,
          read: (answer: WireAnswer, permission: string) => T | Promise<T>,
        ): Promise<T> => {
          const permission = tracer.permissionFor(request.route);
          try {
            const answer = await send(request, call, await credentials(tracer), tracer);
            return desk.record(tracer, await read(answer, permission), desk.finish(call));
          } catch (thrown) {
            const error = callError(thrown, request.route, tracer.signal);
            throw desk.record(tracer, error, desk.finish(call, error.error));
          }
        };
        const rest = async (route: string, url: URL, page?: number) => {
          const question = `${route} ${url.href}`;
          const known = await desk.known?.find(question);
          const path = url.href.slice(root.length).split('?')[0] ?? '';
          const input = { path, ...Object.fromEntries(url.searchParams) };
          const request: Request = {
            route,
            url,
            etag: known?.etag,
            limitedBy: 'rest',
            key: { service: 'github', operation: route, connection, region: '', input },
          };
          // A page is known by its number: its address may change from night to night.
          const parameters = page === undefined || page === 1 ? input : { path };
          const call = desk.begin(
            { service: 'github', operation: route, parameters },
            page === undefined ? undefined : { page, token: undefined },
          );
          return traced(request, call, async (answer, permission) => {
            if (answer.status === 304 && known !== undefined) {
              call.confirmed = known.digest;
              return readRest(confirmed(answer, known), route, permission);
            }
            const read = readRest(answer, route, permission);
            const { etag, link } = answer.headers;
            if (etag !== undefined && isKept(answer)) {
              await desk.known?.keep(question, { etag, link, body: answer.body });
            }
            return read;
          });
        };
        return {
          get: async (route, values = {}, query = {}) =>
            rest(route, addressOf(base, route, values, query)),
          async find(route, values, absent) {
            try {
              return await rest(route, addressOf(base, route, values, {}));
            } catch (error) {
              if (!(error instanceof CallError) || error.status !== 404) throw error;
              if (!absent.includes(error.error)) throw error;
              return desk.absent(tracer, {}, error);
            }
          },
          async *pages(route, values = {}, query = {}, list) {
            const seen = new Set<string>();
            let url = addressOf(base, route, values, { per_page: '100', ...query });
            for (let page = 1; ; page += 1) {
              seen.add(url.href);
              const answer = await rest(route, url, page);
              yield desk.alias(tracer, { ...answer, items: itemsOf(answer, route, list) }, answer);
              const next = nextLink(answer.headers.link);
              if (next === undefined) return;
              url = followable(next, new URL(`${root}/`), base, seen, route, page);
            }
          },
          query: async <Shape extends z.ZodType>(
            query: GraphqlQuery<Shape>,
            variables: JsonObject,
            options?: { partial: true },
          ) => {
            const route = `graphql:${query.name}`;
            const input = { ...variables, query_sha256: sha256(query.text) };
            const request: Request = {
              route,
              url: graphqlAddress(base),
              post: JSON.stringify({
                query: readingOnly(query),
                operationName: query.name,
                variables,
              }),
              limitedBy: 'graphql',
              key: { service: 'github', operation: route, connection, region: '', input },
            };
            const call = desk.begin({ service: 'github', operation: route, parameters: input });
            return traced(request, call, (answer, permission) =>
              readGraphql(answer, query, permission, options?.partial === true),
            );
          },
          once: (key, work) => desk.once(onces, key, tracer, (shared) => work(attach(shared))),
        };
      };
      return attach;
    },
  };
}

/** Whose credentials, not where: a recording answers wherever it is read. */
function connectionOf({ app }: GitHubCredentialsChoice): string {
  return app === undefined ? 'default' : `installation ${app.installation}`;
}

/** Links to further pages as they lie below the base, for the same reason. */
function belowBase(answer: WireAnswer, root: string): WireAnswer {
  const { link } = answer.headers;
  if (link === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, link: link.replaceAll(`<${root}/`, '<') } };
}

// --- who asks ----------------------------------------------------------------------------

/** The value of the Authorization header, made anew when an installation's token grows old. */
function openCredentials(
  { app }: GitHubCredentialsChoice,
  env: NodeJS.ProcessEnv,
  directory: string,
  desk: CallDesk,
  base: URL,
  send: (
    request: Request,
    call: Call,
    authorization: string,
    tracer: Tracer,
  ) => Promise<WireAnswer>,
): (tracer: Tracer) => Promise<string> {
  if (app === undefined) {
    const token = env.GITHUB_TOKEN || env.GH_TOKEN;
    return async () => {
      if (token === undefined || token === '') {
        throw new CollectError(
          'NoCredentials',
          'there is no GitHub token; set GITHUB_TOKEN, or configure a GitHub App (with: app:)',
        );
      }
      return `Bearer ${token}`;
    };
  }
  const route = 'POST /app/installations/{installation_id}/access_tokens';
  const path = `/app/installations/${app.installation}/access_tokens`;
  let current: Promise<string> | undefined;
  let renewAt = 0;
  const issue = async (tracer: Tracer) => {
    const input = { path };
    const call = desk.begin({ service: 'github', operation: route, parameters: input });
    const request: Request = {
      route,
      url: new URL(base.href.replace(/\/$/, '') + path),
      post: '',
      limitedBy: 'rest',
      key: {
        service: 'github',
        operation: route,
        connection: connectionOf({ app }),
        region: '',
        input,
      },
    };
    const jwt = appToken(app.id, privateKey(app.privateKey, env, directory));
    const begun = performance.now();
    const answer = await send(request, call, `Bearer ${jwt}`, tracer);
    const { body, headers: told } = desk.record(
      tracer,
      readRest(answer, route, 'an App that is installed in the organisation'),
      desk.finish(call),
    );
    const token = z.object({ token: z.string(), expires_at: z.iso.datetime() }).safeParse(body);
    if (!token.success) throw unreadable(route, 'gives no token');
    const lives = Date.parse(token.data.expires_at) - Date.parse(told.date ?? '');
    renewAt = begun + (Number.isNaN(lives) ? 0 : lives - renewBeforeMs);
    return `Bearer ${token.data.token}`;
  };
  return (tracer) => {
    if (current !== undefined && performance.now() < renewAt) return current;
    // Whoever asks meanwhile waits for the same token.
    renewAt = Number.POSITIVE_INFINITY;
    current = issue(tracer).catch((thrown: unknown) => {
      renewAt = 0;
      throw thrown;
    });
    return current;
  };
}

function privateKey(file: string | undefined, env: NodeJS.ProcessEnv, directory: string): string {
  if (file === undefined) {
    if (env.GITHUB_APP_PRIVATE_KEY) return env.GITHUB_APP_PRIVATE_KEY;
    throw new CollectError(
      'NoCredentials',
      'there is no private key for the GitHub App; set GITHUB_APP_PRIVATE_KEY or name its file in app: private_key',
    );
  }
  try {
    return readFileSync(resolve(directory, file), 'utf8');
  } catch (thrown) {
    throw new CollectError(
      'NoCredentials',
      `the private key of the GitHub App cannot be read: ${messageOf(thrown)}`,
    );
  }
}

/**
 * A JSON Web Token that proves to be the App, for nine minutes (docs.github.com, "Generating a
 * JSON Web Token (JWT) for a GitHub App"). Begins a minute ago, in case of clocks that differ.
 */
function appToken(app: number, key: string): string {
  const seconds = Math.floor(Date.now() / 1_000);
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claims = { iat: seconds - 60, exp: seconds + 540, iss: String(app) };
  const text = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`;
  try {
    return `${text}.${sign('sha256', Buffer.from(text), createPrivateKey(key)).toString('base64url')}`;
  } catch (thrown) {
    throw new CollectError(
      'NoCredentials',
      `the private key of the GitHub App is no PEM file of an RSA key (${messageOf(thrown)}); download it anew from the App's settings`,
    );
  }
}

// --- limits ------------------------------------------------------------------------------

/** Why and how long GitHub asks to wait. */
interface Limit {
  ms: number;
  why: string;
  /** This answer is a refusal; otherwise only the next would be one. */
  refused: boolean;
}

/** Lets nothing through until the time that GitHub named. */
class Gate {
  #opensAt = 0;
  #why = '';
  /** Pauses in a row that were taken on a good answer's word. */
  #onWord = 0;

  /** Takes note of what an answer says; undefined if nothing stands against the next request. */
  hear(limit: Limit | undefined): void {
    if (limit === undefined) this.#onWord = 0;
    else if (limit.refused) this.#close(limit);
    // Good answers that never stop saying so, or name a time that GitHub would not, are no reason
    // to wait: a refusal would be one.
    else if (limit.ms <= longestPauseMs && this.#onWord < mostPauses) {
      this.#onWord += 1;
      this.#close(limit);
    }
  }

  #close({ ms, why }: Limit): void {
    const until = performance.now() + Math.min(ms, longestPauseMs);
    if (until <= this.#opensAt) return;
    this.#opensAt = until;
    this.#why = why;
  }

  async pass(tracer: Tracer): Promise<void> {
    for (;;) {
      // Timers may be a millisecond early.
      const ms = Math.ceil(this.#opensAt - performance.now() + 1);
      if (ms <= 1 || tracer.signal.aborted) return;
      tracer.waiting(ms, this.#why);
      await pause(ms, tracer.signal);
    }
  }
}

/** What an answer says about limits; undefined if nothing stands against the next request. */
function limitOf(answer: WireAnswer): Limit | undefined {
  const { status, headers: told } = answer;
  const usedUp = told['x-ratelimit-remaining'] === '0';
  const text = status === 200 ? '' : bodyText(answer);
  const refused =
    status === 429 ||
    (status === 403 &&
      (usedUp || told['retry-after'] !== undefined || /secondary rate limit/i.test(text))) ||
    (status === 200 && isRateLimited(answer));
  if (!refused && !usedUp) return undefined;
  const after = Number(told['retry-after'] ?? Number.NaN) * 1_000;
  if (Number.isFinite(after)) {
    return { ms: Math.max(0, after), why: 'GitHub asks for a pause', refused };
  }
  if (!usedUp) return { ms: secondaryPauseMs, why: "GitHub's secondary rate limit", refused };
  // By the server's own clock: ours may differ. One second more, since resets are whole seconds.
  const left = Number(told['x-ratelimit-reset']) * 1_000 - Date.parse(told.date ?? '') + 1_000;
  // Without a readable reset: a refusal is waited out for a while, a good answer not at all.
  const unreadable = refused ? secondaryPauseMs : Number.POSITIVE_INFINITY;
  const ms = Number.isNaN(left) ? unreadable : Math.max(0, left);
  return { ms, why: "GitHub's rate limit is used up", refused };
}

/** A GraphQL refusal comes with status 200. */
function isRateLimited(answer: WireAnswer): boolean {
  if (!Buffer.from(answer.body).includes('RATE_LIMITED')) return false;
  const parsed = graphqlSchema.safeParse(jsonOf(answer));
  return parsed.success && (parsed.data.errors ?? []).some(({ type }) => type === 'RATE_LIMITED');
}

function throttled(route: string, { ms, why }: Limit): CallError {
  const message =
    ms > longestPauseMs
      ? `${route}: ${why} for ${Math.round(ms / 60_000)} minutes, longer than any limit of GitHub; check what answers at this address`
      : `${route}: ${why}, ${mostPauses} times in a row; run again at a quieter time, or with another token`;
  return new CallError('Throttled', message, 'RateLimited', null);
}

// --- answers -----------------------------------------------------------------------------

function bodyText({ body }: WireAnswer): string {
  return Buffer.from(body).toString('utf8');
}

function jsonOf(answer: WireAnswer): unknown {
  try {
    return JSON.parse(bodyText(answer));
  } catch {
    return undefined;
  }
}

/** A fault of the server's own, worth another try. */
function isServerFault(answer: WireAnswer): boolean {
  if (answer.status >= 500) return true;
  // How GraphQL says that a query took too long, or that something of its own broke.
  return (
    answer.status === 200 &&
    /"message":\s*"Something went wrong while executing your query/.test(
      Buffer.from(answer.body.subarray(0, 2_000)).toString('utf8'),
    )
  );
}

/** GitHub's own sentence about an error, short enough for a message. */
function saidBy(answer: WireAnswer): string {
  const said = z.object({ message: z.string() }).safeParse(jsonOf(answer));
  return said.success ? said.data.message.replace(/\s+/g, ' ').slice(0, 200) : '';
}

function unreadable(route: string, what: string): CallError {
  return new CallError(
    'UnreadableResponse',
    `${route} ${what}; check the address and any proxy between`,
    'UnreadableResponse',
    200,
  );
}

/** @throws CallError for every answer that is not the thing asked for. */
function refuse(answer: WireAnswer, route: string, permission: string): void {
  const { status } = answer;
  if (status >= 200 && status <= 299) return;
  const said = saidBy(answer);
  const fail = (code: ProblemCode, message: string) =>
    new CallError(code, message, said === '' ? String(status) : said, status);
  const quoted = said === '' ? `${status}` : `${status}, "${said}"`;
  if (status === 401) {
    throw fail('NoCredentials', `${route}: GitHub does not accept the token; renew it`);
  }
  if (status === 403 || status === 404 || (status === 422 && /owner|admin/i.test(said))) {
    const missing = status === 404 ? 'is not there, or the token may not see it' : 'was refused';
    throw fail('AccessDenied', `${route} ${missing} (${quoted}); give the token ${permission}`);
  }
  if (status >= 300 && status <= 399) {
    throw fail(
      'ServiceError',
      `${route} answered ${quoted}: what was asked for has moved; look whether the organisation was renamed, and check GITHUB_API_URL`,
    );
  }
  throw fail('ServiceError', `${route} answered ${quoted}; run again later`);
}

/** What is kept stands in the store as it came: nothing that looks like a secret may. */
function isKept(answer: WireAnswer): boolean {
  if (answer.body.length > mostBytesKept) return false;
  const secrets = new Set<string>();
  maskText(bodyText(answer), secrets);
  return secrets.size === 0;
}

/** What a 304 stands for. */
function confirmed(answer: WireAnswer, { body, link }: KnownAnswer): WireAnswer {
  const told = link === undefined ? answer.headers : { ...answer.headers, link };
  return { status: 200, headers: told, body };
}

function readRest(answer: WireAnswer, route: string, permission: string): HttpAnswer {
  refuse(answer, route, permission);
  const body = jsonOf(answer);
  if (body === undefined) throw unreadable(route, 'answered with something that is not JSON');
  return { status: answer.status, headers: answer.headers, body: body as Json };
}

/** @throws CallError for a page that holds no list: an empty one would look like "there is none". */
function itemsOf({ body }: HttpAnswer, route: string, list: string | undefined): Json[] {
  const found =
    list === undefined
      ? body
      : body !== null && typeof body === 'object' && !Array.isArray(body)
        ? body[list]
        : undefined;
  if (Array.isArray(found)) return found;
  throw unreadable(route, 'answered with something that is not the list that was asked for');
}

// --- GraphQL -----------------------------------------------------------------------------

const graphqlSchema = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(
      z.object({
        type: z.string().optional(),
        path: z.array(z.union([z.string(), z.number()])).optional(),
        message: z.string(),
      }),
    )
    .optional(),
});

/** An Enterprise Server has REST at /api/v3 and GraphQL at /api/graphql. */
function graphqlAddress(base: URL): URL {
  const path = base.pathname.replace(/\/$/, '').replace(/\/v3$/, '');
  return new URL(`${base.origin}${path}/graphql`);
}

/** @throws CollectError for a text that is not one reading query of its name. */
function readingOnly({ name, text }: GraphqlQuery<z.ZodType>): string {
  const operations = text.match(/^\s*(?:query|mutation|subscription)\b[^{]*/gm) ?? [];
  if (operations.length === 1 && new RegExp(`^\\s*query\\s+${name}\\b`).test(text)) return text;
  throw new CollectError('CallNotDeclared', `graphql:${name} is not one query of that name`);
}

function readGraphql<Shape extends z.ZodType>(
  answer: WireAnswer,
  { name, answer: shape }: GraphqlQuery<Shape>,
  permission: string,
  partial: boolean,
): { data: z.output<Shape>; errors: GraphqlError[] } {
  const route = `graphql:${name}`;
  refuse(answer, route, permission);
  const parsed = graphqlSchema.safeParse(jsonOf(answer));
  if (!parsed.success) throw unreadable(route, 'answered with something that is not GraphQL');
  const errors = (parsed.data.errors ?? []).map(({ type = 'unknown', path, message }) => ({
    type,
    path: path ?? [],
    message: message.replace(/\s+/g, ' ').slice(0, 200),
  }));
  const fatal =
    partial && isObject(parsed.data.data)
      ? errors.find(({ path }) => path.length === 0)
      : errors[0];
  if (fatal !== undefined) throw graphqlFault(fatal, route, permission, answer.status);
  const data = shape.safeParse(parsed.data.data);
  if (!data.success) {
    const [issue] = data.error.issues;
    throw unreadable(
      route,
      `answered with something else than was asked for (${issue?.path.join('.')}: ${issue?.message})`,
    );
  }
  return { data: data.data, errors };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function graphqlFault(
  { type, message }: GraphqlError,
  route: string,
  permission: string,
  status: number,
): CallError {
  if (/^Something went wrong while executing your query/.test(message)) {
    return new CallError('ServiceError', `${route}: GitHub took too long`, type, 502);
  }
  if (['FORBIDDEN', 'INSUFFICIENT_SCOPES', 'NOT_FOUND'].includes(type)) {
    const missing = `was refused (${type}, "${message}")`;
    return new CallError(
      'AccessDenied',
      `${route} ${missing}; give the token ${permission}`,
      type,
      status,
    );
  }
  return new CallError(
    'ServiceError',
    `${route} answered with an error (${type}, "${message}")`,
    type,
    status,
  );
}

function callError(thrown: unknown, route: string, signal: AbortSignal): CallError {
  if (thrown instanceof CallError) return thrown;
  const cause = signal.aborted && signal.reason instanceof CollectError ? signal.reason : thrown;
  if (cause instanceof CollectError) {
    return new CallError(cause.code, cause.message, cause.code, null);
  }
  const detail = thrown instanceof Error ? String(thrown.cause ?? thrown.message) : String(thrown);
  return new CallError(
    'ConnectionFailed',
    `${route}: no whole answer (${detail.replace(/\s+/g, ' ').slice(0, 200)}); check the network and GITHUB_API_URL, then run again`,
    'ConnectionFailed',
    null,
  );
}
