/**
 * From slices to results: pure. The same slices, tests and time give the same results, byte for
 * byte; what could not be told is never a pass.
 */
import { describeFailure } from '../controls/cel.ts';
import type { CompiledControl, CompiledTest } from '../controls/compile.ts';
import { whyUntold } from '../controls/dataset-types.ts';
import { compareText, type Json, type JsonObject } from '../evidence/json.ts';
import type { About, Judged, Status } from '../evidence/result.ts';
import type { EvidenceRecord, SliceHeader } from '../evidence/slice.ts';
import { createLookups, type LookupSource } from './lookups.ts';
import { bySource, inOrder, type SliceInput, type SlicesOf } from './slices.ts';
import { type Standing, standing } from './standing.ts';

export type { SliceInput, SlicesOf } from './slices.ts';
export { sliceInput } from './slices.ts';

export interface EvaluationContext {
  /** The run's id. */
  run: string;
  now: Date;
}

/** Every result of every control, sorted by control, test, scope and uid. */
export function* evaluateControls(
  controls: readonly CompiledControl[],
  slicesOf: SlicesOf,
  context: EvaluationContext,
): Generator<Judged> {
  const lookups = createLookups(slicesOf, context.now);
  const sorted = [...controls].sort((a, b) => compareText(a.control.id, b.control.id));
  for (const { control, tests } of sorted) {
    if (tests.length === 0) {
      yield {
        run: context.run,
        control: control.id,
        test: '',
        resource: { uid: control.id, name: control.title, scope: '' },
        status: 'not_tested',
        reason: 'a control that only people can show',
        observed: {},
        observed_at: null,
        dataset: '',
        source: '',
        about: 'test',
      };
    }
    for (const test of tests) {
      yield* evaluateTest(test, slicesOf(test.types.name), lookups, context);
    }
  }
}

/**
 * The results of one test over every slice of its dataset, sorted by scope and uid. A row about
 * the test as a whole (nothing in the population) comes last.
 * @throws TickmarkError IntegrityBroken when a slice's records are not sorted by uid, each once.
 */
export function* evaluateTest(
  test: CompiledTest,
  slices: readonly SliceInput[],
  lookups: LookupSource,
  context: EvaluationContext,
): Generator<Judged> {
  const dataset = test.types.name;
  const row = rowMaker(test, context.run);
  if (slices.length === 0) {
    yield wholeTest(row, dataset, `no configured source gives ${dataset}`);
    return;
  }
  const judge = createJudge(test, lookups, context.now);
  let records = 0;
  let judged = 0;
  for (const slice of [...slices].sort(bySource)) {
    const { header } = slice;
    const state = standing(header, test.types.staleAfterHours, context.now);
    let gap: Judged | null = sliceRow(row, header, state);
    if (gap !== null) judged++;
    let judgedHere = 0;
    if (state.state !== 'failed') {
      for (const record of inOrder(slice)) {
        const { status, reason } = judge(record, state);
        records++;
        if (status !== 'not_applicable') judgedHere++;
        if (gap !== null && gap.resource.uid < record.uid) {
          yield gap;
          gap = null;
        }
        const { uid, name, fields } = record;
        const resource = { uid, name, scope: header.scope };
        const { when } = test.types;
        yield {
          ...row('resource', header, resource, status, reason, pick(fields, test.reads)),
          ...(when === undefined ? {} : { event_at: timeOf(fields[when]) }),
        };
      }
    }
    if (gap !== null) yield gap;
    else if (state.state === 'complete' && state.stale !== null && judgedHere === 0) {
      // That there was nothing is as stale as anything else that was seen.
      judgedHere++;
      yield row('slice', header, wholeSlice(header), 'error', state.stale);
    }
    judged += judgedHere;
  }
  if (judged === 0) {
    const why = records === 0 ? 'there is none' : `all ${records} are outside the population`;
    yield wholeTest(row, dataset, `did not operate: nothing in the population (${why})`);
  }
}

type RowMaker = (
  about: About,
  of: { source: string; observed_at: string | null },
  resource: Judged['resource'],
  status: Status,
  reason: string,
  observed?: JsonObject,
) => Judged;

