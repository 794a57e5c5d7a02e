import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CompiledTest } from '../../src/controls/compile.ts';
import {
  evaluateControls,
  evaluateTest,
  type SliceInput,
  sliceInput,
} from '../../src/evaluate/evaluate.ts';
import { createLookups } from '../../src/evaluate/lookups.ts';
import { canonicalJson, type JsonObject } from '../../src/evidence/json.ts';
import type { Judged } from '../../src/evidence/result.ts';
import type { EvidenceRecord, SliceHeader } from '../../src/evidence/slice.ts';
import { compileTest, compileText, controlText, testText } from '../controls/support.ts';

const now = new Date('2026-01-01T12:00:00Z');
const observedAt = '2026-01-01T11:00:00Z';
const account = '123456789012';

function header(parts: Partial<SliceHeader> = {}): SliceHeader {
  return {
    dataset: 'aws.iam.users',
    version: 1,
    source: 'production',
    scope: account,
    kind: 'snapshot',
    observed_at: observedAt,
    outcome: 'complete',
    problems: [],
    tie_outs: [],
    ...parts,
  };
}

const accountsHeader = (parts: Partial<SliceHeader> = {}) =>
  header({ dataset: 'aws.organizations.accounts', ...parts });

function record(name: string, fields: JsonObject): EvidenceRecord {
  return { uid: `arn:${name}`, name, fields, original: null, calls: [] };
}

const denied = {
  code: 'AccessDenied',
  message: 'iam:ListUsers is denied',
  severity: 'error',
} as const;

const mfa = compileTest({
  where: 'user.console',
  expect: 'user.mfa_active',
  message: 'second factor: {{ user.mfa_active }}',
});

const joined = compileTest({
  expect: 'user.mfa_active || account.exists(a, a.kind == "member")',
  message: 'accounts: {{ account.map(a, a.name) }}',
  lookups: {
    account: { in: 'aws.organizations.accounts', key: 'owner', equals: 'user.boundary' },
  },
});

function evaluate(
  test: CompiledTest,
  slices: SliceInput[],
  others: Record<string, SliceInput[]> = {},
): Judged[] {
  const lookups = createLookups((dataset) => others[dataset] ?? [], now);
  return [...evaluateTest(test, slices, lookups, { run: 'r1', now })];
}

/** `name status: reason` of each result. */
function rows(...parameters: Parameters<typeof evaluate>): string[] {
  return evaluate(...parameters).map((r) => `${r.resource.name} ${r.status}: ${r.reason}`);
}

const yes = { console: true, mfa_active: true };
const no = { console: true, mfa_active: false };
const outside = { console: false, mfa_active: false };

describe('a field that a collector left out and said why', () => {
  const untold = { mfa_active: 'only owners are told', kind: 'another', owner: 'third' };

  it('gives its sentence as the reason', () => {
    const alice = { ...record('alice', { console: true }), untold };
    expect(rows(mfa, [sliceInput(header(), [alice])])).toEqual([
      'alice error: mfa_active could not be told: only owners are told',
    ]);
  });

  it('gives it for a record that was looked up too', () => {
    const bob = record('bob', { console: true, mfa_active: false, boundary: 'b' });
    const account = { ...record('production', { owner: 'b' }), untold };
    const accounts = { 'aws.organizations.accounts': [sliceInput(accountsHeader(), [account])] };
    expect(rows(joined, [sliceInput(header(), [bob])], accounts)).toEqual([
      'bob error: a.kind could not be told: another',
    ]);
  });
});

describe('slices of one scope', () => {
  it('that answer for intervals have a row of their own each', () => {
    const gap = { code: 'OutOfReach', message: 'too long ago', severity: 'error' } as const;
    const part = (start: string, end: string, over: Partial<SliceHeader>) =>
      sliceInput(
        header({ kind: 'events', interval: { start, end, covered_since: start }, ...over }),
        [],
      );
    const results = evaluate(mfa, [
      part('2026-01-05', '2026-01-06', { outcome: 'failed', problems: [denied] }),
      part('2026-01-01', '2026-01-05', { outcome: 'failed', problems: [gap] }),
    ]);
    expect(results.map(({ resource, reason }) => [resource.uid, reason])).toEqual([
      [
        'production/123456789012/aws.iam.users 2026-01-01/2026-01-05',
        'not collected: too long ago',
      ],
      [
        'production/123456789012/aws.iam.users 2026-01-05/2026-01-06',
        'not collected: iam:ListUsers is denied',
      ],
    ]);
  });
});

