/**
 * The demo's year, once through the built command line, held against what was put into it: the
 * list in test/support/demo-year-expected.ts, which nothing of the program made.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../src/evidence/result.ts';
import type { Deviation, PeriodReport, TestReport } from '../../src/period/report.ts';
import type { Bundle } from '../../src/seal/manifest.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { readResults } from '../../src/store/results.ts';
import { Store } from '../../src/store/store.ts';
import { tickmark } from '../support/cli.ts';
import {
  type ExpectedDeviation,
  type ExpectedEvent,
  expectedDeviations,
  expectedEmergency,
  expectedEvents,
  expectedGaps,
  expectedPopulations,
  expectedVersions,
} from '../support/demo-year-expected.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

/** Port 9 discards: whoever asks anything there gets no answer. */
const nowhere = 'http://127.0.0.1:9';
const config = fileURLToPath(new URL('../../fixtures/demo/tickmark.yaml', import.meta.url));
const nothing = {
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  GITHUB_API_URL: nowhere,
};

const day = (time: string) => time.slice(0, 10);
const withoutCommit = (name: string) => name.replace(/@[0-9a-f]{40}$/, '@*');
const inOrder = <T>(rows: T[]) =>
  rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

describe('the year of tickmark demo', () => {
  let said: Record<string, unknown>;
  let report: PeriodReport;
  let tests: TestReport[];
  let store: Store;
  let bundles: Bundle[];

  const nightOf = (date: string) =>
    bundles.filter(({ manifest }) => day(manifest.started_at) === date);
  const rowsOf = async (date: string): Promise<Result[]> => {
    const rows: Result[] = [];
    for (const bundle of nightOf(date)) {
      for await (const row of readResults(store, bundle)) rows.push(row);
    }
    return rows;
  };

  beforeAll(async () => {
    const cwd = await temporaryFolder();
    const folder = join(cwd, 'evidence');
    const demo = ['demo', '--json', '--store', folder];
    const made = await tickmark(demo, nowhere, { cwd, env: nothing, timeout: 240_000 });
    expect([made.code, made.stderr.replace(/.*Warning[\s\S]*/, '')]).toEqual([0, '']);
    said = JSON.parse(made.stdout);
    const status = ['status', '--json', '--config', config, '--store', folder];
    const read = await tickmark(status, nowhere, { cwd, env: nothing });
    expect(read.code).toBe(0);
    report = JSON.parse(read.stdout);
    tests = report.controls.flatMap((control) => control.tests);
    store = new Store(folderBackend(folder));
    bundles = [];
    for await (const bundle of store.bundles()) bundles.unshift(bundle);
  }, 300_000);
  afterAll(removeTemporary);

  it('says what it is: simulated nights, answered from recordings, without any account', () => {
    // 366 days without a week, and a bundle for what the week held.
    expect(said).toMatchObject({
      first: '2025-01-01T02:00:00.000Z',
      last: '2026-01-01T02:00:00.000Z',
      nights: 359,
      bundles: 360,
      clock: 'simulated',
      answers: 'replayed',
      exit_code: 0,
    });
    expect(report.simulated).toBe(true);
    expect(report.period).toEqual({ start: '2025-01-01', end: '2025-12-31', timezone: 'UTC' });
    for (const { manifest } of bundles) {
      expect([manifest.clock, manifest.answers]).toEqual(['simulated', 'replayed']);
      expect(manifest.sources.flatMap(({ endpoints }) => endpoints)).toEqual([]);
    }
  });

  it('reports each deviation that was put into it, and no other', () => {
    const found = tests
      .filter(({ kind }) => kind === 'state')
      .flatMap(({ deviations }) => deviations)
      .map(stateOf);
    expect(inOrder(found)).toEqual(inOrder(expectedDeviations));
  });

  it('reports each event that should not have been, and no other', () => {
    const found = tests
      .filter(({ kind }) => kind === 'event')
      .flatMap(({ deviations }) => deviations)
      .map(({ test, name, opened, first_run }): ExpectedEvent => {
        const night = bundles.find(({ manifest }) => manifest.run === first_run)?.manifest;
        return {
          test,
          resource: withoutCommit(name),
          // When something landed on a branch GitHub does not tell.
          at:
            opened.how === 'found'
              ? [day(opened.after ?? ''), day(opened.by)]
              : opened.by.replace('.000Z', 'Z'),
          night: day(night?.started_at ?? ''),
        };
      });
    expect(inOrder(found)).toEqual(inOrder(expectedEvents));
  });

  it('judges an emergency again when it was approved in time', async () => {
    const { fails, passes, rows } = expectedEmergency;
    const [before, after] = [await rowsOf(fails), await rowsOf(passes)];
    for (const { test, resource } of rows) {
      const failed = before.filter((row) => row.test === test && row.status === 'fail');
      expect(
        failed.map((row) => withoutCommit(row.resource.name)),
        test,
      ).toEqual([resource]);
      const again = after.filter(
        (row) => row.test === test && row.resource.uid === failed[0]?.resource.uid,
      );
      expect(
        again.map(({ status }) => status),
        test,
      ).toEqual(['pass']);
    }
  });

  it('names the gaps with their cause, and that nothing closes them', () => {
    const { noRun, throttled } = expectedGaps;
    for (const { id, kind, gaps } of tests) {
      const found = gaps.map(({ from, to, occurrences, cause, closable }) => ({
        ...{ from, to, occurrences, cause, closable },
      }));
      const { tests: of, ...night } = throttled;
      const expected = [
        ...(kind === 'state' ? [{ ...noRun, cause: 'no run', closable: null }] : []),
        ...(of.includes(id) ? [{ ...night, cause: 'not collected', closable: null }] : []),
      ];
      expect(found, id).toEqual(expected);
    }
    const untold = tests.flatMap((test) =>
      test.gaps.filter(({ cause }) => cause === 'not collected'),
    );
    for (const { why } of untold) expect(why).toContain('GenerateCredentialReport');
  });

  it('collects what happened in the week without runs, each once', async () => {
    const { noRun } = expectedGaps;
    const after = nightOf('2025-08-18').map(({ manifest }) => manifest);
    expect(after.map(({ kind }) => kind)).toEqual(['backfill', 'run']);
    const merged = (await rowsOf('2025-08-18'))
      .filter(({ test }) => test === 'chg-approve')
      .map(({ resource }) => resource.name);
    // Monday the 11th to Friday the 15th: three by turns, and the one without a ticket.
    expect(new Set(merged).size).toBe(merged.length);
    expect(merged.length).toBeGreaterThanOrEqual(3);
    for (const { id, coverage } of tests.filter(({ kind }) => kind === 'event')) {
      expect(coverage, id).toEqual({ expected: 365, complete: 365 });
    }
    for (const date of [noRun.from, noRun.to]) expect(nightOf(date)).toEqual([]);
  });

  it('could tell everything of every other night', async () => {
    const untold = new Set<string>();
    for (const { manifest } of bundles) {
      if ((manifest.results?.counts.error ?? 0) > 0) untold.add(day(manifest.started_at));
    }
    expect([...untold]).toEqual([expectedGaps.throttled.from]);
    const errors = (await rowsOf(expectedGaps.throttled.from)).filter(
      ({ status }) => status === 'error',
    );
    expect(errors.map(({ test }) => test).sort()).toEqual(expectedGaps.throttled.tests);
  });

  it('lists what changed of that which judges, with the nights under each version', () => {
    const { what, id, versions } = expectedVersions;
    const judging = report.changes.filter((change) => change.what !== 'configuration');
    expect(
      judging.map((change) => ({
        ...{ what: change.what, id: change.id },
        versions: change.versions.map((each) => ({ ...each, value: JSON.parse(each.value) })),
      })),
    ).toEqual([{ what, id, versions }]);
    const [configuration] = report.changes.filter((change) => change.what === 'configuration');
    expect(configuration?.versions.map(({ from, to }) => [from, to])).toEqual(
      versions.map(({ from, to }) => [from, to]),
    );
  });

  it('counts every resource and event of the year once', () => {
    const found = Object.fromEntries(tests.map(({ id, population }) => [id, population]));
    expect(found).toMatchObject(expectedPopulations);
  });

  it('says of the waiver that it covered one deviation, and ended before it did', () => {
    expect(report.waivers).toMatchObject([
      {
        test: 'aws-iam-grp',
        resource: 'metrics-exporter',
        from: '2025-07-28',
        until: '2025-09-30',
        state: 'expired',
        deviations: 1,
      },
    ]);
    const open = tests.filter((test) => test.open > 0);
    expect(open.map(({ id }) => id)).toEqual(['aws-pwpol']);
  });
});

function stateOf(found: Deviation): ExpectedDeviation {
  const { opened, closed, days, recurrence } = found;
  return {
    test: found.test,
    resource: found.name,
    opened: {
      after: opened.after === null ? null : day(opened.after),
      by: day(opened.by),
      how: opened.how as ExpectedDeviation['opened']['how'],
    },
    closed:
      closed === null ? null : { after: day(closed.after), by: day(closed.by), how: closed.how },
    spans: found.spans.map(({ status, from, to }) => [status, from, to]),
    nights: found.nights,
    // Each night takes a moment longer or shorter than the one before.
    days: { least: Math.round(days?.least ?? -1), most: Math.round(days?.most ?? -1) },
    recurrence,
  };
}
