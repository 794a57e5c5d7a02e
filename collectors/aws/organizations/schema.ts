import { z } from '../../../src/plugin.ts';

export const organization = z.object({
  account_id: z.string().describe('The account that was asked'),
  membership: z
    .enum(['standalone', 'management', 'member'])
    .describe(
      'The account’s place: in no organisation, its management account, or one of the others',
    ),
  organization_id: z.string().nullable().describe('Id of the organisation; null when standalone'),
  management_account_id: z
    .string()
    .nullable()
    .describe('The organisation’s management account; null when standalone'),
});
