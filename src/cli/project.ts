/** Everything that a command works on: configuration, registry, compiled controls, store. */
import { resolve } from 'node:path';
import type { ConfiguredSource } from '../collect/collect.ts';
import { loadPlugin } from '../collect/plugins.ts';
import { createRegistry, type Registry, sourceOf } from '../collect/registry.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type CompiledControl, compileControls } from '../controls/compile.ts';
import { type LoadedControl, loadControls } from '../controls/load.ts';
import { datasetsOf } from '../evaluate/judge.ts';
import { TickmarkError } from '../evidence/errors.ts';
import type { Backend } from '../store/backend.ts';
import { folderBackend } from '../store/folder.ts';
import { Store } from '../store/store.ts';
import { type Fault, FaultError } from '../yaml/fault.ts';
import { didYouMean } from '../yaml/nearest.ts';
import type { ProjectOptions } from './command.ts';
import { packageRoot } from './package.ts';
import { type LoadedWaivers, loadWaivers } from './waivers.ts';

/** A source as configured, before it is given a client. */
export type SourceEntry = Omit<ConfiguredSource, 'provider'>;

export interface Project {
  loaded: LoadedConfig;
  registry: Registry;
  sources: SourceEntry[];
  /** Control files of the categories in scope. */
  files: LoadedControl[];
  controls: CompiledControl[];
  /** Null where the configuration names none. */
  waivers: LoadedWaivers | null;
  /** Datasets that the tests read. */
  wanted: ReadonlySet<string>;
  store: Store;
}

/** @throws TickmarkError with everything that is wrong in the configuration or the controls. */
export async function openProject(options: ProjectOptions): Promise<Project> {
  const loaded = loadConfig(options.config);
  const registry = await openRegistry(loaded);
  const sources = configuredSources(loaded, registry);
  const { categories, controls: references, parameters } = loaded.config;
  // All of them are compiled: a fault in one is a fault, and parameters may name any test.
  const all = loadControls(references, loaded.directory, packageRoot);
  const compiled = compileControls(all, registry.datasets, { parameters, fault: loaded.fault });
  const inScope = ({ control }: { control: { category: (typeof categories)[number] } }) =>
    categories.includes(control.category);
  const files = all.filter(inScope);
  const controls = compiled.filter(inScope);
  if (files.length === 0) {
    throw new TickmarkError(
      'InvalidConfiguration',
      `${loaded.file}: no control is of the categories in scope (${categories.join(', ')}), so nothing would be tested; add a category, or controls of your own`,
    );
  }
  return {
    loaded,
    registry,
    sources,
    files,
    controls,
    waivers: loadWaivers(loaded, all),
    wanted: datasetsOf(controls),
    store: await openStore(options.store, loaded),
  };
}

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

/** The configured store, or another place with the same settings. */
export async function openStore(
  place: string | undefined,
  loaded: LoadedConfig | undefined,
): Promise<Store> {
  return new Store(await openBackend(place ?? placeOf(loaded), loaded?.config.s3));
}

/** The store alone. A folder that is named needs no configuration; how a bucket is reached does. */
export async function openNamedStore({ config, store }: ProjectOptions): Promise<Store> {
  const isFolder = store !== undefined && !isAddress(store);
  return openStore(store, isFolder ? undefined : loadConfig(config));
}

/** A folder, or `s3://bucket/prefix`. */
export async function openBackend(place: string, s3?: Config['s3']): Promise<Backend> {
  if (!isAddress(place)) return folderBackend(place);
  const { parseS3Place, s3Backend } = await import('../store/s3.ts');
  return s3Backend({ ...parseS3Place(place), ...s3 });
}

/** The configured store; a relative folder is relative to the configuration. */
export function placeOf(loaded: LoadedConfig | undefined): string {
  if (loaded === undefined) return './evidence';
  const { store } = loaded.config;
  return isAddress(store) ? store : resolve(loaded.directory, store);
}

/** Whether a place is no folder but `s3://…`. */
export function isAddress(place: string): boolean {
  return /^[a-z0-9]+:\/\//i.test(place);
}

function configuredSources(loaded: LoadedConfig, registry: Registry): SourceEntry[] {
  const faults: Fault[] = [];
  const sources = loaded.config.sources.flatMap((entry, index): SourceEntry[] => {
    const source = registry.sources.get(entry.use);
    if (source === undefined) {
      const known = [...registry.sources.keys()];
      faults.push(
        loaded.fault(
          ['sources', index, 'use'],
          `there is no source "${entry.use}"${didYouMean(entry.use, known)}; there are ${known.join(', ')}, and those that plugins: bring`,
        ),
      );
      return [];
    }
    const checked = loaded.checkWith(index, source.config);
    if (!checked.ok) {
      faults.push(...checked.faults);
      return [];
    }
    const collectors = registry.collectors.filter((each) => sourceOf(each) === source.id);
    return [{ id: entry.id, source, config: checked.value, collectors }];
  });
  if (faults.length > 0) throw new FaultError('InvalidConfiguration', faults);
  return sources;
}
