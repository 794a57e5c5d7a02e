/** Events over intervals, whole nights of them, from a small server by a plugin. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EvidenceRecord } from '../../src/evidence/slice.ts';
import { type CliResult, startCli, tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { type PrintedSummary, readRows, storeOf } from './project.ts';

const plugin = `export default ({ defineHttpSource, defineEvents, z, timestamp }) => ({
  sources: [
    defineHttpSource({
      id: 'log',
      title: 'A log',
      config: z.strictObject({ address: z.url().describe('Where it is') }),
      calls: { 'GET /entries': 'log:read' },
      async connect(provider, config) {
        const attach = provider.open(config.address, {});
        return { identities: [], scopes: [{ level: 'log', name: 'main', attach }], leftOut: [] };
      },
    }),
  ],
  collectors: [
    {
      id: 'log.entries',
      title: 'Entries',
      datasets: [
        defineEvents({
          name: 'log.entries',
          version: 1,
          title: 'Entries of the log',
          kind: 'events',
          when: 'at',
          level: 'log',
          fields: z.object({
            at: timestamp().describe('When'),
            good: z.boolean().describe('Whether it went well'),
            turn: z.int().describe('How many slices came before'),
          }),
          calls: { 'GET /entries': 'log:read' },
          async collect(log) {
            const { start, end } = log.interval;
            const turn = (log.kept ?? 0) + 1;
            const answer = await log.get('GET /entries', {}, { from: start.toISOString(), to: end.toISOString() });
            const { reaches, entries } = answer.body;
            if (reaches !== null) log.outOfReach(new Date(reaches), 'the log is kept for a while only');
            for (const { id, at, good } of entries) {
              log.emit({ uid: id, name: id, fields: { at, good, turn: 0 }, original: { id, turn }, from: [answer] });
            }
            log.tieOut({ by: 'the log', expected: answer.body.count, found: entries.length });
            log.keep(turn);
          },
        }),
      ],
    },
  ],
});
`;
const control = `id: "LG-01"
title: Entries
statement: Every entry went well.
criteria: { soc2: ["CC7.2"] }
category: security
owner: Nobody
frequency: per-event
tests:
  - id: entry-good
    title: The entry went well
    over: log.entries
    as: entry
    expect: entry.good
    message: "{{ entry.good ? 'well' : 'not well' }}"
    remediation: Look at it.
    cases:
      - { name: well, record: { good: true }, status: pass }
      - { name: not well, record: { good: false }, status: fail }
      - { name: not told, record: {}, status: error }
`;

interface Entry {
  id: string;
  at: string;
  good: boolean;
}

let folder: string;
let entries: Entry[];
let reaches: string | null;
/** The log counts one entry more than it gives. */
let miscounted: boolean;
let asked: { from: string; to: string }[];
/** What the server does instead of answering the nth request. */
let instead: (count: number, response: ServerResponse) => boolean;

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://localhost');
  const from = searchParams.get('from') ?? '';
  const to = searchParams.get('to') ?? '';
  asked.push({ from: from.slice(0, 13), to: to.slice(0, 13) });
  if (instead(asked.length, response)) return;
  const found = entries.filter(
    ({ at }) => at >= from && at < to && (reaches === null || at >= reaches),
  );
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ reaches, entries: found, count: found.length + (miscounted ? 1 : 0) }),
  );
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

beforeEach(async () => {
  folder = await temporaryFolder();
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writeFile(join(folder, 'log.js'), plugin);
  await writeFile(join(folder, 'LG-01.yaml'), control);
  await writeFile(
    join(folder, 'tickmark.yaml'),
    JSON.stringify({
      organization: 'Acme, Inc.',
      period: { start: '2026-01-01', end: '2026-12-31' },
      sources: [{ id: 'code', use: 'log', with: { address } }],
      controls: ['./LG-01.yaml'],
      plugins: ['./log.js'],
    }),
  );
  // One each day at noon; the tenth went wrong.
  entries = Array.from({ length: 31 }, (_, at) => ({
    id: `entry-${String(at + 1).padStart(2, '0')}`,
    at: new Date(Date.UTC(2026, 0, at + 1, 12)).toISOString(),
    good: at !== 9,
  }));
  reaches = null;
  miscounted = false;
  asked = [];
  instead = () => false;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await removeTemporary();
});

const run = (clock: string, ...more: string[]): Promise<CliResult> =>
  tickmark(['run', '--json', '--clock', clock, ...more], '', { cwd: folder });

async function night(
  clock: string,
): Promise<{ code: number | null; summary: PrintedSummary; stderr: string }> {
  const { code, stdout, stderr } = await run(clock);
  if (stdout === '') throw new Error(stderr);
  return { code, summary: JSON.parse(stdout), stderr };
}

