import { type Collector, defineDataset, timestamp, z } from '../../../src/plugin.ts';
import type { GitHubScope } from '../scope.ts';
import { read, type Told, toldFields } from '../values.ts';
import { identityProvider, identityProviderCalls } from './identity-provider.ts';
import * as schema from './schema.ts';

const common = { version: 1, kind: 'snapshot', level: 'organization' } as const;

const organizationRoute = 'GET /orgs/{org}';

/** Calls of whoever asks for the organisation's settings. */
export const settingsCalls = {
  [organizationRoute]: 'organization_administration:read organization_plan:read',
};

const settings = z.object({
  login: z.string(),
  node_id: z.string(),
  plan: z.object({ name: z.string() }).nullish(),
  public_repos: z.int().nullish(),
  total_private_repos: z.int().nullish(),
  two_factor_requirement_enabled: z.boolean().nullish(),
  default_repository_permission: z.string().nullish(),
  members_can_create_public_repositories: z.boolean().nullish(),
  members_can_create_private_repositories: z.boolean().nullish(),
  members_can_delete_repositories: z.boolean().nullish(),
  members_can_change_repo_visibility: z.boolean().nullish(),
  members_can_fork_private_repositories: z.boolean().nullish(),
});

/** The organisation's settings, as far as GitHub tells them to who asks; asked once a run. */
export function organizationSettings(github: GitHubScope) {
  const org = github.organization;
  return github.once('organization settings', async (shared) => {
    const answer = await shared.get(organizationRoute, { org });
    return { answer, settings: read(settings, answer.body, `the settings of ${org}`) };
  });
}

const organization = defineDataset<GitHubScope, typeof schema.organization>({
  ...common,
  name: 'github.organization',
  title: 'The organisation: how people prove who they are, and what members may do',
  fields: schema.organization,
  calls: { ...settingsCalls, ...identityProviderCalls },
  async collect(github) {
    const { answer, settings: told } = await organizationSettings(github);
    const saml = await identityProvider(github);
    const { fields, why } = toldFields({
      plan: orUntold(told.plan?.name, 'organization_plan:read'),
      two_factor_required: orUntold(told.two_factor_requirement_enabled),
      saml: 'untold' in saml ? saml : { told: saml.provider !== null },
      base_permission: orUntold(told.default_repository_permission),
      members_can_create_public_repositories: orUntold(told.members_can_create_public_repositories),
      members_can_create_private_repositories: orUntold(
        told.members_can_create_private_repositories,
      ),
      members_can_delete_repositories: orUntold(told.members_can_delete_repositories),
      members_can_change_visibility: orUntold(told.members_can_change_repo_visibility),
      members_can_fork_private_repositories: orUntold(told.members_can_fork_private_repositories),
    });
    github.emit({
      uid: github.organizationId,
      name: told.login,
      fields: { login: told.login, ...fields },
      original: {
        settings: answer.body,
        saml_identity_provider: 'provider' in saml ? saml.provider : null,
      },
      from: 'answer' in saml ? [answer, saml.answer] : [answer],
      ...why,
    });
  },
});

/** GitHub leaves settings out, or gives null, where who asks may not know them. */
function orUntold<Value>(
  value: Value | null | undefined,
  right = 'organization_administration:read',
): Told<Value> {
  if (value !== null && value !== undefined) return { told: value };
  return {
    untold: `GitHub tells it to owners of the organisation only; use an owner's token, or give the App ${right}`,
  };
}

const installationsRoute = 'GET /orgs/{org}/installations';

const installation = z.object({
  id: z.int(),
  app_id: z.int(),
  app_slug: z.string(),
  repository_selection: z.enum(['all', 'selected']),
  permissions: z.record(z.string(), z.string()),
  events: z.array(z.string()),
  created_at: timestamp(),
  suspended_at: timestamp().nullish(),
});

const installedApps = defineDataset<GitHubScope, typeof schema.installedApp>({
  ...common,
  name: 'github.installed_apps',
  title: 'GitHub Apps that are installed in the organisation, and what they may do',
  fields: schema.installedApp,
  calls: { [installationsRoute]: 'organization_administration:read' },
  async collect(github) {
    let listed = 0;
    let counted = 0;
    const org = { org: github.organization };
    for await (const page of github.pages(installationsRoute, org, {}, 'installations')) {
      counted = read(z.object({ total_count: z.int() }), page.body, 'the list of Apps').total_count;
      for (const item of page.items) {
        const app = read(installation, item, 'an installed App');
        listed += 1;
        github.emit({
          // GitHub gives no node id of an installation; its number is never used again.
          uid: `${github.organizationId}#installation-${app.id}`,
          name: app.app_slug,
          fields: {
            slug: app.app_slug,
            app_id: app.app_id,
            repositories: app.repository_selection,
            permissions: Object.entries(app.permissions)
              .map(([permission, level]) => `${permission}:${level}`)
              .sort(),
            events: app.events.toSorted(),
            installed_at: app.created_at,
            suspended: app.suspended_at !== null && app.suspended_at !== undefined,
          },
          original: item,
          from: [page],
        });
      }
    }
    github.tieOut({ by: `total_count of ${installationsRoute}`, expected: counted, found: listed });
  },
});

const collector: Collector<GitHubScope> = {
  id: 'github.organization',
  title: 'GitHub organisation and its Apps',
  datasets: [organization, installedApps],
};

export default collector;
