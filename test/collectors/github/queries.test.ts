/** Each GraphQL text of the collectors, against the schema that GitHub publishes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  parse,
  type SelectionSetNode,
  validate,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import {
  repositoriesAtOnce,
  repositoriesQuery,
} from '../../../collectors/github/repositories/queries.ts';
import { packageRoot } from '../../../src/cli/package.ts';
import type { Collector, GraphqlQuery, z } from '../../../src/plugin.ts';

type Query = GraphqlQuery<z.ZodType>;

const folder = join(packageRoot, 'collectors/github');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);

const isQuery = (value: unknown): value is Query =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  'text' in value &&
  'answer' in value;

const modules: Record<string, unknown>[] = await Promise.all(
  files.map((name) => import(join(folder, name))),
);
const manyRefs = ['~DEFAULT_BRANCH', 'main', 'release/*', 'hotfix/**', '*-prod', 'v?'];
const built = [['~DEFAULT_BRANCH'], ['main'], ['release/*'], manyRefs].map(repositoriesQuery);
const queries = [
  ...new Map(
    [...modules.flatMap((module) => Object.values(module)).filter(isQuery), ...built].map(
      (query) => [query.text, query],
    ),
  ).values(),
];

const declared = new Set(
  modules.flatMap((module) => {
    const parts = [
      module.default,
      ...((module.default as Partial<Collector<never>>)?.datasets ?? []),
    ];
    return parts.flatMap((part) => Object.keys((part as { calls?: object })?.calls ?? {}));
  }),
);

const published = readFileSync(
  join(packageRoot, 'node_modules/@octokit/graphql-schema/schema.graphql'),
  'utf8',
);
// The published schema names two fields twice, so that it is not held against its own rules.
const schema = buildSchema(published, { assumeValidSDL: true });

/** How many nodes a query may answer with, by GitHub's own rule: `first` times what is above. */
function mostNodes(document: DocumentNode, variables: Record<string, number>): number {
  const fragments = new Map(
    document.definitions
      .filter((one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION)
      .map((one) => [one.name.value, one.selectionSet]),
  );
  const inside = (set: SelectionSetNode | undefined, times: number): number =>
    (set?.selections ?? []).reduce((sum, one) => {
      if (one.kind === Kind.FRAGMENT_SPREAD)
        return sum + inside(fragments.get(one.name.value), times);
      if (one.kind === Kind.INLINE_FRAGMENT) return sum + inside(one.selectionSet, times);
      const own = times * (pageSize(one, variables) ?? 1);
      return sum + (own === times ? 0 : own) + inside(one.selectionSet, own);
    }, 0);
  const [operation] = document.definitions;
  return operation?.kind === Kind.OPERATION_DEFINITION ? inside(operation.selectionSet, 1) : 0;
}

function pageSize(field: FieldNode, variables: Record<string, number>): number | undefined {
  const argument = field.arguments?.find(
    ({ name }) => name.value === 'first' || name.value === 'last',
  );
  const value = argument?.value;
  if (value?.kind === Kind.INT) return Number(value.value);
  if (value?.kind === Kind.VARIABLE) return variables[value.name.value];
  return undefined;
}

it('there are queries to look at', () => {
  expect(queries.length).toBeGreaterThan(15);
});

describe.each(queries)('$name', ({ name, text }) => {
  it('is valid by the published schema', () => {
    expect(validate(schema, parse(text))).toEqual([]);
  });

  it('is one operation of its own name', () => {
    const operations = parse(text).definitions.filter(
      (one) => one.kind === Kind.OPERATION_DEFINITION,
    );
    expect(operations.map((one) => [one.operation, one.name?.value])).toEqual([['query', name]]);
  });

  it('is declared by a dataset or the source', () => {
    expect(declared).toContain(`graphql:${name}`);
  });

  it('may answer with no more nodes than GitHub allows', () => {
    expect(mostNodes(parse(text), { first: 50 })).toBeLessThan(500_000);
  });
});

describe('the query for repositories', () => {
  it('asks for fewer at once, the more patterns there are', () => {
    const patterns = Array.from({ length: 20 }, (_, place) => `release-${place}/*`);
    for (let count = 1; count <= patterns.length; count += 1) {
      const refs = patterns.slice(0, count);
      const { text } = repositoriesQuery(refs);
      const first = repositoriesAtOnce(refs);
      expect(mostNodes(parse(text), { first })).toBeLessThan(500_000);
      expect(first).toBeGreaterThan(1);
    }
    expect(repositoriesAtOnce(['~DEFAULT_BRANCH'])).toBe(50);
  });
});
