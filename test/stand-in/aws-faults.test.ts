import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AwsCall } from '../support/aws-call.ts';
import { armed, matches } from '../support/aws-faults.ts';

const call = (path: string, operation = 'GetBucketPolicy'): AwsCall => ({
  ...{ service: 's3', operation, account: '123456789012', region: 'us-east-1' },
  ...{ method: 'GET', path, parameters: {}, headers: {}, body: Buffer.from('') },
});
const calls = Array.from({ length: 400 }, (_, index) => call(`/bucket-${index}?policy`));

describe('matches', () => {
  it('asks for every field that is given and for no other', () => {
    expect(matches(call('/a?policy'), {})).toBe(true);
    expect(matches(call('/a?policy'), { service: 's3', path: '/a?' })).toBe(true);
    expect(matches(call('/a?policy'), { service: 'iam', path: '/a?' })).toBe(false);
    expect(matches(call('/ab?policy'), { path: /^\/a\?/ })).toBe(false);
  });
});

describe('armed', () => {
  it('strikes about the share that it is told to', () => {
    const strikes = armed({ kind: 'throttle', share: 0.5 });
    const struck = calls.filter(strikes).length;
    expect(struck).toBeGreaterThan(150);
    expect(struck).toBeLessThan(250);
  });

  it('strikes the same requests in whatever order they come, and others with another seed', () => {
    const struck = (order: AwsCall[], seed: number) =>
      order
        .filter(armed({ kind: 'throttle', share: 0.5, seed }))
        .map(({ path }) => path)
        .sort();
    const straight = struck(calls, 7);
    fc.assert(
      fc.property(fc.shuffledSubarray(calls, { minLength: calls.length }), (shuffled) => {
        expect(struck(shuffled, 7)).toEqual(straight);
      }),
      { numRuns: 10 },
    );
    expect(struck(calls, 8)).not.toEqual(straight);
  });

  it('stops after so many in all, and after so many for the same request', () => {
    const [first = call('/'), second = call('/')] = calls;
    const twice = armed({ kind: 'deny', times: 2 });
    expect([first, first, first].map(twice)).toEqual([true, true, false]);
    const onceEach = armed({ kind: 'deny', timesEach: 1 });
    expect([first, first, second, second].map(onceEach)).toEqual([true, false, true, false]);
  });
});
