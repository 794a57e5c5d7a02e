/** `tickmark verify` and `tickmark reperform` on an archive, as an auditor has it: without a configuration. */
import { generateKeyPairSync } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import { sumsFile } from '../../src/store/archive.ts';
import { archiveOf, derivedFile, withSums, writeFiles, zipOf } from '../support/archives.ts';
import { tickmark } from '../support/cli.ts';
import { demoNight, firstNights, strictConfig } from '../support/demo-night.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

/** Port 9 discards: nothing is asked there. */
const nowhere = 'http://127.0.0.1:9';

let elsewhere: string;
let files: Map<string, Buffer>;

const run = (...args: string[]) => tickmark(args, nowhere, { cwd: elsewhere });

beforeAll(async () => {
  elsewhere = await temporaryFolder();
  const cwd = await temporaryFolder();
  const store = join(cwd, 'evidence');
  const config = await strictConfig(cwd);
  for (const night of firstNights.slice(0, 2)) {
    const { code } = await tickmark(['run', ...demoNight(config, store, night)], nowhere, { cwd });
    expect(code).toBe(1);
  }
  const keys = new Map<string, Buffer>();
  for (const entry of await readdir(store, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    keys.set(path.slice(store.length + 1), await readFile(path));
  }
  files = await archiveOf(keys);
  await writeFiles(join(elsewhere, 'archive'), files);
  await writeFile(join(elsewhere, 'archive.zip'), await zipOf(files));
}, 90_000);
afterAll(removeTemporary);

describe.each(['archive.zip', 'archive'])('on %s', (place) => {
  it('tickmark verify goes through the store and the files around it', async () => {
    const { stdout, code } = await run('verify', place);
    expect(stdout).toContain(`Verification of ${place}/sealed\n`);
    expect(stdout).toMatch(/Bundles +2,/);
    expect(stdout).toContain(`Archive     ${files.size - 1} files as SHA256SUMS says`);
    expect(code).toBe(0);
    expect(JSON.parse((await run('verify', place, '--json')).stdout).files).toBe(files.size - 1);
  });

  it('tickmark reperform evaluates again', async () => {
    const { stdout, code } = await run('reperform', place);
    expect(stdout).toMatch(
      /^Evaluated 2 bundles again, [\d,]+ results compared: no difference\.\n$/,
    );
    expect(code).toBe(0);
  });
});

it('a derived file that was changed is a break', async () => {
  const changed = new Map(files).set(derivedFile, Buffer.from('uid,name\r\n'));
  await writeFile(join(elsewhere, 'changed.zip'), await zipOf(changed));
  const { stdout, code } = await run('verify', 'changed.zip');
  expect(stdout).toContain(`  FileChanged  ${derivedFile}\n`);
  expect(stdout).toContain('BROKEN: 1 break in 2 bundles');
  expect(code).toBe(4);
});

it('a folder that is an archive and a store is neither', async () => {
  const both = new Map(files);
  for (const [path, bytes] of files) {
    if (path.startsWith('sealed/')) both.set(path.slice('sealed/'.length), bytes);
  }
  for (const without of ['nothing', 'sealed/', 'SHA256SUMS']) {
    const place = `both without ${without.replace('/', '')}`;
    const left = [...both].filter(([path]) => !path.startsWith(without));
    await writeFiles(join(elsewhere, place), new Map(left));
    const { stderr, code } = await run('verify', place);
    expect(stderr).toContain('it is not what was exported');
    expect(code).toBe(4);
  }
});

it('a public key that is not called by its fingerprint is a break', async () => {
  const name = `certificates/${'a'.repeat(64)}.pub.pem`;
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  const own = sha256(publicKey.export({ type: 'spki', format: 'der' }));
  for (const [path, breaks] of [
    [name, 1],
    [`certificates/${own}.pub.pem`, 0],
  ] as const) {
    const changed = withSums(new Map(files).set(path, Buffer.from(pem)));
    await writeFile(join(elsewhere, 'keys.zip'), await zipOf(changed));
    const { stdout, code } = await run('verify', 'keys.zip', '--json');
    expect(JSON.parse(stdout).breaks).toHaveLength(breaks);
    expect(code).toBe(breaks === 0 ? 0 : 4);
  }
});

it('a list with line ends of Windows is one break, which says so', async () => {
  const sums = files.get(sumsFile)?.toString('utf8') ?? '';
  const changed = new Map(files).set(sumsFile, Buffer.from(sums.replaceAll('\n', '\r\n')));
  await writeFile(join(elsewhere, 'windows.zip'), await zipOf(changed));
  const { stdout } = await run('verify', 'windows.zip', '--json');
  expect(JSON.parse(stdout).breaks).toEqual([
    expect.objectContaining({
      code: 'SumsDamaged',
      message: expect.stringContaining('line ends of Windows'),
    }),
  ]);
});

it('many findings of one code are printed in part, and counted', async () => {
  const changed = new Map(files);
  for (let number = 0; number < 70; number += 1) changed.set(`more/${number}`, Buffer.from('x'));
  await writeFile(join(elsewhere, 'more.zip'), await zipOf(changed));
  const { stdout } = await run('verify', 'more.zip');
  expect(stdout.match(/^ {2}FileUnlisted {2}more/gm)).toHaveLength(50);
  expect(stdout).toContain('  FileUnlisted: 70 in all; --json tells each\n');
  expect(stdout).toContain('BROKEN: 70 breaks');
});

it('an archive without its store is broken, in a zip and in a folder', async () => {
  const derived = new Map([...files].filter(([path]) => !path.startsWith('sealed/')));
  await writeFile(join(elsewhere, 'derived.zip'), await zipOf(derived));
  await writeFiles(join(elsewhere, 'derived'), derived);
  for (const place of ['derived.zip', 'derived']) {
    const { stdout, code } = await run('verify', place, '--json');
    const breaks: { code: string; where: string }[] = JSON.parse(stdout).breaks;
    expect(breaks.map((each) => each.code)).toContain('NothingToVerify');
    expect(breaks.map(({ where }) => where)).toContain('sealed/bundles/00000001.json');
    expect(code).toBe(4);
  }
  await rm(join(elsewhere, 'derived'), { recursive: true });
});

it('a file that is no zip is refused, and one of something else is no archive', async () => {
  await writeFile(join(elsewhere, 'no.zip'), 'PK');
  await writeFile(join(elsewhere, 'other.zip'), await zipOf(new Map([['a', Buffer.from('b')]])));
  const no = await run('verify', 'no.zip');
  expect([no.code, no.stderr]).toEqual([4, expect.stringContaining('cannot be read as a zip')]);
  const other = await run('verify', 'other.zip');
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('is no archive')]);
});
