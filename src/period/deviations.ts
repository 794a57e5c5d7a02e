/** Deviations as a period sees them: between which observations each opened and closed. Pure. */

import { dayIn } from '../evidence/days.ts';
import type { Status } from '../evidence/result.ts';
import type { PeriodEvent } from './events.ts';
import type { Examined } from './examined.ts';
import { type Night, streamKey } from './nights.ts';
import type { Deviation } from './report.ts';
import type { StateDeviation } from './states.ts';

const dayMs = 86_400_000;

/** Undefined where no night of the period saw it fail. */
export function stateDeviation(
  examined: Examined,
  deviation: StateDeviation,
): Deviation | undefined {
  const { upToEnd: nights, start, through, period } = examined;
  const { resource, test, after, how, spans, closed, recurrence } = deviation;
  const first = spans[0]?.from ?? 0;
  const last = spans.at(-1)?.to ?? first;
  if ((nights[last]?.startedAt ?? 0) < start) return undefined;
  const stream = streamKey(resource);
  const seenAt = (place: number) => observedAt(nights[place] as Night, stream);
  const between = (from: number, to: number) =>
    examined.asked(resource.source, to) - examined.asked(resource.source, from - 1);
  const count = (status?: Status) =>
    spans
      .filter((span) => status === undefined || span.status === status)
      .reduce((sum, { from, to }) => sum + between(from, to), 0);
  const failing = count();
  const waived = count('waived');
  const opened = { after: after === null ? null : seenAt(after), by: seenAt(first), how };
  const end =
    closed === null ? null : { after: seenAt(last), by: seenAt(closed.by), how: closed.how };
  const least = Date.parse(seenAt(last)) - Date.parse(opened.by);
  const until = end === null ? through : Date.parse(end.by);
  const most = opened.after === null ? null : until - Date.parse(opened.after);
  const { control, definition } = definitionOf(examined, test);
  const limit = control.remediation_days[definition.severity];
  return {
    control: control.id,
    test,
    source: resource.source,
    dataset: resource.dataset,
    scope: resource.scope,
    uid: resource.uid,
    name: resource.name,
    kind: 'state',
    opened,
    closed: end,
    days: {
      least: tenths(least, Math.floor),
      most: most === null ? null : tenths(most, Math.ceil),
    },
    spans: spans.map(({ status, from, to }) => ({
      status,
      from: (nights[from] as Night).day,
      to: (nights[to] as Night).day,
    })),
    nights: { failing, waived, unseen: between(first, last) - failing },
    waived: waived === 0 ? 'no' : waived === failing ? 'wholly' : 'partly',
    recurrence,
    remediation: {
      severity: definition.severity,
      days: limit,
      state: remediationOf(limit * dayMs, least, most, end !== null),
      due:
        end === null
          ? dayIn(new Date(Date.parse(opened.by) + limit * dayMs), period.timezone)
          : null,
    },
    first_run: runOf(nights[first]),
    last_run: runOf(nights[last]),
  };
}

/** Undefined where the event's newest judgement by this test is no deviation. */
export function eventDeviation(
  examined: Examined,
  event: PeriodEvent,
  test: string,
): Deviation | undefined {
  const { line, first, last } = event;
  const status = line.statuses[test];
  if (status !== 'fail' && status !== 'waived') return undefined;
  const { nights, period } = examined;
  const { control, definition } = definitionOf(examined, test);
  const day = (time: number) => dayIn(new Date(time), period.timezone);
  return {
    control: control.id,
    test,
    source: line.source,
    dataset: line.dataset,
    scope: line.scope,
    uid: line.uid,
    name: line.name,
    kind: 'event',
    opened: openedOf(event),
    closed: null,
    days: null,
    spans: event.within.map(({ start, end }) => {
      return { status, from: day(start), to: day(Math.max(start, end - 1)) };
    }),
    nights: { failing: 1, waived: status === 'waived' ? 1 : 0, unseen: 0 },
    waived: status === 'waived' ? 'wholly' : 'no',
    recurrence: 0,
    remediation: {
      severity: definition.severity,
      days: control.remediation_days[definition.severity],
      state: 'not applicable',
      due: null,
    },
    first_run: runOf(nights[first]),
    last_run: runOf(nights[last]),
  };
}

/** When an event happened; where that is not told, for which stretch of time it was found. */
function openedOf({ at, within }: PeriodEvent): Deviation['opened'] {
  if (at !== null) return { after: null, by: new Date(at).toISOString(), how: 'happened' };
  const [after, by] = [within.map(({ start }) => start), within.map(({ end }) => end)];
  return {
    after: new Date(Math.min(...after)).toISOString(),
    by: new Date(Math.max(...by)).toISOString(),
    how: 'found',
  };
}

/** A state that was seen to fail last, and not under a waiver. */
export function isOpen({ kind, closed, spans }: Deviation): boolean {
  return kind === 'state' && closed === null && spans.at(-1)?.status === 'fail';
}

/** @param least time that it was open at least; `most`: at most, null where nobody can tell. */
function remediationOf(
  limit: number,
  least: number,
  most: number | null,
  isClosed: boolean,
): Deviation['remediation']['state'] {
  if (least > limit) return 'late';
  if (most !== null && most <= limit) return isClosed ? 'in time' : 'open';
  return 'perhaps late';
}

function definitionOf({ tests }: Examined, test: string) {
  const { control, test: definition } = tests.get(test) as NonNullable<
    ReturnType<typeof tests.get>
  >;
  return { control, definition };
}

/** When a night saw a stream: the source's own time where it names one. */
export function observedAt({ bundle, slices }: Night, stream: string): string {
  return slices.get(stream)?.[0]?.observed_at ?? bundle.manifest.started_at;
}

function runOf(night: Night | undefined): string {
  return night?.bundle.manifest.run ?? '';
}

/** Days, to one tenth. */
function tenths(milliseconds: number, round: (value: number) => number): number {
  return round(milliseconds / (dayMs / 10)) / 10;
}
