/** What calls leave behind when a night asks the same again: ids, times and page tokens are new. */
import type { Call, Slice } from '../src/evidence/slice.ts';
import { below, oneOf, type Random } from './random.ts';

/** Buckets of one dataset that are asked side by side, as collectors/aws/read-each.ts does. */
const bucketsAtOnce = 32;

const base36 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** Parameters that hold a page token; what AWS puts into them is its own and new each time. */
const pageTokens = ['Marker', 'NextToken', 'ContinuationToken'];
const tokenLength = 128;

/** A night's slices and the calls made while connecting, by source. */
export interface Asked {
  slices: Slice[];
  connects: Map<string, Call[]>;
  finishedAt: Date;
}

/**
 * The same calls as in `first`, made from `start` on: as long as those took, as many side by side.
 * A call that several slices share stays one call.
 */
export function askedAgain(
  first: Pick<Asked, 'slices' | 'connects'>,
  start: Date,
  random: Random,
): Asked {
  const made = new Map<string, Call>();
  let end = start.getTime();
  const renew = (calls: readonly Call[], from: number): Call[] => {
    const due = calls
      .filter((call) => !made.has(nameOf(call)))
      .sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
    const took = due.map((call) => Date.parse(call.finished_at) - Date.parse(call.started_at));
    const atOnce = due.some(({ service }) => service === 's3') ? bucketsAtOnce : 1;
    const free: number[] = new Array(atOnce).fill(from);
    for (const call of due) {
      const place = free.indexOf(Math.min(...free));
      const started = (free[place] ?? from) + below(2, random);
      const finished = started + oneOf(took, random);
      free[place] = finished;
      end = Math.max(end, finished);
      made.set(nameOf(call), { ...call, ...receiptOf(call, started, finished, random) });
    }
    return calls.map((call) => made.get(nameOf(call)) ?? call);
  };
  const connects = new Map(
    [...first.connects].map(([source, calls]) => [source, renew(calls, start.getTime())]),
  );
  const connected = end;
  const slices = first.slices.map((slice) => ({ ...slice, calls: renew(slice.calls, connected) }));
  return { slices, connects, finishedAt: new Date(end) };
}

/** One call may stand in the traces of several slices: then its request id is the same as well. */
function nameOf({ id, request_id }: Call): string {
  return `${id} ${request_id}`;
}

function receiptOf(call: Call, started: number, finished: number, random: Random): Partial<Call> {
  const tokens = pageTokens
    .filter((name) => name in call.parameters)
    .map((name) => [name, textOf(base64, tokenLength, random)]);
  return {
    parameters: { ...call.parameters, ...Object.fromEntries(tokens) },
    request_id: requestId(call.service, random),
    server_date: new Date(finished).toUTCString(),
    started_at: new Date(started).toISOString(),
    finished_at: new Date(finished).toISOString(),
  };
}

/**
 * In the services' own forms: S3 gives sixteen digits and capitals, the others a UUID. moto gives 52
 * characters, and so much noise in twelve thousand calls would make every night three times as big.
 */
function requestId(service: string, random: Random): string {
  if (service.startsWith('s3')) return textOf(base36, 16, random);
  const variant = oneOf(['8', '9', 'a', 'b'], random);
  return textOf('0123456789abcdef', 30, random).replace(
    /^(.{8})(.{4})(.{3})(.{3})(.{12})$/,
    `$1-$2-4$3-${variant}$4-$5`,
  );
}

function textOf(alphabet: string, length: number, random: Random): string {
  let text = '';
  for (let at = 0; at < length; at += 1) text += alphabet[below(alphabet.length, random)];
  return text;
}
