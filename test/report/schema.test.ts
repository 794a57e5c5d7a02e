import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { type JsonReport, json } from '../../src/report/json.ts';
import { jsonReportSchema, reportJsonSchema } from '../../src/report/schema.ts';
import { firstCodes, read, section } from '../docs/pages.ts';
import { hostile, poisoned } from '../support/hostile.ts';
import { sampleDetails, sampleReport } from '../support/report.ts';

// The package is CommonJS and its types describe an ES default export: the import is the function.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default;

type Shape = z.output<typeof jsonReportSchema>;

/** A type with its intersections worked out. */
type Flat<T> = T extends readonly (infer Item)[]
  ? Flat<Item>[]
  : T extends object
    ? { [Key in keyof T]: Flat<T[Key]> }
    : T;
type IsSame<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const sample = sampleReport();
const details = sampleDetails();

async function written(report = sample): Promise<string> {
  let text = '';
  for await (const piece of json(report, details)) text += piece;
  return text;
}

it('has the types of the model, which tsc checks', () => {
  // The one way finds what the other lets pass; only the last finds an optional key too many, and
  // it does not look as deep.
  const toTypes = (shape: Shape): JsonReport => shape;
  const toShape = (report: JsonReport): Shape => report;
  const isSame: IsSame<Flat<Shape>, Flat<JsonReport>> = true;
  expect([toTypes, toShape, isSame]).toHaveLength(3);
});

describe('JSON', () => {
  it('holds the whole report and every population', async () => {
    const { populations, ...rest } = JSON.parse(await written());
    expect(rest).toEqual(sample);
    const tests = sample.period.controls.flatMap((control) => control.tests);
    expect(populations).toEqual(await Promise.all(tests.map(({ id }) => details.population(id))));
    expect(populations.map((each: { items: unknown[] }) => each.items.length)).toEqual(
      tests.map(({ population }) => population),
    );
  });

  it('comes item by item, one a line', async () => {
    const pieces: string[] = [];
    for await (const piece of json(sample, details)) pieces.push(piece);
    const { items } = await details.population('aws-iam-grp');
    expect(items.length).toBeGreaterThan(1);
    for (const item of items) {
      const line = JSON.stringify(item);
      expect(pieces.filter((piece) => piece.includes(line))).toHaveLength(1);
      expect(pieces.join('').split(/,?\n/)).toContain(line);
    }
  });

  it('is the same for the same report', async () => {
    expect(await written()).toBe(await written());
  });

  it.each(hostile)('keeps %s as it is', async (_name, payload) => {
    const population = poisoned(await details.population('aws-iam-grp'), payload);
    const report = poisoned(sample, payload);
    let text = '';
    const poison = { ...details, population: async () => population };
    for await (const piece of json(report, poison)) text += piece;
    const { populations, ...rest } = JSON.parse(text);
    expect(rest).toEqual(report);
    expect(rest.controls[0].title).toBe(payload);
    expect(populations[0]).toEqual(population);
  });
});

it('docs/formats/report.md names every key', () => {
  expect(firstCodes(section('docs/formats/report.md', 'JSON'))).toEqual(
    Object.keys(jsonReportSchema.shape),
  );
});

describe('docs/schemas/report.schema.json', () => {
  const published = JSON.parse(read('docs/schemas/report.schema.json'));

  it('is what the program has', () => {
    expect(published).toEqual(reportJsonSchema());
    expect(published.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  });

  it('takes a report, and nothing that is none', async () => {
    const ajv = new Ajv2020({ allErrors: true });
    addFormats(ajv);
    const validate = ajv.compile(published);
    const report = JSON.parse(await written());
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    const [first] = report.period.controls;
    expect(validate({ ...report, more: 1 })).toBe(false);
    expect(validate({ ...report, head: { sequence: 1, digest: 'x' } })).toBe(false);
    first.conclusion = 'compliant';
    expect(validate(report)).toBe(false);
  });
});
