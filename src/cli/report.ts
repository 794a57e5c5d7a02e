/** Makes of a store what reports of a period are made from. */
import type { Control, TestDefinition } from '../controls/schema.ts';
import { dayIn } from '../evidence/days.ts';
import { compareText } from '../evidence/json.ts';
import type { ShownOf } from '../evidence/slice.ts';
import { judgingFile } from '../period/changes.ts';
import { tellsOf } from '../period/events.ts';
import { type Examined, isWithin, prepare } from '../period/examined.ts';
import { type Night, streamKey } from '../period/nights.ts';
import { reportOn } from '../period/period.ts';
import { type FollowedItem, followItems } from '../period/population.ts';
import type { PeriodReport, TestReport } from '../period/report.ts';
import type { DrawnLine } from '../period/sample.ts';
import type {
  RecordHistory,
  Report,
  ReportControl,
  ReportDetails,
  ReportFile,
  ReportItem,
  ReportNight,
  ReportPopulation,
  ReportSample,
  ReportSource,
  ReportTest,
  Stretch,
} from '../report/model.ts';
import type { Bundle, Manifest, SealedSlice } from '../seal/manifest.ts';
import { tokenKey } from '../seal/manifest.ts';
import { readList } from '../store/lists.ts';
import { recordHistories, type SeenSlice } from '../store/record-histories.ts';
import { ChunkReader } from '../store/search.ts';
import type { Store } from '../store/store.ts';
import { packageCommit, packageVersion } from './package.ts';
import { assertBundles, controlIn, type OpenPeriod } from './period.ts';
import { evidenceOf, toldOf, whyIncomplete } from './population-evidence.ts';
import { resultOf } from './sample-evidence.ts';

export interface OpenReport {
  report: Report;
  details: ReportDetails;
}

/**
 * @param control of this one only.
 * @throws TickmarkError NotFound where there is no bundle, or no such control; IntegrityBroken
 */
export async function openReport(opened: OpenPeriod, control?: string): Promise<OpenReport> {
  assertBundles(opened);
  const { history, request, store } = opened;
  const examined = prepare(history, request);
  const whole = reportOn(examined);
  const period =
    control === undefined ? whole : { ...whole, controls: [controlIn(whole, control)] };
  const inPeriod = examined.nights.filter(
    (night) => isWithin(night, examined) || isTold(night, examined),
  );
  const nights = await nightsOf(inPeriod, store, examined.period.timezone);
  const marked = (is: (night: ReportNight) => boolean) => nights.filter(is).length;
  const inOrder = [...history.bundles].sort((a, b) => a.manifest.sequence - b.manifest.sequence);
  const head = inOrder.at(-1);
  const report: Report = {
    format: 'tickmark-report/1',
    tool: { version: packageVersion(), commit: packageCommit() },
    period,
    marks: {
      unsigned: marked(({ signed }) => !signed),
      unstamped: marked(({ stamped }) => !stamped),
      simulated: marked(({ simulated }) => simulated),
      replayed: marked(({ replayed }) => replayed),
    },
    redaction: null,
    head: head === undefined ? null : { sequence: head.manifest.sequence, digest: head.digest },
    nights,
    sources: sourcesOf(inPeriod),
    controls: period.controls.map(({ id }) => controlOf(id, period, examined)),
    samples: await samplesOf(inOrder, period, store),
  };
  return { report, details: detailsOf(examined, store) };
}

/** Whether a night that began outside the period holds events of it. */
function isTold(night: Night, { start, through }: Examined): boolean {
  return [...night.slices.values()].flat().some((slice) => tellsOf(slice, { start, end: through }));
}

async function nightsOf(
  nights: readonly Night[],
  { backend }: Store,
  timezone: string,
): Promise<ReportNight[]> {
  const seals = new Set(await backend.list('seals'));
  return nights.map(({ bundle: { manifest, digest } }) => {
    const outcomes = (outcome: SealedSlice['outcome']) =>
      manifest.slices.filter((slice) => slice.outcome === outcome).length;
    return {
      sequence: manifest.sequence,
      run: manifest.run,
      digest,
      kind: manifest.kind as ReportNight['kind'],
      day: dayIn(new Date(manifest.started_at), timezone),
      started_at: manifest.started_at,
      finished_at: manifest.finished_at,
      operator: operatorOf(manifest),
      signed: manifest.signature !== null,
      stamped: seals.has(tokenKey(digest)),
      simulated: manifest.clock === 'simulated',
      replayed: manifest.answers === 'replayed',
      slices: {
        complete: outcomes('complete'),
        partial: outcomes('partial'),
        failed: outcomes('failed'),
      },
    };
  });
}

