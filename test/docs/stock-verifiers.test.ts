import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { requestToken } from '../../src/seal/authority.ts';
import { manifestKey, signatureKey, tokenKey } from '../../src/seal/manifest.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { objectKey } from '../../src/store/objects.ts';
import type { FindingCode } from '../../src/verify/finding.ts';
import { verify } from '../../src/verify/verify.ts';
import {
  type Authority,
  opensslAvailable,
  opensslMissing,
  startAuthority,
} from '../support/authority.ts';
import { fileOf, newSigner, type SealedNights, sealedNights } from '../support/sealed-nights.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

// Hundreds of small programs are started; a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const execute = promisify(execFile);
const toolTimeoutMs = 30_000;

/** The tools that are not of this project. */
type Tool = 'sha256sum -c' | 'openssl dgst -verify' | 'openssl ts -verify';

const signer = newSigner();
let authority: Authority;
let nights: SealedNights;
let whole: ReadonlyMap<string, Buffer>;

beforeAll(async () => {
  if (!opensslAvailable) return;
  authority = await startAuthority();
  const { signal } = new AbortController();
  nights = await sealedNights({
    bundles: 3,
    sealing: () => ({ signer, authorities: [authority.url] }),
    sealed: async ({ digest }, store) => {
      const roots = [authority.caPem];
      const over = Buffer.from(digest, 'hex');
      const { token } = await requestToken(authority.url, over, { roots, signal });
      await store.keepToken(digest, token);
    },
  });
  whole = new Map(nights.keys);
});

afterAll(async () => {
  if (opensslAvailable) await authority.close();
  await removeTemporary();
});

/** A folder with these files as `evidence`, and beside it what an auditor was given. */
async function folderWith(files: ReadonlyMap<string, Buffer>, caPem: string): Promise<string> {
  const folder = await temporaryFolder();
  const heads = nights.bundles.map(
    ({ manifest, digest }) => `${digest}  evidence/${manifestKey(manifest.sequence)}\n`,
  );
  const given = new Map([
    ...[...files].map(([key, bytes]) => [join('evidence', key), bytes] as const),
    ['key.der', signer.publicKey.der] as const,
    ['roots.pem', Buffer.from(caPem)] as const,
    ['heads.sha256', Buffer.from(heads.join(''))] as const,
  ]);
  for (const [name, bytes] of given) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
  return folder;
}

const succeeds = (folder: string, program: string, ...args: string[]) =>
  execute(program, args, { cwd: folder, timeout: toolTimeoutMs }).then(
    () => true,
    (error) => {
      // Refused; whoever is not there at all has refused nothing.
      if (typeof error.code === 'number') return false;
      throw error;
    },
  );

/** The tools that do not accept what lies in a folder. */
async function refusing(folder: string): Promise<Tool[]> {
  const sealed = nights.bundles.map(({ manifest, digest }) => ({
    manifest: `evidence/${manifestKey(manifest.sequence)}`,
    signature: `evidence/${signatureKey(digest)}`,
    token: `evidence/${tokenKey(digest)}`,
  }));
  const digests = `mkdir unfolded
    { cat heads.sha256
      for f in evidence/objects/*/*.gz; do
        name=$(basename "$f" .gz)
        gunzip -c "$f" > "unfolded/$name" 2> /dev/null
        echo "$name  unfolded/$name"
      done
    } | sha256sum -c --quiet`;
  const each = async (check: (of: (typeof sealed)[number]) => Promise<boolean>) =>
    (await Promise.all(sealed.map(check))).every((accepted) => accepted);
  const accepted: Record<Tool, boolean> = {
    'sha256sum -c': await succeeds(folder, 'bash', '-c', digests),
    'openssl dgst -verify': await each(({ manifest, signature }) =>
      succeeds(
        folder,
        'openssl',
        ...['dgst', '-sha256', '-keyform', 'DER', '-verify', 'key.der'],
        ...['-signature', signature, manifest],
      ),
    ),
    'openssl ts -verify': await each(({ manifest, token }) =>
      succeeds(
        folder,
        'openssl',
        ...['ts', '-verify', '-data', manifest, '-in', token, '-token_in'],
        ...['-CAfile', 'roots.pem'],
      ),
    ),
  };
  return (Object.keys(accepted) as Tool[]).filter((tool) => !accepted[tool]);
}

