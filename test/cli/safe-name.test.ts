import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeName } from '../../src/cli/safe-name.ts';

describe('a name as part of a file name', () => {
  it.each([
    ['ada', 'ada'],
    ['acme/api#12', 'acme-api-12'],
    ['../../etc/passwd', 'etc-passwd'],
    ['..', 'item'],
    ['', 'item'],
    ['/', 'item'],
    ['a\0b\nc', 'a-b-c'],
    ['CON', 'CON'],
    ['Zoë Ångström', 'Zoe-Angstrom'],
    ['\u202e\u{1f4a9}', 'item'],
    ['.hidden', 'hidden'],
    ['trailing. ', 'trailing'],
    ['x'.repeat(300), 'x'.repeat(60)],
  ])('%j is %j', (name, expected) => {
    expect(safeName(name)).toBe(expected);
  });

  it('is short, leads nowhere, and is never empty', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('.', '/', '\\', '-', 'a') }),
    );
    fc.assert(
      fc.property(text, (name) => {
        expect(safeName(name)).toMatch(/^(?![-.])[A-Za-z0-9._-]{1,60}(?<![-.])$/);
      }),
    );
  });
});
