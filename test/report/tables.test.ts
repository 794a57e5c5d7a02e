import { describe, expect, it } from 'vitest';
import { csv } from '../../src/report/csv.ts';
import type { Report } from '../../src/report/model.ts';
import {
  changesTable,
  controlsTable,
  criteriaTable,
  deviationsTable,
  dueTable,
  gapsTable,
  headOf,
  nightsTable,
  populationTable,
  resultsCsv,
  resultsTable,
  samplesTable,
  sourcesTable,
  type Table,
  waiversTable,
} from '../../src/report/tables.ts';
import { firstCodes, section } from '../docs/pages.ts';
import { sampleDetails, sampleReport } from '../support/report.ts';

const report = sampleReport();
const details = sampleDetails();
const { period } = report;
const population = await details.population('aws-iam-mfa');

/** The cells of each row by their columns. */
function objectsOf(table: Table): Record<string, unknown>[] {
  const head = headOf(table);
  return [...table.rows].map((row) => Object.fromEntries(head.map((name, at) => [name, row[at]])));
}

const tables: [heading: string, table: Table][] = [
  ['Criteria', criteriaTable(report)],
  ['Controls', controlsTable(report)],
  ['Population', populationTable(population.items)],
  ['Results', resultsTable(population)],
  ['Deviations', deviationsTable(period.controls)],
  ['Gaps', gapsTable(period.controls)],
  ['Waivers', waiversTable(period.waivers)],
  ['Samples', samplesTable(report.samples)],
  ['Nights', nightsTable(report.nights)],
  ['Sources', sourcesTable(report)],
  ['Changes', changesTable(period.versions)],
  ['Due', dueTable(period.due)],
];

describe.each(tables)('the table %s', (heading, table) => {
  it('has the columns that its page says, in that order', () => {
    expect(firstCodes(section('docs/formats/tables.md', heading))).toEqual(headOf(table));
  });

  it('has a cell for each column in each row, and can be read twice', () => {
    const rows = [...table.rows];
    expect(rows.length).toBeGreaterThan(0);
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([table.columns.length]));
    expect([...table.rows]).toEqual(rows);
  });

  it('holds what its columns are said to hold', () => {
    const holds = {
      text: /^/,
      long: /^/,
      number: /^-?[\d.]+$/,
      time: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
      day: /^\d{4}-\d\d-\d\d$/,
    };
    for (const row of table.rows) {
      for (const [at, cell] of row.entries()) {
        const column = table.columns[at];
        if (cell === null || column === undefined) continue;
        expect(String(cell), column.name).toMatch(holds[column.holds]);
        expect(typeof cell === 'number', column.name).toBe(column.holds === 'number');
      }
    }
  });
});

it('a population is the same table as `tickmark population` prints', () => {
  expect(firstCodes(section('docs/samples.md', 'The population')).slice(0, 3)).toEqual(
    headOf(populationTable([])).slice(0, 3),
  );
});

it('criteria come in their order, each with its controls', () => {
  const [first, ...others] = report.controls;
  if (first === undefined) throw new Error('the sample has no control');
  const criteria = { soc2: ['CC6.10', 'CC6.9', 'CC6.1'], a: ['1'] };
  const changed: Report = { ...report, controls: [{ ...first, criteria }, ...others] };
  const rows = objectsOf(criteriaTable(changed)).filter(({ control }) => control === first.id);
  expect(rows.map(({ framework, criterion }) => `${framework} ${criterion}`)).toEqual([
    ...['a 1', 'soc2 CC6.1', 'soc2 CC6.9', 'soc2 CC6.10'],
  ]);
});

it('deviations are all of them, with both ends of their brackets', () => {
  const all = period.controls.flatMap(({ tests }) => tests.flatMap((test) => test.deviations));
  const rows = objectsOf(deviationsTable(period.controls));
  expect(rows).toHaveLength(all.length);
  for (const [at, deviation] of all.entries()) {
    expect(rows[at]).toMatchObject({
      ...{ control: deviation.control, test: deviation.test, uid: deviation.uid },
      ...{ opened_after: deviation.opened.after, opened_by: deviation.opened.by },
      ...{ closed_by: deviation.closed?.by ?? null, waived: deviation.waived },
    });
  }
});

it('results are a row for each stretch', () => {
  const rows = objectsOf(resultsTable(population));
  expect(rows).toHaveLength(population.items.flatMap(({ stretches }) => stretches).length);
  const [item] = population.items;
  const [stretch] = item?.stretches ?? [];
  expect(rows[0]).toEqual({
    ...{ control: population.control, test: population.test },
    ...{ source: item?.source, scope: item?.scope, uid: item?.uid, name: item?.name },
    ...{ status: stretch?.status, nights: stretch?.nights, reason: stretch?.reason },
    ...{ from: stretch?.from.observed_at, to: stretch?.to.observed_at },
    ...{ first_run: stretch?.from.run, last_run: stretch?.to.run },
  });
});

it('the CSV of a report is the results of all its tests under one head', async () => {
  let text = '';
  for await (const piece of resultsCsv(report, details)) text += piece;
  const tests = period.controls.flatMap(({ tests }) => tests.map(({ id }) => id));
  const all = await Promise.all(tests.map((id) => details.population(id)));
  const rows = all.flatMap((each) => [...resultsTable(each).rows]);
  expect(text).toBe(csv(headOf(resultsTable(population)), rows));
});
