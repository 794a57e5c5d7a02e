import { hash } from 'node:crypto';
import canonicalizeModule from 'canonicalize';

// The package is CommonJS and its types describe an ES default export: the import is the function.
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string | undefined;

/** A JSON value. Evidence is JSON through and through: what cannot be written cannot be kept. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/**
 * Canonical JSON after RFC 8785: one value, one sequence of bytes, on every machine.
 * @throws TypeError for what JSON cannot say (NaN, infinities, undefined, lone surrogates).
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('undefined has no canonical JSON form');
  assertWellFormed(text);
  return text;
}

/**
 * How many characters the canonical JSON has of what is made of JSON values: as many as in any other
 * order of keys.
 * @throws TypeError for a lone surrogate
 */
export function canonicalLength(value: object): number {
  const text = JSON.stringify(value);
  assertWellFormed(text);
  return text.length;
}

/**
 * RFC 8785, 3.2.2.2: a lone surrogate must be refused. JSON.stringify escapes it; an even number of
 * backslashes before the escape would be the text of one.
 */
function assertWellFormed(text: string): void {
  if (text.includes('\\ud') && /(?<!\\)(?:\\\\)*\\ud[89a-f][0-9a-f]{2}/.test(text)) {
    throw new TypeError('a string with a lone surrogate has no UTF-8 form');
  }
}

/**
 * Whether a text is the canonical form of the value that was read from it. Several times as fast as
 * to make that form where it is.
 */
export function isCanonicalJson(text: string, value: unknown): boolean {
  // Where keys are in order, the form is what JSON.stringify writes, but for lone surrogates.
  const isPlain = JSON.stringify(value) === text && isSorted(value) && !text.includes('\\ud');
  return isPlain || canonicalJson(value) === text;
}

function isSorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isSorted);
  let last: string | undefined;
  for (const key of Object.keys(value)) {
    if ((last !== undefined && last >= key) || !isSorted(value[key as never])) return false;
    last = key;
  }
  return true;
}

/** SHA-256 (FIPS 180-4) as 64 lower-case hex digits. */
export function sha256(bytes: string | Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

/** Order of strings by UTF-16 code unit: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
