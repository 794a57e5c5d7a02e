/** What shows that a population is all there was: the nights, their second counts, what was asked. */
import { canonicalJson, compareText } from '../evidence/json.ts';
import type { Call } from '../evidence/slice.ts';
import { spanOf } from '../period/calendar.ts';
import { tellsOf } from '../period/events.ts';
import { type Examined, isWithin } from '../period/examined.ts';
import { type Night, streamKey } from '../period/nights.ts';
import type { Population } from '../period/population.ts';
import type { Query, TieOuts } from '../report/model.ts';
import type { SealedSlice } from '../seal/manifest.ts';
import type { Backend } from '../store/backend.ts';
import { type Chunk, readLines } from '../store/chunks.ts';
import { readChunks } from '../store/lists.ts';
import type { Store } from '../store/store.ts';

/** A night whose evidence the population was put together from. */
export interface PopulationNight {
  run: string;
  sequence: number;
  digest: string;
  kind: 'run' | 'collect' | 'backfill';
  started_at: string;
  /** Every slice of the dataset was. */
  complete: boolean;
  /** In all of them. */
  records: number;
}

export interface PopulationEvidence {
  tie_outs: TieOuts[];
  queries: Query[];
  nights: PopulationNight[];
}

/** A night with its slices of the population's dataset that tell of the period. */
export interface Told {
  night: Night;
  slices: readonly SealedSlice[];
}

/** Why a population is not known to be all there was, a sentence for each reason. */
export function whyIncomplete(
  { period, through, coverage, gaps }: Omit<Population, 'items'>,
  { problems }: Pick<Examined, 'problems'>,
): string[] {
  const { expected, complete } = coverage;
  return [
    ...problems,
    ...(expected === 0 ? ['nothing was to be collected in the period yet'] : []),
    ...(complete < expected
      ? [`${complete} of ${expected} occurrences have complete evidence`]
      : []),
    ...gaps.map(({ from, to, why, scopes }) => {
      const days = from === to ? from : `${from} to ${to}`;
      return `${days}${scopes.length === 0 ? '' : ` (${scopes.join(', ')})`}: ${why}`;
    }),
    ...(Date.parse(through) < spanOf(period).end
      ? [`the period lasts until ${period.end}, and this reaches up to ${through}`]
      : []),
  ];
}

/** @throws TickmarkError IntegrityBroken */
export async function evidenceOf(
  { dataset }: Pick<Population, 'dataset'>,
  examined: Examined,
  { backend }: Store,
): Promise<PopulationEvidence> {
  const told = toldOf(dataset, examined);
  return {
    tie_outs: tieOutsOf(told.flatMap(({ slices }) => slices)),
    queries: await queriesOf(told, backend),
    nights: told.map(nightOf),
  };
}

/** The slices of a dataset that tell of the period, in the order of time. */
export function toldOf(dataset: string, examined: Examined): Told[] {
  return examined.nights.flatMap((night): Told[] => {
    const slices = [...night.slices.values()]
      .flat()
      .filter((slice) => slice.dataset === dataset && tells(slice, night, examined));
    return slices.length === 0 ? [] : [{ night, slices }];
  });
}

/** Whether a slice tells of the period: state when it was looked at, events when they happened. */
function tells(slice: SealedSlice, night: Night, examined: Examined): boolean {
  if (slice.interval === undefined) return isWithin(night, examined);
  return tellsOf(slice, { start: examined.start, end: examined.through });
}

function nightOf({ night, slices }: Told): PopulationNight {
  const { manifest, digest } = night.bundle;
  return {
    run: manifest.run,
    sequence: manifest.sequence,
    digest,
    kind: manifest.kind as PopulationNight['kind'],
    started_at: manifest.started_at,
    complete: slices.every(({ outcome }) => outcome === 'complete'),
    records: slices.reduce((sum, { records }) => sum + records.count, 0),
  };
}

function tieOutsOf(slices: readonly SealedSlice[]): TieOuts[] {
  const found = new Map<string, TieOuts>();
  for (const slice of slices) {
    const { source, scope, tie_outs } = slice;
    const key = streamKey(slice);
    const of = found.get(key) ?? { source, scope, slices: 0, counted: 0, matched: 0, by: [] };
    found.set(key, of);
    const matches = tie_outs.filter(({ expected, found: own }) => expected === own);
    of.slices += 1;
    if (tie_outs.length > 0) of.counted += 1;
    if (tie_outs.length > 0 && matches.length === tie_outs.length) of.matched += 1;
    for (const { by, expected, found: own } of tie_outs) {
      const known = of.by.find((each) => each.by === by) ?? { by, slices: 0, matched: 0 };
      if (known.slices === 0) of.by.push(known);
      known.slices += 1;
      if (expected === own) known.matched += 1;
    }
  }
  return [...found.values()].sort(bySourceAndScope);
}

