import { describe, expect, it } from 'vitest';
import {
  collectSlice as collectSlices,
  contentDigest,
  type EventsRequest,
  type SliceRequest,
  tracerFor,
} from '../../src/collect/slice.ts';
import { simulatedClock } from '../../src/evidence/clock.ts';
import type { Call, Slice } from '../../src/evidence/slice.ts';
import {
  type CollectContext,
  CollectError,
  type Dataset,
  type EventsContext,
  personal,
  type Tracer,
  z,
} from '../../src/plugin.ts';

/** An answer that every slice here has had. */
const asked = {};

interface Api {
  tracer: Tracer;
}
type Context = Api & CollectContext<{ email?: string | undefined; note?: string | undefined }>;

const fields = z.object({
  email: personal(z.string()).optional().describe('Address.'),
  note: z.string().optional().describe('Remark.'),
});

function request(
  collect: (context: Context) => Promise<void>,
  over: Partial<SliceRequest> = {},
): SliceRequest {
  const dataset: Dataset<Api, typeof fields> = {
    name: 'okta.users.list',
    version: 1,
    title: 'Users',
    kind: 'snapshot',
    level: 'organisation',
    fields,
    calls: { 'GET /users': 'okta.users.read' },
    collect,
  };
  return {
    source: 'people',
    dataset: dataset as unknown as Dataset<object>,
    scope: {
      level: 'organisation',
      name: 'acme',
      attach(tracer) {
        tracer.record(asked, call('http:GET /people'));
        return { tracer };
      },
    },
    clock: simulatedClock(new Date('2026-01-01T02:00:00Z')),
    signal: new AbortController().signal,
    deadlineSeconds: 5,
    onRecord: () => {},
    onWaiting: () => {},
    ...over,
  };
}

/** What is not events is one slice. */
async function collectSlice(asking: SliceRequest): Promise<Slice> {
  const [slice, another] = await collectSlices(asking);
  if (slice === undefined || another !== undefined) throw new Error('expected one slice');
  return slice;
}

const user = (name: string) => ({
  uid: name,
  name,
  fields: { email: `${name}@example.com` },
  original: { login: name },
  from: [asked],
});

const call = (id: string): Call => ({
  id,
  service: 'http',
  operation: 'GET /users',
  parameters: {},
  request_id: 'r1',
  server_date: null,
  status: 200,
  attempts: 1,
  started_at: '2026-01-01T02:00:00.000Z',
  finished_at: '2026-01-01T02:00:00.000Z',
  endpoint: null,
});

