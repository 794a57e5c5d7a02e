import { TickmarkError } from '../../evidence/errors.ts';
import type { CommandIo } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import type { Format } from '../formats.ts';
import { type Piece, type Pieces, writeOutput } from '../output.ts';
import { openPeriod, type PeriodOptions } from '../period.ts';
import { formatOf, render } from '../render.ts';
import { openReport } from '../report.ts';

export interface ReportOptions extends PeriodOptions {
  /** Of this control only. */
  control?: string;
  out?: string;
  format?: Format;
  force?: boolean;
  json?: boolean;
}

/** Where the report goes unless somebody says otherwise. */
const defaultFile = 'tickmark-report.html';

/**
 * `tickmark report`: what a period comes to, for people and for programs. It only reads the store:
 * 0, and 4 where bundles are missing or damaged.
 */
export async function report(io: CommandIo, options: ReportOptions): Promise<ExitCode> {
  const { terminal, signal } = io;
  const { force = false } = options;
  const { format, file } = whatAndWhere(options);
  const opened = await openReport(await openPeriod(options), options.control);
  const pieces = untilInterrupted(await render(format, opened), signal);
  if (file === undefined) for await (const piece of pieces) terminal.data(String(piece));
  else {
    await writeOutput(file, pieces, force);
    terminal.out(`Wrote ${file}`);
  }
  return opened.report.period.problems.length > 0 ? exitCodes.integrity : exitCodes.complete;
}

async function* untilInterrupted(pieces: Pieces, signal: AbortSignal): AsyncGenerator<Piece> {
  for await (const piece of pieces) {
    if (signal.aborted) throw new TickmarkError('Interrupted', 'no report was written');
    yield piece;
  }
  if (signal.aborted) throw new TickmarkError('Interrupted', 'no report was written');
}

/** @throws TickmarkError Usage */
function whatAndWhere({ out, format: asked, json = false }: ReportOptions): {
  format: Format;
  file: string | undefined;
} {
  if (json) return { format: 'json', file: undefined };
  if (out !== undefined) return { format: asked ?? formatOf(out), file: out };
  if (asked === undefined) return { format: 'html', file: defaultFile };
  if (asked === 'xlsx') {
    throw new TickmarkError('Usage', 'a workbook is no text; name a file with --out report.xlsx');
  }
  return { format: asked, file: undefined };
}
