/** What a signed HTTP request asks of AWS, told from the request alone. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** A request as it came, and what it asks. */
export interface AwsCall {
  /** `iam`, `s3`, `s3control`, `kms`, `sts`, `organizations`, `ec2`, … */
  service: string;
  /** `ListUsers`; for S3 the SDK's name, or method and path where there is none here. */
  operation: string;
  account: string;
  region: string;
  method: string;
  /** Path and query. */
  path: string;
  /** Form fields, JSON members or query parameters, whichever the protocol uses. */
  parameters: Record<string, string>;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** An answer held whole. */
export interface AwsAnswer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/** How a service writes its requests and answers. */
export type Protocol = 'query' | 'ec2' | 'json' | 's3' | 's3control' | 'other';

/** The protocol of a service's API, as its published model says. */
export function protocolOf(service: string): Protocol {
  if (service === 'iam' || service === 'sts') return 'query';
  if (service === 'kms' || service === 'organizations') return 'json';
  if (service === 's3' || service === 's3control' || service === 'ec2') return service;
  return 'other';
}

/** Sub-resources of a bucket, by the query parameter that names them. */
const bucketParts: Record<string, string> = {
  acl: 'BucketAcl',
  encryption: 'BucketEncryption',
  lifecycle: 'BucketLifecycleConfiguration',
  location: 'BucketLocation',
  logging: 'BucketLogging',
  'object-lock': 'ObjectLockConfiguration',
  ownershipControls: 'BucketOwnershipControls',
  policy: 'BucketPolicy',
  policyStatus: 'BucketPolicyStatus',
  publicAccessBlock: 'PublicAccessBlock',
  tagging: 'BucketTagging',
  versioning: 'BucketVersioning',
};

const verbs: Record<string, string> = { GET: 'Get', PUT: 'Put', DELETE: 'Delete', HEAD: 'Head' };

/**
 * Reads a request. `accountOf` tells the account that an access key id belongs to: only the
 * credentials say it, except for S3 Control, which has a header for it.
 */
export function readCall(
  request: { method: string; path: string; headers: IncomingHttpHeaders; body: Buffer },
  accountOf: (accessKeyId: string) => string,
): AwsCall {
  const { method, path, headers, body } = request;
  const scope = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\/aws4_request/.exec(
    headers.authorization ?? '',
  );
  const [, accessKeyId = '', region = '', signedService = ''] = scope ?? [];
  const url = new URL(path, 'http://localhost');
  const service = url.pathname.startsWith('/v20180820/') ? 's3control' : signedService;
  const account = headers['x-amz-account-id'];
  const call = {
    service,
    account: typeof account === 'string' ? account : accountOf(accessKeyId),
    region,
    ...request,
  };
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const operation = target.slice(target.indexOf('.') + 1);
    return { ...call, operation, parameters: jsonMembers(body) };
  }
  if (protocolOf(service) === 'query' || service === 'ec2') {
    const parameters = Object.fromEntries(new URLSearchParams(body.toString()));
    return { ...call, operation: parameters.Action ?? `${method} ${path}`, parameters };
  }
  const parameters = Object.fromEntries(url.searchParams);
  const operation =
    service === 's3control'
      ? s3ControlOperation(method, url.pathname)
      : s3Operation(method, url.pathname, parameters);
  return { ...call, operation: operation ?? `${method} ${path}`, parameters };
}

function jsonMembers(body: Buffer): Record<string, string> {
  const members: Record<string, unknown> = JSON.parse(body.toString() || '{}');
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

function s3ControlOperation(method: string, path: string): string | undefined {
  const verb = verbs[method];
  return path.endsWith('/configuration/publicAccessBlock') && verb !== undefined
    ? `${verb}PublicAccessBlock`
    : undefined;
}

function s3Operation(
  method: string,
  path: string,
  parameters: Record<string, string>,
): string | undefined {
  // The SDK names some operations itself.
  if (parameters['x-id'] !== undefined) return parameters['x-id'];
  const verb = verbs[method];
  const [bucket = '', ...key] = path.slice(1).split('/');
  if (verb === undefined) return undefined;
  if (bucket === '') return method === 'GET' ? 'ListBuckets' : undefined;
  if (key.join('/') !== '') {
    const known = Object.keys(parameters).some((name) => name in bucketParts);
    return known ? undefined : `${verb}Object`;
  }
  const part = Object.keys(bucketParts).find((name) => name in parameters);
  if (part !== undefined) return `${verb}${bucketParts[part]}`;
  if (method === 'GET') return parameters['list-type'] === '2' ? 'ListObjectsV2' : 'ListObjects';
  return method === 'PUT' ? 'CreateBucket' : `${verb}Bucket`;
}

/** The call with one of its parameters taken out, wherever its protocol keeps it. */
export function withoutParameters(call: AwsCall, names: string[]): AwsCall {
  const parameters = Object.fromEntries(
    Object.entries(call.parameters).filter(([name]) => !names.includes(name)),
  );
  const protocol = protocolOf(call.service);
  if (protocol === 'json') {
    const members: Record<string, unknown> = JSON.parse(call.body.toString() || '{}');
    for (const name of names) delete members[name];
    return { ...call, parameters, body: Buffer.from(JSON.stringify(members)) };
  }
  if (protocol === 's3') {
    const url = new URL(call.path, 'http://localhost');
    for (const name of names) url.searchParams.delete(name);
    return { ...call, parameters, path: `${url.pathname}${url.search}` };
  }
  const form = new URLSearchParams(call.body.toString());
  for (const name of names) form.delete(name);
  return { ...call, parameters, body: Buffer.from(form.toString()) };
}

let answered = 0;

/** An answer made here, with the headers that AWS would send with it. */
export function makeAnswer(
  service: string,
  status: number,
  body: string,
  contentType?: string,
): AwsAnswer {
  answered += 1;
  const requestId = `00000000-0000-4000-8000-${String(answered).padStart(12, '0')}`;
  const protocol = protocolOf(service);
  const idHeader = protocol.startsWith('s3') ? 'x-amz-request-id' : 'x-amzn-requestid';
  const type = protocol === 'json' ? 'application/x-amz-json-1.1' : 'text/xml';
  return {
    status,
    headers: {
      'content-type': contentType ?? type,
      [idHeader]: requestId,
      date: new Date().toUTCString(),
    },
    body: Buffer.from(body),
  };
}

/** An error in the words and the form of the service's protocol. */
export function makeError(
  service: string,
  status: number,
  code: string,
  message: string,
): AwsAnswer {
  const inside = `<Code>${code}</Code><Message>${message}</Message>`;
  const bodies: Record<Protocol, string> = {
    query: `<ErrorResponse><Error><Type>Sender</Type>${inside}</Error></ErrorResponse>`,
    ec2: `<Response><Errors><Error>${inside}</Error></Errors></Response>`,
    s3: `<Error>${inside}</Error>`,
    s3control: `<ErrorResponse><Error>${inside}</Error></ErrorResponse>`,
    json: JSON.stringify({ __type: code, message }),
    other: JSON.stringify({ __type: code, message }),
  };
  return makeAnswer(service, status, bodies[protocolOf(service)]);
}
