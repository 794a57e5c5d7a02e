import { readFile } from 'node:fs/promises';
import { messageOf, TickmarkError } from '../../evidence/errors.ts';
import { type PublicKey, readPublicKey } from '../../seal/signature.ts';
import type { Backend } from '../../store/backend.ts';
import type { Head } from '../../verify/chain.ts';
import { bundlesNamed, type Finding, type FindingCode } from '../../verify/finding.ts';
import {
  type Progress,
  type Verified,
  type VerifyOptions,
  verify as verifyStore,
} from '../../verify/verify.ts';
import type { CommandIo } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { LiveLine } from '../progress.ts';
import { readRoots } from '../roots.ts';
import { openPlace } from '../store.ts';
import { byteSize, humanTime, plural, printable, type Terminal, wrap } from '../terminal.ts';

export interface VerifyCommandOptions {
  /** `60:sha256:<hex>`, `60 sha256:<hex>`, `sha256:<hex>`, `<hex>`. */
  head?: string[];
  /** Files of public keys (PEM or DER), or fingerprints. */
  key?: string[];
  /** A file of root certificates (PEM). */
  tsaCa?: string;
  requireSignature?: boolean;
  requireTimestamp?: boolean;
  json?: boolean;
}

/**
 * `tickmark verify`: holds a store, or a copy of one, against itself and against what its reader
 * holds. Exit 0: nothing is broken; 4: something is.
 * @param place a folder, `s3://bucket/prefix`, or an exported archive, zipped or unpacked.
 * @throws TickmarkError NotFound where there is no store.
 */
export async function verify(
  io: CommandIo,
  place: string,
  options: VerifyCommandOptions,
): Promise<ExitCode> {
  const heads = (options.head ?? []).map(parseHead);
  const keys = await Promise.all((options.key ?? []).map(openKey));
  const roots =
    options.tsaCa === undefined ? [] : await readRoots(options.tsaCa, '--tsa-ca', 'Usage');
  const { requireSignature = false, requireTimestamp = false, json = false } = options;
  const held = { heads, keys, roots, requireSignature, requireTimestamp };
  const { backend, files, redacted } = await openPlace(place);
  return verifyPlace(io, backend, { ...held, files, redacted, json });
}

/** The same of a store that is open, against what its reader holds. */
export async function verifyPlace(
  { terminal, signal }: CommandIo,
  backend: Backend,
  { json, ...held }: Omit<VerifyOptions, 'signal' | 'onProgress'> & { json: boolean },
): Promise<ExitCode> {
  const progress = new LiveLine(terminal);
  const findings: Finding[] = [];
  let verified: Verified;
  try {
    const onProgress = ({ bundles, objects }: Progress) =>
      progress.show(`bundle ${bundles.done + 1} of ${bundles.all}, ${plural(objects, 'object')}`);
    const verification = verifyStore(backend, { ...held, signal, onProgress });
    let step = await verification.next();
    for (; !step.done; step = await verification.next()) findings.push(step.value);
    verified = step.value;
  } catch (error) {
    // What was found before the rest could not be read is found all the same.
    const found = findings.filter(({ severity }) => severity === 'break');
    if (found.length === 0 || signal.aborted) throw error;
    progress.clear();
    terminal.err(`tickmark: ${messageOf(error)}; what follows was found before`);
    if (json)
      terminal.out(JSON.stringify({ store: backend.location, verified: false, breaks: found }));
    else printFindings(terminal, 'Broken', found);
    return exitCodes.integrity;
  } finally {
    progress.clear();
  }
  if (verified.bundles === 0 && held.files === undefined && !(await isStore(backend)))
    throw noStore(backend);
  const breaks = findings.filter(({ severity }) => severity === 'break');
  const notes = findings.filter(({ severity }) => severity === 'note');
  if (json) {
    const told = { store: backend.location, verified: breaks.length === 0, ...verified };
    terminal.out(JSON.stringify({ ...told, breaks, notes }));
  } else {
    printVerified(terminal, backend, verified, held.heads, held.keys);
    printFindings(terminal, 'Broken', breaks);
    printFindings(terminal, 'Notes', notes);
    printEnd(terminal, verified, breaks.length, notes.length);
    if (breaks.length === 0 && held.heads.length + held.keys.length + held.roots.length === 0) {
      terminal.out(
        'Held against nothing from outside: whoever can write the store could have made all of it. Give --head, --key or --tsa-ca.',
      );
    }
  }
  return breaks.length === 0 ? exitCodes.complete : exitCodes.integrity;
}

/** @throws TickmarkError Usage */
function parseHead(text: string): Head {
  const parts = /^(?:(\d{1,8})[:\s]+)?(?:sha256:)?([0-9a-f]{64})$/i.exec(text.trim());
  const [, sequence, digest] = parts ?? [];
  if (digest === undefined) {
    throw new TickmarkError(
      'Usage',
      `--head: "${text}" is no head of a chain; give it as tickmark run printed it: 31:sha256:<64 hex digits>`,
    );
  }
  const head = { digest: digest.toLowerCase() };
  return sequence === undefined ? head : { ...head, sequence: Number(sequence) };
}

