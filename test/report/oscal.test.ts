import { Ajv } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/model.ts';
import { oscal } from '../../src/report/oscal.ts';
import { legible } from '../../src/report/words.ts';
import { hostile, poisoned } from '../support/hostile.ts';
import { sampleReport } from '../support/report.ts';
import { shownBy } from './inline-markdown.ts';
import { publishedSchema } from './schemas.ts';

// The package is CommonJS and its types describe an ES default export: the import is the function.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default;

const sample = sampleReport();
const textOf = (report: Report) => [...oscal(report)].join('');
const results = (report = sample) => JSON.parse(textOf(report))['assessment-results'];
const [result] = results().results;

interface Identified {
  uuid: string;
  props: { name: string; value: string }[];
}

const propOf = ({ props }: Identified, name: string) =>
  props.find((each) => each.name === name)?.value;
const where = (list: Identified[], name: string, value: string) =>
  list.filter((each) => propOf(each, name) === value);

/** Every value under a key, at any depth. */
function all(data: unknown, key: RegExp): string[] {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([name, inner]) =>
    typeof inner === 'string' && key.test(name) ? [inner] : all(inner, key),
  );
}

describe('OSCAL', () => {
  it('has a finding for each control, in the words of OSCAL and in ours', () => {
    const found = result.findings.map(
      (each: Identified & { target: { 'target-id': string; status: Record<string, string> } }) => [
        each.target['target-id'],
        each.target.status.state,
        each.target.status.reason,
        propOf(each, 'conclusion'),
      ],
    );
    expect(found).toEqual([
      ['AC-01', 'satisfied', 'pass', 'operated'],
      ['AC-02', 'not-satisfied', 'other', 'insufficient evidence'],
      ['AC-06', 'not-satisfied', 'fail', 'operated with deviations'],
      ['CM-01', 'not-satisfied', 'fail', 'operated with deviations'],
      ['CM-06', 'not-satisfied', 'other', 'did not operate'],
      ['CM-08', 'not-satisfied', 'other', 'insufficient evidence'],
      ['HR-01', 'not-satisfied', 'other', 'insufficient evidence'],
    ]);
    expect(result.findings[1].target.status.remarks).toContain('insufficient evidence; ');
  });

  it('has an observation for each test and each deviation', () => {
    const tests = sample.period.controls.flatMap(({ tests }) => tests);
    const deviations = tests.flatMap((test) => test.deviations);
    expect(result.observations).toHaveLength(tests.length + deviations.length);
    const [closed] = where(where(result.observations, 'test', 'aws-iam-mfa'), 'closed', 'mended');
    expect(closed).toMatchObject({
      description:
        'was created so between 2025-08-02 02:00 and 2025-08-03 02:00 UTC; mended between 2025-08-05 02:00 and 2025-08-06 02:00 UTC.',
      methods: ['TEST'],
      collected: '2025-08-03T02:00:00.000Z',
    });
  });

  it('has a risk for what can still be mended or is accepted, with its day', () => {
    expect(
      result.risks.map((each: Record<string, string>) => [each.title, each.status, each.deadline]),
    ).toEqual([
      ['aws-iam-mfa: finance-pia', 'open', '2025-09-12T00:00:00.000Z'],
      ['aws-iam-admin: ada', 'open', '2025-08-10T00:00:00.000Z'],
      ['aws-iam-grp: metrics-a', 'deviation-approved', undefined],
      ['aws-iam-grp: metrics-b', 'deviation-approved', undefined],
      ['aws-iam-grp: deploy', 'open', '2025-10-08T00:00:00.000Z'],
    ]);
    expect(result.risks[2]['mitigating-factors'][0].description).toContain('one action only');
  });

  it('names the criteria by framework, and the controls as objectives', () => {
    const selections = result['reviewed-controls']['control-selections'];
    const soc2 = where(selections, 'framework', 'soc2')[0] as unknown as Record<string, unknown>;
    expect(soc2['include-controls']).toEqual(
      ['CC6.1', 'CC6.6', 'CC6.3', 'CC8.1', 'CC7.2', 'CC1.4'].map((id) => ({ 'control-id': id })),
    );
    expect(selections).toHaveLength(3);
  });

  it('names nothing that is not there, and everything once', () => {
    const document = results();
    const own = all(document, /^uuid$/);
    expect(new Set(own).size).toBe(own.length);
    const named = all(document, /.-uuid$/);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((each) => !own.includes(each))).toEqual([]);
    expect(own).toContain(document['import-ap'].href.slice(1));
  });

  it('is the same for the same report, with UUIDs that stay', () => {
    expect(textOf(sample)).toBe(textOf(sample));
    const later = structuredClone(sample);
    later.period.now = '2025-08-15T12:00:00.000Z';
    expect(results(later).uuid).not.toBe(results().uuid);
    expect(results(later).results[0].risks).toEqual(result.risks);
  });

  it('is in pieces what it is in one', () => {
    expect([...oscal(sample)].length).toBeGreaterThan(100);
    const text = textOf(sample);
    expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`);
  });

  it('pins the store by its head', () => {
    const [, head] = results()['back-matter'].resources;
    expect(head.rlinks).toEqual([
      {
        href: 'bundles/00000015.json',
        'media-type': 'application/json',
        hashes: [{ algorithm: 'SHA-256', value: sample.head?.digest }],
      },
    ]);
  });

  it.each(hostile)('holds %s as text', (_name, payload) => {
    const dangerous = results(poisoned(sample, payload));
    const [first] = dangerous.results;
    expect(all(first, /^uuid$/).length).toBeGreaterThan(50);
    const plain = legible(payload).trim();
    const values = all(first, /^value$/);
    expect(values).toContain(plain || '-');
    expect(values.every((each) => each === legible(each))).toBe(true);
    // These are Markdown.
    const texts = all(first, /^(?:title|description|statement|prose|remarks)$/).map(shownBy);
    const shown = texts.filter((each) => each.includes(plain || '(empty)'));
    expect(shown.length).toBeGreaterThan(30);
  });
});

const schema = publishedSchema('oscal_assessment-results_schema.json');

describe.skipIf(!schema.available)(`OSCAL's schema${schema.missing}`, () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  const validate = ajv.compile(schema.available ? schema.read() : {});
  const faultsOf = (text: string) => {
    validate(JSON.parse(text));
    return validate.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`) ?? [];
  };

  it('takes it, and would not take everything', () => {
    expect(faultsOf(textOf(sample))).toEqual([]);
    const empty = { ...sample, nights: [], sources: [], controls: [], head: null };
    expect(faultsOf(textOf({ ...empty, period: { ...sample.period, controls: [] } }))).toEqual([]);
    expect(faultsOf(textOf(sample).replace('"satisfied"', '"fine"'))).not.toEqual([]);
  });

  it.each(hostile)('takes it with %s', (_name, payload) => {
    expect(faultsOf(textOf(poisoned(sample, payload)))).toEqual([]);
  });
});
