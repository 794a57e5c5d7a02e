import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../src/evidence/result.ts';
import { type StandIn, startStandIn } from '../support/aws-stand-in.ts';
import { factsOf, seed } from '../support/aws-world.ts';
import { type CliResult, exampleKey, tickmark } from '../support/cli.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { newProject, type PrintedSummary, readRows, timeless } from './project.ts';
import { smallParameters, smallWorld } from './small-world.ts';

/** The port of the discard service: nobody answers there. */
const nobody = 'http://127.0.0.1:9';
const patience = 90_000;

describe.skipIf(!motoAvailable)(`a night that is recorded and replayed${motoMissing}`, () => {
  const role = `arn:aws:iam::${smallWorld.account}:role/Evidence`;
  /** Recordings keep each connection apart. */
  const roleFolder = role.replace(/[:/]+/g, '-');
  const settings = {
    parameters: smallParameters,
    source: {
      regions: ['us-east-1', 'eu-west-1'],
      accounts: [{ role, external_id: 'acme' }],
    },
  };
  let moto: Moto;
  let standIn: StandIn;
  let recording: string;
  let cwd: string;
  let ran: CliResult;
  let rows: Result[];

  const replay = async (exchanges: string) => {
    const folder = await newProject(settings);
    const env = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const args = ['run', '--json', '--replay', exchanges];
    const replayed = await tickmark(args, nobody, { cwd: folder, env });
    return { ...replayed, folder };
  };

  const replayWithout = async (files: string[]) => {
    const holed = join(await temporaryFolder(), 'exchanges');
    await cp(recording, holed, { recursive: true });
    for (const file of files) await rm(join(holed, file));
    const { code, stdout, folder } = await replay(holed);
    const summary: PrintedSummary = JSON.parse(stdout);
    return { code, summary, rows: await readRows(folder) };
  };

  beforeAll(async () => {
    moto = await startMoto();
    standIn = await startStandIn(moto.endpoint, { likeAws: true, facts: factsOf(smallWorld) });
    await seed(smallWorld, standIn.endpoint);
    standIn.forget();
    cwd = await newProject(settings);
    recording = join(await temporaryFolder(), 'exchanges');
    ran = await tickmark(['run', '--json', '--record', recording], standIn.endpoint, { cwd });
    rows = await readRows(cwd);
    // What follows needs no service; that there is none any more shows that it asks none.
    await standIn.close();
    await moto.stop();
  }, patience);

  afterAll(removeTemporary);

  it('records every answer', async () => {
    expect(ran.code).toBe(1);
    expect(standIn.count({ service: 'sts', operation: 'AssumeRole' })).toBe(1);
    const files = await filesBelow(recording);
    expect(files.filter((file) => file.endsWith('.json'))).toHaveLength(standIn.requests.length);
  });

  it('gives the same rows from the recording, and says that it did', {
    timeout: patience,
  }, async () => {
    const { code, stdout, folder } = await replay(recording);
    const replayed = await readRows(folder);
    expect(JSON.stringify(replayed.map(timeless))).toBe(JSON.stringify(rows.map(timeless)));
    // The time that the source itself gives is no other for being read again.
    const reported = (all: Result[]) =>
      all.filter(({ test }) => test === 'aws-iam-mfa').map(({ observed_at }) => observed_at);
    expect(reported(replayed)).toEqual(reported(rows));
    expect(code).toBe(ran.code);
    expect(JSON.parse(stdout)).toMatchObject({
      answers: 'replayed',
      sources: [{ endpoints: [] }],
    });
  });

  it('writes no secret anywhere', async () => {
    const files = [...(await filesBelow(recording)), ...(await filesBelow(cwd))];
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    texts.push(ran.stdout, ran.stderr);
    const secrets = [exampleKey.secret, 'Correct-horse', 'Signature=', 'Base32StringSeed'];
    for (const secret of secrets) {
      expect(texts.filter((text) => text.includes(secret))).toEqual([]);
    }
    const assumed = await readFile(join(recording, 'default', 'sts.AssumeRole_1.json'), 'utf8');
    for (const name of ['AccessKeyId', 'SecretAccessKey', 'SessionToken']) {
      expect(assumed).toContain(`<${name}>MASKED</${name}>`);
    }
  });

  /** Exchanges of the account's own credentials, without `_1.json`, and tests that live on them. */
  const holes: { name: string; files: string[]; tests: string[] }[] = [
    {
      name: 'single things',
      files: ['s3.GetBucketPolicy', 'kms.GetKeyPolicy', 'iam.GetAccountPasswordPolicy'],
      tests: ['s3-tls', 'kms-pol', 'aws-pwpol'],
    },
    {
      name: 'lists',
      files: ['s3.ListBuckets', 'kms.ListKeys', 'iam.GetAccountAuthorizationDetails'],
      tests: ['s3-pub', 'kms-rot', 'aws-iam-admin', 'aws-iam-grp', 'aws-role-trust'],
    },
    {
      // The report was asked for twice: the second answer does not stand for the first.
      name: 'the first of two answers to one question',
      files: ['iam.GenerateCredentialReport'],
      tests: ['aws-iam-mfa', 'aws-key-age', 'aws-cred-idle'],
    },
  ];
  it.for(holes)(
    'misses $name that were taken away, and never passes for it',
    {
      timeout: patience,
    },
    async ({ files, tests }) => {
      const taken = files.map((file) => join(roleFolder, `${file}_1.json`));
      const { code, summary, rows: replayed } = await replayWithout(taken);
      expect(code).toBe(3);
      const missing = summary.not_collected
        .flatMap(({ problems }) => problems)
        .filter((problem) => problem.code === 'ReplayMissing')
        .map(({ message }) => message);
      for (const file of files) expect(missing.join('\n')).toContain(file.replace('.', ':'));
      const known = new Map(rows.map((row) => [`${row.test} ${row.resource.uid}`, row.status]));
      for (const { test, resource, status } of replayed) {
        const before = known.get(`${test} ${resource.uid}`) ?? 'error';
        expect([before, 'error'], `${test} ${resource.name}`).toContain(status);
      }
      for (const test of tests) {
        const own = replayed.filter((row) => row.test === test);
        expect(own.filter(({ status }) => status === 'error').length, test).toBeGreaterThan(0);
      }
    },
  );

  it('knows nothing without the answer that gave the credentials', {
    timeout: patience,
  }, async () => {
    const { code, rows: replayed } = await replayWithout([
      join('default', 'sts.AssumeRole_1.json'),
    ]);
    expect(code).toBe(3);
    // The tests over GitHub have nothing to ask here.
    const ofAws = replayed.filter(({ test }) => /^(aws|s3|kms|pi)-/.test(test));
    expect(new Set(ofAws.map(({ status }) => status))).toEqual(new Set(['error']));
  });
});

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
