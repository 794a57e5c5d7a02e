/** Where keys come from: the one that signs, and the one that pseudonyms are made with. */
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { TickmarkError } from '../evidence/errors.ts';
import { pemSigner, type Signer } from '../seal/signature.ts';
import { FaultError } from '../yaml/fault.ts';

export interface OpenedSigner {
  /** Undefined where no key is named: bundles are sealed unsigned. */
  signer: Signer | undefined;
  /** What is not well with the key and does not hinder it: to be said each time. */
  notes: string[];
}

const variable = 'TICKMARK_SIGNING_KEY';
const kmsPrefix = 'kms:';

/**
 * Opens the key that TICKMARK_SIGNING_KEY names, or else `signing.key` of the configuration: a file,
 * or `kms:<arn>`. The variable may hold the PEM text itself; a relative path in the configuration is
 * relative to the configuration. No message shows what the variable holds: it may be a key.
 * @throws TickmarkError InvalidConfiguration, and StoreUnavailable where KMS is not to be had.
 */
export async function openSigner(
  loaded: LoadedConfig | undefined,
  env: NodeJS.ProcessEnv,
): Promise<OpenedSigner> {
  const value = env[variable];
  if (value !== undefined) return fromVariable(value);
  const key = loaded?.config.signing?.key;
  if (loaded === undefined || key === undefined) return { signer: undefined, notes: [] };
  const fault = (message: string) =>
    new FaultError('InvalidConfiguration', [loaded.fault(['signing', 'key'], message)]);
  if (holdsPem(key)) {
    throw fault(
      `this is the key itself, and many can read this file: make another with \`tickmark keygen\`, and name its file here or put its text into ${variable}`,
    );
  }
  if (key.startsWith(kmsPrefix)) return fromKms(key);
  const file = resolve(loaded.directory, key);
  return fromFile(file, (reason) => fault(`${file}: ${reason}; \`tickmark keygen\` makes a key`));
}

const redactionVariable = 'TICKMARK_REDACTION_KEY';
/** With fewer characters, or fewer different ones, it could be found by trying. */
const leastRedactionKey = { characters: 32, different: 8 };

/**
 * The secret that TICKMARK_REDACTION_KEY holds, or else the file that `redaction.key` names. Blanks
 * around it do not count. No message shows it.
 * @throws TickmarkError Usage where there is none; InvalidConfiguration where it cannot serve.
 */
export async function openRedactionKey(
  loaded: LoadedConfig,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const value = env[redactionVariable];
  const key = loaded.config.redaction?.key;
  const how = 'make one with: openssl rand -hex 32';
  if (value === undefined && key === undefined) {
    throw new TickmarkError(
      'Usage',
      `--redact needs a secret that stays the same from one archive to the next: put it into ${redactionVariable}, or into a file that redaction.key of ${loaded.file} names; ${how}`,
    );
  }
  if (value !== undefined) {
    return hardToFind(value, (reason) => {
      return new TickmarkError('InvalidConfiguration', `${redactionVariable}: ${reason}; ${how}`);
    });
  }
  const file = resolve(loaded.directory, key as string);
  const wrong = (reason: string) =>
    new FaultError('InvalidConfiguration', [
      loaded.fault(['redaction', 'key'], `${file}: ${reason}; ${how}`),
    ]);
  const { text } = await read(file).catch((error: NodeJS.ErrnoException) => {
    throw wrong(reasons[error.code ?? ''] ?? `it cannot be read (${error.code})`);
  });
  return hardToFind(text, wrong);
}

function hardToFind(text: string, wrong: (reason: string) => TickmarkError): string {
  const key = text.trim();
  const { characters, different } = leastRedactionKey;
  if ([...key].length < characters) throw wrong(`it holds fewer than ${characters} characters`);
  if (new Set(key).size < different) {
    throw wrong(`it holds fewer than ${different} different characters`);
  }
  // What is no text reads as the same sign wherever it is none.
  if (/[\p{Cc}\ufffd]/u.test(key)) throw wrong('it holds bytes that are no text');
  return key;
}

async function fromVariable(value: string): Promise<OpenedSigner> {
  const wrong = (reason: string) =>
    new TickmarkError(
      'InvalidConfiguration',
      `${variable} ${reason}; set it to the text of a private key in PEM form, to the path of its file or to kms:<key ARN>, or take it away`,
    );
  // An empty variable is a secret that this job is not given: unsigned is not what was meant.
  if (value.trim() === '') throw wrong('is empty');
  // Variables of some CI systems hold one line: line feeds are written as \n there.
  if (holdsPem(value)) {
    const pem = value.replaceAll('\\r', '').replaceAll('\\n', '\n');
    return { signer: pemSigner(pem, variable), notes: [] };
  }
  if (value.startsWith(kmsPrefix)) return fromKms(value);
  return fromFile(value, (reason) => wrong(`is taken for the path of a file: ${reason}`));
}

function holdsPem(text: string): boolean {
  return text.includes('-----BEGIN');
}

async function fromKms(key: string): Promise<OpenedSigner> {
  const { kmsSigner } = await import('../seal/kms.ts');
  return { signer: await kmsSigner(key.slice(kmsPrefix.length)), notes: [] };
}

async function fromFile(
  file: string,
  wrong: (reason: string) => TickmarkError,
): Promise<OpenedSigner> {
  const { text, mode } = await read(file).catch((error: NodeJS.ErrnoException) => {
    throw wrong(reasons[error.code ?? ''] ?? `it cannot be read (${error.code})`);
  });
  const signer = pemSigner(text, file);
  if ((mode & 0o077) === 0) return { signer, notes: [] };
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  return {
    signer,
    notes: [`${file} is a private key that others may read (mode ${octal}): chmod 600 ${file}`],
  };
}

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  ENAMETOOLONG: 'there is no such file',
  EACCES: 'there is no permission to read it',
  EISDIR: 'it is a folder',
};

/** Text and mode of one and the same file, even if another takes its name meanwhile. */
async function read(file: string): Promise<{ text: string; mode: number }> {
  const handle = await open(file);
  try {
    return { text: await handle.readFile('utf8'), mode: (await handle.stat()).mode };
  } finally {
    await handle.close();
  }
}
