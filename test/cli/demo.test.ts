import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fence } from '../docs/pages.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

/** Port 9 discards: whoever asks anything there gets no answer. */
const nowhere = 'http://127.0.0.1:9';
const nothing = {
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  GITHUB_API_URL: nowhere,
};

afterAll(removeTemporary);

describe('tickmark demo', () => {
  let cwd: string;
  let made: CliResult;

  beforeAll(async () => {
    cwd = await temporaryFolder();
    made = await tickmark(['demo'], nowhere, { cwd, env: nothing, timeout: 240_000 });
  }, 250_000);

  it('ends with 0 and prints no night, but what the year comes to', () => {
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(
      /^A year of Acme, Inc\., which does not exist: 359 nights from 2025-01-01 to 2026-01-01 on a simulated clock,\sanswered from\srecorded exchanges; 360 bundles in /,
    );
    expect(made.stdout).toContain('Simulated clock: these times prove nothing.');
    expect(made.stdout.split('\n').length).toBeLessThan(80);
  });

  it('prints nothing of its progress where nobody watches', () => {
    expect(made.stderr.replace(/.*Warning[\s\S]*/, '')).toBe('');
  });

  it('names commands that answer', async () => {
    const [, closer = ''] = made.stdout.split('Look closer:\n');
    const lines = closer.trimEnd().split('\n');
    const commands = lines.map((line) => line.trim().split(' '));
    expect(commands.map(([, command]) => command)).toEqual([
      'status',
      'results',
      'diff',
      'population',
      'sample',
    ]);
    for (const [, ...args] of commands) {
      const { code, stdout } = await tickmark(args, nowhere, { cwd, env: nothing });
      expect(code, args.join(' ')).toBe(0);
      expect(stdout.length, args.join(' ')).toBeGreaterThan(100);
    }
  }, 120_000);

  it('refuses to add a year to what is there, and says how to go on', async () => {
    const again = await tickmark(['demo'], nowhere, { cwd, env: nothing });
    expect([again.code, again.stdout]).toEqual([2, '']);
    expect(again.stderr).toContain('tickmark-demo/evidence is not empty');
    expect(again.stderr).toContain('--store');
    expect(again.stderr).toContain('tickmark status');
  });

  it('prints what README.md shows of it, in its order', () => {
    const parts = fence('README.md', 'text', 'demo').text.split('…\n');
    expect(parts.length).toBeGreaterThan(2);
    let rest = made.stdout;
    for (const part of parts) {
      const at = rest.indexOf(part);
      expect(at, `${part} in ${rest}`).toBeGreaterThanOrEqual(0);
      rest = rest.slice(at + part.length);
    }
  });
});

describe('tickmark demo, before it begins', () => {
  it.each(['s3://acme-evidence/demo', 'https://example.com/evidence'])(
    'takes no %s for a folder',
    async (place) => {
      const cwd = await temporaryFolder();
      const { code, stderr } = await tickmark(['demo', '--store', place], nowhere, { cwd });
      expect(code).toBe(2);
      expect(stderr).toContain("the demo's store is a folder");
    },
  );

  it('builds nothing on what an interrupted demo left', async () => {
    const cwd = await temporaryFolder();
    await mkdir(join(cwd, 'evidence', 'objects'), { recursive: true });
    const { code, stderr } = await tickmark(['demo', '--store', 'evidence'], nowhere, { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('evidence is not empty');
  });

  it('says so where the folder is a file', async () => {
    const cwd = await temporaryFolder();
    await writeFile(join(cwd, 'evidence'), '');
    const { code, stderr } = await tickmark(['demo', '--store', 'evidence'], nowhere, { cwd });
    expect(code).toBe(3);
    expect(stderr).toContain('name another place with --store');
  });
});
