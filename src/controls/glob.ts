/**
 * Whether the whole text fits a pattern: `*` any run of characters, `?` any one, everything else
 * itself. It goes back to the last `*` only, so that no pattern takes longer than the product of
 * both lengths, and it makes nothing ready: patterns come from evidence too, each one new.
 */
export function glob(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  /** Where the last `*` stands in the pattern, and where what it covers ends in the text. */
  let star = -1;
  let covered = 0;
  while (at < text.length) {
    const wanted = pattern[next];
    if (wanted === '*') {
      star = next;
      covered = at;
      next += 1;
    } else if (wanted === '?') {
      at = afterCharacter(text, at);
      next += 1;
    } else if (wanted !== undefined && wanted === text[at]) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      covered = afterCharacter(text, covered);
      at = covered;
      next = star + 1;
    } else return false;
  }
  while (pattern[next] === '*') next += 1;
  return next === pattern.length;
}

/** Beyond the character at `at`, which may take two UTF-16 code units. */
function afterCharacter(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}
