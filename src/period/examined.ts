/** What all parts of a period's report are worked out from: nights in order, and what there was to see. Pure. */
import { type Control, type Severity, severities } from '../controls/schema.ts';
import {
  type Frequency,
  firstDayOf,
  type Occurrence,
  occurrencesOf,
  type Period,
  spanOf,
} from './calendar.ts';
import type { History } from './history.ts';
import { type Night, type Nights, nightsOf } from './nights.ts';
import { type Scope, scopesOf } from './scopes.ts';

export interface PeriodRequest {
  period: Period;
  /** The time that the report is made for; of a simulated history, its last night's. */
  now: Date;
  /** One date only (Type I): the occurrence that the day belongs to, up to its end. */
  asOf?: string;
}

/** What all parts of the report are worked out from. */
export interface Examined extends Nights {
  history: History;
  period: Period;
  now: number;
  /** Evidence is judged from here up to here, in milliseconds. */
  start: number;
  through: number;
  /** Each control and test of the nights up to the end, at its strictest. */
  controls: Map<string, Control>;
  tests: Map<string, { control: Control; test: Control['tests'][number]; last: number }>;
  /** Which control has each test. */
  holders: ReadonlyMap<string, Holder>;
  /** Datasets of events. */
  events: ReadonlySet<string>;
  scopes: ReadonlyMap<string, Scope>;
  /** One date only. */
  asOf: string | null;
  /** The period's occurrences, and of a Type I the one that its date belongs to. */
  occurrences: (frequency: Frequency) => readonly Occurrence[];
  /** How many nights of state, up to and with the one at a place, were asked of a source. */
  asked: (source: string, upTo: number) => number;
  /** Scopes by the dataset that was seen in them. */
  scopesOf: ReadonlyMap<string, readonly Scope[]>;
}

/** The control that the newest night up to the end has a test in. */
export interface Holder {
  control: string;
  /** Place of the first night since which it has been there. */
  since: number;
  /** Other controls that had it before, each with the place of its last night. */
  before: ReadonlyMap<string, number>;
}

/** Puts the nights in order, and finds out what there was to look at. */
export function prepare(history: History, request: PeriodRequest): Examined {
  const { timezone } = request.period;
  const found = nightsOf(history, timezone, request.now);
  const { nights } = found;
  const { asOf } = request;
  const period =
    asOf === undefined ? request.period : { ...request.period, start: asOf, end: asOf };
  const { start, end } = spanOf(period);
  const now = request.now.getTime();
  const through = Math.min(end, now);
  const { controls, tests, holders } = controlsOf(nights, history.controls, through);
  nights.forEach((night, place) => {
    for (const id of night.tests.keys()) {
      const known = tests.get(id);
      if (known !== undefined) known.last = place;
    }
  });
  const scopes = scopesOf(nights);
  const byDataset = new Map<string, Set<Scope>>();
  const events = new Set<string>();
  for (const { bundle } of nights) {
    for (const slice of bundle.manifest.slices) {
      if (slice.kind === 'events') events.add(slice.dataset);
      const scope = scopes.get(`${slice.source}\n${slice.scope}`);
      if (scope === undefined) continue;
      const known = byDataset.get(slice.dataset) ?? new Set();
      byDataset.set(slice.dataset, known.add(scope));
    }
  }
  return {
    ...found,
    history,
    period,
    now,
    start,
    through,
    controls,
    tests,
    holders,
    events,
    asOf: request.asOf ?? null,
    occurrences: occurrencesIn(period, asOf),
    asked: countAsked(nights),
    scopes,
    scopesOf: new Map([...byDataset].map(([dataset, all]) => [dataset, [...all]])),
  };
}

/**
 * The controls of the nights up to the end, as the last of them had them; a later night changes
 * nothing. Where a control asked for less for a time, what it asked for at its strictest counts: it
 * could be loosened in the last night for all of them. A test takes along what was asked of it in a
 * control that it was in before.
 */
