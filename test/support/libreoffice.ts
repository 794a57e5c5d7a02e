import { execFile, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './temporary.ts';

const execute = promisify(execFile);

export const officeAvailable = spawnSync('soffice', ['--version']).status === 0;

/**
 * A spreadsheet as LibreOffice writes it after it has read it: OpenDocument in one XML file. The
 * caller takes the temporary folders away.
 * @param filter how to read it, in LibreOffice's words
 */
export async function openedByOffice(
  file: 'book.xlsx' | 'table.csv',
  bytes: Uint8Array | string,
  filter?: string,
): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, file), bytes);
  const own = `-env:UserInstallation=file://${join(folder, 'profile')}`;
  const how = filter === undefined ? [] : [`--infilter=${filter}`];
  const to = ['--convert-to', 'fods', '--outdir', folder, join(folder, file)];
  await execute('soffice', [own, '--headless', ...how, ...to], { timeout: 90_000 });
  return readFile(join(folder, file.replace(/\w+$/, 'fods')), 'utf8');
}