function operatorOf({ operator }: Manifest): string {
  return 'ci' in operator ? operator.ci : `${operator.user} on ${operator.host}`;
}

/** What the nights asked, each source once, with everything that any of them says of it. */
function sourcesOf(nights: readonly Night[]): ReportSource[] {
  const found = new Map<string, ReportSource>();
  const add = <T>(list: T[], items: readonly T[]) => {
    const known = new Set(list.map((each) => JSON.stringify(each)));
    list.push(...items.filter((each) => !known.has(JSON.stringify(each))));
  };
  for (const { bundle } of nights) {
    for (const { id, use, identities, endpoints, left_out } of bundle.manifest.sources) {
      const source = found.get(id) ?? { id, use, identities: [], endpoints: [], left_out: [] };
      found.set(id, source);
      add(source.identities, identities);
      add(source.endpoints, endpoints);
      add(source.left_out, left_out);
    }
  }
  return [...found.values()].sort((a, b) => compareText(a.id, b.id));
}

function controlOf(id: string, period: PeriodReport, examined: Examined): ReportControl {
  const control = examined.controls.get(id) as Control;
  const { title, statement, criteria, category, owner, remediation_days } = control;
  const tests = period.controls.find((each) => each.id === id)?.tests ?? [];
  return {
    ...{ id, title, statement, criteria, category, owner, remediation_days },
    files: filesOf(id, tests, period, examined),
    tests: tests.flatMap((test) => {
      const definition = examined.tests.get(test.id)?.test;
      return definition === undefined ? [] : [testOf(definition, examined)];
    }),
  };
}

/** Its own files, and those of controls that one of its tests was in before. */
function filesOf(
  id: string,
  tests: readonly Pick<TestReport, 'id'>[],
  { versions }: PeriodReport,
  examined: Examined,
): ReportFile[] {
  const judged = examined.nights.filter((night) => isWithin(night, examined));
  const names = new Map(
    judged.flatMap(({ judgements }) =>
      judgements.flatMap(({ bundle }) =>
        bundle.manifest.controls.map(({ digest, file }) => [digest, file] as const),
      ),
    ),
  );
  const own = versions
    .filter(({ what, id: of }) => what === 'control' && of === id)
    .flatMap((change) => change.versions)
    .filter(({ value }) => value !== '')
    .map(({ value, from, to, nights }): ReportFile => {
      return { control: id, file: names.get(value) ?? '', digest: value, from, to, nights };
    });
  const known = new Set(own.map(({ digest }) => digest));
  const others = new Map<string, ReportFile>();
  for (const night of judged) {
    const files = new Map(
      tests.flatMap((test) => {
        const file = judgingFile(night, test.id);
        return file === undefined || known.has(file.digest) ? [] : [[file.digest, file] as const];
      }),
    );
    for (const { id: control, file, digest } of files.values()) {
      const { day } = night;
      const other = others.get(digest) ?? { control, file, digest, from: day, to: day, nights: 0 };
      others.set(digest, { ...other, to: day, nights: other.nights + 1 });
    }
  }
  return [...own, ...others.values()].sort((a, b) => compareText(a.from, b.from));
}

function testOf(definition: TestDefinition, examined: Examined): ReportTest {
  const { id, title, where, expect, remediation, parameters } = definition;
  const isJudged = (night: Night) => night.tests.has(id);
  const newest = examined.upToEnd.findLast(isJudged) ?? examined.nights.find(isJudged);
  const defaults = Object.entries(parameters).map(([name, each]) => [name, each.default] as const);
  return {
    ...{ id, title, expect, remediation },
    where: where ?? null,
    parameters: { ...Object.fromEntries(defaults), ...newest?.bundle.manifest.parameters[id] },
  };
}

/** Draws that were sealed for days of the period. */
async function samplesOf(
  inOrder: readonly Bundle[],
  { period, controls }: PeriodReport,
  { backend }: Store,
): Promise<ReportSample[]> {
  const tests = new Set(controls.flatMap((control) => control.tests.map(({ id }) => id)));
  const samples: ReportSample[] = [];
  for (const { manifest, digest } of inOrder) {
    const { sample, sequence, run, finished_at } = manifest;
    if (sample === undefined || !tests.has(sample.test)) continue;
    if (sample.period.end < period.start || sample.period.start > period.end) continue;
    const items: DrawnLine[] = [];
    for await (const lines of readList(backend, sample.items))
      items.push(...(lines as DrawnLine[]));
    const { test, seed, size, by } = sample;
    samples.push({
      ...{ sequence, run, digest, sealed_at: finished_at },
      ...{ test, period: sample.period, seed, size, by },
      population: { count: sample.population.count, digest: sample.population.digest },
      items: items.map(({ source, scope, uid, name, stratum }) => {
        return { source, scope, uid, name, stratum };
      }),
    });
  }
  return samples;
}

