/** Stretches of time, half-open: `start` belongs to one, `end` does not. Pure. */

export interface Interval {
  start: Date;
  end: Date;
}

/** Stretches in order, touching ones joined. */
export function union(intervals: readonly Interval[]): Interval[] {
  const joined: Interval[] = [];
  for (const next of [...intervals].sort((a, b) => a.start.getTime() - b.start.getTime())) {
    const last = joined.at(-1);
    if (last === undefined || last.end < next.start) joined.push({ ...next });
    else if (next.end > last.end) last.end = next.end;
  }
  return joined;
}

/** What of `wanted` none of `covered` holds; `covered` is in order and does not overlap. */
export function holes(covered: readonly Interval[], wanted: Interval): Interval[] {
  const found: Interval[] = [];
  let from = wanted.start;
  for (const { start, end } of covered) {
    if (end <= from) continue;
    if (start >= wanted.end) break;
    if (start > from) found.push({ start: from, end: start });
    from = end;
  }
  if (from < wanted.end) found.push({ start: from, end: wanted.end });
  return found;
}
