import { awsPolicy, githubPermissions } from '../../collect/permissions.ts';
import { TickmarkError } from '../../evidence/errors.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openProject, type SourceEntry } from '../project.ts';

/**
 * `tickmark permissions`: what the credentials need, from the declarations that are enforced: JSON
 * that IAM accepts, or the permissions of a GitHub App.
 */
export async function permissions(
  io: CommandIo,
  options: ProjectOptions & { source?: string },
): Promise<ExitCode> {
  const project = await openProject(options);
  const entries = project.sources.filter(({ source }) => source.provider !== 'http');
  const chosen =
    options.source === undefined ? entries : entries.filter(({ id }) => id === options.source);
  const [entry, another] = chosen;
  if (entry === undefined || another !== undefined) {
    const ids = entries.map(({ id, source }) => `${id} (${source.id})`).join(', ');
    throw new TickmarkError(
      'Usage',
      ids === ''
        ? 'no source uses AWS or GitHub; other sources name their permissions in collectors show'
        : `name one source with --source: ${ids}`,
    );
  }
  io.terminal.out(JSON.stringify(neededBy(entry, project.wanted), null, 2));
  return exitCodes.complete;
}

function neededBy({ source, collectors, config }: SourceEntry, wanted: ReadonlySet<string>) {
  const datasets = collectors
    .flatMap((collector) => collector.datasets)
    .filter((dataset) => wanted.has(dataset.name));
  if (source.provider === 'github') return githubPermissions(source, datasets);
  const { accounts = [] } = config as { accounts?: { role?: string }[] };
  const roles = accounts.map(({ role }) => role).filter((role) => role !== undefined);
  return awsPolicy(source, datasets, roles);
}
