/** One night after another on a store that fails, or under a run that dies, at each write in turn. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Project } from '../../src/cli/project.ts';
import type { ProjectSealing } from '../../src/cli/sealing.ts';
import { messageOf } from '../../src/evidence/errors.ts';
import { manifestKey } from '../../src/seal/manifest.ts';
import { generateKeyPair } from '../../src/seal/signature.ts';
import type { Backend } from '../../src/store/backend.ts';
import { takeInventory } from '../../src/store/inventory.ts';
import { Store } from '../../src/store/store.ts';
import { faultyBackend, type WriteFault, writeFaults } from '../support/faulty-backend.ts';
import { memoryBackend } from '../support/memory-backend.ts';
import { removeTemporary } from '../support/temporary.ts';
import {
  breaksOf,
  bundlesOf,
  type Door,
  newDoorProject,
  nightOn,
  openDoorProject,
  rowsOf,
  signedBy,
  startDoor,
} from './door-project.ts';
import type { Row } from './project.ts';

/** A week is backfilled, and the night itself: two bundles. */
const clock = '2026-01-10T02:00:00.000Z';
const nextClock = '2026-01-11T02:00:00.000Z';
const bundlesOfRun = 2;

let door: Door;
let project: Project;
let sealing: ProjectSealing;
/** What the next run finds behind so many bundles of a run that nothing happened to. */
const expected: Row[][][] = [];

beforeAll(async () => {
  door = await startDoor();
  project = await openDoorProject(await newDoorProject(door));
  sealing = signedBy(generateKeyPair().privateKey);
  const whole = memoryBackend();
  await nightOn(project, whole.backend, clock, sealing);
  for (let sealed = 0; sealed <= bundlesOfRun; sealed += 1) {
    const { backend, keys } = memoryBackend();
    for (const [key, bytes] of whole.keys) keys.set(key, bytes);
    for (let cut = sealed + 1; cut <= bundlesOfRun; cut += 1) keys.delete(manifestKey(cut));
    const { bundles } = await nightOn(project, backend, nextClock, sealing);
    expected.push(await rowsOf(backend, bundles));
  }
});

afterAll(async () => {
  await door.close();
  await removeTemporary();
});

/**
 * A run on a store that fails at one write.
 * @returns how it ended (undefined: it died), and how many writes it had asked for by then.
 */
async function runFailing(
  sound: Backend,
  fault: WriteFault,
  at: number,
): Promise<{ outcome: 'sealed' | { code: string } | undefined; writes: number }> {
  const { backend, died, steps } = faultyBackend(sound, fault, at);
  const ended = new AbortController();
  const run = nightOn(project, backend, clock, sealing, ended.signal).then(
    () => 'sealed' as const,
    (error: { code: string }) => error,
  );
  const outcome = await Promise.race([run, died.then(() => undefined)]);
  // What a killed process was still waiting for ends with it.
  ended.abort();
  return { outcome, writes: steps.length };
}

/** The same backend, with a note of every key that it gave bytes of. */
function watched(sound: Backend): { backend: Backend; read: Set<string> } {
  const read = new Set<string>();
  const backend: Backend = {
    ...sound,
    async read(key) {
      const bytes = await sound.read(key);
      if (bytes !== undefined) read.add(key);
      return bytes;
    },
  };
  return { backend, read };
}

describe('a run in which the store fails at one write', () => {
  it.each(writeFaults)(
    '%s, each in turn: what is sealed is whole, and the next run goes on from there',
    { timeout: 60_000 },
    async (fault) => {
      const sealedSoMany = new Set<number>();
      for (let at = 1; ; at += 1) {
        const about = `${fault}, write ${at}`;
        const { backend: sound } = memoryBackend();
        const { outcome, writes } = await runFailing(sound, fault, at);
        // How many writes a run has varies: lists are cut by their bytes, and those hold times.
        if (writes < at) {
          expect(outcome, about).toBe('sealed');
          break;
        }
        if (fault.startsWith('dies')) expect(outcome, about).toBeUndefined();
        else expect(outcome, about).toMatchObject({ code: 'StoreUnavailable' });

        const sealed = (await bundlesOf(sound)).length;
        sealedSoMany.add(sealed);
        if (sealed > 0) expect(await breaksOf(sound, sealing), about).toEqual([]);

        const { backend, read } = watched(sound);
        const { bundles } = await nightOn(project, backend, nextClock, sealing);
        expect(bundles[0]?.manifest.sequence, about).toBe(sealed + 1);
        expect(await rowsOf(sound, bundles), about).toEqual(expected[sealed]);
        expect(await breaksOf(sound, sealing), about).toEqual([]);
        const { named } = await takeInventory(new Store(sound));
        // Nobody read what the run left that no manifest names.
        expect(
          [...read].filter((key) => !named.has(key)),
          about,
        ).toEqual([]);
      }
      // Only what dies behind its last write has sealed everything.
      const most = fault === 'dies after' ? bundlesOfRun : bundlesOfRun - 1;
      expect(Math.max(...sealedSoMany)).toBe(most);
      expect(sealedSoMany.size).toBe(most + 1);
    },
  );

  it('says what is wrong with the store in its own words', async () => {
    const { backend } = memoryBackend();
    const { outcome } = await runFailing(backend, 'fails', 1);
    expect(messageOf(outcome)).toMatch(/^cannot create objects\/.*: the disk is full$/);
  });
});
