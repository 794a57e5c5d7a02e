import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { removeTemporary } from '../support/temporary.ts';
import { type Directory, directoryToken, laptop, startDirectory } from './directory.ts';

// Each test starts the program, several times; a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

let directory: Directory;

beforeAll(async () => {
  directory = await startDirectory();
});

afterAll(async () => {
  directory.close();
  await removeTemporary();
});

async function statuses(): Promise<Record<string, string>> {
  const { stdout } = await directory.run(['results', '--json']);
  const rows = stdout.trim().split('\n');
  return Object.fromEntries(
    rows.map((row) => {
      const { resource, status } = JSON.parse(row);
      return [resource.name, status];
    }),
  );
}

describe('the plugin in docs/collectors.md', () => {
  it('collects every page and item through the real command line', async () => {
    const { code, stdout } = await directory.run(['run']);
    expect(stdout).toContain('cyd in acme: the disk is not encrypted');
    expect(code).toBe(1);
    expect(new Set(directory.asked.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(directory.asked.map(({ path }) => path).sort()).toEqual([
      '/v1/me',
      '/v1/people',
      '/v1/people',
      '/v1/people/p1/laptop',
      '/v1/people/p2/laptop',
      '/v1/people/p3/laptop',
      '/v1/statistics',
    ]);
    expect(await statuses()).toEqual({ ada: 'pass', bob: 'not_applicable', cyd: 'fail' });
  });

  it('passes nobody where an item could not be read', async () => {
    directory.laptops.p3 = { status: 403, body: {} };
    const { code, stdout } = await directory.run(['run']);
    expect(code).toBe(3);
    expect(stdout).toContain('devices:read');
    expect(await statuses()).toMatchObject({ ada: 'error', cyd: 'error' });
  });

  it('passes nobody where the list and the count differ', async () => {
    directory.laptops.p3 = laptop(true);
    directory.counted = 4;
    const { code, stdout } = await directory.run(['run']);
    expect(code).toBe(3);
    expect(stdout).toContain('TieOutMismatch');
    expect(await statuses()).toMatchObject({ ada: 'error', cyd: 'error' });
  });

  it('says what is missing without a token', async () => {
    const { code, stdout } = await directory.run(['doctor'], { DIRECTORY_TOKEN: undefined });
    expect(code).toBe(3);
    expect(stdout).toContain('set DIRECTORY_TOKEN');
  });

  it('keeps the token out of the store and of recordings', async () => {
    const { folder } = directory;
    directory.counted = 3;
    const { code } = await directory.run(['run', '--record', join(folder, 'recording')]);
    expect(code).toBe(0);
    for (const place of ['evidence', 'recording']) {
      expect((await readdir(join(folder, place), { recursive: true })).length).toBeGreaterThan(3);
      const search = promisify(execFile)('grep', ['-rlz', directoryToken, join(folder, place)]);
      await expect(search).rejects.toMatchObject({ code: 1 });
    }
  });
});
