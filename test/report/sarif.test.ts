import { spawnSync } from 'node:child_process';
import { Ajv } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/model.ts';
import { sarif } from '../../src/report/sarif.ts';
import { legible } from '../../src/report/words.ts';
import { fence } from '../docs/pages.ts';
import { hostile, poisoned } from '../support/hostile.ts';
import { sampleReport } from '../support/report.ts';
import { publishedSchema } from './schemas.ts';

// The package is CommonJS and its types describe an ES default export: the import is the function.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default;

const sample = sampleReport();
const [run] = JSON.parse(sarif(sample)).runs;
const about = (report: Report, test: string, name: string) =>
  JSON.parse(sarif(report)).runs[0].results.filter(
    (each: { ruleId: string; message: { text: string } }) =>
      each.ruleId === test && each.message.text.startsWith(name),
  );

describe('SARIF', () => {
  it('has a rule for each test', () => {
    expect(run.tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(
      sample.period.controls.flatMap(({ tests }) => tests.map(({ id }) => id)),
    );
    expect(run.tool.driver.rules[1]).toMatchObject({
      id: 'aws-iam-mfa',
      shortDescription: { text: 'Each IAM user with a console password has an MFA device' },
      help: { text: 'Let the user register an MFA device, or remove the console password.' },
      defaultConfiguration: { level: 'error' },
      properties: {
        control: 'AC-02',
        criteria: { soc2: ['CC6.1', 'CC6.6'], nist_csf: ['PR.AA-03'] },
        tags: ['security', 'AC-02', 'soc2/CC6.1', 'soc2/CC6.6', 'nist_csf/PR.AA-03'],
      },
    });
  });

  it('has a result for each deviation of the period', () => {
    expect(run.results).toHaveLength(8);
    for (const { ruleId, ruleIndex } of run.results) {
      expect(run.tool.driver.rules[ruleIndex].id).toBe(ruleId);
    }
    const [open] = about(sample, 'aws-iam-admin', 'ada');
    expect(open).toMatchObject({
      kind: 'fail',
      level: 'error',
      baselineState: 'unchanged',
      message: {
        text: 'ada in 123456789012: began to fail between 2025-08-01 02:00 and 2025-08-02 02:00 UTC; late, was due 2025-08-09.',
      },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'AC-06.yaml', index: 2 },
            region: { startLine: 1, startColumn: 1, endLine: 1, endColumn: 2 },
          },
          logicalLocations: [
            {
              name: 'ada',
              fullyQualifiedName: 'arn:aws:iam::123456789012:user/ada',
              kind: 'resource',
            },
          ],
        },
      ],
    });
    expect(open).not.toHaveProperty('suppressions');
    expect(about(sample, 'aws-iam-grp', 'deploy')[0].level).toBe('warning');
  });

  it('says what is waived, by whom and why', () => {
    const [{ suppressions }] = about(sample, 'aws-iam-grp', 'metrics-b');
    expect(suppressions).toEqual([
      {
        kind: 'external',
        status: 'accepted',
        justification:
          'Needs a right of its own until the group for exporters is there (approved by Grace Hopper, 2025-08-04 to 2025-09-30); meanwhile: The policy gives one action only, and an alarm tells of its use; ticket OPS-371',
      },
    ]);
    const suppressed = run.results.filter((each: object) => 'suppressions' in each);
    expect(suppressed).toHaveLength(3);
  });

  it('says what is new, what was so before, and what is gone', () => {
    const [closed, again] = about(sample, 'aws-iam-mfa', 'finance-pia');
    expect(closed).toMatchObject({ baselineState: 'absent', level: 'note' });
    expect(again).toMatchObject({ baselineState: 'unchanged', level: 'error' });
    const nights = sample.nights.filter(({ day }) => day <= '2025-08-12');
    expect(about({ ...sample, nights }, 'aws-iam-mfa', 'finance-pia')[1].baselineState).toBe('new');
  });

  it('knows a deviation again on every night, and tells it from every other', () => {
    const prints = (report: Report) =>
      JSON.parse(sarif(report)).runs[0].results.map(
        (each: { partialFingerprints: object }) => each.partialFingerprints,
      );
    const later = structuredClone(sample);
    later.period.now = '2025-08-20T12:00:00.000Z';
    for (const { deviations } of later.period.controls.flatMap(({ tests }) => tests)) {
      for (const each of deviations) {
        each.name = `${each.name}, renamed`;
        each.nights.failing += 6;
        each.last_run = 'another';
      }
    }
    expect(prints(later)).toEqual(prints(sample));
    const lines = prints(sample).map(
      (each: Record<string, string>) => each.primaryLocationLineHash,
    );
    expect(new Set(lines).size).toBe(8);
    for (const line of lines) expect(line).toMatch(/^[0-9a-f]{16}:1$/);
  });

  it('tells what is missing as notifications', () => {
    const [{ toolExecutionNotifications, executionSuccessful }] = run.invocations;
    expect(executionSuccessful).toBe(true);
    expect(toolExecutionNotifications).toMatchObject([
      { level: 'warning', associatedRule: { id: 'aws-iam-mfa' } },
      { level: 'warning', associatedRule: { id: 'chg-conf' } },
    ]);
    const problems = ['bundle 4 is missing'];
    const broken = JSON.parse(sarif({ ...sample, period: { ...sample.period, problems } })).runs[0];
    expect(broken.invocations[0].executionSuccessful).toBe(false);
  });

  it.each([
    ['builtin:soc2/AC-01-root-user.yaml', 'builtin/soc2/AC-01-root-user.yaml'],
    ['./controls/a b.yaml', 'controls/a%20b.yaml'],
    ['../../etc/passwd', 'etc/passwd'],
    ['C:\\controls\\a.yaml', 'C%3A/controls/a.yaml'],
    ['javascript:alert(1)', 'javascript%3Aalert(1)'],
    ['..', 'AC-01.yaml'],
    ['', 'AC-01.yaml'],
  ])('places what was sealed as %s within the repository', (file, uri) => {
    const report = structuredClone(sample);
    for (const each of report.controls[0]?.files ?? []) each.file = file;
    expect(JSON.parse(sarif(report)).runs[0].artifacts[0].location.uri).toBe(uri);
  });

  it.each(hostile)('holds %s as text', (_name, payload) => {
    const dangerous = JSON.parse(sarif(poisoned(sample, payload))).runs[0];
    expect(dangerous.results).toHaveLength(8);
    expect(dangerous.tool.driver.rules[0].help.text).toBe(legible(payload) || '-');
    const [{ logicalLocations, physicalLocation }] = dangerous.results[0].locations;
    expect(logicalLocations[0].fullyQualifiedName).toBe(legible(payload));
    const { uri } = physicalLocation.artifactLocation;
    const base = 'https://example.com/a/b/';
    expect(new URL(uri, base).href.startsWith(base)).toBe(true);
  });
});

