import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { readXlsx } from 'hucre/xlsx';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Cell } from '../../src/report/csv.ts';
import { deviationsTable, headOf } from '../../src/report/tables.ts';
import { workbook } from '../../src/report/workbook.ts';
import { type Sheet, xlsx } from '../../src/report/xlsx.ts';
import { zip } from '../../src/report/zip.ts';
import { hostile, poisoned } from '../support/hostile.ts';
import { sampleDetails, sampleReport } from '../support/report.ts';
import { unzip } from '../support/unzip.ts';

afterEach(() => vi.unstubAllEnvs());

const report = sampleReport();
const details = sampleDetails();

const bytesOf = (sheets: Sheet[], rowsPerSheet?: number) =>
  buffer(zip(xlsx(sheets, '', rowsPerSheet)));

const sheet = (rows: Sheet['rows'], holds: Sheet['columns'][number]['holds'] = 'text'): Sheet => ({
  name: 'Sheet',
  columns: [
    { name: 'a', holds },
    { name: 'b', holds: 'number' },
  ],
  rows,
});

/** What another program reads of the cells. */
async function cellsOf(bytes: Uint8Array): Promise<Record<string, unknown[][]>> {
  const { sheets } = await readXlsx(bytes);
  return Object.fromEntries(sheets.map(({ name, rows }) => [name, rows]));
}

