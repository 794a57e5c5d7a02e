/**
 * Runs `moto_server` (https://docs.getmoto.org), the stand-in for AWS that tests and the
 * benchmark talk to. moto is a Python package and not part of this project: it is looked for on
 * the PATH, and what needs it says plainly when it is not there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** moto needs half a second to start; a loaded machine may need much longer. */
const startTimeoutMs = 60_000;
const stopTimeoutMs = 5_000;

/** Whether `moto_server` is on the PATH. */
export const motoAvailable = (process.env.PATH ?? '')
  .split(delimiter)
  .some((folder) => folder !== '' && isExecutable(join(folder, 'moto_server')));

/** For the titles of tests that are skipped without moto. */
export const motoMissing = motoAvailable ? '' : ' (skipped: no moto_server on the PATH)';

/** A running moto. */
export interface Moto {
  /** `http://127.0.0.1:PORT`. */
  endpoint: string;
  /** Forgets everything that was created. */
  reset(): Promise<void>;
  /** Ends moto and whatever it started. */
  stop(): Promise<void>;
}

/**
 * Starts moto on a free loopback port and waits until it answers. It knows AWS's own managed
 * policies (`arn:aws:iam::aws:policy/AdministratorAccess`).
 * @throws Error when it does not start, with what it printed
 */
export async function startMoto(): Promise<Moto> {
  // A group of its own: the program on the PATH may be a wrapper that starts another process.
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', '0'], {
    detached: true,
    env: { ...process.env, MOTO_IAM_LOAD_MANAGED_POLICIES: 'true' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const killGroup = () => signalGroup(child, 'SIGKILL');
  process.once('exit', killGroup);
  try {
    const endpoint = await announcedEndpoint(child);
    return {
      endpoint,
      reset: async () => {
        const answer = await fetch(`${endpoint}/moto-api/reset`, { method: 'POST' });
        if (!answer.ok) throw new Error(`moto did not reset: status ${answer.status}`);
        await answer.arrayBuffer();
      },
      stop: async () => {
        await endGroup(child);
        process.removeListener('exit', killGroup);
      },
    };
  } catch (error) {
    killGroup();
    process.removeListener('exit', killGroup);
    throw error;
  }
}

/** Resolves with the address that moto prints once it listens. */
function announcedEndpoint(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const fail = (reason: string) => {
      clearTimeout(timer);
      reject(new Error(`moto_server did not start: ${reason}\n${printed}`));
    };
    const timer = setTimeout(() => fail('it took too long'), startTimeoutMs);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`it ended with ${code}`));
    const listen = (chunk: Buffer) => {
      printed += chunk.toString();
      const endpoint = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(printed)?.[1];
      if (endpoint === undefined) return;
      clearTimeout(timer);
      child.stderr?.off('data', listen);
      // moto prints a line for each request: an unread pipe would fill and block it.
      child.stderr?.resume();
      resolve(endpoint);
    };
    child.stderr?.on('data', listen);
  });
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  signalGroup(child, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), stopTimeoutMs);
  await ended;
  clearTimeout(timer);
  // Whatever the wrapper left behind.
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
