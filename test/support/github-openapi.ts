/** Holds REST answers of the stand-in against GitHub's own description of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { packageRoot } from '../../src/cli/package.ts';

type Schema = Record<string, unknown>;

/**
 * Where the description says less than GitHub answers. Everything else that it does not name is
 * refused: a misspelt key is a mistake of the stand-in.
 */
const mends: Record<string, (schema: Schema) => void> = {
  // Each action has fields of its own; the description lists a few dozen of them.
  'audit-log': ({ items }) => {
    (items as Schema).additionalProperties = true;
  },
};

const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
formats.default(ajv);

const compiled = new Map<string, ValidateFunction>();

/** What is wrong with a body by the schema in that file; undefined where nothing is. */
export function faultOf(file: string, body: unknown): string | undefined {
  const validate = compiled.get(file) ?? compile(file);
  if (validate(body)) return undefined;
  return `${file}: ${(validate.errors ?? []).slice(0, 5).map(sentence).join('; ')}`;
}

function sentence({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath} ${message} ${JSON.stringify(params)}`;
}

function compile(file: string): ValidateFunction {
  const path = join(packageRoot, 'test', 'support', 'github-openapi', `${file}.json`);
  const schema = JSON.parse(readFileSync(path, 'utf8'));
  mends[file]?.(schema);
  const validate = ajv.compile(jsonSchema(schema) as Schema);
  compiled.set(file, validate);
  return validate;
}

/** JSON Schema for what OpenAPI 3.0 says: null is a type, and objects hold what is named only. */
function jsonSchema(schema: unknown, whole = true): unknown {
  if (Array.isArray(schema)) return schema.map((each) => jsonSchema(each));
  if (schema === null || typeof schema !== 'object') return schema;
  const { nullable, properties, ...rest } = schema as Schema;
  const read: Schema = Object.fromEntries(
    // The parts of `allOf` are each but a part of the object.
    Object.entries(rest).map(([key, value]) => [
      key,
      key === 'allOf'
        ? (value as unknown[]).map((part) => jsonSchema(part, false))
        : jsonSchema(value),
    ]),
  );
  if (properties !== undefined) {
    read.properties = Object.fromEntries(
      Object.entries(properties as Schema).map(([name, value]) => [name, jsonSchema(value)]),
    );
    if (whole) read.additionalProperties ??= false;
  }
  return nullable === true ? { anyOf: [read, { type: 'null' }] } : read;
}
