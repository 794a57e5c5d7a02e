import {
  CollectError,
  type Collector,
  defineEvents,
  type GitHubContext,
  timestamp,
  z,
} from '../../../src/plugin.ts';
import { ghost } from '../changes/change.ts';
import {
  countWholes,
  endsBefore,
  firstPage,
  listsOf,
  readLists,
  sinceEarliest,
} from '../changes/lists.ts';
import { refuseFailed } from '../changes/merged.ts';
import { reviewCalls, reviewsOfCommits } from '../changes/reviews.ts';
import { type ListedRepository, listRepositories, repositoryCalls } from '../repositories/list.ts';
import type { GitHubScope } from '../scope.ts';
import { fitsOne } from '../values.ts';
import { deployment } from './schema.ts';

const entry = z.object({
  id: z.string(),
  createdAt: timestamp(),
  environment: z.string().nullable(),
  state: z.string().nullable(),
  commitOid: z.string(),
  ref: z.object({ name: z.string() }).nullable(),
  commit: z.object({ id: z.string() }).nullable(),
  creator: z.object({ login: z.string() }).nullable(),
});

const deploymentsList = listsOf({
  name: 'Deployments',
  what: 'the deployments of a repository',
  permission: 'deployments:read',
  on: 'Repository',
  variables: ', $environments: [String!]',
  text: (page, selection) =>
    `list: deployments(environments: $environments, orderBy: { field: CREATED_AT, direction: DESC }, ${page}) { ${selection} }`,
  entryText:
    'id createdAt environment state commitOid ref { name } commit { id } creator { login }',
  entry,
});
export const { first: deploymentsQuery, more: moreDeploymentsQuery } = deploymentsList;

const environmentsList = listsOf({
  name: 'Environments',
  what: 'the environments of a repository',
  permission: 'actions:read',
  on: 'Repository',
  text: (page, selection) => `list: environments(${page}) { ${selection} }`,
  entryText: 'name protectionRules(first: 20) { nodes { type } }',
  entry: z.object({
    name: z.string(),
    protectionRules: z.object({ nodes: z.array(z.object({ type: z.string() })) }),
  }),
});
export const { first: environmentsQuery, more: moreEnvironmentsQuery } = environmentsList;

const entriesOfNight = 10;
const environmentsAtOnce = 20;

interface Listed {
  deployments: {
    entry: z.output<typeof entry>;
    repository: ListedRepository;
    from: object[];
  }[];
  /** Whether an environment asks for a reviewer, by repository and name; or why that is not told. */
  reviewed: Map<string, Map<string, boolean> | CollectError>;
  /** By the repository's name. */
  failed: Map<string, CollectError>;
  counted: { expected: number; found: number };
}

