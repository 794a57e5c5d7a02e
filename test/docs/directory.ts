/** The directory that the plugin in docs/collectors.md asks, and a project that asks it. */
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type CliResult, tickmark } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { fence } from './pages.ts';

export const directoryToken = 'example-token-of-the-directory';

/** Where the example's configuration says that it is. */
const address = 'https://directory.example.com';

const people = [
  { id: 'p1', login: 'ada', left_at: null },
  { id: 'p2', login: 'bob', left_at: '2025-11-30T00:00:00Z' },
  { id: 'p3', login: 'cyd', left_at: null },
];

/** What the API says of somebody's laptop. */
export interface Laptop {
  status: number;
  body: object;
}

export const laptop = (disk_encrypted: boolean): Laptop => ({
  status: 200,
  body: { disk_encrypted },
});

/** A running directory; a test may change what it answers. */
export interface Directory {
  laptops: Record<string, Laptop>;
  /** How many people its statistics count. */
  counted: number;
  /** What it was asked, in order. */
  asked: { method: string; path: string }[];
  /** A folder with the example's configuration, control and plugin. */
  folder: string;
  /** Runs the command line there. */
  run(args: string[], env?: Record<string, string | undefined>): Promise<CliResult>;
  close(): void;
}

/**
 * Starts the directory's API as the example documents it, two people a page, and writes the project.
 * @param configuration lines beside those of the example.
 */
export async function startDirectory(configuration = ''): Promise<Directory> {
  const server = createServer(({ method = '', url = '', headers }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    directory.asked.push({ method, path: pathname });
    const send = (body: object, status = 200, more = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...more })
        .end(JSON.stringify(body));
    const whose = /^\/v1\/people\/(\w+)\/laptop$/.exec(pathname)?.[1];
    if (headers.authorization !== `Bearer ${directoryToken}`) send({}, 401);
    else if (pathname === '/v1/me') send({ login: 'tickmark', organization_id: 'acme' });
    else if (pathname === '/v1/statistics') send({ people: directory.counted });
    else if (whose !== undefined) {
      const { status, body } = directory.laptops[whose] ?? { status: 404, body: {} };
      send(body, status);
    } else if (searchParams.get('page') === '2') send(people.slice(2));
    else {
      send(people.slice(0, 2), 200, { link: '</v1/people?limit=100&page=2>; rel="next"' });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = await temporaryFolder();
  const page = 'docs/collectors.md';
  const config = fence(page, 'yaml', 'config').text;
  if (!config.includes(address)) throw new Error(`${page} names another address than ${address}`);
  const control = fence(page, 'yaml', 'control', 'HR-01-encrypted-laptops.yaml');
  await mkdir(join(folder, 'controls'));
  await writeFile(join(folder, 'directory.js'), fence(page, 'js', 'plugin', 'directory.js').text);
  await writeFile(join(folder, 'controls', control.info[2] ?? ''), control.text);
  await writeFile(join(folder, 'tickmark.yaml'), config.replace(address, endpoint) + configuration);
  const directory: Directory = {
    laptops: { p1: laptop(true), p2: laptop(true), p3: laptop(false) },
    counted: people.length,
    asked: [],
    folder,
    run: (args, env = {}) =>
      tickmark(args, 'http://127.0.0.1:9', {
        cwd: folder,
        env: { DIRECTORY_TOKEN: directoryToken, ...env },
      }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return directory;
}
