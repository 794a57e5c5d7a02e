import { randomBytes } from 'node:crypto';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, TickmarkError } from '../evidence/errors.ts';

/** What a file is made of, piece by piece. */
export type Piece = string | Uint8Array;
export type Pieces = Iterable<Piece> | AsyncIterable<Piece>;

/**
 * Writes a file whole or not at all: it gets its name when its last byte is written.
 * @param force replaces one that is there.
 * @throws TickmarkError Usage where it is there, or cannot be written.
 */
export async function writeOutput(file: string, pieces: Pieces, force: boolean): Promise<void> {
  if (!force && (await isThere(file))) throw exists(file);
  const temporary = join(dirname(file), `.tickmark-${randomBytes(8).toString('hex')}.tmp`);
  try {
    const handle = await written(() => open(temporary, 'wx', 0o644), file);
    try {
      for await (const piece of pieces) await written(() => handle.writeFile(piece), file);
    } finally {
      await handle.close();
    }
    await written(() => (force ? rename(temporary, file) : link(temporary, file)), file);
  } finally {
    await rm(temporary, { force: true });
  }
}

export async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Tells what fails in writing apart from what fails in making the pieces. */
async function written<T>(work: () => Promise<T>, file: string): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') throw exists(file);
    const message = `${file} cannot be written: ${messageOf(cause)}; name another file`;
    throw new TickmarkError('Usage', message, { cause });
  }
}

export function exists(file: string): TickmarkError {
  return new TickmarkError('Usage', `${file} exists and was left as it is; --force replaces it`);
}
