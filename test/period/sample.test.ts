import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import type { PopulationItem } from '../../src/period/population.ts';
import { type DrawRequest, draw, lotOf, type Stratum, strata } from '../../src/period/sample.ts';

/** An item of a population, of which drawing looks at a few things only. */
function item(uid: string, rest: Partial<PopulationItem> = {}): PopulationItem {
  return {
    source: 'production',
    scope: '123456789012',
    uid,
    name: uid,
    first_seen: '2026-01-01T02:00:00.000Z',
    last_seen: '2026-12-31T02:00:00.000Z',
    created: null,
    deleted: null,
    event_at: null,
    nights: { pass: 1, fail: 0, not_applicable: 0, waived: 0, error: 0 },
    first_run: '20260101T020000Z-000000',
    last_run: '20261231T020000Z-000000',
    ...rest,
  };
}

const request = (rest: Partial<DrawRequest> = {}): DrawRequest => ({
  seed: '2026-4711',
  size: 5,
  by: null,
  timezone: 'UTC',
  ...rest,
});

const uids = (items: readonly PopulationItem[], rest: Partial<DrawRequest> = {}) =>
  draw(items, request(rest)).drawn.map((each) => each.item.uid);

const hundred = Array.from({ length: 100 }, (_, index) => item(`arn:${index}`));

/** Items that differ in what names them, and in every stratum. */
const population = fc
  .uniqueArray(
    fc.record({
      source: fc.constantFrom('a', 'b'),
      scope: fc.constantFrom('one', 'two'),
      uid: fc.string({ maxLength: 6 }),
      failing: fc.nat(1),
      month: fc.integer({ min: 0, max: 11 }),
    }),
    {
      selector: ({ source, scope, uid }) => JSON.stringify([source, scope, uid]),
      minLength: 1,
      maxLength: 40,
    },
  )
  .map((all) =>
    all.map(({ source, scope, uid, failing, month }) =>
      item(uid, {
        source,
        scope,
        event_at: new Date(Date.UTC(2026, month, 15)).toISOString(),
        nights: { pass: 1, fail: failing, not_applicable: 0, waived: 0, error: 0 },
      }),
    ),
  );

const by = fc.constantFrom<Stratum | null>(null, ...strata);
const size = fc.integer({ min: 1, max: 12 });
const seed = fc.string({ minLength: 1, maxLength: 12 });

const nameOf = ({ source, scope, uid }: PopulationItem) => JSON.stringify([source, scope, uid]);
const names = (items: readonly PopulationItem[], asked: DrawRequest) =>
  draw(items, asked).drawn.map((each) => nameOf(each.item));

describe('a lot', () => {
  it('is the SHA-256 of what is documented', () => {
    const text =
      '["2026-4711",null,"production","123456789012","arn:aws:iam::123456789012:user/ada"]';
    const { source, scope } = item('');
    expect(
      lotOf('2026-4711', null, { source, scope, uid: 'arn:aws:iam::123456789012:user/ada' }),
    ).toBe(sha256(text));
  });

  it('cannot be that of other parts put together differently', () => {
    const lots = [
      lotOf('a', null, { source: 'b', scope: 'c', uid: 'd' }),
      lotOf('a', 'b', { source: '', scope: 'c', uid: 'd' }),
      lotOf('a', 'null', { source: 'b', scope: 'c', uid: 'd' }),
      lotOf('a', null, { source: 'b\nc', scope: '', uid: 'd' }),
      lotOf('a', null, { source: 'b', scope: 'c","d', uid: '' }),
      lotOf('a\nb', null, { source: '', scope: 'c', uid: 'd' }),
    ];
    expect(new Set(lots).size).toBe(lots.length);
  });
});

