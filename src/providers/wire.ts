/**
 * The wire under every provider: a request goes out and an answer comes back, live, recorded to
 * a folder, or answered from one. An exchange is one file, `<service>.<Operation>_<n>.json`
 * (docs/formats/exchanges.md), so that a person can read, mend and diff it.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../evidence/clock.ts';
import { TickmarkError } from '../evidence/errors.ts';
import { canonicalJson, type Json, type JsonObject } from '../evidence/json.ts';
import { maskSecrets, maskText } from '../evidence/mask.ts';
import { CollectError } from '../plugin.ts';

/** What identifies a request: the same question has the same key on every night. */
export interface ExchangeKey {
  service: string;
  operation: string;
  /** Whose credentials: `default`, a profile, a role's ARN, a base address. */
  connection: string;
  region: string;
  input: JsonObject;
}

export interface WireAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Uint8Array;
}

export interface Wire {
  /** True where no credentials are needed, since nothing leaves the machine. */
  readonly replaying: boolean;
  send(key: ExchangeKey, live: () => Promise<WireAnswer>): Promise<WireAnswer>;
}

export const liveWire: Wire = { replaying: false, send: (_key, live) => live() };

/** Exchanges that were recorded; each run answers from them anew. */
export interface Recording {
  /** The wire of a run that goes by this clock. */
  at(clock: Clock): Wire;
}

/** What a recorded exchange says, whatever file it stands in. */
export const exchangeShape = {
  service: z.string(),
  operation: z.string(),
  connection: z.string(),
  region: z.string(),
  input: z.record(z.string(), z.json()),
  /** Place among the answers to the same question, from 1: a poll, or an attempt after a failure. */
  turn: z.int().positive(),
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.union([z.strictObject({ text: z.string() }), z.strictObject({ base64: z.string() })]),
};
const exchangeSchema = z.strictObject({
  format: z.literal('tickmark-exchange/1'),
  ...exchangeShape,
});
export type Exchange = z.infer<typeof exchangeSchema>;

/** Headers that say something about the answer; the rest is transport, or may identify people. */
const keptHeaders =
  /^(content-type|date|link|retry-after|etag|x-amzn?-?request-?id|x-amz-id-2|x-amz-bucket-region|x-amzn-errortype|x-github-request-id|x-ratelimit-.*)$/;

/**
 * Credentials in the answers that give some (AssumeRole, an App's installation): clients need them
 * there, nobody else does.
 */
const givenCredentials = [
  /(<(?:AccessKeyId|SecretAccessKey|SessionToken)>)[^<]*(?=<)/g,
  /("token"\s*:\s*")gh[^"]*(?=")/g,
];

/** Sends live, and writes each exchange to a folder with secrets masked. */
export async function recordingWire(directory: string): Promise<Wire> {
  const before = await readdir(directory).catch(() => []);
  if (before.length > 0) {
    throw new TickmarkError(
      'Usage',
      `${directory} is not empty: two recordings in one folder would answer for each other; name another with --record`,
    );
  }
  const turns = new Map<string, number>();
  const files = new Map<string, number>();
  return {
    replaying: false,
    async send(key, live) {
      const answer = await live();
      const name = safeName(`${key.service}.${key.operation}`);
      const file = (files.get(name) ?? 0) + 1;
      files.set(name, file);
      const question = keyText(key);
      const turn = (turns.get(question) ?? 0) + 1;
      turns.set(question, turn);
      const exchange: Exchange = {
        format: 'tickmark-exchange/1',
        ...key,
        input: maskSecrets(key.input, new Set()) as JsonObject,
        turn,
        status: answer.status,
        headers: Object.fromEntries(
          Object.entries(answer.headers).filter(([header]) => keptHeaders.test(header)),
        ),
        body: bodyToText(answer.body),
      };
      const path = join(directory, safeName(key.connection), `${name}_${file}.json`);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `${JSON.stringify(exchange, null, 2)}\n`, { mode: 0o600 });
      return answer;
    },
  };
}

/**
 * Answers from recorded exchanges, each once and in its turn. What was not recorded is an error,
 * never an empty answer.
 */
export async function replayWire(directory: string): Promise<Wire> {
  const answers = new Map<string, Exchange[]>();
  for (const path of await jsonFilesBelow(directory)) {
    const exchange = parseExchange(await readFile(path, 'utf8'), path);
    const question = keyText(exchange);
    answers.set(question, [...(answers.get(question) ?? []), exchange]);
  }
  if (answers.size === 0) {
    throw new TickmarkError(
      'NotFound',
      `${directory} holds no recorded exchanges (*.json); record some with --record DIR`,
    );
  }
  for (const [question, turns] of answers) {
    turns.sort((a, b) => a.turn - b.turn);
    if (turns.some(({ turn }, index) => turns[index - 1]?.turn === turn)) {
      throw new TickmarkError(
        'InvalidConfiguration',
        `${directory} answers one question twice (${question}): two recordings are mixed in it; record again`,
      );
    }
  }
  const asked = new Map<string, number>();
  return {
    replaying: true,
    async send(key) {
      const question = keyText(key);
      const turn = (asked.get(question) ?? 0) + 1;
      asked.set(question, turn);
      const exchange = answers.get(question)?.shift();
      // A later answer does not stand for one that was taken away.
      if (exchange?.turn !== turn) throw replayMissing(key, 'has no recorded answer left');
      return answerOf(exchange);
    },
  };
}

export function replayMissing(key: ExchangeKey, why: string): CollectError {
  return new CollectError(
    'ReplayMissing',
    `${key.service}:${key.operation} ${canonicalJson(key.input)} (${key.connection}, ${key.region}) ${why}; record it again with --record`,
  );
}

export function answerOf({
  status,
  headers,
  body,
}: Pick<Exchange, 'status' | 'headers' | 'body'>): WireAnswer {
  const bytes =
    'text' in body ? Buffer.from(body.text, 'utf8') : Buffer.from(body.base64, 'base64');
  return { status, headers, body: bytes };
}

function parseExchange(text: string, path: string): Exchange {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TickmarkError('InvalidConfiguration', `${path} is not JSON`, { cause });
  }
  const parsed = exchangeSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TickmarkError(
    'InvalidConfiguration',
    `${path} is not a recorded exchange: ${z.prettifyError(parsed.error)}`,
  );
}

async function jsonFilesBelow(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory, { recursive: true });
    return names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(directory, name));
  } catch (cause) {
    throw new TickmarkError(
      'NotFound',
      `${directory} cannot be read; --replay takes a folder of recorded exchanges, or a file of dated ones`,
      { cause },
    );
  }
}

/** What was asked, as one line of text. */
export function keyText({ service, operation, connection, region, input }: ExchangeKey): string {
  return canonicalJson({ service, operation, connection, region, input });
}

function bodyToText(body: Uint8Array): Exchange['body'] {
  const text = Buffer.from(body).toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(body))
    return { base64: Buffer.from(body).toString('base64') };
  const masked = givenCredentials.reduce((all, given) => all.replace(given, '$1MASKED'), text);
  return { text: maskText(masked, new Set()) };
}

function safeName(connection: string): string {
  return connection.replace(/[^A-Za-z0-9._-]+/g, '-');
}

/** A plain JSON copy of an API's object: dates as RFC 3339, bytes as base64, no undefined. */
export function toJson(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : toJson(item)));
  if (typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value)
        // `$metadata` is the SDK's: the request's id and its attempts, which the trace has.
        .filter(
          ([key, item]) => key !== '$metadata' && item !== undefined && typeof item !== 'function',
        )
        .map(([key, item]) => [key, toJson(item)]),
    );
  }
  return null;
}
