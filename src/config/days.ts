/** The moment at which a day (`2026-01-31`) begins in an IANA time zone. */
export function startOfDay(day: string, timezone: string): Date {
  const wall = Date.parse(`${day}T00:00:00Z`);
  // The offset at a first guess may be that of the other side of a change of the clocks.
  const guess = wall - offsetAt(wall, timezone);
  return new Date(wall - offsetAt(guess, timezone));
}

/** Milliseconds by which the zone's clocks are ahead of UTC. */
function offsetAt(time: number, timezone: string): number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const part = Object.fromEntries(
    format.formatToParts(time).map(({ type, value }) => [type, Number(value)]),
  );
  const wall = Date.UTC(
    part.year ?? 0,
    (part.month ?? 1) - 1,
    part.day,
    part.hour,
    part.minute,
    part.second,
  );
  return wall - Math.floor(time / 1_000) * 1_000;
}
