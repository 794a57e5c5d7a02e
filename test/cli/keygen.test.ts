import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { CommandIo } from '../../src/cli/command.ts';
import { keygen } from '../../src/cli/commands/keygen.ts';
import { openSigner } from '../../src/cli/keys.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { isSignatureOf, readPublicKey } from '../../src/seal/signature.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);

let folder: string;
let out: string;
let printed: string[];
let io: CommandIo;
beforeEach(async () => {
  folder = await temporaryFolder();
  out = join(folder, 'signing-key.pem');
  printed = [];
  io = {
    terminal: { ...createTerminal({}), out: (line = '') => void printed.push(line) },
    env: {},
    signal: new AbortController().signal,
  };
});

const modeOf = async (file: string) => (await stat(file)).mode & 0o777;

describe('keygen', () => {
  it('writes a pair that signs and verifies, the private key for its owner only', async () => {
    expect(await keygen(io, { out })).toBe(0);
    expect(await readdir(folder)).toEqual(['signing-key.pem', 'signing-key.pub.pem']);
    const publicFile = join(folder, 'signing-key.pub.pem');
    const publicKey = readPublicKey(await readFile(publicFile), publicFile);
    const { signer, notes } = await openSigner(undefined, { TICKMARK_SIGNING_KEY: out });
    expect(notes).toEqual([]);
    expect(signer?.publicKey).toEqual(publicKey);
    const bytes = Buffer.from('manifest');
    const signature = (await signer?.sign(bytes)) ?? Buffer.alloc(0);
    expect(isSignatureOf(publicKey, bytes, signature)).toBe(true);
    expect(await modeOf(out)).toBe(0o600);
    expect((await modeOf(publicFile)) & 0o133).toBe(0);
  });

  it('says what to do next, and nothing of the private key', async () => {
    await keygen(io, { out });
    const text = printed.join('\n');
    const { fingerprint } = readPublicKey(await readFile(`${folder}/signing-key.pub.pem`), 'it');
    for (const part of [
      fingerprint,
      `signing: { key: "${out}" }`,
      'TICKMARK_SIGNING_KEY',
      '.gitignore',
      'auditor',
    ]) {
      expect(text).toContain(part);
    }
    for (const line of (await readFile(out, 'utf8')).trim().split('\n')) {
      expect(text).not.toContain(line);
    }
  });

  it('prints one object as data', async () => {
    await keygen(io, { out, json: true });
    const publicFile = join(folder, 'signing-key.pub.pem');
    const { fingerprint } = readPublicKey(await readFile(publicFile), publicFile);
    expect(printed.map((line) => JSON.parse(line))).toEqual([
      { private_key: out, public_key: publicFile, fingerprint },
    ]);
  });

  it('names the public key after the private one, and makes another each time', async () => {
    await keygen(io, { out });
    await keygen(io, { out: join(folder, 'second'), json: true });
    expect(await readdir(folder)).toEqual([
      'second',
      'second.pub.pem',
      'signing-key.pem',
      'signing-key.pub.pem',
    ]);
    expect(await readFile(join(folder, 'second'))).not.toEqual(await readFile(out));
  });

  it.each([
    ['the private key', 'signing-key.pem'],
    ['the public key', 'signing-key.pub.pem'],
  ])('leaves a file that exists as it is, and no other behind: %s', async (_which, name) => {
    const file = join(folder, name);
    await writeFile(file, 'of before');
    await expect(keygen(io, { out })).rejects.toMatchObject({
      code: 'Usage',
      message: expect.stringMatching(new RegExp(`${name} exists and was left as it is.*--out`)),
    });
    expect(await readdir(folder)).toEqual([name]);
    expect(await readFile(file, 'utf8')).toBe('of before');
    expect(printed).toEqual([]);
  });

  it('leaves nothing where the public key cannot be written', async () => {
    await mkdir(join(folder, 'signing-key.pub.pem'));
    await expect(keygen(io, { out })).rejects.toMatchObject({ code: 'Usage' });
    expect(await readdir(folder)).toEqual(['signing-key.pub.pem']);
  });

  it('says so where nothing can be written', async () => {
    await expect(keygen(io, { out: join(folder, 'none', 'key.pem') })).rejects.toMatchObject({
      code: 'Usage',
      message: expect.stringMatching(/none\/key\.pem cannot be written: .*--out/),
    });
    // Root may write everywhere.
    if (process.getuid?.() === 0) return;
    await chmod(folder, 0o500);
    await expect(keygen(io, { out })).rejects.toMatchObject({ code: 'Usage' });
  });
});
