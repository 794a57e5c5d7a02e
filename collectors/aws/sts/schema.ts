import { z } from '../../../src/plugin.ts';

export const callerIdentity = z.object({
  account_id: z.string().describe('Account that the credentials belong to'),
  arn: z.string().describe('Who asks: the ARN of the user or the assumed role session'),
  user_id: z.string().describe('Unique id of the user or role, with the session’s name for a role'),
});
