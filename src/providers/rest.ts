/** What clients of JSON APIs over HTTP share: addresses, pages, whole answers. */
import { TickmarkError } from '../evidence/errors.ts';
import { CollectError } from '../plugin.ts';
import type { WireAnswer } from './wire.ts';

const answerTimeoutMs = 30_000;
/** A page may not be larger than this; APIs answer with far less. */
const mostBytes = 64 * 1024 * 1024;

/** A base address. @throws TickmarkError for one that is none, or that holds credentials */
export function parseBase(baseUrl: string): URL {
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
export function addressOf(
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
export function followable(
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

/** One request and its whole answer; redirects are not followed. */
export async function ask(
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
  post?: string,
): Promise<WireAnswer> {
  const response = await fetch(url, {
    headers: { accept: 'application/json', ...headers },
    ...(post === undefined ? {} : { method: 'POST', body: post }),
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

/** Ends after `ms`, or at once when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
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
