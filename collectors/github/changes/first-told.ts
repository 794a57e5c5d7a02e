/** What GitHub tells as of now only is kept from night to night as it was told first. */
import { type EventsContext, type JsonObject, timestamp, z } from '../../../src/plugin.ts';
import type { FirstTold } from './change.ts';

const keptSchema = z.object({
  first: z.record(
    z.string(),
    z.object({
      /** When the event was that it was asked for. */
      at: timestamp(),
      /** Its last update when it was asked for; none where more was to come without one. */
      updatedAt: z.string().optional(),
      requiredChecks: z.array(z.string()).optional(),
      couldPush: z.record(z.string(), z.boolean()),
    }),
  ),
});

type Kept = z.output<typeof keptSchema>['first'][string];

/** Nights ask again for what happened in the last three days. */
const keptForMs = 5 * 86_400_000;

/** Remembers what was told first of pull requests, as long as they are asked for again. */
export class FirstTolds {
  readonly #github: EventsContext;
  readonly #before: ReadonlyMap<string, Kept>;
  readonly #now = new Map<string, JsonObject>();

  constructor(github: EventsContext) {
    this.#github = github;
    const kept = keptSchema.safeParse(github.kept);
    const before = kept.success ? Object.entries(kept.data.first) : [];
    this.#before = new Map(before);
    for (const [id, told] of before) this.add(id, told, told.at, told.updatedAt);
  }

  /** What was told first of a pull request, by its node id. */
  of(id: string): FirstTold | undefined {
    return this.#before.get(id);
  }

  /** Whether it is held, and nothing happened to it since it was asked for. */
  isUnchanged(id: string, updatedAt: string): boolean {
    return this.#before.get(id)?.updatedAt === updatedAt && this.#github.isHeld(id);
  }

  /** @param at when the event was that it is asked for. */
  add(
    id: string,
    { requiredChecks, couldPush }: FirstTold,
    at: string,
    updatedAt?: string | undefined,
  ): void {
    const since = this.#github.interval.end.getTime() - keptForMs;
    if (Date.parse(at) < since) return;
    this.#now.set(id, {
      at,
      couldPush,
      ...(updatedAt === undefined ? {} : { updatedAt }),
      ...(requiredChecks === undefined ? {} : { requiredChecks }),
    });
  }

  /** Leaves it for the next slice, beside what else is to be left. */
  keep(beside: JsonObject = {}): void {
    this.#github.keep({ ...beside, first: Object.fromEntries(this.#now) });
  }
}
