/** Holds sealed results against those that came out again: pure. */
import { isDeepStrictEqual } from 'node:util';
import { noCounts, type Result, type StatusCounts } from '../evidence/result.ts';

const comparedFields = ['status', 'reason', 'observed', 'observed_at', 'name'] as const;
export type ComparedField = (typeof comparedFields)[number];

/** One row that is not in both, or not the same in both. */
export interface Difference {
  control: string;
  test: string;
  resource: Result['resource'];
  /** The sealed row; null where there is none. */
  sealed: Result | null;
  /** The row that came out again; null where none did. */
  again: Result | null;
  /** What differs where there are both. */
  fields: ComparedField[];
}

export interface Comparison {
  differences: Difference[];
  /** Sealed rows that were held against others. */
  compared: number;
  /** Sealed rows of tests that were not evaluated again. */
  left_out: number;
  /** Every sealed row, by status. */
  counts: StatusCounts;
}

/**
 * Rows belong together by control, test, scope and uid. Two sources may give the same resource:
 * equal rows go together first.
 * @param isLeftOut whether a sealed row is of a test that was not evaluated again.
 */
export async function compareResults(
  sealed: AsyncIterable<Result>,
  again: Iterable<Result>,
  isLeftOut: (result: Result) => boolean,
): Promise<Comparison> {
  const comparison: Comparison = { differences: [], compared: 0, left_out: 0, counts: noCounts() };
  const rest = again[Symbol.iterator]();
  const onlySealed = new Map<string, Result[]>();
  const onlyAgain: Result[] = [];
  for await (const row of sealed) {
    comparison.counts[row.status] += 1;
    if (isLeftOut(row)) {
      comparison.left_out += 1;
      continue;
    }
    comparison.compared += 1;
    // Both come in the same order: as long as nothing differs, no row has to be looked for.
    const next = rest.next();
    if (next.done !== true) {
      if (isSame(row, next.value)) continue;
      onlyAgain.push(next.value);
    }
    const key = keyOf(row);
    const rows = onlySealed.get(key);
    if (rows === undefined) onlySealed.set(key, [row]);
    else rows.push(row);
  }
  for (let next = rest.next(); next.done !== true; next = rest.next()) onlyAgain.push(next.value);
  const unmatched = onlyAgain.filter((row) => {
    const rows = onlySealed.get(keyOf(row)) ?? [];
    const same = rows.findIndex((other) => isSame(other, row));
    if (same >= 0) rows.splice(same, 1);
    return same < 0;
  });
  for (const row of unmatched) {
    comparison.differences.push(difference(onlySealed.get(keyOf(row))?.shift() ?? null, row));
  }
  for (const rows of onlySealed.values()) {
    for (const row of rows) comparison.differences.push(difference(row, null));
  }
  return comparison;
}

function isSame(sealed: Result, again: Result): boolean {
  return (
    sealed.resource.uid === again.resource.uid &&
    sealed.resource.scope === again.resource.scope &&
    sealed.test === again.test &&
    sealed.control === again.control &&
    differing(sealed, again).length === 0
  );
}

function keyOf({ control, test, resource }: Result): string {
  return JSON.stringify([control, test, resource.scope, resource.uid]);
}

function differing(sealed: Result, again: Result): ComparedField[] {
  return comparedFields.filter((field) => {
    if (field === 'name') return sealed.resource.name !== again.resource.name;
    return sealed[field] !== again[field] && !isDeepStrictEqual(sealed[field], again[field]);
  });
}

function difference(sealed: Result | null, again: Result | null): Difference {
  const { control, test, resource } = (sealed ?? again) as Result;
  const fields = sealed === null || again === null ? [] : differing(sealed, again);
  return { control, test, resource, sealed, again, fields };
}
