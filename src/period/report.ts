/**
 * What is said of a period. Printed as data by `tickmark status --json` (docs/formats/status.md):
 * times are RFC 3339 in UTC, days are the organisation's own.
 */
import type { Severity } from '../controls/schema.ts';
import type { Frequency } from './calendar.ts';

/** Never more than these. */
export type Conclusion =
  | 'operated'
  | 'operated with deviations'
  | 'insufficient evidence'
  | 'did not operate';

export interface PeriodReport {
  organizations: string[];
  period: { start: string; end: string; timezone: string };
  /** For one date only (Type I). */
  as_of: string | null;
  /** The time that the report was made for. */
  now: string;
  /** The evidence is judged up to here: the period's end, or `now`. */
  through: string;
  /** The period has not ended: what would be reported if it ended now. */
  interim: boolean;
  /** The nights ran on a simulated clock, or were answered from recordings. */
  simulated: boolean;
  nights: {
    /** Bundles that evidence was taken from, backfills too, in the whole store. */
    counted: number;
    first: string | null;
    last: string | null;
    left_out: { run: string; sequence: number; reason: string }[];
  };
  /** Why nothing can be concluded: bundles that are missing. */
  problems: string[];
  /** Sources and scopes that do not span the period. */
  scopes: ScopeSpan[];
  controls: ControlReport[];
  /** Everything that decided results, with its nights: the proof that it did not change. */
  versions: Change[];
  /** Those of `versions` that did. */
  changes: Change[];
  due: Due[];
  waivers: WaiverReport[];
}

export interface ScopeSpan {
  source: string;
  scope: string;
  /** Counted from this day: it was first seen then. Null: from the beginning. */
  added: string | null;
  /** Seen for the last time on this day, and not asked any more. Null: it still is. */
  dropped: string | null;
}

/** Of the occurrences that were to be: those with complete evidence. */
export interface Coverage {
  /** Those that are over, or done. */
  expected: number;
  complete: number;
}

/** A day of the strip: the worst of what it was. `later` is still to come. */
export type DayState = 'complete' | 'deviation' | 'waived' | 'gap' | 'none' | 'later';

export interface ControlReport {
  id: string;
  title: string;
  frequency: Frequency;
  conclusion: Conclusion;
  /** Why, where it is not `operated`: a sentence for each. */
  because: string[];
  coverage: Coverage;
  /** Resources and events under each test: N of "n of N". */
  population: number;
  /** Those of them with a deviation, waived ones too. */
  deviating: number;
  /** Those of `deviating` that were waived all the time. */
  waived: number;
  /** Deviations that were open when last seen, without the waived. */
  open: number;
  /** From the period's first day on, a state for each day. */
  days: DayState[];
  tests: TestReport[];
  /** Tests that came to it from another control, or went to one. */
  moved: Move[];
}

/** A test that belongs to another control than it did. */
export interface Move {
  test: string;
  /** Ids of controls: one that had it before, and the one that has it now. */
  from: string;
  to: string;
  /** The first day since which it has been there. */
  since: string;
}

export interface TestReport {
  id: string;
  title: string;
  dataset: string;
  /** `state`: looked at again and again. `event`: happened once. */
  kind: 'state' | 'event';
  severity: Severity;
  conclusion: Conclusion;
  coverage: Coverage;
  gaps: Gap[];
  population: number;
  deviating: number;
  waived: number;
  open: number;
  /** Events that could not be judged, and are not judged yet. */
  untold: number;
  /** In the order of their opening. */
  deviations: Deviation[];
  /** Since the newest control file does not have the test any more. */
  dropped: string | null;
}

export type GapCause =
  /** No run in that time, or none that asked this source. */
  | 'no run'
  /** A run that did not get everything. */
  | 'not collected'
  /** Collected, and not judged by this test. */
  | 'not judged'
  /** Collected and judged, and some of it could not be told. */
  | 'not told'
  /** The source does not tell any more. */
  | 'out of reach'
  /** No configured source gives the dataset. */
  | 'no source'
  /** A night of that day is left out, since its clock contradicts those of others. */
  | 'clock in doubt';

/** Occurrences one after the other without complete evidence, for one cause. */
export interface Gap {
  /** First and last day, both included. */
  from: string;
  to: string;
  /** Of events: exactly. */
  start: string;
  end: string;
  occurrences: number;
  cause: GapCause;
  /** One sentence: what happened. */
  why: string;
  /** `source scope`, for which it holds; empty: for all. */
  scopes: string[];
  /** How it can still be closed, or null: never. */
  closable: { how: string; until: string | null } | null;
}

/** When something changed, which nobody saw: between two observations. */
export interface Bracket {
  /** The last time that it was seen otherwise; null: never before. */
  after: string | null;
  /** The first time that it was seen so. */
  by: string;
}

export interface Deviation {
  control: string;
  test: string;
  source: string;
  dataset: string;
  scope: string;
  uid: string;
  name: string;
  kind: 'state' | 'event';
  /**
   * Of an event: when it happened; where that is not told (`found`), the stretch of time that was
   * asked for when it was found. Null for `closed`.
   */
  opened: Bracket & {
    how: 'failed' | 'created' | 'entered the population' | 'first seen' | 'happened' | 'found';
  };
  closed: (Bracket & { after: string; how: 'mended' | 'deleted' | 'left the population' }) | null;
  /** Days that it was open at least and at most, to one tenth; null: nobody can tell, or an event. */
  days: { least: number; most: number | null } | null;
  /**
   * From the first to the last day that saw it fail, nothing else being seen between. An event's is
   * its own; where its time is not told, the days of the stretch in which it was found.
   */
  spans: { status: 'fail' | 'waived'; from: string; to: string }[];
  /** Nights on which it was seen to fail; those of them that were waived; those without evidence meanwhile. */
  nights: { failing: number; waived: number; unseen: number };
  waived: 'no' | 'partly' | 'wholly';
  /** How many deviations of the same resource and test came before it, before the period too. */
  recurrence: number;
  remediation: {
    severity: Severity;
    /** Days that the control allows. */
    days: number;
    /** Against `days`; `perhaps late`: it depends on when it opened or closed, which nobody saw. */
    state: 'in time' | 'late' | 'perhaps late' | 'open' | 'not applicable';
    /** The day by which an open one has to be closed. */
    due: string | null;
  };
  /** Runs that saw it fail first and last: their results hold the reasons. */
  first_run: string;
  last_run: string;
}

/** Something that the tests were judged by: each version with its nights, one after the other. */
export interface Change {
  what: 'control' | 'parameters' | 'program' | 'configuration' | 'waivers';
  /** Control id, test id; empty for the others. */
  id: string;
  /** The value is empty where nights were judged without it. */
  versions: { value: string; from: string; to: string; nights: number }[];
}

/** What has to happen, by when, so that no occurrence is lost. */
export interface Due {
  what: string;
  by: string;
  controls: string[];
}

export interface WaiverReport {
  test: string;
  resource: string;
  scope: string | null;
  reason: string;
  approver: string;
  from: string;
  until: string;
  ticket: string | null;
  compensating_control: string | null;
  /** `unmatched`: in force, and no deviation came under it. */
  state: 'in force' | 'expired' | 'not yet in force' | 'unmatched';
  /** Deviations that came under it. */
  deviations: number;
}
