/** Whether a sample holds what its seed draws from its population. */
import { z } from 'zod';
import { canonicalJson, compareText } from '../evidence/json.ts';
import type { PopulationItem } from '../period/population.ts';
import { type DrawnLine, draw, lineOf, type Stratum, strata } from '../period/sample.ts';
import { nameOf, type SoundLink } from './chain.ts';
import { breakOf, type Finding } from './finding.ts';

const time = z.iso.datetime();
const bracket = z.strictObject({ after: time.nullable(), by: time });
const nights = z.int().nonnegative();

/** A line of a sealed population. */
const populationLine: z.ZodType<PopulationItem> = z.strictObject({
  source: z.string(),
  scope: z.string(),
  uid: z.string(),
  name: z.string(),
  first_seen: time,
  last_seen: time,
  created: bracket.nullable(),
  deleted: bracket.nullable(),
  event_at: time.nullable(),
  nights: z.strictObject({
    pass: nights,
    fail: nights,
    not_applicable: nights,
    waived: nights,
    error: nights,
  }),
  first_run: z.string(),
  last_run: z.string(),
});

const drawnLine: z.ZodType<DrawnLine> = z.strictObject({
  lot: z.string(),
  stratum: z.string().nullable(),
  source: z.string(),
  scope: z.string(),
  uid: z.string(),
  name: z.string(),
});

/** The lines of the two lists; undefined for one that is broken, which is told of elsewhere. */
interface SampleLines {
  population: readonly unknown[] | undefined;
  items: readonly unknown[] | undefined;
}

/** Draws again. */
export function verifySample(link: SoundLink, lines: SampleLines): Finding[] {
  const { manifest, key, sequence } = link;
  const fault = faultOf(manifest, lines);
  if (fault === undefined) return [];
  const message = `${nameOf(link)} ${fault}: the sample is not what was drawn, find out who wrote it, and draw again from the nights before it`;
  return [breakOf('WrongSample', key, [sequence], message)];
}

function faultOf(
  { kind, sample, timezone }: SoundLink['manifest'],
  lines: SampleLines,
): string | undefined {
  if (sample === undefined) {
    return kind === 'sample' ? 'is a sample, and does not say what was drawn' : undefined;
  }
  if (kind !== 'sample') return `is of kind ${kind}, and says that something was drawn`;
  const by = strata.find((each) => each === sample.by) ?? null;
  if (by !== sample.by) {
    return `divides its population by ${sample.by}, which this version does not know`;
  }
  if (lines.population === undefined || lines.items === undefined) return undefined;
  const population = z.array(populationLine).safeParse(lines.population);
  if (!population.success) {
    return `holds a population of another form (${formOf(population.error)})`;
  }
  const items = z.array(drawnLine).safeParse(lines.items);
  if (!items.success) return `holds items of another form (${formOf(items.error)})`;
  const twice = population.data.find((item, index) =>
    isOutOfOrder(population.data[index - 1], item),
  );
  if (twice !== undefined) {
    return `holds a population that is not sorted, each item once (at ${twice.uid})`;
  }
  const { seed, size } = sample;
  const expected = drawnBy(population.data, { seed, size, by, timezone });
  if (expected === undefined) return `names a time zone that is none (${timezone})`;
  const wrong = Array.from({ length: Math.max(expected.length, items.data.length) }).findIndex(
    (_each, index) =>
      canonicalJson(expected[index] ?? null) !== canonicalJson(items.data[index] ?? null),
  );
  if (wrong < 0) return undefined;
  const [wanted, found] = [expected[wrong]?.name ?? 'none', items.data[wrong]?.name ?? 'none'];
  return `holds other items than its seed draws from its population (item ${wrong + 1} has to be ${wanted}, and is ${found})`;
}

function drawnBy(
  population: readonly PopulationItem[],
  asked: { seed: string; size: number; by: Stratum | null; timezone: string },
): DrawnLine[] | undefined {
  try {
    return draw(population, asked).drawn.map(lineOf);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function isOutOfOrder(before: PopulationItem | undefined, item: PopulationItem): boolean {
  if (before === undefined) return false;
  const order =
    compareText(before.source, item.source) ||
    compareText(before.scope, item.scope) ||
    compareText(before.uid, item.uid);
  return order >= 0;
}

function formOf({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.join('.')}: ${issue?.message}`;
}
