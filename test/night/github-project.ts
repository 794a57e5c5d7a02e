/** What the tests of nights at GitHub share: a project with that one source, and its nights. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bundle } from '../../src/seal/manifest.ts';
import { readResults } from '../../src/store/results.ts';
import { tickmark } from '../support/cli.ts';
import { acmeGitHubParameters } from '../support/github-acme-expected.ts';
import { acmeNow, acmeSource } from '../support/github-acme-world.ts';
import type { GitHubStandIn } from '../support/github-stand-in.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type PrintedSummary, type Row, storeOf, timeless } from './project.ts';

interface GitHubProject {
  /** First day of the period; by default less than a week before the night. */
  start?: string;
  /** `with:`, beside what Acme has. */
  source?: object;
  parameters?: object;
}

/** A new folder with a tickmark.yaml. */
export async function newGitHubProject({
  start = '2026-11-14',
  source = {},
  parameters = acmeGitHubParameters,
}: GitHubProject = {}): Promise<string> {
  const folder = await temporaryFolder();
  const config = {
    organization: 'Acme, Inc.',
    period: { start, end: '2027-10-31' },
    sources: [{ id: 'code', use: 'github', with: { ...acmeSource, ...source } }],
    parameters,
  };
  // JSON is YAML.
  await writeFile(join(folder, 'tickmark.yaml'), JSON.stringify(config));
  return folder;
}

/** What a run sealed of one stretch of time. */
interface SealedPart {
  bundle: Bundle;
  rows: Row[];
}

export interface GitHubNight {
  code: number | null;
  stderr: string;
  summary: PrintedSummary;
  /** The rows of the night itself. */
  rows: Row[];
  /** What was sealed of before the night, oldest first. */
  backfill: SealedPart[];
}

/** One night, and everything that it sealed. */
export async function gitHubNight(
  cwd: string,
  { endpoint, world }: Pick<GitHubStandIn, 'endpoint' | 'world'>,
  { clock = acmeNow, env = {} }: { clock?: string; env?: Record<string, string | undefined> } = {},
): Promise<GitHubNight> {
  const store = storeOf(cwd);
  const before = (await store.last())?.manifest.sequence ?? 0;
  const { stdout, stderr, code } = await tickmark(['run', '--json', '--clock', clock], '', {
    cwd,
    env: { GITHUB_API_URL: endpoint, GITHUB_TOKEN: world.viewer.token, ...env },
    timeout: 100_000,
  });
  if (stdout === '') throw new Error(`tickmark run ended with ${code}: ${stderr}`);
  const sealed: SealedPart[] = [];
  for await (const bundle of store.bundles()) {
    if (bundle.manifest.sequence <= before) break;
    const rows: Row[] = [];
    for await (const row of readResults(store, bundle)) rows.push(timeless(row));
    sealed.unshift({ bundle, rows });
  }
  const summary = JSON.parse(stdout) as PrintedSummary;
  return { code, stderr, summary, rows: sealed.pop()?.rows ?? [], backfill: sealed };
}

export function isPass({ status }: Row): boolean {
  return status === 'pass';
}

export function isError({ status }: Row): boolean {
  return status === 'error';
}
