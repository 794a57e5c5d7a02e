/** What somebody who can write the store, and has no key, puts into it: nothing is built on it. */
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatManifest, type Manifest, manifestKey, tokenKey } from '../../src/seal/manifest.ts';
import { generateKeyPair } from '../../src/seal/signature.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { Store } from '../../src/store/store.ts';
import { bundlesOf, type Door, newDoorProject, startDoor } from '../night/door-project.ts';
import { tickmark } from '../support/cli.ts';
import { removeTemporary } from '../support/temporary.ts';

const { privateKey, fingerprint } = generateKeyPair();
const stranger = generateKeyPair();
const clock = (day: number) => `2026-01-0${day}T02:00:00Z`;

let door: Door;
let cwd: string;
let evidence: string;

const call = (...args: string[]) =>
  tickmark(args, '', { cwd, env: { TICKMARK_SIGNING_KEY: privateKey } });
const files = async () =>
  (await readdir(evidence, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
const write = (manifest: Manifest) =>
  writeFile(join(evidence, manifestKey(manifest.sequence)), formatManifest(manifest).bytes);

beforeAll(async () => {
  door = await startDoor();
});

beforeEach(async () => {
  cwd = await newDoorProject(door);
  evidence = join(cwd, 'evidence');
  for (const day of [1, 2, 3]) {
    const { code, stderr } = await call('run', '--json', '--clock', clock(day));
    expect(code, stderr).toBe(1);
  }
}, 60_000);

afterAll(async () => {
  await door.close();
  await removeTemporary();
});

const forgeries: [string, () => Promise<unknown>][] = [
  [
    'an unsigned bundle behind signed ones',
    async () => {
      const { manifest, digest } = (await bundlesOf(folderBackend(evidence))).at(-1) ?? {};
      await write({
        ...(manifest as Manifest),
        sequence: 4,
        previous: digest ?? null,
        run: '20260104T020000Z-000000',
        signature: null,
      });
    },
  ],
  [
    'a bundle that lets another key in, without a signature',
    async () => {
      const { manifest, digest } = (await bundlesOf(folderBackend(evidence))).at(-1) ?? {};
      await write({
        ...(manifest as Manifest),
        kind: 'keys',
        sequence: 4,
        previous: digest ?? null,
        run: '20260104T020000Z-000000',
        signature: {
          key: fingerprint,
          previous_key: fingerprint,
          signers: [fingerprint, stranger.fingerprint],
        },
      });
    },
  ],
  [
    'the newest bundle, edited',
    async () => {
      const { manifest } = (await bundlesOf(folderBackend(evidence))).at(-1) ?? {};
      await write({ ...(manifest as Manifest), organization: 'Other GmbH' });
    },
  ],
  ['a bundle in the middle, gone', () => rm(join(evidence, manifestKey(2)))],
  [
    'a timestamp that is none',
    async () => {
      const store = new Store(folderBackend(evidence));
      const { manifest, digest } = (await store.last()) ?? {};
      const timestamps = { authorities: ['https://tsa.example/'], tokens: [], missing: [] };
      const { pemSigner } = await import('../../src/seal/signature.ts');
      const changed = { ...(manifest as Manifest), timestamps };
      const { bytes, digest: now } = formatManifest(changed);
      await rm(join(evidence, 'seals', `${digest}.sig`));
      await write(changed);
      const signature = await pemSigner(privateKey, 'it').sign(bytes);
      await writeFile(join(evidence, 'seals', `${now}.sig`), signature);
      await writeFile(join(evidence, tokenKey(now)), 'garbage');
    },
  ],
];

describe('what somebody without the key wrote', () => {
  it.each(forgeries)(
    '%s: no night is sealed on it, and nothing is asked',
    async (_name, forge) => {
      await forge();
      const before = await files();
      door.asked.length = 0;
      const { code, stdout, stderr } = await call('run', '--clock', clock(5));
      expect({ code, stdout }, stderr).toEqual({ code: 4, stdout: '' });
      expect(stderr).toMatch(/restore it from a copy/);
      expect(door.asked).toEqual([]);
      expect(await files()).toEqual(before);
    },
    60_000,
  );

  it.each([
    ['a bundle in the middle is gone', 4, () => rm(join(evidence, manifestKey(2)))],
    ['every bundle is gone', 2, () => rm(join(evidence, 'bundles'), { recursive: true })],
    [
      'an object that is named is gone',
      4,
      async () => {
        const first = (await files()).find((file) => file.includes('objects')) as string;
        await rm(first);
      },
    ],
  ])(
    'where %s, gc removes nothing',
    async (_name, expected, damage) => {
      await damage();
      const before = await files();
      const { code, stderr } = await call('store', 'gc', '--older-than', '0');
      expect(code, stderr).toBe(expected);
      expect(await files()).toEqual(before);
    },
    60_000,
  );

  it('of other names is left to whoever put it there', async () => {
    const own = ['objects/models.obj', 'objects/ab.txt', 'seals/wax.txt', 'seals/.tmp-mine'];
    for (const name of own) await writeFile(join(evidence, name), 'mine');
    const before = await files();
    const { code } = await call('store', 'gc', '--older-than', '0');
    expect(code).toBe(0);
    expect(await files()).toEqual(before);
  }, 60_000);

  it('and is too large to be read, or stands in no place, stops nothing else', async () => {
    const object = (await files()).find((file) => file.includes('objects')) as string;
    await truncate(object, 3 * 1024 ** 3);
    await writeFile(join(evidence, 'bundles', '00000000.json'), '{}');
    const { code, stdout } = await call('verify', evidence, '--json');
    const { breaks, notes } = JSON.parse(stdout);
    expect(code).toBe(4);
    expect(breaks).toMatchObject([{ code: 'ObjectDamaged' }]);
    expect(notes.map((note: { code: string }) => note.code)).toContain('UnknownFile');
    await rm(join(evidence, 'objects'), { recursive: true });
    expect((await readFile(join(evidence, manifestKey(1)))).length).toBeGreaterThan(0);
  }, 60_000);
});
