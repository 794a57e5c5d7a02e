/** Everything that a command works on: configuration, registry, compiled controls, store. */
import type { ConfiguredSource } from '../collect/collect.ts';
import { type Registry, sourceOf } from '../collect/registry.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { type CompiledControl, compileControls } from '../controls/compile.ts';
import { type LoadedControl, loadControls } from '../controls/load.ts';
import { datasetsOf } from '../evaluate/judge.ts';
import { TickmarkError } from '../evidence/errors.ts';
import type { Store } from '../store/store.ts';
import { type Fault, FaultError } from '../yaml/fault.ts';
import { didYouMean } from '../yaml/nearest.ts';
import type { ProjectOptions } from './command.ts';
import { packageRoot } from './package.ts';
import { openRegistry } from './registry.ts';
import { openStore } from './store.ts';
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
