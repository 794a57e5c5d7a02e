import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { branchFields } from '../../../collectors/github/repositories/branch-fields.ts';
import { rulesetsOf, type Source } from '../../../collectors/github/repositories/branches.ts';
import type { Around } from '../../../collectors/github/repositories/bypass.ts';
import type {
  ActorNode,
  ClassicNode,
  RuleNode,
} from '../../../collectors/github/repositories/queries.ts';
import {
  classicBypass,
  classicSettings,
  nothing,
  protectionSettings,
  restBypass,
  ruleSettings,
  rulesetBypass,
  type Settings,
  strictest,
} from '../../../collectors/github/repositories/rules.ts';

const none = { totalCount: 0, pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] };

/** What GitHub writes for a rule of which everything is switched off. */
const classic: ClassicNode = {
  id: 'BPR_1',
  pattern: 'main',
  isAdminEnforced: false,
  requiresApprovingReviews: false,
  requiredApprovingReviewCount: null,
  dismissesStaleReviews: false,
  requireLastPushApproval: false,
  requiresCodeOwnerReviews: false,
  requiresStatusChecks: false,
  requiredStatusCheckContexts: [],
  requiresStrictStatusChecks: false,
  allowsForcePushes: false,
  allowsDeletions: false,
  bypassPullRequestAllowances: none,
  bypassForcePushAllowances: none,
};

function rule(
  type: string,
  parameters: RuleNode['parameters'] = null,
  ruleset: Partial<NonNullable<RuleNode['repositoryRuleset']>> = {},
): RuleNode {
  return {
    type,
    parameters,
    repositoryRuleset: {
      id: 'RRS_1',
      databaseId: 12,
      enforcement: 'ACTIVE',
      source: { __typename: 'Repository' },
      ...ruleset,
    },
  };
}

const pullRequest = (approvals: number) =>
  rule('PULL_REQUEST', {
    requiredApprovingReviewCount: approvals,
    dismissStaleReviewsOnPush: true,
    requireLastPushApproval: false,
    requireCodeOwnerReview: true,
  });

describe('classic protection', () => {
  it('that does not allow force pushes and deletion blocks them', () => {
    expect(classicSettings(classic)).toEqual({
      ...nothing,
      forcePushBlocked: true,
      deletionBlocked: true,
    });
    expect(classicSettings({ ...classic, allowsForcePushes: true, allowsDeletions: true })).toEqual(
      nothing,
    );
  });

  it('without required reviews asks for no pull request, whatever else is set', () => {
    const settings = classicSettings({
      ...classic,
      requiredApprovingReviewCount: 2,
      dismissesStaleReviews: true,
      requiresCodeOwnerReviews: true,
      requireLastPushApproval: true,
    });
    expect(settings).toMatchObject({
      pullRequest: false,
      approvals: 0,
      staleDismissed: false,
      codeOwners: false,
      lastPushApproval: false,
    });
  });

  it('counts no checks that are not required, and is strict for the sake of some only', () => {
    const contexts = { requiredStatusCheckContexts: ['test'], requiresStrictStatusChecks: true };
    expect(classicSettings({ ...classic, ...contexts })).toMatchObject({
      checks: [],
      strict: false,
    });
    expect(classicSettings({ ...classic, ...contexts, requiresStatusChecks: true })).toMatchObject({
      checks: ['test'],
      strict: true,
    });
    expect(
      classicSettings({
        ...classic,
        ...contexts,
        requiresStatusChecks: true,
        requiredStatusCheckContexts: [],
      }),
    ).toMatchObject({ checks: [], strict: false });
  });

  it('reads the same by REST', () => {
    const byGraphql = classicSettings({
      ...classic,
      requiresApprovingReviews: true,
      requiredApprovingReviewCount: 2,
      dismissesStaleReviews: true,
      requireLastPushApproval: true,
      requiresCodeOwnerReviews: true,
      requiresStatusChecks: true,
      requiredStatusCheckContexts: ['test', 'lint'],
      requiresStrictStatusChecks: true,
      allowsDeletions: true,
    });
    const byRest = protectionSettings({
      required_pull_request_reviews: {
        required_approving_review_count: 2,
        dismiss_stale_reviews: true,
        require_last_push_approval: true,
        require_code_owner_reviews: true,
      },
      required_status_checks: { strict: true, contexts: ['test', 'lint'] },
      allow_force_pushes: { enabled: false },
      allow_deletions: { enabled: true },
    });
    expect(byRest).toEqual(byGraphql);
    expect(protectionSettings({})).toEqual(classicSettings(classic));
  });
});

