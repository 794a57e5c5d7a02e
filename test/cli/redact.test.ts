/** `tickmark export --redact`: an archive that names nobody, on nights with people of AWS and GitHub. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtin } from '../../collectors/index.ts';
import { personalDataOf } from '../../src/archive/personal.ts';
import { Pseudonyms } from '../../src/archive/pseudonyms.ts';
import { redact } from '../../src/archive/redact.ts';
import { sha256 } from '../../src/evidence/json.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { Store } from '../../src/store/store.ts';
import { checkScript } from '../support/archives.ts';
import { cleanShell } from '../support/clean-shell.ts';
import { type CliOptions, tickmark } from '../support/cli.ts';
import { demoNight, firstNights, strictConfig } from '../support/demo-night.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { unzip } from '../support/unzip.ts';

/** Port 9 discards: nothing is asked there. */
const nowhere = 'http://127.0.0.1:9';
const secret = 'f00d1a2b3c4d5e67'.repeat(4);

let cwd: string;
let full: Map<string, Buffer>;
let redacted: Map<string, Buffer>;

const run = (args: string[], env: CliOptions['env'] = { TICKMARK_REDACTION_KEY: secret }) =>
  tickmark(args, nowhere, { cwd, env });
const store = ['--store', 'evidence'];

async function filesIn(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(folder.length + 1), await readFile(path));
  }
  return files;
}

beforeAll(async () => {
  cwd = await temporaryFolder();
  const config = await strictConfig(cwd);
  for (const night of firstNights.slice(0, 2)) {
    const { code } = await run(['run', ...demoNight(config, join(cwd, 'evidence'), night)]);
    expect(code).toBe(1);
  }
  const days = ['--from', '2025-01-01', '--until', '2025-01-02'];
  expect((await run(['export', ...store, ...days, '--out', 'full'])).code).toBe(0);
  const made = await run(['export', ...store, ...days, '--out', 'redacted', '--redact']);
  expect(made.stderr).toBe('');
  expect(made.code).toBe(0);
  expect(made.stdout).toMatch(
    /Redacted: people have pseudonyms \(\d+ identifiers, by the key [0-9a-f]{12}\)/,
  );
  full = await filesIn(join(cwd, 'full'));
  redacted = await filesIn(join(cwd, 'redacted'));
}, 120_000);
afterAll(removeTemporary);

interface Line {
  dataset: string;
  calls: { id: string }[];
  record: { uid: string; name: string; fields: Record<string, unknown>; original?: unknown };
}

function linesIn(files: ReadonlyMap<string, Buffer>): Line[] {
  return [...files].flatMap(([path, bytes]) =>
    path.endsWith('.jsonl')
      ? bytes
          .toString('utf8')
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Line)
      : [],
  );
}

/** The people of the demo, as the archive that is not redacted names them. */
function people(): Set<string> {
  const names = new Set<string>();
  for (const { dataset, record } of linesIn(full)) {
    const { uid, name, fields } = record;
    if (dataset === 'github.people') for (const each of [uid, name]) names.add(each);
    if (dataset === 'aws.iam.users')
      for (const each of [name, String(fields.user_id)]) names.add(each);
    if (dataset === 'github.changes') names.add(String(fields.author));
  }
  for (const machine of ['dependabot', 'ghost']) names.delete(machine);
  return names;
}

async function sumsOf(folder: string): Promise<string> {
  const files = await filesIn(folder);
  files.delete('SHA256SUMS');
  const paths = [...files.keys()].sort();
  return paths.map((path) => `${sha256(files.get(path) ?? '')}  ${path}\n`).join('');
}

/** Everything that can be read in a file, whatever it is folded into. */
async function textsIn(path: string, bytes: Buffer): Promise<string> {
  if (path.endsWith('.xlsx')) {
    const parts = await unzip(bytes);
    return [...parts.values()].map(({ text }) => text).join('\n');
  }
  const text = bytes.toString('utf8');
  if (!path.endsWith('.html')) return text;
  const data = /(<script type="application\/gzip;base64"[^>]*>)([^<]*)/g;
  return text.replace(data, (_whole, head: string, folded: string) =>
    [head, gunzipSync(Buffer.from(folded, 'base64')).toString('utf8')].join(''),
  );
}

