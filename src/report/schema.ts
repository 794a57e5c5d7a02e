/** The shape of a report in JSON. `test/report/schema.test.ts` holds it equal to the types. */
import { z } from 'zod';
import { frequencies, severities } from '../controls/schema.ts';
import type { JsonObject } from '../evidence/json.ts';
import { statuses } from '../evidence/result.ts';

const text = z.string();
const day = z.iso.date();
const time = z.iso.datetime();
const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const severity = z.enum(severities);
const kind = z.enum(['state', 'event']);
const jsonObject: z.ZodType<JsonObject> = z.record(z.string(), z.json());

const conclusion = z
  .enum(['operated', 'operated with deviations', 'insufficient evidence', 'did not operate'])
  .describe('Never more than these.');

const coverage = z
  .strictObject({
    expected: count.describe('Occurrences that are over, or done.'),
    complete: count.describe('Those of them with complete evidence.'),
  })
  .describe('Of the occurrences that were to be: those with complete evidence.');

const gap = z.strictObject({
  from: day.describe('First day.'),
  to: day.describe('Last day, included.'),
  start: time,
  end: time,
  occurrences: count,
  cause: z.enum([
    'no run',
    'not collected',
    'not judged',
    'not told',
    'out of reach',
    'no source',
    'clock in doubt',
  ]),
  why: text.describe('What happened, in one sentence.'),
  scopes: z.array(text).describe('`source scope`, for which it holds; empty: for all.'),
  closable: z
    .strictObject({ how: text, until: time.nullable().describe('Null: always.') })
    .nullable()
    .describe('Null: it can never be closed.'),
});

const bracket = z
  .strictObject({
    after: time
      .nullable()
      .describe('The last time that it was seen otherwise; null: never before.'),
    by: time.describe('The first time that it was seen so.'),
  })
  .describe('When something changed, which nobody saw: between two observations.');

const deviation = z.strictObject({
  control: text,
  test: text,
  source: text,
  dataset: text,
  scope: text,
  uid: text,
  name: text,
  kind,
  opened: z.strictObject({
    ...bracket.shape,
    how: z
      .enum(['failed', 'created', 'entered the population', 'first seen', 'happened', 'found'])
      .describe(
        'Of an event `happened`, at `by`; where nothing tells when, `found`: `after` to `by` is what was asked for then.',
      ),
  }),
  closed: z
    .strictObject({
      after: time.describe('The last time that it was seen to fail.'),
      by: time.describe('The first time that it was seen otherwise.'),
      how: z.enum(['mended', 'deleted', 'left the population']),
    })
    .nullable()
    .describe('Null: it was open when last seen, or is an event.'),
  days: z
    .strictObject({
      least: z.number(),
      most: z.number().nullable().describe('Null: nobody can tell.'),
    })
    .nullable()
    .describe('Days that it was open, to one tenth; null for an event.'),
  spans: z
    .array(z.strictObject({ status: z.enum(['fail', 'waived']), from: day, to: day }))
    .describe('From the first to the last day that saw it fail, nothing else being seen between.'),
  nights: z.strictObject({
    failing: count,
    waived: count.describe('Those of `failing` that were waived.'),
    unseen: count.describe('Nights meanwhile that could not tell.'),
  }),
  waived: z.enum(['no', 'partly', 'wholly']),
  recurrence: count.describe(
    'Deviations of the same resource and test before it, before the period too.',
  ),
  remediation: z.strictObject({
    severity,
    days: count.describe('Days that the control allows.'),
    state: z.enum(['in time', 'late', 'perhaps late', 'open', 'not applicable']),
    due: day.nullable().describe('The day by which an open one has to be closed.'),
  }),
  first_run: text.describe('The run that saw it fail first.'),
  last_run: text.describe('The run that saw it fail last.'),
});

const test = z.strictObject({
  id: text,
  title: text,
  dataset: text,
  kind,
  severity,
  conclusion,
  coverage,
  gaps: z.array(gap).describe('In the order of time.'),
  population: count.describe('Resources or events.'),
  deviating: count.describe('Those of them with a deviation.'),
  waived: count.describe('Those of `deviating` that were waived all the time.'),
  open: count.describe('Deviations that were open when last seen, without the waived.'),
  untold: count.describe('Events that could not be judged.'),
  deviations: z.array(deviation).describe('In the order of their opening.'),
  dropped: day.nullable().describe('Since when the newest control file does not have the test.'),
});

