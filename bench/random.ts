/** Numbers that look random and are the same on every run: a figure must not depend on luck. */

export type Random = () => number;

/** Numbers from 0 up to 1 (Mulberry32; it repeats after 2³² of them). */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 up to `end`. */
export function below(end: number, random: Random): number {
  return Math.floor(random() * end);
}

export function oneOf<T>(choices: readonly T[], random: Random): T {
  if (choices.length === 0) throw new Error('there is nothing to choose from');
  return choices[below(choices.length, random)] as T;
}