describe('a complete slice', () => {
  it('gives the whole row', () => {
    const fields = { ...yes, logins: 3, created: '2025-01-01T00:00:00Z' };
    expect(evaluate(mfa, [sliceInput(header(), [record('alice', fields)])])).toEqual([
      {
        run: 'r1',
        control: 'AC-01',
        test: 'aws-iam-mfa',
        resource: { uid: 'arn:alice', name: 'alice', scope: account },
        status: 'pass',
        reason: 'second factor: true',
        observed: { console: true, mfa_active: true },
        observed_at: observedAt,
        dataset: 'aws.iam.users',
        source: 'production',
        about: 'resource',
      },
    ]);
  });

  it.each<[string, JsonObject, string]>([
    ['passes', yes, 'pass: second factor: true'],
    ['fails', no, 'fail: second factor: false'],
    ['is outside the population', outside, 'not_applicable: outside the population: user.console'],
    ['cannot tell the population', { mfa_active: true }, 'error: console could not be told'],
    ['cannot tell the fact', { console: true }, 'error: mfa_active could not be told'],
    ['holds null', { ...yes, mfa_active: null }, 'error: mfa_active could not be told'],
    ['holds text', { ...yes, mfa_active: 'yes' }, 'error: mfa_active could not be told'],
    ['is empty', {}, 'error: console could not be told'],
  ])('a record that %s', (_, fields, expected) => {
    const slices = [sliceInput(header(), [record('u', fields)])];
    expect(rows(mfa, slices)[0]).toBe(`u ${expected}`);
  });

  it('keeps the status where the message cannot be told', () => {
    const test = compileTest({ expect: 'user.mfa_active', message: '{{ user.logins }} times' });
    const slices = [sliceInput(header(), [record('a', yes), record('b', no)])];
    expect(rows(test, slices)).toEqual([
      'a pass: The user has a second factor (logins could not be told)',
      'b fail: The user has a second factor (logins could not be told)',
    ]);
  });

  it('leaves a field that is absent out of what was observed', () => {
    const [result] = evaluate(mfa, [sliceInput(header(), [record('a', { console: true })])]);
    expect(result?.observed).toEqual({ console: true });
  });

  it('shows a field as it was, not as it was decoded', () => {
    const test = compileTest({ expect: 'user.keys.all(k, k.last_rotated < now)' });
    const keys = [{ slot: 1, active: true, last_rotated: '2025-01-01T00:00:00Z', last_used: null }];
    const [result] = evaluate(test, [sliceInput(header(), [record('a', { keys })])]);
    expect(result).toMatchObject({ status: 'pass', observed: { keys } });
  });
});

