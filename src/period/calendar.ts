/**
 * Days of an organisation, and the occurrences that a frequency asks for. A day is written
 * `2026-01-31` and begins and ends where the organisation's time zone says, so that it has 23 or 25
 * hours when the clocks change.
 */
import type { frequencies } from '../controls/schema.ts';
import { addDays, startOfDay } from '../evidence/days.ts';

export type Frequency = (typeof frequencies)[number];

/** Whole days, both included, in a time zone. */
export interface Period {
  start: string;
  end: string;
  /** IANA name. */
  timezone: string;
}

/** One time that a control had to operate: the days in which it could, and the time they span. */
export interface Occurrence {
  /** First and last day, both included. */
  from: string;
  to: string;
  /** Half-open, in milliseconds since 1970 UTC. */
  start: number;
  end: number;
}

/** The time that a period spans, half-open, in milliseconds. */
export function spanOf({ start, end, timezone }: Period): { start: number; end: number } {
  return {
    start: startOfDay(start, timezone).getTime(),
    end: startOfDay(addDays(end, 1), timezone).getTime(),
  };
}

/**
 * The occurrences that a frequency asks for in a period, in order, without a hole: days, weeks from
 * Monday on, months, quarters, years. What the period cuts off at its ends still has to happen in
 * what is left of it. What operates all the time, or with each event, is looked at day by day.
 */
export function occurrencesOf(frequency: Frequency, period: Period): Occurrence[] {
  const found: Occurrence[] = [];
  for (let from = period.start; from <= period.end; ) {
    const last = lastDayOf(frequency, from);
    const to = last < period.end ? last : period.end;
    const after = addDays(to, 1);
    found.push({
      from,
      to,
      start: found.at(-1)?.end ?? startOfDay(from, period.timezone).getTime(),
      end: startOfDay(after, period.timezone).getTime(),
    });
    from = after;
  }
  return found;
}

/** The first day of the occurrence that a day belongs to, were there no period. */
export function firstDayOf(frequency: Frequency, day: string): string {
  const [year, month] = [day.slice(0, 4), Number(day.slice(5, 7))];
  if (frequency === 'weekly') return addDays(day, -((weekday(day) + 6) % 7));
  if (frequency === 'monthly') return `${day.slice(0, 7)}-01`;
  if (frequency === 'quarterly') return `${year}-${twoDigits(month - ((month - 1) % 3))}-01`;
  if (frequency === 'annual') return `${year}-01-01`;
  return day;
}

/** The last day of the occurrence that a day belongs to. */
function lastDayOf(frequency: Frequency, day: string): string {
  const [year, month] = [Number(day.slice(0, 4)), Number(day.slice(5, 7))];
  if (frequency === 'weekly') return addDays(firstDayOf(frequency, day), 6);
  if (frequency === 'monthly') return lastOfMonth(year, month);
  if (frequency === 'quarterly') return lastOfMonth(year, month + 2 - ((month - 1) % 3));
  if (frequency === 'annual') return lastOfMonth(year, 12);
  return day;
}

/** Day 0 of a month is the last of the one before. */
function lastOfMonth(year: number, month: number): string {
  return new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
}

/** 0 is Sunday. */
function weekday(day: string): number {
  return new Date(`${day}T00:00:00Z`).getUTCDay();
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
