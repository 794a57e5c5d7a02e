import { CollectError, type Collector, defineDataset, timestamp, z } from '../../../src/plugin.ts';
import type { GitHubScope } from '../scope.ts';
import { each, ownerAndName, read, refusal, type Told, toldFields, wholeList } from '../values.ts';
import { branchFields } from './branch-fields.ts';
import { branchCalls, type Held, heldBranches, settingsOf } from './branches.ts';
import { bypassCalls, bypassReader } from './bypass.ts';
import {
  codeScanning,
  dependabotAlerts,
  featureCalls,
  featureOf,
  restRepositories,
} from './features.ts';
import {
  listCalls,
  type ProductionBranch,
  type Repository,
  refusedField,
  repositoriesInScope,
  repositoriesWithBranches,
  repositoryListing,
} from './listing.ts';
import { type DeployKeyNode, moreKeys } from './queries.ts';
import * as schema from './schema.ts';

const common = { version: 1, kind: 'snapshot', level: 'organization' } as const;

const visibility = z.enum(['public', 'internal', 'private']);

const repositories = defineDataset<GitHubScope, typeof schema.repository>({
  ...common,
  name: 'github.repositories',
  title: 'Repositories, who can read them and which security features are on',
  fields: schema.repository,
  calls: { ...listCalls, ...featureCalls },
  async collect(github) {
    const inScope = await repositoriesInScope(github);
    const rest = await restRepositories(github);
    await each(inScope, async (repository) => {
      const { id, name, node } = repository;
      const listed = rest.get(id);
      const from = [...repository.from, ...(listed === undefined ? [] : [listed.page])];
      const branches = branchNames(repository);
      const { fields, why } = toldFields({
        default_branch:
          'untold' in branches ? branches : { told: node.defaultBranchRef?.name ?? null },
        production_branches: branches,
        dependabot_alerts: await dependabotAlerts(github, repository, listed?.security),
        dependabot_updates: featureOf(listed?.security, 'dependabot_security_updates'),
        code_scanning: await codeScanning(github, repository, from),
        secret_scanning: featureOf(listed?.security, 'secret_scanning'),
        push_protection: featureOf(listed?.security, 'secret_scanning_push_protection'),
      });
      // What stands in datasets of its own is left to them.
      const { deployKeys: _keys, rulesets: _rulesets, codeowners: _owners, ...own } = node;
      github.emit({
        uid: id,
        name,
        fields: {
          visibility: read(visibility, node.visibility.toLowerCase(), `visibility of ${name}`),
          created: node.createdAt,
          pushed: node.pushedAt,
          ...fields,
        },
        original: { graphql: own, rest: listed?.item ?? null },
        from,
        ...why,
      });
    });
    const { leftOut, unread } = await repositoryListing(github);
    github.tieOut({
      by: 'GET /orgs/{org}/repos',
      expected: rest.size,
      found: inScope.length + leftOut.size + unread.length,
    });
  },
});

function branchNames({ branches }: Repository): Told<string[]> {
  if ('untold' in branches) return { untold: branches.untold.message };
  return { told: branches.known.map(({ name }) => name) };
}

const branchRules = defineDataset<GitHubScope, typeof schema.branchRules>({
  ...common,
  name: 'github.branch_rules',
  title: 'What holds for each production branch, and who may go around it',
  fields: schema.branchRules,
  calls: { ...listCalls, ...branchCalls, ...bypassCalls },
  async collect(github) {
    const inScope = await repositoriesWithBranches(github);
    const held = await heldBranches(github);
    const around = bypassReader(github);
    const branches = inScope.flatMap((repository) =>
      repository.branches.map((branch) => ({ repository, branch })),
    );
    await each(branches, async ({ repository, branch }) => {
      const identity = { uid: branch.id, name: `${repository.name}@${branch.name}` };
      const known = {
        repository: repository.name,
        repository_id: repository.id,
        branch: branch.name,
      };
      const rules = heldBy(held, branch);
      if ('untold' in rules) {
        github.emit({
          ...identity,
          fields: known,
          original: withoutHead(branch),
          from: repository.from,
          untold: Object.fromEntries(
            Object.keys(schema.branchRules.shape)
              .filter((field) => !Object.hasOwn(known, field))
              .map((field) => [field, rules.untold]),
          ),
        });
        return;
      }
      const bypasses = await Promise.all(rules.sources.map((source) => around(repository, source)));
      const { fields, why } = branchFields(rules.sources, bypasses);
      github.emit({
        ...identity,
        fields: { ...known, ...fields },
        original: { ...withoutHead(branch), ...rules.original, bypass: fields.bypass ?? null },
        from: [
          ...repository.from,
          ...rules.from,
          ...bypasses.flatMap((bypass) => ('from' in bypass ? bypass.from : [])),
        ],
        ...why,
      });
    });
  },
});

function heldBy(held: ReadonlyMap<string, Held>, { id, name }: ProductionBranch): Held {
  const rules = held.get(id);
  if (rules !== undefined) return rules;
  throw new CollectError('CollectorFailed', `nobody asked what holds for ${name}`);
}

