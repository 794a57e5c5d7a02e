/** check.sh says of each archive what `tickmark verify` says of it. */
import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import { manifestKey, signatureKey, tokenKey } from '../../src/seal/manifest.ts';
import { openArchive, sumsFile } from '../../src/store/archive.ts';
import { objectKey } from '../../src/store/objects.ts';
import { Store } from '../../src/store/store.ts';
import type { VerifyOptions } from '../../src/verify/verify.ts';
import { codes, read, section } from '../docs/pages.ts';
import { archiveOf, checkScript, derivedFile, withSums, writeFiles } from '../support/archives.ts';
import {
  type Authority,
  opensslAvailable,
  opensslMissing,
  startAuthority,
} from '../support/authority.ts';
import { cleanShell, toolsIn, which } from '../support/clean-shell.ts';
import {
  copyOf,
  fileOf,
  newSigner,
  rewrite,
  type SealedNights,
  sealedNights,
  tokenAt,
} from '../support/sealed-nights.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { cases, closeAuthority } from '../verify/cases.ts';
import { findingsOf } from '../verify/findings.ts';

// Each run starts some hundred small programs; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const signer = newSigner();
const other = newSigner('other');
const count = 5;

let authority: Authority;
/** Signed and stamped; bundle 4 is a draw. */
let nights: SealedNights;
let whole: Map<string, Buffer>;
let path: string;

beforeAll(async () => {
  if (!opensslAvailable) return;
  path = await toolsIn(join(await temporaryFolder(), 'bin'));
  authority = await startAuthority();
  nights = await sealedNights({
    bundles: count,
    sample: 4,
    sealing: () => ({ signer, authorities: [authority.url] }),
    sealed: async ({ manifest, digest }, store) => {
      const time = new Date(Date.parse(manifest.finished_at) + 3_000);
      await store.keepToken(digest, await tokenAt(authority, digest, time));
    },
  });
  whole = await archiveOf(nights.keys);
});
afterAll(async () => {
  if (opensslAvailable) await authority.close();
  await closeAuthority();
  await removeTemporary();
});

const digestOf = (sequence: number) => nights.bundles[sequence - 1]?.digest ?? '';
const head = () => ({ sequence: count, digest: digestOf(count) });

type Held = Partial<Pick<VerifyOptions, 'heads' | 'keys' | 'roots'>>;
const everything = (): Held => ({
  heads: [head()],
  keys: [signer.publicKey],
  roots: [authority.caPem],
});

/** What the script alone says of an archive. */
async function checked(files: ReadonlyMap<string, Buffer>, args: string[] = []) {
  const folder = join(await temporaryFolder(), 'archive');
  await writeFiles(folder, files);
  const said = await cleanShell('sh', path, [checkScript, ...args, folder]);
  await rm(folder, { recursive: true });
  return said;
}

/** What both say of an archive: the same exit code, and the lines of the script. */
async function judge(
  files: ReadonlyMap<string, Buffer>,
  held: Held,
  {
    shell = 'sh',
    prepare,
  }: { shell?: string; prepare?: (folder: string) => Promise<void> | void } = {},
) {
  const folder = join(await temporaryFolder(), 'an archive');
  await writeFiles(folder, files);
  await prepare?.(folder);
  const args: string[] = [];
  for (const { sequence, digest } of held.heads ?? [])
    args.push('--head', `${sequence} sha256:${digest}`);
  for (const key of held.keys ?? []) {
    const name = join(folder, '../key.der');
    if (typeof key !== 'string') await writeFile(name, key.der);
    args.push('--key', typeof key === 'string' ? key : name);
  }
  const roots = join(folder, '../roots.pem');
  for (const text of held.roots ?? []) {
    await writeFile(roots, text);
    args.push('--tsa-ca', roots);
  }
  const { code, stdout, stderr } = await cleanShell(which(shell) ?? shell, path, [
    checkScript,
    ...args,
    folder,
  ]);
  const opened = await openArchive(folder);
  if (opened === undefined) throw new Error('that is no archive');
  const { breaks } = await findingsOf(opened.sealed, { ...held, files: opened.files });
  await rm(folder, { recursive: true });
  return { code, stdout, stderr, verify: breaks.length > 0 ? 4 : 0, breaks };
}

