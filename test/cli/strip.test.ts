import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grainFor, stripOf } from '../../src/cli/strip.ts';
import type { DayState } from '../../src/period/report.ts';

const letters: Record<string, DayState> = {
  c: 'complete',
  d: 'deviation',
  w: 'waived',
  g: 'gap',
  n: 'none',
  l: 'later',
};
const daysOf = (text: string) => [...text].map((letter) => letters[letter] ?? 'none');
const statesOf = (strip: readonly { state: DayState }[]) => strip.map(({ state }) => state);

describe('the strip of a period', () => {
  it('has a character a day', () => {
    expect(statesOf(stripOf(daysOf('cdwgnl'), '2026-01-01', 'day'))).toEqual(daysOf('cdwgnl'));
  });

  it('cuts weeks at Mondays, and shows the worst of each', () => {
    // The 1st of January 2026 is a Thursday.
    const strip = stripOf(daysOf('cccc' + 'ccccwcc' + 'cgdgccc' + 'cl'), '2026-01-01', 'week');
    expect(strip).toEqual([
      { state: 'complete', from: 0, to: 3 },
      { state: 'waived', from: 4, to: 10 },
      { state: 'deviation', from: 11, to: 17 },
      { state: 'complete', from: 18, to: 19 },
    ]);
  });

  it('cuts months where they begin, the first one where the period does', () => {
    const days = Array.from({ length: 60 }, (_, at): DayState => (at === 59 ? 'gap' : 'none'));
    // From the 31st of January on: 1 day, 28 days, 31 days.
    expect(stripOf(days, '2026-01-31', 'month')).toEqual([
      { state: 'none', from: 0, to: 0 },
      { state: 'none', from: 1, to: 28 },
      { state: 'gap', from: 29, to: 59 },
    ]);
  });

  it('is to come only where all of its days are', () => {
    expect(statesOf(stripOf(daysOf('cl' + 'lllllll'), '2026-01-03', 'week'))).toEqual([
      'complete',
      'later',
    ]);
  });

  it('loses no day, whatever it is cut into', () => {
    const states = fc.array(fc.constantFrom(...Object.values(letters)), {
      minLength: 1,
      maxLength: 800,
    });
    fc.assert(
      fc.property(states, fc.constantFrom('day', 'week', 'month'), (days, grain) => {
        const strip = stripOf(days, '2024-02-28', grain);
        let next = 0;
        for (const { state, from, to } of strip) {
          expect(from).toBe(next);
          expect(days.slice(from, to + 1)).toContain(state);
          next = to + 1;
        }
        expect(next).toBe(days.length);
      }),
    );
  });

  it('is as fine as there is room', () => {
    const year = Array.from({ length: 365 }, (): DayState => 'complete');
    expect(grainFor(year, '2026-01-01', 365)).toBe('day');
    expect(grainFor(year, '2026-01-01', 364)).toBe('week');
    expect(grainFor(year, '2026-01-01', 53)).toBe('week');
    expect(grainFor(year, '2026-01-01', 52)).toBe('month');
    expect(grainFor(year, '2026-01-01', 1)).toBe('month');
  });
});
