import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Result, statuses } from '../../src/evidence/result.ts';
import type { Call } from '../../src/evidence/slice.ts';
import type { Bundle } from '../../src/seal/manifest.ts';
import { unfold } from '../../src/store/objects.ts';
import type { Store } from '../../src/store/store.ts';
import {
  type AcmeTest,
  acmeExpected,
  acmeParameters,
  expectedResults,
} from '../support/acme-expected.ts';
import { acme } from '../support/acme-world.ts';
import { type SeenRequest, type StandIn, startStandIn } from '../support/aws-stand-in.ts';
import { factsOf, type Seeded, seed } from '../support/aws-world.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';
import { removeTemporary } from '../support/temporary.ts';
import { newProject, night, type PrintedSummary, readRows, storeOf } from './project.ts';
import { smallParameters, smallWorld } from './small-world.ts';

describe.skipIf(!motoAvailable)(`a night at Acme${motoMissing}`, () => {
  let moto: Moto;
  let standIn: StandIn;
  let seeded: Seeded;
  let cwd: string;
  let ran: CliResult;
  let summary: PrintedSummary;
  let rows: Result[];
  let store: Store;
  let bundle: Bundle;

  beforeAll(async () => {
    moto = await startMoto();
    standIn = await startStandIn(moto.endpoint, { likeAws: true, facts: factsOf(acme) });
    seeded = await seed(acme, standIn.endpoint);
    standIn.forget();
    cwd = await newProject({ parameters: acmeParameters });
    ran = await tickmark(['run', '--json'], standIn.endpoint, { cwd });
    summary = JSON.parse(ran.stdout);
    rows = await readRows(cwd);
    store = storeOf(cwd);
    const last = await store.last();
    if (last === undefined) throw new Error('nothing was sealed');
    bundle = last;
  }, 120_000);

  afterAll(async () => {
    await standIn?.close();
    await moto?.stop();
    await removeTemporary();
  });

  it.each(Object.keys(acmeExpected) as AcmeTest[])(
    '%s says of each resource what was worked out by hand, and of no other',
    (test) => {
      const found = rows.filter((row) => row.test === test);
      expect(
        Object.fromEntries(found.map(({ resource, status }) => [resource.name, status])),
      ).toEqual(expectedResults(test, seeded));
      // A name that stood twice would have hidden a row.
      expect(found).toHaveLength(Object.keys(acmeExpected[test]).length);
    },
  );

  it('judges by no other test, and gives every row its run, time and reason', () => {
    const isOverGitHub = ({ test }: Result) => /^(gh|chg)-/.test(test);
    const others = rows.filter((row) => !isOverGitHub(row));
    expect([...new Set(others.map(({ test }) => test))].sort()).toEqual(
      Object.keys(acmeExpected).sort(),
    );
    expect(new Set(rows.map(({ run }) => run))).toEqual(new Set([summary.run]));
    expect(
      others.filter(({ reason, observed_at }) => reason === '' || observed_at === null),
    ).toEqual([]);
    for (const row of rows.filter(isOverGitHub)) {
      expect(row).toMatchObject({
        status: 'not_tested',
        reason: expect.stringMatching(/^no configured source gives github\./),
      });
    }
  });

  it('ends with 3, since three rows could not be told, although every slice is complete', () => {
    expect(ran.code).toBe(3);
    expect(summary.exit_code).toBe(3);
    expect(summary.not_collected).toEqual([]);
    expect(rows.filter(({ status }) => status === 'error')).toHaveLength(3);
  });

  it('counts in its summary what the rows say', () => {
    for (const status of statuses) {
      const counted = rows.filter((row) => row.status === status).length;
      expect(summary.counts[status], status).toBe(counted);
      const controls = summary.controls.map(({ counts }) => counts[status]);
      expect(
        controls.reduce((sum, count) => sum + count, 0),
        status,
      ).toBe(counted);
    }
    expect(summary.deviations).toHaveLength(summary.counts.fail);
    expect(summary.unjudged.reduce((sum, { count }) => sum + count, 0)).toBe(summary.counts.error);
    expect(summary.slices).toBe(bundle.manifest.slices.length);
    expect(summary.requests).toBe(standIn.requests.length);
  });

  it('asks no more often than it may', () => {
    const { users = [], groups = [], roles = [], policies = {}, buckets = [] } = acme;
    const things = users.length + groups.length + roles.length + Object.keys(policies).length;
    expect(standIn.count({ service: 'iam' })).toBeLessThanOrEqual(Math.ceil(things / 1000) + 8);
    expect(standIn.count({ service: 's3' })).toBeLessThanOrEqual(
      Math.ceil(buckets.length / 1000) + 8 * buckets.length,
    );
  });

  it('asks only what tickmark permissions prints', async () => {
    const printed = await tickmark(['permissions'], standIn.endpoint, { cwd });
    const policy: { Statement: { Action: string[] }[] } = JSON.parse(printed.stdout);
    const allowed = new Set(policy.Statement.flatMap(({ Action }) => Action));
    const needed = new Set(standIn.requests.map(permissionOf));
    // IAM asks no permission for GetCallerIdentity.
    needed.delete('sts:GetCallerIdentity');
    expect([...needed].filter((permission) => !allowed.has(permission))).toEqual([]);
    // Printed and not needed here: a region that ListBuckets does not tell.
    expect([...allowed].filter((permission) => !needed.has(permission))).toEqual([
      's3:GetBucketLocation',
    ]);
  });

  it('ties every record to calls of its slice that AWS knows again', async () => {
    let records = 0;
    for (const slice of bundle.manifest.slices) {
      const calls = new Map<string, Call>();
      for await (const lines of store.calls(slice.calls)) {
        for (const call of lines) calls.set(call.id, call);
      }
      for await (const part of store.records(slice)) {
        for (const record of part) {
          records += 1;
          const where = `${slice.dataset} ${record.name}`;
          expect(record.calls.length, where).toBeGreaterThan(0);
          for (const id of record.calls) {
            const call = calls.get(id);
            expect(call, `${where}: ${id}`).toBeDefined();
            expect(call?.request_id, `${where}: ${id}`).toMatch(/\S/);
            expect(Date.parse(call?.server_date ?? ''), `${where}: ${id}`).not.toBeNaN();
          }
        }
      }
    }
    expect(records).toBe(summary.records);
    expect(records).toBeGreaterThan(100);
  });

  it('keeps no secret that moto gave away', async () => {
    const printed = await tickmark(['results'], standIn.endpoint, { cwd });
    const texts = [ran.stdout, ran.stderr, printed.stdout];
    for await (const { key } of store.backend.entries('objects')) {
      texts.push(String(await unfold((await store.backend.read(key)) as Uint8Array)));
    }
    texts.push(await readFile(join(cwd, 'evidence', 'bundles', '00000001.json'), 'utf8'));
    expect(
      texts.filter((text) => /wJalrXUtnFEMI|Correct-horse|Base32StringSeed/.test(text)),
    ).toEqual([]);
  });
});

