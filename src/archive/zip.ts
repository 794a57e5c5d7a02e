/** A folder as one file: ZIP, the same bytes for the same files. */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

/** ZIP knows no time before 1980: each file has that, whatever the time and the time zone. */
const noTime = new Date(0);

/**
 * Writes the files of a folder into a new ZIP, in their order. Nothing but their names, their bytes
 * and whether they can be run goes in.
 */
export async function zipFolder(
  folder: string,
  files: readonly { file: string; runs: boolean }[],
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const zip = new ZipFile();
  const failed = new Promise<never>((_, reject) => {
    // Its stream says nothing of what could not be read.
    (zip as NodeJS.EventEmitter).once('error', reject);
  });
  for (const { file, runs } of files) {
    const options = {
      mtime: noTime,
      mode: runs ? 0o100755 : 0o100644,
      forceDosTimestamp: true,
    };
    zip.addReadStreamLazy(file, options, (ready) =>
      ready(null, createReadStream(join(folder, file))),
    );
  }
  zip.end();
  const stop = new AbortController();
  const written = pipeline(zip.outputStream, createWriteStream(to, { flags: 'wx' }), {
    signal: AbortSignal.any([signal, stop.signal]),
  });
  try {
    await Promise.race([written, failed]);
  } catch (error) {
    stop.abort();
    await written.catch(() => {});
    throw error;
  }
}
