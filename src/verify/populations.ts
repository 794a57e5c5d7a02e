/** Whether the population of a sample is what the nights before it come to. */
import { TickmarkError } from '../evidence/errors.ts';
import { canonicalJson } from '../evidence/json.ts';
import type { History } from '../period/history.ts';
import { type PopulationItem, populationOf } from '../period/population.ts';
import { presentOf } from '../period/present.ts';
import type { Manifest } from '../seal/manifest.ts';
import { readList } from '../store/lists.ts';
import type { Store } from '../store/store.ts';

/** @returns what is wrong, and how many items the sealed population has. */
export async function comparePopulation(
  store: Store,
  { sample, sequence, timezone, started_at }: Manifest,
  readHistory: () => Promise<History>,
): Promise<{ compared: number; broken: string[] }> {
  if (sample === undefined) return { compared: 0, broken: [] };
  const sealed: unknown[] = [];
  let again: PopulationItem[];
  try {
    for await (const lines of readList(store.backend, sample.population)) sealed.push(...lines);
    const whole = await readHistory();
    const before = whole.bundles.filter(({ manifest }) => manifest.sequence < sequence);
    const history = { ...whole, bundles: before };
    const request = {
      period: { ...sample.period, timezone },
      now: presentOf(history, new Date(started_at)),
    };
    again = populationOf(history, request, sample.test).items;
  } catch (error) {
    // A time zone that is none, a test that no night has, a bundle that is damaged.
    if (!(error instanceof TickmarkError) && !(error instanceof RangeError)) throw error;
    const why = `its population cannot be worked out again: ${error.message}`;
    return { compared: sealed.length, broken: [why] };
  }
  const counts = `${sealed.length} items are sealed, and the bundles before it come to ${again.length}`;
  const place = Array.from({ length: Math.max(sealed.length, again.length) }).findIndex(
    (_each, index) => canonicalJson(sealed[index] ?? null) !== canonicalJson(again[index] ?? null),
  );
  if (place < 0) return { compared: sealed.length, broken: [] };
  const name = again[place]?.name ?? 'none';
  const broken = `its population is not what the bundles before it come to (${counts}; item ${place + 1} has to be ${name}, or to say other things)`;
  return { compared: sealed.length, broken: [broken] };
}
