import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  canonicalLength,
  compareText,
  isCanonicalJson,
  sha256,
} from '../../src/evidence/json.ts';

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

const canonical = (text: string, value: unknown) => {
  try {
    return canonicalJson(value) === text;
  } catch {
    return 'throws';
  }
};
const fast = (text: string, value: unknown) => {
  try {
    return isCanonicalJson(text, value);
  } catch {
    return 'throws';
  }
};

it('isCanonicalJson says the same as making the canonical form', () => {
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('10', '9', '1', 'a', '__proto__', '\u20ac', '\ud83d\ude00'),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.oneof(
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\ud800', '\\ud800', '\\\\ud800'),
      ),
      fc.array(tie('value')),
      fc.array(fc.tuple(key, tie('value'))).map((entries) => Object.fromEntries(entries)),
    ),
  }));
  let yes = 0;
  fc.assert(
    fc.property(value, fc.constantFrom('', ' '), (made, space) => {
      for (const text of [
        JSON.stringify(made, null, space),
        (() => {
          try {
            return canonicalJson(made);
          } catch {
            return 'null';
          }
        })(),
      ]) {
        const read = JSON.parse(text);
        const want = canonical(text, read);
        if (want === true) yes += 1;
        expect(fast(text, read)).toBe(want);
      }
    }),
    { numRuns: 1500 },
  );
  expect(yes).toBeGreaterThan(900);
  for (const text of [
    '-0',
    '1.0',
    '1e2',
    '{"b":1,"a":2}',
    '{"10":1,"9":2}',
    '{"9":1,"10":2}',
    '"\\u0041"',
    '"\\ud800"',
    '{"a":1,"a":1}',
  ]) {
    expect(fast(text, JSON.parse(text))).toBe(canonical(text, JSON.parse(text)));
  }
});
