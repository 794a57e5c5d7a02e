import { parseControl } from '../../controls/parse.ts';
import { TickmarkError } from '../../evidence/errors.ts';
import { canonicalJson, compareText } from '../../evidence/json.ts';
import type { Result, Status } from '../../evidence/result.ts';
import { versionName } from '../../report/words.ts';
import type { Bundle, Manifest } from '../../seal/manifest.ts';
import { readLines } from '../../store/chunks.ts';
import { readChunks, type StoredList } from '../../store/lists.ts';
import { readResults } from '../../store/results.ts';
import type { Store } from '../../store/store.ts';
import { didYouMean } from '../../yaml/nearest.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openNamedStore } from '../store.ts';
import { humanTime, plural, printable, type Terminal, table, wrap } from '../terminal.ts';
import { bundleWithResults } from '../which-bundle.ts';
import { sealOf } from './results.ts';

export interface DiffOptions extends ProjectOptions {
  control?: string;
  test?: string;
  /** Also what differs in its reason only, and events that one of the runs told of. */
  all?: boolean;
  json?: boolean;
}

/** A result in one of the runs or in both, not the same in both. */
interface ResultChange {
  what: 'came' | 'went' | 'status' | 'reason';
  /** An event is told of once: that it is not in the other run says nothing. */
  kind: 'state' | 'event';
  control: string;
  test: string;
  resource: Result['resource'];
  before: Side | null;
  after: Side | null;
}

interface Side {
  status: Status;
  reason: string;
}

/** Something else that differs: what judged, or what was asked. */
interface OtherChange {
  what: 'control' | 'parameters' | 'waivers' | 'program' | 'configuration' | 'source';
  /** Of a control, a test, a source; empty for the others. */
  id: string;
  before: unknown;
  after: unknown;
}

/**
 * `tickmark diff`: what differs between the results of two runs. Chunks of results that both have
 * are not read. Exit 0: it only reads.
 */
export async function diff(
  { terminal }: CommandIo,
  first: string,
  second: string,
  options: DiffOptions,
): Promise<ExitCode> {
  const store = await openNamedStore(options);
  const before = await bundleWithResults(store, whichOf(first));
  const after = await bundleWithResults(store, whichOf(second));
  const isAsked = ({ control, test }: { control: string; test: string }) =>
    (options.control ?? control) === control && (options.test ?? test) === test;
  const all = (await changesOf(store, before, after)).filter(isAsked);
  await assertKnown(store, [before, after], options, all);
  const shown = options.all ? all : all.filter(isTelling);
  const others = otherChanges(before.manifest, after.manifest);
  if (options.json) {
    for (const each of [...others, ...shown]) terminal.out(JSON.stringify(each));
    return exitCodes.complete;
  }
  for (const [word, bundle] of [
    ['from', before],
    ['to', after],
  ] as const) {
    const { run, started_at } = bundle.manifest;
    terminal.out(
      `${word.padEnd(4)} run ${run}, ${humanTime(started_at)} (${sealOf(bundle).join(', ')})`,
    );
  }
  terminal.out();
  printOthers(terminal, others);
  if (shown.length > 0) printChanges(terminal, shown);
  for (const line of totals(all, shown.length)) terminal.out(line);
  return exitCodes.complete;
}

/** A run's id has no hyphen behind its year; a day and a moment do. */
function whichOf(text: string): { run: string } | { at: string } {
  return /^\d{4}-/.test(text) ? { at: text } : { run: text };
}

/** Whether a change is worth a line unasked. */
function isTelling({ what, kind }: ResultChange): boolean {
  return what === 'status' || (kind === 'state' && what !== 'reason');
}

// --- Results -------------------------------------------------------------------------------

