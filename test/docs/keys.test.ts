import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { builtin } from '../../collectors/index.ts';
import { configJsonSchema } from '../../src/config/schema.ts';
import { controlJsonSchema } from '../../src/controls/schema.ts';
import { waiversJsonSchema } from '../../src/controls/waivers.ts';
import { manifestSchema } from '../../src/seal/manifest.ts';
import { codes, firstCodes, read, root, rows, section } from './pages.ts';

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  additionalProperties?: Schema | boolean;
  default?: unknown;
  required?: string[];
}

/** Every key below a schema: `sources[].id`, `tests[].lookups.<name>.in`. */
function keysOf(schema: Schema, path = ''): string[] {
  const named = Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const own = path === '' ? key : `${path}.${key}`;
    return [own, ...keysOf(inner, own)];
  });
  const items = schema.items === undefined ? [] : keysOf(schema.items, `${path}[]`);
  const others = (schema.anyOf ?? []).flatMap((each) => keysOf(each, path));
  const { additionalProperties: inner } = schema;
  const mapped = typeof inner === 'object' ? keysOf(inner, `${path}.<name>`) : [];
  return [...new Set([...named, ...items, ...others, ...mapped])];
}

/** The default of a key; undefined where there is none. */
function defaultOf(schema: Schema, key: string): unknown {
  const end = key.split('.').reduce<Schema | undefined>((at, name) => {
    const inner = at?.properties?.[name.replace('[]', '')];
    return name.endsWith('[]') ? inner?.items : inner;
  }, schema);
  return end?.default;
}

const sorted = (keys: string[]) => [...keys].sort();

describe('docs/configuration.md', () => {
  const page = 'docs/configuration.md';

  it('names each key of tickmark.yaml and no other', () => {
    expect(sorted(firstCodes(section(page, 'Keys')))).toEqual(sorted(keysOf(configJsonSchema())));
  });

  it.each(builtin.sources ?? [])('names each key of with: for $id and no other', (source) => {
    const schema = z.toJSONSchema(source.config, { io: 'input' }) as Schema;
    const written = firstCodes(section(page, `Source \`${source.id}\``));
    expect(sorted(written)).toEqual(sorted(keysOf(schema)));
  });

  it('says every default of with:', () => {
    const wrong = (builtin.sources ?? []).flatMap(({ id, config }) => {
      const schema = z.toJSONSchema(config, { io: 'input' }) as Schema;
      return rows(section(page, `Source \`${id}\``)).flatMap(([first = '', given = '']) => {
        const [key = ''] = codes(first);
        const value = defaultOf(schema, key);
        const said = codes(given)[0]?.replaceAll(' ', '') ?? given;
        const right = value === undefined ? said : JSON.stringify(value).replaceAll('"', '');
        return said.replaceAll('"', '') === right ? [] : [`${id}: ${key}`];
      });
    });
    expect(wrong).toEqual([]);
  });
});

it('docs/waivers.md explains each key of a waiver and no other, and which have to be there', () => {
  const { waivers } = (waiversJsonSchema() as Schema).properties ?? {};
  const { properties = {}, required = [] } = waivers?.items ?? {};
  const written = rows(section('docs/waivers.md', 'The file')).map(([key = '', given]) => [
    codes(key)[0],
    given === 'required',
  ]);
  expect(written).toEqual(Object.keys(properties).map((key) => [key, required.includes(key)]));
});

describe('the environment in docs/configuration.md', () => {
  it('names each variable that the program reads', () => {
    const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => read(join('src', name)))
      .join('\n');
    const taken = [...source.matchAll(/\{([^{}]*)\} = (?:process\.)?env\b/g)].flatMap(
      ([, names = '']) => names.split(',').map((name) => name.trim()),
    );
    const direct = [...source.matchAll(/\benv\.([A-Z][A-Z0-9_]*)/g)].map(([, name = '']) => name);
    const own = [...source.matchAll(/'(TICKMARK_[A-Z_]+)'/g)].map(([, name = '']) => name);
    const named = codes(section('docs/configuration.md', 'Environment'));
    // It is set, for the SDK, not read.
    const there = new Set([...taken, ...direct, ...own]);
    there.delete('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED');
    expect(there.size).toBeGreaterThan(8);
    expect([...there].filter((name) => !named.includes(name))).toEqual([]);
  });
});

describe('docs/controls.md', () => {
  const page = 'docs/controls.md';

  it('names each key of a control file and no other', () => {
    const written = firstCodes(section(page, 'The control') + section(page, 'The test'));
    expect(sorted(written)).toEqual(sorted(keysOf(controlJsonSchema())));
  });

  it('names each function of the expressions and no other', () => {
    const source = /const functions = new Set\(([\s\S]*?)\.split/.exec(
      read('src/controls/cel.ts'),
    )?.[1];
    const there = [...(source ?? '').matchAll(/\w+/g)].map(([name]) => name);
    const table = section(page, 'Expressions').split('**Functions**')[1]?.split('\n\n')[1] ?? '';
    const written = firstCodes(table).map(
      (code) => /(?:\w+\.)?(\w+)(?:\(.*)?$/.exec(code.replace(/\(.*/, ''))?.[1] ?? code,
    );
    expect(there.length).toBeGreaterThan(30);
    expect(sorted(written)).toEqual(sorted(there));
  });
});

describe('docs/formats/bundle.md', () => {
  it('names each key of the manifest and of its parts, and no other', () => {
    const table = firstCodes(section('docs/formats/bundle.md', 'Keys'));
    const { shape } = manifestSchema;
    const parts = [
      shape,
      shape.slices.element.shape,
      shape.sources.element.shape,
      shape.signature.unwrap().shape,
      shape.timestamps.shape,
      shape.results.unwrap().shape,
      shape.sample.unwrap().shape,
    ];
    expect(sorted([...new Set(table)])).toEqual(sorted([...new Set(parts.flatMap(Object.keys))]));
  });
});
