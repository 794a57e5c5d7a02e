import type { Environment } from '@marcbachmann/cel-js';
import { compareText, type Json } from '../evidence/json.ts';
import type { YamlDocument } from '../yaml/document.ts';
import { type Fault, FaultError } from '../yaml/fault.ts';
import { didYouMean } from '../yaml/nearest.ts';
import {
  compile,
  compileTemplate,
  type ExpressionFault,
  environment,
  mergeReads,
  type Program,
  type Template,
  type Vocabulary,
} from './cel.ts';
import {
  celWords,
  type DatasetShape,
  type DatasetTypes,
  datasetTypes,
  timestampType,
  UnsupportedField,
} from './dataset-types.ts';
import type { LoadedControl } from './load.ts';
import { type ParameterTypes, parameterTypes } from './parameters.ts';
import type { Control, Parameter, TestDefinition } from './schema.ts';

/** A control whose tests can be evaluated. */
export interface CompiledControl {
  control: Control;
  file: string;
  digest: string;
  /** Sorted by id. */
  tests: CompiledTest[];
}

/** A test, ready to be evaluated: no part of it needs the file or the schema any more. */
export interface CompiledTest {
  /** The control's id. */
  control: string;
  id: string;
  title: string;
  /** The variable that a record is called by. */
  as: string;
  types: DatasetTypes;
  /** Null: every record is in the population. */
  where: Program | null;
  expect: Program;
  message: Template;
  lookups: CompiledLookup[];
  /** The record's fields that any expression reads, sorted. */
  reads: string[];
  /** The values in force, as JSON. */
  parameters: Record<string, Parameter>;
  parameterTypes: ParameterTypes;
  definition: TestDefinition;
  /** Where the test stands, for faults that are found later. */
  document: YamlDocument;
  index: number;
}

/** A hash join: the looked-up records whose `key` equals the expression's value. */
export interface CompiledLookup {
  /** The variable. */
  name: string;
  types: DatasetTypes;
  key: string;
  equals: Program;
}

/** Parameter values of the configuration, and how to point at them. */
export interface Overrides {
  parameters: Record<string, Record<string, Json>>;
  /** A fault at a place in the configuration, as `LoadedConfig.fault`. */
  fault(path: readonly PropertyKey[], message: string): Fault;
}

/**
 * Compiles and type-checks every expression of every control.
 * @param datasets all that any source could give, by name.
 * @throws FaultError InvalidControl, or InvalidConfiguration where only the parameters are
 * wrong, with every fault at once.
 */
export function compileControls(
  controls: readonly LoadedControl[],
  datasets: ReadonlyMap<string, DatasetShape>,
  overrides?: Overrides,
): CompiledControl[] {
  const types = typesByName(datasets);
  const faults: Fault[] = [];
  const compiled = controls.map(({ control, file, digest, document }) => {
    const tests: CompiledTest[] = [];
    control.tests.forEach((definition, index) => {
      const before = faults.length;
      const test = compileTest(control, definition, { document, index, types, faults });
      if (test && faults.length === before) tests.push(test);
    });
    tests.sort((a, b) => compareText(a.id, b.id));
    return { control, file, digest, tests };
  });
  if (faults.length > 0) throw new FaultError('InvalidControl', faults);
  return overrides ? applyOverrides(compiled, overrides) : compiled;
}

/** The same test with other parameter values; wrong ones are handed to `report`. */
export function withParameters(
  test: CompiledTest,
  values: Record<string, Json>,
  report: (name: string, message: string) => void,
): CompiledTest {
  const parameters = { ...test.parameters };
  for (const [name, value] of Object.entries(values)) {
    const problem = test.parameterTypes.problem(name, value);
    if (problem === undefined) parameters[name] = value as Parameter;
    else report(name, problem);
  }
  return { ...test, parameters };
}

function applyOverrides(controls: CompiledControl[], overrides: Overrides): CompiledControl[] {
  const faults: Fault[] = [];
  const known = new Set(controls.flatMap(({ tests }) => tests.map((test) => test.id)));
  for (const id of Object.keys(overrides.parameters)) {
    if (known.has(id)) continue;
    const message = `there is no test "${id}"${didYouMean(id, known)}`;
    faults.push(overrides.fault(['parameters', id], message));
  }
  const result = controls.map((control) => ({
    ...control,
    tests: control.tests.map((test) =>
      withParameters(test, overrides.parameters[test.id] ?? {}, (name, message) => {
        faults.push(overrides.fault(['parameters', test.id, name], message));
      }),
    ),
  }));
  if (faults.length > 0) throw new FaultError('InvalidConfiguration', faults);
  return result;
}

/** Types made when first asked for: a run compiles against few of the datasets there are. */
function typesByName(datasets: ReadonlyMap<string, DatasetShape>) {
  const made = new Map<string, DatasetTypes>();
  return {
    names: datasets.keys.bind(datasets),
    get(name: string): DatasetTypes | undefined {
      const dataset = datasets.get(name);
      if (dataset && !made.has(name)) made.set(name, datasetTypes(dataset));
      return made.get(name);
    },
  };
}

interface Place {
  document: YamlDocument;
  index: number;
  types: ReturnType<typeof typesByName>;
  faults: Fault[];
}

