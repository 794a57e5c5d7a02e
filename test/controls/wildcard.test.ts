import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wildcard } from '../../src/controls/wildcard.ts';

/** The meaning in the fewest words, and in time that grows without bounds. */
function naive(text: string, pattern: string): boolean {
  if (pattern === '') return text === '';
  if (pattern[0] === '*') {
    return naive(text, pattern.slice(1)) || (text !== '' && naive(text.slice(1), pattern));
  }
  return text[0] === pattern[0] && naive(text.slice(1), pattern.slice(1));
}

describe('wildcard', () => {
  it.each([
    ['svc-*', 'svc-backup', true],
    ['svc-*', 'svc-', true],
    ['svc-*', 'my-svc-backup', false],
    ['*-tmp', 'acme-tmp', true],
    ['*-tmp', 'acme-tmp-2', false],
    ['arn:aws:iam::*:user/svc-*', 'arn:aws:iam::123456789012:user/svc-a', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*ab*ab*', 'xab', false],
    ['*aab*', 'aaab', true],
    ['*', '', true],
    ['**', 'anything', true],
    ['', '', true],
    ['', 'a', false],
    // Only the star means anything.
    ['svc-?', 'svc-a', false],
    ['svc-?', 'svc-?', true],
    ['[ab]', 'a', false],
    ['a.b', 'axb', false],
    ['acme/api#12', 'acme/api#12', true],
    ['acme/api#1', 'acme/api#12', false],
    ['Admin', 'admin', false],
    ['a*z', 'a\nz', true],
  ])('%j fits %j: %s', (pattern, text, fits) => {
    expect(wildcard(pattern)(text)).toBe(fits);
  });

  it('agrees with its meaning, over few letters that repeat', () => {
    const letters = fc.constantFrom('a', 'b');
    const text = fc.string({ unit: letters, maxLength: 14 });
    const pattern = fc.string({ unit: fc.oneof(letters, fc.constant('*')), maxLength: 9 });
    fc.assert(
      fc.property(text, pattern, (each, wanted) => {
        expect(wildcard(wanted)(each)).toBe(naive(each, wanted));
      }),
      { numRuns: 2_000 },
    );
  });

  it('fits whatever its stars are filled with', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 6 }), (parts) => {
        const literal = (text: string) => text.replaceAll('*', '+');
        const pattern = parts.map(([part]) => `${literal(part)}*`).join('');
        const text = parts.map(([part, filling]) => literal(part) + filling).join('');
        expect(wildcard(pattern)(text)).toBe(true);
      }),
    );
  });

  it.each([
    ['many stars', `${'*a'.repeat(200_000)}b*`],
    ['a part that nearly fits everywhere', `*${'a'.repeat(200_000)}b*`],
    ['a part that fails at its beginning', `*b${'a'.repeat(200_000)}*`],
  ])('takes no time to speak of over a hostile pattern: %s', (_what, pattern) => {
    const begun = performance.now();
    expect(wildcard(pattern)('a'.repeat(400_000))).toBe(false);
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});
