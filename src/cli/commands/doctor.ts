import type { Askable, Job } from '../../collect/collect.ts';
import type { CompiledControl } from '../../controls/compile.ts';
import { compareText } from '../../evidence/json.ts';
import type { Call, Problem, Slice } from '../../evidence/slice.ts';
import type { CollectOptions, CommandIo } from '../command.ts';
import { type Check, examineSeal } from '../examine-seal.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { withSources } from '../night.ts';
import { groupBy, grouped } from '../print-night.ts';
import { openProject } from '../project.ts';
import { openSealing } from '../sealing.ts';
import { plural, printable, type Terminal, wrap } from '../terminal.ts';

/** How the calls of one name in one scope went. */
interface CallReport {
  source: string;
  scope: string;
  /** `s3:GetBucketPolicy`. */
  call: string;
  made: number;
  failed: number;
  /** Names of the errors, each once. */
  errors: string[];
}

interface Examination {
  sources: {
    id: string;
    identities: { subject: string; account: string }[];
    left_out: { scope: string; reason: string }[];
    requests: number;
    endpoints: string[];
  }[];
  calls: CallReport[];
  problems: { source: string; scope: string; dataset: string; problem: Problem }[];
  store: { location: string; bundles: number };
  /** Of the store, the signing key and the timestamp authorities. */
  seal: Check[];
}

/**
 * `tickmark doctor`: asks everything that a night would ask, keeps nothing, and says how each
 * call went. Whether a call is allowed is best told by making it.
 */
export async function doctor(io: CommandIo, options: CollectOptions): Promise<ExitCode> {
  const project = await openProject(options);
  const sealing = await openSealing(project, io);
  const calls = new Map<string, CallReport>();
  const seen = new Set<string>();
  const problems: Examination['problems'] = [];
  const asked = await withSources(project, options, io, async (sources) => {
    const jobs = sources.connected.flatMap(({ askable }) =>
      askable.map((each) => tryOut(each, sources.startedAt)),
    );
    await sources.collect(jobs, async (slice) => {
      const { source, scope, dataset } = slice;
      for (const call of slice.calls) count(calls, seen, source, scope, call);
      for (const problem of [...slice.problems, ...untoldIn(slice, project.controls)]) {
        problems.push({ source, scope, dataset, problem });
      }
    });
    return sources.reports();
  });
  for (const { id, calls: connecting } of asked) {
    for (const call of connecting) count(calls, seen, id, 'connecting', call);
  }
  const examination: Examination = {
    sources: asked.map(({ id, identities, left_out, requests, endpoints }) => ({
      id,
      identities,
      left_out,
      requests,
      endpoints,
    })),
    calls: [...calls.values()].sort((a, b) => compareText(orderOf(a), orderOf(b))),
    problems,
    store: {
      location: project.store.backend.location,
      bundles: (await project.store.last())?.manifest.sequence ?? 0,
    },
    seal: await examineSeal(project, options.store, sealing, io.signal),
  };
  const healthy = problems.every(({ problem }) => problem.severity === 'note');
  if (options.json) io.terminal.out(JSON.stringify({ ...examination, healthy }));
  else print(io.terminal, examination, healthy);
  return healthy ? exitCodes.complete : exitCodes.incomplete;
}

/** What a test reads and the source does not tell: every night would be without it. */
function untoldIn({ dataset, records }: Slice, controls: readonly CompiledControl[]): Problem[] {
  const tests = controls.flatMap((control) => control.tests);
  const read = new Set(
    tests.filter(({ types }) => types.name === dataset).flatMap(({ reads }) => reads),
  );
  const reasons = new Map<string, string[]>();
  for (const { name, untold = {} } of records) {
    for (const [field, why] of Object.entries(untold)) {
      if (!read.has(field)) continue;
      const message = `${field} could not be told: ${why}`;
      reasons.set(message, [...(reasons.get(message) ?? []), name]);
    }
  }
  return [...reasons].map(([message, resources]) => ({
    code: 'AccessDenied',
    message,
    severity: 'error',
    resources,
  }));
}

