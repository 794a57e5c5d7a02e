/** The smallest store that shows every part: one night with two buckets, as docs/formats prints it. */
import type { Judged } from '../../src/evidence/result.ts';
import type { Slice } from '../../src/evidence/slice.ts';
import { formatManifest, manifestKey } from '../../src/seal/manifest.ts';
import { writeResults } from '../../src/store/results.ts';
import { type Draft, Store, unsealed } from '../../src/store/store.ts';
import { memoryBackend } from '../support/memory-backend.ts';

const run = '20260131T020000Z-1a2b3c';
const observedAt = '2026-01-31T02:00:01.000Z';
const bucket = (name: string) => `arn:aws:s3:::${name}`;

const slice: Slice = {
  dataset: 'aws.s3.bucket_versioning',
  version: 1,
  source: 'production',
  scope: '123456789012',
  kind: 'snapshot',
  observed_at: observedAt,
  outcome: 'complete',
  problems: [],
  tie_outs: [],
  records: [
    { name: 'acme-logs', status: 'Enabled' },
    { name: 'acme-tmp', status: 'Never' },
  ].map(({ name, status }) => ({
    uid: bucket(name),
    name,
    fields: { account_id: '123456789012', arn: bucket(name), status, mfa_delete: false },
    original: status === 'Never' ? {} : { Status: status },
    calls: [`s3:GetBucketVersioning {"Bucket":"${name}"}`, 's3:ListBuckets {"MaxBuckets":1000}'],
  })),
  calls: [
    {
      id: 's3:ListBuckets {"MaxBuckets":1000}',
      service: 's3',
      operation: 'ListBuckets',
      region: 'us-east-1',
      parameters: { MaxBuckets: 1000 },
      page: 1,
      request_id: '4442587FB7D0A2F9',
      server_date: 'Sat, 31 Jan 2026 02:00:00 GMT',
      status: 200,
      attempts: 1,
      started_at: '2026-01-31T02:00:00.100Z',
      finished_at: '2026-01-31T02:00:00.200Z',
      endpoint: 'https://s3.us-east-1.amazonaws.com',
    },
  ],
};

const results = (['pass', 'fail'] as const).map(
  (status, index): Judged => ({
    run,
    dataset: slice.dataset,
    source: slice.source,
    about: 'resource',
    control: 'DP-02',
    test: 'pi-store',
    resource: {
      uid: bucket(index === 0 ? 'acme-logs' : 'acme-tmp'),
      name: index === 0 ? 'acme-logs' : 'acme-tmp',
      scope: slice.scope,
    },
    status,
    reason: `versioning: ${index === 0 ? 'Enabled' : 'Never'}; object lock: off`,
    observed: {
      arn: bucket(index === 0 ? 'acme-logs' : 'acme-tmp'),
      status: index === 0 ? 'Enabled' : 'Never',
    },
    observed_at: observedAt,
  }),
);

/** Writes the store anew. */
export async function goldenStore() {
  const { backend, keys } = memoryBackend();
  const store = new Store(backend);
  const sealed = await store.writeSlice(slice);
  const draft: Draft = {
    format: 'tickmark-bundle/1',
    run,
    kind: 'run',
    evidence_of: null,
    started_at: '2026-01-31T02:00:00.000Z',
    finished_at: '2026-01-31T02:00:09.000Z',
    clock: 'system',
    answers: 'live',
    tool: { name: 'tickmark', version: '0.1.0', commit: null },
    operator: { ci: 'https://github.com/acme/evidence/actions/runs/1' },
    organization: 'Acme, Inc.',
    timezone: 'UTC',
    configuration: '44a080f9eb7cbf2a5e19cc7e7b46f584ae0efe5a59706bafcdc2645a0414584b',
    parameters: {},
    controls: [
      {
        id: 'DP-02',
        file: 'builtin:soc2/DP-02-records-storage.yaml',
        digest: await store.writeBytes(Buffer.from('id: "DP-02"\n')),
      },
    ],
    waivers: {
      file: 'waivers.yaml',
      digest: await store.writeBytes(Buffer.from('waivers: []\n')),
    },
    sources: [
      {
        id: 'production',
        use: 'aws',
        identities: [
          {
            subject: 'arn:aws:sts::123456789012:assumed-role/Evidence/tickmark',
            account: '123456789012',
          },
        ],
        left_out: [],
        calls: await store.writeCalls('production', []),
        requests: 3,
        endpoints: ['https://s3.us-east-1.amazonaws.com:443'],
      },
    ],
    slices: [sealed],
    results: {
      as_of: '2026-01-31T02:00:09.000Z',
      counts: { pass: 1, fail: 1, not_applicable: 0, not_tested: 0, waived: 0, error: 0 },
      ...(await writeResults(store, [sealed], results, 'run')),
    },
  };
  const bundle = await store.seal(draft, unsealed);
  const { bytes, digest } = formatManifest(bundle.manifest);
  return {
    store,
    bundle,
    keys,
    sealed,
    manifest: bytes.toString('utf8'),
    digest,
    key: manifestKey(1),
  };
}
