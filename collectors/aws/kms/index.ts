import type { KeyMetadata } from '@aws-sdk/client-kms';
import { type AwsContext, type Collector, defineDataset } from '../../../src/plugin.ts';
import { parsePolicyDocument } from '../policy-document.ts';
import { type ListedThing, readEach } from '../read-each.ts';
import { kms } from '../services.ts';
import { time, told } from '../values.ts';
import * as schema from './schema.ts';

/** KMS's error for a key that does not exist. */
const noKey = 'NotFoundException';

const common = { version: 1, kind: 'snapshot', level: 'region' } as const;
const listCalls = { 'kms:ListKeys': 'kms:ListKeys', 'kms:DescribeKey': 'kms:DescribeKey' };

// What is asked of each key may fail for one: then its record is without it.
const keyFields = schema.keyIdentity.extend(schema.key.partial().shape);
const keyPolicyFields = schema.keyIdentity.extend(schema.keyPolicy.partial().shape);

/** The region's keys, listed once a run. A key's name is its id. */
function listKeys(aws: AwsContext): Promise<ListedThing[]> {
  return aws.once('kms.keys', async (shared) => {
    const keys: ListedThing[] = [];
    const pages = shared.pages(
      kms,
      'ListKeys',
      { Limit: 1000 },
      { send: 'Marker', receive: 'NextMarker', more: 'Truncated' },
    );
    for await (const page of pages) {
      for (const { KeyId, KeyArn } of told(page.Keys, 'Keys')) {
        keys.push({ name: told(KeyId, 'KeyId'), arn: told(KeyArn, 'KeyArn'), page });
      }
    }
    return keys;
  });
}

/** One key's metadata, asked once a run. */
function describeKey(aws: AwsContext, id: string) {
  return aws.once(`kms.key ${id}`, async (shared) => {
    const described = await shared.call(kms, 'DescribeKey', { KeyId: id });
    return { described, metadata: told(described.KeyMetadata, 'KeyMetadata') };
  });
}

/**
 * AWS KMS Developer Guide, "Rotate AWS KMS keys": only symmetric encryption keys with material
 * that KMS made, and none that waits for deletion or import.
 */
function canRotate({ KeyManager, KeySpec, Origin, KeyState }: KeyMetadata): boolean {
  return (
    KeyManager === 'CUSTOMER' &&
    KeySpec === 'SYMMETRIC_DEFAULT' &&
    Origin === 'AWS_KMS' &&
    (KeyState === 'Enabled' || KeyState === 'Disabled')
  );
}

const deletionDate = ({ DeletionDate }: KeyMetadata) => (DeletionDate ? time(DeletionDate) : null);

const keys = defineDataset<AwsContext, typeof keyFields>({
  ...common,
  name: 'aws.kms.keys',
  title: 'Keys, who keeps them and whether they rotate',
  fields: keyFields,
  calls: { ...listCalls, 'kms:GetKeyRotationStatus': 'kms:GetKeyRotationStatus' },
  async collect(aws) {
    await readEach(aws, await listKeys(aws), noKey, async ({ name }, known) => {
      const { described, metadata } = await describeKey(aws, name);
      const rotation = canRotate(metadata)
        ? await aws.call(kms, 'GetKeyRotationStatus', { KeyId: name })
        : undefined;
      return {
        fields: {
          ...known,
          manager: told(metadata.KeyManager, 'KeyManager'),
          origin: told(metadata.Origin, 'Origin'),
          spec: told(metadata.KeySpec, 'KeySpec'),
          ...(metadata.KeyUsage && { usage: metadata.KeyUsage }),
          state: told(metadata.KeyState, 'KeyState'),
          enabled: told(metadata.Enabled, 'Enabled'),
          multi_region: metadata.MultiRegion ?? false,
          rotation_enabled: rotation
            ? told(rotation.KeyRotationEnabled, 'KeyRotationEnabled')
            : null,
          rotation_period_days: rotation?.RotationPeriodInDays ?? null,
          deletion_date: deletionDate(metadata),
        },
        original: { KeyMetadata: metadata, ...(rotation && { Rotation: rotation }) },
        from: rotation ? [described, rotation] : [described],
      };
    });
  },
});

const keyPolicies = defineDataset<AwsContext, typeof keyPolicyFields>({
  ...common,
  name: 'aws.kms.key_policies',
  title: 'Policies of the keys',
  fields: keyPolicyFields,
  calls: { ...listCalls, 'kms:GetKeyPolicy': 'kms:GetKeyPolicy' },
  async collect(aws) {
    await readEach(aws, await listKeys(aws), noKey, async ({ name }, known) => {
      const { described, metadata } = await describeKey(aws, name);
      const manager = told(metadata.KeyManager, 'KeyManager');
      const fields = {
        ...known,
        manager,
        state: told(metadata.KeyState, 'KeyState'),
        deletion_date: deletionDate(metadata),
      };
      if (manager === 'AWS')
        return { fields, original: { KeyMetadata: metadata }, from: [described] };
      // A key has one policy, and its name is `default`.
      const policy = await aws.call(kms, 'GetKeyPolicy', { KeyId: name, PolicyName: 'default' });
      const statements = parsePolicyDocument(told(policy.Policy, 'Policy'));
      return {
        fields: { ...fields, statements },
        original: { KeyMetadata: metadata, Policy: policy.Policy },
        from: [described, policy],
      };
    });
  },
});

const collector: Collector<AwsContext> = {
  id: 'aws.kms',
  title: 'AWS Key Management Service',
  datasets: [keys, keyPolicies],
};

export default collector;
