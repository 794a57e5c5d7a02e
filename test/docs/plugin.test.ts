import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CliResult, tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { fence, fencesOf } from './pages.ts';

// Each test starts the program, several times; a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const token = 'example-token-of-the-directory';
const address = 'https://directory.example.com';

const people = [
  { id: 'p1', login: 'ada', left_at: null },
  { id: 'p2', login: 'bob', left_at: '2025-11-30T00:00:00Z' },
  { id: 'p3', login: 'cyd', left_at: null },
];

/** What the directory answers; a test may change it. */
let laptops: Record<string, { status: number; body: object }>;
let counted: number;
const asked: { method: string; path: string; token: string | undefined }[] = [];

/** The directory's API as the example documents it: two people a page. */
const server = createServer(({ method = '', url = '', headers }, response) => {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  asked.push({ method, path: pathname, token: headers.authorization });
  const send = (body: object, status = 200, more = {}) =>
    response
      .writeHead(status, { 'content-type': 'application/json', ...more })
      .end(JSON.stringify(body));
  const laptop = /^\/v1\/people\/(\w+)\/laptop$/.exec(pathname)?.[1];
  if (headers.authorization !== `Bearer ${token}`) send({}, 401);
  else if (pathname === '/v1/me') send({ login: 'tickmark', organization_id: 'acme' });
  else if (pathname === '/v1/statistics') send({ people: counted });
  else if (laptop !== undefined) {
    const { status, body } = laptops[laptop] ?? { status: 404, body: {} };
    send(body, status);
  } else if (searchParams.get('page') === '2') send(people.slice(2));
  else {
    send(people.slice(0, 2), 200, { link: '</v1/people?limit=100&page=2>; rel="next"' });
  }
});

let folder: string;
let endpoint: string;
const run = (args: string[]): Promise<CliResult> =>
  tickmark(args, 'http://127.0.0.1:9', { cwd: folder, env: { DIRECTORY_TOKEN: token } });

async function statuses(): Promise<Record<string, string>> {
  const { stdout } = await run(['results', '--json']);
  const rows = stdout.trim().split('\n');
  return Object.fromEntries(
    rows.map((row) => {
      const { resource, status } = JSON.parse(row);
      return [resource.name, status];
    }),
  );
}

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await temporaryFolder();
  const page = 'docs/collectors.md';
  const config = fence(page, 'yaml', 'config').text;
  const control = fence(page, 'yaml', 'control', 'HR-01-encrypted-laptops.yaml');
  await mkdir(join(folder, 'controls'));
  await writeFile(join(folder, 'directory.js'), fence(page, 'js', 'plugin', 'directory.js').text);
  await writeFile(join(folder, 'controls', control.info[2] ?? ''), control.text);
  await writeFile(join(folder, 'tickmark.yaml'), config.replace(address, endpoint));
  expect(config).toContain(address);
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await removeTemporary();
});

const all = (disk_encrypted: boolean) => ({ status: 200, body: { disk_encrypted } });

