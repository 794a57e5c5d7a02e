import type { Backend } from '../../src/store/backend.ts';

/** A backend in memory, with its keys laid open so that a test can damage or age them. */
export function memoryBackend(): {
  backend: Backend;
  keys: Map<string, Buffer>;
  /** When each key was written; one that a test put there itself counts as written long ago. */
  written: Map<string, Date>;
} {
  const keys = new Map<string, Buffer>();
  const written = new Map<string, Date>();
  const write = (key: string, bytes: Uint8Array) => {
    keys.set(key, Buffer.from(bytes));
    written.set(key, new Date());
  };
  return {
    keys,
    written,
    backend: {
      location: 'memory',
      async create(key, bytes) {
        if (keys.has(key)) return false;
        write(key, bytes);
        return true;
      },
      read: async (key) => keys.get(key),
      list: async (prefix) =>
        [...keys.keys()]
          .filter((key) => key.startsWith(`${prefix}/`) && !key.includes('/', prefix.length + 1))
          .sort(),
      async *entries(prefix) {
        for (const [key, bytes] of keys) {
          if (!key.startsWith(`${prefix}/`)) continue;
          const modified = written.get(key) ?? new Date(0);
          yield { key, bytes: bytes.length, modified, temporary: false };
        }
      },
      async renew(key, bytes) {
        if (keys.has(key)) written.set(key, new Date());
        else write(key, bytes);
      },
      async remove(key) {
        keys.delete(key);
        written.delete(key);
      },
    },
  };
}
