import { DescribeRegionsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StandIn, startStandIn } from '../support/aws-stand-in.ts';
import { type AwsWorld, clientSettings, factsOf, seed } from '../support/aws-world.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';
import { removeTemporary } from '../support/temporary.ts';
import { newProject, night, type Row, storeOf } from './project.ts';

const patience = 90_000;

/** An account with little in it, in two regions. */
function world(account: string, bucket: string): AwsWorld {
  return {
    account,
    root: { mfa: 'hardware' },
    passwordPolicy: { MinimumPasswordLength: 14 },
    users: [{ name: 'alice', createdDaysAgo: 100, password: { lastUsedDaysAgo: 1 } }],
    keys: [
      { name: 'near', rotation: true },
      { name: 'far', region: 'ap-southeast-2' },
    ],
    buckets: [{ name: bucket, region: 'eu-west-1' }],
  };
}

const first = world('111111111111', 'first-bucket');
const second = world('222222222222', 'second-bucket');
const roleOf = ({ account }: AwsWorld) => `arn:aws:iam::${account}:role/Evidence`;
const inAccount =
  ({ account }: AwsWorld) =>
  ({ resource }: Row) =>
    resource.scope.startsWith(account);

describe.skipIf(!motoAvailable)(`a night over two accounts${motoMissing}`, () => {
  const seededAt = new Date();
  let moto: Moto;
  let standIn: StandIn;
  let regions: string[];
  let cwd: string;
  let fine: Awaited<ReturnType<typeof night>>;

  beforeAll(async () => {
    moto = await startMoto();
    standIn = await startStandIn(moto.endpoint, {
      likeAws: true,
      facts: factsOf(first, second),
      now: () => seededAt,
    });
    await seed(first, standIn.endpoint);
    await seed(second, standIn.endpoint);
    const ec2 = new EC2Client(clientSettings(standIn.endpoint));
    const { Regions = [] } = await ec2.send(new DescribeRegionsCommand({}));
    ec2.destroy();
    regions = Regions.map(({ RegionName = '' }) => RegionName).sort();
    standIn.forget();
    cwd = await newProject({
      source: {
        accounts: [first, second].map((each) => ({ role: roleOf(each), external_id: 'acme' })),
      },
    });
    fine = await night(cwd, standIn);
  }, patience);

  afterAll(async () => {
    await standIn?.close();
    await moto?.stop();
    await removeTemporary();
  });

  it('assumes each role with its external id', () => {
    const assumed = standIn.requests.filter(({ operation }) => operation === 'AssumeRole');
    expect(
      assumed.map(({ parameters }) => `${parameters.RoleArn} ${parameters.ExternalId}`).sort(),
    ).toEqual([`${roleOf(first)} acme`, `${roleOf(second)} acme`]);
  });

  it('asks both accounts, in every region that is enabled, and says who it was', async () => {
    const last = await storeOf(cwd).last();
    const slices = last?.manifest.slices ?? [];
    const asked = (dataset: string) =>
      slices.filter((slice) => slice.dataset === dataset).map(({ scope }) => scope);
    expect(regions.length).toBeGreaterThan(10);
    expect(asked('aws.kms.keys')).toEqual(
      [first, second].flatMap(({ account }) => regions.map((region) => `${account}/${region}`)),
    );
    expect(asked('aws.iam.users')).toEqual([first.account, second.account]);
    expect(last?.manifest.sources[0]?.identities.map(({ account }) => account)).toEqual([
      first.account,
      second.account,
    ]);
    expect(fine.summary.not_collected).toEqual([]);
    expect(fine.code).toBe(1);
  });

  it.each([first, second])('finds what is in account $account and nothing of the other', (each) => {
    const own = fine.rows.filter(inAccount(each));
    const named = (test: string) =>
      own.filter((row) => row.test === test).map(({ resource, status }) => [resource.name, status]);
    expect(named('aws-iam-mfa')).toEqual([
      ['root', 'not_applicable'],
      ['alice', 'fail'],
    ]);
    expect(named('s3-sse')).toEqual([[each.buckets?.[0]?.name, 'pass']]);
    const rotation = own.filter(({ test }) => test === 'kms-rot');
    expect(rotation.map(({ resource, status }) => [resource.scope, status])).toEqual([
      [`${each.account}/ap-southeast-2`, 'fail'],
      [`${each.account}/us-east-1`, 'pass'],
    ]);
    // Every row but those that say that there is nothing to judge is of one of the two.
    const judged = fine.rows.filter(({ status }) => status !== 'not_tested');
    expect(judged).toHaveLength(2 * own.length);
  });

  it(
    'a role that cannot be assumed takes its own account out, and no other',
    async () => {
      standIn.fault({
        kind: 'deny',
        match: { operation: 'AssumeRole', parameters: { RoleArn: roleOf(second) } },
      });
      const { code, summary, rows } = await night(cwd, standIn);
      standIn.mend();
      expect(code).toBe(3);
      const standing = rows.filter(inAccount(first));
      const isRootDevice = ({ test }: Row) => test === 'aws-root-hw';
      expect(standing.filter((row) => !isRootDevice(row))).toEqual(
        fine.rows.filter((row) => inAccount(first)(row) && !isRootDevice(row)),
      );
      // That no virtual device is the root user's can be told only where every list was read.
      expect(standing.filter(isRootDevice)).toMatchObject([
        { status: 'error', reason: expect.stringContaining(`of ${second.account} is incomplete`) },
      ]);
      const lost = rows.filter(inAccount(second));
      const isOfAws = (test: string) => /^(aws|s3|kms|pi)-/.test(test);
      const ofAws = rows.filter(({ test }) => isOfAws(test));
      expect(standing.length + lost.length).toBe(ofAws.length);
      expect(lost.filter(({ status }) => status !== 'error')).toEqual([]);
      expect([...new Set(lost.map(({ resource }) => resource.scope))].sort()).toEqual([
        second.account,
        `${second.account}/enabled`,
      ]);
      expect(lost.map(({ test }) => test).sort()).toEqual(
        [...new Set(fine.rows.map(({ test }) => test))].filter(isOfAws).sort(),
      );
      for (const { problems } of summary.not_collected) {
        expect(problems).toHaveLength(1);
        expect(problems[0]).toMatchObject({ code: 'AccessDenied' });
        expect(problems[0]?.message).toContain('sts:AssumeRole');
      }
    },
    patience,
  );
});