describe('what places a row in the evidence', () => {
  const places = (slices: SliceInput[], test = mfa) =>
    evaluate(test, slices).map(({ about, source, resource }) => [about, source, resource.name]);

  it('is the source of the slice, where two have one scope', () => {
    const slices = [
      sliceInput(header({ source: 'second' }), [record('a', no)]),
      sliceInput(header(), [record('a', yes)]),
    ];
    expect(places(slices)).toEqual([
      ['resource', 'production', 'a'],
      ['resource', 'second', 'a'],
    ]);
  });

  it('is the slice for what was not collected, or is stale and empty', () => {
    const slices = [
      sliceInput(header({ outcome: 'partial', problems: [denied] }), [record('a', no)]),
      sliceInput(header({ scope: 'b', source: 'second', outcome: 'failed' }), []),
      sliceInput(header({ scope: 'c', observed_at: '2025-12-01T00:00:00Z' }), []),
    ];
    expect(places(slices)).toEqual([
      ['resource', 'production', 'a'],
      ['slice', 'production', account],
      ['slice', 'second', 'b'],
      ['slice', 'production', 'c'],
    ]);
  });

  it('is the whole test where there was nothing in the population', () => {
    expect(places([sliceInput(header(), [record('a', outside)])])).toEqual([
      ['resource', 'production', 'a'],
      ['test', '', 'aws.iam.users'],
    ]);
  });

  it('is the dataset of each test', () => {
    const each = evaluateControls(
      [compileText(controlText(testText({ expect: 'user.console' })))],
      () => [sliceInput(header(), [record('a', yes)])],
      { run: 'r1', now },
    );
    expect([...each].map(({ test, dataset }) => [test, dataset])).toEqual([
      ['aws-iam-mfa', 'aws.iam.users'],
    ]);
  });

  it("is an event's own time, whether the test reads it or not", () => {
    const test = compileTest({ expect: 'user.console' });
    const ofEvents = { ...test, types: { ...test.types, when: 'created' } };
    const created = '2025-06-01T00:00:00Z';
    const slices = [
      sliceInput(header({ outcome: 'partial', problems: [denied] }), [
        record('a', { ...yes, created }),
        record('b', { ...yes, created: null }),
        record('c', yes),
      ]),
    ];
    expect(
      evaluate(ofEvents, slices).map((row) => [row.resource.name, row.about, row.event_at]),
    ).toEqual([
      ['a', 'resource', created],
      ['b', 'resource', null],
      ['c', 'resource', null],
      [account, 'slice', undefined],
    ]);
    expect(evaluate(test, slices).some((row) => 'event_at' in row)).toBe(false);
  });
});

describe('nothing to judge', () => {
  it('is not tested where no source gives the dataset', () => {
    expect(evaluate(mfa, [])).toEqual([
      {
        run: 'r1',
        control: 'AC-01',
        test: 'aws-iam-mfa',
        resource: { uid: 'aws.iam.users', name: 'aws.iam.users', scope: '' },
        status: 'not_tested',
        reason: 'no configured source gives aws.iam.users',
        observed: {},
        observed_at: null,
        dataset: 'aws.iam.users',
        source: '',
        about: 'test',
      },
    ]);
  });

  it('did not operate where there is no record', () => {
    expect(rows(mfa, [sliceInput(header(), [])])).toEqual([
      'aws.iam.users not_tested: did not operate: nothing in the population (there is none)',
    ]);
  });

  it('did not operate where every record is outside', () => {
    const slices = [sliceInput(header(), [record('a', outside), record('b', outside)])];
    expect(rows(mfa, slices)).toEqual([
      'a not_applicable: outside the population: user.console',
      'b not_applicable: outside the population: user.console',
      'aws.iam.users not_tested: did not operate: nothing in the population (all 2 are outside the population)',
    ]);
  });

  it('operated if one scope had a population', () => {
    const slices = [
      sliceInput(header(), []),
      sliceInput(header({ scope: 'b' }), [record('a', yes)]),
    ];
    expect(rows(mfa, slices)).toEqual(['a pass: second factor: true']);
  });

  it.each(['partial', 'failed'] as const)(
    'is an error, not nothing, where a slice %s',
    (outcome) => {
      const statuses = evaluate(mfa, [
        sliceInput(header(), []),
        sliceInput(header({ scope: 'b', outcome }), []),
      ]).map((r) => r.status);
      expect(statuses).toEqual(['error']);
    },
  );

  it('is a control that only people can show', () => {
    const control = compileText(controlText(''));
    const results = [...evaluateControls([control], () => [], { run: 'r1', now })];
    expect(results).toMatchObject([
      {
        control: 'AC-01',
        test: '',
        status: 'not_tested',
        reason: 'a control that only people can show',
        dataset: '',
        source: '',
        about: 'test',
      },
    ]);
  });
});