function bySourceAndScope(
  a: { source: string; scope: string },
  b: { source: string; scope: string },
): number {
  return compareText(a.source, b.source) || compareText(a.scope, b.scope);
}

/** Nights one after the other, by their places. */
type Stretch = [from: number, to: number];

/** A question as a trace keeps it: without what the calls of a night left behind. */
type Question = Pick<Call, 'id' | 'service' | 'operation' | 'region' | 'parameters' | 'page'>;

/**
 * What was asked, each question once. Nights share the chunks of their traces: each is read once,
 * whatever the number of nights that hold it.
 */
async function queriesOf(told: readonly Told[], backend: Backend): Promise<Query[]> {
  const found = new Map<
    string,
    { query: Omit<Query, 'nights' | 'from' | 'to'>; places: Stretch[] }
  >();
  for (const { source, scope, chunks } of (await chunksOf(told, backend)).values()) {
    const named = [...chunks.values()];
    let at = 0;
    for await (const lines of readLines(
      backend,
      named.map(({ chunk }) => chunk),
    )) {
      const { places } = named[at] as { places: Stretch[] };
      at += 1;
      for (const question of lines as readonly Question[]) {
        const { service, operation, region, parameters, page = 1 } = question;
        const name = page === 1 ? question.id : question.id.replace(/ page \d+$/, '');
        const key = canonicalJson([source, scope, name]);
        const of = {
          source,
          scope,
          service,
          operation,
          ...(region === undefined ? {} : { region }),
        };
        const known = found.get(key) ?? { query: { ...of, parameters, pages: page }, places: [] };
        found.set(key, known);
        // Of the first page: the others have the token of the page before among theirs.
        if (page === 1) known.query.parameters = parameters;
        known.query.pages = Math.max(known.query.pages, page);
        known.places.push(...places);
      }
    }
  }
  return [...found]
    .sort(([a], [b]) => compareText(a, b))
    .map(([, { query, places }]) => {
      const stretches = joined(places);
      const startOf = (place = 0) => told[place]?.night.bundle.manifest.started_at ?? '';
      return {
        ...query,
        nights: stretches.reduce((sum, [from, to]) => sum + to - from + 1, 0),
        from: startOf(stretches[0]?.[0]),
        to: startOf(stretches.at(-1)?.[1]),
      };
    });
}

interface ScopeChunks {
  source: string;
  scope: string;
  chunks: Map<string, { chunk: Chunk; places: Stretch[] }>;
}

/** The chunks of each scope's traces, with the nights that have them. */
async function chunksOf(
  told: readonly Told[],
  backend: Backend,
): Promise<Map<string, ScopeChunks>> {
  const lists = new Map<string, { slice: SealedSlice; places: Stretch[] }>();
  told.forEach(({ slices }, place) => {
    for (const slice of slices) {
      const key = canonicalJson([slice.source, slice.scope, slice.calls.digest]);
      const known = lists.get(key) ?? { slice, places: [] };
      lists.set(key, known);
      addStretch(known.places, [place, place]);
    }
  });
  const scopes = new Map<string, ScopeChunks>();
  for (const { slice, places } of lists.values()) {
    const { source, scope, calls } = slice;
    const key = streamKey(slice);
    const of = scopes.get(key) ?? { source, scope, chunks: new Map() };
    scopes.set(key, of);
    for (const chunk of await readChunks(backend, calls)) {
      const known = of.chunks.get(chunk.digest) ?? { chunk, places: [] };
      of.chunks.set(chunk.digest, known);
      for (const each of places) addStretch(known.places, each);
    }
  }
  return scopes;
}

/** Mostly they come one after the other, and stay one. */
function addStretch(stretches: Stretch[], [from, to]: Stretch): void {
  const last = stretches.at(-1);
  if (last !== undefined && from >= last[0] && from <= last[1] + 1) {
    last[1] = Math.max(last[1], to);
  } else stretches.push([from, to]);
}

/** In order; those that overlap or touch are one. */
function joined(stretches: readonly Stretch[]): Stretch[] {
  const found: Stretch[] = [];
  for (const each of [...stretches].sort(([a], [b]) => a - b)) addStretch(found, each);
  return found;
}