const shells = ['dash', 'bash', 'mksh'].filter((shell) => which(shell) !== undefined);

describe.skipIf(!opensslAvailable)(`check.sh on an archive that is whole${opensslMissing}`, () => {
  it.each(shells)('says so, check by check, in %s', async (shell) => {
    const { code, verify, stdout, stderr } = await judge(whole, everything(), { shell });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'ok      files: each is what SHA256SUMS says, and there is none besides',
      expect.stringContaining('note    files: tables and reports are sealed by nobody'),
      'ok      chain: 5 bundles, none missing, each names the one before',
      'ok      heads: the newest bundle is one that was given',
      'ok      signatures: 5 of 5 bundles are signed, by keys that might',
      'ok      timestamps: 5 of 5 bundles have one',
      expect.stringMatching(
        /^ok {6}objects: \d+ are named, all are there, each is what its name says$/,
      ),
      `INTACT: 5 bundles, head 5 sha256:${digestOf(5)}`,
      '',
    ]);
    expect([code, verify]).toEqual([0, 0]);
  });

  it('counts every object, and needs nothing from outside, but says what then is open', async () => {
    const { code, verify, stdout } = await judge(whole, {});
    const objects = [...nights.keys.keys()].filter((key) => key.startsWith('objects/'));
    expect(stdout).toContain(`objects: ${objects.length} are named`);
    expect(stdout.match(/^note +\w+/gm)).toEqual([
      'note    files',
      'note    heads',
      'note    signatures',
      'note    timestamps',
    ]);
    expect(stdout).toContain(`signatures: by key ${signer.publicKey.fingerprint}, which`);
    expect([code, verify]).toEqual([0, 0]);
  });

  it('says that whoever can write an unsigned one could have made it', async () => {
    const unsigned = await sealedNights({ bundles: 3 });
    const { code, verify, stdout } = await judge(await archiveOf(unsigned.keys), {});
    expect(stdout).toContain('note    signatures: there are none; whoever can write this');
    expect([code, verify]).toEqual([0, 0]);
  });

  it('lets pass what nothing depends on', async () => {
    const keys = new Map(nights.keys);
    await keep(keys, Buffer.from('left over'));
    keys.set('bundles/notes.txt', Buffer.from('mine'));
    keys.set(`seals/${'0'.repeat(64)}.sig`, Buffer.from('mine'));
    const { code, verify, stdout } = await judge(await archiveOf(keys), everything());
    expect(stdout).toContain('note    objects: 1 lie here that nothing names');
    expect([code, verify]).toEqual([0, 0]);
  });

  it('leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    const archive = join(folder, 'archive');
    await writeFiles(archive, whole);
    await mkdir(join(folder, 'tmp'));
    const before = await listing(folder);
    const env = `TMPDIR='${join(folder, 'tmp')}' sh '${checkScript}' '${archive}'`;
    expect(await cleanShell('sh', path, ['-c', env])).toMatchObject({ code: 0, stderr: '' });
    expect(await listing(folder)).toBe(before);
  });

  it('checks the folder that it lies in', async () => {
    const archive = join(await temporaryFolder(), 'archive');
    await writeFiles(archive, whole);
    const { code } = await cleanShell('sh', path, [join(archive, 'check.sh')]);
    expect(code).toBe(0);
  });

  it.each([
    ['no archive', ['/'], 'is no archive'],
    ['a head that is none', ['--head', 'abc'], '--head: abc is no head'],
    [
      'a key that is none',
      ['--key', 'abc'],
      '--key: abc is neither a public key nor a fingerprint',
    ],
    ['roots that are none', ['--tsa-ca', import.meta.filename], 'holds no certificate'],
    ['an option without a value', ['--key'], '--key needs a value'],
    ['an option that there is not', ['--verbose'], 'there is no option --verbose'],
  ])('refuses %s', async (_what, args, message) => {
    const { code, stderr } = await cleanShell('sh', path, [checkScript, ...args]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  it.each(['sha256sum', 'openssl', 'gzip'])('says that there is no %s', async (tool) => {
    const bare = await toolsIn(join(await temporaryFolder(), 'bin'));
    await rm(join(bare, tool));
    const { code, stderr } = await cleanShell('sh', bare, [checkScript, path]);
    expect(stderr).toContain(`there is no ${tool === 'sha256sum' ? 'shasum' : tool} here`);
    expect(code).toBe(2);
  });
});

async function listing(folder: string): Promise<string> {
  const { stdout } = await cleanShell('sh', path, ['-c', `find '${folder}' | sort`]);
  return stdout;
}

async function keep(keys: Map<string, Buffer>, bytes: Uint8Array): Promise<void> {
  const copy = copyOf({ keys });
  await new Store(copy.backend).writeBytes(bytes);
  for (const [name, file] of copy.keys) keys.set(name, file);
}

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const place = at < 0 ? copy.length + at : at;
  copy[place] = (copy[place] ?? 0) ^ 0x55;
  return copy;
}

