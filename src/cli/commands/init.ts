import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { detect, initialConfig } from '../../config/init.ts';
import { loadConfig } from '../../config/load.ts';
import { messageOf, TickmarkError } from '../../evidence/errors.ts';
import type { CommandIo } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';

export interface InitOptions {
  config: string;
  organization?: string;
  force?: boolean;
  json?: boolean;
}

/** `tickmark init`: writes tickmark.yaml for what is found; asks nothing. */
export async function init(io: CommandIo, options: InitOptions): Promise<ExitCode> {
  const file = resolve(options.config);
  const found = detect(io.env, dirname(file));
  const text = initialConfig({
    ...found,
    ...(options.organization === undefined ? {} : { organization: options.organization }),
    year: new Date().getUTCFullYear(),
  });
  try {
    await writeFile(file, text, { flag: options.force ? 'w' : 'wx' });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const message =
      code === 'EEXIST'
        ? `${options.config} exists and was left as it is; --force replaces it`
        : `${options.config} cannot be written: ${messageOf(cause)}`;
    throw new TickmarkError('Usage', message, { cause });
  }
  const { config } = loadConfig(file);
  if (options.json) {
    io.terminal.out(JSON.stringify({ file, config }));
    return exitCodes.complete;
  }
  const { out } = io.terminal;
  out(`Wrote ${options.config} for ${config.organization}.`);
  for (const source of config.sources) out(`  source ${source.id}: ${source.use}`);
  out();
  out('Next: tickmark doctor   who you are, and which calls are allowed');
  out('      tickmark run      the first night');
  return exitCodes.complete;
}
