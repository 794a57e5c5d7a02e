import { describe, expect, it } from 'vitest';
import { evidenceOf } from '../../src/cli/population-evidence.ts';
import type { Call } from '../../src/evidence/slice.ts';
import { prepare } from '../../src/period/examined.ts';
import type { Population } from '../../src/period/population.ts';
import { Store, unsealed } from '../../src/store/store.ts';
import { draft, slice } from '../support/bundles.ts';
import { memoryBackend } from '../support/memory-backend.ts';

const dataset = 'aws.iam.users';
const population = { dataset } as Population;

function call(operation: string, parameters: Call['parameters'], page?: number): Call {
  const named = Object.entries(parameters).filter(([key]) => key !== 'Marker');
  const behind = page === undefined || page === 1 ? '' : ` page ${page}`;
  return {
    id: `iam:${operation} ${JSON.stringify(Object.fromEntries(named))}${behind}`,
    service: 'iam',
    operation,
    region: 'us-east-1',
    parameters,
    ...(page === undefined ? {} : { page }),
    request_id: null,
    server_date: null,
    status: 200,
    attempts: 1,
    started_at: '2026-01-01T02:00:00.000Z',
    finished_at: '2026-01-01T02:00:00.100Z',
    endpoint: null,
  };
}

/** One night a day from the first of January on; what each asked. */
async function evidence(nights: readonly Call[][]) {
  const { backend } = memoryBackend();
  const reads: string[] = [];
  const store = new Store({
    ...backend,
    read: (key) => {
      reads.push(key);
      return backend.read(key);
    },
  });
  const bundles = [];
  for (const [index, calls] of nights.entries()) {
    const at = `2026-01-${String(index + 1).padStart(2, '0')}T02:00:00.000Z`;
    const sorted = [...calls].sort((a, b) => (a.id < b.id ? -1 : 1));
    const sealed = await store.writeSlice(slice({ calls: sorted, observed_at: at }));
    const night = draft({
      run: `${at.replace(/[-:]|\.000/g, '')}-00000${index % 10}`,
      started_at: at,
      finished_at: at,
      slices: [sealed],
    });
    bundles.push({ ...(await store.seal(night, unsealed)), statuses: null });
  }
  const history = { bundles, controls: new Map(), waivers: new Map(), reachDays: new Map() };
  const period = { start: '2026-01-01', end: '2026-12-31', timezone: 'UTC' };
  reads.length = 0;
  const examined = prepare(history, { period, now: new Date('2027-01-01T00:00:00Z') });
  return { ...(await evidenceOf(population, examined, store)), reads };
}

const list = call('ListUsers', { MaxItems: 1000 }, 1);
const next = (token: string) => call('ListUsers', { MaxItems: 1000, Marker: token }, 2);
const tags = (name: string) => call('ListUserTags', { UserName: name });

describe('the queries of a population', () => {
  it('are told once each, pages of one together, with the nights that asked them', async () => {
    const { queries } = await evidence([
      [list, tags('ada')],
      [list, next('token of the second night'), tags('ada'), tags('bob')],
      [list, next('token of the third night'), tags('bob')],
      [list, tags('ada'), tags('bob')],
    ]);
    const told = queries.map(({ operation, parameters, pages, nights, from, to }) => [
      operation,
      parameters,
      pages,
      nights,
      from.slice(0, 10),
      to.slice(0, 10),
    ]);
    expect(told).toEqual([
      ['ListUserTags', { UserName: 'ada' }, 1, 3, '2026-01-01', '2026-01-04'],
      ['ListUserTags', { UserName: 'bob' }, 1, 3, '2026-01-02', '2026-01-04'],
      ['ListUsers', { MaxItems: 1000 }, 2, 4, '2026-01-01', '2026-01-04'],
    ]);
    expect(queries[0]).toMatchObject({
      service: 'iam',
      region: 'us-east-1',
      scope: '123456789012',
    });
  });

  it('cost what changed between nights, not nights', async () => {
    const calls = Array.from({ length: 400 }, (_, index) => tags(`user-${index}`));
    const few = await evidence(Array.from({ length: 2 }, () => calls));
    const many = await evidence(Array.from({ length: 12 }, () => calls));
    expect(many.queries).toHaveLength(400);
    expect(many.queries.every(({ nights }) => nights === 12)).toBe(true);
    expect(many.reads.length).toBe(few.reads.length);
    // Each chunk once.
    expect(new Set(many.reads).size).toBe(many.reads.length);
  });
});
