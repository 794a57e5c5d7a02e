import { describe, expect, it } from 'vitest';
import { addDays } from '../../src/evidence/days.ts';
import { examine } from '../../src/period/period.ts';
import type { Gap, PeriodReport, TestReport } from '../../src/period/report.ts';
import {
  control,
  historyOf,
  historyOfBundles,
  type SeenNight,
  type SeenSlice,
  sealedNight,
  test,
} from '../support/histories.ts';

const mfa = control({ tests: [test('mfa')] });
const period = { start: '2026-01-01', end: '2026-01-31', timezone: 'UTC' };
const later = new Date('2026-02-10T12:00:00Z');
const good: SeenSlice = { resources: { ada: { mfa: 'pass' } } };

/** Nights on these days of January. */
function on(days: readonly number[], over: Partial<SeenNight> = {}): SeenNight[] {
  return days.map((day) => ({
    at: addDays('2026-01-01', day - 1),
    controls: [mfa],
    slices: [good],
    ...over,
  }));
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_each, index) => from + index);

function testOf(report: PeriodReport): TestReport {
  return report.controls[0]?.tests[0] as TestReport;
}

function look(nights: readonly SeenNight[], now = later, over: Partial<typeof period> = {}) {
  return testOf(examine(historyOf(nights), { period: { ...period, ...over }, now }));
}

const short = ({ from, to, cause, scopes, closable }: Gap) => [from, to, cause, scopes, closable];