/** Codes of findings about the list of files. */
const ofFiles = /^(Sums|File)/;

/** From an archive to the root of the file system. */
const up = '../'.repeat(20);
const more = (files: Map<string, Buffer>, line: string) =>
  files.set(sumsFile, Buffer.from(`${fileOf(files, sumsFile)}${line}\n`));

type Keys = Map<string, Buffer>;
const change = (keys: Keys, key: string, at: number) =>
  keys.set(key, changed(fileOf(keys, key), at));
const pipe = async (file: string) => {
  await rm(file, { force: true });
  await promisify(execFile)('mkfifo', [file]);
};
const pemOf = (der: Buffer) =>
  Buffer.from(
    createPublicKey({ key: der, format: 'der', type: 'spki' }).export({
      format: 'pem',
      type: 'spki',
    }),
  );
const cut = (keys: Keys, key: string) => keys.set(key, fileOf(keys, key).subarray(0, -20));
const exchange = (keys: Keys, one: string, two: string) => {
  const first = fileOf(keys, one);
  keys.set(one, fileOf(keys, two));
  keys.set(two, first);
};
const manifest = (sequence: number) => {
  const found = nights.bundles[sequence - 1]?.manifest;
  if (found === undefined) throw new Error(`there is no bundle ${sequence}`);
  return found;
};
const slice = (sequence: number) => {
  const found = manifest(sequence).slices[0];
  if (found === undefined) throw new Error(`bundle ${sequence} has no slice`);
  return found;
};
/** Objects of each kind that night 3 names. */
const objects: Record<string, () => string> = {
  'an index': () => slice(3).records.chunks ?? '',
  'an index of statuses': () => manifest(3).results?.statuses.chunks ?? '',
  'an index of a draw': () => manifest(4).sample?.population.chunks ?? '',
  'a receipt': () => slice(3).calls.receipts ?? '',
  'a control': () => manifest(3).controls[0]?.digest ?? '',
  'the waivers': () => manifest(3).waivers?.digest ?? '',
  'what is kept': () => manifest(3).slices[1]?.kept ?? '',
  'an index of answers': () => manifest(3).sources[1]?.answers ?? '',
  'the key': () => signer.publicKey.fingerprint,
  'an answer': () => sha256(JSON.stringify({ answer: 0 })),
};
const unsigned = (keys: Keys, from: number) =>
  rewrite(keys, from, (each) => ({ ...each, signature: null }));
const resigned = (keys: Keys, from: number) =>
  rewrite(
    keys,
    from,
    (each) => ({
      ...each,
      signature: {
        key: other.publicKey.fingerprint,
        previous_key:
          each.sequence === 1
            ? null
            : each.sequence === from
              ? signer.publicKey.fingerprint
              : other.publicKey.fingerprint,
        signers: [other.publicKey.fingerprint],
      },
    }),
    other,
  );

