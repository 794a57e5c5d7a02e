/** `tickmark results --at`: days are the organisation's own. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Project } from '../../src/cli/project.ts';
import { generateKeyPair } from '../../src/seal/signature.ts';
import {
  type Door,
  newDoorProject,
  nightOn,
  openDoorProject,
  signedBy,
  startDoor,
} from '../night/door-project.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { removeTemporary } from '../support/temporary.ts';

let door: Door;
let cwd: string;
const { privateKey } = generateKeyPair();
/** Runs by when they began. */
const runs = new Map<string, string>();

/** In New York they are the 1st, the 2nd, the 2nd once more, and the 5th. */
const clocks = [
  '2026-01-02T02:00:00Z',
  '2026-01-03T02:00:00Z',
  '2026-01-03T04:59:00Z',
  '2026-01-05T12:00:00Z',
];

beforeAll(async () => {
  door = await startDoor();
  cwd = await newDoorProject(door, { timezone: 'America/New_York' });
  const project: Project = await openDoorProject(cwd);
  const sealing = signedBy(privateKey);
  for (const clock of clocks) {
    const { bundles } = await nightOn(project, project.store.backend, clock, sealing);
    runs.set(clock, bundles.at(-1)?.manifest.run ?? '');
  }
});
afterAll(async () => {
  await door.close();
  await removeTemporary();
});

const results = (...args: string[]): Promise<CliResult> =>
  tickmark(['results', '--store', join(cwd, 'evidence'), ...args], '', { cwd });
const runAt = async (at: string): Promise<string> => {
  const { stdout } = await results('--at', at, '--json');
  const found = new Set(
    stdout
      .trimEnd()
      .split('\n')
      .map((line): string => JSON.parse(line).run),
  );
  expect(found.size).toBe(1);
  return [...found].join();
};

describe('tickmark results --at', () => {
  it('prints the last run of a day in the time zone that was sealed', async () => {
    expect(await runAt('2026-01-01')).toBe(runs.get('2026-01-02T02:00:00Z'));
    expect(await runAt('2026-01-02')).toBe(runs.get('2026-01-03T04:59:00Z'));
    expect(await runAt('2026-01-05')).toBe(runs.get('2026-01-05T12:00:00Z'));
  });

  it('prints the last run before a moment', async () => {
    expect(await runAt('2026-01-03T04:58:00Z')).toBe(runs.get('2026-01-03T02:00:00Z'));
    expect(await runAt('2026-01-04T23:00:00-05:00')).toBe(runs.get('2026-01-03T04:59:00Z'));
  });

  it('names the nights around a day that has none', async () => {
    const { stderr, code } = await results('--at', '2026-01-03');
    expect(stderr).toContain(
      `holds no judged run of 2026-01-03; there are before it 2026-01-02 (run ${runs.get('2026-01-03T04:59:00Z')}) and after it 2026-01-05 (run ${runs.get('2026-01-05T12:00:00Z')})`,
    );
    expect(code).toBe(2);
    const early = await results('--at', '2025-12-31T00:00:00Z');
    expect(early.stderr).toContain(
      `holds no judged run up to 2025-12-31T00:00:00.000Z; there are after it 2026-01-01 (run ${runs.get('2026-01-02T02:00:00Z')})`,
    );
    expect(early.stderr).not.toContain('before it');
  });

  it('takes no day that is none, and no run beside it', async () => {
    expect((await results('--at', '2026-02-30')).code).toBe(2);
    expect((await results('--at', 'yesterday')).code).toBe(2);
    const both = await results('--at', '2026-01-02', '--run', '2026');
    expect(both.stderr).toContain("'--at <when>' cannot be used with option '--run <id>'");
    expect(both.code).toBe(2);
  });

  it('takes the judgement of a night that was only collected', async () => {
    const signed = { cwd, env: { TICKMARK_SIGNING_KEY: privateKey } };
    const collect = ['collect', '--clock', '2026-01-09T12:00:00Z'];
    expect((await tickmark(collect, '', signed)).code).toBe(0);
    expect((await results('--at', '2026-01-09')).stderr).toContain('no judged run of 2026-01-09');
    const judged = await tickmark(['evaluate', '--json'], '', signed);
    expect(await runAt('2026-01-09')).toBe(JSON.parse(judged.stdout).run);
    // It stands at the time of its evidence, not of its judgement.
    expect(await runAt('2026-01-05')).toBe(runs.get('2026-01-05T12:00:00Z'));
  });
});
