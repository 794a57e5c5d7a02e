import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Waiver } from '../../src/controls/waivers.ts';
import { applyWaivers } from '../../src/evaluate/waivers.ts';
import { type Judged, type Status, statuses } from '../../src/evidence/result.ts';

const waiver: Waiver = {
  test: 'aws-iam-mfa',
  resource: 'svc-*',
  reason: 'Break-glass user, kept in a safe',
  approver: 'Grace Hopper',
  from: '2025-03-01',
  until: '2025-05-31',
  ticket: 'SEC-123',
};

function judged(name: string, status: Status = 'fail', over: Partial<Judged> = {}): Judged {
  return {
    run: 'r1',
    control: 'AC-02',
    test: 'aws-iam-mfa',
    resource: { uid: `arn:${name}`, name, scope: '123456789012' },
    status,
    reason: `${name} has no MFA device`,
    observed: { mfa_active: false },
    observed_at: '2025-04-01T02:00:00Z',
    dataset: 'aws.iam.credential_report',
    source: 'production',
    about: 'resource',
    ...over,
  };
}

function apply(
  results: Judged[],
  waivers: Waiver[],
  asOf = '2025-04-01T02:00:00Z',
  timezone = 'UTC',
): Judged[] {
  return [...applyWaivers(results, { waivers, timezone }, new Date(asOf))];
}

const statusesOf = (results: Judged[]) => results.map(({ status }) => status);

describe('a fail under a waiver in force', () => {
  it('is waived, says by whom and why, and changes nothing else', () => {
    const fail = judged('svc-backup');
    expect(apply([fail], [waiver])).toEqual([
      {
        ...fail,
        status: 'waived',
        reason:
          'waived until 2025-05-31 by Grace Hopper (SEC-123): Break-glass user, kept in a safe; svc-backup has no MFA device',
      },
    ]);
  });

  it('names no ticket where there is none, and says it in one line', () => {
    const { ticket: _ticket, ...without } = waiver;
    const [row] = apply([judged('svc-a')], [{ ...without, reason: 'Kept\n  in a safe\n' }]);
    expect(row?.reason).toBe(
      'waived until 2025-05-31 by Grace Hopper: Kept in a safe; svc-a has no MFA device',
    );
  });

  it('goes by the first waiver in the file that covers it', () => {
    const other = { ...waiver, resource: 'svc-a', approver: 'Ada Lovelace' };
    expect(apply([judged('svc-a')], [other, waiver])[0]?.reason).toContain('Ada Lovelace');
    expect(apply([judged('svc-a')], [waiver, other])[0]?.reason).toContain('Grace Hopper');
    const expired = { ...other, from: '2025-01-01', until: '2025-01-31' };
    expect(apply([judged('svc-a')], [expired, waiver])[0]?.reason).toContain('Grace Hopper');
  });
});

it.each(statuses.filter((status) => status !== 'fail'))('%s stays what it is', (status) => {
  const row = judged('svc-a', status);
  expect(apply([row], [waiver])).toEqual([row]);
});

it('a fail that no waiver covers stays one', () => {
  const rows = [
    judged('ada'),
    judged('svc-a', 'fail', { test: 'aws-key-age' }),
    judged('svc-a', 'fail', { resource: { uid: 'x', name: 'svc-a', scope: '210987654321' } }),
  ];
  expect(apply(rows, [{ ...waiver, scope: '123456789012' }])).toEqual(rows);
});

describe('the days of a waiver', () => {
  // 1 March to 31 May, each both included, as clocks on the wall have them.
  it.each([
    ['UTC', '2025-02-28T23:59:59.999Z', 'fail'],
    ['UTC', '2025-03-01T00:00:00.000Z', 'waived'],
    ['UTC', '2025-05-31T23:59:59.999Z', 'waived'],
    ['UTC', '2025-06-01T00:00:00.000Z', 'fail'],
    // Winter time at its beginning, summer time at its end.
    ['Europe/Berlin', '2025-02-28T22:59:59.999Z', 'fail'],
    ['Europe/Berlin', '2025-02-28T23:00:00.000Z', 'waived'],
    ['Europe/Berlin', '2025-05-31T21:59:59.999Z', 'waived'],
    ['Europe/Berlin', '2025-05-31T22:00:00.000Z', 'fail'],
    ['America/Los_Angeles', '2025-03-01T07:59:59.999Z', 'fail'],
    ['America/Los_Angeles', '2025-03-01T08:00:00.000Z', 'waived'],
    ['America/Los_Angeles', '2025-06-01T06:59:59.999Z', 'waived'],
    ['America/Los_Angeles', '2025-06-01T07:00:00.000Z', 'fail'],
    ['Pacific/Kiritimati', '2025-02-28T10:00:00.000Z', 'waived'],
    ['Pacific/Kiritimati', '2025-05-31T10:00:00.000Z', 'fail'],
  ])('in %s at %s: %s', (timezone, asOf, status) => {
    expect(statusesOf(apply([judged('svc-a')], [waiver], asOf, timezone))).toEqual([status]);
  });

  it.each([
    ['2025-03-30', '2025-03-29T23:00:00.000Z', '2025-03-30T21:59:59.999Z'],
    ['2025-10-26', '2025-10-25T22:00:00.000Z', '2025-10-26T22:59:59.999Z'],
  ])('on %s, when the clocks change in Berlin, it is that day', (day, first, last) => {
    const only = [{ ...waiver, from: day, until: day }];
    const at = (time: string, by: number) =>
      statusesOf(
        apply(
          [judged('svc-a')],
          only,
          new Date(Date.parse(time) + by).toISOString(),
          'Europe/Berlin',
        ),
      )[0];
    expect([at(first, -1), at(first, 0), at(last, 0), at(last, 1)]).toEqual([
      'fail',
      'waived',
      'waived',
      'fail',
    ]);
  });
});

it('whatever the waivers: each row stays in its place, and only fails that one covers are waived', () => {
  const name = fc.constantFrom('svc-a', 'svc-b', 'ada', 'bob');
  const row = fc
    .tuple(name, fc.constantFrom(...statuses), fc.constantFrom('aws-iam-mfa', 'aws-key-age'))
    .map(([each, status, test]) => judged(each, status, { test }));
  const day = fc.constantFrom('2025-03-30', '2025-03-31', '2025-04-01', '2025-04-02');
  const some = fc.record({
    test: fc.constantFrom('aws-iam-mfa', 'aws-key-age'),
    resource: fc.constantFrom('svc-*', '*', 'ada', 'arn:b*', 'svc-a'),
    from: day,
    until: day,
  });
  fc.assert(
    fc.property(fc.array(row), fc.array(some), (rows, changes) => {
      const waivers = changes.map((change) => ({ ...waiver, ...change }));
      const after = apply(rows, waivers);
      expect(after.length).toBe(rows.length);
      for (const [index, before] of rows.entries()) {
        const covered = waivers.some(
          ({ test, resource, from, until }) =>
            test === before.test &&
            from <= '2025-04-01' &&
            until >= '2025-04-01' &&
            (resource === '*' ||
              resource === before.resource.name ||
              (resource === 'svc-*' && before.resource.name.startsWith('svc-')) ||
              (resource === 'arn:b*' && before.resource.name === 'bob')),
        );
        const { status, reason, ...rest } = after[index] as Judged;
        const { status: was, reason: fact, ...same } = before;
        expect(rest).toEqual(same);
        expect(status).toBe(was === 'fail' && covered ? 'waived' : was);
        expect(reason.endsWith(fact)).toBe(true);
        if (status === was) expect(reason).toBe(fact);
      }
    }),
  );
});
