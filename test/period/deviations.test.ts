import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays } from '../../src/evidence/days.ts';
import type { Status } from '../../src/evidence/result.ts';
import { examine } from '../../src/period/period.ts';
import type { Deviation } from '../../src/period/report.ts';
import { control, historyOf, type SeenNight, type Statuses, test } from '../support/histories.ts';

const mfa = control({ tests: [{ ...test('mfa'), severity: 'critical' }] });
const period = { start: '2026-01-01', end: '2026-01-31', timezone: 'UTC' };
const now = new Date('2026-02-10T12:00:00Z');

/** A night a day from the period's first on; a letter is what came out for `ada`, `-` no run. */
function story(letters: string): SeenNight[] {
  return [...letters].flatMap((letter, index): SeenNight[] => {
    const at = addDays(period.start, index);
    const statuses: Record<string, Status> = {
      p: 'pass',
      f: 'fail',
      w: 'waived',
      e: 'error',
      n: 'not_applicable',
    };
    const status = statuses[letter];
    const others: Record<string, Statuses> = { zoe: { mfa: 'pass' } };
    const resources = status === undefined ? others : { ada: { mfa: status }, ...others };
    if (letter === '-') return [];
    if (letter === 'X') return [{ at, controls: [mfa], slices: [{ outcome: 'failed' }] }];
    if (letter === 'P') return [{ at, controls: [mfa], slices: [{ outcome: 'partial' }] }];
    return [{ at, controls: [mfa], slices: [{ resources }] }];
  });
}

function deviationsOf(nights: readonly SeenNight[]): Deviation[] {
  const report = examine(historyOf(nights), { period, now });
  return report.controls.flatMap(({ tests }) => tests.flatMap(({ deviations }) => deviations));
}

/** `day` stands for two in the morning. */
const night = (day: number) => `2026-01-${String(day).padStart(2, '0')}T02:00:00.000Z`;

describe('a deviation', () => {
  it('opened between the last pass and the first fail, closed between the last fail and the first pass', () => {
    const [only, another] = deviationsOf(story('ppfffpp'));
    expect(another).toBeUndefined();
    expect(only).toMatchObject({
      test: 'mfa',
      uid: 'ada',
      opened: { after: night(2), by: night(3), how: 'failed' },
      closed: { after: night(5), by: night(6), how: 'mended' },
      days: { least: 2, most: 4 },
      nights: { failing: 3, waived: 0, unseen: 0 },
      recurrence: 0,
      remediation: { severity: 'critical', days: 7, state: 'in time', due: null },
    });
  });

  it('is neither opened nor closed by evidence that is missing', () => {
    expect(deviationsOf(story('pfXfePf-fp'))).toMatchObject([
      {
        opened: { after: night(1), by: night(2) },
        closed: { after: night(9), by: night(10), how: 'mended' },
        nights: { failing: 4, unseen: 3 },
        days: { least: 7, most: 9 },
      },
    ]);
    expect(deviationsOf(story('pXef'))).toMatchObject([
      { opened: { after: night(1), by: night(4) }, closed: null },
    ]);
  });

  it('is as long as brackets without observations allow', () => {
    expect(deviationsOf(story('p---f---p'))).toMatchObject([
      {
        opened: { after: night(1), by: night(5) },
        closed: { after: night(5), by: night(9) },
        days: { least: 0, most: 8 },
        remediation: { state: 'perhaps late' },
      },
    ]);
    expect(deviationsOf(story('pffffffffp'))).toMatchObject([
      { days: { least: 7, most: 9 }, remediation: { state: 'perhaps late' } },
    ]);
    expect(deviationsOf(story('pfffffffffp'))).toMatchObject([
      { days: { least: 8, most: 10 }, remediation: { state: 'late' } },
    ]);
  });

  it('comes with its resource, and goes with it', () => {
    expect(deviationsOf(story('..ff..'))).toMatchObject([
      {
        opened: { after: night(2), by: night(3), how: 'created' },
        closed: { after: night(4), by: night(5), how: 'deleted' },
      },
    ]);
  });

  it('does not go with a resource that an incomplete night did not show', () => {
    expect(deviationsOf(story('pffXf'))).toMatchObject([
      { closed: null, nights: { failing: 3, unseen: 1 } },
    ]);
    // Deleted while nobody could see it: known with the next complete night.
    expect(deviationsOf(story('pffXX.'))).toMatchObject([
      { closed: { after: night(3), by: night(6), how: 'deleted' } },
    ]);
  });

  it('goes on where its test is not among the controls for a night', () => {
    const other = control({ id: 'EN-01', tests: [test('encrypted', 'aws.s3.buckets')] });
    const nights = story('pffffp').map((each, index) => ({
      ...each,
      controls: index === 3 ? [other] : [mfa, other],
    }));
    expect(deviationsOf(nights)).toMatchObject([
      {
        opened: { after: night(1), by: night(2), how: 'failed' },
        closed: { after: night(5), by: night(6), how: 'mended' },
        nights: { failing: 3, unseen: 1 },
      },
    ]);
  });

  it('leaves the population, and enters it', () => {
    expect(deviationsOf(story('nfn'))).toMatchObject([
      {
        opened: { after: night(1), by: night(2), how: 'entered the population' },
        closed: { after: night(2), by: night(3), how: 'left the population' },
      },
    ]);
  });

  it('was there at the first look', () => {
    expect(deviationsOf(story('ffp'))).toMatchObject([
      { opened: { after: null, by: night(1), how: 'first seen' }, days: { least: 1, most: null } },
    ]);
  });

  it('recurs', () => {
    expect(
      deviationsOf(story('pfpf.f')).map(({ recurrence, opened }) => [recurrence, opened.how]),
    ).toEqual([
      [0, 'failed'],
      [1, 'failed'],
      [2, 'created'],
    ]);
  });

  it('is waived for exactly the nights that were judged so', () => {
    expect(deviationsOf(story('pfwwfp'))).toMatchObject([
      {
        waived: 'partly',
        nights: { failing: 4, waived: 2 },
        spans: [
          { status: 'fail', from: '2026-01-02', to: '2026-01-02' },
          { status: 'waived', from: '2026-01-03', to: '2026-01-04' },
          { status: 'fail', from: '2026-01-05', to: '2026-01-05' },
        ],
      },
    ]);
    expect(deviationsOf(story('pwwp'))).toMatchObject([{ waived: 'wholly' }]);
  });

  it('that is open says by when it has to be closed', () => {
    expect(deviationsOf(story('pf'))).toMatchObject([
      { closed: null, remediation: { due: '2026-01-09', state: 'perhaps late' } },
    ]);
  });

  it('belongs to the period if a night of the period saw it', () => {
    const before = {
      at: '2025-12-30',
      controls: [mfa],
      slices: [{ resources: { ada: { mfa: 'fail' as const } } }],
    };
    expect(deviationsOf([before, ...story('pp')])).toEqual([]);
    expect(deviationsOf([before, ...story('fp')])).toMatchObject([
      { opened: { by: '2025-12-30T02:00:00.000Z' }, closed: { by: night(2) } },
    ]);
  });
});

