/** Names of files and folders that come from outside: signs that every system takes, and not many. */

/** What Windows takes for a device, whatever stands behind a dot. */
const device = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/**
 * A name from outside as a part of a file's name. Different names may become the same one: put a
 * number before it, or ask `Names`.
 * @param most signs that it has at most
 */
export function safeName(name: string, most = 60): string {
  const plain = cut(
    name
      .normalize('NFKD')
      .replace(/\p{M}+/gu, '')
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[-.]+/, ''),
    most,
  );
  return plain === '' ? 'item' : cut(plain.replace(device, '$&_'), most);
}

function cut(text: string, most: number): string {
  return text.slice(0, most).replace(/[-.]+$/, '');
}

/** The names of one folder: no two the same, for systems too that do not tell `A` from `a`. */
export class Names {
  readonly #taken = new Set<string>();

  /** @returns the stem and the ending, with a number between them where that is taken. */
  take(stem: string, ending = ''): string {
    for (let number = 1; ; number += 1) {
      const name = `${stem}${number === 1 ? '' : `-${number}`}${ending}`;
      const key = name.toLowerCase();
      if (this.#taken.has(key)) continue;
      this.#taken.add(key);
      return name;
    }
  }
}