describe('a slice that is not complete', () => {
  it('failed: one error for its scope', () => {
    const slices = [sliceInput(header({ outcome: 'failed', problems: [denied] }), [])];
    expect(evaluate(mfa, slices)).toMatchObject([
      {
        resource: { uid: `production/${account}/aws.iam.users`, name: account, scope: account },
        status: 'error',
        reason: 'not collected: iam:ListUsers is denied',
        observed: {},
        observed_at: observedAt,
      },
    ]);
  });

  it('failed without saying why', () => {
    expect(rows(mfa, [sliceInput(header({ outcome: 'failed' }), [])])).toEqual([
      `${account} error: not collected: the slice is marked failed`,
    ]);
  });

  const records = [record('a', yes), record('b', no), record('c', outside), record('d', {})];
  const expected = [
    'a error: iam:ListUsers is denied; read: second factor: true',
    'b fail: second factor: false',
    'c not_applicable: outside the population: user.console',
    'd error: console could not be told',
    `${account} error: not completely collected: iam:ListUsers is denied`,
  ];

  it('partial: a fail stays, a pass becomes an error, and one row says what is missing', () => {
    expect(
      rows(mfa, [sliceInput(header({ outcome: 'partial', problems: [denied] }), records)]),
    ).toEqual(expected);
  });

  it('is not believed to be complete against its own problems', () => {
    expect(rows(mfa, [sliceInput(header({ problems: [denied] }), records)])).toEqual(expected);
  });

  it('is not believed to be complete against its own tie-outs', () => {
    const tie_outs = [{ by: 'GetAccountSummary', expected: 3, found: 4 }];
    expect(rows(mfa, [sliceInput(header({ tie_outs }), [record('a', yes)])])).toEqual([
      'a error: GetAccountSummary counts 3, found 4; read: second factor: true',
      `${account} error: not completely collected: GetAccountSummary counts 3, found 4`,
    ]);
  });

  it('is complete with a note', () => {
    const problems = [{ ...denied, severity: 'note' as const }];
    expect(rows(mfa, [sliceInput(header({ problems }), [record('a', yes)])])).toEqual([
      'a pass: second factor: true',
    ]);
  });

  it('spares the other scopes', () => {
    const slices = [
      sliceInput(header({ scope: 'b' }), [record('b', yes)]),
      sliceInput(header({ scope: 'a', outcome: 'failed', problems: [denied] }), []),
    ];
    expect(rows(mfa, slices)).toEqual([
      'a error: not collected: iam:ListUsers is denied',
      'b pass: second factor: true',
    ]);
  });
});

describe('a stale observation', () => {
  const at = (observed_at: string) =>
    evaluate(mfa, [
      sliceInput(header({ observed_at }), [
        record('a', yes),
        record('b', no),
        record('c', outside),
      ]),
    ]).map((r) => r.status);

  it.each<[string, string[]]>([
    ['2025-12-31T12:00:00Z', ['pass', 'fail', 'not_applicable']],
    ['2025-12-31T11:59:59Z', ['error', 'error', 'not_applicable']],
    ['2026-01-01T12:05:00Z', ['pass', 'fail', 'not_applicable']],
    ['2026-01-01T12:05:01Z', ['error', 'error', 'not_applicable']],
    ['yesterday', ['error', 'error', 'not_applicable']],
  ])('observed at %s', (observed_at, statuses) => {
    expect(at(observed_at)).toEqual(statuses);
  });

  it('says so', () => {
    const slices = [
      sliceInput(header({ observed_at: '2025-12-01T00:00:00Z' }), [record('a', yes)]),
    ];
    expect(rows(mfa, slices)).toEqual([
      'a error: stale: observed at 2025-12-01T00:00:00Z, more than 24 hours before the run',
    ]);
  });

  it.each([[[]], [[record('c', outside)]]])(
    'of nothing proves no empty population (%#)',
    (records) => {
      const slices = [sliceInput(header({ observed_at: '2025-12-01T00:00:00Z' }), records)];
      expect(rows(mfa, slices).at(-1)).toMatch(new RegExp(`^${account} error: stale`));
    },
  );
});