describe('a draw', () => {
  it('is the same whatever the order of the items', () => {
    fc.assert(
      fc.property(population, by, size, seed, fc.infiniteStream(fc.double()), (items, ...rest) => {
        const [by, size, seed, random] = rest;
        const keys = new Map(items.map((each) => [each, random.next().value as number]));
        const shuffled = [...items].sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
        const asked = request({ by, size, seed });
        expect(draw(shuffled, asked)).toEqual(draw(items, asked));
      }),
    );
  });

  it('of fewer items is the beginning of a draw of more, in each stratum', () => {
    fc.assert(
      fc.property(population, by, size, size, seed, (items, by, one, other, seed) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        const few = draw(items, request({ by, seed, size: less }));
        const many = draw(items, request({ by, seed, size: more }));
        for (const { stratum } of many.strata) {
          const of = ({ drawn }: typeof few) => drawn.filter((each) => each.stratum === stratum);
          expect(of(many).slice(0, less)).toEqual(of(few));
        }
      }),
    );
  });

  it('is not reshuffled by an item that is added: at most one makes room for it', () => {
    fc.assert(
      fc.property(population, by, size, seed, (items, by, size, seed) => {
        const [added, ...before] = items as [PopulationItem, ...PopulationItem[]];
        const asked = request({ by, size, seed });
        const without = names(before, asked);
        const withIt = names([added, ...before], asked).filter((name) => name !== nameOf(added));
        // What is left of it stands in the same order, and nothing new came in.
        expect(without.filter((name) => withIt.includes(name))).toEqual(withIt);
        expect(without.length - withIt.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('takes so many of each stratum, each item once, and says how many there were', () => {
    fc.assert(
      fc.property(population, by, size, seed, (items, by, size, seed) => {
        const { drawn, strata: found } = draw(items, request({ by, size, seed }));
        expect(new Set(drawn.map((each) => nameOf(each.item))).size).toBe(drawn.length);
        expect(found.reduce((sum, each) => sum + each.population, 0)).toBe(items.length);
        for (const { stratum, population, drawn: count } of found) {
          expect(count).toBe(Math.min(size, population));
          expect(drawn.filter((each) => each.stratum === stratum)).toHaveLength(count);
        }
      }),
    );
  });

  it('of more than there are is all of them', () => {
    expect(new Set(uids(hundred, { size: 1_000 }))).toEqual(new Set(hundred.map(({ uid }) => uid)));
    expect(draw([], request())).toEqual({
      drawn: [],
      strata: [{ stratum: null, population: 0, drawn: 0 }],
    });
  });

  it('changes with the seed', () => {
    const draws = ['1', '2', '01', ' 1', 'a', 'A'].map((seed) => uids(hundred, { seed }).join());
    expect(new Set(draws).size).toBe(draws.length);
  });

  it('gives every item the same chance, and every pair', () => {
    const items = Array.from({ length: 20 }, (_, index) => item(`arn:aws:iam::1:user/${index}`));
    const [seeds, size] = [8_000, 5];
    const times = new Map<string, number>();
    const pairs = new Map<string, number>();
    const count = (counts: Map<string, number>, key: string) =>
      counts.set(key, (counts.get(key) ?? 0) + 1);
    for (let seed = 0; seed < seeds; seed += 1) {
      const drawn = uids(items, { seed: `${seed}`, size }).sort();
      for (const [index, uid] of drawn.entries()) {
        count(times, uid);
        for (const other of drawn.slice(index + 1)) count(pairs, `${uid} ${other}`);
      }
    }
    // Five standard deviations of a binomial count: fixed seeds, so that it is the same each time.
    const isNear = (found: number, chance: number) =>
      Math.abs(found - seeds * chance) < 5 * Math.sqrt(seeds * chance * (1 - chance));
    expect([times.size, pairs.size]).toEqual([20, 190]);
    expect([...times].filter(([, found]) => !isNear(found, 5 / 20))).toEqual([]);
    expect([...pairs].filter(([, found]) => !isNear(found, (5 * 4) / (20 * 19)))).toEqual([]);
  });
});

describe('strata', () => {
  const strataOf = (items: PopulationItem[], rest: Partial<DrawRequest>) =>
    draw(items, request(rest)).strata.map(({ stratum, population }) => [stratum, population]);

  it('by scope keep apart what two sources call alike', () => {
    const items = [item('1'), item('2', { source: 'other' }), item('3', { scope: 'eu' })];
    expect(strataOf(items, { by: 'scope' })).toEqual([
      ['other 123456789012', 1],
      ['production 123456789012', 1],
      ['production eu', 1],
    ]);
    expect(strataOf(items, { by: 'source' })).toEqual([
      ['other', 1],
      ['production', 2],
    ]);
  });

  it('by status count a waived failure as one', () => {
    const none = { pass: 3, fail: 0, not_applicable: 0, waived: 0, error: 0 };
    const items = [
      item('1', { nights: { ...none, fail: 1 } }),
      item('2', { nights: { ...none, waived: 1 } }),
      item('3', { nights: { ...none, error: 1 } }),
    ];
    expect(strataOf(items, { by: 'status' })).toEqual([
      ['failed', 2],
      ['never failed', 1],
    ]);
  });

  it("by month go by the organisation's clock, and keep what nobody could date", () => {
    const items = [
      item('1', { event_at: '2026-01-31T23:30:00.000Z' }),
      item('2', { event_at: '2026-01-31T22:30:00.000Z' }),
      item('3', { event_at: null }),
    ];
    expect(strataOf(items, { by: 'month', timezone: 'Europe/Berlin' })).toEqual([
      ['2026-01', 1],
      ['2026-02', 1],
      ['unknown', 1],
    ]);
  });
});
