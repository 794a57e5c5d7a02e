import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/evidence/json.ts';
import type { Call } from '../../src/evidence/slice.ts';
import { writeObject } from '../../src/store/objects.ts';
import { readTrace, writeTrace } from '../../src/store/trace.ts';
import { memoryBackend } from '../support/memory-backend.ts';

function call(name: string, over: Partial<Call> = {}): Call {
  return {
    id: `s3:GetBucketTagging {"Bucket":"${name}"}`,
    service: 's3',
    operation: 'GetBucketTagging',
    region: 'eu-west-1',
    parameters: { Bucket: name },
    request_id: '4442587FB7D0A2F9',
    server_date: 'Sat, 31 Jan 2026 02:00:00 GMT',
    status: 200,
    attempts: 1,
    started_at: '2026-01-31T02:00:00.100Z',
    finished_at: '2026-01-31T02:00:00.200Z',
    endpoint: 'https://s3.eu-west-1.amazonaws.com:443',
    ...over,
  };
}

const times = fc
  .integer({ min: Date.parse('2026-01-01T00:00:00Z'), max: Date.parse('2026-12-31T00:00:00Z') })
  .map((time) => new Date(time).toISOString());
const calls = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme-ascii' }), { maxLength: 30 })
  .chain((names) =>
    fc.tuple(
      ...names.sort().map((name) =>
        fc
          .record({
            request_id: fc.option(fc.string()),
            server_date: fc.option(fc.string()),
            started_at: times,
            finished_at: times,
            status: fc.option(fc.integer({ min: 100, max: 599 })),
          })
          .map((over) => call(name, over)),
      ),
    ),
  );

async function all(trace: AsyncIterable<Call[]>): Promise<Call[]> {
  const found: Call[] = [];
  for await (const part of trace) found.push(...part);
  return found;
}

describe('a call trace', () => {
  it('reads back as it was, whatever the calls left behind', async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (made) => {
        const { backend } = memoryBackend();
        const trace = await writeTrace(backend, made, { cut: 'fine' });
        expect(trace.count).toBe(made.length);
        expect(await all(readTrace(backend, trace))).toEqual(made);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps the same questions of another night once', async () => {
    const { backend, keys } = memoryBackend();
    const night = (day: number) =>
      Array.from({ length: 200 }, (_call, at) =>
        call(`bucket-${String(at).padStart(3, '0')}`, {
          request_id: `R${day}-${at}`,
          started_at: `2026-01-${day}T02:00:00.100Z`,
          finished_at: `2026-01-${day}T02:00:00.900Z`,
        }),
      );
    const first = await writeTrace(backend, night(30), { cut: 'fine' });
    const held = keys.size;
    const second = await writeTrace(backend, night(31), { cut: 'fine', base: first });
    expect(keys.size).toBe(held + 1);
    expect(second).toEqual({ ...first, receipts: second.receipts });
    expect(await all(readTrace(backend, first))).toEqual(night(30));
    expect(await all(readTrace(backend, second))).toEqual(night(31));
  });

  it('is refused when the receipts are those of another number of calls, or none', async () => {
    const { backend } = memoryBackend();
    const trace = await writeTrace(backend, [call('a'), call('b')], { cut: 'fine' });
    const one = await writeTrace(backend, [call('a')], { cut: 'fine' });
    const other = await writeObject(backend, Buffer.from(canonicalJson({ since: 'yesterday' })));
    const text = await writeObject(backend, Buffer.from('no JSON'));
    for (const receipts of [one.receipts, other, text, '0'.repeat(64)]) {
      await expect(all(readTrace(backend, { ...trace, receipts }))).rejects.toMatchObject({
        code: 'IntegrityBroken',
      });
    }
  });
});
