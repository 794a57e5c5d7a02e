import { describe, expect, it } from 'vitest';
import { addDays } from '../../src/evidence/days.ts';
import { examine } from '../../src/period/period.ts';
import {
  control,
  historyOf,
  historyOfBundles,
  type SeenNight,
  sealedNight,
  test,
} from '../support/histories.ts';

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

describe('the controls', () => {
  const renamed = { ...age, id: 'AC-09' };
  const both = { controls: [age, other] };
  const one = { controls: [age] };

  /** What the changes say of each control: whether it was there, and on how many nights. */
  function changed(nights: Partial<SeenNight>[]) {
    const seen = nights.map((night, index): SeenNight => {
      return { at: addDays('2026-01-01', index), slices: [{ resources: {} }], ...night };
    });
    const { changes } = examine(historyOf(seen), { period, now });
    return Object.fromEntries(
      changes
        .filter(({ what }) => what === 'control')
        .map(({ id, versions }) => [
          id,
          versions.map(({ value, from, nights: count }) => [value !== '', from.slice(8), count]),
        ]),
    );
  }

  it('that came or went within the period are changes', () => {
    expect(changed([one, one, both])).toEqual({
      'AC-02': [
        [false, '01', 2],
        [true, '03', 1],
      ],
    });
    expect(changed([both, one, one])).toEqual({
      'AC-02': [
        [true, '01', 1],
        [false, '02', 2],
      ],
    });
    expect(changed([both, one, both])['AC-02']).toHaveLength(3);
  });

  it('that were renamed are: one went, one came', () => {
    expect(changed([one, { controls: [renamed] }])).toEqual({
      'AC-01': [
        [true, '01', 1],
        [false, '02', 1],
      ],
      'AC-09': [
        [false, '01', 1],
        [true, '02', 1],
      ],
    });
  });

  it('are none for nights that did not judge, that asked less, or that are of another job', () => {
    const sources = (...ids: string[]) => ({
      slices: ids.map((source) => ({ source, resources: {} })),
    });
    const whole = { ...both, ...sources('production', 'code') };
    expect(changed([whole, { ...one, ...sources('production') }, whole])).toEqual({});
    expect(changed([both, { kind: 'collect', controls: null }, both])).toEqual({});
    const job = { controls: [other], ...sources('code') };
    expect(changed([{ ...one, ...sources('production') }, job, one, job])).toEqual({});
    const backfill = { kind: 'backfill', ...one } as const;
    const interval = { start: '2026-01-01T00:00:00.000Z', end: '2026-01-02T00:00:00.000Z' };
    expect(changed([both, { ...backfill, slices: [{ interval }] }, both])).toEqual({});
  });

  it('that came together with a source came', () => {
    const added = { ...both, slices: ['production', 'code'].map((source) => ({ source })) };
    expect(changed([one, added, added])).toEqual({
      'AC-02': [
        [false, '01', 1],
        [true, '02', 2],
      ],
    });
  });

  it('are those that judged a night, where that was later', () => {
    const slices = [{ resources: { ada: { age: 'pass' as const } } }];
    const collected = sealedNight({ at: '2026-01-01', kind: 'collect', slices }, 1);
    const named = {
      ...collected,
      manifest: {
        ...collected.manifest,
        ...{
          controls: sealedNight({ at: '2026-01-01', slices, controls: [age] }, 1).manifest.controls,
        },
      },
    };
    const judged = sealedNight(
      { at: '2026-01-02', kind: 'evaluate', slices, controls: [renamed], evidenceOf: named },
      2,
    );
    const history = historyOfBundles([named, judged], [age, renamed]);
    const { versions } = examine(history, { period, now });
    expect(versions.filter(({ what }) => what === 'control').map(({ id }) => id)).toEqual([
      'AC-09',
    ]);
  });
});