describe('collectSlice', () => {
  it('gives a complete slice, its records sorted by uid', async () => {
    const slice = await collectSlice(
      request(async ({ emit }) => {
        for (const name of ['carol', 'alice', 'bob']) emit(user(name));
      }),
    );
    expect(slice).toMatchObject({
      outcome: 'complete',
      problems: [],
      scope: 'acme',
      source: 'people',
    });
    expect(slice.records.map(({ uid }) => uid)).toEqual(['alice', 'bob', 'carol']);
    expect(slice.observed_at).toMatch(/^2026-01-01T02:00:00/);
  });

  it('is complete with no records: an empty list after a whole enumeration counts', async () => {
    expect(await collectSlice(request(async () => {}))).toMatchObject({
      outcome: 'complete',
      records: [],
    });
  });

  it('ties a record to the calls it was made from, each by an id of its own', async () => {
    const slice = await collectSlice(
      request(async ({ emit, tracer }) => {
        const [first, second] = [{}, {}];
        tracer.record(first, call('http:GET /users'));
        tracer.record(second, call('http:GET /users'));
        emit({ ...user('alice'), from: [second, first, second] });
      }),
    );
    expect(slice.calls.map(({ id }) => id)).toEqual([
      'http:GET /people',
      'http:GET /users',
      'http:GET /users (2)',
    ]);
    expect(slice.records[0]?.calls).toEqual(['http:GET /users', 'http:GET /users (2)']);
  });

  it('is failed after a throw without records, partial after one with records', async () => {
    const throws = async () => {
      throw new CollectError('AccessDenied', 'add okta.users.read');
    };
    expect(await collectSlice(request(throws))).toMatchObject({
      outcome: 'failed',
      problems: [{ code: 'AccessDenied', message: 'add okta.users.read', severity: 'error' }],
    });
    const partial = await collectSlice(
      request(async ({ emit }) => {
        emit(user('alice'));
        await throws();
      }),
    );
    expect(partial.outcome).toBe('partial');
    expect(partial.records).toHaveLength(1);
  });

  it("gives a code to a throw that is nobody's", async () => {
    const slice = await collectSlice(
      request(async () => {
        throw new TypeError('x is not a function');
      }),
    );
    expect(slice.problems).toMatchObject([{ code: 'CollectorFailed' }]);
    expect(slice.problems[0]?.message).toContain('x is not a function');
  });

  it('keeps an item that could not be read, and is partial', async () => {
    const slice = await collectSlice(
      request(async ({ item }) => {
        const known = { uid: 'a', name: 'a', fields: {}, from: [asked] };
        await item(known, async () => ({
          fields: { email: 'a@example.com' },
          original: {},
          from: [asked],
        }));
        for (const uid of ['c', 'b']) {
          await item({ ...known, uid, name: uid }, async () => {
            throw new CollectError('AccessDenied', 'add okta.users.read');
          });
        }
      }),
    );
    expect(slice.outcome).toBe('partial');
    expect(slice.records.map(({ uid, fields }) => [uid, fields])).toEqual([
      ['a', { email: 'a@example.com' }],
      ['b', {}],
      ['c', {}],
    ]);
    expect(slice.problems).toEqual([
      {
        code: 'AccessDenied',
        message: 'add okta.users.read',
        severity: 'error',
        resources: ['b', 'c'],
      },
    ]);
  });

  it.each([
    ['InvalidRecord', 'a field of another type', { ...user('bob'), fields: { email: 3 } }],
    ['InvalidRecord', 'a field that is not declared', { ...user('bob'), fields: { phone: '1' } }],
    ['DuplicateRecord', 'a uid that was there before', user('alice')],
    ['InvalidRecord', 'no call that it was made from', { ...user('bob'), from: [] }],
    ['InvalidRecord', 'a call of another slice', { ...user('bob'), from: [{}] }],
    ['InvalidRecord', 'no uid', { ...user('bob'), uid: undefined }],
    ['InvalidRecord', 'a name that is a number', { ...user('bob'), name: 7 }],
    ['InvalidRecord', 'a lone surrogate', { ...user('bob'), fields: { note: '\ud83d' } }],
    ['InvalidRecord', 'no end', { ...user('bob'), original: 'x'.repeat(9_000_000) }],
  ])('is partial with %s for %s', async (code, _why, record) => {
    const slice = await collectSlice(
      request(async ({ emit }) => {
        emit(user('alice'));
        emit(record as never);
      }),
    );
    expect(slice).toMatchObject({ outcome: 'partial', problems: [{ code, severity: 'error' }] });
    expect(slice.records).toHaveLength(1);
  });

  it('is incomplete when a tie-out does not match, and keeps both counts', async () => {
    const slice = await collectSlice(
      request(async ({ emit, tieOut }) => {
        emit(user('alice'));
        tieOut({ by: 'total', expected: 2, found: 1 });
      }),
    );
    expect(slice).toMatchObject({
      outcome: 'partial',
      tie_outs: [{ by: 'total', expected: 2, found: 1 }],
      problems: [{ code: 'TieOutMismatch' }],
    });
  });

  it.each([
    [
      'a tie-out that is not of counts',
      ({ tieOut }: Context) => tieOut({ by: 'total', expected: Number.NaN, found: 1 }),
    ],
    ['a time that is none', ({ observedAt }: Context) => observedAt(new Date('x'))],
    ['a year of five digits', ({ observedAt }: Context) => observedAt(new Date(253402318799000))],
  ])('is failed with %s, which no manifest could say', async (_what, act) => {
    const slice = await collectSlice(request(async (context) => act(context)));
    expect(slice.outcome).toBe('failed');
  });

  it('keeps a message that quotes odd text in a form that can be written', async () => {
    const slice = await collectSlice(
      request(async () => {
        throw new Error(`odd \ud83d ghp_${'q'.repeat(36)}`);
      }),
    );
    expect(slice.problems[0]?.message).toContain('odd \ufffd [masked: GitHub token]');
  });

  it('stays complete with a note', async () => {
    const slice = await collectSlice(
      request(async ({ note }) => note('StandInRecord', 'taken from elsewhere')),
    );
    expect(slice).toMatchObject({ outcome: 'complete', problems: [{ severity: 'note' }] });
  });

  it('masks what looks like a secret, and discloses that it did', async () => {
    const secret = `ghp_${'q'.repeat(36)}`;
    const slice = await collectSlice(
      request(async ({ emit }) =>
        emit({ ...user('alice'), fields: { note: secret }, original: { raw: secret } }),
      ),
    );
    expect(JSON.stringify(slice)).not.toContain(secret);
    expect(slice).toMatchObject({ outcome: 'complete', problems: [{ code: 'SecretMasked' }] });
  });

  it('takes the time of observation that the source names', async () => {
    const slice = await collectSlice(
      request(async ({ observedAt }) => observedAt(new Date('2025-12-31T22:00:00Z'))),
    );
    expect(slice.observed_at).toBe('2025-12-31T22:00:00.000Z');
  });

  it('gives up at its deadline, whatever the collector does, and takes nothing afterwards', async () => {
    let late: (() => void) | undefined;
    const slice = await collectSlice(
      request(
        ({ emit }) => {
          emit(user('alice'));
          late = () => emit(user('bob'));
          return new Promise(() => {});
        },
        { deadlineSeconds: 0.05 },
      ),
    );
    late?.();
    expect(slice).toMatchObject({ outcome: 'partial', problems: [{ code: 'DeadlineExceeded' }] });
    expect(slice.records).toHaveLength(1);
  });

  it('ends when the run is interrupted', async () => {
    const run = new AbortController();
    const pending = collectSlice(request(() => new Promise(() => {}), { signal: run.signal }));
    run.abort();
    expect(await pending).toMatchObject({ outcome: 'failed', problems: [{ code: 'Interrupted' }] });
  });

  it('fails with the reason of a scope that could not be reached', async () => {
    const slice = await collectSlice(
      request(async () => {}, {
        scope: {
          level: 'organisation',
          name: 'acme',
          problem: { code: 'NoCredentials', message: 'renew the token' },
        },
      }),
    );
    expect(slice).toMatchObject({ outcome: 'failed', problems: [{ code: 'NoCredentials' }] });
  });
});

