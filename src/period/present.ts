import type { History } from './history.ts';
import { holdsEvidence, isReal } from './nights.ts';

/**
 * The time that a period is looked at from. Where every night ran on a simulated clock, or was
 * answered from recordings, it is the end of the last of them.
 * @param clock the time otherwise.
 */
export function presentOf({ bundles }: Pick<History, 'bundles'>, clock: Date): Date {
  const nights = bundles.map(({ manifest }) => manifest).filter(holdsEvidence);
  if (nights.length === 0 || nights.some(isReal)) return clock;
  return new Date(Math.max(...nights.map(({ finished_at }) => Date.parse(finished_at))));
}
