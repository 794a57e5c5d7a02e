import { describe, expect, it } from 'vitest';
import { compileControls } from '../../src/controls/compile.ts';
import { parseYaml } from '../../src/yaml/document.ts';
import { formatFault } from '../../src/yaml/fault.ts';
import {
  compileTest,
  compileText,
  controlText,
  datasets,
  faultsOf,
  loadText,
  testText,
} from './support.ts';

const expression = { expect: 'user.mfa_active' };

function faults(parts: Record<string, unknown>): string[] {
  return faultsOf(() => compileTest(parts)).faults.map(
    (f) => `${f.line}:${f.column} ${f.path}: ${f.message}`,
  );
}

function messagesOf(parts: Record<string, unknown>): string[] {
  return faults(parts).map((line) => line.replace(/^\d+:\d+ /, ''));
}

describe('compileControls', () => {
  it('knows what a test reads', () => {
    const test = compileTest({
      where: 'user.console',
      expect: 'account.exists(a, a.kind == "member") && user.mfa_active',
      message: '{{ user.groups }} of {{ user.name }}',
      lookups: {
        account: {
          in: 'aws.organizations.accounts',
          key: 'account_id',
          equals: 'user.account_id',
        },
      },
    });
    expect(test.reads).toEqual(['account_id', 'console', 'groups', 'mfa_active']);
  });

  it('shows the place inside the file, with a caret', () => {
    const text = controlText(
      [
        '  - id: aws-iam-mfa',
        '    title: t',
        '    over: aws.iam.users',
        '    as: user',
        '    expect: >-',
        '      user.console &&',
        '        user.mfa_activ',
        '    message: m',
        '    remediation: r',
      ].join('\n'),
    );
    const [fault] = faultsOf(() => compileText(text)).faults;
    expect(fault && formatFault(fault)).toBe(
      [
        'AC-01-users.yaml:15:14 tests[0].expect: aws.iam.users has no field "mfa_activ"; did you mean "mfa_active"?',
        '          user.mfa_activ',
        '               ^',
      ].join('\n'),
    );
  });

  it('reports every fault at once', () => {
    expect(
      messagesOf({
        where: 'user.consol',
        expect: 'user.name',
        message: '{{ user.nam }}',
        lookups: {
          account: { in: 'aws.organizations.accounts', key: 'id', equals: 'user.logins' },
        },
      }),
    ).toEqual([
      'tests[0].lookups.account.key: aws.organizations.accounts has no field "id"',
      'tests[0].where: aws.iam.users has no field "consol"; did you mean "console"?',
      'tests[0].expect: expected bool, this is string',
      'tests[0].message: aws.iam.users has no field "nam"; did you mean "name"?',
    ]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      'an unknown dataset',
      { over: 'aws.iam.user' },
      'tests[0].over: there is no dataset "aws.iam.user"; did you mean "aws.iam.users"?',
    ],
    [
      'a taken name',
      { as: 'now', expect: 'now.console' },
      'tests[0].as: "now" is taken; choose another name',
    ],
    ['a word of CEL', { as: 'in' }, 'tests[0].as: "in" is taken; choose another name'],
    [
      'a name that CEL has given away',
      { as: 'string' },
      expect.stringMatching(/^tests\[0\]: a name cannot be used: .*'string'/),
    ],
    [
      'a parameter that nothing reads',
      { parameters: { max: { default: 1, description: 'd' } } },
      'tests[0].parameters.max: no expression reads it',
    ],
    [
      'a lookup that nothing reads',
      {
        lookups: {
          a: { in: 'aws.organizations.accounts', key: 'account_id', equals: 'user.account_id' },
        },
      },
      'tests[0].lookups.a: no expression reads it',
    ],
    [
      'a lookup of another kind of value',
      {
        expect: 'a.size() == 1',
        lookups: {
          a: { in: 'aws.organizations.accounts', key: 'account_id', equals: 'user.logins' },
        },
      },
      'tests[0].lookups.a.equals: is int, and aws.organizations.accounts.account_id is string',
    ],
    [
      'a lookup in a lookup',
      {
        expect: 'a.size() == 1',
        lookups: {
          a: { in: 'aws.organizations.accounts', key: 'account_id', equals: 'a[0].account_id' },
        },
      },
      expect.stringContaining('unknown name "a"'),
    ],
    [
      'a lookup called as the record',
      {
        expect: 'user.console',
        lookups: {
          user: { in: 'aws.organizations.accounts', key: 'account_id', equals: 'user.account_id' },
        },
      },
      'tests[0].lookups.user: "user" is taken; choose another name',
    ],
  ])('refuses %s', (_, parts, message) => {
    expect(messagesOf({ ...expression, ...parts })).toContainEqual(message);
  });

  it('lets a lookup compare a value that may be null', () => {
    const test = compileTest({
      expect: 'a.size() == 1',
      lookups: {
        a: { in: 'aws.organizations.accounts', key: 'owner', equals: 'user.boundary' },
      },
    });
    expect(test.lookups).toHaveLength(1);
  });

  it('sorts tests by id', () => {
    const text = controlText(
      `${testText({ ...expression, id: 'b' })}\n${testText({ ...expression, id: 'a' })}`,
    );
    expect(compileText(text).tests.map((test) => test.id)).toEqual(['a', 'b']);
  });

  it('refuses a dataset that breaks the contract, where it is used', () => {
    const odd = new Map([...datasets]);
    const users = odd.get('aws.iam.users');
    if (users === undefined) throw new Error('no users');
    odd.set('aws.iam.users', { ...users, fields: users.fields.extend({ in: users.fields }) });
    const loaded = loadText(controlText(testText(expression)));
    const error = faultsOf(() => compileControls([loaded], odd));
    expect(error.faults[0]).toMatchObject({
      path: 'tests[0].over',
      message: expect.stringContaining('reserved'),
    });
  });
});

