import type { Terminal } from './terminal.ts';

/** Constant messages with structured fields, to stderr. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * Structured lines for a job that nobody watches; on a terminal the progress lines and the
 * summary say it better.
 */
export async function openLog(terminal: Terminal): Promise<Log> {
  if (terminal.interactive) return { info: () => {}, warn: () => {} };
  const { destination, pino } = await import('pino');
  const logger = pino(
    { base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    destination({ dest: 2, sync: true }),
  );
  return {
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
  };
}
