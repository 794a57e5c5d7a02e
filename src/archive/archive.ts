/**
 * The archive of a period: what is sealed, and everything that can be read without a program, in one
 * folder or one ZIP (docs/formats/archive.md). Of the same store and request it is the same bytes.
 */
import { mkdir, mkdtemp, readdir, realpath, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { TickmarkError } from '../evidence/errors.ts';
import { compareText, sha256 } from '../evidence/json.ts';
import { csv } from '../report/csv.ts';
import type { Report, ReportDetails } from '../report/model.ts';
import { headOf, nightsTable } from '../report/tables.ts';
import { redactionFile } from '../store/archive.ts';
import type { Store } from '../store/store.ts';
import { controlFolders, writeControl } from './control-folder.ts';
import { writeEvidence } from './evidence.ts';
import { type Content, NewFolder } from './folder.ts';
import { readme } from './readme.ts';
import type { Redacted } from './redact.ts';
import { objectsWithoutEvidence, publicKeys, sealedFiles } from './sealed.ts';
import { zipFolder } from './zip.ts';

export interface ArchiveRequest {
  report: Report;
  details: ReportDetails;
  store: Store;
  /** The same report in other forms, by path in the archive: `index.html`. */
  forms: Readonly<Record<string, () => Content>>;
  /** Which collector gives a dataset, as far as is known. */
  collectors: ReadonlyMap<string, string>;
  /** Root certificates (PEM) that timestamps are checked with. */
  roots: readonly string[];
  /** Text of the script that checks the archive with stock tools. */
  checkScript: string;
  /** What was done so that nobody is named; left out: nothing was. */
  redaction?: Pick<Redacted, 'file' | 'named'> | undefined;
  /** The one control that was asked for; otherwise all. */
  control?: string | undefined;
  signal: AbortSignal;
  onProgress?: (doing: string) => void;
}

/** What was written. */
export interface Archive {
  files: number;
  /** All of them, before compression. */
  bytes: number;
  /** SHA-256 of `SHA256SUMS`, and so of everything. */
  sums: string;
}

/** A file of the archive, as `index.csv` tells of it. */
export interface Listed {
  control: string;
  criteria: string;
  test: string;
  dataset: string;
  /** Rows or lines, where it has any. */
  count: number | null;
}

/** A file as it lies in the folder. */
interface Written {
  file: string;
  /** It is a program. */
  runs: boolean;
}

/** Of no control in particular. */
const ofAll = { control: '', criteria: '', test: '', dataset: '' };

const checkScriptName = 'check.sh';

/**
 * Writes an archive. It has its name when it is whole, and not before.
 * @param out a file that ends in `.zip`, or else a folder that is new or empty
 * @param force a file may be replaced
 * @throws TickmarkError Usage, Interrupted, IntegrityBroken; whatever is thrown, nothing is left
 */
export async function writeArchive(
  request: ArchiveRequest,
  out: string,
  force = false,
): Promise<Archive> {
  const place = await realPlace(out);
  await assertOutside(place, request.store);
  return writeAt(place, request, force);
}

async function writeAt(out: string, request: ArchiveRequest, force: boolean): Promise<Archive> {
  await assertFree(out, force);
  // Beside it, so that it can be given its name at once.
  const work = await mkdtemp(join(dirname(resolve(out)), '.tickmark-export-'));
  try {
    const made = join(work, 'archive');
    await mkdir(made);
    const { archive, files } = await writeFiles(new NewFolder(made, request.signal), request);
    const zip = join(work, 'archive.zip');
    if (isZipName(out)) {
      request.onProgress?.('zip');
      await zipFolder(made, files, zip, request.signal);
    }
    await assertFree(out, force);
    // An empty folder, if there is any: not every system renames over one.
    await rmdir(out).catch(() => {});
    await rename(isZipName(out) ? zip : made, out);
    return archive;
  } catch (error) {
    if (request.signal.aborted) throw new TickmarkError('Interrupted', 'no archive was written');
    throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Where a link leads to, be it the place itself or a folder above it. */
async function realPlace(place: string): Promise<string> {
  const above = async () =>
    join(await realpath(dirname(place)).catch(() => resolve(dirname(place))), basename(place));
  return realpath(place).catch(above);
}

/** What lies in a store is evidence, and nothing else. @throws TickmarkError Usage */
async function assertOutside(place: string, { backend: { location } }: Store): Promise<void> {
  if (!`${place}${sep}`.startsWith(`${await realPlace(location)}${sep}`)) return;
  throw new TickmarkError(
    'Usage',
    `${place} is in the store ${location}, and an archive is no part of it; name another place with --out`,
  );
}

/** @throws TickmarkError Usage where there is something that nobody allowed to be replaced. */
async function assertFree(out: string, force: boolean): Promise<void> {
  const entries = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    if (error.code === 'ENOTDIR') return null;
    throw error;
  });
  const isZip = isZipName(out);
  if (entries === undefined || (entries === null && isZip && force)) return;
  if (entries?.length === 0 && !isZip) return;
  const advice =
    entries === null && isZip
      ? 'exists and was left as it is; --force replaces it'
      : 'exists, and an archive is not mixed with anything; name a new folder or FILE.zip with --out';
  throw new TickmarkError('Usage', `${out} ${advice}`);
}

function isZipName(out: string): boolean {
  return out.toLowerCase().endsWith('.zip');
}

async function writeFiles(
  folder: NewFolder,
  request: ArchiveRequest,
): Promise<{ archive: Archive; files: Written[] }> {
  const { report, store, forms, redaction, onProgress = () => {} } = request;
  const head = report.head?.sequence ?? 0;
  const listed = new Map<string, Listed>();
  onProgress('sealed');
  const objects = redaction === undefined ? undefined : await objectsWithoutEvidence(store, head);
  for await (const { key, bytes } of sealedFiles(store, head, objects)) {
    await folder.write(`sealed/${key}`, bytes);
  }
  if (redaction !== undefined) await folder.write(redactionFile, redaction.file);
  const keys = await publicKeys(store, head);
  for (const [fingerprint, pem] of keys) {
    await folder.write(`certificates/${fingerprint}.pub.pem`, pem);
  }
  const roots = certificatesIn(request.roots);
  if (roots.length > 0) await folder.write('certificates/tsa-roots.pem', roots.join(''));
  const folders = await controlFolders(report, store);
  for (const each of folders) {
    onProgress(each.control.id);
    await writeControl(folder, each, request, listed);
  }
  await writeEvidence(folder, folders, request, listed);
  const nights = nightsTable(report.nights);
  await folder.write('nights.csv', csv(headOf(nights), nights.rows));
  listed.set('nights.csv', { ...ofAll, count: report.nights.length });
  for (const [file, content] of Object.entries(forms)) {
    onProgress(file);
    await folder.write(file, content());
    listed.set(file, { ...ofAll, count: null });
  }
  await folder.write(checkScriptName, request.checkScript, 0o755);
  await folder.write(
    'README.txt',
    readme(request, { keys: [...keys.keys()], roots: roots.length }),
  );
  onProgress('SHA256SUMS');
  return finish(folder, request, listed);
}

/** Writes what tells of all other files. */
async function finish(
  folder: NewFolder,
  request: ArchiveRequest,
  listed: ReadonlyMap<string, Listed>,
): Promise<{ archive: Archive; files: Written[] }> {
  const digests = new Map<string, { digest: string; bytes: number }>();
  for (const file of await folder.files()) digests.set(file, await folder.digest(file));
  await folder.write('index.csv', indexOf(request, listed, digests));
  digests.set('index.csv', await folder.digest('index.csv'));
  const sums = (await folder.files())
    .map((file) => `${digests.get(file)?.digest}  ${file}\n`)
    .join('');
  await folder.write('SHA256SUMS', sums);
  const files = await folder.files();
  const bytes = [...digests.values()].reduce((sum, each) => sum + each.bytes, sums.length);
  return {
    archive: { files: files.length, bytes, sums: sha256(sums) },
    files: files.map((file) => ({ file, runs: file === checkScriptName })),
  };
}

const indexColumns = [
  'control',
  'criteria',
  'test',
  'file',
  'period',
  'collector',
  'dataset',
  'count',
  'digest',
];

function indexOf(
  { report, collectors }: ArchiveRequest,
  listed: ReadonlyMap<string, Listed>,
  digests: ReadonlyMap<string, { digest: string }>,
): string {
  const { start, end } = report.period.period;
  const inOrder = [...listed].sort(([a], [b]) => compareText(a, b));
  const rows = inOrder.map(([file, { control, criteria, test, dataset, count }]) => [
    control,
    criteria,
    test,
    file,
    `${start}/${end}`,
    collectors.get(dataset) ?? '',
    dataset,
    count,
    digests.get(file)?.digest ?? '',
  ]);
  return csv(indexColumns, rows);
}

/** The certificates alone: whatever else stands in the files, a key perhaps, is nobody's business. */
function certificatesIn(texts: readonly string[]): string[] {
  return texts.flatMap((text) =>
    [
      ...text.matchAll(/-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/g),
    ].map(([block]) => `${block.replaceAll('\r', '')}\n`),
  );
}
