/** The head of the chain in the CI job's own summary: a place that the store's owner does not keep. */
import { appendFile } from 'node:fs/promises';
import { messageOf } from '../evidence/errors.ts';
import type { NightSummary } from '../report/summary.ts';
import type { CommandIo } from './command.ts';
import { headLine } from './print-night.ts';

/**
 * Appends to the file that GitHub Actions shows on the job's page (GITHUB_STEP_SUMMARY). A summary
 * that cannot be written is said and loses nothing: the head stands in the job's log too.
 */
export async function writeCiSummary(
  { terminal, env }: CommandIo,
  summary: NightSummary,
): Promise<void> {
  const file = env.GITHUB_STEP_SUMMARY;
  if (file === undefined || file === '') return;
  try {
    await appendFile(file, ciSummary(summary));
  } catch (error) {
    terminal.err(`tickmark: the job's summary could not be written: ${messageOf(error)}`);
  }
}

/** Markdown without a word from outside: names are free text, and not shown here. */
function ciSummary({ run, counts, bundle }: NightSummary): string {
  return [
    `### Tickmark ${run}`,
    '',
    `${headLine(bundle)}  `,
    `${bundle.signed_by === null ? 'Unsigned' : `Signed by key ${bundle.signed_by}`}, ${
      bundle.timestamp?.time == null ? 'not timestamped' : `timestamped ${bundle.timestamp.time}`
    }  `,
    `Results: ${counts.pass} pass, ${counts.fail} fail, ${counts.error} error`,
    '',
    '',
  ].join('\n');
}
