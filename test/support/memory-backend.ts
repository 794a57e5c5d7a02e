import type { Backend } from '../../src/store/backend.ts';

/** A backend in memory, with its keys laid open so that a test can damage them. */
export function memoryBackend(): { backend: Backend; keys: Map<string, Buffer> } {
  const keys = new Map<string, Buffer>();
  return {
    keys,
    backend: {
      location: 'memory',
      async create(key, bytes) {
        if (keys.has(key)) return false;
        keys.set(key, Buffer.from(bytes));
        return true;
      },
      read: async (key) => keys.get(key),
      list: async (prefix) => [...keys.keys()].filter((key) => key.startsWith(`${prefix}/`)).sort(),
    },
  };
}
