/**
 * Reads DER (ITU-T X.690) that strangers wrote. A library reads BER, in which one value has many
 * encodings, and skips what it does not know. Here every length has its one form, and an element
 * that nobody asked for is an error: nothing can be added to a signed file unnoticed. Everything
 * here throws a plain Error, in time that grows with the bytes only.
 */

/** One element: identifier, length and content. */
export interface Element {
  /** The identifier octet. */
  tag: number;
  /** All of it. */
  encoding: Buffer;
  content: Buffer;
  /** The elements in its content, where it is constructed. */
  elements: readonly Element[];
}

/** Identifier octets. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The identifier octet of `[number]` around other elements. */
export const context = (number: number): number => 0xa0 | number;

const constructed = 0x20;

// What is read here nests about ten deep and has some hundred elements; a revocation list more.
const mostDepth = 50;
const mostElements = 20_000;

/** The longest identifiers in use have some twenty bytes. */
const mostOidBytes = 64;

/** Reads exactly one element, with all that is in it. */
export function readDer(bytes: Uint8Array): Element {
  const [element, ...more] = readElements(Buffer.from(bytes), 1, { left: mostElements });
  if (element === undefined) throw new Error('it is empty');
  if (more.length > 0) throw new Error('bytes follow after its end');
  return element;
}

function readElements(bytes: Buffer, depth: number, budget: { left: number }): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    budget.left -= 1;
    if (depth > mostDepth || budget.left < 0) throw new Error('it has too many parts');
    const element = readElement(bytes.subarray(at), depth, budget);
    elements.push(element);
    at += element.encoding.length;
  }
  return elements;
}

function readElement(bytes: Buffer, depth: number, budget: { left: number }): Element {
  const tag = bytes.readUInt8(0);
  const isConstructed = (tag & constructed) !== 0;
  // A second octet of tag is for numbers that nothing here has; a string has no parts in DER.
  const isString = tag < 0x40 && isConstructed && tag !== tags.sequence && tag !== tags.set;
  if ((tag & 0x1f) === 0x1f || isString) throw new Error('it is not DER');
  const { start, length } = readLength(bytes);
  if (start + length > bytes.length) throw new Error('it ends too early');
  const content = bytes.subarray(start, start + length);
  return {
    tag,
    encoding: bytes.subarray(0, start + length),
    content,
    elements: isConstructed ? readElements(content, depth + 1, budget) : [],
  };
}

/** A length in its shortest form (X.690, 10.1), and where the content starts. */
function readLength(bytes: Buffer): { start: number; length: number } {
  if (bytes.length < 2) throw new Error('it ends too early');
  const first = bytes.readUInt8(1);
  if (first < 0x80) return { start: 2, length: first };
  const count = first & 0x7f;
  // None is the indefinite form. What needs more than four is longer than anything.
  if (count === 0 || count > 4) throw new Error('it is not DER, or too long');
  if (bytes.length < 2 + count) throw new Error('it ends too early');
  const length = bytes.readUIntBE(2, count);
  if (length < 0x80 || length < 256 ** (count - 1)) throw new Error('it is not DER');
  return { start: 2 + count, length };
}

/** The content of an element of this type. */
export function contentOf(element: Element, tag: number): Buffer {
  assertTag(element, tag);
  return element.content;
}

/** The elements of a `SEQUENCE OF` or `SET OF`. */
export function elementsOf(element: Element, tag: number): readonly Element[] {
  assertTag(element, tag);
  return element.elements;
}

/** An object identifier, with dots (X.690, 8.19). */
export function oidOf(element: Element): string {
  const content = contentOf(element, tags.oid);
  const isWhole = (content.at(-1) ?? 0x80) < 0x80;
  if (!isWhole || content.length > mostOidBytes) throw new Error('an object identifier is none');
  const numbers: bigint[] = [];
  let number = 0n;
  for (const byte of content) {
    if (number === 0n && byte === 0x80) throw new Error('it is not DER');
    number = number * 128n + BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0n;
  }
  const [first = 0n, ...rest] = numbers;
  // The first two share one: the first of them is 0, 1 or 2.
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}

/** An `INTEGER` that is small by its nature: a version, a status, a length. */
export function smallNumberOf(element: Element): number {
  const content = contentOf(element, tags.integer);
  if (content.length === 0 || content.length > 4) throw new Error('a number is none, or too big');
  // The first byte says nothing that the second does not say.
  const isLonger = content.length > 1 && Math.abs(content.readInt16BE(0) + 0.5) < 0x80;
  if (isLonger) throw new Error('it is not DER');
  return content.readIntBE(0, content.length);
}

/** Reads the fields of an element in their order; one that is left over is an error. */
export function within<T>(element: Element, tag: number, read: (fields: Fields) => T): T {
  const fields = new Fields(elementsOf(element, tag));
  const value = read(fields);
  if (fields.optional() !== undefined) throw new Error('it holds an element that is not known');
  return value;
}

/** The only field of an element. */
export function only(element: Element, tag: number, inner: number): Element {
  return within(element, tag, (fields) => fields.next(inner));
}

/** The fields of one element, taken one after the other. */
export class Fields {
  readonly #left: Element[];

  constructor(elements: readonly Element[]) {
    this.#left = [...elements];
  }

  /** The next field, if it has this tag; without a tag, whatever it is. */
  optional(tag?: number): Element | undefined {
    const [first] = this.#left;
    if (first === undefined || (tag !== undefined && first.tag !== tag)) return undefined;
    return this.#left.shift();
  }

  next(tag: number): Element {
    const field = this.optional(tag);
    if (field === undefined) throw new Error('an element is missing');
    return field;
  }
}

function assertTag(element: Element, tag: number): void {
  if (element.tag !== tag) throw new Error('an element has another type than expected');
}
