/**
 * What is too much for a page to show at once: canonical JSON, compressed, in blocks that the
 * page's script opens when they are asked for.
 */
import { gzipSync } from 'node:zlib';
import { canonicalJson } from '../../evidence/json.ts';
import { Markup, markup } from './markup.ts';

/** A block is closed once it has so many characters of JSON: to open one is never felt. */
const enough = 1 << 19;

/** A value, and what the values of a kind are sorted by. */
export interface Keyed {
  key: readonly string[];
  value: unknown;
}

/**
 * Values as blocks, in their order: each an array of them, beside it the key of the first.
 * @param place tells these blocks from all others.
 */
export async function* blocks(
  place: Readonly<Record<string, string>>,
  values: Iterable<Keyed> | AsyncIterable<Keyed>,
): AsyncGenerator<Markup> {
  let texts: string[] = [];
  let size = 0;
  let first: readonly string[] = [];
  for await (const { key, value } of values) {
    if (texts.length === 0) first = key;
    const text = jsonOf(value);
    texts.push(text);
    size += text.length;
    if (size < enough) continue;
    yield block({ ...place, first: jsonOf(first) }, texts);
    texts = [];
    size = 0;
  }
  if (texts.length > 0) yield block({ ...place, first: jsonOf(first) }, texts);
}

function block(place: Readonly<Record<string, string>>, texts: readonly string[]): Markup {
  const bytes = gzipSync(`[${texts.join(',')}]`, { level: 6 });
  // RFC 1952, 2.3.1: the tenth byte names the system that it was made on; 255: unknown.
  bytes[9] = 255;
  const where = Object.entries(place).map(
    ([name, value]) => markup` data-${name}="${encodeURIComponent(value.toWellFormed())}"`,
  );
  const data = new Markup(bytes.toString('base64'));
  return markup`<script type="application/gzip;base64"${where}>${data}</script>\n`;
}

/** What is sealed has a UTF-8 form; what stands in a file of the organisation's may have none. */
function jsonOf(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch {
    return canonicalJson(wellFormed(value));
  }
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key.toWellFormed(), wellFormed(each)]),
  );
}
