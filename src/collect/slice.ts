/** One dataset from one scope: runs a collector's function and turns whatever happens into an outcome. */
import type { Clock } from '../evidence/clock.ts';
import { messageOf } from '../evidence/errors.ts';
import {
  canonicalJson,
  canonicalLength,
  compareText,
  type Json,
  type JsonObject,
  sha256,
} from '../evidence/json.ts';
import { maskSecrets, maskText } from '../evidence/mask.ts';
import {
  type Call,
  type EvidenceRecord,
  type Problem,
  problemCodes,
  type Slice,
  type TieOut,
} from '../evidence/slice.ts';
import {
  type Answer,
  type CollectContext,
  CollectError,
  type Dataset,
  type EventsContext,
  type Interval,
  type NewRecord,
  type Scope,
  type Tracer,
} from '../plugin.ts';
import { deadline, rejectionOf } from '../providers/deadline.ts';
import { toJson } from '../providers/wire.ts';
import { isEmpty } from './plan.ts';

export interface SliceRequest {
  source: string;
  // A dataset's context is its provider's; the registry pairs them by the source's id.
  dataset: Dataset<object>;
  scope: Scope<object>;
  clock: Clock;
  signal: AbortSignal;
  /** Seconds after which the slice is given up; pauses that the source asks for do not count. */
  deadlineSeconds: number;
  /** What to ask of an events dataset; a snapshot has none. */
  events?: EventsRequest;
  onRecord: () => void;
  onWaiting: (milliseconds: number, why: string) => void;
}

/** The part of an events dataset that one slice answers for. */
export interface EventsRequest {
  /** What the slice answers for. */
  own: Interval;
  /** What is asked; it may begin earlier. */
  ask: Interval;
  /** Since when there is no hole before it. */
  coveredSince: Date;
  /** `contentDigest` by uid of what is held already. */
  held: ReadonlyMap<string, string>;
  /** What the slice before left. */
  kept: Json | undefined;
}

/** What makes a record another one than before: the API's own object may change in what no test reads. */
export function contentDigest({ name, fields }: Pick<EvidenceRecord, 'name' | 'fields'>): string {
  return sha256(canonicalJson({ name, fields }));
}

/**
 * Collects one slice. Never throws: a throw is an outcome. Two slices where the source says that
 * it cannot tell the beginning of the interval any more: the gap, and the rest.
 */
export async function collectSlice(request: SliceRequest): Promise<Slice[]> {
  const { dataset, scope, clock } = request;
  const draft = new SliceDraft(dataset, clock, request.onRecord, request.events);
  if ('problem' in scope) {
    draft.problem({ ...scope.problem, severity: 'error' });
    return draft.close(request.source, scope.name);
  }
  if (request.events !== undefined && isEmpty(request.events.own)) {
    draft.keepOn();
    return draft.close(request.source, scope.name);
  }
  const limit = deadline(
    request.signal,
    request.deadlineSeconds,
    `reading ${dataset.name} in ${scope.name}`,
  );
  try {
    const waiting = (milliseconds: number, why: string) => {
      limit.extend(milliseconds);
      request.onWaiting(milliseconds, why);
    };
    const tracer = tracerFor(dataset.calls, dataset.name, limit.signal, draft.trace, waiting);
    const context = { ...scope.attach(tracer), ...draft.context(limit.signal) };
    await Promise.race([dataset.collect(context), rejectionOf(limit.signal)]);
  } catch (thrown) {
    draft.problem(problemOf(thrown));
  } finally {
    // What a collector left running must not go on asking for a slice that is closed.
    limit.clear(new CollectError('Interrupted', `${dataset.name} has ended`));
  }
  return draft.close(request.source, scope.name);
}

