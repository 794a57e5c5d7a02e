/** The nights of the demo's year, as fixtures/demo/year.json tells them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from './package.ts';

/** What the demo is made of: configurations, waivers, the recorded exchanges. */
export const demoFolder = join(packageRoot, 'fixtures', 'demo');
/** The configuration at the end of the year, by which the store is read. */
export const demoConfig = join(demoFolder, 'tickmark.yaml');
export const demoExchanges = join(demoFolder, 'exchanges.jsonl.gz');

export interface DemoNight {
  /** When its run begins. */
  at: Date;
  /** The configuration that was in force. */
  config: string;
}

const day = z.iso.date();
const yearSchema = z.strictObject({
  first: z.iso.datetime(),
  last: z.iso.datetime(),
  /** Days without a run, both ends included. */
  without_runs: z.array(z.strictObject({ from: day, until: day })),
  /** In the order of time; each in force from its day on. */
  configurations: z.array(z.strictObject({ from: day, file: z.string() })).min(1),
});

/** One run a day, in the order of time. */
export async function demoNights(): Promise<DemoNight[]> {
  const text = await readFile(join(demoFolder, 'year.json'), 'utf8');
  const { first, last, without_runs, configurations } = yearSchema.parse(JSON.parse(text));
  const nights: DemoNight[] = [];
  for (let time = Date.parse(first); time <= Date.parse(last); time += 86_400_000) {
    const at = new Date(time);
    const today = at.toISOString().slice(0, 10);
    if (without_runs.some(({ from, until }) => from <= today && today <= until)) continue;
    const { file } = configurations.findLast(({ from }) => from <= today) ?? { file: '' };
    nights.push({ at, config: join(demoFolder, file) });
  }
  return nights;
}
