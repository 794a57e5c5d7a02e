/**
 * The objects that manifests name: each is read once and held against its name, and what is wrong
 * with it is said once, with every bundle that needs it.
 */
import { promisify } from 'node:util';
import { crc32, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { TickmarkError } from '../evidence/errors.ts';
import { sha256 } from '../evidence/json.ts';
import type { Backend } from '../store/backend.ts';
import { objectKey } from '../store/objects.ts';
import { breakOf, type Finding, type FindingCode } from './finding.ts';

/** So many files are read at once: each waits for a disk or a network. */
const readsAtOnce = 32;

/** An object unfolds to no more than this. */
const mostBytes = 64 * 1024 * 1024;

/** What is smaller is unfolded at once: handing it to another thread costs more. */
const smallBytes = 64 * 1024;

/**
 * The ten bytes before the compressed data as Tickmark writes them (RFC 1952, 2.3): no flags, no
 * time, the most compression. The tenth names the operating system, and zlib knows these three.
 */
const head = Buffer.from('1f8b08000000000002', 'hex');
const operatingSystems = [3, 10, 19];
const tailLength = 8;

/** An object that cannot be had. What is wrong with it is told by `findings`. */
export class BrokenObject extends TickmarkError {
  readonly digest: string;

  constructor(digest: string) {
    super('IntegrityBroken', `object ${digest} cannot be read`);
    this.digest = digest;
  }
}

interface Fault {
  code: FindingCode;
  message: string;
  bundles: Set<number>;
}

interface Loaded {
  /** As the store has it. */
  stored: Uint8Array;
  content: Buffer;
}

/** Reads objects for one verification, and remembers of each only whether it is sound. */
export class ObjectReader {
  /** The store for readers of lists: it gives sound objects, throws BrokenObject, writes nothing. */
  readonly backend: Backend;
  /** Sizes as stored. */
  bytesRead = 0;
  readonly #store: Pick<Backend, 'location' | 'read' | 'list' | 'entries'>;
  /** Digests, each by itself: the text that all others of the same are replaced by. */
  readonly #sound = new Map<string, string>();
  readonly #faults = new Map<string, Fault>();
  readonly #loading = new Map<string, Promise<Loaded>>();
  readonly #waiting: (() => void)[] = [];
  #reading = 0;
  readonly #onRead: () => void;

  /** @param onRead called for each file; it may throw to stop. */
  constructor(
    store: Pick<Backend, 'location' | 'read' | 'list' | 'entries'>,
    onRead: () => void = () => {},
  ) {
    this.#store = store;
    this.#onRead = onRead;
    const refuse = async (): Promise<never> => {
      throw new TickmarkError('StoreUnavailable', 'a verification writes nothing');
    };
    this.backend = {
      location: store.location,
      read: async (key) => {
        const digest = digestOf(key);
        return digest === undefined ? this.file(key) : (await this.#load(digest)).stored;
      },
      list: (prefix) => store.list(prefix),
      entries: (prefix) => store.entries(prefix),
      create: refuse,
      renew: refuse,
      remove: refuse,
    };
  }

  /** How many objects were read and found sound. */
  get count(): number {
    return this.#sound.size;
  }

  /** Any file of the store, as few at once as all others. */
  async file(key: string): Promise<Uint8Array | undefined> {
    if (this.#reading >= readsAtOnce) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#reading += 1;
    try {
      this.#onRead();
      return await this.#store.read(key);
    } finally {
      // The place is handed on.
      const next = this.#waiting.shift();
      if (next === undefined) this.#reading -= 1;
      else next();
    }
  }

  /** What an object holds. @throws BrokenObject */
  async read(digest: string): Promise<Buffer> {
    return (await this.#load(digest)).content;
  }

  /** Looks at an object that only has to be there and sound. @throws BrokenObject */
  async check(digest: string): Promise<void> {
    if (this.#sound.has(digest)) return;
    await this.read(digest);
  }

  /** Looks at several; those that are broken are told of by `isBroken`. @returns them, shared. */
  async checkAll(digests: readonly string[]): Promise<string[]> {
    await Promise.all(
      digests.map(async (digest) => {
        try {
          await this.check(digest);
        } catch (error) {
          if (!(error instanceof BrokenObject)) throw error;
        }
      }),
    );
    return digests.map((digest) => this.shared(digest));
  }

  isBroken(digest: string): boolean {
    return this.#faults.has(digest);
  }

  /** Whether any manifest was seen to name it. */
  isNamed(digest: string): boolean {
    return this.#sound.has(digest) || this.#faults.has(digest);
  }

  /** The same text in one piece of memory, however many lists hold it. */
  shared(digest: string): string {
    return this.#sound.get(digest) ?? digest;
  }

  /** Takes note that a bundle needs an object that is broken. */
  blame(digest: string, sequence: number): void {
    this.#faults.get(digest)?.bundles.add(sequence);
  }

  /** Runs `work`, and blames what it needs and cannot have. @returns undefined in that case. */
  async needed<T>(sequence: number, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BrokenObject)) throw error;
      this.blame(error.digest, sequence);
      return undefined;
    }
  }

  *findings(): Generator<Finding> {
    for (const [digest, { code, message, bundles }] of this.#faults) {
      yield breakOf(
        code,
        objectKey(digest),
        [...bundles].sort((a, b) => a - b),
        message,
      );
    }
  }

  /** Who asks while it is being read gets the same answer. @throws BrokenObject */
  #load(digest: string): Promise<Loaded> {
    const under = this.#loading.get(digest);
    if (under !== undefined) return under;
    const loading = this.#loadNow(digest).finally(() => this.#loading.delete(digest));
    this.#loading.set(digest, loading);
    return loading;
  }

  async #loadNow(digest: string): Promise<Loaded> {
    if (this.#faults.has(digest)) throw new BrokenObject(digest);
    const key = objectKey(digest);
    let stored: Uint8Array | undefined;
    try {
      stored = await this.file(key);
    } catch (error) {
      if (!(error instanceof TickmarkError) || error.code !== 'IntegrityBroken') throw error;
      throw this.#broken(digest, 'ObjectDamaged', error.message);
    }
    if (stored === undefined) {
      const message = `${key} is missing: evidence was lost or removed; restore it from a copy`;
      throw this.#broken(digest, 'ObjectMissing', message);
    }
    this.bytesRead += stored.length;
    const content = await unpack(stored);
    if (content === undefined || sha256(content) !== digest) {
      const message = `${key} is not what its name says: it was changed or damaged; restore it from a copy`;
      throw this.#broken(digest, 'ObjectDamaged', message);
    }
    if (!this.#sound.has(digest)) this.#sound.set(digest, digest);
    return { stored, content };
  }

  #broken(digest: string, code: FindingCode, message: string): BrokenObject {
    if (!this.#faults.has(digest)) this.#faults.set(digest, { code, message, bundles: new Set() });
    return new BrokenObject(digest);
  }
}

/** The digest that an object's key names; undefined for any other key. */
export function digestOf(key: string): string | undefined {
  const digest = /^objects\/[0-9a-f]{2}\/([0-9a-f]{64})\.gz$/.exec(key)?.[1];
  return digest !== undefined && objectKey(digest) === key ? digest : undefined;
}

/**
 * The content of an object's file: exactly one gzip member as Tickmark writes it, with nothing
 * before or behind it. The name pins the content, so every change of content is found. What is left
 * free changes no content: the byte that names the operating system among three, and what DEFLATE
 * (RFC 1951) leaves open, as the bits behind the last code, or which of two equal texts is repeated.
 * To pin those would be to pin one build of zlib.
 * @returns undefined where it is anything else, or unfolds to more than any object has.
 */
async function unpack(stored: Uint8Array): Promise<Buffer | undefined> {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  const start = head.length + 1;
  const end = bytes.length - tailLength;
  if (end <= start || !bytes.subarray(0, head.length).equals(head)) return undefined;
  if (!operatingSystems.includes(bytes[head.length] as number)) return undefined;
  const body = bytes.subarray(start, end);
  const unfolded = await inflate(body);
  if (unfolded === undefined || unfolded.engine.bytesWritten !== body.length) return undefined;
  const content = unfolded.buffer;
  const isWhole =
    bytes.readUInt32LE(end) === crc32(content) && bytes.readUInt32LE(end + 4) === content.length;
  return isWhole ? content : undefined;
}

/** What zlib gives with the option `info`, which its types do not tell. */
interface Unfolded {
  buffer: Buffer;
  /** `bytesWritten`: how much of the input was taken. */
  engine: { bytesWritten: number };
}

const inflateLater = promisify<Buffer, ZlibOptions, unknown>(inflateRaw);

async function inflate(body: Buffer): Promise<Unfolded | undefined> {
  const options: ZlibOptions = { maxOutputLength: mostBytes, info: true };
  try {
    const unfolded =
      body.length > smallBytes ? await inflateLater(body, options) : inflateRawSync(body, options);
    return unfolded as unknown as Unfolded;
  } catch {
    return undefined;
  }
}
