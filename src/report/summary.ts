/** What a night found, as data: the terminal's table and `--json` are both made from it. */
import type { CompiledControl } from '../controls/compile.ts';
import { coverage, standingOn, type Waiver, type WaiverStanding } from '../controls/waivers.ts';
import { dayIn } from '../evidence/days.ts';
import { noCounts, type Result, type StatusCounts } from '../evidence/result.ts';
import type { Problem } from '../evidence/slice.ts';
import type { Bundle, Manifest } from '../seal/manifest.ts';

/** `incomplete` outranks `deviations`: what was not seen may be worse than what was. */
export type ControlOutcome = 'no deviations' | 'deviations' | 'incomplete' | 'not tested';

export interface ControlSummary {
  id: string;
  title: string;
  outcome: ControlOutcome;
  counts: StatusCounts;
}

export interface Deviation {
  control: string;
  test: string;
  title: string;
  resource: Result['resource'];
  reason: string;
  remediation: string;
}

/** A deviation that a waiver accepts; the reason says whose. */
export type Waived = Omit<Deviation, 'remediation'>;

/** A waiver that did nothing on the day of the night. */
export interface IdleWaiver {
  /** `unmatched`: in force, and no fail of its test fits. */
  state: Exclude<WaiverStanding, 'in force'> | 'unmatched';
  test: string;
  resource: string;
  scope?: string;
  from: string;
  until: string;
  approver: string;
  /** Results of its test that could not be told: some of them may be what it waits for. */
  untold: number;
}

/** A slice that is not complete, and why. */
export interface NotCollected {
  source: string;
  scope: string;
  dataset: string;
  outcome: 'partial' | 'failed';
  /** Of events: which ones. */
  interval?: { start: string; end: string };
  problems: Problem[];
}

/** Rows that should have been judged and could not be, by test. */
export interface Unjudged {
  control: string;
  test: string;
  count: number;
  /** The most frequent reason. */
  reason: string;
}

/** What a backfill of the same run sealed. */
export interface BackfillSummary {
  run: string;
  sequence: number;
  /** The hull of what its slices speak of. */
  start: string;
  end: string;
  records: number;
  counts: StatusCounts;
  not_collected: NotCollected[];
}

export interface NightSummary {
  organization: string;
  run: string;
  kind: Manifest['kind'];
  evidence_of: string | null;
  started_at: string;
  finished_at: string;
  clock: 'system' | 'simulated';
  answers: 'live' | 'replayed';
  controls: ControlSummary[];
  counts: StatusCounts;
  deviations: Deviation[];
  waived: Waived[];
  idle_waivers: IdleWaiver[];
  not_collected: NotCollected[];
  unjudged: Unjudged[];
  notes: { source: string; scope: string; dataset: string; message: string }[];
  left_out: { source: string; scope: string; reason: string }[];
  sources: Pick<
    Manifest['sources'][number],
    'id' | 'use' | 'identities' | 'endpoints' | 'requests'
  >[];
  /** Requests that this run sent; an `evaluate` sends none. */
  requests: number;
  slices: number;
  records: number;
  bundle: SealSummary;
  /** What the run sealed of before its own night, oldest first. */
  backfill: BackfillSummary[];
}

/** How the run's last bundle is sealed; sequence and digest are the head of the chain. */
export interface SealSummary {
  sequence: number;
  digest: string;
  path: string;
  /** Fingerprint of the key that signed it; null: unsigned. */
  signed_by: string | null;
  /** What the timestamp authorities said; null where none is configured. */
  timestamp: Stamping | null;
}

/** What having a run's bundle stamped came to. */
export interface Stamping {
  /** The token's own time, and who gave it; null where none was had. */
  time: string | null;
  authority: string | null;
  /** Bundles of before that had to wait, and have a token now. */
  late: number[];
  /** Why the authorities that were asked gave none. */
  failures: string[];
}

/** What one bundle of a backfill holds, in a few numbers. */
export function summariseBackfill({ manifest }: Bundle): BackfillSummary {
  const intervals = manifest.slices.flatMap(({ interval }) => interval ?? []);
  return {
    run: manifest.run,
    sequence: manifest.sequence,
    start: intervals.map(({ start }) => start).reduce((a, b) => (a < b ? a : b)),
    end: intervals.map(({ end }) => end).reduce((a, b) => (a > b ? a : b)),
    records: sum(manifest.slices.map((slice) => slice.records.count)),
    counts: manifest.results?.counts ?? noCounts(),
    not_collected: notCollected(manifest),
  };
}

function notCollected({ slices }: Manifest): NotCollected[] {
  return slices.flatMap(({ source, scope, dataset, outcome, interval, problems }) => {
    if (outcome === 'complete') return [];
    const { start, end } = interval ?? {};
    const events = start === undefined || end === undefined ? {} : { interval: { start, end } };
    return [{ source, scope, dataset, outcome, ...events, problems: errorsOf(problems) }];
  });
}

/**
 * @param results the bundle's own, in any order.
 * @param waivers those that it was judged with.
 */
