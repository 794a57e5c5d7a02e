/**
 * A bucket of S3, or of a service that speaks its API, as a backend. A key is created by one
 * request that S3 refuses when the key is taken (`If-None-Match: *`); an object is there whole or
 * not at all. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
import { Readable } from 'node:stream';
import type {
  HeadObjectCommandOutput,
  ListObjectsV2CommandOutput,
  PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from '@smithy/types';
import { systemClock } from '../evidence/clock.ts';
import { TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';
import { maskText } from '../evidence/mask.ts';
import type { Backend, Entry } from './backend.ts';

const dayMs = 24 * 60 * 60 * 1_000;
const connectTimeoutMs = 5_000;
const answerTimeoutMs = 30_000;
/** Requests at the same time; more wait for one to end. */
const mostSockets = 64;
/** What is written here is far smaller; whoever put more there must not fill the memory. */
const mostBytes = 64 * 1024 * 1024;
/** S3 asks its users to slow down and to try again: with the pauses between, about 15 seconds. */
const mostThrottledAttempts = 15;
/** Broken connections and the server's own errors. */
const mostBrokenAttempts = 6;
const firstPauseMs = 50;
const longestPauseMs = 3_000;
const longestAskedPauseMs = 60_000;

/** Where in S3, and with what rights. */
export interface S3Place {
  bucket: string;
  /** Before every key, without slashes at its ends; empty for the bucket's root. */
  prefix: string;
  /** Default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1; S3 names the right one. */
  region?: string;
  /** Address of another service with S3's API; default AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS. */
  endpoint?: string;
  /** Of the shared AWS configuration; default the usual chain of credentials. */
  profile?: string;
  /** Each object is locked for so long from when it is written; the bucket needs Object Lock. */
  retention?: { mode: 'governance' | 'compliance'; days: number };
}

/**
 * Reads `s3://bucket/prefix`; the prefix may be missing.
 * @throws TickmarkError InvalidConfiguration
 */
