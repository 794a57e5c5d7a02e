/**
 * AWS clients: the only place where they are made. Every attempt of every call passes through
 * one function here, which refuses what is not declared, limits, records and traces.
 */
import { Readable } from 'node:stream';
import type { AwsCredentialIdentity, RetryStrategyV2, RetryToken } from '@smithy/types';
import type { JsonObject } from '../evidence/json.ts';
import {
  type AwsContext,
  type AwsCredentialsChoice,
  type AwsPaging,
  type AwsProvider,
  type AwsService,
  CallError,
  CollectError,
  type Tracer,
} from '../plugin.ts';
import { isAnswerOf } from './aws-answers.ts';
import { callError, isUnreadable, mostAttempts } from './aws-errors.ts';
import type { CallDesk } from './calls.ts';
import { rejectionOf } from './deadline.ts';
import { toJson, type WireAnswer } from './wire.ts';

const firstPauseMs = 50;
const longestPauseMs = 3_000;
/** A service may ask for a longer pause; it is asked again all the same, and may refuse again. */
const longestAskedPauseMs = 60_000;
const connectTimeoutMs = 5_000;
const answerTimeoutMs = 30_000;
/** A page has at most a thousand entries; the largest are some megabytes. */
const mostBytes = 64 * 1024 * 1024;

const sts: AwsService<typeof import('@aws-sdk/client-sts')> = {
  service: 'sts',
  load: () => import('@aws-sdk/client-sts'),
};

// What this module uses of an SDK client, whichever service it is for.
interface SdkCommand {
  middlewareStack: {
    add(middleware: unknown, options: { step: string; priority: string; name: string }): void;
  };
}
interface SdkClient {
  send(command: SdkCommand, options: { abortSignal: AbortSignal }): Promise<object>;
}
type SdkModule = Record<string, new (input: unknown) => unknown>;
interface SdkResponse {
  statusCode: number;
  headers: Record<string, string>;
  body?: unknown;
}
interface SdkRequest {
  protocol: string;
  hostname: string;
  port?: number;
  headers: Record<string, string>;
}

type Credentials = () => Promise<AwsCredentialIdentity>;

interface Connection {
  /** How recordings name it. */
  label: string;
  credentials: Credentials;
  /** Twelve digits; empty until the identity is proven. */
  account: string;
  partition: string;
}

