import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csv, csvPieces } from '../../src/report/csv.ts';
import { hostile } from '../support/hostile.ts';

/** Reads CSV by the grammar of RFC 4180, section 2, and no other. */
function parse(text: string): string[][] {
  const rows: string[][] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  let row: string[] = [];
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const found = field.exec(text);
    if (found === null) throw new Error(`no field at ${at}`);
    const [, quoted, plain = '', end] = found;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

/** What a spreadsheet would run, once it has done away with what stands before. */
const runs = /^[=+\-@＝＋－＠﹦﹢﹣﹫]/;

/** Cells as spreadsheets read them that take other separators, or no notice of quotes. */
function looseCells(text: string): string[] {
  return text.split(/[;\t\r\n]/).map((cell) => cell.replace(/^[\s"\p{Cf}]+/u, ''));
}

const cellOf = (text: string) => parse(csv(['a'], [[text]]))[1]?.[0] ?? '';

describe('csv', () => {
  it('is read back as it was, whatever is in a cell', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', ';', ' ', 'a') }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), (rows) => {
        const harmless = rows.map((row) => row.map((text) => `x${text.replace(/[-=+@]/g, 'x')}`));
        expect(parse(csv(['a', 'b'], harmless))).toEqual([['a', 'b'], ...harmless]);
      }),
    );
  });

  it('ends every line with CR LF, writes numbers as numbers and null as nothing', () => {
    expect(csv(['a', 'b', 'c'], [['x', -1, null]])).toBe('a,b,c\r\nx,-1,\r\n');
  });

  it.each([
    ['=1+1', "'=1+1"],
    ['+1 2', "'+1 2"],
    ['-a', "'-a"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['＝1', "'＝1"],
    ['  =1', "'  =1"],
    ['"=1', `'"=1`],
    ['\t=1', "\t'=1"],
    ['\r=1', "\r'=1"],
    ['\n=1', "\n'=1"],
    ['x; =1;-b', "x;' =1;'-b"],
    ['=HYPERLINK("http://a","b")', `'=HYPERLINK("http://a","b")`],
  ])('leaves a spreadsheet nothing to run in %j', (text, harmless) => {
    expect(cellOf(text)).toBe(harmless);
  });

  it.each([
    ...['a=1', "'=1", 'acme/api#12', '#', '', '-1', '-0.5', '007', '1E5', 'a, -b', 'a - b'],
    '2025-03-01',
  ])('leaves %j as it is', (text) => {
    expect(cellOf(text)).toBe(text);
  });

  it.each(hostile)('survives %s', (_name, text) => {
    const table = csv(['a', 'b'], [[text, 1]]);
    const [head, row] = parse(table);
    expect(head).toEqual(['a', 'b']);
    expect(row?.[1]).toBe('1');
    // Nothing but apostrophes came to it, and signs that no file should hold went.
    const [cell = ''] = row ?? [];
    expect(cell.replaceAll("'", '').replaceAll('\ufffd', '')).toBe(
      text
        .toWellFormed()
        .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff\ufffd']/gu, (sign) =>
          /[\t\r\n]/.test(sign) ? sign : '',
        ),
    );
    expect(table).not.toMatch(/[^\P{Cc}\t\r\n]/u);
    const inBody = looseCells(table.slice(table.indexOf('\n') + 1));
    expect(inBody.filter((loose) => runs.test(loose) && !/^-\d+,1$/.test(loose))).toEqual([]);
  });

  it('takes no longer for what is made to take long', () => {
    for (const unit of [';', '\n', ' ', '"', '; "', '\u200b']) {
      const before = performance.now();
      csv(['a'], [[unit.repeat(200_000)]]);
      expect(performance.now() - before).toBeLessThan(2_000);
    }
  });

  it('comes in pieces that are no longer than they have to be', () => {
    const rows = Array.from({ length: 5_000 }, (_each, index) => [index, 'x'.repeat(100)]);
    const pieces = [...csvPieces(rows)];
    expect(pieces.length).toBeGreaterThan(5);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(70_000);
    expect(parse(pieces.join(''))).toHaveLength(5_000);
  });
});
