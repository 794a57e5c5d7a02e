import {
  getConformanceSuite,
  type IncrementalTestSuite,
} from '@bufbuild/cel-spec/testdata/tests.js';
import { Duration } from '@marcbachmann/cel-js/evaluator';
import { describe, expect, it } from 'vitest';
import { compile, environment, type Vocabulary } from '../../src/controls/cel.ts';

/** Sections of the conformance suite that speak of what our expressions are made of. */
const sections = [
  'basic',
  'bindings_ext',
  'comparisons',
  'fields',
  'fp_math',
  'integer_math',
  'lists',
  'logic',
  'macros',
  'string',
  'string_ext',
  'timestamps',
];

/** Kinds of values that no record, parameter or expression of ours can hold. */
const foreign =
  /TestAllTypes|google\.protobuf|\d[uU]\b|0[xX][0-9a-fA-F]+[uU]|\b[rR]?[bB]['"]|\b(?:uint|bytes|type|dyn)\(|optional|\bx?y?\.[`]|[`]/;

const typed = 'stricter: refused when the control is loaded, because the types do not agree';
const names = 'variables of ours have no dots in their names';
const range =
  'dates beyond the years 1 to 9999 and durations of ten thousand years are not refused';
/**
 * Cases in which cel-js differs from the specification, and why that does no harm here. A new
 * one fails the test, and so does one that is mended.
 */
const deviations: Record<string, string> = {
  'basic/variables/unbound_is_runtime_error': 'stricter: an unknown name never loads',
  'comparisons/eq_literal/not_eq_list_null': typed,
  'comparisons/eq_literal/not_eq_list_length': typed,
  'comparisons/eq_literal/not_eq_list_false_vs_types': typed,
  'comparisons/eq_literal/not_eq_map_null': typed,
  'comparisons/eq_literal/not_eq_map_false_vs_types': typed,
  'comparisons/eq_literal/eq_mixed_types': typed,
  'comparisons/eq_literal/eq_list_elem_mixed_types': typed,
  'comparisons/eq_literal/eq_map_value_mixed_types': typed,
  'comparisons/eq_literal/not_eq_list_elem_null': typed,
  'comparisons/eq_literal/not_eq_map_value_null': typed,
  'comparisons/gt_literal/not_gt_double': 'stricter: .99 has to be written 0.99',
  'comparisons/in_list_literal/elem_in_mixed_type_list': typed,
  'fields/map_fields/map_key_int64': typed,
  'fields/map_fields/map_value_mix_type': typed,
  'fields/map_has/has_empty': 'stricter: has() takes a field of a variable only',
  'fields/qualified_identifier_resolution/qualified_ident': names,
  'fields/qualified_identifier_resolution/map_field_select': names,
  'fields/qualified_identifier_resolution/qualified_identifier_resolution_unchecked': names,
  'fields/qualified_identifier_resolution/ident_with_longest_prefix_check': names,
  'fields/qualified_identifier_resolution/map_key_null':
    'only in a literal: maps of records have text as keys',
  'fields/qualified_identifier_resolution/map_value_repeat_key':
    'only in a literal: the last of two equal keys holds',
  'integer_math/int64_math/int64_min_negate':
    'the least of all integers: no field reaches it (2^53)',
  'integer_math/int64_math/int64_min_negate_div':
    'the least of all integers: no field reaches it (2^53)',
  'logic/conditional/mixed_type': typed,
  'logic/AND/short_circuit_type_left': typed,
  'logic/AND/short_circuit_type_right': typed,
  'logic/OR/short_circuit_type_left': typed,
  'logic/OR/short_circuit_type_right': typed,
  'macros/exists/list_elem_type_shortcircuit': typed,
  'macros/exists/list_elem_type_exhaustive': typed,
  'macros/exists/map_key_type_shortcircuit': typed,
  'macros/exists/map_key_type_exhaustive': typed,
  'macros/all/list_elem_type_shortcircuit': typed,
  'macros/all/list_empty': 'stricter: an empty literal has no type for its elements',
  'macros/exists_one/map_one': 'an error, not an answer: maps of records have text as keys',
  'timestamps/timestamp_conversions/toString_timestamp_nanos': 'times are kept to the millisecond',
  'timestamps/timestamp_arithmetic/add_time_to_duration': 'stricter: write the timestamp first',
  'timestamps/timestamp_arithmetic/add_time_to_duration_nanos_positive':
    'times are kept to the millisecond',
  'timestamps/timestamp_range/add_duration_under': range,
  'timestamps/timestamp_range/add_duration_over': range,
  'timestamps/timestamp_range/add_duration_nanos_over': range,
  'timestamps/timestamp_range/add_duration_nanos_under': range,
  'timestamps/timestamp_range/sub_time_duration_over': range,
  'timestamps/timestamp_range/sub_time_duration_under': range,
  'timestamps/duration_range/from_string_under': range,
  'timestamps/duration_range/from_string_over': range,
  'timestamps/duration_range/add_under': range,
  'timestamps/duration_range/add_over': range,
  'timestamps/duration_range/sub_under': range,
  'timestamps/duration_range/sub_over': range,
};

/** `conforms`, `not ours`, or how the two differ. */
type Outcome = string;
type Case = IncrementalTestSuite['tests'][number]['original'];
type Value = Extract<Case['resultMatcher'], { case: 'value' }>['value'];

function casesOf(suite: IncrementalTestSuite, path: string): [string, Case][] {
  return [
    ...suite.tests.map((test): [string, Case] => [`${path}/${test.original.name}`, test.original]),
    ...suite.suites.flatMap((inner) => casesOf(inner, `${path}/${inner.name}`)),
  ];
}

const cases = getConformanceSuite()
  .suites.filter((suite) => sections.includes(suite.name))
  .flatMap((suite) => casesOf(suite, suite.name));

/** Seconds and nanoseconds of a packed Timestamp or Duration (protobuf wire format, varints). */
function secondsAndNanos(bytes: Uint8Array): [bigint, bigint] {
  const fields = [0n, 0n, 0n];
  for (let at = 0; at < bytes.length; ) {
    const field = (bytes[at++] ?? 0) >> 3;
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes[at++] ?? 0);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) break;
    }
    fields[field] = BigInt.asIntN(64, value);
  }
  return [fields[1] ?? 0n, fields[2] ?? 0n];
}