export function createAwsProvider(desk: CallDesk, env: NodeJS.ProcessEnv): AwsProvider {
  const clients = new Map<string, Promise<{ client: SdkClient; module: SdkModule }>>();

  const clientFor = (service: AwsService<unknown>, connection: Connection, region: string) => {
    const key = `${connection.label} ${service.service} ${region}`;
    const known = clients.get(key);
    if (known !== undefined) return known;
    const made = desk.wire.replaying
      ? replayClient(service, region)
      : makeClient(service, connection.credentials, region, env);
    clients.set(key, made);
    return made;
  };

  const send = async (
    service: AwsService<unknown>,
    operation: string,
    input: object,
    at: {
      connection: Connection;
      region: string;
      tracer: Tracer;
      page?: number;
      pageToken?: string;
    },
  ): Promise<object> => {
    const { connection, region, tracer } = at;
    const name = `${service.service}:${operation}`;
    const permission = tracer.permissionFor(name);
    const parameters = toJson(input) as JsonObject;
    const call = desk.begin(
      { service: service.service, operation, region, parameters },
      at.page === undefined ? undefined : { page: at.page, token: at.pageToken },
    );
    const { client, module } = await clientFor(service, connection, region);
    const Command = module[`${operation}Command`];
    if (Command === undefined) {
      throw new CollectError(
        'CollectorFailed',
        `${name} is not an operation of ${service.service}`,
      );
    }
    const command = new Command(input) as SdkCommand;
    command.middlewareStack.add(
      (next: (args: { request: SdkRequest }) => Promise<{ response: SdkResponse }>) =>
        async (args: { request: SdkRequest }) => {
          const answer = await desk.attempt(
            call,
            {
              service: service.service,
              operation,
              connection: connection.label,
              region,
              input: parameters,
            },
            `${connection.account} ${service.service}`,
            originOf(args.request),
            async () => readResponse((await next(args)).response),
          );
          if (answer.status === 200 && !isAnswerOf(service.service, operation, answer.body)) {
            throw new CollectError(
              'UnreadableResponse',
              `${name} answered with something that is not of its API; check AWS_ENDPOINT_URL and any proxy between`,
            );
          }
          const { HttpResponse } = await import('@smithy/core/protocols');
          // By the date the SDK corrects its clock, and asks again what was refused: a recording
          // is of another day, and holds the answer once.
          const { date: _recorded, ...undated } = answer.headers;
          return {
            response: new HttpResponse({
              statusCode: answer.status,
              headers: desk.wire.replaying ? undated : answer.headers,
              body: Readable.from([Buffer.from(answer.body)]),
            }),
          };
        },
      { step: 'deserialize', priority: 'low', name: 'tickmarkWire' },
    );
    try {
      // The SDK waits out its pauses whatever the signal says.
      const output = await Promise.race([
        client.send(command, { abortSignal: tracer.signal }),
        rejectionOf(tracer.signal),
      ]);
      return desk.record(tracer, output, desk.finish(call));
    } catch (thrown) {
      const error = callError(thrown, name, permission, connection.account, tracer.signal);
      throw desk.record(tracer, error, desk.finish(call, error.error));
    }
  };

  const contextOf = (
    connection: Connection,
    region: string,
    onces: Map<string, Promise<unknown>>,
  ) => {
    const attach = (tracer: Tracer): AwsContext => {
      const call = (
        service: AwsService<unknown>,
        operation: string,
        input: object,
        options?: { region?: string },
      ) =>
        send(service, operation, input, { connection, region: options?.region ?? region, tracer });
      const find = async (
        service: AwsService<unknown>,
        operation: string,
        input: object,
        options: { absent: string[]; region?: string },
      ) => {
        try {
          const output = await call(service, operation, input, options);
          return desk.alias(tracer, { output }, output);
        } catch (error) {
          if (error instanceof CallError && options.absent.includes(error.error)) {
            return desk.absent(tracer, {}, error);
          }
          throw error;
        }
      };
      async function* pages(
        service: AwsService<unknown>,
        operation: string,
        input: Record<string, unknown>,
        paging: AwsPaging<unknown, string>,
      ) {
        const {
          send: sendField,
          receive,
          more,
        } = paging as {
          send: string;
          receive: string;
          more?: string;
        };
        const seen = new Set<string>();
        let token: string | undefined;
        for (let page = 1; ; page += 1) {
          const output = (await send(
            service,
            operation,
            token === undefined ? input : { ...input, [sendField]: token },
            { connection, region, tracer, page, pageToken: sendField },
          )) as Record<string, unknown>;
          const next = output[receive];
          const hasToken = typeof next === 'string' && next !== '';
          const hasMore = more === undefined ? hasToken : output[more] === true;
          const name = `${service.service}:${operation}`;
          if (hasMore && !hasToken) {
            throw new CollectError(
              'RefusedPage',
              `${name} says that page ${page} is not the last and names no next one: the list is cut; run again, and report it to the service if it stays`,
            );
          }
          yield output;
          if (!hasMore || !hasToken) return;
          if (seen.has(next)) {
            throw new CollectError(
              'RefusedPage',
              `${name} names the same next page twice (after page ${page}): the list has no end; run again, and report it to the service if it stays`,
            );
          }
          seen.add(next);
          token = next;
        }
      }
      const once = <T>(key: string, work: (aws: AwsContext) => Promise<T>): Promise<T> =>
        desk.once(onces, `${region} ${key}`, tracer, (shared) => work(attach(shared)));
      // The public types tie each operation to its input and output; behind them all are alike.
      return {
        account: connection.account,
        partition: connection.partition,
        region,
        call,
        find,
        pages,
        once,
      } as unknown as AwsContext;
    };
    return attach;
  };

  return {
    async defaultRegion() {
      if (desk.wire.replaying) return undefined;
      const { loadConfig } = await import('@smithy/core/config');
      const { NODE_REGION_CONFIG_OPTIONS, NODE_REGION_CONFIG_FILE_OPTIONS } = await import(
        '@smithy/core/config'
      );
      return loadConfig<string | undefined>(
        { ...NODE_REGION_CONFIG_OPTIONS, default: undefined as unknown as string },
        NODE_REGION_CONFIG_FILE_OPTIONS,
      )().catch(() => undefined);
    },
    async account(choice, region, tracer) {
      const connection = await connect(choice, region, tracer);
      const identity = (await send(
        sts,
        'GetCallerIdentity',
        {},
        { connection, region, tracer },
      )) as {
        Account?: string;
        Arn?: string;
      };
      if (identity.Account === undefined || identity.Arn === undefined) {
        throw new CollectError(
          'UnreadableResponse',
          'sts:GetCallerIdentity named no account; check AWS_ENDPOINT_URL',
        );
      }
      const partition = identity.Arn.split(':')[1] ?? 'aws';
      const proven: Connection = { ...connection, account: identity.Account, partition };
      const onces = new Map<string, Promise<unknown>>();
      return {
        identity: { subject: identity.Arn, account: identity.Account },
        partition,
        in: (name) => contextOf(proven, name, onces),
      };
    },
  };

  async function connect(
    choice: AwsCredentialsChoice,
    region: string,
    tracer: Tracer,
  ): Promise<Connection> {
    const base: Connection = {
      label: choice.profile ?? 'default',
      credentials: desk.wire.replaying ? noCredentials : await defaultCredentials(choice.profile),
      account: '',
      partition: 'aws',
    };
    const { role } = choice;
    if (role === undefined) return base;
    let current: { credentials: AwsCredentialIdentity; renewAt: number } | undefined;
    const assume = async (): Promise<AwsCredentialIdentity> => {
      if (current !== undefined && Date.now() < current.renewAt) return current.credentials;
      const answer = (await send(
        sts,
        'AssumeRole',
        {
          RoleArn: role,
          RoleSessionName: 'tickmark',
          ...(choice.externalId === undefined ? {} : { ExternalId: choice.externalId }),
        },
        { connection: base, region, tracer },
      )) as {
        Credentials?: {
          AccessKeyId?: string;
          SecretAccessKey?: string;
          SessionToken?: string;
          Expiration?: Date;
        };
      };
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {};
      if (!AccessKeyId || !SecretAccessKey || !SessionToken) {
        throw new CollectError(
          'UnreadableResponse',
          `sts:AssumeRole gave no credentials for ${role}`,
        );
      }
      const credentials = {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
      };
      // Renewed five minutes early, so that no call under way loses them.
      current = { credentials, renewAt: (Expiration?.getTime() ?? 0) - 300_000 };
      return credentials;
    };
    await assume();
    return { ...base, label: role, credentials: assume };
  }
}

