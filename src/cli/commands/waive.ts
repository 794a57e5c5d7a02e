import { open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import { loadControls } from '../../controls/load.ts';
import { coverage, readWaivers, type Waiver } from '../../controls/waivers.ts';
import { holdsEventsOnly } from '../../evaluate/judge.ts';
import { dayIn } from '../../evidence/days.ts';
import { messageOf, TickmarkError } from '../../evidence/errors.ts';
import type { Result } from '../../evidence/result.ts';
import type { Bundle } from '../../seal/manifest.ts';
import { readResults } from '../../store/results.ts';
import type { Store } from '../../store/store.ts';
import { appendItem, listOf } from '../../yaml/append.ts';
import { FaultError } from '../../yaml/fault.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { packageRoot } from '../package.ts';
import { openStore } from '../store.ts';
import { plural, printable, type Terminal, wrap } from '../terminal.ts';
import { readIfThere, testsOf } from '../waivers.ts';

export interface WaiveOptions extends ProjectOptions {
  reason?: string;
  approver?: string;
  /** Days, `2026-01-31`. */
  from?: string;
  until?: string;
  scope?: string;
  compensatingControl?: string;
  ticket?: string;
  dryRun?: boolean;
  json?: boolean;
}

const defaultFile = './waivers.yaml';
/** Resources that are printed one by one. */
const mostPrinted = 10;

/** What a waiver would have covered in the latest night. */
interface Preview {
  run: string;
  /** Its day, in the organisation's time zone. */
  day: string;
  /** Fails, and what other waivers have waived. */
  covers: Pick<Result, 'resource' | 'status' | 'reason'>[];
  /** Resources of the test that fit, whatever came out for them. */
  fitting: number;
}

/**
 * `tickmark waive`: writes a waiver behind those that there are. It changes no night that is sealed,
 * and not the configuration.
 */
export async function waive(
  io: CommandIo,
  test: string,
  resource: string,
  options: WaiveOptions,
): Promise<ExitCode> {
  const { reason, approver, until } = options;
  if (reason === undefined || approver === undefined || until === undefined) {
    throw whatIsMissing(test, resource, options);
  }
  const loaded = loadConfig(options.config);
  const { controls, timezone, waivers: configured } = loaded.config;
  const today = dayIn(new Date(), timezone);
  const waiver: Waiver = {
    test,
    resource,
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    reason,
    approver,
    from: options.from ?? today,
    until,
    ...(options.compensatingControl === undefined
      ? {}
      : { compensating_control: options.compensatingControl }),
    ...(options.ticket === undefined ? {} : { ticket: options.ticket }),
  };
  const file = configured ?? defaultFile;
  const tests = testsOf(loadControls(controls, loaded.directory, packageRoot));
  const text = withWaiver(loaded, file, waiver, tests);
  const notes = notesOn(waiver, today);
  let preview: Preview | undefined;
  try {
    preview = await previewOf(waiver, loaded, options.store);
    notes.push(...notesOnPreview(waiver, preview));
  } catch (error) {
    // A waiver is a file's matter: it does not wait for a store that cannot be had.
    if (!(error instanceof TickmarkError)) throw error;
    notes.push(`what it would cover could not be told: ${error.message}`);
  }
  if (configured === undefined) {
    notes.push(
      `${options.config} names no file of waivers, so no run acts on it: add the line   waivers: ${file}`,
    );
  }
  if (!options.dryRun) await replaceFile(resolve(loaded.directory, file), text);
  const written = { file, written: !options.dryRun, waiver };
  if (options.json) {
    io.terminal.out(
      JSON.stringify({
        ...written,
        latest: preview === undefined ? null : { run: preview.run, covers: preview.covers },
        notes,
      }),
    );
    return exitCodes.complete;
  }
  print(io.terminal, written, preview);
  for (const note of notes) io.terminal.err(`tickmark: ${printable(note)}`);
  return exitCodes.complete;
}

function whatIsMissing(test: string, resource: string, options: WaiveOptions): TickmarkError {
  const needed = {
    reason: '--reason (why it is accepted)',
    approver: '--approver (who approved it)',
    until: '--until (its last day: no waiver is for ever)',
  };
  const missing = (['reason', 'approver', 'until'] as const)
    .filter((key) => options[key] === undefined)
    .map((key) => needed[key]);
  return new TickmarkError(
    'Usage',
    `a waiver is an approved, dated acceptance: give ${missing.join(', ')}, as in\n  tickmark waive ${test} ${JSON.stringify(resource)} --reason "Break-glass user, kept in a safe" --approver "Grace Hopper" --until 2026-05-31`,
  );
}

/**
 * The text of the file with the waiver in it.
 * @throws FaultError for a file that is not in order; TickmarkError Usage for a waiver that is not.
 */
function withWaiver(
  loaded: LoadedConfig,
  file: string,
  waiver: Waiver,
  tests: ReadonlySet<string>,
): string {
  const bytes = readIfThere(loaded, file);
  const before = bytes === undefined ? [] : sound(file, bytes, tests);
  const text =
    bytes === undefined
      ? `# Approved, dated acceptances of deviations; tickmark waive adds one.\nwaivers:\n${listOf({ ...waiver }).replace(/^(?=.)/gm, '  ')}`
      : appendItem(Buffer.from(bytes).toString('utf8'), 'waivers', { ...waiver });
  const read = readWaivers(file, text, tests);
  if (read.ok) return text;
  // The file was in order, so that all of it is about the new waiver.
  const faults = read.faults.map(({ path, message }) => {
    const key = path.replace(`waivers[${before.length}]`, '').replace(/^\./, '');
    return key === '' ? message : `${asGiven(key)}: ${message}`;
  });
  throw new TickmarkError('Usage', `nothing was written: ${faults.join('; ')}`);
}

function sound(file: string, bytes: Uint8Array, tests: ReadonlySet<string>): Waiver[] {
  const read = readWaivers(file, bytes, tests);
  if (!read.ok) throw new FaultError('InvalidConfiguration', read.faults);
  return read.value;
}

/** What a key of the file is called on the command line. */
function asGiven(key: string): string {
  if (key === 'test' || key === 'resource') return key.toUpperCase();
  return `--${key.replace('_', '-')}`;
}

function notesOn({ from, until }: Waiver, today: string): string[] {
  const notes: string[] = [];
  if (from < today) {
    notes.push(
      `it begins on ${from}, in the past: nights that are sealed already stay as they were judged; tickmark evaluate --run <id> judges one again, in a bundle of its own`,
    );
  }
  if (until < today) notes.push(`it ended on ${until}: no coming night is under it`);
  return notes;
}

/** The latest night's results that the waiver fits; undefined where there is none. */
async function previewOf(
  waiver: Waiver,
  loaded: LoadedConfig,
  place: string | undefined,
): Promise<Preview | undefined> {
  const store = await openStore(place, loaded);
  const bundle = await latestNight(store);
  if (bundle === undefined) return undefined;
  const { run, results, finished_at, timezone } = bundle.manifest;
  const day = dayIn(new Date(results?.as_of ?? finished_at), timezone);
  const preview: Preview = { run, day, covers: [], fitting: 0 };
  const covers = coverage(waiver);
  for await (const result of readResults(store, bundle)) {
    if (!covers(result)) continue;
    const { resource, status, reason } = result;
    preview.fitting += 1;
    if (status === 'fail' || status === 'waived') {
      preview.covers.push({ resource, status, reason });
    }
  }
  return preview;
}

/** The newest bundle that speaks of every test; one of events alone does not. */
async function latestNight(store: Store): Promise<Bundle | undefined> {
  for await (const bundle of store.bundles()) {
    const { results, kind, slices } = bundle.manifest;
    if (results === null || kind === 'backfill') continue;
    if (kind === 'run' || !holdsEventsOnly(slices)) return bundle;
  }
  return undefined;
}

function notesOnPreview({ test, resource, scope }: Waiver, preview: Preview | undefined): string[] {
  if (preview === undefined) return ['there is no night yet that tells what it would cover'];
  const { covers, fitting, run, day } = preview;
  if (covers.length > 0) return [];
  const pattern = `"${resource}"${scope === undefined ? '' : ` in "${scope}"`}`;
  const why =
    fitting === 0
      ? `it has no result of ${test} for ${pattern}`
      : `of the ${plural(fitting, 'result')} of ${test} for ${pattern} none is a fail`;
  return [`it would cover nothing of the latest night (${day}, run ${run}): ${why}`];
}

function print(
  { out, style, width }: Terminal,
  { file, written, waiver }: { file: string; written: boolean; waiver: Waiver },
  preview: Preview | undefined,
): void {
  const { test, resource, from, until } = waiver;
  out(`${written ? 'Wrote to' : 'Would write to'} ${file}:`);
  for (const line of listOf({ ...waiver })
    .trimEnd()
    .split('\n'))
    out(style('dim', `  ${line}`));
  out(
    `In force from ${from} to ${until}: fails of ${test} that fit ${JSON.stringify(resource)} are waived.`,
  );
  if (preview === undefined || preview.covers.length === 0) return;
  const { covers, run, day } = preview;
  out(
    `Of the latest night (${day}, run ${run}) it would cover ${plural(covers.length, 'result')}:`,
  );
  for (const { resource: each, status, reason } of covers.slice(0, mostPrinted)) {
    const line = `${each.name} in ${each.scope}: ${status === 'waived' ? 'waived already' : reason}`;
    for (const part of wrap(line, width, '  ')) out(part);
  }
  if (covers.length > mostPrinted) {
    out(`  … and ${covers.length - mostPrinted} more: --json has all`);
  }
}

/** Puts a text in the place of a file, whole: a reader sees the one or the other. */
async function replaceFile(path: string, text: string): Promise<void> {
  try {
    // What a link names is replaced, not the link.
    const target = await realpath(path).catch(() => path);
    const mode = await stat(target).then(
      (found) => found.mode & 0o777,
      () => undefined,
    );
    const beside = `${target}.${process.pid}.tmp`;
    const handle = await open(beside, 'wx');
    try {
      await handle.writeFile(text);
      if (mode !== undefined) await handle.chmod(mode);
      await handle.sync();
      await rename(beside, target);
    } catch (error) {
      await unlink(beside);
      throw error;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new TickmarkError(
      'Usage',
      `${path} cannot be written: ${messageOf(cause)}; nothing was changed`,
      { cause },
    );
  }
}
