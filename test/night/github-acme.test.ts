import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Call } from '../../src/evidence/slice.ts';
import type { SealedSlice } from '../../src/seal/manifest.ts';
import { unfold } from '../../src/store/objects.ts';
import { acmeGitHubExpected, type ExpectedRows } from '../support/github-acme-expected.ts';
import {
  type Acme,
  acmeNow,
  acmeOnGitHub,
  pullRequestOf,
  repositoryOf,
} from '../support/github-acme-world.ts';
import { type GitHubStandIn, startGitHub } from '../support/github-stand-in.ts';
import {
  addCheck,
  cutBranch,
  directPush,
  forcePush,
  merge,
  review,
} from '../support/github-world.ts';
import { removeTemporary } from '../support/temporary.ts';
import { type GitHubNight, gitHubNight, isError, newGitHubProject } from './github-project.ts';
import { type Row, readRows, storeOf } from './project.ts';

const patience = 120_000;
const standIns: GitHubStandIn[] = [];

async function open(acme: Acme, now = () => acmeNow): Promise<GitHubStandIn> {
  const standIn = await startGitHub(acme.world, { now: () => new Date(now()) });
  standIns.push(standIn);
  return standIn;
}

afterAll(async () => {
  // Throws where a stand-in could not do as GitHub does.
  await Promise.all(standIns.map((standIn) => standIn.close()));
  await removeTemporary();
});

/** What each row says, with the reason where that was worked out; a row too many shows as well. */
function said(rows: Row[], expected: ExpectedRows) {
  return rows
    .map(({ resource: { name }, status, reason }) =>
      typeof expected[name] === 'object' ? [name, status, reason] : [name, status],
    )
    .sort();
}

function workedOut(expected: ExpectedRows) {
  return Object.entries(expected)
    .map(([name, verdict]) => [name, ...(typeof verdict === 'string' ? [verdict] : verdict)])
    .sort();
}

const ofTest = (rows: Row[], test: string) => rows.filter((row) => row.test === test);

/** Tests of what happened, each judged in the night that holds it. */
const eventTests = [
  'chg-approve',
  'chg-bypass',
  'chg-conf',
  'chg-deploy',
  'chg-direct',
  'chg-test',
  'chg-ticket',
  'gh-alerts-closed',
];

describe('a night at Acme on GitHub', () => {
  const acme = acmeOnGitHub();
  const expected = acmeGitHubExpected(acme);
  let standIn: GitHubStandIn;
  let cwd: string;
  let night: GitHubNight;
  let slices: SealedSlice[];

  beforeAll(async () => {
    standIn = await open(acme);
    cwd = await newGitHubProject();
    night = await gitHubNight(cwd, standIn);
    slices = (await storeOf(cwd).last())?.manifest.slices ?? [];
  }, patience);

  it.each(Object.keys(expected))(
    '%s says of each resource what was worked out by hand, and of no other',
    (test) => {
      const rows = ofTest(night.rows, test);
      expect(said(rows, expected[test] ?? {})).toEqual(workedOut(expected[test] ?? {}));
    },
  );

  it('judges by no other test: what is of AWS has no source', () => {
    const others = night.rows.filter(({ test }) => !(test in expected));
    expect(others.filter(({ status }) => status !== 'not_tested')).toEqual([]);
    expect(others.map(({ reason }) => reason).join('\n')).not.toMatch(
      /no configured source.*github/,
    );
  });

  it('is complete, sealed in one piece, and ends with 1 for the deviations', () => {
    expect(night.summary.not_collected).toEqual([]);
    expect(night.rows.filter(isError)).toEqual([]);
    expect(night.backfill).toEqual([]);
    expect(night.code).toBe(1);
  });

  it('shows each test with more than one outcome, but for the organisation itself', () => {
    const single = Object.entries(expected).filter(
      ([, rows]) => new Set(Object.values(rows).map((row) => [row].flat()[0])).size < 2,
    );
    expect(single.map(([test]) => test)).toEqual(['gh-2fa-org', 'gh-base']);
  });

  it('says what it left out, and why', () => {
    expect(night.summary.left_out.map(({ scope, reason }) => `${scope}: ${reason}`).sort()).toEqual(
      [
        'acme/legacy: archived',
        'acme/linux: a fork',
        'acme/sandbox-1: excluded by repositories.exclude',
      ],
    );
    const notes = night.summary.notes.map(({ dataset, message }) => `${dataset}: ${message}`);
    // Merges into branches that do not ship (trap 42), and alerts of what is out of scope.
    expect(notes.filter((note) => /develop 1|legacy 1/.test(note))).toHaveLength(2);
  });

  it('covers the period from its start to the night without a hole', () => {
    const events = slices.filter(({ kind }) => kind === 'events');
    expect(events.length).toBeGreaterThanOrEqual(6);
    for (const { dataset, interval } of events) {
      expect(interval, dataset).toMatchObject({
        start: '2026-11-14T00:00:00.000Z',
        covered_since: '2026-11-14T00:00:00.000Z',
      });
      expect(interval?.end.slice(0, 16), dataset).toBe(acmeNow.slice(0, 16));
    }
  });

  it('ties what it found out with what GitHub counts, changes with the commits that landed', () => {
    const tieOuts = slices.flatMap(({ dataset, tie_outs }) =>
      tie_outs.map((each) => ({ dataset, ...each })),
    );
    expect(tieOuts.filter(({ expected: counted, found }) => counted !== found)).toEqual([]);
    const changes = tieOuts.filter(({ dataset }) => dataset === 'github.changes');
    expect(changes.filter(({ by, found }) => /commit/.test(by) && found > 30)).not.toEqual([]);
  });

  it('ties every record to calls of its slice that GitHub knows again', async () => {
    const store = storeOf(cwd);
    let records = 0;
    for (const slice of slices) {
      const calls = new Map<string, Call>();
      for await (const lines of store.calls(slice.calls)) {
        for (const call of lines) calls.set(call.id, call);
      }
      for await (const part of store.records(slice)) {
        for (const record of part) {
          records += 1;
          const where = `${slice.dataset} ${record.name}`;
          expect(record.calls.length, where).toBeGreaterThan(0);
          for (const id of record.calls) {
            expect(calls.get(id)?.request_id, `${where}: ${id}`).toMatch(/\S/);
            expect(Date.parse(calls.get(id)?.server_date ?? ''), where).not.toBeNaN();
          }
        }
      }
    }
    expect(records).toBe(night.summary.records);
  });

  it('keeps neither the token nor a secret that was found', async () => {
    const store = storeOf(cwd);
    const texts = [JSON.stringify(night.summary), night.stderr, JSON.stringify(night.rows)];
    for await (const { key } of store.backend.entries('objects')) {
      texts.push(String(await unfold((await store.backend.read(key)) as Uint8Array)));
    }
    const found = new RegExp(`${acme.world.viewer.token}|must-never-be-kept`);
    expect(texts.filter((text) => found.test(text))).toEqual([]);
  });

  it('gives the same rows to whoever reads them later', async () => {
    const rows = await readRows(cwd);
    expect(rows).toHaveLength(night.rows.length);
  });
});

