import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frequencies } from '../../src/controls/schema.ts';
import { addDays, dayIn, startOfDay } from '../../src/evidence/days.ts';
import { firstDayOf, occurrencesOf, spanOf } from '../../src/period/calendar.ts';

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/Los_Angeles',
  'Asia/Kathmandu',
  'Africa/Cairo',
  'Pacific/Kiritimati',
];

describe('occurrencesOf', () => {
  it('counts days, weeks from Monday on, months, quarters and the year', () => {
    const period = { start: '2024-01-01', end: '2024-12-31', timezone: 'UTC' };
    const count = (frequency: (typeof frequencies)[number]) =>
      occurrencesOf(frequency, period).length;
    expect(frequencies.map((each) => [each, count(each)])).toEqual([
      ['continuous', 366],
      ['daily', 366],
      ['weekly', 53],
      ['monthly', 12],
      ['quarterly', 4],
      ['annual', 1],
      ['per-event', 366],
    ]);
  });

  it('cuts off at the ends of the period', () => {
    const weeks = occurrencesOf('weekly', {
      start: '2026-01-01',
      end: '2026-01-13',
      timezone: 'UTC',
    });
    expect(weeks.map(({ from, to }) => [from, to])).toEqual([
      ['2026-01-01', '2026-01-04'],
      ['2026-01-05', '2026-01-11'],
      ['2026-01-12', '2026-01-13'],
    ]);
    const quarters = occurrencesOf('quarterly', {
      start: '2026-02-15',
      end: '2026-08-01',
      timezone: 'UTC',
    });
    expect(quarters.map(({ from, to }) => [from, to])).toEqual([
      ['2026-02-15', '2026-03-31'],
      ['2026-04-01', '2026-06-30'],
      ['2026-07-01', '2026-08-01'],
    ]);
  });

  it('gives days of 23 and 25 hours where the clocks change', () => {
    const days = occurrencesOf('daily', {
      start: '2026-03-28',
      end: '2026-03-30',
      timezone: 'Europe/Berlin',
    });
    expect(days.map(({ start, end }) => (end - start) / 3_600_000)).toEqual([24, 23, 24]);
    const autumn = occurrencesOf('daily', {
      start: '2026-10-25',
      end: '2026-10-25',
      timezone: 'Europe/Berlin',
    });
    expect(autumn.map(({ start, end }) => (end - start) / 3_600_000)).toEqual([25]);
  });

  it('leaves no hole and no overlap, and stays within the period', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...frequencies),
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 4000 }),
        fc.integer({ min: 0, max: 500 }),
        (frequency, timezone, offset, length) => {
          const start = addDays('2020-01-01', offset);
          const period = { start, end: addDays(start, length), timezone };
          const occurrences = occurrencesOf(frequency, period);
          const span = spanOf(period);
          expect(occurrences[0]?.start).toBe(span.start);
          expect(occurrences.at(-1)?.end).toBe(span.end);
          occurrences.forEach((each, index) => {
            const next = occurrences[index + 1];
            if (next !== undefined) {
              expect(next.start).toBe(each.end);
              expect(next.from).toBe(addDays(each.to, 1));
              expect(firstDayOf(frequency, next.from)).toBe(next.from);
            }
            expect(dayIn(new Date(each.start), timezone)).toBe(each.from);
            expect(dayIn(new Date(each.end - 1), timezone)).toBe(each.to);
          });
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a day', () => {
  it.each(zones)('begins at its first moment and ends before the next, in %s', (timezone) => {
    for (let day = '2024-01-01'; day < '2027-01-01'; day = addDays(day, 1)) {
      const start = startOfDay(day, timezone).getTime();
      expect([dayIn(new Date(start), timezone), day]).toEqual([day, day]);
      expect(dayIn(new Date(start - 1), timezone)).toBe(addDays(day, -1));
    }
  });

  it('begins after midnight where the clocks skip it', () => {
    // Cairo puts the clocks forward at midnight.
    expect(startOfDay('2024-04-26', 'Africa/Cairo').toISOString()).toBe('2024-04-25T22:00:00.000Z');
    expect(dayIn(new Date('2024-04-25T21:59:59Z'), 'Africa/Cairo')).toBe('2024-04-25');
  });
});
