import { describe, expect, it } from 'vitest';
import { addDays } from '../../src/evidence/days.ts';
import { examine } from '../../src/period/period.ts';
import { populationOf } from '../../src/period/population.ts';
import { control, historyOf, type SeenNight, type SeenSlice, test } from '../support/histories.ts';

const direct = control({
  id: 'CM-02',
  frequency: 'per-event',
  tests: [test('direct', 'github.production_commits')],
});
const january = { start: '2026-01-01', end: '2026-01-31', timezone: 'UTC' };
const now = new Date('2026-03-10T12:00:00Z');
/** `day` of January stands for two in the morning. */
const at = (day: number) => `${addDays('2026-01-01', day - 1)}T02:00:00.000Z`;

/** What a night was told of one stretch of time: commits that failed, without a time of their own. */
function tells(from: string, to: string, ...failed: string[]): SeenSlice {
  const resources = Object.fromEntries(failed.map((uid) => [uid, { direct: 'fail' as const }]));
  return {
    source: 'code',
    scope: 'acme',
    dataset: 'github.production_commits',
    interval: { start: from, end: to },
    resources,
  };
}

function told(day: number, ...slices: SeenSlice[]): SeenNight {
  return { at: at(day), controls: [direct], slices };
}

function look(nights: readonly SeenNight[], period = january) {
  const report = examine(historyOf(nights), { period, now });
  const [own] = report.controls;
  return {
    deviations: own?.tests[0]?.deviations ?? [],
    marked: (own?.days ?? []).flatMap((state, index) =>
      state === 'deviation' ? [addDays(period.start, index)] : [],
    ),
    uids: populationOf(historyOf(nights), { period, now }, 'direct').items.map(({ uid }) => uid),
  };
}

describe('an event without a time of its own', () => {
  it.each([
    ['whose dataset names none', undefined],
    ['that could not be told', null],
  ])('did not happen when it was found: %s', (_why, time) => {
    const slice = tells(at(11), at(12), 'c1');
    const seen = look([
      told(12, time === undefined ? slice : { ...slice, at: { c1: time } }),
      told(13, tells(at(12), at(13))),
    ]);
    expect(seen.deviations).toMatchObject([
      {
        uid: 'c1',
        kind: 'event',
        opened: { after: at(11), by: at(12), how: 'found' },
        closed: null,
        days: null,
        spans: [{ status: 'fail', from: '2026-01-11', to: '2026-01-12' }],
        nights: { failing: 1 },
        first_run: expect.stringContaining('20260112T'),
      },
    ]);
    expect(seen.marked).toEqual(['2026-01-11', '2026-01-12']);
  });

  it('belongs to each period that the stretch lies in, and to no other', () => {
    for (const time of [{}, { at: { c1: null } }]) {
      const nights = [told(32, { ...tells(at(31), at(32), 'c1'), ...time })];
      const period = (start: string, end: string) => look(nights, { ...january, start, end });
      expect(look(nights)).toMatchObject({ marked: ['2026-01-31'], uids: ['c1'] });
      expect(period('2026-02-01', '2026-02-28')).toMatchObject({
        marked: ['2026-02-01'],
        uids: ['c1'],
      });
      expect(period('2026-01-01', '2026-01-30')).toMatchObject({ deviations: [], uids: [] });
      expect(period('2026-02-02', '2026-02-28')).toMatchObject({ deviations: [], uids: [] });
    }
  });

  it('counts where a backfill found it, not in the night that did', () => {
    const week = tells(at(1), at(8), 'c1');
    const { deviations, marked } = look([
      { ...told(20, week), kind: 'backfill' },
      told(20, tells(at(8), at(20))),
    ]);
    expect(deviations).toMatchObject([{ opened: { after: at(1), by: at(8), how: 'found' } }]);
    expect(marked).toEqual(Array.from({ length: 8 }, (_each, index) => at(index + 1).slice(0, 10)));
  });

  it('may be in any slice of the night that found it, but in none that failed', () => {
    const forgotten: SeenSlice = { ...tells(at(1), at(3)), outcome: 'failed' };
    const { deviations, marked } = look([
      told(20, forgotten, tells(at(5), at(6)), tells(at(18), at(20), 'c1')),
    ]);
    expect(deviations).toMatchObject([
      {
        opened: { after: at(5), by: at(20), how: 'found' },
        spans: [
          { from: '2026-01-05', to: '2026-01-06' },
          { from: '2026-01-18', to: '2026-01-20' },
        ],
      },
    ]);
    expect(marked).toEqual([5, 6, 18, 19, 20].map((day) => at(day).slice(0, 10)));
  });

  it('that has one happened then', () => {
    const slice = { ...tells(at(11), at(12), 'c1'), at: { c1: '2026-01-11T09:00:00Z' } };
    const { deviations, marked } = look([told(12, slice)]);
    expect(deviations).toMatchObject([
      { opened: { after: null, by: '2026-01-11T09:00:00.000Z', how: 'happened' } },
    ]);
    expect(marked).toEqual(['2026-01-11']);
  });
});