describe('a period that began weeks before the first night', () => {
  const acme = acmeOnGitHub();
  const expected = acmeGitHubExpected(acme);
  let night: GitHubNight;
  /** The rows of tests of what happened, of all that was sealed. */
  let rows: Row[];

  beforeAll(async () => {
    const cwd = await newGitHubProject({ start: '2026-11-01' });
    night = await gitHubNight(cwd, await open(acme));
    rows = [...night.backfill.flatMap((part) => part.rows), ...night.rows].filter(
      ({ test, status }) => eventTests.includes(test) && status !== 'not_tested',
    );
  }, patience);

  it('is sealed a week at a time, oldest first, what happened only', () => {
    const intervals = night.backfill.map(({ bundle }) => [
      bundle.manifest.kind,
      ...new Set(bundle.manifest.slices.map(({ interval }) => interval?.start)),
      ...new Set(bundle.manifest.slices.map(({ interval }) => interval?.end)),
    ]);
    expect(intervals).toEqual([
      ['backfill', '2026-11-01T00:00:00.000Z', '2026-11-08T00:00:00.000Z'],
      ['backfill', '2026-11-08T00:00:00.000Z', '2026-11-15T00:00:00.000Z'],
    ]);
    const tests = new Set(night.backfill.flatMap((part) => part.rows.map(({ test }) => test)));
    expect([...tests].filter((test) => !eventTests.includes(test))).toEqual([]);
    expect(night.code).toBe(1);
  });

  it('gives each event one row, in the piece that holds it', () => {
    const [first, second] = night.backfill.map((part) =>
      part.rows
        .filter(({ status }) => status !== 'not_tested')
        .map(({ test, resource, status }) => `${test} ${resource.name} ${status}`),
    );
    const { landed = [] } = pullRequestOf(acme, 'acme/web#2').merge ?? {};
    expect(first?.sort()).toEqual([
      'chg-approve acme/web#2 pass',
      `chg-direct acme/web@${landed[0]} pass`,
      'chg-test acme/web#2 pass',
      'chg-ticket acme/web#2 pass',
    ]);
    expect(second?.sort()).toEqual([
      'chg-conf acme/web protected_branch.create pass',
      `chg-direct acme/web@${acme.commits.early} fail`,
    ]);
    const keys = rows.map(({ test, resource }) => `${test} ${resource.uid}`);
    expect(keys.length).toBe(new Set(keys).size);
  });

  it('says of the last week what a shorter period says', () => {
    for (const test of eventTests) {
      const own = ofTest(night.rows, test);
      expect(said(own, expected[test] ?? {}), test).toEqual(workedOut(expected[test] ?? {}));
    }
  });

  it('counts the exit code over all of it', () => {
    expect(night.summary.backfill.map(({ counts }) => counts.fail)).toEqual([0, 1]);
  });
});

