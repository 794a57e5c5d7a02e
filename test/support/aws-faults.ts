/** Faults that a stand-in for AWS can be told to have. */
import {
  type AwsAnswer,
  type AwsCall,
  makeAnswer,
  makeError,
  type Protocol,
  protocolOf,
} from './aws-call.ts';

/**
 * - `deny`: access denied, in the service's own words.
 * - `throttle`: too many requests, in the service's own words.
 * - `html500`: status 500 with a web page.
 * - `garbage`: the right answer cut in half, with a length that fits what is left.
 * - `break`: the right answer's status and half of its body, then the connection ends.
 * - `hang`: no answer at all.
 * - `repeatMarker`: every page is the first and names the same next page.
 * - `truncatedWithoutMarker`: the page says that more follows and not where. S3's ListBuckets
 *   has no way to say so: its list is cut and the token left out.
 */
export type FaultKind =
  | 'deny'
  | 'throttle'
  | 'html500'
  | 'garbage'
  | 'break'
  | 'hang'
  | 'repeatMarker'
  | 'truncatedWithoutMarker';

/** Which calls; a field that is left out matches all. */
export interface CallMatch {
  service?: string;
  operation?: string;
  account?: string;
  region?: string;
  /** Part of path and query as sent (`/acme-records/?policy`), or a pattern. */
  path?: string | RegExp;
  /** Those of the request's own that must have these values. */
  parameters?: Record<string, string>;
}

/** A fault and when it strikes. */
export interface FaultRule {
  kind: FaultKind;
  match?: CallMatch;
  /**
   * The share of matching requests that it strikes, 0 to 1; all when left out. Which ones is told
   * by the request, how often it came before, and the seed, never by the order of arrival.
   */
  share?: number;
  seed?: number;
  /** How often at most in all. */
  times?: number;
  /** How often at most for one and the same request: with 1, every first retry gets through. */
  timesEach?: number;
}

/** Whether a call is among those meant. */
export function matches(
  call: Pick<AwsCall, 'service' | 'operation' | 'account' | 'region' | 'path' | 'parameters'>,
  match: CallMatch,
): boolean {
  const { path, parameters = {}, ...fields } = match;
  const pathFits =
    path === undefined ||
    (typeof path === 'string' ? call.path.includes(path) : new RegExp(path).test(call.path));
  return (
    pathFits &&
    Object.entries(parameters).every(([name, value]) => call.parameters[name] === value) &&
    (Object.keys(fields) as (keyof typeof fields)[]).every(
      (name) => fields[name] === undefined || fields[name] === call[name],
    )
  );
}

/** A rule with its memory: called for each request, says whether the fault strikes it. */
export function armed(rule: FaultRule): (call: AwsCall) => boolean {
  const { match = {}, share = 1, seed = 1, times = Infinity, timesEach = Infinity } = rule;
  const seen = new Map<string, { came: number; struck: number }>();
  let struck = 0;
  return (call) => {
    if (!matches(call, match) || struck >= times) return false;
    const { service, account, region, method, path } = call;
    // A form or JSON body says what is asked; an object's content does not.
    const asked = protocolOf(service) === 's3' ? '' : call.body.toString();
    const identity = [service, account, region, method, path, asked].join(' ');
    const memory = seen.get(identity) ?? { came: 0, struck: 0 };
    seen.set(identity, memory);
    memory.came += 1;
    if (memory.struck >= timesEach) return false;
    if (fraction(`${seed} ${memory.came} ${identity}`) >= share) return false;
    memory.struck += 1;
    struck += 1;
    return true;
  };
}

/** A number from 0 up to 1 that a text always gives: FNV-1a, stirred as MurmurHash3 ends. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Access denied, with the status and code that the service's own API pages list. */
export function deniedAnswer(call: AwsCall): AwsAnswer {
  const { service, operation } = call;
  const message = `User: arn:aws:sts::${call.account}:assumed-role/Evidence/tickmark is not authorized to perform: ${service}:${operation}`;
  const answers: Record<Protocol, [number, string, string]> = {
    query: [403, 'AccessDenied', message],
    ec2: [403, 'UnauthorizedOperation', 'You are not authorized to perform this operation.'],
    s3: [403, 'AccessDenied', 'Access Denied'],
    s3control: [403, 'AccessDenied', 'Access Denied'],
    json: [400, 'AccessDeniedException', message],
    other: [403, 'AccessDeniedException', message],
  };
  return makeError(service, ...answers[protocolOf(service)]);
}

/** Too many requests, with the status and code that the service's own API pages list. */
export function throttledAnswer(call: AwsCall): AwsAnswer {
  const { service } = call;
  if (service === 'organizations') {
    return makeError(service, 400, 'TooManyRequestsException', 'Too many requests');
  }
  const answers: Record<Protocol, [number, string, string]> = {
    query: [400, 'Throttling', 'Rate exceeded'],
    ec2: [503, 'RequestLimitExceeded', 'Request limit exceeded.'],
    s3: [503, 'SlowDown', 'Please reduce your request rate.'],
    s3control: [503, 'SlowDown', 'Please reduce your request rate.'],
    json: [400, 'ThrottlingException', 'Rate exceeded'],
    other: [429, 'TooManyRequestsException', 'Too many requests'],
  };
  return makeError(service, ...answers[protocolOf(service)]);
}

/** What a server that fell over answers. */
export function htmlAnswer(call: AwsCall): AwsAnswer {
  const page =
    '<!doctype html><html><head><title>500</title></head><body>Internal Server Error</body></html>';
  return makeAnswer(call.service, 500, page, 'text/html');
}

/** The parameters that ask for a later page, in any protocol. */
export const pageParameters = ['Marker', 'NextToken', 'continuation-token'];

const forgedMarker = 'Zm9yZ2VkLW1hcmtlcg';

const forgers: Partial<Record<Protocol, (page: string, marker: string | undefined) => string>> = {
  query: forgeQuery,
  json: forgeJson,
  s3: forgeBuckets,
};

/** The page with its ending forged: it says that more follows, with a marker or without. */
export function forgePage(call: AwsCall, answer: AwsAnswer, marker: boolean): AwsAnswer {
  const text = answer.body.toString();
  const forge = forgers[protocolOf(call.service)];
  const forged = forge?.(text, marker ? forgedMarker : undefined);
  if (forged === undefined || forged === text) {
    throw new Error(`${call.service}:${call.operation} has no pages to forge`);
  }
  return { ...answer, body: Buffer.from(forged) };
}

function forgeQuery(xml: string, marker: string | undefined): string {
  const ending = `<IsTruncated>true</IsTruncated>${marker === undefined ? '' : `<Marker>${marker}</Marker>`}`;
  return xml
    .replace(/<Marker>[^<]*<\/Marker>/, '')
    .replace(/<IsTruncated>[^<]*<\/IsTruncated>/, ending);
}

function forgeBuckets(xml: string, marker: string | undefined): string {
  const token = marker === undefined ? '' : `<ContinuationToken>${marker}</ContinuationToken>`;
  return xml
    .replace(/<ContinuationToken>[^<]*<\/ContinuationToken>/, '')
    .replace('</ListAllMyBucketsResult>', `${token}</ListAllMyBucketsResult>`);
}

function forgeJson(json: string, marker: string | undefined): string {
  const { NextMarker, NextToken, ...page } = JSON.parse(json);
  if ('Truncated' in page) {
    return JSON.stringify({ ...page, Truncated: true, NextMarker: marker });
  }
  return JSON.stringify({ ...page, NextToken: marker });
}
