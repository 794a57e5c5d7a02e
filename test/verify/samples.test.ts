/** Samples that do not hold what their seed draws, as whoever has the key could seal them. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { PopulationItem } from '../../src/period/population.ts';
import { type DrawnLine, draw, lineOf } from '../../src/period/sample.ts';
import type { Manifest } from '../../src/seal/manifest.ts';
import { readList } from '../../src/store/lists.ts';
import { Store } from '../../src/store/store.ts';
import { copyOf, rewrite, type SealedNights, sealedNights } from '../support/sealed-nights.ts';
import { findingsOf } from './findings.ts';

const sample = 5;
type Sample = NonNullable<Manifest['sample']>;

let nights: SealedNights;
let population: PopulationItem[];
let items: DrawnLine[];

beforeAll(async () => {
  nights = await sealedNights({ bundles: 6, sample });
  const { sample: drawn } = nights.bundles[sample - 1]?.manifest ?? {};
  if (drawn === undefined) throw new Error('bundle 5 is a draw');
  population = (await lines(drawn.population)) as PopulationItem[];
  items = (await lines(drawn.items)) as DrawnLine[];
});

async function lines(list: Sample['items']): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const part of readList(nights.backend, list)) all.push(...part);
  return all;
}

/** What verification says of the draw once its bundle says otherwise. */
async function faultWith(
  change: (
    sample: Sample,
    write: (lines: readonly unknown[]) => Promise<Sample['items']>,
  ) => Promise<Partial<Sample>>,
  over: Partial<Manifest> = {},
): Promise<string[]> {
  const { backend, keys } = copyOf(nights);
  const store = new Store(backend);
  const own = nights.bundles[sample - 1]?.manifest.sample as Sample;
  const changed = await change(own, (all) =>
    store.writePlainLines(all, (line) => JSON.stringify(line)),
  );
  await rewrite(keys, sample, (manifest) =>
    manifest.sequence === sample
      ? { ...manifest, ...over, sample: { ...own, ...changed } }
      : manifest,
  );
  const { breaks } = await findingsOf(backend);
  return breaks.map(({ code, bundles, message }) => `${code} ${bundles.join()} ${message}`);
}

describe('a sample', () => {
  it('that holds what its seed draws is sound', async () => {
    expect(await faultWith(async () => ({}))).toEqual([]);
  });

  it('may be drawn by stratum', async () => {
    const asked = { seed: 'x', size: 3, by: 'status' as const };
    const drawn = draw(population, { ...asked, timezone: 'UTC' }).drawn.map(lineOf);
    expect(
      await faultWith(async (_sample, write) => ({ ...asked, items: await write(drawn) })),
    ).toEqual([]);
  });

  it.each<
    [
      string,
      (write: (lines: readonly unknown[]) => Promise<Sample['items']>) => Promise<Partial<Sample>>,
      RegExp,
    ]
  >([
    [
      'an item exchanged',
      async (write) => ({
        items: await write([items[0], { ...items[1], uid: population[0]?.uid }]),
      }),
      /holds other items/,
    ],
    [
      'the items the other way round',
      async (write) => ({ items: await write([...items].reverse()) }),
      /holds other items/,
    ],
    [
      'an item less',
      async (write) => ({ items: await write(items.slice(1)) }),
      /holds other items/,
    ],
    [
      'an item more',
      async (write) => ({ items: await write([...items, items[0]]) }),
      /item 3 has to be none/,
    ],
    [
      'another lot',
      async (write) => ({ items: await write(items.map((item) => ({ ...item, lot: '0' }))) }),
      /holds other items/,
    ],
    [
      'items with a word more',
      async (write) => ({ items: await write(items.map((item) => ({ ...item, note: '' }))) }),
      /items of another form/,
    ],
    ['another size', async () => ({ size: 3 }), /holds other items/],
    ['a stratum', async () => ({ by: 'scope' }), /holds other items/],
    ['a stratum that nobody knows', async () => ({ by: 'moon' }), /divides its population by moon/],
    [
      'an item taken from the population',
      async (write) => ({
        population: await write(population.filter(({ uid }) => uid !== items[0]?.uid)),
      }),
      /holds other items/,
    ],
    [
      'a population with an item twice',
      async (write) => ({ population: await write([...population.slice(0, 1), ...population]) }),
      /not sorted, each item once/,
    ],
    [
      'a population of records',
      async (write) => ({ population: await write([{ uid: 'a', name: 'a' }]) }),
      /a population of another form/,
    ],
    [
      'a population of nothing',
      async (write) => ({ population: await write([]) }),
      /holds other items/,
    ],
  ])('with %s is none', async (_what, change, words) => {
    const [fault, ...more] = await faultWith((_sample, write) => change(write));
    expect(fault).toMatch(/^WrongSample 5 /);
    expect(fault).toMatch(words);
    expect(more).toEqual([]);
  });

  it('divided by months needs to know where they begin', async () => {
    const faults = await faultWith(
      async (_sample, write) => {
        const dated = population.map((item) => ({ ...item, event_at: '2026-01-01T00:00:00.000Z' }));
        return { by: 'month', population: await write(dated) };
      },
      { timezone: 'Nowhere/At_All' },
    );
    expect(faults).toEqual([
      expect.stringMatching(/^WrongSample 5 .*names a time zone that is none/),
    ]);
  });

  it('is in no bundle of another kind', async () => {
    const faults = await faultWith(async () => ({}), { kind: 'keys' });
    expect(faults).toContainEqual(
      expect.stringMatching(/^WrongSample 5 .*is of kind keys, and says that something was drawn/),
    );
  });

  it('says what was drawn', async () => {
    const { backend, keys } = copyOf(nights);
    await rewrite(keys, sample, ({ sample: _sample, ...manifest }) => manifest);
    expect((await findingsOf(backend)).breaks).toContainEqual(
      expect.objectContaining({ code: 'WrongSample', bundles: [sample] }),
    );
  });

  it('whose lists are damaged is told of as such, and nothing more', async () => {
    const { backend, keys } = copyOf(nights);
    const { chunks } = nights.bundles[sample - 1]?.manifest.sample?.items ?? {};
    keys.delete(`objects/${chunks?.slice(0, 2)}/${chunks}.gz`);
    const codes = (await findingsOf(backend)).breaks.map(({ code }) => code);
    expect(codes).toEqual(['ObjectMissing']);
  });
});
