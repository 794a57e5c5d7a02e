/**
 * State over time: what came out for each resource, night after night. Nights share most of their
 * lines, so that only what differs from the night before is looked at. Pure.
 *
 * A night that did not get everything says nothing of what it lacks: a resource that is missing then
 * is neither deleted nor mended. It is withheld until a complete night shows it, or shows that it
 * is gone.
 */
import type { Status, StatusLine } from '../evidence/result.ts';
import type { SealedSlice } from '../seal/manifest.ts';
import { differenceOf } from './history.ts';
import { type Night, streamKey } from './nights.ts';

/** What a night says of one resource under one test. */
type Seen = 'pass' | 'fail' | 'waived' | 'outside' | 'absent' | 'unknown';

/** Nights one after the other on which a resource failed: places in the list of nights. */
interface Span {
  status: 'fail' | 'waived';
  from: number;
  to: number;
}

/** A deviation of a state, by places in the list of nights. */
export interface StateDeviation {
  resource: Resource;
  test: string;
  /** The last night that saw it otherwise; null: none did. */
  after: number | null;
  how: 'failed' | 'created' | 'entered the population' | 'first seen';
  spans: Span[];
  closed: { by: number; how: 'mended' | 'deleted' | 'left the population' } | null;
  recurrence: number;
}

/** A resource as it stands at some night. */
export interface Resource {
  source: string;
  scope: string;
  dataset: string;
  uid: string;
  name: string;
}

interface Track {
  now: Seen;
  /** What was known last, and by which night; null: nothing ever was. */
  known: { seen: Exclude<Seen, 'unknown'>; at: number } | null;
  /** The test had not been there when the resource was first seen. */
  isLate: boolean;
  open: StateDeviation | null;
  recurrence: number;
}

interface State extends Resource {
  /** Null: it is not there. */
  line: StatusLine | null;
  /** The last complete night of its scope before it was first seen. */
  before: number | null;
  first: number;
  /** Only for tests under which it was ever other than it is; null: for none. */
  tracks: Map<string, Track> | null;
  lives: Life[];
}

/** From its coming to its going, by places in the list of nights. */
interface Life {
  created: { after: number; by: number } | null;
  deleted: { after: number; by: number } | null;
  first: number;
  last: number;
  /** Nights on which one test came out the same; only where one test is asked for. */
  runs: { status: Status; from: number; to: number }[];
}

export interface States {
  /** By test. */
  deviations: ReadonlyMap<string, readonly StateDeviation[]>;
  /** Resources that were in a test's population in the period. */
  population: ReadonlyMap<string, number>;
  /** Every resource that was ever there, with its lives. */
  resources: readonly (Resource & { lives: readonly Life[] })[];
  /** For each stream, and each test over it, the nights (places) that judged it without an error. */
  complete: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<number>>>;
}

/**
 * @param events datasets of events, which are not state.
 * @param inPeriod whether a night (by its place) lies in the period.
 * @param only follow one test, with the nights of each outcome.
 */
export function walkStates(
  nights: readonly Night[],
  events: ReadonlySet<string>,
  inPeriod: (place: number) => boolean,
  only?: string,
): States {
  return new Walk(nights, events, inPeriod, only).walk();
}

class Walk {
  readonly #nights: readonly Night[];
  readonly #events: ReadonlySet<string>;
  readonly #inPeriod: (place: number) => boolean;
  readonly #only: string | undefined;
  /** Datasets that the one test is over; undefined: all. */
  readonly #over: ReadonlySet<string> | undefined;
  readonly #states = new Map<string, State>();
  readonly #deviations = new Map<string, StateDeviation[]>();
  /** Resources that were in a test's population in the period. */
  readonly #population = new Map<string, Set<State>>();
  /** Sources that were asked in the period. */
  readonly #begun = new Set<string>();
  /** Resources that incomplete nights did not show, with the last night that did, by stream. */
  readonly #withheld = new Map<string, Map<string, number>>();
  /** Lines with an error that stand at the night before, by stream and test. */
  readonly #errors = new Map<string, Map<string, number>>();
  readonly #complete = new Map<string, Map<string, Set<number>>>();
  /** Nights that saw a whole stream, ascending. */
  readonly #wholeAt = new Map<string, number[]>();

  constructor(
    nights: readonly Night[],
    events: ReadonlySet<string>,
    inPeriod: (place: number) => boolean,
    only: string | undefined,
  ) {
    this.#nights = nights;
    this.#events = events;
    this.#inPeriod = inPeriod;
    this.#only = only;
    if (only === undefined) return;
    this.#over = new Set(nights.flatMap(({ tests }) => tests.get(only)?.test.over ?? []));
  }

