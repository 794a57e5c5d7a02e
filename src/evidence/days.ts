/**
 * Days of an organisation. A day is written `2026-01-31` and begins and ends where the time zone
 * (IANA name) says, so that it has 23 or 25 hours when the clocks change. Pure.
 */
const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** The moment at which a day begins. Where the clocks skip midnight, the first moment after it. */
export function startOfDay(day: string, timezone: string): Date {
  const wall = Date.parse(`${day}T00:00:00Z`);
  // The offset at a first guess may be that of the other side of a change of the clocks.
  const guess = wall - offsetAt(wall, timezone);
  const start = wall - offsetAt(guess, timezone);
  return new Date(dayAt(start, timezone) < day ? start + hourMs : start);
}

/** The day that a moment falls in. @throws RangeError for no zone */
export function dayIn(time: Date, timezone: string): string {
  return dayAt(time.getTime(), timezone);
}

function dayAt(time: number, timezone: string): string {
  return new Date(time + offsetAt(time, timezone)).toISOString().slice(0, 10);
}

/** The day so many days later. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10);
}

/** Making one takes as long as asking it a hundred times. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Milliseconds by which the zone's clocks are ahead of UTC. */
function offsetAt(time: number, timezone: string): number {
  if (timezone === 'UTC') return 0;
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timezone, format);
  }
  // As text, `1/31/2026, 04:05:06`: to ask for the parts takes three times as long.
  const [month = 1, day, year = 0, hour, minute, second] = (
    format.format(time).match(/\d+/g) ?? []
  ).map(Number);
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  return wall - Math.floor(time / 1_000) * 1_000;
}
