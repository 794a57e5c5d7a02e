/** A test's population as commands show it. */
import { TickmarkError } from '../evidence/errors.ts';
import { type Examined, prepare } from '../period/examined.ts';
import { type Population, type PopulationItem, populationOf } from '../period/population.ts';
import type { Cell } from '../report/csv.ts';
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

/** What a table of items says of each. */
export const itemColumns = [
  'source',
  'scope',
  'uid',
  'name',
  'event_at',
  'first_seen',
  'last_seen',
  'created_after',
  'created_by',
  'deleted_after',
  'deleted_by',
  'nights_pass',
  'nights_fail',
  'nights_waived',
  'nights_error',
  'nights_not_applicable',
  'first_run',
  'last_run',
] as const;

export function itemCells(item: PopulationItem): Cell[] {
  const { created, deleted, nights } = item;
  const cells: Record<(typeof itemColumns)[number], Cell> = {
    source: item.source,
    scope: item.scope,
    uid: item.uid,
    name: item.name,
    event_at: item.event_at,
    first_seen: item.first_seen,
    last_seen: item.last_seen,
    created_after: created?.after ?? null,
    created_by: created?.by ?? null,
    deleted_after: deleted?.after ?? null,
    deleted_by: deleted?.by ?? null,
    nights_pass: nights.pass,
    nights_fail: nights.fail,
    nights_waived: nights.waived,
    nights_error: nights.error,
    nights_not_applicable: nights.not_applicable,
    first_run: item.first_run,
    last_run: item.last_run,
  };
  return itemColumns.map((column) => cells[column]);
}
