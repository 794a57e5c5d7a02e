import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { junit } from '../../src/report/junit.ts';
import { legible } from '../../src/report/words.ts';
import { hostile, poisoned } from '../support/hostile.ts';
import { sampleReport } from '../support/report.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { publishedSchema } from './schemas.ts';

afterAll(removeTemporary);

const sample = sampleReport();
const hasXmllint = spawnSync('xmllint', ['--version']).status === 0;
const withoutXmllint = hasXmllint ? '' : ' (skipped: there is no xmllint, of libxml2-utils)';
const xsd = publishedSchema('junit-10.xsd');

function xmllint(args: string[], input: string): string {
  const { status, stdout, stderr } = spawnSync('xmllint', [...args, '-'], {
    input,
    encoding: 'utf8',
  });
  expect(stderr.replace(/^- validates\n/, '')).toBe('');
  expect(status).toBe(0);
  return stdout;
}

/** What an expression of XPath finds, as xmllint prints it. */
const at = (document: string, xpath: string) =>
  xmllint(['--noent', '--xpath', xpath], document).trim();

describe.skipIf(!hasXmllint)(`JUnit XML${withoutXmllint}`, () => {
  const document = junit(sample);

  it('has a suite for each control and a case for each test', () => {
    expect(at(document, 'count(//testsuite)')).toBe('7');
    expect(at(document, 'count(//testcase)')).toBe('8');
    expect(at(document, 'string(//testsuite[3]/@name)')).toBe('AC-06 Least privilege');
    expect(at(document, 'string(//testsuite[3]/testcase[1]/@name)')).toBe(
      'aws-iam-admin: No IAM user has all rights',
    );
    expect(at(document, "string(//testsuite[3]//property[@name='criteria']/@value)")).toBe(
      'soc2 CC6.1, CC6.3; iso27001 A.8.2',
    );
  });

  it('fails for what is open and for events, and for nothing that is closed or waived', () => {
    expect(at(document, 'count(//failure)')).toBe('4');
    expect(at(document, 'string(/testsuites/@failures)')).toBe('4');
    const grp = "//testcase[starts-with(@name,'aws-iam-grp')]";
    expect(at(document, `string(${grp}/failure/@message)`)).toBe('1 open deviation');
    expect(at(document, `string(${grp}/failure)`)).toContain('deploy (arn:aws:iam::');
    expect(at(document, `string(${grp}/failure)`)).not.toContain('metrics-b');
    expect(at(document, `string(${grp}/system-out)`)).toContain('metrics-b (arn:aws:iam::');
    const approve = "//testcase[starts-with(@name,'chg-approve')]";
    expect(at(document, `string(${approve}/failure/@message)`)).toBe('1 event that deviated');
    expect(at(document, `string(${approve}/system-out)`)).toContain('Rotate the key');
  });

  it('has errors for what is missing, and skips what there was nothing of', () => {
    expect(at(document, 'count(//error)')).toBe('2');
    expect(at(document, 'string(/testsuites/@errors)')).toBe('2');
    const mfa = "//testcase[starts-with(@name,'aws-iam-mfa')]";
    expect(at(document, `string(${mfa}/error/@message)`)).toBe(
      '13 of 14 occurrences have complete evidence; 1 of 2 with deviations',
    );
    // What is missing does not hide what is known.
    expect(at(document, `string(${mfa}/failure/@message)`)).toBe('1 open deviation');
    expect(at(document, `string(${mfa}/error)`)).toContain('throttled 15 times');
    expect(at(document, 'count(//skipped)')).toBe('2');
    expect(at(document, 'string(//testsuite[5]/testcase/skipped/@type)')).toBe('did not operate');
    expect(at(document, 'string(//testsuite[7]/testcase/skipped/@type)')).toBe('no test');
  });

  it('says that nothing can be concluded where bundles are missing', () => {
    const problems = ['bundle 4 is missing'];
    const controls = sample.period.controls.map((control) => ({
      ...control,
      tests: control.tests.map((test) => {
        return { ...test, conclusion: 'insufficient evidence' as const };
      }),
    }));
    const broken = junit({ ...sample, period: { ...sample.period, problems, controls } });
    expect(at(broken, 'count(//error)')).toBe('7');
    expect(at(broken, 'string(//testsuite[1]/testcase/error/@message)')).toBe(problems[0]);
  });

  it.each(hostile)('holds %s as text', (_name, payload) => {
    const dangerous = junit(poisoned(sample, payload));
    expect(at(dangerous, 'string(//testsuite[1]/@name)')).toBe(`AC-01 ${legible(payload)}`.trim());
    const elements = 'count(//testsuite | //testcase | //failure | //error | //skipped)';
    expect(at(dangerous, elements)).toBe(at(document, elements));
    const grp = "//testcase[starts-with(@name,'aws-iam-grp')]";
    expect(at(dangerous, `string(${grp}/failure)`)).toContain(legible(payload).trim());
  });
});

const missing = withoutXmllint + xsd.missing;
describe.skipIf(missing !== '')(`junit-10.xsd${missing}`, () => {
  it('takes it', async () => {
    xmllint(['--noout', '--schema', xsd.file], junit(sample));
    xmllint(['--noout', '--schema', xsd.file], junit({ ...sample, head: null }));
  });

  it('takes it with every payload', async () => {
    const folder = await temporaryFolder();
    const files = hostile.map((_each, index) => join(folder, `${index}.xml`));
    for (const [index, [, payload]] of hostile.entries()) {
      await writeFile(files[index] ?? '', junit(poisoned(sample, payload)));
    }
    const { status, stderr } = spawnSync('xmllint', ['--noout', '--schema', xsd.file, ...files], {
      encoding: 'utf8',
    });
    expect(
      stderr.split('\n').filter((line) => line !== '' && !line.endsWith(' validates')),
    ).toEqual([]);
    expect(status).toBe(0);
  });
});
