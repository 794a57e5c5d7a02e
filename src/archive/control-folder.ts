/** What an archive holds of one control, but for its evidence. */
import { builtinControl, parseControl } from '../controls/parse.ts';
import type { Control } from '../controls/schema.ts';
import { compareText } from '../evidence/json.ts';
import type { ControlReport } from '../period/report.ts';
import { type Cell, csvPieces } from '../report/csv.ts';
import { newestFile, type Report, type ReportControl } from '../report/model.ts';
import {
  deviationsTable,
  gapsTable,
  headOf,
  populationTable,
  resultsTable,
  samplesTable,
  type Table,
  waiversTable,
} from '../report/tables.ts';
import type { Store } from '../store/store.ts';
import type { ArchiveRequest, Listed } from './archive.ts';
import type { NewFolder } from './folder.ts';
import { Names, safeName } from './safe-name.ts';

/** So many signs of a control's id, and of its title, stand in the name of its folder. */
const mostId = 16;
const mostTitle = 40;

export interface ControlFolder {
  control: ReportControl;
  operated: ControlReport;
  /** Its name in the archive. */
  folder: string;
  /** `soc2 CC6.1; soc2 CC6.2`. */
  criteria: string;
  /** Datasets that any version of it reads, looked-up ones too. */
  datasets: ReadonlySet<string>;
  /** As sealed; `isNewest`: the newest one of the control itself. */
  files: { name: string; bytes: Buffer; isNewest: boolean }[];
}

/** @throws TickmarkError IntegrityBroken */
export async function controlFolders(report: Report, store: Store): Promise<ControlFolder[]> {
  const names = new Names();
  const folders: ControlFolder[] = [];
  for (const control of report.controls) {
    const operated = report.period.controls.find(({ id }) => id === control.id) as ControlReport;
    const title = safeName(control.title.toLowerCase(), mostTitle);
    folders.push({
      control,
      operated,
      folder: names.take(`${safeName(control.id, mostId)}-${title}`),
      criteria: Object.entries(control.criteria)
        .flatMap(([framework, ids]) => ids.map((id) => `${framework} ${id}`))
        .join('; '),
      ...(await filesOf(control, operated, store)),
    });
  }
  return folders;
}

async function filesOf(
  control: ReportControl,
  { tests }: ControlReport,
  store: Store,
): Promise<Pick<ControlFolder, 'datasets' | 'files'>> {
  const names = new Names();
  const datasets = new Set(tests.map(({ dataset }) => dataset));
  const found: ControlFolder['files'] = [];
  const own = new Set(tests.map(({ id }) => id));
  const newest = newestFile(control);
  for (const each of control.files) {
    const { file, digest, from } = each;
    const bytes = await store.readBytes(digest);
    const name = names.take(`${from}-${digest.slice(0, 8)}`, '.yaml');
    found.push({ name, bytes, isNewest: each === newest });
    for (const { id, over, lookups } of testsOf(file, digest, bytes)) {
      // Of another control's file only what is this one's now.
      if (each.control !== control.id && !own.has(id)) continue;
      for (const dataset of [over, ...Object.values(lookups).map((each) => each.in)]) {
        datasets.add(dataset);
      }
    }
  }
  return { datasets: new Set([...datasets].sort(compareText)), files: found };
}

function testsOf(file: string, digest: string, bytes: Buffer): Control['tests'] {
  const known = builtinControl(digest);
  if (known !== undefined) return known.tests;
  const parsed = parseControl(file, bytes);
  // What it is tested by was read from it before: it is one.
  return parsed.ok ? parsed.value.control.tests : [];
}

/** Writes a control's versions and tables; its tests one after the other. */
export async function writeControl(
  folder: NewFolder,
  own: ControlFolder,
  { report, details }: Pick<ArchiveRequest, 'report' | 'details'>,
  listed: Map<string, Listed>,
): Promise<void> {
  const { control, operated, criteria, files } = own;
  const inFolder = (file: string) => `${own.folder}/${file}`;
  const list = (file: string, test: string, dataset: string, count: number | null) =>
    listed.set(inFolder(file), { control: control.id, criteria, test, dataset, count });
  const writeTable = async (file: string, made: Table, test = '', dataset = '') => {
    const { rows, counted } = counting(made);
    await folder.write(inFolder(file), csvPieces(rows));
    list(file, test, dataset, counted());
  };
  const newest = files.find(({ isNewest }) => isNewest);
  if (newest !== undefined) {
    await folder.write(inFolder('control.yaml'), newest.bytes);
    list('control.yaml', '', '', null);
  }
  for (const { name, bytes } of files.some(({ isNewest }) => !isNewest) ? files : []) {
    await folder.write(inFolder(`control/${name}`), bytes);
    list(`control/${name}`, '', '', null);
  }
  const names = new Names();
  for (const { id, dataset } of operated.tests) {
    const name = names.take(safeName(id));
    const population = await details.population(id);
    await writeTable(`population-${name}.csv`, populationTable(population.items), id, dataset);
    await writeTable(`results-${name}.csv`, resultsTable(population), id, dataset);
  }
  await writeTable('deviations.csv', deviationsTable([operated]));
  await writeTable('gaps.csv', gapsTable([operated]));
  const tests = new Set(operated.tests.map(({ id }) => id));
  const waivers = report.period.waivers.filter(({ test }) => tests.has(test));
  await writeTable('waivers.csv', waiversTable(waivers));
  for (const sample of report.samples.filter(({ test }) => tests.has(test))) {
    const name = `samples/${String(sample.sequence).padStart(8, '0')}-${safeName(sample.test)}.csv`;
    await writeTable(name, samplesTable([sample]), sample.test);
  }
}

/** A table's head and rows, which are counted as they are gone through. */
function counting(made: Table): { rows: Iterable<readonly Cell[]>; counted: () => number } {
  let count = 0;
  function* all() {
    yield headOf(made);
    for (const row of made.rows) {
      count += 1;
      yield row;
    }
  }
  return { rows: all(), counted: () => count };
}
