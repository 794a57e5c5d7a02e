/** An AWS that answers from functions, and a slice that only remembers. No retries, no trace. */
import {
  type AwsContext,
  CallError,
  type EventsContext,
  type NewRecord,
} from '../../../src/plugin.ts';

/** Answers by `service:Operation`; one may throw. A call without an answer fails the test. */
export type Answers = Record<
  string,
  (input: Record<string, unknown>, region: string | undefined) => object
>;

export interface FakeSlice {
  aws: AwsContext & EventsContext;
  /** `service:Operation`, in order. */
  calls: string[];
  records: NewRecord<Record<string, unknown>>[];
  /** Names of items that could not be read. */
  unread: string[];
  tieOuts: { by: string; expected: number; found: number }[];
  notes: string[];
  observed: Date | undefined;
}

/** A service's refusal, as the provider throws it. */
export function refusal(error: string): CallError {
  return new CallError('ServiceError', `${error} for a test`, error, 404);
}

function noEvents(): never {
  throw new Error('a snapshot knows nothing of intervals');
}

export function fakeAws(answers: Answers, now = new Date('2026-01-31T04:00:00Z')): FakeSlice {
  const onces = new Map<string, Promise<unknown>>();
  const call = async (
    { service }: { service: string },
    operation: string,
    input: Record<string, unknown>,
    options?: { region?: string },
  ) => {
    const name = `${service}:${operation}`;
    slice.calls.push(name);
    const answer = answers[name];
    if (answer === undefined) throw new Error(`the test expects no call of ${name}`);
    return answer(input, options?.region);
  };
  const context = {
    account: '123456789012',
    partition: 'aws',
    region: 'us-east-1',
    signal: new AbortController().signal,
    now: () => now,
    interval: { start: now, end: now },
    coveredSince: now,
    isHeld: noEvents,
    kept: undefined,
    keep: noEvents,
    outOfReach: noEvents,
    incomplete: noEvents,
    call,
    async find(
      service: { service: string },
      operation: string,
      input: Record<string, unknown>,
      options: { absent: string[]; region?: string },
    ) {
      try {
        return { output: await call(service, operation, input, options) };
      } catch (thrown) {
        if (thrown instanceof CallError && options.absent.includes(thrown.error)) return {};
        throw thrown;
      }
    },
    async *pages(
      service: { service: string },
      operation: string,
      input: Record<string, unknown>,
      paging: { send: string; receive: string },
    ) {
      let token: unknown;
      do {
        const page = (await call(service, operation, {
          ...input,
          ...(token === undefined ? {} : { [paging.send]: token }),
        })) as Record<string, unknown>;
        yield page;
        token = page[paging.receive];
      } while (token !== undefined);
    },
    once(key: string, work: (aws: AwsContext) => Promise<unknown>) {
      const done = onces.get(key) ?? work(slice.aws);
      onces.set(key, done);
      return done;
    },
    emit: (record: NewRecord<Record<string, unknown>>) => void slice.records.push(record),
    async item(
      known: Omit<NewRecord<Record<string, unknown>>, 'original'>,
      read: () => Promise<Pick<NewRecord<Record<string, unknown>>, 'fields' | 'original' | 'from'>>,
    ) {
      try {
        slice.records.push({ ...known, ...(await read()) });
      } catch {
        slice.records.push({ ...known, original: null });
        slice.unread.push(known.name);
      }
    },
    tieOut: (tieOut: FakeSlice['tieOuts'][number]) => void slice.tieOuts.push(tieOut),
    note: (code: string) => void slice.notes.push(code),
    observedAt: (time: Date) => {
      slice.observed = time;
    },
  };
  const slice: FakeSlice = {
    aws: context as unknown as FakeSlice['aws'],
    calls: [],
    records: [],
    unread: [],
    tieOuts: [],
    notes: [],
    observed: undefined,
  };
  return slice;
}
