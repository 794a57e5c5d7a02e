/**
 * The public face for collectors. Built-in and foreign ones import this module and nothing
 * else of Tickmark; docs/collectors.md teaches it from one example.
 *
 * A **source** says how to connect and which scopes there are. A **dataset** says what one API
 * yields: its fields, the calls it makes, and how records are read. Collecting never judges.
 */
import { z } from 'zod';
import type { Interval } from './evidence/intervals.ts';
import type { Json, JsonObject } from './evidence/json.ts';
import type { ProblemCode } from './evidence/slice.ts';

export type { Interval } from './evidence/intervals.ts';
export type { Json, JsonObject } from './evidence/json.ts';
export type { ProblemCode } from './evidence/slice.ts';
/** The zod that dataset fields are written in. */
export { z };

/** A moment in UTC, RFC 3339 (`2026-01-31T04:05:06Z`). Tests see it as a CEL timestamp. */
export const timestamp = () => z.iso.datetime();

/** What of a field is about a person, where not all of it always is. */
export interface PersonalPart {
  /**
   * Its first group is what tells the person apart: the user's name in an ARN. No match: nothing.
   * Flags do not count.
   */
  part?: RegExp;
  /** Only where the fields beside it have these values: `{ to: 'person' }`. */
  when?: Record<string, string>;
}

/**
 * Marks a field as data about a person, so that exports can minimise or pseudonymise it. Text, and
 * each text of a list, identifies the person: a redacted archive has a pseudonym for it, wherever it
 * stands. Everything else that is marked (times, numbers, objects) is left out there.
 */
export function personal<T extends z.ZodType>(field: T, { part, when }: PersonalPart = {}): T {
  const mark = { ...(part && { part: part.source }), ...(when && { when }) };
  return field.meta({ ...field.meta(), personal: Object.keys(mark).length === 0 ? true : mark });
}

/** Thrown by a collector to end its slice with a code and a sentence that says what to do. */
export class CollectError extends Error {
  readonly code: ProblemCode;

  constructor(code: ProblemCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CollectError';
    this.code = code;
  }
}

/**
 * What a provider's call answered. Its object identity ties a record to the call: pass it in
 * `from` and the record carries the call's id.
 */
export type Answer = object;

/** A record as a collector hands it over. */
export interface NewRecord<Fields> {
  /** Immutable identity: ARN, node id. */
  uid: string;
  /** What a person reads. */
  name: string;
  /** In the dataset's schema. Leave a field out when it could not be told; never guess. */
  fields: Fields;
  /** The API's own object. */
  original: unknown;
  /** The answers this record was made from. */
  from: Answer[];
  /**
   * Why a field was left out, by its name, where the reason is known: the right that was missing,
   * in a sentence that says what to do. It stands in the reason of every result that needed it.
   */
  untold?: Record<string, string>;
}

/** What every dataset's `collect` is given, whatever the provider. */
export interface CollectContext<Fields = Record<string, unknown>> {
  /** The run's own time; never ask the system's clock for what is kept. */
  readonly now: () => Date;
  /** Aborted at the slice's deadline and on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Hands over one record. It is checked against the dataset's schema at once. */
  emit(record: NewRecord<Fields>): void;
  /**
   * Reads one item of a list. If reading fails, the record is kept with what was known before,
   * and the slice is partial: an item that could not be read is never left out.
   */
  item(
    known: Omit<NewRecord<Fields>, 'original'>,
    read: () => Promise<Pick<NewRecord<Fields>, 'fields' | 'original' | 'from'>>,
  ): Promise<void>;
  /** Holds the number of records against a second, independent count. */
  tieOut(tieOut: { by: string; expected: number; found: number }): void;
  /** Discloses a fact that an auditor should know and that makes nothing incomplete. */
  note(code: ProblemCode, message: string): void;
  /** Says that something is missing although nothing failed: the slice is not complete. */
  incomplete(code: ProblemCode, message: string): void;
  /** The source's own time of observation, where it names one (a report's generation time). */
  observedAt(time: Date): void;
}

