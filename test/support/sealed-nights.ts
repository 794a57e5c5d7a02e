/**
 * A store of small nights in memory, sealed as a run seals them: one bundle of kind `backfill`, then
 * nights with users, an events dataset, answers to be confirmed, waivers and results; one `collect`,
 * one `evaluate` and one `sample` among them. Keys are real. What a test needs otherwise it says for each bundle.
 */
import { generateKeyPairSync } from 'node:crypto';
import { Integer, Null, OctetString } from 'asn1js';
import { AlgorithmIdentifier, MessageImprint, TSTInfo } from 'pkijs';
import { sha256 } from '../../src/evidence/json.ts';
import { type Judged, noCounts } from '../../src/evidence/result.ts';
import type { Call, EvidenceRecord, Slice } from '../../src/evidence/slice.ts';
import type { PopulationItem } from '../../src/period/population.ts';
import { draw, itemKey, lineOf } from '../../src/period/sample.ts';
import {
  type Bundle,
  formatManifest,
  type Manifest,
  manifestKey,
  signatureKey,
} from '../../src/seal/manifest.ts';
import { pemSigner, type Signer } from '../../src/seal/signature.ts';
import { StoredAnswers } from '../../src/store/known-answers.ts';
import { writeResults } from '../../src/store/results.ts';
import { type Draft, type Sealing, Store, unsealed } from '../../src/store/store.ts';
import type { Authority } from './authority.ts';
import { draft } from './bundles.ts';
import { memoryBackend } from './memory-backend.ts';

const account = '123456789012';
const dayMs = 86_400_000;
const usersPerNight = 12;

/** Sequences of the bundles that are no `run`. */
export const special = { backfill: 1, collect: 31, evaluate: 41, sample: 51 } as const;

export interface NightsOptions {
  /** How many bundles, the special ones included; default 60. */
  bundles?: number;
  /** Which of them is a draw; default `special.sample`. */
  sample?: number;
  /** When the first one begins; each begins a day after the one before. */
  start?: Date;
  /** What each is sealed with; default: nobody signs, nobody stamps. */
  sealing?: (sequence: number) => Sealing;
  /** Changes a manifest before it is sealed, as whoever has the key could. */
  alter?: (draft: Draft, sequence: number) => Draft | Promise<Draft>;
  /** Changes a slice before it is written. */
  alterSlice?: (slice: Slice, sequence: number) => Slice;
  /** Called behind each bundle: what a run does once it is sealed. */
  sealed?: (bundle: Bundle, store: Store) => Promise<void>;
}

export interface SealedNights {
  store: Store;
  backend: Store['backend'];
  /** Every file, to be damaged. */
  keys: Map<string, Buffer>;
  bundles: Bundle[];
}

/** The control files, by id: two with a test, and one that only people can show. */
export const controlFiles: Record<string, string> = {
  'AC-02': controlFile('AC-02', 'users-mfa', 'aws.iam.users', 'each.mfa'),
  'CM-01': controlFile('CM-01', 'changes-approved', 'github.changes', 'each.approved'),
  'PE-01': controlFile('PE-01'),
};

/** The waivers of every night: of nobody who fails. */
const waiversFile = `waivers:
  - test: users-mfa
    resource: break-glass
    reason: Kept in a safe
    approver: Grace Hopper
    from: 2026-01-01
    until: 2026-12-31
`;

/** A signer of its own. */
export function newSigner(name = 'test'): Signer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return pemSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), name);
}

export async function sealedNights(options: NightsOptions = {}): Promise<SealedNights> {
  const { bundles: count = 60, sealing = () => unsealed, alter = (each: Draft) => each } = options;
  const { sample = special.sample } = options;
  const first = options.start ?? new Date('2026-01-01T02:00:00.000Z');
  const { backend, keys } = memoryBackend();
  const store = new Store(backend);
  const bundles: Bundle[] = [];
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const began = new Date(first.getTime() + (sequence - 1) * dayMs);
    const before = bundles.at(-1);
    const made =
      sequence === special.evaluate && before !== undefined
        ? evaluation(before, sequence, began)
        : sequence === sample
          ? await drawing(store, sequence, began)
          : await night(store, sequence, began, options);
    const bundle = await store.seal(await alter(made, sequence), sealing(sequence));
    bundles.push(bundle);
    await options.sealed?.(bundle, store);
  }
  return { store, backend, keys, bundles };
}

