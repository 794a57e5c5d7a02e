/**
 * Pseudonyms of people: keyed, so that nobody without the key can tell whose they are by trying
 * names; the same for the same name under the same key, so that rows can be joined and counted.
 */
import { createHmac } from 'node:crypto';
import { compareText, type Json, type JsonObject } from '../evidence/json.ts';

/** Hex digits of a pseudonym: two of 20,000 people come to one with a chance of 1 in 1,400,000. */
const digits = 12;

const word = /[\p{L}\p{N}]+/gu;

/** What begins with a word, so far before it, and is so long. */
interface Shape {
  before: number;
  length: number;
}

export class Pseudonyms {
  /** Tells one key from another, and nothing else of it. */
  readonly keyId: string;
  readonly #key: string;
  /** Identifiers, in whatever case, by how they read in lower case. */
  readonly #spellings = new Map<string, string[]>();
  /** How what begins with a word may go on, the longest first. */
  readonly #shapes = new Map<string, Shape[]>();

  constructor(key: string) {
    this.#key = key;
    this.keyId = this.#digest('key');
  }

  /** How many identifiers were learnt. */
  get count(): number {
    return [...this.#spellings.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** From now on `text` finds it. Without a letter or digit it tells nobody apart. */
  learn(identifier: string): void {
    const folded = fold(identifier);
    const [first] = folded.matchAll(word);
    if (first === undefined) return;
    const spellings = this.#spellings.get(folded) ?? [];
    if (!spellings.includes(identifier)) spellings.push(identifier);
    this.#spellings.set(folded, spellings.sort(compareText));
    const shape = { before: first.index, length: folded.length };
    const shapes = this.#shapes.get(first[0]) ?? [];
    if (shapes.some(({ before, length }) => before === shape.before && length === shape.length)) {
      return;
    }
    shapes.push(shape);
    this.#shapes.set(
      first[0],
      shapes.sort((a, b) => b.length - a.length || a.before - b.before),
    );
  }

  /**
   * The text with a pseudonym for every identifier that stands in it as a word, or as words: the
   * longest that fits, in whatever case.
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
    const folded = fold(text);
    const pieces: string[] = [];
    let done = 0;
    for (const { 0: first, index } of folded.matchAll(word)) {
      for (const { before, length } of this.#shapes.get(first) ?? []) {
        const start = index - before;
        const end = start + length;
        if (start < done || isWithinWord(folded, end)) continue;
        const spellings = this.#spellings.get(folded.slice(start, end));
        if (spellings === undefined) continue;
        const written = text.slice(start, end);
        // Two ids may differ in nothing but the case of a letter.
        const [any = written] = spellings;
        const identifier = spellings.includes(written) ? written : any;
        pieces.push(text.slice(done, start), by(identifier));
        done = end;
        break;
      }
    }
    return done === 0 ? text : pieces.join('') + text.slice(done);
  }

  /** The same in every text of a value, and in every key. */
  json<T extends Json>(value: T): T {
    return inTexts(value, (text) => this.text(text)) as T;
  }

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

/** Whether a word goes on at this place. */
function isWithinWord(text: string, place: number): boolean {
  const [before, behind] = [
    text.slice(Math.max(0, place - 2), place),
    text.slice(place, place + 2),
  ];
  return /[\p{L}\p{N}]$/u.test(before) && /^[\p{L}\p{N}]/u.test(behind);
}

/** People write names in either case. Letter for letter, so that places stay. */
function fold(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
