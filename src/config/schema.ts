import { z } from 'zod';

export const categories = [
  'security',
  'availability',
  'confidentiality',
  'processing-integrity',
  'privacy',
] as const;

const day = z.iso.date({ error: 'expected a day as YYYY-MM-DD' });

const source = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, { error: 'expected lower-case letters, digits and hyphens' })
    .describe('Your name for this connection; unique, and part of the evidence.'),
  use: z.string().min(1).describe('The kind of source: "aws", or one that a plugin brings.'),
  with: z
    .record(z.string(), z.json())
    .default({})
    .describe('Settings of this kind of source; see its documentation.'),
});

/** `tickmark.yaml`. */
export const configSchema = z.strictObject({
  organization: z.string().min(1).describe('Whose evidence this is, as reports print it.'),
  period: z
    .strictObject({
      start: day.describe('First day of the examined period, in `timezone`.'),
      end: day.describe('Last day of the examined period, in `timezone`; that day is included.'),
    })
    .refine(({ start, end }) => end >= start, {
      error: 'the period ends before it starts',
      path: ['end'],
    })
    .describe('The period that the examination covers, in whole days.'),
  timezone: z
    .string()
    .refine(isTimeZone, { error: 'expected an IANA time zone such as UTC or Europe/Berlin' })
    .default('UTC')
    .describe('IANA time zone in which days begin and end.'),
  categories: z
    .array(z.enum(categories))
    .min(1)
    .refine(isUnique, { error: 'a category stands twice' })
    .default([...categories])
    .describe('Trust services categories in scope; controls of others are left out.'),
  store: z
    .string()
    .min(1)
    .default('./evidence')
    .describe('Folder that the evidence is kept in, relative to this file.'),
  sources: z
    .array(source)
    .min(1)
    .check(({ value, issues }) => {
      value.forEach(({ id }, index) => {
        if (value.findIndex((other) => other.id === id) === index) return;
        issues.push({
          code: 'custom',
          path: [index, 'id'],
          input: id,
          message: 'another source has this id; ids are unique',
        });
      });
    })
    .describe('Where evidence is collected.'),
  controls: z
    .array(z.string().min(1))
    .min(1)
    .default(['builtin:soc2'])
    .describe('Control files: "builtin:soc2", or folders and files relative to this file.'),
  parameters: z
    .record(z.string(), z.record(z.string(), z.json()))
    .default({})
    .describe('Values that replace the defaults of tests, by test id.'),
  plugins: z
    .array(z.string().min(1))
    .default([])
    .describe('Packages or files that bring further sources and collectors.'),
});

export type Config = z.output<typeof configSchema>;
export type SourceConfig = Config['sources'][number];

/** Settings that evidence would have to obey: refused rather than ignored until they work. */
export const unsupportedKeys: Record<string, string> = {
  waivers: 'this version knows no waivers and reports every deviation; remove the key',
  signing: 'this version seals bundles unsigned; remove the key',
  timestamps: 'this version asks no timestamp authority; remove the key',
};

/** The published JSON Schema (draft 2020-12) of `tickmark.yaml`. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' });
}

function isTimeZone(name: string): boolean {
  // An offset is not a zone: it does not know when the clocks change.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isUnique(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}