/** What the `collect` of an events dataset is given beside. */
export interface EventsContext<Fields = Record<string, unknown>> extends CollectContext<Fields> {
  /**
   * What to ask for: every event in it. It begins before the end of what is held already, so that
   * what showed late is not lost; an event that is held and has not changed is not kept twice.
   */
  readonly interval: Interval;
  /**
   * Since when the slices before this one, taken together, answer. What comes into scope now
   * (a repository, a branch) has to be asked from here.
   */
  readonly coveredSince: Date;
  /** Whether an event is held: it is not kept twice unless it has changed. */
  isHeld(uid: string): boolean;
  /** What the last complete slice before this one left with `keep`. */
  readonly kept: Json | undefined;
  /** Leaves a word for the slice that will go on from here (the heads of branches, a cursor). */
  keep(value: Json): void;
  /**
   * Says that the source tells nothing of before `since`: that part of the interval is sealed as
   * a gap, with the reason, and only the rest counts as covered.
   */
  outOfReach(since: Date, why: string): void;
}

interface DatasetBase<Fields extends z.ZodObject> {
  /** `aws.iam.users`. */
  name: string;
  /** Raised when a field changes its meaning or goes away. */
  version: number;
  /** One line for a person. */
  title: string;
  /** The level of scope that is asked separately: `account`, `region`, … */
  level: string;
  /** Fields that tests read: each described; objects are never nullable. */
  fields: Fields;
  /** Which of these two, that every record has, tell a person apart; left out: neither. */
  personal?: ('uid' | 'name')[];
  /**
   * Every call that `collect` makes, with the permission it needs:
   * `{ 's3:GetBucketEncryption': 's3:GetEncryptionConfiguration' }`. Any other call is refused;
   * `tickmark permissions` prints the policy from these.
   */
  calls: Record<string, string>;
  /** Hours after which an observation is stale and proves nothing. */
  staleAfterHours?: number;
}

/** State at a time. */
export interface SnapshotDataset<Context, Fields extends z.ZodObject = z.ZodObject>
  extends DatasetBase<Fields> {
  kind: 'snapshot';
  collect(context: Context & CollectContext<z.input<Fields>>): Promise<void>;
}

/** What happened in an interval. */
export interface EventsDataset<Context, Fields extends z.ZodObject = z.ZodObject>
  extends DatasetBase<Fields> {
  kind: 'events';
  /**
   * The field (a timestamp) that says when an event happened, and so whether it falls in a period.
   * Left out where no such time can be believed: then the interval that it was found in counts.
   */
  when?: keyof z.output<Fields> & string;
  /** Days for which the source tells of an event; left out where it always does. */
  reachDays?: number;
  collect(context: Context & EventsContext<z.input<Fields>>): Promise<void>;
}

/** One kind of record that a source can yield. */
export type Dataset<Context, Fields extends z.ZodObject = z.ZodObject> =
  | SnapshotDataset<Context, Fields>
  | EventsDataset<Context, Fields>;

/** Declares a dataset of state; exists for the types. */
export function defineDataset<Context, Fields extends z.ZodObject>(
  dataset: SnapshotDataset<Context, Fields>,
): SnapshotDataset<Context, Fields> {
  return dataset;
}

/** Declares a dataset of events; exists for the types. */
export function defineEvents<Context, Fields extends z.ZodObject>(
  dataset: EventsDataset<Context, Fields>,
): EventsDataset<Context, Fields> {
  return dataset;
}

/** The code that asks one API family. */
export interface Collector<Context> {
  /** `aws.iam`: the first part is the source's id. */
  id: string;
  title: string;
  // A collector's datasets differ in their fields; method bivariance keeps each one's own type.
  datasets: Dataset<Context>[];
}

