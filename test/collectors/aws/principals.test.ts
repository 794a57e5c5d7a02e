import { describe, expect, it } from 'vitest';
import type { Authorization } from '../../../collectors/aws/iam/authorization.ts';
import iam from '../../../collectors/aws/iam/index.ts';
import { effectiveStatements } from '../../../collectors/aws/iam/principals.ts';
import { type Answers, fakeAws, refusal } from './fake-aws.ts';

const encode = (action: string) =>
  encodeURIComponent(
    JSON.stringify({ Statement: { Effect: 'Allow', Action: action, Resource: '*' } }),
  );
const managed = (name: string, ...versions: [action: string, inForce: boolean][]) => ({
  detail: {
    Arn: `arn:aws:iam::123456789012:policy/${name}`,
    PolicyVersionList: versions.map(([action, IsDefaultVersion]) => ({
      Document: encode(action),
      IsDefaultVersion,
    })),
  },
  page: {},
});
const attach = (name: string) => ({
  PolicyName: name,
  PolicyArn: `arn:aws:iam::123456789012:policy/${name}`,
});
const authorization: Authorization = {
  users: [],
  roles: [],
  groups: [
    {
      detail: {
        GroupName: 'developers',
        AttachedManagedPolicies: [attach('read')],
        GroupPolicyList: [{ PolicyName: 'own', PolicyDocument: encode('s3:List*') }],
      },
      page: {},
    },
    {
      detail: { GroupName: 'lost', AttachedManagedPolicies: [attach('nowhere')] },
      page: {},
    },
  ],
  policies: [
    managed('read', ['s3:Put*', false], ['s3:Get*', true]),
    managed('none', ['x:Y', false]),
  ],
};
const of = (
  groups: string[],
  attached: string[] = [],
  inline: { PolicyName: string; PolicyDocument: string }[] = [],
) => effectiveStatements(authorization).of({ attached: attached.map(attach), inline }, groups);

describe('effective statements', () => {
  it('are those of inline and attached policies and of the groups’, each with its way', () => {
    const found = of(
      ['developers'],
      ['read'],
      [{ PolicyName: 'mine', PolicyDocument: encode('sqs:*') }],
    );
    expect(found?.map(({ via, policy }) => [via, policy])).toEqual([
      ['inline', 'mine'],
      ['attached', 'arn:aws:iam::123456789012:policy/read'],
      ['group developers', 'own'],
      ['group developers', 'arn:aws:iam::123456789012:policy/read'],
    ]);
    // Long lists stand once, in the policy's own record.
    expect(found?.some((statement) => 'actions' in statement || 'resources' in statement)).toBe(
      false,
    );
  });

  it('are none for who has no policy', () => {
    expect(of([])).toEqual([]);
  });

  it.each([
    ['an attached policy that is not among the answers', [], ['nowhere']],
    ['a policy of which no version is in force', [], ['none']],
    ['a group that is not among the answers', ['strangers'], []],
    ['a group with such a policy', ['developers', 'lost'], []],
  ])('cannot be told with %s', (_what, groups, attached) => {
    expect(of(groups, ['read', ...attached])).toBeUndefined();
  });

  it('of a document that cannot be read are an error', () => {
    expect(() => of([], [], [{ PolicyName: 'mine', PolicyDocument: '%7B' }])).toThrow(
      expect.objectContaining({ code: 'UnreadableResponse' }),
    );
  });
});

