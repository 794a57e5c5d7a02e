/** Answers of an earlier night that a service may confirm instead of sending them again. */
export interface KnownAnswers {
  find(question: string): Promise<KnownAnswer | undefined>;
  keep(question: string, answer: Omit<KnownAnswer, 'digest'>): Promise<void>;
}

/** An answer to a GET (RFC 9110, 13.1.2: If-None-Match). */
export interface KnownAnswer {
  etag: string;
  /** The Link header, which a 304 need not repeat. */
  link?: string | undefined;
  body: Uint8Array;
  /** SHA-256 of the body. */
  digest: string;
}
