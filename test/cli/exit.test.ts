import { describe, expect, it } from 'vitest';
import { exitCodeOfError, exitCodeOfNights } from '../../src/cli/exit.ts';
import { noCounts } from '../../src/evidence/result.ts';

describe('exitCodeOfNights', () => {
  it.each([
    [0, 'all passes', { pass: 3 }, 0],
    [0, 'nothing to judge', { not_tested: 2, not_applicable: 4 }, 0],
    [0, 'waived failures', { waived: 1 }, 0],
    [1, 'a deviation', { pass: 3, fail: 1 }, 0],
    [3, 'an error', { pass: 3, error: 1 }, 0],
    [3, 'an error beside deviations', { fail: 9, error: 1 }, 0],
    [3, 'an incomplete slice that no test noticed', { pass: 1 }, 1],
  ])('is %i for %s', (code, _what, counts, incomplete) => {
    const night = {
      counts: { ...noCounts(), ...counts },
      not_collected: Array.from({ length: incomplete }),
    };
    expect(exitCodeOfNights([night])).toBe(code);
    const quiet = { counts: noCounts(), not_collected: [] };
    expect(exitCodeOfNights([night, quiet])).toBe(code);
  });
});

describe('exitCodeOfError', () => {
  it('follows the fixed table', () => {
    expect(exitCodeOfError('Usage')).toBe(2);
    expect(exitCodeOfError('InvalidConfiguration')).toBe(2);
    expect(exitCodeOfError('StoreUnavailable')).toBe(3);
    expect(exitCodeOfError('IntegrityBroken')).toBe(4);
    expect(exitCodeOfError('Interrupted')).toBe(130);
  });
});