describe('the plugin in docs/collectors.md', () => {
  it('collects every page and item through the real command line', async () => {
    laptops = { p1: all(true), p2: all(true), p3: all(false) };
    counted = 3;
    asked.length = 0;
    const { code, stdout } = await run(['run']);
    expect(stdout).toContain('cyd in acme: the disk is not encrypted');
    expect(code).toBe(1);
    expect(await statuses()).toEqual({ ada: 'pass', bob: 'not_applicable', cyd: 'fail' });
    expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(asked.map(({ path }) => path).sort()).toEqual([
      '/v1/me',
      '/v1/people',
      '/v1/people',
      '/v1/people/p1/laptop',
      '/v1/people/p2/laptop',
      '/v1/people/p3/laptop',
      '/v1/statistics',
    ]);
  });

  it('passes nobody where an item could not be read', async () => {
    laptops = { p1: all(true), p2: all(true), p3: { status: 403, body: {} } };
    const { code, stdout } = await run(['run']);
    expect(code).toBe(3);
    expect(stdout).toContain('devices:read');
    expect(await statuses()).toMatchObject({ ada: 'error', cyd: 'error' });
  });

  it('passes nobody where the list and the count differ', async () => {
    laptops = { p1: all(true), p2: all(true), p3: all(true) };
    counted = 4;
    const { code, stdout } = await run(['run']);
    expect(code).toBe(3);
    expect(stdout).toContain('TieOutMismatch');
    expect(await statuses()).toMatchObject({ ada: 'error', cyd: 'error' });
  });

  it('says what is missing without a token', async () => {
    const env = { DIRECTORY_TOKEN: undefined };
    const { code, stdout } = await tickmark(['doctor'], '', { cwd: folder, env });
    expect(code).toBe(3);
    expect(stdout).toContain('set DIRECTORY_TOKEN');
  });

  it('keeps the token out of the store and of recordings', async () => {
    counted = 3;
    const { code } = await run(['run', '--record', join(folder, 'recording')]);
    expect(code).toBe(0);
    for (const place of ['evidence', 'recording']) {
      expect((await readdir(join(folder, place), { recursive: true })).length).toBeGreaterThan(3);
      const search = promisify(execFile)('grep', ['-rlz', token, join(folder, place)]);
      await expect(search).rejects.toMatchObject({ code: 1 });
    }
  });
});

describe('the lines of shell in docs/auditors.md', () => {
  const shell = promisify(execFile);
  const blocks = new Map(fencesOf('sh', 'auditor').map(({ info, text }) => [info[2], text]));
  const store = () => join(folder, 'evidence');
  const sh = async (name: string) => {
    const script = blocks.get(name);
    if (script === undefined) throw new Error(`no block ${name}`);
    return (await shell('bash', ['-euo', 'pipefail', '-c', script], { cwd: store() })).stdout;
  };

  it('find nothing wrong in a store that is whole, and the head that the run printed', async () => {
    const { stdout } = await run(['run']);
    const [, sequence, digest] = /Head of the chain: (\d+) (sha256:\w+)/.exec(stdout) ?? [];
    expect(await sh('objects')).toBe('');
    expect(await sh('named')).toBe('');
    expect(await sh('chain')).toBe(`head ${sequence} ${digest}\n`);
  });

  it('read nights, identities, slices, results and controls', async () => {
    expect((await sh('nights')).trim().split('\n')[0]?.split('\t').slice(2)).toEqual([
      'run',
      'system',
      'live',
      '1',
      '0',
      '0',
    ]);
    expect(await sh('who')).toContain('tickmark\tacme');
    expect(await sh('slices')).toContain('directory.people\tacme\tcomplete');
    expect(await sh('slices')).toContain('3 of 4 by GET /v1/statistics');
    const list = await sh('list');
    expect(list).toContain('["HR-01","laptop-encryption","cyd","the disk is not encrypted"]');
    expect(list).toContain('"operation":"GET /v1/people/{id}/laptop"');
    expect(await sh('controls')).toContain('id: "HR-01"');
  });

  it('are all of them, with those about events, which a test of their own runs', () => {
    const here = ['chain', 'controls', 'list', 'named', 'nights', 'objects', 'slices', 'who'];
    expect([...blocks.keys()].sort()).toEqual([...here, 'coverage', 'events', 'gaps'].sort());
  });

  it('find what was changed, cut out and taken away', async () => {
    const objects = (await readdir(join(store(), 'objects'), { recursive: true })).filter((name) =>
      name.endsWith('.gz'),
    );
    const [changed = ''] = objects;
    await writeFile(join(store(), 'objects', changed), gzipSync('something else'));
    expect(await sh('objects')).toBe(`CHANGED objects/${changed}\n`);
    // Every one of them is named by a manifest, whatever it holds.
    for (const object of objects) await rm(join(store(), 'objects', object));
    const missing = (await sh('named')).trim().split('\n').sort();
    expect(missing).toEqual(objects.map((object) => `MISSING ${object.slice(3, 67)}`).sort());
    await appendFile(join(store(), 'bundles', '00000002.json'), '\n');
    expect(await sh('chain')).toContain('BROKEN bundles/00000003.json');
    await rm(join(store(), 'bundles', '00000002.json'));
    expect(await sh('chain')).toContain('MISSING 2');
  });
});
