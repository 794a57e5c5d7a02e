/**
 * What a report says, as tables: the same ones in CSV, in a workbook and in an archive
 * (docs/formats/tables.md).
 */
import { compareText } from '../evidence/json.ts';
import type { PopulationItem } from '../period/population.ts';
import type { Change, ControlReport, Deviation, Due, Gap, WaiverReport } from '../period/report.ts';
import { type Cell, csvPieces } from './csv.ts';
import type {
  Report,
  ReportControl,
  ReportDetails,
  ReportItem,
  ReportNight,
  ReportPopulation,
  ReportSample,
  Stretch,
} from './model.ts';
import { noVersion } from './words.ts';

/** `long`: text of more than a few words. `time`: RFC 3339 in UTC. `day`: the organisation's own. */
type Holds = 'text' | 'long' | 'number' | 'time' | 'day';

export interface Column {
  name: string;
  holds: Holds;
}

export interface Table {
  columns: readonly Column[];
  /** A cell for each column; null where there is nothing to say. */
  rows: Iterable<readonly Cell[]>;
}

/** Columns of what is in a row, each with what it says of that. */
type Columns<Row> = readonly (readonly [name: string, holds: Holds, cell: (row: Row) => Cell])[];

function table<Row>(columns: Columns<Row>, rows: Iterable<Row>): Table {
  return {
    columns: columns.map(([name, holds]) => ({ name, holds })),
    rows: {
      *[Symbol.iterator]() {
        for (const row of rows) yield columns.map(([, , cell]) => cell(row));
      },
    },
  };
}

/** The names of a table's columns. */
export function headOf({ columns }: Table): string[] {
  return columns.map(({ name }) => name);
}

const listed = (texts: readonly string[]) => texts.join('; ');
const yesOrNo = (is: boolean) => (is ? 'yes' : 'no');

/** A row for each criterion that a control serves. */
export function criteriaTable(report: Report): Table {
  const rows = judged(report).flatMap((control) =>
    Object.entries(control.criteria).flatMap(([framework, criteria]) =>
      criteria.map((criterion) => ({ ...control, framework, criterion })),
    ),
  );
  rows.sort(
    (a, b) =>
      compareText(a.framework, b.framework) ||
      compareText(inOrder(a.criterion), inOrder(b.criterion)) ||
      compareText(a.id, b.id),
  );
  return table(
    [
      ['framework', 'text', ({ framework }) => framework],
      ['criterion', 'text', ({ criterion }) => criterion],
      ['control', 'text', ({ id }) => id],
      ['title', 'long', ({ title }) => title],
      ['owner', 'text', ({ owner }) => owner],
      ['frequency', 'text', ({ frequency }) => frequency],
      ...outcome,
    ],
    rows,
  );
}

/** So that CC6.10 comes after CC6.9. */
const inOrder = (criterion: string) => criterion.replace(/\d+/g, (all) => all.padStart(6, '0'));

/** What came out for a control. */
const outcome: Columns<ControlReport> = [
  ['conclusion', 'text', ({ conclusion }) => conclusion],
  ['expected', 'number', ({ coverage }) => coverage.expected],
  ['complete', 'number', ({ coverage }) => coverage.complete],
  ['population', 'number', ({ population }) => population],
  ['deviating', 'number', ({ deviating }) => deviating],
  ['waived', 'number', ({ waived }) => waived],
  ['open', 'number', ({ open }) => open],
];

/** A row for each control, with what came out. */
export function controlsTable(report: Report): Table {
  return table(
    [
      ['control', 'text', ({ id }) => id],
      ['title', 'long', ({ title }) => title],
      ['statement', 'long', ({ statement }) => statement],
      ['category', 'text', ({ category }) => category],
      ['owner', 'text', ({ owner }) => owner],
      ['frequency', 'text', ({ frequency }) => frequency],
      [
        'criteria',
        'text',
        ({ criteria }) =>
          listed(
            Object.entries(criteria).flatMap(([framework, numbers]) =>
              numbers.map((number) => `${framework} ${number}`),
            ),
          ),
      ],
      ...outcome,
      ['because', 'long', ({ because }) => listed(because)],
      ['tests', 'long', ({ tests }) => listed(tests.map(({ id }) => id))],
      ['files', 'number', ({ files }) => files.length],
    ],
    judged(report),
  );
}

