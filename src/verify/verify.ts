/**
 * The offline verification of a store: everything that can be told from its bytes alone, the cheap
 * first. It stops at nothing that is broken: what is damaged must not hide the rest.
 */
import { TickmarkError } from '../evidence/errors.ts';
import type { ArchiveFiles } from '../store/archive.ts';
import type { Backend } from '../store/backend.ts';
import { type Head, isSound, noteClocks, verifyForm, verifyLinks } from './chain.ts';
import { noteChanges } from './changes.ts';
import { verifyContents } from './contents.ts';
import { verifyFiles } from './files.ts';
import type { Finding } from './finding.ts';
import { verifyIntervals } from './intervals.ts';
import { noteLeftovers } from './leftovers.ts';
import { ObjectReader } from './objects.ts';
import { verifyEvidence } from './results.ts';
import { type KeyCount, type SignatureOptions, verifySignatures } from './signatures.ts';
import { type StampCount, type TimestampOptions, verifyTimestamps } from './timestamps.ts';

export interface VerifyOptions extends SignatureOptions, TimestampOptions {
  /** Heads of the chain, kept where the store's writers could not change them. */
  heads: readonly Head[];
  /** Where the store is that of an archive: every file of it. */
  files?: ArchiveFiles | undefined;
  /** The archive was redacted: of what manifests name it has the keys and the control files alone. */
  redacted?: boolean | undefined;
  signal?: AbortSignal;
  /** Called for every file that is read. */
  onProgress?: (progress: Progress) => void;
}

export interface Progress {
  bundles: { done: number; all: number };
  /** Objects that were read. */
  objects: number;
}

/** What was gone through. */
export interface Verified {
  bundles: number;
  /** Whose evidence it says to be; more than one where bundles of several lie in it. */
  organizations: string[];
  /** When the first and the last run began, RFC 3339; null where none can be read. */
  from: string | null;
  to: string | null;
  /** The newest bundle: what a head would say of it. */
  head: Required<Head> | null;
  keys: KeyCount[];
  stamped: StampCount;
  objects: number;
  /** Bytes of objects as stored. */
  bytes: number;
  lists: number;
  results: number;
  /** Files of the archive that are what its list says; null where the store is not in one. */
  files: number | null;
  /** The archive was redacted: no evidence could be held against its digests. */
  redacted: boolean;
}

/**
 * Verifies a store. @returns what was gone through; each finding comes as soon as it is sure.
 * @throws TickmarkError StoreUnavailable where the store cannot be read: that proves nothing;
 * Interrupted; Usage for roots that are no certificates.
 */
export async function* verify(
  backend: Pick<Backend, 'location' | 'read' | 'list' | 'entries'>,
  options: VerifyOptions,
): AsyncGenerator<Finding, Verified> {
  const { signal, onProgress, redacted = false } = options;
  const progress: Progress = { bundles: { done: 0, all: 0 }, objects: 0 };
  const onRead = () => {
    if (signal?.aborted) throw interrupted();
    onProgress?.({ ...progress, objects: objects.count });
  };
  const objects = new ObjectReader(backend, onRead);
  const links = yield* verifyLinks(backend, options.heads);
  progress.bundles = { done: 0, all: links.length };
  yield* verifyForm(links);
  const sound = links.filter(isSound);
  yield* noteClocks(sound);
  if (signal?.aborted) throw interrupted();
  const keys = yield* verifySignatures(links, objects, options);
  const stamped = yield* verifyTimestamps(links, objects, options);
  const onBundle = (done: number) => {
    progress.bundles = { done, all: links.length };
  };
  const counted = yield* verifyContents(links, objects, redacted, onBundle);
  yield* verifyEvidence(sound);
  yield* verifyIntervals(links);
  const files =
    options.files === undefined ? null : yield* verifyFiles(options.files, redacted, onRead);
  yield* noteChanges(sound);
  if (links.length > 0) yield* noteLeftovers(backend, links, objects, redacted);
  const last = links.at(-1);
  return {
    bundles: links.length,
    organizations: [...new Set(sound.map(({ manifest }) => manifest.organization))],
    from: sound[0]?.manifest.started_at ?? null,
    to: sound.at(-1)?.manifest.started_at ?? null,
    head: last === undefined ? null : { sequence: last.sequence, digest: last.digest },
    keys,
    stamped,
    objects: objects.count,
    bytes: objects.bytesRead,
    ...counted,
    files,
    redacted,
  };
}

function interrupted(): TickmarkError {
  return new TickmarkError('Interrupted', 'the verification was ended early and says nothing');
}
