// C0 and C1 controls without tab and line breaks, the marks that turn the direction of text
// around, and what XML forbids.
const unfit =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\0-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g;

/**
 * Text from outside as every format can hold it: what a terminal would obey, what hides other text
 * and what no encoding has becomes U+FFFD.
 */
export function plainText(text: string): string {
  return text.toWellFormed().replace(unfit, '\u{fffd}');
}
