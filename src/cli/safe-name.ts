const mostCharacters = 60;

/**
 * A name from outside as a part of a file's name: signs that every system takes, and not many.
 * Different names may become the same one: put a number before it.
 */
export function safeName(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, mostCharacters)
    .replace(/^[-.]+|[-.]+$/g, '');
  return plain === '' ? 'item' : plain;
}
