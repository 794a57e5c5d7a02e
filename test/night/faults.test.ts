import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProject } from '../../src/cli/project.ts';
import { type ConfiguredSource, datasetsOf } from '../../src/collect/collect.ts';
import type { CompiledTest } from '../../src/controls/compile.ts';
import type { ProblemCode } from '../../src/evidence/slice.ts';
import type { CallMatch, FaultRule } from '../support/aws-faults.ts';
import { type StandIn, startStandIn } from '../support/aws-stand-in.ts';
import { factsOf, seed } from '../support/aws-world.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';
import { removeTemporary } from '../support/temporary.ts';
import { newProject, night, type PrintedSummary, type Row } from './project.ts';
import { smallParameters, smallWorld } from './small-world.ts';

type Night = Awaited<ReturnType<typeof night>>;

const settings = { parameters: smallParameters };
const project = await openProject({
  config: join(await newProject(settings), 'tickmark.yaml'),
});
const tests = project.controls
  .flatMap((control) => control.tests)
  .filter(({ types }) => types.name.startsWith('aws.'));
const datasets = project.sources
  .flatMap((entry) => datasetsOf({ ...entry, provider: undefined } as ConfiguredSource))
  .filter(({ name }) => project.wanted.has(name));

/** Each call that the enabled tests need, with its permission. */
const declared = new Map(datasets.flatMap(({ calls }) => Object.entries(calls)));

/** Declared calls that this world gives no reason to make: ListBuckets tells the regions. */
const neverMade = ['s3:GetBucketLocation'];

/** Looked up only where the rest does not decide: not by these tests in this world. */
const notNeeded: Record<string, string[]> = {
  'organizations:DescribeOrganization': ['aws-root-hw', 'aws-root-mfa'],
  's3:GetBucketTagging': ['pi-store'],
};

// Out here, since the project above is made even where everything else is skipped.
afterAll(removeTemporary);

// A call that keeps failing is given up after some fifteen seconds.
const patience = 90_000;

