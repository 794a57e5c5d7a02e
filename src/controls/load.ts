import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { compareText, sha256 } from '../evidence/json.ts';
import { type Fault, FaultError } from '../yaml/fault.ts';
import { type ParsedControl, parseControl } from './parse.ts';

/** A control with the file that it was read from. */
export interface LoadedControl extends ParsedControl {
  /** As it is shown: relative to the configuration, or `builtin:soc2/AC-01-….yaml`. */
  file: string;
  /** SHA-256 of the file's bytes. */
  digest: string;
  bytes: Uint8Array;
}

/** Sets of controls that come with the program, by folder. */
const builtin: Record<string, string> = { 'builtin:soc2': 'controls/soc2' };

/**
 * Reads every control that the references name: `builtin:soc2`, folders (with all folders
 * below) and files. Sorted by id.
 * @param baseDir what relative references are relative to.
 * @param packageRoot the folder of the program's own package.json.
 * @throws TickmarkError InvalidConfiguration for a reference that leads nowhere; FaultError
 * InvalidControl with everything that is wrong in any file.
 */
export function loadControls(
  refs: readonly string[],
  baseDir: string,
  packageRoot: string,
): LoadedControl[] {
  const faults: Fault[] = [];
  const loaded: LoadedControl[] = [];
  for (const { file, shown } of refs.flatMap((ref) => locate(ref, baseDir, packageRoot))) {
    const bytes = readFileSync(file);
    const parsed = parseControl(shown, bytes);
    if (parsed.ok) loaded.push({ ...parsed.value, file: shown, digest: sha256(bytes), bytes });
    else faults.push(...parsed.faults);
  }
  faults.push(...duplicates(loaded));
  if (faults.length > 0) throw new FaultError('InvalidControl', faults);
  return loaded.sort((a, b) => compareText(a.control.id, b.control.id));
}

interface Located {
  file: string;
  shown: string;
}

function locate(ref: string, baseDir: string, packageRoot: string): Located[] {
  if (ref.startsWith('builtin:')) {
    const folder = Object.hasOwn(builtin, ref) ? builtin[ref] : undefined;
    if (folder === undefined) {
      const known = Object.keys(builtin).join(', ');
      throw new TickmarkError(
        'InvalidConfiguration',
        `controls: there is no ${ref}; built in are ${known}`,
      );
    }
    return filesBelow(path.join(packageRoot, folder), ref);
  }
  const target = path.resolve(baseDir, ref);
  let isFolder: boolean;
  try {
    isFolder = statSync(target).isDirectory();
  } catch (error) {
    throw new TickmarkError(
      'InvalidConfiguration',
      `controls: ${ref} cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
  return isFolder ? filesBelow(target, ref) : [{ file: target, shown: ref }];
}

/** A folder without a control is refused: a wrong path must not look like a clean result. */
function filesBelow(folder: string, ref: string): Located[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    throw new TickmarkError(
      'InvalidConfiguration',
      `controls: ${ref} cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
  const files = entries
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/i.test(entry.name))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort(compareText);
  if (files.length === 0) {
    throw new TickmarkError(
      'InvalidConfiguration',
      `controls: ${ref} holds no .yaml file; name a folder that does`,
    );
  }
  return files.map((file) => ({
    file: path.join(folder, file),
    shown: `${ref.replace(/\/+$/, '')}/${file.split(path.sep).join('/')}`,
  }));
}

function duplicates(loaded: readonly LoadedControl[]): Fault[] {
  const faults: Fault[] = [];
  const controls = new Map<string, string>();
  const tests = new Map<string, string>();
  for (const { control, file, document } of loaded) {
    const other = controls.get(control.id);
    if (other !== undefined) {
      faults.push(document.fault(['id'], `"${control.id}" is the id of ${other} too`));
    }
    controls.set(control.id, file);
    control.tests.forEach(({ id }, index) => {
      const elsewhere = tests.get(id);
      if (elsewhere !== undefined) {
        faults.push(document.fault(['tests', index, 'id'], `${elsewhere} has a test "${id}" too`));
      }
      tests.set(id, file);
    });
  }
  return faults;
}
