/**
 * A zip as a store that is only read. Its files are found by its central directory, and each is read
 * where it lies; nothing is unpacked. It comes from somebody else: what two programs could read
 * differently, or what unfolds without end, is refused as a whole.
 */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { fromFdPromise, type Entry as ZipEntry, type ZipFile } from 'yauzl';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';
import type { ArchiveFiles, ReadableBackend } from './archive.ts';
import type { Entry } from './backend.ts';

/** No file of a store is larger; others are read in pieces. */
const mostBytes = 64 * 1024 * 1024;

/** A year of 10,000 resources has a tenth of it. */
const mostEntries = 2_000_000;

/** DEFLATE (RFC 1951) folds no better than this. */
const mostRatio = 1032;

/** APPNOTE 4.4.4: bits of the general purpose flag. */
const encrypted = 0x0001;
const sizesFollow = 0x0008;

/** APPNOTE 4.4.5. */
const stored = 0;
const deflated = 8;

/** Of the Unix mode, which stands in the upper half of the external attributes. */
const typeMask = 0xf000;
const regularFile = 0x8000;
const directory = 0x4000;

/** A file of the zip; `end`: its data ends before. */
type Member = ZipEntry & { end: number };

/** The files of a zip, and folders of it as stores. */
interface Zip extends ArchiveFiles {
  has(path: string): boolean;
  /** One folder as a store. */
  folder(name: string): ReadableBackend;
}

/** @throws TickmarkError IntegrityBroken */
export async function readZip(file: string): Promise<Zip> {
  const members = await readDirectory(file);
  const memberOf = (path: string): Member => {
    const member = members.get(path);
    if (member === undefined) throw refused(file, `has no ${path}`);
    return member;
  };
  const read = async (path: string) => {
    const member = members.get(path);
    return member && readMember(file, member);
  };
  return {
    has: (path) => members.has(path),
    async *paths() {
      yield* members.keys();
    },
    read,
    pieces: (path) => piecesOf(file, memberOf(path)),
    folder: (name) => folderOf(file, members, name, read),
  };
}

function folderOf(
  file: string,
  members: ReadonlyMap<string, Member>,
  folder: string,
  read: (path: string) => Promise<Uint8Array | undefined>,
): ReadableBackend {
  const below = (prefix: string) =>
    [...members].filter(([path]) => path.startsWith(`${folder}/${prefix}/`));
  const keyOf = (path: string) => path.slice(folder.length + 1);
  return {
    location: `${file}/${folder}`,
    read: (key) => read(`${folder}/${key}`),
    async list(prefix) {
      return below(prefix)
        .map(([path]) => keyOf(path))
        .filter((key) => !key.includes('/', prefix.length + 1))
        .sort(compareText);
    },
    async *entries(prefix): AsyncGenerator<Entry> {
      for (const [path, member] of below(prefix)) {
        yield {
          key: keyOf(path),
          bytes: member.uncompressedSize,
          modified: member.getLastModDate({ timezone: 'UTC' }),
          temporary: false,
        };
      }
    },
  };
}

/** Every file by its path. @throws TickmarkError IntegrityBroken */
async function readDirectory(file: string): Promise<Map<string, Member>> {
  const { entries, end } = await listEntries(file);
  const members = new Map<string, Member>();
  const folded = new Set<string>();
  // In the order that their data lie in, so that each ends where the next begins at the latest.
  const placed = entries.sort((a, b) => placeOf(a) - placeOf(b));
  for (const [index, entry] of placed.entries()) {
    const next = placed[index + 1];
    const fault = faultOf(entry, next === undefined ? end : placeOf(next));
    if (fault !== undefined) throw refused(file, `has an entry that ${fault}`, entry);
    const path = entry.fileName.replace(/\/$/, '');
    // Windows and macOS take names for the same that differ in case or in how accents are written.
    const name = path.normalize('NFC').toLowerCase();
    if (folded.has(name)) throw refused(file, 'has two entries of one name', entry);
    folded.add(name);
    if (path !== entry.fileName) continue;
    members.set(path, Object.assign(entry, { end: next === undefined ? end : placeOf(next) }));
  }
  for (const path of members.keys()) {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
      const above = members.get(path.slice(0, at));
      if (above !== undefined) throw refused(file, 'has a file that is a folder too', above);
    }
  }
  return members;
}

async function listEntries(file: string): Promise<{ entries: ZipEntry[]; end: number }> {
  const fd = openSync(file, 'r');
  try {
    const options = { autoClose: false, lazyEntries: true, strictFileNames: true } as const;
    const zip: ZipFile = await fromFdPromise(fd, options);
    // Where the directory begins, as long as no entry of it is read.
    const end = Number(zip.readEntryCursor);
    if (zip.entryCount > mostEntries) throw new Error('it has more entries than any archive');
    const entries: ZipEntry[] = [];
    for await (const entry of zip.eachEntry()) entries.push(entry);
    return { entries, end };
  } catch (cause) {
    throw refused(
      file,
      `cannot be read as a zip (${JSON.stringify(messageOf(cause))})`,
      undefined,
      cause,
    );
  } finally {
    closeSync(fd);
  }
}

function placeOf(entry: ZipEntry): number {
  return entry.relativeOffsetOfLocalHeader;
}

