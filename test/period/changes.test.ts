import { describe, expect, it } from 'vitest';
import { addDays } from '../../src/evidence/days.ts';
import { examine } from '../../src/period/period.ts';
import { control, historyOf, type SeenNight, test } from '../support/histories.ts';

const age = control({ tests: [test('age')] });
const other = control({ id: 'AC-02', tests: [test('mfa')] });
const period = { start: '2026-01-01', end: '2026-01-10', timezone: 'UTC' };
const now = new Date('2026-01-10T12:00:00Z');

/** What the report says of the parameters of `age`, from a few words on each night. */
function told(nights: Pick<SeenNight, 'parameters' | 'controls'>[]) {
  const seen = nights.map((night, index): SeenNight => {
    return {
      at: addDays('2026-01-01', index),
      slices: [{ resources: { ada: { age: 'pass' } } }],
      controls: [age],
      ...night,
    };
  });
  const { versions, changes } = examine(historyOf(seen), { period, now });
  const own = versions.find(({ what, id }) => what === 'parameters' && id === 'age');
  return {
    versions: own?.versions.map(({ value, from, to, nights: count }) => [value, from, to, count]),
    isChange: changes.some(({ what }) => what === 'parameters'),
  };
}

const days = (max_days: number) => ({ parameters: { age: { max_days } } });

describe('the parameters of a test', () => {
  it('that are set within the period, or taken back, are a change', () => {
    expect(told([{}, {}, days(60), {}])).toEqual({
      versions: [
        ['{}', '2026-01-01', '2026-01-02', 2],
        ['{"max_days":60}', '2026-01-03', '2026-01-03', 1],
        ['{}', '2026-01-04', '2026-01-04', 1],
      ],
      isChange: true,
    });
  });

  it('that are the same on all nights are none, whatever a job without the test has', () => {
    expect(told([days(60), { controls: [other] }, days(60)])).toEqual({
      versions: [['{"max_days":60}', '2026-01-01', '2026-01-03', 2]],
      isChange: false,
    });
  });

  it('are not told of where no night sets any', () => {
    expect(told([{}, {}])).toEqual({ versions: undefined, isChange: false });
  });
});
