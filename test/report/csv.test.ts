import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csv } from '../../src/report/csv.ts';

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

describe('csv', () => {
  it('is read back as it was, whatever is in a cell', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', ' ', 'a') }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), (rows) => {
        const harmless = rows.map((row) => row.map((text) => `x${text}`));
        expect(parse(csv(['a', 'b'], harmless))).toEqual([['a', 'b'], ...harmless]);
      }),
    );
  });

  it('ends every line with CR LF, writes numbers as numbers and null as nothing', () => {
    expect(csv(['a', 'b', 'c'], [['x', -1, null]])).toBe('a,b,c\r\nx,-1,\r\n');
  });

  it.each([
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    '＝1',
    '=HYPERLINK("http://a","b")',
  ])('leaves a spreadsheet nothing to run in %j', (text) => {
    const [, [cell = ''] = []] = parse(csv(['a'], [[text]]));
    expect(cell).toBe(`'${text}`);
  });

  it.each(['a=1', "'=1", 'acme/api#12', '  =1', '#', ''])('leaves %j as it is', (text) => {
    expect(parse(csv(['a'], [[text]]))).toEqual([['a'], [text]]);
  });
});
