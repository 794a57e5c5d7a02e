import { readFile } from 'node:fs/promises';
import { messageOf, TickmarkError } from '../../evidence/errors.ts';
import { type PublicKey, readPublicKey } from '../../seal/signature.ts';
import type { Draft, Sealing } from '../../store/store.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { commonDraft, newRunId } from '../night.ts';
import { headLine } from '../print-night.ts';
import { openProject, type Project } from '../project.ts';
import { openSealing, stamp } from '../sealing.ts';
import { type KeygenOptions, keygen } from './keygen.ts';

export interface KeysOptions extends ProjectOptions, KeygenOptions {
  introduce?: string;
  retire?: string;
  beginAnew?: boolean;
}

/** `tickmark keygen`: makes a pair of keys; or seals a change of who may sign. */
export async function keys(io: CommandIo, options: KeysOptions): Promise<ExitCode> {
  const { introduce, retire, beginAnew: anew = false } = options;
  if (introduce === undefined && retire === undefined && !anew) return keygen(io, options);
  const project = await openProject(options);
  const change = { ...(await openSealing(project, io, anew)), anew };
  if (change.signer === undefined) {
    throw new TickmarkError(
      'InvalidConfiguration',
      'no key is configured, and a change of keys has to be signed: name a key that may sign with signing: in tickmark.yaml or TICKMARK_SIGNING_KEY',
    );
  }
  if ((await project.store.last()) === undefined) {
    throw new TickmarkError(
      'NotFound',
      `${project.store.backend.location} holds no bundle, so that there is no key to change; see that the place is right`,
    );
  }
  const sealing: Sealing = {
    ...change,
    ...(introduce === undefined ? {} : { introduce: await publicKeyOf(introduce) }),
    ...(retire === undefined ? {} : { retire: await retirable(project, change, retire) }),
  };
  const now = new Date();
  const draft: Draft = {
    ...(await commonDraft(project, io)),
    // Nothing was tested: the bundle changes who may sign, and nothing else.
    controls: [],
    run: newRunId(now),
    kind: 'keys',
    evidence_of: null,
    started_at: now.toISOString(),
    finished_at: new Date().toISOString(),
    clock: 'system',
    answers: 'live',
    sources: [],
    slices: [],
    results: null,
  };
  const bundle = await project.store.seal(draft, sealing);
  const stamping = await stamp(project.store, bundle, change, io.signal);
  for (const failure of stamping?.failures ?? []) io.terminal.err(`tickmark: ${failure}`);
  const { sequence, signature } = bundle.manifest;
  const signers = signature?.signers ?? [];
  const { out } = io.terminal;
  if (options.json) {
    out(JSON.stringify({ sequence, digest: bundle.digest, signed_by: signature?.key, signers }));
    return exitCodes.complete;
  }
  out(`Bundle ${sequence} says who may sign from now on, signed by key ${signature?.key}:`);
  for (const signer of signers) out(`  ${signer}`);
  out(headLine({ sequence, digest: bundle.digest }));
  return exitCodes.complete;
}

async function publicKeyOf(name: string): Promise<PublicKey> {
  if (name.startsWith('kms:')) {
    const { kmsSigner } = await import('../../seal/kms.ts');
    return (await kmsSigner(name.slice('kms:'.length))).publicKey;
  }
  let bytes: Buffer;
  try {
    bytes = await readFile(name);
  } catch (cause) {
    throw new TickmarkError('Usage', `--introduce: ${name} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
  return readPublicKey(bytes, name);
}

/** @throws TickmarkError Usage where the key may not sign anyway, or is the last that may. */
async function retirable({ store }: Project, { signer }: Sealing, given: string): Promise<string> {
  const fingerprint = given
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, '');
  const signers = (await store.last())?.manifest.signature?.signers ?? [];
  if (!signers.includes(fingerprint)) {
    throw new TickmarkError(
      'Usage',
      `--retire: ${fingerprint} may not sign in ${store.backend.location}; these may: ${signers.join(', ') || 'none'}`,
    );
  }
  if (signers.length > 1 && signer?.publicKey.fingerprint !== fingerprint) return fingerprint;
  throw new TickmarkError(
    'Usage',
    `--retire: ${fingerprint} is the key in use; introduce another, configure it, and retire this one with it`,
  );
}