/** The same store once more, to be damaged. */
export function copyOf({ keys }: Pick<SealedNights, 'keys'>) {
  const copy = memoryBackend();
  for (const [key, bytes] of keys) copy.keys.set(key, bytes);
  return copy;
}

/**
 * Writes manifests anew from one on, each chained to the one before, as whoever can write the store
 * can. Timestamps and, without a signer, signatures are those of before.
 */
export async function rewrite(
  keys: Map<string, Buffer>,
  from: number,
  change: (manifest: Manifest) => Manifest,
  signer?: Signer,
): Promise<void> {
  let previous = from === 1 ? null : sha256(fileOf(keys, manifestKey(from - 1)));
  const renamed = new Map<string, string>();
  for (let sequence = from; keys.has(manifestKey(sequence)); sequence += 1) {
    const file = fileOf(keys, manifestKey(sequence));
    const before = JSON.parse(file.toString()) as Manifest;
    const named = before.evidence_of;
    const evidence_of = named && { ...named, digest: renamed.get(named.digest) ?? named.digest };
    const { bytes, digest } = formatManifest(change({ ...before, previous, evidence_of }));
    renamed.set(sha256(file), digest);
    keys.set(manifestKey(sequence), bytes);
    if (signer !== undefined) keys.set(signatureKey(digest), await signer.sign(bytes));
    previous = digest;
  }
}

/**
 * A good token over a digest, of any time.
 * @param digest hex.
 */
export async function tokenAt(authority: Authority, digest: string, time: Date): Promise<Buffer> {
  const info = new TSTInfo({
    version: 1,
    policy: '1.3.6.1.4.1.32473.1',
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({
        algorithmId: '2.16.840.1.101.3.4.2.1',
        algorithmParams: new Null(),
      }),
      hashedMessage: new OctetString({ valueHex: Buffer.from(digest, 'hex') }),
    }),
    serialNumber: new Integer({ value: 5 }),
    genTime: time,
  });
  return authority.sign(Buffer.from(info.toSchema().toBER()));
}

/** A file that is there. */
export function fileOf(keys: ReadonlyMap<string, Buffer>, key: string): Buffer {
  const bytes = keys.get(key);
  if (bytes === undefined) throw new Error(`there is no ${key}`);
  return bytes;
}

async function night(
  store: Store,
  sequence: number,
  began: Date,
  { alterSlice = (each: Slice) => each, sample = special.sample }: NightsOptions,
): Promise<Draft> {
  const isBackfill = sequence === special.backfill;
  const kind = isBackfill ? 'backfill' : sequence === special.collect ? 'collect' : 'run';
  const slices = isBackfill
    ? [events(sequence, began, sample)]
    : [users(sequence, began), events(sequence, began, sample)];
  const altered = slices.map((each) => alterSlice(each, sequence));
  const answers = await StoredAnswers.open(store, await store.answersOf('code'));
  await answers.find('/orgs/acme');
  await answers.keep('/repos', { etag: `"${sequence >> 3}"`, body: body(sequence) });
  if (sequence % 8 === 1) await answers.keep('/orgs/acme', { etag: '"1"', body: body(0) });
  const index = await answers.write();
  const sealed = [];
  for (const each of altered) sealed.push(await store.writeSlice(each));
  const rows = kind === 'collect' ? null : rowsOf(altered, isBackfill);
  const counts = noCounts();
  for (const { status } of rows ?? []) counts[status] += 1;
  const finished = new Date(began.getTime() + 9_000).toISOString();
  const source = (id: string, use: string, calls: Manifest['sources'][number]['calls']) => ({
    id,
    use,
    identities: [{ subject: `${use}:tickmark`, account }],
    left_out: [],
    calls,
    requests: 3,
    endpoints: [`https://${use}.example:443`],
  });
  const connecting = (id: string) => store.writeCalls(id, [call(`${id}:WhoAmI`, sequence, began)]);
  return draft({
    kind,
    run: runId(sequence, began),
    started_at: began.toISOString(),
    finished_at: finished,
    controls: await Promise.all(
      Object.entries(controlFiles).map(async ([id, text]) => ({
        id,
        file: `builtin:soc2/${id}.yaml`,
        digest: await store.writeBytes(Buffer.from(text)),
      })),
    ),
    sources: [
      source('production', 'aws', await connecting('production')),
      {
        ...source('code', 'github', await connecting('code')),
        ...(index === undefined ? {} : { answers: index }),
      },
    ],
    waivers: await waivers(store),
    slices: sealed,
    results:
      rows === null
        ? null
        : { as_of: finished, counts, ...(await writeResults(store, sealed, rows, kind)) },
  });
}

