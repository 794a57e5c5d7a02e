/**
 * A report as GitHub's Markdown: for a comment of a pull request, and for a CI job's summary.
 * Everything from outside is text: nothing of it becomes a link, a mention, an emoji, markup or a
 * cell of its own (docs/formats/report.md).
 */
import type { ControlReport, Gap } from '../period/report.ts';
import type { Report } from './model.ts';
import {
  byUrgency,
  gapWords,
  interimWords,
  legible,
  marksOf,
  minute,
  periodWords,
  plural,
  standingOf,
  storyOf,
  whatItIs,
} from './words.ts';

/** What GitHub takes as a comment, in characters, of which there are never more than bytes. */
export const commentBytes = 65_536;

/** Something of which there may be too much: what does not fit is counted. */
interface Part {
  head: string[];
  rows: string[];
  /** What a row is: `deviation`. */
  of: string;
}

/** @param most bytes of UTF-8 that it may have; a few kilobytes at least. */
export function markdown(report: Report, most: number = commentBytes): string {
  const { period } = report;
  const parts = [
    controlsPart(report),
    deviationsPart(report, 'Open deviations', ['open']),
    missingPart(period.controls),
    duePart(report),
    deviationsPart(report, 'Other deviations of the period', ['event', 'closed', 'waived']),
    sourcesPart(report),
  ].filter(({ rows }) => rows.length > 0);
  const head = headOf(report);
  const foot = footOf(report);
  const cuts = parts.map(({ rows, of }) => cutLine(rows.length, of));
  // Each head and each sentence of a cut has its place, whatever the rows before it take.
  let left =
    most -
    [...parts.map((part) => part.head), head.head, foot, cuts, [cutLine(head.rows.length, head.of)]]
      .flat()
      .reduce((sum, line) => sum + size(line), 0);
  const lines = [head, ...parts].flatMap(({ head: own, rows, of }) => {
    const fitting: string[] = [];
    for (const row of rows) {
      if (size(row) > left) break;
      left -= size(row);
      fitting.push(row);
    }
    const cut = rows.length - fitting.length;
    return [...own, ...fitting, ...(cut === 0 ? [] : [cutLine(cut, of)])];
  });
  return [...lines, ...foot].map((line) => `${line}\n`).join('');
}

/** An empty line ends a table before it. */
function cutLine(count: number, of: string): string {
  return `\n_… and ${plural(count, `more ${of}`)}: too long for this place; \`tickmark report\` has all._`;
}

function size(line: string): number {
  return Buffer.byteLength(line) + 1;
}

function headOf(report: Report): Part {
  const { period, nights } = report;
  const { controls } = period;
  const conclusions = [
    'operated',
    'operated with deviations',
    'insufficient evidence',
    'did not operate',
  ] as const;
  const counts = conclusions.flatMap((conclusion) => {
    const count = controls.filter((each) => each.conclusion === conclusion).length;
    return count === 0 ? [] : [`${count} ${conclusion}`];
  });
  const open = controls.reduce((sum, each) => sum + each.open, 0);
  const [first, last] = [nights[0], nights.at(-1)];
  const interim = interimWords(report);
  return {
    head: [
      `## ${text(period.organizations.join(', '))}: ${periodWords(report)}`,
      '',
      `${plural(controls.length, 'control')}: ${counts.join(', ') || 'none'}. ${plural(open, 'open deviation')}. ${
        first === undefined || last === undefined
          ? 'No night counts.'
          : `${plural(nights.length, 'bundle')} with evidence, ${first.day} to ${last.day}.`
      }`,
    ],
    rows: [
      ...period.problems.map((problem) => `Nothing can be concluded: ${text(problem)}`),
      ...(interim === null ? [] : [interim]),
      ...marksOf(report),
    ].map((line) => `\n> **${line}**`),
    of: 'remark',
  };
}

function controlsPart({ period: { controls } }: Report): Part {
  return {
    head: [
      '',
      '| control | title | complete | deviating | open | conclusion |',
      '| --- | --- | ---: | ---: | ---: | --- |',
    ],
    rows: controls.map((each) =>
      row(
        text(each.id),
        text(each.title),
        `${each.coverage.complete} of ${each.coverage.expected}`,
        `${each.deviating} of ${each.population}`,
        String(each.open),
        each.conclusion === 'operated' ? each.conclusion : `**${each.conclusion}**`,
      ),
    ),
    of: 'control',
  };
}

function deviationsPart(
  { period: { controls } }: Report,
  title: string,
  standings: readonly ReturnType<typeof standingOf>[],
): Part {
  const deviations = controls
    .flatMap(({ tests }) => tests.flatMap((test) => test.deviations))
    .filter((each) => standings.includes(standingOf(each)))
    .sort(byUrgency);
  return {
    head: [
      '',
      `### ${title}`,
      '',
      '| control | test | severity | resource | in | what is known |',
      '| --- | --- | --- | --- | --- | --- |',
    ],
    rows: deviations.map((each) =>
      row(
        text(each.control),
        text(each.test),
        each.remediation.severity,
        text(each.name),
        text(`${each.source} ${each.scope}`),
        storyOf(each),
      ),
    ),
    of: 'deviation',
  };
}

