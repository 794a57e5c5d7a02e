/** What formats of text say in the same words. */
import type { Severity } from '../controls/schema.ts';
import { coverage } from '../controls/waivers.ts';
import { isOpen } from '../period/deviations.ts';
import type { Bracket, Change, Deviation, Gap, WaiverReport } from '../period/report.ts';
import type { Report } from './model.ts';
import { plainText } from './plain.ts';

/** Text from outside as one line: breaks and tabs are spaces, what is no character is U+FFFD. */
export function legible(text: string): string {
  return plainText(text)
    .replace(/[\t\n\r\u2028\u2029]+/g, ' ')
    .replace(/\p{Noncharacter_Code_Point}/gu, '\u{fffd}');
}

/** `2026-01-31 04:05`, UTC. */
export function minute(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)}`;
}

/** `1 night`, `1,200 nights`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** `in 9 hours`, `3 days ago`; of a day its end counts. */
export function fromNow(time: string, now: string): string {
  const end = time.length === 10 ? Date.parse(`${time}T24:00:00Z`) : Date.parse(time);
  const minutes = Math.round((end - Date.parse(now)) / 60_000);
  const size = Math.abs(minutes);
  const words =
    size < 90
      ? plural(size, 'minute')
      : size < 48 * 60
        ? plural(Math.round(size / 60), 'hour')
        : plural(Math.round(size / (24 * 60)), 'day');
  return minutes < 0 ? `${words} ago` : `in ${words}`;
}

/**
 * `open`: seen to fail last, and not under a waiver. `event`: happened, and nothing mends it.
 * `waived`: under a waiver when last seen.
 */
export type Standing = 'open' | 'event' | 'waived' | 'closed';

export function standingOf(deviation: Deviation): Standing {
  if (deviation.kind === 'event') return deviation.waived === 'no' ? 'event' : 'waived';
  if (deviation.closed !== null) return 'closed';
  return isOpen(deviation) ? 'open' : 'waived';
}

/** The waivers that cover a deviation and were in force on a day that found it waived. */
export function waiversOf(
  { test, uid, name, scope, spans }: Deviation,
  waivers: readonly WaiverReport[],
): WaiverReport[] {
  const result = { test, resource: { uid, name, scope } };
  return waivers.filter(
    (waiver) =>
      coverage({ ...waiver, scope: waiver.scope ?? '*' })(result) &&
      spans.some(
        ({ status, from, to }) => status === 'waived' && from <= waiver.until && waiver.from <= to,
      ),
  );
}

const began: Record<Deviation['opened']['how'], string> = {
  failed: 'began to fail',
  created: 'was created so',
  'entered the population': 'entered the population',
  'first seen': 'was so when first seen',
  happened: 'happened',
  found: 'found',
};
const ended: Record<NonNullable<Deviation['closed']>['how'], string> = {
  mended: 'mended',
  deleted: 'deleted',
  'left the population': 'left the population',
};

/** Between which observations a deviation opened and closed, and what became of it. */
export function storyOf(deviation: Deviation): string {
  const { opened, closed, waived, recurrence } = deviation;
  const words = [`${began[opened.how]} ${when(opened)}`];
  if (closed !== null) words.push(`${ended[closed.how]} ${when(closed)}`);
  if (standingOf(deviation) === 'open') words.push(dueOf(deviation));
  if (waived !== 'no') words.push(waived === 'wholly' ? 'waived' : 'waived in part');
  if (recurrence > 0) words.push(`the same deviated ${plural(recurrence, 'time')} before`);
  return words.join('; ');
}

function when({ after, by }: Bracket): string {
  return after === null ? `${minute(by)} UTC` : `between ${minute(after)} and ${minute(by)} UTC`;
}

function dueOf({ remediation: { state, due } }: Deviation): string {
  if (due === null) return 'open';
  if (state === 'late') return `late, was due ${due}`;
  return state === 'perhaps late' ? `open, due ${due}, perhaps late already` : `open, due ${due}`;
}

const severities: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

/** What has to be closed first comes first; what has no day follows, by severity. */
export function byUrgency({ remediation: a }: Deviation, { remediation: b }: Deviation): number {
  const key = ({ due, severity }: Deviation['remediation']) =>
    `${due ?? '~'} ${severities.indexOf(severity)}`;
  return key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
}

/**
 * Which occurrences a gap is, why, and whether it can be closed.
 * @param quote what makes text from outside harmless.
 */
export function gapWords(
  { from, to, occurrences, why, scopes, closable }: Gap,
  quote: (outside: string) => string,
): string {
  const days = from === to ? from : `${from} to ${to}`;
  const where = scopes.length === 0 ? '' : ` in ${scopes.map(quote).join(', ')}`;
  const until = closable?.until == null ? '' : `, until ${minute(closable.until)} UTC`;
  const how = closable === null ? 'it can never be closed' : `${quote(closable.how)}${until}`;
  return `${days} (${plural(occurrences, 'occurrence')})${where}: ${quote(why)}; ${how}`;
}

/** What a reader must know of the nights before believing a line of the rest. */
export function marksOf({ marks, nights, redaction }: Report): string[] {
  const of = (count: number) =>
    count === nights.length ? 'every night' : `${count} of ${plural(nights.length, 'night')}`;
  return [
    ...(marks.simulated > 0
      ? [`Simulated clock (${of(marks.simulated)}): these times prove nothing.`]
      : []),
    ...(marks.replayed > 0
      ? [
          `Answered from recorded exchanges, not by the services themselves (${of(marks.replayed)}).`,
        ]
      : []),
    ...(marks.unsigned > 0 ? [`Not signed: ${of(marks.unsigned)}.`] : []),
    ...(marks.unstamped > 0 ? [`Not timestamped: ${of(marks.unstamped)}.`] : []),
    ...(redaction === null ? [] : [redactionWords(redaction)]),
  ];
}

/** What is not as it was sealed. */
export function redactionWords({ key, identifiers }: NonNullable<Report['redaction']>): string {
  return `Redacted: people have pseudonyms (${plural(identifiers, 'identifier')}, by the key ${key}), and the objects of the systems are left out.`;
}

/** Whose monitoring it is, and of what it is none. */
export const whatItIs =
  "The organisation's own monitoring, from its sealed evidence. It is nobody's opinion.";

/** `period 2025-01-01 to 2025-12-31 (UTC)`, or the day of a Type I. */
export function periodWords({ period: { period, as_of } }: Report): string {
  const days = as_of === null ? `period ${period.start} to ${period.end}` : `on ${as_of}`;
  return `${days} (${period.timezone})`;
}

/** What was reported before the period's end. */
export function interimWords({ period: { interim, now } }: Report): string | null {
  return interim
    ? `Interim: what would be reported if the period ended at ${minute(now)} UTC.`
    : null;
}

/** Of a version without a value: what nights were judged without. */
export function noVersion(what: Change['what']): string {
  return what === 'control' ? 'not among the controls' : 'none';
}

/** A digest is named by its beginning, a value as it is. */
export function versionName(what: Change['what'], value: string): string {
  if (value === '') return noVersion(what);
  return what === 'parameters' || what === 'program' ? value : value.slice(0, 12);
}
