/** Files that are written into a new folder, piece by piece. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TickmarkError } from '../evidence/errors.ts';
import { compareText } from '../evidence/json.ts';

type Piece = string | Uint8Array;
type Whole = Piece | Iterable<Piece> | AsyncIterable<Piece>;

/** What a file is made of. */
export type Content = Whole | Promise<Whole>;

/** So many characters or bytes are gathered before they are written. */
const gathered = 256 * 1024;

/** So many characters of lines that are to be appended are held at most. */
const mostHeld = 8 * 1024 * 1024;

/** A folder under way. Paths are relative to it, with `/`. */
export class NewFolder {
  readonly path: string;
  readonly #signal: AbortSignal;
  readonly #made = new Set<string>();
  readonly #held = new Map<string, string[]>();
  #heldCharacters = 0;

  constructor(path: string, signal: AbortSignal) {
    this.path = path;
    this.#signal = signal;
  }

  /** @throws Error where there is such a file already; TickmarkError Interrupted */
  async write(file: string, content: Content, mode = 0o644): Promise<void> {
    const handle = await open(await this.#place(file), 'wx', mode);
    try {
      let held: Buffer[] = [];
      let bytes = 0;
      const flush = async () => {
        if (held.length > 0) await handle.writeFile(Buffer.concat(held));
        held = [];
        bytes = 0;
      };
      for await (const piece of piecesOf(content)) {
        this.#assertGoingOn();
        const next = Buffer.from(piece);
        held.push(next);
        bytes += next.length;
        if (bytes > gathered) await flush();
      }
      await flush();
    } finally {
      await handle.close();
    }
  }

  /** Adds to the end of a file; it stands there after `flush`. */
  async append(file: string, text: string): Promise<void> {
    const held = this.#held.get(file);
    if (held === undefined) this.#held.set(file, [text]);
    else held.push(text);
    this.#heldCharacters += text.length;
    if (this.#heldCharacters > mostHeld) await this.flush();
  }

  async flush(): Promise<void> {
    for (const [file, texts] of this.#held) {
      await appendFile(await this.#place(file), texts.join(''), { mode: 0o644 });
    }
    this.#held.clear();
    this.#heldCharacters = 0;
  }

  /** The paths of all files, in order of code units. */
  async files(): Promise<string[]> {
    const found: string[] = [];
    const look = async (under: string) => {
      const entries = await readdir(join(this.path, under), { withFileTypes: true });
      for (const entry of entries) {
        const file = under === '' ? entry.name : `${under}/${entry.name}`;
        if (entry.isDirectory()) await look(file);
        else found.push(file);
      }
    };
    await look('');
    return found.sort(compareText);
  }

  /** SHA-256 of a file, and its size. */
  async digest(file: string): Promise<{ digest: string; bytes: number }> {
    this.#assertGoingOn();
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const part of createReadStream(join(this.path, file))) {
      hash.update(part as Buffer);
      bytes += (part as Buffer).length;
    }
    return { digest: hash.digest('hex'), bytes };
  }

  async #place(file: string): Promise<string> {
    this.#assertGoingOn();
    const place = join(this.path, file);
    const folder = dirname(place);
    if (!this.#made.has(folder)) await mkdir(folder, { recursive: true });
    this.#made.add(folder);
    return place;
  }

  #assertGoingOn(): void {
    if (this.#signal.aborted) throw new TickmarkError('Interrupted', 'no archive was written');
  }
}

async function* piecesOf(content: Content): AsyncGenerator<Piece> {
  const whole = await content;
  if (typeof whole === 'string' || whole instanceof Uint8Array) yield whole;
  else yield* whole;
}
