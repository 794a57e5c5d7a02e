/** What bundles of a project are sealed with: the signing key, and the authorities that stamp them. */
import { resolve } from 'node:path';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import type { Stamping } from '../report/summary.ts';
import type { stampDigest } from '../seal/authority.ts';
import { type Bundle, tokenKey } from '../seal/manifest.ts';
import { assertMaySign, type Sealing, type Store, unsealed } from '../store/store.ts';
import type { CommandIo } from './command.ts';
import { openSigner } from './keys.ts';
import type { Project } from './project.ts';
import { readRoots } from './roots.ts';

/** Bundles of one run that are late by more than this are stamped by the next runs. */
const mostStampsAtOnce = 50;

export interface ProjectSealing extends Sealing {
  /** Their addresses, with passwords where they have some; `authorities` are their names. */
  addresses: readonly string[];
  /** Root certificates (PEM) that tokens have to end at; none: a token's own word is taken. */
  roots: string[];
}

/** For the demo: nobody signs, nobody stamps. */
export const demoSealing: ProjectSealing = { ...unsealed, addresses: [], roots: [] };

/**
 * Opens the key and checks that it may sign in this store, before anything is collected.
 * @param anew the keys of before are lost: any key may begin anew.
 * @throws TickmarkError InvalidConfiguration
 */
export async function openSealing(
  project: Project,
  io: CommandIo,
  anew = false,
): Promise<ProjectSealing> {
  const { loaded, store } = project;
  const { signer, notes } = await openSigner(loaded, io.env);
  for (const note of notes) io.terminal.err(`tickmark: ${note}`);
  const { authorities: addresses = [], roots } = loaded.config.timestamps ?? {};
  const sealing: ProjectSealing = {
    signer,
    authorities: addresses.length === 0 ? [] : addresses.map((await authority()).authorityName),
    addresses,
    roots:
      roots === undefined
        ? []
        : await readRoots(
            resolve(loaded.directory, roots),
            'timestamps.roots',
            'InvalidConfiguration',
          ),
  };
  await store.assertSound();
  await assertTokens(store);
  assertMaySign({ ...sealing, anew }, (await store.last())?.manifest, store.backend.location);
  return sealing;
}

/**
 * Has a sealed bundle stamped, and then those before that still wait for a token. A night is not
 * lost to an authority that does not answer: the next run asks again.
 */
export async function stamp(
  store: Store,
  { manifest }: Bundle,
  { addresses, roots }: Pick<ProjectSealing, 'addresses' | 'roots'>,
  signal: AbortSignal,
): Promise<Stamping | null> {
  const { sequence, timestamps } = manifest;
  if (timestamps.authorities.length === 0) return null;
  const stamped: Stamping = { time: null, authority: null, late: [], failures: [] };
  try {
    await stampOpen(store, sequence, { addresses, roots }, signal, stamped);
  } catch (error) {
    // The night is sealed: a token that cannot be kept does not unmake it.
    if (!(error instanceof TickmarkError) || error.code !== 'StoreUnavailable') throw error;
    stamped.failures.push(error.message);
  }
  return stamped;
}

async function stampOpen(
  store: Store,
  sequence: number,
  { addresses, roots }: Pick<ProjectSealing, 'addresses' | 'roots'>,
  signal: AbortSignal,
  stamped: Stamping,
): Promise<void> {
  for (const waiting of (await store.unstamped()).slice(0, mostStampsAtOnce)) {
    const answer = await answerOf(addresses, Buffer.from(waiting.digest, 'hex'), {
      signal,
      ...(roots.length > 0 && { roots }),
    });
    if ('failures' in answer) {
      stamped.failures.push(...answer.failures);
      break;
    }
    await store.keepToken(waiting.digest, answer.token);
    if (waiting.sequence < sequence) stamped.late.push(waiting.sequence);
    if (waiting.sequence === sequence) {
      stamped.time = answer.stamp.time.toISOString();
      stamped.authority = answer.authority;
    }
  }
}

/** The night is sealed: whoever interrupts now interrupts the asking, and nothing else. */
async function answerOf(...asked: Parameters<typeof stampDigest>): ReturnType<typeof stampDigest> {
  try {
    return await (await authority()).stampDigest(...asked);
  } catch (error) {
    if (!asked[2].signal.aborted) throw error;
    return { failures: ['interrupted before an authority had answered'] };
  }
}

/**
 * A token is pinned by the next manifest: what is none must not be.
 * @throws TickmarkError IntegrityBroken
 */
async function assertTokens(store: Store): Promise<void> {
  for (const { sequence, digest, token } of await store.newTokens()) {
    const { checkToken } = await import('../seal/timestamp.ts');
    try {
      await checkToken(token, Buffer.from(digest, 'hex'));
    } catch (cause) {
      throw new TickmarkError(
        'IntegrityBroken',
        `${tokenKey(digest)} in ${store.backend.location} is no timestamp of bundle ${sequence} (${messageOf(cause)}): it was changed or put there; restore it from a copy, or take it away and the next run asks again`,
        { cause },
      );
    }
  }
}

/** What reads tokens is loaded where authorities are configured. */
const authority = () => import('../seal/authority.ts');
