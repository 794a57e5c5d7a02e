/** The reports that a nightly job leaves behind: of the period as it stands behind the night. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { dayIn } from '../evidence/days.ts';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import type { Bundle } from '../seal/manifest.ts';
import type { CommandIo } from './command.ts';
import type { NightReport } from './formats.ts';
import { writeOutput } from './output.ts';
import { readPeriod } from './period.ts';
import type { Project } from './project.ts';
import { reachDaysIn } from './registry.ts';
import { render } from './render.ts';
import { openReport } from './report.ts';

/** Before the night: a folder that is not there is known before anything is asked. @throws TickmarkError Usage */
export async function assertWritable(reports: readonly NightReport[]): Promise<void> {
  for (const { file } of reports) {
    const folder = dirname(file);
    const isFolder = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder) continue;
    throw new TickmarkError('Usage', `--report: ${folder} is no folder that ${file} could go to`);
  }
}

/**
 * Replaces what is there: the job writes the same files every night. Where no period is configured
 * they are of the night's own day. The night is sealed already, so that a failure costs it nothing.
 * @returns whether all were written; what was not is said on stderr.
 */
export async function writeNightReports(
  { terminal }: CommandIo,
  project: Project,
  { manifest }: Bundle,
  reports: readonly NightReport[],
): Promise<boolean> {
  const day = dayIn(new Date(manifest.started_at), manifest.timezone);
  const range = project.loaded.config.period === undefined ? { from: day, until: day } : {};
  try {
    const reachDays = reachDaysIn(project.registry);
    const period = await readPeriod(
      { ...project, reachDays },
      { config: project.loaded.file, ...range },
      new Date(),
    );
    const opened = await openReport(period);
    for (const { format, file } of reports) {
      await writeOutput(file, await render(format, opened), true);
    }
    return true;
  } catch (error) {
    terminal.err(
      `tickmark: the night is sealed, and a report of it is missing: ${messageOf(error)}`,
    );
    return false;
  }
}