async function defaultCredentials(profile: string | undefined): Promise<Credentials> {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return fromNodeProviderChain(profile === undefined ? {} : { profile });
}

/** A replay signs nothing; the SDK only wants something to sign with. */
const noCredentials: Credentials = async () => ({
  accessKeyId: 'replay',
  secretAccessKey: 'replay',
});

const noSigner = { sign: async <T>(request: T): Promise<T> => request };

/** Replays share their clients, which know nothing of whose questions they put into words. */
const replayClients = new Map<string, ReturnType<typeof makeClient>>();

function replayClient(service: AwsService<unknown>, region: string): ReturnType<typeof makeClient> {
  const key = `${service.service} ${region}`;
  const made = replayClients.get(key) ?? makeClient(service, noCredentials, region, undefined);
  replayClients.set(key, made);
  return made;
}

/** @param env undefined for a replay, which sends nothing. */
async function makeClient(
  service: AwsService<unknown>,
  credentials: Credentials,
  region: string,
  env: NodeJS.ProcessEnv | undefined,
): Promise<{ client: SdkClient; module: SdkModule }> {
  // The SDK's note about old Node versions is for its developers; package.json pins both.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const module = (await service.load()) as SdkModule;
  // Each package exports one client class (`IAMClient`) beside smithy's own `__Client`.
  const name = Object.keys(module).find((key) => /^[A-Z][A-Za-z0-9]*Client$/.test(key));
  const Client = name === undefined ? undefined : module[name];
  if (Client === undefined) {
    throw new CollectError(
      'CollectorFailed',
      `the client package of ${service.service} exports no client`,
    );
  }
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const replaying = env === undefined;
  const custom = replaying ? undefined : customEndpoint(service.service, env);
  // S3 Control puts the account before the host, which an address cannot have: its endpoint is
  // made with a name, and the host set right before the request is signed.
  const named = custom !== undefined && service.service === 's3control';
  const client = new Client({
    region,
    credentials,
    retryStrategy: retryStrategy(replaying),
    requestHandler: new NodeHttpHandler({
      connectionTimeout: connectTimeoutMs,
      requestTimeout: answerTimeoutMs,
      throwOnRequestTimeout: true,
    }),
    // A stand-in knows no bucket names in its host; S3 itself prefers them there.
    ...(service.service === 's3'
      ? { forcePathStyle: custom !== undefined, followRegionRedirects: true }
      : {}),
    ...(named ? { endpoint: withHost(custom, 'localhost') } : {}),
    // Nothing of a replay is sent: an endpoint of the environment must not change what is asked.
    ...(replaying ? { endpoint: 'https://localhost', signer: noSigner } : {}),
  }) as SdkClient & SdkCommand;
  if (named) {
    client.middlewareStack.add(
      (next: (args: { request: SdkRequest }) => unknown) => (args: { request: SdkRequest }) => {
        args.request.hostname = custom.hostname;
        return next(args);
      },
      { step: 'build', priority: 'low', name: 'tickmarkHost' },
    );
  }
  return { client, module };
}

