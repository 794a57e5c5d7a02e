import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { glob } from '../../src/controls/glob.ts';

/** The same in regular expressions, which are tested by others. */
function byExpression(text: string, pattern: string): boolean {
  const parts = [...pattern].map((part) =>
    part === '*' ? '.*' : part === '?' ? '.' : RE2JS.quote(part),
  );
  return RE2JS.compile(parts.join(''), RE2JS.DOTALL).matches(text);
}

describe('glob', () => {
  it.each([
    ['repo:acme/api:ref:refs/heads/main', 'repo:acme/*', true],
    ['repo:acme-evil/api', 'repo:acme/*', false],
    ['arn:aws:s3:::acme-logs', 'arn:aws:s3:::acme-log?', true],
    ['arn:aws:s3:::acme-logs', 'arn:aws:s3:::acme-logs?', false],
    ['Admin', 'admin', false],
    ['a.b', 'a.b', true],
    ['axb', 'a.b', false],
    ['', '', true],
    ['', '**', true],
    ['', '?', false],
    ['a', '', false],
    ['two\nlines', 'two*lines', true],
    ['\u{1f511}', '?', true],
    ['\u{1f511}', '??', false],
  ])('%j fits %j: %s', (text, pattern, fits) => {
    expect(glob(text, pattern)).toBe(fits);
  });

  it('agrees with regular expressions', () => {
    const letters = fc.constantFrom('a', 'b', '\n', '.', '\u{1f511}');
    const text = fc.string({ unit: letters, maxLength: 12 });
    const pattern = fc.string({ unit: fc.oneof(letters, fc.constantFrom('*', '?')), maxLength: 8 });
    fc.assert(
      fc.property(text, pattern, (each, wanted) => {
        expect(glob(each, wanted)).toBe(byExpression(each, wanted));
      }),
      { numRuns: 500 },
    );
  });

  it('does not take forever over a hostile pattern', () => {
    const begun = performance.now();
    expect(glob('a'.repeat(10_000), `${'*a'.repeat(1_000)}b`)).toBe(false);
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});
