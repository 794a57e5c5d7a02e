/**
 * The only way to the time. `simulated` is written into the manifest and shown in every report:
 * a clock that a person set proves nothing about when evidence was seen.
 */
export interface Clock {
  readonly simulated: boolean;
  now(): Date;
}

export const systemClock: Clock = { simulated: false, now: () => new Date() };

/** A clock that begins at `start` and runs on from there, for demonstrations and tests. */
export function simulatedClock(start: Date): Clock {
  const begun = performance.now();
  return {
    simulated: true,
    now: () => new Date(start.getTime() + Math.round(performance.now() - begun)),
  };
}
