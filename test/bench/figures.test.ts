import { describe, expect, it } from 'vitest';
import { type Figure, isOverBudget, median, tableOf } from '../../bench/figures.ts';

const calls: Figure = { name: 'calls', found: 12, unit: '', budget: 12 };
const rate: Figure = {
  name: 'rate',
  found: 99_000,
  unit: 'a second',
  budget: 100_000,
  least: true,
};

describe('isOverBudget', () => {
  it.each([
    [calls, false],
    [{ ...calls, found: 13 }, true],
    [{ ...rate, found: 100_000 }, false],
    [rate, true],
    [{ name: 'wall time', found: 1e9, unit: 's' }, false],
  ])('%j: %s', (figure, over) => {
    expect(isOverBudget(figure)).toBe(over);
  });

  it('takes what could not be measured for over budget', () => {
    expect(isOverBudget({ ...calls, found: Number.NaN })).toBe(true);
    expect(isOverBudget({ ...rate, found: Number.NaN })).toBe(true);
  });
});

it('tableOf shows each figure with its budget beside it', () => {
  expect(tableOf([calls, { ...rate, beside: 'one thread' }]).split('\n')).toEqual([
    'figure  found            budget                  beside',
    'calls   12               at most 12        ok',
    'rate    99,000 a second  at least 100,000  OVER  one thread',
    '',
  ]);
});

it('median is the middle one', () => {
  expect(median([10, 2, 33])).toBe(10);
});
