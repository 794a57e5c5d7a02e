import { isDeepStrictEqual } from 'node:util';
import { Document, isSeq, type Node, parseDocument, type YAMLSeq } from 'yaml';
import type { Json, JsonObject } from '../evidence/json.ts';
import { parseYaml } from './document.ts';

/** Long text stays in its line, as a person would leave it. */
const format = { lineWidth: 0 };

/**
 * The text of a YAML file with one more map at the end of a list. All that was there stays as it is,
 * byte by byte; only a list in flow style (`[]`) is written anew, with its comments.
 * @param text a file that `parseYaml` reads, whose `key` is a list.
 */
export function appendItem(text: string, key: string, item: JsonObject): string {
  const before = listIn(text, key);
  const isRight = (made: string) => isDeepStrictEqual(listIn(made, key), [...before, item]);
  const inserted = insertBehind(text, parseDocument(text).get(key, true) as Node, item);
  if (inserted !== undefined && isRight(inserted)) return inserted;
  const document = parseDocument(text);
  const list = document.get(key, true);
  if (isSeq(list) && list.items.length === 0) list.flow = false;
  document.addIn([key], document.createNode(item));
  const anew = document.toString(format);
  if (!isRight(anew)) throw new Error(`the list ${key} would not be the one of before`);
  return anew;
}

/** A YAML list of one map, as lines of its own. */
export function listOf(item: JsonObject): string {
  return new Document([item]).toString(format);
}

function listIn(text: string, key: string): Json[] {
  const parsed = parseYaml('', text);
  return parsed.ok ? ((parsed.value.value as Record<string, Json[]>)[key] ?? []) : [];
}

/** Undefined for a list that is not one item a line. */
function insertBehind(text: string, list: Node, item: JsonObject): string | undefined {
  if (!isSeq(list) || list.flow === true) return undefined;
  const last = (list as YAMLSeq<Node>).items.at(-1);
  const [start, end] = last?.range ?? [];
  if (last === undefined || start === undefined || end === undefined) return undefined;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const indent = /^ *(?=- )/.exec(text.slice(lineStart, start))?.[0];
  if (indent === undefined) return undefined;
  const behind = endOfLine(text, end);
  const at = behind + commentsBelow(text.slice(behind), indent.length);
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = listOf(item).trimEnd().split('\n');
  const indented = lines.map((line) => (line === '' ? line : indent + line));
  return [
    text.slice(0, at),
    at > 0 && text[at - 1] !== '\n' ? lineEnd : '',
    last.spaceBefore === true ? lineEnd : '',
    ...indented.map((line) => line + lineEnd),
    text.slice(at),
  ].join('');
}

/** Where the next line begins; the place itself where one begins there. */
function endOfLine(text: string, at: number): number {
  if (text[at - 1] === '\n') return at;
  const next = text.indexOf('\n', at);
  return next < 0 ? text.length : next + 1;
}

/** How much of the text below an item is comments that still belong to it: they stand further in. */
function commentsBelow(text: string, indent: number): number {
  let length = 0;
  for (let at = 0; at < text.length; ) {
    const lineEnd = endOfLine(text, at + 1);
    const line = text.slice(at, lineEnd);
    const comment = /^ *(?=#)/.exec(line)?.[0];
    if (comment !== undefined && comment.length > indent) length = lineEnd;
    else if (line.trim() !== '') break;
    at = lineEnd;
  }
  return length;
}
