import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { simulatedClock } from '../../src/evidence/clock.ts';
import { type DatedExchange, openRecording, questionAt } from '../../src/providers/recordings.ts';
import { type ExchangeKey, recordingWire, type WireAnswer } from '../../src/providers/wire.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);

const key = (input: ExchangeKey['input'] = {}): ExchangeKey => ({
  service: 'iam',
  operation: 'ListUsers',
  connection: 'default',
  region: 'us-east-1',
  input,
});

const exchange = (text: string, parts: Partial<DatedExchange> = {}): DatedExchange => ({
  format: 'tickmark-dated-exchange/1',
  from: '2025-03-01',
  until: '2025-03-03',
  ...key(),
  turn: 1,
  status: 200,
  headers: { 'content-type': 'text/xml' },
  body: { text },
  ...parts,
});

const never = () => Promise.reject(new Error('the network was asked'));
const night = (day: string) => simulatedClock(new Date(`${day}T02:00:00Z`));
const textOf = ({ body }: WireAnswer) => Buffer.from(body).toString();

async function written(exchanges: readonly (DatedExchange | string)[], zip = false) {
  const file = join(await temporaryFolder(), 'exchanges.jsonl');
  const lines = exchanges.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
  const text = lines.map((line) => `${line}\n`).join('');
  await writeFile(file, zip ? gzipSync(text) : text);
  return file;
}

async function opened(...exchanges: DatedExchange[]) {
  return openRecording(await written(exchanges));
}

