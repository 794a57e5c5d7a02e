import { describe, expect, it } from 'vitest';
import {
  coverage,
  isSameAcceptance,
  readWaivers,
  standingOn,
  type Waiver,
} from '../../src/controls/waivers.ts';
import { formatFault } from '../../src/yaml/fault.ts';

const tests = new Set(['aws-iam-mfa', 'aws-key-age', 'pi-store']);

const complete = `# Accepted by the risk committee.
waivers:
  - test: aws-iam-mfa
    resource: "svc-*"
    scope: "123456789012"
    reason: Break-glass user, kept in a safe
    approver: Grace Hopper
    from: 2025-03-01
    until: 2025-05-31
    compensating_control: Alarm on every sign-in
    ticket: SEC-123
  - { test: pi-store, resource: acme-tmp, reason: Scratch, approver: Ada, from: 2025-03-01, until: 2025-03-01 }
`;

const waiver: Waiver = {
  test: 'aws-iam-mfa',
  resource: 'svc-*',
  reason: 'Break-glass user',
  approver: 'Grace Hopper',
  from: '2025-03-01',
  until: '2025-05-31',
};

/** A file of waivers that are like the one above but for what is given. */
function fileOf(...changes: Record<string, unknown>[]): string {
  return JSON.stringify({ waivers: changes.map((change) => ({ ...waiver, ...change })) }, null, 1);
}

/** Every fault, as a person reads it. */
function faultsOf(text: string | Uint8Array): string[] {
  const read = readWaivers('waivers.yaml', text, tests);
  return read.ok ? [] : read.faults.map(formatFault);
}

describe('a file of waivers', () => {
  it('is read with everything in it', () => {
    expect(readWaivers('waivers.yaml', complete, tests)).toEqual({
      ok: true,
      value: [
        {
          test: 'aws-iam-mfa',
          resource: 'svc-*',
          scope: '123456789012',
          reason: 'Break-glass user, kept in a safe',
          approver: 'Grace Hopper',
          from: '2025-03-01',
          until: '2025-05-31',
          compensating_control: 'Alarm on every sign-in',
          ticket: 'SEC-123',
        },
        expect.objectContaining({ from: '2025-03-01', until: '2025-03-01' }),
      ],
    });
  });

  it('may hold none', () => {
    expect(readWaivers('waivers.yaml', 'waivers: []\n', tests)).toEqual({ ok: true, value: [] });
  });

  it('tells everything that is wrong at once, with its place, in the order of the file', () => {
    const text = `waivers:
  - test: aws-iam-mfaa
    resource: ""
    reason: "  "
    approver: Grace Hopper
    from: 2025-03-01
    until: 2025-02-28
    aprover: Ada
  - test: aws-key-age
    resource: ada
    scope: 123456789012
    reason: Old
    approver: Ada
    from: 2025-02-29
  - test: aws-key-agee
    resource: ada
    reason: Old
    approver: Ada
    from: 2025-02-01
    until: 2025-03-01
`;
    expect(faultsOf(text)).toEqual([
      expect.stringMatching(/^waivers\.yaml:3:15 waivers\[0\]\.resource: expected a pattern/),
      expect.stringMatching(
        /^waivers\.yaml:4:13 waivers\[0\]\.reason: expected words, found " {2}"/,
      ),
      expect.stringMatching(
        /^waivers\.yaml:7:12 waivers\[0\]\.until: the waiver ends before it begins, found "2025-02-28"/,
      ),
      expect.stringMatching(/:8:5 waivers\[0\]\.aprover: unknown key; did you mean "approver"\?/),
      expect.stringMatching(/^waivers\.yaml:9:5 waivers\[1\]\.until: missing/),
      expect.stringMatching(/:11:12 waivers\[1\]\.scope: .*write "123456789012" in quotes/),
      expect.stringMatching(/:14:11 waivers\[1\]\.from: expected a day as YYYY-MM-DD/),
      expect.stringMatching(/:15:11 waivers\[2\]\.test: .*did you mean "aws-key-age"\?/),
    ]);
  });

  it.each([
    ['nothing', '', /the file is empty; .*`waivers: \[\]`/],
    ['comments only', '# nothing yet\n', /the file is empty/],
    ['no list', 'waivers: all\n', /waivers: expected a list, found "all"/],
    ['another file', 'organization: Acme\n', /unknown key/],
    ['what is no YAML', 'waivers: [', /waivers\.yaml:\d+:\d+/],
    ['a list of words', 'waivers: [all]\n', /waivers\[0\]: expected a map, found "all"/],
  ])('is refused that holds %s', (_what, text, message) => {
    expect(faultsOf(text).join('\n')).toMatch(message);
  });

  it('is refused in another encoding', () => {
    expect(faultsOf(Buffer.from('waivers: []\n', 'utf16le'))).toEqual([
      expect.stringContaining('UTF-8'),
    ]);
  });

  it('is refused with text that could not be sealed', () => {
    expect(faultsOf(fileOf({ reason: '\ud800' }))).toEqual([expect.stringContaining('UTF-8')]);
  });

  it('does not ask whether the tests are known, where they are not given: they may be gone', () => {
    const text = fileOf({ test: 'a-test-of-before' });
    expect(faultsOf(text)).toEqual([expect.stringContaining('there is no test')]);
    expect(readWaivers('waivers.yaml', text)).toMatchObject({ ok: true });
  });

  it('names a waiver that accepts again what one before it accepts', () => {
    expect(
      faultsOf(fileOf({}, { resource: 'other' }, { from: '2025-05-31', until: '2025-07-31' })),
    ).toEqual([
      expect.stringMatching(
        /waivers\[2\]: waivers\[0\] accepts the same from 2025-03-01 to 2025-05-31; keep one, or let this one begin after it/,
      ),
    ]);
  });

  it('may renew a waiver from the day after, and accept other scopes', () => {
    const text = fileOf(
      {},
      { from: '2025-06-01', until: '2025-07-31' },
      { scope: '123456789012' },
      { scope: '210987654321' },
      { test: 'aws-key-age' },
    );
    expect(faultsOf(text)).toEqual([]);
  });
});

