import { readdir } from 'node:fs/promises';
import { TickmarkError } from '../../evidence/errors.ts';
import { noCounts, type Status, type StatusCounts } from '../../evidence/result.ts';
import { openRecording } from '../../providers/recordings.ts';
import type { Bundle } from '../../seal/manifest.ts';
import { folderBackend } from '../../store/folder.ts';
import { Store } from '../../store/store.ts';
import type { CommandIo } from '../command.ts';
import { type DemoNight, demoConfig, demoExchanges, demoNights } from '../demo-year.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { runNight } from '../night.ts';
import { LiveLine } from '../progress.ts';
import { openProject, type Project } from '../project.ts';
import { demoSealing } from '../sealing.ts';
import { isAddress } from '../store.ts';
import { plural, wrap } from '../terminal.ts';
import { status } from './status.ts';

export interface DemoOptions {
  store: string;
  json?: boolean;
}

/** What the year came to. */
interface Year {
  nights: number;
  bundles: number;
  /** Of every night's results together. */
  counts: StatusCounts;
}

/**
 * `tickmark demo`: a year of nights on recorded exchanges, through the real collectors, tests and
 * store. Deviations and gaps are its point: it ends with 0.
 */
export async function demo(io: CommandIo, options: DemoOptions): Promise<ExitCode> {
  const begun = performance.now();
  const { terminal } = io;
  if (isAddress(options.store)) {
    throw new TickmarkError(
      'Usage',
      `the demo's store is a folder, and ${options.store} is none; name one with --store`,
    );
  }
  await assertEmpty(options.store);
  const store = new Store(folderBackend(options.store, { synced: false }));
  const nights = await demoNights();
  const year = await runYear(io, store, nights);
  const seconds = (performance.now() - begun) / 1_000;
  const timeOf = (night: DemoNight | undefined) => night?.at.toISOString() ?? '';
  const first = timeOf(nights[0]);
  const last = timeOf(nights.at(-1));
  if (options.json) {
    const exit_code = exitCodes.complete;
    const said = { first, last, ...year, clock: 'simulated', answers: 'replayed' };
    terminal.out(JSON.stringify({ ...said, store: options.store, seconds, exit_code }));
    return exit_code;
  }
  const said = `A year of Acme, Inc., which does not exist: ${plural(year.nights, 'night')} from ${first.slice(0, 10)} to ${last.slice(0, 10)} on a simulated clock, answered from recorded exchanges; ${plural(year.bundles, 'bundle')} in ${plural(Math.round(seconds), 'second')}.`;
  for (const line of wrap(said, terminal.width)) terminal.out(line);
  terminal.out();
  await status(io, { config: demoConfig, store: options.store });
  terminal.out('Look closer:');
  for (const line of lookCloser(options.store)) terminal.out(`  ${line}`);
  return exitCodes.complete;
}

/**
 * A second year behind the first would say that everything happened twice; and what an interrupted
 * demo left is nothing to build on.
 */
async function assertEmpty(store: string): Promise<void> {
  const found = await readdir(store).catch(() => []);
  if (found.length === 0) return;
  throw new TickmarkError(
    'Usage',
    `${store} is not empty, and the demo's year is made in an empty folder: name another with --store, or look at what is there with tickmark status --config ${demoConfig} --store ${store}`,
  );
}

/** What a reader of the overview asks next. */
function lookCloser(store: string): string[] {
  const of = `--config ${demoConfig} --store ${store}`;
  return [
    `tickmark status --control AC-06 ${of}`,
    `tickmark results --at 2025-04-09 --status fail ${of}`,
    `tickmark diff 2025-07-16 2025-07-17 ${of}`,
    `tickmark population chg-approve ${of}`,
    `tickmark sample chg-approve --size 25 --seed 2025 ${of}`,
  ];
}

async function runYear(io: CommandIo, store: Store, nights: DemoNight[]): Promise<Year> {
  const line = new LiveLine(io.terminal);
  const recording = await openRecording(demoExchanges);
  // One line tells of the year; no night says anything of its own.
  const quiet: CommandIo = { ...io, terminal: { ...io.terminal, interactive: false } };
  const counts = noCounts();
  let bundles = 0;
  let project: Project | undefined;
  try {
    for (const [index, { at, config }] of nights.entries()) {
      const month = at.toLocaleString('en', { month: 'long', year: 'numeric', timeZone: 'UTC' });
      line.show(`${month}: night ${index + 1} of ${nights.length}`);
      if (project?.loaded.file !== config) project = { ...(await openProject({ config })), store };
      const clock = at.toISOString();
      const options = { config, replay: recording, clock, deadline: 60 };
      const sealed = await runNight(project, options, quiet, silent, true, demoSealing);
      assertRecorded(sealed);
      for (const { manifest } of sealed) {
        for (const status of Object.keys(counts) as Status[]) {
          counts[status] += manifest.results?.counts[status] ?? 0;
        }
      }
      bundles += sealed.length;
    }
  } finally {
    line.clear();
  }
  return { nights: nights.length, bundles, counts };
}

/** The recording has an answer to everything: a gap that is not Acme's would be a fault of ours. */
function assertRecorded(bundles: readonly Bundle[]): void {
  for (const { manifest } of bundles) {
    for (const { problems } of manifest.slices) {
      const missing = problems.find(({ code }) => code === 'ReplayMissing');
      if (missing === undefined) continue;
      throw new TickmarkError(
        'NotFound',
        `the demo's recording does not fit this version (${missing.message}); reinstall tickmark`,
      );
    }
  }
}

const silent = { info: () => {}, warn: () => {} };