describe('lookups', () => {
  const user = record('u', { ...no, boundary: 'bob' });
  const slices = [sliceInput(header(), [user])];
  const member = record('m', { account_id: '1', owner: 'bob', kind: 'member' });
  const management = record('x', { account_id: '2', owner: 'bob', kind: 'management' });
  const other = record('o', { account_id: '3', owner: 'eve', kind: 'member' });
  const look = (...others: SliceInput[]) =>
    rows(joined, slices, { 'aws.organizations.accounts': others });

  it.each<[string, SliceInput[], string]>([
    ['a match', [sliceInput(accountsHeader(), [other, member])], 'pass: accounts: m'],
    [
      'two matches, by uid',
      [sliceInput(accountsHeader(), [management, member])],
      'pass: accounts: m, x',
    ],
    [
      'matches in two slices, by uid',
      [
        sliceInput(accountsHeader(), [management]),
        sliceInput(accountsHeader({ scope: 'b' }), [member]),
      ],
      'pass: accounts: m, x',
    ],
    ['a match that fails', [sliceInput(accountsHeader(), [management])], 'fail: accounts: x'],
    ['no match', [sliceInput(accountsHeader(), [other])], 'fail: accounts: none'],
    [
      'a match in a partial slice',
      [sliceInput(accountsHeader({ outcome: 'partial', problems: [denied] }), [member])],
      `error: aws.organizations.accounts of ${account} is incomplete: iam:ListUsers is denied; read: accounts: m`,
    ],
    [
      'a failing match in a partial slice',
      [sliceInput(accountsHeader({ outcome: 'partial', problems: [denied] }), [management])],
      'fail: accounts: x',
    ],
    [
      'a match while another slice failed',
      [
        sliceInput(accountsHeader(), [member]),
        sliceInput(accountsHeader({ scope: 'b', outcome: 'failed', problems: [denied] }), []),
      ],
      'error: aws.organizations.accounts of b is incomplete: iam:ListUsers is denied; read: accounts: m',
    ],
    [
      'no match while another slice failed',
      [
        sliceInput(accountsHeader(), [other]),
        sliceInput(accountsHeader({ scope: 'b', outcome: 'failed', problems: [denied] }), []),
      ],
      'error: aws.organizations.accounts of b is incomplete: iam:ListUsers is denied',
    ],
    ['no slice', [], 'error: no configured source gives aws.organizations.accounts'],
    [
      'a stale match',
      [sliceInput(accountsHeader({ observed_at: '2025-12-01T00:00:00Z' }), [member])],
      `error: aws.organizations.accounts of ${account}: stale: observed at 2025-12-01T00:00:00Z, more than 24 hours before the run`,
    ],
    [
      'stale and no match',
      [sliceInput(accountsHeader({ observed_at: '2025-12-01T00:00:00Z' }), [other])],
      `error: aws.organizations.accounts of ${account}: stale: observed at 2025-12-01T00:00:00Z, more than 24 hours before the run`,
    ],
    [
      'no match and a record whose key could not be told',
      [sliceInput(accountsHeader(), [record('q', { account_id: '9', kind: 'member' })])],
      `error: owner of q in aws.organizations.accounts of ${account} could not be told`,
    ],
    [
      'a record whose key is null matches nothing',
      [
        sliceInput(accountsHeader(), [
          record('q', { account_id: '9', owner: null, kind: 'member' }),
        ]),
      ],
      'fail: accounts: none',
    ],
  ])('%s', (_, others, expected) => {
    expect(look(...others)).toEqual([`u ${expected}`]);
  });

  it('are not asked for where the answer does not depend on them', () => {
    const passes = [sliceInput(header(), [record('u', { ...yes, boundary: 'bob' })])];
    expect(evaluate(joined, passes)[0]?.status).toBe('pass');
  });

  it('of null need not be complete', () => {
    const none = [sliceInput(header(), [record('u', { ...no, boundary: null })])];
    expect(rows(joined, none)).toEqual(['u fail: accounts: none']);
  });

  it('of what could not be told are an error', () => {
    const untold = [sliceInput(header(), [record('u', no)])];
    const others = { 'aws.organizations.accounts': [sliceInput(accountsHeader(), [member])] };
    expect(rows(joined, untold, others)).toEqual(['u error: boundary could not be told']);
  });

  it('on a partial slice put no record outside the population', () => {
    const test = compileTest({
      where: 'account.exists(a, a.kind == "member")',
      expect: 'user.mfa_active',
      lookups: joined.definition.lookups,
    });
    const others = {
      'aws.organizations.accounts': [
        sliceInput(accountsHeader({ outcome: 'partial', problems: [denied] }), [management]),
      ],
    };
    expect(evaluate(test, slices, others)[0]?.status).toBe('error');
  });

  it('read the first of none as an error', () => {
    const test = compileTest({
      expect: 'account[0].kind == "member"',
      lookups: joined.definition.lookups,
    });
    const others = { 'aws.organizations.accounts': [sliceInput(accountsHeader(), [])] };
    expect(rows(test, slices, others)).toEqual(['u error: account[0]: there is no such record']);
  });
});

