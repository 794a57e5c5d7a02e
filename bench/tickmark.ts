/** Runs the built command line in a process of its own, and measures it from outside. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { packageRoot } from '../src/cli/package.ts';

export const program = join(packageRoot, 'dist', 'src', 'cli', 'main.js');

export interface Measured {
  stdout: string;
  stderr: string;
  code: number | null;
  seconds: number;
  /** The most memory that was resident at once. */
  peakMegabytes: number;
}

/**
 * Writes the peak to file descriptor 3 at the end. On Linux the kernel's count of the process
 * image: the one of getrusage begins with what the parent held when it started this.
 */
const tellPeak = `
import { readFileSync, writeSync } from 'node:fs';
process.on('exit', () => {
  let kilobytes = process.resourceUsage().maxRSS;
  try {
    kilobytes = Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  } catch {}
  writeSync(3, String(kilobytes));
});`;

/** What a run is given of the environment: nothing of this process's settings. */
export function environment(home: string, more: Record<string, string>): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...more };
}

/** Runs `tickmark` with these arguments and nothing of this process's AWS settings. */
export async function measure(
  args: string[],
  cwd: string,
  env: Record<string, string>,
): Promise<Measured> {
  const preload = `data:text/javascript,${encodeURIComponent(tellPeak)}`;
  const begun = performance.now();
  const child = spawn(process.execPath, ['--import', preload, program, ...args], {
    cwd,
    env: environment(cwd, env),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [, stdout, stderr, peak] = child.stdio;
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [out, err, kilobytes, code] = await Promise.all([
    text(stdout as NodeJS.ReadableStream),
    text(stderr as NodeJS.ReadableStream),
    text(peak as NodeJS.ReadableStream),
    ended,
  ]);
  const seconds = (performance.now() - begun) / 1000;
  return { stdout: out, stderr: err, code, seconds, peakMegabytes: Number(kilobytes) / 1024 };
}