/** What verification breaks over, each code once. */
async function breaks(folder: string, caPem: string): Promise<FindingCode[]> {
  const found = new Set<FindingCode>();
  const options = {
    heads: nights.bundles.map(({ manifest, digest }) => ({ sequence: manifest.sequence, digest })),
    keys: [signer.publicKey],
    roots: [caPem],
    requireSignature: true,
    requireTimestamp: true,
  };
  const backend = folderBackend(join(folder, 'evidence'));
  for await (const { severity, code } of verify(backend, options)) {
    if (severity === 'break') found.add(code);
  }
  return [...found];
}

/** Both, on one and the same folder. */
async function judge(files: ReadonlyMap<string, Buffer>, caPem = authority.caPem) {
  const folder = await folderWith(files, caPem);
  return { tools: await refusing(folder), codes: await breaks(folder, caPem) };
}

/** The store with one bit of a file turned. */
function turned(key: string, at: number): Map<string, Buffer> {
  const bytes = Buffer.from(fileOf(nights.keys, key));
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = (bytes[place] ?? 0) ^ 0x01;
  return new Map([...whole, [key, bytes]]);
}

const digestOf = (sequence: number) => nights.bundles[sequence - 1]?.digest ?? '';

describe.skipIf(!opensslAvailable)(`stock tools and verify${opensslMissing}`, () => {
  it('accept a signed and stamped store that is whole', async () => {
    expect(await judge(whole)).toEqual({ tools: [], codes: [] });
  });

  it.each([20, 1_000, -2])('refuse a manifest with a bit turned at %i', async (at) => {
    const { tools, codes } = await judge(turned(manifestKey(2), at));
    expect(tools).toEqual(['sha256sum -c', 'openssl dgst -verify', 'openssl ts -verify']);
    expect(codes).toEqual(expect.arrayContaining(['HeadMismatch', 'ChainBroken']));
  });

  it.each([0, 5, 20, -1])('refuse a signature with a bit turned at %i', async (at) => {
    expect(await judge(turned(signatureKey(digestOf(2)), at))).toEqual({
      tools: ['openssl dgst -verify'],
      codes: ['BadSignature'],
    });
  });

  it("refuse another key's signature", async () => {
    const manifest = fileOf(nights.keys, manifestKey(2));
    const other = await newSigner().sign(manifest);
    expect(await judge(new Map([...whole, [signatureKey(digestOf(2)), other]]))).toEqual({
      tools: ['openssl dgst -verify'],
      codes: ['BadSignature'],
    });
  });

  it('refuse a token whose time or signature has a bit turned', async () => {
    // The newest: no later manifest names its digest.
    const key = tokenKey(digestOf(3));
    const time = fileOf(nights.keys, key)
      .toString('latin1')
      .search(/20\d{12}(\.\d+)?Z/);
    expect(time).toBeGreaterThan(0);
    for (const at of [time + 3, -1]) {
      expect(await judge(turned(key, at)), String(at)).toEqual({
        tools: ['openssl ts -verify'],
        codes: ['BadToken'],
      });
    }
  });

  it('refuse the token of another manifest', async () => {
    const other = fileOf(nights.keys, tokenKey(digestOf(2)));
    expect(await judge(new Map([...whole, [tokenKey(digestOf(3)), other]]))).toEqual({
      tools: ['openssl ts -verify'],
      codes: ['BadToken'],
    });
  });

  it('refuse tokens of an authority that nobody vouches for', async () => {
    const stranger = await startAuthority();
    try {
      expect(await judge(whole, stranger.caPem)).toEqual({
        tools: ['openssl ts -verify'],
        codes: ['BadToken'],
      });
    } finally {
      await stranger.close();
    }
  });

  it('refuse an object with another content, or cut', async () => {
    const key = objectKey(nights.bundles[0]?.manifest.controls[0]?.digest ?? '');
    for (const bytes of [gzipSync('another'), fileOf(nights.keys, key).subarray(0, 30)]) {
      expect(await judge(new Map([...whole, [key, bytes]]))).toEqual({
        tools: ['sha256sum -c'],
        codes: ['ObjectDamaged'],
      });
    }
  });
});
