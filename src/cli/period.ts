/** What commands that look at a period start from: its days, the store's history, the time. */
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { addDays } from '../evidence/days.ts';
import { TickmarkError } from '../evidence/errors.ts';
import type { Period } from '../period/calendar.ts';
import type { PeriodRequest } from '../period/examined.ts';
import type { History } from '../period/history.ts';
import { presentOf } from '../period/present.ts';
import type { ControlReport, PeriodReport } from '../period/report.ts';
import type { Store } from '../store/store.ts';
import { didYouMean } from '../yaml/nearest.ts';
import type { ProjectOptions } from './command.ts';
import { readHistory } from './history.ts';
import { openReachDays } from './registry.ts';
import { openStore } from './store.ts';

export interface PeriodOptions extends ProjectOptions {
  /** Days, `2026-01-31`, instead of the configured ones. */
  from?: string;
  until?: string;
  /** One date only, `2026-01-31` (Type I), instead of both. */
  asOf?: string;
}

/** Each day of it is looked at. */
const mostDays = 3653;

/** Everything that a period is worked out from. */
export interface OpenPeriod {
  loaded: LoadedConfig;
  store: Store;
  history: History;
  request: PeriodRequest;
}

/** @throws TickmarkError Usage where nobody says which period; IntegrityBroken */
export async function openPeriod(options: PeriodOptions): Promise<OpenPeriod> {
  const loaded = loadConfig(options.config);
  const reachDays = await openReachDays(loaded);
  const store = await openStore(options.store, loaded);
  return readPeriod({ loaded, reachDays, store }, options, new Date());
}

/** @param clock the time, unless the nights had another. */
export async function readPeriod(
  { loaded, reachDays, store }: Pick<OpenPeriod, 'loaded' | 'store'> & Pick<History, 'reachDays'>,
  options: PeriodOptions,
  clock: Date,
): Promise<OpenPeriod> {
  const period = askedPeriod(loaded, options);
  const history = await readHistory(store, { reachDays });
  const { asOf } = options;
  const now = presentOf(history, clock);
  const request = { period, now, ...(asOf === undefined ? {} : { asOf }) };
  return { loaded, store, history, request };
}

/** @throws TickmarkError NotFound */
export function assertBundles({ history, store }: Pick<OpenPeriod, 'history' | 'store'>): void {
  if (history.bundles.length > 0) return;
  throw new TickmarkError(
    'NotFound',
    `${store.backend.location} holds no bundle yet; tickmark run seals the first`,
  );
}

/** One control of a period, by its id. @throws TickmarkError NotFound */
export function controlIn({ controls }: PeriodReport, id: string): ControlReport {
  const found = controls.find((each) => each.id === id);
  if (found !== undefined) return found;
  const owner = controls.find(({ tests }) => tests.some((test) => test.id === id));
  const ids = controls.map((each) => each.id);
  const hint = owner === undefined ? didYouMean(id, ids) : `; it is a test of control ${owner.id}`;
  throw new TickmarkError('NotFound', `no night was judged by a control ${id}${hint}`);
}

/** The period that is asked for, or the configured one. @throws TickmarkError Usage */
export function askedPeriod(
  { config, file }: Pick<LoadedConfig, 'config' | 'file'>,
  { from, until, asOf }: Pick<PeriodOptions, 'from' | 'until' | 'asOf'>,
): Period {
  const start = asOf ?? from ?? config.period?.start;
  const end = asOf ?? until ?? config.period?.end;
  if (start === undefined || end === undefined) {
    throw new TickmarkError(
      'Usage',
      `which period? ${file} names none; add period: { start: 2026-01-01, end: 2026-12-31 } to it, or give --from and --until`,
    );
  }
  if (end < start) {
    throw new TickmarkError('Usage', `the period ends (${end}) before it starts (${start})`);
  }
  if (end > addDays(start, mostDays)) {
    throw new TickmarkError(
      'Usage',
      `the period of ${start} to ${end} is longer than ten years; look at a part of it with --from and --until`,
    );
  }
  return { start, end, timezone: config.timezone };
}
