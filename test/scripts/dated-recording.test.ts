import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { YearRecording } from '../../scripts/dated-recording.ts';
import { openRecording } from '../../src/providers/recordings.ts';
import { type ExchangeKey, recordingWire, type WireAnswer } from '../../src/providers/wire.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);

const key = (input: ExchangeKey['input'] = {}): ExchangeKey => ({
  service: 'github',
  operation: 'GET /orgs/{org}',
  connection: 'default',
  region: '',
  input,
});

const answer = (body: string, headers: Record<string, string> = {}): WireAnswer => ({
  status: 200,
  headers,
  body: Buffer.from(body),
});

const at = (day: string) => new Date(`${day}T02:00:00Z`);

/** Records a night of these questions, in turn. */
async function recordNight(
  year: YearRecording,
  day: string,
  exchanges: [ExchangeKey, WireAnswer][],
): Promise<void> {
  const folder = join(await temporaryFolder(), 'night');
  await mkdir(folder);
  const wire = await recordingWire(folder);
  for (const [question, told] of exchanges) await wire.send(question, async () => told);
  await year.add(folder, at(day), { 'http://127.0.0.1:4711': 'https://api.github.com' });
}

const linesOf = (year: YearRecording) =>
  year
    .lines()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe('YearRecording', () => {
  it('keeps an answer once, for as many nights in a row as it was given', async () => {
    const year = new YearRecording();
    const days = ['2025-02-27', '2025-02-28', '2025-03-01', '2025-03-03'];
    for (const day of days) await recordNight(year, day, [[key(), answer('same')]]);
    await recordNight(year, '2025-03-04', [[key(), answer('other')]]);
    await recordNight(year, '2025-03-05', [[key(), answer('same')]]);
    expect(linesOf(year).map(({ from, until, body }) => [from, until, body.text])).toEqual([
      ['2025-02-27', '2025-03-01', 'same'],
      ['2025-03-03', '2025-03-03', 'same'],
      ['2025-03-04', '2025-03-04', 'other'],
      ['2025-03-05', '2025-03-05', 'same'],
    ]);
  });

  it('takes an answer for the same where only the request, its time and its limits differ', async () => {
    const year = new YearRecording();
    for (const number of [1, 2]) {
      const headers = {
        date: `Sat, 0${number} Mar 2025 02:00:00 GMT`,
        'x-github-request-id': `id-${number}`,
        'x-ratelimit-remaining': String(5000 - number),
        'content-type': 'text/xml',
      };
      const body = `<a><RequestId>${number}</RequestId><b/></a>`;
      await recordNight(year, `2025-03-0${number}`, [[key(), answer(body, headers)]]);
    }
    expect(linesOf(year)).toMatchObject([
      {
        until: '2025-03-02',
        headers: { 'content-type': 'text/xml', 'x-github-request-id': 'id-1' },
        body: { text: '<a><RequestId>1</RequestId><b/></a>' },
      },
    ]);
    expect(Object.keys(linesOf(year)[0].headers).sort()).toEqual([
      'content-type',
      'x-github-request-id',
    ]);
  });

  it('keeps what differs in any other header, and another status', async () => {
    const year = new YearRecording();
    await recordNight(year, '2025-03-01', [[key(), answer('x', { etag: '1' })]]);
    await recordNight(year, '2025-03-02', [[key(), answer('x', { etag: '2' })]]);
    await recordNight(year, '2025-03-03', [
      [key(), { ...answer('x', { etag: '2' }), status: 203 }],
    ]);
    expect(linesOf(year)).toHaveLength(3);
  });

  it('says of the service what answers say of the stand-in', async () => {
    const year = new YearRecording();
    const told = answer('{"url":"http://127.0.0.1:4711/orgs/acme"}', {
      link: '<http://127.0.0.1:4711/orgs?page=2>; rel="next"',
    });
    await recordNight(year, '2025-03-01', [[key(), told]]);
    expect(year.lines()).not.toContain('127.0.0.1');
    expect(linesOf(year)[0]).toMatchObject({
      headers: { link: '<https://api.github.com/orgs?page=2>; rel="next"' },
      body: { text: '{"url":"https://api.github.com/orgs/acme"}' },
    });
  });

  it('refuses an answer that tells of a time to come', async () => {
    const year = new YearRecording();
    await recordNight(year, '2025-03-01', [[key(), answer('{"at":"2025-03-01T02:00:00Z"}')]]);
    await expect(
      recordNight(year, '2025-03-02', [[key(), answer('{"at":"2025-03-02T02:00:01Z"}')]]),
    ).rejects.toThrow('tells on 2025-03-02T02:00:00.000Z of 2025-03-02T02:00:01');
  });

  it('is answered from as it was recorded', async () => {
    const since = (day: string) => key({ phrase: `created:>=${day}` });
    const year = new YearRecording();
    await recordNight(year, '2025-03-05', [
      [key(), answer('first')],
      [key(), answer('second')],
      [since('2025-03-01'), answer('[]')],
    ]);
    await recordNight(year, '2025-03-06', [
      [key(), answer('first')],
      [since('2025-03-02'), answer('[]')],
    ]);
    expect(linesOf(year)).toHaveLength(3);
    const file = join(await temporaryFolder(), 'exchanges.jsonl');
    await writeFile(file, year.lines());
    const recording = await openRecording(file);
    const never = () => Promise.reject(new Error('the network was asked'));
    const told = async (day: string, ...asked: ExchangeKey[]) => {
      const wire = recording.at({ simulated: true, now: () => at(day) });
      const bodies: string[] = [];
      for (const each of asked) bodies.push(String((await wire.send(each, never)).body));
      return bodies;
    };
    expect(await told('2025-03-05', key(), key(), since('2025-03-01'))).toEqual([
      'first',
      'second',
      '[]',
    ]);
    expect(await told('2025-03-06', key(), since('2025-03-02'))).toEqual(['first', '[]']);
    await expect(told('2025-03-06', key(), key())).rejects.toMatchObject({ code: 'ReplayMissing' });
  });
});
