/**
 * Makes a pattern ready: `*` stands for any run of characters, everything else for itself; the whole
 * text has to fit. Time grows with the text and the pattern only, whatever is in them.
 */
export function wildcard(pattern: string): (text: string) => boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return (text) => text === pattern;
  const between = rest.filter((part) => part !== '').map(finder);
  return (text) => {
    const end = text.length - tail.length;
    if (end < head.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
    let at = head.length;
    for (const find of between) {
      at = find(text, at, end);
      if (at < 0) return false;
    }
    return true;
  };
}

/**
 * Looks for a part by the algorithm of Knuth, Morris and Pratt, which never goes back in the text.
 * @returns where the first occurrence between `start` and `end` ends; -1 where there is none.
 */
function finder(part: string): (text: string, start: number, end: number) => number {
  /** How long the beginning of the part is that the first n + 1 characters end with. */
  const borders = [0];
  const longer = (length: number, character: string | undefined) => {
    let known = length;
    while (known > 0 && part[known] !== character) known = borders[known - 1] ?? 0;
    return part[known] === character ? known + 1 : 0;
  };
  for (let at = 1; at < part.length; at += 1) borders.push(longer(borders[at - 1] ?? 0, part[at]));
  return (text, start, end) => {
    let found = 0;
    for (let at = start; at < end; at += 1) {
      found = longer(found, text[at]);
      if (found === part.length) return at + 1;
    }
    return -1;
  };
}
