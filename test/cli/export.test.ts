/** `tickmark export` over nights of which it is written down what happened on them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ExportOptions, exportArchive, reportTime } from '../../src/cli/commands/export.ts';
import { reperform } from '../../src/cli/commands/reperform.ts';
import { verify as verifyCommand } from '../../src/cli/commands/verify.ts';
import { sha256 } from '../../src/evidence/json.ts';
import type { EvidenceRecord } from '../../src/evidence/slice.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { verify } from '../../src/verify/verify.ts';
import { badges, sealPeriod } from '../night/door-period.ts';
import { tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

let project: string;
let folder: string;
let zip: string;
beforeAll(async () => {
  project = await sealPeriod();
  const out = await temporaryFolder();
  folder = join(out, 'archive');
  zip = join(out, 'archive.zip');
  await exported({ out: folder });
  await exported({ out: zip });
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(removeTemporary);

/** Nobody reads what is printed. */
const silent = {
  ...{ width: 100, tableWidth: 100, interactive: false },
  out: () => {},
  err: () => {},
  data: () => {},
  style: (_style: string, text: string) => text,
};

/** Runs the command. @returns the exit code, and what it printed. */
async function exported(
  options: Partial<ExportOptions> & { out: string },
  signal = new AbortController().signal,
) {
  const printed: string[] = [];
  const terminal = { ...silent, out: (line = '') => void printed.push(line) };
  const config = join(project, 'tickmark.yaml');
  const code = await exportArchive({ terminal, env: {}, signal }, { config, ...options });
  return { code, printed };
}

async function filesOf(place: string): Promise<string[]> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(place.length + 1))
    .sort();
}

