import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Names, safeName } from '../../src/archive/safe-name.ts';

describe('a name as part of a file name', () => {
  it.each([
    ['ada', 'ada'],
    ['acme/api#12', 'acme-api-12'],
    ['../../etc/passwd', 'etc-passwd'],
    ['..', 'item'],
    ['', 'item'],
    ['/', 'item'],
    ['a\0b\nc', 'a-b-c'],
    ['CON', 'CON_'],
    ['nul.txt', 'nul_.txt'],
    ['.aux', 'aux_'],
    ['COM¹', 'COM1_'],
    ['aux-', 'aux_'],
    [`aux${'-'.repeat(99)}x`, 'aux_'],
    ['console', 'console'],
    ['Zoë Ångström', 'Zoe-Angstrom'],
    ['\u202e\u{1f4a9}', 'item'],
    ['.hidden', 'hidden'],
    ['trailing. ', 'trailing'],
    ['x'.repeat(300), 'x'.repeat(60)],
  ])('%j is %j', (name, expected) => {
    expect(safeName(name)).toBe(expected);
  });

  it('is short, leads nowhere, names no device, and is never empty', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('.', '/', '\\', '-', 'a') }),
      fc
        .tuple(fc.constantFrom('', '.', '-'), fc.constantFrom('con', 'LPT9', 'Aux.x'))
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 8, max: 60 }), (name, most) => {
        const safe = safeName(name, most);
        expect(safe).toMatch(/^(?![-.])[A-Za-z0-9._-]+(?<![-.])$/);
        expect(safe).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i);
        expect(safe.length).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe('the names of a folder', () => {
  it('are no two the same, upper or lower case', () => {
    const names = new Names();
    const given = ['a', 'A', 'a', 'b', 'a-2'].map((stem) => names.take(stem, '.csv'));
    expect(given).toEqual(['a.csv', 'A-2.csv', 'a-3.csv', 'b.csv', 'a-2-2.csv']);
  });
});
