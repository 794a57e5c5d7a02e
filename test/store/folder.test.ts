import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { folderBackend } from '../../src/store/folder.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { allEntries, backendSuite } from './backend-suite.ts';

afterAll(removeTemporary);

backendSuite('a folder', async () => folderBackend(join(await temporaryFolder(), 'evidence')));

backendSuite('a folder that is not synced', async () =>
  folderBackend(join(await temporaryFolder(), 'evidence'), { synced: false }),
);

describe('folderBackend', () => {
  it('leaves no temporary file behind, and lists none that a killed run left', async () => {
    const folder = await temporaryFolder();
    const backend = folderBackend(folder);
    await backend.create('bundles/1', Buffer.from('x'));
    await backend.create('bundles/1', Buffer.from('y'));
    expect(await readdir(join(folder, 'bundles'))).toEqual(['1']);
    await writeFile(join(folder, 'bundles', '.tmp-0011'), 'half');
    expect(await backend.list('bundles')).toEqual(['bundles/1']);
  });

  it('says what to do when a part of the path is a file', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'evidence'), '');
    await expect(
      folderBackend(join(folder, 'evidence')).create('bundles/1', Buffer.from('x')),
    ).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringContaining('--store'),
    });
  });

  it('tells what a killed run left from what has a name', async () => {
    const folder = await temporaryFolder();
    const backend = folderBackend(folder);
    await backend.create('objects/ab/abc.gz', Buffer.from('x'));
    await writeFile(join(folder, 'objects', 'ab', '.tmp-0011'), 'half');
    const entries = await allEntries(backend, 'objects');
    expect(entries).toMatchObject([
      { key: 'objects/ab/.tmp-0011', bytes: 4, temporary: true },
      { key: 'objects/ab/abc.gz', bytes: 1, temporary: false },
    ]);
    await backend.remove('objects/ab/.tmp-0011');
    expect(await readdir(join(folder, 'objects', 'ab'))).toEqual(['abc.gz']);
  });

  it('lets an old key count as written now', async () => {
    const folder = await temporaryFolder();
    const backend = folderBackend(folder);
    await backend.create('objects/ab/abc.gz', Buffer.from('x'));
    await utimes(join(folder, 'objects', 'ab', 'abc.gz'), 0, 0);
    const modified = async () =>
      (await allEntries(backend, 'objects')).map((entry) => entry.modified.getTime());
    expect(await modified()).toEqual([0]);
    await backend.renew('objects/ab/abc.gz', Buffer.from('x'));
    expect(Math.abs(Date.now() - ((await modified())[0] ?? 0))).toBeLessThan(60_000);
  });

  it('lets entries vanish while it walks', async () => {
    const folder = await temporaryFolder();
    const backend = folderBackend(folder);
    for (const key of ['objects/a', 'objects/b', 'objects/c'])
      await backend.create(key, Buffer.from('x'));
    const seen: string[] = [];
    for await (const { key } of backend.entries('objects')) {
      seen.push(key);
      for (const other of ['objects/a', 'objects/b', 'objects/c']) await backend.remove(other);
    }
    expect(seen).toHaveLength(1);
  });

  describe('what is no regular file', () => {
    const places = {
      'a symbolic link': (path: string) => symlink(join(path, '..', 'real'), path),
      'a symbolic link to nothing': (path: string) => symlink('/nowhere/at/all', path),
      'a link to a device': (path: string) => symlink('/dev/zero', path),
      'a pipe': (path: string) => promisify(execFile)('mkfifo', [path]),
      'a folder': (path: string) => mkdir(path),
    };

    it.each(Object.entries(places))('%s is refused, and nothing hangs', async (_what, make) => {
      const folder = await temporaryFolder();
      const backend = folderBackend(folder);
      await backend.create('objects/real', Buffer.from('x'));
      await make(join(folder, 'objects', 'fake'));
      await expect(backend.read('objects/fake')).rejects.toMatchObject({
        code: 'IntegrityBroken',
        message: expect.stringContaining('is not a regular file'),
      });
      expect(await backend.create('objects/fake', Buffer.from('y'))).toBe(false);
    });

    it('a socket is refused', async () => {
      const folder = await temporaryFolder();
      const server = createServer().listen(join(folder, 'socket'));
      await once(server, 'listening');
      await expect(folderBackend(folder).read('socket')).rejects.toMatchObject({
        code: 'IntegrityBroken',
      });
      server.close();
      await once(server, 'close');
    });

    it('is listed, so that nobody misses it, and never followed', async () => {
      const folder = await temporaryFolder();
      const backend = folderBackend(folder);
      const elsewhere = await temporaryFolder();
      await writeFile(join(elsewhere, 'secret'), 'x');
      await mkdir(join(folder, 'objects'));
      await symlink(elsewhere, join(folder, 'objects', 'way-out'));
      await promisify(execFile)('mkfifo', [join(folder, 'objects', 'pipe')]);
      const keys = ['objects/pipe', 'objects/way-out'];
      expect(await backend.list('objects')).toEqual(keys);
      const entries = await allEntries(backend, 'objects');
      expect(entries.map(({ key }) => key)).toEqual(keys);
      await backend.remove('objects/way-out');
      expect(await readdir(elsewhere)).toEqual(['secret']);
    });
  });
});
