/** What recording a case of a collector takes, whatever the source. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../src/evidence/clock.ts';
import { recordingWire } from '../src/providers/wire.ts';
import {
  afterConnecting,
  askSource,
  caseFolder,
  type ExpectedCase,
} from '../test/collectors/replay.ts';

/** A case, and what must come out of it, written by hand. */
export interface Recipe extends Omit<ExpectedCase, 'recorded_at' | 'problems'> {
  api: string;
  name: string;
  problems?: ExpectedCase['problems'];
}

/** The same for each of the names. */
export function each<Value>(names: string[], value: Value): Record<string, Value> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

/** Records a case anew. @returns the folder of its exchanges */
export async function recordCase(source: string, recipe: Recipe, clock: Clock): Promise<string> {
  const { api, name, title, outcomes, problems = {}, records } = recipe;
  const folder = caseFolder(source, api, name);
  const exchanges = join(folder, 'exchanges');
  // A simulated clock runs on: what is replayed starts where the recording did.
  const begun = clock.now();
  await rm(folder, { recursive: true, force: true });
  const wire = await afterConnecting(source, await recordingWire(exchanges));
  await askSource(source, Object.keys(outcomes), wire, clock);
  // In whole seconds; by the system's clock after every answer.
  const at = clock.simulated ? begun : new Date(Math.ceil(clock.now().getTime() / 1000) * 1000);
  const expected: ExpectedCase = {
    title,
    recorded_at: at.toISOString(),
    outcomes,
    problems,
    records,
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'case.json'), `${JSON.stringify(expected, null, 2)}\n`);
  return exchanges;
}

/** Writes another address into recorded exchanges: answers name the server that gave them. */
export async function readdress(exchanges: string, from: string, to: string): Promise<void> {
  for (const name of await readdir(exchanges, { recursive: true })) {
    if (!name.endsWith('.json')) continue;
    const file = join(exchanges, name);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(from, to));
  }
}
