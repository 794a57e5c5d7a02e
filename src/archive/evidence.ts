/**
 * The evidence of an archive's controls: each version of each record once, on the first night that
 * saw it so, and an index that says from when to when it held.
 */
import { canonicalJson, compareText } from '../evidence/json.ts';
import { csv, csvPieces } from '../report/csv.ts';
import type { RecordHistory, RecordVersion } from '../report/model.ts';
import type { ArchiveRequest, Listed } from './archive.ts';
import type { ControlFolder } from './control-folder.ts';
import type { NewFolder } from './folder.ts';
import { Names, safeName } from './safe-name.ts';

/** So many signs of a dataset and its scope stand in the name of a file. */
const mostName = 72;

const columns = [
  'source',
  'dataset',
  'scope',
  'uid',
  'name',
  'from',
  'to',
  'nights',
  'first_run',
  'last_run',
  'file',
  'line',
];

/** A control's folder with what was put into it so far. */
interface Place {
  of: ControlFolder;
  /** Name of the file of each stream, the same on every night. */
  names: Names;
  streams: Map<string, string>;
}

/** @throws TickmarkError IntegrityBroken, Interrupted */
export async function writeEvidence(
  folder: NewFolder,
  folders: readonly ControlFolder[],
  { details, onProgress = () => {} }: Pick<ArchiveRequest, 'details' | 'onProgress'>,
  listed: Map<string, Listed>,
): Promise<void> {
  const places = folders.map((of): Place => ({ of, names: new Names(), streams: new Map() }));
  for (const { of } of places) {
    const index = `${of.folder}/evidence/index.csv`;
    await folder.write(index, csv(columns, []));
    listed.set(index, { ...listedOf(of), dataset: '', count: 0 });
  }
  const datasets = new Set(folders.flatMap((each) => [...each.datasets]));
  for (const dataset of [...datasets].sort(compareText)) {
    onProgress(dataset);
    const wanted = places.filter(({ of }) => of.datasets.has(dataset));
    for await (const history of details.records(dataset)) {
      for (const version of history.versions) {
        const line = `${lineOf(history, version)}\n`;
        for (const place of wanted) await add(folder, place, history, version, line, listed);
      }
    }
  }
  await folder.flush();
}

async function add(
  folder: NewFolder,
  place: Place,
  history: RecordHistory,
  version: RecordVersion,
  line: string,
  listed: Map<string, Listed>,
): Promise<void> {
  const { of } = place;
  const { source, dataset, scope, uid } = history;
  const { from, to, nights, record } = version;
  const within = `${safeName(from.run)}/${streamName(place, history)}`;
  const file = `${of.folder}/evidence/${within}`;
  const known = listed.get(file) ?? { ...listedOf(of), dataset, count: 0 };
  listed.set(file, known);
  known.count = (known.count ?? 0) + 1;
  await folder.append(file, line);
  const index = `${of.folder}/evidence/index.csv`;
  const row = [
    ...[source, dataset, scope, uid, record.name, from.observed_at, to.observed_at, nights],
    ...[from.run, to.run, within, known.count],
  ];
  await folder.append(index, [...csvPieces([row])].join(''));
  const listedIndex = listed.get(index);
  if (listedIndex !== undefined) listedIndex.count = (listedIndex.count ?? 0) + 1;
}

/** Two sources may have scopes of one name, and two scopes names that come to the same. */
function streamName({ names, streams }: Place, { source, dataset, scope }: RecordHistory): string {
  const key = canonicalJson([source, dataset, scope]);
  const known = streams.get(key) ?? names.take(safeName(`${dataset}-${scope}`, mostName), '.jsonl');
  streams.set(key, known);
  return known;
}

function lineOf({ source, dataset, scope }: RecordHistory, version: RecordVersion): string {
  return canonicalJson({ source, dataset, scope, ...version });
}

function listedOf({
  control,
  criteria,
}: ControlFolder): Pick<Listed, 'control' | 'criteria' | 'test'> {
  return { control: control.id, criteria, test: '' };
}
