import type { Conclusion, ControlReport } from '../period/report.ts';
import type { Cell } from './csv.ts';
import type { Report, ReportDetails } from './model.ts';
import {
  changesTable,
  controlsTable,
  criteriaTable,
  deviationsTable,
  dueTable,
  gapsTable,
  nightsTable,
  populationTable,
  samplesTable,
  sourcesTable,
  waiversTable,
} from './tables.ts';
import { redactionWords } from './words.ts';
import { type Sheet, xlsx } from './xlsx.ts';
import { zip } from './zip.ts';

/**
 * The report as a workbook (docs/formats/tables.md), in pieces: a population is held while it is
 * written, and nothing else. @throws TickmarkError IntegrityBroken
 */
export function workbook(
  report: Report,
  details: Pick<ReportDetails, 'population'>,
): AsyncGenerator<Uint8Array> {
  const { period } = report;
  return zip(
    xlsx(
      [
        summary(report),
        { name: 'Matrix', ...criteriaTable(report) },
        { name: 'Controls', ...controlsTable(report) },
        { name: 'Deviations', ...deviationsTable(period.controls) },
        { name: 'Gaps', ...gapsTable(period.controls) },
        { name: 'Waivers', ...waiversTable(period.waivers) },
        populations(report, details),
        { name: 'Samples', ...samplesTable(report.samples) },
        { name: 'Nights', ...nightsTable(report.nights) },
        { name: 'Sources', ...sourcesTable(report) },
        { name: 'Changes', ...changesTable(period.versions) },
        { name: 'Due', ...dueTable(period.due) },
      ],
      note(report),
    ),
  );
}

/** What weakens the evidence, for the head of every page; empty: nothing. */
function note({ marks, nights, redaction }: Report): string {
  const { unsigned, unstamped, simulated, replayed } = marks;
  const weak = [
    [unsigned, 'unsigned'],
    [unstamped, 'without a timestamp'],
    [simulated, 'on a simulated clock'],
    [replayed, 'answered from recordings'],
  ] as const;
  const said = weak.filter(([count]) => count > 0).map((each) => each.join(' '));
  const parts = [
    ...(said.length === 0 ? [] : [`Of ${nights.length} bundles: ${said.join(', ')}`]),
    ...(redaction === null ? [] : ['Redacted: people have pseudonyms']),
  ];
  return parts.join('. ');
}

/** Every population, each row with its test. */
function populations({ period }: Report, details: Pick<ReportDetails, 'population'>): Sheet {
  return {
    name: 'Populations',
    columns: [{ name: 'test', holds: 'text' }, ...populationTable([]).columns],
    rows: (async function* () {
      for (const { id } of period.controls.flatMap(({ tests }) => tests)) {
        const { items } = await details.population(id);
        for (const cells of populationTable(items).rows) yield [id, ...cells];
      }
    })(),
  };
}

/** What the first look at a report has to answer. */
function summary({ period: report, marks, nights, redaction, head, tool }: Report): Sheet {
  const { organizations, period, as_of, through, interim, problems, controls } = report;
  const days = as_of === null ? `${period.start} to ${period.end}` : `On ${as_of}`;
  const concluded = (conclusion: ControlReport['conclusion']) =>
    controls.filter((control) => control.conclusion === conclusion).length;
  const total = (of: (control: ControlReport) => number) =>
    controls.reduce((sum, control) => sum + of(control), 0);
  const rows: [string, Cell][] = [
    [
      'What this is',
      'What management saw when it monitored its controls, from evidence sealed night by night. It gives no opinion.',
    ],
    ['Organisation', organizations.join('; ')],
    ['Period', `${days} (${period.timezone})`],
    ['Evidence up to', through],
    ['Interim', interim ? 'yes: what would be reported if the period ended now' : 'no'],
    ...problems.map((problem): [string, Cell] => ['Nothing can be concluded', problem]),
    ['Controls', controls.length],
    ...conclusions.map((conclusion): [string, Cell] => [
      `Controls: ${conclusion}`,
      concluded(conclusion),
    ]),
    ['Occurrences expected', total(({ coverage }) => coverage.expected)],
    ['Occurrences with complete evidence', total(({ coverage }) => coverage.complete)],
    ['Deviations', total(({ tests }) => tests.flatMap(({ deviations }) => deviations).length)],
    ['Gaps', total(({ tests }) => tests.flatMap(({ gaps }) => gaps).length)],
    ['Bundles with evidence', nights.length],
    ['Bundles: unsigned', marks.unsigned],
    ['Bundles: without a timestamp', marks.unstamped],
    ['Bundles: a simulated clock', marks.simulated],
    ['Bundles: answered from recordings', marks.replayed],
    ...(redaction === null
      ? []
      : [['Redacted', redactionWords(redaction)] satisfies [string, Cell]]),
    ...report.nights.left_out.map(({ run, sequence, reason }): [string, Cell] => [
      'Left out',
      `bundle ${sequence} (run ${run}): ${reason}`,
    ]),
    ['Head of the chain', head && `${head.sequence} sha256:${head.digest}`],
    [
      'How to check',
      'Compare the head with one that was written down elsewhere when it was new, as in the log of that night. "tickmark verify" shows whether the store is as it was sealed, "tickmark reperform" whether the results follow from the evidence.',
    ],
    ['Times', 'UTC in every sheet; days are those of the time zone of the period.'],
    ['Made by', `tickmark ${tool.version}${tool.commit === null ? '' : ` (${tool.commit})`}`],
  ];
  return {
    name: 'Summary',
    columns: [
      { name: 'about', holds: 'text' },
      { name: 'value', holds: 'long' },
    ],
    rows,
  };
}

const conclusions = [
  'operated',
  'operated with deviations',
  'insufficient evidence',
  'did not operate',
] as const satisfies Conclusion[];
