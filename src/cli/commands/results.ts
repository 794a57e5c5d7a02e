import { TickmarkError } from '../../evidence/errors.ts';
import type { Result, Status } from '../../evidence/result.ts';
import type { Bundle } from '../../seal/manifest.ts';
import { readResults } from '../../store/results.ts';
import { didYouMean } from '../../yaml/nearest.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openNamedStore } from '../store.ts';
import { plural, type Terminal, table, wrap } from '../terminal.ts';
import { bundleWithResults, type Which } from '../which-bundle.ts';

export interface ResultsOptions extends ProjectOptions, Which {
  status?: Status[];
  control?: string;
  test?: string;
  json?: boolean;
}

/** `tickmark results`: what a run found, row by row. Exit 0: it only reads. */
export async function results({ terminal }: CommandIo, options: ResultsOptions): Promise<ExitCode> {
  const store = await openNamedStore(options);
  const bundle = await bundleWithResults(store, options);
  const isAsked = ({ control, test, status }: Result) =>
    (options.status?.includes(status) ?? true) &&
    (options.control === undefined || options.control === control) &&
    (options.test === undefined || options.test === test);
  const rows: Result[] = [];
  const known = new Set<string>();
  for await (const result of readResults(store, bundle)) {
    known.add(result.control).add(result.test);
    if (!isAsked(result)) continue;
    if (options.json) terminal.out(JSON.stringify(result));
    else rows.push(result);
  }
  for (const id of [options.control, options.test]) {
    if (id === undefined || known.has(id)) continue;
    throw new TickmarkError(
      'NotFound',
      `run ${bundle.manifest.run} has no results of ${id}${didYouMean(id, known)}`,
    );
  }
  if (options.json) return exitCodes.complete;
  if (rows.length > 0) printRows(terminal, rows);
  terminal.out(
    `${plural(rows.length, 'result')} of run ${bundle.manifest.run} (${sealOf(bundle).join(', ')})`,
  );
  return exitCodes.complete;
}

/** What a reader must know of the bundle before believing a row. */
export function sealOf({ manifest }: Bundle): string[] {
  const { sequence, signature, clock, answers } = manifest;
  return [
    `bundle ${sequence}`,
    signature === null ? 'unsigned' : 'signed',
    ...(clock === 'simulated' ? ['simulated clock'] : []),
    ...(answers === 'replayed' ? ['answered from recordings'] : []),
  ];
}

/** On a terminal the reason stands below its row; on a pipe a row is one line, for grep. */
function printRows({ out, style, width, tableWidth }: Terminal, rows: readonly Result[]): void {
  const onTerminal = Number.isFinite(tableWidth);
  const [head = '', ...lines] = table(
    [
      { title: 'STATUS' },
      { title: 'CONTROL' },
      { title: 'TEST' },
      { title: 'RESOURCE', shrinks: true },
      { title: 'SCOPE' },
      ...(onTerminal ? [] : [{ title: 'REASON' }]),
    ],
    rows.map(({ status, control, test, resource, reason }) => [
      status,
      control,
      test,
      resource.name,
      resource.scope,
      ...(onTerminal ? [] : [reason]),
    ]),
    tableWidth,
  );
  out(style('bold', head));
  lines.forEach((line, index) => {
    out(line);
    if (!onTerminal) return;
    for (const each of wrap(rows[index]?.reason ?? '', width, '    ')) out(style('dim', each));
  });
  out();
}
