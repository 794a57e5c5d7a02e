/** The table at the end of a run: read in ten seconds, with all that has to be done. */
import type { Status } from '../evidence/result.ts';
import type {
  BackfillSummary,
  ControlOutcome,
  Deviation,
  IdleWaiver,
  NightSummary,
  NotCollected,
  SealSummary,
  Waived,
} from '../report/summary.ts';
import {
  humanTime,
  plural,
  printable,
  type Style,
  type Terminal,
  table,
  wrap,
} from './terminal.ts';

/** Deviations of one test that are printed; the rest is counted. */
const mostPerTest = 10;
/** Scopes that are named behind one sentence. */
const mostScopes = 5;
/** Slices and notes that are printed one by one. */
const mostLines = 20;

const styleOf: Record<ControlOutcome, Style> = {
  'no deviations': 'green',
  deviations: 'red',
  incomplete: 'yellow',
  'not tested': 'dim',
};

export function printNight(terminal: Terminal, night: NightSummary, seconds: number): void {
  const { out, style, width } = terminal;
  out(
    `${style('bold', printable(night.organization))} · ${night.kind} ${night.run} · ${humanTime(night.started_at)}`,
  );
  for (const line of disclosures(night)) out(style('yellow', line));
  out();
  printBackfill(terminal, night.backfill);
  if (night.controls.length > 0) printControls(terminal, night);
  printDeviations(terminal, night.deviations);
  printWaived(terminal, night.waived);
  printIdle(terminal, night.idle_waivers);
  printGaps(terminal, night);
  printAsides(terminal, night);
  for (const line of totals(night, seconds)) for (const each of wrap(line, width)) out(each);
}

/** What a reader must know before believing a line of the rest. */
function disclosures(night: NightSummary): string[] {
  const foreign = (use: string, isOwn: (endpoint: string) => boolean) =>
    night.sources
      .filter((source) => source.use === use)
      .flatMap(({ endpoints }) => endpoints.filter((endpoint) => !isOwn(endpoint)));
  const elsewhere = [
    [foreign('aws', isAwsEndpoint), 'an address of AWS'],
    [foreign('github', isGitHubEndpoint), 'github.com: an Enterprise Server, or a stand-in'],
  ] as const;
  return [
    ...(night.clock === 'simulated' ? ['Simulated clock: these times prove nothing.'] : []),
    ...(night.answers === 'replayed'
      ? ['Answered from recorded exchanges, not by the services themselves.']
      : []),
    ...elsewhere.flatMap(([endpoints, what]) =>
      night.answers === 'live' && endpoints.length > 0
        ? [`Asked at ${[...new Set(endpoints)].join(', ')}, which is not ${what}.`]
        : [],
    ),
  ];
}

function isAwsEndpoint(endpoint: string): boolean {
  return (
    URL.canParse(endpoint) &&
    /^https:.*\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/.test(endpoint.replace(/:443$/, ''))
  );
}

/** GitHub.com, and Enterprise Cloud with data residency. */
function isGitHubEndpoint(endpoint: string): boolean {
  return /^https:\/\/api\.(github\.com|[a-z0-9-]+\.ghe\.com)(:443)?$/.test(endpoint);
}

/** What was sealed of before the night; bundles with something to look at are named. */
function printBackfill(terminal: Terminal, backfill: readonly BackfillSummary[]): void {
  const [first, last] = [backfill[0], backfill.at(-1)];
  if (first === undefined || last === undefined) return;
  const { out, style } = terminal;
  const sum = (countOf: (each: BackfillSummary) => number) =>
    backfill.reduce((total, each) => total + countOf(each), 0);
  out(
    style(
      'bold',
      `Backfilled ${first.start.slice(0, 10)} to ${last.end.slice(0, 10)}: ${plural(backfill.length, 'bundle')}, ${plural(
        sum(({ records }) => records),
        'record',
      )}`,
    ),
  );
  const counts = { pass: 0, fail: 0, error: 0, waived: 0 };
  for (const status of ['pass', 'fail', 'error', 'waived'] as const) {
    counts[status] = sum((each) => each.counts[status]);
  }
  const waived = counts.waived === 0 ? '' : ` · ${counts.waived} waived`;
  out(`  ${counts.pass} pass · ${counts.fail} fail · ${counts.error} error${waived}`);
  const open = backfill.filter((each) => each.counts.fail + each.counts.error > 0);
  for (const { run, start, end, counts: own } of open.slice(0, mostPerTest)) {
    out(
      style(
        'yellow',
        `  ${start.slice(0, 10)} to ${end.slice(0, 10)}: ${own.fail} fail, ${own.error} error: run ${run}`,
      ),
    );
  }
  if (open.length > mostPerTest) out(`  … and ${open.length - mostPerTest} more; --json has all`);
  if (open.length > 0) out('  Look closer: tickmark results --run <id> --status fail,error');
  printNotCollected(
    terminal,
    backfill.flatMap((each) => each.not_collected),
  );
  out();
}

