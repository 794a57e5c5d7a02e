import { describe, expect, it } from 'vitest';
import type { Slice } from '../../src/evidence/slice.ts';
import { answeredSlices } from '../../src/store/answered.ts';
import { Store, unsealed } from '../../src/store/store.ts';
import { draft, slice } from '../support/bundles.ts';
import { memoryBackend } from '../support/memory-backend.ts';

const entries = { source: 'production', dataset: 'log.entries', scope: '123456789012' };
const events = (start: string, end: string, over: Partial<Slice> = {}): Slice =>
  slice({
    dataset: 'log.entries',
    kind: 'events',
    records: [],
    interval: {
      start: `2026-01-${start}T00:00:00.000Z`,
      end: `2026-01-${end}T00:00:00.000Z`,
      covered_since: '2026-01-01T00:00:00.000Z',
    },
    ...over,
  });

async function storeWith(...bundles: { kind?: 'evaluate'; slices: Slice[] }[]): Promise<Store> {
  const store = new Store(memoryBackend().backend);
  for (const { kind = 'collect', slices } of bundles) {
    const sealed = await Promise.all(slices.map((each) => store.writeSlice(each)));
    await store.seal(draft({ kind, slices: sealed }), unsealed);
  }
  return store;
}

const now = new Date('2026-01-10T00:00:00Z');
const found = async (store: Store, isEnough = () => false, real = true) =>
  [...(await answeredSlices(store, [entries], { now, real }, isEnough)).values()]
    .flat()
    .map(({ outcome, interval }) => `${outcome} ${interval.end.toISOString().slice(8, 10)}`);

describe('answeredSlices', () => {
  it('are the complete ones and the gaps with a name, newest first', async () => {
    const message = 'too long ago';
    const store = await storeWith(
      {
        slices: [
          events('01', '03', {
            outcome: 'failed',
            problems: [{ code: 'OutOfReach', message, severity: 'error' }],
          }),
        ],
      },
      { slices: [events('03', '04'), slice()] },
      {
        slices: [
          events('04', '05', {
            outcome: 'failed',
            problems: [{ code: 'AccessDenied', message: 'add read', severity: 'error' }],
          }),
        ],
      },
      { slices: [events('04', '06'), events('06', '07', { scope: 'another' })] },
      { kind: 'evaluate', slices: [events('03', '04')] },
    );
    expect(await found(store)).toEqual(['complete 06', 'complete 04', 'gap 03']);
  });

  it('are read back only as far as is asked for', async () => {
    const store = await storeWith(
      { slices: [events('03', '04')] },
      { slices: [events('04', '05')] },
    );
    expect(await found(store, () => true)).toEqual(['complete 05']);
  });
});

describe('what a slice keeps for the next', () => {
  it('is an object that the manifest names', async () => {
    const store = await storeWith({ slices: [events('03', '04', { kept: { head: 'a' } })] });
    const night = { now, real: true };
    const slices = await answeredSlices(store, [entries], night, () => true);
    const [first] = [...slices.values()].flat();
    const bytes = await store.readBytes(first?.sealed.kept ?? '');
    expect(JSON.parse(bytes.toString())).toEqual({ head: 'a' });
  });
});
