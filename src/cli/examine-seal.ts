/** What `tickmark doctor` says of the store, the signing key and the timestamp authorities. */
import { randomBytes } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../evidence/errors.ts';
import type { Project } from './project.ts';
import type { ProjectSealing } from './sealing.ts';
import { placeOf } from './store.ts';

/** One thing that evidence needs of where and how it is kept. */
export interface Check {
  what: string;
  /** Null where it could not be told. */
  ok: boolean | null;
  message: string;
}

/** @param place the store, where it is not the configured one. */
export async function examineSeal(
  { loaded }: Pick<Project, 'loaded'>,
  place: string | undefined,
  { signer, addresses, roots }: ProjectSealing,
  signal: AbortSignal,
): Promise<Check[]> {
  const at = place ?? placeOf(loaded);
  return [
    ...(at.startsWith('s3://')
      ? await bucketChecks(at, loaded.config.s3)
      : [await folderCheck(at)]),
    signer === undefined
      ? {
          what: 'signing',
          ok: false,
          message:
            'no key is configured: whoever can write the store can make it anew; tickmark keygen makes one',
        }
      : {
          what: 'signing',
          ok: true,
          message: `key ${signer.publicKey.fingerprint} (${signer.name}) may sign in this store`,
        },
    ...(addresses.length === 0
      ? [
          {
            what: 'timestamps',
            ok: false,
            message:
              'no authority is configured: nothing but this machine says when a night was sealed; see timestamps: in tickmark.yaml',
          },
        ]
      : await Promise.all(addresses.map((url) => authorityCheck(url, roots, signal)))),
  ];
}

async function bucketChecks(
  place: string,
  s3: Project['loaded']['config']['s3'],
): Promise<Check[]> {
  const { parseS3Place } = await import('../store/s3.ts');
  const { examineBucket } = await import('../store/s3-doctor.ts');
  return examineBucket({ ...parseS3Place(place), ...s3 });
}

/** A folder that is not there yet is made by the first night, in one that is. */
async function folderCheck(place: string): Promise<Check> {
  for (let folder = resolve(place); ; folder = dirname(folder)) {
    try {
      await access(folder, constants.W_OK);
      return { what: 'folder', ok: true, message: `${place} can be written` };
    } catch (error) {
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (missing && folder !== dirname(folder)) continue;
      return {
        what: 'folder',
        ok: false,
        message: `${place} cannot be written: ${messageOf(error)}`,
      };
    }
  }
}

async function authorityCheck(url: string, roots: string[], signal: AbortSignal): Promise<Check> {
  try {
    const options = { signal, ...(roots.length > 0 && { roots }) };
    const { requestToken } = await import('../seal/authority.ts');
    const { stamp } = await requestToken(url, randomBytes(32), options);
    return {
      what: 'timestamps',
      ok: true,
      message: `${stamp.authority} answers${stamp.trusted ? ', and its certificate ends at a configured root' : '; its certificate is held against no root (timestamps.roots)'}`,
    };
  } catch (error) {
    return { what: 'timestamps', ok: false, message: messageOf(error) };
  }
}
