import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayIn, startOfDay } from '../../src/evidence/days.ts';

describe('startOfDay', () => {
  it.each([
    ['2026-01-31', 'UTC', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31', 'Europe/Berlin', '2026-01-30T23:00:00.000Z'],
    ['2026-07-01', 'Europe/Berlin', '2026-06-30T22:00:00.000Z'],
    ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
    ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
    ['2026-10-26', 'Europe/Berlin', '2026-10-25T23:00:00.000Z'],
    ['2026-01-01', 'America/Los_Angeles', '2026-01-01T08:00:00.000Z'],
    ['2026-01-01', 'Asia/Kathmandu', '2025-12-31T18:15:00.000Z'],
    ['2024-02-29', 'Pacific/Kiritimati', '2024-02-28T10:00:00.000Z'],
  ])('of %s in %s is %s', (date, timezone, start) => {
    expect(startOfDay(date, timezone).toISOString()).toBe(start);
  });
});

describe('dayIn', () => {
  it.each([
    ['UTC', '2025-05-31T23:59:59.999Z', '2025-05-31'],
    ['UTC', '2025-06-01T00:00:00.000Z', '2025-06-01'],
    ['Europe/Berlin', '2025-01-31T22:59:59.999Z', '2025-01-31'],
    ['Europe/Berlin', '2025-01-31T23:00:00.000Z', '2025-02-01'],
    // The clocks go forward on 30 March and back on 26 October 2025.
    ['Europe/Berlin', '2025-03-29T22:59:59.999Z', '2025-03-29'],
    ['Europe/Berlin', '2025-03-29T23:00:00.000Z', '2025-03-30'],
    ['Europe/Berlin', '2025-03-30T21:59:59.999Z', '2025-03-30'],
    ['Europe/Berlin', '2025-03-30T22:00:00.000Z', '2025-03-31'],
    ['Europe/Berlin', '2025-10-25T22:00:00.000Z', '2025-10-26'],
    ['Europe/Berlin', '2025-10-26T22:59:59.999Z', '2025-10-26'],
    ['Europe/Berlin', '2025-10-26T23:00:00.000Z', '2025-10-27'],
    ['America/Los_Angeles', '2025-03-09T07:59:59.999Z', '2025-03-08'],
    ['America/Los_Angeles', '2025-03-09T08:00:00.000Z', '2025-03-09'],
    ['America/Los_Angeles', '2025-03-10T06:59:59.999Z', '2025-03-09'],
    ['America/Los_Angeles', '2025-03-10T07:00:00.000Z', '2025-03-10'],
    // There the clocks skip midnight: that day begins at one.
    ['America/Santiago', '2025-09-07T03:59:59.999Z', '2025-09-06'],
    ['America/Santiago', '2025-09-07T04:00:00.000Z', '2025-09-07'],
    ['Asia/Kathmandu', '2025-12-31T18:14:59.999Z', '2025-12-31'],
    ['Asia/Kathmandu', '2025-12-31T18:15:00.000Z', '2026-01-01'],
    ['Pacific/Kiritimati', '2024-02-28T10:00:00.000Z', '2024-02-29'],
    ['Pacific/Pago_Pago', '2024-03-01T10:59:59.999Z', '2024-02-29'],
  ])('in %s %s is %s', (timezone, time, day) => {
    expect(dayIn(new Date(time), timezone)).toBe(day);
  });

  it('never goes back, and is never more than a day from that of UTC', () => {
    const zone = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/Santiago',
      'Australia/Lord_Howe',
      'Pacific/Kiritimati',
      'Pacific/Pago_Pago',
    );
    const time = fc.date({
      min: new Date('2020-01-01T00:00:00Z'),
      max: new Date('2030-01-01T00:00:00Z'),
      noInvalidDate: true,
    });
    const dayMs = 86_400_000;
    fc.assert(
      fc.property(zone, time, fc.nat({ max: dayMs }), (timezone, moment, later) => {
        const day = dayIn(moment, timezone);
        expect(dayIn(new Date(moment.getTime() + later), timezone) >= day).toBe(true);
        const near = [-dayMs, 0, dayMs].map((by) => dayIn(new Date(moment.getTime() + by), 'UTC'));
        expect(near).toContain(day);
      }),
    );
  });

  it('refuses a zone that it does not know', () => {
    expect(() => dayIn(new Date(0), 'Europe/Atlantis')).toThrow(RangeError);
  });
});
