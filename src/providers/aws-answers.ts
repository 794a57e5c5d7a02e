/**
 * Whether a body is an answer of the operation that was asked. The SDK reads a sign-in page or an
 * empty body as an answer without members: an empty list, that is, and no evidence at all.
 */

/** S3's REST API names its root elements by no rule (S3 API reference, each operation's page). */
const s3Roots: Record<string, string> = {
  ListBuckets: 'ListAllMyBucketsResult',
  GetBucketEncryption: 'ServerSideEncryptionConfiguration',
  GetBucketLifecycleConfiguration: 'LifecycleConfiguration',
  GetBucketLocation: 'LocationConstraint',
  GetBucketLogging: 'BucketLoggingStatus',
  GetBucketOwnershipControls: 'OwnershipControls',
  GetBucketPolicyStatus: 'PolicyStatus',
  GetBucketTagging: 'Tagging',
  GetBucketVersioning: 'VersioningConfiguration',
  GetObjectLockConfiguration: 'ObjectLockConfiguration',
  GetPublicAccessBlock: 'PublicAccessBlockConfiguration',
};

/** Services of the query protocol: the root element is the operation's name and `Response`. */
const queryServices = new Set(['ec2', 'iam', 'sts']);

/** Services that answer with a JSON object. */
const jsonServices = new Set(['kms', 'organizations']);

/** True for the body of a good answer; `service` as in `calls`. */
export function isAnswerOf(service: string, operation: string, body: Uint8Array): boolean {
  const start = Buffer.from(body.subarray(0, 2_048))
    .toString('utf8')
    .replace(/^\uFEFF?\s*(?:<\?xml[^>]*>\s*)?/, '');
  const isJson = jsonServices.has(service) || (service === 's3' && operation === 'GetBucketPolicy');
  if (isJson) return start.startsWith('{');
  const root = /^<(?:\w+:)?([A-Za-z]\w*)/.exec(start)?.[1];
  if (queryServices.has(service)) return root === `${operation}Response`;
  const s3Root = service.startsWith('s3') ? s3Roots[operation] : undefined;
  // Stand-ins name the root as the query protocol does; it is the operation's own name all the same.
  if (s3Root !== undefined) return root === s3Root || root === `${operation}Response`;
  // A service that is only known to a plugin: anything but nothing and a web page.
  return start !== '' && !/^(html|Error)$/i.test(root ?? '') && !/^<!doctype html/i.test(start);
}
