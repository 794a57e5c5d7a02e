import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareText, type Json } from '../../src/evidence/json.ts';
import type { Call, Slice } from '../../src/evidence/slice.ts';
import { recordHistories, type SeenSlice } from '../../src/store/record-histories.ts';
import { ChunkReader } from '../../src/store/search.ts';
import { Store } from '../../src/store/store.ts';
import { slice } from '../support/bundles.ts';
import { memoryBackend } from '../support/memory-backend.ts';

/** What a night saw: what each record said, by uid. */
interface Night {
  outcome: 'complete' | 'partial';
  said: Record<string, number>;
}

const call = (night: number): Call => ({
  id: 'iam:ListUsers {}',
  service: 'iam',
  operation: 'ListUsers',
  parameters: {},
  page: 1,
  status: 200,
  attempts: 1,
  endpoint: 'https://iam.amazonaws.com',
  request_id: `request-${night}`,
  server_date: null,
  started_at: '2026-01-01T02:00:00.000Z',
  finished_at: '2026-01-01T02:00:01.000Z',
});

async function sealed(nights: readonly Night[], kind: Slice['kind'] = 'snapshot') {
  const store = new Store(memoryBackend().backend);
  const seen: SeenSlice[] = [];
  for (const [place, { outcome, said }] of nights.entries()) {
    const records = Object.keys(said)
      .sort(compareText)
      .map((uid) => ({
        uid,
        name: uid,
        fields: {},
        original: said[uid] as Json,
        calls: ['iam:ListUsers {}'],
      }));
    const written = await store.writeSlice(slice({ kind, outcome, records, calls: [call(place)] }));
    seen.push({ run: String(place), slice: written });
  }
  const found: Record<string, [first: string, last: string, slices: number, said: Json][]> = {};
  for await (const { uid, versions } of recordHistories(new ChunkReader(store.backend), seen)) {
    found[uid] = versions.map(({ first, last, slices, record, calls }) => {
      expect(calls.map(({ request_id }) => request_id)).toEqual([`request-${first.run}`]);
      return [first.run, last.run, slices, record.original];
    });
  }
  return found;
}

/** The same by looking at every record of every night. */
function byHand(nights: readonly Night[], kind: Slice['kind']) {
  const found: Record<string, [first: string, last: string, slices: number, said: Json][]> = {};
  const uids = new Set(nights.flatMap(({ said }) => Object.keys(said)));
  for (const uid of [...uids].sort(compareText)) {
    let isGone = false;
    for (const [place, { said, outcome }] of nights.entries()) {
      const now = said[uid];
      if (now === undefined) {
        if (kind === 'snapshot' && outcome === 'complete') isGone = true;
        continue;
      }
      found[uid] ??= [];
      const last = found[uid].at(-1);
      if (last !== undefined && last[3] === now && !isGone) {
        last[1] = String(place);
        last[2] += 1;
      } else found[uid].push([String(place), String(place), 1, now]);
      isGone = false;
    }
  }
  return found;
}

const nights = fc.array(
  fc.record({
    outcome: fc.constantFrom('complete' as const, 'complete' as const, 'partial' as const),
    said: fc.dictionary(
      fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'.split('')),
      fc.nat({ max: 1 }),
    ),
  }),
  { maxLength: 8 },
);

describe('the versions of records', () => {
  it.each(['snapshot', 'events'] as const)(
    'of %s are those that a look at every night finds',
    (kind) =>
      fc.assert(
        fc.asyncProperty(nights, async (all) => {
          expect(await sealed(all, kind)).toEqual(byHand(all, kind));
        }),
        { numRuns: 150 },
      ),
  );

  it('begin anew where a record was gone, and go on where a night did not see everything', async () => {
    const there = { outcome: 'complete' as const, said: { a: 1, b: 1 } };
    const without = (outcome: Night['outcome']): Night => ({ outcome, said: { b: 1 } });
    expect(await sealed([there, without('complete'), there])).toEqual({
      a: [
        ['0', '0', 1, 1],
        ['2', '2', 1, 1],
      ],
      b: [['0', '2', 3, 1]],
    });
    expect(await sealed([there, without('partial'), there])).toEqual({
      a: [['0', '2', 2, 1]],
      b: [['0', '2', 3, 1]],
    });
  });
});
