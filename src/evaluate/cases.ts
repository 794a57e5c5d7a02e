import { z } from 'zod';
import { type CompiledTest, withParameters } from '../controls/compile.ts';
import type { DatasetTypes } from '../controls/dataset-types.ts';
import type { TestCase } from '../controls/schema.ts';
import type { Json, JsonObject } from '../evidence/json.ts';
import type { Status } from '../evidence/result.ts';
import type { EvidenceRecord, SliceHeader } from '../evidence/slice.ts';
import type { Fault } from '../yaml/fault.ts';
import { evaluateTest } from './evaluate.ts';
import { createLookups } from './lookups.ts';
import { type SliceInput, sliceInput } from './slices.ts';

/** What a case expected and what came out. */
export interface CaseOutcome {
  control: string;
  test: string;
  /** The case's name. */
  name: string;
  expected: { status: Status; reason?: string | undefined };
  actual: { status: Status; reason: string };
  ok: boolean;
}

export interface CaseReport {
  outcomes: CaseOutcome[];
  /** Cases whose data no collector could have given; they were not run. */
  faults: Fault[];
}

/** Runs the cases of a test through the evaluator, each as a slice of one record. */
export function runCases(test: CompiledTest): CaseReport {
  const report: CaseReport = { outcomes: [], faults: [] };
  test.definition.cases.forEach((testCase, index) => {
    const path = ['tests', test.index, 'cases', index];
    const faults = caseFaults(test, testCase, path);
    const withValues = withParameters(test, testCase.parameters, (name, message) => {
      faults.push(test.document.fault([...path, 'parameters', name], message));
    });
    if (faults.length > 0) report.faults.push(...faults);
    else report.outcomes.push(runCase(withValues, testCase));
  });
  return report;
}

function runCase(test: CompiledTest, testCase: TestCase): CaseOutcome {
  const now = new Date(testCase.now);
  const others = new Map<string, SliceInput>();
  for (const { name, types } of test.lookups) {
    const records = testCase.lookups[name];
    if (records === undefined) continue;
    const before = others.get(types.name);
    const all = [...(before?.records() ?? []), ...records.map((r, i) => record(`${name}-${i}`, r))];
    others.set(types.name, sliceInput(header(types, testCase.now), all));
  }
  const lookups = createLookups((dataset) => [others.get(dataset) ?? []].flat(), now);
  const slice = sliceInput(header(test.types, testCase.now), [record('case', testCase.record)]);
  const [result] = evaluateTest(test, [slice], lookups, { run: 'case', now });
  const actual = {
    status: result?.status ?? 'not_tested',
    reason: result?.reason ?? 'the case gave no result',
  };
  const expected = { status: testCase.status, reason: testCase.reason };
  return {
    control: test.control,
    test: test.id,
    name: testCase.name,
    expected,
    actual,
    ok:
      actual.status === expected.status &&
      (expected.reason === undefined || actual.reason === expected.reason),
  };
}

function record(id: string, { uid, name, ...fields }: JsonObject): EvidenceRecord {
  return {
    uid: typeof uid === 'string' ? uid : id,
    name: typeof name === 'string' ? name : id,
    fields,
    original: null,
    calls: [],
  };
}

function header(types: DatasetTypes, observedAt: string): SliceHeader {
  return {
    dataset: types.name,
    version: 1,
    source: 'case',
    scope: 'case',
    kind: 'snapshot',
    observed_at: observedAt,
    outcome: 'complete',
    problems: [],
    tie_outs: [],
  };
}

/** A case proves nothing if its records are of a shape that no collector hands over. */
function caseFaults(test: CompiledTest, testCase: TestCase, path: PropertyKey[]): Fault[] {
  const faults = recordFaults(test, test.types, testCase.record, [...path, 'record']);
  for (const [name, records] of Object.entries(testCase.lookups)) {
    const lookup = test.lookups.find((known) => known.name === name);
    if (lookup === undefined) {
      faults.push(test.document.fault([...path, 'lookups', name], 'the test has no such lookup'));
    } else {
      records.forEach((fields, index) => {
        const at = [...path, 'lookups', name, index];
        faults.push(...recordFaults(test, lookup.types, fields, at));
      });
    }
  }
  return faults;
}

function recordFaults(
  { document }: CompiledTest,
  { schema, name }: DatasetTypes,
  written: JsonObject,
  path: PropertyKey[],
): Fault[] {
  const identity = { uid: z.string().optional(), name: z.string().optional() };
  const checked = document.check(schema.partial().extend(identity), { path });
  if (!checked.ok) return checked.faults;
  return dropped(written, checked.value as Json, []).map((inner) =>
    document.fault([...path, ...inner], `${name} has no such field`, 'UnknownKey'),
  );
}

/** Paths that a schema left out of what was written: it does not know them. */
function dropped(written: Json, parsed: Json | undefined, path: PropertyKey[]): PropertyKey[][] {
  if (parsed === undefined) return [path];
  if (typeof written !== 'object' || written === null) return [];
  const kept = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as JsonObject;
  return Object.entries(written).flatMap(([key, inner]) => {
    const step = Array.isArray(written) ? Number(key) : key;
    return dropped(inner, Object.hasOwn(kept, key) ? kept[key] : undefined, [...path, step]);
  });
}