/** Every record of every bundle, in the order of sealing. */
async function sealed() {
  const store = storeOf(folder);
  const found: { kind: string; since: string; until: string; outcome: string; uids: string[] }[] =
    [];
  const bundles = [];
  for await (const { manifest } of store.bundles()) bundles.unshift(manifest);
  for (const manifest of bundles) {
    for (const slice of manifest.slices) {
      const records: EvidenceRecord[] = [];
      for await (const part of store.records(slice)) records.push(...part);
      found.push({
        kind: manifest.kind,
        since: slice.interval?.start.slice(0, 10) ?? '',
        until: slice.interval?.end.slice(0, 10) ?? '',
        outcome: slice.outcome,
        uids: records.map(({ uid }) => uid),
      });
    }
  }
  return found;
}

const allUids = async () => (await sealed()).flatMap(({ uids }) => uids).sort();
const until = (date: number) => entries.slice(0, date).map(({ id }) => id);

describe('events', () => {
  it('of before the first night are sealed week by week from the start of the period', async () => {
    const { code, summary } = await night('2026-01-24T02:00:00Z');
    expect((await sealed()).map(({ kind, since, until: end }) => [kind, since, end])).toEqual([
      ['backfill', '2026-01-01', '2026-01-08'],
      ['backfill', '2026-01-08', '2026-01-15'],
      ['backfill', '2026-01-15', '2026-01-22'],
      ['run', '2026-01-22', '2026-01-24'],
    ]);
    expect(await allUids()).toEqual(until(23));
    expect(code).toBe(1);
    expect(summary.counts).toMatchObject({ pass: 2, fail: 0 });
    expect(summary.backfill.map(({ counts, start }) => [start.slice(0, 10), counts.fail])).toEqual([
      ['2026-01-01', 0],
      ['2026-01-08', 1],
      ['2026-01-15', 0],
    ]);
    const [, second] = summary.backfill;
    const rows = await readRows(folder, '--run', second?.run ?? '', '--status', 'fail');
    expect(rows.map(({ resource, reason }) => [resource.name, reason])).toEqual([
      ['entry-10', 'not well'],
    ]);
  });

  it('of a killed backfill are neither lost nor repeated by the next run', async () => {
    let reached: () => void = () => {};
    const third = new Promise<void>((resolve) => {
      reached = resolve;
    });
    instead = (count) => {
      if (count === 3) reached();
      return count === 3;
    };
    const killed = startCli(['run', '--clock', '2026-01-24T02:00:00Z'], '', { cwd: folder });
    await third;
    killed.kill('SIGKILL');
    await killed.ended;
    expect(await allUids()).toEqual(until(14));
    instead = () => false;
    asked = [];
    await night('2026-01-25T02:00:00Z');
    expect(asked[0]).toEqual({ from: '2026-01-15T00', to: '2026-01-22T00' });
    expect(asked).toHaveLength(2);
    expect(await allUids()).toEqual(until(24));
  });

  it('say of an interrupted backfill what is kept', async () => {
    let reached: () => void = () => {};
    const second = new Promise<void>((resolve) => {
      reached = resolve;
    });
    instead = (count) => {
      if (count === 2) reached();
      return count === 2;
    };
    const stopped = startCli(['run', '--clock', '2026-01-24T02:00:00Z'], '', { cwd: folder });
    await second;
    stopped.kill('SIGINT');
    const { code, stderr } = await stopped.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('1 backfilled bundle is sealed');
    expect(await allUids()).toEqual(until(7));
  });

  it('go on where coverage ends; what is held and unchanged is not kept twice', async () => {
    await night('2026-01-24T02:00:00Z');
    asked = [];
    const changed = entries[21];
    if (changed !== undefined) changed.good = false;
    const { summary } = await night('2026-01-25T02:00:00Z');
    expect(asked).toEqual([{ from: '2026-01-21T02', to: '2026-01-25T02' }]);
    expect((await sealed()).at(-1)).toEqual({
      kind: 'run',
      since: '2026-01-24',
      until: '2026-01-25',
      outcome: 'complete',
      uids: ['entry-22', 'entry-24'],
    });
    expect(summary.counts).toMatchObject({ pass: 1, fail: 1 });
    expect(summary.backfill).toEqual([]);
  });

  it('that showed late are found in the overlap', async () => {
    const [late] = entries.splice(21, 1);
    await night('2026-01-24T02:00:00Z');
    if (late !== undefined) entries.splice(21, 0, late);
    await night('2026-01-25T02:00:00Z');
    expect(await allUids()).toEqual(until(24));
  });

  it('of a night that failed are asked again by the next', async () => {
    await night('2026-01-24T02:00:00Z');
    instead = (_count, response) => {
      response.writeHead(403).end('{}');
      return true;
    };
    expect(await night('2026-01-25T02:00:00Z')).toMatchObject({
      code: 3,
      summary: { not_collected: [{ outcome: 'failed' }] },
    });
    instead = () => false;
    asked = [];
    expect((await night('2026-01-26T02:00:00Z')).code).toBe(0);
    expect(asked).toEqual([{ from: '2026-01-21T02', to: '2026-01-26T02' }]);
    expect(await allUids()).toEqual(until(25));
  });

  it('that cannot be asked for do not fill the store with failed weeks', async () => {
    instead = (_count, response) => {
      response.writeHead(403).end('{}');
      return true;
    };
    const { code } = await night('2026-01-24T02:00:00Z');
    expect(code).toBe(3);
    expect(
      (await sealed()).map(({ kind, since, until: end, outcome }) => [kind, since, end, outcome]),
    ).toEqual([
      ['backfill', '2026-01-01', '2026-01-08', 'failed'],
      ['run', '2026-01-01', '2026-01-24', 'failed'],
    ]);
  });

  it('of before what the source still tells are a gap with a name, once', async () => {
    reaches = '2026-01-10T00:00:00.000Z';
    const first = await night('2026-01-24T02:00:00Z');
    expect(first.code).toBe(3);
    expect((await sealed()).map(({ since, until: end, outcome }) => [since, end, outcome])).toEqual(
      [
        ['2026-01-01', '2026-01-10', 'failed'],
        ['2026-01-10', '2026-01-15', 'complete'],
        ['2026-01-15', '2026-01-22', 'complete'],
        ['2026-01-22', '2026-01-24', 'complete'],
      ],
    );
    expect(first.summary.backfill.flatMap(({ not_collected }) => not_collected)).toMatchObject([
      { problems: [{ code: 'OutOfReach', message: 'the log is kept for a while only' }] },
    ]);
    asked = [];
    expect((await night('2026-01-25T02:00:00Z')).code).toBe(0);
    expect(asked).toHaveLength(1);
  });

  it('are not asked for where the clock stands still, and nothing is said to be missing', async () => {
    await night('2026-01-24T02:00:00Z');
    asked = [];
    const { code, summary } = await night('2026-01-24T02:00:00Z');
    expect(code).toBe(0);
    expect(summary.counts).toMatchObject({ not_tested: 1, error: 0 });
    expect(asked).toEqual([]);
    await night('2026-01-26T02:00:00Z');
    expect(await allUids()).toEqual(until(25));
  });

  it('that a night with a clock ahead claims to hold are asked for when they have happened', async () => {
    await night('2026-01-24T02:00:00Z');
    const future = entries.splice(24);
    await night('2026-01-29T02:00:00Z');
    entries.push(...future);
    asked = [];
    await night('2026-01-26T02:00:00Z');
    expect(asked).toEqual([{ from: '2026-01-21T02', to: '2026-01-26T02' }]);
    await night('2026-01-30T02:00:00Z');
    expect([...new Set(await allUids())]).toEqual(until(29));
  });

  it('of a simulated night are no evidence for a real one', async () => {
    await night('2026-01-24T02:00:00Z');
    const { stdout } = await tickmark(['run', '--json'], '', { cwd: folder });
    expect(JSON.parse(stdout).backfill[0].start).toBe('2026-01-01T00:00:00.000Z');
  });

  it('that were judged on partial evidence last are judged again', async () => {
    await night('2026-01-24T02:00:00Z');
    miscounted = true;
    expect((await night('2026-01-25T02:00:00Z')).code).toBe(3);
    miscounted = false;
    const { code } = await night('2026-01-26T02:00:00Z');
    expect(code).toBe(0);
    expect((await sealed()).slice(-2).map(({ outcome, uids }) => [outcome, uids])).toEqual([
      ['partial', ['entry-24']],
      ['complete', ['entry-24', 'entry-25']],
    ]);
  });

  it('are told of in words', async () => {
    const { stdout } = await tickmark(['run', '--clock', '2026-01-24T02:00:00Z'], '', {
      cwd: folder,
    });
    expect(stdout).toContain('Backfilled 2026-01-01 to 2026-01-22: 3 bundles, 21 records');
    expect(stdout).toMatch(/2026-01-08 to 2026-01-15: 1 fail, 0 error: run \S+/);
  });

  it('are tried over a day by doctor', async () => {
    const { code } = await tickmark(['doctor', '--clock', '2026-01-24T02:00:00Z'], '', {
      cwd: folder,
    });
    expect(code).toBe(0);
    expect(asked).toEqual([{ from: '2026-01-23T02', to: '2026-01-24T02' }]);
  });
});
