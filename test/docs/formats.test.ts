import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { simulatedClock } from '../../src/evidence/clock.ts';
import { sha256 } from '../../src/evidence/json.ts';
import { openRecording } from '../../src/providers/recordings.ts';
import { replayWire } from '../../src/providers/wire.ts';
import { parseManifest } from '../../src/seal/manifest.ts';
import { readChunks, writeList } from '../../src/store/lists.ts';
import { readResults } from '../../src/store/results.ts';
import { memoryBackend } from '../support/memory-backend.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { goldenStore } from './golden.ts';
import { fence, fencesOf, read } from './pages.ts';

afterAll(removeTemporary);

const page = 'docs/formats/bundle.md';
const golden = await goldenStore();

describe(page, () => {
  const text = fence(page, 'text', 'golden').text.trimEnd();

  it('shows a manifest as it is written', () => {
    expect(text).toBe(golden.manifest);
    expect(parseManifest(Buffer.from(text), page).digest).toBe(sha256(text));
  });

  it('states its size and digest', () => {
    expect(read(page)).toContain(sha256(text));
    expect(read(page)).toContain(`${text.length.toLocaleString('en-US')} bytes`);
  });
});

describe('docs/formats/store.md and results.md', () => {
  const shown = fencesOf('text', 'golden').filter(({ info }) => info[2]?.startsWith('objects/'));

  it('show every object that the manifest names', () => {
    const objects = [...golden.keys.keys()].filter((key) => key.startsWith('objects/'));
    expect(shown.map(({ info }) => info[2]).sort()).toEqual(objects.sort());
  });

  it.each(shown.map(({ info, text }): [string, string] => [info[2] ?? '', text]))(
    '%s',
    (key, text) => {
      const content = gunzipSync(golden.keys.get(key) ?? '').toString();
      // A page's block ends with a line feed; canonical JSON does not.
      expect(text).toBe(content.endsWith('\n') ? content : `${content}\n`);
      expect(key).toContain(sha256(content));
    },
  );

  it('show results as they are printed', async () => {
    const lines: string[] = [];
    for await (const result of readResults(golden.store, golden.bundle)) {
      lines.push(`${JSON.stringify(result)}\n`);
    }
    expect(fence('docs/formats/results.md', 'text', 'golden', 'results', '--json').text).toBe(
      lines.join(''),
    );
  });

  it('state where chunks end', async () => {
    const { backend } = memoryBackend();
    const names = Array.from({ length: 40 }, (_each, index) => `arn:aws:s3:::bucket-${index}`);
    const list = await writeList(backend, names, (name) => name, { cut: 'fine' });
    const counts = (await readChunks(backend, list)).map(({ count }) => count);
    expect(read('docs/formats/store.md')).toContain(`\`${counts.slice(0, 6).join(', ')}\``);
    expect(counts.every((count) => count <= 6)).toBe(true);
  });

  it('state the digest of nothing', () => {
    expect(read('docs/formats/store.md')).toContain(sha256(''));
  });
});

it('docs/formats/exchanges.md shows an exchange that is replayed', async () => {
  const { text } = fence('docs/formats/exchanges.md', 'json', 'exchange');
  const { service, operation, connection, region, input, body } = JSON.parse(text);
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'default'));
  await writeFile(join(folder, 'default', 'iam.GetAccountSummary_1.json'), text);
  const wire = await replayWire(folder);
  const answer = await wire.send({ service, operation, connection, region, input }, () =>
    Promise.reject(new Error('the network was asked')),
  );
  expect(Buffer.from(answer.body).toString()).toBe(body.text);
});

it('docs/formats/exchanges.md shows a dated exchange that is replayed on its days', async () => {
  const { text } = fence('docs/formats/exchanges.md', 'json', 'dated');
  const { service, operation, connection, region, input, body } = JSON.parse(text);
  const file = join(await temporaryFolder(), 'exchanges.jsonl');
  await writeFile(file, JSON.stringify(JSON.parse(text)));
  const recording = await openRecording(file);
  const ask = (day: string, since: string) =>
    recording.at(simulatedClock(new Date(`${day}T02:00:00Z`))).send(
      {
        ...{ service, operation, connection, region },
        input: { ...input, phrase: `action:environment created:>=${since}` },
      },
      () => Promise.reject(new Error('the network was asked')),
    );
  for (const [day, since] of [
    ['2025-03-05', '2025-03-01'],
    ['2025-06-11', '2025-06-07'],
  ] as const) {
    expect(Buffer.from((await ask(day, since)).body).toString()).toBe(body.text);
  }
  await expect(ask('2025-06-12', '2025-06-08')).rejects.toMatchObject({ code: 'ReplayMissing' });
});
