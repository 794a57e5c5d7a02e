import { type AwsContext, type Collector, defineDataset } from '../../../src/plugin.ts';
import { sts } from '../services.ts';
import { told } from '../values.ts';
import { callerIdentity } from './schema.ts';

const collector: Collector<AwsContext> = {
  id: 'aws.sts',
  title: 'AWS Security Token Service',
  datasets: [
    defineDataset<AwsContext, typeof callerIdentity>({
      name: 'aws.sts.caller_identity',
      version: 1,
      title: 'Who the credentials of the collection proved to be',
      kind: 'snapshot',
      level: 'account',
      fields: callerIdentity,
      calls: { 'sts:GetCallerIdentity': 'sts:GetCallerIdentity' },
      async collect(aws) {
        const answer = await aws.call(sts, 'GetCallerIdentity', {});
        const arn = told(answer.Arn, 'Arn');
        aws.emit({
          uid: arn,
          name: arn.slice(arn.indexOf('/') + 1),
          fields: {
            account_id: told(answer.Account, 'Account'),
            arn,
            user_id: told(answer.UserId, 'UserId'),
          },
          original: answer,
          from: [answer],
        });
      },
    }),
  ],
};

export default collector;
