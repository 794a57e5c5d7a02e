/**
 * A stand-in for GitHub on the loopback: REST and GraphQL over one plain description of a world,
 * read anew at each request. It checks its own REST answers against GitHub's description, keeps
 * GitHub's limits, writes down every request, and has faults on demand.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  armed,
  type CallMatch,
  type FaultKind,
  type FaultRule,
  type Matched,
  matches,
} from './github-faults.ts';
import { answerGraphql, measure, operationName } from './github-graphql.ts';
import { oidOf } from './github-ids.ts';
import { faultOf } from './github-openapi.ts';
import { type RestCall, RestRefusal, type RestResult, type Route, routes } from './github-rest.ts';
import { accountIn, type Rights, rightsOf } from './github-rights.ts';
import type { GitHubWorld } from './github-world.ts';

/** A request that the stand-in was asked. */
export interface SeenRequest {
  method: string;
  /** Path and query as sent. */
  path: string;
  /** `GET /orgs/{org}/members` or `graphql:Members`. */
  route: string;
  /** GraphQL's variables as JSON; empty for REST. */
  variables: string;
  /** What it took from the rate limit. */
  cost: number;
  /** Undefined while there is no answer. */
  status: number | undefined;
  /** The fault that it met. */
  fault: FaultKind | undefined;
}

/** How a stand-in behaves. */
export interface StandInOptions {
  /** `/api/v3`: as an Enterprise Server has it, GraphQL at `/api/graphql` and no rate limit. */
  basePath?: '' | '/api/v3';
  /** GitHub may hand out fewer entries a page than were asked for. */
  mostPerPage?: number;
  /** Requests and points a window; default GitHub's 5,000 an hour. */
  limit?: { core: number; graphql: number; windowSeconds: number };
  /** The time that limits, tokens and kept history are counted by; default the system's. */
  now?: () => Date;
}

