import type { Slice } from '../../src/evidence/slice.ts';
import type { Draft } from '../../src/store/store.ts';

/** A manifest of nothing, as a starting point. */
export function draft(over: Partial<Draft> = {}): Draft {
  return {
    format: 'tickmark-bundle/1',
    run: '20260101T020000Z-0a1b2c',
    kind: 'collect',
    evidence_of: null,
    started_at: '2026-01-01T02:00:00.000Z',
    finished_at: '2026-01-01T02:00:09.000Z',
    clock: 'system',
    answers: 'live',
    tool: { name: 'tickmark', version: '0.1.0', commit: null },
    operator: { user: 'ci', host: 'runner' },
    organization: 'Acme, Inc.',
    timezone: 'UTC',
    configuration: '0'.repeat(64),
    parameters: {},
    controls: [],
    waivers: null,
    sources: [],
    slices: [],
    results: null,
    ...over,
  };
}

/** A complete slice of three users. */
export function slice(over: Partial<Slice> = {}): Slice {
  return {
    dataset: 'aws.iam.users',
    version: 1,
    source: 'production',
    scope: '123456789012',
    kind: 'snapshot',
    observed_at: '2026-01-01T02:00:01.000Z',
    outcome: 'complete',
    problems: [],
    tie_outs: [],
    records: ['alice', 'bob', 'carol'].map((name) => ({
      uid: `arn:aws:iam::123456789012:user/${name}`,
      name,
      fields: { arn: `arn:aws:iam::123456789012:user/${name}` },
      original: { UserName: name },
      calls: ['iam:ListUsers'],
    })),
    calls: [],
    ...over,
  };
}
