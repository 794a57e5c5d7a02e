/** Written by `npm run new:collector`; a test holds it equal to the folders. */
import type { Plugin } from '../src/plugin.ts';
import awsIam from './aws/iam/index.ts';
import aws from './aws/index.ts';
import awsKms from './aws/kms/index.ts';
import awsOrganizations from './aws/organizations/index.ts';
import awsS3 from './aws/s3/index.ts';
import awsS3control from './aws/s3control/index.ts';
import awsSts from './aws/sts/index.ts';

/** The sources and collectors that come with Tickmark. */
export const builtin: Plugin = {
  sources: [aws],
  collectors: [awsIam, awsKms, awsOrganizations, awsS3, awsS3control, awsSts],
};