describe('parameters', () => {
  const parts = {
    expect:
      'user.logins < params.max && user.score < params.share && params.names.exists(n, user.name.glob(n)) && params.on && params.word == "a" && params.map["a"] == "b"',
    parameters: {
      max: { default: 90, description: 'd' },
      share: { default: 0.5, description: 'd' },
      names: { default: [], description: 'd' },
      on: { default: true, description: 'd' },
      word: { default: 'a', description: 'd' },
      map: { default: { a: 'b' }, description: 'd' },
    },
  };
  const configText = (value: unknown) => `parameters: ${JSON.stringify(value)}`;
  const compileWith = (parameters: Record<string, never>) => {
    const parsed = parseYaml('tickmark.yaml', configText(parameters));
    if (!parsed.ok) throw new Error('not YAML');
    return compileText(controlText(testText(parts)), { parameters, fault: parsed.value.fault });
  };

  it('take the values of the configuration', () => {
    const good = { max: 30, share: 1, names: ['a*'], on: false, word: 'x', map: {} };
    const { tests } = compileWith({ 'aws-iam-mfa': good } as never);
    expect(tests[0]?.parameters).toEqual(good);
  });

  it('are refused in the configuration file, all at once', () => {
    const bad = {
      'aws-iam-mfa': {
        max: 1.5,
        share: 'x',
        names: ['a', 1],
        on: 'yes',
        word: 1,
        map: ['a'],
        mx: 1,
      },
      'aws-iam-mfaa': {},
    };
    const error = faultsOf(() => compileWith(bad as never));
    expect(error.code).toBe('InvalidConfiguration');
    expect(error.faults.map((f) => `${f.file} ${f.path}: ${f.message}`)).toEqual([
      'tickmark.yaml parameters.aws-iam-mfaa: there is no test "aws-iam-mfaa"; did you mean "aws-iam-mfa"?',
      'tickmark.yaml parameters.aws-iam-mfa.max: expected a whole number, as its default is',
      'tickmark.yaml parameters.aws-iam-mfa.share: expected a number, as its default is',
      'tickmark.yaml parameters.aws-iam-mfa.names: expected a list of text, as its default is',
      'tickmark.yaml parameters.aws-iam-mfa.on: expected true or false, as its default is',
      'tickmark.yaml parameters.aws-iam-mfa.word: expected text, as its default is',
      'tickmark.yaml parameters.aws-iam-mfa.map: expected a map of text, as its default is',
      'tickmark.yaml parameters.aws-iam-mfa.mx: the test has no parameter "mx"; did you mean "max"?',
    ]);
  });
});