/** All that a sheet may be made of: anything else is no value. */
const markup =
  /^<\?xml version="1\.0" encoding="UTF-8" standalone="yes"\?>\n(?:<(?:\/?(?:worksheet|sheetViews|sheetView|cols|sheetData|row|c|v|is)|worksheet xmlns="[^"]*"|sheetView workbookViewId="0"|pane [^<>&]*\/|col [^<>&]*\/|row r="\d+"|c r="[A-Z]+\d+" s="[0-4]"(?: t="inlineStr")?|autoFilter ref="A1:[A-Z]+\d+"\/)>|<headerFooter><oddHeader>&amp;L[\w ,:]*&amp;R&amp;A, &amp;P of &amp;N<\/oddHeader><\/headerFooter>|<t xml:space="preserve">(?:[\t\n\u0020-\u0025\u0027-\u003b\u003d\u003f-\u007e\u0085-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|&(?:amp|lt|gt);)*<\/t>|(?<=<v>)-?[\d.e-]+(?=<\/v>))*$/u;

describe('the workbook', () => {
  it('has a sheet for each table, with a frozen head and filters', async () => {
    const bytes = await buffer(workbook(report, details));
    const cells = await cellsOf(bytes);
    expect(Object.keys(cells)).toEqual([
      ...['Summary', 'Matrix', 'Controls', 'Deviations', 'Gaps', 'Waivers', 'Populations'],
      ...['Samples', 'Nights', 'Sources', 'Changes', 'Due'],
    ]);
    const deviations = deviationsTable(report.period.controls);
    expect(cells.Deviations?.[0]).toEqual(headOf(deviations));
    expect(cells.Deviations).toHaveLength([...deviations.rows].length + 1);
    const tests = report.period.controls.flatMap(({ tests }) => tests);
    const populations = await Promise.all(tests.map(({ id }) => details.population(id)));
    expect(cells.Populations).toHaveLength(populations.flatMap(({ items }) => items).length + 1);
    for (const [name, { text }] of await unzip(bytes)) {
      if (!name.startsWith('xl/worksheets/')) continue;
      expect(text).toContain('topLeftCell="A2" activePane="bottomLeft" state="frozen"');
      expect(text).toContain('<autoFilter ref="A1:');
      // The sample has one night of each kind.
      expect(text).toContain('&amp;LOf 14 bundles: 1 unsigned, 1 without a timestamp&amp;R');
    }
  });

  it('says first which period, what came out, and what the evidence is worth', async () => {
    const { Summary: rows = [] } = await cellsOf(await buffer(workbook(report, sampleDetails())));
    const said = new Map(rows.map(([about, value]) => [about, value]));
    expect(said.get('Period')).toBe('2025-08-01 to 2025-08-31 (UTC)');
    expect(said.get('Interim')).toMatch(/^yes/);
    expect(said.get('Bundles: unsigned')).toBe(report.marks.unsigned);
    expect(said.get('Head of the chain')).toContain(report.head?.digest);
    expect(said.get('Deviations')).toBe(
      report.period.controls.flatMap(({ tests }) => tests.flatMap((test) => test.deviations))
        .length,
    );
  });

  it('has the same bytes whenever and wherever it is made', async () => {
    const make = () => buffer(workbook(report, details));
    const bytes = await make();
    vi.stubEnv('TZ', 'Etc/GMT+12');
    expect((await make()).equals(bytes)).toBe(true);
    for (const { entry } of (await unzip(bytes)).values()) {
      expect([entry.lastModFileDate, entry.lastModFileTime]).toEqual([0x21, 0]);
    }
  });

  it('passes on what makes a population unreadable', async () => {
    const population = () => Promise.reject(new Error('broken'));
    await expect(buffer(workbook(report, { population }))).rejects.toThrow('broken');
  });

  it.each([
    ...['a formula', 'an end of a cell', 'an escape of a workbook', 'every control', 'a bomb'],
    ...['more than a cell holds', 'half of a pair, the first', 'a prototype', 'nothing'],
  ])('holds values only, with %s in every text', async (name) => {
    const [, text = ''] = hostile.find(([each]) => each === name) ?? [];
    const population = async (test: string) => poisoned(await details.population(test), text);
    const files = await unzip(await buffer(workbook(poisoned(report, text), { population })));
    const sheets = [...files].filter(([path]) => path.startsWith('xl/worksheets/'));
    expect(sheets).toHaveLength(12);
    for (const [path, file] of sheets) expect(markup.test(file.text), path).toBe(true);
    expect([...files.keys()].filter((path) => !path.startsWith('xl/worksheets/'))).toEqual([
      ...['xl/styles.xml', 'xl/workbook.xml', 'xl/_rels/workbook.xml.rels', '_rels/.rels'],
      '[Content_Types].xml',
    ]);
  });
});

describe('a sheet', () => {
  it.each(hostile)('says %s as it is', async (_name, text) => {
    const bytes = await bytesOf([sheet([[text, 1]])]);
    expect((await unzip(bytes)).get('xl/worksheets/sheet1.xml')?.text).toMatch(markup);
    const { Sheet: rows } = await cellsOf(bytes);
    const [cell, number] = rows?.[1] ?? [];
    expect(number).toBe(1);
    const told = text
      .toWellFormed()
      .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, (sign) =>
        /[\t\r\n]/.test(sign) ? sign : '\ufffd',
      )
      // A cell has one kind of line break.
      .replace(/\r\n?/g, '\n');
    if (told.length <= 32_767) expect(cell ?? '').toBe(told);
    else {
      const [, start = '', length] =
        /^(.*) \[cut: the text has (\d+) characters\]$/su.exec(String(cell)) ?? [];
      expect(told.startsWith(start)).toBe(true);
      expect(String(cell).length).toBeGreaterThan(32_760);
      expect(String(cell).length).toBeLessThanOrEqual(32_767);
      expect(start.isWellFormed()).toBe(true);
      expect(Number(length)).toBe(told.length);
    }
  });

  it('has times and days as such, and as text what is none', async () => {
    const rows = [
      ['2025-03-01T02:03:04.000Z', -1.5],
      ['2025-03-01', null],
      [null, 0],
      ['?', 1],
    ];
    const { Sheet: cells } = await cellsOf(await bytesOf([sheet(rows, 'time')]));
    expect(cells?.slice(1)).toEqual([
      [new Date('2025-03-01T02:03:04Z'), -1.5],
      [new Date('2025-03-01T00:00:00Z'), null],
      [null, 0],
      ['?', 1],
    ]);
  });

  it.each(['=1+1', '+1', '-a', '@a', '＝1'])(
    'keeps %s a text when somebody edits its cell',
    async (text) => {
      const files = await unzip(await bytesOf([sheet([[text, 1]])]));
      const [, style = ''] =
        /<c r="A2" s="(\d)"/.exec(files.get('xl/worksheets/sheet1.xml')?.text ?? '') ?? [];
      const [, formats = ''] =
        /<cellXfs[^>]*>(.*)<\/cellXfs>/.exec(files.get('xl/styles.xml')?.text ?? '') ?? [];
      expect(formats.match(/<xf [^>]*>/g)?.[Number(style)]).toContain('quotePrefix="1"');
    },
  );

  it('keeps a number as a number and a text of digits as a text', async () => {
    const { Sheet: cells } = await cellsOf(await bytesOf([sheet([['0012', -3]])]));
    expect(cells?.[1]).toEqual(['0012', -3]);
  });

  it.each([
    [0, ['Sheet']],
    [2, ['Sheet']],
    [3, ['Sheet', 'Sheet 2']],
    [4, ['Sheet', 'Sheet 2']],
    [5, ['Sheet', 'Sheet 2', 'Sheet 3']],
  ])('of %i rows goes on in a next one where it would be too long', async (count, names) => {
    const rows = Array.from({ length: count }, (_row, index): Cell[] => [`x${index}`, index]);
    const cells = await cellsOf(await bytesOf([sheet(rows), { ...sheet([]), name: 'Next' }], 3));
    expect(Object.keys(cells)).toEqual([...names, 'Next']);
    expect(names.flatMap((name) => cells[name]?.slice(1) ?? [])).toEqual(rows);
    for (const name of names) expect(cells[name]?.[0]).toEqual(['a', 'b']);
  });

  it('names columns beyond Z', async () => {
    const columns = Array.from({ length: 60 }, (_column, index) => ({
      name: `c${index}`,
      holds: 'number' as const,
    }));
    const row = columns.map((_column, index) => index);
    const { Wide: cells } = await cellsOf(await bytesOf([{ name: 'Wide', columns, rows: [row] }]));
    expect(cells).toEqual([columns.map(({ name }) => name), row]);
  });

  it('is written while its rows come: no more are taken than somebody reads', async () => {
    let taken = 0;
    const rows = (function* () {
      for (; taken < 200_000; taken += 1) yield [`${taken}`.repeat(40), taken];
    })();
    const pieces = zip(xlsx([sheet(rows)]));
    for (let read = 0; read < 10; read += 1) await pieces.next();
    for (let turn = 0; turn < 1_000; turn += 1) await setImmediate();
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(50_000);
    await pieces.return(undefined);
  });
});