const hasJq = spawnSync('jq', ['--version']).status === 0;

it.skipIf(!hasJq)('docs/formats/report.md leaves to code scanning what is open, and events', () => {
  const { text } = fence('docs/formats/report.md', 'sh');
  const [, filter = ''] = text.match(/'([^']+)'/) ?? [];
  const { stdout } = spawnSync('jq', [filter], { input: sarif(sample), encoding: 'utf8' });
  const names = JSON.parse(stdout).runs[0].results.map(
    (each: { properties: { standing: string } }) => each.properties.standing,
  );
  expect(names.sort()).toEqual(['event', 'open', 'open', 'open']);
});

const schema = publishedSchema('sarif-schema-2.1.0.json');

describe.skipIf(!schema.available)(`sarif-schema-2.1.0.json${schema.missing}`, () => {
  // Draft 4; of what later drafts changed it has nothing but its own name.
  const { $schema: _draft, id: _id, ...draft } = schema.available ? schema.read() : {};
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  const validate = ajv.compile(draft);
  const faultsOf = (text: string) => {
    validate(JSON.parse(text));
    return validate.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`) ?? [];
  };

  it('takes it, and would not take everything', () => {
    expect(faultsOf(sarif(sample))).toEqual([]);
    expect(faultsOf(sarif({ ...sample, nights: [], head: null }))).toEqual([]);
    expect(faultsOf(sarif(sample).replace('"kind": "fail"', '"kind": "failed"'))).not.toEqual([]);
  });

  it.each(hostile)('takes it with %s', (_name, payload) => {
    expect(faultsOf(sarif(poisoned(sample, payload)))).toEqual([]);
  });
});
