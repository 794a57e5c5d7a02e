/** How fast results come out of records in memory, with the built-in controls. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoConfig, demoExchanges, demoNights } from '../src/cli/demo-year.ts';
import { withSources } from '../src/cli/night.ts';
import { openProject } from '../src/cli/project.ts';
import { createTerminal } from '../src/cli/terminal.ts';
import { evaluateControls, type SliceInput, sliceInput } from '../src/evaluate/evaluate.ts';
import type { Slice } from '../src/evidence/slice.ts';
import type { Figure } from './figures.ts';

/** The demo's accounts, so many times, each under an account number of its own. */
const copies = 400;
/** One test that compares two fields of a record, as most tests of a scanner do. */
const simpleTest = 'aws-iam-mfa';
const leastOfSimpleTest = 500_000;
/** Seconds that each measurement takes: a night's code is warm after the first of them. */
const seconds = 4;

export async function evaluationFigures(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tickmark-bench-'));
  const io = {
    terminal: createTerminal(process.env),
    env: process.env,
    signal: new AbortController().signal,
  };
  try {
    // The year's first night: it asks nothing of the nights before.
    const now = (await demoNights())[0]?.at ?? new Date(0);
    const options = { config: demoConfig, store: folder };
    const project = await openProject(options);
    const slices: Slice[] = [];
    const replay = { replay: demoExchanges, clock: now.toISOString(), deadline: 60 };
    await withSources(project, { ...options, ...replay }, io, (sources) =>
      sources.collect(
        sources.connected
          .flatMap(({ askable }) => askable)
          .filter(({ dataset }) => dataset.kind === 'snapshot'),
        async (slice) => void slices.push(slice),
      ),
    );
    const inputs = slices.map(multiplied);
    const slicesOf = (dataset: string) => inputs.filter(({ header }) => header.dataset === dataset);
    const context = { run: 'bench', now };
    const simple = project.controls
      .map((control) => ({
        ...control,
        tests: control.tests.filter(({ id }) => id === simpleTest),
      }))
      .filter(({ tests }) => tests.length > 0);
    const one = rateOf(() => evaluateControls(simple, slicesOf, context));
    const all = rateOf(() => evaluateControls(project.controls, slicesOf, context));
    return [
      {
        name: 'results a second, a simple test',
        found: one.rate,
        unit: '',
        budget: leastOfSimpleTest,
        least: true,
        beside: `${simpleTest}, ${one.results} results`,
      },
      {
        name: 'results a second, every built-in test',
        found: all.rate,
        unit: '',
        beside: `${all.results} results over ${copies} accounts, joins and reasons included`,
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The best of some rounds (the first ones warm up), by the processor's time and not the clock's. */
function rateOf(evaluate: () => Iterable<unknown>): { results: number; rate: number } {
  const best = { results: 0, rate: 0 };
  for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) {
    globalThis.gc?.();
    const begun = process.cpuUsage();
    let results = 0;
    for (const _ of evaluate()) results += 1;
    best.results = results;
    best.rate = Math.max(best.rate, results / (process.cpuUsage(begun).user / 1e6));
  }
  return best;
}

/** One slice with the records of many accounts, whose references stay within each account. */
function multiplied(slice: Slice): SliceInput {
  const records = slice.records.map((record) => JSON.stringify({ ...record, original: null }));
  return sliceInput(
    slice,
    Array.from({ length: copies }, (_, copy) =>
      records.map((text) =>
        JSON.parse(
          text
            .replaceAll('123456789012', String(300_000_000_000 + copy))
            .replaceAll('arn:aws:s3:::', `arn:aws:s3:::a${copy}-`),
        ),
      ),
    ).flat(),
  );
}
