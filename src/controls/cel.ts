import {
  type ASTNode,
  type TypeError as CelTypeError,
  Environment,
  EvaluationError,
  ParseError,
} from '@marcbachmann/cel-js';
import { Duration } from '@marcbachmann/cel-js/evaluator';
import { RE2JS } from 're2js';
import { messageOf } from '../evidence/errors.ts';
import { didYouMean } from '../yaml/nearest.ts';
import { type MessageType, timestampType } from './dataset-types.ts';
import { glob } from './glob.ts';

/** The values that an expression reads, by name. */
export type Bindings = Record<string, unknown>;

/** A compiled expression. */
export interface Program {
  source: string;
  /** CEL's name for the type of its value. */
  type: string;
  /** Fields read of each variable: `user` → `mfa_active`. A variable read whole has no field. */
  reads: ReadonlyMap<string, ReadonlySet<string>>;
  /** @throws for what could not be told; `describeFailure` says what. */
  run(bindings: Bindings): unknown;
}

/** A text with expressions between {{ and }}. */
export interface Template {
  reads: ReadonlyMap<string, ReadonlySet<string>>;
  render(bindings: Bindings): string;
}

/** What is wrong with an expression, and at which character of it. */
export interface ExpressionFault {
  offset: number;
  message: string;
}

/** What expressions of one test may name. */
export interface Vocabulary {
  messages: ReadonlyMap<string, MessageType>;
  /** CEL type by variable. */
  variables: Record<string, string>;
}

/**
 * The functions of our CEL. What is not here is refused: `matches` backtracks, `timestamp` of a
 * text without a zone and the calendar functions with a zone hang on the machine, `int("")` is 0
 * in this implementation, and `dyn` switches the type check off.
 */
const functions = new Set(
  (
    'has all exists exists_one filter map bind size startsWith endsWith contains lowerAscii ' +
    'upperAscii trim indexOf lastIndexOf substring split join string double timestamp duration ' +
    'getFullYear getMonth getDate getDayOfMonth getDayOfWeek getHours getMinutes getSeconds ' +
    'days hours glob re2'
  ).split(' '),
);

const insteadOf: Record<string, string> = {
  matches: '`matches` can take forever on hostile text; use `re2`, which cannot',
  dyn: '`dyn` would hide type errors; compare the field as it is',
};

/** @throws RangeError beyond ten thousand years, where dates have no answer left. */
function span(count: bigint, seconds: bigint): Duration {
  const total = count * seconds;
  if (total > 316_000_000_000n || total < -316_000_000_000n) {
    throw new RangeError('a duration of more than ten thousand years');
  }
  return new Duration(total);
}

const shared = new Environment({ limits: { maxAstNodes: 2_000, maxDepth: 48 } })
  .registerFunction('days(int): google.protobuf.Duration', (count: bigint) => span(count, 86_400n))
  .registerFunction('hours(int): google.protobuf.Duration', (count: bigint) => span(count, 3_600n))
  .registerFunction('string.glob(string): bool', glob)
  .registerFunction('string.re2(string): bool', (text: string, pattern: string) =>
    regularExpression(pattern).test(text),
  )
  .registerFunction('string(google.protobuf.Timestamp): string', formatTime)
  .registerFunction('string(google.protobuf.Duration): string', (value: Duration) =>
    value.toString(),
  );

/** An environment that knows the vocabulary and our functions, and nothing else. */
export function environment(vocabulary: Vocabulary): Environment {
  const env = shared.clone();
  for (const [name, type] of vocabulary.messages) env.registerType(name, type);
  for (const [name, type] of Object.entries(vocabulary.variables)) env.registerVariable(name, type);
  return env;
}

/**
 * Compiles and type-checks an expression.
 * @param expected the type that its value must have.
 */
