/** Whether results belong to the bundle that names them: to its controls, its slices, its counts. */
import { canonicalJson } from '../evidence/json.ts';
import { noCounts, statuses } from '../evidence/result.ts';
import type { Manifest } from '../seal/manifest.ts';
import { nameOf, type SoundLink } from './chain.ts';
import type { ControlFacts } from './controls.ts';
import { breakOf, type Finding } from './finding.ts';
import type { ResultGroup } from './lists.ts';

/**
 * @param groups every row of the bundle.
 * @param controls by id; undefined for a control whose file cannot be read, of which nothing is said.
 */
export function* verifyResults(
  link: SoundLink,
  groups: ReadonlyMap<ResultGroup, number>,
  controls: ReadonlyMap<string, ControlFacts | undefined>,
): Generator<Finding> {
  const { key, sequence, manifest } = link;
  const found = noCounts();
  const faults = new Map<string, number>();
  const belongs = sliceTest(manifest);
  for (const [group, count] of groups) {
    found[group.status] += count;
    const fault = faultOf(group, controls, belongs);
    if (fault !== undefined) faults.set(fault, (faults.get(fault) ?? 0) + count);
  }
  for (const [fault, count] of faults) {
    yield breakOf(
      'ForeignResult',
      key,
      [sequence],
      `${count} result${count === 1 ? '' : 's'} of ${nameOf(link)} ${fault}: results were added or exchanged; restore the store from a copy`,
    );
  }
  if (found.waived > 0 && manifest.waivers === null) {
    yield breakOf(
      'WrongWaivers',
      key,
      [sequence],
      `${found.waived} result${found.waived === 1 ? '' : 's'} of ${nameOf(link)} ${found.waived === 1 ? 'is' : 'are'} waived, and it names no waivers: take them for fails, and find out who wrote it`,
    );
  }
  const counts = manifest.results?.counts ?? noCounts();
  const wrong = statuses.filter((status) => counts[status] !== found[status]);
  if (wrong.length > 0) {
    const each = wrong.map((status) => `${status} ${counts[status]}, its rows ${found[status]}`);
    yield breakOf(
      'CountsDisagree',
      key,
      [sequence],
      `${nameOf(link)} counts other results than its rows hold: it says ${each.join('; ')}; go by the rows, and find out who wrote the manifest`,
    );
  }
}

/** Undefined where the rows belong. */
function faultOf(
  { control, test, dataset, scope, status }: ResultGroup,
  controls: ReadonlyMap<string, ControlFacts | undefined>,
  belongs: (dataset: string, scope: string) => boolean,
): string | undefined {
  if (!controls.has(control)) return `are of control ${control}, which it does not name`;
  const facts = controls.get(control);
  if (facts === undefined) return undefined;
  const about = test === '' ? `control ${control}` : `test ${test}`;
  // A control that only people can show has one row, which says so.
  if (test === '' && facts.tests.size > 0) return `are of no test of control ${control}`;
  if (test !== '' && !facts.tests.has(test)) {
    return `are of test ${test}, which control ${control} does not have`;
  }
  if ((facts.tests.get(test) ?? '') !== dataset) {
    return `of ${about} are over ${dataset || 'no dataset'}, and its file says ${facts.tests.get(test) ?? 'none'}`;
  }
  // Of the test as a whole: there was nothing to judge.
  if (scope === '' && status === 'not_tested') return undefined;
  if (belongs(dataset, scope)) return undefined;
  return `of ${about} are over ${dataset} in ${scope || 'no scope'}, of which it has no slice`;
}

/**
 * Whether a bundle can have results over a dataset in a scope: it has the slice; or nothing of the
 * dataset was collected, which stands under the name of the source that gives it.
 */
function sliceTest({ slices, sources }: Manifest): (dataset: string, scope: string) => boolean {
  const placed = new Set(slices.map(({ dataset, scope }) => JSON.stringify([dataset, scope])));
  const collected = new Set(slices.map(({ dataset }) => dataset));
  const ids = new Set(sources.map(({ id }) => id));
  return (dataset, scope) =>
    placed.has(JSON.stringify([dataset, scope])) || (!collected.has(dataset) && ids.has(scope));
}

/** Whose evidence an `evaluate` judged: a bundle before it, with the same slices. */
export function* verifyEvidence(links: readonly SoundLink[]): Generator<Finding> {
  const byDigest = new Map(links.map((link) => [link.digest, link]));
  for (const link of links) {
    const { evidence_of: named, kind, slices } = link.manifest;
    const fault = (what: string) =>
      breakOf(
        'WrongEvidence',
        link.key,
        [link.sequence],
        `${nameOf(link)} ${what}; its results say nothing, find out who wrote it`,
      );
    if (named === null) {
      if (kind === 'evaluate') yield fault('does not say whose evidence it judged');
      continue;
    }
    if (kind !== 'evaluate') {
      yield fault(`is of kind ${kind} and says that it judged the evidence of run ${named.run}`);
      continue;
    }
    const evidence = byDigest.get(named.digest);
    if (evidence === undefined || evidence.sequence >= link.sequence) {
      yield fault(
        `judged the evidence of run ${named.run} (sha256:${named.digest}), and no bundle before it is that`,
      );
    } else if (evidence.manifest.run !== named.run) {
      yield fault(`names run ${named.run}, and that digest is run ${evidence.manifest.run}`);
    } else if (canonicalJson(evidence.manifest.slices) !== canonicalJson(slices)) {
      yield fault(`has other slices than ${nameOf(evidence)}, whose evidence it says it judged`);
    }
  }
}