export function parseS3Place(address: string): S3Place {
  const refuse = (reason: string) =>
    new TickmarkError(
      'InvalidConfiguration',
      `${maskText(address, new Set())} names no place in S3: ${reason}; write s3://BUCKET or s3://BUCKET/PREFIX`,
    );
  const rest = /^s3:\/\/(.*)$/s.exec(address)?.[1];
  if (rest === undefined) throw refuse('it does not begin with s3://');
  if (/[?#]/.test(rest)) throw refuse('it has a query or a fragment');
  const [bucket = '', ...segments] = rest.split('/');
  if (bucket === '') throw refuse('it has no bucket');
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || bucket.includes('..')) {
    throw refuse("a bucket's name is 3 to 63 lower-case letters, digits, dots and hyphens");
  }
  if (segments.at(-1) === '') segments.pop();
  if (segments.some((segment) => ['', '.', '..'].includes(segment))) {
    throw refuse("its prefix has a part that is empty, '.' or '..'");
  }
  if (/[\p{Cc}\\]/u.test(rest)) {
    throw refuse('its prefix has a control character or a backslash');
  }
  return { bucket, prefix: segments.join('/') };
}

/** Keeps bundles in S3. Nothing is loaded or asked before the first call. */
export function s3Backend(place: S3Place): Backend {
  const { bucket: Bucket, prefix: base, retention } = place;
  const location = base === '' ? `s3://${Bucket}` : `s3://${Bucket}/${base}`;
  const below = base === '' ? '' : `${base}/`;
  const objects = `arn:aws:s3:::${Bucket}/${below}*`;
  const listRight = `s3:ListBucket on arn:aws:s3:::${Bucket}`;
  const readRight = `s3:GetObject on ${objects} and ${listRight} (without it S3 refuses to say that a key is missing)`;
  const writeRight = `${retention === undefined ? 's3:PutObject' : 's3:PutObject and s3:PutObjectRetention'} on ${objects}`;

  let connection: Promise<S3Connection> | undefined;
  const connect = () => {
    connection ??= connectS3(place);
    return connection;
  };
  /** Does `work`, or says that `verb` was not possible at that key. */
  const guarded = async <T>(
    verb: string,
    key: string,
    permission: string,
    work: (connection: S3Connection, Key: string) => Promise<T>,
  ): Promise<T> => {
    try {
      return await work(await connect(), `${below}${key}`);
    } catch (thrown) {
      throw s3Error(thrown, `${verb} ${location}/${key}`, permission);
    }
  };

  const put = async (
    { client, sdk }: S3Connection,
    key: string,
    Key: string,
    bytes: Uint8Array,
    condition: Pick<PutObjectCommandInput, 'IfNoneMatch'>,
  ) => {
    const { ETag } = await client.send(
      new sdk.PutObjectCommand({
        ...{ Bucket, Key, Body: bytes, ...condition },
        ...{ ContentType: contentTypeOf(key), ChecksumAlgorithm: 'SHA256' },
        ...(retention === undefined
          ? {}
          : {
              ObjectLockMode: retention.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
              ObjectLockRetainUntilDate: new Date(
                systemClock.now().getTime() + retention.days * dayMs,
              ),
            }),
      }),
    );
    // S3 names what it keeps. A portal in between that says yes to everything keeps nothing.
    if (ETag === undefined) throw new NotS3('the answer to the write names no ETag');
  };

  const read = (key: string) =>
    guarded('read', key, readRight, async ({ client, sdk }, Key) => {
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key }));
        const whole = await Body?.transformToByteArray();
        if (whole === undefined) throw new NotS3('the answer has no body');
        return Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength);
      } catch (thrown) {
        if (isNamed(thrown, 'NoSuchKey')) return undefined;
        throw thrown;
      }
    });

  /** What S3 tells of an object, or undefined when there is none. */
  const head = async (
    { client, sdk }: S3Connection,
    Key: string,
  ): Promise<HeadObjectCommandOutput | undefined> => {
    try {
      return await client.send(new sdk.HeadObjectCommand({ Bucket, Key }));
    } catch (thrown) {
      // An answer to HEAD has no body, and so no code: a missing bucket looks the same.
      if (isNamed(thrown, 'NotFound', 'NoSuchKey')) return undefined;
      throw thrown;
    }
  };

  async function* pages(prefix: string, how: { Delimiter?: string }) {
    const Prefix = `${below}${prefix}/`;
    let token: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await guarded(
        'list',
        prefix,
        listRight,
        async ({ client, sdk }) => {
          const answer = await client.send(
            new sdk.ListObjectsV2Command({
              ...{ Bucket, Prefix, ...how },
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
          );
          // An empty list would be an empty store: it is believed when S3 says that it is whole.
          if (answer.IsTruncated === undefined) throw new NotS3('the answer is no list');
          const next = answer.NextContinuationToken;
          if (answer.IsTruncated && (next === undefined || next === token)) {
            throw new NotS3('the list says that more follows and not where');
          }
          return answer;
        },
      );
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        // A key that ends with a slash is a console's way to show an empty folder.
        if (Key === undefined || Key.endsWith('/')) continue;
        yield { key: Key.slice(below.length), bytes: Size ?? 0, modified: LastModified };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  return {
    location,
    async create(key, bytes) {
      const outcome = await guarded('write', key, writeRight, async (connected, Key) => {
        try {
          await put(connected, key, Key, bytes, { IfNoneMatch: '*' });
          return 'made';
        } catch (thrown) {
          if (!isNamed(thrown, 'PreconditionFailed', '412')) throw thrown;
          return attemptsOf(thrown) > 1 ? 'perhaps' : 'taken';
        }
      });
      if (outcome !== 'perhaps') return outcome === 'made';
      // An attempt whose answer was lost may have written what the next one found there.
      const there = await read(key);
      return there !== undefined && Buffer.compare(there, bytes) === 0;
    },
    read,
    async list(prefix) {
      const keys: string[] = [];
      for await (const { key } of pages(prefix, { Delimiter: '/' })) keys.push(key);
      return keys.sort(compareText);
    },
    async *entries(prefix): AsyncGenerator<Entry> {
      for await (const { key, bytes, modified } of pages(prefix, {})) {
        // S3 always says when; what does not say so counts as new, so that no cleaning takes it.
        yield { key, bytes, modified: modified ?? systemClock.now(), temporary: false };
      }
    },
    async renew(key, bytes) {
      await guarded('renew', key, `${writeRight}, ${readRight}`, async (connected, Key) => {
        const written = (await head(connected, Key))?.LastModified?.getTime() ?? 0;
        if (systemClock.now().getTime() - written < dayMs) return;
        await put(connected, key, Key, bytes, {});
      });
    },
    async remove(key) {
      const permission = `s3:DeleteObject and s3:DeleteObjectVersion on ${objects} (with s3:GetObjectRetention it is told whether a lock holds it), ${readRight}`;
      await guarded('remove', key, permission, async (connected, Key) => {
        const { client, sdk } = connected;
        const first = await head(connected, Key);
        let found = first;
        // In a bucket with versions each renewal left one, and the newest gives way to the one
        // before. What is newer than the first look was written since by somebody else.
        while (found !== undefined && !(timeOf(found) > timeOf(first))) {
          const { VersionId } = found;
          // Without its version an object is not deleted but hidden, whatever locks it.
          await client
            .send(
              new sdk.DeleteObjectCommand({
                ...{ Bucket, Key },
                ...(VersionId === undefined ? {} : { VersionId }),
              }),
            )
            .catch((thrown) => {
              throw heldBy(found, `${location}/${key}`) ?? thrown;
            });
          if (VersionId === undefined) return;
          found = await head(connected, Key);
          if (found?.VersionId === VersionId) {
            throw new NotS3(`version ${VersionId} was deleted and is still there`);
          }
        }
      });
    },
  };
}

/** A client and the package it is of. */
interface S3Connection {
  client: S3Client;
  sdk: typeof import('@aws-sdk/client-s3');
}

/** Loads the SDK and makes a client; credentials are looked for at its first call. */
export async function connectS3(place: S3Place): Promise<S3Connection> {
  const { endpoint, profile } = place;
  // The SDK's note about old Node versions is for its developers; package.json pins both.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const [sdk, { fromNodeProviderChain }, { NodeHttpHandler }, config] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/credential-providers'),
    import('@smithy/node-http-handler'),
    import('@smithy/core/config'),
  ]);
  const ofProfile = profile === undefined ? {} : { profile };
  const region = config.loadConfig(
    {
      environmentVariableSelector: (env) => env.AWS_REGION || env.AWS_DEFAULT_REGION,
      configFileSelector: (section) => section.region,
      default: 'us-east-1',
    },
    { ...config.NODE_REGION_CONFIG_FILE_OPTIONS, ...ofProfile },
  );
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
  const client = new sdk.S3Client({
    ...ofProfile,
    region: place.region ?? region,
    credentials: fromNodeProviderChain(ofProfile),
    ...(endpoint === undefined ? {} : { endpoint }),
    // Other services seldom have the bucket in their host's name; S3 itself prefers it there.
    forcePathStyle: Boolean(endpoint || AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL),
    followRegionRedirects: true,
    retryStrategy,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: connectTimeoutMs,
      requestTimeout: answerTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: answerTimeoutMs,
      httpAgent: { maxSockets: mostSockets },
      httpsAgent: { maxSockets: mostSockets },
    }),
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { body?: unknown };
      // Read here, below the retries: an answer that breaks off is asked for again.
      if (response.body instanceof Readable) response.body = await wholeBody(response.body);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'tickmarkWholeAnswer' },
  );
  return { client, sdk };
}

