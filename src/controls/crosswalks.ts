import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { compareText } from '../evidence/json.ts';
import { parseYaml } from '../yaml/document.ts';
import { FaultError } from '../yaml/fault.ts';

const crosswalkSchema = z
  .strictObject({
    framework: z.string().min(1).describe('The key under `criteria` in a control.'),
    title: z.string().min(1).describe('The framework, with its edition.'),
    note: z.string().min(1).describe('Where ids and words come from.'),
    ids: z
      .record(z.string(), z.string().min(1))
      .optional()
      .describe('Every id of the framework, each in a few words of our own.'),
    pattern: z
      .string()
      .optional()
      .describe('What ids look like, for a framework whose list is not ours to publish.'),
  })
  .refine(({ ids, pattern }) => (ids === undefined) !== (pattern === undefined), {
    error: 'expected either ids or a pattern',
  });

/** The ids of one framework. */
export interface Crosswalk {
  framework: string;
  title: string;
  /** What an id says, in a few words; empty for a framework known by pattern only. */
  ids: ReadonlyMap<string, string>;
  has(id: string): boolean;
}

/**
 * The frameworks that controls are mapped to, by name.
 * @param folder `controls/crosswalks` of the program.
 * @throws FaultError InvalidControl
 */
export function loadCrosswalks(folder: string): Map<string, Crosswalk> {
  const crosswalks = new Map<string, Crosswalk>();
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort(compareText)) {
    const parsed = parseYaml(name, readFileSync(path.join(folder, name)));
    if (!parsed.ok) throw new FaultError('InvalidControl', parsed.faults);
    const checked = parsed.value.check(crosswalkSchema);
    if (!checked.ok) throw new FaultError('InvalidControl', checked.faults);
    const { framework, title, ids = {}, pattern } = checked.value;
    const known = new Map(Object.entries(ids));
    const form = pattern === undefined ? undefined : new RegExp(pattern);
    crosswalks.set(framework, {
      framework,
      title,
      ids: known,
      has: (id) => known.has(id) || form?.test(id) === true,
    });
  }
  return crosswalks;
}
