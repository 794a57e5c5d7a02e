import {
  type Answer,
  CollectError,
  defineEvents,
  type EventsContext,
  type GitHubContext,
  type Interval,
  timestamp,
  z,
} from '../../../src/plugin.ts';
import { reachDays } from '../../reach-days.ts';
import { sinceEarliest } from '../changes/lists.ts';
import { shipsIn } from '../changes/merged.ts';
import { type CommitReviews, reviewCalls, reviewsOfCommits } from '../changes/reviews.ts';
import { type ListedRepository, listRepositories, repositoryCalls } from '../repositories/list.ts';
import type { GitHubScope } from '../scope.ts';
import { each, read } from '../values.ts';
import { withinReach } from './reach.ts';
import { ruleBypass } from './schema.ts';

const listRoute = 'GET /orgs/{org}/rulesets/rule-suites';
const suiteRoute = 'GET /orgs/{org}/rulesets/rule-suites/{rule_suite_id}';

const suite = z.object({
  id: z.int(),
  actor_name: z.string().nullish(),
  before_sha: z.string(),
  after_sha: z.string(),
  ref: z.string(),
  repository_name: z.string(),
  pushed_at: timestamp(),
  result: z.string(),
});
type Suite = z.output<typeof suite>;

const evaluations = z.object({
  rule_evaluations: z.array(
    z.object({ rule_type: z.string(), result: z.string(), enforcement: z.string() }),
  ),
});

export const commitOfQuery = {
  name: 'CommitOf',
  text: `query CommitOf($repository: ID!, $oid: GitObjectID!) {
  node(id: $repository) { ... on Repository { object(oid: $oid) { ... on Commit { id } } } }
}`,
  answer: z.object({
    node: z.object({ object: z.object({ id: z.string().optional() }).nullable() }),
  }),
};

const toldForDays = reachDays['github.rule_bypasses'];

/** A suite about a branch that ships. */
interface Bypass {
  suite: Suite;
  repository: ListedRepository;
  branch: string;
  from: Answer[];
}

type Context = GitHubScope & EventsContext<z.input<typeof ruleBypass>>;

export const ruleBypasses = defineEvents<GitHubScope, typeof ruleBypass>({
  name: 'github.rule_bypasses',
  version: 1,
  kind: 'events',
  when: 'pushed_at',
  reachDays: toldForDays,
  level: 'organization',
  title: 'Pushes to production branches that went around a rule',
  fields: ruleBypass,
  calls: {
    ...repositoryCalls,
    ...reviewCalls,
    [listRoute]: 'organization_administration:write',
    [suiteRoute]: 'organization_administration:write',
    'graphql:CommitOf': 'contents:read',
  },
  async collect(github) {
    const told = withinReach(
      github,
      toldForDays,
      'GitHub tells who went around a rule for a month',
    );
    if (told === undefined) return;
    const suites = await sinceEarliest(github, 'rule suites', told.start, (shared) =>
      listSuites(shared, github.organization),
    );
    const repositories = await listRepositories(github);
    const bypasses = shippedOf(github, told, suites, repositories);
    const commits = new Map<Bypass, string | CollectError | undefined>();
    await each(bypasses, async (bypass) => {
      commits.set(bypass, await commitOf(github, bypass));
    });
    const reviews = await reviewsOfCommits(
      github,
      bypasses.flatMap((bypass) => {
        const id = commits.get(bypass);
        const { repository, branch, suite } = bypass;
        return typeof id === 'string' ? [{ id, repository, branch, at: suite.pushed_at }] : [];
      }),
    );
    await each(bypasses, async (bypass) => {
      const commit = commits.get(bypass);
      const found = typeof commit === 'string' ? reviews.get(commit) : commit;
      await emitBypass(github, bypass, found);
    });
  },
});

