import type { CompiledLookup } from '../controls/compile.ts';
import { whyUntold } from '../controls/dataset-types.ts';
import { compareText } from '../evidence/json.ts';
import { bySource, type SliceInput, type SlicesOf } from './slices.ts';
import { standing } from './standing.ts';

/** Records of another dataset, by the value of one of their fields. */
export interface LookupSource {
  /**
   * The matching records, sorted by uid. `doubt` is set where one of them stands in a slice that
   * is not complete.
   * @throws CannotTell where nothing matches and not everything was collected, and where what
   * matches is stale.
   */
  find(lookup: CompiledLookup, value: unknown): Match;
}

export interface Match {
  records: readonly object[];
  doubt: string | null;
}

/** What would have to be known for an answer is not. */
export class CannotTell extends Error {}

interface Group extends Match {
  records: object[];
  stale: string | null;
}

interface Index {
  groups: Map<unknown, Group>;
  /** Why finding nothing proves nothing; null if it proves that there is none. */
  gap: string | null;
}

const nothing: Match = { records: [], doubt: null };

/** Indexes are built when first asked for and shared by all tests of a run. */
export function createLookups(slicesOf: SlicesOf, now: Date): LookupSource {
  const indexes = new Map<string, Index>();
  return {
    find(lookup, value) {
      // Null says that there is none to look for; nothing has to be known of the other side.
      if (value === null) return nothing;
      const id = `${lookup.types.name} ${lookup.key}`;
      let index = indexes.get(id);
      if (index === undefined) {
        index = buildIndex(lookup, slicesOf(lookup.types.name), now);
        indexes.set(id, index);
      }
      const group = index.groups.get(value);
      if (group === undefined) {
        if (index.gap !== null) throw new CannotTell(index.gap);
        return nothing;
      }
      if (group.stale !== null) throw new CannotTell(group.stale);
      return group;
    },
  };
}

function buildIndex(
  { types, key }: CompiledLookup,
  slices: readonly SliceInput[],
  now: Date,
): Index {
  const groups = new Map<unknown, Group>();
  let gap = slices.length === 0 ? `no configured source gives ${types.name}` : null;
  for (const { header, records } of [...slices].sort(bySource)) {
    const { state, missing, stale } = standing(header, types.staleAfterHours, now);
    const about = `${types.name} of ${header.scope}`;
    const doubt = state === 'complete' ? null : `${about} is incomplete: ${missing}`;
    const old = stale === null ? null : `${about}: ${stale}`;
    gap ??= doubt ?? old;
    if (state === 'failed') continue;
    for (const record of records()) {
      const decoded = types.decode(record) as { uid: string; [field: string]: unknown };
      const value = decoded[key];
      if (value === undefined) {
        const why = whyUntold(decoded, key);
        gap ??= `${key} of ${record.name} in ${about} could not be told${why === undefined ? '' : `: ${why}`}`;
      }
      if (value === undefined || value === null) continue;
      const group = groups.get(value);
      if (group === undefined) groups.set(value, { records: [decoded], doubt, stale: old });
      else {
        group.records.push(decoded);
        group.doubt ??= doubt;
        group.stale ??= old;
      }
    }
  }
  for (const [value, group] of groups) {
    const records = group.records as { uid: string }[];
    if (records.length > 1) records.sort((a, b) => compareText(a.uid, b.uid));
    // There may be more of them where not everything was seen, unless it was asked for by its uid.
    if (records[0]?.uid !== value) group.doubt ??= gap;
  }
  return { groups, gap };
}
