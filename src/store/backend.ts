/**
 * Where bytes live. Nothing is written twice: a key is created once, whole and durable, or not at
 * all. Every backend passes test/store/backend-suite.ts.
 */
export interface Backend {
  /** How a person names the place. */
  readonly location: string;
  /**
   * Creates `key`. Once it is answered the bytes survive a power cut.
   * @returns false when the key exists already; its bytes are untouched.
   * @throws TickmarkError StoreUnavailable
   */
  create(key: string, bytes: Uint8Array): Promise<boolean>;
  /** @returns undefined when there is no such key. @throws TickmarkError StoreUnavailable */
  read(key: string): Promise<Uint8Array | undefined>;
  /** Keys directly below `prefix` (a folder, without slash), in order of code units. */
  list(prefix: string): Promise<string[]>;
  /** Every key below `prefix`, however deep, and what killed writers left there. In no order. */
  entries(prefix: string): AsyncGenerator<Entry>;
  /**
   * Lets a key that exists count as written now, so that no cleaning takes it for a leftover.
   * @param bytes the key's own bytes, for backends that can only write them again.
   */
  renew(key: string, bytes: Uint8Array): Promise<void>;
  /** Removes a leftover. @throws TickmarkError StoreUnavailable, when it is held by a retention too */
  remove(key: string): Promise<void>;
}

/** What lies in a backend, named or not. */
export interface Entry {
  key: string;
  /** Size as stored. */
  bytes: number;
  /** When it was written, by the backend's clock. */
  modified: Date;
  /** Left by a writer that was killed; it is never read. */
  temporary: boolean;
}
