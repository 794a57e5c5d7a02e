/** HTML that is put together from parts: what is not markup already is text, and stays text. */

/** HTML that may stand in a page as it is. Made by `markup` alone, but for data of ours. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Part = Markup | string | number | readonly Part[];

/** A template whose strings and numbers are escaped, also within quoted attributes. */
export function markup(template: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = template[0] ?? '';
  parts.forEach((part, index) => {
    text += textOf(part) + (template[index + 1] ?? '');
  });
  return new Markup(text);
}

function textOf(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'string') return escaped(part);
  return typeof part === 'number' ? String(part) : part.map(textOf).join('');
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

function escaped(text: string): string {
  return visible(text).replace(/[&<>"'`]/g, (character) => entities[character] ?? '');
}

/**
 * Characters that turn text around, hide it, end a line where none ends, or that a page may not
 * hold. The page's script has the same.
 */
const unseen =
  /(?![\t\n])[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Noncharacter_Code_Point}\p{Zl}\p{Zp}\u200b\u2060\ufeff\u{e0000}-\u{e007f}]/gu;

/** Text in which every character can be seen: `[U+202E]` for one that could not. */
export function visible(text: string): string {
  return text.replace(
    unseen,
    (character) =>
      `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
  );
}
