/**
 * What each test must say about each resource of Acme's world (acme-world.ts), worked out by hand
 * from what the test means. Keys stand under the world's names: their ids are AWS's choice.
 */
import type { Seeded } from './aws-world.ts';

type Status = 'pass' | 'fail' | 'not_applicable' | 'error';

/** The parameters under which `acmeExpected` holds; every other one has its default. */
export const acmeParameters = {
  'aws-iam-fed': { break_glass: ['break-glass'] },
  'aws-iam-admin': { allowed: ['break-glass', 'PlatformAdmin'] },
  'aws-role-trust': { accounts: ['111111111111'], oidc_subjects: ['repo:acme/*'] },
};

/** Test id, name of the resource, status. */
export const acmeExpected = {
  // Root has a device, a virtual one, and no keys.
  'aws-root-mfa': { root: 'pass' },
  'aws-root-hw': { root: 'fail' },
  'aws-root-key': { root: 'pass' },
  'aws-pwpol': { '123456789012': 'pass' },

  // Only who has a console password can need a second factor there.
  'aws-iam-mfa': {
    root: 'not_applicable',
    alice: 'pass',
    bob: 'fail',
    carol: 'not_applicable',
    'ci-deploy': 'not_applicable',
    dave: 'pass',
    erin: 'not_applicable',
    'break-glass': 'pass',
    frank: 'not_applicable',
    heidi: 'not_applicable',
  },
  // A console password is for break-glass alone; the others should come through the provider.
  'aws-iam-fed': {
    root: 'not_applicable',
    alice: 'fail',
    bob: 'fail',
    carol: 'not_applicable',
    'ci-deploy': 'not_applicable',
    dave: 'fail',
    erin: 'not_applicable',
    'break-glass': 'pass',
    frank: 'not_applicable',
    heidi: 'not_applicable',
  },
  // 90 days; keys that are switched off do not count.
  'aws-key-age': {
    root: 'not_applicable',
    alice: 'pass',
    bob: 'not_applicable',
    carol: 'fail',
    'ci-deploy': 'pass',
    dave: 'not_applicable',
    erin: 'pass',
    'break-glass': 'not_applicable',
    frank: 'not_applicable',
    heidi: 'not_applicable',
  },
  // 45 days. dave's password was set 200 days ago and erin's key made 60 days ago, neither used.
  // Root has no keys, and its password cannot be disabled.
  'aws-cred-idle': {
    root: 'not_applicable',
    alice: 'pass',
    bob: 'pass',
    carol: 'pass',
    'ci-deploy': 'pass',
    dave: 'fail',
    erin: 'fail',
    'break-glass': 'pass',
    frank: 'not_applicable',
    heidi: 'not_applicable',
  },
  // GithubAny may do all but queues, so identity too. A boundary (Open) is named, not weighed.
  'aws-iam-admin': {
    alice: 'pass',
    bob: 'pass',
    carol: 'pass',
    'ci-deploy': 'pass',
    dave: 'pass',
    erin: 'pass',
    'break-glass': 'pass',
    frank: 'fail',
    heidi: 'pass',
    AppServer: 'pass',
    PlatformAdmin: 'pass',
    Partner: 'pass',
    Vendor: 'pass',
    GithubDeploy: 'pass',
    GithubAny: 'fail',
    Open: 'fail',
    DayAdmin: 'fail',
    AWSServiceRoleForAutoScaling: 'pass',
  },
  'aws-iam-grp': {
    alice: 'pass',
    bob: 'pass',
    carol: 'fail',
    'ci-deploy': 'fail',
    dave: 'pass',
    erin: 'pass',
    'break-glass': 'pass',
    frank: 'pass',
    heidi: 'pass',
  },
  'aws-role-trust': {
    AppServer: 'pass',
    PlatformAdmin: 'pass',
    Partner: 'pass',
    Vendor: 'fail',
    GithubDeploy: 'pass',
    GithubAny: 'fail',
    Open: 'fail',
    DayAdmin: 'pass',
    AWSServiceRoleForAutoScaling: 'pass',
  },

  // Confidential and restricted ask for a key of Acme's own; any algorithm will do for the rest.
  's3-sse': {
    'acme-logs': 'pass',
    'acme-records': 'pass',
    'acme-customers': 'fail',
    'acme-payroll': 'fail',
    'acme-site': 'pass',
    'acme-analytics': 'pass',
    'acme-dsse': 'pass',
    'acme-backups': 'pass',
    'acme-tmp': 'pass',
    'acme-alias': 'error',
    'acme-foreign': 'error',
    'acme-shared': 'pass',
    'acme-exports': 'pass',
  },
  's3-tls': {
    'acme-logs': 'pass',
    'acme-records': 'pass',
    'acme-customers': 'pass',
    'acme-payroll': 'fail',
    'acme-site': 'fail',
    'acme-analytics': 'fail',
    'acme-dsse': 'pass',
    'acme-backups': 'fail',
    'acme-tmp': 'fail',
    'acme-alias': 'pass',
    'acme-foreign': 'pass',
    'acme-shared': 'fail',
    'acme-exports': 'pass',
  },
  // The account blocks access lists; what the bucket does not add is open to policies.
  's3-pub': {
    'acme-logs': 'pass',
    'acme-records': 'pass',
    'acme-customers': 'pass',
    'acme-payroll': 'fail',
    'acme-site': 'fail',
    'acme-analytics': 'pass',
    'acme-dsse': 'pass',
    'acme-backups': 'pass',
    'acme-tmp': 'fail',
    'acme-alias': 'pass',
    'acme-foreign': 'pass',
    'acme-shared': 'fail',
    'acme-exports': 'pass',
  },
  'pi-store': {
    'acme-logs': 'pass',
    'acme-records': 'pass',
    'acme-customers': 'fail',
    'acme-payroll': 'fail',
    'acme-site': 'fail',
    'acme-analytics': 'pass',
    'acme-dsse': 'pass',
    'acme-backups': 'pass',
    'acme-tmp': 'fail',
    'acme-alias': 'pass',
    'acme-foreign': 'pass',
    'acme-shared': 'pass',
    'acme-exports': 'pass',
  },

  // Asymmetric, imported, dying and AWS's own keys do not rotate at Acme's will.
  'kms-rot': {
    orders: 'pass',
    backups: 'fail',
    signing: 'not_applicable',
    imported: 'not_applicable',
    wide: 'pass',
    organisation: 'pass',
    retired: 'not_applicable',
    gone: 'not_applicable',
    'aws/s3': 'not_applicable',
  },
  // Everybody may decrypt with `wide`; a bucket still uses `retired`. Nobody is known to use `gone`,
  // but which key acme-alias uses cannot be told.
  'kms-pol': {
    orders: 'pass',
    backups: 'pass',
    signing: 'pass',
    imported: 'pass',
    wide: 'fail',
    organisation: 'pass',
    retired: 'fail',
    gone: 'error',
    'aws/s3': 'not_applicable',
  },
} as const satisfies Record<string, Record<string, Status>>;

export type AcmeTest = keyof typeof acmeExpected;

/** The same, under the names that results have: keys by their ids. */
export function expectedResults(test: AcmeTest, seeded: Seeded): Record<string, Status> {
  return Object.fromEntries(
    Object.entries(acmeExpected[test]).map(([name, status]) => [
      test.startsWith('kms-') ? (seeded.keyIds[name] ?? name) : name,
      status,
    ]),
  );
}
