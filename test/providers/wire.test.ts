import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type ExchangeKey,
  recordingWire,
  replayWire,
  toJson,
  type WireAnswer,
} from '../../src/providers/wire.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);

const key = (input: ExchangeKey['input'] = {}): ExchangeKey => ({
  service: 'iam',
  operation: 'ListUsers',
  connection: 'arn:aws:iam::123456789012:role/Evidence',
  region: 'us-east-1',
  input,
});
const answer = (body: string | Buffer, status = 200): WireAnswer => ({
  status,
  headers: {
    'content-type': 'text/xml',
    date: 'Thu, 01 Jan 2026 02:00:00 GMT',
    'set-cookie': 'a=b',
  },
  body: Buffer.from(body),
});
const never = () => Promise.reject(new Error('the network was asked'));

async function recorded(folder: string): Promise<string> {
  const [connection] = await readdir(folder);
  const files = await readdir(join(folder, connection ?? ''));
  return (
    await Promise.all(files.map((file) => readFile(join(folder, connection ?? '', file), 'utf8')))
  ).join('\n');
}

describe('record and replay', () => {
  it('answers each question as it was answered, in turn, and nothing else', async () => {
    const folder = await temporaryFolder();
    const recording = await recordingWire(folder);
    await recording.send(key(), async () => answer('<busy/>', 503));
    await recording.send(key(), async () => answer('<one/>'));
    await recording.send(key({ Marker: '2' }), async () => answer(Buffer.from([0xff, 0x00])));
    const replay = await replayWire(folder);
    const bodies = [
      await replay.send(key(), never),
      await replay.send(key({ Marker: '2' }), never),
      await replay.send(key(), never),
    ];
    expect(bodies.map(({ status }) => status)).toEqual([503, 200, 200]);
    expect(bodies[1]?.body).toEqual(Buffer.from([0xff, 0x00]));
    expect(Buffer.from(bodies[2]?.body ?? []).toString()).toBe('<one/>');
    await expect(replay.send(key(), never)).rejects.toMatchObject({ code: 'ReplayMissing' });
    await expect(replay.send({ ...key(), region: 'eu-west-1' }, never)).rejects.toMatchObject({
      code: 'ReplayMissing',
    });
  });

  it('names files service.Operation_N.json in a folder for the connection', async () => {
    const folder = await temporaryFolder();
    await (await recordingWire(folder)).send(key(), async () => answer('<one/>'));
    expect(await readdir(folder)).toEqual(['arn-aws-iam-123456789012-role-Evidence']);
    expect(await readdir(join(folder, 'arn-aws-iam-123456789012-role-Evidence'))).toEqual([
      'iam.ListUsers_1.json',
    ]);
  });

  it('keeps no secret', async () => {
    const folder = await temporaryFolder();
    const token = `ghp_${'x'.repeat(36)}`;
    await (await recordingWire(folder)).send(key({ Note: token }), async () =>
      answer(
        `<Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>wJalr</SecretAccessKey><SessionToken>IQoJb</SessionToken></Credentials>${token}`,
      ),
    );
    const text = await recorded(folder);
    for (const secret of [token, 'ASIAX', 'wJalr', 'IQoJb', 'a=b'])
      expect(text).not.toContain(secret);
    expect(text).toContain('<SessionToken>MASKED</SessionToken>');
  });

  it('does not mix two recordings in one folder', async () => {
    const folder = await temporaryFolder();
    await (await recordingWire(folder)).send(key(), async () => answer('<one/>'));
    await expect(recordingWire(folder)).rejects.toMatchObject({ code: 'Usage' });
    const [connection = ''] = await readdir(folder);
    const [file = ''] = await readdir(join(folder, connection));
    await copyFile(join(folder, connection, file), join(folder, 'again.json'));
    await expect(replayWire(folder)).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  });

  it.each([
    ['no JSON', '{'],
    ['another shape', '{"format":"tickmark-exchange/1"}'],
  ])('refuses a file that holds %s, and names it', async (_name, text) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'iam.ListUsers_1.json'), text);
    await expect(replayWire(folder)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('iam.ListUsers_1.json'),
    });
  });

  it('refuses a folder without exchanges, and one that is not there', async () => {
    const folder = await temporaryFolder();
    await expect(replayWire(folder)).rejects.toMatchObject({ code: 'NotFound' });
    await expect(replayWire(join(folder, 'none'))).rejects.toMatchObject({ code: 'NotFound' });
  });
});

describe('toJson', () => {
  it('makes plain JSON of what an SDK gives', () => {
    expect(
      toJson({
        CreateDate: new Date('2026-01-01T00:00:00Z'),
        Content: Buffer.from('abc'),
        Missing: undefined,
        Size: 12n,
        Broken: new Date('x'),
        List: [undefined, Number.NaN, null],
      }),
    ).toEqual({
      CreateDate: '2026-01-01T00:00:00.000Z',
      Content: 'YWJj',
      Size: '12',
      Broken: 'Invalid Date',
      List: [null, 'NaN', null],
    });
  });
});