function printControls(
  { out, style, width }: Terminal,
  { controls, counts: all }: NightSummary,
): void {
  // Most nights have none.
  const columns = all.waived === 0 ? [] : [{ title: 'WAIVED', align: 'right' as const }];
  const rows = controls.map(({ id, title, outcome, counts }) => [
    id,
    title,
    outcome,
    String(counts.pass),
    String(counts.fail),
    String(counts.error),
    ...columns.map(() => String(counts.waived)),
  ]);
  const [head = '', ...lines] = table(
    [
      { title: 'CONTROL' },
      { title: 'TITLE', shrinks: true },
      { title: 'OUTCOME' },
      { title: 'PASS', align: 'right' },
      { title: 'FAIL', align: 'right' },
      { title: 'ERROR', align: 'right' },
      ...columns,
    ],
    rows,
    width,
  );
  out(style('bold', head));
  lines.forEach((line, index) => {
    out(style(styleOf[controls[index]?.outcome ?? 'not tested'], line));
  });
  out();
}

function printDeviations(terminal: Terminal, deviations: readonly Deviation[]): void {
  if (deviations.length === 0) return;
  const { out, style, width } = terminal;
  out(style('bold', `${plural(deviations.length, 'deviation')}`));
  for (const rows of groupBy(deviations, ({ test }) => test).values()) {
    printResources(terminal, rows, 'red', 'fail');
    for (const each of wrap(`Remedy: ${rows[0]?.remediation}`, width, '    '))
      out(style('cyan', each));
  }
  out();
}

/** What was accepted stands beside what was not: nobody has to look for it. */
function printWaived(terminal: Terminal, waived: readonly Waived[]): void {
  if (waived.length === 0) return;
  const { out, style } = terminal;
  out(style('bold', `${plural(waived.length, 'deviation')} waived`));
  for (const rows of groupBy(waived, ({ test }) => test).values()) {
    printResources(terminal, rows, 'yellow', 'waived');
  }
  out();
}

/** A test, and below it its resources that came out as this. */
function printResources(
  { out, style, width }: Terminal,
  rows: readonly Waived[],
  colour: Style,
  status: Status,
): void {
  const [first] = rows;
  if (first === undefined) return;
  const { test, control, title } = first;
  for (const each of wrap(`${test} (${control}) ${title}`, width, '  ')) {
    out(each.replace(`  ${test} (`, `  ${style(colour, test)} (`));
  }
  for (const { resource, reason } of rows.slice(0, mostPerTest)) {
    const line = `${resource.name} in ${resource.scope}: ${reason}`;
    for (const each of wrap(line, width, '    ')) out(each);
  }
  const more = rows.length - mostPerTest;
  if (more > 0) {
    out(`    … and ${more} more: tickmark results --test ${test} --status ${status}`);
  }
}

function printIdle(terminal: Terminal, idle: readonly IdleWaiver[]): void {
  if (idle.length === 0) return;
  const { out, style, width } = terminal;
  out(style('bold', `${plural(idle.length, 'waiver')} without effect`));
  for (const each of idle.slice(0, mostLines)) {
    const { test, resource, scope } = each;
    const where = `${resource}${scope === undefined ? '' : ` in ${scope}`}`;
    const line = `${test} ${where}: ${whyIdle(each)}`;
    for (const part of wrap(line, width, '  ')) out(style('yellow', part));
  }
  if (idle.length > mostLines) out(`  … and ${idle.length - mostLines} more; --json has all`);
  out();
}

function whyIdle({ state, from, until, untold }: IdleWaiver): string {
  if (state === 'expired')
    return `expired on ${until}; take it out, or renew it with tickmark waive`;
  if (state === 'not yet in force') return `not yet in force: from ${from} on`;
  const maybe = untold === 0 ? '' : `, and ${plural(untold, 'result')} of it could not be told`;
  return `unmatched: no fail of the test fits it${maybe}`;
}

function printGaps(terminal: Terminal, { not_collected, unjudged }: NightSummary): void {
  const { out, style, width } = terminal;
  if (not_collected.length > 0) {
    printNotCollected(terminal, not_collected);
    out();
  }
  if (unjudged.length > 0) {
    const all = unjudged.reduce((sum, { count }) => sum + count, 0);
    out(style('bold', `${plural(all, 'result')} could not be told`));
    for (const [reason, rows] of groupBy(unjudged, (each) => each.reason)) {
      for (const line of wrap(reason, width, '  ')) out(style('yellow', line));
      const tests = rows.map(({ test, control, count }) => `${test} (${control}): ${count}`);
      for (const line of wrap(tests.join(', '), width, '    ')) out(line);
    }
    out();
  }
}

