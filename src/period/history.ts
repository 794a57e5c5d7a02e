/** What a period is read from: every bundle of a store, and what the files that they name say. */
import type { Control } from '../controls/schema.ts';
import type { Waiver } from '../controls/waivers.ts';
import type { StatusLine } from '../evidence/result.ts';
import type { Manifest } from '../seal/manifest.ts';

/** A piece of a list of statuses. Nights share most of them: one object stands for all. */
export interface StatusChunk {
  digest: string;
  lines: readonly StatusLine[];
}

/** Chunks one after the other. Most nights have most of them: one object stands for all of these too. */
export type StatusGroup = readonly StatusChunk[];

export interface SealedBundle {
  manifest: Manifest;
  digest: string;
  /** Null where nothing was judged. */
  statuses: readonly StatusGroup[] | null;
}

export interface History {
  /** In any order. */
  bundles: readonly SealedBundle[];
  /** The control files that they name, by digest. */
  controls: ReadonlyMap<string, Control>;
  /** The files of waivers that they name, by digest. */
  waivers: ReadonlyMap<string, readonly Waiver[]>;
  /** Days for which a source tells of an event, by dataset; what always does is not among them. */
  reachDays: ReadonlyMap<string, number>;
}

/** How far apart the same is looked for in two lists. */
const farthest = 16;

export interface Difference {
  removed: readonly StatusChunk[];
  added: readonly StatusChunk[];
}

/** By the later list: populations are followed through the same nights, one after the other. */
const known = new WeakMap<
  readonly StatusGroup[],
  { before: readonly StatusGroup[]; difference: Difference }
>();

/** The chunks that one list has and the other has not, or some more: groups that both have are passed over. */
export function differenceOf(
  before: readonly StatusGroup[],
  now: readonly StatusGroup[],
): Difference {
  const last = known.get(now);
  if (last?.before === before) return last.difference;
  const groups = apart(before, now, (one, other) => one === other);
  const difference = apart(groups.removed.flat(), groups.added.flat(), isSame);
  known.set(now, { before, difference });
  return difference;
}

type IsSame<T> = (one: T | undefined, other: T | undefined) => boolean;

/** Both lists are in order: they are gone through side by side, and brought together where they part. */
function apart<T>(
  before: readonly T[],
  now: readonly T[],
  isSame: IsSame<T>,
): { removed: T[]; added: T[] } {
  const removed: T[] = [];
  const added: T[] = [];
  let a = 0;
  let b = 0;
  while (a < before.length || b < now.length) {
    const [ahead, behind] = meeting(before, now, a, b, isSame);
    for (const end = a + ahead; a < end; a += 1) removed.push(before[a] as T);
    for (const end = b + behind; b < end; b += 1) added.push(now[b] as T);
    while (a < before.length && b < now.length && isSame(before[a], now[b])) {
      a += 1;
      b += 1;
    }
  }
  return { removed, added };
}

/** How many of each list lie before the next that both have; all that are left, if none is near. */
function meeting<T>(
  before: readonly T[],
  now: readonly T[],
  a: number,
  b: number,
  isSame: IsSame<T>,
): [number, number] {
  for (let apart = 0; apart <= 2 * farthest; apart += 1) {
    for (
      let ahead = Math.max(0, apart - farthest);
      ahead <= Math.min(apart, farthest);
      ahead += 1
    ) {
      const one = before[a + ahead];
      if (one !== undefined && isSame(one, now[b + apart - ahead])) {
        return [ahead, apart - ahead];
      }
    }
  }
  return [before.length - a, now.length - b];
}

/** Mostly told by the object alone. */
function isSame(one: StatusChunk | undefined, other: StatusChunk | undefined): boolean {
  return one === other || one?.digest === other?.digest;
}
