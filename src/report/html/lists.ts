/** The views that list something of the whole period. */
import type { PeriodReport } from '../../period/report.ts';
import type { Query, Report, ReportPopulation, ReportSample } from '../model.ts';
import { plural, versionName } from '../words.ts';
import { waiversTable } from './control.ts';
import { type Markup, markup, type Part } from './markup.ts';
import {
  addressOf,
  code,
  controlLink,
  days,
  details,
  facts,
  gapsTable,
  list,
  nothing,
  paragraph,
  resource,
  sharedGaps,
  table,
  testLink,
  time,
  view,
} from './parts.ts';
import { counted } from './words.ts';

/** Rows of one kind that a view shows at once. */
const mostRows = 1_000;

export function deviationsView({ controls }: PeriodReport): Markup {
  const tests = controls
    .flatMap(({ tests: all }) => all)
    .filter((test) => test.deviations.length > 0);
  const rows = controls.flatMap((control) =>
    control.tests
      .filter((test) => test.deviations.length > 0)
      .map((test): Part[] => [
        testLink(test.id),
        controlLink(control.id),
        test.severity,
        counted(test.deviations.length),
        counted(test.open),
        counted(test.waived),
      ]),
  );
  return view(
    '/deviations',
    'Deviations',
    tests.length === 0
      ? nothing('No test failed on what was seen.')
      : markup`<div class="by-script" data-list="deviations"></div>
<h3>By test</h3>${table(
          'Deviations by test; each stands with its control',
          [
            { head: 'Test', kind: 'key' },
            { head: 'Control' },
            { head: 'Severity' },
            { head: 'Deviations', kind: 'number' },
            { head: 'Open', kind: 'number' },
            { head: 'Waived all the time', kind: 'number' },
          ],
          rows,
        )}`,
  );
}

export function gapsView({ controls, now, problems }: PeriodReport): Markup {
  const shared = sharedGaps(controls);
  const untested = controls.filter(({ tests }) => tests.length === 0);
  const untold = controls.flatMap(({ tests }) => tests).filter((test) => test.untold > 0);
  return view(
    '/gaps',
    'Gaps',
    problems.length === 0 ? '' : markup`<div class="warnings">${list(problems)}</div>`,
    shared.length === 0
      ? nothing('Every occurrence of every test has complete evidence.')
      : gapsTable('Occurrences without complete evidence', shared, now),
    untold.length === 0
      ? ''
      : markup`<h3>Events not judged yet</h3>${list(untold.map(({ id, untold: count }) => markup`${testLink(id)}: ${plural(count, 'event')}`))}`,
    untested.length === 0
      ? ''
      : markup`<h3>Controls without a test</h3>${list(untested.map(({ id, title, because }) => markup`${controlLink(id)} ${title}: ${because.join('; ')}`))}`,
  );
}

export function waiversView({ waivers }: PeriodReport): Markup {
  return view(
    '/waivers',
    'Waivers',
    waivers.length === 0
      ? nothing('Nothing was waived.')
      : waiversTable('Waivers of the period', waivers),
  );
}

export function populationsView({ controls }: PeriodReport): Markup {
  const rows = controls.flatMap((control) =>
    control.tests.map((test): Part[] => [
      markup`${testLink(test.id)} <span class="title">${test.title}</span>`,
      controlLink(control.id),
      test.kind,
      code(test.dataset),
      counted(test.population),
      `${counted(test.coverage.complete)}/${counted(test.coverage.expected)}`,
      test.gaps.length === 0 && test.untold === 0
        ? 'no gap'
        : [
            plural(test.gaps.length, 'gap'),
            ...(test.untold > 0 ? [`, ${plural(test.untold, 'event')} not judged`] : []),
          ],
    ]),
  );
  return view(
    '/populations',
    'Populations',
    rows.length === 0
      ? nothing('No night of the store was judged by a test.')
      : table(
          'What each test was to judge in the period; the test’s own view says what shows that it is all',
          [
            { head: 'Test', kind: 'key' },
            { head: 'Control' },
            { head: 'Kind' },
            { head: 'Dataset' },
            { head: 'Population', kind: 'number' },
            { head: 'Complete', kind: 'number' },
            { head: 'Missing' },
          ],
          rows,
        ),
  );
}

export function samplesView({ samples }: Report): Markup {
  return view(
    '/samples',
    'Samples',
    samples.length === 0 ? nothing('No draw was sealed for the period.') : samples.map(sample),
  );
}