describe.skipIf(!motoAvailable)(`a night before moto as it is${motoMissing}`, () => {
  let moto: Moto;
  let standIn: StandIn;

  beforeAll(async () => {
    moto = await startMoto();
    standIn = await startStandIn(moto.endpoint);
    await seed(smallWorld, standIn.endpoint);
  }, 120_000);

  afterAll(async () => {
    await standIn?.close();
    await moto?.stop();
    await removeTemporary();
  });

  it('is complete, discloses what stands in for what AWS would have said, and ends with 1', {
    timeout: 120_000,
  }, async () => {
    const cwd = await newProject({ parameters: smallParameters });
    const { code, summary, rows } = await night(cwd, standIn);
    expect(summary.not_collected).toEqual([]);
    expect(summary.unjudged).toEqual([]);
    expect(code).toBe(1);
    expect(summary.notes.map(({ dataset }) => dataset)).toEqual([
      'aws.iam.credential_report',
      'aws.iam.credential_report',
    ]);
    expect(summary.notes.map(({ message }) => message).join('\n')).toMatch(
      /no row for the root user/,
    );
    expect(summary.notes.map(({ message }) => message).join('\n')).toMatch(/something younger/);
    const failed = rows.filter(({ status }) => status === 'fail');
    // moto has no MFA for root, and no configuration for a bucket that was given none.
    expect(failed.map(({ test, resource }) => `${test} ${resource.name}`).sort()).toEqual([
      'aws-iam-fed bob',
      'aws-iam-mfa bob',
      'aws-root-hw root',
      'aws-root-mfa root',
      'pi-store site',
      's3-sse site',
      's3-tls site',
    ]);
    expect(rows.filter(({ status }) => status === 'pass').map(({ test }) => test)).toEqual(
      expect.arrayContaining(['aws-iam-mfa', 'aws-key-age', 's3-sse', 's3-pub', 'kms-rot']),
    );
  });
});

/** IAM's permission for a request, after the service authorization reference. */
function permissionOf({ service, operation }: SeenRequest): string {
  const names: Record<string, string> = {
    's3:ListBuckets': 's3:ListAllMyBuckets',
    's3:GetBucketEncryption': 's3:GetEncryptionConfiguration',
    's3:GetPublicAccessBlock': 's3:GetBucketPublicAccessBlock',
    's3:GetObjectLockConfiguration': 's3:GetBucketObjectLockConfiguration',
    's3control:GetPublicAccessBlock': 's3:GetAccountPublicAccessBlock',
  };
  const call = `${service}:${operation}`;
  return names[call] ?? call;
}
