import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceOf, type StatusChunk } from '../../src/period/history.ts';

const chunk = (digest: string): StatusChunk => ({ digest, lines: [] });
const names = (chunks: readonly StatusChunk[]) => chunks.map(({ digest }) => digest);

describe('differenceOf', () => {
  const list = fc
    .uniqueArray(fc.nat({ max: 200 }), { maxLength: 120 })
    .map((numbers) => [...numbers].sort((a, b) => a - b).map((number) => chunk(`${number}`)));

  it('has all that differs, each once, in order, and brings one list to the other', () => {
    fc.assert(
      fc.property(list, list, (before, now) => {
        const { removed, added } = differenceOf(before, now);
        const had = new Set(names(before));
        const has = new Set(names(now));
        expect(names(removed)).toEqual(
          expect.arrayContaining(names(before).filter((each) => !has.has(each))),
        );
        expect(names(added)).toEqual(
          expect.arrayContaining(names(now).filter((each) => !had.has(each))),
        );
        expect(names(removed)).toEqual(
          names(before).filter((each) => names(removed).includes(each)),
        );
        expect(names(added)).toEqual(names(now).filter((each) => names(added).includes(each)));
        const kept = names(before).filter((each) => !names(removed).includes(each));
        expect([...kept, ...names(added)].sort()).toEqual(names(now).sort());
      }),
    );
  });

  it('of lists that share nearly all is what they do not share', () => {
    const before = Array.from({ length: 1000 }, (_each, index) => chunk(`${index}`));
    const now = before.flatMap((each, index) =>
      index === 10
        ? []
        : index === 500
          ? [chunk('new'), chunk('newer')]
          : index === 900
            ? [each, chunk('more')]
            : [each],
    );
    const { removed, added } = differenceOf(before, now);
    expect([names(removed), names(added)]).toEqual([
      ['10', '500'],
      ['new', 'newer', 'more'],
    ]);
    expect(differenceOf(before, before)).toEqual({ removed: [], added: [] });
  });
});
