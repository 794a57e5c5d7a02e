/** Finds the bundle that somebody means: by a run's id, by a day, by a moment. */
import { holdsEventsOnly } from '../evaluate/judge.ts';
import { dayIn } from '../evidence/days.ts';
import { TickmarkError } from '../evidence/errors.ts';
import type { Bundle, Manifest } from '../seal/manifest.ts';
import type { Store } from '../store/store.ts';

/** Which results are asked for; neither: the latest. */
export interface Which {
  /** A run's id, or the beginning of it. */
  run?: string;
  /** A day (`2026-01-31`) of the organisation, or a moment (RFC 3339). */
  at?: string;
}

/** @throws TickmarkError NotFound, and says what there is instead */
export async function bundleWithResults(store: Store, { run, at }: Which): Promise<Bundle> {
  if (at !== undefined) return bundleAt(store, at);
  if (run !== undefined) {
    const bundle = await store.bundleOf(run);
    if (bundle.manifest.results !== null) return bundle;
    throw new TickmarkError('NotFound', withoutResults(bundle.manifest));
  }
  for await (const bundle of store.bundles()) {
    if (bundle.manifest.results !== null) return bundle;
  }
  throw new TickmarkError(
    'NotFound',
    `${store.backend.location} holds no results yet; tickmark run makes some`,
  );
}

function withoutResults({ run, kind }: Manifest): string {
  if (kind === 'keys' || kind === 'sample') return `bundle ${run} holds no evidence and no results`;
  return `run ${run} was only collected; tickmark evaluate --run ${run} judges it`;
}

/** A night that was judged. */
interface Night {
  bundle: Bundle;
  /** When it began, in milliseconds. */
  time: number;
  day: string;
}

/** The last night of a day, or the last one that began up to a moment. */
async function bundleAt(store: Store, at: string): Promise<Bundle> {
  const isDay = at.length === 10;
  const end = Date.parse(at);
  let found: Night | undefined;
  let before: Night | undefined;
  let after: Night | undefined;
  for await (const bundle of store.bundles()) {
    const night = judgedNight(bundle);
    if (night === undefined) continue;
    const isLater = isDay ? night.day > at : night.time > end;
    // Newest bundles come first: of two judgements of one night the first stands.
    if (isLater) after = earlier(after, night);
    else if (!isDay || night.day === at) found = later(found, night);
    else before = later(before, night);
    // What judged that night again lies behind it in the store, and was seen already.
    const isPast = isDay ? night.day < at : night.time <= end;
    if (isPast && bundle.manifest.kind === 'run') break;
  }
  if (found !== undefined) return found.bundle;
  const { location } = store.backend;
  const nearest = [
    ...(before === undefined ? [] : [`before it ${nameOf(before)}`]),
    ...(after === undefined ? [] : [`after it ${nameOf(after)}`]),
  ];
  const instead =
    nearest.length === 0
      ? 'it holds no results yet; tickmark run makes some'
      : `there are ${nearest.join(' and ')}`;
  const when = isDay ? `of ${at}` : `up to ${at}`;
  throw new TickmarkError('NotFound', `${location} holds no judged run ${when}; ${instead}`);
}

/** Undefined for what holds no results, or only those of events of before. */
function judgedNight(bundle: Bundle): Night | undefined {
  const { manifest } = bundle;
  const { kind, results, slices, evidence_of, timezone } = manifest;
  if (results === null) return undefined;
  if (kind !== 'run' && (kind !== 'evaluate' || holdsEventsOnly(slices))) return undefined;
  const time = evidence_of === null ? Date.parse(manifest.started_at) : timeOf(evidence_of.run);
  return { bundle, time, day: dayIn(new Date(time), timezone) };
}

/** A run's id begins with the time at which it started. */
function timeOf(run: string): number {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(run) ?? [];
  const [year = 0, month = 1, day, hour, minute, second] = parts.map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function later(a: Night | undefined, b: Night): Night {
  return a === undefined || b.time >= a.time ? b : a;
}

function earlier(a: Night | undefined, b: Night): Night {
  return a === undefined || b.time <= a.time ? b : a;
}

function nameOf({ bundle, day }: Night): string {
  return `${day} (run ${bundle.manifest.run})`;
}
