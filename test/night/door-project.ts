/** A small project of state and events, by a plugin that asks a server beside the test. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { runNight } from '../../src/cli/night.ts';
import { openProject, type Project } from '../../src/cli/project.ts';
import { type ProjectSealing, stamp } from '../../src/cli/sealing.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import type { Stamping } from '../../src/report/summary.ts';
import type { Bundle } from '../../src/seal/manifest.ts';
import { pemSigner } from '../../src/seal/signature.ts';
import type { Backend } from '../../src/store/backend.ts';
import { readResults } from '../../src/store/results.ts';
import { Store } from '../../src/store/store.ts';
import type { Finding } from '../../src/verify/finding.ts';
import { verify } from '../../src/verify/verify.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type Row, timeless } from './project.ts';

const plugin = `export default ({ defineHttpSource, defineDataset, defineEvents, z, timestamp }) => ({
  sources: [
    defineHttpSource({
      id: 'door',
      title: 'A door',
      config: z.strictObject({ address: z.url().describe('Where it is') }),
      calls: { 'GET /badges': 'door:read', 'GET /entries': 'door:read' },
      async connect(provider, config) {
        const attach = provider.open(config.address, {});
        return { identities: [], scopes: [{ level: 'door', name: 'main', attach }], leftOut: [] };
      },
    }),
  ],
  collectors: [
    {
      id: 'door.access',
      title: 'Who may enter, and who did',
      datasets: [
        defineDataset({
          name: 'door.badges',
          version: 1,
          title: 'Badges',
          kind: 'snapshot',
          level: 'door',
          fields: z.object({ blocked: z.boolean().describe('Whether it opens nothing') }),
          calls: { 'GET /badges': 'door:read' },
          async collect(door) {
            const answer = await door.get('GET /badges', {});
            for (const { id, blocked } of answer.body) {
              door.emit({ uid: id, name: id, fields: { blocked }, original: { id, blocked }, from: [answer] });
            }
          },
        }),
        defineEvents({
          name: 'door.entries',
          version: 1,
          title: 'Entries',
          kind: 'events',
          when: 'at',
          level: 'door',
          fields: z.object({
            at: timestamp().describe('When'),
            known: z.boolean().describe('Whether the badge was known'),
          }),
          calls: { 'GET /entries': 'door:read' },
          async collect(door) {
            const { start, end } = door.interval;
            const query = { from: start.toISOString(), to: end.toISOString() };
            const answer = await door.get('GET /entries', {}, query);
            for (const { id, at, known } of answer.body) {
              door.emit({ uid: id, name: id, fields: { at, known }, original: { id, known }, from: [answer] });
            }
          },
        }),
      ],
    },
  ],
});
`;

const control = `id: "DR-01"
title: The door
statement: Badges are blocked in time, and only known ones enter.
criteria: { soc2: ["CC6.4"] }
category: security
owner: Nobody
frequency: daily
tests:
  - id: badge-open
    title: The badge is not blocked
    over: door.badges
    as: badge
    expect: "!badge.blocked"
    message: "{{ badge.blocked ? 'blocked' : 'open' }}"
    remediation: Look at it.
    cases:
      - { name: open, record: { blocked: false }, status: pass }
      - { name: blocked, record: { blocked: true }, status: fail }
      - { name: not told, record: {}, status: error }
  - id: entry-known
    title: The badge was known
    over: door.entries
    as: entry
    expect: entry.known
    message: "{{ entry.known ? 'known' : 'not known' }}"
    remediation: Look at it.
    cases:
      - { name: known, record: { known: true }, status: pass }
      - { name: not known, record: { known: false }, status: fail }
      - { name: not told, record: {}, status: error }
`;

/** The door's server: two badges, and one entry each day at noon, of which the third is unknown. */
export interface Door {
  address: string;
  /** A test may change them between two nights. */
  badges: { id: string; blocked: boolean }[];
  /** What it was asked, path by path. */
  asked: string[];
  /** It answers nothing before. */
  opened: Promise<void>;
  close(): Promise<void>;
}

