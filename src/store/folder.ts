import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { access, link, lutimes, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemClock } from '../evidence/clock.ts';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';
import type { Backend, Entry } from './backend.ts';

const temporaryPrefix = '.tmp-';

/** No file that Tickmark writes is larger. */
const mostBytes = 64 * 1024 * 1024;

export interface FolderOptions {
  /**
   * Default true. False for what is made in one go, and anew where that fails, as a demonstration:
   * whoever is killed meanwhile may leave a key without its bytes.
   */
  synced?: boolean;
}

/**
 * A folder as a backend. A key is written to a temporary file beside it, synced, and given its
 * name by a hard link, which fails when the name is taken: two writers cannot both have it, and
 * a reader sees the whole or nothing. Temporary files begin with `.tmp-` and are never read. Nor
 * is what is no regular file: a link, a pipe or a device in the place of a key was put there by
 * somebody else.
 */
export function folderBackend(directory: string, { synced = true }: FolderOptions = {}): Backend {
  const pathOf = (key: string) => join(directory, ...key.split('/'));
  /** Folders whose own names this process has made durable, or is about to. */
  const durable = new Map<string, Promise<void>>();

  /** A new name is durable once its folder is synced, and each folder above it that is new. */
  async function syncName(folder: string): Promise<void> {
    await syncFolder(folder);
    const above = durable.get(folder) ?? syncAbove(folder);
    durable.set(folder, above);
    await above;
  }

  /** A run that was killed may have made any of them without syncing it. */
  async function syncAbove(folder: string): Promise<void> {
    const root = resolve(directory);
    for (let above = resolve(folder); above !== root; ) {
      above = dirname(above);
      await syncFolder(above);
    }
    await syncFolder(dirname(root)).catch((error) => {
      // Where the store lies need not be ours to read; then it was made by somebody else.
      if (codeOf(error) !== 'EACCES') throw error;
    });
  }

  async function create(key: string, bytes: Uint8Array): Promise<boolean> {
    const path = pathOf(key);
    if (!synced) return guarded(`write ${path}`, async () => createUnsynced(path, bytes));
    return guarded(`write ${path}`, async () => {
      const folder = dirname(path);
      // Whoever gave it its name may have been killed before the name was durable.
      const isTaken = async () => {
        if (!durable.has(folder)) await syncName(folder);
        return false;
      };
      if (await exists(path)) return isTaken();
      await mkdir(folder, { recursive: true });
      const temporary = join(folder, `${temporaryPrefix}${randomBytes(8).toString('hex')}`);
      try {
        const file = await open(temporary, 'wx', 0o640);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await link(temporary, path);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return isTaken();
        throw error;
      } finally {
        await unlink(temporary).catch(() => {});
      }
      await syncName(folder);
      return true;
    });
  }

  async function* entries(prefix: string): AsyncGenerator<Entry> {
    const path = pathOf(prefix);
    const found = await guarded(`list ${path}`, () => readdir(path, { withFileTypes: true }), []);
    for (const entry of found) {
      const key = `${prefix}/${entry.name}`;
      if (entry.isDirectory()) {
        yield* entries(key);
        continue;
      }
      const state = await guarded(
        `look at ${pathOf(key)}`,
        async () => lstatSync(pathOf(key)),
        undefined,
      );
      // A writer at work takes its temporary file away between two looks.
      if (state === undefined) continue;
      const temporary = entry.name.startsWith(temporaryPrefix);
      yield { key, bytes: state.size, modified: state.mtime, temporary };
    }
  }

  return {
    location: directory,
    create,
    async read(key) {
      const path = pathOf(key);
      return guarded(`read ${path}`, async () => readRegularFile(path), undefined);
    },
    async list(prefix) {
      const path = pathOf(prefix);
      const found = await guarded(`list ${path}`, () => readdir(path, { withFileTypes: true }), []);
      // What is no regular file is listed all the same: to read it says so, to hide it would not.
      return found
        .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
        .map((entry) => `${prefix}/${entry.name}`)
        .sort(compareText);
    },
    entries,
    async renew(key, bytes) {
      const path = pathOf(key);
      const now = systemClock.now();
      const touch = async () => {
        if (synced) await lutimes(path, now, now);
        else lutimesSync(path, now, now);
        return true;
      };
      if (!(await guarded(`renew ${path}`, touch, false))) await create(key, bytes);
    },
    async remove(key) {
      const path = pathOf(key);
      await guarded(`remove ${path}`, () => unlink(path), undefined);
    },
  };
}

/** At once, as reading: there is no disk to wait for. */
function createUnsynced(path: string, bytes: Uint8Array): boolean {
  try {
    writeFileSync(path, bytes, { flag: 'wx', mode: 0o640 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (codeOf(error) !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    return createUnsynced(path, bytes);
  }
}

/**
 * Reads without following a link and without waiting at a pipe for its writer. At once: files are
 * small and many, and to hand each step to another thread takes longer than the step.
 * @throws TickmarkError IntegrityBroken when it is no regular file
 */
function readRegularFile(path: string): Buffer {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    // What open(2) says of a symbolic link, and of a socket.
    throw ['ELOOP', 'ENXIO', 'ENOTDIR'].includes(codeOf(cause)) ? notRegular(path) : cause;
  }
  try {
    const state = fstatSync(file);
    if (!state.isFile()) throw notRegular(path);
    if (state.size > mostBytes) {
      throw new TickmarkError(
        'IntegrityBroken',
        `${path} has ${state.size} bytes, and no file of a store has so many: it was replaced; restore it from a copy`,
      );
    }
    // Its size is known: to read until the end is found out anew takes two calls more.
    const bytes = Buffer.allocUnsafe(state.size);
    let read = 0;
    while (read < bytes.length) {
      const more = readSync(file, bytes, read, bytes.length - read, null);
      if (more === 0) break;
      read += more;
    }
    return bytes.subarray(0, read);
  } finally {
    closeSync(file);
  }
}

function notRegular(path: string): TickmarkError {
  return new TickmarkError(
    'IntegrityBroken',
    `${path} is not a regular file but a link, a pipe, a device or a folder: evidence was replaced; restore it from a copy`,
  );
}

/** Names what could not be done, and says what to do; `ENOENT` is `whenMissing`. */
async function guarded<T, M = never>(
  what: string,
  work: () => Promise<T>,
  ...whenMissing: [] | [M]
): Promise<T | M> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof TickmarkError) throw cause;
    if (codeOf(cause) === 'ENOENT' && whenMissing.length === 1) return whenMissing[0];
    const advice: Record<string, string> = {
      ENOSPC: 'the disk is full: make room and run again',
      EDQUOT: 'the disk quota is used up: make room and run again',
      EROFS: 'the file system is read-only: name another place with --store',
      EACCES: 'no permission: check who owns the folder, or name another place with --store',
      EPERM:
        'not permitted: the store needs a file system with hard links, and files of who runs; name another place with --store',
      ENOTDIR: 'a part of the path is a file: name another place with --store',
    };
    const code = codeOf(cause);
    throw new TickmarkError(
      'StoreUnavailable',
      `cannot ${what}: ${advice[code] ?? messageOf(cause)}`,
      { cause },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A new name is durable once its folder is synced (POSIX fsync, "directories"). */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