  walk(): States {
    const latest = new Map<string, number>();
    this.#nights.forEach((night, place) => {
      if (!night.isState || night.tests.size === 0) return;
      // Sources that were last asked together are compared with that night together.
      const groups = new Map<number | undefined, Set<string>>();
      for (const source of night.sources) {
        const before = latest.get(source);
        const group = groups.get(before) ?? new Set();
        groups.set(before, group.add(source));
        latest.set(source, place);
      }
      for (const [before, sources] of groups) this.#night(place, before, sources);
      if (this.#inPeriod(place)) this.#begin(night.sources);
    });
    for (const state of this.#states.values()) this.#end(state, latest.get(state.source) ?? 0);
    return {
      deviations: this.#deviations,
      population: new Map([...this.#population].map(([test, all]) => [test, all.size])),
      resources: [...this.#states.values()],
      complete: this.#complete,
    };
  }

  #night(place: number, before: number | undefined, sources: ReadonlySet<string>): void {
    const night = this.#nights[place] as Night;
    const last = before === undefined ? undefined : this.#nights[before];
    const isAsked = ({ source, dataset }: StatusLine) =>
      sources.has(source) && this.#isAsked(dataset);
    const difference = differenceOf(last?.chunks ?? [], night.chunks);
    const { gone, come } = differentLines(difference);
    const removed = linesOf(gone, isAsked);
    const added = linesOf(come, isAsked);
    for (const line of removed.values()) this.#countErrors(line, -1);
    for (const line of added.values()) this.#countErrors(line, 1);
    for (const [key, line] of added) {
      if (line.about !== undefined) continue;
      const withheld = this.#withheld.get(streamKey(line));
      const seenLast = withheld?.get(key);
      const statuses = this.#merged(key, seenLast !== undefined, removed.get(key), line);
      withheld?.delete(key);
      const standing = statuses === line.statuses ? line : { ...line, statuses };
      this.#apply(key, standing, place, seenLast ?? before ?? null);
    }
    for (const [key, line] of removed) {
      if (line.about !== undefined || added.has(key)) continue;
      const statuses = this.#merged(key, false, line, undefined);
      const stream = streamKey(line);
      // Judged twice, by different tests: one of the two judgements is what is missing.
      if (Object.keys(statuses).length > 0)
        this.#apply(key, { ...line, statuses }, place, before ?? null);
      else if (isShown(night, line)) this.#remove(key, place, before as number);
      else this.#withhold(stream, key, place, before as number);
    }
    this.#closeStreams(night, place, sources);
  }

  /** What complete streams do not show of what was withheld is gone; and they count as seen. */
  #closeStreams(night: Night, place: number, sources: ReadonlySet<string>): void {
    for (const [stream, slices] of night.slices) {
      const [slice] = slices;
      if (slice === undefined || slice.kind !== 'snapshot' || !sources.has(slice.source)) continue;
      const tests = night.judged.get(slice.dataset);
      if (tests === undefined || !isWhole(slices)) continue;
      for (const [key, seenLast] of this.#withheld.get(stream) ?? []) {
        this.#remove(key, place, seenLast);
      }
      this.#withheld.delete(stream);
      const whole = this.#wholeAt.get(stream);
      if (whole === undefined) this.#wholeAt.set(stream, [place]);
      else whole.push(place);
      const errors = this.#errors.get(stream);
      const complete = getOrAdd(this.#complete, stream, () => new Map<string, Set<number>>());
      for (const test of tests) {
        if ((errors?.get(test) ?? 0) > 0) continue;
        getOrAdd(complete, test, () => new Set()).add(place);
      }
    }
  }

  /** What stands for a resource now: some of its tests may have been judged apart from the others. */
  #merged(
    key: string,
    wasWithheld: boolean,
    removed: StatusLine | undefined,
    added: StatusLine | undefined,
  ): StatusLine['statuses'] {
    const known = wasWithheld ? undefined : this.#states.get(key)?.line?.statuses;
    if (known === undefined) return added?.statuses ?? {};
    const gone = removed?.statuses ?? {};
    const kept = Object.entries(known).filter(([test]) => !Object.hasOwn(gone, test));
    if (kept.length === 0) return added?.statuses ?? {};
    return { ...Object.fromEntries(kept), ...added?.statuses };
  }

  #isAsked(dataset: string): boolean {
    return !this.#events.has(dataset) && (this.#over?.has(dataset) ?? true);
  }

  #countErrors(line: StatusLine, by: 1 | -1): void {
    for (const test of Object.keys(line.statuses)) {
      if (line.statuses[test] !== 'error') continue;
      const errors = getOrAdd(this.#errors, streamKey(line), () => new Map<string, number>());
      errors.set(test, (errors.get(test) ?? 0) + by);
    }
  }