/** Each control with what came out for it. */
function judged({ controls, period }: Report): (Omit<ReportControl, 'tests'> & ControlReport)[] {
  return controls.flatMap((control, index) => {
    const report = period.controls[index];
    return report === undefined ? [] : { ...control, ...report };
  });
}

/** A row for each item. */
export function populationTable(items: Iterable<PopulationItem>): Table {
  return table(
    [
      ['source', 'text', ({ source }) => source],
      ['scope', 'text', ({ scope }) => scope],
      ['uid', 'text', ({ uid }) => uid],
      ['name', 'text', ({ name }) => name],
      ['event_at', 'time', ({ event_at }) => event_at],
      ['first_seen', 'time', ({ first_seen }) => first_seen],
      ['last_seen', 'time', ({ last_seen }) => last_seen],
      ['created_after', 'time', ({ created }) => created?.after ?? null],
      ['created_by', 'time', ({ created }) => created?.by ?? null],
      ['deleted_after', 'time', ({ deleted }) => deleted?.after ?? null],
      ['deleted_by', 'time', ({ deleted }) => deleted?.by ?? null],
      ['nights_pass', 'number', ({ nights }) => nights.pass],
      ['nights_fail', 'number', ({ nights }) => nights.fail],
      ['nights_waived', 'number', ({ nights }) => nights.waived],
      ['nights_error', 'number', ({ nights }) => nights.error],
      ['nights_not_applicable', 'number', ({ nights }) => nights.not_applicable],
      ['first_run', 'text', ({ first_run }) => first_run],
      ['last_run', 'text', ({ last_run }) => last_run],
    ],
    items,
  );
}

/** A row for each stretch of nights on which the test came out the same for an item. */
export function resultsTable({
  control,
  test,
  items,
}: Pick<ReportPopulation, 'control' | 'test' | 'items'>): Table {
  return table(
    [
      ['control', 'text', () => control],
      ['test', 'text', () => test],
      ['source', 'text', ({ item }) => item.source],
      ['scope', 'text', ({ item }) => item.scope],
      ['uid', 'text', ({ item }) => item.uid],
      ['name', 'text', ({ item }) => item.name],
      ['status', 'text', ({ status }) => status],
      ['from', 'time', ({ from }) => from.observed_at],
      ['to', 'time', ({ to }) => to.observed_at],
      ['nights', 'number', ({ nights }) => nights],
      ['reason', 'long', ({ reason }) => reason],
      ['first_run', 'text', ({ from }) => from.run],
      ['last_run', 'text', ({ to }) => to.run],
    ],
    { [Symbol.iterator]: () => stretchesOf(items) },
  );
}

function* stretchesOf(items: Iterable<ReportItem>): Generator<Stretch & { item: ReportItem }> {
  for (const item of items) {
    for (const stretch of item.stretches) yield { ...stretch, item };
  }
}

/** `tickmark report --format csv`: the results of every test of the period, in pieces. */
export async function* resultsCsv(
  { period }: Pick<Report, 'period'>,
  details: Pick<ReportDetails, 'population'>,
): AsyncGenerator<string> {
  const none = resultsTable({ control: '', test: '', items: [] });
  yield* csvPieces([headOf(none)]);
  for (const { id } of period.controls.flatMap(({ tests }) => tests)) {
    yield* csvPieces(resultsTable(await details.population(id)).rows);
  }
}

