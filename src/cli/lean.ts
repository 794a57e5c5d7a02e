/** For work that holds little while much goes through: time for less memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of buffers, those in use among them, from which on those that are not are looked for. */
const mostBuffers = 12 * 1024 * 1024;
const lookEvery = 100;

/**
 * Left to itself, V8 lets several times as much garbage gather as is held, takes ever more room for
 * what is young, and lets 64 MB of buffers gather outside of its heap before it looks. The flags hold
 * for the rest of the process.
 */
export async function lean<T>(work: () => Promise<T>): Promise<T> {
  for (const flag of ['--heap-growing-percent=10', '--semi-space-growth-factor=1', '--expose-gc']) {
    setFlagsFromString(flag);
  }
  const collect: (options: { type: 'minor' }) => void = runInNewContext('gc');
  const timer = setInterval(() => {
    if (process.memoryUsage().arrayBuffers > mostBuffers) collect({ type: 'minor' });
  }, lookEvery);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
