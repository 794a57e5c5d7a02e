import { compareText, type Json } from '../evidence/json.ts';
import { didYouMean } from '../yaml/nearest.ts';
import type { MessageType } from './dataset-types.ts';
import type { Parameter, TestDefinition } from './schema.ts';

/** The parameters of one test: `params` in its expressions. */
export interface ParameterTypes {
  /** CEL's name for the type of `params`. */
  name: string;
  message: MessageType;
  defaults: Record<string, Parameter>;
  /** Why a value cannot be the parameter's; undefined if it can. */
  problem(name: string, value: Json): string | undefined;
  /** `params` as CEL reads it. */
  decode(values: Record<string, Parameter>): object;
}

/** A default sets the type: 90 is a whole number, 0.5 a number, [] a list of text. */
export function parameterTypes(declared: TestDefinition['parameters']): ParameterTypes {
  const defaults = Object.fromEntries(
    Object.entries(declared).map(([name, parameter]) => [name, parameter.default]),
  );
  const fields = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, celType(value) ?? 'dyn']),
  );
  const ctor = class {};
  return {
    name: 'tickmark.parameters',
    message: { ctor, fields },
    defaults,
    problem(name, value) {
      if (!Object.hasOwn(fields, name)) {
        return `the test has no parameter "${name}"${didYouMean(name, Object.keys(fields))}`;
      }
      const expected = fields[name] ?? '';
      const found = celType(value);
      if (found === expected || (found === 'int' && expected === 'double')) return undefined;
      return `expected ${words[expected]}, as its default is`;
    },
    decode: (values) =>
      Object.assign(
        new ctor(),
        Object.fromEntries(
          Object.entries(values).map(([name, value]) => [name, decode(value, fields[name])]),
        ),
      ),
  };
}

const listType = 'list<string>';
const mapType = 'map<string, string>';
const words: Record<string, string> = {
  bool: 'true or false',
  int: 'a whole number',
  double: 'a number',
  string: 'text',
  [listType]: 'a list of text',
  [mapType]: 'a map of text',
};

/** Undefined for what no parameter can be: null, lists and maps of other than text. */
function celType(value: Json): string | undefined {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'int' : 'double';
  if (value === null) return undefined;
  const inner = Object.values(value);
  if (!inner.every((item) => typeof item === 'string')) return undefined;
  return Array.isArray(value) ? listType : mapType;
}

function decode(value: Parameter, type: string | undefined): unknown {
  if (typeof value === 'number') return type === 'int' ? BigInt(value) : value;
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  // In the order of canonical JSON: a manifest keeps parameters so, and results go by their order.
  return new Map(Object.entries(value).sort(([a], [b]) => compareText(a, b)));
}
