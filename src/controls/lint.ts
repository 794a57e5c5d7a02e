import path from 'node:path';
import type { Fault } from '../yaml/fault.ts';
import { didYouMean } from '../yaml/nearest.ts';
import type { Crosswalk } from './crosswalks.ts';
import type { LoadedControl } from './load.ts';
import type { TestDefinition } from './schema.ts';

/** Something about a control that loads and should be better. */
export interface LintFinding extends Fault {
  /** A `warning` may be meant. */
  severity: 'error' | 'warning';
}

/** What each test's cases must show, at least once. */
const required = [
  ['pass', 'passes'],
  ['fail', 'fails'],
  ['error', 'cannot be told'],
] as const;

/** Every finding in every control, in the order of the files. */
export function lintControls(
  controls: readonly LoadedControl[],
  crosswalks: ReadonlyMap<string, Crosswalk>,
): LintFinding[] {
  return controls.flatMap((loaded) => [
    ...lintName(loaded),
    ...lintCriteria(loaded, crosswalks),
    ...loaded.control.tests.flatMap((test, index) => lintCases(loaded, test, index)),
    ...lintEmpty(loaded),
  ]);
}

function finding(fault: Fault, severity: LintFinding['severity'] = 'error'): LintFinding {
  return { ...fault, severity };
}

/** `AC-01-root-user.yaml`: who knows the id or the title finds the file. */
function lintName({ control, file, document }: LoadedControl): LintFinding[] {
  const name = path.basename(file);
  const prefix = `${control.id}-`;
  const slug = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  if (/^[a-z0-9]+(?:-[a-z0-9]+)*\.ya?ml$/.test(slug)) return [];
  const message = `the file is called ${name}; call it ${prefix}<title-in-a-few-words>.yaml`;
  return [finding(document.fault(['id'], message))];
}

function lintCriteria(
  { control, document }: LoadedControl,
  crosswalks: ReadonlyMap<string, Crosswalk>,
): LintFinding[] {
  return Object.entries(control.criteria).flatMap(([framework, ids]) => {
    const crosswalk = crosswalks.get(framework);
    if (crosswalk === undefined) {
      const message = `unknown framework "${framework}"${didYouMean(framework, crosswalks.keys())}`;
      return [finding(document.fault(['criteria', framework], message))];
    }
    return ids.flatMap((id, index) => {
      if (crosswalk.has(id)) return [];
      const message = `${crosswalk.title} has no "${id}"${didYouMean(id, crosswalk.ids.keys())}`;
      return [finding(document.fault(['criteria', framework, index], message))];
    });
  });
}

function lintCases(
  { document }: LoadedControl,
  test: TestDefinition,
  index: number,
): LintFinding[] {
  return required
    .filter(([status]) => !test.cases.some((testCase) => testCase.status === status))
    .map(([status, words]) =>
      finding(
        document.fault(
          ['tests', index, 'cases'],
          `no case that ${words} (status: ${status}); a test that was never seen to do so proves little`,
        ),
      ),
    );
}

function lintEmpty({ control, document }: LoadedControl): LintFinding[] {
  if (control.tests.length > 0) return [];
  const message = 'no test: every run reports it as not_tested, and people have to show it';
  return [finding(document.fault(['tests'], message), 'warning')];
}