function printNotCollected(terminal: Terminal, not_collected: readonly NotCollected[]): void {
  const { out, style, width } = terminal;
  if (not_collected.length === 0) return;
  out(style('bold', `${plural(not_collected.length, 'slice')} not completely collected`));
  const sentences = not_collected.flatMap(
    ({ source, scope, dataset, outcome, interval, problems }) =>
      problems.map(({ code, message, resources = [] }) => ({
        where: `${source} ${scope} ${dataset} (${outcome}${interval === undefined ? '' : `, ${humanTime(interval.start)} to ${humanTime(interval.end)}`})`,
        why: `${code}: ${message}`,
        resources,
      })),
  );
  // One missing permission often stops several slices: said once, with all that it stops.
  for (const [why, rows] of [...groupBy(sentences, (each) => each.why)].slice(0, mostLines)) {
    for (const each of wrap(why, width, '  ')) out(style('yellow', each));
    for (const { where, resources } of rows.slice(0, mostPerTest)) {
      const names = resources.slice(0, 3).join(', ');
      const more = resources.length > 3 ? ` and ${resources.length - 3} more` : '';
      const line = `${where}${names === '' ? '' : `: ${names}${more}`}`;
      for (const each of wrap(line, width, '    ')) out(each);
    }
    if (rows.length > mostPerTest) out(`    … and ${rows.length - mostPerTest} more slices`);
  }
  const hidden = groupBy(sentences, (each) => each.why).size - mostLines;
  if (hidden > 0) out(`  … and ${plural(hidden, 'more reason')}; --json has all`);
}

function printAsides(terminal: Terminal, { notes, left_out }: NightSummary): void {
  const { out, style, width } = terminal;
  const lines = [
    ...grouped(left_out, ({ source, reason }) => `Not asked: ${source}: ${reason}`),
    ...grouped(notes, ({ source, message }) => `Note: ${source}: ${message}`),
  ];
  if (lines.length === 0) return;
  for (const line of lines.slice(0, mostLines)) {
    for (const each of wrap(line, width)) out(style('dim', each));
  }
  if (lines.length > mostLines) {
    out(style('dim', `… and ${lines.length - mostLines} more; --json has all`));
  }
  out();
}

/** One line for each text, with the scopes that it is about. */
export function grouped<T extends { scope: string }>(
  items: T[],
  textOf: (item: T) => string,
): string[] {
  return [...groupBy(items, textOf)].map(([text, rows]) => {
    const scopes = [...new Set(rows.map(({ scope }) => scope))];
    const shown = scopes.slice(0, mostScopes).join(', ');
    const more = scopes.length > mostScopes ? ` and ${scopes.length - mostScopes} more` : '';
    return `${text} (${shown}${more})`;
  });
}

function totals(night: NightSummary, seconds: number): string[] {
  const { counts, bundle } = night;
  const words: [number, string][] = [
    [counts.pass, 'pass'],
    [counts.fail, 'fail'],
    [counts.error, 'error'],
    [counts.waived, 'waived'],
    [counts.not_applicable, 'not applicable'],
    [counts.not_tested, 'not tested'],
  ];
  const results = words.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  const requests = plural(night.requests, 'API request');
  return [
    ...(results.length === 0 ? [] : [`Results: ${results.join(' · ')}`]),
    `${plural(night.slices, 'slice')}, ${plural(night.records, 'record')}, ${requests}, ${seconds.toFixed(1)} s`,
    `Bundle ${bundle.sequence} sealed: ${bundle.path}`,
    ...sealLines(bundle),
    headLine(bundle),
  ];
}

/** Who signed, and when an authority saw it: what is missing is said as plainly. */
function sealLines({ signed_by, timestamp }: SealSummary): string[] {
  const lines = [
    signed_by === null
      ? 'Unsigned: whoever can write the store can make it anew. tickmark keygen makes a key.'
      : `Signed by key ${signed_by}`,
  ];
  if (timestamp === null) return [...lines, 'Not timestamped: no authority is configured.'];
  lines.push(
    timestamp.time === null
      ? `Not timestamped yet: ${timestamp.failures.join('; ')}. The next run asks again.`
      : `Timestamped ${humanTime(timestamp.time)} by ${timestamp.authority}`,
  );
  if (timestamp.late.length > 0) {
    lines.push(`Timestamped late: ${plural(timestamp.late.length, 'bundle')} of before`);
  }
  return lines;
}

/** What pins the whole store: to be kept where the store's owner cannot change it. */
export function headLine({ sequence, digest }: Pick<SealSummary, 'sequence' | 'digest'>): string {
  return `Head of the chain: ${sequence} sha256:${digest}`;
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
