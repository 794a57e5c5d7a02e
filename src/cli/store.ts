/** Where a store is, and how it is opened. */
import { resolve } from 'node:path';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type ArchiveFiles, openArchive } from '../store/archive.ts';
import type { Backend } from '../store/backend.ts';
import { folderBackend } from '../store/folder.ts';
import { Store } from '../store/store.ts';
import type { ProjectOptions } from './command.ts';

/** The configured store, or another place with the same settings. */
export async function openStore(
  place: string | undefined,
  loaded: LoadedConfig | undefined,
): Promise<Store> {
  return new Store((await openPlace(place ?? placeOf(loaded), loaded?.config.s3)).backend);
}

/** The store alone. A folder that is named needs no configuration; how a bucket is reached does. */
export async function openNamedStore({ config, store }: ProjectOptions): Promise<Store> {
  const isFolder = store !== undefined && !isAddress(store);
  return openStore(store, isFolder ? undefined : loadConfig(config));
}

/**
 * A folder, `s3://bucket/prefix`, or an exported archive: a zip, or the folder that it was unpacked
 * to. Of an archive it is the store within, and `files` are all that lie in the archive; where that was
 * redacted, the store is without its evidence.
 */
export async function openPlace(
  place: string,
  s3?: Config['s3'],
): Promise<{ backend: Backend; files?: ArchiveFiles; redacted?: boolean }> {
  if (isAddress(place)) {
    const { parseS3Place, s3Backend } = await import('../store/s3.ts');
    return { backend: s3Backend({ ...parseS3Place(place), ...s3 }) };
  }
  const archive = await openArchive(place);
  if (archive === undefined) return { backend: folderBackend(place) };
  return { backend: archive.sealed, files: archive.files, redacted: archive.redacted };
}

/** The configured store; a relative folder is relative to the configuration. */
export function placeOf(loaded: LoadedConfig | undefined): string {
  if (loaded === undefined) return './evidence';
  const { store } = loaded.config;
  return isAddress(store) ? store : resolve(loaded.directory, store);
}

/** Whether a place is no folder but `s3://…`. */
export function isAddress(place: string): boolean {
  return /^[a-z0-9]+:\/\//i.test(place);
}