class NotOurs extends Error {}

/** A value of the suite as our expressions hold it, and its CEL type. */
function ours(value: Value): { value: unknown; type: string } {
  const { kind } = value;
  switch (kind.case) {
    case 'nullValue':
      return { value: null, type: 'null' };
    case 'boolValue':
      return { value: kind.value, type: 'bool' };
    case 'int64Value':
      return { value: kind.value, type: 'int' };
    case 'doubleValue':
      return { value: kind.value, type: 'double' };
    case 'stringValue':
      return { value: kind.value, type: 'string' };
    case 'listValue': {
      const items = kind.value.values.map(ours);
      return { value: items.map((i) => i.value), type: `list<${common(items)}>` };
    }
    case 'mapValue': {
      const entries = kind.value.entries.map((entry) => {
        if (!entry.key || !entry.value) throw new NotOurs();
        return [ours(entry.key), ours(entry.value)] as const;
      });
      if (entries.some(([key]) => key.type !== 'string')) throw new NotOurs();
      const type = `map<string, ${common(entries.map(([, v]) => v))}>`;
      return { value: new Map(entries.map(([k, v]) => [k.value, v.value])), type };
    }
    case 'objectValue': {
      const [seconds, nanos] = secondsAndNanos(kind.value.value);
      if (kind.value.typeUrl.endsWith('google.protobuf.Timestamp')) {
        const time = new Date(Number(seconds) * 1000 + Number(nanos) / 1e6);
        return { value: time, type: 'google.protobuf.Timestamp' };
      }
      if (kind.value.typeUrl.endsWith('google.protobuf.Duration')) {
        return { value: new Duration(seconds, Number(nanos)), type: 'google.protobuf.Duration' };
      }
      throw new NotOurs();
    }
    default:
      throw new NotOurs();
  }
}

function common(values: { type: string }[]): string {
  const types = new Set(values.map((v) => v.type));
  return types.size === 1 ? ([...types][0] ?? 'dyn') : 'dyn';
}

/** A value in one form, so that equal ones are equal: 1 and 1.0 are not. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return `int ${value}`;
  if (value instanceof Date) return `time ${value.getTime()}`;
  if (value instanceof Duration) return `duration ${value.seconds} ${value.nanos}`;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, plain(v)]));
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  }
  return value;
}

/** What our rules refuse on purpose is no deviation: it cannot be said. */
const refusals =
  /unknown function|`matches`|`dyn`|RFC 3339|given in UTC only|never equal|records cannot be compared/;

function outcome(test: Case): Outcome {
  try {
    if (foreign.test(test.expr) || test.container !== '') return 'not ours';
    const vocabulary: Vocabulary = { messages: new Map(), variables: {} };
    const bindings: Record<string, unknown> = {};
    for (const [name, binding] of Object.entries(test.bindings)) {
      if (binding.kind.case !== 'value') return 'not ours';
      const { value, type } = ours(binding.kind.value);
      vocabulary.variables[name] = type;
      bindings[name] = value;
    }
    const matcher = test.resultMatcher;
    if (matcher.case !== 'value' && matcher.case !== 'evalError') return 'not ours';
    const wanted = matcher.case === 'value' ? plain(ours(matcher.value).value) : 'an error';
    const compiled = compile(environment(vocabulary), vocabulary, test.expr);
    if ('offset' in compiled) {
      if (refusals.test(compiled.message)) return 'not ours';
      return wanted === 'an error' ? 'conforms' : `refused: ${compiled.message}`;
    }
    let found: unknown;
    try {
      found = plain(compiled.run(bindings));
    } catch (error) {
      return wanted === 'an error'
        ? 'conforms'
        : `failed: ${(error as Error).message.split('\n')[0]}`;
    }
    expect(found).toEqual(wanted);
    return 'conforms';
  } catch (error) {
    if (error instanceof NotOurs) return 'not ours';
    return `differs: ${(error as Error).message.split('\n')[0]}`;
  }
}

describe('the CEL conformance suite', () => {
  const outcomes = new Map(cases.map(([name, test]) => [name, outcome(test)]));

  it('covers what our expressions are made of', () => {
    const counted = [...outcomes.values()].filter((o) => o !== 'not ours');
    expect(counted.length).toBeGreaterThan(450);
  });

  it('agrees with our CEL, but for the deviations that are named', () => {
    const found = [...outcomes].filter(([, o]) => o !== 'not ours' && o !== 'conforms');
    expect(found.map(([name]) => name).sort()).toEqual(Object.keys(deviations).sort());
  });

  it('refuses, rather than answers otherwise, what is called stricter', () => {
    for (const [name, why] of Object.entries(deviations)) {
      if (why.startsWith('stricter')) expect(outcomes.get(name), name).toMatch(/^refused: \S/);
    }
  });
});
