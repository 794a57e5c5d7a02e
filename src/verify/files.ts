/** The files of an archive against the list of them that lies in it. */
import { createHash } from 'node:crypto';
import { TickmarkError } from '../evidence/errors.ts';
import { sha256 } from '../evidence/json.ts';
import { type ArchiveFiles, sumsFile } from '../store/archive.ts';
import { breakOf, type Finding, noteOf } from './finding.ts';

/**
 * Every file is what SHA256SUMS says, and there is none besides. The list protects from accidents:
 * whoever changes a file can change the list too. What is sealed is held against its seals.
 * @param redacted what is sealed is not all there, so that nothing can be made again from it.
 * @param onRead called for each file; it may throw to stop.
 * @returns how many files are what the list says.
 */
export async function* verifyFiles(
  files: ArchiveFiles,
  redacted: boolean,
  onRead: () => void,
): AsyncGenerator<Finding, number> {
  const bytes = await unlessBroken(() => files.read(sumsFile));
  if (bytes === undefined) {
    yield damaged(
      'is missing or no file: that none was changed, added or taken away cannot be seen',
    );
    return 0;
  }
  const { listed, faulty } = readSums(Buffer.from(bytes).toString('utf8'));
  const remedy = redacted
    ? 'whoever holds the store can make them again, by the same key'
    : 'make them again from sealed/, as README.txt says, and compare';
  yield noteOf(
    'ReportsNotSealed',
    sumsFile,
    [],
    `the tables and reports were held against ${sumsFile} alone, and whoever changes them can write that anew: they are sealed by nobody; ${remedy}`,
  );
  if (faulty !== undefined) yield damaged(`has ${faulty}`);
  let right = 0;
  for await (const path of files.paths()) {
    if (path === sumsFile) continue;
    onRead();
    const digest = listed.get(path);
    listed.delete(path);
    const found = digest === undefined ? undefined : await digestOf(files, path);
    if (digest === undefined) {
      yield breakOf(
        'FileUnlisted',
        path,
        [],
        `${path} is not in ${sumsFile}: it was put there afterwards, and is no part of what was exported; take no word from it`,
      );
    } else if (found === digest) {
      right += 1;
      yield* verifyKeyName(files, path);
    } else {
      yield breakOf(
        'FileChanged',
        path,
        [],
        `${path} is not what ${sumsFile} says${found === undefined ? ': it cannot be read' : ''}; it was changed or damaged: get the archive again`,
      );
    }
  }
  for (const path of listed.keys()) {
    yield breakOf(
      'FileMissing',
      path,
      [],
      `${path} stands in ${sumsFile} and is missing; get the archive again`,
    );
  }
  return right;
}

/** People go by the names of public keys: they are the fingerprints. */
async function* verifyKeyName(files: ArchiveFiles, path: string): AsyncGenerator<Finding> {
  const fingerprint = /^certificates\/([0-9a-f]{64})\.pub\.pem$/.exec(path)?.[1];
  if (fingerprint === undefined) return;
  const bytes = await unlessBroken(() => files.read(path));
  const body = /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=\n]+)-----END PUBLIC KEY-----\n$/.exec(
    Buffer.from(bytes ?? '').toString('utf8'),
  )?.[1];
  if (sha256(Buffer.from(body ?? '', 'base64')) === fingerprint) return;
  yield breakOf(
    'FileChanged',
    path,
    [],
    `${path} is not the public key with the fingerprint that it is called by; ask the owner of the key for the fingerprint, and give it with --key`,
  );
}

function damaged(what: string): Finding {
  return breakOf('SumsDamaged', sumsFile, [], `${sumsFile} ${what}; get the archive again`);
}

/** The digest of each path, and what in the list is not as it should be. */
function readSums(text: string): { listed: Map<string, string>; faulty: string | undefined } {
  const listed = new Map<string, string>();
  let faulty: string | undefined;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) {
    if (line.endsWith('\r')) {
      faulty ??= 'line ends of Windows: it was changed on its way';
    }
    const [, digest, path] = /^([0-9a-f]{64}) {2}([^/].*)$/s.exec(line.replace(/\r$/, '')) ?? [];
    if (digest === undefined || path === undefined) faulty ??= 'a line of another form';
    else if (listed.has(path)) faulty ??= `${path} twice`;
    else listed.set(path, digest);
  }
  return { listed, faulty };
}

/** SHA-256 of a file of any size; undefined where it cannot be read. */
async function digestOf(files: ArchiveFiles, path: string): Promise<string | undefined> {
  return unlessBroken(async () => {
    const hash = createHash('sha256');
    for await (const piece of files.pieces(path)) hash.update(piece);
    return hash.digest('hex');
  });
}

async function unlessBroken<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TickmarkError) || error.code !== 'IntegrityBroken') throw error;
    return undefined;
  }
}
