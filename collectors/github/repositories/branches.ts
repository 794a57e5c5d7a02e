/** What applies to each production branch, asked once a run for all datasets. */
import { type Answer, CallError, type Json } from '../../../src/plugin.ts';
import type { GitHubScope } from '../scope.ts';
import { each, ownerAndName, read, refusal, wholeList } from '../values.ts';
import {
  type ProductionBranch,
  type Repository,
  refusedField,
  repositoryListing,
} from './listing.ts';
import { type ClassicNode, moreRules, type RuleNode } from './queries.ts';
import {
  classicSettings,
  protectionSettings,
  protectionShape,
  ruleSettings,
  type Settings,
  strictest,
} from './rules.ts';

const protectionRoute = 'GET /repos/{owner}/{repo}/branches/{branch}/protection';

/** Calls of every dataset that asks what applies to branches. */
export const branchCalls = {
  'graphql:BranchRules': 'metadata:read',
  [protectionRoute]: 'administration:read',
};

/** One thing that applies: a rule of classic protection, or an active ruleset. */
export type Source = { name: string; settings: Settings } & (
  | {
      kind: 'classic';
      adminsBound: boolean;
      /** Undefined where REST alone told of it. */
      node: ClassicNode | undefined;
    }
  | { kind: 'ruleset'; id: string; databaseId: number; of: string }
);

/** What applies to one branch, or why that could not be told. */
export type Held =
  | {
      sources: Source[];
      original: { rules: RuleNode[]; protection?: Json };
      /** What was asked beside the list of repositories. */
      from: Answer[];
    }
  | { untold: string };

/** What applies to the production branches of all repositories in scope, by the branch's id. */
export function heldBranches(github: GitHubScope): Promise<Map<string, Held>> {
  return github.once('branch rules', async (shared) => {
    const scope = { ...github, ...shared };
    const { inScope } = await repositoryListing(scope);
    const branches = inScope.flatMap((repository) =>
      'known' in repository.branches
        ? repository.branches.known.map((branch) => ({ repository, branch }))
        : [],
    );
    const held = new Map<string, Held>();
    await each(branches, async ({ repository, branch }) => {
      held.set(branch.id, await hold(scope, repository, branch));
    });
    return held;
  });
}

/** The strictest of all that applies. */
export function settingsOf(sources: readonly Source[]): Settings {
  return strictest(sources.map(({ settings }) => settings));
}

async function hold(
  github: GitHubScope,
  repository: Repository,
  branch: ProductionBranch,
): Promise<Held> {
  const { rules: first } = branch.node;
  if (first === null) {
    const why = refusedField(repository.errors, 'rules') ?? 'GitHub gives no reason';
    return {
      untold: `the rules of ${branch.name} were not told (${why}); give the token metadata:read`,
    };
  }
  const rules = await wholeList(github, `rules of ${branch.name}`, first, moreRules, {
    id: branch.id,
  });
  const hidden = rules.items.find(({ repositoryRuleset }) => repositoryRuleset === null);
  if (hidden !== undefined) {
    return {
      untold: `a rule ${hidden.type} applies to ${branch.name} by a ruleset that the token may not see; give the token administration:read`,
    };
  }
  const classic = await classicOf(github, repository, branch);
  if ('untold' in classic) return classic;
  const { source, protection, from } = classic;
  return {
    sources: [...(source === undefined ? [] : [source]), ...rulesetsOf(rules.items)],
    original: { rules: rules.items, ...(protection === undefined ? {} : { protection }) },
    from: [...rules.from, ...from],
  };
}

/** Classic protection; that GraphQL names none proves something to who administers it only. */
async function classicOf(
  github: GitHubScope,
  repository: Repository,
  branch: ProductionBranch,
): Promise<{ source?: Source; protection?: Json; from: Answer[] } | { untold: string }> {
  const { branchProtectionRule: node } = branch.node;
  const refused = refusedField(repository.errors, 'branchProtectionRule');
  if (repository.canAdminister && refused === undefined) {
    return node === null ? { from: [] } : { source: classicSource(node), from: [] };
  }
  const values = { ...ownerAndName(repository.name), branch: branch.name };
  try {
    const answer = await github.find(protectionRoute, values, ['Branch not protected']);
    if (answer.body === undefined) return { from: [answer] };
    const told = read(protectionShape, answer.body, `the protection of ${branch.name}`);
    const source: Source =
      node === null
        ? {
            kind: 'classic',
            name: `classic ${branch.name}`,
            settings: protectionSettings(told),
            adminsBound: told.enforce_admins?.enabled ?? false,
            node: undefined,
          }
        : classicSource(node);
    return { source, protection: answer.body, from: [answer] };
  } catch (thrown) {
    if (thrown instanceof CallError && beyondPlan.test(thrown.error)) return { from: [thrown] };
    return { untold: refusal(thrown) };
  }
}

/** How GitHub says that the plan has no protection for private repositories: there is none. */
const beyondPlan = /^Upgrade to GitHub/;

function classicSource(node: ClassicNode): Source {
  return {
    kind: 'classic',
    name: `classic ${node.pattern}`,
    settings: classicSettings(node),
    adminsBound: node.isAdminEnforced,
    node,
  };
}

/** The active rulesets that rules come from; GitHub names a ruleset beside each of its rules. */
export function rulesetsOf(rules: readonly RuleNode[]): Source[] {
  const byRuleset = new Map<string, { rules: RuleNode[]; ruleset: RulesetOfRule }>();
  for (const rule of rules) {
    const ruleset = rule.repositoryRuleset;
    if (ruleset === null || ruleset.enforcement !== 'ACTIVE') continue;
    const known = byRuleset.get(ruleset.id) ?? { rules: [], ruleset };
    known.rules.push(rule);
    byRuleset.set(ruleset.id, known);
  }
  return [...byRuleset.values()].map(({ rules: own, ruleset }) => ({
    kind: 'ruleset',
    name: `${ruleset.source.__typename.toLowerCase()} ruleset ${ruleset.databaseId}`,
    settings: strictest(own.map(ruleSettings)),
    id: ruleset.id,
    databaseId: ruleset.databaseId,
    of: ruleset.source.__typename,
  }));
}

type RulesetOfRule = NonNullable<RuleNode['repositoryRuleset']>;
