/**
 * A report as JUnit XML, as CI systems read it: a test suite for each control, a test case for each
 * of its tests (docs/formats/report.md). Valid by the schema that Jenkins publishes (junit-10.xsd).
 */
import type { ControlReport, Deviation, TestReport } from '../period/report.ts';
import type { Report, ReportControl } from './model.ts';
import {
  byUrgency,
  gapWords,
  interimWords,
  legible,
  marksOf,
  periodWords,
  plural,
  type Standing,
  standingOf,
  storyOf,
  whatItIs,
} from './words.ts';

interface Case {
  element: string;
  failed: boolean;
  untold: boolean;
  skipped: boolean;
}

export function junit(report: Report): string {
  const { controls } = report.period;
  const suites = controls.map((control, index) =>
    suiteOf(report, control, report.controls[index] as ReportControl),
  );
  const sum = (of: 'tests' | 'failures' | 'errors') =>
    suites.reduce((all, counts) => all + counts[of], 0);
  const name = `${report.period.organizations.join(', ')}: ${periodWords(report)}`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({
      name,
      tests: sum('tests'),
      failures: sum('failures'),
      errors: sum('errors'),
    })}>`,
    ...suites.flatMap(({ lines }) => lines),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteOf(report: Report, control: ControlReport, { criteria, owner }: ReportControl) {
  // A control that only people can show has no test: nothing of it runs here.
  const cases =
    control.tests.length === 0
      ? [skippedCase(control.id, control.id, 'no test', control.because.join('\n'))]
      : control.tests.map((test) => caseOf(control, test, report.period.problems));
  const tests = cases.length;
  const failures = cases.filter(({ failed }) => failed).length;
  const errors = cases.filter(({ untold }) => untold).length;
  const properties: Record<string, string> = {
    period: periodWords(report),
    conclusion: control.conclusion,
    because: control.because.join('; '),
    coverage: `${control.coverage.complete} of ${control.coverage.expected} occurrences`,
    population: `${control.deviating} of ${control.population} deviate`,
    criteria: Object.entries(criteria)
      .map(([framework, numbers]) => `${framework} ${numbers.join(', ')}`)
      .join('; '),
    owner,
    marks: [interimWords(report) ?? [], marksOf(report)].flat().join(' '),
    head: report.head === null ? '' : `${report.head.sequence} ${report.head.digest}`,
    remark: whatItIs,
  };
  return {
    ...{ tests, failures, errors },
    lines: [
      `  <testsuite${attributes({
        name: `${control.id} ${control.title}`,
        tests,
        failures,
        errors,
        skipped: cases.filter(({ skipped }) => skipped).length,
        // JUnit's times have no zone; this one is UTC.
        timestamp: report.period.now.slice(0, 19),
        id: control.id,
      })}>`,
      '    <properties>',
      ...Object.entries(properties)
        .filter(([, value]) => value !== '')
        .map(([name, value]) => `      <property${attributes({ name, value })}/>`),
      '    </properties>',
      ...cases.map(({ element }) => element),
      '  </testsuite>',
    ],
  };
}

function skippedCase(classname: string, name: string, type: string, message: string): Case {
  const element = [
    `    <testcase${attributes({ name, classname })}>`,
    `      <skipped${attributes({ type, message })}/>`,
    '    </testcase>',
  ].join('\n');
  return { element, failed: false, untold: false, skipped: true };
}

function caseOf(control: ControlReport, test: TestReport, problems: readonly string[]): Case {
  const name = `${test.id}: ${test.title}`;
  if (test.conclusion === 'did not operate') {
    return skippedCase(control.id, name, test.conclusion, 'no occurrence in the period');
  }
  const of = (...standings: Standing[]) =>
    test.deviations.filter((each) => standings.includes(standingOf(each))).sort(byUrgency);
  const untold = test.conclusion === 'insufficient evidence';
  const failing = of('open', 'event');
  const past = of('closed', 'waived');
  const because = [
    ...problems,
    ...control.because
      .filter((each) => each.startsWith(`${test.id}: `))
      .map((each) => each.slice(test.id.length + 2)),
  ];
  const children = [
    ...(untold
      ? [
          block(
            'error',
            test.gaps.map((gap) => gapWords(gap, legible)),
            {
              type: test.conclusion,
              message: because.join('; '),
            },
          ),
        ]
      : []),
    ...(failing.length > 0
      ? [
          block('failure', failing.map(line), {
            type: test.conclusion,
            message: messageOf(failing),
          }),
        ]
      : []),
    ...(past.length > 0 ? [block('system-out', ['Closed or waived:', ...past.map(line)], {})] : []),
  ];
  const open = `    <testcase${attributes({ name, classname: control.id })}`;
  const element =
    children.length === 0 ? `${open}/>` : [`${open}>`, ...children, '    </testcase>'].join('\n');
  return { element, untold, failed: failing.length > 0, skipped: false };
}

function messageOf(failing: readonly Deviation[]): string {
  const count = (standing: Standing) =>
    failing.filter((each) => standingOf(each) === standing).length;
  const [open, events] = [count('open'), count('event')];
  return [
    ...(open > 0 ? [plural(open, 'open deviation')] : []),
    ...(events > 0 ? [`${plural(events, 'event')} that deviated`] : []),
  ].join(', ');
}

function line(deviation: Deviation): string {
  const { name, uid, source, scope, remediation } = deviation;
  const what = name === uid ? uid : `${name} (${uid})`;
  return `${what} in ${source} ${scope}, ${remediation.severity}: ${storyOf(deviation)}`;
}

function block(element: string, lines: readonly string[], of: Record<string, string>): string {
  const content = lines.map((each) => `\n        ${escaped(each)}`).join('');
  return `      <${element}${attributes(of)}>${content}\n      </${element}>`;
}

function attributes(of: Record<string, string | number>): string {
  return Object.entries(of)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('');
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** One line of text, in an element or an attribute. */
function escaped(outside: string): string {
  return legible(outside).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