function rowMaker(test: CompiledTest, run: string): RowMaker {
  return (about, { source, observed_at }, resource, status, reason, observed = {}) => ({
    run,
    control: test.control,
    test: test.id,
    resource,
    status,
    reason,
    observed,
    observed_at,
    dataset: test.types.name,
    source,
    about,
  });
}

function wholeTest(row: RowMaker, dataset: string, reason: string): Judged {
  const resource = { uid: dataset, name: dataset, scope: '' };
  return row('test', { source: '', observed_at: null }, resource, 'not_tested', reason);
}

/** When an event happened: its collector has checked the form. */
function timeOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** The row that says what of a slice was not collected; null for a complete one. */
function sliceRow(row: RowMaker, header: SliceHeader, { state, missing }: Standing): Judged | null {
  if (state === 'complete') return null;
  const what = state === 'failed' ? 'not collected' : 'not completely collected';
  return row('slice', header, wholeSlice(header), 'error', `${what}: ${missing}`);
}

function wholeSlice({ source, scope, dataset, interval }: SliceHeader): Judged['resource'] {
  const when = interval === undefined ? '' : ` ${interval.start}/${interval.end}`;
  return { uid: `${source}/${scope}/${dataset}${when}`, name: scope, scope };
}

interface Verdict {
  status: Status;
  reason: string;
}

/** Judges one record after the other; the bindings are shared, and set anew for each. */
function createJudge(test: CompiledTest, lookups: LookupSource, now: Date) {
  /** Set while a record is judged: a looked-up record stood in an incomplete slice. */
  let doubt: string | null = null;
  const bindings: Record<string, unknown> = {
    now,
    params: test.parameterTypes.decode(test.parameters),
  };
  for (const lookup of test.lookups) {
    // Looked up when an expression asks: what it does not ask for need not be known.
    Object.defineProperty(bindings, lookup.name, {
      enumerable: true,
      get() {
        const match = lookups.find(lookup, lookup.equals.run(bindings));
        doubt ??= match.doubt;
        return match.records;
      },
    });
  }
  const outside = test.where === null ? '' : `outside the population: ${test.where.source.trim()}`;

  /** What a collector said about a field that it left out, of the record or of one looked up. */
  const why = (field: string): string | undefined => {
    const records = test.lookups.flatMap((lookup) => {
      try {
        return lookups.find(lookup, lookup.equals.run(bindings)).records;
      } catch {
        // What was looked for cannot be told either; that is said already.
        return [];
      }
    });
    return [bindings[test.as] as object, ...records]
      .map((each) => whyUntold(each, field))
      .find((reason) => reason !== undefined);
  };

  return (record: EvidenceRecord, { state, missing, stale }: Standing): Verdict => {
    doubt = null;
    bindings[test.as] = test.types.decode(record);
    let passes: boolean;
    try {
      const isIn = test.where === null || test.where.run(bindings) === true;
      if (!isIn && doubt === null) return { status: 'not_applicable', reason: outside };
      if (stale !== null) return { status: 'error', reason: stale };
      if (!isIn) return { status: 'error', reason: `${doubt}` };
      passes = test.expect.run(bindings) === true;
    } catch (error) {
      const unknown = describeFailure(error, test.as, why);
      return { status: 'error', reason: doubt === null ? unknown : `${unknown}: ${doubt}` };
    }
    // The message may look up more; what it finds decides nothing.
    const undecided = doubt;
    const fact = describe();
    if (!passes) return { status: 'fail', reason: fact };
    if (state !== 'complete') return { status: 'error', reason: `${missing}; read: ${fact}` };
    if (undecided !== null) return { status: 'error', reason: `${undecided}; read: ${fact}` };
    return { status: 'pass', reason: fact };
  };

  function describe(): string {
    try {
      return test.message.render(bindings);
    } catch (error) {
      return `${test.title} (${describeFailure(error, test.as, why)})`;
    }
  }
}

/** The fields that a test read, as they were; an absent one stays absent. */
function pick(fields: JsonObject, names: readonly string[]): JsonObject {
  const picked: JsonObject = {};
  for (const name of names) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