/** A running stand-in. */
export interface GitHubStandIn {
  /** For `GITHUB_API_URL`. */
  endpoint: string;
  /** Change it at any time; the next request sees it. */
  world: GitHubWorld;
  /** Every request since the start or since `forget`, in order of arrival. */
  requests: SeenRequest[];
  /** What the stand-in could not do as GitHub does; each was answered 500. */
  mistakes: string[];
  /** How many requests match. */
  count(match?: CallMatch & { status?: number; fault?: FaultKind }): number;
  /** Empties `requests`. */
  forget(): void;
  /** Switches a fault on. Of several that match, the one switched on first strikes. */
  fault(rule: FaultRule): void;
  /** Switches all faults off. */
  mend(): void;
  /** Ends every connection. @throws Error if there were mistakes */
  close(): Promise<void>;
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

interface Budget {
  limit: number;
  used: number;
  /** Seconds since 1970. */
  reset: number;
}

/** One request on its way. */
interface Asked extends Matched {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  text: string;
  rights: Rights;
  now: Date;
  route: string;
  /** The declared route of REST. */
  rest: { route: Route; values: Record<string, string> } | undefined;
  graphql: { query: string; variables: Record<string, unknown> } | undefined;
}

const documentation = 'https://docs.github.com/rest';
const json = { 'content-type': 'application/json; charset=utf-8' };
const tokenRoute = 'POST /app/installations/{installation_id}/access_tokens';

/** Starts a stand-in on a free port. */
export async function startGitHub(
  world: GitHubWorld,
  options: StandInOptions = {},
): Promise<GitHubStandIn> {
  const { basePath = '', mostPerPage = Infinity, now = () => new Date() } = options;
  const enterprise = basePath !== '';
  const limit = options.limit ?? { core: 5_000, graphql: 5_000, windowSeconds: 3_600 };
  const limited = !enterprise || options.limit !== undefined;
  const requests: SeenRequest[] = [];
  const mistakes: string[] = [];
  let faults: { rule: FaultRule; strikes: (request: Matched) => boolean }[] = [];
  /** Installation tokens and when they end. */
  const issued = new Map<string, number>();
  const budgets: Record<'core' | 'graphql', Budget> = {
    core: { limit: limit.core, used: 0, reset: 0 },
    graphql: { limit: limit.graphql, used: 0, reset: 0 },
  };
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch((error: Error) => {
      mistakes.push(String(error.stack));
      if (!outgoing.headersSent) outgoing.writeHead(500, json);
      outgoing.end(JSON.stringify({ message: `stand-in: ${error.stack}` }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoint = `${origin}${basePath}`;

  const read = (incoming: IncomingMessage, text: string): Asked => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const url = new URL(path, origin);
    const isGraphql = url.pathname === (enterprise ? '/api/graphql' : '/graphql');
    const graphql = isGraphql ? readGraphql(text) : undefined;
    const rest = isGraphql ? undefined : findRoute(world, url.pathname, basePath);
    const route = graphql
      ? `graphql:${operationName(graphql.query)}`
      : (rest?.route.route ?? `${method} ${url.pathname}`);
    return {
      ...{ method, path, url, headers, text, route, rest, graphql },
      variables: graphql ? JSON.stringify(graphql.variables) : '',
      nodes: graphql ? (measure(graphql.query, graphql.variables)?.nodes ?? 0) : 0,
      rights: rightsOf(world),
      now: now(),
    };
  };

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const asked = read(incoming, Buffer.concat(await incoming.toArray()).toString());
    const { method, path, route, variables } = asked;
    const fault = faults.find(({ strikes }) => strikes(asked))?.rule;
    const seen: SeenRequest = {
      ...{ method, path, route, variables },
      ...{ cost: 0, status: undefined, fault: fault?.kind },
    };
    requests.push(seen);
    if (fault?.kind === 'hang') return;
    const answer = answerTo(asked, seen, fault);
    seen.status = answer.status;
    const body = Buffer.from(answer.body);
    const half = body.subarray(0, Math.floor(body.length / 2));
    const bodiless = answer.status === 304;
    const sent = fault?.kind === 'garbage' ? half : body;
    outgoing.writeHead(answer.status, {
      ...answer.headers,
      date: asked.now.toUTCString(),
      'x-github-request-id': requestId(requests.length),
      ...(bodiless ? {} : { 'content-length': String(sent.length) }),
    });
    if (fault?.kind === 'cut') outgoing.write(half, () => outgoing.socket?.destroySoon());
    else outgoing.end(bodiless ? undefined : sent);
  };

  const answerTo = (asked: Asked, seen: SeenRequest, fault: FaultRule | undefined): Answer => {
    const resource = asked.graphql === undefined ? 'core' : 'graphql';
    const budget = budgets[resource];
    const seconds = asked.now.getTime() / 1000;
    if (seconds >= budget.reset) {
      budget.used = 0;
      budget.reset = Math.ceil(seconds) + limit.windowSeconds;
    }
    const { seconds: pause = 1 } = fault ?? {};
    const limitHeaders = (left: number, reset: number) => ({
      'x-ratelimit-limit': String(budget.limit),
      'x-ratelimit-remaining': String(Math.max(0, left)),
      'x-ratelimit-used': String(budget.used),
      'x-ratelimit-reset': String(reset),
      'x-ratelimit-resource': resource,
    });
    const told = (): Record<string, string> =>
      limited ? limitHeaders(budget.limit - budget.used, budget.reset) : {};
    const usedUp = (reset: number) => {
      const { databaseId } = accountIn(world, asked.rights.handle);
      const message = `API rate limit exceeded for user ID ${databaseId}.`;
      const headers = limitHeaders(0, reset);
      if (asked.graphql !== undefined) {
        return plain(200, { errors: [{ type: 'RATE_LIMITED', message }] }, headers);
      }
      return refusal(403, message, headers);
    };
    switch (fault?.kind) {
      case 'rateLimit':
        return usedUp(Math.floor(seconds) + pause);
      case 'secondaryLimit': {
        const message =
          'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
        return refusal(fault.status ?? 403, message, { ...told(), 'retry-after': String(pause) });
      }
      case 'html':
        return page(fault.status ?? 502, 'Unicorn! · GitHub');
      case 'signIn':
        return page(200, 'Sign in to GitHub · GitHub');
      case 'tooHeavy':
        return plain(502, { data: null, errors: [{ message: tooLong(requests.length) }] }, told());
      case 'revoked':
        return refusal(401, 'Bad credentials', {});
      case 'denied':
        return denied(asked, told());
      case 'nullData':
        return plain(200, { data: null }, told());
    }
    const unknown = authenticate(asked);
    if (unknown !== undefined) return unknown;
    if (asked.headers['user-agent'] === undefined) {
      return refusal(403, 'Request forbidden by administrative rules.', {});
    }
    const index = fault?.kind === 'forbiddenNode' ? (fault.index ?? 0) : undefined;
    if (asked.graphql !== undefined) {
      const cost = measure(asked.graphql.query, asked.graphql.variables)?.cost ?? 1;
      if (limited && budget.used + cost > budget.limit) return usedUp(budget.reset);
      budget.used += cost;
      seen.cost = cost;
      return graphqlAnswer(asked, asked.graphql, budget, index, told());
    }
    if (limited && budget.used >= budget.limit) return usedUp(budget.reset);
    const answer = restAnswer(asked, fault?.kind);
    if (answer.status !== 304) {
      budget.used += 1;
      seen.cost = 1;
    }
    return { ...answer, headers: { ...answer.headers, ...told() } };
  };

  /** An answer for whom GitHub does not know; undefined for a good token. */
  const authenticate = ({ headers, now: time, route, rest }: Asked): Answer | undefined => {
    const [, token] = /^(?:bearer|token)\s+(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    if (token === undefined) return refusal(401, 'Requires authentication', {});
    if (route === tokenRoute) {
      const fault = faultOfAppToken(token, world, rest?.values.installation_id);
      return fault === undefined ? undefined : refusal(...fault, {});
    }
    const ends = issued.get(token);
    if (world.viewer.kind === 'app' && ends !== undefined && time.getTime() < ends)
      return undefined;
    return token === world.viewer.token ? undefined : refusal(401, 'Bad credentials', {});
  };

  const graphqlAnswer = (
    asked: Asked,
    { query, variables }: NonNullable<Asked['graphql']>,
    budget: Budget,
    forbidden: number | undefined,
    headers: Record<string, string>,
  ): Answer => {
    const measured = measure(query, variables);
    const { rights, now: time } = asked;
    const rateLimit = limited
      ? {
          cost: measured?.cost ?? 1,
          limit: budget.limit,
          remaining: budget.limit - budget.used,
          used: budget.used,
          nodeCount: measured?.nodes ?? 0,
          resetAt: new Date(budget.reset * 1000).toISOString().replace('.000Z', 'Z'),
        }
      : null;
    const { body, mistake } = answerGraphql(query, variables, {
      ...{ world, rights, now: time, mostPerPage, forbidden, rateLimit },
    });
    if (mistake !== undefined) return mistaken(`${asked.route}: ${mistake}`);
    return plain(200, body, { ...headers, ...scopesOf(rights) });
  };

  const restAnswer = (asked: Asked, fault: FaultKind | undefined): Answer => {
    const { rest, rights, url, now: time, method } = asked;
    if (rest === undefined || method !== rest.route.route.split(' ')[0]) {
      mistakes.push(`there is no route for ${method} ${url.pathname}`);
      return refusal(404, 'Not Found', {});
    }
    const { route, values } = rest;
    const headers = {
      ...scopesOf(rights),
      ...(rights.kind === 'classic' ? {} : { 'x-accepted-github-permissions': route.permissions }),
    };
    if (route === issueRoute) {
      const body = issueToken(world, time, issued);
      const wrong = faultOf(route.schema, body);
      return wrong === undefined ? plain(201, body, headers) : mistaken(wrong);
    }
    const call: RestCall = {
      ...{ world, rights, values, now: time, request: asked },
      api: endpoint,
      query: url.searchParams,
    };
    const org = values.org?.toLowerCase();
    try {
      if (org !== undefined && org !== world.organization.login.toLowerCase()) {
        throw new RestRefusal(404, 'Not Found');
      }
      const { body, link } = pageOf(route.answer(call), asked, fault);
      const wrong = faultOf(route.schema, body);
      if (wrong !== undefined) return mistaken(wrong);
      const text = JSON.stringify(body);
      const etag = `W/"${createHash('sha256').update(text).update(link).digest('hex')}"`;
      const all = {
        ...headers,
        etag,
        'cache-control': 'private, max-age=60, s-maxage=60',
        ...(link === '' ? {} : { link }),
      };
      if (asked.headers['if-none-match'] === etag) return { status: 304, headers: all, body: '' };
      return { status: 200, headers: { ...json, ...all }, body: text };
    } catch (error) {
      if (!(error instanceof RestRefusal)) throw error;
      return refusal(error.status, error.message, headers);
    }
  };

  /** One page of a list, and where the others are. */
  const pageOf = (result: RestResult, asked: Asked, fault: FaultKind | undefined) => {
    if (!('list' in result)) return { body: result.body, link: '' };
    const { list, key, paging = 'page', body: make } = result;
    const { searchParams } = asked.url;
    const wanted = searchParams.get('per_page');
    const size = Math.min(
      wanted === null ? (result.perPage ?? 30) : Math.min(Number(wanted), 100),
      mostPerPage,
    );
    const address = (changes: Record<string, string>) => {
      const target = new URL(asked.url);
      target.pathname = numbered(world, target.pathname);
      for (const name of ['page', 'before', 'after']) target.searchParams.delete(name);
      for (const [name, value] of Object.entries(changes)) target.searchParams.set(name, value);
      return target.href;
    };
    const links: [string, string][] = [];
    const number = Math.max(1, Number(searchParams.get('page') ?? 1));
    let start = (number - 1) * size;
    let end = start + size;
    if (paging === 'cursor') {
      const [after, before] = [searchParams.get('after'), searchParams.get('before')];
      start = after !== null ? placeOf(after) : before === null ? 0 : placeOf(before) - size;
      start = Math.max(0, start);
      end = before === null ? start + size : placeOf(before);
      if (start > 0) links.push(['prev', address({ before: cursorOf(start) })]);
      if (end < list.length) links.push(['next', address({ after: cursorOf(end) })]);
    } else {
      const last = Math.ceil(list.length / size);
      if (number > 1) links.push(['prev', address({ page: String(number - 1) })]);
      if (number < last) {
        links.push(['next', address({ page: String(number + 1) })]);
        links.push(['last', address({ page: String(last) })]);
      }
      if (number > 1) links.push(['first', address({ page: '1' })]);
    }
    const page = list.slice(start, end);
    const forged = forgedNext(fault, asked.url);
    const shown =
      forged === undefined ? links : [...links.filter(([rel]) => rel !== 'next'), forged];
    return {
      body:
        make?.(page, number) ??
        (key === undefined ? page : { total_count: list.length, [key]: page }),
      link: shown.map(([rel, target]) => `<${target}>; rel="${rel}"`).join(', '),
    };
  };

  const mistaken = (mistake: string): Answer => {
    mistakes.push(mistake);
    return plain(500, { message: `stand-in: ${mistake}` }, {});
  };

  return {
    endpoint,
    world,
    requests,
    mistakes,
    count: ({ status, fault, ...match } = {}) =>
      requests.filter(
        (seen) =>
          matches(seen, match) &&
          (status === undefined || seen.status === status) &&
          (fault === undefined || seen.fault === fault),
      ).length,
    forget: () => {
      requests.length = 0;
    },
    fault: (rule) => {
      faults = [...faults, { rule, strikes: armed(rule) }];
    },
    mend: () => {
      faults = [];
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
    },
  };
}

// --- Routes ------------------------------------------------------------------------------

const issueRoute: Route = {
  route: tokenRoute,
  schema: 'installation-token',
  permissions: '',
  answer: () => ({ body: undefined }),
};

/** Names of branches and refs hold slashes, sent as they are or escaped. */
const patterns = [...routes, issueRoute].map((route) => {
  const [, path = ''] = route.route.split(' ');
  const pattern = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    name === 'branch' || name === 'basehead' ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`,
  );
  return { route, pattern: new RegExp(`^${pattern}$`) };
});

function findRoute(world: GitHubWorld, pathname: string, basePath: string): Asked['rest'] {
  if (!pathname.startsWith(`${basePath}/`)) return undefined;
  const path = named(world, pathname.slice(basePath.length));
  for (const { route, pattern } of patterns) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const values = Object.entries(match.groups ?? {});
    return {
      route,
      values: Object.fromEntries(values.map(([name, value]) => [name, decodeURIComponent(value)])),
    };
  }
  return undefined;
}

/** GitHub's links to further pages name organisations and repositories by number. */
function numbered({ organization, repositories }: GitHubWorld, path: string): string {
  return path
    .replace(/\/orgs\/[^/]+/, `/organizations/${organization.databaseId}`)
    .replace(/\/repos\/[^/]+\/([^/]+)/, (whole, name: string) => {
      const repo = repositories.find((one) => one.name === name);
      return repo === undefined ? whole : `/repositories/${repo.databaseId}`;
    });
}

function named({ organization, repositories }: GitHubWorld, path: string): string {
  return path
    .replace(`/organizations/${organization.databaseId}/`, `/orgs/${organization.login}/`)
    .replace(/^\/repositories\/(\d+)/, (whole, id: string) => {
      const repo = repositories.find(({ databaseId }) => databaseId === Number(id));
      return repo === undefined ? whole : `/repos/${organization.login}/${repo.name}`;
    });
}

const cursorOf = (place: number) => Buffer.from(`place:${place}`).toString('base64url');

function placeOf(cursor: string): number {
  const place = Number(Buffer.from(cursor, 'base64url').toString().replace('place:', ''));
  if (!Number.isInteger(place)) throw new RestRefusal(400, 'Invalid cursor');
  return place;
}

function forgedNext(fault: FaultKind | undefined, url: URL): [string, string] | undefined {
  if (fault === 'nextRepeats') return ['next', url.href];
  if (fault !== 'nextElsewhere') return undefined;
  return ['next', `https://elsewhere.example.com${url.pathname}?page=2`];
}

// --- Answers -----------------------------------------------------------------------------

function plain(status: number, body: object, headers: Record<string, string>): Answer {
  return { status, headers: { ...json, ...headers }, body: JSON.stringify(body) };
}

/** An error as REST writes it. */
function refusal(status: number, message: string, headers: Record<string, string>): Answer {
  const body = { message, documentation_url: documentation, status: String(status) };
  const wrong = faultOf('error', body);
  if (wrong !== undefined) throw new Error(wrong);
  return plain(status, body, headers);
}

function page(status: number, title: string): Answer {
  const body = `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body></body></html>`;
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body };
}

/** What is answered to somebody whose right has gone. */
function denied(asked: Asked, headers: Record<string, string>): Answer {
  const { rights, graphql } = asked;
  if (graphql === undefined) return refusal(403, rights.refusal, headers);
  const error = { type: 'FORBIDDEN', path: ['organization'], message: rights.refusal };
  return plain(200, { data: { organization: null }, errors: [error] }, headers);
}

const tooLong = (number: number) =>
  `Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug. Please include \`${requestId(number)}\` when reporting this issue.`;

/** `7F2A:3C1E:…`, another one for each request. */
function requestId(number: number): string {
  return (
    oidOf(`request ${number}`)
      .toUpperCase()
      .match(/.{4,8}/g) ?? []
  ).join(':');
}

function scopesOf({ kind, scopes }: Rights): Record<string, string> {
  return kind === 'classic' ? { 'x-oauth-scopes': scopes.join(', ') } : {};
}

function readGraphql(text: string): { query: string; variables: Record<string, unknown> } {
  const { query = '', variables } = JSON.parse(text) as {
    query?: string;
    variables?: Record<string, unknown>;
  };
  return { query, variables: variables ?? {} };
}

// --- Apps --------------------------------------------------------------------------------

/** Apps prove themselves for ten minutes at most. */
const longestAppToken = 600;

/** What is wrong with the JSON Web Token of an App, by the machine's own clock. */
function faultOfAppToken(
  token: string,
  { app }: GitHubWorld,
  installation: string | undefined,
): [number, string] | undefined {
  const [head = '', claims = '', signature = ''] = token.split('.');
  const unreadable: [number, string] = [401, 'A JSON web token could not be decoded'];
  if (app === null) return [404, 'Integration not found'];
  let header: { alg?: unknown };
  let body: { iss?: unknown; iat?: unknown; exp?: unknown };
  try {
    header = JSON.parse(Buffer.from(head, 'base64url').toString());
    body = JSON.parse(Buffer.from(claims, 'base64url').toString());
  } catch {
    return unreadable;
  }
  const signed = verify(
    'sha256',
    Buffer.from(`${head}.${claims}`),
    createPublicKey(app.publicKey),
    Buffer.from(signature, 'base64url'),
  );
  if (header.alg !== 'RS256' || !signed) return unreadable;
  const { iss, iat, exp } = body;
  if (String(iss) !== String(app.id)) return [404, 'Integration not found'];
  const now = Date.now() / 1000;
  if (!Number.isInteger(iat) || (iat as number) > now + 1) {
    return [
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    ];
  }
  if (!Number.isInteger(exp) || (exp as number) <= now) {
    return [
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    ];
  }
  if ((exp as number) > now + longestAppToken) {
    return [401, "'Expiration time' claim ('exp') is too far in the future"];
  }
  return String(app.installation) === installation ? undefined : [404, 'Not Found'];
}

/** A token for an hour. */
function issueToken({ viewer }: GitHubWorld, now: Date, issued: Map<string, number>) {
  if (viewer.kind !== 'app') throw new Error('the world is not asked by an App');
  const token = `ghs_${oidOf(`installation token ${issued.size + 1}`).slice(0, 36)}`;
  const ends = now.getTime() + 3_600_000;
  issued.set(token, ends);
  return {
    token,
    expires_at: new Date(ends).toISOString().replace(/\.\d+Z$/, 'Z'),
    permissions: viewer.permissions,
    repository_selection: viewer.repositories === 'all' ? 'all' : 'selected',
  };
}
