import { randomBytes } from 'node:crypto';
import { access, link, mkdir, open, readdir, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';
import type { Backend } from './backend.ts';

/**
 * A folder as a backend. A key is written to a temporary file beside it, synced, and given its
 * name by a hard link, which fails when the name is taken: two writers cannot both have it, and
 * a reader sees the whole or nothing. Temporary files begin with `.tmp-` and are never read.
 */
export function folderBackend(directory: string): Backend {
  const pathOf = (key: string) => join(directory, ...key.split('/'));
  return {
    location: directory,
    async create(key, bytes) {
      const path = pathOf(key);
      return guarded(`write ${path}`, async () => {
        if (await exists(path)) return false;
        const folder = dirname(path);
        const firstMade = await mkdir(folder, { recursive: true });
        const temporary = join(folder, `.tmp-${randomBytes(8).toString('hex')}`);
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
          if (codeOf(error) === 'EEXIST') return false;
          throw error;
        } finally {
          await unlink(temporary).catch(() => {});
        }
        await syncFolder(folder);
        // A folder made for the key is itself only an entry of the folder above.
        for (let made = folder; firstMade !== undefined && made.startsWith(firstMade); ) {
          made = dirname(made);
          await syncFolder(made);
        }
        return true;
      });
    },
    async read(key) {
      const path = pathOf(key);
      return guarded(`read ${path}`, () => readFile(path), undefined);
    },
    async list(prefix) {
      const path = pathOf(prefix);
      const names = await guarded(`list ${path}`, () => readdir(path), []);
      return names
        .filter((name) => !name.startsWith('.'))
        .sort(compareText)
        .map((name) => `${prefix}/${name}`);
    },
  };
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
    if (codeOf(cause) === 'ENOENT' && whenMissing.length === 1) return whenMissing[0];
    const advice: Record<string, string> = {
      ENOSPC: 'the disk is full: make room and run again',
      EDQUOT: 'the disk quota is used up: make room and run again',
      EROFS: 'the file system is read-only: name another place with --store',
      EACCES: 'no permission: check who owns the folder, or name another place with --store',
      EPERM:
        'not permitted: the store needs a file system with hard links; name another place with --store',
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
