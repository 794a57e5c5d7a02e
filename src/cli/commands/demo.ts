import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CommandIo } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { packageRoot } from '../package.ts';
import { openProject } from '../project.ts';
import { demoSealing } from '../sealing.ts';
import { night } from './run.ts';

/** When the demo's exchanges were recorded; its clock starts there. */
const recordingSchema = z.strictObject({ recorded_at: z.iso.datetime() });

/**
 * `tickmark demo`: a night on recorded exchanges through the real collectors. Deviations are
 * its point, so it ends with 0 unless evidence is incomplete, which would be a fault.
 */
export async function demo(
  io: CommandIo,
  options: { store: string; json?: boolean },
): Promise<ExitCode> {
  const folder = join(packageRoot, 'fixtures', 'demo');
  const recording = await readFile(join(folder, 'recording.json'), 'utf8');
  const { recorded_at } = recordingSchema.parse(JSON.parse(recording));
  const project = await openProject(
    { config: join(folder, 'tickmark.yaml'), store: options.store },
    io,
  );
  const exitCode = await night(
    io,
    project,
    {
      config: join(folder, 'tickmark.yaml'),
      store: options.store,
      replay: join(folder, 'exchanges'),
      clock: recorded_at,
      deadline: 60,
      ...(options.json === undefined ? {} : { json: options.json }),
    },
    true,
    demoSealing,
  );
  if (!options.json) {
    io.terminal.out();
    io.terminal.out('Look closer:');
    io.terminal.out(
      `  tickmark results --config ${join(folder, 'tickmark.yaml')} --store ${options.store}`,
    );
  }
  return exitCode === exitCodes.deviations ? exitCodes.complete : exitCode;
}
