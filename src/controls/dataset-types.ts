import { z } from 'zod';
import type { EvidenceRecord } from '../evidence/slice.ts';

/** What is needed of a dataset to test its records; every `Dataset` of a plugin has it. */
export interface DatasetShape {
  name: string;
  fields: z.ZodObject;
  staleAfterHours?: number;
  /** Of events: the field that says when one happened. */
  when?: string;
}

/** A message type as CEL knows it. */
export interface MessageType {
  /** Instances of it only are accepted where the type is expected. */
  ctor: new () => object;
  /** CEL type by field. */
  fields: Record<string, string>;
}

/** A dataset's shape in CEL's terms. */
export interface DatasetTypes {
  name: string;
  staleAfterHours: number | undefined;
  when: string | undefined;
  schema: z.ZodObject;
  /** The dataset's own fields: without `uid` and `name`. */
  fields: ReadonlySet<string>;
  /** Every message type: the record's own is called as the dataset, inner ones by their path. */
  messages: ReadonlyMap<string, MessageType>;
  /**
   * A record as CEL reads it. A field that is absent, or is not what the schema says, stays
   * absent: it could not be told. Decoded once for each record object.
   */
  decode(record: Pick<EvidenceRecord, 'uid' | 'name' | 'fields' | 'untold'>): object;
}

/** Why fields of a decoded record are absent, where its collector said so. */
const untold = new WeakMap<object, Record<string, string>>();

/** Why a field of a decoded record is absent; undefined where that is not known. */
export function whyUntold(decoded: object, field: string): string | undefined {
  const reasons = untold.get(decoded);
  return reasons !== undefined && Object.hasOwn(reasons, field) ? reasons[field] : undefined;
}

/** A field that CEL cannot be told about; the contract of datasets rules it out. */
export class UnsupportedField extends Error {
  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.name = 'UnsupportedField';
  }
}

/** JSON to what CEL takes; undefined where the value is not of the type. */
type Decoder = (value: unknown) => unknown;
interface FieldType {
  cel: string;
  decode: Decoder;
}

/** The parts of JSON Schema that zod writes for the types a dataset may use. */
interface JsonSchema {
  type?: string | string[];
  format?: string;
  items?: JsonSchema | false;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  $ref?: string;
}

export const timestampType = 'google.protobuf.Timestamp';

/** Words that CEL keeps for itself (its specification, "Syntax"). */
export const celWords: ReadonlySet<string> = new Set(
  'as break const continue else false for function if import in let loop namespace null package return true var void while'.split(
    ' ',
  ),
);

/** Names that every record has beside its fields. */
const ownNames = new Set(['uid', 'name']);

/**
 * Tells CEL about a dataset.
 * @throws UnsupportedField for a field that breaks the contract of datasets.
 */
export function datasetTypes(dataset: DatasetShape): DatasetTypes {
  const messages = new Map<string, MessageType>();
  const schema = z.toJSONSchema(dataset.fields, { io: 'output', unrepresentable: 'any' });
  const properties = (schema as JsonSchema).properties ?? {};
  for (const field of Object.keys(properties)) {
    if (!celWords.has(field) && !ownNames.has(field)) continue;
    throw new UnsupportedField(`${dataset.name}.${field}`, 'is reserved');
  }
  const fields = decoders(properties, dataset.name, messages);
  const Ctor = message(dataset.name, messages, {
    uid: 'string',
    name: 'string',
    ...celTypes(fields),
  });
  const decoded = new WeakMap<object, object>();
  return {
    name: dataset.name,
    staleAfterHours: dataset.staleAfterHours,
    when: dataset.when,
    schema: dataset.fields,
    fields: new Set(Object.keys(properties)),
    messages,
    decode(record) {
      let value = decoded.get(record);
      if (value === undefined) {
        value = fill(new Ctor(), fields, record.fields);
        Object.assign(value, { uid: record.uid, name: record.name });
        decoded.set(record, value);
        if (record.untold !== undefined) untold.set(value, record.untold);
      }
      return value;
    },
  };
}

type Fields = [name: string, type: FieldType][];

function decoders(
  properties: Record<string, JsonSchema>,
  path: string,
  messages: Map<string, MessageType>,
): Fields {
  return Object.entries(properties).map(([field, schema]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(field) || field === '__proto__') {
      throw new UnsupportedField(`${path}.${field}`, 'is not a name that CEL can say');
    }
    return [field, fieldType(schema, `${path}.${field}`, messages)];
  });
}

function celTypes(fields: Fields): Record<string, string> {
  return Object.fromEntries(fields.map(([field, type]) => [field, type.cel]));
}

