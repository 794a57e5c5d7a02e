import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays } from '../../src/evidence/days.ts';
import type { Status } from '../../src/evidence/result.ts';
import { examine } from '../../src/period/period.ts';
import { populationOf } from '../../src/period/population.ts';
import type { PeriodReport, TestReport } from '../../src/period/report.ts';
import { control, historyOf, type SeenNight, type SeenSlice, test } from '../support/histories.ts';

const access = control({ tests: [test('mfa')] });
const storage = control({ id: 'EN-01', tests: [test('encrypted', 'aws.s3.buckets')] });
const changes = control({
  id: 'CM-01',
  frequency: 'per-event',
  tests: [test('review', 'github.changes')],
});
const controls = [access, storage, changes];
const length = 8;
const period = { start: '2026-01-01', end: addDays('2026-01-01', length - 1), timezone: 'UTC' };
const now = new Date('2026-02-10T12:00:00Z');

/** `day` of January stands for two in the morning. */
const night = (day: number) => `2026-01-${String(day).padStart(2, '0')}T02:00:00.000Z`;
const dayOf = (day: number) => night(day).slice(0, 10);

/** What was asked for in the night of a day: the day before. */
function asked(day: number): { start: string; end: string } {
  return { start: day === 1 ? '2025-12-01T00:00:00.000Z' : night(day - 1), end: night(day) };
}

/** A night of each day from the first of January on. */
function nightsOf(count: number, slices: (day: number) => SeenSlice[]): SeenNight[] {
  return Array.from({ length: count }, (_each, index) => ({
    at: dayOf(index + 1),
    controls,
    slices: slices(index + 1),
  }));
}

function users(resources: Record<string, Status>): SeenSlice {
  const all = Object.entries(resources).map(([uid, mfa]) => [uid, { mfa }] as const);
  return { resources: Object.fromEntries(all) };
}

function told(day: number, over: Partial<SeenSlice> = {}): SeenSlice {
  const of = { source: 'code', scope: 'acme', dataset: 'github.changes' };
  return { ...of, interval: asked(day), ...over };
}

function look(nights: readonly SeenNight[], over: { asOf?: string } = {}): PeriodReport {
  return examine(historyOf(nights), { period, now, ...over });
}

function testIn(report: PeriodReport, id: string): TestReport {
  return report.controls.flatMap(({ tests }) => tests).find((each) => each.id === id) as TestReport;
}

