import { expect, it } from 'vitest';
import { likeAwsReport } from '../support/credential-report.ts';

const now = new Date('2026-06-30T12:00:00Z');
const made = '2026-06-30T11:59:00+00:00';
const motoRow = (name: string, password: boolean, key: boolean) =>
  [
    ...[name, `arn:aws:iam::123456789012:user/${name}`, made, String(password)],
    ...[password ? 'no_information' : 'not_supported', made, 'not_supported', 'false'],
    ...[String(key), key ? made : 'N/A', 'N/A', 'not_supported', 'not_supported'],
    ...['false', 'N/A', 'N/A', 'not_supported', 'not_supported', 'false', 'N/A', 'false', 'N/A'],
  ].join(',');

it('writes root first, the special values of AWS, and the past that it is told', () => {
  const report = ['user,…', motoRow('alice', true, true), motoRow('smith,bob', false, false), ''];
  const facts = {
    root: { mfa: 'hardware' as const, keys: [{ createdDaysAgo: 30, lastUsedDaysAgo: 1 }] },
    users: {
      alice: { createdDaysAgo: 10, passwordLastUsedDaysAgo: 2, keys: [{ createdDaysAgo: 5 }] },
    },
  };
  const none = 'false,N/A,N/A,N/A,N/A';
  const noCertificates = 'false,N/A,false,N/A';
  const lines = likeAwsReport(report.join('\n'), '123456789012', facts, now).split('\n');
  expect(lines.slice(1)).toEqual([
    '<root_account>,arn:aws:iam::123456789012:root,2023-10-04T12:00:00+00:00,' +
      'not_supported,no_information,not_supported,not_supported,true,' +
      `true,2026-05-31T12:00:00+00:00,2026-06-29T12:00:00+00:00,us-east-1,s3,${none},${noCertificates}`,
    'alice,arn:aws:iam::123456789012:user/alice,2026-06-20T12:00:00+00:00,' +
      'true,2026-06-28T12:00:00+00:00,2026-06-20T12:00:00+00:00,N/A,false,' +
      `true,2026-06-25T12:00:00+00:00,N/A,N/A,N/A,${none},${noCertificates}`,
    `"smith,bob","arn:aws:iam::123456789012:user/smith,bob",${made},` +
      `false,N/A,N/A,N/A,false,${none},${none},${noCertificates}`,
  ]);
});