export async function summarise(
  { manifest, digest }: Bundle,
  { path, timestamp }: Pick<SealSummary, 'path' | 'timestamp'>,
  controls: readonly CompiledControl[],
  results: AsyncIterable<Result>,
  waivers: readonly Waiver[],
  backfill: readonly Bundle[],
): Promise<NightSummary> {
  const byControl = new Map(controls.map(({ control }) => [control.id, noCounts()]));
  const tests = new Map(controls.flatMap(({ tests: all }) => all.map((test) => [test.id, test])));
  const deviations: Deviation[] = [];
  const waived: Waived[] = [];
  const judged = new Set<string>();
  const unjudged = new Map<string, { control: string; reasons: Map<string, number> }>();
  const counts = noCounts();
  for await (const { control, test, resource, status, reason } of results) {
    counts[status] += 1;
    judged.add(test);
    const ofControl = byControl.get(control);
    if (ofControl !== undefined) ofControl[status] += 1;
    if (status === 'fail' || status === 'waived') {
      const known = tests.get(test);
      const row = { control, test, title: known?.title ?? test, resource, reason };
      if (status === 'waived') waived.push(row);
      else deviations.push({ ...row, remediation: known?.definition.remediation ?? '' });
    }
    if (status === 'error') {
      const { reasons } = unjudged.get(test) ?? { reasons: new Map<string, number>() };
      unjudged.set(test, { control, reasons: reasons.set(reason, (reasons.get(reason) ?? 0) + 1) });
    }
  }
  const slices = manifest.slices;
  return {
    organization: manifest.organization,
    run: manifest.run,
    kind: manifest.kind,
    evidence_of: manifest.evidence_of?.run ?? null,
    started_at: manifest.started_at,
    finished_at: manifest.finished_at,
    clock: manifest.clock,
    answers: manifest.answers,
    controls: controls.map(({ control }) => {
      const own = byControl.get(control.id) ?? noCounts();
      return { id: control.id, title: control.title, outcome: outcomeOf(own), counts: own };
    }),
    counts,
    deviations,
    waived,
    idle_waivers:
      manifest.results === null
        ? []
        : idleWaivers(waivers, {
            day: dayIn(new Date(manifest.results.as_of), manifest.timezone),
            waived,
            mayMatch: (test) => {
              const known = tests.get(test);
              // A test of today that these results say nothing of; an event, which is judged once.
              return known === undefined || (judged.has(test) && known.types.when === undefined);
            },
            untold: (test) => sum([...(unjudged.get(test)?.reasons.values() ?? [])]),
          }),
    not_collected: notCollected(manifest),
    unjudged: [...unjudged].map(([test, { control, reasons }]) => ({
      control,
      test,
      count: sum([...reasons.values()]),
      reason: [...reasons].reduce((most, each) => (each[1] > most[1] ? each : most))[0],
    })),
    notes: slices.flatMap(({ source, scope, dataset, problems }) =>
      problems
        .filter((problem) => problem.severity === 'note')
        .map(({ message }) => ({ source, scope, dataset, message })),
    ),
    left_out: manifest.sources.flatMap(({ id, left_out }) =>
      left_out.map((each) => ({ source: id, ...each })),
    ),
    sources: manifest.sources.map(({ id, use, identities, endpoints, requests }) => ({
      id,
      use,
      identities,
      endpoints,
      requests,
    })),
    requests: manifest.kind === 'evaluate' ? 0 : sum(manifest.sources.map((each) => each.requests)),
    slices: slices.length,
    records: sum(slices.map((slice) => slice.records.count)),
    bundle: {
      sequence: manifest.sequence,
      digest,
      path,
      signed_by: manifest.signature?.key ?? null,
      timestamp,
    },
    backfill: backfill.map(summariseBackfill),
  };
}

function idleWaivers(
  waivers: readonly Waiver[],
  {
    day,
    waived,
    mayMatch,
    untold,
  }: {
    day: string;
    waived: readonly Waived[];
    /** Whether a waiver of the test that covers nothing is one that does nothing. */
    mayMatch: (test: string) => boolean;
    untold: (test: string) => number;
  },
): IdleWaiver[] {
  return waivers.flatMap((waiver): IdleWaiver[] => {
    const { test, resource, scope, from, until, approver } = waiver;
    const standing = standingOn(waiver, day);
    const isUnmatched = () => mayMatch(test) && !waived.some(coverage(waiver));
    if (standing === 'in force' && !isUnmatched()) return [];
    return [
      {
        state: standing === 'in force' ? 'unmatched' : standing,
        test,
        resource,
        ...(scope === undefined ? {} : { scope }),
        from,
        until,
        approver,
        untold: untold(test),
      },
    ];
  });
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function errorsOf(problems: readonly Problem[]): Problem[] {
  return problems.filter((problem) => problem.severity === 'error');
}

function outcomeOf(counts: StatusCounts): ControlOutcome {
  if (counts.error > 0) return 'incomplete';
  if (counts.fail > 0) return 'deviations';
  return counts.pass > 0 || counts.waived > 0 ? 'no deviations' : 'not tested';
}