function evaluation({ manifest, digest }: Bundle, sequence: number, began: Date): Draft {
  const { sequence: _s, previous: _p, signature: _k, timestamps: _t, ...rest } = manifest;
  return {
    ...rest,
    run: runId(sequence, began),
    kind: 'evaluate',
    evidence_of: { run: manifest.run, digest },
    started_at: began.toISOString(),
    finished_at: new Date(began.getTime() + 9_000).toISOString(),
  };
}

/** Two users drawn from all of them. */
async function drawing(store: Store, sequence: number, began: Date): Promise<Draft> {
  const seen = began.toISOString();
  const run = runId(sequence, began);
  const population = users(sequence, began).records.map(
    ({ uid, name }): PopulationItem => ({
      source: 'production',
      scope: account,
      uid,
      name,
      first_seen: seen,
      last_seen: seen,
      created: null,
      deleted: null,
      event_at: null,
      nights: { pass: 1, fail: 0, not_applicable: 0, waived: 0, error: 0 },
      first_run: run,
      last_run: run,
    }),
  );
  const asked = { seed: 'seed', size: 2, by: null };
  const { drawn } = draw(population, { ...asked, timezone: 'UTC' });
  return draft({
    kind: 'sample',
    run,
    started_at: began.toISOString(),
    finished_at: new Date(began.getTime() + 9_000).toISOString(),
    waivers: await waivers(store),
    sample: {
      ...asked,
      test: 'users-mfa',
      period: { start: '2026-01-01', end: '2026-01-31' },
      population: await store.writePlainLines(population, itemKey),
      items: await store.writePlainLines(drawn.map(lineOf), itemKey),
    },
  });
}

async function waivers(store: Store): Promise<Manifest['waivers']> {
  return { file: 'waivers.yaml', digest: await store.writeBytes(Buffer.from(waiversFile)) };
}

function runId(sequence: number, began: Date): string {
  const time = began.toISOString().replace(/[-:]|\.\d+/g, '');
  return `${time}-${sequence.toString(16).padStart(6, '0')}`;
}

/** One user in each night has changed since the one before. */
function users(sequence: number, began: Date): Slice {
  const records = Array.from({ length: usersPerNight }, (_, index): EvidenceRecord => {
    const name = `user-${String(index).padStart(2, '0')}`;
    const changed = Math.floor((sequence + usersPerNight - index) / usersPerNight);
    const fields = { arn: uidOf(name), mfa: index > 0, changed };
    return {
      uid: uidOf(name),
      name,
      fields,
      original: { UserName: name },
      calls: ['iam:ListUsers'],
    };
  });
  return {
    dataset: 'aws.iam.users',
    version: 1,
    source: 'production',
    scope: account,
    kind: 'snapshot',
    observed_at: new Date(began.getTime() + 1_000).toISOString(),
    outcome: 'complete',
    problems: [],
    tie_outs: [],
    records,
    calls: [call('iam:ListUsers', sequence, began)],
  };
}

