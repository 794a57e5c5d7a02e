/**
 * The nights of a store, in the order of time: which bundles count, what each saw of every scope,
 * and which tests judged it. Pure.
 */
import type { Control } from '../controls/schema.ts';
import { dayIn } from '../evidence/days.ts';
import type { StatusLine } from '../evidence/result.ts';
import type { Manifest, SealedSlice } from '../seal/manifest.ts';
import type { History, SealedBundle, StatusChunk } from './history.ts';

/** A test as one night's control file had it, and the bundle by which it judged the night. */
export interface NightTest {
  control: Control;
  test: Control['tests'][number];
  judgement: SealedBundle;
}

/** A bundle that holds evidence, with all that judged it. */
export interface Night {
  bundle: SealedBundle;
  /** Milliseconds since 1970 UTC. */
  startedAt: number;
  /** The organisation's day that it began on. */
  day: string;
  /** Whether state was asked for; a backfill tells of events only. */
  isState: boolean;
  /** Ids of the sources that were asked. */
  sources: ReadonlySet<string>;
  /** By `streamKey`; of events there may be several. */
  slices: ReadonlyMap<string, readonly SealedSlice[]>;
  /** Tests that judged it, by id. Empty where nothing did yet. */
  tests: ReadonlyMap<string, NightTest>;
  /** Ids of these tests, by the dataset that they are over: of others the statuses say nothing. */
  judged: ReadonlyMap<string, readonly string[]>;
  chunks: readonly StatusChunk[];
}

/** A bundle that nothing is taken from. */
export interface LeftOut {
  run: string;
  sequence: number;
  reason: string;
}

export interface Nights {
  /** By the time of their beginning. */
  nights: Night[];
  left_out: LeftOut[];
  /** Days of nights that are left out since their clocks contradict others: what they saw is not known. */
  doubtful: ReadonlySet<string>;
  /** Every night ran on a simulated clock, or on recorded answers. */
  simulated: boolean;
  /** Why nothing can be concluded: bundles that are not there, or not the ones that others name. */
  problems: string[];
}

/** Clocks of two machines may differ by this much. */
const toleranceMs = 5 * 60_000;

/** One dataset in one scope of one source: what is seen again and again. */
export function streamKey({
  source,
  scope,
  dataset,
}: Pick<StatusLine, 'source' | 'scope' | 'dataset'>): string {
  return `${source}\n${scope}\n${dataset}`;
}

/** @param now nothing can have been seen after it. */
export function nightsOf(
  { bundles, controls }: Pick<History, 'bundles' | 'controls'>,
  timezone: string,
  now: Date,
): Nights {
  const inOrder = [...bundles].sort((a, b) => a.manifest.sequence - b.manifest.sequence);
  const holding = inOrder.filter(({ manifest }) => holdsEvidence(manifest));
  const simulated = holding.length > 0 && !holding.some(({ manifest }) => isReal(manifest));
  const left_out: LeftOut[] = [];
  const leaveOut = ({ manifest }: SealedBundle, reason: string) =>
    left_out.push({ run: manifest.run, sequence: manifest.sequence, reason });
  const dated = holding.filter((bundle) => {
    if (!simulated && !isReal(bundle.manifest)) {
      leaveOut(bundle, 'simulated or replayed, beside nights that were not');
      return false;
    }
    if (finishedAt(bundle) <= now.getTime() + toleranceMs) return true;
    leaveOut(bundle, 'dated in the future: its clock was ahead');
    return false;
  });
  const consistent = longestInTime(dated);
  const doubtful = new Set<string>();
  for (const bundle of dated) {
    if (consistent.has(bundle)) continue;
    doubtful.add(dayIn(new Date(bundle.manifest.started_at), timezone));
    leaveOut(bundle, 'its clock contradicts those of the bundles sealed before and after it');
  }
  const judgements = judgementsOf(inOrder);
  const nights = dated
    .filter((bundle) => consistent.has(bundle))
    .map((bundle) => nightOf(bundle, judgements.get(bundle.digest) ?? [], controls, timezone))
    .sort(
      (a, b) =>
        a.startedAt - b.startedAt || a.bundle.manifest.sequence - b.bundle.manifest.sequence,
    );
  return { nights, left_out, doubtful, simulated, problems: problemsOf(inOrder) };
}

/** Evidence of its own: an `evaluate` has that of another. */
export function holdsEvidence({ kind }: Manifest): boolean {
  return kind === 'run' || kind === 'collect' || kind === 'backfill';
}

export function isReal({ clock, answers }: Manifest): boolean {
  return clock === 'system' && answers === 'live';
}

function finishedAt({ manifest }: SealedBundle): number {
  return Date.parse(manifest.finished_at);
}

/** What judged a bundle's evidence, by its digest, first things first. */
function judgementsOf(inOrder: readonly SealedBundle[]): Map<string, SealedBundle[]> {
  const judgements = new Map<string, SealedBundle[]>();
  for (const bundle of inOrder) {
    const { manifest, digest, statuses } = bundle;
    if (statuses === null) continue;
    const of = manifest.evidence_of?.digest ?? digest;
    judgements.set(of, [...(judgements.get(of) ?? []), bundle]);
  }
  return judgements;
}

