import { timestamp, z } from '../../../src/plugin.ts';
import { login } from '../account.ts';
import { review } from '../changes/schema.ts';

const listed = z.object({
  repository: z.string().describe('`acme/api`'),
  repository_id: z.string().describe('Node id of the repository'),
  environment: z.string().describe('Environment that was deployed to'),
  ref: z.string().nullable().describe('Branch or tag; null where it is gone'),
  sha: z.string().describe('Commit that was deployed'),
  created: timestamp().describe('When it was made'),
  creator: login().describe('Login of who made it; `ghost` for a deleted account'),
  required_reviewers: z
    .boolean()
    .optional()
    .describe('The environment asks a person to approve each deployment, as of this night'),
});

const reviewed = z.object({
  state: z.string().describe('Its state, in lower case: `active`, `inactive`, `failure`, …'),
  pull_request: z
    .int()
    .nullable()
    .describe('Pull request by which the commit was merged into a production branch; null if none'),
  pull_request_reviews: z
    .array(review)
    .describe('Reviews of that pull request; none where there is no pull request'),
});

/** A deployment; one of which not all could be read is left with what the list tells. */
export const deployment = listed.extend(reviewed.partial().shape);
