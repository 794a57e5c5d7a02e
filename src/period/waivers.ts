/** Waivers of the nights of a period: what came under each, and which do nothing. Pure. */
import { coverage, standingOn, type Waiver } from '../controls/waivers.ts';
import { dayIn } from '../evidence/days.ts';
import { canonicalJson } from '../evidence/json.ts';
import type { History } from './history.ts';
import type { Night } from './nights.ts';
import type { Deviation, WaiverReport } from './report.ts';

/**
 * Every waiver that a night had, each once. Nights were judged by the waivers that they had; one
 * that was written later, or taken out, changes nothing of them.
 * @param through the time whose day says what is in force.
 */
export function reportWaivers(
  nights: readonly Night[],
  files: History['waivers'],
  deviations: readonly Deviation[],
  through: Date,
  timezone: string,
): WaiverReport[] {
  const found = new Map<string, Waiver>();
  for (const { bundle } of nights) {
    const { waivers } = bundle.manifest;
    for (const waiver of (waivers === null ? undefined : files.get(waivers.digest)) ?? []) {
      found.set(canonicalJson(waiver), waiver);
    }
  }
  const under = creditsOf(nights, files, deviations);
  const today = dayIn(through, timezone);
  return [...found].map(([key, waiver]) => {
    const count = under.get(key) ?? 0;
    const standing = standingOn(waiver, today);
    const { test, resource, scope, reason, approver, from, until, ticket } = waiver;
    return {
      ...{ test, resource, scope: scope ?? null, reason, approver, from, until },
      ticket: ticket ?? null,
      compensating_control: waiver.compensating_control ?? null,
      state: standing === 'in force' && count === 0 ? 'unmatched' : standing,
      deviations: count,
    };
  });
}

/**
 * How many deviations came under each waiver: on some night that found them waived it stood in that
 * night's file, was in force, and was the first there that covers them.
 */
function creditsOf(
  nights: readonly Night[],
  files: History['waivers'],
  deviations: readonly Deviation[],
): Map<string, number> {
  const credits = new Map<string, number>();
  for (const { test, uid, name, scope, kind, spans, last_run } of deviations) {
    const waived = spans.filter(({ status }) => status === 'waived');
    if (waived.length === 0) continue;
    const result = { test, resource: { uid, name, scope } };
    const own = new Set<string>();
    for (const { bundle, day } of nights) {
      const { waivers, run } = bundle.manifest;
      const isFound =
        kind === 'event'
          ? run === last_run
          : waived.some(({ from, to }) => from <= day && day <= to);
      if (waivers === null || !isFound) continue;
      const first = files
        .get(waivers.digest)
        ?.find((each) => standingOn(each, day) === 'in force' && coverage(each)(result));
      if (first !== undefined) own.add(canonicalJson(first));
    }
    for (const key of own) credits.set(key, (credits.get(key) ?? 0) + 1);
  }
  return credits;
}
