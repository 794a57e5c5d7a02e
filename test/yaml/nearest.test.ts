import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, editDistance, nearest } from '../../src/yaml/nearest.ts';

describe('nearest', () => {
  it.each([
    ['regoins', 'regions'],
    ['region', 'regions'],
    ['Regions', 'regions'],
    ['zzz', undefined],
    ['re', undefined],
  ])('%s → %s', (word, expected) => {
    expect(nearest(word, ['accounts', 'regions'])).toBe(expected);
  });

  it('is silent where nothing is near', () => {
    expect(didYouMean('zzz', ['regions'])).toBe('');
    expect(didYouMean('tets', ['test'])).toBe('; did you mean "test"?');
  });
});

describe('editDistance', () => {
  it('counts a swap of neighbours as one', () => {
    expect(editDistance('ab', 'ba')).toBe(1);
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('kitten', 'sitting')).toBe(3);
  });

  it('is zero for the same word only, and the same both ways', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
