/** Waivers: approved, dated acceptances of deviations (docs/waivers.md). */
import { z } from 'zod';
import type { Result } from '../evidence/result.ts';
import { type Checked, parseYaml, type YamlDocument } from '../yaml/document.ts';
import type { Fault } from '../yaml/fault.ts';
import { didYouMean } from '../yaml/nearest.ts';
import { wildcard } from './wildcard.ts';

const day = z.iso.date({ error: 'expected a day as YYYY-MM-DD' });

/** Results quote it, and what has no UTF-8 form could not be sealed. */
const words = z
  .string()
  .regex(/\S/, { error: 'expected words' })
  .refine((text) => text.isWellFormed(), { error: 'expected text that has a UTF-8 form' });

const pattern = z.string().min(1, { error: 'expected a pattern; * stands for everything' });

const waiverSchema = z
  .strictObject({
    test: z.string().describe('Id of the test whose deviations are accepted.'),
    resource: pattern.describe(
      'Pattern of the name or the uid of the resources: * stands for any run of characters, everything else for itself.',
    ),
    scope: pattern
      .exactOptional()
      .describe('Pattern of the scopes. Left out: every scope. Account numbers in quotes.'),
    reason: words.describe('Why the deviation is accepted.'),
    approver: words.describe('Who approved it.'),
    from: day.describe("First day, in the configuration's `timezone`."),
    until: day.describe("Last day, in the configuration's `timezone`; that day is included."),
    compensating_control: words.exactOptional().describe('What lessens the risk meanwhile.'),
    ticket: words.exactOptional().describe('Where the approval is written down.'),
  })
  .refine(({ from, until }) => until >= from, {
    error: 'the waiver ends before it begins',
    path: ['until'],
    // Told together with whatever else is wrong.
    when: ({ value }) => {
      const { from, until } = (value ?? {}) as { from?: unknown; until?: unknown };
      return day.safeParse(from).success && day.safeParse(until).success;
    },
  });

/** A file of waivers. */
const waiversSchema = z.strictObject({
  waivers: z.array(waiverSchema).describe('Of those that cover a fail the first counts.'),
});

export type Waiver = z.output<typeof waiverSchema>;

/** The published JSON Schema (draft 2020-12) of a file of waivers. */
export function waiversJsonSchema(): object {
  return z.toJSONSchema(waiversSchema, { io: 'input', target: 'draft-2020-12' });
}

/**
 * Reads a file of waivers: all of them, or everything that is wrong.
 * @param tests ids of the tests that there are; left out for a sealed file, whose tests may be gone.
 */
export function readWaivers(
  file: string,
  bytes: Uint8Array | string,
  tests?: ReadonlySet<string>,
): Checked<Waiver[]> {
  const parsed = parseYaml(
    file,
    bytes,
    'the file is empty; without any waiver it says `waivers: []`',
  );
  if (!parsed.ok) return parsed;
  const document = parsed.value;
  const checked = document.check(waiversSchema);
  const sound = soundWaivers(document);
  const faults = [
    ...(checked.ok ? [] : checked.faults),
    ...(tests === undefined ? [] : unknownTests(document, sound, tests)),
    ...duplicates(document, sound),
  ];
  if (checked.ok && faults.length === 0) return { ok: true, value: checked.value.waivers };
  return { ok: false, faults: faults.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** The waivers that are in form, by their place: what else is wrong with them can be told. */
function soundWaivers(document: YamlDocument): Map<number, Waiver> {
  const { waivers = [] } = document.value as { waivers?: unknown };
  const sound = new Map<number, Waiver>();
  if (!Array.isArray(waivers)) return sound;
  for (const index of waivers.keys()) {
    const checked = document.check(waiverSchema, { path: ['waivers', index] });
    if (checked.ok) sound.set(index, checked.value);
  }
  return sound;
}

function unknownTests(
  document: YamlDocument,
  waivers: ReadonlyMap<number, Waiver>,
  tests: ReadonlySet<string>,
): Fault[] {
  return [...waivers].flatMap(([index, { test }]) => {
    if (tests.has(test)) return [];
    const message = `there is no test "${test}"${didYouMean(test, tests)}`;
    return [document.fault(['waivers', index, 'test'], message)];
  });
}

function duplicates(document: YamlDocument, waivers: ReadonlyMap<number, Waiver>): Fault[] {
  const alike = new Map<string, [number, Waiver][]>();
  return [...waivers].flatMap(([index, waiver]) => {
    const key = JSON.stringify([waiver.test, waiver.resource, waiver.scope ?? '']);
    const before = alike.get(key) ?? [];
    alike.set(key, [...before, [index, waiver]]);
    const other = before.find(([, each]) => isSameAcceptance(each, waiver));
    if (other === undefined) return [];
    const [place, { from, until }] = other;
    const message = `waivers[${place}] accepts the same from ${from} to ${until}; keep one, or let this one begin after it`;
    return [document.fault(['waivers', index], message)];
  });
}

/** Whether two waivers accept the same deviations on at least one day: who approved that day? */
export function isSameAcceptance(one: Waiver, other: Waiver): boolean {
  return (
    one.test === other.test &&
    one.resource === other.resource &&
    one.scope === other.scope &&
    one.from <= other.until &&
    other.from <= one.until
  );
}

/** What a waiver is on a day. */
export type WaiverStanding = 'in force' | 'expired' | 'not yet in force';

export function standingOn({ from, until }: Waiver, day: string): WaiverStanding {
  if (day > until) return 'expired';
  return day < from ? 'not yet in force' : 'in force';
}

/** Makes ready to tell whether a waiver covers a result of any day and status. */
export function coverage({
  test,
  resource,
  scope,
}: Pick<Waiver, 'test' | 'resource' | 'scope'>): (
  result: Pick<Result, 'test' | 'resource'>,
) => boolean {
  const isResource = wildcard(resource);
  const isScope = wildcard(scope ?? '*');
  return (result) =>
    result.test === test &&
    (isResource(result.resource.name) || isResource(result.resource.uid)) &&
    isScope(result.resource.scope);
}
