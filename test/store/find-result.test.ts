import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareText } from '../../src/evidence/json.ts';
import type { Judged, Result } from '../../src/evidence/result.ts';
import type { Slice } from '../../src/evidence/slice.ts';
import type { Bundle } from '../../src/seal/manifest.ts';
import { findResult, readResults, type Sought, writeResults } from '../../src/store/results.ts';
import { ChunkReader } from '../../src/store/search.ts';
import { Store, unsealed } from '../../src/store/store.ts';
import { draft, slice } from '../support/bundles.ts';
import { memoryBackend } from '../support/memory-backend.ts';

const dataset = 'aws.iam.users';

function row(over: Partial<Judged> & { uid: string; scope: string }): Judged {
  const { uid, scope, ...rest } = over;
  return {
    run: '20260101T020000Z-0a1b2c',
    control: 'AC-01',
    test: 'users-mfa',
    resource: { uid, name: uid, scope },
    status: 'pass',
    reason: `${uid} as it was`,
    observed: {},
    observed_at: '2026-01-01T02:00:01.000Z',
    dataset,
    source: 'production',
    about: 'resource',
    ...rest,
  };
}

/** In the order in which tests are evaluated; a row about the whole test is its last. */
function inOrder(a: Judged, b: Judged): number {
  return (
    compareText(a.control, b.control) ||
    compareText(a.test, b.test) ||
    Number(a.about === 'test') - Number(b.about === 'test') ||
    compareText(a.resource.scope, b.resource.scope) ||
    compareText(a.source, b.source) ||
    compareText(a.resource.uid, b.resource.uid)
  );
}

async function sealed(rows: readonly Judged[], slices: readonly Partial<Slice>[]) {
  const { backend } = memoryBackend();
  let reads = 0;
  const counting = {
    ...backend,
    read: (key: string) => {
      reads += 1;
      return backend.read(key);
    },
  };
  const store = new Store(counting);
  const headers = [];
  for (const each of slices) headers.push(await store.writeSlice(slice({ ...each, records: [] })));
  const counts = { pass: 0, fail: 0, not_applicable: 0, not_tested: 0, waived: 0, error: 0 };
  const as_of = '2026-01-01T02:00:09.000Z';
  const written = await writeResults(store, headers, [...rows].sort(inOrder), 'run');
  const bundle = await store.seal(
    draft({ kind: 'run', slices: headers, results: { as_of, counts, ...written } }),
    unsealed,
  );
  const find = (sought: Sought) => findResult(new ChunkReader(counting), bundle, sought);
  return { store, bundle, find, readsOf: () => reads };
}

const soughtOf = ({ control, test, source, resource: { scope, uid } }: Judged): Sought => ({
  control,
  test,
  dataset,
  source,
  scope,
  uid,
});

async function all(store: Store, bundle: Bundle): Promise<Result[]> {
  const rows: Result[] = [];
  for await (const each of readResults(store, bundle)) rows.push(each);
  return rows;
}

const letters = fc.constantFrom('a', 'b', 'c', 'd');

