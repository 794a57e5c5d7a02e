/**
 * A report as SARIF 2.1.0 (OASIS), as code scanning reads it: a rule for each test, a result for
 * each deviation of the period (docs/formats/report.md).
 */
import { sha256 } from '../evidence/json.ts';
import type { ControlReport, Deviation, PeriodReport, TestReport } from '../period/report.ts';
import { newestFile, type Report, type ReportControl } from './model.ts';
import {
  gapWords,
  legible,
  marksOf,
  periodWords,
  standingOf,
  storyOf,
  waiversOf,
  whatItIs,
} from './words.ts';

interface Rule {
  control: ControlReport;
  definition: ReportControl;
  test: TestReport;
}

export function sarif(report: Report): string {
  const { period, nights, head, tool, marks } = report;
  const rules = period.controls.flatMap((control, index): Rule[] => {
    const definition = report.controls[index] as ReportControl;
    return control.tests.map((test) => ({ control, definition, test }));
  });
  const artifacts = report.controls.map((each) => artifactOf(each));
  const last = nights.at(-1);
  return `${JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: {
              name: 'Tickmark',
              version: tool.version,
              semanticVersion: tool.version,
              rules: rules.map(ruleOf),
            },
          },
          // What stands before the last stroke is the same for every report of a period.
          automationDetails: {
            id: `tickmark/${period.period.start}_${period.period.end}/${period.now}`,
            description: { text: legible(periodWords(report)) },
          },
          invocations: [
            {
              executionSuccessful: period.problems.length === 0,
              ...(last === undefined
                ? {}
                : { startTimeUtc: last.started_at, endTimeUtc: last.finished_at }),
              toolExecutionNotifications: [
                ...period.problems.map((text) => ({
                  level: 'error',
                  message: { text: legible(text) },
                })),
                ...rules.flatMap(({ test }, ruleIndex) =>
                  test.gaps.map((gap) => ({
                    level: 'warning',
                    message: { text: gapWords(gap, legible) },
                    associatedRule: { id: test.id, index: ruleIndex },
                    properties: { cause: gap.cause },
                  })),
                ),
              ],
            },
          ],
          artifacts,
          columnKind: 'utf16CodeUnits',
          results: rules.flatMap(({ test, control }, ruleIndex) => {
            const artifact = period.controls.indexOf(control);
            return test.deviations.map((each) => ({
              ruleIndex,
              ...resultOf(each, period, last?.run),
              locations: [locationOf(each, artifacts[artifact]?.location.uri ?? '', artifact)],
            }));
          }),
          properties: {
            organizations: period.organizations.map(legible),
            period: period.period,
            as_of: period.as_of,
            interim: period.interim,
            through: period.through,
            head,
            marks,
            remarks: [whatItIs, ...marksOf(report)],
            conclusions: period.controls.map(({ id, conclusion, because }) => ({
              control: id,
              conclusion,
              because: because.map(legible),
            })),
          },
        },
      ],
    },
    null,
    2,
  )}\n`;
}

/** GitHub takes no empty text, and no more characters of a description. */
const mostOfDescription = 1024;

function description(text: string): { text: string } {
  return { text: legible(text).slice(0, mostOfDescription).toWellFormed() || '-' };
}

function ruleOf({ control, definition, test }: Rule) {
  const detail = definition.tests.find(({ id }) => id === test.id);
  const criteria = Object.entries(definition.criteria).flatMap(([framework, numbers]) =>
    numbers.map((number) => legible(`${framework}/${number}`)),
  );
  return {
    id: test.id,
    name: test.id,
    shortDescription: description(test.title),
    fullDescription: description(`${control.id} ${control.title}: ${definition.statement}`),
    help: { text: legible(detail?.remediation ?? '') || '-' },
    defaultConfiguration: { level: levelOf(test.severity) },
    properties: {
      control: control.id,
      criteria: definition.criteria,
      owner: legible(definition.owner),
      severity: test.severity,
      conclusion: test.conclusion,
      coverage: test.coverage,
      population: test.population,
      expect: detail?.expect ?? null,
      where: detail?.where ?? null,
      precision: 'very-high',
      'security-severity': scores[test.severity],
      // GitHub shows ten.
      tags: [...new Set(['security', control.id, ...criteria])].slice(0, 10),
    },
  };
}