describe('isSameAcceptance', () => {
  const on = (from: string, until: string) => ({ ...waiver, from, until });

  it.each([
    ['2025-02-01', '2025-02-28', false],
    ['2025-02-01', '2025-03-01', true],
    ['2025-04-01', '2025-04-02', true],
    ['2025-05-31', '2025-06-30', true],
    ['2025-06-01', '2025-06-30', false],
  ])('%s to %s beside 1 March to 31 May: %s', (from, until, same) => {
    expect(isSameAcceptance(waiver, on(from, until))).toBe(same);
    expect(isSameAcceptance(on(from, until), waiver)).toBe(same);
  });
});

describe('standingOn', () => {
  it.each([
    ['2025-02-28', 'not yet in force'],
    ['2025-03-01', 'in force'],
    ['2025-05-31', 'in force'],
    ['2025-06-01', 'expired'],
  ])('on %s: %s', (day, standing) => {
    expect(standingOn(waiver, day)).toBe(standing);
  });
});

describe('coverage', () => {
  const uid = 'arn:aws:iam::123456789012:user/svc-a';
  const result = {
    test: 'aws-iam-mfa',
    resource: { uid, name: 'svc-a', scope: '123456789012' },
  };

  it.each([
    ['by name', {}, true],
    ['by uid', { resource: uid }, true],
    ['by uid and star', { resource: 'arn:*:user/svc-*' }, true],
    ['not by a part of the name', { resource: 'svc' }, false],
    ['not of another test', { test: 'aws-key-age' }, false],
    ['in its scope', { scope: '123456789012' }, true],
    ['in scopes by pattern', { scope: '1234*' }, true],
    ['not in another scope', { scope: '210987654321' }, false],
    ['not in a region of its scope, unless it says so', { scope: '123456789012/*' }, false],
  ])('%s', (_what, change, covers) => {
    expect(coverage({ ...waiver, ...change })(result)).toBe(covers);
  });
});
