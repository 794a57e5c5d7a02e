import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, table, wrap } from '../../src/cli/terminal.ts';

describe('table', () => {
  const columns = [
    { title: 'ID' },
    { title: 'TITLE', shrinks: true },
    { title: 'N', align: 'right' as const },
  ];

  it('aligns its columns', () => {
    expect(
      table(
        columns,
        [
          ['a', 'first', '1'],
          ['bcd', 'second', '10'],
        ],
        80,
      ),
    ).toEqual(['ID   TITLE    N', 'a    first    1', 'bcd  second  10']);
  });

  it('cuts the column that may shrink, and says that it did', () => {
    const [, row = ''] = table(columns, [['a', 'x'.repeat(100), '1']], 40);
    expect([...row]).toHaveLength(40);
    expect(row).toContain('…');
  });

  it('cuts the last of several columns first, and no column to nothing', () => {
    const several = [
      { title: 'NAME', shrinks: true },
      { title: 'WHAT', shrinks: true },
    ];
    const rows = [['n'.repeat(30), 'w'.repeat(30)]];
    expect(table(several, rows, 50)[1]).toBe(`${'n'.repeat(30)}  ${'w'.repeat(17)}…`);
    expect(table(several, rows, 10)[1]).toBe(`${'n'.repeat(11)}…  ${'w'.repeat(11)}…`);
  });

  it('keeps a hostile cell on its line', () => {
    const lines = table(columns, [['a', 'evil\u001b[2J\nnext\u202e', '1']], 80);
    expect(lines).toHaveLength(2);
    expect(lines[1]).not.toContain('\u001b');
  });
});

/** C0 and C1 controls, and the marks that turn the direction of text around. */
const hostile = (code: number) =>
  code < 0x20 ||
  (code >= 0x7f && code < 0xa0) ||
  (code >= 0x202a && code <= 0x202e) ||
  (code >= 0x2066 && code <= 0x2069);

describe('printable', () => {
  it('lets no control or direction mark through, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const found = [...printable(text)].filter((each) => hostile(each.codePointAt(0) ?? 0));
        expect(found).toEqual([]);
      }),
    );
  });

  it('leaves other text as it is', () => {
    expect(printable('Zoë · 東京 – ok')).toBe('Zoë · 東京 – ok');
  });
});

describe('wrap', () => {
  it('loses no word and keeps to the width where words allow it', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }), (words) => {
        const lines = wrap(words.join(' '), 30, '  ');
        expect(lines.flatMap((line) => line.trim().split(' '))).toEqual(words);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(30);
      }),
    );
  });
});
