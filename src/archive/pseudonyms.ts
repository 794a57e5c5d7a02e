/**
 * Pseudonyms of people: keyed, so that nobody without the key can tell whose they are by trying
 * names; the same for the same name under the same key, so that rows can be joined and counted.
 */
import { createHmac } from 'node:crypto';
import type { Json, JsonObject } from '../evidence/json.ts';

/** Hex digits of a pseudonym: two of 20,000 people come to one with a chance of 1 in 1,400,000. */
const digits = 12;

/** Scripts that put nothing between words: each of their signs may begin one. */
const unspaced = ['Han', 'Hiragana', 'Katakana', 'Hangul', 'Thai', 'Lao', 'Khmer', 'Myanmar']
  .map((script) => `\\p{Script=${script}}`)
  .join('');
const inWord = `(?![${unspaced}])[\\p{L}\\p{N}\\p{M}]`;
const word = new RegExp(`[${unspaced}]|(?:${inWord})+`, 'gu');

/** A mail address is somebody's, known or not. The limits are those of RFC 5321, 4.5.3.1. */
const mailAddress =
  /[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,63}(?![\p{L}\p{N}])/gu;

/** What begins with a word, so far before it, and is so long. */
interface Shape {
  before: number;
  length: number;
}

/** A stretch of a text. */
interface Span {
  start: number;
  end: number;
}

export class Pseudonyms {
  /** Tells one key from another, and nothing else of it. */
  readonly keyId: string;
  readonly #key: string;
  readonly #identifiers = new Set<string>();
  /** Those of them that have neither letter nor digit: they are a whole text, or nothing. */
  readonly #wholes = new Set<string>();
  /** How they may be written, in lower case; beside it those that are written just so. */
  readonly #written = new Map<string, Map<string, string>>();
  /** How what begins with a word may go on, the longest first. */
  readonly #shapes = new Map<string, Shape[]>();

  constructor(key: string) {
    this.#key = key;
    this.keyId = this.#digest('key');
  }

  /** How many identifiers were learnt. */
  get count(): number {
    return this.#identifiers.size;
  }

  /** From now on `text` finds it. */
  learn(identifier: string): void {
    if (identifier.trim() === '' || this.#identifiers.has(identifier)) return;
    this.#identifiers.add(identifier);
    for (const written of spellingsOf(identifier)) {
      const folded = fold(written);
      const [first] = folded.matchAll(word);
      if (first === undefined) {
        this.#wholes.add(written);
        continue;
      }
      const known = this.#written.get(folded) ?? new Map<string, string>();
      this.#written.set(folded, known);
      if (written === identifier || !known.has(written)) known.set(written, identifier);
      this.#addShape(first[0], { before: first.index, length: folded.length });
    }
  }

  #addShape(first: string, shape: Shape): void {
    const shapes = this.#shapes.get(first) ?? [];
    if (shapes.some(({ before, length }) => before === shape.before && length === shape.length)) {
      return;
    }
    shapes.push(shape);
    shapes.sort((a, b) => b.length - a.length || a.before - b.before);
    this.#shapes.set(first, shapes);
  }

  /**
   * The text with a pseudonym for every identifier that stands in it as a word, or as words, in
   * whatever case, and for every mail address: the longest that fits; where they overlap, one for
   * all of it. It is that of the text as it is written.
   */
  text(text: string): string {
    return this.#replaced(text, (identifier) => `person-${this.#digest(`person ${identifier}`)}`);
  }

  /**
   * The text with `[person]` for each of them: where it can be read elsewhere with the names, a
   * pseudonym would tell whose it is.
   */
  mask(text: string): string {
    return this.#replaced(text, () => '[person]');
  }

  #replaced(text: string, by: (identifier: string) => string): string {
    if (this.#wholes.has(text)) return by(text);
    const pieces: string[] = [];
    let done = 0;
    for (const { start, end } of this.#spansIn(text)) {
      const written = text.slice(start, end);
      const identifier = this.#written.get(fold(written))?.get(written) ?? written;
      pieces.push(text.slice(done, start), by(identifier));
      done = end;
    }
    return done === 0 ? text : pieces.join('') + text.slice(done);
  }

  /** In order, and apart. */
  #spansIn(text: string): Span[] {
    const folded = fold(text);
    const found: Span[] = [];
    for (const { 0: first, index } of folded.matchAll(word)) {
      for (const { before, length } of this.#shapes.get(first) ?? []) {
        const start = index - before;
        const end = start + length;
        if (start < 0 || isWithinWord(folded, end)) continue;
        if (!this.#written.has(folded.slice(start, end))) continue;
        found.push({ start, end });
        break;
      }
    }
    for (const { 0: address, index } of text.includes('@') ? text.matchAll(mailAddress) : []) {
      found.push({ start: index, end: index + address.length });
    }
    const spans: Span[] = [];
    for (const span of found.sort((a, b) => a.start - b.start || b.end - a.end)) {
      const last = spans.at(-1);
      if (last === undefined || span.start >= last.end) spans.push(span);
      else last.end = Math.max(last.end, span.end);
    }
    return spans;
  }

  /** As `text`, in every text of a value, and in every key. */
  json<T extends Json>(value: T): T {
    return inTexts(value, (text) => this.text(text)) as T;
  }

  /** As `mask`, in the same places. */
  maskJson<T extends Json>(value: T): T {
    return inTexts(value, (text) => this.mask(text)) as T;
  }

  #digest(of: string): string {
    return createHmac('sha256', this.#key).update(of).digest('hex').slice(0, digits);
  }
}

function inTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => inTexts(each, change));
  if (value === null || typeof value !== 'object') return value;
  const changed: JsonObject = {};
  for (const [key, each] of Object.entries(value)) {
    let name = change(key);
    // Two names may come to one: nothing is lost by that.
    while (Object.hasOwn(changed, name)) name += ' ';
    changed[name] = inTexts(each, change);
  }
  return changed;
}

const endsInWord = new RegExp(`${inWord}$`, 'u');
const beginsInWord = new RegExp(`^${inWord}`, 'u');

/** Whether a word goes on at this place. */
function isWithinWord(text: string, place: number): boolean {
  const before = text.slice(Math.max(0, place - 2), place);
  return endsInWord.test(before) && beginsInWord.test(text.slice(place, place + 2));
}

/** Letter for letter, so that places stay: people write names in either case. */
function fold(text: string): string {
  return text.replace(/\p{Lu}|\p{Lt}/gu, (letter) => {
    const lower = letter.toLowerCase();
    return lower.length === letter.length ? lower : letter;
  });
}

/** As it is, and as it is found in addresses and within JSON; with accents in either form. */
function spellingsOf(identifier: string): Set<string> {
  const plain = [
    identifier,
    identifier.trim(),
    identifier.normalize('NFC'),
    identifier.normalize('NFD'),
  ];
  return new Set(
    plain.flatMap((text) => {
      const inAddress = encodeURIComponent(text.toWellFormed());
      return [text, inAddress, inAddress.replaceAll('%20', '+'), JSON.stringify(text).slice(1, -1)];
    }),
  );
}