function compileTest(
  control: Control,
  definition: TestDefinition,
  { document, index, types, faults }: Place,
): CompiledTest | undefined {
  const fault = (path: PropertyKey[], message: string) => {
    faults.push(document.fault(['tests', index, ...path], message));
  };
  const dataset = (name: string, path: PropertyKey[]) => {
    try {
      const found = types.get(name);
      if (!found) fault(path, `there is no dataset "${name}"${didYouMean(name, types.names())}`);
      return found;
    } catch (error) {
      if (!(error instanceof UnsupportedField)) throw error;
      fault(path, error.message);
      return undefined;
    }
  };
  /** The compiled expression at `path`, or a fault with the place inside it. */
  const compiled = <T extends object>(
    path: PropertyKey[],
    result: T | ExpressionFault,
  ): T | undefined => {
    if (!('offset' in result)) return result;
    const { offset, message } = result as ExpressionFault;
    faults.push(document.faultInText(['tests', index, ...path], offset, message));
    return undefined;
  };

  const record = dataset(definition.over, ['over']);
  const lookupTypes = new Map<string, DatasetTypes>();
  for (const [name, lookup] of Object.entries(definition.lookups)) {
    const found = dataset(lookup.in, ['lookups', name, 'in']);
    if (found) lookupTypes.set(name, found);
  }
  const isTaken = (name: string) => ['params', 'now'].includes(name) || celWords.has(name);
  if (isTaken(definition.as)) fault(['as'], `"${definition.as}" is taken; choose another name`);
  for (const name of Object.keys(definition.lookups)) {
    if (!isTaken(name) && name !== definition.as) continue;
    fault(['lookups', name], `"${name}" is taken; choose another name`);
  }
  if (!record || lookupTypes.size < Object.keys(definition.lookups).length) return undefined;
  const parameters = parameterTypes(definition.parameters);
  const vocabulary = vocabularyOf(definition.as, record, parameters);
  const full = withLookups(vocabulary, lookupTypes);
  let alone: Environment;
  let env: Environment;
  try {
    alone = environment(vocabulary);
    env = environment(full);
  } catch (error) {
    fault([], `a name cannot be used: ${(error as Error).message}`);
    return undefined;
  }

  const lookups: CompiledLookup[] = [];
  for (const [name, { key, equals }] of Object.entries(definition.lookups)) {
    const path = ['lookups', name];
    const program = compiled([...path, 'equals'], compile(alone, vocabulary, equals));
    const keyType = lookupTypes.get(name)?.messages.get(definition.lookups[name]?.in ?? '')?.fields[
      key
    ];
    const looked = lookupTypes.get(name);
    if (!looked || !program) continue;
    if (keyType === undefined) {
      const message = `${looked.name} has no field "${key}"${didYouMean(key, looked.fields)}`;
      fault([...path, 'key'], message);
    } else if (plain(keyType) !== plain(program.type)) {
      fault([...path, 'equals'], `is ${program.type}, and ${looked.name}.${key} is ${keyType}`);
    } else if (!joinable.includes(plain(keyType))) {
      fault([...path, 'key'], `a ${keyType} cannot be looked up; use a text, a number or a bool`);
    } else lookups.push({ name, types: looked, key, equals: program });
  }

  const where =
    definition.where === undefined
      ? null
      : compiled(['where'], compile(env, full, definition.where, 'bool'));
  const expect = compiled(['expect'], compile(env, full, definition.expect, 'bool'));
  const message = compiled(['message'], compileTemplate(env, full, definition.message));
  if (where === undefined || !expect || !message) return undefined;

  const parts = [...(where ? [where] : []), expect, message, ...lookups.map((l) => l.equals)];
  const reads = mergeReads(parts);
  for (const name of Object.keys(definition.parameters)) {
    if (!reads.get('params')?.has(name)) fault(['parameters', name], 'no expression reads it');
  }
  for (const { name } of lookups) {
    if (!reads.has(name)) fault(['lookups', name], 'no expression reads it');
  }
  return {
    control: control.id,
    id: definition.id,
    title: definition.title,
    as: definition.as,
    types: record,
    where,
    expect,
    message,
    lookups,
    reads: [...(reads.get(definition.as) ?? [])]
      .filter((field) => record.fields.has(field))
      .sort(compareText),
    parameters: parameters.defaults,
    parameterTypes: parameters,
    definition,
    document,
    index,
  };
}

const joinable = ['string', 'int', 'bool'];

function plain(type: string): string {
  return type.replace(/^dyn<(.*)>$/, '$1');
}

function vocabularyOf(as: string, record: DatasetTypes, parameters: ParameterTypes): Vocabulary {
  return {
    messages: new Map([...record.messages, [parameters.name, parameters.message]]),
    variables: { [as]: record.name, params: parameters.name, now: timestampType },
  };
}

function withLookups(
  vocabulary: Vocabulary,
  lookups: ReadonlyMap<string, DatasetTypes>,
): Vocabulary {
  const messages = new Map(vocabulary.messages);
  const variables = { ...vocabulary.variables };
  for (const [name, types] of lookups) {
    for (const [type, message] of types.messages) messages.set(type, message);
    variables[name] = `list<${types.name}>`;
  }
  return { messages, variables };
}
