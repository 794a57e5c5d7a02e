/** Archives of a report that is told in a few words; of a store's nights: test/cli/export.test.ts. */
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ArchiveRequest, writeArchive } from '../../src/archive/archive.ts';
import { TickmarkError } from '../../src/evidence/errors.ts';
import type { Report, ReportDetails } from '../../src/report/model.ts';
import { Store } from '../../src/store/store.ts';
import { hostile, poisoned } from '../support/hostile.ts';
import { memoryBackend } from '../support/memory-backend.ts';
import { sampleDetails, sampleReport } from '../support/report.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);

/** The sample report with control files that are in a store. */
async function request(over: Partial<ArchiveRequest> = {}): Promise<ArchiveRequest> {
  const store = new Store(memoryBackend().backend);
  const report = sampleReport();
  const controls = await Promise.all(
    report.controls.map(async (control) => ({
      ...control,
      files: await Promise.all(
        control.files.map(async (file) => ({
          ...file,
          digest: await store.writeBytes(Buffer.from(`# ${control.id} ${file.digest}\n`)),
        })),
      ),
    })),
  );
  return {
    report: { ...report, controls },
    details: ofSome(sampleDetails()),
    store,
    forms: {},
    collectors: new Map(),
    roots: [],
    checkScript: '#!/bin/sh\n',
    signal: new AbortController().signal,
    ...over,
  };
}

/** A store tells nothing of a dataset that no night has; the sample knows none such. */
function ofSome(details: ReportDetails): ReportDetails {
  return {
    population: details.population,
    async *records(dataset) {
      try {
        yield* details.records(dataset);
      } catch (error) {
        if (!(error instanceof TickmarkError) || error.code !== 'NotFound') throw error;
      }
    },
  };
}

async function filesOf(place: string): Promise<string[]> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(place.length + 1))
    .sort();
}

async function written(made: ArchiveRequest): Promise<{ out: string; files: string[] }> {
  const out = join(await temporaryFolder(), 'archive');
  await writeArchive(made, out);
  return { out, files: await filesOf(out) };
}

/** Names that every system takes, and no two that any of them takes for one. */
function assertHarmless(files: readonly string[]): void {
  for (const file of files) {
    expect(file).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/);
    expect(file).not.toMatch(/\.(\/|$)|(^|\/)(con|prn|aux|nul|com\d|lpt\d)(\.|\/|$)/i);
    expect(file.length).toBeLessThanOrEqual(180);
  }
  expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(files.length);
}

describe('names in an archive', () => {
  it('are harmless, whatever strangers call things', async () => {
    const { report: whole, details: all, ...others } = await request();
    const details = remembering(all);
    const report = firstOf(whole, 1);
    const usual = (await written({ ...others, report, details })).files;
    // No store holds lone surrogates: they have no bytes that could be sealed.
    for (const [name, payload] of hostile.filter(([, text]) => text.isWellFormed())) {
      const poisonedReport = poisoned(report, payload);
      const { out, files } = await written({
        ...others,
        report: { ...poisonedReport, controls: withFiles(poisonedReport, report) },
        details: poisonedDetails(details, payload),
      });
      assertHarmless(files);
      expect(files.length, name).toBe(usual.length);
      expect(await readdir(join(out, '..')), name).toEqual(['archive']);
      for (const file of files) expect((await lstat(join(out, file))).isFile()).toBe(true);
    }
  });

  it('are no two the same, and none too long', async () => {
    const made = await request();
    const { report, details } = made;
    const [first] = report.controls;
    const [operated] = report.period.controls;
    if (first === undefined || operated === undefined) throw new Error('there is no control');
    const ids = ['a', 'A', 'x'.repeat(500), `${'x'.repeat(500)}y`, 'CON', 'aux.x'];
    const { files } = await written({
      ...made,
      report: {
        ...report,
        controls: ids.map((id) => ({ ...first, id, title: 'nul' })),
        period: { ...report.period, controls: ids.map((id) => ({ ...operated, id })) },
      },
      details: {
        ...details,
        async *records(dataset) {
          for await (const history of details.records(dataset)) {
            yield* ['a/b', 'a-b', 'A b', 'y'.repeat(500)].map((scope) => ({ ...history, scope }));
          }
        },
      },
    });
    assertHarmless(files);
    expect(files.filter((file) => file.endsWith('/waivers.csv'))).toHaveLength(ids.length);
    expect(Math.max(...files.map((file) => file.length))).toBeGreaterThan(120);
  });
});

/** A report of the first controls alone. */
function firstOf(report: Report, count: number): Report {
  const { controls, period } = report;
  return {
    ...report,
    controls: controls.slice(0, count),
    period: { ...period, controls: period.controls.slice(0, count) },
  };
}

