/**
 * What moto answers otherwise than AWS, mended as the published API describes it. Each mend names
 * the difference; whatever is not listed here goes through untouched.
 */

import {
  type AwsAnswer,
  type AwsCall,
  makeAnswer,
  makeError,
  withoutParameters,
} from './aws-call.ts';
import { type Redate, redateText } from './aws-dates.ts';
import { type AccountFacts, daysBefore, type UserFacts, xmlTime } from './aws-facts.ts';
import { likeAwsReport } from './credential-report.ts';
import { changeInner, childElements, childText, escapeXml, unescapeXml } from './xml-elements.ts';

/** What a mend may use. */
export interface MendContext {
  facts: AccountFacts;
  now: Date;
  redate: Redate;
  pages: Pages;
  /** Entries of a page, whatever more was asked for. */
  mostPerPage: number;
  /** AWS's own managed policies by ARN, once they were asked for. */
  awsPolicies: { known?: Map<string, string> };
  ask(call: AwsCall): Promise<AwsAnswer>;
}

type Mend = (call: AwsCall, context: MendContext) => Promise<AwsAnswer>;

/** Lists that are handed out page by page, each as it was when its first page was asked for. */
export class Pages {
  readonly #lists = new Map<string, string[]>();
  #made = 0;

  /** The page at `marker`, or the first one of `list`; undefined when the marker is not known. */
  take(
    marker: string | undefined,
    size: number,
    list: string[],
  ): { items: string[]; next: string | undefined } | undefined {
    const [id = '', from = ''] = Buffer.from(marker ?? '', 'base64url')
      .toString()
      .split(':');
    const all = marker === undefined ? list : this.#lists.get(id);
    if (all === undefined) return undefined;
    const start = marker === undefined ? 0 : Number(from);
    const items = all.slice(start, start + size);
    const end = start + items.length;
    if (end === all.length) return { items, next: undefined };
    const key = marker === undefined ? this.#keep(all) : id;
    return { items, next: Buffer.from(`${key}:${end}`).toString('base64url') };
  }