/** A row for each deviation. */
export function deviationsTable(controls: readonly ControlReport[]): Table {
  return table<Deviation>(
    [
      ['control', 'text', ({ control }) => control],
      ['test', 'text', ({ test }) => test],
      ['source', 'text', ({ source }) => source],
      ['dataset', 'text', ({ dataset }) => dataset],
      ['scope', 'text', ({ scope }) => scope],
      ['uid', 'text', ({ uid }) => uid],
      ['name', 'text', ({ name }) => name],
      ['kind', 'text', ({ kind }) => kind],
      ['opened_after', 'time', ({ opened }) => opened.after],
      ['opened_by', 'time', ({ opened }) => opened.by],
      ['opened_how', 'text', ({ opened }) => opened.how],
      ['closed_after', 'time', ({ closed }) => closed?.after ?? null],
      ['closed_by', 'time', ({ closed }) => closed?.by ?? null],
      ['closed_how', 'text', ({ closed }) => closed?.how ?? null],
      ['days_least', 'number', ({ days }) => days?.least ?? null],
      ['days_most', 'number', ({ days }) => days?.most ?? null],
      [
        'spans',
        'long',
        ({ spans }) => listed(spans.map(({ status, from, to }) => `${status} ${from} to ${to}`)),
      ],
      ['nights_failing', 'number', ({ nights }) => nights.failing],
      ['nights_waived', 'number', ({ nights }) => nights.waived],
      ['nights_unseen', 'number', ({ nights }) => nights.unseen],
      ['waived', 'text', ({ waived }) => waived],
      ['recurrence', 'number', ({ recurrence }) => recurrence],
      ['severity', 'text', ({ remediation }) => remediation.severity],
      ['remediation_days', 'number', ({ remediation }) => remediation.days],
      ['remediation_state', 'text', ({ remediation }) => remediation.state],
      ['remediation_due', 'day', ({ remediation }) => remediation.due],
      ['first_run', 'text', ({ first_run }) => first_run],
      ['last_run', 'text', ({ last_run }) => last_run],
    ],
    controls.flatMap(({ tests }) => tests.flatMap(({ deviations }) => deviations)),
  );
}

/** A row for each gap of each test. */
export function gapsTable(controls: readonly ControlReport[]): Table {
  return table<Gap & { control: string; test: string }>(
    [
      ['control', 'text', ({ control }) => control],
      ['test', 'text', ({ test }) => test],
      ['from', 'day', ({ from }) => from],
      ['to', 'day', ({ to }) => to],
      ['start', 'time', ({ start }) => start],
      ['end', 'time', ({ end }) => end],
      ['occurrences', 'number', ({ occurrences }) => occurrences],
      ['cause', 'text', ({ cause }) => cause],
      ['why', 'long', ({ why }) => why],
      ['scopes', 'long', ({ scopes }) => listed(scopes)],
      ['closable', 'long', ({ closable }) => closable?.how ?? null],
      ['closable_until', 'time', ({ closable }) => closable?.until ?? null],
    ],
    controls.flatMap(({ id: control, tests }) =>
      tests.flatMap(({ id: test, gaps }) => gaps.map((gap) => ({ control, test, ...gap }))),
    ),
  );
}

/** A row for each waiver. */
export function waiversTable(waivers: readonly WaiverReport[]): Table {
  return table(
    [
      ['test', 'text', ({ test }) => test],
      ['resource', 'text', ({ resource }) => resource],
      ['scope', 'text', ({ scope }) => scope],
      ['from', 'day', ({ from }) => from],
      ['until', 'day', ({ until }) => until],
      ['state', 'text', ({ state }) => state],
      ['deviations', 'number', ({ deviations }) => deviations],
      ['reason', 'long', ({ reason }) => reason],
      ['approver', 'text', ({ approver }) => approver],
      ['ticket', 'text', ({ ticket }) => ticket],
      ['compensating_control', 'long', (waiver) => waiver.compensating_control],
    ],
    waivers,
  );
}

/** A row for each item of each draw. */
export function samplesTable(samples: readonly ReportSample[]): Table {
  return table(
    [
      ['sequence', 'number', ({ sample }) => sample.sequence],
      ['run', 'text', ({ sample }) => sample.run],
      ['digest', 'text', ({ sample }) => sample.digest],
      ['sealed_at', 'time', ({ sample }) => sample.sealed_at],
      ['test', 'text', ({ sample }) => sample.test],
      ['period_start', 'day', ({ sample }) => sample.period.start],
      ['period_end', 'day', ({ sample }) => sample.period.end],
      ['seed', 'text', ({ sample }) => sample.seed],
      ['size', 'number', ({ sample }) => sample.size],
      ['by', 'text', ({ sample }) => sample.by],
      ['population', 'number', ({ sample }) => sample.population.count],
      ['population_digest', 'text', ({ sample }) => sample.population.digest],
      ['number', 'number', ({ number }) => number],
      ['source', 'text', ({ item }) => item.source],
      ['scope', 'text', ({ item }) => item.scope],
      ['uid', 'text', ({ item }) => item.uid],
      ['name', 'text', ({ item }) => item.name],
      ['stratum', 'text', ({ item }) => item.stratum],
    ],
    samples.flatMap((sample) =>
      sample.items.map((item, index) => ({ sample, item, number: index + 1 })),
    ),
  );
}