/** Sorted as results are. */
async function changesOf(store: Store, before: Bundle, after: Bundle): Promise<ResultChange[]> {
  const [chunksBefore, chunksAfter] = [
    await digestsOf(store, before),
    await digestsOf(store, after),
  ];
  const datasets = new Map<string, string>();
  const old = new Map<string, Result[]>();
  for await (const row of rowsWithout(store, before, chunksAfter, datasets)) {
    const rows = old.get(keyOf(row));
    if (rows === undefined) old.set(keyOf(row), [row]);
    else rows.push(row);
  }
  const changes: ResultChange[] = [];
  const events = new Set(
    [...before.manifest.slices, ...after.manifest.slices].flatMap(({ dataset, kind }) =>
      kind === 'events' ? [dataset] : [],
    ),
  );
  const note = (was: Result | undefined, is: Result | undefined) => {
    const row = (is ?? was) as Result;
    const what = whatOf(was, is);
    if (what === undefined) return;
    changes.push({
      what,
      kind: events.has(datasets.get(row.test) ?? '') ? 'event' : 'state',
      control: row.control,
      test: row.test,
      resource: row.resource,
      before: was === undefined ? null : { status: was.status, reason: was.reason },
      after: is === undefined ? null : { status: is.status, reason: is.reason },
    });
  };
  const unmatched: Result[] = [];
  // Two sources may tell of the same resource: equal rows go together first.
  for await (const row of rowsWithout(store, after, chunksBefore, datasets)) {
    const rows = old.get(keyOf(row)) ?? [];
    const same = rows.findIndex((each) => whatOf(each, row) === undefined);
    if (same < 0) unmatched.push(row);
    else rows.splice(same, 1);
  }
  for (const row of unmatched) note(old.get(keyOf(row))?.shift(), row);
  for (const row of [...old.values()].flat()) note(row, undefined);
  return changes.sort(inOrder);
}

function whatOf(was: Result | undefined, is: Result | undefined): ResultChange['what'] | undefined {
  if (was === undefined) return 'came';
  if (is === undefined) return 'went';
  if (was.status !== is.status) return 'status';
  return was.reason === is.reason ? undefined : 'reason';
}

function keyOf({ control, test, resource: { scope, uid } }: Result): string {
  return JSON.stringify([control, test, scope, uid]);
}

function inOrder(a: ResultChange, b: ResultChange): number {
  return (
    compareText(a.control, b.control) ||
    compareText(a.test, b.test) ||
    compareText(a.resource.scope, b.resource.scope) ||
    compareText(a.resource.uid, b.resource.uid)
  );
}

async function digestsOf(store: Store, { manifest }: Bundle): Promise<Set<string>> {
  if (manifest.results === null) return new Set();
  const chunks = await readChunks(store.backend, manifest.results.list);
  return new Set(chunks.map(({ digest }) => digest));
}

/**
 * The results of a bundle, without those in chunks that the other one has too.
 * @param datasets takes the dataset of each test.
 */
function rowsWithout(
  store: Store,
  bundle: Bundle,
  others: ReadonlySet<string>,
  datasets: Map<string, string>,
): AsyncGenerator<Result> {
  const { backend } = store;
  return readResults(store, bundle, async function* (list: StoredList) {
    const chunks = await readChunks(backend, list);
    const own = chunks.filter(({ digest }) => !others.has(digest));
    for await (const lines of readLines(backend, own)) {
      for (const { test, dataset } of lines as { test: string; dataset: string }[]) {
        datasets.set(test, dataset);
      }
      yield lines;
    }
  });
}

/** That nothing differs under a name must not be said of a name that there is not. */
async function assertKnown(
  store: Store,
  bundles: readonly Bundle[],
  { control, test }: DiffOptions,
  found: readonly ResultChange[],
): Promise<void> {
  if (found.length > 0 || (control === undefined && test === undefined)) return;
  const files = new Map(
    bundles.flatMap(({ manifest }) =>
      manifest.controls.map(({ id, file, digest }) => [digest, { id, file, digest }] as const),
    ),
  );
  const ids = new Set([...files.values()].map(({ id }) => id));
  const tests = new Set<string>();
  for (const { file, digest } of test === undefined ? [] : files.values()) {
    const parsed = parseControl(file, await store.readBytes(digest));
    for (const each of parsed.ok ? parsed.value.control.tests : []) tests.add(each.id);
  }
  for (const [what, id, known] of [
    ['control', control, ids],
    ['test', test, tests],
  ] as const) {
    if (id === undefined || known.has(id)) continue;
    throw new TickmarkError(
      'NotFound',
      `neither run was judged by a ${what} ${id}${didYouMean(id, known)}`,
    );
  }
}

// --- What else differs ---------------------------------------------------------------------

function otherChanges(before: Manifest, after: Manifest): OtherChange[] {
  const [was, is] = [valuesOf(before), valuesOf(after)];
  const keys = [...new Set([...was.keys(), ...is.keys()])];
  return keys.flatMap((key) => {
    const [old, now] = [was.get(key), is.get(key)];
    const { what, id } = (now ?? old) as NonNullable<typeof old>;
    const values = { before: old?.value ?? null, after: now?.value ?? null };
    return canonicalJson(values.before) === canonicalJson(values.after)
      ? []
      : [{ what, id, ...values }];
  });
}