export function compile(
  env: Environment,
  vocabulary: Vocabulary,
  source: string,
  expected?: 'bool',
): Program | ExpressionFault {
  try {
    const parsed = env.parse(source);
    const scan = scanNames(parsed.ast, source, vocabulary);
    if ('message' in scan) return scan;
    const checked = parsed.check();
    if (checked.error) return describeError(checked.error, vocabulary);
    // cel-js does not check what stands inside has(): check it as the operand of dyn().
    const withoutHas = replaceHas(source, scan.has);
    const inner = withoutHas === source ? undefined : env.check(withoutHas).error;
    if (inner) return describeError(inner, vocabulary);
    const odd = impossibleComparison(parsed.ast, vocabulary);
    if (odd) return odd;
    const type = checked.type ?? 'dyn';
    if (expected && type !== expected) {
      const hint = type.startsWith('dyn') ? '; compare it, for example with == true' : '';
      return { offset: 0, message: `expected ${expected}, this is ${type}${hint}` };
    }
    return { source, type, reads: scan.reads, run: (bindings) => parsed(bindings) };
  } catch (error) {
    if (error instanceof ParseError) return describeError(error, vocabulary);
    throw error;
  }
}

/** Compiles a text with expressions between {{ and }}; each must be a value a line can show. */
export function compileTemplate(
  env: Environment,
  vocabulary: Vocabulary,
  source: string,
): Template | ExpressionFault {
  const parts: (string | Program)[] = [];
  let position = 0;
  for (;;) {
    const open = source.indexOf('{{', position);
    if (open < 0) break;
    const close = source.indexOf('}}', open);
    if (close < 0) return { offset: open, message: '{{ without }}' };
    parts.push(source.slice(position, open));
    const program = compile(env, vocabulary, source.slice(open + 2, close));
    if ('message' in program) {
      return { offset: open + 2 + program.offset, message: program.message };
    }
    if (!isShowable(program.type)) {
      const message = `a ${program.type} cannot be shown in a line; name one of its fields`;
      return { offset: open + 2, message };
    }
    parts.push(program);
    position = close + 2;
  }
  parts.push(source.slice(position));
  const programs = parts.filter((part) => typeof part !== 'string');
  return {
    reads: mergeReads(programs),
    render(bindings) {
      let text = '';
      for (const part of parts) {
        text += typeof part === 'string' ? part : formatValue(part.run(bindings));
      }
      return text;
    },
  };
}

export function mergeReads(
  parts: Iterable<Pick<Program, 'reads'>>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>();
  for (const { reads } of parts) {
    for (const [variable, fields] of reads) {
      const set = all.get(variable) ?? new Set();
      for (const field of fields) set.add(field);
      all.set(variable, set);
    }
  }
  return all;
}

/**
 * Why an expression could not be evaluated, as the field that could not be told.
 * @param record the variable that fields are named without.
 * @param whyUntold what the collector said about a field that it left out.
 */
export function describeFailure(
  thrown: unknown,
  record: string,
  whyUntold: (field: string) => string | undefined = () => undefined,
): string {
  if (!(thrown instanceof EvaluationError)) return messageOf(thrown);
  const { node, summary } = thrown;
  if (node === undefined) return summary;
  const source = node.input.slice(node.start, node.end).replace(/\s+/g, ' ');
  const shown = source.startsWith(`${record}.`) ? source.slice(record.length + 1) : source;
  if (thrown.code === 'no_such_key') {
    const why = whyUntold(/(\w+)$/.exec(source)?.[1] ?? '');
    return `${shown} could not be told${why === undefined ? '' : `: ${why}`}`;
  }
  if (thrown.code === 'index_out_of_bounds') return `${shown}: there is no such record`;
  return `${shown} could not be told: ${summary}`;
}