/** The ways of test/verify/mutations.test.ts, and who signs and stamps what. */
const tamperings: Record<string, (keys: Keys) => unknown> = {
  'a byte of the first manifest': (keys) => change(keys, manifestKey(1), 30),
  'a byte of a manifest': (keys) => change(keys, manifestKey(4), 700),
  'the last byte of the newest manifest': (keys) => change(keys, manifestKey(count), -1),
  'a manifest that is cut': (keys) => cut(keys, manifestKey(4)),
  'a manifest with a line feed more': (keys) =>
    keys.set(
      manifestKey(count),
      Buffer.concat([fileOf(keys, manifestKey(count)), Buffer.from('\n')]),
    ),
  'an empty manifest': (keys) => keys.set(manifestKey(4), Buffer.alloc(0)),
  'a night removed': (keys) => keys.delete(manifestKey(4)),
  'the first night removed': (keys) => keys.delete(manifestKey(1)),
  'the newest night removed': (keys) => keys.delete(manifestKey(count)),
  'every night removed': (keys) => {
    for (const { manifest } of nights.bundles) keys.delete(manifestKey(manifest.sequence));
  },
  'a night removed, and those behind it moved up': (keys) => {
    for (let next = 5; next <= count; next += 1) {
      keys.set(manifestKey(next - 1), fileOf(keys, manifestKey(next)));
    }
    keys.delete(manifestKey(count));
  },
  'two nights exchanged': (keys) => exchange(keys, manifestKey(3), manifestKey(4)),
  'a night in the next free place': (keys) =>
    keys.set(manifestKey(count + 1), fileOf(keys, manifestKey(4))),
  'a night in the last place of all': (keys) =>
    keys.set(manifestKey(99_999_999), fileOf(keys, manifestKey(4))),
  'the first byte of a signature': (keys) => change(keys, signatureKey(digestOf(3)), 0),
  'the last byte of a signature': (keys) => change(keys, signatureKey(digestOf(3)), -1),
  'a signature that is cut': (keys) => cut(keys, signatureKey(digestOf(3))),
  'a byte behind a signature': (keys) =>
    keys.set(
      signatureKey(digestOf(3)),
      Buffer.concat([fileOf(keys, signatureKey(digestOf(3))), Buffer.from([0])]),
    ),
  'a signature removed': (keys) => keys.delete(signatureKey(digestOf(3))),
  'two signatures exchanged': (keys) =>
    exchange(keys, signatureKey(digestOf(3)), signatureKey(digestOf(4))),
  'a lie without a signature': (keys) =>
    rewrite(keys, 4, (each) => (each.sequence === 4 ? { ...each, organization: 'Ltd.' } : each)),
  'all signatures taken away': (keys) => unsigned(keys, 1),
  'the newest signature taken away': (keys) => unsigned(keys, count),
  'everything signed by another key': async (keys) => {
    await keep(keys, other.publicKey.der);
    await resigned(keys, 1);
  },
  'the newest signed by another key': async (keys) => {
    await keep(keys, other.publicKey.der);
    await resigned(keys, count);
  },
  'the newest signed by a key that is not there': (keys) => resigned(keys, count),
  'a byte of a token': (keys) => change(keys, tokenKey(digestOf(3)), 200),
  'the last byte of the newest token': (keys) => change(keys, tokenKey(digestOf(count)), -1),
  'a token removed': (keys) => keys.delete(tokenKey(digestOf(3))),
  'the token of another night': (keys) =>
    keys.set(tokenKey(digestOf(count)), fileOf(keys, tokenKey(digestOf(3)))),
  'another good token': async (keys) =>
    keys.set(tokenKey(digestOf(3)), await tokenAt(authority, digestOf(3), new Date('2026-02-01'))),
  'bytes behind the newest token': (keys) =>
    keys.set(
      tokenKey(digestOf(count)),
      Buffer.concat([fileOf(keys, tokenKey(digestOf(count))), Buffer.from('more')]),
    ),
  'a token that is none': (keys) => keys.set(tokenKey(digestOf(count)), Buffer.from('token')),
  ...Object.fromEntries(
    Object.entries(objects).flatMap(([what, digest]) => [
      [`a byte at the head of ${what}`, (keys: Keys) => change(keys, objectKey(digest()), 1)],
      [`a byte in ${what}`, (keys: Keys) => change(keys, objectKey(digest()), -12)],
      [`${what} removed`, (keys: Keys) => keys.delete(objectKey(digest()))],
    ]),
  ),
  'an object that is cut': (keys) => cut(keys, objectKey(objects['a control']?.() ?? '')),
  'an object that unfolds to something else': (keys) =>
    keys.set(objectKey(objects['a control']?.() ?? ''), gzipSync('something else')),
  'an object that is not folded': (keys) => {
    const key = objectKey(objects['a control']?.() ?? '');
    keys.set(key, gunzipSync(fileOf(keys, key)));
  },
  'two objects exchanged': (keys) =>
    exchange(
      keys,
      objectKey(objects['a control']?.() ?? ''),
      objectKey(objects['a receipt']?.() ?? ''),
    ),
  'an object in the folder of another': (keys) => {
    const key = objectKey(objects['a control']?.() ?? '');
    keys.set(key.replace(/^objects\/../, 'objects/zz'), fileOf(keys, key));
    keys.delete(key);
  },
};