async function listSuites(
  github: GitHubContext,
  organization: string,
): Promise<{ suite: Suite; from: Answer[] }[]> {
  const suites = new Map<number, { suite: Suite; from: Answer[] }>();
  const query = { rule_suite_result: 'bypass', time_period: 'month' };
  for await (const page of github.pages(listRoute, { org: organization }, query)) {
    for (const item of page.items) {
      const told = read(suite, item, listRoute);
      if (told.result === 'bypass') suites.set(told.id, { suite: told, from: [page] });
    }
  }
  return [...suites.values()];
}

/** Those of the interval, to branches that ship; the others are noted. */
function shippedOf(
  github: Context,
  { start, end }: Interval,
  suites: { suite: Suite; from: Answer[] }[],
  repositories: ListedRepository[],
): Bypass[] {
  const byName = new Map(repositories.map((each) => [each.name, each]));
  const bypasses: Bypass[] = [];
  let others = 0;
  for (const { suite, from } of suites) {
    const at = Date.parse(suite.pushed_at);
    if (at < start.getTime() || at >= end.getTime()) continue;
    const { repository_name: name, ref } = suite;
    const repository = byName.get(name) ?? byName.get(`${github.organization}/${name}`);
    const branch = ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
    if (repository === undefined || branch === undefined) others += 1;
    else if (!shipsIn(github, repository)(branch)) others += 1;
    else bypasses.push({ suite, repository, branch, from });
  }
  if (others > 0) {
    github.note(
      'LeftOut',
      `${others} ${others === 1 ? 'push' : 'pushes'} went around a rule of a branch that does not ship, of a tag, or in a repository that is not asked`,
    );
  }
  return bypasses;
}

/** Node id of the head after the push; undefined where the branch was deleted by it. */
async function commitOf(
  github: GitHubScope,
  { suite, repository }: Bypass,
): Promise<string | CollectError | undefined> {
  if (/^0+$/.test(suite.after_sha)) return undefined;
  try {
    const variables = { repository: repository.id, oid: suite.after_sha };
    const { data } = await github.query(commitOfQuery, variables);
    return (
      data.node.object?.id ??
      new CollectError(
        'ServiceError',
        'GitHub does not know any more what was pushed; which pull request it came by cannot be told',
      )
    );
  } catch (thrown) {
    if (thrown instanceof CollectError) return thrown;
    throw thrown;
  }
}

async function emitBypass(
  github: Context,
  { suite, repository, branch, from }: Bypass,
  found: CommitReviews | CollectError | undefined,
): Promise<void> {
  const rules = await rulesOf(github, suite);
  const told = 'rules' in rules ? { rules: rules.rules } : {};
  const known = {
    uid: `rule-suite ${suite.id}`,
    name: `${repository.name}@${suite.after_sha}`,
    fields: {
      repository: repository.name,
      branch,
      actor: suite.actor_name || null,
      pushed_at: suite.pushed_at,
      before: suite.before_sha,
      after: suite.after_sha,
      ...told,
    },
    ...('untold' in rules ? { untold: { rules: rules.untold } } : {}),
    from,
  };
  await github.item(known, async () => {
    if (found instanceof CollectError) throw found;
    return {
      fields: {
        ...known.fields,
        pull_request: found?.pull_request ?? null,
        reviews: found?.reviews ?? [],
      },
      original: { ...suite, reviews: found?.original ?? null },
      from: [...from, ...('answer' in rules ? [rules.answer] : []), ...(found?.from ?? [])],
    };
  });
}

/** The rules that were in force and not kept. */
async function rulesOf(
  github: GitHubScope,
  { id }: Suite,
): Promise<{ rules: string[]; answer: Answer } | { untold: string }> {
  try {
    const values = { org: github.organization, rule_suite_id: String(id) };
    const answer = await github.get(suiteRoute, values);
    const { rule_evaluations } = read(evaluations, answer.body, suiteRoute);
    const broken = rule_evaluations.filter(
      ({ result, enforcement }) => result === 'fail' && enforcement === 'active',
    );
    return { rules: [...new Set(broken.map(({ rule_type }) => rule_type))].sort(), answer };
  } catch (thrown) {
    if (thrown instanceof CollectError) return { untold: thrown.message };
    throw thrown;
  }
}
