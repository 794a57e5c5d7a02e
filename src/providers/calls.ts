import type { Clock } from '../evidence/clock.ts';
import type { JsonObject } from '../evidence/json.ts';
import { type Call, callId } from '../evidence/slice.ts';
import type { Answer, Tracer } from '../plugin.ts';
import { deadline } from './deadline.ts';
import type { KnownAnswers } from './known-answers.ts';
import { Limiter } from './limiter.ts';
import type { ExchangeKey, Wire, WireAnswer } from './wire.ts';

/** Requests to one service of one account that may be under way at once. */
const mostUnderWay = 16;

/**
 * What every provider shares: each request passes over the same wire, under a limit for its
 * service and account, and leaves a trace. One desk serves one run.
 */
export class CallDesk {
  readonly wire: Wire;
  readonly #clock: Clock;
  readonly #options: DeskOptions;
  readonly #limiters = new Map<string, Limiter>();
  readonly #calls = new WeakMap<Answer, Call>();
  /** Requests sent, attempts included: what a service counts and bills. */
  requests = 0;
  /** Scheme, host and port of everything that was asked. */
  readonly endpoints = new Set<string>();

  constructor(wire: Wire, clock: Clock, options: DeskOptions) {
    this.wire = wire;
    this.#clock = clock;
    this.#options = options;
  }

  /**
   * Opens the trace of a call. Its id is the same on every night for the same question: page
   * tokens are left out of it, since they differ each time, and the page's number stands in.
   */
  begin(
    asked: { service: string; operation: string; region?: string; parameters: JsonObject },
    paging?: { page: number; token: string | undefined },
  ): Call {
    const { [paging?.token ?? '']: _token, ...named } = asked.parameters;
    const page = paging === undefined ? {} : { page: paging.page };
    const started = this.#clock.now().toISOString();
    return {
      id: callId({ ...asked, ...page, parameters: named }),
      ...asked,
      ...page,
      request_id: null,
      server_date: null,
      status: null,
      attempts: 0,
      started_at: started,
      finished_at: started,
      endpoint: null,
    };
  }

  get known(): KnownAnswers | undefined {
    return this.#options.known;
  }

  /** One attempt at a call, over the wire; what came back is written into its trace. */
  async attempt(
    call: Call,
    key: ExchangeKey,
    limitedBy: string,
    endpoint: string,
    live: () => Promise<WireAnswer>,
    most = mostUnderWay,
  ): Promise<WireAnswer> {
    const limiter = this.#limiters.get(limitedBy) ?? new Limiter(most);
    this.#limiters.set(limitedBy, limiter);
    const answer = await limiter.run(async () => {
      call.attempts += 1;
      call.status = null;
      this.requests += 1;
      if (!this.wire.replaying) {
        call.endpoint = endpoint;
        this.endpoints.add(endpoint);
      }
      return this.wire.send(key, live);
    }, isThrottled);
    call.status = answer.status;
    call.request_id =
      answer.headers['x-amzn-requestid'] ??
      answer.headers['x-amz-request-id'] ??
      answer.headers['x-github-request-id'] ??
      answer.headers['x-request-id'] ??
      null;
    call.server_date = answer.headers.date ?? null;
    return answer;
  }

  /** Closes the trace of a call. */
  finish(call: Call, error?: string): Call {
    call.finished_at = this.#clock.now().toISOString();
    if (error !== undefined) call.error = error;
    return call;
  }

  /** An error that says that there is no such thing is an answer, and stands so in the trace. */
  absent<T extends Answer>(tracer: Tracer, wrapper: T, error: Answer): T {
    const call = this.#calls.get(error);
    if (call?.error !== undefined) {
      call.absent = call.error;
      delete call.error;
    }
    return this.alias(tracer, wrapper, error);
  }

  /** Ties an answer to its call, for this slice and for whoever shares the answer later. */
  record<T extends Answer>(tracer: Tracer, answer: T, call: Call): T {
    this.#calls.set(answer, call);
    tracer.record(answer, call);
    return answer;
  }

  /** Lets `wrapper` stand for `answer` in a record's `from`. */
  alias<T extends Answer>(tracer: Tracer, wrapper: T, answer: Answer): T {
    const call = this.#calls.get(answer);
    return call === undefined ? wrapper : this.record(tracer, wrapper, call);
  }

  /**
   * Work whose answer several slices share: done once, its calls traced in each of them, and
   * declared by each of them.
   */
  async once<T>(
    done: Map<string, Promise<unknown>>,
    key: string,
    tracer: Tracer,
    work: (shared: Tracer) => Promise<T>,
  ): Promise<T> {
    let shared = done.get(key) as Promise<Shared<T>> | undefined;
    if (shared === undefined) {
      shared = this.#share(key, tracer, work);
      done.set(key, shared);
    }
    const { outcome, calls, asked } = await shared;
    for (const call of asked) tracer.permissionFor(call);
    for (const [answer, call] of calls) tracer.record(answer, call);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  async #share<T>(
    key: string,
    tracer: Tracer,
    work: (shared: Tracer) => Promise<T>,
  ): Promise<Shared<T>> {
    const calls: [Answer, Call][] = [];
    const asked = new Set<string>();
    // Not the signal of the slice that happened to ask first: the others go on when it ends.
    const { signal, deadlineSeconds } = this.#options;
    const limit = deadline(signal, deadlineSeconds, `reading ${key}`);
    const collecting: Tracer = {
      signal: limit.signal,
      permissionFor(call) {
        asked.add(call);
        return tracer.permissionFor(call);
      },
      record: (answer, call) => void calls.push([answer, call]),
      waiting(milliseconds, why) {
        limit.extend(milliseconds);
        tracer.waiting(milliseconds, why);
      },
    };
    try {
      return { outcome: { value: await work(collecting) }, calls, asked };
    } catch (error) {
      return { outcome: { error }, calls, asked };
    } finally {
      limit.clear();
    }
  }
}

export interface DeskOptions {
  /** Ctrl-C. */
  signal: AbortSignal;
  /** Seconds that work shared between slices may take. */
  deadlineSeconds: number;
  /** What was answered before; a recording has to stand alone and uses none. */
  known?: KnownAnswers;
}

interface Shared<T> {
  outcome: { value: T } | { error: unknown };
  calls: [Answer, Call][];
  /** By the names that they are declared under. */
  asked: ReadonlySet<string>;
}

function isThrottled(answer: WireAnswer): boolean {
  if (answer.status === 429 || answer.status === 503) return true;
  if (answer.status !== 400) return false;
  return /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/.test(
    Buffer.from(answer.body).toString('utf8'),
  );
}