const control = z.strictObject({
  id: text,
  title: text,
  frequency: z.enum(frequencies),
  conclusion,
  because: z.array(text).describe('Why, where it is not `operated`: sentences.'),
  coverage,
  population: count.describe('Resources and events under each test: N of "n of N".'),
  deviating: count.describe('n: those of them with a deviation, waived ones too.'),
  waived: count,
  open: count,
  days: z
    .array(z.enum(['complete', 'deviation', 'waived', 'gap', 'none', 'later']))
    .describe("From the period's first day on, a state for each day."),
  tests: z.array(test),
  moved: z
    .array(
      z.strictObject({
        test: text,
        from: text.describe('A control that had it before.'),
        to: text.describe('The control that has it now.'),
        since: day,
      }),
    )
    .describe('Tests that came to it from another control, or went to one.'),
});

const change = z.strictObject({
  what: z.enum(['control', 'parameters', 'program', 'configuration', 'waivers']),
  id: text.describe('Of a control or a test; empty for the others.'),
  versions: z
    .array(
      z.strictObject({
        value: text.describe('Empty: these nights were judged without it.'),
        from: day,
        to: day,
        nights: count,
      }),
    )
    .describe('One after the other.'),
});

const period = z
  .strictObject({
    organizations: z.array(text),
    period: z.strictObject({ start: day, end: day, timezone: text }),
    as_of: day.nullable().describe('One date only (Type I); null for a period.'),
    now: time.describe('The time that the report was made for.'),
    through: time.describe('The evidence is judged up to here.'),
    interim: z.boolean().describe('The period has not ended.'),
    simulated: z.boolean().describe('Simulated clocks, or recorded answers.'),
    nights: z.strictObject({
      counted: count,
      first: time.nullable(),
      last: time.nullable(),
      left_out: z.array(z.strictObject({ run: text, sequence: count, reason: text })),
    }),
    problems: z.array(text).describe('Why nothing can be concluded; empty: nothing is in the way.'),
    scopes: z
      .array(
        z.strictObject({
          source: text,
          scope: text,
          added: day.nullable().describe('Counted from this day on; null: from the beginning.'),
          dropped: day
            .nullable()
            .describe('Seen for the last time on this day; null: it still is.'),
        }),
      )
      .describe('Those that do not span the period.'),
    controls: z.array(control),
    versions: z.array(change).describe('All that judged, each version with its nights.'),
    changes: z.array(change).describe('Those of `versions` that changed.'),
    due: z.array(
      z.strictObject({
        what: text,
        by: z.union([time, z.literal('')]).describe('Empty: at any time.'),
        controls: z.array(text),
      }),
    ),
    waivers: z.array(
      z.strictObject({
        test: text,
        resource: text,
        scope: text.nullable().describe('Null: every scope.'),
        reason: text,
        approver: text,
        from: day,
        until: day,
        ticket: text.nullable(),
        compensating_control: text.nullable(),
        state: z.enum(['in force', 'expired', 'not yet in force', 'unmatched']),
        deviations: count.describe('That came under it.'),
      }),
    ),
  })
  .describe('What `tickmark status --json` prints (docs/formats/status.md).');

const night = z.strictObject({
  sequence: count,
  run: text,
  digest,
  kind: z.enum(['run', 'collect', 'backfill']),
  day: day.describe("The organisation's day that it began on."),
  started_at: time,
  finished_at: time,
  operator: text.describe('CI run address, or user and host.'),
  signed: z.boolean(),
  stamped: z.boolean(),
  simulated: z.boolean(),
  replayed: z.boolean(),
  slices: z.strictObject({ complete: count, partial: count, failed: count }),
});

const source = z.strictObject({
  id: text,
  use: text,
  identities: z.array(z.strictObject({ subject: text, account: text })),
  endpoints: z.array(text),
  left_out: z.array(z.strictObject({ scope: text, reason: text })).describe('Not asked, and why.'),
});

