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

export interface SealedBundle {
  manifest: Manifest;
  digest: string;
  /** Null where nothing was judged. */
  statuses: readonly StatusChunk[] | null;
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

/** How far apart the same chunk is looked for in two lists. */
const farthest = 16;

/**
 * The chunks that one list has and the other has not, or some more: both are in order, so they are
 * gone through side by side, and where they part they are brought together again.
 */
export function differenceOf(
  before: readonly StatusChunk[],
  now: readonly StatusChunk[],
): { removed: StatusChunk[]; added: StatusChunk[] } {
  const removed: StatusChunk[] = [];
  const added: StatusChunk[] = [];
  let a = 0;
  let b = 0;
  while (a < before.length || b < now.length) {
    const [ahead, behind] = meeting(before, now, a, b);
    for (const end = a + ahead; a < end; a += 1) removed.push(before[a] as StatusChunk);
    for (const end = b + behind; b < end; b += 1) added.push(now[b] as StatusChunk);
    while (a < before.length && b < now.length && isSame(before[a], now[b])) {
      a += 1;
      b += 1;
    }
  }
  return { removed, added };
}

/** How many chunks of each list lie before the next that both have; all that are left, if none is near. */
function meeting(
  before: readonly StatusChunk[],
  now: readonly StatusChunk[],
  a: number,
  b: number,
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

/** Mostly told by the object alone: a year of nights has a million chunks to compare. */
function isSame(one: StatusChunk | undefined, other: StatusChunk | undefined): boolean {
  return one === other || one?.digest === other?.digest;
}
