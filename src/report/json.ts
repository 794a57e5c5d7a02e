/**
 * A report as JSON: the model itself, and the population of each test with every item of it
 * (docs/formats/report.md). `jsonReportSchema` says the same as a schema.
 */
import type { Report, ReportDetails, ReportPopulation } from './model.ts';

export interface JsonReport extends Report {
  /** Of each test, in the order of the controls and their tests. */
  populations: ReportPopulation[];
}

/**
 * In pieces, since a population has hundreds of thousands of items; every item has a line.
 * @throws TickmarkError IntegrityBroken
 */
export async function* json(report: Report, details: ReportDetails): AsyncGenerator<string> {
  yield '{';
  for (const [key, value] of Object.entries(report)) {
    yield `\n${JSON.stringify(key)}:`;
    yield* written(value);
    yield ',';
  }
  yield '\n"populations":[';
  let separator = '';
  for (const { id } of report.period.controls.flatMap(({ tests }) => tests)) {
    yield `${separator}\n`;
    yield* written(await details.population(id));
    separator = ',';
  }
  yield ']}\n';
}

/** Objects key by key, the lists in them item by item. */
function* written(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    yield '[';
    for (const [index, item] of value.entries()) {
      yield `${index === 0 ? '' : ','}\n${JSON.stringify(item)}`;
    }
    yield value.length === 0 ? ']' : '\n]';
  } else if (typeof value === 'object' && value !== null) {
    let separator = '';
    yield '{';
    for (const [key, inner] of Object.entries(value)) {
      yield `${separator}${JSON.stringify(key)}:`;
      yield* written(inner);
      separator = ',';
    }
    yield '}';
  } else yield JSON.stringify(value);
}
