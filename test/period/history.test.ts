import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceOf, type StatusChunk, type StatusGroup } from '../../src/period/history.ts';

const chunk = (digest: string): StatusChunk => ({ digest, lines: [] });

/** The list in groups, each of which ends behind a digest of this kind; the same group is the same object. */
function grouper(): (chunks: readonly StatusChunk[]) => StatusGroup[] {
  const known = new Map<string, StatusGroup>();
  return (chunks) => {
    const groups: StatusChunk[][] = [[]];
    for (const each of chunks) {
      groups.at(-1)?.push(each);
      if (each.digest.endsWith('5')) groups.push([]);
    }
    return groups.map((group) => {
      const name = names(group).join();
      const found = known.get(name) ?? group;
      known.set(name, found);
      return found;
    });
  };
}
const names = (chunks: readonly StatusChunk[]) => chunks.map(({ digest }) => digest);

describe('differenceOf', () => {
  const list = fc
    .uniqueArray(fc.nat({ max: 200 }), { maxLength: 120 })
    .map((numbers) => [...numbers].sort((a, b) => a - b).map((number) => chunk(`${number}`)));

  it('has all that differs, each once, in order, and brings one list to the other', () => {
    fc.assert(
      fc.property(list, list, (before, now) => {
        const grouped = grouper();
        const { removed, added } = differenceOf(grouped(before), grouped(now));
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
    const grouped = grouper();
    const { removed, added } = differenceOf(grouped(before), grouped(now));
    expect([names(removed), names(added)]).toEqual([
      ['10', '500'],
      ['new', 'newer', 'more'],
    ]);
    expect(differenceOf(grouped(before), grouped(before))).toEqual({ removed: [], added: [] });
    expect(differenceOf([before], [[...before]])).toEqual({ removed: [], added: [] });
  });
});
