import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { sha256 } from '../evidence/json.ts';
import { type Checked, parseYaml } from '../yaml/document.ts';
import { type Fault, type FaultCode, FaultError } from '../yaml/fault.ts';
import { type Config, configSchema } from './schema.ts';

/** `tickmark.yaml` as it was read. */
export interface LoadedConfig {
  config: Config;
  /** As it was named. */
  file: string;
  /** Absolute: what the relative paths in the configuration are relative to. */
  directory: string;
  /** SHA-256 of the file's bytes. */
  digest: string;
  /** A fault at a place in the file: `['sources', 0, 'use']`. */
  fault(path: readonly PropertyKey[], message: string, code?: FaultCode): Fault;
  /** Checks `sources[index].with` against the schema of its kind of source. */
  checkWith<T>(index: number, schema: z.ZodType<T>): Checked<T>;
}

/**
 * Reads and checks `tickmark.yaml`.
 * @throws TickmarkError InvalidConfiguration: no such file, or (FaultError) everything in it
 * that is wrong.
 */
export function loadConfig(file: string): LoadedConfig {
  const bytes = read(file);
  const parsed = parseYaml(
    file,
    bytes,
    'the file is empty; `tickmark init` writes one to start from',
  );
  if (!parsed.ok) throw new FaultError('InvalidConfiguration', parsed.faults);
  const document = parsed.value;
  const checked = document.check(configSchema);
  if (!checked.ok) throw new FaultError('InvalidConfiguration', checked.faults);
  return {
    config: checked.value,
    file,
    directory: path.dirname(path.resolve(file)),
    digest: sha256(bytes),
    fault: document.fault,
    checkWith: (index, schema) => document.check(schema, { path: ['sources', index, 'with'] }),
  };
}

function read(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const message = missing
      ? `${file} does not exist; run \`tickmark init\` to write one, or name another with --config`
      : `${file} cannot be read: ${messageOf(error)}`;
    throw new TickmarkError('InvalidConfiguration', message, { cause: error });
  }
}
