/** The workbook as a spreadsheet program reads it. Skipped where there is no LibreOffice. */
import { buffer } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import type { Cell } from '../../src/report/csv.ts';
import { plainText } from '../../src/report/plain.ts';
import { workbook } from '../../src/report/workbook.ts';
import { xlsx } from '../../src/report/xlsx.ts';
import { zip } from '../../src/report/zip.ts';
import { hostile, poisoned } from '../support/hostile.ts';
import { officeAvailable, openedByOffice } from '../support/libreoffice.ts';
import { sampleDetails, sampleReport } from '../support/report.ts';
import { removeTemporary } from '../support/temporary.ts';

afterAll(removeTemporary);

interface OfficeCell {
  type: string;
  /** As it was read, not as it is shown. */
  value: string;
}

/** Rows of a sheet with what is in their cells; what is empty is left out. */
function rowsOf(document: string, sheet: string): OfficeCell[][] {
  const [, table = ''] =
    new RegExp(`<table:table table:name="${sheet}"[^>]*>(.*?)</table:table>`, 's').exec(document) ??
    [];
  return [...table.matchAll(/<table:table-row[^>]*>(.*?)<\/table:table-row>/gs)].map(
    ([, row = '']) =>
      [...row.matchAll(/<table:table-cell([^>]*[^>/])>(.*?)<\/table:table-cell>/gs)].map(
        ([, attributes = '', content = '']) => {
          const attribute = (name: string) =>
            new RegExp(`office:${name}="([^"]*)"`).exec(attributes)?.[1];
          const type = attribute('value-type') ?? '';
          const value = attribute('value') ?? attribute('date-value') ?? textOf(content);
          return { type, value };
        },
      ),
  );
}

/** The text of a cell: OpenDocument 1.3, part 3, 6.1. */
function textOf(content: string): string {
  return [...content.matchAll(/<text:p(?:\/>|[^>]*>(.*?)<\/text:p>)/gs)]
    .map(([, paragraph = '']) =>
      paragraph
        .replace(/<text:s(?: text:c="(\d+)")?\/>/g, (_all, count = '1') => ' '.repeat(count))
        .replace(/<text:tab\/>/g, '\t')
        .replace(/<text:line-break\/>/g, '\n')
        .replace(/<[^>]*>/g, '')
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&apos;', "'")
        .replaceAll('&amp;', '&'),
    )
    .join('\n');
}

describe.skipIf(!officeAvailable)('LibreOffice', () => {
  it('reads every payload as the text that it is', { timeout: 120_000 }, async () => {
    const columns = [
      { name: 'number', holds: 'number' as const },
      { name: 'text', holds: 'text' as const },
    ];
    const rows = hostile.map(([, text], index): Cell[] => [index, text]);
    const document = await openedByOffice(
      'book.xlsx',
      await buffer(zip(xlsx([{ name: 'Sheet', columns, rows }]))),
    );
    expect(document).not.toMatch(/table:formula|xlink:href="http|<text:a|office:dde|<script/);
    const cells = rowsOf(document, 'Sheet');
    expect(cells).toHaveLength(rows.length + 1);
    for (const [index, [name, text]] of hostile.entries()) {
      const [number, cell] = cells[index + 1] ?? [];
      expect(number, name).toEqual({ type: 'float', value: String(index) });
      if (text === '') continue;
      expect(cell?.type, name).toBe('string');
      if (text.length > 32_767) continue;
      // Of some white space it makes its own kind.
      expect(cell?.value.replace(/\s/g, ''), name).toBe(plainText(text).replace(/\s/g, ''));
    }
  });

  it('reads a report with every cell a value, times as times', { timeout: 120_000 }, async () => {
    const report = poisoned(sampleReport(), "=cmd|'/C calc'!A0");
    const document = await openedByOffice(
      'book.xlsx',
      await buffer(workbook(report, sampleDetails())),
    );
    expect(document).not.toMatch(/table:formula|xlink:href="http|<text:a|office:dde/);
    const [head, ...nights] = rowsOf(document, 'Nights');
    const started = head?.findIndex(({ value }) => value === 'started_at') ?? -1;
    expect(nights).toHaveLength(report.nights.length);
    expect(nights[0]?.[started]).toEqual({
      type: 'date',
      value: report.nights[0]?.started_at.replace(/\.\d+Z$/, ''),
    });
    // One for each sheet: Excel's own way to say so is not looked at without the range's name.
    expect(document.match(/<table:database-range .*table:display-filter-buttons="true"/g)).toEqual(
      document.match(/<table:table /g)?.map(() => expect.any(String)),
    );
  });
});
