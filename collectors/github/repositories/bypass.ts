/** Who may go around what applies to a branch; GitHub shows that to few. */
import type { Answer } from '../../../src/plugin.ts';
import type { GitHubScope } from '../scope.ts';
import { ownerAndName, read, refusal, wholeList } from '../values.ts';
import type { Source } from './branches.ts';
import type { BranchedRepository } from './listing.ts';
import {
  type ActorNode,
  moreActors,
  moreForcePushBypasses,
  morePullRequestBypasses,
  moreRulesets,
  type RulesetNode,
} from './queries.ts';
import { type Bypass, classicBypass, restBypass, rulesetBypass, rulesetShape } from './rules.ts';

const rulesetRoute = 'GET /repos/{owner}/{repo}/rulesets/{ruleset_id}';

/** Calls of the dataset that asks who may go around. */
export const bypassCalls = {
  'graphql:Rulesets': 'metadata:read administration:read',
  'graphql:BypassActors': 'metadata:read administration:read',
  'graphql:PullRequestBypasses': 'administration:read',
  'graphql:ForcePushBypasses': 'administration:read',
  [rulesetRoute]: 'metadata:read',
};

/** Who may go around one source, or why that is not told. */
export type Around = { actors: Bypass[]; from: Answer[] } | { untold: string };

/** Asks for each source of one branch; a ruleset is asked for once, however many it applies to. */
export function bypassReader(github: GitHubScope) {
  const asked = new Map<string, Promise<Around>>();
  return async (repository: BranchedRepository, source: Source): Promise<Around> => {
    if (source.kind === 'classic') return ofClassic(github, repository, source);
    const known = asked.get(source.id);
    const around = known ?? ofRuleset(github, repository, source);
    asked.set(source.id, around);
    return around;
  };
}

async function ofClassic(
  github: GitHubScope,
  repository: BranchedRepository,
  { name, adminsBound, node }: Extract<Source, { kind: 'classic' }>,
): Promise<Around> {
  if (node === undefined) {
    return {
      untold: `who may push in spite of the protection of ${repository.name} is told to its administrators only; give the token administration:read`,
    };
  }
  const { id } = node;
  const what = `bypasses of ${name}`;
  const pulls = await wholeList(
    github,
    what,
    node.bypassPullRequestAllowances,
    morePullRequestBypasses,
    { id },
  );
  const pushes = await wholeList(
    github,
    what,
    node.bypassForcePushAllowances,
    moreForcePushBypasses,
    { id },
  );
  return {
    actors: classicBypass(name, adminsBound, [...pulls.items, ...pushes.items]),
    from: [...pulls.from, ...pushes.from],
  };
}

async function ofRuleset(
  github: GitHubScope,
  repository: BranchedRepository,
  source: Extract<Source, { kind: 'ruleset' }>,
): Promise<Around> {
  const { name, databaseId } = source;
  const told = await graphqlActors(github, repository, source);
  if (told !== undefined && provesAll(github, repository, source)) {
    return { actors: rulesetBypass(name, told.items), from: told.from };
  }
  const values = { ...ownerAndName(repository.name), ruleset_id: String(databaseId) };
  try {
    const answer = await github.get(rulesetRoute, values);
    const { bypass_actors: actors } = read(rulesetShape, answer.body, name);
    if (actors === undefined) {
      return {
        untold: `GitHub shows who may bypass ${name} only to those who may change it; use an owner's token, or give the token administration:write`,
      };
    }
    return {
      actors: restBypass(name, actors, told?.items ?? []),
      from: [...(told?.from ?? []), answer],
    };
  } catch (thrown) {
    return { untold: refusal(thrown) };
  }
}

/** Whether an actor that GraphQL leaves out is not there, rather than hidden. */
function provesAll(
  github: GitHubScope,
  repository: BranchedRepository,
  { of }: Extract<Source, { kind: 'ruleset' }>,
): boolean {
  if (of === 'Repository') return repository.canAdminister;
  return of === 'Organization' && github.canAdminister;
}

async function graphqlActors(
  github: GitHubScope,
  repository: BranchedRepository,
  { id, name }: Extract<Source, { kind: 'ruleset' }>,
): Promise<{ items: ActorNode[]; from: Answer[] } | undefined> {
  const { rulesets } = repository.node;
  if (rulesets === null) return undefined;
  let ruleset = rulesets.nodes.find((one) => one.id === id);
  const from: Answer[] = [];
  if (ruleset === undefined && rulesets.pageInfo.hasNextPage) {
    const all = await wholeList<RulesetNode>(
      github,
      `rulesets of ${repository.name}`,
      rulesets,
      moreRulesets,
      { id: repository.id },
    );
    from.push(...all.from);
    ruleset = all.items.find((one) => one.id === id);
  }
  if (!ruleset?.bypassActors) return undefined;
  const actors = await wholeList(
    github,
    `bypass actors of ${name}`,
    ruleset.bypassActors,
    moreActors,
    { id },
  );
  return { items: actors.items, from: [...from, ...actors.from] };
}
