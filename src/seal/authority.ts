/**
 * Asks timestamp authorities over HTTP (RFC 3161, 3.4). What they answer is a stranger's: bounded,
 * and checked as a token before anybody sees it.
 */
import { randomBytes } from 'node:crypto';
import { messageOf } from '../evidence/errors.ts';
import {
  mostReplyBytes,
  type Stamp,
  TimestampError,
  type TimestampErrorCode,
  timestampRequest,
  tokenOf,
} from './timestamp.ts';

export interface TimestampOptions {
  /** PEM; without them it is not asked whether the authority can be trusted. */
  roots?: readonly string[];
  /** Aborts everything: what then is thrown is the signal's reason. */
  signal: AbortSignal;
  /** For the whole of an authority's answer; default 15 000. */
  timeoutMs?: number;
}

const defaultTimeoutMs = 15_000;
const nonceBytes = 8;

/**
 * A token for a SHA-256 digest from one authority.
 * @param url `http:` or `https:`; a name and password in it are sent as Basic authentication.
 * @throws TimestampError that names the authority, without its password and parameters.
 */
export async function requestToken(
  url: string,
  digest: Uint8Array,
  options: TimestampOptions,
): Promise<{ token: Buffer; stamp: Stamp }> {
  const address = addressOf(url);
  const nonce = randomBytes(nonceBytes);
  // Positive, and no longer than its bytes: some authorities read no more than 64 bits.
  nonce[0] = (nonce[0] ?? 0) & 0x7f;
  try {
    const reply = await ask(address, timestampRequest(digest, nonce), options);
    const { roots } = options;
    return await tokenOf(reply, { digest, nonce, ...(roots && { roots }) });
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof TimestampError)) throw error;
    throw failure(address, error.code, error.message, error);
  }
}

/**
 * A token for a SHA-256 digest from the first authority that gives a good one.
 * @returns the token and whose it is; or each authority's failure, as a sentence, in their order.
 */
export async function stampDigest(
  authorities: readonly string[],
  digest: Uint8Array,
  options: TimestampOptions,
): Promise<{ token: Buffer; stamp: Stamp; authority: string } | { failures: string[] }> {
  const failures: string[] = [];
  for (const authority of authorities) {
    try {
      return {
        ...(await requestToken(authority, digest, options)),
        authority: authorityName(authority),
      };
    } catch (error) {
      if (!(error instanceof TimestampError)) throw error;
      failures.push(error.message);
    }
  }
  return { failures };
}

/** An authority as evidence and messages name it: without password and parameters. */
export function authorityName(url: string): string {
  return withoutSecrets(addressOf(url));
}

function addressOf(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address !== undefined && /^https?:$/.test(address.protocol)) return address;
  // What it is instead may hold a password.
  throw new TimestampError(
    'Unreachable',
    'a timestamp authority has no http: or https: address; correct the configuration',
  );
}

async function ask(
  address: URL,
  request: Buffer,
  { signal, timeoutMs = defaultTimeoutMs }: TimestampOptions,
): Promise<Buffer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(withoutSecrets(address, address.search), {
      method: 'POST',
      headers: {
        'content-type': 'application/timestamp-query',
        accept: 'application/timestamp-reply',
        ...authorization(address),
      },
      body: request,
      // A redirect would carry the password wherever it points.
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    });
    const body = await bodyOf(response);
    assertReply(response);
    return body;
  } catch (error) {
    if (error instanceof TimestampError) throw error;
    const why = timeout.aborted
      ? `it did not answer within ${timeoutMs / 1_000} s`
      : `it cannot be reached (${messageOf(rootCause(error))})`;
    throw new TimestampError('Unreachable', `${why}; see whether this machine may reach it`, {
      cause: error,
    });
  }
}

function assertReply({ status, headers }: Response): void {
  if (status >= 300 && status < 400) {
    throw new TimestampError(
      'BadAnswer',
      `it redirects to another address (status ${status}); configure that one, if you trust it`,
    );
  }
  if (status !== 200) {
    throw new TimestampError(
      'BadAnswer',
      `it answered with status ${status}; see that the address is right, or try again later`,
    );
  }
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/timestamp-reply') return;
  throw new TimestampError(
    'BadAnswer',
    'it answered with something else than a timestamp reply; see that the address is right, and that no proxy answers in its place',
  );
}

async function bodyOf(response: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > mostReplyBytes) {
      throw new TimestampError(
        'BadAnswer',
        `it answered with more than ${mostReplyBytes} bytes; ask another authority`,
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** `fetch` hides what happened below its own error. */
function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const pair = [username, password].map(decodeURIComponent).join(':');
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** `fetch` takes no address with a password in it, and nobody should read one. */
function withoutSecrets({ origin, pathname }: URL, search = ''): string {
  return `${origin}${pathname}${search}`;
}

function failure(
  address: URL,
  code: TimestampErrorCode,
  message: string,
  cause: unknown,
): TimestampError {
  return new TimestampError(code, `no timestamp from ${withoutSecrets(address)}: ${message}`, {
    cause,
  });
}