describe('the night after', () => {
  const acme = acmeOnGitHub();
  let now = acmeNow;
  let night: GitHubNight;
  let commits: Record<'merged' | 'backdated' | 'released' | 'rewritten', string>;

  beforeAll(async () => {
    const cwd = await newGitHubProject();
    const standIn = await open(acme, () => now);
    await gitHubNight(cwd, standIn);
    const api = repositoryOf(acme, 'acme/api');
    const infra = repositoryOf(acme, 'acme/infra');
    const playground = repositoryOf(acme, 'acme/playground');
    // In time for an emergency (trap 39).
    review(api, pullRequestOf(acme, 'acme/api#36'), { by: 'bob', at: '2026-11-20T09:00:00Z' });
    // What was open yesterday.
    const pr = pullRequestOf(acme, 'acme/api#37');
    review(api, pr, { by: 'carol', at: '2026-11-20T09:30:00Z' });
    addCheck(api, pr.head, { name: 'build', completedAt: '2026-11-20T09:40:00Z' });
    merge(api, pr, { at: '2026-11-20T10:00:00Z' });
    // A machine's clock says what its owner wants.
    const [backdated] = directPush(api, 'main', { by: 'dave', at: '2026-02-01T09:00:00Z' });
    api.pushedAt = '2026-11-20T11:00:00Z';
    // A branch that did not ship yesterday, since it was not there.
    cutBranch(infra, 'release/1.0', 'main', '2026-11-20T12:00:00Z');
    const [released] = directPush(infra, 'release/1.0', {
      by: 'carol',
      at: '2026-11-20T12:30:00Z',
    });
    // What was there yesterday is gone.
    forcePush(playground, 'main', { by: 'dave', at: '2026-11-20T13:00:00Z' });
    commits = {
      merged: pr.merge?.commit ?? '',
      backdated: backdated?.oid ?? '',
      released: released?.oid ?? '',
      rewritten: playground.branches.main ?? '',
    };
    Object.assign(acme.world.organization, { saml: null, basePermission: 'write' });
    now = '2026-11-21T02:00:00Z';
    night = await gitHubNight(cwd, standIn, { clock: now });
  }, patience);

  const statusesOf = (test: string) =>
    Object.fromEntries(ofTest(night.rows, test).map((row) => [row.resource.name, row.status]));

  it('judges what is new and what changed, and nothing twice', () => {
    expect(statusesOf('chg-approve')).toEqual({ 'acme/api#36': 'pass', 'acme/api#37': 'pass' });
    expect(statusesOf('chg-direct')).toEqual({
      [`acme/api@${commits.merged}`]: 'pass',
      [`acme/api@${commits.backdated}`]: 'fail',
      [`acme/infra@${commits.released}`]: 'fail',
      [`acme/playground@${commits.rewritten}`]: 'fail',
    });
    expect(night.rows.filter(isError)).toEqual([]);
  });

  it('takes the approval that came in time', () => {
    const head = pullRequestOf(acme, 'acme/api#36').head.slice(0, 7);
    const [row] = ofTest(night.rows, 'chg-approve');
    expect(row?.reason).toBe(
      `approved by bob at ${head} (2026-11-20 09:00), after the merge at 22:00; merged at ${head}; emergency change, for which an approval counts until 2026-11-20T22:00:00Z`,
    );
  });

  it('says that history was rewritten', () => {
    const notes = night.summary.notes.filter(
      ({ dataset }) => dataset === 'github.production_commits',
    );
    expect(notes.map(({ message }) => message).join('\n')).toMatch(/acme\/playground/);
  });

  it('says of what did not happen that it did not, which is no pass', () => {
    for (const test of ['chg-bypass', 'chg-conf', 'chg-deploy', 'gh-alerts-closed']) {
      expect(
        ofTest(night.rows, test).map(({ status }) => status),
        test,
      ).toEqual(['not_tested']);
    }
  });

  it('fails an organisation that was loosened', () => {
    expect(statusesOf('gh-2fa-org')).toEqual({ acme: 'fail' });
    expect(statusesOf('gh-base')).toEqual({ acme: 'fail' });
    // Nobody comes in through an identity provider any more.
    expect(ofTest(night.rows, 'gh-sso').map(({ status }) => status)).not.toContain('pass');
  });
});
