import { describe, expect, it } from 'vitest';
import { compareText } from '../../src/evidence/json.ts';
import type { Backend, Entry } from '../../src/store/backend.ts';

/** All that lies below a prefix, in order of the keys. */
export async function allEntries(backend: Backend, prefix: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of backend.entries(prefix)) entries.push(entry);
  return entries.sort((a, b) => compareText(a.key, b.key));
}

/** What every backend must do. `open` gives an empty one. */
export function backendSuite(name: string, open: () => Promise<Backend>): void {
  describe(`${name} as a backend`, () => {
    const bytes = (text: string) => Buffer.from(text);

    it('gives back what was created', async () => {
      const backend = await open();
      expect(await backend.create('objects/ab/abc.gz', bytes('evidence'))).toBe(true);
      expect(await backend.read('objects/ab/abc.gz')).toEqual(bytes('evidence'));
    });

    it('keeps the first bytes of a key', async () => {
      const backend = await open();
      await backend.create('bundles/1.json', bytes('first'));
      expect(await backend.create('bundles/1.json', bytes('second'))).toBe(false);
      expect(await backend.read('bundles/1.json')).toEqual(bytes('first'));
    });

    it('knows no other key', async () => {
      const backend = await open();
      expect(await backend.read('objects/ab/none.gz')).toBeUndefined();
      expect(await backend.list('bundles')).toEqual([]);
    });

    it('lists what is directly below a prefix, in order, and nothing half-written', async () => {
      const backend = await open();
      for (const key of ['bundles/b', 'bundles/a', 'bundles/deep/d', 'other/c'])
        await backend.create(key, bytes(key));
      expect(await backend.list('bundles')).toEqual(['bundles/a', 'bundles/b']);
    });

    it('gives a key to one of many writers at once, whole', async () => {
      const backend = await open();
      const writers = Array.from({ length: 20 }, (_writer, index) =>
        backend.create('bundles/7.json', bytes(`${index}`.repeat(10_000))),
      );
      const won = (await Promise.all(writers)).map((made, index) => (made ? index : -1));
      const winners = won.filter((index) => index >= 0);
      expect(winners).toHaveLength(1);
      expect(await backend.read('bundles/7.json')).toEqual(bytes(`${winners[0]}`.repeat(10_000)));
      expect(await backend.list('bundles')).toEqual(['bundles/7.json']);
    });

    it('tells of every key below a prefix, however deep, what it holds and since when', async () => {
      const backend = await open();
      const keys = ['objects/ab/abc.gz', 'objects/ab/abd.gz', 'objects/cd/e/f.gz', 'objects/top'];
      for (const key of [...keys, 'objects-not/ab/abc.gz', 'bundles/1.json'])
        await backend.create(key, bytes(key));
      const entries = await allEntries(backend, 'objects');
      expect(entries).toEqual(
        keys.map((key) => ({
          ...{ key, bytes: key.length, temporary: false },
          modified: expect.any(Date),
        })),
      );
      const ages = entries.map(({ modified }) => Math.abs(Date.now() - modified.getTime()));
      expect(Math.max(...ages)).toBeLessThan(60_000);
      expect(await allEntries(backend, 'nothing')).toEqual([]);
    });

    it('renews a key that is there without changing it, and writes one that is gone', async () => {
      const backend = await open();
      await backend.create('objects/ab/abc.gz', bytes('evidence'));
      await backend.renew('objects/ab/abc.gz', bytes('evidence'));
      await backend.renew('objects/ab/gone.gz', bytes('again'));
      expect(await backend.read('objects/ab/abc.gz')).toEqual(bytes('evidence'));
      expect(await backend.read('objects/ab/gone.gz')).toEqual(bytes('again'));
      expect(await backend.create('objects/ab/gone.gz', bytes('other'))).toBe(false);
    });

    it('removes a key, which may then be written again, and minds none that is gone', async () => {
      const backend = await open();
      for (const key of ['objects/ab/abc.gz', 'objects/ab/abd.gz'])
        await backend.create(key, bytes(key));
      await backend.remove('objects/ab/abc.gz');
      await backend.remove('objects/ab/abc.gz');
      expect(await backend.read('objects/ab/abc.gz')).toBeUndefined();
      expect(await backend.list('objects/ab')).toEqual(['objects/ab/abd.gz']);
      expect(await backend.create('objects/ab/abc.gz', bytes('new'))).toBe(true);
      expect(await backend.read('objects/ab/abc.gz')).toEqual(bytes('new'));
    });
  });
}