describe('coverage of state', () => {
  it('is whole where each day has a complete night', () => {
    expect(look(on(range(1, 31)))).toMatchObject({
      conclusion: 'operated',
      coverage: { expected: 31, complete: 31 },
      gaps: [],
      population: 1,
    });
  });

  it('counts from the beginning of the period, whenever the first night was', () => {
    const { coverage, gaps, conclusion } = look(on(range(11, 31)));
    expect(coverage).toEqual({ expected: 31, complete: 21 });
    expect(gaps.map(short)).toEqual([['2026-01-01', '2026-01-10', 'no run', [], null]]);
    expect(conclusion).toBe('insufficient evidence');
  });

  it('names a week without runs and a night that did not get everything', () => {
    const nights = [
      ...on(range(1, 9)),
      ...on(range(17, 19)),
      ...on([20], { slices: [{ outcome: 'failed' }] }),
      ...on(range(21, 31)),
    ];
    const { coverage, gaps } = look(nights);
    expect(coverage).toEqual({ expected: 31, complete: 23 });
    expect(gaps).toMatchObject([
      { from: '2026-01-10', to: '2026-01-16', occurrences: 7, cause: 'no run', closable: null },
      {
        from: '2026-01-20',
        to: '2026-01-20',
        cause: 'not collected',
        why: 'Throttled: asked too often',
        closable: null,
      },
    ]);
  });

  it('is made up by another night of the same day', () => {
    const failed = on([20], { slices: [{ outcome: 'failed' }] });
    const again = { ...on([20])[0], at: '2026-01-20T09:00:00.000Z' } as SeenNight;
    const nights = [...on(range(1, 19)), ...failed, again, ...on(range(21, 31))];
    expect(look(nights).gaps).toEqual([]);
  });

  it('is not made up by the next day, nor by what could not be told', () => {
    const untold = on([5], { slices: [{ resources: { ada: { mfa: 'error' } } }] });
    const nights = [...on(range(1, 4)), ...untold, ...on(range(6, 31))];
    expect(look(nights).gaps).toMatchObject([{ from: '2026-01-05', cause: 'not told' }]);
  });

  it('can be closed where the evidence is there and nobody judged it', () => {
    const collected = on([7], { kind: 'collect', controls: null });
    const nights = [...on(range(1, 6)), ...collected, ...on(range(8, 31))];
    const bundles = nights.map((night, index) => sealedNight(night, index + 1));
    const [gap] = testOf(examine(historyOfBundles(bundles, [mfa]), { period, now: later })).gaps;
    expect(gap).toMatchObject({
      from: '2026-01-07',
      cause: 'not judged',
      closable: { how: `tickmark evaluate --run ${bundles[6]?.manifest.run}`, until: null },
    });
    const judged = sealedNight(
      {
        at: '2026-02-01',
        kind: 'evaluate',
        controls: [mfa],
        slices: [good],
        evidenceOf: bundles[6] as (typeof bundles)[number],
      },
      32,
    );
    const closed = historyOfBundles([...bundles, judged], [mfa]);
    expect(testOf(examine(closed, { period, now: later })).gaps).toEqual([]);
  });

  it('goes by weeks, months and quarters where the control does', () => {
    const weekly = control({ frequency: 'weekly', tests: [test('mfa')] });
    const nights = on([1, 5, 14, 27], { controls: [weekly] });
    const { coverage, gaps } = look(nights);
    expect(coverage).toEqual({ expected: 5, complete: 4 });
    expect(gaps.map(short)).toEqual([['2026-01-19', '2026-01-25', 'no run', [], null]]);
    const monthly = control({ frequency: 'monthly', tests: [test('mfa')] });
    expect(look(on([17], { controls: [monthly] })).coverage).toEqual({ expected: 1, complete: 1 });
  });

  it('takes days as the time zone has them', () => {
    // Two in the morning in UTC is the evening before in Los Angeles.
    const { gaps } = look(on(range(1, 31)), later, { timezone: 'America/Los_Angeles' });
    expect(gaps.map(short)).toEqual([['2026-01-31', '2026-01-31', 'no run', [], null]]);
  });

  it('counts an account from the night that it was first seen in, and says so', () => {
    const other: SeenSlice = { ...good, scope: '210987654321' };
    const nights = [...on(range(1, 9)), ...on(range(10, 31), { slices: [good, other] })];
    const report = examine(historyOf(nights), { period, now: later });
    expect(testOf(report).coverage).toEqual({ expected: 31, complete: 31 });
    expect(report.scopes).toEqual([
      { source: 'production', scope: '210987654321', added: '2026-01-10', dropped: null },
    ]);
  });

  it('says that a scope was dropped, and misses one that is only left out for a night', () => {
    const other: SeenSlice = { ...good, scope: '210987654321' };
    const both = (days: number[]) => on(days, { slices: [good, other] });
    const dropped = examine(historyOf([...both(range(1, 9)), ...on(range(10, 31))]), {
      period,
      now: later,
    });
    expect(testOf(dropped).gaps).toEqual([]);
    expect(dropped.scopes).toEqual([
      { source: 'production', scope: '210987654321', added: null, dropped: '2026-01-09' },
    ]);
    const missed = look([...both(range(1, 9)), ...on([10]), ...both(range(11, 31))]);
    expect(missed.gaps.map(short)).toEqual([
      ['2026-01-10', '2026-01-10', 'not collected', ['production 210987654321'], null],
    ]);
  });

  it('goes on where every scope of a test was dropped: nothing shows that it operated', () => {
    const code = control({ id: 'CM-01', tests: [test('review', 'github.repositories')] });
    const repositories: SeenSlice = {
      source: 'code',
      scope: 'acme',
      dataset: 'github.repositories',
      resources: { api: { review: 'pass' } },
    };
    const all = [mfa, code];
    const nights = [
      ...on(range(1, 9), { controls: all, slices: [good, repositories] }),
      ...on(range(10, 31), { controls: all }),
    ];
    const report = examine(historyOf(nights), { period, now: later });
    const [, dropped] = report.controls;
    expect(dropped).toMatchObject({ id: 'CM-01', conclusion: 'insufficient evidence' });
    expect(dropped?.tests[0]?.gaps).toMatchObject([
      { from: '2026-01-10', to: '2026-01-31', cause: 'no source', closable: null },
    ]);
  });

  it('does not take the silence of one job for a decision', () => {
    const code = control({ id: 'CM-01', tests: [test('review', 'github.repositories')] });
    const repositories: SeenSlice = {
      source: 'code',
      scope: 'acme',
      dataset: 'github.repositories',
      resources: { api: { review: 'pass' } },
    };
    const nights = range(1, 31).flatMap((day) => [
      ...(day < 10 ? on([day]) : []),
      ...on([day], { controls: [code], slices: [repositories] }).map((each) => ({
        ...each,
        at: `${each.at}T03:00:00.000Z`,
      })),
    ]);
    const report = examine(historyOf(nights), { period, now: later });
    expect(testOf(report).gaps).toMatchObject([
      { from: '2026-01-10', to: '2026-01-31', cause: 'no run', why: 'no run asked production' },
    ]);
    expect(report.scopes).toEqual([]);
  });

  it('knows a source that cannot be reached from one that was dropped', () => {
    const unreached: SeenSlice = { scope: 'production', outcome: 'failed' };
    const nights = [...on(range(1, 9)), ...on(range(10, 31), { slices: [unreached] })];
    const report = examine(historyOf(nights), { period, now: later });
    expect(report.scopes).toEqual([]);
    expect(testOf(report).gaps).toMatchObject([
      { from: '2026-01-10', to: '2026-01-31', cause: 'not collected' },
    ]);
  });

  it('does not begin with the first night that reached a source, where others tried', () => {
    const unreached: SeenSlice = { scope: 'production', outcome: 'failed' };
    const nights = [...on(range(1, 9), { slices: [unreached] }), ...on(range(10, 31))];
    const report = examine(historyOf(nights), { period, now: later });
    expect(report.scopes).toEqual([]);
    expect(testOf(report).gaps).toMatchObject([
      { from: '2026-01-01', to: '2026-01-09', cause: 'not collected' },
    ]);
  });

  it('misses a day of which a night is left out for its clock: it may have seen a deviation', () => {
    const failing: SeenSlice = { resources: { ada: { mfa: 'fail' } } };
    const back = [
      { at: '2026-01-10T09:00:00.000Z', slices: [failing] },
      { at: '2026-01-10T08:00:00.000Z', slices: [good] },
      { at: '2026-01-10T08:10:00.000Z', slices: [good] },
    ].map((each): SeenNight => ({ controls: [mfa], ...each }));
    const nights = [...on(range(1, 9)), ...back, ...on(range(11, 31))];
    expect(look(nights)).toMatchObject({
      conclusion: 'insufficient evidence',
      gaps: [{ from: '2026-01-10', to: '2026-01-10', cause: 'clock in doubt' }],
    });
  });

  it('goes by the strictest that a control was in the period, and by nothing after it', () => {
    const loose = control({ frequency: 'monthly', tests: [test('mfa')] });
    const nights = on([1, 2, 31]);
    const inLastNight = [...on([1, 2]), ...on([31], { controls: [loose] })];
    const behind = { at: '2026-02-02', controls: [loose], slices: [good] };
    for (const each of [nights, inLastNight, [...nights, behind]]) {
      const report = examine(historyOf(each), { period, now: later });
      expect(report.controls[0]?.frequency).toBe('daily');
      expect(testOf(report).coverage).toEqual({ expected: 31, complete: 3 });
    }
  });

  it('asks of a test that came late what was collected before', () => {
    const both = control({ tests: [test('keys'), test('mfa')] });
    const nights = [
      ...on(range(1, 9)),
      ...on(range(10, 31), {
        controls: [both],
        slices: [{ resources: { ada: { mfa: 'pass', keys: 'pass' } } }],
      }),
    ];
    const [keys] = examine(historyOf(nights), { period, now: later }).controls[0]?.tests ?? [];
    expect(keys?.gaps).toHaveLength(9);
    expect(keys?.gaps[0]).toMatchObject({ cause: 'not judged', closable: { until: null } });
  });

  it('of a test that was dropped does not end with it', () => {
    const both = control({ tests: [test('keys'), test('mfa')] });
    const nights = [
      ...on(range(1, 9), {
        controls: [both],
        slices: [{ resources: { ada: { mfa: 'pass', keys: 'fail' } } }],
      }),
      ...on(range(10, 31)),
    ];
    const [keys] = examine(historyOf(nights), { period, now: later }).controls[0]?.tests ?? [];
    expect(keys).toMatchObject({
      dropped: '2026-01-09',
      conclusion: 'insufficient evidence',
      deviations: [{ uid: 'ada', closed: null }],
    });
  });

  it('leaves out nights whose clocks cannot be right, and says so', () => {
    const ahead = { ...on([2])[0], at: '2030-01-01', sequence: 3 } as SeenNight;
    const back = { ...on([10])[0], sequence: 32 } as SeenNight;
    const nights = [
      ...on([1, 2]),
      ahead,
      ...range(3, 30).flatMap((day) => (day === 10 ? [] : on([day]))),
      ...on([31]),
      back,
    ].map((night, index) => ({ ...night, sequence: index + 1 }));
    const report = examine(historyOf(nights), { period, now: later });
    expect(report.nights.left_out.map(({ sequence, reason }) => [sequence, reason])).toEqual([
      [3, 'dated in the future: its clock was ahead'],
      [32, 'its clock contradicts those of the bundles sealed before and after it'],
    ]);
    expect(testOf(report).gaps.map(({ from }) => from)).toEqual(['2026-01-10']);
  });

  it('does not take a simulated night for a real one', () => {
    const nights = [...on(range(1, 30)), ...on([31], { clock: 'simulated' })];
    expect(look(nights).gaps.map(short)).toEqual([
      ['2026-01-31', '2026-01-31', 'no run', [], null],
    ]);
    const all = examine(historyOf(on(range(1, 31), { clock: 'simulated' })), {
      period,
      now: later,
    });
    expect([all.simulated, testOf(all).conclusion]).toEqual([true, 'operated']);
  });

  it('of today is still to come', () => {
    const noon = new Date('2026-01-10T12:00:00Z');
    const report = examine(historyOf(on(range(1, 9))), { period, now: noon });
    expect(testOf(report)).toMatchObject({
      coverage: { expected: 9, complete: 9 },
      conclusion: 'operated',
    });
    expect(report).toMatchObject({ interim: true, through: noon.toISOString() });
    expect(report.due).toEqual([
      { what: 'a complete run', by: '2026-01-11T00:00:00.000Z', controls: ['AC-01'] },
    ]);
    const done = examine(historyOf(on(range(1, 10))), { period, now: noon });
    expect(testOf(done).coverage).toEqual({ expected: 10, complete: 10 });
    expect(done.due).toEqual([
      { what: 'a complete run', by: '2026-01-12T00:00:00.000Z', controls: ['AC-01'] },
    ]);
  });
});

