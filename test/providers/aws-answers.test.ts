import { describe, expect, it } from 'vitest';
import { isAnswerOf } from '../../src/providers/aws-answers.ts';

const xml = '<?xml version="1.0" encoding="UTF-8"?>\n';

describe('isAnswerOf', () => {
  it.each([
    ['iam', 'ListVirtualMFADevices', '<ListVirtualMFADevicesResponse xmlns="x"><a/>'],
    ['sts', 'GetCallerIdentity', `${xml}<GetCallerIdentityResponse>`],
    ['ec2', 'DescribeRegions', `\uFEFF${xml}<DescribeRegionsResponse/>`],
    ['s3', 'ListBuckets', `${xml}<ListAllMyBucketsResult/>`],
    ['s3', 'GetBucketVersioning', `${xml}<VersioningConfiguration xmlns="x"/>`],
    ['s3', 'GetBucketPolicy', '{"Version":"2012-10-17"}'],
    ['s3control', 'GetPublicAccessBlock', '<PublicAccessBlockConfiguration>'],
    ['kms', 'ListKeys', '{"Keys":[]}'],
    ['organizations', 'DescribeOrganization', '{"Organization":{}}'],
  ])('%s:%s is answered by its own form', (service, operation, body) => {
    expect(isAnswerOf(service, operation, Buffer.from(body))).toBe(true);
  });

  const operations = [
    ['iam', 'ListVirtualMFADevices'],
    ['iam', 'GetAccountSummary'],
    ['sts', 'GetCallerIdentity'],
    ['ec2', 'DescribeRegions'],
    ['s3', 'ListBuckets'],
    ['s3', 'GetBucketTagging'],
    ['s3', 'GetBucketVersioning'],
    ['s3', 'GetBucketPolicy'],
    ['s3control', 'GetPublicAccessBlock'],
    ['kms', 'ListKeys'],
    ['organizations', 'ListAccounts'],
  ];
  const strangers = [
    '',
    ' \n',
    '<html><body>Sign in</body></html>',
    '<!DOCTYPE html>\n<html>',
    `${xml}<Error><Code>InternalError</Code></Error>`,
  ];
  it.each(
    operations.flatMap(([service, operation]) =>
      strangers.map((body) => [service, operation, body]),
    ),
  )('%s:%s is not answered by %j', (service = '', operation = '', body = '') => {
    expect(isAnswerOf(service, operation, Buffer.from(body))).toBe(false);
  });

  it.each(['null', '[]', '"x"'])('kms:ListKeys is not answered by %s', (body) => {
    expect(isAnswerOf('kms', 'ListKeys', Buffer.from(body))).toBe(false);
  });

  it('takes no answer of another operation', () => {
    const body = Buffer.from(`${xml}<ListBucketResult/>`);
    expect(isAnswerOf('s3', 'GetBucketTagging', body)).toBe(false);
    expect(isAnswerOf('iam', 'ListUsers', body)).toBe(false);
  });
});
