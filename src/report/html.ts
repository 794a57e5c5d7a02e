/**
 * The report as one page: it needs no network, works from a file, with scripts off and on paper.
 * What is too much to show at once is embedded as data, which the page's own script opens. Every
 * string is text from strangers: it is escaped where it is put in (`markup`), and the script writes
 * text only. The policy in the head lets nothing run but that script, by its digest.
 */
import { createHash } from 'node:crypto';
import type { Deviation, PeriodReport } from '../period/report.ts';
import { client, mark } from './html/client.js';
import { controlView } from './html/control.ts';
import { blocks, type Keyed } from './html/data.ts';
import {
  changesView,
  deviationsView,
  gapsView,
  nightsView,
  populationsView,
  samplesView,
  sourcesView,
  testView,
  waiversView,
} from './html/lists.ts';
import { Markup, markup, visible } from './html/markup.ts';
import { matrix, summary } from './html/overview.ts';
import { controlLink, sign } from './html/parts.ts';
import { patterns } from './html/strip.ts';
import { style } from './html/style.ts';
import { counted, wordsOf } from './html/words.ts';
import type { Report, ReportDetails } from './model.ts';

/**
 * The page, piece by piece. The same report gives the same bytes.
 * @throws TickmarkError as `details` does.
 */
export async function* html(report: Report, details: ReportDetails): AsyncGenerator<string> {
  for await (const piece of pieces(report, details)) yield piece.text;
}

async function* pieces(report: Report, details: ReportDetails): AsyncGenerator<Markup> {
  const { period } = report;
  yield head(report);
  yield banner(report);
  yield navigation(report);
  yield markup`<main id="main" tabindex="-1">\n`;
  yield summary(report);
  yield matrix(report);
  for (const control of period.controls) yield controlView(report, control);
  yield deviationsView(period);
  yield gapsView(period);
  yield waiversView(period);
  yield populationsView(period);
  yield samplesView(report);
  yield nightsView(report);
  yield sourcesView(report);
  yield changesView(period);
  yield script(clientText);
  yield* blocks({ of: 'model' }, [{ key: [], value: modelOf(report) }]);
  yield* blocks({ of: 'deviations' }, deviationsOf(report));
  const datasets = new Set<string>();
  for (const { id } of period.controls.flatMap(({ tests }) => tests)) {
    const population = await details.population(id);
    if (population.items.length > 0) datasets.add(population.dataset);
    yield testView(population);
    yield* blocks(
      { of: 'items', test: id },
      population.items.map((item) => ({ key: [item.source, item.scope, item.uid], value: item })),
    );
    yield* blocks(
      { of: 'queries', test: id },
      population.queries.map((query) => ({ key: [], value: query })),
    );
  }
  for (const dataset of [...datasets].sort()) {
    yield* blocks({ of: 'records', dataset }, recordsOf(details, dataset));
  }
  yield markup`</main>\n</body>\n</html>\n`;
}

const markText = `(${mark})();`;
const clientText = `(${client})();`;

function script(text: string): Markup {
  return markup`<script>${new Markup(text)}</script>\n`;
}

