import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseYaml } from '../../src/yaml/document.ts';
import { FaultError, formatFault } from '../../src/yaml/fault.ts';

const schema = z.strictObject({
  id: z.string(),
  regions: z.union([z.literal('enabled'), z.array(z.string())]).optional(),
  period: z.strictObject({ start: z.iso.date(), end: z.iso.date() }).optional(),
  accounts: z
    .array(z.union([z.strictObject({ role: z.string() }), z.strictObject({ profile: z.string() })]))
    .optional(),
  level: z.enum(['low', 'high']).optional(),
  count: z.int().min(1).optional(),
});

function read(text: string | Uint8Array, empty?: string) {
  const parsed = parseYaml('a.yaml', text, empty);
  if (!parsed.ok) throw new FaultError('InvalidConfiguration', parsed.faults);
  return parsed.value;
}

function syntaxFaults(text: string | Uint8Array) {
  const parsed = parseYaml('a.yaml', text);
  return parsed.ok ? [] : parsed.faults;
}

function lines(text: string): string[] {
  const checked = read(text).check(schema);
  return checked.ok ? [] : checked.faults.map(formatFault);
}

describe('check', () => {
  it('gives the value where nothing is wrong', () => {
    const checked = read('id: "1.10"\nregions: [a]\n').check(schema);
    expect(checked).toEqual({ ok: true, value: { id: '1.10', regions: ['a'] } });
  });

  it('reports every fault at once, each at its own place', () => {
    const text = [
      'id: 1.10',
      'region: [a]',
      'period: { start: 2026-01-01, ende: 2026-12-31 }',
      'level: middle',
      'count: 0',
      '"a b": 1',
    ].join('\n');
    expect(lines(text)).toEqual([
      'a.yaml:1:5 id: expected text, found the number 1.1: write "1.10" in quotes (ids are quoted; unquoted, YAML reads 1.10 as 1.1)',
      'a.yaml:3:9 period.end: missing; expected text',
      'a.yaml:3:30 period.ende: unknown key; did you mean "end"?',
      'a.yaml:4:8 level: expected one of low, high, found "middle"',
      expect.stringMatching(/^a\.yaml:5:8 count: .*1, found 0$/),
      'a.yaml:2:1 region: unknown key; did you mean "regions"?',
      'a.yaml:6:1 ["a b"]: unknown key',
    ]);
  });

  it('names all kinds that a union takes where the value is of none', () => {
    expect(lines('id: a\nregions: eu-west-1')).toEqual([
      'a.yaml:2:10 regions: expected enabled or a list, found "eu-west-1"',
    ]);
  });

  it('explains a union by the alternative that comes nearest', () => {
    expect(lines('id: a\naccounts:\n  - role: r\n    extra: 1')).toEqual([
      'a.yaml:4:5 accounts[0].extra: unknown key',
    ]);
    expect(lines('id: a\naccounts:\n  - rol: r')).toEqual([
      'a.yaml:3:5 accounts[0].role: missing; expected text',
      'a.yaml:3:5 accounts[0].rol: unknown key; did you mean "role"?',
    ]);
  });

  it.each([
    ['- a\n- b', 'a.yaml:1:1: expected a map, found a list'],
    ['just text', 'a.yaml:1:1: expected a map, found "just text"'],
    ['id:', 'a.yaml:1:1 id: expected text, found nothing'],
    ['id: [a]', 'a.yaml:1:5 id: expected text, found a list'],
    ['id: true', 'a.yaml:1:5 id: expected text, found true'],
    ['id: 012', /found the number 12: write "012" in quotes/],
  ])('%j', (text, expected) => {
    expect(lines(text)).toEqual([
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    ]);
  });

  it('keeps days as text', () => {
    expect(read('d: 2026-01-01').value).toEqual({ d: '2026-01-01' });
  });
});