describe('a night after the end', () => {
  const failing = nightsOf(14, (day) => [
    users({ ada: day >= 5 && day <= 11 ? 'fail' : 'pass', ben: 'pass' }),
  ]);

  it('mends nothing of the period, and adds no night to what failed in it', () => {
    for (const nights of [failing.slice(0, 8), failing.slice(0, 9), failing]) {
      expect(testIn(look(nights), 'mfa')).toMatchObject({
        open: 1,
        deviations: [
          {
            opened: { after: night(4), by: night(5), how: 'failed' },
            closed: null,
            days: { least: 3, most: 5 },
            spans: [{ status: 'fail', from: dayOf(5), to: dayOf(8) }],
            nights: { failing: 4, waived: 0, unseen: 0 },
            remediation: { state: 'open' },
            last_run: expect.stringContaining('20260108T'),
          },
        ],
      });
    }
    // The same day, by itself.
    expect(testIn(look(failing, { asOf: dayOf(6) }), 'mfa').deviations).toMatchObject([
      { closed: null, nights: { failing: 2 } },
    ]);
  });

  it('is one that began on a later day of the organisation', () => {
    const inNewYork = { ...period, timezone: 'America/New_York' };
    const report = examine(historyOf(failing), { period: inNewYork, now });
    // Two in the morning of the ninth is nine in the evening of the eighth there.
    expect(testIn(report, 'mfa').deviations).toMatchObject([
      {
        closed: null,
        spans: [{ from: dayOf(4), to: dayOf(8) }],
        nights: { failing: 5 },
        last_run: expect.stringContaining('20260109T'),
      },
    ]);
  });

  it('opens nothing in it', () => {
    const nights = nightsOf(9, (day) => [users({ ada: day === 9 ? 'fail' : 'pass' })]);
    expect(testIn(look(nights), 'mfa')).toMatchObject({ conclusion: 'operated', deviations: [] });
  });

  it('takes no part of the population away', () => {
    const nights = nightsOf(12, (day) => [
      users({ ada: 'pass', ...(day < 10 ? { ben: 'pass' } : {}) }),
    ]);
    const { items } = populationOf(historyOf(nights), { period, now }, 'mfa');
    expect(items).toMatchObject([
      { uid: 'ada', deleted: null, last_seen: night(8) },
      { uid: 'ben', deleted: null, last_seen: night(8) },
    ]);
  });

  it('leaves before the start what was there: a deviation began when it began', () => {
    const early = [-2, -1, 0].map((offset): SeenNight => {
      const status = offset === -2 ? 'pass' : 'fail';
      return { at: addDays(period.start, offset - 1), controls, slices: [users({ ada: status })] };
    });
    const report = look([...early, ...failing]);
    expect(testIn(report, 'mfa').deviations).toMatchObject([{ recurrence: 1, closed: null }]);
    const nights = nightsOf(9, (day) => [users({ ada: day < 3 ? 'fail' : 'pass' })]);
    expect(testIn(look([...early, ...nights]), 'mfa').deviations).toMatchObject([
      {
        opened: { after: '2025-12-29T02:00:00.000Z', by: '2025-12-30T02:00:00.000Z' },
        closed: { by: night(3) },
        nights: { failing: 4 },
      },
    ]);
  });

  it('brings no source into the period that was not asked in it', () => {
    const both = (from: number) =>
      nightsOf(16, (day) => [
        users({ ada: 'pass' }),
        ...(day < from
          ? []
          : [
              { dataset: 'aws.s3.buckets', source: 'store', resources: {} },
              told(day, { interval: { start: night(day - 2), end: night(day) } }),
            ]),
      ]);
    const { controls: without } = look(both(99));
    expect(look(both(12)).controls).toEqual(without);
    for (const id of ['encrypted', 'review']) {
      const { conclusion, gaps } = testIn(look(both(12)), id);
      expect(conclusion).toBe('insufficient evidence');
      expect(gaps).toMatchObject([{ cause: 'no source', from: dayOf(1), to: dayOf(8) }]);
    }
  });

  it('drops no test and no scope of it, and names no organisation', () => {
    const two = nightsOf(16, (day) => [
      users({ ada: 'pass' }),
      ...(day > 6 ? [] : [{ ...users({ zoe: 'pass' }), scope: '210987654321' }]),
    ]);
    // The sixth was the last that saw both, and nobody looked at all until the end.
    const nights = two.filter((_each, index) => index < 6 || index > 7);
    const dropped = nights.map((each, index) =>
      index > 7 ? { ...each, controls: [storage] } : each,
    );
    const history = historyOf(dropped);
    const renamed = history.bundles.map((bundle, index) =>
      index > 6
        ? { ...bundle, manifest: { ...bundle.manifest, organization: 'Other, Inc.' } }
        : bundle,
    );
    const report = examine({ ...history, bundles: renamed }, { period, now });
    expect(report.organizations).toEqual(['Acme, Inc.']);
    expect(report.scopes).toEqual([]);
    expect(testIn(report, 'mfa')).toMatchObject({
      dropped: null,
      gaps: [{ from: dayOf(7), to: dayOf(8), cause: 'no run', scopes: [] }],
    });
  });

  it('tells of what happened in it all the same', () => {
    const nights = nightsOf(12, (day) => [
      users({ ada: 'pass' }),
      ...(day === 8
        ? [told(day, { outcome: 'failed' })]
        : [
            told(day, {
              interval: day === 9 ? { start: night(7), end: night(9) } : asked(day),
              resources: day === 9 ? { c1: { review: 'fail' }, c2: { review: 'fail' } } : {},
              at: { c1: '2026-01-08T23:59:59Z', c2: '2026-01-09T00:00:00Z' },
            }),
          ]),
    ]);
    expect(testIn(look(nights), 'review')).toMatchObject({
      population: 1,
      coverage: { expected: 8, complete: 8 },
      deviations: [{ uid: 'c1', first_run: expect.stringContaining('20260109T') }],
    });
    expect(testIn(look(nights.slice(0, 8)), 'review').gaps).toMatchObject([{ from: dayOf(7) }]);
  });

  it('tells of what happened in it, though its source was not asked then', () => {
    const week = { start: '2025-12-30T00:00:00.000Z', end: night(11) };
    const resources = { c1: { review: 'fail' as const } };
    const backfill = { interval: week, resources, at: { c1: `${dayOf(3)}T12:00:00Z` } };
    const nights = nightsOf(12, (day) => [
      users({ ada: 'pass' }),
      ...(day < 11 ? [] : [told(day, day === 11 ? backfill : {})]),
    ]);
    expect(testIn(look(nights), 'review')).toMatchObject({
      coverage: { expected: 8, complete: 8 },
      deviations: [{ uid: 'c1' }],
    });
    const part = nightsOf(12, (day) => [
      users({ ada: 'pass' }),
      ...(day < 11
        ? []
        : [told(day, day === 11 ? { interval: { start: night(6), end: night(11) } } : {})]),
    ]);
    expect(testIn(look(part), 'review')).toMatchObject({
      coverage: { expected: 8, complete: 2 },
      gaps: [{ from: dayOf(1), to: dayOf(6), cause: 'no run' }],
    });
    // Beside one that was asked all the time it adds nothing to do.
    const beside = nightsOf(12, (day) => [
      users({ ada: 'pass' }),
      told(day),
      ...(day < 11
        ? []
        : [told(day, { scope: 'beta', interval: { start: night(6), end: night(day) } })]),
    ]);
    expect(testIn(look(beside), 'review')).toMatchObject({
      coverage: { expected: 8, complete: 8 },
      gaps: [],
    });
  });

  it('leaves the report as the first one behind the end made it, whatever it saw', () => {
    const status = fc.constantFrom<Status>(
      'pass',
      'pass',
      'fail',
      'waived',
      'error',
      'not_applicable',
    );
    const outcome = fc.constantFrom('complete', 'complete', 'complete', 'partial', 'failed');
    const seen = fc.record({
      outcome: outcome as fc.Arbitrary<NonNullable<SeenSlice['outcome']>>,
      users: fc.dictionary(fc.constantFrom('ada', 'ben', 'cy'), status),
      buckets: fc.option(fc.dictionary(fc.constantFrom('logs', 'web'), status), { nil: undefined }),
      scope: fc.constantFrom('acme', 'beta'),
      event: fc.option(status, { nil: undefined }),
      isTimed: fc.boolean(),
      isRun: fc.boolean(),
    });
    const before = 2;
    const total = before + length + 6;
    fc.assert(
      fc.property(fc.array(seen, { minLength: total, maxLength: total }), (all) => {
        const nights = all.flatMap((each, index): SeenNight[] => {
          const day = index + 1 - before;
          const isFirstBehind = day === length + 1;
          if (!each.isRun && !isFirstBehind) return [];
          const at = addDays(period.start, day - 1);
          const interval = {
            start: `${addDays(at, -1)}T02:00:00.000Z`,
            end: `${at}T02:00:00.000Z`,
          };
          const uid = `c${index}`;
          return [
            {
              at,
              controls,
              slices: [
                { outcome: each.outcome, ...users(each.users) },
                ...(each.buckets === undefined
                  ? []
                  : [
                      {
                        dataset: 'aws.s3.buckets',
                        scope: each.scope,
                        resources: Object.fromEntries(
                          Object.entries(each.buckets).map(([bucket, encrypted]) => [
                            bucket,
                            { encrypted },
                          ]),
                        ),
                      },
                    ]),
                told(day, {
                  interval,
                  resources: each.event === undefined ? {} : { [uid]: { review: each.event } },
                  at: { [uid]: each.isTimed ? `${addDays(at, -1)}T12:00:00Z` : null },
                }),
              ],
            },
          ];
        });
        const cut = nights.filter(({ at }) => at <= addDays(period.end, 1));
        const reportOf = (some: SeenNight[]) => {
          const { nights: _counted, ...report } = look(some);
          return report;
        };
        expect(reportOf(nights)).toEqual(reportOf(cut));
        for (const id of ['mfa', 'encrypted', 'review']) {
          const itemsOf = (some: SeenNight[]) => populationOf(historyOf(some), { period, now }, id);
          expect(itemsOf(nights)).toEqual(itemsOf(cut));
        }
      }),
      { numRuns: 50 },
    );
  });
});
