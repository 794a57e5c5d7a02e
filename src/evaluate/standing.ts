import type { SliceHeader } from '../evidence/slice.ts';

/** What a slice can prove at the time of a run. */
export interface Standing {
  state: 'complete' | 'partial' | 'failed';
  /** What was not collected, in one sentence; empty for a complete slice. */
  missing: string;
  /** Why the observation proves nothing at this time; null if it does. */
  stale: string | null;
}

/** Clocks of two machines may differ by this much before an observation lies in the future. */
const clockToleranceMs = 5 * 60_000;

/**
 * A slice is complete only if all of its header says so: its outcome, its problems and its
 * tie-outs.
 */
export function standing(
  header: SliceHeader,
  staleAfterHours: number | undefined,
  now: Date,
): Standing {
  const reasons = [
    ...header.problems.filter((p) => p.severity === 'error').map((p) => p.message),
    ...header.tie_outs
      .filter((t) => t.expected !== t.found)
      .map((t) => `${t.by} counts ${t.expected}, found ${t.found}`),
  ];
  const state = header.outcome === 'complete' && reasons.length > 0 ? 'partial' : header.outcome;
  if (state !== 'complete' && reasons.length === 0) reasons.push(`the slice is marked ${state}`);
  return {
    state,
    missing: enumerate([...new Set(reasons)]),
    stale: staleness(header.observed_at, staleAfterHours, now),
  };
}

/** The manifest has every problem; a reason is one line. */
const mostReasons = 3;

function enumerate(reasons: string[]): string {
  const more = reasons.length - mostReasons;
  return reasons.slice(0, mostReasons).join('; ') + (more > 0 ? `; and ${more} more problems` : '');
}

function staleness(observedAt: string, limit: number | undefined, now: Date): string | null {
  const age = now.getTime() - Date.parse(observedAt);
  if (Number.isNaN(age)) return `the time of observation cannot be read: ${observedAt}`;
  if (age < -clockToleranceMs) return `observed at ${observedAt}, later than the run`;
  if (limit !== undefined && age > limit * 3_600_000) {
    return `stale: observed at ${observedAt}, more than ${limit} hours before the run`;
  }
  return null;
}