/** A part of a source that is asked separately, and its API. */
export type Scope<Context> =
  | {
      level: string;
      name: string;
      /** The API as one slice sees it: calls go through the tracer, which refuses and records. */
      attach(tracer: Tracer): Context;
    }
  | { level: string; name: string; problem: { code: ProblemCode; message: string } };

/** What a provider needs of a slice: what it may call, when to stop, where to write calls down. */
export interface Tracer {
  readonly signal: AbortSignal;
  /** The permission that a declared call needs. @throws CollectError CallNotDeclared */
  permissionFor(call: string): string;
  /** Ties an answer to the call that gave it. */
  record(answer: Answer, call: import('./evidence/slice.ts').Call): void;
  /** Says that the source asks for a pause: shown to the person, and no part of any deadline. */
  waiting(milliseconds: number, why: string): void;
}

/** What connecting to a source told. */
export interface Connected<Context> {
  /** Who the credentials proved to be, as the API itself says, a line each. */
  identities: Identity[];
  scopes: Scope<Context>[];
  /**
   * Parts that exist and are not asked, each with the reason (accounts, repositories). `level`
   * names a level of scope that is not there at all, so that no dataset of it is asked.
   */
  leftOut: { scope: string; reason: string; level?: string }[];
}

export interface Identity {
  /** `arn:aws:sts::123456789012:assumed-role/Evidence/tickmark`, a login, an app. */
  subject: string;
  /** The account or organisation, by its immutable id. */
  account: string;
}

/** One kind of connection: `use: aws`. */
export interface Source<Provider, Context, Config extends z.ZodType = z.ZodType> {
  /** The value of `use:`. */
  id: string;
  title: string;
  /** Which of Tickmark's clients it is given. */
  provider: ProviderName;
  /** The shape of `with:`; each key described. */
  config: Config;
  /** Calls made while connecting, with their permissions. */
  calls: Record<string, string>;
  connect(
    provider: Provider,
    config: z.output<Config>,
    tracer: Tracer,
  ): Promise<Connected<Context>>;
}

export type ProviderName = 'aws' | 'github' | 'http';

export function defineAwsSource<Config extends z.ZodType>(
  source: Omit<Source<AwsProvider, AwsContext, Config>, 'provider'>,
): Source<AwsProvider, AwsContext, Config> {
  return { ...source, provider: 'aws' };
}

export function defineGitHubSource<Context extends object, Config extends z.ZodType>(
  source: Omit<Source<GitHubProvider, Context, Config>, 'provider'>,
): Source<GitHubProvider, Context, Config> {
  return { ...source, provider: 'github' };
}

export function defineHttpSource<Config extends z.ZodType>(
  source: Omit<Source<HttpProvider, HttpContext, Config>, 'provider'>,
): Source<HttpProvider, HttpContext, Config> {
  return { ...source, provider: 'http' };
}

/** What a plugin module exports by default. */
export interface Plugin {
  // Sources and collectors of different providers stand in one list; the engine pairs them by id.
  // biome-ignore lint/suspicious/noExplicitAny: a plugin's own types are checked where it is written
  sources?: Source<any, any>[];
  // biome-ignore lint/suspicious/noExplicitAny: as above
  collectors?: Collector<any>[];
}

// --- AWS ---------------------------------------------------------------------------------

/** One AWS service's client package, loaded when first called. */
export interface AwsService<Module> {
  /** The prefix in `calls`: `iam` in `iam:GetAccountSummary`. */
  service: string;
  load: () => Promise<Module>;
}

export type AwsOperation<Module> = {
  [Key in keyof Module]: Key extends `${infer Operation}Command` ? Operation : never;
}[keyof Module] &
  string;

type CommandClass<Module, Operation extends string> = Module extends {
  [Key in `${Operation}Command`]: infer Class;
}
  ? Class
  : never;
