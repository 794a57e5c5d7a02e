/** `tickmark verify` over a folder, as its user meets it. */
import { mkdir, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CommandIo } from '../../src/cli/command.ts';
import { type VerifyCommandOptions, verify } from '../../src/cli/commands/verify.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { manifestKey } from '../../src/seal/manifest.ts';
import { objectKey } from '../../src/store/objects.ts';
import { newSigner, type SealedNights, sealedNights } from '../support/sealed-nights.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

const signer = newSigner();
const { fingerprint } = signer.publicKey;

let nights: SealedNights;
let folder: string;
let head: string;
let printed: string[];
let io: CommandIo;

beforeAll(async () => {
  nights = await sealedNights({ bundles: 6, sealing: () => ({ signer, authorities: [] }) });
  head = nights.bundles[5]?.digest ?? '';
});
afterAll(removeTemporary);
beforeEach(async () => {
  folder = join(await temporaryFolder(), 'evidence');
  for (const [key, bytes] of nights.keys) {
    await mkdir(dirname(join(folder, key)), { recursive: true });
    await writeFile(join(folder, key), bytes);
  }
  printed = [];
  io = {
    terminal: { ...createTerminal({}), out: (line = '') => void printed.push(line) },
    env: {},
    signal: new AbortController().signal,
  };
});

const run = (options: VerifyCommandOptions = {}) => verify(io, folder, options);

describe('tickmark verify', () => {
  it('says what it verified, and ends with 0', async () => {
    const publicFile = join(dirname(folder), 'key.pub.der');
    await writeFile(publicFile, signer.publicKey.der);
    const options = { head: [`6:sha256:${head}`], key: [publicFile], requireSignature: true };
    expect(await run(options)).toBe(0);
    const text = printed.join('\n');
    expect(text).toContain('Bundles     6, 2026-01-01 02:00:00 UTC to 2026-01-06 02:00:00 UTC');
    expect(text).toContain(`Head        6 sha256:${head}`);
    expect(text).toContain(`Signatures  6 bundles by key ${fingerprint} (given)`);
    expect(text).toContain('NoTimestamp  bundles/00000001.json, bundles 1–6');
    expect(printed.at(-1)).toBe('Verified 6 bundles: nothing is broken; 1 note.');
    expect(text).not.toMatch(/compli/i);
  });

  it.each([
    ['as a run prints it', () => `6 sha256:${head}`],
    ['with a colon', () => `6:sha256:${head}`],
    ['without its number', () => `sha256:${head}`],
    ['bare, in capitals', () => head.toUpperCase()],
  ])('takes a head %s', async (_how, given) => {
    expect(await run({ head: [given()], key: [fingerprint] })).toBe(0);
    expect(printed.join('\n')).not.toContain('HeadNotGiven');
    const wrong = given().replace(/[0-9a-f]$/i, (digit) => (digit === '0' ? '1' : '0'));
    expect(await run({ head: [wrong] })).toBe(4);
  });

  it('tells breaks first, what, where and which bundles, and ends with 4', async () => {
    await unlink(join(folder, manifestKey(3)));
    await unlink(join(folder, objectKey(nights.bundles[1]?.manifest.controls[0]?.digest ?? '')));
    expect(await run()).toBe(4);
    const lines = printed.filter((line) => /^ {2}[A-Z][a-zA-Z]+ {2}[a-z]+\//.test(line));
    expect(lines.slice(0, 2)).toEqual([
      '  MissingBundle  bundles/00000003.json, bundle 3',
      expect.stringMatching(/^ {2}ObjectMissing {2}objects\/.*, bundles 1–2, 4–6$/),
    ]);
    expect(printed.at(-1)).toMatch(/^BROKEN: 2 breaks in 5 bundles; \d notes\.$/);
  });

  it('gives data with --json', async () => {
    await writeFile(join(folder, manifestKey(6)), '{}');
    expect(await run({ json: true, head: [head] })).toBe(4);
    expect(printed).toHaveLength(1);
    const told = JSON.parse(printed[0] ?? '');
    expect(told).toMatchObject({ store: folder, verified: false, bundles: 6 });
    expect(told.breaks.map(({ code }: { code: string }) => code)).toEqual([
      'HeadMismatch',
      'DamagedManifest',
    ]);
    for (const each of [...told.breaks, ...told.notes]) {
      expect(Object.keys(each).sort()).toEqual(['bundles', 'code', 'message', 'severity', 'where']);
    }
  });

  it('sees links and pipes in the place of files, and what writers left', async () => {
    const manifest = join(folder, manifestKey(2));
    const elsewhere = join(dirname(folder), 'elsewhere.json');
    await writeFile(elsewhere, await readFile(manifest));
    await unlink(manifest);
    await symlink(elsewhere, manifest);
    const object = join(folder, objectKey(nights.bundles[1]?.manifest.slices[1]?.kept ?? ''));
    await rm(object);
    await mkdir(object);
    await writeFile(join(folder, 'bundles', '.tmp-0123456789abcdef'), '{');
    expect(await run()).toBe(4);
    const text = printed.join('\n');
    expect(text).toContain('DamagedManifest  bundles/00000002.json, bundle 2');
    expect(text).toMatch(/not a regular file/);
    expect(text).toContain('Leftover  bundles/.tmp-0123456789abcdef');
  });

  it('prints nothing that a store could hide an escape in', async () => {
    const evil = 'aws.\u001b[2Jiam';
    const { keys } = await sealedNights({
      bundles: 3,
      sealing: () => ({ signer, authorities: [] }),
      alter: (draft) => ({
        ...draft,
        slices: draft.slices.map((slice) => ({
          ...slice,
          dataset: evil,
          records: { ...slice.records, count: 9 },
        })),
      }),
    });
    await rm(folder, { recursive: true });
    for (const [key, bytes] of keys) {
      await mkdir(dirname(join(folder, key)), { recursive: true });
      await writeFile(join(folder, key), bytes);
    }
    expect(await run()).toBe(4);
    expect(printed.join('\n')).toContain('aws.\u{fffd}[2Jiam');
    expect(printed.join('\n')).not.toContain('\u001b');
  });

  it('tells a place that is no store from a store that lost its bundles', async () => {
    await rm(join(folder, 'bundles'), { recursive: true });
    expect(await run()).toBe(4);
    expect(printed.join('\n')).toContain('NothingToVerify');
    for (const place of [dirname(folder), join(folder, 'nowhere')]) {
      await expect(verify(io, place, {})).rejects.toMatchObject({
        code: 'NotFound',
        message: expect.stringContaining('bundles/'),
      });
    }
  });

  it.each([
    ['a head that is none', { head: ['6:sha256:abc'] }],
    ['a key that is no file', { key: ['no-such-key.pem'] }],
    ['a file without certificates', { tsaCa: import.meta.filename }],
  ])('refuses %s', async (_what, options) => {
    await expect(run(options)).rejects.toMatchObject({ code: 'Usage' });
  });
});
