/** What all parts of a period's report are worked out from: nights in order, and what there was to see. Pure. */
import { type Control, type Severity, severities } from '../controls/schema.ts';
import type { SealedSlice } from '../seal/manifest.ts';
import {
  type Frequency,
  firstDayOf,
  type Occurrence,
  occurrencesOf,
  type Period,
  spanOf,
} from './calendar.ts';
import { type Stretch, tellsOf } from './events.ts';
import type { History } from './history.ts';
import { type Night, type Nights, nightsOf } from './nights.ts';
import { type Scope, scopeKey, scopesOf } from './scopes.ts';

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
  /**
   * The first of `nights`: those that began before `through`. State is told from these alone; of
   * events a later night may tell too.
   */
  upToEnd: readonly Night[];
  /** Each control and test of the nights up to the end, at its strictest. */
  controls: Map<string, Control>;
  tests: Map<string, { control: Control; test: Control['tests'][number] }>;
  /** Which control has each test. */
  holders: ReadonlyMap<string, Holder>;
  /** Datasets of events. */
  events: ReadonlySet<string>;
  /** Every scope, as state has it, and as events have it. */
  scopes: readonly Scope[];
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
  const upToEnd = nights.filter(({ startedAt }) => startedAt < through);
  const { controls, tests, holders } = controlsOf(upToEnd, nights, history.controls);
  const span = { start, end: through };
  const events = eventsOf(nights, upToEnd.length, span);
  const isEvents = ({ dataset }: SealedSlice) => events.has(dataset);
  const ofStates = byDataset(upToEnd, scopesOf(upToEnd), (slice) => !isEvents(slice));
  // One that came after the end was not to be looked at, unless nothing else tells of the period.
  const isLate = ({ isAdded, first }: Scope) => isAdded && first >= upToEnd.length;
  const all = scopesOf(nights);
  const late = all.filter(isLate).map((scope) => ({ ...scope, isAdded: false }));
  const ofEvents = new Map([
    ...byDataset(nights, late, (slice) => isEvents(slice) && tellsOf(slice, span)),
    ...byDataset(
      nights,
      all.filter((scope) => !isLate(scope)),
      isEvents,
    ),
  ]);
  const scopes = [...ofStates, ...ofEvents];
  return {
    ...found,
    history,
    period,
    now,
    start,
    through,
    upToEnd,
    controls,
    tests,
    holders,
    events,
    asOf: request.asOf ?? null,
    occurrences: occurrencesIn(period, asOf),
    asked: countAsked(nights),
    scopes: [...new Set(scopes.flatMap(([, own]) => own))],
    scopesOf: new Map(scopes),
  };
}

/** Datasets of events: those of nights after the end where they tell of the period. */
function eventsOf(nights: readonly Night[], upToEnd: number, period: Stretch): Set<string> {
  const events = new Set<string>();
  nights.forEach(({ bundle }, place) => {
    for (const slice of bundle.manifest.slices) {
      if (slice.kind !== 'events') continue;
      if (place < upToEnd || tellsOf(slice, period)) events.add(slice.dataset);
    }
  });
  return events;
}

/** The scopes in which each dataset was seen, by slices that count. */
function byDataset(
  nights: readonly Night[],
  scopes: readonly Scope[],
  isCounted: (slice: SealedSlice) => boolean,
): Map<string, Scope[]> {
  const byKey = new Map(scopes.map((each) => [scopeKey(each.source, each.scope), each]));
  const found = new Map<string, Set<Scope>>();
  for (const { bundle } of nights) {
    for (const slice of bundle.manifest.slices) {
      const known = byKey.get(scopeKey(slice.source, slice.scope));
      if (known === undefined || !isCounted(slice)) continue;
      const all = found.get(slice.dataset) ?? new Set();
      found.set(slice.dataset, all.add(known));
    }
  }
  return new Map([...found].map(([dataset, all]) => [dataset, [...all]]));
}

/**
 * The controls of the nights up to the end, as the last of them had them; a later night changes
 * nothing. Where a control asked for less for a time, what it asked for at its strictest counts: it
 * could be loosened in the last night for all of them. A test takes along what was asked of it in a
 * control that it was in before. Where there is no such night, those of the first that has any.
 */
function controlsOf(
  upToEnd: readonly Night[],
  nights: readonly Night[],
  files: History['controls'],
): Pick<Examined, 'controls' | 'tests' | 'holders'> {
  const first = nights.find(({ bundle }) => bundle.manifest.controls.length > 0);
  const controls: Examined['controls'] = new Map();
  const held = new Map<string, Held>();
  (upToEnd.length > 0 || first === undefined ? upToEnd : [first]).forEach(({ bundle }, place) => {
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
