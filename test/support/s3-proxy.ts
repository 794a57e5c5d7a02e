/**
 * A reverse proxy on the loopback before one moto, for what a store on S3 may meet: answers that
 * are lost, refused or forged, one request at a time. It has one difference of moto's mended: moto
 * looks whether a key is taken and writes it in two steps, so writes to a key pass one by one.
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

/** A request that the proxy was asked. */
export interface S3Request {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingMessage['headers'];
}

/** An answer held whole. */
export interface S3Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/** Answers a request, with or without passing it on; undefined ends the connection instead. */
export type Meeting = (
  request: S3Request,
  pass: () => Promise<S3Answer>,
) => Promise<S3Answer | undefined>;

export interface S3Proxy {
  /** `http://127.0.0.1:PORT`. */
  endpoint: string;
  /** Every request, in order of arrival. */
  requests: S3Request[];
  /** Meets the next requests with this method (once unless told) otherwise than by passing on. */
  meet(method: string, meeting: Meeting, times?: number): void;
  /** Passes everything on again. */
  forget(): void;
  /** Ends every connection. moto keeps running. */
  close(): Promise<void>;
}

/** Starts a proxy before the service at that endpoint, on a free port. */
export async function startS3Proxy(endpoint: string): Promise<S3Proxy> {
  const agent = new Agent({ maxSockets: 64 });
  const requests: S3Request[] = [];
  const meetings: { method: string; meeting: Meeting; left: number }[] = [];
  const writing = new Map<string, Promise<unknown>>();

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = '', url: path = '', headers } = incoming;
    const request = { method, path, headers };
    requests.push(request);
    const found = meetings.find((each) => each.method === method && each.left > 0);
    if (found !== undefined) found.left -= 1;
    const body = Buffer.concat(await incoming.toArray());
    const pass = () => {
      if (method !== 'PUT') return forward(endpoint, agent, request, body);
      const before = writing.get(path) ?? Promise.resolve();
      const written = before.then(() => forward(endpoint, agent, request, body));
      writing.set(
        path,
        written.catch(() => {}),
      );
      return written;
    };
    const answer = await (found === undefined ? pass() : found.meeting(request, pass));
    if (answer === undefined) outgoing.destroy();
    else send(outgoing, answer);
  };

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch((error: Error) => {
      outgoing.writeHead(502, { 'content-type': 'text/plain' });
      outgoing.end(`proxy: ${error.stack}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    meet: (method, meeting, times = 1) => {
      meetings.push({ method, meeting, left: times });
    },
    forget: () => {
      meetings.length = 0;
    },
    close: async () => {
      server.closeAllConnections();
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The environment for a client that is to find these credentials and nothing of the machine's. */
export const s3Environment: Record<string, string | undefined> = {
  AWS_ACCESS_KEY_ID: 'AKIATEST',
  // AWS's own example, as long as a real one.
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  AWS_CONFIG_FILE: '/nowhere/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nowhere/credentials',
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_REGION: undefined,
  AWS_DEFAULT_REGION: undefined,
  AWS_ENDPOINT_URL: undefined,
  AWS_ENDPOINT_URL_S3: undefined,
};

/** An error in S3's words. */
export function s3ErrorAnswer(status: number, code: string, message: string): S3Answer {
  const body = Buffer.from(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

async function forward(
  endpoint: string,
  agent: Agent,
  { method, path, headers }: S3Request,
  body: Buffer,
): Promise<S3Answer> {
  const outgoing = httpRequest(new URL(path, endpoint), {
    agent,
    method,
    headers: { ...withoutOwn(headers), 'content-length': body.length },
  });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return {
    status: incoming.statusCode ?? 0,
    headers: withoutOwn(incoming.headers),
    body: Buffer.concat(await incoming.toArray()),
  };
}

function send(outgoing: ServerResponse, { status, headers, body }: S3Answer): void {
  const bodiless = outgoing.req.method === 'HEAD' || status === 204;
  outgoing.writeHead(status, bodiless ? headers : { ...headers, 'content-length': body.length });
  outgoing.end(bodiless ? undefined : body);
}

/** Headers without those that are of one connection only. */
function withoutOwn(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const own = ['connection', 'transfer-encoding', 'content-length', 'host', 'expect', 'keep-alive'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name)));
}
