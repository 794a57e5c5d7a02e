/** What `tickmark export` costs over a year that another part has made. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from './figures.ts';
import { measure } from './tickmark.ts';

const mostMegabytes = 300;

/**
 * @param folder has the configuration, which names the store.
 * @throws Error when no archive was written
 */
export async function exportFigures(folder: string): Promise<Figure[]> {
  process.stderr.write('bench: exporting the year\n');
  const out = join(folder, 'year.zip');
  const args = ['export', '--out', out, '--json'];
  const { code, stdout, stderr, seconds, peakMegabytes } = await measure(args, folder, {});
  if (code !== 0) throw new Error(`export ended with ${code}\n${stderr.slice(-2000)}`);
  const { files, bytes }: { files: number; bytes: number } = JSON.parse(stdout);
  const { size } = await stat(out);
  return [
    {
      name: 'exporting that year: peak memory',
      found: peakMegabytes,
      unit: 'MB',
      budget: mostMegabytes,
      beside: `${files.toLocaleString('en-US')} files, ${(bytes / 1e6).toFixed(0)} MB; ${(size / 1e6).toFixed(0)} MB as a ZIP`,
    },
    { name: 'exporting that year: wall time', found: seconds, unit: 's' },
  ];
}
