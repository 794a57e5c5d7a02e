import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countReported,
  joinUsers,
  observedAt,
  parseCredentialReport,
  readRow,
} from '../../../collectors/aws/iam/credential-report.ts';
import iam from '../../../collectors/aws/iam/index.ts';
import { type Answers, fakeAws } from './fake-aws.ts';

// The columns as AWS writes them today, unused ones included.
const columns =
  'user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated';
const rootLine =
  '<root_account>,arn:aws:iam::123456789012:root,2020-01-01T00:00:00+00:00,not_supported,2025-05-01T00:00:00+00:00,not_supported,not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A';
const adaLine =
  'ada,arn:aws:iam::123456789012:user/ada,2025-01-01T00:00:00+00:00,true,2026-01-30T10:00:00+00:00,2025-06-01T00:00:00+00:00,N/A,true,true,2025-11-01T00:00:00+00:00,2026-01-29T00:00:00+00:00,eu-west-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A';
const deployLine =
  'deploy,arn:aws:iam::123456789012:user/ci/deploy,2025-02-01T00:00:00+00:00,false,N/A,N/A,N/A,false,true,2025-02-01T00:00:00+00:00,N/A,N/A,N/A,false,2025-03-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,false,N/A';
const freshLine =
  'fresh,arn:aws:iam::123456789012:user/fresh,2025-03-01T00:00:00+00:00,true,no_information,N/A,N/A,false,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A';
const report = (...lines: string[]) => `${[columns, ...lines].join('\n')}\n`;
const rowOf = (line: string) => {
  const [row] = parseCredentialReport(report(line));
  if (row === undefined) throw new Error('no row');
  return row;
};
const account = '123456789012';
const root = 'arn:aws:iam::123456789012:root';
const generated = new Date('2026-01-31T02:00:00Z');
const user = (name: string, created: string) => ({
  arn: `arn:aws:iam::123456789012:user/${name}`,
  name,
  created: new Date(created),
});