function sample(draw: ReportSample): Markup {
  const stratified = draw.items.some(({ stratum }) => stratum !== null);
  const more = draw.items.length - mostRows;
  return markup`<section><h3>${draw.size} of ${counted(draw.population.count)}: ${draw.test}</h3>${facts(
    [
      ['Test', testLink(draw.test)],
      ['Period', days(draw.period.start, draw.period.end)],
      ['Seed', code(draw.seed)],
      ['Divided by', draw.by ?? 'nothing, before it was drawn'],
      ['Sealed', markup`${time(draw.sealed_at)} UTC, bundle ${draw.sequence}, run ${draw.run}`],
      ['SHA-256 of the bundle', markup`<code class="digest">${draw.digest}</code>`],
      ['SHA-256 of the population', markup`<code class="digest">${draw.population.digest}</code>`],
    ],
  )}${table(
    `Items drawn for ${draw.test} by the seed ${draw.seed}`,
    [
      { head: 'No.', kind: 'number' },
      { head: 'Item', kind: 'key' },
      ...(stratified ? [{ head: 'Stratum' }] : []),
    ],
    draw.items
      .slice(0, mostRows)
      .map((item, index) => [
        index + 1,
        resource(draw.test, item),
        ...(stratified ? [item.stratum ?? 'none'] : []),
      ]),
  )}${more > 0 ? paragraph(`${counted(more)} more items were drawn that do not stand here.`) : ''}</section>
`;
}

export function nightsView({ nights, period }: Report): Markup {
  const rows = nights.map((night): Part[] => [
    markup`${night.day}<span class="uid">${night.run}</span>`,
    night.sequence,
    night.kind,
    markup`${time(night.started_at)}<span class="uid">${lasted(night)}</span>`,
    slices(night.slices),
    night.signed ? 'signed' : markup`<b class="mark">unsigned</b>`,
    night.stamped ? 'stamped' : markup`<b class="mark">unstamped</b>`,
    [
      night.simulated ? markup`<b class="mark">simulated</b> ` : '',
      night.replayed ? markup`<b class="mark">replayed</b>` : '',
      night.simulated || night.replayed ? '' : 'live',
    ],
    night.operator,
    markup`<code class="digest">${night.digest}</code>`,
  ]);
  const left = period.nights.left_out;
  return view(
    '/nights',
    'Nights',
    rows.length === 0
      ? nothing('No bundle holds evidence of the period.')
      : table(
          'Bundles that evidence of the period was taken from',
          [
            { head: 'Night', kind: 'key' },
            { head: 'Bundle', kind: 'number' },
            { head: 'Kind' },
            { head: 'Began (UTC)' },
            { head: 'Slices' },
            { head: 'Signature' },
            { head: 'Timestamp' },
            { head: 'Answers' },
            { head: 'Operator' },
            { head: 'SHA-256' },
          ],
          rows,
        ),
    left.length === 0
      ? ''
      : markup`<h3>Left out</h3>${table(
          'Bundles that nothing was taken from',
          [
            { head: 'Run', kind: 'key' },
            { head: 'Bundle', kind: 'number' },
            { head: 'Why', kind: 'wide' },
          ],
          left.map(({ run, sequence, reason }) => [run, sequence, reason]),
        )}`,
  );
}

function lasted({ started_at, finished_at }: { started_at: string; finished_at: string }): string {
  const seconds = Math.round((Date.parse(finished_at) - Date.parse(started_at)) / 1_000);
  return seconds < 120
    ? `took ${plural(seconds, 'second')}`
    : `took ${plural(Math.round(seconds / 60), 'minute')}`;
}

function slices({ complete, partial, failed }: Report['nights'][number]['slices']): Part {
  if (partial === 0 && failed === 0) return `${counted(complete)} complete`;
  return markup`${counted(complete)} complete, <b class="mark">${partial} partial, ${failed} failed</b>`;
}

export function sourcesView({ sources, period }: Report): Markup {
  return view(
    '/sources',
    'Sources',
    sources.length === 0 ? nothing('No source was asked.') : '',
    sources.map(
      ({
        id,
        use,
        identities,
        endpoints,
        left_out,
      }) => markup`<section><h3>${id} <span class="beside">(${use})</span></h3>${
        identities.length === 0
          ? nothing('Who the credentials proved to be is not known.')
          : table(
              `Who asked ${id}`,
              [{ head: 'Account or organisation', kind: 'key' }, { head: 'Subject' }],
              identities.map(({ subject, account }) => [account, subject]),
            )
      }${facts([
        [
          'Endpoints',
          endpoints.length === 0 ? 'none: answered from recordings' : endpoints.join(', '),
        ],
      ])}${
        left_out.length === 0
          ? ''
          : table(
              `Not asked of ${id}`,
              [
                { head: 'Scope', kind: 'key' },
                { head: 'Why', kind: 'wide' },
              ],
              left_out.map(({ scope, reason }) => [scope, reason]),
            )
      }</section>
`,
    ),
    period.scopes.length === 0
      ? ''
      : markup`<h3>Scopes that do not span the period</h3>${table(
          'Sources and scopes that came or went',
          [
            { head: 'Scope', kind: 'key' },
            { head: 'Source' },
            { head: 'Counted from' },
            { head: 'Last seen' },
          ],
          period.scopes.map(({ source, scope, added, dropped }) => [
            scope,
            source,
            added === null ? 'the beginning' : `${added}, when it was first seen`,
            dropped === null ? 'it still is' : `${dropped}, not asked any more`,
          ]),
        )}`,
  );
}

