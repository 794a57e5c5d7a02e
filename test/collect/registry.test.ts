import { describe, expect, it } from 'vitest';
import { createRegistry } from '../../src/collect/registry.ts';
import { type Plugin, z } from '../../src/plugin.ts';

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

  it('finds a description behind wrappers', () => {
    const fields = z.object({ a: z.string().describe('x').nullable().optional() });
    expect(create(plugin({}, { fields })).datasets.size).toBe(1);
  });

  it('refuses the same thing twice, and a collector without its source', () => {
    expect(() => create(plugin(), plugin())).toThrowError(/already a dataset okta.users.list/);
    expect(() => create(plugin({ sources: [] }))).toThrowError(/no source okta/);
  });
});
