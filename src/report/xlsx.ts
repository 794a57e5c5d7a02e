/**
 * Tables as an Office Open XML workbook (ECMA-376, part 1, 18: SpreadsheetML). Only values are
 * written: no formula, no link, no macro. Row for row, so that a sheet of any length is never held.
 */
import type { Cell } from './csv.ts';
import { plainText } from './plain.ts';
import type { Column } from './tables.ts';

export interface Sheet {
  /** At most 28 characters, none of `\ / ? * [ ] :`; no two the same. */
  name: string;
  columns: readonly Column[];
  rows: Iterable<readonly Cell[]> | AsyncIterable<readonly Cell[]>;
}

/** A file of the package. */
export interface Part {
  path: string;
  content: Iterable<string> | AsyncIterable<string>;
}

/** Rows of a sheet that spreadsheets read, the head among them. */
const mostRows = 1_048_576;
/** UTF-16 code units of a cell that they read. */
const mostCharacters = 32_767;
/** A piece of text of about so many characters is handed on. */
const pieceLength = 65_536;

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const packages = 'http://schemas.openxmlformats.org/package/2006';
const types = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

/**
 * The parts of a workbook, to be zipped. Each has to be read to its end before the next is asked
 * for. A sheet that has too many rows goes on in a next one, with the same head.
 * @param note our own words, printed at the head of every page
 */
export async function* xlsx(
  sheets: Iterable<Sheet>,
  note = '',
  rowsPerSheet = mostRows,
): AsyncGenerator<Part> {
  const written: Written[] = [];
  for (const { name, columns, rows } of sheets) {
    const left = lookahead(rows);
    for (let part = 1; part === 1 || (await left.hasMore()); part += 1) {
      const sheet = { name: part === 1 ? name : `${name} ${part}`, last: '' };
      written.push(sheet);
      yield {
        path: `xl/worksheets/sheet${written.length}.xml`,
        content: sheetXml(columns, left.take(rowsPerSheet - 1), sheet, note),
      };
    }
  }
  yield { path: 'xl/styles.xml', content: [stylesXml()] };
  yield { path: 'xl/workbook.xml', content: [workbookXml(written)] };
  yield { path: 'xl/_rels/workbook.xml.rels', content: [workbookRelationships(written.length)] };
  yield { path: '_rels/.rels', content: [packageRelationships] };
  yield { path: '[Content_Types].xml', content: [contentTypes(written.length)] };
}

/** `last`: the last cell, as `B$3`; known when the sheet is written. */
interface Written {
  name: string;
  last: string;
}

/** Rows that can be asked whether there are more of them. */
function lookahead(rows: Sheet['rows']) {
  const iterator =
    Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]();
  let next: IteratorResult<readonly Cell[]> | undefined;
  const hasMore = async () => {
    next ??= await iterator.next();
    return next.done !== true;
  };
  return {
    hasMore,
    async *take(count: number): AsyncGenerator<readonly Cell[]> {
      for (let taken = 0; taken < count && (await hasMore()); taken += 1) {
        const row = next?.value;
        next = undefined;
        yield row;
      }
    },
  };
}

async function* sheetXml(
  columns: readonly Column[],
  rows: AsyncIterable<readonly Cell[]>,
  sheet: Written,
  note: string,
): AsyncGenerator<string> {
  const letters = columns.map((_column, index) => lettersOf(index));
  let number = 1;
  let piece = `${declaration}<worksheet xmlns="${main}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>${columns
    .map(
      ({ holds }, index) =>
        `<col min="${index + 1}" max="${index + 1}" width="${widths[holds]}" customWidth="1"/>`,
    )
    .join('')}</cols><sheetData><row r="1">${columns
    .map(({ name }, index) => textCell(`${letters[index]}1`, name, styles.head))
    .join('')}</row>`;
  for await (const row of rows) {
    number += 1;
    piece += `<row r="${number}">${row
      .map((cell, index) => cellXml(`${letters[index]}${number}`, cell, columns[index]?.holds))
      .join('')}</row>`;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  sheet.last = `${letters.at(-1)}$${number}`;
  yield `${piece}</sheetData><autoFilter ref="A1:${letters.at(-1)}${number}"/><headerFooter><oddHeader>&amp;L${note}&amp;R&amp;A, &amp;P of &amp;N</oddHeader></headerFooter></worksheet>`;
}

/** A, B, … Z, AA, AB, … */
function lettersOf(index: number): string {
  const before = Math.floor(index / 26);
  return `${before === 0 ? '' : lettersOf(before - 1)}${String.fromCharCode(65 + (index % 26))}`;
}

/** In characters. */
const widths = { text: 24, long: 60, number: 11, time: 20, day: 12 };

const dayMs = 86_400_000;
/** Days from the 30th of December 1899, from which spreadsheets count, to 1970. */
const daysBefore1970 = 25_569;

function cellXml(place: string, cell: Cell, holds: Column['holds'] = 'text'): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return numberCell(place, cell, styles.plain);
  const style = holds === 'time' ? styles.time : holds === 'day' ? styles.day : undefined;
  const time = style === undefined ? Number.NaN : Date.parse(cell);
  return style === undefined || Number.isNaN(time)
    ? textCell(place, cell, mayRun.test(cell) ? styles.quoted : styles.plain)
    : numberCell(place, time / dayMs + daysBefore1970, style);
}

