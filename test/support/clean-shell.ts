/** A shell with nothing but the tools that check.sh says it needs: what a bare machine has. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/** sha256sum, openssl and gzip are named by the script; the others are in POSIX, but for mktemp. */
const tools = [
  ...['sha256sum', 'openssl', 'gzip'],
  ...['awk', 'cat', 'cp', 'cut', 'dd', 'dirname', 'find', 'grep', 'mkdir', 'mktemp', 'od'],
  ...['rm', 'sed', 'sh', 'sort', 'tr', 'wc', 'xargs'],
];

export interface Checked {
  code: number;
  stdout: string;
  stderr: string;
}

/** Where a program lies; undefined where there is none of that name. */
export function which(name: string): string | undefined {
  const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return stdout.trim() || undefined;
}

/** Makes the folder that is all of the PATH. */
export async function toolsIn(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const tool of tools) {
    const path = which(tool);
    if (path === undefined) throw new Error(`there is no ${tool} here`);
    await symlink(path, join(folder, tool));
  }
  return folder;
}

/** Runs a script as `env -i PATH=… sh script …` does. */
export function cleanShell(shell: string, path: string, args: string[]): Promise<Checked> {
  return new Promise((resolve, reject) => {
    const options = { env: { PATH: path }, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 };
    execFile(shell, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(error);
    });
  });
}
