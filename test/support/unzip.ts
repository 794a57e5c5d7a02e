import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { type Entry, fromBuffer, type Options, type ZipFile } from 'yauzl';

const open: (bytes: Buffer, options: Options) => Promise<ZipFile> = promisify(fromBuffer);

/** The files of a zip by their names, in its order, as text. */
export async function unzip(
  bytes: Uint8Array,
): Promise<Map<string, { text: string; entry: Entry }>> {
  const zip = await open(Buffer.from(bytes), { lazyEntries: true });
  const read = promisify(zip.openReadStream.bind(zip)) as (
    entry: Entry,
  ) => Promise<NodeJS.ReadableStream>;
  const files = new Map<string, { text: string; entry: Entry }>();
  return new Promise((resolve, reject) => {
    zip.on('entry', (entry: Entry) => {
      read(entry)
        .then(buffer)
        .then((content) => {
          files.set(entry.fileName, { text: content.toString(), entry });
          zip.readEntry();
        })
        .catch(reject);
    });
    zip.once('end', () => resolve(files)).once('error', reject);
    zip.readEntry();
  });
}
