import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { z } from 'zod';
import type { Json } from '../evidence/json.ts';
import { describeIssues, type Path } from './explain.ts';
import type { Fault, FaultCode } from './fault.ts';
import { didYouMean } from './nearest.ts';

/** A value, or everything that is wrong with it. */
export type Checked<T> = { ok: true; value: T } | { ok: false; faults: Fault[] };

/** A YAML file as it was read: its value, and where each part of it stands. */
export interface YamlDocument {
  readonly file: string;
  readonly value: Json;
  /** A fault at the value that `path` leads to, or at the nearest part that is there. */
  fault(path: Path, message: string, code?: FaultCode): Fault;
  /** A fault inside a piece of text (an expression): `offset` counts from the text's start. */
  faultInText(path: Path, offset: number, message: string): Fault;
  /** Checks the value at `path` against a schema; every fault at once. */
  check<T>(schema: z.ZodType<T>, options?: { path?: Path }): Checked<T>;
}

/** The largest file that is read: a control or a configuration is a few thousand bytes. */
const maxBytes = 1024 * 1024;
/** Aliases are a convenience; a file that expands them more often than this is an attack. */
const maxAliases = 100;
const maxDepth = 64;

/**
 * Parses YAML 1.2 (core schema: dates stay text, `yes` is text). Nothing that comes in makes it
 * throw: what cannot be read is a fault.
 * @param empty what to say about a file that holds nothing.
 */
export function parseYaml(
  file: string,
  bytes: Uint8Array | string,
  empty = 'the file is empty',
): Checked<YamlDocument> {
  const whole = (message: string): Checked<YamlDocument> => ({
    ok: false,
    faults: [{ file, line: 1, column: 1, path: '', message, code: 'Syntax' }],
  });
  if (bytes.length > maxBytes) return whole(`larger than ${maxBytes / 1024} KiB`);
  const text = decode(bytes);
  if (text === undefined) return whole('not a text file in UTF-8');

  const lines = new LineCounter();
  const document = parseSafely(text, lines);
  if (document === undefined) return whole(`nested more than ${maxDepth} levels deep`);
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), path: '' };
  };
  const faults = [...document.errors, ...document.warnings].map(
    (error): Fault => ({
      ...place(error.pos[0]),
      message: describeSyntax(error.code, error.message),
      code: error.code === 'DUPLICATE_KEY' ? 'DuplicateKey' : 'Syntax',
    }),
  );
  // After the first break the parser finds a break in every line; only keys that stand twice are
  // faults by themselves.
  const first = faults.findIndex(({ code }) => code === 'Syntax');
  if (faults.length > 0) {
    return {
      ok: false,
      faults: faults.filter(({ code }, index) => code === 'DuplicateKey' || index === first),
    };
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return whole(empty);
  const odd = refusedNode(root);
  if (odd !== undefined) {
    const fault: Fault = { ...place(odd.offset), message: odd.message, code: 'Syntax' };
    return { ok: false, faults: [fault] };
  }
  let value: Json;
  try {
    value = document.toJS({ maxAliasCount: maxAliases }) as Json;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return whole(`more than ${maxAliases} uses of aliases; write the values out`);
  }
  // An alias of the map that it stands in has no end.
  if (tooDeep(value)) return whole(`nested more than ${maxDepth} levels deep`);
  return { ok: true, value: located(file, text, document, lines, value) };
}

function tooDeep(value: Json, depth = 1): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth > maxDepth || Object.values(value).some((inner) => tooDeep(inner, depth + 1));
}

function decode(bytes: Uint8Array | string): string | undefined {
  try {
    const text =
      typeof bytes === 'string'
        ? bytes.replace(/^\uFEFF/, '')
        : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Undefined for a text so deeply nested that reading it exhausts the stack. */
function parseSafely(text: string, lines: LineCounter): Document | undefined {
  if (bracketDepth(text) > maxDepth * 4) return undefined;
  try {
    return parseDocument(text, {
      version: '1.2',
      schema: 'core',
      prettyErrors: false,
      lineCounter: lines,
      // `silent` would also keep quiet about a second document, and drop it.
      logLevel: 'error',
    }) as Document;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** An upper bound of flow nesting, told before the parser spends time on it. */
function bracketDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of text) {
    if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth);
    else if ((character === ']' || character === '}') && depth > 0) depth--;
  }
  return deepest;
}

function describeSyntax(code: string, message: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'the key stands twice in this map; keep one';
    case 'TAB_AS_INDENT':
      return 'indented with a tab; YAML is indented with spaces';
    case 'MULTIPLE_DOCS':
      return 'more than one YAML document; keep one, without `---` between';
    default:
      return message;
  }
}

