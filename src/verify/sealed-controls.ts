/** The controls of a bundle, from the files and parameters that its manifest names. */
import { type CompiledControl, compileControls } from '../controls/compile.ts';
import type { DatasetShape } from '../controls/dataset-types.ts';
import type { LoadedControl } from '../controls/load.ts';
import { parseControl } from '../controls/parse.ts';
import { TickmarkError } from '../evidence/errors.ts';
import type { SliceHeader } from '../evidence/slice.ts';
import type { Manifest } from '../seal/manifest.ts';
import type { Store } from '../store/store.ts';
import { type Fault, FaultError } from '../yaml/fault.ts';

/** What has to be known of a dataset; every `Dataset` of a plugin has it. */
export type KnownDataset = DatasetShape & Pick<SliceHeader, 'version' | 'kind'>;
export type KnownDatasets = ReadonlyMap<string, KnownDataset>;

/** What could not be evaluated again. */
export interface NotDone {
  control: string;
  /** Null: every test of the control. */
  test: string | null;
  reason: string;
}

export interface SealedControls {
  compiled: CompiledControl[];
  broken: string[];
  /** `over`: the datasets of its tests; undefined where not even that is known. */
  not_done: (NotDone & { over?: string[] })[];
}

/** Reads and compiles the control files of a bundle, with its parameters. */
export async function openControls(
  store: Store,
  { controls, parameters }: Manifest,
  datasets: KnownDatasets,
): Promise<SealedControls> {
  const opened: SealedControls = { compiled: [], broken: [], not_done: [] };
  const files: LoadedControl[] = [];
  for (const { id, file, digest } of controls) {
    const whole = { control: id, test: null };
    let bytes: Buffer;
    try {
      bytes = await store.readBytes(digest);
    } catch (error) {
      const reason = `${file}: ${brokenMessage(error)}`;
      opened.broken.push(reason);
      opened.not_done.push({ ...whole, reason });
      continue;
    }
    const parsed = parseControl(file, bytes);
    if (!parsed.ok) {
      opened.not_done.push({ ...whole, reason: notCompiled(file, parsed.faults) });
      continue;
    }
    const { control, document } = parsed.value;
    if (control.id !== id) {
      const reason = `the manifest names ${file} as control ${id}, and it is control ${control.id}`;
      opened.broken.push(reason);
      opened.not_done.push({ ...whole, reason });
      continue;
    }
    const over = control.tests.map((test) => test.over);
    const read = control.tests.flatMap((test) => [
      test.over,
      ...Object.values(test.lookups).map((lookup) => lookup.in),
    ]);
    const unknown = [...new Set(read)].filter((name) => !datasets.has(name));
    if (unknown.length > 0) {
      const reason = `no collector here gives ${unknown.join(', ')}; name the plugin that does under plugins: in tickmark.yaml`;
      opened.not_done.push({ ...whole, over, reason });
      continue;
    }
    files.push({ control, file, digest, bytes, document });
  }
  const { compiled, refused } = compileWhatCompiles(files, datasets, parameters);
  opened.compiled = compiled;
  for (const { control, file, faults } of refused) {
    const over = control.tests.map((test) => test.over);
    opened.not_done.push({
      control: control.id,
      test: null,
      over,
      reason: notCompiled(file, faults),
    });
  }
  return opened;
}

/** Compiles controls together, so that they share what is known of a record; leaves faulty ones out. */
function compileWhatCompiles(
  files: readonly LoadedControl[],
  datasets: KnownDatasets,
  parameters: Manifest['parameters'],
): { compiled: CompiledControl[]; refused: (LoadedControl & { faults: Fault[] })[] } {
  const refused: (LoadedControl & { faults: Fault[] })[] = [];
  for (let left = files; ; ) {
    const fileOf = new Map(
      left.flatMap(({ file, control }) => control.tests.map(({ id }) => [id, file])),
    );
    try {
      const compiled = compileControls(left, datasets, {
        // A configuration may set parameters of controls that were not in scope.
        parameters: Object.fromEntries(
          Object.entries(parameters).filter(([test]) => fileOf.has(test)),
        ),
        fault: ([, test, name], message) => ({
          file: fileOf.get(String(test)) ?? '',
          line: 1,
          column: 1,
          path: `parameters.${String(test)}.${String(name)}`,
          message,
          code: 'WrongValue',
        }),
      });
      return { compiled, refused };
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      const faultsOf = ({ file }: LoadedControl) =>
        error.faults.filter((fault) => fault.file === file);
      const faulty = left.filter((each) => faultsOf(each).length > 0);
      if (faulty.length === 0) throw error;
      refused.push(...faulty.map((each) => ({ ...each, faults: faultsOf(each) })));
      left = left.filter((each) => !faulty.includes(each));
    }
  }
}

function notCompiled(file: string, [first, ...more]: readonly Fault[]): string {
  const where = first === undefined ? '' : `:${first.line}:${first.column} ${first.path}`;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return `this version of Tickmark cannot compile ${file}${where}: ${first?.message}${others}; reperform with the version that sealed it`;
}

/** What is broken in a store, in words. @throws whatever is wrong with anything else. */
export function brokenMessage(error: unknown): string {
  if (error instanceof TickmarkError && error.code === 'IntegrityBroken') return error.message;
  throw error;
}
