/** How fast results come out of records in memory, with the built-in controls. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askSources } from '../src/cli/night.ts';
import { packageRoot } from '../src/cli/package.ts';
import { openProject } from '../src/cli/project.ts';
import { createTerminal } from '../src/cli/terminal.ts';
import { evaluateControls, type SliceInput, sliceInput } from '../src/evaluate/evaluate.ts';
import type { Slice } from '../src/evidence/slice.ts';
import type { Figure } from './figures.ts';

/** The demo's accounts, so many times, each under an account number of its own. */
const copies = 50;
const leastResultsPerSecond = 50_000;

export async function evaluationFigures(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tickmark-bench-'));
  const demo = join(packageRoot, 'fixtures', 'demo');
  const io = {
    terminal: createTerminal(process.env),
    env: process.env,
    signal: new AbortController().signal,
  };
  try {
    const { recorded_at } = JSON.parse(await readFile(join(demo, 'recording.json'), 'utf8'));
    const options = { config: join(demo, 'tickmark.yaml'), store: folder };
    const project = await openProject(options, io);
    const slices: Slice[] = [];
    const replay = { replay: join(demo, 'exchanges'), clock: recorded_at, deadline: 60 };
    await askSources(project, { ...options, ...replay }, io, async (slice) => {
      slices.push(slice);
    });
    const inputs = slices.map(multiplied);
    const slicesOf = (dataset: string) => inputs.filter(({ header }) => header.dataset === dataset);
    const context = { run: 'bench', now: new Date(recorded_at) };
    const rounds = Array.from({ length: 10 }, () => {
      globalThis.gc?.();
      const begun = process.cpuUsage();
      let results = 0;
      for (const _ of evaluateControls(project.controls, slicesOf, context)) results += 1;
      // Time of the processor, not of the clock: other programs do not count.
      return { results, rate: results / (process.cpuUsage(begun).user / 1e6) };
    });
    return [
      {
        name: 'results a second',
        // The best round: the first ones warm up.
        found: Math.max(...rounds.map(({ rate }) => rate)),
        unit: '',
        budget: leastResultsPerSecond,
        least: true,
        beside: `${rounds[0]?.results} results over ${copies} accounts with every built-in control`,
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
