/**
 * How soon a report of 200,000 results is seen, and whether it stalls while somebody types.
 *
 * The report is made here: a year, so many resources under so many tests, some of which failed for a
 * while, each with the record that its dataset has of it.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { addDays } from '../src/evidence/days.ts';
import { sha256 } from '../src/evidence/json.ts';
import type { ControlReport, DayState, Deviation, TestReport } from '../src/period/report.ts';
import { html } from '../src/report/html.ts';
import type { Report, ReportDetails, ReportItem, Sight } from '../src/report/model.ts';
import { openBrowser } from '../test/support/browser.ts';
import { type Figure, median } from './figures.ts';

const resources = 10_000;
const tests = 20;
/** One resource in so many failed for a while. */
const failing = 50;
const datasets = 4;

const mostSeconds = 1.5;
/** A tenth of a second is felt as at once. */
const mostStall = 0.2;
const paints = 5;
/** Milliseconds until it is said that something does not come. */
const patience = 120_000;

const period = { start: '2025-01-01', end: '2025-12-31', timezone: 'UTC' };
const scope = '123456789012';
const now = '2026-01-01T02:00:00.000Z';

/** @throws Error where there is no Chromium. */
export async function reportFigures(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tickmark-bench-'));
  const browser = await openBrowser();
  try {
    const of = (resources * tests).toLocaleString('en-US');
    process.stderr.write(`bench: writing a report of ${of} results\n`);
    const file = join(folder, 'report.html');
    const begun = performance.now();
    await pipeline(Readable.from(html(report, details)), createWriteStream(file));
    const seconds = (performance.now() - begun) / 1_000;
    const url = pathToFileURL(file).href;
    const seen: number[] = [];
    for (let time = 0; time < paints; time += 1) {
      const page = await browser.newPage();
      await page.goto(url);
      seen.push(
        (await page.evaluate(
          "performance.getEntriesByName('first-contentful-paint')[0].startTime",
        )) as number,
      );
      await page.close();
    }
    const page = await browser.newPage();
    await page.addInitScript(
      `globalThis.longest = 0;
       new PerformanceObserver((list) => {
         for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
       }).observe({ type: 'longtask' });`,
    );
    await page.goto(`${url}#/search?q=user`);
    const searched = performance.now();
    await page.getByText(`${of} results; page 1 of`).waitFor({ timeout: patience });
    const whole = (performance.now() - searched) / 1_000;
    await page.evaluate('longest = 0');
    await page.getByLabel('Search everything').pressSequentially('-00123', { delay: 120 });
    await page.getByText(/^\d+ of 200,000 results/).waitFor({ timeout: patience });
    const stall = ((await page.evaluate('longest')) as number) / 1_000;
    const megabytes = (await stat(file)).size / 1e6;
    return [
      {
        name: `report of ${of} results: first paint`,
        found: median(seen) / 1_000,
        unit: 's',
        budget: mostSeconds,
      },
      { name: '  longest stall while typing a search', found: stall, unit: 's', budget: mostStall },
      { name: '  until every result is searched', found: whole, unit: 's' },
      { name: '  writing it', found: seconds, unit: 's', beside: `${Math.round(megabytes)} MB` },
    ];
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
}

// --- The report ------------------------------------------------------------------------------

const days = [...Array(365).keys()].map((day) => addDays(period.start, day));
const at = (day: number) => `${days[day]}T02:00:00.000Z`;
const sights = days.map((day, index) => ({
  run: `${day.replaceAll('-', '')}T020000Z-${sha256(day).slice(0, 6)}`,
  observed_at: at(index),
}));
const sight = (day: number) => sights[day] as Sight;
const datasetOf = (test: number) => `aws.iam.users${test % datasets}`;
const nameOf = (index: number) => `user-${String(index).padStart(5, '0')}`;

function resourceOf(index: number) {
  const name = nameOf(index);
  return { source: 'production', scope, uid: `arn:aws:iam::${scope}:user/${name}`, name };
}

/** The day on which a resource began to fail a test; undefined: it never did. */
function failedOn(index: number, test: number): number | undefined {
  const number = Number.parseInt(sha256(`${index} ${test}`).slice(0, 8), 16);
  return number % failing === 0 ? 10 + (number % 300) : undefined;
}

function itemOf(index: number, test: number): ReportItem {
  const day = failedOn(index, test);
  const stretch = (status: 'pass' | 'fail', from: number, to: number) => ({
    status,
    from: sight(from),
    to: sight(to),
    nights: to - from + 1,
    reason: `${nameOf(index)} ${status === 'pass' ? 'has' : 'lacks'} what test ${test} asks for`,
  });
  const nights = { pass: 365, fail: 0, not_applicable: 0, waived: 0, error: 0 };
  return {
    ...resourceOf(index),
    first_seen: at(0),
    last_seen: at(364),
    created: null,
    deleted: null,
    event_at: null,
    nights: day === undefined ? nights : { ...nights, pass: 355, fail: 10 },
    first_run: sight(0).run,
    last_run: sight(364).run,
    stretches:
      day === undefined
        ? [stretch('pass', 0, 364)]
        : [
            stretch('pass', 0, day - 1),
            stretch('fail', day, day + 9),
            stretch('pass', day + 10, 364),
          ],
  };
}

function deviationOf(index: number, test: number, day: number): Deviation {
  return {
    ...{ control: `AC-${test}`, test: `test-${test}`, dataset: datasetOf(test) },
    ...resourceOf(index),
    kind: 'state',
    opened: { after: at(day - 1), by: at(day), how: 'failed' },
    closed: { after: at(day + 9), by: at(day + 10), how: 'mended' },
    days: { least: 9, most: 11 },
    spans: [{ status: 'fail', from: days[day] ?? '', to: days[day + 9] ?? '' }],
    nights: { failing: 10, waived: 0, unseen: 0 },
    waived: 'no',
    recurrence: 0,
    remediation: { severity: 'high', days: 30, state: 'in time', due: null },
    first_run: sight(day).run,
    last_run: sight(day + 9).run,
  };
}

function controlOf(test: number): ControlReport {
  const deviations = [...Array(resources).keys()].flatMap((index) => {
    const day = failedOn(index, test);
    return day === undefined ? [] : [deviationOf(index, test, day)];
  });
  const came = {
    conclusion: 'operated with deviations',
    coverage: { expected: 365, complete: 365 },
    population: resources,
    deviating: deviations.length,
    waived: 0,
    open: 0,
  } as const;
  const own: TestReport = {
    ...{ id: `test-${test}`, title: `Each user has what test ${test} asks for` },
    ...{ dataset: datasetOf(test), kind: 'state', severity: 'high', ...came },
    ...{ gaps: [], untold: 0, deviations, dropped: null },
  };
  return {
    ...{ id: `AC-${test}`, title: `Control ${test}`, frequency: 'daily', ...came },
    because: [`${deviations.length} of ${resources} with deviations`],
    days: Array<DayState>(365).fill('deviation'),
    tests: [own],
    moved: [],
  };
}

const controls = [...Array(tests).keys()].map(controlOf);

const report: Report = {
  format: 'tickmark-report/1',
  tool: { version: '0.1.0', commit: null },
  period: {
    ...{ organizations: ['Acme, Inc.'], period, as_of: null, now, through: now },
    ...{ interim: false, simulated: true, problems: [], scopes: [], controls },
    nights: { counted: 365, first: at(0), last: at(364), left_out: [] },
    ...{ versions: [], changes: [], due: [], waivers: [] },
  },
  marks: { unsigned: 0, unstamped: 0, simulated: 365, replayed: 0 },
  redaction: null,
  head: null,
  nights: days.map((day, index): Report['nights'][number] => ({
    ...{ sequence: index + 1, run: sight(index).run, digest: sha256(day), kind: 'run' },
    ...{ day, started_at: at(index), finished_at: at(index) },
    ...{ operator: 'bench', signed: true, stamped: true, simulated: true, replayed: false },
    slices: { complete: datasets, partial: 0, failed: 0 },
  })),
  sources: [],
  controls: [],
  samples: [],
};

const details: ReportDetails = {
  async population(id) {
    const test = Number(id.slice('test-'.length));
    return {
      ...{ control: `AC-${test}`, test: id, title: `Test ${test}`, dataset: datasetOf(test) },
      ...{ kind: 'state', period, through: now, coverage: { expected: 365, complete: 365 } },
      ...{ gaps: [], incomplete: [], tie_outs: [], queries: [] },
      items: [...Array(resources).keys()].map((index) => itemOf(index, test)),
    };
  },
  async *records(dataset) {
    for (let index = 0; index < resources; index += 1) {
      const { source, uid, name } = resourceOf(index);
      const original = { Arn: uid, UserName: name, UserId: sha256(name).slice(0, 20), Tags: [] };
      const call = {
        ...{ id: 'iam:ListUsers', service: 'iam', operation: 'ListUsers', parameters: {} },
        ...{ request_id: sha256(dataset).slice(0, 36), server_date: at(0), status: 200 },
        ...{ attempts: 1, started_at: at(0), finished_at: at(0), endpoint: null },
      };
      yield {
        ...{ source, dataset, scope, uid },
        versions: [
          {
            ...{ from: sight(0), to: sight(364), nights: 365, calls: [call] },
            record: { uid, name, fields: { name, mfa_active: true }, original },
          },
        ],
      };
    }
  },
};