async function wholeBody(body: Readable): Promise<Readable> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > mostBytes) {
      body.destroy();
      throw new NotS3(
        `the answer has more than ${mostBytes} bytes, which nothing written here has`,
      );
    }
    parts.push(part);
  }
  return Readable.from([Buffer.concat(parts)]);
}

/**
 * Retries what may pass. The pause is random below a doubling limit ("full jitter"), and never
 * shorter than `Retry-After` asks.
 */
const retryStrategy: RetryStrategyV2 = {
  acquireInitialRetryToken: async () => retryToken(0, 0),
  async refreshRetryTokenForRetry(previous, info) {
    const count = previous.getRetryCount() + 1;
    if (count >= mostAttemptsFor(info)) throw new Error('not retried');
    const limit = Math.min(longestPauseMs, firstPauseMs * 2 ** count);
    const asked =
      info.retryAfterHint === undefined
        ? 0
        : info.retryAfterHint.getTime() - systemClock.now().getTime();
    return retryToken(count, Math.max(Math.random() * limit, Math.min(asked, longestAskedPauseMs)));
  },
  recordSuccess: () => {},
};

function retryToken(count: number, delay: number): RetryToken {
  return { getRetryCount: () => count, getRetryDelay: () => delay };
}

function mostAttemptsFor({ errorType, error }: RetryErrorInfo): number {
  // 503 without a code is the answer to HEAD; 409 is a writer of the same key at the same moment.
  if (errorType === 'THROTTLING' || isNamed(error, ...throttled, ...conflict)) {
    return mostThrottledAttempts;
  }
  return errorType === 'TRANSIENT' ? mostBrokenAttempts : 1;
}