describe('order', () => {
  it('goes by control, test, scope and uid', () => {
    const tests = ['b', 'a'].map((id) => testText({ id, expect: 'user.mfa_active' })).join('\n');
    const controls = [
      compileText(controlText(testText({ id: 'c', expect: 'user.mfa_active' }), 'AC-02')),
      compileText(controlText(tests, 'AC-01')),
    ];
    const slices = [
      sliceInput(header({ scope: '2' }), [record('b', yes), record('a', yes)]),
      sliceInput(header({ scope: '1', outcome: 'partial' }), [record('z', yes), record('Z', yes)]),
    ];
    const slicesOf = (dataset: string) => (dataset === 'aws.iam.users' ? slices : []);
    const keys = [...evaluateControls(controls, slicesOf, { run: 'r', now })].map(
      (r) => `${r.control} ${r.test} ${r.resource.scope} ${r.resource.uid}`,
    );
    expect(keys).toHaveLength(15);
    expect(keys).toEqual([...keys].sort());
  });

  it('refuses records that are not sorted, each once', () => {
    for (const uids of [
      ['b', 'a'],
      ['a', 'a'],
    ]) {
      const slice = { header: header(), records: () => uids.map((uid) => record(uid, yes)) };
      expect(() => evaluate(mfa, [slice])).toThrow(
        expect.objectContaining({ code: 'IntegrityBroken' }),
      );
    }
  });

  it('yields while it reads', () => {
    let read = 0;
    const slice: SliceInput = {
      header: header(),
      *records() {
        for (const name of ['a', 'b', 'c']) {
          read++;
          yield record(name, yes);
        }
      },
    };
    const lookups = createLookups(() => [], now);
    const results = evaluateTest(mfa, [slice], lookups, { run: 'r', now });
    results.next();
    expect(read).toBe(1);
  });
});

