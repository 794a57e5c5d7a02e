import { describe, expect, it } from 'vitest';
import {
  compile,
  compileTemplate,
  describeFailure,
  environment,
  formatValue,
  type Program,
  type Vocabulary,
} from '../../src/controls/cel.ts';
import { datasetTypes } from '../../src/controls/dataset-types.ts';
import { accounts, users } from './support.ts';

const record = datasetTypes(users);
const other = datasetTypes(accounts);
const vocabulary: Vocabulary = {
  messages: new Map([...record.messages, ...other.messages]),
  variables: {
    user: record.name,
    account: `list<${other.name}>`,
    now: 'google.protobuf.Timestamp',
  },
};
const env = environment(vocabulary);

const complete = {
  account_id: '123456789012',
  console: true,
  mfa_active: true,
  created: '2025-01-01T00:00:00Z',
  last_used: null,
  boundary: null,
  logins: 7,
  limit: null,
  score: 0.5,
  kind: 'person',
  groups: ['admins', 'users'],
  tags: { team: 'web' },
  keys: [
    { slot: 1, active: true, last_rotated: '2025-12-01T00:00:00Z', last_used: null },
    { slot: 2, active: false, last_rotated: '2020-01-01T00:00:00Z', last_used: null },
  ],
  settings: { note: 'x', deep: { on: true } },
  extra: { a: 1 },
};

function bindings(fields: Record<string, unknown> = complete) {
  return {
    user: record.decode({ uid: 'arn', name: 'alice', fields: fields as never }),
    account: [],
    now: new Date('2026-01-01T00:00:00Z'),
  };
}

function program(source: string, expected?: 'bool'): Program {
  const compiled = compile(env, vocabulary, source, expected);
  if ('offset' in compiled) throw new Error(`${source}: ${compiled.message}`);
  return compiled;
}

function run(source: string, fields?: Record<string, unknown>): unknown {
  return program(source).run(bindings(fields));
}

function refusal(source: string, expected?: 'bool') {
  const compiled = compile(env, vocabulary, source, expected);
  if (!('offset' in compiled)) throw new Error(`${source} compiles to ${compiled.type}`);
  return `${compiled.offset}: ${compiled.message}`;
}

