/** What the SDK throws, as a code and a sentence that says what to do. */
import type { ProblemCode } from '../evidence/slice.ts';
import { CallError, CollectError } from '../plugin.ts';

/** Attempts of one call: with the pauses between, about fifteen seconds before a call is given up. */
export const mostAttempts = 15;

const deniedErrors =
  /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|UnauthorizedAccess|AuthorizationError|NotAuthorized|Forbidden|403)$/;
const credentialErrors =
  /^(CredentialsProviderError|ExpiredToken|ExpiredTokenException|InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|SignatureDoesNotMatch|AuthFailure|InvalidToken|RequestExpired)$/;
const throttlingErrors =
  /^(Throttling.*|.*Throttled.*|RequestLimitExceeded|TooManyRequests.*|SlowDown|BandwidthLimitExceeded|RequestThrottled.*|PriorRequestNotComplete|429)$/;
const connectionErrors =
  /^(TimeoutError|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ERR_STREAM_PREMATURE_CLOSE|CERT_.*|.*_CERT.*|.*CERTIFICATE.*|NetworkingError)$/;

interface Thrown {
  name?: string;
  code?: string;
  Code?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number };
  $response?: { statusCode?: number };
}

/** True for an answer that came whole and was not what the API says it gives. */
export function isUnreadable(thrown: unknown): boolean {
  const { name = '', message = '', $response } = thrown as Thrown;
  return (
    name === 'SyntaxError' ||
    /Deserialization error|Unclosed tag|is not valid JSON|XML/i.test(message) ||
    ($response?.statusCode === 200 && !(thrown instanceof CollectError))
  );
}

/** Turns whatever the SDK threw into a code, and a sentence that says what to do. */
export function callError(
  thrown: unknown,
  call: string,
  permission: string,
  account: string,
  signal: AbortSignal,
): CallError {
  if (thrown instanceof CallError) return thrown;
  if (thrown instanceof CollectError) {
    return new CallError(thrown.code, thrown.message, thrown.code, null);
  }
  const {
    name = 'Error',
    code,
    Code,
    message = String(thrown),
    $metadata,
    $response,
  } = thrown as Thrown;
  const status = $metadata?.httpStatusCode ?? $response?.statusCode ?? null;
  const names = [Code, name, code, status === null ? undefined : String(status)].filter(
    (item) => item !== undefined,
  );
  const is = (pattern: RegExp) => names.some((item) => pattern.test(item));
  const at = account === '' ? '' : ` in account ${account}`;
  const error = Code ?? (name === 'Error' ? (code ?? name) : name);
  const make = (problem: ProblemCode, text: string) => new CallError(problem, text, error, status);

  if (signal.aborted) {
    const reason = signal.reason;
    if (reason instanceof CollectError) return make(reason.code, reason.message);
    return make('Interrupted', `${call} was interrupted`);
  }
  if (is(credentialErrors)) {
    return make(
      'NoCredentials',
      `${call}: AWS did not accept the credentials (${oneLine(message)}); set AWS_PROFILE or AWS_ACCESS_KEY_ID, or sign in again`,
    );
  }
  if (
    is(throttlingErrors) ||
    (status === 503 && /slow ?down|reduce your request rate/i.test(message))
  ) {
    return make(
      'Throttled',
      `${call}${at} was throttled ${mostAttempts} times; run again at a quieter time or ask AWS for a higher limit`,
    );
  }
  if (is(deniedErrors)) {
    return make(
      'AccessDenied',
      `add ${permission} to the policy of the role that collects${at} (tickmark permissions prints the whole policy); ${call} was refused`,
    );
  }
  if (is(connectionErrors)) {
    return make(
      'ConnectionFailed',
      `${call}${at}: no whole answer (${oneLine(message)}); check the network, the proxy and AWS_ENDPOINT_URL, then run again`,
    );
  }
  if (isUnreadable(thrown) && (status === null || status < 400)) {
    return make(
      'UnreadableResponse',
      `${call}${at} answered with something that is not of its API (${oneLine(message)}); check AWS_ENDPOINT_URL and any proxy between`,
    );
  }
  return make('ServiceError', `${call}${at} failed: ${error}: ${oneLine(message)}`);
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