  #keep(list: string[]): string {
    this.#made += 1;
    const id = String(this.#made);
    this.#lists.set(id, list);
    // As AWS's own markers, these do not live for ever.
    const oldest = this.#lists.keys().next().value;
    if (this.#lists.size > 32 && oldest !== undefined) this.#lists.delete(oldest);
    return id;
  }
}

/** moto has no row for root and a report of 2015. */
const credentialReport: Mend = async (call, context) => {
  const answer = await context.ask(call);
  if (answer.status !== 200) return answer;
  const { facts, now } = context;
  const generated = new Date(now.getTime() - (facts.reportAgeHours ?? 0) * 60 * 60 * 1000);
  return changeText(answer, (xml) =>
    changeInner(xml, ['GetCredentialReportResponse', 'GetCredentialReportResult'], (result) => {
      const content = Buffer.from(childText(result, 'Content') ?? '', 'base64').toString();
      const dated = redateText(content, context.redate);
      const report = likeAwsReport(dated, call.account, facts, now);
      return (
        `<Content>${Buffer.from(report).toString('base64')}</Content>` +
        `<ReportFormat>text/csv</ReportFormat>` +
        `<GeneratedTime>${xmlTime(generated)}</GeneratedTime>`
      );
    }),
  );
};

/** moto knows nothing of root. */
const accountSummary: Mend = async (call, context) => {
  const root = context.facts.root ?? {};
  const answer = await context.ask(call);
  if (answer.status !== 200) return answer;
  const told: Record<string, boolean> = {
    AccountMFAEnabled: (root.mfa ?? 'none') !== 'none',
    AccountAccessKeysPresent: (root.keys ?? []).length > 0,
  };
  if (root.password !== 'untold') told.AccountPasswordPresent = root.password ?? true;
  const path = ['GetAccountSummaryResponse', 'GetAccountSummaryResult', 'SummaryMap'];
  return changeText(answer, (xml) =>
    changeInner(xml, path, (map) => {
      const others = childElements(map).filter(
        (entry) => !((childText(entry.inner, 'key') ?? '') in told),
      );
      const ours = Object.entries(told).map(
        ([key, value]) => `<entry><key>${key}</key><value>${value ? 1 : 0}</value></entry>`,
      );
      return [...others.map((entry) => entry.outer), ...ours].join('');
    }),
  );
};

/** moto lists each device's secret, and not root's own device: no API gives one to root. */
const virtualMfaDevices: Mend = async (call, context) => {
  const { facts, now } = context;
  const answer = await context.ask(call);
  if (answer.status !== 200) return answer;
  const firstPage = call.parameters.Marker === undefined;
  const assigned = call.parameters.AssignmentStatus !== 'Unassigned';
  const created = xmlTime(daysBefore(now, facts.root?.createdDaysAgo ?? 1000));
  const rootDevice =
    facts.root?.mfa === 'virtual' && firstPage && assigned
      ? `<member><SerialNumber>arn:aws:iam::${call.account}:mfa/root-account-mfa-device</SerialNumber>` +
        `<EnableDate>${created}</EnableDate><User><UserId>${call.account}</UserId>` +
        `<Arn>arn:aws:iam::${call.account}:root</Arn><CreateDate>${created}</CreateDate></User></member>`
      : '';
  const path = ['ListVirtualMFADevicesResponse', 'ListVirtualMFADevicesResult'];
  return changeText(answer, (xml) =>
    changeInner(
      xml,
      [...path, 'VirtualMFADevices'],
      (devices) => rootDevice + devices.replace(/<(Base32StringSeed|QRCodePNG)>[^<]*<\/\1>/g, ''),
    ),
  );
};

/** moto answers everything at once, whatever MaxItems says. */
async function pagedQuery(call: AwsCall, context: MendContext, lists: string[]) {
  const size = Number(call.parameters.MaxItems ?? 100);
  if (!(size >= 1 && size <= 1000)) {
    return makeError(call.service, 400, 'ValidationError', 'MaxItems must be from 1 to 1000');
  }
  const marker = call.parameters.Marker;
  const names = [`${call.operation}Response`, `${call.operation}Result`];
  let members: string[] = [];
  if (marker === undefined) {
    const answer = await context.ask(withoutParameters(call, ['MaxItems']));
    if (answer.status !== 200) return answer;
    members = membersOf(answer.body.toString(), names, lists, context);
  }
  const page = context.pages.take(marker, Math.min(size, context.mostPerPage), members);
  if (page === undefined) {
    return makeError(call.service, 400, 'ValidationError', 'Invalid Marker.');
  }
  const listed = lists.map((list) => {
    const own = page.items.filter((item) => item.startsWith(`${list} `));
    return `<${list}>${own.map((item) => item.slice(list.length + 1)).join('')}</${list}>`;
  });
  const ending =
    page.next === undefined
      ? '<IsTruncated>false</IsTruncated>'
      : `<IsTruncated>true</IsTruncated><Marker>${page.next}</Marker>`;
  const body = `<${names[0]}><${names[1]}>${listed.join('')}${ending}</${names[1]}></${names[0]}>`;
  return makeAnswer(call.service, 200, body);
}

/** Each member of each list, after the list's name and a space. */
function membersOf(xml: string, path: string[], lists: string[], context: MendContext): string[] {
  const result = path.reduce((inner, name) => childText(inner, name) ?? '', xml);
  return childElements(result)
    .filter((child) => lists.includes(child.name))
    .flatMap((list) =>
      childElements(list.inner).map(
        ({ outer }) => `${list.name} ${whole(withPast(outer, context))}`,
      ),
    );
}

/**
 * moto lists all of AWS's own policies, AWS those in use. The 1,500 of them take moto half a
 * second and never change, so they are asked for once.
 */
async function authorizationDetails(call: AwsCall, context: MendContext): Promise<AwsAnswer> {
  const form = new URLSearchParams(call.body.toString());
  if ([...form.keys()].some((name) => name.startsWith('Filter.'))) return context.ask(call);
  const filtered = (kinds: string[]) => {
    const body = new URLSearchParams(form);
    for (const [index, kind] of kinds.entries()) body.set(`Filter.member.${index + 1}`, kind);
    return { ...call, body: Buffer.from(body.toString()) };
  };
  const answer = await context.ask(filtered(['User', 'Group', 'Role', 'LocalManagedPolicy']));
  if (answer.status !== 200) return answer;
  context.awsPolicies.known ??= await awsPolicies(filtered(['AWSManagedPolicy']), context);
  const text = answer.body.toString();
  const boundaries = Object.values(context.facts.users ?? {}).map((user) => user.boundary);
  const attachments = [...text.matchAll(/<PolicyArn>([^<]+)</g)].map(([, arn]) => arn);
  const bounds = [...text.matchAll(/<PermissionsBoundaryArn>([^<]+)</g)].map(([, arn]) => arn);
  const used = [...context.awsPolicies.known]
    .filter(([arn]) => [...attachments, ...bounds, ...boundaries].includes(arn))
    .map(([arn, policy]) => {
      const count = attachments.filter((attached) => attached === arn).length;
      return policy.replace(/<AttachmentCount>\d+</, `<AttachmentCount>${count}<`);
    });
  const names = [`${call.operation}Response`, `${call.operation}Result`, 'Policies'];
  return changeText(answer, (xml) => changeInner(xml, names, (own) => used.join('') + own));
}

async function awsPolicies(call: AwsCall, context: MendContext): Promise<Map<string, string>> {
  const answer = await context.ask(call);
  const names = [`${call.operation}Response`, `${call.operation}Result`, 'Policies'];
  const policies = names.reduce(
    (inner, name) => childText(inner, name) ?? '',
    answer.body.toString(),
  );
  return new Map(
    childElements(policies).map(({ inner, outer }) => [childText(inner, 'Arn') ?? '', outer]),
  );
}

/** moto leaves out a managed policy's name and writes trust policies unencoded. */
function whole(member: string): string {
  return member
    .replace(/^<member>(?=<Arn>arn:aws:iam::\w+:policy\/(?:[^<]*\/)?([^<]+)<)/, (tag, name) =>
      member.includes('<PolicyName>') ? tag : `${tag}<PolicyName>${name}</PolicyName>`,
    )
    .replace(/(?<=<AssumeRolePolicyDocument>)[^<%]*(?=<)/, (document) =>
      encodeURIComponent(unescapeXml(document)),
    );
}

/** A user with its own past: when it was made, and the boundary that moto cannot keep. */
function withPast(member: string, context: MendContext): string {
  const { facts, now } = context;
  const name = /<UserName>([^<]*)<\/UserName>/.exec(member)?.[1];
  const past: UserFacts | undefined = name === undefined ? undefined : facts.users?.[name];
  if (past === undefined) return member;
  const { createdDaysAgo, boundary } = past;
  const dated =
    createdDaysAgo === undefined
      ? member
      : member.replace(
          /<CreateDate>[^<]*</,
          `<CreateDate>${xmlTime(daysBefore(now, createdDaysAgo))}<`,
        );
  if (boundary === undefined) return dated;
  return dated.replace(
    /<\/member>$/,
    '<PermissionsBoundary><PermissionsBoundaryType>PermissionsBoundaryPolicy</PermissionsBoundaryType>' +
      `<PermissionsBoundaryArn>${escapeXml(boundary)}</PermissionsBoundaryArn>` +
      '</PermissionsBoundary></member>',
  );
}

/** moto answers all keys at once, whatever Limit says. */
const pagedKeys: Mend = async (call, context) => {
  const size = Number(call.parameters.Limit ?? 100);
  if (!(size >= 1 && size <= 1000)) {
    return makeError('kms', 400, 'ValidationException', 'Limit must be from 1 to 1000');
  }
  const marker = call.parameters.Marker;
  let keys: string[] = [];
  if (marker === undefined) {
    const answer = await context.ask(withoutParameters(call, ['Limit']));
    if (answer.status !== 200) return answer;
    const list: { Keys: unknown[] } = JSON.parse(answer.body.toString());
    keys = list.Keys.map((key) => JSON.stringify(key));
  }
  const page = context.pages.take(marker, Math.min(size, context.mostPerPage), keys);
  if (page === undefined) {
    return makeError('kms', 400, 'InvalidMarkerException', 'Invalid marker');
  }
  const ending =
    page.next === undefined ? { Truncated: false } : { Truncated: true, NextMarker: page.next };
  const body = { Keys: page.items.map((key) => JSON.parse(key)), ...ending };
  return makeAnswer('kms', 200, JSON.stringify(body));
};

/** moto calls the keys that AWS manages for its services the customer's. */
const keyDescription: Mend = async (call, context) => {
  const answer = await context.ask(call);
  if (answer.status !== 200) return answer;
  const { KeyMetadata } = JSON.parse(answer.body.toString());
  const aliases = await context.ask({
    ...call,
    headers: { ...call.headers, 'x-amz-target': 'TrentService.ListAliases' },
    body: Buffer.from(JSON.stringify({ KeyId: KeyMetadata.KeyId })),
  });
  return aliases.body.includes('"alias/aws/')
    ? makeAnswer('kms', 200, JSON.stringify({ KeyMetadata: { ...KeyMetadata, KeyManager: 'AWS' } }))
    : answer;
};

/** The regions in which buckets are looked for. */
const regions = (
  'us-east-1 eu-west-1 us-east-2 us-west-1 us-west-2 eu-central-1 eu-west-2 eu-west-3 eu-north-1 ' +
  'ap-south-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 ap-southeast-2 ' +
  'ca-central-1 sa-east-1'
).split(' ');

/** moto cuts the list at MaxBuckets and names no next page, and tells no bucket's region. */
const pagedBuckets: Mend = async (call, context) => {
  const size = Number(call.parameters['max-buckets'] ?? Infinity);
  if (!(size >= 1)) {
    return makeError('s3', 400, 'InvalidArgument', 'max-buckets must be from 1 to 10000');
  }
  const token = call.parameters['continuation-token'];
  const whole = await context.ask(withoutParameters(call, ['max-buckets', 'continuation-token']));
  if (whole.status !== 200) return whole;
  const root = 'ListAllMyBucketsResult';
  const bare = childElements(
    childText(childText(whole.body.toString(), root) ?? '', 'Buckets') ?? '',
  ).sort((a, b) => (bucketName(a.outer) < bucketName(b.outer) ? -1 : 1));
  // "If the request contains at least one valid parameter, it is included in the response."
  const asked = ['max-buckets', 'continuation-token', 'prefix', 'bucket-region'];
  const located = asked.some((name) => name in call.parameters)
    ? await bucketRegions(call, context, new Set(bare.map(({ outer }) => bucketName(outer))))
    : new Map<string, string>();
  const buckets = bare.map(({ outer }) => {
    const region = located.get(bucketName(outer));
    return region === undefined
      ? outer
      : outer.replace('</Bucket>', `<BucketRegion>${region}</BucketRegion></Bucket>`);
  });
  const page = context.pages.take(token, Math.min(size, context.mostPerPage), buckets);
  if (page === undefined) {
    return makeError('s3', 400, 'InvalidArgument', 'The continuation token provided is incorrect');
  }
  const next = page.next === undefined ? '' : `<ContinuationToken>${page.next}</ContinuationToken>`;
  return changeText(whole, (xml) =>
    changeInner(xml, [root], (result) =>
      childElements(result)
        .filter((child) => child.name !== 'Buckets')
        .map((child) => child.outer)
        .concat(`<Buckets>${page.items.join('')}</Buckets>${next}`)
        .join(''),
    ),
  );
};

/** moto filters by region: one call for each region until every bucket is found. */
async function bucketRegions(call: AwsCall, context: MendContext, names: Set<string>) {
  const located = new Map<string, string>();
  for (const region of regions) {
    if (located.size === names.size) break;
    const answer = await context.ask({ ...call, path: `/?bucket-region=${region}` });
    for (const [, name = ''] of answer.body.toString().matchAll(/<Name>([^<]*)<\/Name>/g)) {
      if (names.has(name)) located.set(name, region);
    }
  }
  return located;
}

function bucketName(bucket: string): string {
  return /<Name>([^<]*)<\/Name>/.exec(bucket)?.[1] ?? '';
}

/** S3 has encrypted every bucket since January 2023; moto says that there is no configuration. */
const bucketEncryption: Mend = async (call, context) => {
  const answer = await context.ask(call);
  const none = '<Code>ServerSideEncryptionConfigurationNotFoundError</Code>';
  if (answer.status !== 404 || !answer.body.includes(none)) return answer;
  return makeAnswer(
    's3',
    200,
    '<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule>' +
      '<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>' +
      '</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled>' +
      '</Rule></ServerSideEncryptionConfiguration>',
  );
};

/** moto answers with the bucket's objects. */
const bucketPolicyStatus: Mend = async (call, context) => {
  const policy = await context.ask({ ...call, path: call.path.replace('policyStatus', 'policy') });
  if (policy.status !== 200) return policy;
  const isPublic = letsEveryoneIn(JSON.parse(policy.body.toString()));
  return makeAnswer(
    's3',
    200,
    `<PolicyStatus xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsPublic>${isPublic}</IsPublic></PolicyStatus>`,
  );
};

/**
 * Conditions that keep a policy from being public when their values are fixed:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 */
const narrowing = new Set([
  'aws:sourcearn',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:sourceowner',
  'aws:sourceaccount',
  'aws:sourceip',
  'aws:principalorgid',
  's3:dataaccesspointarn',
  's3:dataaccesspointaccount',
]);

interface PolicyStatement {
  Effect: string;
  Principal?: string | Record<string, string | string[]>;
  Condition?: Record<string, Record<string, string | string[]>>;
}

function letsEveryoneIn(policy: { Statement: PolicyStatement | PolicyStatement[] }): boolean {
  return [policy.Statement].flat().some((statement) => {
    const { Effect, Principal = {}, Condition = {} } = statement;
    const named = typeof Principal === 'string' ? [Principal] : [Principal.AWS ?? []].flat();
    const fixed = Object.values(Condition)
      .flatMap((keys) => Object.entries(keys))
      .some(
        ([key, values]) =>
          narrowing.has(key.toLowerCase()) && ![values].flat().some((value) => value.includes('*')),
      );
    return Effect === 'Allow' && named.includes('*') && !fixed;
  });
}

function changeText(answer: AwsAnswer, change: (text: string) => string): AwsAnswer {
  return { ...answer, body: Buffer.from(change(answer.body.toString())) };
}

const mends: Record<string, Mend> = {
  'iam:GetCredentialReport': credentialReport,
  'iam:GetAccountSummary': accountSummary,
  'iam:ListVirtualMFADevices': virtualMfaDevices,
  'iam:GetAccountAuthorizationDetails': (call, context) =>
    pagedQuery(call, { ...context, ask: (whole) => authorizationDetails(whole, context) }, [
      'UserDetailList',
      'GroupDetailList',
      'RoleDetailList',
      'Policies',
    ]),
  'iam:ListUsers': (call, context) => pagedQuery(call, context, ['Users']),
  'iam:ListGroups': (call, context) => pagedQuery(call, context, ['Groups']),
  'kms:ListKeys': pagedKeys,
  'kms:DescribeKey': keyDescription,
  's3:ListBuckets': pagedBuckets,
  's3:GetBucketEncryption': bucketEncryption,
  's3:GetBucketPolicyStatus': bucketPolicyStatus,
};

/** The answer that AWS would give. */
export function answerLikeAws(call: AwsCall, context: MendContext): Promise<AwsAnswer> {
  const mend = mends[`${call.service}:${call.operation}`];
  return mend === undefined ? context.ask(call) : mend(call, context);
}
