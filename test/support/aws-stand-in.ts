/**
 * A stand-in for AWS: a reverse proxy on the loopback before one moto. It writes down every
 * request, mends what moto answers otherwise than AWS, and has faults on demand.
 */
import { once } from 'node:events';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AwsAnswer, type AwsCall, readCall, withoutParameters } from './aws-call.ts';
import { type Redate, redateAnswer } from './aws-dates.ts';
import type { AccountFacts } from './aws-facts.ts';
import {
  armed,
  type CallMatch,
  deniedAnswer,
  type FaultKind,
  type FaultRule,
  forgePage,
  htmlAnswer,
  matches,
  pageParameters,
  throttledAnswer,
} from './aws-faults.ts';
import { answerLikeAws, Pages } from './aws-mends.ts';

/** A request that the stand-in was asked. */
export interface SeenRequest
  extends Pick<
    AwsCall,
    'service' | 'operation' | 'account' | 'region' | 'method' | 'path' | 'parameters'
  > {
  /** Undefined while there is no answer. */
  status: number | undefined;
  /** The fault that it met. */
  fault: FaultKind | undefined;
}

/** How a stand-in behaves. */
export interface StandInOptions {
  /** Mends moto's known differences; default false. */
  likeAws?: boolean;
  /** What no API can seed, by account. Used with `likeAws`. */
  facts?: Record<string, AccountFacts>;
  /** AWS may hand out fewer entries a page than were asked for. Used with `likeAws`. */
  mostPerPage?: number;
  /** The time that ages are counted back from; default the system's. */
  now?: () => Date;
  /** What to tell instead of the times at which moto made things. */
  redate?: Redate;
}

/** A running stand-in. */
export interface StandIn {
  /**
   * For `AWS_ENDPOINT_URL`. A name, since S3 Control's client puts the account before it; it listens
   * on 127.0.0.1 only.
   */
  endpoint: string;
  /** Every request since the start or since `forget`, in order of arrival. */
  requests: SeenRequest[];
  /** How many requests match. */
  count(match?: CallMatch & { status?: number; fault?: FaultKind }): number;
  /** Empties `requests`. */
  forget(): void;
  /** Switches a fault on. Of several that match, the one switched on first strikes. */
  fault(rule: FaultRule): void;
  /** Switches all faults off. */
  mend(): void;
  /** Ends every connection. moto keeps running. */
  close(): Promise<void>;
}

/** The account that moto puts unknown credentials in. */
export const defaultAccount = '123456789012';

/** Starts a stand-in before the moto at that endpoint, on a free port. */
export async function startStandIn(
  motoEndpoint: string,
  options: StandInOptions = {},
): Promise<StandIn> {
  const { likeAws = false, facts = {}, mostPerPage = Infinity, now = () => new Date() } = options;
  const { redate } = options;
  // moto closes each connection; without a limit a busy test would have it refuse some.
  const agent = new Agent({ maxSockets: 64 });
  const pages = new Pages();
  const awsPolicies = {};
  const accounts = new Map<string, string>();
  const requests: SeenRequest[] = [];
  let faults: { kind: FaultKind; strikes: (call: AwsCall) => boolean }[] = [];

  const ask = async (call: AwsCall) => {
    const answer = await forward(motoEndpoint, agent, call);
    if (call.operation.startsWith('AssumeRole')) rememberAccount(answer, accounts);
    return redate === undefined ? answer : redateAnswer(answer, redate);
  };
  const answerTo = (call: AwsCall) =>
    likeAws
      ? answerLikeAws(call, {
          facts: facts[call.account] ?? {},
          now: now(),
          redate: redate ?? (() => undefined),
          pages,
          mostPerPage,
          awsPolicies,
          ask,
        })
      : ask(call);

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const body = Buffer.concat(await incoming.toArray());
    const call = readCall({ method, path, headers, body }, (key) => {
      return accounts.get(key) ?? defaultAccount;
    });
    const { service, operation, account, region, parameters } = call;
    const fault = faults.find(({ strikes }) => strikes(call))?.kind;
    const seen: SeenRequest = {
      ...{ service, operation, account, region, method, path, parameters },
      ...{ fault, status: undefined },
    };
    requests.push(seen);
    if (fault === 'hang') return;
    const answer = await answerWithFault(call, fault, answerTo);
    seen.status = answer.status;
    if (fault === 'break') sendHalf(outgoing, answer);
    else send(outgoing, answer);
  };

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch((error: Error) => {
      if (!outgoing.headersSent) outgoing.writeHead(502, { 'content-type': 'text/plain' });
      outgoing.end(`stand-in: ${error.stack}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    endpoint: `http://localhost:${(server.address() as AddressInfo).port}`,
    requests,
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
      faults = [...faults, { kind: rule.kind, strikes: armed(rule) }];
    },
    mend: () => {
      faults = [];
    },
    close: async () => {
      server.closeAllConnections();
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answerWithFault(
  call: AwsCall,
  fault: FaultKind | undefined,
  answerTo: (call: AwsCall) => Promise<AwsAnswer>,
): Promise<AwsAnswer> {
  switch (fault) {
    case 'deny':
      return deniedAnswer(call);
    case 'throttle':
      return throttledAnswer(call);
    case 'html500':
      return htmlAnswer(call);
    case 'garbage': {
      const answer = await answerTo(call);
      return { ...answer, body: half(answer.body) };
    }
    case 'repeatMarker':
      return forgePage(call, await answerTo(withoutParameters(call, pageParameters)), true);
    case 'truncatedWithoutMarker':
      return forgePage(call, await answerTo(call), false);
    default:
      return answerTo(call);
  }
}

function half(body: Buffer): Buffer {
  return body.subarray(0, Math.floor(body.length / 2));
}

const ownHeaders = ['connection', 'transfer-encoding', 'content-length', 'host', 'expect'];

function withoutOwn(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !ownHeaders.includes(name.toLowerCase())),
  );
}

async function forward(endpoint: string, agent: Agent, call: AwsCall): Promise<AwsAnswer> {
  const { method, path, body } = call;
  const outgoing = httpRequest(new URL(path, endpoint), {
    agent,
    method,
    headers: { ...withoutOwn(call.headers), 'content-length': body.length },
  });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const { statusCode = 0, headers } = incoming;
  return { status: statusCode, headers, body: Buffer.concat(await incoming.toArray()) };
}

function send(outgoing: ServerResponse, answer: AwsAnswer): void {
  const bodiless = outgoing.req.method === 'HEAD' || answer.status === 204 || answer.status === 304;
  const length = bodiless ? answer.headers['content-length'] : answer.body.length;
  outgoing.writeHead(answer.status, {
    ...withoutOwn(answer.headers),
    ...(length === undefined ? {} : { 'content-length': length }),
  });
  outgoing.end(bodiless ? undefined : answer.body);
}

function sendHalf(outgoing: ServerResponse, answer: AwsAnswer): void {
  outgoing.writeHead(answer.status, {
    ...withoutOwn(answer.headers),
    'content-length': answer.body.length,
  });
  outgoing.write(half(answer.body), () => outgoing.socket?.destroySoon());
}

/** Whose credentials these are: the role that was assumed says it. */
function rememberAccount(answer: AwsAnswer, accounts: Map<string, string>): void {
  const xml = answer.body.toString();
  const key = /<AccessKeyId>([^<]+)</.exec(xml)?.[1];
  const account = /<Arn>arn:aws[\w-]*:sts::(\d{12}):/.exec(xml)?.[1];
  if (key !== undefined && account !== undefined) accounts.set(key, account);
}
