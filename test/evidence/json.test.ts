import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, canonicalLength, compareText, sha256 } from '../../src/evidence/json.ts';

describe('canonicalJson (RFC 8785)', () => {
  it('gives the bytes of the example in section 3.2.2 of the RFC', () => {
    const value = {
      numbers: JSON.parse('[333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001]'),
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('sorts keys by UTF-16 code unit, as the example in section 3.2.3 of the RFC', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const sorted = Object.keys(
      JSON.parse(canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])))),
    );
    // JSON.parse puts integer keys first; '1' is second in canonical order.
    const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(text.indexOf('\\r')).toBeLessThan(text.indexOf('"1"'));
    expect(sorted.slice(2)).toEqual(['\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']);
  });

  it.each([
    ['NaN', { a: Number.NaN }],
    ['infinity', [Number.POSITIVE_INFINITY]],
    ['undefined', undefined],
    ['a lone surrogate', { a: '\ud800' }],
    ['a lone surrogate in a key', { '\udc00x': 1 }],
    ['a lone surrogate behind backslashes', ['\\\\\ud800']],
  ])('refuses %s', (_name, value) => {
    expect(() => canonicalJson(value)).toThrow();
  });

  it('takes text that merely looks like an escaped surrogate', () => {
    expect(JSON.parse(canonicalJson(['\\ud800']))).toEqual(['\\ud800']);
  });

  it('does not depend on the order of keys, and reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        const text = canonicalJson(value);
        const again = JSON.parse(text);
        expect(canonicalJson(again)).toBe(text);
        if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
          const reversed = Object.fromEntries(Object.entries(value).reverse());
          expect(canonicalJson(reversed)).toBe(text);
        }
      }),
    );
  });
});

describe('canonicalLength', () => {
  it('is the length of the canonical JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ stringUnit: 'grapheme' })), (value) => {
        expect(canonicalLength(value)).toBe(canonicalJson(value).length);
      }),
    );
  });

  it('refuses a lone surrogate as canonicalJson does', () => {
    for (const value of [{ a: '\ud800' }, { '\udc00x': 1 }, ['\\\\\ud800']]) {
      expect(() => canonicalLength(value)).toThrow('lone surrogate');
    }
    expect(canonicalLength(['\\ud800'])).toBe(11);
  });
});

describe('sha256', () => {
  it('gives the vector of FIPS 180-4 for "abc"', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('compareText', () => {
  it('orders as arrays of code units do, whatever the locale', () => {
    expect(['b', 'a', 'B', 'ä', 'a1'].sort(compareText)).toEqual(['B', 'a', 'a1', 'b', 'ä']);
  });
});
