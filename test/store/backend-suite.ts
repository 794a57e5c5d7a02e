import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/store/backend.ts';

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
      for (const key of ['bundles/b', 'bundles/a', 'other/c'])
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
  });
}
