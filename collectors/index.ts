/** Written by `npm run new:collector`; a test holds it equal to the folders. */
import type { Plugin } from '../src/plugin.ts';
import awsIam from './aws/iam/index.ts';
import aws from './aws/index.ts';
import awsKms from './aws/kms/index.ts';
import awsOrganizations from './aws/organizations/index.ts';
import awsS3 from './aws/s3/index.ts';
import awsS3control from './aws/s3control/index.ts';
import awsSts from './aws/sts/index.ts';
import githubAlerts from './github/alerts/index.ts';
import githubAudit from './github/audit/index.ts';
import githubChanges from './github/changes/index.ts';
import githubDeployments from './github/deployments/index.ts';
import github from './github/index.ts';
import githubOrganization from './github/organization/index.ts';
import githubPeople from './github/people/index.ts';
import githubRepositories from './github/repositories/index.ts';
import githubTeams from './github/teams/index.ts';

/** The sources and collectors that come with Tickmark. */
export const builtin: Plugin = {
  sources: [aws, github],
  collectors: [
    awsIam,
    awsKms,
    awsOrganizations,
    awsS3,
    awsS3control,
    awsSts,
    githubAlerts,
    githubAudit,
    githubChanges,
    githubDeployments,
    githubOrganization,
    githubPeople,
    githubRepositories,
    githubTeams,
  ],
};