type CommandHandler<Module, Operation extends string> =
  CommandClass<Module, Operation> extends new (
    // biome-ignore lint/suspicious/noExplicitAny: only a type pattern; any input matches
    ...input: any[]
  ) => { resolveMiddleware(...args: never[]): infer Handler }
    ? Handler
    : never;
export type AwsInput<Module, Operation extends string> =
  CommandHandler<Module, Operation> extends (args: { input: infer Input }) => unknown
    ? Input
    : never;
export type AwsOutput<Module, Operation extends string> =
  CommandHandler<Module, Operation> extends (
    // biome-ignore lint/suspicious/noExplicitAny: only a type pattern; any input matches
    args: any,
  ) => Promise<{ output: infer Output }>
    ? Output
    : never;

/** AWS, as one slice sees it. */
export interface AwsContext {
  /** Twelve digits. */
  readonly account: string;
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  /** The scope's region; for account scopes the region of the global endpoints. */
  readonly region: string;
  /**
   * One call, retried on throttling and broken connections.
   * @throws CallError when the service refuses or does not answer.
   */
  call<Module, Operation extends AwsOperation<Module>>(
    service: AwsService<Module>,
    operation: Operation,
    input: AwsInput<Module, Operation>,
    options?: { region?: string },
  ): Promise<AwsOutput<Module, Operation>>;
  /** As `call`; the named errors mean that the thing does not exist, and are an answer. */
  find<Module, Operation extends AwsOperation<Module>>(
    service: AwsService<Module>,
    operation: Operation,
    input: AwsInput<Module, Operation>,
    options: { absent: string[]; region?: string },
  ): Promise<{ output?: AwsOutput<Module, Operation> }>;
  /**
   * Every page, in order. A page that says there is more and does not say where, or that names
   * a page seen before, is refused: the list is not complete.
   */
  pages<Module, Operation extends AwsOperation<Module>>(
    service: AwsService<Module>,
    operation: Operation,
    input: AwsInput<Module, Operation>,
    paging: AwsPaging<Module, Operation>,
  ): AsyncIterable<AwsOutput<Module, Operation>>;
  /** Work whose answer several datasets of one scope share; done once a run. */
  once<T>(key: string, work: (aws: AwsContext) => Promise<T>): Promise<T>;
}

export interface AwsPaging<Module, Operation extends string> {
  /** Input field that takes the token. */
  send: keyof AwsInput<Module, Operation> & string;
  /** Output field that holds the next token. */
  receive: keyof AwsOutput<Module, Operation> & string;
  /** Output field that says whether there is more, where there is one. */
  more?: keyof AwsOutput<Module, Operation> & string;
}

/** A failed call. `name` of the service's error is in `error`. */
export class CallError extends CollectError {
  /** The service's own name for the error: `NoSuchEntity`. */
  readonly error: string;
  readonly status: number | null;

  constructor(code: ProblemCode, message: string, error: string, status: number | null) {
    super(code, message);
    this.name = 'CallError';
    this.error = error;
    this.status = status;
  }
}

/** How to reach one account. */
export interface AwsCredentialsChoice {
  profile?: string | undefined;
  role?: string | undefined;
  externalId?: string | undefined;
}

/** AWS, before a scope is chosen. */
export interface AwsProvider {
  /** The region that the environment or profile names, if any. */
  defaultRegion(): Promise<string | undefined>;
  /** Proves who the credentials are (sts:GetCallerIdentity). */
  account(
    choice: AwsCredentialsChoice,
    region: string,
    tracer: Tracer,
  ): Promise<{
    identity: Identity;
    partition: string;
    /** The API in one region. */
    in(region: string): (tracer: Tracer) => AwsContext;
  }>;
}

// --- HTTP --------------------------------------------------------------------------------

/** A JSON API over HTTPS, read only. */
export interface HttpProvider {
  /** @param baseUrl every call goes below it; credentials are headers that are never recorded. */
  open(baseUrl: string, headers: Record<string, string>): (tracer: Tracer) => HttpContext;
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string>;
  body: Json;
}

