/** The buckets of an account and where they are, asked once a run for all datasets. */
import type { Bucket } from '@aws-sdk/client-s3';
import type { AwsContext, CollectContext } from '../../../src/plugin.ts';
import type { ListedThing } from '../read-each.ts';
import { s3 } from '../services.ts';
import { told } from '../values.ts';

/** Calls of every dataset that goes over the buckets. */
export const bucketCalls = {
  's3:ListBuckets': 's3:ListAllMyBuckets',
  's3:GetBucketLocation': 's3:GetBucketLocation',
};

const mostBucketsPerPage = 1000;

export interface ListedBucket extends ListedThing {
  detail: Bucket;
}

interface Listing {
  buckets: ListedBucket[];
  /** Set where the list looked as if it could have been cut. */
  confirmed?: number;
}

/** Every bucket; holds the list against a second count where it may have been cut. */
export async function listBuckets(context: AwsContext & CollectContext): Promise<ListedBucket[]> {
  const { buckets, confirmed } = await context.once('s3.buckets', list);
  if (confirmed !== undefined) {
    context.tieOut({
      by: 's3:ListBuckets without a limit',
      expected: confirmed,
      found: buckets.length,
    });
  }
  return buckets;
}

async function list(aws: AwsContext): Promise<Listing> {
  const buckets: ListedBucket[] = [];
  let lastPage = 0;
  const pages = aws.pages(
    s3,
    'ListBuckets',
    { MaxBuckets: mostBucketsPerPage },
    { send: 'ContinuationToken', receive: 'ContinuationToken' },
  );
  for await (const page of pages) {
    lastPage = page.Buckets?.length ?? 0;
    for (const detail of page.Buckets ?? []) {
      const name = told(detail.Name, 'the name of a bucket');
      buckets.push({ name, arn: `arn:${aws.partition}:s3:::${name}`, detail, page });
    }
  }
  if (lastPage < mostBucketsPerPage) return { buckets };
  // A full last page without a token is either the end or a cut; only a second count can tell.
  const all = await aws.call(s3, 'ListBuckets', {});
  return { buckets, confirmed: all.Buckets?.length ?? 0 };
}

/** The bucket's region, from the list where AWS says it there. */
export async function regionOf(aws: AwsContext, { name, detail }: ListedBucket): Promise<string> {
  if (detail.BucketRegion !== undefined) return detail.BucketRegion;
  return aws.once(`s3.location ${name}`, async (shared) => {
    const { LocationConstraint } = await shared.call(s3, 'GetBucketLocation', { Bucket: name });
    // S3 API reference, GetBucketLocation: two regions have names from before regions had names.
    if (!LocationConstraint) return 'us-east-1';
    return LocationConstraint === 'EU' ? 'eu-west-1' : LocationConstraint;
  });
}
