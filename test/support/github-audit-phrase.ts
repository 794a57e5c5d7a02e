/** The audit log's search phrase, as far as programs use it. */
import { accountIn } from './github-rights.ts';
import type { GitHubWorld, WorldAuditEntry } from './github-world.ts';

/**
 * Words with a qualifier: `action:` (a category, or one action), `created:`, `actor:`, `repo:`,
 * each with `-` before it for the opposite. Of several with the same qualifier one must fit.
 * @throws Error for any other word: what it would find is unknown here
 */
export function readAuditPhrase(
  phrase: string,
  world: GitHubWorld,
): { fits: (entry: WorldAuditEntry) => boolean; created: boolean } {
  const words = phrase.split(/\s+/).filter((word) => word !== '');
  const wanted = new Map<string, ((entry: WorldAuditEntry) => boolean)[]>();
  for (const word of words) {
    const [, not = '', qualifier = '', value = ''] = /^(-?)(\w+):(.+)$/.exec(word) ?? [];
    const test = qualifiers[qualifier]?.(value, world);
    if (test === undefined) throw new Error(`the stand-in cannot search for '${word}'`);
    if (not === '-') wanted.set(word, [(entry) => !test(entry)]);
    else wanted.set(qualifier, [...(wanted.get(qualifier) ?? []), test]);
  }
  return {
    // Bounds of time must all hold, whatever else is one of several.
    fits: (entry) =>
      [...wanted].every(([qualifier, tests]) =>
        qualifier === 'created'
          ? tests.every((test) => test(entry))
          : tests.some((test) => test(entry)),
      ),
    created: wanted.has('created'),
  };
}

type Qualifier = (value: string, world: GitHubWorld) => (entry: WorldAuditEntry) => boolean;

const qualifiers: Record<string, Qualifier> = {
  action:
    (value) =>
    ({ action }) =>
      action === value || action.startsWith(`${value}.`),
  actor:
    (value, world) =>
    ({ actor }) =>
      actor !== null && accountIn(world, actor).login === value,
  repo:
    (value, world) =>
    ({ repository }) =>
      `${world.organization.login}/${repository}` === value,
  created: (value) => {
    const within = readTimes(value);
    return ({ at }) => within(Date.parse(at));
  },
};

const day = 24 * 3600 * 1000;

/** `2026-01-31`, `>=2026-01-31T04:00:00+00:00`, `2026-01-01..2026-01-31`. */
function readTimes(value: string): (time: number) => boolean {
  const [from = '', to] = value.split('..');
  if (to !== undefined) {
    return (time) => (from === '*' || time >= start(from)) && (to === '*' || time < end(to));
  }
  const [, sign = '', text = ''] = /^(>=|<=|>|<)?(.+)$/.exec(value) ?? [];
  const tests: Record<string, (time: number) => boolean> = {
    '>=': (time) => time >= start(text),
    '>': (time) => time >= end(text),
    '<=': (time) => time < end(text),
    '<': (time) => time < start(text),
    '': (time) => time >= start(text) && time < end(text),
  };
  const test = tests[sign];
  if (test === undefined || Number.isNaN(start(text))) throw new Error(`no time: '${value}'`);
  return test;
}

const start = (text: string) => Date.parse(text);

/** A day ends a day later, a moment with its second. */
const end = (text: string) => start(text) + (/^\d{4}-\d\d-\d\d$/.test(text) ? day : 1000);
