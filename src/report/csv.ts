/** Tables for spreadsheets and other programs: CSV as RFC 4180 says, in UTF-8. */
import { plainText } from './plain.ts';

export type Cell = string | number | null;

/** A piece of text of about so many characters is handed on. */
const pieceLength = 65_536;

/**
 * Where a spreadsheet would begin a formula: at the beginning of a cell, and behind what it may
 * take for the end of one (where lists are separated by semicolons, or quotes are not looked at).
 * Spaces, what is not seen and quotes before the sign do not keep it from that.
 */
const formula = /(^|[;\t\r\n])(?=(?:[^\S\t\r\n]|[\p{Cf}"])*[=+\-@＝＋－＠﹦﹢﹣﹫])/gu;

const plainNumber = /^-?\d+(\.\d+)?$/;

/**
 * A head and its rows, each line ended by CR LF. Null is an empty cell. What a spreadsheet
 * would run has an apostrophe put before it: names come from outside. Nothing has to be made
 * harmless in a text that is a number.
 */
export function csv(head: readonly string[], rows: Iterable<readonly Cell[]>): string {
  return [...csvPieces([head]), ...csvPieces(rows)].join('');
}

/** Lines of a table in pieces, so that a large one is never held as one text. */
export function* csvPieces(rows: Iterable<readonly Cell[]>): Generator<string> {
  let piece = '';
  for (const row of rows) {
    piece += lineOf(row);
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

function lineOf(row: readonly Cell[]): string {
  return `${row.map(cellOf).join(',')}\r\n`;
}

function cellOf(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const plain = plainText(cell);
  const text = plainNumber.test(plain) ? plain : plain.replace(formula, "$1'");
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
