import { describe, expect, it } from 'vitest';
import { withinReach } from '../../../collectors/github/audit/reach.ts';
import type { EventsContext } from '../../../src/plugin.ts';

/** What is asked of an interval that ends now, and what was named as a gap. */
function reached(now: string, start: string, end = now, days = 28) {
  const gaps: [string, string][] = [];
  const context: Pick<EventsContext, 'interval' | 'now' | 'outOfReach'> = {
    interval: { start: new Date(start), end: new Date(end) },
    now: () => new Date(now),
    outOfReach: (since, why) => gaps.push([since.toISOString(), why]),
  };
  const told = withinReach(context as EventsContext, days, 'so long ago');
  return { told: told && [told.start.toISOString(), told.end.toISOString()], gaps };
}

describe('the reach of a service', () => {
  it('takes the whole interval that is told of', () => {
    expect(reached('2026-01-31T02:00:00.000Z', '2026-01-30T02:00:00.000Z')).toEqual({
      told: ['2026-01-30T02:00:00.000Z', '2026-01-31T02:00:00.000Z'],
      gaps: [],
    });
  });

  it.each([
    // In the middle of a day its beginning does not count any more; at midnight it does.
    ['2026-01-31T02:00:00.000Z', '2026-01-04T00:00:00.000Z'],
    ['2026-01-31T23:59:59.999Z', '2026-01-04T00:00:00.000Z'],
    ['2026-01-31T00:00:00.000Z', '2026-01-03T00:00:00.000Z'],
    ['2026-01-31T00:00:00.001Z', '2026-01-04T00:00:00.000Z'],
  ])('of 28 days, at %s, begins at %s', (now, since) => {
    expect(reached(now, '2025-12-01T00:00:00.000Z')).toEqual({
      told: [since, now],
      gaps: [[since, 'so long ago']],
    });
    expect(reached(now, since).gaps).toEqual([]);
  });

  it('counts days', () => {
    const { told } = reached(
      '2026-07-01T02:00:00.000Z',
      '2025-01-01T00:00:00.000Z',
      '2026-07-01T02:00:00.000Z',
      179,
    );
    expect(told?.[0]).toBe('2026-01-04T00:00:00.000Z');
  });

  it('asks nothing where all of it is too long ago', () => {
    const now = '2026-01-31T02:00:00.000Z';
    for (const end of ['2026-01-03T00:00:00.000Z', '2026-01-04T00:00:00.000Z']) {
      expect(reached(now, '2025-12-01T00:00:00.000Z', end)).toEqual({
        told: undefined,
        gaps: [['2026-01-04T00:00:00.000Z', 'so long ago']],
      });
    }
    expect(reached(now, '2025-12-01T00:00:00.000Z', '2026-01-04T00:00:00.001Z').told).toEqual([
      '2026-01-04T00:00:00.000Z',
      '2026-01-04T00:00:00.001Z',
    ]);
  });
});
