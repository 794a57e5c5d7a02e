/**
 * The nights of a store, in the order of time: which bundles count, what each saw of every scope,
 * and which tests judged it. Pure.
 */
import type { Control } from '../controls/schema.ts';
import { dayIn } from '../evidence/days.ts';
import type { StatusLine } from '../evidence/result.ts';
import type { Manifest, SealedSlice } from '../seal/manifest.ts';
import type { History, SealedBundle, StatusGroup } from './history.ts';

/** A test as one night's control file had it. */
interface NightTest {
  control: Control;
  test: Control['tests'][number];
}

/** Tests by their id, and their ids by the dataset that they are over. */
interface Tests {
  tests: ReadonlyMap<string, NightTest>;
  judged: ReadonlyMap<string, readonly string[]>;
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
  /** What judged it, with its tests; where several have a test, the first of them judged it. */
  judgements: readonly { bundle: SealedBundle; tests: Tests['tests'] }[];
  /** Tests that judged it, by id. Empty where nothing did yet. */
  tests: Tests['tests'];
  /** Ids of these tests, by the dataset that they are over: of others the statuses say nothing. */
  judged: Tests['judged'];
  chunks: readonly StatusGroup[];
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
  const testsIn = readTests(controls);
  const nights = dated
    .filter((bundle) => consistent.has(bundle))
    .map((bundle) => nightOf(bundle, judgements.get(bundle.digest) ?? [], testsIn, timezone))
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
  judging: readonly SealedBundle[],
  testsIn: (judgement: SealedBundle) => Tests,
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
  const judgements: { bundle: SealedBundle; tests: Tests['tests'] }[] = [];
  let all = noTests;
  let chunks: readonly StatusGroup[] = [];
  for (const judgement of judging) {
    const own = testsIn(judgement);
    const judged = [...own.tests.values()].filter(
      ({ test }) => (isState || collected.has(test.over)) && !all.tests.has(test.id),
    );
    if (judged.length === 0) continue;
    const isFirst = judgements.length === 0;
    // Most nights are judged once, by all tests: these stay the same object.
    const isAll = isFirst && judged.length === own.tests.size;
    all = isAll ? own : testsOf([...all.tests.values(), ...judged]);
    chunks = isFirst
      ? (judgement.statuses ?? [])
      : [...chunks, onlyOf(judgement, new Set(judged.map(({ test }) => test.id)))];
    judgements.push({ bundle: judgement, tests: own.tests });
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
    judgements,
    ...all,
    chunks,
  };
}

const noTests = testsOf([]);

/** Tests of a judgement's control files: the same object for each with the same files. */
function readTests(controls: History['controls']): (judgement: SealedBundle) => Tests {
  const known = new Map<string, Tests>();
  return ({ manifest }) => {
    const files = manifest.controls.map(({ digest }) => digest).join();
    const tests =
      known.get(files) ??
      testsOf(
        manifest.controls.flatMap(({ digest }) => {
          const control = controls.get(digest);
          return control === undefined ? [] : control.tests.map((test) => ({ control, test }));
        }),
      );
    known.set(files, tests);
    return tests;
  };
}

function testsOf(all: readonly NightTest[]): Tests {
  const tests = new Map(all.map((each) => [each.test.id, each]));
  const judged = new Map<string, string[]>();
  for (const { test } of tests.values()) {
    const known = judged.get(test.over);
    if (known === undefined) judged.set(test.over, [test.id]);
    else known.push(test.id);
  }
  return { tests, judged };
}

/** The part of a judgement that tells of these tests. */
function onlyOf({ digest, statuses }: SealedBundle, tests: ReadonlySet<string>): StatusGroup {
  const lines = (statuses ?? []).flat().flatMap((chunk) =>
    chunk.lines.flatMap((line) => {
      const own = Object.entries(line.statuses).filter(([test]) => tests.has(test));
      return own.length === 0 ? [] : [{ ...line, statuses: Object.fromEntries(own) }];
    }),
  );
  return [{ digest: `${digest} ${[...tests].join(' ')}`, lines }];
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
