import { describe, expect, it } from 'vitest';
import { commentBytes, markdown, text, wholeText } from '../../src/report/markdown.ts';
import { legible } from '../../src/report/words.ts';
import { hostile, poisoned } from '../support/hostile.ts';
import { sampleReport } from '../support/report.ts';
import { shownBy } from './inline-markdown.ts';

const sample = sampleReport();

/** Cells of a row as GFM cuts it: at every stroke that no backslash stands before, code or not. */
function cellsOf(row: string): string[] {
  return row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** The document block by block, each of a shape that we write. */
function check(document: string): string[] {
  const texts: string[] = [];
  let columns = 0;
  for (const line of document.split('\n')) {
    const [, content = line] = line.match(/^(?:## |### |- |> \*\*|_… )(.*?)(?:\*\*|_)?$/) ?? [];
    if (line.startsWith('|')) {
      const cells = cellsOf(line);
      if (columns > 0) expect(cells, line).toHaveLength(columns);
      columns = cells.length;
      if (/^[| :-]+$/.test(line)) continue;
      texts.push(...cells.map((cell) => cell.replace(/^\*\*(.*)\*\*$/, '$1')));
    } else {
      columns = 0;
      texts.push(content);
    }
  }
  return texts.map(shownBy);
}

describe('Markdown', () => {
  it('says what a reader has to know first', () => {
    const shown = check(markdown(sample));
    expect(shown.slice(0, 8)).toEqual([
      'Acme, Inc.: period 2025-08-01 to 2025-08-31 (UTC)',
      '',
      '7 controls: 1 operated, 2 operated with deviations, 3 insufficient evidence, 1 did not operate. 3 open deviations. 14 bundles with evidence, 2025-08-01 to 2025-08-14.',
      '',
      'Interim: what would be reported if the period ended at 2025-08-14 12:00 UTC.',
      '',
      'Not signed: 1 of 14 nights.',
      '',
    ]);
    const document = markdown(sample);
    expect(document).toContain(
      '| `AC-02` | Multi-factor authentication | 13 of 14 | 1 of 2 | 1 | **insufficient evidence** |',
    );
    expect(document).toContain(
      '| `AC-06` | aws-iam-admin | critical | ada | `production 123456789012` | began to fail between 2025-08-01 02:00 and 2025-08-02 02:00 UTC; late, was due 2025-08-09 |',
    );
    expect(document).toContain(`bundle 15, \`${sample.head?.digest}\``);
  });

  it('names what deviates, what is missing and what is due, each once', () => {
    const document = markdown(sample);
    const section = (title: string) => document.split(`### ${title}`)[1]?.split('\n### ')[0] ?? '';
    const rows = (title: string) =>
      section(title)
        .split('\n')
        .filter((line) => /^(?:- |\| `)/.test(line)).length;
    expect(rows('Open deviations')).toBe(3);
    expect(rows('Other deviations of the period')).toBe(5);
    expect(rows('Missing evidence')).toBe(2);
    expect(rows('Due, so that nothing more is lost')).toBe(3);
    expect(section('Scope')).toContain('Not asked');
  });

  it('says what makes the nights prove less', () => {
    const marked = markdown({
      ...sample,
      marks: { unsigned: 14, unstamped: 0, simulated: 14, replayed: 2 },
      period: { ...sample.period, problems: ['bundle 4 is missing'] },
    });
    expect(marked).toContain('> **Simulated clock (every night): these times prove nothing.**');
    expect(marked).toContain('(2 of 14 nights)');
    expect(marked).toContain('> **Not signed: every night.**');
    expect(marked).toContain('> **Nothing can be concluded: bundle 4 is missing**');
    expect(marked).not.toContain('Not timestamped');
  });

  it('is cut where it is too long, and says what is left out', () => {
    const [control] = sample.period.controls.filter(({ id }) => id === 'AC-02');
    const [test] = control?.tests ?? [];
    if (control === undefined || test === undefined) throw new Error('no AC-02');
    const open = test.deviations.filter(({ closed }) => closed === null);
    const deviations = Array.from({ length: 2_000 }, () => open).flat();
    const tests = [{ ...test, deviations }];
    const long = {
      ...sample,
      period: { ...sample.period, controls: [{ ...control, tests }] },
    };
    const whole = markdown(long, 10_000_000);
    expect(Buffer.byteLength(whole)).toBeGreaterThan(200_000);
    expect(whole).not.toContain('too long for this place');
    for (const most of [8_000, commentBytes]) {
      const document = markdown(long, most);
      expect(Buffer.byteLength(document)).toBeLessThanOrEqual(most);
      expect(Buffer.byteLength(document)).toBeGreaterThan(most - 1_000);
      const rows = document.split('\n').filter((line) => line.startsWith('| `AC-02` | aws')).length;
      const [, left = ''] = document.match(/… and ([\d,]+) more deviations/) ?? [];
      expect(rows + Number(left.replace(',', ''))).toBe(2_000);
      // What comes behind has its place still.
      expect(document).toContain('Head of the chain');
      check(document);
    }
  });

  it.each(hostile)('shows %s as text', (_name, payload) => {
    const document = markdown(poisoned(sample, payload));
    const shown = check(document);
    const expected = legible([...payload].slice(0, 400).join('')).trim() || '(empty)';
    expect(shown.filter((each) => each.includes(expected)).length).toBeGreaterThan(20);
    expect(document.replaceAll('\n', '')).toBe(legible(document.replaceAll('\n', '')));
    expect(Buffer.byteLength(document)).toBeLessThanOrEqual(commentBytes);
  });
});

describe('text', () => {
  it.each([
    ['Root user', 'Root user'],
    ["The user's two-factor sign-in, always.", "The user's two-factor sign-in, always."],
    ['No IAM user (or role) has all rights', 'No IAM user (or role) has all rights'],
    ['365 nights', '365 nights'],
    ['zoë', 'zoë'],
    ['', '(empty)'],
    ['aws_iam', '`aws_iam`'],
    ['a|b', '`a`&#124;`b`'],
    ['|', '&#124;'],
    ['a`b', '``a`b``'],
    ['`', '`` ` ``'],
    ['``a', '``` ``a ```'],
    [' a ', '`  a  `'],
    ['  ', '(empty)'],
    ['OPS-371', '`OPS-371`'],
    ['1. a', '`1. a`'],
    ['deadbeef', '`deadbeef`'],
    ['1234567', '`1234567`'],
    ['www. here', '`www. here`'],
    ['acme (github', 'acme (github'],
    ['a\nb', 'a b'],
  ])('writes %j as %s', (outside, written) => {
    expect(text(outside)).toBe(written);
  });

  it('cuts what is long between characters', () => {
    expect(text('😀'.repeat(500))).toBe(`\`${'😀'.repeat(400)}\`…`);
    expect(text('a'.repeat(401))).toBe(`\`${'a'.repeat(400)}\`…`);
    expect(wholeText('a'.repeat(401))).toBe(`\`${'a'.repeat(401)}\``);
  });
});