describe('laws', () => {
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const fields = fc
    .record({
      console: maybe(fc.boolean()),
      mfa_active: maybe(fc.boolean()),
      boundary: maybe(fc.constantFrom('bob', 'eve', null)),
    })
    .map((f) => JSON.parse(JSON.stringify(f)) as JsonObject);
  const records = fc
    .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fields), {
      selector: (r) => r[0],
    })
    .map((list) => list.map(([name, f]) => record(name, f)));
  const accountRecords = fc
    .uniqueArray(
      fc.tuple(
        fc.constantFrom('m', 'n'),
        fc.constantFrom('bob', 'eve'),
        fc.constantFrom('member', 'management'),
      ),
      { selector: (r) => r[0] },
    )
    .map((list) =>
      list.map(([name, owner, kind]) => record(name, { account_id: name, owner, kind })),
    );
  const condition = fc.record({
    outcome: fc.constantFrom('complete', 'partial', 'failed'),
    problems: fc.constantFrom([], [], [denied]),
    observed_at: fc.constantFrom(observedAt, observedAt, '2025-12-01T00:00:00Z'),
  }) as fc.Arbitrary<Partial<SliceHeader>>;
  interface Parts {
    scope: string;
    condition: Partial<SliceHeader>;
    records: EvidenceRecord[];
  }
  const parts = (of: fc.Arbitrary<EvidenceRecord[]>): fc.Arbitrary<Parts[]> =>
    fc.uniqueArray(fc.record({ scope: fc.constantFrom('1', '2', '3'), condition, records: of }), {
      selector: (p) => p.scope,
    });
  const world = fc.record({ users: parts(records), accounts: parts(accountRecords) });
  const test = fc.constantFrom(mfa, joined);

  const run = (over: CompiledTest, { users, accounts }: { users: Parts[]; accounts: Parts[] }) =>
    evaluate(
      over,
      users.map((p) => sliceInput(header({ scope: p.scope, ...p.condition }), p.records)),
      {
        'aws.organizations.accounts': accounts.map((p) =>
          sliceInput(accountsHeader({ scope: p.scope, ...p.condition }), p.records),
        ),
      },
    );
  const isSound = (p: Parts) =>
    p.condition.outcome === 'complete' &&
    p.condition.problems?.length === 0 &&
    p.condition.observed_at === observedAt;
  const passes = (results: Judged[]) =>
    new Set(
      results
        .filter((r) => r.status === 'pass')
        .map((r) => `${r.resource.scope} ${r.resource.uid}`),
    );

  it('the order of slices and records changes no byte', () => {
    const shuffled = <T>(list: T[], seed: number): T[] =>
      list
        .map((item, index) => ({ item, key: Math.imul(index + 1, seed | 1) >>> 0 }))
        .sort((a, b) => a.key - b.key)
        .map(({ item }) => item);
    fc.assert(
      fc.property(test, world, fc.integer(), (over, w, seed) => {
        const mix = (list: Parts[]) =>
          shuffled(list, seed).map((p) => ({ ...p, records: shuffled(p.records, seed) }));
        const other = { users: mix(w.users), accounts: mix(w.accounts) };
        expect(canonicalJson(run(over, other))).toBe(canonicalJson(run(over, w)));
      }),
    );
  });

  it('a pass stands in a slice that is complete and fresh', () => {
    fc.assert(
      fc.property(test, world, (over, w) => {
        const sound = new Set(w.users.filter(isSound).map((p) => p.scope));
        for (const result of run(over, w)) {
          if (result.status === 'pass') expect(sound.has(result.resource.scope)).toBe(true);
        }
      }),
    );
  });

  it('a problem more never makes a pass', () => {
    fc.assert(
      fc.property(test, world, fc.nat(5), fc.boolean(), (over, w, pick, onUsers) => {
        const spoil = (list: Parts[]) =>
          list.map((p, index) =>
            index === pick % Math.max(1, list.length)
              ? { ...p, condition: { ...p.condition, problems: [denied] } }
              : p,
          );
        const worse = onUsers
          ? { ...w, users: spoil(w.users) }
          : { ...w, accounts: spoil(w.accounts) };
        const before = passes(run(over, w));
        for (const pass of passes(run(over, worse))) expect(before.has(pass)).toBe(true);
      }),
    );
  });

  it('every record is judged once in a slice that was read', () => {
    fc.assert(
      fc.property(test, world, (over, w) => {
        const results = run(over, w);
        for (const p of w.users) {
          const uids = results
            .filter((r) => r.resource.scope === p.scope && r.resource.uid.startsWith('arn:'))
            .map((r) => r.resource.uid);
          const expected =
            p.condition.outcome === 'failed' ? [] : p.records.map((r) => r.uid).sort();
          expect(uids).toEqual(expected);
        }
        expect(results.length).toBeGreaterThan(0);
      }),
    );
  });

  it('nothing that comes in is changed', () => {
    const freeze = <T>(value: T): T => {
      if (typeof value === 'object' && value !== null)
        Object.values(Object.freeze(value)).forEach(freeze);
      return value;
    };
    fc.assert(
      fc.property(test, world, (over, w) => {
        run(over, freeze(w));
      }),
    );
  });
});
