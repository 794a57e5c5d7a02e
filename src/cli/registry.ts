import { loadPlugin } from '../collect/plugins.ts';
import { createRegistry, type Registry } from '../collect/registry.ts';
import type { LoadedConfig } from '../config/load.ts';

/** The collectors that there are: built in, and from the plugins of a configuration. */
export async function openRegistry(loaded?: LoadedConfig): Promise<Registry> {
  const { builtin } = await import('../../collectors/index.ts');
  const references = loaded?.config.plugins ?? [];
  const plugins = await Promise.all(
    references.map(async (from) => ({
      from,
      plugin: await loadPlugin(from, loaded?.directory ?? '.'),
    })),
  );
  return createRegistry([{ from: 'built in', plugin: builtin }, ...plugins]);
}