/** A gap is told once, with all the controls that it is one of. */
function missingPart(controls: readonly ControlReport[]): Part {
  const missing = new Map<string, { gap: Gap; controls: Set<string> }>();
  for (const { id, tests } of controls) {
    for (const gap of tests.flatMap((test) => test.gaps)) {
      const { from, to, cause, why, scopes, closable } = gap;
      const key = JSON.stringify([from, to, cause, why, scopes, closable]);
      const known = missing.get(key) ?? { gap, controls: new Set() };
      known.controls.add(id);
      missing.set(key, known);
    }
  }
  return {
    head: ['', '### Missing evidence', ''],
    rows: [...missing.values()]
      .sort((a, b) => (a.gap.start < b.gap.start ? -1 : a.gap.start > b.gap.start ? 1 : 0))
      .map(({ gap, controls: own }) => `- ${gapWords(gap, text)} (${named([...own])})`),
    of: 'gap',
  };
}

function duePart({ period: { due } }: Report): Part {
  return {
    head: ['', '### Due, so that nothing more is lost', ''],
    rows: due.map(({ what, by, controls }) => {
      const when = by === '' ? 'At any time' : `By ${minute(by)} UTC`;
      return `- ${when}: ${text(what)} (${named(controls)})`;
    }),
    of: 'date',
  };
}

function sourcesPart({ sources, period: { scopes } }: Report): Part {
  return {
    head: ['', '### Scope', ''],
    rows: [
      ...sources.map(({ id, use, identities }) => {
        const accounts = [...new Set(identities.map(({ account }) => account))];
        return `- ${text(id)} (${text(use)}): ${accounts.map(text).join(', ') || 'never connected'}`;
      }),
      ...sources.flatMap(({ id, left_out }) =>
        left_out.map(
          ({ scope, reason }) => `- Not asked: ${text(`${id} ${scope}`)}, since ${text(reason)}`,
        ),
      ),
      ...scopes.map(({ source, scope, added, dropped }) => {
        const from = added === null ? '' : `, counted from ${added}`;
        const to = dropped === null ? '' : `, seen for the last time on ${dropped}`;
        return `- Not the whole period: ${text(`${source} ${scope}`)}${from}${to}`;
      }),
    ],
    of: 'scope',
  };
}

function footOf({ head, tool }: Report): string[] {
  const chain =
    head === null
      ? 'The store is empty.'
      : `Head of the chain: bundle ${head.sequence}, \`${head.digest}\`.`;
  return ['', `${whatItIs} ${chain} Made by Tickmark ${text(tool.version)}.`];
}

/** Controls that are named behind one line. */
const mostNamed = 8;

function named(controls: readonly string[]): string {
  return controls.length > mostNamed
    ? plural(controls.length, 'control')
    : controls.map(text).join(', ');
}

function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Characters that a table or a list shows of one name, reason or sentence. */
const mostShown = 400;

/** A word that is nothing but one, wherever it stands. */
const word =
  /^\(?(?:[\p{L}\p{N}]*\p{L}(?:['’]\p{L}+)?|\p{L}*\p{Ll}(?:-\p{Ll}+)+)\)?[.,;:]?$|^[\p{L}\p{N}]+$/u;
/** What GitHub takes for a commit or for the beginning of an address. */
const reference = /^\(?(?:[0-9a-f]{7,}|www)/i;

/**
 * Text from outside as inline Markdown. Plain words stay as they are; everything else is a span of
 * code, in which neither Markdown nor what GitHub looks for afterwards (mentions, references,
 * emoji, addresses) means anything. A stroke would end the cell of a table, in a span too: it
 * stands between two spans, as an entity.
 */
export function wholeText(outside: string): string {
  const line = legible(outside);
  if (line.trim() === '') return '(empty)';
  if (line.split(' ').every((each) => word.test(each) && !reference.test(each))) return line;
  return line
    .split('|')
    .map((piece) => (piece === '' ? '' : code(piece)))
    .join('&#124;');
}

/** The same, not longer than a table or a list wants it. */
export function text(outside: string): string {
  const characters = [...outside.slice(0, 2 * mostShown + 1)];
  return characters.length > mostShown
    ? `${wholeText(characters.slice(0, mostShown).join(''))}…`
    : wholeText(outside);
}

/** CommonMark 6.1: the fence is longer than any run within; a space on each side is taken away. */
function code(piece: string): string {
  const longest = Math.max(0, ...(piece.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  const isPadded = /^[ `]|[ `]$/.test(piece) && /[^ ]/.test(piece);
  return isPadded ? `${fence} ${piece} ${fence}` : `${fence}${piece}${fence}`;
}
