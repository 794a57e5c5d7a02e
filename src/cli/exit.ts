import type { ErrorCode } from '../evidence/errors.ts';
import type { StatusCounts } from '../evidence/result.ts';

/** Exit codes, fixed: other programs rely on them (docs/commands.md). */
export const exitCodes = {
  complete: 0,
  deviations: 1,
  usage: 2,
  incomplete: 3,
  integrity: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const codeOfError: Record<ErrorCode, ExitCode> = {
  Usage: exitCodes.usage,
  InvalidConfiguration: exitCodes.usage,
  InvalidControl: exitCodes.usage,
  InvalidPlugin: exitCodes.usage,
  NotFound: exitCodes.usage,
  StoreUnavailable: exitCodes.incomplete,
  IntegrityBroken: exitCodes.integrity,
  Interrupted: exitCodes.interrupted,
};

export function exitCodeOfError(code: ErrorCode): ExitCode {
  return codeOfError[code];
}

/** Incomplete evidence outranks deviations: what was not seen may be worse than what was. */
export function exitCodeOfNights(
  nights: readonly { counts: StatusCounts; not_collected: readonly unknown[] }[],
): ExitCode {
  if (nights.some(({ counts, not_collected }) => counts.error > 0 || not_collected.length > 0)) {
    return exitCodes.incomplete;
  }
  return nights.some(({ counts }) => counts.fail > 0) ? exitCodes.deviations : exitCodes.complete;
}
