import {
  CreateUserCommand,
  GenerateCredentialReportCommand,
  GetCredentialReportCommand,
  GetUserCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redateText } from '../support/aws-dates.ts';
import { type StandIn, startStandIn } from '../support/aws-stand-in.ts';
import { clientSettings } from '../support/aws-world.ts';
import { type Moto, motoAvailable, motoMissing, startMoto } from '../support/moto.ts';

/** A year earlier, from 2026 on. */
const aYearEarlier = (time: Date) =>
  time.getUTCFullYear() < 2026 ? undefined : new Date(time.getTime() - 365 * 86_400_000);

describe('redateText', () => {
  it.each([
    [
      '<CreateDate>2026-11-22T04:18:07Z</CreateDate>',
      '<CreateDate>2025-11-22T04:18:07Z</CreateDate>',
    ],
    ['<D>2026-11-22T04:18:07.123Z</D>', '<D>2025-11-22T04:18:07.000Z</D>'],
    ['ada,2026-11-22T04:18:07+00:00,true', 'ada,2025-11-22T04:18:07+00:00,true'],
    ['{"CreationDate": 1795321087.25, "a": 1}', '{"CreationDate": 1763785087, "a": 1}'],
    ['{"CreationDate":1795321087}', '{"CreationDate":1763785087}'],
  ])('tells another time: %s', (text, told) => {
    expect(redateText(text, aYearEarlier)).toBe(told);
  });

  it.each([
    '<CreateDate>2015-02-06T18:39:46Z</CreateDate>',
    '{"Version":"2012-10-17","Account":"1795321087"}',
    '{"Id": 123456789012}',
    '{"Size": 1795321087123}',
  ])('leaves %s', (text) => {
    expect(redateText(text, aYearEarlier)).toBe(text);
  });
});

describe.skipIf(!motoAvailable)(`a stand-in with other times${motoMissing}`, () => {
  let moto: Moto;
  let aws: StandIn;
  const told = new Date('2024-03-04T09:30:00Z');

  beforeAll(async () => {
    moto = await startMoto();
    const began = Date.now();
    aws = await startStandIn(moto.endpoint, {
      likeAws: true,
      redate: (time) => (time.getTime() < began - 60_000 ? undefined : told),
    });
  }, 60_000);
  afterAll(async () => {
    await aws?.close();
    await moto?.stop();
  });

  it('tells when things were made, in every protocol and in the credential report', async () => {
    const iam = new IAMClient(clientSettings(aws.endpoint));
    const kms = new KMSClient(clientSettings(aws.endpoint));
    await iam.send(new CreateUserCommand({ UserName: 'ada' }));
    const { User } = await iam.send(new GetUserCommand({ UserName: 'ada' }));
    expect(User?.CreateDate).toEqual(told);
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    expect(KeyMetadata?.CreationDate).toEqual(told);
    await iam.send(new GenerateCredentialReportCommand({}));
    const { Content } = await iam.send(new GetCredentialReportCommand({}));
    const row = Buffer.from(Content ?? [])
      .toString()
      .split('\n')
      .find((line) => line.startsWith('ada,'));
    expect(row?.split(',')[2]).toBe('2024-03-04T09:30:00+00:00');
    iam.destroy();
    kms.destroy();
  });
});
