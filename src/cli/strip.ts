/** The strip of a period: a character for a day, a week or a month, the worst of what it was. */
import type { DayState } from '../period/report.ts';
import type { Style } from './terminal.ts';

/** One character of a strip. */
export interface Mark {
  state: DayState;
  /** Its first and last day, places in the period. */
  from: number;
  to: number;
}

export type Grain = 'day' | 'week' | 'month';

/** From the least bad to the worst. What is to come says nothing of the days before it. */
const worse: readonly DayState[] = ['later', 'none', 'complete', 'waived', 'gap', 'deviation'];

export const marks: Record<DayState, { character: string; meaning: string; style: Style }> = {
  complete: { character: '=', meaning: 'complete', style: 'green' },
  deviation: { character: 'x', meaning: 'deviation', style: 'red' },
  waived: { character: 'w', meaning: 'waived', style: 'cyan' },
  gap: { character: '?', meaning: 'gap', style: 'yellow' },
  none: { character: '-', meaning: 'nothing expected', style: 'dim' },
  later: { character: '.', meaning: 'to come', style: 'dim' },
};

/** The strip of a period that begins on the day `start`. */
export function stripOf(days: readonly DayState[], start: string, grain: Grain): Mark[] {
  const strip: Mark[] = [];
  days.forEach((state, index) => {
    const last = strip.at(-1);
    if (last === undefined || beginsOne(start, index, grain)) {
      strip.push({ state, from: index, to: index });
      return;
    }
    last.to = index;
    if (worse.indexOf(state) > worse.indexOf(last.state)) last.state = state;
  });
  return strip;
}

/** The finest grain in which the period takes no more characters than this; months take what they take. */
export function grainFor(days: readonly DayState[], start: string, most: number): Grain {
  const fits = (grain: Grain) => stripOf(days, start, grain).length <= most;
  return fits('day') ? 'day' : fits('week') ? 'week' : 'month';
}

/** Weeks begin on Mondays. */
function beginsOne(start: string, index: number, grain: Grain): boolean {
  if (grain === 'day') return true;
  const day = new Date(Date.parse(`${start}T00:00:00Z`) + index * 86_400_000);
  return grain === 'week' ? day.getUTCDay() === 1 : day.getUTCDate() === 1;
}
