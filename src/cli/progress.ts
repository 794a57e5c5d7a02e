import type { Progress } from '../collect/collect.ts';
import type { Log } from './log.ts';
import { plural, type Terminal } from './terminal.ts';

const redrawEveryMs = 100;

/** One live line for each source on a terminal; nothing anywhere else. */
export class ProgressLines {
  readonly #terminal: Terminal;
  readonly #sources = new Map<string, Progress>();
  #said = '';
  #drawn = 0;
  #drawnAt = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  update(progress: Progress): void {
    if (!this.#terminal.interactive) return;
    this.#sources.set(progress.source, progress);
    const now = performance.now();
    const done = progress.slices.done === progress.slices.all;
    const waits = progress.waiting !== undefined;
    if (!done && !waits && now - this.#drawnAt < redrawEveryMs) return;
    this.#drawnAt = now;
    this.#draw();
  }

  /** A line above the others: what is being done now. */
  say(text: string): void {
    this.#said = text;
    this.#sources.clear();
  }

  /** Takes the lines away again; what matters is in the summary. */
  clear(): void {
    if (this.#drawn > 0) process.stderr.write(`\u001b[${this.#drawn}A\u001b[J`);
    this.#drawn = 0;
  }

  #draw(): void {
    this.clear();
    const lines = [...this.#sources.values()].map(
      ({ source, slices, records, waiting }) =>
        `${source}: ${slices.done} of ${plural(slices.all, 'slice')}, ${plural(records, 'record')}${waiting === undefined ? '' : `; ${waiting.why}: waiting ${formatWait(waiting.milliseconds)}`}`,
    );
    for (const line of this.#said === '' ? lines : [this.#said, ...lines]) {
      process.stderr.write(`${line.slice(0, this.#terminal.width - 1)}\n`);
      this.#drawn += 1;
    }
  }
}

/** One line that says how far something is, on a terminal; nothing anywhere else. */
export class LiveLine {
  readonly #terminal: Terminal;
  #drawnAt = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(text: string): void {
    if (!this.#terminal.interactive) return;
    const now = performance.now();
    if (now - this.#drawnAt < redrawEveryMs) return;
    this.#drawnAt = now;
    process.stderr.write(`\r\u001b[K${text.slice(0, this.#terminal.width - 1)}`);
  }

  /** Takes the line away again. */
  clear(): void {
    if (this.#drawnAt > 0) process.stderr.write('\r\u001b[K');
  }
}

function formatWait(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1_000);
  return seconds < 120 ? plural(seconds, 'second') : plural(Math.ceil(seconds / 60), 'minute');
}

/** Tells the log of pauses that sources ask for: each once, however many requests wait. */
export class Waits {
  readonly #until = new Map<string, number>();

  tell({ source, waiting }: Progress, log: Log): void {
    if (waiting === undefined) return;
    const now = performance.now();
    if (now < (this.#until.get(source) ?? 0)) return;
    this.#until.set(source, now + waiting.milliseconds);
    const seconds = Math.ceil(waiting.milliseconds / 1_000);
    log.warn({ source, seconds, why: waiting.why }, 'waiting');
  }
}
