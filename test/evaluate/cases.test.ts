import { describe, expect, it } from 'vitest';
import { runCases } from '../../src/evaluate/cases.ts';
import { compileTest } from '../controls/support.ts';

const lookups = {
  account: { in: 'aws.organizations.accounts', key: 'account_id', equals: 'user.account_id' },
};

function run(cases: object[], parts: object = {}) {
  return runCases(
    compileTest({
      where: 'user.console',
      expect: 'user.logins < params.max',
      message: '{{ user.name }}: {{ user.logins }}',
      parameters: { max: { default: 10, description: 'd' } },
      cases,
      ...parts,
    }),
  );
}

describe('runCases', () => {
  it('tells what came out as expected and what did not', () => {
    const base = { console: true };
    const { outcomes, faults } = run([
      { name: 'few', record: { ...base, logins: 1 }, status: 'pass' },
      {
        name: 'named',
        record: { ...base, name: 'alice', logins: 1 },
        status: 'pass',
        reason: 'alice: 1',
      },
      {
        name: 'other words',
        record: { ...base, name: 'alice', logins: 1 },
        status: 'pass',
        reason: 'alice: 2',
      },
      { name: 'many', record: { ...base, logins: 10 }, status: 'fail' },
      { name: 'wrong', record: { ...base, logins: 10 }, status: 'pass' },
      {
        name: 'more allowed',
        record: { ...base, logins: 10 },
        parameters: { max: 11 },
        status: 'pass',
      },
      { name: 'outside', record: { console: false }, status: 'not_applicable' },
      { name: 'untold', record: base, status: 'error', reason: 'logins could not be told' },
    ]);
    expect(faults).toEqual([]);
    expect(outcomes.filter((o) => !o.ok).map((o) => [o.name, o.actual])).toEqual([
      ['other words', { status: 'pass', reason: 'alice: 1' }],
      ['wrong', { status: 'fail', reason: 'case: 10' }],
    ]);
    expect(outcomes).toHaveLength(8);
  });

  it('joins the looked-up records by their key', () => {
    const record = { account_id: '1' };
    const member = { account_id: '1', kind: 'member' };
    const { outcomes } = run(
      [
        { name: 'found', record, lookups: { account: [member] }, status: 'pass' },
        {
          name: 'of another',
          record,
          lookups: { account: [{ ...member, account_id: '2' }] },
          status: 'fail',
        },
        { name: 'empty', record, lookups: { account: [] }, status: 'fail' },
        { name: 'not collected', record, status: 'error' },
      ],
      {
        where: 'true',
        expect: 'account.exists(a, a.kind == "member")',
        message: 'm',
        lookups,
        parameters: {},
      },
    );
    expect(outcomes.filter((o) => !o.ok)).toEqual([]);
  });

  it('goes by the time of the case', () => {
    const record = { created: '2020-01-01T00:00:00Z' };
    const { outcomes } = run(
      [
        { name: 'then', record, now: '2020-01-02T00:00:00Z', status: 'pass' },
        { name: 'later', record, status: 'fail' },
      ],
      { where: 'true', expect: 'now - user.created < days(2)', message: 'm', parameters: {} },
    );
    expect(outcomes.every((o) => o.ok)).toBe(true);
  });

  it('refuses data that no collector could have given', () => {
    const { outcomes, faults } = run([
      { name: 'a', record: { console: 'yes' }, status: 'pass' },
      { name: 'b', record: { consol: true }, status: 'pass' },
      { name: 'c', record: { keys: [{ slot: 1, activ: true }] }, status: 'pass' },
      { name: 'd', record: { name: 1 }, status: 'pass' },
      { name: 'e', record: {}, parameters: { mx: 1 }, status: 'pass' },
      { name: 'f', record: {}, lookups: { other: [] }, status: 'pass' },
      {
        name: 'g',
        record: { kind: 'robot', settings: { note: 'n', deep: { on: true, of: 1 } } },
        status: 'pass',
      },
    ]);
    expect(outcomes).toEqual([]);
    expect(faults.map((f) => `${f.path}: ${f.message}`)).toEqual([
      'tests[0].cases[0].record.console: expected true or false, found "yes"',
      'tests[0].cases[1].record.consol: aws.iam.users has no such field',
      'tests[0].cases[2].record.keys[0].active: missing; expected true or false',
      'tests[0].cases[2].record.keys[0].last_rotated: missing; expected text',
      'tests[0].cases[2].record.keys[0].last_used: missing; expected text',
      'tests[0].cases[3].record.name: expected text, found the number 1: write "1" in quotes (ids are quoted; unquoted, YAML reads 1.10 as 1.1)',
      'tests[0].cases[4].parameters.mx: the test has no parameter "mx"; did you mean "max"?',
      'tests[0].cases[5].lookups.other: the test has no such lookup',
      'tests[0].cases[6].record.kind: expected one of person, service, found "robot"',
    ]);
  });

  it('refuses a key deep inside that the schema does not know', () => {
    const { faults } = run([
      { name: 'g', record: { settings: { note: 'n', deep: { on: true, of: 1 } } }, status: 'pass' },
    ]);
    expect(faults.map((f) => f.path)).toEqual(['tests[0].cases[0].record.settings.deep.of']);
    expect(faults[0]?.line).toBeGreaterThan(1);
  });
});
