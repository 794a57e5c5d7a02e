/**
 * What every collector keeps to, shown on recorded exchanges (test/collectors/replay.ts): each case
 * ends as its case.json says, asks only what is declared, and leaves no recorded answer unused.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/cli/package.ts';
import type { Call, Slice } from '../../src/evidence/slice.ts';
import { casesOf, type RecordedCase, type Replayed, registry, replayCase } from './replay.ts';

/** Collectors for which AWS documents that there is no such answer. */
const cannotBe = {
  // GetCallerIdentity needs no permission, even an explicit denial does not stop it.
  denied: ['aws.sts'],
  // Whoever asks is somebody.
  empty: ['aws.sts'],
};

const replayed = new Map<string, Promise<Replayed>>();

/** Each case is replayed once for all tests. */
function replay(recorded: RecordedCase): Promise<Replayed> {
  const known = replayed.get(recorded.folder) ?? replayCase(recorded);
  replayed.set(recorded.folder, known);
  return known;
}

function problemsOf(slices: Slice[]): Record<string, string[]> {
  return Object.fromEntries(
    slices
      .filter(({ problems }) => problems.length > 0)
      .map(({ dataset, problems }) => [dataset, problems.map(({ code }) => code)]),
  );
}

/** By which a dataset declares a call: routes and queries by themselves. */
function declaredName({ service, operation }: Call): string {
  return service === 'github' ? operation : `${service}:${operation}`;
}

/** Which page of a list a call asked for; a list of GraphQL goes on behind a cursor. */
function pageOf({ operation, parameters, page }: Call): number | undefined {
  if (!operation.startsWith('graphql:')) return page;
  const cursors = Object.entries(parameters).filter(([name]) => /^after\d*$/.test(name));
  return cursors.some(([, cursor]) => cursor !== null) ? 2 : 1;
}

describe.each(registry.collectors)('$id', ({ id, datasets }) => {
  const cases = casesOf(id);
  const allSlices = async () =>
    (await Promise.all(cases.map(replay))).flatMap(({ slices }) => slices);

  describe.each(cases)('$name: $expected.title', (recorded) => {
    const { expected } = recorded;

    it('ends as it says', async () => {
      const { slices } = await replay(recorded);
      const by = <Value>(read: (slice: Slice) => Value) =>
        Object.fromEntries(slices.map((slice) => [slice.dataset, read(slice)]));
      expect(slices).toHaveLength(Object.keys(expected.outcomes).length);
      expect(by(({ outcome }) => outcome)).toEqual(expected.outcomes);
      expect(by(({ records }) => records.length)).toEqual(expected.records);
      expect(problemsOf(slices)).toEqual(expected.problems);
    });

    it('asks what its datasets declare, and all that was recorded', async () => {
      const { slices, unused } = await replay(recorded);
      for (const { dataset, calls } of slices) {
        const declared = Object.keys(registry.datasets.get(dataset)?.calls ?? {});
        const asked = calls.map(declaredName);
        expect(
          asked.filter((call) => !declared.includes(call)),
          dataset,
        ).toEqual([]);
      }
      expect(unused).toBe(0);
    });

    it('gives records of the declared shape, each with the calls it was made from', async () => {
      const { slices } = await replay(recorded);
      for (const { dataset, records, calls } of slices) {
        const shape = registry.datasets.get(dataset)?.fields.strict();
        const traced = calls.map((call) => call.id);
        for (const { uid, fields, calls: from } of records) {
          expect(shape?.safeParse(fields).error, `${dataset} ${uid}`).toBeUndefined();
          expect(from, `${dataset} ${uid}`).not.toEqual([]);
          expect(traced, `${dataset} ${uid}`).toEqual(expect.arrayContaining(from));
        }
      }
    });
  });

  it.each(datasets)('$name has a complete case with a record', async ({ name }) => {
    const own = (await allSlices()).filter(({ dataset }) => dataset === name);
    expect(own.some((slice) => slice.outcome === 'complete' && slice.records.length > 0)).toBe(
      true,
    );
  });

  it('has a case with a second page, if it asks page by page', async () => {
    const slices = (await allSlices()).filter(({ outcome }) => outcome === 'complete');
    const pages = slices.flatMap(({ calls }) => calls.flatMap((call) => pageOf(call) ?? []));
    expect(pages.length === 0 || Math.max(...pages) >= 2).toBe(true);
  });

  if (!cannotBe.denied.includes(id))
    it('has a case that is denied', async () => {
      const denied = (await allSlices()).filter(({ problems }) =>
        // A note says what was denied of some fields, which the records then lack.
        problems.some(({ code, severity }) => code === 'AccessDenied' && severity === 'error'),
      );
      expect(denied).not.toEqual([]);
      expect(denied.filter(({ outcome }) => outcome === 'complete')).toEqual([]);
    });

  if (!cannotBe.empty.includes(id))
    it('has a case with an empty answer', async () => {
      const complete = (await allSlices()).filter(({ outcome }) => outcome === 'complete');
      const empty = complete.filter(
        ({ records, calls }) =>
          records.length === 0 || calls.some(({ absent }) => absent !== undefined),
      );
      expect(empty).not.toEqual([]);
    });
});

it('no case stands where no collector is', () => {
  const fixtures = join(packageRoot, 'fixtures');
  const folders = [...registry.sources.keys()]
    .filter((source) => existsSync(join(fixtures, source)))
    .flatMap((source) => readdirSync(join(fixtures, source)).map((api) => `${source}.${api}`));
  const collectors = registry.collectors.map(({ id }) => id);
  expect(folders.filter((id) => !collectors.includes(id) && !id.endsWith('.connect'))).toEqual([]);
});
