import { z } from 'zod';

export const frequencies = [
  'continuous',
  'daily',
  'weekly',
  'monthly',
  'quarterly',
  'annual',
  'per-event',
] as const;

export const severities = ['critical', 'high', 'medium', 'low'] as const;
export type Severity = (typeof severities)[number];

const days = z.int().min(1).max(3660);

/** A name that CEL can say. */
const name = z
  .string()
  .regex(/^[a-z_][a-z0-9_]*$/, { error: 'expected a name of lower-case letters, digits and _' });

const fields = z.record(z.string(), z.json());

const testCase = z.strictObject({
  name: z.string().min(1).describe('What the case shows.'),
  record: fields.describe(
    'The record: fields of the dataset, and `uid` and `name`. A field left out could not be told.',
  ),
  lookups: z
    .record(name, z.array(fields))
    .default({})
    .describe(
      'The records of each looked-up dataset. [] was collected and is empty; a lookup left out was not collected.',
    ),
  parameters: z
    .record(name, z.json())
    .default({})
    .describe('Parameter values that replace the defaults in this case.'),
  now: z.iso
    .datetime()
    .default('2026-01-01T00:00:00Z')
    .describe('The time of the run, and of the observation.'),
  status: z.enum(['pass', 'fail', 'not_applicable', 'error']).describe('The expected status.'),
  reason: z.string().optional().describe('The expected reason, word for word.'),
});

const test = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, { error: 'expected lower-case letters, digits and hyphens' })
    .describe('Unique over all controls; parameters and waivers name it.'),
  title: z.string().min(1).describe('What holds for a resource that passes.'),
  over: z.string().min(1).describe('The dataset whose records are tested.'),
  as: name.describe('What a record is called in the expressions.'),
  where: z
    .string()
    .min(1)
    .optional()
    .describe(
      'CEL, bool: whether a record belongs to the population. Left out: every record does.',
    ),
  expect: z.string().min(1).describe('CEL, bool: whether a record of the population passes.'),
  lookups: z
    .record(
      name,
      z.strictObject({
        in: z.string().min(1).describe('The dataset that is looked into.'),
        key: name.describe('Its field that is compared.'),
        equals: z.string().min(1).describe('CEL over the tested record: the value looked for.'),
      }),
    )
    .default({})
    .describe('Records of other datasets that belong to the record, each a list in expressions.'),
  parameters: z
    .record(
      name,
      z.strictObject({
        default: z
          .union([
            z.boolean(),
            z.number(),
            z.string(),
            z.array(z.string()),
            z.record(z.string(), z.string()),
          ])
          .describe('Its value unless the configuration gives another; sets its type.'),
        description: z.string().min(1).describe('What it means, with its unit.'),
      }),
    )
    .default({})
    .describe('Values that an organisation may set; `params.<name>` in expressions.'),
  message: z
    .string()
    .min(1)
    .describe('The fact that decided, for pass and fail alike. CEL stands between {{ and }}.'),
  remediation: z.string().min(1).describe('How to mend what fails.'),
  severity: z
    .enum(severities)
    .default('medium')
    .describe('How bad a deviation is; sets the time in which it has to be mended.'),
  cases: z.array(testCase).default([]).describe('Unit tests of this test.'),
});

/** One control file. */
export const controlSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'expected letters, digits, ".", "_" and "-"' })
    .describe('In quotes. Unique.'),
  title: z.string().min(1).describe('The control in a few words.'),
  statement: z.string().min(1).describe('What the organisation says it does.'),
  criteria: z
    .record(name, z.array(z.string().min(1)).min(1))
    .describe('Criteria that the control serves, by framework.'),
  category: z
    .enum(['security', 'availability', 'confidentiality', 'processing-integrity', 'privacy'])
    .describe('The trust services category.'),
  owner: z.string().min(1).describe('The role that answers for the control.'),
  frequency: z.enum(frequencies).describe('How often the control operates.'),
  remediation_days: z
    .strictObject({
      critical: days.default(7),
      high: days.default(30),
      medium: days.default(60),
      low: days.default(90),
    })
    .default({ critical: 7, high: 30, medium: 60, low: 90 })
    .describe('Days in which a deviation has to be mended, by the severity of its test.'),
  tests: z.array(test).describe('Automated checks. [] for a control that only people can show.'),
});

export type Control = z.output<typeof controlSchema>;
export type TestDefinition = z.output<typeof test>;
export type TestCase = z.output<typeof testCase>;
export type Parameter = boolean | number | string | string[] | Record<string, string>;

/** The published JSON Schema (draft 2020-12) of a control file. */
export function controlJsonSchema(): object {
  return z.toJSONSchema(controlSchema, { io: 'input', target: 'draft-2020-12' });
}
