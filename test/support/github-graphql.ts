/** Executes GraphQL over a world, on GitHub's own public schema and within GitHub's limits. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  type DocumentNode,
  type ExecutionResult,
  execute,
  type FieldNode,
  type GraphQLError,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  validate,
} from 'graphql';
import { packageRoot } from '../../src/cli/package.ts';
import { type Arguments, type Asked, GraphqlRefusal } from './github-graphql-sources.ts';
import { resolvers } from './github-resolvers.ts';

/** What a query could return, and its price (docs.github.com/graphql/overview, rate limits). */
export interface Measure {
  nodes: number;
  cost: number;
}

export interface GraphqlAnswer {
  body: { data?: unknown; errors?: object[] };
  measure: Measure;
  /** What the stand-in itself did wrong. */
  mistake?: string;
}

const mostNodes = 500_000;
const mostRecords = 100;

/** The name that a query gives itself. */
export function operationName(text: string): string {
  const { document } = parsed(text);
  const operation = document && getOperationAST(document);
  return operation?.name?.value ?? 'anonymous';
}

/** What a query costs; undefined where it is none. */
export function measure(text: string, variables: Record<string, unknown>): Measure | undefined {
  try {
    const { document } = parsed(text);
    const operation = document && getOperationAST(document);
    if (!document || !operation) return undefined;
    return new Meter(document, operation, variables).measure();
  } catch {
    return undefined;
  }
}

/** Answers one query. */
export function answerGraphql(
  text: string,
  variables: Record<string, unknown>,
  asked: Asked,
): GraphqlAnswer {
  const none = { nodes: 0, cost: 1 };
  const { document, errors } = parsed(text);
  const operation = document && getOperationAST(document);
  if (!document || !operation) {
    const formatted = errors.map(({ message, locations }) => ({ message, locations }));
    return { body: { errors: formatted }, measure: none };
  }
  let measured = none;
  try {
    measured = new Meter(document, operation, variables, asked).measure();
  } catch (error) {
    if (!(error instanceof GraphqlRefusal)) throw error;
    const { type, message } = error;
    return { body: { errors: [{ type, message }] }, measure: none };
  }
  const result = execute({
    schema: schema(),
    document,
    contextValue: asked,
    variableValues: variables,
    fieldResolver: ownField,
  }) as ExecutionResult;
  const mistakes = (result.errors ?? []).filter(
    ({ originalError, nodes }) => nodes !== undefined && !(originalError instanceof GraphqlRefusal),
  );
  const body = {
    ...(result.data === undefined ? {} : { data: result.data }),
    ...(result.errors === undefined ? {} : { errors: result.errors.map(formatted) }),
  };
  return {
    body,
    measure: measured,
    ...(mistakes.length === 0 ? {} : { mistake: mistakes.map(String).join('; ') }),
  };
}

function formatted({ originalError, message, path, locations }: GraphQLError): object {
  if (!(originalError instanceof GraphqlRefusal)) return { message, locations };
  const extensions =
    originalError.type === 'FORBIDDEN' ? { extensions: { saml_failure: false } } : {};
  return { type: originalError.type, path, ...extensions, locations, message };
}

/** Connections and other plain objects: what they do not hold is a mistake, not null. */
function ownField(source: object, args: Arguments, asked: Asked, info: GraphQLResolveInfo) {
  const value = (source as Record<string, unknown>)[info.fieldName];
  if (typeof value === 'function') return value(args, asked);
  if (value !== undefined) return value;
  // A world need not name every parameter of a rule.
  if (/Parameters$|^StatusCheckConfiguration$/.test(info.parentType.name)) return null;
  throw new Error(`the stand-in has no ${info.parentType.name}.${info.fieldName}`);
}

let built: GraphQLSchema | undefined;

function schema(): GraphQLSchema {
  if (built !== undefined) return built;
  const file = join(packageRoot, 'node_modules', '@octokit', 'graphql-schema', 'schema.graphql');
  // GitHub's schema names two fields twice, which a strict reader refuses.
  const read = buildSchema(readFileSync(file, 'utf8'), {
    assumeValid: true,
    assumeValidSDL: true,
  });
  for (const [name, fields] of Object.entries(resolvers)) {
    const type = read.getType(name) as GraphQLObjectType;
    const known = type.getFields();
    const unknown = Object.keys(fields).find((field) => known[field] === undefined);
    if (unknown !== undefined) throw new Error(`GitHub's ${name} has no field ${unknown}`);
    for (const [field, definition] of Object.entries(known)) {
      definition.resolve =
        fields[field] ??
        (() => {
          throw new Error(`the stand-in has no ${name}.${field}`);
        });
    }
  }
  built = read;
  return built;
}

interface Parsed {
  document: DocumentNode | undefined;
  errors: readonly GraphQLError[];
}

const texts = new Map<string, Parsed>();

/** Our queries are few and come often. */
function parsed(text: string): Parsed {
  const before = texts.get(text);
  if (before !== undefined) return before;
  const known = schema();
  let made: Parsed;
  try {
    const document = parse(text);
    const errors = validate(known, document);
    made = { document: errors.length === 0 ? document : undefined, errors };
  } catch (error) {
    made = { document: undefined, errors: [error as GraphQLError] };
  }
  texts.set(text, made);
  return made;
}

/** Fields that a classic token needs a scope for. */
const scopedFields: Record<string, string[]> = Object.fromEntries(
  ['membersWithRole', 'pendingMembers', 'rulesets', 'samlIdentityProvider', 'team', 'teams'].map(
    (field) => [`Organization.${field}`, ['read:org']],
  ),
);

