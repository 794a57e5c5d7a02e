/**
 * The manifest of a bundle: everything that one run saw and found, by digest, chained to the
 * bundle before. Its bytes are RFC 8785 canonical JSON (docs/formats/bundle.md).
 */
import { z } from 'zod';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { canonicalJson, isCanonicalJson, sha256 } from '../evidence/json.ts';
import { statuses } from '../evidence/result.ts';
import { problemCodes } from '../evidence/slice.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.iso.datetime();
const count = z.int().nonnegative();

/** Lines in the store: how many, SHA-256 of the chunks' digests, and the object that names them. */
const list = z.strictObject({ count, digest, chunks: digest.nullable() });

/** A list of calls; `receipts` holds what each left behind that night. */
const trace = list.extend({ receipts: digest.nullable() });

const problem = z.strictObject({
  code: z.enum(problemCodes),
  message: z.string(),
  severity: z.enum(['error', 'note']),
  resources: z.array(z.string()).exactOptional(),
});

const slice = z.strictObject({
  dataset: z.string(),
  version: z.int(),
  source: z.string(),
  scope: z.string(),
  kind: z.enum(['snapshot', 'events']),
  observed_at: time,
  outcome: z.enum(['complete', 'partial', 'failed']),
  problems: z.array(problem),
  tie_outs: z.array(z.strictObject({ by: z.string(), expected: z.int(), found: z.int() })),
  /** Which events it speaks of, half-open; `covered_since` counts the slices before it too. */
  interval: z.strictObject({ start: time, end: time, covered_since: time }).exactOptional(),
  /** What the next slice of these events needs to go on: an object that only its collector reads. */
  kept: digest.exactOptional(),
  records: list,
  calls: trace,
});