describe('a rule of a ruleset', () => {
  it('of a pull request asks for what its parameters say', () => {
    expect(ruleSettings(pullRequest(2))).toEqual({
      ...nothing,
      pullRequest: true,
      approvals: 2,
      staleDismissed: true,
      codeOwners: true,
    });
  });

  it('of checks asks for them', () => {
    const checks = rule('REQUIRED_STATUS_CHECKS', {
      strictRequiredStatusChecksPolicy: true,
      requiredStatusChecks: [{ context: 'test' }],
    });
    expect(ruleSettings(checks)).toEqual({ ...nothing, checks: ['test'], strict: true });
  });

  it('without its parameters cannot be read', () => {
    for (const type of ['PULL_REQUEST', 'REQUIRED_STATUS_CHECKS']) {
      expect(() => ruleSettings(rule(type))).toThrow(type);
    }
  });

  it.each([
    ['MERGE_QUEUE', { strict: true }],
    ['NON_FAST_FORWARD', { forcePushBlocked: true }],
    ['DELETION', { deletionBlocked: true }],
    ['REQUIRED_SIGNATURES', {}],
  ])('%s asks for %j', (type, expected) => {
    expect(ruleSettings(rule(type))).toEqual({ ...nothing, ...expected });
  });
});

describe('rulesets', () => {
  it('count only while they are active (trap 44)', () => {
    const inactive = ['EVALUATE', 'DISABLED'].map((enforcement) =>
      rule('DELETION', null, { id: `RRS_${enforcement}`, enforcement }),
    );
    expect(rulesetsOf(inactive)).toEqual([]);
  });

  it('of the repository and of the organisation count together, each once', () => {
    const organization = { id: 'RRS_2', databaseId: 34, source: { __typename: 'Organization' } };
    const sources = rulesetsOf([
      rule('DELETION'),
      pullRequest(1),
      rule('NON_FAST_FORWARD', null, organization),
    ]);
    expect(sources.map(({ name }) => name)).toEqual([
      'repository ruleset 12',
      'organization ruleset 34',
    ]);
    expect(sources[0]?.settings).toMatchObject({ deletionBlocked: true, approvals: 1 });
  });
});

const anySettings: fc.Arbitrary<Settings> = fc.record({
  pullRequest: fc.boolean(),
  approvals: fc.nat(6),
  staleDismissed: fc.boolean(),
  lastPushApproval: fc.boolean(),
  codeOwners: fc.boolean(),
  checks: fc.array(fc.constantFrom('test', 'lint', 'scan'), { maxLength: 3 }),
  strict: fc.boolean(),
  forcePushBlocked: fc.boolean(),
  deletionBlocked: fc.boolean(),
});

/** Whether everything that one asks for is asked for by the other too. */
function coversAll(other: Settings, one: Settings): boolean {
  return Object.entries(one).every(([name, value]) => {
    const held = other[name as keyof Settings];
    if (Array.isArray(value)) return value.every((each) => (held as string[]).includes(each));
    return Number(held) >= Number(value);
  });
}

describe('what applies together', () => {
  it('is nothing where nothing applies', () => {
    expect(strictest([])).toEqual(nothing);
  });

  it('is as strict as each part', () => {
    fc.assert(
      fc.property(fc.array(anySettings, { maxLength: 5 }), (all) => {
        const together = strictest(all);
        for (const one of all) expect(coversAll(together, one)).toBe(true);
      }),
    );
  });

  it('is no stricter than some part in each setting', () => {
    fc.assert(
      fc.property(fc.array(anySettings, { minLength: 1, maxLength: 5 }), (all) => {
        const together = strictest(all);
        for (const [name, value] of Object.entries(together)) {
          const parts = all.map((one) => one[name as keyof Settings]);
          if (Array.isArray(value)) expect(parts.flat()).toEqual(expect.arrayContaining(value));
          else expect(parts).toContain(value);
        }
      }),
    );
  });

  it('does not depend on the order', () => {
    fc.assert(
      fc.property(fc.array(anySettings, { maxLength: 5 }), (all) => {
        expect(strictest(all.toReversed())).toEqual(strictest(all));
      }),
    );
  });
});

const actor: ActorNode = {
  actor: null,
  bypassMode: 'ALWAYS',
  deployKey: false,
  enterpriseOwner: false,
  organizationAdmin: false,
  repositoryRoleDatabaseId: null,
  repositoryRoleName: null,
};
const team = { __typename: 'Team', slug: 'release', databaseId: 7 };
const app = { __typename: 'App', slug: 'renovate', databaseId: 8 };