describe('the CSV of a credential report', () => {
  it('may end its lines in CRLF, quote its fields and begin with a byte order mark', () => {
    const text = `\uFEFF${columns}\r\n${adaLine.replace('eu-west-1', '"eu,""west""\r\n1"')}\r\n`;
    expect(parseCredentialReport(text)).toEqual([
      { ...rowOf(adaLine), access_key_1_last_used_region: 'eu,"west"\r\n1' },
    ]);
  });

  it('gives back any fields that were written after RFC 4180', () => {
    const names = columns.split(',');
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é') });
    const rows = fc.array(fc.array(field, { minLength: names.length, maxLength: names.length }));
    fc.assert(
      fc.property(rows, fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const quoted = lines.map((cells) =>
          cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(','),
        );
        expect(parseCredentialReport([columns, ...quoted].join(end))).toEqual(
          lines.map((cells) => Object.fromEntries(names.map((name, i) => [name, cells[i]]))),
        );
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['a page of HTML', '<html><body>Error</body></html>'],
    ['a column too few', columns.replace('mfa_active,', '')],
    ['a row too short', `${columns}\nada,arn`],
    ['a quote that never ends', `${columns}\n"ada`],
    ['text after a quote', report(adaLine.replace('ada,', '"ada"x,'))],
  ])('is refused: %s', (_what, text) => {
    expect(() => parseCredentialReport(text)).toThrow(
      expect.objectContaining({ code: 'UnreadableResponse' }),
    );
  });
});

describe('a row', () => {
  it('tells password, MFA and keys', () => {
    expect(readRow(rowOf(adaLine), account)).toEqual({
      account_id: account,
      arn: 'arn:aws:iam::123456789012:user/ada',
      created: '2025-01-01T00:00:00.000Z',
      password_enabled: true,
      password_last_used: '2026-01-30T10:00:00.000Z',
      password_last_changed: '2025-06-01T00:00:00.000Z',
      password_idle_since: '2026-01-30T10:00:00.000Z',
      mfa_active: true,
      keys: [
        {
          slot: 1,
          active: true,
          last_rotated: '2025-11-01T00:00:00.000Z',
          last_used: '2026-01-29T00:00:00.000Z',
          idle_since: '2026-01-29T00:00:00.000Z',
        },
      ],
    });
  });

  it('without a password has nothing idle; a key never used is idle since it was made', () => {
    const fields = readRow(rowOf(deployLine), account);
    expect(fields).toMatchObject({ password_enabled: false, password_idle_since: null });
    expect(fields.keys).toEqual([
      {
        slot: 1,
        active: true,
        last_rotated: '2025-02-01T00:00:00.000Z',
        last_used: null,
        idle_since: '2025-02-01T00:00:00.000Z',
      },
      {
        slot: 2,
        active: false,
        last_rotated: '2025-03-01T00:00:00.000Z',
        last_used: null,
        idle_since: '2025-03-01T00:00:00.000Z',
      },
    ]);
  });

  it('with a password never used nor changed is idle since the user was made', () => {
    expect(readRow(rowOf(freshLine), account)).toMatchObject({
      password_last_used: null,
      password_last_changed: null,
      password_idle_since: '2025-03-01T00:00:00.000Z',
      keys: [],
    });
  });

  it('of the root user does not say whether there is a password', () => {
    expect(readRow(rowOf(rootLine), account)).toMatchObject({
      password_enabled: null,
      password_last_changed: null,
      password_idle_since: null,
      mfa_active: true,
      keys: [],
    });
  });

  it('that does not say whether MFA is active leaves the field out', () => {
    const row = { ...rowOf(adaLine), mfa_active: 'not_supported' };
    expect(readRow(row, account)).not.toHaveProperty('mfa_active');
  });

  it.each([
    ['password_enabled', 'yes'],
    ['user_creation_time', 'yesterday'],
    ['user_creation_time', '2025-01-01T00:00:00'],
    ['user_creation_time', 'N/A'],
    ['access_key_1_active', 'N/A'],
    ['access_key_1_last_rotated', '2025-13-01T00:00:00+00:00'],
  ])('is refused with %s %s', (column, value) => {
    expect(() => readRow({ ...rowOf(adaLine), [column]: value }, account)).toThrow(
      expect.objectContaining({ code: 'UnreadableResponse' }),
    );
  });
});

describe('the time observed', () => {
  const completed = new Date('2026-01-31T04:00:00Z');
  const rows = parseCredentialReport(report(rootLine, adaLine));

  it('is when the report was made', () => {
    expect(observedAt(rows, generated, completed)).toEqual({ time: generated, doubtful: false });
  });

  it('stays an old one that nothing contradicts', () => {
    const old = new Date('2026-01-30T10:00:00Z');
    expect(observedAt(rows, old, completed)).toEqual({ time: old, doubtful: false });
  });

  it.each([
    'user_creation_time',
    'password_last_used',
    'password_last_changed',
    'access_key_1_last_rotated',
    'access_key_2_last_used_date',
  ])('cannot be before %s of a row; then it is four hours before the report was had', (column) => {
    const younger = rows.map((row) => ({ ...row, [column]: '2026-01-31T02:00:01+00:00' }));
    expect(observedAt(younger, generated, completed)).toEqual({
      time: new Date('2026-01-31T00:00:00Z'),
      doubtful: true,
    });
  });

  it('does not mind a rotation that is due later', () => {
    const due = rows.map((row) => ({
      ...row,
      password_next_rotation: '2027-01-01T00:00:00+00:00',
    }));
    expect(observedAt(due, generated, completed).doubtful).toBe(false);
  });
});

describe('rows and users together', () => {
  const rows = parseCredentialReport(report(rootLine, adaLine, freshLine));

  it('hold root, users, users deleted since, and users made since', () => {
    const users = [user('ada', '2025-01-01T00:00:00.500Z'), user('new', '2026-01-31T02:30:00Z')];
    const records = joinUsers(rows, users, account, root);
    expect(records.map(({ name, row }) => [name, row !== undefined])).toEqual([
      ['root', true],
      ['ada', true],
      ['fresh', true],
      ['new', false],
    ]);
    expect(records[0]?.fields.arn).toBe(root);
    expect(records[3]?.fields).toEqual({
      account_id: account,
      arn: 'arn:aws:iam::123456789012:user/new',
      created: '2026-01-31T02:30:00.000Z',
    });
    expect(countReported(records, users, generated)).toEqual({ expected: 1, found: 1 });
  });

  it('give a user who took over a name nothing of the one before', () => {
    const users = [user('ada', '2026-01-31T03:00:00Z')];
    const ada = joinUsers(rows, users, account, root).filter(({ name }) => name === 'ada');
    expect(ada).toHaveLength(1);
    expect(ada[0]?.row).toBeUndefined();
    expect(ada[0]?.fields).not.toHaveProperty('mfa_active');
  });

  it('miss a user whom the report should know', () => {
    const users = [user('ada', '2025-01-01T00:00:00Z'), user('lost', '2025-01-01T00:00:00Z')];
    const records = joinUsers(rows, users, account, root);
    expect(countReported(records, users, generated)).toEqual({ expected: 2, found: 1 });
    expect(records.find(({ name }) => name === 'lost')?.row).toBeUndefined();
  });
});

describe('aws.iam.credential_report', () => {
  const dataset = iam.datasets.find(({ name }) => name === 'aws.iam.credential_report');
  const summary = {
    Users: 1,
    Groups: 0,
    Roles: 0,
    Policies: 0,
    AccountMFAEnabled: 0,
    AccountAccessKeysPresent: 0,
    AccountSigningCertificatesPresent: 0,
  };
  const answers = (text: string, over: Answers = {}): Answers => ({
    'iam:GetAccountSummary': () => ({ SummaryMap: summary }),
    'iam:GetAccountAuthorizationDetails': () => ({
      UserDetailList: [
        {
          Arn: 'arn:aws:iam::123456789012:user/ada',
          UserName: 'ada',
          CreateDate: new Date('2025-01-01T00:00:00Z'),
        },
      ],
      IsTruncated: false,
    }),
    'iam:GenerateCredentialReport': () => ({ State: 'COMPLETE' }),
    'iam:GetCredentialReport': () => ({
      Content: new TextEncoder().encode(text),
      GeneratedTime: generated,
    }),
    ...over,
  });
  const collect = async (given: Answers) => {
    const slice = fakeAws(given);
    await dataset?.collect(slice.aws);
    return slice;
  };

  it('is observed when AWS made it, and its users are those of the account', async () => {
    const slice = await collect(answers(report(rootLine, adaLine)));
    expect(slice.observed).toEqual(generated);
    expect(slice.records.map(({ uid, name }) => [uid, name])).toEqual([
      [root, 'root'],
      ['arn:aws:iam::123456789012:user/ada', 'ada'],
    ]);
    expect(slice.tieOuts).toMatchObject([
      { by: expect.stringContaining('made before the report'), expected: 1, found: 1 },
      { by: expect.stringContaining('GetAccountSummary'), expected: 1, found: 1 },
    ]);
    expect(slice.notes).toEqual([]);
  });

  it('asks until the report is ready', async () => {
    const states = ['STARTED', 'COMPLETE'];
    const slice = await collect(
      answers(report(rootLine, adaLine), {
        'iam:GenerateCredentialReport': () => ({ State: states.shift() }),
      }),
    );
    expect(slice.calls.filter((call) => call === 'iam:GenerateCredentialReport')).toHaveLength(2);
    expect(slice.records).toHaveLength(2);
  });

  it('knows the root user from the account summary where the report does not', async () => {
    const slice = await collect(answers(report(adaLine)));
    expect(slice.notes).toEqual(['StandInRecord']);
    const found = slice.records.find(({ uid }) => uid === root);
    expect(found?.fields).toEqual({
      account_id: account,
      arn: root,
      mfa_active: false,
      keys: [],
    });
  });

  it('does not guess the keys of such a root user', async () => {
    const slice = await collect(
      answers(report(adaLine), {
        'iam:GetAccountSummary': () => ({
          SummaryMap: { ...summary, AccountAccessKeysPresent: 1, AccountPasswordPresent: 1 },
        }),
      }),
    );
    const found = slice.records.find(({ uid }) => uid === root);
    expect(found?.fields).not.toHaveProperty('keys');
    expect(found?.fields).toMatchObject({ password_enabled: true });
  });

  it('says so when its time cannot be true', async () => {
    const slice = await collect(
      answers(report(rootLine, adaLine), {
        'iam:GetCredentialReport': () => ({
          Content: new TextEncoder().encode(report(rootLine, adaLine)),
          GeneratedTime: new Date('2015-02-02T20:02:02Z'),
        }),
      }),
    );
    expect(slice.notes).toEqual(['DoubtfulTime']);
    expect(slice.observed).toEqual(new Date('2026-01-31T00:00:00Z'));
  });

  it('is not read when it is not text', async () => {
    const broken = answers('', {
      'iam:GetCredentialReport': () => ({
        Content: new Uint8Array([0xff, 0xfe, 0x00]),
        GeneratedTime: generated,
      }),
    });
    await expect(collect(broken)).rejects.toMatchObject({ code: 'UnreadableResponse' });
  });
});
