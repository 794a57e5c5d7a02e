import { type AwsContext, type Collector, defineDataset } from '../../../src/plugin.ts';
import { s3control } from '../services.ts';
import { told } from '../values.ts';
import { accountPublicAccessBlock, readPublicAccessBlock } from './schema.ts';

const collector: Collector<AwsContext> = {
  id: 'aws.s3control',
  title: 'Amazon S3, account settings',
  datasets: [
    defineDataset<AwsContext, typeof accountPublicAccessBlock>({
      name: 'aws.s3control.account_public_access_block',
      version: 1,
      title: 'Block Public Access of the whole account, the organisation’s included',
      kind: 'snapshot',
      level: 'account',
      fields: accountPublicAccessBlock,
      calls: { 's3control:GetPublicAccessBlock': 's3:GetAccountPublicAccessBlock' },
      async collect(aws) {
        const answer = await aws.find(
          s3control,
          'GetPublicAccessBlock',
          { AccountId: aws.account },
          { absent: ['NoSuchPublicAccessBlockConfiguration'] },
        );
        const configuration =
          answer.output &&
          told(answer.output.PublicAccessBlockConfiguration, 'PublicAccessBlockConfiguration');
        aws.emit({
          uid: `arn:${aws.partition}:iam::${aws.account}:root`,
          name: aws.account,
          fields: { account_id: aws.account, ...readPublicAccessBlock(configuration) },
          original: answer.output ?? null,
          from: [answer],
        });
      },
    }),
  ],
};

export default collector;
