/** Applies waivers to results: a `fail` under a waiver in force becomes `waived`. Pure. */
import { coverage, standingOn, type Waiver } from '../controls/waivers.ts';
import { dayIn } from '../evidence/days.ts';
import type { Judged, Result } from '../evidence/result.ts';

/** What decides about waivers, beside the results. */
export interface Waiving {
  /** The whole file, in its order. */
  waivers: readonly Waiver[];
  /** IANA time zone in which their days begin and end. */
  timezone: string;
}

/** The results, with each `fail` under a waiver that is in force on the day of `asOf` waived. */
export function* applyWaivers(
  results: Iterable<Judged>,
  { waivers, timezone }: Waiving,
  asOf: Date,
): Generator<Judged> {
  const inForce = waiversInForce(waivers, timezone, asOf);
  for (const result of results) {
    const waiver = result.status === 'fail' ? inForce(result) : undefined;
    yield waiver === undefined
      ? result
      : { ...result, status: 'waived', reason: sentence(waiver, result.reason) };
  }
}

/** The first waiver in the file that covers a result. */
function waiversInForce(
  waivers: readonly Waiver[],
  timezone: string,
  asOf: Date,
): (result: Result) => Waiver | undefined {
  // Without waivers nobody asks for the day, nor whether this machine knows the zone.
  if (waivers.length === 0) return () => undefined;
  const day = dayIn(asOf, timezone);
  const byTest = new Map<string, { waiver: Waiver; covers: (result: Result) => boolean }[]>();
  for (const waiver of waivers) {
    if (standingOn(waiver, day) !== 'in force') continue;
    const known = byTest.get(waiver.test) ?? [];
    known.push({ waiver, covers: coverage(waiver) });
    byTest.set(waiver.test, known);
  }
  return (result) => byTest.get(result.test)?.find(({ covers }) => covers(result))?.waiver;
}

/** Who accepted it, until when and why, and then the fact that was accepted. */
function sentence({ until, approver, ticket, reason }: Waiver, fact: string): string {
  const where = ticket === undefined ? '' : ` (${inOneLine(ticket)})`;
  return `waived until ${until} by ${inOneLine(approver)}${where}: ${inOneLine(reason)}; ${fact}`;
}

function inOneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
