/**
 * A report without the names of people: each has a pseudonym in it, and what else is marked as about
 * them is left out (docs/formats/archive.md). What is sealed cannot be changed, and is left out.
 */
import { TickmarkError } from '../evidence/errors.ts';
import { canonicalJson, compareText, type JsonObject } from '../evidence/json.ts';
import { callId, type EvidenceRecord, type ShownOf } from '../evidence/slice.ts';
import { bySourceScopeUid } from '../period/population.ts';
import type { Gap, PeriodReport } from '../period/report.ts';
import type {
  Query,
  RecordHistory,
  Report,
  ReportCall,
  ReportDetails,
  ReportItem,
  ReportPopulation,
  ReportSample,
} from '../report/model.ts';
import { redactionFormat } from '../store/archive.ts';
import { readLines } from '../store/chunks.ts';
import { readChunks } from '../store/lists.ts';
import type { Store } from '../store/store.ts';
import { changeTexts, identifiersIn, type PersonalData, withoutDetails } from './personal.ts';
import type { Pseudonyms } from './pseudonyms.ts';

/** What is about people in the records of each dataset. */
export type PersonalDatasets = ReadonlyMap<string, PersonalData>;

export interface RedactionRequest {
  store: Store;
  datasets: PersonalDatasets;
  /** What it is to learn, and to call them by. */
  pseudonyms: Pseudonyms;
  signal: AbortSignal;
}

export interface Redacted {
  report: Report;
  details: ReportDetails;
  /** What was done, as JSON (docs/formats/archive.md). */
  file: string;
  /** Bundles whose manifest names people, who stay named there: a changed manifest proves nothing. */
  named: number[];
}

/**
 * @throws TickmarkError NotFound where nobody can say what of a dataset is about people; Interrupted;
 * IntegrityBroken
 */
export async function redact(
  { report, details }: { report: Report; details: ReportDetails },
  request: RedactionRequest,
): Promise<Redacted> {
  const { store, datasets, pseudonyms } = request;
  const seen = await learnPeople(request, new Set(report.nights.map(({ sequence }) => sequence)));
  for (const { approver } of report.period.waivers) pseudonyms.learn(approver);
  const named = await namedInManifests(store, pseudonyms);
  const redaction = { key: pseudonyms.keyId, identifiers: pseudonyms.count };
  const told = {
    format: redactionFormat,
    method: 'HMAC-SHA-256 of what tells a person apart; its first 12 hex digits behind person-',
    ...redaction,
    datasets: Object.fromEntries([...seen].map(([name, personal]) => [name, markedIn(personal)])),
    manifests_that_name_people: named,
  };
  return {
    report: { ...redactReport(report, pseudonyms), redaction },
    details: redactDetails(details, datasets, pseudonyms),
    file: `${JSON.stringify(told, null, 2)}\n`,
    named,
  };
}

/** The marked fields of a dataset in words: `reviews.*.reviewer`. */
function markedIn({ record, marks }: PersonalData): { pseudonyms: string[]; left_out: string[] } {
  const paths = (are: boolean) =>
    marks.filter(({ identifies }) => identifies === are).map(({ path }) => path.join('.'));
  return { pseudonyms: [...record, ...paths(true)], left_out: paths(false) };
}

/**
 * Learns who there is: from every record that the store has of every dataset, since any text may
 * name anybody. @returns the datasets that tell of people.
 * @param shown bundles whose records the report shows.
 */
async function learnPeople(
  { store, datasets, pseudonyms, signal }: RedactionRequest,
  shown: ReadonlySet<number>,
): Promise<Map<string, PersonalData>> {
  const seen = new Map<string, PersonalData>();
  const read = new Set<string>();
  for await (const { manifest } of store.bundles()) {
    if (signal.aborted) throw new TickmarkError('Interrupted', 'no archive was written');
    for (const { dataset, version, records } of manifest.slices) {
      const personal = datasets.get(dataset);
      if (personal === undefined) {
        throw new TickmarkError(
          'NotFound',
          `${dataset} is in the store, and no collector here gives it: what of it is about people cannot be told; name the plugin that gave it in the configuration (plugins)`,
        );
      }
      if (personal.version !== version && shown.has(manifest.sequence)) {
        throw new TickmarkError(
          'NotFound',
          `${dataset} is in bundle ${manifest.sequence} in version ${version}, and the collector here gives version ${personal.version}: what of the other is about people cannot be told; export with the version of the program or plugin that gave it, or other days (--from, --until)`,
        );
      }
      if (personal.record.length + personal.marks.length === 0) continue;
      seen.set(dataset, personal);
      const chunks = await readChunks(store.backend, records);
      const unread = chunks.filter(({ digest }) => !read.has(digest));
      for (const { digest } of unread) read.add(digest);
      for await (const lines of readLines(store.backend, unread)) {
        for (const record of lines as EvidenceRecord[]) {
          for (const identifier of identifiersIn(record, personal)) pseudonyms.learn(identifier);
        }
      }
    }
  }
  return new Map([...seen].sort(([a], [b]) => compareText(a, b)));
}

