/** What the AWS collectors share in reading answers: the SDK's types make every field optional. */
import { CollectError } from '../../src/plugin.ts';

/**
 * A field that the API's own page calls always present.
 * @throws CollectError UnreadableResponse where it is missing after all.
 */
export function told<T>(value: T | null | undefined, what: string): T {
  if (value !== undefined && value !== null) return value;
  throw new CollectError(
    'UnreadableResponse',
    `an answer lacks ${what}, which AWS always gives; check AWS_ENDPOINT_URL and any proxy between`,
  );
}

/** RFC 3339 in UTC. */
export function time(date: Date): string {
  return date.toISOString();
}

/** Tags as a map. */
export function tagMap(
  tags: { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Record<string, string> {
  return Object.fromEntries(
    (tags ?? []).map(({ Key, Value }) => [told(Key, 'a tag key'), Value ?? '']),
  );
}