/** The same, each population worked out once. */
function remembering({ population, records }: ReportDetails): ReportDetails {
  const known = new Map<string, ReturnType<ReportDetails['population']>>();
  return {
    population(test) {
      const found = known.get(test) ?? population(test);
      known.set(test, found);
      return found;
    },
    records,
  };
}

/** Where their files lie is the store's own word. */
function withFiles({ controls }: Report, of: Report): Report['controls'] {
  return controls.map((control, index) => ({
    ...control,
    files: of.controls[index]?.files ?? [],
  }));
}

function poisonedDetails(details: ReportDetails, payload: string): ReportDetails {
  return {
    population: async (test) => poisoned(await details.population(test), payload),
    async *records(dataset) {
      // Immutable ids differ, whoever gives them.
      let number = 0;
      for await (const history of details.records(dataset)) {
        number += 1;
        yield { ...poisoned(history, payload), uid: `${payload}${number}` };
      }
    },
  };
}

describe('a control in an archive', () => {
  it('is there in all its versions, as they were sealed', async () => {
    const made = await request();
    const { out, files } = await written(made);
    const changed = made.report.controls.filter((control) => control.files.length > 1);
    expect(changed.length).toBeGreaterThan(0);
    for (const { id, files: versions } of changed) {
      const own = files.filter((file) => file.startsWith(`${id}-`));
      const names = versions.map(({ from, digest }) => `${from}-${digest.slice(0, 8)}.yaml`);
      const kept = own.filter((file) => file.includes('/control/'));
      expect(kept.map((file) => file.split('/').at(-1))).toEqual(names);
      const newest = own.find((file) => file.endsWith('/control.yaml')) ?? '';
      const last = versions.at(-1)?.digest ?? '';
      expect(await readFile(join(out, newest))).toEqual(await made.store.readBytes(last));
    }
  });

  it('has its own waivers, gaps, deviations and draws', async () => {
    const made = await request();
    const { out, files } = await written(made);
    const linesOf = async (ending: string) => {
      const own = files.filter((file) => file.endsWith(ending));
      const texts = await Promise.all(own.map((file) => readFile(join(out, file), 'utf8')));
      return texts.flatMap((text) => text.split('\r\n').slice(1, -1));
    };
    const { period, samples } = made.report;
    const tests = period.controls.flatMap((control) => control.tests);
    const count = (lists: readonly (readonly unknown[])[]) => lists.flat().length;
    expect(await linesOf('/deviations.csv')).toHaveLength(
      count(tests.map(({ deviations }) => deviations)),
    );
    expect(await linesOf('/gaps.csv')).toHaveLength(count(tests.map(({ gaps }) => gaps)));
    expect(await linesOf('/waivers.csv')).toHaveLength(period.waivers.length);
    const drawn = files.filter((file) => file.includes('/samples/'));
    expect(drawn).toHaveLength(samples.length);
    expect(await linesOf(drawn[0] ?? '')).toHaveLength(samples[0]?.items.length ?? 0);
  });
});

describe('what goes wrong', () => {
  it.each(['a', 'a.zip'])('leaves nothing behind: %s', async (name) => {
    const made = await request();
    const place = await temporaryFolder();
    const failing = async function* () {
      yield 'the beginning';
      throw new Error('no more');
    };
    const forms = { 'index.html': failing };
    await expect(writeArchive({ ...made, forms }, join(place, name))).rejects.toThrow('no more');
    expect(await readdir(place)).toEqual([]);
  });

  it.each(['index.html', 'zip'])('is not finished when it is interrupted: %s', async (at) => {
    const made = await request();
    const place = await temporaryFolder();
    const stop = new AbortController();
    const onProgress = (doing: string) => {
      if (doing === at) stop.abort();
    };
    const forms = { 'index.html': () => 'a page' };
    await expect(
      writeArchive({ ...made, forms, signal: stop.signal, onProgress }, join(place, 'a.zip')),
    ).rejects.toMatchObject({ code: 'Interrupted' });
    expect(await readdir(place)).toEqual([]);
  });
});

describe('certificates in an archive', () => {
  it('are certificates, and nothing else that stands in the file', async () => {
    const block = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
    const key = '-----BEGIN PRIVATE KEY-----\nMIIC\n-----END PRIVATE KEY-----';
    const made = await request({ roots: [`subject=me\r\n${block}\r\n${key}\n${block}`] });
    const { out } = await written(made);
    expect(await readFile(join(out, 'certificates', 'tsa-roots.pem'), 'utf8')).toBe(
      `${block}\n${block}\n`,
    );
  });
});