const throttled = [
  'SlowDown',
  '503',
  '429',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
];
const conflict = ['ConditionalRequestConflict', 'OperationAborted'];

/** An answer that the service at the endpoint would not give if it were S3. */
class NotS3 extends Error {
  override readonly name = 'NotS3';
}

interface Thrown {
  name?: string;
  code?: string;
  Code?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number; attempts?: number };
}

/** The names that an error goes by: S3's code, Node's, the SDK's, and the status last. */
function namesOf(thrown: unknown): string[] {
  const { Code, name, code, $metadata } = thrown as Thrown;
  return [Code, code, name, $metadata?.httpStatusCode?.toString()].filter(
    (item) => item !== undefined,
  );
}

/** Whether an error goes by one of these names. */
export function isNamed(thrown: unknown, ...names: string[]): boolean {
  return namesOf(thrown).some((name) => names.includes(name));
}

function attemptsOf(thrown: unknown): number {
  return (thrown as Thrown).$metadata?.attempts ?? 1;
}

/**
 * What to do about an error of S3, by its names; the first that fits holds. Codes:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const advices: { names: string[]; advice: string | ((permission: string) => string) }[] = [
  {
    names: ['CredentialsProviderError'],
    advice:
      'no AWS credentials were found: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or name a profile for the store',
  },
  {
    names: ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'],
    advice: 'the AWS credentials have expired: sign in again',
  },
  {
    names: ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'InvalidClientTokenId'],
    advice:
      'the AWS credentials were not accepted: check AWS_PROFILE, or AWS_ACCESS_KEY_ID with its secret',
  },
  {
    names: ['RequestTimeTooSkewed'],
    advice: "this machine's clock is too far from S3's: set it right",
  },
  {
    names: ['NoSuchBucket'],
    advice:
      'there is no such bucket: create it with versioning and Object Lock, or name another with --store',
  },
  {
    names: ['InvalidObjectState'],
    advice: 'the object was moved to an archive: restore it, and keep evidence out of archives',
  },
  {
    names: [
      'PermanentRedirect',
      'AuthorizationHeaderMalformed',
      'IllegalLocationConstraintException',
      '301',
    ],
    advice: 'the bucket is in another region: name its region for the store',
  },
  {
    names: throttled,
    advice: `S3 asked ${mostThrottledAttempts} times for fewer requests: run again at a quieter time`,
  },
  {
    names: conflict,
    advice: `others wrote the same key ${mostThrottledAttempts} times at the same moment: run again`,
  },
  {
    names: ['InternalError', 'ServiceUnavailable', '500', '502', '504'],
    advice: `S3 failed ${mostBrokenAttempts} times on its own side: run again later`,
  },
  {
    names: ['NotImplemented', '501'],
    advice:
      'the service does not implement what keeps evidence from being overwritten or deleted (If-None-Match on writes, or Object Lock): use one that does, or leave the retention out if only that is missing',
  },
  {
    names: ['AccessDenied', 'Forbidden', 'AllAccessDisabled', 'AccountProblem', '403'],
    advice: (permission) => `S3 refused it: add ${permission} to the policy of the role`,
  },
  {
    names: [
      ...[
        'TimeoutError',
        'ECONNREFUSED',
        'ECONNRESET',
        'EPIPE',
        'ETIMEDOUT',
        'ENOTFOUND',
        'EAI_AGAIN',
      ],
      ...['EHOSTUNREACH', 'ENETUNREACH', 'NetworkingError'],
    ],
    advice:
      'there was no whole answer: check the network, the proxy and the endpoint, then run again',
  },
  {
    names: [
      ...['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
      ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    advice:
      "the service's certificate is not trusted: check the endpoint and any proxy between, or name its authority in NODE_EXTRA_CA_CERTS",
  },
  {
    names: ['NotS3', 'SyntaxError', '200', '404'],
    advice: 'this is not how S3 answers: check the endpoint and any proxy between',
  },
  {
    names: ['InvalidRequest'],
    advice:
      'S3 did not accept the request; if it misses Object Lock: create the bucket with it, or leave the retention out',
  },
  {
    names: ['400'],
    advice:
      'S3 did not accept the request: check the region, the retention and whether the credentials have expired',
  },
];

/**
 * Says what could not be done at S3 and what to do about it, with S3's own words at the end.
 * @param what `read s3://bucket/key`
 * @param permission what a policy must allow for it
 */
