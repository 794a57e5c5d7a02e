/** Root certificates that a person names for timestamps. */
import { readFile } from 'node:fs/promises';
import { messageOf, TickmarkError } from '../evidence/errors.ts';

/**
 * The texts (PEM) of one file.
 * @param option where the file is named, for messages: `--tsa-ca`, `timestamps.roots`.
 * @throws TickmarkError with that code: no such file, or no certificate in it.
 */
export async function readRoots(
  file: string,
  option: string,
  code: 'Usage' | 'InvalidConfiguration',
): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const message = `${option}: ${file} cannot be read: ${messageOf(cause)}`;
    throw new TickmarkError(code, message, { cause });
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return [text];
  throw new TickmarkError(
    code,
    `${option}: ${file} holds no certificate in PEM form; give the file that the authority publishes`,
  );
}
