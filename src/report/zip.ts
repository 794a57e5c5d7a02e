import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { Part } from './xlsx.ts';

/** The same on every machine: a zip has local times, and none that is older. */
const noTime = () => new Date(1980, 0, 1);

/** Parts as the bytes of a zip, which are the same whenever and wherever it is made. */
export async function* zip(parts: AsyncIterable<Part>): AsyncGenerator<Uint8Array> {
  const file = new ZipFile();
  const output = file.outputStream as Readable;
  const left = new AbortController();
  void addAll(file, parts, left.signal).catch((error) => output.destroy(error));
  try {
    yield* output;
  } finally {
    // Nobody reads on: what makes the parts is told, too.
    left.abort();
  }
}

/** One after the other, since a part is only made when the one before was read. */
async function addAll(file: ZipFile, parts: AsyncIterable<Part>, signal: AbortSignal) {
  for await (const { path, content } of parts) {
    const source = Readable.from(content, { objectMode: false, signal });
    const read = new Promise((resolve, reject) => {
      source.once('end', resolve).once('error', reject);
    });
    file.addReadStream(source, path, { mtime: noTime(), mode: 0o100644, forceDosTimestamp: true });
    await read;
  }
  file.end();
}
