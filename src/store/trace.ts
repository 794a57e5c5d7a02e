/**
 * Call traces. What was asked is the same every night and is kept once; what each call left behind
 * (its request id, its times) is new every night and is kept in columns, which fold well
 * (docs/formats/store.md).
 */
import { z } from 'zod';
import { TickmarkError } from '../evidence/errors.ts';
import { canonicalJson, compareText } from '../evidence/json.ts';
import type { Call } from '../evidence/slice.ts';
import type { Backend } from './backend.ts';
import { type Cut, readChunks, readList, type StoredList, writeList } from './lists.ts';
import { readObject, writeObject } from './objects.ts';
import { type ChunkReader, findLines } from './search.ts';

/** A call trace as it stands in a manifest: a list of questions, and an object of receipts. */
export interface StoredTrace extends StoredList {
  /** Null for an empty trace. */
  receipts: string | null;
}

/** What a call left behind that another night's call of the same name does not share. */
type Receipt = Pick<Call, 'request_id' | 'server_date' | 'started_at' | 'finished_at'>;

/** Receipts in columns; each has one entry a call, in the order of the list. */
const receiptsSchema = z.strictObject({
  /** When the first call was started. */
  since: z.iso.datetime(),
  request_id: z.array(z.string().nullable()),
  server_date: z.array(z.string().nullable()),
  /** Milliseconds from `since`. */
  started_ms: z.array(z.int()),
  /** Milliseconds from `started_at`. */
  took_ms: z.array(z.int()),
});
type Receipts = z.infer<typeof receiptsSchema>;

/** Writes a trace, sorted by the calls' ids. */
export async function writeTrace(
  backend: Backend,
  calls: readonly Call[],
  options: { cut: Cut; base?: StoredList | undefined },
): Promise<StoredTrace> {
  const questions = calls.map(
    ({ request_id: _r, server_date: _d, started_at: _s, finished_at: _f, ...question }) => question,
  );
  const { count, digest, chunks } = await writeList(backend, questions, ({ id }) => id, options);
  if (count === 0) return { count, digest, chunks, receipts: null };
  const receipts = await writeObject(backend, Buffer.from(canonicalJson(columnsOf(calls)), 'utf8'));
  return { count, digest, chunks, receipts };
}

/** The calls of a trace. @throws TickmarkError IntegrityBroken */
export async function* readTrace(backend: Backend, trace: StoredTrace): AsyncGenerator<Call[]> {
  if (trace.receipts === null) return;
  const columns = await readReceipts(backend, trace.receipts, trace.count);
  let row = 0;
  for await (const questions of readList(backend, trace)) {
    yield (questions as Omit<Call, keyof Receipt>[]).map((question) => {
      const call = { ...question, ...receiptOf(columns, row) };
      row += 1;
      return call;
    });
  }
}

/** The calls of these ids, in order of their ids. @throws TickmarkError IntegrityBroken */
export async function findCalls(
  reader: ChunkReader,
  trace: StoredTrace,
  ids: readonly string[],
): Promise<Call[]> {
  if (trace.receipts === null || ids.length === 0) return [];
  const columns = await readReceipts(reader.backend, trace.receipts, trace.count);
  const chunks = await readChunks(reader.backend, trace);
  const calls: Call[] = [];
  for (const id of [...new Set(ids)].sort(compareText)) {
    const found = await findLines<Omit<Call, keyof Receipt>>(chunks, reader, (question) =>
      compareText(question.id, id),
    );
    for (const { line, row } of found) calls.push({ ...line, ...receiptOf(columns, row) });
  }
  return calls;
}

async function readReceipts(backend: Backend, digest: string, count: number): Promise<Receipts> {
  const columns = parseReceipts(await readObject(backend, digest), count);
  if (columns !== undefined) return columns;
  throw new TickmarkError(
    'IntegrityBroken',
    `object ${digest} in ${backend.location} holds no receipts of ${count} calls; restore it from a copy`,
  );
}

/** Undefined where the bytes are not the receipts of so many calls. */
export function parseReceipts(bytes: Buffer, count: number): Receipts | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  const { success, data } = receiptsSchema.safeParse(value);
  if (!success) return undefined;
  const { since: _since, ...columns } = data;
  return Object.values(columns).every((column) => column.length === count) ? data : undefined;
}

function columnsOf(calls: readonly Call[]): Receipts {
  const started = calls.map(({ started_at }) => Date.parse(started_at));
  const since = started.reduce((first, time) => Math.min(first, time), started[0] ?? 0);
  return {
    since: new Date(since).toISOString(),
    request_id: calls.map(({ request_id }) => request_id),
    server_date: calls.map(({ server_date }) => server_date),
    started_ms: started.map((time) => time - since),
    took_ms: calls.map(({ finished_at }, row) => Date.parse(finished_at) - (started[row] ?? 0)),
  };
}

function receiptOf(columns: Receipts, row: number): Receipt {
  const started = Date.parse(columns.since) + (columns.started_ms[row] ?? 0);
  return {
    request_id: columns.request_id[row] ?? null,
    server_date: columns.server_date[row] ?? null,
    started_at: new Date(started).toISOString(),
    finished_at: new Date(started + (columns.took_ms[row] ?? 0)).toISOString(),
  };
}