describe('a redacted archive', () => {
  it('names nobody, but in manifests and in what the organisation wrote into its controls', async () => {
    const names = [...people()];
    expect(names).toEqual(expect.arrayContaining(['alice', 'frank', 'ops-kim']));
    expect(names.length).toBeGreaterThan(20);
    const escaped = names.map((name) => name.replace(/[^A-Za-z0-9]/g, '\\$&'));
    const named = new RegExp(`(?<![A-Za-z0-9])(?:${escaped.join('|')})(?![A-Za-z0-9])`, 'i');
    const found: string[] = [];
    for (const [path, bytes] of redacted) {
      if (/^sealed\/|^SHA256SUMS$|\/control(\.yaml$|\/)/.test(path)) continue;
      const match = named.exec(await textsIn(path, bytes));
      if (match !== null) found.push(`${path}: ${match[0]}`);
    }
    expect(found).toEqual([]);
  });

  it('has as many rows in every table, and tells people apart as before', () => {
    // How often a record has changed depends on what of it is shown.
    const tables = (files: ReadonlyMap<string, Buffer>) =>
      Object.fromEntries(
        [...files]
          .filter(([path]) => path.endsWith('.csv') && !/index\.csv$/.test(path))
          .map(([path, bytes]) => [path, bytes.toString('utf8').split('\r\n').length]),
      );
    expect(tables(redacted)).toEqual(tables(full));
    const apart = (files: ReadonlyMap<string, Buffer>) =>
      new Set(linesIn(files).map(({ dataset, record }) => `${dataset} ${record.uid}`)).size;
    expect(apart(redacted)).toBe(apart(full));
  });

  it('gives one person the same pseudonym in every dataset', () => {
    const names = (of: string) =>
      linesIn(redacted).flatMap(({ dataset, record }) => (dataset === of ? [record.name] : []));
    const reported = new Set(names('aws.iam.credential_report'));
    const users = names('aws.iam.users');
    expect(users.length).toBeGreaterThan(5);
    for (const name of users) expect(reported).toContain(name);
    for (const name of [...users, ...names('github.people')]) {
      expect(name).toMatch(/^person-[0-9a-f]{12}$/);
    }
  });

  it('leaves out what is marked and tells nobody apart, and the objects of the systems', () => {
    const [user] = linesIn(full).filter(({ dataset }) => dataset === 'aws.iam.users');
    expect(Object.keys(user?.record.fields ?? {})).toContain('tags');
    expect(user?.record.original).toBeDefined();
    for (const { dataset, record } of linesIn(redacted)) {
      expect(record).not.toHaveProperty('original');
      if (dataset === 'aws.iam.users') expect(record.fields).not.toHaveProperty('tags');
    }
  });

  it('lies in the order of its pseudonyms, not in that of the names', () => {
    const files = [...redacted].filter(([path]) => path.includes('aws.iam.credential_report-'));
    const orders = files.map(([path, bytes]) =>
      linesIn(new Map([[path, bytes]])).map(({ record }) => record.uid),
    );
    expect(Math.max(...orders.map(({ length }) => length))).toBeGreaterThan(5);
    for (const uids of orders) expect(uids).toEqual([...uids].sort());
  });

  it('has a new version of a record only where something has changed that it shows', () => {
    /** The lines of each record in the folder of a control, in the order of their nights. */
    const versions = (files: ReadonlyMap<string, Buffer>) => {
      const found = new Map<string, string[]>();
      for (const path of [...files.keys()].sort()) {
        for (const { dataset, record } of linesIn(new Map([[path, files.get(path) as Buffer]]))) {
          const of = [path.split('/')[0], dataset, record.uid].join(' ');
          found.set(of, [...(found.get(of) ?? []), JSON.stringify(record)]);
        }
      }
      return [...found.values()];
    };
    const changed = (files: ReadonlyMap<string, Buffer>) =>
      versions(files).filter(({ length }) => length > 1);
    expect(changed(full).length).toBeGreaterThan(changed(redacted).length);
    for (const each of changed(redacted)) expect(new Set(each).size).toBe(each.length);
  });

  it('has calls in the order of their pseudonyms, without what tells their place', () => {
    const calls = linesIn(redacted).map((line) => line.calls);
    expect(Math.max(...calls.map(({ length }) => length))).toBeGreaterThan(1);
    for (const each of calls) {
      const ids = each.map(({ id }) => id);
      expect(ids).toEqual([...ids].sort());
      for (const call of each) {
        expect(call).not.toHaveProperty('page');
        for (const name of [
          'started_at',
          'finished_at',
          'server_date',
          'request_id',
          'confirmed',
        ]) {
          expect(call).not.toHaveProperty(name);
        }
        expect(JSON.stringify(call)).not.toMatch(/"(after|Marker|NextToken|cursor)\\?":/);
      }
    }
  });

  it('has deviations in the order of their pseudonyms', () => {
    let compared = 0;
    for (const [path, bytes] of redacted) {
      if (!path.endsWith('/deviations.csv')) continue;
      const [head = '', ...rows] = bytes.toString('utf8').split('\r\n');
      const names = head.split(',');
      const cells = (row: string, ...of: string[]) =>
        of.map((name) => row.split(',')[names.indexOf(name)]).join(' ');
      for (const [place, row] of rows.entries()) {
        const before = rows[place - 1] ?? '';
        const group = ['test', 'opened_by', 'source', 'scope'];
        if (!row.includes('person-') || cells(row, ...group) !== cells(before, ...group)) continue;
        expect(cells(row, 'uid') > cells(before, 'uid')).toBe(true);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(2);
  });

  it('has in reasons neither pseudonyms nor times, which manifests and the systems would tell', () => {
    let reasons = 0;
    for (const [path, bytes] of redacted) {
      if (!/\/results-[^/]*\.csv$/.test(path)) continue;
      const [head = '', ...rows] = bytes.toString('utf8').split('\r\n');
      const place = head.split(',').indexOf('reason');
      expect(place).toBeGreaterThan(0);
      for (const row of rows) {
        const reason = row.split(',').slice(place).join(',');
        reasons += Number(reason.includes('[time]'));
        expect(reason).not.toMatch(/person-[0-9a-f]{12}|\d{4}-\d\d-\d\dT/);
      }
    }
    expect(reasons).toBeGreaterThan(0);
  });

  it('has no time of a sign-in, nor what follows from one', () => {
    const told = (files: ReadonlyMap<string, Buffer>) =>
      new Set(
        linesIn(files)
          .filter(({ dataset }) => dataset === 'aws.iam.credential_report')
          .flatMap(({ record }) => JSON.stringify(record.fields).match(/"\w+(?=":)/g) ?? []),
      );
    for (const name of ['password_last_used', 'password_idle_since', 'last_used', 'idle_since']) {
      expect(told(full)).toContain(`"${name}`);
      expect(told(redacted)).not.toContain(`"${name}`);
    }
  });

  it('has the manifests as they were sealed, and of objects the control files alone', () => {
    const manifests = [...full.keys()].filter((path) => path.startsWith('sealed/bundles/'));
    expect(manifests).toHaveLength(2);
    for (const path of manifests) expect(redacted.get(path)).toEqual(full.get(path));
    const objects = [...redacted.keys()].filter((path) => path.startsWith('sealed/objects/'));
    const texts = objects.map((path) => gunzipSync(redacted.get(path) ?? '').toString('utf8'));
    expect(texts.length).toBeGreaterThan(10);
    for (const text of texts) expect(text).toMatch(/^id: "?[A-Z]{2}-\d\d"?$/m);
  });

  it('says what was done: in redaction.json, README.txt and every form of the report', async () => {
    const told = JSON.parse(redacted.get('redaction.json')?.toString('utf8') ?? '');
    expect(told).toMatchObject({
      format: 'tickmark-redaction/1',
      manifests_that_name_people: [1, 2],
      datasets: {
        'aws.iam.users': { pseudonyms: ['arn', 'user_id'], left_out: ['tags'] },
        'github.people': { pseudonyms: ['uid', 'name', 'login'], left_out: [] },
      },
    });
    expect(told.identifiers).toBeGreaterThan(20);
    const readme = redacted.get('README.txt')?.toString('utf8') ?? '';
    expect(readme).toContain('What was redacted\n');
    expect(readme).not.toContain('tickmark reperform .');
    for (const path of ['index.html', 'workbook.xlsx', 'oscal/assessment-results.json']) {
      expect(await textsIn(path, redacted.get(path) ?? Buffer.alloc(0))).toContain('Redacted');
      expect(await textsIn(path, full.get(path) ?? Buffer.alloc(0))).not.toContain('Redacted:');
    }
  });

  it('is the same bytes for the same key, also from a file; another key gives other names', async () => {
    const days = ['--from', '2025-01-01', '--until', '2025-01-02'];
    const export_ = ['export', ...store, ...days, '--redact', '--json', '--out'];
    await writeFile(join(cwd, 'secret.txt'), `${secret}\n`);
    const config = join(cwd, 'keyed.yaml');
    const text = await readFile(join(cwd, 'tickmark.yaml'), 'utf8');
    await writeFile(config, `${text}\nredaction: { key: ./secret.txt }\n`);
    const again = await run([...export_, 'again', '--config', config], {});
    const other = await run([...export_, 'other'], {
      TICKMARK_REDACTION_KEY: 'cafe0123'.repeat(4),
    });
    const sums = redacted.get('SHA256SUMS')?.toString('utf8');
    expect(await readFile(join(cwd, 'again', 'SHA256SUMS'), 'utf8')).toBe(sums);
    expect(JSON.parse(again.stdout)).toMatchObject({ manifests_that_name_people: [1, 2] });
    const names = async (folder: string) =>
      new Set(
        (await readFile(join(cwd, folder, 'index.html'), 'utf8')).match(/person-[0-9a-f]{12}/g),
      );
    const mine = await names('again');
    expect(mine.size).toBeGreaterThan(3);
    for (const name of await names('other')) expect(mine).not.toContain(name);
    expect(JSON.parse(other.stdout).redaction.key).not.toBe(JSON.parse(again.stdout).redaction.key);
  });
});

describe('checking a redacted archive', () => {
  const check = (folder: string) =>
    cleanShell('/bin/sh', process.env.PATH ?? '', [checkScript, folder]);

  it('tells that it is intact, and that the evidence is not in it', async () => {
    const { code, stdout } = await check(join(cwd, 'redacted'));
    expect(stdout).toContain('note    redacted: ');
    expect(stdout).toMatch(/^INTACT, WITHOUT ITS EVIDENCE \(redacted\): 2 bundles/m);
    expect(code).toBe(0);
    const verified = await run(['verify', 'redacted']);
    expect(verified.stdout).toContain('  Redacted  redaction.json, bundles 1–2\n');
    expect(verified.stdout).toContain(
      'Verified 2 bundles without their evidence (redacted): nothing is broken',
    );
    expect(verified.code).toBe(0);
    expect(JSON.parse((await run(['verify', 'redacted', '--json'])).stdout).redacted).toBe(true);
  });

  it('finds what is changed or taken away, and the same without redaction.json is broken', async () => {
    const control = [...redacted.keys()].find((path) => path.startsWith('sealed/objects/')) ?? '';
    for (const path of ['sealed/bundles/00000001.json', control, 'redaction.json']) {
      const damaged = join(cwd, 'damaged');
      await cp(join(cwd, 'redacted'), damaged, { recursive: true });
      await rm(join(damaged, path));
      expect((await check(damaged)).code, path).toBe(4);
      expect((await run(['verify', 'damaged'])).code, path).toBe(4);
      await rm(damaged, { recursive: true });
    }
  });

  it('finds evidence that lies in it, and a redaction.json that no export wrote', async () => {
    const evidence = [...full.keys()].find(
      (path) => path.startsWith('sealed/objects/') && !redacted.has(path),
    );
    const says = {
      '{}': 'redaction.json does not say tickmark-redaction/1',
      evidence: '1 lie here that are neither control files nor keys',
    };
    for (const [change, said] of Object.entries(says)) {
      const damaged = join(cwd, 'damaged');
      await cp(join(cwd, 'redacted'), damaged, { recursive: true });
      const file = change === '{}' ? 'redaction.json' : (evidence ?? '');
      const bytes = change === '{}' ? Buffer.from('{}') : (full.get(evidence ?? '') ?? '');
      await mkdir(dirname(join(damaged, file)), { recursive: true });
      await writeFile(join(damaged, file), bytes);
      await writeFile(join(damaged, 'SHA256SUMS'), await sumsOf(damaged));
      const checked = await check(damaged);
      expect(checked.stdout, change).toContain(said);
      expect(checked.code, change).toBe(4);
      expect((await run(['verify', 'damaged'])).code, change).toBe(4);
      await rm(damaged, { recursive: true });
    }
  });

  it('leaves nothing to evaluate again, which is said', async () => {
    const { code, stderr } = await run(['reperform', 'redacted']);
    expect(stderr).toContain('was redacted');
    expect(code).toBe(2);
    const status = await run(['status', '--store', 'redacted']);
    expect(status.stderr).toContain('the archive was redacted');
    expect(status.code).toBe(4);
  });
});

it('asks its questions in the order of their pseudonyms, without places in lists of names', async () => {
  const store = new Store(folderBackend(join(cwd, 'empty')));
  const pseudonyms = new Pseudonyms(secret);
  const names = ['ann', 'bert', 'carl', 'dora', 'emil'];
  for (const name of names) pseudonyms.learn(name);
  const queries = names.map((UserName) => {
    const of = { source: 'production', scope: '1', service: 'iam', operation: 'ListMFADevices' };
    return { ...of, parameters: { UserName, Marker: UserName }, pages: 1, nights: 1 };
  });
  const population = { gaps: [], incomplete: [], items: [], queries };
  const period = { nights: { left_out: [] }, controls: [], versions: [], changes: [], due: [] };
  const report = { nights: [], sources: [], controls: [], samples: [] };
  const { details } = await redact(
    {
      report: { ...report, period: { ...period, waivers: [] } } as never,
      details: { population: async () => population } as never,
    },
    { store, datasets: new Map(), pseudonyms, signal: new AbortController().signal },
  );
  const asked = (await details.population('any')).queries.map(({ parameters }) => parameters);
  expect(asked).toEqual(
    names
      .map((name) => pseudonyms.text(name))
      .sort()
      .map((UserName) => ({ UserName })),
  );
});

it('is refused where a dataset has another version than is known here', async () => {
  const store = new Store(folderBackend(join(cwd, 'evidence')));
  const datasets = new Map(
    (builtin.collectors ?? []).flatMap((collector) =>
      collector.datasets.map((each) => {
        const version = each.version + Number(each.name === 'aws.iam.users');
        return [each.name, { ...personalDataOf(each), version }] as const;
      }),
    ),
  );
  const redacting = (sequence: number) =>
    redact(
      {
        report: { nights: [{ sequence }], period: { waivers: [] } } as never,
        details: {} as never,
      },
      { store, datasets, pseudonyms: new Pseudonyms(secret), signal: new AbortController().signal },
    );
  await expect(redacting(2)).rejects.toThrow(
    /aws\.iam\.users is in bundle 2 in version 1,.*version 2/,
  );
});

describe('the key', () => {
  const exported = (...args: string[]) => [
    'export',
    ...store,
    '--redact',
    '--out',
    'none',
    ...args,
  ];

  it('has to be there, and long enough', async () => {
    const none = await run(exported(), {});
    expect(none.stderr).toContain('--redact needs a secret');
    const short = await run(exported(), { TICKMARK_REDACTION_KEY: 'hunter2' });
    expect(short.stderr).toContain('TICKMARK_REDACTION_KEY: it holds fewer than 32 characters');
    const alike = await run(exported(), { TICKMARK_REDACTION_KEY: 'a'.repeat(64) });
    expect(alike.stderr).toContain('it holds fewer than 8 different characters');
    const binary = await run(exported(), { TICKMARK_REDACTION_KEY: `${secret}\u0001` });
    expect(binary.stderr).toContain('it holds bytes that are no text');
    expect(short.stderr).not.toContain('hunter2');
    const config = join(cwd, 'no-key.yaml');
    const text = await readFile(join(cwd, 'tickmark.yaml'), 'utf8');
    await writeFile(config, `${text}\nredaction: { key: ./nowhere.txt }\n`);
    const gone = await run(exported('--config', config), {});
    expect(gone.stderr).toMatch(/no-key\.yaml:\d+:\d+.*there is no such file/s);
    for (const { code } of [none, short, alike, binary, gone]) expect(code).toBe(2);
    expect(await readdir(cwd)).not.toContain('none');
  });
});