/** What a spreadsheet would take for a formula when somebody edits the cell. */
const mayRun = /^[=+\-@＝＋－＠]/;

function numberCell(place: string, value: number, style: number): string {
  return `<c r="${place}" s="${style}"><v>${value}</v></c>`;
}

function textCell(place: string, text: string, style: number): string {
  return `<c r="${place}" s="${style}" t="inlineStr"><is><t xml:space="preserve">${escapeText(fitting(plainText(text).replace(/\r\n?/g, '\n')))}</t></is></c>`;
}

function fitting(text: string): string {
  if (text.length <= mostCharacters) return text;
  const said = ` [cut: the text has ${text.length} characters]`;
  // A pair that is cut in two is no text.
  return text.slice(0, mostCharacters - said.length).replace(/[\ud800-\udbff]$/, '') + said;
}

/** ECMA-376, part 1, 22.9.2.19: `_x000D_` would be read as the sign of that number. */
function escapeText(text: string): string {
  return text
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, '_x005F_')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** Places in `cellXfs`. `quoted`: stays text when somebody edits it. */
const styles = { plain: 0, head: 1, time: 2, day: 3, quoted: 4 };

function stylesXml(): string {
  const format = (attributes: string) =>
    `<xf borderId="0" xfId="0" applyAlignment="1" ${attributes}><alignment vertical="top" wrapText="1"/></xf>`;
  return `${declaration}<styleSheet xmlns="${main}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/><numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd"/></numFmts><fonts count="2"><font><sz val="10"/><name val="Calibri"/></font><font><b/><sz val="10"/><name val="Calibri"/></font></fonts><fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid"><fgColor rgb="FFE7EAEE"/></patternFill></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5">${[
    format('numFmtId="0" fontId="0" fillId="0"'),
    format('numFmtId="0" fontId="1" fillId="2" applyFont="1" applyFill="1"'),
    format('numFmtId="164" fontId="0" fillId="0" applyNumberFormat="1"'),
    format('numFmtId="165" fontId="0" fillId="0" applyNumberFormat="1"'),
    format('numFmtId="0" fontId="0" fillId="0" quotePrefix="1"'),
  ].join('')}</cellXfs></styleSheet>`;
}

function workbookXml(written: readonly Written[]): string {
  const sheets = written.map(
    ({ name }, index) => `<sheet name="${name}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`,
  );
  // LibreOffice only finds a filter by the name that Excel gives to its range.
  const filters = written.map(
    ({ name, last }, index) =>
      `<definedName name="_xlnm._FilterDatabase" localSheetId="${index}" hidden="1">'${name}'!$A$1:$${last}</definedName>`,
  );
  return `${declaration}<workbook xmlns="${main}" xmlns:r="${office}"><sheets>${sheets.join('')}</sheets><definedNames>${filters.join('')}</definedNames></workbook>`;
}

function workbookRelationships(sheets: number): string {
  const targets = Array.from({ length: sheets }, (_sheet, index) => [
    'worksheet',
    `worksheets/sheet${index + 1}.xml`,
  ]);
  const relationships = [...targets, ['styles', 'styles.xml']].map(
    ([type, target], index) =>
      `<Relationship Id="rId${index + 1}" Type="${office}/${type}" Target="${target}"/>`,
  );
  return `${declaration}<Relationships xmlns="${packages}/relationships">${relationships.join('')}</Relationships>`;
}

const packageRelationships = `${declaration}<Relationships xmlns="${packages}/relationships"><Relationship Id="rId1" Type="${office}/officeDocument" Target="xl/workbook.xml"/></Relationships>`;

function contentTypes(sheets: number): string {
  const parts = [
    ...Array.from({ length: sheets }, (_sheet, index) => [
      `/xl/worksheets/sheet${index + 1}.xml`,
      'worksheet',
    ]),
    ['/xl/styles.xml', 'styles'],
    ['/xl/workbook.xml', 'sheet.main'],
  ].map(([path, type]) => `<Override PartName="${path}" ContentType="${types}.${type}+xml"/>`);
  return `${declaration}<Types xmlns="${packages}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${parts.join('')}</Types>`;
}
