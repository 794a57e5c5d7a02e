/**
 * The credential report: CSV, up to four hours old, made of every user at one moment.
 * Source: IAM User Guide, "Generate credential reports for your AWS account".
 */
import type { z } from '../../../src/plugin.ts';
import { CollectError } from '../../../src/plugin.ts';
import { time, told } from '../values.ts';
import type { credentialReport } from './schema.ts';

/** AWS makes a new report when the last one is older; an older one cannot be had (410). */
const reportLifeMs = 4 * 3_600_000;

type Fields = z.input<typeof credentialReport>;

/** One row by column name. */
export type ReportRow = Record<string, string>;

/** A user as the account lists it today. */
export interface CurrentUser {
  arn: string;
  name: string;
  created: Date;
}

export interface ReportRecord {
  arn: string;
  name: string;
  fields: Fields;
  /** The report's row; undefined for a user that has none. */
  row: ReportRow | undefined;
}

const requiredColumns = [
  'user',
  'arn',
  'user_creation_time',
  'password_enabled',
  'password_last_used',
  'password_last_changed',
  'mfa_active',
  'access_key_1_active',
  'access_key_1_last_rotated',
  'access_key_1_last_used_date',
  'access_key_2_active',
  'access_key_2_last_rotated',
  'access_key_2_last_used_date',
];

/**
 * Rows of the report. CSV after RFC 4180: fields may be quoted, lines end in LF or CRLF.
 * @throws CollectError UnreadableResponse where it is not of that form or lacks a column.
 */
export function parseCredentialReport(text: string): ReportRow[] {
  const [header = [], ...lines] = parseCsv(text.replace(/^\uFEFF/, ''));
  const missing = requiredColumns.filter((column) => !header.includes(column));
  if (missing.length > 0) throw unreadable(`lacks the column ${missing.join(', ')}`);
  return lines.map((cells, index) => {
    if (cells.length !== header.length) {
      throw unreadable(
        `has ${cells.length} fields in row ${index + 1} and ${header.length} columns`,
      );
    }
    return Object.fromEntries(header.map((column, at) => [column, cells[at] ?? '']));
  });
}

function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  // A field, quoted or not, and what ends it.
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) throw unreadable('is not CSV');
    const [, quoted, plain = '', end] = match;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',' && field.lastIndex < text.length) continue;
    if (end === ',') row.push('');
    rows.push(row);
    row = [];
  }
  return rows;
}

/** What the report says about one user. */
export function readRow(row: ReportRow, account: string): Fields {
  const created = told(date(row, 'user_creation_time'), 'user_creation_time');
  const passwordEnabled = flag(row, 'password_enabled');
  const lastUsed = date(row, 'password_last_used');
  const lastChanged = date(row, 'password_last_changed');
  const mfa = flag(row, 'mfa_active');
  const idleSince = passwordEnabled === true ? (lastUsed ?? lastChanged ?? created) : null;
  const keys = ([1, 2] as const).flatMap((slot) => {
    const active = flag(row, `access_key_${slot}_active`);
    const rotated = date(row, `access_key_${slot}_last_rotated`);
    const used = date(row, `access_key_${slot}_last_used_date`);
    // A slot without a key reads: not active, never rotated.
    if (!active && rotated === null) return [];
    return [
      {
        slot,
        active: told(active, `access_key_${slot}_active`),
        last_rotated: rotated,
        last_used: used,
        idle_since: used ?? rotated ?? created,
      },
    ];
  });
  return {
    account_id: account,
    arn: cell(row, 'arn'),
    created,
    password_enabled: passwordEnabled,
    password_last_used: lastUsed,
    password_last_changed: lastChanged,
    password_idle_since: idleSince,
    ...(mfa === null ? {} : { mfa_active: mfa }),
    keys,
  };
}

/**
 * When the report's state held. A report that holds something younger than itself cannot have
 * been made when it says; then only AWS's own limit on a report's age is known.
 * @param completed when AWS said that the report is complete.
 */
export function observedAt(
  rows: ReportRow[],
  generated: Date,
  completed: Date,
): { time: Date; doubtful: boolean } {
  const contradicted = rows.some((row) =>
    requiredColumns
      .filter((column) => /_(time|used|changed|rotated|used_date)$/.test(column))
      .some((column) => {
        const found = date(row, column);
        return found !== null && Date.parse(found) > generated.getTime();
      }),
  );
  return contradicted
    ? { time: new Date(completed.getTime() - reportLifeMs), doubtful: true }
    : { time: generated, doubtful: false };
}

/**
 * The report's rows, and beside them each user made since: of those only the name is known.
 * A row that is older than the user of its ARN is about a predecessor of the same name.
 */
export function joinUsers(
  rows: ReportRow[],
  users: CurrentUser[],
  account: string,
  rootArn: string,
): ReportRecord[] {
  const current = new Map(users.map((user) => [user.arn, user]));
  const reported = rows
    .map((row) => ({
      arn: cell(row, 'arn'),
      name: isRoot(row) ? 'root' : cell(row, 'user'),
      fields: { ...readRow(row, account), ...(isRoot(row) ? { arn: rootArn } : {}) },
      row,
    }))
    .filter(({ arn, fields }) => {
      const user = current.get(arn);
      return user === undefined || !isPredecessor(fields.created, user.created);
    });
  const withRow = new Set(reported.map(({ arn }) => arn));
  const since = users
    .filter(({ arn }) => !withRow.has(arn))
    .map(({ arn, name, created }) => ({
      arn,
      name,
      fields: { account_id: account, arn, created: time(created) },
      row: undefined,
    }));
  return [...reported, ...since];
}

/** Of the users that the report must know, how many it knows. */
export function countReported(records: ReportRecord[], users: CurrentUser[], observed: Date) {
  const due = new Set(
    users.filter(({ created }) => created.getTime() < observed.getTime()).map(({ arn }) => arn),
  );
  const found = records.filter(({ arn, row }) => row !== undefined && due.has(arn));
  return { expected: due.size, found: found.length };
}

export function isRoot(row: ReportRow): boolean {
  return row.user === '<root_account>';
}

function isPredecessor(reported: string | undefined, created: Date): boolean {
  // The report counts in seconds.
  return reported !== undefined && Date.parse(reported) < created.getTime() - 1_000;
}

function cell(row: ReportRow, column: string): string {
  const value = row[column];
  if (value === undefined) throw unreadable(`lacks the column ${column}`);
  return value;
}

/** null: the report does not say (`N/A`, `not_supported`). */
function flag(row: ReportRow, column: string): boolean | null {
  const value = cell(row, column).toLowerCase();
  if (value === 'true' || value === 'false') return value === 'true';
  if (isNothing(value)) return null;
  throw unreadable(`says ${value} in the column ${column}`);
}

/** null: never, or not known to AWS. */
function date(row: ReportRow, column: string): string | null {
  const value = cell(row, column);
  if (isNothing(value.toLowerCase())) return null;
  const parsed = new Date(value);
  if (!/^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(value) || Number.isNaN(parsed.getTime())) {
    throw unreadable(`says ${value} in the column ${column}`);
  }
  return time(parsed);
}

function isNothing(value: string): boolean {
  return ['n/a', 'no_information', 'not_supported', ''].includes(value);
}

function unreadable(what: string): CollectError {
  return new CollectError(
    'UnreadableResponse',
    `the credential report ${what}; AWS has changed it: report it`,
  );
}