/** The endpoint that the environment names instead of the service's own, as the SDKs do. */
function customEndpoint(service: string, env: NodeJS.ProcessEnv): URL | undefined {
  const variable = service === 's3control' ? 'S3_CONTROL' : service.toUpperCase();
  const address = env[`AWS_ENDPOINT_URL_${variable}`] ?? env.AWS_ENDPOINT_URL;
  return address !== undefined && URL.canParse(address) ? new URL(address) : undefined;
}

function withHost(address: URL, hostname: string): string {
  const changed = new URL(address);
  changed.hostname = hostname;
  return changed.href;
}

/**
 * Retries what may pass: throttling, broken connections, the server's own errors. The pause is
 * random below a doubling limit ("full jitter"), and never shorter than `Retry-After` asks.
 */
function retryStrategy(replaying: boolean): RetryStrategyV2 {
  const token = (count: number, delay: number): RetryToken => ({
    getRetryCount: () => count,
    getRetryDelay: () => delay,
  });
  return {
    acquireInitialRetryToken: async () => token(0, 0),
    async refreshRetryTokenForRetry(previous, info) {
      const count = previous.getRetryCount() + 1;
      const passing = info.errorType !== 'CLIENT_ERROR' || isUnreadable(info.error);
      if (!passing || count >= mostAttempts) throw new Error('not retried');
      if (replaying) return token(count, 0);
      const limit = Math.min(longestPauseMs, firstPauseMs * 2 ** count);
      const asked =
        info.retryAfterHint === undefined ? 0 : info.retryAfterHint.getTime() - Date.now();
      return token(count, Math.max(Math.random() * limit, Math.min(asked, longestAskedPauseMs)));
    },
    recordSuccess: () => {},
  };
}

async function readResponse(response: SdkResponse): Promise<WireAnswer> {
  const parts: Uint8Array[] = [];
  if (response.body instanceof Readable) {
    let size = 0;
    for await (const part of response.body as AsyncIterable<Uint8Array>) {
      size += part.length;
      if (size > mostBytes) {
        response.body.destroy();
        throw new CollectError(
          'UnreadableResponse',
          `an answer has more than ${mostBytes} bytes; check AWS_ENDPOINT_URL and any proxy between`,
        );
      }
      parts.push(part);
    }
  }
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return { status: response.statusCode, headers, body: Buffer.concat(parts) };
}

function originOf(request: SdkRequest): string {
  const port = request.port === undefined ? '' : `:${request.port}`;
  return `${request.protocol}//${request.hostname}${port}`;
}