describe('what compiles', () => {
  it.each<[string, unknown]>([
    ['user.console && user.mfa_active', true],
    ['user.keys.all(k, !k.active || now - k.last_rotated <= days(90))', true],
    ['user.keys.all(k, now - k.last_rotated <= days(90))', false],
    ['user.keys.exists(k, k.slot == 2)', true],
    ['now - user.created > hours(24 * 364)', true],
    ['user.last_used == null', true],
    ['user.last_used == null || now - user.last_used < days(1)', true],
    ['user.boundary != null', false],
    ['user.logins > 6.5', true],
    ['user.kind in ["person", "robot"]', true],
    ['"team" in user.tags && user.tags["team"] == "web"', true],
    ['user.groups.size() == 2', true],
    ['user.settings.deep.on', true],
    ['has(user.logins)', true],
    ['user.name.glob("al*")', true],
    ['user.name.glob("AL*")', false],
    ['user.name.glob("al?ce")', true],
    ['user.name.glob("al")', false],
    ['"a.b\\n😀".glob("a.?\\n?")', true],
    ['"axb".glob("a.b")', false],
    ['user.name.re2("^a.*e$")', true],
    ['user.name.re2("lic")', true],
    ['user.created == timestamp("2025-01-01T00:00:00Z")', true],
    ['account.size() == 0', true],
  ])('%s', (source, expected) => {
    expect(run(source)).toBe(expected);
  });

  it('is done in time that does not grow out of hand with hostile text', () => {
    const started = performance.now();
    const hostile = { ...complete, account_id: 'a'.repeat(50_000) };
    expect(run('user.account_id.re2("^(a+)+$b")', hostile)).toBe(false);
    expect(run('user.account_id.glob("*a*a*a*a*a*a*a*b")', hostile)).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('knows which fields are read', () => {
    const { reads } = program(
      'user.console && user.keys.exists(k, k.active) && user["kind"] == "a"',
    );
    expect([...(reads.get('user') ?? [])].sort()).toEqual(['console', 'keys', 'kind']);
  });
});

describe('what is refused', () => {
  it.each([
    ['user.mfa_activ', '5: aws.iam.users has no field "mfa_activ"; did you mean "mfa_active"?'],
    [
      'user.keys.all(k, k.activ)',
      '19: aws.iam.users.keys has no field "activ"; did you mean "active"?',
    ],
    ['user.constructor', '5: aws.iam.users has no field "constructor"'],
    ['usr.console', '0: unknown name "usr"; did you mean "user"?; known are user, account, now'],
    [
      'has(user.mfa_activ)',
      '9: aws.iam.users has no field "mfa_activ"; did you mean "mfa_active"?',
    ],
    [
      'user.keys.exists(k, has(k.activ))',
      '26: aws.iam.users.keys has no field "activ"; did you mean "active"?',
    ],
    [
      'user.name.matches("(a+)+$")',
      '10: `matches` can take forever on hostile text; use `re2`, which cannot',
    ],
    [
      'user.groups.all(g, g.matches("a"))',
      '21: `matches` can take forever on hostile text; use `re2`, which cannot',
    ],
    ['dyn(user.extra) == 1', '0: `dyn` would hide type errors; compare the field as it is'],
    ['user.name.re2("(")', '14: error parsing regexp: missing closing ): `(`'],
    ['user.name.startWith("a")', '10: unknown function "startWith"; did you mean "startsWith"?'],
    ['int("") == 0', '0: unknown function "int"'],
    [
      'timestamp("2026-01-01T00:00:00.0") < now',
      '0: timestamp() takes a text in RFC 3339: "2026-01-31T00:00:00Z"',
    ],
    [
      'timestamp(user.name) < now',
      '0: timestamp() takes a text in RFC 3339: "2026-01-31T00:00:00Z"',
    ],
    ['now.getHours("Europe/Berlin") > 3', '4: getHours() is given in UTC only'],
    ['now.getDayOfYear() > 3', '4: unknown function "getDayOfYear"; did you mean "getDayOfWeek"?'],
    ['user.groups.exists(user, user == "a")', '12: "user" is taken; choose another name'],
    ['user.boundary == 5', '0: string and int are never equal'],
    ['user.boundary in [1, 2]', '0: string and int are never equal'],
    ['account == []', '0: records cannot be compared; compare a field, or a size()'],
    ['user.keys == user.keys', '0: records cannot be compared; compare a field, or a size()'],
    ['user.keys[0] in user.keys', '0: records cannot be compared; compare a field, or a size()'],
    ['user.mfa_active == null', '0: no such overload: bool == null'],
    ['user.logins + "a" == "a"', '0: no such overload: int + string'],
    ['user.console &&', '15: Unexpected token: EOF'],
    ['', '0: Unexpected token: EOF'],
  ])('%s', (source, message) => {
    expect(refusal(source)).toBe(message);
  });

  it('refuses a condition that is no bool', () => {
    expect(refusal('user.name', 'bool')).toBe('0: expected bool, this is string');
    expect(refusal('user.extra', 'bool')).toMatch(/this is dyn; compare it/);
    expect(refusal('user.console ? user.extra : user.extra', 'bool')).toMatch(/this is dyn/);
  });

  it('refuses what is too large or too deep', () => {
    expect(refusal(`${'('.repeat(100)}true${')'.repeat(100)}`)).toMatch(/depth/i);
    expect(refusal(Array.from({ length: 2_000 }, () => 'true').join(' && '))).toMatch(
      /nodes|depth/i,
    );
  });
});

describe('what cannot be told', () => {
  const reason = (source: string, fields: Record<string, unknown>) => {
    try {
      program(source).run(bindings(fields));
    } catch (error) {
      return describeFailure(error, 'user');
    }
    return 'told';
  };

  it.each<[string, Record<string, unknown>, string]>([
    ['user.mfa_active', {}, 'mfa_active could not be told'],
    ['user.settings.deep.on', { settings: { note: '' } }, 'settings.deep could not be told'],
    ['user.keys.all(k, k.active)', { keys: [{ slot: 1 }] }, 'k.active could not be told'],
    ['user.tags["x"] == "y"', { tags: {} }, 'tags["x"] could not be told'],
    ['user.mfa_active', { mfa_active: null }, 'mfa_active could not be told'],
    [
      'user.limit > 3',
      { limit: null },
      'limit > 3 could not be told: no such overload: dyn<null> > int',
    ],
    ['account[0].kind == "member"', {}, 'account[0]: there is no such record'],
    ['user.mfa_active || user.console', { console: false }, 'mfa_active could not be told'],
    ['user.mfa_active || user.console', { console: true }, 'told'],
    [
      'now - days(user.logins) > user.created',
      { logins: 2 ** 50 },
      'a duration of more than ten thousand years',
    ],
  ])('%s of %j', (source, fields, expected) => {
    expect(reason(source, fields)).toBe(expected);
  });
});

describe('templates', () => {
  const render = (source: string, fields?: Record<string, unknown>) => {
    const template = compileTemplate(env, vocabulary, source);
    if ('offset' in template) throw new Error(template.message);
    return template.render(bindings(fields));
  };

  it('puts values into words', () => {
    expect(
      render('{{ user.name }}: {{user.groups}}, {{ user.last_used }}, {{ user.created }}'),
    ).toBe('alice: admins, users, none, 2025-01-01T00:00:00Z');
    expect(render('rotated {{ now - user.created }} ago, {{ user.logins }} {{ user.score }}')).toBe(
      'rotated 365 days ago, 7 0.5',
    );
    expect(render('{{ string(user.created) + "!" }} {{ user.keys.map(k, k.slot) }}')).toBe(
      '2025-01-01T00:00:00Z! 1, 2',
    );
    expect(render('no expression, one } and one {')).toBe('no expression, one } and one {');
  });

  it('names what it reads', () => {
    const template = compileTemplate(env, vocabulary, '{{ user.name }} {{ user.kind }}');
    if ('offset' in template) throw new Error(template.message);
    expect([...(template.reads.get('user') ?? [])]).toEqual(['name', 'kind']);
  });

  it.each([
    [
      'a {{ user.nam }}',
      { offset: 10, message: 'aws.iam.users has no field "nam"; did you mean "name"?' },
    ],
    ['{{ user.keys }}', { offset: 2, message: expect.stringContaining('cannot be shown') }],
    ['{{ user.tags }}', { offset: 2, message: expect.stringContaining('cannot be shown') }],
    ['{{ user.extra }}', { offset: 2, message: expect.stringContaining('cannot be shown') }],
    ['a {{ user.name', { offset: 2, message: '{{ without }}' }],
  ])('refuses %s', (source, fault) => {
    expect(compileTemplate(env, vocabulary, source)).toEqual(fault);
  });

  it.each([
    [[], 'none'],
    [null, 'none'],
    [true, 'true'],
    [new Date('2026-01-01T00:00:00.250Z'), '2026-01-01T00:00:00.250Z'],
    [[1n, null], '1, none'],
  ])('formats %#', (value, text) => {
    expect(formatValue(value)).toBe(text);
  });

  it.each([
    ['days(2)', '2 days'],
    ['hours(47)', '47 hours'],
    ['hours(0)', '0 seconds'],
    ['days(0) - days(3)', '-3 days'],
    ['duration("119s")', '119 seconds'],
    ['duration("120s")', '2 minutes'],
    ['duration("1s")', '1 second'],
  ])('formats the duration %s', (source, text) => {
    expect(render(`{{ ${source} }}`)).toBe(text);
  });
});