/** A tracer that refuses calls that `calls` does not declare. */
export function tracerFor(
  calls: Record<string, string>,
  owner: string,
  signal: AbortSignal,
  trace: Trace = new Trace(),
  waiting: Tracer['waiting'] = () => {},
): Tracer {
  return {
    signal,
    waiting,
    permissionFor(call) {
      const permission = Object.hasOwn(calls, call) ? calls[call] : undefined;
      if (permission === undefined) {
        throw new CollectError(
          'CallNotDeclared',
          `${call} is not declared by ${owner} and was not made; declare it in the dataset's calls`,
        );
      }
      return permission;
    },
    record: (answer, call) => trace.record(answer, call),
  };
}

/** The calls of one slice, each with an id of its own. */
export class Trace {
  readonly #ids = new Map<Call, string>();
  readonly #taken = new Map<string, number>();
  readonly #byAnswer = new WeakMap<Answer, Call>();

  record(answer: Answer, call: Call): void {
    this.#byAnswer.set(answer, call);
    if (this.#ids.has(call)) return;
    const turn = (this.#taken.get(call.id) ?? 0) + 1;
    this.#taken.set(call.id, turn);
    this.#ids.set(call, turn === 1 ? call.id : `${call.id} (${turn})`);
  }

  idOf(answer: Answer): string | undefined {
    const call = this.#byAnswer.get(answer);
    return call && this.#ids.get(call);
  }

  calls(): Call[] {
    return [...this.#ids]
      .map(([call, id]) => ({ ...call, id }))
      .sort((a, b) => compareText(a.id, b.id));
  }
}

type Fields = Dataset<object>['fields'];
const strictFields = new WeakMap<Fields, Fields>();

/** The same schema without room for other fields. One for all slices: zod compiles each anew. */
function strictly(fields: Fields): Fields {
  const strict = strictFields.get(fields) ?? fields.strict();
  strictFields.set(fields, strict);
  return strict;
}

class SliceDraft {
  readonly trace = new Trace();
  readonly #dataset: Dataset<object>;
  readonly #clock: Clock;
  readonly #onRecord: () => void;
  readonly #schema: Fields;
  readonly #records = new Map<string, EvidenceRecord>();
  readonly #events: EventsRequest | undefined;
  /** Held already, and not changed since. */
  readonly #repeated = new Set<string>();
  readonly #problems: Problem[] = [];
  readonly #tieOuts: TieOut[] = [];
  readonly #masked = new Set<string>();
  #observedAt: string;
  #kept: Json | undefined;
  #reach: { since: Date; why: string } | undefined;
  #closed = false;

  constructor(
    dataset: Dataset<object>,
    clock: Clock,
    onRecord: () => void,
    events: EventsRequest | undefined,
  ) {
    this.#dataset = dataset;
    this.#clock = clock;
    this.#onRecord = onRecord;
    this.#events = events;
    this.#schema = strictly(dataset.fields);
    this.#observedAt = clock.now().toISOString();
  }

  problem(problem: Problem): void {
    if (this.#closed) return;
    // Messages quote what came from outside.
    const message = maskText(String(problem.message).toWellFormed(), this.#masked);
    const code = problemCodes.includes(problem.code) ? problem.code : 'CollectorFailed';
    this.#problems.push({ ...problem, code, message });
  }

  /** Hands on what the slice before left: there was nothing to ask. */
  keepOn(): void {
    this.#kept = this.#events?.kept;
  }

  /** A snapshot's collector knows nothing of what only events have. */
  context(signal: AbortSignal): EventsContext<object> {
    return { ...this.#common(signal), ...this.#ofEvents() };
  }

  #ofEvents(): Omit<EventsContext<object>, keyof CollectContext> {
    const now = this.#clock.now();
    return {
      interval: this.#events?.ask ?? { start: now, end: now },
      coveredSince: this.#events?.coveredSince ?? now,
      isHeld: (uid) => this.#events?.held.has(uid) ?? false,
      kept: this.#events?.kept,
      keep: (value) => {
        this.#kept = toJson(value) as Json;
      },
      outOfReach: (since, why) => {
        if (Number.isNaN(since.getTime())) {
          throw new CollectError('CollectorFailed', 'the source is said to reach back to no time');
        }
        this.#reach = { since, why };
      },
    };
  }

  #common(signal: AbortSignal): CollectContext<object> {
    return {
      signal,
      now: () => this.#clock.now(),
      emit: (record) => this.#emit(record),
      item: async (known, read) => {
        try {
          this.#emit({ ...known, ...(await read()) });
        } catch (thrown) {
          if (signal.aborted) throw thrown;
          this.#emit({ ...known, original: null });
          this.problem({ ...problemOf(thrown), resources: [known.name] });
        }
      },
      tieOut: (tieOut) => {
        if (!Number.isSafeInteger(tieOut.expected) || !Number.isSafeInteger(tieOut.found)) {
          throw new CollectError(
            'CollectorFailed',
            `a tie-out by ${tieOut.by} is not of two counts`,
          );
        }
        this.#tieOuts.push(tieOut);
      },
      note: (code, message) => this.problem({ code, message, severity: 'note' }),
      incomplete: (code, message) => this.problem({ code, message, severity: 'error' }),
      observedAt: (time) => {
        // A year of five digits has a form of its own, which RFC 3339 does not know.
        if (Number.isNaN(time.getTime()) || time.toISOString().length !== 24) {
          throw new CollectError(
            'UnreadableResponse',
            'the source gives a time of observation that is none',
          );
        }
        this.#observedAt = time.toISOString();
      },
    };
  }

  #emit(record: NewRecord<object>): void {
    if (this.#closed) return;
    const { uid, name } = record;
    if (typeof uid !== 'string' || uid === '' || typeof name !== 'string') {
      this.#invalid('a record without uid and name', String(name ?? uid));
      return;
    }
    const parsed = this.#schema.safeParse(record.fields);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      this.#invalid(`${issue?.path.join('.')}: ${issue?.message}`, name);
      return;
    }
    if (this.#records.has(uid) || this.#repeated.has(uid)) {
      this.problem({
        code: 'DuplicateRecord',
        message: `${this.#dataset.name} got two records with one uid; the list changed while it was read, or the collector is wrong: run again`,
        severity: 'error',
        resources: [name],
      });
      return;
    }
    const calls = [...new Set(record.from.map((answer) => this.trace.idOf(answer)))]
      .filter((id) => id !== undefined)
      .sort(compareText);
    if (calls.length === 0) {
      this.#invalid('a record that was made from no call of this slice', name);
      return;
    }
    const kept: EvidenceRecord = {
      uid,
      name,
      fields: maskSecrets(toJson(parsed.data), this.#masked) as JsonObject,
      original: maskSecrets(toJson(record.original) as Json, this.#masked),
      calls,
      ...(Object.keys(record.untold ?? {}).length === 0
        ? {}
        : { untold: maskSecrets(toJson(record.untold) as Json, this.#masked) as Untold }),
    };
    const fault = unkeepable(kept);
    if (fault !== undefined) {
      this.#invalid(fault, name);
      return;
    }
    const held = this.#events?.held.get(uid);
    if (held !== undefined && held === contentDigest(kept)) this.#repeated.add(uid);
    else this.#records.set(uid, kept);
    this.#onRecord();
  }

  #invalid(why: string, name: string): void {
    this.problem({
      code: 'InvalidRecord',
      message: `${this.#dataset.name} got a record that is not of its shape (${why}); the API has changed or the collector is wrong: report it with --record`,
      severity: 'error',
      resources: [name.toWellFormed()],
    });
  }

  close(source: string, scope: string): Slice[] {
    for (const { by, expected, found } of this.#tieOuts) {
      if (expected === found) continue;
      this.problem({
        code: 'TieOutMismatch',
        message: `${by} counts ${expected}, the list holds ${found}; run again in case it changed meanwhile, and check what the collecting role may see`,
        severity: 'error',
      });
    }
    if (this.#masked.size > 0) {
      this.problem({
        code: 'SecretMasked',
        message: `what looks like a secret was masked before it was kept: ${[...this.#masked].sort(compareText).join(', ')}`,
        severity: 'note',
      });
    }
    this.#closed = true;
    const about = {
      dataset: this.#dataset.name,
      version: this.#dataset.version,
      source,
      scope,
      kind: this.#dataset.kind,
      observed_at: this.#observedAt,
    };
    const records = [...this.#records.values()].sort((a, b) => compareText(a.uid, b.uid));
    const broken = this.#problems.some((problem) => problem.severity === 'error');
    const slice: Slice = {
      ...about,
      outcome: !broken ? 'complete' : records.length > 0 ? 'partial' : 'failed',
      problems: mergeProblems(this.#problems),
      tie_outs: this.#tieOuts,
      records,
      calls: this.trace.calls(),
    };
    return this.#events === undefined ? [slice] : this.#withIntervals(slice, this.#events);
  }

  /** What the source cannot tell any more is a slice of its own: a gap with a name. */
  #withIntervals(slice: Slice, { own, coveredSince }: EventsRequest): Slice[] {
    const covered_since = coveredSince.toISOString();
    const interval = ({ start, end }: Interval) => ({
      interval: { start: start.toISOString(), end: end.toISOString(), covered_since },
    });
    const rest = (start: Date): Slice => ({
      ...slice,
      ...interval({ start, end: own.end }),
      ...(this.#kept === undefined || slice.outcome !== 'complete' ? {} : { kept: this.#kept }),
    });
    const reach = this.#reach;
    if (reach === undefined || reach.since <= own.start || isEmpty(own)) return [rest(own.start)];
    const nothing = reach.since >= own.end;
    // The whole gap at once, beyond the piece too: its later pieces need not be asked.
    const now = this.#clock.now();
    const told = reach.since > now ? now : reach.since;
    const end = told > own.end ? told : nothing ? own.end : reach.since;
    const gap: Slice = {
      ...slice,
      ...interval({ start: own.start, end }),
      outcome: 'failed',
      problems: [{ code: 'OutOfReach', message: reach.why, severity: 'error' }],
      tie_outs: [],
      records: [],
      calls: nothing ? slice.calls : [],
    };
    return nothing ? [gap] : [gap, rest(reach.since)];
  }
}

type Untold = NonNullable<EvidenceRecord['untold']>;

/** The longest record that is kept, in characters; an object of the store holds some of them. */
const mostCharacters = 8 * 1024 * 1024;

/** Why a record cannot be kept as canonical JSON; undefined if it can. */
function unkeepable(record: EvidenceRecord): string | undefined {
  try {
    const length = canonicalLength(record);
    return length > mostCharacters ? `${length} characters long` : undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** Whatever was thrown, as a problem with a code and a sentence. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof CollectError) {
    return { code: thrown.code, message: thrown.message, severity: 'error' };
  }
  return {
    code: 'CollectorFailed',
    message: `the collector failed: ${messageOf(thrown)}; report it with --record`,
    severity: 'error',
  };
}

/** The same problem with many resources is one problem. */
function mergeProblems(problems: Problem[]): Problem[] {
  const merged = new Map<string, Problem & { resources: string[] }>();
  for (const problem of problems) {
    const key = `${problem.severity} ${problem.code} ${problem.message}`;
    const known = merged.get(key);
    if (known === undefined)
      merged.set(key, { ...problem, resources: [...(problem.resources ?? [])] });
    else known.resources.push(...(problem.resources ?? []));
  }
  return [...merged.entries()]
    .sort(([a], [b]) => compareText(a, b))
    .map(([, { resources, ...problem }]) =>
      resources.length === 0 ? problem : { ...problem, resources: resources.sort(compareText) },
    );
}
