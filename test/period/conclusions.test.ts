import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays } from '../../src/evidence/days.ts';
import type { Status } from '../../src/evidence/result.ts';
import type { SliceOutcome as Outcome } from '../../src/evidence/slice.ts';
import { examine } from '../../src/period/period.ts';
import { populationOf } from '../../src/period/population.ts';
import type { Conclusion } from '../../src/period/report.ts';
import {
  control,
  historyOf,
  historyOfBundles,
  type SeenNight,
  type SeenSlice,
  test,
} from '../support/histories.ts';

const access = control({ tests: [test('keys'), test('mfa')] });
const storage = control({ id: 'EN-01', tests: [test('encrypted', 'aws.s3.buckets')] });
const changes = control({
  id: 'CM-01',
  frequency: 'per-event',
  tests: [test('review', 'github.changes')],
});
const people = control({ id: 'HR-01', tests: [] });
const all = [access, storage, changes, people];
const days = 8;
const period = { start: '2026-01-01', end: addDays('2026-01-01', days - 1), timezone: 'UTC' };
const now = new Date('2026-02-10T12:00:00Z');

/** From bad to good. What did not operate has shown as little as what nobody looked at. */
const rank: Record<Conclusion, number> = {
  'insufficient evidence': 0,
  'did not operate': 1,
  'operated with deviations': 2,
  operated: 3,
};

// Mostly good: of what is mostly bad every conclusion is the same.
const status = fc.oneof(
  { weight: 30, arbitrary: fc.constant<Status>('pass') },
  { weight: 2, arbitrary: fc.constantFrom<Status>('fail', 'waived') },
  { weight: 1, arbitrary: fc.constantFrom<Status>('error', 'not_applicable') },
);
const outcome = fc.oneof(
  { weight: 60, arbitrary: fc.constant<Outcome>('complete') },
  { weight: 1, arbitrary: fc.constantFrom<Outcome>('partial', 'failed') },
);
const users = fc.dictionary(
  fc.constantFrom('ada', 'ben', 'cy'),
  fc.record({ mfa: status, keys: status }),
);
const buckets = fc.dictionary(fc.constantFrom('logs', 'web'), fc.record({ encrypted: status }));
const events = fc.dictionary(fc.constantFrom('c1', 'c2', 'c3'), fc.record({ review: status }));

/** What one night saw; the night of each day tells of the events of the day before. */
function nightOn(index: number): fc.Arbitrary<SeenNight> {
  const at = addDays(period.start, index);
  const slice = (scope: string) =>
    fc.record({ outcome, resources: users }).map((seen): SeenSlice => ({ scope, ...seen }));
  const interval = {
    start: index === 0 ? '2025-12-01T00:00:00.000Z' : `${addDays(at, -1)}T02:00:00.000Z`,
    end: `${at}T02:00:00.000Z`,
  };
  return fc
    .record({
      one: slice('123456789012'),
      two: fc.option(slice('210987654321'), { nil: undefined }),
      buckets: fc.option(fc.record({ outcome, resources: buckets }), { nil: undefined }),
      events: fc.record({ outcome, resources: events }),
    })
    .map(({ one, two, buckets: seen, events: told }) => ({
      at,
      controls: all,
      slices: [
        one,
        ...(two === undefined ? [] : [two]),
        ...(seen === undefined ? [] : [{ dataset: 'aws.s3.buckets', ...seen }]),
        {
          ...told,
          dataset: 'github.changes',
          source: 'code',
          scope: 'acme',
          interval,
          at: Object.fromEntries(
            Object.keys(told.resources).map((uid) => [uid, `${at}T00:30:00Z`]),
          ),
        },
      ],
    }));
}

/** A night on each day of the period and on the day after, mostly of one kind. */
const nights = fc.tuple(...Array.from({ length: days + 1 }, (_each, index) => nightOn(index)));