function controlsOf(
  nights: readonly Night[],
  files: History['controls'],
  through: number,
): Pick<Examined, 'controls' | 'tests' | 'holders'> {
  const before = nights.filter(({ startedAt }) => startedAt < through);
  const controls: Examined['controls'] = new Map();
  const held = new Map<string, Held>();
  (before.length > 0 ? before : nights).forEach(({ bundle }, place) => {
    for (const { digest } of bundle.manifest.controls) {
      const control = files.get(digest);
      if (control === undefined) continue;
      const known = controls.get(control.id);
      controls.set(control.id, known === undefined ? control : strictest(known, control));
      for (const test of control.tests)
        held.set(test.id, hold(held.get(test.id), control, test, place));
    }
  });
  const tests: Examined['tests'] = new Map();
  for (const [id, { control: of, demands, severity }] of held) {
    const control = controls.get(of) as Control;
    const test = control.tests.find((each) => each.id === id) as Control['tests'][number];
    tests.set(id, {
      control: { ...control, ...strictestDemands(demands, control) },
      test: { ...test, severity: firstOf(severities, severity, test.severity) },
      last: 0,
    });
  }
  for (const { control } of tests.values()) {
    const own = controls.get(control.id) as Control;
    controls.set(control.id, { ...own, ...strictestDemands(control, own) });
  }
  return { controls, tests, holders: held };
}

type Demands = Pick<Control, 'frequency' | 'remediation_days'>;

interface Held extends Holder {
  before: Map<string, number>;
  /** Place of the last night that had it there. */
  last: number;
  /** What was asked of it at the strictest. */
  demands: Demands;
  severity: Severity;
}

/** Where a test is, and what is asked of it, with one more night. */
function hold(
  known: Held | undefined,
  control: Control,
  { severity }: Control['tests'][number],
  place: number,
): Held {
  if (known === undefined) {
    const before = new Map<string, number>();
    return { control: control.id, since: place, before, last: place, demands: control, severity };
  }
  if (known.control !== control.id) {
    known.before.set(known.control, known.last);
    known.before.delete(control.id);
    known.control = control.id;
    known.since = place;
  }
  known.last = place;
  known.demands = strictestDemands(known.demands, control);
  known.severity = firstOf(severities, known.severity, severity);
  return known;
}

/** The newer one; with its tests, those that it does not have any more. */
function strictest(older: Control, newer: Control): Control {
  if (older === newer) return newer;
  const tests = newer.tests.map((test) => {
    const before = older.tests.find(({ id }) => id === test.id)?.severity ?? test.severity;
    return { ...test, severity: firstOf(severities, before, test.severity) };
  });
  const gone = older.tests.filter(({ id }) => !tests.some((test) => test.id === id));
  return { ...newer, ...strictestDemands(older, newer), tests: [...tests, ...gone] };
}

function strictestDemands(one: Demands, other: Demands): Demands {
  if (one === other) return one;
  const days = { ...other.remediation_days };
  for (const severity of severities) {
    days[severity] = Math.min(days[severity], one.remediation_days[severity]);
  }
  return { frequency: firstOf(byDemand, one.frequency, other.frequency), remediation_days: days };
}

/** From the most to the least demanding. */
const byDemand: readonly Frequency[] = [
  'per-event',
  'continuous',
  'daily',
  'weekly',
  'monthly',
  'quarterly',
  'annual',
];

function firstOf<T>(order: readonly T[], one: T, other: T): T {
  return order.indexOf(one) <= order.indexOf(other) ? one : other;
}

/** Whether a night began in the period, and not after the time of the report. */
export function isWithin({ startedAt }: Night, { start, through }: Examined): boolean {
  return startedAt >= start && startedAt < through;
}

/** Each frequency's are worked out once: the calendar of a time zone takes its time. */
function occurrencesIn(period: Period, asOf: string | undefined): Examined['occurrences'] {
  const known = new Map<Frequency, readonly Occurrence[]>();
  return (frequency) => {
    const start = asOf === undefined ? period.start : firstDayOf(frequency, asOf);
    const occurrences = known.get(frequency) ?? occurrencesOf(frequency, { ...period, start });
    known.set(frequency, occurrences);
    return occurrences;
  };
}

function countAsked(nights: readonly Night[]): Examined['asked'] {
  const sums = new Map<string, number[]>();
  nights.forEach(({ isState, tests, sources }, place) => {
    for (const source of sources) if (!sums.has(source)) sums.set(source, Array(place).fill(0));
    for (const [source, sum] of sums) {
      const isAsked = isState && tests.size > 0 && sources.has(source);
      sum.push((sum.at(-1) ?? 0) + (isAsked ? 1 : 0));
    }
  });
  return (source, upTo) => sums.get(source)?.[upTo] ?? 0;
}
