/** The AWS client packages, each loaded when it is first called. */
import type { AwsService } from '../../src/plugin.ts';

export const ec2: AwsService<typeof import('@aws-sdk/client-ec2')> = {
  service: 'ec2',
  load: () => import('@aws-sdk/client-ec2'),
};

export const iam: AwsService<typeof import('@aws-sdk/client-iam')> = {
  service: 'iam',
  load: () => import('@aws-sdk/client-iam'),
};

export const kms: AwsService<typeof import('@aws-sdk/client-kms')> = {
  service: 'kms',
  load: () => import('@aws-sdk/client-kms'),
};

export const organizations: AwsService<typeof import('@aws-sdk/client-organizations')> = {
  service: 'organizations',
  load: () => import('@aws-sdk/client-organizations'),
};

export const s3: AwsService<typeof import('@aws-sdk/client-s3')> = {
  service: 's3',
  load: () => import('@aws-sdk/client-s3'),
};

export const s3control: AwsService<typeof import('@aws-sdk/client-s3-control')> = {
  service: 's3control',
  load: () => import('@aws-sdk/client-s3-control'),
};

export const sts: AwsService<typeof import('@aws-sdk/client-sts')> = {
  service: 'sts',
  load: () => import('@aws-sdk/client-sts'),
};
