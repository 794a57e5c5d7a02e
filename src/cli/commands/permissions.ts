import { awsPolicy } from '../../collect/permissions.ts';
import { TickmarkError } from '../../evidence/errors.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openProject } from '../project.ts';

/** `tickmark permissions`: JSON that IAM accepts, from the declarations that are enforced. */
export async function permissions(
  io: CommandIo,
  options: ProjectOptions & { source?: string },
): Promise<ExitCode> {
  const project = await openProject(options, io);
  const entries = project.sources.filter(({ source }) => source.provider === 'aws');
  const chosen =
    options.source === undefined ? entries : entries.filter(({ id }) => id === options.source);
  const [entry, another] = chosen;
  if (entry === undefined || another !== undefined) {
    const ids = entries.map(({ id }) => id).join(', ');
    throw new TickmarkError(
      'Usage',
      ids === ''
        ? 'no source uses AWS; other sources name their permissions in collectors show'
        : `name one of the sources that use AWS with --source: ${ids}`,
    );
  }
  const datasets = entry.collectors
    .flatMap((collector) => collector.datasets)
    .filter((dataset) => project.wanted.has(dataset.name));
  const { accounts = [] } = entry.config as { accounts?: { role?: string }[] };
  const roles = accounts.map(({ role }) => role).filter((role) => role !== undefined);
  io.terminal.out(JSON.stringify(awsPolicy(entry.source, datasets, roles), null, 2));
  return exitCodes.complete;
}
