import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { appendItem, listOf } from '../../src/yaml/append.ts';
import { parseYaml } from '../../src/yaml/document.ts';

const item = { test: 'b', reason: 'short' };

function listIn(text: string): unknown {
  const parsed = parseYaml('x.yaml', text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return (parsed.value.value as { list: unknown }).list;
}

describe('appendItem', () => {
  it.each([
    [
      'items that stand in',
      'list:\n  - test: a\n',
      'list:\n  - test: a\n  - test: b\n    reason: short\n',
    ],
    ['items that do not', 'list:\n- test: a\n', 'list:\n- test: a\n- test: b\n  reason: short\n'],
    [
      'comments, wide gaps and quotes',
      '# Top.\nlist:   # all\n  -   test:  "a"    # the first\n      # still the first\n\n# The end.\n',
      '# Top.\nlist:   # all\n  -   test:  "a"    # the first\n      # still the first\n  - test: b\n    reason: short\n\n# The end.\n',
    ],
    [
      'blank lines between items',
      'list:\n  - test: a\n\n  - test: c\n',
      'list:\n  - test: a\n\n  - test: c\n\n  - test: b\n    reason: short\n',
    ],
    [
      'no line feed at the end',
      'list:\n  - test: a',
      'list:\n  - test: a\n  - test: b\n    reason: short\n',
    ],
    [
      'the line ends of Windows',
      'list:\r\n  - test: a\r\n',
      'list:\r\n  - test: a\r\n  - test: b\r\n    reason: short\r\n',
    ],
    [
      'a block of text at its end',
      'list:\n  - test: |\n      a\n      c\n# The end.\n',
      'list:\n  - test: |\n      a\n      c\n  - test: b\n    reason: short\n# The end.\n',
    ],
    [
      'an item in braces, with a comment',
      'list:\n  - { test: a } # the first\n',
      'list:\n  - { test: a } # the first\n  - test: b\n    reason: short\n',
    ],
    [
      'an end of the document',
      '---\nlist:\n  - &a { test: a }\n  - *a\n...\n',
      '---\nlist:\n  - &a { test: a }\n  - *a\n  - test: b\n    reason: short\n...\n',
    ],
    ['no item', '# Top.\nlist: []\n', '# Top.\nlist:\n  - test: b\n    reason: short\n'],
    [
      'items in braces',
      'list: [ { test: a } ] # all\n',
      'list: [ { test: a }, { test: b, reason: short } ] # all\n',
    ],
  ])('keeps a file with %s', (_what, text, expected) => {
    expect(appendItem(text, 'list', item)).toBe(expected);
  });

  it('adds whatever is given, in whatever style the file is, and keeps what was there', () => {
    const text = fc.string({ unit: 'grapheme' });
    const map = fc.dictionary(fc.constantFrom('a', 'b', 'c'), text, {
      minKeys: 1,
      noNullPrototype: true,
    });
    const style = fc.record({
      indent: fc.integer({ min: 2, max: 6 }),
      indentSeq: fc.boolean(),
      lineWidth: fc.constantFrom(0, 40),
      defaultStringType: fc.constantFrom(
        'PLAIN' as const,
        'QUOTE_DOUBLE' as const,
        'BLOCK_LITERAL' as const,
      ),
      collectionStyle: fc.constantFrom('any' as const, 'block' as const, 'flow' as const),
    });
    fc.assert(
      fc.property(fc.array(map, { maxLength: 4 }), map, style, (list, added, options) => {
        const before = stringify({ list }, options);
        // NUL is no text, and a file with it is refused. What the library itself writes otherwise
        // than it was given (a lone space as a block) is not what is tested here.
        fc.pre(parseYaml('x.yaml', before).ok && !JSON.stringify(added).includes('\\u0000'));
        fc.pre(isDeepStrictEqual(listIn(before), list));
        const after = appendItem(before, 'list', added);
        expect(listIn(after)).toEqual([...list, added]);
        if (options.collectionStyle === 'block' && list.length > 0) {
          expect(after.startsWith(before.trimEnd())).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

it('listOf writes one map as a list, without folding it', () => {
  const long = 'a word and another '.repeat(20).trim();
  expect(listOf({ from: '2025-03-01', scope: '123', resource: '*', reason: long })).toBe(
    `- from: 2025-03-01\n  scope: "123"\n  resource: "*"\n  reason: ${long}\n`,
  );
});
