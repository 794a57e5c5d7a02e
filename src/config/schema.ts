import { z } from 'zod';
import { dayIn } from '../evidence/days.ts';

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

/** No size is prescribed anywhere; the defaults are what auditors usually take. */
function sampleSize(usual: number, which: string) {
  return z.int().min(1).max(100_000).default(usual).describe(`Items for a control ${which}.`);
}

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
    .exactOptional()
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
    .describe('Where the evidence is kept: a folder relative to this file, or s3://bucket/prefix.'),
  s3: z
    .strictObject({
      region: z.string().min(1).exactOptional().describe('Region of the bucket.'),
      endpoint: z
        .url({ protocol: /^https?$/ })
        .exactOptional()
        .describe('Address of a service that speaks S3, if it is not AWS.'),
      profile: z.string().min(1).exactOptional().describe('AWS profile that writes the store.'),
      retention: z
        .strictObject({
          mode: z
            .enum(['governance', 'compliance'])
            .describe('Object Lock mode; nobody can shorten `compliance`.'),
          days: z.int().min(1).max(36_500).describe('Days that each object is held.'),
        })
        .exactOptional()
        .describe('Object Lock retention that is put on everything written.'),
    })
    .exactOptional()
    .describe('How the bucket of an s3:// store is reached.'),
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
  waivers: z
    .string()
    .min(1)
    .exactOptional()
    .describe('File with approved waivers, relative to this file.'),
  samples: z
    .strictObject({
      continuous: sampleSize(1, 'that operates all the time'),
      daily: sampleSize(25, 'that operates every day'),
      weekly: sampleSize(5, 'that operates every week'),
      monthly: sampleSize(2, 'that operates every month'),
      quarterly: sampleSize(2, 'that operates every quarter'),
      annual: sampleSize(1, 'that operates once a year'),
      'per-event': sampleSize(25, 'that operates with each event'),
    })
    .prefault({})
    .describe(
      'How many items `tickmark sample --size auto` draws, by the frequency of the control.',
    ),
  signing: z
    .strictObject({
      key: z
        .string()
        .min(1)
        .describe('Private key that manifests are signed with: a PEM file, or kms:<key ARN>.'),
    })
    .exactOptional()
    .describe('Signature of the bundles. TICKMARK_SIGNING_KEY outranks it.'),
  timestamps: z
    .strictObject({
      authorities: z
        .array(z.url({ protocol: /^https?$/ }))
        .min(1)
        .describe('RFC 3161 authorities, asked in this order until one answers.'),
      roots: z
        .string()
        .min(1)
        .exactOptional()
        .describe('PEM file with the root certificates that tokens have to end at.'),
    })
    .exactOptional()
    .describe('Timestamps of the bundles.'),
  redaction: z
    .strictObject({
      key: z
        .string()
        .min(1)
        .describe('File with the secret that pseudonyms are made with, relative to this file.'),
    })
    .exactOptional()
    .describe('Pseudonyms of `tickmark export --redact`. TICKMARK_REDACTION_KEY outranks it.'),
  plugins: z
    .array(z.string().min(1))
    .default([])
    .describe('Packages or files that bring further sources and collectors.'),
});

export type Config = z.output<typeof configSchema>;

/** The published JSON Schema (draft 2020-12) of `tickmark.yaml`. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' });
}

function isTimeZone(name: string): boolean {
  // An offset is not a zone: it does not know when the clocks change.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    dayIn(new Date(0), name);
    return true;
  } catch {
    return false;
  }
}

function isUnique(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}
