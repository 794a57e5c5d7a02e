import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { compareText } from '../../src/evidence/json.ts';
import { type Judged, type Status, type StatusLine, statuses } from '../../src/evidence/result.ts';
import { readList } from '../../src/store/lists.ts';
import { statusKey, writeResults } from '../../src/store/results.ts';
import { type Draft, Store, unsealed } from '../../src/store/store.ts';
import { draft, slice } from '../support/bundles.ts';
import { memoryBackend } from '../support/memory-backend.ts';

const scope = '123456789012';
const observed_at = '2026-01-01T02:00:01.000Z';

function row(name: string, over: Partial<Judged> = {}): Judged {
  return {
    run: 'r1',
    control: 'AC-01',
    test: 'users-mfa',
    resource: { uid: `arn:${name}`, name, scope },
    status: 'pass',
    reason: 'as it was',
    observed: {},
    observed_at,
    dataset: 'aws.iam.users',
    source: 'production',
    about: 'resource',
    ...over,
  };
}

let backend: ReturnType<typeof memoryBackend>['backend'];
let keys: Map<string, Buffer>;
let store: Store;
beforeEach(() => {
  ({ backend, keys } = memoryBackend());
  store = new Store(backend);
});

async function linesOf(rows: readonly Judged[]): Promise<StatusLine[]> {
  const sealed = await store.writeSlice(slice());
  const written = await writeResults(store, [sealed], rows, 'run');
  const lines: unknown[] = [];
  for await (const part of readList(backend, written.statuses)) lines.push(...part);
  return lines as StatusLine[];
}