function uidOf(name: string): string {
  return `arn:aws:iam::${account}:user/${name}`;
}

/** What happened since the night before. */
function events(sequence: number, began: Date, sample: number): Slice {
  const days = sequence === special.evaluate + 1 || sequence === sample + 1 ? 2 : 1;
  const end = new Date(Math.floor(began.getTime() / 1_000) * 1_000);
  const since = new Date(end.getTime() - sequence * dayMs);
  const name = `acme/api#${sequence}`;
  return {
    dataset: 'github.changes',
    version: 1,
    source: 'code',
    scope: 'acme',
    kind: 'events',
    observed_at: new Date(began.getTime() + 2_000).toISOString(),
    outcome: 'complete',
    problems: [],
    tie_outs: [],
    interval: {
      start: new Date(end.getTime() - days * dayMs).toISOString(),
      end: end.toISOString(),
      covered_since: since.toISOString(),
    },
    kept: { cursor: sequence },
    records: [
      {
        uid: `change-${String(sequence).padStart(3, '0')}`,
        name,
        fields: {
          approved: sequence % 5 > 0,
          merged_at: new Date(end.getTime() - 3_600_000).toISOString(),
        },
        original: { number: sequence },
        calls: ['github:pulls'],
      },
    ],
    calls: [{ ...call('github:pulls', sequence, began), confirmed: sha256(body(0)) }],
  };
}

function body(sequence: number): Buffer {
  return Buffer.from(JSON.stringify({ answer: sequence }));
}

function call(id: string, sequence: number, began: Date): Call {
  const [service = '', operation = ''] = id.split(':');
  return {
    id,
    service,
    operation,
    parameters: {},
    request_id: `request-${sequence}`,
    server_date: began.toUTCString(),
    status: 200,
    attempts: 1,
    started_at: began.toISOString(),
    finished_at: new Date(began.getTime() + 250).toISOString(),
    endpoint: `https://${service}.example:443`,
  };
}

function rowsOf(slices: readonly Slice[], isBackfill: boolean): Judged[] {
  const judged = slices.flatMap((slice) => {
    const isUsers = slice.dataset === 'aws.iam.users';
    return slice.records.map(
      ({ uid, name, fields }): Judged => ({
        run: '',
        dataset: slice.dataset,
        source: slice.source,
        about: 'resource',
        ...(isUsers ? {} : { event_at: String(fields.merged_at) }),
        control: isUsers ? 'AC-02' : 'CM-01',
        test: isUsers ? 'users-mfa' : 'changes-approved',
        resource: { uid, name, scope: slice.scope },
        status: (isUsers ? fields.mfa : fields.approved) ? 'pass' : 'fail',
        reason: 'as it was',
        observed: fields,
        observed_at: slice.observed_at,
      }),
    );
  });
  const shownByPeople: Judged = {
    run: '',
    dataset: '',
    source: '',
    about: 'test',
    control: 'PE-01',
    test: '',
    resource: { uid: 'PE-01', name: 'PE-01', scope: '' },
    status: 'not_tested',
    reason: 'a control that only people can show',
    observed: {},
    observed_at: null,
  };
  return isBackfill ? judged : [...judged, shownByPeople];
}

/** The least that a control file has to say. */
function controlFile(id: string, test?: string, dataset?: string, expect?: string): string {
  const tests =
    test === undefined
      ? 'tests: []'
      : `tests:
  - id: ${test}
    title: It holds
    over: ${dataset}
    as: each
    expect: ${expect}
    message: as it was
    remediation: Mend it.`;
  return `id: "${id}"
title: ${id}
statement: It is so.
criteria:
  soc2: ["CC6.1"]
category: security
owner: Somebody
frequency: daily
${tests}
`;
}
