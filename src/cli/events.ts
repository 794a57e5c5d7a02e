/**
 * Which events a run has still to ask for: from the start of the period, or from where the store's
 * evidence ends. What lies further back than a week is cut into pieces, so that an interrupted
 * backfill goes on where it stopped.
 */
import type { Askable, Job } from '../collect/collect.ts';
import { isEnough, type Piece, planPieces } from '../collect/plan.ts';
import { contentDigest, type EventsRequest } from '../collect/slice.ts';
import type { Config } from '../config/schema.ts';
import { startOfDay } from '../evidence/days.ts';
import type { Json } from '../evidence/json.ts';
import type { Interval } from '../plugin.ts';
import type { SealedSlice } from '../seal/manifest.ts';
import { type AnsweredSlice, answeredSlices, answerOf, keyOf } from '../store/answered.ts';
import type { Store } from '../store/store.ts';

/** Without a period that has begun, a first run asks for so much. */
const daysWithoutPeriod = 30;

/** The pieces of one backfill step, or of the run's own night. */
export interface Step {
  /** The hull of the pieces. */
  interval: Interval;
  jobs: Job[];
}

interface Line {
  askable: Askable;
  answered: AnsweredSlice[];
  /** Everything before was asked in this run. */
  next: Date;
  /** A piece gave nothing at all: the rest is asked once more, in one go, at the end. */
  stuck: boolean;
}

/** Where events are wanted from. */
export function eventsSince({ period, timezone }: Config, now: Date): Date {
  const start = period === undefined ? now : startOfDay(period.start, timezone);
  return start < now ? start : new Date(now.getTime() - daysWithoutPeriod * 86_400_000);
}

/** Whether the configured period lies in the future altogether. */
export function hasNotBegun({ period, timezone }: Config, now: Date): boolean {
  return period !== undefined && startOfDay(period.start, timezone) >= now;
}

/** The events that one run asks for, step by step; each step follows from what came before. */
export class EventsPlan {
  readonly #store: Store;
  readonly #lines: Map<string, Line>;
  readonly #wanted: Interval;

  private constructor(store: Store, lines: Map<string, Line>, wanted: Interval) {
    this.#store = store;
    this.#lines = lines;
    this.#wanted = wanted;
  }

  static async open(
    store: Store,
    askable: readonly Askable[],
    wanted: Interval,
    real: boolean,
  ): Promise<EventsPlan> {
    const events = askable.filter(({ dataset }) => dataset.kind === 'events');
    const keys = events.map(keyOfAskable);
    const night = { now: wanted.end, real };
    const answered = await answeredSlices(store, keys, night, (slices) => isEnough(slices, wanted));
    const lines = events.map((each): [string, Line] => {
      const key = keyOf(keyOfAskable(each));
      // Where there is no way to ask, every piece would say so.
      const stuck = 'problem' in each.scope;
      return [key, { askable: each, answered: answered.get(key) ?? [], next: wanted.start, stuck }];
    });
    return new EventsPlan(store, new Map(lines), wanted);
  }

  /** The earliest pieces that end before the night itself; undefined when there are none left. */
  async backfill(): Promise<Step | undefined> {
    const open = [...this.#lines.values()].flatMap((line) => {
      const [piece] = line.stuck ? [] : this.#pieces(line, this.#wanted.start);
      return piece === undefined || piece.own.end >= this.#wanted.end ? [] : [{ line, piece }];
    });
    const [first, ...others] = open.map(({ piece }) => piece.own.end);
    if (first === undefined) return undefined;
    const end = others.reduce((least, each) => (each < least ? each : least), first);
    return this.#step(open.filter(({ piece }) => piece.own.end <= end));
  }

  /** How many backfill steps are left at most. */
  remaining(): number {
    const ends = [...this.#lines.values()].flatMap((line) =>
      line.stuck ? [] : this.#pieces(line, this.#wanted.start).map(({ own }) => own.end.getTime()),
    );
    return new Set(ends.filter((end) => end < this.#wanted.end.getTime())).size;
  }

  /** What is left for the night itself. */
  async night(): Promise<Job[]> {
    const last = [...this.#lines.values()].flatMap((line) =>
      this.#pieces(line, undefined).map((piece) => ({ line, piece })),
    );
    return (await this.#step(last)).jobs;
  }

  /** Takes note of a slice that was sealed. */
  done(sealed: SealedSlice): void {
    const line = this.#lines.get(keyOf(sealed));
    if (line === undefined || sealed.interval === undefined) return;
    const answered = answerOf(sealed);
    if (answered === undefined) line.stuck = true;
    else line.answered.unshift(answered);
    if (!line.stuck) line.next = new Date(sealed.interval.end);
  }

  #pieces({ answered, next }: Line, anchor: Date | undefined): Piece<AnsweredSlice>[] {
    return planPieces(answered, { start: next, end: this.#wanted.end }, anchor);
  }

  async #step(chosen: { line: Line; piece: Piece<AnsweredSlice> }[]): Promise<Step> {
    const jobs: Job[] = [];
    for (const { line, piece } of chosen) {
      jobs.push({ ...line.askable, events: await this.#request(piece) });
    }
    const starts = chosen.map(({ piece }) => piece.own.start.getTime());
    const ends = chosen.map(({ piece }) => piece.own.end.getTime());
    const interval = { start: new Date(Math.min(...starts)), end: new Date(Math.max(...ends)) };
    return { interval, jobs };
  }

  async #request({ own, ask, coveredSince, after, overlapped }: Piece<AnsweredSlice>) {
    const held = new Map<string, string>();
    const seen = new Set<string>();
    // Newest first: what was kept last of an event is what is held of it. What was judged last on
    // partial evidence is not: it has to be judged again.
    for (const { sealed, outcome } of overlapped) {
      for await (const records of this.#store.records(sealed)) {
        for (const record of records) {
          if (seen.has(record.uid)) continue;
          seen.add(record.uid);
          if (outcome === 'complete') held.set(record.uid, contentDigest(record));
        }
      }
    }
    const kept = after?.sealed.kept;
    const request: EventsRequest = {
      own,
      ask,
      coveredSince,
      held,
      kept:
        kept === undefined
          ? undefined
          : (JSON.parse((await this.#store.readBytes(kept)).toString('utf8')) as Json),
    };
    return request;
  }
}

function keyOfAskable({ source, dataset, scope }: Askable) {
  return { source, dataset: dataset.name, scope: scope.name };
}
