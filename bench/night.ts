/**
 * A night in a big account, and a second one after one resource in a hundred has changed: API
 * calls, memory, and what the store grows by.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IAMClient, PutRolePolicyCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import type { NightSummary } from '../src/report/summary.ts';
import type { Manifest } from '../src/seal/manifest.ts';
import { folderBackend } from '../src/store/folder.ts';
import { Store } from '../src/store/store.ts';
import { type StandIn, startStandIn } from '../test/support/aws-stand-in.ts';
import {
  type AwsWorld,
  bigWorld,
  clientSettings,
  factsOf,
  seed,
} from '../test/support/aws-world.ts';
import { startMoto } from '../test/support/moto.ts';
import type { Figure } from './figures.ts';
import { bytesByPart, type Part, parts, partsOf } from './parts.ts';
import { type Measured, measure } from './tickmark.ts';

const size = { users: 2000, roles: 1000, groups: 50, buckets: 500 };
/** One resource of so many changes between the nights. */
const changing = 100;

/** What a night may need at most, as the design promises. */
const mostIamCalls = (entities: number) => Math.ceil(entities / 1000) + 8;
const mostS3Calls = (buckets: number) => Math.ceil(buckets / 1000) + 8 * buckets;
/** What asking one by one needs, as scanners do that list and then describe each thing. */
const oneByOne = {
  iam: 9 * size.users + 4 * size.roles + 3 * size.groups,
  s3: 1 + 13 * size.buckets,
};
const mostMegabytes = 300;
/** A night after which one resource in a hundred has changed, against the first night. */
const mostGrowth = 0.1;

/** Needs moto_server on the PATH. */
export async function nightFigures(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tickmark-bench-'));
  const world = bigWorld(size);
  const started = new Date();
  const moto = await startMoto();
  // Credentials keep their past from one night to the next, as they do in AWS.
  const now = () => started;
  const standIn = await startStandIn(moto.endpoint, { likeAws: true, facts: factsOf(world), now });
  try {
    await seed(world, standIn.endpoint);
    await writeFile(
      join(folder, 'tickmark.yaml'),
      JSON.stringify({
        organization: 'Acme, Inc.',
        period: { start: '2026-01-01', end: '2026-12-31' },
        store: './evidence',
        sources: [{ id: 'production', use: 'aws', with: { regions: ['us-east-1'] } }],
      }),
    );
    standIn.forget();
    const first = await night(folder, standIn);
    const calls = callFigures(standIn, first);
    const store = new Store(folderBackend(join(folder, 'evidence')));
    const before = await sizes(store);
    await change(world, standIn);
    await night(folder, standIn);
    return [...calls, ...(await growthFigures(store, before))];
  } finally {
    await standIn.close();
    await moto.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws Error when the night was not complete: its figures would mean nothing. */
async function night(folder: string, { endpoint }: StandIn): Promise<Measured> {
  const measured = await measure(['run', '--json'], folder, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  if (measured.code !== 1) {
    throw new Error(`the night ended with ${measured.code}\n${measured.stderr.slice(-2000)}`);
  }
  return measured;
}

function callFigures(standIn: StandIn, { stdout, seconds, peakMegabytes }: Measured): Figure[] {
  const summary: NightSummary = JSON.parse(stdout);
  const results = Object.values(summary.counts).reduce((sum, count) => sum + count, 0);
  const { users, roles, groups, buckets } = size;
  const iam = standIn.count({ service: 'iam' });
  const s3 = standIn.count({ service: 's3' });
  const others = ['iam', 's3'].reduce(
    (left, service) => left - standIn.count({ service }),
    standIn.requests.length,
  );
  const ratio = (asked: number, found: number) =>
    `${asked.toLocaleString('en-US')} one by one: ${Math.round(asked / found).toLocaleString('en-US')} times as many`;
  return [
    {
      name: `IAM calls (${users} users, ${roles} roles, ${groups} groups)`,
      found: iam,
      unit: '',
      budget: mostIamCalls(users + roles + groups),
      beside: ratio(oneByOne.iam, iam),
    },
    {
      name: `S3 calls (${buckets} buckets)`,
      found: s3,
      unit: '',
      budget: mostS3Calls(buckets),
      beside: ratio(oneByOne.s3, s3),
    },
    { name: 'calls to other services', found: others, unit: '' },
    { name: 'peak memory of the night', found: peakMegabytes, unit: 'MB', budget: mostMegabytes },
    {
      name: 'wall time of the night',
      found: seconds,
      unit: 's',
      beside: `${Math.round(standIn.requests.length / seconds)} calls a second; the stand-in gives about 200`,
    },
    { name: 'results of the night', found: results, unit: '' },
  ];
}

/** One in a hundred users, roles and buckets gets another setting, evenly spread. */
async function change(world: AwsWorld, { endpoint }: StandIn): Promise<void> {
  const iam = new IAMClient(clientSettings(endpoint));
  const s3 = new S3Client({ ...clientSettings(endpoint), forcePathStyle: true });
  const some = <Thing>(things: Thing[] = []) => things.filter((_, at) => at % changing === 50);
  const policy = {
    PolicyName: 'changed',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:ListBucket', Resource: 'arn:aws:s3:::other' }],
    }),
  };
  for (const { name } of some(world.users)) {
    await iam.send(new PutUserPolicyCommand({ UserName: name, ...policy }));
  }
  for (const { name } of some(world.roles)) {
    await iam.send(new PutRolePolicyCommand({ RoleName: name, ...policy }));
  }
  for (const { name } of some(world.buckets)) {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
  }
  iam.destroy();
  s3.destroy();
}

/** Bytes by key in the store. */
async function sizes({ backend }: Store): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const folder of ['bundles', 'objects', 'seals']) {
    for await (const { key, bytes } of backend.entries(folder)) found.set(key, bytes);
  }
  return found;
}

async function growthFigures(store: Store, before: Map<string, number>): Promise<Figure[]> {
  const after = await sizes(store);
  const added = new Map([...after].filter(([key]) => !before.has(key)));
  const manifests: Manifest[] = [];
  for await (const { manifest } of store.bundles()) manifests.push(manifest);
  const partOf = await partsOf(store.backend, manifests);
  const [first, second] = [bytesByPart(before, partOf), bytesByPart(added, partOf)];
  const grown = (name: string, from: number, by: number): Figure => ({
    name,
    found: by / from,
    unit: 'of the first',
    beside: `${Math.round(by / 1_000)} of ${Math.round(from / 1_000)} kB`,
  });
  const sum = (bytes: Record<Part, number>) => parts.reduce((all, part) => all + bytes[part], 0);
  return [
    {
      ...grown('store: a second night with 1 % changed', sum(first), sum(second)),
      budget: mostGrowth,
    },
    ...parts
      .filter((part) => first[part] > 0)
      .map((part) => grown(`  of these, ${part}`, first[part], second[part])),
  ];
}
