import { describe, expect, it } from 'vitest';
import { createRegistry } from '../../src/collect/registry.ts';
import { type Plugin, timestamp, z } from '../../src/plugin.ts';

const plugin = (over: object = {}, dataset: object = {}): Plugin => ({
  sources: [
    {
      id: 'okta',
      title: 'Okta',
      provider: 'http',
      config: z.strictObject({}),
      calls: { 'GET /api/v1/org': 'okta.orgs.read' },
      connect: async () => ({ identities: [], scopes: [], leftOut: [] }),
    },
  ],
  collectors: [
    {
      id: 'okta.users',
      title: 'Users',
      datasets: [
        {
          name: 'okta.users.list',
          version: 1,
          title: 'Users',
          kind: 'snapshot',
          level: 'organisation',
          fields: z.object({ email: z.string().describe('Address.') }),
          calls: { 'GET /api/v1/users': 'okta.users.read' },
          collect: async () => {},
          ...dataset,
        },
      ],
    },
  ],
  ...over,
});
const create = (...plugins: Plugin[]) =>
  createRegistry(plugins.map((each, index) => ({ from: `plugin ${index}`, plugin: each })));

describe('createRegistry', () => {
  it('knows sources, collectors and datasets by name', () => {
    const registry = create(plugin());
    expect([...registry.sources.keys()]).toEqual(['okta']);
    expect([...registry.datasets.keys()]).toEqual(['okta.users.list']);
  });

  it.each([
    [
      'a call that writes',
      { calls: { 'iam:DeleteUser': 'iam:DeleteUser' } },
      'not a read-only call',
    ],
    ['a POST', { calls: { 'POST /api/v1/users': 'x' } }, 'not a read-only call'],
    ['no calls', { calls: {} }, 'declares no calls'],
    ['a field without description', { fields: z.object({ a: z.string() }) }, 'no description'],
    ['a field that hides the uid', { fields: z.object({ uid: z.string().describe('x') }) }, 'uid'],
    ['a name outside its source', { name: 'aws.iam.users' }, "source's id okta"],
    ['a kind that there is not', { kind: 'stream' }, 'neither snapshot nor events'],
    ['no version', { version: undefined }, 'version'],
    ['a version that is no number', { version: '1' }, 'version'],
  ])('refuses %s', (_why, dataset, message) => {
    expect(() => create(plugin({}, dataset))).toThrowError(
      expect.objectContaining({ code: 'InvalidPlugin', message: expect.stringContaining(message) }),
    );
  });

  const events = (over: object) => ({
    kind: 'events',
    fields: z.object({
      email: z.string().describe('Address.'),
      at: timestamp().describe('When.'),
      ended: timestamp().nullable().optional().describe('When it ended; null: has not.'),
      at_most: z.union([timestamp(), z.string()]).describe('When, or words.'),
    }),
    ...over,
  });

  it.each([
    ['when that names no field', { when: 'happened' }, 'happened is none'],
    ['when that every object has', { when: 'toString' }, 'toString is none'],
    ['when that names a text', { when: 'email' }, 'email is no timestamp()'],
    ['when that may be a text', { when: 'at_most' }, 'at_most is no timestamp()'],
    ['a reach of no days', { reachDays: 0 }, 'reachDays'],
    ['a reach below 0', { reachDays: -1 }, 'reachDays'],
    ['a reach of half a day', { reachDays: 0.5 }, 'reachDays'],
    ['a reach without end', { reachDays: Number.POSITIVE_INFINITY }, 'reachDays'],
    ['a reach in words', { reachDays: '30' }, 'reachDays'],
    ['when of a snapshot', { kind: 'snapshot', when: 'at' }, 'when is for datasets of kind events'],
    ['a reach of a snapshot', { kind: 'snapshot', reachDays: 30 }, 'reachDays is for datasets of'],
  ])('refuses %s', (_why, over, message) => {
    expect(() => create(plugin({}, events(over)))).toThrowError(
      expect.objectContaining({ code: 'InvalidPlugin', message: expect.stringContaining(message) }),
    );
  });

  it.each([[{}], [{ when: 'at' }], [{ when: 'ended', reachDays: 1 }]])(
    'takes events that declare %o',
    (over) => {
      expect(create(plugin({}, events(over))).datasets.size).toBe(1);
    },
  );

  it('finds a description behind wrappers', () => {
    const fields = z.object({ a: z.string().describe('x').nullable().optional() });
    expect(create(plugin({}, { fields })).datasets.size).toBe(1);
  });

  it('refuses the same thing twice, and a collector without its source', () => {
    expect(() => create(plugin(), plugin())).toThrowError(/already a dataset okta.users.list/);
    expect(() => create(plugin({ sources: [] }))).toThrowError(/no source okta/);
  });
});