/** @throws TickmarkError Usage */
async function openKey(text: string): Promise<PublicKey | string> {
  const fingerprint = /^(?:sha256:)?([0-9a-f]{64})$/i.exec(text.trim())?.[1];
  if (fingerprint !== undefined) return fingerprint.toLowerCase();
  let bytes: Buffer;
  try {
    bytes = await readFile(text);
  } catch (cause) {
    const message = `--key: ${text} cannot be read: ${messageOf(cause)}`;
    throw new TickmarkError('Usage', message, { cause });
  }
  return readPublicKey(bytes, text);
}

/** Whether a place without bundles holds anything that was one's. */
async function isStore(backend: Backend): Promise<boolean> {
  for (const prefix of ['bundles', 'seals', 'objects']) {
    for await (const _ of backend.entries(prefix)) return true;
  }
  return false;
}

function noStore({ location }: Backend): TickmarkError {
  return new TickmarkError(
    'NotFound',
    `${location} is no store: there is no bundles/ in it; name the folder that tickmark run writes to, or a copy of it`,
  );
}

function printVerified(
  { out, style }: Terminal,
  { location }: Backend,
  { bundles, organizations, from, to, head, keys, stamped, ...counts }: Verified,
  heads: readonly Head[],
  given: readonly (PublicKey | string)[],
): void {
  out(style('bold', `Verification of ${printable(location)}`));
  const dates = from === null || to === null ? '' : `, ${humanTime(from)} to ${humanTime(to)}`;
  out(`  Bundles     ${bundles}${dates}`);
  for (const name of organizations) out(`  Of          ${printable(name)}`);
  if (head !== null) out(`  Head        ${head.sequence} sha256:${head.digest}`);
  out(
    `  Held        ${plural(heads.length, 'head')} and ${plural(given.length, 'key')} were given`,
  );
  if (keys.length === 0) out('  Signatures  none');
  const held = new Set(given.map((key) => (typeof key === 'string' ? key : key.fingerprint)));
  for (const { fingerprint, bundles: signed } of keys) {
    const whose = held.has(fingerprint) ? ' (given)' : '';
    out(`  Signatures  ${plural(signed, 'bundle')} by key ${fingerprint}${whose}`);
  }
  const { first, last } = stamped;
  if (first === null || last === null) out('  Timestamps  none');
  else {
    const by = printable(stamped.authorities.join(', '));
    out(
      `  Timestamps  ${plural(stamped.bundles, 'bundle')} by ${by}, ${humanTime(first)} to ${humanTime(last)}`,
    );
  }
  if (counts.redacted) out('  Evidence    left out, the archive is redacted: digests alone');
  else
    out(
      `  Evidence    ${plural(counts.objects, 'object')} (${byteSize(counts.bytes)}), ${plural(counts.lists, 'list')}, ${plural(counts.results, 'result')}`,
    );
  if (counts.files !== null) {
    out(`  Archive     ${plural(counts.files, 'file')} as SHA256SUMS says`);
  }
  out();
}

/** So many findings of one code are printed one by one. */
const mostOfOneCode = 50;

function printFindings(
  { out, style, width }: Terminal,
  title: string,
  findings: readonly Finding[],
): void {
  if (findings.length === 0) return;
  out(style('bold', title));
  const shown = new Map<FindingCode, number>();
  for (const { severity, code, where, bundles, message } of findings) {
    const before = shown.get(code) ?? 0;
    shown.set(code, before + 1);
    if (before >= mostOfOneCode) continue;
    const affected = bundles.length === 0 ? '' : `, ${bundlesNamed(bundles)}`;
    const about = printable(`${code}  ${where}${affected}`);
    out(`  ${style(severity === 'break' ? 'red' : 'yellow', about)}`);
    for (const line of wrap(message, width, '      ')) out(line);
  }
  for (const [code, count] of shown) {
    if (count > mostOfOneCode) out(`  ${code}: ${count} in all; --json tells each`);
  }
  out();
}

function printEnd(
  { out, style }: Terminal,
  { bundles, redacted }: Verified,
  breaks: number,
  notes: number,
): void {
  const noted = plural(notes, 'note');
  if (breaks === 0) {
    const without = redacted ? ' without their evidence (redacted)' : '';
    const text = `Verified ${plural(bundles, 'bundle')}${without}: nothing is broken; ${noted}.`;
    out(style(redacted ? 'yellow' : 'green', text));
  } else
    out(
      style('red', `BROKEN: ${plural(breaks, 'break')} in ${plural(bundles, 'bundle')}; ${noted}.`),
    );
}
