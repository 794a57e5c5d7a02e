/**
 * Where bytes live. Two verbs write nothing twice: a key is created once, whole and durable, or
 * not at all. Every backend passes test/store/backend-suite.ts.
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
}
