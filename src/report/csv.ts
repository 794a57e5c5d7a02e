/** Tables for spreadsheets and other programs: CSV as RFC 4180 says, in UTF-8. */

export type Cell = string | number | null;

/** What a spreadsheet would take for a formula, or read as the end of a cell before one. */
const runs = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * A head and its rows, each line ended by CR LF. Null is an empty cell. Text that a spreadsheet
 * would run has an apostrophe put before it: names come from outside.
 */
export function csv(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, ...rows].map((row) => `${row.map(cellOf).join(',')}\r\n`).join('');
}

function cellOf(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const text = runs.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
