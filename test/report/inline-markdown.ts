import { expect } from 'vitest';

/**
 * Inline Markdown taken apart as CommonMark 6.1 says: spans of code with what they show, and the
 * rest, in which alone anything can mean something.
 */
function inline(source: string): { shown: string; rest: string } {
  let shown = '';
  let rest = '';
  let at = 0;
  while (at < source.length) {
    const [fence] = source.slice(at).match(/^`+/) ?? [''];
    const closing = new RegExp(`(?<!\`)${fence}(?!\`)`, 'g');
    closing.lastIndex = at + fence.length;
    const found = fence === '' ? null : closing.exec(source);
    if (found === null) {
      // A fence that nothing closes is text.
      const plain = fence || (source[at] ?? '');
      rest += plain;
      shown += plain;
      at += plain.length;
      continue;
    }
    const content = source.slice(at + fence.length, found.index);
    const isPadded = /^ .* $/.test(content) && content.trim() !== '';
    shown += isPadded ? content.slice(1, -1) : content;
    // What stands on both sides of a span does not become one word.
    rest += ' ';
    at = found.index + fence.length;
  }
  return { shown: shown.replaceAll('&#124;', '|'), rest: rest.replaceAll('&#124;', ' ') };
}

/** What the text outside of spans of code may be made of: nothing that Markdown or GitHub reads. */
const harmless = /^[\p{L}\p{M}\p{N} .,;:()'’…–-]*$/u;
const read = /@|#\d|\b[0-9a-f]{7,40}\b|:\w+:|www\.|:\/\/|\bGH-\d/i;

/** What a line of Markdown shows. Fails where it holds anything but words and spans of code. */
export function shownBy(source: string): string {
  const { shown, rest } = inline(source);
  expect(rest).toMatch(harmless);
  expect(rest).not.toMatch(read);
  return shown;
}
