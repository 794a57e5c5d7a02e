/** What the tests of whole nights share: a project in a folder of its own, and what it holds. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from '../../src/evidence/result.ts';
import type { NightSummary } from '../../src/report/summary.ts';
import { folderBackend } from '../../src/store/folder.ts';
import { readResults } from '../../src/store/results.ts';
import { Store } from '../../src/store/store.ts';
import type { StandIn } from '../support/aws-stand-in.ts';
import { tickmark } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** `--json` of a command that collects or judges. */
export type PrintedSummary = NightSummary & { seconds: number; exit_code: number };

/** What is not the same in two runs over the same world. */
export type Row = Omit<Result, 'run' | 'observed_at'>;

export interface ProjectSettings {
  parameters?: object;
  /** `with:` of the one source, which is AWS; default two regions and the default credentials. */
  source?: object;
}

/** A new folder with a tickmark.yaml. */
export async function newProject({
  parameters = {},
  source = { regions: ['us-east-1', 'eu-west-1'] },
}: ProjectSettings = {}): Promise<string> {
  const folder = await temporaryFolder();
  const config = {
    organization: 'Acme, Inc.',
    period: { start: '2026-01-01', end: '2026-12-31' },
    sources: [{ id: 'production', use: 'aws', with: source }],
    parameters,
  };
  // JSON is YAML.
  await writeFile(join(folder, 'tickmark.yaml'), JSON.stringify(config));
  return folder;
}

/** Rows of `tickmark results --json`. */
export async function readRows(cwd: string, ...options: string[]): Promise<Result[]> {
  const { stdout, stderr, code } = await tickmark(['results', '--json', ...options], '', { cwd });
  if (code !== 0) throw new Error(`tickmark results ended with ${code}: ${stderr}`);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Result);
}

/** One night, and the rows that it sealed. */
export async function night(
  cwd: string,
  standIn: Pick<StandIn, 'endpoint'>,
  ...options: string[]
): Promise<{ code: number | null; summary: PrintedSummary; rows: Row[] }> {
  const { stdout, stderr, code } = await tickmark(['run', '--json', ...options], standIn.endpoint, {
    cwd,
  });
  if (stdout === '') throw new Error(`tickmark run ended with ${code}: ${stderr}`);
  const store = storeOf(cwd);
  const last = await store.last();
  if (last === undefined) throw new Error(`nothing was sealed: ${stderr}`);
  const rows: Row[] = [];
  for await (const row of readResults(store, last)) rows.push(timeless(row));
  return { code, summary: JSON.parse(stdout) as PrintedSummary, rows };
}

export function storeOf(cwd: string): Store {
  return new Store(folderBackend(join(cwd, 'evidence')));
}

/** The row without what no two runs share. */
export function timeless({ run: _run, observed_at: _observed, ...row }: Result): Row {
  return row;
}