function detailsOf(examined: Examined, store: Store): ReportDetails {
  const reasons = new Map<string, Promise<readonly string[]>>();
  return {
    population: (test) => populationOf(test, examined, store, reasons),
    // A reader keeps in mind what was looked for: each dataset has its own, and each test below.
    records: (dataset, shown) =>
      recordsOf(dataset, examined, new ChunkReader(store.backend), shown),
  };
}

/** @param known reasons of populations that were asked for before: finding them takes the most time. */
async function populationOf(
  test: string,
  examined: Examined,
  store: Store,
  known: Map<string, Promise<readonly string[]>>,
): Promise<ReportPopulation> {
  const { population, items } = followItems(examined, test);
  const { dataset } = population;
  const { tie_outs, queries } = await evidenceOf(population, examined, store);
  const found = known.get(test) ?? reasonsOf(items, test, dataset, examined, store);
  known.set(test, found);
  return {
    ...population,
    incomplete: whyIncomplete(population, examined),
    items: withReasons(items, dataset, examined, await found),
    ...{ tie_outs, queries },
  };
}

/** What decided on the first night of each stretch of each item; the same words are one string. */
async function reasonsOf(
  followed: readonly FollowedItem[],
  test: string,
  dataset: string,
  { nights }: Examined,
  { backend }: Store,
): Promise<readonly string[]> {
  const reader = new ChunkReader(backend);
  const words = new Map<string, string>();
  const all = followed
    .flatMap(({ item, stretches }) => stretches.map((stretch) => ({ item, stretch })))
    .map((each, place) => ({ ...each, place }));
  const reasons: string[] = all.map(() => '');
  // Night by night: what stands in the same list is looked for together.
  for (const { item, stretch, place } of all.sort((a, b) => a.stretch.first - b.stretch.first)) {
    const result = await resultOf(reader, nights[stretch.first] as Night, test, dataset, item);
    const reason = result?.reason ?? '';
    if (!words.has(reason)) words.set(reason, reason);
    reasons[place] = words.get(reason) as string;
  }
  return reasons;
}

/** @param reasons of all stretches, in their order. */
function withReasons(
  followed: readonly FollowedItem[],
  dataset: string,
  { nights }: Examined,
  reasons: readonly string[],
): ReportItem[] {
  const sightOf = (place: number, stream: string) => {
    const { bundle, slices } = nights[place] as Night;
    const { run, started_at } = bundle.manifest;
    return { run, observed_at: slices.get(stream)?.[0]?.observed_at ?? started_at };
  };
  let at = 0;
  return followed.map(({ item, stretches }) => {
    const stream = streamKey({ ...item, dataset });
    return {
      ...item,
      stretches: stretches.map((stretch): Stretch => {
        const { status, first, last, nights: count } = stretch;
        const [from, to] = [sightOf(first, stream), sightOf(last, stream)];
        const reason = reasons[at] as string;
        at += 1;
        return { status, from, to, nights: count, reason };
      }),
    };
  });
}

async function* recordsOf(
  dataset: string,
  examined: Examined,
  reader: ChunkReader,
  shown?: ShownOf,
): AsyncGenerator<RecordHistory> {
  const streams = new Map<string, { of: SealedSlice; seen: SeenSlice[] }>();
  for (const { night, slices } of toldOf(dataset, examined)) {
    for (const slice of slices) {
      const key = streamKey(slice);
      const stream = streams.get(key) ?? { of: slice, seen: [] };
      streams.set(key, stream);
      stream.seen.push({ run: night.bundle.manifest.run, slice });
    }
  }
  const inOrder = [...streams.values()].sort(
    ({ of: a }, { of: b }) => compareText(a.source, b.source) || compareText(a.scope, b.scope),
  );
  const sightOf = ({ run, slice }: SeenSlice) => ({ run, observed_at: slice.observed_at });
  for (const { of, seen } of inOrder) {
    const { source, scope } = of;
    for await (const { uid, versions } of recordHistories(reader, seen, shown)) {
      yield {
        ...{ source, dataset, scope, uid },
        versions: versions.map(({ first, last, slices, record, calls }) => {
          const { calls: _calls, ...kept } = record;
          return { from: sightOf(first), to: sightOf(last), nights: slices, record: kept, calls };
        }),
      };
    }
  }
}
