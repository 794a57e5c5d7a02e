/** Histories of a store as a period reads them, from a few words a night. */
import { createHash } from 'node:crypto';
import type { Control } from '../../src/controls/schema.ts';
import type { StatusLine } from '../../src/evidence/result.ts';
import type { History, SealedBundle, StatusChunk } from '../../src/period/history.ts';
import type { Manifest, SealedSlice } from '../../src/seal/manifest.ts';

/** What came out for a resource, by test. */
export type Statuses = StatusLine['statuses'];

/** A slice as one night saw it. */
export interface SeenSlice {
  source?: string;
  scope?: string;
  dataset?: string;
  outcome?: SealedSlice['outcome'];
  /** By uid. A slice that is not complete has a row for itself, as evaluation gives it. */
  resources?: Record<string, Statuses>;
  /** Of events: which stretch of time. */
  interval?: { start: string; end: string };
  /** By uid. */
  at?: Record<string, string | null>;
  problem?: { code: SealedSlice['problems'][number]['code']; message: string };
}

export interface SeenNight {
  /** When it began: `2026-01-31` stands for 02:00 UTC on that day. */
  at: string;
  slices: SeenSlice[];
  kind?: Manifest['kind'];
  clock?: Manifest['clock'];
  answers?: Manifest['answers'];
  /** The controls that judged it; null: nothing did. */
  controls?: readonly Control[] | null;
  parameters?: Manifest['parameters'];
  sources?: string[];
  sequence?: number;
  evidenceOf?: SealedBundle;
  waivers?: Manifest['waivers'];
}

export function control(over: Partial<Control> & { tests: Control['tests'] }): Control {
  return {
    id: 'AC-01',
    title: 'Access',
    statement: 'Access is kept.',
    criteria: { soc2: ['CC6.1'] },
    category: 'security',
    owner: 'Somebody',
    frequency: 'daily',
    remediation_days: { critical: 7, high: 30, medium: 60, low: 90 },
    ...over,
  };
}

export function test(id: string, over = 'aws.iam.users'): Control['tests'][number] {
  return {
    id,
    title: `Test ${id}`,
    over,
    as: 'it',
    expect: 'true',
    lookups: {},
    parameters: {},
    message: 'so it is',
    remediation: 'Mend it.',
    severity: 'medium',
    cases: [],
  };
}

/** A bundle of one night; its sequence is counted by the caller. */
export function sealedNight(night: SeenNight, sequence: number): SealedBundle {
  const { at, kind = 'run', controls = null, parameters = {}, evidenceOf } = night;
  const started = at.length === 10 ? `${at}T02:00:00.000Z` : at;
  const finished = new Date(Date.parse(started) + 60_000).toISOString();
  const slices = evidenceOf?.manifest.slices ?? night.slices.map((each) => sliceOf(each, started));
  const digest = sha(`bundle ${sequence} ${started} ${kind}`);
  const manifest: Manifest = {
    format: 'tickmark-bundle/1',
    run: `${started.replace(/[-:]|\.\d+/g, '')}-${digest.slice(0, 6)}`,
    sequence,
    previous: null,
    signature: null,
    timestamps: { authorities: [], tokens: [], missing: [] },
    kind,
    evidence_of:
      evidenceOf === undefined ? null : { run: evidenceOf.manifest.run, digest: evidenceOf.digest },
    started_at: started,
    finished_at: finished,
    clock: night.clock ?? 'system',
    answers: night.answers ?? 'live',
    tool: { name: 'tickmark', version: '0.1.0', commit: null },
    operator: { ci: 'https://ci.example/1' },
    organization: 'Acme, Inc.',
    timezone: 'UTC',
    configuration: sha('configuration'),
    parameters,
    controls: (controls ?? []).map((each) => ({
      id: each.id,
      file: `${each.id}.yaml`,
      digest: digestOf(each),
    })),
    waivers: night.waivers ?? null,
    sources: (night.sources ?? [...new Set(slices.map(({ source }) => source))]).map((id) => ({
      id,
      use: 'aws',
      identities: [],
      left_out: [],
      calls: { ...noLines, receipts: null },
      requests: 0,
      endpoints: [],
    })),
    slices,
    results: null,
  };
  return { manifest, digest, statuses: controls === null ? null : [statusesOf(night, controls)] };
}

