/** CSV as a spreadsheet program reads it. Skipped where there is no LibreOffice. */
import { afterAll, describe, expect, it } from 'vitest';
import { csv } from '../../src/report/csv.ts';
import { hostile } from '../support/hostile.ts';
import { officeAvailable, openedByOffice } from '../support/libreoffice.ts';
import { removeTemporary } from '../support/temporary.ts';

afterAll(removeTemporary);

/** Separators, quotes, UTF-8, from line 1; without spaces around cells, and formulas are run. */
const asked = (separators: string, quote: number) =>
  `CSV:${separators},${quote},76,1,,0,false,true,false,false,true,0,true`;

const everySeparator = asked('44/59/9', 34);

const formula = /table:formula|office:dde|xlink:href="http/;

describe.skipIf(!officeAvailable)('LibreOffice, told to run formulas,', () => {
  it('would find one', { timeout: 120_000 }, async () => {
    const opened = await openedByOffice('table.csv', 'a;b\r\nx;=1+1\r\n', everySeparator);
    expect(opened).toMatch(formula);
  });

  it.each([
    ['every separator that it offers', everySeparator],
    ['no notice of quotes', asked('59/9', 0)],
  ])('finds none, with %s', { timeout: 120_000 }, async (_name, filter) => {
    const table = csv(
      ['name', 'count'],
      hostile.map(([, text], index) => [text, index]),
    );
    expect(await openedByOffice('table.csv', table, filter)).not.toMatch(formula);
  });
});
