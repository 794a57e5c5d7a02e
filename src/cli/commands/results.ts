import { loadConfig } from '../../config/load.ts';
import { TickmarkError } from '../../evidence/errors.ts';
import { noCounts, type Result, type Status } from '../../evidence/result.ts';
import type { Bundle } from '../../seal/manifest.ts';
import { readResults } from '../../store/results.ts';
import type { Store } from '../../store/store.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openStore, placeOf } from '../project.ts';
import { plural, table } from '../terminal.ts';

export interface ResultsOptions extends ProjectOptions {
  run?: string;
  status?: Status[];
  control?: string;
  test?: string;
  json?: boolean;
}

/** `tickmark results`: what a run found, row by row. Exit 0: it only reads. */
export async function results({ terminal }: CommandIo, options: ResultsOptions): Promise<ExitCode> {
  const store = openStore(options.store ?? placeOf(loadConfig(options.config)));
  const bundle = await bundleWithResults(store, options.run);
  const isAsked = ({ control, test, status }: Result) =>
    (options.status?.includes(status) ?? true) &&
    (options.control === undefined || options.control === control) &&
    (options.test === undefined || options.test === test);
  const counts = noCounts();
  const rows: string[][] = [];
  for await (const result of readResults(store, bundle)) {
    if (!isAsked(result)) continue;
    counts[result.status] += 1;
    if (options.json) terminal.out(JSON.stringify(result));
    else {
      const { control, test, resource, status, reason } = result;
      rows.push([status, control, test, resource.name, resource.scope, reason]);
    }
  }
  if (options.json) return exitCodes.complete;
  if (rows.length === 0) {
    terminal.out(`Run ${bundle.manifest.run} has no such results.`);
    return exitCodes.complete;
  }
  const columns = ['STATUS', 'CONTROL', 'TEST', 'RESOURCE', 'SCOPE', 'REASON'];
  const lines = table(
    columns.map((title) => ({ title, shrinks: title === 'REASON' })),
    rows,
    terminal.width,
  );
  for (const line of lines) terminal.out(line);
  terminal.out();
  terminal.out(`${plural(rows.length, 'result')} of run ${bundle.manifest.run}`);
  return exitCodes.complete;
}

async function bundleWithResults(store: Store, run: string | undefined): Promise<Bundle> {
  if (run !== undefined) {
    const bundle = await store.bundleOf(run);
    if (bundle.manifest.results !== null) return bundle;
    throw new TickmarkError(
      'NotFound',
      `run ${bundle.manifest.run} was only collected; tickmark evaluate --run ${bundle.manifest.run} judges it`,
    );
  }
  for await (const bundle of store.bundles()) {
    if (bundle.manifest.results !== null) return bundle;
  }
  throw new TickmarkError(
    'NotFound',
    `${store.backend.location} holds no results yet; tickmark run makes some`,
  );
}
