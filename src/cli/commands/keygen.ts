import { open, unlink } from 'node:fs/promises';
import { messageOf, TickmarkError } from '../../evidence/errors.ts';
import { generateKeyPair } from '../../seal/signature.ts';
import type { CommandIo } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';

export interface KeygenOptions {
  /** File of the private key; the public one is written beside it. */
  out: string;
  json?: boolean;
}

/** `tickmark keygen`: makes a pair of keys that bundles are signed with; replaces nothing. */
export async function keygen({ terminal }: CommandIo, options: KeygenOptions): Promise<ExitCode> {
  const file = options.out;
  const publicFile = `${file.replace(/\.pem$/, '')}.pub.pem`;
  const { privateKey, publicKey, fingerprint } = generateKeyPair();
  await writeNew(file, privateKey, 0o600);
  try {
    await writeNew(publicFile, publicKey, 0o644);
  } catch (error) {
    await unlink(file);
    throw error;
  }
  const { out } = terminal;
  if (options.json) {
    out(JSON.stringify({ private_key: file, public_key: publicFile, fingerprint }));
    return exitCodes.complete;
  }
  out(`Wrote ${file} (private: it signs) and ${publicFile} (public: it verifies).`);
  out(`Fingerprint of the public key (SHA-256): ${fingerprint}`);
  out();
  out(
    `Next: in tickmark.yaml   signing: { key: ${JSON.stringify(file)} }   relative to that file;`,
  );
  out('      or give the nightly job its text in TICKMARK_SIGNING_KEY.');
  out(`      Keep ${file} out of the repository: name it in .gitignore.`);
  out('      Give the fingerprint to the auditor, but not by way of the store: whoever can change');
  out('      the store could change it there too.');
  return exitCodes.complete;
}

/** Writes a file that does not exist yet, whole and synced, or leaves none. */
async function writeNew(file: string, text: string, mode: number): Promise<void> {
  try {
    const handle = await open(file, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } catch (error) {
      await unlink(file);
      throw error;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    const message = exists
      ? `${file} exists and was left as it is: evidence may depend on it; name another file with --out`
      : `${file} cannot be written: ${messageOf(cause)}; name another file with --out`;
    throw new TickmarkError('Usage', message, { cause });
  }
}
