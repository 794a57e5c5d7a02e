import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { datasetTypes, UnsupportedField } from '../../src/controls/dataset-types.ts';
import { users } from './support.ts';

function types(fields: z.ZodObject) {
  return datasetTypes({ name: 'a.b', fields });
}

function decode(fields: z.ZodObject, value: object): Record<string, unknown> {
  return types(fields).decode({ uid: 'u', name: 'n', fields: value as never }) as never;
}

describe('datasetTypes', () => {
  it('names the CEL type of every kind of field', () => {
    const { messages, fields } = datasetTypes(users);
    expect(messages.get('aws.iam.users')?.fields).toEqual({
      uid: 'string',
      name: 'string',
      account_id: 'string',
      console: 'bool',
      mfa_active: 'bool',
      created: 'google.protobuf.Timestamp',
      last_used: 'dyn<google.protobuf.Timestamp>',
      boundary: 'dyn<string>',
      logins: 'int',
      limit: 'dyn<int>',
      score: 'double',
      kind: 'string',
      groups: 'list<string>',
      tags: 'map<string, string>',
      keys: 'list<aws.iam.users.keys>',
      settings: 'aws.iam.users.settings',
      extra: 'dyn',
    });
    expect(messages.get('aws.iam.users.settings.deep')?.fields).toEqual({ on: 'bool' });
    expect(fields.has('uid')).toBe(false);
  });

  it.each<[string, z.ZodType]>([
    ['an object that may be null', z.object({ a: z.string() }).nullable()],
    ['a list that may be null', z.array(z.string()).nullable()],
    ['a union', z.union([z.string(), z.int()])],
    ['a union of objects', z.discriminatedUnion('k', [z.object({ k: z.literal('a') })])],
    ['a tuple', z.tuple([z.string(), z.int()])],
    ['null only', z.null()],
  ])('refuses %s', (_, field) => {
    expect(() => types(z.object({ field }))).toThrow(UnsupportedField);
  });

  it.each(['uid', 'name', 'in', 'true', 'a-b', '1a', '__proto__'])('refuses a field %s', (name) => {
    const shape = Object.fromEntries([[name, z.string()]]);
    expect(() => types(z.object(shape))).toThrow(UnsupportedField);
  });
});

describe('decode', () => {
  it('gives CEL its own kinds of values', () => {
    const fields = z.object({
      int: z.int(),
      double: z.number(),
      time: z.iso.datetime(),
      map: z.record(z.string(), z.int()),
      none: z.string().nullable(),
      list: z.array(z.object({ n: z.int() })),
      extra: z.unknown(),
    });
    const value = decode(fields, {
      int: 7,
      double: 7,
      time: '2026-01-01T00:00:00Z',
      map: { a: 1, __proto__x: 2 },
      none: null,
      list: [{ n: 1 }],
      extra: { a: [1, 1.5, null] },
    });
    expect(value).toMatchObject({
      uid: 'u',
      name: 'n',
      int: 7n,
      double: 7,
      time: new Date('2026-01-01T00:00:00Z'),
      none: null,
      list: [{ n: 1n }],
    });
    expect(value.map).toEqual(
      new Map([
        ['a', 1n],
        ['__proto__x', 2n],
      ]),
    );
    expect(value.extra).toEqual(new Map([['a', [1n, 1.5, null]]]));
  });

  it.each<[z.ZodType, unknown]>([
    [z.int(), '7'],
    [z.int(), 7.5],
    [z.int(), 2 ** 60],
    [z.int().nullable(), 'x'],
    [z.boolean(), 'true'],
    [z.boolean(), null],
    [z.string(), 7],
    [z.iso.datetime(), '2026-01-01T00:00:00'],
    [z.iso.datetime(), '2026-13-01T00:00:00Z'],
    [z.iso.datetime(), 1],
    [z.array(z.string()), 'a'],
    [z.array(z.string()), ['a', 1]],
    [z.array(z.object({ a: z.string() })), ['a']],
    [z.record(z.string(), z.string()), ['a']],
    [z.object({ a: z.string() }), null],
  ])('leaves out what is not of the type %#', (field, value) => {
    expect(decode(z.object({ field }), { field: value }).field).toBeUndefined();
  });

  it('leaves out what is not there, inherited names too', () => {
    const value = decode(z.object({ constructor: z.string() }), {});
    expect(value.constructor).toBeUndefined();
  });

  it('decodes a record once and does not change it', () => {
    const dataset = types(z.object({ a: z.array(z.int()) }));
    const record = { uid: 'u', name: 'n', fields: { a: [1] } };
    Object.freeze(record.fields.a);
    Object.freeze(record.fields);
    expect(dataset.decode(Object.freeze(record))).toBe(dataset.decode(record));
  });

  it('never throws, whatever the evidence holds', () => {
    const dataset = datasetTypes(users);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...dataset.fields), fc.jsonValue()), (fields) => {
        dataset.decode({ uid: 'u', name: 'n', fields: fields as never });
      }),
    );
  });
});
