import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { folderBackend } from '../../src/store/folder.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { backendSuite } from './backend-suite.ts';

afterAll(removeTemporary);

backendSuite('a folder', async () => folderBackend(join(await temporaryFolder(), 'evidence')));

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
});
