import { describe, expect, it } from 'vitest';
import { builtin } from '../../collectors/index.ts';
import {
  changeTexts,
  identifiersIn,
  personalDataOf,
  withoutDetails,
} from '../../src/archive/personal.ts';
import type { JsonObject } from '../../src/evidence/json.ts';
import { personal, timestamp, z } from '../../src/plugin.ts';

const fields = z.object({
  login: personal(z.string()).nullable(),
  mails: personal(z.array(z.email())).optional(),
  arn: personal(z.string().nullable(), { part: /:user\/(.+)$/ }),
  seen: personal(timestamp().nullable().optional()),
  tags: personal(z.record(z.string(), z.string())),
  age: personal(z.int()),
  reviews: z.array(z.object({ by: personal(z.string()), state: z.string() })).optional(),
  rights: z.record(z.string(), personal(z.string(), { when: { none: 'here' } })),
  grants: z.array(
    z.object({ to: z.string(), grantee: personal(z.string(), { when: { to: 'person' } }) }),
  ),
  plain: z.string(),
});
const data = personalDataOf({ version: 1, fields, personal: ['name'] });
const told: JsonObject = {
  login: 'alice',
  mails: ['a@example.org', 'b@example.org'],
  arn: 'arn:aws:iam::1:user/carol',
  seen: '2026-01-01T00:00:00Z',
  tags: { team: 'x' },
  age: 40,
  reviews: [{ by: 'dave', state: 'approved' }],
  rights: {},
  grants: [
    { to: 'person', grantee: 'erin' },
    { to: 'team', grantee: 'platform' },
  ],
  plain: 'frank',
};
const record = (over: JsonObject) => ({
  uid: 'u1',
  name: 'Alice A.',
  fields: { ...told, ...over },
});

describe('what is about people in a record', () => {
  it('are the texts that its schema marks, wherever they are', () => {
    expect([...identifiersIn(record({}), data)]).toEqual([
      ...['Alice A.', 'alice', 'a@example.org', 'b@example.org', 'carol', 'dave', 'erin'],
    ]);
  });

  it('is nothing where a field is null, absent, of another type, or is nobody in particular', () => {
    const other = { login: null, mails: 'x', arn: 'arn:aws:iam::1:root', reviews: [], grants: [] };
    expect([...identifiersIn(record(other), data)]).toEqual(['Alice A.']);
  });

  it('is left out where it tells nobody apart', () => {
    const { seen: _seen, tags: _tags, age: _age, ...rest } = told;
    const before = structuredClone(told);
    expect(withoutDetails(told, data)).toEqual(rest);
    expect(told).toEqual(before);
  });
});

describe('texts of a record', () => {
  const schema = z.object({
    max_age: z.int(),
    kind: z.enum(['admin', 'read']),
    role: z.union([z.literal('max'), z.object({ name: z.string() })]),
    owners: z.array(z.string()),
    rights: z.record(z.string(), z.enum(['admin', 'read'])),
    note: z.string(),
  });
  const of = personalDataOf({ version: 1, fields: schema });
  const change = (text: string) => text.replace(/max|admin|read/g, (name) => `<${name}>`);

  it('are changed, but for the words of the schema itself', () => {
    const told = { max_age: 3, kind: 'admin', role: 'max', owners: [], rights: {}, note: 'by max' };
    expect(changeTexts(told, change, of)).toEqual({ ...told, note: 'by <max>' });
    expect(changeTexts({ role: { name: 'max' } }, change, of)).toEqual({ role: { name: '<max>' } });
    expect(changeTexts({ rights: { max: 'read', x: 'admin' } }, change, of)).toEqual({
      rights: { '<max>': 'read', x: 'admin' },
    });
  });

  it('are in lists that something changed in an order that tells nothing', () => {
    const pseudonyms: Record<string, string> = { alice: 'p9', bob: 'p1' };
    const people = (text: string) => pseudonyms[text] ?? text;
    const owners = (...names: string[]) => changeTexts({ owners: names }, people, of).owners;
    expect(owners('alice', 'bob')).toEqual(['p1', 'p9']);
    expect(owners('zoo', 'ape')).toEqual(['zoo', 'ape']);
  });

  it('are changed with all keys where there is no schema, and nothing is lost', () => {
    const alike = (text: string) => text.replace(/alice|bob/, '[person]');
    const told = { owners: ['alice'], 'person bob': { limit: 3, at: null, on: true } };
    expect(changeTexts(told, alike)).toEqual({
      owners: ['[person]'],
      'person [person]': { limit: 3, at: null, on: true },
    });
    const masked = changeTexts({ 'outside alice': 'write', 'outside bob': 'read' }, alike);
    expect(Object.values(masked).sort()).toEqual(['read', 'write']);
    expect(JSON.stringify(masked)).not.toMatch(/alice|bob/);
    expect(changeTexts(['\ud800 alice'], alike)).toEqual(['\ud800 [person]']);
  });
});

/** What is marked in the datasets that are built in: docs/aws.md, docs/github.md. */
it('is marked in the built-in datasets', () => {
  const marked = (builtin.collectors ?? []).flatMap(({ datasets }) =>
    datasets.flatMap((dataset) => {
      const { record: own, marks } = personalDataOf(dataset);
      const of = marks.map(({ path, identifies }) => (identifies ? '' : '-') + path.join('.'));
      return own.length + of.length === 0 ? [] : [`${dataset.name}: ${[...own, ...of].join(' ')}`];
    }),
  );
  expect(marked.sort()).toMatchInlineSnapshot(`
    [
      "aws.iam.credential_report: arn -password_last_used -password_idle_since -keys.*.last_used -keys.*.idle_since",
      "aws.iam.principals: arn",
      "aws.iam.users: arn user_id -tags",
      "aws.iam.virtual_mfa_devices: user_arn",
      "github.changes: author contributors.* merged_by reviews.*.reviewer reviews.*.authors_after.*",
      "github.closed_alerts: closed_by",
      "github.deployments: creator pull_request_reviews.*.reviewer pull_request_reviews.*.authors_after.*",
      "github.external_identities: uid name user_id login name_id",
      "github.grants: grantee grantee_id",
      "github.people: uid name login",
      "github.production_commits: authors.* committer",
      "github.rule_bypasses: actor reviews.*.reviewer reviews.*.authors_after.*",
      "github.settings_changes: actor",
      "github.teams: members.* maintainers.*",
    ]
  `);
});
