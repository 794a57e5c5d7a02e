import { TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';
import type { EvidenceRecord, SliceHeader } from '../evidence/slice.ts';

/** A slice whose records come when they are asked for. */
export interface SliceInput {
  header: SliceHeader;
  /** Called once for each test and lookup: a fresh pass over the records, sorted by uid. */
  records(): Iterable<EvidenceRecord>;
}

/** Every slice of a dataset in this run. */
export type SlicesOf = (dataset: string) => readonly SliceInput[];

/** A slice that is held in memory, whatever the order of its records. */
export function sliceInput(header: SliceHeader, records: readonly EvidenceRecord[]): SliceInput {
  const sorted = [...records].sort((a, b) => compareText(a.uid, b.uid));
  return { header, records: () => sorted };
}

export function bySource(a: SliceInput, b: SliceInput): number {
  return (
    compareText(a.header.scope, b.header.scope) ||
    compareText(a.header.source, b.header.source) ||
    compareText(a.header.interval?.start ?? '', b.header.interval?.start ?? '')
  );
}

/**
 * A slice's records.
 * @throws TickmarkError IntegrityBroken when they are not sorted by uid, each once.
 */
export function* inOrder({ header, records }: SliceInput): Generator<EvidenceRecord> {
  let last: string | undefined;
  for (const record of records()) {
    if (last !== undefined && last >= record.uid) {
      const slice = `${header.source}/${header.scope}/${header.dataset}`;
      throw new TickmarkError(
        'IntegrityBroken',
        `${slice}: the records are not sorted by uid, each once (at ${record.uid})`,
      );
    }
    last = record.uid;
    yield record;
  }
}