/** What the parser accepts and JSON cannot say: keys that are no text, numbers that are none. */
function refusedNode(root: Node, depth = 1): { offset: number; message: string } | undefined {
  const offset = root.range?.[0] ?? 0;
  if (depth > maxDepth) return { offset, message: `nested more than ${maxDepth} levels deep` };
  if (isScalar(root) && typeof root.value === 'number' && !Number.isFinite(root.value)) {
    return { offset, message: 'not a finite number' };
  }
  if (isMap(root)) {
    for (const { key, value } of root.items as Pair<Node, Node | null>[]) {
      if (!isScalar(key))
        return { offset: key.range?.[0] ?? offset, message: 'a key must be text' };
      const odd = value === null ? undefined : refusedNode(value, depth + 1);
      if (odd) return odd;
    }
  }
  if (isSeq(root)) {
    for (const item of root.items as Node[]) {
      const odd = refusedNode(item, depth + 1);
      if (odd) return odd;
    }
  }
  return undefined;
}

function located(
  file: string,
  text: string,
  document: Document,
  lines: LineCounter,
  value: Json,
): YamlDocument {
  const faultAt = (offset: number, path: Path, message: string, code: FaultCode): Fault => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, path: formatPath(path), message, code };
  };
  const fault = (path: Path, message: string, code: FaultCode = 'WrongValue'): Fault =>
    faultAt(find(document, path).offset, path, message, code);

  return {
    file,
    value,
    fault,
    faultInText(path, offset, message) {
      const { node } = find(document, path);
      const at = isScalar(node) ? offsetInScalar(text, node, offset) : find(document, path).offset;
      const { line, col } = lines.linePos(at);
      const source = text.slice(lines.lineStarts[line - 1]).split(/\r?\n/, 1)[0] ?? '';
      const caret = source.slice(0, col - 1).replace(/[^\t]/g, ' ');
      return {
        ...faultAt(at, path, message, 'Expression'),
        excerpt: `  ${source}\n  ${caret}^`,
      };
    },
    check(schema, { path: base = [] } = {}) {
      const input = at(value, base);
      const parsed = schema.safeParse(input === undefined ? {} : input);
      if (parsed.success) return { ok: true, value: parsed.data };
      const faults = describeIssues(parsed.error.issues, schema, input ?? {}, (path) => {
        const { node } = find(document, [...base, ...path]);
        return isScalar(node) ? node.source : undefined;
      }).map(({ path, message, code, key, known }) => {
        const full = [...base, ...path];
        if (key === undefined) return fault(full, message, code);
        const offset = keyOffset(document, full, key);
        return faultAt(offset, [...full, key], message + didYouMean(key, known ?? []), code);
      });
      return { ok: false, faults };
    },
  };
}

/** `sources[0].with.regions`; a key that is no plain word stands in quotes. */
export function formatPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      if (!/^[\w-]+$/.test(String(part))) return `[${JSON.stringify(part)}]`;
      return index === 0 ? String(part) : `.${String(part)}`;
    })
    .join('');
}

function at(value: Json, path: Path): Json | undefined {
  let current: Json | undefined = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Object.hasOwn(current, part)
      ? (current as Record<PropertyKey, Json>)[part]
      : undefined;
  }
  return current;
}

/** The node that a path leads to, or the last one that is there. */
function find(document: Document, path: Path): { node: Node | null; offset: number } {
  let node = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    const next = child(node, part);
    if (next === undefined) return { node: null, offset };
    node = next.node;
    offset = next.offset;
  }
  if (isAlias(node)) return { node: node.resolve(document) ?? null, offset };
  return { node, offset };
}

function child(
  node: Node | null,
  part: PropertyKey,
): { node: Node | null; offset: number } | undefined {
  if (isSeq(node) && typeof part === 'number') {
    const item = node.items[part] as Node | undefined;
    return item && { node: item, offset: item.range?.[0] ?? 0 };
  }
  if (!isMap(node)) return undefined;
  const pair = findPair(node, part);
  if (pair === undefined) return undefined;
  const value = pair.value ?? null;
  const start = value?.range && value.range[0] < value.range[1] ? value : pair.key;
  return { node: value, offset: start.range?.[0] ?? 0 };
}

function findPair(map: YAMLMap, key: PropertyKey): Pair<Node, Node | null> | undefined {
  return (map.items as Pair<Node, Node | null>[]).find(
    (pair) => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(key),
  );
}

function keyOffset(document: Document, path: Path, key: string): number {
  const { node, offset } = find(document, path);
  if (!isMap(node)) return offset;
  return findPair(node, key)?.key.range?.[0] ?? offset;
}

/**
 * Where a character of a scalar's value stands in the file. YAML folds and indents white space
 * only, so the n-th visible character of the value is the n-th of the source; where escapes
 * break that, the scalar's start is given.
 */
function offsetInScalar(text: string, node: Scalar, offset: number): number {
  const range = node.range;
  if (!range) return 0;
  const value = String(node.value);
  let position = range[0];
  if (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED') {
    position = text.indexOf('\n', position) + 1;
  } else if (node.type !== 'PLAIN') position++;
  let found = position;
  for (let index = 0; index <= Math.min(offset, value.length - 1); index++) {
    const character = value[index] ?? '';
    if (/\s/.test(character)) {
      found = position;
      if (text[position] === ' ') position++;
      continue;
    }
    while (position < range[1] && /\s/.test(text[position] ?? '')) position++;
    if (text[position] !== character) return range[0];
    found = position++;
    if (character === "'" && node.type === 'QUOTE_SINGLE') position++;
  }
  return offset >= value.length ? position : found;
}