describe('findResult', () => {
  it('finds what reading all of them finds, and nothing else', async () => {
    const place = fc.record({
      control: letters.map((letter) => `AC-${letter}`),
      test: letters.map((letter) => `test-${letter}`),
      scope: letters,
      uid: fc.integer({ min: 0, max: 60 }).map((number) => `uid-${number}`),
    });
    const places = fc.uniqueArray(place, {
      minLength: 1,
      maxLength: 200,
      selector: (each) => JSON.stringify(each),
    });
    await fc.assert(
      fc.asyncProperty(places, place, async (there, other) => {
        const rows = there.map(row);
        const { store, bundle, find } = await sealed(rows, [{ dataset, scope: 'a' }]);
        const read = await all(store, bundle);
        for (const each of [...rows, row(other)]) {
          const { control, test, resource } = each;
          const found = await find(soughtOf(each));
          expect(found).toEqual(
            read.find(
              (result) =>
                result.control === control &&
                result.test === test &&
                result.resource.scope === resource.scope &&
                result.resource.uid === resource.uid,
            ),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it('finds the row about a whole test behind every scope', async () => {
    const whole = row({
      uid: dataset,
      scope: '',
      source: '',
      about: 'test',
      status: 'not_tested',
      observed_at: null,
    });
    const outside = Array.from({ length: 40 }, (_, index) =>
      row({ uid: `uid-${index}`, scope: 'acme', status: 'not_applicable' }),
    );
    const next = row({ test: 'users-old', uid: 'uid-1', scope: 'acme' });
    const { find } = await sealed([whole, ...outside, next], [{ dataset, scope: 'acme' }]);
    expect(await find(soughtOf(whole))).toMatchObject({ status: 'not_tested', observed_at: null });
    expect(await find(soughtOf(next))).toMatchObject({ test: 'users-old' });
  });

  it('tells two sources apart that look at the same scope', async () => {
    const times = ['2026-01-01T02:00:01.000Z', '2026-01-01T02:00:02.000Z'];
    const [first = '', second = ''] = times;
    const rows = Array.from({ length: 30 }, (_, index) => [
      row({ uid: `uid-${index}`, scope: 'acme', source: 'one', observed_at: first }),
      row({
        uid: `uid-${index}`,
        scope: 'acme',
        source: 'two',
        observed_at: second,
        status: 'fail',
      }),
    ]).flat();
    const { find } = await sealed(rows, [
      { dataset, scope: 'acme', source: 'one', observed_at: first },
      { dataset, scope: 'acme', source: 'two', observed_at: second },
    ]);
    for (const each of rows) {
      expect(await find(soughtOf(each))).toMatchObject({
        status: each.status,
        observed_at: each.observed_at,
      });
    }
  });

  it('finds events in each of several intervals', async () => {
    const interval = (day: number) => ({
      start: `2026-01-0${day}T00:00:00.000Z`,
      end: `2026-01-0${day + 1}T00:00:00.000Z`,
      covered_since: '2026-01-01T00:00:00.000Z',
    });
    const { find } = await sealed([], []);
    expect(await find(soughtOf(row({ uid: 'none', scope: 'acme' })))).toBeUndefined();
    // The later interval's uids begin anew, so that they are not sorted over both.
    const rows = ['uid-5', 'uid-9', 'uid-1', 'uid-7'].map((uid) => row({ uid, scope: 'acme' }));
    const { backend } = memoryBackend();
    const store = new Store(backend);
    const slices = [];
    for (const day of [1, 2]) {
      slices.push(
        await store.writeSlice(
          slice({ dataset, scope: 'acme', kind: 'events', interval: interval(day), records: [] }),
        ),
      );
    }
    const counts = { pass: 4, fail: 0, not_applicable: 0, not_tested: 0, waived: 0, error: 0 };
    const written = await writeResults(store, slices, rows, 'run');
    const results = { as_of: '2026-01-03T00:00:00.000Z', counts, ...written };
    const bundle = await store.seal(draft({ kind: 'run', slices, results }), unsealed);
    for (const each of rows) {
      const found = await findResult(new ChunkReader(backend), bundle, soughtOf(each));
      expect(found?.reason).toBe(each.reason);
    }
  });

  it('reads some chunks of thousands of rows', async () => {
    const rows = Array.from({ length: 8_000 }, (_, index) =>
      row({ uid: `uid-${String(index).padStart(5, '0')}`, scope: 'acme' }),
    );
    const { find, readsOf } = await sealed(rows, [{ dataset, scope: 'acme' }]);
    const before = readsOf();
    expect(await find(soughtOf(rows[4321] as Judged))).toMatchObject({
      resource: { uid: 'uid-04321' },
    });
    // An index, and the chunks of a search by halves among two thousand.
    expect(readsOf() - before).toBeLessThan(20);
  });
});
