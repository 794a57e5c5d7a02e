import { describe, expect, it } from 'vitest';
import { startOfDay } from '../../src/config/days.ts';

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