/**
 * Counts as GitHub documents it: `first` or `last`, multiplied down the tree, is the number of
 * nodes; one request for each connection of each parent, a hundred of them a point. The ids given
 * to `nodes` count like the entries of a connection.
 */
class Meter {
  private readonly document: DocumentNode;
  private readonly operation: OperationDefinitionNode;
  private readonly variables: Record<string, unknown>;
  private readonly asked: Asked | undefined;
  private nodes = 0;
  private requests = 0;

  constructor(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
    asked?: Asked,
  ) {
    const { coerced, errors } = getVariableValues(
      schema(),
      operation.variableDefinitions ?? [],
      variables,
    );
    const [problem] = errors ?? [];
    if (problem !== undefined) throw new GraphqlRefusal('INVALID_VARIABLES', problem.message);
    this.document = document;
    this.operation = operation;
    this.variables = coerced ?? {};
    this.asked = asked;
  }

  measure(): Measure {
    const root = schema().getRootType(this.operation.operation);
    if (root) this.selection(this.operation.selectionSet, root.name, 1);
    if (this.nodes > mostNodes) {
      throw new GraphqlRefusal(
        'MAX_NODE_LIMIT_EXCEEDED',
        `This query requests up to ${count(this.nodes)} possible nodes which exceeds the maximum limit of ${count(mostNodes)}.`,
      );
    }
    return { nodes: this.nodes, cost: Math.max(1, Math.round(this.requests / 100)) };
  }

  private selection(set: SelectionSetNode, typeName: string, parents: number): void {
    for (const field of this.fields(set, typeName)) this.field(field.node, field.type, parents);
  }

  /** The fields of a selection, through its fragments, without those left out by a directive. */
  private *fields(
    set: SelectionSetNode,
    type: string,
  ): Generator<{ node: FieldNode; type: string }> {
    for (const node of set.selections) {
      const skip = getDirectiveValues(GraphQLSkipDirective, node, this.variables);
      const include = getDirectiveValues(GraphQLIncludeDirective, node, this.variables);
      if (skip?.if === true || include?.if === false) continue;
      if (node.kind === Kind.FIELD) yield { node, type };
      else if (node.kind === Kind.INLINE_FRAGMENT) {
        yield* this.fields(node.selectionSet, node.typeCondition?.name.value ?? type);
      } else {
        const fragment = this.document.definitions.find(
          (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === node.name.value,
        );
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) {
          yield* this.fields(fragment.selectionSet, fragment.typeCondition.name.value);
        }
      }
    }
  }

  private field(node: FieldNode, typeName: string, parents: number): void {
    const type = schema().getType(typeName);
    if (!isObjectType(type) && !isInterfaceType(type)) return;
    const definition = type.getFields()[node.name.value];
    if (definition === undefined || node.selectionSet === undefined) return;
    this.checkScope(`${typeName}.${node.name.value}`);
    const inner = getNamedType(definition.type).name;
    const args: Arguments = getArgumentValues(definition, node, this.variables);
    let each = parents;
    if (inner.endsWith('Connection')) each = this.connection(node, inner, args, parents);
    else if (typeName === 'Query' && node.name.value === 'nodes') {
      each = args.ids?.length ?? 0;
      this.nodes += each;
      this.requests += 1;
    }
    this.selection(node.selectionSet, inner, each);
  }

  /** How many nodes a connection can give. */
  private connection(node: FieldNode, inner: string, args: Arguments, parents: number): number {
    const name = node.name.value;
    const chosen = [...this.fields(node.selectionSet as SelectionSetNode, inner)];
    // Only counting takes no page.
    const paged = chosen.some(({ node: one }) => /^(nodes|edges|pageInfo)$/.test(one.name.value));
    const size = args.first ?? args.last;
    const side = args.first == null ? 'last' : 'first';
    if (size == null) {
      if (!paged) return 0;
      throw new GraphqlRefusal(
        'MISSING_PAGINATION_BOUNDARIES',
        `You must provide a \`first\` or \`last\` value to properly paginate the \`${name}\` connection.`,
      );
    }
    if (size > mostRecords || size < 0) {
      throw new GraphqlRefusal(
        'EXCESSIVE_PAGINATION',
        `Requesting ${size} records on the \`${name}\` connection exceeds the \`${side}\` limit of ${mostRecords} records.`,
      );
    }
    const nodes = parents * size;
    if (nodes > mostNodes) {
      throw new GraphqlRefusal(
        'MAX_NODE_LIMIT_EXCEEDED',
        `By the time this query traverses to the ${name} connection, it is requesting up to ${count(nodes)} possible nodes which exceeds the maximum limit of ${count(mostNodes)}.`,
      );
    }
    this.nodes += nodes;
    this.requests += parents;
    return nodes;
  }

  private checkScope(field: string): void {
    const needed = scopedFields[field];
    const rights = this.asked?.rights;
    if (needed === undefined || rights === undefined || rights.scoped(...needed)) return;
    if (rights.kind !== 'classic') return;
    const list = (scopes: string[]) => `[${scopes.map((scope) => `'${scope}'`).join(', ')}]`;
    throw new GraphqlRefusal(
      'INSUFFICIENT_SCOPES',
      `Your token has not been granted the required scopes to execute this query. The '${field.split('.')[1]}' field requires one of the following scopes: ${list(needed)}, but your token has only been granted the: ${list(rights.scopes)} scopes. Please modify your token's scopes at: https://github.com/settings/tokens.`,
    );
  }
}

const count = (value: number) => value.toLocaleString('en-US');