/** Of events, one day is enough to see whether they are told. */
function tryOut(askable: Askable, now: Date): Job {
  if (askable.dataset.kind === 'snapshot') return askable;
  const day = { start: new Date(now.getTime() - 86_400_000), end: now };
  return {
    ...askable,
    events: { own: day, ask: day, coveredSince: day.start, held: new Map(), kept: undefined },
  };
}

/** A call that several slices share is one call: the ids of a scope's calls are its own. */
function count(
  calls: Map<string, CallReport>,
  seen: Set<string>,
  source: string,
  scope: string,
  { id, started_at, service, operation, error }: Call,
): void {
  const identity = `${source} ${scope} ${id} ${started_at}`;
  if (seen.has(identity)) return;
  seen.add(identity);
  const call = `${service}:${operation}`;
  const key = `${source} ${scope} ${call}`;
  const report = calls.get(key) ?? { source, scope, call, made: 0, failed: 0, errors: [] };
  calls.set(key, report);
  report.made += 1;
  if (error === undefined) return;
  report.failed += 1;
  if (!report.errors.includes(error)) report.errors.push(error);
}

function orderOf({ source, scope, call }: CallReport): string {
  return `${source} ${scope} ${call}`;
}

function print(terminal: Terminal, examination: Examination, healthy: boolean): void {
  const { out, style, width } = terminal;
  for (const { id, identities, left_out, requests, endpoints } of examination.sources) {
    out(style('bold', `Source ${id}`));
    if (identities.length === 0) out('  Nobody: the credentials proved nothing.');
    for (const { subject, account } of identities) {
      out(`  You are ${printable(subject)} in ${account}.`);
    }
    out(`  ${plural(requests, 'API request')} to ${endpoints.join(', ') || 'nobody'}`);
    for (const line of grouped(left_out, ({ reason }) => `Not asked: ${reason}`)) {
      for (const each of wrap(line, width, '  ')) out(style('yellow', each));
    }
    const own = examination.calls.filter((report) => report.source === id);
    for (const [call, reports] of groupBy(own, (report) => report.call)) {
      const made = reports.reduce((sum, report) => sum + report.made, 0);
      const where = reports.length === 1 ? reports[0]?.scope : plural(reports.length, 'scope');
      const broken = reports.filter(({ failed }) => failed > 0);
      const mark = broken.length > 0 ? style('yellow', '✗') : style('green', '✓');
      out(`  ${mark} ${call}: ${plural(made, 'call')} in ${where}`);
      for (const { scope, failed, errors } of broken) {
        out(`      ${printable(`${scope}: ${failed} answered ${errors.join(', ')}`)}`);
      }
    }
    out();
  }
  for (const [text, places] of merged(examination.problems)) {
    for (const line of wrap(text, width)) out(style('yellow', line));
    for (const place of places) out(`  ${place}`);
  }
  if (examination.problems.length > 0) out();
  const { location, bundles } = examination.store;
  out(style('bold', `Store ${location}: ${plural(bundles, 'bundle')}`));
  for (const { what, ok, message } of examination.seal) {
    const mark = ok ? style('green', '✓') : style('yellow', ok === null ? '?' : '✗');
    const [first = '', ...more] = wrap(printable(`${what}: ${message}`), width - 4);
    out(`  ${mark} ${first}`);
    for (const line of more) out(`    ${line}`);
  }
  out();
  out(
    healthy
      ? 'Everything that the tests need was answered.'
      : 'Some evidence cannot be collected; see above.',
  );
}

/** The same sentence once, with everything that it is about. */
function merged(problems: Examination['problems']): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  for (const { source, scope, dataset, problem } of problems) {
    const text = `${problem.severity === 'note' ? 'Note' : problem.code}: ${problem.message}`;
    lines.set(text, [...(lines.get(text) ?? []), `${source} ${scope} ${dataset}`]);
  }
  return lines;
}
