import { expect, it } from 'vitest';
import { type AcmeTest, acmeExpected } from '../support/acme-expected.ts';
import { acme } from '../support/acme-world.ts';

const names = (things: { name: string }[] = []) => things.map(({ name }) => name);
const users = names(acme.users);
const roles = [...names(acme.roles), 'AWSServiceRoleForAutoScaling'];
const keys = [...names(acme.keys), 'aws/s3'];
const populations: Record<AcmeTest, string[]> = {
  'aws-root-mfa': ['root'],
  'aws-root-hw': ['root'],
  'aws-root-key': ['root'],
  'aws-pwpol': [acme.account],
  'aws-iam-mfa': ['root', ...users],
  'aws-iam-fed': ['root', ...users],
  'aws-key-age': ['root', ...users],
  'aws-cred-idle': ['root', ...users],
  'aws-iam-admin': [...users, ...roles],
  'aws-iam-grp': users,
  'aws-role-trust': roles,
  's3-sse': names(acme.buckets),
  's3-tls': names(acme.buckets),
  's3-pub': names(acme.buckets),
  'pi-store': names(acme.buckets),
  'kms-rot': keys,
  'kms-pol': keys,
};

it.each(Object.keys(acmeExpected) as AcmeTest[])(
  '%s is expected for each resource of the world and for no other',
  (test) => {
    expect(Object.keys(acmeExpected[test]).sort()).toEqual(populations[test].sort());
  },
);