describe.skipIf(!opensslAvailable)(`check.sh and verify${opensslMissing}`, () => {
  it.concurrent.each(Object.entries(tamperings))('both refuse %s', async (_what, tamper) => {
    const keys = new Map(nights.keys);
    await tamper(keys);
    // The list of files is left as it was: the check of files shows it, and another check, which
    // does not look at that list, shows it where the list is written anew.
    const left = (await archiveOf(keys)).set(sumsFile, fileOf(whole, sumsFile));
    const { code, stdout, stderr, breaks } = await judge(left, everything());
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^BROKEN {2}files: /m);
    expect(stdout).toMatch(/^BROKEN {2}(chain|heads|signatures|timestamps|objects): /m);
    expect(stdout).toMatch(/\nBROKEN: \d of 6 checks failed.*\n$/);
    expect(code).toBe(4);
    expect(breaks.some((each) => ofFiles.test(each.code))).toBe(true);
    expect(breaks.some((each) => !ofFiles.test(each.code))).toBe(true);
  });

  it('both refuse what fits a list that was written anew', async () => {
    const keys = new Map(nights.keys);
    change(keys, objectKey(objects['a control']?.() ?? ''), -12);
    const { code, verify, stdout } = await judge(await archiveOf(keys), everything());
    expect(stdout).toContain('ok      files: ');
    expect(stdout).toContain('BROKEN: 1 of 6 checks failed');
    expect([code, verify]).toEqual([4, 4]);
  });

  it.each([
    ['nested deep', '['.repeat(3_000_000)],
    ['of objects nested deep', '{"a":'.repeat(20_000)],
    ['of text with quotes', `{"run":"${'\\"'.repeat(2_000_000)}`],
    ['of nothing but text', `{"run":"${'\\'.repeat(2_000_001)}`],
    ['without text', `{"run":${'1'.repeat(2_000_000)}}`],
    ['of two values', '{}{}'],
    ['with too much behind it', '{"run":"1"}x'],
  ])('both refuse a manifest %s, soon', async (_what, text) => {
    const keys = new Map(nights.keys).set(manifestKey(count + 1), Buffer.from(text));
    const { code, verify, stdout } = await judge(await archiveOf(keys), everything());
    expect(stdout).toContain(`chain: bundle ${count + 1} is no whole manifest`);
    expect([code, verify]).toEqual([4, 4]);
  });

  it.each([
    ['is cut', '{"base":null,"chunks":[],"packs":["'],
    ['is nested deep', `{"base":${'['.repeat(400_000)}`],
    ['is none', 'id: DP-02'],
    ['is empty', ''],
  ])('both refuse an index that %s', async (_what, text) => {
    const unsigned = await sealedNights({ bundles: 2 });
    await keep(unsigned.keys, Buffer.from(text));
    await rewrite(unsigned.keys, 2, (each) => ({
      ...each,
      slices: each.slices.map((slice) => ({
        ...slice,
        records: { ...slice.records, count: 1, chunks: sha256(text) },
      })),
    }));
    const { code, verify, stdout } = await judge(await archiveOf(unsigned.keys), {});
    expect(stdout).toContain(`${sha256(text)} is no whole index`);
    expect([code, verify]).toEqual([4, 4]);
  });

  it('opens no object that nothing names, whatever it would unfold to', async () => {
    const keys = new Map(nights.keys);
    await keep(keys, Buffer.from(`{"base":${'['.repeat(400_000)}`));
    await keep(keys, Buffer.from(`{"base":"${'\\"'.repeat(2_000_000)}`));
    const large = Buffer.alloc(70 * 1024 * 1024);
    keys.set(objectKey(sha256(large)), gzipSync(large));
    const { code, verify, stdout } = await judge(await archiveOf(keys), everything());
    expect(stdout).toContain('note    objects: 3 lie here that nothing names');
    expect([code, verify]).toEqual([0, 0]);
  });

  it('both miss every object that is not there, and every one that is another', async () => {
    const lost = [...nights.keys.keys()].filter((key) => {
      if (!key.startsWith('objects/')) return false;
      const text = gunzipSync(fileOf(nights.keys, key)).toString();
      // What names others hides them.
      return !/^\{"base"|"etag"|"confirmed"/.test(text);
    });
    expect(lost.length).toBeGreaterThan(30);
    for (const [tamper, fault] of [
      [(keys: Keys, key: string) => keys.delete(key), 'ObjectMissing'],
      [(keys: Keys, key: string) => keys.set(key, gzipSync('x')), 'ObjectDamaged'],
    ] as const) {
      const keys = new Map(nights.keys);
      for (const key of lost) tamper(keys, key);
      const { code, stdout, breaks } = await judge(await archiveOf(keys), { heads: [head()] });
      expect(code).toBe(4);
      expect(stdout).toContain(`BROKEN  objects: ${lost.length} in all`);
      expect(breaks.filter((each) => each.code === fault)).toHaveLength(lost.length);
    }
  });

  it.concurrent.each<[string, (files: Map<string, Buffer>) => unknown]>([
    ['changed', (files) => change(files, derivedFile, 3)],
    ['removed', (files) => files.delete(derivedFile)],
    ['added', (files) => files.set('more.csv', Buffer.from('more'))],
    ['moved', (files) => exchange(files, derivedFile, 'check.sh')],
    [
      'in the list twice',
      (files) => {
        const sums = fileOf(files, sumsFile).toString();
        files.set(sumsFile, Buffer.from(`${sums}${sums.split('\n')[0]}\n`));
      },
    ],
    [
      'in the list in another form',
      (files) => {
        const sums = fileOf(files, sumsFile).toString();
        files.set(sumsFile, Buffer.from(sums.replace(/^[0-9a-f]/gm, 'g')));
      },
    ],
    [
      'in the list by another path',
      (files) => more(files, `${sha256(fileOf(files, 'check.sh'))}  ./check.sh`),
    ],
    ['in the list, and a device', (files) => more(files, `${'0'.repeat(64)}  ${up}dev/zero`)],
    [
      'in the list, and outside',
      async (files) => more(files, `${sha256(await readFile(checkScript))}  ${up}${checkScript}`),
    ],
    ['in no list', (files) => files.delete(sumsFile)],
    ['in an empty list', (files) => files.set(sumsFile, Buffer.alloc(0))],
    [
      'in the list, and elsewhere',
      (files) =>
        files.set(
          sumsFile,
          Buffer.from(fileOf(files, sumsFile).toString().replace(derivedFile, '../x')),
        ),
    ],
  ])('both refuse a file that is %s', async (_what, tamper) => {
    const files = new Map(whole);
    await tamper(files);
    const { code, verify, stdout } = await judge(files, everything());
    expect({ code, verify }).toEqual({ code: 4, verify: 4 });
    expect(stdout).toMatch(/^BROKEN {2}files: /);
    expect(stdout).toContain('BROKEN: 1 of 6 checks failed');
  });

  it('both refuse a link in the place of a file', async () => {
    const { code, verify } = await judge(whole, everything(), {
      prepare: async (folder) => {
        const file = join(folder, derivedFile);
        const elsewhere = join(folder, '../elsewhere');
        await writeFile(elsewhere, await readFile(file));
        await rm(file);
        await symlink(elsewhere, file);
      },
    });
    expect([code, verify]).toEqual([4, 4]);
  });

  it.concurrent.each<[string, (folder: string) => void | Promise<void>]>([
    ['a pipe that is listed', (folder) => pipe(join(folder, derivedFile))],
    ['a pipe that is not', (folder) => pipe(join(folder, 'notes.txt'))],
    ['a pipe for a manifest', (folder) => pipe(join(folder, 'sealed', manifestKey(2)))],
    ['a pipe for a signature', (folder) => pipe(join(folder, 'sealed', signatureKey(digestOf(2))))],
    ['a pipe for the list', (folder) => pipe(join(folder, sumsFile))],
    ['a link to a device', (folder) => symlink('/dev/zero', join(folder, 'notes.txt'))],
    [
      'a name that passes for two',
      async (folder) => {
        await mkdir(join(folder, 'check.sh\n.'));
        await writeFile(join(folder, 'check.sh\n.', derivedFile.split('/')[0] ?? ''), 'more');
      },
    ],
  ])('both refuse %s, and the script opens nothing', async (_what, prepare) => {
    const { code, verify, stdout } = await judge(whole, everything(), { prepare });
    expect(stdout).toMatch(/^BROKEN {2}files: .* is neither a file nor a folder/);
    expect(stdout).toMatch(/\nBROKEN: 1 of 6 checks failed, and nothing else was opened; .*\n$/);
    expect([code, verify]).toEqual([4, 4]);
  });

  it.each(['bundles', 'objects', 'seals'])('refuses %s beside sealed', async (name) => {
    const keys = new Map(nights.keys);
    const files = await archiveOf(keys);
    const beside = withSums(new Map(files).set(`${name}/notes.txt`, Buffer.from('mine')));
    const { code, stdout } = await checked(beside);
    expect(stdout).toMatch(new RegExp(`^BROKEN {2}files: ${name} lies beside sealed/`));
    expect(stdout).toContain('BROKEN: 1 of 6 checks failed');
    expect(code).toBe(4);
  });

  it('holds the names in certificates against the keys', async () => {
    const named = (fingerprint: string) =>
      withSums(
        new Map(whole).set(`certificates/${fingerprint}.pub.pem`, pemOf(signer.publicKey.der)),
      );
    expect(await checked(named(signer.publicKey.fingerprint))).toMatchObject({ code: 0 });
    const { code, stdout } = await checked(named(other.publicKey.fingerprint));
    expect(stdout).toContain('.pub.pem is not the key of that fingerprint');
    expect(code).toBe(4);
  });

  it('both go by what they were given', async () => {
    const stranger = await startAuthority();
    try {
      const wrong: Held[] = [
        { heads: [{ sequence: count, digest: digestOf(3) }] },
        {
          heads: [
            { sequence: 3, digest: digestOf(3) },
            { sequence: 6, digest: digestOf(3) },
          ],
        },
        { keys: [other.publicKey] },
        { keys: [other.publicKey.fingerprint] },
        { roots: [stranger.caPem] },
      ];
      for (const held of wrong) {
        expect(await judge(whole, held)).toMatchObject({ code: 4, verify: 4 });
      }
      const right: Held[] = [
        { heads: [{ sequence: 3, digest: digestOf(3) }] },
        { keys: [other.publicKey, signer.publicKey.fingerprint] },
      ];
      for (const held of right) {
        expect(await judge(whole, held)).toMatchObject({ code: 0, verify: 0 });
      }
    } finally {
      await stranger.close();
    }
  });

  it('prints no escape sequence that an archive holds', async () => {
    const files = new Map(whole).set('\u001b]0;mine\u0007.csv', Buffer.from('x'));
    const { code, stdout } = await judge(files, {});
    expect(stdout).toContain('?]0;mine?.csv is neither');
    expect(code).toBe(4);
  });

  it('unfolds no object without end', async () => {
    const keys = new Map(nights.keys);
    const bomb = Buffer.alloc(200 * 1024 * 1024);
    keys.set(objectKey(objects['a control']?.() ?? ''), gzipSync(bomb));
    const { code, verify, stdout } = await judge(await archiveOf(keys), {});
    expect(stdout.match(/^BROKEN {2}objects: .*$/gm)).toEqual([
      expect.stringContaining(`${objects['a control']?.()} is not what its name says`),
    ]);
    expect([code, verify]).toEqual([4, 4]);
  });

  it('misses objects whatever the temporary folder is called', async () => {
    const keys = new Map(nights.keys);
    const index = JSON.parse(
      gunzipSync(fileOf(keys, objectKey(objects['an index']?.() ?? ''))).toString(),
    );
    const packs: string[] = index.packs;
    for (const pack of packs) keys.delete(objectKey(pack));
    const folder = await temporaryFolder();
    const archive = join(folder, 'archive');
    await writeFiles(archive, await archiveOf(keys));
    for (const name of ['a b', "a'b", 'a\\b', 'a=b']) {
      await mkdir(join(folder, name));
      // Relative, as seen from where it is started.
      const run = `cd '${folder}'; TMPDIR="$1" sh '${checkScript}' archive`;
      const { code, stdout } = await cleanShell('sh', path, ['-c', run, 'sh', name]);
      expect(stdout).toContain(`BROKEN  objects: ${packs[0]} is missing`);
      expect(stdout).toContain('BROKEN: 1 of 6 checks failed');
      expect(code).toBe(4);
    }
  });

  it('writes nowhere else, whatever a manifest calls its key', async () => {
    const keys = new Map(nights.keys);
    await rewrite(keys, count, (each) => ({
      ...each,
      signature: { key: '../../written', previous_key: null, signers: ['../../written'] },
    }));
    const folder = await temporaryFolder();
    await writeFiles(join(folder, 'archive'), await archiveOf(keys));
    await mkdir(join(folder, 'some/tmp'), { recursive: true });
    const before = await listing(folder);
    const run = `TMPDIR='${join(folder, 'some/tmp')}' sh '${checkScript}' '${join(folder, 'archive')}'`;
    const { code, stdout } = await cleanShell('sh', path, ['-c', run]);
    expect(stdout).toContain(`signatures: bundle ${count} has no signature that fits`);
    expect(code).toBe(4);
    expect(await listing(folder)).toBe(before);
  });

  it.concurrent.each(['awk', 'xargs', 'sort', 'cp'])(
    'says of nothing that it is intact where %s ends badly, whenever it does',
    async (tool) => {
      const files = await archiveOf((await sealedNights({ bundles: 2 })).keys);
      const folder = await temporaryFolder();
      await writeFiles(join(folder, 'archive'), files);
      const bin = await toolsIn(join(folder, 'bin'));
      const [broken, calls] = [join(bin, tool), join(folder, 'calls')];
      await rm(broken);
      const codes: number[] = [];
      for (let last = false; !last; ) {
        const at = codes.length + 1;
        const script = [
          `#!${which('sh')}`,
          `echo >> '${calls}'`,
          `[ "$(grep -c '' '${calls}')" != ${at} ] || exit 3`,
          `exec '${which(tool)}' "$@"`,
        ];
        await writeFile(broken, script.join('\n'), { mode: 0o755 });
        await writeFile(calls, '');
        const { code, stdout } = await cleanShell('sh', bin, [
          checkScript,
          join(folder, 'archive'),
        ]);
        last = (await readFile(calls, 'utf8')).length < at;
        expect(stdout.includes('INTACT')).toBe(last);
        codes.push(code);
      }
      expect(codes.length).toBeGreaterThan(1);
      expect(codes).toEqual([...codes.slice(0, -1).map(() => 2), 0]);
    },
  );
});