describe('tracerFor', () => {
  it('refuses a call that is not declared', () => {
    const tracer = tracerFor(
      { 'iam:ListUsers': 'iam:ListUsers' },
      'x',
      new AbortController().signal,
    );
    expect(tracer.permissionFor('iam:ListUsers')).toBe('iam:ListUsers');
    for (const call of ['iam:DeleteUser', 'constructor', '__proto__']) {
      expect(() => tracer.permissionFor(call)).toThrowError(
        expect.objectContaining({ code: 'CallNotDeclared' }),
      );
    }
  });
});

describe('what a collector says is missing', () => {
  it('makes the slice partial, and failed where there is no record', async () => {
    const missing = (names: string[]) =>
      collectSlice(
        request(async ({ emit, incomplete }) => {
          for (const name of names) emit(user(name));
          incomplete('AccessDenied', 'others are hidden');
        }),
      );
    const problems = [{ code: 'AccessDenied', message: 'others are hidden', severity: 'error' }];
    expect(await missing(['alice'])).toMatchObject({ outcome: 'partial', problems });
    expect(await missing([])).toMatchObject({ outcome: 'failed', problems });
  });
});

describe('a slice of events', () => {
  const day = (date: number) => new Date(Date.UTC(2026, 0, date));
  const events = (over: Partial<EventsRequest> = {}): EventsRequest => ({
    own: { start: day(8), end: day(9) },
    ask: { start: day(6), end: day(9) },
    coveredSince: day(1),
    held: new Map(),
    kept: undefined,
    ...over,
  });
  type Events = Context & EventsContext<{ email?: string | undefined; note?: string | undefined }>;
  const eventsRequest = (collect: (context: Events) => Promise<void>, asked = events()) => {
    const asking = request(collect as (context: Context) => Promise<void>, { events: asked });
    return { ...asking, dataset: { ...asking.dataset, kind: 'events' } as Dataset<object> };
  };

  it('asks with the overlap and answers for its own interval', async () => {
    let interval: unknown;
    const slice = await collectSlice(
      eventsRequest(async (context) => {
        interval = context.interval;
      }),
    );
    expect(interval).toEqual({ start: day(6), end: day(9) });
    expect(slice.interval).toEqual({
      start: '2026-01-08T00:00:00.000Z',
      end: '2026-01-09T00:00:00.000Z',
      covered_since: '2026-01-01T00:00:00.000Z',
    });
  });

  it('keeps what is new or has changed, and nothing twice', async () => {
    const unchanged = contentDigest({ name: 'alice', fields: { email: 'alice@example.com' } });
    const held = new Map([
      ['alice', unchanged],
      ['bob', unchanged],
    ]);
    const slice = await collectSlice(
      eventsRequest(async ({ emit, tieOut }) => {
        for (const name of ['alice', 'bob', 'carol']) emit(user(name));
        tieOut({ by: 'the list', expected: 3, found: 3 });
      }, events({ held })),
    );
    expect(slice).toMatchObject({ outcome: 'complete' });
    expect(slice.records.map(({ uid }) => uid)).toEqual(['bob', 'carol']);
  });

  it('refuses one event twice, held or not', async () => {
    const held = new Map([
      ['alice', contentDigest({ name: 'alice', fields: { email: 'alice@example.com' } })],
    ]);
    const slice = await collectSlice(
      eventsRequest(async ({ emit }) => {
        emit(user('alice'));
        emit(user('alice'));
      }, events({ held })),
    );
    expect(slice.problems.map(({ code }) => code)).toEqual(['DuplicateRecord']);
  });

  it('leaves a word for the next only when it is complete', async () => {
    const whole = await collectSlice(eventsRequest(async ({ keep }) => keep({ head: 'a' })));
    expect(whole.kept).toEqual({ head: 'a' });
    const broken = await collectSlice(
      eventsRequest(async ({ keep }) => {
        keep({ head: 'b' });
        throw new CollectError('AccessDenied', 'add read');
      }),
    );
    expect(broken).toMatchObject({ outcome: 'failed' });
    expect(broken).not.toHaveProperty('kept');
  });

  it('is two slices where the source tells nothing of before: a gap with a name, and the rest', async () => {
    const slices = await collectSlices(
      eventsRequest(
        async ({ emit, outOfReach }) => {
          outOfReach(day(5), 'kept for four days');
          emit(user('alice'));
        },
        events({ own: { start: day(2), end: day(9) }, ask: { start: day(2), end: day(9) } }),
      ),
    );
    expect(slices).toMatchObject([
      {
        outcome: 'failed',
        problems: [{ code: 'OutOfReach', message: 'kept for four days' }],
        interval: { start: '2026-01-02T00:00:00.000Z', end: '2026-01-05T00:00:00.000Z' },
        records: [],
      },
      {
        outcome: 'complete',
        interval: { start: '2026-01-05T00:00:00.000Z', end: '2026-01-09T00:00:00.000Z' },
        records: [{ uid: 'alice' }],
      },
    ]);
  });

  it('is a gap alone where nothing of its interval is told', async () => {
    const slices = await collectSlices(
      eventsRequest(async ({ outOfReach }) => outOfReach(day(20), 'kept for a day')),
    );
    expect(slices).toMatchObject([
      { outcome: 'failed', interval: { end: '2026-01-09T00:00:00.000Z' } },
    ]);
  });

  it('asks nothing of an interval without time, and hands on what was left', async () => {
    const slice = await collectSlice(
      eventsRequest(
        async () => {
          throw new Error('was asked');
        },
        events({ own: { start: day(9), end: day(9) }, kept: { head: 'a' } }),
      ),
    );
    expect(slice).toMatchObject({ outcome: 'complete', records: [], kept: { head: 'a' } });
  });

  it('does not count pauses that the source asks for against the deadline', async () => {
    const waited: string[] = [];
    const slice = await collectSlice({
      ...eventsRequest(async ({ tracer, emit }) => {
        tracer.waiting(1_000, 'a limit');
        await new Promise((resolve) => setTimeout(resolve, 120));
        emit(user('alice'));
      }),
      deadlineSeconds: 0.05,
      onWaiting: (_milliseconds, why) => void waited.push(why),
    });
    expect(slice.outcome).toBe('complete');
    expect(waited).toEqual(['a limit']);
  });
});
