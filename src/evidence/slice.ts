import { canonicalJson, type Json, type JsonObject, sha256 } from './json.ts';

/** One thing that a source told us: an IAM user, a bucket, a key. */
export interface EvidenceRecord {
  /** Immutable identity: an ARN or a node id. Joins and sorting go by it. */
  uid: string;
  /** What a person reads: a user name, a bucket name. */
  name: string;
  /** The fields that tests read, in the dataset's schema. An absent field could not be told. */
  fields: JsonObject;
  /** The API's own object, as it came. */
  original: Json;
  /** The calls (ids in the slice's trace) that this record was made from. */
  calls: string[];
  /** Why a field is absent, by its name, where that is known. */
  untold?: Record<string, string>;
}

/** What of a record is looked at, where not all of it is shown. */
export type ShownOf = (record: Omit<EvidenceRecord, 'calls'>) => unknown;

/**
 * `complete`: every page and every item was read and the tie-outs match.
 * `partial`: something was read, something was not. `failed`: nothing can be said.
 */
export type SliceOutcome = 'complete' | 'partial' | 'failed';

export const problemCodes = [
  'AccessDenied',
  'NoCredentials',
  'Throttled',
  'ServiceError',
  'ConnectionFailed',
  'UnreadableResponse',
  'DeadlineExceeded',
  'Interrupted',
  'CallNotDeclared',
  'RefusedPage',
  'TieOutMismatch',
  'InvalidRecord',
  'DuplicateRecord',
  'ReplayMissing',
  'CollectorFailed',
  'DoubtfulTime',
  'StandInRecord',
  'SecretMasked',
  'DeletedMeanwhile',
  'NotCollected',
  'OutOfReach',
  'LeftOut',
  'HistoryRewritten',
] as const;

/** What kind of problem; docs/errors.md says what each means and what to do. */
export type ProblemCode = (typeof problemCodes)[number];

/** Something that went wrong, or that an auditor should know, while a slice was collected. */
export interface Problem {
  code: ProblemCode;
  /** One sentence: what happened, and what to do about it. */
  message: string;
  /** `error` makes the slice incomplete; a `note` is disclosed and changes nothing. */
  severity: 'error' | 'note';
  /** Names of the resources that could not be read, sorted, where it is about resources. */
  resources?: string[];
}

/** A slice's count held against a second, independent count. */
export interface TieOut {
  /** What was counted a second time, and by which call. */
  by: string;
  expected: number;
  found: number;
}

/** One API call as it was made: what is needed to trace a record or to ask the source again. */
export interface Call {
  /** Stable name within a slice: `service:Operation`, its parameters, its page. */
  id: string;
  service: string;
  operation: string;
  region?: string;
  parameters: JsonObject;
  /** Page number of a paged call, from 1. */
  page?: number;
  /** The service's own id for the request, where it gave one. */
  request_id: string | null;
  /** The server's own clock (the Date header), as it wrote it. */
  server_date: string | null;
  /** HTTP status of the last answer; null where none came. */
  status: number | null;
  attempts: number;
  /** UTC, RFC 3339. */
  started_at: string;
  finished_at: string;
  /** Where the call went: scheme, host and port; null where a recording answered. */
  endpoint: string | null;
  /** The service's error, if the call failed. */
  error?: string;
  /** The service's error by which it said that there is no such thing: an answer. */
  absent?: string;
  /**
   * SHA-256 of the answer that was had before and that the service confirmed to hold still (HTTP
   * 304): an object of the store.
   */
  confirmed?: string;
}

/** Longer parameters stand in a call's id by their digest: each record names its calls. */
const longestParameters = 300;

/** The id of a call: the same on every night for the same question. */
export function callId({
  service,
  operation,
  parameters,
  page,
}: Pick<Call, 'service' | 'operation' | 'parameters' | 'page'>): string {
  const text = canonicalJson(parameters);
  const short = text.length > longestParameters ? sha256(text).slice(0, 16) : text;
  const asked = Object.keys(parameters).length === 0 ? '' : ` ${short}`;
  return `${service}:${operation}${asked}${page === undefined || page === 1 ? '' : ` page ${page}`}`;
}

/** One dataset from one scope in one run: the unit of completeness. */
export interface SliceHeader {
  dataset: string;
  /** Version of the dataset's shape. */
  version: number;
  source: string;
  /** `123456789012`, `123456789012/eu-west-1`. */
  scope: string;
  kind: 'snapshot' | 'events';
  /** When the state held (snapshot): the source's own time where it names one. UTC. */
  observed_at: string;
  outcome: SliceOutcome;
  problems: Problem[];
  tie_outs: TieOut[];
  /** Which events the slice speaks of (events only). */
  interval?: SliceInterval;
}

/** Half-open, in UTC. A complete slice holds every event of it. */
export interface SliceInterval {
  start: string;
  end: string;
  /** Since when the slices up to this one, taken together, leave no hole but named gaps. */
  covered_since: string;
}

/** A slice with what it holds, before it is written to a store. */
export interface Slice extends SliceHeader {
  /** Sorted by uid, each uid once. */
  records: EvidenceRecord[];
  /** Sorted by id. */
  calls: Call[];
  /** What the next slice needs to go on from here (events only); only its collector reads it. */
  kept?: Json;
}
