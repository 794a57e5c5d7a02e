import type { Progress } from '../collect/collect.ts';
import { plural, type Terminal } from './terminal.ts';

const redrawEveryMs = 100;

/** One live line for each source on a terminal; nothing anywhere else. */
export class ProgressLines {
  readonly #terminal: Terminal;
  readonly #sources = new Map<string, Progress>();
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
    if (!done && now - this.#drawnAt < redrawEveryMs) return;
    this.#drawnAt = now;
    this.#draw();
  }

  /** Takes the lines away again; what matters is in the summary. */
  clear(): void {
    if (this.#drawn > 0) process.stderr.write(`\u001b[${this.#drawn}A\u001b[J`);
    this.#drawn = 0;
  }

  #draw(): void {
    this.clear();
    for (const { source, slices, records } of this.#sources.values()) {
      const line = `${source}: ${slices.done} of ${plural(slices.all, 'slice')}, ${plural(records, 'record')}`;
      process.stderr.write(`${line.slice(0, this.#terminal.width - 1)}\n`);
      this.#drawn += 1;
    }
  }
}