async function namedInManifests(store: Store, pseudonyms: Pseudonyms): Promise<number[]> {
  const sequences: number[] = [];
  for await (const { manifest } of store.bundles()) {
    const said = JSON.stringify(manifest);
    if ('user' in manifest.operator || pseudonyms.text(said) !== said) {
      sequences.push(manifest.sequence);
    }
  }
  return sequences.sort((a, b) => a - b);
}

/** The report with pseudonyms; what follows from words of manifests has none, for these can be read. */
function redactReport(report: Report, pseudonyms: Pseudonyms): Report {
  const mask = (text: string) => pseudonyms.mask(text);
  return {
    ...report,
    period: redactPeriod(report.period, pseudonyms),
    nights: report.nights.map((night) => ({ ...night, operator: mask(night.operator) })),
    sources: report.sources.map((source) => ({
      ...source,
      identities: source.identities.map(({ subject, account }) => {
        return { subject: mask(subject), account: mask(account) };
      }),
      left_out: source.left_out.map(({ scope, reason }) => {
        return { scope: mask(scope), reason: mask(reason) };
      }),
    })),
    controls: report.controls.map((control) => ({
      ...control,
      tests: control.tests.map((test) => ({
        ...test,
        parameters: inValues(test.parameters, mask),
      })),
    })),
    samples: report.samples.map((sample) => redactSample(sample, pseudonyms)),
  };
}

function redactPeriod(period: PeriodReport, pseudonyms: Pseudonyms): PeriodReport {
  const mask = (text: string) => pseudonyms.mask(text);
  const text = (of: string | null) => (of === null ? null : pseudonyms.text(of));
  const changes = (all: PeriodReport['versions']) =>
    all.map((change) => {
      if (change.what !== 'parameters') return change;
      const versions = change.versions.map((each) => ({ ...each, value: mask(each.value) }));
      return { ...change, versions };
    });
  return {
    ...period,
    nights: {
      ...period.nights,
      left_out: period.nights.left_out.map((night) => ({ ...night, reason: mask(night.reason) })),
    },
    controls: period.controls.map((control) => ({
      ...control,
      because: control.because.map(mask),
      tests: control.tests.map((test) => ({
        ...test,
        gaps: redactGaps(test.gaps, pseudonyms),
        deviations: test.deviations
          .map((deviation) => named(deviation, pseudonyms))
          .sort((a, b) => compareText(a.opened.by, b.opened.by) || bySourceScopeUid(a, b)),
      })),
    })),
    versions: changes(period.versions),
    changes: changes(period.changes),
    due: period.due.map((due) => ({ ...due, what: mask(due.what) })),
    waivers: period.waivers
      .map((waiver) => ({
        ...waiver,
        resource: pseudonyms.text(waiver.resource),
        reason: pseudonyms.text(waiver.reason),
        approver: pseudonyms.text(waiver.approver),
        ticket: text(waiver.ticket),
        compensating_control: text(waiver.compensating_control),
      }))
      .sort((a, b) => compareText(a.test, b.test) || compareText(a.resource, b.resource)),
  };
}

function redactGaps(gaps: readonly Gap[], pseudonyms: Pseudonyms): Gap[] {
  return gaps.map((gap) => ({
    ...gap,
    why: pseudonyms.mask(gap.why),
    closable: gap.closable && { ...gap.closable, how: pseudonyms.mask(gap.closable.how) },
  }));
}

function redactSample(sample: ReportSample, pseudonyms: Pseudonyms): ReportSample {
  const items = sample.items.map(({ stratum, ...item }) => ({
    ...named(item, pseudonyms),
    stratum: stratum === null ? null : pseudonyms.text(stratum),
  }));
  return { ...sample, items: items.sort(bySourceScopeUid) };
}