const deployments = defineEvents<GitHubScope, typeof deployment>({
  name: 'github.deployments',
  version: 1,
  kind: 'events',
  when: 'created',
  level: 'organization',
  title: 'Deployments to production environments, and the reviews of what was deployed',
  fields: deployment,
  calls: {
    ...repositoryCalls,
    ...reviewCalls,
    'graphql:Deployments': 'deployments:read',
    'graphql:MoreDeployments': 'deployments:read',
    'graphql:Environments': 'actions:read',
    'graphql:MoreEnvironments': 'actions:read',
  },
  async collect(github) {
    const repositories = await listRepositories(github);
    const { start, end } = github.interval;
    const all = await sinceEarliest(github, 'deployments', start, (shared, since) =>
      listDeployments(
        shared,
        repositories,
        github.config.production_environments,
        since,
        firstPage(since, github.now(), entriesOfNight),
      ),
    );
    github.tieOut({ by: 'totalCount of the deployments of each repository', ...all.counted });
    const inInterval = all.deployments.filter(({ entry: { createdAt } }) => {
      const at = Date.parse(createdAt);
      return at >= start.getTime() && at < end.getTime();
    });
    const reviews = await reviewsOfCommits(
      github,
      inInterval.flatMap(({ entry: { commit, createdAt }, repository }) =>
        commit === null ? [] : [{ id: commit.id, repository, at: createdAt }],
      ),
    );
    for (const { entry: each, repository, from } of inInterval) {
      const environment = each.environment ?? '';
      const reviewed = all.reviewed.get(repository.id);
      const required = reviewed instanceof Map ? reviewed.get(environment) : undefined;
      const known = {
        uid: each.id,
        name: `${repository.name}@${each.commitOid}`,
        fields: {
          repository: repository.name,
          repository_id: repository.id,
          environment,
          ref: each.ref?.name ?? null,
          sha: each.commitOid,
          created: each.createdAt,
          creator: each.creator?.login ?? ghost,
          ...(required === undefined ? {} : { required_reviewers: required }),
        },
        ...(required === undefined ? { untold: { required_reviewers: untold(reviewed) } } : {}),
        from,
      };
      await github.item(known, async () => {
        if (each.state === null) {
          throw new CollectError(
            'UnreadableResponse',
            'GitHub does not tell the state of a deployment; run again',
          );
        }
        const found = each.commit === null ? undefined : reviews.get(each.commit.id);
        if (found instanceof CollectError) throw found;
        return {
          fields: {
            ...known.fields,
            state: each.state.toLowerCase(),
            pull_request: found?.pull_request ?? null,
            pull_request_reviews: found?.reviews ?? [],
          },
          original: { ...each, reviews: found?.original ?? null },
          from: [...from, ...(found?.from ?? [])],
        };
      });
    }
    refuseFailed(all.failed);
  },
});

function untold(reviewed: Map<string, boolean> | CollectError | undefined): string {
  return reviewed instanceof CollectError
    ? reviewed.message
    : 'the environment is gone, and what it asked for with it';
}

async function listDeployments(
  github: GitHubContext,
  repositories: ListedRepository[],
  patterns: string[],
  since: Date,
  first: number,
): Promise<Listed> {
  const byId = new Map(repositories.map((each) => [each.id, each]));
  const named = patterns.every((pattern) => !/[*?]/.test(pattern));
  const lists = await readLists(github, deploymentsList, [...byId.keys()], {
    first,
    variables: { environments: named ? patterns : null },
    enough: (_, page) =>
      endsBefore(
        page.map(({ createdAt }) => createdAt),
        since,
      ),
  });
  const listed: Listed['deployments'] = [];
  for (const [id, list] of lists.read) {
    const repository = byId.get(id);
    if (repository === undefined || lists.failed.has(id)) continue;
    // A deployment that is made while pages are read moves the others down: each once.
    const entries = new Map(list.entries.map((each) => [each.id, each]));
    for (const each of entries.values()) {
      if (fitsOne(each.environment ?? '', patterns)) {
        listed.push({ entry: each, repository, from: list.from });
      }
    }
  }
  const deployed = [...new Set(listed.map(({ repository }) => repository.id))];
  const environments = await readLists(github, environmentsList, deployed, {
    first: environmentsAtOnce,
    enough: () => false,
  });
  const reviewed: Listed['reviewed'] = new Map(environments.failed);
  for (const [id, { entries }] of environments.read) {
    if (environments.failed.has(id)) continue;
    const asks = entries.map(({ name, protectionRules }): [string, boolean] => [
      name,
      protectionRules.nodes.some(({ type }) => type === 'REQUIRED_REVIEWERS'),
    ]);
    reviewed.set(id, new Map(asks));
  }
  return {
    deployments: listed,
    reviewed,
    failed: new Map([...lists.failed].map(([id, error]) => [byId.get(id)?.name ?? id, error])),
    counted: countWholes(lists.read.values()),
  };
}

const collector: Collector<GitHubScope> = {
  id: 'github.deployments',
  title: 'GitHub deployments',
  datasets: [deployments],
};

export default collector;
