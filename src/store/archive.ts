/** An exported archive as it is read: the store that is sealed in it, and every file around it. */
import { closeSync, createReadStream, openSync, readSync, type Stats, statSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import type { Backend } from './backend.ts';
import { folderBackend } from './folder.ts';

/** What lists every file of an archive with its SHA-256, as `sha256sum` writes it. */
export const sumsFile = 'SHA256SUMS';

/** It lies in an archive that was redacted: then `sealed/` is without its evidence. */
export const redactionFile = 'redaction.json';

/** What that file says that it is. */
export const redactionFormat = 'tickmark-redaction/1';

const sealedFolder = 'sealed';

/** Every file of an archive. */
export interface ArchiveFiles {
  /** Paths from the root, `/` between folders; links and pipes among them. In no order. */
  paths(): AsyncIterable<string>;
  /** A small file. @returns undefined where there is none. @throws TickmarkError IntegrityBroken */
  read(path: string): Promise<Uint8Array | undefined>;
  /** A file of any size that is there. @throws TickmarkError IntegrityBroken where it is no file */
  pieces(path: string): AsyncIterable<Uint8Array>;
}

/** A store that is only read. */
export type ReadableBackend = Pick<Backend, 'location' | 'read' | 'list' | 'entries'>;

interface Archive {
  /** The store. To write to it is StoreUnavailable. */
  sealed: Backend;
  files: ArchiveFiles;
  redacted: boolean;
}

/**
 * Opens what was exported: a zip, or a folder with `sealed/` in it.
 * @returns undefined where the place is something else, as a store itself is.
 * @throws TickmarkError NotFound for a zip of something else, IntegrityBroken for a file that is no
 * zip, one that is made to deceive, and a folder that is both a store and an archive.
 */
export async function openArchive(place: string): Promise<Archive | undefined> {
  if (stateOf(place)?.isFile() && isZip(place)) {
    const { readZip } = await import('./zip.ts');
    const zip = await readZip(place);
    const redacted = zip.has(redactionFile) && (await assertRedaction(place, zip));
    const sealed = readOnly(zip.folder(sealedFolder), redacted);
    const isArchive = zip.has(sumsFile) || (await sealed.entries('bundles').next()).done === false;
    if (isArchive) return { sealed, files: zip, redacted };
    throw new TickmarkError(
      'NotFound',
      `${place} is no archive: there is neither ${sumsFile} nor ${sealedFolder}/ in it; name the file that tickmark export wrote`,
    );
  }
  const isThere = (name: string) => stateOf(join(place, name)) !== undefined;
  const mark = [sumsFile, sealedFolder].find(isThere);
  if (mark === undefined) return undefined;
  // To look at one of them alone would be to say nothing of the other.
  if (isThere('bundles')) {
    throw new TickmarkError(
      'IntegrityBroken',
      `${place} has bundles/, as a store has, and ${mark}, as an archive has: it is not what was exported; get the archive again, or name the one of both that is meant by a folder of its own`,
    );
  }
  const files = folderFiles(place);
  const redacted = isThere(redactionFile) && (await assertRedaction(place, files));
  return { sealed: readOnly(folderBackend(join(place, sealedFolder)), redacted), files, redacted };
}

/** What says that evidence was left out has to be what an export wrote. */
async function assertRedaction(place: string, files: ArchiveFiles): Promise<true> {
  const bytes = await files.read(redactionFile);
  try {
    const told: unknown = JSON.parse(Buffer.from(bytes ?? []).toString('utf8'));
    if ((told as { format?: unknown } | null)?.format === redactionFormat) return true;
  } catch {}
  throw new TickmarkError(
    'IntegrityBroken',
    `${redactionFile} in ${place} does not say ${redactionFormat}: no export wrote it; get the archive again`,
  );
}

/** What was exported stays as it was, and what was left out of it is no loss. */
function readOnly(backend: ReadableBackend, redacted: boolean): Backend {
  const refuse = async (): Promise<never> => {
    throw new TickmarkError(
      'StoreUnavailable',
      `${backend.location} lies in an archive, and nothing is written to it; name the store itself, or a copy of ${sealedFolder}/`,
    );
  };
  const { location, list, entries } = backend;
  const read = async (key: string) => {
    const bytes = await backend.read(key);
    if (bytes !== undefined || !redacted || !key.startsWith('objects/')) return bytes;
    throw new TickmarkError(
      'IntegrityBroken',
      `${key} is not in ${location}: the archive was redacted, and holds no evidence as it was sealed; go to the store, or ask for an archive that is not redacted`,
    );
  };
  return { location, read, list, entries, create: refuse, renew: refuse, remove: refuse };
}

/** By its name, or, as whoever passed it on may have called it otherwise, by how it begins. */
function isZip(file: string): boolean {
  if (/\.zip$/i.test(file)) return true;
  const first = Buffer.alloc(2);
  const opened = openSync(file, 'r');
  try {
    readSync(opened, first, 0, first.length, 0);
  } finally {
    closeSync(opened);
  }
  return first.toString('latin1') === 'PK';
}

/** Undefined where there is nothing, or nothing that may be looked at. */
function stateOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function folderFiles(directory: string): ArchiveFiles {
  const all = folderBackend(directory);
  return {
    async *paths() {
      for await (const { key } of all.entries('.')) yield key.slice('./'.length);
    },
    read: (path) => all.read(path),
    async *pieces(path) {
      const file = join(directory, ...path.split('/'));
      const refused = (why: string, cause?: unknown) =>
        new TickmarkError('IntegrityBroken', `${file} cannot be read: ${why}`, { cause });
      try {
        if (!(await lstat(file)).isFile()) throw refused('it is not a regular file');
        yield* createReadStream(file);
      } catch (cause) {
        throw cause instanceof TickmarkError ? cause : refused(messageOf(cause), cause);
      }
    },
  };
}