/** Makes a message type: a class of its own, because CEL tells messages apart by constructor. */
function message(
  name: string,
  messages: Map<string, MessageType>,
  fields: Record<string, string>,
): new () => object {
  const ctor = class {};
  messages.set(name, { ctor, fields });
  return ctor;
}

function fill(target: object, fields: Fields, source: unknown): object {
  const from = source as Record<string, unknown>;
  const to = target as Record<string, unknown>;
  for (const [field, type] of fields) {
    to[field] = Object.hasOwn(from, field) ? type.decode(from[field]) : undefined;
  }
  return target;
}

function fieldType(
  schema: JsonSchema,
  path: string,
  messages: Map<string, MessageType>,
): FieldType {
  if (schema.anyOf) return nullable(schema.anyOf, path, messages);
  if (Array.isArray(schema.type)) {
    return nullable(
      schema.type.map((type) => ({ ...schema, type })),
      path,
      messages,
    );
  }
  if (schema.$ref || schema.oneOf || schema.allOf) {
    throw new UnsupportedField(path, 'is a union or refers to itself; use one plain type');
  }
  switch (schema.type) {
    case 'boolean':
      return { cel: 'bool', decode: only('boolean') };
    case 'integer':
      return {
        cel: 'int',
        decode: (v) => (Number.isSafeInteger(v) ? BigInt(v as number) : undefined),
      };
    case 'number':
      return { cel: 'double', decode: only('number') };
    case 'string':
      return schema.format === 'date-time'
        ? { cel: timestampType, decode: decodeTime }
        : { cel: 'string', decode: only('string') };
    case 'array':
      if (!schema.items) throw new UnsupportedField(path, 'is a tuple; use an object');
      return list(fieldType(schema.items, `${path}[]`, messages));
    case 'object':
      return object(schema, path, messages);
    case undefined:
      return { cel: 'dyn', decode: decodeAny };
    default:
      throw new UnsupportedField(path, `has the type ${schema.type}, which CEL does not know`);
  }
}

function nullable(
  options: JsonSchema[],
  path: string,
  messages: Map<string, MessageType>,
): FieldType {
  const others = options.filter((option) => option.type !== 'null');
  const [inner] = others;
  if (inner === undefined || others.length > 1 || others.length === options.length) {
    throw new UnsupportedField(path, 'is a union; use one type, or one type and null');
  }
  if (inner.type === 'object' || inner.type === 'array' || inner.anyOf) {
    throw new UnsupportedField(
      path,
      'may be null and is no plain value; use an empty one for "none" and leave the field out for "could not be told"',
    );
  }
  const { cel, decode } = fieldType(inner, path, messages);
  return { cel: `dyn<${cel}>`, decode: (value) => (value === null ? null : decode(value)) };
}

function list(item: FieldType): FieldType {
  return {
    cel: `list<${item.cel}>`,
    decode(value) {
      if (!Array.isArray(value)) return undefined;
      const items = value.map(item.decode);
      return items.includes(undefined) ? undefined : items;
    },
  };
}

function object(schema: JsonSchema, path: string, messages: Map<string, MessageType>): FieldType {
  if (schema.properties === undefined) {
    const inner =
      typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {};
    const value = fieldType(inner, `${path}{}`, messages);
    return { cel: `map<string, ${value.cel}>`, decode: (v) => decodeMap(v, value.decode) };
  }
  const fields = decoders(schema.properties, path, messages);
  const name = path.replaceAll('[]', '').replaceAll('{}', '');
  const Ctor = message(name, messages, celTypes(fields));
  return {
    cel: name,
    decode: (value) => (isObject(value) ? fill(new Ctor(), fields, value) : undefined),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function only(type: 'boolean' | 'number' | 'string'): Decoder {
  return (value) => (typeof value === type ? value : undefined);
}

/** RFC 3339 with its zone: without one the answer would hang on the machine. */
function decodeTime(value: unknown): Date | undefined {
  if (typeof value !== 'string' || !/(?:Z|[+-]\d\d:\d\d)$/.test(value)) return undefined;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** Maps of CEL are Maps here: no key of theirs can be mistaken for a property. */
function decodeMap(value: unknown, decode: Decoder): Map<string, unknown> | undefined {
  if (!isObject(value)) return undefined;
  return new Map(Object.entries(value).map(([key, inner]) => [key, decode(inner)]));
}

function decodeAny(value: unknown): unknown {
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  if (Array.isArray(value)) return value.map(decodeAny);
  return isObject(value) ? decodeMap(value, decodeAny) : value;
}