  /** @param seenLast the last night that saw it, or its scope without it. */
  #apply(key: string, line: StatusLine, place: number, seenLast: number | null): void {
    let state = this.#states.get(key);
    const old = state?.line ?? null;
    const before = this.#wholeBefore(streamKey(line), place);
    if (state === undefined) {
      const { source, scope, dataset, uid, name } = line;
      // Made by the ten thousand: each property by its name, since spread ones take long.
      state = {
        source,
        scope,
        dataset,
        uid,
        name,
        line: null,
        before,
        first: place,
        tracks: null,
        lives: [],
      };
      this.#states.set(key, state);
    }
    if (old === null) {
      const created = before === null ? null : { after: before, by: place };
      state.lives.push({ created, deleted: null, first: place, last: place, runs: [] });
    }
    const seenBefore = old === null ? before : seenLast;
    for (const test of this.#testsOf(state, line)) {
      this.#see(state, test, old, seenOf(line.statuses[test]), place, seenBefore);
    }
    this.#run(state, line.statuses, place, seenLast);
    state.line = line;
    state.name = line.name;
    if (this.#begun.has(line.source) && this.#inPeriod(place)) this.#count(state);
  }

  /** Tests to look at: of what comes anew those that fail, or that it is known by. */
  #testsOf({ line: old, tracks }: State, { statuses }: StatusLine): Iterable<string> {
    const tests = Object.keys(statuses);
    const asked = this.#only === undefined ? tests : tests.filter((test) => test === this.#only);
    if (old !== null) return new Set([...Object.keys(old.statuses), ...asked]);
    return asked.filter((test) => {
      return statuses[test] === 'fail' || statuses[test] === 'waived' || tracks?.has(test);
    });
  }

  #remove(key: string, place: number, seenLast: number): void {
    const state = this.#states.get(key);
    if (state === undefined || state.line === null) return;
    const { line } = state;
    for (const test of Object.keys(line.statuses)) {
      if (this.#only !== undefined && test !== this.#only) continue;
      this.#see(state, test, line, 'absent', place, seenLast);
    }
    const life = state.lives.at(-1) as Life;
    life.last = seenLast;
    life.deleted = { after: seenLast, by: place };
    this.#endRun(life, seenLast);
    state.line = null;
  }

  #withhold(stream: string, key: string, place: number, seenLast: number): void {
    const state = this.#states.get(key);
    if (state === undefined || state.line === null) return;
    const withheld = this.#withheld.get(stream) ?? new Map<string, number>();
    this.#withheld.set(stream, withheld.set(key, seenLast));
    const life = state.lives.at(-1) as Life;
    life.last = seenLast;
    this.#endRun(life, seenLast);
    for (const [test, track] of state.tracks ?? []) {
      if (track.open !== null) this.#see(state, test, state.line, 'unknown', place, seenLast);
    }
  }

  #see(
    state: State,
    test: string,
    old: StatusLine | null,
    seen: Seen,
    place: number,
    seenLast: number | null,
  ): void {
    let track = state.tracks?.get(test);
    const was: Seen =
      track?.now ??
      (old === null ? (state.first === place ? 'unknown' : 'absent') : seenOf(old.statuses[test]));
    if (was === seen) return;
    if (track === undefined) {
      track = {
        now: was,
        known: null,
        isLate: old !== null && !Object.hasOwn(old.statuses, test),
        open: null,
        recurrence: 0,
      };
      state.tracks ??= new Map();
      state.tracks.set(test, track);
    }
    if (was !== 'unknown' && seenLast !== null) {
      track.known = { seen: was, at: seenLast };
      const span = track.open?.spans.at(-1);
      if (span !== undefined && (was === 'fail' || was === 'waived')) span.to = seenLast;
    }
    track.now = seen;
    if (seen === 'fail' || seen === 'waived') this.#fail(state, test, track, seen, place);
    else if (seen !== 'unknown' && track.open !== null) {
      const how =
        seen === 'pass' ? 'mended' : seen === 'absent' ? 'deleted' : 'left the population';
      track.open.closed = { by: place, how };
      track.open = null;
    }
  }

  #fail(state: State, test: string, track: Track, status: 'fail' | 'waived', place: number): void {
    if (track.open === null) {
      const opened = openedBy(track, state);
      track.open = {
        resource: state,
        test,
        ...opened,
        spans: [],
        closed: null,
        recurrence: track.recurrence,
      };
      track.recurrence += 1;
      getOrAdd(this.#deviations, test, () => []).push(track.open);
    }
    track.open.spans.push({ status, from: place, to: place });
  }

  /** What stands at the first night of the period is in it, and what comes or changes from then on. */
  #begin(sources: ReadonlySet<string>): void {
    const fresh = new Set([...sources].filter((source) => !this.#begun.has(source)));
    if (fresh.size === 0) return;
    for (const source of fresh) this.#begun.add(source);
    for (const state of this.#states.values()) if (fresh.has(state.source)) this.#count(state);
  }

  /** Counts it for the tests whose population it is in. */
  #count(state: State): void {
    if (state.line === null) return;
    for (const [test, status] of Object.entries(state.line.statuses)) {
      if (isIn(status)) getOrAdd(this.#population, test, () => new Set()).add(state);
    }
  }

  #run(
    state: State,
    statuses: StatusLine['statuses'],
    place: number,
    seenLast: number | null,
  ): void {
    const status = this.#only === undefined ? undefined : statuses[this.#only];
    const life = state.lives.at(-1) as Life;
    const run = life.runs.at(-1);
    if (run !== undefined && run.to < 0) {
      if (run.status === status) return;
      run.to = seenLast ?? place;
    }
    if (status === undefined) return;
    // Under way: its end is set when it ends.
    life.runs.push({ status, from: place, to: -1 });
  }

  #endRun(life: Life, seenLast: number): void {
    const run = life.runs.at(-1);
    if (run !== undefined && run.to < 0) run.to = seenLast;
  }

  /** The nights end: what is open stays so, until the last that saw it. */
  #end(state: State, latest: number): void {
    const withheld = this.#withheld.get(streamKey(state))?.get(key(state));
    const last = withheld ?? latest;
    const life = state.lives.at(-1) as Life;
    if (state.line !== null) {
      life.last = last;
      this.#endRun(life, last);
    }
    for (const { now, open } of state.tracks?.values() ?? []) {
      const span = open?.spans.at(-1);
      if (span !== undefined && (now === 'fail' || now === 'waived')) span.to = last;
    }
  }

  #wholeBefore(stream: string, place: number): number | null {
    const whole = this.#wholeAt.get(stream) ?? [];
    const last = whole.at(-1);
    return last !== undefined && last < place ? last : null;
  }
}