/** What is wrong with an entry of the directory, if anything is. @param end where the next begins */
function faultOf(entry: ZipEntry, end: number): string | undefined {
  const { fileName, compressedSize, uncompressedSize, compressionMethod } = entry;
  const type = (entry.externalFileAttributes >>> 16) & typeMask;
  const isFolder = fileName.endsWith('/');
  if (!isPath(fileName) || !entry.fileNameRaw.equals(Buffer.from(fileName))) {
    return 'has a name that is no plain path';
  }
  if ((entry.generalPurposeBitFlag & encrypted) !== 0) return 'is encrypted';
  if (type !== 0 && type !== (isFolder ? directory : regularFile)) return 'is a link or a device';
  if (compressionMethod !== stored && compressionMethod !== deflated) {
    return 'is folded in another way than DEFLATE';
  }
  if (isFolder && uncompressedSize > 0) return 'is a folder with content';
  if (uncompressedSize > (compressedSize + 1) * mostRatio)
    return 'says that it unfolds to too much';
  if (placeOf(entry) + localLength + entry.fileNameLength + compressedSize > end) {
    return 'overlaps another';
  }
  return undefined;
}

/** A relative path without anything that a system could read otherwise. */
function isPath(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused.
  if (/[\\:\u0000-\u001f\u007f\ufffd]/.test(name)) return false;
  return name
    .replace(/\/$/, '')
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..');
}

/** Bytes of a local header before the name (APPNOTE 4.3.7). */
const localLength = 30;

/** Where the data of a file begin. What stands before them says the same as the directory. */
function startOf(fd: number, file: string, member: Member): number {
  const header = readAt(fd, placeOf(member), localLength + member.fileNameLength);
  const extra = readAt(
    fd,
    placeOf(member) + localLength + member.fileNameLength,
    header.readUInt16LE(28),
  );
  const flags = header.readUInt16LE(6);
  const [crc, packed, unpacked] = [14, 18, 22].map((at) => header.readUInt32LE(at));
  const isSame =
    header.readUInt32LE(0) === 0x04034b50 &&
    flags === member.generalPurposeBitFlag &&
    header.readUInt16LE(8) === member.compressionMethod &&
    header.readUInt16LE(26) === member.fileNameLength &&
    header.subarray(localLength).equals(member.fileNameRaw) &&
    !namesOtherwise(extra);
  const isKnown = (flags & sizesFollow) === 0;
  const agrees = (size: number | undefined, of: number) => size === of || size === 0xffffffff;
  const fits =
    crc === member.crc32 &&
    agrees(packed, member.compressedSize) &&
    agrees(unpacked, member.uncompressedSize);
  const start = placeOf(member) + localLength + member.fileNameLength + header.readUInt16LE(28);
  if (!isSame || (isKnown && !fits) || start + member.compressedSize > member.end) {
    throw refused(file, 'says one thing in its directory and another before the file', member);
  }
  return start;
}

/** A second name of the file (Info-ZIP Unicode Path, APPNOTE 4.6.9), which some programs go by. */
function namesOtherwise(extra: Buffer): boolean {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 0x7075) return true;
  }
  return false;
}

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let read = 0; read < length; ) {
    const more = readSync(fd, bytes, read, length - read, position + read);
    if (more === 0) break;
    read += more;
  }
  return bytes;
}

/** At once, as in a folder: files are small and many. @throws TickmarkError IntegrityBroken */
function readMember(file: string, member: Member): Buffer {
  if (member.uncompressedSize > mostBytes) {
    throw refused(file, 'has a file that is larger than any of a store', member);
  }
  const packed = opened(file, (fd) => readAt(fd, startOf(fd, file, member), member.compressedSize));
  const content = member.compressionMethod === stored ? packed : inflated(packed, member);
  if (content?.length !== member.uncompressedSize || crc32(content) !== member.crc32) {
    throw damaged(file, member);
  }
  return content;
}

function inflated(packed: Buffer, { uncompressedSize }: Member): Buffer | undefined {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(uncompressedSize, 1) });
  } catch {
    return undefined;
  }
}

async function* piecesOf(file: string, member: Member): AsyncGenerator<Uint8Array> {
  if (member.uncompressedSize <= 1024 * 1024) {
    yield readMember(file, member);
    return;
  }
  const start = opened(file, (fd) => startOf(fd, file, member));
  try {
    const packed = createReadStream(file, { start, end: start + member.compressedSize - 1 });
    const unpacked =
      member.compressionMethod === stored ? packed : pipeline(packed, createInflateRaw(), () => {});
    let size = 0;
    let crc = 0;
    for await (const piece of unpacked as AsyncIterable<Buffer>) {
      size += piece.length;
      crc = crc32(piece, crc);
      if (size > member.uncompressedSize) break;
      yield piece;
    }
    if (size !== member.uncompressedSize || crc !== member.crc32) throw damaged(file, member);
  } catch (cause) {
    throw cause instanceof TickmarkError ? cause : damaged(file, member, cause);
  }
}

function opened<T>(file: string, work: (fd: number) => T): T {
  const fd = openSync(file, 'r');
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

function damaged(file: string, { fileName }: ZipEntry, cause?: unknown): TickmarkError {
  return new TickmarkError(
    'IntegrityBroken',
    `${fileName} in ${file} does not unfold to what the zip says: it was changed or damaged; get the archive again`,
    { cause },
  );
}

function refused(file: string, why: string, entry?: ZipEntry, cause?: unknown): TickmarkError {
  const which = entry === undefined ? '' : `: ${JSON.stringify(entry.fileName)}`;
  return new TickmarkError(
    'IntegrityBroken',
    `${file} ${why}${which}; it is not read: get the archive again from whoever exported it`,
    { cause },
  );
}