export const manifestSchema = z.strictObject({
  format: z.literal('tickmark-bundle/1'),
  /** Id of the run: when it started, and six random digits. */
  run: z.string().regex(/^\d{8}T\d{6}Z-[0-9a-f]{6}$/),
  /** From 1, without a hole. */
  sequence: z.int().positive(),
  /** SHA-256 of the manifest before; null in the first. */
  previous: digest.nullable(),
  /** Null: nobody signed it. Keys are named by their fingerprint, the SHA-256 of their DER form. */
  signature: z
    .strictObject({
      /** The key that signed this manifest. */
      key: digest,
      /** The key that signed the manifest before; null where that is unsigned, or there is none. */
      previous_key: digest.nullable(),
      /** The keys that may sign the next manifest. Only a `keys` bundle changes them. */
      signers: z.array(digest).min(1),
    })
    .nullable(),
  timestamps: z.strictObject({
    /** RFC 3161 authorities that were to stamp this manifest; none where none is configured. */
    authorities: z.array(z.string()),
    /** Tokens of manifests before, as found when this one was sealed; each is told of once. */
    tokens: z.array(z.strictObject({ sequence: z.int().positive(), digest })),
    /** Manifests before that were to be stamped and still were not. */
    missing: z.array(z.int().positive()),
  }),
  /**
   * `run` collects and evaluates; `collect` holds no results; `backfill` holds events of before the
   * run that collected them; `evaluate` holds another run's slices; `keys` changes who may sign;
   * `sample` holds what was drawn from a population.
   */
  kind: z.enum(['run', 'collect', 'backfill', 'evaluate', 'keys', 'sample']),
  /** Whose evidence an `evaluate` judged. */
  evidence_of: z.strictObject({ run: z.string(), digest }).nullable(),
  started_at: time,
  finished_at: time,
  clock: z.enum(['system', 'simulated']),
  /** Where answers came from: the services themselves, or a folder of recorded exchanges. */
  answers: z.enum(['live', 'replayed']),
  tool: z.strictObject({
    name: z.literal('tickmark'),
    version: z.string(),
    commit: z.string().nullable(),
  }),
  operator: z.union([
    z.strictObject({ ci: z.string() }),
    z.strictObject({ user: z.string(), host: z.string() }),
  ]),
  organization: z.string(),
  /** IANA time zone in which the organisation's days begin and end, those of waivers too. */
  timezone: z.string(),
  configuration: digest,
  parameters: z.record(z.string(), z.record(z.string(), z.json())),
  controls: z.array(z.strictObject({ id: z.string(), file: z.string(), digest })),
  /** The file of waivers, as it was: an object. Null where none is configured. */
  waivers: z.strictObject({ file: z.string(), digest }).nullable(),
  sources: z.array(
    z.strictObject({
      id: z.string(),
      use: z.string(),
      identities: z.array(z.strictObject({ subject: z.string(), account: z.string() })),
      left_out: z.array(z.strictObject({ scope: z.string(), reason: z.string() })),
      /** Made while connecting: who am I, which scopes are there. */
      calls: trace,
      /** Index of answers that the next night may have confirmed instead of sent: an object. */
      answers: digest.exactOptional(),
      /** Requests sent, attempts included. */
      requests: count,
      /** Scheme, host and port of everything that was asked; none where a recording answered. */
      endpoints: z.array(z.string()),
    }),
  ),
  slices: z.array(slice),
  results: z
    .strictObject({
      /** The time that ages were counted to: when collecting ended. */
      as_of: time,
      counts: z.strictObject(
        Object.fromEntries(statuses.map((status) => [status, count])) as Record<
          (typeof statuses)[number],
          typeof count
        >,
      ),
      list,
      /** The same without reasons, a line for each resource: what a period is read from. */
      statuses: list,
    })
    .nullable(),
  /** What a `sample` drew, from which population. */
  sample: z
    .strictObject({
      test: z.string(),
      /** Whole days in `timezone`. */
      period: z.strictObject({ start: z.iso.date(), end: z.iso.date() }),
      seed: z.string(),
      size: count,
      /** What the population was divided by before drawing; null: it was not. */
      by: z.string().nullable(),
      population: list,
      items: list,
    })
    .exactOptional(),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type SealedSlice = Manifest['slices'][number];

/** A manifest with its own digest, which the next one names, which its seal is kept under. */
export interface Bundle {
  manifest: Manifest;
  digest: string;
}

export function formatManifest(manifest: Manifest): { bytes: Buffer; digest: string } {
  const bytes = Buffer.from(canonicalJson(manifest), 'utf8');
  return { bytes, digest: sha256(bytes) };
}

/**
 * Reads a manifest's bytes: they come from a store that others can write to.
 * @throws TickmarkError IntegrityBroken when they are not a manifest in canonical form.
 */
export function parseManifest(bytes: Uint8Array, where: string): Bundle {
  try {
    return parseAll(bytes, where);
  } catch (cause) {
    if (cause instanceof TickmarkError) throw cause;
    // Nesting without end makes the reading itself fail.
    throw new TickmarkError(
      'IntegrityBroken',
      `${where} cannot be read (${messageOf(cause)}): it was changed or damaged; restore it from a copy`,
      { cause },
    );
  }
}

function parseAll(bytes: Uint8Array, where: string): Bundle {
  const text = Buffer.from(bytes).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TickmarkError(
      'IntegrityBroken',
      `${where} is not JSON: it was changed or damaged; restore it from a copy`,
      { cause },
    );
  }
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === 'string' && /^tickmark-bundle\/([2-9]|\d\d)/.test(format)) {
    throw new TickmarkError(
      'IntegrityBroken',
      `${where} is of format ${format}, which this version does not know; update Tickmark`,
    );
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TickmarkError(
      'IntegrityBroken',
      `${where} is not a manifest (${issue?.path.join('.')}: ${issue?.message}): it was changed or damaged; restore it from a copy`,
    );
  }
  if (!isCanonicalJson(text, value)) {
    throw new TickmarkError(
      'IntegrityBroken',
      `${where} is not in canonical form (RFC 8785): it was changed; restore it from a copy`,
    );
  }
  return { manifest: parsed.data, digest: sha256(bytes) };
}

/** Where a manifest lives in a store. */
export function manifestKey(sequence: number): string {
  return `bundles/${String(sequence).padStart(8, '0')}.json`;
}

/** The sequence that a key of a manifest names; undefined for any other key. */
export function sequenceOf(key: string): number | undefined {
  const digits = /^bundles\/(\d{8})\.json$/.exec(key)?.[1];
  return digits === undefined || Number(digits) === 0 ? undefined : Number(digits);
}

/** Where the signature over a manifest lives: DER, over the manifest's bytes. */
export function signatureKey(digest: string): string {
  return `seals/${digest}.sig`;
}

/** Where the RFC 3161 token over a manifest lives: DER, over the manifest's bytes. */
export function tokenKey(digest: string): string {
  return `seals/${digest}.tst`;
}
