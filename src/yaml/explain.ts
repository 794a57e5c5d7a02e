import type { z } from 'zod';
import type { Json } from '../evidence/json.ts';
import type { FaultCode } from './fault.ts';

export type Path = readonly PropertyKey[];

/** A schema's complaint in words. `key` is set where the complaint is about one unknown key. */
export interface Explained {
  path: Path;
  message: string;
  code: FaultCode;
  key?: string;
  /** The keys that the map knows, for a guess at what was meant. */
  known?: string[];
}

type Issue = z.core.$ZodIssue;

/** What each type is called for the person who writes the file. */
const words: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
};

/**
 * Every issue as one line or more that says what was expected and what was found.
 * @param source the text of a scalar as it stands in the file.
 */
export function describeIssues(
  issues: readonly Issue[],
  schema: z.ZodType,
  input: Json,
  source: (path: Path) => string | undefined,
): Explained[] {
  return issues.flatMap((issue) => describeIssue(issue, [], schema, input, source));
}

function describeIssue(
  issue: Issue,
  base: Path,
  schema: z.ZodType,
  input: Json,
  source: (path: Path) => string | undefined,
): Explained[] {
  const path = [...base, ...issue.path];
  const found = valueAt(input, path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(schema, path);
      return issue.keys.map((key) => ({
        path,
        key,
        known,
        message: 'unknown key',
        code: 'UnknownKey',
      }));
    }
    case 'invalid_type': {
      if (found === undefined) {
        return [{ path, message: `missing; expected ${word(issue.expected)}`, code: 'MissingKey' }];
      }
      const message = mismatch(word(issue.expected), issue.expected, found, source(path));
      return [{ path, message, code: 'WrongType' }];
    }
    case 'invalid_value': {
      if (found === undefined) {
        return [{ path, message: `missing; expected ${oneOf(issue.values)}`, code: 'MissingKey' }];
      }
      const message = `expected ${oneOf(issue.values)}, found ${show(found)}`;
      return [{ path, message, code: 'WrongValue' }];
    }
    case 'invalid_union':
      return describeUnion(issue, path, schema, input, source);
    case 'invalid_key':
      return [{ path, message: issue.issues.map((i) => i.message).join('; '), code: 'WrongValue' }];
    default: {
      const message =
        found === undefined || typeof found === 'object'
          ? issue.message
          : `${issue.message}, found ${show(found)}`;
      return [{ path, message, code: 'WrongValue' }];
    }
  }
}

/**
 * A union is explained by the alternative that comes nearest to what was written; where the
 * value is of none of the kinds, by all of them.
 */
function describeUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  schema: z.ZodType,
  input: Json,
  source: (path: Path) => string | undefined,
): Explained[] {
  const ofThisKind = issue.errors.filter((alternative) => !alternative.some(isOfAnotherKind));
  const nearest = ofThisKind.sort((a, b) => score(a) - score(b))[0];
  if (nearest !== undefined) {
    return nearest.flatMap((inner) => describeIssue(inner, path, schema, input, source));
  }
  const alternatives = issue.errors.flat().filter(isOfAnotherKind);
  const expected = [...new Set(alternatives.map(expectation))].join(' or ');
  const found = valueAt(input, path);
  if (found === undefined) {
    return [{ path, message: `missing; expected ${expected}`, code: 'MissingKey' }];
  }
  const isText = alternatives.some((i) => i.code === 'invalid_type' && i.expected === 'string');
  const message = mismatch(expected, isText ? 'string' : '', found, source(path));
  return [{ path, message, code: 'WrongType' }];
}

function isOfAnotherKind(issue: Issue): boolean {
  const isKind = issue.code === 'invalid_type' || issue.code === 'invalid_value';
  return isKind && issue.path.length === 0;
}

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return word(issue.expected);
  return issue.code === 'invalid_value' ? oneOf(issue.values) : issue.message;
}

function score(issues: readonly Issue[]): number {
  return issues.reduce(
    (sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1),
    0,
  );
}

function mismatch(expected: string, type: string, found: Json, source: string | undefined): string {
  if (type === 'string' && typeof found === 'number') {
    const written = source ?? String(found);
    return `expected ${expected}, found the number ${found}: write "${written}" in quotes (ids are quoted; unquoted, YAML reads 1.10 as 1.1)`;
  }
  return `expected ${expected}, found ${show(found)}`;
}

function word(type: string): string {
  return words[type] ?? type;
}

function oneOf(values: readonly unknown[]): string {
  const shown = values.map((value) => String(value));
  return shown.length === 1 ? `${shown[0]}` : `one of ${shown.join(', ')}`;
}

/** A found value, short enough for a line. */
function show(value: Json): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function valueAt(value: Json, path: Path): Json | undefined {
  let current: Json | undefined = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) {
      return undefined;
    }
    current = (current as Record<PropertyKey, Json>)[part];
  }
  return current;
}

/** The keys of the map that a path leads to, found by walking the schema's own definition. */
function knownKeys(schema: z.core.$ZodType, path: Path): string[] {
  const { def } = schema._zod as { def: SchemaDefinition };
  switch (def.type) {
    case 'object': {
      const shape = def.shape ?? {};
      const [head, ...rest] = path;
      if (head === undefined) return Object.keys(shape);
      const next = shape[String(head)];
      return next ? knownKeys(next, rest) : [];
    }
    case 'array':
      return def.element ? knownKeys(def.element, path.slice(1)) : [];
    case 'record':
      return def.valueType ? knownKeys(def.valueType, path.slice(1)) : [];
    case 'union':
      return (def.options ?? []).flatMap((option) => knownKeys(option, path));
    case 'pipe':
      return def.in ? knownKeys(def.in, path) : [];
    default:
      return def.innerType ? knownKeys(def.innerType, path) : [];
  }
}

/** The parts of zod 4's schema definitions that hold other schemas. */
interface SchemaDefinition {
  type: string;
  shape?: Record<string, z.core.$ZodType>;
  element?: z.core.$ZodType;
  valueType?: z.core.$ZodType;
  innerType?: z.core.$ZodType;
  options?: z.core.$ZodType[];
  in?: z.core.$ZodType;
}