/**
 * A night with what came out. Where it was judged again, the first judgement of each test stands:
 * evidence is not judged anew until it suits.
 */
function nightOf(
  bundle: SealedBundle,
  judgements: readonly SealedBundle[],
  controls: History['controls'],
  timezone: string,
): Night {
  const { manifest } = bundle;
  const startedAt = Date.parse(manifest.started_at);
  const isState = manifest.slices.some(({ kind }) => kind === 'snapshot');
  const slices = new Map<string, SealedSlice[]>();
  for (const slice of manifest.slices) {
    const key = streamKey(slice);
    const known = slices.get(key);
    if (known === undefined) slices.set(key, [slice]);
    else known.push(slice);
  }
  const collected = new Set(manifest.slices.map(({ dataset }) => dataset));
  const tests = new Map<string, NightTest>();
  let chunks: readonly StatusChunk[] = [];
  for (const judgement of judgements) {
    const judged = testsOf(judgement, controls).filter(
      ({ test }) => (isState || collected.has(test.over)) && !tests.has(test.id),
    );
    if (judged.length === 0) continue;
    const isFirst = tests.size === 0;
    for (const each of judged) tests.set(each.test.id, each);
    chunks = isFirst
      ? (judgement.statuses ?? [])
      : [...chunks, onlyOf(judgement, new Set(judged.map(({ test }) => test.id)))];
  }
  return {
    bundle,
    startedAt,
    day: dayIn(new Date(startedAt), timezone),
    isState,
    sources: new Set([
      ...manifest.sources.map(({ id }) => id),
      ...manifest.slices.map(({ source }) => source),
    ]),
    slices,
    tests,
    judged: byDataset(tests.values()),
    chunks,
  };
}

function byDataset(tests: Iterable<NightTest>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { test } of tests) {
    const known = found.get(test.over);
    if (known === undefined) found.set(test.over, [test.id]);
    else known.push(test.id);
  }
  return found;
}

function testsOf(judgement: SealedBundle, controls: History['controls']): NightTest[] {
  return judgement.manifest.controls.flatMap(({ digest }) => {
    const control = controls.get(digest);
    return control === undefined ? [] : control.tests.map((test) => ({ control, test, judgement }));
  });
}

/** The part of a judgement that tells of these tests. */
function onlyOf({ digest, statuses }: SealedBundle, tests: ReadonlySet<string>): StatusChunk {
  const lines = (statuses ?? []).flatMap((chunk) =>
    chunk.lines.flatMap((line) => {
      const own = Object.entries(line.statuses).filter(([test]) => tests.has(test));
      return own.length === 0 ? [] : [{ ...line, statuses: Object.fromEntries(own) }];
    }),
  );
  return { digest: `${digest} ${[...tests].join(' ')}`, lines };
}

/**
 * The most bundles whose times agree with the order that they were sealed in: one clock that was
 * wrong for a night does not cast doubt on all the others.
 */
function longestInTime(bundles: readonly SealedBundle[]): Set<SealedBundle> {
  const times = bundles.map(finishedAt);
  const isBefore = (a: number, b: number) =>
    (times[a] as number) <= (times[b] as number) + toleranceMs;
  if (times.every((_time, index) => index === 0 || isBefore(index - 1, index))) {
    return new Set(bundles);
  }
  const length: number[] = [];
  const before: (number | undefined)[] = [];
  for (let index = 0; index < bundles.length; index += 1) {
    let best: number | undefined;
    for (let other = 0; other < index; other += 1) {
      const isLonger = best === undefined || (length[other] as number) > (length[best] as number);
      if (isLonger && isBefore(other, index)) best = other;
    }
    before.push(best);
    length.push(best === undefined ? 1 : (length[best] as number) + 1);
  }
  const found = new Set<SealedBundle>();
  let last: number | undefined = length.indexOf(Math.max(...length));
  while (last !== undefined && last >= 0) {
    found.add(bundles[last] as SealedBundle);
    last = before[last];
  }
  return found;
}

/** Bundles are numbered from 1, without a hole, and each names the one before by its digest. */
function problemsOf(inOrder: readonly SealedBundle[]): string[] {
  const problems: string[] = [];
  let before: SealedBundle | undefined;
  for (const bundle of inOrder) {
    const { sequence, previous } = bundle.manifest;
    const next = (before?.manifest.sequence ?? 0) + 1;
    if (sequence > next) {
      const last = sequence - 1;
      problems.push(
        last === next
          ? `bundle ${next} is missing from the store`
          : `bundles ${next} to ${last} are missing from the store`,
      );
    } else if (sequence < next || previous !== (before?.digest ?? null)) {
      problems.push(`bundle ${next - 1} is not the one that bundle ${sequence} was sealed behind`);
    }
    before = bundle;
  }
  return problems;
}
