import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Registry } from '../../collect/registry.ts';
import { loadConfig } from '../../config/load.ts';
import { configJsonSchema } from '../../config/schema.ts';
import { type CompiledControl, compileControls } from '../../controls/compile.ts';
import { loadCrosswalks } from '../../controls/crosswalks.ts';
import { lintControls } from '../../controls/lint.ts';
import { type LoadedControl, loadControls } from '../../controls/load.ts';
import { controlJsonSchema } from '../../controls/schema.ts';
import { waiversJsonSchema } from '../../controls/waivers.ts';
import { type CaseOutcome, runCases } from '../../evaluate/cases.ts';
import { TickmarkError } from '../../evidence/errors.ts';
import { reportJsonSchema } from '../../report/schema.ts';
import { FaultError, formatFault } from '../../yaml/fault.ts';
import { didYouMean } from '../../yaml/nearest.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { packageRoot } from '../package.ts';
import { openRegistry } from '../registry.ts';
import { plural, table, wrap } from '../terminal.ts';

interface Options extends ProjectOptions {
  json?: boolean;
}

/** `tickmark controls list`. */
export async function list({ terminal }: CommandIo, options: Options): Promise<ExitCode> {
  const { files } = await open(options);
  if (options.json) {
    terminal.out(
      JSON.stringify(files.map(({ control, file, digest }) => ({ ...control, file, digest }))),
    );
    return exitCodes.complete;
  }
  const rows = files.map(({ control }) => [
    control.id,
    control.title,
    control.frequency,
    control.criteria.soc2?.join(' ') ?? '',
    control.tests.map((test) => test.id).join(' ') || 'none: people show it',
  ]);
  const columns = ['CONTROL', 'TITLE', 'FREQUENCY', 'SOC 2', 'TESTS'];
  const lines = table(
    columns.map((title) => ({ title, shrinks: ['TESTS', 'TITLE', 'SOC 2'].includes(title) })),
    rows,
    terminal.tableWidth,
  );
  for (const line of lines) terminal.out(line);
  return exitCodes.complete;
}

/** `tickmark controls show ID`: a control, by its own id or that of one of its tests. */
export async function show(
  { terminal }: CommandIo,
  id: string,
  options: Options,
): Promise<ExitCode> {
  const { files } = await open(options);
  const found = files.find(
    ({ control }) => control.id === id || control.tests.some((test) => test.id === id),
  );
  if (found === undefined) {
    const known = files.flatMap(({ control }) => [control.id, ...control.tests.map((t) => t.id)]);
    throw new TickmarkError(
      'NotFound',
      `there is no control or test ${id}${didYouMean(id, known)}`,
    );
  }
  const { control, file, digest } = found;
  if (options.json) {
    terminal.out(JSON.stringify({ ...control, file, digest }));
    return exitCodes.complete;
  }
  const { out, style, width } = terminal;
  const say = (text: string, indent = '') => {
    for (const line of wrap(text.trim().replace(/\s+/g, ' '), width, indent)) out(line);
  };
  out(style('bold', `${control.id} ${control.title}`));
  say(control.statement);
  out();
  out(`Owner: ${control.owner} · ${control.category} · ${control.frequency} · ${file}`);
  for (const [framework, ids] of Object.entries(control.criteria)) {
    out(`${framework}: ${ids.join(', ')}`);
  }
  for (const test of control.tests) {
    out();
    out(style('bold', test.id));
    say(test.title, '  ');
    out(`  over ${test.over} as ${test.as}`);
    if (test.where !== undefined) say(`where ${test.where}`, '  ');
    say(`expect ${test.expect}`, '  ');
    for (const [name, { in: dataset, key, equals }] of Object.entries(test.lookups)) {
      say(`lookup ${name}: ${dataset} whose ${key} equals ${equals}`, '  ');
    }
    for (const [name, parameter] of Object.entries(test.parameters)) {
      say(
        `parameter ${name} = ${JSON.stringify(parameter.default)}: ${parameter.description}`,
        '  ',
      );
    }
    say(`Remedy: ${test.remediation}`, '  ');
  }
  return exitCodes.complete;
}

/** `tickmark controls lint`: exit 2 for a finding that is an error. */
export async function lint(
  { terminal }: CommandIo,
  paths: string[],
  options: Options,
): Promise<ExitCode> {
  const { files, compiled } = await open(options, paths);
  compiled();
  const crosswalks = loadCrosswalks(join(packageRoot, 'controls', 'crosswalks'));
  const findings = lintControls(files, crosswalks);
  const wrong = findings.filter((finding) => finding.severity === 'error').length;
  if (options.json) terminal.out(JSON.stringify(findings));
  else {
    for (const finding of findings) terminal.out(`${finding.severity}: ${formatFault(finding)}`);
    terminal.out(`${plural(files.length, 'control')}: ${plural(findings.length, 'finding')}`);
  }
  return wrong > 0 ? exitCodes.usage : exitCodes.complete;
}

/** `tickmark controls test`: exit 2 for a case that did not come out as it says. */
export async function test(
  { terminal }: CommandIo,
  paths: string[],
  options: Options,
): Promise<ExitCode> {
  const { compiled } = await open(options, paths);
  const reports = compiled().flatMap(({ tests }) => tests.map(runCases));
  const faults = reports.flatMap((report) => report.faults);
  if (faults.length > 0) throw new FaultError('InvalidControl', faults);
  const outcomes = reports.flatMap((report) => report.outcomes);
  const wrong = outcomes.filter(({ ok }) => !ok);
  if (options.json) terminal.out(JSON.stringify(outcomes));
  else {
    for (const outcome of wrong) terminal.out(explain(outcome));
    terminal.out(`${plural(outcomes.length, 'case')}: ${wrong.length} not as expected`);
  }
  if (outcomes.length === 0) {
    throw new TickmarkError('Usage', 'there is no case to run; lint names the tests without');
  }
  return wrong.length > 0 ? exitCodes.usage : exitCodes.complete;
}

const schemas = {
  control: controlJsonSchema,
  config: configJsonSchema,
  waivers: waiversJsonSchema,
  report: reportJsonSchema,
};

/** `tickmark controls schema`. */
export async function schema(
  { terminal }: CommandIo,
  { of }: { of: keyof typeof schemas },
): Promise<ExitCode> {
  terminal.out(JSON.stringify(schemas[of](), null, 2));
  return exitCodes.complete;
}

function explain({ control, test: id, name, expected, actual }: CaseOutcome): string {
  const say = (status: string, reason?: string) => (reason ? `${status} (${reason})` : status);
  return `${control} ${id}, case "${name}":\n  expected ${say(expected.status, expected.reason)}\n  came out ${say(actual.status, actual.reason)}`;
}

/**
 * The controls to look at: those named, those of the configuration, or the built-in ones where
 * there is none. The configuration's categories and parameters play no part: a file is right or
 * wrong by itself.
 */
async function open(
  options: Options,
  paths: string[] = [],
): Promise<{ files: LoadedControl[]; compiled: () => CompiledControl[] }> {
  const loaded = existsSync(options.config) ? loadConfig(options.config) : undefined;
  const registry: Registry = await openRegistry(loaded);
  const files =
    paths.length > 0
      ? loadControls(paths, process.cwd(), packageRoot)
      : loadControls(
          loaded?.config.controls ?? ['builtin:soc2'],
          loaded?.directory ?? process.cwd(),
          packageRoot,
        );
  return { files, compiled: () => compileControls(files, registry.datasets) };
}
