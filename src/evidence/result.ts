import type { JsonObject } from './json.ts';

export const statuses = [
  'pass',
  'fail',
  'not_applicable',
  'not_tested',
  'waived',
  'error',
] as const;

/**
 * `pass`, `fail`: judged on complete evidence (a `fail` also on partial).
 * `not_applicable`: outside the test's population.
 * `not_tested`: there was nothing to judge; the reason says which kind of nothing.
 * `waived`: a `fail` under a waiver in force.
 * `error`: should have been judged and could not be.
 */
export type Status = (typeof statuses)[number];

/** One test on one resource. The JSON lines of `tickmark results --json` are of this shape. */
export interface Result {
  run: string;
  control: string;
  test: string;
  resource: { uid: string; name: string; scope: string };
  status: Status;
  /** The fact that decided, in one sentence. */
  reason: string;
  /** The fields that the test read, as they were. */
  observed: JsonObject;
  /** When the evidence was observed. UTC, RFC 3339. Null where there is none. */
  observed_at: string | null;
}

/** What a result is about: a resource, a slice of which it is not known what is in it, a whole test. */
export type About = 'resource' | 'slice' | 'test';

/** A result as it was judged, with what places it in the evidence. */
export interface Judged extends Result {
  /** The dataset that the test is over; empty for a control that only people can show. */
  dataset: string;
  /** The source's id in the configuration; empty for a row about a whole test. */
  source: string;
  about: About;
  /** Of an event: when it happened, UTC; null where that could not be told. */
  event_at?: string | null;
}

/** What came out for one resource, by test: the results of a bundle without their reasons. */
export interface StatusLine {
  source: string;
  dataset: string;
  scope: string;
  uid: string;
  name: string;
  /** Left out for a resource. */
  about?: Exclude<About, 'resource'>;
  event_at?: string | null;
  /** By test id. */
  statuses: Record<string, Status>;
}

export type StatusCounts = Record<Status, number>;

/** A count of each status, all zero. */
export function noCounts(): StatusCounts {
  return { pass: 0, fail: 0, not_applicable: 0, not_tested: 0, waived: 0, error: 0 };
}