function key({ source, dataset, scope, uid }: Resource): string {
  return JSON.stringify([source, dataset, scope, uid]);
}

function isIn(status: Status): boolean {
  return status === 'pass' || status === 'fail' || status === 'waived' || status === 'error';
}

function seenOf(status: Status | undefined): Seen {
  if (status === 'not_applicable') return 'outside';
  return status === 'pass' || status === 'fail' || status === 'waived' ? status : 'unknown';
}

/** Whether a night's statuses show all of a stream: it saw all of it, and judged it. */
function isShown(night: Night, of: Pick<Resource, 'source' | 'scope' | 'dataset'>): boolean {
  return night.judged.has(of.dataset) && isWhole(night.slices.get(streamKey(of)) ?? []);
}

function isWhole(slices: readonly SealedSlice[]): boolean {
  return slices.length > 0 && slices.every(({ outcome }) => outcome === 'complete');
}

/** Between which nights a deviation that is first seen now was opened. */
function openedBy(
  { known, isLate }: Track,
  { before }: State,
): Pick<StateDeviation, 'after' | 'how'> {
  if (known?.seen === 'pass') return { after: known.at, how: 'failed' };
  if (known?.seen === 'outside') return { after: known.at, how: 'entered the population' };
  if (known?.seen === 'absent') return { after: known.at, how: 'created' };
  if (before !== null && !isLate) return { after: before, how: 'created' };
  return { after: null, how: 'first seen' };
}

/** The lines of different chunks that differ: a chunk is new for one of its lines. */
function differentLines({ removed, added }: ReturnType<typeof differenceOf>): {
  gone: ReadonlySet<StatusLine>;
  come: readonly StatusLine[];
} {
  const gone = new Set<StatusLine>();
  for (const { lines } of removed) for (const line of lines) gone.add(line);
  const come: StatusLine[] = [];
  const stayed: StatusLine[] = [];
  for (const { lines } of added) {
    for (const line of lines) (gone.has(line) ? stayed : come).push(line);
  }
  for (const line of stayed) gone.delete(line);
  return { gone, come };
}

/** Those lines that are asked for, by resource; where it was judged twice, by different tests, both together. */
function linesOf(
  all: Iterable<StatusLine>,
  isAsked: (line: StatusLine) => boolean,
): Map<string, StatusLine> {
  const lines = new Map<string, StatusLine>();
  for (const line of all) {
    if (!isAsked(line)) continue;
    const name = key(line);
    const known = lines.get(name);
    const both = known && { ...line, statuses: { ...line.statuses, ...known.statuses } };
    lines.set(name, both ?? line);
  }
  return lines;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