const read = (...path: string[]) => readFile(join(folder, ...path), 'utf8');
const rowsOf = (text: string) =>
  text
    .split('\r\n')
    .slice(1, -1)
    .map((line) => line.match(/(?<=^|,)("([^"]|"")*"|[^,]*)(?=,|$)/g)?.map(cellOf) ?? []);
const rowsWithHead = (text: string) => {
  const [head = []] = rowsOf(`\r\n${text}`);
  return rowsOf(text).map((row) =>
    Object.fromEntries(head.map((name, at) => [name, row[at] ?? ''])),
  );
};
const cellOf = (cell: string) =>
  cell
    .replace(/,$/, '')
    .replace(/^"(.*)"$/s, '$1')
    .replaceAll('""', '"');

async function breaksIn(place: string): Promise<string[]> {
  const held = { heads: [], keys: [], roots: [], requireSignature: false };
  const found: string[] = [];
  for await (const { severity, code } of verify(folderBackend(place), held)) {
    if (severity === 'break') found.push(code);
  }
  return found;
}

describe('an archive', () => {
  it('has a folder for the control, and what is of all', async () => {
    const files = await filesOf(folder);
    expect(files.filter((file) => !/^(sealed|certificates)\/|\/evidence\//.test(file))).toEqual([
      'DR-01-the-door/control.yaml',
      'DR-01-the-door/deviations.csv',
      'DR-01-the-door/gaps.csv',
      'DR-01-the-door/population-badge-open.csv',
      'DR-01-the-door/population-entry-known.csv',
      'DR-01-the-door/results-badge-open.csv',
      'DR-01-the-door/results-entry-known.csv',
      'DR-01-the-door/waivers.csv',
      'README.txt',
      'SHA256SUMS',
      'check.sh',
      'index.csv',
      'index.html',
      'nights.csv',
      'oscal/assessment-results.json',
      'workbook.xlsx',
    ]);
    expect(await read('DR-01-the-door', 'control.yaml')).toBe(
      await readFile(join(project, 'DR-01.yaml'), 'utf8'),
    );
    expect(rowsOf(await read('DR-01-the-door', 'population-badge-open.csv'))).toHaveLength(5);
  });

  it('has every file but SHA256SUMS in SHA256SUMS, in order', async () => {
    const lines = (await read('SHA256SUMS')).split('\n').slice(0, -1);
    const files = (await filesOf(folder)).filter((file) => file !== 'SHA256SUMS');
    expect(lines.map((line) => line.slice(66))).toEqual(files);
    for (const line of lines) {
      expect(line).toBe(
        `${sha256(await readFile(join(folder, line.slice(66))))}  ${line.slice(66)}`,
      );
    }
  });

  it('tells in index.csv of every file that was made of the report', async () => {
    const rows = rowsOf(await read('index.csv'));
    const files = await filesOf(folder);
    const others = /^(sealed|certificates)\/|^(README\.txt|SHA256SUMS|check\.sh|index\.csv)$/;
    expect(rows.map(([, , , file]) => file)).toEqual(files.filter((file) => !others.test(file)));
    for (const [, , , file = '', period, , , count = '', digest] of rows) {
      const bytes = await readFile(join(folder, file));
      expect([period, digest]).toEqual(['2026-01-01/2026-01-10', sha256(bytes)]);
      const text = bytes.toString();
      if (/\.(csv|jsonl)$/.test(file)) {
        expect(Number(count), file).toBe(
          text.trimEnd().split(/\r?\n/).length - (file.endsWith('.csv') ? 1 : 0),
        );
      }
    }
    expect(rows.find(([, , test]) => test === 'badge-open')).toEqual([
      ...['DR-01', 'soc2 CC6.4', 'badge-open', 'DR-01-the-door/population-badge-open.csv'],
      ...['2026-01-01/2026-01-10', 'door.access', 'door.badges', '5', expect.any(String)],
    ]);
  });

  it('tells the state of each night, with the object of the API and its calls', async () => {
    const evidence = join('DR-01-the-door', 'evidence');
    const index = rowsOf(await read(evidence, 'index.csv'));
    for (const [day, all] of Object.entries(badges).slice(0, -1)) {
      const state: Record<string, boolean> = {};
      for (const [, dataset, , uid = '', , from = '', to = '', , , , file = '', line] of index) {
        if (dataset !== 'door.badges' || from.slice(0, 10) > day || to.slice(0, 10) < day) continue;
        const text = (await read(evidence, file)).split('\n')[Number(line) - 1] ?? '';
        const { record, calls } = JSON.parse(text) as {
          record: EvidenceRecord & { original: { id: string; blocked: boolean } };
          calls: { operation: string }[];
        };
        expect(uid.replace(/^'/, '')).toBe(record.uid);
        expect(calls.length).toBeGreaterThan(0);
        state[record.original.id] = record.original.blocked;
      }
      expect(state, day).toEqual(all);
    }
  });

  it('holds each version of a record once, on the first night that saw it so', async () => {
    const nights = await filesOf(join(folder, 'DR-01-the-door', 'evidence'));
    const of = nights.filter((file) => file.endsWith('door.badges-main.jsonl'));
    // On the 8th, 9th and 10th nothing was other than before.
    expect(of.map((file) => file.slice(0, 8))).toEqual([
      ...['20260101', '20260103', '20260105', '20260106', '20260107'],
    ]);
    const lines = await Promise.all(of.map((file) => read('DR-01-the-door', 'evidence', file)));
    const versions = lines.join('').trimEnd().split('\n');
    expect(new Set(versions).size).toBe(versions.length);
  });

  it('holds a store that is verified like any other', async () => {
    expect(await breaksIn(join(folder, 'sealed'))).toEqual([]);
    const store = join(project, 'evidence');
    for (const file of await filesOf(store)) {
      expect(await readFile(join(folder, 'sealed', file))).toEqual(
        await readFile(join(store, file)),
      );
    }
    expect(await filesOf(join(folder, 'sealed'))).toEqual(await filesOf(store));
  });

  it('holds the public key, by its fingerprint', async () => {
    const [name = ''] = await readdir(join(folder, 'certificates'));
    const base64 = (await read('certificates', name)).split('\n').slice(1, -2).join('');
    expect(name).toBe(`${sha256(Buffer.from(base64, 'base64'))}.pub.pem`);
  });

  it('says what it is, in lines that every window shows', async () => {
    const text = await read('README.txt');
    const head = sha256(await read('sealed', 'bundles', '00000010.json'));
    expect(text).toContain(`10 sha256:${head}`);
    expect(text).toContain('Simulated clock (every night): these times prove nothing.');
    const isCommand = (line: string) => /^ {4}/.test(line);
    const long = text.split('\n').filter((line) => line.length > 76 && !isCommand(line));
    expect([long, text.includes('\r')]).toEqual([[], false]);
    for (const [, name = ''] of text.matchAll(/^ {2}([a-zA-Z0-9./]+) {2,}/gm)) {
      if (name !== 'AC-01-...') expect(await stat(join(folder, name)), name).toBeDefined();
    }
  });

  it.each(['folder', 'zip'])('is verified and performed again as a %s', async (form) => {
    const place = form === 'zip' ? zip : folder;
    const io = { terminal: silent, env: {}, signal: new AbortController().signal };
    expect(await verifyCommand(io, place, {})).toBe(0);
    expect(await reperform(io, place, { config: join(project, 'tickmark.yaml') })).toBe(0);
  });

  it('is checked by the commands of its README', async () => {
    const [, linux = ''] = /^ {6}(sha256sum .*)$/m.exec(await read('README.txt')) ?? [];
    const shell = (command: string) =>
      execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
    expect(shell(linux)).toBe('');
    expect(shell('sh check.sh')).toMatch(/^INTACT/m);
  });

  it('is made again from what is sealed in it, by the commands of its README', async () => {
    const copy = join(await temporaryFolder(), 'archive');
    await tickmark(['export', '--out', copy], '', { cwd: project });
    const text = await readFile(join(copy, 'README.txt'), 'utf8');
    const commands = /^ {4}cat > .*?^ {4}diff [^\n]*$/ms.exec(text)?.[0] ?? '';
    const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
    const script = commands
      .replaceAll(/^ {4}/gm, '')
      .replace('tickmark export', `"${process.execPath}" "${main}" export`);
    const made = spawnSync('sh', ['-c', script], { cwd: copy, encoding: 'utf8' });
    const differ = [...made.stdout.matchAll(/^(?:Files \.\/(.*) and .*|Only in .*)$/gm)];
    expect(differ.map(([line, file]) => file ?? line)).toEqual(
      // The collectors are a plugin's, which the commands do not know.
      ['SHA256SUMS', 'index.csv'],
    );
  });
});

describe('the bytes of an archive', () => {
  it('are the same by another mask, in another year', async () => {
    const again = join(await temporaryFolder(), 'again.zip');
    const mask = process.umask(0o077);
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-07-09T11:12:13Z') });
    try {
      await exported({ out: again });
    } finally {
      process.umask(mask);
    }
    expect(sha256(await readFile(again))).toBe(sha256(await readFile(zip)));
  });

  it('are the same in every time zone', async () => {
    const built = (file: string) => new URL(`../../dist/src/cli/${file}`, import.meta.url);
    // A time zone is a process's own.
    const script = `import { exportArchive } from '${built('commands/export.js')}';
import { createTerminal } from '${built('terminal.js')}';
const io = { terminal: createTerminal({}), env: {}, signal: new AbortController().signal };
await exportArchive(io, { config: process.argv[1], out: process.argv[2] });`;
    const out = await temporaryFolder();
    const digests = await Promise.all(
      ['UTC', 'Asia/Kathmandu', 'America/Los_Angeles'].map(async (TZ, number) => {
        const again = join(out, `${number}.zip`);
        const args = ['--input-type=module', '-e', script, join(project, 'tickmark.yaml'), again];
        execFileSync(process.execPath, args, { env: { PATH: process.env.PATH, TZ } });
        return sha256(await readFile(again));
      }),
    );
    expect(new Set(digests).size).toBe(1);
  });

  it('are the same in a folder and in a zip, as another program unpacks it', async () => {
    const unpacked = join(await temporaryFolder(), 'unpacked');
    const python = `import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
assert all(i.date_time == (1980, 1, 1, 0, 0, 0) for i in z.infolist())
assert [i.filename for i in z.infolist() if (i.external_attr >> 16) & 0o111] == ['check.sh']
z.extractall(sys.argv[2])`;
    execFileSync('python3', ['-c', python, zip, unpacked]);
    const files = await filesOf(folder);
    expect(await filesOf(unpacked)).toEqual(files);
    for (const file of files) {
      expect(await readFile(join(unpacked, file)), file).toEqual(
        await readFile(join(folder, file)),
      );
    }
  });
});

describe('where it is written to', () => {
  it('is never a folder with something in it', async () => {
    const out = await temporaryFolder();
    await writeFile(join(out, 'mine.txt'), 'mine');
    await expect(exported({ out, force: true })).rejects.toMatchObject({ code: 'Usage' });
    expect(await readdir(out)).toEqual(['mine.txt']);
  });

  it('is never a file, unless it may be replaced', async () => {
    const out = join(await temporaryFolder(), 'a.zip');
    await writeFile(out, 'mine');
    await expect(exported({ out })).rejects.toMatchObject({ code: 'Usage' });
    expect(await readFile(out, 'utf8')).toBe('mine');
    expect((await exported({ out, force: true })).code).toBe(0);
    expect(sha256(await readFile(out))).toBe(sha256(await readFile(zip)));
  });

  it('may be an empty folder', async () => {
    const out = await temporaryFolder();
    await exported({ out });
    expect(await readFile(join(out, 'SHA256SUMS'), 'utf8')).toBe(await read('SHA256SUMS'));
  });

  it('may be a link to an empty folder', async () => {
    const place = await temporaryFolder();
    await mkdir(join(place, 'there'));
    await symlink('there', join(place, 'link'));
    await exported({ out: join(place, 'link') });
    expect(await readFile(join(place, 'there', 'SHA256SUMS'), 'utf8')).toBe(
      await read('SHA256SUMS'),
    );
  });

  it('is never the store', async () => {
    const store = join(project, 'evidence');
    const before = await readdir(store);
    const link = join(await temporaryFolder(), 'link');
    await symlink(store, link);
    for (const out of [join(store, 'a.zip'), join(store, 'objects', 'a'), join(link, 'a')]) {
      await expect(exported({ out })).rejects.toMatchObject({ code: 'Usage' });
    }
    expect(await readdir(store)).toEqual(before);
  });

  it('is said where it cannot be written to', async () => {
    const out = join(await temporaryFolder(), 'nowhere', 'a.zip');
    await expect(exported({ out })).rejects.toMatchObject({ code: 'Usage' });
  });

  it.each(['a', 'a.zip'])('holds nothing when it is interrupted: %s', async (name) => {
    const place = await temporaryFolder();
    const abort = new AbortController();
    const ended = exported({ out: join(place, name) }, abort.signal);
    await vi.waitUntil(async () => (await filesOf(place)).length > 20, { interval: 1 });
    abort.abort();
    await expect(ended).rejects.toMatchObject({ code: 'Interrupted' });
    expect(await readdir(place)).toEqual([]);
  });
});

describe('what a store lacks', () => {
  let evidence: string;
  const copied = async () => {
    evidence = join(await temporaryFolder(), 'evidence');
    await cp(join(project, 'evidence'), evidence, { recursive: true });
  };

  it('everything: then there is no archive', async () => {
    const store = join(await temporaryFolder(), 'none');
    await mkdir(store);
    const out = join(await temporaryFolder(), 'a');
    await expect(exported({ out, store })).rejects.toMatchObject({ code: 'NotFound' });
    await expect(stat(out)).rejects.toThrow();
  });

  it('a bundle: then the archive says so, and so does the exit code', async () => {
    await copied();
    await rm(join(evidence, 'bundles', '00000003.json'));
    const out = join(await temporaryFolder(), 'a');
    const { code, printed } = await exported({ out, store: evidence });
    expect(code).toBe(4);
    expect(printed[0]).toMatch(/NOTHING CAN BE CONCLUDED: bundle 3 is missing/);
    expect(await readFile(join(out, 'README.txt'), 'utf8')).toMatch(
      /NOTHING CAN BE CONCLUDED: bundle 3 is missing/,
    );
    expect(await breaksIn(join(out, 'sealed'))).toEqual(await breaksIn(evidence));
  });

  it('what an object held: then there is no archive', async () => {
    await copied();
    const objects = join(evidence, 'objects');
    for (const file of await filesOf(objects)) await writeFile(join(objects, file), 'changed');
    const place = await temporaryFolder();
    await expect(exported({ out: join(place, 'a'), store: evidence })).rejects.toMatchObject({
      code: 'IntegrityBroken',
    });
    expect(await readdir(place)).toEqual([]);
  });

  it('nothing, but has what is not its own: that is left out', async () => {
    await copied();
    await writeFile(join(evidence, 'objects', 'notes.txt'), 'mine');
    await writeFile(join(evidence, 'bundles', '.tmp-0123456789abcdef'), 'half');
    const out = join(await temporaryFolder(), 'a');
    await exported({ out, store: evidence });
    expect(await readFile(join(out, 'SHA256SUMS'), 'utf8')).toBe(await read('SHA256SUMS'));
  });
});

describe('what is asked for', () => {
  it('may be some days', async () => {
    const out = join(await temporaryFolder(), 'a');
    await exported({ out, from: '2026-01-02', until: '2026-01-03' });
    const rows = rowsOf(await readFile(join(out, 'nights.csv'), 'utf8'));
    expect(rows.map(([, , , , day]) => day)).toContain('2026-01-02');
    expect(rows.map(([, , , , day]) => day)).not.toContain('2026-01-07');
    expect(await filesOf(join(out, 'sealed'))).toEqual(await filesOf(join(folder, 'sealed')));
  });

  it('ends where it ends: what a later night saw of a state mends nothing of it', async () => {
    const out = join(await temporaryFolder(), 'a');
    await exported({ out, until: '2026-01-03' });
    const own = (file: string) => readFile(join(out, 'DR-01-the-door', file), 'utf8');
    const rows = rowsWithHead(await own('deviations.csv')).filter(({ kind }) => kind === 'state');
    const runs = rowsWithHead(await readFile(join(out, 'nights.csv'), 'utf8')).map(
      ({ run }) => run,
    );
    expect(
      rows.map(({ uid, opened_by, closed_by, nights_failing }) => [
        ...[uid, opened_by?.slice(0, 10), closed_by, nights_failing],
      ]),
    ).toEqual([
      ['bob', '2026-01-01', '', '3'],
      ['carol', '2026-01-03', '', '1'],
    ]);
    for (const { last_run } of rows) expect(runs).toContain(last_run);
    const population = rowsWithHead(await own('population-badge-open.csv'));
    expect(population.map(({ uid, deleted_by }) => [uid, deleted_by])).toContainEqual([
      'carol',
      '',
    ]);
    for (const { last_seen } of population) expect(last_seen?.slice(0, 10)).toBe('2026-01-03');
  });

  it('may be a date', async () => {
    const out = join(await temporaryFolder(), 'a');
    await exported({ out, asOf: '2026-01-03' });
    expect(await readFile(join(out, 'README.txt'), 'utf8')).toContain('as of 2026-01-03');
  });

  it('may be a control: then the README says that the chain is whole all the same', async () => {
    const out = join(await temporaryFolder(), 'a');
    await exported({ out, control: 'DR-01' });
    expect(await readFile(join(out, 'README.txt'), 'utf8')).toContain(
      'Only control DR-01 was asked for.',
    );
    await expect(exported({ out: `${out}2`, control: 'DR-02' })).rejects.toMatchObject({
      code: 'NotFound',
    });
  });

  it('is told as data', async () => {
    const out = join(await temporaryFolder(), 'a.zip');
    const { printed } = await exported({ out, json: true });
    expect(JSON.parse(printed.join(''))).toMatchObject({
      out,
      sums: sha256(await read('SHA256SUMS')),
      files: (await filesOf(folder)).length,
      head: { sequence: 10 },
      problems: [],
    });
  });
});

describe('the time that the report of an archive is made for', () => {
  const period = { start: '2026-01-01', end: '2026-01-31', timezone: 'UTC' };
  const newest = { finished_at: '2026-01-20T02:00:00.000Z' };
  const at = (time: string, bundle: typeof newest | undefined = newest) =>
    reportTime(period, bundle, new Date(time)).toISOString();

  it('is the end of the newest bundle, whatever the time is', () => {
    expect(at('2026-01-20T03:00:00Z')).toBe('2026-01-20T02:00:00.000Z');
    expect(at('2026-01-31T23:59:59Z')).toBe('2026-01-20T02:00:00.000Z');
  });

  it('is the end of the period where that has passed: nights that did not come are gaps', () => {
    expect(at('2026-02-01T00:00:00Z')).toBe('2026-02-01T00:00:00.000Z');
    expect(at('2027-02-01T00:00:00Z')).toBe('2026-02-01T00:00:00.000Z');
  });

  it('is behind the period where a bundle is', () => {
    const later = { finished_at: '2026-02-02T02:00:00.000Z' };
    expect(at('2027-02-01T00:00:00Z', later)).toBe('2026-02-02T02:00:00.000Z');
  });
});
