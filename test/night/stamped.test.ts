/** Nights whose authority does not answer, or that are killed before it did. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectSealing } from '../../src/cli/sealing.ts';
import { tokenKey } from '../../src/seal/manifest.ts';
import { generateKeyPair } from '../../src/seal/signature.ts';
import type { Backend } from '../../src/store/backend.ts';
import { folderBackend } from '../../src/store/folder.ts';
import {
  type Authority,
  opensslAvailable,
  opensslMissing,
  startAuthority,
} from '../support/authority.ts';
import { startCli, tickmark } from '../support/cli.ts';
import { faultyBackend } from '../support/faulty-backend.ts';
import { memoryBackend } from '../support/memory-backend.ts';
import { removeTemporary } from '../support/temporary.ts';
import {
  breaksOf,
  bundlesOf,
  type Door,
  newDoorProject,
  nightOn,
  openDoorProject,
  signedBy,
  startDoor,
} from './door-project.ts';
import type { PrintedSummary } from './project.ts';

describe.skipIf(!opensslAvailable)(
  `nights that are not stamped at once${opensslMissing}`,
  { timeout: 60_000 },
  () => {
    const pair = generateKeyPair();
    const env = { TICKMARK_SIGNING_KEY: pair.privateKey };
    let door: Door;
    let authority: Authority;
    let sealing: ProjectSealing;
    let cwd: string;
    let backend: Backend;

    const night = async () => {
      const { code, stdout, stderr } = await tickmark(['run', '--json'], '', { cwd, env });
      if (stdout === '') throw new Error(stderr);
      return { code, summary: JSON.parse(stdout) as PrintedSummary };
    };

    beforeAll(async () => {
      [door, authority] = await Promise.all([startDoor(), startAuthority()]);
      const signed = signedBy(pair.privateKey);
      const addresses = [authority.url];
      sealing = { ...signed, authorities: addresses, addresses, roots: [authority.caPem] };
    });

    beforeEach(async () => {
      authority.mode = 'good';
      cwd = await newDoorProject(door, {
        timestamps: { authorities: [authority.url], roots: 'roots.pem' },
        period: { start: new Date().toISOString().slice(0, 10), end: '2099-12-31' },
      });
      await writeFile(join(cwd, 'roots.pem'), authority.caPem);
      backend = folderBackend(join(cwd, 'evidence'));
    });

    afterAll(async () => {
      await Promise.all([door?.close(), authority?.close()]);
      await removeTemporary();
    });

    it('killed between sealing and stamping, are stamped by the next', async () => {
      authority.mode = 'hang';
      const before = authority.requests;
      const started = startCli(['run', '--json'], '', { cwd, env });
      while (authority.requests === before) await pause(10);
      started.kill('SIGKILL');
      expect(await started.ended).toMatchObject({ code: null, stdout: '' });
      expect(await bundlesOf(backend)).toHaveLength(1);
      expect(await backend.list('seals')).toHaveLength(1);

      authority.mode = 'good';
      const { code, summary } = await night();
      expect(code).toBe(1);
      expect(summary.bundle).toMatchObject({
        sequence: 2,
        timestamp: { authority: authority.url, late: [1], failures: [] },
      });
      await night();
      const timestamps = (await bundlesOf(backend)).map(({ manifest }) => manifest.timestamps);
      expect(timestamps.map(({ missing }) => missing)).toEqual([[], [1], []]);
      // What was late is pinned by the first night that finds it.
      expect(timestamps[2]?.tokens.map(({ sequence }) => sequence)).toEqual([1, 2]);
      expect(await breaksOf(backend, sealing)).toEqual([]);
    });

    it.each(['refuse', 'error'] as const)(
      'since the authority is down (%s), are sealed and say so, and wait',
      async (mode) => {
        authority.mode = mode;
        for (const sequence of [1, 2]) {
          const { code, summary } = await night();
          // As without an authority: a badge is blocked.
          expect(code).toBe(1);
          expect(summary.bundle).toMatchObject({
            sequence,
            timestamp: { time: null, authority: null, late: [] },
          });
          expect(summary.bundle.timestamp?.failures).toEqual([
            expect.stringContaining(`no timestamp from ${authority.url}: `),
          ]);
        }
        expect(await breaksOf(backend, sealing)).toEqual([]);
        const said = await tickmark(['run'], '', { cwd, env });
        expect(said.stdout.replaceAll('\n', ' ')).toMatch(
          /Not timestamped yet: no timestamp from .* The next run asks again\. /,
        );

        authority.mode = 'good';
        const { summary } = await night();
        expect(summary.bundle.timestamp?.late.toSorted()).toEqual([1, 2, 3]);
        expect(summary.bundle.timestamp?.failures).toEqual([]);
        expect((await backend.list('seals')).filter((key) => key.endsWith('.tst'))).toHaveLength(4);
        expect(await breaksOf(backend, sealing)).toEqual([]);
      },
    );

    it.each(['dies before', 'dies after'] as const)(
      'in which the run %s it keeps the token, hold one token in the end',
      async (fault) => {
        const project = await openDoorProject(cwd);
        const { backend: sound, keys } = memoryBackend();
        const counted = faultyBackend(memoryBackend().backend, 'fails', 0);
        const clock = new Date().toISOString();
        await nightOn(project, counted.backend, clock, sealing);
        expect(counted.steps.at(-1)?.key).toMatch(/\.tst$/);

        const faulty = faultyBackend(sound, fault, counted.steps.length);
        const ended = new AbortController();
        const run = nightOn(project, faulty.backend, clock, sealing, ended.signal);
        await Promise.race([run, faulty.died]);
        ended.abort();
        const [first] = await bundlesOf(sound);
        const token = keys.get(tokenKey(first?.digest ?? ''));
        expect(token === undefined).toBe(fault === 'dies before');
        expect(await breaksOf(sound, sealing)).toEqual([]);

        const { stamping } = await nightOn(project, sound, new Date().toISOString(), sealing);
        expect(stamping?.late).toEqual(fault === 'dies before' ? [1] : []);
        const kept = keys.get(tokenKey(first?.digest ?? ''));
        // The first token stays: the authority is not asked twice.
        if (token === undefined) expect(kept).toBeDefined();
        else expect(kept).toEqual(token);
        expect(await breaksOf(sound, sealing)).toEqual([]);
      },
    );
  },
);