describe('the statuses of results', () => {
  it('are one line a resource, sorted, with each of its tests', async () => {
    const keys90: Partial<Judged> = { control: 'AC-02', test: 'users-keys', status: 'fail' };
    expect(
      await linesOf([row('bob'), row('carol'), row('alice', keys90), row('bob', keys90)]),
    ).toEqual([
      {
        source: 'production',
        dataset: 'aws.iam.users',
        scope,
        uid: 'arn:alice',
        name: 'alice',
        statuses: { 'users-keys': 'fail' },
      },
      {
        source: 'production',
        dataset: 'aws.iam.users',
        scope,
        uid: 'arn:bob',
        name: 'bob',
        statuses: { 'users-keys': 'fail', 'users-mfa': 'pass' },
      },
      {
        source: 'production',
        dataset: 'aws.iam.users',
        scope,
        uid: 'arn:carol',
        name: 'carol',
        statuses: { 'users-mfa': 'pass' },
      },
    ]);
  });

  it('keep two sources with one account apart', async () => {
    const lines = await linesOf([row('bob', { source: 'second', status: 'fail' }), row('bob')]);
    expect(lines.map((each) => [each.source, each.statuses])).toEqual([
      ['production', { 'users-mfa': 'pass' }],
      ['second', { 'users-mfa': 'fail' }],
    ]);
  });

  it('keep datasets, scopes and resources of one name apart', async () => {
    const lines = await linesOf([
      row('bob'),
      row('bob', { dataset: 'aws.iam.keys', test: 'keys-age' }),
      row('bob', { resource: { uid: 'arn:bob', name: 'bob', scope: '210987654321' } }),
      row('bob', { resource: { uid: 'arn:bob2', name: 'bob', scope } }),
    ]);
    expect(lines.map((each) => [each.dataset, each.scope, each.uid])).toEqual([
      ['aws.iam.keys', scope, 'arn:bob'],
      ['aws.iam.users', scope, 'arn:bob'],
      ['aws.iam.users', scope, 'arn:bob2'],
      ['aws.iam.users', '210987654321', 'arn:bob'],
    ]);
  });

  it('say what is about a slice or a whole test', async () => {
    const lines = await linesOf([
      row('bob'),
      row('', {
        about: 'slice',
        status: 'error',
        resource: { uid: `production/${scope}/aws.iam.users`, name: scope, scope },
      }),
      row('', {
        about: 'test',
        status: 'not_tested',
        source: '',
        test: 'users-keys',
        resource: { uid: 'aws.iam.users', name: 'aws.iam.users', scope: '' },
      }),
    ]);
    expect(lines.map(({ uid, about }) => [uid, about])).toEqual([
      ['aws.iam.users', 'test'],
      ['arn:bob', undefined],
      [`production/${scope}/aws.iam.users`, 'slice'],
    ]);
    expect(lines.map((each) => 'about' in each)).toEqual([true, false, true]);
  });

  it('keep a resource apart from the slice whose uid it has', async () => {
    const resource = { uid: `production/${scope}/aws.iam.users`, name: 'mallory', scope };
    const lines = await linesOf([
      row('', { about: 'slice', status: 'error', resource: { ...resource, name: scope } }),
      row('', { status: 'fail', resource }),
    ]);
    expect(lines.map(({ about, name, statuses: each }) => [about, name, each])).toEqual([
      ['slice', scope, { 'users-mfa': 'error' }],
      [undefined, 'mallory', { 'users-mfa': 'fail' }],
    ]);
  });

  it('say when an event happened, or that it could not be told', async () => {
    const lines = await linesOf([
      row('1', { event_at: '2025-12-31T10:00:00Z' }),
      row('2', { event_at: null }),
      row('3'),
    ]);
    expect(lines.map(({ event_at }) => event_at)).toEqual([
      '2025-12-31T10:00:00Z',
      null,
      undefined,
    ]);
    expect(lines.map((each) => 'event_at' in each)).toEqual([true, true, false]);
  });

  it('have no line for a control that only people can show', async () => {
    const shown = row('PE-01', {
      ...{ control: 'PE-01', test: '', dataset: '', source: '', about: 'test' },
      status: 'not_tested',
    });
    const sealed = await store.writeSlice(slice());
    const written = await writeResults(store, [sealed], [shown], 'run');
    expect(written.list.count).toBe(1);
    expect(written.statuses).toMatchObject({ count: 0, chunks: null });
  });

  it('hold every status of every row, each once, whatever the order of the rows', async () => {
    const rows = fc.uniqueArray(
      fc.record({
        source: fc.constantFrom('production', 'second'),
        dataset: fc.constantFrom('a.b', 'a.c'),
        test: fc.constantFrom('one', 'two', 'three'),
        uid: fc.string({ maxLength: 3 }),
        scope: fc.constantFrom('', 'x', 'y'),
        status: fc.constantFrom<Status>(...statuses),
      }),
      {
        selector: ({ status: _status, ...each }) => JSON.stringify(each),
        maxLength: 40,
      },
    );
    const judgedOf = (each: typeof rows extends fc.Arbitrary<(infer Row)[]> ? Row : never) =>
      row('', {
        ...{ source: each.source, dataset: each.dataset, test: each.test, status: each.status },
        resource: { uid: each.uid, name: each.uid, scope: each.scope },
      });
    await fc.assert(
      fc.asyncProperty(rows, async (some) => {
        const lines = await linesOf(some.map(judgedOf));
        const flat = lines.flatMap(({ source, dataset, scope: place, uid, statuses: each }) =>
          Object.entries(each).map(([test, status]) =>
            JSON.stringify({ source, dataset, test, uid, scope: place, status }),
          ),
        );
        expect(flat.sort()).toEqual(some.map((each) => JSON.stringify(each)).sort());
        const sorted = lines.map(statusKey);
        expect(sorted).toEqual([...new Set(sorted)].sort(compareText));
        expect(await linesOf(some.toReversed().map(judgedOf))).toEqual(lines);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a night', () => {
  /** Seals a night of many users with these of them failing. */
  async function night(sequence: number, failing: readonly number[]) {
    const time = `2026-01-0${sequence}T02:00:01.000Z`;
    const sealed = await store.writeSlice(slice({ observed_at: time }));
    const rows = Array.from({ length: 200 }, (_, index) =>
      row(`user-${String(index).padStart(3, '0')}`, {
        run: `r${sequence}`,
        observed_at: time,
        status: failing.includes(index) ? 'fail' : 'pass',
      }),
    );
    const results: Draft['results'] = {
      as_of: time,
      counts: { pass: 200, fail: 0, error: 0, not_applicable: 0, not_tested: 0, waived: 0 },
      ...(await writeResults(store, [sealed], rows, 'run')),
    };
    await store.seal(
      draft({ run: `2026010${sequence}T020000Z-0a1b2c`, kind: 'run', slices: [sealed], results }),
      unsealed,
    );
    return results;
  }

  it('on which nothing changed names the same lists, and writes none', async () => {
    const first = await night(1, [7]);
    const { size } = keys;
    const second = await night(2, [7]);
    expect(second?.statuses).toEqual(first?.statuses);
    expect(second?.list).toEqual(first?.list);
    // The manifest aside, which is no object.
    expect([...keys.keys()].slice(size).filter((key) => key.startsWith('objects/'))).toEqual([]);
  });

  it('on which one resource changed writes one chunk of statuses, and an index', async () => {
    const first = await night(1, [7]);
    const objects = new Set(keys.keys());
    const results = await night(2, [7, 99]);
    const added = [...keys.keys()].filter((key) => key.startsWith('objects/') && !objects.has(key));
    // As many of the results.
    expect(added).toHaveLength(4);
    expect(results?.statuses.count).toBe(200);
    const index = await store.readBytes(results?.statuses.chunks ?? '');
    expect(JSON.parse(index.toString()).base).toBe(first?.statuses.chunks);
  });
});
