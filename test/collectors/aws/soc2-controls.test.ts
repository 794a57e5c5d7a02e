import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { builtin } from '../../../collectors/index.ts';
import { compileControls } from '../../../src/controls/compile.ts';
import { loadControls } from '../../../src/controls/load.ts';
import { runCases } from '../../../src/evaluate/cases.ts';

const packageRoot = fileURLToPath(new URL('../../../', import.meta.url));
const datasets = new Map(
  (builtin.collectors ?? []).flatMap((collector) =>
    collector.datasets.map((dataset) => [dataset.name, dataset] as const),
  ),
);
const all = compileControls(
  loadControls(['builtin:soc2'], packageRoot, packageRoot),
  datasets,
).flatMap((control) => control.tests);
const tests = all.filter(({ types }) => types.name.startsWith('aws.'));

describe('the tests over AWS', () => {
  it('are those of the catalogue', () => {
    expect(tests.map(({ id }) => id).sort()).toEqual([
      'aws-cred-idle',
      'aws-iam-admin',
      'aws-iam-fed',
      'aws-iam-grp',
      'aws-iam-mfa',
      'aws-key-age',
      'aws-pwpol',
      'aws-role-trust',
      'aws-root-hw',
      'aws-root-key',
      'aws-root-mfa',
      'kms-pol',
      'kms-rot',
      'pi-store',
      's3-pub',
      's3-sse',
      's3-tls',
    ]);
  });

  it.each(all.map((test) => [test.id, test] as const))('%s: every case comes out', (_id, test) => {
    const { outcomes, faults } = runCases(test);
    expect(faults).toEqual([]);
    expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
    for (const status of ['pass', 'fail', 'error']) {
      expect(outcomes.map(({ actual }) => actual.status)).toContain(status);
    }
  });

  it('ask at most eight calls for each bucket', () => {
    const asked = new Set(
      tests.flatMap(({ types, lookups }) => [types, ...lookups.map((l) => l.types)]),
    );
    const calls = [...asked]
      .filter(({ name }) => name.startsWith('aws.s3.'))
      .flatMap(({ name }) => Object.keys(datasets.get(name)?.calls ?? {}));
    const perBucket = new Set(calls.filter((call) => call !== 's3:ListBuckets'));
    expect(perBucket.size).toBeLessThanOrEqual(8);
  });
});

describe('the collectors of AWS', () => {
  const folder = new URL('../../../collectors/aws/', import.meta.url);
  const apis = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());

  it.each(apis.map(({ name }) => [name]))('%s has the same files as the others', (name) => {
    expect(readdirSync(new URL(`${name}/`, folder))).toEqual(
      expect.arrayContaining(['README.md', 'index.ts', 'schema.ts']),
    );
  });
});
