import type { EventsContext, Interval } from '../../../src/plugin.ts';

const dayMs = 86_400_000;

/**
 * The part of the interval that GitHub still tells of, `days` back from now; the rest is named as
 * a gap. Undefined where that is all of it. Reaches back to the beginning of a day, so that it is the
 * same for every piece of a run.
 */
export function withinReach(
  github: EventsContext,
  days: number,
  why: string,
): Interval | undefined {
  const { start, end } = github.interval;
  const reach = new Date((Math.ceil(github.now().getTime() / dayMs) - days) * dayMs);
  if (start >= reach) return { start, end };
  github.outOfReach(reach, why);
  return end <= reach ? undefined : { start: reach, end };
}
