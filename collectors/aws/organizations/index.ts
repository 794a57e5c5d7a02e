import { type AwsContext, type Collector, defineDataset } from '../../../src/plugin.ts';
import { organizations } from '../services.ts';
import { told } from '../values.ts';
import { organization } from './schema.ts';

const collector: Collector<AwsContext> = {
  id: 'aws.organizations',
  title: 'AWS Organizations',
  datasets: [
    defineDataset<AwsContext, typeof organization>({
      name: 'aws.organizations.organization',
      version: 1,
      title: 'The account’s place in its organisation',
      kind: 'snapshot',
      level: 'account',
      fields: organization,
      calls: { 'organizations:DescribeOrganization': 'organizations:DescribeOrganization' },
      async collect(aws) {
        const answer = await aws.find(
          organizations,
          'DescribeOrganization',
          {},
          { absent: ['AWSOrganizationsNotInUseException'] },
        );
        aws.emit({
          uid: `arn:${aws.partition}:iam::${aws.account}:root`,
          name: aws.account,
          fields: { account_id: aws.account, ...place(answer.output, aws.account) },
          original: answer.output ?? null,
          from: [answer],
        });
      },
    }),
  ],
};

function place(
  output:
    | {
        Organization?:
          | { Id?: string | undefined; MasterAccountId?: string | undefined }
          | undefined;
      }
    | undefined,
  account: string,
) {
  if (output === undefined) {
    return {
      membership: 'standalone' as const,
      organization_id: null,
      management_account_id: null,
    };
  }
  const found = told(output.Organization, 'Organization');
  const management = told(found.MasterAccountId, 'MasterAccountId');
  return {
    membership: management === account ? ('management' as const) : ('member' as const),
    organization_id: told(found.Id, 'Organization.Id'),
    management_account_id: management,
  };
}

export default collector;
