/** The form of a line of statuses as it comes from a store. */
import { z } from 'zod';
import { type StatusLine, statuses } from '../evidence/result.ts';

const known: ReadonlySet<unknown> = new Set(statuses);

/** Read by the ten thousand: a record of zod's own takes several times as long. */
const statusesByTest = z.custom<StatusLine['statuses']>(
  (value) => {
    if (typeof value !== 'object' || value === null) return false;
    const entries = Object.entries(value);
    return (
      entries.length > 0 && entries.every(([test, status]) => test !== '' && known.has(status))
    );
  },
  { error: 'expected a status for each test, and at least one' },
);

export const statusLine = z.strictObject({
  source: z.string(),
  dataset: z.string(),
  scope: z.string(),
  uid: z.string(),
  name: z.string(),
  about: z.enum(['slice', 'test']).exactOptional(),
  event_at: z.iso.datetime().nullable().exactOptional(),
  statuses: statusesByTest,
});