describe.skipIf(!opensslAvailable)(`each break that verify finds${opensslMissing}`, () => {
  const page = 'docs/auditors.md';
  const [wholly = ''] = section(page, 'What check.sh cannot tell').split('And in part');
  const untold = codes(wholly).filter((code) => code in cases);
  const breaks = Object.entries(cases).filter(
    // Without a bundle there is no archive's folder sealed/; the tamperings above take them away.
    ([code, { severity }]) => severity === 'break' && code !== 'NothingToVerify',
  );

  it('stands on the page where the script cannot tell it', () => {
    expect(untold.length).toBeGreaterThan(5);
    expect(read(page)).toContain('check.sh');
  });

  it.concurrent.each(breaks)(
    '%s is told by the script too, unless the page says not',
    async (code, { store }) => {
      const { keys, held, archive } = await store();
      const files = archive ?? (await archiveOf(keys));
      const { code: exit, verify, stdout } = await judge(files, held);
      expect(verify).toBe(4);
      expect({ exit, stdout }).toEqual({ exit: untold.includes(code) ? 0 : 4, stdout });
    },
  );

  it('in how an object is folded is not told', async () => {
    const keys = new Map(nights.keys);
    const key = objectKey(objects['a control']?.() ?? '');
    const file = fileOf(keys, key);
    const empty = Buffer.from('1f8b080000000000020303000000000000000000', 'hex');
    for (const folded of [
      Buffer.concat([file, empty]),
      changed(file, 4),
      Buffer.concat([file, Buffer.alloc(1)]),
    ]) {
      const { code, verify } = await judge(await archiveOf(keys.set(key, folded)), everything());
      expect([code, verify]).toEqual([0, 4]);
    }
  });
});
