import { readFileSync } from 'node:fs';
import { type Checked, parseYaml, type YamlDocument } from '../yaml/document.ts';
import { type Control, controlSchema } from './schema.ts';

export interface ParsedControl {
  control: Control;
  document: YamlDocument;
}

/** Reads a control file, or tells everything that is wrong with it. */
export function parseControl(file: string, bytes: Uint8Array): Checked<ParsedControl> {
  const parsed = parseYaml(file, bytes);
  if (!parsed.ok) return parsed;
  const checked = parsed.value.check(controlSchema);
  if (!checked.ok) return checked;
  return { ok: true, value: { control: checked.value, document: parsed.value } };
}

/** Where `npm run build` leaves the controls that come with the program, by the digest of their file. */
export const parsedFile = new URL('parsed.json', import.meta.url);

let parsed: Record<string, Control> | undefined;

/**
 * A control that comes with the program, as it was read when the program was built: YAML takes its
 * time, and a period is read by the controls of every night. Undefined for any other file.
 */
export function builtinControl(digest: string): Control | undefined {
  parsed ??= readParsed();
  return Object.hasOwn(parsed, digest) ? parsed[digest] : undefined;
}

function readParsed(): Record<string, Control> {
  try {
    return JSON.parse(readFileSync(parsedFile, 'utf8')) as Record<string, Control>;
  } catch (error) {
    // Run from its sources, it has none.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