/** A history of nights in the order in which they were sealed. */
export function historyOf(nights: readonly SeenNight[], over: Partial<History> = {}): History {
  const bundles = nights.map((night, index) => sealedNight(night, night.sequence ?? index + 1));
  return {
    ...historyOfBundles(
      bundles,
      nights.flatMap(({ controls }) => controls ?? []),
    ),
    ...over,
  };
}

export function historyOfBundles(
  bundles: readonly SealedBundle[],
  controls: readonly Control[],
): History {
  return {
    bundles: bundles.map((bundle) => {
      const { manifest } = bundle;
      const before = bundles.find((each) => each.manifest.sequence === manifest.sequence - 1);
      return { ...bundle, manifest: { ...manifest, previous: before?.digest ?? null } };
    }),
    controls: new Map(controls.map((each) => [digestOf(each), each])),
    waivers: new Map(),
    reachDays: new Map(),
  };
}

const noLines = { count: 0, digest: sha(''), chunks: null };

function sliceOf(
  {
    source = 'production',
    scope = '123456789012',
    dataset = 'aws.iam.users',
    outcome = 'complete',
    interval,
    problem = { code: 'Throttled', message: 'asked too often' },
  }: SeenSlice,
  started: string,
): SealedSlice {
  return {
    dataset,
    version: 1,
    source,
    scope,
    kind: interval === undefined ? 'snapshot' : 'events',
    observed_at: started,
    outcome,
    problems: outcome === 'complete' ? [] : [{ ...problem, severity: 'error' }],
    tie_outs: [],
    ...(interval === undefined ? {} : { interval: { ...interval, covered_since: interval.start } }),
    records: noLines,
    calls: { ...noLines, receipts: null },
  };
}

/** As evaluation and the store write them: by resource, sorted, cut where the keys say. */
function statusesOf({ slices }: SeenNight, controls: readonly Control[]): StatusChunk[] {
  const tests = controls.flatMap(({ tests: all }) => all);
  const lines = slices.flatMap((seen): StatusLine[] => {
    const { source = 'production', scope = '123456789012', dataset = 'aws.iam.users' } = seen;
    const of = { source, dataset, scope };
    const own = tests.filter(({ over }) => over === dataset).map(({ id }) => id);
    const resources = Object.entries(seen.resources ?? {}).map(([uid, statuses]): StatusLine => {
      const kept = Object.entries(statuses).filter(([id]) => own.includes(id));
      const event_at = seen.at?.[uid];
      return {
        ...of,
        uid,
        name: uid,
        ...(event_at === undefined ? {} : { event_at }),
        statuses: Object.fromEntries(kept),
      };
    });
    const isComplete = (seen.outcome ?? 'complete') === 'complete';
    const whole: StatusLine = {
      ...of,
      uid: `${source}/${scope}/${dataset}`,
      name: scope,
      about: 'slice',
      statuses: Object.fromEntries(own.map((id) => [id, 'error'])),
    };
    return [...resources, ...(isComplete || own.length === 0 ? [] : [whole])];
  });
  const sorted = lines
    .filter(({ statuses }) => Object.keys(statuses).length > 0)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const chunks: StatusChunk[] = [];
  let pending: StatusLine[] = [];
  const flush = () => {
    if (pending.length > 0) chunks.push({ digest: sha(JSON.stringify(pending)), lines: pending });
    pending = [];
  };
  for (const line of sorted) {
    pending.push(line);
    if (Number.parseInt(sha(keyOf(line)).slice(0, 2), 16) % 2 === 0) flush();
  }
  flush();
  return chunks;
}

function keyOf({ source, dataset, scope, uid }: StatusLine): string {
  return JSON.stringify([source, dataset, scope, uid]);
}

function digestOf(each: Control): string {
  return sha(JSON.stringify(each));
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
