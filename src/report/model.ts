/**
 * What every report of a period is made from, whatever its format. Times are RFC 3339 in UTC, days
 * are the organisation's own. Names, titles and reasons come from outside: each format has to write
 * them so that they stay text.
 */
import type { Severity } from '../controls/schema.ts';
import type { JsonObject } from '../evidence/json.ts';
import type { Status } from '../evidence/result.ts';
import type { Call, EvidenceRecord, ShownOf } from '../evidence/slice.ts';
import type { Population, PopulationItem } from '../period/population.ts';
import type { PeriodReport } from '../period/report.ts';

export interface Report {
  format: 'tickmark-report/1';
  /** The program that made the report; its nights name theirs. */
  tool: { version: string; commit: string | null };
  /** Coverage, deviations, conclusions: all that `tickmark status --json` says. */
  period: PeriodReport;
  /** Of `nights`: how many have no signature, no timestamp, a simulated clock, recorded answers. */
  marks: { unsigned: number; unstamped: number; simulated: number; replayed: number };
  /**
   * People have pseudonyms here, by a key that is known by this id, and no original is shown: how many
   * identifiers have one. Null: everything is as it is sealed.
   */
  redaction: { key: string; identifiers: number } | null;
  /** The newest bundle of the store: who keeps its digest elsewhere can tell that nothing was cut off. */
  head: { sequence: number; digest: string } | null;
  /** Bundles that evidence of the period was taken from, in the order of time. */
  nights: ReportNight[];
  sources: ReportSource[];
  /** In the order of `period.controls`. */
  controls: ReportControl[];
  /** Draws that were sealed for the period, in their order. */
  samples: ReportSample[];
}

export interface ReportNight {
  sequence: number;
  run: string;
  digest: string;
  kind: 'run' | 'collect' | 'backfill';
  /** The organisation's day that it began on. */
  day: string;
  started_at: string;
  finished_at: string;
  /** CI run address, or user and host. */
  operator: string;
  signed: boolean;
  stamped: boolean;
  simulated: boolean;
  replayed: boolean;
  /** Slices by outcome. */
  slices: { complete: number; partial: number; failed: number };
}

export interface ReportSource {
  id: string;
  use: string;
  /** Who the credentials proved to be, and in which account or organisation. */
  identities: { subject: string; account: string }[];
  endpoints: string[];
  /** Not asked, and why. */
  left_out: { scope: string; reason: string }[];
}

/** A control as its newest file in the period had it. */
export interface ReportControl {
  id: string;
  title: string;
  statement: string;
  /** Numbers of criteria by framework, as `soc2: ['CC6.1']`. */
  criteria: Record<string, string[]>;
  category: string;
  owner: string;
  /** Days allowed to mend a deviation, by severity. */
  remediation_days: Record<Severity, number>;
  /** Every file that it, or a test that is its now, was judged by, oldest first. */
  files: ReportFile[];
  /** In the order of the control's tests in the period's report. */
  tests: ReportTest[];
}

/** A control file as it was sealed. */
export interface ReportFile {
  /** The id within: another than the control's where a test was in another control before. */
  control: string;
  /** The name it was sealed under. */
  file: string;
  digest: string;
  from: string;
  to: string;
  nights: number;
}

/** The newest file of the control itself; undefined where no night of the period had one. */
export function newestFile({
  id,
  files,
}: Pick<ReportControl, 'id' | 'files'>): ReportFile | undefined {
  return files.findLast(({ control }) => control === id);
}

export interface ReportTest {
  id: string;
  title: string;
  /** Which records belong to the population, and what is expected of each: CEL; null: all. */
  where: string | null;
  expect: string;
  remediation: string;
  /** As the newest night of the period had them. */
  parameters: JsonObject;
}

/** A draw as it was sealed (docs/samples.md). */
export interface ReportSample {
  sequence: number;
  run: string;
  digest: string;
  sealed_at: string;
  test: string;
  period: { start: string; end: string };
  seed: string;
  size: number;
  by: string | null;
  /** How many it was drawn from, and the digest of their list. */
  population: { count: number; digest: string };
  items: { source: string; scope: string; uid: string; name: string; stratum: string | null }[];
}

/** When something was seen, and by which run. */
export interface Sight {
  run: string;
  observed_at: string;
}

/** Nights one after the other on which a test came out the same for an item. */
export interface Stretch {
  status: Status;
  from: Sight;
  to: Sight;
  nights: number;
  /** What decided on the first of these nights. */
  reason: string;
}

export interface ReportItem extends PopulationItem {
  /** In the order of time; nights on which nothing was seen of it are left out. */
  stretches: Stretch[];
}

/** The population of one test, with what shows that it is complete. */
export interface ReportPopulation extends Omit<Population, 'items'> {
  /** Why it is not known to be all there was; empty: it is. */
  incomplete: string[];
  items: ReportItem[];
  tie_outs: TieOuts[];
  queries: Query[];
}

/** Second counts of one scope, over the nights of the period. */
export interface TieOuts {
  source: string;
  scope: string;
  /** Slices of the dataset; those with a second count; those of them that it matched. */
  slices: number;
  counted: number;
  matched: number;
  /** Each count by what it was made, in how many slices, and in how many it matched. */
  by: { by: string; slices: number; matched: number }[];
}

/** A question that was asked of a source, all its pages. */
export interface Query {
  source: string;
  scope: string;
  service: string;
  operation: string;
  region?: string;
  parameters: JsonObject;
  /** At most so many in one night. */
  pages: number;
  /** Nights that asked it: how many, and when the first and the last began. */
  nights: number;
  from: string;
  to: string;
}

/** A record as it was on nights one after the other: the API's own object, and the fields read of it. */
export interface RecordVersion {
  from: Sight;
  to: Sight;
  /** Nights that saw it so. */
  nights: number;
  record: Pick<EvidenceRecord, 'uid' | 'name' | 'fields' | 'untold'> & {
    /** Left out where it was redacted. */
    original?: EvidenceRecord['original'];
  };
  /** The calls that it was made from on the first of these nights. */
  calls: ReportCall[];
}

/** Where it was redacted, without what tells which of many calls it was. */
export type ReportCall = Omit<Call, Telling> & Partial<Pick<Call, Telling>>;
type Telling = 'request_id' | 'server_date' | 'started_at' | 'finished_at';

/** Every version of one record in the period. */
export interface RecordHistory {
  source: string;
  dataset: string;
  scope: string;
  uid: string;
  /** In the order of time. */
  versions: RecordVersion[];
}

/** What a report does not hold at once: there may be hundreds of thousands of each. */
export interface ReportDetails {
  /** @param test its id, one of the report's. @throws TickmarkError IntegrityBroken */
  population(test: string): Promise<ReportPopulation>;
  /**
   * Sorted by source, scope and uid.
   * @param shown what of a record is looked at: where only the rest differs, it is one version.
   * @throws TickmarkError IntegrityBroken
   */
  records(dataset: string, shown?: ShownOf): AsyncIterable<RecordHistory>;
}
