/** Facts of a period in words. Times are UTC. */
import type {
  Bracket,
  Conclusion,
  ControlReport,
  DayState,
  Deviation,
  Gap,
} from '../../period/report.ts';
import { fromNow, minute, plural, type Standing, standingOf } from '../words.ts';

export function counted(count: number): string {
  return count.toLocaleString('en-US');
}

/** How many days a period has, both ends included. */
export function daysOf({ start, end }: { start: string; end: string }): number {
  return Math.round((Date.parse(end) - Date.parse(start)) / 86_400_000) + 1;
}

/** `2025-03-04`, or `2025-03-04 to 2025-03-09`. */
export function span(from: string, to: string): string {
  return from === to ? from : `${from} to ${to}`;
}

/** A sign of its own shape for each conclusion: colour is never the only one. */
export const signs: Record<Conclusion, string> = {
  operated: '●',
  'operated with deviations': '◆',
  'insufficient evidence': '◐',
  'did not operate': '✕',
};

/** The worst first, as a control's tests give way to one another. */
export const conclusions: readonly Conclusion[] = [
  'insufficient evidence',
  'operated with deviations',
  'did not operate',
  'operated',
];

/** What stands beside a conclusion, and never more than that. */
export function shareOf({
  conclusion,
  deviating,
  population,
}: Pick<ControlReport, 'conclusion' | 'deviating' | 'population'>): string {
  const share = `${counted(deviating)} of ${counted(population)}`;
  if (conclusion === 'operated with deviations') return share;
  // What is not known must not hide what is.
  if (conclusion === 'insufficient evidence' && deviating > 0) return `${share} deviate`;
  return conclusion === 'did not operate' ? 'no occurrence' : '';
}

export const dayStates: Record<DayState, string> = {
  complete: 'complete',
  deviation: 'deviation',
  gap: 'gap',
  waived: 'waived',
  none: 'nothing expected',
  later: 'to come',
};

/** The words of a deviation, for tables. */
export interface DeviationWords {
  standing: Standing;
  /** A line for each end of the bracket. */
  opened: string[];
  how: string;
  closed: string[];
  open_for: string;
  nights: string;
  remediation: string;
}

/** @param now of an interim report; null: the period is over, and nobody knows what became of it. */
export function wordsOf(deviation: Deviation, now: string | null): DeviationWords {
  const { opened, closed, nights, waived, recurrence } = deviation;
  const again = recurrence === 0 ? [] : [`recurred, ${recurrence} before`];
  return {
    standing: standingOf(deviation),
    opened: openedWords(opened),
    how: [opened.how, ...again].join('; '),
    closed: closed === null ? [stillWords(deviation)] : [...bracketWords(closed), closed.how],
    open_for: lengthWords(deviation),
    nights: [
      `${counted(nights.failing)} failing`,
      ...(nights.waived > 0 ? [`${counted(nights.waived)} of them waived`] : []),
      ...(nights.unseen > 0 ? [`${counted(nights.unseen)} unseen`] : []),
      ...(waived === 'no' ? [] : [`${waived} waived`]),
    ].join(', '),
    remediation: remediationWords(deviation.remediation, now),
  };
}

function stillWords(deviation: Deviation): string {
  if (deviation.kind === 'event') return 'an event stays one';
  return standingOf(deviation) === 'open'
    ? 'open when last seen'
    : 'not closed, waived when last seen';
}

function openedWords({ after, by, how }: Deviation['opened']): string[] {
  if (how === 'happened') return [minute(by)];
  if (how === 'found' && after !== null) return [`between ${minute(after)}`, `and ${minute(by)}`];
  return bracketWords({ after, by });
}

/** Something changed between two observations, and nobody saw when. */
function bracketWords({ after, by }: Bracket): string[] {
  return [after === null ? 'not looked at before' : `after ${minute(after)}`, `by ${minute(by)}`];
}

function lengthWords({ days, kind }: Deviation): string {
  if (days === null) return kind === 'event' ? '' : 'not known';
  const { least, most } = days;
  if (most === null) return `at least ${least} days`;
  return least === most ? `${least} days` : `${least} to ${most} days`;
}

function remediationWords(
  { severity, days, state, due }: Deviation['remediation'],
  now: string | null,
): string {
  const when = due === null ? '' : `, due ${due}${now === null ? '' : ` (${fromNow(due, now)})`}`;
  return `${state}${when}; ${severity}, ${plural(days, 'day')} allowed`;
}

export function closingWords({ closable }: Gap, now: string): string {
  if (closable === null) return 'never';
  const { how, until } = closable;
  return until === null ? how : `${how}, until ${minute(until)} (${fromNow(until, now)})`;
}

const frameworks: Record<string, string> = {
  soc2: 'SOC 2',
  iso27001: 'ISO 27001',
  nist_csf: 'NIST CSF',
  cis_aws_v3: 'CIS AWS 3',
  cis_aws_v5: 'CIS AWS 5',
  cis_aws_v7: 'CIS AWS 7',
  cis_github: 'CIS GitHub',
};

/** What people call a framework, or its id. */
export function frameworkName(id: string): string {
  return Object.hasOwn(frameworks, id) ? (frameworks[id] ?? id) : id;
}

/** `CC6.10` after `CC6.2`. */
export function byNumber(a: string, b: string): number {
  const key = (text: string) => text.replace(/\d+/g, (digits) => digits.padStart(8, '0'));
  return key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
}
