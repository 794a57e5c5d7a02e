/**
 * Recordings to answer from: a folder of one run's exchanges, or a file of dated ones that answers
 * for many nights (docs/formats/exchanges.md).
 */
import { readFile, stat } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import type { Clock } from '../evidence/clock.ts';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import type { Json, JsonObject } from '../evidence/json.ts';
import {
  answerOf,
  type ExchangeKey,
  exchangeShape,
  keyText,
  type Recording,
  replayMissing,
  replayWire,
  type Wire,
} from './wire.ts';

/** A file of exchanges may not unfold to more than this. */
const mostBytes = 256 * 1024 * 1024;

const day = z.iso.date();
const datedSchema = z.strictObject({
  format: z.literal('tickmark-dated-exchange/1'),
  /** The first and the last day (UTC) of which this is the answer. */
  from: day,
  until: day,
  ...exchangeShape,
});
/** An exchange of a file: its `input` has times relative to the night that asks. */
export type DatedExchange = z.infer<typeof datedSchema>;

/**
 * Opens what `--replay` names.
 * @throws TickmarkError NotFound, InvalidConfiguration
 */
export async function openRecording(place: string): Promise<Recording> {
  const found = await stat(place).catch(() => undefined);
  if (!found?.isFile()) {
    // Its answers are given once each: they are for one run.
    const wire = await replayWire(place);
    return { at: () => wire };
  }
  return new DatedRecording(place, parseLines(await readFile(place), place));
}

/**
 * Answers each question as it was answered on the day of the run's clock. A question that was not
 * asked on that day has no answer, whatever was answered on others.
 */
export class DatedRecording implements Recording {
  /** By turn and question. */
  readonly #answers = new Map<string, DatedExchange[]>();

  /** @throws TickmarkError InvalidConfiguration where one day has two answers to one question */
  constructor(place: string, exchanges: Iterable<DatedExchange>) {
    for (const exchange of exchanges) {
      const { turn, from, until } = exchange;
      const question = `${turn} ${keyText(exchange)}`;
      const others = this.#answers.get(question) ?? [];
      if (others.some((other) => other.from <= until && from <= other.until)) {
        throw new TickmarkError(
          'InvalidConfiguration',
          `${place} answers one question twice on ${from} (${question}): two recordings are mixed in it; record again`,
        );
      }
      this.#answers.set(question, [...others, exchange]);
    }
  }

  at(clock: Clock): Wire {
    const begun = clock.now();
    const today = dayOf(begun);
    const asked = new Map<string, number>();
    return {
      replaying: true,
      send: async (key) => {
        const question = keyText(questionAt(key, begun));
        const turn = (asked.get(question) ?? 0) + 1;
        asked.set(question, turn);
        const found = this.#answers
          .get(`${turn} ${question}`)
          ?.find(({ from, until }) => from <= today && today <= until);
        if (found === undefined) throw replayMissing(key, `has no recorded answer for ${today}`);
        const { headers, ...answer } = answerOf(found);
        // One answer stands for many nights: the date is the night's own.
        return { ...answer, headers: { ...headers, date: clock.now().toUTCString() } };
      },
    };
  }
}

function parseLines(stored: Buffer, place: string): DatedExchange[] {
  const lines = unfold(stored, place).toString('utf8').split('\n');
  return lines.flatMap((line, index) => {
    if (line === '') return [];
    const parsed = datedSchema.safeParse(parseJson(line));
    if (parsed.success) return [parsed.data];
    throw new TickmarkError(
      'InvalidConfiguration',
      `${place}, line ${index + 1}, is no dated exchange: ${z.prettifyError(parsed.error)}`,
    );
  });
}

function unfold(stored: Buffer, place: string): Buffer {
  const isGzip = stored[0] === 0x1f && stored[1] === 0x8b;
  if (!isGzip) return stored;
  try {
    return gunzipSync(stored, { maxOutputLength: mostBytes });
  } catch (cause) {
    throw new TickmarkError(
      'InvalidConfiguration',
      `${place} cannot be unfolded (${messageOf(cause)}); take it from a copy, or record again`,
      { cause },
    );
  }
}

/** Undefined for what is no JSON, which the schema refuses. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** A question as a file has it: the same on each night that asks from as far back. */
export function questionAt(key: ExchangeKey, begun: Date): ExchangeKey {
  return { ...key, input: relativeTo(key.input, begun) };
}

function relativeTo(input: JsonObject, begun: Date): JsonObject {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, relativeValue(value, begun)]),
  );
}

const dayOrTime = /\b\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?Z)?/g;
const dayMs = 86_400_000;

/** `2025-03-01` asked on 2025-03-05 is `{day-4}`; a time is so many milliseconds from the clock. */
function relativeValue(value: Json, begun: Date): Json {
  if (typeof value === 'string') {
    return value.replace(dayOrTime, (text) => {
      const at = Date.parse(text);
      if (Number.isNaN(at)) return text;
      const isDay = text.length === 10;
      const from = isDay ? Date.parse(dayOf(begun)) : begun.getTime();
      const distance = (at - from) / (isDay ? dayMs : 1);
      const sign = distance < 0 ? '-' : '+';
      return `{${isDay ? 'day' : 'now'}${sign}${Math.abs(distance)}${isDay ? '' : 'ms'}}`;
    });
  }
  if (Array.isArray(value)) return value.map((each) => relativeValue(each, begun));
  return value !== null && typeof value === 'object' ? relativeTo(value, begun) : value;
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
