import { describe, expect, it } from 'vitest';
import type { Waiver } from '../../src/controls/waivers.ts';
import { addDays } from '../../src/evidence/days.ts';
import type { Status } from '../../src/evidence/result.ts';
import { examine } from '../../src/period/period.ts';
import { control, historyOf, type SeenNight, test } from '../support/histories.ts';

const mfa = control({ tests: [test('mfa')] });
const period = { start: '2026-01-01', end: '2026-01-10', timezone: 'UTC' };
const now = new Date('2026-01-10T12:00:00Z');
const waiver = (over: Partial<Waiver>): Waiver => ({
  test: 'mfa',
  resource: 'ada',
  reason: 'Kept in a safe',
  approver: 'Grace Hopper',
  from: '2026-01-01',
  until: '2026-01-31',
  ...over,
});

/** Nights from the first of January on: what came out for `ada`, and the file that was there. */
function reported(files: Record<string, Waiver[]>, story: [Status, string][]) {
  const nights = story.map(
    ([status, file], index): SeenNight => ({
      at: addDays('2026-01-01', index),
      controls: [mfa],
      slices: [{ resources: { ada: { mfa: status } } }],
      waivers: { file: 'waivers.yaml', digest: file },
    }),
  );
  const waivers = new Map(Object.entries(files));
  return examine(historyOf(nights, { waivers }), { period, now }).waivers.map(
    ({ resource, from, state, deviations }) => [resource, from, state, deviations],
  );
}

describe('waivers', () => {
  it('are credited with what came under them, and no more', () => {
    const files = { a: [waiver({}), waiver({ resource: 'zoe' })] };
    expect(
      reported(files, [
        ['waived', 'a'],
        ['waived', 'a'],
        ['pass', 'a'],
      ]),
    ).toEqual([
      ['ada', '2026-01-01', 'in force', 1],
      ['zoe', '2026-01-01', 'unmatched', 0],
    ]);
  });

  it('are not credited with nights that did not have them, whatever their dates say', () => {
    const files = { a: [waiver({ until: '2026-01-05' })], b: [waiver({ from: '2025-01-01' })] };
    expect(
      reported(files, [
        ['waived', 'a'],
        ['pass', 'a'],
        ['pass', 'b'],
      ]),
    ).toEqual([
      ['ada', '2026-01-01', 'expired', 1],
      ['ada', '2025-01-01', 'unmatched', 0],
    ]);
  });

  it('are not credited where another stands before them', () => {
    const files = { a: [waiver({}), waiver({ resource: '*' })] };
    expect(reported(files, [['waived', 'a']])).toEqual([
      ['ada', '2026-01-01', 'in force', 1],
      ['*', '2026-01-01', 'unmatched', 0],
    ]);
  });

  it('of before and after are named as such', () => {
    const files = {
      a: [waiver({ until: '2026-01-09' }), waiver({ from: '2026-01-11', until: '2026-01-12' })],
    };
    expect(
      reported(files, [
        ['waived', 'a'],
        ['fail', 'a'],
      ]),
    ).toEqual([
      ['ada', '2026-01-01', 'expired', 1],
      ['ada', '2026-01-11', 'not yet in force', 0],
    ]);
  });
});
