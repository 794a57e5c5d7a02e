/** What a bucket's own settings do for the evidence in it: looked at, never changed. */
import type {
  ObjectLockConfiguration,
  PublicAccessBlockConfiguration,
  ServerSideEncryptionRule,
} from '@aws-sdk/client-s3';
import { connectS3, isNamed, type S3Place, s3Error } from './s3.ts';

/** One setting of a bucket. */
export interface BucketCheck {
  what: string;
  /** null: it could not be told. */
  ok: boolean | null;
  /** What it is, what evidence needs and why, in one sentence. */
  message: string;
}

/** What a setting is, and whether that is enough. */
interface Finding {
  ok: boolean | null;
  fact: string;
}

/** What evidence needs of each setting, and why. */
const needs = {
  'Object Lock':
    'evidence needs it on, since without it whoever may delete an object may delete what was sealed',
  retention:
    'evidence needs one until the audit of its period is over, since Object Lock alone holds nothing',
  versioning:
    'evidence needs it on, since it keeps what is overwritten or deleted and Object Lock works by it',
  'default encryption':
    'evidence needs it, since records name people and what is wrong with their accounts',
  'public access block':
    'evidence needs all four settings on, since one wrong policy or ACL would show it to everyone',
};

/**
 * Looks at what keeps the evidence in a bucket from being changed, lost or shown.
 * @throws TickmarkError StoreUnavailable when the bucket cannot be asked at all
 */
export async function examineBucket(place: S3Place): Promise<BucketCheck[]> {
  const { client, sdk } = await connectS3(place);
  const Bucket = place.bucket;
  const check = async <Answer>(
    what: keyof typeof needs,
    permission: string,
    ask: () => Promise<Answer>,
    find: (answer: Answer | undefined) => Finding,
  ): Promise<BucketCheck> => {
    const { ok, fact } = await ask().then(find, (thrown): Finding => {
      if (isNamed(thrown, ...unset)) return find(undefined);
      const untold = (why: string) => ({ ok: null, fact: `${what} could not be told (${why})` });
      if (isNamed(thrown, 'AccessDenied')) {
        return untold(`add ${permission} to the policy of the role`);
      }
      if (isNamed(thrown, 'NotImplemented', '501', 'MethodNotAllowed')) {
        return untold('the service does not implement it');
      }
      throw s3Error(thrown, `look at the bucket s3://${Bucket}`, permission);
    });
    return { what, ok, message: `${fact}; ${needs[what]}` };
  };
  const askLock = () => client.send(new sdk.GetObjectLockConfigurationCommand({ Bucket }));
  const lockPermission = 's3:GetBucketObjectLockConfiguration';
  try {
    return await Promise.all([
      check('Object Lock', lockPermission, askLock, (answer) =>
        lockFinding(answer?.ObjectLockConfiguration),
      ),
      check('retention', lockPermission, askLock, (answer) =>
        retentionFinding(answer?.ObjectLockConfiguration, place.retention),
      ),
      check(
        'versioning',
        's3:GetBucketVersioning',
        () => client.send(new sdk.GetBucketVersioningCommand({ Bucket })),
        (answer) => versioningFinding(answer?.Status),
      ),
      check(
        'default encryption',
        's3:GetEncryptionConfiguration',
        () => client.send(new sdk.GetBucketEncryptionCommand({ Bucket })),
        (answer) => encryptionFinding(answer?.ServerSideEncryptionConfiguration?.Rules?.[0]),
      ),
      check(
        'public access block',
        's3:GetBucketPublicAccessBlock',
        () => client.send(new sdk.GetPublicAccessBlockCommand({ Bucket })),
        (answer) => publicFinding(answer?.PublicAccessBlockConfiguration ?? {}),
      ),
    ]);
  } finally {
    client.destroy();
  }
}

/** How S3 says that a setting was never made. */
const unset = [
  'ObjectLockConfigurationNotFoundError',
  'ServerSideEncryptionConfigurationNotFoundError',
  'NoSuchPublicAccessBlockConfiguration',
];

function lockFinding(lock: ObjectLockConfiguration | undefined): Finding {
  const ok = lock?.ObjectLockEnabled === 'Enabled';
  return { ok, fact: `Object Lock is ${ok ? 'on' : 'off'}` };
}

function retentionFinding(
  lock: ObjectLockConfiguration | undefined,
  configured: S3Place['retention'],
): Finding {
  if (lock?.ObjectLockEnabled !== 'Enabled') {
    return { ok: false, fact: 'there is no retention without Object Lock' };
  }
  const { Mode, Days, Years } = lock.Rule?.DefaultRetention ?? {};
  const mode = configured?.mode ?? Mode?.toLowerCase();
  if (mode === undefined) {
    return { ok: false, fact: 'there is no retention, neither configured nor by default' };
  }
  const fact =
    configured === undefined
      ? `the bucket's default retention is ${Days ? `${Days} days` : `${Years} years`}`
      : `a retention of ${configured.days} days is put on each object as it is written`;
  const how = mode === 'governance' ? `${mode}: s3:BypassGovernanceRetention passes it by` : mode;
  return { ok: true, fact: `${fact} (${how})` };
}

function versioningFinding(status: string | undefined): Finding {
  return { ok: status === 'Enabled', fact: `versioning is ${status?.toLowerCase() ?? 'off'}` };
}

function encryptionFinding(rule: ServerSideEncryptionRule | undefined): Finding {
  const algorithm = rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm;
  if (algorithm === undefined) return { ok: false, fact: 'there is no default encryption' };
  return { ok: true, fact: `objects are encrypted with ${algorithm} by default` };
}

function publicFinding(block: PublicAccessBlockConfiguration): Finding {
  const settings = [
    'BlockPublicAcls',
    'IgnorePublicAcls',
    'BlockPublicPolicy',
    'RestrictPublicBuckets',
  ] as const;
  const off = settings.filter((setting) => block[setting] !== true);
  const lacks = off.length === 0 ? 'is whole' : `lacks ${off.join(', ')}`;
  return { ok: off.length === 0, fact: `the public access block ${lacks}` };
}
