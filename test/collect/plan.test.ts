import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answered, cut, isEnough, planPieces } from '../../src/collect/plan.ts';
import { holes, union } from '../../src/evidence/intervals.ts';

const day = (date: number, hour = 0) => new Date(Date.UTC(2026, 0, date, hour));
const answered = (start: Date, end: Date, over: Partial<Answered> = {}): Answered => ({
  outcome: 'complete',
  interval: { start, end },
  coveredSince: start,
  observedAt: end,
  ...over,
});
const text = ({ start, end }: { start: Date; end: Date }) =>
  `${start.toISOString().slice(5, 13)}/${end.toISOString().slice(5, 13)}`;
const plan = (slices: Answered[], start: Date, end: Date) =>
  planPieces(slices, { start, end }, start).map(({ own, ask, coveredSince }) => ({
    own: text(own),
    ask: text(ask),
    since: coveredSince.toISOString().slice(5, 13),
  }));

describe('planPieces', () => {
  it('begins at the start of the period, in pieces of a week', () => {
    expect(plan([], day(1), day(17, 2))).toEqual([
      { own: '01-01T00/01-08T00', ask: '01-01T00/01-08T00', since: '01-01T00' },
      { own: '01-08T00/01-15T00', ask: '01-08T00/01-15T00', since: '01-08T00' },
      { own: '01-15T00/01-17T02', ask: '01-15T00/01-17T02', since: '01-15T00' },
    ]);
  });

  it('lets no piece claim what another has still to ask: that one may fail', () => {
    const slices = [answered(day(9), day(12)), answered(day(1), day(8))];
    expect(plan(slices, day(1), day(13)).map(({ own, since }) => [own, since])).toEqual([
      ['01-08T00/01-09T00', '01-01T00'],
      ['01-12T00/01-13T00', '01-09T00'],
    ]);
  });

  it('goes on where coverage ends, and asks again for three days', () => {
    const night = answered(day(15), day(17, 2), { coveredSince: day(1) });
    expect(plan([night], day(1), day(18, 2))).toEqual([
      { own: '01-17T02/01-18T02', ask: '01-14T02/01-18T02', since: '01-01T00' },
    ]);
  });

  it('does not ask again for what was settled when it was observed', () => {
    const piece = answered(day(1), day(8), { observedAt: day(20) });
    expect(plan([piece], day(1), day(15))).toEqual([
      { own: '01-08T00/01-15T00', ask: '01-08T00/01-15T00', since: '01-01T00' },
    ]);
  });

  it('asks again for what a failed slice did not tell, and for nothing else', () => {
    const slices = [answered(day(9), day(12)), answered(day(1), day(8))];
    expect(plan(slices, day(1), day(13)).map(({ own }) => own)).toEqual([
      '01-08T00/01-09T00',
      '01-12T00/01-13T00',
    ]);
  });

  it('does not ask again for a gap with a name', () => {
    const slices = [answered(day(5), day(9)), answered(day(1), day(5), { outcome: 'gap' })];
    expect(plan(slices, day(1), day(10)).map(({ own }) => own)).toEqual(['01-09T00/01-10T00']);
  });

  it('goes back when the period begins earlier than it did', () => {
    const night = answered(day(14), day(15));
    expect(plan([night], day(12), day(16)).map(({ own }) => own)).toEqual([
      '01-12T00/01-14T00',
      '01-15T00/01-16T00',
    ]);
  });

  it('gives a piece without length when there is nothing to ask', () => {
    expect(plan([answered(day(1), day(9))], day(1), day(9)).map(({ own }) => own)).toEqual([
      '01-09T00/01-09T00',
    ]);
    expect(plan([answered(day(1), day(9))], day(1), day(5)).map(({ own }) => own)).toEqual([
      '01-09T00/01-09T00',
    ]);
  });

  const time = fc.integer({ min: 0, max: 60 * 24 }).map((hours) => day(1, hours));
  const interval = fc
    .tuple(time, time)
    .map(([a, b]) => (a < b ? { start: a, end: b } : { start: b, end: a }))
    .filter(({ start, end }) => start < end);

  it('covers all that is wanted, without a hole and nothing twice, whatever is held', () => {
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 12 }), interval, (held, wanted) => {
        const slices = held.map(({ start, end }) => answered(start, end));
        const pieces = planPieces(slices, wanted, wanted.start).map(({ own }) => own);
        const real = pieces.filter(({ start, end }) => start < end);
        expect(holes(union([...held, ...real]), wanted)).toEqual([]);
        for (const [index, piece] of real.entries()) {
          expect(holes(union(held), piece)).toEqual([piece]);
          expect(piece.end.getTime() - piece.start.getTime()).toBeLessThanOrEqual(7 * 86_400_000);
          expect(real[index + 1]?.start.getTime() ?? Infinity).toBeGreaterThanOrEqual(
            piece.end.getTime(),
          );
        }
      }),
    );
  });

  it('never asks for less than the piece', () => {
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 12 }), interval, (held, wanted) => {
        const slices = held.map(({ start, end }) => answered(start, end));
        for (const { own, ask, coveredSince } of planPieces(slices, wanted, wanted.start)) {
          expect(ask.start <= own.start && ask.end.getTime() === own.end.getTime()).toBe(true);
          expect(coveredSince <= own.start).toBe(true);
        }
      }),
    );
  });
});

describe('isEnough', () => {
  it('needs no older slices once nothing is missing and nothing can have changed', () => {
    const nights = [17, 16, 15, 14, 13].map((date) =>
      answered(day(date - 1), day(date), { coveredSince: day(1) }),
    );
    expect(isEnough([], { start: day(1), end: day(18) })).toBe(false);
    expect(isEnough(nights.slice(0, 1), { start: day(1), end: day(18) })).toBe(false);
    expect(isEnough(nights, { start: day(1), end: day(18) })).toBe(true);
  });

  it('needs them where there is a hole', () => {
    const nights = [answered(day(16), day(17)), answered(day(10), day(11))];
    expect(isEnough(nights, { start: day(1), end: day(18) })).toBe(false);
  });
});

describe('cut', () => {
  it('leaves a week or less whole, wherever it lies', () => {
    expect(cut({ start: day(5), end: day(12) }, day(1)).map(text)).toEqual(['01-05T00/01-12T00']);
  });
});