function conclusionsOf(history: ReturnType<typeof historyOf>): Map<string, Conclusion> {
  const { controls } = examine(history, { period, now });
  return new Map(
    controls.flatMap(({ id, conclusion, tests }) => [
      [id, conclusion] as const,
      ...tests.map((each) => [`${id} ${each.id}`, each.conclusion] as const),
    ]),
  );
}

describe('a conclusion', () => {
  const good: SeenSlice = { resources: { ada: { mfa: 'pass', keys: 'pass' } } };
  const year = (slices: (index: number) => SeenSlice[]): SeenNight[] =>
    Array.from({ length: days }, (_each, index) => ({
      at: addDays(period.start, index),
      controls: [access, storage, people],
      slices: slices(index),
    }));
  const buckets = (resources: SeenSlice['resources'] = {}): SeenSlice => ({
    dataset: 'aws.s3.buckets',
    resources,
  });

  it('is one of four, with n of N', () => {
    const failing: SeenSlice = { resources: { ada: { mfa: 'fail', keys: 'pass' } } };
    const report = examine(historyOf(year((index) => [index === 3 ? failing : good, buckets()])), {
      period,
      now,
    });
    expect(
      report.controls.map(({ id, conclusion, deviating, population, because }) => [
        id,
        conclusion,
        deviating,
        population,
        because,
      ]),
    ).toEqual([
      ['AC-01', 'operated with deviations', 1, 2, ['mfa: 1 of 1 with deviations']],
      ['EN-01', 'did not operate', 0, 0, []],
      ['HR-01', 'insufficient evidence', 0, 0, ['no test: a control that only people can show']],
    ]);
  });

  it('counts what was waived among the deviations, and says so', () => {
    const waived: SeenSlice = { resources: { ada: { mfa: 'waived', keys: 'pass' } } };
    const [one] = examine(historyOf(year(() => [waived, buckets()])), { period, now }).controls;
    expect(one).toMatchObject({
      conclusion: 'operated with deviations',
      deviating: 1,
      waived: 1,
      open: 0,
      because: ['mfa: 1 of 1 with deviations, 1 of them waived'],
    });
  });

  it('is not drawn from a store that lacks a bundle', () => {
    const made = year(() => [good, buckets()]).map((night, index) => ({
      ...night,
      sequence: index < 4 ? index + 1 : index + 3,
    }));
    const report = examine(historyOf(made), { period, now });
    expect(report.problems).toEqual(['bundles 5 to 6 are missing from the store']);
    expect(report.controls.map(({ conclusion }) => conclusion)).toEqual(
      Array(3).fill('insufficient evidence'),
    );
  });

  it('is not drawn from a store in which a bundle was exchanged', () => {
    const history = historyOf(year(() => [good, buckets()]));
    const bundles = history.bundles.map((bundle, index) =>
      index === 4 ? { ...bundle, digest: '0'.repeat(64) } : bundle,
    );
    const report = examine({ ...history, bundles }, { period, now });
    expect(report.problems).toEqual(['bundle 5 is not the one that bundle 6 was sealed behind']);
    expect(report.controls.map(({ conclusion }) => conclusion)).toEqual(
      Array(3).fill('insufficient evidence'),
    );
  });

  it('goes with a day for each day, and a gap is not hidden by what failed on both sides', () => {
    const failing: SeenSlice = { resources: { ada: { mfa: 'fail', keys: 'pass' } } };
    const nights = year((index) => [index >= 1 && index <= 5 ? failing : good, buckets()]);
    const holed = nights.filter((_night, index) => index !== 3);
    const noon = new Date('2026-01-07T01:00:00Z');
    const daysAt = (at: Date) =>
      examine(historyOf(holed.slice(0, -2)), { period, now: at }).controls[0]?.days;
    expect(daysAt(noon)).toEqual([
      'complete',
      'deviation',
      'deviation',
      'gap',
      'deviation',
      'deviation',
      'later',
      'later',
    ]);
  });

  it('says nothing of a store that is empty', () => {
    const report = examine(historyOf([]), { period, now });
    expect([report.controls, report.nights.counted]).toEqual([[], 0]);
  });

  it('is the same in whatever order bundles are read', () => {
    fc.assert(
      fc.property(nights, fc.infiniteStream(fc.nat()), (made, random) => {
        const history = historyOf(made);
        const bundles = history.bundles
          .map((bundle) => ({ bundle, rank: random.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ bundle }) => bundle);
        const request = { period, now };
        expect(examine({ ...history, bundles }, request)).toEqual(examine(history, request));
      }),
      { numRuns: 60 },
    );
  });

  it('is never better without a night, whether its place is empty or was filled', () => {
    fc.assert(
      fc.property(nights, fc.nat({ max: days }), (made, gone) => {
        const history = historyOf(made);
        const before = conclusionsOf(history);
        const kept = history.bundles.filter((_bundle, index) => index !== gone);
        const holed = historyOfBundles(kept, all);
        const rewritten = historyOf(made.filter((_night, index) => index !== gone));
        for (const after of [conclusionsOf(holed), conclusionsOf(rewritten)]) {
          for (const [id, conclusion] of after) {
            // The newest night can be cut off unseen: it lies behind the period.
            if (gone === days && !id.startsWith('CM')) continue;
            expect([id, rank[conclusion]]).toEqual([
              id,
              Math.min(rank[conclusion], rank[before.get(id) ?? 'operated']),
            ]);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a population', () => {
  it('has as many items as the conclusion says, and each night of each of them', () => {
    fc.assert(
      fc.property(nights, (made) => {
        const history = historyOf(made);
        const request = { period, now };
        const { controls } = examine(history, request);
        for (const report of controls.flatMap(({ tests }) => tests)) {
          const population = populationOf(history, request, report.id);
          const { items } = population;
          expect([report.id, items.length]).toEqual([report.id, report.population]);
          const failed = items.filter((each) => each.nights.fail + each.nights.waived > 0);
          expect(failed.map(({ uid, scope }) => `${scope} ${uid}`)).toEqual(
            [...new Set(report.deviations.map(({ uid, scope }) => `${scope} ${uid}`))].sort(),
          );
          if (report.kind === 'event') continue;
          for (const item of items) {
            const seen = made
              .slice(0, days)
              .flatMap((night) =>
                night.slices
                  .filter(
                    ({ scope = '123456789012', dataset = 'aws.iam.users' }) =>
                      scope === item.scope && dataset === report.dataset,
                  )
                  .flatMap(({ resources }) => resources?.[item.uid]?.[report.id] ?? []),
              );
            const counts = Object.fromEntries(
              Object.keys(item.nights).map((name) => [
                name,
                seen.filter((each) => each === name).length,
              ]),
            );
            expect(item.nights).toEqual(counts);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('tells when each came and went', () => {
    const seen = (...uids: string[]): SeenSlice => ({
      resources: Object.fromEntries(uids.map((uid) => [uid, { mfa: 'pass', keys: 'pass' }])),
    });
    const made: SeenNight[] = [
      seen('ada', 'ben'),
      seen('ada', 'ben', 'cy'),
      seen('ada', 'cy'),
      { outcome: 'failed' as const },
      seen('ada'),
    ].map((slice, index) => ({
      at: addDays(period.start, index),
      controls: [access],
      slices: [slice],
    }));
    const { items } = populationOf(historyOf(made), { period, now }, 'mfa');
    const at = (day: number) => `2026-01-0${day}T02:00:00.000Z`;
    expect(
      items.map(({ uid, created, deleted, nights: { pass } }) => [uid, created, deleted, pass]),
    ).toEqual([
      ['ada', null, null, 4],
      ['ben', null, { after: at(2), by: at(3) }, 2],
      ['cy', { after: at(1), by: at(2) }, { after: at(3), by: at(5) }, 2],
    ]);
  });

  it('is not that of a test that nobody has', () => {
    expect(() => populationOf(historyOf([]), { period, now }, 'mfa')).toThrow(
      /no night of the store/,
    );
  });
});
