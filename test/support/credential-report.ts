/**
 * The credential report as AWS writes it, from the one that moto writes. Columns and their
 * special values: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
 */
import {
  type AccountFacts,
  daysBefore,
  type KeyFacts,
  type UserFacts,
  xmlTime,
} from './aws-facts.ts';

const columns = [
  'user',
  'arn',
  'user_creation_time',
  'password_enabled',
  'password_last_used',
  'password_last_changed',
  'password_next_rotation',
  'mfa_active',
  'access_key_1_active',
  'access_key_1_last_rotated',
  'access_key_1_last_used_date',
  'access_key_1_last_used_region',
  'access_key_1_last_used_service',
  'access_key_2_active',
  'access_key_2_last_rotated',
  'access_key_2_last_used_date',
  'access_key_2_last_used_region',
  'access_key_2_last_used_service',
  'cert_1_active',
  'cert_1_last_rotated',
  'cert_2_active',
  'cert_2_last_rotated',
] as const;

type Row = Record<(typeof columns)[number], string>;

/** moto's report with a row for root, with AWS's special values, and with the account's past. */
export function likeAwsReport(
  motoReport: string,
  account: string,
  facts: AccountFacts,
  now: Date,
): string {
  const users = motoReport
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => userRow(readRow(line), facts.users ?? {}, now));
  const rows = [rootRow(account, facts, now), ...users];
  return [columns.join(','), ...rows.map(writeRow)].join('\n');
}

/** moto quotes nothing, and a user's name may hold commas: they stand in its ARN as well. */
function readRow(line: string): Row {
  const cells = line.split(',');
  const inName = (cells.length - columns.length) / 2;
  const name = cells.slice(0, inName + 1).join(',');
  const arn = cells.slice(inName + 1, 2 * inName + 2).join(',');
  const values = [name, arn, ...cells.slice(2 * inName + 2)];
  return Object.fromEntries(columns.map((column, index) => [column, values[index] ?? ''])) as Row;
}

function writeRow(row: Row): string {
  return columns
    .map((column) => (row[column].includes(',') ? `"${row[column]}"` : row[column]))
    .join(',');
}

function userRow(row: Row, users: Record<string, UserFacts>, now: Date): Row {
  const facts = users[row.user] ?? {};
  const hasPassword = row.password_enabled === 'true';
  const created = ago(facts.createdDaysAgo, now) ?? row.user_creation_time;
  return {
    ...row,
    user_creation_time: created,
    password_last_used: hasPassword
      ? (ago(facts.passwordLastUsedDaysAgo, now) ?? 'no_information')
      : 'N/A',
    password_last_changed: hasPassword
      ? (ago(facts.passwordChangedDaysAgo, now) ?? created)
      : 'N/A',
    password_next_rotation: 'N/A',
    ...keyCells(1, row, facts.keys?.[0], now),
    ...keyCells(2, row, facts.keys?.[1], now),
  };
}

/** A key that moto has keeps moto's state; `facts` give its past. */
function keyCells(slot: 1 | 2, row: Row, facts: KeyFacts | undefined, now: Date): Partial<Row> {
  const rotated = row[`access_key_${slot}_last_rotated`];
  if (rotated === 'N/A') return { ...lastUsed(slot, undefined, now) };
  return {
    [`access_key_${slot}_last_rotated`]: ago(facts?.createdDaysAgo, now) ?? rotated,
    ...lastUsed(slot, facts, now),
  };
}

function lastUsed(slot: 1 | 2, facts: KeyFacts | undefined, now: Date): Partial<Row> {
  const used = ago(facts?.lastUsedDaysAgo, now);
  return {
    [`access_key_${slot}_last_used_date`]: used ?? 'N/A',
    [`access_key_${slot}_last_used_region`]: used === undefined ? 'N/A' : 'us-east-1',
    [`access_key_${slot}_last_used_service`]: used === undefined ? 'N/A' : 's3',
  };
}

function rootRow(account: string, facts: AccountFacts, now: Date): Row {
  const root = facts.root ?? {};
  const [first, second] = root.keys ?? [];
  const key = (slot: 1 | 2, keyFacts: KeyFacts | undefined) => ({
    [`access_key_${slot}_active`]: String(keyFacts !== undefined && keyFacts.active !== false),
    [`access_key_${slot}_last_rotated`]: ago(keyFacts?.createdDaysAgo, now) ?? 'N/A',
    ...lastUsed(slot, keyFacts, now),
  });
  return {
    user: '<root_account>',
    arn: `arn:aws:iam::${account}:root`,
    user_creation_time: reportTime(daysBefore(now, root.createdDaysAgo ?? 1000)),
    password_enabled: 'not_supported',
    password_last_used: ago(root.passwordLastUsedDaysAgo, now) ?? 'no_information',
    password_last_changed: 'not_supported',
    password_next_rotation: 'not_supported',
    mfa_active: String((root.mfa ?? 'none') !== 'none'),
    ...key(1, first),
    ...key(2, second),
    cert_1_active: 'false',
    cert_1_last_rotated: 'N/A',
    cert_2_active: 'false',
    cert_2_last_rotated: 'N/A',
  } as Row;
}

function ago(days: number | undefined, now: Date): string | undefined {
  return days === undefined ? undefined : reportTime(daysBefore(now, days));
}

function reportTime(time: Date): string {
  return xmlTime(time).replace('Z', '+00:00');
}
