/** Reads the project's Markdown: fences, sections, tables. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every page of the project, from its root. */
export const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...below('docs', '.md'),
  ...below('collectors', '.md'),
];

export function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

function below(folder: string, end: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .map((name) => join(folder, name))
    .sort();
}

/** A block between ``` lines. */
export interface Fence {
  page: string;
  /** The words behind the opening line: `yaml config`. */
  info: string[];
  text: string;
}

export function fences(page: string): Fence[] {
  return [...read(page).matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, info = '', text = '']) => ({ page, info: info.split(' '), text }),
  );
}

/** The fences of every page whose info begins with these words. */
export function fencesOf(...words: string[]): Fence[] {
  return pages
    .flatMap(fences)
    .filter(({ info }) => words.every((word, index) => info[index] === word));
}

/** The only fence of a page whose info begins with these words. */
export function fence(page: string, ...words: string[]): Fence {
  const found = fences(page).filter(({ info }) => words.every((word, i) => info[i] === word));
  const [only, another] = found;
  if (only === undefined || another !== undefined) {
    throw new Error(`${page} has ${found.length} blocks ${words.join(' ')}, one is expected`);
  }
  return only;
}

/** A page without its fences. */
function prose(page: string): string {
  return read(page).replace(/^```.*\n[\s\S]*?^```$/gm, '');
}

/** Headings with the text below each, up to the next. */
export function sections(page: string): { heading: string; text: string }[] {
  return [...prose(page).matchAll(/^#+ (.*)\n([\s\S]*?)(?=^#|$(?![\s\S]))/gm)].map(
    ([, heading = '', text = '']) => ({ heading, text }),
  );
}

export function section(page: string, heading: string): string {
  const found = sections(page).find((each) => each.heading === heading);
  if (found === undefined) throw new Error(`${page} has no heading "${heading}"`);
  return found.text;
}

/** Cells of the rows of every table in a text, without heads and rules. */
export function rows(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  return lines
    .filter((line, index) => !isRule(line) && !isRule(lines[index + 1] ?? ''))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function isRule(line: string): boolean {
  return /^\|[\s|:-]+$/.test(line);
}

/** What stands between backticks. */
export function codes(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

/** The one code that a table's first cell is about, row by row. */
export function firstCodes(text: string): string[] {
  return rows(text).flatMap(([first = '']) => codes(first));
}

/** The anchors that GitHub gives to a page's headings. */
export function anchors(page: string): Set<string> {
  return new Set(
    sections(page).map(({ heading }) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

/** Relative links of a page: the target and the anchor, as they stand. */
export function links(page: string): { target: string; anchor: string | undefined }[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [target = '', anchor] = link.split('#');
      return { target, anchor };
    });
}
