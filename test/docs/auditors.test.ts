import { appendFile, chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import type { Manifest } from '../../src/seal/manifest.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { readChunks } from '../../src/store/lists.ts';
import { objectKey } from '../../src/store/objects.ts';
import {
  type Authority,
  opensslAvailable,
  opensslMissing,
  startAuthority,
} from '../support/authority.ts';
import { removeTemporary } from '../support/temporary.ts';
import { type Directory, laptop, startDirectory } from './directory.ts';
import { fencesOf } from './pages.ts';
import { auditorShell } from './shell.ts';

// Each test starts the program and the shell's tools many times; a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const program = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

it('every block of shell in docs/auditors.md is run by a test', () => {
  const names = fencesOf('sh', 'auditor').map(({ info }) => info[2]);
  const here = [
    ...['chain', 'controls', 'functions', 'heads', 'key', 'list', 'lists', 'named', 'nights'],
    ...['objects', 'reperform', 'signatures', 'signers', 'slices', 'timestamps', 'tokens'],
    ...['verify', 'who'],
  ];
  // Others have tests of their own: auditors-events.test.ts and samples.test.ts.
  expect(names.sort()).toEqual([...here, 'coverage', 'events', 'gaps', 'samples'].sort());
});

describe.skipIf(!opensslAvailable)(
  `the lines of shell in docs/auditors.md${opensslMissing}`,
  () => {
    let authority: Authority;
    let directory: Directory;
    let store: string;
    /** `tickmark` is on the PATH, as it is for a reader who installed it. */
    let env: Record<string, string>;
    let fingerprint: string;
    let heads: string[];
    const sh = (name: string) => auditorShell(name, store, env);

    beforeAll(async () => {
      authority = await startAuthority();
      const sealing = `signing: { key: signing-key.pem }\ntimestamps: { authorities: ["${authority.url}"], roots: tsa-roots.pem }\n`;
      directory = await startDirectory(sealing);
      const { folder, run } = directory;
      store = join(folder, 'evidence');
      await mkdir(join(folder, 'bin'));
      await writeFile(join(folder, 'bin', 'tickmark'), `#!/bin/sh\nexec node '${program}' "$@"\n`);
      await chmod(join(folder, 'bin', 'tickmark'), 0o755);
      env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
      await writeFile(join(folder, 'tsa-roots.pem'), authority.caPem);
      fingerprint = JSON.parse((await run(['keygen', '--json'])).stdout).fingerprint;
      const log: string[] = [];
      for (const encrypted of [false, true]) {
        directory.laptops.p3 = laptop(encrypted);
        const { stdout } = await run(['run']);
        log.push(stdout);
      }
      await run(['keygen', '--out', 'second.pem']);
      log.push((await run(['keygen', '--introduce', 'second.pub.pem'])).stdout);
      log.push((await run(['run'])).stdout);
      // What an auditor has beside the store: the job's log, and a public key.
      await writeFile(join(folder, 'heads.txt'), log.join('\n'));
      heads = [...log.join('\n').matchAll(/Head of the chain: (\d+ sha256:\w+)/g)].map(
        ([, head = '']) => head,
      );
      await copyFile(join(folder, 'signing-key.pub.pem'), join(folder, 'acme.pub.pem'));
    });

    afterAll(async () => {
      directory.close();
      await authority.close();
      await removeTemporary();
    });

    it('find nothing wrong in a store that is whole, and the heads that the runs printed', async () => {
      expect(heads).toHaveLength(4);
      for (const name of ['objects', 'named', 'lists', 'signatures', 'tokens']) {
        expect(await sh(name), name).toEqual([]);
      }
      expect(await sh('chain')).toEqual([`head ${heads.at(-1)}`]);
      expect(await sh('heads')).toEqual([1, 2, 3, 4].map((n) => `bundles/0000000${n}.json: OK`));
    });

    it('say who signed, and which bundle changed who may', async () => {
      expect((await sh('key')).map((line) => line.trim())).toEqual([
        fingerprint,
        `4 ${fingerprint}`,
      ]);
      const [change, ...more] = await sh('signers');
      expect(more).toEqual([]);
      expect(change).toMatch(new RegExp(`^keys 3 may sign: ${fingerprint} [0-9a-f]{64}$`));
    });

    it('say when each bundle was stamped', async () => {
      const lines = await sh('timestamps');
      expect(lines).toHaveLength(4);
      for (const [index, line] of lines.entries()) {
        const [, file, end = '', stamped = ''] = /^(\S+) (\S+) (.+)$/.exec(line) ?? [];
        expect(file).toBe(`bundles/0000000${index + 1}.json`);
        const seconds = (Date.parse(stamped.replace(/\.\d+/, '')) - Date.parse(end)) / 1_000;
        expect(Math.abs(seconds)).toBeLessThan(60);
      }
    });

    it('verify and reperform the store by the program', async () => {
      const verified = await sh('verify');
      expect(verified.at(-1)).toMatch(/^Verified 4 bundles: nothing is broken/);
      expect(verified.join('\n')).toContain(`key ${fingerprint} (given)`);
      expect((await sh('reperform')).at(-1)).toMatch(
        /^Evaluated 3 bundles again.*: no difference\.$/,
      );
    });

    it('read nights, identities, slices, results and controls', async () => {
      const nights = await sh('nights');
      expect(nights.map((line) => line.split('\t').slice(2, 6).join(' '))).toEqual([
        'run system live 1',
        'run system live 0',
        'keys system live -',
        'run system live 0',
      ]);
      expect((await sh('who')).join('\n')).toContain('tickmark\tacme');
      const slices = (await sh('slices')).join('\n');
      expect(slices).toContain('directory.people\tacme\tcomplete');
      expect(slices).toContain('3 of 3 by GET /v1/statistics');
      const list = (await sh('list')).join('\n');
      expect(list).toContain('["HR-01","laptop-encryption","cyd","the disk is not encrypted"]');
      expect(list).toContain('"operation":"GET /v1/people/{id}/laptop"');
      expect(list).toContain('"request_id":');
      expect((await sh('controls')).join('\n')).toContain('id: "HR-01"');
    });

    it('find what was changed, cut out and taken away', async () => {
      const manifest = (sequence: number) => join(store, 'bundles', `0000000${sequence}.json`);
      const token = async (sequence: number) =>
        join(store, 'seals', `${sha256(await readFile(manifest(sequence)))}.tst`);

      const newest: Manifest = JSON.parse(await readFile(manifest(4), 'utf8'));
      const { records } = newest.slices[0] as Manifest['slices'][number];
      const index = records.chunks ?? '';
      const key = objectKey(index);
      const chunks = await readChunks(folderBackend(store), records);
      await writeFile(join(store, key), gzipSync('{"base":null,"chunks":[]}'));
      expect(await sh('objects')).toEqual([`CHANGED ${key}`]);
      expect(await sh('lists')).toEqual([`BROKEN list ${index}`]);

      // The list as it was, in a place where it is not.
      const wrong = {
        base: null,
        chunks: chunks.map(({ digest, count, bytes }) => [digest, count, bytes, 0, 1]),
        packs: chunks.slice(0, 1).map(({ pack }) => pack),
      };
      expect(chunks.length).toBeGreaterThan(0);
      await writeFile(join(store, key), gzipSync(JSON.stringify(wrong)));
      expect(await sh('lists')).toEqual(chunks.map(({ digest }) => `BROKEN chunk ${digest}`));

      const exchanged = await token(2);
      await copyFile(await token(1), exchanged);
      expect(await sh('tokens')).toEqual([`${relative(store, exchanged)}: FAILED`]);
      expect(await sh('timestamps')).toContain('BAD TOKEN bundles/00000002.json');

      const other = '0'.repeat(64);
      const signed = { ...newest, signature: { ...newest.signature, key: other } };
      await writeFile(manifest(4), JSON.stringify(signed));
      expect(await sh('signers')).toContain(`NOT INTRODUCED 4 ${other}`);
      expect(await sh('heads')).toContain('bundles/00000004.json: FAILED');
      await writeFile(manifest(4), JSON.stringify({ ...newest, signature: null }));
      expect(await sh('signers')).toContain('UNSIGNED 4');
      expect(await sh('signatures')).toEqual(['UNSIGNED bundles/00000004.json']);

      await appendFile(manifest(2), '\n');
      expect(await sh('chain')).toContain('BROKEN bundles/00000003.json');
      expect(await sh('signatures')).toContain('BAD SIGNATURE bundles/00000002.json');
      expect(await sh('timestamps')).toContain('NO TOKEN bundles/00000002.json');
      expect((await sh('verify')).at(-1)).toMatch(/^BROKEN: /);

      const statuses = newest.results?.statuses.chunks ?? '';
      await rm(join(store, objectKey(statuses)));
      expect(await sh('named')).toContain(`MISSING ${statuses}`);
      await rm(manifest(2));
      expect(await sh('chain')).toContain('MISSING 2');
      await rm(manifest(4));
      expect(await sh('heads')).toContain('bundles/00000004.json: FAILED open or read');
    });
  },
);
