/** The days of a control as a strip: a piece for each run of days that were the same. */
import { addDays } from '../../evidence/days.ts';
import type { DayState } from '../../period/report.ts';
import { plural } from '../words.ts';
import { type Markup, markup } from './markup.ts';
import { counted, dayStates, span } from './words.ts';

/** Days one after the other that were the same. */
export interface Run {
  state: DayState;
  from: string;
  to: string;
  /** Place of the first in the period, and how many there are. */
  at: number;
  days: number;
}

export function runsOf(days: readonly DayState[], start: string): Run[] {
  const runs: Run[] = [];
  days.forEach((state, at) => {
    const last = runs.at(-1);
    if (last?.state === state) {
      last.days += 1;
      last.to = addDays(last.from, last.days - 1);
    } else runs.push({ state, from: addDays(start, at), to: addDays(start, at), at, days: 1 });
  });
  return runs;
}

const order: readonly DayState[] = ['deviation', 'gap', 'waived', 'none', 'later'];

/** The same that the strip shows, for who cannot see it. */
export function stripWords(days: readonly DayState[]): string {
  const of = (state: DayState) => days.filter((each) => each === state).length;
  const others = order
    .filter((state) => of(state) > 0)
    .map((state) => `${dayStates[state]} on ${counted(of(state))}`);
  return [`${counted(of('complete'))} of ${plural(days.length, 'day')} complete`, ...others].join(
    '; ',
  );
}

/** What is drawn for a state: tall, low, or hatched, so that it is told without colour too. */
const shapes: Record<DayState, { y: number; height: number }> = {
  complete: { y: 5, height: 12 },
  deviation: { y: 0, height: 22 },
  gap: { y: 1, height: 20 },
  waived: { y: 3, height: 16 },
  none: { y: 10, height: 2 },
  later: { y: 10, height: 2 },
};

export function strip(days: readonly DayState[], start: string): Markup {
  const share = (count: number) => `${Number(((100 * count) / days.length).toFixed(3))}%`;
  const piece = ({ state, from, to, at, days: length }: Run) => {
    const { y, height } = shapes[state];
    return markup`<rect class="${state}" x="${share(at)}" y="${y}" width="${share(length)}" height="${height}"><title>${span(from, to)}: ${dayStates[state]}, ${plural(length, 'day')}</title></rect>`;
  };
  const runs = runsOf(days, start);
  const calm = runs.filter(({ state }) => state === 'complete').map(piece);
  const odd = runs.filter(({ state }) => state !== 'complete').map(piece);
  const months = monthsOf(days.length, start)
    .slice(1)
    .map(({ at }) => markup`<line x1="${share(at)}" x2="${share(at)}" y1="0" y2="22"/>`);
  return markup`<svg class="strip" height="22" role="img" aria-label="${stripWords(days)}">${calm}${months}${odd}</svg>`;
}

/** The months beneath a strip. */
export function axis(days: number, start: string): Markup {
  const share = (count: number) => `${Number(((100 * count) / days).toFixed(3))}%`;
  const months = monthsOf(days, start)
    // A month of a few days at an end has no room for its name.
    .filter(({ length }) => length / days > 0.035)
    .map(({ at, name }) => markup`<text x="${share(at)}" y="11">${name}</text>`);
  return markup`<svg class="axis" height="14" aria-hidden="true">${months}</svg>`;
}

const names = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function monthsOf(days: number, start: string): { at: number; length: number; name: string }[] {
  const months: { at: number; length: number; name: string }[] = [];
  for (let at = 0; at < days; at += 1) {
    const day = addDays(start, at);
    const last = months.at(-1);
    if (last === undefined || day.endsWith('-01')) {
      months.push({ at, length: 1, name: names[Number(day.slice(5, 7)) - 1] ?? '' });
    } else last.length += 1;
  }
  return months;
}

/** What the shapes mean. */
export function legend(): Markup {
  const of = (state: DayState) => {
    const { y, height } = shapes[state];
    return markup`<li><svg class="strip swatch" width="18" height="22" aria-hidden="true"><rect class="${state}" x="1" y="${y}" width="16" height="${height}"/></svg>${dayStates[state]}</li>`;
  };
  return markup`<ul class="legend" aria-label="What the strips show">${(['complete', 'deviation', 'waived', 'gap', 'none', 'later'] as const).map(of)}</ul>`;
}

/** Patterns that the strips are filled with. */
export const patterns = markup`<svg class="patterns" width="0" height="0" aria-hidden="true"><defs>
<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="ground" width="5" height="5"/><rect class="gap-ink" width="2" height="5"/></pattern>
<pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse"><rect class="ground" width="5" height="5"/><circle class="waived-ink" cx="2.5" cy="2.5" r="1.6"/></pattern>
</defs></svg>`;
