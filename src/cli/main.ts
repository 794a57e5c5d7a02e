#!/usr/bin/env node
/** The command line: parse, call, print, exit code. Each command is loaded when it is called. */
import { TickmarkError } from '../evidence/errors.ts';
import type { CommandIo } from './command.ts';
import { exitCodeOfError, exitCodes } from './exit.ts';
import { packageVersion } from './package.ts';

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  // Asked by scripts all the time: answered before anything else is loaded.
  process.stdout.write(`${packageVersion()}\n`);
} else {
  const exitCode = await main(argv);
  process.exitCode = exitCode;
  // Sockets and pauses that something left behind do not keep the job waiting.
  setTimeout(() => process.exit(exitCode), 5_000).unref();
}

async function main(args: string[]): Promise<number> {
  const { createTerminal } = await import('./terminal.ts');
  const interrupted = new AbortController();
  const terminal = createTerminal(process.env);
  const io: CommandIo = { terminal, env: process.env, signal: interrupted.signal };
  const onSignal = () => {
    if (interrupted.signal.aborted) process.exit(exitCodes.interrupted);
    terminal.err('Interrupted: stopping. (Again to stop at once.)');
    interrupted.abort();
  };
  const onCrash = (error: unknown) => {
    terminal.err(`tickmark: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    terminal.err(
      'Something failed that nobody waited for, a plugin perhaps. What it had not sealed is not kept.',
    );
    process.exit(exitCodes.incomplete);
  };
  process.on('unhandledRejection', onCrash);
  process.on('uncaughtException', onCrash);
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // `tickmark results | head` closes our output: that is no failure, and changes no exit code.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.stderr.write(
      `tickmark: the output cannot be written (${error.code}); what was sealed is kept\n`,
    );
    process.exit(exitCodes.incomplete);
  });
  try {
    const { createProgram } = await import('./program.ts');
    return await createProgram(io)(args);
  } catch (error) {
    if (interrupted.signal.aborted) {
      // Whatever broke because of the interruption is not worth a word; what is kept is.
      if (error instanceof TickmarkError && error.code === 'Interrupted') {
        terminal.err(`tickmark: ${error.message}`);
      }
      return exitCodes.interrupted;
    }
    if (error instanceof TickmarkError) {
      terminal.err(`tickmark: ${error.message}`);
      return exitCodeOfError(error.code);
    }
    terminal.err(`tickmark: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    terminal.err('This is a fault in Tickmark; please report it with the lines above.');
    return exitCodes.incomplete;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