describe('hostile and broken files', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['nothing', '', /^the file is empty$/],
    ['a comment only', '# nothing\n', /^the file is empty$/],
    ['a tab', 'a:\n\tb: 1', /tab/],
    ['an open quote', 'a: "b', /quote/i],
    ['a key twice', 'a: 1\na: 2', /twice/],
    ['two documents', 'a: 1\n---\nb: 2', /more than one YAML document/],
    ['not UTF-8', new Uint8Array([0xff, 0xfe, 0x61]), /UTF-8/],
    ['NUL', 'a: "\0"', /not a text file/],
    ['an unknown tag', 'a: !!js/function "x"', /tag/i],
    ['an unknown alias', 'a: *b', /alias/i],
    ['an alias of itself', 'a: &a\n  b: *a', /deep/],
    ['a map as key', '? { a: 1 }\n: b', /key/],
    ['infinity', 'a: .inf', /finite/],
    ['deep brackets', `a: ${'['.repeat(100_000)}`, /deep/],
    ['deep blocks', Array.from({ length: 200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), /deep/],
    ['a megabyte', `a: ${'x'.repeat(1024 * 1024)}`, /larger/],
    [
      'an alias bomb',
      `a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]`,
      /aliases/,
    ],
  ])('refuses %s', (_, text, message) => {
    const faults = syntaxFaults(text);
    expect(faults[0]?.message).toMatch(message);
    expect(faults[0]?.line).toBeGreaterThan(0);
    expect(faults[0]?.column).toBeGreaterThan(0);
  });

  it('says where a key stands the second time', () => {
    expect(syntaxFaults('a: 1\nb: 2\na: 3')).toMatchObject([
      { line: 3, column: 1, code: 'DuplicateKey' },
    ]);
  });

  it('says what to do about an empty file', () => {
    const parsed = parseYaml('t.yaml', '', 'empty; run init');
    expect(parsed).toMatchObject({ ok: false, faults: [{ message: 'empty; run init' }] });
  });

  it('reads past a byte order mark', () => {
    expect(read(new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0x3a, 0x20, 0x31])).value).toEqual({
      a: 1,
    });
    expect(read('\uFEFFa: 1').value).toEqual({ a: 1 });
  });

  it('lets no key reach a prototype', () => {
    const value = read('__proto__: { polluted: true }\nconstructor: 1').value;
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('never throws', () => {
    const piece = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '-',
      '[',
      '{',
      ']',
      '}',
      '&a',
      '*a',
      '"',
      '\t',
      '|',
      '>',
      '!',
      '#',
      '?',
      '%',
      "'",
      '1',
      ',',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const parsed = parseYaml('a.yaml', pieces.join(''));
        if (!parsed.ok) return parsed.faults.length > 0;
        const checked = parsed.value.check(schema);
        return checked.ok || checked.faults.every((f) => f.line > 0 && f.column > 0);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('faults inside a text', () => {
  const place = (text: string, path: string[], needle: string) => {
    const document = read(text);
    const value = path.reduce<unknown>(
      (v, key) => (v as Record<string, unknown>)[key],
      document.value,
    );
    const fault = document.faultInText(path, String(value).indexOf(needle), 'here');
    const line = text.split('\n')[fault.line - 1] ?? '';
    return { found: line.slice(fault.column - 1, fault.column - 1 + needle.length), fault };
  };

  it.each([
    ['plain', 'a: { b: one two wrong }'],
    ['double quotes', 'a: { b: "one two wrong" }'],
    ['single quotes', "a: { b: 'it''s two wrong' }"],
    ['literal', 'a:\n  b: |\n    one\n    two wrong\n'],
    ['folded', 'a:\n  b: >-\n    one\n    two\n      wrong\n'],
    ['plain over two lines', 'a:\n  b: one\n    two wrong\n'],
    ['literal with a comment at its head', 'a:\n  b: |- # why\n    one\n\n    wrong\n'],
  ])('points at the character: %s', (_, text) => {
    expect(place(text, ['a', 'b'], 'wrong').found).toBe('wrong');
  });

  it('shows the line with a caret', () => {
    const { fault } = place('a:\n  b: one wrong\n', ['a', 'b'], 'wrong');
    expect(formatFault(fault)).toBe('a.yaml:2:10 a.b: here\n    b: one wrong\n           ^');
  });

  it('points at the start where escapes hide the place', () => {
    const { fault } = place('a: "one\\ttwo\\u0041 wrong"', ['a'], 'wrong');
    expect(fault).toMatchObject({ line: 1, column: 4 });
  });
});

describe('FaultError', () => {
  it('says every fault, a line each', () => {
    const document = read('a: 1\nb: 2');
    const error = new FaultError('InvalidControl', [
      document.fault(['a'], 'one'),
      document.fault(['b', 'c', 0], 'two'),
    ]);
    expect(error.code).toBe('InvalidControl');
    expect(error.message).toBe('a.yaml:1:4 a: one\na.yaml:2:4 b.c[0]: two');
  });
});