export async function startDoor(): Promise<Door> {
  const entries = Array.from({ length: 60 }, (_, day) => ({
    id: `entry-${String(day + 1).padStart(2, '0')}`,
    at: new Date(Date.UTC(2026, 0, day + 1, 12)).toISOString(),
    known: day !== 2,
  }));
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    door.asked.push(pathname);
    await door.opened;
    const from = searchParams.get('from') ?? '';
    const to = searchParams.get('to') ?? '';
    const body =
      pathname === '/badges' ? door.badges : entries.filter(({ at }) => at >= from && at < to);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const door: Door = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    badges: ['ada', 'bob'].map((id) => ({ id, blocked: id === 'bob' })),
    asked: [],
    opened: Promise.resolve(),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return door;
}

/** A new folder with a project whose only source is the door. */
export async function newDoorProject(
  { address }: Pick<Door, 'address'>,
  settings: object = {},
): Promise<string> {
  const folder = await temporaryFolder();
  const config = {
    organization: 'Acme, Inc.',
    period: { start: '2026-01-01', end: '2026-12-31' },
    sources: [{ id: 'entrance', use: 'door', with: { address } }],
    controls: ['./DR-01.yaml'],
    plugins: ['./door.js'],
    ...settings,
  };
  await Promise.all([
    writeFile(join(folder, 'door.js'), plugin),
    writeFile(join(folder, 'DR-01.yaml'), control),
    writeFile(join(folder, 'tickmark.yaml'), JSON.stringify(config)),
  ]);
  return folder;
}

export async function openDoorProject(folder: string): Promise<Project> {
  return openProject({ config: join(folder, 'tickmark.yaml') });
}

/** Signed by this key (PEM), and stamped by nobody. */
export function signedBy(privateKey: string): ProjectSealing {
  return { signer: pemSigner(privateKey, 'the test'), authorities: [], addresses: [], roots: [] };
}

/** What `tickmark run` does, in this process and on any backend. */
export async function nightOn(
  project: Project,
  backend: Backend,
  clock: string,
  sealing: ProjectSealing,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ bundles: Bundle[]; stamping: Stamping | null }> {
  const store = new Store(backend);
  const io = { terminal: createTerminal({ CI: 'true' }), env: {}, signal };
  const options = { config: project.loaded.file, clock, deadline: 60 };
  const log = { info: () => {}, warn: () => {} };
  const bundles = await runNight({ ...project, store }, options, io, log, true, sealing);
  const stamping = await stamp(store, bundles.at(-1) as Bundle, sealing, signal);
  return { bundles, stamping };
}

/** The results of each bundle. */
export async function rowsOf(backend: Backend, bundles: readonly Bundle[]): Promise<Row[][]> {
  const rows: Row[][] = [];
  for (const bundle of bundles) {
    const own: Row[] = [];
    for await (const row of readResults(new Store(backend), bundle)) own.push(timeless(row));
    rows.push(own);
  }
  return rows;
}

/** The bundles of a store, oldest first. */
export async function bundlesOf(backend: Backend): Promise<Bundle[]> {
  const bundles: Bundle[] = [];
  for await (const bundle of new Store(backend).bundles()) bundles.unshift(bundle);
  return bundles;
}

/** What verification finds in a store whose every bundle has to be signed by one of these keys. */
export async function findingsOf(
  backend: Backend,
  { signer, roots }: ProjectSealing,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const keys = signer === undefined ? [] : [signer.publicKey];
  const options = { heads: [], keys, roots, requireSignature: signer !== undefined };
  for await (const finding of verify(backend, options)) findings.push(finding);
  return findings;
}

/** Those of them that say that evidence is not as it was sealed. */
export async function breaksOf(backend: Backend, sealing: ProjectSealing): Promise<Finding[]> {
  return (await findingsOf(backend, sealing)).filter(({ severity }) => severity === 'break');
}
