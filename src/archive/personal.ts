/** What of a dataset's records is about people, as its schema marks it (docs/collectors.md). */
import { z } from 'zod';
import { compareText, type Json, type JsonObject } from '../evidence/json.ts';
import type { EvidenceRecord } from '../evidence/slice.ts';

/** What has to be known of a dataset; every `Dataset` of a plugin has it. */
export interface MarkedDataset {
  version: number;
  fields: z.ZodObject;
  personal?: ('uid' | 'name')[];
}

/** A marked place in the fields of records. */
export interface Mark {
  /** Keys from the outside in; `*`: each of a list, or of a map. */
  path: string[];
  /** Text, which tells a person apart; everything else is left out. */
  identifies: boolean;
  /** Its first group is what tells the person apart. */
  part: RegExp | undefined;
  /** Only where the fields beside it have these values. */
  when: Readonly<Record<string, string>>;
}

export interface PersonalData {
  /** Of the dataset's shape: of another one nothing is known. */
  version: number;
  record: readonly ('uid' | 'name')[];
  marks: readonly Mark[];
  fields: FieldSchema;
}

export function personalDataOf({ version, fields, personal = [] }: MarkedDataset): PersonalData {
  const schema = z.toJSONSchema(fields, { io: 'input' }) as FieldSchema;
  return { version, record: personal, marks: [...marksIn(schema, [])], fields: schema };
}

/** What tells people apart in a record. */
export function* identifiersIn(
  record: Pick<EvidenceRecord, 'uid' | 'name' | 'fields'>,
  { record: own, marks }: PersonalData,
): Generator<string> {
  for (const key of own) yield record[key];
  for (const { identifies, path, part, when } of marks) {
    if (!identifies) continue;
    for (const { holder, key } of placesOf(record.fields, path, when)) {
      const value = holder[key];
      if (typeof value !== 'string') continue;
      const found = part === undefined ? value : part.exec(value)?.[1];
      if (found !== undefined) yield found;
    }
  }
}

/** The fields without what is about people and tells nobody apart: when they signed in, their tags. */
export function withoutDetails(fields: JsonObject, { marks }: PersonalData): JsonObject {
  const details = marks.filter(({ identifies }) => !identifies);
  if (details.length === 0) return fields;
  const kept = structuredClone(fields);
  for (const { path, when } of details) {
    for (const { holder, key } of placesOf(kept, path, when)) delete holder[key];
  }
  return kept;
}

/**
 * The value with its texts and keys changed, but for the words of its schema, if it has one: names of
 * fields, and values that it lists. A list in which something changed has an order that tells nothing.
 */
export function changeTexts<T extends Json>(
  value: T,
  change: (text: string) => string,
  of?: Pick<PersonalData, 'fields'>,
): T {
  return changed(value, of === undefined ? [] : [of.fields], change) as T;
}

/** @param schemas whichever of them the value follows. */
function changed(
  value: Json,
  schemas: readonly FieldSchema[],
  change: (text: string) => string,
): Json {
  const known = schemas.flatMap(alternativesOf);
  if (typeof value === 'string') {
    const isListed = known.some((each) => each.const === value || each.enum?.includes(value));
    return isListed ? value : change(value);
  }
  const isSchema = (each: FieldSchema | boolean | undefined) => typeof each === 'object';
  if (Array.isArray(value)) {
    const items = known.map(({ items }) => items).filter(isSchema);
    const list = value.map((each) => changed(each, items, change));
    // What stands in a file of the organisation's may have no canonical form.
    if (JSON.stringify(list) === JSON.stringify(value)) return list;
    return list.sort((a, b) => compareText(JSON.stringify(a), JSON.stringify(b)));
  }
  if (value === null || typeof value !== 'object') return value;
  const object: JsonObject = {};
  for (const [key, each] of Object.entries(value)) {
    const own = known.flatMap(({ properties = {} }) =>
      Object.hasOwn(properties, key) ? [properties[key] as FieldSchema] : [],
    );
    const others = known.map(({ additionalProperties }) => additionalProperties).filter(isSchema);
    let name = own.length > 0 ? key : change(key);
    // Two names may come to one: nothing is lost by that.
    while (Object.hasOwn(object, name)) name += ' ';
    object[name] = changed(each, own.length > 0 ? own : others, change);
  }
  return object;
}

function alternativesOf(schema: FieldSchema): FieldSchema[] {
  const { anyOf = [], oneOf = [] } = schema;
  return [schema, ...[...anyOf, ...oneOf].flatMap(alternativesOf)];
}

/** Places that a path leads to, each as the object or list that holds it, and the key in it. */
function* placesOf(
  value: Json | undefined,
  [key, ...rest]: readonly string[],
  when: Mark['when'],
): Generator<{ holder: JsonObject; key: string }> {
  if (key === undefined || value === undefined || value === null || typeof value !== 'object')
    return;
  const holder = value as JsonObject;
  const isLast = rest.length === 0;
  const conditions = Object.entries(when);
  if (!Array.isArray(value) && isLast && conditions.some(([name, of]) => holder[name] !== of))
    return;
  const keys = key === '*' ? Object.keys(holder) : Object.hasOwn(holder, key) ? [key] : [];
  for (const each of keys) {
    if (isLast) yield { holder, key: each };
    else yield* placesOf(holder[each], rest, when);
  }
}

/** A field as JSON Schema says it. */
interface FieldSchema {
  type?: string | string[];
  format?: string;
  personal?: true | { part?: string; when?: Record<string, string> };
  properties?: Record<string, FieldSchema>;
  items?: FieldSchema;
  additionalProperties?: FieldSchema | boolean;
  anyOf?: FieldSchema[];
  oneOf?: FieldSchema[];
  enum?: unknown[];
  const?: unknown;
}

function* marksIn(schema: FieldSchema, path: string[]): Generator<Mark> {
  const { personal, properties = {}, items, additionalProperties } = schema;
  const { anyOf = [], oneOf = [] } = schema;
  if (personal !== undefined) {
    const { part, when = {} } = personal === true ? {} : personal;
    const texts = textsIn(schema);
    yield {
      path: [...path, ...(texts ?? [])],
      identifies: texts !== undefined,
      part: part === undefined ? undefined : new RegExp(part),
      when,
    };
    return;
  }
  for (const [key, each] of Object.entries(properties)) yield* marksIn(each, [...path, key]);
  for (const each of [...anyOf, ...oneOf]) yield* marksIn(each, path);
  for (const each of [items, additionalProperties]) {
    if (typeof each === 'object') yield* marksIn(each, [...path, '*']);
  }
}

/** A time tells nobody apart, though it is written as text. */
const times = ['date-time', 'date', 'time', 'duration'];

/** Where the texts are that a marked field consists of; undefined where it is something else. */
function textsIn({ type, format, items, anyOf }: FieldSchema): string[] | undefined {
  const [only, ...others] = anyOf?.filter((each) => each.type !== 'null') ?? [];
  if (only !== undefined) return others.length > 0 ? undefined : textsIn(only);
  const [plain, ...more] = [type].flat().filter((each) => each !== 'null');
  if (more.length > 0) return undefined;
  if (plain === 'array')
    return items !== undefined && textsIn(items)?.length === 0 ? ['*'] : undefined;
  return plain === 'string' && !times.includes(format ?? '') ? [] : undefined;
}