/** The head moves every day; what holds for the branch does not. */
function withoutHead({ node }: ProductionBranch): object {
  const { target: _head, ...rest } = node;
  return rest;
}

const keyRoute = 'GET /repos/{owner}/{repo}/keys';

const restKey = z.object({
  id: z.int(),
  title: z.string(),
  read_only: z.boolean(),
  enabled: z.boolean().optional(),
  created_at: timestamp(),
});

const deployKeys = defineDataset<GitHubScope, typeof schema.deployKey>({
  ...common,
  name: 'github.deploy_keys',
  title: 'Deploy keys of each repository',
  fields: schema.deployKey,
  calls: {
    ...listCalls,
    'graphql:DeployKeys': 'administration:read',
    [keyRoute]: 'administration:read',
  },
  async collect(github) {
    const inScope = await repositoriesInScope(github);
    const refused = new Map<string, string>();
    await each(inScope, async (repository) => {
      const { id: repository_id, name, canAdminister, node, from } = repository;
      const where = { repository: name, repository_id };
      // To whoever does not administer the repository an empty list proves nothing.
      if (canAdminister && node.deployKeys !== undefined) {
        const keys = await wholeList<DeployKeyNode>(
          github,
          `deploy keys of ${name}`,
          node.deployKeys,
          moreKeys,
          { id: repository_id },
        );
        for (const key of keys.items) {
          github.emit({
            uid: key.id,
            name: `${name} ${key.title}`,
            fields: {
              ...where,
              title: key.title,
              read_only: key.readOnly,
              enabled: key.enabled,
              created: key.createdAt,
            },
            original: key,
            from: [...from, ...keys.from],
          });
        }
        return;
      }
      try {
        for await (const page of github.pages(keyRoute, ownerAndName(name))) {
          for (const item of page.items) {
            const key = read(restKey, item, `a deploy key of ${name}`);
            github.emit({
              uid: `${repository_id}#key-${key.id}`,
              name: `${name} ${key.title}`,
              fields: {
                ...where,
                title: key.title,
                read_only: key.read_only,
                ...(key.enabled === undefined ? {} : { enabled: key.enabled }),
                created: key.created_at,
              },
              original: item,
              from: [page],
            });
          }
        }
      } catch (thrown) {
        refused.set(name, refusal(thrown));
      }
    });
    const [why] = refused.values();
    if (why !== undefined) {
      const names = [...refused.keys()].sort().join(', ');
      throw new CollectError('AccessDenied', `the deploy keys of ${names} are not known: ${why}`);
    }
  },
});

const codeowners = defineDataset<GitHubScope, typeof schema.codeowners>({
  ...common,
  name: 'github.codeowners',
  title: 'CODEOWNERS of each repository, and whether code owners must approve',
  fields: schema.codeowners,
  calls: { ...listCalls, ...branchCalls },
  async collect(github) {
    const inScope = await repositoriesInScope(github);
    const held = await heldBranches(github);
    for (const repository of inScope) {
      const { id: uid, name, node, branches, from } = repository;
      const unread = whyUnread(repository);
      if (unread !== undefined) {
        const known = { uid, name, fields: { repository: name }, from };
        await github.item(known, () => Promise.reject(unread));
        continue;
      }
      const rules = 'known' in branches ? branches.known.map((one) => heldBy(held, one)) : [];
      const { fields, why } = toldFields({ enforced: enforced(rules) });
      const errors = [...(node.codeowners?.errors ?? [])].sort((a, b) => a.line - b.line);
      github.emit({
        uid,
        name,
        fields: {
          repository: name,
          branch: node.defaultBranchRef?.name ?? null,
          exists: node.codeowners !== null,
          errors,
          ...fields,
        },
        original: { codeowners: node.codeowners },
        from: [...from, ...rules.flatMap((one) => ('from' in one ? one.from : []))],
        ...why,
      });
    }
  },
});

/** Whoever may not read the contents is not told that there is a file. */
function whyUnread({ branches, errors }: Repository): CollectError | undefined {
  if ('untold' in branches) return new CollectError(branches.untold.code, branches.untold.message);
  const refused = refusedField(errors, 'codeowners');
  if (refused === undefined) return undefined;
  return new CollectError(
    'AccessDenied',
    `CODEOWNERS was not told (${refused}); give the token contents:read`,
  );
}

/** Whether a code owner must approve on every production branch. */
function enforced(rules: readonly Held[]): Told<boolean> {
  if (rules.length === 0) return { untold: 'no branch matches production_refs' };
  const untold = rules.find((one) => 'untold' in one);
  if (untold !== undefined) return untold;
  return {
    told: rules.every((one) => 'sources' in one && settingsOf(one.sources).codeOwners),
  };
}

const collector: Collector<GitHubScope> = {
  id: 'github.repositories',
  title: 'GitHub repositories, what holds for their branches, and keys',
  datasets: [repositories, branchRules, deployKeys, codeowners],
};

export default collector;
