import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeOutput } from '../../src/cli/output.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);

async function* failing() {
  yield 'the beginning';
  throw new Error('the evidence ran out');
}

describe('a file that a command writes', () => {
  it('holds its pieces one after the other, and nothing is beside it', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'report.md');
    await writeOutput(file, ['one ', Buffer.from('two')], false);
    expect(await readFile(file, 'utf8')).toBe('one two');
    expect(await readdir(folder)).toEqual(['report.md']);
  });

  it('is left as it was where it is there, and replaced where that is asked for', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'tickmark.yaml');
    await writeFile(file, 'mine');
    await expect(writeOutput(file, ['new'], false)).rejects.toMatchObject({
      code: 'Usage',
      message: expect.stringContaining('--force replaces it'),
    });
    expect(await readFile(file, 'utf8')).toBe('mine');
    await writeOutput(file, ['new'], true);
    expect(await readFile(file, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['tickmark.yaml']);
  });

  it.each([false, true])('is not there when its pieces fail (force: %s)', async (force) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'old.html'), 'old');
    const file = join(folder, force ? 'old.html' : 'new.html');
    await expect(writeOutput(file, failing(), force)).rejects.toThrow('the evidence ran out');
    expect(await readdir(folder)).toEqual(['old.html']);
    expect(await readFile(join(folder, 'old.html'), 'utf8')).toBe('old');
  });

  it('in a folder that is not there is an error that says what to do', async () => {
    const folder = await temporaryFolder();
    await expect(
      writeOutput(join(folder, 'none', 'report.md'), ['x'], false),
    ).rejects.toMatchObject({
      code: 'Usage',
      message: expect.stringMatching(/none\/report\.md cannot be written: .*; name another file$/),
    });
  });
});