/** The details with pseudonyms, in the order of these: that of names would tell of names. */
function redactDetails(
  details: ReportDetails,
  datasets: PersonalDatasets,
  pseudonyms: Pseudonyms,
): ReportDetails {
  return {
    population: async (test) => redactPopulation(await details.population(test), pseudonyms),
    async *records(dataset) {
      const personal = datasets.get(dataset);
      // Then the store has none of it: `learnPeople` has seen them all.
      if (personal === undefined) return;
      const redact = (history: RecordHistory) => redactHistory(history, personal, pseudonyms);
      // Otherwise the days of new versions would be those of what is left out, as sign-ins.
      const shown: ShownOf = ({ original: _original, fields, ...record }) => {
        return { ...record, fields: withoutDetails(fields, personal) };
      };
      // Those that have another place now are few beside all: as text they take the least room.
      const moved: { place: Pick<RecordHistory, 'source' | 'scope' | 'uid'>; text: string }[] = [];
      for await (const history of details.records(dataset, shown)) {
        if (pseudonyms.text(history.uid) === history.uid) continue;
        const redacted = redact(history);
        const { source, scope, uid } = redacted;
        moved.push({ place: { source, scope, uid }, text: JSON.stringify(redacted) });
      }
      moved.sort((a, b) => bySourceScopeUid(a.place, b.place));
      let next = 0;
      for await (const history of details.records(dataset, shown)) {
        if (pseudonyms.text(history.uid) !== history.uid) continue;
        for (; next < moved.length; next += 1) {
          const { place, text } = moved[next] as (typeof moved)[number];
          if (bySourceScopeUid(place, history) > 0) break;
          yield JSON.parse(text) as RecordHistory;
        }
        yield redact(history);
      }
      for (const { text } of moved.slice(next)) yield JSON.parse(text) as RecordHistory;
    },
  };
}

function redactPopulation(population: ReportPopulation, pseudonyms: Pseudonyms): ReportPopulation {
  // Reasons quote parameters and problems, which manifests have too, and times that are left out.
  const reasonOf = (reason: string) => pseudonyms.mask(reason).replace(times, '[time]');
  const items = population.items.map(
    (item): ReportItem => ({
      ...named(item, pseudonyms),
      stretches: item.stretches.map((each) => ({ ...each, reason: reasonOf(each.reason) })),
    }),
  );
  const asked = population.queries.map((query): [string, Query] => {
    const { source, scope } = query;
    const redacted = { ...query, parameters: redactParameters(query.parameters, pseudonyms) };
    return [canonicalJson([source, scope, callId(redacted)]), redacted];
  });
  return {
    ...population,
    gaps: redactGaps(population.gaps, pseudonyms),
    incomplete: population.incomplete.map((each) => pseudonyms.mask(each)),
    items: items.sort(bySourceScopeUid),
    queries: asked.sort(([a], [b]) => compareText(a, b)).map(([, query]) => query),
  };
}

const times = /\d{4}-\d{2}-\d{2}T[\d:.]+Z?/g;

/** Where in a list of names a page begins, by what the APIs call it. */
const pagePlace =
  /^(?:after|before|cursor|marker|page|(?:page|next|continuation)_?token|start_?after)$/i;

/** Parameters have the API's own names. */
function redactParameters(parameters: JsonObject, pseudonyms: Pseudonyms): JsonObject {
  const kept = Object.entries(parameters).filter(([name]) => !pagePlace.test(name));
  return inValues(Object.fromEntries(kept), (text) => pseudonyms.text(text));
}

function inValues(object: JsonObject, change: (text: string) => string): JsonObject {
  const changed = Object.entries(object).map(([name, value]) => [name, changeTexts(value, change)]);
  return Object.fromEntries(changed);
}

function redactHistory(
  history: RecordHistory,
  personal: PersonalData,
  pseudonyms: Pseudonyms,
): RecordHistory {
  return {
    ...history,
    uid: pseudonyms.text(history.uid),
    versions: history.versions.map(({ record, calls, ...version }) => {
      // No schema says what of the API's own object is about people.
      const { original: _original, fields, untold, ...kept } = named(record, pseudonyms);
      const known = withoutDetails(fields, personal);
      return {
        ...version,
        record: {
          ...kept,
          fields: changeTexts(known, (text) => pseudonyms.text(text), personal),
          ...(untold && {
            untold: inValues(untold, (why) => pseudonyms.mask(why)) as Record<string, string>,
          }),
        },
        calls: calls
          .map((call) => redactCall(call, pseudonyms))
          .sort((a, b) => compareText(a.id, b.id)),
      };
    }),
  };
}

/**
 * Without what tells its place among others, as its time and its page do: whoever was asked for first
 * is the first of a list of names. Nor with what the service, or an answer, could be found by.
 */
function redactCall(call: ReportCall, pseudonyms: Pseudonyms): ReportCall {
  const { service, operation, region, parameters, status, attempts, endpoint, error, absent } =
    call;
  const asked = { service, operation, parameters: redactParameters(parameters, pseudonyms) };
  return {
    id: callId(asked),
    ...asked,
    ...(region === undefined ? {} : { region }),
    ...{ status, attempts, endpoint },
    ...(error === undefined ? {} : { error: pseudonyms.mask(error) }),
    ...(absent === undefined ? {} : { absent: pseudonyms.mask(absent) }),
  };
}

function named<T extends { uid: string; name: string }>(of: T, pseudonyms: Pseudonyms): T {
  return { ...of, uid: pseudonyms.text(of.uid), name: pseudonyms.text(of.name) };
}
