/** Runs the built command line as its users do: another process, with an environment of its own. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** The credentials that AWS's documentation uses for examples; they open nothing. */
export const exampleKey = {
  id: 'AKIAIOSFODNN7EXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

export interface CliOptions {
  /** The folder that it runs in. */
  cwd: string;
  /** Beside what every run gets; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>;
  /** Milliseconds after which it is killed, default 60 seconds. */
  timeout?: number;
}

/** What a run left behind. */
export interface CliResult {
  stdout: string;
  stderr: string;
  /** Null where a signal ended it. */
  code: number | null;
}

/** A run that is under way. */
export interface StartedCli {
  ended: Promise<CliResult>;
  kill(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void;
}

/**
 * Starts `tickmark` with these arguments. It knows no AWS settings but the endpoint and keys given
 * here, its home is an empty folder, and nothing of it outlives the time it is given.
 */
export function startCli(args: string[], endpoint: string, options: CliOptions): StartedCli {
  return launch(args, endpoint, options, mkdtemp(join(tmpdir(), 'tickmark-home-')));
}

/** The same, to its end. */
export function tickmark(
  args: string[],
  endpoint: string,
  options: CliOptions,
): Promise<CliResult> {
  return startCli(args, endpoint, options).ended;
}

function launch(
  args: string[],
  endpoint: string,
  { cwd, env = {}, timeout = 60_000 }: CliOptions,
  homeMade: Promise<string>,
): StartedCli {
  const pending: NodeJS.Signals[] = [];
  let kill = (signal: NodeJS.Signals) => void pending.push(signal);
  const run = async (): Promise<CliResult> => {
    const home = await homeMade;
    const child = spawn(process.execPath, [program, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: home,
        NO_COLOR: '1',
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_ENDPOINT_URL: endpoint,
        AWS_ACCESS_KEY_ID: exampleKey.id,
        AWS_SECRET_ACCESS_KEY: exampleKey.secret,
        ...env,
      },
    });
    kill = (signal) => void child.kill(signal);
    for (const signal of pending) kill(signal);
    const timer = setTimeout(() => kill('SIGKILL'), timeout);
    const text = async (stream: NodeJS.ReadableStream) => {
      stream.setEncoding('utf8');
      let all = '';
      for await (const part of stream) all += part;
      return all;
    };
    const code = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    try {
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { stdout, stderr, code: await code };
    } finally {
      clearTimeout(timer);
      await rm(home, { recursive: true, force: true });
    }
  };
  return { ended: run(), kill: (signal) => kill(signal) };
}