const definition = z.strictObject({
  id: text,
  title: text,
  statement: text,
  criteria: z.record(text, z.array(text)).describe('Numbers of criteria by framework.'),
  category: text,
  owner: text,
  remediation_days: z
    .record(severity, count)
    .describe('Days allowed to mend a deviation, by severity.'),
  files: z
    .array(
      z.strictObject({
        control: text.describe("Another than the control's own: a test was in that one before."),
        file: text,
        digest,
        from: day,
        to: day,
        nights: count,
      }),
    )
    .describe('Every file that it, or a test that is its now, was judged by, oldest first.'),
  tests: z.array(
    z.strictObject({
      id: text,
      title: text,
      where: text.nullable().describe('CEL: what belongs to the population; null: all.'),
      expect: text.describe('CEL: what passes.'),
      remediation: text,
      parameters: jsonObject,
    }),
  ),
});

const sample = z.strictObject({
  sequence: count,
  run: text,
  digest,
  sealed_at: time,
  test: text,
  period: z.strictObject({ start: day, end: day }),
  seed: text,
  size: count,
  by: text.nullable(),
  population: z.strictObject({ count, digest }),
  items: z.array(
    z.strictObject({
      source: text,
      scope: text,
      uid: text,
      name: text,
      stratum: text.nullable(),
    }),
  ),
});

const sight = z.strictObject({ run: text, observed_at: time });

const item = z.strictObject({
  source: text,
  scope: text,
  uid: text,
  name: text,
  first_seen: time,
  last_seen: time,
  created: bracket.nullable().describe('Null: it was there when its scope was first looked at.'),
  deleted: bracket.nullable().describe('Null: it was there at the end.'),
  event_at: time.nullable().describe('When an event happened, where that could be told.'),
  nights: z
    .record(z.enum(statuses).exclude(['not_tested']), count)
    .describe('Nights of the period by what came out.'),
  first_run: text,
  last_run: text,
  stretches: z
    .array(
      z.strictObject({
        status: z.enum(statuses),
        from: sight,
        to: sight,
        nights: count,
        reason: text.describe('What decided on the first of these nights.'),
      }),
    )
    .describe('Nights one after the other on which it came out the same.'),
});

const population = z.strictObject({
  control: text,
  test: text,
  title: text,
  dataset: text,
  kind,
  period: period.shape.period,
  through: time,
  coverage,
  gaps: z.array(gap),
  items: z.array(item).describe('Each once, sorted by source, scope and uid.'),
  incomplete: z.array(text).describe('Why it is not known to be all there was; empty: it is.'),
  tie_outs: z
    .array(
      z.strictObject({
        source: text,
        scope: text,
        slices: count,
        counted: count.describe('Slices with a second count.'),
        matched: count.describe('Those of them that it matched.'),
        by: z.array(z.strictObject({ by: text, slices: count, matched: count })),
      }),
    )
    .describe('Second, independent counts.'),
  queries: z
    .array(
      z.strictObject({
        source: text,
        scope: text,
        service: text,
        operation: text,
        region: text.exactOptional(),
        parameters: jsonObject,
        pages: count,
        nights: count,
        from: time,
        to: time,
      }),
    )
    .describe('What the source was asked.'),
});

/** `JsonReport`, what `json` writes. */
export const jsonReportSchema = z.strictObject({
  format: z.literal('tickmark-report/1'),
  tool: z.strictObject({ version: text, commit: text.nullable() }),
  period,
  marks: z
    .strictObject({ unsigned: count, unstamped: count, simulated: count, replayed: count })
    .describe('How many of `nights` are so.'),
  redaction: z
    .strictObject({ key: text, identifiers: count })
    .nullable()
    .describe('People have so many pseudonyms, by the key of this id; null: all is as sealed.'),
  head: z
    .strictObject({ sequence: count, digest })
    .nullable()
    .describe('The newest bundle of the store; null: there is none.'),
  nights: z.array(night).describe('Bundles that evidence was taken from, in the order of time.'),
  sources: z.array(source),
  controls: z.array(definition).describe('In the order of `period.controls`.'),
  samples: z.array(sample).describe('Draws that were sealed for the period.'),
  populations: z.array(population).describe('One for each test.'),
});

/** The published JSON Schema (draft 2020-12) of a report in JSON. */
export function reportJsonSchema(): object {
  return z.toJSONSchema(jsonReportSchema, { target: 'draft-2020-12', reused: 'ref' });
}
