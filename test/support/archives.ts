/** Exported archives in a folder, as small as they can be: a store, a derived file, a list of both. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ZipFile } from 'yazl';
import { sha256 } from '../../src/evidence/json.ts';
import { type ArchiveFiles, sumsFile } from '../../src/store/archive.ts';

export const derivedFile = 'AC-01 Root user/population.csv';
export const checkScript = fileURLToPath(new URL('../../src/archive/check.sh', import.meta.url));

/** Every file of an archive by its path: the store's keys below `sealed/`, the script, a table. */
export async function archiveOf(keys: ReadonlyMap<string, Buffer>): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  files.set('check.sh', await readFile(checkScript));
  files.set(derivedFile, Buffer.from('uid,name\r\n1,root\r\n'));
  for (const [key, bytes] of keys) files.set(`sealed/${key}`, bytes);
  return withSums(files);
}

/** The same files with a list that fits them, as whoever forges the archive can write it too. */
export function withSums(files: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  const others = new Map([...files].filter(([path]) => path !== sumsFile));
  const lines = [...others].map(([path, bytes]) => `${sha256(bytes)}  ${path}\n`).sort();
  return others.set(sumsFile, Buffer.from(lines.join('')));
}

export async function writeFiles(
  folder: string,
  files: ReadonlyMap<string, Buffer>,
): Promise<void> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
}

/** The same, read from memory. */
export function filesOf(files: ReadonlyMap<string, Buffer>): ArchiveFiles {
  return {
    async *paths() {
      yield* files.keys();
    },
    read: async (path) => files.get(path),
    async *pieces(path) {
      const bytes = files.get(path);
      if (bytes !== undefined) yield bytes;
    },
  };
}

/** The same as a zip, as an export writes it: what is folded already is not folded again. */
export async function zipOf(files: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  const zip = new ZipFile();
  const mtime = new Date('1980-01-01T00:00:00Z');
  for (const [path, bytes] of files) {
    zip.addBuffer(bytes, path, { mtime, mode: 0o100644, compress: !path.endsWith('.gz') });
  }
  zip.end();
  return buffer(zip.outputStream);
}
