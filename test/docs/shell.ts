/** Runs the blocks of shell in docs/auditors.md as a reader does: the functions first, then a block. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fence } from './pages.ts';

const page = 'docs/auditors.md';
const execute = promisify(execFile);

/** A block runs many small programs; a busy machine takes its time. */
const blockTimeoutMs = 60_000;

/**
 * What the block of that name prints in a store's folder, line by line.
 * @param env beside the present environment.
 */
export async function auditorShell(
  name: string,
  cwd: string,
  env: Record<string, string> = {},
): Promise<string[]> {
  const script = [fence(page, 'sh', 'auditor', 'functions'), fence(page, 'sh', 'auditor', name)]
    .map(({ text }) => text)
    .join('\n');
  const { stdout } = await execute('bash', ['-c', script], {
    cwd,
    env: { ...process.env, ...env },
    timeout: blockTimeoutMs,
  }).catch((error) => {
    // `sha256sum -c` and `tickmark verify` end with what they found.
    if (typeof error.code === 'number') return error as { stdout: string };
    throw error;
  });
  return stdout.split('\n').filter((line) => line !== '');
}