describe('the shared enumeration', () => {
  const created = new Date('2025-01-01T00:00:00Z');
  const user = (name: string, policy: object = {}) => ({
    Arn: `arn:aws:iam::123456789012:user/${name}`,
    UserName: name,
    UserId: `AIDA${name}`,
    Path: '/',
    CreateDate: created,
    ...policy,
  });
  const answers = (users: number): Answers => ({
    'iam:GetAccountSummary': () => ({ SummaryMap: { Users: users, Roles: 1 } }),
    'iam:GetAccountAuthorizationDetails': ({ Marker }) =>
      Marker === undefined
        ? { UserDetailList: [user('ada')], IsTruncated: true, Marker: 'next' }
        : {
            UserDetailList: [
              user('bad', { UserPolicyList: [{ PolicyName: 'p', PolicyDocument: '%7B' }] }),
              user('lost', { AttachedManagedPolicies: [attach('nowhere')] }),
            ],
            RoleDetailList: [
              {
                Arn: 'arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/X',
                RoleName: 'X',
                RoleId: 'AROAX',
                Path: '/aws-service-role/x.amazonaws.com/',
                CreateDate: created,
                AssumeRolePolicyDocument: encodeURIComponent(
                  '{"Statement":{"Effect":"Allow","Principal":{"Service":"x.amazonaws.com"},"Action":"sts:AssumeRole"}}',
                ),
              },
            ],
            IsTruncated: false,
          },
  });
  const dataset = (name: string) => {
    const found = iam.datasets.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(name);
    return found;
  };

  it('is asked once for all datasets, page by page', async () => {
    const slice = fakeAws(answers(3));
    for (const name of ['users', 'roles', 'principals']) {
      await dataset(`aws.iam.${name}`).collect(slice.aws);
    }
    expect(slice.calls).toEqual([
      'iam:GetAccountAuthorizationDetails',
      'iam:GetAccountAuthorizationDetails',
      'iam:GetAccountSummary',
    ]);
  });

  it('keeps a principal whose policies could not be read, without statements', async () => {
    const slice = fakeAws(answers(3));
    await dataset('aws.iam.principals').collect(slice.aws);
    expect(
      slice.records.map(({ name, fields }) => [name, fields.kind, 'statements' in fields]),
    ).toEqual([
      ['ada', 'user', true],
      ['bad', 'user', false],
      ['lost', 'user', false],
      ['X', 'role', true],
    ]);
    expect(slice.unread).toEqual(['bad']);
  });

  it('is held against the account’s own count', async () => {
    const slice = fakeAws(answers(4));
    await dataset('aws.iam.users').collect(slice.aws);
    expect(slice.tieOuts).toEqual([
      { by: 'Users of iam:GetAccountSummary', expected: 4, found: 3 },
    ]);
  });

  it.each([
    [2, { expected: 2, found: 2 }],
    [1, { expected: 1, found: 1 }],
    [0, { expected: 0, found: 2 }],
    [3, { expected: 3, found: 2 }],
  ])('of one role and a service’s own may be counted as %i', async (Roles, tieOut) => {
    const role = (Path: string, RoleName: string) => ({
      Arn: `arn:aws:iam::123456789012:role${Path}${RoleName}`,
      RoleName,
      RoleId: `AROA${RoleName}`,
      Path,
      CreateDate: created,
      AssumeRolePolicyDocument: encodeURIComponent('{"Statement":[]}'),
    });
    const slice = fakeAws({
      'iam:GetAccountSummary': () => ({ SummaryMap: { Roles } }),
      'iam:GetAccountAuthorizationDetails': () => ({
        RoleDetailList: [role('/', 'app'), role('/aws-service-role/x.amazonaws.com/', 'X')],
        IsTruncated: false,
      }),
    });
    await dataset('aws.iam.roles').collect(slice.aws);
    expect(slice.tieOuts).toMatchObject([tieOut]);
  });

  it('keeps what it read where the count is refused', async () => {
    const slice = fakeAws({
      ...answers(3),
      'iam:GetAccountSummary': () => {
        throw refusal('AccessDenied');
      },
    });
    await expect(dataset('aws.iam.users').collect(slice.aws)).rejects.toThrow('AccessDenied');
    expect(slice.records).toHaveLength(3);
  });

  it('reads whom a role trusts', async () => {
    const slice = fakeAws(answers(3));
    await dataset('aws.iam.roles').collect(slice.aws);
    expect(slice.records[0]?.fields).toMatchObject({
      service_linked: true,
      trust: [{ effect: 'Allow', principals: { service: ['x.amazonaws.com'] } }],
    });
  });
});