function valuesOf(
  manifest: Manifest,
): Map<string, Pick<OtherChange, 'what' | 'id'> & { value: unknown }> {
  const { tool, configuration, controls, parameters, waivers, sources } = manifest;
  const found = [
    ...controls.map(({ id, digest }) => ({ what: 'control' as const, id, value: digest })),
    ...Object.entries(parameters).map(([id, value]) => ({
      what: 'parameters' as const,
      id,
      value,
    })),
    { what: 'waivers' as const, id: '', value: waivers?.digest ?? null },
    {
      what: 'program' as const,
      id: '',
      value: [tool.version, tool.commit ?? ''].join(' ').trim(),
    },
    { what: 'configuration' as const, id: '', value: configuration },
    ...sources.map(({ id, use, identities, left_out }) => ({
      what: 'source' as const,
      id,
      value: { use, identities, left_out },
    })),
  ];
  return new Map(found.map((each) => [`${each.what} ${each.id}`, each]));
}

function printOthers({ out, style, width }: Terminal, others: readonly OtherChange[]): void {
  if (others.length === 0) return;
  out(style('bold', 'Differs beside the results'));
  for (const { what, id, before, after } of others) {
    const name = (value: unknown) => {
      if (value === null) return 'none';
      const isVersion = typeof value === 'string' && what !== 'source';
      return isVersion ? versionName(what, value) : canonicalJson(value);
    };
    const text = `${[what, id].join(' ').trim()}: ${name(before)} → ${name(after)}`;
    for (const line of wrap(text, width, '  ')) out(line);
  }
  out();
}

// --- On the terminal -----------------------------------------------------------------------

/** On a terminal the reasons stand below their row; on a pipe a row is one line, for grep. */
function printChanges(
  { out, style, width, tableWidth }: Terminal,
  changes: readonly ResultChange[],
): void {
  const onTerminal = Number.isFinite(tableWidth);
  const [head = '', ...lines] = table(
    [
      { title: 'CHANGE' },
      { title: 'CONTROL' },
      { title: 'TEST' },
      { title: 'RESOURCE', shrinks: true },
      { title: 'SCOPE' },
      ...(onTerminal ? [] : [{ title: 'REASON' }]),
    ],
    changes.map((change) => [
      changeWords(change),
      change.control,
      change.test,
      change.resource.name,
      change.resource.scope,
      ...(onTerminal ? [] : [reasonsOf(change).join(' → ')]),
    ]),
    tableWidth,
  );
  out(style('bold', head));
  lines.forEach((line, index) => {
    const change = changes[index] as ResultChange;
    out(change.after?.status === 'fail' ? style('red', line) : line);
    if (!onTerminal) return;
    const [was = '', is] = reasonsOf(change);
    const text = is === undefined ? was : `${printable(was)} → ${is}`;
    for (const each of wrap(text, width, '    ')) out(style('dim', each));
  });
  out();
}

function changeWords({ what, before, after }: ResultChange): string {
  if (before === null) return `came: ${after?.status}`;
  if (after === null) return `went: ${before.status}`;
  return what === 'reason' ? `${after.status}, why` : `${before.status} → ${after.status}`;
}

function reasonsOf({ before, after }: ResultChange): string[] {
  return [before, after].flatMap((side) => (side === null ? [] : [side.reason]));
}

function totals(all: readonly ResultChange[], shown: number): string[] {
  const count = (is: (change: ResultChange) => boolean) => all.filter(is).length;
  const state = count(isTelling);
  const reasons = count(({ what }) => what === 'reason');
  const told = all.length - state - reasons;
  const came = count(({ what, kind }) => what === 'came' && kind === 'state');
  const went = count(({ what, kind }) => what === 'went' && kind === 'state');
  const aside = [
    ...(reasons > 0 ? [`${plural(reasons, 'result')} differ in the reason only`] : []),
    ...(told > 0 ? [`${plural(told, 'result')} are of events that one of the runs told of`] : []),
  ];
  const hidden = all.length > shown ? ' (--all prints them)' : '';
  return [
    state === 0
      ? 'No result came, went or changed its status.'
      : `${plural(came, 'result')} came, ${counted(went)} went, ${counted(state - came - went)} changed their status.`,
    ...(aside.length > 0 ? [`${aside.join('; ')}${hidden}.`] : []),
  ];
}

function counted(count: number): string {
  return count.toLocaleString('en-US');
}