describe.skipIf(!motoAvailable)(`nights on which AWS does not answer well${motoMissing}`, () => {
  const seededAt = new Date();
  let moto: Moto;
  let fine: Night;

  /** Stand-ins before the one world; each night has one to itself. */
  const idle: StandIn[] = [];
  const all: StandIn[] = [];
  const open = async (world = smallWorld) => {
    const standIn = await startStandIn(moto.endpoint, {
      likeAws: true,
      facts: factsOf(world),
      now: () => seededAt,
    });
    all.push(standIn);
    return standIn;
  };

  const nightWith = async (
    rules: FaultRule[],
    check: (found: Night, standIn: StandIn) => void,
    ...args: string[]
  ) => {
    const standIn = idle.pop() ?? (await open());
    standIn.forget();
    for (const rule of rules) standIn.fault(rule);
    check(await night(await newProject(settings), standIn, ...args), standIn);
    standIn.mend();
    idle.push(standIn);
  };

  /** The property of all of them: doubt may take a verdict away, and never gives a better one. */
  const expectOnlyDoubt = (rows: Row[]) => {
    const known = new Map(fine.rows.map((row) => [keyOf(row), row]));
    for (const row of rows) {
      const told = known.get(keyOf(row))?.status;
      expect([told ?? 'error', 'error'], keyOf(row)).toContain(row.status);
    }
    const kept = new Set(rows.map(keyOf));
    const inDoubt = new Set(rows.filter(isError).map(({ test }) => test));
    const lost = fine.rows.filter((row) => !kept.has(keyOf(row)) && !inDoubt.has(row.test));
    expect(lost.map(keyOf)).toEqual([]);
  };

  beforeAll(async () => {
    moto = await startMoto();
    const standIn = await open();
    await seed(smallWorld, standIn.endpoint);
    fine = await night(await newProject(settings), standIn);
    idle.push(standIn);
  }, patience);

  afterAll(async () => {
    await Promise.all(all.map((standIn) => standIn.close()));
    await moto?.stop();
  });

  it('has a pass to lose for every test, and nothing else wrong than what it was given', () => {
    const passed = new Set(fine.rows.filter(isPass).map(({ test }) => test));
    expect(tests.map(({ id }) => id).filter((id) => !passed.has(id))).toEqual([]);
    expect(fine.summary.counts.error).toBe(0);
    expect(fine.code).toBe(1);
  });

  describe.concurrent('one call denied', () => {
    it.for([...declared].filter(([call]) => !neverMade.includes(call)))(
      '%s: no test that reads it passes, the others stay as they were',
      { timeout: patience },
      async ([call, permission]) => {
        await nightWith(
          [{ kind: 'deny', match: matchOf(call) }],
          ({ code, rows, summary }, { count }) => {
            expect(count({ ...matchOf(call), fault: 'deny' })).toBeGreaterThan(0);
            expectOnlyDoubt(rows);
            const hit = datasets.filter(({ calls }) => call in calls).map(({ name }) => name);
            for (const test of tests) {
              const own = rows.filter((row) => row.test === test.id);
              const before = fine.rows.filter((row) => row.test === test.id);
              const reads = datasetsOfTest(test);
              const spared = notNeeded[call]?.includes(test.id) ?? false;
              if (spared || !reads.some((name) => hit.includes(name))) {
                expect(own, test.id).toEqual(before);
                continue;
              }
              expect(own.filter(isError).length, test.id).toBeGreaterThan(0);
              if (hit.includes(test.types.name)) expect(own.filter(isPass), test.id).toEqual([]);
              expect(
                own
                  .filter(isError)
                  .map(({ reason }) => reason)
                  .join('\n'),
              ).toContain(permission);
            }
            expect(code).toBe(3);
            const named = problemsOf(summary.not_collected).filter(
              ({ code }) => code === 'AccessDenied',
            );
            expect(named.map(({ message }) => message).join('\n')).toContain(
              `add ${permission} to`,
            );
          },
        );
      },
    );

    it.for(neverMade)('%s: not needed, so nothing changes', { timeout: patience }, async (call) => {
      await nightWith([{ kind: 'deny', match: matchOf(call) }], ({ code, rows }) => {
        expect(rows).toEqual(fine.rows);
        expect(code).toBe(1);
      });
    });

    it.for(['ec2:DescribeRegions', 'organizations:ListAccounts'])(
      '%s: the results stand, and that others are not known is said',
      { timeout: patience },
      async (call) => {
        await nightWith([{ kind: 'deny', match: matchOf(call) }], ({ code, rows, summary }) => {
          expect(rows).toEqual(fine.rows);
          expect(code).toBe(1);
          const said = summary.left_out.map(({ reason }) => reason).join('\n');
          expect(said).toMatch(/not known/);
          expect(said).toContain(`add ${call} to`);
        });
      },
    );

    it('sts:GetCallerIdentity: nothing can be told', { timeout: patience }, async () => {
      await nightWith([{ kind: 'deny', match: { service: 'sts' } }], ({ code, rows }) => {
        expectOnlyDoubt(rows);
        const ids = tests.map(({ id }) => id).sort();
        const ofAws = rows.filter(({ test }) => ids.includes(test));
        expect(ofAws.filter((row) => !isError(row))).toEqual([]);
        expect([...new Set(ofAws.map(({ test }) => test))].sort()).toEqual(ids);
        expect(code).toBe(3);
      });
    });

    it('organizations:DescribeOrganization, where root may have no credentials: its place decides', {
      timeout: patience,
    }, async () => {
      const standIn = await open({ ...smallWorld, root: { mfa: 'none', password: false } });
      const cwd = await newProject(settings);
      const statuses = async () => {
        const { rows } = await night(cwd, standIn);
        const own = rows.filter(({ test }) => ['aws-root-hw', 'aws-root-mfa'].includes(test));
        return own.map(({ status }) => status);
      };
      expect(await statuses()).toEqual(['fail', 'fail']);
      standIn.fault({ kind: 'deny', match: matchOf('organizations:DescribeOrganization') });
      expect(await statuses()).toEqual(['error', 'error']);
    });
  });

  describe.concurrent('what passes when it is asked again', () => {
    const fault = (rule: FaultRule) => ({ rule, name: JSON.stringify(rule) });

    it.for([
      fault({ kind: 'throttle', share: 0.5, seed: 1 }),
      fault({ kind: 'throttle', share: 0.5, seed: 2 }),
      fault({ kind: 'throttle', share: 0.5, seed: 3 }),
      fault({ kind: 'break', timesEach: 1 }),
      fault({ kind: 'html500', timesEach: 1 }),
    ])('$name leaves no trace in the results', { timeout: patience }, async ({ rule }) => {
      await nightWith([rule], ({ code, rows, summary }, standIn) => {
        expect(standIn.count({ fault: rule.kind })).toBeGreaterThan(10);
        expect(rows).toEqual(fine.rows);
        expect(code).toBe(fine.code);
        expect(summary.requests).toBe(standIn.requests.length);
      });
    });
  });

  /** A fault that stays: call, fault, the problem that it is, and a test that lives on the call. */
  type Staying = [string, FaultRule['kind'], ProblemCode, string];

  const nightWithStaying = async (faults: Staying[], ...args: string[]) => {
    const rules = faults.map(([call, kind]) => ({ kind, match: matchOf(call) }));
    await nightWith(
      rules,
      ({ code, rows, summary }, standIn) => {
        expectOnlyDoubt(rows);
        expect(code).toBe(3);
        if (args.includes('--deadline')) expect(summary.seconds).toBeLessThan(10);
        for (const [call, kind, problem, test] of faults) {
          expect(standIn.count({ ...matchOf(call), fault: kind }), call).toBeGreaterThan(0);
          const own = rows.filter((row) => row.test === test);
          expect(own.filter(isPass), test).toEqual([]);
          expect(own.filter(isError).length, test).toBeGreaterThan(0);
          const read = datasetsOfTest(tests.find(({ id }) => id === test));
          const incomplete = summary.not_collected.filter(({ dataset }) => read.includes(dataset));
          expect(
            problemsOf(incomplete).map(({ code }) => code),
            test,
          ).toContain(problem);
        }
      },
      ...args,
    );
  };

  // Several faults a night, each on a call of its own: giving a call up takes fifteen seconds.
  describe.concurrent('what stays is an error of the right kind, and never a pass', () => {
    it.for<{ name: string; faults: Staying[] }>([
      {
        name: 'single things that cannot be read',
        faults: [
          ['s3:GetBucketPolicy', 'throttle', 'Throttled', 's3-tls'],
          ['s3:GetBucketVersioning', 'break', 'ConnectionFailed', 'pi-store'],
          ['s3:GetBucketEncryption', 'garbage', 'UnreadableResponse', 's3-sse'],
          ['s3:GetPublicAccessBlock', 'html500', 'ServiceError', 's3-pub'],
          ['iam:GetCredentialReport', 'break', 'ConnectionFailed', 'aws-iam-mfa'],
          ['iam:GetAccountPasswordPolicy', 'html500', 'ServiceError', 'aws-pwpol'],
          ['iam:GetAccountSummary', 'garbage', 'UnreadableResponse', 'aws-root-key'],
          ['kms:GetKeyRotationStatus', 'throttle', 'Throttled', 'kms-rot'],
          ['kms:GetKeyPolicy', 'break', 'ConnectionFailed', 'kms-pol'],
        ],
      },
      {
        name: 'lists that cannot be read',
        faults: [
          ['iam:GetAccountAuthorizationDetails', 'throttle', 'Throttled', 'aws-iam-admin'],
          ['s3:ListBuckets', 'html500', 'ServiceError', 's3-pub'],
          ['kms:ListKeys', 'garbage', 'UnreadableResponse', 'kms-rot'],
        ],
      },
      {
        name: 'lists without an end',
        faults: [
          ['iam:GetAccountAuthorizationDetails', 'repeatMarker', 'RefusedPage', 'aws-iam-grp'],
          ['kms:ListKeys', 'repeatMarker', 'RefusedPage', 'kms-pol'],
          ['s3:ListBuckets', 'repeatMarker', 'RefusedPage', 's3-pub'],
          ['iam:ListVirtualMFADevices', 'repeatMarker', 'RefusedPage', 'aws-root-hw'],
        ],
      },
      {
        name: 'lists that name no next page, and a policy that is cut',
        faults: [
          [
            'iam:GetAccountAuthorizationDetails',
            'truncatedWithoutMarker',
            'RefusedPage',
            'aws-role-trust',
          ],
          ['kms:ListKeys', 'truncatedWithoutMarker', 'RefusedPage', 'kms-rot'],
          ['iam:ListVirtualMFADevices', 'truncatedWithoutMarker', 'RefusedPage', 'aws-root-hw'],
          ['s3:GetBucketPolicy', 'garbage', 'UnreadableResponse', 's3-tls'],
        ],
      },
    ])('$name', { timeout: patience }, ({ faults }) => nightWithStaying(faults));
  });

  // One after the other: two seconds are little on a machine that does much else.
  describe('no answer at all is given up at the deadline', () => {
    it.for<Staying[]>([
      [
        ['iam:GetAccountPasswordPolicy', 'hang', 'DeadlineExceeded', 'aws-pwpol'],
        ['s3:ListBuckets', 'hang', 'DeadlineExceeded', 's3-tls'],
        ['kms:ListKeys', 'hang', 'DeadlineExceeded', 'kms-rot'],
      ],
      [['sts:GetCallerIdentity', 'hang', 'DeadlineExceeded', 'aws-iam-mfa']],
    ])('%j', { timeout: patience }, (faults) => nightWithStaying(faults, '--deadline', '2'));
  });
});

/** What a test is over, and what it looks up. */
function datasetsOfTest(test: CompiledTest | undefined): string[] {
  return test === undefined ? [] : [test, ...test.lookups].map(({ types }) => types.name);
}

function matchOf(call: string): CallMatch {
  const [service, operation] = call.split(':');
  return { service: service ?? '', operation: operation ?? '' };
}

function keyOf({ test, resource }: Row): string {
  return `${test} ${resource.scope} ${resource.uid}`;
}

function isError({ status }: Row): boolean {
  return status === 'error';
}

function isPass({ status }: Row): boolean {
  return status === 'pass';
}

function problemsOf(slices: PrintedSummary['not_collected']) {
  return slices.flatMap(({ problems }) => problems);
}
