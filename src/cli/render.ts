/** The formats of a report, each loaded only where it is asked for. */
import { extname } from 'node:path';
import { TickmarkError } from '../evidence/errors.ts';
import { type Format, formats } from './formats.ts';
import type { Pieces } from './output.ts';
import type { OpenReport } from './report.ts';

const byExtension: Record<string, Format> = {
  '.html': 'html',
  '.htm': 'html',
  '.md': 'markdown',
  '.xml': 'junit',
  '.sarif': 'sarif',
  '.csv': 'csv',
  '.xlsx': 'xlsx',
  '.json': 'json',
};

/** The format that a file's name asks for. @throws TickmarkError Usage where it asks for none. */
export function formatOf(file: string): Format {
  const lower = file.toLowerCase();
  if (lower.endsWith('.oscal.json')) return 'oscal';
  if (lower.endsWith('.sarif.json')) return 'sarif';
  const found = byExtension[extname(lower)];
  if (found !== undefined) return found;
  throw new TickmarkError(
    'Usage',
    `${file}: no format goes by that ending; name one with --format (${formats.join(', ')}), or end it in ${Object.keys(byExtension).join(', ')}, .oscal.json`,
  );
}

/** The report in a format, piece by piece. */
export async function render(format: Format, { report, details }: OpenReport): Promise<Pieces> {
  switch (format) {
    case 'html':
      return (await import('../report/html.ts')).html(report, details);
    case 'markdown':
      return [(await import('../report/markdown.ts')).markdown(report)];
    case 'junit':
      return [(await import('../report/junit.ts')).junit(report)];
    case 'sarif':
      return [(await import('../report/sarif.ts')).sarif(report)];
    case 'csv':
      return (await import('../report/tables.ts')).resultsCsv(report, details);
    case 'xlsx':
      return (await import('../report/workbook.ts')).workbook(report, details);
    case 'oscal':
      return (await import('../report/oscal.ts')).oscal(report);
    case 'json':
      return (await import('../report/json.ts')).json(report, details);
  }
}
