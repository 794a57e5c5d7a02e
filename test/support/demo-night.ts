/** Single nights of the demo's year, for tests that need a night and no account. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const demo = fileURLToPath(new URL('../../fixtures/demo', import.meta.url));

/** The year's first nights: each answers only behind those before it. */
export const firstNights = [
  '2025-01-01T02:00:00Z',
  '2025-01-02T02:00:00Z',
  '2025-01-03T02:00:00Z',
] as const;

/** Options of `tickmark run` for a night of the year. */
export function demoNight(config: string, store: string, clock: string): string[] {
  const replay = join(demo, 'exchanges.jsonl.gz');
  return ['--config', config, '--store', store, '--replay', replay, '--clock', clock];
}

/**
 * The demo's configuration with a limit that its first nights do not keep, written into a folder:
 * every access key is too old. Questions to AWS and GitHub stay as they were recorded.
 * @returns the file
 */
export async function strictConfig(folder: string): Promise<string> {
  const text = await readFile(join(demo, 'tickmark.yaml'), 'utf8');
  const strict = text
    .replace(/^ {2}aws-key-age: .*$/m, '  aws-key-age: { max_days: 1 }')
    .replace(/^waivers: .*\n/m, '');
  if (!strict.includes('max_days: 1 ')) throw new Error('the demo has no limit for access keys');
  const file = join(folder, 'tickmark.yaml');
  await writeFile(file, strict);
  return file;
}
