/** Pieces that several views of the page are made of. */
import type { Json } from '../../evidence/json.ts';
import type { Conclusion, ControlReport, Gap } from '../../period/report.ts';
import { minute, plural } from '../words.ts';
import { type Markup, markup, type Part } from './markup.ts';
import { closingWords, counted, shareOf, signs } from './words.ts';

/** Where a view is: its id, and behind # its address; so a link works without the script too. */
export const addressOf = {
  control: (id: string) => `/control/${encodeURIComponent(id.toWellFormed())}`,
  test: (id: string) => `/test/${encodeURIComponent(id.toWellFormed())}`,
};

/** A view: with the script one is shown at a time, without it and on paper all stand one below the other. */
export function view(address: string, title: Part, ...content: readonly Part[]): Markup {
  return markup`<section class="view" id="${address}" aria-labelledby="${address}:title"><h2 id="${address}:title" tabindex="-1">${title}</h2>
${content}</section>
`;
}

export interface Column {
  head: string;
  /** `number`: to the right. `key`: names the row. */
  kind?: 'number' | 'key' | 'wide';
}

/** A table that scrolls within itself where it is too wide. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Part[])[],
): Markup {
  const heads = columns.map(
    ({ head, kind }) => markup`<th scope="col"${kind === undefined ? '' : cls(kind)}>${head}</th>`,
  );
  const body = rows.map((row) => {
    const cells = row.map((cell, index) => {
      const kind = columns[index]?.kind;
      if (kind === 'key') return markup`<th scope="row">${cell}</th>`;
      return markup`<td${kind === undefined ? '' : cls(kind)}>${cell}</td>`;
    });
    return markup`<tr>${cells}</tr>\n`;
  });
  return markup`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption><thead><tr>${heads}</tr></thead><tbody>
${body}</tbody></table></div>
`;
}

function cls(name: string): Markup {
  return markup` class="${name}"`;
}

/** Terms with what is to be said of each; those without anything are left out. */
export function facts(pairs: readonly (readonly [string, Part | null])[]): Markup {
  const known = pairs.flatMap(([term, said]) =>
    said === null ? [] : [markup`<div><dt>${term}</dt><dd>${said}</dd></div>`],
  );
  return markup`<dl class="facts">${known}</dl>`;
}

export function list(items: readonly Part[]): Markup {
  return markup`<ul>${items.map((each) => markup`<li>${each}</li>`)}</ul>`;
}

export function paragraph(text: Part): Markup {
  return markup`<p>${text}</p>`;
}

/** Said where a list would stand. */
export function nothing(text: string): Markup {
  return markup`<p class="nothing">${text}</p>`;
}

export function details(summary: Part, ...content: readonly Part[]): Markup {
  return markup`<details><summary>${summary}</summary>${content}</details>`;
}

export function code(text: string): Markup {
  return markup`<code>${text}</code>`;
}

export function json(value: Json): Markup {
  return markup`<pre>${JSON.stringify(value, null, 2)}</pre>`;
}

export function time(at: string): Markup {
  return markup`<time datetime="${at}">${minute(at)}</time>`;
}

export function conclusionClass(conclusion: Conclusion): string {
  return conclusion.replaceAll(' ', '-');
}

export function sign(conclusion: Conclusion): Markup {
  return markup`<span class="sign ${conclusionClass(conclusion)}" aria-hidden="true">${signs[conclusion]}</span>`;
}

/** A conclusion with its sign, and what it comes to. */
export function conclusionOf(
  of: Pick<ControlReport, 'conclusion' | 'deviating' | 'population'>,
): Markup {
  const share = shareOf(of);
  const beside = share === '' ? '' : markup` <span class="beside">(${share})</span>`;
  return markup`<span class="conclusion">${sign(of.conclusion)} ${of.conclusion}${beside}</span>`;
}

export function controlLink(id: string): Markup {
  return markup`<a href="#${addressOf.control(id)}">${id}</a>`;
}

export function testLink(id: string): Markup {
  return markup`<a href="#${addressOf.test(id)}">${id}</a>`;
}

/** Opens with the script only: what it shows is data. */
export function itemLink(
  test: string,
  { source, scope, uid, name }: { source: string; scope: string; uid: string; name: string },
): Markup {
  const address = [test, source, scope, uid]
    .map((part) => encodeURIComponent(part.toWellFormed()))
    .join('/');
  return markup`<a class="item" href="#/item/${address}">${name === '' ? uid : name}</a>`;
}

export function resource(
  test: string,
  of: { source: string; scope: string; uid: string; name: string },
): Markup {
  const uid = of.uid === of.name ? '' : markup`<span class="uid">${of.uid}</span>`;
  return markup`${itemLink(test, of)}${uid}<span class="uid">${of.source} ${of.scope}</span>`;
}

/** Days that stay on one line each. */
export function days(from: string, to: string): Markup {
  const day = (text: string) => markup`<span class="line">${text}</span>`;
  return from === to ? day(from) : markup`${day(from)} to ${day(to)}`;
}

/** What does not fit beside one another, below one another. */
export function lines(all: readonly string[]): Part {
  return all.map((each) => markup`<span class="line own">${each}</span>`);
}

/** A gap, and the tests that have it. */
export interface SharedGap {
  gap: Gap;
  tests: { control: string; test: string }[];
}

/** A night without a run is a gap of every test: it is told once. In the order of time. */
export function sharedGaps(controls: readonly ControlReport[]): SharedGap[] {
  const shared = new Map<string, SharedGap>();
  for (const { id: control, tests } of controls) {
    for (const { id: test, gaps } of tests) {
      for (const gap of gaps) {
        const key = JSON.stringify(gap);
        const known = shared.get(key) ?? { gap, tests: [] };
        known.tests.push({ control, test });
        shared.set(key, known);
      }
    }
  }
  return [...shared.values()].sort((a, b) =>
    a.gap.start < b.gap.start ? -1 : a.gap.start > b.gap.start ? 1 : 0,
  );
}

export function gapsTable(caption: string, gaps: readonly SharedGap[], now: string): Markup {
  return table(
    caption,
    [
      { head: 'Days', kind: 'key' },
      { head: 'Occurrences', kind: 'number' },
      { head: 'Cause' },
      { head: 'What happened', kind: 'wide' },
      { head: 'Scopes' },
      { head: 'Tests' },
      { head: 'Can it be closed?' },
    ],
    gaps.map(({ gap, tests }) => [
      markup`${days(gap.from, gap.to)}<span class="uid">${minute(gap.start)} to ${minute(gap.end)} UTC</span>`,
      counted(gap.occurrences),
      gap.cause,
      gap.why,
      gap.scopes.length === 0 ? 'all' : gap.scopes.join(', '),
      tests.length === 1
        ? tests.map(({ test }) => testLink(test))
        : details(plural(tests.length, 'test'), list(tests.map(({ test }) => testLink(test)))),
      closingWords(gap, now),
    ]),
  );
}
