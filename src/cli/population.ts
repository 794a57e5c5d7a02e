/** A test's population as commands show it. */
import { TickmarkError } from '../evidence/errors.ts';
import { type Examined, prepare } from '../period/examined.ts';
import { type Population, populationOf } from '../period/population.ts';
import { didYouMean } from '../yaml/nearest.ts';
import type { OpenPeriod } from './period.ts';
import { whyIncomplete } from './population-evidence.ts';

export interface OpenPopulation {
  population: Population;
  examined: Examined;
  /** Why it is not known to be all there was; empty: it is. */
  incomplete: string[];
}

/** @throws TickmarkError NotFound for a test that no night was judged by. */
export function openPopulation(
  { history, request, store }: OpenPeriod,
  test: string,
): OpenPopulation {
  const examined = prepare(history, request);
  const { location } = store.backend;
  if (examined.nights.length === 0) {
    throw new TickmarkError(
      'NotFound',
      `${location} holds no night yet, so that there is no population; tickmark run makes one`,
    );
  }
  if (!examined.tests.has(test)) {
    throw new TickmarkError(
      'NotFound',
      `no night in ${location} was judged by a test ${test}${didYouMean(test, examined.tests.keys())}; tickmark controls list names today's tests`,
    );
  }
  const population = populationOf(history, request, test);
  return { population, examined, incomplete: whyIncomplete(population, examined) };
}