describe('coverage of events', () => {
  const review = control({
    id: 'CM-01',
    frequency: 'per-event',
    tests: [test('review', 'github.changes')],
  });
  const reachDays = new Map([['github.changes', 30]]);

  const tells = (from: string, to: string, over: Partial<SeenSlice> = {}): SeenSlice => ({
    source: 'code',
    scope: 'acme',
    dataset: 'github.changes',
    interval: { start: `${from}T02:00:00.000Z`, end: `${to}T02:00:00.000Z` },
    ...over,
  });
  const told = (at: string, slices: SeenSlice[], over: Partial<SeenNight> = {}): SeenNight => ({
    at,
    controls: [review],
    slices: [{ ...good, source: 'code', scope: 'acme' }, ...slices],
    ...over,
  });
  const seen = (nights: readonly SeenNight[], now = later) =>
    testOf(examine(historyOf(nights, { reachDays }), { period, now }));

  it('is whole where slices follow one another, however long they are', () => {
    const nights = [
      told('2026-01-12', [tells('2025-12-31', '2026-01-12')]),
      told('2026-02-01', [tells('2026-01-12', '2026-02-01')]),
    ];
    expect(seen(nights)).toMatchObject({
      kind: 'event',
      coverage: { expected: 31, complete: 31 },
      gaps: [],
      conclusion: 'did not operate',
    });
  });

  it('names what no slice answers for, why, and until when it can be asked for', () => {
    const nights = [
      told('2026-01-20', [tells('2025-12-31', '2026-01-20')]),
      told('2026-01-25', [tells('2026-01-20', '2026-01-25', { outcome: 'partial' })]),
      told('2026-01-30', [tells('2026-01-25', '2026-02-01')]),
    ];
    expect(seen(nights)).toMatchObject({
      coverage: { expected: 31, complete: 25 },
      gaps: [
        {
          start: '2026-01-20T02:00:00.000Z',
          end: '2026-01-25T02:00:00.000Z',
          from: '2026-01-20',
          to: '2026-01-25',
          cause: 'not collected',
          closable: { until: '2026-02-19T02:00:00.000Z' },
        },
      ],
    });
    const tooLate = new Date('2026-02-19T03:00:00Z');
    expect(seen(nights, tooLate).gaps).toMatchObject([{ closable: null }]);
  });

  it('cannot be closed where the source has forgotten', () => {
    const gone = tells('2025-12-31', '2026-01-10', {
      outcome: 'failed',
      problem: { code: 'OutOfReach', message: 'kept for a month' },
    });
    const nights = [told('2026-02-01', [gone, tells('2026-01-10', '2026-02-01')])];
    expect(seen(nights).gaps).toMatchObject([
      { cause: 'out of reach', why: 'OutOfReach: kept for a month', closable: null },
    ]);
  });

  it('counts each event once, by its own time, as it was told last', () => {
    const nights = [
      told('2026-01-12', [
        tells('2025-12-31', '2026-01-12', {
          resources: { c1: { review: 'fail' }, c2: { review: 'fail' }, old: { review: 'fail' } },
          at: {
            c1: '2026-01-03T00:00:00Z',
            c2: '2026-01-11T00:00:00Z',
            old: '2025-12-31T23:00:00Z',
          },
        }),
      ]),
      told('2026-02-01', [
        tells('2026-01-12', '2026-02-01', {
          resources: { c2: { review: 'pass' }, c3: { review: 'not_applicable' } },
          at: { c2: '2026-01-11T00:00:00Z', c3: '2026-01-13T00:00:00Z' },
        }),
      ]),
    ];
    expect(seen(nights)).toMatchObject({
      population: 2,
      deviating: 1,
      conclusion: 'operated with deviations',
      deviations: [{ uid: 'c1', kind: 'event', opened: { by: '2026-01-03T00:00:00.000Z' } }],
    });
  });

  it('is not enough where an event could not be judged', () => {
    const nights = [
      told('2026-02-01', [
        tells('2025-12-31', '2026-02-01', {
          resources: { c1: { review: 'error' } },
          at: { c1: '2026-01-03T00:00:00Z' },
        }),
      ]),
    ];
    expect(seen(nights)).toMatchObject({ untold: 1, conclusion: 'insufficient evidence' });
  });

  it('of last night is still to come', () => {
    const morning = new Date('2026-01-13T01:00:00Z');
    const nights = [told('2026-01-12', [tells('2025-12-31', '2026-01-12')])];
    const report = examine(historyOf(nights, { reachDays }), { period, now: morning });
    expect(testOf(report)).toMatchObject({ coverage: { expected: 11, complete: 11 }, gaps: [] });
    expect(report.due).toContainEqual({
      what: 'a run that collects github.changes',
      by: '2026-02-11T02:00:00.000Z',
      controls: ['CM-01'],
    });
  });
});

describe('one date', () => {
  it('is judged by the occurrence that it belongs to, and by what failed on it', () => {
    const failing: SeenSlice = { resources: { ada: { mfa: 'fail' } } };
    const nights = [...on([9, 10]), ...on([11], { slices: [failing] }), ...on([12])];
    const asOf = (day: string) =>
      testOf(examine(historyOf(nights), { period, now: later, asOf: day })).conclusion;
    expect(['2026-01-10', '2026-01-11', '2026-01-12', '2026-01-13'].map(asOf)).toEqual([
      'operated',
      'operated with deviations',
      'operated',
      'insufficient evidence',
    ]);
  });
});
