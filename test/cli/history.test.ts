import { describe, expect, it } from 'vitest';
import { readHistory } from '../../src/cli/history.ts';
import { TickmarkError } from '../../src/evidence/errors.ts';
import type { StatusLine } from '../../src/evidence/result.ts';
import type { StatusGroup } from '../../src/period/history.ts';
import { manifestKey } from '../../src/seal/manifest.ts';
import type { Backend } from '../../src/store/backend.ts';
import { readList, type StoredList, writeList } from '../../src/store/lists.ts';
import { Store } from '../../src/store/store.ts';
import { copyOf, fileOf, sealedNights } from '../support/sealed-nights.ts';

const reachDays = new Map([['github.changes', 90]]);
const bundles = 20;
const nights = await sealedNights({ bundles });

function counting(backend: Backend): { backend: Backend; reads: string[] } {
  const reads: string[] = [];
  const read = (key: string) => {
    reads.push(key);
    return backend.read(key);
  };
  return { backend: { ...backend, read }, reads };
}

/** What reading of a store throws. */
async function broken(store: Store): Promise<string> {
  try {
    await readHistory(store, { reachDays });
  } catch (error) {
    if (error instanceof TickmarkError && error.code === 'IntegrityBroken') return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** A store whose last bundle names these lines as its statuses. */
async function withStatuses(lines: readonly object[]): Promise<Store> {
  const { store } = await sealedNights({
    bundles: 2,
    alter: async (draft, sequence) => {
      if (sequence < 2 || draft.results === null) return draft;
      const statuses: StoredList = await writeList(
        changing.backend,
        lines,
        (line) => JSON.stringify(line),
        { cut: 'fine' },
      );
      return { ...draft, results: { ...draft.results, statuses } };
    },
    sealed: async (_bundle, sealedIn) => {
      changing = sealedIn;
    },
  });
  return store;
}
let changing: Store;

const line: StatusLine = {
  source: 'production',
  dataset: 'aws.iam.users',
  scope: '123456789012',
  uid: 'arn:ada',
  name: 'ada',
  statuses: { 'users-mfa': 'pass' },
};

describe('the history of a store', () => {
  it('has every bundle with the lines of its statuses', async () => {
    const { bundles: read, controls } = await readHistory(nights.store, { reachDays });
    expect(read.map(({ manifest }) => manifest.sequence)).toEqual(
      Array.from({ length: bundles }, (_, index) => index + 1),
    );
    for (const { manifest, statuses } of read) {
      const lines: unknown[] = [];
      if (manifest.results !== null) {
        for await (const part of readList(nights.backend, manifest.results.statuses)) {
          lines.push(...part);
        }
      }
      expect(statuses?.flat().flatMap((chunk) => chunk.lines)).toEqual(lines);
      expect(lines.length).toBeGreaterThan(0);
    }
    expect([...controls.values()].map(({ id }) => id).sort()).toEqual(['AC-02', 'CM-01', 'PE-01']);
  });

  it('reads each object once, and holds what nights share as one object', async () => {
    const { backend, reads } = counting(nights.backend);
    const { bundles: read } = await readHistory(new Store(backend), { reachDays });
    const objects = reads.filter((key) => key.startsWith('objects/'));
    expect(objects.length).toBe(new Set(objects).size);
    const seen = new Map<string, unknown>();
    let shared = 0;
    for (const chunk of read.flatMap(({ statuses }) => statuses?.flat() ?? [])) {
      const known = seen.get(chunk.digest) ?? chunk;
      if (known !== chunk) throw new Error(`${chunk.digest} is held twice`);
      if (seen.has(chunk.digest)) shared += 1;
      seen.set(chunk.digest, chunk);
    }
    expect(shared).toBeGreaterThan(bundles);
    const groups = read.flatMap(({ statuses }) => statuses ?? []);
    const nameOf = (group: StatusGroup) => group.map(({ digest }) => digest).join();
    expect(new Set(groups).size).toBe(new Set(groups.map(nameOf)).size);
  });

  it('has holes where bundles are missing, and is no reason to stop', async () => {
    const { backend, keys } = copyOf(nights);
    keys.delete(manifestKey(5));
    const { bundles: read } = await readHistory(new Store(backend), { reachDays });
    expect(read).toHaveLength(bundles - 1);
    expect(read.map(({ manifest }) => manifest.sequence)).not.toContain(5);
  });

  it('is not read of a damaged manifest', async () => {
    const { backend, keys } = copyOf(nights);
    keys.set(manifestKey(5), fileOf(keys, manifestKey(5)).subarray(10));
    expect(await broken(new Store(backend))).toContain('00000005.json is not JSON');
  });

  it.each([
    ['a status that there is not', { ...line, statuses: { 'users-mfa': 'passed' } }, 'statuses'],
    ['a test without a name', { ...line, statuses: { '': 'pass' } }, 'statuses'],
    ['no statuses', { ...line, statuses: null }, 'statuses'],
    ['a key more', { ...line, secret: 1 }, 'Unrecognized key'],
    ['a time that is none', { ...line, event_at: 'yesterday' }, 'event_at'],
    ['a uid that is no text', { ...line, uid: 7 }, 'uid'],
  ])('is not read of lines with %s', async (_what, wrong, where) => {
    const message = await broken(await withStatuses([line, wrong]));
    expect(message).toMatch(
      /line 2 of chunk [0-9a-f]{64} \(objects\/[0-9a-f]{2}\/[0-9a-f]{64}\.gz\) in memory/,
    );
    expect(message).toContain(where);
    expect(message).toContain('tickmark verify');
  });

  it('is not read of a control file that is none', async () => {
    const { store } = await sealedNights({
      bundles: 2,
      alter: async (draft, sequence) => {
        if (sequence < 2) return draft;
        const digest = await changing.writeBytes(Buffer.from('id: 7\ntitle: x\n'));
        return { ...draft, controls: [{ id: 'AC-02', file: 'AC-02.yaml', digest }] };
      },
      sealed: async (_bundle, sealedIn) => {
        changing = sealedIn;
      },
    });
    expect(await broken(store)).toMatch(
      /objects\/.*\.gz in memory was sealed as AC-02\.yaml and is no control file \(line 1: /,
    );
  });
});
