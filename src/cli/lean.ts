/** For work that holds little while much goes through: time for less memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Backend } from '../store/backend.ts';

/** Bytes of buffers and long texts that may come to lie about: young ones, and those held for a while. */
const mostYoung = 6 * 1024 * 1024;
const mostOld = 16 * 1024 * 1024;

const flags = [
  '--heap-growing-percent=10',
  '--semi-space-growth-factor=1',
  // Otherwise buffers are freed beside the program, some time after they were found.
  '--no-concurrent-array-buffer-sweeping',
  '--expose-gc',
];

/**
 * Left to itself, V8 lets several times as much garbage gather as is held, takes ever more room for
 * what is young, and lets 64 MB of buffers gather outside of its heap before it looks. The flags hold
 * for the rest of the process; buffers are looked for whenever something is read, for there they
 * come from.
 */
export function lean(backend: Backend): Backend {
  for (const flag of flags) setFlagsFromString(flag);
  // Without options it looks at everything; Node 20 takes any options for those of a small look.
  const collect: (options?: { type: 'minor' }) => void = runInNewContext('gc');
  let afterMinor = 0;
  let afterMajor = 0;
  const look = () => {
    const { external } = process.memoryUsage();
    afterMinor = Math.min(afterMinor, external);
    afterMajor = Math.min(afterMajor, external);
    if (external > afterMajor + mostOld) {
      collect();
      afterMinor = afterMajor = process.memoryUsage().external;
    } else if (external > afterMinor + mostYoung) {
      collect({ type: 'minor' });
      afterMinor = process.memoryUsage().external;
    }
  };
  return {
    ...backend,
    async read(key) {
      look();
      return backend.read(key);
    },
  };
}
