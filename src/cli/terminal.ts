/** How things are printed: results to stdout, everything else to stderr, colours on a terminal only. */
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export interface Terminal {
  /** Columns that a line of text may fill. */
  readonly width: number;
  /** Columns that a table may fill; on a pipe nothing is cut. */
  readonly tableWidth: number;
  /** True where a person is looking: progress lines and colours. */
  readonly interactive: boolean;
  out(line?: string): void;
  err(line?: string): void;
  /** Text as it is, for another program; what a person would see of it is made harmless. */
  data(text: string): void;
  style(style: Style, text: string): string;
}

/** Where there is no terminal, text is wrapped for one of this many columns. */
const widthWithoutTerminal = 120;

export function createTerminal(env: NodeJS.ProcessEnv): Terminal {
  const { stdout, stderr } = process;
  const coloured = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return {
    width: stdout.columns ?? widthWithoutTerminal,
    tableWidth: stdout.columns ?? Number.POSITIVE_INFINITY,
    interactive: stderr.isTTY === true && !env.CI,
    out: (line = '') => void stdout.write(`${harmless(line)}\n`),
    err: (line = '') => void stderr.write(`${harmless(line)}\n`),
    data: (text) =>
      void stdout.write(stdout.isTTY === true ? harmless(text.replaceAll('\r\n', '\n')) : text),
    style: (style, text) => (coloured ? styleText(style, text) : text),
  };
}

/**
 * What comes from outside may hold terminal escapes or line breaks; a printed line may not.
 */
export function printable(text: string): string {
  // C0 and C1 controls, and the marks that turn the direction of text around.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, '\u{fffd}');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const harmful = /\u001b(?!\[[1-3]\d?m)|[\0-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]/g;

/** The last gate before the terminal: our own colours and line breaks pass, other controls do not. */
function harmless(text: string): string {
  return text.replace(harmful, '\u{fffd}');
}

export interface Column {
  title: string;
  align?: 'right';
  /** A column that gives way when the table is too wide, the last of them first. */
  shrinks?: boolean;
}

/** A column that shrinks keeps so many characters. */
const leastColumn = 12;

/** Rows as lines, cut to `width`. The first line is the head. */
export function table(columns: Column[], rows: string[][], width: number): string[] {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_column, index) =>
    Math.max(...cells.map((row) => textWidth(row[index] ?? ''))),
  );
  const gaps = 2 * (columns.length - 1);
  let excess = widths.reduce((sum, each) => sum + each, gaps) - width;
  [...columns.keys()].reverse().forEach((index) => {
    const own = widths[index] ?? 0;
    const less =
      columns[index]?.shrinks && excess > 0 ? Math.min(excess, Math.max(0, own - leastColumn)) : 0;
    widths[index] = own - less;
    excess -= less;
  });
  return cells.map((row) =>
    columns
      .map((column, index) => {
        const most = widths[index] ?? 0;
        const text = cut(row[index] ?? '', most);
        const pad = ' '.repeat(Math.max(0, most - textWidth(text)));
        return column.align === 'right' ? pad + text : text + pad;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Text broken at spaces to lines of at most `width`, each behind `indent`. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of printable(text).split(' ')) {
    const joined = line === indent ? line + word : `${line} ${word}`;
    if (textWidth(joined) > width && line !== indent) {
      lines.push(line);
      line = indent + word;
    } else line = joined;
  }
  return [...lines, line];
}

/** `1 result`, `2 results`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** `2026-01-31 04:05:06 UTC`. */
/** `1.4 MB`: powers of a thousand, as disks and buckets are sold. */
export function byteSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toPrecision(2)} ${units[unit]}`;
}

export function humanTime(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

/** Text in so many columns at most. */
export function cut(text: string, most: number): string {
  return textWidth(text) <= most ? text : `${[...text].slice(0, Math.max(0, most - 1)).join('')}…`;
}

export function textWidth(text: string): number {
  return [...text].length;
}
