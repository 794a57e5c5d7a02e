import { describe, expect, it } from 'vitest';
import source from '../../../collectors/aws/index.ts';
import { type AwsProvider, CollectError, type Tracer } from '../../../src/plugin.ts';
import { type Answers, fakeAws, refusal } from './fake-aws.ts';

const tracer: Tracer = {
  signal: new AbortController().signal,
  permissionFor: (call) => call,
  record: () => {},
  waiting: () => {},
};
const regions =
  (...names: string[]) =>
  () => ({ Regions: names.map((RegionName) => ({ RegionName })) });
const denied = () => {
  throw refusal('AccessDeniedException');
};
const alone: Answers = {
  'ec2:DescribeRegions': regions('us-east-1', 'eu-west-1'),
  'organizations:ListAccounts': () => {
    throw refusal('AWSOrganizationsNotInUseException');
  },
};

/** A provider that reaches the account of a role's ARN, or the one that `accounts` names. */
function provider(answers: Answers, accounts: Record<string, string> = {}): AwsProvider {
  return {
    defaultRegion: async () => undefined,
    async account({ role, profile }) {
      const id = role?.split(':')[4] ?? accounts[profile ?? ''] ?? '123456789012';
      if (role?.endsWith('/Refused')) throw new CollectError('AccessDenied', 'refused for a test');
      return {
        identity: { subject: `arn:aws:sts::${id}:assumed-role/Evidence/x`, account: id },
        partition: 'aws',
        in: () => () => fakeAws(answers).aws,
      };
    },
  };
}
const connect = (config: unknown, answers: Answers = alone, accounts?: Record<string, string>) =>
  source.connect(provider(answers, accounts), source.config.parse(config), tracer);
const names = ({ scopes }: { scopes: { level: string; name: string }[] }) =>
  scopes.map(({ level, name }) => `${level} ${name}`);
const roleOf = (id: string, name = 'Evidence') => ({ role: `arn:aws:iam::${id}:role/${name}` });

describe('with:', () => {
  it.each([
    [{ region: ['eu-west-1'] }],
    [{ regions: [] }],
    [{ regions: 'all' }],
    [{ regions: ['Ireland'] }],
    [{ accounts: [] }],
    [{ accounts: [{ role: 'Evidence' }] }],
    [{ accounts: [{ role: 'arn:aws:iam::123456789012:role/x', profile: 'x' }] }],
    [{ accounts: [roleOf('123456789012'), roleOf('123456789012', 'Other')] }],
    [{ accounts: [{ profile: 'a' }, { profile: 'a' }] }],
  ])('refuses %j', (config) => {
    expect(source.config.safeParse(config).success).toBe(false);
  });

  it('asks every enabled region of the default account when it says nothing', () => {
    expect(source.config.parse({})).toEqual({ regions: 'enabled' });
  });
});

describe('connecting', () => {
  it('finds the account and its enabled regions', async () => {
    const connected = await connect({});
    expect(names(connected)).toEqual([
      'account 123456789012',
      'region 123456789012/eu-west-1',
      'region 123456789012/us-east-1',
    ]);
    expect(connected.identities).toEqual([
      { subject: 'arn:aws:sts::123456789012:assumed-role/Evidence/x', account: '123456789012' },
    ]);
    expect(connected.leftOut).toEqual([]);
  });

  it('names enabled regions that are not configured', async () => {
    const connected = await connect({ regions: ['eu-west-1'] });
    expect(names(connected)).toEqual(['account 123456789012', 'region 123456789012/eu-west-1']);
    expect(connected.leftOut).toMatchObject([{ scope: '123456789012/us-east-1' }]);
  });

  it('says that other regions are not known where it may not ask', async () => {
    const answers = { ...alone, 'ec2:DescribeRegions': denied };
    const connected = await connect({ regions: ['eu-west-1'] }, answers);
    expect(names(connected)).toContain('region 123456789012/eu-west-1');
    expect(connected.leftOut).toMatchObject([
      { scope: '123456789012', reason: expect.stringContaining('not known') },
    ]);
  });

  it('fails the regions where it must ask for them and may not', async () => {
    const { scopes } = await connect({}, { ...alone, 'ec2:DescribeRegions': denied });
    expect(scopes).toMatchObject([
      { level: 'account', name: '123456789012' },
      { level: 'region', name: '123456789012/enabled', problem: { code: 'ServiceError' } },
    ]);
  });

  it('names active accounts of the organisation that are not configured', async () => {
    const connected = await connect(
      { regions: ['eu-west-1'], accounts: [roleOf('123456789012')] },
      {
        'ec2:DescribeRegions': regions('eu-west-1'),
        'organizations:ListAccounts': ({ NextToken }) =>
          NextToken === undefined
            ? { Accounts: [{ Id: '123456789012', Status: 'ACTIVE' }], NextToken: 'more' }
            : {
                Accounts: [
                  { Id: '210987654321', State: 'ACTIVE' },
                  { Id: '333333333333', Status: 'SUSPENDED' },
                  { Id: '444444444444', State: 'CLOSED', Status: 'ACTIVE' },
                ],
              },
      },
    );
    expect(connected.leftOut.map(({ scope }) => scope)).toEqual(['210987654321']);
  });

  it('says that other accounts are not known where nobody may ask', async () => {
    const connected = await connect({}, { ...alone, 'organizations:ListAccounts': denied });
    expect(connected.leftOut).toMatchObject([{ scope: 'organization' }]);
  });

  it('fails the scopes of a role that cannot be assumed, and no others', async () => {
    const { scopes, identities, leftOut } = await connect(
      {
        regions: ['eu-west-1'],
        accounts: [roleOf('123456789012'), roleOf('210987654321', 'Refused')],
      },
      {
        'ec2:DescribeRegions': regions('eu-west-1'),
        'organizations:ListAccounts': () => ({
          Accounts: [{ Id: '210987654321', Status: 'ACTIVE' }],
        }),
      },
    );
    const problem = { code: 'AccessDenied', message: 'refused for a test' };
    expect(scopes.filter((scope) => 'problem' in scope)).toEqual([
      { level: 'account', name: '210987654321', problem },
      { level: 'region', name: '210987654321/eu-west-1', problem },
    ]);
    expect(scopes).toHaveLength(4);
    expect(identities).toHaveLength(1);
    // It was configured: it is not left out, it failed.
    expect(leftOut).toEqual([]);
  });

  it('refuses an account that is reached twice', async () => {
    const { scopes } = await connect(
      { regions: ['eu-west-1'], accounts: [roleOf('123456789012'), { profile: 'same' }] },
      alone,
      { same: '123456789012' },
    );
    expect(scopes).toMatchObject([
      { name: '123456789012' },
      { name: '123456789012/eu-west-1' },
      { level: 'account', problem: { code: 'DuplicateRecord' } },
      { level: 'region', problem: { code: 'DuplicateRecord' } },
    ]);
    expect(new Set(scopes.map(({ name }) => name)).size).toBe(4);
  });

  it('asks the global services where a partition has them', async () => {
    const asked: string[] = [];
    const china: AwsProvider = {
      defaultRegion: async () => 'cn-northwest-1',
      account: async () => ({
        identity: { subject: 'arn:aws-cn:iam::123456789012:user/x', account: '123456789012' },
        partition: 'aws-cn',
        in: (region) => {
          asked.push(region);
          return () => fakeAws(alone).aws;
        },
      }),
    };
    await source.connect(china, source.config.parse({}), tracer);
    expect(asked.slice(0, 2)).toEqual(['cn-north-1', 'cn-northwest-1']);
  });
});