export interface HttpContext {
  /**
   * GET below the base address. `route` is the declared form (`GET /api/v1/users/{id}`), `values`
   * fill its braces and are escaped.
   */
  get(
    route: string,
    values?: Record<string, string>,
    query?: Record<string, string>,
  ): Promise<HttpAnswer>;
  /** Follows `Link: <…>; rel="next"` (RFC 8288); a link to another host is refused. */
  pages(
    route: string,
    values?: Record<string, string>,
    query?: Record<string, string>,
  ): AsyncIterable<HttpAnswer>;
  once<T>(key: string, work: (http: HttpContext) => Promise<T>): Promise<T>;
}

// --- GitHub ------------------------------------------------------------------------------

/** How to prove to GitHub who asks. */
export interface GitHubCredentialsChoice {
  /** A GitHub App, installed in the organisation; without one, `GITHUB_TOKEN` or `GH_TOKEN`. */
  app?:
    | {
        id: number;
        installation: number;
        /** File with the App's private key (PEM); without one, `GITHUB_APP_PRIVATE_KEY`. */
        privateKey?: string | undefined;
      }
    | undefined;
}

/** GitHub, before an organisation is chosen. */
export interface GitHubProvider {
  /** The API at `GITHUB_API_URL` (a GitHub Enterprise Server's), or at api.github.com. */
  open(choice: GitHubCredentialsChoice): (tracer: Tracer) => GitHubContext;
}

/** One GraphQL query of ours. A declared call is called `graphql:` and its name. */
export interface GraphqlQuery<Answer extends z.ZodType> {
  /** The operation's name in `text`. */
  name: string;
  /** `query Members($organization: String!, …) { … }`, and its fragments. */
  text: string;
  /** The shape of `data`, as far as it is read. */
  answer: Answer;
}

/** A part of a GraphQL answer that could not be given. */
export interface GraphqlError {
  /** GitHub's own word: `FORBIDDEN`, `NOT_FOUND`, `INSUFFICIENT_SCOPES`. */
  type: string;
  /** Names and indexes down to the field that is null because of it. */
  path: (string | number)[];
  message: string;
}

/** GitHub, as one slice sees it. */
export interface GitHubContext {
  /**
   * One GET; `route` as GitHub's documentation writes it (`GET /repos/{owner}/{repo}/keys`).
   * Rate limits are waited out. @throws CallError, AccessDenied for a 404 too: GitHub hides what
   * the token may not see.
   */
  get(
    route: string,
    values?: Record<string, string>,
    query?: Record<string, string>,
  ): Promise<HttpAnswer>;
  /**
   * As `get`; a 404 with exactly one of these messages means that the thing does not exist, and
   * is an answer (`Branch not protected`). Its `body` is undefined then.
   */
  find(
    route: string,
    values: Record<string, string>,
    absent: string[],
  ): Promise<{ body?: Json } & Answer>;
  /**
   * Every page by `Link` headers, 100 a page. Each page's body must hold the list: itself, or
   * under `list`.
   */
  pages(
    route: string,
    values?: Record<string, string>,
    query?: Record<string, string>,
    list?: string,
  ): AsyncIterable<HttpAnswer & { items: Json[] }>;
  /**
   * One GraphQL query. @throws CallError for any error in the answer; with `partial` errors that
   * name a path are given back instead, and whoever asks must look at them.
   */
  query<Shape extends z.ZodType>(
    query: GraphqlQuery<Shape>,
    variables: JsonObject,
  ): Promise<{ data: z.output<Shape> }>;
  query<Shape extends z.ZodType>(
    query: GraphqlQuery<Shape>,
    variables: JsonObject,
    options: { partial: true },
  ): Promise<{ data: z.output<Shape>; errors: GraphqlError[] }>;
  /** Work whose answer several datasets of one scope share; done once a run. */
  once<T>(key: string, work: (github: GitHubContext) => Promise<T>): Promise<T>;
}