/** A row for each bundle that evidence was taken from. */
export function nightsTable(nights: readonly ReportNight[]): Table {
  return table(
    [
      ['sequence', 'number', ({ sequence }) => sequence],
      ['run', 'text', ({ run }) => run],
      ['digest', 'text', ({ digest }) => digest],
      ['kind', 'text', ({ kind }) => kind],
      ['day', 'day', ({ day }) => day],
      ['started_at', 'time', ({ started_at }) => started_at],
      ['finished_at', 'time', ({ finished_at }) => finished_at],
      ['operator', 'text', ({ operator }) => operator],
      ['signed', 'text', ({ signed }) => yesOrNo(signed)],
      ['stamped', 'text', ({ stamped }) => yesOrNo(stamped)],
      ['simulated', 'text', ({ simulated }) => yesOrNo(simulated)],
      ['replayed', 'text', ({ replayed }) => yesOrNo(replayed)],
      ['slices_complete', 'number', ({ slices }) => slices.complete],
      ['slices_partial', 'number', ({ slices }) => slices.partial],
      ['slices_failed', 'number', ({ slices }) => slices.failed],
    ],
    nights,
  );
}

/** A row for each thing that is known of a source: identity, endpoint, what is left out, its span. */
export function sourcesTable({ sources, period }: Pick<Report, 'sources' | 'period'>): Table {
  type Fact = { source: string; what: string; scope: string | null; detail: string };
  const facts = sources.flatMap(({ id: source, use, identities, endpoints, left_out }): Fact[] => [
    { source, what: 'kind', scope: null, detail: use },
    ...identities.map(({ account, subject }) => ({
      ...{ source, what: 'identity' },
      ...{ scope: account, detail: subject },
    })),
    ...endpoints.map((detail) => ({ source, what: 'endpoint', scope: null, detail })),
    ...left_out.map(({ scope, reason }) => ({ source, what: 'left out', scope, detail: reason })),
    ...period.scopes
      .filter((span) => span.source === source)
      .flatMap(({ scope, added, dropped }) => [
        ...(added === null ? [] : [{ source, what: 'added', scope, detail: added }]),
        ...(dropped === null ? [] : [{ source, what: 'dropped', scope, detail: dropped }]),
      ]),
  ]);
  return table<Fact>(
    [
      ['source', 'text', ({ source }) => source],
      ['what', 'text', ({ what }) => what],
      ['scope', 'text', ({ scope }) => scope],
      ['detail', 'long', ({ detail }) => detail],
    ],
    facts,
  );
}

/** A row for each version of what decided results. */
export function changesTable(versions: readonly Change[]): Table {
  return table(
    [
      ['what', 'text', ({ what }) => what],
      ['id', 'text', ({ id }) => id],
      ['version', 'number', ({ version }) => version],
      ['value', 'long', ({ what, value }) => (value === '' ? noVersion(what) : value)],
      ['from', 'day', ({ from }) => from],
      ['to', 'day', ({ to }) => to],
      ['nights', 'number', ({ nights }) => nights],
    ],
    versions.flatMap(({ what, id, versions: all }) =>
      all.map((version, index) => ({ ...version, what, id, version: index + 1 })),
    ),
  );
}

/** A row for each thing that has to happen. */
export function dueTable(due: readonly Due[]): Table {
  return table(
    [
      ['by', 'time', ({ by }) => (by === '' ? null : by)],
      ['what', 'long', ({ what }) => what],
      ['controls', 'long', ({ controls }) => listed(controls)],
    ],
    due,
  );
}