describe('who may go around', () => {
  it('a ruleset is named by kind', () => {
    const actors: ActorNode[] = [
      { ...actor, actor: team, bypassMode: 'PULL_REQUEST' },
      { ...actor, actor: app },
      { ...actor, organizationAdmin: true },
      { ...actor, enterpriseOwner: true },
      { ...actor, deployKey: true },
      { ...actor, repositoryRoleDatabaseId: 5, repositoryRoleName: 'admin' },
      { ...actor, repositoryRoleDatabaseId: 4 },
      actor,
    ];
    const bypass = rulesetBypass('repository ruleset 12', actors);
    expect(bypass.map((one) => one.actor)).toEqual([
      'team release',
      'app renovate',
      'owners',
      'enterprise owners',
      'deploy keys',
      'role admin',
      'role write',
      'unknown',
    ]);
    expect(bypass.map(({ mode }) => mode).slice(0, 2)).toEqual(['pull_request', 'always']);
  });

  it('in a way that GitHub does not say may always do so', () => {
    expect(rulesetBypass('x', [{ ...actor, bypassMode: null }])).toEqual([
      { actor: 'unknown', mode: 'always', by: 'x' },
    ]);
  });

  it('a ruleset is named the same by REST, as far as names are known', () => {
    const rest = [
      { actor_id: 7, actor_type: 'Team', bypass_mode: 'pull_request' },
      { actor_id: 8, actor_type: 'Integration', bypass_mode: 'always' },
      { actor_id: 1, actor_type: 'OrganizationAdmin', bypass_mode: 'always' },
      { actor_id: null, actor_type: 'DeployKey', bypass_mode: 'always' },
      { actor_id: 5, actor_type: 'RepositoryRole', bypass_mode: 'exempt' },
      { actor_id: 99, actor_type: 'Team' },
    ];
    const named = [
      { ...actor, actor: team },
      { ...actor, actor: app },
    ];
    expect(restBypass('x', rest, named)).toEqual([
      { actor: 'team release', mode: 'pull_request', by: 'x' },
      { actor: 'app renovate', mode: 'always', by: 'x' },
      { actor: 'owners', mode: 'always', by: 'x' },
      { actor: 'deploy keys', mode: 'always', by: 'x' },
      { actor: 'role admin', mode: 'exempt', by: 'x' },
      { actor: 'team 99', mode: 'always', by: 'x' },
    ]);
    expect(restBypass('x', rest.slice(0, 1), [])[0]?.actor).toBe('team 7');
  });

  it('classic protection are those that it names, and administrators that it does not bind', () => {
    const allowances = [
      { actor: { __typename: 'User', login: 'bob' } },
      { actor: { __typename: 'Team', slug: 'release' } },
      { actor: { __typename: 'App', slug: 'renovate' } },
      { actor: null },
    ];
    const actors = (bound: boolean) =>
      classicBypass('classic main', bound, allowances).map((one) => one.actor);
    expect(actors(true)).toEqual(['user bob', 'team release', 'app renovate', 'unknown']);
    expect(actors(false)[0]).toBe('owners and administrators');
  });
});

describe('the fields of a branch', () => {
  const classicSource = (adminsBound: boolean): Source => ({
    kind: 'classic',
    name: 'classic main',
    settings: classicSettings(classic),
    adminsBound,
    node: classic,
  });
  const rulesetSource: Source = {
    kind: 'ruleset',
    name: 'repository ruleset 12',
    settings: { ...nothing, approvals: 2 },
    id: 'RRS_1',
    databaseId: 12,
    of: 'Repository',
  };
  const nobody: Around = { actors: [], from: [] };
  const owners: Around = {
    actors: [{ actor: 'owners', mode: 'always', by: 'repository ruleset 12' }],
    from: [],
  };
  const hidden: Around = { untold: 'ask an owner' };

  it('are all told where nothing applies, and no administrator is bound', () => {
    expect(branchFields([], [])).toEqual({
      fields: {
        protected: false,
        sources: [],
        pull_request_required: false,
        approvals: 0,
        stale_dismissed: false,
        last_push_approval: false,
        code_owners_required: false,
        required_checks: [],
        strict_checks: false,
        force_push_blocked: false,
        deletion_blocked: false,
        admins_bound: false,
        bypass: [],
      },
      why: {},
    });
  });

  it('leave out who may go around, where one of the sources hides it (trap 45)', () => {
    const { fields, why } = branchFields([classicSource(true), rulesetSource], [nobody, hidden]);
    expect(fields).not.toHaveProperty('bypass');
    expect(why).toEqual({ untold: { bypass: 'ask an owner' } });
    expect(fields).toMatchObject({ approvals: 2, admins_bound: true, force_push_blocked: true });
  });

  it('leave out whether administrators are bound, where only what is hidden could bind them', () => {
    const { fields, why } = branchFields([classicSource(false), rulesetSource], [nobody, hidden]);
    expect(fields).not.toHaveProperty('admins_bound');
    expect(why.untold).toMatchObject({ admins_bound: 'ask an owner' });
  });

  it('say that administrators are bound, if one source binds them', () => {
    const bound = (sources: Source[], around: Around[]) =>
      branchFields(sources, around).fields.admins_bound;
    expect(bound([classicSource(false)], [nobody])).toBe(false);
    expect(bound([classicSource(false), rulesetSource], [nobody, owners])).toBe(false);
    expect(bound([classicSource(false), rulesetSource], [nobody, nobody])).toBe(true);
    expect(bound([classicSource(true), rulesetSource], [nobody, owners])).toBe(true);
  });

  it('list who may go around in an order of its own', () => {
    const second: Around = { actors: [{ actor: 'app a', mode: 'always', by: 'x' }], from: [] };
    const bypass = (around: Around[]) =>
      branchFields([rulesetSource, rulesetSource], around).fields.bypass;
    expect(bypass([owners, second])).toEqual(bypass([second, owners]));
  });
});
