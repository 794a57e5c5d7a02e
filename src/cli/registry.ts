import { reachDays } from '../../collectors/reach-days.ts';
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

/** Days for which a source tells of an event, by dataset: collectors are loaded for those of plugins. */
export async function openReachDays(loaded: LoadedConfig): Promise<ReadonlyMap<string, number>> {
  if (loaded.config.plugins.length === 0) return new Map(Object.entries(reachDays));
  return reachDaysIn(await openRegistry(loaded));
}

export function reachDaysIn({ datasets }: Registry): ReadonlyMap<string, number> {
  return new Map(
    [...datasets.values()].flatMap((dataset) =>
      dataset.kind === 'events' && dataset.reachDays !== undefined
        ? [[dataset.name, dataset.reachDays] as const]
        : [],
    ),
  );
}
