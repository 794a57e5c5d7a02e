import { describe, expect, it } from 'vitest';
import type { Control } from '../../src/controls/schema.ts';
import { addDays } from '../../src/evidence/days.ts';
import { examine } from '../../src/period/period.ts';
import { control, historyOf, type Statuses, test } from '../support/histories.ts';

const period = { start: '2026-01-01', end: '2026-01-06', timezone: 'UTC' };
const now = new Date('2026-02-01T12:00:00Z');
const mfa = test('mfa');
const keys = test('keys');
const passed: Statuses = { mfa: 'pass', keys: 'pass' };

/** The period of nights from the first of January on, each with these controls. */
function told(
  nights: readonly (readonly Control[])[],
  statuses: (index: number) => Statuses = () => passed,
  start = period.start,
) {
  const history = historyOf(
    nights.map((controls, index) => ({
      at: addDays('2026-01-01', index),
      controls,
      slices: [{ resources: { ada: statuses(index) } }],
    })),
  );
  const { controls } = examine(history, { period: { ...period, start }, now });
  return (id: string) => {
    const found = controls.find((each) => each.id === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    return found;
  };
}

/** The same for so many nights. */
const times = (count: number, ...controls: Control[]) =>
  Array.from({ length: count }, () => controls);

describe('a control that was renamed', () => {
  const before = control({ id: 'XX-01', tests: [mfa] });
  const renamed = [...times(3, before), ...times(3, { ...before, id: 'XX-02' })];

  it('says where its test is, and is not one that only people can show', () => {
    const { conclusion, because, tests, moved } = told(renamed)('XX-01');
    expect(conclusion).toBe('insufficient evidence');
    expect(because).toEqual(['its test mfa belongs to control XX-02 since 2026-01-04']);
    expect(tests).toEqual([]);
    expect(moved).toEqual([{ test: 'mfa', from: 'XX-01', to: 'XX-02', since: '2026-01-04' }]);
  });

  it('goes on under its new name with all nights, and with what deviated before', () => {
    const found = told(renamed, (index) => ({ mfa: index === 1 ? 'fail' : 'pass' }));
    const { conclusion, coverage, tests, moved } = found('XX-02');
    expect(conclusion).toBe('operated with deviations');
    expect(coverage).toEqual({ expected: 6, complete: 6 });
    expect(tests[0]?.deviations).toMatchObject([{ control: 'XX-02', test: 'mfa' }]);
    expect(moved).toEqual(found('XX-01').moved);
  });

  it('twice, is told by its newest name; back again, by its old one', () => {
    const names = (...ids: string[]) => told(ids.map((id) => [{ ...before, id }]));
    const twice = names('XX-01', 'XX-01', 'XX-02', 'XX-02', 'XX-03', 'XX-03');
    const words = ['its test mfa belongs to control XX-03 since 2026-01-05'];
    expect(['XX-01', 'XX-02'].map((id) => twice(id).because)).toEqual([words, words]);
    const back = names('XX-01', 'XX-01', 'XX-02', 'XX-02', 'XX-01', 'XX-01');
    expect(back('XX-01')).toMatchObject({ conclusion: 'operated', because: [] });
    expect(back('XX-02').because).toEqual([
      'its test mfa belongs to control XX-01 since 2026-01-05',
    ]);
  });

  it('loosens nothing by that', () => {
    const loose = control({
      id: 'XX-02',
      frequency: 'annual',
      remediation_days: { critical: 90, high: 90, medium: 90, low: 90 },
      tests: [{ ...mfa, severity: 'low' }],
    });
    const strict = control({ id: 'XX-01', tests: [{ ...mfa, severity: 'critical' }] });
    const { frequency, coverage, tests } = told(
      [...times(3, strict), [], ...times(2, loose)],
      () => ({ mfa: 'fail' }),
    )('XX-02');
    expect(frequency).toBe('daily');
    expect(coverage).toEqual({ expected: 6, complete: 5 });
    expect(tests[0]?.severity).toBe('critical');
    expect(tests[0]?.deviations[0]?.remediation).toMatchObject({ severity: 'critical', days: 7 });
  });
});

describe('a test that moved to another control', () => {
  const first = control({ id: 'AC-01', tests: [keys] });
  const other = control({ id: 'AC-02', tests: [mfa, test('root')] });
  const more = control({ id: 'AC-01', tests: [keys, mfa] });
  const less = control({ id: 'AC-02', tests: [test('root')] });
  const all: Statuses = { ...passed, root: 'pass' };

  it('is in the one that has it now, whichever of the two was there first', () => {
    const found = told([...times(3, first, other), ...times(3, more, less)], () => all);
    expect(found('AC-01').tests.map(({ id }) => id)).toEqual(['keys', 'mfa']);
    expect(found('AC-01')).toMatchObject({ conclusion: 'operated', because: [] });
    expect(found('AC-02').tests.map(({ id }) => id)).toEqual(['root']);
  });

  it('leaves no control behind that operated without it', () => {
    const found = told([...times(3, first, other), ...times(3, more, less)], (index) => ({
      ...all,
      mfa: index < 3 ? 'fail' : 'pass',
    }));
    expect(found('AC-02')).toMatchObject({
      conclusion: 'insufficient evidence',
      because: ['its test mfa belongs to control AC-01 since 2026-01-04'],
    });
    expect(found('AC-02').tests).toMatchObject([{ id: 'root', conclusion: 'operated' }]);
  });

  it('before the period is no matter to it', () => {
    const found = told(
      [...times(3, first, other), ...times(3, more, less)],
      () => all,
      '2026-01-04',
    );
    expect(found('AC-02')).toMatchObject({ conclusion: 'operated', because: [] });
  });

  it('leaves the others of its new control as they were asked for', () => {
    const annual = control({ id: 'AC-01', frequency: 'annual', tests: [keys, mfa] });
    const found = told(
      [...times(2, { ...annual, tests: [keys] }, other), [], ...times(3, annual, less)],
      () => all,
    );
    expect(found('AC-01').tests).toMatchObject([
      { id: 'keys', coverage: { expected: 1, complete: 1 } },
      { id: 'mfa', coverage: { expected: 6, complete: 5 } },
    ]);
  });
});