describe('a file of dated exchanges', () => {
  it('answers on each day as was answered on that day, on as many nights as there are', async () => {
    const recording = await opened(
      exchange('three'),
      exchange('one', { from: '2025-03-04', until: '2025-03-04' }),
    );
    const told = async (day: string) => textOf(await recording.at(night(day)).send(key(), never));
    expect(await told('2025-03-01')).toBe('three');
    expect(await told('2025-03-03')).toBe('three');
    expect(await told('2025-03-04')).toBe('one');
    expect(await told('2025-03-03')).toBe('three');
  });

  it('has no answer for a day on which it was not asked, before, after or between', async () => {
    const recording = await opened(
      exchange('before', { until: '2025-03-01' }),
      exchange('after', { from: '2025-03-03' }),
    );
    for (const day of ['2025-02-28', '2025-03-02', '2025-03-04']) {
      await expect(recording.at(night(day)).send(key(), never)).rejects.toMatchObject({
        code: 'ReplayMissing',
        message: expect.stringContaining(`no recorded answer for ${day}`),
      });
    }
  });

  it('answers only what was asked: same service, operation, connection, region and input', async () => {
    const wire = (await opened(exchange('x'))).at(night('2025-03-01'));
    for (const other of [
      { service: 'sts' },
      { operation: 'ListGroups' },
      { connection: 'other' },
      { region: 'eu-west-1' },
      { input: { Marker: '2' } },
    ]) {
      await expect(wire.send({ ...key(), ...other }, never)).rejects.toMatchObject({
        code: 'ReplayMissing',
      });
    }
  });

  it('gives the turns of one night in their order, and each night from the first', async () => {
    const recording = await opened(
      exchange('busy', { status: 429 }),
      exchange('there', { turn: 2, until: '2025-03-02' }),
    );
    for (const day of ['2025-03-01', '2025-03-02']) {
      const wire = recording.at(night(day));
      expect((await wire.send(key(), never)).status).toBe(429);
      expect(textOf(await wire.send(key(), never))).toBe('there');
      await expect(wire.send(key(), never)).rejects.toMatchObject({ code: 'ReplayMissing' });
    }
    const third = recording.at(night('2025-03-03'));
    await third.send(key(), never);
    await expect(third.send(key(), never)).rejects.toMatchObject({ code: 'ReplayMissing' });
  });

  it('dates each answer by the clock of the night that asks', async () => {
    const recording = await opened(exchange('x'));
    const { headers } = await recording.at(night('2025-03-02')).send(key(), never);
    expect(headers['content-type']).toBe('text/xml');
    expect(headers.date).toMatch(/^Sun, 02 Mar 2025 02:00:0\d GMT$/);
  });

  it('takes days and times in a question from the clock, so that one answer serves each night', async () => {
    const input = {
      phrase: 'action:environment created:>={day-4}',
      until: '{now+0ms}',
      among: [{ since: '{now-90000ms}' }, 'release-{day+1}'],
    };
    const recording = await opened(exchange('same', { input }));
    for (const [asked, four, ninety, next] of [
      ['2025-03-01', '2025-02-25', '2025-03-01T01:58:30.000Z', '2025-03-02'],
      ['2025-03-03', '2025-02-27', '2025-03-03T01:58:30Z', '2025-03-04'],
    ] as const) {
      const question = key({
        phrase: `action:environment created:>=${four}`,
        until: `${asked}T02:00:00Z`,
        among: [{ since: ninety }, `release-${next}`],
      });
      const clock = { simulated: true, now: () => new Date(`${asked}T02:00:00Z`) };
      expect(textOf(await recording.at(clock).send(question, never))).toBe('same');
      expect(questionAt(question, clock.now())).toEqual(key(input));
      const later = { simulated: true, now: () => new Date('2025-03-02T02:00:00Z') };
      await expect(recording.at(later).send(question, never)).rejects.toMatchObject({
        code: 'ReplayMissing',
      });
    }
  });

  it('leaves what is no day as it is', () => {
    const input = { name: 'build-2025-99-99', id: '12025-03-01', number: 20250301, none: null };
    expect(questionAt(key(input), new Date('2025-03-01T02:00:00Z')).input).toEqual(input);
  });

  it('is the same packed with gzip', async () => {
    const recording = await openRecording(await written([exchange('packed')], true));
    expect(textOf(await recording.at(night('2025-03-01')).send(key(), never))).toBe('packed');
  });

  it('gives bytes back that are no text', async () => {
    const recording = await opened(exchange('', { body: { base64: '/wA=' } }));
    const { body } = await recording.at(night('2025-03-01')).send(key(), never);
    expect(Buffer.from(body)).toEqual(Buffer.from([0xff, 0x00]));
  });

  it.each([
    ['that overlap', exchange('a'), exchange('b', { from: '2025-03-03', until: '2025-03-09' })],
    ['of one day', exchange('a', { until: '2025-03-01' }), exchange('b', { until: '2025-03-01' })],
    [
      'one within the other',
      exchange('a'),
      exchange('b', { from: '2025-03-02', until: '2025-03-02' }),
    ],
  ])('is refused with two answers %s to one question', async (_how, ...both) => {
    for (const pair of [both, both.toReversed()]) {
      await expect(opened(...pair)).rejects.toMatchObject({
        code: 'InvalidConfiguration',
        message: expect.stringContaining('answers one question twice'),
      });
    }
  });

  it.each([
    ['no JSON', 'nothing'],
    ['another format', JSON.stringify({ ...exchange('x'), format: 'tickmark-exchange/1' })],
    ['no day', JSON.stringify({ ...exchange('x'), from: '2025-02-30' })],
    ['a key that it does not have', JSON.stringify({ ...exchange('x'), more: 1 })],
  ])('is refused with a line that is %s, which is named', async (_what, line) => {
    const file = await written([exchange('x'), line]);
    await expect(openRecording(file)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(`${file}, line 2, `),
    });
  });

  it('is refused where it is cut off', async () => {
    const file = join(await temporaryFolder(), 'exchanges.jsonl.gz');
    const whole = gzipSync(JSON.stringify(exchange('x')));
    await writeFile(file, whole.subarray(0, whole.length - 9));
    await expect(openRecording(file)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('cannot be unfolded'),
    });
  });
});

describe('openRecording', () => {
  it('takes a folder for the exchanges of one run', async () => {
    const folder = await temporaryFolder();
    const headers = { date: 'Thu, 01 Jan 2026 02:00:00 GMT' };
    const wire = await recordingWire(folder);
    await wire.send(key(), async () => ({ status: 200, headers, body: Buffer.from('once') }));
    const replay = (await openRecording(folder)).at(night('2025-03-01'));
    const answer = await replay.send(key(), never);
    expect([textOf(answer), answer.headers]).toEqual(['once', headers]);
    await expect(replay.send(key(), never)).rejects.toMatchObject({ code: 'ReplayMissing' });
  });

  it('says that there is nothing', async () => {
    const place = join(await temporaryFolder(), 'none.jsonl');
    await expect(openRecording(place)).rejects.toMatchObject({ code: 'NotFound' });
  });
});
