import { z } from 'zod';
import {
  type CompiledControl,
  compileControls,
  type Overrides,
} from '../../src/controls/compile.ts';
import type { DatasetShape } from '../../src/controls/dataset-types.ts';
import type { LoadedControl } from '../../src/controls/load.ts';
import { controlSchema } from '../../src/controls/schema.ts';
import { sha256 } from '../../src/evidence/json.ts';
import { parseYaml } from '../../src/yaml/document.ts';
import { FaultError } from '../../src/yaml/fault.ts';

const timestamp = () => z.iso.datetime();

/** Datasets of every kind of field. */
export const users: DatasetShape = {
  name: 'aws.iam.users',
  staleAfterHours: 24,
  fields: z.object({
    account_id: z.string(),
    console: z.boolean(),
    mfa_active: z.boolean(),
    created: timestamp(),
    last_used: timestamp().nullable(),
    boundary: z.string().nullable(),
    logins: z.int(),
    limit: z.int().nullable(),
    score: z.number(),
    kind: z.enum(['person', 'service']),
    groups: z.array(z.string()),
    tags: z.record(z.string(), z.string()),
    keys: z.array(
      z.object({
        slot: z.int(),
        active: z.boolean(),
        last_rotated: timestamp(),
        last_used: timestamp().nullable(),
      }),
    ),
    settings: z.object({ note: z.string(), deep: z.object({ on: z.boolean() }) }),
    extra: z.unknown(),
  }),
};

export const accounts: DatasetShape = {
  name: 'aws.organizations.accounts',
  staleAfterHours: 24,
  fields: z.object({
    account_id: z.string(),
    owner: z.string().nullable(),
    kind: z.enum(['member', 'management']),
  }),
};

export const datasets = new Map([users, accounts].map((d) => [d.name, d]));

/** A control file's text around some tests. */
export function controlText(tests: string, id = 'AC-01'): string {
  return `id: "${id}"
title: Users sign in with two factors
statement: Each user has a second factor.
criteria: { soc2: ["CC6.1"] }
category: security
owner: Head of IT
frequency: daily
tests:${tests === '' ? ' []' : `\n${tests}`}
`;
}

/** A test with only what is given and what has to be there. */
export function testText(parts: Record<string, unknown>): string {
  const all = {
    id: 'aws-iam-mfa',
    title: 'The user has a second factor',
    over: users.name,
    as: 'user',
    message: 'second factor',
    remediation: 'Add one.',
    ...parts,
  };
  const [first = '', ...rest] = Object.entries(all).map(([k, v]) => `${k}: ${JSON.stringify(v)}`);
  return [`  - ${first}`, ...rest.map((line) => `    ${line}`)].join('\n');
}

export function loadText(text: string, file = 'AC-01-users.yaml'): LoadedControl {
  const parsed = parseYaml(file, text);
  if (!parsed.ok) throw new FaultError('InvalidControl', parsed.faults);
  const checked = parsed.value.check(controlSchema);
  if (!checked.ok) throw new FaultError('InvalidControl', checked.faults);
  const bytes = new TextEncoder().encode(text);
  return { control: checked.value, file, digest: sha256(bytes), bytes, document: parsed.value };
}

export function compileText(text: string, overrides?: Overrides): CompiledControl {
  const [control] = compileControls([loadText(text)], datasets, overrides);
  if (control === undefined) throw new Error('no control');
  return control;
}

export function compileTest(parts: Record<string, unknown>) {
  const [test] = compileText(controlText(testText(parts))).tests;
  if (test === undefined) throw new Error('no test');
  return test;
}

/** The faults that compiling a test finds. */
export function faultsOf(work: () => unknown): FaultError {
  try {
    work();
  } catch (error) {
    if (error instanceof FaultError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
