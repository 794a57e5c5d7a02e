import type { Recording } from '../providers/wire.ts';
import type { Terminal } from './terminal.ts';

/** The world outside, as a command is given it. */
export interface CommandIo {
  terminal: Terminal;
  env: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

/** Options of every command that reads the configuration. */
export interface ProjectOptions {
  config: string;
  store?: string;
}

/** Options of every command that collects. */
export interface CollectOptions extends ProjectOptions {
  json?: boolean;
  /** RFC 3339; the clock is simulated from there. */
  clock?: string;
  record?: string;
  /** A folder or a file of recorded exchanges, or what was read from one. */
  replay?: string | Recording;
  /** Seconds for one slice. */
  deadline: number;
}
