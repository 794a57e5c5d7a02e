import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvidenceRecord, Problem, Slice } from '../../src/evidence/slice.ts';
import type { Manifest } from '../../src/seal/manifest.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { StoredAnswers } from '../../src/store/known-answers.ts';
import { writeObject } from '../../src/store/objects.ts';
import { type Draft, Store, unsealed } from '../../src/store/store.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { auditorShell } from './shell.ts';

afterAll(removeTemporary);

const day = (date: number) => new Date(Date.UTC(2026, 0, date)).toISOString();

let folder: string;
let store: Store;

const sh = (name: string) => auditorShell(name, folder);

interface Events {
  dataset: string;
  from: number;
  to: number;
  since?: number;
  records?: Pick<EvidenceRecord, 'uid' | 'name' | 'fields'>[];
  problem?: Problem;
  kept?: Slice['kept'];
}

function sliceOf({ dataset, from, to, since = 1, records = [], problem, kept }: Events): Slice {
  return {
    dataset,
    version: 1,
    source: 'code',
    scope: 'acme',
    kind: 'events',
    observed_at: day(31),
    outcome: problem === undefined ? 'complete' : records.length > 0 ? 'partial' : 'failed',
    problems: problem === undefined ? [] : [problem],
    tie_outs: [],
    interval: { start: day(from), end: day(to), covered_since: day(since) },
    ...(kept === undefined ? {} : { kept }),
    records: records.map((record) => ({ ...record, original: {}, calls: ['github:GET /x'] })),
    calls: [],
  };
}

async function seal(kind: Manifest['kind'], events: Events[], answers?: string): Promise<void> {
  const slices = [];
  for (const each of events) slices.push(await store.writeSlice(sliceOf(each)));
  const sequence = ((await store.last())?.manifest.sequence ?? 0) + 1;
  const draft: Draft = {
    format: 'tickmark-bundle/1',
    run: `20260131T02000${sequence}Z-00000${sequence}`,
    kind,
    evidence_of: null,
    started_at: day(31),
    finished_at: day(31),
    clock: 'system',
    answers: 'live',
    tool: { name: 'tickmark', version: '0.1.0', commit: null },
    operator: { user: 'evidence', host: 'night' },
    organization: 'Acme, Inc.',
    timezone: 'UTC',
    configuration: '0'.repeat(64),
    parameters: {},
    controls: [],
    waivers: null,
    sources: [
      {
        id: 'code',
        use: 'github',
        identities: [],
        left_out: [],
        calls: await store.writeCalls('code', []),
        ...(answers === undefined ? {} : { answers }),
        requests: 1,
        endpoints: [],
      },
    ],
    slices,
    results: null,
  };
  await store.seal(draft, unsealed);
}

const changed = (number: number, author: string) => ({
  uid: `PR_${number}`,
  name: `acme/api#${number}`,
  fields: { merged_at: day(number), author, merge_commit: `c${number}` },
});
const landed = (sha: string, ways?: number[]) => ({
  uid: `C_${sha} main`,
  name: `acme/api@${sha}`,
  fields: {
    branch: 'main',
    ...(ways === undefined ? {} : { authors: ['eve'], committed_at: day(9) }),
    ...(ways === undefined ? {} : { merged_by_pull_requests: ways }),
  },
});
const changes = 'github.changes';
const commits = 'github.production_commits';
const denied: Problem = { code: 'AccessDenied', message: 'refused', severity: 'error' };
const tooOld: Problem = { code: 'OutOfReach', message: 'a month only', severity: 'error' };

beforeAll(async () => {
  folder = await temporaryFolder();
  store = new Store(folderBackend(folder));
  const answers = await StoredAnswers.open(store, undefined);
  await answers.keep('GET /orgs/{org}', { etag: '"1"', body: Buffer.from('{"login":"acme"}') });
  await seal('backfill', [
    { dataset: changes, from: 1, to: 8, records: [changed(2, 'ada')] },
    { dataset: 'github.rule_bypasses', from: 1, to: 8, problem: tooOld },
  ]);
  await seal(
    'run',
    [
      // What was asked for again and had changed, and what is new.
      { dataset: changes, from: 8, to: 10, records: [changed(2, 'bob'), changed(9, 'ada')] },
      { dataset: commits, from: 8, to: 10, records: [landed('a1', [9]), landed('b2', [])] },
    ],
    await answers.write(),
  );
  // A night that could not be read, and was never asked for again.
  await seal('run', [
    { dataset: changes, from: 10, to: 11, records: [changed(10, 'cyd')], problem: denied },
    {
      dataset: commits,
      from: 10,
      to: 11,
      records: [landed('c3')],
      kept: { heads: { main: 'c3' } },
    },
  ]);
  await seal('run', [{ dataset: changes, from: 11, to: 12, since: 11 }]);
  await seal('evaluate', [{ dataset: changes, from: 10, to: 11, records: [changed(2, 'eve')] }]);
});

describe('the lines of shell about events in docs/auditors.md', () => {
  it('print what is covered, and each hole', async () => {
    expect(await sh('coverage')).toEqual([
      `${changes} acme\tCOVERED\t${day(1)}\t${day(10)}`,
      `${changes} acme\tCOVERED\t${day(11)}\t${day(12)}`,
      `${changes} acme\tGAP\t${day(10)}\t${day(11)}`,
      `${commits} acme\tCOVERED\t${day(8)}\t${day(11)}`,
    ]);
  });

  it('say why an interval was not read', async () => {
    expect(await sh('gaps')).toEqual([
      `1\tgithub.rule_bypasses\tacme\t${day(1)}\t${day(8)}\tOutOfReach: a month only`,
      `3\t${changes}\tacme\t${day(10)}\t${day(11)}\tAccessDenied: refused`,
    ]);
  });

  it('list each change once, as it was collected last, and the commits that came by none', async () => {
    expect((await sh('events')).sort()).toEqual([
      `acme/api#10\t${day(10)}\tcyd\tc10`,
      `acme/api#2\t${day(2)}\tbob\tc2`,
      `acme/api#9\t${day(9)}\tada\tc9`,
      `acme/api@b2\tmain\teve\t${day(9)}`,
    ]);
  });

  it('know every object: what slices keep for the next, and answers that were confirmed', async () => {
    expect(await sh('named')).toEqual([]);
    const objects = await readdir(join(folder, 'objects'), { recursive: true });
    const digests = objects.filter((name) => name.endsWith('.gz'));
    const missing = [];
    for (const name of digests) {
      const path = join(folder, 'objects', name);
      const bytes = await store.readBytes(name.slice(3, 67));
      await rm(path);
      missing.push(...(await sh('named')));
      await writeObject(store.backend, bytes);
    }
    // The index names the answers: without it only it itself is missed.
    expect(missing.sort()).toEqual(digests.map((name) => `MISSING ${name.slice(3, 67)}`).sort());
  });
});