export function changesView({ versions, changes }: PeriodReport): Markup {
  const rows = (all: PeriodReport['versions']): Part[][] =>
    all.flatMap(({ what, id, versions: each }) =>
      each.map(({ value, from, to, nights }): Part[] => [
        [what, id].join(' ').trim(),
        code(versionName(what, value)),
        days(from, to),
        counted(nights),
      ]),
    );
  const columns = [
    { head: 'What', kind: 'key' },
    { head: 'Version' },
    { head: 'Days' },
    { head: 'Nights', kind: 'number' },
  ] as const;
  return view(
    '/changes',
    'Changes',
    changes.length === 0
      ? nothing('Nothing that decides results changed within the period.')
      : table('What changed within the period', columns, rows(changes)),
    details(
      `Everything that decided results: ${plural(versions.length, 'part')}`,
      table('Everything that decided results, with its nights', columns, rows(versions)),
    ),
  );
}

/** The view of one test: what shows that its population is all there was. Its items are data. */
export function testView(population: ReportPopulation): Markup {
  const { control, test, title, dataset, kind, items, incomplete, coverage, tie_outs, queries } =
    population;
  const more = tie_outs.length - mostRows;
  return view(
    addressOf.test(test),
    markup`<span class="id">${test}</span> ${title}`,
    incomplete.length === 0
      ? markup`<p class="verdict">Known to be all there was.</p>`
      : markup`<div class="warnings"><p><strong>Not known to be all there was:</strong></p>${list(incomplete)}</div>`,
    facts([
      ['Control', controlLink(control)],
      ['Dataset', markup`${code(dataset)}, ${kind === 'event' ? 'events' : 'state'}`],
      ['Population', plural(items.length, kind === 'event' ? 'event' : 'resource')],
      ['Complete', `${counted(coverage.complete)} of ${plural(coverage.expected, 'occurrence')}`],
    ]),
    markup`<div class="by-script" data-list="items" data-test="${encodeURIComponent(test.toWellFormed())}"></div>
<p class="without-script">${plural(items.length, 'item')} can be searched and opened with scripts on.</p>`,
    markup`<h3>Second counts</h3>`,
    tie_outs.length === 0
      ? nothing('The list was not counted a second time.')
      : table(
          `Second counts for ${test}`,
          [
            { head: 'Scope', kind: 'key' },
            { head: 'Slices', kind: 'number' },
            { head: 'Counted', kind: 'number' },
            { head: 'Matched', kind: 'number' },
            { head: 'By', kind: 'wide' },
          ],
          tie_outs
            .slice(0, mostRows)
            .map(({ source, scope, slices: all, counted: some, matched, by }) => [
              markup`${scope}<span class="uid">${source}</span>`,
              counted(all),
              some < all ? markup`<b class="mark">${counted(some)}</b>` : counted(some),
              matched < some ? markup`<b class="mark">${counted(matched)}</b>` : counted(matched),
              by.length === 0
                ? 'not counted'
                : by
                    .map(
                      (each) => `${each.by}: ${counted(each.matched)} of ${counted(each.slices)}`,
                    )
                    .join('; '),
            ]),
        ),
    more > 0 ? paragraph(`${counted(more)} more scopes do not stand here.`) : '',
    markup`<h3>Questions</h3>`,
    questions(test, queries),
  );
}

/** Questions by operation; each one with its parameters is data. */
function questions(test: string, queries: readonly Query[]): Markup {
  if (queries.length === 0) return nothing('No call of it is sealed.');
  const byOperation = new Map<string, Query[]>();
  for (const query of queries) {
    const key = JSON.stringify([query.source, query.service, query.operation]);
    const known = byOperation.get(key);
    if (known === undefined) byOperation.set(key, [query]);
    else known.push(query);
  }
  const rows = [...byOperation.values()].map((all): Part[] => {
    const [first] = all as [Query];
    const starts = all.map(({ from }) => from).sort();
    const ends = all.map(({ to }) => to).sort();
    const most = (of: (query: Query) => number) =>
      all.reduce((found, query) => Math.max(found, of(query)), 0);
    return [
      `${first.service} ${first.operation}`,
      first.source,
      counted(all.length),
      counted(most(({ pages }) => pages)),
      counted(most(({ nights }) => nights)),
      days((starts[0] ?? '').slice(0, 10), (ends.at(-1) ?? '').slice(0, 10)),
    ];
  });
  return markup`${table(
    `What was asked for ${test}`,
    [
      { head: 'Call', kind: 'key' },
      { head: 'Source' },
      { head: 'Questions', kind: 'number' },
      { head: 'Pages at most', kind: 'number' },
      { head: 'Nights at most', kind: 'number' },
      { head: 'Days' },
    ],
    rows,
  )}<div class="by-script" data-list="queries" data-test="${encodeURIComponent(test.toWellFormed())}"></div>`;
}
