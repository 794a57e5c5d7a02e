/**
 * Draws from a population by lots that anybody can draw again: each item's lot is a digest of the
 * seed and of what names the item, and the least lots win (docs/samples.md). Pure.
 */

import { dayIn } from '../evidence/days.ts';
import { canonicalJson, compareText, sha256 } from '../evidence/json.ts';
import type { PopulationItem } from './population.ts';

/** Written into what is drawn; another way of drawing would have another name. */
export const algorithm = 'sha256-lots/1';

/** What a population can be divided by before drawing. */
export const strata = ['scope', 'source', 'status', 'month'] as const;
export type Stratum = (typeof strata)[number];

export interface DrawRequest {
  /** Any text: the same one draws the same items. */
  seed: string;
  /** Items of each stratum; of the whole population where it is not divided. */
  size: number;
  by: Stratum | null;
  /** IANA name: months begin and end there. */
  timezone: string;
}

export interface Drawn {
  item: PopulationItem;
  /** Null where the population is not divided. */
  stratum: string | null;
  /** 64 hex digits: the item's place among all. */
  lot: string;
}

/** One stratum, or the whole population. */
export interface DrawnStratum {
  stratum: string | null;
  population: number;
  drawn: number;
}

/**
 * The items with the least lots of each stratum, strata in order of their names, items in order of
 * their lots. Whoever asks for fewer with the same seed gets the first of them. What has fewer
 * items than asked for is drawn whole.
 */
export function draw(
  items: readonly PopulationItem[],
  { seed, size, by, timezone }: DrawRequest,
): { drawn: Drawn[]; strata: DrawnStratum[] } {
  const groups = new Map<string | null, Drawn[]>(by === null ? [[null, []]] : []);
  for (const item of items) {
    const stratum = by === null ? null : stratumOf(item, by, timezone);
    const group = groups.get(stratum) ?? [];
    if (group.length === 0) groups.set(stratum, group);
    group.push({ item, stratum, lot: lotOf(seed, stratum, item) });
  }
  const drawn: Drawn[] = [];
  const found: DrawnStratum[] = [];
  for (const [stratum, group] of [...groups].sort(([a], [b]) => compareText(a ?? '', b ?? ''))) {
    const least = group.sort(byLot).slice(0, size);
    drawn.push(...least);
    found.push({ stratum, population: group.length, drawn: least.length });
  }
  return { drawn, strata: found };
}

/** A drawn item as it is sealed, in the order of drawing. */
export interface DrawnLine {
  lot: string;
  stratum: string | null;
  source: string;
  scope: string;
  uid: string;
  name: string;
}

export function lineOf({ item: { source, scope, uid, name }, lot, stratum }: Drawn): DrawnLine {
  return { lot, stratum, source, scope, uid, name };
}

/** What names an item; a population is sorted by its parts, each once. */
export function itemKey({
  source,
  scope,
  uid,
}: Pick<PopulationItem, 'source' | 'scope' | 'uid'>): string {
  return canonicalJson([source, scope, uid]);
}

/** The lot of an item: SHA-256 of a canonical JSON array, so that no two items or seeds can meet. */
export function lotOf(
  seed: string,
  stratum: string | null,
  { source, scope, uid }: Pick<PopulationItem, 'source' | 'scope' | 'uid'>,
): string {
  return sha256(canonicalJson([seed, stratum, source, scope, uid]));
}

/** The stratum that an item belongs to. */
export function stratumOf(
  { source, scope, nights, event_at }: PopulationItem,
  by: Stratum,
  timezone: string,
): string {
  if (by === 'source') return source;
  // Two sources may call a part of them alike.
  if (by === 'scope') return `${source} ${scope}`;
  // A waiver accepts a failure; it does not unmake it.
  if (by === 'status') return nights.fail + nights.waived > 0 ? 'failed' : 'never failed';
  return event_at === null ? 'unknown' : dayIn(new Date(event_at), timezone).slice(0, 7);
}

function byLot(a: Drawn, b: Drawn): number {
  return compareText(a.lot, b.lot) || compareText(itemKey(a.item), itemKey(b.item));
}
