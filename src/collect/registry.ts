/** What can be collected: the sources and collectors that are built in or come from plugins. */
import { z } from 'zod';
import { TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';
import type { Collector, Dataset, Plugin, Source } from '../plugin.ts';

export interface Registry {
  sources: ReadonlyMap<string, Source<unknown, object>>;
  /** Sorted by id. */
  collectors: readonly Collector<object>[];
  datasets: ReadonlyMap<string, Dataset<object>>;
}

/** Verbs of calls that change nothing. */
const readOnlyCall =
  /^[a-z0-9-]+:(Get|List|Describe|Head|BatchGet|Lookup|Search|Select)[A-Z]\w*$|^GET \/|^graphql:[A-Z]\w*$/;

/** Calls that read although their verb does not say so. */
const readingAllTheSame = new Set([
  'iam:GenerateCredentialReport',
  'sts:AssumeRole',
  'POST /app/installations/{installation_id}/access_tokens',
]);

const sourceId = /^[a-z][a-z0-9]*$/;
const dottedName = /^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+$/;
/** Every record has these; a field of the same name would hide them. */
const reservedFields = ['uid', 'name'];

/**
 * Puts plugins together, built-in ones first, and checks what they declare.
 * @throws TickmarkError InvalidPlugin that names every fault.
 */
export function createRegistry(plugins: { from: string; plugin: Plugin }[]): Registry {
  const faults: string[] = [];
  const sources = new Map<string, Source<unknown, object>>();
  const collectors = new Map<string, Collector<object>>();
  const datasets = new Map<string, Dataset<object>>();
  const add = <T>(map: Map<string, T>, kind: string, key: string, value: T, from: string) => {
    if (map.has(key)) faults.push(`${from}: there is already a ${kind} ${key}`);
    else map.set(key, value);
  };
  for (const { from, plugin } of plugins) {
    for (const source of plugin.sources ?? []) {
      add(sources, 'source', source.id, source, from);
      if (!sourceId.test(source.id))
        faults.push(`${from}: source id ${source.id} is not of the form okta`);
      faults.push(...callFaults(source.calls, `${from}: source ${source.id}`));
    }
    for (const collector of plugin.collectors ?? []) {
      add(collectors, 'collector', collector.id, collector, from);
      for (const dataset of collector.datasets) {
        add(datasets, 'dataset', dataset.name, dataset, from);
        const ofSource = sourceOf(collector);
        faults.push(...datasetFaults(dataset, ofSource).map((fault) => `${from}: ${fault}`));
      }
    }
  }
  for (const collector of collectors.values()) {
    if (!sources.has(sourceOf(collector))) {
      faults.push(`collector ${collector.id}: there is no source ${sourceOf(collector)}`);
    }
  }
  if (faults.length > 0) throw new TickmarkError('InvalidPlugin', faults.join('\n'));
  return {
    sources,
    collectors: [...collectors.values()].sort((a, b) => compareText(a.id, b.id)),
    datasets,
  };
}

/** The source that serves a collector: the first part of its id. */
export function sourceOf(collector: Collector<object>): string {
  return collector.id.split('.')[0] ?? collector.id;
}

function datasetFaults(dataset: Dataset<object>, source: string): string[] {
  const faults: string[] = [];
  const where = `dataset ${dataset.name}`;
  if (!dottedName.test(dataset.name))
    faults.push(`${where}: a name is of the form okta.users.list`);
  if (!dataset.name.startsWith(`${source}.`))
    faults.push(`${where}: its name does not begin with its source's id ${source}`);
  if (!Number.isSafeInteger(dataset.version)) {
    faults.push(`${where}: its version is not a whole number`);
  }
  if (dataset.kind !== 'snapshot' && dataset.kind !== 'events')
    faults.push(`${where}: its kind is neither snapshot nor events`);
  for (const [field, schema] of Object.entries(dataset.fields.shape)) {
    if (reservedFields.includes(field))
      faults.push(`${where}: field ${field} is every record's own; choose another name`);
    if (descriptionOf(schema) === undefined)
      faults.push(`${where}: field ${field} has no description`);
  }
  return [...faults, ...eventFaults(dataset, where), ...callFaults(dataset.calls, where)];
}

/** What is wrong with what only a dataset of events says. */
function eventFaults(dataset: Dataset<object>, where: string): string[] {
  if (dataset.kind !== 'events') {
    return ['when', 'reachDays']
      .filter((key) => key in dataset)
      .map((key) => `${where}: ${key} is for datasets of kind events`);
  }
  const faults: string[] = [];
  const { when, reachDays } = dataset;
  if (when !== undefined && !isTimestamp(dataset.fields, when)) {
    const fault = Object.hasOwn(dataset.fields.shape, when) ? 'is no timestamp()' : 'is none';
    faults.push(`${where}: when has to name one of its fields that is a time; ${when} ${fault}`);
  }
  if (reachDays !== undefined && !(Number.isSafeInteger(reachDays) && reachDays > 0)) {
    faults.push(`${where}: reachDays is not a whole number of days above 0`);
  }
  return faults;
}

/** Whether a field is a moment in time; it may be null or left out. */
function isTimestamp(fields: z.ZodObject, name: string): boolean {
  const schema = z.toJSONSchema(fields, { io: 'output', unrepresentable: 'any' });
  const field = schema.properties?.[name];
  if (typeof field !== 'object') return false;
  const forms = (field.anyOf ?? [field]).filter((form) => form.type !== 'null');
  return forms.length === 1 && forms[0]?.format === 'date-time';
}

/** A field's description, wherever in the chain of wrappers it was given. */
function descriptionOf(schema: z.core.$ZodType): string | undefined {
  const own = z.globalRegistry.get(schema)?.description;
  if (own !== undefined) return own;
  const { def } = schema._zod as { def: { innerType?: z.core.$ZodType } };
  return def.innerType && descriptionOf(def.innerType);
}

function callFaults(calls: Record<string, string>, where: string): string[] {
  const names = Object.keys(calls);
  if (names.length === 0) return [`${where} declares no calls`];
  return names
    .filter((call) => !readOnlyCall.test(call) && !readingAllTheSame.has(call))
    .map((call) => `${where}: ${call} is not a read-only call`);
}
