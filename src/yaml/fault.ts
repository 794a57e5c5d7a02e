import { TickmarkError } from '../evidence/errors.ts';

export type FaultCode =
  /** Not YAML, or YAML that is refused (alias bombs, several documents). */
  | 'Syntax'
  | 'DuplicateKey'
  | 'UnknownKey'
  | 'MissingKey'
  | 'WrongType'
  | 'WrongValue'
  /** A CEL expression does not compile. */
  | 'Expression';

/** One thing that is wrong in a file, and where. */
export interface Fault {
  file: string;
  /** From 1. */
  line: number;
  /** From 1, in characters (UTF-16 code units). */
  column: number;
  /** `sources[0].with.regions`; empty for the file as a whole. */
  path: string;
  /** What was expected and what was found. */
  message: string;
  code: FaultCode;
  /** The source line with a caret below the fault, where that helps. */
  excerpt?: string;
}

/** `file:line:column path: message`, and the excerpt below it. */
export function formatFault(fault: Fault): string {
  const place = `${fault.file}:${fault.line}:${fault.column}`;
  const path = fault.path === '' ? '' : ` ${fault.path}`;
  const excerpt = fault.excerpt === undefined ? '' : `\n${fault.excerpt}`;
  return `${place}${path}: ${fault.message}${excerpt}`;
}

/** Every fault of one or more files at once. */
export class FaultError extends TickmarkError {
  readonly faults: readonly Fault[];

  constructor(code: 'InvalidConfiguration' | 'InvalidControl', faults: readonly Fault[]) {
    super(code, faults.map(formatFault).join('\n'));
    this.name = 'FaultError';
    this.faults = faults;
  }
}
