import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/evidence/json.ts';
import type { Result } from '../../src/evidence/result.ts';
import type { Bundle } from '../../src/seal/manifest.ts';
import { type StandIn, startStandIn } from '../support/aws-stand-in.ts';
import { factsOf, seed } from '../support/aws-world.ts';
import { startCli, tickmark } from '../support/cli.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';
import { removeTemporary } from '../support/temporary.ts';
import { newProject, night, readRows, storeOf, timeless } from './project.ts';
import { smallParameters, smallWorld } from './small-world.ts';

const patience = 90_000;

describe.skipIf(!motoAvailable)(
  `nights that are cut short, and others beside them${motoMissing}`,
  () => {
    const seededAt = new Date();
    let moto: Moto;
    let standIn: StandIn;
    let cwd: string;

    const run = () => night(cwd, standIn);
    const evaluated = async () => {
      const { code, stdout } = await tickmark(['evaluate', '--json'], '', { cwd });
      return { code, run: JSON.parse(stdout).run as string };
    };

    beforeAll(async () => {
      moto = await startMoto();
      standIn = await startStandIn(moto.endpoint, {
        likeAws: true,
        facts: factsOf(smallWorld),
        now: () => seededAt,
      });
      await seed(smallWorld, standIn.endpoint);
    }, patience);

    beforeEach(async () => {
      standIn.mend();
      standIn.forget();
      cwd = await newProject({ parameters: smallParameters });
    });

    afterAll(async () => {
      await standIn?.close();
      await moto?.stop();
      await removeTemporary();
    });

    it.for(['SIGINT', 'SIGTERM'] as const)(
      '%s ends with 130 and keeps nothing; the next night is whole',
      {
        timeout: patience,
      },
      async (signal) => {
        await run();
        const [before] = await chainOf(cwd);
        standIn.fault({ kind: 'hang', match: { service: 'kms', operation: 'GetKeyPolicy' } });
        const started = startCli(['run', '--json'], standIn.endpoint, { cwd });
        while (standIn.count({ fault: 'hang' }) === 0) await pause(10);
        started.kill(signal);
        const { code, stdout, stderr } = await started.ended;
        expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
        expect(stderr).toContain('nothing of this run is kept');
        expect(await chainOf(cwd)).toHaveLength(1);

        standIn.mend();
        const { code: next } = await run();
        const [, after] = await chainOf(cwd);
        expect(next).toBe(1);
        expect(after?.manifest).toMatchObject({ sequence: 2, previous: before?.digest });
      },
    );

    it('killed at any moment, it loses at most that run', { timeout: patience }, async () => {
      const first = performance.now();
      await run();
      const whole = performance.now() - first;
      for (let kill = 0; kill < 4; kill += 1) {
        const before = await chainOf(cwd);
        const moment = (0.3 + 0.8 * Math.random()) * whole;
        const started = startCli(['run', '--json'], standIn.endpoint, { cwd });
        await pause(moment);
        started.kill('SIGKILL');
        const { code } = await started.ended;
        const about = `killed ${moment} ms after the start, where a whole run takes ${whole} ms`;
        const after = await chainOf(cwd);
        // Sealed just before it was killed is sealed.
        expect(after.length - before.length, about).toBeLessThanOrEqual(1);
        if (code !== null) expect(after.length - before.length, about).toBe(1);
        const rows = await readRows(cwd);
        expect(new Set(rows.map((row) => row.run)), about).toEqual(
          new Set([after.at(-1)?.manifest.run]),
        );
        await expectWholeObjects(cwd, about);
      }
      const sealed = (await chainOf(cwd)).length;
      const { code } = await run();
      expect(code).toBe(1);
      expect(await chainOf(cwd)).toHaveLength(sealed + 1);
    });

    it('two runs at once are both sealed, one after the other', { timeout: patience }, async () => {
      const runs = await Promise.all(
        [1, 2].map(() => tickmark(['run', '--json'], standIn.endpoint, { cwd })),
      );
      expect(runs.map(({ code }) => code)).toEqual([1, 1]);
      const sequences = runs.map(({ stdout }) => JSON.parse(stdout).bundle.sequence);
      expect(sequences.sort()).toEqual([1, 2]);
      const [first, second] = await chainOf(cwd);
      expect(first?.manifest.run).not.toBe(second?.manifest.run);
      await expectWholeObjects(cwd, 'two at once');
      for (const bundle of [first, second]) {
        const rows = await readRows(cwd, '--run', bundle?.manifest.run ?? '');
        expect(rows).toHaveLength(
          Object.values(bundle?.manifest.results?.counts ?? {}).reduce(sum),
        );
      }
    });

    it('says in a sentence that the store is a file', { timeout: patience }, async () => {
      await writeFile(join(cwd, 'evidence'), 'not a folder');
      const { code, stdout, stderr } = await tickmark(['run'], standIn.endpoint, { cwd });
      expect(code).toBe(3);
      expect(stdout).toBe('');
      expect(stderr).toMatch(
        /^tickmark: cannot .*evidence.*a part of the path is a file: name another place with --store$/m,
      );
      expect(stderr).not.toMatch(/^\s+at /m);
    });

    it('collect and evaluate find what run finds, however often', {
      timeout: patience,
    }, async () => {
      const { rows } = await run();
      cwd = await newProject({ parameters: smallParameters });
      const collected = await tickmark(['collect', '--json'], standIn.endpoint, { cwd });
      expect(collected.code).toBe(0);
      expect((await tickmark(['results'], '', { cwd })).code).toBe(2);
      const first = await evaluated();
      const firstRows = await readRows(cwd, '--run', first.run);
      const second = await evaluated();
      const secondRows = await readRows(cwd);
      expect([first.code, second.code]).toEqual([1, 1]);
      expect(JSON.stringify(firstRows.map(timeless))).toBe(JSON.stringify(rows));
      expect(JSON.stringify(secondRows.map(runless))).toBe(JSON.stringify(firstRows.map(runless)));
      expect(new Set(secondRows.map((row) => row.run))).toEqual(new Set([second.run]));
      const kinds = (await chainOf(cwd)).map(({ manifest }) => [
        manifest.kind,
        manifest.evidence_of?.run ?? null,
      ]);
      const evidence = JSON.parse(collected.stdout).run;
      expect(kinds).toEqual([
        ['collect', null],
        ['evaluate', evidence],
        ['evaluate', evidence],
      ]);
    });
  },
);

/** The bundles of a store from the first on; each must name the one before. */
async function chainOf(cwd: string): Promise<Bundle[]> {
  const bundles: Bundle[] = [];
  for await (const bundle of storeOf(cwd).bundles()) bundles.unshift(bundle);
  bundles.forEach(({ manifest }, index) => {
    expect(manifest.sequence).toBe(index + 1);
    expect(manifest.previous).toBe(bundles[index - 1]?.digest ?? null);
  });
  return bundles;
}

/** Every object is what its name says: none was left half written. */
async function expectWholeObjects(cwd: string, about: string): Promise<void> {
  const folder = join(cwd, 'evidence', 'objects');
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.gz'));
  expect(names.length, about).toBeGreaterThan(0);
  for (const name of names) {
    const inside = gunzipSync(await readFile(join(folder, name)));
    expect(sha256(inside), `${about}: ${name}`).toBe(basename(name, '.gz'));
  }
}

function runless({ run: _run, ...row }: Result): Omit<Result, 'run'> {
  return row;
}

function sum(a: number, b: number): number {
  return a + b;
}