function digest(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

const policy = [
  "default-src 'none'",
  `style-src ${digest(style)}`,
  `script-src ${digest(markText)} ${digest(clientText)}`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

function titleOf({ organizations, period: days, as_of }: PeriodReport): string {
  const when = as_of ?? `${days.start} to ${days.end}`;
  return `${organizations.join(', ')}, ${when}`;
}

function head(report: Report): Markup {
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Tickmark ${report.tool.version}">
<title>${titleOf(report.period)} · Tickmark</title>
<link rel="icon" href="data:,">
<style>${new Markup(style)}</style>
${script(markText)}</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
${patterns}
`;
}

/** Stays in sight in every view, and stands on every printed page. */
function banner({ period, marks, nights, redaction }: Report): Markup {
  const { organizations, period: days, as_of, interim, problems } = period;
  const of = (count: number) =>
    count === nights.length
      ? 'all nights'
      : `${counted(count)} of ${counted(nights.length)} nights`;
  const said = [
    ...(problems.length > 0 ? ['Nothing can be concluded: bundles are missing'] : []),
    ...(interim ? ['Interim: the period has not ended'] : []),
    ...(as_of === null ? [] : [`One date only: ${as_of}`]),
    ...(nights.length === 0 ? ['No night counts'] : []),
    ...(marks.simulated > 0 ? [`Simulated clock: ${of(marks.simulated)}`] : []),
    ...(marks.replayed > 0 ? [`Replayed: ${of(marks.replayed)}`] : []),
    ...(marks.unsigned > 0 ? [`Unsigned: ${of(marks.unsigned)}`] : []),
    ...(marks.unstamped > 0 ? [`Unstamped: ${of(marks.unstamped)}`] : []),
    ...(redaction === null ? [] : ['Redacted: people have pseudonyms']),
  ];
  const pills =
    said.length === 0
      ? markup`<p class="quiet">Every night signed and stamped, on the system’s clock</p>`
      : markup`<ul class="marks" aria-label="What has to be known first">${said.map((each) => markup`<li>${each}</li>`)}</ul>`;
  return markup`<header class="banner"><div class="titles"><h1>${organizations.join(', ')}</h1><p>${as_of ?? `${days.start} to ${days.end}`} <span class="beside">${days.timezone}</span></p></div>
<div class="search" data-search></div>
${pills}</header>
`;
}

function navigation({ period }: Report): Markup {
  const link = (address: string, name: string, count?: number) =>
    markup`<li><a href="#/${address}">${name}${count === undefined ? '' : markup` <span class="count">${counted(count)}</span>`}</a></li>`;
  const controls = period.controls.map(
    ({ id, conclusion }) =>
      markup`<li>${sign(conclusion)} ${controlLink(id)}<span class="hidden">: ${conclusion}</span></li>`,
  );
  const tests = period.controls.flatMap((control) => control.tests);
  return markup`<nav aria-label="Views"><ul>
${link('summary', 'Summary')}${link('matrix', 'Criteria')}${link(
  'deviations',
  'Deviations',
  tests.reduce((total, test) => total + test.deviations.length, 0),
)}${link('gaps', 'Gaps')}${link('waivers', 'Waivers', period.waivers.length)}${link('populations', 'Populations', tests.length)}${link('samples', 'Samples')}${link('nights', 'Nights')}${link('sources', 'Sources')}${link('changes', 'Changes', period.changes.length)}
</ul><ul class="controls-nav" aria-label="Controls">${controls}</ul></nav>
`;
}

/** What the script needs to know of everything before any data is opened. */
function modelOf({ period }: Report): object {
  return {
    title: visible(titleOf(period)),
    start: period.period.start,
    end: period.period.end,
    controls: period.controls.map(({ id, title, conclusion, tests }) => ({
      id,
      title,
      conclusion,
      tests: tests.map((test) => ({
        id: test.id,
        title: test.title,
        dataset: test.dataset,
        kind: test.kind,
      })),
    })),
  };
}

function* deviationsOf({ period }: Report): Generator<Keyed> {
  const now = period.interim ? period.now : null;
  const all: Deviation[] = period.controls.flatMap(({ tests }) =>
    tests.flatMap(({ deviations }) => deviations),
  );
  for (const deviation of all) {
    yield { key: [], value: { deviation, words: wordsOf(deviation, now) } };
  }
}

/** A record that changed each night has a long history: a block holds so many of its versions. */
const mostVersions = 50;

async function* recordsOf(details: ReportDetails, dataset: string): AsyncGenerator<Keyed> {
  for await (const history of details.records(dataset)) {
    const { source, scope, uid, versions } = history;
    for (let at = 0; at === 0 || at < versions.length; at += mostVersions) {
      yield {
        key: [source, scope, uid],
        value: { ...history, versions: versions.slice(at, at + mostVersions) },
      };
    }
  }
}
