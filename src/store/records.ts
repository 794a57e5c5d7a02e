import { compareText } from '../evidence/json.ts';
import type { EvidenceRecord } from '../evidence/slice.ts';
import type { SealedSlice } from '../seal/manifest.ts';
import type { ChunkReader } from './search.ts';

/** A slice's record of this uid, if it has one. @throws TickmarkError IntegrityBroken */
export async function findRecord(
  reader: ChunkReader,
  {
    source,
    scope,
    dataset,
    records,
  }: Pick<SealedSlice, 'source' | 'scope' | 'dataset' | 'records'>,
  uid: string,
): Promise<EvidenceRecord | undefined> {
  const name = JSON.stringify(['record', source, scope, dataset, uid]);
  return reader.find<EvidenceRecord>(records, name, (record) => compareText(record.uid, uid));
}
