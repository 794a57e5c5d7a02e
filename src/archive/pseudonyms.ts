/**
 * Pseudonyms of people: keyed, so that nobody without the key can tell from one alone whose it is by
 * trying names; the same for the same name under the same key, so that rows can be joined and counted.
 */
import { createHmac } from 'node:crypto';

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
  /[\p{L}\p{N}._%+-]{1,64}(?:@|＠|%40)(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,63}(?![\p{L}\p{N}])/gu;
const at = /@|＠|%40/;

/** How what begins with the same words may go on: each step is what lies between, and the next word. */
interface Words {
  next: Map<string, Words>;
  /** Identifiers that end here, by what stands before their first word and behind their last. */
  ends: { before: string; behind: string }[];
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
  /** The identifier that is written so. */
  readonly #written = new Map<string, string>();
  /** In lower case. */
  readonly #words: Words = { next: new Map(), ends: [] };

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
      const { places, steps, folded } = stepsOf(written);
      const [first] = places;
      if (first === undefined) {
        this.#wholes.add(written);
        continue;
      }
      if (written === identifier || !this.#written.has(written)) {
        this.#written.set(written, identifier);
      }
      let words = this.#words;
      for (const step of steps) {
        const next = words.next.get(step) ?? { next: new Map(), ends: [] };
        words.next.set(step, next);
        words = next;
      }
      const [before, behind] = [folded.slice(0, first.start), folded.slice(places.at(-1)?.end)];
      if (words.ends.some((end) => end.before === before && end.behind === behind)) continue;
      words.ends.push({ before, behind });
    }
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
      const identifier = this.#written.get(written) ?? written;
      pieces.push(text.slice(done, start), by(identifier));
      done = end;
    }
    return done === 0 ? text : pieces.join('') + text.slice(done);
  }

  /** In order, and apart. */
  #spansIn(text: string): Span[] {
    const { folded, places, steps } = stepsOf(text);
    const found: Span[] = [];
    for (const [first, { start, word }] of places.entries()) {
      let longest: Span | undefined;
      let words = this.#words.next.get(word);
      for (let last = first; words !== undefined; last += 1) {
        const end = places[last]?.end ?? 0;
        for (const { before, behind } of words.ends) {
          const fits = folded.startsWith(behind, end) && folded.endsWith(before, start);
          const span = { start: start - before.length, end: end + behind.length };
          if (fits && lengthOf(span) > lengthOf(longest)) longest = span;
        }
        words = words.next.get(steps[last + 1] ?? '');
      }
      if (longest !== undefined) found.push(longest);
    }
    for (const { 0: address, index } of at.test(text) ? text.matchAll(mailAddress) : []) {
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

  #digest(of: string): string {
    return createHmac('sha256', this.#key).update(of).digest('hex').slice(0, digits);
  }
}

function lengthOf(span: Span | undefined): number {
  return span === undefined ? 0 : span.end - span.start;
}

/** The words of a text in lower case, with their places, and the steps from one to the next. */
function stepsOf(text: string): {
  folded: string;
  places: (Span & { word: string })[];
  steps: string[];
} {
  const folded = fold(text);
  const places = [...folded.matchAll(word)].map(({ 0: found, index }) => {
    return { word: found, start: index, end: index + found.length };
  });
  const steps = places.map(({ word, end }, place) => {
    const before = places[place - 1];
    return before === undefined ? word : folded.slice(before.end, end);
  });
  return { folded, places, steps };
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