/** A value in the words of a line of text. */
export function formatValue(value: unknown): string {
  if (value === null) return 'none';
  if (value instanceof Date) return formatTime(value);
  if (value instanceof Duration) return formatDuration(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(formatValue).join(', ');
  return String(value);
}

/** RFC 3339 in UTC, without a fraction that says nothing. */
function formatTime(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z');
}

/** The largest whole unit that fits at least twice: `112 days`, `36 hours`. */
function formatDuration(duration: Duration): string {
  const seconds = duration.seconds < 0n ? -duration.seconds : duration.seconds;
  const sign = duration.seconds < 0n ? '-' : '';
  for (const [unit, size] of [
    ['days', 86_400n],
    ['hours', 3_600n],
    ['minutes', 60n],
  ] as const) {
    if (seconds >= size * 2n) return `${sign}${seconds / size} ${unit}`;
  }
  return `${sign}${seconds} ${seconds === 1n ? 'second' : 'seconds'}`;
}

/** Patterns come from files and parameters, so there are few; the limit is for those that do not. */
const maxPatterns = 1_000;

const expressions = new Map<string, RE2JS>();

/** RE2: time linear in the text, whatever the pattern. */
function regularExpression(pattern: string): RE2JS {
  let expression = expressions.get(pattern);
  if (expression === undefined) {
    if (expressions.size >= maxPatterns) expressions.clear();
    expression = RE2JS.compile(pattern);
    expressions.set(pattern, expression);
  }
  return expression;
}

interface Names {
  reads: Map<string, Set<string>>;
  /** Where each `has` starts. */
  has: number[];
}

/** Walks the expression as it was written: which names it reads, and what it may not say. */
function scanNames(root: ASTNode, source: string, vocabulary: Vocabulary): Names | ExpressionFault {
  const names: Names = { reads: new Map(), has: [] };
  const read = (variable: string, field?: string) => {
    const fields = names.reads.get(variable) ?? new Set();
    if (field !== undefined) fields.add(field);
    names.reads.set(variable, fields);
  };
  const visit = (node: ASTNode): ExpressionFault | undefined => {
    if (node.op === 'id') read(node.args);
    if (node.op === '.' && node.args[0].op === 'id') read(node.args[0].args, node.args[1]);
    if (node.op === '[]') {
      const [of, index] = node.args;
      if (of.op === 'id' && index.op === 'value' && typeof index.args === 'string') {
        read(of.args, index.args);
      }
    }
    if (node.op === 'call' || node.op === 'rcall') {
      const fault = checkCall(node, source, vocabulary);
      if (fault) return fault;
      if (node.op === 'call' && node.args[0] === 'has') names.has.push(node.start);
    }
    for (const child of children(node)) {
      const fault = visit(child);
      if (fault) return fault;
    }
    return undefined;
  };
  return visit(root) ?? names;
}

type CallNode = Extract<ASTNode, { op: 'call' | 'rcall' }>;

function checkCall(
  node: CallNode,
  source: string,
  vocabulary: Vocabulary,
): ExpressionFault | undefined {
  const name = node.args[0];
  const args = node.op === 'call' ? node.args[1] : node.args[2];
  const offset = node.op === 'call' ? node.start : nameOffset(node, source, name);
  if (!functions.has(name)) {
    const message = Object.hasOwn(insteadOf, name)
      ? String(insteadOf[name])
      : `unknown function "${name}"${didYouMean(name, functions)}`;
    return { offset, message };
  }
  const [first] = args;
  if (name === 'timestamp' && !isTimeLiteral(first)) {
    return { offset, message: 'timestamp() takes a text in RFC 3339: "2026-01-31T00:00:00Z"' };
  }
  if (name.startsWith('get') && args.length > 0) {
    return { offset, message: `${name}() is given in UTC only` };
  }
  if (name === 're2' && first?.op === 'value' && typeof first.args === 'string') {
    try {
      regularExpression(first.args);
    } catch (error) {
      return { offset: first.start, message: messageOf(error) };
    }
  }
  // A macro's first argument names the element.
  const element = isMacro(name) && first?.op === 'id' ? first.args : undefined;
  if (element !== undefined && Object.hasOwn(vocabulary.variables, element)) {
    return { offset, message: `"${element}" is taken; choose another name` };
  }
  return undefined;
}

function isMacro(name: string): boolean {
  return ['all', 'exists', 'exists_one', 'filter', 'map', 'bind'].includes(name);
}

function isTimeLiteral(node: ASTNode | undefined): boolean {
  return (
    node?.op === 'value' &&
    typeof node.args === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(node.args)
  );
}

function nameOffset(node: Extract<ASTNode, { op: 'rcall' }>, source: string, name: string) {
  const after = source.indexOf(name, node.args[1].end);
  return after < 0 ? node.start : after;
}

function children(node: ASTNode): ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'list':
      return node.args;
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

/** The same text with `dyn` for `has`: of the same length, so that positions stay true. */
function replaceHas(source: string, positions: readonly number[]): string {
  let text = source;
  for (const at of positions) text = `${text.slice(0, at)}dyn${text.slice(at + 3)}`;
  return text;
}

/** The type that cel-js notes on each node it has checked. */
interface CheckedType {
  kind: string;
  name: string;
  unwrappedType: CheckedType;
  valueType?: CheckedType;
}

function typeOf(node: ASTNode): CheckedType | undefined {
  return (node as ASTNode & { checkedType?: CheckedType }).checkedType?.unwrappedType;
}

/**
 * Comparisons that type-check and can only come out one way: a nullable text with a number, and
 * whole records, which cel-js never finds equal.
 */
function impossibleComparison(node: ASTNode, vocabulary: Vocabulary): ExpressionFault | undefined {
  if (node.op === '==' || node.op === '!=' || node.op === 'in') {
    const left = typeOf(node.args[0]);
    const whole = typeOf(node.args[1]);
    const right =
      node.op === 'in' && whole?.kind === 'list' ? whole.valueType?.unwrappedType : whole;
    if (left && right) {
      for (const name of vocabulary.messages.keys()) {
        if (left.name.includes(name) || right.name.includes(name)) {
          return {
            offset: node.start,
            message: 'records cannot be compared; compare a field, or a size()',
          };
        }
      }
      if (left.kind === 'primitive' && right.kind === 'primitive' && !areComparable(left, right)) {
        const message = `${left.name} and ${right.name} are never equal`;
        return { offset: node.start, message };
      }
    }
  }
  for (const child of children(node)) {
    const fault = impossibleComparison(child, vocabulary);
    if (fault) return fault;
  }
  return undefined;
}

function areComparable(left: CheckedType, right: CheckedType): boolean {
  const numbers = ['int', 'double'];
  return (
    left.name === right.name ||
    left.name === 'null' ||
    right.name === 'null' ||
    (numbers.includes(left.name) && numbers.includes(right.name))
  );
}

function isShowable(type: string): boolean {
  const inner = type.replace(/^(?:dyn<|list<)*/, '').replace(/>*$/, '');
  return ['string', 'int', 'double', 'bool', timestampType, 'google.protobuf.Duration'].includes(
    inner,
  );
}

function describeError(error: ParseError | CelTypeError, vocabulary: Vocabulary): ExpressionFault {
  const offset = error.range?.start ?? 0;
  const node = error.node as ASTNode | undefined;
  if (error.code === 'no_such_key' && node?.op === '.') {
    const [of, field] = node.args;
    const type = typeOf(of)?.name ?? '';
    const known = Object.keys(vocabulary.messages.get(type)?.fields ?? {});
    return { offset, message: `${type} has no field "${field}"${didYouMean(field, known)}` };
  }
  if (error.code === 'unknown_variable' && node?.op === 'id') {
    const known = Object.keys(vocabulary.variables);
    const message = `unknown name "${node.args}"${didYouMean(node.args, known)}; known are ${known.join(', ')}`;
    return { offset, message };
  }
  // The type checker also throws plain errors.
  return { offset, message: error.summary ?? messageOf(error) };
}