describe('deviations', () => {
  /** What a person would do: look at each night, one resource after the other. */
  function byHand(
    letters: string,
  ): [string, string | null, string, string | null, string | null][] {
    const found: [string, string | null, string, string | null, string | null][] = [];
    let known: string | null = null;
    let knownAt: string | null = null;
    let open: (typeof found)[number] | null = null;
    [...letters].forEach((letter, index) => {
      if ('-XPe'.includes(letter)) return;
      const at = night(index + 1);
      const failing = letter === 'f' || letter === 'w';
      if (failing && open === null) {
        open = ['ada', known === null ? null : knownAt, at, null, null];
        found.push(open);
      } else if (!failing && open !== null) {
        open[3] = knownAt;
        open[4] = at;
        open = null;
      }
      known = letter;
      knownAt = at;
    });
    return found;
  }

  it('are those that one finds night by night, whatever happened', () => {
    const letters = fc.array(fc.constantFrom(...'ppffwen.-XP'), { minLength: 1, maxLength: 31 });
    fc.assert(
      fc.property(letters, (each) => {
        const text = each.join('');
        const found = deviationsOf(story(text)).map(({ uid, opened, closed }) => [
          uid,
          opened.after,
          opened.by,
          closed?.after ?? null,
          closed?.by ?? null,
        ]);
        expect(found).toEqual(byHand(text));
      }),
      { numRuns: 500 },
    );
  });

  it('are the same in whatever order the bundles are read', () => {
    const letters = fc.array(fc.constantFrom(...'pfwen.-XP'), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(letters, fc.infiniteStream(fc.nat()), (each, random) => {
        const history = historyOf(story(each.join('')));
        const shuffled = history.bundles
          .map((bundle) => ({ bundle, rank: random.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ bundle }) => bundle);
        const request = { period, now };
        expect(examine({ ...history, bundles: shuffled }, request)).toEqual(
          examine(history, request),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('are never removed by one more night that fails', () => {
    const letters = fc.array(fc.constantFrom(...'pfwen.-XP'), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(letters, fc.nat({ max: 19 }), fc.nat({ max: 23 }), (each, day, hour) => {
        const nights = story(each.join(''));
        const at = `${addDays(period.start, day)}T${String(hour).padStart(2, '0')}:30:00.000Z`;
        const failing: SeenNight = {
          at,
          controls: [mfa],
          slices: [{ resources: { ada: { mfa: 'fail' }, zoe: { mfa: 'fail' } } }],
        };
        const time = ({ at: when }: SeenNight) =>
          when.length === 10 ? `${when}T02:00:00.000Z` : when;
        const more = [...nights, failing].sort((a, b) => (time(a) < time(b) ? -1 : 1));
        const before = deviationsOf(nights);
        const after = deviationsOf(more);
        for (const old of before) {
          const covered = after.some(
            (one) =>
              one.uid === old.uid &&
              one.opened.by <= old.opened.by &&
              (one.closed?.by ?? '9') >= (old.closed?.by ?? one.closed?.by ?? '9'),
          );
          expect(covered).toBe(true);
        }
        const uids = (all: Deviation[]) => new Set(all.map(({ uid }) => uid));
        for (const uid of uids(before)) expect(uids(after)).toContain(uid);
        expect(after.length).toBeGreaterThanOrEqual(before.length);
      }),
      { numRuns: 200 },
    );
  });
});