/** Of the ranges that GitHub makes its words of. */
const scores = { critical: '9.5', high: '8.0', medium: '5.5', low: '2.0' };

function levelOf(severity: TestReport['severity']): 'error' | 'warning' {
  return severity === 'critical' || severity === 'high' ? 'error' : 'warning';
}

/** The control as it was tested last: the nearest to a file that a resource has. */
function artifactOf(control: ReportControl) {
  const { id } = control;
  const newest = newestFile(control);
  return {
    location: { uri: uriOf(newest?.file ?? '', id) },
    ...(newest === undefined ? {} : { hashes: { 'sha-256': newest.digest } }),
    description: { text: legible(`Control ${id}`) },
  };
}

/** A path within the repository, with nothing that leads out of it or to another place. */
function uriOf(file: string, id: string): string {
  const names = file
    .toWellFormed()
    .replace(/^builtin:/, 'builtin/')
    .split(/[\\/]/)
    .filter((name) => name !== '' && name !== '.' && name !== '..');
  return (names.length === 0 ? [`${id}.yaml`] : names).map(encodeURIComponent).join('/');
}

function locationOf({ source, dataset, scope, uid, name }: Deviation, uri: string, index: number) {
  return {
    // A resource has no lines; code scanning wants some.
    physicalLocation: {
      artifactLocation: { uri, index },
      region: { startLine: 1, startColumn: 1, endLine: 1, endColumn: 2 },
    },
    logicalLocations: [
      {
        name: legible(name),
        fullyQualifiedName: legible(uid),
        kind: 'resource',
        properties: { source: legible(source), dataset, scope: legible(scope) },
      },
    ],
  };
}

/** @param newest the last night's run. */
function resultOf(deviation: Deviation, period: PeriodReport, newest: string | undefined) {
  const { test, source, dataset, scope, uid, name, kind, opened, closed, remediation } = deviation;
  const standing = standingOf(deviation);
  // When it opened is part of it: what recurs is another one.
  const print = sha256(JSON.stringify([test, source, dataset, scope, uid, opened.by]));
  const suppressions =
    standing === 'waived' || deviation.waived === 'wholly' ? suppressionsOf(deviation, period) : [];
  return {
    ruleId: test,
    kind: 'fail',
    level: standing === 'closed' ? 'note' : levelOf(remediation.severity),
    message: { text: `${legible(name)} in ${legible(scope)}: ${storyOf(deviation)}.` },
    partialFingerprints: {
      'tickmarkDeviation/v1': print,
      // The only one that code scanning looks at.
      primaryLocationLineHash: `${print.slice(0, 16)}:1`,
    },
    baselineState:
      standing === 'closed' ? 'absent' : deviation.first_run === newest ? 'new' : 'unchanged',
    ...(suppressions.length === 0 ? {} : { suppressions }),
    provenance: { firstDetectionTimeUtc: opened.by },
    properties: {
      control: deviation.control,
      standing,
      kind,
      opened,
      closed,
      days: deviation.days,
      nights: deviation.nights,
      waived: deviation.waived,
      recurrence: deviation.recurrence,
      remediation,
      first_run: deviation.first_run,
      last_run: deviation.last_run,
    },
  };
}

function suppressionsOf(deviation: Deviation, { waivers }: PeriodReport) {
  const justifications = waiversOf(deviation, waivers).map(
    ({ reason, approver, from, until, ticket, compensating_control }) =>
      [
        `${reason} (approved by ${approver}, ${from} to ${until})`,
        ...(compensating_control === null ? [] : [`meanwhile: ${compensating_control}`]),
        ...(ticket === null ? [] : [`ticket ${ticket}`]),
      ].join('; '),
  );
  return (justifications.length === 0 ? ['under a waiver'] : justifications).map((each) => ({
    kind: 'external',
    status: 'accepted',
    justification: legible(each),
  }));
}
