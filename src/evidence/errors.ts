/**
 * Every failure that a person meets has a class, a `code` from the union below and a
 * message that says what to do next. Tests assert the code; people read the message.
 */
export type ErrorCode =
  /** The command line or an argument is wrong. Exit 2. */
  | 'Usage'
  /** tickmark.yaml, a control file or a plugin is wrong. Exit 2. */
  | 'InvalidConfiguration'
  | 'InvalidControl'
  | 'InvalidPlugin'
  /** There is no such run, control, dataset … Exit 2. */
  | 'NotFound'
  /** The store cannot be read or written. Exit 3: the night's evidence is not kept. */
  | 'StoreUnavailable'
  /** An object or manifest is not what its digest or format says. Exit 4. */
  | 'IntegrityBroken'
  /** The run was cancelled. Exit 130. */
  | 'Interrupted';

/** A failure of the program's own making, with a stable code. */
export class TickmarkError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TickmarkError';
    this.code = code;
  }
}

/** What went wrong as one line of text, whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