export function s3Error(thrown: unknown, what: string, permission: string): TickmarkError {
  if (thrown instanceof TickmarkError) return thrown;
  const { message = String(thrown) } = thrown as Thrown;
  const names = namesOf(thrown);
  const found = advices.find((entry) => entry.names.some((name) => names.includes(name)));
  const advice =
    typeof found?.advice === 'function'
      ? found.advice(permission)
      : (found?.advice ?? 'mend what S3 or its client says, then run again');
  const words = maskText(`${names[0]}: ${message}`.replace(/\s+/g, ' ').slice(0, 300), new Set());
  return new TickmarkError('StoreUnavailable', `cannot ${what}: ${advice} (${words})`, {
    cause: thrown,
  });
}

/** The lock that an object is under, as the reason why it cannot be removed. */
function heldBy(
  object: HeadObjectCommandOutput | undefined,
  address: string,
): TickmarkError | undefined {
  const until = object?.ObjectLockRetainUntilDate;
  const locked = until !== undefined && until.getTime() > systemClock.now().getTime();
  if (!locked && object?.ObjectLockLegalHoldStatus !== 'ON') return undefined;
  const how = locked
    ? `Object Lock holds it until ${until.toISOString()} (${object?.ObjectLockMode})`
    : 'a legal hold is on it';
  return new TickmarkError(
    'StoreUnavailable',
    `cannot remove ${address}: ${how}; leave it there, a locked object does no harm`,
  );
}

function timeOf(object: HeadObjectCommandOutput | undefined): number {
  return object?.LastModified?.getTime() ?? 0;
}

function contentTypeOf(key: string): string {
  if (key.endsWith('.json')) return 'application/json';
  return key.endsWith('.gz') ? 'application/gzip' : 'application/octet-stream';
}
