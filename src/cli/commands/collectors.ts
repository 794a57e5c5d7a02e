import { existsSync } from 'node:fs';
import { z } from 'zod';
import { type Registry, sourceOf } from '../../collect/registry.ts';
import { loadConfig } from '../../config/load.ts';
import { TickmarkError } from '../../evidence/errors.ts';
import type { Collector, Dataset } from '../../plugin.ts';
import { didYouMean } from '../../yaml/nearest.ts';
import type { CommandIo } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openRegistry } from '../registry.ts';
import { table, wrap } from '../terminal.ts';

interface Options {
  config: string;
  json?: boolean;
}

/** `tickmark collectors list`. */
export async function list({ terminal }: CommandIo, options: Options): Promise<ExitCode> {
  const { collectors } = await registryOf(options);
  if (options.json) {
    terminal.out(JSON.stringify(collectors.map(describeCollector)));
    return exitCodes.complete;
  }
  const rows = collectors.flatMap((collector) =>
    collector.datasets.map(({ name, level, title }) => [collector.id, name, level, title]),
  );
  const columns = ['COLLECTOR', 'DATASET', 'ASKED PER', 'WHAT'];
  const lines = table(
    columns.map((title) => ({ title, shrinks: ['WHAT', 'DATASET'].includes(title) })),
    rows,
    terminal.tableWidth,
  );
  for (const line of lines) terminal.out(line);
  return exitCodes.complete;
}

/** `tickmark collectors show ID`: a collector, or one of its datasets. */
export async function show(
  { terminal }: CommandIo,
  id: string,
  options: Options,
): Promise<ExitCode> {
  const { collectors, datasets } = await registryOf(options);
  const collector = collectors.find((each) => each.id === id);
  const dataset = datasets.get(id);
  const shown = collector?.datasets ?? (dataset && [dataset]);
  if (shown === undefined) {
    const known = [...collectors.map((each) => each.id), ...datasets.keys()];
    throw new TickmarkError(
      'NotFound',
      `there is no collector or dataset ${id}${didYouMean(id, known)}; tickmark collectors list names all`,
    );
  }
  if (options.json) {
    terminal.out(JSON.stringify(collector ? describeCollector(collector) : shown.map(describe)[0]));
    return exitCodes.complete;
  }
  if (collector !== undefined) terminal.out(`${collector.id}: ${collector.title}`);
  for (const each of shown) printDataset(terminal, each);
  return exitCodes.complete;
}

function printDataset(
  { out, style, width }: CommandIo['terminal'],
  dataset: Dataset<object>,
): void {
  const { name, version, title, kind, level, fields, calls, stale_after_hours } = describe(dataset);
  out();
  out(`${style('bold', name)} (version ${version}, ${kind}, one slice for each ${level})`);
  for (const line of wrap(title, width, '  ')) out(line);
  out('  Calls:');
  for (const [call, permission] of Object.entries(calls)) {
    out(`    ${call}${permission === call ? '' : ` needs ${permission}`}`);
  }
  if (stale_after_hours !== null) out(`  Stale after ${stale_after_hours} hours`);
  out('  Fields:');
  const rows = fields.map((field) => [
    `    ${field.name}`,
    field.type,
    `${field.personal ? '[personal] ' : ''}${field.description}`,
  ]);
  const columns = [{ title: '    FIELD' }, { title: 'TYPE' }, { title: 'MEANING' }];
  const nameWidth = Math.max(...rows.map(([first = '']) => first.length));
  const typeWidth = Math.max(...rows.map(([, second = '']) => second.length));
  // Meanings are sentences: wrapped, not cut.
  for (const [first = '', second = '', third = ''] of [columns.map((c) => c.title), ...rows]) {
    const indent = ' '.repeat(nameWidth + typeWidth + 4);
    const [line = '', ...rest] = wrap(third, Math.max(width, indent.length + 30), indent);
    out(`${first.padEnd(nameWidth)}  ${second.padEnd(typeWidth)}  ${line.trimStart()}`);
    for (const more of rest) out(more);
  }
}

interface DatasetDescription {
  name: string;
  version: number;
  title: string;
  kind: string;
  level: string;
  calls: Record<string, string>;
  stale_after_hours: number | null;
  fields: { name: string; type: string; description: string; personal: boolean }[];
  schema: object;
}

function describeCollector(collector: Collector<object>) {
  const { id, title, datasets } = collector;
  return { id, title, source: sourceOf(collector), datasets: datasets.map(describe) };
}

/** The fields as JSON Schema names them. */
interface FieldSchema {
  type?: string | string[];
  format?: string;
  description?: string;
  personal?: unknown;
  anyOf?: FieldSchema[];
  items?: FieldSchema;
}

function describe(dataset: Dataset<object>): DatasetDescription {
  const { name, version, title, kind, level, calls } = dataset;
  const schema = z.toJSONSchema(dataset.fields, { io: 'input' });
  const properties = (schema.properties ?? {}) as Record<string, FieldSchema>;
  return {
    name,
    version,
    title,
    kind,
    level,
    calls,
    stale_after_hours: dataset.staleAfterHours ?? null,
    fields: Object.entries(properties).map(([field, each]) => ({
      name: field,
      type: typeName(each) + (schema.required?.includes(field) ? '' : '?'),
      description: each.description ?? '',
      personal: each.personal !== undefined,
    })),
    schema,
  };
}

/** `string`, `time`, `list of object`, `string or null`; a question mark says "may be left out". */
function typeName({ type, format, anyOf, items }: FieldSchema): string {
  if (Array.isArray(type))
    return type.map((each) => typeName({ type: each, ...(format && { format }) })).join(' or ');
  if (anyOf !== undefined) return anyOf.map(typeName).join(' or ');
  if (format === 'date-time' && type === 'string') return 'time';
  if (type === 'array') return `list of ${items === undefined ? 'anything' : typeName(items)}`;
  return type ?? 'anything';
}

/** The configuration is only read for its plugins: without one the built-in collectors are shown. */
async function registryOf({ config }: Options): Promise<Registry> {
  return openRegistry(existsSync(config) ? loadConfig(config) : undefined);
}
