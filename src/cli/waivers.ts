/** The file of waivers that a configuration names. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import type { LoadedControl } from '../controls/load.ts';
import { readWaivers, type Waiver } from '../controls/waivers.ts';
import { messageOf } from '../evidence/errors.ts';
import { FaultError } from '../yaml/fault.ts';

export interface LoadedWaivers {
  /** As the configuration names it. */
  file: string;
  bytes: Uint8Array;
  waivers: Waiver[];
}

/**
 * Null where the configuration names no file.
 * @param controls all that there are: a waiver may name any of their tests.
 * @throws FaultError InvalidConfiguration: no such file, or everything in it that is wrong.
 */
export function loadWaivers(
  loaded: LoadedConfig,
  controls: readonly LoadedControl[],
): LoadedWaivers | null {
  const file = loaded.config.waivers;
  if (file === undefined) return null;
  const bytes = readIfThere(loaded, file);
  if (bytes === undefined) {
    throw unreadable(
      loaded,
      `${file} does not exist; tickmark waive writes it with a first waiver, or take this key away`,
    );
  }
  const read = readWaivers(file, bytes, testsOf(controls));
  if (!read.ok) throw new FaultError('InvalidConfiguration', read.faults);
  return { file, bytes, waivers: read.value };
}

export function testsOf(controls: readonly LoadedControl[]): ReadonlySet<string> {
  return new Set(controls.flatMap(({ control }) => control.tests.map(({ id }) => id)));
}

/** @throws FaultError for a file that is there and cannot be read. */
export function readIfThere(loaded: LoadedConfig, file: string): Uint8Array | undefined {
  try {
    return readFileSync(resolve(loaded.directory, file));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw unreadable(loaded, `${file} cannot be read: ${messageOf(error)}`);
  }
}

function unreadable(loaded: LoadedConfig, message: string): FaultError {
  return new FaultError('InvalidConfiguration', [loaded.fault(['waivers'], message)]);
}
